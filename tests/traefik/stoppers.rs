//! No label stops or delays a Traefik for others.
//!
//! Every option that labels reach, with empty, minimal and extreme values, one at a time: as Leeward publishes it, beside
//! a new route of another owner, which every release of Traefik has to serve within [`LIMIT`].

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use leeward::inventory::{Container, Image};
use leeward::plan::{Outcome, Plan, compile};
use leeward::settings::{Isolation, Settings};
use leeward::traefik::labels;
use leeward::traefik::schema::{Access, Field, Kind, Shape};
use leeward::traefik::{Version, document};

use crate::live::{Live, answering};
use crate::{every_field, inventory, proxy};

/// How long another owner's new route may take.
const LIMIT: Duration = Duration::from_secs(2);
/// So many owners' cases at once; where the route is late, each is tried alone.
const AT_ONCE: usize = 12;

type Labels = BTreeMap<String, String>;

/// One container's labels, and what of them is tried.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    labels: Labels,
}

const INTEGERS: [&str; 11] = [
    "0",
    "1",
    "-1",
    "600",
    "65536",
    "1000000",
    "1000000000",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
];
const DURATIONS: [&str; 7] = ["0", "1ns", "-1ns", "1s", "-1s", "2562047h", "-2562047h"];

/// The values that a field is tried with.
fn values(field: &Field) -> Vec<String> {
    let texts: &[&str] = match (field.kind, field.name) {
        (Kind::Scalar("bool"), _) => &["true", "false"],
        (Kind::Scalar("int"), _) => &INTEGERS,
        (Kind::Scalar("duration"), _) => &DURATIONS,
        (_, "users") => &["", ",", "x", ":", "a:", ":b", "a:b:c", "a:$2y$31$x", "a:$apr1$$", "a:{SHA}"],
        (_, "expression" | "retryExpression") => &[
            "",
            "x",
            "(",
            "NetworkErrorRatio()",
            "NetworkErrorRatio() > 0",
            "LatencyAtQuantileMS(-1) > 0",
            "LatencyAtQuantileMS(1e309) > 1",
            "ResponseCodeRatio(9,-9,0,0) > 0",
            "Attempts() > 1 || x",
        ],
        (Kind::Texts, "status") => &["", ",", "x", "0-999999999", "-1--1", "999-1", "200,200-"],
        (_, "regex" | "authResponseHeadersRegex" | "accessControlAllowOriginListRegex") => {
            &["", "(", "(a{1000}){1000}", "(?:(?:(?:x?)*)*)*", "^/(.*)"]
        }
        (_, "replacement") => &["", "${", "$99999999999999999999", "%zz"],
        (_, "sourceRange" | "excludedIPs") => &["", ",", "x", "0.0.0.0/0", "::/129", "1.2.3.4/-1"],
        (_, "mode") => &["", "grpc", "x"],
        (_, "strategy") => &["", "x", "p2c", "hrw", "leasttime", "wrr"],
        (_, "sameSite") => &["", "x", "none", "lax"],
        (_, "encodings") => &["", ",", "x", "gzip,gzip", "zstd"],
        (_, "defaultEncoding") => &["", "x", "zstd"],
        (_, "address" | "endpoints" | "url") => &["", "x", "://", "http://", "http://[", "127.0.0.1:1", "http://%zz"],
        (_, "rule") => &["", "x", "Host(``)", "HostSNI(`*`)", "ClientIP(`x`)", "PathRegexp(`(`)"],
        (_, "ruleSyntax") => &["", "v2", "x"],
        (_, "port") => &["", "0", "65535"],
        (_, "middlewares") => &["", ",", "m", "m,m"],
        (_, "certResolver" | "options" | "resolver") => &["", "x"],
        (_, "usersFile" | "ca" | "cert" | "key") => &["", "x", "/dev/null", "/etc/passwd", "/", "/dev/zero"],
        (Kind::Scalar(_), _) => &["", "x", "(", "/", "%zz", "{{", "$1", "\n", "\0", "\u{1f600}", "LONG"],
        (Kind::Texts, _) => &["", ",", "x", "*", "\n", "\0", "LONG", "MANY"],
        _ => &[],
    };
    let made = |text: &&str| match *text {
        "LONG" => "a".repeat(3000),
        "MANY" => "x,".repeat(3000),
        text => text.to_owned(),
    };
    texts.iter().map(made).collect()
}

/// Structures of which all numbers, or all durations, are the same extreme.
fn extremes(full: &Labels, shape: &'static Shape, above: &str, version: Version) -> Vec<(String, Labels)> {
    let mut of_kind: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    each(shape, above, version, &mut |label, value| {
        for (kind, first) in [("int", INTEGERS[4]), ("duration", DURATIONS[2])] {
            if value == first {
                of_kind.entry(kind).or_default().push(label.clone());
            }
        }
    });
    let mut made = Vec::new();
    for (kind, labels) in of_kind {
        for value in if kind == "int" { &INTEGERS[..] } else { &DURATIONS[..] } {
            let mut all = full.clone();
            all.extend(labels.iter().map(|label| (label.clone(), (*value).to_owned())));
            made.push((format!("{above}: every {kind} is {value}"), all));
        }
    }
    made
}

/// Calls `see` with every label below a shape, and the values to try.
fn each(shape: &'static Shape, above: &str, version: Version, see: &mut dyn FnMut(String, String)) {
    let known =
        |field: &&Field| !matches!(field.access, Access::Dropped | Access::DocumentOnly) && field.since <= version;
    for field in shape.fields.iter().filter(known) {
        let label = format!("{above}.{}", field.label_name().to_lowercase());
        match field.kind {
            Kind::Record(below) => {
                if field.access == Access::AllowEmpty {
                    see(label.clone(), "true".to_owned());
                }
                each(below, &label, version, see);
            }
            Kind::Records(below) if field.access == Access::AsStruct => each(below, &label, version, see),
            Kind::Records(below) => {
                see(label.clone(), String::new());
                each(below, &format!("{label}[0]"), version, see);
            }
            Kind::RecordMap(_) => {}
            Kind::TextMap => {
                for (key, value) in
                    [("x", ""), ("x", "a\nb"), ("x y", "z"), (":", "z"), ("host", "z"), ("connection", "x")]
                {
                    see(format!("{label}.{key}"), value.to_owned());
                }
            }
            Kind::IntMap => {
                for (key, value) in
                    [("500", "0"), ("x", "200"), ("500-503", "-1"), ("0-999999999", "99"), ("-", "9223372036854775807")]
                {
                    see(format!("{label}.{key}"), value.to_owned());
                }
            }
            Kind::Plugins => plugins(&label, see),
            Kind::Scalar(_) | Kind::Texts => values(field).into_iter().for_each(|value| see(label.clone(), value)),
        }
    }
}

fn plugins(above: &str, see: &mut dyn FnMut(String, String)) {
    for (key, value) in [("x.y", ""), ("x.y.z", "1"), ("x.y[0]", "1")] {
        see(format!("{above}.{key}"), value.to_owned());
    }
}

/// The shape of the structures in a map of the configuration, by its place in labels: `http.middlewares`.
fn shape_of(place: &str) -> &'static Shape {
    let mut shape = labels::schema();
    for name in place.split('.') {
        let field = shape.fields.iter().find(|field| field.name == name).unwrap();
        shape = match field.kind {
            Kind::Record(below) | Kind::RecordMap(below) => below,
            _ => panic!("{place}"),
        };
    }
    shape
}

/// Every case of a release: each field alone, each beside all others of its structure, and all numbers of one extreme.
fn cases(version: Version) -> Vec<Case> {
    let everything = every_field::labels(version);
    let (mut cases, mut together) = (Vec::new(), Vec::new());
    let mut add = |base: &Labels, label: &str, value: &str, how: &str| {
        let mut labels = base.clone();
        labels.insert(label.to_owned(), value.to_owned());
        let shown: String = value.chars().take(40).collect();
        cases.push(Case { name: format!("{label}={shown} ({how})"), labels });
    };
    // Middlewares: each kind in use by a router.
    for kind in shape_of("http.middlewares")
        .fields
        .iter()
        .filter(|kind| kind.access != Access::Dropped && kind.since <= version)
    {
        let kind_name = kind.name.to_lowercase();
        let above = format!("traefik.http.middlewares.m.{kind_name}");
        let full = middleware(&everything, &kind_name);
        for (base, how) in [(Labels::new(), "alone"), (full, "beside all others")] {
            let mut base = base;
            base.insert("traefik.http.routers.r.middlewares".to_owned(), "m".to_owned());
            let mut see = |label: String, value: String| add(&base, &label, &value, how);
            see(above.clone(), "true".to_owned());
            match kind.kind {
                Kind::Record(shape) => {
                    each(shape, &above, version, &mut see);
                    together.extend(extremes(&base, shape, &above, version));
                }
                Kind::Plugins => plugins(&above, &mut see),
                _ => panic!("{kind:?}"),
            }
        }
    }
    for (place, name) in [
        ("http.routers", "r"),
        ("http.services", "s"),
        ("http.models", "m"),
        ("tcp.routers", "t"),
        ("tcp.services", "t"),
        ("tcp.middlewares", "t"),
        ("udp.routers", "u"),
        ("udp.services", "u"),
    ] {
        let above = format!("traefik.{place}.{name}");
        let full = renamed(&everything, &format!("traefik.{place}.all."), &format!("{above}."));
        for (base, how) in [(Labels::new(), "alone"), (full, "beside all others")] {
            let mut base = base;
            base.retain(|label, _| !label.ends_with(".server.url") && !label.ends_with("serverstransport"));
            match place {
                "tcp.services" | "tcp.middlewares" => {
                    base.insert("traefik.tcp.routers.t.rule".to_owned(), "HostSNI(`t.example`)".to_owned());
                    base.insert("traefik.tcp.routers.t.tls".to_owned(), "true".to_owned());
                    base.insert("traefik.tcp.routers.t.entrypoints".to_owned(), "stream".to_owned());
                }
                "udp.services" => {
                    base.insert("traefik.udp.routers.u.entrypoints".to_owned(), "packets".to_owned());
                }
                _ => {}
            }
            if place == "tcp.middlewares" {
                base.insert("traefik.tcp.routers.t.middlewares".to_owned(), "t".to_owned());
            }
            each(shape_of(place), &above, version, &mut |label, value| {
                let mut base = base.clone();
                // A URL stands instead of port and scheme.
                if label.ends_with(".server.url") {
                    base.retain(|label, _| !label.contains(".server."));
                }
                add(&base, &label, &value, how);
            });
            together.extend(extremes(&base, shape_of(place), &above, version));
        }
    }
    cases.extend(together.into_iter().map(|(name, labels)| Case { name, labels }));
    cases
}

/// The labels of a middleware `m` of one kind, every field set.
fn middleware(everything: &Labels, kind: &str) -> Labels {
    let of_kind = format!("traefik.http.middlewares.{kind}.{kind}.");
    renamed(everything, &of_kind, &format!("traefik.http.middlewares.m.{kind}."))
}

/// The labels that start with `from`, starting with `to`, with values that Traefik makes something of: else it gives the
/// middleware up before it comes to what is tried.
fn renamed(labels: &Labels, from: &str, to: &str) -> Labels {
    let renamed =
        labels.iter().filter_map(|(label, value)| Some((format!("{to}{}", label.strip_prefix(from)?), value)));
    let made = renamed.filter_map(|(label, value)| {
        let last = label.rsplit('.').next().unwrap_or_default();
        let value = match last {
            // Files that are not there, names of nobody, and what Traefik takes only without another field.
            "usersfile"
            | "ca"
            | "cert"
            | "key"
            | "serverstransport"
            | "certresolver"
            | "options"
            | "middlewares"
            | "includedcontenttypes"
            | "requesthost"
            | "requestheadername" => return None,
            "port" | "scheme" | "url" if label.contains(".loadbalancer.") => return None,
            "users" if label.contains("digest") => "a:b:0123456789abcdef0123456789abcdef",
            "users" => "a:$apr1$leeward0$pDRwbXztRIikeCp0j1sP01",
            "address" => "http://127.0.0.1:1/",
            "endpoints" => "127.0.0.1:1",
            "encodings" | "defaultencoding" => "gzip",
            "excludedips" => "10.0.0.0/8",
            "ipv6subnet" => "64",
            "excludedcontenttypes" => "text/html",
            "service" if label.contains(".errors.") || label.contains(".routers.") => "s",
            "retryexpression" => "IsNetworkError()",
            "rejectstatuscode" => "403",
            _ => value,
        };
        Some((label, value.to_owned()))
    });
    made.collect()
}

/// What Leeward publishes of `cases` and of a new route for `marker`, in the most that is let through with isolation
/// judged; and how many of the cases are in it.
fn published(
    cases: &[Case],
    marker: &str,
    backend: SocketAddr,
    version: Version,
    isolation: Isolation,
) -> (String, usize) {
    let mut inventory = inventory::engine();
    inventory::network(&mut inventory, "n", true);
    inventory.images.insert("image".into(), Image::default());
    let mut add = |name: String, project: &str, labels: &Labels| {
        let mut container = Container {
            id: name.as_str().into(),
            name,
            image_id: "image".into(),
            state: "running".into(),
            network_mode: "n".into(),
            exposed_ports: [format!("{}/tcp", backend.port())].into(),
            labels: labels.clone(),
            ..Container::default()
        };
        inventory::attach(&mut container, "n", Some(backend.ip()));
        let allowed = "LBL-001,LBL-002,LBL-005,LBL-007,LBL-008,LBL-009,LBL-011";
        for (label, value) in [
            ("traefik.enable", "true"),
            ("com.docker.compose.project", project),
            ("com.docker.compose.config-hash", "x"),
            ("leeward.allow", allowed),
        ] {
            container.labels.insert(label.to_owned(), value.to_owned());
        }
        inventory.put(container);
    };
    for (at, case) in cases.iter().enumerate() {
        let mut labels = case.labels.clone();
        for (label, value) in [
            ("routers.r.rule", format!("Host(`e{at}.example`)")),
            ("routers.r.service", "s".to_owned()),
            ("services.s.loadbalancer.server.port", backend.port().to_string()),
        ] {
            labels.entry(format!("traefik.http.{label}")).or_insert(value);
        }
        if labels.keys().any(|label| label.ends_with(".loadbalancer.server.url")) {
            labels.remove("traefik.http.services.s.loadbalancer.server.port");
        }
        // Two of a kind, so that there is something to balance.
        for twin in ["", "-twin"] {
            add(format!("e{at}{twin}"), &format!("e{at}"), &labels);
        }
    }
    let rule = ("traefik.http.routers.marker.rule".to_owned(), format!("Host(`{marker}`)"));
    add("marker".to_owned(), "marker", &Labels::from([rule]));
    let settings = Settings { isolation, traefik_version: Some(version), ..Settings::default() };
    let plan = compile(&inventory, &settings);
    let routed = plan.decided().filter(|it| it.outcome == Outcome::Routed && it.name != "marker").count();
    (document::write(&plan.documents[Plan::EVERYONE]), routed)
}

/// What one release said to all cases.
struct Tried {
    live: Live,
    binary: std::path::PathBuf,
    version: Version,
    isolation: Isolation,
    backend: SocketAddr,
    markers: usize,
    routed: usize,
    slowest: Duration,
}

impl Tried {
    fn start(binary: std::path::PathBuf, version: Version, isolation: Isolation) -> Self {
        let backend = answering(|_| ("200 OK".to_owned(), "ok".to_owned()));
        let live = Live::start(&binary, &[]);
        Self { live, binary, version, isolation, backend, markers: 0, routed: 0, slowest: Duration::ZERO }
    }

    /// Offers cases and a marker; what went wrong, if something did.
    fn offer(&mut self, cases: &[Case]) -> Option<String> {
        self.markers += 1;
        let marker = format!("m{}.example", self.markers);
        let (document, routed) = published(cases, &marker, self.backend, self.version, self.isolation);
        self.routed += routed;
        let before = self.live.log().len();
        self.live.offer(document);
        let late = match self.live.served(&marker, LIMIT) {
            Ok(took) => {
                self.slowest = self.slowest.max(took);
                None
            }
            Err(last) => Some(format!("the new route is not there after {LIMIT:?}: {last:?}")),
        };
        // A visit, whose end nobody waits for, and one that follows it.
        let visits: Vec<_> = (0..cases.len()).filter_map(|at| self.live.ask(&format!("e{at}.example"))).collect();
        let gone = late.is_none() && self.live.get(&marker) != Some(200);
        drop(visits);
        let log = self.live.log();
        let said = log.iter().skip(before).find(|line| line.contains("Error in Go routine") || line.contains("panic:"));
        if late.is_none() && !gone && said.is_none() {
            return None;
        }
        let gone = gone.then(|| "after a visit to it others are not answered".to_owned());
        let said = said.map(|line| line.chars().take(300).collect());
        Some([late, gone, said].into_iter().flatten().collect::<Vec<String>>().join("; "))
    }

    fn again(&mut self) {
        self.live = Live::start(&self.binary, &[]);
    }
}

/// What stops or delays a release, of all that Leeward publishes.
fn fallen(version: Version, binary: std::path::PathBuf, isolation: Isolation) -> Vec<String> {
    let began = Instant::now();
    let cases = cases(version);
    let mut tried = Tried::start(binary, version, isolation);
    let mut fallen = Vec::new();
    for some in cases.chunks(AT_ONCE) {
        // What the one before left behind shows here.
        let Some(problem) = tried.offer(some) else { continue };
        tried.again();
        let before = fallen.len();
        for case in some {
            let alone = std::slice::from_ref(case);
            let Some(problem) = tried.offer(alone).or_else(|| tried.offer(&[])) else { continue };
            fallen.push(format!("{version}: {}: {problem}", case.name));
            tried.again();
        }
        // Twice, for a machine that was busy with something else.
        if fallen.len() == before && tried.offer(some).is_some() {
            tried.again();
            let names: Vec<&str> = some.iter().map(|case| case.name.as_str()).collect();
            fallen.push(format!("{version}: together: {}: {problem}", names.join(" | ")));
        }
    }
    fallen.extend(tried.offer(&[]).map(|problem| format!("{version}: at the end: {problem}")));
    assert!(tried.routed > cases.len(), "{version}: hardly anything is published: {} of {}", tried.routed, cases.len());
    // Past the test harness, which would keep the words of a test that passes to itself.
    drop(writeln!(
        std::io::stderr(),
        "{version}: {} cases, {} of their containers published, slowest {:?}, {:?} in all",
        cases.len(),
        tried.routed,
        tried.slowest,
        began.elapsed()
    ));
    fallen
}

/// The structures that single fields are changed in are such that Traefik makes something of them.
#[test]
fn what_single_options_are_tried_in_is_itself_taken() {
    let mut wrong = Vec::new();
    for (version, binary) in proxy::releases("what single options are tried in is itself taken") {
        let mut tried = Tried::start(binary, version, Isolation::Warn);
        let everything = every_field::labels(version);
        let kinds = shape_of("http.middlewares").fields.iter().filter(|kind| kind.access != Access::Dropped);
        let kinds = kinds.filter(|kind| kind.since <= version && !["chain", "plugin"].contains(&kind.name));
        let mut cases: Vec<Case> = kinds
            .map(|kind| {
                let name = kind.name.to_lowercase();
                let mut labels = middleware(&everything, &name);
                labels.insert("traefik.http.routers.r.middlewares".to_owned(), "m".to_owned());
                Case { name, labels }
            })
            .collect();
        let labels = renamed(&everything, "traefik.http.services.all.", "traefik.http.services.s.");
        cases.push(Case { name: "service".to_owned(), labels });
        let problem = tried.offer(&cases);
        assert_eq!((problem, tried.routed), (None, 2 * cases.len()), "{version}");
        for (at, case) in cases.iter().enumerate() {
            if matches!(tried.live.get(&format!("e{at}.example")), None | Some(404)) {
                wrong.push(format!("{version}: {}: {:?}", case.name, case.labels));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is refused does stop Traefik, and would be seen: the same, passed on as Traefik's own provider does.
#[test]
fn what_stops_traefik_is_seen_where_it_is_passed_on() {
    const STOPPING: &[(&str, &str, &[&str])] = &[
        ("basicauth.realm", "x", &["3.6.15"]),
        ("ratelimit.redis.poolsize", "-1", &["3.4.3", "3.5.3", "3.6.15", "3.7.15"]),
    ];
    for (version, binary) in proxy::releases("what stops Traefik is seen where it is passed on") {
        for (label, value, releases) in STOPPING {
            if !releases.contains(&version.to_string().as_str()) {
                continue;
            }
            let labels = [
                (format!("traefik.http.middlewares.m.{label}"), (*value).to_owned()),
                ("traefik.http.routers.r.middlewares".to_owned(), "m".to_owned()),
            ];
            let case = Case { name: (*label).to_owned(), labels: labels.into() };
            let mut tried = Tried::start(binary.clone(), version, Isolation::Off);
            let problem = tried.offer(std::slice::from_ref(&case)).unwrap_or_default();
            assert!(problem.contains("the new route is not there"), "{version} {label}: {problem}");
            // Also after it is gone.
            assert!(tried.offer(&[]).is_some(), "{version} {label}");
            let mut tried = Tried::start(binary.clone(), version, Isolation::Warn);
            assert_eq!((tried.offer(&[case]), tried.routed), (None, 0), "{version} {label}");
        }
    }
}

/// Traefik compares each name of a kind with every other each time that it reads a document.
#[test]
fn names_that_nothing_uses_do_not_keep_anothers_new_route_away() {
    for (version, binary) in proxy::releases("names that nothing uses do not keep another's new route away") {
        for (many, routed) in [(499, 2 * AT_ONCE), (9_900, 0)] {
            let label = |at: usize| (format!("traefik.http.services.s{at}.loadbalancer.server.port"), "80".to_owned());
            let case = Case { name: format!("{many} names"), labels: (0..many).map(label).collect() };
            let mut tried = Tried::start(binary.clone(), version, Isolation::Warn);
            let problem = tried.offer(&vec![case; AT_ONCE]);
            assert_eq!((problem, tried.routed), (None, routed), "{version}: {many} of each of {AT_ONCE} owners");
        }
    }
}

#[test]
fn no_option_of_a_label_keeps_anothers_new_route_away() {
    let mut all = Vec::new();
    for (version, binary) in proxy::releases("no option of a label keeps another's new route away") {
        all.extend(fallen(version, binary, Isolation::Warn));
    }
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}
