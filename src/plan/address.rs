//! Where a container is reached: the address and the port that go into its servers.
//!
//! Source: Traefik `pkg/provider/docker/config.go` (`getIPPort`, `getIPAddress`, `getPortBinding`) and `shared.go`
//! (`getPort`). Two differences, both on purpose: the pick among several networks is by name, never random; and a
//! container whose ports the engine does not show (all its networks internal) is reached at the lowest port that it
//! exposes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::inventory::{Attachment, Binding, Container, Inventory, with_zone};
use crate::policy::cause::{Few, Unreached};
use crate::settings::Settings;
use crate::traefik::labels;

/// How deep `network_mode: container:` may be nested before we stop following.
const MAX_SHARED: usize = 8;

/// An address as Traefik writes it, and the network it is on (empty where none applies).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// `172.30.0.10`, `fd00::5`, or a host address.
    pub(crate) host: String,
    /// The network's name.
    pub(crate) network: String,
}

/// The address of an attachment: IPv4, else global IPv6.
pub(crate) fn of_attachment(attachment: &Attachment) -> Option<IpAddr> {
    attachment.ipv4.or(attachment.ipv6)
}

/// Where Traefik's own provider reaches a container (`--isolation off`), any network and mode allowed.
///
/// `wanted` is the network the container's label or `--network` names; it is taken if the container is on it, and
/// then only it. Errors: no address there, or none at all.
pub(crate) fn anywhere(
    inventory: &Inventory,
    container: &Container,
    wanted: Option<&str>,
    settings: &Settings,
) -> Result<Place, Unreached> {
    let mut container = container;
    let mut wanted = wanted.map(ToOwned::to_owned).filter(|name| !name.is_empty());
    for _ in 0..MAX_SHARED {
        if let Some(attachment) = wanted.as_ref().and_then(|name| container.attachments.get(name)) {
            return place(attachment).ok_or_else(|| Unreached::NoAddressOn(attachment.network.clone()));
        }
        if container.network_mode == "host" {
            return Ok(Place { host: host_address(inventory, container), network: "host".to_owned() });
        }
        let Some(shared) = container.network_mode.strip_prefix("container:") else {
            return first(container);
        };
        let owner = inventory.containers.get(shared).map(Arc::as_ref).or_else(|| named(inventory, shared));
        let Some(owner) = owner.or_else(|| inventory.with_short_id(shared)) else {
            return Err(Unreached::SharesUnknown(shared.to_owned()));
        };
        // The owner of the network decides by its own label, else by `--network`, else by the rider's label.
        let own = labels::provider(&owner.labels, settings.exposed_by_default, owner.swarm.is_some())
            .map_err(|problem| Unreached::SharesMislabelled { container: owner.name.clone(), reason: problem.reason })?
            .network
            .or_else(|| settings.network.clone())
            .filter(|name| !name.is_empty());
        wanted = own.or(wanted);
        container = owner;
    }
    Err(Unreached::TooDeep { most: MAX_SHARED })
}

/// The first network by name that it has an address on.
fn first(container: &Container) -> Result<Place, Unreached> {
    let on_none = container.attachments.is_empty();
    let found = container.attachments.values().find_map(|attachment| place(attachment));
    found.ok_or(if on_none { Unreached::NoNetwork } else { Unreached::NoAddress })
}

fn place(attachment: &Attachment) -> Option<Place> {
    of_attachment(attachment).map(|ip| Place { host: ip.to_string(), network: attachment.network.clone() })
}

fn named<'a>(inventory: &'a Inventory, name: &str) -> Option<&'a Container> {
    let name = name.strip_prefix('/').unwrap_or(name);
    inventory.containers.values().map(Arc::as_ref).find(|container| container.name == name)
}

/// Where a container in host mode is reached: its Swarm node, else the engine's host as Leeward resolved it, else
/// loopback.
fn host_address(inventory: &Inventory, container: &Container) -> String {
    container
        .swarm
        .as_ref()
        .and_then(|swarm| swarm.node_ip.clone())
        .filter(|ip| !ip.is_empty())
        .or_else(|| inventory.engine.host_address.clone())
        .unwrap_or_else(|| "127.0.0.1".to_owned())
}

/// The port a server listens on: the label's, else the lowest that the engine shows, else the lowest it exposes, where the
/// engine shows none because all its networks are internal (not for `host` and `container:`, which Traefik leaves out).
pub(crate) fn port(container: &Container, label: Option<&str>) -> Option<String> {
    if let Some(label) = label.filter(|label| !label.is_empty()) {
        return Some(label.to_owned());
    }
    let own = has_own_network(container);
    lowest(container.ports.keys())
        .or_else(|| lowest(container.exposed_ports.iter().filter(|_| own)))
        .map(|port| port.to_string())
}

/// The ports that a container says it listens on, of TCP or of UDP.
///
/// What is published was exposed by that alone, whatever the image listens on; so it counts only for the port that it is
/// published on, which may have been taken for the container's.
#[derive(Debug, Default)]
pub(crate) struct Exposed {
    all: BTreeSet<u16>,
    /// Those that are not published.
    by_image: Vec<u16>,
    /// The others, by the port of the host.
    published: BTreeMap<u16, Vec<u16>>,
}

impl Exposed {
    /// Nothing where one of them is no number.
    pub(crate) fn of(container: &Container, is_udp: bool) -> Self {
        let mut exposed = Self::default();
        for key in &container.exposed_ports {
            let (number, kind) = key.split_once('/').unwrap_or((key, "tcp"));
            if kind.eq_ignore_ascii_case("udp") == is_udp {
                let Ok(port) = number.parse() else { return Self::default() };
                if exposed.all.insert(port) {
                    exposed.add(port, container.port_bindings.get(key));
                }
            }
        }
        exposed
    }

    fn add(&mut self, port: u16, bindings: Option<&Vec<Binding>>) {
        let Some(bindings) = bindings else { return self.by_image.push(port) };
        let hosts: BTreeSet<u16> = bindings.iter().filter_map(|binding| binding.host_port.parse().ok()).collect();
        for host in hosts {
            self.published.entry(host).or_default().push(port);
        }
    }

    /// A few of them, where `port` is not among them.
    pub(crate) fn without(&self, port: u16) -> Option<Few<u16>> {
        let published = self.published.get(&port).map_or(&[][..], Vec::as_slice);
        let others = Few::of_all(self.by_image.iter().chain(published).copied());
        Some(others).filter(|others| !others.is_empty() && !self.all.contains(&port))
    }
}

/// Whether a container has a network of its own: not the host's, not another container's.
pub(crate) fn has_own_network(container: &Container) -> bool {
    container.network_mode != "host" && !container.network_mode.starts_with("container:")
}

fn lowest<'a>(ports: impl Iterator<Item = &'a String>) -> Option<u16> {
    ports.filter_map(|port| port.split('/').next()?.parse().ok()).min()
}

/// The host binding of the port, with `--use-bind-port-ip`: its address and port, unless it is bound to every address.
pub(crate) fn binding(container: &Container, label: Option<&str>) -> Option<(Place, String)> {
    let port = port(container, label)?;
    let bindings = ["tcp", "udp"].iter().find_map(|protocol| {
        container.ports.iter().find_map(|(key, bindings)| {
            let (number, kind) = key.split_once('/')?;
            (number == port && kind.eq_ignore_ascii_case(protocol) && !bindings.is_empty()).then_some(bindings)
        })
    })?;
    let first = bindings.first()?;
    let host = match with_zone(&first.host_ip)? {
        (ip, None) if ip.is_unspecified() => return None,
        (ip, None) => ip.to_string(),
        (ip, Some(zone)) => [&ip.to_string(), "%", zone].concat(),
    };
    Some((Place { host, network: String::new() }, first.host_port.clone()))
}

/// `host:port`, with brackets around an IPv6 address. Source: Go `net.JoinHostPort`.
pub(crate) fn join(host: &str, port: &str) -> String {
    if host.contains([':', '%']) { ["[", host, "]:", port].concat() } else { [host, ":", port].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(ports: &[&str], exposed: &[&str]) -> Container {
        Container {
            ports: ports.iter().map(|port| ((*port).to_owned(), Vec::new())).collect(),
            exposed_ports: exposed.iter().map(|port| (*port).to_owned()).collect(),
            ..Container::default()
        }
    }

    #[test]
    fn a_port_that_the_image_does_not_name_is_known_by_those_that_it_does() {
        let told = |exposed: &[&str], published: &[(&str, &str)], port: u16, is_udp: bool| {
            let bound = |host_port: &str| vec![Binding { host_ip: String::new(), host_port: host_port.to_owned() }];
            let port_bindings = published.iter().map(|(port, on)| ((*port).to_owned(), bound(on))).collect();
            let container = Container { port_bindings, ..container(&[], exposed) };
            Exposed::of(&container, is_udp).without(port).map(|few| few.first).unwrap_or_default()
        };
        assert_eq!(told(&["443/tcp", "80/tcp", "53/udp"], &[], 8080, false), [443, 80]);
        // The port of the host was taken for the container's.
        assert_eq!(told(&["80/tcp"], &[("80/tcp", "8080")], 8080, false), [80]);
        for (exposed, published, port, is_udp) in [
            (&["80/tcp"][..], &[][..], 80, false),
            (&[], &[], 8080, false),
            (&["80/tcp"], &[], 5353, true),
            (&["8000-8010/tcp"], &[], 8080, false),
            // Published beside a port that nobody exposes, as the SSH of a forge.
            (&["22/tcp"], &[("22/tcp", "2222")], 3000, false),
        ] {
            assert_eq!(told(exposed, published, port, is_udp), [0_u16; 0], "{exposed:?} {port}");
        }
    }

    #[test]
    fn the_port_is_the_label_then_the_engines_then_the_exposed_ones() {
        for (ports, exposed, label, wanted) in [
            (&["443/tcp", "80/tcp"][..], &["1/tcp"][..], Some("8080"), Some("8080")),
            (&["443/tcp", "80/tcp"], &["1/tcp"], None, Some("80")),
            (&["443/tcp", "80/tcp"], &["1/tcp"], Some(""), Some("80")),
            (&["80/tcp", "53/udp"], &[], None, Some("53")),
            (&[], &["8443/tcp", "8080/tcp"], None, Some("8080")),
            (&[], &[], None, None),
            (&[], &[], Some("not-a-number"), Some("not-a-number")),
        ] {
            assert_eq!(port(&container(ports, exposed), label).as_deref(), wanted, "{ports:?} {exposed:?} {label:?}");
        }
    }

    #[test]
    fn a_binding_to_every_address_falls_back() {
        for (ip, wanted) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("0.0.0.0", None),
            ("::", None),
            ("", None),
            ("2001:DB8::1", Some("2001:db8::1")),
            ("FE80::1%eth0", Some("fe80::1%eth0")),
        ] {
            let mut it = container(&["80/tcp"], &[]);
            it.ports
                .insert("80/tcp".to_owned(), vec![Binding { host_ip: ip.to_owned(), host_port: "8080".to_owned() }]);
            assert_eq!(binding(&it, None).map(|(place, _)| place.host).as_deref(), wanted, "{ip}");
        }
    }

    #[test]
    fn ipv6_addresses_are_bracketed() {
        assert_eq!(join("fd00::5", "80"), "[fd00::5]:80");
        assert_eq!(join("172.30.0.10", "80"), "172.30.0.10:80");
    }
}
