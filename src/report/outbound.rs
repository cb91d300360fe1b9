//! Outbound names as people and programs read them: who may reach what, by which egress, and why not.

use std::collections::BTreeSet;

use serde::Serialize;

use super::asked::Asked;
use super::visible::{visible, visible_lines};
use super::words::{Remedy as _, Words as _};
use crate::plan::Plan;
use crate::policy::finding::{Finding, Subject};
use crate::policy::outbound::Allowance;
use crate::policy::rule_id::RuleId;

/// A name outside that a container asks for.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Outbound<'a> {
    /// It is allowed.
    pub allowed: bool,
    /// Who, what, and what stands against it.
    #[serde(flatten)]
    pub allowance: &'a Allowance,
}

impl<'a> From<&'a Allowance> for Outbound<'a> {
    fn from(allowance: &'a Allowance) -> Self {
        Self { allowed: allowance.holds(), allowance }
    }
}

/// The columns of the table of all of them.
pub(super) const COLUMNS: [&str; 5] = ["CONTAINER", "OUTBOUND NAME", "SPEAKS", "BY", "STATE"];

/// A row of the table.
pub(super) fn row(Outbound { allowance, .. }: &Outbound<'_>) -> Vec<String> {
    let by = if allowance.egress.is_empty() {
        "-".to_owned()
    } else {
        format!("{} on {}", allowance.egress, allowance.network)
    };
    vec![allowance.container.clone(), allowance.target.to_string(), kind(allowance).to_owned(), by, state(allowance)]
}

fn kind(allowance: &Allowance) -> &'static str {
    allowance.kind.map_or("-", |kind| kind.as_str())
}

/// What came of it, a few words.
fn state(allowance: &Allowance) -> String {
    why_not(allowance).map_or_else(|| "allowed".to_owned(), |why| format!("not allowed: {why}"))
}

/// Why it is not allowed, if so.
fn why_not(allowance: &Allowance) -> Option<String> {
    if allowance.holds() {
        return None;
    }
    Some(match allowance.refused.as_slice() {
        [] if allowance.withdrawn => "the engine does not answer".to_owned(),
        [] => "it has no address there now".to_owned(),
        rules => rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>().join(", "),
    })
}

/// What one container may reach and what not, with the reasons and the remedies; lines without indentation.
pub(super) fn lines(all: &[Outbound<'_>], reasons: &[&Finding], asked: &Asked) -> Vec<String> {
    let mut lines = Vec::new();
    for Outbound { allowance, .. } in all {
        let (target, egress) = (&allowance.target, visible(&allowance.egress));
        lines.push(match (why_not(allowance), allowance.address) {
            (Some(why), _) => format!("may not reach {target}: {why}"),
            (None, address) => format!(
                "may reach {target} by `{egress}` ({}, from {} on {})",
                kind(allowance),
                address.map(|it| it.to_string()).unwrap_or_default(),
                visible(&allowance.network)
            ),
        });
    }
    for finding in reasons {
        lines.push(format!("{}: {}", finding.rule, visible(&finding.words())));
        let remedy = visible_lines(&finding.remedy_asked(asked)).replace('\n', "\n    ");
        lines.push(format!("  remedy:\n    {remedy}"));
    }
    lines
}

/// The findings that stand against what a container asks for: those of its own, of its networks, of their egresses.
pub(super) fn reasons<'a>(plan: &'a Plan, all: &[Outbound<'_>]) -> Vec<&'a Finding> {
    let rules: BTreeSet<RuleId> = all.iter().flat_map(|it| it.allowance.refused.iter().copied()).collect();
    let is_of = |finding: &&Finding| {
        rules.contains(&finding.rule)
            && !finding.not_verifiable
            && all.iter().any(|it| match &finding.subject {
                Subject::Container { id, name, service: _ } => *id == it.allowance.id || *name == it.allowance.egress,
                Subject::Network { name } => *name == it.allowance.network,
                Subject::Engine | Subject::Host { .. } => false,
            })
    };
    plan.findings.iter().filter(is_of).collect()
}
