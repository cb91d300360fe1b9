//! Containers with more labels than anybody can read, on a real engine beside the shipped topology: both applications
//! answer as before, Leeward and the gate stay small, and Traefik is told nothing new.

use std::fs;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::images;
use crate::lab::{Lab, eventually, json, must};
use crate::topology::{explain, serve, up};

/// What `serve` and the gate may each have in memory, at most and ever: half of what the shipped Compose file gives `serve`.
const MOST_KB: u64 = 64 * 1024;

/// How long Leeward may take to say what it thinks of a container: the engine itself takes seconds for such lists.
const EVER: Duration = Duration::from_mins(2);

/// Labels, and what is said of the container that has them.
fn bombs() -> Vec<(&'static str, Map<String, Value>, &'static str)> {
    let asking = |labels: Vec<(String, String)>| {
        let own = [("traefik.enable".to_owned(), "true".to_owned())];
        own.into_iter().chain(labels).map(|(key, value)| (key, Value::String(value))).collect::<Map<_, _>>()
    };
    let rule = |rule: String| asking(vec![("traefik.http.routers.bomb.rule".to_owned(), rule)]);
    let expressions: Vec<String> = (0..2_500).map(|at| format!("PathRegexp(`^/{at}(a|b){{20}}$`)")).collect();
    vec![
        ("one-label", asking(vec![("junk".to_owned(), "x".repeat(64 << 20))]), "over-budget"),
        (
            "many-labels",
            asking((0..300_000).map(|at| (format!("traefik.x{at}"), String::new())).collect()),
            "over-budget",
        ),
        ("long-rule", rule(format!("Host(`{}.example`)", "x".repeat(10 << 20))), "over-budget"),
        ("expressions", rule(expressions.join(" || ")), "over-budget"),
    ]
}

/// The most that a process ever had in memory, in KiB.
fn most_kb(pid: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Makes a container by the engine's API: no command line is that long.
fn create(lab: &Lab, name: &str, labels: &Map<String, Value>) {
    let body = lab.folder().join("create.json");
    let wanted = json!({ "Image": images::BUSYBOX, "Cmd": ["sleep", "9999"], "Labels": labels, "HostConfig": { "NetworkMode": "net-proxy" } });
    fs::write(&body, wanted.to_string()).unwrap();
    let socket = lab.socket();
    let socket = socket.strip_prefix("unix://").unwrap();
    let (data, url) = (format!("@{}", body.display()), format!("http://engine/containers/create?name={name}"));
    let said = must(&[
        "curl",
        "-sS",
        "--max-time",
        "60",
        "--unix-socket",
        socket,
        "-H",
        "Content-Type: application/json",
        "-H",
        "Expect:",
        "--data-binary",
        &data,
        &url,
    ]);
    assert!(said.contains("\"Id\""), "{name}: {said}");
}

#[test]
fn endless_labels_cost_nobody_else() {
    let Some(means) = crate::means("endless_labels_cost_nobody_else") else { return };
    let lab = Lab::start("endless_labels_cost_nobody_else", &means.composes[0]);
    up(&lab, &means.traefik);
    images::busybox(&lab, images::BUSYBOX, &[]);
    let pids = ["leeward", "gate", "traefik"].map(|service| (service, lab.pid(&lab.container("leeward", service))));
    let [(_, serving), _, (_, traefik)] = &pids;
    // Without the default certificate, which is new after a restart.
    let routes = |answer: &str| json(answer)["http"].clone();
    let document = routes(&serve(&lab, serving, "/config").body);
    let before = most_kb(traefik);
    for (name, labels, code) in bombs() {
        create(&lab, name, &labels);
        lab.docker_ok(&["start", name]);
        eventually(EVER, "it is refused", || {
            let said = explain(&lab, serving, name);
            if said["refusal"]["code"] == code { Ok(()) } else { Err(said["refusal"].to_string()) }
        });
        for app in ["app1", "app2"] {
            lab.until_visit(&format!("{app}.localhost"), 200, &format!("This is {app}"));
        }
        assert_eq!(routes(&serve(&lab, serving, "/config").body), document, "{name}");
        for (service, pid) in &pids {
            lab.note(&format!("{name}: {service} had {} KiB at most", most_kb(pid)));
        }
    }
    // All of them at once, from the start.
    lab.docker_ok(&["restart", &lab.container("leeward", "gate"), &lab.container("leeward", "leeward")]);
    let pids = ["leeward", "gate"].map(|service| (service, lab.pid(&lab.container("leeward", service))));
    let serving = &pids[0].1;
    eventually(EVER, "it is ready again, and says the same", || {
        let answer = serve(&lab, serving, "/config");
        if answer.status == 200 && routes(&answer.body) == document { Ok(()) } else { Err(answer.status.to_string()) }
    });
    for (service, pid) in &pids {
        let most = most_kb(pid);
        lab.note(&format!("restarted beside all of them: {service} had {most} KiB at most"));
        assert!(most < MOST_KB, "{service} had {most} KiB");
    }
    let after = most_kb(traefik);
    assert!(after < before + 64 * 1024, "Traefik had {before} KiB before and {after} KiB after");
}
