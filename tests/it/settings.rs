//! Bad input, with the real binary: one clear line that names what is wrong and what to do, and the documented status.

use std::process::Command;

use crate::serving::Serving;

/// Runs it with a clean environment and these variables.
fn leeward(variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    let output = command.env_clear().envs(variables.iter().copied()).args(arguments).output().unwrap();
    assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[track_caller]
fn check(variables: &[(&str, &str)], arguments: &[&str], status: i32, words: &[&str]) {
    let (ended, said) = leeward(variables, arguments);
    assert_eq!(ended, status, "{variables:?} {arguments:?}: {said}");
    // What clap refuses it follows by a hint of its own.
    let said = said.lines().next().unwrap_or_default();
    for words in words {
        assert!(said.contains(words), "{variables:?} {arguments:?}: no `{words}` in: {said}");
    }
}

#[test]
fn a_setting_that_makes_no_sense_is_named_with_its_value_and_a_remedy() {
    for (arguments, words) in [
        (&["serve", "--listen=localhost"][..], &["--listen", "localhost", "127.0.0.1:9000"][..]),
        (&["serve", "--hold=banana"], &["--hold", "banana", "25s"]),
        (&["gate", "--engine-timeout=0"], &["--engine-timeout", "30s"]),
        (&["routes", "--engine=nope"], &["--engine", "nope", "unix:///var/run/docker.sock"]),
        (&["routes", "--engine=tcp://engine:99999"], &["--engine", "invalid port"]),
        (&["routes", "--engine=tcp://engine/path"], &["--engine", "only a host and a port are allowed"]),
        (&["routes", "--engine=ssh://engine"], &["--engine", "ssh -L"]),
        (&["--log-level=verbose", "routes", "--engine=demo"], &["--log-level", "verbose", "debug"]),
        (&["routes", "--engin=demo"], &["--engin"]),
        (
            &["serve", "--default-rule=Host(`{{ sha1sum .Name }}`)"],
            &["--default-rule", "{{ sha1sum .Name }}", "function `sha1sum` is not available", "use `index .Labels`"],
        ),
        (&["serve", "--default-rule={{ nosuch }}"], &["--default-rule", "`nosuch` is not defined", "normalize, lower"]),
        (&["serve", "--default-rule={{ if .Name }}x"], &["--default-rule", "{{ if .Name }}x", "{{ end }}"]),
        (
            &["serve", "--default-rule={{ .Name"],
            &["--default-rule", "not a Go template", "Host(`{{ normalize .Name }}`)"],
        ),
    ] {
        check(&[], arguments, 2, words);
    }
    check(&[("LEEWARD_HOLD", "x")], &["serve", "--engine=demo"], 2, &["--hold", "'x'", "25s"]);
    let rule = [("LEEWARD_DEFAULT_RULE", "{{ env `HOME` }}")];
    check(&rule, &["serve", "--engine=demo"], 2, &["--default-rule", "`env` is not available", "write the value out"]);
}

#[test]
fn a_field_that_a_default_rule_reads_and_that_does_not_exist_is_named_at_start_with_those_that_do() {
    let serving = Serving::start(&["--default-rule=Host(`{{ .ServiceName }}`)"]);
    let log = serving.log();
    let line = log.lines().find(|line| line.contains("--default-rule")).unwrap_or_else(|| panic!("{log}"));
    for words in ["WARN", "`.ServiceName`", ".Name, .ContainerName, .Labels"] {
        assert!(line.contains(words), "no `{words}` in: {line}");
    }
    let log = Serving::start(&["--default-rule=Host(`{{ .ContainerName }}`)"]).log();
    assert!(!log.contains("--default-rule"), "{log}");
}

#[test]
fn dockers_own_variables_are_understood_or_named() {
    for (host, words) in [
        ("ssh://engine", "ssh -L"),
        ("npipe:////./pipe/docker_engine", "unknown scheme"),
        ("/var/run/docker.sock", "invalid address"),
        ("tcp://", "no host"),
    ] {
        check(&[("DOCKER_HOST", host)], &["routes"], 2, &["DOCKER_HOST", host, words]);
    }
    // A flag goes before them.
    let (status, _) = leeward(&[("DOCKER_HOST", "ssh://engine")], &["routes", "--engine=tcp://127.0.0.1:1"]);
    assert_eq!(status, 3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let tls = [("DOCKER_HOST", "tcp://127.0.0.1:1"), ("DOCKER_TLS_VERIFY", "1")];
    check(&tls, &["routes"], 2, &["https://127.0.0.1:1", "--engine-ca", "DOCKER_CERT_PATH"]);
    // Before anything is bound.
    check(&tls, &["serve", "--listen=127.0.0.1:0"], 2, &["--engine-ca"]);
    check(&[&tls[..], &[("DOCKER_CERT_PATH", &path)]].concat(), &["routes"], 2, &["no ca.pem in", &path]);
    check(&[&tls[..], &[("DOCKER_CONFIG", &path)]].concat(), &["routes"], 2, &["no ca.pem in", &path]);
    std::fs::write(folder.path().join("ca.pem"), "no certificate").unwrap();
    let (status, said) = leeward(&[&tls[..], &[("DOCKER_CERT_PATH", &path)]].concat(), &["routes"]);
    assert!(status == 2 && said.lines().count() == 1, "{status} {said}");
}

#[test]
fn where_nobody_answers_it_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("--engine=unix://{}", folder.path().join("docker.sock").display());
    for verb in [&["routes"][..], &["explain", "web"], &["audit"], &["snapshot"]] {
        check(
            &[],
            &[verb, &[socket.as_str()]].concat(),
            3,
            &["docker.sock", "is the engine running?", "--engine demo"],
        );
    }
    check(&[], &["routes", "--engine=tcp://127.0.0.1:1"], 3, &["tcp://127.0.0.1:1", "is the engine running?"]);
}
