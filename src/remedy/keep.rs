//! A container that stays as it is: all the rules that have to be allowed on it so that it is routed, judged again.

use std::collections::BTreeSet;

use super::edit::{Change, Edit};
use super::planner::{moving_over, plan};
use super::remedies::{Remedies, Verdict};
use super::rules::refusals;
use super::scope::{Scope, Wishes};
use super::search::MOST_ROUNDS;
use crate::inventory::{ContainerId, Inventory};
use crate::plan::{self, Outcome};
use crate::policy::context::{Candidate, Context};
use crate::policy::leeward_labels::ALLOW;
use crate::policy::names::Owner;
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;
use crate::settings::{Glob, Settings};

/// What lets one container be routed as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The changes: the label, and a network with Traefik where it is on none.
    pub remedies: Remedies,
    /// What the label has to allow; with what it allows already.
    pub rules: BTreeSet<RuleId>,
}

/// The changes with which a container keeps its networks, its ports and what it may do, and is routed all the same. `None`:
/// no label of its own does that.
pub fn keep(inventory: &Inventory, settings: &Settings, owner: &Owner, id: &ContainerId) -> Option<Kept> {
    let scope = Scope::Owners([owner.clone()].into());
    let mut remedies = plan(inventory, settings, &scope, &Wishes { keep: [id.clone()].into(), ..Wishes::default() });
    let rules = allowing(&remedies.after, &with_flags(settings, &remedies), id)?;
    let remedy = remedies.owners.iter_mut().find(|it| it.owner == *owner)?;
    let name = &remedies.after.containers.get(id)?.name;
    let verdict = remedy.verdicts.iter_mut().find(|it| it.container == *name)?;
    let value: Vec<&str> = rules.iter().map(|rule| rule.as_str()).collect();
    let change = Change::Label { key: ALLOW.to_owned(), value: value.join(",") };
    Edit::service(owner, &verdict.service, change).put(&mut remedy.edits);
    verdict.left.retain(Refusal::is_liveness);
    if verdict.left.is_empty() {
        verdict.after = Outcome::Routed;
    }
    remedy.proven = remedy.verdicts.iter().all(Verdict::is_fine);
    remedies.files.entry(owner.to_string()).or_insert_with(|| remedy.files.clone());
    Some(Kept { remedies, rules })
}

/// All the rules that, allowed by the container's own label, let it be routed: those that it allows already, and those that
/// refuse it, until none does. `None`: something that no label allows refuses it.
pub fn allowing(inventory: &Inventory, settings: &Settings, id: &ContainerId) -> Option<BTreeSet<RuleId>> {
    let owner = owner_of(inventory, settings, id)?;
    let settings = moving_over(settings, &Scope::Owners([owner].into()));
    let mut inventory = inventory.clone();
    let mut rules = of_candidate(&inventory, &settings, id, |it| it.allowed.clone())?;
    for _ in 0..MOST_ROUNDS {
        let plan = plan::compile(&inventory, &settings);
        let left: Vec<&Refusal> = refusals(plan.decisions.get(id)?).filter(|it| !it.is_liveness()).collect();
        if left.is_empty() {
            return Some(rules);
        }
        for refusal in left {
            let rule = refusal.rule.filter(|_| refusal.may_allow)?;
            if !rules.insert(rule) {
                // Allowed, and refused all the same.
                return None;
            }
        }
        let value: Vec<&str> = rules.iter().map(|rule| rule.as_str()).collect();
        inventory.container_mut(id.as_str())?.labels.insert(ALLOW.to_owned(), value.join(","));
    }
    None
}

/// Whose a container is.
pub fn owner_of(inventory: &Inventory, settings: &Settings, id: &ContainerId) -> Option<Owner> {
    of_candidate(inventory, settings, id, |it| it.owner.clone())
}

fn of_candidate<T>(
    inventory: &Inventory,
    settings: &Settings,
    id: &ContainerId,
    get: impl Fn(&Candidate<'_>) -> T,
) -> Option<T> {
    let context = Context::of(inventory, settings);
    context.find(id.as_str()).and_then(|at| context.candidates.get(at)).map(get)
}

/// The settings with the proxy networks that have to be named beside the changes.
fn with_flags(settings: &Settings, remedies: &Remedies) -> Settings {
    let mut settings = settings.clone();
    settings.proxy_networks.extend(remedies.proxy_network_flags.iter().filter_map(|it| it.parse::<Glob>().ok()));
    settings
}
