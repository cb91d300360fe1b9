//! A swarm of several nodes: three engines, each in namespaces of its own, on one wire. The shipped stack runs on the
//! manager; tasks of a service on internal overlays are routed and answer wherever they run, and a node that dies takes with it
//! only what ran there.
//!
//! ```text
//!   manager 10.77.0.1 ---+
//!   worker  10.77.0.2 ---+--- a bridge in the manager's "Internet"
//!   worker  10.77.0.3 ---+
//! ```

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::images;
use crate::lab::{Lab, eventually, get, json, must, root};
use crate::topology::serve;

/// A node asks a registry for every image, and only then takes its own: this one says no at once.
const OWN: &str = "localhost:1/node:1";

struct Nodes {
    labs: Vec<Lab>,
    /// Leeward's process.
    serving: String,
}

#[test]
fn a_swarm_of_three_nodes() {
    let test = "a_swarm_of_three_nodes";
    let Some(means) = crate::means(test) else { return };
    let labs: Vec<Lab> = ["manager", "worker-1", "worker-2"]
        .map(|node| Lab::start(&format!("{test}-{node}"), &means.composes[0]))
        .into();
    join(&labs);
    for lab in &labs {
        images::busybox(lab, OWN, &[]);
    }
    let manager = &labs[0];
    images::make_all(manager, &means.traefik);
    let overlay = ["network", "create", "--driver", "overlay", "--internal"];
    manager.docker_ok(&[&overlay[..], &["net-proxy"]].concat());
    manager.docker_ok(&[&overlay[..], &["back"]].concat());
    let own = manager.docker_ok(&["info", "-f", "{{.Swarm.NodeID}}"]);
    manager.docker_ok(&["node", "update", "--label-add", "leeward=true", &own]);
    let mut deploy = Command::new("docker");
    deploy
        .args(["stack", "deploy", "--resolve-image=never", "-c"])
        .arg(root().join("compose/swarm.yaml"))
        .arg("leeward");
    let said = manager.with_engine(deploy.env("DOCKER_GID", manager.socket_group())).output().unwrap();
    manager.note(&format!("docker stack deploy -c compose/swarm.yaml leeward: {said:?}"));
    assert!(said.status.success(), "{said:?}");
    let mut serving = String::new();
    eventually(Duration::from_mins(1), "leeward, as a service, is ready", || {
        let filter = "label=com.docker.swarm.service.name=leeward_leeward";
        let id = manager.docker(&["ps", "-q", "--filter", filter]).out;
        serving = manager.pid(id.lines().next().unwrap_or("none"));
        let answer = get(&serving, "http://127.0.0.1:9000/readyz");
        if answer.status == 200 {
            Ok(())
        } else {
            Err(format!("{answer:?} {}", manager.docker(&["stack", "ps", "--no-trunc", "leeward"]).out))
        }
    });
    let nodes = Nodes { labs, serving };
    nodes.tasks_on_every_node_answer();
    nodes.strict_refuses_nothing_that_is_shut_in();
    nodes.up_and_down();
    nodes.a_node_that_is_drained_is_left();
    nodes.a_node_that_dies_takes_only_its_own();
}

/// Puts all on one wire, and into one swarm.
fn join(labs: &[Lab]) {
    let wire = labs[0].internet().to_string();
    must(&["nsenter", "-t", &wire, "-n", "ip", "link", "add", "wire", "type", "bridge"]);
    must(&["nsenter", "-t", &wire, "-n", "ip", "link", "set", "wire", "up"]);
    for (at, lab) in labs.iter().enumerate() {
        let (node, port) = (lab.engine().to_string(), format!("port{at}"));
        must(&["ip", "link", "add", "wire", "netns", &node, "type", "veth", "peer", "name", &port, "netns", &wire]);
        let address = format!("{}/24", address(at));
        must(&["nsenter", "-t", &node, "-n", "ip", "address", "add", &address, "dev", "wire"]);
        must(&["nsenter", "-t", &node, "-n", "ip", "link", "set", "wire", "up"]);
        must(&["nsenter", "-t", &wire, "-n", "ip", "link", "set", &port, "master", "wire", "up"]);
    }
    let listen = format!("{}:2377", address(0));
    labs[0].docker_ok(&["swarm", "init", "--advertise-addr", &address(0), "--listen-addr", &listen]);
    let token = labs[0].docker_ok(&["swarm", "join-token", "-q", "worker"]);
    for (at, lab) in labs.iter().enumerate().skip(1) {
        let own = format!("{}:2377", address(at));
        lab.docker_ok(&[
            "swarm",
            "join",
            "--token",
            &token,
            "--advertise-addr",
            &address(at),
            "--listen-addr",
            &own,
            &listen,
        ]);
    }
}

fn address(node: usize) -> String {
    format!("10.77.0.{}", node + 1)
}

impl Nodes {
    fn manager(&self) -> &Lab {
        &self.labs[0]
    }

    /// How many servers the document has for the service.
    fn servers(&self) -> usize {
        let document = json(&get(&self.serving, "http://127.0.0.1:9000/config").body);
        let services = document["http"]["services"].as_object().cloned().unwrap_or_default();
        services.values().map(|it| it["loadBalancer"]["servers"].as_array().map_or(0, Vec::len)).sum()
    }

    fn until_servers(&self, count: usize) {
        let took = eventually(Duration::from_mins(1), &format!("{count} servers"), || match self.servers() {
            found if found == count => Ok(()),
            found => Err(format!("{found} servers; {}", self.manager().docker(&["service", "ps", "web"]).out)),
        });
        self.manager().note(&format!("{count} servers after {} ms", took.as_millis()));
    }

    /// The nodes that answered so many requests, and how many got another answer than 200.
    fn answers(&self, requests: usize) -> (BTreeSet<String>, usize) {
        let (mut nodes, mut failed) = (BTreeSet::new(), 0);
        for _ in 0..requests {
            let answer = self.manager().visit("web.test", "/");
            if answer.status == 200 {
                nodes.insert(answer.body.trim().to_owned());
            } else {
                failed += 1;
            }
        }
        (nodes, failed)
    }

    /// Waits until exactly so many nodes answer, and everybody is answered.
    fn until_answered_by(&self, count: usize) -> Duration {
        eventually(Duration::from_secs(90), &format!("{count} nodes answer"), || match self.answers(12) {
            (nodes, 0) if nodes.len() == count => Ok(()),
            found => Err(format!("{found:?}")),
        })
    }

    fn tasks_on_every_node_answer(&self) {
        let manager = self.manager();
        let says = "mkdir /tmp/w; echo node $NODE >/tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w";
        manager.docker_ok(&[
            "service",
            "create",
            "--detach",
            "--no-resolve-image",
            "--name=web",
            "--replicas=6",
            "--network=net-proxy",
            "--network=back",
            "--cap-drop=ALL",
            "--sysctl=net.ipv4.ip_forward=0",
            "--mount=type=tmpfs,target=/tmp",
            "--env=NODE={{.Node.ID}}",
            "--label=traefik.enable=true",
            "--label=traefik.http.routers.web.rule=Host(`web.test`)",
            "--label=traefik.http.services.web.loadbalancer.server.port=8080",
            OWN,
            "sh",
            "-c",
            says,
        ]);
        self.until_servers(6);
        let took = self.until_answered_by(3);
        manager.note(&format!(
            "tasks on three nodes answer through Traefik on the manager, after {} ms",
            took.as_millis()
        ));
        // And on each node nothing of it gets out.
        for lab in &self.labs {
            let task = lab.docker(&["ps", "-q", "--filter", "label=com.docker.swarm.service.name=web"]).out;
            let out = ["nc", "-w", "2", crate::lab::OUTSIDE, "80", "-e", "true"];
            assert!(!lab.inside(task.lines().next().unwrap(), &out).ok);
        }
    }

    fn strict_refuses_nothing_that_is_shut_in(&self) {
        let strict = json(&serve(self.manager(), &self.serving, "/routes?isolation=strict").body);
        let refused: Vec<&Value> = strict["refused"].as_array().into_iter().flatten().collect();
        // Docker 20.10 lets names out of internal networks.
        assert!(refused.iter().all(|it| it["rule"] == "ENG-001"), "{strict}");
        let audit = json(&serve(self.manager(), &self.serving, "/audit").body);
        let of_service = |rule: &str| {
            let all = audit["findings"].as_array().unwrap().iter();
            all.filter(|it| it["rule"] == rule && it["words"].as_str().unwrap_or_default().contains("web")).count()
        };
        for finding in audit["findings"].as_array().unwrap() {
            self.manager().note(&format!("audit: {} {} {}", finding["severity"], finding["rule"], finding["words"]));
        }
        // Six tasks, two of them with a container here: one service.
        assert!(["NET-010", "NET-012", "NET-013"].iter().all(|rule| of_service(rule) <= 1), "{audit}");
        self.manager().note(&format!("strict refuses {} of the service", refused.len()));
    }

    fn up_and_down(&self) {
        for count in [9, 3] {
            self.manager().docker_ok(&["service", "scale", "--detach", &format!("web={count}")]);
            self.until_servers(count);
        }
        self.until_answered_by(3);
    }

    fn a_node_that_is_drained_is_left(&self) {
        let manager = self.manager();
        let node = |lab: &Lab| lab.docker_ok(&["info", "-f", "{{.Swarm.NodeID}}"]);
        let second = node(&self.labs[1]);
        manager.docker_ok(&["node", "update", "--availability", "drain", &second]);
        let took = self.until_answered_by(2);
        manager.note(&format!("a drained node is left, after {} ms", took.as_millis()));
        manager.docker_ok(&["node", "update", "--availability", "active", &second]);
        // So many that each node gets some.
        manager.docker_ok(&["service", "scale", "--detach", "web=9"]);
        self.until_servers(9);
        self.until_answered_by(3);
    }

    fn a_node_that_dies_takes_only_its_own(&self) {
        let manager = self.manager();
        let (before, failed) = self.answers(12);
        manager.note(&format!("before: {} nodes answer, {failed} of 12 requests fail", before.len()));
        // Its wire is cut, as when its power is.
        let dies = self.labs[2].engine().to_string();
        must(&["nsenter", "-t", &dies, "-n", "ip", "link", "set", "wire", "down"]);
        let died = Instant::now();
        let mut failing = 0;
        let took = eventually(Duration::from_mins(2), "the others answer everybody", || match self.answers(12) {
            (nodes, 0) if nodes.len() == 2 => Ok(()),
            (nodes, failed) => {
                failing += failed;
                Err(format!("{nodes:?}, {failed} fail"))
            }
        });
        manager.note(&format!(
            "after a node died: everybody is answered again {} ms later, {failing} requests failed until then",
            took.as_millis()
        ));
        // The manager starts what is missing elsewhere.
        self.until_servers(9);
        manager.note(&format!("nine tasks on two nodes {} ms after it died", died.elapsed().as_millis()));
    }
}
