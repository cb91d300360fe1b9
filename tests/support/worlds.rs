//! Worlds in which a neighbour writes labels as nastily as it can, each made from a number alone.

use leeward::inventory::{Container, Image, Inventory};
use leeward::plan::Plan;
use leeward::settings::{ImageLabels, Isolation, Names, Settings};
use leeward::traefik::{Version, document};

use crate::dice::Dice;
use crate::{inventory, reader};

/// So many of them are tried.
pub(crate) const WORLDS: u64 = 5_000;

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

/// The neighbours of one world.
pub(crate) fn neighbours(seed: u64) -> Vec<Container> {
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
