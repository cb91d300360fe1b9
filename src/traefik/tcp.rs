//! Traefik's TCP configuration, as far as labels reach: routers, services, middlewares.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::duration::Duration;
use super::schema::{Kind, record, section};
use super::tls;
use super::unsupported_fields::{TCPMODEL, TCPSERVERS_TRANSPORT, TCPWEIGHTED_ROUND_ROBIN};

section! {
    /// All of TCP.
    pub struct Tcp = "dynamic.TCPConfiguration" {
        middlewares: BTreeMap<String, Arc<Middleware>> = "middlewares", (3, 0, 0), Plain;
        routers: BTreeMap<String, Arc<Router>> = "routers", (3, 0, 0), Plain;
        services: BTreeMap<String, Arc<Service>> = "services", (3, 0, 0), Plain;
    }
    dropped {
        "models": Kind::RecordMap(&TCPMODEL);
        "serversTransports": Kind::RecordMap(&TCPSERVERS_TRANSPORT);
    }
}

record! {
    /// A TCP middleware.
    pub struct Middleware = "dynamic.TCPMiddleware" {
        in_flight_conn: InFlightConn = "inFlightConn", (3, 0, 0), Plain;
        ip_allow_list: IpAllowList = "ipAllowList", (3, 0, 0), Plain;
        ip_white_list: IpWhiteList = "ipWhiteList", (3, 0, 0), Plain;
    }
}

record! {
    /// In flight conn.
    pub struct InFlightConn = "dynamic.TCPInFlightConn" {
        amount: i64 = "amount", (3, 0, 0), Plain;
    }
}

record! {
    /// Ip allow list.
    pub struct IpAllowList = "dynamic.TCPIPAllowList" {
        source_range: Vec<String> = "sourceRange", (3, 0, 0), Plain;
    }
}

record! {
    /// Ip white list.
    pub struct IpWhiteList = "dynamic.TCPIPWhiteList" {
        source_range: Vec<String> = "sourceRange", (3, 0, 0), Plain;
    }
}

record! {
    /// A TCP router.
    pub struct Router = "dynamic.TCPRouter" {
        entry_points: Vec<String> = "entryPoints", (3, 0, 0), Plain;
        middlewares: Vec<String> = "middlewares", (3, 0, 0), Plain;
        priority: i64 = "priority", (3, 0, 0), Plain;
        rule: String = "rule", (3, 0, 0), Plain;
        rule_syntax: String = "ruleSyntax", (3, 0, 0), Plain;
        service: String = "service", (3, 0, 0), Plain;
        tls: RouterTls = "tls", (3, 0, 0), AllowEmpty;
    }
}

record! {
    /// Router tls.
    pub struct RouterTls = "dynamic.RouterTCPTLSConfig" {
        cert_resolver: String = "certResolver", (3, 0, 0), Plain;
        domains: Vec<tls::Domain> = "domains", (3, 0, 0), Plain;
        options: String = "options", (3, 0, 0), Plain;
        passthrough: bool = "passthrough", (3, 0, 0), Plain;
    }
}

record! {
    /// Proxy protocol.
    pub struct ProxyProtocol = "dynamic.ProxyProtocol" {
        version: i64 = "version", (3, 0, 0), Plain, default Some(2);
    }
}

record! {
    /// A TCP service.
    pub struct Service = "dynamic.TCPService" {
        load_balancer: LoadBalancer = "loadBalancer", (3, 0, 0), Plain;
    }
    dropped {
        "weighted": Kind::Record(&TCPWEIGHTED_ROUND_ROBIN);
    }
}

record! {
    /// Load balancer.
    pub struct LoadBalancer = "dynamic.TCPServersLoadBalancer" {
        health_check: HealthCheck = "healthCheck", (3, 6, 0), AllowEmpty;
        proxy_protocol: ProxyProtocol = "proxyProtocol", (3, 0, 0), AllowEmpty;
        servers: Vec<Server> = "servers", (3, 0, 0), AsStruct;
        servers_transport: String = "serversTransport", (3, 0, 0), Plain;
        termination_delay: i64 = "terminationDelay", (3, 0, 0), Pointer;
    }
}

record! {
    /// Health check.
    pub struct HealthCheck = "dynamic.TCPServerHealthCheck" {
        expect: String = "expect", (3, 6, 0), Plain;
        interval: Duration = "interval", (3, 6, 0), Plain, default Duration::parse("30s");
        port: i64 = "port", (3, 6, 0), Plain;
        send: String = "send", (3, 6, 0), Plain;
        timeout: Duration = "timeout", (3, 6, 0), Plain, default Duration::parse("5s");
        unhealthy_interval: Duration = "unhealthyInterval", (3, 6, 0), Pointer;
    }
}

record! {
    /// Server.
    pub struct Server = "dynamic.TCPServer" {
        address: String = "address", (3, 0, 0), DocumentOnly;
        port: String = "port", (3, 0, 0), LabelOnly;
        tls: bool = "tls", (3, 0, 0), Plain;
    }
}

impl Service {
    /// Where its servers are, as far as they say.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let servers = self.load_balancer.iter().flat_map(|balancer| balancer.servers.iter().flatten());
        servers.filter_map(|server| server.address.as_deref())
    }
}
