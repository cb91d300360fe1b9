//! One pass over everything that matters: which rules fire, and whom each finding stands against.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::subnet::Subnet;
use super::{Case, Check, Rule, Seen, Wire, all, find, subject};
use crate::inventory::{Container, ContainerId, Inventory, NetworkId};
use crate::policy::finding::{Action, Finding, Subject};
use crate::policy::refusal::{Code, Refusal};
use crate::policy::world::World;
use crate::settings::Isolation;

/// The label by which the operator vouches for rules by their ids: on a container for it alone, on a network for what
/// is found about that network. Its value: `NET-001,PRV-016`.
pub const ALLOW: &str = "leeward.allow";

/// How many findings about other containers on its networks are held against one container, for each rule. One is
/// enough to refuse; without a bound ten thousand neighbours would be held against ten thousand containers.
const MOST_OF_OTHERS: usize = 4;

/// Containers with a way out, by the volume's name or the host directory that they mount; a few of each.
pub(super) type Shares<'a> = BTreeMap<&'a str, Vec<&'a Container>>;

/// Everything the rules found, and whom it stands against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Worst first; within one rule in the order of the subjects' ids.
    pub findings: Vec<Finding>,
    isolation: Isolation,
    concerned: BTreeMap<ContainerId, Concerned>,
    on_network: BTreeMap<NetworkId, Vec<usize>>,
    everyone: Vec<usize>,
}

/// What bears on one container that asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Concerned {
    own: Vec<usize>,
    networks: Vec<NetworkId>,
    vouched: Vec<String>,
}

/// What a finding does to a container that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Refuses it.
    Blocks,
    /// The operator vouched for this rule, on this container or on the network.
    Vouched,
    /// Would refuse it under `--isolation enforce`, but only `warn` or `off` is in force.
    Overruled,
    /// Is only reported.
    Noted,
}

impl Judgement {
    /// The findings that concern a container, worst first, and what each does to it.
    pub fn concerning(&self, id: &ContainerId) -> Vec<(&Finding, Standing)> {
        let Some(concerned) = self.concerned.get(id) else { return Vec::new() };
        let networks = concerned.networks.iter().filter_map(|network| self.on_network.get(network)).flatten();
        let mut places: Vec<usize> = concerned.own.iter().chain(networks).chain(&self.everyone).copied().collect();
        places.sort_unstable();
        places.dedup();
        let standing = |finding| standing(finding, &concerned.vouched, self.isolation);
        places
            .into_iter()
            .filter_map(|place| self.findings.get(place))
            .map(|finding| (finding, standing(finding)))
            .collect()
    }

    /// Why a container is not isolated, worst first; empty if it is. Each remedy ends with the label that vouches.
    pub fn refusals(&self, id: &ContainerId) -> Vec<Refusal> {
        let vouched = self.concerned.get(id).map_or(&[][..], |concerned| &concerned.vouched);
        self.concerning(id)
            .into_iter()
            .filter(|(_, standing)| *standing == Standing::Blocks)
            .map(|(finding, _)| {
                let ids = vouched.iter().map(String::as_str).chain([&*finding.rule]).collect::<Vec<_>>().join(",");
                let remedy =
                    format!("{}\nor accept it for this container alone:\nlabels:\n  {ALLOW}: {ids}", finding.fix);
                Refusal::new(Code::NotIsolated, finding.words.clone(), remedy).by_rule(&finding.rule)
            })
            .collect()
    }
}

/// The ids in a container's `leeward.allow` (where it counts) that are no rule: they vouch for nothing.
pub fn unknown_vouchers(value: &str) -> Vec<&str> {
    vouchers(value).filter(|id| find(id).is_none()).collect()
}

/// Judges everything. `asked`: the containers that asked for a route; a declared Traefik among them is passed over.
pub fn judge(world: &World<'_>, asked: &BTreeSet<&ContainerId>) -> Judgement {
    let ground = Ground::of(world, asked);
    let mut rules: Vec<(&Rule, Vec<Hit<'_>>)> = all().map(|rule| (rule, Vec::new())).collect();
    rules.sort_by_key(|(rule, _)| std::cmp::Reverse(rule.severity));

    let mut concerned = BTreeMap::new();
    for (id, container) in &world.inventory.containers {
        let Some(namespace) = world.namespaces.get(id) else { continue };
        let traefik = world.is_traefik(container);
        let asks = !traefik && asked.contains(id);
        let near = asks || ground.neighbours.contains(id);
        let case = Case { world, container, namespace, asked: asks, shares: &ground.shares };
        let vouched: Vec<String> =
            world.label(id, ALLOW).map(|value| vouchers(value).map(str::to_owned).collect()).unwrap_or_default();
        for (rule, hits) in &mut rules {
            let seen = match rule.check {
                Check::Any(check) => check(&case),
                Check::App(check) if asks => check(&case),
                Check::Neighbour(check) if near => check(&case),
                Check::Router(check) if near || traefik => check(&case),
                Check::Traefik(check) if traefik => check(&case),
                _ => None,
            };
            if let Some(seen) = seen {
                let vouched = vouches(&vouched, rule.id);
                let asked = asks && !matches!(rule.check, Check::Router(_));
                hits.push(Hit { on: On::Container { container, asked }, seen, vouched });
            }
        }
        if asks {
            let networks = namespace
                .edges
                .iter()
                .filter_map(|edge| edge.network)
                .filter(|network| ground.asked_on.contains_key(&network.id))
                .map(|network| network.id.clone())
                .collect();
            concerned.insert(id.clone(), Concerned { own: Vec::new(), networks, vouched });
        }
    }
    for (rule, hits) in &mut rules {
        match rule.check {
            Check::Network(check) => {
                for network in ground.asked_on.keys().filter_map(|id| world.inventory.networks.get(*id)) {
                    let overlaps = ground.overlaps.get(&network.id).copied();
                    let wire = Wire { world, network, members: world.namespaces.members(&network.id), overlaps };
                    if let Some(seen) = check(&wire) {
                        let vouched = network
                            .labels
                            .get(ALLOW)
                            .is_some_and(|value| vouchers(value).any(|id| id.eq_ignore_ascii_case(rule.id)));
                        hits.push(Hit { on: On::Network { id: &network.id, name: &network.name }, seen, vouched });
                    }
                }
            }
            Check::Engine(check) => {
                if let Some(seen) = check(world) {
                    hits.push(Hit { on: On::Engine, seen, vouched: false });
                }
            }
            _ => {}
        }
    }
    let isolation = world.settings.isolation;
    let mut judgement = Judgement { isolation, concerned, ..Judgement::default() };
    for (rule, hits) in rules {
        let mut counts: BTreeMap<&NetworkId, usize> = BTreeMap::new();
        for hit in hits {
            judgement.record(rule, hit, world, &ground, &mut counts);
        }
    }
    judgement
}

impl Judgement {
    fn record<'a>(
        &mut self,
        rule: &'static Rule,
        hit: Hit<'a>,
        world: &'a World<'_>,
        ground: &Ground<'a>,
        counts: &mut BTreeMap<&'a NetworkId, usize>,
    ) {
        let place = self.findings.len();
        let Seen { words, fix, action, not_verifiable } = hit.seen;
        let mut finding = Finding {
            rule: Cow::Borrowed(rule.id),
            severity: rule.severity,
            action: action.unwrap_or(rule.action),
            subject: hit.on.subject(),
            words,
            fix: fix.map_or(Cow::Borrowed(rule.fix), Cow::Owned),
            blocks: false,
            vouched: hit.vouched,
            not_verifiable,
        };
        let bites = blocks(finding.action, self.isolation) && !finding.vouched;
        let refuses = |judgement: &Self, id: &ContainerId| {
            judgement.concerned.get(id).is_some_and(|concerned| !vouches(&concerned.vouched, rule.id))
        };
        match hit.on {
            On::Container { container: _, asked } if matches!(rule.check, Check::Any(_)) => {
                finding.blocks = asked && blocks(finding.action, self.isolation);
                finding.vouched = false;
            }
            On::Container { container, asked: true } => {
                finding.blocks = bites;
                if let Some(concerned) = self.concerned.get_mut(&container.id) {
                    concerned.own.push(place);
                }
            }
            On::Container { container, asked: false } if matches!(rule.check, Check::Router(_)) => {
                let edges = world.namespaces.get(&container.id).map_or(&[][..], |namespace| &namespace.edges);
                for network in edges.iter().filter_map(|edge| edge.network) {
                    let Some(asked) = ground.asked_on.get(&network.id) else { continue };
                    finding.blocks |= bites && asked.iter().any(|id| refuses(self, id));
                    let count = counts.entry(&network.id).or_default();
                    if !finding.vouched && *count < MOST_OF_OTHERS {
                        *count += 1;
                        self.on_network.entry(network.id.clone()).or_default().push(place);
                    }
                }
                // What is its own is held against it whatever the bound.
                if let Some(concerned) = self.concerned.get_mut(&container.id) {
                    concerned.own.push(place);
                }
            }
            On::Container { container: _, asked: false } => {}
            On::Network { id, name: _ } => {
                let asked = ground.asked_on.get(id).map_or(&[][..], Vec::as_slice);
                finding.blocks = bites && asked.iter().any(|id| refuses(self, id));
                self.on_network.entry(id.clone()).or_default().push(place);
            }
            On::Engine => {
                finding.blocks =
                    bites && self.concerned.values().any(|concerned| !vouches(&concerned.vouched, rule.id));
                self.everyone.push(place);
            }
        }
        self.findings.push(finding);
    }
}

/// One thing seen, before it is known where it stands.
struct Hit<'a> {
    on: On<'a>,
    seen: Seen,
    vouched: bool,
}

enum On<'a> {
    Container { container: &'a Container, asked: bool },
    Network { id: &'a NetworkId, name: &'a str },
    Engine,
}

impl On<'_> {
    fn subject(&self) -> Subject {
        match self {
            On::Container { container, asked: _ } => subject(&container.id, &container.name),
            On::Network { id: _, name } => Subject::Network { name: (*name).to_owned() },
            On::Engine => Subject::Engine,
        }
    }
}

/// What the rules need that is not about one container alone, worked out once.
struct Ground<'a> {
    /// The live containers that asked, by verified internal network.
    asked_on: BTreeMap<&'a NetworkId, Vec<&'a ContainerId>>,
    /// Live containers on those networks that neither asked nor are a Traefik.
    neighbours: BTreeSet<&'a ContainerId>,
    shares: Shares<'a>,
    overlaps: BTreeMap<&'a NetworkId, &'a str>,
}

impl<'a> Ground<'a> {
    fn of(world: &'a World<'_>, asked: &BTreeSet<&ContainerId>) -> Self {
        let mut asked_on: BTreeMap<&NetworkId, Vec<&ContainerId>> = BTreeMap::new();
        let mut neighbours = BTreeSet::new();
        for network in world.inventory.networks.values() {
            if world.namespaces.wall(&network.id).is_err() {
                continue;
            }
            let members = world.namespaces.members(&network.id);
            let is_asked = |member: &&&Container| asked.contains(&member.id) && !world.is_traefik(member);
            let asking: Vec<&ContainerId> = members.iter().filter(is_asked).map(|member| &member.id).collect();
            if asking.is_empty() {
                continue;
            }
            if asking.len() < members.len() {
                let others = members.iter().filter(|member| !is_asked(member) && !world.is_traefik(member));
                neighbours.extend(others.map(|member| &member.id));
            }
            asked_on.insert(&network.id, asking);
        }
        Self { asked_on, neighbours, shares: shares(world), overlaps: overlaps(world.inventory) }
    }
}

fn shares<'a>(world: &'a World<'_>) -> Shares<'a> {
    let mut shares: Shares<'_> = BTreeMap::new();
    for container in world.inventory.containers.values() {
        if container.mounts.is_empty() || world.is_traefik(container) || !world.namespaces.has_way_out(&container.id) {
            continue;
        }
        for mount in &container.mounts {
            let what = if mount.name.is_empty() { &mount.source } else { &mount.name };
            let holders = shares.entry(what).or_default();
            // Two are enough: one may be the container itself.
            if !what.is_empty() && holders.len() < 2 {
                holders.push(container);
            }
        }
    }
    shares
}

/// The networks whose addresses overlap with another's, and the name of one such.
fn overlaps(inventory: &Inventory) -> BTreeMap<&NetworkId, &str> {
    let mut spans: Vec<(Subnet, &NetworkId, &str)> = inventory
        .networks
        .values()
        .flat_map(|network| network.subnets.iter().map(move |subnet| (subnet, network)))
        .filter_map(|(subnet, network)| Some((subnet.parse().ok()?, &network.id, network.name.as_str())))
        .collect();
    spans.sort_by_key(|(subnet, id, _)| (subnet.first(), *id));
    let mut found = BTreeMap::new();
    // The one that reaches furthest of those before.
    let mut reach: Option<(Subnet, &NetworkId, &str)> = None;
    for (subnet, id, name) in spans {
        if let Some((before, other, other_name)) = reach
            && before.overlaps(&subnet)
            && other != id
        {
            found.entry(id).or_insert(other_name);
            found.entry(other).or_insert(name);
        }
        if reach.is_none_or(|(before, _, _)| before.last() < subnet.last()) {
            reach = Some((subnet, id, name));
        }
    }
    found
}

fn vouchers(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ', '\t', '\n']).map(str::trim).filter(|id| !id.is_empty())
}

fn vouches(vouched: &[String], rule: &str) -> bool {
    vouched.iter().any(|id| id.eq_ignore_ascii_case(rule))
}

fn blocks(action: Action, isolation: Isolation) -> bool {
    match isolation {
        Isolation::Strict => matches!(action, Action::Block | Action::WarnStrictBlock),
        Isolation::Enforce => action == Action::Block,
        Isolation::Warn | Isolation::Off => false,
    }
}

fn standing(finding: &Finding, vouched: &[String], isolation: Isolation) -> Standing {
    let serious = matches!(finding.action, Action::Block | Action::WarnStrictBlock);
    if serious && (finding.vouched || vouches(vouched, &finding.rule)) {
        Standing::Vouched
    } else if blocks(finding.action, isolation) {
        Standing::Blocks
    } else if finding.action == Action::Block {
        Standing::Overruled
    } else {
        Standing::Noted
    }
}
