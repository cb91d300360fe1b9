//! `leeward snapshot`: what it records is what every other verb then reads.

use assert_cmd::Command;

fn leeward(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_leeward")).env_clear().args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_verb_reads_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json").display().to_string();
    assert_eq!(leeward(&["snapshot", "--engine=demo", "--output", &path]), (0, String::new(), String::new()));
    let (status, printed, _) = leeward(&["snapshot", "--engine=demo"]);
    assert_eq!((status, printed), (0, std::fs::read_to_string(&path).unwrap()));

    // By a variable: a flag would be in the commands that are printed.
    let read = |verb: &[&str], engine: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
        let output = command.env_clear().env("LEEWARD_ENGINE", engine).args(verb).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    for verb in [&["routes", "--json", "--all"][..], &["explain", "wiki"], &["audit"], &["snapshot"]] {
        let from_demo = read(verb, "demo");
        assert!(!from_demo.1.is_empty(), "{verb:?}: {from_demo:?}");
        assert_eq!(read(verb, &format!("file:{path}")), from_demo, "{verb:?}");
    }
}

#[test]
fn a_redacted_snapshot_is_read_like_any_other_and_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json").display().to_string();
    let (status, out, error) = leeward(&["snapshot", "--engine=demo", "--redact", "--output", &path]);
    assert_eq!((status, out.as_str(), error.as_str()), (0, "", ""));
    let text = std::fs::read_to_string(&path).unwrap();
    let original = leeward(&["snapshot", "--engine=demo"]).1;
    for name in ["app1", "wiki"] {
        assert_eq!((original.contains(name), text.contains(name)), (true, false), "{name}");
    }
    let audited = |engine: &str| {
        let (status, out, _) = leeward(&["audit", "--format=json", "--engine", engine]);
        let audit: serde_json::Value = serde_json::from_str(&out).unwrap();
        let findings = audit["findings"].as_array().unwrap().iter();
        let mut rules: Vec<String> = findings.map(|it| format!("{} {}", it["rule"], it["severity"])).collect();
        rules.sort();
        (status, rules)
    };
    assert_eq!(audited(&format!("file:{path}")), audited("demo"));
}

#[test]
fn what_cannot_be_read_or_written_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("other.json"), "{}").unwrap();
    for (arguments, words) in [
        (["routes", "--engine", &format!("file:{}", at("none.json"))], "cannot read the snapshot"),
        (["routes", "--engine", &format!("file:{}", at("other.json"))], "is not a snapshot"),
        (["snapshot", "--engine=demo", &format!("--output={}", at("no/such/folder"))], "cannot write the snapshot"),
        (["snapshot", "--engine", &format!("unix://{}", at("no.sock"))], "no.sock"),
    ] {
        let (status, out, error) = leeward(&arguments);
        assert_eq!((status, out.as_str()), (3, ""), "{arguments:?}: {error}");
        assert!(error.starts_with("leeward: ") && error.contains(words) && error.lines().count() == 1, "{error}");
        assert!(error.matches("os error").count() <= 1, "says it twice: {error}");
    }
}
