//! Step 6: what a container's labels claim, and whether it may.
//!
//! What takes from others is refused, catch-alls too; what only reaches far is reported, and refused under
//! `--isolation strict`. A catch-all is decided from the container's own labels and the settings alone: no other container
//! can change it. The rules are the LBL family of `docs/rules.md`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::cause::{self, Few};
use super::finding::{Action, Finding, Subject};
use super::forward_auth_names::{self, Address, Answering};
use super::hosts::{self, Bindings, Claimed};
use super::names::Owner;
use super::references::{self, Middlewares};
use super::refusal::{Code, Refusal};
use super::rule_id::RuleId;
use crate::inventory::{Container, Network};
use crate::settings::{Isolation, OwnEntryPoint, Settings};
use crate::traefik::middleware::Middleware;
use crate::traefik::{Dynamic, http};

/// After so many references that are refused, no more of a container's are judged: it is refused.
const MOST_REFUSALS: usize = 1_000;

/// What stands against a claim, but for references and hosts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// A name with an `@`.
    AtSign(String),
    DefaultCertificate,
    /// The containers, each on its network, that Traefik may find under a forwardAuth address's name.
    SharedName {
        middleware: String,
        host: String,
        places: Few<(String, String)>,
    },
    /// A middleware makes Traefik connect to an address; `visitors`: with what visitors bring.
    Connects {
        middleware: String,
        to: String,
        visitors: bool,
        is_own: bool,
    },
    /// Traefik's own entry point.
    EntryPoint,
    Priority {
        router: String,
        priority: i64,
    },
    Hidden {
        router: String,
    },
    Port(String),
    Scheme(String),
    Url(String),
    /// A health check of another port than the service's own.
    CheckPort {
        port: i64,
        own: u16,
    },
    CheckPath(String),
    CheckChosen,
    CheckRedirects,
    CheckStatus(i64),
    Middleware {
        middleware: String,
        does: Does,
    },
}

/// What a middleware does that Traefik pays for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Does {
    ReadsFiles,
    ReadsFile(String),
    RunsPlugin,
    BcryptCost(u32),
    Retries(i64),
}

/// One container and what it claims.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The container.
    pub container: &'a Container,
    /// Its owner.
    pub owner: &'a Owner,
    /// What its labels decode to, names as written.
    pub dynamic: &'a Dynamic,
    /// The same, completed.
    pub complete: &'a Dynamic,
    /// What it claims of hosts when it is complete: the default rule is a claim too.
    pub hosts: &'a [Claimed],
    /// The network it is reached on; `None` in it: on none that is known, as on the host's own. A Traefik is on all of its
    /// networks, and on none. Empty: it is not reached.
    pub networks: &'a [Option<&'a Network>],
    /// Its addresses on that network.
    pub addresses: &'a [IpAddr],
    /// It is a declared Traefik whose labels speak for everybody.
    pub speaks_for_all: bool,
    /// The rules that the operator allows on it.
    pub allowed: &'a BTreeSet<RuleId>,
    /// How hard what it claims of others is judged.
    pub rights: Isolation,
    /// How hard its references by bare name are judged.
    pub isolation: Isolation,
    /// Where some of its labels cannot be read: the middlewares that all of them declare.
    pub unread: Option<&'a BTreeSet<String>>,
}

/// What stands against a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused; empty if it is not.
    pub refusals: Vec<Refusal>,
    /// What would refuse it under `--isolation enforce`, and is only reported under `warn`.
    pub overruled: Vec<Refusal>,
    /// What is odd or weakens the walls (LBL rules), refused or not.
    pub findings: Vec<Finding>,
}

/// What all claims are judged by.
#[derive(Clone, Copy, Debug)]
pub struct ClaimContext<'a> {
    /// Whose middlewares are whose.
    pub middlewares: &'a Middlewares<'a>,
    /// Who answers to the names in their addresses.
    pub answering: &'a Answering<'a>,
    /// Whose hosts are whose.
    pub bindings: &'a Bindings,
    /// What the operator chose.
    pub settings: &'a Settings,
}

/// Judges everything that one container claims. Nothing is refused under `--isolation off`.
pub fn judge(claim: &Claim<'_>, context: ClaimContext<'_>) -> Verdict {
    let mut judging = Judging { claim: *claim, context, verdict: Verdict::default() };
    judging.declared();
    judging.addresses();
    judging.hosts();
    judging.health_checks();
    judging.verdict
}

/// A judgement in the making.
struct Judging<'a> {
    claim: Claim<'a>,
    context: ClaimContext<'a>,
    verdict: Verdict,
}

impl Judging<'_> {
    /// What the labels say by themselves.
    fn declared(&mut self) {
        let (claim, ClaimContext { middlewares, settings, .. }) = (self.claim, self.context);
        self.names();
        self.entry_points();
        references::each(claim.dynamic, &mut |target, reference, label| {
            // A label of a megabyte can refer to nothing half a million times.
            if self.verdict.refusals.len() + self.verdict.overruled.len() >= MOST_REFUSALS {
                return;
            }
            let is_unread = |name: &str| claim.unread.is_some_and(|unread| unread.contains(name));
            if target.is_middleware() && references::here(reference).is_some_and(is_unread) {
                return;
            }
            if let Some(refusal) = references::judge(target, reference, label, claim.owner, middlewares, settings) {
                // By a bare name: what it cannot lead to is left out of the document, or is the only one of that name.
                let by_name = target.is_middleware() && references::here(reference).is_some();
                self.refuse(refusal, if by_name { claim.isolation } else { claim.rights });
            }
        });
        for (name, router) in &claim.dynamic.http.routers {
            self.router(name, router);
        }
        for (name, service) in &claim.dynamic.http.services {
            if let Some(balancer) = &service.load_balancer {
                self.balancer(name, balancer);
            }
        }
        for (name, service) in &claim.dynamic.tcp.services {
            for server in service.load_balancer.iter().flat_map(|it| it.servers.iter().flatten()) {
                self.port("tcp", name, server.port.as_deref());
            }
        }
        for (name, service) in &claim.dynamic.udp.services {
            for server in service.load_balancer.iter().flat_map(|it| it.servers.iter().flatten()) {
                self.port("udp", name, server.port.as_deref());
            }
        }
        for (name, middleware) in &claim.dynamic.http.middlewares {
            self.middleware(name, middleware);
        }
        if !claim.speaks_for_all && !claim.dynamic.tls.stores.is_empty() {
            let refusal = Refusal::new(Code::Reference, Cause::DefaultCertificate).by_rule(RuleId::Lbl010);
            self.refuse(refusal.by_label("traefik.tls.stores.default"), claim.rights);
        }
    }

    /// The addresses that Traefik would connect to for its middlewares.
    fn addresses(&mut self) {
        let (claim, ClaimContext { answering, .. }) = (self.claim, self.context);
        for (middleware, cause) in forward_auth_names::shared_names(claim.dynamic, answering) {
            let label = format!("traefik.http.middlewares.{middleware}.forwardauth.address");
            self.raise(RuleId::Lbl017, Code::Middleware, label, cause, None);
        }
        // What the operator declares on Traefik's own container is meant for everybody.
        let middlewares = claim.dynamic.http.middlewares.iter().filter(|_| !claim.speaks_for_all);
        for (name, middleware) in middlewares {
            for Address { field, text, is_own } in forward_auth_names::addresses(middleware, claim.owner, answering) {
                let visitors = field.starts_with("forward");
                let cause = Cause::Connects { middleware: name.clone(), to: text, visitors, is_own };
                let label = format!("traefik.http.middlewares.{name}.{field}");
                self.raise(RuleId::Lbl009, Code::Middleware, label, cause, (!is_own).then_some(Action::Block));
            }
        }
    }

    /// Its health checks, its services completed: they go to the service's own address and port, or nowhere.
    fn health_checks(&mut self) {
        let complete = self.claim.complete;
        let other = |wanted: Option<i64>, own: Option<u16>| {
            wanted.filter(|port| *port != 0 && own.is_some_and(|own| i64::from(own) != *port))
        };
        for (name, service) in &complete.http.services {
            let Some(balancer) = &service.load_balancer else { continue };
            let Some(check) = &balancer.health_check else { continue };
            let server = balancer.servers.iter().flatten().next();
            let port =
                server.and_then(|it| it.url.as_deref().map_or_else(|| it.port.as_deref()?.parse().ok(), port_of_url));
            let check = Check { http: Some(check), port, elsewhere: other(check.port, port) };
            self.health_check("http", name, &check);
        }
        for (name, service) in &complete.tcp.services {
            let Some(balancer) = &service.load_balancer else { continue };
            let Some(check) = &balancer.health_check else { continue };
            let server = balancer.servers.iter().flatten().next();
            let port = server.and_then(|it| match &it.address {
                Some(address) => address.rsplit(':').next()?.parse().ok(),
                None => it.port.as_deref()?.parse().ok(),
            });
            self.health_check("tcp", name, &Check { http: None, port, elsewhere: other(check.port, port) });
        }
    }

    /// The hosts.
    fn hosts(&mut self) {
        let (claim, ClaimContext { bindings, settings, .. }) = (self.claim, self.context);
        // Which hosts are bound only networks say, which are the operator's: against that, only a flag's Traefik speaks.
        let by_flag = !settings.traefiks.is_empty();
        if claim.speaks_for_all && (by_flag || bindings.is_empty()) {
            return;
        }
        let is_bound = !bindings.is_empty() && !claim.networks.is_empty();
        for claimed in claim.hosts {
            let catches_all = if is_bound { claimed.reach.any } else { claimed.catches_all() };
            if catches_all && self.owns(claimed.entry_points(claim.complete)) {
                continue;
            }
            if is_bound {
                // One that lets it claim this is enough.
                let judged = |network: Option<&Network>| bindings.judge(&claimed.reach, network, &claimed.what());
                let refusals: Option<Vec<Refusal>> = claim.networks.iter().copied().map(judged).collect();
                if let Some(refusal) = refusals.and_then(|refusals| refusals.into_iter().next()) {
                    let rule = claimed.rule_of(&refusal);
                    // No binding mends what cannot be read.
                    let is_unreadable = claimed.reach.any && !claimed.problems.is_empty();
                    let refusal =
                        if is_unreadable { Refusal::new(Code::Host, self.takes_all(claimed)) } else { refusal };
                    self.refuse(refusal.by_rule(rule).by_label(claimed.label()), claim.rights);
                }
            } else if catches_all {
                self.catch_all(claimed);
            }
        }
    }

    /// Refuses what is others', by the rule that the refusal names, if it names one. A container's own label cannot
    /// allow that: it needs the network's label or a flag.
    fn refuse(&mut self, refusal: Refusal, isolation: Isolation) {
        let Some(rule) = refusal.rule else {
            self.hold(refusal, isolation);
            return;
        };
        let mut finding = self.found(rule, Arc::clone(&refusal.cause));
        finding.action = Action::Block;
        self.settle(finding, refusal, false, isolation);
    }

    /// Whether the operator gave its owner every entry point that a router names. One that names none is on Traefik's
    /// default ones, which are everybody's.
    fn owns(&self, entry_points: &[String]) -> bool {
        let own = &self.context.settings.own_entry_points;
        let owner = self.claim.owner.to_string();
        let given = |name: &String| own.contains(&OwnEntryPoint { name: name.trim().to_owned(), owner: owner.clone() });
        !own.is_empty() && !entry_points.is_empty() && entry_points.iter().all(given)
    }

    fn takes_all(&self, claimed: &Claimed) -> hosts::Cause {
        hosts::Cause::CatchAll {
            what: claimed.what(),
            takes: claimed.takes(),
            entry_points: claimed.entry_points(self.claim.complete).to_vec(),
            owner: self.claim.owner.to_string(),
        }
    }

    /// A claim to what is others', where no bindings decide.
    fn catch_all(&mut self, claimed: &Claimed) {
        let cause = self.takes_all(claimed);
        // A certificate is asked for, not served.
        let action = (!claimed.is_rule()).then_some(Action::WarnStrictBlock);
        self.raise(claimed.catch_all(), Code::Host, claimed.label(), cause, action);
    }

    /// Says that a rule fires; `action` where it is another than the rule's.
    fn raise(
        &mut self,
        rule: RuleId,
        code: Code,
        label: String,
        cause: impl Into<cause::Cause>,
        action: Option<Action>,
    ) {
        let mut finding = self.found(rule, Arc::new(cause.into()));
        finding.action = action.unwrap_or(finding.action);
        finding.label = Some(label);
        let refusal = Refusal::for_finding(code, &finding);
        // To allow what cannot be read routes nothing: Traefik leaves such a router out.
        let may_allow = !finding.cause.is_unreadable();
        self.settle(finding, Refusal { may_allow, ..refusal }, true, self.claim.rights);
    }

    fn found(&self, rule: RuleId, cause: Arc<cause::Cause>) -> Finding {
        Finding::new(rule, Subject::of(self.claim.container), cause)
    }

    fn settle(&mut self, mut finding: Finding, refusal: Refusal, may_allow: bool, isolation: Isolation) {
        finding.label.clone_from(&refusal.label);
        finding.allowed = may_allow && self.claim.allowed.contains(&finding.rule);
        let refuses = !finding.allowed
            && match isolation {
                Isolation::Strict => matches!(finding.action, Action::Block | Action::WarnStrictBlock),
                Isolation::Enforce | Isolation::Warn => finding.action == Action::Block,
                Isolation::Off => false,
            };
        finding.blocks = refuses && isolation != Isolation::Warn;
        if refuses {
            self.hold(refusal.about(self.claim.container), isolation);
        }
        self.verdict.findings.push(finding);
    }

    /// Holds a refusal against the container, as far as its mode goes.
    fn hold(&mut self, refusal: Refusal, isolation: Isolation) {
        match isolation {
            Isolation::Strict | Isolation::Enforce => self.verdict.refusals.push(refusal),
            Isolation::Warn => self.verdict.overruled.push(refusal),
            Isolation::Off => {}
        }
    }

    /// A name with `@` would be another provider's.
    fn names(&mut self) {
        let Dynamic { http, tcp, udp, .. } = self.claim.dynamic;
        let names = [
            ("http.routers", http.routers.keys().find(|name| name.contains('@'))),
            ("http.services", http.services.keys().find(|name| name.contains('@'))),
            ("http.middlewares", http.middlewares.keys().find(|name| name.contains('@'))),
            ("http.models", http.models.keys().find(|name| name.contains('@'))),
            ("tcp.routers", tcp.routers.keys().find(|name| name.contains('@'))),
            ("tcp.services", tcp.services.keys().find(|name| name.contains('@'))),
            ("tcp.middlewares", tcp.middlewares.keys().find(|name| name.contains('@'))),
            ("udp.routers", udp.routers.keys().find(|name| name.contains('@'))),
            ("udp.services", udp.services.keys().find(|name| name.contains('@'))),
        ];
        for (kind, name) in names {
            let Some(name) = name else { continue };
            let refusal = Refusal::new(Code::BadName, Cause::AtSign(name.clone()));
            self.refuse(refusal.by_label(format!("traefik.{kind}.{name}")), self.claim.rights);
        }
    }

    fn entry_points(&mut self) {
        let Dynamic { http, tcp, udp, .. } = self.claim.dynamic;
        let all = http.routers.iter().map(|(name, it)| ("http", name, &it.entry_points));
        let all = all.chain(tcp.routers.iter().map(|(name, it)| ("tcp", name, &it.entry_points)));
        let all = all.chain(udp.routers.iter().map(|(name, it)| ("udp", name, &it.entry_points)));
        for (kind, name, entry_points) in all {
            if self.claim.speaks_for_all
                || !entry_points.iter().flatten().any(|it| it.trim().eq_ignore_ascii_case("traefik"))
            {
                continue;
            }
            let label = format!("traefik.{kind}.routers.{name}.entrypoints");
            self.raise(RuleId::Lbl007, Code::EntryPoint, label, Cause::EntryPoint, None);
        }
    }

    fn router(&mut self, name: &str, router: &http::Router) {
        if let Some(priority) = router.priority.filter(|priority| *priority != 0) {
            let cause = Cause::Priority { router: name.to_owned(), priority };
            let label = format!("traefik.http.routers.{name}.priority");
            self.raise(RuleId::Lbl006, Code::Host, label, cause, None);
        }
        if let Some(observed) = &router.observability
            && [observed.access_logs, observed.metrics, observed.tracing].contains(&Some(false))
        {
            let cause = Cause::Hidden { router: name.to_owned() };
            let label = format!("traefik.http.routers.{name}.observability");
            self.raise(RuleId::Lbl014, Code::Middleware, label, cause, None);
        }
    }

    /// A port is put behind the container's address: `80@evil.example` would make a password of that address.
    fn port(&mut self, protocol: &str, service: &str, port: Option<&str>) {
        let Some(port) = port.filter(|port| !port.is_empty() && !is_port(port)) else { return };
        let label = format!("traefik.{protocol}.services.{service}.loadbalancer.server.port");
        self.raise(RuleId::Lbl005, Code::ServerUrl, label, Cause::Port(port.to_owned()), None);
    }

    fn balancer(&mut self, name: &str, balancer: &http::LoadBalancer) {
        let label = |field: &str| format!("traefik.http.services.{name}.loadbalancer.{field}");
        for server in balancer.servers.iter().flatten() {
            self.port("http", name, server.port.as_deref());
            if let Some(scheme) = server.scheme.as_deref().filter(|scheme| !is_scheme(scheme)) {
                let cause = Cause::Scheme(scheme.to_owned());
                self.raise(RuleId::Lbl005, Code::ServerUrl, label("server.scheme"), cause, None);
            }
            let Some(url) = server.url.as_deref().filter(|url| !url.is_empty()) else { continue };
            if !is_own(url, self.claim.addresses) && !self.claim.speaks_for_all {
                let cause = Cause::Url(url.to_owned());
                self.raise(RuleId::Lbl005, Code::ServerUrl, label("server.url"), cause, None);
            }
        }
    }

    /// What stands against a health check, its service completed.
    fn health_check(&mut self, protocol: &str, name: &str, check: &Check<'_>) {
        let label = |field: &str| format!("traefik.{protocol}.services.{name}.loadbalancer.healthcheck.{field}");
        let set = |field: &Option<String>| field.as_deref().is_some_and(|value| !value.is_empty());
        if let Some(port) = check.elsewhere {
            let own = check.port.unwrap_or_default();
            self.raise(RuleId::Lbl011, Code::ServerUrl, label("port"), Cause::CheckPort { port, own }, None);
        }
        let Some(check) = check.http else { return };
        if let Some(path) = check.path.as_deref().filter(|path| leads_elsewhere(path)) {
            self.raise(RuleId::Lbl011, Code::ServerUrl, label("path"), Cause::CheckPath(path.to_owned()), None);
        }
        for (field, is_set) in [
            ("hostname", set(&check.hostname)),
            ("scheme", set(&check.scheme)),
            ("headers", check.headers.as_ref().is_some_and(|headers| !headers.is_empty())),
        ] {
            if is_set {
                self.raise(RuleId::Lbl011, Code::ServerUrl, label(field), Cause::CheckChosen, None);
            }
        }
        if check.follow_redirects == Some(true) && check.is_http() {
            self.raise(RuleId::Lbl011, Code::ServerUrl, label("followredirects"), Cause::CheckRedirects, None);
        }
        let redirects = check.status.is_some_and(|status| (300..400).contains(&status));
        if let Some(status) = check.status.filter(|status| *status != 0 && !redirects)
            && check.follow_redirects.is_none()
            && check.is_http()
            && self.context.settings.isolation != Isolation::Off
        {
            self.raise(RuleId::Lbl018, Code::Middleware, label("status"), Cause::CheckStatus(status), None);
        }
    }

    fn middleware(&mut self, name: &str, middleware: &Middleware) {
        let mut found: Vec<(RuleId, Does, &'static str)> = Vec::new();
        if let Some(tls) = middleware.forward_auth.as_ref().and_then(|auth| auth.tls.as_ref())
            && [&tls.ca, &tls.cert, &tls.key].into_iter().any(Option::is_some)
        {
            found.push((RuleId::Lbl009, Does::ReadsFiles, "forwardauth.tls"));
        }
        let files = [
            ("basicauth.usersfile", middleware.basic_auth.as_ref().and_then(|it| it.users_file.as_deref())),
            ("digestauth.usersfile", middleware.digest_auth.as_ref().and_then(|it| it.users_file.as_deref())),
        ];
        for (field, file) in files {
            if let Some(file) = file.filter(|file| !file.is_empty()) {
                found.push((RuleId::Lbl009, Does::ReadsFile(file.to_owned()), field));
            }
        }
        if middleware.plugin.as_ref().is_some_and(|plugins| !plugins.is_empty()) {
            found.push((RuleId::Lbl009, Does::RunsPlugin, "plugin"));
        }
        let users = middleware.basic_auth.as_ref().and_then(|auth| auth.users.as_ref());
        if let Some(cost) = users.into_iter().flatten().filter_map(|user| bcrypt_cost(user)).find(|cost| *cost > 14) {
            found.push((RuleId::Lbl015, Does::BcryptCost(cost), "basicauth.users"));
        }
        if let Some(attempts) = middleware.retry.as_ref().and_then(|retry| retry.attempts).filter(|it| *it > 10) {
            found.push((RuleId::Lbl015, Does::Retries(attempts), "retry.attempts"));
        }
        for (rule, does, field) in found {
            // What the operator declares on Traefik's own container is meant for everybody.
            if self.claim.speaks_for_all && rule == RuleId::Lbl009 {
                continue;
            }
            let label = format!("traefik.http.middlewares.{name}.{field}");
            // Where a plugin sends requests cannot be known.
            let action = (field == "plugin").then_some(Action::Block);
            self.raise(rule, Code::Middleware, label, Cause::Middleware { middleware: name.to_owned(), does }, action);
        }
    }
}

/// A health check, and where it goes.
struct Check<'a> {
    /// What an HTTP service's says; a TCP service's says no more than its port.
    http: Option<&'a http::HealthCheck>,
    /// The service's port, if it is known; without one nothing is checked.
    port: Option<u16>,
    /// The port that it names, where that is another.
    elsewhere: Option<i64>,
}

/// Whether a server's URL leads to the container itself: a literal address of its own, and nothing that two parsers
/// might read differently.
fn is_own(url: &str, addresses: &[IpAddr]) -> bool {
    forward_auth_names::authority(url)
        .is_some_and(|(host, _)| host.parse().is_ok_and(|host: IpAddr| addresses.contains(&host)))
}

/// The port that a server's URL leads to.
fn port_of_url(url: &str) -> Option<u16> {
    let (_, port) = forward_auth_names::authority(url)?;
    port.or_else(|| Some(if url.get(..5)?.eq_ignore_ascii_case("https") { 443 } else { 80 }))
}

/// Whether it is a port's number and nothing else.
fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

/// Whether it is a URL's scheme and nothing else; or nothing, which leaves it to Traefik.
fn is_scheme(scheme: &str) -> bool {
    !scheme.contains(|letter: char| !letter.is_ascii_alphanumeric() && !"+-.".contains(letter))
}

/// Whether a health check's path leads away from the server's own URL.
///
/// Go resolves it as a reference: `//host/` and `http://host/` go to that host; `/a//b` is a path.
/// Source: Traefik `pkg/healthcheck/healthcheck.go`, `newRequest`; Go `net/url`, `URL.Parse`.
fn leads_elsewhere(path: &str) -> bool {
    let scheme = path.split_once(':').is_some_and(|(scheme, _)| !scheme.is_empty() && is_scheme(scheme));
    scheme || path.starts_with("//")
}

/// The cost of a user's bcrypt hash, `name:$2y$10$…`.
fn bcrypt_cost(user: &str) -> Option<u32> {
    let hash = user.split_once(':').map_or(user, |(_, hash)| hash);
    let mut parts = hash.split('$').skip(1);
    parts.next().filter(|version| version.starts_with('2'))?;
    parts.next()?.parse().ok()
}
