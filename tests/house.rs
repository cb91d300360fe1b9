//! The house keeps its order: imports run one way, what is pure stays pure, and each file says its job in its first line.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

/// The pure part: values in, values out.
const PURE: [&str; 7] = ["inventory.rs", "settings.rs", "label", "dynamic", "rule", "policy", "plan"];

/// Every source file below a path.
fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return path.extension().filter(|it| *it == "rs").map(|_| path.to_owned()).into_iter().collect();
    }
    fs::read_dir(path).unwrap().flat_map(|entry| sources(&entry.unwrap().path())).collect()
}

fn src(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(part)
}

/// The lines of the program itself that hold one of `words`; its unit tests may use what they like.
fn holding(parts: &[&str], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in parts.iter().flat_map(|part| sources(&src(part))) {
        let text = fs::read_to_string(&file).unwrap();
        let program = text.split("#[cfg(test)]").next().unwrap();
        if file.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let lines = program.lines().filter(|line| !line.trim_start().starts_with("//"));
        let held = lines.filter(|line| words.iter().any(|word| line.contains(word)));
        found.extend(held.map(|line| format!("{}: {}", file.display(), line.trim())));
    }
    found
}

#[test]
fn what_is_pure_knows_no_outside_world() {
    let outside = [
        "tokio",
        "axum",
        "bollard",
        "hyper",
        "tracing::",
        "std::fs",
        "std::net::Tcp",
        "std::env",
        "SystemTime::now",
        "Instant::now",
        "HashMap",
        "HashSet",
    ];
    assert_eq!(holding(&PURE, &outside), Vec::<String>::new());
    // The same search finds them where they belong.
    assert!(!holding(&["serve"], &["tokio"]).is_empty());
}

#[test]
fn imports_run_one_way() {
    let none = Vec::<String>::new();
    assert_eq!(holding(&PURE, &["crate::docker", "crate::serve", "crate::gate", "crate::probe"]), none);
    assert_eq!(
        holding(&["inventory.rs", "dynamic"], &["crate::label", "crate::policy", "crate::plan", "crate::rule"]),
        none
    );
    assert_eq!(holding(&["label", "rule"], &["crate::policy", "crate::plan"]), none);
    assert_eq!(holding(&["policy"], &["crate::plan"]), none);
    assert_eq!(holding(&["docker", "gate"], &["crate::serve", "crate::plan"]), none);
    let bollard = holding(&["."], &["bollard"]);
    assert!(!bollard.is_empty() && bollard.iter().all(|line| line.contains("/docker/")), "{bollard:#?}");
}

#[test]
fn every_file_says_its_job_first() {
    let silent: Vec<PathBuf> =
        sources(&src(".")).into_iter().filter(|file| !fs::read_to_string(file).unwrap().starts_with("//! ")).collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}
