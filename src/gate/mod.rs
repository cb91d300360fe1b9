//! The gate: a read-only filter for the engine's socket, which answers only what readers of labels need.
//!
//! ```text
//! ask      what a client sent -> one of a closed set of requests, or a refusal     (pure)
//! engine   the gate writes that request itself and reads the answer, within bounds
//! cut      the answer, rebuilt from an allow-list of fields                         (pure)
//! ```
//!
//! No byte of a client's reaches the engine but values that passed a grammar, and no field of the engine's reaches a
//! client unless `response_filter::shapes` names it: environments and command lines have no name there.

mod allowlist;
pub mod ask;
mod error;
mod events;
mod filters;
mod listen;
mod memory_limit;
mod messages;
mod metrics;
mod query;
mod rebuild;
mod response_filter;
mod sandbox;
mod server;
mod stats;
mod streams;
mod upstream;
mod value;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::info;

use crate::net::accept::Listener;
use crate::net::exposition::Process;

/// Everything the operator may choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// The engine's Unix socket.
    pub engine: PathBuf,
    /// Where clients connect.
    pub listen: Listen,
    /// Where the counts are told to Prometheus, on loopback.
    pub metrics: Option<SocketAddr>,
    /// Let the Swarm paths and events through too.
    pub swarm: bool,
    /// Who to become, once the socket is bound; only root can.
    pub user: Option<Owner>,
    /// Names that clients may call this gate by over TCP beyond loopback, beside those without a dot.
    pub allow_hosts: Vec<String>,
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
    /// The longest answer that is given, in bytes.
    pub answer_bytes: usize,
    /// The most of one container, network, image or volume that is read, in bytes; what is larger is left out of it.
    pub object_bytes: usize,
    /// How long the engine may take for an answer.
    pub engine_timeout: Duration,
    /// How long a client may stay silent, or not take what it is given. Event streams may stay silent for ever.
    pub client_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            streams: 32,
            answer_bytes: 64 * 1024 * 1024,
            object_bytes: crate::source::OBJECT_BYTES,
            engine_timeout: Duration::from_secs(30),
            client_timeout: Duration::from_mins(1),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.uid, self.gid)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix { path, mode, owner: _ } => write!(formatter, "unix://{} (mode {mode:04o})", path.display()),
            Self::Tcp(address) => write!(formatter, "tcp://{address}"),
        }
    }
}

/// Why the gate cannot start.
#[derive(Debug, Error)]
pub enum Problem {
    /// The folder is missing, or not ours.
    #[error("cannot listen at `{path}`: {cause}; its folder must exist and belong to the gate's user")]
    Listen {
        /// The socket's path.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// The port is taken, or not for us.
    #[error("cannot listen at `{address}`: {cause}")]
    Port {
        /// The address and port.
        address: SocketAddr,
        /// The system's error.
        cause: io::Error,
    },
    /// Something else stands where the socket should be.
    #[error("`{path}` is there and is no socket; remove it, or choose another --listen")]
    NotASocket {
        /// The socket's path.
        path: PathBuf,
    },
    /// Another process listens there.
    #[error("`{path}` is in use by another process; stop it, or choose another --listen")]
    InUse {
        /// The socket's path.
        path: PathBuf,
    },
    /// The socket cannot be given to its owner.
    #[error("cannot give `{path}` to its owner: {cause}; start as root, or leave --socket-owner out")]
    Give {
        /// The socket's path.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// The privileges cannot be dropped.
    #[error("cannot become user {user}: {cause}; start as root, or start as that user and leave --user out")]
    Become {
        /// The user and group to change to.
        user: Owner,
        /// The system's error.
        cause: io::Error,
    },
    /// The engine's socket is not there while root's privileges are, and its group could still be joined.
    #[error(
        "the engine's socket `{path}` is not there ({cause}), so the group that may open it is not known; start the engine \
         first, or start as an unprivileged user of that group and leave --user out"
    )]
    NoGroup {
        /// The socket's path.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// The engine's socket is there, and shut.
    #[error("cannot open the engine's socket `{path}`: {cause}; the gate needs {}", needed_group(*.group))]
    Engine {
        /// The socket's path.
        path: PathBuf,
        /// The group that may open it.
        group: Option<u32>,
        /// The system's error.
        cause: io::Error,
    },
    /// The engine's socket could be opened, and cannot be any more.
    #[error(
        "cannot open the engine's socket `{path}` once the gate has confined itself: {cause}; give --engine a path that leads \
         there without `/proc/PID/root` or another process's files, for example a bind mount of the socket"
    )]
    Confined {
        /// The socket's path.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// The engine's socket is gone for good.
    #[error(
        "the engine removed its socket `{path}`, and this mount shows the old one for ever; started again (in a container: \
         `restart: unless-stopped`), the gate sees the new one"
    )]
    Orphaned {
        /// The socket's path.
        path: PathBuf,
    },
    /// The runtime cannot start.
    #[error("cannot start: {0}")]
    Start(io::Error),
}

fn needed_group(group: Option<u32>) -> String {
    match group {
        None | Some(0) => "a group that may open it".to_owned(),
        Some(group) => format!("group {group} (in a container: `group_add: [\"{group}\"]`)"),
    }
}

/// Runs the gate until `SIGTERM` or `SIGINT`; `SIGUSR1` logs the counts.
///
/// Must be called while the process has one thread: it drops privileges first and builds its own runtime after.
pub fn run(options: &Options) -> Result<(), Problem> {
    let bound = listen::bind(&options.listen, options.user)?;
    let counts = options.metrics.map(listen::bind_tcp).transpose()?;
    let process = Process::new();
    // The port that it got, where it asked for any.
    let listens = match &bound {
        listen::Bound::Unix(_) => options.listen.clone(),
        listen::Bound::Tcp(listener) => Listen::Tcp(listener.local_addr().map_err(Problem::Start)?),
    };
    if let Some(user) = options.user {
        sandbox::become_user(user, &options.engine)?;
    }
    let is_there = sandbox::reach(&options.engine)?;
    sandbox::confine(&options.engine);
    if is_there {
        sandbox::reach_still(&options.engine)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Problem::Start)?;
    runtime.block_on(async {
        let listener = match bound {
            listen::Bound::Unix(listener) => UnixListener::from_std(listener).map(Listener::Unix),
            listen::Bound::Tcp(listener) => TcpListener::from_std(listener).map(Listener::Tcp),
        };
        let listener = listener.map_err(Problem::Start)?;
        let counts = counts.map(TcpListener::from_std).transpose().map_err(Problem::Start)?;
        if let Some(listener) = &counts {
            info!("metrics at http://{}/metrics", listener.local_addr().map_err(Problem::Start)?);
        }
        let mut terminate = signal(SignalKind::terminate()).map_err(Problem::Start)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Problem::Start)?;
        let mut user = signal(SignalKind::user_defined1()).map_err(Problem::Start)?;
        let (tell, told) = mpsc::channel(1);
        let end = Box::pin(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    _ = user.recv() => drop(tell.try_send(())),
                }
            }
        });
        info!("gate between {listens} and {}", options.engine.display());
        server::serve(listener, counts.map(|it| (it, process)), options, end, told).await
    })
}
