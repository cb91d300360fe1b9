//! Remedies as people and programs read them: a summary, Compose override files, commands, JSON.
//!
//! ```text
//! overrides   the Compose override file of one project
//! commands    what to run, in the order that works
//! summary     what changes and why, what stops working, what to answer
//! own_file    the same as changes of the project's own file
//! yaml        a file of Compose as a value
//! ```

mod commands;
mod overrides;
mod own_file;
mod summary;
mod yaml;

pub(super) use commands::with_override;
pub use commands::{commands, env_line};
pub use overrides::{ByHand, MARK, by_hand, compose, file_name, file_number, file_parts, next_file};
pub use own_file::changes as own_changes;
pub use summary::{NO_TRAEFIK, Shown, changes, declares, lost, said, text, text_asked, undeclared};

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::asked::Asked;
use super::visible;
use crate::policy::leeward_labels::TRAEFIK;
use crate::policy::names::Owner;
use crate::remedy::{Change, Remedies, Remedy, Said, Unknown, What};

/// All of it, for programs.
#[derive(Debug, Serialize)]
pub struct Document<'r> {
    /// What is changed, and what comes of it.
    remedies: &'r Remedies,
    /// The override files, by project.
    files: BTreeMap<String, String>,
    /// Their names.
    file_names: BTreeMap<String, String>,
    /// The project among them that is only taken to be Traefik's.
    assumed: Option<String>,
    /// What to run.
    commands: Vec<String>,
    /// Everything that asks for a route is routed and isolated afterwards, and no question is open.
    proven: bool,
    /// The same in three words.
    standing: Standing,
}

/// What the changes come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// There is nothing to fix, or everything is mended by the changes.
    Mended,
    /// There is something to answer first, or something was not given.
    Open,
    /// Something is not mended by the changes.
    Left,
}

impl<'r> Document<'r> {
    /// Of some remedies.
    pub fn of(remedies: &'r Remedies) -> Self {
        let files: BTreeMap<String, String> = files(remedies).into_iter().collect();
        let file_names = files.keys().map(|owner| (owner.clone(), next_file(remedies, owner))).collect();
        let (assumed, standing) = (assumed(remedies), standing(remedies));
        let proven = standing == Standing::Mended;
        Self { remedies, files, file_names, assumed, commands: commands(remedies), proven, standing }
    }
}

/// What the changes come to.
pub fn standing(remedies: &Remedies) -> Standing {
    let asks = |remedy: &Remedy| !remedy.choices.is_empty() || !remedy.outbound.is_empty();
    if !remedies.owners.iter().all(|remedy| remedy.proven) || !remedies.refused_traefiks.is_empty() {
        Standing::Left
    } else if remedies.owners.iter().any(asks)
        || assumed(remedies).is_some()
        || !remedies.undeclared_traefiks.is_empty()
        || lacks_network(remedies)
    {
        Standing::Open
    } else {
        Standing::Mended
    }
}

/// Whether what is said rests on a network that was not given: somebody stays on it, or leaves it for nothing else is sure.
fn lacks_network(remedies: &Remedies) -> bool {
    let says = |remedy: &Remedy| remedy.said.iter().any(|it| matches!(it, Said::NotGiven { .. }));
    !not_given(remedies).is_empty() || remedies.owners.iter().any(says)
}

/// The networks that containers are on afterwards and that were not given: whether they are internal, and who is on them,
/// was assumed.
pub fn not_given(remedies: &Remedies) -> Vec<&str> {
    let others = || remedies.after.containers.values().filter(|it| !it.labels.contains_key(TRAEFIK));
    let is_used = |name: &str| others().any(|it| it.attachments.contains_key(name));
    let networks = remedies.after.networks.values().filter(|it| it.assumed && is_used(&it.name));
    networks.map(|it| it.name.as_str()).collect()
}

/// The project that is only taken to be Traefik's, because none is known.
pub fn assumed(remedies: &Remedies) -> Option<String> {
    remedies.traefik.first().filter(|_| remedies.traefik_is_assumed).map(|edit| edit.owner.to_string())
}

/// The override file of each project that changes, Traefik's first. None for a Traefik that is only assumed: what its service
/// is called and which networks it is on is not known, so a file could take it off the Internet.
pub fn files(remedies: &Remedies) -> Vec<(String, String)> {
    let assumed = assumed(remedies);
    let is_known = |owner: &&Owner| owner.group().is_some() && Some(owner.to_string()) != assumed;
    let projects = owners(remedies).into_iter().filter(is_known);
    projects.filter_map(|owner| Some((owner.to_string(), compose(remedies, owner)?))).collect()
}

/// What to say where a name is nobody's. `asked`: where it was looked for.
pub fn unknown(unknown: &Unknown, asked: &Asked) -> String {
    let name = visible::visible(&unknown.name);
    if unknown.keep {
        format!("`{name}`, which is to be kept, is no service or container here: {} lists them", asked.list())
    } else {
        format!("there is no project or container `{name}`: {} lists them", asked.list())
    }
}

/// The owners whose files change: first those who make networks that others join.
pub fn owners(remedies: &Remedies) -> Vec<&Owner> {
    let mut owners: Vec<&Owner> = Vec::new();
    let own = || remedies.traefik.iter().chain(remedies.owners.iter().flat_map(|remedy| &remedy.edits));
    for edit in own() {
        if !owners.contains(&&edit.owner) {
            owners.push(&edit.owner);
        }
    }
    let mut makers: BTreeMap<&str, &Owner> = BTreeMap::new();
    for edit in own() {
        if let What::Network(network) = &edit.what {
            makers.insert(&network.name, &edit.owner);
        }
    }
    let joined = own().filter_map(|edit| match &edit.what {
        What::Service { change: Change::Attach(entry), .. } => Some((&edit.owner, *makers.get(&*entry.network)?)),
        _ => None,
    });
    let first: BTreeSet<&Owner> = joined.filter(|(owner, maker)| owner != maker).map(|(_, maker)| maker).collect();
    owners.sort_by_key(|owner| !first.contains(owner));
    owners
}
