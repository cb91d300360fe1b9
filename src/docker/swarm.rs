//! Swarm services and tasks as containers: what Traefik's Swarm provider makes of them.
//!
//! A service stands for itself (`lbswarm`: reached at its virtual address) and for each of its running tasks; which of the
//! two is routed is for the labels to say, and so for the plan. Source: Traefik `pkg/provider/docker/pswarm.go`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::facts::{at, items, text, text_map};
use crate::inventory::{Attachment, Container, Network, NetworkId, Swarm};

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
        let whole = of_service(service, &known);
        for task in tasks.iter().filter(|task| text(task, &["ServiceID"]) == whole.id.as_str()) {
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
    Container {
        id: id.as_str().into(),
        name: name.clone(),
        image: text(service, &["Spec", "TaskTemplate", "ContainerSpec", "Image"]),
        labels: text_map(service, &["Spec", "Labels"]),
        created: text(service, &["CreatedAt"]),
        state: "running".to_owned(),
        attachments,
        swarm: Some(Swarm {
            service: name,
            service_id: id,
            task: None,
            node_ip: None,
            publish_modes,
            endpoint_mode: mode,
        }),
        ..Container::default()
    }
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
