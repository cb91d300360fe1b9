//! A manager of a swarm with 500 services and 2,000 tasks, simulated: what Leeward and Traefik's own Swarm provider ask of it
//! in a minute at rest, and how long a change of one service takes to the document.
//!
//! `LEEWARD_TRAEFIK_DIR=… cargo bench --bench swarm`, with the program that `LEEWARD_E2E_BINARY` names if it does; each side has a manager of its own, of the same content.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench may panic, prints its table and reads its settings"
)]

#[expect(dead_code, reason = "it misbehaves in tests/faults")]
#[path = "../support/engine.rs"]
mod engine;
#[path = "../support/loopback.rs"]
mod loopback;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use engine::Daemon;

const SERVICES: u32 = 500;
const TASKS_OF_EACH: u32 = 4;
const ROUNDS: u32 = 20;

/// A process that ends with this value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Process {
    fn start(command: &mut Command) -> Self {
        Self(command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Resident memory, in KiB: now, and at most so far.
    fn memory(&self) -> [u64; 2] {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        ["VmRSS:", "VmHWM:"].map(|key| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        })
    }
}

/// The body of an answer; empty where nobody answers.
fn get(address: SocketAddr, path: &str) -> String {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", address.ip());
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    };
    ask().unwrap_or_default()
}

fn until(what: &str, is_so: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(2), "{what}");
        sleep(Duration::from_millis(2));
    }
    begun.elapsed()
}

fn manager(folder: &Path) -> Daemon {
    let manager = Daemon::new(folder);
    manager.manage(true);
    for service in 0..SERVICES {
        let name = format!("stack{service}_web");
        manager.put_service(&name, &format!("app{service}.example"), TASKS_OF_EACH);
        for slot in 1..=TASKS_OF_EACH {
            manager.put_task(&name, service * TASKS_OF_EACH + slot, "running", true);
        }
    }
    manager
}

fn main() {
    let traefik = std::env::var("LEEWARD_TRAEFIK_DIR").unwrap_or_else(|_| "target/traefik".to_owned());
    let traefik = Path::new(&traefik).join("3.7.15/traefik");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut managers = [manager(folders[0].path()), manager(folders[1].path())];
    {
        let _in = runtime.enter();
        managers.iter_mut().for_each(Daemon::start);
    }
    let [for_leeward, for_traefik] = &managers;
    let (served, api) = (loopback::own(), loopback::own());

    let program = std::env::var_os("LEEWARD_E2E_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_leeward").into());
    let begun = Instant::now();
    let leeward = Process::start(Command::new(program).args([
        "serve",
        &format!("--listen={served}"),
        &format!("--engine=unix://{}", for_leeward.socket().display()),
        "--traefik-version=3.7",
    ]));
    let document = || get(served, "/config");
    until("all are in Leeward's document", || document().contains("app499.example"));
    println!("Leeward: started to document {} ms, {} bytes", begun.elapsed().as_millis(), document().len());
    let own = Process::start(Command::new(&traefik).args([
        "--api.insecure=true",
        &format!("--entrypoints.traefik.address={api}"),
        &format!("--providers.swarm.endpoint=unix://{}", for_traefik.socket().display()),
        "--providers.swarm.exposedbydefault=false",
    ]));
    let routers = || get(api, "/api/overview");
    until("Traefik has them", || routers().contains("\"total\":50"));
    // What comes of the start is over.
    sleep(Duration::from_secs(25));
    for (name, manager) in [("Leeward", for_leeward), ("Traefik", for_traefik)] {
        drop((name, manager.take_asked(), manager.take_sent()));
    }
    sleep(Duration::from_mins(1));
    println!("\nin a minute at rest, {SERVICES} services and {} tasks:", SERVICES * TASKS_OF_EACH);
    println!("| | questions | bytes of answers | of which |\n| --- | ---: | ---: | --- |");
    for (name, manager) in [("Leeward", for_leeward), ("Traefik's Swarm provider", for_traefik)] {
        let (asked, sent) = (manager.take_asked(), manager.take_sent());
        let of: Vec<String> = asked.iter().map(|(path, count)| format!("{path} {count}")).collect();
        println!("| {name} | {} | {sent} | {} |", asked.values().sum::<usize>(), of.join(", "));
    }

    drop(own);
    let mut took: Vec<Duration> = Vec::new();
    for round in 0..ROUNDS {
        let (name, host) = (format!("stack{round}_web"), format!("changed{round}.example"));
        sleep(Duration::from_millis(1_300));
        for_leeward.put_service(&name, &host, TASKS_OF_EACH);
        let changed = Instant::now();
        for_leeward.say_of_swarm("service", &name, "update");
        until("the change is in the document", || document().contains(&host));
        took.push(changed.elapsed());
    }
    took.sort_unstable();
    let [now, most] = leeward.memory();
    println!(
        "\na change of one service to the document with it read: p50 {} ms, p95 {} ms, most {} ms; resident {} KiB, at most {} KiB",
        took[took.len() / 2].as_millis(),
        took[took.len() * 95 / 100].as_millis(),
        took[took.len() - 1].as_millis(),
        now,
        most,
    );
}
