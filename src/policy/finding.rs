//! What a rule has to say about a container, a network or the engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::rule_id::RuleId;
use crate::inventory::{Container, ContainerId};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Hygiene.
    Low,
    /// Needs several further steps to be used.
    Medium,
    /// One step from a way out, or one owner against another.
    High,
    /// A way out, the host, or the proxy itself.
    Critical,
}

/// What a rule does where it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Reported.
    Inform,
    /// Reported, and counts for `--fail-on`.
    Warn,
    /// As `Warn`; refuses the container under `--isolation strict`.
    WarnStrictBlock,
    /// Refuses the container under `--isolation enforce` and `strict`.
    Block,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Subject {
    /// The engine, or everything at once.
    Engine,
    /// A host that several owners claim.
    Host {
        /// As the rules have it: `app1.example.com`, `*.example.com`.
        name: String,
        /// The containers that claim it.
        containers: BTreeSet<ContainerId>,
    },
    /// A network.
    Network {
        /// Its name.
        name: String,
    },
    /// A container.
    Container {
        /// Its id.
        id: ContainerId,
        /// Its name.
        name: String,
        /// What it is called in a compose file, where that is known.
        #[serde(skip)]
        service: Option<String>,
    },
}

/// What makes a finding the same as a refusal: the rule, its subject, and the label.
pub type Key<'a> = (RuleId, (&'static str, &'a str), Option<&'a str>);

impl Subject {
    /// A container.
    pub fn of(container: &Container) -> Self {
        Self::Container { id: container.id.clone(), name: container.name.clone(), service: None }
    }

    /// What it is called: a container's, a network's or a host's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Engine => "",
            Self::Host { name, .. } | Self::Network { name } | Self::Container { name, .. } => name,
        }
    }

    /// What tells it from others: its kind, and its name or id.
    pub fn key(&self) -> (&'static str, &str) {
        match self {
            Self::Engine => ("engine", ""),
            Self::Host { name, .. } => ("host", name),
            Self::Network { name } => ("network", name),
            Self::Container { id, .. } => ("container", id.as_str()),
        }
    }

    /// Whether it is about a container: of its own, or among others.
    pub fn is_about(&self, container: &ContainerId) -> bool {
        match self {
            Self::Engine | Self::Network { .. } => false,
            Self::Host { containers, .. } => containers.contains(container),
            Self::Container { id, .. } => id == container,
        }
    }
}

/// One thing a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// How bad it is.
    pub severity: Severity,
    /// What the rule does.
    pub action: Action,
    /// What it is about.
    pub subject: Subject,
    /// The whole label key that is behind it, if it is one label.
    pub label: Option<String>,
    /// What was seen.
    pub(crate) cause: Arc<Cause>,
    /// Refuses its container under the isolation in force (and it is not allowed).
    pub blocks: bool,
    /// The operator allowed it with `leeward.allow`.
    pub allowed: bool,
    /// The engine's API cannot tell: this is not a finding but a gap in what can be known.
    pub not_verifiable: bool,
    /// Its container runs Traefik's image and nobody declared it, and this is not said of a declared one: the container's
    /// name.
    pub(crate) undeclared_traefik: Option<Arc<str>>,
}

impl Finding {
    /// A rule's, as its row has it. Whether it blocks and is allowed is for the caller to set.
    pub(crate) fn new(id: RuleId, subject: Subject, cause: Arc<Cause>) -> Self {
        let rule = id.rule();
        Self {
            rule: id,
            severity: rule.severity,
            action: rule.action,
            subject,
            label: None,
            cause,
            blocks: false,
            allowed: false,
            not_verifiable: false,
            undeclared_traefik: None,
        }
    }

    /// What tells it from others.
    pub fn key(&self) -> Key<'_> {
        (self.rule, self.subject.key(), self.label.as_deref())
    }
}
