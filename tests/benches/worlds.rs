//! Inventories of any size, as a busy host would have them: one project for every four containers, three of them
//! routed, each project with a proxy network and a private one. And worlds of which one thing is many.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each benchmark has some of them, and all are as they are made here"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use leeward::inventory::{Attachment, Confinement, Container, Engine, Image, Inventory, Network};

/// An inventory of `count` containers, all routed but every fourth, and a declared Traefik.
pub(crate) fn inventory(count: usize) -> Inventory {
    let mut inventory = Inventory {
        engine: Engine {
            product: "Engine".into(),
            version: "29.1.0".into(),
            api_version: "1.52".into(),
            gwbridge_members: Some([].into()),
            ..Engine::default()
        },
        ..Inventory::default()
    };
    let labels = BTreeMap::from([("org.opencontainers.image.version".to_owned(), "v3.7.15".to_owned())]);
    inventory.images.insert("sha256:traefik".into(), Image { labels, problem: None });
    inventory.images.insert("sha256:app".into(), Image::default());
    let mut traefik = Container {
        id: id(u64::MAX).into(),
        name: "traefik".into(),
        image_id: "sha256:traefik".into(),
        labels: [("leeward.traefik".to_owned(), "true".to_owned())].into(),
        state: "running".into(),
        ..Container::default()
    };
    for at in 0..count {
        let project = format!("project{:05}", at / 4);
        let (proxy, private) = (format!("{project}_proxy"), format!("{project}_private"));
        if at % 4 == 0 {
            for (name, offset) in [(&proxy, 0), (&private, 1)] {
                let network = network(name, at * 2 + offset);
                inventory.networks.insert(network.id.clone(), network);
            }
            traefik.attachments.insert(proxy.clone(), attachment(&proxy, at * 2, 2).into());
        }
        let container = container(at, &project, &proxy, &private);
        inventory.put(container);
    }
    inventory.put(traefik);
    inventory
}

/// Four containers, the first with `count` routers more.
pub(crate) fn routers(count: usize) -> Inventory {
    let label = |at: usize| (format!("traefik.http.routers.r{at}.rule"), format!("Host(`r{at}.example.com`)"));
    with_labels((3..count).map(label))
}

/// Four containers, the first with a router of `count` hosts.
pub(crate) fn hosts(count: usize) -> Inventory {
    let hosts: Vec<String> = (0..count).map(|at| format!("Host(`h{at}.example.com`)")).collect();
    with_labels([("traefik.http.routers.svc0.rule".to_owned(), hosts.join(" || "))])
}

fn with_labels(labels: impl IntoIterator<Item = (String, String)>) -> Inventory {
    let mut inventory = inventory(4);
    let first = inventory.containers.values().find(|it| it.name.ends_with("svc0-1")).unwrap().id.clone();
    inventory.container_mut(first.as_str()).unwrap().labels.extend(labels);
    inventory
}

/// Four containers, and `count` networks that nobody is on.
pub(crate) fn networks(count: usize) -> Inventory {
    let mut inventory = inventory(4);
    for number in 16..count {
        let network = network(&format!("n{number}"), number);
        inventory.networks.insert(network.id.clone(), network);
    }
    inventory
}

/// Four containers, the first on `count` networks, as Traefik is.
pub(crate) fn attachments(count: usize) -> Inventory {
    let mut inventory = networks(count);
    let on = |number: usize, host| (format!("n{number}"), attachment(&format!("n{number}"), number, host).into());
    for container in inventory.containers.values_mut() {
        let host = if container.name == "traefik" { 2 } else { 3 };
        if host == 2 || container.name.ends_with("svc0-1") {
            Arc::make_mut(container).attachments.extend((16..count).map(|number| on(number, host)));
        }
    }
    inventory
}

/// Containers that each have what the rules warn of.
pub(crate) fn findings(count: usize) -> Inventory {
    let mut inventory = inventory(count);
    for container in inventory.containers.values_mut() {
        Arc::make_mut(container).confinement = Confinement::default();
    }
    inventory
}

/// Containers that are all on one network, and all routed.
pub(crate) fn neighbours(count: usize) -> Inventory {
    let mut inventory = inventory(4);
    let proxy = inventory.networks.values().find(|it| it.name.ends_with("_proxy")).unwrap().name.clone();
    for at in 4..=count {
        let mut container = container(at / 3 * 4 + at % 3, &format!("project{at}"), &proxy, "none");
        container.attachments = [(proxy.clone(), attachment(&proxy, 0, 9).into())].into();
        inventory.put(container);
    }
    inventory
}

/// One container says something else than before.
pub(crate) fn change(inventory: &mut Inventory, port: u16) {
    let id = inventory.containers.keys().next().unwrap().clone();
    let container = inventory.container_mut(id.as_str()).unwrap();
    container.labels.insert("traefik.http.services.x.loadbalancer.server.port".into(), port.to_string());
}

/// An id as an engine would give: 64 hex digits of which the first few tell it from any other.
fn id(number: u64) -> String {
    // Source: SplitMix64, its last step.
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    format!("{:016x}{:048x}", mixed ^ (mixed >> 31), number)
}

/// Apart from the containers' numbers.
fn network_number(number: usize) -> u64 {
    1 << 40 | number as u64
}

fn network(name: &str, number: usize) -> Network {
    Network {
        id: id(network_number(number)).into(),
        name: name.to_owned(),
        driver: "bridge".into(),
        scope: "local".into(),
        internal: true,
        options: [("com.docker.network.bridge.gateway_mode_ipv4".to_owned(), "isolated".to_owned())].into(),
        subnets: vec![format!("10.{}.{}.0/24", number / 256 % 256, number % 256)],
        ..Network::default()
    }
}

fn attachment(network: &str, number: usize, host: usize) -> Attachment {
    Attachment {
        network: network.to_owned(),
        network_id: id(network_number(number)).into(),
        ipv4: format!("10.{}.{}.{host}", number / 256 % 256, number % 256).parse().ok(),
        ..Attachment::default()
    }
}

fn container(at: usize, project: &str, proxy: &str, private: &str) -> Container {
    let member = at % 4;
    let service = format!("svc{member}");
    let mut labels = BTreeMap::from([
        ("com.docker.compose.project".to_owned(), project.to_owned()),
        ("com.docker.compose.service".to_owned(), service.clone()),
        ("com.docker.compose.config-hash".to_owned(), format!("{at:064x}")),
    ]);
    let base = at / 4 * 8;
    let mut attachments = BTreeMap::from([(private.to_owned(), attachment(private, base + 1, member + 3).into())]);
    if member != 3 {
        labels.extend([
            ("traefik.enable".to_owned(), "true".to_owned()),
            (format!("traefik.http.routers.{service}.rule"), format!("Host(`{service}.{project}.example.com`)")),
            (format!("traefik.http.routers.{service}.middlewares"), "secure".to_owned()),
            ("traefik.http.middlewares.secure.headers.stsseconds".to_owned(), "31536000".to_owned()),
            (format!("traefik.http.services.{service}.loadbalancer.server.port"), "8080".to_owned()),
        ]);
        attachments.insert(proxy.to_owned(), attachment(proxy, base, member + 3).into());
    }
    Container {
        id: id(at as u64).into(),
        name: format!("{project}-{service}-1"),
        image: "app:1".into(),
        image_id: "sha256:app".into(),
        labels,
        state: "running".into(),
        attachments,
        exposed_ports: ["8080/tcp".to_owned()].into(),
        confinement: Confinement {
            cap_drop: ["ALL".to_owned()].into(),
            sysctls: [("net.ipv4.ip_forward".to_owned(), "0".to_owned())].into(),
            masked_paths: Some(vec!["/proc/acpi".into()]),
            readonly_paths: Some(vec!["/proc/bus".into()]),
            security_opt: vec!["no-new-privileges:true".into()],
            ..Confinement::default()
        },
        ..Container::default()
    }
}
