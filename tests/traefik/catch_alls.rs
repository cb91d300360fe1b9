//! Containers that would take every host, before real Traefiks, where no network binds hosts.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use leeward::inventory::Container;
use leeward::plan::{Outcome, compile};
use leeward::settings::{Isolation, Settings};

use crate::proxy::{self, Proxy};
use crate::worlds::{container, settings, world, written};

const HOST: &str = "bank.example";

/// Answers every request with its own name, for as long as the test runs.
fn backend(address: &str, name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while request.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let length = name.len();
            drop(write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{name}"));
        }
    });
    address
}

/// An application of an owner of its own, reached at a backend of the test's.
fn at(backend: SocketAddr, name: &str, protocol: &str, labels: &[(&str, &str)]) -> Container {
    let mut container = container(name, name, 9, labels);
    container.attachments.get_mut("proxy").unwrap().ipv4 = backend.ip().to_string().parse().ok();
    let port = format!("traefik.{protocol}.services.x.loadbalancer.server.port");
    container.labels.insert(port, backend.port().to_string());
    container
}

/// Under `warn` every one of them is published, and the real Traefiks give it the bank's visitors; under `enforce` none.
#[test]
fn a_catch_all_does_not_take_another_projects_host_from_a_real_traefik() {
    const ATTACKS: [(&str, &[(&str, &str)]); 5] = [
        ("http", &[("traefik.http.routers.x.rule", "PathPrefix(`/`)"), ("traefik.http.routers.x.priority", "100000")]),
        ("http", &[("traefik.http.routers.x.rule", "!Host(`x`)"), ("traefik.http.routers.x.priority", "100000")]),
        ("tcp", &[("traefik.tcp.routers.x.rule", "HostSNI(`*`)"), ("traefik.tcp.routers.x.entrypoints", "web")]),
        ("tcp", &[("traefik.tcp.routers.x.rule", "HostSNI(`*`)")]),
        ("tcp", &[("traefik.tcp.routers.x.rule", "ClientIP(`0.0.0.0/0`)")]),
    ];
    let bank = at(
        backend("127.0.0.2", "the bank"),
        "bank",
        "http",
        &[("traefik.http.routers.x.rule", "Host(`bank.example`)")],
    );
    let mallory = backend("127.0.0.3", "mallory");
    let releases = proxy::releases("a catch-all does not take another project's host from a real Traefik");
    // The oldest, the newest and one between.
    for (version, binary) in releases.into_iter().step_by(3) {
        for (protocol, labels) in ATTACKS {
            let world = world(&[bank.clone(), at(mallory, "mallory", protocol, labels)]);
            for (isolation, outcome, answers) in
                [(Isolation::Warn, Outcome::Routed, "mallory"), (Isolation::Enforce, Outcome::Refused, "the bank")]
            {
                let plan = compile(&world, &Settings { isolation, ..settings(false, version) });
                let decision = plan.decided().find(|it| it.name == "mallory").unwrap();
                assert_eq!(decision.outcome, outcome, "{labels:?}");
                let traefik = Proxy::start(&binary);
                traefik.read(&written(&plan)).unwrap();
                for _ in 0..3 {
                    assert_eq!(traefik.visit(HOST), answers, "{version} {isolation:?} {labels:?}");
                }
            }
        }
    }
}
