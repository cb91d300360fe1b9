//! What has to hold on every engine that people run, Docker or Podman: which facts are read, which verdicts follow, that they
//! are true, what the gate lets through, and that routes follow events. One line of a table for each check.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::engines::Program;
use crate::images;
use crate::lab::{HOST, Lab, OUTSIDE, eventually, json, must, root};

/// The name of the test, the one that Podman runs.
pub(crate) const TEST: &str = "an_engine";

const WEB: &str = "web:test";
const CAREFUL: [&str; 6] = ["--cap-drop", "ALL", "--tmpfs", "/tmp", "--security-opt", "no-new-privileges"];

#[test]
fn an_engine() {
    let Some(means) = crate::means(TEST) else { return };
    let lab = Lab::start(TEST, &means.composes[0]);
    images::busybox(&lab, images::BUSYBOX, &[]);
    images::web(&lab, WEB, &[]);
    lab.docker_ok(&["network", "create", "--internal", "inner"]);
    lab.docker_ok(&["network", "create", "open"]);
    let mut scene = Scene::new(lab, &means.traefik);
    scene.check("facts", Scene::facts_are_read);
    scene.check("verdicts", Scene::verdicts_follow);
    scene.check("gate", Scene::the_gate_says_the_same);
    scene.check("events", Scene::routes_follow_events);
    scene.check("routing", Scene::requests_arrive);
    scene.check("stays inside", Scene::nothing_gets_out);
    scene.check("names stay inside", Scene::names_leak_where_the_audit_says_so);
    scene.check("other platforms", Scene::labels_of_other_platforms_are_not_the_operators);
    scene.check("forwarding reset", Scene::a_reset_of_forwarding_lets_nobody_out_unannounced);
    scene.check("units for systemd", Scene::the_shipped_units_work);
    scene.finish();
}

/// A process that ends with the test.
struct Own(Child);

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

type Checked = Result<String, String>;

struct Scene {
    traefik: PathBuf,
    serve: Own,
    /// The gate, and Traefik.
    _others: [Own; 2],
    lab: Lab,
    /// Of each check its name, and how it went.
    rows: Vec<(&'static str, Checked)>,
}

impl Scene {
    /// Leeward behind its gate, and Traefik, as processes of the lab's host: that is the only place from which every engine's
    /// networks are reached without a container of the right kind.
    fn new(lab: Lab, traefik: &std::path::Path) -> Self {
        let door = format!("unix://{}/gate.sock", lab.folder().display());
        let leeward = images::binary();
        let on_host = |program: &std::path::Path, arguments: &[&str]| {
            let mut command = Command::new("nsenter");
            command.args(["-t", &lab.engine().to_string(), "-n"]).arg(program).args(arguments).env_clear();
            let log = fs::File::create(lab.folder().join(format!("{}.log", arguments[0]))).unwrap();
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
            Own(command.spawn().unwrap())
        };
        let gate = on_host(&leeward, &["gate", &format!("--engine={}", lab.socket()), &format!("--listen={door}")]);
        let serve = on_host(
            &leeward,
            &["serve", &format!("--engine={door}"), "--listen=127.0.0.1:9000", "--traefik-version=3.7"],
        );
        let routes = on_host(
            traefik,
            &[
                "--entrypoints.web.address=:80",
                "--providers.providersthrottleduration=100ms",
                "--providers.http.endpoint=http://127.0.0.1:9000/config",
                "--providers.http.pollinterval=250ms",
            ],
        );
        let traefik = traefik.to_owned();
        let scene = Self { traefik, serve, _others: [gate, routes], lab, rows: Vec::new() };
        eventually(Duration::from_secs(30), "leeward is ready", || {
            let answer = scene.ask("/readyz");
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        });
        scene
    }

    fn ask(&self, path: &str) -> crate::lab::Answer {
        crate::lab::get(&self.serve.0.id().to_string(), &format!("http://127.0.0.1:9000{path}"))
    }

    /// Runs a check, and goes on whatever comes of it.
    fn check(&mut self, name: &'static str, check: fn(&Self) -> Checked) {
        let result = check(self);
        self.lab.note(&format!("{name}: {result:?}"));
        self.rows.push((name, result));
    }

    /// Adds the rows to the table of all engines, and fails if one of them did.
    fn finish(self) {
        let version = json(&self.lab.docker_ok(&["version", "-f", "{{json .Server}}"]))["Version"].clone();
        let name = format!("{} ({})", self.lab.chosen().name, version.as_str().unwrap_or_default());
        let folder = root().join("target/e2e/engines");
        fs::create_dir_all(&folder).unwrap();
        let mut table = String::new();
        for (check, result) in &self.rows {
            let (mark, words) = match result {
                Ok(words) => ("ok", words),
                Err(words) => ("FAILED", words),
            };
            writeln!(table, "{name}\t{check}\t{mark}\t{}", words.replace(['\n', '\t'], " ")).unwrap();
        }
        fs::write(folder.join(format!("{}.tsv", self.lab.chosen().name)), &table).unwrap();
        println!("{table}");
        let failed: Vec<_> = self.rows.iter().filter(|(_, result)| result.is_err()).collect();
        assert!(failed.is_empty(), "{failed:#?}");
    }

    fn is_podman(&self) -> bool {
        self.lab.chosen().program == Program::Podman
    }

    /// Starts a container that asks for `Host(<name>.test)`.
    fn asks(&self, name: &str, network: &str, more: &[&str]) {
        let rule = format!("traefik.http.routers.web.rule=Host(`{name}.test`)");
        let labels = ["--label", "traefik.enable=true", "--label", &rule];
        let begin = ["run", "-d", "--name", name, "--network", network];
        self.lab.docker_ok(&[&begin[..], &labels, more, &[WEB]].concat());
    }

    fn remove(&self, names: &[&str]) {
        self.lab.docker_ok(&[&["rm", "-f"][..], names].concat());
    }

    /// Waits until a container is judged like this: `routed`, or the rule that refuses it.
    fn until(&self, name: &str, wanted: &str) -> Result<Value, String> {
        let mut seen = Value::Null;
        let until = Instant::now() + Duration::from_secs(15);
        loop {
            let answer = self.ask(&format!("/explain/{name}"));
            if answer.status == 200 {
                seen = json(&answer.body);
            }
            let codes = [&seen["outcome"], &seen["refusal"]["rule"], &seen["refusal"]["code"]];
            if codes.iter().any(|code| code.as_str() == Some(wanted)) {
                return Ok(seen);
            }
            if Instant::now() > until {
                return Err(format!("{name} is not {wanted}: {} {}", seen["outcome"], seen["refusal"]));
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// The rules of the findings about a container.
    fn findings(seen: &Value) -> String {
        seen.to_string()
    }

    /// Whether a container gets to the "Internet".
    fn gets_out(&self, container: &str) -> bool {
        self.lab.inside(container, &["nc", "-w", "2", OUTSIDE, "80", "-e", "true"]).ok
    }

    fn facts_are_read(&self) -> Checked {
        self.asks("fact", "inner", &[&CAREFUL[..], &["--label", "x=y", "--user", "101"]].concat());
        let seen = self.until("fact", "routed")?;
        self.remove(&["fact"]);
        let servers = seen["routes"].to_string();
        if servers.contains(":8080") { Ok("address, port, labels, user".to_owned()) } else { Err(seen.to_string()) }
    }

    fn verdicts_follow(&self) -> Checked {
        let mut done = Vec::new();
        let cases: [(&str, &str, &[&str], &str); 7] = [
            ("v-open", "open", &[], "NET-001"),
            ("v-host", "host", &[], "NET-002"),
            ("v-admin", "inner", &["--cap-add", "NET_ADMIN"], "NET-014"),
            ("v-all", "inner", &["--privileged"], "PRV-001"),
            ("v-pid", "inner", &["--pid", "host"], "PRV-005"),
            ("v-socket", "inner", &["-v", "/run:/h:ro"], "PRV-002"),
            ("v-good", "inner", &[], "routed"),
        ];
        for (name, network, more, wanted) in cases {
            self.asks(name, network, &[&CAREFUL[..], more].concat());
            let seen = self.until(name, wanted);
            self.remove(&[name]);
            let seen = seen?;
            if wanted != "routed" && name == "v-open" && seen["outcome"] != "refused" {
                return Err(seen.to_string());
            }
            done.push(wanted);
        }
        // A neighbour that may add routes refuses on Podman, whose `internal` is no filter; on Docker it does not.
        self.asks("v-near", "inner", &CAREFUL);
        let neighbour = ["run", "-d", "--name", "adder", "--network", "inner", "--cap-add", "NET_ADMIN"];
        self.lab.docker_ok(&[&neighbour[..], &[images::BUSYBOX, "sleep", "1000"]].concat());
        let near = self.until("v-near", if self.is_podman() { "NET-028" } else { "routed" });
        self.remove(&["v-near", "adder"]);
        near?;
        // Where nothing is published on internal networks, the port is only remembered.
        self.asks("v-port", "inner", &[&CAREFUL[..], &["-p", "127.0.0.1:8099:8080"]].concat());
        let port = self.until("v-port", "routed");
        let answers = self.lab.ask(&self.lab.engine().to_string(), "http://127.0.0.1:8099/").status == 200;
        self.remove(&["v-port"]);
        let port = Self::findings(&port?);
        if answers || !port.contains("PUB-003") || port.contains("PUB-002") {
            return Err(format!("port on an internal network answers: {answers}; {port}"));
        }
        Ok(done.join(" "))
    }

    fn the_gate_says_the_same(&self) -> Checked {
        self.asks("gated", "inner", &CAREFUL);
        let routed = self.until("gated", "routed");
        let routes = |engine: &str| {
            let mut command = Command::new(images::binary());
            command.args(["routes", "--format=json", &format!("--engine={engine}")]).env_clear();
            String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
        };
        let gate = format!("unix://{}/gate.sock", self.lab.folder().display());
        let (direct, gated) = (routes(&self.lab.socket()), routes(&gate));
        let through = |arguments: &[&str]| {
            let mut command = Command::new("docker");
            command.args(arguments).env("DOCKER_HOST", &gate).env_remove("DOCKER_CONTEXT");
            let output = command.output().unwrap();
            (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
        };
        for reads in [&["ps", "-a"][..], &["inspect", "gated"], &["network", "ls"], &["version"], &["info"]] {
            let (ok, said) = through(reads);
            if !ok {
                return Err(format!("docker {reads:?} through the gate: {said}"));
            }
        }
        for writes in [&["rm", "-f", "gated"][..], &["exec", "gated", "true"], &["logs", "gated"]] {
            let (ok, said) = through(writes);
            if ok {
                return Err(format!("docker {writes:?} passes the gate: {said}"));
            }
        }
        self.remove(&["gated"]);
        routed?;
        let audit = |engine: &str| {
            let mut command = Command::new(images::binary());
            command.args(["audit", "--format=json", &format!("--engine={engine}")]).env_clear();
            String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
        };
        if !audit(&self.lab.socket()).contains("SOC-002") || audit(&gate).contains("SOC-00") {
            return Err("the bare socket is not told from the gate".to_owned());
        }
        if direct == gated {
            Ok("same routes; reads pass, writes do not".to_owned())
        } else {
            Err(format!("{direct}\n{gated}"))
        }
    }

    fn routes_follow_events(&self) -> Checked {
        let mut took = Vec::new();
        for _ in 0..3 {
            let begun = Instant::now();
            self.asks("eventful", "inner", &CAREFUL);
            self.until("eventful", "routed")?;
            took.push(begun.elapsed().as_millis());
            self.lab.docker_ok(&["stop", "-t", "0", "eventful"]);
            self.until("eventful", "not-running")?;
            self.lab.docker_ok(&["start", "eventful"]);
            self.until("eventful", "routed")?;
            self.remove(&["eventful"]);
            let gone = || self.ask("/explain/eventful").status == 404;
            eventually(
                Duration::from_secs(10),
                "it is gone",
                || if gone() { Ok(()) } else { Err("not yet".to_owned()) },
            );
        }
        Ok(format!("run to routed in {took:?} ms"))
    }

    fn requests_arrive(&self) -> Checked {
        self.asks("served", "inner", &CAREFUL);
        self.until("served", "routed")?;
        self.lab.until_visit("served.test", 200, "from image");
        let other = self.lab.visit("nobody.test", "/").status;
        self.remove(&["served"]);
        self.lab.until_visit("served.test", 404, "");
        if other == 404 { Ok("through Traefik from outside".to_owned()) } else { Err(format!("nobody.test: {other}")) }
    }

    fn nothing_gets_out(&self) -> Checked {
        let run = |name: &str, network: &str| {
            let begin = ["run", "-d", "--name", name, "--network", network];
            self.lab.docker_ok(&[&begin[..], &[images::BUSYBOX, "sleep", "1000"]].concat());
        };
        run("inside", "inner");
        run("outside", "open");
        let (inside, outside) = (self.gets_out("inside"), self.gets_out("outside"));
        self.remove(&["inside", "outside"]);
        // Without the second the first would prove nothing.
        if !inside && outside { Ok(String::new()) } else { Err(format!("inside {inside}, outside {outside}")) }
    }

    /// How many questions went to the host's resolver, which is on loopback.
    fn questions(&self) -> u64 {
        let engine = self.lab.engine().to_string();
        let list = must(&["nsenter", "-t", &engine, "-n", "iptables", "-t", "raw", "-L", "OUTPUT", "-v", "-x", "-n"]);
        let counted = list.lines().find(|line| line.contains("dpt:53")).unwrap_or_default();
        counted.split_whitespace().next().and_then(|count| count.parse().ok()).unwrap_or_default()
    }

    fn names_leak_where_the_audit_says_so(&self) -> Checked {
        let engine = self.lab.engine().to_string();
        let count = ["-t", "raw", "-A", "OUTPUT", "-p", "udp", "-d", "127.0.0.1", "--dport", "53"];
        must(&[&["nsenter", "-t", &engine, "-n", "iptables"][..], &count].concat());
        self.asks("curious", "inner", &CAREFUL);
        self.until("curious", "routed")?;
        let before = self.questions();
        for name in ["leak-1.example", "leak-2.example"] {
            self.lab.inside("curious", &["nslookup", name]);
        }
        let leaks = self.questions() > before;
        let audit = self.ask("/audit").body;
        let says = audit.contains("ENG-001") || audit.contains("ENG-010");
        self.remove(&["curious"]);
        let words = format!("questions reach the host's resolver: {leaks}; the audit says so: {says}");
        if leaks == says { Ok(words) } else { Err(words) }
    }

    fn labels_of_other_platforms_are_not_the_operators(&self) -> Checked {
        let archive = index(&self.lab);
        let loaded = self.lab.docker(&["load", "-i", archive.to_str().unwrap()]);
        if !loaded.ok && !self.lab.chosen().keeps_variants() {
            return Ok(format!("images of several platforms cannot be loaded: {}", loaded.err.trim()));
        }
        let [own, other] = platforms().map(|architecture| format!("linux/{architecture}"));
        let begin = ["run", "-d", "--name", "foreign", "--network", "inner", "--platform", &other];
        let run = self.lab.docker(&[&begin[..], &["twofold:test"]].concat());
        if !run.ok && !self.lab.chosen().keeps_variants() {
            self.lab.docker(&["rm", "-f", "foreign"]);
            return Ok(format!("no variants under one id: {}", run.err.lines().next().unwrap_or_default()));
        }
        let seen = match self.until("foreign", "ignored") {
            Ok(seen) => seen,
            Err(_) => self.until("foreign", "refused")?,
        };
        // The operator's own label, on the same variant, that its image does not have.
        let rule = ["--label", "traefik.http.routers.mine.rule=Host(`mine.test`)", "--label", "traefik.enable=true"];
        let begin = ["run", "-d", "--name", "mine", "--network", "inner", "--platform", &own];
        self.lab.docker_ok(&[&begin[..], &rule, &["twofold:test"]].concat());
        let mine = self.until("mine", "routed");
        self.remove(&["foreign", "mine"]);
        mine?;
        if seen["outcome"] == "routed" { Err(seen.to_string()) } else { Ok(format!("{}", seen["outcome"])) }
    }

    fn a_reset_of_forwarding_lets_nobody_out_unannounced(&self) -> Checked {
        let engine = self.lab.engine().to_string();
        let sysctl = |value: &str| {
            must(&["nsenter", "-t", &engine, "-n", "sysctl", "-q", "-w", &format!("net.ipv4.ip_forward={value}")])
        };
        let run = ["run", "-d", "--name", "adder", "--network", "inner", "--cap-add", "NET_ADMIN"];
        self.lab.docker_ok(&[&run[..], &[images::BUSYBOX, "sleep", "1000"]].concat());
        self.asks("beside", "inner", &CAREFUL);
        let subnet = "{{(index .IPAM.Config 0).Gateway}}";
        let gateway = self.lab.docker_ok(&["network", "inspect", "-f", subnet, "inner"]);
        self.lab.inside("adder", &["ip", "route", "replace", "default", "via", &gateway]);
        // Nothing hides an internal network's addresses: outside they must have a way back, for an answer to be seen.
        let internet = self.lab.internet().to_string();
        must(&["nsenter", "-t", &internet, "-n", "ip", "route", "replace", "default", "via", HOST]);
        sysctl("0");
        sysctl("1");
        let forwards = ["nsenter", "-t", &engine, "-n", "sh", "-c", "grep . /proc/sys/net/ipv4/conf/*/forwarding"];
        self.lab.note(&must(&forwards).replace('\n', " "));
        let (forced, plain) = (self.gets_out("adder"), self.gets_out("beside"));
        let seen = self.until("beside", if self.is_podman() { "NET-028" } else { "routed" });
        self.remove(&["adder", "beside"]);
        seen?;
        let words = format!("with a route of its own it gets out: {forced}; without: {plain}");
        // What Leeward says is what is so: on Podman it refuses, on Docker there is no need to.
        if !plain && forced == self.is_podman() { Ok(words) } else { Err(words) }
    }

    /// Podman's own generator takes the units in `podman/`, and what it makes of them routes. Without systemd: its commands are
    /// run one after the other, without what only systemd can give.
    fn the_shipped_units_work(&self) -> Checked {
        if !self.is_podman() {
            return Ok("for Podman alone".to_owned());
        }
        let (lab, at) = (&self.lab, self.lab.folder().display().to_string());
        let units = lab.folder().join("units");
        fs::create_dir_all(&units).unwrap();
        for folder in ["podman", "traefik"] {
            must(&["cp", "-r", &format!("{}/{folder}/.", root().display()), &format!("{at}/units")]);
        }
        // Port 80 is taken by the Traefik of the other checks.
        let traefik = fs::read_to_string(units.join("traefik.container")).unwrap();
        assert!(traefik.contains("PublishPort=80:80"));
        fs::write(units.join("traefik.container"), traefik.replace("PublishPort=80:80", "PublishPort=8088:80"))
            .unwrap();
        // The application of the docs.
        let docs = fs::read_to_string(root().join("docs/podman.md")).unwrap();
        let app1 = docs.split("```ini\n").nth(1).unwrap().split("```").next().unwrap();
        fs::write(units.join("app1.container"), app1).unwrap();
        images::make_all(lab, &self.traefik);
        let socket = format!("mkdir -p /run/podman && ln -sf {at}/docker.sock /run/podman/podman.sock");
        self.in_engine(&["sh", "-c", &socket])?;
        let generator = format!("QUADLET_UNIT_DIRS={at}/units");
        let generate = ["env", &generator, "/usr/libexec/podman/quadlet", "--dryrun"];
        let [of_root, of_user] = [&[][..], &["--user"]].map(|user| self.in_engine(&[&generate[..], user].concat()));
        let (of_root, of_user) = (generated(&of_root?), generated(&of_user?));
        if of_root.len() != 8 || of_user.len() != 8 {
            return Err(format!("of eight units: {of_root:?} {of_user:?}"));
        }
        let started = self.start_units(of_root);
        let mut answers = Err(String::new());
        if started.is_ok() {
            let begun = Instant::now();
            answers = loop {
                let seen = lab.ask(&lab.engine().to_string(), "http://app1.localhost:8088/");
                if seen.status == 200 {
                    break Ok(begun.elapsed());
                }
                if begun.elapsed() > Duration::from_mins(1) {
                    break Err(format!("{seen:?}\n{}", self.way_to_the_port()));
                }
                sleep(Duration::from_millis(100));
            };
        }
        let audit = lab.docker(&["exec", "leeward", "/leeward", "audit", "--format=json"]).out;
        self.remove(&["app1", "traefik", "leeward", "leeward-gate"]);
        started?;
        // Leeward speaks to the gate, and Podman's networks are what they are.
        if audit.contains("SOC-0") || !audit.contains("NET-028") {
            return Err(audit);
        }
        answers.map(|took: Duration| format!("routed {} ms after the last was started", took.as_millis()))
    }

    /// What stands between a published port and the container behind it, to find out why nobody answers there.
    fn way_to_the_port(&self) -> String {
        let inside = |command: &str| match self.in_engine(&["sh", "-c", command]) {
            Ok(said) | Err(said) => format!("# {command}\n{said}"),
        };
        let traefik = self.lab.docker(&["inspect", "--format={{.State.Pid}}", "traefik"]).out.trim().to_owned();
        let own = format!(
            "nsenter -t {traefik} -n sh -c 'ip addr; ip route; ss -ltn; sysctl net.ipv4.ip_forward net.ipv4.conf.all.rp_filter'"
        );
        let logs = self.lab.docker(&["logs", "--tail=30", "traefik"]);
        [
            inside("ip addr; ip route; ss -ltn"),
            inside("nft list ruleset; iptables-save"),
            inside("sysctl -a 2>/dev/null | grep -E 'route_localnet|\\.forwarding|ip_forward'"),
            inside(&own),
            inside("curl -s -m 2 -v http://127.0.0.1:8088/"),
            format!("# logs\n{} {}", logs.out, logs.err),
        ]
        .join("\n")
    }

    /// Runs a command where the engine's files and networks are. What it printed.
    fn in_engine(&self, command: &[&str]) -> Result<String, String> {
        let (engine, at) = (self.lab.engine_process().to_string(), self.lab.folder().display());
        let net = format!("--net=/proc/{}/ns/net", self.lab.engine());
        let configuration = format!("CONTAINERS_CONF={at}/containers.conf");
        let mut enter = Command::new("nsenter");
        let output = enter.args(["-t", &engine, "-m", &net, "env", &configuration]).args(command).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        Err(format!("{command:?}: {said} {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Runs what the generator made of units, each after those that it requires.
    fn start_units(&self, mut units: Vec<(String, String)>) -> Result<(), String> {
        let data = self.lab.folder().join("data").display().to_string();
        while !units.is_empty() {
            let waits = |text: &str| {
                let required = text.lines().filter_map(|line| line.strip_prefix("Requires="));
                required.flat_map(str::split_whitespace).any(|unit| units.iter().any(|(name, _)| name == unit))
            };
            let next = units.iter().position(|(_, text)| !waits(text)).ok_or("units wait for each other")?;
            let (name, text) = units.remove(next);
            let line =
                text.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/podman ")).ok_or("no ExecStart")?;
            let line = line.replace("%t", "/run").replace("%N", name.trim_end_matches(".service"));
            // What systemd gives: a cgroup of its own, and somebody to be told.
            let needs_systemd =
                |word: &String| ["--cgroups=", "--sdnotify=", "--cidfile="].iter().any(|it| word.starts_with(it));
            let mut words: Vec<String> = words(&line).into_iter().filter(|word| !needs_systemd(word)).collect();
            if let Some(limit) = words.iter().position(|word| word == "--pids-limit") {
                words.drain(limit..limit + 2);
            }
            if words[0] == "run" {
                words.insert(1, "--pids-limit=0".to_owned());
            }
            let podman = ["podman", "--root", &data, "--runroot", "/run/podman", "--cgroup-manager=cgroupfs"];
            let words: Vec<&str> = podman.into_iter().chain(words.iter().map(String::as_str)).collect();
            self.in_engine(&words).map_err(|problem| format!("{name}: {problem}"))?;
        }
        Ok(())
    }
}

/// The units that a generator printed, by their names.
fn generated(printed: &str) -> Vec<(String, String)> {
    let mut units: Vec<(String, String)> = Vec::new();
    for line in printed.lines() {
        match (line.strip_prefix("---").and_then(|line| line.strip_suffix("---")), units.last_mut()) {
            (Some(name), _) => units.push((name.to_owned(), String::new())),
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    units
}

/// The words of a command in a unit. Source: `systemd.syntax(7)`, as far as the generator writes it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted, mut letters) = (vec![String::new()], false, line.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            letter => {
                let letter = if letter == '\\' { letters.next().unwrap_or(letter) } else { letter };
                words.last_mut().unwrap().push(letter);
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The architecture of this machine, and another one.
fn platforms() -> [&'static str; 2] {
    if std::env::consts::ARCH == "aarch64" { ["arm64", "amd64"] } else { ["amd64", "arm64"] }
}

/// An image for two platforms: the variant for the lab's own has no labels, the other one configures Traefik. Its programs run
/// on both.
fn index(lab: &Lab) -> PathBuf {
    let folder = lab.folder().join("index");
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8]| {
        let part = folder.join("part");
        fs::write(&part, bytes).unwrap();
        let digest = must(&["sha256sum", part.to_str().unwrap()]).split_whitespace().next().unwrap().to_owned();
        fs::rename(&part, blobs.join(&digest)).unwrap();
        (format!("sha256:{digest}"), bytes.len())
    };
    let rootfs = folder.join("rootfs");
    fs::create_dir_all(rootfs.join("bin")).unwrap();
    fs::copy(must(&["sh", "-c", "command -v busybox"]), rootfs.join("bin/busybox")).unwrap();
    let tar = folder.join("layer.tar");
    must(&["tar", "-C", rootfs.to_str().unwrap(), "--owner=0", "--group=0", "-cf", tar.to_str().unwrap(), "bin"]);
    let (layer, layer_size) = put(&fs::read(&tar).unwrap());
    fs::remove_dir_all(&rootfs).unwrap();
    fs::remove_file(&tar).unwrap();
    let hostile = serde_json::json!({
        "traefik.enable": "true", "traefik.http.routers.x.rule": "Host(`evil.test`)",
        "traefik.http.services.x.loadbalancer.server.port": "80", "leeward.allow": "NET-001",
    });
    let [own, other] = platforms();
    let variants = [(own, serde_json::json!({})), (other, hostile)].map(|(architecture, labels)| {
        let config = serde_json::json!({
            "architecture": architecture, "os": "linux", "created": "2026-01-01T00:00:00Z",
            "config": {"Cmd": ["/bin/busybox", "sleep", "1000"], "Labels": labels, "ExposedPorts": {"80/tcp": {}}},
            "rootfs": {"type": "layers", "diff_ids": [layer]},
        });
        let (config, config_size) = put(config.to_string().as_bytes());
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": kind,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": layer_size}],
        });
        let (digest, size) = put(manifest.to_string().as_bytes());
        let platform = serde_json::json!({"os": "linux", "architecture": architecture});
        serde_json::json!({"mediaType": kind, "digest": digest, "size": size, "platform": platform})
    });
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": kind, "manifests": variants});
    let (digest, size) = put(index.to_string().as_bytes());
    let names = serde_json::json!({
        "io.containerd.image.name": "docker.io/library/twofold:test", "org.opencontainers.image.ref.name": "test",
    });
    let top = serde_json::json!({"schemaVersion": 2, "mediaType": kind, "manifests": [
        {"mediaType": kind, "digest": digest, "size": size, "annotations": names}]});
    fs::write(folder.join("index.json"), top.to_string()).unwrap();
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let archive = lab.folder().join("index.tar");
    must(&[
        "tar",
        "-C",
        folder.to_str().unwrap(),
        "-cf",
        archive.to_str().unwrap(),
        "blobs",
        "index.json",
        "oci-layout",
    ]);
    archive
}
