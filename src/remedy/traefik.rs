//! Traefik's part: the networks that it makes and joins, and a Traefik to judge by where none is known.

use std::collections::BTreeSet;

use super::compiled::Compiled;
use super::edit::{Change, Edit, NewNetwork, ServiceNetwork, What};
use super::names::{free, is_reserved, is_writable};
use super::networks::{ProxyNeed, aliases, closed_to_the_host};
use crate::inventory::{Attachment, Container, ContainerId, Image, ImageId, Inventory, NetworkId};
use crate::plan::{self, Plan};
use crate::policy::context::{Context, is_traefiks};
use crate::policy::leeward_labels::{PROXY, TRAEFIK};
use crate::policy::names::Owner;
use crate::policy::proxy::How;
use crate::settings::Settings;

/// The id of the Traefik that is assumed, and what its project and service are taken to be called.
const STAND_IN: &str = "leeward-stand-in-traefik";
const SERVICE: &str = "traefik";

/// Who is Traefik.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is declared.
    Declared,
    /// The only container of Traefik's image that runs; it is to be declared.
    ByImage(ContainerId),
    /// Nobody; one is assumed.
    Assumed,
}

/// Says who Traefik is, and sees to it that the inventory has one.
pub(super) fn known(inventory: &mut Inventory, plan: &Plan, settings: &Settings, has_traefik: bool) -> Known {
    if has_traefik {
        return Known::Declared;
    }
    // Whoever is declared may share middlewares with everybody.
    let mut of_image = inventory.containers.values().filter(|it| is_traefiks(&it.image));
    let found = of_image.next().filter(|it| it.is_running() && of_image.next().is_none()).map(|it| it.id.clone());
    drop(of_image);
    if let (Some(id), true) = (found, settings.traefiks.is_empty())
        && let Some(container) = inventory.container_mut(id.as_str())
    {
        container.labels.insert(TRAEFIK.to_owned(), "true".to_owned());
        return Known::ByImage(id);
    }
    stand_in(inventory, plan, settings);
    Known::Assumed
}

/// The containers of Traefik's own image, where none is declared. They are judged like applications, and what would mend them
/// as such stops Traefik.
pub(super) fn of_image<'c>(context: &'c Context<'_>) -> impl Iterator<Item = usize> + 'c {
    let is_declared = context.traefiks().any(|it| it.id.as_str() != STAND_IN);
    let candidates = context.candidates.iter().enumerate().filter(move |_| !is_declared);
    candidates.filter(|(_, it)| !it.is_traefik && is_traefiks(&it.container.image)).map(|(at, _)| at)
}

/// Marks the networks of `own`, of projects that were read from files, on which containers would be reached although nobody
/// said where Traefik is: see [`Network::traefik_assumed`].
///
/// [`Network::traefik_assumed`]: crate::inventory::Network::traefik_assumed
pub fn assume(inventory: &mut Inventory, settings: &Settings, own: &BTreeSet<NetworkId>) {
    if Context::of(inventory, settings).proxy.how != How::Internal {
        return;
    }
    let plan = plan::compile(inventory, settings);
    let reached: BTreeSet<&str> = plan.decided().filter_map(|it| it.network.as_deref()).collect();
    let of_image = || inventory.containers.values().filter(|it| is_traefiks(&it.image));
    let is_seen = |name: &String| of_image().any(|it| it.attachments.contains_key(name));
    let open = own.iter().filter(|id| {
        let network = inventory.networks.get(id.as_str());
        network.is_some_and(|it| reached.contains(it.name.as_str()) && !is_seen(&it.name))
    });
    for id in open.cloned().collect::<Vec<_>>() {
        if let Some(network) = inventory.networks.get_mut(id.as_str()) {
            network.traefik_assumed = true;
        }
    }
}

const PROJECT: &str = "com.docker.compose.project";

/// Puts a Traefik on the networks where one must be: those on which containers are routed, those that are said to be proxy
/// networks, and the internal ones that are somebody else's.
fn stand_in(inventory: &mut Inventory, plan: &Plan, settings: &Settings) {
    let routed: BTreeSet<&str> = plan.decided().filter_map(|decision| decision.network.as_deref()).collect();
    let is_others = |name: &str, own: Option<&String>| {
        let network = inventory.network_named(name);
        network.is_some_and(|it| it.internal && (own.is_none() || it.labels.get(PROJECT) != own))
    };
    let mut visited: BTreeSet<String> = BTreeSet::new();
    for container in inventory.containers.values() {
        let own = container.labels.get(PROJECT);
        if container.labels.keys().any(|key| key.to_ascii_lowercase().starts_with("traefik.")) {
            visited.extend(container.attachments.keys().filter(|name| is_others(name, own)).cloned());
        }
    }
    let places = inventory.networks.values().filter(|network| {
        (routed.contains(network.name.as_str()) && !network.traefik_assumed)
            || visited.contains(&network.name)
            || network.labels.contains_key(PROXY)
            || settings.proxy_networks.iter().any(|glob| glob.matches(&network.name))
    });
    let attachments = places.map(|network| {
        let attachment = Attachment {
            network: network.name.clone(),
            network_id: network.id.clone(),
            ipv4: "198.18.255.254".parse().ok(),
            ..Attachment::default()
        };
        (network.name.clone(), attachment.into())
    });
    let wanted = settings.traefiks.iter().next().map_or(SERVICE, String::as_str);
    let projects: BTreeSet<String> =
        inventory.containers.values().filter_map(|container| container.labels.get(PROJECT).cloned()).collect();
    let labels = [
        (TRAEFIK, "true".to_owned()),
        (PROJECT, free(SERVICE, &projects)),
        ("com.docker.compose.service", SERVICE.to_owned()),
        ("com.docker.compose.config-hash", STAND_IN.to_owned()),
    ];
    let image = ImageId::from(STAND_IN);
    let container = Container {
        id: STAND_IN.into(),
        name: wanted.to_owned(),
        image: "traefik".to_owned(),
        image_id: image.clone(),
        labels: labels.map(|(key, value)| (key.to_owned(), value)).into(),
        state: "running".to_owned(),
        network_mode: "none".to_owned(),
        attachments: attachments.collect(),
        ..Container::default()
    };
    // As it should be: what is wrong with the real one is not known here.
    let mut container = container;
    container.confinement.sysctls.insert("net.ipv4.ip_forward".to_owned(), "0".to_owned());
    container.confinement.cap_drop.insert("ALL".to_owned());
    inventory.images.insert(image, Image::default());
    inventory.put(container);
}

/// The edits by which Traefik makes and joins the proxy network of an owner.
pub(super) fn join(compiled: &Compiled<'_>, owner: &Owner, need: &ProxyNeed) -> Vec<Edit> {
    let can_join = |at: &usize| {
        compiled
            .container(*at)
            .is_some_and(|it| it.network_mode != "host" && !it.network_mode.starts_with("container:"))
    };
    let all: Vec<usize> =
        (0..compiled.context.candidates.len()).filter(|at| compiled.context.is_traefik(*at)).filter(can_join).collect();
    let near: Vec<usize> = all.iter().copied().filter(|at| need.near.contains(at)).collect();
    let chosen = if near.is_empty() { all } else { near };
    let Some(first) = chosen.first().and_then(|at| compiled.owner(*at)) else { return Vec::new() };
    let mut edits = Vec::new();
    if need.is_new {
        let own = compiled.context.proxy.how == How::Label;
        let labels = own.then(|| (PROXY.to_owned(), "true".to_owned()));
        // In the application's own file where Traefik is a service of it.
        let maker = if chosen.iter().any(|at| compiled.owner(*at) == Some(owner)) { owner } else { first };
        edits.push(Edit {
            owner: maker.clone(),
            what: What::Network(NewNetwork {
                name: need.network.clone(),
                key: need.network.clone(),
                replaces: None,
                driver: "bridge".to_owned(),
                anew: false,
                options: closed_to_the_host("bridge"),
                labels: labels.into_iter().collect(),
                other_subnet: false,
                subnets: Vec::new(),
            }),
        });
    }
    for at in chosen {
        let is_on = compiled.container(at).is_some_and(|it| it.attachments.contains_key(&need.network));
        let Some(traefik) = compiled.owner(at).filter(|_| !is_on) else { continue };
        let entry =
            ServiceNetwork { network: need.network.clone(), aliases: BTreeSet::new(), addresses: Box::default() };
        edits.push(Edit::service(traefik, &compiled.service(at), Change::Attach(entry)));
    }
    edits
}

/// The networks of the form `net-<project>` that Traefik's project makes and a Traefik, inbound or egress, is on which gets
/// another one.
pub(super) fn again(compiled: &Compiled<'_>, edits: &[Edit]) -> Vec<Edit> {
    let mut again = Vec::new();
    let is_one = |at: &usize| compiled.context.is_traefik(*at) || compiled.context.is_egress(*at);
    for at in (0..compiled.context.candidates.len()).filter(is_one) {
        let (Some(owner), Some(container), service) =
            (compiled.owner(at), compiled.container(at), compiled.service(at))
        else {
            continue;
        };
        let joins = edits.iter().any(|edit| {
            let is_it = |name: &str, change: &Change| name == service && matches!(change, Change::Attach(_));
            edit.owner == *owner && matches!(&edit.what, What::Service { name, change } if is_it(name, change))
        });
        for network in container.attachments.keys().filter_map(|name| compiled.context.inventory.network_named(name)) {
            let label = |key: &str| network.labels.get(key).map(String::as_str);
            let is_own = owner.group().is_some() && label(PROJECT) == owner.group();
            let is_ours = network.name.starts_with("net-")
                && label("com.docker.compose.network") == Some(&*network.name)
                && is_writable(&network.name)
                && !is_reserved(&network.name);
            if !(joins && is_own && is_ours && network.internal && network.driver == "bridge") {
                continue;
            }
            let declared = NewNetwork {
                name: network.name.clone(),
                key: network.name.clone(),
                replaces: None,
                driver: network.driver.clone(),
                anew: false,
                options: network.options.clone(),
                labels: network.labels.iter().filter(|(key, _)| key.starts_with("leeward.")).map(owned).collect(),
                other_subnet: false,
                subnets: Vec::new(),
            };
            let place = container.attachments.get(&network.name);
            let entry = ServiceNetwork {
                network: network.name.clone(),
                aliases: place.map(|it| aliases(container, &service, it)).unwrap_or_default(),
                addresses: place.map(|it| it.fixed.clone()).unwrap_or_default(),
            };
            Edit { owner: owner.clone(), what: What::Network(declared) }.put(&mut again);
            Edit::service(owner, &service, Change::Attach(entry)).put(&mut again);
        }
    }
    again
}

fn owned((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}
