//! Hostile images, greedy neighbours and careless operators, on a real engine before a real Traefik: the victim's route,
//! pool and password stay as they are, and every no names its reason.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::images;
use crate::lab::{Lab, eventually, json, must};
use crate::topology::{explain, serve, up};

/// What a careful operator writes; each attacker below differs from it in one thing.
const CAREFUL: &[&str] =
    &["--cap-drop", "ALL", "--read-only", "--tmpfs", "/tmp", "--security-opt", "no-new-privileges"];
/// A router of its own.
const ASKS: &[&str] =
    &["--label", "traefik.enable=true", "--label", "traefik.http.routers.x.rule=Host(`x.app1.localhost`)"];
const WEB: &str = "nginxinc/nginx-unprivileged:1.28-alpine";
/// `operator:secret`, as in an `.htpasswd` file; `$` doubled for Compose.
const USERS: &str = "operator:$$apr1$$leeward0$$pDRwbXztRIikeCp0j1sP01";

const VICTIM: &str = "
services:
  web:
    image: IMAGE
    networks: [net-proxy]
    labels:
      traefik.enable: 'true'
      traefik.http.routers.web.rule: Host(`bank.app1.localhost`)
      traefik.http.routers.web.middlewares: auth
      traefik.http.middlewares.auth.basicauth.users: 'USERS'
    tmpfs: [/tmp]
    read_only: true
    cap_drop: [ALL]
    security_opt: ['no-new-privileges:true']
networks:
  net-proxy: {name: net-proxy, external: true}
";

struct Scene {
    lab: Lab,
    serving: String,
    /// What was published for the victim before anybody attacked.
    victim: Value,
}

#[test]
fn attacks() {
    let Some(means) = crate::means("attacks") else { return };
    let lab = Lab::start("attacks", &means.composes[0]);
    up(&lab, &means.traefik);
    let serving = lab.pid(&lab.container("leeward", "leeward"));
    project(&lab, "bank", &VICTIM.replace("IMAGE", WEB).replace("USERS", USERS));
    lab.until_visit("bank.app1.localhost", 401, "");
    let victim = victims(&lab, &serving);
    let scene = Scene { lab, serving, victim };
    scene.victim_is_unharmed("before");

    scene.a_hostile_image_gets_nothing();
    scene.an_image_cannot_strip_the_operators_middleware();
    scene.squatters_change_nothing();
    scene.bound_hosts_stay_with_their_network();
    scene.references_and_addresses_lead_nowhere();
    scene.what_has_a_way_out_or_power_is_refused();
    scene.a_chain_of_itself_holds_up_nobody();
    scene.what_may_write_below_a_directory_of_the_host_is_refused();
    scene.a_shared_namespace_is_judged_as_one();
    scene.a_bridge_of_the_host_is_reported();
    scene.a_late_way_out_takes_the_route_away();
    scene.victim_is_unharmed("at the end");
    scene.a_namesake_of_leeward_is_not_asked();
}

/// Writes a Compose project and starts it.
fn project(lab: &Lab, name: &str, text: &str) {
    let folder = lab.folder().join(name);
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("compose.yaml");
    fs::write(&file, text).unwrap();
    lab.compose(file.to_str().unwrap(), &["up", "-d"]);
}

/// Everything in Traefik's document that is the victim's.
fn victims(lab: &Lab, serving: &str) -> Value {
    let mut document = json(&serve(lab, serving, "/config").body);
    for kind in ["routers", "services", "middlewares"] {
        if let Some(map) = document["http"][kind].as_object_mut() {
            map.retain(|name, _| name.starts_with("bank."));
        }
    }
    document["http"].clone()
}

impl Scene {
    /// A container that has been started with `arguments`, and what Leeward says of it; gone again afterwards.
    fn attacker(&self, name: &str, arguments: &[&str], image: &str, check: impl FnOnce(&Value)) {
        self.container("run", name, arguments, image, check);
    }

    /// `docker run -d` or `docker create`.
    fn container(&self, verb: &str, name: &str, arguments: &[&str], image: &str, check: impl FnOnce(&Value)) {
        let begin: &[&str] = if verb == "run" { &["run", "-d", "--name", name] } else { &[verb, "--name", name] };
        let id = self.lab.docker_ok(&[begin, arguments, &[image]].concat());
        let mut seen = Value::Null;
        let limit = Duration::from_secs(5);
        eventually(limit, &format!("{name} is judged"), || {
            seen = explain(&self.lab, &self.serving, name);
            let alive = verb != "run" || !seen.to_string().contains("not-running");
            // Another of this name may have been there just before.
            if seen["outcome"].is_string() && seen["id"] == id.as_str() && alive {
                Ok(())
            } else {
                Err(seen.to_string())
            }
        });
        let refusal = &seen["refusal"];
        self.lab.note(&format!("  {name}: {} [{}] {}", seen["outcome"], refusal["code"], refusal["words"]));
        check(&seen);
        self.victim_is_unharmed(name);
        self.lab.docker_ok(&["rm", "-f", "-v", name]);
    }

    /// The victim's part of the document is what it was, and its visitors still need the password.
    fn victim_is_unharmed(&self, after: &str) {
        assert_eq!(victims(&self.lab, &self.serving), self.victim, "after {after}");
        for _ in 0..3 {
            let answer = self.lab.visit("bank.app1.localhost", "/");
            assert_eq!(answer.status, 401, "after {after}: {answer:?}");
        }
        let answer = self.lab.visit_as("operator:secret", "bank.app1.localhost");
        assert!(answer.status == 200 && answer.body.contains("from image nginxinc"), "after {after}: {answer:?}");
    }

    fn a_hostile_image_gets_nothing(&self) {
        let baked = [
            "LABEL traefik.enable=true",
            "LABEL traefik.http.routers.web.rule=Host(`bank.app1.localhost`)",
            "LABEL traefik.http.routers.web.priority=1000",
            "LABEL traefik.http.routers.own.rule=Host(`evil.app1.localhost`)",
            "LABEL com.docker.compose.project=bank",
            "LABEL com.docker.compose.service=web",
            "LABEL com.docker.compose.config-hash=0123456789abcdef",
        ];
        images::web(&self.lab, "hostile:1", &baked);
        let on = [&["--network", "net-proxy"], CAREFUL].concat();
        self.attacker("hostile", &on, "hostile:1", |seen| {
            assert_ne!(seen["outcome"], "routed", "{seen}");
            assert_ne!(seen["owner"], "bank", "{seen}");
        });
        // The operator asks for it, with a rule of his own: still not a member of the victim's project.
        let asked = [
            &on[..],
            &["--label", "traefik.enable=1", "--label", "traefik.http.routers.own.rule=Host(`own.app1.localhost`)"],
        ]
        .concat();
        self.attacker("hostile-asked", &asked, "hostile:1", |seen| {
            assert_eq!(seen["owner"], "~hostile-asked", "{seen}");
        });
        assert_eq!(self.lab.visit("evil.app1.localhost", "/").status, 404);
    }

    fn an_image_cannot_strip_the_operators_middleware(&self) {
        images::web(&self.lab, "stripper:1", &["LABEL traefik.http.routers.own.middlewares=auth"]);
        let labels = [
            "--network",
            "net-proxy",
            "--label",
            "traefik.enable=true",
            "--label",
            "traefik.http.routers.own.rule=Host(`own.app1.localhost`)",
            "--label",
            "traefik.http.routers.own.middlewares=auth",
            "--label",
            "traefik.http.middlewares.auth.basicauth.users=operator:$apr1$leeward0$pDRwbXztRIikeCp0j1sP01",
        ];
        let arguments = [&labels, CAREFUL].concat();
        // The same labels on an image that bakes nothing are routed, behind the password.
        self.attacker("honest", &arguments, WEB, |seen| {
            assert_eq!(seen["outcome"], "routed", "{seen}");
            self.lab.until_visit("own.app1.localhost", 401, "");
        });
        self.lab.until_visit("own.app1.localhost", 404, "");
        self.attacker("stripped", &arguments, "stripper:1", |seen| {
            assert_eq!(seen["refusal"]["code"], "image-labels", "{seen}");
            assert_eq!(seen["refusal"]["rule"], "IMG-001", "{seen}");
            assert_eq!(self.lab.visit("own.app1.localhost", "/").status, 404);
        });
    }

    fn squatters_change_nothing(&self) {
        // The victim's names, by another project on the same network and on another.
        for network in ["net-proxy", "net-proxy2"] {
            let host = if network == "net-proxy" { "evil.app1.localhost" } else { "evil.app2.localhost" };
            let text = VICTIM
                .replace("IMAGE", WEB)
                .replace("USERS", "mallory:x")
                .replace("bank.app1.localhost", host)
                .replace("net-proxy", network);
            project(&self.lab, "mallory", &text);
            self.lab.until_visit(host, 401, "");
            self.victim_is_unharmed("a project with the victim's router, service and middleware names");
            let file = self.lab.folder().join("mallory/compose.yaml");
            self.lab.compose(file.to_str().unwrap(), &["down"]);
            self.lab.until_visit(host, 404, "");
        }
        // A name that spells out the victim's published one.
        for label in [
            "traefik.http.services.bank.web.loadbalancer.server.port=8080",
            "traefik.http.services.bank-web.loadbalancer.server.port=8080",
            "traefik.http.services.web@http.loadbalancer.server.port=8080",
        ] {
            let arguments = [
                &["--network", "net-proxy", "--label", "traefik.enable=true", "--label", label][..],
                &["--label", "traefik.http.routers.x.rule=Host(`x.app1.localhost`)"],
                CAREFUL,
            ]
            .concat();
            self.attacker("speller", &arguments, WEB, |_| {});
        }
    }

    fn bound_hosts_stay_with_their_network(&self) {
        let claims = [
            "Host(`bank.app1.localhost`)",
            "Host(`BANK.app1.localhost.`)",
            "Host(`mine.app2.localhost`) || Host(`bank.app1.localhost`)",
            "PathPrefix(`/`)",
            "HostRegexp(`.+`)",
            "!Host(`x`)",
            "Host(`mine.app2.localhost`) || PathPrefix(`/.well-known/`)",
        ];
        for claim in claims {
            let rule = format!("traefik.http.routers.x.rule={claim}");
            let arguments = [
                &["--network", "net-proxy2", "--label", "traefik.enable=true", "--label", &rule][..],
                &["--label", "traefik.http.routers.x.priority=1000"],
                CAREFUL,
            ]
            .concat();
            self.attacker("claimant", &arguments, WEB, |seen| {
                assert_eq!(seen["refusal"]["code"], "host", "{claim}: {seen}");
            });
        }
    }

    fn references_and_addresses_lead_nowhere(&self) {
        let own = "traefik.http.routers.x.rule=Host(`x.app1.localhost`)";
        for (label, code) in [
            ("traefik.http.routers.x.service=api@internal", "reference"),
            ("traefik.http.routers.x.service=bank.web@http", "reference"),
            ("traefik.http.routers.x.middlewares=bank.auth", "reference"),
            ("traefik.http.routers.x.entrypoints=traefik", "entry-point"),
            ("traefik.http.services.x.loadbalancer.server.url=http://203.0.113.2", "server-url"),
            ("traefik.http.services.x.loadbalancer.server.url=http://leeward:9000", "server-url"),
            ("traefik.http.services.x.loadbalancer.server.port=8080@leeward:9000", "server-url"),
            ("traefik.http.services.x.loadbalancer.server.scheme=http://leeward:9000/?", "server-url"),
            ("traefik.http.services.x.loadbalancer.healthcheck.scheme=http://leeward:9000/?", "server-url"),
            ("traefik.http.services.x.loadbalancer.healthcheck.followredirects=true", "server-url"),
            ("traefik.http.services.x.loadbalancer.healthcheck.port=9000", "server-url"),
            ("traefik.http.middlewares.x.forwardauth.address=http://leeward:9000/config", "middleware"),
            ("traefik.http.middlewares.x.forwardauth.address=http://203.0.113.2/", "middleware"),
            ("traefik.http.middlewares.x.ratelimit.redis.endpoints=203.0.113.2:80", "middleware"),
            ("traefik.http.middlewares.x.basicauth.realm=stops-traefik", "bad-label"),
        ] {
            let arguments = [
                &["--network", "net-proxy", "--label", "traefik.enable=true", "--label", own, "--label", label],
                CAREFUL,
            ]
            .concat();
            self.attacker("reacher", &arguments, WEB, |seen| {
                assert_eq!(seen["refusal"]["code"], code, "{label}: {seen}");
                let answer = self.lab.visit("x.app1.localhost", "/");
                assert_eq!(answer.status, 404, "{label}: {answer:?}");
            });
        }
    }

    fn what_has_a_way_out_or_power_is_refused(&self) {
        let lab = &self.lab;
        lab.docker_ok(&["run", "-d", "--name", "vpn", "--network", "net-exposed", images::BUSYBOX, "sleep", "1000"]);
        lab.docker_ok(&[
            "volume",
            "create",
            "--driver",
            "local",
            "--opt",
            "type=none",
            "--opt",
            "o=bind",
            "--opt",
            "device=/var/run",
            "harmless",
        ]);
        // "Internal", says the engine of both.
        lab.docker_ok(&["network", "create", "--internal", "-d", "macvlan", "-o", "parent=outside", "lan"]);
        lab.docker_ok(&["network", "create", "--internal", "--ipv6", "--subnet", "fd00:6::/64", "six"]);
        // From 27 on it filters IPv6: then it is Traefik that is not there.
        let version = lab.docker_ok(&["version", "-f", "{{.Server.Version}}"]);
        let is_old = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap() < 27;
        let cases: &[(&str, &[&str], &str)] = &[
            ("on-macvlan", &["--network", "lan"], "NET-005"),
            ("with-ipv6", &["--network", "six"], if is_old { "NET-016" } else { "NET-009" }),
            ("rider", &["--network", "container:vpn"], "NET-003"),
            ("on-host", &["--network", "host"], "NET-002"),
            ("on-bridge", &[], "NET-004"),
            ("privileged", &["--network", "net-proxy", "--privileged"], "PRV-001"),
            (
                "with-socket",
                &["--network", "net-proxy", "-v", "/var/run/docker.sock:/var/run/docker.sock:ro"],
                "PRV-002",
            ),
            ("with-parent", &["--network", "net-proxy", "-v", "/var/run:/host/run:ro"], "PRV-002"),
            ("with-root", &["--network", "net-proxy", "-v", "/:/host:ro"], "PRV-002"),
            ("with-volume", &["--network", "net-proxy", "-v", "harmless:/data"], "VOL-002"),
            ("net-admin", &["--network", "net-proxy", "--cap-add", "NET_ADMIN"], "NET-014"),
            ("pid-host", &["--network", "net-proxy", "--pid", "host"], "PRV-005"),
        ];
        for &(name, arguments, rule) in cases {
            let privileged = name == "privileged";
            let careful = if privileged { &["--read-only", "--tmpfs", "/tmp"] } else { CAREFUL };
            let arguments = [ASKS, arguments, careful].concat();
            self.attacker(name, &arguments, WEB, |seen| {
                assert_eq!(seen["outcome"], "refused", "{seen}");
                assert!(seen.to_string().contains(rule), "{name} should be refused by {rule}: {seen}");
                assert_eq!(lab.visit("x.app1.localhost", "/").status, 404);
            });
        }
        lab.docker_ok(&["rm", "-f", "vpn"]);
        lab.docker_ok(&["network", "rm", "lan", "six"]);
    }

    /// A chain that leads back to itself many times, and a rule longer than any line of a terminal: every view is
    /// answered, and Traefik leaves the one router out.
    fn a_chain_of_itself_holds_up_nobody(&self) {
        let own = "traefik.http.routers.x.rule=Host(`x.app1.localhost`)";
        let chain = format!("traefik.http.middlewares.m.chain.middlewares={}", vec!["m"; 90].join(","));
        let labels =
            [own, chain.as_str(), "traefik.http.routers.x.middlewares=m"].map(|label| ["--label", label]).concat();
        let on = ["--network", "net-proxy", "--label", "traefik.enable=true"];
        self.attacker("circular", &[&on, &labels[..], CAREFUL].concat(), WEB, |seen| {
            assert_eq!(seen["outcome"], "routed", "{seen}");
            assert!(seen.to_string().contains("leads back to itself"), "{seen}");
            assert_eq!(self.lab.visit("x.app1.localhost", "/").status, 404, "Traefik refuses such a chain");
            self.everything_is_answered();
        });
        let rule = format!("{own} && !Header(`X-Long`, `{}`)", "a".repeat(70_000));
        let arguments = [&on, &["--label", rule.as_str()][..], CAREFUL].concat();
        self.attacker("long-winded", &arguments, WEB, |_| self.everything_is_answered());
    }

    /// Within the two seconds that the lab gives an answer.
    fn everything_is_answered(&self) {
        for path in ["/routes", "/audit", "/", "/config", "/healthz", "/metrics"] {
            let answer = serve(&self.lab, &self.serving, path);
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
        }
    }

    fn what_may_write_below_a_directory_of_the_host_is_refused(&self) {
        let lab = &self.lab;
        lab.docker_ok(&[
            "volume",
            "create",
            "--opt",
            "type=none",
            "--opt",
            "o=bind",
            "--opt",
            "device=/proc/sys/kernel",
            "kernel",
        ]);
        let engines = lab.docker_ok(&["info", "--format", "{{.DockerRootDir}}"]);
        let below = format!("{engines}/volumes:/data");
        let cases: &[(&str, &str, &str)] = &[
            ("core-pattern", "/proc/sys/kernel/core_pattern:/data", "PRV-016"),
            ("kernel-volume", "kernel:/data", "VOL-002"),
            ("engine-config", "/etc/systemd/system/:/data", "PRV-016"),
            ("cron", "/etc/../etc//cron.d:/data", "PRV-016"),
            ("engine-data", &below, "PRV-016"),
        ];
        for &(name, volume, rule) in cases {
            let arguments = [&["--network", "net-proxy", "-v", volume][..], ASKS, CAREFUL].concat();
            self.attacker(name, &arguments, WEB, |seen| {
                assert_eq!(seen["outcome"], "refused", "{name}: {seen}");
                assert!(seen.to_string().contains(rule), "{name} should be refused by {rule}: {seen}");
                assert_eq!(lab.visit("x.app1.localhost", "/").status, 404);
            });
        }
        // What every second home server mounts.
        let innocent = [
            &["--network", "net-proxy", "-v", "/etc/localtime:/etc/localtime:ro", "-v", "b-data:/data"][..],
            &["-v", "/srv/media:/media", "-v", "/home/u/app/data:/app"],
            ASKS,
            CAREFUL,
        ]
        .concat();
        self.attacker("innocent", &innocent, WEB, |seen| assert_eq!(seen["outcome"], "routed", "{seen}"));
        lab.docker_ok(&["volume", "rm", "-f", "kernel", "b-data"]);
    }

    /// Processes and shared memory of two containers in one namespace are within reach of both.
    fn a_shared_namespace_is_judged_as_one(&self) {
        let lab = &self.lab;
        let asks = [&["--network", "net-proxy"], ASKS, CAREFUL].concat();
        let sleeps = |name: &str, arguments: &[&str]| {
            let begin = ["run", "-d", "--name", name];
            lab.docker_ok(&[&begin, arguments, &[images::BUSYBOX, "sleep", "1000"]].concat());
        };
        let refused = |seen: &Value, words: &str| {
            assert_eq!(seen["outcome"], "refused", "{seen}");
            assert!(seen.to_string().contains("PRV-006") && seen.to_string().contains(words), "{words}: {seen}");
            assert_eq!(lab.visit("x.app1.localhost", "/").status, 404);
        };
        sleeps("socketed", &["--network", "none", "-v", "/var/run/docker.sock:/var/run/docker.sock"]);
        let joins = |what: &[&'static str]| [&asks[..], what].concat();
        self.attacker("in-its-processes", &joins(&["--pid", "container:socketed"]), WEB, |seen| {
            // Whose first process is the other's, and its files within reach.
            lab.inside("in-its-processes", &["ls", "/proc/1/root/var/run/"]);
            refused(seen, "socketed");
        });
        // Through a third, which has nothing itself.
        sleeps("third", &["--network", "none", "--pid", "container:socketed"]);
        self.attacker("by-a-third", &joins(&["--pid", "container:third"]), WEB, |seen| refused(seen, "socketed"));
        lab.docker_ok(&["rm", "-f", "socketed", "third"]);

        // The other way round: routed, until a container with a way out joins its processes.
        let id = lab.docker_ok(&[&["run", "-d", "--name", "joined"][..], &asks, &[WEB]].concat());
        lab.until_visit("x.app1.localhost", 200, "");
        sleeps("joiner", &["--network", "net-exposed", "--pid", "container:joined"]);
        lab.until_visit("x.app1.localhost", 404, "");
        let seen = explain(lab, &self.serving, "joined");
        lab.note(&format!("  joined: {}", seen["refusal"]));
        assert_eq!(seen["id"], id.as_str());
        refused(&seen, "joiner");
        self.victim_is_unharmed("joiner");
        lab.docker_ok(&["rm", "-f", "joiner"]);
        lab.until_visit("x.app1.localhost", 200, "");

        // A metrics exporter with the host's processes is nobody's partner: said once, and nobody is refused.
        sleeps("exporter", &["--network", "net-exposed", "--pid", "host"]);
        let audit = || serve(lab, &self.serving, "/audit").body;
        eventually(Duration::from_secs(5), "the exporter is reported", || {
            if audit().contains("PRV-024") { Ok(()) } else { Err(audit()) }
        });
        assert_eq!(explain(lab, &self.serving, "joined")["outcome"], "routed");
        assert_eq!(lab.visit("x.app1.localhost", "/").status, 200);
        lab.docker_ok(&["rm", "-f", "exporter", "joined"]);
        lab.until_visit("x.app1.localhost", 404, "");
    }

    /// `internal`, on a bridge that the host had before, with a machine on its wire.
    fn a_bridge_of_the_host_is_reported(&self) {
        let lab = &self.lab;
        let engine = lab.engine().to_string();
        let ip = |arguments: &[&str]| must(&[&["nsenter", "-t", &engine, "-n", "ip"], arguments].concat());
        ip(&["link", "add", "uplinked", "type", "bridge"]);
        ip(&["link", "set", "uplinked", "up"]);
        ip(&["link", "add", "uplink", "type", "veth", "peer", "name", "machine", "netns", &lab.internet().to_string()]);
        ip(&["link", "set", "uplink", "master", "uplinked", "up"]);
        let machine = lab.internet().to_string();
        let there = |arguments: &[&str]| must(&[&["nsenter", "-t", &machine, "-n", "ip"], arguments].concat());
        // A network card's address, as its maker gave it.
        there(&["link", "set", "machine", "address", "00:1b:21:0a:0b:0c", "up"]);
        there(&["address", "add", "172.31.9.77/24", "dev", "machine"]);
        lab.docker_ok(&[
            "network",
            "create",
            "--internal",
            "--subnet",
            "172.31.9.0/24",
            "-o",
            "com.docker.network.bridge.name=uplinked",
            "wired",
        ]);
        self.attacker("on-the-wire", &[&["--network", "wired"], ASKS, CAREFUL].concat(), WEB, |_| {
            let asks = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 172.31.9.77 80";
            let reached = lab.inside("on-the-wire", &["sh", "-c", asks]);
            assert!(reached.ok && reached.out.contains("the outside world"), "{reached:?}");
            let audit = serve(lab, &self.serving, "/audit").body;
            assert!(audit.contains("NET-026") && audit.contains("uplinked"), "{audit}");
        });
        let begin = ["run", "--rm", "--network", "wired", "--cap-drop", "ALL", "leeward/leeward:0.1.0", "probe"];
        let probe = lab.docker(&[&begin[..], &["--timeout=1", "--neighbours"]].concat());
        lab.note(&format!("probe on wired: ok {}\n{}{}", probe.ok, probe.out, probe.err));
        assert!(!probe.ok && probe.out.contains("172.31.9.77") && probe.out.contains("no container"), "{probe:?}");
        lab.docker_ok(&["network", "rm", "wired"]);
    }

    /// Docker's names are looked up on every network that Traefik is on: whoever is called as Leeward there would tell
    /// Traefik its routes.
    fn a_namesake_of_leeward_is_not_asked(&self) {
        let lab = &self.lab;
        let folder = lab.folder().join("namesake");
        fs::create_dir_all(&folder).unwrap();
        let service = r#"{"loadBalancer":{"servers":[{"url":"http://127.0.0.1:1"}]}}"#;
        let router = r#"{"rule":"Host(`bank.app1.localhost`)","priority":100000,"service":"x"}"#;
        fs::write(
            folder.join("config"),
            format!(r#"{{"http":{{"routers":{{"x":{router}}},"services":{{"x":{service}}}}}}}"#),
        )
        .unwrap();
        let volume = format!("{}:/www:ro", folder.display());
        lab.docker_ok(&[
            "run",
            "-d",
            "--name",
            "namesake",
            "--network",
            "net-proxy",
            "--network-alias",
            "leeward",
            "-v",
            &volume,
            images::BUSYBOX,
            "httpd",
            "-f",
            "-p",
            "9000",
            "-h",
            "/www",
        ]);
        // While Leeward is away, nobody else answers to its name.
        let leeward = lab.container("leeward", "leeward");
        lab.docker_ok(&["stop", "-t", "1", &leeward]);
        for _ in 0..20 {
            let answer = lab.visit("bank.app1.localhost", "/");
            assert_eq!(answer.status, 401, "the namesake tells Traefik its routes: {answer:?}");
            std::thread::sleep(Duration::from_millis(250));
        }
        lab.docker_ok(&["rm", "-f", "-v", "namesake"]);
    }

    fn a_late_way_out_takes_the_route_away(&self) {
        let lab = &self.lab;
        let web = lab.container("app1", "web");
        assert_eq!(lab.visit("app1.localhost", "/").status, 200);
        lab.docker_ok(&["network", "connect", "net-exposed", &web]);
        let connected = Instant::now();
        lab.until_visit("app1.localhost", 404, "");
        let took = connected.elapsed();
        lab.note(&format!("gone {} ms after `docker network connect`", took.as_millis()));
        assert!(took < Duration::from_secs(1), "{took:?}");
        let seen = explain(lab, &self.serving, &web);
        lab.note(&format!("explain: {}", seen["refusal"]));
        assert!(
            seen["refusal"]["rule"] == "NET-001" && seen["refusal"]["words"].to_string().contains("net-exposed"),
            "{seen}"
        );
        lab.docker_ok(&["network", "disconnect", "net-exposed", &web]);
        lab.until_visit("app1.localhost", 200, "This is app1");
    }
}
