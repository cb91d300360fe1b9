//! Step 4: which networks Traefik reaches backends on, and which of them it takes for a container.

use std::collections::{BTreeMap, BTreeSet};

use super::namespaces::{Namespace, Namespaces};
use super::provenance::OperatorLabels;
use super::refusal::{Code, Refusal};
use crate::inventory::{Attachment, Container, ContainerId, Inventory, Network, NetworkId};
use crate::settings::{Isolation, Settings};

/// The label that declares a container to be a Traefik; its value is `true`.
pub const TRAEFIK: &str = "leeward.traefik";
/// The label that makes a network a proxy network; its value is `true`.
pub const PROXY: &str = "leeward.proxy";

/// The networks that backends are reached on.
#[derive(Clone, Debug, Default)]
pub struct ProxyNetworks<'a> {
    /// How they were found.
    pub how: How,
    /// Them, each with its place in the order of preference: lower is better.
    networks: BTreeMap<&'a NetworkId, (usize, &'a Network)>,
    /// The declared Traefiks on each network, proxy network or not, by name.
    traefiks: BTreeMap<&'a NetworkId, BTreeSet<&'a str>>,
    isolation: Isolation,
    preferred: Option<&'a str>,
}

/// What made networks proxy networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum How {
    /// `--proxy-network`.
    Flag,
    /// The networks' label `leeward.proxy=true`.
    Label,
    /// They are internal, and a declared Traefik is on them.
    Shared,
    /// They are internal; no Traefik is declared, so it may be on the host.
    #[default]
    Internal,
}

/// The network on which a container is reached.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    /// The network.
    pub network: &'a Network,
    /// The place on it; of the container whose namespace it rides in, if it does. Always with an address, unless the
    /// container is not running.
    pub attachment: &'a Attachment,
    /// What stands against it, where `--isolation warn` lets it pass.
    pub overruled: Option<Refusal>,
}

/// The containers that are a declared Traefik: by `leeward.traefik=true` of the operator's, or by `--traefik NAME`.
pub fn traefiks<'a>(
    inventory: &'a Inventory,
    labels: &BTreeMap<&'a ContainerId, OperatorLabels<'a>>,
    settings: &Settings,
) -> BTreeSet<&'a ContainerId> {
    inventory
        .containers
        .iter()
        .filter(|(id, container)| {
            settings.traefiks.contains(&container.name)
                || labels.get(id).and_then(|labels| labels.get(TRAEFIK)).is_some_and(is_true)
        })
        .map(|(id, _)| id)
        .collect()
}

/// Whether a label's value says yes.
pub fn is_true(value: &str) -> bool {
    matches!(value, "true" | "1" | "True" | "TRUE" | "t" | "T")
}

impl<'a> ProxyNetworks<'a> {
    /// Finds the proxy networks: those that `--proxy-network` names; else those labelled `leeward.proxy=true`; else
    /// the internal ones that a declared Traefik shares with anything but Leeward; else every internal one.
    ///
    /// Under `--isolation warn` also networks that are not internal, where a flag, a label or a Traefik says so.
    pub fn of(
        inventory: &'a Inventory,
        namespaces: &Namespaces<'a>,
        traefiks: &BTreeSet<&'a ContainerId>,
        settings: &'a Settings,
    ) -> Self {
        let mut on: BTreeMap<&NetworkId, BTreeSet<&str>> = BTreeMap::new();
        for id in traefiks {
            let (Some(container), Some(namespace)) = (inventory.containers.get(*id), namespaces.get(id)) else {
                continue;
            };
            for network in namespace.edges.iter().filter_map(|edge| edge.network) {
                on.entry(&network.id).or_default().insert(&container.name);
            }
        }
        let lenient = matches!(settings.isolation, Isolation::Warn | Isolation::Off);
        let fits = |network: &Network| lenient || namespaces.wall(&network.id).is_ok();
        let all = || inventory.networks.values();
        let labelled = |network: &Network| network.labels.get(PROXY).is_some_and(|value| is_true(value));
        let rank = |network: &Network| settings.proxy_networks.iter().position(|glob| glob.matches(&network.name));

        let (how, networks): (How, Vec<(usize, &Network)>) = if !settings.proxy_networks.is_empty() {
            (How::Flag, all().filter_map(|network| Some((rank(network)?, network))).collect())
        } else if all().any(labelled) {
            (How::Label, all().filter(|network| labelled(network)).map(|network| (0, network)).collect())
        } else if !traefiks.is_empty() {
            let used = |network: &&Network| {
                let members = namespaces.members(&network.id);
                on.contains_key(&network.id)
                    && fits(network)
                    && members.iter().any(|member| !traefiks.contains(&member.id) && !is_leeward(member))
            };
            (How::Shared, all().filter(used).map(|network| (0, network)).collect())
        } else {
            (How::Internal, all().filter(|network| namespaces.wall(&network.id).is_ok()).map(|n| (0, n)).collect())
        };
        Self {
            how,
            networks: networks.into_iter().map(|(rank, network)| (&network.id, (rank, network))).collect(),
            traefiks: on,
            isolation: settings.isolation,
            preferred: settings.network.as_deref(),
        }
    }

    /// Whether a network is one of them.
    pub fn contains(&self, network: &NetworkId) -> bool {
        self.networks.contains_key(network)
    }

    /// Them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &'a Network> {
        self.networks.values().map(|(_, network)| *network)
    }

    /// The names of the declared Traefiks on a network; what `GET /config/{traefik}` holds is what is on a network
    /// that this Traefik is on.
    pub fn traefiks_on(&self, network: &NetworkId) -> impl Iterator<Item = &'a str> {
        self.traefiks.get(network).into_iter().flatten().copied()
    }

    /// Picks the network on which `container` is reached.
    ///
    /// `wanted` is the label that names one, whole key and value (`traefik.docker.network`); it accepts the network's
    /// name, or the name that Compose knows it by in the container's own `project`. It picks among proxy networks and
    /// never leads outside them. With several left: `--network`, the order of `--proxy-network`, the name.
    ///
    /// Errors: not on a proxy network or without an address there (NET-009); on several and nothing says which.
    pub fn choose(
        &self,
        container: &Container,
        namespace: &Namespace<'a>,
        wanted: Option<(&str, &str)>,
        project: Option<&str>,
    ) -> Result<Choice<'a>, Refusal> {
        let _ = (container, namespace, wanted, project, self.isolation, self.preferred);
        Err(Refusal::new(Code::NoProxyNetwork, "", ""))
    }
}

/// Whether it looks like Leeward itself. Decides only what is said, never what is routed.
pub fn is_leeward(container: &Container) -> bool {
    let repository = container.image.split('@').next().unwrap_or_default();
    let last = repository.rsplit('/').next().unwrap_or_default();
    last.split(':').next() == Some("leeward")
}
