//! From an [`Inventory`] to a [`Plan`]: who is routed, where to, and why not. The heart of the program.
//!
//! `compile` is total: whatever the labels hold, it returns a plan, and the plan carries every decision. All that
//! people see (`routes`, `explain`, `audit`, the page) and all that Traefik reads are views of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dynamic::Dynamic;
use crate::inventory::{ContainerId, Inventory};
use crate::policy::finding::Finding;
use crate::policy::refusal::Refusal;
use crate::settings::Settings;

/// Everything Leeward has to say about one inventory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What each Traefik is told, by the Traefik's container name. [`Plan::EVERYONE`] is what `GET /config` serves:
    /// all that is routed at all.
    pub documents: BTreeMap<String, Dynamic>,
    /// One for every container, readable or not.
    pub decisions: BTreeMap<ContainerId, Decision>,
    /// Every router in the documents, with where it leads; sorted by kind and name.
    pub routes: Vec<Route>,
    /// What the rules found, worst first.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// The key of the document that holds everything.
    pub const EVERYONE: &str = "";
}

/// What was decided about one container, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The container.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Who answers for it: `app1`, `~lone`.
    pub owner: String,
    /// Its Compose service, if the label counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Routed, refused, or never asked for.
    pub outcome: Outcome,
    /// The first no, unless routed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The steps in order; those after the first no are judged as far as they can be.
    pub steps: Vec<Step>,
    /// What is odd but costs nothing: labels that match nothing, rules that Traefik will not parse, ….
    pub warnings: Vec<Warning>,
    /// The network it is reached on, if one was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The address on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// How it ended for a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is in the document.
    Routed,
    /// It asked, and was refused.
    Refused,
    /// It did not ask.
    Ignored,
}

/// One step of the way to a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// What came of it.
    pub verdict: Verdict,
    /// The facts and labels it was judged on, one line each.
    pub facts: Vec<String>,
    /// Every reason against, the first is the step's; empty if it passed.
    pub refusals: Vec<Refusal>,
}

/// The steps of `design.md` section 4, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepName {
    /// Which labels count: the operator's, not the image's.
    OperatorLabels,
    /// `traefik.enable`, constraints.
    AskedFor,
    /// State and health.
    Alive,
    /// No way out.
    Isolated,
    /// On a proxy network, with an address.
    ProxyNetwork,
    /// The labels decode.
    Understood,
    /// References, server URLs, entry points, hosts.
    WithinRights,
    /// Port and server.
    Addressed,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It passed only because the operator vouched, or because `--isolation warn` lets it.
    Overruled,
    /// It failed.
    Failed,
    /// It could not be judged, or does not apply.
    Skipped,
}

/// Something odd that does not cost the route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// The whole label key, if one is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// One line.
    pub words: String,
}

/// The three kinds of router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP.
    Http,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// One router of the document and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// HTTP, TCP or UDP.
    pub protocol: Protocol,
    /// The router's published name.
    pub router: String,
    /// Who answers for it.
    pub owner: String,
    /// Its rule; empty for UDP.
    pub rule: String,
    /// Its entry points; empty is Traefik's default ones.
    pub entry_points: Vec<String>,
    /// Its middlewares, as published.
    pub middlewares: Vec<String>,
    /// Its service's published name.
    pub service: String,
    /// Asks for TLS.
    pub tls: bool,
    /// Where requests go.
    pub backends: Vec<Backend>,
    /// The labels it came from: container name and label key.
    pub origins: Vec<Origin>,
}

/// One server behind a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Backend {
    /// The container.
    pub container: String,
    /// Its id.
    pub id: ContainerId,
    /// The network it is reached on; empty where none applies.
    pub network: String,
    /// `http://172.30.0.10:8080`, or `172.30.0.10:53` for TCP and UDP.
    pub address: String,
}

/// Where a part of the document came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The container's name.
    pub container: String,
    /// The label's key; empty where it comes from no label (a default).
    pub label: String,
}

/// Decides about every container of `inventory` and writes what Traefik is told.
pub fn compile(inventory: &Inventory, settings: &Settings) -> Plan {
    let _ = (inventory, settings);
    Plan::default()
}
