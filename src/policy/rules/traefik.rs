//! TRF: the declared Traefik, which everybody's walls meet at.

use std::collections::BTreeSet;

use super::net::{capability, net_raw};
use super::{Case, Check, Rule, Seen, mounts};
use crate::inventory::Network;
use crate::policy::cause::Few;
use crate::policy::finding::{Action, Severity};
use crate::policy::namespaces::Member;
use crate::policy::rule_id::RuleId;
use crate::traefik::Version;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Trf001,
        title: "Traefik has the socket of an engine",
        severity: Severity::Critical,
        action: Action::Warn,
        check: Check::Traefik(trf_001),
        why: "Traefik faces the Internet: whoever takes it over controls the host through the socket",
        fix: "remove the mount and `--providers.docker` or `--providers.swarm`; use `--providers.http` alone",
        reference: "docs/rules.md#prv-002",
    },
    Rule {
        id: RuleId::Trf002,
        title: "Traefik's API needs no login",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Traefik(trf_002),
        why: "with `--api.insecure=true` every application reads all routes, hashes and addresses on port 8080",
        fix: "remove `--api.insecure=true`; to keep the dashboard, route it behind a password by a file of Traefik's: \
              docs/hard-cases.md#traefiks-own-dashboard",
        reference: "https://doc.traefik.io/traefik/reference/install-configuration/api-dashboard/",
    },
    Rule {
        id: RuleId::Trf003,
        title: "Traefik has more network privileges than it needs",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Traefik(trf_003),
        why: "Traefik is on everybody's network. Whoever takes it over forges frames with NET_RAW and changes routes \
              with NET_ADMIN",
        fix: "services:\n  traefik:\n    cap_drop: [ALL]\n    cap_add: [NET_BIND_SERVICE]\n    sysctls:\n      \
              net.ipv4.ip_forward: \"0\"",
        reference: "docs/isolation.md#multi-homed-containers-are-routers",
    },
    Rule {
        id: RuleId::Trf004,
        title: "other containers on Traefik's external network",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Traefik(trf_004),
        why: "containers on the external network of Traefik reach its other ports, and have a way out",
        fix: "give Traefik an external network of its own",
        reference: "docs/isolation.md#shared-proxy-networks",
    },
    Rule {
        id: RuleId::Trf005,
        title: "other containers on the network of Traefik and Leeward",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Traefik(trf_005),
        why: "whoever answers Traefik in Leeward's place decides every route; whoever asks Leeward reads the hashes in \
              the document",
        fix: "put the two on an internal network of their own:\nnetworks:\n  net-control:\n    internal: true\n\
              and protect it with `--token-file`",
        reference: "docs/isolation.md#between-traefik-and-leeward",
    },
    Rule {
        id: RuleId::Trf006,
        title: "another container answers to Leeward's name",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Traefik(trf_006),
        why: "the engine looks up a bare name on every network of Traefik: while Leeward restarts, or always, \
              Traefik may ask the other container, and takes its answer for Leeward's. Whether Traefik asks by that name is in \
              its configuration, which is not read",
        fix: "give the other service or alias another name; and let Traefik ask with the network's name behind Leeward's:\n\
              providers.http.endpoint=http://leeward.net-control:9000/config",
        reference: "docs/isolation.md#between-traefik-and-leeward",
    },
    Rule {
        id: RuleId::Trf007,
        title: "Traefik's version is not known",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "a Traefik that does not know a field refuses the whole document, for everybody. Where the image of a \
              declared Traefik has no readable label `org.opencontainers.image.version`, or no Traefik is declared, the \
              document is for the oldest that is supported, 3.0, and containers whose labels need a newer one are refused",
        fix: "say which Traefik reads the document: --traefik-version 3.7 (LEEWARD_TRAEFIK_VERSION=3.7)",
        reference: "docs/labels.md#versions-of-traefik",
    },
    Rule {
        id: RuleId::Trf008,
        title: "Traefik has known security holes",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Traefik(trf_008),
        why: "Traefik faces the Internet, and what is wrong with this version is public: among it are ways past the \
              authentication that middlewares ask for",
        fix: "upgrade Traefik to 3.7.3 or later, or to 3.6.19 or later; best to the newest",
        reference: "https://github.com/traefik/traefik/security/advisories",
    },
    Rule {
        id: RuleId::Trf009,
        title: "labels of several projects declare a Traefik",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Traefik(trf_009),
        why: "whoever may write a container's labels can call it Traefik. Until a flag says which is one, none of them speaks for \
              others: their middlewares are not shared, and their routers take no host that is bound and are no catch-alls. \
              Their networks still count as Traefik's, the oldest of their versions is what the document is for, and each is \
              taken for no neighbour of the applications",
        fix: "name each Traefik that is yours: --traefik NAME (LEEWARD_TRAEFIK=NAME). Where the flag is set, no label declares one. Or \
              take the label off the others",
        reference: "docs/isolation.md#shared-proxy-networks",
    },
];

/// The label of an image that says the version of what is in it. Traefik's own images carry it.
/// Source: OCI image specification, `annotations.md`.
pub(crate) const VERSION_LABEL: &str = "org.opencontainers.image.version";

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// A mount of `path` gives it a socket.
    Socket {
        path: String,
        socket: &'static str,
    },
    /// Its API's port is published on this port of the host.
    ApiPublished(String),
    ApiUnknown,
    Capabilities {
        net_raw: bool,
        net_admin: bool,
    },
    /// Others are on the network that is its way out.
    Company {
        over: String,
        others: Few,
    },
    /// It reaches Leeward over a network that is not internal.
    LeewardOpen(String),
    /// Others are on the network where it reaches Leeward.
    LeewardCompany {
        network: String,
        others: Few,
    },
    /// `other` answers to a name of Leeward's on `network`, and Leeward on `control`.
    SameName {
        other: String,
        called: String,
        network: String,
        control: String,
    },
    /// No image says which release it is: the document is for `assumed`, and refuses these, which need `needed`.
    Release {
        silent: Few,
        assumed: Version,
        needed: Version,
        refused: Few,
    },
    /// So are these, of other owners.
    Several(Few),
    /// Known holes of this version, by their advisories.
    Holes {
        version: String,
        advisories: Vec<&'static str>,
    },
}

/// What is known of versions of Traefik 3: the advisory, and the first releases of 3.6 and 3.7 without it. Minor versions
/// before 3.6 got no fix.
///
/// Sources: the advisories' own ranges, and Traefik's `CHANGELOG.md` for the releases; compared on 2026-11-29. Only what opens
/// a way past authentication.
const HOLES: [(&str, u32, u32); 3] = [("CVE-2026-48020", 19, 3), ("CVE-2026-53622", 19, 3), ("CVE-2026-39858", 14, 0)];

fn trf_009(case: &Case<'_>) -> Option<Seen> {
    let own = case.context.candidates.get(case.at).filter(|it| !it.speaks_for_all)?;
    let others = case.context.traefiks().filter(|it| it.owner != own.owner).map(|it| it.container.name.as_str());
    Some(Seen::new(Cause::Several(Few::of(others.collect::<BTreeSet<&str>>()))))
}

fn trf_008(case: &Case<'_>) -> Option<Seen> {
    let version = case.container.labels.get(VERSION_LABEL)?;
    let mut numbers = version.trim_start_matches('v').split(['.', '-', '+']).map_while(|part| part.parse::<u32>().ok());
    let (major, minor, patch) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let is_open = |(_, in_6, in_7): &&(&str, u32, u32)| match minor {
        ..6 => true,
        6 => patch < *in_6,
        7 => patch < *in_7,
        _ => false,
    };
    let advisories: Vec<&str> = HOLES.iter().filter(is_open).map(|(advisory, _, _)| *advisory).collect();
    (major == 3 && !advisories.is_empty())
        .then(|| Seen::new(Cause::Holes { version: version.chars().take(32).collect(), advisories }))
}

fn trf_001(case: &Case<'_>) -> Option<Seen> {
    case.container.mounts.iter().find_map(|mount| {
        let hidden = mount.volumes(&case.context.inventory.volumes).filter(|volume| volume.bind);
        let mut paths = hidden.map(|volume| volume.device.as_str()).chain([mount.source.as_str()]);
        paths.find_map(|path| Some(Seen::new(Cause::Socket { path: path.to_owned(), socket: mounts::socket(path)? })))
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the table's checks are all of one type")]
fn trf_002(case: &Case<'_>) -> Option<Seen> {
    let bindings = case.container.ports.get("8080/tcp").filter(|bindings| !bindings.is_empty());
    if let Some(binding) = bindings.and_then(|bindings| bindings.first()) {
        return Some(Seen::new(Cause::ApiPublished(binding.host_port.clone())));
    }
    // Command lines are never read: they hold passwords.
    Some(Seen::unverifiable(Cause::ApiUnknown).action(Action::Inform))
}

fn trf_003(case: &Case<'_>) -> Option<Seen> {
    let added = case.container.confinement.cap_add.iter().map(|name| capability(name));
    let net_admin = added.into_iter().any(|name| name == "NET_ADMIN" || name == "ALL");
    let net_raw = net_raw(case.container, &case.context.inventory.engine) != Some(false);
    (net_raw || net_admin).then(|| Seen::new(Cause::Capabilities { net_raw, net_admin }))
}

fn trf_004(case: &Case<'_>) -> Option<Seen> {
    let context = case.context;
    let company: BTreeSet<&str> = case
        .namespace
        .ways_out()
        .filter_map(|(edge, _)| edge.place)
        .flat_map(|place| context.namespaces.members(place))
        .filter(|member| !context.is_traefik(member.at))
        .map(|member| member.container.name.as_str())
        .collect();
    let (edge, _) = case.namespace.ways_out().next()?;
    (!company.is_empty()).then(|| Seen::new(Cause::Company { over: edge.name.to_owned(), others: Few::of(company) }))
}

fn trf_005(case: &Case<'_>) -> Option<Seen> {
    let context = case.context;
    let meets = case.namespace.edges.iter().find_map(|edge| {
        let network = edge.network?;
        let members = context.namespaces.members(edge.place?);
        members.iter().any(|member| context.is_leeward(member.at)).then_some((edge, network, members))
    });
    let (edge, network, members) = meets?;
    if edge.wall.is_err() {
        return Some(Seen::new(Cause::LeewardOpen(network.name.clone())));
    }
    let company: Vec<&str> = members
        .iter()
        .filter(|member| !context.is_leeward(member.at) && !context.is_traefik(member.at))
        .map(|member| member.container.name.as_str())
        .collect();
    (!company.is_empty())
        .then(|| Seen::new(Cause::LeewardCompany { network: network.name.clone(), others: Few::of(company) }))
}

fn trf_006(case: &Case<'_>) -> Option<Seen> {
    let context = case.context;
    let networks = || case.namespace.edges.iter().filter_map(|edge| Some((edge.place?, edge.network?)));
    let members = |place: usize| context.namespaces.members(place).iter();
    let names = |member: &Member<'_>| {
        let aliases = member.attachment.aliases.iter().cloned();
        aliases.chain([member.container.name.clone()]).collect::<BTreeSet<String>>()
    };
    // Where Traefik and Leeward are alone with each other, and what Leeward is called there.
    let meets = |(place, _): &(usize, &Network)| {
        members(*place).all(|it| context.is_traefik(it.at) || context.is_leeward(it.at))
            && members(*place).any(|it| context.is_leeward(it.at))
    };
    let (alone, control) = networks().find(meets)?;
    let mut called = BTreeSet::new();
    for member in members(alone).filter(|it| !context.is_traefik(it.at)) {
        for name in names(member) {
            called.insert([&name, ".", &control.name].concat());
            called.insert(name);
        }
    }
    let others = networks().filter(|(place, _)| *place != alone);
    let of_others = others.flat_map(|(place, network)| members(place).map(move |member| (network, member)));
    { of_others }.find_map(|(network, member)| {
        if context.is_traefik(member.at) || members(alone).any(|it| it.at == member.at) {
            return None;
        }
        Some(Seen::new(Cause::SameName {
            called: names(member).into_iter().find(|name| called.contains(name))?,
            other: member.container.name.clone(),
            network: network.name.clone(),
            control: control.name.clone(),
        }))
    })
}
