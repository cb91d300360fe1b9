//! Hosts: which a container claims, which the operator bound to a network, and who else claims the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cause::{self, Few, NetworkName};
use super::finding::{Finding, Subject};
use super::leeward_labels::HOSTS;
use super::names::Owner;
use super::refusal::{Code, Refusal};
use super::rule_id::RuleId;
use crate::inventory::{Container, ContainerId, Inventory, Network, NetworkId};
use crate::settings::{Isolation, Settings};
use crate::traefik::Dynamic;
use crate::traefik::rules::router::{self, Reach, Rule, parse_http, parse_tcp};
use crate::traefik::tls::Domain;

/// What stands against a claim to hosts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// It matches every host, which nobody may where hosts are bound.
    EveryHost { what: RouterPart, bind: Bind },
    /// `claim` is bound elsewhere, to `other` as `pattern`.
    Taken { what: RouterPart, claim: String, pattern: String, other: String, bind: Bind },
    /// `claim` is none of those that are `bound` to its network.
    NotBound { what: RouterPart, claim: String, bound: Few, bind: Bind },
    /// It takes what is others', where no bindings decide.
    CatchAll { what: RouterPart, takes: Takes, entry_points: Vec<String>, owner: String },
    /// Containers of several owners, each with its own, claim one host. So they do `untold` more hosts.
    Contested { claimants: Few<(String, String)>, untold: usize },
}

/// What claims hosts: a router, by its requests, its certificate, or the names in its rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RouterPart {
    /// `http`, `tcp`, `udp`.
    pub(crate) protocol: &'static str,
    pub(crate) router: String,
    pub(crate) by: By,
}

/// By what a router claims hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// The requests that its rule matches.
    Requests,
    /// The certificate that it asks for: `tls.domains`.
    Certificate,
    /// Its rule names them, though it matches no request for them: Traefik gives them the router's TLS options.
    Name,
}

/// What gives a network one more host: all that are then bound to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bind {
    /// `None`: it is reached on no network that could be bound.
    pub(crate) network: Option<NetworkName>,
    pub(crate) hosts: Vec<String>,
}

/// What of others' a claim takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Takes {
    /// The rule cannot be read, for this reason, and may take anything.
    Unreadable(String),
    /// All that comes in on the entry points that its router names, or on Traefik's default ones.
    EntryPoints,
    EveryHost,
    /// Every host below this.
    Below(String),
}

/// The hosts that the operator bound to networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    networks: BTreeMap<NetworkId, Bound>,
}

/// What is bound to one network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Bound {
    /// The network's name.
    name: String,
    patterns: BTreeSet<Pattern>,
}

/// One host, or all hosts below one, or every host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pattern {
    Exactly(String),
    /// `*.example.com`: one or more labels before `.example.com`.
    Below(String),
    Everything,
}

impl Bindings {
    /// Reads them from the networks' labels `leeward.hosts`. Only the operator can label a network. A network whose
    /// label is empty is bound to nothing: its containers may claim no host.
    pub fn of(inventory: &Inventory) -> Self {
        let networks = inventory.networks.values().filter_map(|network| {
            let patterns = network.labels.get(HOSTS)?.split([',', ' ', '\t', '\n']).filter_map(Pattern::read).collect();
            Some((network.id.clone(), Bound { name: network.name.clone(), patterns }))
        });
        Self { networks: networks.collect() }
    }

    /// Whether the operator binds no host at all.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Whether what is reached over `network` may claim `reach`; `None`: over none that could be bound.
    ///
    /// Without any binding nothing is said here (catch-alls are then [`super::claims`]'s to judge). Else, on a bound network, it may claim what is bound to it and, under
    /// `leeward.hosts=*`, whatever matches every host; on another network, what is bound nowhere. Nobody may claim a
    /// host that is more closely bound elsewhere, and a wildcard that holds such a host needs `*`.
    pub(super) fn judge(&self, reach: &Reach, network: Option<&Network>, what: &RouterPart) -> Option<Refusal> {
        if self.is_empty() {
            return None;
        }
        let own = network.and_then(|network| self.networks.get(&network.id));
        let open = own.is_some_and(|own| own.patterns.contains(&Pattern::Everything));
        if reach.any && !open {
            let cause = Cause::EveryHost { what: what.clone(), bind: Bind::with(network, own, "*") };
            return Some(Refusal::new(Code::Host, cause).by_rule(RuleId::Lbl001));
        }
        let exact = reach.hosts.iter().map(|host| Pattern::Exactly(host.clone()));
        let below = reach.below.iter().map(|parent| Pattern::Below(parent.clone()));
        exact.chain(below).find_map(|claim| self.judge_one(&claim, network, own, open, what))
    }

    fn judge_one(
        &self,
        claim: &Pattern,
        network: Option<&Network>,
        own: Option<&Bound>,
        open: bool,
        what: &RouterPart,
    ) -> Option<Refusal> {
        // The closest of the network's own patterns that holds all of the claim.
        let mine = own.and_then(|own| own.patterns.iter().filter(|it| it.holds(claim)).map(Pattern::closeness).max());
        let elsewhere = self
            .networks
            .iter()
            .filter(|(id, _)| network.is_none_or(|network| **id != network.id))
            .flat_map(|(_, bound)| bound.patterns.iter().map(move |pattern| (&bound.name, pattern)))
            .filter(|(_, pattern)| !matches!(pattern, Pattern::Everything) && pattern.meets(claim));
        let taken = elsewhere.filter(|(_, pattern)| match claim {
            // A wildcard over hosts that are bound elsewhere needs the right to everything.
            Pattern::Below(_) => !open,
            _ => mine.is_none_or(|mine| mine < pattern.closeness()),
        });
        let text = claim.to_string();
        if let Some((other, pattern)) = taken.max_by_key(|(_, pattern)| pattern.closeness()) {
            let right = if matches!(claim, Pattern::Below(_)) { "*" } else { &text };
            let bind = Bind::with(network, own, right);
            let (other, pattern) = (other.clone(), pattern.to_string());
            let hosts = Box::new([text.clone(), pattern.clone()]);
            let cause = Cause::Taken { what: what.clone(), claim: text, pattern, other, bind };
            return Some(Refusal { hosts, ..Refusal::new(Code::Host, cause).by_rule(RuleId::Lbl003) });
        }
        let bound = own.filter(|_| mine.is_none())?;
        let names: Vec<String> = bound.patterns.iter().map(ToString::to_string).collect();
        let (bound, bind) = (Few::of(names.iter().map(String::as_str)), Bind::with(network, own, &text));
        let hosts = Box::new([text.clone()]);
        let cause = Cause::NotBound { what: what.clone(), claim: text, bound, bind };
        Some(Refusal { hosts, ..Refusal::new(Code::Host, cause).by_rule(RuleId::Lbl003) })
    }
}

impl Bind {
    fn with(network: Option<&Network>, own: Option<&Bound>, right: &str) -> Self {
        let hosts = own.into_iter().flat_map(|own| own.patterns.iter().map(ToString::to_string));
        Self { network: network.map(NetworkName::of), hosts: hosts.chain([right.to_owned()]).collect() }
    }
}

impl Pattern {
    fn read(text: &str) -> Option<Self> {
        let name = text.trim().trim_end_matches('.').to_lowercase();
        match name.strip_prefix("*.") {
            _ if name.is_empty() => None,
            _ if name == "*" => Some(Self::Everything),
            Some(parent) => Some(Self::Below(ascii(parent))),
            None => Some(Self::Exactly(ascii(&name))),
        }
    }

    /// How closely it is bound: an exact name before a wildcard, a longer wildcard before a shorter, `*` last.
    fn closeness(&self) -> usize {
        match self {
            Self::Exactly(_) => usize::MAX,
            Self::Below(parent) => parent.len() + 1,
            Self::Everything => 0,
        }
    }

    /// Whether every host of `claim` is one of its own.
    fn holds(&self, claim: &Self) -> bool {
        match (self, claim) {
            (Self::Everything, _) => true,
            (Self::Exactly(own), Self::Exactly(host)) => own == host,
            (Self::Below(own), Self::Exactly(host)) => is_below(host, own),
            (Self::Below(own), Self::Below(parent)) => parent == own || is_below(parent, own),
            (_, _) => false,
        }
    }

    /// Whether some host is of both.
    fn meets(&self, claim: &Self) -> bool {
        self.holds(claim) || claim.holds(self)
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(host) => formatter.write_str(host),
            Self::Below(parent) => write!(formatter, "*.{parent}"),
            Self::Everything => formatter.write_str("*"),
        }
    }
}

fn is_below(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// A host in the form in which rules name it: what is not ASCII in punycode (`bücher` is `xn--bcher-kva`). One that is no
/// host's name stays as it is, and no rule claims it.
fn ascii(host: &str) -> String {
    if host.is_ascii() { host.to_owned() } else { idna::domain_to_ascii(host).unwrap_or_else(|_| host.to_owned()) }
}

/// What two owners both claim (LBL-002), where no binding decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlaps {
    /// One for each host that several owners claim.
    pub findings: Vec<Finding>,
    /// Under `--isolation strict`, by container; else empty.
    pub refusals: BTreeMap<ContainerId, Vec<Refusal>>,
    /// How many more hosts there are that several owners claim.
    untold: usize,
}

/// How many hosts that several owners claim are told one by one. Owners may claim tens of thousands together.
const MOST_TOLD: usize = 1_000;

/// What one router, or one certificate, claims.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// `http`, `tcp`, `udp`.
    protocol: &'static str,
    router: String,
    by: By,
    /// The hosts.
    pub(super) reach: Arc<Reach>,
    /// Why Traefik will not take the rule, one line each.
    pub(crate) problems: Vec<String>,
}

impl Claimed {
    /// The hosts, if it is a router's rule that claims them.
    pub fn of_rule(&self) -> Option<&Arc<Reach>> {
        (self.by != By::Certificate).then_some(&self.reach)
    }

    /// Whether its router is there.
    fn is_in(&self, Dynamic { http, tcp, udp, tls: _ }: &Dynamic) -> bool {
        match self.protocol {
            "http" => http.routers.contains_key(&self.router),
            "tcp" => tcp.routers.contains_key(&self.router),
            _ => udp.routers.contains_key(&self.router),
        }
    }

    /// The router, or its certificate.
    pub(super) fn what(&self) -> RouterPart {
        RouterPart { protocol: self.protocol, router: self.router.clone(), by: self.by }
    }

    /// The whole key of the label.
    pub(crate) fn label(&self) -> String {
        let field = if self.by == By::Certificate { "tls.domains" } else { "rule" };
        format!("traefik.{}.routers.{}.{field}", self.protocol, self.router)
    }

    /// Whether it takes what is others'. A certificate takes no requests.
    pub(super) fn catches_all(&self) -> bool {
        if self.is_rule() { self.reach.is_catch_all() } else { self.reach.any }
    }

    /// Whether requests come in by it.
    pub(super) fn is_rule(&self) -> bool {
        self.by == By::Requests
    }

    /// The entry points that its router names; empty: Traefik's default ones, of UDP all.
    pub(super) fn entry_points<'d>(&self, Dynamic { http, tcp, udp, tls: _ }: &'d Dynamic) -> &'d [String] {
        let named = match self.protocol {
            "http" => http.routers.get(&self.router).and_then(|router| router.entry_points.as_deref()),
            "tcp" => tcp.routers.get(&self.router).and_then(|router| router.entry_points.as_deref()),
            _ => udp.routers.get(&self.router).and_then(|router| router.entry_points.as_deref()),
        };
        named.unwrap_or_default()
    }

    /// Whether it is of TCP or UDP, where it can take all of an entry point.
    pub(super) fn is_port(&self) -> bool {
        self.protocol != "http"
    }

    /// What of others' it takes.
    pub(super) fn takes(&self) -> Takes {
        if let Some(problem) = self.problems.first() {
            return Takes::Unreadable(problem.clone());
        }
        if self.is_port() && self.reach.any {
            return Takes::EntryPoints;
        }
        let below = self.reach.below.iter().find(|_| !self.reach.any);
        below.map_or(Takes::EveryHost, |parent| Takes::Below(parent.clone()))
    }

    /// The rule about claiming everything.
    pub(super) fn catch_all(&self) -> RuleId {
        if self.protocol == "http" { RuleId::Lbl001 } else { RuleId::Lbl008 }
    }

    /// The rule that a refusal of [`Bindings::judge`] stands for.
    pub(super) fn rule_of(&self, refusal: &Refusal) -> RuleId {
        if refusal.rule == Some(RuleId::Lbl001) { self.catch_all() } else { RuleId::Lbl003 }
    }
}

/// Everything that a container's routers claim.
///
/// A rule that cannot be read counts as claiming everything: Traefik drops such a router, and if it did not, nobody could
/// say what it matches. A router without any rule claims nothing yet.
pub fn claimed(dynamic: &Dynamic) -> Vec<Claimed> {
    let mut all = Vec::new();
    let mut claim = |protocol, router: &String, by, reach, problems| {
        all.push(Claimed { protocol, router: router.clone(), by, reach: Arc::new(reach), problems });
    };
    let mut router = |protocol, name, rule: Option<Result<Rule, String>>, domains: Option<&Vec<Domain>>| {
        match rule {
            Some(Ok(rule)) => {
                let (reach, named, problems) = rule.into_parts();
                claim(protocol, name, By::Requests, reach, problems);
                if !named.is_empty() {
                    claim(protocol, name, By::Name, named, Vec::new());
                }
            }
            Some(Err(problem)) => claim(protocol, name, By::Requests, Reach::anything(), vec![problem]),
            None => {}
        }
        for domain in domains.into_iter().flatten() {
            claim(protocol, name, By::Certificate, certificate(domain), Vec::new());
        }
    };
    for (name, it) in &dynamic.http.routers {
        let rule = it.rule.as_deref().filter(|rule| !rule.is_empty());
        let rule = rule.map(|rule| parse_http(rule, it.rule_syntax.as_deref()));
        router("http", name, rule, it.tls.as_ref().and_then(|tls| tls.domains.as_ref()));
    }
    for (name, it) in &dynamic.tcp.routers {
        let rule = it.rule.as_deref().filter(|rule| !rule.is_empty());
        let rule = rule.map(|rule| parse_tcp(rule, it.rule_syntax.as_deref()));
        router("tcp", name, rule, it.tls.as_ref().and_then(|tls| tls.domains.as_ref()));
    }
    for name in dynamic.udp.routers.keys() {
        claim("udp", name, By::Requests, Reach::anything(), Vec::new());
    }
    all
}

/// [`claimed`], of what is complete. `declared`: the same of what the labels say, which mostly is all there is to it; the
/// default rule may have come in, and a router been left out.
pub fn claimed_when_complete<'d>(declared: &'d [Claimed], complete: &Dynamic) -> Cow<'d, [Claimed]> {
    let is_new = complete.http.routers.values().any(|router| router.from_default_rule);
    if is_new || !declared.iter().all(|claimed| claimed.is_in(complete)) {
        return Cow::Owned(claimed(complete));
    }
    Cow::Borrowed(declared)
}

/// The hosts that the rules in a container's labels name, whatever else the labels say: for people, not for verdicts.
/// `*.x` is every host below `x`.
pub fn named(labels: &BTreeMap<String, String>) -> BTreeSet<String> {
    // Those that this is asked of have no budget. So much of their rules is read, in the order of the labels: as many bytes
    // as one rule may have by default, and a quarter of what their regular expressions may.
    let (mut bytes, mut size) = (64 << 10, 50_000);
    let mut all = BTreeSet::new();
    for (key, rule) in labels {
        // `traefik.http.routers.<name>.rule`, in any case, as Traefik reads it.
        let mut parts = key.split('.');
        let mut is = |wanted: &str| parts.next().is_some_and(|part| part.eq_ignore_ascii_case(wanted));
        if !is("traefik") {
            continue;
        }
        let (http, rest) = (is("http"), key.split('.').skip(2).collect::<Vec<_>>());
        if !matches!(rest.as_slice(), [routers, _, rule] if routers.eq_ignore_ascii_case("routers") && rule.eq_ignore_ascii_case("rule"))
        {
            continue;
        }
        let Some(bytes_left) = usize::checked_sub(bytes, rule.len()) else { continue };
        let Some(size_left) = u64::checked_sub(size, router::regex_size(rule, size)) else { continue };
        (bytes, size) = (bytes_left, size_left);
        let read = |syntax| if http { parse_http(rule, syntax) } else { parse_tcp(rule, syntax) };
        if let Ok(rule) = read(None).or_else(|_| read(Some("v2"))) {
            all.extend(patterns(rule.hosts()));
        }
    }
    all
}

/// The hosts that a rule names, as the label `leeward.hosts` has them; `*` where it matches every host, or cannot be read.
pub fn to_bind(http: bool, rule: &str) -> BTreeSet<String> {
    let read = |syntax| if http { parse_http(rule, syntax) } else { parse_tcp(rule, syntax) };
    let everything = || BTreeSet::from(["*".to_owned()]);
    let Ok(rule) = read(None).or_else(|_| read(Some("v2"))) else { return everything() };
    if rule.hosts().any { everything() } else { patterns(rule.hosts()).collect() }
}

/// The network that a refusal says has to have more hosts bound to it, and all that are then bound to it.
pub fn bind_of(refusal: &Refusal) -> Option<(&str, &[String])> {
    match &*refusal.cause {
        cause::Cause::Hosts(
            Cause::EveryHost { bind, .. } | Cause::Taken { bind, .. } | Cause::NotBound { bind, .. },
        ) => Some((&bind.network.as_ref()?.name, &bind.hosts)),
        _ => None,
    }
}

/// The network that a host is claimed over, which is bound to other hosts. The host itself is bound nowhere.
pub fn not_bound_on(refusal: &Refusal) -> Option<&str> {
    match &*refusal.cause {
        cause::Cause::Hosts(Cause::NotBound { bind, .. }) => Some(&bind.network.as_ref()?.name),
        _ => None,
    }
}

/// The hosts of a rule, as they are written: `a.example`, `*.b.example`.
pub fn patterns(reach: &Reach) -> impl Iterator<Item = String> {
    reach.hosts.iter().cloned().chain(reach.below.iter().map(|parent| format!("*.{parent}")))
}

fn certificate(domain: &Domain) -> Reach {
    let names = domain.main.iter().chain(domain.sans.iter().flatten());
    let names = names.map(|name| ascii(&name.to_lowercase())).filter(|name| !name.is_empty());
    names.fold(Reach::default(), |reach, name| reach.or(Reach::host(&name)))
}

/// Finds what containers of different owners both claim. `claims`: the container, its owner, the hosts of its routers'
/// rules, the default rule's too. A certificate is asked for, not served: two owners may each ask for theirs. Catch-alls
/// are not among them: LBL-001 and LBL-008 speak of these.
pub fn overlaps<'a>(
    claims: impl IntoIterator<Item = (&'a Container, &'a Owner, &'a [Arc<Reach>])>,
    settings: &Settings,
) -> Overlaps {
    let mut claimants: Vec<(Claimable<'_>, Claimant<'_>)> = Vec::new();
    for (container, owner, reaches) in claims {
        let hosts = reaches.iter().flat_map(|reach| &reach.hosts).map(|host| Claimable::Exactly(host));
        let below = reaches.iter().flat_map(|reach| &reach.below).map(|parent| Claimable::Below(parent));
        claimants.extend(hosts.chain(below).map(|name| (name, Claimant { container, owner })));
    }
    // Those of one name stay in order.
    claimants.sort_by_key(|(name, _)| *name);
    let first_below = claimants.partition_point(|(name, _)| matches!(name, Claimable::Exactly(_)));
    let wildcards = claimants.get(first_below..).unwrap_or_default();
    let all_below = |parent| {
        let from = wildcards.partition_point(|(name, _)| *name < Claimable::Below(parent));
        let rest = wildcards.get(from..).unwrap_or_default();
        rest.iter().take_while(move |(name, _)| *name == Claimable::Below(parent))
    };
    let mut overlaps = Overlaps::default();
    for own in claimants.chunk_by(|(one, _), (next, _)| one == next) {
        let Some((name, first)) = own.first() else { continue };
        let (Claimable::Exactly(host) | Claimable::Below(host)) = *name;
        // The wildcards above it claim it too.
        let above = host.match_indices('.').filter(|_| !wildcards.is_empty()).filter_map(|(at, _)| host.get(at + 1..));
        let all = || own.iter().chain(above.clone().flat_map(all_below)).map(|(_, claimant)| claimant);
        if all().any(|claimant| claimant.owner != first.owner) {
            overlaps.contest(&name.pattern(), &all().collect::<Vec<_>>(), settings);
        }
    }
    if overlaps.untold > 0
        && let Some(last) = overlaps.findings.last_mut()
        && let cause::Cause::Hosts(Cause::Contested { untold, .. }) = Arc::make_mut(&mut last.cause)
    {
        *untold = overlaps.untold;
    }
    overlaps
}

/// A [`Pattern`] that a rule can claim, borrowed from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claimable<'a> {
    Exactly(&'a str),
    Below(&'a str),
}

impl Claimable<'_> {
    fn pattern(self) -> Pattern {
        match self {
            Self::Exactly(host) => Pattern::Exactly(host.to_owned()),
            Self::Below(parent) => Pattern::Below(parent.to_owned()),
        }
    }
}

#[derive(Clone, Copy)]
struct Claimant<'a> {
    container: &'a Container,
    owner: &'a Owner,
}

impl Overlaps {
    fn contest(&mut self, pattern: &Pattern, all: &[&Claimant<'_>], settings: &Settings) {
        let rule = RuleId::Lbl002.rule();
        let rights = |owner: &Owner| match settings.isolation {
            all if settings.isolation_of.is_empty() => all,
            _ => settings.rights_for(&owner.to_string()),
        };
        let is_strict = |owner: &Owner| rights(owner) == Isolation::Strict;
        let refused: BTreeSet<&ContainerId> =
            all.iter().filter(|it| is_strict(it.owner)).map(|it| &it.container.id).collect();
        let refuses = !refused.is_empty();
        if self.findings.len() >= MOST_TOLD && refused.iter().all(|id| self.refusals.contains_key(*id)) {
            self.untold += 1;
            return;
        }
        let names: BTreeSet<(String, String)> =
            all.iter().map(|it| (it.container.name.clone(), it.owner.to_string())).collect();
        let cause: Arc<cause::Cause> = Arc::new(Cause::Contested { claimants: Few::of_all(names), untold: 0 }.into());
        let containers: BTreeSet<ContainerId> = all.iter().map(|it| it.container.id.clone()).collect();
        for id in refused {
            // All who claim it are in the finding alone: there may be many.
            let subject = Subject::Host { name: pattern.to_string(), containers: BTreeSet::from([id.clone()]) };
            let refusal = Refusal {
                subject: Some(Box::new(subject)),
                hosts: Box::new([pattern.to_string()]),
                ..Refusal::again(Code::Host, Arc::clone(&cause)).by_rule(rule.id)
            };
            self.refusals.entry(id.to_owned()).or_default().push(refusal);
        }
        let subject = Subject::Host { name: pattern.to_string(), containers };
        let found = Finding::new(rule.id, subject, cause);
        self.findings.push(Finding { blocks: refuses, ..found });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::words::Remedy as _;
    use crate::traefik::rules::router::{parse_http, parse_tcp};

    /// Networks by name, each bound to the hosts after it; `-` is not bound.
    fn bindings(networks: &[(&str, &str)]) -> (Inventory, Bindings) {
        let mut inventory = Inventory::default();
        for (name, hosts) in networks {
            let mut network = Network { id: (*name).into(), name: (*name).to_owned(), ..Network::default() };
            if *hosts != "-" {
                network.labels.insert(HOSTS.into(), (*hosts).to_owned());
            }
            inventory.networks.insert(network.id.clone(), network);
        }
        let bindings = Bindings::of(&inventory);
        (inventory, bindings)
    }

    fn router() -> RouterPart {
        RouterPart { protocol: "http", router: "x".to_owned(), by: By::Requests }
    }

    #[track_caller]
    fn check(networks: &[(&str, &str)], network: &str, rule: &str, wanted: Option<RuleId>) {
        let (inventory, bindings) = bindings(networks);
        let parsed = if rule.contains("SNI") { parse_tcp(rule, None) } else { parse_http(rule, None) }.unwrap();
        let network = inventory.networks.get(network).unwrap();
        let found = bindings.judge(parsed.hosts(), Some(network), &router());
        assert_eq!(found.as_ref().and_then(|refusal| refusal.rule), wanted, "{rule}: {found:?}");
    }

    const TWO: &[(&str, &str)] = &[("a", "app1.example.com, *.app1.example.com"), ("b", "-"), ("c", "*")];

    #[test]
    fn without_bindings_nothing_is_judged_by_them() {
        check(&[("a", "-")], "a", "Host(`x`)", None);
        check(&[("a", "-")], "a", "PathPrefix(`/`)", None);
    }

    #[test]
    fn a_bound_network_claims_what_is_bound_to_it_and_nothing_else() {
        check(TWO, "a", "Host(`app1.example.com`)", None);
        check(TWO, "a", "Host(`APP1.example.com.`) && PathPrefix(`/x`)", None);
        check(TWO, "a", "Host(`x.app1.example.com`) || Host(`y.z.app1.example.com`)", None);
        check(TWO, "a", "HostSNI(`app1.example.com`)", None);
        check(TWO, "a", "Host(`other.example.com`)", Some(RuleId::Lbl003));
        check(TWO, "a", "Host(`app1.example.com`) || Host(`other.example.com`)", Some(RuleId::Lbl003));
        check(TWO, "a", "Host(`app1.example.com`) || PathPrefix(`/`)", Some(RuleId::Lbl001));
        check(TWO, "a", "HostSNI(`*`)", Some(RuleId::Lbl001));
        check(&[("a", "")], "a", "Host(`x`)", Some(RuleId::Lbl003));
    }

    #[test]
    fn nobody_elsewhere_claims_what_is_bound() {
        check(TWO, "b", "Host(`other.example.com`)", None);
        check(TWO, "b", "Host(`app1.example.com`)", Some(RuleId::Lbl003));
        check(TWO, "b", "Host(`App1.Example.Com.`)", Some(RuleId::Lbl003));
        check(TWO, "b", "HostRegexp(`^.+\\.app1\\.example\\.com$`)", Some(RuleId::Lbl003));
        check(TWO, "b", "HostRegexp(`^.+\\.example\\.com$`)", Some(RuleId::Lbl003));
        check(TWO, "b", "!Host(`x`)", Some(RuleId::Lbl001));
        check(TWO, "c", "Host(`app1.example.com`)", Some(RuleId::Lbl003));
        check(TWO, "c", "Host(`other.example.com`)", None);
        check(TWO, "c", "HostRegexp(`^.+\\.example\\.com$`)", None);
        check(TWO, "c", "PathPrefix(`/`)", None);
    }

    #[test]
    fn the_closer_binding_wins() {
        let nested = &[("a", "app1.example.com"), ("b", "*.example.com"), ("c", "app1.example.com")];
        check(nested, "a", "Host(`app1.example.com`)", None);
        check(nested, "c", "Host(`app1.example.com`)", None);
        check(nested, "b", "Host(`app1.example.com`)", Some(RuleId::Lbl003));
        check(nested, "b", "Host(`app2.example.com`)", None);
        check(nested, "b", "HostRegexp(`^[a-z]+\\.example\\.com$`)", Some(RuleId::Lbl003));
        check(&[("b", "*.example.com")], "b", "HostRegexp(`^[a-z]+\\.example\\.com$`)", None);
        check(&[("b", "*.example.com")], "b", "Host(`example.com`)", Some(RuleId::Lbl003));
    }

    #[test]
    fn remedies_keep_what_is_bound_already() {
        let (inventory, bindings) = bindings(TWO);
        let parsed = parse_http("Host(`x.example`)", None).unwrap();
        let refusal = bindings.judge(parsed.hosts(), inventory.networks.get("a"), &router()).unwrap();
        assert!(
            refusal.remedy().contains("--label leeward.hosts='app1.example.com,*.app1.example.com,x.example' a "),
            "{}",
            refusal.remedy()
        );
    }

    #[test]
    fn hosts_are_written_as_rules_name_them() {
        for (host, wanted) in [
            ("bücher.example", "xn--bcher-kva.example"),
            // As some keyboards write it: a letter and its two dots.
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("münchen", "xn--mnchen-3ya"),
            ("点看", "xn--3pxu8k"),
            ("президент.рф", "xn--d1abbgf6aiiy.xn--p1ai"),
            ("plain.example", "plain.example"),
        ] {
            assert_eq!(ascii(host), wanted);
        }
    }
}
