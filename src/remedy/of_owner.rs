//! What the edits come to for one owner: the verdicts, what it loses, and what the operator has to choose.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::compiled::Compiled;
use super::edit::{Change, Edit, What};
use super::files::files;
use super::left_out::LeftOut;
use super::remedies::{Choice, Lost, Remedy, Said, Verdict};
use super::rules::{forwarding, is_about_isolation};
use super::search::Search;
use crate::inventory::{Binding, Container, ContainerId};
use crate::plan::{Fact, Outcome, Protocol};
use crate::policy::finding::{Finding, Subject};
use crate::policy::leeward_labels::ALLOW;
use crate::policy::names::Owner;
use crate::policy::namespaces::Namespace;
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;

/// How many names are listed of those that lose sight of a service.
const MOST_NAMES: usize = 5;

/// All that a remedy is told from.
pub(super) struct ForOwner<'t, 'a> {
    pub(super) now: &'t Compiled<'a>,
    pub(super) first: &'t Compiled<'a>,
    pub(super) after: &'t Compiled<'t>,
    pub(super) kept: Option<&'t Compiled<'t>>,
    pub(super) main: &'t Search,
    pub(super) served: &'t Served,
    pub(super) left_out: &'t BTreeMap<String, Vec<LeftOut>>,
}

impl ForOwner<'_, '_> {
    pub(super) fn remedy(&self, owner: &Owner, members: &[usize]) -> Option<Remedy> {
        let Self { first, after, .. } = *self;
        // Both inventories hold the same containers: places are the same.
        let askers = || members.iter().copied().filter(|at| first.is_to_mend(*at));
        let edits: Vec<Edit> = self.main.edits.iter().filter(|edit| edit.owner == *owner).cloned().collect();
        let mut verdicts: Vec<Verdict> = askers()
            .map(|at| {
                let id = first.id(at);
                let reached = self.now.plan.decisions.get(id).and_then(|it| it.network.as_deref());
                let network = reached.and_then(|name| first.context.inventory.network_named(name));
                let before = self.now.context.find(id).map_or(Outcome::Ignored, |at| self.now.outcome(at));
                // Where nobody says that Traefik is, it would be routed if it is there: what is changed is what else refuses it.
                let is_open = before == Outcome::Routed && network.is_some_and(|it| it.traefik_assumed);
                let compiled = if is_open { first } else { self.now };
                let because = compiled.context.find(id).map(|at| compiled.refusals(at));
                let container = first.container(at).map(|it| it.name.clone()).unwrap_or_default();
                Verdict {
                    left_out: self.left_out.get(&container).cloned().unwrap_or_default(),
                    container,
                    service: first.service(at),
                    before,
                    not_verifiable: network.is_some_and(|it| it.assumed || it.traefik_assumed),
                    because: because.unwrap_or_default(),
                    after: after.outcome(at),
                    left: after.refusals(at),
                }
            })
            .collect();
        verdicts.sort_by(|one, other| (&one.service, &one.container).cmp(&(&other.service, &other.container)));
        if edits.is_empty() && verdicts.iter().all(Verdict::is_fine) {
            return None;
        }
        Some(Remedy {
            owner: owner.clone(),
            files: files(&first.context, members),
            proven: verdicts.iter().all(Verdict::is_fine),
            lost: self.lost(members, &edits),
            said: self.said(members),
            choices: members.iter().filter_map(|at| self.choice(*at)).collect(),
            outbound: after.outbound_left(owner),
            edits,
            verdicts,
        })
    }

    fn lost(&self, members: &[usize], edits: &[Edit]) -> Vec<Lost> {
        let Self { first, after, .. } = *self;
        let mut lost: BTreeSet<Lost> = BTreeSet::new();
        for at in members.iter().copied().filter(|at| !first.is_front(*at)) {
            let (Some(before), Some(later)) = (first.container(at), after.container(at)) else { continue };
            if before == later {
                continue;
            }
            let service = first.service(at);
            let name = || service.clone();
            let is_live =
                |port: &String, binding: &Binding| later.ports.get(port).is_some_and(|it| it.contains(binding));
            let served = self.served.get(&before.id);
            for (port, bindings) in &before.port_bindings {
                for Binding { host_ip, host_port } in bindings.iter().filter(|binding| !is_live(port, binding)) {
                    lost.insert(Lost::Port {
                        service: name(),
                        port: port.clone(),
                        host_ip: host_ip.clone(),
                        host_port: host_port.clone(),
                        routed: served.is_some_and(|it| it.contains(port)) && after.outcome(at) != Outcome::Refused,
                    });
                }
            }
            let ways = |compiled: &Compiled<'_>| -> Vec<String> {
                let namespace = compiled.context.namespaces.get(at);
                // Whether one that was not given leads out is not known.
                let edges = namespace.into_iter().flat_map(Namespace::ways_out).map(|(edge, _)| edge);
                let known = edges.filter(|edge| !edge.network.is_some_and(|it| it.assumed));
                known.map(|edge| edge.name.to_owned()).collect()
            };
            let (out, still) = (ways(first), ways(after));
            if !out.is_empty() && still.is_empty() {
                let entries = before.confinement.extra_hosts.iter().filter(|it| it.ends_with(":host-gateway"));
                lost.extend(entries.map(|entry| Lost::HostGateway { service: name(), entry: entry.clone() }));
                lost.insert(Lost::WayOut { service: name(), networks: out, silent: !first.asks(at) });
            }
            let still: BTreeMap<_, _> = forwarding(later).collect();
            let off = forwarding(before).filter(|(key, _)| !still.contains_key(key));
            lost.extend(off.map(|(key, value)| Lost::Power { service: name(), what: format!("{key}={value}") }));
            for (network, place) in &before.attachments {
                let kept = later.attachments.values().flat_map(|it| &it.fixed);
                for address in place.fixed.iter().filter(|address| !kept.clone().any(|it| it == *address)) {
                    let address = address.to_string();
                    lost.insert(Lost::Address { service: name(), network: network.clone(), address });
                }
                if !later.attachments.contains_key(network) {
                    lost.extend(self.neighbours(at, network, members));
                }
            }
        }
        for edit in edits {
            let What::Service { name, change } = &edit.what else { continue };
            let what = match change {
                Change::KeepCapability(name) => name.clone(),
                Change::DropPrivileged => "privileged".to_owned(),
                Change::DropPid => "pid".to_owned(),
                Change::DropIpc => "ipc".to_owned(),
                Change::DropSecurity(entry) => entry.clone(),
                _ => continue,
            };
            lost.insert(Lost::Power { service: name.clone(), what });
        }
        lost.into_iter().collect()
    }

    /// Who of other owners is on a network that a container leaves.
    fn neighbours(&self, at: usize, network: &str, members: &[usize]) -> Option<Lost> {
        let Self { first, after, .. } = *self;
        let edges = &first.context.namespaces.get(at)?.edges;
        let place = edges.iter().find(|edge| edge.name == network)?.place?;
        let mine = after.container(at)?;
        let parted = |other: usize| {
            let theirs = after.container(other);
            !members.contains(&other)
                && !first.is_front(other)
                && theirs.is_some_and(|it| !it.attachments.keys().any(|name| mine.attachments.contains_key(name)))
        };
        let all: BTreeSet<&str> = first
            .context
            .namespaces
            .members(place)
            .iter()
            .filter(|member| parted(member.at))
            .map(|member| member.container.name.as_str())
            .collect();
        (!all.is_empty()).then(|| Lost::Neighbours {
            service: first.service(at),
            network: network.to_owned(),
            names: all.iter().take(MOST_NAMES).map(|it| (*it).to_owned()).collect(),
            count: all.len(),
        })
    }

    fn said(&self, members: &[usize]) -> Vec<Said> {
        let mut said = BTreeSet::new();
        for at in members {
            let Some(container) = self.first.container(*at) else { continue };
            if !container.is_running() {
                let (container, state) = (container.name.clone(), container.state.clone());
                said.insert(Said::NotRunning { container, state });
            }
        }
        let is_pivot = |finding: &&Finding| finding.rule == RuleId::Net011 && !finding.allowed;
        let pivots = self.after.plan.findings.iter().filter(is_pivot);
        let networks: BTreeSet<&str> = pivots
            .filter_map(|finding| match &finding.subject {
                Subject::Network { name } => Some(name.as_str()),
                _ => None,
            })
            .collect();
        for at in members.iter().filter(|at| !self.after.is_front(**at)) {
            let Some(container) = self.after.container(*at) else { continue };
            let is_out = self.after.context.namespaces.get(*at).is_some_and(Namespace::has_way_out);
            if is_out && container.attachments.keys().any(|name| networks.contains(name.as_str())) {
                let kept = self.main.keep.contains(&container.id);
                said.insert(Said::KeepsWayOut { service: self.after.service(*at), kept });
            }
        }
        said.into_iter().collect()
    }

    fn choice(&self, at: usize) -> Option<Choice> {
        let Self { first, after, .. } = *self;
        let container = first.container(at)?;
        if self.main.keep.contains(&container.id) && !self.main.outside.contains_key(&container.id) {
            return None;
        }
        let ports = lost_ports(first, self.main, self.served, at);
        let asks = first.asks(at);
        let rules = self.main.outside.get(&container.id).cloned().unwrap_or_else(|| {
            after.refusals(at).iter().filter(|it| is_about_isolation(it)).filter_map(|it| it.rule).collect()
        });
        let rules = if asks { rules } else { BTreeSet::new() };
        if ports.is_empty() && rules.is_empty() {
            return None;
        }
        let kept = self.kept.and_then(|kept| {
            let candidate = kept.context.candidates.get(at)?;
            let refusals = kept.refusals(at);
            let fine = refusals.iter().all(Refusal::is_liveness);
            (fine && candidate.labels.get(ALLOW).is_some()).then(|| candidate.allowed.clone())
        });
        let on_host = first.context.namespaces.get(at).is_some_and(Namespace::is_host);
        Some(Choice {
            container: container.name.clone(),
            service: first.service(at),
            asks,
            rules,
            allow: kept,
            on_host,
            ports,
        })
    }
}

/// The ports of containers that Traefik takes requests to, or would if nothing else refused them: `80/tcp`.
pub(super) type Served = BTreeMap<ContainerId, BTreeSet<String>>;

pub(super) fn served(compiled: &Compiled<'_>) -> Served {
    let plan = &compiled.plan;
    let mut served = Served::new();
    for route in &plan.routes {
        let protocol = if route.protocol == Protocol::Udp { "udp" } else { "tcp" };
        for backend in &route.backends {
            if let Some((_, port)) = backend.address.rsplit_once(':') {
                served.entry(backend.id.clone()).or_default().insert(format!("{port}/{protocol}"));
            }
        }
    }
    for (id, decision) in plan.decisions.iter().filter(|(_, it)| it.outcome == Outcome::Refused) {
        let facts = decision.steps.iter().flat_map(|step| &step.facts);
        let servers = facts.filter_map(|fact| match fact {
            Fact::Servers(servers) => Some(servers),
            _ => None,
        });
        for (front, port) in servers.flatten().filter_map(|server| server.rsplit_once(':')) {
            // Without a scheme it is TCP or UDP.
            let protocols: &[&str] = if front.contains("://") { &["tcp"] } else { &["tcp", "udp"] };
            let ports = protocols.iter().map(|protocol| format!("{port}/{protocol}"));
            served.entry(id.clone()).or_default().extend(ports);
        }
    }
    for (at, candidate) in compiled.context.candidates.iter().enumerate().filter(|(at, _)| compiled.asks(*at)) {
        let own = served.entry(candidate.id.clone()).or_default();
        if compiled.outcome(at) == Outcome::Refused {
            // Of one that is reached nowhere nothing is completed; its labels say it.
            for (key, port) in candidate.labels.labels.iter() {
                let key = key.to_ascii_lowercase();
                if key.ends_with(".loadbalancer.server.port") {
                    own.insert(format!("{port}/{}", if key.starts_with("traefik.udp.") { "udp" } else { "tcp" }));
                }
            }
        }
        let own = own.clone();
        // Who uses another's network is reached at that one's ports.
        if let Some(root) = compiled.context.namespaces.get(at).and_then(|it| it.through.last()) {
            served.entry(root.id.clone()).or_default().extend(own);
        }
    }
    served
}

/// The published ports that a container loses and that Traefik does not serve.
pub(super) fn lost_ports(first: &Compiled<'_>, search: &Search, served: &Served, at: usize) -> Vec<String> {
    let Some(before) = first.container(at) else { return Vec::new() };
    let after = search.after.containers.get(&before.id);
    let live = |container: &Container, port: &str| container.ports.get(port).is_some_and(|it| !it.is_empty());
    let lost = before.port_bindings.iter().filter(|(port, _)| !after.is_some_and(|after| live(after, port)));
    let is_served = |port: &str| served.get(&before.id).is_some_and(|it| it.contains(port));
    // What a neighbour publishes for the host alone, a database as a rule, is told as lost and not asked about.
    let is_for_host = |it: &Binding| it.host_ip.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    let counts = |bindings: &[Binding]| first.asks(at) || !bindings.iter().all(is_for_host);
    lost.filter(|(port, bindings)| !is_served(port) && counts(bindings)).map(|(port, _)| port.clone()).collect()
}
