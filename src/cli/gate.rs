//! `leeward gate`: a read-only door in front of the engine's socket.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use leeward::gate::{self, Limits, Listen, Options, Owner};
use tracing::warn;

/// A read-only door in front of the engine's socket: a handful of exact requests, each answer rebuilt from an
/// allow-list of fields
#[derive(Args, Debug)]
pub(crate) struct Gate {
    /// The engine's own socket
    #[arg(long, env = "LEEWARD_ENGINE", value_name = "unix://PATH", default_value = "unix:///var/run/docker.sock")]
    engine: UnixPath,

    /// Where readers connect: a Unix socket, or a loopback port
    #[arg(long, env = "LEEWARD_LISTEN", value_name = "unix://PATH|tcp://IP:PORT", default_value = "unix:///run/leeward/engine.sock")]
    listen: Address,

    /// Let the Swarm paths through too: services, tasks, nodes
    #[arg(long, env = "LEEWARD_SWARM")]
    swarm: bool,

    /// Permissions of the listening socket
    #[arg(long, env = "LEEWARD_SOCKET_MODE", value_name = "OCTAL", default_value = "0600", value_parser = mode)]
    socket_mode: u32,

    /// Owner of the listening socket; needs root. Default: the user that the gate runs as
    #[arg(long, env = "LEEWARD_SOCKET_OWNER", value_name = "UID:GID", value_parser = owner)]
    socket_owner: Option<Owner>,

    /// The user to become before anything is served, when started as root
    #[arg(long, env = "LEEWARD_USER", value_name = "UID:GID", value_parser = owner)]
    user: Option<Owner>,

    /// Listen on a port that other machines or containers can reach. Whoever reaches it reads every label
    #[arg(long, env = "LEEWARD_LISTEN_BEYOND_LOOPBACK")]
    listen_beyond_loopback: bool,

    /// Clients connected at once
    #[arg(long, env = "LEEWARD_MAX_CONNECTIONS", value_name = "N", default_value_t = Limits::default().connections as u64, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    max_connections: u64,

    /// Event streams open at once
    #[arg(long, env = "LEEWARD_MAX_STREAMS", value_name = "N", default_value_t = Limits::default().streams as u64, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    max_streams: u64,

    /// The longest answer of the engine that is read, in bytes
    #[arg(long, env = "LEEWARD_MAX_ANSWER", value_name = "BYTES", default_value_t = Limits::default().answer_bytes as u64, value_parser = clap::value_parser!(u64).range(1024..=1_073_741_824))]
    max_answer: u64,

    /// How long the engine may take for an answer, in seconds
    #[arg(long, env = "LEEWARD_ENGINE_TIMEOUT", value_name = "SECONDS", default_value_t = Limits::default().engine_patience.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    engine_timeout: u64,

    /// How long a reader may stay silent between requests, or not take its answer, in seconds. Event streams may stay
    /// silent for ever
    #[arg(long, env = "LEEWARD_CLIENT_TIMEOUT", value_name = "SECONDS", default_value_t = Limits::default().client_patience.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    client_timeout: u64,
}

impl Gate {
    /// What the flags mean; an error names the flag and the value.
    pub(crate) fn options(self) -> Result<Options, String> {
        let listen = match self.listen {
            Address::Unix(path) => Listen::Unix { path, mode: self.socket_mode, owner: self.socket_owner },
            Address::Tcp(address) if address.ip().is_loopback() => Listen::Tcp(address),
            Address::Tcp(address) if self.listen_beyond_loopback => {
                warn!("listens on {address}: whoever reaches that port reads every label");
                Listen::Tcp(address)
            }
            Address::Tcp(address) => {
                return Err(format!(
                    "--listen tcp://{address}: others than this machine could connect; use 127.0.0.1 or a Unix socket, \
                     or add --listen-beyond-loopback"
                ));
            }
        };
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Options {
            engine: self.engine.0,
            listen,
            swarm: self.swarm,
            user: self.user,
            limits: Limits {
                connections: count(self.max_connections),
                streams: count(self.max_streams.min(self.max_connections)),
                answer_bytes: count(self.max_answer),
                engine_patience: Duration::from_secs(self.engine_timeout),
                client_patience: Duration::from_secs(self.client_timeout),
            },
        })
    }

    /// Runs until told to end. Must be called before any thread is started: the gate drops its privileges first.
    pub(crate) fn run(options: &Options) -> Result<(), gate::Problem> {
        gate::run(options)
    }
}

/// A Unix socket's path, absolute.
#[derive(Clone, Debug)]
struct UnixPath(PathBuf);

impl FromStr for UnixPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix://") {
            Some(path) if path.starts_with('/') && path.len() > 1 => Ok(Self(PathBuf::from(path))),
            Some(_) | None => Err("a Unix socket looks like unix:///var/run/docker.sock".to_owned()),
        }
    }
}

/// Where to listen.
#[derive(Clone, Debug)]
enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("tcp://") {
            Some(address) => address.parse().map(Self::Tcp).map_err(|_| "a port looks like tcp://127.0.0.1:2375".to_owned()),
            None => text.parse::<UnixPath>().map(|UnixPath(path)| Self::Unix(path)).map_err(|_| {
                "an address looks like unix:///run/leeward/engine.sock or tcp://127.0.0.1:2375".to_owned()
            }),
        }
    }
}

fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        Ok(_) | Err(_) => Err("permissions look like 0600 or 0660".to_owned()),
    }
}

fn owner(text: &str) -> Result<Owner, String> {
    let words = || "a user and a group are two numbers: 65532:65532".to_owned();
    let (uid, gid) = text.split_once(':').ok_or_else(words)?;
    Ok(Owner { uid: uid.parse().map_err(|_| words())?, gid: gid.parse().map_err(|_| words())? })
}
