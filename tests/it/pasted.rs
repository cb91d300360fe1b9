//! What remedies show of labels and networks that strangers wrote: pasted into a shell or a file it stays one word.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

/// Ends a word in a shell and in YAML, runs something that needs no program, and begins a line.
const EVIL: &str = "x'\"$(:>pwned)`:>pwned`'\"\nservices:\n  pwned: {}\n#";

/// The demo, changed, as `explain`, `audit`, `routes` and `fix` show it.
fn shown(change: impl FnOnce(&mut Value)) -> String {
    let mut demo: Value = serde_json::from_str(include_str!("../../src/source/demo.json")).unwrap();
    change(&mut demo["inventory"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    fs::write(&path, demo.to_string()).unwrap();
    let engine = format!("--engine=file:{}", path.display());
    let mut text = String::new();
    for words in [&["explain", "app2-web-1"][..], &["audit"], &["routes"], &["fix"], &["explain", "wiki-wiki-1"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_leeward")).args(words).arg(&engine).env_clear().output().unwrap();
        text.push_str(&String::from_utf8(output.stdout).unwrap());
    }
    text
}

/// The container of this name.
fn container<'v>(inventory: &'v mut Value, name: &str) -> &'v mut Value {
    inventory["containers"].as_object_mut().unwrap().values_mut().find(|it| it["name"] == name).unwrap()
}

#[test]
fn what_a_stranger_wrote_runs_nothing_and_begins_no_line() {
    let label = |key: &'static str, value: String| {
        shown(move |inventory| container(inventory, "app2-web-1")["labels"][key] = json!(value))
    };
    let rule = "traefik.http.routers.web.rule";
    let texts = [
        ("host", label(rule, format!("Host(\"{}\")", EVIL.replace('"', "\\\"").replace('\n', "\\n")))),
        ("host in a backtick", label(rule, format!("Host(`{}`)", EVIL.replace('`', "")))),
        ("domain", label("traefik.http.routers.web.tls.domains[0].main", EVIL.to_owned())),
        ("service", label("traefik.http.routers.web.service", format!("q@{EVIL}"))),
        ("middleware", label("traefik.http.routers.web.middlewares", format!("{EVIL}@file"))),
        ("options", label("traefik.http.routers.web.tls.options", format!("q@{EVIL}"))),
        ("runtime", shown(|all| container(all, "app2-web-1")["confinement"]["runtime"] = json!(EVIL))),
        (
            "service's name",
            shown(|all| container(all, "app2-web-1")["labels"]["com.docker.compose.service"] = json!(EVIL)),
        ),
        (
            "key",
            shown(|all| {
                for network in all["networks"].as_object_mut().unwrap().values_mut() {
                    network["labels"] =
                        json!({ "com.docker.compose.network": EVIL, "com.docker.compose.project": "front" });
                }
            }),
        ),
    ];
    let empty = tempfile::tempdir().unwrap();
    let mut ran = 0;
    for (what, text) in &texts {
        for line in text.lines().map(str::trim) {
            assert!(!line.starts_with("pwned"), "{what}: {text}");
            // A command, as it is told to be run: in this shell no program is there.
            let commands = ["docker ", "podman ", "leeward ", "cd "];
            if commands.iter().any(|it| line.starts_with(it)) && line.contains("pwned") {
                let _ =
                    Command::new("/bin/sh").args(["-c", line]).current_dir(empty.path()).env_clear().output().unwrap();
                ran += 1;
            }
        }
        assert!(!empty.path().join("pwned").exists(), "{what}: {text}");
        // A flag stands in a sentence, and is copied out of it.
        for (_, flag) in text.match_indices("--allow-reference ").map(|(at, _)| text.split_at(at)) {
            let line = format!("leeward serve {}", flag.lines().next().unwrap());
            let _ = Command::new("/bin/sh").args(["-c", &line]).current_dir(empty.path()).env_clear().output().unwrap();
            ran += 1;
        }
        assert!(!empty.path().join("pwned").exists(), "{what}: {text}");
    }
    assert!(ran > 0, "nothing of it was shown in a command");
}
