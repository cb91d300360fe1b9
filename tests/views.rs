//! Every view of every plan ends, is bounded, and shows nothing that a terminal obeys or that cannot be seen: whatever
//! names, rules, sizes and circles containers bring along.

#![expect(clippy::panic, reason = "a test that cannot go on fails")]

use std::time::{Duration, Instant};

use leeward::inventory::{Attachment, Container, Inventory, Network};
use leeward::plan::{Plan, compile};
use leeward::report::audit::Audit;
use leeward::report::explain;
use leeward::report::page::{self, Facts, Filter};
use leeward::report::routes::Listing;
use leeward::report::topology::Topology;
use leeward::settings::{Isolation, Settings};
use proptest::prelude::*;
use proptest::sample::select;

/// What nobody should meet in a name: terminal sequences, marks of direction, ends of lines, markup, quotes.
const HOSTILE: &[&str] = &[
    "\u{1b}[2J",
    "\u{9b}31m",
    "\u{202e}",
    "\u{2066}\u{2069}",
    "\u{200e}\u{61c}",
    "\u{2028}",
    "\u{200b}",
    "\u{7f}",
    "\r\n",
    "\0",
    "`",
    "\"",
    "</td><script>",
    "日本",
    "e\u{301}",
    "{}",
    "a",
    ".",
    "~",
    "\\u{1b}",
];

fn text() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(select(HOSTILE), 1..4).prop_map(|pieces| pieces.concat());
    let long = (select(HOSTILE), 20_000_usize..40_000).prop_map(|(piece, times)| piece.repeat(times));
    prop_oneof![20 => "[a-c]{1,3}", 20 => pieces, 1 => long]
}

/// A name of a middleware; few, so that they meet in circles.
fn middleware() -> impl Strategy<Value = String> {
    prop_oneof![9 => "m[0-3]", 1 => text()]
}

fn label() -> impl Strategy<Value = (String, String)> {
    let router = |field: &'static str| text().prop_map(move |name| format!("traefik.http.routers.{name}.{field}"));
    prop_oneof![
        4 => (router("rule"), text()).prop_map(|(key, host)| (key, format!("Host(`{host}`)"))),
        1 => (router("rule"), text()),
        2 => (router("middlewares"), middleware()),
        1 => (router("service"), text()),
        1 => (router("entrypoints"), text()),
        2 => ("m[0-3]", prop::collection::vec(middleware(), 1..40))
            .prop_map(|(name, links)| (format!("traefik.http.middlewares.{name}.chain.middlewares"), links.join(","))),
        1 => (middleware(), text()).prop_map(|(name, to)| (format!("traefik.http.middlewares.{name}.errors.service"), to)),
        1 => text().prop_map(|name| (format!("traefik.tcp.routers.{name}.rule"), "HostSNI(`*`)".to_owned())),
        1 => text().prop_map(|text| ("leeward.allow".to_owned(), text)),
        1 => text().prop_map(|text| ("com.docker.compose.service".to_owned(), text)),
        1 => (text(), text()).prop_map(|(key, value)| (format!("traefik.{key}"), value)),
        1 => (text(), text()).prop_map(|(key, value)| (format!("leeward.{key}"), value)),
    ]
}

prop_compose! {
    fn container()(
        name in text(),
        project in text(),
        labels in prop::collection::vec(label(), 0..8),
        networks in prop::collection::vec(select(&["net-a", "net-b", "net-open"][..]), 0..3),
        privileged in proptest::bool::weighted(0.1),
        state in prop_oneof![9 => Just("running".to_owned()), 1 => text()],
    ) -> Container {
        let mut container = Container {
            id: format!("id of {name}").into(),
            name,
            image: "web:1".into(),
            image_id: "sha256:web".into(),
            state,
            exposed_ports: ["80/tcp".to_owned()].into(),
            network_mode: "net-a".into(),
            labels: labels.into_iter().collect(),
            ..Container::default()
        };
        container.confinement.privileged = privileged;
        container.labels.insert("traefik.enable".into(), "true".into());
        container.labels.insert("com.docker.compose.project".into(), project);
        container.labels.insert("com.docker.compose.config-hash".into(), "hash".into());
        for network in networks {
            let (network_id, ipv4) = (network.into(), "172.30.0.9".parse().ok());
            let attachment = Attachment { network: network.into(), network_id, ipv4, ..Attachment::default() };
            container.attachments.insert(network.into(), attachment.into());
        }
        container
    }
}

fn inventory(containers: Vec<Container>, shown: &str) -> Inventory {
    let mut inventory = Inventory::default();
    for (id, internal) in [("net-a", true), ("net-b", true), ("net-open", false)] {
        let name = if internal { format!("{id}{shown}") } else { id.to_owned() };
        let network = Network { id: id.into(), name, driver: "bridge".into(), internal, ..Network::default() };
        inventory.networks.insert(network.id.clone(), network);
    }
    let labels = [("leeward.traefik".to_owned(), "true".to_owned())].into();
    let name = format!("traefik{shown}");
    let mut traefik = Container { id: "traefik".into(), name, state: "running".into(), labels, ..Container::default() };
    let attachment = Attachment { network: "net-a".into(), network_id: "net-a".into(), ..Attachment::default() };
    traefik.attachments.insert("net-a".into(), attachment.into());
    inventory.put(traefik);
    for container in containers {
        inventory.put(container);
    }
    inventory
}

/// Views, each with its name.
type Views = Vec<(String, String)>;

/// Every view: those for people, and those for programs.
fn views(inventory: &Inventory, plan: &Plan) -> (Views, Views) {
    let (mut people, mut programs) = (Vec::new(), Vec::new());
    let stale = "gone\u{1b}[2J\u{202e}";
    for (all, stale) in [(true, Some(stale)), (false, None)] {
        let listing = Listing::new(plan, stale, all);
        people.push((format!("routes {all}"), listing.text()));
        programs.push((format!("routes {all}"), listing.json()));
    }
    let audit = Audit::of(plan);
    people.push(("audit".to_owned(), audit.text()));
    programs.push(("audit".to_owned(), audit.json()));
    programs.push(("sarif".to_owned(), audit.sarif()));
    let hosts = plan.decided().flat_map(|it| &it.hosts).map(String::as_str);
    let names = plan.decided().flat_map(|it| [it.name.as_str(), it.id.as_str()]);
    for name in names.chain(hosts).chain(["a.b", "id o", "\u{1b}[2J", ""]) {
        let answer = explain::find(plan, name);
        people.push(("explain".to_owned(), answer.text()));
        programs.push(("explain".to_owned(), answer.json()));
    }
    let settings = Settings::default();
    let topology = Topology::of(inventory, &settings, plan);
    people.push(("topology".to_owned(), topology.mermaid()));
    programs.push(("topology".to_owned(), topology.json()));
    let facts = Facts { inventory, settings: &settings, plan, revision: 1, stale: Some(stale), signed_in: true };
    for view in ["picture", "matrix"] {
        let filter = Filter::read([("view", view)]).unwrap_or_default();
        people.push(("page".to_owned(), page::front(&facts, &filter).html));
    }
    for name in plan.decided().map(|it| it.name.as_str()).chain(["\u{1b}[2J", ""]) {
        people.push(("page".to_owned(), page::container(&facts, name).html));
        people.push(("page".to_owned(), page::host(&facts, name).html));
        people.push(("page".to_owned(), page::nothing("x", name)));
    }
    for network in inventory.networks.values() {
        people.push(("page".to_owned(), page::network(&facts, &network.name).html));
    }
    (people, programs)
}

/// Terminals obey it, or nobody sees it.
fn is_hidden(character: char) -> bool {
    let marks = [
        '\u{61c}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}',
        '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    ];
    character != '\n' && (character.is_control() || marks.contains(&character))
}

fn check(inventory: &Inventory, plan: &Plan) {
    let (people, programs) = views(inventory, plan);
    for (view, text) in people.iter().chain(&programs) {
        let hidden = text.char_indices().find(|(_, it)| is_hidden(*it));
        if let Some((at, hidden)) = hidden {
            let around: String = text.split_at(at).0.chars().rev().take(80).collect::<Vec<_>>().iter().rev().collect();
            panic!("{view} shows {hidden:?} after {around:?}");
        }
    }
    for (view, text) in &people {
        // The page has its tables on one line.
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        assert!(view == "page" || longest < 50_000, "a line of {view} has {longest} characters");
    }
    for (view, text) in &programs {
        assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{view} is no JSON: {text:.200}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_name_rule_or_circle_breaks_a_view_or_shows_through_it(
        containers in prop::collection::vec(container(), 1..5),
        isolation in select(&[Isolation::Enforce, Isolation::Strict, Isolation::Warn, Isolation::Off][..]),
        shown in prop_oneof![Just(String::new()), text()],
    ) {
        let inventory = inventory(containers, &shown);
        check(&inventory, &compile(&inventory, &Settings { isolation, ..Settings::default() }));
    }
}

/// One container of this name that everything but its labels speaks for.
fn careful(name: &str, labels: &[(&str, &str)]) -> Container {
    let mut container = Container {
        id: name.into(),
        name: name.to_owned(),
        state: "running".into(),
        exposed_ports: ["80/tcp".to_owned()].into(),
        network_mode: "net-a".into(),
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Container::default()
    };
    container.labels.insert("traefik.enable".into(), "true".into());
    let (network_id, ipv4) = ("net-a".into(), "172.30.0.9".parse().ok());
    let attachment = Attachment { network: "net-a".into(), network_id, ipv4, ..Attachment::default() };
    container.attachments.insert("net-a".into(), attachment.into());
    container
}

/// The plan of such containers, with everything routed that may be.
fn plan_of(containers: Vec<Container>) -> (Inventory, Plan) {
    let inventory = inventory(containers, "");
    let plan = compile(&inventory, &Settings { isolation: Isolation::Warn, ..Settings::default() });
    (inventory, plan)
}

#[test]
fn a_rule_of_ten_megabytes_takes_a_table_no_more_room_than_a_short_one() {
    let rule = format!("Host(`{}`)", "a".repeat(10_000_000));
    let (inventory, plan) = plan_of(vec![careful("web", &[("traefik.http.routers.web.rule", &rule)])]);
    for (view, text) in views(&inventory, &plan).0 {
        assert!(text.len() < 100_000, "{view} takes {} bytes", text.len());
    }
}

#[test]
fn three_thousand_refusals_and_findings_are_not_compared_with_each_other() {
    let containers = (0..3_000).map(|number| {
        let mut container = careful(&format!("web-{number}"), &[("traefik.http.routers.x.rule", "PathPrefix(`/`)")]);
        container.confinement.privileged = true;
        container.labels.insert("traefik.http.routers.x.service".into(), "api@internal".into());
        container
    });
    let inventory = inventory(containers.collect(), "");
    let plan = compile(&inventory, &Settings::default());
    let begun = Instant::now();
    let listing = Listing::new(&plan, None, true);
    assert!(listing.text().len() > 3_000 && listing.json().len() > 3_000 && Audit::of(&plan).text().len() > 3_000);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
