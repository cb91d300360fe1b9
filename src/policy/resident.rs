//! A container, and what follows from it and its image alone.

use std::sync::Arc;

use super::names::Owner;
use super::own_labels::{ALLOW, TRAEFIK, is_true};
use super::provenance::{OperatorLabels, operator_labels};
use crate::inventory::{Container, ContainerId, Image, Inventory};
use crate::settings::Settings;

/// A container, and what follows from it and its image alone.
#[derive(Clone, Debug)]
pub struct Resident<'a> {
    /// Its id, as the inventory has it.
    pub id: &'a ContainerId,
    /// It.
    pub container: &'a Arc<Container>,
    /// Its image, if it was read.
    pub image: Option<&'a Image>,
    /// Its labels that count.
    pub labels: OperatorLabels<'a>,
    /// The rules that the operator vouches for on it: the value of its `leeward.allow`, where it counts.
    pub vouched: Option<&'a str>,
    /// Who answers for it.
    pub owner: Owner,
    /// It is a declared Traefik.
    pub is_traefik: bool,
    /// It looks like Leeward itself. Decides only what is said, never what is routed.
    pub is_leeward: bool,
}

impl<'a> Resident<'a> {
    pub(super) fn of(
        id: &'a ContainerId,
        container: &'a Arc<Container>,
        inventory: &'a Inventory,
        settings: &Settings,
    ) -> Self {
        let image = inventory.images.get(&container.image_id);
        let labels = operator_labels(container, image, settings);
        let owner = Owner::of(container, &labels);
        let is_traefik = is_traefik(container, &labels, settings);
        let vouched = container.labels.get(ALLOW).map(String::as_str).filter(|_| labels.get(ALLOW).is_some());
        let is_leeward = is_leeward(container);
        Self { id, container, image, labels, vouched, owner, is_traefik, is_leeward }
    }
}

/// Whether a container is a declared Traefik: one that `--traefik` names; without it, one labelled
/// `leeward.traefik=true` by the operator. Where the flag says who is, no label adds to it: whoever may write labels
/// for an application could else share middlewares with everybody, and claim any host.
fn is_traefik(container: &Container, labels: &OperatorLabels<'_>, settings: &Settings) -> bool {
    if settings.traefiks.is_empty() {
        labels.get(TRAEFIK).is_some_and(is_true)
    } else {
        settings.traefiks.contains(&container.name)
    }
}

/// Whether it looks like Leeward itself.
fn is_leeward(container: &Container) -> bool {
    let repository = container.image.split('@').next().unwrap_or_default();
    let last = repository.rsplit('/').next().unwrap_or_default();
    last.split(':').next() == Some("leeward")
}
