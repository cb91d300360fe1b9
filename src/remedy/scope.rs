//! Whose remedies are wanted, and what the operator has answered already; from names.

use std::collections::BTreeSet;

use super::compiled::service_of;
use crate::inventory::{ContainerId, Inventory};
use crate::policy::context::Context;
use crate::policy::names::Owner;
use crate::settings::Settings;

/// Whose remedies are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's.
    Everything,
    /// These owners'.
    Owners(BTreeSet<Owner>),
}

/// What the operator has answered already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Containers that keep their way out and their published ports; allowed by label if they ask for a route.
    pub keep: BTreeSet<ContainerId>,
    /// The hosts that are claimed today are bound to the networks over which they are.
    pub bind_hosts: bool,
}

/// The owners of what is called so: a project, a container, `project/service`, or an owner as it is shown.
pub fn find(inventory: &Inventory, settings: &Settings, name: &str) -> BTreeSet<Owner> {
    let context = Context::of(inventory, settings);
    let of = |at: usize| context.candidates.get(at).map(|it| it.owner.clone());
    let matching = context.candidates.iter().enumerate().filter(|(at, candidate)| {
        let container = candidate.container;
        candidate.owner.to_string() == name
            || container.name == name
            || (name.len() >= 12 && container.id.as_str().starts_with(name))
            || candidate.owner.group().is_some_and(|group| format!("{group}/{}", service_of(&context, *at)) == name)
    });
    matching.filter_map(|(at, _)| of(at)).collect()
}

/// The containers that are called so: a container, a service of one of the owners, or `project/service`.
pub fn containers(inventory: &Inventory, settings: &Settings, scope: &Scope, name: &str) -> BTreeSet<ContainerId> {
    let context = Context::of(inventory, settings);
    let is_wanted = |at: &usize| {
        let Some(candidate) = context.candidates.get(*at) else { return false };
        let wanted = match scope {
            Scope::Everything => true,
            Scope::Owners(owners) => owners.contains(&candidate.owner),
        };
        let service = service_of(&context, *at);
        wanted
            && (candidate.container.name == name
                || service == name
                || candidate.owner.group().is_some_and(|group| format!("{group}/{service}") == name))
    };
    (0..context.candidates.len())
        .filter(is_wanted)
        .filter_map(|at| Some(context.candidates.get(at)?.id.clone()))
        .collect()
}

/// A name that is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The name.
    pub name: String,
    /// It was to be kept as it is.
    pub keep: bool,
}

/// What is asked for, from names.
pub fn wishes(
    inventory: &Inventory,
    settings: &Settings,
    names: &[String],
    keep: &[String],
) -> Result<(Scope, Wishes), Unknown> {
    let mut owners = BTreeSet::new();
    for name in names {
        let found = find(inventory, settings, name);
        if found.is_empty() {
            return Err(Unknown { name: name.clone(), keep: false });
        }
        owners.extend(found);
    }
    let scope = if names.is_empty() { Scope::Everything } else { Scope::Owners(owners) };
    let mut wishes = Wishes::default();
    for name in keep {
        let found = containers(inventory, settings, &scope, name);
        if found.is_empty() {
            return Err(Unknown { name: name.clone(), keep: true });
        }
        wishes.keep.extend(found);
    }
    Ok((scope, wishes))
}
