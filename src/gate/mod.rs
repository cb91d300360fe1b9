//! The gate: a read-only door to the engine's socket, with nothing to say but what readers of labels need.
//!
//! ```text
//! ask      what a client sent -> one of a closed set of requests, or a refusal     (pure)
//! engine   the gate writes that request itself and reads the answer, within bounds
//! cut      the answer, rebuilt from an allow-list of fields                         (pure)
//! ```
//!
//! No byte of a client's reaches the engine but values that passed a grammar, and no field of the engine's reaches a
//! client unless `cut::shapes` names it: environments and command lines have no name there.

pub mod ask;
mod query;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything the operator may choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// The engine's Unix socket.
    pub engine: PathBuf,
    /// Where clients connect.
    pub listen: Listen,
    /// Let the Swarm paths and events through too.
    pub swarm: bool,
    /// Who to become, once the socket is bound; only root can.
    pub user: Option<Owner>,
    /// How much anyone may ask for at once.
    pub limits: Limits,
}

/// Where clients connect.
#[derive(Clone, Debug)]
pub enum Listen {
    /// A Unix socket.
    Unix {
        /// Its path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Who it is given to; the gate's own user if `None`.
        owner: Option<Owner>,
    },
    /// TCP: loopback, unless the operator said otherwise.
    Tcp(SocketAddr),
}

/// A user and a group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// Bounds. Each holds a client or the engine to something that an honest one never notices.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Clients connected at once.
    pub connections: usize,
    /// Event streams open at once; fewer than connections, so that streams never lock the others out.
    pub streams: usize,
    /// The longest answer of the engine that is read, in bytes.
    pub answer_bytes: usize,
    /// How long the engine may take for an answer.
    pub engine_patience: Duration,
    /// How long a client may stay silent, or not take what it is given. Event streams may stay silent for ever.
    pub client_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            streams: 32,
            answer_bytes: 64 * 1024 * 1024,
            engine_patience: Duration::from_secs(30),
            client_patience: Duration::from_secs(60),
        }
    }
}
