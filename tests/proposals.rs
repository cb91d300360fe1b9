//! What `explain` prints, pasted as it is printed: the files merged over their projects, and judged again.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "support/merged.rs"]
mod merged;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use leeward::inventory::{ContainerId, Inventory};
use leeward::plan::{Outcome, compile};
use leeward::report::explain;
use leeward::report::proposal::{Kind, propose};
use leeward::settings::Settings;
use leeward::source::compose;
use merged::{merge, read};
use serde_json::Value;

/// The ways as they are printed: for each, its title and its files by project.
fn printed(text: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut ways: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut known: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("Remedy")).skip(1).peekable();
    while let Some(line) = lines.next() {
        if !line.is_empty() && !line.starts_with(' ') {
            break;
        }
        if let Some((number, title)) =
            line.trim_start().split_once(". ").filter(|_| line.starts_with("  ") && !line.starts_with("   "))
        {
            assert_eq!(number, (ways.len() + 1).to_string());
            ways.push((title.to_owned(), BTreeMap::new()));
        }
        let Some((_, rest)) = line.split_once(" of project ") else { continue };
        if let Some((project, number)) = rest.split_once(": that of ") {
            let text = known[&(number.to_owned(), project.to_owned())].clone();
            ways.last_mut().unwrap().1.insert(project.to_owned(), text);
            continue;
        }
        let Some(project) = rest.strip_suffix(", a whole file beside its own:") else { continue };
        assert_eq!(lines.next(), Some(""));
        // With its indentation, as it stands on the screen.
        let mut file = String::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("         ")) {
            file.extend([line, "\n"]);
        }
        known.insert((ways.len().to_string(), project.to_owned()), file.clone());
        ways.last_mut().unwrap().1.insert(project.to_owned(), file);
    }
    ways
}

/// Compose files by their projects' names.
type Texts = BTreeMap<String, String>;

fn deployed(texts: &Texts, files: &BTreeMap<String, String>) -> Inventory {
    let projects: Vec<_> = texts
        .iter()
        .map(|(name, text)| {
            let mut merged: Value = serde_saphyr::from_str(text).unwrap();
            if let Some(file) = files.get(name) {
                merge(&mut merged, &read(file));
            }
            compose::read(&merged.to_string(), name).unwrap_or_else(|problem| panic!("{name} {problem}: {merged}"))
        })
        .collect();
    compose::deploy(&projects, Inventory::default())
}

/// Pastes each way that is said to route a refused container, and looks whether it does. How many were pasted.
fn check(stack: &str, texts: &Texts) -> usize {
    let settings = Settings::default();
    let inventory = deployed(texts, &BTreeMap::new());
    let plan = compile(&inventory, &settings);
    let mut pasted = 0;
    let refused: Vec<&ContainerId> =
        plan.decisions.iter().filter(|(_, it)| it.outcome == Outcome::Refused).map(|(id, _)| id).collect();
    for id in refused {
        let name = &plan.decisions[id].name;
        let mut answer = explain::find(&plan, name);
        answer.propose(&inventory, &settings, &plan);
        let text = answer.text();
        let ways = printed(&text);
        let proposal =
            propose(&inventory, &settings, &plan, id).unwrap_or_else(|| panic!("{stack}: nothing for {name}"));
        assert_eq!(ways.len(), proposal.ways.len(), "{text}");
        assert_eq!(proposal.ways.last().map(|it| it.kind), Some(Kind::Leave), "{stack} {name}");
        for ((title, files), way) in ways.iter().zip(&proposal.ways) {
            assert_eq!(*title, way.title, "{text}");
            if !way.routed && way.kind != Kind::Change {
                assert!(files.is_empty(), "{stack} {name}: {text}");
                continue;
            }
            let after = deployed(texts, files);
            let later = compile(&after, &settings);
            let decision = &later.decisions[id];
            assert_eq!(
                decision.outcome == Outcome::Routed,
                way.routed,
                "{stack} {name} {:?}: {text}\n{decision:#?}",
                way.kind
            );
            // Who was routed, and who asks for nothing, is as before.
            for (other, before) in &plan.decisions {
                let now = &later.decisions[other];
                assert!(
                    before.outcome != Outcome::Routed || now.outcome == Outcome::Routed,
                    "{stack}: {} is lost",
                    now.name
                );
            }
            let allowed = after.containers[id].labels.get("leeward.allow");
            // Of a network that was not given nobody knows.
            let on = after.containers[id].attachments.keys().filter_map(|name| after.network_named(name));
            let is_known = !on.into_iter().any(|network| network.assumed && !network.name.starts_with("net-"));
            assert_eq!(way.isolated, way.routed && allowed.is_none() && is_known, "{stack} {name} {title}");
            pasted += 1;
        }
    }
    pasted
}

fn front(folder: &Path) -> (String, String) {
    ("front".to_owned(), fs::read_to_string(folder.join("front/front.yaml")).unwrap())
}

fn text_of(name: &str, text: String) -> (String, String) {
    let named = compose::read(&text, name).unwrap().name;
    (named, text)
}

/// What `explain` prints of `app-web-1`, on a network with a declared Traefik, with one more label.
fn explained(label: &str, is_alone: bool) -> String {
    let front = "services: {traefik: {image: 'traefik:v3.7.15', labels: [leeward.traefik=true], networks: [p]}}\n\
                 networks: {p: {name: p, internal: true}}";
    let app = format!(
        "services: {{web: {{image: x, labels: [traefik.enable=true, '{label}'], networks: [back, p]}}}}\n\
         networks: {{back: {{internal: true}}, p: {{name: p, external: true}}}}"
    );
    let texts = [("front", front.to_owned()), ("app", app)].map(|(name, text)| (name.to_owned(), text)).into();
    let (mut inventory, settings) = (deployed(&texts, &BTreeMap::new()), Settings::default());
    let id = inventory.containers.values().find(|it| it.name == "app-web-1").unwrap().id.clone();
    if is_alone {
        let container = inventory.container_mut(id.as_str()).unwrap();
        container.labels.retain(|key, _| !key.starts_with("com.docker.compose."));
    }
    let plan = compile(&inventory, &settings);
    let mut answer = explain::find(&plan, "app-web-1");
    answer.propose(&inventory, &settings, &plan);
    answer.text()
}

#[test]
fn who_is_routed_is_told_a_command_that_prints_files() {
    let text = explained("traefik.http.routers.a.rule=Host(`a.example.com`)", false);
    assert!(text.contains("app-web-1 (owner app) is routed"), "{text}");
    // Plain `fix` has nothing to do for it.
    assert!(text.contains("for an older one: leeward fix app-web-1 --isolation-of app=strict\n"), "{text}");
    assert!(text.contains("NET-012, NET-013 no longer warn of it\n"), "{text}");
}

#[test]
fn a_misspelt_network_is_corrected_and_nothing_else_is_offered() {
    let text = explained("traefik.docker.network=typo", true);
    assert!(text.contains("label traefik.docker.network=p\n"), "{text}");
    assert!(text.contains("needs a new container: ") && !text.contains("the lines above"), "{text}");
    // There is no rule to allow.
    assert!(!text.contains("leeward.allow: ;") && !text.contains("leeward.allow="), "{text}");
}

#[test]
fn what_is_printed_for_every_stack_works_when_it_is_pasted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stacks");
    let mut pasted = 0;
    let mut entries: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_yaml = |path: &Path| path.extension().is_some_and(|it| it == "yaml");
        let files: Vec<_> = if path.is_dir() {
            let mut all: Vec<_> =
                fs::read_dir(&path).unwrap().map(|it| it.unwrap().path()).filter(|it| is_yaml(it)).collect();
            all.sort();
            all
        } else {
            Some(path.clone()).filter(|it| is_yaml(it)).into_iter().collect()
        };
        if files.is_empty() || name == "front" {
            continue;
        }
        let mut texts: Texts = files.iter().map(|it| text_of("unnamed", fs::read_to_string(it).unwrap())).collect();
        if !texts.values().any(|text| text.contains("leeward.traefik")) {
            texts.extend([front(&folder)]);
        }
        pasted += check(&name, &texts);
    }
    assert!(pasted >= 40, "{pasted}");
}

/// Ten projects in ten hands' writing.
const TEN: [(&str, &str); 10] = [
    // Labels as a list, a database with a port on loopback, a label for the old network.
    (
        "bookstack",
        "name: bookstack\nservices:\n  app:\n    image: bookstack\n    depends_on: [db]\n    ports:\n      - \"6875:80\"\n    \
         labels:\n      - traefik.enable=true\n      - traefik.http.routers.books.rule=Host(`books.example.com`)\n      - \
         traefik.docker.network=proxy\n    networks:\n      - proxy\n      - default\n  db:\n    image: mariadb\n    ports:\n      \
         - 127.0.0.1:3306:3306\nnetworks:\n  proxy:\n    external: true\n",
    ),
    // A key of its own for Traefik's network, a fixed address, an alias.
    (
        "unifi",
        "name: unifi\nservices:\n  controller:\n    image: unifi\n    expose: ['8443']\n    networks:\n      web:\n      lan:\n        \
         ipv4_address: 172.28.5.10\n        aliases: [unifi.internal]\n    labels:\n      traefik.enable: 'true'\n      \
         traefik.http.routers.unifi.rule: Host(`unifi.example.com`)\n      \
         traefik.http.services.unifi.loadbalancer.server.port: '8443'\n      \
         traefik.http.services.unifi.loadbalancer.server.scheme: https\n  mongo:\n    image: mongo\n    networks: {lan: {ipv4_address: \
         172.28.5.11}}\nnetworks:\n  web:\n    name: proxy\n    external: true\n  lan:\n    ipam:\n      config:\n        - subnet: \
         172.28.5.0/24\n",
    ),
    // A catch-all, and no port known.
    (
        "landing",
        "name: landing\nservices:\n  web:\n    image: landing\n    labels: {traefik.enable: 'true', traefik.http.routers.all.rule: \
         'PathPrefix(`/`)'}\n",
    ),
    // The host's network, and a device.
    (
        "zigbee",
        "name: zigbee\nservices:\n  z2m:\n    image: zigbee2mqtt\n    network_mode: host\n    devices: ['/dev/ttyUSB0:/dev/ttyUSB0']\n    \
         labels: {traefik.enable: 'true', traefik.http.routers.z.rule: 'Host(`z.example.com`)', \
         traefik.http.services.z.loadbalancer.server.port: '8080'}\n",
    ),
    // A VPN, two riders, one of which asks.
    (
        "arr",
        "name: arr\nservices:\n  vpn:\n    image: gluetun\n    cap_add: [NET_ADMIN]\n    devices: [/dev/net/tun]\n    ports: ['9696:9696']\n  \
         prowlarr:\n    image: prowlarr\n    network_mode: service:vpn\n    labels: {traefik.enable: 'true', \
         traefik.http.routers.p.rule: 'Host(`p.example.com`)', traefik.http.services.p.loadbalancer.server.port: '9696'}\n  sab:\n    \
         image: sabnzbd\n    network_mode: service:vpn\n",
    ),
    // The socket, privileged, the host's processes, two more capabilities: four reasons at once.
    (
        "agent",
        "name: agent\nservices:\n  agent:\n    image: agent\n    privileged: true\n    pid: host\n    cap_add: [SYS_ADMIN, NET_ADMIN]\n    \
         security_opt: [apparmor=unconfined]\n    volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']\n    labels: \
         {traefik.enable: 'true', traefik.http.routers.agent.rule: 'Host(`agent.example.com`)', \
         traefik.http.services.agent.loadbalancer.server.port: '9001'}\n",
    ),
    // DNS beside a page; labels with a middleware.
    (
        "adguard",
        "name: adguard\nservices:\n  adguard:\n    image: adguard\n    ports: ['53:53/udp', '53:53/tcp', '3000:3000']\n    extra_hosts: \
         ['host.docker.internal:host-gateway']\n    labels:\n      traefik.enable: 'true'\n      traefik.http.routers.dns.rule: \
         Host(`dns.example.com`)\n      traefik.http.routers.dns.middlewares: safe\n      \
         traefik.http.middlewares.safe.headers.framedeny: 'true'\n      traefik.http.services.dns.loadbalancer.server.port: '3000'\n",
    ),
    // Anchors, three services on three networks, a worker that needs the Internet.
    (
        "sentry",
        "name: sentry\nx-app: &app\n  image: sentry\n  restart: always\n  networks: [back, default]\nservices:\n  web:\n    <<: *app\n    \
         labels: {traefik.enable: 'true', traefik.http.routers.s.rule: 'Host(`s.example.com`)', \
         traefik.http.services.s.loadbalancer.server.port: '9000'}\n  worker:\n    <<: *app\n  redis:\n    image: redis\n    networks: \
         [back]\nnetworks:\n  back:\n    internal: true\n",
    ),
    // A macvlan, and a bridge with a name of its own and IPv6.
    (
        "scanner",
        "name: scanner\nservices:\n  scan:\n    image: scanner\n    networks: [lan, named]\n    labels: {traefik.enable: 'true', \
         traefik.http.routers.scan.rule: 'Host(`scan.example.com`)', traefik.http.services.scan.loadbalancer.server.port: \
         '80'}\nnetworks:\n  lan:\n    driver: macvlan\n    driver_opts: {parent: eth0}\n  named:\n    enable_ipv6: true\n    driver_opts: \
         {com.docker.network.bridge.name: br-scan}\n    ipam: {config: [{subnet: 172.29.9.0/24}, {subnet: 'fd00:9::/64'}]}\n",
    ),
    // Two replicas' worth of services with one router each; one mistyped label; a plugin.
    (
        "shop",
        "name: shop\nservices:\n  api:\n    image: api\n    labels: {traefik.enable: 'true', traefik.http.routers.api.ruel: \
         'Host(`api.example.com`)', traefik.http.services.api.loadbalancer.server.port: '80'}\n  front:\n    image: front\n    labels: \
         {traefik.enable: 'true', traefik.http.routers.front.rule: 'Host(`shop.example.com`)', \
         traefik.http.middlewares.bot.plugin.crowdsec.enabled: 'true', traefik.http.routers.front.middlewares: bot, \
         traefik.http.services.front.loadbalancer.server.port: '80'}\n  db:\n    image: postgres\n    ports: ['5432:5432']\n",
    ),
];

#[test]
fn what_is_printed_for_ten_others_works_when_it_is_pasted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stacks");
    let mut pasted = BTreeMap::new();
    for (name, text) in TEN {
        let texts: Texts = [text_of(name, text.to_owned()), front(&folder)].into();
        pasted.insert(name, check(name, &texts));
    }
    // Where nothing is proven there is nothing to paste.
    assert!(pasted.iter().filter(|(_, pasted)| **pasted > 0).count() >= 9, "{pasted:?}");
}

#[test]
fn who_is_on_the_hosts_network_is_told_the_choices() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stacks");
    let texts: Texts = [text_of("zigbee", TEN[3].1.to_owned()), front(&folder)].into();
    let inventory = deployed(&texts, &BTreeMap::new());
    let (settings, plan) = (Settings::default(), compile(&inventory, &Settings::default()));
    let id = plan.decisions.iter().find(|(_, it)| it.name.contains("z2m")).map(|(id, _)| id).unwrap();
    let kinds: Vec<Kind> = propose(&inventory, &settings, &plan, id).unwrap().ways.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [Kind::FileProvider, Kind::Leave]);
}

/// A host that is hostile: thousands of containers, all of which ask and are refused.
#[test]
fn one_of_thousands_is_planned_for_alone() {
    let mut inventory = Inventory::default();
    let text = "name: one\nservices: {app: {image: x, labels: {traefik.enable: 'true', traefik.http.routers.a.rule: 'Host(`a.b`)'}}}";
    let one = compose::deploy(&[compose::read(text, "one").unwrap()], Inventory::default());
    inventory.networks = one.networks.clone();
    inventory.images = one.images.clone();
    let model = one.containers.values().next().unwrap();
    for number in 0..2_000 {
        let mut container = (**model).clone();
        container.id = format!("{number:064}").as_str().into();
        container.name = format!("c{number}");
        container.labels.insert("com.docker.compose.project".into(), format!("p{number}"));
        inventory.put(container);
    }
    let settings = Settings::default();
    let plan = compile(&inventory, &settings);
    let id: ContainerId = format!("{:064}", 7).as_str().into();
    let proposal = propose(&inventory, &settings, &plan, &id).unwrap();
    // Traefik is not known here, so its part is told in words.
    assert!(proposal.ways.iter().flat_map(|it| &it.files).all(|it| it.project == "p7"), "{proposal:?}");
    assert!(proposal.text().len() < 20_000);
}
