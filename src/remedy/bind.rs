//! Hosts bound to the networks over which they are claimed today, so that nobody else can claim them.

use std::collections::{BTreeMap, BTreeSet};

use super::edit::{Binding, Edit, ServiceNetwork, What};
use super::names::is_writable;
use super::networks::aliases;
use super::rules::refusals;
use super::search::MOST_ROUNDS;
use crate::inventory::{Container, ContainerId, Inventory, Network};
use crate::plan::{self, Outcome, Protocol};
use crate::policy::hosts;
use crate::policy::leeward_labels::HOSTS;
use crate::policy::names::Owner;
use crate::settings::Settings;

/// The bindings that leave everybody who is routed as he is: of every network over which one of `wanted` is reached, and of
/// those whose containers would be refused because of that. `before`: what there is now; a network that is there already is
/// recreated. `front`: whose networks that no project makes are.
pub(super) fn bindings(
    before: &Inventory,
    after: &Inventory,
    settings: &Settings,
    wanted: &BTreeSet<ContainerId>,
    front: &Owner,
) -> Vec<Edit> {
    let today = plan::compile(after, settings);
    let mut hosts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let is_open = |name: &str| after.network_named(name).is_some_and(|network| !network.labels.contains_key(HOSTS));
    let reached = today.routes.iter().flat_map(|route| route.backends.iter().map(move |backend| (route, backend)));
    let of_wanted: BTreeSet<&str> = reached
        .clone()
        .filter(|(_, backend)| wanted.contains(&backend.id) && is_open(&backend.network))
        .map(|(_, backend)| backend.network.as_str())
        .collect();
    // Everybody's on these: on a network that is bound nobody may claim anything else.
    for (route, backend) in reached.filter(|(_, backend)| of_wanted.contains(backend.network.as_str())) {
        let claimed = match route.protocol {
            Protocol::Udp => BTreeSet::from(["*".to_owned()]),
            protocol => hosts::to_bind(protocol == Protocol::Http, &route.rule),
        };
        hosts.entry(backend.network.clone()).or_default().extend(claimed);
    }
    for _ in 0..MOST_ROUNDS {
        let mut bound = after.clone();
        for network in bound.networks.values_mut() {
            if let Some(hosts) = hosts.get(&network.name) {
                network.labels.insert(HOSTS.to_owned(), list(hosts));
            }
        }
        let then = plan::compile(&bound, settings);
        let was_routed = |id: &&ContainerId| today.decisions.get(*id).is_some_and(|it| it.outcome == Outcome::Routed);
        let mut more = false;
        for (_, decision) in then.decisions.iter().filter(|(id, _)| was_routed(id)) {
            for (network, rights) in refusals(decision).filter_map(hosts::bind_of) {
                let own = hosts.entry(network.to_owned()).or_default();
                let there = own.len();
                own.extend(rights.iter().cloned());
                more |= own.len() > there;
            }
        }
        if !more {
            break;
        }
    }
    hosts.into_iter().filter_map(|(name, hosts)| edit(before, after.network_named(&name)?, &hosts, front)).collect()
}

fn list(hosts: &BTreeSet<String>) -> String {
    hosts.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

fn edit(before: &Inventory, network: &Network, hosts: &BTreeSet<String>, front: &Owner) -> Option<Edit> {
    let label = |key: &str| network.labels.get(key).filter(|it| is_writable(it)).cloned();
    let own = label("com.docker.compose.project").zip(label("com.docker.compose.network"));
    let (owner, key) = own.map_or_else(|| (front.clone(), None), |(project, key)| (Owner::Group(project), Some(key)));
    if !is_writable(&network.name) {
        return None;
    }
    let is_there = before.network_named(&network.name).is_some();
    let on = |container: &&Container| {
        is_there
            && container.is_running()
            && container.attachments.contains_key(&network.name)
            && is_writable(&container.name)
    };
    let members = before.containers.values().map(|it| &**it).filter(on).filter_map(|container| {
        let place = container.attachments.get(&network.name)?;
        let service = container.labels.get("com.docker.compose.service").map_or("", String::as_str);
        let mut names = aliases(container, "", place);
        names.extend(Some(service).filter(|it| is_writable(it)).map(str::to_owned));
        let entry = ServiceNetwork { network: network.name.clone(), aliases: names, addresses: place.fixed.clone() };
        Some((container.name.clone(), entry))
    });
    let binding = Binding {
        network: network.name.clone(),
        key,
        hosts: list(hosts),
        is_there,
        driver: network.driver.clone(),
        options: network.options.clone(),
        labels: network
            .labels
            .iter()
            .filter(|(key, _)| key.starts_with("leeward."))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        subnets: network.subnets.clone(),
        members: members.collect(),
    };
    Some(Edit { owner, what: What::Bind(binding) })
}
