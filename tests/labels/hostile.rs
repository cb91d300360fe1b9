//! Thousands of worlds in which a neighbour writes labels as nastily as it can.
//!
//! Whatever it writes: nothing panics, every Traefik takes the document, what Traefik then holds is what was meant, and
//! nothing of the victims changes. The worlds come from a number alone, so each can be made again.

use std::collections::BTreeMap;

use leeward::inventory::{Container, Image, Inventory};
use leeward::plan::{Outcome, Plan, compile};
use leeward::settings::{ImageLabels, Isolation, Names, Settings};
use leeward::traefik::labels;
use leeward::traefik::{Version, document};
use serde_json::{Map, Value};

use crate::dice::Dice;
use crate::recorded::{canonical, difference, with_defaults};
use crate::{inventory, proxy, reader};

const WORLDS: u64 = 5_000;

/// Names and pieces of text that have broken a parser somewhere.
fn nasty(dice: &mut Dice) -> String {
    const TEXTS: &[&str] = &[
        "",
        " ",
        "a",
        "web",
        "A",
        "null",
        "~",
        "true",
        "5",
        "0x10",
        "1e3",
        "<<",
        "a: b",
        "a #b",
        "- a",
        "*a",
        "&a",
        "!!str",
        "[0]",
        "[",
        "]",
        "a]",
        "a[",
        "a[0]",
        "[0][1]",
        "a[0]b",
        "{}",
        "{{ .Name }}",
        "%",
        "\"",
        "\\",
        "\\/",
        "'",
        "`",
        "║",
        "║24║x",
        "a║b",
        "a,b",
        " a , b ",
        ",",
        "@",
        "x@docker",
        "x@http",
        "x@file",
        "api@internal",
        "victim.web",
        "web@victim",
        "~victim.web",
        "..",
        ".",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\u{1}",
        "\u{7f}",
        "\u{80}",
        "\u{85}",
        "\u{9f}",
        "\u{a0}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{fffd}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{1f600}",
        "\u{10ffff}",
        "\u{202e}",
        "\u{17f}ervice",
        "\u{212a}",
        "é",
        "e\u{301}",
        "ß",
        "İ",
        "default",
        "traefik",
        "http",
        "__proto__",
        "constructor",
    ];
    match dice.below(60) {
        0 => "k".repeat(5_000),
        1 => "k".repeat(1_020 + dice.below(6)),
        2 => "\u{7f}".repeat(168 + dice.below(6)),
        3 => "\"".repeat(509 + dice.below(5)),
        4 => "é".repeat(1_021 + dice.below(4)),
        5 => format!("{}{}", dice.pick(TEXTS), dice.pick(TEXTS)),
        6 => (0..dice.below(6))
            .map(|_| char::from_u32(u32::try_from(dice.below(0x11_0000)).unwrap()).unwrap_or('x'))
            .collect(),
        _ => dice.pick(TEXTS).to_owned(),
    }
}

fn value(dice: &mut Dice, kind: &str) -> String {
    const TYPED: &[(&str, &[&str])] = &[
        ("bool", &["true", "false", "1", "T", "TRUE", "yes", ""]),
        ("int", &["0", "5", "-1", "+7", "9223372036854775807", "9223372036854775808", "1.5", ""]),
        ("duration-seconds-default", &["0", "10", "10s", "1h2m3.5s", "-5s", "9223372037", "1d", "", ".5ms"]),
        ("list<string>", &["a,b", "a", "", ",", " a , ║ ", "a,║", "10.0.0.0/8"]),
    ];
    if dice.one_in(3) {
        return nasty(dice);
    }
    match TYPED.iter().find(|(name, _)| *name == kind) {
        Some((_, values)) => dice.pick(values).to_owned(),
        None if kind.contains("struct") => dice.pick(&["true", "false", "", "x"]).to_owned(),
        None => {
            let rules = [
                "Host(`x.example`)",
                "Host(`",
                "HostSNI(`*`)",
                "PathPrefix(`/`) || Host(`victim.example`)",
                "web",
                "auth",
            ];
            dice.pick(&rules).to_owned()
        }
    }
}

/// A label that is nearly right, or not at all.
pub(crate) fn hostile(dice: &mut Dice) -> (String, String) {
    const PROVIDER: &[&str] = &[
        "traefik.enable",
        "traefik.enable]",
        "traefik.docker.network",
        "traefik.docker.foo",
        "traefik.docker.allownonrunning",
        "traefik.docker.lbswarm",
        "traefik.enablefoo",
        "Traefik.enable",
        "leeward.allow",
        "leeward.traefik",
        "leeward.proxy",
        "leeward.image-labels",
        "leeward.hosts",
        "traefik.http",
        "traefik",
        "traefik.",
        "traefik.tls.stores.default]",
    ];
    if dice.one_in(25) {
        let key = dice.pick(PROVIDER);
        // What the operator would say is not the neighbour's to say.
        let value = if key.starts_with("leeward.") { "x".to_owned() } else { value(dice, "bool") };
        return (key.to_owned(), value);
    }
    if dice.one_in(25) {
        return (format!("traefik.http.{}", nasty(dice)), nasty(dice));
    }
    if dice.one_in(8) {
        // What a plugin is told: any tree.
        let mut key = "traefik.http.middlewares.plug.plugin.p".to_owned();
        for _ in 0..=dice.below(4) {
            key.push_str(dice.pick(&[".a", ".b", ".A", "[0]", "[1]", "[10]", ".c[0]", ".a[1]", ".p"]));
            if dice.one_in(30) {
                key = format!("{key}.{}", nasty(dice));
            }
        }
        return (key, nasty(dice));
    }
    let rows: Vec<_> = reader::ROWS.iter().filter(|row| row.label.is_some()).collect();
    // What is read more often than what is dropped.
    let mut row = dice.pick(&rows);
    if row.label_access != "read" && !dice.one_in(6) {
        row = dice.pick(&rows);
    }
    let mut names: Vec<String> = row.label.as_deref().unwrap_or_default().split('.').map(ToOwned::to_owned).collect();
    let own = dice.pick(&["web", "web", "web", "web", "other", "auth", "Web"]).to_owned();
    for name in &mut names {
        *name =
            name.replace("<name>", &own).replace("<any>", "a").replace("[n]", dice.pick(&["[0]", "[1]", "[]", "[x]"]));
    }
    if names.get(1).is_some_and(|name| name == "tls") && names.len() > 3 {
        "default".clone_into(&mut names[3]);
    }
    match dice.below(30) {
        0 => {
            let at = dice.below(names.len());
            names[at] = nasty(dice);
        }
        1 => {
            let at = 1 + dice.below(names.len());
            names.insert(at, nasty(dice));
        }
        2 => drop(names.remove(dice.below(names.len()))),
        3 => {
            let at = dice.below(names.len());
            names[at] = names[at].to_uppercase();
        }
        4 if names.len() > 3 => names[3] = nasty(dice),
        _ => {}
    }
    (names.join("."), value(dice, &row.kind))
}

pub(crate) fn container(name: &str, owner: &str, address: u8, labels: &[(&str, &str)]) -> Container {
    let mut container = Container {
        id: name.into(),
        name: name.to_owned(),
        image: "web:1".into(),
        image_id: "sha256:web".into(),
        state: "running".into(),
        exposed_ports: ["80/tcp".to_owned()].into(),
        network_mode: "proxy".into(),
        ..Container::default()
    };
    let compose = [("com.docker.compose.project", owner), ("com.docker.compose.config-hash", name)];
    inventory::attach(&mut container, "proxy", Some([172, 30, 0, address].into()));
    for (key, value) in labels.iter().chain(&compose).chain(&[("traefik.enable", "true")]) {
        container.labels.insert((*key).to_owned(), (*value).to_owned());
    }
    container
}

/// A proxy network with Traefik, two victims of one project, and the neighbours.
pub(crate) fn world(neighbours: &[Container]) -> Inventory {
    let mut inventory = inventory::engine();
    inventory::network(&mut inventory, "proxy", true);
    inventory.images.insert("sha256:web".into(), Image::default());
    let victims = [
        container("traefik", "edge", 2, &[("leeward.traefik", "true")]),
        container(
            "victim-web",
            "victim",
            3,
            &[
                ("traefik.http.routers.web.rule", "Host(`victim.example`)"),
                ("traefik.http.routers.web.middlewares", "auth"),
                ("traefik.http.middlewares.auth.basicauth.users", "u:$2y$05$hash"),
                ("traefik.http.services.web.loadbalancer.server.port", "8080"),
            ],
        ),
        container(
            "victim-db",
            "victim",
            4,
            &[
                ("traefik.tcp.routers.web.rule", "HostSNI(`db.example`)"),
                ("traefik.tcp.services.web.loadbalancer.server.port", "5432"),
                ("traefik.udp.services.web.loadbalancer.server.port", "53"),
            ],
        ),
    ];
    for container in victims.iter().chain(neighbours) {
        inventory.put(container.clone());
    }
    inventory
}

fn neighbours(seed: u64) -> Vec<Container> {
    let mut dice = Dice(seed);
    (0..=u8::try_from(dice.below(2)).unwrap())
        .map(|number| {
            let name = format!("bad-{number}");
            let mut container = container(&name, &format!("bad{number}"), 10 + number, &[]);
            if dice.one_in(4) {
                container.labels.clear();
                container.labels.insert("traefik.enable".into(), "true".into());
            }
            // Few labels are often taken, many never.
            let labels: Vec<_> = (0..=dice.below(6)).map(|_| hostile(&mut dice)).collect();
            container.labels.extend(labels);
            // Whoever writes labels may allow what a label can allow.
            container.labels.insert("leeward.allow".into(), "LBL-005,LBL-009,LBL-011".into());
            container
        })
        .collect()
}

/// As a user runs it, and as Traefik's own provider.
pub(crate) fn settings(parity: bool, version: Version) -> Settings {
    let settings = Settings { traefik_version: Some(version), ..Settings::default() };
    if parity {
        Settings {
            isolation: Isolation::Off,
            names: Names::Traefik,
            image_labels: ImageLabels::Honor,
            exposed_by_default: true,
            ..settings
        }
    } else {
        settings
    }
}

pub(crate) fn written(plan: &Plan) -> String {
    document::write(&plan.documents[Plan::EVERYONE])
}

/// The parts of a document that are the victims'.
fn victims(document: &Value) -> Value {
    let mut parts = Map::new();
    for (protocol, kinds) in document.as_object().into_iter().flatten() {
        for (kind, entries) in kinds.as_object().into_iter().flatten() {
            for (name, entry) in
                entries.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("victim."))
            {
                parts.insert(format!("{protocol} {kind} {name}"), entry.clone());
            }
        }
    }
    Value::Object(parts)
}

#[test]
fn five_thousand_hostile_worlds_spoil_nothing() {
    let mut taken = 0;
    let alone: Vec<Value> = proxy::RELEASES
        .iter()
        .map(|release| {
            victims(
                &serde_json::from_str(&written(&compile(&world(&[]), &settings(false, release.parse().unwrap()))))
                    .unwrap(),
            )
        })
        .collect();
    assert!(alone.iter().all(|it| it.as_object().is_some_and(|it| it.len() == 6)), "{alone:?}");
    for seed in 0..WORLDS {
        let neighbours = neighbours(seed);
        let world = world(&neighbours);
        let at = usize::try_from(seed).unwrap() % proxy::RELEASES.len();
        let version = proxy::RELEASES[at].parse().unwrap();
        for parity in [false, true] {
            let plan = compile(&world, &settings(parity, version));
            let body = written(&plan);
            let labels = || neighbours.iter().map(|it| &it.labels).collect::<Vec<_>>();
            let held = reader::read(&body, version)
                .unwrap_or_else(|error| panic!("world {seed} for {version}: {error}\n{body}\n{:#?}", labels()));
            if version == reader::NEWEST {
                let (held, meant) = (canonical(&held), canonical(&with_defaults(&plan)));
                assert!(held == meant, "world {seed}:\n{}\n{:#?}", difference(&meant, &held, "").join("\n"), labels());
            }
            if !parity {
                let document: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(victims(&document), alone[at], "world {seed}: {:#?}", labels());
                taken += plan
                    .decisions
                    .values()
                    .filter(|it| it.name.starts_with("bad") && it.outcome == Outcome::Routed)
                    .count();
            }
        }
        for neighbour in &neighbours {
            // Nor do the other readers of labels stop at anything.
            labels::unmatched(&neighbour.labels);
            drop(labels::provider(&neighbour.labels, false, true));
        }
    }
    // The worlds are of use only if Traefik gets to see much of them.
    assert!(taken > 1_000, "{taken} of the neighbours are routed");
}

/// The order in which an engine lists a container's labels, and containers, says nothing.
#[test]
fn the_order_of_labels_and_containers_says_nothing() {
    for seed in 0..500 {
        let neighbours = neighbours(seed);
        let object = |labels: Vec<(&String, &String)>| {
            let members: Vec<String> = labels
                .iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), Value::from(value.as_str())))
                .collect();
            let text = format!(r#"{{"Id":"1","Config":{{"Labels":{{{}}}}}}}"#, members.join(","));
            leeward::source::facts::container(&serde_json::from_str(&text).unwrap()).unwrap()
        };
        for neighbour in &neighbours {
            let there = object(neighbour.labels.iter().collect());
            let back = object(neighbour.labels.iter().rev().collect());
            assert_eq!(there.labels, neighbour.labels);
            assert_eq!(labels::decode(&there.labels), labels::decode(&back.labels));
        }
        let reversed: Vec<Container> = neighbours.iter().rev().cloned().collect();
        let settings = settings(false, Version::NEWEST);
        assert_eq!(written(&compile(&world(&neighbours), &settings)), written(&compile(&world(&reversed), &settings)));
    }
}

/// What the model promises the real ones keep: no document of a hostile world is refused, and each holds what the model
/// says. Every release reads every world, by turns as a user runs Leeward and as Traefik's own provider: 35,000 documents
/// in a minute and a half.
#[test]
fn the_real_traefiks_take_every_hostile_world() {
    let releases = proxy::releases("the real Traefiks take every hostile world");
    std::thread::scope(|scope| {
        for (version, binary) in &releases {
            scope.spawn(move || {
                let traefik = proxy::Proxy::start(binary);
                let mut last = String::new();
                let mut read = 0;
                for seed in 0..WORLDS {
                    let parity = seed.is_multiple_of(2);
                    let body = written(&compile(&world(&neighbours(seed)), &settings(parity, *version)));
                    if body == last {
                        continue;
                    }
                    let taken =
                        traefik.read(&body).unwrap_or_else(|error| panic!("{version}, world {seed}: {error}\n{body}"));
                    if *version == reader::NEWEST {
                        let model = canonical(&reader::read(&body, *version).unwrap());
                        let taken = canonical(&taken);
                        assert!(model == taken, "world {seed}:\n{}\n{body}", difference(&taken, &model, "").join("\n"));
                    }
                    last = body;
                    read += 1;
                }
                // Worlds that come to the same are few.
                assert!(read > WORLDS / 2, "{version} read {read} documents");
            });
        }
    });
}

/// One label of each kind that documents cannot hold, and its like that they can.
#[test]
fn what_cannot_be_carried_is_refused_and_what_can_arrives() {
    let long = "k".repeat(1_022);
    let cases: &[(&str, &str, bool)] = &[
        (&format!("traefik.http.middlewares.{}.addprefix.prefix", "k".repeat(5_000)), "/", false),
        ("traefik.http.middlewares.<<.addprefix.prefix", "/", true),
        ("traefik.http.middlewares.a║b.addprefix.prefix", "║", true),
        ("traefik.http.middlewares.a..addprefix.prefix", "/", false),
        ("traefik.http.middlewares.a\u{2028}b.addprefix.prefix", "\u{85}\u{7f}\u{feff}\u{ffff}\0", true),
        ("traefik.http.middlewares.a.chain.middlewares", "a║b", false),
        ("traefik.http.middlewares.a.plugin.p.k", "a║b", true),
        ("traefik.http.middlewares.a.plugin.p.k", "║b", false),
        (&format!("traefik.http.middlewares.a.headers.customrequestheaders.{long}"), "x", true),
        (&format!("traefik.http.middlewares.a.headers.customrequestheaders.{long}k"), "x", false),
        (&format!("traefik.http.middlewares.a.plugin.p.{long}k"), "x", false),
        (&format!("traefik.http.middlewares.a.errors.statusrewrites.{long}k"), "1", false),
    ];
    for (label, value, carried) in cases {
        let mut bad = container("bad", "bad", 9, &[]);
        bad.labels = BTreeMap::from([((*label).to_owned(), (*value).to_owned())]);
        let plan = compile(&world(&[bad]), &settings(true, Version::NEWEST));
        let decision = plan.decisions.values().find(|it| it.name == "bad").unwrap();
        let what: String = label.chars().take(80).collect();
        assert_eq!(decision.outcome == Outcome::Routed, *carried, "{what}: {:?}", decision.refusal);
        let held = canonical(&reader::read(&written(&plan), Version::NEWEST).unwrap());
        assert_eq!(held, canonical(&with_defaults(&plan)), "{what}");
        let Some(refusal) = &decision.refusal else { continue };
        assert!(!refusal.remedy.is_empty() && refusal.label.is_some(), "{what}: {refusal:?}");
    }
}
