//! Whatever makes Traefik send a request or connect: it goes to the container itself, to a service of its own project, or
//! to what the operator chose, never where a label or an answer says.
//!
//! One case for each label of `docs/security.md`. Each has a server "outside" that counts connections. As Leeward
//! publishes it none arrives, on any release; as Traefik's own provider would, those do that the table says, so that the
//! test is known to see them.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use leeward::inventory::{Container, Image};
use leeward::plan::{Outcome, Plan, compile};
use leeward::settings::{Isolation, Settings};
use leeward::traefik::{Version, document};
use tempfile::TempDir;

use crate::live::{Live, answering};
use crate::{inventory, proxy};

/// What is expected of a case under `--isolation enforce`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Refused.
    Refused,
    /// Routed, and the request stays where it should.
    Routed,
}
use Fate::{Refused, Routed};

/// What the container answers: a page, a failure, or a redirect to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Page,
    Failure,
    Redirect,
}
use Answer::{Failure, Page, Redirect};

/// A case: what it is about, its labels (`OUT` is the outside's address, `PORT` its port, `OWN` the container's), what the
/// container answers, and what is expected; the releases, from and before, with which the outside would be reached without
/// Leeward, if it would.
type Case = (&'static str, &'static [(&'static str, &'static str)], Answer, Fate, Option<(&'static str, &'static str)>);

/// How long Traefik may take on a machine that is busy with other things.
const EVER: Duration = Duration::from_mins(1);

const CHECK: (&str, &str) = ("http.services.s.loadbalancer.healthcheck.interval", "50ms");
const PATH: (&str, &str) = ("http.services.s.loadbalancer.healthcheck.path", "/health");
const USED: (&str, &str) = ("http.routers.r.middlewares", "m");
const TCP: (&str, &str) = ("tcp.routers.t.rule", "HostSNI(`t.example`)");
const TCP_TLS: (&str, &str) = ("tcp.routers.t.tls", "true");

const CASES: &[Case] = &[
    ("first", &[("http.routers.first.rule", "Host(`first.example`)")], Page, Routed, None),
    ("health check that is redirected", &[PATH, CHECK], Redirect, Routed, Some(("3.0", ""))),
    (
        "health check that is redirected, with a status",
        &[PATH, CHECK, ("http.services.s.loadbalancer.healthcheck.status", "200")],
        Redirect,
        Routed,
        Some(("3.0", "")),
    ),
    (
        "health check that is told to follow",
        &[PATH, CHECK, ("http.services.s.loadbalancer.healthcheck.followredirects", "true")],
        Redirect,
        Refused,
        Some(("3.0", "")),
    ),
    (
        "health check with a host name",
        &[PATH, CHECK, ("http.services.s.loadbalancer.healthcheck.hostname", "OUT")],
        Page,
        Refused,
        None,
    ),
    (
        "health check with a port",
        &[PATH, CHECK, ("http.services.s.loadbalancer.healthcheck.port", "PORT")],
        Page,
        Refused,
        Some(("3.0", "")),
    ),
    (
        "health check with a scheme",
        &[PATH, CHECK, ("http.services.s.loadbalancer.healthcheck.scheme", "https")],
        Page,
        Refused,
        None,
    ),
    (
        "health check with headers",
        &[PATH, CHECK, ("http.services.s.loadbalancer.healthcheck.headers.Host", "OUT")],
        Page,
        Refused,
        None,
    ),
    (
        "health check with a method",
        &[PATH, CHECK, ("http.services.s.loadbalancer.healthcheck.method", "DELETE")],
        Page,
        Routed,
        None,
    ),
    (
        "health check whose path is a URL",
        &[CHECK, ("http.services.s.loadbalancer.healthcheck.path", "http://OUT/")],
        Page,
        Refused,
        Some(("3.0", "3.6")),
    ),
    (
        "health check whose path is a host",
        &[CHECK, ("http.services.s.loadbalancer.healthcheck.path", "//OUT/")],
        Page,
        Refused,
        Some(("3.0", "3.6")),
    ),
    (
        "health check by gRPC with a port",
        &[
            CHECK,
            ("http.services.s.loadbalancer.healthcheck.mode", "grpc"),
            ("http.services.s.loadbalancer.healthcheck.port", "PORT"),
        ],
        Page,
        Refused,
        Some(("3.0", "")),
    ),
    (
        "health check by gRPC of itself",
        &[CHECK, ("http.services.s.loadbalancer.healthcheck.mode", "grpc")],
        Page,
        Routed,
        None,
    ),
    (
        "health check by TCP with a port",
        &[
            TCP,
            TCP_TLS,
            ("tcp.services.t.loadbalancer.healthcheck.interval", "50ms"),
            ("tcp.services.t.loadbalancer.healthcheck.port", "PORT"),
        ],
        Page,
        Refused,
        Some(("3.6", "")),
    ),
    ("server's URL", &[("http.services.s.loadbalancer.server.url", "http://OUT/")], Page, Refused, Some(("3.4", ""))),
    ("server's port", &[("http.services.s.loadbalancer.server.port", "80@OUT")], Page, Refused, Some(("3.0", ""))),
    (
        "server's scheme",
        &[("http.services.s.loadbalancer.server.scheme", "http://OUT/?")],
        Page,
        Refused,
        Some(("3.0", "")),
    ),
    ("redirect of an application", &[], Redirect, Routed, None),
    (
        "login elsewhere",
        &[USED, ("http.middlewares.m.forwardauth.address", "http://OUT/")],
        Page,
        Refused,
        Some(("3.0", "")),
    ),
    (
        "login of its own that redirects",
        &[USED, ("http.middlewares.m.forwardauth.address", "http://OWN/")],
        Redirect,
        Routed,
        None,
    ),
    (
        "login by a name that is Traefik itself",
        &[USED, ("http.middlewares.m.forwardauth.address", "http://localhost:PORT/")],
        Page,
        Refused,
        Some(("3.0", "")),
    ),
    (
        "login with a page for signing in",
        &[
            USED,
            ("http.middlewares.m.forwardauth.address", "http://OWN/"),
            ("http.middlewares.m.forwardauth.authsigninurl", "http://OUT/"),
        ],
        Failure,
        Routed,
        None,
    ),
    (
        "error page whose query is a URL",
        &[
            USED,
            ("http.middlewares.m.errors.service", "s"),
            ("http.middlewares.m.errors.status", "500"),
            ("http.middlewares.m.errors.query", "http://OUT/"),
        ],
        Failure,
        Routed,
        None,
    ),
    (
        "error page whose query is a host",
        &[
            USED,
            ("http.middlewares.m.errors.service", "s"),
            ("http.middlewares.m.errors.status", "500"),
            ("http.middlewares.m.errors.query", "@OUT/"),
        ],
        Failure,
        Routed,
        None,
    ),
    (
        "error page of another",
        &[
            USED,
            ("http.middlewares.m.errors.service", "other@consul"),
            ("http.middlewares.m.errors.status", "500"),
            ("http.middlewares.m.errors.query", "/"),
        ],
        Failure,
        Refused,
        None,
    ),
    ("mirror", &[("http.services.s.mirroring.mirrors[0].name", "other")], Page, Routed, None),
    ("failover", &[("http.services.s.failover.fallback", "other")], Failure, Routed, None),
    ("weights", &[("http.services.s.weighted.services[0].name", "other")], Page, Routed, None),
    (
        "circuit breaker",
        &[USED, ("http.middlewares.m.circuitbreaker.expression", "ResponseCodeRatio(500, 600, 0, 600) > 0.5")],
        Failure,
        Routed,
        None,
    ),
    (
        "Redis",
        &[USED, ("http.middlewares.m.ratelimit.average", "1"), ("http.middlewares.m.ratelimit.redis.endpoints", "OUT")],
        Page,
        Refused,
        Some(("3.4", "")),
    ),
    ("plugin", &[USED, ("http.middlewares.m.plugin.p.url", "http://OUT/")], Page, Refused, None),
    ("transport", &[("http.services.s.loadbalancer.serverstransport", "OUT")], Page, Refused, None),
    (
        "certificate of another's name",
        &[
            ("http.routers.r.tls.certresolver", "ca"),
            ("http.routers.r.tls.domains[0].main", "localhost"),
            ("http.routers.r.tls.domains[0].sans", "OUT"),
            ("http.routers.plain.rule", "Host(`HOST`)"),
        ],
        Page,
        Routed,
        None,
    ),
    (
        "default certificate",
        &[
            ("tls.stores.default.defaultgeneratedcert.resolver", "ca"),
            ("tls.stores.default.defaultgeneratedcert.domain.main", "OUT"),
        ],
        Page,
        Refused,
        None,
    ),
    ("Host header", &[USED, ("http.middlewares.m.headers.customrequestheaders.Host", "OUT")], Page, Routed, None),
    ("path that is a host", &[USED, ("http.middlewares.m.replacepath.path", "//OUT/")], Page, Routed, None),
    ("prefix that is a host", &[USED, ("http.middlewares.m.addprefix.prefix", "//OUT")], Page, Routed, None),
    (
        "replacement that is a URL",
        &[
            USED,
            ("http.middlewares.m.replacepathregex.regex", ".*"),
            ("http.middlewares.m.replacepathregex.replacement", "http://OUT/"),
        ],
        Page,
        Routed,
        None,
    ),
    (
        "redirect of Traefik's",
        &[
            USED,
            ("http.middlewares.m.redirectregex.regex", ".*"),
            ("http.middlewares.m.redirectregex.replacement", "http://OUT/"),
        ],
        Page,
        Routed,
        None,
    ),
    (
        "retry",
        &[USED, ("http.middlewares.m.retry.attempts", "3"), ("http.middlewares.m.retry.initialinterval", "1ms")],
        Redirect,
        Routed,
        None,
    ),
];

/// A case that is set up: its servers, and what they saw.
struct Actor {
    case: &'static Case,
    host: String,
    own: SocketAddr,
    out: SocketAddr,
    /// Health checks of the container.
    checked: Arc<AtomicUsize>,
    /// Connections to the outside.
    reached: Arc<AtomicUsize>,
}

/// The port of a server on every address of the loopback that counts who connects, and lets go again.
fn counting(connections: &Arc<AtomicUsize>) -> u16 {
    let (listener, count) = (TcpListener::bind("0.0.0.0:0").unwrap(), Arc::clone(connections));
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().for_each(|_| _ = count.fetch_add(1, Ordering::SeqCst)));
    port
}

fn actor(at: usize, case: &'static Case) -> Actor {
    let (checked, reached) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let out = SocketAddr::from(([127, 0, 0, 2], counting(&reached)));
    let (count, answer) = (Arc::clone(&checked), case.2);
    let own = answering(move |head| {
        // By HTTP, and how gRPC begins.
        let is_check = head.contains(" /health ") || head.starts_with("PRI ");
        count.fetch_add(usize::from(is_check), Ordering::SeqCst);
        match answer {
            Page => ("200 OK".to_owned(), "ok".to_owned()),
            Failure => ("500 No".to_owned(), "no".to_owned()),
            Redirect => (format!("302 Found\r\nLocation: http://{out}/"), String::new()),
        }
    });
    Actor { case, host: format!("c{at}.example"), own, out, checked, reached }
}

/// What Leeward makes of all cases, each a container of a project of its own.
fn plan(actors: &[Actor], version: Version, isolation: Isolation) -> Plan {
    let mut inventory = inventory::engine();
    inventory::network(&mut inventory, "n", true);
    inventory.images.insert("image".into(), Image::default());
    for (at, actor) in actors.iter().enumerate() {
        let name = format!("c{at}");
        let mut container = Container {
            id: name.as_str().into(),
            name: name.clone(),
            image_id: "image".into(),
            state: "running".into(),
            network_mode: "n".into(),
            exposed_ports: [format!("{}/tcp", actor.own.port())].into(),
            ..Container::default()
        };
        let attachment = inventory::attach(&mut container, "n", Some(actor.own.ip()));
        // A name that Traefik would look up in its own file of hosts.
        attachment.aliases = ["localhost".to_owned()].into();
        container.confinement.cap_drop = ["ALL".to_owned()].into();
        let mut label = |key: &str, value: &str| {
            let value = value.replace("OUT", &actor.out.to_string()).replace("OWN", &actor.own.to_string());
            let value = value.replace("PORT", &actor.out.port().to_string()).replace("HOST", &actor.host);
            container.labels.insert(key.to_owned(), value);
        };
        label("traefik.enable", "true");
        label("com.docker.compose.project", &name);
        label("com.docker.compose.config-hash", "x");
        label("traefik.http.routers.r.rule", "Host(`HOST`)");
        label("traefik.http.routers.r.service", "s");
        label("traefik.http.services.s.loadbalancer.passhostheader", "true");
        for (key, value) in actor.case.1 {
            label(&format!("traefik.{key}"), value);
        }
        inventory.put(container);
    }
    let settings = Settings { isolation, traefik_version: Some(version), ..Settings::default() };
    compile(&inventory, &settings)
}

/// Whether a case's outside is reached where Leeward refuses nothing.
fn expected(case: &Case, version: Version) -> bool {
    let (from, to) = case.4.unwrap_or(("9.0", ""));
    let number = |text: &str| -> (u16, u16) {
        let (major, minor) = text.split_once('.').unwrap_or(("9", "0"));
        (major.parse().unwrap(), minor.parse().unwrap())
    };
    (number(from)..number(to)).contains(&(version.major, version.minor))
}

/// Serves all cases until each was visited and, where it asks for that, checked.
fn serve(version: Version, binary: &std::path::Path, isolation: Isolation) -> (Vec<Actor>, Plan) {
    let known = |case: &&Case| {
        let newer = |label: &str| match label {
            label if label.starts_with("tcp.") && label.contains("healthcheck") => (3, 6),
            label if label.ends_with("server.url") || label.contains("redis") => (3, 4),
            label if label.ends_with("authsigninurl") => (3, 7),
            _ => (3, 0),
        };
        case.1.iter().all(|(label, _)| (version.major, version.minor) >= newer(label))
    };
    let actors: Vec<Actor> = CASES.iter().filter(known).enumerate().map(|(at, case)| actor(at, case)).collect();
    let plan = plan(&actors, version, isolation);
    let files = TempDir::new().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let authority = counting(&asked);
    let live = Live::start(
        binary,
        &[
            format!("--certificatesresolvers.ca.acme.caserver=https://127.0.0.1:{authority}/directory"),
            format!("--certificatesresolvers.ca.acme.storage={}", files.path().join("acme.json").display()),
            "--certificatesresolvers.ca.acme.httpchallenge.entrypoint=web".to_owned(),
        ],
    );
    live.offer(document::write(&plan.documents[Plan::EVERYONE]));
    // All of it comes at once. What is routed is visited; where it is checked as well, until some checks have been made.
    let began = Instant::now();
    let served = live.served("first.example", EVER);
    assert!(served.is_ok(), "{version} {isolation:?}: {served:?}: {:?}", live.log());
    for actor in &actors {
        live.get(&actor.host);
    }
    for (at, actor) in actors.iter().enumerate() {
        let waits = |done: &dyn Fn() -> bool| {
            while !done() && began.elapsed() < EVER {
                thread::sleep(Duration::from_millis(10));
            }
            done()
        };
        if isolation == Isolation::Off {
            if expected(actor.case, version) {
                waits(&|| actor.reached.load(Ordering::SeqCst) > 0);
            }
            continue;
        }
        let routed = plan.decided().any(|it| it.name == format!("c{at}") && it.outcome == Outcome::Routed);
        let checked = actor.case.1.iter().any(|(label, _)| *label == CHECK.0);
        // A second check follows only when the first one has come to its end, redirects and all.
        let seen = waits(&|| !routed || !checked || actor.checked.load(Ordering::SeqCst) >= 2);
        assert!(seen, "{version} {isolation:?}: {} is not checked: {:?}", actor.case.0, live.log());
    }
    // Certificates come from the authority that the operator named, whatever the names in them.
    while isolation != Isolation::Off && asked.load(Ordering::SeqCst) == 0 {
        assert!(began.elapsed() < EVER, "{version}: the certificate authority is not asked: {:?}", live.log());
        thread::sleep(Duration::from_millis(10));
    }
    drop(live);
    (actors, plan)
}

#[test]
fn no_label_and_no_answer_makes_traefik_ask_elsewhere() {
    let mut wrong = Vec::new();
    for (version, binary) in proxy::releases("no label and no answer makes Traefik ask elsewhere") {
        let (actors, plan) = serve(version, &binary, Isolation::Enforce);
        for (at, actor) in actors.iter().enumerate() {
            let (what, _, _, fate, _) = actor.case;
            let decision = plan.decided().find(|it| it.name == format!("c{at}")).unwrap();
            if (decision.outcome == Outcome::Routed) != (*fate == Routed) {
                wrong.push(format!("{version}: {what}: {:?} {:?}", decision.outcome, decision.refusal));
            }
            match actor.reached.load(Ordering::SeqCst) {
                0 => {}
                times => wrong.push(format!("{version}: {what}: reached {times} times")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The same labels as Traefik's own provider passes them on: the servers outside are where requests would arrive.
#[test]
fn without_leeward_the_servers_outside_are_reached() {
    let mut wrong = Vec::new();
    for (version, binary) in proxy::releases("without Leeward the servers outside are reached") {
        let (actors, _) = serve(version, &binary, Isolation::Off);
        for actor in &actors {
            let times = actor.reached.load(Ordering::SeqCst);
            if expected(actor.case, version) != (times > 0) {
                wrong.push(format!("{version}: {}: reached {times} times", actor.case.0));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
