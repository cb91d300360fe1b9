//! The memory of the program itself, as it runs, beside one container with more in its labels than anybody can read.
//!
//! A stand-in engine; the real gate, a `serve` behind it, and one that reads the engine itself, as processes of their own.
//! The most that each ever had in memory is the kernel's word. Takes minutes: `cargo test --test bombs`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[expect(dead_code, reason = "it fails in tests/faults")]
#[path = "../support/engine.rs"]
mod engine;
#[path = "../support/loopback.rs"]
mod loopback;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{self, Instant};

use self::engine::{Daemon, id};

/// What either may have in memory, at most and ever: half of what the shipped Compose file gives `serve`.
const MOST_KB: u64 = 64 * 1024;

/// How long anything may take here: the engine's answers are 100 MB, and the test's own half is not optimised.
const EVER: Duration = Duration::from_mins(2);

/// A process that ends with the test.
struct Running(Child);

impl Running {
    fn of(arguments: &[&str]) -> Self {
        // The program as it ships, where there is one: it has another allocator.
        let shipped = std::env::var_os("LEEWARD_E2E_BINARY");
        let mut command = Command::new(shipped.unwrap_or_else(|| env!("CARGO_BIN_EXE_leeward").into()));
        Self(command.env_clear().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// The most that it had in memory so far, and what it has now.
    fn memory_kb(&self) -> [u64; 2] {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        ["VmHWM:", "VmRSS:"].map(|key| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

async fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

async fn until_ready(address: SocketAddr, whose: &str) {
    let begun = Instant::now();
    loop {
        let found = get(address, "/readyz").await;
        if found.as_ref().is_some_and(|(status, _)| *status == 200) {
            return;
        }
        assert!(begun.elapsed() < EVER, "{whose} is not ready: {found:?}");
        time::sleep(Duration::from_millis(50)).await;
    }
}

async fn document(address: SocketAddr) -> Value {
    serde_json::from_str(&get(address, "/config").await.unwrap().1).unwrap()
}

/// With a container `bomb` that has these labels and nothing of the others', in this state: both are small, the others are
/// routed as without it, and what is said of it holds `words`.
async fn check(labels: Map<String, Value>, state: &str, words: &str) {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = Daemon::new(directory.path());
    engine.put("app", 1);
    engine.put("shop", 2);
    engine.put_in_state("bomb", 3, state);
    engine.label(&id("bomb"), labels);
    engine.start();
    let at = |path: &Path| format!("--engine=unix://{}", path.display());
    let gate_socket = directory.path().join("gate.sock");
    let gate = Running::of(&["gate", &at(engine.socket()), &format!("--listen=unix://{}", gate_socket.display())]);
    let (behind, direct) = (loopback::own(), loopback::own());
    let serve = |engine: &str, address: SocketAddr| {
        Running::of(&["serve", engine, "--hold=0s", "--traefik-version=3.6", &format!("--listen={address}")])
    };
    let begun = Instant::now();
    while !gate_socket.exists() {
        assert!(begun.elapsed() < EVER, "the gate does not listen");
        time::sleep(Duration::from_millis(20)).await;
    }
    let processes = [
        ("the gate", gate),
        ("serve behind it", serve(&at(&gate_socket), behind)),
        ("serve", serve(&at(engine.socket()), direct)),
    ];
    for (address, whose) in [(behind, "serve behind the gate"), (direct, "serve")] {
        until_ready(address, whose).await;
        // A busy machine may be late with an answer, which is then asked for again.
        let begun = Instant::now();
        loop {
            let document = document(address).await;
            let routers = document["http"]["routers"].as_object().cloned().unwrap_or_default();
            let names: Vec<&str> = routers.keys().map(String::as_str).collect();
            let said = get(address, "/explain/bomb").await.unwrap().1;
            if names == ["~app.app", "~shop.shop"] && said.contains(words) {
                break;
            }
            let said: String = said.chars().take(2000).collect();
            assert!(begun.elapsed() < EVER, "{whose}: {names:?}: {said}");
            time::sleep(Duration::from_millis(100)).await;
        }
    }
    // An event with all its labels; then one that shows that events still come.
    engine.say("bomb", "start");
    engine.put("late", 4);
    engine.say("late", "start");
    for address in [behind, direct] {
        let begun = Instant::now();
        while document(address).await["http"]["routers"]["~late.late"].is_null() {
            assert!(begun.elapsed() < EVER, "`late` is not routed");
            time::sleep(Duration::from_millis(50)).await;
        }
    }
    for (whose, process) in &processes {
        let [most, _] = process.memory_kb();
        assert!(most < MOST_KB, "{whose} had {most} KiB");
    }
}

fn labels(all: impl IntoIterator<Item = (String, String)>) -> Map<String, Value> {
    all.into_iter().map(|(key, value)| (key, value.into())).collect()
}

fn enabled(rule: String) -> Map<String, Value> {
    labels([("traefik.enable".to_owned(), "true".to_owned()), ("traefik.http.routers.bomb.rule".to_owned(), rule)])
}

const NOT_READ: &str = "--max-object";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_of_10_mb_costs_nobody_else() {
    let rule = vec!["Host(`a.example`)"; 10_000_000 / 21].join(" || ");
    check(labels([("traefik.http.routers.bomb.rule".to_owned(), rule)]), "running", NOT_READ).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_of_40_mb_that_mean_nothing_cost_nobody_else() {
    check(labels((0..400).map(|at| (format!("junk{at}"), "x".repeat(100_000)))), "running", NOT_READ).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_thousand_labels_cost_nobody_else() {
    check(labels((0..300_000).map(|at| (format!("traefik.x{at}"), String::new()))), "running", NOT_READ).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_of_64_mb_on_a_container_that_was_only_created_costs_nobody_else() {
    check(labels([("x".to_owned(), "y".repeat(64 << 20))]), "created", NOT_READ).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regular_expressions_that_make_traefik_large_are_not_routed() {
    let rule = (0..2500).map(|at| format!(r"PathRegexp(`^/{at}(a|b|c){{1,200}}\pL+$`)")).collect::<Vec<_>>();
    check(enabled(rule.join(" || ")), "running", "--max-rule-bytes").await;
    let rule = (0..500).map(|at| format!(r"PathRegexp(`^/{at}(a|b|c){{1,200}}\pL+$`)")).collect::<Vec<_>>();
    check(enabled(rule.join(" || ")), "running", "--max-regex-size").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_labels_as_one_object_may_have_cost_nobody_else() {
    let rule = |at: usize| (format!("traefik.http.routers.r{at:05}.rule"), "Host(`a.example`)".to_owned());
    check(labels((0..20_000).map(rule).chain([("traefik.enable".to_owned(), "true".to_owned())])), "running", "--max-")
        .await;
}
