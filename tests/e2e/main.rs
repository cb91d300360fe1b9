//! End to end: the shipped Compose files and the shipped Traefik configuration on a real engine with a real Traefik.
//!
//! Needs Linux, root, the engine's programs and a Traefik binary. Where something is missing, the tests say loudly what
//! they leave out and why, and pass; `LEEWARD_REQUIRE=docker,traefik` makes that a failure, as in `.ci/run`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]
#![expect(clippy::print_stdout, reason = "the log of requests and answers is a product of the test")]

mod attacks;
mod bombs;
#[path = "../support/by_hand.rs"]
mod by_hand;
mod check;
mod door;
#[path = "../browser/driver.rs"]
#[expect(dead_code, reason = "part of it is for other tests")]
mod driver;
mod engine;
mod engines;
#[path = "../support/eventually.rs"]
mod eventually;
mod images;
mod lab;
#[path = "../support/left_out.rs"]
mod left_out;
mod moving;
mod nodes;
mod outbound;
mod outward;
mod page;
mod probe;
mod soak;
mod stacks;
mod swarm;
mod topology;
mod verbs;

use std::fs::File;
use std::path::PathBuf;

use left_out::left_out;

/// The Traefik that the shipped files name.
const TRAEFIK: &str = "3.7.15";

/// What a test may use: the Traefik binary, and its turn.
struct Means {
    traefik: PathBuf,
    /// Every Compose there is, at least one: `docker-compose`, `docker compose`, what `LEEWARD_COMPOSE` names.
    composes: Vec<Vec<String>>,
    /// One laboratory at a time, also across processes: they are heavy, and the tests measure.
    _turn: File,
}

/// What is needed for a laboratory, or `None` after having said what is missing.
fn means(test: &str) -> Option<Means> {
    let mut missing = Vec::new();
    let engine = engines::chosen();
    if let Err(problem) = engine.root() {
        missing.push(format!("engines: {problem}"));
    }
    if engine.program == engines::Program::Podman && test != engine::TEST {
        missing.push(format!("docker: {} is no Docker", engine.name));
    }
    for program in [
        "dockerd",
        "docker",
        "unshare",
        "nsenter",
        "ip",
        "iptables",
        "curl",
        "busybox",
        "nginx",
        "redis-server",
        "tar",
        "ldd",
        "unbound",
        "openssl",
        "python3",
    ] {
        if !lab::runs(&["sh", "-c", &format!("PATH=$PATH:/usr/sbin:/sbin command -v {program}")]) {
            missing.push(format!("docker: no program `{program}`"));
        }
    }
    let mut composes = vec![vec!["docker-compose".to_owned()], vec!["docker".to_owned(), "compose".to_owned()]];
    composes.extend(std::env::var_os("LEEWARD_COMPOSE").map(|path| vec![path.to_string_lossy().into_owned()]));
    composes.retain(|compose| lab::runs(&compose.iter().map(String::as_str).chain(["version"]).collect::<Vec<_>>()));
    if composes.is_empty() {
        missing.push("docker: neither `docker-compose` nor `docker compose`".to_owned());
    }
    if !lab::runs(&["unshare", "--mount", "--net", "true"]) {
        missing.push("docker: not allowed to make namespaces (run as root)".to_owned());
    }
    let traefik =
        std::env::var_os("LEEWARD_TRAEFIK_DIR").map(|folder| PathBuf::from(folder).join(TRAEFIK).join("traefik"));
    let traefik = match traefik {
        Some(path) if path.is_file() => path,
        Some(path) => {
            missing.push(format!("traefik: no file {}", path.display()));
            path
        }
        None => {
            missing.push(format!("traefik: LEEWARD_TRAEFIK_DIR is not set; it holds {TRAEFIK}/traefik"));
            PathBuf::new()
        }
    };
    if missing.is_empty() {
        std::fs::create_dir_all(lab::root().join("target/e2e")).unwrap();
        let turn = File::create(lab::root().join("target/e2e/turn")).unwrap();
        turn.lock().unwrap();
        return Some(Means { traefik, composes, _turn: turn });
    }
    left_out(test, &missing);
    None
}
