//! Leeward with a Traefik beside a Traefik with its own Docker provider, on one engine, in one run: how soon a started
//! container is routed, and what that costs. Prints the tables of `docs/performance.md`.
//!
//! As root, with Docker's programs, and `LEEWARD_TRAEFIK_DIR` as `.ci/run` fills it:
//! `cargo bench --bench side_by_side`: a real engine of 100 containers and a simulated one of 1,000, in under ten minutes on
//! an idle machine once it is built. `LEEWARD_SIZES=100,1000,10000` adds one of 10,000.
//!
//! Each round measures one side right after the other, and the ratio is of rounds: least, middle and most, so that it can be
//! seen whether it is to be trusted. The first line names the machine and what else runs on it.
//!
//! Bursts come after the single starts: ten and 50 containers that start one after the other, 50 that stop, and on the real
//! engine a `docker-compose up` of 20 services. Counted is from the last one's start or end until Traefik shows it.
//! At the end stands what Leeward holds in memory: when it was started, and after many changes.
//!
//! The sides take turns, and while one is measured the other is frozen: neither waits for the other's work. Both Traefiks
//! have `providersThrottleDuration: 100ms`. What Traefik itself needs is measured too, with prepared documents.
//!
//! A Traefik without a default certificate makes an RSA key at each change of its configuration, whichever provider it
//! comes from. Leeward runs as shipped, with `--default-certificate`. So each size is measured twice, with the other
//! Traefik as it is by default, and with a default certificate from a file, so that nobody takes the key for Leeward's
//! speed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement for people"
)]

mod engine;
#[path = "../../e2e/engines.rs"]
#[expect(dead_code, reason = "nobody asks which engine it is")]
mod engines;
#[path = "../../support/eventually.rs"]
mod eventually;
mod floor;
#[path = "../../e2e/images.rs"]
#[expect(dead_code, reason = "only its smallest image is needed")]
mod images;
#[path = "../../e2e/lab.rs"]
#[expect(dead_code, reason = "nobody visits anything here")]
mod lab;
#[path = "../../support/loopback.rs"]
mod loopback;
mod process;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use self::engine::{Engine, Side, Simulated, now};
use self::lab::{Lab, eventually};
use self::process::{Caller, Process, Traefik, freeze, settle, status};

const TRAEFIK: &str = "3.7.15";
const SUBJECT: &str = "subject";
/// How many containers start in the longest burst.
const MOST: usize = 50;
/// How many services the project of Compose has.
const SERVICES: usize = 20;

fn main() {
    let Some(folder) = std::env::var_os("LEEWARD_TRAEFIK_DIR") else {
        println!("LEFT OUT: LEEWARD_TRAEFIK_DIR is not set; it holds {TRAEFIK}/traefik");
        return;
    };
    let binary = Path::new(&folder).join(TRAEFIK).join("traefik");
    let sizes = std::env::var_os("LEEWARD_SIZES").map_or("100,1000".into(), |it| it.to_string_lossy().into_owned());
    println!("the program: {} bytes; {}", std::fs::metadata(images::binary()).unwrap().len(), machine());
    let begun = Instant::now();
    for size in sizes.split(',') {
        let count: usize = size.trim().parse().expect("LEEWARD_SIZES");
        let engine = if count <= 100 { real(count) } else { Engine::Simulated(Simulated::start(count, &subjects())) };
        for certificate in [false, true] {
            Bench::start(binary.clone(), count, &engine, certificate).measure();
        }
    }
    println!("\nall of it took {} s; now: {}", begun.elapsed().as_secs(), machine());
}

/// The containers of a burst of so many.
fn burst(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("b{at}")).collect()
}

/// All that are started and stopped.
fn subjects() -> Vec<String> {
    [vec![SUBJECT.to_owned()], burst(MOST)].concat()
}

/// The machine, and what runs on it. Source: `proc(5)`.
fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let (processors, load, memory) = (read("/proc/cpuinfo"), read("/proc/loadavg"), read("/proc/meminfo"));
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("unknown", |(_, value)| value.trim()).to_owned()
    };
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    format!(
        "{count} x {}, memory {}, load {} ({count} is fully busy)",
        value(&processors, "model name"),
        value(&memory, "MemTotal"),
        load.join(" ")
    )
}

/// One engine, both sides, and how often each thing is done.
struct Bench<'a> {
    binary: PathBuf,
    count: usize,
    engine: &'a Engine,
    /// The Traefik with its own provider has a default certificate too.
    certificate: bool,
    own: Traefik,
    leeward: Process,
    fed: Traefik,
    /// Where Leeward answers.
    served: SocketAddr,
    /// What Leeward held when its first document was there, in KiB.
    at_first: u64,
    folder: tempfile::TempDir,
}

impl<'a> Bench<'a> {
    fn start(binary: PathBuf, count: usize, engine: &'a Engine, certificate: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let served = loopback::own();
        let begun = Instant::now();
        let leeward = Process::start(Command::new(images::binary()).env_remove("DOCKER_HOST").args([
            "serve",
            &format!("--engine={}", engine.socket(Side::Leeward)),
            &format!("--listen={served}"),
            "--names=traefik",
            "--hold=25s",
            "--default-certificate",
        ]));
        eventually(Duration::from_mins(2), "Leeward is ready", || {
            let status = status(served, "/readyz");
            if status == 200 { Ok(()) } else { Err(status.to_string()) }
        });
        let (ready, at_first) = (begun.elapsed(), leeward.memory());
        let place = folder.path();
        let docker = format!("{{ endpoint: '{}', exposedByDefault: false }}", engine.socket(Side::Own));
        let begun = Instant::now();
        let own = Traefik::start(&binary, place, "own", ("docker", &docker), certificate);
        own.until(&["other0"], true);
        println!(
            "\ncold start with {count} containers: Leeward has its first document after {} ms, Traefik's own provider routes \
             after {} ms",
            ready.as_millis(),
            begun.elapsed().as_millis()
        );
        let http = format!("{{ endpoint: 'http://{served}/config', pollInterval: 100ms, pollTimeout: 30m }}");
        let fed = Traefik::start(&binary, place, "fed", ("http", &http), false);
        fed.until(&["other0"], true);
        settle(&[&own.process, &leeward, &fed.process]);
        Self { binary, count, engine, certificate, own, leeward, fed, served, at_first, folder }
    }

    /// The processes of the other side.
    fn others(&self, side: Side) -> Vec<&Process> {
        match side {
            Side::Own => vec![&self.leeward, &self.fed.process],
            Side::Leeward => vec![&self.own.process],
        }
    }

    fn own_processes(&self, side: Side) -> Vec<&Process> {
        self.others(if side == Side::Own { Side::Leeward } else { Side::Own })
    }

    fn all(&self) -> [&Process; 3] {
        [&self.own.process, &self.leeward, &self.fed.process]
    }

    fn traefik(&self, side: Side) -> &Traefik {
        if side == Side::Own { &self.own } else { &self.fed }
    }

    /// From the last one's start until all are routed, and from the last one's end until none is, one side alone.
    fn start_and_stop<T: AsRef<str>>(&self, side: Side, containers: &[T]) -> [Duration; 2] {
        let others = self.others(side);
        freeze(&others, true);
        let traefik = self.traefik(side);
        let began = self.engine.start(side, containers);
        traefik.until(containers, true);
        let routed = now();
        let started = routed.saturating_sub(self.engine.started(containers, began));
        let began = self.engine.stop(side, containers);
        traefik.until(containers, false);
        let gone = now();
        let stopped = gone.saturating_sub(self.engine.finished(containers, began));
        freeze(&others, false);
        // A real engine has told the other side, too, which now works it off.
        settle(&self.all());
        [started, stopped]
    }

    /// From the last one's start until all services of a project that Compose brings up are routed, one side alone.
    fn composed(&self, side: Side, lab: &Lab) -> Duration {
        let others = self.others(side);
        freeze(&others, true);
        let services: Vec<String> = (0..SERVICES).map(|at| format!("town{at}")).collect();
        let project = self.folder.path().join("town.yaml");
        std::fs::write(&project, town(&services)).unwrap();
        let compose = |arguments: &[&str]| {
            let mut command = Command::new("docker-compose");
            command.args(["-p", "town", "-f"]).arg(&project).args(arguments);
            lab.with_engine(&mut command).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        };
        let mut up = compose(&["up", "-d"]);
        self.traefik(side).until(&services, true);
        let routed = now();
        assert!(up.wait().unwrap().success());
        let started = self.engine.started(&services, routed);
        assert!(compose(&["down", "-t", "0"]).wait().unwrap().success());
        freeze(&others, false);
        settle(&self.all());
        routed.saturating_sub(started)
    }

    /// Questions asked and time spent by one side's processes for each start and stop, while nobody looks.
    fn cost(&self, side: Side, rounds: u32) -> (Option<usize>, Vec<Duration>) {
        let others = self.others(side);
        freeze(&others, true);
        let processes = self.own_processes(side);
        self.engine.take_asked(side);
        let before: Vec<Duration> = processes.iter().map(|it| it.cpu()).collect();
        for _ in 0..rounds {
            self.engine.start(side, &[SUBJECT]);
            settle(&processes);
            self.engine.stop(side, &[SUBJECT]);
            settle(&processes);
        }
        let spent = processes.iter().zip(before).map(|(it, before)| it.cpu().saturating_sub(before) / rounds).collect();
        let asked = self.engine.take_asked(side).map(|asked| asked / rounds as usize);
        freeze(&others, false);
        settle(&self.all());
        (asked, spent)
    }

    /// From a start until the document with it is here, as a Traefik would get it.
    fn started_to_document(&self, rounds: usize) -> Vec<Duration> {
        let mut caller = Caller::connect(self.served);
        caller.ask("/config", "");
        let mut document = caller.answer();
        (0..rounds)
            .map(|_| {
                caller.ask("/config", "");
                let began = self.engine.start(Side::Leeward, &[SUBJECT]);
                let next = caller.answer();
                let delivered = now();
                let took = delivered.saturating_sub(self.engine.started(&[SUBJECT], began));
                assert!(next != document, "held until something changed");
                caller.ask("/config", "");
                self.engine.stop(Side::Leeward, &[SUBJECT]);
                document = caller.answer();
                sleep(Duration::from_secs(1));
                took
            })
            .collect()
    }

    /// From a document's arrival at a Traefik of its own until it routes what is new in it.
    fn document_to_routed(&self, rounds: usize) -> Vec<Duration> {
        let document = || {
            let mut caller = Caller::connect(self.served);
            caller.ask("/config", "");
            caller.answer()
        };
        let without = document();
        self.engine.start(Side::Leeward, &[SUBJECT]);
        eventually(Duration::from_secs(30), "the subject is in the document", || {
            if document() == without { Err("it is not".to_owned()) } else { Ok(()) }
        });
        let with = document();
        self.engine.stop(Side::Leeward, &[SUBJECT]);
        freeze(&self.all(), true);
        let server = floor::Server::start(&without);
        let http =
            format!("{{ endpoint: 'http://127.0.0.1:{}/', pollInterval: 100ms, pollTimeout: 30m }}", server.port);
        let traefik = Traefik::start(&self.binary, self.folder.path(), "floor", ("http", &http), self.certificate);
        traefik.until(&["other0"], true);
        let times = (0..rounds)
            .map(|_| {
                settle(&[&traefik.process]);
                let began = Instant::now();
                server.publish(&with);
                traefik.until(&[SUBJECT], true);
                let took = began.elapsed();
                server.publish(&without);
                traefik.until(&[SUBJECT], false);
                took
            })
            .collect();
        drop(traefik);
        freeze(&self.all(), false);
        settle(&self.all());
        times
    }

    /// Held polls: what 256 of them cost, how soon the last of them has a change, and how many are answered in a second.
    fn polls(&self) -> String {
        const HELD: usize = 250;
        let before = self.leeward.memory();
        let mut callers: Vec<Caller> = (0..HELD).map(|_| Caller::connect(self.served)).collect();
        for caller in &mut callers {
            caller.ask("/config", "");
            caller.answer();
            caller.ask("/config", "");
        }
        sleep(Duration::from_millis(500));
        let held = self.leeward.memory();
        let began = self.engine.start(Side::Leeward, &[SUBJECT]);
        for caller in &mut callers {
            caller.answer();
        }
        let answered = now();
        let all = answered.saturating_sub(self.engine.started(&[SUBJECT], began));
        self.engine.stop(Side::Leeward, &[SUBJECT]);
        drop(callers);
        sleep(Duration::from_secs(1));
        let mut caller = Caller::connect(self.served);
        let (begun, mut answers) = (Instant::now(), 0_u32);
        while begun.elapsed() < Duration::from_secs(2) {
            caller.ask("/config", "Prefer: wait=0\r\n");
            caller.answer();
            answers += 1;
        }
        format!(
            "{HELD} held polls: {} KiB more; all have a change after {:.0} ms; one connection that is never held: {} answers a \
             second",
            held.saturating_sub(before),
            all.as_secs_f64() * 1000.0,
            answers / 2
        )
    }

    fn measure(&self) {
        let rounds: usize = match (self.count, self.certificate) {
            (0..=1_000, true) => 8,
            (0..=100, false) => 16,
            (101..=1_000, false) => 12,
            _ => 4,
        };
        let kind = if matches!(self.engine, Engine::Real(_)) { "real" } else { "simulated" };
        let certificate = if self.certificate { "with" } else { "without" };
        println!(
            "\n{} containers on a {kind} engine; Leeward as shipped, Traefik's own provider {certificate} a default \
             certificate; {rounds} rounds; started to routed:\n",
            self.count
        );
        println!("| | one: p50 | p95 | engine calls | CPU | resident |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: |");
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for side in [Side::Own, Side::Leeward] {
                let [started, _] = self.start_and_stop(side, &[SUBJECT]);
                times[side as usize].push(started);
            }
        }
        let one = spread(&times[Side::Leeward as usize], &times[Side::Own as usize]);
        for side in [Side::Own, Side::Leeward] {
            let (asked, spent) = self.cost(side, (rounds / 4).max(2).try_into().unwrap());
            let times = &mut times[side as usize];
            let sum: Duration = spent.iter().sum();
            println!(
                "| {} | {:.0} ms | {:.0} ms | {} | {} ms{} | {} |",
                side.name(),
                percentile(times, 50),
                percentile(times, 95),
                asked.map_or("not counted".to_owned(), |asked| asked.to_string()),
                sum.as_millis(),
                if side == Side::Own { String::new() } else { format!(" (Leeward: {})", spent[0].as_millis()) },
                self.own_processes(side)
                    .iter()
                    .map(|it| format!("{:.1} MiB", f64::from(u32::try_from(it.memory()).unwrap()) / 1024.0))
                    .collect::<Vec<_>>()
                    .join(" + "),
            );
        }
        let mut floor = self.document_to_routed(rounds);
        println!(
            "| Traefik's floor: document received to routed | {:.0} ms | {:.0} ms | | | |",
            percentile(&mut floor, 50),
            percentile(&mut floor, 95)
        );
        println!("\nLeeward's share of Traefik's own, round by round: {one}");
        self.bursts(rounds);
        // The other Traefik's certificate makes no difference to these.
        if self.certificate {
            return;
        }
        let mut documents = self.started_to_document(rounds);
        println!(
            "started to document delivered: p50 {:.0} ms, p95 {:.0} ms",
            percentile(&mut documents, 50),
            percentile(&mut documents, 95)
        );
        println!("{}", self.polls());
        self.churn();
    }

    /// What is routed last where many start or stop one after the other.
    fn bursts(&self, rounds: usize) {
        let sides = [Side::Own, Side::Leeward];
        let mut measured: Vec<(String, [Vec<Duration>; 2])> = Vec::new();
        // Long ones take minutes, and a default certificate makes no difference to them that ten do not show.
        let few = usize::from(!self.certificate);
        for (count, rounds) in [(10, rounds.div_ceil(5)), (MOST, few)].into_iter().filter(|(_, rounds)| *rounds > 0) {
            let containers = burst(count);
            let (mut starts, mut stops) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
            for _ in 0..rounds {
                for side in sides {
                    let [started, stopped] = self.start_and_stop(side, &containers);
                    starts[side as usize].push(started);
                    stops[side as usize].push(stopped);
                }
            }
            measured.push((format!("{count} starts"), starts));
            measured.push((format!("{count} stops"), stops));
        }
        if let (Engine::Real(lab), 1..) = (self.engine, few) {
            let mut ups = [Vec::new(), Vec::new()];
            for _ in 0..few {
                for side in sides {
                    ups[side as usize].push(self.composed(side, lab));
                }
            }
            measured.push((format!("docker-compose up of {SERVICES} services"), ups));
        }
        println!(
            "\n| the last of | Traefik's own: p50 | most | Leeward + Traefik: p50 | most | share, round by round |"
        );
        println!("| --- | ---: | ---: | ---: | ---: | ---: |");
        for (what, [mut own, mut leeward]) in measured {
            let share = spread(&leeward, &own);
            let [own, leeward] = [&mut own, &mut leeward]
                .map(|times| format!("{:.0} ms | {:.0} ms", percentile(times, 50), percentile(times, 100)));
            println!("| {what} | {own} | {leeward} | {share} |");
        }
        println!();
    }

    /// What Leeward holds after many changes. A real engine takes half a second for a start and a stop.
    fn churn(&self) {
        let changes = if matches!(self.engine, Engine::Real(_)) { 100 } else { 1_000 };
        let before = self.leeward.memory();
        let others = self.others(Side::Leeward);
        freeze(&others, true);
        for _ in 0..changes / 2 {
            self.engine.start(Side::Leeward, &[SUBJECT]);
            sleep(Duration::from_millis(if changes == 100 { 500 } else { 10 }));
            self.engine.stop(Side::Leeward, &[SUBJECT]);
        }
        settle(&self.own_processes(Side::Leeward));
        freeze(&others, false);
        settle(&self.all());
        println!(
            "Leeward holds {} KiB at its first document, {before} after the above, {} after {changes} changes more",
            self.at_first,
            self.leeward.memory()
        );
    }
}

/// A project of Compose whose services are routed by their own names.
fn town(services: &[String]) -> String {
    let service = |name: &String| {
        format!(
            "  {name}:\n    image: {}\n    container_name: {name}\n    command: sleep 9999\n    init: true\n    networks: [inner]\n    \
             labels: {{ traefik.enable: 'true', traefik.http.routers.{name}.rule: 'Host(`{name}.test`)', \
             traefik.http.services.{name}.loadbalancer.server.port: '80' }}\n",
            images::BUSYBOX
        )
    };
    let services: String = services.iter().map(service).collect();
    format!("version: '3.8'\nservices:\n{services}networks: {{ inner: {{ external: true, name: inner }} }}\n")
}

/// An engine of our own with running containers, and the subjects, which are not.
fn real(count: usize) -> Engine {
    let lab = Lab::start("bench_side_by_side", &["docker-compose".to_owned()]);
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
    for name in subjects() {
        make(&["create"], &name);
    }
    Engine::Real(Box::new(lab))
}

/// How many times `other`'s one's are, round by round: the least, the middle and the most.
fn spread(one: &[Duration], other: &[Duration]) -> String {
    let mut ratios: Vec<f64> =
        one.iter().zip(other).map(|(one, other)| one.as_secs_f64() / other.as_secs_f64()).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    format!("{:.2} ({:.2} to {:.2})", ratios[ratios.len() / 2], ratios[0], ratios[ratios.len() - 1])
}

/// In milliseconds.
fn percentile(times: &mut [Duration], hundredths: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() * hundredths / 100).min(times.len() - 1)].as_secs_f64() * 1000.0
}
