//! Routers that are in the document and that Traefik will not take: what they refer to is not there.

use std::collections::BTreeMap;

use super::{Plan, Protocol, Route};
use crate::dynamic::Dynamic;
use crate::dynamic::middleware::Middleware;

/// How deep chains of middlewares are followed.
const DEEPEST: usize = 8;

impl Plan {
    /// What a route refers to and the document does not hold, one line each: Traefik leaves such a router out. Empty for
    /// a route that Traefik takes, as far as the document says: files of Traefik's (`x@file`) are not seen.
    pub fn missing(&self, route: &Route) -> Vec<String> {
        let Some(document) = self.documents.get(Self::EVERYONE) else { return Vec::new() };
        let Dynamic { http, tcp, udp, tls: _ } = &**document;
        let has_service = |name: &str| match route.protocol {
            Protocol::Http => http.services.contains_key(name),
            Protocol::Tcp => tcp.services.contains_key(name),
            Protocol::Udp => udp.services.contains_key(name),
        };
        let mut missing = Vec::new();
        if let Some(name) = own(&route.service).filter(|name| !has_service(name)) {
            missing.push(format!("service `{name}`"));
        }
        for name in route.middlewares.iter().filter_map(|name| own(name)) {
            match route.protocol {
                Protocol::Http => middleware(&http.middlewares, name, DEEPEST, &has_service, &mut missing),
                Protocol::Tcp if !tcp.middlewares.contains_key(name) => missing.push(format!("middleware `{name}`")),
                Protocol::Tcp | Protocol::Udp => {}
            }
        }
        missing
    }
}

/// A middleware, and what it refers to itself.
fn middleware(
    all: &BTreeMap<String, Middleware>,
    name: &str,
    depth: usize,
    has_service: &dyn Fn(&str) -> bool,
    missing: &mut Vec<String>,
) {
    let Some(found) = all.get(name) else {
        missing.push(format!("middleware `{name}`"));
        return;
    };
    for link in found.chain.iter().flat_map(|chain| chain.middlewares.iter().flatten()).filter_map(|name| own(name)) {
        if depth > 0 {
            middleware(all, link, depth - 1, has_service, missing);
        }
    }
    let service = found.errors.as_ref().and_then(|errors| own(errors.service.as_deref()?));
    if let Some(service) = service.filter(|service| !has_service(service)) {
        missing.push(format!("service `{service}` of middleware `{name}`"));
    }
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
