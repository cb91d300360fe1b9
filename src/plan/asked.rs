//! Step 2: which containers ask for a route, and whether their owners ask for more than one may.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::declaration::Declaration;
use super::memory::Remembered;
use super::select;
use super::steps::Conclusion;
use crate::budgets::Demand;
use crate::policy::cause;
use crate::policy::context::{Candidate, Context};
use crate::policy::image_labels::HOOK;
use crate::policy::names::Owner;
use crate::policy::namespaces::Namespace;
use crate::policy::refusal::{Code, Refusal};
use crate::settings::{OneOff, Settings};
use crate::traefik::Dynamic;
use crate::traefik::case_fold;

/// A container that asked, or did not, and what its labels mean.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// Its place in the inventory.
    pub(super) at: usize,
    pub(crate) candidate: &'a Candidate<'a>,
    pub(super) namespace: &'a Namespace<'a>,
    /// What its labels say.
    pub(super) declaration: &'a Declaration,
    /// What was decided about it the last time.
    pub(super) before: Option<&'a Arc<Conclusion>>,
    /// Step 1.
    pub(super) wish: Result<(), Refusal>,
}

impl<'a> Asked<'a> {
    /// All containers, in the order of the inventory.
    pub(crate) fn all(context: &'a Context<'a>, remembered: impl Iterator<Item = &'a Remembered>) -> Vec<Self> {
        let asked = |(at, ((candidate, namespace), remembered)): (usize, ((&'a Candidate<'a>, _), &'a Remembered))| {
            let (declaration, before) = (&*remembered.declaration, remembered.conclusion.as_ref());
            let wish = asks(candidate, declaration, context.settings);
            Self { at, candidate, namespace, declaration, before, wish }
        };
        let mut all: Vec<Self> = context.everybody().zip(remembered).enumerate().map(asked).collect();
        hold_owners(&mut all, context.settings);
        all
    }

    /// Whether it asked for a route, whatever came of it.
    pub(crate) fn asks(&self) -> bool {
        self.wish.is_ok()
    }

    /// What its labels decode to, if they do.
    pub(crate) fn declared(&self) -> Option<&Dynamic> {
        self.declaration.dynamic.as_ref().ok().filter(|_| self.asks())
    }

    /// The size of a middleware that it declares, unless it is small.
    pub(crate) fn middleware_size(&self, name: &str) -> Option<u64> {
        let known = |(key, _): &&(String, u64)| case_fold::equal(key, name);
        self.declaration.middlewares.iter().find(known).map(|(_, size)| *size)
    }
}

/// What Compose writes on a container of `docker compose run`. Source: Compose `pkg/api/labels.go`, `OneoffLabel`.
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// Refuses the containers with which their owner asks for more than one may, in the order of the inventory.
fn hold_owners(all: &mut [Asked<'_>], settings: &Settings) {
    let mut demands: BTreeMap<&Owner, Demand> = BTreeMap::new();
    for asked in all.iter_mut().filter(|asked| asked.asks() && asked.declaration.demand != Demand::default()) {
        let so_far = demands.entry(&asked.candidate.owner).or_default();
        let demand = so_far.and(asked.declaration.demand);
        match settings.budgets.judge_owner(demand) {
            None => *so_far = demand,
            Some(excess) => asked.wish = Err(Refusal::from(&excess)),
        }
    }
}

fn asks(candidate: &Candidate<'_>, declaration: &Declaration, settings: &Settings) -> Result<(), Refusal> {
    let Candidate { container, image, labels, .. } = candidate;
    let counted = declaration.provider.as_ref().map_err(Clone::clone)?;
    let all = declaration.all.as_ref().map_err(Clone::clone)?;
    let (is_run, is_hook) = (labels.get(ONE_OFF) == Some("True"), labels.get(HOOK).is_some());
    if counted.enable && settings.one_off == OneOff::Ignore && (is_run || is_hook) {
        let (cause, label) = if is_run { (cause::Step::OneOff, ONE_OFF) } else { (cause::Step::OneOffHook, HOOK) };
        return Err(Refusal::new(Code::OneOff, cause).by_label(label));
    }
    if labels.unknown() {
        // Nobody can tell whose the labels are: judged on all of them, and refused by step 0 if they ask.
        let own = |key: &str| container.labels.get(key).map(String::as_str);
        return select::asked_for(container, all, all, &own, settings);
    }
    let asked = select::asked_for(container, all, counted, &|key| labels.own(key, *image), settings);
    let (is_leeward, is_traefik) = (candidate.is_leeward, candidate.is_traefik);
    asked.map_err(|refusal| match refusal.code {
        // Nobody should be told to route them.
        Code::NotEnabled if is_leeward => Refusal::new(Code::NotEnabled, cause::Step::IsLeeward),
        Code::NotEnabled if is_hook => Refusal::new(Code::NotEnabled, cause::Step::IsHook).by_label(HOOK),
        Code::NotEnabled if is_traefik => Refusal::new(Code::NotEnabled, cause::Step::IsTraefik),
        Code::NotEnabled if candidate.is_egress => Refusal::new(Code::NotEnabled, cause::Step::IsEgress),
        _ => refusal,
    })
}
