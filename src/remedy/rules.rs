//! What mends a finding that is not about networks, rule by rule.

use std::collections::BTreeSet;

use super::compiled::{Compiled, Ground};
use super::edit::{Change, Edit};
use crate::inventory::{Confinement, Container};
use crate::plan::Decision;
use crate::policy::finding::{Action, Subject};
use crate::policy::leeward_labels::ALLOW;
use crate::policy::names::Owner;
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId;
use crate::policy::rules::{capability, gives_power};

/// Whether a refusal is about isolation or the proxy network, and so perhaps for edits to mend.
pub fn is_about_isolation(refusal: &Refusal) -> bool {
    matches!(refusal.code, Code::NotIsolated | Code::NoProxyNetwork | Code::AmbiguousNetwork)
}

/// Every refusal of a container, in the order of the steps.
pub(super) fn refusals(decision: &Decision) -> impl Iterator<Item = &Refusal> {
    decision.steps.iter().flat_map(|step| &step.refusals)
}

/// What still has to change on the services of an owner, as they are after the edits so far.
pub(super) fn edits(ground: &Ground<'_>, compiled: &Compiled<'_>, owner: &Owner, members: &[usize]) -> Vec<Edit> {
    let mut edits = Vec::new();
    for at in members.iter().copied() {
        let (Some(container), service) = (compiled.container(at), compiled.service(at)) else { continue };
        if compiled.is_front(at) || ground.outside.contains(&container.id) {
            continue;
        }
        let mut add = |change: Change| edits.push(Edit::service(owner, &service, change));
        let kept = ground.keep.contains(&container.id);
        let decision = compiled.plan.decisions.get(&container.id);
        if kept {
            if let Some(value) = decision.filter(|_| compiled.asks(at)).and_then(|it| allowing(compiled, at, it)) {
                add(Change::Label { key: ALLOW.to_owned(), value });
            }
        } else {
            for refusal in decision.into_iter().filter(|_| compiled.asks(at)).flat_map(|it| refusals(it)) {
                let own = refusal.subject.as_ref().is_none_or(|subject| subject.is_about(&container.id));
                if let Some(rule) = refusal.rule.filter(|_| own) {
                    by_rule(container, rule).into_iter().for_each(&mut add);
                }
            }
            let shut = compiled.context.namespaces.get(at).is_some_and(|it| !it.has_way_out() && it.through.is_empty());
            let publishes = !container.port_bindings.is_empty() || container.publish_all_ports;
            let moved = ground.moved.contains(&container.id);
            if publishes && shut && (moved || compiled.asks(at)) {
                add(drop_ports(container, compiled.asks(at)));
            }
        }
    }
    edits.extend(harmless(ground, compiled, members));
    edits
}

/// What closes findings that only warn and costs nothing: forwarding between networks, raw frames.
fn harmless(ground: &Ground<'_>, compiled: &Compiled<'_>, members: &[usize]) -> Vec<Edit> {
    let mut edits = Vec::new();
    for finding in &compiled.plan.findings {
        let Subject::Container { id, .. } = &finding.subject else { continue };
        let Some(at) = compiled.context.find(id.as_str()) else { continue };
        let (Some(container), Some(owner)) = (compiled.container(at), compiled.owner(at)) else { continue };
        // A declared Traefik is everybody's neighbour; else nothing of another project is touched.
        let may = members.contains(&at) || (compiled.context.is_traefik(at) && finding.rule == RuleId::Net012);
        // What keeps its network keeps it as it is, with those that use it.
        let through = compiled.context.namespaces.get(at).and_then(|it| it.through.last());
        let keeps = |id: &crate::inventory::ContainerId| ground.outside.contains(id) || ground.keep.contains(id);
        // But not as a router between what it is on: it is on one network more now.
        let keeps_it = keeps(id) && (finding.rule != RuleId::Net012 || ground.outside.contains(id));
        let allowed = finding.allowed || keeps_it || through.is_some_and(|root| keeps(&root.id));
        if !may || allowed || finding.action == Action::Inform {
            continue;
        }
        let change = match finding.rule {
            RuleId::Net012 => {
                let forward = not_forwarding(container).into_iter();
                edits.extend(forward.map(|change| Edit::service(owner, &compiled.service(at), change)));
                continue;
            }
            // Where it is added, or everything is allowed, dropping it changes nothing.
            RuleId::Net013 if !adds_raw_frames(container) => Change::DropCapability("NET_RAW".to_owned()),
            _ => continue,
        };
        edits.push(Edit::service(owner, &compiled.service(at), change));
    }
    edits
}

fn adds_raw_frames(container: &Container) -> bool {
    let is_it = |name: &String| matches!(&*capability(name), "NET_RAW" | "ALL");
    let Confinement { privileged, privileged_hooks, cap_add, .. } = &container.confinement;
    *privileged || !privileged_hooks.is_empty() || cap_add.iter().any(is_it)
}

const FORWARD: &str = "net.ipv4.ip_forward";

/// The settings of a container that turn forwarding on.
pub fn forwarding(container: &Container) -> impl Iterator<Item = (&String, &String)> {
    let is_forwarding =
        |key: &str| key == FORWARD || (key.starts_with("net.ipv4.conf.") && key.ends_with(".forwarding"));
    let all = container.confinement.sysctls.iter();
    all.filter(move |(key, value)| is_forwarding(key) && value.trim() != "0")
}

/// What turns forwarding off, also what turns it on by its own setting.
fn not_forwarding(container: &Container) -> Vec<Change> {
    let mut keys: BTreeSet<&str> = forwarding(container).map(|(key, _)| key.as_str()).collect();
    if container.confinement.sysctls.get(FORWARD).is_none_or(|value| value.trim() != "0") {
        keys.insert(FORWARD);
    }
    keys.into_iter().map(|key| Change::Sysctl { key: key.to_owned(), value: "0".to_owned() }).collect()
}

/// The value of `leeward.allow` with which a container that is kept as it is would pass: what is allowed already, and every
/// rule that refuses it.
fn allowing(compiled: &Compiled<'_>, at: usize, decision: &Decision) -> Option<String> {
    let refused: BTreeSet<RuleId> = refusals(decision).filter(|it| it.may_allow).filter_map(|it| it.rule).collect();
    let before = compiled.context.candidates.get(at).map(|it| it.allowed.clone()).unwrap_or_default();
    (!refused.is_subset(&before)).then(|| {
        let all: Vec<&str> = before.union(&refused).map(|rule| rule.as_str()).collect();
        all.join(",")
    })
}

/// What is published is exposed too: where no label says which port Traefik is to take, it must stay so.
fn drop_ports(container: &Container, asks: bool) -> Change {
    let named = container.labels.keys().any(|key| key.to_ascii_lowercase().ends_with(".loadbalancer.server.port"));
    let bound = container.port_bindings.keys().filter(|_| asks && !named);
    Change::DropPorts { expose: bound.cloned().collect() }
}

fn by_rule(container: &Container, rule: RuleId) -> Vec<Change> {
    let confinement = &container.confinement;
    let security = |wanted: &str| -> Vec<Change> {
        let entries = confinement.security_opt.iter().filter(|it| it.starts_with(wanted));
        entries.map(|entry| Change::DropSecurity(entry.clone())).collect()
    };
    match rule {
        RuleId::Pub001 | RuleId::Pub002 | RuleId::Pub003 => vec![drop_ports(container, true)],
        RuleId::Net012 => not_forwarding(container),
        // It has every capability as long as it is privileged, whatever is dropped.
        RuleId::Net013 | RuleId::Prv001 if confinement.privileged => vec![Change::DropPrivileged],
        RuleId::Net013 => {
            let raw = confinement.cap_add.iter().map(|name| capability(name)).filter(|name| name == "NET_RAW");
            let kept = raw.map(|name| Change::KeepCapability(name.into_owned()));
            kept.chain([Change::DropCapability("NET_RAW".to_owned())]).collect()
        }
        RuleId::Net014 | RuleId::Prv003 => {
            let powers = confinement.cap_add.iter().filter(|name| gives_power(name));
            powers.map(|name| Change::KeepCapability(capability(name).into_owned())).collect()
        }
        RuleId::Prv005 => vec![Change::DropPid],
        RuleId::Prv007 => vec![Change::DropIpc],
        RuleId::Prv012 => security("seccomp"),
        RuleId::Prv013 => security("apparmor"),
        RuleId::Prv015 => security("systempaths"),
        _ => Vec::new(),
    }
}
