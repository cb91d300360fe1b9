//! The shipped topology: both apps answer, neither gets out, and the routes follow the containers, whatever the engine does.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::lab::{HOST, Lab, OUTSIDE, eventually, json, root};
use crate::{engines, images};

pub(crate) const MAIN: &str = "compose/compose.yaml";
const MONITORING: &str = "compose/monitoring.yaml";
const APPS: [(&str, &str); 2] = [("app1", "compose/app1/compose.yaml"), ("app2", "compose/app2/compose.yaml")];

/// Brings up all of it, and waits until both apps answer.
pub(crate) fn up(lab: &Lab, traefik: &std::path::Path) {
    images::make_all(lab, traefik);
    lab.compose(MAIN, &["up", "-d"]);
    for (app, file) in APPS {
        lab.compose(file, &["up", "-d"]);
        lab.until_visit(&format!("{app}.localhost"), 200, &format!("This is {app}"));
    }
}

/// `GET` on the serving Leeward, from inside its own network namespace: works with a frozen engine too.
pub(crate) fn serve(lab: &Lab, pid: &str, path: &str) -> crate::lab::Answer {
    lab.ask(pid, &format!("http://127.0.0.1:9000{path}"))
}

/// The decision on a container by name, from `GET /explain/NAME`.
pub(crate) fn explain(lab: &Lab, pid: &str, name: &str) -> Value {
    json(&serve(lab, pid, &format!("/explain/{name}")).body)
}

#[test]
fn the_shipped_topology() {
    let Some(means) = crate::means("the_shipped_topology") else { return };
    // docker-compose 1.29 cannot make a container anew on Docker 25 and later: it wants a field of images that is gone.
    let compose = if engines::chosen().is_own() { means.composes.first() } else { means.composes.last() };
    let lab = Lab::start("the_shipped_topology", compose.unwrap());
    up(&lab, &means.traefik);
    let serving = lab.container("leeward", "leeward");
    let serving_pid = lab.pid(&serving);

    both_apps_answer_and_nothing_else(&lab, &serving_pid);
    the_audit_finds_nothing_to_change(&lab, &serving_pid);
    neither_app_reaches_anything_outside(&lab);
    traefik_has_no_socket(&lab);
    a_container_with_a_way_out_is_not_routed(&lab, &serving_pid);
    starting_and_stopping_changes_the_routes(&lab);
    disconnecting_changes_the_routes(&lab);
    the_health_checks_turn_green(&lab);
    a_frozen_engine_changes_nothing(&lab, &serving_pid);
    a_cut_socket_changes_nothing(&lab, &serving_pid);
    a_restarted_leeward_changes_nothing(&lab);
    prometheus_hears_leeward_alone(&lab);
}

/// The same files under every other Compose that this machine has, version 2 among them.
#[test]
fn the_shipped_files_under_other_composes() {
    let Some(means) = crate::means("the_shipped_files_under_other_composes") else { return };
    if means.composes.len() < 2 {
        let reason = format!("compose-2: only {:?} here; LEEWARD_COMPOSE names another", means.composes[0]);
        return crate::left_out("the_shipped_files_under_other_composes", &[reason]);
    }
    for compose in means.composes.iter().skip(1) {
        let lab = Lab::start("the_shipped_files_under_other_composes", compose);
        lab.note(&format!("{compose:?}"));
        up(&lab, &means.traefik);
        both_apps_answer_and_nothing_else(&lab, &lab.pid(&lab.container("leeward", "leeward")));
        prometheus_hears_leeward_alone(&lab);
        for (_, file) in APPS {
            lab.compose(file, &["down"]);
        }
        lab.until_visit("app1.localhost", 404, "");
        lab.compose_of(&[MAIN, MONITORING], &["down", "--volumes"]);
    }
}

/// The switches of `compose/.env`: HTTPS, and the page behind a password.
#[test]
fn https_and_the_page_are_one_switch_each() {
    let Some(means) = crate::means("https_and_the_page_are_one_switch_each") else { return };
    // Both generations of Compose: each has its own way with variables and with services that end.
    for compose in &means.composes {
        let lab = Lab::start("https_and_the_page_are_one_switch_each", compose);
        lab.note(&format!("{compose:?}"));
        up(&lab, &means.traefik);
        // Off: no page, and nothing answers on 443.
        assert_eq!(lab.visit("leeward.localhost", "/").status, 404);
        assert_eq!(lab.visit_tls("app1.localhost", &[]).status, 0);

        let settings = std::fs::read_to_string(root().join("compose/.env")).unwrap();
        assert!(settings.contains("\nTRAEFIK_CONFIG=traefik.yml\n") && settings.contains("\nPAGE_PASSWORD=\n"));
        let page = settings.replace("\nPAGE_PASSWORD=\n", "\nPAGE_PASSWORD=6f1b\n");
        with_settings(&lab, &page);
        lab.until_visit("leeward.localhost", 401, "");
        assert_eq!(lab.visit_as("leeward:wrong", "leeward.localhost").status, 401);
        eventually(Duration::from_secs(20), "the page", || {
            let seen = lab.visit_as("leeward:6f1b", "leeward.localhost");
            if seen.status == 200 && seen.body.contains("app1.web") { Ok(()) } else { Err(format!("{seen:?}")) }
        });

        let https = page.replace("\nTRAEFIK_CONFIG=traefik.yml\n", "\nTRAEFIK_CONFIG=https.yml\n");
        with_settings(&lab, &https);
        lab.until_visit("app1.localhost", 301, "");
        eventually(Duration::from_secs(20), "HTTPS", || {
            let seen = lab.visit_tls("app1.localhost", &[]);
            if seen.status == 200 && seen.body.contains("This is app1") { Ok(()) } else { Err(format!("{seen:?}")) }
        });
        let browser =
            ["-u", "leeward:6f1b", "-H", "Accept: text/html", "-H", "Sec-Fetch-Site: none", "-A", "Mozilla/5.0"];
        let seen = lab.visit_tls("leeward.localhost", &browser);
        let is_page = seen.body.starts_with("<!DOCTYPE html>") && seen.body.contains("app1.localhost");
        assert!(seen.status == 200 && is_page, "{seen:?}");
        assert_eq!(lab.visit_tls("leeward.localhost", &[]).status, 401);
        // Traefik can keep certificates: of Let's Encrypt none comes here, where there is no Internet.
        let traefik = lab.container("leeward", "traefik");
        let kept = lab.inside(&traefik, &["ls", "-ln", "/certificates/acme.json"]);
        assert!(kept.out.starts_with("-rw-------") && kept.out.contains(" 65532 "), "{kept:?}");
        let log = lab.docker(&["logs", &traefik]);
        assert!(!log.err.contains("skipped") && !log.out.contains("skipped"), "{log:?}");

        let serving_pid = lab.pid(&lab.container("leeward", "leeward"));
        the_audit_finds_nothing_to_change(&lab, &serving_pid);
        // What people are told is what the service decided.
        let leeward = lab.container("leeward", "leeward");
        let told = lab.inside(&leeward, &["/leeward", "routes"]);
        assert!(told.ok && told.out.contains("app1.web") && !told.out.contains("preview"), "{told:?}");
        let preview = lab.inside(&leeward, &["/leeward", "routes", "--isolation", "strict"]);
        assert!(preview.ok && preview.out.starts_with("preview with --isolation strict"), "{preview:?}");
        assert!(lab.inside(&leeward, &["/leeward", "snapshot"]).ok);
    }
}

/// Brings the front up anew with other settings than those of `compose/.env`.
fn with_settings(lab: &Lab, settings: &str) {
    let file = lab.folder().join("settings.env");
    std::fs::write(&file, settings).unwrap();
    lab.compose(MAIN, &["--env-file", file.to_str().unwrap(), "up", "-d"]);
}

fn both_apps_answer_and_nothing_else(lab: &Lab, serving: &str) {
    for (app, _) in APPS {
        let answer = lab.visit(&format!("{app}.localhost"), "/");
        assert!(answer.status == 200 && answer.body.contains(&format!("This is {app}")), "{answer:?}");
    }
    assert_eq!(lab.visit("cache.localhost", "/").status, 404);
    assert_eq!(lab.visit("leeward", "/config").status, 404);
    assert_eq!(lab.visit("app1.localhost", "/api/rawdata").status, 404);
    assert_eq!(serve(lab, serving, "/readyz").status, 200);
    let document = json(&serve(lab, serving, "/config").body);
    let routers = document["http"]["routers"].as_object().unwrap();
    assert_eq!(routers.keys().collect::<Vec<_>>(), ["app1.web", "app2.web"], "{document}");
}

/// What the shipped files can do is done: the rest is about this machine's engine, or cannot be known.
fn the_audit_finds_nothing_to_change(lab: &Lab, serving: &str) {
    let audit = json(&serve(lab, serving, "/audit").body);
    let findings = audit.as_array().or_else(|| audit["findings"].as_array()).unwrap();
    assert!(!findings.is_empty(), "{audit}");
    for finding in findings {
        lab.note(&format!("audit: {} {}", finding["rule"], finding["words"]));
        let ours = finding["subject"]["kind"] != "engine" && finding["not_verifiable"] != true;
        assert!(!ours || finding["action"] == "inform", "{finding}");
    }
}

fn neither_app_reaches_anything_outside(lab: &Lab) {
    // The way to the outside is there for who is on the exposed network: else the rest would prove nothing.
    let control = ["nc", "-w", "2", OUTSIDE, "80", "-e", "true"];
    let said = lab.docker(&[&["run", "--rm", "--network", "net-exposed", images::BUSYBOX], &control[..]].concat());
    lab.note(&format!("control, on net-exposed: {} -> ok: {}", control.join(" "), said.ok));
    assert!(said.ok, "{said:?}");
    // A service of the host, on every address it has.
    let engine = lab.engine().to_string();
    let mut command = Command::new("nsenter");
    command.args(["-t", &engine, "-n", "busybox", "httpd", "-f", "-p", "7000", "-h"]).arg(lab.folder().join("www"));
    let mut on_host = command.spawn().unwrap();
    eventually(Duration::from_secs(5), "the host's service", || {
        let answer = lab.ask(&engine, "http://127.0.0.1:7000/");
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    });

    let address = |container: &str, network: &str| {
        let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        lab.docker(&["inspect", "-f", &format, container]).out.trim().to_owned()
    };
    let gateway = |network: &str| {
        let subnet = lab.docker(&["network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", network]).out;
        let mut parts: Vec<&str> = subnet.trim().split(['.', '/']).collect();
        parts.truncate(3);
        format!("{}.1", parts.join("."))
    };
    let other = |app: &str| {
        if app == "app1" { ("app2", "net-proxy2", "net-internal2") } else { ("app1", "net-proxy", "net-internal1") }
    };
    for (app, _) in APPS {
        let (neighbour, neighbours_proxy, neighbours_own) = other(app);
        let (own_proxy, own) =
            if app == "app1" { ("net-proxy", "net-internal1") } else { ("net-proxy2", "net-internal2") };
        for service in ["web", "cache"] {
            let container = lab.container(app, service);
            let mut targets = vec![
                format!("{OUTSIDE}:80"),
                format!("{HOST}:7000"),
                format!("{HOST}:80"),
                format!("{}:7000", gateway(own)),
                format!("{}:8080", address(&lab.container(neighbour, "web"), neighbours_proxy)),
                format!("{}:6379", address(&lab.container(neighbour, "cache"), neighbours_own)),
                format!("{}:9000", address(&lab.container("leeward", "leeward"), "net-control")),
                format!("{}:80", address(&lab.container("leeward", "traefik"), "net-exposed")),
                "172.17.0.1:7000".to_owned(),
            ];
            if service == "web" {
                targets.push(format!("{}:7000", gateway(own_proxy)));
            }
            for target in targets {
                let (host, port) = target.split_once(':').unwrap();
                assert!(!host.is_empty(), "{target}");
                let said = lab.inside(&container, &["nc", "-w", "1", host, port, "-e", "true"]);
                assert!(!said.ok, "{app}/{service} reached {target}: {said:?}");
            }
        }
        // What it should reach, it does: its own cache, by name.
        let web = lab.container(app, "web");
        let said = lab.inside(&web, &["sh", "-c", "printf 'PING\\r\\n' | nc -w 2 cache 6379"]);
        assert!(said.out.contains("PONG"), "{said:?}");
    }
    drop(on_host.kill());
    drop(on_host.wait());
}

fn traefik_has_no_socket(lab: &Lab) {
    for service in ["traefik", "leeward"] {
        let container = lab.container("leeward", service);
        let mounts = lab.docker(&["inspect", "-f", "{{json .HostConfig.Binds}} {{json .Mounts}}", &container]).out;
        assert!(!mounts.contains("docker.sock"), "{mounts}");
    }
    let said = lab.inside(&lab.container("leeward", "traefik"), &["sh", "-c", "find / -type s 2>/dev/null; echo done"]);
    assert_eq!(said.out.trim(), "done", "a socket in Traefik's container");
    let configuration = std::fs::read_to_string(root().join("traefik/traefik.yml")).unwrap();
    assert!(!configuration.lines().any(|line| line.trim_start().starts_with("docker:") || line.contains("swarm:")));
}

fn a_container_with_a_way_out_is_not_routed(lab: &Lab, serving: &str) {
    lab.docker_ok(&["network", "create", "loose"]);
    let traefik = lab.container("leeward", "traefik");
    lab.docker_ok(&["network", "connect", "loose", &traefik]);
    lab.docker_ok(&[
        "run",
        "-d",
        "--name",
        "careless",
        "--network",
        "loose",
        "--cap-drop",
        "ALL",
        "--read-only",
        "--tmpfs",
        "/tmp",
        "--label",
        "traefik.enable=true",
        "--label",
        "traefik.http.routers.careless.rule=Host(`careless.localhost`)",
        "nginxinc/nginx-unprivileged:1.28-alpine",
    ]);
    let mut seen = Value::Null;
    eventually(Duration::from_secs(5), "/explain knows it", || {
        seen = explain(lab, serving, "careless");
        if seen["outcome"] == "refused" { Ok(()) } else { Err(seen.to_string()) }
    });
    let refusal = seen["refusal"].to_string();
    lab.note(&format!("explain careless: {refusal}"));
    assert!(refusal.contains("NET-001") && refusal.contains("loose"), "{refusal}");
    let routes = serve(lab, serving, "/routes").body;
    assert!(routes.contains("careless") && routes.contains("NET-001"), "{routes}");
    assert_eq!(lab.visit("careless.localhost", "/").status, 404);
    lab.docker_ok(&["rm", "-f", "careless"]);
    lab.docker_ok(&["network", "disconnect", "loose", &traefik]);
    lab.docker_ok(&["network", "rm", "loose"]);
}

fn starting_and_stopping_changes_the_routes(lab: &Lab) {
    let web = lab.container("app1", "web");
    lab.docker_ok(&["stop", "-t", "1", &web]);
    lab.until_visit("app1.localhost", 404, "");
    assert_eq!(lab.visit("app2.localhost", "/").status, 200);
    lab.docker_ok(&["start", &web]);
    lab.until_visit("app1.localhost", 200, "This is app1");
}

fn disconnecting_changes_the_routes(lab: &Lab) {
    let web = lab.container("app2", "web");
    lab.docker_ok(&["network", "disconnect", "net-proxy2", &web]);
    lab.until_visit("app2.localhost", 404, "");
    assert_eq!(lab.visit("app1.localhost", "/").status, 200);
    lab.docker_ok(&["network", "connect", "net-proxy2", &web]);
    lab.until_visit("app2.localhost", 200, "This is app2");
}

fn the_health_checks_turn_green(lab: &Lab) {
    for service in ["traefik", "leeward", "gate"] {
        let container = lab.container("leeward", service);
        let took = eventually(Duration::from_mins(1), &format!("{service} is healthy"), || {
            let health = lab.docker(&["inspect", "-f", "{{json .State.Health}}", &container]).out;
            if health.contains("\"Status\":\"healthy\"") { Ok(()) } else { Err(health) }
        });
        lab.note(&format!("{service} is healthy (waited {} s)", took.as_secs()));
    }
}

fn a_frozen_engine_changes_nothing(lab: &Lab, serving: &str) {
    let before = serve(lab, serving, "/config").body;
    lab.signal_engine("STOP");
    let took = eventually(Duration::from_mins(1), "/readyz turns red", || {
        let answer = lab.ask(serving, "http://127.0.0.1:9000/readyz");
        if answer.status == 503 {
            Ok(())
        } else {
            sleep(Duration::from_millis(500));
            Err(format!("{answer:?}"))
        }
    });
    lab.note(&format!("/readyz is red {:.1} s after the engine froze", took.as_secs_f64()));
    for (app, _) in APPS {
        assert_eq!(lab.visit(&format!("{app}.localhost"), "/").status, 200);
    }
    assert_eq!(serve(lab, serving, "/config").body, before);
    lab.signal_engine("CONT");
    eventually(Duration::from_secs(30), "/readyz turns green again", || {
        let answer = lab.ask(serving, "http://127.0.0.1:9000/readyz");
        if answer.status == 200 {
            Ok(())
        } else {
            sleep(Duration::from_millis(500));
            Err(format!("{answer:?}"))
        }
    });
    assert_eq!(serve(lab, serving, "/config").body, before);
}

fn a_cut_socket_changes_nothing(lab: &Lab, serving: &str) {
    let before = serve(lab, serving, "/config").body;
    let gate = lab.container("leeward", "gate");
    lab.docker_ok(&["stop", "-t", "2", &gate]);
    eventually(Duration::from_secs(30), "/readyz turns red", || {
        let answer = lab.ask(serving, "http://127.0.0.1:9000/readyz");
        if answer.status == 503 {
            Ok(())
        } else {
            sleep(Duration::from_millis(250));
            Err(format!("{answer:?}"))
        }
    });
    for (app, _) in APPS {
        assert_eq!(lab.visit(&format!("{app}.localhost"), "/").status, 200);
    }
    assert_eq!(serve(lab, serving, "/config").body, before);
    // What happened meanwhile is seen once the gate is back.
    let web = lab.container("app2", "web");
    lab.docker_ok(&["stop", "-t", "1", &web]);
    lab.docker_ok(&["start", &gate]);
    lab.until_visit("app2.localhost", 404, "");
    lab.docker_ok(&["start", &web]);
    lab.until_visit("app2.localhost", 200, "This is app2");
    assert_eq!(serve(lab, serving, "/readyz").status, 200);
}

fn a_restarted_leeward_changes_nothing(lab: &Lab) {
    let serving = lab.container("leeward", "leeward");
    lab.docker_ok(&["stop", "-t", "5", &serving]);
    for _ in 0..4 {
        for (app, _) in APPS {
            assert_eq!(lab.visit(&format!("{app}.localhost"), "/").status, 200);
        }
        sleep(Duration::from_millis(500));
    }
    lab.docker_ok(&["start", &serving]);
    for _ in 0..4 {
        assert_eq!(lab.visit("app1.localhost", "/").status, 200);
        sleep(Duration::from_millis(500));
    }
    let web = lab.container("app1", "web");
    lab.docker_ok(&["stop", "-t", "1", &web]);
    lab.until_visit("app1.localhost", 404, "");
}

/// Brings the shipped Prometheus up beside the rest.
fn prometheus_hears_leeward_alone(lab: &Lab) {
    images::prometheus(lab);
    lab.compose_of(&[MAIN, MONITORING], &["up", "-d"]);
    let prometheus = lab.container("leeward", "prometheus");
    let ask = |query: &str| lab.inside(&prometheus, &["promtool", "query", "instant", "http://127.0.0.1:9090", query]);
    // It asks every 15 s.
    eventually(Duration::from_mins(1), "Prometheus has asked Leeward", || {
        let heard = ask("up{job=\"leeward\"} == 1 and on() leeward_ready == 1");
        if heard.ok && heard.out.contains("leeward:9000") { Ok(()) } else { Err(format!("{heard:?}")) }
    });
    for query in ["leeward_build_info", "leeward_containers{outcome=\"routed\"}", "leeward_revision"] {
        let known = ask(query);
        lab.note(&format!("Prometheus: {}", known.out.trim()));
        assert!(known.ok && known.out.contains(" => "), "{query}: {known:?}");
    }
    let alerts = std::fs::read_to_string(root().join("monitoring/rules.yml")).unwrap();
    let alerts: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let judged = lab.inside(&prometheus, &["wget", "-q", "-O", "-", "http://127.0.0.1:9090/api/v1/rules"]).out;
    assert!(!alerts.is_empty() && alerts.iter().all(|alert| judged.contains(alert)), "{judged}");
    // What the page on monitoring shows; nothing fires.
    let firing = ask("ALERTS{alertstate=\"firing\"}");
    assert!(firing.ok && firing.out.trim().is_empty(), "{firing:?}");

    for target in [format!("{OUTSIDE}:80"), format!("{HOST}:80"), "traefik:80".to_owned()] {
        let (host, port) = target.split_once(':').unwrap();
        let said = lab.inside(&prometheus, &["nc", "-w", "1", host, port, "-e", "true"]);
        assert!(!said.ok, "Prometheus reached {target}: {said:?}");
    }
    let serving = lab.pid(&lab.container("leeward", "leeward"));
    the_audit_finds_nothing_to_change(lab, &serving);
    let routes = serve(lab, &serving, "/config").body;
    assert!(!routes.contains("prometheus"), "{routes}");
}
