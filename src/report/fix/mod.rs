//! Remedies as people and programs read them: a summary, Compose override files, commands, JSON.
//!
//! ```text
//! overrides   the Compose override file of one project
//! commands    what to run, in the order that works
//! summary     what changes and why, what stops working, what to answer
//! yaml        the words of a file, so that a stranger's name stays one
//! ```

mod commands;
mod overrides;
mod summary;
mod yaml;

pub use commands::{commands, env_line};
pub use overrides::{ByHand, FILE, MARK, by_hand, compose};
pub use summary::{Shown, text};

use serde::Serialize;

use crate::policy::names::Owner;
use crate::remedy::Remedies;

/// All of it, for programs.
#[derive(Debug, Serialize)]
pub struct Document<'r> {
    /// What is changed, and what comes of it.
    #[serde(flatten)]
    remedies: &'r Remedies,
    /// The override files, by project.
    files: std::collections::BTreeMap<String, String>,
    /// What to run.
    commands: Vec<String>,
}

impl<'r> Document<'r> {
    /// Of some remedies.
    pub fn of(remedies: &'r Remedies) -> Self {
        let files =
            owners(remedies).into_iter().filter_map(|owner| Some((owner.to_string(), compose(remedies, owner)?)));
        Self { remedies, files: files.collect(), commands: commands(remedies) }
    }
}

/// The owners whose files change: Traefik's first.
pub fn owners(remedies: &Remedies) -> Vec<&Owner> {
    let mut owners: Vec<&Owner> = Vec::new();
    let own = remedies.owners.iter().flat_map(|remedy| &remedy.edits);
    for edit in remedies.traefik.iter().chain(own) {
        if !owners.contains(&&edit.owner) {
            owners.push(&edit.owner);
        }
    }
    owners
}
