//! The catalogue: every way the isolation can be weaker than it looks, one table entry each, one file a family.
//!
//! Who is judged: containers that asked for a route; their neighbours on internal networks, for what they could do to
//! them; the networks that both are on; the declared Traefiks; the engine. What a container that nobody routes does on
//! networks of its own is no business of Leeward's.

#[cfg(test)]
#[path = "cures/tests.rs"]
mod cures;
mod devices;
pub(crate) mod engine;
pub(crate) mod image;
mod judge;
mod label;
pub(crate) mod logging;
pub(crate) mod mounts;
pub(crate) mod net;
mod outbound;
pub(crate) mod privilege;
pub(crate) mod published;
mod sharing;
pub(crate) mod socket;
#[cfg(test)]
mod tests;
pub(crate) mod traefik;
pub(crate) mod volumes;

use std::borrow::Cow;
use std::sync::Arc;

pub use judge::{Judgement, Standing, judge};
pub use label::OF_OTHERS;
pub(super) use label::hosts;
pub(super) use mounts::plain as plain_path;
pub(crate) use net::can_forge;
pub use net::capability;
pub(super) use net::{can_enter, net_raw, own_bridge};
pub use privilege::gives_power;
pub(super) use volumes::{Files, gives_engine};

use super::cause::Cause;
use super::claims::{ClaimCase, InLabel};
use super::context::Context;
use super::finding::{Action, Severity};
use super::image_labels::OperatorLabels;
use super::namespaces::{Member, Namespace};
use super::rule_id::RuleId;
use crate::inventory::{Container, ContainerId, Network};

/// One entry of the catalogue. Its id is also its heading in `docs/rules.md`.
#[derive(Debug)]
pub struct Rule {
    /// `NET-001`.
    pub id: RuleId,
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
    /// What to change; a compose snippet or a command where one fits. `{service}` is the service: see [`Self::fix_for`].
    pub fix: &'static str,
    /// Where to read more: an advisory, a benchmark, the engine's documentation.
    pub reference: &'static str,
}

impl Rule {
    /// Whether what to change names the service.
    pub fn names_service(&self) -> bool {
        self.fix.contains("{service}")
    }

    /// What to change, for a service; `None`: any.
    pub fn fix_for(&self, service: Option<&str>) -> Cow<'static, str> {
        if self.names_service() {
            self.fix.replace("{service}", service.unwrap_or("app")).into()
        } else {
            self.fix.into()
        }
    }
}

/// What a rule looks at, and whom it concerns when it fires.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Any container's labels and image; the step that reads the labels refuses, not the isolation.
    Any(fn(&Case<'_>) -> Option<Seen>),
    /// A container that asked for a route; concerns it.
    App(fn(&Case<'_>) -> Option<Seen>),
    /// The same, and what it sees is a power that whoever shares a namespace with the container has as well: it is held
    /// against those by PRV-006.
    Power(fn(&Case<'_>) -> Option<Seen>),
    /// A live container that did not ask; concerns nobody but the operator.
    Host(fn(&Case<'_>) -> Option<Seen>),
    /// Hygiene of a container that asked: whether what the title says is so. Concerns nobody but the operator. (Most
    /// containers lack some; words are made only for the few that are told one by one.)
    Hygiene(fn(&Case<'_>) -> bool),
    /// A container that asked, or a live neighbour of one on an internal network; concerns it, if it asked.
    Neighbour(fn(&Case<'_>) -> Option<Seen>),
    /// The same, and the declared Traefiks; concerns every container that asked on its internal networks.
    Router(fn(&Case<'_>) -> Option<Seen>),
    /// An internal network with a live container that asked; concerns those on it.
    Network(fn(&NetworkCase<'_>) -> Option<Seen>),
    /// A declared Traefik; concerns nobody but the operator.
    Traefik(fn(&Case<'_>) -> Option<Seen>),
    /// The engine; concerns every container that asked.
    Engine(fn(&Context<'_>) -> Option<Seen>),
    /// What a container that asked claims by its labels; the step that judges claims refuses it, not the isolation.
    Claim(fn(&ClaimCase<'_>, &mut Vec<InLabel>)),
    /// Judged where a step of the way decides: the network ([`super::proxy`]), hosts that several claim
    /// ([`super::hosts`]), outbound names ([`super::outbound`]).
    Step,
}

/// A container under judgement, with what its rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'w> {
    /// All that is known.
    pub context: &'w Context<'w>,
    /// The container.
    pub container: &'w Container,
    /// Its labels, as far as they count.
    pub labels: &'w OperatorLabels<'w>,
    /// Its effective network namespace.
    pub namespace: &'w Namespace<'w>,
    /// Its place in the inventory.
    pub at: usize,
    /// It asked for a route.
    pub asked: bool,
    /// What those that it shares a namespace with could do.
    powers: &'w [judge::Power<'w>],
    /// Who mounts what.
    shares: &'w sharing::Shares<'w>,
    /// What Traefik's and Leeward's own containers mount.
    kept: &'w judge::Kept<'w>,
}

/// An internal network under judgement.
#[derive(Clone, Copy, Debug)]
pub struct NetworkCase<'w> {
    /// All that is known.
    pub context: &'w Context<'w>,
    /// The network.
    pub network: &'w Network,
    /// The live containers on it.
    pub members: &'w [Member<'w>],
    /// What is known of every container, in the order of the inventory: see [`Member::at`].
    known: &'w [judge::Known<'w>],
    /// The name of a container on it that could not be read.
    unread: Option<&'w str>,
    /// It is a proxy network.
    pub is_proxy: bool,
    /// The name of another network whose addresses overlap with its own.
    pub overlaps: Option<&'w str>,
}

/// What a check saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The facts: names, addresses, values.
    pub(crate) cause: Arc<Cause>,
    /// Another action than the rule's, where the case is milder, or worse.
    pub action: Option<Action>,
    /// And another severity.
    pub severity: Option<Severity>,
    /// The engine's API cannot tell.
    pub not_verifiable: bool,
}

impl Seen {
    /// Something seen; the rule's own action and severity.
    fn new(cause: impl Into<Cause>) -> Self {
        Self::again(Arc::new(cause.into()))
    }

    /// What was seen elsewhere.
    fn again(cause: Arc<Cause>) -> Self {
        Self { cause, action: None, severity: None, not_verifiable: false }
    }

    fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// A gap in what can be known.
    fn unverifiable(cause: impl Into<Cause>) -> Self {
        Self { not_verifiable: true, ..Self::new(cause) }
    }
}

/// What a container is called: of a Swarm service or task, the service.
fn name_of(container: &Container) -> &str {
    let service = container.swarm.as_ref().map(|swarm| swarm.service.as_str()).filter(|name| !name.is_empty());
    service.unwrap_or(&container.name)
}

impl Case<'_> {
    /// The container whose network it is on: itself, or the one whose network it uses.
    fn network_owner(&self) -> &ContainerId {
        self.namespace.through.last().map_or(&self.container.id, |owner| &owner.id)
    }
}

/// The families, in the order of the documentation.
const FAMILIES: [&[Rule]; 11] = [
    net::RULES,
    published::RULES,
    privilege::RULES,
    volumes::RULES,
    logging::RULES,
    image::RULES,
    label::RULES,
    engine::RULES,
    traefik::RULES,
    outbound::RULES,
    socket::RULES,
];

/// Every rule there is, each at the place of its id: a missing row, or one in another place, does not compile.
#[expect(clippy::indexing_slicing, reason = "done by the compiler, which says where it fails")]
static TABLE: [&Rule; RuleId::ALL.len()] = {
    let mut table = [&net::RULES[0]; RuleId::ALL.len()];
    let (mut family, mut row, mut at) = (0, 0, 0);
    while family < FAMILIES.len() {
        if row == FAMILIES[family].len() {
            (family, row) = (family + 1, 0);
            continue;
        }
        assert!(FAMILIES[family][row].id as usize == at, "rules come in the order of their ids, one row for each");
        table[at] = &FAMILIES[family][row];
        (row, at) = (row + 1, at + 1);
    }
    assert!(at == RuleId::ALL.len(), "every id has its row");
    table
};

/// Every rule there is, in the order of the documentation.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    TABLE.iter().copied()
}

impl RuleId {
    /// Its row of the catalogue.
    #[expect(clippy::indexing_slicing, reason = "the table has a row for each id")]
    pub fn rule(self) -> &'static Rule {
        TABLE[self as usize]
    }
}
