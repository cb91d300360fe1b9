//! NET: networks, and what a container may do on them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::{Case, Check, NetworkCase, Rule, Seen, gives_engine};
use crate::inventory::{Confinement, Container, Engine, Inventory, Network};
use crate::policy::cause::{EngineName, Few, NetworkName};
use crate::policy::context::is_traefiks;
use crate::policy::finding::{Action, Severity};
use crate::policy::leeward_labels::{self, Odd};
use crate::policy::names::Owner;
use crate::policy::namespaces::{Broken, Member, WayOut, docker_version, is_podman};
use crate::policy::outbound::lets_through;
use crate::policy::rule_id::RuleId;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Net001,
        title: "on a network that is not internal",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(net_001),
        why: "a network without `internal: true` has a route to the Internet and to the local network: whoever takes \
              over the application can send data out and download tools",
        fix: "`leeward fix NAME` prints the Compose files that move the service, and what shares a network with it, to internal networks",
        reference: "https://docs.docker.com/reference/compose-file/networks/#internal",
    },
    Rule {
        id: RuleId::Net002,
        title: "uses the network of the host",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(net_002),
        why: "with `network_mode: host` the container is on every network that the host is on, reaches every service \
              that listens on the host's loopback, and can listen to its traffic",
        fix: "if it does not need the network of the host: delete `network_mode: host`, start it again, and run \
              `leeward fix NAME`; if it does, `leeward explain NAME` shows the choices \
              (docs/hard-cases.md#the-network-of-the-host)",
        reference: "CIS Docker Benchmark 5.10",
    },
    Rule {
        id: RuleId::Net003,
        title: "uses the network of another container that has a way out, or is gone",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(net_003),
        why: "with `network_mode: service:vpn` (or `container:vpn`) the container has no network of its own: every way \
              out of the other one is its way out. Once the other one was restarted, it keeps running in the old, \
              empty namespace, and whatever is routed to the other's address does not reach it",
        fix: "delete `network_mode: service:…` (or `container:…`) from the service, start it again, and run \
              `leeward fix NAME`; if it has to stay on that network, `leeward explain NAME` shows the choices \
              (docs/hard-cases.md#behind-a-vpn-container)",
        reference: "https://docs.docker.com/reference/compose-file/services/#network_mode",
    },
    Rule {
        id: RuleId::Net004,
        title: "on the engine's default bridge",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(net_004),
        why: "`docker0` has a way out by design, and everything that names no network is on it",
        fix: "`leeward fix NAME` prints the Compose files that put the service on internal networks",
        reference: "CIS Docker Benchmark 5.30",
    },
    Rule {
        id: RuleId::Net005,
        title: "on a macvlan or ipvlan with a parent interface",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(net_005),
        why: "with a parent interface the container is on the parent's wire. `internal` only leaves the default route \
              out: every machine of that network is reachable",
        fix: "`leeward fix NAME` prints the Compose files that move the service to an internal bridge network",
        reference: "https://docs.docker.com/engine/network/drivers/macvlan/",
    },
    Rule {
        id: RuleId::Net006,
        title: "the network driver may not enforce `internal`",
        severity: Severity::High,
        action: Action::Block,
        check: Check::App(net_006),
        why: "only the drivers `bridge` and `overlay` are known to enforce `internal`; what a plugin does \
              is not known. On Podman the same holds for a bridge with `mode: unmanaged`: Podman neither closes nor filters it",
        fix: "`leeward fix NAME` prints the Compose files that move the service to an internal bridge network",
        reference: "https://docs.docker.com/engine/network/drivers/",
    },
    Rule {
        id: RuleId::Net007,
        title: "a port is published through Swarm's ingress",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(net_007),
        why: "a service with an ingress port is also on `ingress` and on `docker_gwbridge`, with a default \
              route, even where all its own networks are internal overlays",
        fix: "delete `ports:` from the service; Traefik reaches it over the overlay network",
        reference: "https://docs.docker.com/engine/swarm/ingress/",
    },
    Rule {
        id: RuleId::Net008,
        title: "is also on docker_gwbridge, which its inspection does not show",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(net_008),
        why: "the engine joins a container on an overlay that is not internal to `docker_gwbridge`, which has a way \
              out; the container's own inspection does not show it",
        fix: "make all its overlay networks internal and publish no port; then `docker network inspect \
              docker_gwbridge` does not list it",
        reference: "https://docs.docker.com/engine/swarm/networking/",
    },
    Rule {
        id: RuleId::Net009,
        title: "not on a proxy network",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Step,
        why: "Traefik reaches backends on proxy networks and nowhere else. Traefik's own provider takes any network \
              it finds, at random, where the one that a label names is not there",
        fix: "`leeward fix NAME` prints the Compose files that put the service, and Traefik, on an internal network",
        reference: "https://doc.traefik.io/traefik/reference/install-configuration/providers/docker/#opt-providers-docker-network",
    },
    Rule {
        id: RuleId::Net010,
        title: "several owners share a proxy network",
        severity: Severity::Medium,
        action: Action::WarnStrictBlock,
        check: Check::Network(net_010),
        why: "containers on one network reach each other without passing Traefik and its middlewares, can take each \
              other's aliases, and with NET_RAW (Docker's default) can forge ARP answers and so read and change what \
              Traefik sends to the others",
        fix: "give every project an internal proxy network of its own, and put Traefik on all of them: \
              `leeward fix --isolation strict` prints the Compose files",
        reference: "docs/isolation.md#shared-proxy-networks",
    },
    Rule {
        id: RuleId::Net011,
        title: "another container on the network has a way out",
        severity: Severity::High,
        action: Action::WarnStrictBlock,
        check: Check::Network(net_011),
        why: "a container on this network that also has a way out can carry traffic in and out for the others: by its \
              own program, or as a router that nobody asked for (NET-012)",
        fix: "take the container with the way out off this network, or take its way out: `leeward fix --isolation strict` \
              prints the Compose files that do the second",
        reference: "docs/isolation.md#multi-homed-containers-are-routers",
    },
    Rule {
        id: RuleId::Net012,
        title: "may forward packets between its networks",
        severity: Severity::High,
        action: Action::WarnStrictBlock,
        check: Check::Router(net_012),
        why: "containers inherit `net.ipv4.ip_forward=1`. A neighbour with NET_RAW can address frames to this \
              container's MAC, and its kernel forwards them to its other networks: one-way, but enough to carry data \
              out",
        fix: "services:\n  {service}:\n    sysctls:\n      net.ipv4.ip_forward: \"0\"",
        reference: "docs/isolation.md#multi-homed-containers-are-routers",
    },
    Rule {
        id: RuleId::Net013,
        title: "may send raw packets",
        severity: Severity::Medium,
        action: Action::WarnStrictBlock,
        check: Check::Neighbour(net_013),
        why: "NET_RAW, in Docker's default set, allows forged ARP answers on its networks and frames to any MAC \
              address (NET-012)",
        fix: "services:\n  {service}:\n    cap_drop: [NET_RAW]   # or [ALL]; and delete NET_RAW from cap_add",
        reference: "CIS Docker Benchmark 5.4",
    },
    Rule {
        id: RuleId::Net014,
        title: "may change its network configuration",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Power(net_014),
        why: "NET_ADMIN changes routes, addresses, tunnels and firewall rules inside the container's network: what \
              the engine set up there does not hold",
        fix: "delete NET_ADMIN (and ALL) from `cap_add`; or, if it makes a VPN or a firewall, which needs it: do not route it, \
              or allow it:\nlabels:\n  leeward.allow: NET-014",
        reference: "CIS Docker Benchmark 5.4",
    },
    Rule {
        id: RuleId::Net015,
        title: "the host answers containers of the network",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Network(net_015),
        why: "`internal: true` does not keep containers from the host: over the bridge's address, what listens there on \
              0.0.0.0 or on any address of the host but loopback answers",
        fix: "networks:\n  net:   # what your file calls it\n    internal: true\n    driver_opts:\n      \
              com.docker.network.bridge.gateway_mode_ipv4: isolated   # engine 28 and later\n      \
              com.docker.network.bridge.inhibit_ipv4: \"true\"          # older engines",
        reference: "https://docs.docker.com/engine/network/port-publishing/#gateway-modes",
    },
    Rule {
        id: RuleId::Net016,
        title: "IPv6 on an engine that does not filter it",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(net_016),
        why: "before Docker 27 no ip6tables rule protects an internal network: with IPv6 it has a way out. On Podman it \
              has one as soon as an open network with IPv6 is used: that makes the kernel forward for every bridge",
        fix: "networks:\n  net:   # what your file calls it\n    enable_ipv6: false   # or upgrade to Docker 27 or later",
        reference: "https://docs.docker.com/engine/release-notes/27/",
    },
    Rule {
        id: RuleId::Net017,
        title: "the host answers on the network's IPv6 gateway address",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Network(net_017),
        why: "as NET-015, over IPv6",
        fix: "networks:\n  net:   # what your file calls it\n    driver_opts:\n      com.docker.network.bridge.gateway_mode_ipv6: isolated",
        reference: "https://docs.docker.com/engine/network/port-publishing/#gateway-modes",
    },
    Rule {
        id: RuleId::Net018,
        title: "a proxy network without inter-container communication",
        severity: Severity::Low,
        action: Action::Warn,
        check: Check::Network(net_018),
        why: "`enable_icc: false` keeps Traefik from its backends too, and holds nothing where br_netfilter is not \
              loaded (the default from Docker 27.4 on)",
        fix: "delete `com.docker.network.bridge.enable_icc` from the `driver_opts` of the network; to keep projects apart, \
              give each a network of its own",
        reference: "https://docs.docker.com/engine/network/drivers/bridge/#options",
    },
    Rule {
        id: RuleId::Net019,
        title: "an attachable overlay as proxy network",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Network(net_019),
        why: "whoever may start a container on any node can put it on this network",
        fix: "networks:\n  net:   # what your file calls it\n    driver: overlay\n    internal: true\n    attachable: false",
        reference: "https://docs.docker.com/reference/cli/docker/network/create/#options",
    },
    Rule {
        id: RuleId::Net021,
        title: "several owners use one network alias",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Network(net_021),
        why: "the engine's DNS answers with all of them, in turn: requests meant for one go to another",
        fix: "delete the name from `aliases` of one of the two, or give every project a network of its own",
        reference: "docs/isolation.md#shared-proxy-networks",
    },
    Rule {
        id: RuleId::Net022,
        title: "`extra_hosts` has an entry for the host or for an outside address",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(net_022),
        why: "an entry of `extra_hosts` that points at the host or at an address outside the container's networks \
              shows that the application means to connect there",
        fix: "delete the entry from `extra_hosts`",
        reference: "https://docs.docker.com/reference/compose-file/services/#extra_hosts",
    },
    Rule {
        id: RuleId::Net023,
        title: "the network's subnet is too large, or overlaps with another one",
        severity: Severity::Low,
        action: Action::Warn,
        check: Check::Network(net_023),
        why: "the rule that makes a bridge internal lets every address of its own subnet through: the wider the \
              subnet, and the more it overlaps with others, the less it keeps in",
        fix: "delete `ipam:` from the network: the engine then chooses addresses that nobody has. Where they have to be \
              these, choose at most a /16 that no other network has",
        reference: "docs/isolation.md#internal-networks",
    },
    Rule {
        id: RuleId::Net024,
        title: "kernel settings that make it forward packets",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Neighbour(net_024),
        why: "these settings make the container's kernel forward, accept or answer for packets that are not its own",
        fix: "delete them from `sysctls`",
        reference: "docs/isolation.md#multi-homed-containers-are-routers",
    },
    Rule {
        id: RuleId::Net025,
        title: "a network has an unknown label of Leeward",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Network(net_025),
        why: "a network's label that is misspelt binds no host, and makes no proxy network, although it \
              looks as if it did",
        fix: "correct the label: leeward.hosts, leeward.proxy and leeward.allow are those of a network",
        reference: "docs/labels.md#leewards-own",
    },
    Rule {
        id: RuleId::Net026,
        title: "the network's bridge has a fixed name",
        severity: Severity::Medium,
        action: Action::WarnStrictBlock,
        check: Check::Network(net_026),
        why: "where a bridge of this name was there before, the engine uses it as it is. If the host's network card is a \
              port of it, the network's containers are on that wire, `internal` or not, and the engine's API does not \
              show it",
        fix: "delete `com.docker.network.bridge.name` from the `driver_opts` of the network: the engine then makes a bridge \
              of its own. To keep the name, see with `bridge link` on the host that only containers are on it, run \
              `leeward probe --neighbours` on the network, and allow it there:\nnetworks:\n  net:   # what your file calls it\n    labels:\n      leeward.allow: NET-026",
        reference: "docs/isolation.md#internal-networks",
    },
    Rule {
        id: RuleId::Net027,
        title: "an external network, or Traefik, was not given to `check`",
        severity: Severity::High,
        action: Action::WarnStrictBlock,
        check: Check::Network(net_027),
        why: "a Compose project says of an external network only its name, and of its own networks not whether Traefik is \
              on them. `leeward check` goes on as if the network were internal, with Traefik on it and with nobody else; if \
              it is not, the container is refused once it runs, or others reach it",
        fix: "name the Compose file of the project that makes the network too, or what the engine has: \
              `leeward snapshot --output engine.json` there, then `leeward check --snapshot engine.json …`",
        reference: "docs/check.md#external-networks",
    },
    Rule {
        id: RuleId::Net028,
        title: "Podman keeps the network in by one kernel setting",
        severity: Severity::High,
        action: Action::WarnStrictBlock,
        check: Check::Network(net_028),
        why: "Podman puts no packet filter before an internal network: its containers have no default route, and the \
              bridge's `forwarding` is 0. Whenever `net.ipv4.ip_forward` of the host changes from 0 to 1, the kernel sets \
              `forwarding` of every bridge to 1, and nothing sets it back; whoever may add a route or send raw frames then \
              gets out. With such a container on the network it refuses. A route may also be the network's own (`podman network \
              create --route`), and then each of its containers gets out: the API does not tell, so look with \
              `podman network inspect NAME`, `routes`. Packets of containers on other networks of the host arrive, with or \
              without the option `isolate`; only the answers are held back",
        fix: "as root on the host, keep forwarding as it is from the start of the machine, and put a filter before the \
              bridge (its name: podman network inspect NAME, `network_interface`), after every start:\n\
              echo net.ipv4.ip_forward=1 > /etc/sysctl.d/20-forward.conf && sysctl --system\n\
              nft add table inet internal\n\
              nft 'add chain inet internal forward { type filter hook forward priority -10; }'\n\
              nft add rule inet internal forward 'iifname podman1 oifname != podman1 drop'\n\
              nft add rule inet internal forward 'oifname podman1 iifname != podman1 drop'\n\
              and then accept it there, with the network's label leeward.allow=NET-028",
        reference: "docs/isolation.md#internal-networks",
    },
    Rule {
        id: RuleId::Net029,
        title: "runs without the override file that puts it on its network",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::App(net_029),
        why: "Traefik's project has a network `net-<project>` for this project, as `leeward fix` makes it, and the container \
              is not on it. Plain `docker compose up` reads no `compose.leeward.yaml`: whoever runs it without the line in \
              `.env` puts the project back on its old networks",
        fix: "in the project's folder: COMPOSE_FILE=compose.yaml:compose.leeward.yaml docker compose up -d\n\
              and put this line into the .env there: COMPOSE_FILE=compose.yaml:compose.leeward.yaml",
        reference: "docs/fix.md#writing-the-files",
    },
    Rule {
        id: RuleId::Net030,
        title: "a container on the network has power over the host",
        severity: Severity::Medium,
        // Also under `strict`: the network stays shut, and no edit takes from such a container what it is there for.
        action: Action::Warn,
        check: Check::Network(net_030),
        why: "a container that is privileged or has the engine's socket is one flaw away from root on the host. Whoever takes over an application on the same network talks to it directly, past Traefik and its \
              middlewares",
        fix: "take it off this network, and put it on one of its own, with those alone that have to reach it",
        reference: "docs/isolation.md#powerful-neighbours",
    },
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// On networks that are not internal.
    NotInternal(Few),
    /// On networks of which the engine says nothing.
    Unknown(Few),
    /// On the host's own.
    Host,
    /// Its network is another container's, and not there.
    Broken(Broken),
    /// Its network is another container's, which has a way out over `network`.
    Through {
        owner: String,
        way_out: WayOut,
        network: String,
    },
    /// On the engine's default bridge, by these names.
    DefaultBridge(Few),
    Parent {
        network: String,
        driver: String,
        parent: String,
    },
    Driver {
        network: String,
        driver: String,
    },
    Ingress,
    GatewayBridge,
    /// Who is on `docker_gwbridge` is not known.
    GatewayBridgeUnknown,
    /// Internal networks with IPv6, on this engine.
    Ipv6 {
        networks: Few,
        engine: EngineName,
    },
    /// The owners on a proxy network.
    Owners(Few),
    /// Containers on the network with a way out; the first has it over `over`.
    WaysOut {
        containers: Few,
        first: String,
        over: String,
    },
    /// A container on the network that could not be read.
    Unread(String),
    /// The container is on several networks; `asks`: and is told to forward.
    Forwards {
        networks: Few,
        asks: bool,
    },
    /// The same, and Podman does not say whether it forwards.
    MayForward(Few),
    RawFrames,
    /// The same, because it is privileged: nothing that is dropped helps.
    RawFramesPrivileged,
    /// Podman does not say.
    MaySendRawFrames,
    Capability(String),
    /// The host answers on the network's gateway address.
    GatewayAddress {
        network: NetworkName,
        closed_by: ClosedBy,
    },
    NoTraffic,
    Attachable,
    /// A name that leads to containers of different owners; so do more names.
    Alias {
        alias: String,
        one: String,
        other: String,
        more: usize,
    },
    ExtraHost(String),
    Overlaps(String),
    Wide(String),
    Sysctl {
        key: String,
        value: String,
    },
    OddLabel {
        label: String,
        odd: Odd,
    },
    Bridge(String),
    /// The network was not given, and is assumed to be as it should be.
    Assumed,
    /// Traefik was not given, and is assumed to be on the network.
    TraefikAssumed,
    /// A network is there for the project, and the container is not on it: it was started from these files, of this folder.
    WithoutOverride {
        network: String,
        project: String,
        folder: Option<String>,
        files: String,
    },
    /// A container on the network that nothing is routed to, and what it has; so have more.
    Powerful {
        container: String,
        power: Power,
        more: usize,
    },
    /// One kernel setting keeps the network in, which this container on it may get round.
    OneSetting {
        loosened_by: Option<String>,
    },
}

/// By what a container has power over the host. Who sees the host's processes is told for all networks at once (PRV-024).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Power {
    Privileged,
    Socket,
}

impl Power {
    fn of(container: &Container, inventory: &Inventory) -> Option<Self> {
        let gives = |mount| gives_engine(mount, &inventory.volumes);
        if container.confinement.privileged {
            return Some(Self::Privileged);
        }
        container.mounts.iter().any(gives).then_some(Self::Socket)
    }
}

/// What keeps the host from answering on a gateway address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ClosedBy {
    /// A network without a name server, in Podman.
    NoDns,
    /// No IPv4 address on the bridge.
    Inhibit,
    /// The gateway mode `isolated`.
    Mode,
    /// The same, for IPv6.
    Mode6,
}

/// The names of its own networks that lead out in one way.
fn ways<'a>(case: &Case<'a>, wanted: WayOut) -> Vec<&'a str> {
    if !case.namespace.through.is_empty() {
        return Vec::new();
    }
    case.namespace.ways_out().filter(|(_, way_out)| *way_out == wanted).map(|(edge, _)| edge.name).collect()
}

/// Those names, if there are any.
fn on(case: &Case<'_>, wanted: WayOut) -> Option<Few> {
    let names = ways(case, wanted);
    (!names.is_empty()).then(|| Few::of(names))
}

fn net_001(case: &Case<'_>) -> Option<Seen> {
    let open = ways(case, WayOut::NotInternal);
    if !open.is_empty() {
        return Some(Seen::new(Cause::NotInternal(Few::of(open))));
    }
    on(case, WayOut::Unknown).map(|names| Seen::unverifiable(Cause::Unknown(names)))
}

fn net_002(case: &Case<'_>) -> Option<Seen> {
    (!ways(case, WayOut::Host).is_empty()).then(|| Seen::new(Cause::Host))
}

fn net_003(case: &Case<'_>) -> Option<Seen> {
    match &case.namespace.broken {
        Some(broken @ Broken::Undated(_)) => return Some(Seen::unverifiable(Cause::Broken(broken.clone()))),
        Some(broken) => return Some(Seen::new(Cause::Broken(broken.clone()))),
        None => {}
    }
    let owner = case.namespace.through.last()?;
    let (edge, way_out) = case.namespace.ways_out().next()?;
    Some(Seen::new(Cause::Through { owner: owner.name.clone(), way_out, network: edge.name.to_owned() }))
}

fn net_004(case: &Case<'_>) -> Option<Seen> {
    on(case, WayOut::DefaultBridge).map(|names| Seen::new(Cause::DefaultBridge(names)))
}

fn net_005(case: &Case<'_>) -> Option<Seen> {
    let (edge, _) = case.namespace.ways_out().find(|(_, way_out)| *way_out == WayOut::Parent)?;
    let Network { name, driver, options, .. } = edge.network.filter(|_| case.namespace.through.is_empty())?;
    let parent = options.get("parent").cloned().unwrap_or_default();
    Some(Seen::new(Cause::Parent { network: name.clone(), driver: driver.clone(), parent }))
}

fn net_006(case: &Case<'_>) -> Option<Seen> {
    let (edge, _) = case.namespace.ways_out().find(|(_, way_out)| *way_out == WayOut::Driver)?;
    let Network { name, driver, options, .. } = edge.network.filter(|_| case.namespace.through.is_empty())?;
    // The driver itself would do: Podman was told to leave the bridge alone.
    let mode = options.get("mode").filter(|_| driver == "bridge");
    let driver = mode.map_or_else(|| driver.clone(), |mode| format!("{driver}:{mode}"));
    Some(Seen::new(Cause::Driver { network: name.clone(), driver }))
}

fn net_007(case: &Case<'_>) -> Option<Seen> {
    (!ways(case, WayOut::Ingress).is_empty()).then(|| Seen::new(Cause::Ingress))
}

fn net_008(case: &Case<'_>) -> Option<Seen> {
    if !ways(case, WayOut::Gateway).is_empty() {
        return Some(Seen::new(Cause::GatewayBridge));
    }
    (!ways(case, WayOut::GatewayUnknown).is_empty()).then(|| Seen::unverifiable(Cause::GatewayBridgeUnknown))
}

fn net_010(case: &NetworkCase<'_>) -> Option<Seen> {
    if !case.is_proxy {
        return None;
    }
    let owners: BTreeSet<&Owner> = others(case).filter_map(|member| owner(case, member)).collect();
    if owners.len() < 2 {
        return None;
    }
    let names: Vec<String> = owners.iter().map(ToString::to_string).collect();
    Some(Seen::new(Cause::Owners(Few::of(names.iter().map(String::as_str)))))
}

fn net_011(case: &NetworkCase<'_>) -> Option<Seen> {
    // Leeward itself too, which has no business with a way out.
    let not_traefik = case.members.iter().filter(|member| case.known.get(member.at).is_none_or(|known| !known.traefik));
    // An egress Traefik has a way out, and lets nothing through but what it was told. On a proxy network it has no place.
    let is_shut = |member: &Member<'_>| {
        let candidate = case.context.candidates.get(member.at);
        let is_egress = candidate.is_some_and(|it| it.is_egress_of(case.network, case.context.settings));
        let names = is_egress && lets_through(member.container).is_empty();
        // EGR-025 speaks of everybody beside a forward proxy.
        let proxy = candidate.is_some_and(|it| it.is_forward_proxy);
        (names || proxy) && !case.is_proxy && !rides(member.container)
    };
    let pivots: Vec<&Member<'_>> = not_traefik.filter(|member| member.way_out && !is_shut(member)).collect();
    if let (true, Some(unread)) = (pivots.is_empty(), case.unread) {
        return Some(Seen::unverifiable(Cause::Unread(unread.to_owned())));
    }
    // It leaves with the container whose network it uses.
    let first = pivots.iter().find(|pivot| !rides(pivot.container)).or_else(|| pivots.first())?;
    // A container with a way out, alone with Traefik, is nobody's neighbour; NET-001 and its like speak of it.
    if others(case).all(|member| member.way_out) {
        return None;
    }
    let over = case
        .context
        .namespaces
        .leaves_by(first.at)
        .and_then(|at| case.context.namespaces.get(at)?.ways_out().next())
        .map_or("", |(edge, _)| edge.name);
    Some(Seen::new(Cause::WaysOut {
        containers: Few::of(pivots.iter().map(|pivot| pivot.container.name.as_str())),
        first: first.container.name.clone(),
        over: over.to_owned(),
    }))
}

/// The members of a network that are neither a declared Traefik nor Leeward.
fn others<'a>(case: &NetworkCase<'a>) -> impl Iterator<Item = &'a Member<'a>> {
    let NetworkCase { members, known, .. } = *case;
    members.iter().filter(|member| known.get(member.at).is_none_or(|known| !known.traefik && !known.leeward))
}

fn owner<'a>(case: &NetworkCase<'a>, member: &Member<'_>) -> Option<&'a Owner> {
    case.known.get(member.at).map(|known| known.owner)
}

/// One that asks is judged for it itself, and so is Traefik, also where nobody declared it.
fn net_030(case: &NetworkCase<'_>) -> Option<Seen> {
    let silent = |member: &&Member<'_>| {
        let known = case.known.get(member.at).is_some_and(|it| !it.asks);
        known && !is_traefiks(&member.container.image)
    };
    let mut found = others(case)
        .filter(silent)
        .filter_map(|it| Some((it.container, Power::of(it.container, case.context.inventory)?)));
    let (container, power) = found.next()?;
    Some(Seen::new(Cause::Powerful { container: container.name.clone(), power, more: found.count() }))
}

fn net_012(case: &Case<'_>) -> Option<Seen> {
    // A rider shares the settings of the container that owns the namespace, which is judged itself.
    if !case.namespace.is_multi_homed() || !case.namespace.through.is_empty() || case.namespace.is_host() {
        return None;
    }
    let sysctls = &case.container.confinement.sysctls;
    let forward = sysctls.get("net.ipv4.ip_forward").map(|value| value.trim());
    // One interface that forwards is enough: what arrives there goes on.
    let opened = sysctls
        .iter()
        .any(|(key, value)| key.starts_with("net.ipv4.conf.") && key.ends_with(".forwarding") && value.trim() != "0");
    if forward == Some("0") && !opened {
        return None;
    }
    let networks = Few::of(case.namespace.edges.iter().map(|edge| edge.name));
    if is_podman(&case.context.inventory.engine) {
        return Some(Seen::unverifiable(Cause::MayForward(networks)));
    }
    Some(Seen::new(Cause::Forwards { networks, asks: opened || forward.is_some() }))
}

/// What Podman gives a container by default. NET_RAW is not in it, unless containers.conf says so; what is dropped is listed
/// one by one, also for `ALL`.
const PODMANS_OWN: [&str; 11] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Whether a container has NET_RAW: in Docker's default set, so unless it is dropped. `None`: Podman does not say.
pub(in crate::policy) fn net_raw(container: &Container, engine: &Engine) -> Option<bool> {
    let confinement = &container.confinement;
    let names = |set: &BTreeSet<String>, wanted: &str| set.iter().any(|name| capability(name) == wanted);
    let added = names(&confinement.cap_add, "NET_RAW") || names(&confinement.cap_add, "ALL");
    let all = || PODMANS_OWN.iter().all(|own| names(&confinement.cap_drop, own));
    let dropped = names(&confinement.cap_drop, "NET_RAW") || names(&confinement.cap_drop, "ALL") || all();
    match (is_privileged(confinement) || added, dropped) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => (!is_podman(engine)).then_some(true),
    }
}

/// Whether it is privileged, or runs a command that is.
fn is_privileged(confinement: &Confinement) -> bool {
    confinement.privileged || !confinement.privileged_hooks.is_empty()
}

/// A capability's name as a Compose file has it, without its prefix; the engine writes `NET_RAW`, `CAP_NET_RAW` and, from a
/// user, `net_raw`.
pub fn capability(name: &str) -> Cow<'_, str> {
    fn bare(name: &str) -> &str {
        name.strip_prefix("CAP_").unwrap_or(name)
    }
    if name.bytes().any(|letter| letter.is_ascii_lowercase()) {
        return Cow::Owned(bare(&name.to_ascii_uppercase()).to_owned());
    }
    Cow::Borrowed(bare(name))
}

/// Whether a container may send under another's address: by raw frames, or by changing its own.
pub(crate) fn can_forge(container: &Container, engine: &Engine) -> bool {
    net_raw(container, engine) != Some(false)
        || container.confinement.cap_add.iter().any(|name| matches!(&*capability(name), "NET_ADMIN" | "SYS_ADMIN"))
}

/// Whether a container may enter the network of another whose processes it sees.
pub(in crate::policy) fn can_enter(container: &Container) -> bool {
    let mut added = container.confinement.cap_add.iter();
    is_privileged(&container.confinement) || added.any(|name| matches!(&*capability(name), "SYS_ADMIN" | "ALL"))
}

fn net_013(case: &Case<'_>) -> Option<Seen> {
    match net_raw(case.container, &case.context.inventory.engine) {
        Some(false) => None,
        Some(true) if is_privileged(&case.container.confinement) => Some(Seen::new(Cause::RawFramesPrivileged)),
        Some(true) => Some(Seen::new(Cause::RawFrames)),
        None => Some(Seen::unverifiable(Cause::MaySendRawFrames)),
    }
}

fn net_014(case: &Case<'_>) -> Option<Seen> {
    let added = case.container.confinement.cap_add.iter();
    let first = added.map(|name| capability(name)).find(|name| name == "NET_ADMIN" || name == "ALL")?;
    Some(Seen::new(Cause::Capability(first.into_owned())))
}

/// The option that keeps the host from answering on a bridge.
pub(crate) const GATEWAY_MODE_4: &str = "com.docker.network.bridge.gateway_mode_ipv4";
/// The same, for IPv6.
pub(crate) const GATEWAY_MODE_6: &str = "com.docker.network.bridge.gateway_mode_ipv6";
/// What older engines have.
pub(crate) const INHIBIT: &str = "com.docker.network.bridge.inhibit_ipv4";

fn net_015(case: &NetworkCase<'_>) -> Option<Seen> {
    let network = case.network;
    if network.driver != "bridge" {
        return None;
    }
    let answers = |closed_by| Seen::new(Cause::GatewayAddress { network: NetworkName::of(network), closed_by });
    if is_podman(&case.context.inventory.engine) {
        // Without a name server the bridge needs no address, and has none.
        return (!network.gateways.is_empty()).then(|| answers(ClosedBy::NoDns));
    }
    let option = |key: &str| network.options.get(key).map(String::as_str);
    let version = docker_version(&case.context.inventory.engine);
    // An older engine keeps the option and does nothing for it.
    let isolated = option(GATEWAY_MODE_4) == Some("isolated") && version.is_none_or(|version| version >= (28, 0, 0));
    if isolated || option(INHIBIT).is_some_and(|value| value == "true" || value == "1") {
        return None;
    }
    let is_old = version.is_some_and(|version| version < (28, 0, 0));
    Some(answers(if is_old { ClosedBy::Inhibit } else { ClosedBy::Mode }))
}

fn net_016(case: &Case<'_>) -> Option<Seen> {
    let networks = on(case, WayOut::Ipv6)?;
    Some(Seen::new(Cause::Ipv6 { networks, engine: EngineName::of(&case.context.inventory.engine) }))
}

fn net_017(case: &NetworkCase<'_>) -> Option<Seen> {
    let network = case.network;
    let isolated = network.options.get(GATEWAY_MODE_6).is_some_and(|mode| mode == "isolated");
    let cause = || Cause::GatewayAddress { network: NetworkName::of(network), closed_by: ClosedBy::Mode6 };
    (network.driver == "bridge" && network.ipv6 && !isolated).then(|| Seen::new(cause()))
}

fn net_018(case: &NetworkCase<'_>) -> Option<Seen> {
    let icc = case.network.options.get("com.docker.network.bridge.enable_icc")?;
    (icc == "false" && case.is_proxy).then(|| Seen::new(Cause::NoTraffic))
}

fn net_019(case: &NetworkCase<'_>) -> Option<Seen> {
    let network = case.network;
    (network.driver == "overlay" && network.attachable && case.is_proxy).then(|| Seen::new(Cause::Attachable))
}

fn net_021(case: &NetworkCase<'_>) -> Option<Seen> {
    let first = case.members.first().and_then(|member| owner(case, member));
    if case.members.iter().all(|member| owner(case, member) == first) {
        return None;
    }
    let mut holders: BTreeMap<&str, &Member<'_>> = BTreeMap::new();
    let mut clashes: BTreeMap<&str, (&Container, &Container)> = BTreeMap::new();
    for member in case.members.iter().filter(|member| !rides(member.container)) {
        let container = member.container;
        // By the place itself: a Traefik is on as many networks as there are.
        for alias in member.attachment.aliases.iter().map(String::as_str).chain([container.name.as_str()]) {
            let holder = holders.entry(alias).or_insert(member);
            if owner(case, holder) != owner(case, member) {
                clashes.entry(alias).or_insert((holder.container, container));
            }
        }
    }
    let (alias, (one, other)) = clashes.first_key_value()?;
    Some(Seen::new(Cause::Alias {
        alias: (*alias).to_owned(),
        one: one.name.clone(),
        other: other.name.clone(),
        more: clashes.len() - 1,
    }))
}

fn rides(container: &Container) -> bool {
    container.network_mode.starts_with("container:")
}

fn net_022(case: &Case<'_>) -> Option<Seen> {
    let entries = &case.container.confinement.extra_hosts;
    if entries.is_empty() {
        return None;
    }
    let networks = case.namespace.edges.iter().filter_map(|edge| edge.network);
    let own: Vec<IpNet> = networks.flat_map(|it| &it.subnets).filter_map(|subnet| subnet.parse().ok()).collect();
    let entry = entries.iter().find(|entry| leads_outside(entry, &own))?;
    Some(Seen::new(Cause::ExtraHost(entry.clone())))
}

/// Whether an entry, `name:address` or `name=address`, names the host, or a private address on none of its `own` networks.
fn leads_outside(entry: &str, own: &[IpNet]) -> bool {
    let Some((_, address)) = entry.split_once(['=', ':']) else { return false };
    if address == "host-gateway" {
        return true;
    }
    let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>() else { return false };
    let private = match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    };
    private && !own.iter().any(|subnet| subnet.contains(&address))
}

fn net_023(case: &NetworkCase<'_>) -> Option<Seen> {
    let engine = &case.context.inventory.engine;
    // With nftables Docker keeps a network in by its interface; Podman has no such rule at all.
    if is_podman(engine) || engine.firewall.as_deref().is_some_and(|driver| driver.starts_with("nftables")) {
        return None;
    }
    if let Some(other) = case.overlaps {
        return Some(Seen::new(Cause::Overlaps(other.to_owned())));
    }
    let wide = case
        .network
        .subnets
        .iter()
        .find(|text| text.parse::<Ipv4Net>().is_ok_and(|subnet| subnet.prefix_len() < 16))?;
    Some(Seen::new(Cause::Wide(wide.clone())))
}

fn net_024(case: &Case<'_>) -> Option<Seen> {
    let (key, value) = case.container.confinement.sysctls.iter().find(|(key, value)| {
        let last = key.rsplit('.').next().unwrap_or_default();
        let net = key.starts_with("net.ipv4.") || key.starts_with("net.ipv6.");
        match last {
            "ip_forward" | "forwarding" | "accept_local" | "proxy_arp" | "proxy_ndp" => net && value.trim() != "0",
            "rp_filter" => net && value.trim() == "0",
            _ => false,
        }
    })?;
    Some(Seen::new(Cause::Sysctl { key: key.clone(), value: value.clone() }))
}

fn net_025(case: &NetworkCase<'_>) -> Option<Seen> {
    let (label, odd) = leeward_labels::on_network(&case.network.labels).into_iter().next()?;
    Some(Seen::new(Cause::OddLabel { label: label.to_owned(), odd }))
}

/// Whether a network is on a bridge that the engine made for it, as far as its options tell.
pub(in crate::policy) fn own_bridge(Network { id, options, .. }: &Network) -> bool {
    options.get("com.docker.network.bridge.name").is_none_or(|bridge| {
        // What the engine calls its own.
        bridge.strip_prefix("br-").is_some_and(|short| !short.is_empty() && id.as_str().starts_with(short))
    })
}

fn net_026(case: &NetworkCase<'_>) -> Option<Seen> {
    let bridge = case.network.options.get("com.docker.network.bridge.name")?;
    (case.network.driver == "bridge" && !own_bridge(case.network))
        .then(|| Seen::unverifiable(Cause::Bridge(bridge.clone())))
}

fn net_027(case: &NetworkCase<'_>) -> Option<Seen> {
    let Network { assumed, traefik_assumed, .. } = case.network;
    let cause = assumed.then_some(Cause::Assumed).or_else(|| traefik_assumed.then_some(Cause::TraefikAssumed));
    cause.map(Seen::unverifiable)
}

fn net_028(case: &NetworkCase<'_>) -> Option<Seen> {
    let NetworkCase { network, members, .. } = *case;
    let engine = &case.context.inventory.engine;
    if network.driver != "bridge" || !is_podman(engine) {
        return None;
    }
    let may = |member: &&Member<'_>| {
        let Container { confinement, .. } = member.container;
        let routes = confinement.cap_add.iter().any(|name| matches!(&*capability(name), "NET_ADMIN" | "ALL"));
        routes || net_raw(member.container, engine) == Some(true)
    };
    // Traefik has a way out of its own, and is judged by other rules.
    let not_traefik = |member: &&Member<'_>| case.known.get(member.at).is_none_or(|known| !known.traefik);
    let first = members.iter().filter(not_traefik).find(may).map(|member| member.container.name.clone());
    let (blocks, seen) = (first.is_some(), Seen::new(Cause::OneSetting { loosened_by: first }));
    Some(if blocks { seen.action(Action::Block).severity(Severity::Critical) } else { seen })
}

/// The longest that Compose's note of a project's files is repeated.
const LONGEST_FILES: usize = 1_000;

/// By what the container's own labels say, and a network that Traefik's project made: no other container has a part in it.
fn net_029(case: &Case<'_>) -> Option<Seen> {
    let project = case.context.candidates.get(case.at)?.owner.group()?;
    let (place, network) = case.context.proxy.made_for(project)?;
    let files = case.labels.get("com.docker.compose.project.config_files")?;
    let is_ours = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with("compose.leeward"));
    let is_on = case.namespace.edges.iter().any(|edge| edge.place == Some(place));
    if is_on || files.len() > LONGEST_FILES || files.split(',').any(is_ours) {
        return None;
    }
    let folder = case.labels.get("com.docker.compose.project.working_dir").filter(|it| it.len() <= LONGEST_FILES);
    Some(Seen::new(Cause::WithoutOverride {
        network: network.name.clone(),
        project: project.to_owned(),
        folder: folder.map(ToOwned::to_owned),
        files: files.to_owned(),
    }))
}
