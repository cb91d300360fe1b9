//! One pass over everything that matters: which rules fire, and whom each finding stands against.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::Serialize;

use super::net::net_raw;
use super::privilege::Has;
use super::sharing::Shares;
use super::volumes::Files;
use super::{Case, Check, NetworkCase, Rule, Seen, all, name_of};
use crate::inventory::{Container, ContainerId, Inventory, Mount, Network};
use crate::policy::cause::{Cause, Few};
use crate::policy::context::Candidate;
use crate::policy::context::Context;
use crate::policy::finding::{Action, Finding, Subject};
use crate::policy::leeward_labels::ALLOW;
use crate::policy::names::Owner;
use crate::policy::namespaces::{Member, Namespace, is_alive};
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId;
use crate::settings::Isolation;

/// How many findings about other containers on its networks are held against one container, for each rule. One is
/// enough to refuse; without a bound ten thousand neighbours would be held against ten thousand containers.
const MOST_OF_OTHERS: usize = 4;

/// How many containers are each told of their hygiene (rules that only inform).
const MOST_ALONE: usize = 20;

/// What the declared Traefiks and Leeward mount.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    pub(super) traefiks: Files<'a, OwnMount<'a>>,
    pub(super) leewards: Files<'a, OwnMount<'a>>,
}

/// A mount, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnMount<'a> {
    pub(super) holder: &'a Container,
    pub(super) mount: &'a Mount,
}

/// What a container could do for those that share a namespace with it.
#[derive(Clone, Debug)]
pub(super) struct Power<'a> {
    /// The container that has the power.
    pub(super) holder: &'a Container,
    /// Its place in the inventory.
    pub(super) at: usize,
    /// The container whose network it is on.
    pub(super) network: &'a ContainerId,
    pub(super) kind: PowerKind,
    pub(super) has: Has,
    pub(super) action: Action,
}

/// Whom a power helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PowerKind {
    /// It is a declared Traefik, or Leeward itself.
    Proxy,
    /// A way out: whoever is on another network. On the same one it is their own, and NET-003 speaks of it.
    WayOut,
    /// Raw frames: whoever is on the same network.
    RawFrames,
    /// What a rule of this id saw.
    Rule(RuleId),
}

/// How many containers of a group are named for each kind of power. One of two is always another.
const MOST_HOLDERS: usize = 2;

/// Everything the rules found, and whom it stands against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Worst first; within one rule in the order of the subjects' ids.
    pub findings: Vec<Finding>,
    /// By the containers' places in the inventory; none for one that did not ask.
    concerned: Vec<Option<Concerned>>,
    /// What is found about each of the networks that matter.
    on_network: Vec<Vec<usize>>,
    everyone: Vec<usize>,
}

/// What bears on one container that asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Concerned {
    own: Vec<usize>,
    /// Places in [`Judgement::on_network`].
    networks: Vec<usize>,
    allowed: BTreeSet<RuleId>,
    isolation: Isolation,
}

impl Concerned {
    /// Whether something of a rule refuses it, unless it is allowed where it was found.
    fn is_refused_by(&self, rule: &Rule, action: Action) -> bool {
        blocks(action, self.isolation) && !self.allowed.contains(&rule.id)
    }
}

/// What a finding does to a container that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Refuses it.
    Blocks,
    /// The operator allowed this rule, on this container or on the network.
    Allowed,
    /// Would refuse it under `--isolation enforce`, but only `warn` or `off` is in force.
    Overruled,
    /// Is only reported.
    Noted,
}

impl Judgement {
    fn concerned(&self, at: usize) -> Option<&Concerned> {
        self.concerned.get(at)?.as_ref()
    }

    /// The findings that concern the container at a place of the inventory, worst first, and what each does to it;
    /// without those of rules that only inform.
    pub fn concerning(&self, at: usize) -> Vec<(&Finding, Standing)> {
        let Some(concerned) = self.concerned(at) else { return Vec::new() };
        let networks = concerned.networks.iter().filter_map(|place| self.on_network.get(*place)).flatten();
        let mut places: Vec<usize> = concerned.own.iter().chain(&self.everyone).chain(networks).copied().collect();
        places.sort_unstable();
        places.dedup();
        let standing = |finding| standing(finding, &concerned.allowed, concerned.isolation);
        places
            .into_iter()
            .filter_map(|place| self.findings.get(place))
            .map(|finding| (finding, standing(finding)))
            .collect()
    }

    /// Why the container at a place of the inventory is not isolated, worst first; empty if it is.
    pub fn refusals(&self, at: usize) -> Vec<Refusal> {
        self.concerning(at)
            .into_iter()
            .filter(|(_, standing)| *standing == Standing::Blocks)
            .map(|(finding, _)| Refusal::for_finding(Code::NotIsolated, finding))
            .collect()
    }
}

/// Judges everything. `asked`: whether each container, in the order of the inventory, asked for a route; a declared Traefik
/// among them is passed over.
pub fn judge(context: &Context<'_>, asked: &[bool]) -> Judgement {
    let shared = RuleContext::of(context, asked);
    let mut rules: Vec<(&Rule, Vec<Hit<'_>>)> = all().map(|rule| (rule, Vec::new())).collect();
    rules.sort_by_key(|(rule, _)| std::cmp::Reverse(rule.severity));

    let powers: Vec<Vec<Power<'_>>> =
        context.namespaces.groups().map(|group| powers(context, &shared, &rules, group)).collect();
    let mut concerned: Vec<Option<Concerned>> = Vec::with_capacity(shared.known.len());
    // Where in the hits of a rule a Swarm service is.
    let mut services: BTreeMap<(RuleId, &str), usize> = BTreeMap::new();
    for (at, (candidate, known)) in context.candidates.iter().zip(&shared.known).enumerate() {
        let Candidate { container, labels, allowed, isolation, .. } = candidate;
        let Known { asks, traefik, .. } = *known;
        let near = asks || shared.neighbours.get(at) == Some(&true);
        let host = !asks && container.confinement.pid_mode == "host" && is_alive(container);
        if !near && !traefik && !host && labels.baked.is_empty() {
            concerned.push(None);
            continue;
        }
        let group = context.namespaces.group_of(at).and_then(|group| powers.get(group));
        let Some(case) = shared.case(context, at, group.map_or(&[], Vec::as_slice)) else { continue };
        for (rule, hits) in &mut rules {
            let seen = match rule.check {
                Check::Any(check) => check(&case),
                Check::App(check) | Check::Power(check) if asks => check(&case),
                Check::Host(check) if host => check(&case),
                Check::Hygiene(check) if asks => check(&case).then(|| Seen::new(Cause::Title(rule.title))),
                Check::Neighbour(check) if near => check(&case),
                Check::Router(check) if near || traefik => check(&case),
                Check::Traefik(check) if traefik => check(&case),
                _ => None,
            };
            let Some(seen) = seen else { continue };
            // A Swarm service and its tasks are one thing.
            let service = container.swarm.as_ref().map(|it| it.service_id.as_str()).filter(|id| !id.is_empty());
            match service.map(|id| services.entry((rule.id, id))) {
                Some(Entry::Occupied(known)) => {
                    hits.get_mut(*known.get()).into_iter().for_each(|hit| hit.also.push((at, asks)));
                }
                entry => {
                    if let Some(Entry::Vacant(entry)) = entry {
                        entry.insert(hits.len());
                    }
                    let allowed = allowed.contains(&rule.id);
                    hits.push(Hit { on: On::Container { container, at, asks }, also: Vec::new(), seen, allowed });
                }
            }
        }
        concerned.push(asks.then(|| Concerned {
            own: Vec::new(),
            networks: shared.networks_of(case.namespace),
            allowed: allowed.clone(),
            isolation: *isolation,
        }));
    }
    for (at, place) in shared.places.iter().enumerate() {
        let RuleContext { known, overlaps, .. } = &shared;
        let Place { at: in_inventory, network, members } = *place;
        let overlaps = overlaps.get(&in_inventory).copied();
        let is_proxy = context.proxy.contains(in_inventory);
        let unread = context.namespaces.unread_on(in_inventory).map(|it| it.name.as_str());
        let case = NetworkCase { context, network, members, known, unread, is_proxy, overlaps };
        for (rule, hits) in &mut rules {
            let Check::Network(check) = rule.check else { continue };
            if let Some(seen) = check(&case) {
                let allowed = network.labels.get(ALLOW).is_some_and(|list| RuleId::list(list).0.contains(&rule.id));
                hits.push(Hit { on: On::Network { at, name: &network.name }, also: Vec::new(), seen, allowed });
            }
        }
    }
    for (rule, hits) in &mut rules {
        if let Check::Engine(check) = rule.check {
            hits.extend(check(context).map(|seen| Hit { on: On::Engine, also: Vec::new(), seen, allowed: false }));
        }
    }

    let mut verdicts = Verdicts {
        findings: Vec::with_capacity(rules.iter().map(|(_, hits)| hits.len()).sum()),
        concerned,
        on_network: vec![Vec::new(); shared.places.len()],
        everyone: Vec::new(),
    };
    for (rule, mut hits) in rules.into_iter().filter(|(_, hits)| !hits.is_empty()) {
        if rule.action == Action::Inform && hits.len() > MOST_ALONE {
            hits = vec![together(rule, &hits)];
        }
        let mut counts = vec![0; shared.places.len()];
        for hit in hits {
            verdicts.record(rule, hit, context, &shared, &mut counts);
        }
    }
    Judgement {
        findings: verdicts.findings,
        concerned: verdicts.concerned,
        on_network: verdicts.on_network,
        everyone: verdicts.everyone,
    }
}

/// Hygiene that so many containers lack that it is better said once.
fn together<'a>(rule: &Rule, hits: &[Hit<'a>]) -> Hit<'a> {
    let names = hits.iter().filter_map(|hit| match hit.on {
        On::Container { container, at: _, asks: _ } => Some(name_of(container)),
        On::Network { at: _, name } => Some(name),
        On::Engine => None,
    });
    let cause = Cause::Often { title: rule.title, names: Few::of(names) };
    Hit { on: On::Engine, also: Vec::new(), seen: Seen::new(cause), allowed: false }
}

/// A judgement in the making: containers by their place in the inventory.
struct Verdicts {
    findings: Vec<Finding>,
    concerned: Vec<Option<Concerned>>,
    on_network: Vec<Vec<usize>>,
    everyone: Vec<usize>,
}

impl Verdicts {
    fn record(
        &mut self,
        rule: &'static Rule,
        hit: Hit<'_>,
        context: &Context<'_>,
        shared: &RuleContext<'_>,
        counts: &mut [usize],
    ) {
        let place = self.findings.len();
        let Seen { cause, action, severity, not_verifiable } = hit.seen;
        let found = Finding::new(rule.id, hit.on.subject(context), cause);
        let mut finding = Finding {
            severity: severity.unwrap_or(found.severity),
            action: action.unwrap_or(found.action),
            allowed: hit.allowed,
            not_verifiable,
            ..found
        };
        let action = finding.action;
        match hit.on {
            // Hygiene stands against nobody.
            _ if rule.action == Action::Inform => {}
            On::Container { container: _, at, asks } if matches!(rule.check, Check::Any(_)) => {
                finding.allowed = false;
                let mut all = hit.also.iter().copied().chain([(at, asks)]);
                finding.blocks =
                    all.any(|(at, asks)| asks && self.concerned(at).is_some_and(|it| blocks(action, it.isolation)));
            }
            On::Container { container: _, at, asks } if matches!(rule.check, Check::Router(_)) => {
                let all = || hit.also.iter().copied().chain([(at, asks)]);
                let namespaces = all().filter_map(|(at, _)| context.namespaces.get(at));
                let networks: BTreeSet<usize> =
                    namespaces.flat_map(|namespace| shared.networks_of(namespace)).collect();
                for network in networks {
                    finding.blocks |= !finding.allowed && self.refuses_on(network, rule, action, shared);
                    if let (Some(count), Some(found)) = (counts.get_mut(network), self.on_network.get_mut(network))
                        && !finding.allowed
                        && *count < MOST_OF_OTHERS
                    {
                        *count += 1;
                        found.push(place);
                    }
                }
                // What is its own is held against it whatever the bound.
                all().for_each(|(at, asks)| self.hold(at, place, asks));
            }
            On::Container { container: _, at, asks } => {
                for (at, asks) in hit.also.into_iter().chain([(at, asks)]) {
                    finding.blocks |=
                        !finding.allowed && asks && self.concerned(at).is_some_and(|it| blocks(action, it.isolation));
                    self.hold(at, place, asks);
                }
            }
            On::Network { at, name: _ } => {
                finding.blocks = !finding.allowed && self.refuses_on(at, rule, action, shared);
                self.on_network.get_mut(at).into_iter().for_each(|found| found.push(place));
            }
            On::Engine => {
                let mut concerned = self.concerned.iter().flatten();
                finding.blocks = !finding.allowed && concerned.any(|it| it.is_refused_by(rule, action));
                self.everyone.push(place);
            }
        }
        self.findings.push(finding);
    }

    fn hold(&mut self, at: usize, place: usize, asks: bool) {
        if let Some(Some(concerned)) = self.concerned.get_mut(at).filter(|_| asks) {
            concerned.own.push(place);
        }
    }

    fn concerned(&self, at: usize) -> Option<&Concerned> {
        self.concerned.get(at)?.as_ref()
    }

    /// Whether something of a rule, on a network, refuses a container there.
    fn refuses_on(&self, network: usize, rule: &Rule, action: Action, shared: &RuleContext<'_>) -> bool {
        let members = shared.places.get(network).map_or(&[][..], |place| place.members);
        members
            .iter()
            .filter_map(|member| self.concerned.get(member.at)?.as_ref())
            .any(|concerned| concerned.is_refused_by(rule, action))
    }
}

/// One thing seen, before it is known where it stands.
struct Hit<'a> {
    on: On<'a>,
    /// Others of one Swarm service, and whether they asked.
    also: Vec<(usize, bool)>,
    seen: Seen,
    allowed: bool,
}

#[derive(Clone, Copy)]
enum On<'a> {
    Container { container: &'a Container, at: usize, asks: bool },
    Network { at: usize, name: &'a str },
    Engine,
}

impl On<'_> {
    fn subject(&self, context: &Context<'_>) -> Subject {
        match *self {
            On::Container { container, at, asks: _ } => {
                let labels = context.candidates.get(at).map(|candidate| &candidate.labels);
                let service = labels.and_then(|labels| labels.get("com.docker.compose.service"));
                let name = name_of(container).to_owned();
                let swarm = container.swarm.as_ref().map(|swarm| swarm.service_id.as_str());
                Subject::Container {
                    id: swarm.filter(|id| !id.is_empty()).map_or_else(|| container.id.clone(), Into::into),
                    service: Some(service.unwrap_or(&name).to_owned()),
                    name,
                }
            }
            On::Network { at: _, name } => Subject::Network { name: name.to_owned() },
            On::Engine => Subject::Engine,
        }
    }
}

/// What the rules need that is not about one container alone, worked out once.
struct RuleContext<'a> {
    /// One for each container, in the order of the inventory.
    known: Vec<Known<'a>>,
    /// The verified internal networks with a live container that asked.
    places: Vec<Place<'a>>,
    /// Where in `places` a network of the inventory is.
    place_of: Vec<Option<usize>>,
    /// Which containers are live on those networks, and neither asked nor are a Traefik.
    neighbours: Vec<bool>,
    shares: Shares<'a>,
    kept: Kept<'a>,
    overlaps: BTreeMap<usize, &'a str>,
}

/// What is known of one container besides itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) owner: &'a Owner,
    pub(super) asks: bool,
    pub(super) traefik: bool,
    pub(super) leeward: bool,
}

#[derive(Clone, Copy)]
struct Place<'a> {
    /// Among the inventory's networks.
    at: usize,
    network: &'a Network,
    members: &'a [Member<'a>],
}

impl<'a> RuleContext<'a> {
    fn of(context: &'a Context<'_>, asked: &[bool]) -> Self {
        let fronts: BTreeSet<&Owner> = context.traefiks().map(|it| &it.owner).collect();
        let known_of = |(candidate, asked): (&'a Candidate<'_>, &bool)| {
            let Candidate { owner, is_traefik, is_leeward, .. } = candidate;
            let asks = *asked && !is_traefik;
            // Nobody becomes Leeward by an image's name: where a Traefik is declared, Leeward is of its project.
            let leeward = !asks && *is_leeward && (fronts.is_empty() || fronts.contains(owner));
            Known { owner, asks, traefik: *is_traefik, leeward }
        };
        let known: Vec<Known<'_>> = context.candidates.iter().zip(asked).map(known_of).collect();
        let kept = |is_theirs: fn(&Known<'_>) -> bool| {
            let keepers = context.candidates.iter().zip(&known).filter(|(_, known)| is_theirs(known));
            let mounts = keepers.flat_map(|(Candidate { container: holder, .. }, _)| {
                holder.mounts.iter().map(move |mount| (mount, OwnMount { holder, mount }))
            });
            Files::of(mounts, &context.inventory.volumes)
        };
        let kept = Kept { traefiks: kept(|it| it.traefik), leewards: kept(|it| it.leeward && !it.traefik) };
        let mut neighbours = vec![false; known.len()];
        let mut places = Vec::new();
        let mut place_of = vec![None; context.inventory.networks.len()];
        for ((at, network), place) in context.inventory.networks.values().enumerate().zip(&mut place_of) {
            let members = context.namespaces.members(at);
            let asks = |member: &Member<'_>| known.get(member.at).is_some_and(|known: &Known<'_>| known.asks);
            if context.namespaces.wall(at).is_err() || !members.iter().any(asks) {
                continue;
            }
            for member in members {
                let is_tasks = context.candidates.get(member.at).is_some_and(|it| it.is_tasks);
                let near = known.get(member.at).is_some_and(|known| !known.asks && !known.traefik) && !is_tasks;
                if let Some(neighbour) = neighbours.get_mut(member.at).filter(|_| near) {
                    *neighbour = true;
                }
            }
            *place = Some(places.len());
            places.push(Place { at, network, members });
        }
        Self {
            known,
            places,
            place_of,
            neighbours,
            shares: Shares::of(context),
            kept,
            overlaps: overlaps(context.inventory),
        }
    }

    /// The container at a place, to be judged.
    fn case<'w>(&'w self, context: &'w Context<'w>, at: usize, powers: &'w [Power<'w>]) -> Option<Case<'w>> {
        let Candidate { container, labels, .. } = context.candidates.get(at)?;
        let namespace = context.namespaces.get(at)?;
        let asked = self.known.get(at)?.asks;
        Some(Case { context, container, labels, namespace, at, asked, powers, shares: &self.shares, kept: &self.kept })
    }

    /// Where in `places` the networks of a namespace are.
    fn networks_of(&self, namespace: &Namespace<'_>) -> Vec<usize> {
        let networks = namespace.edges.iter().filter_map(|edge| edge.place);
        networks.filter_map(|place| self.place_of.get(place).copied().flatten()).collect()
    }
}

/// What the containers of a group could do for each other; a few holders of each power. Nothing, where none of them asks.
fn powers<'w>(
    context: &'w Context<'w>,
    shared: &'w RuleContext<'w>,
    rules: &[(&'static Rule, Vec<Hit<'_>>)],
    group: &[usize],
) -> Vec<Power<'w>> {
    let mut powers: Vec<Power<'_>> = Vec::new();
    if !group.iter().any(|at| shared.known.get(*at).is_some_and(|known| known.asks)) {
        return powers;
    }
    let mut holders: BTreeMap<PowerKind, usize> = BTreeMap::new();
    // Those of one network leave by the same ways, and send the same frames.
    let mut seen: BTreeSet<(PowerKind, &ContainerId)> = BTreeSet::new();
    for (at, case) in group.iter().filter_map(|at| Some((*at, shared.case(context, *at, &[])?))) {
        let Case { container, namespace, .. } = case;
        let network = namespace.through.last().map_or(&container.id, |owner| &owner.id);
        let mut add = |kind: PowerKind, action: Action, has: Has| {
            let count = holders.entry(kind).or_default();
            if *count < MOST_HOLDERS {
                *count += 1;
                powers.push(Power { holder: container, at, network, kind, has, action });
            }
        };
        let known = shared.known.get(at);
        if known.is_some_and(|known| known.traefik) {
            add(PowerKind::Proxy, Action::Block, Has::Proxy);
        } else if known.is_some_and(|known| known.leeward) {
            add(PowerKind::Proxy, Action::Block, Has::Leeward);
        }
        if let Some((edge, _)) = namespace.ways_out().next()
            && seen.insert((PowerKind::WayOut, network))
        {
            add(PowerKind::WayOut, Action::Block, Has::WayOut(edge.name.to_owned()));
        }
        if net_raw(container, &context.inventory.engine) != Some(false) {
            add(PowerKind::RawFrames, Action::WarnStrictBlock, Has::RawFrames);
        }
        for (rule, _) in rules {
            let Check::Power(check) = rule.check else { continue };
            let Some(seen) = check(&case) else { continue };
            let action = seen.action.unwrap_or(rule.action);
            if matches!(action, Action::Block | Action::WarnStrictBlock) {
                add(PowerKind::Rule(rule.id), action, Has::Seen(rule.id, seen.cause));
            }
        }
    }
    powers
}

/// The networks, by their places in the inventory, whose addresses overlap with another's, and the name of one such.
fn overlaps(inventory: &Inventory) -> BTreeMap<usize, &str> {
    let mut subnets: Vec<(IpNet, usize, &str)> = inventory
        .networks
        .values()
        .enumerate()
        .filter(|(_, network)| !network.config_only)
        .flat_map(|(at, network)| network.subnets.iter().map(move |subnet| (subnet, at, network)))
        .filter_map(|(subnet, at, network)| Some((subnet.parse::<IpNet>().ok()?.trunc(), at, network.name.as_str())))
        .collect();
    // By first address, the wider before the narrower: two subnets overlap only where one holds the other.
    subnets.sort_by_key(|(subnet, at, _)| (subnet.network(), subnet.prefix_len(), *at));
    let mut found = BTreeMap::new();
    // The one that reaches furthest of those before.
    let mut furthest: Option<(IpNet, usize, &str)> = None;
    for (subnet, at, name) in subnets {
        match furthest {
            Some((before, other, other_name)) if before.contains(&subnet) => {
                if other != at {
                    found.entry(at).or_insert(other_name);
                    found.entry(other).or_insert(name);
                }
            }
            _ => furthest = Some((subnet, at, name)),
        }
    }
    found
}

fn blocks(action: Action, isolation: Isolation) -> bool {
    match isolation {
        Isolation::Strict => matches!(action, Action::Block | Action::WarnStrictBlock),
        Isolation::Enforce => action == Action::Block,
        Isolation::Warn | Isolation::Off => false,
    }
}

fn standing(finding: &Finding, allowed: &BTreeSet<RuleId>, isolation: Isolation) -> Standing {
    let serious = matches!(finding.action, Action::Block | Action::WarnStrictBlock);
    if serious && (finding.allowed || allowed.contains(&finding.rule)) {
        Standing::Allowed
    } else if blocks(finding.action, isolation) {
        Standing::Blocks
    } else if finding.action == Action::Block {
        Standing::Overruled
    } else {
        Standing::Noted
    }
}
