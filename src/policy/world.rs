//! The facts that every verdict rests on, worked out once for each inventory.

use super::namespaces::{Namespace, Namespaces};
use super::proxy::ProxyNetworks;
use super::resident::Resident;
use crate::inventory::Inventory;
use crate::settings::Settings;

/// An inventory and what follows from it alone: whose the labels are, who owns what, where packets can go, where
/// Traefik is. Whether a container asks for a route is not in here; that is for the plan to say.
#[derive(Clone, Debug)]
pub struct World<'a> {
    /// What the engine said.
    pub inventory: &'a Inventory,
    /// What the operator chose.
    pub settings: &'a Settings,
    /// Every container, in the order of the inventory: elsewhere it is known by its place here.
    pub residents: Vec<Resident<'a>>,
    /// The effective network namespace of every container.
    pub namespaces: Namespaces<'a>,
    /// The networks that backends are reached on.
    pub proxy: ProxyNetworks<'a>,
}

impl<'a> World<'a> {
    /// Works it out.
    pub fn of(inventory: &'a Inventory, settings: &'a Settings) -> Self {
        let resident = |(id, container)| Resident::of(id, container, inventory, settings);
        let residents: Vec<Resident<'_>> = inventory.containers.iter().map(resident).collect();
        let namespaces = Namespaces::of(inventory);
        let proxy = ProxyNetworks::of(inventory, &residents, &namespaces, settings);
        Self { inventory, settings, residents, namespaces, proxy }
    }

    /// Every container with its namespace, in the order of the inventory.
    pub fn everybody(&self) -> impl Iterator<Item = (&Resident<'a>, &Namespace<'a>)> {
        self.residents.iter().zip(self.namespaces.iter())
    }

    /// The declared Traefiks.
    pub fn traefiks(&self) -> impl Iterator<Item = &Resident<'a>> {
        self.residents.iter().filter(|resident| resident.is_traefik)
    }

    /// The place of a container.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.residents.binary_search_by(|resident| resident.id.as_str().cmp(id)).ok()
    }

    /// Whether the container at a place is a declared Traefik.
    pub fn is_traefik(&self, at: usize) -> bool {
        self.residents.get(at).is_some_and(|resident| resident.is_traefik)
    }

    /// Whether the container at a place looks like Leeward itself.
    pub fn is_leeward(&self, at: usize) -> bool {
        self.residents.get(at).is_some_and(|resident| resident.is_leeward)
    }
}
