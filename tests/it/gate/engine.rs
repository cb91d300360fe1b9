//! The gate in front of a real engine: nothing leaks, nothing changes, and readers work: the docker command, and a real
//! Traefik with its own Docker provider.
//!
//! Needs an engine (`DOCKER_HOST`, else `/var/run/docker.sock`), `docker` and a static `busybox`; Traefik from
//! `LEEWARD_TRAEFIK_DIR`. What is missing is said aloud; `LEEWARD_REQUIRE=docker,traefik` makes that a failure.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use leeward::docker::{self, Certificates, Endpoint};
use leeward::gate::ask::TABLE;
use leeward::inventory::{Inventory, SocketAccess};

use super::house::{Gate, SECRET, parse};
use crate::eventually::eventually;
use crate::left_out::left_out;
use crate::loopback;

const TRAEFIK: &str = "3.7.15";

/// What this run makes on the engine, which others may use as well: names that nobody else has.
static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let name = |what| format!("leeward-test-{}-{what}", std::process::id());
    Names {
        image: name("busybox"),
        vault: name("vault"),
        web: name("web"),
        network: name("net"),
        volume: name("share"),
    }
});

struct Names {
    image: String,
    vault: String,
    web: String,
    network: String,
    volume: String,
}

/// The tests share these names.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A gate in front of the machine's engine.
struct Machine {
    engine: PathBuf,
    folder: tempfile::TempDir,
    gate: Gate,
    _turn: MutexGuard<'static, ()>,
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
            left_out(test, &[format!("docker: DOCKER_HOST={host} is no Unix socket")]);
            return None;
        };
        let (ok, said) = docker_at(&host, &["version"]);
        if !ok {
            left_out(test, &[format!("docker: {said}")]);
            return None;
        }
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::start(&engine, folder.path(), &[]);
        let machine = Self { engine, folder, gate, _turn: turn };
        machine.clean();
        if !machine.make_image() {
            left_out(test, &["docker: no static `busybox` to make an image of".to_owned()]);
            return None;
        }
        Some(machine)
    }

    fn make_image(&self) -> bool {
        let script = format!(
            "set -e; b=$(command -v busybox); cd {}; mkdir -p root/bin root/www; cp $b root/bin/busybox; \
             for it in sh echo sleep httpd true; do ln -sf busybox root/bin/$it; done; echo hello > root/www/index.html; \
             tar -C root -c . | DOCKER_HOST=unix://{} docker import - {}",
            self.folder.path().display(),
            self.engine.display(),
            NAMES.image,
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
        docker_at(&host, &["rm", "-f", &NAMES.vault, &NAMES.web]);
        docker_at(&host, &["network", "rm", &NAMES.network]);
        docker_at(&host, &["volume", "rm", &NAMES.volume]);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.clean();
        docker_at(&format!("unix://{}", self.engine.display()), &["rmi", &NAMES.image]);
    }
}

#[test]
fn no_secret_of_a_container_comes_out() {
    let Some(machine) = Machine::open("no_secret_of_a_container_comes_out") else { return };
    // Others may use the engine meanwhile, with secrets of their own.
    let secret = format!("{SECRET}-{}", std::process::id());
    let only = format!("container={}", NAMES.vault);
    let events = machine.folder.path().join("events");
    let mut stream = Command::new("docker")
        .args(["events", "--format", "{{json .}}", "--filter", &only])
        .env("DOCKER_HOST", format!("unix://{}", machine.gate.socket.display()))
        .stdout(fs::File::create(&events).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually(Duration::from_secs(20), "the stream tells of a container", || {
        machine.direct(&["run", "--rm", "--name", &NAMES.vault, &NAMES.image, "true"]);
        fs::read_to_string(&events).unwrap().contains("start")
    });
    let share = format!("o=username=u,password={secret}");
    machine.direct(&["volume", "create", "-o", "type=cifs", "-o", "device=//h/s", "-o", &share, &NAMES.volume]);
    let password = format!("PASSWORD={secret}");
    let words = format!("echo {secret}");
    let command = format!("echo {secret}; sleep 1000");
    let tag = format!("tag={secret}");
    let id = machine.direct(&[
        "run",
        "-d",
        "--name",
        &NAMES.vault,
        "--env",
        &password,
        "--health-cmd",
        &words,
        "--health-interval",
        "1s",
        "--log-opt",
        &tag,
        &NAMES.image,
        "sh",
        "-c",
        &command,
    ]);
    machine.direct(&["exec", &NAMES.vault, "sh", "-c", &words]);
    eventually(Duration::from_secs(20), "a health check", || {
        machine.direct(&["inspect", &NAMES.vault]).contains("\"Output\": \"hunter2")
    });
    assert!(machine.direct(&["inspect", &NAMES.vault]).matches(&secret).count() >= 4);
    let image = machine.direct(&["inspect", "-f", "{{.Image}}", &NAMES.vault]);
    let mut said = String::new();
    for (path, _, swarm) in TABLE.iter().filter(|(path, _, _)| *path != "/events") {
        for prefix in ["", "/v1.24", "/v1.41"] {
            for name in [id.as_str(), &NAMES.vault, &NAMES.volume, "bridge", &image, "nosuch"] {
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
    let named = format!("name={}", NAMES.vault);
    for arguments in [
        &["ps", "-a", "--no-trunc", "--filter", &named][..],
        &["inspect", &NAMES.vault],
        &["volume", "inspect", &NAMES.volume],
        &["info"],
    ] {
        let (ok, output) = machine.docker(arguments);
        assert!(ok, "{arguments:?}: {output}");
        said += &output;
    }
    machine.direct(&["rm", "-f", &NAMES.vault]);
    eventually(Duration::from_secs(20), "the stream tells of the end", || {
        fs::read_to_string(&events).unwrap().contains("destroy")
    });
    stream.kill().unwrap();
    stream.wait().unwrap();
    let streamed = fs::read_to_string(&events).unwrap();
    let soon = (SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + Duration::from_secs(2)).as_secs();
    let filters = format!("%7B%22container%22:%5B%22{}%22%5D%7D", NAMES.vault);
    let since = machine.get(&format!("/events?since=1&until={soon}&filters={filters}")).1;
    assert!(streamed.contains("health_status") && since.contains("destroy"), "{streamed}\n{since}");
    for text in [&said, &streamed, &since] {
        assert!(!text.contains(&secret), "{text}");
    }
    assert!(!streamed.contains("exec_") && !since.contains("exec_"), "{streamed}\n{since}");
    assert!(said.contains(&NAMES.vault) && said.contains("cifs"));
}

#[test]
fn the_docker_command_reads_and_does_nothing_else() {
    let Some(machine) = Machine::open("the_docker_command_reads_and_does_nothing_else") else { return };
    machine.direct(&["network", "create", "--internal", &NAMES.network]);
    machine.direct(&[
        "run",
        "-d",
        "--name",
        &NAMES.web,
        "--network",
        &NAMES.network,
        "--label",
        "a=b",
        &NAMES.image,
        "sleep",
        "1000",
    ]);
    let named = format!("name={}", NAMES.network);
    for (arguments, words) in [
        (&["ps"][..], &*NAMES.web),
        (&["ps", "-a", "--no-trunc", "--filter", "label=a=b", "--filter", "status=running"], &NAMES.web),
        (&["ps", "-n", "3"], &NAMES.web),
        (&["inspect", &NAMES.web], &NAMES.network),
        (&["network", "ls", "--filter", &named], &NAMES.network),
        (&["network", "inspect", &NAMES.network], "\"Internal\": true"),
        (&["version"], "Server:"),
        (&["info"], "Server Version"),
    ] {
        let (ok, said) = machine.docker(arguments);
        assert!(ok && said.contains(words), "{arguments:?}: {said}");
    }
    // The engine knows the end of a stream by whole seconds only.
    let only = format!("container={}", NAMES.web);
    eventually(Duration::from_secs(20), "past events", || {
        let (ok, said) = machine.docker(&["events", "--since", "1h", "--until", "0s", "--filter", &only]);
        ok && said.contains("container start")
    });
    let before = machine.direct(&["inspect", &NAMES.web]);
    let inside = format!("{}:/bin/busybox", NAMES.web);
    for arguments in [
        &["run", "--rm", &NAMES.image, "true"][..],
        &["exec", &NAMES.web, "true"],
        &["kill", &NAMES.web],
        &["rm", "-f", &NAMES.web],
        &["logs", &NAMES.web],
        &["top", &NAMES.web],
        &["cp", &inside, "-"],
        &["export", &NAMES.web],
        &["attach", &NAMES.web],
        &["ps", "-s"],
        &["images"],
        &["network", "rm", &NAMES.network],
        &["volume", "create", &NAMES.volume],
    ] {
        let (ok, said) = machine.docker(arguments);
        // Of a refused upgrade the command shows the status alone.
        assert!(!ok && (said.contains("leeward gate: ") || said.contains("403")), "{arguments:?}: {said}");
    }
    assert_eq!(machine.direct(&["inspect", &NAMES.web]), before);
}

/// What Leeward reads by this socket of the engine and of what the test made, and how much of it it says can be reached. Others may have
/// anything there, such as what the gate keeps to itself: the options of a plugin, labels above its bounds.
fn inventory(socket: &Path) -> (Inventory, Option<SocketAccess>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint: Endpoint = format!("unix://{}", socket.display()).parse().unwrap();
    let options = docker::Options { test_door: true, ..docker::Options::default() };
    let mut read = runtime.block_on(docker::read(&endpoint, &Certificates::default(), options)).unwrap();
    let access = read.engine.socket_access.take();
    read.networks.retain(|_, network| network.name == NAMES.network);
    read.containers.retain(|_, container| container.name == NAMES.web);
    read.images.retain(|id, _| read.containers.values().any(|container| container.image_id == *id));
    read.volumes.retain(|name, _| *name == NAMES.volume);
    read.unreadable.clear();
    read.engine.gwbridge_members = None;
    // The engine lists mounts in any order.
    for container in read.containers.values_mut() {
        Arc::make_mut(container).mounts.sort_by(|one, other| one.destination.cmp(&other.destination));
    }
    (read, access)
}

#[test]
fn leeward_reads_the_same_and_knows_the_door() {
    let Some(machine) = Machine::open("leeward_reads_the_same_and_knows_the_door") else { return };
    machine.direct(&["network", "create", "--internal", "--label", "leeward.proxy=true", &NAMES.network]);
    let data = format!("{}:/data", NAMES.volume);
    machine.direct(&[
        "run",
        "-d",
        "--name",
        &NAMES.web,
        "--network",
        &NAMES.network,
        "--label",
        "a=b",
        "--volume",
        &data,
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
        &NAMES.image,
        "sleep",
        "1000",
    ]);
    let (direct, gated) = (inventory(&machine.engine), inventory(&machine.gate.socket));
    assert_eq!((direct.1, gated.1), (Some(SocketAccess::Bare), Some(SocketAccess::Filtered)));
    assert_eq!(direct.0, gated.0);
    let read = gated.0;
    assert_eq!((read.containers.len(), read.networks.len(), read.images.len(), read.volumes.len()), (1, 1, 1, 1));
    assert!(read.containers.values().all(|it| !it.confinement.cap_add.is_empty()));
    assert!(!format!("{read:?}").contains(SECRET));
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
        return left_out(test, &[format!("traefik: LEEWARD_TRAEFIK_DIR does not hold {TRAEFIK}/traefik")]);
    };
    let web = loopback::own();
    let log = machine.folder.path().join("traefik.log");
    let traefik = Command::new(binary)
        .arg(format!("--entrypoints.web.address={web}"))
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
        let Ok(mut stream) = TcpStream::connect(web) else { return answer };
        stream.write_all(b"GET / HTTP/1.1\r\nHost: gate.example\r\nConnection: close\r\n\r\n").unwrap();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    eventually(Duration::from_secs(20), "Traefik answers", || get().contains("404"));
    // Started after Traefik: it must hear of it by the event stream.
    machine.direct(&[
        "run",
        "-d",
        "--name",
        &NAMES.web,
        "--label",
        "traefik.enable=true",
        "--label",
        "traefik.http.routers.gate.rule=Host(`gate.example`)",
        "--label",
        "traefik.http.services.gate.loadbalancer.server.port=80",
        &NAMES.image,
        "busybox",
        "httpd",
        "-f",
        "-p",
        "80",
        "-h",
        "/www",
    ]);
    eventually(Duration::from_secs(20), "Traefik routes to the container", || get().contains("hello"));
    machine.direct(&["rm", "-f", &NAMES.web]);
    eventually(Duration::from_secs(20), "Traefik hears of its end", || get().contains("404"));
    let log = fs::read_to_string(log).unwrap();
    // Of others' containers it may say that they are too large.
    assert!(!log.contains("is not let through"), "something that Traefik asks was refused: {log}");
    assert!(!machine.gate.log().contains("refused"), "{}", machine.gate.log());
}
