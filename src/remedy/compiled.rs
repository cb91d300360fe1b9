//! An inventory with its plan, as the planner looks at it: who asks, who is Traefik, which containers are a service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::rules::refusals;
use super::traefik;
use crate::inventory::{Container, ContainerId, Inventory};
use crate::plan::{self, Outcome, Plan, StepName, Verdict as StepVerdict};
use crate::policy::context::Context;
use crate::policy::names::Owner;
use crate::policy::outbound::Allowance;
use crate::policy::refusal::Refusal;
use crate::settings::Settings;

/// The containers of each service.
#[derive(Clone, Debug, Default)]
pub struct Services {
    of: BTreeMap<Owner, BTreeMap<String, Vec<ContainerId>>>,
}

impl Services {
    pub(super) fn of_context(context: &Context<'_>) -> Self {
        let mut all = Self::default();
        for (at, candidate) in context.candidates.iter().enumerate() {
            let services = all.of.entry(candidate.owner.clone()).or_default();
            services.entry(service_of(context, at)).or_default().push(candidate.id.clone());
        }
        all
    }

    /// The containers of a service.
    pub(super) fn of(&self, owner: &Owner, service: &str) -> &[ContainerId] {
        self.of.get(owner).and_then(|services| services.get(service)).map_or(&[], Vec::as_slice)
    }

    /// All containers of an owner.
    pub(super) fn of_owner(&self, owner: &Owner) -> impl Iterator<Item = &ContainerId> {
        self.of.get(owner).into_iter().flat_map(|services| services.values().flatten())
    }
}

pub(super) fn service_of(context: &Context<'_>, at: usize) -> String {
    let Some(candidate) = context.candidates.get(at) else { return String::new() };
    let service = candidate.labels.get("com.docker.compose.service").filter(|_| candidate.owner.group().is_some());
    service.unwrap_or(&candidate.container.name).to_owned()
}

/// An inventory, and what was decided about it.
pub(super) struct Compiled<'a> {
    pub(super) context: Context<'a>,
    pub(super) plan: Plan,
    pub(super) asks: BTreeSet<usize>,
    /// Of Traefik's own image, where none is declared.
    pub(super) undeclared: BTreeSet<usize>,
}

impl<'a> Compiled<'a> {
    pub(super) fn of(inventory: &'a Inventory, settings: &'a Settings) -> Self {
        let plan = plan::compile(inventory, settings);
        let context = Context::of(inventory, settings);
        let has_asked = |id: &ContainerId| {
            plan.decisions.get(id).is_some_and(|decision| {
                let passed = |step: &plan::Step| step.name == StepName::AskedFor && step.verdict == StepVerdict::Passed;
                decision.steps.iter().any(passed)
            })
        };
        let undeclared: BTreeSet<usize> = traefik::of_image(&context).collect();
        let asks = context
            .candidates
            .iter()
            .enumerate()
            .filter(|(at, candidate)| !candidate.is_traefik && !undeclared.contains(at) && has_asked(candidate.id))
            .map(|(at, _)| at)
            .collect();
        Self { context, plan, asks, undeclared }
    }

    /// The outbound names that an owner's containers ask for and rules stand against.
    pub(super) fn outbound_left(&self, owner: &Owner) -> Vec<Allowance> {
        let shown = owner.to_string();
        let left = self.plan.outbound.iter().filter(|it| it.owner == shown && !it.refused.is_empty());
        left.cloned().collect()
    }

    /// Whether the container at a place asked for a route. A declared Traefik does not count.
    pub(super) fn asks(&self, at: usize) -> bool {
        self.asks.contains(&at)
    }

    /// Whether it is one to mend: it asks, or what it asks for cannot be read.
    pub(super) fn is_to_mend(&self, at: usize) -> bool {
        let is_application = || !self.context.is_traefik(at) && !self.undeclared.contains(&at);
        self.asks(at) || (self.outcome(at) == Outcome::Refused && is_application())
    }

    pub(super) fn container(&self, at: usize) -> Option<&Arc<Container>> {
        self.context.candidates.get(at).map(|candidate| candidate.container)
    }

    pub(super) fn id(&self, at: usize) -> &str {
        self.context.candidates.get(at).map_or("", |candidate| candidate.id.as_str())
    }

    pub(super) fn owner(&self, at: usize) -> Option<&Owner> {
        self.context.candidates.get(at).map(|candidate| &candidate.owner)
    }

    pub(super) fn service(&self, at: usize) -> String {
        service_of(&self.context, at)
    }

    /// Whether it is Traefik or Leeward.
    pub(super) fn is_front(&self, at: usize) -> bool {
        self.context.is_traefik(at) || self.undeclared.contains(&at) || (self.context.is_leeward(at) && !self.asks(at))
    }

    /// Why it is refused.
    pub(super) fn refusals(&self, at: usize) -> Vec<Refusal> {
        let mut all: Vec<Refusal> = Vec::new();
        for refusal in self.plan.decisions.get(self.id(at)).into_iter().flat_map(|it| refusals(it)) {
            if !all.contains(refusal) {
                all.push(refusal.clone());
            }
        }
        all
    }

    pub(super) fn outcome(&self, at: usize) -> Outcome {
        self.plan.decisions.get(self.id(at)).map_or(Outcome::Ignored, |decision| decision.outcome)
    }
}

/// What holds for all rounds of one start.
pub(super) struct Ground<'g> {
    /// The owner whose networks are being worked out is under `strict`.
    pub(super) strict: bool,
    /// Containers that are left as they are.
    pub(super) outside: &'g BTreeSet<ContainerId>,
    pub(super) keep: &'g BTreeSet<ContainerId>,
    /// No Traefik is known that says which network is meant.
    pub(super) assumed: bool,
    /// Containers whose networks change.
    pub(super) moved: BTreeSet<ContainerId>,
}

impl Ground<'_> {
    /// Whether a container stays on its networks.
    pub(super) fn is_fixed(&self, compiled: &Compiled<'_>, at: usize) -> bool {
        compiled.is_front(at) || self.outside.contains(compiled.id(at)) || self.keep.contains(compiled.id(at))
    }
}
