//! `routes`, `explain` and `audit`: from a running service or from an engine, and which of the two.

use std::process::Command;
use std::time::Duration;

use crate::eventually::eventually;
use crate::serving::Serving;

fn ready(serving: &Serving) {
    eventually(Duration::from_secs(20), "the service is ready", || serving.get("/readyz").starts_with("HTTP/1.1 200"));
}

/// Runs it with a clean environment and these variables: its status and what it prints.
fn leeward(variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    let output = command.env_clear().envs(variables.iter().copied()).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn a_service_is_asked_what_it_decided_and_a_flag_goes_before_either_variable() {
    let serving = Serving::start(&["--isolation=warn"]);
    ready(&serving);
    let url = format!("http://127.0.0.1:{}", serving.port);
    let both = [("LEEWARD_SERVER", url.as_str()), ("LEEWARD_ENGINE", "demo"), ("LEEWARD_ISOLATION", "strict")];
    let refuses = |variables: &[(&str, &str)], arguments: &[&str]| {
        let (status, text) = leeward(variables, arguments);
        assert_eq!(status, 0, "{arguments:?}: {text}");
        text.contains("REFUSED")
    };
    // As in the shipped Compose file: the service's answer, under its own flags.
    assert!(!refuses(&both, &["routes"]));
    assert!(refuses(&both, &["routes", "--engine=demo"]));
    assert!(!refuses(&[("LEEWARD_ENGINE", "demo")], &["routes", "--server", &url]));
    // The preview.
    assert!(refuses(&both, &["routes", "--isolation=enforce"]));
    assert!(refuses(&both, &["routes", "--isolation-of", "wiki=enforce"]));
    assert_eq!(leeward(&both, &["explain", "wiki"]).0, 0);
    let (status, text) = leeward(&both, &["explain", "wiki", "--isolation=enforce"]);
    assert!(status == 1 && text.starts_with("preview with --isolation enforce"), "{text}");
    assert_eq!(leeward(&both, &["audit", "--isolation=enforce"]).0, 1);
    // What cannot be both, and what a service has not read.
    for arguments in [&["routes"][..], &["audit"], &["explain", "wiki"]] {
        let (status, text) = leeward(&[], &[arguments, &["--engine=demo", "--server", &url]].concat());
        assert!(
            status == 2 && text.contains("--engine reads an engine: leave one of them out"),
            "{arguments:?}: {text}"
        );
    }
    let (status, text) = leeward(&both, &["routes", "--constraints=Label(`a`, `b`)"]);
    assert!(status == 2 && text.contains("--constraints says which labels are read"), "{text}");
}

#[test]
fn a_service_that_a_flag_names_answers_every_verb_that_has_the_flag() {
    let serving = Serving::start(&[]);
    ready(&serving);
    let url = format!("http://127.0.0.1:{}", serving.port);
    let (_, help) = leeward(&[], &["--help"]);
    let verbs = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs = verbs.filter_map(|line| line.split_whitespace().next());
    let asks: Vec<&str> = verbs.filter(|verb| leeward(&[], &[verb, "--help"]).1.contains("--server <")).collect();
    assert!(asks.contains(&"topology") && asks.len() >= 6, "{asks:?}");
    for verb in asks {
        let name: &[&str] = match verb {
            "explain" => &["app1-web-1"],
            "fix" => &["app1"],
            "audit" => &["--fail-on=never"],
            _ => &[],
        };
        let (status, text) = leeward(&[], &[&[verb][..], name, &["--server", &url]].concat());
        assert_eq!(status, 0, "leeward {verb} {name:?} --server: {text}");
    }
}

#[test]
fn verbs_that_read_for_themselves_ask_no_service() {
    let nobody = [("LEEWARD_SERVER", "http://127.0.0.1:1"), ("LEEWARD_ENGINE", "demo")];
    assert_eq!(leeward(&nobody, &["snapshot"]).0, 0);
    assert_eq!(leeward(&nobody, &["routes"]).0, 3);
    // It asks a running service whether it is ready, and nobody else.
    assert_eq!(leeward(&nobody, &["health"]).0, 1);
}

#[test]
fn the_token_is_the_services_own_file_and_without_it_the_flag_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    std::fs::write(&file, "\nfirst-token\nsecond-token\n").unwrap();
    let file = file.to_str().unwrap();
    let serving = Serving::start(&["--token-file", file]);
    let url = format!("http://127.0.0.1:{}", serving.port);
    let (status, text) = leeward(&[("LEEWARD_SERVER", &url)], &["routes"]);
    assert!(status == 3 && text.contains("401") && text.contains("--token-file FILE (LEEWARD_TOKEN_FILE)"), "{text}");
    let variables = [("LEEWARD_SERVER", url.as_str()), ("LEEWARD_TOKEN_FILE", file)];
    eventually(Duration::from_secs(20), "the service answers who has a token", || {
        let (status, text) = leeward(&variables, &["routes"]);
        if status == 0 && text.contains("app1.localhost") { Ok(()) } else { Err(text) }
    });
}

#[test]
fn fix_asks_the_service_and_its_file_is_what_is_printed_alone() {
    let serving = Serving::start(&["--isolation=warn"]);
    ready(&serving);
    let url = format!("http://127.0.0.1:{}", serving.port);
    let server = [("LEEWARD_SERVER", url.as_str())];
    let (status, text) = leeward(&server, &["fix", "wiki"]);
    assert!(status == 0 && text.contains("wiki: refused (NET-001, NET-009) -> routed"), "{text}");
    let (status, file) = leeward(&server, &["fix", "wiki", "--format=compose"]);
    assert!(status == 0 && file.starts_with("# Written by `leeward fix`") && file.contains("net-wiki:"), "{file}");
    assert_eq!((status, file), leeward(&[], &["fix", "wiki", "--engine=demo", "--format=compose"]));
    let (status, json) = leeward(&server, &["fix", "--format=json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(status == 0 && json["proven"] == true && json["files"]["wiki"].is_string(), "{json}");
    let many: Vec<String> = (0..33).map(|number| format!("name{number}")).collect();
    let many: Vec<&str> = ["fix"].into_iter().chain(many.iter().map(String::as_str)).collect();
    let (status, text) = leeward(&server, &many);
    assert!(status == 3 && text.contains("32"), "{text}");
    let (status, text) = leeward(&server, &["fix", "nosuch"]);
    assert!(status == 3 && text.contains("no project or container `nosuch`"), "{text}");
    let (status, text) = leeward(&server, &["fix", "wiki", "--keep", "wiki"]);
    assert!(status == 0 && text.contains("label leeward.allow=NET-001"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let (status, text) = leeward(&server, &["fix", "wiki", "--output", path]);
    assert!(status == 0 && text.contains("wrote") && !text.contains("compose.leeward.yaml of wiki"), "{text}");
    let written = std::fs::read_to_string(folder.path().join("wiki/compose.leeward.yaml")).unwrap();
    assert_eq!(written, json["files"]["wiki"].as_str().unwrap());
}

#[test]
fn a_traefik_that_is_not_there_is_an_invalid_flag() {
    let (status, text) = leeward(&[], &["fix", "--engine=demo", "--traefik", "traefk"]);
    assert!(status == 2 && text.contains("--traefik `traefk`: no container has this name"), "{text}");
    let (status, text) = leeward(&[], &["fix", "--engine=demo", "--traefik", "nobody"]);
    assert!(status == 2 && text.contains("did you mean"), "{text}");
}

#[test]
fn a_misspelt_traefik_is_said_first_and_no_network_is_proposed_for_it() {
    let named =
        "warning: --traefik names `front-traefic-1`, and no container has this name; did you mean `front-traefik-1`?";
    let misspelt = "--traefik=front-traefic-1";
    let mut serving = Serving::start(&[misspelt]);
    serving.wait_for_log("--traefik names `front-traefic-1`");
    ready(&serving);
    let url = format!("http://127.0.0.1:{}", serving.port);
    for place in [&["--engine=demo", misspelt][..], &["--server", &url]] {
        for verb in [&["routes"][..], &["audit"], &["explain", "app1-web-1"]] {
            let (_, text) = leeward(&[], &[verb, place].concat());
            assert!(text.starts_with(named), "{verb:?} {place:?}: {text}");
        }
        let (_, text) = leeward(&[], &[&["explain", "app1-web-1"], place].concat());
        assert!(text.contains("remedy:") && !text.contains("networks:") && !text.contains("docker network"), "{text}");
    }
}

/// An application whose question is open: it loses a port that no browser asks for.
const DNS: &str = "name: dns\nservices: {dns: {image: x, ports: ['53:53/udp'], labels: {traefik.enable: 'true', \
                   traefik.http.services.d.loadbalancer.server.port: '80', traefik.http.routers.v.rule: 'Host(`v.example.com`)'}}}";
const FRONT: &str = "name: front\nservices: {traefik: {image: 'traefik:v3.7'}}";

#[test]
fn an_open_question_and_an_unknown_traefik_have_a_status_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
        let path = folder.path().join(name).join("docker-compose.yml");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (dns, front) = (file("dns", DNS), file("front", FRONT));
    let web = file("web", &DNS.replace("name: dns", "name: web").replace("ports: ['53:53/udp'], ", ""));
    let status = |arguments: &[&str], first: &str| {
        let (status, text) = leeward(&[], &[&["fix"], arguments].concat());
        assert!(text.starts_with(first), "{text}");
        (status, text)
    };
    assert_eq!(status(&[&front, &dns], "OPEN: ").0, 4);
    assert_eq!(status(&[&front, &dns, "--keep", "dns"], "MENDED: ").0, 0);
    assert_eq!(status(&[&web], "OPEN: ").0, 4);
    let (code, text) = status(&[&front, &web], "MENDED: ");
    assert_eq!(code, 0);
    // What is printed is of these folders and files.
    let line = format!("cd {} && docker compose up -d\n", folder.path().join("web").display());
    assert!(text.contains(&line) && text.contains("COMPOSE_FILE=docker-compose.yml:compose.leeward.yaml"), "{text}");
}

/// The file went into `compose.leeward-2.yaml`, and the line for `.env` named the first alone: the new networks were in none.
#[test]
fn what_is_written_beside_an_earlier_file_is_what_the_line_names() {
    let folder = tempfile::tempdir().unwrap();
    let stacks = folder.path().join("front");
    std::fs::create_dir_all(&stacks).unwrap();
    std::fs::write(stacks.join("compose.yaml"), FRONT).unwrap();
    std::fs::write(stacks.join(".env"), "COMPOSE_FILE=compose.yaml:compose.leeward.yaml\n").unwrap();
    let earlier = "# Written by `leeward fix`, and written over by it.\nnetworks: {net-other: {name: net-other}}\n";
    std::fs::write(stacks.join("compose.leeward.yaml"), earlier).unwrap();
    let mut world: serde_json::Value = serde_json::from_str(include_str!("../../src/source/demo.json")).unwrap();
    let all = world["inventory"]["containers"].as_object_mut().unwrap();
    for container in all.values_mut().filter(|it| it["labels"]["com.docker.compose.project"] == "front") {
        container["labels"]["com.docker.compose.project.working_dir"] = stacks.display().to_string().into();
        container["labels"]["com.docker.compose.project.config_files"] =
            stacks.join("compose.yaml").display().to_string().into();
    }
    let snapshot = folder.path().join("world.json");
    std::fs::write(&snapshot, world.to_string()).unwrap();
    let wiki = folder.path().join("wiki");
    std::fs::create_dir_all(&wiki).unwrap();
    std::fs::write(wiki.join("compose.yaml"), "name: wiki\nservices: {wiki: {image: x}}\n").unwrap();
    let engine = format!("--engine=file:{}", snapshot.display());
    let place = folder.path().display().to_string();
    let (status, text) = leeward(&[], &["fix", "wiki", &engine, "--write", &place]);
    assert_eq!(status, 0, "{text}");
    assert!(stacks.join("compose.leeward-2.yaml").exists(), "{text}");
    assert!(text.contains("COMPOSE_FILE=compose.yaml:compose.leeward.yaml:compose.leeward-2.yaml"), "{text}");
    assert!(text.contains("compose.leeward-2.yaml belongs there"), "{text}");
    assert_eq!(std::fs::read_to_string(stacks.join("compose.leeward.yaml")).unwrap(), earlier);
}
