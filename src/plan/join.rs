//! All containers' parts into one document, as Traefik merges them, and back from the document to the containers.
//!
//! Source: Traefik 3.7 `pkg/provider/merge.go` (`Merge`, `ResourceStrategyMerge`): parts are taken in the order of
//! their keys; what two parts both define must be mergeable (services) or equal (everything else), or the name is
//! deleted once all are merged.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::Part;
use super::{Backend, Origin, Protocol, Route};
use crate::dynamic::merge::Merge;
use crate::dynamic::{Dynamic, http, tcp, udp};

/// A part of the document that two containers define differently: the kind, as in a label, and the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Conflict {
    /// `http.routers`, `tcp.services`, ….
    pub(crate) kind: &'static str,
    /// The published name.
    pub(crate) name: String,
}

/// Merges the parts, in the order given. What is in conflict is left out, and said.
pub(crate) fn join<'a>(parts: impl IntoIterator<Item = &'a Dynamic>) -> (Dynamic, BTreeSet<Conflict>) {
    let mut joined = Dynamic::default();
    let mut conflicts = BTreeSet::new();
    for part in parts {
        let mut merge = Merger { conflicts: &mut conflicts };
        merge.map("http.routers", &mut joined.http.routers, &part.http.routers);
        merge.map("http.services", &mut joined.http.services, &part.http.services);
        merge.map("http.middlewares", &mut joined.http.middlewares, &part.http.middlewares);
        merge.map("http.models", &mut joined.http.models, &part.http.models);
        merge.map("tcp.routers", &mut joined.tcp.routers, &part.tcp.routers);
        merge.map("tcp.services", &mut joined.tcp.services, &part.tcp.services);
        merge.map("tcp.middlewares", &mut joined.tcp.middlewares, &part.tcp.middlewares);
        merge.map("udp.routers", &mut joined.udp.routers, &part.udp.routers);
        merge.map("udp.services", &mut joined.udp.services, &part.udp.services);
        merge.map("tls.stores", &mut joined.tls.stores, &part.tls.stores);
    }
    for conflict in &conflicts {
        let name = conflict.name.as_str();
        match conflict.kind {
            "http.routers" => drop(joined.http.routers.remove(name)),
            "http.services" => drop(joined.http.services.remove(name)),
            "http.middlewares" => drop(joined.http.middlewares.remove(name)),
            "http.models" => drop(joined.http.models.remove(name)),
            "tcp.routers" => drop(joined.tcp.routers.remove(name)),
            "tcp.services" => drop(joined.tcp.services.remove(name)),
            "tcp.middlewares" => drop(joined.tcp.middlewares.remove(name)),
            "udp.routers" => drop(joined.udp.routers.remove(name)),
            "udp.services" => drop(joined.udp.services.remove(name)),
            _ => drop(joined.tls.stores.remove(name)),
        }
    }
    (joined, conflicts)
}

struct Merger<'a> {
    conflicts: &'a mut BTreeSet<Conflict>,
}

impl Merger<'_> {
    fn map<T: Merge + Clone>(
        &mut self,
        kind: &'static str,
        into: &mut BTreeMap<String, T>,
        from: &BTreeMap<String, T>,
    ) {
        for (name, value) in from {
            match into.get_mut(name) {
                None => {
                    into.insert(name.clone(), value.clone());
                }
                Some(there) => {
                    if !there.merge(value) {
                        self.conflicts.insert(Conflict { kind, name: name.clone() });
                    }
                }
            }
        }
    }
}

/// Whether a part defines what is in conflict.
pub(crate) fn defines(part: &Dynamic, conflict: &Conflict) -> bool {
    let name = conflict.name.as_str();
    match conflict.kind {
        "http.routers" => part.http.routers.contains_key(name),
        "http.services" => part.http.services.contains_key(name),
        "http.middlewares" => part.http.middlewares.contains_key(name),
        "http.models" => part.http.models.contains_key(name),
        "tcp.routers" => part.tcp.routers.contains_key(name),
        "tcp.services" => part.tcp.services.contains_key(name),
        "tcp.middlewares" => part.tcp.middlewares.contains_key(name),
        "udp.routers" => part.udp.routers.contains_key(name),
        "udp.services" => part.udp.services.contains_key(name),
        _ => part.tls.stores.contains_key(name),
    }
}

/// Every router of the joined document, with the containers behind it and the labels it came from.
pub(crate) fn routes(joined: &Dynamic, parts: &[Part<'_>]) -> Vec<Route> {
    let index = Index::of(parts);
    let mut routes = Vec::with_capacity(joined.http.routers.len());
    for (name, router) in &joined.http.routers {
        routes.push(index.route(Protocol::Http, name, &router.into()));
    }
    for (name, router) in &joined.tcp.routers {
        routes.push(index.route(Protocol::Tcp, name, &router.into()));
    }
    for (name, router) in &joined.udp.routers {
        routes.push(index.route(Protocol::Udp, name, &router.into()));
    }
    routes
}

/// What the three kinds of router have in common.
struct Router<'a> {
    rule: Option<&'a String>,
    from_default_rule: bool,
    entry_points: Option<&'a Vec<String>>,
    middlewares: Option<&'a Vec<String>>,
    service: Option<&'a String>,
    priority: Option<i64>,
    tls: bool,
}

impl<'a> From<&'a http::Router> for Router<'a> {
    fn from(router: &'a http::Router) -> Self {
        Self {
            rule: router.rule.as_ref(),
            from_default_rule: router.from_default_rule,
            entry_points: router.entry_points.as_ref(),
            middlewares: router.middlewares.as_ref(),
            service: router.service.as_ref(),
            priority: router.priority,
            tls: router.tls.is_some(),
        }
    }
}

impl<'a> From<&'a tcp::Router> for Router<'a> {
    fn from(router: &'a tcp::Router) -> Self {
        Self {
            rule: router.rule.as_ref(),
            from_default_rule: false,
            entry_points: router.entry_points.as_ref(),
            middlewares: router.middlewares.as_ref(),
            service: router.service.as_ref(),
            priority: router.priority,
            tls: router.tls.is_some(),
        }
    }
}

impl<'a> From<&'a udp::Router> for Router<'a> {
    fn from(router: &'a udp::Router) -> Self {
        Self {
            rule: None,
            from_default_rule: false,
            entry_points: router.entry_points.as_ref(),
            middlewares: None,
            service: router.service.as_ref(),
            priority: None,
            tls: false,
        }
    }
}

/// Which parts define a router, and which serve a service.
struct Index<'a> {
    parts: &'a [Part<'a>],
    routers: BTreeMap<(Protocol, &'a str), Vec<usize>>,
    servers: BTreeMap<(Protocol, &'a str), Vec<(usize, &'a str)>>,
}

impl<'a> Index<'a> {
    fn of(parts: &'a [Part<'a>]) -> Self {
        let mut index = Self { parts, routers: BTreeMap::new(), servers: BTreeMap::new() };
        for (at, part) in parts.iter().enumerate() {
            let Dynamic { http, tcp, udp, tls: _ } = &part.dynamic;
            for name in http.routers.keys() {
                index.routers.entry((Protocol::Http, name)).or_default().push(at);
            }
            for name in tcp.routers.keys() {
                index.routers.entry((Protocol::Tcp, name)).or_default().push(at);
            }
            for name in udp.routers.keys() {
                index.routers.entry((Protocol::Udp, name)).or_default().push(at);
            }
            for (name, service) in &http.services {
                for server in service.load_balancer.iter().flat_map(|it| it.servers.iter().flatten()) {
                    index.server(Protocol::Http, name, at, server.url.as_deref());
                }
            }
            for (name, service) in &tcp.services {
                for server in service.load_balancer.iter().flat_map(|it| it.servers.iter().flatten()) {
                    index.server(Protocol::Tcp, name, at, server.address.as_deref());
                }
            }
            for (name, service) in &udp.services {
                for server in service.load_balancer.iter().flat_map(|it| it.servers.iter().flatten()) {
                    index.server(Protocol::Udp, name, at, server.address.as_deref());
                }
            }
        }
        index
    }

    fn server(&mut self, protocol: Protocol, service: &'a str, at: usize, address: Option<&'a str>) {
        if let Some(address) = address {
            self.servers.entry((protocol, service)).or_default().push((at, address));
        }
    }

    fn route(&self, protocol: Protocol, name: &str, router: &Router<'_>) -> Route {
        let service = router.service.cloned().unwrap_or_default();
        let bare = service.strip_suffix("@http").unwrap_or(&service);
        let backends = self.servers.get(&(protocol, bare)).into_iter().flatten().filter_map(|&(at, address)| {
            let part = self.parts.get(at)?;
            Some(Backend {
                container: part.container.name.clone(),
                id: part.id.clone(),
                network: part.network_name.clone(),
                address: address.to_owned(),
            })
        });
        let definers = self.routers.get(&(protocol, name)).map_or(&[][..], Vec::as_slice);
        let definers = || definers.iter().filter_map(|&at| self.parts.get(at));
        Route {
            protocol,
            router: name.to_owned(),
            owner: definers().next().map(|part| part.owner.to_string()).unwrap_or_default(),
            rule: router.rule.cloned().unwrap_or_default(),
            entry_points: router.entry_points.cloned().unwrap_or_default(),
            middlewares: router.middlewares.cloned().unwrap_or_default(),
            priority: router.priority,
            tls: router.tls,
            backends: backends.collect(),
            origins: definers().map(|part| origin(part, protocol, name, router.from_default_rule)).collect(),
            service,
        }
    }
}

/// The label that made a router: its rule's, else any of it, else none (a default).
fn origin(part: &Part<'_>, protocol: Protocol, published: &str, from_default_rule: bool) -> Origin {
    // The published name is the label's with the owner's in front, and a label's name holds no dot.
    let name = published.rsplit('.').next().unwrap_or(published);
    let prefix = format!("traefik.{}.routers.{name}.", protocol.as_str());
    let mut of_router = part
        .container
        .labels
        .keys()
        .filter(|key| key.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(&prefix)));
    let mut last = of_router.clone();
    let is_rule = |key: &&String| key.get(prefix.len()..).is_some_and(|rest| rest.eq_ignore_ascii_case("rule"));
    let label = if from_default_rule { of_router.next() } else { of_router.find(is_rule).or_else(|| last.next()) };
    Origin { container: part.container.name.clone(), label: label.cloned().unwrap_or_default() }
}
