//! Every "no" as a value: a code for machines, words for people, and what to do about it.

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::finding::Finding;
use super::finding::{Key, Subject};
use super::rule_id::RuleId;
use crate::budgets::{Excess, Quantity};
use crate::inventory::Container;

/// Why something is not routed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Refusal {
    /// A stable word for machines: one of [`Code`].
    pub code: Code,
    /// The audit rule behind it, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// The whole label key that caused it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What the rule found it on, where a finding says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Box<Subject>>,
    /// The hosts that it is about, `*.x` for all below `x`.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub hosts: Box<[String]>,
    /// One line, lower case, no full stop.
    pub words: String,
    /// What to change, as a sentence, a compose snippet or a command; may have several lines.
    pub remedy: String,
    /// The command that does the same to what runs, until it is made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<Box<str>>,
}

impl Refusal {
    /// A refusal without rule or label.
    pub fn new(code: Code, words: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code,
            rule: None,
            label: None,
            subject: None,
            hosts: Box::default(),
            words: words.into(),
            remedy: remedy.into(),
            at_once: None,
        }
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
        let Excess { quantity, found, most, label } = excess;
        let flag = quantity.flag();
        let words = match quantity {
            Quantity::ObjectBytes => format!("its labels are {found} bytes of the engine's answer, and were not read"),
            Quantity::Labels => format!("it has {found} labels that Leeward reads"),
            Quantity::LabelBytes => format!("its labels have {found} bytes"),
            Quantity::Routers => format!("it declares {found} routers"),
            Quantity::RuleBytes => format!("the rule has {found} bytes"),
            Quantity::RegexSize => format!("its regular expressions have a size of {found} as Traefik compiles them"),
            Quantity::OwnerLabelBytes => format!("the labels of all containers of its owner have {found} bytes"),
            Quantity::OwnerRouters => format!("the containers of its owner declare {found} routers"),
            Quantity::OwnerRegexSize => {
                format!(
                    "the regular expressions of its owner's containers have a size of {found} as Traefik compiles them"
                )
            }
            Quantity::MiddlewareSize => {
                format!("the middlewares of its routers, each as often as one uses it, have a size of {found}")
            }
            Quantity::OwnerMiddlewareSize => {
                format!("the middlewares of its owner's routers, each as often as one uses it, have a size of {found}")
            }
        };
        let most = most.map(|most| format!("; the most is {most}")).unwrap_or_default();
        let remedy = match quantity {
            Quantity::ObjectBytes => format!("remove labels, or start `serve`, and the gate, with a higher {flag}"),
            Quantity::RegexSize | Quantity::OwnerRegexSize => format!(
                "repeat less in them (`{{1,1000}}`, `\\pL`), or use Path and PathPrefix; {flag} allows more, which costs Traefik memory"
            ),
            Quantity::MiddlewareSize | Quantity::OwnerMiddlewareSize => format!(
                "name fewer middlewares, or make them smaller: Traefik makes each anew for each router; {flag} allows more, which costs Traefik memory"
            ),
            _ => format!("use fewer or shorter labels; {flag} allows more"),
        };
        Self { label: label.clone(), ..Self::new(Code::Budget, format!("{words}{most} ({flag})"), remedy) }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The closed list of reasons. The text form is stable: scripts and dashboards may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
