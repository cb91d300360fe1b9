//! SOC: Leeward's own access to the engine.

use super::{Check, Rule, Seen};
use crate::inventory::SocketAccess;
use crate::policy::context::Context;
use crate::policy::finding::{Action, Severity};
use crate::policy::rule_id::RuleId;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Soc001,
        title: "the filter in front of the engine's socket allows too much",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Engine(soc_001),
        why: "harmless test requests, which Leeward otherwise never makes, reached the engine: others will \
              too, such as those that read every file or open a shell",
        fix: "use `leeward gate`, or list the exact paths: GET /_ping, /version, /info, /events, /containers/json, \
              /containers/<id>/json, /networks, /networks/<id>, /images/<id>/json, /volumes/<name>",
        reference: "docs/isolation.md#the-socket",
    },
    Rule {
        id: RuleId::Soc002,
        title: "Leeward uses the engine's socket without a filter",
        severity: Severity::Critical,
        action: Action::Warn,
        check: Check::Engine(soc_002),
        why: "whoever takes over the part that answers Traefik owns the host; a socket mounted `:ro` is not read-only",
        fix: "run `leeward gate` beside it, with the socket and no network, and point `--engine` at the gate",
        reference: "docs/isolation.md#the-socket",
    },
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The filter let a test request through.
    TooWide,
    /// There is none.
    NoFilter,
}

fn soc_001(context: &Context<'_>) -> Option<Seen> {
    (context.inventory.engine.socket_access == Some(SocketAccess::Wide)).then(|| Seen::new(Cause::TooWide))
}

fn soc_002(context: &Context<'_>) -> Option<Seen> {
    (context.inventory.engine.socket_access == Some(SocketAccess::Bare)).then(|| Seen::new(Cause::NoFilter))
}
