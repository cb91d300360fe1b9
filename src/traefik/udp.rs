//! Traefik's UDP configuration, as far as labels reach: routers and services.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::schema::{Kind, record, section};
use super::unsupported_fields::UDPWEIGHTED_ROUND_ROBIN;

section! {
    /// All of UDP.
    pub struct Udp = "dynamic.UDPConfiguration" {
        routers: BTreeMap<String, Arc<Router>> = "routers", (3, 0, 0), Plain;
        services: BTreeMap<String, Arc<Service>> = "services", (3, 0, 0), Plain;
    }
}

record! {
    /// A UDP router.
    pub struct Router = "dynamic.UDPRouter" {
        entry_points: Vec<String> = "entryPoints", (3, 0, 0), Plain;
        service: String = "service", (3, 0, 0), Plain;
    }
}

record! {
    /// A UDP service.
    pub struct Service = "dynamic.UDPService" {
        load_balancer: LoadBalancer = "loadBalancer", (3, 0, 0), Plain;
    }
    dropped {
        "weighted": Kind::Record(&UDPWEIGHTED_ROUND_ROBIN);
    }
}

record! {
    /// Load balancer.
    pub struct LoadBalancer = "dynamic.UDPServersLoadBalancer" {
        servers: Vec<Server> = "servers", (3, 0, 0), AsStruct;
    }
}

record! {
    /// Server.
    pub struct Server = "dynamic.UDPServer" {
        address: String = "address", (3, 0, 0), DocumentOnly;
        port: String = "port", (3, 0, 0), LabelOnly;
    }
}

impl Service {
    /// Where its servers are, as far as they say.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let servers = self.load_balancer.iter().flat_map(|balancer| balancer.servers.iter().flatten());
        servers.filter_map(|server| server.address.as_deref())
    }
}
