//! Every rule in two inventories: one where it fires, and one, as like it as can be, where it does not.

use std::collections::{BTreeMap, BTreeSet};

use super::volumes::{self, Way};
use super::{Check, Judgement, Standing, all, judge};
use crate::inventory::{
    Attachment, Binding, Confinement, Container, ContainerId, Image, Inventory, Mount, Network, SocketAccess, Swarm,
    Unreadable, Volume,
};
use crate::plan::{Decision, compile};
use crate::policy::cause::Cause;
use crate::policy::context::Context;
use crate::policy::finding::{Action, Finding, Severity, Subject};
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId;
use crate::report::picture;
use crate::report::topology::{Link, State, Topology};
use crate::report::words::{Remedy as _, Words};
use crate::settings::{Isolation, Settings};

/// The reference topology, hardened: no rule fires on it but those that say what cannot be known.
///
/// `traefik` on `net-exposed`, `net-control` and `net-proxy`; `app` (the one that asks) on `net-proxy` and
/// `net-internal`; `db` on `net-internal`; `leeward` on `net-control`.
pub(super) fn topology() -> Inventory {
    let mut inventory = Inventory::default();
    inventory.engine.product = "Engine".into();
    inventory.engine.version = "29.1.0".into();
    inventory.engine.security_options =
        Some(["apparmor", "seccomp,profile=builtin", "cgroupns"].map(|it| format!("name={it}")).to_vec());
    inventory.engine.gwbridge_members = Some(BTreeSet::new());
    inventory.engine.root_dir = Some("/var/lib/docker".into());
    inventory.engine.firewall = Some("iptables".into());
    for (at, (name, internal)) in
        [("net-control", true), ("net-exposed", false), ("net-internal", true), ("net-proxy", true)]
            .into_iter()
            .enumerate()
    {
        let mut network = Network {
            id: name.into(),
            name: name.into(),
            driver: "bridge".into(),
            scope: "local".into(),
            internal,
            subnets: vec![format!("172.30.{at}.0/24")],
            ..Network::default()
        };
        let mode = "com.docker.network.bridge.gateway_mode_ipv4";
        network.options.insert(mode.into(), "isolated".into());
        inventory.networks.insert(network.id.clone(), network);
    }
    for (name, networks) in [
        ("traefik", &["net-exposed", "net-control", "net-proxy"][..]),
        ("leeward", &["net-control"]),
        ("app", &["net-proxy", "net-internal"]),
        ("db", &["net-internal"]),
    ] {
        add(&mut inventory, name, "stack", networks);
    }
    app(&mut inventory, "traefik").labels.insert("leeward.traefik".into(), "true".into());
    app(&mut inventory, "leeward").image = "registry.example/leeward:1@sha256:abc".into();
    inventory
}

/// Adds a hardened container of a project.
pub(super) fn add(inventory: &mut Inventory, name: &str, project: &str, networks: &[&str]) {
    let host = inventory.containers.len() + 2;
    let mut container = Container {
        id: name.into(),
        name: name.into(),
        image: format!("{name}:1@sha256:abc"),
        image_id: "sha256:abc".into(),
        state: "running".into(),
        started_at: "2026-11-24T03:00:00Z".into(),
        network_mode: (*networks.first().unwrap_or(&"none")).to_owned(),
        labels: labels(&[("com.docker.compose.project", project), ("com.docker.compose.config-hash", name)]),
        ..Container::default()
    };
    for network in networks {
        let third = inventory.networks.keys().position(|id| id.as_str() == *network).unwrap_or(9);
        let attachment = Attachment {
            network: (*network).into(),
            network_id: (*network).into(),
            ipv4: format!("172.30.{third}.{host}").parse().ok(),
            aliases: [name.to_owned()].into(),
            ..Attachment::default()
        };
        container.attachments.insert((*network).into(), attachment.into());
    }
    let confinement = &mut container.confinement;
    confinement.cap_drop = ["ALL".to_owned()].into();
    confinement.security_opt = vec!["no-new-privileges:true".into()];
    confinement.readonly_rootfs = true;
    confinement.user = "1000:1000".into();
    confinement.memory = 1 << 29;
    confinement.pids_limit = Some(200);
    confinement.log_driver = "json-file".into();
    confinement.sysctls = labels(&[("net.ipv4.ip_forward", "0")]);
    inventory.images.insert(container.image_id.clone(), Image::default());
    inventory.put(container);
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn app<'a>(inventory: &'a mut Inventory, name: &str) -> &'a mut Container {
    inventory.container_mut(name).unwrap()
}

pub(super) fn network<'a>(inventory: &'a mut Inventory, name: &str) -> &'a mut Network {
    inventory.networks.get_mut(name).unwrap()
}

/// So many networks in Docker's own pools, which hold 31; the `/24` among them take a whole range each.
fn many_networks(inventory: &mut Inventory, count: usize) {
    let large = (17..32).map(|second| format!("172.{second}.0.0/16"));
    let small = (0..16).map(|part| format!("192.168.{}.0/24", part * 16));
    for (number, subnet) in large.chain(small).take(count).enumerate() {
        let name = format!("pool-{number}");
        let network = Network { subnets: vec![subnet], ..made(&name, "bridge", true) };
        inventory.networks.insert(network.id.clone(), network);
    }
}

/// Attaches `name` to a network, made if it is not there.
fn attach(inventory: &mut Inventory, name: &str, network: Network) {
    let attachment = Attachment {
        network: network.name.clone(),
        network_id: network.id.clone(),
        ipv4: "10.9.9.9".parse().ok(),
        ..Attachment::default()
    };
    app(inventory, name).attachments.insert(network.name.clone(), attachment.into());
    inventory.networks.insert(network.id.clone(), network);
}

pub(super) fn made(name: &str, driver: &str, internal: bool) -> Network {
    Network {
        id: name.into(),
        name: name.into(),
        driver: driver.into(),
        internal,
        options: labels(&[("com.docker.network.bridge.gateway_mode_ipv4", "isolated")]),
        ..Network::default()
    }
}

fn mount(inventory: &mut Inventory, source: &str, writable: bool) {
    bind(inventory, "app", source, writable);
}

/// A Swarm task on a node, with a volume, as a manager on node `n1` knows it.
fn of_node(inventory: &mut Inventory, node: &str) {
    inventory.engine.swarm_node = Some("n1".into());
    volume(inventory, "app", "data", true);
    app(inventory, "app").swarm =
        Some(Swarm { task: Some("1".into()), only_node: Some(node.into()), ..Swarm::default() });
}

fn bind(inventory: &mut Inventory, who: &str, source: &str, writable: bool) {
    let mount = Mount { kind: "bind".into(), source: source.into(), writable, ..Mount::default() };
    app(inventory, who).mounts.push(mount);
}

fn volume(inventory: &mut Inventory, who: &str, name: &str, writable: bool) {
    let source = format!("/var/lib/docker/volumes/{name}/_data");
    let mount = Mount { kind: "volume".into(), source, name: name.into(), writable, ..Mount::default() };
    app(inventory, who).mounts.push(mount);
    inventory.volumes.entry(name.into()).or_default();
}

fn hidden_bind(inventory: &mut Inventory, device: &str) {
    volume(inventory, "app", "data", true);
    let volume = Volume { driver: "local".into(), kind: "none".into(), bind: true, device: device.into() };
    inventory.volumes.insert("data".into(), volume);
}

fn read_only(inventory: &mut Inventory, device: &str) {
    hidden_bind(inventory, device);
    app(inventory, "app").mounts.iter_mut().for_each(|mount| mount.writable = false);
}

/// A volume that is a file system of some kind.
fn mounted(inventory: &mut Inventory, kind: &str) {
    volume(inventory, "app", "data", true);
    let volume = Volume { driver: "local".into(), kind: kind.into(), ..Volume::default() };
    inventory.volumes.insert("data".into(), volume);
}

fn binding(ip: &str) -> BTreeMap<String, Vec<Binding>> {
    [("80/tcp".to_owned(), vec![Binding { host_ip: ip.into(), host_port: "8080".into() }])].into()
}

/// The place of `app` in the inventory: no id comes before it.
const APP: usize = 0;

pub(super) fn judged(inventory: &Inventory, settings: &Settings) -> Judgement {
    let context = Context::of(inventory, settings);
    assert_eq!(context.find("app"), Some(APP));
    let asks = |id: &ContainerId| ["app", "app2", "traefik"].contains(&id.as_str());
    let asked: Vec<bool> = inventory.containers.keys().map(asks).collect();
    judge(&context, &asked)
}

fn fired(change: fn(&mut Inventory)) -> Vec<Finding> {
    let mut inventory = topology();
    change(&mut inventory);
    judged(&inventory, &Settings::default()).findings
}

/// Traefik's project has a network for the application's, which was started from these files and is not on it.
fn left_behind(inventory: &mut Inventory, files: &str) {
    let mut network = made("net-stack", "bridge", true);
    network.labels = labels(&[("com.docker.compose.project", "stack")]);
    attach(inventory, "traefik", network);
    let app = app(inventory, "app");
    app.labels.insert("com.docker.compose.project.config_files".into(), files.into());
    app.labels.insert("com.docker.compose.project.working_dir".into(), "/srv/stack".into());
}

/// The same on Podman: it shows no sysctl, and of capabilities what was dropped of its own default set.
fn podman(inventory: &mut Inventory) {
    inventory.engine.product = "Podman Engine".into();
    inventory.engine.version = "5.8.6".into();
    for network in inventory.networks.values_mut() {
        network.options.clear();
        network.gateways = vec!["172.30.0.1".into()];
    }
    let names: Vec<String> = inventory.containers.values().map(|container| container.name.clone()).collect();
    for name in names {
        let confinement = &mut app(inventory, &name).confinement;
        confinement.sysctls.clear();
        let own = "CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT";
        confinement.cap_drop = own.split(' ').map(str::to_owned).collect();
    }
}

/// A rule, what makes it fire, and what comes as near as can be without.
pub(super) type Pair = (&'static str, fn(&mut Inventory), fn(&mut Inventory));

pub(super) const PAIRS: &[Pair] = &[
    (
        "NET-001",
        |i| attach(i, "app", made("default", "bridge", false)),
        |i| attach(i, "app", made("more", "bridge", true)),
    ),
    ("NET-002", |i| app(i, "app").network_mode = "host".into(), |i| app(i, "db").network_mode = "host".into()),
    (
        "NET-003",
        |i| {
            add(i, "vpn", "stack", &["net-exposed"]);
            app(i, "app").network_mode = "container:vpn".into();
            app(i, "app").attachments.clear();
        },
        |i| {
            app(i, "app").network_mode = "container:db".into();
            app(i, "app").attachments.clear();
        },
    ),
    (
        "NET-004",
        |i| attach(i, "app", made("bridge", "bridge", false)),
        |i| attach(i, "app", made("bridge2", "bridge", true)),
    ),
    (
        "NET-005",
        |i| {
            let mut lan = made("lan", "macvlan", true);
            lan.options.insert("parent".into(), "eth0".into());
            attach(i, "app", lan);
        },
        |i| attach(i, "app", made("lan", "macvlan", true)),
    ),
    (
        "NET-006",
        |i| attach(i, "app", made("plugin", "weave", true)),
        |i| attach(i, "db", made("plugin", "weave", true)),
    ),
    (
        "NET-007",
        |i| {
            let mut ingress = made("ingress", "overlay", true);
            ingress.ingress = true;
            attach(i, "app", ingress);
        },
        |i| attach(i, "app", made("over", "overlay", true)),
    ),
    (
        "NET-008",
        |i| {
            attach(i, "app", made("over", "overlay", true));
            i.engine.gwbridge_members = Some(["app".to_owned()].into());
        },
        |i| {
            attach(i, "app", made("over", "overlay", true));
            i.engine.gwbridge_members = Some(["other".to_owned()].into());
        },
    ),
    ("NET-010", |i| add(i, "app2", "blog", &["net-proxy"]), |i| add(i, "app2", "stack", &["net-proxy"])),
    (
        "NET-011",
        |i| attach(i, "db", made("default", "bridge", false)),
        // Not a neighbour of anything that asked.
        |i| add(i, "backup", "stack", &["net-exposed", "net-control"]),
    ),
    (
        "EGR-025",
        |i| {
            attach(i, "db", made("default", "bridge", false));
            app(i, "db").labels.insert("leeward.egress".into(), "proxy".into());
        },
        // Nobody who asked is beside it.
        |i| {
            add(i, "squid", "stack", &["net-exposed"]);
            app(i, "squid").labels.insert("leeward.egress".into(), "proxy".into());
        },
    ),
    (
        "NET-012",
        |i| app(i, "app").confinement.sysctls.clear(),
        // On one network alone nothing is forwarded.
        |i| app(i, "db").confinement.sysctls.clear(),
    ),
    (
        "NET-013",
        |i| app(i, "db").confinement.cap_drop.clear(),
        |i| app(i, "db").confinement.cap_drop = ["CAP_NET_RAW".to_owned()].into(),
    ),
    (
        "NET-014",
        |i| app(i, "app").confinement.cap_add = ["CAP_NET_ADMIN".to_owned()].into(),
        |i| app(i, "app").confinement.cap_add = ["NET_BIND_SERVICE".to_owned()].into(),
    ),
    (
        "NET-015",
        |i| network(i, "net-proxy").options.clear(),
        |i| {
            let inhibit = labels(&[("com.docker.network.bridge.inhibit_ipv4", "true")]);
            network(i, "net-proxy").options = inhibit;
        },
    ),
    (
        "NET-016",
        |i| {
            network(i, "net-proxy").ipv6 = true;
            i.engine.version = "26.1.4".into();
        },
        |i| network(i, "net-proxy").ipv6 = true,
    ),
    (
        "NET-017",
        |i| network(i, "net-proxy").ipv6 = true,
        |i| {
            network(i, "net-proxy").ipv6 = true;
            let mode = "com.docker.network.bridge.gateway_mode_ipv6";
            network(i, "net-proxy").options.insert(mode.into(), "isolated".into());
        },
    ),
    (
        "NET-018",
        |i| {
            network(i, "net-proxy").options.insert("com.docker.network.bridge.enable_icc".into(), "false".into());
        },
        |i| {
            network(i, "net-internal").options.insert("com.docker.network.bridge.enable_icc".into(), "false".into());
        },
    ),
    (
        "NET-019",
        |i| {
            network(i, "net-proxy").driver = "overlay".into();
            network(i, "net-proxy").attachable = true;
        },
        |i| network(i, "net-proxy").driver = "overlay".into(),
    ),
    (
        "NET-021",
        |i| {
            add(i, "app2", "blog", &["net-proxy"]);
            let place = app(i, "app2").attachments.get_mut("net-proxy").unwrap();
            place.aliases.insert("app".into());
        },
        // Two of one owner: the engine's own load balancing.
        |i| {
            add(i, "app2", "stack", &["net-proxy"]);
            let place = app(i, "app2").attachments.get_mut("net-proxy").unwrap();
            place.aliases.insert("app".into());
        },
    ),
    (
        "NET-022",
        |i| app(i, "app").confinement.extra_hosts = vec!["host.docker.internal:host-gateway".into()],
        |i| app(i, "app").confinement.extra_hosts = vec!["db:172.30.2.5".into(), "me:127.0.0.1".into()],
    ),
    (
        "NET-023",
        |i| network(i, "net-proxy").subnets = vec!["10.0.0.0/8".into()],
        |i| network(i, "net-proxy").subnets = vec!["10.1.0.0/16".into(), "fd00::/48".into()],
    ),
    (
        "NET-024",
        |i| drop(app(i, "db").confinement.sysctls.insert("net.ipv4.conf.all.rp_filter".into(), "0".into())),
        |i| drop(app(i, "db").confinement.sysctls.insert("net.ipv4.conf.all.rp_filter".into(), "1".into())),
    ),
    (
        "NET-025",
        |i| drop(network(i, "net-proxy").labels.insert("leeward.host".into(), "a.example".into())),
        |i| drop(network(i, "net-proxy").labels.insert("leeward.hosts".into(), "a.example".into())),
    ),
    (
        "NET-026",
        |i| drop(network(i, "net-proxy").options.insert("com.docker.network.bridge.name".into(), "br0".into())),
        |i| drop(network(i, "net-exposed").options.insert("com.docker.network.bridge.name".into(), "br0".into())),
    ),
    ("NET-027", |i| network(i, "net-proxy").assumed = true, |i| network(i, "net-exposed").assumed = true),
    ("NET-028", podman, |_| {}),
    (
        "NET-029",
        |i| left_behind(i, "/srv/stack/compose.yaml"),
        |i| {
            left_behind(i, "/srv/stack/compose.yaml,/srv/stack/compose.leeward.yaml");
        },
    ),
    (
        "NET-030",
        |i| app(i, "db").confinement.privileged = true,
        // Traefik's own power is for the rules about Traefik.
        |i| app(i, "traefik").confinement.privileged = true,
    ),
    ("PUB-001", |i| app(i, "app").ports = binding("0.0.0.0"), |i| app(i, "db").ports = binding("0.0.0.0")),
    ("PUB-002", |i| app(i, "app").ports = binding("127.0.0.1"), |i| app(i, "app").ports = binding("::")),
    (
        "PUB-003",
        |i| app(i, "app").port_bindings = binding(""),
        |i| app(i, "app").exposed_ports = ["80/tcp".into()].into(),
    ),
    (
        "PUB-004",
        |i| {
            let (task, publish_modes) = (Some("1".into()), ["host".into()].into());
            app(i, "app").swarm = Some(Swarm { task, publish_modes, ..Swarm::default() });
        },
        |i| app(i, "app").swarm = Some(Swarm { task: Some("1".into()), ..Swarm::default() }),
    ),
    ("PRV-001", |i| app(i, "app").confinement.privileged = true, |i| app(i, "db").confinement.privileged = true),
    ("PRV-002", |i| mount(i, "/var/run/docker.sock", false), |i| mount(i, "/etc/localtime", false)),
    (
        "PRV-003",
        |i| app(i, "app").confinement.cap_add = ["sys_admin".into()].into(),
        |i| app(i, "app").confinement.cap_add = ["SYS_TIME".into()].into(),
    ),
    (
        "PRV-004",
        |i| app(i, "app").confinement.cap_add = ["SYS_TIME".into()].into(),
        |i| app(i, "app").confinement.cap_add = ["CAP_CHOWN".into()].into(),
    ),
    (
        "PRV-005",
        |i| app(i, "app").confinement.pid_mode = "host".into(),
        |i| app(i, "app").confinement.pid_mode = "private".into(),
    ),
    (
        "PRV-006",
        |i| app(i, "app").confinement.pid_mode = "container:traefik".into(),
        |i| app(i, "app").confinement.pid_mode = "container:db".into(),
    ),
    (
        "PRV-007",
        |i| app(i, "app").confinement.ipc_mode = "host".into(),
        |i| app(i, "app").confinement.ipc_mode = "shareable".into(),
    ),
    (
        "PRV-008",
        |i| app(i, "app").confinement.uts_mode = "host".into(),
        |i| app(i, "app").confinement.uts_mode = String::new(),
    ),
    (
        "PRV-009",
        |i| {
            app(i, "app").confinement.userns_mode = "host".into();
            i.engine.security_options = Some(vec!["name=seccomp".into(), "name=userns".into()]);
        },
        |i| app(i, "app").confinement.userns_mode = "host".into(),
    ),
    (
        "PRV-010",
        |i| app(i, "app").confinement.devices = vec!["/dev/sda".into()],
        |i| app(i, "app").confinement.devices = vec!["/dev/dri".into()],
    ),
    (
        "PRV-011",
        |i| app(i, "app").confinement.devices = vec!["/dev/dri".into()],
        |i| app(i, "app").confinement.devices = vec!["/dev/sda".into()],
    ),
    (
        "PRV-012",
        |i| app(i, "app").confinement.security_opt.push("seccomp=unconfined".into()),
        |i| app(i, "app").confinement.security_opt.push(r#"seccomp={"defaultAction":"SCMP_ACT_ERRNO"}"#.into()),
    ),
    (
        "PRV-013",
        |i| app(i, "app").confinement.apparmor_profile = "unconfined".into(),
        |i| app(i, "app").confinement.apparmor_profile = "docker-default".into(),
    ),
    (
        "PRV-014",
        |i| app(i, "app").confinement.security_opt.push("label=disable".into()),
        |i| app(i, "app").confinement.security_opt.push("label=level:s0".into()),
    ),
    (
        "PRV-015",
        |i| app(i, "app").confinement.masked_paths = Some(vec![]),
        |i| app(i, "app").confinement.masked_paths = None,
    ),
    ("PRV-016", |i| mount(i, "/etc", true), |i| mount(i, "/home/u/app/data", true)),
    (
        "PRV-017",
        |i| {
            mount(i, "/mnt/media", false);
            app(i, "app").mounts.iter_mut().for_each(|mount| mount.propagation = "rshared".into());
        },
        |i| mount(i, "/mnt/media", false),
    ),
    (
        "PRV-018",
        |i| app(i, "app").confinement.security_opt.clear(),
        |i| app(i, "app").confinement.security_opt = vec!["no-new-privileges".into()],
    ),
    (
        "PRV-019",
        |i| app(i, "app").confinement.readonly_rootfs = false,
        |i| app(i, "db").confinement.readonly_rootfs = false,
    ),
    ("PRV-020", |i| app(i, "app").confinement.user = "0:0".into(), |i| app(i, "app").confinement.user = "app".into()),
    ("PRV-021", |i| app(i, "app").confinement.pids_limit = Some(-1), |i| app(i, "db").confinement.pids_limit = None),
    (
        "PRV-022",
        |i| app(i, "app").confinement.cgroupns_mode = "host".into(),
        |i| app(i, "app").confinement.cgroupns_mode = "private".into(),
    ),
    (
        "PRV-023",
        |i| app(i, "app").confinement.group_add = vec!["docker".into()],
        |i| app(i, "app").confinement.group_add = vec!["100".into()],
    ),
    (
        "PRV-024",
        |i| app(i, "db").confinement.pid_mode = "host".into(),
        |i| app(i, "db").confinement.pid_mode = "private".into(),
    ),
    (
        "PRV-025",
        |i| app(i, "app").confinement.annotations = ["org.systemd.property.Conflicts".into()].into(),
        |i| app(i, "app").confinement.annotations.clear(),
    ),
    (
        "VOL-001",
        |i| {
            add(i, "sync", "stack", &["net-exposed"]);
            volume(i, "app", "data", true);
            volume(i, "sync", "data", false);
        },
        |i| {
            add(i, "sync", "stack", &["net-exposed"]);
            volume(i, "app", "data", false);
            volume(i, "sync", "data", true);
        },
    ),
    ("VOL-002", |i| hidden_bind(i, "/var/run"), |i| volume(i, "app", "data", true)),
    (
        "VOL-004",
        |i| {
            bind(i, "traefik", "/srv/traefik/dynamic", false);
            bind(i, "app", "/srv/traefik", true);
        },
        |i| {
            bind(i, "traefik", "/srv/traefik/dynamic", false);
            bind(i, "app", "/srv/traefik", false);
            bind(i, "app", "/srv/traefik2", true);
        },
    ),
    ("VOL-005", |i| of_node(i, "n2"), |i| of_node(i, "n1")),
    ("VOL-003", |i| mounted(i, "nfs"), |i| mounted(i, "tmpfs")),
    (
        "LOG-001",
        |i| app(i, "app").confinement.log_driver = "gelf".into(),
        |i| app(i, "app").confinement.log_driver = "local".into(),
    ),
    (
        "LOG-002",
        |i| app(i, "app").confinement.log_path = "/etc/ld.so.preload".into(),
        |i| app(i, "app").confinement.log_path.clear(),
    ),
    (
        "IMG-001",
        |i| bake(i, "traefik.http.routers.x.rule", "Host(`bank.example`)"),
        |i| bake(i, "org.opencontainers.image.title", "app"),
    ),
    (
        "IMG-002",
        |i| {
            app(i, "app").labels.clear();
            bake(i, "com.docker.compose.project", "vault");
        },
        // Compose bakes the project into what it builds, and marks the container as its own.
        |i| bake(i, "com.docker.compose.project", "stack"),
    ),
    (
        "IMG-003",
        |i| app(i, "app").image_id = "sha256:gone".into(),
        |i| {
            app(i, "app").image_id = "sha256:gone".into();
            app(i, "app").labels.clear();
        },
    ),
    ("IMG-004", |i| app(i, "app").image = "nginx:latest".into(), |i| app(i, "app").image = "sha256:abc".into()),
    ("ENG-001", |i| i.engine.version = "24.0.9".into(), |i| i.engine.version = "23.0.11".into()),
    ("ENG-002", |i| i.engine.version = "26.0.1".into(), |i| i.engine.version = "26.0.2".into()),
    (
        "ENG-003",
        |i| {
            i.engine.version = "28.3.2".into();
            i.engine.firewall = Some("iptables+firewalld".into());
        },
        |i| i.engine.firewall = Some("iptables+firewalld".into()),
    ),
    (
        "ENG-004",
        |i| {
            i.engine.version = "20.10.24+dfsg1".into();
            i.engine.bridge_nf_iptables = Some(false);
        },
        // The field says false whatever is so.
        |i| i.engine.bridge_nf_iptables = Some(false),
    ),
    ("ENG-005", |_| {}, |i| i.engine.version = String::new()),
    (
        "ENG-006",
        |i| i.engine.warnings = vec!["WARNING: API is accessible on http://0.0.0.0:2375 without encryption.".into()],
        |i| i.engine.warnings = vec!["WARNING: No swap limit support".into()],
    ),
    (
        "ENG-007",
        |i| i.engine.security_options = Some(vec!["name=apparmor".into()]),
        |i| i.engine.security_options = None,
    ),
    ("ENG-008", |i| i.engine.swarm_state = Some("active".into()), |i| i.engine.swarm_state = Some("inactive".into())),
    ("ENG-009", |i| i.engine.version = "28.5.2".into(), |i| i.engine.version = "29.0.0".into()),
    (
        "ENG-010",
        |i| {
            i.engine.product = "Podman Engine".into();
            i.engine.version = "4.3.1".into();
        },
        |i| {
            i.engine.product = "Podman Engine".into();
            i.engine.version = "5.4.0".into();
        },
    ),
    ("ENG-011", |i| drop(i.unreadable.insert("ghost".into(), Unreadable::default())), |_| {}),
    (
        "ENG-013",
        |i| i.engine.security_options = Some(vec!["name=seccomp,profile=builtin".into()]),
        |i| i.engine.security_options = Some(vec!["name=seccomp,profile=builtin".into(), "name=selinux".into()]),
    ),
    ("ENG-012", |i| many_networks(i, 26), |i| many_networks(i, 25)),
    (
        "TRF-001",
        |i| {
            mount(i, "/run/docker.sock", false);
            let mounts = std::mem::take(&mut app(i, "app").mounts);
            app(i, "traefik").mounts = mounts;
        },
        |i| volume(i, "traefik", "acme", true),
    ),
    ("TRF-002", |_| {}, |i| app(i, "traefik").labels.clear()),
    (
        "TRF-003",
        |i| app(i, "traefik").confinement.cap_drop.clear(),
        |i| app(i, "traefik").confinement.cap_drop = ["NET_RAW".into()].into(),
    ),
    ("TRF-004", |i| add(i, "other", "blog", &["net-exposed"]), |i| add(i, "other", "blog", &["net-internal"])),
    ("TRF-005", |i| add(i, "other", "blog", &["net-control"]), |i| add(i, "other", "blog", &["net-internal"])),
    (
        "TRF-006",
        |i| {
            add(i, "namesake", "other", &["net-proxy"]);
            let place = app(i, "namesake").attachments.get_mut("net-proxy").unwrap();
            place.aliases.insert("leeward".into());
        },
        |i| add(i, "leeward2", "other", &["net-proxy"]),
    ),
    (
        "TRF-008",
        |i| {
            let version = labels(&[("org.opencontainers.image.version", "v3.6.18")]);
            app(i, "traefik").labels.extend(version);
        },
        |i| {
            let version = labels(&[("org.opencontainers.image.version", "3.6.19")]);
            app(i, "traefik").labels.extend(version);
        },
    ),
    (
        "TRF-009",
        |i| {
            add(i, "second", "other", &["net-internal"]);
            app(i, "second").labels.insert("leeward.traefik".into(), "true".into());
        },
        |i| {
            add(i, "second", "stack", &["net-internal"]);
            app(i, "second").labels.insert("leeward.traefik".into(), "true".into());
        },
    ),
    (
        "SOC-001",
        |i| i.engine.socket_access = Some(SocketAccess::Wide),
        |i| i.engine.socket_access = Some(SocketAccess::Filtered),
    ),
    (
        "SOC-002",
        |i| i.engine.socket_access = Some(SocketAccess::Bare),
        |i| i.engine.socket_access = Some(SocketAccess::Filtered),
    ),
];

/// Puts a label into the image of `app`, and so into `app`.
fn bake(inventory: &mut Inventory, key: &str, value: &str) {
    app(inventory, "app").image_id = "sha256:other".into();
    app(inventory, "app").labels.insert(key.into(), value.into());
    inventory.images.insert("sha256:other".into(), Image { labels: labels(&[(key, value)]), problem: None });
}

#[test]
fn every_rule_fires_where_it_should_and_nowhere_else() {
    for (id, fires, quiet) in PAIRS {
        let found = fired(*fires);
        assert!(found.iter().any(|finding| finding.rule.as_str() == *id), "{id} does not fire: {found:#?}");
        let found: Vec<Finding> = fired(*quiet).into_iter().filter(|finding| finding.rule.as_str() == *id).collect();
        assert!(found.is_empty(), "{id} fires: {found:#?}");
    }
}

/// A container that a rule refuses, or that is routed because its operator allowed it: every line to it in the picture, and
/// its box.
#[test]
fn no_rule_that_refuses_leaves_a_green_line() {
    let mut seen: BTreeSet<(&str, bool, bool)> = BTreeSet::new();
    let ways = [(false, false), (false, true), (true, false), (true, true)];
    let ways = ways.into_iter().flat_map(|way| PAIRS.iter().map(move |pair| (way, pair)));
    for ((is_strict, is_allowed), (id, fires, _)) in ways.clone() {
        let mut inventory = topology();
        fires(&mut inventory);
        app(&mut inventory, "app").labels.insert("traefik.enable".into(), "true".into());
        if is_allowed {
            app(&mut inventory, "app").labels.insert("leeward.allow".into(), (*id).into());
        }
        let isolation = if is_strict { Isolation::Strict } else { Isolation::Enforce };
        let settings = Settings { isolation, ..Settings::default() };
        let plan = compile(&inventory, &settings);
        let is_its = |decision: &Decision| {
            let mut refused = decision.steps.iter().flat_map(|step| &step.refusals);
            let mut held = decision.steps.iter().flat_map(|step| &step.findings);
            if is_allowed {
                held.any(|it| it.standing == Standing::Allowed && it.rule.as_str() == *id)
            } else {
                refused.any(|it| it.code == Code::NotIsolated && it.rule.is_some_and(|rule| rule.as_str() == *id))
            }
        };
        let its = plan.decisions.iter().filter(|(_, decision)| is_its(decision)).map(|(container, _)| container);
        let its: BTreeSet<&ContainerId> = its.collect();
        let picture = Topology::of(&inventory, &settings, &plan);
        let svg = picture::draw(&picture, &plan.outbound, true, |_| true).svg.into_string();
        let svg = roxmltree::Document::parse(&svg).unwrap();
        let class = |it: &roxmltree::Node<'_, '_>| it.attribute("class").unwrap_or_default().to_owned();
        let about = format!("{id} {isolation:?}{}", if is_allowed { ", allowed" } else { "" });
        for container in its {
            seen.insert((id, is_strict, is_allowed));
            let mut lines = picture.links.iter().filter(|link| link.container == container).peekable();
            assert!(lines.peek().is_some(), "{about}: no line");
            let rests = |it: &Link<'_>| it.state > State::Shut && it.rules.iter().any(|rule| rule.as_str() == *id);
            assert!(lines.all(rests), "{about}: {:?}", picture.links);
            // As it is drawn: by title, and by the box.
            let name = plan.decisions[container].name.as_str();
            let mut drawn = svg.descendants().filter(|it| class(it).starts_with("edge ")).filter(|it| {
                let told = it.first_element_child().and_then(|title| title.text()).unwrap_or_default();
                told.starts_with(&format!("{name} - ")) || told.contains(&format!(" - {name}: "))
            });
            assert!(drawn.clone().next().is_some(), "{about}: no line of {name} is drawn");
            assert!(
                drawn.all(|it| ["edge open", "edge unknown"].contains(&&*class(&it))),
                "{about}: {name} has a green line"
            );
            let is_box = |it: &roxmltree::Node<'_, '_>| {
                class(it).starts_with("node ") && it.descendants().any(|it| it.text() == Some(name))
            };
            let boxed = svg.descendants().find(is_box).unwrap();
            assert!(["node open", "node unknown"].contains(&&*class(&boxed)), "{about}: {name} has a green box");
        }
    }
    // Each that refuses was looked at, refused and allowed.
    for ((is_strict, is_allowed), (id, ..)) in ways.filter(|(_, (id, ..))| !id.starts_with("IMG")) {
        let is_wanted = id.parse::<RuleId>().unwrap().rule().action == Action::Block;
        assert!(!is_wanted || seen.contains(&(*id, is_strict, is_allowed)), "{id} {is_strict} {is_allowed}");
    }
}

/// NET-010 refuses under strict; an image's name is anybody's to choose.
#[test]
fn a_strangers_image_called_leeward_is_another_owner() {
    for (image, project) in [("evil.example/leeward:1", "evil"), ("redis:7", "evil")] {
        let mut inventory = topology();
        add(&mut inventory, "neighbour", project, &["net-proxy"]);
        app(&mut inventory, "neighbour").image = image.into();
        let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
        let refusals = judged(&inventory, &strict).refusals(APP);
        assert!(refusals.iter().any(|it| it.rule == Some(RuleId::Net010)), "{image}: {refusals:?}");
    }
}

#[test]
fn every_rule_has_its_pair() {
    let pairs: BTreeSet<&str> = PAIRS.iter().map(|(id, _, _)| *id).collect();
    for rule in all().filter(|rule| !matches!(rule.check, Check::Claim(_) | Check::Step)) {
        assert!(pairs.contains(rule.id.as_str()), "{} has no pair", rule.id);
    }
    for id in pairs {
        assert!(id.parse::<RuleId>().is_ok(), "{id} is no rule");
    }
}

#[test]
fn the_hardened_topology_leaves_only_what_cannot_be_verified() {
    for finding in fired(|_| {}) {
        assert!(finding.not_verifiable, "{finding:#?}");
    }
}

#[test]
fn words_are_one_line() {
    for rule in all() {
        assert!(!rule.why.contains('\n') && !rule.why.ends_with('.'), "{}", rule.id);
        assert!(!rule.title.is_empty() && !rule.fix.is_empty() && !rule.reference.is_empty(), "{}", rule.id);
    }
    for (id, fires, _) in PAIRS {
        for finding in fired(*fires).iter().filter(|finding| finding.rule.as_str() == *id) {
            assert!(!finding.words().contains('\n') && !finding.words().ends_with('.'), "{id}: {}", finding.words());
        }
    }
}

#[test]
fn what_blocks_refuses_and_can_be_allowed() {
    for (id, fires, _) in PAIRS {
        let rule = id.parse::<RuleId>().unwrap().rule();
        if rule.action != Action::Block || id.starts_with("IMG") {
            continue;
        }
        let mut inventory = topology();
        fires(&mut inventory);
        let judgement = judged(&inventory, &Settings::default());
        let refusals = judgement.refusals(APP);
        let refusal = refusals.iter().find(|refusal| refusal.rule.map(RuleId::as_str) == Some(*id)).unwrap();
        assert!(refusal.may_allow, "{id}");

        let vouch = format!("NET-099, {}", id.to_lowercase());
        app(&mut inventory, "app").labels.insert("leeward.allow".into(), vouch);
        let judgement = judged(&inventory, &Settings::default());
        let again = judgement.refusals(APP);
        assert!(!again.iter().any(|refusal| refusal.rule.map(RuleId::as_str) == Some(*id)), "{id} cannot be allowed");
        let allowed = judgement.concerning(APP).into_iter().filter(|(_, s)| *s == Standing::Allowed);
        assert!(allowed.map(|(finding, _)| finding).any(|finding| finding.allowed && !finding.blocks), "{id}");
    }
}

#[test]
fn strict_refuses_what_weakens_the_walls_and_warn_refuses_nothing() {
    let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
    let warn = Settings { isolation: Isolation::Warn, ..Settings::default() };
    let refuses = |judgement: &Judgement, id: &str| {
        judgement.refusals(APP).iter().any(|refusal| refusal.rule.map(RuleId::as_str) == Some(id))
    };
    for (id, fires, _) in PAIRS {
        let rule = id.parse::<RuleId>().unwrap().rule();
        let mut inventory = topology();
        fires(&mut inventory);
        let about_app = !matches!(rule.check, Check::Traefik(_) | Check::Any(_)) && *id != "NET-013";
        if rule.action == Action::WarnStrictBlock && about_app {
            assert!(refuses(&judged(&inventory, &strict), id), "{id} under strict");
            assert!(!refuses(&judged(&inventory, &Settings::default()), id), "{id} under enforce");
        }
        assert_eq!(judged(&inventory, &warn).refusals(APP), [], "{id} under warn");
    }
}

#[test]
fn a_networks_own_label_vouches_for_what_is_found_about_it() {
    let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
    let mut inventory = topology();
    add(&mut inventory, "app2", "blog", &["net-proxy"]);
    assert_eq!(judged(&inventory, &strict).refusals(APP).len(), 1);
    network(&mut inventory, "net-proxy").labels.insert("leeward.allow".into(), "NET-010".into());
    let judgement = judged(&inventory, &strict);
    assert_eq!(judgement.refusals(APP), []);
    let finding = judgement.findings.iter().find(|finding| finding.rule == RuleId::Net010).unwrap();
    assert!(finding.allowed && !finding.blocks);
    assert_eq!(finding.subject, Subject::Network { name: "net-proxy".into() });
}

#[test]
fn a_baked_in_vouch_does_not_count() {
    let mut inventory = topology();
    bake(&mut inventory, "leeward.allow", "PRV-001");
    app(&mut inventory, "app").confinement.privileged = true;
    assert_eq!(judged(&inventory, &Settings::default()).refusals(APP).len(), 1);
}

#[test]
fn what_a_neighbour_forwards_is_held_against_those_beside_it() {
    let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
    let mut inventory = topology();
    app(&mut inventory, "traefik").confinement.sysctls.clear();
    let refusals = judged(&inventory, &strict).refusals(APP);
    assert_eq!(refusals.iter().filter_map(|refusal| refusal.rule.map(RuleId::as_str)).collect::<Vec<_>>(), ["NET-012"]);
    app(&mut inventory, "traefik").labels.insert("leeward.allow".into(), "NET-012".into());
    assert_eq!(judged(&inventory, &strict).refusals(APP), []);
}

#[test]
fn a_device_of_the_host_is_no_volume() {
    for (kind, wanted) in [
        ("ext4", Some(Action::Block)),
        ("overlay", Some(Action::Block)),
        ("devtmpfs", Some(Action::Block)),
        ("fuseblk", Some(Action::Block)),
        ("nfs4", None),
        ("cifs", None),
        ("binfmt_misc", Some(Action::Block)),
        // Podman mounts by `mount`, which runs the program of that name on the host.
        ("fuse", Some(Action::Block)),
        ("fuse.sshfs", Some(Action::Block)),
        ("tmpfs", None),
        ("", None),
    ] {
        let mut inventory = topology();
        mounted(&mut inventory, kind);
        let findings = judged(&inventory, &Settings::default()).findings;
        let found = findings.iter().find(|finding| finding.rule == RuleId::Vol002).map(|finding| finding.action);
        assert_eq!(found, wanted, "{kind}");
    }
}

/// Read-only it was refused under `strict`; writable nothing was said.
#[test]
fn who_may_write_to_a_secret_may_read_it() {
    let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
    let refused = |change: &dyn Fn(&mut Inventory)| {
        let mut inventory = topology();
        change(&mut inventory);
        let refusals = judged(&inventory, &strict).refusals(APP);
        refusals.iter().filter_map(|it| Some(it.rule?.as_str())).collect::<Vec<_>>()
    };
    for path in ["/var/lib/tailscale", "/run/secrets", "/home/u/.aws", "/root/.netrc", "/var/backups/db"] {
        for writable in [false, true] {
            assert_eq!(refused(&|i| mount(i, path, writable)), ["PRV-016"], "{path}");
        }
        assert_eq!(refused(&|i| hidden_bind(i, path)), ["VOL-002"], "{path}");
    }
}

/// Of a Swarm task on another node the engine describes no volume: what the service says of it was not read, and refused
/// nobody.
#[test]
fn what_a_volume_is_made_as_counts_beside_what_the_engine_says_of_it() {
    let bind = |device: &str| Volume { bind: true, kind: "none".into(), device: device.into(), ..Volume::default() };
    let share = Volume { driver: "local".into(), kind: "nfs".into(), ..Volume::default() };
    let file_system = Volume { kind: "binfmt_misc".into(), ..Volume::default() };
    let refused = |name: &str, made_as: Volume, known: Option<Volume>| {
        let mut inventory = topology();
        let made_as = Some(Box::new(made_as));
        let mount = Mount { kind: "volume".into(), name: name.into(), writable: true, made_as, ..Mount::default() };
        app(&mut inventory, "app").mounts.push(mount);
        inventory.volumes.extend(known.map(|known| (name.to_owned(), known)));
        let refusals = judged(&inventory, &Settings::default()).refusals(APP);
        refusals.iter().filter_map(|it| it.rule).any(|rule| rule == RuleId::Vol002)
    };
    assert!(refused("data", bind("/"), None) && refused("", bind("/"), None));
    assert!(refused("data", file_system, None));
    let unread = Volume { kind: Volume::UNREAD.into(), ..Volume::default() };
    assert!(refused("data", Volume::default(), Some(unread)));
    assert!(refused("data", share.clone(), Some(bind("/"))) && refused("data", bind("/"), Some(share.clone())));
    assert!(!refused("data", share, None));
}

/// Where the engine's description and the service's both hide a bind, that of the service counted for nothing.
#[test]
fn both_binds_that_a_volume_may_hide_count() {
    let hidden = |device: &str| Volume { bind: true, kind: "none".into(), device: device.into(), ..Volume::default() };
    let found = |rule: RuleId, who: &str, known: &str, made_as: &str| {
        let mut inventory = topology();
        bind(&mut inventory, "traefik", "/srv/traefik/dynamic", false);
        let made_as = Some(Box::new(hidden(made_as)));
        let mount = Mount { kind: "volume".into(), name: "data".into(), writable: true, made_as, ..Mount::default() };
        app(&mut inventory, who).mounts.push(mount);
        inventory.volumes.insert("data".into(), hidden(known));
        judged(&inventory, &Settings::default()).findings.iter().any(|it| it.rule == rule)
    };
    for (known, made_as) in [("/srv/app", "/var/run"), ("/var/run", "/srv/app")] {
        assert!(found(RuleId::Trf001, "traefik", known, made_as));
    }
    for (known, made_as) in [("/srv/app", "/srv/traefik"), ("/srv/traefik", "/srv/app")] {
        assert!(found(RuleId::Vol004, "app", known, made_as));
    }
    assert!(!found(RuleId::Trf001, "traefik", "/srv/app", "/srv/app2"));
    assert!(!found(RuleId::Vol004, "app", "/srv/app", "/srv/app2"));
}

/// What is called Leeward by its image alone stood beside Traefik and Leeward unseen, and made its own network theirs.
#[test]
fn nobody_is_taken_for_leeward_where_leeward_is_of_traefiks_project() {
    let found = |inventory: &Inventory, rule| {
        judged(inventory, &Settings::default()).findings.into_iter().any(|finding| finding.rule == rule)
    };
    let spy = |network| {
        let mut inventory = topology();
        for name in ["net-blog", "net-shop"] {
            inventory.networks.insert(name.into(), made(name, "bridge", true));
        }
        add(&mut inventory, "thief", "shop", &["net-shop"]);
        add(&mut inventory, "spy", "blog", &[network]);
        app(&mut inventory, "spy").image = "evil.example/leeward:1".into();
        for name in ["net-blog", "net-shop"] {
            let on = Attachment { network: name.into(), network_id: name.into(), ..Attachment::default() };
            app(&mut inventory, "traefik").attachments.insert(name.into(), on.into());
        }
        inventory
    };
    assert!(found(&spy("net-control"), RuleId::Trf005));
    let mut inventory = spy("net-blog");
    assert!(!found(&inventory, RuleId::Trf006));
    let shop = app(&mut inventory, "thief").attachments.get_mut("net-shop").unwrap();
    shop.aliases.insert("leeward".into());
    assert!(found(&inventory, RuleId::Trf006));
}

/// What VOL-001 says of `app`: how severe, and which way.
fn shared_files(change: impl Fn(&mut Inventory)) -> Option<(Severity, Way)> {
    let mut inventory = topology();
    add(&mut inventory, "sync", "stack", &["net-exposed"]);
    add(&mut inventory, "other", "shop", &[]);
    change(&mut inventory);
    let found = judged(&inventory, &Settings::default()).findings.into_iter().find(|it| {
        it.rule == RuleId::Vol001 && matches!(&it.subject, Subject::Container { name, .. } if name == "app")
    })?;
    match &*found.cause {
        Cause::Volumes(volumes::Cause::Shares { way, .. }) => Some((found.severity, *way)),
        _ => None,
    }
}

#[test]
fn strict_refuses_on_an_engine_without_a_filter_what_it_refuses_for_a_container_without_one() {
    let refused = |isolation, options: Option<&str>, own: Option<&str>| {
        let mut inventory = topology();
        if let Some(options) = options {
            inventory.engine.security_options =
                Some(["name=apparmor"].into_iter().chain(options.split(' ')).map(str::to_owned).collect());
        }
        app(&mut inventory, "app").confinement.security_opt.extend(own.map(str::to_owned));
        let judged = judged(&inventory, &Settings { isolation, ..Settings::default() });
        let refusals = judged.refusals(APP);
        refusals.iter().filter_map(|it| Some(it.rule?.as_str())).collect::<Vec<_>>()
    };
    let strict = |options: &str| refused(Isolation::Strict, Some(options), None);
    assert_eq!(refused(Isolation::Strict, None, Some("seccomp=unconfined")), ["PRV-012"]);
    assert_eq!(strict("name=cgroupns"), ["ENG-007"]);
    assert_eq!(strict("name=seccomp,profile=unconfined name=cgroupns"), ["ENG-007"]);
    for own in ["default", "builtin"] {
        assert!(strict(&format!("name=seccomp,profile={own} name=cgroupns")).is_empty(), "{own}");
    }
    // One of the operator's: the engine shows its path, not what is in it.
    assert!(strict("name=seccomp,profile=/etc/docker/seccomp.json").is_empty());
    assert!(refused(Isolation::Enforce, Some("name=cgroupns"), None).is_empty());
    let found = fired(|i| {
        i.engine.security_options = Some(vec!["name=seccomp,profile=/etc/docker/seccomp.json".into()]);
    });
    let own = found.iter().find(|finding| finding.rule == RuleId::Eng007).unwrap();
    assert!(own.not_verifiable && own.action == Action::Warn, "{own:?}");
}

#[test]
fn what_the_engine_sets_for_all_is_each_containers_unless_it_says_no() {
    let rules = |engine: &str, change: fn(&mut Container)| {
        let mut inventory = topology();
        inventory.engine.security_options.get_or_insert_default().push(engine.to_owned());
        change(app(&mut inventory, "app"));
        let found = judged(&inventory, &Settings::default()).findings;
        found.into_iter().map(|it| it.rule).collect::<BTreeSet<_>>()
    };
    let gains = |engine, change| rules(engine, change).contains(&RuleId::Prv018);
    assert!(gains("name=x", |it| it.confinement.security_opt.clear()));
    assert!(!gains("name=no-new-privileges", |it| it.confinement.security_opt.clear()));
    let no = |it: &mut Container| it.confinement.security_opt = vec!["no-new-privileges:false".into()];
    assert!(gains("name=no-new-privileges", no));
    let is_root = |change| rules("name=userns", change).contains(&RuleId::Prv020);
    assert!(!is_root(|it| it.confinement.user = "0".into()));
    assert!(is_root(|it| {
        it.confinement.user = "0".into();
        it.confinement.userns_mode = "host".into();
    }));
}

#[test]
fn a_directory_below_anothers_is_shared_with_it() {
    for (own, theirs) in [
        ("/srv/data/app", "/srv/data/app"),
        ("/srv/data/app", "/srv/data"),
        ("/srv/data", "/srv/data/app"),
        ("/srv/data/app/", "//srv/./x/../data"),
        ("/srv/data/deep/down/here", "/srv"),
        ("/var/run/app", "/run/app/sub"),
    ] {
        let shared = |own_writes, who, they_write| {
            shared_files(|i| {
                bind(i, "app", own, own_writes);
                bind(i, who, theirs, they_write);
                // What else is there changes nothing.
                bind(i, "db", "/srv/data/app", own_writes);
                bind(i, "db", "/srv", false);
                bind(i, "app", "/srv2/data", true);
            })
        };
        let out = Some((Severity::Medium, Way::Out));
        assert_eq!(shared(true, "sync", false), out, "{own} {theirs}");
        assert_eq!(shared(true, "sync", true), out, "{own} {theirs}");
        let low = |way| Some((Severity::Low, way));
        assert_eq!(shared(true, "other", true), low(Way::Both), "{own} {theirs}");
        assert_eq!(shared(true, "other", false), low(Way::Across), "{own} {theirs}");
        assert_eq!(shared(false, "other", true), low(Way::In), "{own} {theirs}");
        assert_eq!(shared(false, "other", false), None, "{own} {theirs}");
    }
}

#[test]
fn directories_beside_each_other_are_not_shared() {
    for (own, theirs) in [
        ("/srv/data", "/srv/data2"),
        ("/srv/data", "/srv/data-2/x"),
        ("/srv/a", "/srv/b"),
        ("/etc/localtime", "/etc/localtime"),
        // It mounts the host, and that is said of it.
        ("/srv/data", "/"),
        ("/home/u/data", "/home"),
    ] {
        for who in ["sync", "other"] {
            let shared = shared_files(|i| {
                bind(i, "app", own, true);
                bind(i, who, theirs, true);
            });
            assert_eq!(shared, None, "{own} {theirs} {who}");
        }
    }
}

#[test]
fn a_volume_is_compared_by_the_directory_that_it_shows() {
    let hidden = shared_files(|i| {
        hidden_bind(i, "/srv/data");
        bind(i, "sync", "/srv/data/app", false);
    });
    assert_eq!(hidden, Some((Severity::Medium, Way::Out)));
    let by_path = shared_files(|i| {
        volume(i, "app", "data", true);
        bind(i, "other", "/var/lib/docker/volumes/data/_data", false);
    });
    assert_eq!(by_path, Some((Severity::Low, Way::Across)));
    let whole = shared_files(|i| {
        volume(i, "app", "data", true);
        bind(i, "sync", "/var/lib/docker/volumes", false);
    });
    assert_eq!(whole, Some((Severity::Medium, Way::Out)));
    let same = shared_files(|i| {
        volume(i, "app", "data", false);
        volume(i, "other", "data", true);
    });
    assert_eq!(same, Some((Severity::Low, Way::In)));
}

#[test]
fn what_refuses_nobody_is_less_severe() {
    let judged_by = |rule: &str, change: fn(&mut Inventory)| {
        let found = fired(change).into_iter().find(|finding| finding.rule.as_str() == rule);
        found.map(|finding| (finding.severity, finding.action))
    };
    let refused = |severity| Some((severity, Action::Block));
    assert_eq!(judged_by("PRV-016", |i| mount(i, "/etc", true)), refused(Severity::Critical));
    let strict = Some((Severity::High, Action::WarnStrictBlock));
    assert_eq!(judged_by("PRV-016", |i| mount(i, "/etc", false)), strict);
    assert_eq!(judged_by("PRV-016", |i| mount(i, "/etc/shadow", false)), strict);
    assert_eq!(judged_by("PRV-016", |i| mount(i, "/var/lib/docker/volumes/shop_db/_data", false)), strict);
    assert_eq!(judged_by("VOL-002", |i| read_only(i, "/root/.ssh")), strict);
    assert_eq!(judged_by("VOL-002", |i| hidden_bind(i, "/var/run")), refused(Severity::High));
    assert_eq!(judged_by("VOL-002", |i| hidden_bind(i, "/srv/media")), Some((Severity::Info, Action::Inform)));
    let baked: fn(&mut Inventory) = |i| bake(i, "traefik.http.routers.admin.rule", "PathPrefix(`/`)");
    assert_eq!(judged_by("IMG-001", baked), refused(Severity::Critical));
    // Of a container that does not ask.
    let of_db: fn(&mut Inventory) = |i| {
        bake(i, "traefik.http.routers.admin.rule", "PathPrefix(`/`)");
        let image = app(i, "app").image_id.clone();
        let label = app(i, "app").labels.remove_entry("traefik.http.routers.admin.rule").unwrap();
        app(i, "db").labels.extend([label]);
        app(i, "db").image_id = image;
    };
    assert_eq!(judged_by("IMG-001", of_db), Some((Severity::Medium, Action::Warn)));
}

#[test]
fn rules_for_devices_are_the_host_or_not() {
    for (rule, wanted) in [
        ("a *:* rwm", "PRV-010"),
        ("b 8:* rmw", "PRV-010"),
        ("c *:* rwm", "PRV-010"),
        ("c 1:1 rwm", "PRV-010"),
        ("c 10:200 rwm", "PRV-010"),
        ("c 188:* rmw", "PRV-011"),
        ("c 1:11 r", "PRV-010"),
        ("c 10:* rwm", "PRV-010"),
        ("c 21:* rwm", "PRV-010"),
        ("c 250:* rwm", "PRV-010"),
        ("c 226:* rwm", "PRV-011"),
    ] {
        let mut inventory = topology();
        app(&mut inventory, "app").confinement.device_cgroup_rules = vec![rule.to_owned()];
        let findings = judged(&inventory, &Settings::default()).findings;
        let found: Vec<&str> =
            findings.iter().map(|it| it.rule.as_str()).filter(|it| it.starts_with("PRV-01")).collect();
        assert_eq!(found, [wanted], "{rule}");
    }
}

#[test]
fn device_files_on_podman_are_not_taken_for_closed() {
    let found = |product: &str, added: &str| {
        let mut inventory = topology();
        product.clone_into(&mut inventory.engine.product);
        app(&mut inventory, "app").confinement.cap_add = [added.to_owned()].into();
        let judged = judged(&inventory, &Settings::default());
        judged.refusals(APP).iter().any(|refusal| refusal.rule == Some(RuleId::Prv010))
    };
    assert!(found("Podman Engine", "CAP_MKNOD") && found("Podman Engine", "mknod"));
    assert!(!found("Podman Engine", "CHOWN"));
    // Docker gives it to everybody, and says what the rules are.
    assert!(!found("Engine", "MKNOD"));
}

#[test]
fn an_interface_that_forwards_undoes_what_the_container_says() {
    // As facts read it: `com.docker.network.endpoint.sysctls` of one of its networks.
    let raw = |value: &str| {
        serde_json::json!({
            "HostConfig": {"Sysctls": {"net.ipv4.ip_forward": "0"}},
            "NetworkSettings": {"Networks": {
                "a": {"DriverOpts": {"com.docker.network.endpoint.sysctls": value, "other": "x"}},
                "b": {"DriverOpts": {"com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.forwarding=0"}},
                "c": {"DriverOpts": null},
            }},
        })
    };
    for (value, rules) in [
        ("net.ipv4.conf.IFNAME.forwarding=1", &["NET-012", "NET-024"][..]),
        ("net.ipv4.conf.IFNAME.log_martians=1, net.ipv4.conf.ifname.forwarding = 1", &["NET-012", "NET-024"]),
        ("net.ipv4.conf.IFNAME.proxy_arp=1", &["NET-024"]),
        ("net.ipv4.conf.IFNAME.forwarding=0", &[]),
        ("nonsense", &[]),
    ] {
        let mut inventory = topology();
        app(&mut inventory, "app").confinement.sysctls = crate::source::facts::confinement(&raw(value)).sysctls;
        let findings = judged(&inventory, &Settings::default()).findings;
        let about = |rule: &&&str| findings.iter().any(|it| it.rule.as_str() == **rule);
        let found: Vec<&str> = ["NET-012", "NET-024"].iter().filter(about).copied().collect();
        assert_eq!(found, rules, "{value}");
    }
}

#[test]
fn a_kernel_setting_counts_with_slashes_too() {
    for (key, value, wanted) in [
        ("net/ipv4/ip_forward", "1", true),
        ("net/ipv4/conf/eth0.1/forwarding", "1", true),
        ("net/ipv4/ip_forward", "0", false),
    ] {
        let raw = serde_json::json!({"HostConfig": {"Sysctls": {"net.ipv4.ip_forward": "0", key: value}}});
        let mut inventory = topology();
        app(&mut inventory, "app").confinement.sysctls = crate::source::facts::confinement(&raw).sysctls;
        let found = judged(&inventory, &Settings::default()).findings;
        assert_eq!(found.iter().any(|it| it.rule.as_str() == "NET-012"), wanted, "{key}={value}");
    }
}

#[test]
fn nobody_becomes_leeward_by_a_name() {
    let neighbour = |asks: bool| {
        let mut inventory = topology();
        let name = if asks { "app2" } else { "helper" };
        add(&mut inventory, name, "other", &["net-proxy", "net-exposed"]);
        app(&mut inventory, name).image = "evil.example/leeward:1".into();
        let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
        let refusals = judged(&inventory, &strict).refusals(APP);
        refusals.iter().filter_map(|refusal| refusal.rule.map(|rule| rule.to_string())).collect::<BTreeSet<_>>()
    };
    assert!(neighbour(false).contains("NET-011"), "{:?}", neighbour(false));
    assert!(neighbour(true).contains("NET-010") && neighbour(true).contains("NET-011"), "{:?}", neighbour(true));
}

/// Docker before 25 and Podman make the mount itself read-only, and nothing that is mounted below it.
#[test]
fn below_a_read_only_mount_of_the_kernels_files_root_writes() {
    let refuses = |source: &str, change: fn(&mut Inventory)| {
        let mut inventory = topology();
        mount(&mut inventory, source, false);
        app(&mut inventory, "app").confinement.user.clear();
        change(&mut inventory);
        let judgement = judged(&inventory, &Settings::default());
        judgement.findings.iter().any(|it| it.rule == RuleId::Prv016 && it.action == Action::Block)
    };
    let old: fn(&mut Inventory) = |i| i.engine.version = "24.0.9".into();
    for source in ["/proc", "/sys", "/proc/"] {
        assert!(refuses(source, old), "{source}");
        assert!(refuses(source, podman), "{source}");
        assert!(!refuses(source, |_| ()), "{source}: from 25 on it is read-only throughout");
        let nobody: fn(&mut Inventory) = |i| {
            i.engine.version = "24.0.9".into();
            app(i, "app").confinement.user = "65534".into();
        };
        assert!(!refuses(source, nobody), "{source}: what is root's");
    }
    assert!(!refuses("/sys/class/thermal", old) && !refuses("/etc/localtime", old));
}

#[test]
fn security_options_are_read_as_the_engine_reads_them() {
    let found = |option: &str, rule: RuleId| {
        let mut inventory = topology();
        app(&mut inventory, "app").confinement.security_opt = vec![option.into()];
        judged(&inventory, &Settings::default()).findings.iter().any(|it| it.rule == rule)
    };
    for option in ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=1", "no-new-privileges=T"] {
        assert!(!found(option, RuleId::Prv018), "{option}");
    }
    for option in ["no-new-privileges=false", "no-new-privileges:0", "no-new-privileges=F", "no-new-privileges=False"] {
        assert!(found(option, RuleId::Prv018), "{option}");
    }
    for (option, rule) in [
        ("unmask=ALL", RuleId::Prv015),
        ("unmask=/proc/sys:/proc/kcore", RuleId::Prv015),
        ("label=type:spc_t", RuleId::Prv014),
        ("label:type:unconfined_t", RuleId::Prv014),
        ("writable-cgroups=true", RuleId::Prv022),
        ("apparmor:unconfined", RuleId::Prv013),
    ] {
        assert!(found(option, rule), "{option}");
    }
    for (option, rule) in [("writable-cgroups=false", RuleId::Prv022), ("label=type:app_t", RuleId::Prv014)] {
        assert!(!found(option, rule), "{option}");
    }
}

#[test]
fn what_is_traefiks_or_leewards_is_nobodys() {
    let refused = |change: &dyn Fn(&mut Inventory)| {
        let mut inventory = topology();
        change(&mut inventory);
        let refusals = judged(&inventory, &Settings::default()).refusals(APP);
        refusals.into_iter().filter_map(|refusal| refusal.rule).collect::<Vec<_>>()
    };
    let share = |who: &str, writable: bool| {
        let who = who.to_owned();
        move |i: &mut Inventory| {
            volume(i, &who, "shared", true);
            volume(i, "app", "shared", writable);
        }
    };
    assert_eq!(refused(&share("traefik", true)), [RuleId::Vol004]);
    // A log that an application reads.
    assert!(refused(&share("traefik", false)).is_empty());
    assert!(refused(&share("leeward", false)).is_empty());
    let mut inventory = topology();
    share("leeward", false)(&mut inventory);
    let findings = judged(&inventory, &Settings::default()).findings;
    assert!(findings.iter().any(|it| it.rule == RuleId::Vol004 && it.action == Action::Warn));
    // Leeward's before it hides nothing of Traefik's.
    let both = |i: &mut Inventory| {
        volume(i, "leeward", "socket", true);
        volume(i, "traefik", "traefik", true);
        volume(i, "app", "socket", true);
        volume(i, "app", "traefik", true);
    };
    assert_eq!(refused(&both), [RuleId::Vol004]);
    // A file manager with the whole home directory, Traefik's files in it.
    let home = |i: &mut Inventory| {
        bind(i, "traefik", "/home/u/traefik/traefik.yml", false);
        bind(i, "app", "/home/u", true);
    };
    assert_eq!(refused(&home), [RuleId::Prv016, RuleId::Vol004]);
    // Another volume of the same directory, and the directory of a volume.
    let hides = |i: &mut Inventory, name: &str| {
        let device = "/srv/traefik".to_owned();
        let hidden = Volume { driver: "local".into(), kind: "none".into(), bind: true, device };
        i.volumes.insert(name.into(), hidden);
    };
    let hidden = |i: &mut Inventory| {
        bind(i, "traefik", "/srv/traefik/dynamic", false);
        volume(i, "app", "hidden", true);
        hides(i, "hidden");
    };
    assert_eq!(refused(&hidden), [RuleId::Vol004]);
    let twice = |i: &mut Inventory| {
        volume(i, "traefik", "one", false);
        volume(i, "app", "two", true);
        hides(i, "one");
        hides(i, "two");
    };
    assert_eq!(refused(&twice), [RuleId::Vol004]);
    let beside = |i: &mut Inventory| {
        volume(i, "traefik", "one", false);
        volume(i, "app", "two", true);
        hides(i, "two");
    };
    assert!(refused(&beside).is_empty(), "{:?}", refused(&beside));
    let time = |i: &mut Inventory| {
        bind(i, "traefik", "/etc/localtime", true);
        bind(i, "app", "/etc/localtime", true);
    };
    assert!(refused(&time).is_empty());
    assert_eq!(refused(&|i| app(i, "app").confinement.pid_mode = "container:traefik".into()), [RuleId::Prv006]);
    assert!(refused(&|i| app(i, "app").confinement.pid_mode = "container:db".into()).is_empty());
}

/// Adds a container that asks for no route, on a network of its own.
fn beside(inventory: &mut Inventory, name: &str, change: impl FnOnce(&mut Container)) {
    add(inventory, name, "stack", &[]);
    let container = app(inventory, name);
    container.network_mode = "none".into();
    change(container);
}

fn joins(inventory: &mut Inventory, who: &str, whose: &str) {
    app(inventory, who).confinement.pid_mode = format!("container:{whose}");
}

/// The rules by which `app` is refused, and the words of PRV-006.
fn refused_by(inventory: &Inventory, isolation: Isolation) -> (Vec<String>, String) {
    let judgement = judged(inventory, &Settings { isolation, ..Settings::default() });
    let refusals = judgement.refusals(APP);
    let words = refusals.iter().find(|refusal| refusal.rule.map(RuleId::as_str) == Some("PRV-006"));
    let words = words.map(Refusal::words).unwrap_or_default();
    (refusals.into_iter().filter_map(|refusal| refusal.rule.map(|rule| rule.to_string())).collect(), words)
}

/// What it is that `x`, which asks for nothing, could do.
type Makes = fn(&mut Inventory);

const POWERS: &[(&str, Makes)] = &[
    ("has a way out over `net-exposed`", |i| {
        let network = i.networks.get("net-exposed").unwrap().clone();
        attach(i, "x", network);
    }),
    ("has a way out over `host`", |i| app(i, "x").network_mode = "host".into()),
    ("has a way out over `slirp4netns`", |i| app(i, "x").network_mode = "slirp4netns".into()),
    ("has a way out over `gone`", |i| {
        let network = made("gone", "bridge", true);
        attach(i, "x", network);
        i.networks.remove("gone");
    }),
    ("mounts the control socket `/run/docker.sock`", |i| bind(i, "x", "/run/docker.sock", false)),
    ("may write to the host's `/etc/cron.d`", |i| bind(i, "x", "/etc/cron.d", true)),
    ("is privileged", |i| app(i, "x").confinement.privileged = true),
    ("SYS_PTRACE", |i| app(i, "x").confinement.cap_add = ["SYS_PTRACE".to_owned()].into()),
    ("NET_ADMIN", |i| app(i, "x").confinement.cap_add = ["NET_ADMIN".to_owned()].into()),
    ("has the device `/dev/sda`", |i| app(i, "x").confinement.devices = vec!["/dev/sda".into()]),
    ("system call filter", |i| app(i, "x").confinement.security_opt = vec!["seccomp=unconfined".into()]),
    ("sees the host's processes", |i| app(i, "x").confinement.pid_mode = "host".into()),
    ("shares the host's memory", |i| app(i, "x").confinement.ipc_mode = "host".into()),
    ("is the proxy itself", |i| drop(app(i, "x").labels.insert("leeward.traefik".into(), "true".into()))),
    ("is Leeward", |i| app(i, "x").image = "leeward/leeward:1".into()),
];

/// Who names whom, so that `app` and `x` share a namespace.
const TIES: &[(&str, Makes)] = &[
    ("shares its processes with `x`:", |i| joins(i, "app", "x")),
    ("shares its memory with `x`:", |i| app(i, "app").confinement.ipc_mode = "container:x".into()),
    ("shares a namespace with `x`, through others:", |i| {
        beside(i, "third", |_| {});
        joins(i, "app", "third");
        app(i, "third").confinement.ipc_mode = "container:x".into();
    }),
    ("shares a namespace with `x`, through others:", |i| {
        for name in ["y1", "y2", "y3", "y4", "y5", "y6", "y7"] {
            beside(i, name, |_| {});
        }
        for (who, whose) in [
            ("app", "y7"),
            ("y7", "y2"),
            ("y2", "y6"),
            ("y6", "y1"),
            ("y1", "y5"),
            ("y5", "y3"),
            ("y3", "y4"),
            ("y4", "x"),
        ] {
            joins(i, who, whose);
        }
    }),
    // In a circle, which no engine makes.
    ("shares its processes with `x`:", |i| {
        beside(i, "third", |_| {});
        joins(i, "app", "x");
        joins(i, "third", "app");
        app(i, "x").confinement.ipc_mode = "container:third".into();
    }),
    ("shares its processes with `x`:", |i| app(i, "app").confinement.pid_mode = "container:/x".into()),
];

/// The same, the other way round: `x` keeps its own modes only where they are not what makes it a power.
const TIES_BACK: &[(&str, Makes)] = &[
    ("shares its processes with `x`:", |i| joins(i, "x", "app")),
    ("shares its memory with `x`:", |i| app(i, "x").confinement.ipc_mode = "container:app".into()),
    ("shares a namespace with `x`, through others:", |i| {
        beside(i, "third", |_| {});
        joins(i, "third", "app");
        app(i, "x").confinement.ipc_mode = "container:third".into();
    }),
    ("shares a namespace with `x`, through others:", |i| {
        beside(i, "third", |_| {});
        joins(i, "app", "third");
        joins(i, "x", "third");
    }),
];

#[test]
fn who_shares_a_namespace_has_the_powers_of_all() {
    for (power, makes) in POWERS {
        for (tie, ties) in TIES.iter().chain(TIES_BACK) {
            let mut inventory = topology();
            beside(&mut inventory, "x", |_| {});
            ties(&mut inventory);
            assert_eq!(refused_by(&inventory, Isolation::Strict), (vec![], String::new()), "{tie} without power");
            let before = (app(&mut inventory, "x").confinement.clone(), app(&mut inventory, "x").network_mode.clone());
            makes(&mut inventory);
            let after = &app(&mut inventory, "x").confinement;
            // One mode cannot do both.
            if (after.pid_mode != before.0.pid_mode && !before.0.pid_mode.is_empty())
                || (after.ipc_mode != before.0.ipc_mode && !before.0.ipc_mode.is_empty())
            {
                continue;
            }
            let (rules, words) = refused_by(&inventory, Isolation::Enforce);
            assert_eq!(rules, ["PRV-006"], "{tie} {power}");
            assert!(words.contains(tie) && words.contains(power), "{tie} {power}: {words}");

            // Not running, it does nothing.
            app(&mut inventory, "x").state = "exited".into();
            assert!(!refused_by(&inventory, Isolation::Enforce).0.contains(&"PRV-006".into()), "{tie} {power} exited");
            app(&mut inventory, "x").state = "running".into();
            // Allowed by name, as everything.
            app(&mut inventory, "app").labels.insert("leeward.allow".into(), "PRV-006".into());
            assert_eq!(refused_by(&inventory, Isolation::Enforce).0, Vec::<String>::new(), "{tie} {power} allowed");
        }
    }
}

#[test]
fn a_sidecar_in_the_applications_network_counts_too() {
    let sidecar = |change: fn(&mut Container)| {
        let mut inventory = topology();
        beside(&mut inventory, "side", |container| {
            container.network_mode = "container:app".into();
            change(container);
        });
        inventory
    };
    assert_eq!(refused_by(&sidecar(|_| {}), Isolation::Strict).0, Vec::<String>::new());
    let admin = sidecar(|side| side.confinement.cap_add = ["NET_ADMIN".to_owned()].into());
    let (rules, words) = refused_by(&admin, Isolation::Enforce);
    assert_eq!(rules, ["PRV-006"]);
    assert!(words.contains("shares its network with `side`"), "{words}");
    // Raw frames on the application's networks: as if it sent them itself.
    let raw = sidecar(|side| side.confinement.cap_drop.clear());
    assert_eq!(refused_by(&raw, Isolation::Enforce).0, Vec::<String>::new());
    assert_eq!(refused_by(&raw, Isolation::Strict).0, ["PRV-006"]);
    // Another's raw frames go out elsewhere.
    let mut elsewhere = topology();
    beside(&mut elsewhere, "side", |side| side.confinement.cap_drop.clear());
    joins(&mut elsewhere, "side", "app");
    assert_eq!(refused_by(&elsewhere, Isolation::Strict).0, Vec::<String>::new());
}

#[test]
fn host_private_and_shareable_join_nobody() {
    // Each of these modes on both, and power on the other.
    for (pid, ipc) in
        [("host", ""), ("private", "private"), ("", "shareable"), ("", ""), ("host", "private"), ("", "none")]
    {
        let mut inventory = topology();
        beside(&mut inventory, "x", |x| {
            x.confinement.privileged = true;
            x.network_mode = "host".into();
            x.confinement.pid_mode = pid.into();
            x.confinement.ipc_mode = ipc.into();
        });
        app(&mut inventory, "app").confinement.pid_mode = if pid == "host" { "" } else { pid }.into();
        app(&mut inventory, "app").confinement.ipc_mode = ipc.into();
        assert_eq!(refused_by(&inventory, Isolation::Strict).0, Vec::<String>::new(), "{pid} {ipc}");
    }
    // The host's own memory, of both.
    let mut inventory = topology();
    beside(&mut inventory, "x", |x| {
        x.confinement.privileged = true;
        x.confinement.ipc_mode = "host".into();
    });
    app(&mut inventory, "app").confinement.ipc_mode = "host".into();
    assert_eq!(refused_by(&inventory, Isolation::Enforce).0, ["PRV-006", "PRV-007"]);
    app(&mut inventory, "app").labels.insert("leeward.allow".into(), "PRV-007".into());
    assert_eq!(refused_by(&inventory, Isolation::Enforce).0, ["PRV-006"]);
}

#[test]
fn an_exporter_with_the_hosts_processes_refuses_nobody_and_is_said_once() {
    let exporter = |change: fn(&mut Inventory)| {
        let mut inventory = topology();
        beside(&mut inventory, "exporter", |it| it.confinement.pid_mode = "host".into());
        change(&mut inventory);
        assert_eq!(refused_by(&inventory, Isolation::Strict).0, Vec::<String>::new());
        let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
        let found: Vec<Finding> =
            judged(&inventory, &strict).findings.into_iter().filter(|it| it.rule == RuleId::Prv024).collect();
        found.into_iter().map(|it| (it.severity, it.blocks, it.allowed)).collect::<Vec<_>>()
    };
    assert_eq!(exporter(|_| {}), [(Severity::Medium, false, false)]);
    assert_eq!(exporter(|i| app(i, "exporter").confinement.cap_drop.clear()), [(Severity::High, false, false)]);
    let leaves: fn(&mut Inventory) = |i| app(i, "exporter").network_mode = "host".into();
    assert_eq!(exporter(leaves), [(Severity::High, false, false)]);
    // By another's network, whose processes it does not even name.
    let by_another: fn(&mut Inventory) = |i| {
        beside(i, "vpn", |it| it.network_mode = "host".into());
        app(i, "vpn").confinement.ipc_mode = "container:exporter".into();
    };
    assert_eq!(exporter(by_another), [(Severity::High, false, false)]);
    let allowed: fn(&mut Inventory) =
        |i| drop(app(i, "exporter").labels.insert("leeward.allow".into(), "PRV-024".into()));
    assert_eq!(exporter(allowed), [(Severity::Medium, false, true)]);
    assert_eq!(exporter(|i| app(i, "exporter").state = "exited".into()), []);
    // The label of another container allows nothing here.
    let others: fn(&mut Inventory) = |i| drop(app(i, "app").labels.insert("leeward.allow".into(), "PRV-024".into()));
    assert_eq!(exporter(others), [(Severity::Medium, false, false)]);
}

#[test]
fn a_namespace_of_nobody_known_is_refused() {
    for (pid, ipc) in [
        ("container:gone", ""),
        ("", "container:gone"),
        ("container:", ""),
        ("container:ap", ""),
        ("ns:/proc/7/ns/pid", ""),
        ("", "ns:/run/x"),
        ("container:ghost", ""),
    ] {
        let mut inventory = topology();
        // Listed, and could not be read.
        inventory.unreadable.insert("ghost".into(), Unreadable { name: "ghost".into(), ..Unreadable::default() });
        app(&mut inventory, "app").confinement.pid_mode = pid.into();
        app(&mut inventory, "app").confinement.ipc_mode = ipc.into();
        let (rules, words) = refused_by(&inventory, Isolation::Enforce);
        assert_eq!(rules, ["PRV-006"], "{pid} {ipc}");
        assert!(words.contains("does not exist or could not be read"), "{words}");
    }
}

#[test]
fn a_container_that_cannot_be_read_and_shares_a_namespace_refuses_those_that_it_shares_with() {
    type Names = fn(&mut Unreadable, String);
    let names: [Names; 3] =
        [|it, mode| it.network_mode = mode, |it, mode| it.pid_mode = mode, |it, mode| it.ipc_mode = mode];
    let refused = |name: Names, whose: &str, state: &str, change: &dyn Fn(&mut Inventory)| {
        let mut inventory = topology();
        beside(&mut inventory, "third", |_| {});
        change(&mut inventory);
        let mut ghost = Unreadable { name: "ghost".into(), state: state.into(), ..Unreadable::default() };
        name(&mut ghost, format!("container:{whose}"));
        inventory.unreadable.insert("ghost".into(), ghost);
        refused_by(&inventory, Isolation::Enforce)
    };
    for name in names {
        for state in ["", "running", "paused"] {
            let (rules, words) = refused(name, "app", state, &|_| {});
            assert_eq!(rules, ["PRV-006"]);
            assert!(words.contains("`ghost`, which could not be read"), "{words}");
        }
        // Through a third, whoever names whom.
        assert_eq!(refused(name, "third", "running", &|i| joins(i, "third", "app")).0, ["PRV-006"]);
        assert_eq!(refused(name, "third", "running", &|i| joins(i, "app", "third")).0, ["PRV-006"]);
        // Nobody else's.
        assert!(refused(name, "third", "running", &|_| {}).0.is_empty());
        assert!(refused(name, "nobody", "running", &|_| {}).0.is_empty());
        assert!(refused(name, "app", "exited", &|_| {}).0.is_empty());
    }
}

#[test]
fn a_neighbour_that_cannot_be_read_counts_as_one_with_a_way_out() {
    let found = |state: &str, on: &str| {
        let mut inventory = topology();
        let attachment = Attachment { network: on.into(), network_id: on.into(), ..Attachment::default() };
        let attachments = [(on.to_owned(), attachment.into())].into();
        let ghost = Unreadable { name: "ghost".into(), state: state.into(), attachments, ..Unreadable::default() };
        inventory.unreadable.insert("ghost".into(), ghost);
        let strict = refused_by(&inventory, Isolation::Strict).0;
        assert!(refused_by(&inventory, Isolation::Enforce).0.is_empty());
        strict.contains(&"NET-011".to_owned())
    };
    assert!(found("running", "net-proxy") && found("", "net-internal"));
    assert!(!found("exited", "net-proxy") && !found("running", "net-control"));
}

#[test]
fn a_neighbour_that_leaves_by_another_is_a_neighbour_with_a_way_out() {
    let mut inventory = topology();
    beside(&mut inventory, "vpn", |it| it.network_mode = "host".into());
    joins(&mut inventory, "vpn", "db");
    let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
    let findings = judged(&inventory, &strict).findings;
    let found = findings.iter().find(|it| it.rule == RuleId::Net011).unwrap();
    assert!(found.words().contains("`db`") && found.words().contains("`host`"), "{}", found.words());
}

#[test]
fn ten_thousand_in_one_group_are_judged_at_once() {
    let mut inventory = topology();
    beside(&mut inventory, "x00000", |it| it.confinement.privileged = true);
    for at in 1..10_000 {
        beside(&mut inventory, &format!("x{at:05}"), |it| {
            it.confinement.pid_mode = format!("container:x{:05}", at - 1);
        });
    }
    joins(&mut inventory, "app", "x09999");
    let settings = Settings::default();
    let context = Context::of(&inventory, &settings);
    let judgement = judge(&context, &vec![true; context.candidates.len()]);
    let refused = (0..context.candidates.len())
        .filter(|at| judgement.refusals(*at).iter().any(|it| it.rule.map(RuleId::as_str) == Some("PRV-006")))
        .count();
    // All but the privileged one itself, and `traefik`, `leeward` and `db`, who are not in it.
    assert_eq!(refused, 10_000);
}

#[test]
fn a_bridge_that_the_engine_named_is_its_own() {
    let named = |id: &str, bridge: &str| {
        let mut inventory = topology();
        let mut net = network(&mut inventory, "net-proxy").clone();
        net.id = id.into();
        net.options.insert("com.docker.network.bridge.name".into(), bridge.into());
        inventory.networks.remove("net-proxy");
        attach(&mut inventory, "app", net);
        let findings = judged(&inventory, &Settings::default()).findings;
        findings.iter().any(|it| it.rule == RuleId::Net026 && it.not_verifiable)
    };
    assert!(!named("0123456789abcdef", "br-0123456789ab"));
    for bridge in ["br0", "br-lan", "br-", "docker0", "eth0", "br-fedcba987654", "uplinked"] {
        assert!(named("0123456789abcdef", bridge), "{bridge}");
    }
}

#[test]
fn what_a_device_of_the_host_is_mounted_as_makes_no_difference() {
    for (source, writable, wanted) in [
        ("/dev/sda", true, true),
        ("/dev/mapper", true, true),
        ("/dev/vg/root", true, true),
        // As with `ipc: host`.
        ("/dev/shm", true, true),
        ("/dev/shm/app", true, true),
        ("/dev/pts", true, true),
        ("/dev", true, true),
        ("/dev/dri", true, false),
        ("/dev/bus/usb", true, false),
        ("/dev/serial/by-id", true, false),
        ("/dev/snd", true, false),
        ("/dev/ttyUSB0", true, false),
        ("/dev/sda", false, false),
    ] {
        let mut inventory = topology();
        mount(&mut inventory, source, writable);
        let refused = refused_by(&inventory, Isolation::Enforce).0;
        assert_eq!(refused, if wanted { vec!["PRV-016"] } else { vec![] }, "{source} {writable}");
    }
}

#[test]
fn what_a_plugin_gives_out_of_the_host_is_judged_like_a_bind() {
    for (driver, source, wanted) in [
        ("local-persist", "/etc", vec!["PRV-016"]),
        ("local-persist", "/var/run/docker.sock", vec!["PRV-002"]),
        ("local", "/var/lib/docker/volumes/data/_data", vec![]),
        ("rclone", "/mnt/media", vec![]),
    ] {
        let mut inventory = topology();
        inventory.volumes.insert("data".into(), Volume { driver: driver.into(), ..Volume::default() });
        let (kind, source) = ("volume".to_owned(), source.to_owned());
        let mount = Mount { kind, source, name: "data".into(), writable: true, ..Mount::default() };
        app(&mut inventory, "app").mounts.push(mount.clone());
        assert_eq!(refused_by(&inventory, Isolation::Enforce).0, wanted, "{driver} {mount:?}");
    }
}

#[test]
fn a_volume_hides_no_directory_of_the_host() {
    for (device, refused) in [
        ("/proc/sys/kernel", true),
        ("/etc/docker", true),
        ("/var/lib/docker/overlay2", true),
        ("/home/u/.ssh", true),
        ("/usr/local/bin/", true),
        ("//etc//cron.d", true),
        ("/srv/../run", true),
        ("etc", true),
        ("", true),
        ("/dev/sda1", true),
        ("/dev/mem", true),
        ("/dev/shm", true),
        ("/dev/dri", false),
        ("/srv/media", false),
        ("/home/u/app/data", false),
        ("/mnt/data", false),
    ] {
        let mut inventory = topology();
        hidden_bind(&mut inventory, device);
        let rules = refused_by(&inventory, Isolation::Enforce).0;
        assert_eq!(rules, if refused { vec!["VOL-002"] } else { vec![] }, "{device}");
    }
}

#[test]
fn what_every_home_server_mounts_is_not_refused() {
    let mut inventory = topology();
    volume(&mut inventory, "app", "data", true);
    for (source, writable) in [
        ("/etc/localtime", false),
        ("/etc/localtime", true),
        ("/etc/timezone", false),
        ("/usr/share/zoneinfo", false),
        ("/etc/ssl/certs", false),
        ("/home/u/app/data", true),
        ("/home/u/docker/app/config", true),
        ("/var/lib/vaultwarden", true),
        ("/srv/media", true),
        ("/mnt/data", true),
        ("/opt/app", true),
    ] {
        mount(&mut inventory, source, writable);
    }
    assert_eq!(refused_by(&inventory, Isolation::Enforce).0, Vec::<String>::new());
}

#[test]
fn podmans_internal_holds_as_long_as_nobody_on_the_network_may_forge_frames_or_add_routes() {
    let refusals = |change: fn(&mut Inventory), isolation| {
        let mut inventory = topology();
        podman(&mut inventory);
        change(&mut inventory);
        let settings = Settings { isolation, ..Settings::default() };
        judged(&inventory, &settings).refusals(APP).iter().filter_map(|it| it.rule).collect::<Vec<_>>()
    };
    assert_eq!(refusals(|_| {}, Isolation::Enforce), []);
    assert!(refusals(|_| {}, Isolation::Strict).contains(&RuleId::Net028));
    for capability in ["NET_RAW", "CAP_NET_RAW", "NET_ADMIN", "ALL"] {
        let mut inventory = topology();
        podman(&mut inventory);
        app(&mut inventory, "db").confinement.cap_add = [capability.to_owned()].into();
        let refused = judged(&inventory, &Settings::default()).refusals(APP);
        assert_eq!(refused.iter().filter_map(|it| it.rule).collect::<Vec<_>>(), [RuleId::Net028], "{capability}");
        network(&mut inventory, "net-internal").labels.insert("leeward.allow".into(), "NET-028".into());
        assert_eq!(judged(&inventory, &Settings::default()).refusals(APP), [], "{capability}");
    }
    assert_eq!(refusals(|i| app(i, "db").confinement.privileged = true, Isolation::Enforce), [RuleId::Net028]);
    // Traefik's own powers are TRF-003's, and it is on no network of an application's alone.
    let traefiks: fn(&mut Inventory) = |i| app(i, "traefik").confinement.cap_add = ["NET_ADMIN".into()].into();
    assert_eq!(refusals(traefiks, Isolation::Enforce), []);
}

#[test]
fn what_podman_says_of_ports_gateways_and_capabilities_is_read_as_it_means_it() {
    let fires = |change: fn(&mut Inventory)| {
        let mut inventory = topology();
        podman(&mut inventory);
        change(&mut inventory);
        judged(&inventory, &Settings::default()).findings
    };
    let has = |findings: &[Finding], id: RuleId| findings.iter().any(|finding| finding.rule == id);
    // The binding is listed, and nothing answers on it; it opens with the first network that is not internal.
    for host in ["127.0.0.1", "0.0.0.0"] {
        let mut inventory = topology();
        podman(&mut inventory);
        app(&mut inventory, "app").ports = binding(host);
        app(&mut inventory, "app").port_bindings = binding(host);
        let found = judged(&inventory, &Settings::default()).findings;
        assert!(has(&found, RuleId::Pub003) && !has(&found, RuleId::Pub001) && !has(&found, RuleId::Pub002), "{host}");
        attach(&mut inventory, "app", made("open", "bridge", false));
        let found = judged(&inventory, &Settings::default()).findings;
        assert!(!has(&found, RuleId::Pub003) && (has(&found, RuleId::Pub001) != has(&found, RuleId::Pub002)), "{host}");
    }
    // Without a gateway the bridge has no address.
    assert!(has(&fires(|_| {}), RuleId::Net015));
    assert!(!has(&fires(|i| i.networks.values_mut().for_each(|network| network.gateways.clear())), RuleId::Net015));
    // `cap_drop: [ALL]` lists Podman's own set, in which NET_RAW is not.
    assert!(!has(&fires(|_| {}), RuleId::Net013));
    let raw = fires(|i| app(i, "db").confinement.cap_drop.clear());
    assert!(raw.iter().any(|finding| finding.rule == RuleId::Net013 && finding.not_verifiable));
    let raw = fires(|i| app(i, "db").confinement.cap_add = ["NET_RAW".into()].into());
    assert!(raw.iter().any(|finding| finding.rule == RuleId::Net013 && !finding.not_verifiable));
    // Sysctls are not shown.
    assert!(fires(|_| {}).iter().all(|finding| finding.rule != RuleId::Net012 || finding.not_verifiable));
    assert!(!has(&fires(|i| network(i, "net-proxy").subnets = vec!["10.0.0.0/8".into()]), RuleId::Net023));
}

#[test]
fn subnets_are_not_judged_where_the_filter_looks_at_interfaces_or_there_is_no_bridge() {
    let wide = |change: fn(&mut Inventory)| {
        let mut inventory = topology();
        network(&mut inventory, "net-proxy").subnets = vec!["172.30.0.0/14".into()];
        change(&mut inventory);
        judged(&inventory, &Settings::default()).findings.iter().any(|finding| finding.rule == RuleId::Net023)
    };
    assert!(wide(|_| {}));
    assert!(!wide(|i| i.engine.firewall = Some("nftables".into())));
    assert!(!wide(|i| i.engine.firewall = Some("nftables+firewalld".into())));
    // Settings for others overlap with those who take them.
    let overlaps = |config_only: bool| {
        let mut inventory = topology();
        let mut settings = made("settings", "null", false);
        settings.subnets = vec!["172.30.0.0/16".into()];
        settings.config_only = config_only;
        inventory.networks.insert(settings.id.clone(), settings);
        judged(&inventory, &Settings::default()).findings.iter().any(|finding| finding.rule == RuleId::Net023)
    };
    assert!(overlaps(false) && !overlaps(true));
}

#[test]
fn an_engine_is_maintained_as_its_branch_is() {
    let about = |version: &str| {
        let mut inventory = topology();
        inventory.engine.version = version.into();
        let found = judged(&inventory, &Settings::default()).findings;
        found.into_iter().find(|finding| finding.rule == RuleId::Eng009).map(|finding| finding.severity)
    };
    for version in ["20.10.24+dfsg1", "23.0.17", "24.0.9", "26.1.5", "27.5.1", "28.5.2", "dev"] {
        assert_eq!(about(version), Some(Severity::Medium), "{version}");
    }
    assert_eq!(about("25.0.13"), Some(Severity::Low));
    assert_eq!((about("29.0.0"), about("29.9.1"), about("30.0.0-rc.1")), (None, None, None));
}

#[test]
fn a_swarm_service_is_counted_once_however_many_tasks_and_containers_it_has() {
    let mut inventory = topology();
    let template = Container { confinement: Confinement::default(), ..(*inventory.containers["app"]).clone() };
    let swarm = Swarm { service: "web".into(), service_id: "s1".into(), ..Swarm::default() };
    let mut put = |id: &str, name: &str, swarm: Option<Swarm>| {
        let container = Container { id: id.into(), name: name.into(), swarm, ..template.clone() };
        inventory.put(container);
    };
    put("s1", "web", Some(swarm.clone()));
    for task in ["1", "2"] {
        let container = format!("c{task}");
        put(&container, &format!("web.{task}.{task}{task}"), None);
        let swarm = Swarm { task: Some(task.into()), container: Some(container.into()), ..swarm.clone() };
        put(&format!("t{task}"), &format!("web.{task}"), Some(swarm));
    }
    inventory.containers.remove("app");
    let settings = Settings { isolation: Isolation::Strict, ..Settings::default() };
    let context = Context::of(&inventory, &settings);
    let asked: Vec<bool> = inventory
        .containers
        .values()
        .map(|container| container.name.starts_with("web.") && container.swarm.is_some())
        .collect();
    let judgement = judge(&context, &asked);
    let about = |id: RuleId| judgement.findings.iter().filter(move |finding| finding.rule == id);
    for id in [RuleId::Net012, RuleId::Net013] {
        let found: Vec<&Finding> = about(id).collect();
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!((found[0].subject.key(), found[0].subject.name()), (("container", "s1"), "web"));
        assert!(found[0].words().starts_with("`web` ") && found[0].blocks, "{}", found[0].words());
    }
    assert_eq!(about(RuleId::Net010).count(), 0, "one owner is no company");
    // Each of the tasks that asked is refused for it.
    for (at, asked) in asked.iter().enumerate().filter(|(_, asked)| **asked) {
        assert!(judgement.refusals(at).iter().any(|it| it.rule == Some(RuleId::Net013)), "{at} {asked}");
    }
}

#[test]
fn the_container_of_a_traefik_that_is_a_service_is_no_neighbour_with_a_way_out() {
    let fires = |container: &str| {
        let mut inventory = topology();
        let traefik = (*inventory.containers["traefik"]).clone();
        inventory.containers.remove("traefik");
        let swarm = Swarm {
            service: "traefik".into(),
            service_id: "s1".into(),
            // Its task only starts: there is the service alone.
            containers: [container.into()].into(),
            ..Swarm::default()
        };
        let labels = labels(&[("leeward.traefik", "true")]);
        inventory.put(Container { id: "t1".into(), swarm: Some(swarm), labels, ..traefik.clone() });
        inventory.put(Container { id: "c1".into(), labels: BTreeMap::new(), ..traefik });
        judged(&inventory, &Settings::default()).findings.iter().any(|finding| finding.rule == RuleId::Net011)
    };
    assert!(!fires("c1"));
    assert!(fires("another"), "a container like it is none");
}

#[test]
fn a_container_does_not_become_a_services_by_its_labels() {
    let mut inventory = topology();
    add(&mut inventory, "forged", "blog", &["net-proxy"]);
    app(&mut inventory, "forged").labels.extend(labels(&[
        ("com.docker.swarm.service.name", "web"),
        ("com.docker.swarm.service.id", "s1"),
        ("com.docker.swarm.task.id", "t1"),
    ]));
    let swarm = Swarm {
        service: "web".into(),
        service_id: "s1".into(),
        task: Some("1".into()),
        container: Some("real".into()),
        ..Swarm::default()
    };
    let task = Container {
        id: "t1".into(),
        name: "web.1".into(),
        swarm: Some(swarm),
        ..(*inventory.containers["app"]).clone()
    };
    inventory.put(task);
    inventory.containers.remove("app");
    let settings = Settings::default();
    let context = Context::of(&inventory, &settings);
    let asked: Vec<bool> = inventory.containers.values().map(|container| container.name == "web.1").collect();
    let found = judge(&context, &asked).findings;
    assert!(found.iter().any(|finding| finding.rule == RuleId::Net010), "another owner is on its network");
}

#[test]
fn a_project_without_its_override_is_told_the_command_and_nobody_else_is_blamed() {
    let mut inventory = topology();
    left_behind(&mut inventory, "/srv/stack/docker-compose.yml,/srv/stack/prod.yaml");
    // A stranger that says it is of the project, and what it says of its files, changes nothing for the application.
    add(&mut inventory, "evil", "stack", &["net-exposed"]);
    let evil = app(&mut inventory, "evil");
    evil.labels.insert("traefik.enable".into(), "true".into());
    let files = "/srv/stack/compose.leeward.yaml,$(id)/x;y/compose.yaml";
    evil.labels.insert("com.docker.compose.project.config_files".into(), files.into());
    evil.labels.insert("com.docker.compose.project.working_dir".into(), "/srv/$(id)\n".into());
    app(&mut inventory, "app").labels.insert("traefik.enable".into(), "true".into());
    let plan = compile(&inventory, &Settings::default());
    let found: Vec<&Finding> = plan.findings.iter().filter(|it| it.rule == RuleId::Net029).collect();
    assert!(found.iter().all(|it| it.subject.is_about(&"app".into())), "{found:?}");
    let remedy = found.first().unwrap().remedy();
    let command =
        "cd /srv/stack && COMPOSE_FILE=docker-compose.yml:prod.yaml:compose.leeward.yaml docker compose up -d\n";
    assert!(remedy.starts_with(command), "{remedy}");
    // Without its own word for it, it is the stranger's turn, and its words stay one word of the shell.
    let evil = app(&mut inventory, "evil");
    evil.labels.insert("com.docker.compose.project.config_files".into(), "/srv/$(id)/compose.yaml,../x,a b".into());
    evil.labels.insert("com.docker.compose.project.working_dir".into(), "/srv/$(id)'; id".into());
    let plan = compile(&inventory, &Settings::default());
    let is_evils = |it: &&Finding| it.rule == RuleId::Net029 && it.subject.is_about(&"evil".into());
    let remedy = plan.findings.iter().find(is_evils).unwrap().remedy();
    assert!(remedy.starts_with("cd '/srv/$(id)'\\''; id' && COMPOSE_FILE="), "{remedy}");
    let first = remedy.lines().next().unwrap_or_default();
    assert!(
        first.ends_with(" && COMPOSE_FILE='<files of stack>:compose.leeward.yaml' docker compose up -d")
            && !first.contains("a b"),
        "{remedy}"
    );
}

#[test]
fn a_neighbour_with_power_over_the_host_is_told_and_refuses_nobody() {
    let found = |change: &dyn Fn(&mut Inventory), isolation| {
        let mut inventory = topology();
        app(&mut inventory, "app").labels.insert("traefik.enable".into(), "true".into());
        change(&mut inventory);
        let plan = compile(&inventory, &Settings { isolation, ..Settings::default() });
        let found: Vec<String> =
            plan.findings.iter().filter(|it| it.rule == RuleId::Net030).map(Words::words).collect();
        let refusals = plan.decisions["app"].steps.iter().flat_map(|step| &step.refusals);
        assert!(!refusals.clone().any(|it| it.rule == Some(RuleId::Net030)), "{:?}", plan.decisions["app"]);
        found
    };
    let mount = |i: &mut Inventory, name: &str| {
        let socket = Mount { kind: "bind".into(), source: "/var/run/docker.sock".into(), ..Mount::default() };
        app(i, name).mounts.push(socket);
    };
    for isolation in [Isolation::Enforce, Isolation::Strict] {
        let socket = found(&|i| mount(i, "db"), isolation);
        assert_eq!(socket.len(), 1, "{socket:?}");
        assert!(socket[0].starts_with("on `net-internal`, `db` has the engine's socket"), "{socket:?}");
        assert!(found(&|i| app(i, "db").confinement.privileged = true, isolation)[0].contains("`db` is privileged"));
        // What asks is refused for it itself; a Traefik that nobody declared is to be declared.
        assert!(found(&|i| mount(i, "app"), isolation).is_empty());
        let undeclared = |i: &mut Inventory| {
            app(i, "db").image = "traefik:v3.7".into();
            mount(i, "db");
        };
        assert!(found(&undeclared, isolation).is_empty());
    }
}
