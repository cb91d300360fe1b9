//! One change of the operator's files.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::policy::names::Owner;

/// One change, and whose files it is made in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The Compose project, or the container that is alone.
    #[serde(serialize_with = "shown")]
    pub owner: Owner,
    /// The change.
    pub what: What,
}

/// What is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A network is declared.
    Network(NewNetwork),
    /// Hosts are bound to a network.
    Bind(Binding),
    /// A service is changed; of a container that is alone: the container, by its name.
    Service {
        /// Its name.
        name: String,
        /// The change.
        change: Change,
    },
}

/// A network that a project's file makes from now on. One that exists is never changed: Compose stops the project and
/// fails while a member of another project is on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewNetwork {
    /// Its full name.
    pub name: String,
    /// Its key in the project's file.
    pub key: String,
    /// The full name of the network that has had this key until now: everybody of the project who is on it moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// `bridge` or `overlay`.
    pub driver: String,
    /// Nothing of what the key meant before is kept: another driver, IPv6, a bridge with a name of its own.
    pub anew: bool,
    /// The driver's options.
    pub options: BTreeMap<String, String>,
    /// Its labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The key names subnets of the old network, which the new one cannot have as well.
    pub other_subnet: bool,
    /// Where members have fixed addresses: the subnets that hold these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
}

/// The label `leeward.hosts` of a network, and what it takes to make the network anew where it is there already: a network
/// gets its labels when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// The network's full name.
    pub network: String,
    /// Its key in its project's file. `None`: no project makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// All hosts that are then bound to it, between commas.
    pub hosts: String,
    /// It is there already.
    pub is_there: bool,
    /// Its driver.
    #[serde(skip)]
    pub driver: String,
    /// The driver's options.
    #[serde(skip)]
    pub options: BTreeMap<String, String>,
    /// Its other labels for Leeward.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// Its subnets.
    #[serde(skip)]
    pub subnets: Vec<String>,
    /// The containers that are on it now.
    #[serde(skip)]
    pub members: Vec<(String, ServiceNetwork)>,
}

/// An entry below `networks` of a service in a Compose file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ServiceNetwork {
    /// The network's full name.
    pub network: String,
    /// The names that the service has there besides its own.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<String>,
    /// Its fixed addresses there.
    #[serde(skip_serializing_if = "<[IpAddr]>::is_empty")]
    pub addresses: Box<[IpAddr]>,
}

/// A change of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It joins a network.
    Attach(ServiceNetwork),
    /// It leaves a network.
    Detach(String),
    /// Its `network_mode` (`bridge`, `none`) is dropped.
    DropNetworkMode,
    /// None of its ports is published on the host any more; what they were for Traefik stays exposed.
    DropPorts {
        /// `8080/tcp`, ….
        expose: BTreeSet<String>,
    },
    /// A label is set.
    Label {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    },
    /// A capability of the engine's default set is dropped: `NET_RAW`.
    DropCapability(String),
    /// A capability is not added any more: `NET_ADMIN`.
    KeepCapability(String),
    /// A kernel setting of its network.
    Sysctl {
        /// `net.ipv4.ip_forward`.
        key: String,
        /// `0`.
        value: String,
    },
    /// It is not privileged any more.
    DropPrivileged,
    /// It has processes of its own: `pid:` is dropped.
    DropPid,
    /// It has memory of its own: `ipc:` is dropped.
    DropIpc,
    /// An entry of `security_opt` is dropped, as written.
    DropSecurity(String),
}

impl Edit {
    /// Of a service.
    pub(super) fn service(owner: &Owner, name: &str, change: Change) -> Self {
        Self { owner: owner.clone(), what: What::Service { name: name.to_owned(), change } }
    }

    /// Whether it changes the same thing, so that the later of the two counts.
    fn replaces(&self, other: &Self) -> bool {
        let (What::Service { name, change }, What::Service { name: of_other, change: before }) =
            (&self.what, &other.what)
        else {
            return self == other;
        };
        let same = match (change, before) {
            (Change::Label { key, .. }, Change::Label { key: before, .. })
            | (Change::Sysctl { key, .. }, Change::Sysctl { key: before, .. }) => key == before,
            (Change::Attach(entry), Change::Attach(before)) => entry.network == before.network,
            (Change::DropPorts { .. }, Change::DropPorts { .. }) => true,
            (change, before) => change == before,
        };
        self.owner == other.owner && name == of_other && same
    }

    /// Adds one to a list, in place of what it replaces. Whether that changed anything.
    pub(super) fn put(self, list: &mut Vec<Self>) -> bool {
        match list.iter_mut().find(|other| self.replaces(other)) {
            Some(other) if *other == self => false,
            Some(other) => {
                *other = self;
                true
            }
            None => {
                list.push(self);
                true
            }
        }
    }
}

pub(super) fn all_shown<S: Serializer>(owners: &[Owner], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(owners.iter().map(ToString::to_string))
}

pub(super) fn shown<S: Serializer>(owner: &Owner, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(owner)
}
