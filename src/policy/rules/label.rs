//! LBL: what labels claim. Judged where the labels are read: [`crate::policy::claims`], [`crate::policy::hosts`].
//!
//! Labels that the operator wrote are the operator's word. What takes from others is refused, catch-alls too; what only
//! reaches far is reported, and refused under `--isolation strict`.

use super::{Check, Rule};
use crate::policy::finding::{Action, Severity};
use crate::policy::rule_id::RuleId;

/// The rules about what belongs to others: `leeward.allow` on a container cannot allow it.
pub const OF_OTHERS: [RuleId; 3] = [RuleId::Lbl003, RuleId::Lbl004, RuleId::Lbl010];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Lbl001,
        title: "a rule matches every host",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Step,
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
        check: Check::Step,
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
        check: Check::Step,
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
        check: Check::Step,
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
        check: Check::Step,
        why: "the router with the highest priority takes the request, wherever rules overlap (LBL-002)",
        fix: "leave the priority to Traefik where rules do not overlap",
        reference: "https://doc.traefik.io/traefik/reference/routing-configuration/http/routing/rules-and-priority/",
    },
    Rule {
        id: RuleId::Lbl007,
        title: "a router on Traefik's own entry point",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Step,
        why: "it is Traefik's own: the API, the dashboard, metrics and ping answer there",
        fix: "use an entry point that is meant for applications: traefik.http.routers.app.entrypoints=websecure",
        reference: "https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/",
    },
    Rule {
        id: RuleId::Lbl008,
        title: "a router takes all traffic of an entry point",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Step,
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
        check: Check::Step,
        why: "some middlewares make Traefik talk to an address, read a file or run a plugin: forwardAuth sends every \
              visitor's cookies to its address and hands its answer back, usersFile reads any file that Traefik can. An \
              address that is no container of the same project, several Redis endpoints, and a plugin are refused: \
              whoever writes the label would send Traefik wherever it can reach, to its own API too",
        fix: "use the middleware of another project, by name (--share-middleware owner.name), or declare it on Traefik's own \
              container. Or let the address name a container of the same project on Traefik's network, such as \
              traefik.http.middlewares.auth.forwardauth.address=http://auth:9091/; that is reported until it is allowed:\n\
              labels:\n  leeward.allow: LBL-009",
        reference: "docs/isolation.md#references",
    },
    Rule {
        id: RuleId::Lbl010,
        title: "a label sets Traefik's default TLS store",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Step,
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
        check: Check::Step,
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
        check: Check::Step,
        why: "requests of this router are not in Traefik's access log, metrics or traces",
        fix: "remove the `observability` labels",
        reference: "https://doc.traefik.io/traefik/reference/routing-configuration/http/routing/observability/",
    },
    Rule {
        id: RuleId::Lbl015,
        title: "expensive middleware settings",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Step,
        why: "each step of a password hash's cost doubles the work of every request; each retry repeats it",
        fix: "use a bcrypt cost of at most 14 (htpasswd -B -C 10) and at most 10 retries",
        reference: "https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/basicauth/",
    },
    Rule {
        id: RuleId::Lbl017,
        title: "several owners have the name of a forwardAuth address",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "Traefik looks the name in a forwardAuth address up on every network that it is on. Where containers of \
              several owners have this name, the one that is found decides who may log in, and sees every visitor's cookies",
        fix: "put the network's name behind it: \
              traefik.http.middlewares.auth.forwardauth.address=http://authelia.net-auth:9091/api/authz/forward-auth",
        reference: "docs/isolation.md#between-traefik-and-leeward",
    },
    Rule {
        id: RuleId::Lbl018,
        title: "a health check expects a status, and redirects are not followed",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Step,
        why: "Traefik follows no redirect of a health check (`followRedirects: false` is written with each): where \
              `healthcheck.status` is set, an application that answers with a redirect fails the check, and its visitors \
              get 503. Without `status` a redirect counts as healthy",
        fix: "point `path` at a page that answers with that status",
        reference: "docs/security.md#what-makes-traefik-send-a-request",
    },
];
