//! What is printed as the remedy of each rule, done to the world in which the rule fires: the rule is gone, and nobody is
//! refused who was not.
//!
//! What a person would paste or run is read from the printed text itself: snippets by the reader of Compose files, commands,
//! flags, versions, and what is to be deleted from where. What is written for people alone stands in [`BY_HAND`] as a person
//! would do it; what nothing here can show, in [`NOT_SHOWN`] with the reason.

use std::collections::{BTreeMap, BTreeSet};

use super::tests::{PAIRS, add, app, judged, made, network, topology};
use super::{all, capability};
use crate::inventory::{Image, Inventory};
use crate::plan::{Outcome, Plan, compile};
use crate::policy::finding::{Finding, Subject};
use crate::policy::rule_id::RuleId;
use crate::remedy;
use crate::report::words::Remedy as _;
use crate::settings::{Isolation, Settings};
use crate::source::compose;

/// A rule of which no world here can show that its remedy works, and why.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("NET-002", "the choice is the operator's: `explain` shows what there is (tests/proposals.rs)"),
    ("NET-008", "who is on docker_gwbridge is the engine's to say, after the swarm's service was changed"),
    ("NET-019", "an overlay's `attachable` is set when it is made; no model of a swarm here"),
    ("NET-027", "it is of `check` alone: another file is named"),
    ("NET-028", "a filter on the host, which no engine shows; then it is allowed by label"),
    ("ENG-004", "kernel modules and settings of the host"),
    ("ENG-005", "what no engine's API shows is tried by the probe"),
    ("ENG-006", "the engine's own configuration: the engine stops warning"),
    ("ENG-007", "the engine's own configuration"),
    ("ENG-008", "the engine leaves its swarm"),
    ("ENG-010", "another version of Podman says nothing of its netavark"),
    ("ENG-011", "what cannot be read is looked at"),
    ("ENG-012", "the engine's own configuration: address pools"),
    ("ENG-013", "the host's kernel"),
    ("TRF-002", "command lines are not read, so nothing shows that the flag is gone"),
    ("SOC-001", "the engine is asked through another filter"),
    ("SOC-002", "the engine is asked through a filter"),
    ("LBL-018", "the application has to answer with that status"),
];

/// The rules about outbound names, whose worlds are in `tests/claims/outbound.rs`, unless they are here too.
const OUTBOUND: &str = "EGR-";

/// Done as a person does who reads the remedy.
type Hand = fn(&mut Inventory);

const BY_HAND: &[(&str, Hand)] = &[
    // An ingress port makes the engine join `ingress`.
    ("NET-007", |i| drop(app(i, "app").attachments.remove("ingress"))),
    // As it was before it named another's network, which Compose sees to; then `leeward fix` has nothing to do here.
    ("NET-003", |i| {
        let own = (**topology().containers.get("app").unwrap()).clone();
        let app = app(i, "app");
        (app.network_mode, app.attachments) = (own.network_mode, own.attachments);
    }),
    ("NET-018", |i| drop(network(i, "net-proxy").options.remove("com.docker.network.bridge.enable_icc"))),
    ("NET-021", |i| app(i, "app2").attachments.get_mut("net-proxy").unwrap().aliases.clear()),
    // The label is corrected.
    ("NET-023", |i| network(i, "net-proxy").subnets = vec!["172.31.9.0/24".into()]),
    ("NET-025", |i| {
        let labels = &mut network(i, "net-proxy").labels;
        labels.remove("leeward.host");
        labels.insert("leeward.hosts".into(), "app.example.com".into());
    }),
    ("NET-026", |i| drop(network(i, "net-proxy").options.remove("com.docker.network.bridge.name"))),
    // It is taken off the proxy's network.
    ("EGR-025", |i| drop(app(i, "app").attachments.remove("net-internal"))),
    // The project is up with the override.
    ("NET-029", |i| {
        let files = app(i, "app").labels.get_mut("com.docker.compose.project.config_files").unwrap();
        files.push_str(",/srv/stack/compose.leeward.yaml");
    }),
    ("PRV-006", |i| app(i, "app").confinement.pid_mode.clear()),
    ("PRV-016", |i| app(i, "app").mounts.iter_mut().for_each(|it| it.source = "/home/u/app/etc".into())),
    ("PRV-017", |i| app(i, "app").mounts.iter_mut().for_each(|it| it.propagation.clear())),
    ("VOL-001", |i| app(i, "app").mounts.iter_mut().for_each(|it| it.writable = false)),
    ("VOL-002", |i| {
        app(i, "app").mounts.iter_mut().for_each(|it| {
            *it = crate::inventory::Mount {
                kind: "bind".into(),
                source: "/srv/app".into(),
                writable: true,
                ..crate::inventory::Mount::default()
            };
        });
    }),
    ("VOL-003", |i| drop(i.volumes.insert("data".into(), crate::inventory::Volume::default()))),
    // What stands below `deploy:` is read as a service of a swarm, which `check` does not make.
    ("VOL-005", |i| drop(app(i, "app").labels.insert("leeward.allow".into(), "VOL-005".into()))),
    ("VOL-004", |i| app(i, "app").mounts.iter_mut().for_each(|it| it.writable = false)),
    // Its labels are written on the container, with other values.
    ("IMG-001", |i| drop(app(i, "app").labels.insert("leeward.image-labels".into(), "honor".into()))),
    ("IMG-002", |i| drop(i.images.insert("sha256:other".into(), Image::default()))),
    ("IMG-003", |i| drop(i.images.insert("sha256:gone".into(), Image::default()))),
    ("IMG-004", |i| app(i, "app").image = "nginx:latest@sha256:abc".into()),
    ("TRF-001", |i| app(i, "traefik").mounts.clear()),
    ("TRF-004", |i| {
        i.networks.insert("net-out".into(), made("net-out", "bridge", false));
        let traefik = app(i, "traefik");
        let mut place = traefik.attachments.remove("net-exposed").unwrap();
        (place.network, place.network_id) = ("net-out".into(), "net-out".into());
        traefik.attachments.insert("net-out".into(), place);
    }),
    ("TRF-005", |i| drop(app(i, "other").attachments.remove("net-control"))),
    ("TRF-009", |i| drop(app(i, "second").labels.remove("leeward.traefik"))),
    ("TRF-006", |i| app(i, "namesake").attachments.get_mut("net-proxy").unwrap().aliases.clear()),
];

/// Rules that only labels break: what they are, and what they are once the remedy was followed. A value of "" is no label.
type Labels = &'static [(&'static str, &'static str)];
const BY_LABEL: &[(&str, Labels, Labels)] = &[
    (
        "LBL-001",
        &[("traefik.http.routers.app.rule", "PathPrefix(`/api`)")],
        &[("traefik.http.routers.app.rule", "Host(`app.example.com`) && PathPrefix(`/api`)")],
    ),
    (
        "LBL-005",
        &[("traefik.http.services.app.loadbalancer.server.url", "http://10.1.1.1:80")],
        &[
            ("traefik.http.services.app.loadbalancer.server.url", ""),
            ("traefik.http.services.app.loadbalancer.server.port", "8080"),
        ],
    ),
    ("LBL-006", &[("traefik.http.routers.app.priority", "9")], &[("traefik.http.routers.app.priority", "")]),
    (
        "LBL-007",
        &[("traefik.http.routers.app.entrypoints", "traefik")],
        &[("traefik.http.routers.app.entrypoints", "websecure")],
    ),
    (
        "LBL-009",
        &[("traefik.http.middlewares.a.forwardauth.address", "http://10.1.1.1/")],
        &[("traefik.http.middlewares.a.forwardauth.address", "http://app:9091/"), ("leeward.allow", "LBL-009")],
    ),
    (
        "LBL-010",
        &[("traefik.tls.stores.default.defaultgeneratedcert.resolver", "x")],
        &[("traefik.tls.stores.default.defaultgeneratedcert.resolver", "")],
    ),
    (
        "LBL-011",
        &[
            ("traefik.http.services.app.loadbalancer.healthcheck.path", "/"),
            ("traefik.http.services.app.loadbalancer.healthcheck.hostname", "other"),
        ],
        &[("traefik.http.services.app.loadbalancer.healthcheck.hostname", "")],
    ),
    (
        "LBL-014",
        &[("traefik.http.routers.app.observability.accesslogs", "false")],
        &[("traefik.http.routers.app.observability.accesslogs", "")],
    ),
    (
        "LBL-015",
        &[("traefik.http.middlewares.a.retry.attempts", "1000")],
        &[("traefik.http.middlewares.a.retry.attempts", "10")],
    ),
];

/// A world in which `app` asks for a route.
fn asking(mut inventory: Inventory) -> Inventory {
    for container in ["app", "app2"] {
        if !inventory.containers.contains_key(container) {
            continue;
        }
        let rule = format!("Host(`{container}.example.com`)");
        for (key, value) in [
            ("traefik.enable", "true"),
            ("traefik.http.routers.app.rule", &rule),
            ("traefik.http.services.app.loadbalancer.server.port", "80"),
        ] {
            app(&mut inventory, container).labels.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    let names: Vec<String> = inventory.containers.values().map(|it| it.name.clone()).collect();
    for name in names {
        let labels = &mut app(&mut inventory, &name).labels;
        if labels.contains_key("com.docker.compose.project") {
            labels.insert("com.docker.compose.service".into(), name);
        }
    }
    inventory
}

/// Whom the plan refuses, and why.
fn refused(plan: &Plan) -> BTreeSet<(String, &'static str)> {
    let decisions = plan.decided().filter(|it| it.outcome == Outcome::Refused);
    let all = decisions.flat_map(|it| it.steps.iter().map(move |step| (&it.name, step)));
    all.flat_map(|(name, step)| step.refusals.iter().map(move |it| (name.clone(), it.name()))).collect()
}

fn of_rule(plan: &Plan, rule: RuleId) -> Vec<Finding> {
    plan.findings.iter().filter(|it| it.rule == rule && !it.allowed).cloned().collect()
}

/// The words in backticks or bare behind `delete`, up to `from`, or to the end of the clause.
fn deleted(remedy: &str) -> Option<(Vec<String>, Option<String>)> {
    let rest =
        remedy.strip_prefix("delete ")?.strip_prefix("the mount of ").or_else(|| remedy.strip_prefix("delete "))?;
    let first = rest.split([';']).next()?;
    let (what, from) = match first.split_once(" from ") {
        Some((what, from)) => (what, Some(from)),
        None => (first, None),
    };
    let word = |text: &str| text.split('`').nth(1).unwrap_or(text).trim().to_owned();
    let what = what.split(", ").filter(|it| !it.starts_with("if ")).map(word).collect();
    Some((what, from.map(|from| word(from.split(',').next().unwrap_or(from)))))
}

/// Takes something out of a service, as one would out of its file.
fn delete(inventory: &mut Inventory, container: &str, what: &str, from: Option<&str>) -> bool {
    let container = app(inventory, container);
    let confinement = &mut container.confinement;
    match (what, from) {
        ("ports:", _) => {
            container.ports.clear();
            container.port_bindings.clear();
            if let Some(swarm) = &mut container.swarm {
                swarm.publish_modes.clear();
            }
        }
        ("privileged: true", _) => confinement.privileged = false,
        ("pid: host", _) => confinement.pid_mode.clear(),
        ("ipc: host", _) => confinement.ipc_mode.clear(),
        ("uts: host", _) => confinement.uts_mode.clear(),
        ("userns_mode: host", _) => confinement.userns_mode.clear(),
        ("cgroup: host", _) => confinement.cgroupns_mode = "private".into(),
        ("apparmor=unconfined", _) => confinement.apparmor_profile.clear(),
        ("systempaths=unconfined", _) => (confinement.masked_paths, confinement.readonly_paths) = (None, None),
        ("label=disable", _) => confinement.security_opt.retain(|it| it != "label=disable"),
        ("seccomp=…", _) => confinement.security_opt.retain(|it| !it.starts_with("seccomp=")),
        ("path", Some("logging.options")) => confinement.log_path.clear(),
        (name, Some("cap_add")) => confinement.cap_add.retain(|it| capability(it) != name),
        (name, Some("devices")) => confinement.devices.retain(|it| it != name),
        (name, Some("extra_hosts")) => confinement.extra_hosts.retain(|it| it != name),
        (name, Some("sysctls")) => drop(confinement.sysctls.remove(name)),
        (name, Some("annotations")) => confinement.annotations.retain(|it| it != name),
        (name, Some("group_add")) => confinement.group_add.retain(|it| it != name),
        (name, Some("volumes")) => container.mounts.retain(|it| it.source != name),
        _ => return false,
    }
    true
}

/// Pastes a snippet: its services over those there are, its network over the one that is meant.
fn paste(inventory: &mut Inventory, snippet: &str, meant: &str) {
    let lines_of = |part: &str| -> String {
        let inner = |(at, line): &(usize, &str)| *at == 0 || line.starts_with(' ');
        part.lines().enumerate().take_while(inner).flat_map(|(_, line)| [line, "\n"]).collect()
    };
    let text = if let Some(at) = snippet.find("services:\n") {
        let is_name = |line: &str| line.starts_with("  ") && !line.starts_with("   ");
        let image = |line: &str| if is_name(line) { "    image: x\n" } else { "" };
        let services = lines_of(snippet.get(at..).unwrap());
        let services: String = services.lines().flat_map(|line| [line, "\n", image(line)]).collect();
        format!("name: p\n{services}")
    } else {
        let networks = lines_of(snippet.get(snippet.find("networks:\n").unwrap()..).unwrap());
        let key = networks.lines().nth(1).unwrap().trim().split(':').next().unwrap().to_owned();
        format!("name: p\nservices:\n  x: {{image: x, networks: [{key}]}}\n{networks}")
    };
    let project = compose::read(&text, "p").unwrap_or_else(|problem| panic!("{problem}: {text}"));
    for pasted in project.inventory.containers.values() {
        let service = pasted.labels["com.docker.compose.service"].clone();
        if service == "x" {
            continue;
        }
        let own = &mut app(inventory, &service).confinement;
        let new = &pasted.confinement;
        for (key, value) in &new.sysctls {
            own.sysctls.insert(key.clone(), value.clone());
        }
        own.cap_drop.extend(new.cap_drop.iter().cloned());
        own.cap_add.extend(new.cap_add.iter().cloned());
        own.security_opt.extend(new.security_opt.iter().cloned());
        own.readonly_rootfs |= new.readonly_rootfs;
        if !new.user.is_empty() {
            own.user.clone_from(&new.user);
        }
        if new.memory > 0 {
            own.memory = new.memory;
        }
        own.pids_limit = new.pids_limit.or(own.pids_limit);
        let labels = pasted.labels.iter().filter(|(key, _)| key.starts_with("leeward."));
        let labels: BTreeMap<String, String> = labels.map(|(key, value)| (key.clone(), value.clone())).collect();
        app(inventory, &service).labels.extend(labels);
    }
    for pasted in project.inventory.networks.values().filter(|_| !snippet.contains("services:\n")) {
        let own = network(inventory, meant);
        own.options.extend(pasted.options.clone());
        own.labels.extend(
            pasted.labels.iter().filter(|(key, _)| key.starts_with("leeward.")).map(|(k, v)| (k.clone(), v.clone())),
        );
        own.internal |= pasted.internal;
        own.ipv6 &= pasted.ipv6 || !snippet.contains("enable_ipv6: false");
        if !pasted.subnets.is_empty() {
            own.subnets.clone_from(&pasted.subnets);
        }
    }
}

/// The worlds after what a remedy says; several where it names several ways (versions). Empty: it is written for people.
fn follow(inventory: &Inventory, settings: &Settings, finding: &Finding) -> Vec<(Inventory, Settings)> {
    let remedy = finding.remedy().into_owned();
    let mut after = inventory.clone();
    let name = finding.subject.name().to_owned();
    let same = settings.clone();
    if let Some(command) = remedy.strip_prefix("leeward fix ") {
        let container = command.split(' ').next().unwrap().to_owned();
        let remedies = remedy::ask(inventory, settings, &[container], &[]).unwrap();
        return vec![(remedies.after, same)];
    }
    if remedy.contains("`leeward fix --isolation strict`") {
        let strict = Settings { isolation: Isolation::Strict, ..settings.clone() };
        return vec![(remedy::ask(inventory, &strict, &[], &[]).unwrap().after, same)];
    }
    if let Some(command) = remedy.strip_prefix("docker network disconnect ") {
        let mut words = command.split_whitespace();
        let (network, container) = (words.next().unwrap(), words.next().unwrap());
        app(&mut after, container).attachments.remove(network).unwrap();
        return vec![(after, same)];
    }
    if let Some(rest) = remedy.strip_prefix("upgrade ") {
        let versions = rest.split([' ', ',', ';']).filter(|it| it.starts_with(|letter: char| letter.is_ascii_digit()));
        let named = rest.split("or later").next().unwrap();
        let versions: Vec<String> = versions
            .filter(|it| named.contains(it) || rest.contains(&format!("{it} or later")))
            .map(str::to_owned)
            .collect();
        return versions
            .into_iter()
            .map(|version| {
                let mut after = inventory.clone();
                if rest.starts_with("Traefik") {
                    let label = "org.opencontainers.image.version".to_owned();
                    app(&mut after, "traefik").labels.insert(label, version);
                } else {
                    after.engine.version = if version.contains('.') { version } else { format!("{version}.0.0") };
                }
                (after, same.clone())
            })
            .collect();
    }
    if let Some((what, from)) = deleted(&remedy)
        && matches!(finding.subject, Subject::Container { .. })
    {
        let mut done = true;
        for it in &what {
            done &= delete(&mut after, &name, it, from.as_deref());
        }
        return if done { vec![(after, same)] } else { Vec::new() };
    }
    if let Some((_, driver)) = remedy.split_once("logging: {driver: ") {
        app(&mut after, &name).confinement.log_driver = driver.split('}').next().unwrap().to_owned();
        return vec![(after, same)];
    }
    if let Some(rest) = remedy.split("docker network create ").nth(1) {
        let rest = rest.split("   #").next().unwrap();
        let network = network(&mut after, rest.split_whitespace().last().unwrap());
        let mut words = rest.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "-o" => {
                    let (key, value) = words.next().unwrap().split_once('=').unwrap();
                    network.options.insert(key.to_owned(), value.to_owned());
                }
                "--internal" => network.internal = true,
                _ => {}
            }
        }
        return vec![(after, same)];
    }
    if remedy.contains("services:\n") || remedy.contains("networks:\n") {
        let meant = if matches!(finding.subject, Subject::Network { .. }) { &name } else { "net-proxy" };
        paste(&mut after, &remedy, meant);
        return vec![(after, same)];
    }
    Vec::new()
}

/// Follows the remedies of all findings of a rule, and looks what comes of it.
fn shown(id: &str, inventory: &Inventory, hand: Option<Hand>) {
    let settings = Settings::default();
    let rule: RuleId = id.parse().unwrap();
    let before = compile(inventory, &settings);
    let found = of_rule(&before, rule);
    let told: Vec<String> = if found.is_empty() {
        let refusals = before.decided().flat_map(|it| &it.steps).flat_map(|it| &it.refusals);
        refusals.filter(|it| it.rule == Some(rule)).map(|it| it.remedy().into_owned()).collect()
    } else {
        found.iter().map(|it| it.remedy().into_owned()).collect()
    };
    assert!(!told.is_empty(), "{id} does not fire");
    assert!(told.iter().all(|it| !it.trim().is_empty()), "{id}: no remedy");
    let mut worlds = Vec::new();
    if let Some(hand) = hand {
        let mut after = inventory.clone();
        hand(&mut after);
        worlds.push((after, settings.clone()));
    } else if let Some(first) = found.first() {
        let mut all = follow(inventory, &settings, first);
        // Of several findings each has its own.
        for other in found.iter().skip(1).filter(|it| it.subject != first.subject) {
            all = all.into_iter().flat_map(|(world, settings)| follow(&world, &settings, other)).collect();
        }
        worlds = all;
    } else if let Some(command) = told[0].strip_prefix("leeward fix ") {
        let remedies =
            remedy::ask(inventory, &settings, &[command.split(' ').next().unwrap().to_owned()], &[]).unwrap();
        worlds.push((remedies.after, settings.clone()));
    }
    assert!(!worlds.is_empty(), "{id}: written for people, and done by nobody: {told:?}");
    for (after, settings) in worlds {
        let later = compile(&after, &settings);
        let left = of_rule(&later, rule);
        assert!(left.is_empty(), "{id} still fires after {told:?}: {left:#?}");
        let new: Vec<_> = refused(&later).difference(&refused(&before)).cloned().collect();
        assert!(new.is_empty(), "{id}: {told:?} leads to {new:?}");
        assert!(!refused(&later).iter().any(|(_, name)| *name == id), "{id} still refuses after {told:?}");
    }
}

#[test]
fn whoever_does_what_is_printed_is_rid_of_the_rule_and_refused_for_nothing_new() {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for (id, fires, _) in PAIRS {
        if NOT_SHOWN.iter().any(|(not, _)| not == id) || *id == "PUB-004" {
            continue;
        }
        let mut inventory = topology();
        fires(&mut inventory);
        let hand = BY_HAND.iter().find(|(of, _)| of == id).map(|(_, hand)| *hand);
        shown(id, &asking(inventory), hand);
        done.insert(id);
    }
    let mut elsewhere = asking(topology());
    app(&mut elsewhere, "app").attachments.remove("net-proxy");
    shown("NET-009", &elsewhere, None);
    done.insert("NET-009");
    for (id, broken, mended) in BY_LABEL {
        let mut inventory = asking(topology());
        for (key, value) in *broken {
            app(&mut inventory, "app").labels.insert((*key).to_owned(), (*value).to_owned());
        }
        if *id == "LBL-005" {
            app(&mut inventory, "app").labels.remove("traefik.http.services.app.loadbalancer.server.port");
        }
        let settings = Settings::default();
        let before = compile(&inventory, &settings);
        let rule: RuleId = id.parse().unwrap();
        assert!(!of_rule(&before, rule).is_empty(), "{id} does not fire");
        for (key, value) in *mended {
            let labels = &mut app(&mut inventory, "app").labels;
            labels.remove(*key);
            if !value.is_empty() {
                labels.insert((*key).to_owned(), (*value).to_owned());
            }
        }
        let later = compile(&inventory, &settings);
        assert_eq!(of_rule(&later, rule), [], "{id}");
        assert!(refused(&later).is_subset(&refused(&before)), "{id}: {:?}", refused(&later));
        done.insert(id);
    }
    done.extend(by_settings());
    // A Swarm service: there is no Compose file to make it ask.
    let (_, fires, _) = PAIRS.iter().find(|(id, ..)| *id == "PUB-004").unwrap();
    let mut service = topology();
    fires(&mut service);
    let fired = |inventory: &Inventory| {
        judged(inventory, &Settings::default()).findings.into_iter().find(|it| it.rule == RuleId::Pub004)
    };
    let (what, _) = deleted(&fired(&service).unwrap().remedy()).unwrap();
    assert!(delete(&mut service, "app", &what[0], None));
    assert_eq!(fired(&service), None);
    done.insert("PUB-004");
    for rule in all() {
        let id = rule.id.as_str();
        let elsewhere = id.starts_with(OUTBOUND) && !done.contains(id);
        let not = NOT_SHOWN.iter().any(|(not, _)| *not == id) || elsewhere;
        assert!(done.contains(id) != not, "{id}: shown {}, said not to be {not}", done.contains(id));
    }
}

/// Those that a flag, another name or the label of a network mends.
fn by_settings() -> [&'static str; 6] {
    // LBL-004: a reference to what another project shares, by the flag that is printed.
    let mut inventory = asking(topology());
    add(&mut inventory, "app2", "blog", &["net-proxy"]);
    let mut inventory = asking(inventory);
    app(&mut inventory, "app2").labels.insert("traefik.http.middlewares.x.headers.framedeny".into(), "true".into());
    app(&mut inventory, "app").labels.insert("traefik.http.routers.app.middlewares".into(), "x".into());
    flag("LBL-004", &inventory, "share-middleware");
    // LBL-008: an entry point for itself.
    let mut inventory = asking(topology());
    for (key, value) in [
        ("traefik.tcp.routers.db.rule", "HostSNI(`*`)"),
        ("traefik.tcp.routers.db.entrypoints", "db"),
        ("traefik.tcp.services.db.loadbalancer.server.port", "5432"),
    ] {
        app(&mut inventory, "app").labels.insert(key.into(), value.into());
    }
    flag("LBL-008", &inventory, "own-entrypoint");
    // TRF-007: nothing says which Traefik it is.
    let mut inventory = asking(topology());
    app(&mut inventory, "app").labels.insert("traefik.http.routers.app.observability.tracing".into(), "true".into());
    flag("TRF-007", &inventory, "traefik-version");
    // LBL-002 and LBL-003: the host is given to the network of one; the other one is refused, which is what is meant.
    let mut inventory = topology();
    inventory.networks.insert("net-blog".into(), made("net-blog", "bridge", true));
    add(&mut inventory, "app2", "blog", &["net-blog"]);
    let place = (*app(&mut inventory, "app2").attachments["net-blog"]).clone();
    app(&mut inventory, "traefik")
        .attachments
        .insert("net-blog".into(), crate::inventory::Attachment { ipv4: "172.30.9.99".parse().ok(), ..place }.into());
    let mut inventory = asking(inventory);
    app(&mut inventory, "app2").labels.insert("traefik.http.routers.app.rule".into(), "Host(`app.example.com`)".into());
    let settings = Settings::default();
    let before = compile(&inventory, &settings);
    let contested = of_rule(&before, RuleId::Lbl002);
    paste(&mut inventory, &contested[0].remedy(), "net-proxy");
    let later = compile(&inventory, &settings);
    assert_eq!(of_rule(&later, RuleId::Lbl002), []);
    let bound = of_rule(&later, RuleId::Lbl003);
    assert_eq!(refused(&later).into_iter().collect::<Vec<_>>(), [("app2".to_owned(), "LBL-003")]);
    // Or both: the remedy of the second gives it to its network too.
    let remedy = bound[0].remedy().into_owned();
    let (_, hosts) = remedy.split_once("leeward.hosts='").unwrap_or_else(|| panic!("{remedy}"));
    let hosts = hosts.split('\'').next().unwrap().to_owned();
    network(&mut inventory, "net-blog").labels.insert("leeward.hosts".into(), hosts);
    assert_eq!(of_rule(&compile(&inventory, &settings), RuleId::Lbl003), []);
    // LBL-017: two owners have the name of a forwardAuth address; the network's name behind it says which.
    let mut inventory = topology();
    add(&mut inventory, "auth", "stack", &["net-proxy"]);
    inventory.networks.insert("net-blog".into(), made("net-blog", "bridge", true));
    add(&mut inventory, "app2", "blog", &["net-blog"]);
    let mut place = app(&mut inventory, "app2").attachments["net-blog"].clone();
    app(&mut inventory, "app2").attachments.get_mut("net-blog").unwrap().aliases.insert("auth".into());
    place.ipv4 = "172.30.9.98".parse().ok();
    place.aliases.clear();
    app(&mut inventory, "traefik").attachments.insert("net-blog".into(), place);
    let mut inventory = asking(inventory);
    let label = "traefik.http.middlewares.a.forwardauth.address";
    app(&mut inventory, "app").labels.insert(label.into(), "http://auth:9091/".into());
    assert!(!of_rule(&compile(&inventory, &settings), RuleId::Lbl017).is_empty(), "LBL-017 does not fire");
    app(&mut inventory, "app").labels.insert(label.into(), "http://auth.net-proxy:9091/".into());
    assert_eq!(of_rule(&compile(&inventory, &settings), RuleId::Lbl017), []);
    ["LBL-004", "LBL-008", "TRF-007", "LBL-002", "LBL-003", "LBL-017"]
}

/// A rule is gone once Leeward is started with the flag that its remedy prints.
fn flag(id: &str, inventory: &Inventory, name: &str) {
    let settings = Settings::default();
    let rule: RuleId = id.parse().unwrap();
    let before = compile(inventory, &settings);
    let found = of_rule(&before, rule);
    assert!(!found.is_empty(), "{id} does not fire");
    let remedy = found[0].remedy().into_owned();
    let (_, value) = remedy.split_once(&format!("--{name} ")).unwrap_or_else(|| panic!("{id}: {remedy}"));
    let value = value.split_whitespace().next().unwrap();
    let later = compile(inventory, &settings.changed([(name, value)]).unwrap());
    assert_eq!(of_rule(&later, rule), [], "{id}: {remedy}");
    assert!(refused(&later).is_subset(&refused(&before)), "{id}: {:?}", refused(&later));
}
