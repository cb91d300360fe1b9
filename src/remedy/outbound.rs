//! Outbound names: the network that an egress and a project's containers share, and what the egress is called there.
//!
//! Which egress there is to be, its resolver and how it finds Leeward are not in any project's files: without a declared egress
//! nothing is proposed, and rule EGR-016 says so.

use std::collections::{BTreeMap, BTreeSet};

use super::edit::{Change, Edit, NewNetwork, Seat, What};
use super::names::{free, is_writable, proxy_network_of};
use super::networks::{aliases, closed_to_the_host};
use super::world::World;
use crate::policy::names::Owner;
use crate::policy::outbound::lets_through;
use crate::policy::rule_id::RuleId;
use crate::policy::rules::can_forge;

/// Whether an owner's containers ask for names that an edit could make theirs.
pub(super) fn is_wanted(world: &World<'_>, owner: &Owner) -> bool {
    world.context.egresses().next().is_some() && !wishes(world, owner).is_empty()
}

/// The names that containers of an owner ask for and are not allowed, by network and container; empty: it is on none with an
/// egress.
type Wishes<'a> = BTreeMap<&'a str, BTreeMap<usize, BTreeSet<&'a str>>>;

fn wishes<'a>(world: &'a World<'_>, owner: &Owner) -> Wishes<'a> {
    const MENDED: [RuleId; 4] = [RuleId::Egr001, RuleId::Egr013, RuleId::Egr014, RuleId::Egr016];
    let shown = owner.to_string();
    let mut wishes: Wishes<'_> = BTreeMap::new();
    let open = world.plan.outbound.iter().filter(|it| it.owner == shown && it.kind.is_some());
    for allowance in open.filter(|it| it.refused.iter().any(|rule| MENDED.contains(rule))) {
        if let Some(at) = world.context.find(allowance.id.as_str()) {
            wishes.entry(&allowance.network).or_default().entry(at).or_default().insert(allowance.target.host());
        }
    }
    wishes
}

/// What the egress and the owner's services need for them.
pub(super) fn edits(world: &World<'_>, owner: &Owner, taken: &mut BTreeSet<String>) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut wishes = wishes(world, owner);
    let Some(egress) = world.context.egresses().find_map(|it| world.context.find(it.id.as_str())) else { return edits };
    // Whoever is on no such network comes to the one that there is, or to a new one.
    let unplaced = wishes.remove("").unwrap_or_default();
    let new = match wishes.first_entry() {
        _ if unplaced.is_empty() => None,
        Some(mut first) => {
            first.get_mut().extend(unplaced);
            None
        }
        None => Some(unplaced),
    };
    for (network, asking) in wishes {
        edits.extend(on(world, owner, egress_on(world, network).unwrap_or(egress), network, &asking));
    }
    if let Some(asking) = new
        && let Some(maker) = world.owner(egress)
    {
        let wanted = proxy_network_of(owner).replacen("net-", "net-egress-", 1);
        let name = free(&wanted, taken);
        taken.insert(name.clone());
        let network = NewNetwork {
            name: name.clone(),
            key: name.clone(),
            replaces: None,
            driver: "bridge".to_owned(),
            anew: false,
            options: closed_to_the_host("bridge"),
            labels: BTreeMap::new(),
            other_subnet: false,
            subnets: Vec::new(),
        };
        edits.push(Edit { owner: maker.clone(), what: What::Network(network) });
        edits.extend(on(world, owner, egress, &name, &asking));
    }
    edits
}

/// The names of the declared egress Traefiks, by owner and service.
pub(super) fn egresses(world: &World<'_>) -> BTreeMap<(String, String), String> {
    let places = world.context.egresses().filter_map(|it| world.context.find(it.id.as_str()));
    let named = places
        .filter_map(|at| Some(((world.owner(at)?.to_string(), world.service(at)), world.container(at)?.name.clone())));
    named.collect()
}

/// The egress container on a network.
fn egress_on(world: &World<'_>, network: &str) -> Option<usize> {
    let is_on = |at: usize| world.container(at).is_some_and(|it| it.attachments.contains_key(network));
    world.context.egresses().filter_map(|it| world.context.find(it.id.as_str())).find(|at| is_on(*at))
}

fn on(
    world: &World<'_>,
    owner: &Owner,
    egress: usize,
    network: &str,
    asking: &BTreeMap<usize, BTreeSet<&str>>,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    let (Some(container), Some(maker)) = (world.container(egress), world.owner(egress)) else { return edits };
    let service = world.service(egress);
    let can_write = |at: usize| {
        let owner = world.owner(at).and_then(|it| it.group());
        owner.is_none_or(is_writable)
            && is_writable(&world.service(at))
            && world.container(at).is_some_and(|it| it.swarm.is_none())
    };
    if !can_write(egress) || !is_writable(network) || asking.keys().any(|at| !can_write(*at)) {
        return edits;
    }
    let place = container.attachments.get(network);
    let mut seat = Seat {
        network: network.to_owned(),
        aliases: place.map(|it| aliases(container, &service, it)).unwrap_or_default(),
        addresses: place.map(|it| it.fixed.clone()).unwrap_or_default(),
    };
    let before = seat.aliases.len();
    seat.aliases.extend(asking.values().flatten().map(|host| (*host).to_owned()));
    if place.is_none() || seat.aliases.len() > before {
        edits.push(Edit::service(maker, &service, Change::Attach(seat)));
    }
    for setting in lets_through(container) {
        if let Some((key, value)) = setting.split_once('=') {
            let change = Change::Sysctl { key: key.to_owned(), value: value.to_owned() };
            edits.push(Edit::service(maker, &service, change));
        }
    }
    let members = world
        .context
        .candidates
        .iter()
        .enumerate()
        .filter(|(at, it)| *at != egress && it.owner == *owner && it.container.attachments.contains_key(network));
    let all: BTreeSet<usize> = members.map(|(at, _)| at).chain(asking.keys().copied()).collect();
    for at in all {
        let (Some(container), service) = (world.container(at), world.service(at)) else { continue };
        if !container.attachments.contains_key(network) {
            let seat = Seat { network: network.to_owned(), aliases: BTreeSet::new(), addresses: Box::default() };
            edits.push(Edit::service(owner, &service, Change::Attach(seat)));
        }
        if can_forge(container, &world.context.inventory.engine) && container.confinement.cap_add.is_empty() {
            edits.push(Edit::service(owner, &service, Change::DropCapability("NET_RAW".to_owned())));
        }
    }
    edits
}
