//! `leeward probe`: tries for real whether a container on this network gets out.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use leeward::probe::attempt::Target;
use leeward::probe::{self, Wanted};

use super::output::Output;
use super::{Ended, Exit};

/// Try to get out of the network of this container, and report
///
/// Run it in a container on the network to test:
///
/// docker run --rm --network net-internal1 --cap-drop ALL leeward/leeward:0.1.0 probe --tcp 1.1.1.1:443
///
/// It tries to reach the host by the network's gateways, and looks for a default route and the right to send raw frames.
/// Other targets are tried only if you name them.
///
/// Exit status: 0 nothing was reached; 1 something was; 2 a setting is invalid; 3 it failed.
#[derive(Args, Debug)]
pub(crate) struct Probe {
    /// Try to connect to this address; repeatable
    #[arg(long, env = "LEEWARD_TCP", hide_env = true, value_name = "HOST:PORT", value_delimiter = ',')]
    tcp: Vec<Target>,

    /// Try to send a DNS question to this address; repeatable
    #[arg(long, env = "LEEWARD_UDP", hide_env = true, value_name = "HOST:PORT", value_delimiter = ',')]
    udp: Vec<Target>,

    /// Try to resolve this public DNS name; repeatable
    #[arg(long, env = "LEEWARD_NAME", hide_env = true, value_name = "NAME", value_delimiter = ',')]
    name: Vec<String>,

    /// Also look for other machines on the networks of this container
    #[arg(long, env = "LEEWARD_NEIGHBOURS", hide_env = true)]
    neighbours: bool,

    /// Address of a known container; an answer from any other address then counts as reached
    #[arg(long, env = "LEEWARD_CONTAINER", hide_env = true, value_name = "IP", value_delimiter = ',')]
    #[arg(requires = "neighbours")]
    container: Vec<IpAddr>,

    /// Timeout of one try, in seconds
    #[arg(
        long,
        alias = "patience",
        env = "LEEWARD_TIMEOUT",
        hide_env = true,
        value_name = "SECONDS",
        default_value_t = 2
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,

    #[command(flatten)]
    output: Output,
}

impl Probe {
    /// Tries, and prints.
    pub(crate) fn run(self) -> Ended {
        let Self { tcp, udp, name, neighbours, container, timeout, output } = self;
        let timeout = Duration::from_secs(timeout);
        let wanted = Wanted { tcp, udp, names: name, neighbours, containers: container, patience: timeout };
        let report = super::block_on(async { Ok(probe::probe(&wanted).await) })?;
        super::print(&if output.json() { report.json() } else { report.text() })?;
        Ok(if report.gets_out { Exit::No } else { Exit::Good })
    }
}
