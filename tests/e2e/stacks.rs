//! The corpus on a real engine: up as it was, refused; one `leeward fix`; up with what it wrote, routed and isolated.
//!
//! The table at the end says for each project what was changed, in how many rounds, and what was lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::by_hand::remove;
use crate::images::{self, binary};
use crate::lab::{HOST, Lab, OUTSIDE, eventually, get, json, root};
use crate::topology::explain;

/// One project: its file, the service that is routed, its host, and whom it has to reach by name.
struct Case {
    file: &'static str,
    project: &'static str,
    service: &'static str,
    host: &'static str,
    needs: &'static [(&'static str, u16)],
}

const CASES: [Case; 13] = [
    case("nextcloud.yaml", "nextcloud", "app", "cloud.example.com", &[("db", 5432), ("redis", 6379)]),
    case("immich.yaml", "immich", "immich-server", "photos.example.com", &[("database", 5432), ("redis", 6379)]),
    case("plausible.yaml", "plausible", "plausible", "stats.example.com", &[("plausible_events_db", 8123)]),
    case("vaultwarden.yaml", "vaultwarden", "vaultwarden", "vault.example.com", &[]),
    case("wordpress.yaml", "blog", "wordpress", "blog.example.com", &[("db", 3306)]),
    case("static.yaml", "page", "web", "www.example.com", &[]),
    case("scaled.yaml", "scaled", "api", "api.example.com", &[("cache", 11211)]),
    case("backup.yaml", "wiki", "wiki", "wiki.example.com", &[("db", 5432)]),
    case("addresses.yaml", "office", "web", "office.example.com", &[("database", 5432), ("pg", 5432)]),
    case("healthy.yaml", "healthy", "app", "umami.example.com", &[("db", 5432)]),
    case("two-apps/blue.yaml", "blue", "app", "blue.example.com", &[("db", 3306)]),
    case("two-apps/green.yaml", "green", "app", "green.example.com", &[("db", 3306)]),
    case("links.yaml", "oldies", "tracker", "tracker.example.com", &[("mysql", 3306), ("database", 3306)]),
];

const fn case(
    file: &'static str,
    project: &'static str,
    service: &'static str,
    host: &'static str,
    needs: &'static [(&'static str, u16)],
) -> Case {
    Case { file, project, service, host, needs }
}

/// What listens in the images of the corpus, by the image's name without its tag.
const PORTS: [(&str, &str); 22] = [
    ("nextcloud", "80"),
    ("postgres", "5432"),
    ("redis", "6379"),
    ("valkey", "6379"),
    ("immich-server", "2283"),
    ("immich-machine-learning", "3003"),
    ("immich-postgres", "5432"),
    ("plausible", "8000"),
    ("clickhouse-server", "8123"),
    ("vaultwarden", "80"),
    ("wordpress", "80"),
    ("mysql", "3306"),
    ("nginx", "80"),
    ("api", "8080"),
    ("memcached", "11211"),
    ("wikijs", "3000"),
    ("postgres-backup-s3", "9"),
    ("office-web", "8069"),
    ("umami", "3000"),
    ("umami-migrate", ""),
    ("ghost", "2368"),
    ("redmine", "3000"),
];

/// The Compose of a generation: `1`, `2`.
fn of_generation<'c>(composes: &'c [Vec<String>], number: &str) -> Option<&'c Vec<String>> {
    composes.iter().find(|compose| {
        let said = Command::new(&compose[0]).args(&compose[1..]).args(["version", "--short"]).output().unwrap();
        String::from_utf8_lossy(&said.stdout).trim_start_matches('v').starts_with(number)
    })
}

/// The text of a case's file; its images are made.
fn text_of(lab: &Lab, case: &Case) -> String {
    let text = fs::read_to_string(root().join("tests/stacks").join(case.file)).unwrap();
    for line in text.lines().filter_map(|line| line.trim().strip_prefix("image: ")) {
        let name = line.split([':', '}']).next().unwrap();
        lab.docker_ok(&["tag", &format!("stub-{name}"), line.trim_end_matches('}')]);
    }
    text
}

/// The shipped front with one network for everybody that leads out, as before anybody moves.
fn old_front(lab: &Lab) -> PathBuf {
    let shipped = fs::read_to_string(root().join("compose/compose.yaml")).unwrap();
    let (services, _) = shipped.split_once("\n  # One for each project").unwrap();
    let (_, volumes) = shipped.rsplit_once("\nvolumes:\n").unwrap();
    let text = format!("{services}\n  proxy:\n    name: proxy\n\nvolumes:\n{volumes}")
        .replace("      - net-proxy\n      - net-proxy2\n", "      - proxy\n")
        .replace("../traefik", &root().join("traefik").display().to_string());
    assert!(text.contains("      - proxy\n"), "{text}");
    let folder = lab.folder().join("stacks/leeward");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("compose.yaml"), text).unwrap();
    folder
}

fn folder(lab: &Lab, project: &str) -> PathBuf {
    lab.folder().join("stacks").join(project)
}

fn up(lab: &Lab, project: &str) {
    compose_both(lab, project, &["up", "-d"]);
}

/// Compose on a project's files, that of `fix` among them, as with the line for `.env` that it prints.
fn compose_both(lab: &Lab, project: &str, command: &[&str]) {
    let folder = folder(lab, project);
    let base = folder.join("compose.yaml").display().to_string();
    let own = folder.join("compose.leeward.yaml").display().to_string();
    let more: &[&str] = if fs::exists(&own).unwrap() { &["-f", &own] } else { &[] };
    lab.compose(&base, &[more, command].concat());
}

/// Every container of a project.
fn containers(lab: &Lab, project: &str) -> Vec<(String, String)> {
    let filter = format!("label=com.docker.compose.project={project}");
    let format = "{{.ID}} {{.Label \"com.docker.compose.service\"}}";
    let said = lab.docker(&["ps", "--no-trunc", "--filter", &filter, "--format", format]);
    said.out.lines().filter_map(|line| line.split_once(' ')).map(|(id, name)| (id.into(), name.into())).collect()
}

fn leeward(lab: &Lab, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(binary()).env_clear().args(arguments).output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    lab.note(&format!("leeward {} -> {:?} {error}", arguments.join(" "), output.status.code()));
    (output.status.code(), out.into_owned())
}

/// Whether the service of a case reaches the Internet, and whom it needs.
fn reaches(lab: &Lab, case: &Case) -> (bool, BTreeMap<&'static str, bool>) {
    let all = containers(lab, case.project);
    let (id, _) = all.iter().find(|(_, service)| service == case.service).unwrap();
    let out = lab.inside(id, &["nc", "-w", "1", OUTSIDE, "80", "-e", "true"]).ok;
    let needs = case.needs.iter().map(|(name, port)| {
        let ask = format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {name} {port}");
        (*name, lab.inside(id, &["sh", "-c", &ask]).out.contains("from image"))
    });
    (out, needs.collect())
}

/// The published ports of a project that answer on the host.
fn open_ports(lab: &Lab, project: &Value) -> Vec<String> {
    let services = project["services"].as_object().unwrap();
    let ports = services.values().flat_map(|it| it["ports"].as_array().into_iter().flatten());
    let open =
        ports.filter(|port| port["protocol"] == "tcp").map(|port| port["published"].as_str().unwrap().to_owned());
    let here = lab.engine().to_string();
    open.filter(|port| {
        get(&here, &format!("http://{HOST}:{port}/")).status == 200
            || get(&here, &format!("http://127.0.0.1:{port}/")).status == 200
    })
    .collect()
}

#[test]
fn one_round_of_fix_moves_a_project_over() {
    const NAME: &str = "one_round_of_fix_moves_a_project_over";
    let Some(means) = crate::means(NAME) else { return };
    let Some(compose) = of_generation(&means.composes, "2") else {
        return crate::left_out(NAME, &["compose-2: LEEWARD_COMPOSE names none".to_owned()]);
    };
    // Docker's own pools have 31 networks, fewer than these projects have before and after.
    let pools = "--bip 172.17.0.1/16 --default-address-pool base=10.201.0.0/16,size=24";
    let lab = Lab::start_with(NAME, compose, pools);
    images::make_all(&lab, &means.traefik);
    for (name, ports) in PORTS {
        images::stub(&lab, name, ports);
    }
    old_front(&lab);
    up(&lab, "leeward");
    let mut merged = Vec::new();
    for case in &CASES {
        let folder = folder(&lab, case.project);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("compose.yaml"), text_of(&lab, case)).unwrap();
        up(&lab, case.project);
        let config = lab.compose(&folder.join("compose.yaml").display().to_string(), &["config", "--format", "json"]);
        fs::write(folder.join("merged.json"), &config).unwrap();
        merged.push((folder.join("merged.json").display().to_string(), json(&config)));
    }
    let serving = lab.pid(&lab.container("leeward", "leeward"));

    // As it was: refused, on its way out, with its database.
    let mut ports = Vec::new();
    for (case, (_, project)) in CASES.iter().zip(&merged) {
        for (id, _) in containers(&lab, case.project).iter().filter(|(_, service)| service == case.service) {
            eventually(Duration::from_secs(20), "it is refused", || {
                let seen = explain(&lab, &serving, id);
                if seen["outcome"] == "refused" { Ok(()) } else { Err(seen.to_string()) }
            });
        }
        assert_eq!(lab.visit(case.host, "/").status, 404, "{}", case.project);
        let (out, needs) = reaches(&lab, case);
        assert!(out && needs.values().all(|it| *it), "{}: {out} {needs:?}", case.project);
        ports.push(open_ports(&lab, project));
    }

    let snapshot = lab.folder().join("engine.json").display().to_string();
    let (status, _) = leeward(&lab, &["snapshot", "--engine", &lab.socket(), "--output", &snapshot]);
    assert_eq!(status, Some(0));
    let files: Vec<&str> = merged.iter().map(|(file, _)| file.as_str()).collect();
    let (status, text) =
        leeward(&lab, &[&["fix"], &files[..], &["--snapshot", &snapshot, "--format", "json"]].concat());
    let fixed = json(&text);
    // A port that Traefik does not serve is a question, and all else is mended.
    let open =
        fixed["remedies"]["owners"].as_array().unwrap().iter().any(|it| !it["choices"].as_array().unwrap().is_empty());
    assert_eq!(
        (status, fixed["standing"].as_str()),
        if open { (Some(4), Some("open")) } else { (Some(0), Some("mended")) }
    );
    for (project, text) in fixed["files"].as_object().unwrap() {
        println!("--- {project} ---\n{}", text.as_str().unwrap());
        fs::write(folder(&lab, project).join("compose.leeward.yaml"), text.as_str().unwrap()).unwrap();
    }
    // What is printed, in the order that is printed: Traefik's networks, by hand for at once, then the applications.
    let commands: Vec<&str> = fixed["commands"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let mut project = "";
    for line in commands {
        println!("$ {line}");
        let command =
            line.strip_prefix("cd ").and_then(|it| it.split_once(" && ")).map_or(line, |(_, command)| command);
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["#", name, "put", ..] => project = name.trim_end_matches(':'),
            ["#", ..] => {}
            ["docker", "compose", command @ ..] => compose_both(&lab, project, command),
            [files, "docker", "compose", command @ ..] => {
                assert_eq!(*files, "COMPOSE_FILE=compose.yaml", "{line}");
                lab.compose(&folder(&lab, project).join("compose.yaml").display().to_string(), command);
            }
            ["docker", command @ ..] => drop(lab.docker_ok(command)),
            _ => panic!("{line}"),
        }
    }
    let serving = lab.pid(&lab.container("leeward", "leeward"));
    let mut table = vec![format!("{:<12} {:>5} {:>6}  {}", "project", "edits", "rounds", "lost")];
    for ((case, (_, project)), before) in CASES.iter().zip(&merged).zip(&ports) {
        lab.until_visit(case.host, 200, "from image");
        let remedies = fixed["remedies"]["owners"].as_array().unwrap();
        let remedy = remedies.iter().find(|it| it["owner"] == case.project).unwrap();
        for (id, service) in containers(&lab, case.project) {
            let seen = explain(&lab, &serving, &id);
            assert_eq!(seen["outcome"], if service == case.service { "routed" } else { "ignored" }, "{seen}");
        }
        let (out, needs) = reaches(&lab, case);
        assert!(!out && needs.values().all(|it| *it), "{}: {out} {needs:?}", case.project);
        // What was named is what was lost.
        let now = open_ports(&lab, project);
        let lost = remedy["lost"].as_array().unwrap();
        let named = lost.iter().filter(|it| it["kind"] == "port").map(|it| it["host_port"].as_str().unwrap());
        let named: Vec<&str> = named.collect();
        let gone: Vec<&str> = before.iter().filter(|port| !now.contains(port)).map(String::as_str).collect();
        assert_eq!(gone, named, "{}: {lost:?}", case.project);
        let lost: Vec<String> = lost.iter().map(short).collect();
        let edits = remedy["edits"].as_array().unwrap().len();
        table.push(format!("{:<12} {edits:>5} {:>6}  {}", case.project, 1, lost.join(", ")));
    }
    for line in table {
        lab.note(&line);
    }
    // At the next `up` Traefik is recreated, with all its networks.
    up(&lab, "leeward");
    for case in &CASES {
        lab.until_visit(case.host, 200, "from image");
    }
}

/// What was lost, in a few words.
fn short(lost: &Value) -> String {
    let of = |key: &str| lost[key].as_str().unwrap_or_default().to_owned();
    match lost["kind"].as_str().unwrap() {
        "port" => format!("port {} of {}", of("host_port"), of("service")),
        "way-out" => format!("way out of {}", of("service")),
        other => format!("{other} of {}", of("service")),
    }
}

/// Two projects on Traefik's open network, each with a database of its own.
fn two(name: &str) -> String {
    format!(
        "services:\n  app:\n    image: nginx:alpine\n    networks: [default, proxy]\n    labels:\n      traefik.enable: 'true'\n      \
         traefik.http.routers.{name}.rule: Host(`{name}.example.com`)\n      \
         traefik.http.services.{name}.loadbalancer.server.port: '80'\n  db: {{image: 'redis:7'}}\nnetworks: {{proxy: {{external: \
         true}}}}\n"
    )
}

/// Runs a line as it is printed, in a shell, with the Compose of this test.
fn follow(lab: &Lab, compose: &[String], line: &str) {
    let line = line.replace("docker compose", &compose.join(" "));
    lab.note(&line);
    let mut command = Command::new("sh");
    command.args(["-ec", &line]).env_remove("COMPOSE_FILE").env("DOCKER_GID", lab.socket_group());
    let output = lab.with_engine(&mut command).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Follows the commands of an answer of `fix --write`: puts the lines into `.env`, runs the rest.
fn follow_all(lab: &Lab, compose: &[String], fixed: &Value) {
    for line in fixed["commands"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()) {
        if let Some((place, env)) = line.split_once(", and this line into the .env there: ") {
            let (start, place) = place.split_once(" into ").unwrap();
            let file = PathBuf::from(place).join(start.rsplit(' ').next().unwrap());
            assert!(file.exists(), "{} is not written", file.display());
            fs::write(PathBuf::from(place).join(".env"), format!("{env}\n")).unwrap();
        } else if !line.starts_with('#') {
            follow(lab, compose, line);
        }
    }
}

/// Follows all that `fix` says of a project.
fn fix_and_follow(lab: &Lab, compose: &[String], project: &str, modes: &str) {
    let folder = lab.folder().join("stacks").display().to_string();
    let ask =
        ["fix", project, "--engine", &lab.socket(), "--isolation-of", modes, "--write", &folder, "--format", "json"];
    let (status, text) = leeward(lab, &ask);
    assert_eq!(status, Some(0), "{text}");
    let fixed = json(&text);
    let only: Vec<&str> =
        fixed["remedies"]["owners"].as_array().unwrap().iter().filter_map(|it| it["owner"].as_str()).collect();
    assert_eq!(only, [project], "{text}");
    follow_all(lab, compose, &fixed);
}

#[test]
fn fix_writes_its_files_and_moves_one_project_after_the_other() {
    const NAME: &str = "fix_writes_its_files_and_moves_one_project_after_the_other";
    let Some(means) = crate::means(NAME) else { return };
    let Some(compose) = of_generation(&means.composes, "2") else {
        return crate::left_out(NAME, &["compose-2: LEEWARD_COMPOSE names none".to_owned()]);
    };
    let lab = Lab::start(NAME, compose);
    images::make_all(&lab, &means.traefik);
    for (name, port, tag) in [("nginx", "80", "nginx:alpine"), ("redis", "6379", "redis:7")] {
        images::stub(&lab, name, port);
        lab.docker_ok(&["tag", &format!("stub-{name}"), tag]);
    }
    // All of them under `warn`.
    let front = old_front(&lab);
    let file = fs::read_to_string(front.join("compose.yaml")).unwrap();
    let modes = |modes: &str| {
        let line = format!("      LEEWARD_SERVER: http://127.0.0.1:9000\n      LEEWARD_ISOLATION_OF: {modes}\n");
        let text = file.replace("      LEEWARD_SERVER: http://127.0.0.1:9000\n", &line);
        assert!(text.contains("LEEWARD_ISOLATION_OF"), "{text}");
        fs::write(front.join("compose.yaml"), text).unwrap();
        follow(&lab, compose, &format!("cd {} && docker compose up -d", front.display()));
    };
    modes("one=warn,two=warn");
    for name in ["one", "two"] {
        let folder = folder(&lab, name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("compose.yaml"), two(name)).unwrap();
        follow(&lab, compose, &format!("cd {} && docker compose up -d", folder.display()));
    }
    let both = || {
        for host in ["one.example.com", "two.example.com"] {
            lab.until_visit(host, 200, "from image");
        }
    };
    both();
    // One, and then the other; Traefik is recreated in between, from its files.
    fix_and_follow(&lab, compose, "one", "one=warn,two=warn");
    both();
    modes("two=warn");
    both();
    fix_and_follow(&lab, compose, "two", "two=warn");
    both();
    modes("nobody=warn");
    both();
    let audit = || {
        let (_, text) = leeward(&lab, &["audit", "--engine", &lab.socket(), "--format", "json"]);
        let found = json(&text)["findings"].as_array().unwrap().clone();
        found.into_iter().filter(|it| it["rule"] == "NET-029").collect::<Vec<_>>()
    };
    assert_eq!(audit(), [Value::Null; 0]);

    // Somebody starts one without the override: it is refused, and the finding says how to start it.
    let own = folder(&lab, "one");
    follow(&lab, compose, &format!("cd {} && docker compose -f compose.yaml up -d", own.display()));
    lab.until_visit("one.example.com", 404, "");
    let found = audit();
    assert_eq!(found.len(), 1, "{found:?}");
    let remedy = found[0]["remedy"].as_str().unwrap();
    let command =
        format!("cd {} && COMPOSE_FILE=compose.yaml:compose.leeward.yaml docker compose up -d", own.display());
    assert_eq!(remedy.lines().next(), Some(command.as_str()), "{remedy}");
    follow(&lab, compose, &command);
    both();
    assert_eq!(audit(), [Value::Null; 0]);
}

/// Projects that are moved by docker-compose 1.29.
const BY_HAND: [&str; 4] = ["vaultwarden", "blog", "oldies", "wiki"];

/// What is to be deleted by hand, as the summary lists it for one project.
fn by_hand<'t>(text: &'t str, project: &str) -> Vec<&'t str> {
    let list = text.lines().skip_while(|line| !line.starts_with("The files need Compose 2.24"));
    list.filter_map(|line| line.strip_prefix("    ")?.strip_prefix(project)?.strip_prefix(": ")).collect()
}

#[test]
fn an_older_compose_moves_a_project_by_what_is_deleted_by_hand() {
    const NAME: &str = "an_older_compose_moves_a_project_by_what_is_deleted_by_hand";
    let Some(means) = crate::means(NAME) else { return };
    let Some(compose) = of_generation(&means.composes, "1.29") else {
        return crate::left_out(NAME, &["docker-compose-1: no docker-compose 1.29".to_owned()]);
    };
    let lab = Lab::start(NAME, compose);
    images::make_all(&lab, &means.traefik);
    for (name, ports) in PORTS {
        images::stub(&lab, name, ports);
    }
    let front = old_front(&lab);
    follow(&lab, compose, &format!("cd {} && docker compose up -d", front.display()));
    let stacks = lab.folder().join("stacks").display().to_string();
    for case in CASES.iter().filter(|case| BY_HAND.contains(&case.project)) {
        let folder = folder(&lab, case.project);
        fs::create_dir_all(&folder).unwrap();
        // Projects have no name of their own there.
        let mut own: Value = serde_saphyr::from_str(&text_of(&lab, case)).unwrap();
        own.as_object_mut().unwrap().remove("name");
        fs::write(folder.join("docker-compose.yml"), own.to_string()).unwrap();
        follow(&lab, compose, &format!("cd {} && docker compose up -d", folder.display()));
        let serving = lab.pid(&lab.container("leeward", "leeward"));
        let (out, needs) = reaches(&lab, case);
        assert!(out && needs.values().all(|it| *it), "{}: {out} {needs:?}", case.project);
        for (id, _) in containers(&lab, case.project).iter().filter(|(_, service)| service == case.service) {
            eventually(Duration::from_secs(20), "it is refused", || {
                let seen = explain(&lab, &serving, id);
                if seen["outcome"] == "refused" { Ok(()) } else { Err(seen.to_string()) }
            });
        }

        let ask = ["fix", case.project, "--engine", &lab.socket()];
        let (_, text) = leeward(&lab, &ask);
        let (status, fixed) = leeward(&lab, &[&ask[..], &["--write", &stacks, "--format", "json"]].concat());
        assert!(matches!(status, Some(0 | 4)), "{status:?} {text}");
        let fixed = json(&fixed);
        for project in ["leeward", case.project] {
            let lines = by_hand(&text, project);
            if project == case.project {
                assert!(!lines.is_empty(), "{text}");
                for line in lines {
                    lab.note(&format!("{project}: delete {line}"));
                    remove(&mut own, line);
                }
                fs::write(folder.join("docker-compose.yml"), own.to_string()).unwrap();
            } else {
                assert!(lines.is_empty(), "{text}");
            }
            let name = fixed["file_names"][project].as_str().unwrap();
            let file = self::folder(&lab, project).join(name);
            let ours = fs::read_to_string(&file).unwrap();
            let lines = ours.lines().filter(|line| !line.contains("!reset"));
            fs::write(&file, lines.map(|line| line.replace(" !override", "") + "\n").collect::<String>()).unwrap();
        }
        follow_all(&lab, compose, &fixed);

        lab.until_visit(case.host, 200, "from image");
        let serving = lab.pid(&lab.container("leeward", "leeward"));
        for (id, service) in containers(&lab, case.project) {
            let seen = explain(&lab, &serving, &id);
            assert_eq!(seen["outcome"], if service == case.service { "routed" } else { "ignored" }, "{seen}");
        }
        let (out, needs) = reaches(&lab, case);
        assert!(!out && needs.values().all(|it| *it), "{}: {out} {needs:?}", case.project);
    }
    // At the next `up` Traefik is recreated, with all its networks.
    follow(&lab, compose, &format!("cd {} && docker compose up -d", front.display()));
    for case in CASES.iter().filter(|case| BY_HAND.contains(&case.project)) {
        lab.until_visit(case.host, 200, "from image");
    }
}

/// An application on an internal network that somebody else makes.
fn on(network: &str, name: &str) -> String {
    format!(
        "services:\n  app:\n    image: nginx:alpine\n    networks: {{net: {{aliases: [{name}.internal]}}}}\n    labels:\n      \
         traefik.enable: 'true'\n      traefik.http.routers.{name}.rule: Host(`{name}.example.com`)\n      \
         traefik.http.services.{name}.loadbalancer.server.port: '80'\n    cap_drop: [NET_RAW]\nnetworks: {{net: {{name: \
         {network}, external: true}}}}\n"
    )
}

#[test]
fn hosts_are_bound_by_the_commands_that_are_printed() {
    const NAME: &str = "hosts_are_bound_by_the_commands_that_are_printed";
    let Some(means) = crate::means(NAME) else { return };
    let Some(compose) = of_generation(&means.composes, "2") else {
        return crate::left_out(NAME, &["compose-2: LEEWARD_COMPOSE names none".to_owned()]);
    };
    let lab = Lab::start(NAME, compose);
    images::make_all(&lab, &means.traefik);
    images::stub(&lab, "nginx", "80");
    lab.docker_ok(&["tag", "stub-nginx", "nginx:alpine"]);
    // A network that was made by hand, with a subnet and options of its own.
    lab.docker_ok(&[
        "network",
        "create",
        "--internal",
        "--subnet",
        "10.77.0.0/24",
        "-o",
        "com.docker.network.bridge.inhibit_ipv4=true",
        "net-hand",
    ]);
    let shipped = fs::read_to_string(root().join("compose/compose.yaml")).unwrap();
    let text = shipped
        .replace("../traefik", &root().join("traefik").display().to_string())
        .replace("      - net-proxy2\n", "      - net-proxy2\n      - net-hand\n")
        .replace("\nvolumes:\n  ", "\n  net-hand: {external: true}\n\nvolumes:\n  ")
        .replace("    labels:\n      leeward.hosts: \"app1.localhost,*.app1.localhost\"\n", "")
        .replace("    labels:\n      leeward.hosts: \"app2.localhost,*.app2.localhost\"\n", "");
    assert_eq!((text.matches("net-hand").count(), text.matches("leeward.hosts:").count()), (2, 0), "{text}");
    let front = lab.folder().join("stacks/leeward");
    fs::create_dir_all(&front).unwrap();
    fs::write(front.join("compose.yaml"), text).unwrap();
    follow(&lab, compose, &format!("cd {} && docker compose up -d", front.display()));
    for (network, name) in [("net-proxy", "one"), ("net-hand", "two")] {
        let folder = folder(&lab, name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("compose.yaml"), on(network, name)).unwrap();
        follow(&lab, compose, &format!("cd {} && docker compose up -d", folder.display()));
    }
    // One that belongs to no project, with a fixed address and a name of its own.
    let rule = "traefik.http.routers.lone.rule=Host(`lone.example.com`)";
    let port = "traefik.http.services.lone.loadbalancer.server.port=80";
    lab.docker_ok(&[
        "run",
        "-d",
        "--name",
        "lone",
        "--network",
        "net-hand",
        "--ip",
        "10.77.0.77",
        "--network-alias",
        "lone.internal",
        "--cap-drop",
        "NET_RAW",
        "--label",
        "traefik.enable=true",
        "--label",
        rule,
        "--label",
        port,
        "nginx:alpine",
    ]);
    let hosts = ["one.example.com", "two.example.com", "lone.example.com"];
    let all = || {
        for host in hosts {
            lab.until_visit(host, 200, "from image");
        }
    };
    all();

    let stacks = lab.folder().join("stacks").display().to_string();
    let ask = ["fix", "--bind-hosts", "--engine", &lab.socket(), "--write", &stacks, "--format", "json"];
    let (status, text) = leeward(&lab, &ask);
    assert_eq!(status, Some(0), "{text}");
    follow_all(&lab, compose, &json(&text));

    all();
    let label =
        |network: &str| lab.docker_ok(&["network", "inspect", "-f", "{{index .Labels \"leeward.hosts\"}}", network]);
    assert_eq!(label("net-proxy"), "one.example.com");
    assert_eq!(label("net-hand"), "lone.example.com,two.example.com");
    let kept =
        "{{(index .IPAM.Config 0).Subnet}} {{.Internal}} {{index .Options \"com.docker.network.bridge.inhibit_ipv4\"}}";
    assert_eq!(lab.docker_ok(&["network", "inspect", "-f", kept, "net-hand"]), "10.77.0.0/24 true true");
    let place = "{{(index .NetworkSettings.Networks \"net-hand\").IPAddress}}";
    assert_eq!(lab.docker_ok(&["inspect", "-f", place, "lone"]), "10.77.0.77");
    // Names that were given are there again.
    let two = lab.container("two", "app");
    for name in ["two.internal", "lone.internal"] {
        let said = lab.inside(&two, &["sh", "-c", &format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {name} 80")]);
        assert!(said.out.contains("from image"), "{name}: {said:?}");
    }
    // Everybody is judged as before, a second run has nothing to do, and whoever else claims a host is refused.
    let (status, again) = leeward(&lab, &ask);
    let again = json(&again);
    assert_eq!((status, &again["commands"]), (Some(0), &Value::Array(Vec::new())), "{again}");
    let stolen = "traefik.http.routers.thief.rule=Host(`one.example.com`)";
    lab.docker_ok(&[
        "run",
        "-d",
        "--name",
        "thief",
        "--network",
        "net-proxy2",
        "--cap-drop",
        "NET_RAW",
        "--label",
        "traefik.enable=true",
        "--label",
        stolen,
        "--label",
        "traefik.http.services.thief.loadbalancer.server.port=80",
        "nginx:alpine",
    ]);
    let serving = lab.pid(&lab.container("leeward", "leeward"));
    eventually(Duration::from_secs(20), "the thief is refused", || {
        let seen = explain(&lab, &serving, "thief");
        let why = (seen["outcome"].as_str(), seen["refusal"]["rule"].as_str());
        if why == (Some("refused"), Some("LBL-003")) { Ok(()) } else { Err(seen.to_string()) }
    });
    // At the next `up` everything is made from the files.
    follow(&lab, compose, &format!("cd {} && docker compose up -d", front.display()));
    all();
}
