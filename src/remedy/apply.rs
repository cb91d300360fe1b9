//! Edits on an inventory: what the engine would say once the edited projects were up again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::compiled::Services;
use super::edit::{Change, Edit, NewNetwork, ServiceNetwork, What};
use crate::inventory::{Attachment, Container, ContainerId, Inventory, Network, NetworkId};
use crate::policy::leeward_labels::HOSTS;
use crate::policy::rules::capability;

/// The addresses of places that are still to be given: the upper half of the range for benchmarks (RFC 2544).
const MADE_UP: std::ops::Range<u32> = 0xC613_0000..0xC614_0000;

/// The inventory after `docker compose up -d` of the edited projects. Containers keep their ids, so that both can be
/// compared. Time: what the edits touch, and one copy.
pub fn apply(inventory: &Inventory, edits: &[Edit], services: &Services) -> Inventory {
    let mut after = inventory.clone();
    let mut addresses = Addresses::of(inventory);
    let mut touched: BTreeSet<ContainerId> = BTreeSet::new();
    for edit in edits {
        let What::Network(network) = &edit.what else { continue };
        let id = NetworkId::from(format!("new:{}", network.name).as_str());
        after.networks.insert(id.clone(), declared(network, &id, edit.owner.group()));
        let Some(old) = &network.replaces else { continue };
        for member in services.of_owner(&edit.owner) {
            let Some(container) = after.container_mut(member.as_str()) else { continue };
            let Some(attachment) = container.attachments.remove(old) else { continue };
            // The new network has no IPv6, so no address of that kind is kept.
            let fixed: Box<[IpAddr]> = attachment.fixed.iter().copied().filter(IpAddr::is_ipv4).collect();
            let ipv4 = fixed.first().copied().or_else(|| addresses.next());
            let moved = Attachment {
                network: network.name.clone(),
                network_id: id.clone(),
                ipv4: attachment.ipv4.and(ipv4),
                ipv6: None,
                fixed,
                ..*attachment
            };
            container.attachments.insert(network.name.clone(), moved.into());
            touched.insert(member.clone());
        }
    }
    for edit in edits {
        let What::Bind(binding) = &edit.what else { continue };
        for network in after.networks.values_mut().filter(|network| network.name == binding.network) {
            network.labels.insert(HOSTS.to_owned(), binding.hosts.clone());
        }
    }
    let by_name: BTreeMap<String, NetworkId> =
        after.networks.values().rev().map(|network| (network.name.clone(), network.id.clone())).collect();
    for edit in edits {
        let What::Service { name, change } = &edit.what else { continue };
        for member in services.of(&edit.owner, name) {
            let Some(container) = after.container_mut(member.as_str()) else { continue };
            match change {
                Change::Attach(entry) => {
                    let id = by_name.get(&entry.network).cloned();
                    let runs = !matches!(container.state.as_str(), "exited" | "created" | "dead");
                    let ipv4 = if runs { addresses.next() } else { None };
                    container.attachments.insert(entry.network.clone(), attached(entry, name, id, ipv4).into());
                    touched.insert(member.clone());
                }
                Change::Detach(network) => {
                    container.attachments.remove(network);
                    touched.insert(member.clone());
                }
                _ => change_service(container, change),
            }
        }
    }
    let leads_out: BTreeSet<String> = {
        let is_inside =
            |network: &Network| crate::policy::namespaces::verified_internal(network, &after.engine).is_ok();
        after.networks.values().filter(|network| !is_inside(network)).map(|network| network.name.clone()).collect()
    };
    for id in touched {
        let Some(container) = after.container_mut(id.as_str()) else { continue };
        if !container.attachments.contains_key(&container.network_mode) {
            container.network_mode = container.attachments.keys().next().cloned().unwrap_or_default();
        }
        // The engine publishes nothing of a container that is on internal networks alone.
        if container.attachments.keys().any(|network| leads_out.contains(network)) {
            let live = container.port_bindings.clone();
            container.ports.extend(live);
        } else {
            container.ports.clear();
        }
    }
    after
}

fn declared(network: &NewNetwork, id: &NetworkId, project: Option<&str>) -> Network {
    let mut labels = network.labels.clone();
    if let Some(project) = project {
        labels.insert("com.docker.compose.project".to_owned(), project.to_owned());
        labels.insert("com.docker.compose.network".to_owned(), network.key.clone());
    }
    Network {
        id: id.clone(),
        name: network.name.clone(),
        driver: network.driver.clone(),
        scope: if network.driver == "overlay" { "swarm" } else { "local" }.to_owned(),
        internal: true,
        options: network.options.clone(),
        labels,
        subnets: network.subnets.clone(),
        ..Network::default()
    }
}

fn attached(entry: &ServiceNetwork, service: &str, id: Option<NetworkId>, ipv4: Option<IpAddr>) -> Attachment {
    let fixed = |wanted: fn(&IpAddr) -> bool| entry.addresses.iter().copied().find(wanted);
    Attachment {
        network: entry.network.clone(),
        network_id: id.unwrap_or_else(|| NetworkId::from(entry.network.as_str())),
        ipv4: fixed(IpAddr::is_ipv4).or(ipv4),
        ipv6: fixed(IpAddr::is_ipv6),
        aliases: entry.aliases.iter().cloned().chain([service.to_owned()]).collect(),
        fixed: entry.addresses.clone(),
    }
}

/// All but what needs to know the networks.
fn change_service(container: &mut Container, change: &Change) {
    let confinement = &mut container.confinement;
    match change {
        Change::Attach(_) | Change::Detach(_) => {}
        Change::DropNetworkMode => container.network_mode.clear(),
        Change::DropPorts { expose } => {
            container.port_bindings.clear();
            container.publish_all_ports = false;
            container.ports.values_mut().for_each(Vec::clear);
            container.exposed_ports.extend(expose.iter().cloned());
        }
        Change::Label { key, value } => drop(container.labels.insert(key.clone(), value.clone())),
        Change::DropCapability(name) => drop(confinement.cap_drop.insert(name.clone())),
        Change::KeepCapability(name) => confinement.cap_add.retain(|it| capability(it) != *name),
        Change::Sysctl { key, value } => drop(confinement.sysctls.insert(key.clone(), value.clone())),
        Change::DropPrivileged => confinement.privileged = false,
        Change::DropPid => confinement.pid_mode.clear(),
        Change::DropIpc => confinement.ipc_mode.clear(),
        Change::DropSecurity(entry) => {
            confinement.security_opt.retain(|it| it != entry);
            if entry.contains("apparmor") && confinement.apparmor_profile == "unconfined" {
                confinement.apparmor_profile.clear();
            }
            if entry.contains("systempaths") {
                confinement.masked_paths = None;
                confinement.readonly_paths = None;
            }
        }
    }
}

/// Addresses that nobody has.
struct Addresses {
    taken: BTreeSet<IpAddr>,
    left: std::ops::Range<u32>,
}

impl Addresses {
    fn of(inventory: &Inventory) -> Self {
        let attachments =
            inventory.containers.values().map(Arc::as_ref).flat_map(|container| container.attachments.values());
        Self { taken: attachments.filter_map(|it| it.ipv4).collect(), left: MADE_UP }
    }

    fn next(&mut self) -> Option<IpAddr> {
        let taken = &self.taken;
        self.left.by_ref().map(|address| IpAddr::V4(address.into())).find(|address| !taken.contains(address))
    }
}
