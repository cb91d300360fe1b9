//! LOG: where output goes.

use super::{Case, Check, Rule, Seen};
use crate::policy::finding::{Action, Severity};
use crate::policy::rule_id::RuleId;

pub(super) static RULES: &[Rule] = &[Rule {
    id: RuleId::Log001,
    title: "the container's output is sent to another machine",
    severity: Severity::Low,
    action: Action::Inform,
    check: Check::App(log_001),
    why: "with this log driver the engine sends what the container prints to another machine: a one-way channel out",
    fix: "use `logging: {driver: local}`; or, if it is meant, allow it:\nlabels:\n  leeward.allow: LOG-001",
    reference: "https://docs.docker.com/engine/logging/configure/",
}];

/// The container's output goes out through a log driver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cause {
    pub(crate) driver: String,
}

/// The drivers that keep output on the host.
const LOCAL: [&str; 9] =
    ["", "json-file", "local", "journald", "none", "k8s-file", "passthrough", "passthrough-tty", "db"];

fn log_001(case: &Case<'_>) -> Option<Seen> {
    let driver = case.container.confinement.log_driver.as_str();
    (!LOCAL.contains(&driver)).then(|| Seen::new(Cause { driver: driver.to_owned() }))
}
