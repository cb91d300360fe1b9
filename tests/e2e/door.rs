//! The gate on a real engine, in the container that the shipped files make: readers work through it, nobody can change or
//! leak anything, and a real Traefik with its own Docker provider routes by it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::images;
use crate::lab::{HOST, Lab, eventually, json};
use crate::topology::MAIN;

/// The word that must never come out.
const SECRET: &str = "hunter2";

#[test]
fn the_door() {
    let Some(means) = crate::means("the_door") else { return };
    let lab = Lab::start("the_door", &means.composes[0]);
    images::make_all(&lab, &means.traefik);
    lab.compose(MAIN, &["up", "-d"]);
    let door = SocketAccess::new(lab);
    door.readers_work();
    door.nothing_changes_through_it();
    door.secrets_stay_inside();
    door.traefiks_own_provider_works();
    door.it_is_small_and_quick();
    door.secrets_of_a_swarm_stay_inside();
}

/// One request to a socket, written as given: status and body.
fn ask(socket: &Path, method: &str, target: &str) -> (u16, String) {
    let output = Command::new("curl")
        .args(["-s", "-m", "30", "--path-as-is", "-w", "\n%{http_code}", "-X", method, "--unix-socket"])
        .arg(socket)
        .arg(format!("http://localhost{target}"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// A gate of the test's own, ended with it.
struct Own(Child);

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

struct SocketAccess {
    lab: Lab,
    /// The gate's socket, as the machine sees it.
    socket: PathBuf,
}

impl SocketAccess {
    fn new(lab: Lab) -> Self {
        let mountpoint = lab.docker_ok(&["volume", "inspect", "-f", "{{.Mountpoint}}", "leeward_engine"]);
        let socket = PathBuf::from(mountpoint).join("engine.sock");
        eventually(Duration::from_secs(10), "the gate's socket", || {
            if socket.exists() { Ok(()) } else { Err(format!("{:?}", lab.docker(&["ps", "-a"]))) }
        });
        Self { lab, socket }
    }

    /// `docker …` through the gate: success, and everything that it said.
    fn docker(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("docker")
            .args(arguments)
            .env("DOCKER_HOST", format!("unix://{}", self.socket.display()))
            .env_remove("DOCKER_CONTEXT")
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let first: String = said.lines().next().unwrap_or_default().chars().take(150).collect();
        self.lab.note(&format!("through the gate: docker {} -> {} {first}", arguments.join(" "), output.status));
        (output.status.success(), said)
    }

    /// One request, written as given: status and body.
    fn ask(&self, method: &str, target: &str) -> (u16, String) {
        ask(&self.socket, method, target)
    }

    fn readers_work(&self) {
        let gate = self.lab.container("leeward", "gate");
        for (arguments, words) in [
            (&["ps", "--no-trunc"][..], gate.as_str()),
            (&["inspect", "--type", "container", &gate], "NetworkSettings"),
            (&["network", "ls"], "net-proxy2"),
            (&["network", "inspect", "net-proxy"], "gateway_mode_ipv4"),
            (&["version"], "Server"),
        ] {
            let (ok, said) = self.docker(arguments);
            assert!(ok && said.contains(words), "{arguments:?} {said}");
        }
    }

    fn nothing_changes_through_it(&self) {
        let gate = self.lab.container("leeward", "gate");
        let before = self.lab.docker_ok(&["ps", "-aq", "--no-trunc"]);
        for arguments in [
            &["run", "--rm", "busybox:test", "echo"][..],
            &["exec", &gate, "/leeward"],
            &["rm", "-f", &gate],
            &["kill", &gate],
            &["stop", &gate],
            &["pause", &gate],
            &["rename", &gate, "other"],
            &["update", "--memory", "100m", &gate],
            &["logs", &gate],
            &["top", &gate],
            &["diff", &gate],
            &["export", &gate],
            &["cp", &format!("{gate}:/leeward"), "-"],
            &["commit", &gate],
            &["attach", &gate],
            &["stats", "--no-stream", &gate],
            &["save", "busybox:test"],
            &["rmi", "-f", "busybox:test"],
            &["tag", "busybox:test", "other:1"],
            &["network", "create", "hole"],
            &["network", "connect", "net-exposed", &gate],
            &["volume", "create", "hole"],
            &["swarm", "init"],
            &["system", "prune", "-f"],
            &["system", "df"],
        ] {
            let (ok, said) = self.docker(arguments);
            assert!(!ok, "{arguments:?} went through: {said}");
        }
        for (method, target) in [
            ("POST", "/containers/create"),
            ("DELETE", "/containers/x"),
            ("PUT", "/containers/x/archive?path=/"),
            ("OPTIONS", "/containers/json"),
            ("GET", "/containers/x/attach/ws?stream=1&stdin=1"),
            ("GET", "/v1.41/secr%65ts"),
            ("GET", "/containers%2fjson"),
            ("GET", "/containers/../secrets"),
            ("GET", "//containers/json"),
            ("GET", "/containers/json?size=1"),
            ("GET", "/images/get?names=busybox:test"),
            ("GET", "/images/busybox:test/get"),
            ("GET", "/images/search?term=x"),
            ("GET", "/distribution/x/json"),
            ("GET", "/secrets"),
            ("GET", "/configs"),
            ("GET", "/swarm"),
            ("GET", "/plugins"),
            ("GET", "/debug/vars"),
            ("GET", "/system/df"),
        ] {
            let (status, body) = self.ask(method, target);
            self.lab.note(&format!("through the gate: {method} {target} -> {status} {}", body.trim()));
            assert_eq!(status, 403, "{method} {target}: {body}");
        }
        assert_eq!(self.lab.docker_ok(&["ps", "-aq", "--no-trunc"]), before);
        assert!(
            !self.lab.docker(&["network", "inspect", "hole"]).ok && !self.lab.docker(&["volume", "inspect", "hole"]).ok
        );
    }

    fn secrets_stay_inside(&self) {
        let lab = &self.lab;
        let stream = lab.folder().join("events");
        let mut events = Command::new("docker")
            .args(["events", "--format", "{{json .}}"])
            .env("DOCKER_HOST", format!("unix://{}", self.socket.display()))
            .stdout(Stdio::from(File::create(&stream).unwrap()))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Wait for the stream: only then does what follows prove anything.
        eventually(Duration::from_secs(10), "the event stream tells of a container", || {
            let ran = lab.docker(&["run", "--rm", images::BUSYBOX, "id"]);
            let seen = fs::read_to_string(&stream).unwrap();
            if seen.contains("start") { Ok(()) } else { Err(format!("{}{}{seen}", ran.out, ran.err)) }
        });
        let id = lab.docker_ok(&[
            "run",
            "-d",
            "--name",
            "vault",
            "--network",
            "net-proxy",
            "-e",
            &format!("PASSWORD={SECRET}"),
            "--health-cmd",
            &format!("echo {SECRET}"),
            "--health-interval",
            "1s",
            "--log-driver",
            "json-file",
            "--log-opt",
            &format!("tag={SECRET}"),
            images::BUSYBOX,
            "sh",
            "-c",
            &format!("echo {SECRET}; sleep 1000"),
        ]);
        lab.docker_ok(&["exec", "vault", "sh", "-c", &format!("echo {SECRET}")]);
        eventually(Duration::from_secs(20), "a health check has run", || {
            let health = lab.docker(&["inspect", "-f", "{{json .State.Health}}", "vault"]).out;
            if health.contains(SECRET) { Ok(()) } else { Err(health) }
        });
        let direct = lab.docker_ok(&["inspect", "vault"]);
        lab.note(&format!("the engine itself says `{SECRET}` {} times", direct.matches(SECRET).count()));
        assert!(direct.matches(SECRET).count() >= 4, "{direct}");
        let image = json(&direct)[0]["Image"].as_str().unwrap().to_owned();
        for target in [
            "/_ping".to_owned(),
            "/version".to_owned(),
            "/info".to_owned(),
            "/containers/json".to_owned(),
            "/containers/json?all=1".to_owned(),
            format!("/containers/{id}/json"),
            "/containers/vault/json".to_owned(),
            "/networks".to_owned(),
            "/networks/net-proxy".to_owned(),
            format!("/images/{image}/json"),
            "/volumes/leeward_engine".to_owned(),
            "/events?since=0&until=1".to_owned(),
        ] {
            let (status, body) = self.ask("GET", &target);
            lab.note(&format!("through the gate: GET {target} -> {status}, {} bytes", body.len()));
            assert_eq!(status, 200, "{target}: {body}");
            assert!(!body.contains(SECRET), "{target}: {body}");
        }
        lab.docker_ok(&["rm", "-f", "vault"]);
        eventually(Duration::from_secs(10), "the stream tells of its end", || {
            let seen = fs::read_to_string(&stream).unwrap();
            if seen.contains("destroy") && seen.contains(&id) { Ok(()) } else { Err(seen) }
        });
        drop(events.kill());
        drop(events.wait());
        let seen = fs::read_to_string(&stream).unwrap();
        lab.note(&format!("event stream: {} events, no word of `{SECRET}`, no exec", seen.lines().count()));
        assert!(!seen.contains(SECRET) && !seen.contains("exec_"), "{seen}");
    }

    fn traefiks_own_provider_works(&self) {
        let lab = &self.lab;
        lab.docker_ok(&[
            "run",
            "-d",
            "--name",
            "own-provider",
            "--network",
            "net-proxy",
            "--user",
            "65532:65532",
            "--cap-drop",
            "ALL",
            "-v",
            "leeward_engine:/run/leeward:ro",
            "traefik:v3.7.15",
            "--entrypoints.web.address=:80",
            "--providers.docker.endpoint=unix:///run/leeward/engine.sock",
            "--providers.docker.exposedbydefault=false",
            "--providers.docker.network=net-proxy",
        ]);
        lab.docker_ok(&[
            "run",
            "-d",
            "--name",
            "plain",
            "--network",
            "net-proxy",
            "--tmpfs",
            "/tmp",
            "--label",
            "traefik.enable=true",
            "--label",
            "traefik.http.routers.plain.rule=Host(`plain.test`)",
            "--label",
            "traefik.http.services.plain.loadbalancer.server.port=8080",
            "nginxinc/nginx-unprivileged:1.28-alpine",
        ]);
        let pid = lab.pid("own-provider");
        let visit = || {
            let arguments = ["-t", &pid, "-n", "curl", "-s", "-m", "2", "-H", "Host: plain.test", "http://127.0.0.1/"];
            String::from_utf8_lossy(&Command::new("nsenter").args(arguments).output().unwrap().stdout).into_owned()
        };
        let took = eventually(Duration::from_secs(20), "Traefik's own provider routes through the gate", || {
            let body = visit();
            if body.contains("from image") { Ok(()) } else { Err(body + &lab.docker(&["logs", "own-provider"]).err) }
        });
        lab.note(&format!(
            "Traefik's own Docker provider, through the gate: plain.test answers (after {} ms)",
            took.as_millis()
        ));
        lab.docker_ok(&["stop", "-t", "1", "plain"]);
        eventually(Duration::from_secs(20), "and follows events", || {
            let body = visit();
            if body.contains("404") { Ok(()) } else { Err(body) }
        });
        lab.docker_ok(&["rm", "-f", "plain", "own-provider"]);
    }

    fn it_is_small_and_quick(&self) {
        let lab = &self.lab;
        let pid = lab.pid(&lab.container("leeward", "gate"));
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let candidate = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        let id = lab.container("leeward", "gate");
        let target = format!("http://localhost/containers/{id}/json");
        let direct = lab.folder().join("docker.sock");
        // One client, one connection, sides alternating in blocks of 100.
        let mut medians = [Vec::new(), Vec::new()];
        for _ in 0..5 {
            for (side, socket) in [&direct, &self.socket].into_iter().enumerate() {
                let mut curl = Command::new("curl");
                curl.args(["-s", "-w", "%{stderr}%{time_total}\n", "--unix-socket"]).arg(socket);
                curl.args(vec![target.as_str(); 100]);
                let begun = Instant::now();
                let output = curl.stdout(Stdio::null()).output().unwrap();
                assert!(begun.elapsed() < Duration::from_mins(1));
                let mut times: Vec<f64> =
                    String::from_utf8_lossy(&output.stderr).lines().filter_map(|it| it.parse().ok()).collect();
                assert_eq!(times.len(), 100, "{output:?}");
                times.sort_by(f64::total_cmp);
                medians[side].push(times[50] * 1000.0);
            }
        }
        let median = |side: usize| {
            let mut all = medians[side].clone();
            all.sort_by(f64::total_cmp);
            all[2]
        };
        lab.note(&format!(
            "inspect, median of 5x100: direct {:.2} ms, gate {:.2} ms; gate {candidate}",
            median(0),
            median(1)
        ));
    }

    /// Services with the word in all that is theirs, their tasks, and a task that cannot start: its engine says why.
    fn secrets_of_a_swarm_stay_inside(&self) {
        let lab = &self.lab;
        lab.docker_ok(&["swarm", "init", "--advertise-addr", HOST, "--listen-addr", HOST]);
        for kind in ["secret", "config"] {
            let script = format!("echo {SECRET} | docker {kind} create {SECRET}-{kind} -");
            let made = lab.with_engine(Command::new("sh").args(["-c", &script])).output().unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        lab.docker_ok(&["network", "create", "-d", "overlay", "over"]);
        let (password, words) = (format!("PASSWORD={SECRET}"), format!("echo {SECRET}"));
        let (secret, config) = (format!("source={SECRET}-secret,target={SECRET}"), format!("source={SECRET}-config"));
        let (tag, command) = (format!("tag={SECRET}"), format!("echo {SECRET}; sleep 1000"));
        let mut service =
            vec!["service", "create", "-d", "--no-resolve-image", "--network", "over", "--env", &password];
        service.extend(["--secret", &secret, "--config", &config, "--label", "a=b", "--health-cmd", &words]);
        service.extend(["--health-interval", "1s", "--log-driver", "json-file", "--log-opt", &tag]);
        service.extend([
            "--mount",
            "type=volume,source=share,target=/share,volume-opt=type=tmpfs,volume-opt=device=tmpfs",
        ]);
        lab.docker_ok(&[&service[..], &["--name", "good", images::BUSYBOX, "sh", "-c", &command]].concat());
        lab.docker_ok(&[
            "service",
            "create",
            "-d",
            "--no-resolve-image",
            "--name",
            "bad",
            images::BUSYBOX,
            &format!("/no/{SECRET}"),
        ]);
        let direct = lab.folder().join("docker.sock");
        let listed = |path: &str| json(&ask(&direct, "GET", path).1);
        lab.note("two services");
        eventually(Duration::from_mins(1), "a task with addresses, and one that says why it does not run", || {
            let tasks = listed("/tasks");
            let has_addresses = tasks.to_string().contains("\"Addresses\"");
            let quotes = tasks.as_array().unwrap().iter().any(|it| it["Status"]["Err"].to_string().contains(SECRET));
            if has_addresses && quotes { Ok(()) } else { Err(tasks.to_string()) }
        });
        let socket = lab.folder().join("swarm-gate.sock");
        let gate = Command::new(images::binary())
            .arg("gate")
            .arg(format!("--engine=unix://{}", direct.display()))
            .arg(format!("--listen=unix://{}", socket.display()))
            .arg("--swarm")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _gate = Own(gate);
        eventually(Duration::from_secs(10), "a gate with --swarm", || {
            let (status, body) = ask(&socket, "GET", "/_ping");
            if status == 200 { Ok(()) } else { Err(body) }
        });
        lab.note("their tasks, and a gate with --swarm");
        let mut targets: Vec<String> =
            ["/info", "/services", "/services?status=1", "/tasks", "/nodes", "/nodes/self", "/containers/json?all=1"]
                .map(ToOwned::to_owned)
                .into();
        for (list, id, prefix, suffix) in [
            ("/services", "ID", "/services/", ""),
            ("/tasks", "ID", "/tasks/", ""),
            ("/containers/json?all=1", "Id", "/containers/", "/json"),
            ("/networks", "Id", "/networks/", ""),
        ] {
            let all = listed(list);
            targets.extend(
                all.as_array().unwrap().iter().map(|it| format!("{prefix}{}{suffix}", it[id].as_str().unwrap())),
            );
        }
        let mut count = 0;
        for target in &targets {
            count += ask(&direct, "GET", target).1.matches(SECRET).count();
            // A task that cannot start is recreated, under another name.
            let (status, body) = ask(&socket, "GET", target);
            assert!(matches!(status, 200 | 404), "{target}: {status} {body}");
            assert!(!body.contains(SECRET), "{target}: {body}");
        }
        assert!(ask(&socket, "GET", "/services/good").1.contains("\"Labels\":{\"a\":\"b\"}"));
        assert!(count > 20, "the engine itself says it {count} times");
        for target in ["/secrets", "/configs", "/swarm", "/swarm/unlockkey", "/services/good/logs?stdout=1"] {
            assert_eq!(ask(&socket, "GET", target).0, 403, "{target}");
        }
        lab.note(&format!(
            "a swarm: {} questions, to which the engine itself says `{SECRET}` {count} times, and the gate never",
            targets.len()
        ));
        lab.docker_ok(&["service", "rm", "good", "bad"]);
        lab.docker_ok(&["swarm", "leave", "--force"]);
    }
}
