//! ENG: the engine, and what its API cannot tell.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;

use super::{Check, Rule, Seen};
use crate::inventory::Container;
use crate::policy::cause::{EngineName, Few};
use crate::policy::context::Context;
use crate::policy::finding::{Action, Severity};
use crate::policy::namespaces::{self, docker_version};
use crate::policy::rule_id::RuleId;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Eng001,
        title: "DNS questions of internal networks leave the host",
        severity: Severity::High,
        action: Action::WarnStrictBlock,
        check: Check::Engine(eng_001),
        why: "the engine's DNS forwards questions of containers on internal networks from the host, where the host's \
              resolver is on loopback (systemd-resolved is): names carry data out (CVE-2024-29018)",
        fix: "upgrade Docker to 23.0.11, 25.0.5, 26.0.0 or later; 24.0 got no fix",
        reference: "https://github.com/moby/moby/security/advisories/GHSA-mq39-4gv4-mvpx",
    },
    Rule {
        id: RuleId::Eng002,
        title: "IPv6 on networks where it is switched off",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Engine(eng_002),
        why: "this version gives containers IPv6 addresses on networks without IPv6 (CVE-2024-32473)",
        fix: "upgrade Docker to 26.0.2 or later",
        reference: "https://github.com/moby/moby/security/advisories/GHSA-x84c-p2g9-rqv9",
    },
    Rule {
        id: RuleId::Eng003,
        title: "a reload of firewalld removes rules of the engine",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Engine(eng_003),
        why: "after a reload of firewalld this version does not restore all its rules: bridges are not kept apart \
              (CVE-2025-54410), or ports on loopback answer from outside (CVE-2025-54388)",
        fix: "upgrade Docker to 28.3.3, 25.0.13 or later",
        reference: "https://github.com/moby/moby/security/advisories/GHSA-4vq8-7jfc-9cvp",
    },
    Rule {
        id: RuleId::Eng004,
        title: "the engine's packet filter is off",
        severity: Severity::High,
        action: Action::WarnStrictBlock,
        check: Check::Engine(eng_004),
        why: "with `iptables: false` `internal` has no effect: nothing separates the network from the outside. Before 27.4 \
              the engine loads br_netfilter unless that is set, so its absence says so. Where only the sysctl \
              `bridge-nf-call-iptables` is 0, `internal` holds between networks, but `enable_icc: false` does not keep \
              the containers of one network apart",
        fix: "remove `\"iptables\": false` from /etc/docker/daemon.json; modprobe br_netfilter && sysctl -w \
              net.bridge.bridge-nf-call-iptables=1",
        reference: "CIS Docker Benchmark 2.4",
    },
    Rule {
        id: RuleId::Eng005,
        title: "facts that the API does not show",
        severity: Severity::Info,
        action: Action::Inform,
        check: Check::Engine(eng_005),
        why: "the API does not show whether the packet filter is in place, whether the host forwards packets, what \
              listens on the host, and where its resolver is",
        fix: "try it: run `leeward probe` in a container on each internal network",
        reference: "docs/isolation.md#what-cannot-be-verified",
    },
    Rule {
        id: RuleId::Eng006,
        title: "the engine's API listens on TCP",
        severity: Severity::Critical,
        action: Action::WarnStrictBlock,
        check: Check::Engine(eng_006),
        why: "every container can reach it at the gateway address of its network, and so control the host",
        fix: "remove `tcp://` from `hosts` in /etc/docker/daemon.json and from dockerd's command line, or protect it \
              with client certificates (tlsverify)",
        reference: "https://docs.docker.com/engine/security/protect-access/",
    },
    Rule {
        id: RuleId::Eng007,
        title: "containers run without a system call filter by default",
        severity: Severity::High,
        action: Action::WarnStrictBlock,
        check: Check::Engine(eng_007),
        why: "the engine runs containers without seccomp: they may use every system call, also those that are used to \
              escape (PRV-012 for all of them at once). It is refused under `strict` alone, for no change to one container \
              mends it. Of a profile of the operator's own the API shows the path, not what it allows",
        fix: "use a kernel and an engine with seccomp, and no `seccomp-profile: unconfined` in daemon.json; where a \
              container has a profile of its own, allow ENG-007 on it",
        reference: "CIS Docker Benchmark 2.17",
    },
    Rule {
        id: RuleId::Eng008,
        title: "swarm mode is on, but not used",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Engine(eng_008),
        why: "swarm mode opens ports on the host; no service is routed here",
        fix: "docker swarm leave --force   # if nothing else needs it",
        reference: "CIS Docker Benchmark 5.1",
    },
    Rule {
        id: RuleId::Eng009,
        title: "the engine is not maintained or not known",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Engine(eng_009),
        why: "it gets no security fixes from its makers, or not for long; it is not known whether an unknown engine enforces \
              `internal`",
        fix: "upgrade Docker to 29 or later; a distribution may mend a package of its own for longer: ask it",
        reference: "https://github.com/moby/moby/blob/master/project/BRANCHES-AND-TAGS.md",
    },
    Rule {
        id: RuleId::Eng010,
        title: "DNS questions of internal networks leave the host (Podman)",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Engine(eng_010),
        why: "before netavark 1.11 aardvark-dns forwards questions of containers on internal networks from the host: \
              names carry data out",
        fix: "upgrade Podman to 5.1 with netavark and aardvark-dns 1.11 or later",
        reference: "https://github.com/containers/netavark/releases/tag/v1.11.0",
    },
    Rule {
        id: RuleId::Eng011,
        title: "containers that could not be read",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Engine(eng_011),
        why: "such a container may be on any network, with any way out: the findings about its neighbours do not \
              consider it",
        fix: "docker inspect NAME   # shows what cannot be read",
        reference: "docs/isolation.md#what-cannot-be-verified",
    },
    Rule {
        id: RuleId::Eng012,
        title: "few address ranges are left for new networks",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Engine(eng_012),
        why: "each network takes a range out of the engine's address pools; when none is left, a project with a new \
              network does not start (\"all predefined address pools have been fully subnetted\")",
        fix: "in /etc/docker/daemon.json, then restart the engine (`docker network prune` first frees what is unused):\n\
              {\"default-address-pools\": [{\"base\": \"172.16.0.0/12\", \"size\": 24}]}",
        reference: "docs/hard-cases.md#many-networks",
    },
    Rule {
        id: RuleId::Eng013,
        title: "containers run without AppArmor and SELinux",
        severity: Severity::Low,
        action: Action::Warn,
        check: Check::Engine(eng_013),
        why: "neither keeps a container from mounting and from much of `/proc` and `/sys`: PRV-013 for all of them at once. \
              Many kernels have neither (Raspberry Pi OS, Alpine, Arch, Docker Desktop's), so it refuses nothing",
        fix: "install AppArmor and start the kernel with `lsm=…,apparmor` (`apparmor=1 security=apparmor` on Raspberry Pi \
              OS), then restart the engine",
        reference: "https://docs.docker.com/engine/security/apparmor/",
    },
];

/// When [`MAINTAINED`] was last compared with its source. A test fails when that is a year ago.
#[cfg(test)]
const COMPARED: (i32, time::Month, u8) = (2026, time::Month::August, 23);

/// The branches of Docker that get security fixes, and their last day if there is one. No other up to the newest here does.
///
/// Source: moby `project/BRANCHES-AND-TAGS.md`, at commit b985e2313a86.
const MAINTAINED: [(Branch, Option<&str>); 2] = [((25, Some(0)), Some("2026-12-04")), ((NEWEST, None), None)];
/// `25.0`; without a minor number, all of them.
type Branch = (u32, Option<u32>);
/// Newer ones are taken to be maintained.
const NEWEST: u32 = 29;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Names of internal networks are looked up outside.
    Dns(EngineName),
    Affected(EngineName),
    Firewalld(EngineName),
    /// Whether firewalld is in use is not said.
    FirewalldUnknown(EngineName),
    NoBridgeFilter(EngineName),
    /// What the API does not show.
    Unseen,
    /// What the engine warns of.
    Warns(String),
    NoSeccomp(EngineName),
    NoMandatoryControl(EngineName),
    /// It has a profile of the operator's own, at this path.
    OwnSeccomp(String),
    SwarmUnused,
    /// How many ranges there are in all, and how many are left; in Docker's own pools, as far as the engine says.
    FewRanges {
        total: u64,
        left: u64,
        own: bool,
    },
    /// It gets no security fixes any more.
    Old(EngineName),
    /// It gets them until this day.
    Until {
        engine: EngineName,
        day: &'static str,
    },
    NotKnown(EngineName),
    OldNetavark(EngineName),
    /// Containers that could not be read.
    Unreadable(Few),
}

fn version(context: &Context<'_>) -> Option<(u32, u32, u32)> {
    docker_version(&context.inventory.engine)
}

fn name(context: &Context<'_>) -> EngineName {
    EngineName::of(&context.inventory.engine)
}

fn is_podman(context: &Context<'_>) -> bool {
    namespaces::is_podman(&context.inventory.engine)
}

fn eng_001(context: &Context<'_>) -> Option<Seen> {
    let (major, minor, patch) = version(context)?;
    let mended = match major {
        23 => (minor, patch) >= (0, 11),
        24 => false,
        25 => (minor, patch) >= (0, 5),
        _ => major > 25,
    };
    (!mended).then(|| Seen::new(Cause::Dns(name(context))))
}

fn eng_002(context: &Context<'_>) -> Option<Seen> {
    matches!(version(context)?, (26, 0, 0 | 1)).then(|| Seen::new(Cause::Affected(name(context))))
}

fn eng_003(context: &Context<'_>) -> Option<Seen> {
    let version = version(context)?;
    let open = version < (25, 0, 13) || matches!(version.0, 26 | 27) || ((28, 2, 0)..(28, 3, 3)).contains(&version);
    if !open {
        return None;
    }
    match context.inventory.engine.firewall.as_deref() {
        Some(driver) if driver.contains("firewalld") => Some(Seen::new(Cause::Firewalld(name(context)))),
        Some(_) => None,
        None => Some(Seen::unverifiable(Cause::FirewalldUnknown(name(context)))),
    }
}

fn eng_004(context: &Context<'_>) -> Option<Seen> {
    let engine = &context.inventory.engine;
    let version = version(context)?;
    let warned = engine.warnings.iter().any(|warning| warning.contains("bridge-nf-call-iptables is disabled"));
    // From 27.4 on br_netfilter is loaded only where it is needed, and the field says false whatever is so.
    (version < (27, 4, 0) && (warned || engine.bridge_nf_iptables == Some(false)))
        .then(|| Seen::new(Cause::NoBridgeFilter(name(context))))
}

fn eng_005(context: &Context<'_>) -> Option<Seen> {
    // Nothing is known of an engine that was not asked (`check`).
    let engine = &context.inventory.engine;
    (!engine.version.is_empty()).then(|| Seen::unverifiable(Cause::Unseen))
}

fn eng_006(context: &Context<'_>) -> Option<Seen> {
    let warnings = &context.inventory.engine.warnings;
    let warning = warnings.iter().find(|warning| warning.contains("API is accessible on http://"))?;
    Some(Seen::new(Cause::Warns(warning.clone())))
}

fn eng_007(context: &Context<'_>) -> Option<Seen> {
    let options = context.inventory.engine.security_options.as_ref()?;
    let Some(filter) = options.iter().find(|option| option.contains("seccomp")) else {
        return Some(Seen::new(Cause::NoSeccomp(name(context))));
    };
    match filter.split_once("profile=").map(|(_, profile)| profile) {
        None | Some("" | "default" | "builtin") => None,
        Some("unconfined") => Some(Seen::new(Cause::NoSeccomp(name(context)))),
        Some(path) => {
            let seen = Seen::unverifiable(Cause::OwnSeccomp(path.to_owned()));
            Some(seen.action(Action::Warn).severity(Severity::Medium))
        }
    }
}

fn eng_008(context: &Context<'_>) -> Option<Seen> {
    let active = context.inventory.engine.swarm_state.as_deref() == Some("active");
    let is_service = |container: &Container| {
        container.swarm.is_some() || container.labels.contains_key("com.docker.swarm.service.id")
    };
    let alone = active && !context.inventory.containers.values().any(|container| is_service(container));
    alone.then(|| Seen::new(Cause::SwarmUnused))
}

fn eng_009(context: &Context<'_>) -> Option<Seen> {
    if is_podman(context) || context.inventory.engine.version.is_empty() {
        return None;
    }
    let Some((major, minor, _)) = version(context) else { return Some(Seen::new(Cause::NotKnown(name(context)))) };
    let is_it = |branch: Branch| branch.0 == major && branch.1.is_none_or(|its| its == minor);
    match MAINTAINED.iter().find(|(branch, _)| is_it(*branch)) {
        Some((_, None)) => None,
        Some((_, Some(day))) => Some(Seen::new(Cause::Until { engine: name(context), day }).severity(Severity::Low)),
        None if major > NEWEST => None,
        None => Some(Seen::new(Cause::Old(name(context)))),
    }
}

fn eng_010(context: &Context<'_>) -> Option<Seen> {
    if !is_podman(context) {
        return None;
    }
    let mut numbers =
        context.inventory.engine.version.split(|letter: char| !letter.is_ascii_digit()).map(str::parse::<u32>);
    let mut next = || numbers.next().and_then(Result::ok).unwrap_or(0);
    ((next(), next()) < (5, 1)).then(|| Seen::new(Cause::OldNetavark(name(context))))
}

/// What Docker has where nothing else is set: a /16 each, and the last in pieces of a /20.
/// Source: moby `daemon/libnetwork/ipamutils/utils.go`, `GetLocalScopeDefaultNetworks`.
const OWN_POOLS: [(&str, u8); 7] = [
    ("172.17.0.0/16", 16),
    ("172.18.0.0/16", 16),
    ("172.19.0.0/16", 16),
    ("172.20.0.0/14", 16),
    ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16),
    ("192.168.0.0/16", 20),
];
/// With so few left it is said; in small pools with a quarter.
const FEW_RANGES: u64 = 5;

fn eng_012(context: &Context<'_>) -> Option<Seen> {
    // Others have pools of their own.
    version(context)?;
    let engine = &context.inventory.engine;
    let own = engine.address_pools.is_empty();
    let set = engine.address_pools.iter().map(|pool| (pool.base.as_str(), pool.size));
    let pools: Vec<(Ipv4Net, u8)> = if own { OWN_POOLS.to_vec() } else { set.collect() }
        .into_iter()
        .filter_map(|(base, size)| Some((base.parse::<Ipv4Net>().ok()?.trunc(), size)))
        .filter(|(base, size)| (base.prefix_len()..=32).contains(size))
        .collect();
    let total: u64 = pools.iter().map(|(base, size)| 1 << (size - base.prefix_len())).sum();
    let networks = context.inventory.networks.values().flat_map(|network| &network.subnets);
    let subnets: Vec<Ipv4Net> = networks.filter_map(|it| it.parse::<Ipv4Net>().ok()).map(|it| it.trunc()).collect();
    let mut taken: BTreeSet<Ipv4Net> = BTreeSet::new();
    let mut whole = 0_u64;
    for (base, size) in &pools {
        for subnet in &subnets {
            if subnet.contains(base) {
                whole += 1 << (size - base.prefix_len());
            } else if base.contains(subnet) && subnet.prefix_len() >= *size {
                taken.extend(Ipv4Net::new(subnet.network(), *size).map(|it| it.trunc()));
            } else if base.contains(subnet) {
                whole += 1 << (size - subnet.prefix_len());
            }
        }
    }
    let left = total.saturating_sub(whole).saturating_sub(u64::try_from(taken.len()).unwrap_or(u64::MAX));
    (left <= FEW_RANGES.min(total / 4)).then(|| Seen::new(Cause::FewRanges { total, left, own }))
}

fn eng_013(context: &Context<'_>) -> Option<Seen> {
    let options = context.inventory.engine.security_options.as_ref()?;
    let confines = |option: &String| option.contains("name=apparmor") || option.contains("name=selinux");
    (!options.iter().any(confines)).then(|| Seen::new(Cause::NoMandatoryControl(name(context))))
}

fn eng_011(context: &Context<'_>) -> Option<Seen> {
    let unreadable = &context.inventory.unreadable;
    let names = unreadable.iter().map(|(id, it)| if it.name.is_empty() { id.as_str() } else { it.name.as_str() });
    (!unreadable.is_empty()).then(|| Seen::unverifiable(Cause::Unreadable(Few::of(names))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_branches_is_compared_with_its_source_once_a_year() {
        let (year, month, day) = COMPARED;
        let age = time::OffsetDateTime::now_utc().date() - time::Date::from_calendar_date(year, month, day).unwrap();
        assert!(
            age < time::Duration::days(365),
            "MAINTAINED is {} days old: compare it with moby's project/BRANCHES-AND-TAGS.md, then set COMPARED",
            age.whole_days()
        );
    }
}
