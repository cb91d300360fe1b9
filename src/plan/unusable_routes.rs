//! Routers that are in a document and that Traefik will not take: their rule cannot be read, or what they refer to is not
//! there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Plan, Protocol, Route};
use crate::dynamic::Dynamic;
use crate::dynamic::middleware::Middleware;
use crate::rule::router::{self, Rule};

/// How deep chains of middlewares are followed.
const DEEPEST: usize = 8;

impl Plan {
    /// Why Traefik leaves a route out, one line each. Empty for a route that it takes, as far as the documents say: files
    /// of Traefik's (`x@file`) are not seen.
    pub fn left_out(&self, route: &Route) -> Vec<String> {
        let mut reasons: Vec<String> = match self.rule(route) {
            Some(Ok(rule)) => rule.problems().to_vec(),
            Some(Err(problem)) => vec![problem],
            None => Vec::new(),
        };
        for reason in &mut reasons {
            *reason = format!("it does not take the rule: {reason}");
        }
        for (traefik, document) in &self.documents {
            let mut missing = Vec::new();
            absent(document, route, &mut missing);
            let told = if traefik.is_empty() { "nothing that is routed".to_owned() } else { told(traefik) };
            for what in missing {
                let reason = format!("{told} declares {what}");
                // What nobody declares, no single Traefik is told of either.
                let known = |reason: &String| reason.ends_with(&format!(" declares {what}"));
                if !reasons.iter().any(known) {
                    reasons.push(reason);
                }
            }
        }
        reasons
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

fn told(traefik: &str) -> String {
    format!("nothing on the networks of Traefik `{traefik}`")
}

/// What a route refers to and a document that holds it does not.
fn absent(document: &Dynamic, route: &Route, missing: &mut Vec<String>) {
    let Dynamic { http, tcp, udp, tls: _ } = document;
    let (is_here, has_service): (bool, &dyn Fn(&str) -> bool) = match route.protocol {
        Protocol::Http => (http.routers.contains_key(&route.router), &|name| http.services.contains_key(name)),
        Protocol::Tcp => (tcp.routers.contains_key(&route.router), &|name| tcp.services.contains_key(name)),
        Protocol::Udp => (udp.routers.contains_key(&route.router), &|name| udp.services.contains_key(name)),
    };
    if !is_here {
        return;
    }
    if let Some(name) = own(&route.service).filter(|name| !has_service(name)) {
        missing.push(format!("service `{name}`"));
    }
    for name in route.middlewares.iter().filter_map(|name| own(name)) {
        match route.protocol {
            Protocol::Http => middleware(&http.middlewares, name, DEEPEST, has_service, missing),
            Protocol::Tcp if !tcp.middlewares.contains_key(name) => missing.push(format!("middleware `{name}`")),
            Protocol::Tcp | Protocol::Udp => {}
        }
    }
}

/// A middleware, and what it refers to itself.
fn middleware(
    all: &BTreeMap<String, Arc<Middleware>>,
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
