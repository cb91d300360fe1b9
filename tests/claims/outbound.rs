//! Outbound names: who gets one, and all that stands against it.

use std::net::IpAddr;

use leeward::policy::finding::Severity;
use leeward::policy::outbound::Allowance;
use leeward::settings::Egress;

use super::*;

const LABEL: &str = "leeward.outbound";

/// An egress Traefik beside Leeward, and `web` of project `app1` on a network of outbound names with it, allowed `names`.
fn world(names: &str) -> Inventory {
    let mut inventory = inventory(["-", "-"]);
    for (name, internal) in [("net-outside", false), ("net-control-egress", true), ("net-egress-app1", true)] {
        let network =
            Network { id: name.into(), name: name.into(), driver: "bridge".into(), internal, ..Network::default() };
        inventory.networks.insert(network.id.clone(), network);
    }
    add(&mut inventory, "leeward", "edge", &["net-control-egress"], &[]);
    let networks = ["net-control-egress", "net-egress-app1", "net-outside"];
    add(&mut inventory, "egress", "edge", &networks, &[("leeward.egress", "true")]);
    let leeward = on(&mut inventory, "leeward", "net-control-egress");
    let address = leeward.ipv4.unwrap();
    leeward.fixed = [address].into();
    let egress = inventory.container_mut("egress").unwrap();
    egress.confinement.extra_hosts.push(format!("leeward.net-control-egress:{address}"));
    egress.confinement.sysctls.insert("net.ipv4.conf.all.rp_filter".into(), "1".into());
    egress.mounts.push(leeward::inventory::Mount {
        kind: "bind".into(),
        source: "/srv/resolv.conf".into(),
        destination: "/etc/resolv.conf".into(),
        ..leeward::inventory::Mount::default()
    });
    let aliases = ["api.github.com", "smtp.example.com", "mirror.example.org"];
    on(&mut inventory, "egress", "net-egress-app1").aliases = aliases.map(ToOwned::to_owned).into();
    app(&mut inventory, "web", "app1", names);
    inventory
}

/// A container on the network of outbound names, and on one of its own.
fn app(inventory: &mut Inventory, name: &str, project: &str, names: &str) {
    let labels: &[(&str, &str)] = if names.is_empty() { &[] } else { &[(LABEL, names)] };
    add(inventory, name, project, &["net-a", "net-egress-app1"], labels);
}

fn on<'a>(inventory: &'a mut Inventory, name: &str, network: &str) -> &'a mut Attachment {
    inventory.container_mut(name).unwrap().attachments.get_mut(network).unwrap()
}

fn of<'a>(plan: &'a Plan, container: &str) -> Vec<&'a Allowance> {
    plan.outbound.iter().filter(|it| it.container == container).collect()
}

/// The names that a container may reach.
fn allowed(plan: &Plan, container: &str) -> Vec<String> {
    of(plan, container).into_iter().filter(|it| it.holds()).map(|it| it.target.to_string()).collect()
}

fn written(plan: &Plan, egress: &str) -> Value {
    let text = document::write(plan.outbound_documents.get(egress).unwrap());
    serde_json::from_slice(text.as_ref()).unwrap()
}

/// The EGR rules that found something, but for what can never be verified.
fn found(plan: &Plan) -> BTreeSet<&'static str> {
    let findings = plan.findings.iter().filter(|it| !it.not_verifiable);
    findings.map(|it| it.rule.as_str()).filter(|it| it.starts_with("EGR")).collect()
}

#[test]
fn a_name_is_one_router_for_one_address_on_one_entry_point() {
    let mut inventory = world("api.github.com:443, smtp.example.com:587,mirror.example.org:80");
    let address = on(&mut inventory, "web", "net-egress-app1").ipv4.unwrap();
    let plan = compile(&inventory, &Settings::default());
    assert_eq!(found(&plan), BTreeSet::new());
    assert_eq!(
        written(&plan, "egress"),
        json!({
            "http": {
                "routers": { format!("mirror.example.org-80-from-{address}"): {
                    "entryPoints": ["outbound-80"],
                    "rule": format!("Host(`mirror.example.org`) && ClientIP(`{address}`)"),
                    "service": "mirror.example.org-80",
                }},
                "services": { "mirror.example.org-80": {
                    "loadBalancer": { "servers": [{ "url": "http://mirror.example.org:80" }] },
                }},
            },
            "tcp": {
                "routers": {
                    format!("api.github.com-443-from-{address}"): {
                        "entryPoints": ["outbound-443"],
                        "rule": format!("HostSNI(`api.github.com`) && ClientIP(`{address}`)"),
                        "service": "api.github.com-443",
                        "tls": { "passthrough": true },
                    },
                    format!("smtp.example.com-587-from-{address}"): {
                        "entryPoints": ["outbound-587"],
                        "rule": format!("HostSNI(`*`) && ClientIP(`{address}`)"),
                        "service": "smtp.example.com-587",
                    },
                },
                "services": {
                    "api.github.com-443": { "loadBalancer": { "servers": [{ "address": "api.github.com:443" }] } },
                    "smtp.example.com-587": { "loadBalancer": { "servers": [{ "address": "smtp.example.com:587" }] } },
                },
            },
        })
    );
    // And nothing of it is in what inbound Traefiks are told.
    assert_eq!(plan.documents.keys().collect::<Vec<_>>(), ["", "traefik"]);
    for document in plan.documents.values() {
        assert_eq!(document::write(document), document::write(&Dynamic::default()));
    }
}

#[test]
fn an_egress_gets_no_inbound_route_and_no_certificate_and_its_networks_are_no_proxy_networks() {
    let mut inventory = world("api.github.com:443");
    let maker = ("com.docker.compose.project".to_owned(), "edge".to_owned());
    inventory.networks.get_mut("net-egress-app1").unwrap().labels.extend([maker]);
    add(&mut inventory, "shop", "shop", &["net-a"], &[("traefik.enable", "true"), RULE]);
    // Without a declared Traefik every internal network is a proxy network, but for these.
    inventory.container_mut("traefik").unwrap().labels.remove("leeward.traefik");
    inventory.container_mut("web").unwrap().labels.insert("traefik.enable".into(), "true".into());
    let plan = compile(&inventory, &Settings::default());
    assert_eq!(plan.decisions.get("web").unwrap().network.as_deref(), Some("net-a"));
    assert!(!plan.documents.contains_key("egress"));
    assert!(everything(&plan).http.routers.contains_key("shop.web"), "{:?}", everything(&plan).http.routers.keys());
    let told = written(&plan, "egress");
    assert!(told.get("http").is_none() && told.get("tls").is_none(), "{told}");
    assert_eq!(allowed(&plan, "web"), ["api.github.com:443"]);
}

/// Without a declared Traefik, every internal network is one; a label of one project says nothing of another's.
#[test]
fn a_container_that_calls_itself_an_egress_takes_no_network_from_another_project() {
    let mut inventory = world("");
    inventory.container_mut("traefik").unwrap().labels.remove("leeward.traefik");
    add(&mut inventory, "shop", "shop", &["net-a"], &[("traefik.enable", "true"), RULE]);
    let routed = |inventory: &Inventory| {
        compile(inventory, &Settings::default()).decisions.get("shop").unwrap().outcome == Outcome::Routed
    };
    assert!(routed(&inventory));
    add(&mut inventory, "mallory", "mallory", &["net-a"], &[("leeward.egress", "true")]);
    assert!(routed(&inventory));
}

#[test]
fn without_a_label_there_is_nothing_and_an_egress_is_told_so() {
    let plan = compile(&world(""), &Settings::default());
    assert_eq!((written(&plan, "egress"), plan.outbound.len()), (json!({}), 0));
}

type Change = fn(&mut Inventory);

/// Each change takes every outbound name away, by the rule that is named.
const CHANGES: &[(&str, &str, Change)] = &[
    ("EGR-002", "no resolv.conf of its own", |i| i.container_mut("egress").unwrap().mounts.clear()),
    ("EGR-002", "a volume in its place", |i| {
        i.container_mut("egress").unwrap().mounts.first_mut().unwrap().kind = "volume".into();
    }),
    ("EGR-003", "Leeward by DNS", |i| i.container_mut("egress").unwrap().confinement.extra_hosts.clear()),
    ("EGR-003", "another's address", |i| {
        let address = on(i, "web", "net-egress-app1").ipv4.unwrap();
        i.container_mut("egress").unwrap().confinement.extra_hosts = vec![format!("leeward:{address}")];
    }),
    ("EGR-003", "an address that is not fixed", |i| on(i, "leeward", "net-control-egress").fixed = Box::default()),
    ("EGR-003", "a hosts file in its place", |i| {
        let mut mount = i.container_mut("egress").unwrap().mounts.first().unwrap().clone();
        mount.destination = "/etc/hosts".into();
        i.container_mut("egress").unwrap().mounts.push(mount);
    }),
    ("EGR-003", "a whole /etc, which says whether hosts are read from a file", |i| {
        let mut mount = i.container_mut("egress").unwrap().mounts.first().unwrap().clone();
        (mount.source, mount.destination) = ("/srv/etc".into(), "/etc".into());
        i.container_mut("egress").unwrap().mounts.push(mount);
    }),
    ("EGR-003", "an order in which names are looked up elsewhere", |i| {
        let mut mount = i.container_mut("egress").unwrap().mounts.first().unwrap().clone();
        mount.destination = "/etc/nsswitch.conf".into();
        i.container_mut("egress").unwrap().mounts.push(mount);
    }),
    ("EGR-003", "a second address for Leeward's name", |i| {
        let hosts = &mut i.container_mut("egress").unwrap().confinement.extra_hosts;
        hosts.push("LEEWARD.net-control-egress.:203.0.113.9".into());
    }),
    ("EGR-003", "somebody between the two", |i| add(i, "spy", "spy", &["net-control-egress"], &[])),
    ("EGR-003", "an open network between the two", |i| {
        i.networks.get_mut("net-control-egress").unwrap().internal = false;
    }),
    ("EGR-003", "another Leeward, with company", |i| {
        let networks = ["net-control-egress2", "net-outside"];
        let network = Network {
            id: networks[0].into(),
            name: networks[0].into(),
            driver: "bridge".into(),
            internal: true,
            ..Network::default()
        };
        i.networks.insert(network.id.clone(), network);
        add(i, "spy", "spy", &networks[..1], &[]);
        for name in ["leeward", "egress"] {
            let address = format!("10.9.0.{}", name.len()).parse().unwrap();
            let attachment = Attachment {
                network: networks[0].into(),
                network_id: networks[0].into(),
                ipv4: Some(address),
                fixed: [address].into(),
                ..Attachment::default()
            };
            i.container_mut(name).unwrap().attachments.insert(networks[0].into(), attachment.into());
        }
        i.container_mut("egress").unwrap().confinement.extra_hosts.push("leeward:10.9.0.7".into());
    }),
    ("EGR-018", "the same address on another network of the egress", |i| {
        let network = Network {
            id: "net-egress-app2".into(),
            name: "net-egress-app2".into(),
            driver: "bridge".into(),
            internal: true,
            ..Network::default()
        };
        i.networks.insert(network.id.clone(), network);
        add(i, "other", "app2", &["net-egress-app2"], &[]);
        on(i, "other", "net-egress-app2").ipv4 = on(i, "web", "net-egress-app1").ipv4;
        let mut attachment = on(i, "egress", "net-egress-app1").clone();
        attachment.network = "net-egress-app2".into();
        attachment.network_id = "net-egress-app2".into();
        attachment.ipv4 = None;
        attachment.aliases.clear();
        i.container_mut("egress").unwrap().attachments.insert("net-egress-app2".into(), attachment.into());
    }),
    ("EGR-007", "an inbound Traefik beside it", |i| {
        let attachment = Attachment {
            network: "net-egress-app1".into(),
            network_id: "net-egress-app1".into(),
            ipv4: "172.30.1.250".parse().ok(),
            ..Attachment::default()
        };
        i.container_mut("traefik").unwrap().attachments.insert("net-egress-app1".into(), attachment.into());
    }),
    ("EGR-007", "a proxy network by its label", |i| {
        i.networks.get_mut("net-egress-app1").unwrap().labels.insert("leeward.proxy".into(), "true".into());
    }),
    ("EGR-012", "another owner", |i| app(i, "stranger", "app2", "")),
    ("EGR-012", "a second egress", |i| {
        add(i, "egress2", "edge", &["net-egress-app1"], &[("leeward.egress", "true")]);
    }),
    ("EGR-012", "somebody who could not be read", |i| {
        let attachment = Attachment {
            network: "net-egress-app1".into(),
            network_id: "net-egress-app1".into(),
            ..Attachment::default()
        };
        let unreadable = leeward::inventory::Unreadable {
            name: "unread".into(),
            state: "running".into(),
            attachments: [("net-egress-app1".to_owned(), attachment.into())].into(),
            ..leeward::inventory::Unreadable::default()
        };
        i.unreadable.insert("unread".into(), unreadable);
    }),
    ("EGR-013", "raw frames", |i| i.container_mut("web").unwrap().confinement.cap_drop.clear()),
    ("EGR-013", "a neighbour's raw frames", |i| {
        app(i, "db", "app1", "");
        i.container_mut("db").unwrap().confinement.cap_drop.clear();
    }),
    ("EGR-013", "a neighbour's NET_ADMIN", |i| {
        app(i, "db", "app1", "");
        i.container_mut("db").unwrap().confinement.cap_add.insert("CAP_NET_ADMIN".into());
    }),
    ("EGR-013", "a privileged neighbour", |i| {
        app(i, "db", "app1", "");
        i.container_mut("db").unwrap().confinement.privileged = true;
    }),
    ("EGR-014", "forwarding", |i| {
        i.container_mut("egress").unwrap().confinement.sysctls.remove("net.ipv4.ip_forward");
    }),
    ("EGR-014", "forwarding by another name", |i| {
        let sysctls = &mut i.container_mut("egress").unwrap().confinement.sysctls;
        sysctls.insert("net.ipv4.conf.all.forwarding".into(), "1".into());
    }),
    ("EGR-014", "no reverse path filter", |i| {
        i.container_mut("egress").unwrap().confinement.sysctls.remove("net.ipv4.conf.all.rp_filter");
    }),
    ("EGR-014", "a loose one on one interface", |i| {
        let sysctls = &mut i.container_mut("egress").unwrap().confinement.sysctls;
        sysctls.insert("net.ipv4.conf.eth1.rp_filter".into(), "2".into());
    }),
    ("EGR-015", "a network that is not internal", |i| {
        i.networks.get_mut("net-egress-app1").unwrap().internal = false;
    }),
    ("EGR-015", "IPv6", |i| i.networks.get_mut("net-egress-app1").unwrap().ipv6 = true),
    ("EGR-015", "an overlay", |i| i.networks.get_mut("net-egress-app1").unwrap().driver = "overlay".into()),
    ("EGR-015", "a bridge of the host's", |i| {
        let options = &mut i.networks.get_mut("net-egress-app1").unwrap().options;
        options.insert("com.docker.network.bridge.name".into(), "lan0".into());
    }),
    ("EGR-001", "no alias", |i| on(i, "egress", "net-egress-app1").aliases.clear()),
    ("EGR-016", "the egress gone", |i| i.container_mut("egress").unwrap().state = "exited".into()),
    ("EGR-006", "inbound and outbound in one", |i| {
        let labels = &mut i.container_mut("egress").unwrap().labels;
        labels.insert("leeward.traefik".into(), "true".into());
    }),
    ("EGR-011", "a way out of its own", |i| {
        let mut attachment = on(i, "web", "net-a").clone();
        attachment.network = "net-outside".into();
        attachment.network_id = "net-outside".into();
        i.container_mut("web").unwrap().attachments.insert("net-outside".into(), attachment.into());
    }),
    ("EGR-002", "the host's own resolver", |i| {
        i.container_mut("egress").unwrap().mounts.first_mut().unwrap().source = "/etc/resolv.conf".into();
    }),
    ("EGR-002", "the host's own resolver by another path", |i| {
        let mounts = &mut i.container_mut("egress").unwrap().mounts;
        mounts.first_mut().unwrap().source = "/run/systemd/resolve/resolv.conf".into();
    }),
    ("EGR-002", "the host's own resolver by a path that leads there", |i| {
        let mounts = &mut i.container_mut("egress").unwrap().mounts;
        mounts.first_mut().unwrap().source = "/proc/1/root/srv/../etc//resolv.conf".into();
    }),
    ("EGR-002", "the host's own resolver under WSL", |i| {
        let mounts = &mut i.container_mut("egress").unwrap().mounts;
        mounts.first_mut().unwrap().source = "/mnt/wsl/resolv.conf".into();
    }),
    ("EGR-002", "what an engine with a directory of its own wrote for a container", |i| {
        let mounts = &mut i.container_mut("egress").unwrap().mounts;
        mounts.first_mut().unwrap().source = format!("/data/docker/containers/{}/resolv.conf", "0a".repeat(32));
    }),
    ("EGR-002", "a second file in the same place", |i| {
        let mounts = &mut i.container_mut("egress").unwrap().mounts;
        let mut second = mounts.first().unwrap().clone();
        second.source = "/etc/resolv.conf".into();
        mounts.push(second);
    }),
    ("EGR-003", "a stranger whose image is called leeward, between the two", |i| {
        add(i, "spy", "spy", &["net-control-egress"], &[]);
        i.container_mut("spy").unwrap().image = "evil.example/x/leeward:1".into();
    }),
    ("EGR-003", "a Traefik between the two that may take Leeward's address", |i| {
        let address = "172.30.1.251".parse().ok();
        let attachment = Attachment {
            network: "net-control-egress".into(),
            network_id: "net-control-egress".into(),
            ipv4: address,
            ..Attachment::default()
        };
        let traefik = i.container_mut("traefik").unwrap();
        traefik.attachments.insert("net-control-egress".into(), attachment.into());
        traefik.confinement.cap_drop.clear();
    }),
    ("EGR-020", "the name in the egress's own hosts file", |i| {
        i.container_mut("egress").unwrap().confinement.extra_hosts.push("API.github.com:172.30.0.9".into());
    }),
    ("EGR-021", "somebody who can answer for the resolver", |i| {
        add(i, "sniffer", "edge", &["net-outside"], &[]);
        i.container_mut("sniffer").unwrap().confinement.cap_drop.clear();
    }),
    ("EGR-022", "a directory that another writes", |i| {
        let mut mount = i.container_mut("egress").unwrap().mounts.first().unwrap().clone();
        (mount.source, mount.destination, mount.writable) = ("/srv".into(), "/data".into(), true);
        add(i, "editor", "editor", &["net-a"], &[]);
        i.container_mut("editor").unwrap().mounts.push(mount);
    }),
    ("EGR-022", "a volume that another writes", |i| {
        let mount = leeward::inventory::Mount {
            kind: "volume".into(),
            name: "config".into(),
            destination: "/etc/traefik".into(),
            writable: true,
            ..leeward::inventory::Mount::default()
        };
        add(i, "editor", "editor", &["net-a"], &[]);
        i.container_mut("editor").unwrap().mounts.push(mount.clone());
        i.container_mut("egress").unwrap().mounts.push(leeward::inventory::Mount { writable: false, ..mount });
    }),
    ("EGR-022", "the engine's socket", |i| {
        let mut mount = i.container_mut("egress").unwrap().mounts.first().unwrap().clone();
        (mount.source, mount.destination) = ("/var/run/docker.sock".into(), "/var/run/docker.sock".into());
        i.container_mut("egress").unwrap().mounts.push(mount);
    }),
    ("EGR-023", "another in the network of the egress", |i| {
        add(i, "rider", "app1", &["net-a"], &[]);
        let rider = i.container_mut("rider").unwrap();
        rider.attachments.clear();
        rider.network_mode = "container:egress".into();
    }),
    ("EGR-023", "another among the processes of the egress", |i| {
        add(i, "tracer", "edge", &["net-a"], &[]);
        i.container_mut("tracer").unwrap().confinement.pid_mode = "container:egress".into();
    }),
    ("EGR-023", "an egress among the processes of another", |i| {
        add(i, "tracer", "edge", &["net-a"], &[]);
        i.container_mut("egress").unwrap().confinement.pid_mode = "container:tracer".into();
    }),
    ("EGR-023", "one that could not be read in the network of the egress", |i| {
        let unreadable = leeward::inventory::Unreadable {
            name: "unread".into(),
            state: "running".into(),
            network_mode: "container:egress".into(),
            ..leeward::inventory::Unreadable::default()
        };
        i.unreadable.insert("unread".into(), unreadable);
    }),
    ("EGR-012", "one that could not be read in the network of the application", |i| {
        let unreadable = leeward::inventory::Unreadable {
            name: "unread".into(),
            state: "running".into(),
            network_mode: "container:web".into(),
            ..leeward::inventory::Unreadable::default()
        };
        i.unreadable.insert("unread".into(), unreadable);
    }),
    ("EGR-012", "another owner's among the processes of the application", |i| {
        add(i, "tracer", "app2", &["net-a"], &[]);
        i.container_mut("tracer").unwrap().confinement.pid_mode = "container:web".into();
    }),
    ("EGR-013", "a neighbour's processes with the power to enter its network", |i| {
        add(i, "tracer", "app1", &["net-a"], &[]);
        let tracer = i.container_mut("tracer").unwrap();
        tracer.confinement.pid_mode = "container:web".into();
        tracer.confinement.cap_add.insert("SYS_ADMIN".into());
    }),
    ("EGR-018", "an address that two have", |i| {
        app(i, "twin", "app1", "");
        on(i, "twin", "net-egress-app1").ipv4 = on(i, "web", "net-egress-app1").ipv4;
    }),
];

#[test]
fn what_is_not_verified_is_not_allowed() {
    let mut wrong = Vec::new();
    for (rule, what, change) in CHANGES {
        let mut inventory = world("api.github.com:443");
        assert_eq!(allowed(&compile(&inventory, &Settings::default()), "web"), ["api.github.com:443"]);
        change(&mut inventory);
        let plan = compile(&inventory, &Settings::default());
        let told = plan.outbound_documents.get("egress").map_or_else(String::new, |it| document::write(it));
        if !allowed(&plan, "web").is_empty() || told.contains("github") || !found(&plan).contains(rule) {
            wrong.push((rule, what, allowed(&plan, "web"), found(&plan)));
        }
        for finding in plan.findings.iter().filter(|it| it.rule.as_str() == *rule) {
            assert!(!finding.words().contains('\n') && !finding.remedy().is_empty(), "{finding:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a person does where the remedy is in words, by what was wrong.
const BY_HAND: &[(&str, Change)] = &[
    ("the same address on another network of the egress", |i| {
        on(i, "other", "net-egress-app2").ipv4 = "172.30.9.9".parse().ok();
    }),
    ("an address that two have", |i| on(i, "twin", "net-egress-app1").ipv4 = "172.30.9.9".parse().ok()),
    ("an inbound Traefik beside it", |i| off(i, "traefik", "net-egress-app1")),
    ("a proxy network by its label", |i| i.networks.get_mut("net-egress-app1").unwrap().labels.clear()),
    ("another owner", |i| off(i, "stranger", "net-egress-app1")),
    ("a second egress", |i| off(i, "egress2", "net-egress-app1")),
    ("somebody who could not be read", |i| i.unreadable.clear()),
    ("one that could not be read in the network of the egress", |i| i.unreadable.clear()),
    ("one that could not be read in the network of the application", |i| i.unreadable.clear()),
    ("a network that is not internal", |i| i.networks.get_mut("net-egress-app1").unwrap().internal = true),
    ("IPv6", |i| i.networks.get_mut("net-egress-app1").unwrap().ipv6 = false),
    ("an overlay", |i| i.networks.get_mut("net-egress-app1").unwrap().driver = "bridge".into()),
    ("a bridge of the host's", |i| i.networks.get_mut("net-egress-app1").unwrap().options.clear()),
    ("the egress gone", |i| i.container_mut("egress").unwrap().state = "running".into()),
    ("inbound and outbound in one", |i| drop(i.container_mut("egress").unwrap().labels.remove("leeward.traefik"))),
    ("a way out of its own", |i| off(i, "web", "net-outside")),
    ("an open network between the two", |i| i.networks.get_mut("net-control-egress").unwrap().internal = true),
    ("another in the network of the egress", |i| drop(i.containers.remove("rider"))),
    ("another among the processes of the egress", |i| i.container_mut("tracer").unwrap().confinement.pid_mode.clear()),
    ("an egress among the processes of another", |i| i.container_mut("egress").unwrap().confinement.pid_mode.clear()),
    ("another owner's among the processes of the application", |i| {
        i.container_mut("tracer").unwrap().confinement.pid_mode.clear();
    }),
];

fn off(inventory: &mut Inventory, name: &str, network: &str) {
    inventory.container_mut(name).unwrap().attachments.remove(network).unwrap();
}

/// Does what a remedy says: snippets are read as Compose reads them, sentences by the names in backticks.
#[expect(clippy::indexing_slicing, clippy::panic, clippy::string_slice, reason = "a test that cannot go on fails")]
fn follow(inventory: &mut Inventory, remedy: &str) {
    let quoted: Vec<&str> = remedy.split('`').skip(1).step_by(2).collect();
    let paths = || remedy.split_whitespace().filter(|word| word.starts_with('/'));
    if let Some(at) = remedy.find("services:\n") {
        let lines: Vec<&str> = remedy[at..].lines().collect();
        let count = 1 + lines.iter().skip(1).take_while(|line| line.starts_with(' ')).count();
        paste(inventory, &lines[..count]);
        for key in quoted.chunks(2).filter_map(|pair| matches!(pair, [_, "sysctls"]).then_some(pair[0])) {
            inventory.container_mut("egress").unwrap().confinement.sysctls.remove(key).unwrap();
        }
    } else if remedy.starts_with("take the mount at ") {
        let path = paths().next().unwrap();
        inventory.container_mut(quoted[0]).unwrap().mounts.retain(|mount| mount.destination != path);
    } else if remedy.starts_with("take ") && quoted.contains(&"extra_hosts") {
        let address = quoted[0].rsplit(':').next().unwrap().to_owned();
        let hosts = &mut inventory.container_mut("egress").unwrap().confinement.extra_hosts;
        hosts.retain(|entry| {
            let name = entry.split(':').next().unwrap();
            !name.eq_ignore_ascii_case(quoted[0]) && !entry.ends_with(&format!(":{address}"))
        });
    } else if remedy.starts_with("take ") && remedy.contains(" off ") {
        off(inventory, quoted[0], quoted[1]);
    } else if remedy.starts_with("mount what ") {
        inventory.container_mut(quoted[1]).unwrap().mounts.iter_mut().for_each(|mount| mount.writable = false);
    } else if remedy.starts_with("on ") && remedy.contains("cap_drop: [ALL]") {
        let confinement = &mut inventory.container_mut(quoted[0]).unwrap().confinement;
        confinement.cap_drop = ["ALL".to_owned()].into();
        confinement.cap_add.clear();
        confinement.privileged = false;
    } else {
        panic!("nobody knows what to do: {remedy}");
    }
}

/// Merges what a snippet says of services over what they have.
#[expect(clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]
fn paste(inventory: &mut Inventory, snippet: &[&str]) {
    let is_name = |line: &str| line.starts_with("  ") && !line.starts_with("   ");
    let mut text = "name: p\n".to_owned();
    for line in snippet {
        text.extend([line, "\n"]);
        if is_name(line) {
            text.push_str("    image: x\n");
        }
    }
    text.push_str("networks:\n");
    for name in inventory.networks.values().map(|network| &network.name) {
        text.extend(["  ", name, ": { name: ", name, ", external: true }\n"]);
    }
    let project = leeward::source::compose::read(&text, "p").unwrap_or_else(|problem| panic!("{problem}: {text}"));
    for pasted in project.inventory.containers.values() {
        let own = inventory.container_mut(&pasted.labels["com.docker.compose.service"]).unwrap();
        own.confinement.sysctls.extend(pasted.confinement.sysctls.clone());
        own.confinement.extra_hosts.extend(pasted.confinement.extra_hosts.clone());
        for mount in &pasted.mounts {
            own.mounts.retain(|known| known.destination != mount.destination);
            own.mounts.push(mount.clone());
        }
        for (network, new) in &pasted.attachments {
            let Some(place) = own.attachments.get_mut(network) else { continue };
            place.aliases.extend(new.aliases.iter().filter(|it| it.contains('.')).cloned());
            if let Some(address) = new.fixed.first() {
                (place.ipv4, place.fixed) = (Some(*address), new.fixed.clone());
            }
        }
    }
}

#[test]
fn what_a_remedy_says_gives_the_names_back() {
    let mut wrong = Vec::new();
    for (rule, what, change) in CHANGES {
        let mut inventory = world("api.github.com:443");
        change(&mut inventory);
        let plan = compile(&inventory, &Settings::default());
        let finding = plan.findings.iter().find(|it| it.rule.as_str() == *rule && !it.not_verifiable).unwrap();
        match BY_HAND.iter().find(|(known, _)| known == what) {
            Some((_, hand)) => hand(&mut inventory),
            None => follow(&mut inventory, &finding.remedy()),
        }
        let after = compile(&inventory, &Settings::default());
        if allowed(&after, "web") != ["api.github.com:443"] {
            wrong.push((rule, what, finding.remedy().into_owned(), found(&after)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_rule_of_outbound_names_fires_and_none_without_a_reason() {
    let mut fired: BTreeSet<&str> = CHANGES.iter().map(|(rule, ..)| *rule).collect();
    let mut inventory = world("api.github.com:8443 a.smtp.example:587 b.smtp.example:587 * 192.0.2.1:80");
    add(&mut inventory, "fake", "app3", &["net-a"], &[]);
    on(&mut inventory, "fake", "net-a").aliases.insert("api.github.com".into());
    fired.extend(found(&compile(&inventory, &Settings::default())));
    let mut image = Image::default();
    image.labels.insert(LABEL.into(), "api.github.com:443".into());
    let mut inventory = world("api.github.com:443");
    inventory.images.insert("image".into(), image);
    let egress = inventory.container_mut("egress").unwrap();
    egress.publish_all_ports = true;
    egress.confinement.cap_drop.clear();
    fired.extend(found(&compile(&inventory, &Settings::default())));
    fired.extend(found(&compile(&beside_a_proxy(""), &Settings::default())));
    let all: BTreeSet<&str> = RuleId::ALL.iter().map(|id| id.as_str()).filter(|id| id.starts_with("EGR")).collect();
    assert_eq!(fired, all);
    let quiet = compile(&world("api.github.com:443 smtp.example.com:587 mirror.example.org:80"), &Settings::default());
    assert_eq!(found(&quiet), BTreeSet::new());
}

#[test]
fn an_image_allows_nothing() {
    let mut inventory = world("api.github.com:443");
    let mut image = Image::default();
    image.labels.insert(LABEL.into(), "api.github.com:443".into());
    inventory.images.insert("baked".into(), image);
    inventory.container_mut("web").unwrap().image_id = "baked".into();
    let plan = compile(&inventory, &Settings::default());
    assert_eq!((of(&plan, "web").len(), found(&plan)), (0, ["EGR-005", "EGR-010"].into()));
    // Nor does an image declare an egress.
    let mut inventory = world("api.github.com:443");
    let mut image = Image::default();
    image.labels.insert("leeward.egress".into(), "true".into());
    inventory.images.insert("baked".into(), image);
    inventory.container_mut("egress").unwrap().image_id = "baked".into();
    assert!(compile(&inventory, &Settings::default()).outbound_documents.is_empty());
    // Nor do labels that cannot be told from an image's.
    let mut inventory = world("api.github.com:443");
    inventory.container_mut("web").unwrap().image_id = "gone".into();
    assert!(of(&compile(&inventory, &Settings::default()), "web").is_empty());
}

#[test]
fn a_flag_says_who_the_egress_is_and_no_label_adds_to_it() {
    let settings = Settings { egresses: [("other".to_owned(), Egress::Names)].into(), ..Settings::default() };
    let plan = compile(&world("api.github.com:443"), &settings);
    assert!(allowed(&plan, "web").is_empty() && plan.outbound_documents.is_empty());
    let settings = Settings { egresses: [("egress".to_owned(), Egress::Names)].into(), ..Settings::default() };
    let mut inventory = world("api.github.com:443");
    inventory.container_mut("egress").unwrap().labels.clear();
    assert_eq!(allowed(&compile(&inventory, &settings), "web"), ["api.github.com:443"]);
}

#[test]
fn each_name_stands_for_itself() {
    let plan = compile(
        &world("api.github.com:443 api.github.com:8443 unheard.example:443 * 192.0.2.1:80"),
        &Settings::default(),
    );
    assert_eq!(allowed(&plan, "web"), ["api.github.com:443"]);
    let refused: Vec<_> = of(&plan, "web").into_iter().map(|it| (it.target.to_string(), it.refused.clone())).collect();
    assert_eq!(
        refused,
        [
            ("api.github.com:443".to_owned(), vec![]),
            ("api.github.com:8443".to_owned(), vec![RuleId::Egr004]),
            ("unheard.example:443".to_owned(), vec![RuleId::Egr001]),
        ]
    );
    assert_eq!(found(&plan), ["EGR-001", "EGR-004", "EGR-005", "EGR-008", "EGR-009"].into());
}

#[test]
fn of_two_names_on_a_plain_port_neither_is_allowed() {
    let mut inventory = world("smtp.example.com:587,mirror.example.org:587,api.github.com:443");
    let plan = compile(&inventory, &Settings::default());
    assert_eq!(allowed(&plan, "web"), ["api.github.com:443"]);
    assert!(found(&plan).contains("EGR-017"));
    // Also where the other is asked for by one that shares the address.
    inventory = world("smtp.example.com:587");
    add(&mut inventory, "rider", "app1", &["net-a"], &[(LABEL, "mirror.example.org:587")]);
    let rider = inventory.container_mut("rider").unwrap();
    rider.attachments.clear();
    rider.network_mode = "container:web".into();
    let plan = compile(&inventory, &Settings::default());
    assert_eq!((allowed(&plan, "web").len(), allowed(&plan, "rider").len()), (0, 0));
}

#[test]
fn what_a_network_allows_is_for_the_isolated_ones_each_by_its_own_address() {
    let mut inventory = world("");
    inventory.networks.get_mut("net-egress-app1").unwrap().labels.insert(LABEL.into(), "api.github.com:443".into());
    app(&mut inventory, "worker", "app1", "");
    app(&mut inventory, "leaky", "app1", "");
    let open = Attachment { network: "net-outside".into(), network_id: "net-outside".into(), ..Attachment::default() };
    inventory.container_mut("leaky").unwrap().attachments.insert("net-outside".into(), open.into());
    let plan = compile(&inventory, &Settings::default());
    assert_eq!((allowed(&plan, "web").len(), allowed(&plan, "worker").len(), of(&plan, "leaky").len()), (1, 1, 0));
    assert!(of(&plan, "egress").is_empty());
    let told = written(&plan, "egress");
    assert_eq!(told["tcp"]["routers"].as_object().unwrap().len(), 2);
    assert!(!told.to_string().contains('/'), "{told}");
    // The leaky one is said.
    let leaky = plan.findings.iter().find(|it| it.rule == RuleId::Egr011).unwrap();
    assert_eq!(leaky.severity, Severity::High);
}

#[test]
fn a_container_that_does_not_run_has_no_allowance() {
    for state in ["exited", "dead", "created", "paused", "restarting", "removing"] {
        let mut inventory = world("api.github.com:443");
        inventory.container_mut("web").unwrap().state = state.into();
        let plan = compile(&inventory, &Settings::default());
        assert_eq!(written(&plan, "egress"), json!({}), "{state}");
    }
    let mut inventory = world("api.github.com:443");
    on(&mut inventory, "web", "net-egress-app1").ipv4 = None;
    assert_eq!(written(&compile(&inventory, &Settings::default()), "egress"), json!({}));
}

/// The address of one that ended goes to another at once.
#[test]
fn an_address_that_changed_hands_is_nobodys_allowance() {
    let mut inventory = world("api.github.com:443");
    let address = on(&mut inventory, "web", "net-egress-app1").ipv4;
    inventory.container_mut("web").unwrap().state = "exited".into();
    app(&mut inventory, "taker", "app1", "");
    on(&mut inventory, "taker", "net-egress-app1").ipv4 = address;
    let plan = compile(&inventory, &Settings::default());
    assert_eq!(written(&plan, "egress"), json!({}));
    // What it asks for itself is what it gets.
    let labels = &mut inventory.container_mut("taker").unwrap().labels;
    labels.insert(LABEL.into(), "mirror.example.org:443".into());
    let told = written(&compile(&inventory, &Settings::default()), "egress").to_string();
    assert!(told.contains("mirror.example.org") && !told.contains("api.github.com"), "{told}");
}

#[test]
fn two_egresses_are_each_told_their_own() {
    let mut inventory = world("api.github.com:443");
    let network = Network {
        id: "net-egress-app2".into(),
        name: "net-egress-app2".into(),
        driver: "bridge".into(),
        internal: true,
        ..Network::default()
    };
    inventory.networks.insert(network.id.clone(), network);
    add(&mut inventory, "other", "app2", &["net-egress-app2"], &[(LABEL, "smtp.example.com:587")]);
    let mut egress = (*inventory.containers.get("egress").unwrap()).as_ref().clone();
    egress.id = "second".into();
    egress.name = "second".into();
    let mut attachment = egress.attachments.remove("net-egress-app1").unwrap();
    attachment.network = "net-egress-app2".into();
    attachment.network_id = "net-egress-app2".into();
    egress.attachments.insert("net-egress-app2".into(), attachment);
    inventory.put(egress);
    let plan = compile(&inventory, &Settings::default());
    let told = |egress| written(&plan, egress).to_string();
    assert!(told("egress").contains("api.github.com") && !told("egress").contains("smtp"), "{}", told("egress"));
    assert!(told("second").contains("smtp.example.com") && !told("second").contains("github"), "{}", told("second"));
}

#[test]
fn one_who_asks_for_too_much_gets_nothing_and_costs_others_nothing() {
    let names = |count: u32| (0..count).map(|at| format!("a{at}.example.com:443")).collect::<Vec<_>>().join(",");
    let plan = compile(&world(&names(501)), &Settings::default());
    assert_eq!((of(&plan, "web").len(), found(&plan)), (0, ["EGR-005", "EGR-009"].into()));
    // Five with 500 each are more than an owner may have.
    let most = names(500);
    let mut inventory = world(&most);
    for name in ["b", "c", "d", "e"] {
        app(&mut inventory, name, "app1", &most);
    }
    let plan = compile(&inventory, &Settings::default());
    assert_eq!((plan.outbound.len(), found(&plan)), (2_000, ["EGR-001", "EGR-005", "EGR-009"].into()));
}

/// A network's label for very many containers.
#[test]
fn what_a_network_allows_is_bounded_like_an_owner() {
    let names: Vec<String> = (0..500).map(|at| format!("a{at}.example.com:443")).collect();
    let mut inventory = world("");
    inventory.networks.get_mut("net-egress-app1").unwrap().labels.insert(LABEL.into(), names.join(","));
    for at in 0..100 {
        app(&mut inventory, &format!("worker{at}"), "app1", "");
    }
    let plan = compile(&inventory, &Settings::default());
    assert_eq!(plan.outbound.len(), 2_000);
    assert!(found(&plan).contains("EGR-009"));
}

/// An egress that is declared on a network of others hides no way out from them.
#[test]
fn an_egress_on_a_proxy_network_is_a_neighbour_with_a_way_out() {
    let mut inventory = world("");
    add(&mut inventory, "shop", "shop", &["net-a"], &[("traefik.enable", "true"), RULE]);
    let attachment = Attachment { network: "net-a".into(), network_id: "net-a".into(), ..Attachment::default() };
    inventory.container_mut("egress").unwrap().attachments.insert("net-a".into(), attachment.into());
    let plan = compile(&inventory, &Settings::default());
    assert!(found(&plan).contains("EGR-007"), "{:?}", found(&plan));
    assert!(plan.findings.iter().any(|it| it.rule == RuleId::Net011));
}

#[test]
fn whoever_else_answers_to_the_name_is_said() {
    let mut inventory = world("api.github.com:443");
    add(&mut inventory, "fake", "app3", &["net-a"], &[]);
    on(&mut inventory, "fake", "net-a").aliases.insert("API.github.com".into());
    let plan = compile(&inventory, &Settings::default());
    assert_eq!(found(&plan), ["EGR-005", "EGR-019"].into());
}

#[test]
fn an_alias_that_nobody_may_reach_is_said_the_louder_where_it_leads_out() {
    let mut inventory = world("api.github.com:443 smtp.example.com:587");
    let plan = compile(&inventory, &Settings::default());
    let severity = |plan: &Plan| plan.findings.iter().find(|it| it.rule == RuleId::Egr005).unwrap().severity;
    assert_eq!(severity(&plan), Severity::Low);
    on(&mut inventory, "egress", "net-egress-app1").aliases.remove("mirror.example.org");
    on(&mut inventory, "egress", "net-outside").aliases.insert("acme-v02.api.letsencrypt.org".into());
    assert_eq!(severity(&compile(&inventory, &Settings::default())), Severity::High);
}

/// An egress that lets nothing through is no neighbour with a way out; one that may forward is.
#[test]
fn an_egress_beside_an_application_is_no_pivot_unless_it_forwards() {
    let mut inventory = world("api.github.com:443");
    inventory.container_mut("web").unwrap().labels.insert("traefik.enable".into(), "true".into());
    let pivot = |inventory: &Inventory| {
        compile(inventory, &Settings::default()).findings.iter().any(|it| it.rule == RuleId::Net011)
    };
    // By its label alone it could be anything, on a network that another project made.
    assert!(pivot(&inventory));
    let maker = ("com.docker.compose.project".to_owned(), "edge".to_owned());
    inventory.networks.get_mut("net-egress-app1").unwrap().labels.extend([maker]);
    assert!(!pivot(&inventory));
    inventory.container_mut("egress").unwrap().confinement.sysctls.clear();
    assert!(pivot(&inventory));
}

/// By its image's name anybody is Leeward. Where Leeward knows its own container, nobody else is.
#[test]
fn an_image_called_leeward_is_not_leeward_where_leeward_knows_itself() {
    let mut inventory = world("api.github.com:443");
    let settings = |id: &str| Settings { own_container: Some(id.into()), ..Settings::default() };
    assert_eq!(allowed(&compile(&inventory, &settings("leeward")), "web"), ["api.github.com:443"]);
    inventory.container_mut("leeward").unwrap().image = "registry.example/built-here:1".into();
    assert_eq!(allowed(&compile(&inventory, &settings("leeward")), "web"), ["api.github.com:443"]);
    inventory.container_mut("leeward").unwrap().image = "evil.example/leeward".into();
    add(&mut inventory, "another", "edge", &["net-a"], &[]);
    let plan = compile(&inventory, &settings("another"));
    assert_eq!((allowed(&plan, "web").len(), found(&plan)), (0, ["EGR-003", "EGR-005"].into()));
}

/// A name beside it is as good as before.
#[test]
fn a_name_that_the_egress_finds_in_its_hosts_file_is_refused_alone() {
    let mut inventory = world("api.github.com:443 leeward.net-control-egress:80 mirror.example.org:80");
    on(&mut inventory, "egress", "net-egress-app1").aliases.insert("leeward.net-control-egress".into());
    let plan = compile(&inventory, &Settings::default());
    assert_eq!(allowed(&plan, "web"), ["api.github.com:443", "mirror.example.org:80"]);
    let to_leeward = of(&plan, "web").into_iter().find(|it| it.target.host().starts_with("leeward")).unwrap();
    assert_eq!(to_leeward.refused, [RuleId::Egr020]);
}

#[test]
fn who_only_reads_what_the_egress_reads_decides_nothing() {
    let mut inventory = world("api.github.com:443");
    let mount = inventory.containers.get("egress").unwrap().mounts.first().unwrap().clone();
    add(&mut inventory, "reader", "reader", &["net-a"], &[]);
    inventory.container_mut("reader").unwrap().mounts.push(mount.clone());
    let other = leeward::inventory::Mount { source: "/srv/resolv.conf.d".into(), writable: true, ..mount };
    inventory.container_mut("reader").unwrap().mounts.push(other);
    assert_eq!(allowed(&compile(&inventory, &Settings::default()), "web"), ["api.github.com:443"]);
}

/// The operator may put more there; it is said.
#[test]
fn a_stranger_where_the_egress_leaves_is_said_and_refuses_nothing() {
    let mut inventory = world("api.github.com:443 smtp.example.com:587 mirror.example.org:80");
    add(&mut inventory, "other", "other", &["net-outside"], &[]);
    let plan = compile(&inventory, &Settings::default());
    assert_eq!((allowed(&plan, "web").len(), found(&plan)), (3, ["EGR-021"].into()));
    // What is of the egress's own project is the resolver, as a rule.
    inventory.containers.remove("other");
    add(&mut inventory, "resolver", "edge", &["net-outside"], &[]);
    assert_eq!(found(&compile(&inventory, &Settings::default())), BTreeSet::new());
}

#[test]
fn ports_of_the_egress_on_the_host_are_said() {
    let mut inventory = world("api.github.com:443 smtp.example.com:587 mirror.example.org:80");
    let binding = leeward::inventory::Binding { host_ip: String::new(), host_port: "8443".into() };
    inventory.container_mut("egress").unwrap().port_bindings.insert("443/tcp".into(), vec![binding]);
    let plan = compile(&inventory, &Settings::default());
    assert_eq!((allowed(&plan, "web").len(), found(&plan)), (3, ["EGR-024"].into()));
}

/// Said, and nothing is refused for it.
#[test]
fn an_egress_with_power_that_it_does_not_need_is_said() {
    let changes: &[Change] = &[
        |i| i.container_mut("egress").unwrap().confinement.privileged = true,
        |i| i.container_mut("egress").unwrap().confinement.cap_drop.clear(),
        |i| i.container_mut("egress").unwrap().confinement.cap_add = ["cap_sys_admin".into()].into(),
        |i| i.container_mut("egress").unwrap().confinement.pid_mode = "host".into(),
        |i| i.container_mut("egress").unwrap().confinement.ipc_mode = "host".into(),
    ];
    for change in changes {
        let mut inventory = world("api.github.com:443 smtp.example.com:587 mirror.example.org:80");
        change(&mut inventory);
        let plan = compile(&inventory, &Settings::default());
        assert_eq!((allowed(&plan, "web").len(), found(&plan)), (3, ["EGR-026"].into()));
    }
}

#[test]
fn a_limit_of_connections_stands_on_every_router() {
    let inventory = world("api.github.com:443 smtp.example.com:587 mirror.example.org:80");
    let settings = Settings { outbound_connections: std::num::NonZeroU32::new(20), ..Settings::default() };
    let told = written(&compile(&inventory, &settings), "egress");
    assert_eq!(told["tcp"]["middlewares"], json!({ "connections": { "inFlightConn": { "amount": 20 } } }));
    assert_eq!(told["http"]["middlewares"], json!({ "connections": { "inFlightReq": { "amount": 20 } } }));
    let routers = ["tcp", "http"].into_iter().flat_map(|kind| told[kind]["routers"].as_object().unwrap().values());
    assert!(routers.map(|it| &it["middlewares"]).all(|it| *it == json!(["connections"])), "{told}");
}

/// `web` asks for a route, and is on a network with a declared forward proxy; so is its database, which does not ask.
fn beside_a_proxy(names: &str) -> Inventory {
    let mut inventory = inventory(["-", "-"]);
    for (name, internal) in [("net-outside", false), ("net-out-app1", true)] {
        let network =
            Network { id: name.into(), name: name.into(), driver: "bridge".into(), internal, ..Network::default() };
        inventory.networks.insert(network.id.clone(), network);
    }
    let mut labels = vec![("traefik.enable", "true"), RULE];
    if !names.is_empty() {
        labels.push((LABEL, names));
    }
    add(&mut inventory, "squid", "edge", &["net-out-app1", "net-outside"], &[("leeward.egress", "proxy")]);
    add(&mut inventory, "web", "app1", &["net-a", "net-out-app1"], &labels);
    inventory
}

#[test]
fn who_uses_a_forward_proxy_is_allowed_and_never_isolated() {
    use leeward::policy::rules::Standing;
    use leeward::report::topology::{State, Topology};
    let seen = |names: &str, settings: &Settings| {
        let inventory = beside_a_proxy(names);
        let plan = compile(&inventory, settings);
        let topology = Topology::of(&inventory, settings, &plan);
        let node = topology.containers.iter().find(|it| it.name == "web").unwrap();
        let web = plan.decisions.get("web").unwrap();
        let standing = web.steps.iter().flat_map(|step| &step.findings).find(|it| it.rule == RuleId::Egr025);
        (web.outcome, standing.map(|it| it.standing), node.state, node.allowed)
    };
    let settings = Settings::default();
    let refused = (Outcome::Refused, Some(Standing::Blocks), State::WayOut, false);
    let allowed = (Outcome::Routed, Some(Standing::Allowed), State::WayOut, true);
    assert_eq!(seen("", &settings), refused);
    assert_eq!(seen("api.github.com:443", &settings), refused);
    assert_eq!(seen("proxy", &settings), allowed);
    assert_eq!(seen("proxy,api.github.com:443", &settings), allowed);
    let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
    assert_eq!(seen("proxy", &strict), allowed);
    // By the flag too; and without it no label declares one.
    let named = |name: &str| Settings { egresses: [(name.to_owned(), Egress::Proxy)].into(), ..Settings::default() };
    assert_eq!(seen("", &named("squid")), refused);
    assert_eq!(seen("", &named("other")).1, None);
}

/// By a label of its own a neighbour on Traefik's network would take everybody's routes. It counts as what it is: a neighbour
/// with a way out.
#[test]
fn a_forward_proxy_on_a_proxy_network_refuses_nobody_else() {
    let mut inventory = beside_a_proxy("");
    let named = |name: &str| inventory.networks.values().find(|it| it.name == name).unwrap().clone();
    let (shared, _) = (named("net-a"), named("net-outside"));
    assert!(shared.internal);
    inventory.containers.remove("squid");
    inventory.containers.remove("web");
    add(&mut inventory, "web", "app1", &["net-a"], &[("traefik.enable", "true"), RULE]);
    assert_eq!(compile(&inventory, &Settings::default()).decisions.get("web").unwrap().outcome, Outcome::Routed);
    add(&mut inventory, "squid", "evil", &["net-a", "net-outside"], &[("leeward.egress", "proxy")]);
    let plan = compile(&inventory, &Settings::default());
    assert_eq!(plan.decisions.get("web").unwrap().outcome, Outcome::Routed);
    assert!(plan.findings.iter().any(|it| it.rule == RuleId::Net011));
}

#[test]
fn what_is_said_of_forward_proxies() {
    let words = |inventory: &Inventory| {
        let plan = compile(inventory, &Settings::default());
        let told = plan.findings.iter().filter(|it| matches!(it.rule.as_str(), "EGR-025" | "EGR-016" | "NET-011"));
        told.map(|it| (it.rule.as_str(), it.words(), it.allowed)).collect::<Vec<_>>()
    };
    let by = |name: &str, allowed| {
        let text = format!("`{name}` reaches the outside by the forward proxy `squid` on `net-out-app1`");
        ("EGR-025", text, allowed)
    };
    // Not a neighbour with a way out as well: that is said once, of each.
    let mut inventory = beside_a_proxy("proxy");
    add(&mut inventory, "db", "app1", &["net-out-app1"], &[]);
    let mut found = words(&inventory);
    found.sort();
    assert_eq!(found, [by("db", false), by("web", true)]);
    // An image declares no proxy, and lets nobody use one.
    let mut image = Image::default();
    image.labels.extend([(LABEL.to_owned(), "proxy".to_owned()), ("leeward.egress".to_owned(), "proxy".to_owned())]);
    inventory.images.insert("image".into(), image);
    let plan = compile(&inventory, &Settings::default());
    assert!(!plan.findings.iter().any(|it| it.rule == RuleId::Egr025));
    assert!(plan.findings.iter().any(|it| it.rule == RuleId::Net011));
    // Asked for in vain.
    let mut inventory = beside_a_proxy("proxy");
    inventory.containers.remove("squid");
    let vain = "`web` may use a forward proxy, and no declared one is on its networks".to_owned();
    assert_eq!(words(&inventory), [("EGR-016", vain, false)]);
    // A network lets nobody use one.
    let mut inventory = beside_a_proxy("");
    inventory.networks.get_mut("net-out-app1").unwrap().labels.insert(LABEL.into(), "proxy".into());
    assert_eq!(compile(&inventory, &Settings::default()).decisions.get("web").unwrap().outcome, Outcome::Refused);
}

#[test]
fn on_podman_nothing_is_allowed_and_that_is_said_once_and_not_what_podman_hides() {
    let mut inventory = world("api.github.com:443 smtp.example.com:587 mirror.example.org:80");
    inventory.engine.product = "Podman Engine".into();
    inventory.container_mut("egress").unwrap().confinement.sysctls.clear();
    on(&mut inventory, "leeward", "net-control-egress").fixed = Box::default();
    let plan = compile(&inventory, &Settings::default());
    assert_eq!((allowed(&plan, "web").len(), found(&plan)), (0, ["EGR-015"].into()));
    let told = plan.findings.iter().find(|it| it.rule == RuleId::Egr015).unwrap();
    assert!(told.words().contains("Podman") && told.remedy().contains("Docker"), "{told:?}");
}

/// A name in a label is no line of what is to be pasted.
#[test]
fn a_remedy_is_whole_whatever_a_service_is_called() {
    let mut inventory = world("unheard.example:443");
    let egress = inventory.container_mut("egress").unwrap();
    egress.labels.insert("com.docker.compose.service".into(), "x:\n    privileged: true\n  y".into());
    egress.confinement.sysctls.clear();
    egress.mounts.clear();
    let plan = compile(&inventory, &Settings::default());
    for rule in [RuleId::Egr001, RuleId::Egr002, RuleId::Egr014] {
        let finding = plan.findings.iter().find(|it| it.rule == rule).unwrap();
        assert!(
            finding.remedy().starts_with("services:\n  \"x:\\n    privileged: true\\n  y\":\n"),
            "{}",
            finding.remedy()
        );
    }
}

/// The edits that `fix` proposes for a project, applied and judged again; and what a second run proposes.
fn fixed(inventory: &Inventory) -> (leeward::remedy::Remedies, usize) {
    use leeward::remedy;
    let (settings, all) = (Settings::default(), remedy::Scope::Everything);
    let remedies = remedy::plan(inventory, &settings, &all, &remedy::Wishes::default());
    let again = remedy::plan(&remedies.after, &settings, &all, &remedy::Wishes::default());
    let left = again.owners.iter().map(|it| it.edits.len()).sum::<usize>() + again.traefik.len();
    (remedies, left)
}

#[test]
fn fix_makes_the_network_and_the_names_that_a_project_asks_for() {
    let mut inventory = world("");
    inventory.networks.remove("net-egress-app1");
    for container in ["web", "egress"] {
        inventory.container_mut(container).unwrap().attachments.remove("net-egress-app1");
    }
    let wanted = "api.github.com:80,api.github.com:443,smtp.example.com:587";
    let web = inventory.container_mut("web").unwrap();
    web.labels.insert(LABEL.into(), wanted.into());
    web.labels.insert("com.docker.compose.service".into(), "web".into());
    web.confinement.cap_drop.clear();
    inventory.container_mut("egress").unwrap().confinement.sysctls.remove("net.ipv4.conf.all.rp_filter");
    assert!(allowed(&compile(&inventory, &Settings::default()), "web").is_empty());
    let (remedies, left) = fixed(&inventory);
    let plan = compile(&remedies.after, &Settings::default());
    let all: Vec<&str> = wanted.split(',').collect();
    assert_eq!((allowed(&plan, "web"), left), (all.iter().map(ToString::to_string).collect(), 0), "{:?}", found(&plan));
    let place = remedies.after.containers.get("egress").unwrap().attachments.get("net-egress-app1").unwrap();
    assert!(["api.github.com", "smtp.example.com"].iter().all(|name| place.aliases.contains(*name)), "{place:?}");
    assert!(remedies.after.networks.values().any(|it| it.name == "net-egress-app1" && it.internal));
    // The inbound Traefik has no place on that network.
    let commands = leeward::report::fix::commands(&remedies);
    let connects: Vec<&String> = commands.iter().filter(|it| it.starts_with("docker network connect")).collect();
    let command = "docker network connect --alias api.github.com --alias smtp.example.com net-egress-app1 egress";
    assert_eq!(connects, [command]);
}

#[test]
fn fix_adds_a_name_to_the_network_that_is_there_and_takes_none_away() {
    let mut inventory = world("api.github.com:443,new.example.net:443");
    app(&mut inventory, "worker", "app1", "other.example.net:80");
    inventory.container_mut("worker").unwrap().attachments.remove("net-egress-app1");
    let (remedies, left) = fixed(&inventory);
    let plan = compile(&remedies.after, &Settings::default());
    assert_eq!(allowed(&plan, "web"), ["api.github.com:443", "new.example.net:443"]);
    assert_eq!((allowed(&plan, "worker"), left), (vec!["other.example.net:80".to_owned()], 0));
    let place = remedies.after.containers.get("egress").unwrap().attachments.get("net-egress-app1").unwrap();
    assert!(place.aliases.contains("mirror.example.org"), "{place:?}");
    let commands = leeward::report::fix::commands(&remedies);
    let there = commands.iter().position(|it| it == "docker network disconnect net-egress-app1 egress").unwrap();
    assert!(commands[there + 1].starts_with("docker network connect --alias api.github.com"), "{commands:#?}");
}

/// What no edit can mend is not tried, and others' projects are left alone.
#[test]
fn fix_proposes_nothing_for_names_that_are_allowed_or_that_nobody_can_give() {
    let nothing = |inventory: &Inventory| {
        let (remedies, _) = fixed(inventory);
        remedies.owners.iter().all(|it| it.edits.is_empty()) && remedies.traefik.is_empty()
    };
    assert!(nothing(&world("api.github.com:443")));
    assert!(nothing(&world("api.github.com:8443")));
    let mut inventory = world("new.example.net:443");
    inventory.container_mut("egress").unwrap().labels.clear();
    assert!(nothing(&inventory));
    // A name that Compose would not take is written nowhere.
    let mut inventory = world("new.example.net:443");
    let labels = &mut inventory.container_mut("egress").unwrap().labels;
    labels.insert("com.docker.compose.service".into(), "egress:\n    privileged: true".into());
    assert!(nothing(&inventory));
}

/// What the drawing says of outbound names is what was decided.
#[test]
fn the_topology_shows_who_may_reach_what_and_by_whom() {
    use leeward::report::topology::{NetworkRole, Role, State, Topology};
    let inventory = world("api.github.com:443 unheard.example:443");
    let settings = Settings::default();
    let plan = compile(&inventory, &settings);
    let topology = Topology::of(&inventory, &settings, &plan);
    let role = |name: &str| topology.networks.iter().find(|it| it.name == name).map(|it| it.role);
    assert_eq!(
        ["net-egress-app1", "net-outside", "net-control-egress"].map(role),
        [Some(NetworkRole::Outbound), Some(NetworkRole::Exposed), Some(NetworkRole::Control)]
    );
    let egress = topology.containers.iter().find(|it| it.name == "egress").unwrap();
    assert_eq!(egress.role, Role::Egress);
    let shared =
        |it: &&leeward::report::topology::Link<'_>| it.network.is_some_and(|it| it.as_str() == "net-egress-app1");
    assert!(topology.links.iter().filter(shared).all(|it| it.state == State::Shut));
    let told: Value = serde_json::from_str(&topology.json()).unwrap();
    assert_eq!(
        told["outbound"],
        json!([
            {
                "host": "api.github.com", "port": 443, "container": "web", "egress": "egress",
                "network": "net-egress-app1", "allowed": true,
            },
            {
                "host": "unheard.example", "port": 443, "container": "web", "egress": "egress",
                "network": "net-egress-app1", "allowed": false,
            },
        ])
    );
    let drawn = topology.mermaid();
    assert!(drawn.contains("x0([\"api.github.com:443\"])") && drawn.contains("-->|may reach| x0"), "{drawn}");
    assert!(drawn.contains("--x|may not reach| x1"), "{drawn}");
}

/// Whatever a label holds, no rule has more than its two matchers.
#[test]
fn no_label_writes_a_rule() {
    let hostile = [
        "a.example`) || HostSNI(`*:443",
        "a.example:443`) || ClientIP(`0.0.0.0/0",
        "a.example\\:443",
        "${jndi}.example:443",
        "a.example:443\u{0},\u{202e}b.example:443",
    ];
    for text in hostile {
        let mut inventory = world(text);
        on(&mut inventory, "egress", "net-egress-app1").aliases.extend(text.split([',', ' ']).map(ToOwned::to_owned));
        let plan = compile(&inventory, &Settings::default());
        let told = written(&plan, "egress");
        for kind in ["tcp", "http"] {
            for router in told[kind]["routers"].as_object().into_iter().flat_map(|it| it.values()) {
                let rule = router["rule"].as_str().unwrap();
                assert!(
                    rule.matches('`').count() == 4 && rule.matches("&&").count() == 1 && !rule.contains("||"),
                    "{rule}"
                );
                let address = rule.rsplit('`').nth(1).unwrap();
                assert!(address.parse::<IpAddr>().is_ok(), "{rule}");
                assert_eq!(router["entryPoints"].as_array().unwrap().len(), 1);
            }
        }
    }
}

#[test]
fn people_see_what_a_container_may_reach_and_why_not_more() {
    use leeward::report::{explain, routes};
    let mut inventory = world("api.github.com:443 smtp.example.com:587 unheard.example:443");
    let address = on(&mut inventory, "web", "net-egress-app1").ipv4.unwrap();
    let mut plan = compile(&inventory, &Settings::default());
    let told = explain::find(&plan, "web").text();
    for line in [
        format!("may reach api.github.com:443 by `egress` (tls, from {address} on net-egress-app1)"),
        format!("may reach smtp.example.com:587 by `egress` (plain, from {address} on net-egress-app1)"),
        "may not reach unheard.example:443: EGR-001".to_owned(),
        "EGR-001: on `net-egress-app1` no alias of `egress` is `unheard.example`".to_owned(),
        "aliases: [unheard.example]".to_owned(),
    ] {
        assert!(told.contains(&line), "{line}\n{told}");
    }
    let listed = routes::Listing::new(&plan, None, false).text();
    for row in [
        "web        api.github.com:443    tls     egress on net-egress-app1  allowed\n".to_owned(),
        "web        unheard.example:443   tls     egress on net-egress-app1  not allowed: EGR-001".to_owned(),
    ] {
        assert!(listed.contains(&row), "{row}\n{listed}");
    }
    let listed: Value = serde_json::from_str(&routes::Listing::new(&plan, None, false).json()).unwrap();
    assert_eq!(
        listed["outbound"][0],
        json!({
            "allowed": true, "container": "web", "id": "web", "owner": "app1", "host": "api.github.com", "port": 443,
            "kind": "tls", "network": "net-egress-app1", "egress": "egress", "address": address,
        })
    );
    assert_eq!(
        (&listed["outbound"][2]["allowed"], &listed["outbound"][2]["refused"][0]),
        (&json!(false), &json!("EGR-001"))
    );
    // While they are taken back, nobody says otherwise.
    plan.withdraw_outbound();
    assert_eq!(written(&plan, "egress"), json!({}));
    let told = explain::find(&plan, "web").text();
    assert!(told.contains("may not reach api.github.com:443: the engine does not answer"), "{told}");
}

/// What Leeward writes is what the shipped egress listens on.
#[test]
fn the_shipped_egress_has_an_entry_point_for_each_port() {
    let config = std::fs::read_to_string(format!("{}/traefik/egress.yml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for (port, _) in leeward::settings::OutboundPorts::default().iter() {
        let entry_point = leeward::settings::OutboundPorts::entry_point(port);
        assert!(config.contains(&format!("  {entry_point}:\n    address: \":{port}\"\n")), "{entry_point}");
    }
    assert_eq!(config.matches("  outbound-").count(), leeward::settings::OutboundPorts::default().iter().count());
    assert!(config.contains("  traefik:\n    address: \"127.0.0.1:"), "{config}");
}
