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

mod images;
mod lab;
mod topology;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The Traefik that the shipped files name.
const TRAEFIK: &str = "3.7.15";

/// One laboratory at a time: they are heavy, and the tests measure.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What a test may use: the Traefik binary, and its turn.
struct Means {
    traefik: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

/// What is needed for a laboratory, or `None` after having said what is missing.
fn means(test: &str) -> Option<Means> {
    let mut missing = Vec::new();
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
    ] {
        if !lab::runs(&["sh", "-c", &format!("PATH=$PATH:/usr/sbin:/sbin command -v {program}")]) {
            missing.push(format!("docker: no program `{program}`"));
        }
    }
    if !lab::runs(&["docker-compose", "version"]) && !lab::runs(&["docker", "compose", "version"]) {
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
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        return Some(Means { traefik, _turn: turn });
    }
    let required = std::env::var_os("LEEWARD_REQUIRE").unwrap_or_default().to_string_lossy().into_owned();
    let wanted: Vec<&String> =
        missing.iter().filter(|it| required.split(',').any(|part| it.starts_with(&format!("{part}:")))).collect();
    assert!(wanted.is_empty(), "LEEWARD_REQUIRE={required}, but {test} cannot run: {}", missing.join("; "));
    // Past the test harness, which would keep the words of a test that passes to itself.
    let line = format!("\n!! LEFT OUT: {test}: {}\n", missing.join("; "));
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}
