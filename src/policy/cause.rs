//! What a rule or a step saw, as a value: names, labels, addresses, numbers. `report::words` puts it into words.

use super::leeward_labels::Odd;
use super::rule_id::RuleId;
use super::rules::{engine, image, logging, net, privilege, published, socket, traefik, volumes};
use super::{claims, hosts, outbound, proxy, references};
use crate::budgets::Excess;
use crate::inventory::{Engine, Network};
use crate::traefik::{Reason, Stop, Unmatched, Version};

macro_rules! causes {
    ($($(#[$doc:meta])* $family:ident($cause:ty),)*) => {
        /// What was seen, and so what stands behind a finding, a refusal or a warning.
        ///
        /// What it is about (the container, the network, the label) is in the finding or the refusal already, and is not
        /// said again. Each family of rules has its own causes, beside its table.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Cause {
            /// What the rule's title says.
            Title(&'static str),
            /// The same of so many that it is better said once.
            Often { title: &'static str, names: Few },
            $($(#[$doc])* $family($cause),)*
        }

        $(impl From<$cause> for Cause {
            fn from(cause: $cause) -> Self {
                Self::$family(cause)
            }
        })*
    };
}

causes! {
    /// NET, but for NET-009.
    Net(net::Cause),
    /// NET-009, and the choice of a network.
    Proxy(proxy::Cause),
    /// PUB.
    Published(published::Cause),
    /// PRV.
    Privilege(privilege::Cause),
    /// VOL.
    Volumes(volumes::Cause),
    /// LOG.
    Logging(logging::Cause),
    /// IMG, and whose a container's labels are.
    Image(image::Cause),
    /// LBL-004.
    Reference(references::Cause),
    /// LBL-001, 002, 003 and 008.
    Hosts(hosts::Cause),
    /// The other rules of LBL.
    Claim(claims::Cause),
    /// ENG.
    Engine(engine::Cause),
    /// TRF.
    Traefik(traefik::Cause),
    /// EGR.
    Outbound(outbound::Cause),
    /// SOC.
    Socket(socket::Cause),
    /// No rule's: what a step of the plan saw.
    Step(Step),
}

impl Cause {
    /// Whether it is that a router's rule cannot be read.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self, Self::Hosts(hosts::Cause::CatchAll { takes: hosts::Takes::Unreadable(_), .. }))
    }
}

/// What a step of the plan saw, beside the rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// `traefik.enable` is true by the image alone.
    EnabledByImage,
    NotEnabled,
    OneOff,
    /// A container in which Compose runs a hook.
    OneOffHook,
    /// One that asks for no route.
    IsHook,
    IsLeeward,
    IsTraefik,
    IsEgress,
    /// The Swarm service of a task.
    ServiceAsWhole(String),
    TasksOneByOne,
    ServiceWithoutAddress,
    Constraints,
    NotRunning(String),
    Unhealthy(String),
    /// Why the engine could not describe it.
    NotDescribed(String),
    /// What of the engine's answer cannot be read.
    Malformed(String),
    NoAddress,
    Unreached(Unreached),
    /// What Traefik would not accept, and what its key (with a bad value, its value) was meant to be.
    BadLabel {
        reason: Reason,
        meant: Option<String>,
    },
    StopsTraefik(Stop),
    /// A field that came with `since`; `assumed`: nothing says that the document is for an older one.
    TooNew {
        since: Version,
        document: Version,
        assumed: bool,
    },
    /// How the name begins.
    LongName(String),
    UrlAndPort {
        service: String,
    },
    NoPort {
        service: String,
        own_network: bool,
    },
    /// A label names a port that is not among those which the image says it listens on.
    OtherPort {
        port: u16,
        exposed: Few<u16>,
    },
    NoBalancer {
        service: String,
    },
    TooManyMiddlewares {
        router: String,
        most: u64,
    },
    Budget(Excess),
    /// Two containers of an owner say different things of one name.
    Conflict {
        name: String,
        owner: String,
    },
    DefaultCertificate,
    /// It declares itself a Traefik, and a flag names others.
    NotNamedTraefik,
    /// Why Traefik will not take a rule.
    BadRule(String),
    /// A declared Traefik is no backend.
    NoBackend,
    NoRouter {
        services: usize,
    },
    Dropped {
        protocol: &'static str,
        router: String,
        why: Dropped,
    },
    /// A label that Traefik does not read.
    Unmatched(Unmatched),
    Odd(Odd),
    /// What `leeward.allow` names, and is no rule.
    UnknownRule {
        written: String,
        near: Option<RuleId>,
    },
    /// What `leeward.allow` cannot allow on a container.
    OfOthers(RuleId),
}

/// Why a container has no address where any network will do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unreached {
    NoNetwork,
    NoAddress,
    /// On the network that is asked for.
    NoAddressOn(String),
    /// Its network is that of a container that does not exist.
    SharesUnknown(String),
    SharesMislabelled {
        container: String,
        reason: Reason,
    },
    TooDeep {
        most: usize,
    },
}

/// Why a router is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dropped {
    /// The default rule makes an empty one.
    EmptyRule,
    /// Why the default rule makes none.
    DefaultRule(String),
    NoRule,
    SeveralServices(Few),
}

/// A few of many, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Few<T = String> {
    pub(crate) first: Vec<T>,
    pub(crate) more: usize,
}

/// How many of many are kept.
const FEW: usize = 5;

impl Few {
    /// Of names.
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::up_to(FEW, names)
    }

    /// Of names, so many.
    pub(crate) fn up_to<'a>(most: usize, names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = names.into_iter();
        let first = names.by_ref().take(most).map(str::to_owned).collect();
        Self { first, more: names.count() }
    }
}

impl<T> Few<T> {
    /// Of anything.
    pub(crate) fn of_all(all: impl IntoIterator<Item = T>) -> Self {
        let mut all = all.into_iter();
        let first = all.by_ref().take(FEW).collect();
        Self { first, more: all.count() }
    }

    /// How many there are in all.
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.more
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

/// A network, by its name and by the key that it has in its compose file: Compose wrote that on the network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NetworkName {
    pub(crate) name: String,
    /// `None`: Compose did not make it.
    pub(crate) key: Option<String>,
}

impl NetworkName {
    pub(super) fn of(network: &Network) -> Self {
        let key = network.labels.get("com.docker.compose.network").filter(|key| !key.is_empty());
        Self { name: network.name.clone(), key: key.cloned() }
    }
}

/// What an engine says it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EngineName {
    pub(crate) product: String,
    pub(crate) version: String,
}

impl EngineName {
    pub(super) fn of(Engine { product, version, .. }: &Engine) -> Self {
        Self { product: product.clone(), version: version.clone() }
    }
}
