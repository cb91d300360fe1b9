//! Routers of containers that are routed, and that Traefik leaves out; with who declares what they lack, and is not routed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rules::refusals;
use crate::plan::{Plan, Unusable};
use crate::policy::refusal::Refusal;

/// A router that Traefik leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its published name.
    pub router: String,
    /// Why.
    pub reasons: Vec<Unusable>,
    /// Who declares what is missing.
    pub declared_by: Vec<Declarer>,
}

/// A container that declares what a router lacks, and is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Declarer {
    /// Its name.
    pub container: String,
    /// Why.
    pub refusals: Vec<Refusal>,
}

/// The routers that no Traefik takes, by the container whose labels make them. `assumed`: no Traefik is known, so what its
/// project declares is not known either.
pub(super) fn left_out(plan: &Plan, assumed: bool) -> BTreeMap<String, Vec<LeftOut>> {
    let mut all: BTreeMap<String, Vec<LeftOut>> = BTreeMap::new();
    for route in &plan.routes {
        let mut by: BTreeMap<&str, Vec<Refusal>> = BTreeMap::new();
        let mut reasons = plan.never_taken(route).to_vec();
        reasons.retain(|reason| {
            let Some(declarer) = plan.declarer(reason) else { return !(assumed && reason.is_not_given()) };
            let mut against: Vec<Refusal> = Vec::new();
            for refusal in refusals(declarer) {
                if !against.contains(refusal) {
                    against.push(refusal.clone());
                }
            }
            // It comes with who declares it, once that one runs.
            let is_down = against.iter().all(Refusal::is_liveness);
            by.insert(&declarer.name, against);
            !is_down
        });
        if reasons.is_empty() {
            continue;
        }
        let declarer = |(name, refusals): (&str, _)| Declarer { container: name.to_owned(), refusals };
        let declared_by = by.into_iter().map(declarer).collect();
        let left = LeftOut { router: route.router.clone(), reasons, declared_by };
        for origin in &route.origins {
            all.entry(origin.container.clone()).or_default().push(left.clone());
        }
    }
    all
}
