//! A swarm of one node: a service on internal overlays is routed at its tasks, and every hidden leg is a way out.

use std::time::Duration;

use serde_json::Value;

use crate::images;
use crate::lab::{HOST, Lab, OUTSIDE, eventually};
use crate::topology::{explain, serve};

const WEB: &str = "nginxinc/nginx-unprivileged:1.28-alpine";
/// The same. A node asks a registry for every image, and only then takes its own: this one says no at once.
const OWN: &str = "localhost:1/web:1";

#[test]
fn a_swarm() {
    let Some(means) = crate::means("a_swarm") else { return };
    let lab = Lab::start("a_swarm", &means.composes[0]);
    images::make_all(&lab, &means.traefik);
    lab.docker_ok(&["tag", WEB, OWN]);
    lab.docker_ok(&["swarm", "init", "--advertise-addr", HOST]);
    // Attachable, so that Traefik and Leeward need not be services; which is a finding.
    let internal = ["network", "create", "--driver", "overlay", "--attachable", "--internal"];
    lab.docker_ok(&[&internal[..], &["proxy"]].concat());
    lab.docker_ok(&[&internal[..], &["back"]].concat());
    lab.docker_ok(&["network", "create", "--driver", "overlay", "--attachable", "open"]);

    let group = lab.socket_group();
    let leeward = ["run", "-d", "--name", "leeward", "--network", "proxy", "--cap-drop", "ALL", "--group-add", &group];
    let socket = ["-v", "/var/run/docker.sock:/var/run/docker.sock:ro"];
    lab.docker_ok(&[&leeward[..], &socket, &["leeward/leeward:0.1.0", "serve", "--listen=0.0.0.0:9000"]].concat());
    let pid = lab.pid("leeward");
    eventually(Duration::from_secs(20), "leeward is ready", || {
        let answer = serve(&lab, &pid, "/readyz");
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    });
    lab.docker_ok(&[
        "create",
        "--name",
        "traefik",
        "-p",
        "80:80",
        "--label",
        "leeward.traefik=true",
        "traefik:v3.7.15",
        "--entrypoints.web.address=:80",
        "--providers.providersthrottleduration=100ms",
        "--providers.http.endpoint=http://leeward:9000/config",
        "--providers.http.pollinterval=250ms",
    ]);
    lab.docker_ok(&["network", "connect", "proxy", "traefik"]);
    lab.docker_ok(&["start", "traefik"]);

    let swarm = Swarm { lab: &lab, pid };
    swarm.an_internal_service_is_routed_at_its_tasks();
    swarm.what_is_published_or_open_is_refused();
    swarm.a_container_on_an_overlay_is_judged_by_its_hidden_leg();
    swarm.the_audit_says_what_is_odd();
    lab.docker_ok(&["swarm", "leave", "--force"]);
}

struct Swarm<'a> {
    lab: &'a Lab,
    pid: String,
}

impl Swarm<'_> {
    fn service(&self, name: &str, arguments: &[&str]) {
        let rule = format!("traefik.http.routers.web.rule=Host(`{name}.test`)");
        let begin =
            ["service", "create", "--detach", "--no-resolve-image", "--name", name, "--label", "traefik.enable=true"];
        let port =
            ["--label", "traefik.http.services.web.loadbalancer.server.port=8080", "--mount", "type=tmpfs,target=/tmp"];
        self.lab.docker_ok(&[&begin[..], &["--label", &rule], &port, arguments, &[OWN]].concat());
    }

    /// Waits for a task of a service.
    fn until_runs(&self, name: &str) {
        let format = ["--filter", "desired-state=running", "--format", "{{.CurrentState}}"];
        eventually(Duration::from_secs(40), &format!("a task of {name} runs"), || {
            let states = self.lab.docker(&[&["service", "ps"], &format[..], &[name]].concat()).out;
            if states.contains("Running") { Ok(()) } else { Err(states) }
        });
    }

    /// What is said of the first task of a service.
    fn task(&self, name: &str) -> Value {
        let mut seen = Value::Null;
        eventually(Duration::from_secs(20), &format!("{name}.1 is judged"), || {
            seen = explain(self.lab, &self.pid, &format!("{name}.1"));
            if seen["outcome"].is_string() { Ok(()) } else { Err(seen.to_string()) }
        });
        self.lab.note(&format!("  {name}.1: {} {}", seen["outcome"], seen["refusal"]["words"]));
        seen
    }

    fn an_internal_service_is_routed_at_its_tasks(&self) {
        let lab = self.lab;
        self.service("inner", &["--network", "proxy", "--network", "back", "--replicas", "2"]);
        self.until_runs("inner");
        lab.until_visit("inner.test", 200, "from image");
        let seen = self.task("inner");
        assert_eq!((seen["outcome"].as_str(), seen["owner"].as_str()), (Some("routed"), Some("~~inner")), "{seen}");
        eventually(Duration::from_secs(20), "both tasks are servers", || {
            let routes = crate::lab::json(&serve(lab, &self.pid, "/routes").body);
            let servers = routes["routes"][0]["backends"].as_array().map_or(0, Vec::len);
            if servers == 2 { Ok(()) } else { Err(routes.to_string()) }
        });
        // And it is true: nothing of it gets out.
        let task = lab.docker(&["ps", "-q", "--filter", "label=com.docker.swarm.service.name=inner"]).out;
        let task = task.lines().next().unwrap();
        assert!(!lab.inside(task, &["nc", "-w", "2", OUTSIDE, "80", "-e", "true"]).ok);
    }

    fn what_is_published_or_open_is_refused(&self) {
        let socket = "type=bind,source=/var/run/docker.sock,target=/docker.sock,readonly";
        let cases: [(&str, &[&str], &str); 5] = [
            ("by-ingress", &["--network", "proxy", "--publish", "8081:8080"], "NET-007"),
            ("by-host", &["--network", "proxy", "--publish", "mode=host,published=8082,target=8080"], "PUB-004"),
            ("outward", &["--network", "proxy", "--network", "open"], "NET-001"),
            ("with-socket", &["--network", "proxy", "--mount", socket], "PRV-002"),
            ("net-admin", &["--network", "proxy", "--cap-add", "NET_ADMIN"], "NET-014"),
        ];
        for (name, arguments, _) in cases {
            self.service(name, arguments);
        }
        for (name, _, rule) in cases {
            self.until_runs(name);
            let seen = self.task(name);
            assert_eq!(seen["outcome"], "refused", "{seen}");
            assert!(seen.to_string().contains(rule), "{rule}: {seen}");
            assert_eq!(self.lab.visit(&format!("{name}.test"), "/").status, 404);
            let task =
                self.lab.docker(&["ps", "-q", "--filter", &format!("label=com.docker.swarm.service.name={name}")]).out;
            if matches!(name, "by-ingress" | "outward") {
                let out = ["nc", "-w", "2", OUTSIDE, "80", "-e", "true"];
                assert!(self.lab.inside(task.trim(), &out).ok, "{name} does get out: the rule is no false alarm");
            }
            self.lab.docker_ok(&["service", "rm", name]);
        }
    }

    fn a_container_on_an_overlay_is_judged_by_its_hidden_leg(&self) {
        let ask = [
            "--label",
            "traefik.enable=true",
            "--label",
            "traefik.http.routers.web.rule=Host(`plain.test`)",
            "--tmpfs",
            "/tmp",
        ];
        for (name, networks, wanted) in [("plain", &["proxy"][..], ""), ("legged", &["proxy", "open"], "NET-008")] {
            self.lab.docker_ok(&[&["create", "--name", name, "--network", networks[0]][..], &ask, &[WEB]].concat());
            for network in &networks[1..] {
                self.lab.docker_ok(&["network", "connect", network, name]);
            }
            self.lab.docker_ok(&["start", name]);
            let mut seen = Value::Null;
            eventually(Duration::from_secs(10), &format!("{name} is judged"), || {
                seen = explain(self.lab, &self.pid, name);
                let done =
                    if wanted.is_empty() { seen["outcome"] == "routed" } else { seen.to_string().contains(wanted) };
                if done { Ok(()) } else { Err(seen.to_string()) }
            });
            if wanted.is_empty() {
                self.lab.until_visit("plain.test", 200, "from image");
            }
            self.lab.docker_ok(&["rm", "-f", name]);
        }
    }

    fn the_audit_says_what_is_odd(&self) {
        let audit = crate::lab::json(&serve(self.lab, &self.pid, "/audit").body);
        let rules: Vec<&str> =
            audit["findings"].as_array().unwrap().iter().filter_map(|it| it["rule"].as_str()).collect();
        assert!(rules.contains(&"NET-019"), "an attachable overlay as proxy network: {rules:?}");
        assert!(rules.contains(&"SOC-002"), "the engine's socket without a gate: {rules:?}");
    }
}
