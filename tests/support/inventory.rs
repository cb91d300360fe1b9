//! Pieces of an inventory that most worlds of the tests begin with.

use std::collections::BTreeSet;
use std::net::IpAddr;

use leeward::inventory::{Attachment, Container, Inventory, Network};

/// An engine that could be read whole, with nothing on it.
pub(crate) fn engine() -> Inventory {
    let mut inventory = Inventory::default();
    inventory.engine.product = "Engine".into();
    inventory.engine.version = "29.1.0".into();
    inventory.engine.gwbridge_members = Some(BTreeSet::new());
    inventory
}

/// Adds a bridge network whose id is its name.
pub(crate) fn network(inventory: &mut Inventory, name: &str, internal: bool) {
    let network =
        Network { id: name.into(), name: name.into(), driver: "bridge".into(), internal, ..Network::default() };
    inventory.networks.insert(network.id.clone(), network);
}

/// Puts a container on such a network.
pub(crate) fn attach<'a>(container: &'a mut Container, network: &str, ipv4: Option<IpAddr>) -> &'a mut Attachment {
    let attachment = Attachment { network: network.into(), network_id: network.into(), ipv4, ..Attachment::default() };
    container.attachments.entry(network.into()).insert_entry(attachment.into()).into_mut()
}
