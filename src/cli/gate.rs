//! `leeward gate`: a read-only filter in front of the engine's socket.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use leeward::gate::{self, Limits, Listen, Options, Owner};
use tracing::warn;

use super::{Ended, Exit, Failure};

/// Filter the engine's socket: read-only requests, answers without environment and command lines
///
/// Exit status: 0 stopped by a signal, 2 a setting is invalid, 3 it failed.
#[derive(Args, Debug)]
pub(crate) struct Gate {
    /// Socket of the engine
    #[arg(long, value_name = "unix://PATH", default_value = "unix:///var/run/docker.sock")]
    engine: UnixPath,

    /// Where clients connect: unix://PATH or tcp://127.0.0.1:PORT
    #[arg(long, value_name = "WHERE", default_value = "unix:///run/leeward/engine.sock")]
    listen: Address,

    /// Where Prometheus finds the gate's counts, at /metrics: a port of loopback, as 127.0.0.1:9101
    #[arg(long, hide_short_help = true, value_name = "IP:PORT", value_parser = metrics_address)]
    metrics_listen: Option<SocketAddr>,

    /// Also allow requests for services, tasks and nodes
    #[arg(
        long,
        value_name = "WHETHER",
        num_args = 0..=1,
        require_equals = true,
        default_value = "off",
        default_missing_value = "on"
    )]
    swarm: Swarm,

    /// Permissions of the listening socket
    #[arg(
        long,
        value_name = "OCTAL",
        default_value = "0600",
        value_parser = mode
    )]
    socket_mode: u32,

    /// Owner of the listening socket; needs root [default: the user of the gate]
    #[arg(long, value_name = "UID:GID", value_parser = owner)]
    socket_owner: Option<Owner>,

    /// User to change to at start, if started as root
    #[arg(long, value_name = "UID:GID", value_parser = owner)]
    user: Option<Owner>,

    /// Allow `--listen` on a port that other machines can reach; who reaches it can read every label
    #[arg(long)]
    listen_beyond_loopback: bool,

    /// Host name that clients may use for the gate, if other machines can reach it; repeatable
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_host: Vec<String>,

    /// Most connections
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "128", help_heading = "Limits")]
    max_connections: NonZeroU32,

    /// Most event streams
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "32", help_heading = "Limits")]
    max_streams: NonZeroU32,

    /// Most bytes of one answer
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value = "67108864", help_heading = "Limits")]
    max_answer: NonZeroU32,

    /// Most bytes that are read of one container, network, image or volume
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value = "2097152", help_heading = "Limits")]
    max_object: NonZeroU32,

    /// Timeout for an answer of the engine
    #[arg(
        long,
        hide_short_help = true,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = timeout,
        help_heading = "Limits"
    )]
    engine_timeout: Duration,

    /// Timeout for a client that sends no request or does not read its answer; not for event streams
    #[arg(
        long,
        hide_short_help = true,
        value_name = "DURATION",
        default_value = "1m",
        value_parser = timeout,
        help_heading = "Limits"
    )]
    client_timeout: Duration,
}

/// Whether the Swarm paths exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Swarm {
    /// They are allowed
    On,
    /// They are refused
    Off,
}

impl Gate {
    /// Serves until a signal stops it. No thread may have been started before: the gate drops its privileges first.
    pub(crate) fn run(self) -> Ended {
        let options = self.options().map_err(Failure::Settings)?;
        gate::run(&options)?;
        Ok(Exit::Good)
    }

    /// What the flags mean; an error names the flag and the value.
    fn options(self) -> Result<Options, String> {
        let listen = match self.listen {
            Address::Unix(path) => Listen::Unix { path, mode: self.socket_mode, owner: self.socket_owner },
            Address::Tcp(address) if address.ip().is_loopback() => Listen::Tcp(address),
            Address::Tcp(address) if self.listen_beyond_loopback => {
                warn!("listening on {address}: whoever can reach this port can read every label");
                Listen::Tcp(address)
            }
            Address::Tcp(address) => {
                return Err(format!(
                    "--listen `tcp://{address}`: other machines could connect; use 127.0.0.1 or a Unix socket, \
                     or add --listen-beyond-loopback"
                ));
            }
        };
        let count = |count: NonZeroU32| usize::try_from(count.get()).unwrap_or(usize::MAX);
        Ok(Options {
            engine: self.engine.0,
            listen,
            metrics: self.metrics_listen,
            swarm: self.swarm == Swarm::On,
            user: self.user,
            allow_hosts: self.allow_host.iter().map(|name| name.to_ascii_lowercase()).collect(),
            limits: Limits {
                connections: count(self.max_connections),
                streams: count(self.max_streams),
                answer_bytes: count(self.max_answer),
                object_bytes: count(self.max_object),
                engine_timeout: self.engine_timeout,
                client_timeout: self.client_timeout,
            },
        })
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
            Some(_) | None => Err("write a socket with its whole path, such as unix:///var/run/docker.sock".to_owned()),
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
            Some(address) => address
                .parse()
                .map(Self::Tcp)
                .map_err(|_| "write an address and a port, such as tcp://127.0.0.1:2375".to_owned()),
            None => text
                .parse::<UnixPath>()
                .map(|UnixPath(path)| Self::Unix(path))
                .map_err(|_| "write unix:///run/leeward/engine.sock or tcp://127.0.0.1:2375".to_owned()),
        }
    }
}

fn timeout(text: &str) -> Result<Duration, String> {
    match super::serve::duration(text)? {
        Duration::ZERO => Err("a timeout cannot be 0: write 30s, 500ms or 1m".to_owned()),
        timeout => Ok(timeout),
    }
}

fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        Ok(_) | Err(_) => Err("write permissions such as 0600 or 0660".to_owned()),
    }
}

fn owner(text: &str) -> Result<Owner, String> {
    let words = || "write the numbers of a user and a group, such as 65532:65532".to_owned();
    let (uid, gid) = text.split_once(':').ok_or_else(words)?;
    Ok(Owner { uid: uid.parse().map_err(|_| words())?, gid: gid.parse().map_err(|_| words())? })
}

/// Loopback only: the counts tell what readers ask for.
fn metrics_address(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse().map_err(|_| "write 127.0.0.1:9101 or [::1]:9101".to_owned())?;
    if SocketAddr::ip(&address).is_loopback() {
        Ok(address)
    } else {
        Err("only loopback, as 127.0.0.1:9101".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        gate: Gate,
    }

    fn options(arguments: &[&str]) -> Result<Options, String> {
        let line = ["gate"].iter().chain(arguments);
        Only::try_parse_from(line).map_err(|error| error.to_string())?.gate.options()
    }

    #[test]
    fn the_flags_defaults_are_the_limits_defaults() {
        let limits = options(&[]).unwrap().limits;
        assert_eq!(format!("{limits:?}"), format!("{:?}", Limits::default()));
    }

    #[test]
    fn only_loopback_is_listened_on_unless_told() {
        assert!(options(&["--listen", "tcp://127.0.0.1:2375"]).is_ok());
        assert!(options(&["--listen", "tcp://[::1]:2375"]).is_ok());
        let error = options(&["--listen", "tcp://0.0.0.0:2375"]).unwrap_err();
        assert!(
            error.contains("--listen `tcp://0.0.0.0:2375`") && error.contains("--listen-beyond-loopback"),
            "{error}"
        );
        assert!(options(&["--listen", "tcp://0.0.0.0:2375", "--listen-beyond-loopback"]).is_ok());
    }

    #[test]
    fn swarm_is_off_unless_said() {
        let swarm = |arguments: &[&str]| options(arguments).unwrap().swarm;
        assert!(!swarm(&[]) && swarm(&["--swarm"]) && swarm(&["--swarm=on"]) && !swarm(&["--swarm=off"]));
    }

    #[test]
    fn bad_values_are_refused() {
        for bad in [
            ["--engine", "tcp://1.2.3.4:2375"],
            ["--engine", "unix://relative"],
            ["--listen", "0.0.0.0:2375"],
            ["--socket-mode", "rw"],
            ["--socket-mode", "7777"],
            ["--user", "nobody"],
            ["--user", "1:-1"],
            ["--max-streams", "0"],
            ["--swarm", "auto"],
            ["--engine-timeout", "0"],
            ["--client-timeout", "soon"],
        ] {
            assert!(options(&bad).is_err(), "{bad:?}");
        }
    }
}
