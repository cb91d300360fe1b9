//! The catalogue: every way the isolation can be weaker than it looks, one table entry each, one file a family.
//!
//! Who is judged: containers that asked for a route; their neighbours on internal networks, for what they could do to
//! them; the networks that both are on; the declared Traefiks; the engine. What a container that nobody routes does on
//! networks of its own is no business of Leeward's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Action, Finding, Severity};
use super::refusal::Refusal;
use super::world::World;
use crate::inventory::{Container, ContainerId, Network};

/// One entry of the catalogue. Its id is also its heading in `docs/rules.md`.
#[derive(Debug)]
pub struct Rule {
    /// `NET-001`: the family and a number that is never used again.
    pub id: &'static str,
    /// What it looks for, in a few words.
    pub title: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it does where it fires.
    pub action: Action,
    /// How it is judged, and on what.
    pub check: Check,
    /// What could happen.
    pub why: &'static str,
    /// What to change; a compose snippet or a command where one fits.
    pub fix: &'static str,
    /// Where to read more: an advisory, a benchmark, the engine's documentation.
    pub reference: &'static str,
}

/// What a rule looks at, and whom it concerns when it fires.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// A container that asked for a route; concerns it.
    App(fn(&World<'_>, &Container) -> Option<Seen>),
    /// A container that asked, or a live neighbour of one on an internal network; concerns it, if it asked.
    Neighbour(fn(&World<'_>, &Container) -> Option<Seen>),
    /// The same, and the declared Traefiks; concerns every container that asked on its internal networks.
    Router(fn(&World<'_>, &Container) -> Option<Seen>),
    /// An internal network with a container that asked; concerns those on it.
    Network(fn(&World<'_>, &Network) -> Option<Seen>),
    /// A declared Traefik; concerns nobody but the operator.
    Traefik(fn(&World<'_>, &Container) -> Option<Seen>),
    /// The engine; concerns every container that asked.
    Engine(fn(&World<'_>) -> Option<Seen>),
    /// What labels claim: judged by [`crate::policy::claims`] while a container's labels are read.
    Claim,
}

/// What a check saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// One line with the facts: names, addresses, values.
    pub words: String,
    /// A fix with the names of the case filled in, where the rule's own does not do.
    pub fix: Option<String>,
    /// Another action than the rule's, where the case is milder.
    pub action: Option<Action>,
    /// The engine's API cannot tell.
    pub not_verifiable: bool,
}

/// Everything the rules found, and whom it stands against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Worst first; within one rule in the order of the subjects' ids.
    pub findings: Vec<Finding>,
    /// For each container that asked, the findings that concern it: places in [`Self::findings`].
    concerns: BTreeMap<ContainerId, Vec<(usize, Standing)>>,
}

/// What a finding does to a container that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Refuses it.
    Blocks,
    /// Would refuse it, but the operator vouched for this rule on this container.
    Vouched,
    /// Would refuse it under `--isolation enforce`, but only `warn` or `off` is in force.
    Overruled,
    /// Is only reported.
    Noted,
}

impl Judgement {
    /// The findings that concern a container, worst first, and what each does to it.
    pub fn concerning(&self, id: &ContainerId) -> impl Iterator<Item = (&Finding, Standing)> {
        let concerns = self.concerns.get(id).map_or(&[][..], Vec::as_slice);
        concerns.iter().filter_map(|&(at, standing)| Some((self.findings.get(at)?, standing)))
    }

    /// Why a container is not isolated; empty if it is. With the label that vouches for it in each remedy.
    pub fn refusals(&self, id: &ContainerId) -> Vec<Refusal> {
        let _ = id;
        Vec::new()
    }
}

/// Judges everything; `asked` are the containers that asked for a route.
pub fn judge(world: &World<'_>, asked: &BTreeSet<&ContainerId>) -> Judgement {
    let _ = (world, asked, Cow::Borrowed(""));
    Judgement::default()
}
