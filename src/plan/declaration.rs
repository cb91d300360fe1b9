//! What one container's labels say, whatever else is true of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::unfolded::SMALL;
use super::{Warning, select};
use crate::budgets::{self, Demand};
use crate::inventory::Container;
use crate::policy::cause::Step;
use crate::policy::hosts::{self, Claimed};
use crate::policy::image_labels::OperatorLabels;
use crate::policy::leeward_labels::{self, ALLOW};
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;
use crate::policy::rules::OF_OTHERS;
use crate::settings::Settings;
use crate::traefik::labels::{self, ProviderLabels};
use crate::traefik::{Dynamic, document};

/// What one container's labels say, whatever else is true of it.
#[derive(Clone, Debug)]
pub(crate) struct Declaration {
    /// What `traefik.enable` and `traefik.docker.*` say, of the labels that count.
    pub(crate) provider: Result<ProviderLabels, Refusal>,
    /// The same, of all labels.
    pub(crate) all: Result<ProviderLabels, Refusal>,
    /// What the routing labels decode to. Only of a container that asks for a route by `provider`; else nothing.
    pub(crate) dynamic: Result<Dynamic, Refusal>,
    /// Where they do not, for one cannot be read: what the others come to.
    pub(crate) others: Option<Box<Others>>,
    /// What of it no document can carry, or no Traefik.
    pub(crate) unwritable: Vec<Refusal>,
    /// How many bytes the longest name in it has.
    pub(crate) longest_name: usize,
    /// The hosts that its routers claim.
    pub(crate) claimed: Vec<Claimed>,
    /// Labels that look as if they meant something and do not.
    pub(crate) unmatched: Vec<Warning>,
    /// What of it its owner's budget is for.
    pub(crate) demand: Demand,
    /// The middlewares that are not small, by name (folded), and their size.
    pub(crate) middlewares: Vec<(String, u64)>,
    /// See [`Self::named_hosts`].
    named_hosts: OnceLock<BTreeSet<String>>,
}

/// How many labels that cannot be read are told at once.
const MOST_UNREAD: usize = 16;

/// The labels beside one that cannot be read. They publish nothing, and only tell what they would be refused for.
#[derive(Clone, Debug)]
pub(crate) struct Others {
    /// More that cannot be read.
    pub(crate) unread: Vec<Refusal>,
    /// What the rest decode to.
    pub(crate) dynamic: Dynamic,
    /// The hosts that its routers claim.
    pub(crate) claimed: Vec<Claimed>,
    /// The middlewares that all of them declare, by name.
    pub(crate) middlewares: BTreeSet<String>,
}

impl Others {
    fn of(labels: &BTreeMap<String, String>, first: &labels::LabelProblem) -> Option<Box<Self>> {
        let middleware = |key: &String| {
            let mut parts = key.split('.').skip(2);
            parts.next().filter(|kind| kind.eq_ignore_ascii_case("middlewares")).and(parts.next()).map(str::to_owned)
        };
        let middlewares = labels.keys().filter_map(middleware).collect();
        let mut rest = labels.clone();
        let mut unread = Vec::new();
        let mut label = first.label.clone();
        for _ in 0..MOST_UNREAD {
            let count = rest.len();
            rest.retain(|key, _| !key.eq_ignore_ascii_case(&label));
            // It is about no label of its own.
            if rest.len() == count {
                return None;
            }
            match labels::decode(&rest) {
                Ok(dynamic) => {
                    let claimed = hosts::claimed(&dynamic);
                    return Some(Box::new(Self { unread, dynamic, claimed, middlewares }));
                }
                Err(problem) => {
                    label.clone_from(&problem.label);
                    unread.push(Refusal::for_problem(problem));
                }
            }
        }
        Some(Box::new(Self { unread, dynamic: Dynamic::default(), claimed: Vec::new(), middlewares }))
    }
}

impl Default for Declaration {
    fn default() -> Self {
        Self {
            provider: Ok(ProviderLabels::default()),
            all: Ok(ProviderLabels::default()),
            dynamic: Ok(Dynamic::default()),
            others: None,
            unwritable: Vec::new(),
            longest_name: 0,
            claimed: Vec::new(),
            unmatched: Vec::new(),
            demand: Demand::default(),
            middlewares: Vec::new(),
            named_hosts: OnceLock::new(),
        }
    }
}

impl Declaration {
    /// The hosts that the rules in the labels name, which is asked of those that are not routed. `labels`: those that it was
    /// read from.
    pub(crate) fn named_hosts(&self, labels: &OperatorLabels<'_>) -> &BTreeSet<String> {
        self.named_hosts.get_or_init(|| hosts::named(&labels.labels))
    }

    pub(super) fn of(container: &Container, labels: &OperatorLabels<'_>, settings: &Settings) -> Self {
        let provider = select::provider_labels(container, &labels.labels, settings);
        let all = if labels.baked.is_empty() {
            provider.clone()
        } else {
            select::provider_labels(container, &container.labels, settings)
        };
        if let Some(excess) = &container.excess {
            // Nobody can tell what it asked for.
            let refusal = Refusal::from(excess);
            return Self { provider: Err(refusal.clone()), all: Err(refusal), ..Self::default() };
        }
        let asks = [&provider, &all].into_iter().any(|it| it.as_ref().is_ok_and(|it| it.enable));
        // Before anything is read that takes time or memory.
        let demand = if asks { settings.budgets.judge(&labels.labels) } else { Ok(Demand::default()) };
        let demand = match demand {
            Ok(demand) => demand,
            Err(excess) => return Self { provider, all, dynamic: Err(Refusal::from(&excess)), ..Self::default() },
        };
        let decoded = if asks { labels::decode(&labels.labels) } else { Ok(Dynamic::default()) };
        let others = decoded.as_ref().err().and_then(|first| Others::of(&labels.labels, first));
        let dynamic = decoded.map_err(Refusal::for_problem);
        let unwritable = dynamic.as_ref().map(document::problems).unwrap_or_default();
        let middlewares = if asks { budgets::middlewares(&labels.labels) } else { BTreeMap::new() };
        let longest_name = dynamic.as_ref().map(document::longest_name).unwrap_or_default();
        let claimed = dynamic.as_ref().map(hosts::claimed).unwrap_or_default();
        Self {
            provider,
            all,
            dynamic,
            others,
            unwritable: unwritable.into_iter().map(Refusal::for_problem).collect(),
            longest_name,
            claimed,
            unmatched: unmatched(labels),
            demand,
            middlewares: middlewares.into_iter().filter(|(_, size)| *size > SMALL).collect(),
            named_hosts: OnceLock::new(),
        }
    }
}

/// Misspelt labels of Traefik and of Leeward; allowed rules that do not exist, or that a container cannot allow.
fn unmatched(labels: &OperatorLabels<'_>) -> Vec<Warning> {
    let (allowed, unknown) = labels.get(ALLOW).map(RuleId::list).unwrap_or_default();
    let unknown =
        unknown.into_iter().map(|id| (ALLOW, Step::UnknownRule { written: id.to_owned(), near: RuleId::nearest(id) }));
    let of_others = OF_OTHERS.iter().filter(|id| allowed.contains(id)).map(|id| (ALLOW, Step::OfOthers(*id)));
    let traefiks = labels::unmatched(&labels.labels).into_iter().map(|(label, why)| (label, Step::Unmatched(why)));
    let own = leeward_labels::on_container(&labels.labels).into_iter().map(|(label, odd)| (label, Step::Odd(odd)));
    let all = traefiks.chain(own).chain(unknown).chain(of_others);
    all.map(|(label, cause)| Warning::new(Some(label.to_owned()), cause)).collect()
}
