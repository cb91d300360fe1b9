//! From a container's start to its route, side by side: a Traefik with its own Docker provider, and one with Leeward.
//!
//! Both watch the same engine, both with `providersThrottleDuration: 100ms`, in the same run. Needs root, Docker's programs
//! and a Traefik: `LEEWARD_TRAEFIK_DIR=… cargo bench --bench routed`. `LEEWARD_CONTAINERS` sets how many others run, 100 if
//! not set. Time is counted from the engine's own `StartedAt`; CPU is user and system time for each start and stop.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement for people"
)]

#[path = "../e2e/images.rs"]
#[expect(dead_code, reason = "only its smallest image is needed")]
mod images;
#[path = "../e2e/lab.rs"]
#[expect(dead_code, reason = "nobody visits anything here")]
mod lab;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use self::lab::{Lab, eventually};

const ROUNDS: usize = 30;
const TRAEFIK: &str = "3.7.15";

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
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// User and system time so far. Source: `proc(5)`, fields 14 and 15, in hundredths of a second.
    fn cpu(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    fn memory(&self) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().trim().to_owned()
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The status of a `GET`; 0 where nobody answers.
fn status(port: u16, path: &str) -> u16 {
    let ask = || -> std::io::Result<u16> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(String::from_utf8_lossy(&head[9..]).parse().unwrap_or_default())
    };
    ask().unwrap_or_default()
}

fn traefik(binary: &Path, folder: &Path, name: &str, port: u16, provider: &str) -> Process {
    let text = format!(
        "api: {{ insecure: true }}\nentryPoints:\n  traefik: {{ address: '127.0.0.1:{port}' }}\n  web: {{ address: \
         '127.0.0.1:{}' }}\nproviders:\n  providersThrottleDuration: 100ms\n  {provider}\n",
        free_port()
    );
    let path = folder.join(format!("{name}.yml"));
    fs::write(&path, text).unwrap();
    let started = Process::start(Command::new(binary).arg(format!("--configfile={}", path.display())));
    eventually(Duration::from_secs(20), "Traefik answers", || {
        let status = status(port, "/api/overview");
        if status == 200 { Ok(()) } else { Err(status.to_string()) }
    });
    started
}

/// Since 1970.
fn started_at(lab: &Lab, container: &str) -> Duration {
    let written = lab.docker(&["inspect", "-f", "{{.State.StartedAt}}", container]).out;
    let seconds = lab::must(&["date", "-d", written.trim(), "+%s.%N"]);
    Duration::from_secs_f64(seconds.parse().unwrap())
}

fn percentile(times: &mut [Duration], hundredths: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * hundredths / 100).min(times.len() - 1)]
}

fn main() {
    let Some(folder) = std::env::var_os("LEEWARD_TRAEFIK_DIR") else {
        println!("LEFT OUT: LEEWARD_TRAEFIK_DIR is not set; it holds {TRAEFIK}/traefik");
        return;
    };
    let binary = Path::new(&folder).join(TRAEFIK).join("traefik");
    let count = std::env::var_os("LEEWARD_CONTAINERS").map_or(100, |it| it.to_string_lossy().parse().unwrap());
    let lab = Lab::start("bench_routed", &["docker-compose".to_owned()]);
    images::busybox(&lab, images::BUSYBOX, &[]);
    lab.docker_ok(&["network", "create", "--internal", "inner"]);
    let make = |verb: &[&str], name: &str| {
        let rule = format!("traefik.http.routers.{name}.rule=Host(`{name}.test`)");
        let port = format!("traefik.http.services.{name}.loadbalancer.server.port=80");
        let labels =
            ["--label", "traefik.enable=true", "--label", &rule, "--label", &port, images::BUSYBOX, "sleep", "9999"];
        lab.docker_ok(&[verb, &["--init", "--name", name, "--network", "inner"], &labels].concat());
    };
    for number in 0..count {
        make(&["run", "-d"], &format!("other{number}"));
    }
    make(&["create"], "subject");

    let place = lab.folder();
    let (served, own_api, our_api) = (free_port(), free_port(), free_port());
    let engine = lab.socket();
    let leeward = Process::start(Command::new(images::binary()).env_remove("DOCKER_HOST").args([
        "serve",
        &format!("--engine={engine}"),
        &format!("--listen=127.0.0.1:{served}"),
        "--names=traefik",
    ]));
    eventually(Duration::from_secs(30), "Leeward is ready", || {
        let status = status(served, "/readyz");
        if status == 200 { Ok(()) } else { Err(status.to_string()) }
    });
    let docker = format!("docker: {{ endpoint: '{engine}', exposedByDefault: false }}");
    let own = traefik(&binary, place, "own", own_api, &docker);
    let http =
        format!("http: {{ endpoint: 'http://127.0.0.1:{served}/config', pollInterval: 250ms, pollTimeout: 30s }}");
    let fed = traefik(&binary, place, "fed", our_api, &http);
    for (port, provider) in [(own_api, "docker"), (our_api, "http")] {
        eventually(Duration::from_secs(30), "Traefik knows the others", || {
            let status = status(port, &format!("/api/http/routers/other0@{provider}"));
            if count == 0 || status == 200 { Ok(()) } else { Err(status.to_string()) }
        });
    }

    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut starting = Process::start(lab.with_engine(Command::new("docker").args(["start", "subject"])));
        let begun = Instant::now();
        let (mut at_own, mut at_ours) = (None, None);
        while at_own.is_none() || at_ours.is_none() {
            assert!(begun.elapsed() < Duration::from_secs(30), "not routed: {at_own:?} {at_ours:?}");
            let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            if at_ours.is_none() && status(our_api, "/api/http/routers/subject@http") == 200 {
                at_ours = Some(now());
            }
            if at_own.is_none() && status(own_api, "/api/http/routers/subject@docker") == 200 {
                at_own = Some(now());
            }
            sleep(Duration::from_millis(2));
        }
        starting.0.wait().unwrap();
        let start = started_at(&lab, "subject");
        theirs.push(at_own.unwrap().saturating_sub(start));
        ours.push(at_ours.unwrap().saturating_sub(start));
        lab.docker(&["stop", "-t", "0", "subject"]);
        eventually(Duration::from_secs(30), "the route is gone on both sides", || {
            let left = [(own_api, "docker"), (our_api, "http")]
                .map(|(port, provider)| status(port, &format!("/api/http/routers/subject@{provider}")));
            if left == [404, 404] { Ok(()) } else { Err(format!("{left:?}")) }
        });
        sleep(Duration::from_millis(300));
    }
    // Asking so often is work, too: what the changes themselves cost is measured while nobody asks.
    let cpu = || [own.cpu(), leeward.cpu(), fed.cpu()];
    let before = cpu();
    for _ in 0..ROUNDS {
        for change in [&["start", "subject"][..], &["stop", "-t", "0", "subject"]] {
            lab.docker(change);
            sleep(Duration::from_millis(400));
        }
    }
    let after = cpu();
    let spent = |at: usize| {
        after[at].saturating_sub(before[at]).as_secs_f64() * 1000.0 / f64::from(u32::try_from(ROUNDS).unwrap())
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;

    println!("\n{count} other containers, {ROUNDS} starts and stops, started to routed:");
    println!("| | p50 | p95 | CPU for a start and a stop | memory |");
    println!("| --- | --- | --- | --- | --- |");
    let row = |name: &str, times: &mut Vec<Duration>, spent: f64, memory: String| {
        let (p50, p95) = (milliseconds(percentile(times, 50)), milliseconds(percentile(times, 95)));
        println!("| {name} | {p50:.0} ms | {p95:.0} ms | {spent:.1} ms | {memory} |");
        p50
    };
    let own_p50 = row("Traefik's own Docker provider", &mut theirs, spent(0), own.memory());
    let memory = format!("{} + {}", leeward.memory(), fed.memory());
    let our_p50 = row("Leeward + Traefik", &mut ours, spent(1) + spent(2), memory);
    println!("of which Leeward: {:.1} ms CPU; ratio of the p50: {:.2}", spent(1), own_p50 / our_p50);
}
