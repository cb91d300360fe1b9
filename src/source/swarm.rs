//! Swarm services and tasks as containers: what Traefik's Swarm provider makes of them.
//!
//! A service stands for itself (`lbswarm`: reached at its virtual address) and for each of its running tasks; which of the
//! two is routed is for the labels to say, and so for the plan. Source: Traefik `pkg/provider/docker/pswarm.go`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::facts::{self, at, items, text, text_map};
use crate::inventory::{Attachment, Container, ContainerId, Network, NetworkId, Swarm};

/// All services, and their tasks that run and shall run. `networks`: all the engine knows, by id.
pub fn containers(
    services: &[Value],
    tasks: &[Value],
    nodes: &[Value],
    networks: &BTreeMap<NetworkId, Network>,
) -> Vec<Container> {
    let node_ips: BTreeMap<String, String> =
        nodes.iter().map(|node| (text(node, &["ID"]), text(node, &["Status", "Addr"]))).collect();
    // Traefik asks for the networks of scope `swarm`.
    let known = |id: &str| networks.get(id).filter(|network| network.scope == "swarm");
    let mut containers = Vec::new();
    for service in services {
        let mut whole = of_service(service, &known);
        for task in tasks.iter().filter(|task| text(task, &["ServiceID"]) == whole.id.as_str()) {
            if let (Some(swarm), Some(container)) = (&mut whole.swarm, container_of(task)) {
                swarm.containers.insert(container);
            }
            let runs = text(task, &["Status", "State"]) == "running" && text(task, &["DesiredState"]) == "running";
            if runs {
                containers.push(of_task(task, service, &whole, &node_ips, &known));
            }
        }
        containers.push(whole);
    }
    containers
}

fn of_service<'n>(service: &Value, known: &impl Fn(&str) -> Option<&'n Network>) -> Container {
    let name = text(service, &["Spec", "Name"]);
    let mode = text(service, &["Spec", "EndpointSpec", "Mode"]);
    let publish_modes: BTreeSet<String> =
        items(service, &["Endpoint", "Ports"]).map(|port| text(port, &["PublishMode"])).collect();
    let addresses = items(service, &["Endpoint", "VirtualIPs"]).filter(|_| mode == "vip");
    let attachments = addresses
        .filter_map(|address| attachment(&text(address, &["NetworkID"]), &text(address, &["Addr"]), known))
        .map(|attachment| (attachment.network.clone(), attachment))
        .collect();
    let id = text(service, &["ID"]);
    let as_container = as_container(at(service, &["Spec", "TaskTemplate"]));
    Container {
        id: id.as_str().into(),
        name: name.clone(),
        image: text(service, &["Spec", "TaskTemplate", "ContainerSpec", "Image"]),
        labels: text_map(service, &["Spec", "Labels"]),
        created: text(service, &["CreatedAt"]),
        state: "running".to_owned(),
        attachments,
        confinement: facts::confinement(&as_container),
        mounts: facts::mounts(&as_container),
        excess: facts::service_excess(service),
        swarm: Some(Swarm {
            service: name,
            service_id: id,
            task: None,
            node_ip: None,
            container: None,
            containers: BTreeSet::new(),
            publish_modes,
            endpoint_mode: mode,
        }),
        ..Container::default()
    }
}

/// What a service asks for its tasks, as the inspection of a container would show it. How far `Privileges` goes is known
/// only where no gate stands before the engine.
fn as_container(task: &Value) -> Value {
    let spec = at(task, &["ContainerSpec"]);
    let privileges = |path: &[&str]| text(at(spec, &["Privileges"]), path);
    let mut security: Vec<&str> = Vec::new();
    if at(spec, &["Privileges", "NoNewPrivileges"]).as_bool() == Some(true) {
        security.push("no-new-privileges");
    }
    match privileges(&["Seccomp", "Mode"]).as_str() {
        "unconfined" => security.push("seccomp=unconfined"),
        // A profile in another form, which nobody here reads.
        "custom" => security.push("seccomp={custom}"),
        _ => {}
    }
    if privileges(&["AppArmor", "Mode"]) == "disabled" {
        security.push("apparmor=unconfined");
    }
    if at(spec, &["Privileges", "SELinuxContext", "Disable"]).as_bool() == Some(true) {
        security.push("label=disable");
    }
    // `address name…` here, `name:address` there.
    let hosts = items(spec, &["Hosts"]).filter_map(Value::as_str).flat_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next().unwrap_or_default().to_owned();
        words.map(|name| format!("{name}:{address}")).collect::<Vec<_>>()
    });
    json!({
        "Config": { "User": at(spec, &["User"]) },
        "HostConfig": {
            "CapAdd": at(spec, &["CapabilityAdd"]),
            "CapDrop": at(spec, &["CapabilityDrop"]),
            "Sysctls": at(spec, &["Sysctls"]),
            "GroupAdd": at(spec, &["Groups"]),
            "ReadonlyRootfs": at(spec, &["ReadOnly"]),
            "Memory": at(task, &["Resources", "Limits", "MemoryBytes"]),
            "PidsLimit": at(task, &["Resources", "Limits", "Pids"]),
            "LogConfig": { "Type": at(task, &["LogDriver", "Name"]) },
            "ExtraHosts": hosts.collect::<Vec<_>>(),
            "SecurityOpt": security,
            "Mounts": at(spec, &["Mounts"]),
        },
    })
}

/// The container that a task says is its own.
fn container_of(task: &Value) -> Option<ContainerId> {
    let id = text(task, &["Status", "ContainerStatus", "ContainerID"]);
    (!id.is_empty()).then(|| id.into())
}

fn of_task<'n>(
    task: &Value,
    service: &Value,
    whole: &Container,
    node_ips: &BTreeMap<String, String>,
    known: &impl Fn(&str) -> Option<&'n Network>,
) -> Container {
    let id = text(task, &["ID"]);
    let is_global = !at(service, &["Spec", "Mode", "Global"]).is_null();
    let slot = if is_global { id.clone() } else { at(task, &["Slot"]).as_u64().unwrap_or_default().to_string() };
    let attachments = items(task, &["NetworksAttachments"])
        .filter_map(|it| {
            // The last address counts, as in Traefik.
            let address = items(it, &["Addresses"]).last()?.as_str()?.to_owned();
            attachment(&text(it, &["Network", "ID"]), &address, known)
        })
        .map(|attachment| (attachment.network.clone(), attachment))
        .collect();
    Container {
        id: id.into(),
        name: format!("{}.{slot}", whole.name),
        attachments,
        swarm: whole.swarm.clone().map(|swarm| Swarm {
            task: Some(slot),
            node_ip: node_ips.get(&text(task, &["NodeID"])).cloned(),
            container: container_of(task),
            containers: BTreeSet::new(),
            ..swarm
        }),
        ..whole.clone()
    }
}

/// An address such as `10.0.1.5/24` on a network that the engine knows.
fn attachment<'n>(network: &str, address: &str, known: &impl Fn(&str) -> Option<&'n Network>) -> Option<Attachment> {
    let network = known(network)?;
    let ip = address.split('/').next()?.parse().ok()?;
    Some(Attachment {
        network: network.name.clone(),
        network_id: network.id.clone(),
        ipv4: Some(ip),
        ..Attachment::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets::Quantity;

    #[test]
    fn a_service_whose_labels_were_left_out_is_above_a_budget_and_not_without_labels() {
        for (field, is_missed) in
            [("Spec.Labels", true), ("Spec.TaskTemplate", true), ("Endpoint", true), ("PreviousSpec", false)]
        {
            let service = json!({ "ID": "s1", "Spec": { "Name": "web" }, "LeewardLeftOut": { field: 3_000_000 } });
            let task = json!({ "ID": "t1", "ServiceID": "s1", "Slot": 1, "DesiredState": "running",
                "Status": { "State": "running" } });
            for container in containers(&[service], &[task], &[], &BTreeMap::new()) {
                let found = container.excess.map(|excess| (excess.quantity, excess.found));
                assert_eq!(found, is_missed.then_some((Quantity::ObjectBytes, 3_000_000)), "{field}");
            }
        }
    }

    #[test]
    fn a_service_has_the_containers_of_its_tasks_also_of_those_that_only_start() {
        let service = json!({ "ID": "s1", "Spec": { "Name": "web" } });
        let task = |id: &str, state: &str| {
            let status = json!({ "State": state, "ContainerStatus": { "ContainerID": format!("c-{id}") } });
            json!({ "ID": id, "ServiceID": "s1", "Slot": 1, "DesiredState": "running", "Status": status })
        };
        let found = containers(&[service], &[task("t1", "running"), task("t2", "starting")], &[], &BTreeMap::new());
        assert_eq!(found.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["web.1", "web"]);
        let [one, whole] = [0, 1].map(|at| found[at].swarm.clone().unwrap());
        assert_eq!((one.container, one.containers.len()), (Some("c-t1".into()), 0));
        assert_eq!(whole.containers, ["c-t1".into(), "c-t2".into()].into());
    }

    #[test]
    fn a_service_shows_what_its_tasks_may_do() {
        let service = json!({
            "ID": "s1",
            "Spec": { "Name": "web", "TaskTemplate": {
                "ContainerSpec": {
                    "Mounts": [{ "Type": "bind", "Source": "/var/run", "Target": "/r", "ReadOnly": true }],
                    "CapabilityAdd": ["CAP_NET_ADMIN"],
                    "Sysctls": { "net.ipv4.ip_forward": "0" },
                    "Hosts": ["192.0.2.1 host alias"],
                    "Privileges": { "NoNewPrivileges": true, "Seccomp": { "Mode": "unconfined" } },
                },
                "Resources": { "Limits": { "MemoryBytes": 1024, "Pids": 9 } },
            } },
        });
        let task = json!({ "ID": "t1", "ServiceID": "s1", "Slot": 1, "DesiredState": "running",
            "Status": { "State": "running" } });
        let found = containers(&[service], &[task], &[], &BTreeMap::new());
        assert_eq!(found.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["web.1", "web"]);
        for container in found {
            let mount = container.mounts.first().unwrap();
            assert_eq!((mount.kind.as_str(), mount.source.as_str(), mount.writable), ("bind", "/var/run", false));
            let it = container.confinement;
            assert!(it.cap_add.contains("CAP_NET_ADMIN") && it.sysctls.contains_key("net.ipv4.ip_forward"));
            assert_eq!(it.extra_hosts, ["host:192.0.2.1", "alias:192.0.2.1"]);
            assert_eq!(it.security_opt, ["no-new-privileges", "seccomp=unconfined"]);
            assert_eq!((it.memory, it.pids_limit), (1024, Some(9)));
        }
    }
}
