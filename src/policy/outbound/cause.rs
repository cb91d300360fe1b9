//! Why an outbound name is not allowed, or is not as it should be.

use super::target::{BadTarget, Target};
use crate::policy::cause::Few;
use crate::policy::rule_id::RuleId;
use crate::settings::PortKind;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The egress container is not called so on the network.
    NoAlias { host: String, egress: Egress },
    /// The egress container has the engine's resolver, which answers with the container's own alias.
    EnginesResolver,
    /// Its `resolv.conf` is the host's own.
    HostsResolver { source: String },
    /// It has a `resolv.conf` of its own; what stands in it is not in the engine's answers.
    ResolverUnread,
    /// No entry of `extra_hosts` names Leeward's address.
    LeewardNotNamed,
    /// A mount at `path` decides whether `extra_hosts` has an effect.
    HostsMounted { path: String },
    /// `extra_hosts` leads a name of Leeward's to another address, too.
    LeewardTwice { host: String, address: String },
    /// It has more power than it needs: is privileged, shares these of the host's, has these capabilities.
    Powers { privileged: bool, shares: Vec<&'static str>, capabilities: Vec<String> },
    /// Leeward's address is not fixed.
    LeewardMoves { address: String, network: String },
    /// Others are on the network between the two, or it is not internal.
    LeewardNotAlone { network: String, company: Few },
    /// The port has no entry point.
    NoEntryPoint { target: Target, ports: Vec<(u16, PortKind)> },
    /// A name that nobody on the network is allowed.
    NobodysAlias { alias: String, egress: Egress, leads_out: bool },
    /// The container is declared to be the inbound Traefik, too.
    Both,
    /// A Traefik is on the network, or it is a proxy network.
    ProxyNetwork { traefik: Option<String>, egress: Egress },
    /// More than one name.
    Everything { word: String },
    /// No name with a port.
    Unreadable { word: String, problem: BadTarget },
    /// So many names; the most there may be, and the flag for it.
    TooMany { found: u64, most: u64, flag: &'static str },
    /// The label comes from the image.
    Baked,
    /// A container on the network has a way out of its own.
    WayOut { over: String },
    /// Others than the owner's containers are on the network.
    Strangers { owner: String, strangers: Few },
    /// A container on the network could not be read.
    Unread { name: String },
    /// More than one egress container.
    Several { egresses: Few },
    /// Containers on the network may send under another's address.
    Forgers { names: Few },
    /// The egress container may forward, or takes packets from where they cannot come from.
    Forwards { missing: Vec<&'static str>, undone_by: Vec<String> },
    /// It uses the network of another container.
    NoNetworkOfItsOwn,
    /// These share its network, its processes or its memory, or may.
    NotAlone { names: Few },
    /// Its own hosts file has the name.
    OwnHosts { host: String, address: String, egress: String },
    /// These could answer for its resolver, on a network by which it leaves.
    OutsideForgers { network: String, names: Few },
    /// These are not of its project, on a network by which it leaves.
    OutsideStrangers { network: String, names: Few },
    /// `writer` may write what it has as `path`.
    Written { path: String, writer: String },
    /// A mount of `path` gives it the engine.
    EnginesSocket { path: String },
    /// Its port is one of the host's, too.
    Published { port: String },
    /// The network is none whose members are all known, or leads out.
    NotInternal { why: NotInternal },
    /// No egress container is on any network of the container, or on the network; `declared`: there are such elsewhere.
    NoEgress { declared: bool },
    /// No forward proxy is on any network of the container.
    NoProxy,
    /// By a forward proxy beside it.
    ByProxy { proxy: String, network: String },
    /// On a network of which nothing is known: it may be there.
    NoEgressKnown { network: String },
    /// Several names on one port where only the address tells connections apart.
    OnePlain { port: u16, hosts: Few },
    /// Another container has the same address.
    SharedAddress { other: String },
    /// Another container answers to the name.
    Impostor { host: String, name: String, network: String },
}

/// The egress container on a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Egress {
    /// Its name.
    pub(crate) name: String,
    /// What it is called in a compose file.
    pub(crate) service: String,
    /// What the network is called in a compose file.
    pub(crate) network: String,
}

/// Why a network is not one for outbound names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NotInternal {
    /// It leads out.
    Open,
    /// It is no bridge: others may be on it that the engine does not show.
    Driver,
    /// Containers on it have addresses that no allowance is for.
    Ipv6,
    /// It is on a bridge of the host's, with whatever else is on that.
    HostsBridge,
    /// It is Podman's, which shows neither kernel settings nor fixed addresses of containers.
    Podman,
}

impl Cause {
    /// The rule that it is of.
    pub(super) fn rule(&self) -> RuleId {
        match self {
            Self::NoAlias { .. } => RuleId::Egr001,
            Self::EnginesResolver | Self::HostsResolver { .. } | Self::ResolverUnread => RuleId::Egr002,
            Self::LeewardNotNamed
            | Self::HostsMounted { .. }
            | Self::LeewardTwice { .. }
            | Self::LeewardMoves { .. }
            | Self::LeewardNotAlone { .. } => RuleId::Egr003,
            Self::NoEntryPoint { .. } => RuleId::Egr004,
            Self::NobodysAlias { .. } => RuleId::Egr005,
            Self::Both => RuleId::Egr006,
            Self::ProxyNetwork { .. } => RuleId::Egr007,
            Self::Everything { .. } => RuleId::Egr008,
            Self::Unreadable { .. } | Self::TooMany { .. } => RuleId::Egr009,
            Self::Baked => RuleId::Egr010,
            Self::WayOut { .. } => RuleId::Egr011,
            Self::Strangers { .. } | Self::Unread { .. } | Self::Several { .. } => RuleId::Egr012,
            Self::Forgers { .. } => RuleId::Egr013,
            Self::Forwards { .. } => RuleId::Egr014,
            Self::NotInternal { .. } => RuleId::Egr015,
            Self::NoEgress { .. } | Self::NoEgressKnown { .. } | Self::NoProxy => RuleId::Egr016,
            Self::OnePlain { .. } => RuleId::Egr017,
            Self::SharedAddress { .. } => RuleId::Egr018,
            Self::Impostor { .. } => RuleId::Egr019,
            Self::OwnHosts { .. } => RuleId::Egr020,
            Self::OutsideForgers { .. } | Self::OutsideStrangers { .. } => RuleId::Egr021,
            Self::Written { .. } | Self::EnginesSocket { .. } => RuleId::Egr022,
            Self::NoNetworkOfItsOwn | Self::NotAlone { .. } => RuleId::Egr023,
            Self::Published { .. } => RuleId::Egr024,
            Self::ByProxy { .. } => RuleId::Egr025,
            Self::Powers { .. } => RuleId::Egr026,
        }
    }

    /// Whether it is about the label `leeward.outbound`.
    pub(super) fn is_of_label(&self) -> bool {
        matches!(
            self,
            Self::NoEntryPoint { .. }
                | Self::Everything { .. }
                | Self::Unreadable { .. }
                | Self::TooMany { .. }
                | Self::Baked
                | Self::NoEgress { .. }
                | Self::NoEgressKnown { .. }
                | Self::NoProxy
                | Self::OnePlain { .. }
                | Self::OwnHosts { .. }
        )
    }
}
