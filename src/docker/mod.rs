//! The engine: what it says of itself, of containers, networks, images and volumes, and when it changes.
//!
//! bollard and hyper stay in here; what leaves is an [`Inventory`].

pub mod connection;
pub mod endpoint;

mod calls;
mod client;
mod inspections;
mod repeat;
mod watch;

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch::Sender;
use tokio::time::Instant;

pub use self::calls::Calls;
pub use self::connection::Certificates;
use self::connection::Connection;
pub use self::endpoint::Endpoint;
use crate::budgets::Budgets;
use crate::inventory::Inventory;
use crate::source::{OBJECT_BYTES, facts, snapshot};

/// What is known now.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The last complete inventory.
    pub inventory: Arc<Inventory>,
    /// Why it may be out of date, if it may.
    pub stale: Option<Stale>,
    /// When the first sign of what is new in it was seen: an event, or a list that told of it. `None`: it was no change.
    pub noticed: Option<Instant>,
}

/// The engine was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Since when.
    pub since: SystemTime,
    /// What happened, for a person.
    pub reason: String,
}

/// How an engine is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether Swarm services are read.
    pub swarm: Swarm,
    /// The most of one container, network, image or volume that is read, in bytes; what is larger is left out of it, and
    /// it is refused.
    pub object_bytes: usize,
    /// Which labels are kept.
    pub labels: facts::Kept,
    /// The most bytes that the labels of one owner's containers may have together.
    pub owner_label_bytes: u64,
    /// Test how much of the engine can be reached, with requests that it should refuse (rules SOC-001 and SOC-002).
    pub test_door: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            swarm: Swarm::Auto,
            object_bytes: OBJECT_BYTES,
            labels: facts::Kept::default(),
            owner_label_bytes: Budgets::default().owner_label_bytes(),
            test_door: false,
        }
    }
}

/// Whether Swarm services are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Swarm {
    /// If the engine is a manager and the filter lets the question through.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// Why there are no facts.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] connection::Error),
    /// The snapshot.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
}

/// Whether the certificates can be used; connects to nothing.
pub fn check(endpoint: &Endpoint, certificates: &Certificates) -> Result<(), connection::Error> {
    Connection::to(endpoint, certificates, OBJECT_BYTES).map(drop)
}

/// Reads everything once.
pub async fn read(endpoint: &Endpoint, certificates: &Certificates, options: Options) -> Result<Inventory, Error> {
    match (endpoint, Connection::to(endpoint, certificates, options.object_bytes)?) {
        (_, Some(connection)) => Ok(watch::once(connection, options).await?),
        (Endpoint::File(path), None) => Ok(snapshot::read(path)?),
        (_, None) => Ok(snapshot::demo()?),
    }
}

/// Keeps `sender` current, for ever: a complete inventory first, then one for each change, marked stale while the engine
/// is lost. Ends only with an error that trying again cannot mend: certificates or a snapshot that cannot be read.
/// `calls`: where the questions are counted.
pub async fn watch(
    endpoint: &Endpoint,
    certificates: &Certificates,
    options: Options,
    calls: Arc<Calls>,
    sender: &Sender<Option<Observed>>,
) -> Error {
    let connection = match Connection::to(endpoint, certificates, options.object_bytes) {
        Ok(connection) => connection,
        Err(problem) => return problem.into(),
    };
    if let Some(connection) = connection {
        watch::watch(connection.counted_by(calls), options, sender).await;
    }
    match read(endpoint, certificates, options).await {
        Ok(inventory) => {
            sender.send_replace(Some(Observed { inventory: Arc::new(inventory), stale: None, noticed: None }));
            std::future::pending().await
        }
        Err(problem) => problem,
    }
}
