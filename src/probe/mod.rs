//! `leeward probe`: run in a container on a network, really tries to get out.
//!
//! ```text
//! routes     what the kernel says of this network namespace: addresses, routes          (pure)
//! attempt    one try each: a connection, a datagram, a name, a raw socket
//! outbound   whether the server behind an outbound name answers
//! report     what the tries add up to, as a table or JSON                                (pure)
//! ```
//!
//! What has no target of its own is tried inside this host only: its gateways and, if asked for, its neighbours.
//! Everything else goes where the operator says. That nothing got out shows that these tries did not, here and now.

pub mod attempt;
pub mod outbound;
pub mod report;
pub mod routes;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;

use self::attempt::Target;
use self::outbound::Speaks;
use self::report::{Outcome, Report, Try};
use self::routes::{Hardware, Surroundings};

/// Ports on which hosts often listen: ssh, names, web, the engine's API, registries, node exporters.
const HOST_PORTS: [u16; 8] = [22, 53, 80, 443, 2375, 2376, 5000, 9100];
/// Neighbours of a larger network are tried up to here.
const MOST_NEIGHBOURS: usize = 254;
/// How many tries are under way at once.
const AT_ONCE: usize = 64;

/// What is to be tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `HOST:PORT` to connect to.
    pub tcp: Vec<Target>,
    /// `HOST:PORT` to send a datagram to.
    pub udp: Vec<Target>,
    /// Names to resolve that only the world outside knows.
    pub names: Vec<String>,
    /// Names outside that are allowed, and have to answer.
    pub outbound: Vec<(Target, Speaks)>,
    /// All ports of outbound names: what must not answer beside those that have to is tried on them.
    pub outbound_ports: Vec<(u16, Speaks)>,
    /// Names outside that are not, and must not answer.
    pub not_outbound: Vec<(Target, Speaks)>,
    /// Look for others on the same networks.
    pub neighbours: bool,
    /// The addresses of the containers there. If there are any, a neighbour with another is taken for a machine.
    pub containers: Vec<IpAddr>,
    /// How long one try may take.
    pub time_limit: Duration,
}

/// Tries everything. Takes about [`Wanted::time_limit`] for each [`AT_ONCE`] tries that nobody answers.
pub async fn probe(wanted: &Wanted) -> Report {
    let tables = Path::new("/proc/self/net");
    let surroundings = Surroundings::read(tables, &attempt::own_addresses());
    let mut tries = vec![default_routes(&surroundings), attempt::raw_frames()];
    let time_limit = wanted.time_limit;
    let mut under_way = JoinSet::new();
    let mut waiting: Vec<Planned> = Vec::new();
    for gateway in hosts(&surroundings, &wanted.containers) {
        waiting.extend(HOST_PORTS.map(|port| Planned::Host(SocketAddr::new(gateway, port))));
    }
    waiting.extend(wanted.tcp.iter().cloned().map(Planned::Tcp));
    waiting.extend(wanted.udp.iter().cloned().map(Planned::Udp));
    waiting.extend(wanted.names.iter().cloned().map(Planned::Name));
    waiting.extend(wanted.outbound.iter().cloned().map(|(target, speaks)| Planned::Allowed(target, speaks)));
    let not_allowed = wanted.not_outbound.iter().cloned().map(|(target, speaks)| (target.clone(), target, speaks));
    let not_allowed = not_allowed.chain(outbound::next_ones(&wanted.outbound, &wanted.outbound_ports));
    waiting.extend(not_allowed.map(|(at, target, speaks)| Planned::NotAllowed { at, target, speaks }));
    if wanted.neighbours {
        waiting.extend(neighbours(&surroundings).into_iter().map(Planned::Neighbour));
    }
    let mut waiting = waiting.into_iter().enumerate();
    let mut done: Vec<(usize, Try)> = Vec::new();
    loop {
        while under_way.len() < AT_ONCE
            && let Some((place, planned)) = waiting.next()
        {
            under_way.spawn(async move { (place, planned.run(time_limit).await) });
        }
        match under_way.join_next().await {
            Some(Ok(one)) => done.push(one),
            // A try does not panic; if one does, the others still count.
            Some(Err(_)) => {}
            None => break,
        }
    }
    done.sort_unstable_by_key(|(place, _)| *place);
    tries.extend(done.into_iter().map(|(_, one)| one));
    for host in tries.iter_mut().filter(|it| it.what == "host") {
        let is_guess = |it: SocketAddr| surroundings.guessed.contains(&it.ip());
        if let Outcome::Reached(words) = &mut host.outcome
            && host.target.parse().is_ok_and(is_guess)
        {
            words.push_str("; if a container has this address, name it with --container");
        }
    }
    if wanted.neighbours {
        let hardware = routes::hardware(tables);
        tries.iter_mut().filter(|it| it.what == "neighbour").for_each(|it| who(it, &hardware, &wanted.containers));
    }
    Report::of(tries, wanted.neighbours)
}

/// One try that is still to be made.
#[derive(Debug)]
enum Planned {
    Host(SocketAddr),
    Neighbour(SocketAddr),
    Tcp(Target),
    Udp(Target),
    Name(String),
    Allowed(Target, Speaks),
    NotAllowed { at: Target, target: Target, speaks: Speaks },
}

impl Planned {
    async fn run(self, time_limit: Duration) -> Try {
        let (what, target, outcome) = match self {
            Self::Host(address) => ("host", address.to_string(), attempt::answers(address, time_limit).await),
            Self::Neighbour(address) => {
                ("neighbour", address.ip().to_string(), attempt::answers(address, time_limit).await)
            }
            Self::Tcp(target) => ("tcp", target.to_string(), attempt::connect(&target, time_limit).await),
            Self::Udp(target) => ("udp", target.to_string(), attempt::datagram(&target, time_limit).await),
            Self::Allowed(target, speaks) => {
                (report::ALLOWED, target.to_string(), outbound::ask(&target, &target, speaks, time_limit).await)
            }
            Self::NotAllowed { at, target, speaks } => {
                let shown = if at.host == target.host { String::new() } else { format!(" at {}", at.host) };
                ("not allowed", format!("{target}{shown}"), outbound::ask(&at, &target, speaks, time_limit).await)
            }
            Self::Name(name) => {
                let outcome = attempt::resolve(&name, time_limit).await;
                ("dns", name, outcome)
            }
        };
        Try { what, target, outcome }
    }
}

/// Where the host may answer. An engine that leaves the bridge without an address (`gateway_mode_ipv4=isolated`, Docker 28 and
/// later) gives the first one to a container.
fn hosts(surroundings: &Surroundings, containers: &[IpAddr]) -> Vec<IpAddr> {
    let is_container = |it: &&IpAddr| surroundings.guessed.contains(it) && containers.contains(it);
    surroundings.gateways.iter().filter(|it| !is_container(it)).copied().collect()
}

/// Says who a neighbour is, as far as its hardware address tells: who keeps silent on TCP has answered for that one all
/// the same.
fn who(neighbour: &mut Try, hardware: &BTreeMap<IpAddr, Hardware>, containers: &[IpAddr]) {
    let Ok(address) = neighbour.target.parse::<IpAddr>() else { return };
    let hardware = hardware.get(&address).copied();
    let words = match (&neighbour.outcome, hardware) {
        (Outcome::Reached(words), _) => words.clone(),
        (_, Some(_)) => "is there; no answer over TCP".to_owned(),
        (_, None) => return,
    };
    let at = hardware.map(|it| format!(", at {it}")).unwrap_or_default();
    let machine = match hardware {
        _ if containers.contains(&address) => None,
        Some(it) if it.is_of_a_maker() => Some("no container: a network card's own address"),
        _ if !containers.is_empty() => Some("no container that --container names"),
        _ => None,
    };
    if machine.is_some() {
        neighbour.what = "machine";
    }
    let machine = machine.map(|words| format!("; {words}")).unwrap_or_default();
    neighbour.outcome = Outcome::Reached(format!("{words}{at}{machine}"));
}

fn default_routes(surroundings: &Surroundings) -> Try {
    let outcome = if surroundings.default_routes.is_empty() {
        Outcome::Nothing("no default route".to_owned())
    } else {
        Outcome::Open(format!("a default route: {}", surroundings.default_routes.join(", ")))
    };
    Try { what: "route", target: "everywhere".to_owned(), outcome }
}

/// Everybody who may be on the IPv4 networks of this namespace, but for itself and the gateways. A port that nobody has
/// is enough: a refusal is an answer.
fn neighbours(surroundings: &Surroundings) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for (network, prefix) in &surroundings.networks {
        let size = 1_u64 << (32 - u32::from(*prefix).min(32));
        for offset in 1..size.saturating_sub(1) {
            let Ok(offset) = u32::try_from(offset) else { break };
            let address = IpAddr::V4(Ipv4Addr::from(u32::from(*network).saturating_add(offset)));
            let is_known = surroundings.own.contains(&address) || surroundings.gateways.contains(&address);
            if !is_known && addresses.len() < MOST_NEIGHBOURS {
                addresses.push(SocketAddr::new(address, 9));
            }
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_among_the_neighbours_is_a_way_out() {
        let reached = || Outcome::Reached("connected".into());
        let silent = || Outcome::Nothing("no answer".into());
        let card = Hardware([0, 0x1b, 0x21, 10, 11, 12]);
        let engines = Hardware([2, 0x42, 172, 31, 9, 3]);
        let named: &[IpAddr] = &["10.0.0.3".parse().unwrap()];
        for (address, outcome, hardware, containers, wanted) in [
            ("10.0.0.9", reached(), Some(card), &[][..], ("machine", true)),
            // Its firewall drops what comes; it has answered who it is.
            ("10.0.0.9", silent(), Some(card), &[], ("machine", true)),
            ("10.0.0.3", reached(), Some(engines), &[], ("neighbour", false)),
            ("10.0.0.3", silent(), Some(engines), &[], ("neighbour", false)),
            ("10.0.0.3", reached(), None, &[], ("neighbour", false)),
            ("10.0.0.4", silent(), None, &[], ("neighbour", false)),
            // A guest of the host's hypervisor looks like a container.
            ("10.0.0.4", reached(), Some(engines), named, ("machine", true)),
            ("10.0.0.3", reached(), Some(engines), named, ("neighbour", false)),
            // `mac_address:` of a container.
            ("10.0.0.3", reached(), Some(card), named, ("neighbour", false)),
            ("10.0.0.4", silent(), None, named, ("neighbour", false)),
        ] {
            let mut tried = Try { what: "neighbour", target: address.into(), outcome };
            let table = hardware.map(|it| (address.parse().unwrap(), it)).into_iter().collect();
            who(&mut tried, &table, containers);
            let report = Report::of(vec![tried.clone()], true);
            assert_eq!((tried.what, report.gets_out), wanted, "{address} {hardware:?} {containers:?}: {tried:?}");
        }
    }

    /// On Docker 28.5, `probe` said that the host was reached where a container had the first address of a network.
    #[test]
    fn a_container_at_the_first_address_is_not_the_host() {
        let [first, other]: [IpAddr; 2] = ["10.0.0.1", "10.1.0.1"].map(|it| it.parse().unwrap());
        let guessed = Surroundings { gateways: vec![first, other], guessed: vec![first], ..Surroundings::default() };
        assert_eq!(hosts(&guessed, &[first]), [other]);
        assert_eq!(hosts(&guessed, &[]), [first, other]);
        // What a route names is a gateway, whatever is said of it.
        assert_eq!(hosts(&guessed, &[other]), [first, other]);
    }

    #[test]
    fn neighbours_are_all_but_oneself_and_the_gateway() {
        let surroundings = Surroundings {
            own: vec!["10.0.0.3".parse().unwrap()],
            gateways: vec!["10.0.0.1".parse().unwrap()],
            guessed: Vec::new(),
            networks: vec![("10.0.0.0".parse().unwrap(), 29)],
            default_routes: Vec::new(),
        };
        let found: Vec<String> = neighbours(&surroundings).iter().map(|it| it.ip().to_string()).collect();
        assert_eq!(found, ["10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
        let wide = Surroundings { networks: vec![("10.0.0.0".parse().unwrap(), 8)], ..Surroundings::default() };
        assert_eq!(neighbours(&wide).len(), MOST_NEIGHBOURS);
    }
}
