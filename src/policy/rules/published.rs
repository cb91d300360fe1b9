//! PUB: ports on the host, which lead past Traefik.

use super::{Case, Check, Rule, Seen};
use crate::inventory::Binding;
use crate::policy::finding::{Action, Severity};
use crate::policy::namespaces::is_podman;
use crate::policy::rule_id::RuleId;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Pub001,
        title: "publishes a port on the host",
        severity: Severity::High,
        action: Action::Block,
        check: Check::App(pub_001),
        why: "requests to the port bypass Traefik: its TLS, its authentication and its log",
        fix: "delete `ports:` from the service; Traefik reaches it without. For a port that is not for browsers (DNS, mail, \
              games) see docs/hard-cases.md#ports-that-are-not-http",
        reference: "CIS Docker Benchmark 5.9",
    },
    Rule {
        id: RuleId::Pub002,
        title: "publishes a port on the host's loopback address",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(pub_002),
        why: "every process of the host reaches it past Traefik; engines before 28 answered it from the local network \
              too, as did 28.2 to 28.3.2 after a firewalld reload",
        fix: "delete `ports:` from the service",
        reference: "https://github.com/moby/moby/security/advisories/GHSA-x4rx-4gw3-53p4",
    },
    Rule {
        id: RuleId::Pub003,
        title: "asks for a published port that is not open yet",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(pub_003),
        why: "on internal networks alone the engine publishes nothing, but it remembers the port: it opens on the \
              host as soon as the container is attached to any other network",
        fix: "delete `ports:` from the service (or `-p`/`-P` from `docker run`)",
        reference: "https://github.com/moby/moby/issues/36174",
    },
    Rule {
        id: RuleId::Pub004,
        title: "publishes a port on the nodes of the swarm",
        severity: Severity::High,
        action: Action::Block,
        check: Check::App(pub_004),
        why: "a port published with `mode: host` bypasses Traefik on every node that runs the service",
        fix: "delete `ports:` from the service",
        reference: "https://docs.docker.com/engine/swarm/services/#publish-ports",
    },
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// It answers on an address of the host.
    Open { port: String, host_ip: String, host_port: String },
    /// It asks for all its ports to be published.
    AsksForAll,
    /// It asks for one; `host_port` is empty where the engine may choose.
    AsksFor { port: String, host_port: String },
    /// On every node that runs it.
    OnNodes,
}

fn is_loopback(binding: &Binding) -> bool {
    binding.host_ip.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a binding that the engine lists leads to the container. Podman lists those of internal networks too, where nothing
/// answers on them until the container joins another network.
fn are_open(case: &Case<'_>) -> bool {
    !is_podman(&case.context.inventory.engine) || case.namespace.has_way_out()
}

/// The first live binding that is, or is not, on loopback.
fn live(case: &Case<'_>, loopback: bool) -> Option<Seen> {
    if !are_open(case) {
        return None;
    }
    let (port, binding) = case.container.ports.iter().find_map(|(port, bindings)| {
        bindings.iter().find(|binding| is_loopback(binding) == loopback).map(|binding| (port, binding))
    })?;
    let Binding { host_ip, host_port } = binding.clone();
    Some(Seen::new(Cause::Open { port: port.clone(), host_ip, host_port }))
}

fn pub_001(case: &Case<'_>) -> Option<Seen> {
    live(case, false)
}

fn pub_002(case: &Case<'_>) -> Option<Seen> {
    live(case, true)
}

fn pub_003(case: &Case<'_>) -> Option<Seen> {
    let container = case.container;
    if are_open(case) && container.ports.values().any(|bindings| !bindings.is_empty()) {
        return None;
    }
    if container.publish_all_ports {
        return Some(Seen::new(Cause::AsksForAll));
    }
    let (port, bindings) = container.port_bindings.first_key_value()?;
    let host_port = bindings.first().map(|binding| binding.host_port.clone()).unwrap_or_default();
    Some(Seen::new(Cause::AsksFor { port: port.clone(), host_port }))
}

fn pub_004(case: &Case<'_>) -> Option<Seen> {
    let host = case.container.swarm.as_ref()?.publish_modes.contains("host");
    host.then(|| Seen::new(Cause::OnNodes))
}
