//! Outbound by name: which containers may reach which names outside, through the egress Traefik that stands beside them.
//!
//! An allowance is a pair of an address and a name. What makes the address mean one container, and the name mean one
//! server, is checked here before any is published: who else is on the network, what they could forge, how the egress
//! container finds names and Leeward. What cannot be seen counts against it.

mod cause;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

pub(crate) use self::cause::{Cause, Egress, NotInternal};
pub use self::target::{BadTarget, Target, asks_for_proxy, read};
use super::cause::Few;
use super::context::{Candidate, Context};
use super::finding::{Action, Finding, Severity, Subject};
use super::leeward_labels::{OUTBOUND, PROXIED};
use super::names::Owner;
use super::namespaces::{Member, Namespace, is_alive, is_podman};
use super::rule_id::RuleId;
use super::rules::{
    Files, can_enter, can_forge, capability, gives_engine, gives_power, net_raw, own_bridge, plain_path,
};
use crate::budgets::Quantity;
use crate::inventory::{Container, ContainerId, Engine, Network};
use crate::settings::PortKind;

/// Everything that was decided about outbound names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbound {
    /// The names of the declared egress Traefiks.
    pub egresses: BTreeSet<String>,
    /// What containers asked for, whatever came of it: by container and name.
    pub allowances: Vec<Allowance>,
    /// What the EGR rules found.
    pub findings: Vec<Finding>,
}

/// One name outside that a container asks for on one network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Allowance {
    /// The container's name.
    pub container: String,
    /// Its id.
    pub id: ContainerId,
    /// Its owner.
    pub owner: String,
    /// The name and the port.
    #[serde(flatten)]
    pub target: Target,
    /// What the port speaks; `None`: the egress Traefik does not listen on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<PortKind>,
    /// The network of outbound names; empty: the container is on none.
    pub network: String,
    /// The egress container's name; empty: there is none.
    pub egress: String,
    /// The container's address there, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The rules that stand against it; empty: nothing does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RuleId>,
    /// It was taken back, because the engine does not answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

impl Allowance {
    /// Whether it is published: nothing stands against it, and there is an address to allow.
    pub fn holds(&self) -> bool {
        !self.withdrawn && self.refused.is_empty() && self.address.is_some() && self.kind.is_some()
    }
}

/// Decides about every outbound name.
pub fn judge(context: &Context<'_>) -> Outbound {
    let says = |candidate: &Candidate<'_>| {
        candidate.is_egress
            || candidate.is_both
            || candidate.labels.get(OUTBOUND).is_some()
            || candidate.labels.baked.contains(&OUTBOUND)
    };
    let networks = || context.inventory.networks.values();
    if !context.candidates.iter().any(says) && !networks().any(|it| it.labels.contains_key(OUTBOUND)) {
        return Outbound::default();
    }
    let mut judge = Judge {
        context,
        placed: BTreeSet::new(),
        used: BTreeMap::new(),
        dotted: BTreeMap::new(),
        outbound: Outbound::default(),
    };
    let wishes = judge.wishes();
    let egresses: BTreeMap<usize, Through<'_>> = context
        .candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| candidate.is_egress)
        .map(|(at, candidate)| {
            let refused = judge.egress(at, candidate);
            (at, Through { refused, holders: holders(context, at), hosts: hosts(candidate.container) })
        })
        .collect();
    for (at, network) in networks().enumerate() {
        judge.network(at, network, &wishes, &egresses);
    }
    for (at, wish) in &wishes {
        judge.unplaced(*at, wish);
    }
    let mut outbound = judge.outbound;
    outbound.egresses = context.egresses().map(|it| it.container.name.clone()).collect();
    outbound.allowances.sort();
    outbound
}

/// What a finding is about: a container or a network, by its place in the inventory.
#[derive(Clone, Copy, Debug)]
enum On {
    Container(usize),
    Network(usize),
}

/// What a live container's own label asks for.
type Wish = BTreeSet<Target>;

struct Judge<'a> {
    context: &'a Context<'a>,
    /// Containers whose wishes were judged on some network, by place.
    placed: BTreeSet<usize>,
    /// How many names each owner has so far.
    used: BTreeMap<&'a Owner, u64>,
    /// By network: the names with a dot that containers there answer to, in lower case, and who does. Worked out once.
    dotted: BTreeMap<usize, BTreeMap<String, &'a str>>,
    outbound: Outbound,
}

/// An egress container, as far as it decides about everything that goes through it.
struct Through<'a> {
    /// The rules that stand against all of it.
    refused: Vec<RuleId>,
    /// Whose each address is on any of its networks: the container that owns the namespace, and another that has the same
    /// address.
    holders: Holders<'a>,
    /// What its own hosts file says, by name.
    hosts: Hosts<'a>,
}

/// By name in lower case.
type Hosts<'a> = BTreeMap<String, &'a str>;
type Holders<'a> = BTreeMap<IpAddr, (&'a ContainerId, Option<&'a str>)>;

/// What is judged of one network together.
struct Wire<'a> {
    network: &'a Network,
    egress: &'a Candidate<'a>,
    /// How the egress container is called there.
    aliases: BTreeSet<String>,
    /// The rules that stand against everything there.
    refused: Vec<RuleId>,
    /// Where only the address tells connections apart: the names of each address and port.
    plain: BTreeMap<(IpAddr, u16), BTreeSet<&'a str>>,
    through: &'a Through<'a>,
}

impl<'a> Judge<'a> {
    fn found(&mut self, cause: Cause, on: On) -> RuleId {
        let (context, rule) = (self.context, cause.rule());
        let subject = match on {
            On::Container(at) => context.candidates.get(at).map(|it| {
                let service = Some(service(it).to_owned());
                Subject::Container { id: it.container.id.clone(), name: it.container.name.clone(), service }
            }),
            On::Network(at) => {
                let network = context.inventory.networks.values().nth(at);
                network.map(|it| Subject::Network { name: it.name.clone() })
            }
        };
        let label = cause.is_of_label().then(|| OUTBOUND.to_owned());
        let unknown = matches!(cause, Cause::ResolverUnread | Cause::NoEgressKnown { .. });
        let loud = matches!(cause, Cause::NobodysAlias { leads_out: true, .. });
        let cause = Arc::new(cause.into());
        let mut finding = Finding { label, ..Finding::new(rule, subject.unwrap_or(Subject::Engine), cause) };
        if unknown {
            finding.not_verifiable = true;
            finding.action = Action::Inform;
        }
        if loud {
            finding.severity = Severity::High;
        }
        self.outbound.findings.push(finding);
        rule
    }

    /// The labels of all live containers; those of an egress container ask for nothing.
    fn wishes(&mut self) -> BTreeMap<usize, Wish> {
        let mut wishes = BTreeMap::new();
        for (at, candidate) in self.context.candidates.iter().enumerate() {
            if !is_alive(candidate.container) {
                continue;
            }
            let on = On::Container(at);
            if candidate.is_both {
                self.found(Cause::Both, on);
            }
            if candidate.labels.baked.contains(&OUTBOUND) {
                self.found(Cause::Baked, on);
            }
            let Some(value) = candidate.labels.get(OUTBOUND).filter(|_| !candidate.is_egress) else { continue };
            if asks_for_proxy(value) && !self.has_forward_proxy(at) {
                self.found(Cause::NoProxy, on);
            }
            let wish = self.read(value, on);
            if !wish.is_empty() {
                wishes.insert(at, wish);
            }
        }
        wishes
    }

    fn has_forward_proxy(&self, at: usize) -> bool {
        let edges = self.context.namespaces.get(at).map_or(&[][..], |it| it.edges.as_slice());
        edges.iter().filter_map(|edge| edge.place).any(|place| self.context.forward_proxy_on(place).is_some())
    }

    /// Reads a label. One with too many names asks for none.
    fn read(&mut self, value: &str, on: On) -> Wish {
        let (targets, mut bad) = read(value);
        // Each container is to say it for itself.
        bad.retain(|(word, _)| *word != PROXIED || matches!(on, On::Network(_)));
        // A few are told; a label can hold thousands.
        for (word, problem) in bad.into_iter().take(4) {
            let word = word.chars().take(80).collect();
            let cause = match problem {
                BadTarget::Everything => Cause::Everything { word },
                _ => Cause::Unreadable { word, problem },
            };
            self.found(cause, on);
        }
        let (found, most) = (targets.len() as u64, self.context.settings.budgets.routers);
        if found > most {
            self.found(Cause::TooMany { found, most, flag: Quantity::Routers.flag() }, on);
            return Wish::new();
        }
        targets
    }

    /// What stands against everything that goes through an egress container.
    fn egress(&mut self, at: usize, candidate: &'a Candidate<'a>) -> Vec<RuleId> {
        let container: &Container = candidate.container;
        let (Some(namespace), on) = (self.context.namespaces.get(at), On::Container(at)) else { return Vec::new() };
        if is_podman(&self.context.inventory.engine) {
            // Said of each network: what is missing here may only not be shown.
            return Vec::new();
        }
        let mut causes = Vec::new();
        if namespace.through.is_empty() {
            let missing = lets_through(container);
            if !missing.is_empty() {
                causes.push(Cause::Forwards { missing, undone_by: undone_by(container) });
            }
        } else {
            causes.push(Cause::NoNetworkOfItsOwn);
        }
        let mates = self.context.namespaces.mates(at).filter_map(|it| self.context.candidates.get(it));
        let unread = self.context.namespaces.unread(at).map(|(it, _)| it.name.as_str());
        let names = Few::of(mates.map(|it| it.container.name.as_str()).chain(unread));
        if !names.is_empty() {
            causes.push(Cause::NotAlone { names });
        }
        match own_resolver(container) {
            None => causes.push(Cause::EnginesResolver),
            Some(source) if is_hosts_resolver(source) => {
                causes.push(Cause::HostsResolver { source: source.to_owned() });
            }
            Some(_) => drop(self.found(Cause::ResolverUnread, on)),
        }
        causes.extend(self.finds_leeward(at, container, namespace));
        causes.extend(self.outside(at, candidate, namespace));
        causes.extend(self.told_by_others(at, container));
        if let Some(port) = published(container) {
            self.found(Cause::Published { port }, on);
        }
        if let Some(powers) = powers(container, &self.context.inventory.engine) {
            self.found(powers, on);
        }
        causes.into_iter().map(|cause| self.found(cause, on)).collect()
    }

    /// Who on the networks by which an egress container leaves could answer for its resolver. Strangers who cannot are said
    /// here and refuse nothing.
    fn outside(&mut self, at: usize, candidate: &Candidate<'_>, namespace: &Namespace<'a>) -> Vec<Cause> {
        let context = self.context;
        let mut causes = Vec::new();
        for (edge, _) in namespace.ways_out() {
            let Some(place) = edge.place else { continue };
            let others = || context.namespaces.members(place).iter().filter(|it| it.at != at);
            let network = edge.network.map_or(edge.name, |it| &it.name).to_owned();
            let forgers = others().filter(|it| can_forge(it.container, &context.inventory.engine));
            let unread = context.namespaces.unread_on(place).map(|it| it.name.as_str());
            let names = Few::of(forgers.map(|it| it.container.name.as_str()).chain(unread));
            if !names.is_empty() {
                causes.push(Cause::OutsideForgers { network, names });
                continue;
            }
            let is_stranger = |it: &&Member<'_>| {
                let other = context.candidates.get(it.at);
                other.is_none_or(|other| other.owner != candidate.owner && !other.is_traefik && !other.is_egress)
            };
            let names = Few::of(others().filter(is_stranger).map(|it| it.container.name.as_str()));
            if !names.is_empty() {
                self.found(Cause::OutsideStrangers { network, names }, On::Container(at));
            }
        }
        causes
    }

    /// Who else could tell an egress container what to let through: by the files that it reads, or by the engine.
    fn told_by_others(&self, at: usize, container: &Container) -> Option<Cause> {
        let context = self.context;
        let volumes = &context.inventory.volumes;
        if let Some(mount) = container.mounts.iter().find(|mount| gives_engine(mount, volumes)) {
            return Some(Cause::EnginesSocket { path: mount.destination.clone() });
        }
        let live = context.candidates.iter().enumerate().filter(|(other, it)| *other != at && is_alive(it.container));
        let writable = live.flat_map(|(_, it)| {
            it.container.mounts.iter().filter(|mount| mount.writable).map(|mount| (&it.container.name, mount))
        });
        let files = Files::of(container.mounts.iter().map(|own| (own, own)), volumes);
        { writable }.find_map(|(writer, theirs)| {
            let own = files.shared_with(theirs, volumes)?;
            Some(Cause::Written { path: own.destination.clone(), writer: writer.clone() })
        })
    }

    /// What keeps an egress container from asking Leeward, and nobody else, for its configuration.
    ///
    /// Anybody may call an image `leeward`. So where Leeward knows its own container, that alone is Leeward; else the one whose
    /// address is named, and no second one beside it.
    fn finds_leeward(&self, at: usize, container: &Container, namespace: &Namespace<'a>) -> Option<Cause> {
        let context = self.context;
        // Not there: the inventory is of another engine than Leeward's own, or of a file.
        let own = context.settings.own_container.as_deref().and_then(|id| context.find(id));
        let is_leeward = |at: usize| own.map_or_else(|| context.is_leeward(at), |own| own == at);
        // The second says whether the hosts file is read at all.
        let decides = |path: &str| matches!(path.trim_end_matches('/'), "/etc" | "/etc/hosts" | "/etc/nsswitch.conf");
        if let Some(mount) = container.mounts.iter().find(|mount| decides(&mount.destination)) {
            return Some(Cause::HostsMounted { path: mount.destination.clone() });
        }
        let entries = || container.confinement.extra_hosts.iter().map(|entry| extra_host(entry));
        let named: BTreeSet<IpAddr> = entries().filter_map(|(_, address)| address.parse().ok()).collect();
        let mut finds = false;
        for (place, network) in namespace.edges.iter().filter_map(|edge| Some((edge.place?, edge.network?))) {
            let members = context.namespaces.members(place);
            let leeward = members
                .iter()
                .find(|it| is_leeward(it.at) && it.attachment.ipv4.is_some_and(|address| named.contains(&address)));
            let Some(Member { attachment, at: leeward, .. }) = leeward else { continue };
            let is_ours = |it: &Member<'_>| {
                let is_traefik = context.is_egress(it.at) || context.is_traefik(it.at);
                [*leeward, at].contains(&it.at) || (is_traefik && !can_forge(it.container, &context.inventory.engine))
            };
            let others = members.iter().filter(|it| !is_ours(it)).map(|it| it.container.name.as_str());
            let company = Few::of(others.chain(context.namespaces.unread_on(place).map(|it| it.name.as_str())));
            let network_name = network.name.clone();
            if context.namespaces.wall(place).is_err() || !company.is_empty() {
                return Some(Cause::LeewardNotAlone { network: network_name, company });
            }
            // Whoever asks for a name that has two addresses may be answered by either.
            let is_own = |address: &str| address.parse().ok() == attachment.ipv4;
            let own: BTreeSet<String> =
                entries().filter(|(_, address)| is_own(address)).flat_map(|(names, _)| each_name(names)).collect();
            let other = entries().filter(|(_, address)| !is_own(address)).find_map(|(names, address)| {
                Some((each_name(names).find(|name| own.contains(name))?, address.to_owned()))
            });
            if let Some((host, address)) = other {
                return Some(Cause::LeewardTwice { host, address });
            }
            if !attachment.ipv4.is_some_and(|address| attachment.fixed.contains(&address)) {
                let address = attachment.ipv4.map(|it| it.to_string()).unwrap_or_default();
                return Some(Cause::LeewardMoves { address, network: network_name });
            }
            finds = true;
        }
        (!finds).then_some(Cause::LeewardNotNamed)
    }

    /// Judges a network, if an egress container is on it or its label asks for something.
    fn network(
        &mut self,
        place: usize,
        network: &'a Network,
        wishes: &BTreeMap<usize, Wish>,
        egresses: &BTreeMap<usize, Through<'a>>,
    ) {
        let context = self.context;
        let members = context.namespaces.members(place);
        let on = On::Network(place);
        let egress: Vec<&Member<'_>> = members.iter().filter(|it| context.is_egress(it.at)).collect();
        let value = network.labels.get(OUTBOUND);
        let of_network = value.map(|value| self.read(value, on)).unwrap_or_default();
        let found = egress.first().and_then(|it| Some((it, context.candidates.get(it.at)?, egresses.get(&it.at)?)));
        let Some((first, candidate, through)) = found else {
            if value.is_some() {
                self.found(Cause::NoEgress { declared: !egresses.is_empty() }, on);
            }
            return;
        };
        let shown = Egress {
            name: candidate.container.name.clone(),
            service: service(candidate).to_owned(),
            network: key(network).to_owned(),
        };
        let asking = self.asking(place, wishes, &of_network);
        let aliases: BTreeSet<String> = first.attachment.aliases.iter().map(|it| it.to_ascii_lowercase()).collect();
        self.nobodys_aliases(place, candidate, &shown, &aliases, &asking);
        let owner = asking.first().and_then(|(asker, _)| context.candidates.get(asker.at)).map(|it| &it.owner);
        let Some(owner) = owner else {
            if context.proxy.contains(place) {
                self.found(Cause::ProxyNetwork { traefik: None, egress: shown }, on);
            }
            return;
        };

        let causes = self.against_all(place, network, owner, &egress, &shown);
        let mut refused: Vec<RuleId> = causes.into_iter().map(|cause| self.found(cause, on)).collect();
        refused.extend(&through.refused);
        for member in members.iter().filter(|it| it.way_out && !context.is_egress(it.at)) {
            let leaves = context.namespaces.leaves_by(member.at).and_then(|at| context.namespaces.get(at));
            let over = leaves.and_then(|it| it.ways_out().next()).map_or("", |(edge, _)| edge.name).to_owned();
            self.found(Cause::WayOut { over }, On::Container(member.at));
        }
        let mut plain: BTreeMap<(IpAddr, u16), BTreeSet<&str>> = BTreeMap::new();
        for (member, wish) in &asking {
            let Some(address) = member.attachment.ipv4 else { continue };
            for target in wish.iter().filter(|it| self.kind(it) == Some(PortKind::Plain)) {
                plain.entry((address, target.port())).or_default().insert(target.host());
            }
        }
        let wire = Wire { network, egress: candidate, aliases, refused, plain, through };
        let mut unheard: BTreeSet<&str> = BTreeSet::new();
        for (member, wish) in &asking {
            self.container(member, wish, &wire, &mut unheard);
        }
        for host in unheard {
            self.found(Cause::NoAlias { host: host.to_owned(), egress: shown.clone() }, on);
        }
    }

    /// Who asks for something on a network, and for what: by a label of its own, or by the network's, which is for the
    /// isolated ones. What is asked for by the network's label is bounded like an owner's.
    fn asking<'w>(
        &mut self,
        place: usize,
        wishes: &'w BTreeMap<usize, Wish>,
        of_network: &'w Wish,
    ) -> Vec<(&'a Member<'a>, BTreeSet<&'w Target>)> {
        let context = self.context;
        let most = self.most_of_owner();
        let mut shared = 0_u64;
        let mut asking = Vec::new();
        for member in context.namespaces.members(place).iter().filter(|it| !context.is_egress(it.at)) {
            let mut wish: BTreeSet<&Target> = wishes.get(&member.at).into_iter().flatten().collect();
            let is_ours = context.is_traefik(member.at) || context.is_leeward(member.at);
            if !is_ours && context.namespaces.leaves_by(member.at).is_none() {
                shared += of_network.len() as u64;
                wish.extend(of_network.iter().filter(|_| shared <= most));
            }
            if !wish.is_empty() {
                asking.push((member, wish));
            }
        }
        if shared > most {
            let flag = Quantity::OwnerRouters.flag();
            self.found(Cause::TooMany { found: shared, most, flag }, On::Network(place));
        }
        asking
    }

    /// How many names one owner's containers may ask for.
    fn most_of_owner(&self) -> u64 {
        let budgets = &self.context.settings.budgets;
        budgets.routers.saturating_mul(budgets.per_owner)
    }

    fn kind(&self, target: &Target) -> Option<PortKind> {
        self.context.settings.outbound_ports.kind(target.port())
    }

    /// What stands against every name on a network.
    fn against_all(
        &self,
        place: usize,
        network: &Network,
        owner: &Owner,
        egress: &[&Member<'_>],
        shown: &Egress,
    ) -> Vec<Cause> {
        let context = self.context;
        let members = context.namespaces.members(place);
        let others = || members.iter().filter(|it| !context.is_egress(it.at));
        let mut causes = Vec::new();
        let why = if is_podman(&context.inventory.engine) {
            Some(NotInternal::Podman)
        } else if network.driver != "bridge" {
            Some(NotInternal::Driver)
        } else if context.namespaces.wall(place).is_err() && !network.ipv6 {
            Some(NotInternal::Open)
        } else if network.ipv6 {
            Some(NotInternal::Ipv6)
        } else if !own_bridge(network) {
            Some(NotInternal::HostsBridge)
        } else {
            None
        };
        causes.extend(why.map(|why| Cause::NotInternal { why }));
        let traefik = others().find(|it| context.is_traefik(it.at)).map(|it| it.container.name.clone());
        if traefik.is_some() || context.proxy.contains(place) {
            causes.push(Cause::ProxyNetwork { traefik, egress: shown.clone() });
        }
        // Who shares a namespace with one on the network can act as it.
        let mates: BTreeSet<usize> = others().flat_map(|it| context.namespaces.mates(it.at)).collect();
        let mates = || mates.iter().filter_map(|at| context.candidates.get(*at));
        let strangers = others()
            .filter(|it| !context.is_traefik(it.at))
            .filter(|it| context.candidates.get(it.at).is_none_or(|it| it.owner != *owner))
            .map(|it| it.container.name.as_str())
            .chain(mates().filter(|it| it.owner != *owner).map(|it| it.container.name.as_str()));
        let strangers = Few::of(strangers.collect::<BTreeSet<&str>>());
        if !strangers.is_empty() {
            causes.push(Cause::Strangers { owner: owner.to_string(), strangers });
        }
        let unread = context.namespaces.unread_on(place);
        let unread = unread.or_else(|| others().find_map(|it| Some(context.namespaces.unread(it.at)?.0)));
        causes.extend(unread.map(|it| Cause::Unread { name: it.name.clone() }));
        if egress.len() > 1 {
            let egresses = Few::of(egress.iter().map(|it| it.container.name.as_str()));
            causes.push(Cause::Several { egresses });
        }
        let hidden = why == Some(NotInternal::Podman);
        let forgers = others()
            .filter(|it| !hidden && can_forge(it.container, &context.inventory.engine))
            .map(|it| it.container.name.as_str())
            .chain(mates().filter(|it| can_enter(it.container)).map(|it| it.container.name.as_str()));
        let names = Few::of(forgers.collect::<BTreeSet<&str>>());
        if !names.is_empty() {
            causes.push(Cause::Forgers { names });
        }
        causes
    }

    /// Names of the egress container that nobody on a network may reach: whoever asks for one there gets the egress in
    /// place of the real host.
    fn nobodys_aliases(
        &mut self,
        place: usize,
        candidate: &Candidate<'_>,
        egress: &Egress,
        aliases: &BTreeSet<String>,
        asking: &[(&Member<'_>, BTreeSet<&Target>)],
    ) {
        let wanted: BTreeSet<&str> = asking.iter().flat_map(|(_, wish)| wish).map(|it| it.host()).collect();
        let own = [candidate.container.name.as_str(), service(candidate)];
        let leads_out = self.context.namespaces.wall(place).is_err();
        let mut nobodys = aliases.iter().filter(|it| it.contains('.') && !wanted.contains(it.as_str()));
        // One is enough to see what is wrong.
        if let Some(alias) = nobodys.find(|it| !own.iter().any(|own| own.eq_ignore_ascii_case(it))) {
            let (alias, egress) = (alias.clone(), egress.clone());
            self.found(Cause::NobodysAlias { alias, egress, leads_out }, On::Network(place));
        }
    }

    /// What one container asks for on a network. `unheard`: the names that are no alias there.
    fn container<'w>(
        &mut self,
        member: &Member<'a>,
        wish: &BTreeSet<&'w Target>,
        wire: &Wire<'_>,
        unheard: &mut BTreeSet<&'w str>,
    ) {
        let context = self.context;
        let (Some(candidate), on) = (context.candidates.get(member.at), On::Container(member.at)) else { return };
        self.placed.insert(member.at);
        let Candidate { id, container, owner, .. } = candidate;
        let address = member.attachment.ipv4.filter(|_| container.is_running());
        let mut refused = wire.refused.clone();
        // Said of every container on the network that has one.
        refused.extend(member.way_out.then_some(RuleId::Egr011));
        if let Some(other) = address.and_then(|it| wire.through.holders.get(&it)).and_then(|(_, other)| *other) {
            refused.push(self.found(Cause::SharedAddress { other: other.to_owned() }, on));
        }
        let most = self.most_of_owner();
        let used = self.used.entry(owner).or_default();
        let found = used.saturating_add(wish.len() as u64);
        if found > most {
            let flag = Quantity::OwnerRouters.flag();
            self.found(Cause::TooMany { found, most, flag }, on);
            return;
        }
        *used = found;
        let mut told: BTreeSet<u16> = BTreeSet::new();
        for &target in wish {
            let mut refused = refused.clone();
            let kind = self.kind(target);
            if kind.is_none() {
                let ports = context.settings.outbound_ports.iter().collect();
                refused.push(self.found(Cause::NoEntryPoint { target: target.clone(), ports }, on));
            }
            if !wire.aliases.contains(target.host()) {
                refused.push(RuleId::Egr001);
                unheard.insert(target.host());
            }
            if let Some(address) = wire.through.hosts.get(target.host()) {
                let (address, egress) = ((*address).to_owned(), wire.egress.container.name.clone());
                refused.push(self.found(Cause::OwnHosts { host: target.host().to_owned(), address, egress }, on));
            }
            let hosts = address.and_then(|address| wire.plain.get(&(address, target.port())));
            if let Some(hosts) = hosts.filter(|hosts| kind == Some(PortKind::Plain) && hosts.len() > 1) {
                refused.push(RuleId::Egr017);
                if told.insert(target.port()) {
                    let hosts = Few::of(hosts.iter().copied());
                    self.found(Cause::OnePlain { port: target.port(), hosts }, on);
                }
            }
            refused.sort_unstable();
            refused.dedup();
            self.outbound.allowances.push(Allowance {
                container: container.name.clone(),
                id: ContainerId::clone(id),
                owner: owner.to_string(),
                target: target.clone(),
                kind,
                network: wire.network.name.clone(),
                egress: wire.egress.container.name.clone(),
                address,
                refused,
                withdrawn: false,
            });
        }
        self.impostors(member, wish, on);
    }

    /// Other containers that answer to a name, on any network of the container that may reach it.
    fn impostors(&mut self, member: &Member<'_>, wish: &BTreeSet<&Target>, on: On) {
        let context = self.context;
        let Some(namespace) = context.namespaces.get(member.at) else { return };
        let places = namespace.edges.iter().filter_map(|edge| Some((edge.place?, edge.network?)));
        let mut cause = None;
        for (place, network) in places {
            let names = self.dotted.entry(place).or_insert_with(|| dotted(context, place));
            if let Some((target, name)) = wish.iter().find_map(|it| Some((it, *names.get(it.host())?))) {
                let (host, name, network) = (target.host().to_owned(), name.to_owned(), network.name.clone());
                cause = Some(Cause::Impostor { host, name, network });
                break;
            }
        }
        if let Some(cause) = cause {
            self.found(cause, on);
        }
    }

    /// What a container asks for that no egress container could hear.
    fn unplaced(&mut self, at: usize, wish: &Wish) {
        let context = self.context;
        let Some(candidate) = context.candidates.get(at).filter(|_| !self.placed.contains(&at)) else { return };
        let edges = context.namespaces.get(at).map_or(&[][..], |it| it.edges.as_slice());
        let assumed = edges.iter().filter_map(|edge| edge.network).find(|network| network.assumed);
        let cause = match assumed {
            Some(network) => Cause::NoEgressKnown { network: network.name.clone() },
            None => Cause::NoEgress { declared: context.egresses().next().is_some() },
        };
        let refused = self.found(cause, On::Container(at));
        let Candidate { id, container, owner, .. } = candidate;
        for target in wish {
            self.outbound.allowances.push(Allowance {
                container: container.name.clone(),
                id: ContainerId::clone(id),
                owner: owner.to_string(),
                target: target.clone(),
                kind: self.kind(target),
                network: String::new(),
                egress: String::new(),
                address: None,
                refused: vec![refused],
                withdrawn: false,
            });
        }
    }
}

/// What a compose file calls a network.
fn key(network: &Network) -> &str {
    let key = network.labels.get("com.docker.compose.network").filter(|key| !key.is_empty());
    key.unwrap_or(&network.name)
}

/// The names with a dot that containers on a network answer to, but for egress containers.
fn dotted<'a>(context: &'a Context<'_>, place: usize) -> BTreeMap<String, &'a str> {
    let members = context.namespaces.members(place).iter().filter(|it| !context.is_egress(it.at));
    let names = members.flat_map(|it| {
        let names = it.attachment.aliases.iter().chain([&it.container.name]).filter(|name| name.contains('.'));
        names.map(|name| (name.to_ascii_lowercase(), it.container.name.as_str()))
    });
    names.collect()
}

/// What a compose file calls a container.
fn service<'a>(candidate: &'a Candidate<'_>) -> &'a str {
    candidate.labels.get("com.docker.compose.service").unwrap_or(&candidate.container.name)
}

/// Whose each address is on the networks of an egress container. Containers of one namespace share theirs; others must not,
/// on two networks either: the egress tells them apart by their addresses alone.
fn holders<'a>(context: &'a Context<'_>, egress: usize) -> Holders<'a> {
    let mut holders: Holders<'_> = BTreeMap::new();
    let edges = context.namespaces.get(egress).map_or(&[][..], |it| it.edges.as_slice());
    let members = edges.iter().filter_map(|edge| edge.place).flat_map(|place| context.namespaces.members(place));
    for member in members.filter(|it| !it.container.network_mode.starts_with("container:")) {
        let Some(address) = member.attachment.ipv4 else { continue };
        let (first, other) = holders.entry(address).or_insert((&member.container.id, None));
        if **first != member.container.id {
            other.get_or_insert(&member.container.name);
        }
    }
    holders
}

/// The file of the host's that names a container's resolver, in place of the one that the engine writes, which leads to the
/// engine's.
fn own_resolver(container: &Container) -> Option<&str> {
    let mounts = container.mounts.iter().filter(|it| it.kind == "bind" && it.destination == "/etc/resolv.conf");
    let mut sources = mounts.map(|mount| mount.source.as_str());
    // Of several nobody can tell here which one it reads.
    sources.clone().find(|source| is_hosts_resolver(source)).or_else(|| sources.next())
}

/// Whether a file is the one that the host itself asks by, or that an engine wrote for another container, whose id is then in
/// the path. Whatever writes the host's writes it below `/run`, but for WSL.
fn is_hosts_resolver(source: &str) -> bool {
    let path = plain_path(source).unwrap_or_default();
    let is_id = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    path == "/etc/resolv.conf"
        || ["/run/", "/etc/resolvconf/", "/mnt/wsl/", "/usr/lib/", "/var/lib/docker/", "/var/lib/containers/"]
            .iter()
            .any(|own| path.starts_with(own))
        || path.split('/').any(is_id)
}

/// The names and the address of an entry of `extra_hosts`.
fn extra_host(entry: &str) -> (&str, &str) {
    let (names, address) = entry.split_once([':', '=']).unwrap_or((entry, ""));
    (names, address.trim_matches(['[', ']']))
}

/// What a container's hosts file says, as far as the operator wrote it. One entry may hold several names.
fn hosts(container: &Container) -> Hosts<'_> {
    let entries = container.confinement.extra_hosts.iter().map(|entry| extra_host(entry));
    entries.flat_map(|(names, address)| each_name(names).map(move |name| (name, address))).collect()
}

/// The names of one entry of a hosts file, as they are looked up.
fn each_name(names: &str) -> impl Iterator<Item = String> {
    names.split_whitespace().map(|name| name.trim_end_matches('.').to_ascii_lowercase())
}

/// What an egress container may do that it has no need of. Whoever takes it over may do it, too.
fn powers(container: &Container, engine: &Engine) -> Option<Cause> {
    let Container { confinement, network_mode, .. } = container;
    let modes = [("network", network_mode), ("pid", &confinement.pid_mode), ("ipc", &confinement.ipc_mode)];
    let shares: Vec<&str> = modes.into_iter().filter(|(_, mode)| *mode == "host").map(|(name, _)| name).collect();
    let added = confinement.cap_add.iter().filter(|name| gives_power(name));
    let mut capabilities: Vec<String> = added.map(|name| capability(name).into_owned()).collect();
    // It is in Docker's default set.
    capabilities.extend((net_raw(container, engine) == Some(true)).then(|| "NET_RAW".to_owned()));
    let privileged = confinement.privileged;
    (privileged || !shares.is_empty() || !capabilities.is_empty()).then_some(Cause::Powers {
        privileged,
        shares,
        capabilities,
    })
}

/// A port of a container that is one of the host's, too.
fn published(container: &Container) -> Option<String> {
    let live = container.ports.iter().filter(|(_, bindings)| !bindings.is_empty());
    let first = live.chain(&container.port_bindings).map(|(port, _)| port.as_str()).next();
    first.or_else(|| container.publish_all_ports.then_some("*")).map(ToOwned::to_owned)
}

/// The settings that keep a container on several networks from being a way between them, as far as they are missing:
/// without forwarding, and without packets from where they cannot come from.
pub fn lets_through(container: &Container) -> Vec<&'static str> {
    let sysctls = &container.confinement.sysctls;
    let undone = undone_by(container);
    let missing = |(key, kind, wanted, all): &(&str, &str, &str, &'static str)| {
        let is_set = sysctls.get(*key).is_some_and(|value| value.trim() == *wanted);
        (!is_set || undone.iter().any(|key| is_of_kind(key, kind))).then_some(*all)
    };
    SHUT.iter().filter_map(missing).collect()
}

/// Settings that have to be, the kind of others that could undo them, their value, and both as they are written.
const SHUT: [(&str, &str, &str, &str); 2] = [
    ("net.ipv4.ip_forward", "forwarding", "0", "net.ipv4.ip_forward=0"),
    ("net.ipv4.conf.all.rp_filter", "rp_filter", "1", "net.ipv4.conf.all.rp_filter=1"),
];

fn is_of_kind(key: &str, kind: &str) -> bool {
    key.rsplit('.').next() == Some(kind)
}

/// The settings of the same kind that would undo these.
fn undone_by(container: &Container) -> Vec<String> {
    let undoes = |(key, value): &(&String, &String)| {
        SHUT.iter().any(|(own, kind, wanted, _)| key != own && is_of_kind(key, kind) && value.trim() != *wanted)
    };
    container.confinement.sysctls.iter().filter(undoes).map(|(key, _)| key.clone()).collect()
}
