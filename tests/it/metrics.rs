//! `/metrics` of serve and gate: what is told is true, and every name that `monitoring/` and its page use is served.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::eventually::eventually;
use crate::gate::house::House;
use crate::serving::Serving;

fn get(port: u16, path: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split_whitespace().nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A service that has published.
fn serving(flags: &[&str]) -> Serving {
    let serving = Serving::start(flags);
    eventually(Duration::from_secs(20), "a plan", || serving.get("/readyz").starts_with("HTTP/1.1 200"));
    serving
}

/// Each series with its value.
fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

/// A gate that tells its counts, and the port.
fn gate() -> (House, u16) {
    let mut house = House::open(&["--metrics-listen=127.0.0.1:0"]);
    house.gate.wait_for_log("metrics at http://127.0.0.1:");
    let log = house.gate.log();
    let (_, rest) = log.split_once("metrics at http://127.0.0.1:").unwrap();
    let port = rest.split('/').next().unwrap().parse().unwrap();
    (house, port)
}

/// Every name of a series that serve and gate tell.
fn served() -> BTreeSet<String> {
    let serving = serving(&["--default-certificate"]);
    serving.get("/config");
    let (house, port) = gate();
    // The demo is no engine that is asked.
    let asking = Serving::start_at(&format!("unix://{}", house.gate.socket.display()), &[]);
    eventually(Duration::from_secs(20), "a question to the engine", || {
        asking.get("/metrics").contains("leeward_engine_calls")
    });
    let texts = [serving.port, port, asking.port].map(|port| get(port, "/metrics", "localhost").1);
    let mut names = BTreeSet::new();
    for line in texts.iter().flat_map(|text| text.lines()) {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|it| it.split_once(' ')) {
            match kind {
                "histogram" => names.extend(["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}"))),
                "counter" => drop(names.insert(format!("{}_total", name.trim_end_matches("_total")))),
                _ => drop(names.insert(name.to_owned())),
            }
        }
    }
    names
}

/// The names of metrics that a text holds.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
    let starts = ["leeward_", "process_"];
    words.filter(|word| starts.iter().any(|start| word.starts_with(start))).map(str::to_owned).collect()
}

#[test]
fn every_metric_that_is_alerted_on_drawn_or_explained_is_served() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let served = served();
    let mut files: Vec<_> = fs::read_dir(root.join("monitoring")).unwrap().map(|it| it.unwrap().path()).collect();
    files.push(root.join("docs/outbound.md"));
    assert!(files.len() > 4, "{files:?}");
    for file in files {
        let missing: Vec<_> = named(&fs::read_to_string(&file).unwrap()).difference(&served).cloned().collect();
        assert_eq!(missing, Vec::<String>::new(), "{}", file.display());
    }
    // The page explains all of them, and no other. A histogram's three are one there.
    let page = named(&fs::read_to_string(root.join("docs/monitoring.md")).unwrap());
    let whole = |name: &String| {
        let bare = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        bare.filter(|bare| served.contains(&format!("{bare}_bucket"))).unwrap_or(name).to_owned()
    };
    assert_eq!(page.iter().map(whole).collect::<BTreeSet<_>>(), served.iter().map(whole).collect::<BTreeSet<_>>());
}

#[test]
fn what_is_refused_and_found_is_counted_by_what_people_look_up() {
    let serving = serving(&["--isolation=strict"]);
    let json = |path: &str| -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", serving.port)).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let counts = series(&get(serving.port, "/metrics", "localhost").1);
    let told =
        |start: &str| counts.iter().filter(|(name, _)| name.starts_with(start)).map(|(_, count)| count).sum::<f64>();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();

    let routes = json("/routes");
    let mut wanted = BTreeMap::<String, f64>::new();
    for refused in routes["refused"].as_array().unwrap() {
        let (code, rule) = (text(&refused["code"]), text(&refused["rule"]));
        *wanted.entry(format!("leeward_refused{{code=\"{code}\",rule=\"{rule}\"}}")).or_default() += 1.0;
    }
    assert!(!wanted.is_empty());
    let found: BTreeMap<_, _> =
        counts.clone().into_iter().filter(|(name, _)| name.starts_with("leeward_refused{")).collect();
    assert_eq!(found, wanted);

    let audit = json("/audit");
    let findings = audit["findings"].as_array().unwrap();
    assert!(!findings.is_empty());
    for finding in findings {
        let (rule, severity) = (text(&finding["rule"]), text(&finding["severity"]));
        assert!(
            told(&format!("leeward_findings{{rule=\"{rule}\",severity=\"{severity}\",")) >= 1.0,
            "{rule} {counts:?}"
        );
    }
}

#[test]
fn a_router_that_traefik_leaves_out_is_told_wherever_routes_are() {
    let mut demo: Value = serde_json::from_str(include_str!("../../src/source/demo.json")).unwrap();
    let containers = demo["inventory"]["containers"].as_object_mut().unwrap();
    let web = containers.values_mut().find(|it| it["name"] == "app1-web-1").unwrap();
    web["labels"]["traefik.http.routers.web.service"] = "valut".into();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.json");
    fs::write(&path, demo.to_string()).unwrap();
    let mut serving = Serving::start_at(&format!("file:{}", path.display()), &[]);
    serving.wait_for_log("published revision");
    let log = serving.log();
    let left_out = "Traefik leaves `app1.web` out: nothing that is routed declares service `app1.valut`";
    assert!(log.contains(left_out) && !log.contains("routes `app1.web`"), "{log}");
    let metrics = get(serving.port, "/metrics", "localhost").1;
    assert!(metrics.contains("leeward_routes_left_out 1\n"), "{metrics}");
    let (status, text) = get(serving.port, "/explain/app1.localhost?fail-on=refused", "localhost");
    assert_eq!(status, 409, "{text}");
    let mut page = String::new();
    let mut stream = TcpStream::connect(("127.0.0.1", serving.port)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n").unwrap();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.contains("open app2.localhost") && !page.contains("open app1.localhost"), "{page}");
    assert!(page.contains("Traefik leaves app1.web out"), "{page}");
}

#[test]
fn nobody_makes_a_series_by_asking() {
    let serving = serving(&[]);
    let before = series(&get(serving.port, "/metrics", "localhost").1);
    for path in ["/outbound/nobody", "/config/nobody", "/explain/nobody", "/c/nobody", "/nowhere", "/config"] {
        serving.get(path);
    }
    let after = series(&get(serving.port, "/metrics", "localhost").1);
    let made: Vec<_> = after.keys().filter(|name| !before.contains_key(*name) && !name.contains("path=")).collect();
    assert_eq!(made, ["leeward_last_poll_timestamp_seconds{traefik=\"\"}"]);
    let nobodys: Vec<_> = after.keys().filter(|name| name.contains("nobody") || name.contains("nowhere")).collect();
    assert_eq!(nobodys, Vec::<&String>::new());
}

#[test]
fn the_default_certificates_end_is_told() {
    let serving = serving(&["--default-certificate"]);
    let counts = series(&get(serving.port, "/metrics", "localhost").1);
    let end = counts["leeward_certificate_expiry_timestamp_seconds{certificate=\"default\"}"];
    let left = end - counts["process_start_time_seconds"];
    assert!((left - 3650.0 * 86400.0).abs() < 3600.0, "{left} seconds");
}

#[test]
fn the_gates_counts_are_told_on_loopback_and_nothing_else_is() {
    let (mut house, port) = gate();
    assert_eq!((house.get("/version").0, house.get("/secrets").0), (200, 403));
    let (status, text) = get(port, "/metrics", "127.0.0.1:9101");
    let counts = series(&text);
    for (name, wanted) in [
        ("leeward_gate_requests_total{outcome=\"answered\",code=\"\"}", 1.0),
        ("leeward_gate_requests_total{outcome=\"refused\",code=\"path\"}", 1.0),
        ("leeward_gate_event_streams_total", 0.0),
    ] {
        assert_eq!((status, counts.get(name)), (200, Some(&wanted)), "{name}\n{text}");
    }
    // Under the sandbox too it knows what it takes up.
    assert!(counts["process_resident_memory_bytes"] > 1e6, "{text}");
    for (path, host, wanted) in
        [("/version", "localhost", 404), ("/containers/json", "localhost", 404), ("/metrics", "evil.example", 421)]
    {
        assert_eq!(get(port, path, host).0, wanted, "{path} of {host}");
    }
    house.gate.wait_for_log("metrics at");
}
