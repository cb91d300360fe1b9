//! The facts that every verdict rests on, worked out once for each inventory.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::image_labels::{OperatorLabels, operator_labels};
use super::leeward_labels::{ALLOW, EGRESS, OUTBOUND, PROXIED, TRAEFIK, is_true};
use super::names::Owner;
use super::namespaces::{Namespace, Namespaces};
use super::outbound::asks_for_proxy;
use super::proxy::ProxyNetworks;
use super::rule_id::RuleId;
use crate::inventory::{Container, ContainerId, Image, Inventory, Network};
use crate::settings::{Egress, Isolation, Settings};

/// An inventory and what follows from it alone: whose the labels are, who owns what, where packets can go, where
/// Traefik is. Whether a container asks for a route is not in here; that is for the plan to say.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// What the engine said.
    pub inventory: &'a Inventory,
    /// What the operator chose.
    pub settings: &'a Settings,
    /// Every container, in the order of the inventory: elsewhere it is known by its place here.
    pub candidates: Vec<Candidate<'a>>,
    /// The effective network namespace of every container.
    pub namespaces: Namespaces<'a>,
    /// The networks that backends are reached on.
    pub proxy: ProxyNetworks<'a>,
}

impl<'a> Context<'a> {
    /// Works it out.
    pub fn of(inventory: &'a Inventory, settings: &'a Settings) -> Self {
        let candidate = |(id, container)| Candidate::of(id, container, inventory, settings);
        let mut candidates: Vec<Candidate<'_>> = inventory.containers.iter().map(candidate).collect();
        give_to_tasks(&mut candidates);
        let declaring: BTreeSet<&Owner> = candidates.iter().filter(|it| it.is_traefik).map(|it| &it.owner).collect();
        let is_clear = !settings.traefiks.is_empty() || declaring.len() < 2;
        // Anybody may call an image so. Where one of Traefik's project is, no other is Leeward.
        let is_known = candidates.iter().any(|it| it.is_leeward && declaring.contains(&it.owner));
        let fronts: BTreeSet<Owner> = declaring.into_iter().filter(|_| is_known).cloned().collect();
        for candidate in &mut candidates {
            candidate.speaks_for_all = candidate.is_traefik && is_clear;
            candidate.is_leeward &= !is_known || fronts.contains(&candidate.owner);
        }
        let namespaces = Namespaces::of(inventory);
        let proxy = ProxyNetworks::of(inventory, &candidates, &namespaces, settings);
        Self { inventory, settings, candidates, namespaces, proxy }
    }

    /// Every container with its namespace, in the order of the inventory.
    pub fn everybody(&self) -> impl Iterator<Item = (&Candidate<'a>, &Namespace<'a>)> {
        self.candidates.iter().zip(self.namespaces.iter())
    }

    /// The declared Traefiks.
    pub fn traefiks(&self) -> impl Iterator<Item = &Candidate<'a>> {
        self.candidates.iter().filter(|candidate| candidate.is_traefik)
    }

    /// The declared egress Traefiks.
    pub fn egresses(&self) -> impl Iterator<Item = &Candidate<'a>> {
        self.candidates.iter().filter(|candidate| candidate.is_egress)
    }

    /// Whether the container at a place is a declared egress Traefik.
    pub fn is_egress(&self, at: usize) -> bool {
        self.candidates.get(at).is_some_and(|candidate| candidate.is_egress)
    }

    /// The declared forward proxy on a network, by its place; the first.
    pub fn forward_proxy_on(&self, place: usize) -> Option<&Candidate<'a>> {
        let mut members = self.namespaces.members(place).iter().filter_map(|it| self.candidates.get(it.at));
        members.find(|it| it.is_forward_proxy)
    }

    /// The place of a container.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.candidates.binary_search_by(|candidate| candidate.id.as_str().cmp(id)).ok()
    }

    /// Whether the container at a place is a declared Traefik.
    pub fn is_traefik(&self, at: usize) -> bool {
        self.candidates.get(at).is_some_and(|candidate| candidate.is_traefik)
    }

    /// Whether the container at a place looks like Leeward itself.
    pub fn is_leeward(&self, at: usize) -> bool {
        self.candidates.get(at).is_some_and(|candidate| candidate.is_leeward)
    }
}

/// A container, and what follows from it and its image alone.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Its id, as the inventory has it.
    pub id: &'a ContainerId,
    /// The container as the engine described it.
    pub container: &'a Arc<Container>,
    /// Its image, if it was read.
    pub image: Option<&'a Image>,
    /// Its labels that count.
    pub labels: OperatorLabels<'a>,
    /// The rules that the operator allows on it by `leeward.allow`, where it counts.
    pub allowed: BTreeSet<RuleId>,
    /// The owner of its names.
    pub owner: Owner,
    /// How hard the isolation policy is for its owner.
    pub isolation: Isolation,
    /// How hard what it claims of others is judged.
    pub rights: Isolation,
    /// It is the container of a Swarm task, which is judged in its place.
    pub is_tasks: bool,
    /// It is a declared Traefik.
    pub is_traefik: bool,
    /// And what its labels say is said for everybody: a flag names it, or no other owner's labels declare one as well. Which of
    /// several is the operator's, no label can say.
    pub speaks_for_all: bool,
    /// It is a declared egress Traefik, by which containers reach outbound names, and nothing else.
    pub is_egress: bool,
    /// It is a declared forward proxy.
    pub is_forward_proxy: bool,
    /// It is declared to be both, which makes it no egress.
    pub is_both: bool,
    /// It looks like Leeward itself. Decides only what is said, never what is routed.
    pub is_leeward: bool,
}

impl<'a> Candidate<'a> {
    /// Whether a network is one on which it, an egress Traefik, stands by the operator's word: a flag names it, or its own
    /// project made the network. Its label alone says nothing of other projects' networks.
    pub(super) fn is_egress_of(&self, network: &Network, settings: &Settings) -> bool {
        let maker = || network.labels.get("com.docker.compose.project").map(String::as_str);
        self.is_egress && (!settings.egresses.is_empty() || self.owner.group().is_some_and(|own| maker() == Some(own)))
    }

    pub(super) fn of(
        id: &'a ContainerId,
        container: &'a Arc<Container>,
        inventory: &'a Inventory,
        settings: &Settings,
    ) -> Self {
        let image = inventory.image_of(container);
        let labels = operator_labels(container, image, settings);
        let owner = Owner::of(container, &labels);
        let is_traefik = is_declared(container, &labels, &settings.traefiks, TRAEFIK);
        let egress = declared_egress(container, &labels, settings);
        let mut allowed = labels.get(ALLOW).map(|list| RuleId::list(list).0).unwrap_or_default();
        if labels.get(OUTBOUND).is_some_and(asks_for_proxy) {
            allowed.insert(RuleId::Egr025);
        }
        let is_leeward = is_leeward(container);
        let (isolation, rights) = if settings.isolation_of.is_empty() {
            (settings.isolation, settings.isolation)
        } else {
            let shown = owner.to_string();
            (settings.isolation_for(&shown), settings.rights_for(&shown))
        };
        Self {
            id,
            container,
            image,
            labels,
            allowed,
            owner,
            isolation,
            rights,
            is_tasks: false,
            is_traefik,
            speaks_for_all: false,
            is_egress: egress == Some(Egress::Names) && !is_traefik && !is_leeward,
            is_forward_proxy: egress == Some(Egress::Proxy) && !is_traefik && !is_leeward,
            is_both: egress.is_some() && is_traefik,
            is_leeward,
        }
    }
}

/// Gives the containers of Swarm tasks to the owners of their services, and makes those of a declared Traefik's tasks Traefik
/// too. By the tasks' own records: what stands in a container's labels, anybody can write.
fn give_to_tasks(candidates: &mut [Candidate<'_>]) {
    let place = |id: &ContainerId| candidates.binary_search_by(|candidate| candidate.id.cmp(id)).ok();
    let owned: Vec<(usize, Owner, bool)> = candidates
        .iter()
        .filter_map(|service| Some((service, service.container.swarm.as_ref()?)))
        .flat_map(|(service, swarm)| swarm.containers.iter().chain(&swarm.container).map(move |id| (service, id)))
        .filter_map(|(service, id)| Some((place(id)?, service.owner.clone(), service.is_traefik)))
        .collect();
    for (at, owner, is_traefik) in owned {
        if let Some(candidate) = candidates.get_mut(at) {
            candidate.owner = owner;
            candidate.is_tasks = true;
            candidate.is_traefik |= is_traefik;
        }
    }
}

/// Whether a container is declared to be something: one that a flag `named`; without the flag, one that the operator
/// labelled. Where the flag says who is, no label adds to it: whoever may write labels for an application could else share
/// middlewares with everybody, and claim any host.
fn is_declared(container: &Container, labels: &OperatorLabels<'_>, named: &BTreeSet<String>, label: &str) -> bool {
    if named.is_empty() { labels.get(label).is_some_and(is_true) } else { named.contains(&container.name) }
}

/// How others reach the outside by a container, as a flag, else its label, says.
fn declared_egress(container: &Container, labels: &OperatorLabels<'_>, settings: &Settings) -> Option<Egress> {
    if !settings.egresses.is_empty() {
        return settings.egresses.get(&container.name).copied();
    }
    match labels.get(EGRESS)? {
        PROXIED => Some(Egress::Proxy),
        value => is_true(value).then_some(Egress::Names),
    }
}

/// Whether it looks like Leeward itself.
fn is_leeward(container: &Container) -> bool {
    let repository = container.image.split('@').next().unwrap_or_default();
    let last = repository.rsplit('/').next().unwrap_or_default();
    last.split(':').next() == Some("leeward")
}

/// Whether it is Traefik's own image, and no other's of that name.
pub(crate) fn is_traefiks(image: &str) -> bool {
    let image = image.split('@').next().unwrap_or_default();
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    image.strip_prefix("library/").unwrap_or(image).split(':').next() == Some("traefik")
}
