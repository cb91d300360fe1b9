//! All containers' parts into one document, as Traefik merges them, and back from the document to the containers.
//!
//! Source: Traefik 3.7 `pkg/provider/merge.go` (`Merge`, `ResourceStrategyMerge`): parts are taken in the order of
//! their keys; what two parts both define must be mergeable (services) or equal (everything else), or the name is
//! deleted once all are merged.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::steps::Part;
use super::{Backend, Origin, Protocol, Route};
use crate::inventory::ContainerId;
use crate::policy::names::published;
use crate::settings::Names;
use crate::traefik::merge::Merge;
use crate::traefik::{Dynamic, http, middleware, tcp, tls, udp};

/// Something that two containers define differently.
#[derive(Clone, Debug)]
pub(crate) struct Conflict<'a> {
    /// As in a label: `http.routers`, `tcp.services`, ….
    pub(crate) kind: &'static str,
    /// The published name.
    pub(crate) name: String,
    /// The parts that define it.
    pub(crate) parts: Vec<&'a Part<'a>>,
}

/// Everything that some parts declare, by name.
pub(crate) struct Declared<'a> {
    http_middlewares: Named<'a, middleware::Middleware>,
    http_models: Named<'a, http::Model>,
    http_routers: Named<'a, http::Router>,
    http_services: Named<'a, http::Service>,
    tcp_middlewares: Named<'a, tcp::Middleware>,
    tcp_routers: Named<'a, tcp::Router>,
    tcp_services: Named<'a, tcp::Service>,
    tls_stores: Named<'a, tls::Store>,
    udp_routers: Named<'a, udp::Router>,
    udp_services: Named<'a, udp::Service>,
}

/// All of one kind, by name; of one name in the order of the parts.
struct Named<'a, T>(Vec<One<'a, T>>);

/// A published name, the part that declares it, and what it says.
type One<'a, T> = (String, &'a Part<'a>, &'a Arc<T>);

impl<'a, T> Named<'a, T> {
    fn of(parts: &[&'a Part<'a>], names: Names, kind: impl Fn(&'a Dynamic) -> &'a BTreeMap<String, Arc<T>>) -> Self {
        let of_part = |part: &'a Part<'a>| {
            let published = move |name: &str| published(&part.candidate.owner, name, names);
            kind(&part.share.dynamic).iter().map(move |(name, value)| (published(name), part, value))
        };
        let mut all: Vec<_> = parts.iter().copied().flat_map(of_part).collect();
        // Stable: those of one name stay in order.
        all.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        Self(all)
    }

    /// Those of one name.
    fn get(&self, name: &str) -> &[One<'a, T>] {
        let from = self.0.partition_point(|(it, ..)| it.as_str() < name);
        let rest = self.0.get(from..).unwrap_or_default();
        let many = rest.iter().take_while(|(it, ..)| it == name).count();
        rest.get(..many).unwrap_or_default()
    }
}

impl<'a, T: Merge> Named<'a, T> {
    fn join(&self, kind: &'static str, conflicts: &mut Vec<Conflict<'a>>) -> BTreeMap<String, Arc<T>> {
        let mut joined = Vec::with_capacity(self.0.len());
        for same in self.0.chunk_by(|(one, ..), (next, ..)| one == next) {
            let Some(((name, _, first), others)) = same.split_first() else { continue };
            let mut value = Arc::clone(first);
            let disagree = others.iter().filter(|(_, _, other)| !value.merge(other)).count();
            if disagree == 0 {
                joined.push((name.clone(), value));
            } else {
                let parts = same.iter().map(|(_, part, _)| *part).collect();
                conflicts.push(Conflict { kind, name: name.clone(), parts });
            }
        }
        joined.into_iter().collect()
    }
}

impl<'a> Declared<'a> {
    /// Of parts in the order in which they are joined.
    pub(crate) fn by(parts: &[&'a Part<'a>], names: Names) -> Self {
        Self {
            http_middlewares: Named::of(parts, names, |part| &part.http.middlewares),
            http_models: Named::of(parts, names, |part| &part.http.models),
            http_routers: Named::of(parts, names, |part| &part.http.routers),
            http_services: Named::of(parts, names, |part| &part.http.services),
            tcp_middlewares: Named::of(parts, names, |part| &part.tcp.middlewares),
            tcp_routers: Named::of(parts, names, |part| &part.tcp.routers),
            tcp_services: Named::of(parts, names, |part| &part.tcp.services),
            // A store is called as it is called.
            tls_stores: Named::of(parts, Names::Traefik, |part| &part.tls.stores),
            udp_routers: Named::of(parts, names, |part| &part.udp.routers),
            udp_services: Named::of(parts, names, |part| &part.udp.services),
        }
    }

    /// Merges it. What is in conflict is left out, and said: by kind, then by name.
    pub(crate) fn join(&self) -> (Dynamic, Vec<Conflict<'a>>) {
        let mut conflicts = Vec::new();
        let http = http::Http {
            middlewares: self.http_middlewares.join("http.middlewares", &mut conflicts),
            models: self.http_models.join("http.models", &mut conflicts),
            routers: self.http_routers.join("http.routers", &mut conflicts),
            services: self.http_services.join("http.services", &mut conflicts),
        };
        let tcp = tcp::Tcp {
            middlewares: self.tcp_middlewares.join("tcp.middlewares", &mut conflicts),
            routers: self.tcp_routers.join("tcp.routers", &mut conflicts),
            services: self.tcp_services.join("tcp.services", &mut conflicts),
        };
        let tls = tls::Tls { stores: self.tls_stores.join("tls.stores", &mut conflicts) };
        let udp = udp::Udp {
            routers: self.udp_routers.join("udp.routers", &mut conflicts),
            services: self.udp_services.join("udp.services", &mut conflicts),
        };
        (Dynamic { http, tcp, udp, tls }, conflicts)
    }

    /// Every router of the joined document, with the containers behind it and the labels it came from.
    pub(crate) fn routes(&self, joined: &Dynamic) -> Vec<Route> {
        let Dynamic { http, tcp, udp, tls: _ } = joined;
        let mut makers = Makers::default();
        let mut routes = Vec::with_capacity(http.routers.len() + tcp.routers.len() + udp.routers.len());
        for (name, router) in &http.routers {
            let servers = |service: &str| addresses(self.http_services.get(service), http::Service::addresses);
            routes.push(route(
                Protocol::Http,
                name,
                &(&**router).into(),
                self.http_routers.get(name),
                servers,
                &mut makers,
            ));
        }
        for (name, router) in &tcp.routers {
            let servers = |service: &str| addresses(self.tcp_services.get(service), tcp::Service::addresses);
            routes.push(route(
                Protocol::Tcp,
                name,
                &(&**router).into(),
                self.tcp_routers.get(name),
                servers,
                &mut makers,
            ));
        }
        for (name, router) in &udp.routers {
            let servers = |service: &str| addresses(self.udp_services.get(service), udp::Service::addresses);
            routes.push(route(
                Protocol::Udp,
                name,
                &(&**router).into(),
                self.udp_routers.get(name),
                servers,
                &mut makers,
            ));
        }
        routes
    }
}

/// `defined`: who declares the router. `servers`: the addresses of a service's servers, each with its part. `makers`: what
/// is known of the labels behind routers.
fn route<'a, R>(
    protocol: Protocol,
    name: &str,
    router: &Router<'_>,
    defined: &[One<'a, R>],
    servers: impl Fn(&str) -> Vec<(&'a Part<'a>, &'a str)>,
    makers: &mut Makers<'a>,
) -> Route {
    let service = router.service.cloned().unwrap_or_default();
    let bare = service.strip_suffix("@http").unwrap_or(&service);
    let backend = |(part, address): (&Part<'_>, &str)| Backend {
        container: part.candidate.container.name.clone(),
        id: part.candidate.id.clone(),
        network: part.share.network_name.clone(),
        address: address.to_owned(),
    };
    let origin = |(_, part, _): &One<'a, R>| makers.origin(part, protocol, name, router.from_default_rule);
    Route {
        protocol,
        router: name.to_owned(),
        owner: defined.first().map(|(_, part, _)| part.candidate.owner.to_string()).unwrap_or_default(),
        rule: router.rule.cloned().unwrap_or_default(),
        entry_points: router.entry_points.cloned().unwrap_or_default(),
        middlewares: router.middlewares.cloned().unwrap_or_default(),
        priority: router.priority,
        tls: router.tls,
        backends: servers(bare).into_iter().map(backend).collect(),
        origins: defined.iter().map(origin).collect(),
        service,
    }
}

/// The addresses of a service's servers, each with its part.
fn addresses<'a, S, I: Iterator<Item = &'a str>>(
    services: &[One<'a, S>],
    of: impl Fn(&'a S) -> I,
) -> Vec<(&'a Part<'a>, &'a str)> {
    services.iter().flat_map(|(_, part, service)| of(service).map(|address| (*part, address))).collect()
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

/// The labels that made routers, by their containers. Each container's are gone through at most once, however many
/// routers they make.
#[derive(Default)]
struct Makers<'a>(BTreeMap<&'a ContainerId, OfContainer<'a>>);

/// By protocol and by a router's own name, in lower case.
type OfContainer<'a> = BTreeMap<(String, String), Maker<'a>>;

/// The labels of one router.
#[derive(Clone, Copy)]
struct Maker<'a> {
    rule: Option<&'a str>,
    first: &'a str,
}

impl<'a> Makers<'a> {
    /// The label that made a router: its rule's, else any of it, else none (a default).
    fn origin(&mut self, part: &'a Part<'a>, protocol: Protocol, published: &str, from_default_rule: bool) -> Origin {
        // The published name is the label's with the owner's in front, and a label's name holds no dot.
        let name = published.rsplit('.').next().unwrap_or(published);
        let container = part.candidate.container;
        let as_written = ["traefik.", protocol.as_str(), ".routers.", name, ".rule"].concat();
        // As nearly everybody writes it.
        let plain = container.labels.get_key_value(&as_written).filter(|_| !from_default_rule);
        let label = plain.map(|(label, _)| label.as_str()).or_else(|| {
            let all = self.0.entry(part.candidate.id).or_insert_with(|| makers(&container.labels));
            let maker = all.get(&(protocol.as_str().to_owned(), name.to_ascii_lowercase()));
            maker.map(|maker| maker.rule.filter(|_| !from_default_rule).unwrap_or(maker.first))
        });
        Origin { container: container.name.clone(), label: label.unwrap_or_default().to_owned() }
    }
}

/// The labels of routers, `traefik.http.routers.<name>.…` in any case.
fn makers(labels: &BTreeMap<String, String>) -> OfContainer<'_> {
    let mut all = OfContainer::new();
    for label in labels.keys() {
        let mut parts = label.splitn(5, '.');
        let (Some(root), Some(protocol), Some(kind), Some(name), Some(field)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if !root.eq_ignore_ascii_case("traefik") || !kind.eq_ignore_ascii_case("routers") {
            continue;
        }
        let key = (protocol.to_ascii_lowercase(), name.to_ascii_lowercase());
        let maker = all.entry(key).or_insert(Maker { rule: None, first: label });
        if field.eq_ignore_ascii_case("rule") {
            maker.rule.get_or_insert(label);
        }
    }
    all
}
