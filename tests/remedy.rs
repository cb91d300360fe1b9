//! What `leeward fix` proposes: for any projects it leads to routed and isolated, or says what it cannot mend; and nobody
//! loses sight of anybody, or gains it, but where it is said.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};

use leeward::inventory::{Attachments, Binding, Container, Image, Inventory, Network};
use leeward::plan::{Outcome, compile};
use leeward::policy::names::Owner;
use leeward::remedy::{self, Change, Remedies, Remedy, Scope, What, Wishes};
use leeward::settings::{Isolation, Settings};

#[path = "support/dice.rs"]
mod dice;
#[path = "support/inventory.rs"]
mod pieces;

use dice::Dice;
use pieces::{attach, engine, network};

const PROJECTS: [&str; 3] = ["shop", "blog", "control"];
const SERVICES: [&str; 4] = ["app", "db", "worker", "admin"];
/// How many worlds are generated.
const WORLDS: u64 = 120;

/// A world of a few projects, by chance: default and named networks, external ones, ports, aliases, fixed addresses,
/// riders, privileges, and a Traefik that is declared, is not, or is nowhere.
fn world(seed: u64) -> Inventory {
    let dice = &mut Dice(seed);
    let mut inventory = engine();
    network(&mut inventory, "proxy", dice.one_in(4));
    inventory.images.insert("image".into(), Image::default());
    let mut known: Vec<String> = vec!["proxy".into()];
    if dice.one_in(5) {
        // Somebody has taken the name.
        network(&mut inventory, "net-shop", dice.one_in(2));
    }
    let mut address = 10_u32;
    for project in PROJECTS.iter().take(1 + dice.below(3)) {
        let mut own = Vec::new();
        for key in ["default", "back", "lan"].iter().take(1 + dice.below(3)) {
            let name = format!("{project}_{key}");
            network(&mut inventory, &name, dice.one_in(3));
            let network = inventory.networks.get_mut(name.as_str()).unwrap();
            network.labels.insert("com.docker.compose.project".into(), (*project).into());
            network.labels.insert("com.docker.compose.network".into(), (*key).into());
            network.subnets = vec![format!("172.{}.0.0/16", 30 + address % 200)];
            match dice.below(12) {
                0 => network.driver = "macvlan".into(),
                1 => network.ipv6 = true,
                2 => drop(network.options.insert("com.docker.network.bridge.name".into(), "br0".into())),
                _ => {}
            }
            own.push(name);
        }
        let mut first: Option<String> = None;
        for service in SERVICES.iter().take(1 + dice.below(4)) {
            let id = format!("{project}-{service}-1");
            let mut container = member(&id, project, service);
            let rides = first.as_ref().filter(|_| dice.one_in(8));
            if let Some(other) = rides {
                container.network_mode = format!("container:{other}");
            } else if dice.one_in(20) {
                container.network_mode = "host".into();
            } else {
                let mut networks: BTreeSet<String> = [dice_pick(dice, &own)].into();
                if dice.one_in(3) {
                    networks.insert(dice_pick(dice, &own));
                }
                if dice.one_in(3) {
                    networks.insert(dice_pick(dice, &known));
                }
                container.network_mode.clone_from(networks.first().unwrap());
                for name in networks {
                    address += 1;
                    let place = attach(
                        &mut container,
                        &name,
                        format!("172.30.{}.{}", address / 250, address % 250).parse().ok(),
                    );
                    place.aliases = [(*service).to_owned()].into();
                    if dice.one_in(5) {
                        place.aliases.insert(format!("{service}-alias"));
                    }
                    if dice.one_in(8) {
                        place.fixed = place.ipv4.into_iter().collect();
                    }
                }
            }
            if dice.one_in(2) {
                container.labels.insert("traefik.enable".into(), "true".into());
                let port = format!("traefik.http.services.{service}.loadbalancer.server.port");
                container.labels.insert(port, "80".into());
                container
                    .labels
                    .insert(format!("traefik.http.routers.{service}.rule"), format!("Host(`{id}.example.com`)"));
                if dice.one_in(3) {
                    container.labels.insert("traefik.docker.network".into(), "proxy".into());
                }
            }
            if dice.one_in(3) {
                let binding = Binding { host_ip: String::new(), host_port: "8080".into() };
                container.port_bindings.insert("80/tcp".into(), vec![binding]);
                container.ports = container.port_bindings.clone();
            }
            let confinement = &mut container.confinement;
            match dice.below(20) {
                0 => drop(confinement.cap_add.insert("NET_ADMIN".into())),
                1 => confinement.privileged = true,
                2 => confinement.devices.push("/dev/net/tun".into()),
                3 => confinement.pid_mode = "host".into(),
                4 => container.state = "exited".into(),
                5 => confinement.security_opt.push("seccomp=unconfined".into()),
                _ => {}
            }
            first.get_or_insert(id);
            inventory.put(container);
        }
        known.extend(own);
    }
    let traefik = dice.below(5);
    if traefik > 0 {
        let (project, service) = if traefik == 1 { (PROJECTS[0], "front") } else { ("traefik", "traefik") };
        let mut container = member("traefik", project, service);
        container.image = "traefik:v3.7".into();
        if traefik > 2 {
            container.labels.insert("leeward.traefik".into(), "true".into());
        }
        let networks: BTreeSet<String> = ["proxy".to_owned(), dice_pick(dice, &known)].into();
        container.network_mode.clone_from(networks.first().unwrap());
        for name in networks {
            address += 1;
            attach(&mut container, &name, format!("172.30.{}.{}", address / 250, address % 250).parse().ok());
        }
        inventory.put(container);
    }
    inventory
}

fn dice_pick(dice: &mut Dice, from: &[String]) -> String {
    let names: Vec<&str> = from.iter().map(String::as_str).collect();
    dice.pick(&names).to_owned()
}

fn member(id: &str, project: &str, service: &str) -> Container {
    let labels = [
        ("com.docker.compose.project", project),
        ("com.docker.compose.service", service),
        ("com.docker.compose.config-hash", id),
    ];
    Container {
        id: id.into(),
        name: id.into(),
        image: "image".into(),
        image_id: "image".into(),
        state: "running".into(),
        exposed_ports: ["80/tcp".to_owned()].into(),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..Container::default()
    }
}

fn project(container: &Container) -> &str {
    &container.labels["com.docker.compose.project"]
}

fn is_traefik(container: &Container) -> bool {
    container.labels.contains_key("leeward.traefik") || container.image.starts_with("traefik")
}

/// The container whose network one is on.
fn root<'i>(inventory: &'i Inventory, container: &'i Container) -> &'i Container {
    match container.network_mode.strip_prefix("container:") {
        Some(other) => root(inventory, &inventory.containers[other]),
        None => container,
    }
}

fn networks<'i>(inventory: &'i Inventory, container: &'i Container) -> &'i Attachments {
    &root(inventory, container).attachments
}

fn settings(isolation: Isolation) -> Settings {
    Settings { isolation, ..Settings::default() }
}

/// Every pair of containers that share a network, and the names of the second on it.
fn meetings(inventory: &Inventory) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut meetings: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let all = || inventory.containers.values().filter(|it| !is_traefik(it));
    for one in all() {
        for other in all().filter(|other| root(inventory, other).id != root(inventory, one).id) {
            for name in networks(inventory, one).keys() {
                if let Some(place) = networks(inventory, other).get(name) {
                    let names = meetings.entry((one.name.clone(), other.name.clone())).or_default();
                    names.extend(place.aliases.iter().cloned());
                }
            }
        }
    }
    meetings
}

/// What is said of an owner, in a few lines.
fn brief(remedy: &Remedy) -> String {
    let refusals = |list: &[leeward::policy::refusal::Refusal]| -> Vec<String> {
        list.iter().map(|it| it.name().to_owned()).collect()
    };
    let edits: Vec<String> = remedy.edits.iter().map(|it| format!("{:?}", it.what)).collect();
    let verdicts: Vec<String> = remedy
        .verdicts
        .iter()
        .map(|it| format!("{}: {:#?} -> {:#?}", it.container, refusals(&it.because), refusals(&it.left)))
        .collect();
    format!("{}\n{}\n{}\n{:?}", remedy.owner, edits.join("\n"), verdicts.join("\n"), remedy.choices)
}

fn check(seed: u64, inventory: &Inventory, isolation: Isolation) -> Remedies {
    let settings = settings(isolation);
    let remedies = remedy::plan(inventory, &settings, &Scope::Everything, &Wishes::default());
    let after = &remedies.after;
    let plan = compile(after, &settings);
    for remedy in &remedies.owners {
        for verdict in &remedy.verdicts {
            let decision = plan.decided().find(|it| it.name == verdict.container).unwrap();
            assert_eq!(decision.outcome, verdict.after, "{seed}: {verdict:?}");
            let runs = inventory.containers.values().any(|it| it.name == verdict.container && it.is_running());
            if remedy.proven && runs {
                assert_eq!(verdict.after, Outcome::Routed, "{seed}: {verdict:?}");
            }
            if runs && verdict.after != Outcome::Routed {
                assert!(!verdict.left.is_empty(), "{seed}: {verdict:?}");
            }
        }
        assert!(
            remedy.proven || !remedy.choices.is_empty() || isolation == Isolation::Strict,
            "{seed}: {}",
            brief(remedy)
        );
    }
    // Who shared a network of his project's shares one, by the same names. Who did not meet another project does not now.
    let (before, later) = (meetings(inventory), meetings(after));
    let project_of = |name: &str| project(inventory.containers.values().find(|it| it.name == name).unwrap());
    for ((one, other), names) in &before {
        if project_of(one) == project_of(other) {
            let found = later.get(&(one.clone(), other.clone()));
            assert!(found.is_some_and(|found| found.is_superset(names)), "{seed}: {one} {other} {names:?} {found:?}");
        }
    }
    for (one, other) in later.keys().filter(|(one, other)| project_of(one) != project_of(other)) {
        assert!(before.contains_key(&(one.clone(), other.clone())), "{seed}: {one} meets {other}");
    }
    // A network that is there is as it was; fixed addresses hold, or are said to be lost.
    for (id, network) in &inventory.networks {
        assert_eq!(after.networks.get(id), Some(network), "{seed}");
    }
    for container in inventory.containers.values() {
        let fixed = |it: &Container| it.attachments.values().flat_map(|it| it.fixed.to_vec()).collect::<BTreeSet<_>>();
        let now = &after.containers[container.id.as_str()];
        let lost = remedies.owners.iter().flat_map(|it| &it.lost);
        let said: BTreeSet<String> = lost
            .filter_map(|it| match it {
                remedy::Lost::Address { address, .. } => Some(address.clone()),
                _ => None,
            })
            .collect();
        for address in fixed(container).difference(&fixed(now)) {
            assert!(said.contains(&address.to_string()), "{seed}: {address}");
        }
    }
    remedies
}

#[test]
fn what_is_proposed_leads_to_routed_and_isolated_or_says_why_not() {
    let (mut mended, mut hard) = (0, 0);
    for seed in 0..WORLDS {
        let inventory = world(seed);
        let remedies = check(seed, &inventory, Isolation::Enforce);
        for remedy in &remedies.owners {
            if remedy.proven { mended += 1 } else { hard += 1 }
        }
        if seed % 3 == 0 {
            check(seed, &inventory, Isolation::Strict);
        }
    }
    // The worlds are worth something.
    assert!(mended > 90 && hard > 20, "{mended} {hard}");
}

#[test]
fn a_second_run_proposes_nothing() {
    for seed in 0..WORLDS {
        let inventory = world(seed);
        let first = check(seed, &inventory, Isolation::Enforce);
        let second = remedy::plan(&first.after, &settings(Isolation::Enforce), &Scope::Everything, &Wishes::default());
        let edits: Vec<_> = second.owners.iter().flat_map(|it| &it.edits).chain(&second.traefik).collect();
        assert!(
            edits.is_empty(),
            "{seed}: {edits:#?}\nafter {:#?}",
            first.owners.iter().map(brief).collect::<Vec<_>>().join("\n")
        );
    }
}

#[test]
fn nothing_of_another_project_is_touched() {
    for seed in 0..WORLDS {
        let inventory = world(seed);
        let scope = Scope::Owners([Owner::Group("shop".into())].into());
        let remedies = remedy::plan(&inventory, &settings(Isolation::Enforce), &scope, &Wishes::default());
        for container in inventory.containers.values().filter(|it| project(it) != "shop" && !is_traefik(it)) {
            assert_eq!(remedies.after.containers.get(&container.id), Some(container), "{seed}");
        }
        assert!(remedies.owners.iter().all(|it| it.owner == Owner::Group("shop".into())));
        for edit in &remedies.traefik {
            let What::Service { change, .. } = &edit.what else { continue };
            let joins = matches!(change, Change::Attach(_) | Change::Sysctl { .. } | Change::Label { .. });
            assert!(joins, "{seed}: {edit:?}");
        }
    }
}

#[test]
fn two_projects_with_a_service_of_one_name_stay_apart() {
    let mut inventory = engine();
    inventory.images.insert("image".into(), Image::default());
    network(&mut inventory, "proxy", false);
    for project in ["one", "two"] {
        let mut app = member(&format!("{project}-app-1"), project, "app");
        app.labels.insert("traefik.enable".into(), "true".into());
        app.labels.insert("traefik.http.routers.app.rule".into(), format!("Host(`{project}.example.com`)"));
        attach(&mut app, "proxy", "172.30.0.9".parse().ok());
        app.network_mode = "proxy".into();
        inventory.put(app);
    }
    let remedies = check(0, &inventory, Isolation::Enforce);
    let on: Vec<Vec<&String>> = remedies
        .after
        .containers
        .values()
        .filter(|it| !is_traefik(it))
        .map(|it| it.attachments.keys().collect())
        .collect();
    assert_eq!(on, [["net-one"], ["net-two"]]);
}

#[test]
fn a_reserved_or_taken_name_gets_a_number() {
    let mut inventory = engine();
    inventory.images.insert("image".into(), Image::default());
    network(&mut inventory, "proxy", false);
    let stranger = Network {
        name: "net-shop".into(),
        id: "net-shop".into(),
        driver: "bridge".into(),
        internal: true,
        ..Network::default()
    };
    inventory.networks.insert("net-shop".into(), stranger);
    for project in ["control", "shop"] {
        let mut app = member(&format!("{project}-app-1"), project, "app");
        app.labels.insert("traefik.enable".into(), "true".into());
        attach(&mut app, "proxy", "172.30.0.9".parse().ok());
        app.network_mode = "proxy".into();
        inventory.put(app);
    }
    let remedies = check(0, &inventory, Isolation::Enforce);
    let on: BTreeSet<&String> =
        remedies.after.containers.values().filter(|it| !is_traefik(it)).flat_map(|it| it.attachments.keys()).collect();
    assert_eq!(on.into_iter().collect::<Vec<_>>(), ["net-control-2", "net-shop-2"]);
}
