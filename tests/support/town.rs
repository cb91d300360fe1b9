//! Hosts as people have them, of any size, for what is drawn of them: projects with an application, a worker and a database.

use leeward::inventory::{Confinement, Container, Image, Inventory, Mount, Network};

use crate::inventory::{attach, engine, network};

/// Names of projects that sound like some; beyond, they get numbers.
const NAMES: [&str; 16] = [
    "nextcloud",
    "immich",
    "vaultwarden",
    "paperless",
    "jellyfin",
    "gitea",
    "grafana",
    "homeassistant",
    "mealie",
    "freshrss",
    "audiobookshelf",
    "wikijs",
    "uptime",
    "minio",
    "matrix",
    "authelia",
];

/// A container that nothing speaks against, on these networks.
pub(crate) fn container(project: &str, service: &str, networks: &[&str], at: usize) -> Container {
    let name = format!("{project}-{service}-1");
    let mut container = Container {
        id: format!("{at:012x}{}", "0".repeat(52)).into(),
        image: format!("{service}:1@sha256:abc"),
        image_id: "sha256:abc".into(),
        state: "running".into(),
        exposed_ports: ["8080/tcp".to_owned()].into(),
        network_mode: (*networks.first().unwrap_or(&"none")).to_owned(),
        confinement: Confinement {
            cap_drop: ["ALL".to_owned()].into(),
            security_opt: vec!["no-new-privileges:true".into()],
            readonly_rootfs: true,
            user: "1000:1000".into(),
            memory: 1 << 29,
            pids_limit: Some(200),
            log_driver: "json-file".into(),
            sysctls: [("net.ipv4.ip_forward".to_owned(), "0".to_owned())].into(),
            masked_paths: Some(vec!["/proc/acpi".into()]),
            readonly_paths: Some(vec!["/proc/bus".into()]),
            ..Confinement::default()
        },
        name,
        ..Container::default()
    };
    for (key, value) in [("project", project), ("service", service), ("config-hash", "abc")] {
        container.labels.insert(format!("com.docker.compose.{key}"), value.to_owned());
    }
    for network in networks {
        let [_, .., high, low] = (at + 2).to_be_bytes();
        attach(&mut container, network, Some([10, 0, high, low].into()));
    }
    container
}

/// Adds the labels that ask for a route.
pub(crate) fn asks(container: &mut Container, host: &str) {
    let service = container.labels.get("com.docker.compose.service").cloned().unwrap_or_default();
    container.labels.insert("traefik.enable".into(), "true".into());
    container.labels.insert(format!("traefik.http.routers.{service}.rule"), format!("Host(`{host}`)"));
}

/// A host with Traefik, Leeward and so many other containers, all of them shut in.
pub(crate) fn town(containers: usize) -> Inventory {
    let mut inventory = engine();
    inventory.engine.security_options =
        Some(["apparmor", "seccomp,profile=builtin", "cgroupns"].map(|it| format!("name={it}")).to_vec());
    inventory.engine.firewall = Some("iptables".into());
    inventory.images.insert("sha256:abc".into(), Image::default());
    network(&mut inventory, "net-exposed", false);
    network(&mut inventory, "net-control", true);
    let mut doors = vec!["net-exposed".to_owned(), "net-control".to_owned()];
    let mut put = Vec::new();
    for at in 0..containers {
        let number = at / 3;
        let project = match NAMES.get(number) {
            Some(name) => (*name).to_owned(),
            None => format!("project{number:02}"),
        };
        let (proxy, inner) = (format!("net-{project}"), format!("{project}_internal"));
        if at % 3 == 0 {
            network(&mut inventory, &proxy, true);
            network(&mut inventory, &inner, true);
            doors.push(proxy.clone());
        }
        let mut container = match at % 3 {
            0 => container(&project, "web", &[&proxy, &inner], at),
            1 => container(&project, "api", &[&proxy, &inner], at),
            _ => container(&project, "db", &[&inner], at),
        };
        match at % 3 {
            0 => asks(&mut container, &format!("{project}.example.com")),
            1 => asks(&mut container, &format!("api.{project}.example.com")),
            _ => {}
        }
        put.push(container);
    }
    let doors: Vec<&str> = doors.iter().map(String::as_str).collect();
    let mut traefik = container("front", "traefik", &doors, 60_000);
    traefik.labels.insert("leeward.traefik".into(), "true".into());
    let mut own = container("front", "leeward", &["net-control"], 60_001);
    own.image = "leeward:1@sha256:abc".into();
    put.extend([traefik, own]);
    for container in put {
        inventory.put(container);
    }
    inventory
}

/// A container of that name.
pub(crate) fn named<'i>(inventory: &'i mut Inventory, name: &str) -> &'i mut Container {
    let id = inventory.containers.values().find(|it| it.name == name).unwrap().id.clone();
    inventory.container_mut(id.as_str()).unwrap()
}

/// A host on which much is wrong: each way out looks shut at a glance.
pub(crate) fn bad() -> Inventory {
    let mut inventory = town(6);
    // Internal by its flag, and on the wire all the same.
    let macvlan = Network {
        id: "lan".into(),
        name: "lan".into(),
        driver: "macvlan".into(),
        internal: true,
        options: [("parent".to_owned(), "eth0".to_owned())].into(),
        ..Network::default()
    };
    inventory.networks.insert(macvlan.id.clone(), macvlan);
    network(&mut inventory, "legacy_default", false);
    let mut all = Vec::new();
    for (at, (project, networks)) in [
        ("pihole", &["net-nextcloud", "lan"][..]),
        ("portainer", &["net-nextcloud"]),
        ("legacy", &["legacy_default"]),
        ("scanner", &["net-immich"]),
        ("exposed", &["net-exposed", "net-immich"]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut container = container(project, "web", networks, 100 + at);
        asks(&mut container, &format!("{project}.example.com"));
        all.push(container);
    }
    let socket = "/var/run/docker.sock";
    all[1].mounts.push(Mount {
        kind: "bind".into(),
        source: socket.into(),
        destination: socket.into(),
        ..Mount::default()
    });
    all[3].confinement.privileged = true;
    all[3].labels.insert("leeward.allow".into(), "PRV-001,PRV-002,PRV-003,PRV-004,PRV-005,PRV-009".into());
    let mut host = container("metrics", "exporter", &[], 120);
    host.network_mode = "host".into();
    asks(&mut host, "metrics.example.com");
    all.push(host);
    for container in all {
        inventory.put(container);
    }
    inventory
}
