//! What flags name and the engine does not have: a misspelt name would else decide silently.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Decision, Plan};
use crate::inventory::{ContainerId, Inventory};
use crate::policy::hosts;
use crate::policy::references::Middlewares;
use crate::settings::Settings;
use crate::traefik::labels::suggest::nearest;

/// A name in a flag that nothing has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// The flag.
    pub flag: Flag,
    /// The name, or the pattern.
    pub name: String,
    /// A known one that may be meant.
    pub near: Option<String>,
}

/// A flag that names something of the engine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// `--traefik`: a container.
    Traefik,
    /// `--egress`: a container.
    Egress,
    /// `--network`: a network, by its name or by the one that it has in a project.
    Network,
    /// `--proxy-network`: a pattern of networks' names.
    ProxyNetwork,
    /// `--share-middleware`: an owner and a middleware.
    ShareMiddleware,
    /// `--isolation-of`: an owner.
    IsolationOf,
}

impl Plan {
    /// The host most like one that nobody names.
    pub fn nearest_host(&self, host: &str) -> Option<String> {
        let rules = self.routes.iter().filter_map(|route| self.rule(route)?.ok());
        let mut known: BTreeSet<String> =
            rules.flat_map(|rule| hosts::patterns(rule.hosts()).collect::<Vec<_>>()).collect();
        known.extend(self.decided().flat_map(|it| it.hosts.iter().cloned()));
        nearest(host, known.iter().map(String::as_str)).map(str::to_owned)
    }
}

/// The network's name in its project.
const SHORT: &str = "com.docker.compose.network";

/// All of them, by flag and name.
pub(super) fn unknown(
    inventory: &Inventory,
    decisions: &BTreeMap<ContainerId, Arc<Decision>>,
    middlewares: &Middlewares<'_>,
    settings: &Settings,
) -> Vec<Unknown> {
    let containers = || decisions.values().map(|it| it.name.as_str());
    let networks = || inventory.networks.values();
    let owners = || decisions.values().map(|it| it.owner.as_str());
    let traefik = || inventory.containers.values().find(|it| it.image.contains("traefik")).map(|it| it.name.as_str());
    let mut all = Vec::new();
    let mut see = |flag, name: &str, near: Option<&str>| {
        all.push(Unknown { flag, name: name.to_owned(), near: near.map(str::to_owned) });
    };
    for name in settings.traefiks.iter().filter(|name| !containers().any(|it| it == *name)) {
        see(Flag::Traefik, name, nearest(name, containers()).or_else(traefik));
    }
    for name in settings.egresses.keys().filter(|name| !containers().any(|it| it == *name)) {
        see(Flag::Egress, name, nearest(name, containers()));
    }
    let names = || networks().map(|it| it.name.as_str());
    let is_called = |wanted: &str| {
        let short = networks().filter_map(|it| it.labels.get(SHORT)).map(String::as_str);
        let rest = names().filter_map(|it| it.strip_suffix(wanted)).any(|rest| rest.is_empty() || rest.ends_with('_'));
        rest || short.into_iter().any(|it| it == wanted)
    };
    for name in settings.network.iter().filter(|name| !is_called(name)) {
        see(Flag::Network, name, nearest(name, names()));
    }
    for glob in settings.proxy_networks.iter().filter(|glob| !names().any(|it| glob.matches(it))) {
        see(Flag::ProxyNetwork, glob.as_str(), nearest(glob.as_str(), names()));
    }
    for shared in settings.share_middlewares.iter().filter(|it| !middlewares.declares(&it.owner, &it.name)) {
        let name = format!("{}.{}", shared.owner, shared.name);
        let known = middlewares.names();
        see(Flag::ShareMiddleware, &name, nearest(&name, known.iter().map(String::as_str)));
    }
    for owner in settings.isolation_of.keys().filter(|owner| !owners().any(|it| it == *owner)) {
        see(Flag::IsolationOf, owner, nearest(owner, owners()));
    }
    all
}
