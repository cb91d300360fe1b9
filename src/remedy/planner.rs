//! From an inventory to all remedies: what is searched for, and what is told of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::apply::apply;
use super::compiled::{Compiled, Services};
use super::files::describe;
use super::of_owner::{ForOwner, lost_ports, served};
use super::remedies::{Remedies, Verdict};
use super::scope::{Scope, Unknown, Wishes, wishes};
use super::search::Task;
use super::{bind, left_out, outbound, traefik};
use crate::inventory::Inventory;
use crate::plan::Outcome;
use crate::policy::names::Owner;
use crate::policy::refusal::Refusal;
use crate::settings::{Isolation, OwnerIsolation, Settings};

/// As [`plan()`], for projects and containers by their names; none is everybody.
pub fn ask(inventory: &Inventory, settings: &Settings, names: &[String], keep: &[String]) -> Result<Remedies, Unknown> {
    let (scope, wishes) = wishes(inventory, settings, names, keep)?;
    Ok(plan(inventory, settings, &scope, &wishes))
}

/// Works out what to change so that everybody in `scope` who asked for a route is routed and isolated.
///
/// Judged as the settings say, but for what is to be moved over: who is named in `scope` is held to `enforce` where it runs
/// under `warn` or `off`. Where nobody is named, everybody is, but for owners with a mode `warn` of their own: they are left
/// as they are, and listed. Time: a bounded number of compilations, whatever the number of owners.
pub fn plan(inventory: &Inventory, settings: &Settings, scope: &Scope, wishes: &Wishes) -> Remedies {
    let settings = moving_over(settings, scope);
    let given = as_given(inventory);
    let now = Compiled::of(&given, &settings);
    let mut base = inventory.clone();
    let has_traefik = now.context.traefiks().next().is_some();
    let known = traefik::known(&mut base, &now.plan, &settings, has_traefik);
    let first = Compiled::of(&base, &settings);
    let services = Services::of_context(&first.context);
    let mut owners = wanted(&first, scope);
    let lenient: Vec<Owner> =
        owners.iter().filter(|(_, members)| is_lenient(&first, members)).map(|(owner, _)| owner.clone()).collect();
    owners.retain(|_, members| !is_lenient(&first, members));

    let declares = match &known {
        traefik::Known::ByImage(id) => first.context.find(id.as_str()),
        traefik::Known::Declared | traefik::Known::Assumed => None,
    };
    let is_assumed = known == traefik::Known::Assumed;
    let is_asked_about = |at: &usize| match scope {
        Scope::Everything => true,
        Scope::Owners(owners) => first.owner(*at).is_some_and(|owner| owners.contains(owner)),
    };
    // It asks for a route itself, as an application would, and is refused for what Traefik has to be.
    let is_refused = |at: &usize| now.context.find(first.id(*at)).is_some_and(|at| now.outcome(at) == Outcome::Refused);
    let declares_alone = declares.filter(is_asked_about).is_some_and(|at| is_refused(&at));
    let task = Task {
        first: &first,
        settings: &settings,
        services: &services,
        owners: &owners,
        declares,
        declares_alone,
        is_assumed,
    };
    let mut main = task.search(wishes);
    if wishes.bind_hosts {
        let wanted = owners.values().flatten().filter_map(|at| Some(first.container(*at)?.id.clone())).collect();
        let front = first.context.traefiks().next().map_or_else(|| Owner::Group(String::new()), |it| it.owner.clone());
        main.edits.extend(bind::bindings(inventory, &main.after, &main.settings, &wanted, &front));
        main.after = apply(&base, &main.edits, &services);
    }
    let after = Compiled::of(&main.after, &main.settings);
    let served = served(&after);
    let left_out = left_out::left_out(&after.plan, is_assumed);
    // What is beyond mending, and what loses more than what Traefik takes over: judged as it would be if it were kept.
    let mut kept = wishes.clone();
    kept.keep.extend(main.outside.keys().cloned());
    for members in owners.values() {
        for at in members.iter().filter(|at| first.asks(**at)) {
            if !lost_ports(&first, &main, &served, *at).is_empty() {
                kept.keep.extend(first.container(*at).map(|it| it.id.clone()));
            }
        }
    }
    let alternative = if kept == *wishes { None } else { Some(task.search(&kept)) };

    let mut remedies = Remedies {
        lenient,
        traefik_is_assumed: is_assumed,
        traefiks: first.context.traefiks().map(|traefik| traefik.container.name.clone()).collect(),
        egresses: outbound::egresses(&first),
        proxy_network_flags: main.flags.clone(),
        rounds: main.rounds,
        ..Remedies::default()
    };
    let kept = alternative.as_ref().map(|it| Compiled::of(&it.after, &it.settings));
    for (owner, members) in &owners {
        let of_owner = ForOwner {
            now: &now,
            first: &first,
            after: &after,
            kept: kept.as_ref(),
            main: &main,
            served: &served,
            left_out: &left_out,
        };
        remedies.owners.extend(of_owner.remedy(owner, members));
    }
    let traefiks = (0..first.context.candidates.len()).filter(|at| first.context.is_traefik(*at));
    let refused = traefiks.filter(is_asked_about).filter(|at| after.outcome(*at) == Outcome::Refused);
    remedies.refused_traefiks = refused
        .map(|at| Verdict {
            container: first.container(at).map(|it| it.name.clone()).unwrap_or_default(),
            service: first.service(at),
            before: first.outcome(at),
            not_verifiable: false,
            because: first.refusals(at),
            after: after.outcome(at),
            left: after.refusals(at),
            left_out: Vec::new(),
        })
        .filter(|verdict| !verdict.left.iter().all(Refusal::is_liveness))
        .collect();
    let has_asked = |at: &usize| is_asked_about(at) && is_refused(at);
    if !remedies.owners.is_empty() || first.undeclared.iter().any(has_asked) {
        let names = first.undeclared.iter().filter_map(|at| Some(first.container(*at)?.name.clone()));
        remedies.undeclared_traefiks = names.collect();
    }
    let own: BTreeSet<&Owner> = remedies.owners.iter().map(|remedy| &remedy.owner).collect();
    remedies.traefik = main.edits.iter().filter(|edit| !own.contains(&edit.owner)).cloned().collect();
    remedies.again = traefik::again(&first, &main.edits);
    describe(&mut remedies, &first, &after);
    drop(after);
    remedies.after = main.after;
    remedies
}

/// What was given, without doubt: see [`super::Said::NotGiven`]. A network that was not given is for nobody to judge.
fn as_given(inventory: &Inventory) -> Cow<'_, Inventory> {
    let mut given = Cow::Borrowed(inventory);
    if inventory.networks.values().any(|network| network.assumed && !network.internal) {
        let networks = &mut given.to_mut().networks;
        networks.values_mut().filter(|network| network.assumed).for_each(|network| network.internal = true);
    }
    given
}

/// The settings under which owners that run under `warn` or `off` are judged when they are to be moved over.
pub(super) fn moving_over(settings: &Settings, scope: &Scope) -> Settings {
    let mut settings = settings.clone();
    let is_lenient = |isolation| matches!(isolation, Isolation::Warn | Isolation::Off);
    match scope {
        Scope::Everything if is_lenient(settings.isolation) => settings.isolation = Isolation::Enforce,
        Scope::Everything => {}
        Scope::Owners(owners) => {
            // Under `off` no owner has a mode of its own.
            if settings.isolation == Isolation::Off {
                settings.isolation = Isolation::Enforce;
            }
            for owner in owners.iter().map(ToString::to_string) {
                if is_lenient(settings.isolation_for(&owner)) {
                    settings.isolation_of.insert(owner, OwnerIsolation::Enforce);
                }
            }
        }
    }
    settings
}

/// The owners that are asked for and can be changed, with the places of their containers.
fn wanted(compiled: &Compiled<'_>, scope: &Scope) -> BTreeMap<Owner, Vec<usize>> {
    let mut owners: BTreeMap<Owner, Vec<usize>> = BTreeMap::new();
    for (at, candidate) in compiled.context.candidates.iter().enumerate() {
        owners.entry(candidate.owner.clone()).or_default().push(at);
    }
    owners.retain(|owner, members| {
        let is_wanted = match scope {
            Scope::Everything => true,
            Scope::Owners(owners) => owners.contains(owner),
        };
        is_wanted && (members.iter().any(|at| compiled.is_to_mend(*at)) || outbound::is_wanted(compiled, owner))
    });
    owners
}

/// Whether an owner's containers are routed as they are.
fn is_lenient(compiled: &Compiled<'_>, members: &[usize]) -> bool {
    let first = members.first().and_then(|at| compiled.context.candidates.get(*at));
    first.is_some_and(|it| matches!(it.isolation, Isolation::Warn | Isolation::Off))
}
