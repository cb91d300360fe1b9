//! `leeward probe`: tries for real whether a container on this network gets out.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use leeward::probe::attempt::Target;
use leeward::probe::outbound::Speaks;
use leeward::probe::{self, Wanted};
use leeward::settings::{OutboundPorts, PortKind};

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
/// Exit status: 0 nothing was reached but what --expect-outbound names; 1 something was, or such a name was not; 2 a setting is invalid; 3 it failed.
#[derive(Args, Debug)]
pub(crate) struct Probe {
    /// Try to connect to this address; repeatable
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    tcp: Vec<Target>,

    /// Try to send a DNS question to this address; repeatable
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    udp: Vec<Target>,

    /// Try to resolve this public DNS name; repeatable
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    name: Vec<String>,

    /// Outbound name that has to answer, and no other where it is reached; repeatable
    #[arg(long, value_name = "NAME:PORT", value_delimiter = ',')]
    expect_outbound: Vec<Target>,

    /// Outbound name that must not answer; repeatable
    #[arg(long, value_name = "NAME:PORT", value_delimiter = ',')]
    expect_no_outbound: Vec<Target>,

    /// Ports of outbound names, and what each speaks: tls, plain or http
    #[arg(
        long,
        hide_short_help = true,
        value_name = "PORT=KIND,...",
        default_value = OutboundPorts::USUAL
    )]
    outbound_ports: OutboundPorts,

    /// Also look for other machines on the networks of this container
    #[arg(long)]
    neighbours: bool,

    /// Address of a known container: at a network's first address it is not the host; with --neighbours any other address
    /// that answers counts as reached
    #[arg(long, value_name = "IP", value_delimiter = ',')]
    container: Vec<IpAddr>,

    /// Timeout of one try, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,

    #[command(flatten)]
    output: Output,
}

impl Probe {
    /// Tries, and prints.
    pub(crate) fn run(self) -> Ended {
        let Self { tcp, udp, name, neighbours, container, timeout, output, .. } = self;
        let says = |kind: PortKind| match kind {
            PortKind::Plain => Speaks::Plain,
            PortKind::Http => Speaks::Http,
            PortKind::Tls => Speaks::Tls,
        };
        let speaks = |targets: Vec<Target>| {
            let kind = |port| self.outbound_ports.kind(port).map_or(Speaks::Tls, says);
            targets.into_iter().map(|it| (it.clone(), kind(it.port))).collect()
        };
        let outbound_ports = self.outbound_ports.iter().map(|(port, kind)| (port, says(kind))).collect();
        let (outbound, not_outbound) = (speaks(self.expect_outbound), speaks(self.expect_no_outbound));
        let timeout = Duration::from_secs(timeout);
        let wanted = Wanted {
            tcp,
            udp,
            names: name,
            outbound,
            outbound_ports,
            not_outbound,
            neighbours,
            containers: container,
            time_limit: timeout,
        };
        let report = super::block_on(async { Ok(probe::probe(&wanted).await) })?;
        super::print(&if output.json() { report.json() } else { report.text() })?;
        Ok(if report.gets_out || report.lacks { Exit::No } else { Exit::Good })
    }
}
