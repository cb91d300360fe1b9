//! Traefik's HTTP configuration, as far as labels reach: routers, services, models.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::duration::Duration;
use super::schema::{Kind, record, section};
use super::unsupported_fields::{
    FAILOVER, HIGHEST_RANDOM_WEIGHT, MIRRORING, OBSERVABILITY_METADATA, ROUTER_DENIED_ENCODED_PATH_CHARACTERS,
    SERVERS_TRANSPORT, SERVICE_OBSERVABILITY_CONFIG, WEIGHTED_ROUND_ROBIN,
};
use super::{middleware, tls};

section! {
    /// All of HTTP.
    pub struct Http = "dynamic.HTTPConfiguration" {
        middlewares: BTreeMap<String, Arc<middleware::Middleware>> = "middlewares", (3, 0, 0), Plain;
        models: BTreeMap<String, Arc<Model>> = "models", (3, 0, 0), Plain;
        routers: BTreeMap<String, Arc<Router>> = "routers", (3, 0, 0), Plain;
        services: BTreeMap<String, Arc<Service>> = "services", (3, 0, 0), Plain;
    }
    dropped {
        "serversTransports": Kind::RecordMap(&SERVERS_TRANSPORT);
    }
}

record! {
    /// What routers of an entry point have in common.
    pub struct Model = "dynamic.Model" {
        middlewares: Vec<String> = "middlewares", (3, 0, 0), Plain;
        observability: Observability = "observability", (3, 3, 0), Embedded;
        tls: RouterTls = "tls", (3, 0, 0), AllowEmpty;
    }
    dropped {
        "defaultRuleSyntax": Kind::Scalar("string");
        "deniedEncodedPathCharacters": Kind::Record(&ROUTER_DENIED_ENCODED_PATH_CHARACTERS);
    }
}

record! {
    /// Observability.
    pub struct Observability = "dynamic.RouterObservabilityConfig" {
        access_logs: bool = "accessLogs", (3, 3, 0), Pointer;
        metrics: bool = "metrics", (3, 3, 0), Pointer;
        trace_verbosity: String = "traceVerbosity", (3, 5, 0), Plain, default Some("minimal".to_owned());
        tracing: bool = "tracing", (3, 3, 0), Pointer;
    }
    dropped {
        "metadata": Kind::Record(&OBSERVABILITY_METADATA);
    }
}

record! {
    /// Router tls.
    pub struct RouterTls = "dynamic.RouterTLSConfig" {
        cert_resolver: String = "certResolver", (3, 0, 0), Plain;
        domains: Vec<tls::Domain> = "domains", (3, 0, 0), Plain;
        options: String = "options", (3, 0, 0), Plain;
    }
    dropped {
        "conflictingOptions": Kind::Scalar("string");
        "resolvedOptions": Kind::Scalar("string");
    }
}

record! {
    /// An HTTP router: which requests, and where they go.
    pub struct Router = "dynamic.Router" {
        entry_points: Vec<String> = "entryPoints", (3, 0, 0), Plain;
        middlewares: Vec<String> = "middlewares", (3, 0, 0), Plain;
        observability: Observability = "observability", (3, 3, 0), Plain;
        priority: i64 = "priority", (3, 0, 0), Plain;
        rule: String = "rule", (3, 0, 0), Plain;
        rule_syntax: String = "ruleSyntax", (3, 0, 0), Plain;
        service: String = "service", (3, 0, 0), Plain;
        tls: RouterTls = "tls", (3, 0, 0), AllowEmpty;
    }
    dropped {
        "defaultRule": Kind::Scalar("string");
        "deniedEncodedPathCharacters": Kind::Record(&ROUTER_DENIED_ENCODED_PATH_CHARACTERS);
        "parentRefs": Kind::Texts;
    }
    hidden {
        /// Its rule came from the default rule (Traefik's `DefaultRule`); counts where two containers are compared.
        from_default_rule
    }
}

record! {
    /// An HTTP service.
    pub struct Service = "dynamic.Service" {
        load_balancer: Box<LoadBalancer> = "loadBalancer", (3, 0, 0), Plain;
        middlewares: Vec<String> = "middlewares", (3, 7, 0), Plain;
    }
    dropped {
        "failover": Kind::Record(&FAILOVER);
        "highestRandomWeight": Kind::Record(&HIGHEST_RANDOM_WEIGHT);
        "mirroring": Kind::Record(&MIRRORING);
        "observability": Kind::Record(&SERVICE_OBSERVABILITY_CONFIG);
        "weighted": Kind::Record(&WEIGHTED_ROUND_ROBIN);
    }
}

record! {
    /// The servers of a service and how requests are spread over them.
    pub struct LoadBalancer = "dynamic.ServersLoadBalancer" {
        health_check: HealthCheck = "healthCheck", (3, 0, 0), Plain;
        pass_host_header: bool = "passHostHeader", (3, 0, 0), Pointer, default Some(true);
        passive_health_check: PassiveHealthCheck = "passiveHealthCheck", (3, 6, 0), Plain;
        response_forwarding: ResponseForwarding = "responseForwarding", (3, 0, 0), Plain, default Some(ResponseForwarding::default());
        servers: Vec<Server> = "servers", (3, 0, 0), AsStruct;
        servers_transport: String = "serversTransport", (3, 0, 0), Plain;
        sticky: Sticky = "sticky", (3, 0, 0), AllowEmpty;
        strategy: String = "strategy", (3, 4, 0), Plain, default Some("wrr".to_owned());
    }
    dropped {
        "nginxUpstreamHashBy": Kind::Scalar("string");
    }
}

record! {
    /// Health check.
    pub struct HealthCheck = "dynamic.ServerHealthCheck" {
        follow_redirects: bool = "followRedirects", (3, 0, 0), Pointer, default Some(true);
        headers: BTreeMap<String, String> = "headers", (3, 0, 0), Plain;
        hostname: String = "hostname", (3, 0, 0), Plain;
        interval: Duration = "interval", (3, 0, 0), Plain, default Duration::parse("30s");
        method: String = "method", (3, 0, 0), Plain;
        mode: String = "mode", (3, 0, 0), Plain, default Some("http".to_owned());
        path: String = "path", (3, 0, 0), Plain;
        port: i64 = "port", (3, 0, 0), Plain;
        scheme: String = "scheme", (3, 0, 0), Plain;
        status: i64 = "status", (3, 0, 0), Plain;
        timeout: Duration = "timeout", (3, 0, 0), Plain, default Duration::parse("5s");
        unhealthy_interval: Duration = "unhealthyInterval", (3, 5, 0), Pointer;
    }
}

record! {
    /// Passive health check.
    pub struct PassiveHealthCheck = "dynamic.PassiveServerHealthCheck" {
        failure_window: Duration = "failureWindow", (3, 6, 0), Plain, default Duration::parse("10s");
        max_failed_attempts: i64 = "maxFailedAttempts", (3, 6, 0), Plain, default Some(1);
    }
}

record! {
    /// Response forwarding.
    pub struct ResponseForwarding = "dynamic.ResponseForwarding" {
        flush_interval: Duration = "flushInterval", (3, 0, 0), Plain, default Duration::parse("100ms");
    }
}

record! {
    /// One server.
    pub struct Server = "dynamic.Server" {
        port: String = "port", (3, 0, 0), LabelOnly;
        preserve_path: bool = "preservePath", (3, 2, 0), Plain;
        scheme: String = "scheme", (3, 0, 0), LabelOnly;
        url: String = "url", (3, 0, 0), Plain;
        weight: i64 = "weight", (3, 0, 0), Pointer;
    }
    dropped {
        "fenced": Kind::Scalar("string");
    }
}

record! {
    /// Sticky.
    pub struct Sticky = "dynamic.Sticky" {
        cookie: Cookie = "cookie", (3, 0, 0), AllowEmpty;
    }
}

record! {
    /// Cookie.
    pub struct Cookie = "dynamic.Cookie" {
        domain: String = "domain", (3, 4, 0), Plain;
        http_only: bool = "httpOnly", (3, 0, 0), Plain;
        max_age: i64 = "maxAge", (3, 0, 0), Plain;
        name: String = "name", (3, 0, 0), Plain;
        path: String = "path", (3, 3, 0), Pointer, default Some("/".to_owned());
        same_site: String = "sameSite", (3, 0, 0), Plain;
        secure: bool = "secure", (3, 0, 0), Plain;
    }
    dropped {
        "expires": Kind::Scalar("string");
        "preserveLeadingDot": Kind::Scalar("string");
    }
}

impl HealthCheck {
    /// Whether it asks by HTTP. Source: Traefik `pkg/healthcheck/healthcheck.go`: all but `grpc` is.
    pub fn is_http(&self) -> bool {
        self.mode.as_deref() != Some("grpc")
    }
}

impl Service {
    /// Where its servers are, as far as they say.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let servers = self.load_balancer.iter().flat_map(|balancer| balancer.servers.iter().flatten());
        servers.filter_map(|server| server.url.as_deref())
    }
}
