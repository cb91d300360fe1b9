//! Where the files of a project are, and what they need to say of what stays.

use std::collections::{BTreeMap, BTreeSet};

use super::compiled::Compiled;
use super::edit::ServiceNetwork;
use super::names::{file_number, is_writable};
use super::networks;
use super::remedies::{Files, Remedies, Stays};
use crate::inventory::Inventory;
use crate::policy::context::Context;
use crate::policy::names::Owner;
use crate::policy::rules::capability;
use crate::settings::Settings;

/// No project has so many files of ours.
const MOST_FILES: usize = 1_000;

/// What the guide adds to `compose.yaml` later, beside it: docs/outbound.md, docs/monitoring.md, docs/page.md.
const ADDED: [&str; 3] = ["egress.yaml", "monitoring.yaml", "page.yaml"];

/// Where the files of a project are, as all of its containers say.
pub fn files_of(inventory: &Inventory, settings: &Settings, owner: &Owner) -> Files {
    let context = Context::of(inventory, settings);
    let members = context.candidates.iter().enumerate().filter(|(_, it)| it.owner == *owner);
    let members: Vec<usize> = members.map(|(at, _)| at).collect();
    files(&context, &members)
}

/// Only what all of them say: one container that says it is of this project chooses no folder and no file. But Compose notes
/// its files only on what it makes anew: those of ours, and [`ADDED`], that some were started with count, in the project's
/// folder.
pub(super) fn files(context: &Context<'_>, members: &[usize]) -> Files {
    let said = |key: &'static str| -> Vec<Option<&str>> {
        members.iter().filter_map(|at| context.candidates.get(*at)).map(|it| it.labels.get(key)).collect()
    };
    let dirs = said("com.docker.compose.project.working_dir");
    let folder = dirs.first().copied().flatten().filter(|first| dirs.iter().all(|it| *it == Some(*first)));
    let number = |path: &str| file_number(below(folder, path).unwrap_or(path));
    let is_added = |path: &&str| below(folder, path).is_some_and(|name| ADDED.contains(&name));
    let lists = said("com.docker.compose.project.config_files");
    let of_others = |list: &str| -> Vec<String> {
        list.split(',').filter(|path| number(path).is_none() && !is_added(path)).map(ToOwned::to_owned).collect()
    };
    let mut all = lists.iter().map(|list| list.map(of_others));
    let base = all.next().flatten().filter(|first| all.all(|other| other.as_ref() == Some(first)));
    let config_files = base.map(|base| {
        let all = || lists.iter().flatten().flat_map(|list| list.split(','));
        let added: BTreeSet<&str> = all().filter(is_added).collect();
        let own: BTreeMap<usize, &str> =
            all().filter_map(|path| Some((number(path).filter(|number| *number < MOST_FILES)?, path))).collect();
        base.into_iter()
            .chain(added.into_iter().chain(own.into_values()).map(ToOwned::to_owned))
            .collect::<Vec<_>>()
            .join(",")
    });
    Files { working_dir: folder.map(ToOwned::to_owned), config_files, is_guess: false }
}

/// The name of a file below a folder.
fn below<'a>(folder: Option<&str>, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(folder?)?.strip_prefix('/')
}

/// Adds what a file needs to know of what stays.
pub(super) fn describe(remedies: &mut Remedies, first: &Compiled<'_>, after: &Compiled<'_>) {
    let all = remedies.owners.iter().flat_map(|remedy| &remedy.edits).chain(&remedies.traefik);
    let owners: BTreeSet<Owner> = all.map(|edit| edit.owner.clone()).collect();
    for network in after.context.inventory.networks.values() {
        let label = |key: &str| network.labels.get(key).filter(|it| is_writable(it)).cloned();
        if let (Some(project), Some(key)) = (label("com.docker.compose.project"), label("com.docker.compose.network")) {
            remedies.keys.insert((project, network.name.clone()), key);
        }
    }
    for (at, candidate) in after.context.candidates.iter().enumerate() {
        if !owners.contains(&candidate.owner) {
            continue;
        }
        let key = (candidate.owner.to_string(), after.service(at));
        let container = candidate.container;
        let entries = container.attachments.values().map(|place| {
            let entry = ServiceNetwork {
                network: place.network.clone(),
                aliases: networks::aliases(container, &key.1, place),
                addresses: place.fixed.clone(),
            };
            (place.network.clone(), entry)
        });
        let entries = entries.collect();
        let confinement = &container.confinement;
        let cap_add = confinement.cap_add.iter().map(|name| capability(name).into_owned()).collect();
        let stays = Stays { cap_add, security_opt: confinement.security_opt.clone() };
        remedies.stays.insert(key.clone(), stays);
        remedies.places.insert(key, entries);
    }
    for owner in &owners {
        let members: Vec<usize> =
            (0..first.context.candidates.len()).filter(|at| first.owner(*at) == Some(owner)).collect();
        remedies.files.insert(owner.to_string(), files(&first.context, &members));
    }
    // Who does not change, and is in the folder of one that does: one `.env` cannot name the files of both.
    let folders: BTreeSet<String> = remedies.files.values().filter_map(|it| it.working_dir.clone()).collect();
    let mut beside: BTreeMap<&Owner, Vec<usize>> = BTreeMap::new();
    for (at, it) in first.context.candidates.iter().enumerate().filter(|(_, it)| !owners.contains(&it.owner)) {
        let folder = it.labels.get("com.docker.compose.project.working_dir");
        if it.owner.group().is_some() && folder.is_some_and(|folder| folders.contains(folder)) {
            beside.entry(&it.owner).or_default().push(at);
        }
    }
    for (owner, members) in beside {
        remedies.files.insert(owner.to_string(), files(&first.context, &members));
    }
}
