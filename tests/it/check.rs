//! `leeward check` on several projects at once, and beside what is there: what only shows where they meet.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

/// A project with one application; `network` is where it is, `host` what it claims.
fn project(name: &str, network: &str, host: &str) -> String {
    format!(
        "name: {name}\nservices:\n  web:\n    image: x\n    networks: [front]\n    cap_drop: [ALL]\n    labels:\n      \
         traefik.enable: \"true\"\n      traefik.http.routers.web.rule: Host(`{host}`)\nnetworks:\n  front: {network}\n"
    )
}

/// What is said of the projects: the status, the output.
fn check(projects: &[String], arguments: &[&str]) -> (Option<i32>, String) {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    command.arg("check").args(arguments);
    for (at, project) in projects.iter().enumerate() {
        let file = folder.path().join(format!("{at}.yaml"));
        fs::write(&file, project).unwrap();
        command.arg(file);
    }
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn two_projects_with_one_host_are_told() {
    let own = "{internal: true}";
    let (status, text) = check(&[project("shop", own, "a.example"), project("blog", own, "a.example")], &[]);
    assert!(status == Some(1) && text.contains("LBL-002") && text.contains("`shop-web-1` of `shop`"), "{text}");
    let (status, text) = check(&[project("shop", own, "a.example"), project("blog", own, "b.example")], &[]);
    assert!(status == Some(0) && !text.contains("LBL-002"), "{text}");
}

#[test]
fn a_project_that_joins_anothers_network_is_told_so() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/src/source/demo.json");
    let join = "{external: true, name: net-proxy2}";
    let (status, text) = check(&[project("blog", join, "blog.app2.localhost")], &["--snapshot", demo]);
    assert!(status == Some(0) && text.contains("NET-010") && text.contains("2 owners: `app2`, `blog`"), "{text}");
    assert!(!text.contains("wiki-wiki-1"), "what is there already is not this project's: {text}");
}

/// As the shipped applications are written: the network is Traefik's project's.
#[test]
fn an_external_network_that_nobody_gave_is_no_error_and_no_false_green() {
    let external = "{external: true, name: net-proxy}";
    let (status, text) = check(&[project("shop", external, "a.example")], &[]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("NOT VERIFIABLE") && text.contains("NET-027") && text.contains("`net-proxy`"), "{text}");
    assert!(text.contains("net-proxy (not given)"), "the route says it too: {text}");
    assert!(text.contains("1 container would be routed if") && text.contains("not verifiable"), "{text}");
    // What the project itself does wrong is found as ever.
    let open = project("shop", external, "a.example").replace("[front]", "[front, default]");
    let (status, text) = check(&[open], &[]);
    assert!(status == Some(1) && text.contains("NET-001") && text.contains("shop_default"), "{text}");
    // Who wants certainty gets it.
    let (status, text) = check(&[project("shop", external, "a.example")], &["--isolation", "strict"]);
    assert!(status == Some(1) && text.contains("NET-027"), "{text}");
    // Given, it is judged.
    let makes = "name: edge\nservices:\n  traefik:\n    image: traefik:v3.7.15\n    networks: [p]\n    cap_drop: [ALL]\n    \
                 labels: {leeward.traefik: 'true'}\nnetworks:\n  p: {name: net-proxy}\n";
    let (status, text) = check(&[project("shop", external, "a.example"), makes.to_owned()], &[]);
    assert!(status == Some(1) && text.contains("NET-001") && !text.contains("NET-027"), "{text}");
}

/// Beside a network of its own for the database: the external one is where Traefik is.
#[test]
fn the_external_network_is_the_proxy_network_of_a_project_alone() {
    let two = project("shop", "{external: true, name: proxy}", "a.example")
        .replace("[front]", "[front, back]\n    sysctls: {net.ipv4.ip_forward: '0'}")
        .replace("networks:\n  front:", "networks:\n  back: {internal: true}\n  front:");
    let (status, text) = check(&[two], &[]);
    assert!(status == Some(0) && text.contains("proxy (not given)") && !text.contains("ambiguous"), "{text}");
}
