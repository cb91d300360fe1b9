//! The facts that every verdict rests on, worked out once for each inventory.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Owner;
use super::namespaces::Namespaces;
use super::provenance::{OperatorLabels, operator_labels};
use super::proxy::{self, ProxyNetworks};
use crate::inventory::{Container, ContainerId, Inventory};
use crate::settings::Settings;

/// An inventory and what follows from it alone: whose the labels are, who owns what, where packets can go, where
/// Traefik is. Whether a container asks for a route is not in here; that is for the plan to say.
#[derive(Clone, Debug)]
pub struct World<'a> {
    /// What the engine said.
    pub inventory: &'a Inventory,
    /// What the operator chose.
    pub settings: &'a Settings,
    /// The labels that count, of every container.
    pub labels: BTreeMap<&'a ContainerId, OperatorLabels<'a>>,
    /// The owner of every container.
    pub owners: BTreeMap<&'a ContainerId, Owner>,
    /// The effective network namespace of every container.
    pub namespaces: Namespaces<'a>,
    /// The declared Traefiks.
    pub traefiks: BTreeSet<&'a ContainerId>,
    /// The networks that backends are reached on.
    pub proxy: ProxyNetworks<'a>,
}

impl<'a> World<'a> {
    /// Works it out.
    pub fn of(inventory: &'a Inventory, settings: &'a Settings) -> Self {
        let labels: BTreeMap<&ContainerId, OperatorLabels<'_>> = inventory
            .containers
            .iter()
            .map(|(id, container)| {
                (id, operator_labels(container, inventory.images.get(&container.image_id), settings))
            })
            .collect();
        let owners = inventory
            .containers
            .iter()
            .zip(labels.values())
            .map(|((id, container), labels)| (id, Owner::of(container, labels)))
            .collect();
        let namespaces = Namespaces::of(inventory);
        let traefiks = proxy::traefiks(inventory, &labels, settings);
        let proxy = ProxyNetworks::of(inventory, &namespaces, &traefiks, settings);
        Self { inventory, settings, labels, owners, namespaces, traefiks, proxy }
    }

    /// A label of a container, if it counts.
    pub fn label(&self, id: &ContainerId, key: &str) -> Option<&str> {
        self.labels.get(id)?.get(key)
    }

    /// Whether a container is a declared Traefik.
    pub fn is_traefik(&self, container: &Container) -> bool {
        self.traefiks.contains(&container.id)
    }
}
