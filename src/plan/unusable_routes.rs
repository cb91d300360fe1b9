//! Routers that are in a document and that Traefik will not take: their rule cannot be read, what they refer to is not
//! there, or a chain of middlewares leads back to itself.
//!
//! Worked out once for each plan, when a view first asks: Traefik needs none of it. The cost is linear in routers and
//! links, whatever chains lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use super::asked::Asked;
use super::{Decision, Plan, Protocol, Route};
use crate::inventory::ContainerId;
use crate::policy::names::published;
use crate::settings::Names;
use crate::traefik::Dynamic;
use crate::traefik::middleware::Middleware;
use crate::traefik::rules::router::{self, Rule};
use crate::traefik::schema::Value as _;

/// The highest priority that Traefik takes; what is above is for routers of its own.
/// Source: Traefik `pkg/server/router/router.go`, `maxUserPriority`.
pub const MOST_PRIORITY: i64 = i64::MAX - 1_000;
/// How many things that are not there are named for one middleware, and how many reasons for one router.
const MOST_REASONS: usize = 16;
/// How much is kept of what is no address, in letters.
const LONGEST_ADDRESS: usize = 50;
/// How many middlewares of a circle are named.
const MOST_OF_CIRCLE: usize = 8;

/// Why Traefik leaves a router out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unusable {
    /// Its rule cannot be read, or has something that Traefik does not take: what is wrong, one line.
    Rule(String),
    /// Its rule names a TLS server, and it has no TLS.
    WithoutTls,
    /// Its priority is above [`MOST_PRIORITY`].
    Priority(i64),
    /// What it refers to is not in a document.
    Missing {
        /// The Traefik whose document it is: [`Plan::EVERYONE`] where no document has it.
        traefik: String,
        /// What is missing.
        what: Missing,
        /// Containers of its owner are here. `false`: whether they declare it is not known.
        given: bool,
    },
    /// A chain of middlewares leads back to itself. The names from the first middleware of the circle back to it; a few
    /// of the first where the circle is long.
    ///
    /// Source: Traefik 3.7 `pkg/server/middleware/middlewares.go`, `checkRecursion`.
    Circle(Arc<[String]>),
}

/// Something that nothing declares, by its published name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// A service.
    Service(Arc<str>),
    /// A middleware.
    Middleware(Arc<str>),
    /// The service of an `errors` middleware.
    ErrorService {
        /// The service.
        service: Arc<str>,
        /// The middleware.
        middleware: Arc<str>,
    },
    /// A middleware that is declared and that Traefik does not make: its labels make it of no kind, or of several.
    ///
    /// Source: Traefik 3.7 `pkg/server/middleware/middlewares.go`, `buildConstructor`.
    OneKind {
        /// The middleware.
        middleware: Arc<str>,
        /// The kinds, as labels have them.
        kinds: Vec<Arc<str>>,
    },
    /// A middleware of addresses (`ipAllowList`, `ipWhiteList`) that Traefik does not make: one of them is none, or it has none.
    ///
    /// Source: Traefik 3.7 `pkg/ip/checker.go`, `NewChecker`.
    Addresses {
        /// The middleware.
        middleware: Arc<str>,
        /// The first that is neither an address nor a CIDR range, or the beginning of it; empty: there is none at all.
        wrong: Arc<str>,
    },
}

impl Missing {
    /// Its published name.
    pub fn name(&self) -> &str {
        match self {
            Self::Service(name)
            | Self::Middleware(name)
            | Self::ErrorService { service: name, .. }
            | Self::OneKind { middleware: name, .. }
            | Self::Addresses { middleware: name, .. } => name,
        }
    }
}

impl Unusable {
    /// It may be declared by somebody who is not here.
    pub fn is_not_given(&self) -> bool {
        matches!(self, Self::Missing { given: false, .. })
    }
}

/// The routers of a plan that Traefik leaves out; empty until a view asks.
#[derive(Clone, Debug, Default)]
pub struct UnusableRoutes(OnceLock<BTreeMap<(Protocol, String), Vec<Unusable>>>);

/// It follows from the rest of the plan.
impl PartialEq for UnusableRoutes {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Plan {
    /// Why Traefik leaves a route out. Empty for a route that it takes, as far as the documents say: files of Traefik's
    /// (`x@file`) are not seen.
    pub fn left_out(&self, route: &Route) -> &[Unusable] {
        let all = self.find_left_out();
        all.get(&(route.protocol, route.router.clone())).map(Vec::as_slice).unwrap_or_default()
    }

    /// The same, of a route that no Traefik takes. Empty where one does.
    pub fn never_taken(&self, route: &Route) -> &[Unusable] {
        let reasons = self.left_out(route);
        let stands_against = |traefik: &str| {
            reasons.iter().any(|it| match it {
                Unusable::Missing { traefik: of, .. } => of == Self::EVERYONE || of == traefik,
                Unusable::Rule(_) | Unusable::WithoutTls | Unusable::Priority(_) | Unusable::Circle(_) => true,
            })
        };
        let declared = || self.documents.iter().filter(|(name, _)| *name != Self::EVERYONE);
        let takes = |(name, document): (&String, &Arc<Dynamic>)| has(document, route) && !stands_against(name);
        let is_taken =
            if declared().next().is_some() { declared().any(takes) } else { !stands_against(Self::EVERYONE) };
        if is_taken { &[] } else { reasons }
    }

    /// The container that declares what a route lacks, and that is refused.
    pub fn declarer(&self, reason: &Unusable) -> Option<&Decision> {
        let Unusable::Missing { what, .. } = reason else { return None };
        let id = match what {
            Missing::ErrorService { service, .. } => self.not_published.get(&Missing::Service(Arc::clone(service))),
            Missing::Service(_) | Missing::Middleware(_) => self.not_published.get(what),
            Missing::OneKind { .. } | Missing::Addresses { .. } => None,
        };
        self.decisions.get(id?).map(Arc::as_ref)
    }

    /// Works out what Traefik leaves out of all that is here: before a view takes routes and decisions away.
    pub fn find_left_out(&self) -> &BTreeMap<(Protocol, String), Vec<Unusable>> {
        self.unusable.0.get_or_init(|| self.unusable())
    }

    fn unusable(&self) -> BTreeMap<(Protocol, String), Vec<Unusable>> {
        let everyone = self.documents.get(Self::EVERYONE);
        // Mostly every Traefik is told the same.
        let is_another = |document: &Arc<Dynamic>| everyone.is_none_or(|everyone| !Arc::ptr_eq(everyone, document));
        let others = self.documents.iter().filter(|(_, document)| is_another(document));
        let everyone = everyone.map(|document| (Self::EVERYONE, document));
        let mut documents: Vec<(&str, Declared<'_>)> = everyone
            .into_iter()
            .chain(others.map(|(name, document)| (name.as_str(), document)))
            .map(|(name, document)| (name, Declared { document, middlewares: BTreeMap::new() }))
            .collect();
        let owners: BTreeSet<&str> = self.decided().map(|decision| decision.owner.as_str()).collect();
        let mut all = BTreeMap::new();
        for route in &self.routes {
            let mut reasons: Vec<Unusable> = match self.rule(route) {
                Some(Ok(rule)) => {
                    let problems = rule.problems().iter().take(MOST_REASONS).cloned().map(Unusable::Rule);
                    problems.chain((rule.needs_tls() && !route.tls).then_some(Unusable::WithoutTls)).collect()
                }
                Some(Err(problem)) => vec![Unusable::Rule(problem)],
                None => Vec::new(),
            };
            reasons.extend(route.priority.filter(|it| *it > MOST_PRIORITY).map(Unusable::Priority));
            for (traefik, declared) in &mut documents {
                declared.judge(route, traefik, &mut reasons);
            }
            for reason in &mut reasons {
                if let Unusable::Missing { what, given, .. } = reason {
                    *given = what.name().rsplit_once('.').is_none_or(|(owner, _)| owners.contains(owner));
                }
            }
            if !reasons.is_empty() {
                all.insert((route.protocol, route.router.clone()), reasons);
            }
        }
        all
    }

    /// A route's rule, read as Traefik reads it. `None`: a UDP router.
    pub fn rule(&self, route: &Route) -> Option<Result<Rule, String>> {
        let document = self.documents.get(Self::EVERYONE)?;
        match route.protocol {
            Protocol::Http => {
                let syntax = document.http.routers.get(&route.router).and_then(|it| it.rule_syntax.as_deref());
                Some(router::parse_http(&route.rule, syntax))
            }
            Protocol::Tcp => {
                let syntax = document.tcp.routers.get(&route.router).and_then(|it| it.rule_syntax.as_deref());
                Some(router::parse_tcp(&route.rule, syntax))
            }
            Protocol::Udp => None,
        }
    }
}

/// The services and middlewares of containers that asked and are not routed.
pub(super) fn not_published<'a>(
    not_routed: impl Iterator<Item = &'a Asked<'a>>,
    names: Names,
) -> BTreeMap<Missing, ContainerId> {
    let mut all = BTreeMap::new();
    for asked in not_routed {
        let Some(Dynamic { http, tcp, udp, tls: _ }) = asked.declared() else { continue };
        let services = http.services.keys().chain(tcp.services.keys()).chain(udp.services.keys());
        let middlewares = http.middlewares.keys().chain(tcp.middlewares.keys());
        let named = |name: &String| published(&asked.candidate.owner, name, names).into();
        let missing = services.map(|it| Missing::Service(named(it)));
        for missing in missing.chain(middlewares.map(|it| Missing::Middleware(named(it)))) {
            all.entry(missing).or_insert_with(|| asked.candidate.id.clone());
        }
    }
    all
}

/// Whether a document holds a route's router.
fn has(Dynamic { http, tcp, udp, tls: _ }: &Dynamic, route: &Route) -> bool {
    match route.protocol {
        Protocol::Http => http.routers.contains_key(&route.router),
        Protocol::Tcp => tcp.routers.contains_key(&route.router),
        Protocol::Udp => udp.routers.contains_key(&route.router),
    }
}

/// What one document declares.
struct Declared<'a> {
    document: &'a Dynamic,
    /// The HTTP middlewares that were followed.
    middlewares: BTreeMap<&'a str, Followed>,
}

/// How far a middleware was followed.
#[derive(Clone)]
enum Followed {
    /// It is on the way, so many links from the first: whoever meets it again has gone in a circle.
    Open(usize),
    Done(Arc<Found>),
}

/// What following a middleware comes to.
enum Found {
    Circle(Arc<[String]>),
    Missing(Vec<Missing>),
}

/// A middleware on the way, and what was found below it so far.
#[derive(Default)]
struct Step<'a> {
    name: &'a str,
    links: slice::Iter<'a, String>,
    missing: Vec<Missing>,
    circle: Option<Arc<[String]>>,
}

impl<'a> Declared<'a> {
    /// What of a route is wrong in this document, and is not wrong in every document already.
    fn judge(&mut self, route: &Route, traefik: &str, reasons: &mut Vec<Unusable>) {
        let Dynamic { http: _, tcp, udp, tls: _ } = self.document;
        if !has(self.document, route) {
            return;
        }
        let has_service = match route.protocol {
            Protocol::Http => self.has_service(&route.service),
            Protocol::Tcp => own_in(&route.service, &tcp.services),
            Protocol::Udp => own_in(&route.service, &udp.services),
        };
        if !has_service {
            add(reasons, traefik, Missing::Service(bare(&route.service).into()));
        }
        for name in &route.middlewares {
            match route.protocol {
                Protocol::Http => match own(name).map(|name| self.follow(name)).as_deref() {
                    Some(Found::Circle(circle)) => add_circle(reasons, circle),
                    Some(Found::Missing(missing)) => missing.iter().for_each(|it| add(reasons, traefik, it.clone())),
                    None => {}
                },
                Protocol::Tcp if !own_in(name, &tcp.middlewares) => {
                    add(reasons, traefik, Missing::Middleware(bare(name).into()));
                }
                Protocol::Tcp | Protocol::Udp => {}
            }
        }
    }

    fn has_service(&self, name: &str) -> bool {
        own_in(name, &self.document.http.services)
    }

    /// What a middleware leads to. Each is entered once, however many chains it is in; a loop and not a recursion, for a
    /// chain may be of any length.
    fn follow(&mut self, name: &str) -> Arc<Found> {
        let document = self.document;
        let Some((name, middleware)) = document.http.middlewares.get_key_value(name) else {
            return Arc::new(Found::Missing(vec![Missing::Middleware(name.into())]));
        };
        if let Some(Followed::Done(found)) = self.middlewares.get(name.as_str()) {
            return Arc::clone(found);
        }
        let mut way = vec![self.enter(name, middleware, 0)];
        loop {
            let depth = way.len();
            let Some(step) = way.last_mut() else { return Arc::new(Found::Missing(Vec::new())) };
            let Some(link) = step.links.next() else {
                let Step { name, missing, circle, .. } = way.pop().unwrap_or_default();
                let found = Arc::new(circle.map_or(Found::Missing(missing), Found::Circle));
                self.middlewares.insert(name, Followed::Done(Arc::clone(&found)));
                match way.last_mut() {
                    Some(before) => before.take(&found),
                    None => return found,
                }
                continue;
            };
            let Some(link) = own(link) else { continue };
            let Some((link, middleware)) = document.http.middlewares.get_key_value(link) else {
                step.miss(Missing::Middleware(link.into()));
                continue;
            };
            match self.middlewares.get(link.as_str()) {
                Some(Followed::Done(found)) => step.take(&Arc::clone(found)),
                Some(Followed::Open(at)) => {
                    let circle = way.iter().skip(*at).map(|it| it.name).take(MOST_OF_CIRCLE).chain([link.as_str()]);
                    let circle: Arc<[String]> = circle.map(str::to_owned).collect();
                    if let Some(step) = way.last_mut() {
                        step.circle.get_or_insert(circle);
                    }
                }
                None => {
                    let next = self.enter(link, middleware, depth);
                    way.push(next);
                }
            }
        }
    }

    fn enter(&mut self, name: &'a str, middleware: &'a Middleware, at: usize) -> Step<'a> {
        self.middlewares.insert(name, Followed::Open(at));
        let links = middleware.chain.as_ref().and_then(|chain| chain.middlewares.as_deref()).unwrap_or_default();
        let mut step = Step { name, links: links.iter(), missing: Vec::new(), circle: None };
        let service = middleware.errors.as_ref().and_then(|errors| errors.service.as_deref());
        if let Some(service) = service.filter(|service| !self.has_service(service)) {
            step.miss(Missing::ErrorService { service: bare(service).into(), middleware: name.into() });
        }
        let kinds = kinds(middleware);
        if kinds.len() != 1 {
            let kinds = kinds.into_iter().map(Arc::from).collect();
            step.miss(Missing::OneKind { middleware: name.into(), kinds });
        }
        if let Some(wrong) = wrong_address(middleware) {
            step.miss(Missing::Addresses { middleware: name.into(), wrong: wrong.into() });
        }
        step
    }
}

impl Step<'_> {
    /// What a link of it leads to is what it leads to itself.
    fn take(&mut self, found: &Found) {
        match found {
            Found::Circle(circle) => drop(self.circle.get_or_insert_with(|| Arc::clone(circle))),
            Found::Missing(missing) => missing.iter().for_each(|it| self.miss(it.clone())),
        }
    }

    fn miss(&mut self, what: Missing) {
        if self.missing.len() < MOST_REASONS && !self.missing.contains(&what) {
            self.missing.push(what);
        }
    }
}

fn add(reasons: &mut Vec<Unusable>, traefik: &str, what: Missing) {
    // What nobody declares, no single Traefik is told of either.
    let is_said = |it: &Unusable| match it {
        Unusable::Missing { traefik: of, what: said, .. } => *said == what && (of == Plan::EVERYONE || of == traefik),
        Unusable::Rule(_) | Unusable::WithoutTls | Unusable::Priority(_) | Unusable::Circle(_) => false,
    };
    if reasons.len() < MOST_REASONS && !reasons.iter().any(is_said) {
        reasons.push(Unusable::Missing { traefik: traefik.to_owned(), what, given: true });
    }
}

fn add_circle(reasons: &mut Vec<Unusable>, circle: &Arc<[String]>) {
    let circle = Unusable::Circle(Arc::clone(circle));
    if reasons.len() < MOST_REASONS && !reasons.contains(&circle) {
        reasons.push(circle);
    }
}

/// What is wrong with the addresses of a middleware that has to have some: one of them; empty: there are none.
fn wrong_address(middleware: &Middleware) -> Option<&str> {
    let allowed = middleware.ip_allow_list.as_ref().map(|it| &it.source_range);
    let ranges = allowed.or(middleware.ip_white_list.as_ref().map(|it| &it.source_range))?;
    let ranges = ranges.as_deref().unwrap_or_default();
    if ranges.is_empty() {
        return Some("");
    }
    let wrong = ranges.iter().find(|range| !router::address(range.trim()))?;
    let end = wrong.char_indices().nth(LONGEST_ADDRESS).map_or(wrong.len(), |(end, _)| end);
    wrong.get(..end)
}

/// What a middleware is, as labels have it: one thing, if Traefik is to make it.
fn kinds(middleware: &Middleware) -> BTreeSet<&str> {
    let mut kinds = BTreeSet::new();
    middleware.walk(&mut Vec::new(), &mut |path, _| kinds.extend(path.first().copied()));
    kinds
}

/// Whether a reference leads to one of these, or out of the document, or to nothing at all.
fn own_in<T>(reference: &str, all: &BTreeMap<String, T>) -> bool {
    own(reference).is_none_or(|name| all.contains_key(name))
}

/// A name of the document's own; `None` for another provider's, and for nothing.
fn own(name: &str) -> Option<&str> {
    match name.split_once('@') {
        None if name.is_empty() => None,
        None => Some(name),
        Some((name, "http")) => Some(name),
        Some(_) => None,
    }
}

fn bare(reference: &str) -> &str {
    own(reference).unwrap_or(reference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traefik::http;
    use crate::traefik::middleware::{Chain, IpAllowList, Middleware};

    /// One router with the first of these middlewares; each is a chain of those named.
    fn plan(chains: &[(String, Vec<String>)]) -> Plan {
        let mut document = Dynamic::default();
        document.http.services.insert("s".into(), Arc::default());
        for (name, links) in chains {
            let chain = Box::new(Chain { middlewares: Some(links.clone()) });
            let middleware = Middleware { chain: Some(chain), ..Middleware::default() };
            document.http.middlewares.insert(name.clone(), Arc::new(middleware));
        }
        let rule = Some("Host(`a.example`)".to_owned());
        document.http.routers.insert("r".into(), Arc::new(http::Router { rule, ..http::Router::default() }));
        let route = Route {
            protocol: Protocol::Http,
            router: "r".into(),
            owner: String::new(),
            rule: "Host(`a.example`)".into(),
            entry_points: Vec::new(),
            middlewares: chains.first().map(|(name, _)| name.clone()).into_iter().collect(),
            service: "s".into(),
            priority: None,
            tls: false,
            backends: Vec::new(),
            origins: Vec::new(),
        };
        Plan {
            documents: [(Plan::EVERYONE.to_owned(), Arc::new(document))].into(),
            routes: vec![route],
            ..Plan::default()
        }
    }

    fn chains(chains: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let owned = |links: &[&str]| links.iter().map(|&link| link.to_owned()).collect();
        chains.iter().map(|&(name, links)| (name.to_owned(), owned(links))).collect()
    }

    fn reasons(chains: &[(String, Vec<String>)]) -> Vec<Unusable> {
        let plan = plan(chains);
        plan.left_out(plan.routes.first().unwrap()).to_vec()
    }

    fn circle(names: &[&str]) -> Vec<Unusable> {
        vec![Unusable::Circle(names.iter().map(|&name| name.to_owned()).collect())]
    }

    /// Why a TCP router with this rule is left out.
    fn of_tcp(rule: &str, tls: bool, priority: Option<i64>) -> Vec<Unusable> {
        let mut plan = plan(&[]);
        let route = plan.routes.first_mut().unwrap();
        (route.protocol, route.rule, route.tls, route.priority) = (Protocol::Tcp, rule.into(), tls, priority);
        let document = Arc::make_mut(plan.documents.get_mut(Plan::EVERYONE).unwrap());
        document.tcp.services.insert("s".into(), Arc::default());
        document.tcp.routers.insert("r".into(), Arc::default());
        plan.left_out(plan.routes.first().unwrap()).to_vec()
    }

    /// As Traefik 3.0.4, 3.3.6, 3.5.3, 3.6.15 and 3.7.15 answered.
    #[test]
    fn a_tls_servers_name_needs_tls_and_a_priority_has_an_end() {
        for (rule, wanted) in [
            ("HostSNI(`a.example`)", vec![Unusable::WithoutTls]),
            ("ClientIP(`10.0.0.1`) && hostsni(`a.example`)", vec![Unusable::WithoutTls]),
            ("!(ClientIP(`10.0.0.1`) && !HostSNI(`a.example`))", vec![Unusable::WithoutTls]),
            // The first name decides.
            ("HostSNI(`a.example`) || HostSNI(`*`)", vec![Unusable::WithoutTls]),
            ("HostSNI(`*`) || HostSNI(`a.example`)", vec![]),
            // Releases differ.
            ("ClientIP(`10.0.0.1`) && !HostSNI(`a.example`)", vec![]),
            ("!HostSNI(`*`) || HostSNI(`a.example`)", vec![]),
            ("HostSNIRegexp(`^a\\.example$`)", vec![]),
            ("ClientIP(`10.0.0.1`)", vec![]),
        ] {
            assert_eq!(of_tcp(rule, false, None), wanted, "{rule}");
            assert_eq!(of_tcp(rule, true, Some(9_223_372_036_854_774_807)), [], "{rule}");
        }
        let above = 9_223_372_036_854_774_808;
        assert_eq!(of_tcp("HostSNI(`a.example`)", true, Some(above)), [Unusable::Priority(above)]);
        let mut plan = plan(&[]);
        plan.routes.first_mut().unwrap().priority = Some(above);
        assert_eq!(plan.left_out(plan.routes.first().unwrap()), [Unusable::Priority(above)]);
    }

    #[test]
    fn a_chain_of_itself_two_hundred_times_is_one_circle() {
        assert_eq!(reasons(&chains(&[("m", &["m"; 200])])), circle(&["m", "m"]));
    }

    #[test]
    fn a_circle_is_found_from_outside_it_and_over_several_links() {
        let all =
            chains(&[("a", &["ok@file", "b"]), ("b", &["c@http"]), ("c", &["d"]), ("d", &["e", "b"]), ("e", &["x"])]);
        assert_eq!(reasons(&all), circle(&["b", "c", "d", "b"]));
    }

    #[test]
    fn a_middleware_of_two_kinds_or_of_none_is_not_made() {
        let mut plan = plan(&chains(&[("m", &["two", "none", "one"])]));
        let document = Arc::make_mut(plan.documents.get_mut(Plan::EVERYONE).unwrap());
        let prefix = || Some(Box::default());
        let two = Middleware { add_prefix: prefix(), strip_prefix: Some(Box::default()), ..Middleware::default() };
        let one = Middleware { add_prefix: prefix(), ..Middleware::default() };
        for (name, middleware) in [("two", two), ("none", Middleware::default()), ("one", one)] {
            document.http.middlewares.insert(name.into(), Arc::new(middleware));
        }
        let not_made = |middleware: &str, kinds: &[&str]| Unusable::Missing {
            traefik: Plan::EVERYONE.to_owned(),
            what: Missing::OneKind {
                middleware: middleware.into(),
                kinds: kinds.iter().map(|&kind| kind.into()).collect(),
            },
            given: true,
        };
        let reasons = plan.left_out(plan.routes.first().unwrap());
        assert_eq!(reasons, [not_made("two", &["addPrefix", "stripPrefix"]), not_made("none", &[])]);
    }

    /// As 3.0.4 and 3.7.15 have it.
    #[test]
    fn a_middleware_with_an_address_that_is_none_is_not_made() {
        let found = |ranges: &[&str]| {
            let source_range = Some(ranges.iter().map(|&it| it.to_owned()).collect());
            let list = IpAllowList { source_range, ..IpAllowList::default() };
            let list = Middleware { ip_allow_list: Some(Box::new(list)), ..Middleware::default() };
            wrong_address(&list).map(str::to_owned)
        };
        assert_eq!(found(&["10.0.0.0/8", "10.0.0.0/33"]), Some("10.0.0.0/33".to_owned()));
        assert_eq!(found(&["fe80::1%eth0"]), Some("fe80::1%eth0".to_owned()));
        assert_eq!(found(&[&"é".repeat(1_000)]), Some("é".repeat(50)));
        assert_eq!(found(&[]), Some(String::new()));
        assert_eq!(found(&[" 10.0.0.1", "fd00::/8", "::1", "10.0.0.1/08"]), None);
        let none = Middleware { ip_white_list: Some(Box::default()), ..Middleware::default() };
        assert_eq!(wrong_address(&none), Some(""));
        assert_eq!(wrong_address(&Middleware::default()), None);
    }

    #[test]
    fn what_is_missing_at_the_end_of_chains_is_named_once() {
        let all = chains(&[("a", &["b", "c", "b"]), ("b", &["gone"]), ("c", &["gone", "b"])]);
        let missing = Missing::Middleware("gone".into());
        assert_eq!(
            reasons(&all),
            [Unusable::Missing { traefik: Plan::EVERYONE.to_owned(), what: missing, given: true }]
        );
        assert_eq!(reasons(&chains(&[("a", &["b", "b"]), ("b", &[])])), []);
    }

    #[test]
    fn chains_that_double_sixty_times_or_run_very_long_are_entered_once_each() {
        let name = |number: usize| format!("m{number}");
        let doubling: Vec<_> =
            (0..60).map(|it| (name(it), vec![name(it + 1); 2])).chain([(name(60), vec![])]).collect();
        assert_eq!(reasons(&doubling), []);
        let mut long: Vec<_> = (0..100_000).map(|it| (name(it), vec![name(it + 1)])).collect();
        long.push((name(100_000), vec![name(99_999)]));
        assert_eq!(reasons(&long), circle(&["m99999", "m100000", "m99999"]));
    }
}
