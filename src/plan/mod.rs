//! From an [`Inventory`] to a [`Plan`]: who is routed, where to, and why not. The heart of the program.
//!
//! `compile` is total: whatever the labels hold, it returns a plan, and the plan carries every decision. All that
//! people see (`routes`, `explain`, `audit`, the page) and all that Traefik reads are views of it.

mod address;
mod asked;
mod basis;
mod complete;
mod declaration;
mod join;
mod memory;
mod outbound;
mod reader;
mod select;
mod steps;
mod undeclared;
mod unfolded;
mod unknown;
mod unusable_routes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use self::asked::Asked;
use self::join::{Conflict, Declared};
pub use self::memory::Memory;
use self::reader::Reader;
use self::steps::{Judged, Part, StepContext};
pub use self::unknown::{Flag, Unknown};
pub use self::unusable_routes::{MOST_PRIORITY, Missing, Unusable, UnusableRoutes};
use crate::inventory::{ContainerId, Inventory, Unreadable};
use crate::policy::cause::{self, Cause};
use crate::policy::claims::ClaimContext;
use crate::policy::context::Candidate;
use crate::policy::context::Context;
use crate::policy::finding::{Finding, Subject};
use crate::policy::forward_auth_names::Answering;
use crate::policy::hosts::{self, Bindings};
use crate::policy::outbound::{self as names_outside, Allowance};
use crate::policy::references::Middlewares;
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId;
use crate::policy::rules::{self, Standing};
use crate::settings::Settings;
use crate::traefik::labels;
use crate::traefik::tls::DefaultCertificate;
use crate::traefik::{Dynamic, Version};

/// Everything Leeward has to say about one inventory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What each Traefik is told, by the Traefik's container name. [`Plan::EVERYONE`] is what `GET /config` serves:
    /// all that is routed at all.
    pub documents: BTreeMap<String, Arc<Dynamic>>,
    /// One for every container, readable or not.
    pub decisions: BTreeMap<ContainerId, Arc<Decision>>,
    /// Every router in the documents, with where it leads; sorted by kind and name.
    pub routes: Vec<Route>,
    /// What the rules found, worst first.
    pub findings: Vec<Finding>,
    /// The default certificate that every document carries. `None`: the operator asked for none, or a label sets a store
    /// of certificates; Traefik takes neither where two say what the store is.
    pub default_certificate: Option<Arc<DefaultCertificate>>,
    /// What each egress Traefik is told, by its container name: outbound names, and nothing else.
    pub outbound_documents: BTreeMap<String, Arc<Dynamic>>,
    /// The outbound names that containers ask for, allowed or not; sorted by container.
    pub outbound: Vec<Allowance>,
    /// All of these were taken back: see [`Plan::withdraw_outbound`].
    pub outbound_withdrawn: bool,
    /// Which of the routes Traefik leaves out: see [`Plan::left_out`].
    pub unusable: UnusableRoutes,
    /// What containers that are not routed declare, by published name: see [`Plan::declarer`].
    pub(crate) not_published: BTreeMap<Missing, ContainerId>,
    /// The release of Traefik that the documents are for, where nothing says which one reads them.
    pub assumed_version: Option<Version>,
    /// What flags name and nothing is called.
    pub unknown: Vec<Unknown>,
}

impl Plan {
    /// The key of the document that holds everything.
    pub const EVERYONE: &str = "";

    /// What was decided about every container, in the order of their ids.
    pub fn decided(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.values().map(Arc::as_ref)
    }
}

/// What was decided about one container, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The container.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Its owner: `app1`, `~lone`.
    pub owner: String,
    /// Its Compose service, if the label counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Routed, refused, or never asked for.
    pub outcome: Outcome,
    /// The first no, unless routed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The steps in order; those after the first no are judged as far as they can be.
    pub steps: Vec<Step>,
    /// Warnings that do not affect routing: labels that match nothing, rules that Traefik rejects, ….
    pub warnings: Vec<Warning>,
    /// The hosts that its rules name, `*.x` for all below `x`; only of one that is not routed.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub hosts: BTreeSet<String>,
    /// The network it is reached on, if one was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The address on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// How it ended for a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The step's name.
    pub name: StepName,
    /// What came of it.
    pub verdict: Verdict,
    /// What it was judged on.
    pub(crate) facts: Vec<Fact>,
    /// What the rules found that bears on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Weighed>,
    /// Every reason against, the first is the step's; empty if it passed.
    pub refusals: Vec<Refusal>,
}

/// What a step was judged on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// A label that its image has, and that does not count.
    Baked(String),
    State {
        state: String,
        health: Option<String>,
    },
    IsTraefik,
    IsolationOff,
    /// The network and the address (empty: none) that it is reached on.
    Place {
        network: String,
        address: String,
    },
    /// The addresses of its servers.
    Servers(Vec<String>),
}

/// A finding, as it bears on one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// The rule.
    pub rule: RuleId,
    /// What it was found on.
    pub subject: Subject,
    /// What it does to the container.
    pub standing: Standing,
    /// What was seen.
    pub(crate) cause: Arc<Cause>,
}

impl Step {
    fn new(name: StepName, verdict: Verdict) -> Self {
        Self { name, verdict, facts: Vec::new(), findings: Vec::new(), refusals: Vec::new() }
    }
}

/// The steps of `design.md` section 4, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    /// Port and server.
    Addressed,
    /// References, server URLs, entry points, hosts.
    WithinRights,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It passed only because the operator allowed, or because `--isolation warn` lets it.
    Overruled,
    /// It failed.
    Failed,
    /// It could not be judged, or does not apply.
    Skipped,
}

/// Something odd that does not affect routing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The whole label key, if one is behind it.
    pub label: Option<String>,
    /// What was seen.
    pub(crate) cause: Arc<Cause>,
}

impl Warning {
    fn new(label: Option<String>, cause: impl Into<Cause>) -> Self {
        Self { label, cause: Arc::new(cause.into()) }
    }
}

/// The three kinds of router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP.
    Http,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// As it stands in a label: `http`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// One router of the document and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Route {
    /// HTTP, TCP or UDP.
    pub protocol: Protocol,
    /// The router's published name.
    pub router: String,
    /// Its owner.
    pub owner: String,
    /// Its rule; empty for UDP.
    pub rule: String,
    /// Its entry points; empty is Traefik's default ones.
    pub entry_points: Vec<String>,
    /// Its middlewares, as published.
    pub middlewares: Vec<String>,
    /// Its service's published name.
    pub service: String,
    /// Its priority, if a label sets one; Traefik takes the rule's length otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Asks for TLS.
    pub tls: bool,
    /// Where requests go.
    pub backends: Vec<Backend>,
    /// The labels it came from: container name and label key.
    pub origins: Vec<Origin>,
}

/// One server behind a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Origin {
    /// The container's name.
    pub container: String,
    /// The label's key; empty where it comes from no label (a default).
    pub label: String,
}

/// Decides about every container of `inventory` and writes what Traefik is told.
pub fn compile(inventory: &Inventory, settings: &Settings) -> Plan {
    compile_next(inventory, settings, &mut Memory::default())
}

/// As [`compile`], and the same plan, without doing again what would come to the same. `memory`: what the last compilation
/// under the same settings left; then what this one leaves.
pub fn compile_next(inventory: &Inventory, settings: &Settings, memory: &mut Memory) -> Plan {
    let context = Context::of(inventory, settings);
    let mut plan = decide(&context, memory);
    undeclared::mark(&mut plan, &context, &mut memory.undeclared);
    plan
}

/// All of it, but for what is marked afterwards.
fn decide(context: &Context<'_>, memory: &mut Memory) -> Plan {
    let Context { inventory, settings, .. } = *context;
    let asked = Asked::all(context, memory.read(context));
    let asking: Vec<bool> = asked.iter().map(Asked::asks).collect();
    let judgement = rules::judge(context, &asking);
    let middlewares = Middlewares::of(
        asked
            .iter()
            .filter_map(|asked| Some((&asked.candidate.owner, asked.declared()?, asked.candidate.speaks_for_all))),
        settings,
    );
    let unfolded = unfolded::refusals(&asked, &middlewares, settings);
    let bindings = Bindings::of(inventory);
    let reader = Reader::of(context);
    let answering = Answering::of(context, asked.iter().filter_map(Asked::declared));
    let claims = ClaimContext { middlewares: &middlewares, answering: &answering, bindings: &bindings, settings };
    let all = StepContext { context, judgement: &judgement, claims, unfolded: &unfolded, reader };

    let judged: Vec<Judged<'_>> = asked.iter().map(|asked| Judged::of(asked, all)).collect();
    let all_parts: Vec<Part<'_>> = judged.iter().filter_map(Judged::part).collect();
    let mut parts: Vec<&Part<'_>> = all_parts.iter().collect();
    let claims = parts.iter().map(|part| (&**part.candidate.container, &part.candidate.owner, &*part.share.reaches));
    let hosts::Overlaps { findings: contested, mut refusals, .. } = hosts::overlaps(claims, settings);
    parts.retain(|part| !refusals.contains_key(part.candidate.id));
    parts.sort_by(|a, b| a.share.key.cmp(&b.share.key));
    let declared = Declared::by(&parts, settings.names);
    let (everything, conflicts) = declared.join();
    let mut warnings: BTreeMap<ContainerId, Vec<Warning>> = BTreeMap::new();
    for Conflict { kind, name, parts } in &conflicts {
        let declaring = || parts.iter().map(|part| part.candidate);
        for &Candidate { id, ref owner, .. } in declaring() {
            // Another project's, where names are everybody's.
            let other = declaring().find(|other| other.id != id).map_or(owner, |other| &other.owner);
            let cause = cause::Step::Conflict { name: name.clone(), owner: other.to_string() };
            warnings.entry(id.clone()).or_default().push(Warning::new(Some(format!("traefik.{kind}")), cause));
        }
    }
    let default_certificate = settings.default_certificate.clone().filter(|_| {
        for part in parts.iter().filter(|part| !part.share.dynamic.tls.stores.is_empty()) {
            let label = Some("traefik.tls.stores.default".to_owned());
            let warning = Warning::new(label, cause::Step::DefaultCertificate);
            warnings.entry(part.candidate.id.clone()).or_default().push(warning);
        }
        everything.tls.stores.is_empty()
    });
    let routes = declared.routes(&everything);
    let documents = documents(context, &parts, &Arc::new(everything));
    let routed: BTreeSet<&ContainerId> = parts.iter().map(|part| part.candidate.id).collect();
    let not_routed = asked.iter().filter(|asked| !routed.contains(asked.candidate.id));
    let not_published = unusable_routes::not_published(not_routed, settings.names);
    let mut findings = judgement.findings;
    findings.extend(judged.iter().flat_map(Judged::findings).cloned());

    let mut decide = |judged: &Judged<'_>| {
        let id = judged.id();
        let decision = judged.decide(refusals.remove(id).unwrap_or_default(), warnings.remove(id).unwrap_or_default());
        (id.clone(), decision)
    };
    let mut decisions: BTreeMap<ContainerId, Arc<Decision>> = judged.iter().map(&mut decide).collect();
    for (id, unreadable) in &inventory.unreadable {
        decisions.insert(id.clone(), Arc::new(not_seen(id, unreadable, settings)));
    }
    findings.extend(reader.costs(context, &asked, &decisions));
    findings.extend(contested);
    let mut outbound = names_outside::judge(context);
    findings.append(&mut outbound.findings);
    findings.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(&b.rule)).then_with(|| a.subject.cmp(&b.subject))
    });
    let assumed_version = reader.assumed.then_some(reader.version);
    let unusable = UnusableRoutes::default();
    let unknown = unknown::unknown(inventory, &decisions, &middlewares, settings);
    let outbound_documents = outbound::documents(&outbound, settings.outbound_connections);
    let outbound = outbound.allowances;
    let conclusions: Vec<_> = judged.into_iter().map(Judged::into_conclusion).collect();
    memory.keep(conclusions);
    Plan {
        documents,
        decisions,
        routes,
        findings,
        default_certificate,
        outbound_documents,
        outbound,
        outbound_withdrawn: false,
        unusable,
        not_published,
        assumed_version,
        unknown,
    }
}

/// A container that the engine listed but could not describe.
fn not_seen(id: &ContainerId, unreadable: &Unreadable, settings: &Settings) -> Decision {
    let asks = labels::provider(&unreadable.labels, settings.exposed_by_default, false).is_ok_and(|it| it.enable);
    let refusal = Refusal::new(Code::Unreadable, cause::Step::NotDescribed(unreadable.problem.clone()));
    let step = Step { refusals: vec![refusal.clone()], ..Step::new(StepName::Alive, Verdict::Failed) };
    Decision {
        id: id.clone(),
        name: unreadable.name.clone(),
        owner: format!("~{}", unreadable.name),
        service: None,
        outcome: if asks { Outcome::Refused } else { Outcome::Ignored },
        refusal: Some(refusal),
        steps: vec![step],
        warnings: Vec::new(),
        hosts: hosts::named(&unreadable.labels),
        network: None,
        address: None,
    }
}

/// One document for everybody, and one for each declared Traefik with the backends on its own networks.
fn documents(context: &Context<'_>, parts: &[&Part<'_>], everything: &Arc<Dynamic>) -> BTreeMap<String, Arc<Dynamic>> {
    let mut documents = BTreeMap::from([(Plan::EVERYONE.to_owned(), Arc::clone(everything))]);
    for Candidate { container: traefik, .. } in context.traefiks() {
        let reaches = |part: &&Part<'_>| {
            part.network.is_none_or(|network| context.proxy.traefiks_on(network).any(|name| name == traefik.name))
        };
        let reached: Vec<&Part<'_>> = parts.iter().copied().filter(reaches).collect();
        let document = if reached.len() == parts.len() {
            Arc::clone(everything)
        } else {
            Arc::new(Declared::by(&reached, context.settings.names).join().0)
        };
        documents.insert(traefik.name.clone(), document);
    }
    documents
}
