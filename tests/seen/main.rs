//! What people see, as they see it: help, answers, errors, SARIF and the page, each as a snapshot in `snapshots/`.
//!
//! A change of a text shows here as a difference to read. Where it is wanted: `INSTA_UPDATE=always cargo test --test seen`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

use insta::assert_snapshot;
use leeward::plan::compile;
use leeward::report::page::{self, Facts, Filter};
use leeward::settings::Settings;
use leeward::source::snapshot;

/// What a verb prints, on both outputs, and its exit status; without environment, 100 columns wide.
fn seen(variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/compose"));
    let output = command.env_clear().envs(variables.iter().copied()).args(arguments).output().unwrap();
    let (out, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let set: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    let error: Vec<String> = error.lines().map(|line| format!("stderr: {}\n", without_time(line))).collect();
    let (set, error, status) = (set.concat(), error.concat(), output.status.code().unwrap());
    let text = format!("{set}leeward {}\n{out}{error}exit status {status}\n", arguments.join(" "));
    text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// A line of the log without its first word, the time.
fn without_time(line: &str) -> &str {
    match line.split_once(' ') {
        Some((time, rest)) if time.ends_with('Z') && time.contains('T') => rest.trim_start(),
        _ => line,
    }
}

const VERBS: [&str; 11] =
    ["serve", "gate", "routes", "explain", "audit", "check", "fix", "topology", "probe", "snapshot", "health"];

#[test]
fn help() {
    assert_snapshot!("help", seen(&[], &["-h"]));
    for verb in VERBS {
        assert_snapshot!(format!("help_{verb}"), seen(&[], &[verb, "-h"]));
    }
}

#[test]
fn the_short_help_of_a_verb_fits_one_screen_and_names_the_long_one() {
    for verb in VERBS {
        let text = seen(&[], &[verb, "-h"]);
        assert!(text.lines().count() <= 42, "{} lines: {text}", text.lines().count());
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.contains("--help"), "{text}");
    }
}

/// What the exit status means stands in the long help of the verb it is of.
#[test]
fn every_verb_says_what_its_exit_status_means() {
    for verb in VERBS {
        let text = seen(&[], &[verb, "--help"]).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("Exit status: 0 ") && text.contains("2 a setting is invalid"), "{verb}: {text}");
    }
}

#[test]
fn explain() {
    for (name, of) in [
        ("routed", "app1-web-1"),
        ("refused", "wiki-wiki-1"),
        ("ignored", "app1-db-1"),
        ("leeward", "front-gate-1"),
        ("traefik", "front-traefik-1"),
        ("host", "app1.localhost"),
        ("host_refused", "wiki.localhost"),
        ("several", "web"),
        ("unknown", "wkii"),
    ] {
        assert_snapshot!(format!("explain_{name}"), seen(&[], &["explain", of, "--engine=demo"]));
    }
    assert_snapshot!("explain_warn", seen(&[], &["explain", "wiki-wiki-1", "--engine=demo", "--isolation=warn"]));
}

#[test]
fn routes() {
    assert_snapshot!("routes", seen(&[], &["routes", "--engine=demo"]));
    assert_snapshot!("routes_all_json", seen(&[], &["routes", "--engine=demo", "--all", "--format=json"]));
}

#[test]
fn the_old_flag_for_json_is_the_new_one() {
    let of = |flag: &str| {
        let text = seen(&[], &["routes", "--engine=demo", flag]);
        text.split_once('\n').unwrap().1.to_owned()
    };
    assert_eq!(of("--json"), of("--format=json"));
    assert_ne!(of("--json"), of("--format=table"));
}

#[test]
fn audit() {
    assert_snapshot!("audit", seen(&[], &["audit", "--engine=demo"]));
    let text = seen(&[], &["audit", "--engine=demo", "--format=sarif", "--fail-on=never"]);
    let (_, json) = text.split_once('\n').unwrap();
    let json = json.strip_suffix("exit status 0\n").unwrap();
    let mut sarif: serde_json::Value = serde_json::from_str(json).unwrap();
    // One rule of all: docs/rules.md holds them, and a test of its own.
    sarif["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap().truncate(1);
    assert_snapshot!("audit_sarif", serde_json::to_string_pretty(&sarif).unwrap());
}

#[test]
fn check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yaml");
    let project = "name: shop\nservices:\n  web:\n    image: shop/web:1\n    ports: ['8080:80']\n    labels:\n      \
                   traefik.enable: 'true'\n      traefik.http.routers.web.rule: Host(`shop.example.com`)\n      \
                   traefik.htpp.routers.web.entrypoints: websecure\n";
    std::fs::write(&file, project).unwrap();
    let file = file.display().to_string();
    let text = seen(&[], &["check", &file]).replace(&file, "compose.yaml");
    let text = text.replace(&folder.path().display().to_string(), "/srv/shop");
    assert_snapshot!("check", text);
}

#[test]
fn errors() {
    let missing = "--engine=unix:///nowhere/docker.sock";
    let all = [
        seen(&[], &["serve", "--listen=localhost"]),
        seen(&[], &["serve", "--hold=banana"]),
        seen(&[], &["gate", "--listen=tcp://0.0.0.0:2375"]),
        seen(&[], &["gate", "--user=nobody"]),
        seen(&[], &["routes", "--engine=tcp://engine:99999"]),
        seen(&[], &["routes", "--engine=engine"]),
        seen(&[], &["routes", "--engine=ssh://engine"]),
        seen(&[], &["routes", missing]),
        seen(&[], &["routes", "--engine=file:/nowhere/snapshot.json"]),
        seen(&[], &["routes", "--server=http://127.0.0.1:1"]),
        seen(&[], &["routes", "--engine=demo", "--allow-reference=api"]),
        seen(&[], &["routes", "--engine=demo", "--share-middleware=auth"]),
        seen(&[], &["routes", "--engine=demo", "--isolation=hard"]),
        seen(&[], &["routes", "--engine=demo", "--constraints=Lable(`a`, `b`)"]),
        seen(&[], &["--log-level=verbose", "routes", "--engine=demo"]),
        seen(&[], &["health", "--server=http://127.0.0.1:1"]),
        seen(&[], &["check", "/nowhere/compose.json"]),
        seen(&[("DOCKER_HOST", "/var/run/docker.sock")], &["routes"]),
    ];
    assert_snapshot!("errors", all.join("\n"));
}

#[test]
fn a_misspelt_variable_is_a_warning_of_every_verb() {
    let wrong = ("LEEWARD_ISOLATIN", "warn");
    let warning = "stderr: WARN environment variable `LEEWARD_ISOLATIN` is unknown and has no effect; did you mean \
                   LEEWARD_ISOLATION?";
    for arguments in [
        &["routes", "--engine=demo"][..],
        &["explain", "app1-web-1", "--engine=demo"],
        &["audit", "--engine=demo"],
        &["check", "/nowhere"],
        &["snapshot", "--engine=demo"],
        &["health", "--server=http://127.0.0.1:1"],
        &["serve", "--listen=0.0.0.0:1", "--engine=demo", "--tls-cert=/nowhere", "--tls-key=/nowhere"],
        &["gate", "--engine=unix:///nowhere", "--listen=unix:///nowhere/too/a.sock"],
    ] {
        let text = seen(&[wrong], arguments);
        assert_eq!(text.matches(warning).count(), 1, "{text}");
    }
    assert!(!seen(&[("LEEWARD_ISOLATION", "warn")], &["routes", "--engine=demo"]).contains("stderr"));
}

/// Asked and answered is 0, a no is 1, a setting that is invalid 2, no answer 3: as each verb's help says.
#[test]
fn exit_statuses_are_those_of_the_help() {
    for (status, arguments) in [
        (0, &["explain", "app1-web-1"][..]),
        (0, &["explain", "app1-db-1"]),
        (0, &["explain", "app1.localhost"]),
        (1, &["explain", "wiki-wiki-1"]),
        (1, &["explain", "wiki.localhost"]),
        (1, &["explain", "nobody.example.com"]),
        (1, &["explain", "web"]),
        (1, &["explain", "nothing"]),
        (0, &["routes"]),
        (1, &["audit"]),
        (0, &["audit", "--fail-on=never"]),
        (2, &["routes", "--isolation=hard"]),
    ] {
        let text = seen(&[], &[arguments, &["--engine=demo"]].concat());
        assert!(text.ends_with(&format!("exit status {status}\n")), "{text}");
    }
    assert!(seen(&[], &["routes", "--engine=file:/nowhere"]).ends_with("exit status 3\n"));
    assert!(seen(&[], &["health", "--server=http://127.0.0.1:1"]).ends_with("exit status 1\n"));
}

#[test]
fn topology() {
    assert_snapshot!("topology", seen(&[], &["topology", "--engine=demo"]));
}

#[test]
fn the_page() {
    let inventory = snapshot::demo().unwrap();
    let plan = compile(&inventory, &Settings::default());
    let (inventory, settings, plan) = (&inventory, &Settings::default(), &plan);
    let facts = Facts { inventory, settings, plan, revision: 7, stale: None, signed_in: false };
    assert_snapshot!("page", page::front(&facts, &Filter::default()).html.replace("><", ">\n<"));
}
