//! `leeward probe`: tries for real whether a container on this network gets out.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use leeward::probe::attempt::Target;
use leeward::probe::{self, Wanted};

use super::{Ended, Exit};

/// Run in a container on a network: really try to get out, and report
///
/// docker run --rm --network net-internal1 --cap-drop ALL leeward/leeward:0.1.0 probe --tcp 1.1.1.1:443
///
/// Tries the host by the network's gateways, whether there is a default route, and whether raw frames may be sent.
/// Outside of this host it tries only what you name. Exit status 1: something was reached.
#[derive(Args, Debug)]
pub(crate) struct Probe {
    /// Connect to this, which should not work; may be repeated
    #[arg(long, env = "LEEWARD_TCP", hide_env_values = true, value_name = "HOST:PORT", value_delimiter = ',')]
    tcp: Vec<Target>,

    /// Send a datagram to this (a DNS question); may be repeated
    #[arg(long, env = "LEEWARD_UDP", hide_env_values = true, value_name = "HOST:PORT", value_delimiter = ',')]
    udp: Vec<Target>,

    /// Resolve this name, which only the world outside knows; may be repeated
    #[arg(long, env = "LEEWARD_NAME", hide_env_values = true, value_name = "NAME", value_delimiter = ',')]
    name: Vec<String>,

    /// Also look who answers on the networks of this container
    #[arg(long, env = "LEEWARD_NEIGHBOURS", hide_env_values = true)]
    neighbours: bool,

    /// Address of a container on these networks; with any, a neighbour at another address counts as reached
    #[arg(long, env = "LEEWARD_CONTAINER", hide_env_values = true, value_name = "IP", value_delimiter = ',')]
    #[arg(requires = "neighbours")]
    container: Vec<IpAddr>,

    /// Seconds that one try may take
    #[arg(long, env = "LEEWARD_PATIENCE", hide_env_values = true, value_name = "SECONDS", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=60))]
    patience: u64,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl Probe {
    /// Tries, and prints.
    pub(crate) fn run(self) -> Ended {
        let Self { tcp, udp, name, neighbours, container, patience, json } = self;
        let patience = Duration::from_secs(patience);
        let wanted = Wanted { tcp, udp, names: name, neighbours, containers: container, patience };
        let report = super::block_on(async { Ok(probe::probe(&wanted).await) })?;
        super::print(&if json { report.json() } else { report.text() })?;
        Ok(if report.gets_out { Exit::No } else { Exit::Good })
    }
}
