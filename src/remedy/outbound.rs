//! Outbound names: the network that an egress and a project's containers share, and what the egress is called there.
//!
//! Which egress there is to be, its resolver and how it finds Leeward are not in any project's files: without a declared egress
//! nothing is proposed, and rule EGR-016 says so.

use std::collections::{BTreeMap, BTreeSet};

use super::compiled::Compiled;
use super::edit::{Change, Edit, NewNetwork, ServiceNetwork, What};
use super::names::{free, is_writable, proxy_network_of};
use super::networks::{aliases, closed_to_the_host};
use crate::policy::names::Owner;
use crate::policy::outbound::lets_through;
use crate::policy::rule_id::RuleId;
use crate::policy::rules::can_forge;

/// Whether an owner's containers ask for names that an edit could make theirs.
pub(super) fn is_wanted(compiled: &Compiled<'_>, owner: &Owner) -> bool {
    compiled.context.egresses().next().is_some() && !wishes(compiled, owner).is_empty()
}

/// The names that containers of an owner ask for and are not allowed, by network and container; empty: it is on none with an
/// egress.
type Wishes<'a> = BTreeMap<&'a str, BTreeMap<usize, BTreeSet<&'a str>>>;

fn wishes<'a>(compiled: &'a Compiled<'_>, owner: &Owner) -> Wishes<'a> {
    const MENDED: [RuleId; 4] = [RuleId::Egr001, RuleId::Egr013, RuleId::Egr014, RuleId::Egr016];
    let shown = owner.to_string();
    let mut wishes: Wishes<'_> = BTreeMap::new();
    let open = compiled.plan.outbound.iter().filter(|it| it.owner == shown && it.kind.is_some());
    for allowance in open.filter(|it| it.refused.iter().any(|rule| MENDED.contains(rule))) {
        if let Some(at) = compiled.context.find(allowance.id.as_str()) {
            wishes.entry(&allowance.network).or_default().entry(at).or_default().insert(allowance.target.host());
        }
    }
    wishes
}

/// What the egress and the owner's services need for them.
pub(super) fn edits(compiled: &Compiled<'_>, owner: &Owner, taken: &mut BTreeSet<String>) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut wishes = wishes(compiled, owner);
    let Some(egress) = compiled.context.egresses().find_map(|it| compiled.context.find(it.id.as_str())) else {
        return edits;
    };
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
        edits.extend(on(compiled, owner, egress_on(compiled, network).unwrap_or(egress), network, &asking));
    }
    if let Some(asking) = new
        && let Some(maker) = compiled.owner(egress)
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
        edits.extend(on(compiled, owner, egress, &name, &asking));
    }
    edits
}

/// The names of the declared egress Traefiks, by owner and service.
pub(super) fn egresses(compiled: &Compiled<'_>) -> BTreeMap<(String, String), String> {
    let places = compiled.context.egresses().filter_map(|it| compiled.context.find(it.id.as_str()));
    let named = places.filter_map(|at| {
        Some(((compiled.owner(at)?.to_string(), compiled.service(at)), compiled.container(at)?.name.clone()))
    });
    named.collect()
}

/// The egress container on a network.
fn egress_on(compiled: &Compiled<'_>, network: &str) -> Option<usize> {
    let is_on = |at: usize| compiled.container(at).is_some_and(|it| it.attachments.contains_key(network));
    compiled.context.egresses().filter_map(|it| compiled.context.find(it.id.as_str())).find(|at| is_on(*at))
}

fn on(
    compiled: &Compiled<'_>,
    owner: &Owner,
    egress: usize,
    network: &str,
    asking: &BTreeMap<usize, BTreeSet<&str>>,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    let (Some(container), Some(maker)) = (compiled.container(egress), compiled.owner(egress)) else { return edits };
    let service = compiled.service(egress);
    let can_write = |at: usize| {
        let owner = compiled.owner(at).and_then(|it| it.group());
        owner.is_none_or(is_writable)
            && is_writable(&compiled.service(at))
            && compiled.container(at).is_some_and(|it| it.swarm.is_none())
    };
    if !can_write(egress) || !is_writable(network) || asking.keys().any(|at| !can_write(*at)) {
        return edits;
    }
    let place = container.attachments.get(network);
    let mut entry = ServiceNetwork {
        network: network.to_owned(),
        aliases: place.map(|it| aliases(container, &service, it)).unwrap_or_default(),
        addresses: place.map(|it| it.fixed.clone()).unwrap_or_default(),
    };
    let before = entry.aliases.len();
    entry.aliases.extend(asking.values().flatten().map(|host| (*host).to_owned()));
    if place.is_none() || entry.aliases.len() > before {
        edits.push(Edit::service(maker, &service, Change::Attach(entry)));
    }
    for setting in lets_through(container) {
        if let Some((key, value)) = setting.split_once('=') {
            let change = Change::Sysctl { key: key.to_owned(), value: value.to_owned() };
            edits.push(Edit::service(maker, &service, change));
        }
    }
    let members = compiled
        .context
        .candidates
        .iter()
        .enumerate()
        .filter(|(at, it)| *at != egress && it.owner == *owner && it.container.attachments.contains_key(network));
    let all: BTreeSet<usize> = members.map(|(at, _)| at).chain(asking.keys().copied()).collect();
    for at in all {
        let (Some(container), service) = (compiled.container(at), compiled.service(at)) else { continue };
        if !container.attachments.contains_key(network) {
            let entry =
                ServiceNetwork { network: network.to_owned(), aliases: BTreeSet::new(), addresses: Box::default() };
            edits.push(Edit::service(owner, &service, Change::Attach(entry)));
        }
        if can_forge(container, &compiled.context.inventory.engine) && container.confinement.cap_add.is_empty() {
            edits.push(Edit::service(owner, &service, Change::DropCapability("NET_RAW".to_owned())));
        }
    }
    edits
}
