//! Who can talk to whom: networks, containers and the links between them, each shut, not verifiable, or with a way out.
//!
//! Nothing here reads a flag of a network or a container. Whether a network leads out is what `policy` says of it, and
//! whether a container does is what the rules found; a link is as bad as the worse of its two ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::visible::{json, short};
use crate::inventory::{ContainerId, Inventory, Network, NetworkId};
use crate::plan::{Decision, Outcome, Plan, StepName};
use crate::policy::context::{Candidate, Context};
use crate::policy::finding::{Action, Finding, Subject};
use crate::policy::namespaces::{WayOut, is_alive};
use crate::policy::rule_id::RuleId;
use crate::policy::rules::Standing;
use crate::settings::Settings;

/// The most letters of a name in a drawing.
const LONGEST_NAME: usize = 60;

/// Whether something can be reached from, or can reach, what is not on internal networks. Better first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It has no way out.
    Shut,
    /// The way out of a declared Traefik, which it is there for: that Traefik, a network with nobody else on it, and their
    /// link.
    TraefiksOwn,
    /// Nobody can tell.
    NotVerifiable,
    /// It has a way out, or power over the host; also one that the operator allowed.
    WayOut,
}

/// What a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkRole {
    /// A declared Traefik, inbound or egress, is on it and it has a way out.
    Exposed,
    /// Backends are reached on it.
    Proxy,
    /// A declared Traefik is on it, and it is no proxy network: Leeward's, as a rule.
    Control,
    /// A declared Traefik is on it, and nobody else: an application's, as a rule, that is not there yet or any more.
    TraefikAlone,
    /// Containers reach outbound names on it: an egress Traefik is on it, and it has no way out.
    Outbound,
    /// Anything else.
    Private,
}

/// What a container is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A declared Traefik.
    Traefik,
    /// Leeward itself.
    Leeward,
    /// A declared egress Traefik, by which containers reach outbound names.
    Egress,
    /// It asks to be routed.
    Application,
    /// It does not ask.
    Private,
}

/// Everything that is running, and how it hangs together.
#[derive(Debug, Serialize)]
pub struct Topology<'a> {
    /// The networks with somebody on them, by role and name.
    pub networks: Vec<NetworkNode<'a>>,
    /// The containers that run, by role and name.
    pub containers: Vec<ContainerNode<'a>>,
    /// Who is on which network; and who reaches the outside without one.
    pub links: Vec<Link<'a>>,
    /// Which names outside containers ask for, allowed or not: by name, port and container.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outbound: Vec<OutboundLink<'a>>,
}

/// A network.
#[derive(Debug, Serialize)]
pub struct NetworkNode<'a> {
    /// Its id.
    pub id: &'a NetworkId,
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    pub role: NetworkRole,
    /// Whether it leads out.
    pub state: State,
    /// The rules that found something about it, but for those that only inform.
    pub rules: BTreeSet<RuleId>,
    /// Those of them that its state rests on.
    #[serde(skip)]
    pub against: BTreeSet<RuleId>,
}

/// A container.
#[derive(Debug, Serialize)]
pub struct ContainerNode<'a> {
    /// Its id.
    pub id: &'a ContainerId,
    /// Its name.
    pub name: &'a str,
    /// Its owner.
    pub owner: String,
    /// What it is.
    pub role: Role,
    /// Routed, refused, or ignored.
    pub outcome: Outcome,
    /// Whether it has a way out. The rules judge what asks to be routed; of anything else this says only where its packets
    /// can go.
    pub state: State,
    /// The operator allowed all of its ways out.
    pub allowed: bool,
    /// The rules that found something about it, but for those that only inform.
    pub rules: BTreeSet<RuleId>,
    /// What its state rests on: these, and what others' networks and files bring upon it.
    #[serde(skip)]
    pub against: BTreeSet<RuleId>,
    /// The rules of its routers: ``Host(`app.example.com`)``.
    pub routers: BTreeSet<&'a str>,
}

/// A container on a network.
#[derive(Debug, Serialize)]
pub struct Link<'a> {
    /// The container.
    pub container: &'a ContainerId,
    /// The network; `None`: the outside, which it reaches without any network that is shown.
    pub network: Option<&'a NetworkId>,
    /// The worse of both ends.
    pub state: State,
    /// The rules that it rests on. None where it is shut, and where who does not ask for a route was not judged.
    pub rules: BTreeSet<RuleId>,
}

/// A name outside that a container asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OutboundLink<'a> {
    /// The name: `api.github.com`.
    pub host: &'a str,
    /// The port there.
    pub port: u16,
    /// The container that asks.
    pub container: &'a ContainerId,
    /// The egress container that it goes through; `None`: there is none on its networks.
    pub egress: Option<&'a ContainerId>,
    /// The network that the two share.
    pub network: Option<&'a NetworkId>,
    /// It is allowed.
    pub allowed: bool,
}

/// What was found about each network and container.
struct Found<'a> {
    networks: BTreeMap<&'a str, Vec<&'a Finding>>,
    containers: BTreeMap<&'a ContainerId, Vec<&'a Finding>>,
    /// Those that say that nobody can tell: the rule, and the key of its subject.
    gaps: BTreeSet<(RuleId, (&'static str, &'a str))>,
}

impl<'a> Found<'a> {
    fn of(plan: &'a Plan) -> Self {
        let (mut networks, mut containers) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for finding in plan.findings.iter().filter(|it| it.action != Action::Inform) {
            match &finding.subject {
                Subject::Network { name } => networks.entry(name.as_str()).or_default().push(finding),
                Subject::Container { id, .. } => containers.entry(id).or_default().push(finding),
                Subject::Engine | Subject::Host { .. } => {}
            }
        }
        let gaps = plan.findings.iter().filter(|it| it.not_verifiable);
        let gaps = gaps.map(|it| (it.rule, it.subject.key())).collect();
        Self { networks, containers, gaps }
    }

    fn rules(findings: Option<&Vec<&'a Finding>>) -> BTreeSet<RuleId> {
        findings.into_iter().flatten().map(|finding| finding.rule).collect()
    }

    fn against(findings: Option<&Vec<&'a Finding>>) -> BTreeSet<RuleId> {
        let found = findings.into_iter().flatten().filter(|finding| state_of(finding) > State::Shut);
        found.map(|finding| finding.rule).collect()
    }
}

/// What a finding that blocks, or would, makes of what it is about.
fn state_of(finding: &Finding) -> State {
    match (finding.action == Action::Block || finding.blocks, finding.not_verifiable) {
        (_, true) => State::NotVerifiable,
        (true, false) => State::WayOut,
        (false, false) => State::Shut,
    }
}

impl<'a> Topology<'a> {
    /// What `plan` came to for `inventory` under `settings`.
    pub fn of(inventory: &'a Inventory, settings: &'a Settings, plan: &'a Plan) -> Self {
        let context = Context::of(inventory, settings);
        let found = Found::of(plan);
        let mut routers: BTreeMap<&ContainerId, BTreeSet<&str>> = BTreeMap::new();
        for route in plan.routes.iter().filter(|route| !route.rule.is_empty()) {
            for backend in &route.backends {
                routers.entry(&backend.id).or_default().insert(&route.rule);
            }
        }
        let live = context.candidates.iter().enumerate().filter(|(_, candidate)| is_alive(candidate.container));
        let mut containers: Vec<ContainerNode<'a>> =
            live.filter_map(|(at, candidate)| node(&context, at, candidate, plan, &found, &mut routers)).collect();
        for (id, unreadable) in &inventory.unreadable {
            let Some(decision) = plan.decisions.get(id) else { continue };
            containers.push(ContainerNode {
                id,
                name: &unreadable.name,
                owner: decision.owner.clone(),
                role: if decision.outcome == Outcome::Ignored { Role::Private } else { Role::Application },
                outcome: decision.outcome,
                state: State::NotVerifiable,
                allowed: false,
                rules: BTreeSet::new(),
                against: BTreeSet::new(),
                routers: BTreeSet::new(),
            });
        }
        let known: BTreeMap<&ContainerId, &ContainerNode<'a>> = containers.iter().map(|it| (it.id, it)).collect();

        let (mut networks, mut links) = (Vec::new(), Vec::new());
        // The containers with a network that is shown as leading out, or as unknown.
        let mut explained: BTreeSet<&ContainerId> = BTreeSet::new();
        for (place, network) in inventory.networks.values().enumerate() {
            let members = context.namespaces.members(place);
            if members.is_empty() {
                continue;
            }
            let node = network_node(&context, place, network, &found);
            for member in members {
                let id = &member.container.id;
                // A Traefik's way out is what it is for: its other links are as good as their networks. Of one by which
                // others could leave, the rules say so about the network.
                let (state, rules) = match known.get(id) {
                    Some(own) if is_door(own.role) && node.role == NetworkRole::Exposed => {
                        (State::TraefiksOwn, BTreeSet::new())
                    }
                    Some(own) if !is_door(own.role) => {
                        (node.state.max(own.state), node.against.union(&own.against).copied().collect())
                    }
                    Some(_) | None => (node.state, node.against.clone()),
                };
                if node.state != State::Shut {
                    explained.insert(id);
                }
                links.push(Link { container: id, network: Some(&network.id), state, rules });
            }
            networks.push(node);
        }
        for (id, own) in known.iter().filter(|(id, own)| own.state > State::Shut && !explained.contains(*id)) {
            links.push(Link { container: id, network: None, state: own.state, rules: own.against.clone() });
        }
        networks.sort_by(|a, b| (a.role, a.name, a.id).cmp(&(b.role, b.name, b.id)));
        containers.sort_by(|a, b| (a.role, a.name, a.id).cmp(&(b.role, b.name, b.id)));
        let outbound = outbound(&context, &containers, &networks, plan);
        Self { networks, containers, links, outbound }
    }

    /// For programs. Ends with a newline.
    pub fn json(&self) -> String {
        json(self)
    }

    /// A Mermaid flowchart. Ends with a newline. Source: Mermaid's `flowchart` and its entity codes.
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n  outside((\"Internet, host\"))\n");
        let mut line = |words: std::fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {words}");
        };
        let networks: BTreeMap<&NetworkId, (usize, &NetworkNode<'_>)> =
            self.networks.iter().enumerate().map(|(at, network)| (network.id, (at, network))).collect();
        for (at, network) in networks.values() {
            line(format_args!("n{at}{{{{\"{}\"}}}}:::{}", quoted(network.name), class(network.state)));
        }
        let mut places: BTreeMap<&ContainerId, usize> = BTreeMap::new();
        let mut owners: BTreeMap<&str, Vec<(usize, &ContainerNode<'_>)>> = BTreeMap::new();
        for (at, container) in self.containers.iter().enumerate() {
            places.insert(container.id, at);
            owners.entry(&container.owner).or_default().push((at, container));
        }
        for (number, (owner, containers)) in owners.iter().enumerate() {
            line(format_args!("subgraph o{number}[\"{}\"]", quoted(owner)));
            for (at, container) in containers {
                let outcome = match container.outcome {
                    Outcome::Routed => "routed",
                    Outcome::Refused => "refused",
                    Outcome::Ignored => "not routed",
                };
                let name = quoted(container.name);
                line(format_args!("  c{at}[\"{name}<br/>{outcome}\"]:::{}", class(container.state)));
            }
            line(format_args!("end"));
        }
        for (at, network) in networks.values().filter(|(_, network)| network.state > State::Shut) {
            line(format_args!("outside {} n{at}", arrow(network.state)));
        }
        for link in &self.links {
            let Some(at) = places.get(link.container) else { continue };
            match link.network.and_then(|network| networks.get(network)) {
                Some((network, _)) => line(format_args!("n{network} {} c{at}", arrow(link.state))),
                None => line(format_args!("c{at} {} outside", arrow(link.state))),
            }
        }
        let names: BTreeSet<(&str, u16)> = self.outbound.iter().map(|it| (it.host, it.port)).collect();
        let names: BTreeMap<(&str, u16), usize> = names.into_iter().enumerate().map(|(at, name)| (name, at)).collect();
        for ((host, port), at) in &names {
            line(format_args!("x{at}([\"{}:{port}\"])", quoted(host)));
        }
        for it in &self.outbound {
            let (Some(from), Some(to)) = (places.get(it.container), names.get(&(it.host, it.port))) else { continue };
            let (arrow, words) = if it.allowed { ("-->", "may reach") } else { ("--x", "may not reach") };
            line(format_args!("c{from} {arrow}|{words}| x{to}"));
        }
        line(format_args!("classDef shut stroke:#2e7d32"));
        line(format_args!("classDef door stroke:#44506a,stroke-width:3px"));
        line(format_args!("classDef unknown stroke:#b26a00,stroke-dasharray:4"));
        line(format_args!("classDef open stroke:#c62828,stroke-width:3px"));
        text
    }
}

/// Whether it is a Traefik, which has a way out of its own.
pub(super) fn is_door(role: Role) -> bool {
    matches!(role, Role::Traefik | Role::Egress)
}

fn node<'a>(
    context: &Context<'a>,
    at: usize,
    candidate: &Candidate<'a>,
    plan: &'a Plan,
    found: &Found<'a>,
    routers: &mut BTreeMap<&'a ContainerId, BTreeSet<&'a str>>,
) -> Option<ContainerNode<'a>> {
    let decision = plan.decisions.get(candidate.id)?;
    let findings = found.containers.get(candidate.id);
    let (own, allowed, mut against) = isolation(decision, found);
    against.append(&mut Found::against(findings));
    // Who did not ask was not judged, but where its packets can go is known.
    let packets = match context.namespaces.leaves_by(at) {
        Some(_) if candidate.is_traefik || candidate.is_egress => State::TraefiksOwn,
        Some(_) => State::WayOut,
        None => State::Shut,
    };
    let unread = if context.namespaces.unread(at).is_some() { State::NotVerifiable } else { State::Shut };
    let others = findings.into_iter().flatten().map(|finding| state_of(finding)).max().unwrap_or(State::Shut);
    Some(ContainerNode {
        id: candidate.id,
        name: &candidate.container.name,
        owner: decision.owner.clone(),
        role: match decision.outcome {
            _ if candidate.is_traefik => Role::Traefik,
            _ if candidate.is_egress => Role::Egress,
            Outcome::Ignored if candidate.is_leeward => Role::Leeward,
            Outcome::Ignored => Role::Private,
            Outcome::Routed | Outcome::Refused => Role::Application,
        },
        outcome: decision.outcome,
        state: own.max(packets).max(unread).max(others),
        allowed,
        rules: Found::rules(findings),
        against,
        routers: routers.remove(candidate.id).unwrap_or_default(),
    })
}

/// What the step `isolated` came to: the state, whether the operator allowed all that stands against it, and the rules of that.
fn isolation(decision: &Decision, found: &Found<'_>) -> (State, bool, BTreeSet<RuleId>) {
    let step = decision.steps.iter().find(|step| step.name == StepName::Isolated);
    let against: Vec<_> =
        step.into_iter().flat_map(|step| &step.findings).filter(|it| it.standing != Standing::Noted).collect();
    let state = against
        .iter()
        .map(|it| {
            let is_gap = found.gaps.contains(&(it.rule, it.subject.key()));
            if is_gap { State::NotVerifiable } else { State::WayOut }
        })
        .max()
        .unwrap_or(State::Shut);
    let allowed = !against.is_empty() && against.iter().all(|it| it.standing == Standing::Allowed);
    (state, allowed, against.iter().map(|it| it.rule).collect())
}

fn network_node<'a>(context: &Context<'a>, place: usize, network: &'a Network, found: &Found<'a>) -> NetworkNode<'a> {
    let findings = found.networks.get(network.name.as_str());
    let wall = match context.namespaces.wall(place) {
        Ok(()) => State::Shut,
        Err(WayOut::Unknown | WayOut::GatewayUnknown) => State::NotVerifiable,
        Err(_) => State::WayOut,
    };
    let found = findings.into_iter().flatten().map(|finding| state_of(finding)).max().unwrap_or(State::Shut);
    let has_traefik = context.proxy.traefiks_on(place).next().is_some();
    let has = |is: &dyn Fn(usize) -> bool| context.namespaces.members(place).iter().any(|it| is(it.at));
    let is_door = |at: usize| context.candidates.get(at).is_some_and(|it| it.is_traefik || it.is_egress);
    let state = match wall {
        State::WayOut if !has(&|at| !is_door(at)) => found.max(State::TraefiksOwn),
        _ => found.max(wall),
    };
    let role = match state {
        State::TraefiksOwn => NetworkRole::Exposed,
        State::WayOut if has_traefik || has(&|at| context.is_egress(at)) => NetworkRole::Exposed,
        _ if context.proxy.contains(place) => NetworkRole::Proxy,
        _ if has_traefik && !has(&|at| !is_door(at)) => NetworkRole::TraefikAlone,
        _ if has_traefik => NetworkRole::Control,
        _ if has(&|at| context.is_egress(at)) => {
            let is_control = has(&|at| context.is_leeward(at));
            if is_control { NetworkRole::Control } else { NetworkRole::Outbound }
        }
        _ => NetworkRole::Private,
    };
    let (rules, against) = (Found::rules(findings), Found::against(findings));
    NetworkNode { id: &network.id, name: &network.name, role, state, rules, against }
}

/// What `plan` says of outbound names, between what is shown.
fn outbound<'a>(
    context: &Context<'a>,
    containers: &[ContainerNode<'a>],
    networks: &[NetworkNode<'a>],
    plan: &'a Plan,
) -> Vec<OutboundLink<'a>> {
    if plan.outbound.is_empty() {
        return Vec::new();
    }
    let egresses: BTreeMap<&str, &ContainerId> =
        context.egresses().map(|it| (it.container.name.as_str(), it.id)).collect();
    let known: BTreeSet<&ContainerId> = containers.iter().map(|it| it.id).collect();
    let networks: BTreeMap<&str, &NetworkId> = networks.iter().map(|it| (it.name, it.id)).collect();
    let asked = plan.outbound.iter().filter(|it| known.contains(&it.id));
    let mut links: Vec<OutboundLink<'_>> = asked
        .map(|it| OutboundLink {
            host: it.target.host(),
            port: it.target.port(),
            container: &it.id,
            egress: egresses.get(it.egress.as_str()).copied(),
            network: networks.get(it.network.as_str()).copied(),
            allowed: it.holds(),
        })
        .collect();
    links.sort_unstable();
    links
}

/// A state as a class of a drawing.
pub(super) fn class(state: State) -> &'static str {
    match state {
        State::Shut => "shut",
        State::TraefiksOwn => "door",
        State::NotVerifiable => "unknown",
        State::WayOut => "open",
    }
}

fn arrow(state: State) -> &'static str {
    match state {
        State::Shut => "---",
        State::TraefiksOwn => "---|by Traefik|",
        State::NotVerifiable => "-.-",
        State::WayOut => "===",
    }
}

/// A name between quotes of a flowchart: what would end them, or be obeyed, is written as an entity code.
fn quoted(name: &str) -> String {
    let mut text = String::new();
    for letter in short(name, LONGEST_NAME).chars() {
        if letter.is_alphanumeric() || " -_./:~,…".contains(letter) {
            text.push(letter);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "#{};", u32::from(letter));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::compile;
    use crate::source::snapshot;

    /// What a network of the demo, and the links on it, come to.
    fn states(change: impl FnOnce(&mut Inventory), name: &str) -> (Option<State>, BTreeSet<State>) {
        let mut inventory = snapshot::demo().unwrap();
        change(&mut inventory);
        let settings = Settings::default();
        let plan = compile(&inventory, &settings);
        let topology = Topology::of(&inventory, &settings, &plan);
        let network = topology.networks.iter().find(|it| it.name == name);
        let links = topology.links.iter().filter(|it| network.is_some_and(|network| it.network == Some(network.id)));
        (network.map(|it| it.state), links.map(|it| it.state).collect())
    }

    fn network<'i>(inventory: &'i mut Inventory, name: &str) -> &'i mut Network {
        inventory.networks.values_mut().find(|it| it.name == name).unwrap()
    }

    /// It was called a control network, as if Leeward were on it.
    #[test]
    fn a_network_with_traefik_alone_is_called_so() {
        let mut inventory = snapshot::demo().unwrap();
        let role = |inventory: &Inventory| {
            let settings = Settings::default();
            let plan = compile(inventory, &settings);
            let topology = Topology::of(inventory, &settings, &plan);
            topology.networks.iter().find(|it| it.name == "net-proxy2").map(|it| it.role)
        };
        assert_eq!(role(&inventory), Some(NetworkRole::Proxy));
        inventory.containers.retain(|_, it| it.name != "app2-web-1");
        assert_eq!(role(&inventory), Some(NetworkRole::TraefikAlone));
    }

    #[test]
    fn a_flag_that_says_internal_makes_no_line_green() {
        // Traefik's own line is what it is there for; nobody else's is.
        let open = (Some(State::WayOut), BTreeSet::from([State::TraefiksOwn, State::WayOut]));
        assert_eq!(states(|_| {}, "net-proxy"), (Some(State::Shut), BTreeSet::from([State::Shut])));
        let macvlan = |inventory: &mut Inventory| {
            let network = network(inventory, "net-proxy");
            network.driver = "macvlan".into();
            network.options.insert("parent".into(), "eth0".into());
        };
        assert_eq!(states(macvlan, "net-proxy"), open);
        let old = |inventory: &mut Inventory| {
            inventory.engine.version = "26.1.0".into();
            network(inventory, "net-proxy").ipv6 = true;
        };
        assert_eq!(states(old, "net-proxy"), open);
        // Traefik's own, until somebody else is on it.
        let own = (Some(State::TraefiksOwn), BTreeSet::from([State::TraefiksOwn]));
        assert_eq!(states(|_| {}, "net-exposed"), own);
    }

    #[test]
    fn who_is_on_no_network_reaches_nothing() {
        let (network, links) = states(
            |inventory| {
                let none = network(inventory, "net-proxy");
                (none.name, none.driver, none.internal) = ("none".into(), "null".into(), false);
            },
            "none",
        );
        assert_eq!((network, links), (None, BTreeSet::new()));
    }

    #[test]
    fn a_way_out_that_was_allowed_is_no_green_line() {
        let mut inventory = snapshot::demo().unwrap();
        for container in inventory.containers.values_mut().map(Arc::make_mut).filter(|it| it.name == "app1-web-1") {
            container.confinement.privileged = true;
            container.labels.insert("leeward.allow".into(), "PRV-001,PRV-002".into());
        }
        let settings = Settings::default();
        let plan = compile(&inventory, &settings);
        let topology = Topology::of(&inventory, &settings, &plan);
        let node = topology.containers.iter().find(|it| it.name == "app1-web-1").unwrap();
        assert_eq!(node.state, State::WayOut, "{node:?}");
        let links: Vec<&Link<'_>> = topology.links.iter().filter(|it| it.container == node.id).collect();
        assert!(!links.is_empty() && links.iter().all(|it| it.state == State::WayOut), "{links:?}");
        assert!(links.iter().any(|it| it.network.is_none()), "{links:?}");
    }

    #[test]
    fn a_name_ends_no_quotes_of_a_drawing() {
        let mut inventory = snapshot::demo().unwrap();
        for container in inventory.containers.values_mut().map(Arc::make_mut) {
            container.name = format!("{}\"];\n  click c0 \"javascript:x\"<b>#quot;", container.name);
        }
        let settings = Settings::default();
        let plan = compile(&inventory, &settings);
        let text = Topology::of(&inventory, &settings, &plan).mermaid();
        assert!(!text.contains("click c0 \"") && !text.contains("<b>") && !text.contains("#quot"), "{text}");
        assert!(text.lines().all(|line| line.matches('"').count() % 2 == 0), "{text}");
    }
}
