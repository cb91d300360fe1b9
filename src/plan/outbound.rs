//! What the egress Traefiks are told: one router for each outbound name and address that may reach it, and nothing else.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::Plan;
use crate::policy::outbound::{Allowance, Outbound, Target};
use crate::settings::{OutboundPorts, PortKind};
use crate::traefik::middleware::{InFlightReq, Middleware};
use crate::traefik::{Dynamic, http, tcp};

/// The document of each egress Traefik, by its container's name; without routers where nothing is allowed.
///
/// Every router names exactly one entry point: without any, Traefik has it answer on all of them. Every rule holds the
/// address of one container.
pub(super) fn documents(outbound: &Outbound, connections: Option<NonZeroU32>) -> BTreeMap<String, Arc<Dynamic>> {
    let mut documents: BTreeMap<String, Dynamic> =
        outbound.egresses.iter().map(|name| (name.clone(), Dynamic::default())).collect();
    for allowance in outbound.allowances.iter().filter(|it| it.holds()) {
        let Allowance { egress, target, address: Some(address), kind: Some(kind), .. } = allowance else { continue };
        if let Some(document) = documents.get_mut(egress) {
            allow(document, target, *address, *kind, connections);
        }
    }
    documents.into_iter().map(|(name, document)| (name, Arc::new(document))).collect()
}

impl Plan {
    /// Takes all outbound names back, and nothing else: for when the engine does not answer, so that an address may be
    /// another's by now.
    pub fn withdraw_outbound(&mut self) {
        self.outbound_withdrawn = true;
        self.outbound.iter_mut().for_each(|it| it.withdrawn = true);
        self.outbound_documents.values_mut().for_each(|it| *it = Arc::default());
    }
}

/// What the middleware is called that limits the connections of a router. Traefik makes one for each router that names it, so
/// it counts for one container and one name.
const LIMIT: &str = "connections";

fn allow(document: &mut Dynamic, target: &Target, address: IpAddr, kind: PortKind, connections: Option<NonZeroU32>) {
    let amount = connections.map(|most| i64::from(most.get()));
    let middlewares = amount.map(|_| vec![LIMIT.to_owned()]);
    let (host, port) = (target.host(), target.port());
    let service = format!("{host}-{port}");
    let name = format!("{service}-from-{address}");
    let entry_points = Some(vec![OutboundPorts::entry_point(port)]);
    match kind {
        PortKind::Tls | PortKind::Plain => {
            let (sni, tls) = match kind {
                PortKind::Tls => (host, Some(tcp::RouterTls { passthrough: Some(true), ..tcp::RouterTls::default() })),
                _ => ("*", None),
            };
            let rule = Some(both(format!("HostSNI(`{sni}`)"), address));
            let service_name = Some(service.clone());
            let router =
                tcp::Router { entry_points, middlewares, rule, service: service_name, tls, ..tcp::Router::default() };
            if amount.is_some() {
                let in_flight_conn = Some(tcp::InFlightConn { amount });
                let limit = tcp::Middleware { in_flight_conn, ..tcp::Middleware::default() };
                document.tcp.middlewares.insert(LIMIT.to_owned(), Arc::new(limit));
            }
            let server = tcp::Server { address: Some(target.to_string()), ..tcp::Server::default() };
            let load_balancer = tcp::LoadBalancer { servers: Some(vec![server]), ..tcp::LoadBalancer::default() };
            document.tcp.routers.insert(name, Arc::new(router));
            document.tcp.services.insert(service, Arc::new(tcp::Service { load_balancer: Some(load_balancer) }));
        }
        PortKind::Http => {
            let rule = Some(both(format!("Host(`{host}`)"), address));
            let service_name = Some(service.clone());
            let router =
                http::Router { entry_points, middlewares, rule, service: service_name, ..http::Router::default() };
            if amount.is_some() {
                let in_flight_req = Some(Box::new(InFlightReq { amount, ..InFlightReq::default() }));
                let limit = Middleware { in_flight_req, ..Middleware::default() };
                document.http.middlewares.insert(LIMIT.to_owned(), Arc::new(limit));
            }
            let server = http::Server { url: Some(format!("http://{target}")), ..http::Server::default() };
            let load_balancer = http::LoadBalancer { servers: Some(vec![server]), ..http::LoadBalancer::default() };
            document.http.routers.insert(name, Arc::new(router));
            document.http.services.insert(
                service,
                Arc::new(http::Service { load_balancer: Some(Box::new(load_balancer)), ..http::Service::default() }),
            );
        }
    }
}

/// A rule for one address alone.
fn both(name: String, address: IpAddr) -> String {
    [name, format!("ClientIP(`{address}`)")].join(" && ")
}
