//! LBL: what labels claim. (That several owners claim one host, LBL-002, is seen where all are joined:
//! [`crate::policy::hosts`].)
//!
//! Labels that the operator wrote are the operator's word. What takes from others is refused, catch-alls too; what only
//! reaches far is reported, and refused under `--isolation strict`.

use std::net::IpAddr;

use super::{Check, Rule};
use crate::policy::claims::{Cause, Claim, ClaimCase, ClaimContext, Does, InLabel};
use crate::policy::finding::{Action, Severity};
use crate::policy::forward_auth_names::{self, Address, Leads};
use crate::policy::hosts::{self, Claimed};
use crate::policy::references;
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId;
use crate::settings::{Isolation, OwnEntryPoint};
use crate::traefik::Dynamic;
use crate::traefik::http::LoadBalancer;
use crate::traefik::middleware::Middleware;

/// After so many references that are refused, no more of a container's are judged: it is refused.
const MOST_REFUSALS: usize = 1_000;

/// What is seen so far.
type Seen = Vec<InLabel>;

/// The rules about what belongs to others: `leeward.allow` on a container cannot allow it.
pub const OF_OTHERS: [RuleId; 3] = [RuleId::Lbl003, RuleId::Lbl004, RuleId::Lbl010];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Lbl001,
        title: "a rule matches every host",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Claim(lbl_001),
        why: "a rule with no host in some branch takes requests for hosts that others serve. A wildcard or a regular \
              expression names a host where its end is fixed, with at least two labels: `*.example.com`, \
              `^.+\\.example\\.com$`. What cannot be read counts as matching everything. A rule may match every host on \
              an entry point that `--own-entrypoint` gives to its owner, and on Traefik's own container. Where the \
              operator binds hosts to networks, it needs a network with `leeward.hosts=*`, and `leeward.allow` does not \
              help",
        fix: "name the host in every branch: Host(`app.example.com`) && PathPrefix(`/api`)",
        reference: "docs/labels.md#catch-alls",
    },
    Rule {
        id: RuleId::Lbl002,
        title: "several owners claim one host",
        severity: Severity::High,
        action: Action::WarnStrictBlock,
        check: Check::Step,
        why: "Traefik gives the request to the router with the highest priority: by default the longest rule. Whoever \
              writes a longer one takes the host over",
        fix: "bind the host to the network of its owner:\nnetworks:\n  net-proxy:\n    labels:\n      \
              leeward.hosts: app.example.com",
        reference: "docs/isolation.md#hosts",
    },
    Rule {
        id: RuleId::Lbl003,
        title: "the host is bound to another network",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Claim(lbl_003),
        why: "the operator bound the host to another network, or this network to other hosts. Every host that is written in a \
              rule counts, also behind `!`: Traefik gives the router's TLS options to each of them, and where two routers \
              differ, neither's, which switches another project's client certificates off",
        fix: "add the host to the network's label `leeward.hosts`, or claim another",
        reference: "docs/isolation.md#hosts",
    },
    Rule {
        id: RuleId::Lbl004,
        title: "a reference to something of another owner",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Claim(lbl_004),
        why: "another owner's service behind a router of one's own bypasses that owner's authentication; \
              `api@internal` shows every route and every hash",
        fix: "use names of the own project; share a middleware with `--share-middleware owner.name`; allow a reference \
              with `--allow-reference name@provider`",
        reference: "docs/isolation.md#references",
    },
    Rule {
        id: RuleId::Lbl005,
        title: "a server address that is not the container itself",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Claim(lbl_005),
        why: "Traefik fetches whatever the URL names: the Internet, the host, Traefik's own loopback. An isolated \
              container would have a way out in both directions. A port `80@host` and a scheme `http://host/?` make \
              such a URL too",
        fix: "name the port alone: traefik.http.services.app.loadbalancer.server.port=8080",
        reference: "docs/isolation.md#references",
    },
    Rule {
        id: RuleId::Lbl006,
        title: "a router sets its priority",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Claim(lbl_006),
        why: "the router with the highest priority takes the request, wherever rules overlap (LBL-002)",
        fix: "leave the priority to Traefik where rules do not overlap",
        reference: "https://doc.traefik.io/traefik/reference/routing-configuration/http/routing/rules-and-priority/",
    },
    Rule {
        id: RuleId::Lbl007,
        title: "a router on Traefik's own entry point",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Claim(lbl_007),
        why: "it is Traefik's own: the API, the dashboard, metrics and ping answer there",
        fix: "use an entry point that is meant for applications: traefik.http.routers.app.entrypoints=websecure",
        reference: "https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/",
    },
    Rule {
        id: RuleId::Lbl008,
        title: "a router takes all traffic of an entry point",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Claim(lbl_008),
        why: "a TCP router for HostSNI(`*`) and a UDP router take everything that comes in on their entry points; TCP \
              goes before HTTP, so one on `web` takes all plain HTTP. They are routed on an entry point that \
              `--own-entrypoint` gives to their owner. Where the operator binds hosts to networks, they need that, or a \
              network with `leeward.hosts=*`, and `leeward.allow` does not help",
        fix: "give it an entry point of its own: --own-entrypoint db=app; or name the host: HostSNI(`db.example.com`) \
              with tls",
        reference: "docs/labels.md#catch-alls",
    },
    Rule {
        id: RuleId::Lbl009,
        title: "a middleware contacts an address, reads a file or runs a plugin",
        severity: Severity::High,
        action: Action::WarnStrictBlock,
        check: Check::Claim(lbl_009),
        why: "some middlewares make Traefik talk to an address, read a file or run a plugin: forwardAuth sends every \
              visitor's cookies to its address and hands its answer back, usersFile reads any file that Traefik can. An \
              address that is no container of the same project, several Redis endpoints, and a plugin are refused: \
              whoever writes the label would send Traefik wherever it can reach, to its own API too. So is \
              `container.network` where the network is called as a domain may be (`web`, `example.com`): while the container \
              does not run, the name may be somebody's on the Internet",
        fix: "use the middleware of another project, by name (--share-middleware owner.name), or declare it on Traefik's own \
              container. Or let the address name a container of the same project on Traefik's network, by its own name or \
              with a network that has `-`, `_` or a digit in its name, such as \
              traefik.http.middlewares.auth.forwardauth.address=http://auth:9091/; that is reported until it is allowed:\n\
              labels:\n  leeward.allow: LBL-009",
        reference: "docs/isolation.md#references",
    },
    Rule {
        id: RuleId::Lbl010,
        title: "a label sets Traefik's default TLS store",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Claim(lbl_010),
        why: "`traefik.tls.stores.default` sets the certificate that everybody's visitors see where none fits, and \
              what two owners set differently is gone for both",
        fix: "put the label on Traefik's own container, or set the default certificate in a file of Traefik's",
        reference: "https://doc.traefik.io/traefik/reference/routing-configuration/http/tls/tls-certificates/",
    },
    Rule {
        id: RuleId::Lbl011,
        title: "a health check goes to another target",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Claim(lbl_011),
        why: "a host name, a scheme, headers, another port than the service's or redirects that are followed make of the \
              health check a request that the container chose, which Traefik sends again and again; with redirects an \
              isolated application reaches any address, and reads the answer",
        fix: "set path and interval alone, and remove the label",
        reference: "docs/security.md#what-makes-traefik-send-a-request",
    },
    Rule {
        id: RuleId::Lbl014,
        title: "a router is hidden from logs, metrics or traces",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Claim(lbl_014),
        why: "requests of this router are not in Traefik's access log, metrics or traces",
        fix: "remove the `observability` labels",
        reference: "https://doc.traefik.io/traefik/reference/routing-configuration/http/routing/observability/",
    },
    Rule {
        id: RuleId::Lbl015,
        title: "expensive middleware settings",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Claim(lbl_015),
        why: "each step of a password hash's cost doubles the work of every request; each retry repeats it",
        fix: "use a bcrypt cost of at most 14 (htpasswd -B -C 10) and at most 10 retries",
        reference: "https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/basicauth/",
    },
    Rule {
        id: RuleId::Lbl017,
        title: "several owners have the name of a forwardAuth address",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Claim(lbl_017),
        why: "Traefik looks the name in a forwardAuth address up on every network that it is on. Where containers of \
              several owners have this name, the one that is found decides who may log in, and sees every visitor's cookies",
        fix: "put the network's name behind it (one with `-` or `_`; see LBL-009): \
              traefik.http.middlewares.auth.forwardauth.address=http://authelia.net-auth:9091/api/authz/forward-auth",
        reference: "docs/isolation.md#between-traefik-and-leeward",
    },
    Rule {
        id: RuleId::Lbl018,
        title: "a health check expects a status, and redirects are not followed",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Claim(lbl_018),
        why: "Traefik follows no redirect of a health check (`followRedirects: false` is written with each): where \
              `healthcheck.status` is set, an application that answers with a redirect fails the check, and its visitors \
              get 503. Without `status` a redirect counts as healthy",
        fix: "point `path` at a page that answers with that status",
        reference: "docs/security.md#what-makes-traefik-send-a-request",
    },
];

/// What is seen in a container's claims to hosts, and the rule that is about it. A catch-all is decided from the container's
/// own labels and the settings alone: no other container can change it.
pub(in crate::policy) fn hosts(claim: &Claim<'_>, context: ClaimContext<'_>) -> Vec<(RuleId, InLabel)> {
    let ClaimContext { bindings, settings, .. } = context;
    // Which hosts are bound only networks say, which are the operator's: against that, only a flag's Traefik speaks.
    let by_flag = !settings.traefiks.is_empty();
    if claim.speaks_for_all && (by_flag || bindings.is_empty()) {
        return Vec::new();
    }
    let is_bound = !bindings.is_empty() && !claim.networks.is_empty();
    let takes_all = |claimed: &Claimed| hosts::Cause::CatchAll {
        what: claimed.what(),
        takes: claimed.takes(),
        entry_points: claimed.entry_points(claim.complete).to_vec(),
        owner: claim.owner.to_string(),
    };
    let seen = |claimed: &Claimed| {
        let catches_all = if is_bound { claimed.reach.any } else { claimed.catches_all() };
        if catches_all && owns(claim, context, claimed.entry_points(claim.complete)) {
            return None;
        }
        if !is_bound {
            // A certificate is asked for, not served.
            let action = (!claimed.is_rule()).then_some(Action::WarnStrictBlock);
            let seen = || InLabel::new(Code::Host, claimed.label(), takes_all(claimed)).action(action);
            return catches_all.then(|| (claimed.catch_all(), seen()));
        }
        // One network that lets it claim this is enough.
        let judged = claim.networks.iter().map(|network| bindings.judge(&claimed.reach, *network, &claimed.what()));
        let refusal = judged.collect::<Option<Vec<Refusal>>>()?.into_iter().next()?;
        let rule = claimed.rule_of(&refusal);
        // No binding mends what cannot be read.
        let is_unreadable = claimed.reach.any && !claimed.problems.is_empty();
        let refusal = if is_unreadable { Refusal::new(Code::Host, takes_all(claimed)) } else { refusal };
        Some((rule, InLabel::of_others(refusal.by_label(claimed.label()))))
    };
    claim.hosts.iter().filter_map(seen).collect()
}

/// Whether the operator gave its owner every entry point that a router names. One that names none is on Traefik's default
/// ones, which are everybody's.
fn owns(claim: &Claim<'_>, context: ClaimContext<'_>, entry_points: &[String]) -> bool {
    let own = &context.settings.own_entry_points;
    let owner = claim.owner.to_string();
    let given = |name: &String| own.contains(&OwnEntryPoint { name: name.trim().to_owned(), owner: owner.clone() });
    !own.is_empty() && !entry_points.is_empty() && entry_points.iter().all(given)
}

fn of_hosts(case: &ClaimCase<'_>, wanted: RuleId, seen: &mut Seen) {
    seen.extend(case.hosts.iter().filter(|(rule, _)| *rule == wanted).map(|(_, it)| it.clone()));
}

fn lbl_001(case: &ClaimCase<'_>, seen: &mut Seen) {
    of_hosts(case, RuleId::Lbl001, seen);
}

fn lbl_003(case: &ClaimCase<'_>, seen: &mut Seen) {
    of_hosts(case, RuleId::Lbl003, seen);
}

fn lbl_004(case: &ClaimCase<'_>, seen: &mut Seen) {
    let (claim, ClaimContext { middlewares, settings, .. }) = (case.claim, case.context);
    references::each(claim.dynamic, &mut |target, reference, label| {
        // A label of a megabyte can refer to nothing half a million times.
        if seen.len() >= MOST_REFUSALS {
            return;
        }
        let is_unread = |name: &str| claim.unread.is_some_and(|unread| unread.contains(name));
        if target.is_middleware() && references::here(reference).is_some_and(is_unread) {
            return;
        }
        if let Some(refusal) = references::judge(target, reference, label, claim.owner, middlewares, settings) {
            // By a bare name: what it cannot lead to is left out of the document, or is the only one of that name.
            let by_name = target.is_middleware() && references::here(reference).is_some();
            let isolation = if by_name { claim.isolation } else { claim.rights };
            seen.push(InLabel::of_others(refusal).isolation(isolation));
        }
    });
}

fn lbl_005(case: &ClaimCase<'_>, seen: &mut Seen) {
    let Dynamic { http, tcp, udp, tls: _ } = case.claim.dynamic;
    let mut see = |label: String, cause: Cause| seen.push(InLabel::new(Code::ServerUrl, label, cause));
    // A port is put behind the container's address: `80@evil.example` would make a password of that address.
    let mut port = |protocol: &str, service: &str, port: Option<&str>| {
        if let Some(port) = port.filter(|port| !port.is_empty() && !is_port(port)) {
            let label = format!("traefik.{protocol}.services.{service}.loadbalancer.server.port");
            see(label, Cause::Port(port.to_owned()));
        }
    };
    for (name, service) in &tcp.services {
        let servers = service.load_balancer.iter().flat_map(|it| it.servers.iter().flatten());
        servers.for_each(|server| port("tcp", name, server.port.as_deref()));
    }
    for (name, service) in &udp.services {
        let servers = service.load_balancer.iter().flat_map(|it| it.servers.iter().flatten());
        servers.for_each(|server| port("udp", name, server.port.as_deref()));
    }
    for (name, service) in &http.services {
        for server in service.load_balancer.iter().flat_map(|it| it.servers.iter().flatten()) {
            port("http", name, server.port.as_deref());
        }
    }
    for (name, service) in &http.services {
        let label = |field: &str| format!("traefik.http.services.{name}.loadbalancer.server.{field}");
        for server in service.load_balancer.iter().flat_map(|it| it.servers.iter().flatten()) {
            if let Some(scheme) = server.scheme.as_deref().filter(|scheme| !is_scheme(scheme)) {
                see(label("scheme"), Cause::Scheme(scheme.to_owned()));
            }
            let url = server.url.as_deref().filter(|url| !url.is_empty() && !is_own(url, case.claim.addresses));
            if let Some(url) = url.filter(|_| !case.claim.speaks_for_all) {
                see(label("url"), Cause::Url(url.to_owned()));
            }
        }
    }
}

fn lbl_006(case: &ClaimCase<'_>, seen: &mut Seen) {
    let Dynamic { http, tcp, .. } = case.claim.dynamic;
    let all = http.routers.iter().map(|(name, router)| ("http", name, router.priority));
    let all = all.chain(tcp.routers.iter().map(|(name, router)| ("tcp", name, router.priority)));
    for (protocol, name, priority) in all {
        if let Some(priority) = priority.filter(|priority| *priority != 0) {
            let cause = Cause::Priority { router: name.clone(), priority };
            seen.push(InLabel::new(Code::Host, format!("traefik.{protocol}.routers.{name}.priority"), cause));
        }
    }
}

fn lbl_007(case: &ClaimCase<'_>, seen: &mut Seen) {
    if case.claim.speaks_for_all {
        return;
    }
    let Dynamic { http, tcp, udp, tls: _ } = case.claim.dynamic;
    let all = http.routers.iter().map(|(name, it)| ("http", name, &it.entry_points));
    let all = all.chain(tcp.routers.iter().map(|(name, it)| ("tcp", name, &it.entry_points)));
    let all = all.chain(udp.routers.iter().map(|(name, it)| ("udp", name, &it.entry_points)));
    for (kind, name, entry_points) in all {
        if entry_points.iter().flatten().any(|it| it.trim().eq_ignore_ascii_case("traefik")) {
            let label = format!("traefik.{kind}.routers.{name}.entrypoints");
            seen.push(InLabel::new(Code::EntryPoint, label, Cause::EntryPoint));
        }
    }
}

fn lbl_008(case: &ClaimCase<'_>, seen: &mut Seen) {
    of_hosts(case, RuleId::Lbl008, seen);
}

/// What the operator declares on Traefik's own container is meant for everybody.
fn lbl_009(case: &ClaimCase<'_>, seen: &mut Seen) {
    let claim = case.claim;
    for (name, middleware) in claim.dynamic.http.middlewares.iter().filter(|_| !claim.speaks_for_all) {
        let mut see = |field: &str, cause: Cause, action: Option<Action>| {
            let label = format!("traefik.http.middlewares.{name}.{field}");
            seen.push(InLabel::new(Code::Middleware, label, cause).action(action));
        };
        let tls = middleware.forward_auth.as_ref().and_then(|auth| auth.tls.as_ref());
        if tls.is_some_and(|tls| [&tls.ca, &tls.cert, &tls.key].into_iter().any(Option::is_some)) {
            see("forwardauth.tls", does(name, Does::ReadsFiles), None);
        }
        let files = [
            ("basicauth.usersfile", middleware.basic_auth.as_ref().and_then(|it| it.users_file.as_deref())),
            ("digestauth.usersfile", middleware.digest_auth.as_ref().and_then(|it| it.users_file.as_deref())),
        ];
        for (field, file) in files {
            if let Some(file) = file.filter(|file| !file.is_empty()) {
                see(field, does(name, Does::ReadsFile(file.to_owned())), None);
            }
        }
        if middleware.plugin.as_ref().is_some_and(|plugins| !plugins.is_empty()) {
            // Where a plugin sends requests cannot be known.
            see("plugin", does(name, Does::RunsPlugin), Some(Action::Block));
        }
        let addresses = forward_auth_names::addresses(middleware, claim.owner, case.context.answering);
        for Address { field, text, leads } in addresses {
            let visitors = field.starts_with("forward");
            let cause = Cause::Connects { middleware: name.clone(), to: text, visitors, leads };
            see(field, cause, (leads != Leads::Own).then_some(Action::Block));
        }
    }
}

fn does(middleware: &str, does: Does) -> Cause {
    Cause::Middleware { middleware: middleware.to_owned(), does }
}

fn lbl_010(case: &ClaimCase<'_>, seen: &mut Seen) {
    if !case.claim.speaks_for_all && !case.claim.dynamic.tls.stores.is_empty() {
        let refusal = Refusal::new(Code::Reference, Cause::DefaultCertificate);
        seen.push(InLabel::of_others(refusal.by_label("traefik.tls.stores.default")));
    }
}

/// They go to the service's own address and port, or nowhere.
fn lbl_011(case: &ClaimCase<'_>, seen: &mut Seen) {
    let Dynamic { http, tcp, .. } = case.claim.complete;
    let mut see = |protocol: &str, name: &str, field: &str, cause: Cause| {
        let label = format!("traefik.{protocol}.services.{name}.loadbalancer.healthcheck.{field}");
        seen.push(InLabel::new(Code::ServerUrl, label, cause));
    };
    let elsewhere = |wanted: Option<i64>, own: Option<u16>| {
        let own = own?;
        let port = wanted.filter(|port| *port != 0 && *port != i64::from(own))?;
        Some(Cause::CheckPort { port, own })
    };
    for (name, balancer, check) in http.services.iter().filter_map(|(name, service)| {
        let balancer = service.load_balancer.as_ref()?;
        Some((name, balancer, balancer.health_check.as_ref()?))
    }) {
        let mut see = |field: &str, cause: Cause| see("http", name, field, cause);
        if let Some(cause) = elsewhere(check.port, own_port(balancer)) {
            see("port", cause);
        }
        if let Some(path) = check.path.as_deref().filter(|path| leads_elsewhere(path)) {
            see("path", Cause::CheckPath(path.to_owned()));
        }
        let set = |field: &Option<String>| field.as_deref().is_some_and(|value| !value.is_empty());
        for (field, is_set) in [
            ("hostname", set(&check.hostname)),
            ("scheme", set(&check.scheme)),
            ("headers", check.headers.as_ref().is_some_and(|headers| !headers.is_empty())),
        ] {
            if is_set {
                see(field, Cause::CheckChosen);
            }
        }
        if check.follow_redirects == Some(true) && check.is_http() {
            see("followredirects", Cause::CheckRedirects);
        }
    }
    for (name, service) in &tcp.services {
        let Some(balancer) = &service.load_balancer else { continue };
        let Some(check) = &balancer.health_check else { continue };
        let server = balancer.servers.iter().flatten().next();
        let own = server.and_then(|it| match &it.address {
            Some(address) => address.rsplit(':').next()?.parse().ok(),
            None => it.port.as_deref()?.parse().ok(),
        });
        if let Some(cause) = elsewhere(check.port, own) {
            see("tcp", name, "port", cause);
        }
    }
}

fn lbl_014(case: &ClaimCase<'_>, seen: &mut Seen) {
    for (name, router) in &case.claim.dynamic.http.routers {
        if let Some(observed) = &router.observability
            && [observed.access_logs, observed.metrics, observed.tracing].contains(&Some(false))
        {
            let label = format!("traefik.http.routers.{name}.observability");
            seen.push(InLabel::new(Code::Middleware, label, Cause::Hidden { router: name.clone() }));
        }
    }
}

fn lbl_015(case: &ClaimCase<'_>, seen: &mut Seen) {
    for (name, middleware) in &case.claim.dynamic.http.middlewares {
        let Middleware { basic_auth, retry, .. } = &**middleware;
        let users = basic_auth.iter().filter_map(|auth| auth.users.as_ref()).flatten();
        let cost = users.filter_map(|user| bcrypt_cost(user)).find(|cost| *cost > 14);
        let attempts = retry.as_ref().and_then(|retry| retry.attempts).filter(|attempts| *attempts > 10);
        let found = [("basicauth.users", cost.map(Does::BcryptCost)), ("retry.attempts", attempts.map(Does::Retries))];
        for (field, expensive) in found {
            let Some(expensive) = expensive else { continue };
            let label = format!("traefik.http.middlewares.{name}.{field}");
            seen.push(InLabel::new(Code::Middleware, label, does(name, expensive)));
        }
    }
}

fn lbl_017(case: &ClaimCase<'_>, seen: &mut Seen) {
    for (middleware, cause) in forward_auth_names::shared_names(case.claim.dynamic, case.context.answering) {
        let label = format!("traefik.http.middlewares.{middleware}.forwardauth.address");
        seen.push(InLabel::new(Code::Middleware, label, cause));
    }
}

fn lbl_018(case: &ClaimCase<'_>, seen: &mut Seen) {
    if case.context.settings.isolation == Isolation::Off {
        return;
    }
    for (name, service) in &case.claim.complete.http.services {
        let Some(check) = service.load_balancer.as_ref().and_then(|it| it.health_check.as_ref()) else { continue };
        let is_told = |status: &i64| *status != 0 && !(300..400).contains(status);
        if let Some(status) = check.status.filter(is_told)
            && check.follow_redirects.is_none()
            && check.is_http()
        {
            let label = format!("traefik.http.services.{name}.loadbalancer.healthcheck.status");
            seen.push(InLabel::new(Code::Middleware, label, Cause::CheckStatus(status)));
        }
    }
}

/// The port of an HTTP service, if it is known; without one nothing is checked.
fn own_port(balancer: &LoadBalancer) -> Option<u16> {
    let server = balancer.servers.iter().flatten().next()?;
    server.url.as_deref().map_or_else(|| server.port.as_deref()?.parse().ok(), port_of_url)
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
