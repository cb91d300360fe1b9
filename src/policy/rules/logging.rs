//! LOG: where output goes.

use super::{Case, Check, Rule, Seen};
use crate::policy::finding::{Action, Severity};
use crate::policy::rule_id::RuleId;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: RuleId::Log001,
        title: "the container's output is sent to another machine",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::App(log_001),
        why: "with this log driver the engine sends what the container prints to another machine: a one-way channel out",
        fix: "use `logging: {driver: local}`; or, if it is meant, allow it:\nlabels:\n  leeward.allow: LOG-001",
        reference: "https://docs.docker.com/engine/logging/configure/",
    },
    Rule {
        id: RuleId::Log002,
        title: "the engine writes the container's output to a file of the host",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Power(log_002),
        why: "the log drivers `k8s-file` and `json-file` of Podman write, as root, to whatever file `path` names: with \
              `/etc/ld.so.preload` what the container prints is what the host runs. Which file it is in the end depends on \
              links, so no other file is taken for harmless. Docker's drivers have no such option",
        fix: "delete `path` from `logging.options` (Podman: `--log-opt path=`); or, if nobody but root can write to any of \
              its directories, allow it:\nlabels:\n  leeward.allow: LOG-002",
        reference: "docs/isolation.md#where-output-goes",
    },
];

/// Where the container's output goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Out, through a log driver.
    Out { driver: String },
    /// Into a file of the host.
    File { path: String },
}

/// The drivers that keep output on the host.
const LOCAL: [&str; 9] =
    ["", "json-file", "local", "journald", "none", "k8s-file", "passthrough", "passthrough-tty", "db"];

fn log_001(case: &Case<'_>) -> Option<Seen> {
    let driver = case.container.confinement.log_driver.as_str();
    (!LOCAL.contains(&driver)).then(|| Seen::new(Cause::Out { driver: driver.to_owned() }))
}

fn log_002(case: &Case<'_>) -> Option<Seen> {
    let path = &case.container.confinement.log_path;
    (!path.is_empty()).then(|| Seen::new(Cause::File { path: path.clone() }))
}
