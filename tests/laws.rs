//! Laws that hold whatever anybody writes: no owner touches what another published, and what an image brings along
//! only ever takes a route away.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};

use leeward::budgets::Budgets;
use leeward::inventory::{Binding, Container, ContainerId, Image, Inventory, Mount, Swarm, Unreadable};
use leeward::plan::{Memory, Outcome, Plan, Protocol, compile, compile_next};
use leeward::settings::{Isolation, Settings};
use leeward::traefik::rules::router;
use leeward::traefik::rules::template::DefaultRule;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

#[path = "support/inventory.rs"]
mod pieces;
#[path = "support/redaction.rs"]
mod redaction;

use pieces::{attach, engine, network};

/// Labels that meet, overlap and contradict each other, in and between owners.
const LABELS: &[(&str, &str)] = &[
    ("traefik.http.routers.web.rule", "Host(`one.example`)"),
    ("traefik.http.routers.web.rule", "Host(`two.example`) && PathPrefix(`/x`)"),
    ("traefik.http.routers.web.rule", "PathPrefix(`/`)"),
    ("traefik.http.routers.web.priority", "1000"),
    ("traefik.http.routers.web.middlewares", "auth"),
    ("traefik.http.routers.web.middlewares", "shared"),
    ("traefik.http.routers.web.tls", "true"),
    ("traefik.http.middlewares.auth.basicauth.users", "u:$2y$05$hash"),
    ("traefik.http.middlewares.auth.headers.framedeny", "true"),
    ("traefik.http.middlewares.own.chain.middlewares", "auth"),
    ("traefik.http.middlewares.shared.headers.framedeny", "false"),
    ("traefik.http.models.web.middlewares", "shared"),
    ("traefik.http.services.web.loadbalancer.server.port", "80"),
    ("traefik.http.services.web.loadbalancer.server.port", "8080"),
    ("traefik.http.services.web.loadbalancer.sticky.cookie.name", "c"),
    ("traefik.tcp.routers.web.rule", "HostSNI(`*`)"),
    ("traefik.tcp.services.web.loadbalancer.server.port", "80"),
    ("traefik.udp.services.web.loadbalancer.server.port", "53"),
];

/// Labels that get a container refused, or change what is judged.
const ODD_LABELS: &[(&str, &str)] = &[
    ("traefik.http.routers.web.service", "api@internal"),
    ("traefik.http.routers.web.middlewares", "auth@docker,own"),
    ("traefik.http.routers.web.entrypoints", "traefik"),
    ("traefik.http.routers.a.web.rule", "Host(`one.example`)"),
    ("traefik.http.routers.web@docker.rule", "Host(`one.example`)"),
    ("traefik.http.services.web.loadbalancer.server.url", "http://evil.example"),
    ("traefik.tls.stores.default.defaultgeneratedcert.resolver", "le"),
    ("traefik.docker.network", "net-b"),
    ("traefik.http.routers.web.ruel", "Host(`typo`)"),
    ("traefik.http.x]=1", "1"),
    ("leeward.allow", "NET-001"),
    ("leeward.allow", "NET-001,LBL-001,LBL-003,LBL-004,LBL-008,LBL-010"),
    ("leeward.image-labels", "honor"),
    ("leeward.traefik", "true"),
    ("traefik.http.routers.web.service", "web.web"),
    ("traefik.http.middlewares.own.errors.service", "web.web"),
    ("traefik.http.routers.web.middlewares", "a.auth"),
    ("traefik.http.services.web.loadbalancer.server.port", "80@evil.example"),
    ("traefik.http.services.web.loadbalancer.server.scheme", "http://evil.example/?"),
    ("traefik.http.services.web.loadbalancer.healthcheck.scheme", "http://evil.example/?"),
];

/// Others, called as nobody, as one who spells what the first owner declares, and as its double.
const OTHERS: [&str; 3] = ["b", "a.web", "A"];

/// Networks: two internal ones that Traefik is on, one behind, one with a way out.
const NETWORKS: &[&str] = &["net-a", "net-b", "net-c", "net-open"];

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    let odd = prop::option::weighted(0.15, select(ODD_LABELS));
    (subsequence(LABELS, 0..6), odd).prop_map(|(pairs, odd)| {
        let ask = [("traefik.enable", "true")];
        ask.into_iter().chain(pairs).chain(odd).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    })
}

prop_compose! {
    fn container(owner: &'static str)(
        number in 0_u8..4,
        labels in labels(),
        networks in prop_oneof![9 => subsequence(&NETWORKS[..3], 1..3), 1 => subsequence(NETWORKS, 1..3)],
        alive in proptest::bool::weighted(0.9),
        odd in prop::option::weighted(0.1, select(&["privileged", "socket", "port", "host"][..])),
        baked in prop_oneof![4 => Just(Vec::new()), 1 => subsequence(LABELS, 0..2), 1 => subsequence(ODD_LABELS, 0..2)],
        compose in proptest::bool::weighted(0.9),
    ) -> (Container, Image) {
        let name = format!("{owner}-web-{number}");
        let mut container = Container {
            id: name.as_str().into(),
            name: name.clone(),
            image: "web:1".into(),
            image_id: format!("sha256:{name}").into(),
            state: if alive { "running" } else { "exited" }.into(),
            exposed_ports: ["80/tcp".to_owned()].into(),
            network_mode: (*networks.first().unwrap()).to_owned(),
            labels,
            ..Container::default()
        };
        for network in networks {
            let address = [172, 30, u8::try_from(owner.len()).unwrap(), number + 2];
            attach(&mut container, network, Some(address.into())).aliases = ["web".to_owned()].into();
        }
        match odd.unwrap_or_default() {
            "privileged" => container.confinement.privileged = true,
            "host" => container.network_mode = "host".into(),
            "socket" => container.mounts.push(Mount {
                kind: "bind".into(),
                source: "/var/run/docker.sock".into(),
                ..Mount::default()
            }),
            "port" => drop(container.ports.insert("80/tcp".into(), vec![Binding::default()])),
            _ => {}
        }
        let image: BTreeMap<String, String> =
            baked.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        for (key, value) in &image {
            container.labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
        if compose {
            container.labels.insert("com.docker.compose.project".into(), owner.into());
            container.labels.insert("com.docker.compose.config-hash".into(), name);
        }
        (container, Image { labels: image, problem: None })
    }
}

fn inventory(containers: &[(Container, Image)]) -> Inventory {
    let mut inventory = engine();
    for name in NETWORKS {
        network(&mut inventory, name, *name != "net-open");
    }
    let mut traefik =
        Container { id: "traefik".into(), name: "traefik".into(), state: "running".into(), ..Container::default() };
    for (key, value) in [
        ("leeward.traefik", "true"),
        ("traefik.enable", "true"),
        ("traefik.http.middlewares.shared.headers.framedeny", "true"),
    ] {
        traefik.labels.insert(key.into(), value.into());
    }
    for network in ["net-a", "net-b", "net-open"] {
        attach(&mut traefik, network, None);
    }
    traefik.image_id = "sha256:traefik".into();
    inventory.images.insert(traefik.image_id.clone(), Image::default());
    inventory.put(traefik);
    for (container, image) in containers {
        inventory.images.insert(container.image_id.clone(), image.clone());
        inventory.put(container.clone());
    }
    inventory
}

prop_compose! {
    /// A host as it may be at one moment. Most of it is as it was: the same few containers, under the same names.
    fn world()(
        ours in prop::collection::vec(container("a"), 0..4),
        theirs in prop::collection::vec(container("b"), 0..3),
        kept in subsequence(vec![0_usize, 1, 2, 3, 4, 5, 6], 5..7),
        odd in prop::option::weighted(0.6, select(ODD)),
    ) -> Inventory {
        let mut all = steady();
        all.extend(ours.into_iter().chain(theirs));
        let mut inventory = inventory(&all);
        let gone = (0..7).filter(|at| !kept.contains(at)).map(|at| format!("steady-{at}"));
        gone.for_each(|name| drop(inventory.containers.remove(name.as_str())));
        if let Some(odd) = odd {
            become_odd(&mut inventory, odd);
        }
        inventory
    }
}

/// What may change on a host while the containers of [`steady`] stay as they are.
const ODD: &[&str] = &[
    "open",
    "bound",
    "undeclared",
    "shares",
    "long",
    "newer",
    "unreadable",
    "label",
    "baked",
    "moved",
    "crowded",
    "ended",
    "renamed",
    "task",
    "traefik-task",
];

fn become_odd(inventory: &mut Inventory, odd: &str) {
    let mut label = |key: &str, value: &str| {
        let traefik = inventory.container_mut("traefik").unwrap();
        traefik.labels.insert(format!("traefik.http.middlewares.{key}"), value.into())
    };
    match odd {
        "shares" => drop(label("extra.headers.framedeny", "true")),
        "label" => drop(label("x.nothing", "1")),
        "long" => {
            label("shared.chain.middlewares", &"x,".repeat(300));
            label("x.headers.framedeny", "true");
            let traefik = inventory.container_mut("traefik").unwrap();
            traefik.labels.remove("traefik.http.middlewares.shared.headers.framedeny");
        }
        "undeclared" => {
            let traefik = inventory.container_mut("traefik").unwrap();
            traefik.labels.remove("leeward.traefik");
            traefik.image = "traefik:v3.7".into();
        }
        "moved" => drop(inventory.container_mut("traefik").unwrap().attachments.remove("net-a")),
        "newer" => {
            let label = ("org.opencontainers.image.version".to_owned(), "v3.7.15".to_owned());
            inventory.images.insert("sha256:traefik".into(), Image { labels: [label].into(), problem: None });
        }
        "open" => inventory.networks.values_mut().for_each(|it| it.internal &= it.name != "net-a"),
        "bound" => {
            let bound = inventory.networks.values_mut().find(|it| it.name == "net-b").unwrap();
            bound.labels.insert("leeward.hosts".into(), "a.example.com".into());
        }
        "renamed" => inventory.networks.values_mut().find(|it| it.name == "net-a").unwrap().name = "x".into(),
        // The same labels on a container that is not what it was.
        "ended" => inventory.container_mut("steady-0").into_iter().for_each(|it| it.state = "exited".into()),
        // A service whose task it is gives it its owner, and makes it Traefik.
        "task" | "traefik-task" => {
            let swarm = Swarm { service: "s".into(), containers: ["steady-0".into()].into(), ..Swarm::default() };
            let mut service = Container { id: "s".into(), swarm: Some(swarm), ..Container::default() };
            if odd == "traefik-task" {
                service.labels.insert("leeward.traefik".into(), "true".into());
            }
            inventory.put(service);
        }
        "unreadable" => {
            let (name, state, network_mode) = ("unread".into(), "running".into(), "container:steady-1".into());
            let unread = Unreadable { name, state, network_mode, ..Unreadable::default() };
            inventory.unreadable.insert("unread".into(), unread);
        }
        // The default rule asks for this one.
        "baked" => {
            let image = inventory.images.get_mut("sha256:steady-3").unwrap();
            image.labels.insert("tier".into(), "three".into());
        }
        // Its owner has more routers than it may have.
        "crowded" => {
            let mut crowd = steady().remove(0).0;
            (crowd.id, crowd.name) = ("a-crowd".into(), "crowd".into());
            crowd
                .labels
                .extend((0..8).map(|at| (format!("traefik.http.routers.r{at}.rule"), format!("Host(`r{at}`)"))));
            inventory.put(crowd);
        }
        _ => unreachable!("{odd}"),
    }
}

#[test]
fn what_others_change_is_seen_in_what_is_decided_of_a_container_that_stays() {
    let default_rule: DefaultRule = "Host(`{{ .Name }}.{{ index .Labels \"tier\" }}.example`)".parse().unwrap();
    let budgets = Budgets { routers: 10, per_owner: 1, ..Budgets::default() };
    let settings = Settings { default_rule, budgets, ..Settings::default() };
    let base = inventory(&steady());
    for odd in ODD {
        let mut changed = base.clone();
        become_odd(&mut changed, odd);
        let plans = [compile(&base, &settings), compile(&changed, &settings)];
        let differs = |id: &ContainerId| plans[0].decisions[id] != plans[1].decisions[id];
        let stays = |id: &ContainerId| id.as_str().starts_with("steady-");
        assert!(base.containers.keys().filter(|id| stays(id)).any(differs), "{odd} changes nothing");
        let mut memory = Memory::default();
        for (world, plan) in [(&base, &plans[0]), (&changed, &plans[1]), (&base, &plans[0])] {
            assert_eq!(compile_next(world, &settings, &mut memory), *plan, "{odd}");
        }
    }
}

/// Containers that stay, with what each is there for.
fn steady() -> Vec<(Container, Image)> {
    let labels: [&[(&str, &str)]; 7] = [
        &[("traefik.http.routers.web.rule", "Host(`a.example.com`)")],
        &[
            ("traefik.http.routers.one.rule", "Host(`one.example.com`)"),
            ("traefik.http.routers.one.middlewares", "own"),
        ],
        &[
            ("traefik.http.routers.two.rule", "Host(`two.example.com`)"),
            ("traefik.http.routers.two.middlewares", "shared"),
            ("traefik.http.services.two.middlewares", "shared"),
        ],
        &[("traefik.http.middlewares.own.headers.framedeny", "true")],
        &[
            ("traefik.http.middlewares.fa.forwardauth.address", "http://web/"),
            ("traefik.http.routers.f.middlewares", "fa"),
        ],
        &[("traefik.http.routers.bad.rule", "Host(`bad.example.com`)"), ("traefik.http.routers.bad.priority", "x")],
        &[
            ("traefik.tcp.routers.t.rule", "HostSNI(`t.example.com`)"),
            ("traefik.tcp.routers.t.tls", "true"),
            ("traefik.http.routers.six.rule", "Host(`six.example.com`)"),
            ("traefik.http.routers.six.middlewares", "extra"),
        ],
    ];
    let made = |(at, labels): (usize, &&[(&str, &str)])| {
        let name = format!("steady-{at}");
        let mut container = Container {
            id: name.as_str().into(),
            name: name.clone(),
            image: "web:1".into(),
            image_id: format!("sha256:{name}").into(),
            state: "running".into(),
            exposed_ports: ["80/tcp".to_owned()].into(),
            network_mode: "net-a".into(),
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..Container::default()
        };
        container.labels.insert("traefik.enable".into(), "true".into());
        container.labels.insert("tier".into(), "three".into());
        if at % 3 != 2 {
            container.labels.insert("com.docker.compose.project".into(), "a".into());
            container.labels.insert("com.docker.compose.config-hash".into(), name);
        }
        let address = [172, 30, 9, u8::try_from(at).unwrap() + 2];
        attach(&mut container, if at % 2 == 0 { "net-a" } else { "net-b" }, Some(address.into()));
        (container, Image::default())
    };
    labels.iter().enumerate().map(made).collect()
}

/// Everything in the documents that is of an owner, printed.
fn published(plan: &Plan, owner: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let lone = format!("~{owner}-");
    for (traefik, document) in &plan.documents {
        let mut take = |kind: &str, name: &String, value: String| {
            let whose = name.rsplit_once('.').map_or("", |(whose, _)| whose);
            if whose == owner || whose.starts_with(&lone) {
                found.insert(format!("{traefik} {kind} {name}"), value);
            }
        };
        document.http.routers.iter().for_each(|(name, it)| take("http.routers", name, format!("{it:?}")));
        document.http.services.iter().for_each(|(name, it)| take("http.services", name, format!("{it:?}")));
        document.http.middlewares.iter().for_each(|(name, it)| take("http.middlewares", name, format!("{it:?}")));
        document.http.models.iter().for_each(|(name, it)| take("http.models", name, format!("{it:?}")));
        document.tcp.routers.iter().for_each(|(name, it)| take("tcp.routers", name, format!("{it:?}")));
        document.tcp.services.iter().for_each(|(name, it)| take("tcp.services", name, format!("{it:?}")));
        document.udp.routers.iter().for_each(|(name, it)| take("udp.routers", name, format!("{it:?}")));
        document.udp.services.iter().for_each(|(name, it)| take("udp.services", name, format!("{it:?}")));
    }
    found
}

fn routed(plan: &Plan) -> BTreeSet<ContainerId> {
    plan.decided().filter(|it| it.outcome == Outcome::Routed).map(|it| it.id.clone()).collect()
}

fn settings(exposed_by_default: bool, share: bool) -> Settings {
    let share_middlewares = if share { ["b.auth".parse().unwrap()].into() } else { BTreeSet::new() };
    // Others write labels here: the flag says which container is Traefik.
    let traefiks = ["traefik".to_owned()].into();
    Settings { exposed_by_default, share_middlewares, traefiks, ..Settings::default() }
}

/// A word that is in no vocabulary, an address, or an id.
fn telling_piece() -> impl Strategy<Value = String> {
    let octets = || (1_u8..=250, 1_u8..=250, 1_u8..=250).prop_map(|(b, c, d)| [45, b, c, d]);
    prop_oneof![
        "zqx[a-z0-9]{3,9}",
        "Zqx[A-Z]{3,40}",
        "zqxé[a-zü]{2,5}",
        octets().prop_map(|it| it.map(|octet| octet.to_string()).join(".")),
        octets().prop_map(|it| it.map(|octet| octet.to_string()).join("-")),
        octets().prop_map(|it| it.map(|octet| octet.to_string()).join("_")),
        octets().prop_map(|it| it.map(|octet| octet.to_string()).join("\\.")),
        (0x1000_u16.., 0x1000_u16..).prop_map(|(one, two)| format!("2a0b:{one:x}:{two:x}::{one:x}")),
        "00:1b:[a-f][0-9]:[0-9][a-f]:[a-f]{2}:[0-9a-f]{2}",
        "[0-9a-f]{64}",
        "[0-9]{6,12}",
    ]
}

/// Several of them, with what stands between the parts of names, paths, rules, lists and image references.
fn telling_text() -> impl Strategy<Value = String> {
    let sign = select(&["/", ":", "=", ",", " ", "@sha256:", "`) || Host(`", "://", "|", "=>", "\"", "(", "/24,"][..]);
    prop::collection::vec((telling_piece(), sign), 1..4)
        .prop_map(|parts| parts.into_iter().flat_map(|(piece, sign)| [piece, sign.to_owned()]).collect())
}

/// Writes something into every field of an inventory that holds a text of somebody's.
fn fill(world: &mut Inventory, text: &mut dyn FnMut() -> String) {
    world.engine.root_dir = Some(format!("/{}", text()));
    world.engine.host_address = Some(text());
    world.engine.warnings.push(text());
    let ids: Vec<_> = world.containers.keys().cloned().collect();
    for id in ids {
        let container = world.container_mut(id.as_str()).unwrap();
        container.image = text();
        container.labels.extend([(text(), text()), (format!("traefik.{}", text()), text())]);
        container.labels.insert("traefik.http.routers.web.rule".into(), format!("Host(`{}`)", text()));
        container.labels.insert("traefik.http.middlewares.auth.basicauth.users".into(), text());
        container.labels.insert("com.docker.compose.project.working_dir".into(), format!("/{}", text()));
        container.exposed_ports.insert(text());
        container.ports.insert(text(), vec![Binding { host_ip: text(), host_port: text() }]);
        container.volumes_from.push(text());
        container.malformed = Some(text()).filter(|it| it.len() % 7 == 0);
        let confinement = &mut container.confinement;
        confinement.sysctls.insert(format!("net.ipv4.conf.{}.forwarding", text()), text());
        (confinement.cgroup_parent, confinement.user, confinement.runtime) = (text(), text(), text());
        confinement.group_add.push(text());
        confinement.annotations.insert(format!("run.oci.{}", text()));
        confinement.devices.push(format!("/dev/{}", text()));
        confinement.device_cgroup_rules.push(text());
        confinement.security_opt.push(format!("label={}", text()));
        confinement.extra_hosts.push(format!("{}:{}", text(), text()));
        confinement.dns.push(text());
        confinement.cap_add.insert(text());
        confinement.log_driver = text();
        confinement.log_path = text();
        container.mounts.push(Mount {
            kind: "bind".into(),
            source: format!("/srv/{}", text()),
            destination: text(),
            ..Mount::default()
        });
        let name = text();
        container.mounts.push(Mount { kind: "volume".into(), name: name.clone(), source: text(), ..Mount::default() });
        world.volumes.insert(name, leeward::inventory::Volume { driver: text(), ..Default::default() });
        let container = world.container_mut(id.as_str()).unwrap();
        for attachment in container.attachments.values_mut() {
            attachment.aliases.insert(text());
        }
    }
    let networks: Vec<_> = world.networks.keys().cloned().collect();
    for id in networks {
        let network = world.networks.get_mut(&id).unwrap();
        network.labels.extend([("leeward.hosts".to_owned(), text()), (text(), text())]);
        network.options.insert("com.docker.network.bridge.name".into(), text());
        network.options.insert(text(), text());
    }
    for image in world.images.values_mut() {
        image.labels.insert(text(), text());
        image.problem = Some(text()).filter(|it| it.len() % 5 == 0);
    }
}

/// The addresses in a text that begin with `45` or `2a0b`, as they are written, and the ends of those.
fn addresses(text: &str) -> BTreeSet<String> {
    let v4 = r"45(?:\.\d{1,3}){3}|45(?:-\d{1,3}){3}|45(?:_\d{1,3}){3}|45(?:\\{2,4}\.\d{1,3}){3}";
    let all = regex::Regex::new(&format!(
        "(?:{v4}|2a0b:[0-9a-f]{{4}}:[0-9a-f]{{4}}::[0-9a-f]{{4}}|00:1b(?::[0-9a-f]{{2}}){{4}})"
    ));
    all.unwrap().find_iter(text).map(|it| it.as_str().to_owned()).collect()
}

/// The words in a text that only somebody could have written, and its ids and long numbers.
fn markers(text: &str) -> BTreeSet<String> {
    let all = regex::Regex::new("[zZ]qx[a-zA-Z0-9éü]{3,}|[0-9a-f]{64}").unwrap();
    all.find_iter(text).map(|it| it.as_str().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A redacted snapshot is judged as the original is, and holds none of its words.
    #[test]
    fn a_redacted_snapshot_is_judged_the_same_and_names_nobody(
        ours in prop::collection::vec(container("a"), 1..4),
        theirs in select(&OTHERS[..]).prop_flat_map(|owner| prop::collection::vec(container(owner), 1..4)),
        exposed in any::<bool>(),
    ) {
        let world = inventory(&[ours, theirs].concat());
        redaction::check(&world, &settings(exposed, false));
    }

    /// Whatever stands in whatever field: words, addresses in each of their forms, ids.
    #[test]
    fn no_word_and_no_address_survives_in_any_field(
        ours in prop::collection::vec(container("a"), 1..3),
        texts in prop::collection::vec(telling_text(), 40),
    ) {
        let mut world = inventory(&ours);
        let mut texts = texts.into_iter().cycle();
        let mut text = move || texts.next().unwrap();
        fill(&mut world, &mut text);
        let before = serde_json::to_string(&world).unwrap();
        // Of a world that differs by one label, each address becomes another one: in one of the two it may be what a
        // neighbour's becomes, by chance.
        let mut other = world.clone();
        let id = ours.first().unwrap().0.id.clone();
        other.container_mut(id.as_str()).unwrap().labels.insert("other".into(), "1".into());
        let after = [world, other].map(|world| {
            let hidden = redaction::check(&world, &settings(false, false));
            serde_json::to_string(&hidden).unwrap()
        });
        for told in [addresses(&before), markers(&before)] {
            let survives: Vec<&String> =
                told.iter().filter(|it| after.iter().all(|after| after.contains(it.as_str()))).collect();
            prop_assert!(survives.is_empty(), "{survives:?} in {after:?}");
        }
    }

    /// Containers of `b` come, change and go; what `a` published stays, to the letter. So does who of `a` is routed.
    #[test]
    fn no_owner_touches_what_another_published(
        ours in prop::collection::vec(container("a"), 1..4),
        theirs in select(&OTHERS[..]).prop_flat_map(|owner| prop::collection::vec(container(owner), 1..4)),
        exposed in any::<bool>(),
        share in any::<bool>(),
    ) {
        let settings = settings(exposed, share);
        let alone = compile(&inventory(&ours), &settings);
        let all: Vec<_> = ours.iter().chain(&theirs).cloned().collect();
        let together = compile(&inventory(&all), &settings);
        prop_assert_eq!(published(&alone, "a"), published(&together, "a"));
        let of_ours = |plan: &Plan| -> BTreeSet<ContainerId> {
            routed(plan).into_iter().filter(|id| id.as_str().starts_with("a-")).collect()
        };
        prop_assert_eq!(of_ours(&alone), of_ours(&together));
    }

    /// What one compilation leaves to the next saves time and changes nothing, whatever came, went or changed between: labels,
    /// images, neighbours, what others share or claim, networks and what is bound to them, Traefik itself, or all of it under the
    /// same ids.
    #[test]
    fn what_is_remembered_changes_nothing(
        worlds in prop::collection::vec(world(), 2..6),
        exposed in any::<bool>(),
        share in any::<bool>(),
        by_flag in any::<bool>(),
        isolation in select(&[Isolation::Enforce, Isolation::Strict, Isolation::Warn, Isolation::Off][..]),
    ) {
        let settings = settings(exposed, share);
        let traefiks = if by_flag { settings.traefiks.clone() } else { BTreeSet::new() };
        let default_rule = "Host(`{{ .Name }}.{{ index .Labels \"tier\" }}.example`)".parse().unwrap();
        let settings = Settings { isolation, traefiks, default_rule, ..settings };
        let mut memory = Memory::default();
        let mut shared = Inventory::default();
        for next in &worlds {
            // Containers that stay are shared with the inventory before, as the watch shares them.
            shared.containers.retain(|id, _| next.containers.contains_key(id));
            next.containers.values().for_each(|container| shared.put(Container::clone(container)));
            let shared_next = Inventory { containers: shared.containers.clone(), ..next.clone() };
            prop_assert_eq!(compile_next(&shared_next, &settings, &mut memory), compile(next, &settings));
        }
    }

    /// What everybody shares is Traefik's own and stays.
    #[test]
    fn nothing_is_published_in_nobodys_name(theirs in prop::collection::vec(container("b"), 0..5)) {
        let plan = compile(&inventory(&theirs), &settings(true, true));
        let document = plan.documents.get(Plan::EVERYONE).unwrap();
        let names = document.http.routers.keys().chain(document.http.services.keys()).chain(document.http.middlewares.keys());
        for name in names {
            prop_assert!(name.starts_with("b.") || name.starts_with("~b-") || name == "~traefik.shared", "{}", name);
        }
        prop_assert!(document.tls.stores.is_empty());
        let shared = document.http.middlewares.get("~traefik.shared").unwrap();
        prop_assert_eq!(shared.headers.as_ref().unwrap().frame_deny, Some(true));
    }

    /// A container whose image brings labels along is not routed if it would not be with all its labels its operator's.
    #[test]
    fn discounting_only_takes_a_route_away(
        containers in prop::collection::vec(container("a"), 1..4),
        exposed in any::<bool>(),
    ) {
        let settings = settings(exposed, false);
        let told = routed(&compile(&inventory(&containers), &settings));
        for (at, (container, _)) in containers.iter().enumerate().filter(|(_, (_, image))| !image.labels.is_empty()) {
            let mut trusted = containers.clone();
            trusted[at].1 = Image::default();
            let trusted = routed(&compile(&inventory(&trusted), &settings));
            prop_assert!(!told.contains(&container.id) || trusted.contains(&container.id), "{}", container.id);
        }
    }

    /// Whatever the labels say, Traefik sends requests to the container that carries them, at a port.
    #[test]
    fn every_server_is_a_container_itself(containers in prop::collection::vec(container("a"), 1..5)) {
        let inventory = inventory(&containers);
        let plan = compile(&inventory, &settings(true, false));
        for backend in plan.routes.iter().flat_map(|route| &route.backends) {
            let own = &inventory.containers.get(&backend.id).unwrap().attachments;
            let address = backend.address.strip_prefix("http://").unwrap_or(&backend.address);
            let (host, port) = address.rsplit_once(':').unwrap();
            prop_assert!(own.values().any(|it| it.ipv4.is_some_and(|ip| ip.to_string() == host)), "{:?}", backend);
            prop_assert!(port.parse::<u16>().is_ok(), "{:?}", backend);
        }
    }

    /// A host that is bound to a network is claimed by what is reached over that network, and by nothing else. (Who serves
    /// it is for the owner to say: its containers on other networks may share the service.)
    #[test]
    fn a_bound_host_is_claimed_over_its_own_network(containers in prop::collection::vec(container("a"), 1..5)) {
        let mut inventory = inventory(&containers);
        let network = inventory.networks.get_mut("net-a").unwrap();
        network.labels.insert("leeward.hosts".into(), "one.example".into());
        let plan = compile(&inventory, &settings(true, false));
        for route in &plan.routes {
            let rule = match route.protocol {
                Protocol::Http => router::parse_http(&route.rule, None),
                Protocol::Tcp => router::parse_tcp(&route.rule, None),
                Protocol::Udp => Err(String::new()),
            };
            prop_assert!(rule.is_ok_and(|rule| !rule.hosts().any), "{:?}", route);
            let rule = router::parse_http(&route.rule, None);
            let reaches = rule.is_ok_and(|rule| rule.hosts().covers("one.example"));
            for origin in &route.origins {
                let claimant = plan.decisions.get(&ContainerId::from(origin.container.as_str())).unwrap();
                prop_assert_eq!(reaches, claimant.network.as_deref() == Some("net-a"), "{:?}", route);
            }
        }
    }

    /// A container with a way out or power over the host leaves no trace.
    #[test]
    fn what_is_not_isolated_leaves_no_trace(containers in prop::collection::vec(container("a"), 1..5)) {
        let inventory = inventory(&containers);
        let plan = compile(&inventory, &settings(true, false));
        for id in routed(&plan) {
            let container = inventory.containers.get(&id).unwrap();
            let allowed = container.labels.contains_key("leeward.allow");
            let open = container.attachments.contains_key("net-open") && !allowed;
            let odd = container.confinement.privileged || !container.mounts.is_empty() || !container.ports.is_empty();
            prop_assert!(container.name == "traefik" || !(open || odd || container.network_mode == "host"), "{}", id);
        }
    }
}
