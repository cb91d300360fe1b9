//! Judge, edit, apply, judge again: until what asked for a route is routed and isolated, or nothing is left to try.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::apply;
use super::compiled::{Compiled, Ground, Services};
use super::edit::{Change, Edit, What};
use super::names::is_writable;
use super::rules::{self, is_about_isolation};
use super::scope::Wishes;
use super::traefik;
use super::{networks, outbound};
use crate::inventory::{ContainerId, Inventory};
use crate::policy::leeward_labels::TRAEFIK;
use crate::policy::names::Owner;
use crate::policy::proxy::How;
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;
use crate::settings::{Glob, Isolation, Settings};

/// How often one start applies edits and judges again.
pub const MOST_ROUNDS: usize = 6;
/// How often the search starts anew without what turned out to be beyond mending.
pub const MOST_STARTS: usize = 3;

/// What one search came to.
pub(super) struct Search {
    pub(super) edits: Vec<Edit>,
    pub(super) after: Inventory,
    pub(super) settings: Settings,
    pub(super) outside: Beyond,
    pub(super) flags: BTreeSet<String>,
    pub(super) rounds: usize,
    pub(super) keep: BTreeSet<ContainerId>,
}

/// What is searched for, and in what.
#[derive(Clone, Copy)]
pub(super) struct Task<'t, 'a> {
    pub(super) first: &'t Compiled<'a>,
    pub(super) settings: &'t Settings,
    pub(super) services: &'t Services,
    pub(super) owners: &'t BTreeMap<Owner, Vec<usize>>,
    /// The Traefik that is to be declared.
    pub(super) declares: Option<usize>,
    /// It is declared even if nothing else changes.
    pub(super) declares_alone: bool,
    /// No Traefik is known.
    pub(super) is_assumed: bool,
}

/// What is left that refuses a container whatever is tried.
pub(super) type Beyond = BTreeMap<ContainerId, BTreeSet<RuleId>>;

impl Task<'_, '_> {
    pub(super) fn search(self, wishes: &Wishes) -> Search {
        let Self { first, owners, .. } = self;
        let mut outside: Beyond = BTreeMap::new();
        for (_, members) in owners.iter().filter(|(owner, members)| !can_change(first, owner, members)) {
            outside.extend(members.iter().filter_map(|at| Some((first.container(*at)?.id.clone(), BTreeSet::new()))));
        }
        let mut rounds = 0;
        let mut starts = 1;
        loop {
            let (mut search, beyond) = self.attempt(&outside, wishes);
            rounds += search.rounds;
            search.rounds = rounds;
            if beyond.is_empty() || starts == MOST_STARTS {
                return search;
            }
            outside.extend(beyond);
            starts += 1;
        }
    }

    /// One start. Also who is beyond mending.
    fn attempt(self, outside: &Beyond, wishes: &Wishes) -> (Search, Beyond) {
        let Self { first, services, owners, .. } = self;
        let aside: BTreeSet<ContainerId> = outside.keys().cloned().collect();
        let mut ground = Ground {
            strict: false,
            outside: &aside,
            keep: &wishes.keep,
            assumed: self.is_assumed,
            moved: BTreeSet::new(),
        };
        let mut taken: BTreeSet<String> = first.context.inventory.networks.values().map(|it| it.name.clone()).collect();
        let mut edits: Vec<Edit> = Vec::new();
        let (mut joins, mut changing) = (Vec::new(), Vec::new());
        let mut settings = self.settings.clone();
        let mut flags = BTreeSet::new();
        for (owner, members) in owners {
            let needs = members.iter().filter(|at| first.asks(**at) && !aside.contains(first.id(**at)));
            let is_for_networks =
                |it: &Refusal| is_about_isolation(it) || networks::is_bound_to_others(first, owner, it);
            if !needs.clone().any(|at| first.refusals(*at).iter().any(is_for_networks)) {
                continue;
            }
            ground.strict = self.settings.isolation_for(&owner.to_string()) == Isolation::Strict;
            let moves = networks::moves(&ground, first, owner, members, &mut taken);
            if let Some(need) = moves.proxy {
                if first.context.proxy.how == How::Flag
                    && !settings.proxy_networks.iter().any(|glob| glob.matches(&need.network))
                    && let Ok(glob) = need.network.parse::<Glob>()
                {
                    settings.proxy_networks.push(glob);
                    flags.insert(need.network.clone());
                }
                joins.extend(traefik::join(first, owner, &need));
            }
            for edit in moves.edits {
                edit.put(&mut edits);
            }
            changing.push((owner, members));
        }
        if let Some((at, owner)) = self
            .declares
            .filter(|_| self.declares_alone || !changing.is_empty())
            .and_then(|at| Some((at, first.owner(at)?)))
        {
            let change = Change::Label { key: TRAEFIK.to_owned(), value: "true".to_owned() };
            joins.insert(0, Edit::service(owner, &first.service(at), change));
        }
        for edit in joins {
            edit.put(&mut edits);
        }
        for owner in owners.keys() {
            for edit in outbound::edits(first, owner, &mut taken) {
                edit.put(&mut edits);
            }
        }
        ground.moved = moved(first, services, &edits);
        let mut rounds = 0;
        loop {
            let after = apply(first.context.inventory, &edits, services);
            let compiled = Compiled::of(&after, &settings);
            rounds += 1;
            let mut changed = false;
            if rounds < MOST_ROUNDS {
                for (owner, members) in &changing {
                    for edit in rules::edits(&ground, &compiled, owner, members) {
                        changed |= edit.put(&mut edits);
                    }
                }
            }
            if changed {
                continue;
            }
            let beyond = beyond(&ground, &compiled, owners);
            drop(compiled);
            let keep = wishes.keep.clone();
            return (Search { edits, after, settings, outside: outside.clone(), flags, rounds, keep }, beyond);
        }
    }
}

/// The containers whose networks change.
fn moved(first: &Compiled<'_>, services: &Services, edits: &[Edit]) -> BTreeSet<ContainerId> {
    let mut moved = BTreeSet::new();
    for edit in edits {
        match &edit.what {
            What::Service { name, change: Change::Attach(_) | Change::Detach(_) } => {
                moved.extend(services.of(&edit.owner, name).iter().cloned());
            }
            What::Network(network) => {
                let on = |id: &&ContainerId| {
                    let container = first.context.inventory.containers.get(*id);
                    let old = network.replaces.as_ref();
                    old.zip(container).is_some_and(|(old, it)| it.attachments.contains_key(old))
                };
                moved.extend(services.of_owner(&edit.owner).filter(on).cloned());
            }
            What::Service { .. } | What::Bind(_) => {}
        }
    }
    moved
}

/// Those that asked, and whose own doing still refuses them.
fn beyond(ground: &Ground<'_>, compiled: &Compiled<'_>, owners: &BTreeMap<Owner, Vec<usize>>) -> Beyond {
    let mut beyond = Beyond::new();
    for at in owners.values().flatten().copied().filter(|at| compiled.asks(*at)) {
        let Some(container) = compiled.container(at) else { continue };
        let is_own = |refusal: &Refusal| {
            is_about_isolation(refusal)
                && refusal.subject.as_ref().is_none_or(|subject| subject.is_about(&container.id))
        };
        // What is kept, and passes by no label, is left alone like what is beyond mending.
        let open = !ground.outside.contains(&container.id);
        let kept = ground.keep.contains(&container.id);
        let counts = |refusal: &&Refusal| if kept { is_about_isolation(refusal) } else { is_own(refusal) };
        let left = compiled.refusals(at);
        if open && left.iter().any(|it| counts(&it)) {
            let rules = left.iter().filter(counts).filter_map(|it| it.rule).collect();
            beyond.insert(container.id.clone(), rules);
        }
    }
    beyond
}

/// Whether files of an owner can be written at all: names that Compose takes, and no Swarm.
fn can_change(compiled: &Compiled<'_>, owner: &Owner, members: &[usize]) -> bool {
    let plain = owner.group().is_none_or(is_writable);
    plain
        && members.iter().all(|at| {
            compiled.container(*at).is_some_and(|it| it.swarm.is_none()) && is_writable(&compiled.service(*at))
        })
}
