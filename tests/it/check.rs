//! `leeward check` on several projects at once, and beside what is there: what only shows where they meet.

use std::fs;
use std::process::Command;

use serde_json::Value;
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

/// A hook is a command that Compose runs in the container; no engine shows it.
#[test]
fn a_hook_that_runs_privileged_is_refused_where_it_is_written() {
    let own = "{internal: true}";
    for kind in ["post_start", "pre_stop", "pre_start"] {
        let hook = |privileged| {
            format!(
                "    user: \"1000\"\n    privileged: false\n    {kind}:\n      - command: [chown, x]\n        user: root\n        \
                 privileged: {privileged}\n    labels:\n"
            )
        };
        let with = |privileged| project("shop", own, "a.example").replace("    labels:\n", &hook(privileged));
        let (status, text) = check(&[with("true")], &[]);
        let told = format!("`shop-web-1` runs a hook (`{kind}`) that is privileged");
        assert!(status == Some(1) && text.contains("PRV-001") && text.contains(&told), "{text}");
        // Its line, and not that of the service's own `privileged`.
        assert!(text.contains("0.yaml:9"), "{text}");
        let (status, text) = check(&[with("false")], &[]);
        assert!(status == Some(0) && !text.contains("PRV-001"), "{text}");
    }
}

#[test]
fn the_mounts_of_a_container_that_nobody_gave_are_not_taken_for_harmless() {
    let from = |container: &str| {
        let from = format!("    volumes_from: ['container:{container}']\n    labels:\n");
        project("shop", "{internal: true}", "a.example").replace("    labels:\n", &from)
    };
    let (status, text) = check(&[from("portainer")], &[]);
    assert!(status == Some(1) && text.contains("refused VOL-002") && text.contains("--snapshot"), "{text}");
    assert!(
        text.contains("`shop-web-1` has the mounts of `portainer`, which was not given") && text.contains("0.yaml:7:"),
        "{text}"
    );
    let other = "name: ops\nservices:\n  portainer:\n    image: p\n    container_name: portainer\n    volumes: ['/var/run/docker.sock:/s']\n";
    let (status, text) = check(&[from("portainer"), other.to_owned()], &[]);
    assert!(status == Some(1) && text.contains("PRV-002") && !text.contains("`portainer`, which"), "{text}");
    let harmless = other.replace("/var/run/docker.sock:/s", "/srv/portainer:/s");
    let (status, text) = check(&[from("portainer"), harmless], &[]);
    assert!(status == Some(0) && !text.contains("`portainer`, which"), "{text}");
}

#[test]
fn a_project_that_joins_anothers_network_is_told_so() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/src/source/demo.json");
    let join = "{external: true, name: net-proxy2}";
    let (status, text) = check(&[project("blog", join, "blog.app2.localhost")], &["--snapshot", demo]);
    assert!(status == Some(0) && text.contains("NET-010") && text.contains("2 owners: `app2`, `blog`"), "{text}");
    assert!(!text.contains("wiki-wiki-1"), "what is there already is not this project's: {text}");
}

/// Compose makes a service's name an alias of its containers.
#[test]
fn a_forward_auth_to_a_service_of_the_same_project_is_its_own() {
    let file = "name: sso\nservices:\n  traefik:\n    image: traefik:v3.7.15\n    networks: [p]\n    cap_drop: [ALL]\n    \
                labels: {leeward.traefik: 'true'}\n  authelia:\n    image: authelia/authelia:4\n    networks: [p]\n    \
                labels:\n      traefik.enable: 'true'\n      traefik.http.routers.sso.rule: Host(`sso.example`)\n      \
                traefik.http.routers.sso.middlewares: auth\n      \
                traefik.http.services.sso.loadbalancer.server.port: '9091'\n      \
                traefik.http.middlewares.auth.forwardauth.address: ADDRESS\nnetworks:\n  p: {internal: true}\n";
    let own = file.replace("ADDRESS", "http://authelia:9091/api/authz/forward-auth");
    let (_, text) = check(&[own], &[]);
    assert!(text.contains("1 container would be routed") && text.contains("high LBL-009"), "{text}");
    let (status, text) = check(&[file.replace("ADDRESS", "http://elsewhere:9091")], &[]);
    assert!(status == Some(1) && text.contains("refused LBL-009"), "{text}");
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

/// What an operator wrote, with a variable, so that it has to go through Compose.
const WRITTEN: &str = "\
# A shop.
services:
  web:
    image: shop/web:${TAG:-1}
    ports: [\"8080:80\"]
    networks: [front, default]
    labels:
      - traefik.enable=true
      - traefik.http.routers.web.rule=Host(`a.example`)
      - traefik.http.services.web.loadbalancer.server.prot=80
networks:
  front: {external: true}
";

/// What Compose makes of it.
const MERGED: &str = r#"{"name": "shop", "services": {"web": {"image": "shop/web:1", "networks": {"default": null, "front": null},
    "ports": [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}], "labels": {"traefik.enable": "true",
    "traefik.http.routers.web.rule": "Host(`a.example`)", "traefik.http.services.web.loadbalancer.server.prot": "80"}}},
    "networks": {"default": {"name": "shop_default"}, "front": {"name": "front", "external": true}}}"#;

/// Checks [`MERGED`] from standard input, in a folder with [`WRITTEN`].
fn check_written(file: &str, arguments: &[&str]) -> (Option<i32>, String, TempDir) {
    let folder = TempDir::new().unwrap();
    // Named as the project, so that the file is the project's.
    let shop = folder.path().join("shop");
    fs::create_dir(&shop).unwrap();
    fs::write(shop.join(file), WRITTEN).unwrap();
    fs::write(shop.join("merged.json"), MERGED).unwrap();
    let input = fs::File::open(shop.join("merged.json")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    let output = command.env_clear().current_dir(&shop).arg("check").args(arguments).stdin(input).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text, folder)
}

#[test]
fn refusals_and_findings_are_at_the_lines_that_the_operator_wrote() {
    let lines = [
        "compose.yaml:6:23: refused NET-001",
        "    6 |     networks: [front, default]\n      |                       ^^^^^^^",
        "compose.yaml:5:13: refused PUB-001",
        "    5 |     ports: [\"8080:80\"]\n      |             ^^^^^^^^^",
        "compose.yaml:10:9: refused bad-label",
        "compose.yaml:12:3: not verifiable NET-027",
        "compose.yaml:3:3: medium NET-013",
    ];
    let (status, text, _folder) = check_written("compose.yaml", &["-"]);
    assert_eq!(status, Some(1));
    for line in lines {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // In a file of another name: where it is named.
    let (_, text, _folder) = check_written("stack.yaml", &["-"]);
    assert!(!text.contains("stack.yaml") && text.contains("shop-web-1: refused NET-001"), "{text}");
    let (_, text, _folder) = check_written("stack.yaml", &["-", "--source", "stack.yaml"]);
    assert!(text.contains("stack.yaml:6:23: refused NET-001"), "{text}");
    let (status, text, _folder) = check_written("stack.yaml", &["-", "--source", "other.yaml"]);
    assert!(status == Some(3) && text.contains("--source: cannot read other.yaml"), "{text}");
}

#[test]
fn code_scanning_is_told_of_refusals_in_the_operators_file_and_of_plain_fixes() {
    let (status, text, folder) = check_written("compose.yaml", &["-", "--format=sarif"]);
    assert_eq!(status, Some(1));
    let sarif: Value = serde_json::from_str(&text).unwrap();
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    let rules: Vec<&str> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().filter_map(|it| it["id"].as_str()).collect();
    let mut fixed = WRITTEN.to_owned();
    let mut seen = Vec::new();
    for result in results {
        let id = result["ruleId"].as_str().unwrap();
        assert!(rules.contains(&id), "{id} is described");
        seen.push(id);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "compose.yaml", "{result}");
        let column = |key: &str| usize::try_from(place["region"][key].as_u64().unwrap()).unwrap();
        let line = WRITTEN.lines().nth(column("startLine") - 1).unwrap();
        assert!(
            column("endColumn") > column("startColumn") && column("endColumn") <= line.chars().count() + 1,
            "{result}"
        );
        // Those of one line each are made from the last line up, so that the lines above stay where they are.
        for change in result["fixes"].as_array().into_iter().flatten() {
            let replacement = &change["artifactChanges"][0]["replacements"][0];
            let region = &replacement["deletedRegion"];
            let start = |fixed: &str, line: &str, column: &str| {
                let line = usize::try_from(region[line].as_u64().unwrap()).unwrap();
                let before: usize = fixed.split_inclusive('\n').take(line - 1).map(str::len).sum();
                before + usize::try_from(region[column].as_u64().unwrap()).unwrap() - 1
            };
            // Those of refusals have several changes; applied by tests/sarif.rs.
            if result["level"] != "error" || id == "NET-012" {
                let (from, to) = (start(&fixed, "startLine", "startColumn"), start(&fixed, "endLine", "endColumn"));
                fixed.replace_range(from..to, replacement["insertedContent"]["text"].as_str().unwrap());
            }
        }
    }
    for wanted in ["NET-001", "PUB-001", "bad-label", "NET-012", "NET-013", "PRV-018", "NET-027"] {
        assert!(seen.contains(&wanted), "{wanted}: {seen:?}");
    }
    let insertions = "    security_opt: [\"no-new-privileges:true\"]\n    cap_drop: [NET_RAW]\n    sysctls: {net.ipv4.ip_forward: \"0\"}\n";
    assert_eq!(fixed, WRITTEN.replace("  web:\n", &format!("  web:\n{insertions}")));
    drop(folder);
}

#[test]
fn a_rule_is_explained_without_a_project() {
    let (status, text) = check(&[], &["--explain", "net-001"]);
    assert!(status == Some(0) && text.contains("why: ") && text.contains("docs/rules.md#net-001"), "{text}");
    assert_eq!(check(&[], &["--explain", "NET-999"]).0, Some(2));
}

/// Run with the second file alone, the first would have been lost without a word, and with it what is refused.
#[test]
fn two_files_of_one_project_do_not_hide_each_other() {
    let open = project("shop", "{}", "a.example");
    let over = "name: shop\nservices:\n  web:\n    image: y\n".to_owned();
    let folder = TempDir::new().unwrap();
    let files = [("compose.yaml", &open), ("prod.yaml", &over)];
    for verb in ["check", "fix"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
        command.arg(verb).env_clear().current_dir(folder.path());
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
            command.arg(name);
        }
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{verb}: {error}");
        assert!(error.contains("docker compose -f compose.yaml -f prod.yaml config --format json"), "{error}");
    }
}

/// What `fix` wrote was not read, so the next file replaces it: added to it, both would contradict each other.
#[test]
fn fix_of_a_file_writes_its_own_file_anew_and_says_what_was_not_read() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("compose.yaml"), project("shop", "{}", "a.example")).unwrap();
    fs::write(folder.path().join(".env"), "COMPOSE_FILE=compose.yaml:prod.yaml:compose.leeward.yaml\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    let output = command.args(["fix", "compose.yaml"]).env_clear().current_dir(folder.path()).output().unwrap();
    let (text, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("COMPOSE_FILE=compose.yaml:prod.yaml:compose.leeward.yaml"), "{text}");
    assert!(!text.contains("compose.leeward-2.yaml"), "{text}");
    assert!(
        error.contains("only compose.yaml is read") && error.contains("prod.yaml, compose.leeward.yaml"),
        "{error}"
    );
}

const TRAEFIK: &str = "name: edge
services:
  traefik:
    image: traefik:v3.7.15
    ports: [\"80:80\", \"443:443\"]
    volumes: [\"/var/run/docker.sock:/var/run/docker.sock:ro\"]
    networks: [proxy]
    labels:
      traefik.enable: \"true\"
      traefik.http.routers.dash.rule: Host(`t.example.com`)
      traefik.http.routers.dash.service: api@internal
networks:
  proxy: {name: proxy}
";

/// Judged like an application, it was told to delete `ports:` and to leave its network: every site would have been gone.
#[test]
fn a_traefik_that_is_not_declared_is_told_to_be_declared_and_loses_nothing() {
    let (status, text) = check(&[TRAEFIK.to_owned()], &[]);
    assert_eq!(status, Some(1), "{text}");
    assert!(!text.contains("delete `ports:`") && !text.contains("delete the mount"), "{text}");
    assert!(!text.contains("ports: !reset") && !text.contains("networks: !override"), "{text}");
    assert!(
        text.contains("leeward.traefik: \"true\" among its labels") && text.contains("--traefik edge-traefik-1"),
        "{text}"
    );
    // What is said of Traefik too stays: the dashboard.
    assert!(
        text.contains("refused LBL-004") && text.contains("route it by a file of Traefik's file provider"),
        "{text}"
    );
    // A tool that applies a fix declares it.
    let (_, sarif) = check(&[TRAEFIK.to_owned()], &["--format", "sarif"]);
    let log: Value = serde_json::from_str(&sarif).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    for rule in ["NET-001", "NET-009", "PUB-001"] {
        let result = results.iter().find(|it| it["ruleId"] == rule).unwrap();
        let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
        assert_eq!(replacement["insertedContent"]["text"], "      leeward.traefik: \"true\"\n", "{result}");
    }
    // With the label, none of that is said.
    let declared = TRAEFIK.replace("    labels:\n", "    labels:\n      leeward.traefik: \"true\"\n");
    let (_, text) = check(&[declared], &[]);
    assert!(!text.contains("NET-001") && !text.contains("PUB-001") && !text.contains("among its labels"), "{text}");
}

/// What `fix` prints of files.
fn fix(files: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    command.arg("fix").env_clear().current_dir(folder.path());
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
        command.arg(name);
    }
    let output = command.args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn fix_declares_the_only_traefik_and_asks_where_there_are_two() {
    let quiet = TRAEFIK.replace("      traefik.http.routers.dash.service: api@internal\n", "");
    let plain = TRAEFIK.split("    labels:").next().unwrap().to_owned() + "networks:\n  proxy: {name: proxy}\n";
    // It asks for a route itself, and nothing else has to change.
    let (status, text) = fix(&[("traefik.yaml", &quiet)], &[]);
    assert!(status == Some(0) && text.starts_with("MENDED: ") && text.contains("leeward.traefik: \"true\""), "{text}");
    assert!(!text.contains("ports:") && !text.contains("networks:"), "{text}");
    // The dashboard is not for files to mend, and that is said with what to do.
    let (status, text) = fix(&[("traefik.yaml", TRAEFIK)], &[]);
    assert!(status == Some(1) && text.starts_with("NOT MENDED: "), "{text}");
    assert!(text.contains("LBL-004: ") && text.contains("file of Traefik's file provider"), "{text}");
    assert!(text.contains("leeward.traefik: \"true\""), "{text}");
    // It asks for nothing: nothing to do.
    let (status, text) = fix(&[("traefik.yaml", &plain)], &[]);
    assert!(status == Some(0) && text.starts_with("Nothing to fix"), "{text}");
    // Of two, nobody can tell; neither loses its ports.
    let second = TRAEFIK.replace("name: edge", "name: other");
    let (status, text) = fix(&[("traefik.yaml", TRAEFIK), ("other.yaml", &second)], &[]);
    assert!(status == Some(4) && text.starts_with("OPEN: "), "{text}");
    assert!(text.contains("edge-traefik-1, other-traefik-1 run Traefik's image") && !text.contains("ports:"), "{text}");
}

#[test]
fn a_traefik_that_nobody_declared_is_not_green_without_a_word() {
    let old = "name: edge\nservices:\n  traefik:\n    image: traefik:v3.5\n    ports: ['80:80']\n    volumes: \
               ['/var/run/docker.sock:/var/run/docker.sock:ro']\n";
    let (_, text) = check(&[old.to_owned()], &[]);
    assert!(text.contains("edge-traefik-1: it runs Traefik's image, and is judged as any container"), "{text}");
    let (status, text) = check(&[old.to_owned()], &["--traefik", "edge-traefik-1"]);
    assert!(status == Some(1) && text.contains("critical TRF-001") && !text.contains("judged as any"), "{text}");
}

#[test]
fn fix_says_which_outbound_names_stay_shut_without_an_egress() {
    let front = "name: front\nservices:\n  traefik:\n    image: traefik:v3.7.15\n    labels: {leeward.traefik: 'true'}\n    \
                 networks: [p]\n    cap_drop: [ALL]\nnetworks:\n  p: {internal: true}\n";
    let crm = "name: crm\nservices:\n  web:\n    image: x\n    labels:\n      traefik.enable: 'true'\n      \
               traefik.http.routers.crm.rule: Host(`crm.example`)\n      \
               leeward.outbound: 'smtp.example:587,login.example:443'\n  worker: {image: x}\n";
    let (status, text) = fix(&[("front.yaml", front), ("crm.yaml", crm)], &[]);
    assert!(status == Some(4) && text.starts_with("OPEN: "), "{text}");
    assert!(text.contains("but there are outbound names that will not be allowed"), "{text}");
    let told = "crm-web-1: login.example:443, smtp.example:587 will not be allowed: EGR-016";
    assert!(text.contains(told), "{text}");
    let (status, text) = fix(&[("front.yaml", front), ("crm.yaml", &crm.replace("leeward.outbound", "x"))], &[]);
    assert!(status == Some(0) && text.starts_with("MENDED: ") && !text.contains("EGR-016"), "{text}");
}

const OPEN: &str = "name: shop\nservices:\n  web:\n    image: x\n    ports: ['8080:80']\n    networks: [default, proxy]\n    labels: \
                    {traefik.enable: 'true', traefik.http.routers.w.rule: 'Host(`w.example.com`)'}\nnetworks: {proxy: {external: \
                    true}}\n";

/// It was not verifiable above, and taken for one with a way out below.
#[test]
fn one_thing_is_said_of_a_network_that_was_not_given() {
    let (_, text) = check(&[OPEN.to_owned()], &[]);
    assert!(text.contains("not verifiable NET-027: `proxy`"), "{text}");
    assert!(text.contains("is not known (NET-027), so these changes do without it"), "{text}");
    assert!(!text.contains("taken for") && !text.contains("way out over proxy"), "{text}");
    // Refused for the same above and below.
    assert!(text.contains("web: refused (NET-001, PUB-001) -> routed") && !text.contains("refused NET-009"), "{text}");
}

/// A port that browsers ask for, of an application that stays refused for something else, wants no entry point.
#[test]
fn an_http_port_is_not_said_to_be_one_that_traefik_does_not_serve() {
    let bad = OPEN.replace("Host(`w.example.com`)", "PathPrefix(`/`)");
    let front = TRAEFIK.split("    labels:").next().unwrap().to_owned() + "networks:\n  proxy: {name: proxy}\n";
    let (status, text) = fix(&[("traefik.yaml", &front), ("app.yaml", &bad)], &[]);
    assert!(status == Some(1) && text.contains("LBL-001"), "{text}");
    assert!(text.contains("web: port 80/tcp, published on 0.0.0.0:8080 of the host\n"), "{text}");
    assert!(!text.contains("which Traefik does not serve") && !text.contains("entry point"), "{text}");
    let dns = bad.replace("'8080:80'", "'8080:80', '53:53/udp'").replace(
        "traefik.enable: 'true'",
        "traefik.enable: 'true', traefik.http.services.w.loadbalancer.server.port: '80'",
    );
    let (_, text) = fix(&[("traefik.yaml", &front), ("app.yaml", &dns)], &[]);
    assert!(text.contains("loses 53/udp, which Traefik does not serve"), "{text}");
}

/// `compose.yaml` was guessed, whatever had been merged.
#[test]
fn the_files_of_what_compose_merged_are_not_guessed() {
    let line = |folder: &TempDir, arguments: &[&str]| {
        let input = fs::File::open(folder.path().join("merged")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
        command.arg("fix").args(arguments).env_clear().current_dir(folder.path().join("here")).stdin(input);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("here")).unwrap();
    fs::write(folder.path().join("merged"), MERGED).unwrap();
    // Nothing is there, and something of another project is there.
    for other in [None, Some("name: blog\nservices: {x: {image: x}}\n")] {
        if let Some(text) = other {
            fs::write(folder.path().join("here/compose.yaml"), text).unwrap();
        }
        let text = line(&folder, &["-"]);
        assert!(text.contains("COMPOSE_FILE=<files of shop>:compose.leeward.yaml"), "{text}");
        assert!(
            text.contains("which files shop is made of is not known here") && text.contains("<folder of shop>"),
            "{text}"
        );
    }
    // Its own file is there, and is perhaps not all.
    fs::write(folder.path().join("here/compose.yaml"), "name: shop\nservices: {x: {image: x}}\n").unwrap();
    let text = line(&folder, &["-"]);
    assert!(text.contains("COMPOSE_FILE=compose.yaml:compose.leeward.yaml\n"), "{text}");
    assert!(text.contains("if you merged others, name these"), "{text}");
    // The engine knows with which it runs.
    let mut world: Value = serde_json::from_str(include_str!("../../src/source/demo.json")).unwrap();
    let all = world["inventory"]["containers"].as_object_mut().unwrap();
    let wiki = all.values_mut().find(|it| it["name"] == "wiki-wiki-1").unwrap();
    for (key, value) in [
        ("project", "shop"),
        ("project.working_dir", "/srv/shop"),
        ("project.config_files", "/srv/shop/base.yaml,/srv/shop/prod.yaml"),
    ] {
        wiki["labels"][format!("com.docker.compose.{key}")] = value.into();
    }
    fs::write(folder.path().join("here/engine.json"), world.to_string()).unwrap();
    let text = line(&folder, &["-", "--snapshot", "engine.json"]);
    assert!(text.contains("COMPOSE_FILE=base.yaml:prod.yaml:compose.leeward.yaml"), "{text}");
    assert!(text.contains("cd /srv/shop && ") && !text.contains("if you merged"), "{text}");
}

/// The end of the output counted it as routed; a router without a service was not shown at all.
#[test]
fn a_router_that_traefik_leaves_out_is_listed_and_not_counted_as_routed() {
    let own = project("shop", "{internal: true}", "a.example");
    let service = own.replace(
        "      traefik.http.routers",
        "      traefik.http.routers.web.service: wbe\n      traefik.http.routers",
    );
    let (status, text) = check(std::slice::from_ref(&service), &[]);
    assert!(text.contains("TRAEFIK LEAVES OUT") && text.contains("declares service `shop.wbe`"), "{text}");
    assert!(text.contains("0.yaml:9"), "the line of the label: {text}");
    assert!(status == Some(1) && text.contains("1 router would be left out by Traefik"), "{text}");
    assert!(!text.contains("would be routed"), "{text}");
    let (_, json) = check(std::slice::from_ref(&service), &["--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["left_out"][0]["location"]["line"], 9, "{json}");
    let (_, sarif) = check(&[service], &["--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|it| it["ruleId"] == "left-out"), "{results:?}");
    // A project that is not here may declare it.
    let middleware = own.replace(
        "      traefik.http.routers",
        "      traefik.http.routers.web.middlewares: auth\n      traefik.http.routers",
    );
    let (status, text) = check(&[middleware], &["--share-middleware", "front.auth"]);
    assert!(
        status == Some(0) && text.contains("TRAEFIK LEAVES OUT") && text.contains("no container of `front` is here"),
        "{text}"
    );
}

/// Findings of one project were shown at the lines of another's file.
#[test]
fn a_file_of_another_project_has_no_lines_of_this_one() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("compose.yaml"), format!("name: blog\n{WRITTEN}")).unwrap();
    fs::write(folder.path().join("shop.json"), MERGED).unwrap();
    let said = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
        let output = command.env_clear().current_dir(&folder).args(["check", "shop.json"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = said();
    assert!(text.contains("NET-001") && !text.contains("compose.yaml:"), "{text}");
    fs::write(folder.path().join(".env"), "COMPOSE_PROJECT_NAME=shop\n").unwrap();
    assert!(said().contains("compose.yaml:"), "Compose takes that name");
}

/// Two files of one name, and two lines for one `.env`: what was saved second took the first away.
#[test]
fn two_projects_in_one_folder_get_files_and_commands_of_their_own() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("traefik.yaml"), TRAEFIK).unwrap();
    fs::write(folder.path().join("shop.yaml"), project("shop", "{}", "a.example")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    command.args(["fix", "traefik.yaml", "shop.yaml"]).env_clear().current_dir(&folder);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    for wanted in [
        "Save this there as compose.leeward.edge.yaml:",
        "Save this there as compose.leeward.shop.yaml:",
        "docker compose -p edge -f traefik.yaml -f compose.leeward.edge.yaml up -d",
        "docker compose -p shop -f shop.yaml -f compose.leeward.shop.yaml up -d",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("COMPOSE_FILE="), "{text}");
}

/// The second round's file had the name of the first one's, which was lost with what it held.
#[test]
fn a_file_of_ours_that_compose_merged_is_not_written_over() {
    let folder = TempDir::new().unwrap();
    let fix = |merged: &str| {
        fs::write(folder.path().join("merged"), merged).unwrap();
        let input = fs::File::open(folder.path().join("merged")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
        command.args(["fix", "-"]).env_clear().current_dir(&folder).stdin(input);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let first = fix(MERGED);
    assert!(first.contains("Save this there as compose.leeward.yaml:"), "{first}");
    let mark = first.lines().find(|line| line.contains("x-leeward-file")).unwrap();
    let (key, name) = mark.trim().split_once(": ").unwrap();
    // Compose keeps what begins with x-.
    let second = fix(&MERGED.replacen('{', &format!("{{\"{key}\": \"{name}\", "), 1));
    assert!(second.contains("Save this there as compose.leeward-2.yaml:"), "{second}");
    assert!(second.contains("COMPOSE_FILE=<files of shop>:compose.leeward.yaml:compose.leeward-2.yaml"), "{second}");
    assert!(second.contains("x-leeward-file: compose.leeward-2.yaml"), "{second}");
}

/// Its table said routed, and the remedy below: refused.
#[test]
fn what_the_table_calls_routed_the_remedy_does_not_call_refused() {
    let project = "name: shop\nservices:\n  web: {image: 'shop/web:1', networks: [inner], labels: {traefik.enable: 'true', \
                   traefik.http.routers.web.rule: 'Host(`a.example`)'}, expose: ['80']}\n  api: {image: 'shop/api:1', labels: \
                   {traefik.enable: 'true', traefik.http.routers.api.rule: 'Host(`b.example`)'}, expose: ['80']}\nnetworks:\n  \
                   inner: {internal: true}\n";
    let (status, text) = check(&[project.to_owned()], &[]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("shop.web  Host(`a.example`)") && text.contains("shop_inner (Traefik not given)"), "{text}");
    assert!(text.contains("    web: not verifiable (NET-027) -> routed\n"), "{text}");
    assert!(text.contains("    api: refused (NET-001, NET-009) -> routed\n"), "{text}");
}

/// The fix was empty, or added to what the other file says, and the tool that applied it believed it done.
#[test]
fn what_another_file_says_is_taken_away_by_no_change_of_this_one() {
    let traefik = TRAEFIK.replace("    labels:\n", "    labels:\n      leeward.traefik: \"true\"\n");
    let fixes = |written: &str| {
        let folder = TempDir::new().unwrap();
        let shop = folder.path().join("shop");
        fs::create_dir(&shop).unwrap();
        fs::write(shop.join("compose.yaml"), written).unwrap();
        fs::write(shop.join("merged.json"), MERGED).unwrap();
        fs::write(folder.path().join("traefik.yaml"), &traefik).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
        let input = fs::File::open(shop.join("merged.json")).unwrap();
        let arguments = ["check", "-", "../traefik.yaml", "--format=sarif"];
        let output = command.env_clear().current_dir(&shop).args(arguments).stdin(input).output().unwrap();
        let log: Value = serde_json::from_slice(&output.stdout).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        let has = |it: &&Value| it["level"] == "error" && it["fixes"].is_array();
        results.iter().filter(has).map(|it| it["ruleId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let whole = WRITTEN.replace("${TAG:-1}", "1");
    assert!(fixes(&whole).contains(&"PUB-001".to_owned()), "{:?}", fixes(&whole));
    let extends = "services:\n  web:\n    extends: {file: base.yaml, service: web}\n    labels:\n      traefik.enable: \"true\"\n\
                   networks:\n  front: {external: true}\n";
    for written in [extends, "include: [base.yaml]\n"] {
        let told = fixes(written);
        assert!(!told.iter().any(|rule| ["PUB-001", "NET-001"].contains(&rule.as_str())), "{told:?}: {written}");
    }
}

/// The most common way to write it. On an engine it was routed.
#[test]
fn a_service_answers_to_its_name_also_before_it_runs() {
    let project = "name: shop\nservices:\n  web: {image: 'shop/web:1', networks: [inner], expose: ['80'], labels: {traefik.enable: 'true', \
                   traefik.http.routers.web.rule: 'Host(`a.example`)', traefik.http.routers.web.middlewares: auth, \
                   traefik.http.middlewares.auth.forwardauth.address: 'http://guard:9000/'}}\n  guard: {image: 'shop/guard:1', \
                   networks: [inner]}\nnetworks:\n  inner: {internal: true}\n";
    let (_, text) = check(&[project.to_owned()], &[]);
    assert!(text.contains("shop.web  Host(`a.example`)") && !text.contains("refused LBL-009"), "{text}");
    let (_, text) = check(&[project.replace("http://guard:", "http://garde:")], &[]);
    assert!(text.contains("refused LBL-009"), "{text}");
}
