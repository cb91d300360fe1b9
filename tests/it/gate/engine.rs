//! The gate in front of a real engine: nothing leaks, nothing changes, and readers work: the docker command, and a real
//! Traefik with its own Docker provider.
//!
//! Needs an engine (`DOCKER_HOST`, else `/var/run/docker.sock`), `docker` and a static `busybox`; Traefik from
//! `LEEWARD_TRAEFIK_DIR`. What is missing is said aloud; `LEEWARD_REQUIRE=docker,traefik` makes that a failure.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use leeward::docker::{self, Certificates, Endpoint};
use leeward::gate::ask::TABLE;
use leeward::inventory::{Door, Inventory};

use super::house::{Gate, SECRET, parse};
use crate::eventually::eventually;

const TRAEFIK: &str = "3.7.15";
const IMAGE: &str = "gate-busybox:test";

/// The tests share container names and an image.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A gate in front of the machine's engine.
struct Machine {
    engine: PathBuf,
    folder: tempfile::TempDir,
    gate: Gate,
    _turn: MutexGuard<'static, ()>,
}

/// Says loudly that a test is left out; panics if `LEEWARD_REQUIRE` lists the part.
fn left_out(test: &str, part: &str, reason: &str) {
    let required = std::env::var_os("LEEWARD_REQUIRE").unwrap_or_default().to_string_lossy().into_owned();
    assert!(!required.split(',').any(|it| it == part), "LEEWARD_REQUIRE={required}, but {test} cannot run: {reason}");
    // Past the test harness, which would keep the words of a test that passes to itself.
    std::io::stderr().write_all(format!("\n!! LEFT OUT: {test}: {reason}\n").as_bytes()).unwrap();
}

fn docker_at(host: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("docker").args(arguments).env("DOCKER_HOST", host).env_remove("DOCKER_CONTEXT").output();
    let Ok(output) = output else { return (false, "no program `docker`".to_owned()) };
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).trim().to_owned())
}

impl Machine {
    fn open(test: &str) -> Option<Self> {
        let host = std::env::var_os("DOCKER_HOST").unwrap_or_else(|| "unix:///var/run/docker.sock".into());
        let host = host.to_string_lossy().into_owned();
        let Some(engine) = host.strip_prefix("unix://").map(PathBuf::from) else {
            left_out(test, "docker", &format!("DOCKER_HOST={host} is no Unix socket"));
            return None;
        };
        let (ok, said) = docker_at(&host, &["version"]);
        if !ok {
            left_out(test, "docker", &said);
            return None;
        }
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::start(&engine, folder.path(), &[]);
        let machine = Self { engine, folder, gate, _turn: turn };
        machine.clean();
        if !machine.make_image() {
            left_out(test, "docker", "no static `busybox` to make an image of");
            return None;
        }
        Some(machine)
    }

    fn make_image(&self) -> bool {
        let script = format!(
            "set -e; b=$(command -v busybox); cd {}; mkdir -p root/bin root/www; cp $b root/bin/busybox; \
             for it in sh echo sleep httpd true; do ln -sf busybox root/bin/$it; done; echo hello > root/www/index.html; \
             tar -C root -c . | DOCKER_HOST=unix://{} docker import - {IMAGE}",
            self.folder.path().display(),
            self.engine.display(),
        );
        Command::new("sh").args(["-c", &script]).output().is_ok_and(|output| output.status.success())
    }

    /// At the engine itself, past the gate.
    #[track_caller]
    fn direct(&self, arguments: &[&str]) -> String {
        let (ok, said) = docker_at(&format!("unix://{}", self.engine.display()), arguments);
        assert!(ok, "{arguments:?}: {said}");
        said
    }

    fn docker(&self, arguments: &[&str]) -> (bool, String) {
        docker_at(&format!("unix://{}", self.gate.socket.display()), arguments)
    }

    fn get(&self, target: &str) -> (u16, String) {
        parse(&self.gate.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()))
    }

    fn clean(&self) {
        let host = format!("unix://{}", self.engine.display());
        docker_at(&host, &["rm", "-f", "gate-vault", "gate-web"]);
        docker_at(&host, &["network", "rm", "gate-net"]);
        docker_at(&host, &["volume", "rm", "gate-share"]);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.clean();
        docker_at(&format!("unix://{}", self.engine.display()), &["rmi", IMAGE]);
    }
}

#[test]
fn no_secret_of_a_container_comes_out() {
    let Some(machine) = Machine::open("no_secret_of_a_container_comes_out") else { return };
    let events = machine.folder.path().join("events");
    let mut stream = Command::new("docker")
        .args(["events", "--format", "{{json .}}"])
        .env("DOCKER_HOST", format!("unix://{}", machine.gate.socket.display()))
        .stdout(fs::File::create(&events).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the stream tells of a container", || {
        machine.direct(&["run", "--rm", "--name", "gate-vault", IMAGE, "true"]);
        fs::read_to_string(&events).unwrap().contains("start")
    });
    let share = format!("o=username=u,password={SECRET}");
    machine.direct(&["volume", "create", "-o", "type=cifs", "-o", "device=//h/s", "-o", &share, "gate-share"]);
    let password = format!("PASSWORD={SECRET}");
    let words = format!("echo {SECRET}");
    let command = format!("echo {SECRET}; sleep 1000");
    let tag = format!("tag={SECRET}");
    let id = machine.direct(&[
        "run",
        "-d",
        "--name",
        "gate-vault",
        "--env",
        &password,
        "--health-cmd",
        &words,
        "--health-interval",
        "1s",
        "--log-opt",
        &tag,
        IMAGE,
        "sh",
        "-c",
        &command,
    ]);
    machine.direct(&["exec", "gate-vault", "sh", "-c", &words]);
    eventually("a health check", || machine.direct(&["inspect", "gate-vault"]).contains("\"Output\": \"hunter2"));
    assert!(machine.direct(&["inspect", "gate-vault"]).matches(SECRET).count() >= 4);
    let image = machine.direct(&["inspect", "-f", "{{.Image}}", "gate-vault"]);
    let mut said = String::new();
    for (path, _, swarm) in TABLE.iter().filter(|(path, _, _)| *path != "/events") {
        for prefix in ["", "/v1.24", "/v1.41"] {
            for name in [id.as_str(), "gate-vault", "gate-share", "bridge", &image, "nosuch"] {
                let target = format!("{prefix}{}", path.replace("{id}", name).replace("{name}", name));
                let (status, body) = machine.get(&target);
                assert_eq!(
                    status == 403,
                    *swarm || (name == image && !path.starts_with("/images") && path.contains('{')),
                    "{target}: {body}"
                );
                writeln!(said, "{target} {status} {body}").unwrap();
            }
        }
    }
    for arguments in
        [&["ps", "-a", "--no-trunc"][..], &["inspect", "gate-vault"], &["volume", "inspect", "gate-share"], &["info"]]
    {
        let (ok, output) = machine.docker(arguments);
        assert!(ok, "{arguments:?}: {output}");
        said += &output;
    }
    machine.direct(&["rm", "-f", "gate-vault"]);
    eventually("the stream tells of the end", || fs::read_to_string(&events).unwrap().contains("destroy"));
    stream.kill().unwrap();
    stream.wait().unwrap();
    let streamed = fs::read_to_string(&events).unwrap();
    let soon = (SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + Duration::from_secs(2)).as_secs();
    let since = machine.get(&format!("/events?since=1&until={soon}")).1;
    assert!(streamed.contains("health_status") && since.contains("destroy"), "{streamed}\n{since}");
    for text in [&said, &streamed, &since] {
        assert!(!text.contains(SECRET) && !text.contains("exec_"), "{text}");
    }
    assert!(said.contains("gate-vault") && said.contains("cifs"));
}

#[test]
fn the_docker_command_reads_and_does_nothing_else() {
    let Some(machine) = Machine::open("the_docker_command_reads_and_does_nothing_else") else { return };
    machine.direct(&["network", "create", "--internal", "gate-net"]);
    machine.direct(&[
        "run",
        "-d",
        "--name",
        "gate-web",
        "--network",
        "gate-net",
        "--label",
        "a=b",
        IMAGE,
        "sleep",
        "1000",
    ]);
    for (arguments, words) in [
        (&["ps"][..], "gate-web"),
        (&["ps", "-a", "--no-trunc", "--filter", "label=a=b", "--filter", "status=running"], "gate-web"),
        (&["ps", "-n", "3"], "gate-web"),
        (&["inspect", "gate-web"], "gate-net"),
        (&["network", "ls", "--filter", "name=gate"], "gate-net"),
        (&["network", "inspect", "gate-net"], "\"Internal\": true"),
        (&["version"], "Server:"),
        (&["info"], "Server Version"),
    ] {
        let (ok, said) = machine.docker(arguments);
        assert!(ok && said.contains(words), "{arguments:?}: {said}");
    }
    // The engine knows the end of a stream by whole seconds only.
    eventually("past events", || {
        let (ok, said) =
            machine.docker(&["events", "--since", "1h", "--until", "0s", "--filter", "container=gate-web"]);
        ok && said.contains("container start")
    });
    let before = machine.direct(&["inspect", "gate-web"]);
    for arguments in [
        &["run", "--rm", IMAGE, "true"][..],
        &["exec", "gate-web", "true"],
        &["kill", "gate-web"],
        &["rm", "-f", "gate-web"],
        &["logs", "gate-web"],
        &["top", "gate-web"],
        &["cp", "gate-web:/bin/busybox", "-"],
        &["export", "gate-web"],
        &["attach", "gate-web"],
        &["ps", "-s"],
        &["images"],
        &["network", "rm", "gate-net"],
        &["volume", "create", "gate-share"],
    ] {
        let (ok, said) = machine.docker(arguments);
        // Of a refused upgrade the command shows the status alone.
        assert!(!ok && (said.contains("leeward gate: ") || said.contains("403")), "{arguments:?}: {said}");
    }
    assert_eq!(machine.direct(&["inspect", "gate-web"]), before);
}

/// What Leeward reads by this socket, and what it makes of the door.
fn inventory(socket: &Path) -> (Inventory, Option<Door>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint: Endpoint = format!("unix://{}", socket.display()).parse().unwrap();
    let options = docker::Options { test_door: true, ..docker::Options::default() };
    let mut read = runtime.block_on(docker::read(&endpoint, &Certificates::default(), options)).unwrap();
    let door = read.engine.door.take();
    (read, door)
}

#[test]
fn leeward_reads_the_same_and_knows_the_door() {
    let Some(machine) = Machine::open("leeward_reads_the_same_and_knows_the_door") else { return };
    machine.direct(&["network", "create", "--internal", "--label", "leeward.proxy=true", "gate-net"]);
    machine.direct(&[
        "run",
        "-d",
        "--name",
        "gate-web",
        "--network",
        "gate-net",
        "--label",
        "a=b",
        "--volume",
        "gate-share:/data",
        "--volume",
        "/tmp:/host:ro",
        "--cap-drop",
        "ALL",
        "--cap-add",
        "NET_ADMIN",
        "--device",
        "/dev/null",
        "--expose",
        "80",
        "--security-opt",
        "no-new-privileges",
        "--sysctl",
        "net.ipv4.ip_forward=0",
        "--memory",
        "64m",
        "--add-host",
        "h:10.0.0.1",
        "--user",
        "1:1",
        "--env",
        &format!("PASSWORD={SECRET}"),
        "--tmpfs",
        "/run",
        "--publish",
        "127.0.0.1::80",
        IMAGE,
        "sleep",
        "1000",
    ]);
    // Others may use the engine meanwhile.
    let mut difference = String::new();
    eventually("the same twice", || {
        let (direct, gated) = (inventory(&machine.engine), inventory(&machine.gate.socket));
        assert_eq!((direct.1, gated.1), (Some(Door::Bare), Some(Door::Filtered)));
        assert!(gated.0.containers.values().any(|it| it.name == "gate-web" && !it.confinement.cap_add.is_empty()));
        difference = format!("{:?}\n{:?}", direct.0, gated.0);
        direct.0 == gated.0
    });
    assert!(!difference.contains(SECRET));
}

/// A Traefik with its own Docker provider, its engine behind the gate.
struct Traefik(Child);

impl Drop for Traefik {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn traefiks_own_provider_routes_through_it() {
    let test = "traefiks_own_provider_routes_through_it";
    let Some(machine) = Machine::open(test) else { return };
    let binary =
        std::env::var_os("LEEWARD_TRAEFIK_DIR").map(|folder| PathBuf::from(folder).join(TRAEFIK).join("traefik"));
    let Some(binary) = binary.filter(|path| path.is_file()) else {
        return left_out(test, "traefik", &format!("LEEWARD_TRAEFIK_DIR does not hold {TRAEFIK}/traefik"));
    };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let log = machine.folder.path().join("traefik.log");
    let traefik = Command::new(binary)
        .arg(format!("--entrypoints.web.address=127.0.0.1:{port}"))
        .arg(format!("--providers.docker.endpoint=unix://{}", machine.gate.socket.display()))
        .args([
            "--providers.docker.exposedbydefault=false",
            "--providers.providersThrottleDuration=100ms",
            "--log.level=DEBUG",
        ])
        .args(["--global.checknewversion=false", "--global.sendanonymoususage=false"])
        .stdout(fs::File::create(&log).unwrap())
        .stderr(fs::File::create(machine.folder.path().join("traefik.err")).unwrap())
        .spawn()
        .unwrap();
    let _traefik = Traefik(traefik);
    let get = || {
        let mut answer = String::new();
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return answer };
        stream.write_all(b"GET / HTTP/1.1\r\nHost: gate.example\r\nConnection: close\r\n\r\n").unwrap();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    eventually("Traefik answers", || get().contains("404"));
    // Started after Traefik: it must hear of it by the event stream.
    machine.direct(&[
        "run",
        "-d",
        "--name",
        "gate-web",
        "--label",
        "traefik.enable=true",
        "--label",
        "traefik.http.routers.gate.rule=Host(`gate.example`)",
        "--label",
        "traefik.http.services.gate.loadbalancer.server.port=80",
        IMAGE,
        "busybox",
        "httpd",
        "-f",
        "-p",
        "80",
        "-h",
        "/www",
    ]);
    eventually("Traefik routes to the container", || get().contains("hello"));
    machine.direct(&["rm", "-f", "gate-web"]);
    eventually("Traefik hears of its end", || get().contains("404"));
    let log = fs::read_to_string(log).unwrap();
    assert!(!log.contains("leeward gate"), "something that Traefik asks was refused: {log}");
    assert!(!machine.gate.log().contains("refused"), "{}", machine.gate.log());
}
