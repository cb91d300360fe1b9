//! Every "no" as a value: a code, the rule, the label, and what was seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::cause::{Cause, Step};
use super::finding::{Finding, Key, Subject};
use super::rule_id::RuleId;
use crate::budgets::Excess;
use crate::inventory::Container;
use crate::traefik::{Problem, Reason, labels};

/// Why something is not routed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// A stable word for machines: one of [`Code`].
    pub code: Code,
    /// The audit rule behind it, if one.
    pub rule: Option<RuleId>,
    /// The whole label key that caused it, if one did.
    pub label: Option<String>,
    /// What the rule found it on, where a finding says the same.
    pub subject: Option<Box<Subject>>,
    /// The hosts that it is about, `*.x` for all below `x`.
    pub hosts: Box<[String]>,
    /// What was seen.
    pub(crate) cause: Arc<Cause>,
    /// `leeward.allow` on the container may name its rule.
    pub(crate) may_allow: bool,
    /// Its container runs Traefik's image and nobody declared it, and this is not said of a declared one: the container's
    /// name.
    pub(crate) undeclared_traefik: Option<Arc<str>>,
}

impl Refusal {
    /// A refusal without rule or label.
    pub(crate) fn new(code: Code, cause: impl Into<Cause>) -> Self {
        Self::again(code, Arc::new(cause.into()))
    }

    /// The same, for what was seen elsewhere.
    pub(crate) fn again(code: Code, cause: Arc<Cause>) -> Self {
        Self {
            code,
            rule: None,
            label: None,
            subject: None,
            hosts: Box::default(),
            cause,
            may_allow: false,
            undeclared_traefik: None,
        }
    }

    /// For what a finding says, which the operator may allow on the container.
    pub(crate) fn for_finding(code: Code, finding: &Finding) -> Self {
        Self {
            rule: Some(finding.rule),
            label: finding.label.clone(),
            subject: Some(Box::new(finding.subject.clone())),
            may_allow: true,
            ..Self::again(code, Arc::clone(&finding.cause))
        }
    }

    /// For a label that Traefik would not accept.
    pub(crate) fn for_problem(Problem { label, reason, meant }: Problem) -> Self {
        Self::new(Code::BadLabel, Step::BadLabel { reason, meant }).by_label(label)
    }

    /// Its label as it was meant, key and value, where it is a matter of spelling: then it is read, and no other of `labels` is
    /// called so.
    pub fn respelt(&self, labels: &BTreeMap<String, String>) -> Option<(String, String)> {
        let Cause::Step(Step::BadLabel { reason, meant: Some(meant) }) = &*self.cause else { return None };
        let (key, value) = labels.get_key_value(self.label.as_deref()?)?;
        let respelt = match reason {
            Reason::BadValue(..) => (key.clone(), meant.clone()),
            _ if labels.contains_key(meant) => return None,
            _ => (meant.clone(), value.clone()),
        };
        labels::decode(&[respelt.clone()].into()).is_ok().then_some(respelt)
    }

    /// Whether it is only that the container does not run well now.
    pub fn is_liveness(&self) -> bool {
        matches!(self.code, Code::NotRunning | Code::Unhealthy | Code::NoAddress)
    }

    /// What to look up in the documentation: the rule's id, else the code.
    pub fn name(&self) -> &'static str {
        self.rule.map_or(self.code.as_str(), RuleId::as_str)
    }

    /// The keys of the findings that say the same: see [`Finding::key`].
    pub fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        let found = self.rule.zip(self.subject.as_deref());
        found
            .into_iter()
            .flat_map(|(rule, subject)| [self.label.as_deref(), None].map(|label| (rule, subject.key(), label)))
    }

    /// The same, about a container.
    #[must_use]
    pub fn about(mut self, container: &Container) -> Self {
        self.subject = Some(Box::new(Subject::of(container)));
        self
    }

    /// The same, naming the audit rule behind it.
    #[must_use]
    pub fn by_rule(mut self, rule: RuleId) -> Self {
        self.rule = Some(rule);
        self
    }

    /// The same, naming the label that caused it.
    #[must_use]
    pub fn by_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
}

impl From<&Excess> for Refusal {
    fn from(excess: &Excess) -> Self {
        let label = excess.label.clone();
        Self { label, ..Self::new(Code::Budget, Step::Budget(excess.clone())) }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The closed list of reasons. The text form is stable: scripts and dashboards may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its text form.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// `traefik.enable` is not true, or its labels cannot be read.
    NotEnabled = "not-enabled",
    /// The operator's `--constraints` do not match.
    Constraints = "constraints",
    /// A container of `docker compose run`.
    OneOff = "one-off",
    /// Not running (`traefik.docker.allownonrunning` not set).
    NotRunning = "not-running",
    /// The health check does not say healthy.
    Unhealthy = "unhealthy",
    /// It asks for more than one container, or one owner, may.
    Budget = "over-budget",
    /// The engine could not tell us about it.
    Unreadable = "unreadable",
    /// It would take labels baked into its image to route it.
    ImageLabels = "image-labels",
    /// It has a way out, or power over the host: see the rule.
    NotIsolated = "not-isolated",
    /// On no proxy network, or without an address there.
    NoProxyNetwork = "no-proxy-network",
    /// On several networks that may each be the proxy network, and nothing says which.
    AmbiguousNetwork = "ambiguous-network",
    /// A label that Traefik would not accept.
    BadLabel = "bad-label",
    /// A name longer than Traefik's parser takes, or with characters that it gives a meaning.
    BadName = "bad-name",
    /// Needs a newer Traefik than the one that reads the document.
    TraefikVersion = "traefik-version",
    /// Refers to something of another owner or provider.
    Reference = "reference",
    /// A server address that is not the container's own.
    ServerUrl = "server-url",
    /// An entry point that containers may not use.
    EntryPoint = "entry-point",
    /// A host that is bound to another network, or a catch-all where hosts are bound.
    Host = "host",
    /// A middleware that weakens the walls, under `--isolation strict`.
    Middleware = "middleware",
    /// No port is known.
    NoPort = "no-port",
    /// No address is known.
    NoAddress = "no-address",
}
