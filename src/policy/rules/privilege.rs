//! PRV: power over the host, and how thin the container's walls are.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::devices::{self, Opens};
use super::judge::{Power, PowerKind};
use super::net::{capability, net_raw};
use super::{Case, Check, Rule, Seen, mounts};
use crate::inventory::Mount;
use crate::policy::cause;
use crate::policy::finding::{Action, Severity};
use crate::policy::namespaces::{self, Shared};
use crate::policy::rule_id::RuleId;
use crate::seccomp::{self, Filter};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Prv001,
        title: "privileged",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Power(prv_001),
        why: "a privileged container is root on the host: it sees all devices and may load modules, so network isolation \
              does not stop it. A privileged hook of a Compose service (`post_start`, `pre_stop`) is a command of the image \
              that runs so; only `check` sees it",
        fix: "delete `privileged: true`; where it needs a capability or a device, add that one",
        reference: "CIS Docker Benchmark 5.5",
    },
    Rule {
        id: RuleId::Prv002,
        title: "has a control socket of an engine or of the host",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Power(prv_002),
        why: "whoever reaches the socket starts a privileged container and owns the host. Mounting it `:ro` changes \
              nothing: that protects the file, not what is said through it. A parent directory gives the socket too",
        fix: "delete the mount from `volumes`; what has to ask the engine asks a read-only filter, on a network of its own",
        reference: "CIS Docker Benchmark 5.32",
    },
    Rule {
        id: RuleId::Prv003,
        title: "has a capability that gives power over the host",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Power(prv_003),
        why: "each of these capabilities has known ways out of a container",
        fix: "delete it from `cap_add`",
        reference: "CIS Docker Benchmark 5.4",
    },
    Rule {
        id: RuleId::Prv004,
        title: "has more capabilities than Docker's default set",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_004),
        why: "every capability opens more of the kernel to attacks",
        fix: "delete them from `cap_add`",
        reference: "CIS Docker Benchmark 5.4",
    },
    Rule {
        id: RuleId::Prv005,
        title: "shares the process namespace of the host",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Power(prv_005),
        why: "with `pid: host` it sees the host's processes, their environment and, over `/proc/<pid>/root`, their files",
        fix: "delete `pid: host`",
        reference: "CIS Docker Benchmark 5.16",
    },
    Rule {
        id: RuleId::Prv006,
        title: "shares a namespace with a container that has a way out or power over the host",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(prv_006),
        why: "containers in one process or IPC namespace can act as each other, and reach each other's files through \
              `/proc/<pid>/root`; in one network namespace they reach what the other opens for itself. So the ways out, \
              mounts, sockets and privileges of all that share one, directly or through a third, are judged together. \
              It makes no difference who joined whom",
        fix: "delete `pid:`, `ipc:` or `network_mode:` with `service:…` or `container:…` from the one that names the other",
        reference: "docs/isolation.md#what-is-shared-is-a-way",
    },
    Rule {
        id: RuleId::Prv007,
        title: "shares the IPC namespace of the host",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Power(prv_007),
        why: "with `ipc: host` it reads and writes the shared memory of the host's programs, and of every other container \
              that has it",
        fix: "delete `ipc: host`; where it needs more shared memory, set `shm_size`",
        reference: "CIS Docker Benchmark 5.17",
    },
    Rule {
        id: RuleId::Prv008,
        title: "shares the UTS namespace of the host",
        severity: Severity::Low,
        action: Action::Warn,
        check: Check::App(prv_008),
        why: "with `uts: host` and a capability it can rename the host",
        fix: "delete `uts: host`",
        reference: "CIS Docker Benchmark 5.21",
    },
    Rule {
        id: RuleId::Prv009,
        title: "does not use user namespaces",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_009),
        why: "the engine maps root in containers to an ordinary user of the host, but not for this container",
        fix: "delete `userns_mode: host`",
        reference: "CIS Docker Benchmark 5.31",
    },
    Rule {
        id: RuleId::Prv010,
        title: "has a device that gives power over the host",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Power(prv_010),
        why: "memory, disks (LVM's, ZFS's and the raw commands of `/dev/sg*` among them), consoles and hardware that \
              writes to memory are the host itself; `/dev/net/tun` is a tunnel of its own. In `device_cgroup_rules` a `*` \
              is all of a kind, and numbers from 234 to 254 and from 384 on are any driver's",
        fix: "delete the device from `devices` (or the rule from `device_cgroup_rules`)",
        reference: "CIS Docker Benchmark 5.18",
    },
    Rule {
        id: RuleId::Prv011,
        title: "has a device of the host",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_011),
        why: "a device's driver is kernel code that the container talks to directly. Hardware acceleration \
              (`/dev/dri`) needs it",
        fix: "delete the device from `devices`, if it is not needed",
        reference: "CIS Docker Benchmark 5.18",
    },
    Rule {
        id: RuleId::Prv012,
        title: "no system call filter, or one that allows dangerous calls",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Power(prv_012),
        why: "`seccomp=unconfined` opens every system call, also those that are used to escape. A profile of its \
              own does the same if its default action allows, or if it allows calls that the engine's own gives to \
              nobody or only with a capability: `mount`, `unshare`, `setns`, `bpf`, `keyctl` and their like. One that \
              cannot be read counts as such (Podman, and `check`, see only its path)",
        fix: "delete `seccomp=…` from `security_opt`; or take the engine's own profile and add the one call that is missing",
        reference: "CIS Docker Benchmark 5.22",
    },
    Rule {
        id: RuleId::Prv013,
        title: "no AppArmor profile",
        severity: Severity::Medium,
        action: Action::WarnStrictBlock,
        check: Check::Power(prv_013),
        why: "the engine's profile keeps a container from mounting and from much of `/proc` and `/sys`",
        fix: "delete `apparmor=unconfined` from `security_opt`",
        reference: "CIS Docker Benchmark 5.2",
    },
    Rule {
        id: RuleId::Prv014,
        title: "SELinux is switched off",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_014),
        why: "without a label SELinux does not keep the container from the host's files",
        fix: "delete `label=disable` (or `spc_t`) from `security_opt`; mount volumes with `:z`",
        reference: "CIS Docker Benchmark 5.3",
    },
    Rule {
        id: RuleId::Prv015,
        title: "kernel files are not masked",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Power(prv_015),
        why: "with `systempaths=unconfined` files like `/proc/sysrq-trigger` and `/proc/kcore` are there and writable",
        fix: "delete `systempaths=unconfined` from `security_opt`",
        reference: "https://docs.docker.com/reference/cli/docker/container/run/#security-opt",
    },
    Rule {
        id: RuleId::Prv016,
        title: "a mount gives power over the host",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Power(prv_016),
        why: "whoever writes to `/etc/cron.d`, `/root/.ssh`, `/usr/local/bin`, `/proc/sys` or the engine's own directory, \
              at them, below them or above them, owns the host; whoever reads `/etc/shadow`, `/root/.ssh`, `/etc/ssl/private`, \
              cloud credentials, or the volumes of others by their path (`/var/lib/docker/volumes/…`) knows its secrets \
              and theirs (to read: high, refused under `strict`)",
        fix: "mount only the file or the subdirectory that is needed, or use a named volume",
        reference: "CIS Docker Benchmark 5.6",
    },
    Rule {
        id: RuleId::Prv017,
        title: "mounts made in the container appear on the host",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_017),
        why: "with shared propagation a mount made in the container appears on the host",
        fix: "delete `bind: propagation: shared` (or `:shared`, `:rshared`) from the volume",
        reference: "CIS Docker Benchmark 5.20",
    },
    Rule {
        id: RuleId::Prv018,
        title: "may gain privileges",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_018),
        why: "a set-uid program in the image makes an ordinary user root again",
        fix: "services:\n  {service}:\n    security_opt: [no-new-privileges:true]",
        reference: "CIS Docker Benchmark 5.26",
    },
    Rule {
        id: RuleId::Prv019,
        title: "may change its own files",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Hygiene(prv_019),
        why: "an intruder can install tools that stay until the container is recreated",
        fix: "services:\n  {service}:\n    read_only: true\n    tmpfs: [/tmp]",
        reference: "CIS Docker Benchmark 5.13",
    },
    Rule {
        id: RuleId::Prv020,
        title: "runs as root",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Hygiene(prv_020),
        why: "root in a container is root to the kernel, but for the capabilities it lacks",
        fix: "services:\n  {service}:\n    user: \"1000:1000\"",
        reference: "CIS Docker Benchmark 4.1",
    },
    Rule {
        id: RuleId::Prv021,
        title: "has no limit on memory or processes",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Hygiene(prv_021),
        why: "one container can take the memory or the process table of all, Traefik's and Leeward's too",
        fix: "services:\n  {service}:\n    mem_limit: 512m\n    pids_limit: 200",
        reference: "CIS Docker Benchmark 5.11",
    },
    Rule {
        id: RuleId::Prv022,
        title: "uses control groups of the host",
        severity: Severity::Low,
        action: Action::Warn,
        check: Check::App(prv_022),
        why: "it sees, and with a capability changes, the limits of others",
        fix: "delete `cgroup: host` and `cgroup_parent` from the service",
        reference: "CIS Docker Benchmark 5.25",
    },
    Rule {
        id: RuleId::Prv023,
        title: "uses an unusual runtime or group",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::App(prv_023),
        why: "another runtime isolates differently; the group `docker` opens the engine's socket where it is mounted",
        fix: "delete `runtime:` or `group_add:` if it is not needed",
        reference: "https://docs.docker.com/reference/compose-file/services/#runtime",
    },
    Rule {
        id: RuleId::Prv024,
        title: "sees the processes of all containers",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Host(prv_024),
        why: "with `pid: host` a container that asks for no route (a metrics exporter, say) sees the processes of every \
              container, and with the right user or capability reads their memory and files. It refuses nobody, also not \
              under `strict`; it is high if that container has a way out or may send raw frames",
        fix: "delete `pid: host`; or, if it is there to watch the others, take its way out and NET_RAW from it and allow it:\n\
              services:\n  {service}:\n    labels:\n      leeward.allow: PRV-024",
        reference: "CIS Docker Benchmark 5.16",
    },
    Rule {
        id: RuleId::Prv025,
        title: "has an annotation that its runtime obeys",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Power(prv_025),
        why: "what stands in some annotations is done by the runtime, which is root: `org.systemd.property.Conflicts` stops \
              services of the host, `run.oci.seccomp_bpf_data` takes the place of the system call filter, `io.katacontainers.` and \
              `dev.gvisor.` are settings of other runtimes. Podman takes annotations from the image too. Only their names are \
              looked at; Docker before 24 has none",
        fix: "delete it from `annotations`; if the image brings it along (Podman), use another image",
        reference: "https://github.com/opencontainers/runtime-spec/blob/main/features.md#unsafe-annotations-in-configjson",
    },
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    Privileged,
    /// A hook of its Compose service is.
    PrivilegedHook(String),
    /// A mount of `path` gives it a socket.
    Socket {
        path: String,
        socket: &'static str,
        writable: bool,
    },
    Capability(String),
    MoreCapabilities(Vec<String>),
    HostProcesses,
    HostMemory,
    HostName,
    NoUserNamespaces,
    Device(String),
    /// It may make device files, and Podman does not say which of them it may use.
    DeviceRulesUnsaid,
    /// A rule for devices; `unknown`: for numbers that the kernel gives to any driver.
    DeviceRule {
        rule: String,
        unknown: bool,
    },
    /// A GPU or the like.
    DeviceRequest,
    Filter(Filter),
    NoAppArmor,
    NoSelinux,
    Unmasked,
    HostPath {
        path: mounts::HostPath,
        writable: bool,
    },
    /// Mounts below this spread to the host.
    Propagates(String),
    MayGain,
    /// Of a Swarm service that is not known.
    MayGainUnknown,
    HostControlGroups,
    OwnControlGroups,
    ControlGroup(String),
    Runtime(String),
    Group(String),
    /// Its runtime obeys this annotation.
    Annotation(String),
    /// It asks for no route, and sees the host's processes.
    Watches {
        way_out: bool,
        raw_frames: bool,
    },
    /// It names a namespace (`container:x`) that is nobody's that is known.
    SharesUnknown {
        what: Shared,
        mode: String,
    },
    /// A container that could not be read shares a namespace with it or its group.
    SharesUnread {
        what: Shared,
        other: String,
    },
    /// It shares a namespace with one that has a way out or power over the host; `what: None` through others.
    Shares {
        what: Option<Shared>,
        other: String,
        has: Has,
    },
}

/// What a container could do for those that share a namespace with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Has {
    /// It is the proxy itself.
    Proxy,
    /// It tells the proxy its routes.
    Leeward,
    /// Over this network.
    WayOut(String),
    RawFrames,
    /// What a rule saw.
    Seen(RuleId, Arc<cause::Cause>),
}

/// Sees something if it is so.
fn when(so: bool, cause: Cause) -> Option<Seen> {
    so.then(|| Seen::new(cause))
}

/// A Swarm service whose confinement the engine did not show: nothing to judge.
fn untold(case: &Case<'_>) -> bool {
    case.container.swarm.is_some() && case.container.confinement == crate::inventory::Confinement::default()
}

fn prv_001(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    let hook = confinement.privileged_hooks.first().map(|hook| Seen::new(Cause::PrivilegedHook(hook.clone())));
    when(confinement.privileged, Cause::Privileged).or(hook)
}

/// Whether the source of a mount is a place that the host chose: a bind, or what a volume's plugin gives out.
fn shows_host(case: &Case<'_>, mount: &Mount) -> bool {
    match mount.kind.as_str() {
        "tmpfs" | "image" | "cluster" => false,
        // Below the engine's own directory; a bind that its options hide is VOL-002.
        "volume" => {
            let mut volumes = mount.volumes(&case.context.inventory.volumes);
            volumes.any(|it| !matches!(it.driver.as_str(), "local" | ""))
        }
        _ => mounts::is_absolute(&mount.source),
    }
}

fn prv_002(case: &Case<'_>) -> Option<Seen> {
    case.container.mounts.iter().filter(|mount| shows_host(case, mount)).find_map(|mount| {
        let socket = mounts::socket(&mount.source)?;
        Some(Seen::new(Cause::Socket { path: mount.source.clone(), socket, writable: mount.writable }))
    })
}

/// Capabilities with known ways out of a container.
const OPEN: [&str; 13] = [
    "ALL",
    "BPF",
    "DAC_READ_SEARCH",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "PERFMON",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "CHECKPOINT_RESTORE",
];

/// Whether a capability, however it is written, gives power over the host or over its network (PRV-003, NET-014).
pub fn gives_power(name: &str) -> bool {
    let name = capability(name);
    name == "NET_ADMIN" || OPEN.contains(&&*name)
}

fn prv_003(case: &Case<'_>) -> Option<Seen> {
    let found = added(case).find(|name| OPEN.contains(&&**name))?;
    Some(Seen::new(Cause::Capability(found.into_owned())))
}

/// The added capabilities, plain.
fn added<'a>(case: &Case<'a>) -> impl Iterator<Item = Cow<'a, str>> {
    let added: &BTreeSet<String> = &case.container.confinement.cap_add;
    added.iter().map(|name| capability(name))
}

/// Docker's default set. Source: moby `daemon/pkg/oci/caps/defaults.go`.
const DEFAULT_CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn prv_004(case: &Case<'_>) -> Option<Seen> {
    if case.container.confinement.cap_add.is_empty() || prv_003(case).is_some() {
        return None;
    }
    let more: Vec<String> = added(case)
        .filter(|name| !DEFAULT_CAPABILITIES.contains(&&**name) && name != "NET_ADMIN")
        .map(Cow::into_owned)
        .collect();
    (!more.is_empty()).then(|| Seen::new(Cause::MoreCapabilities(more)))
}

fn prv_005(case: &Case<'_>) -> Option<Seen> {
    when(case.container.confinement.pid_mode == "host", Cause::HostProcesses)
}

fn prv_006(case: &Case<'_>) -> Option<Seen> {
    if let Some((what, mode)) = case.namespace.lost {
        return Some(Seen::unverifiable(Cause::SharesUnknown { what, mode: mode.to_owned() }));
    }
    if let Some((other, what)) = case.context.namespaces.unread(case.at) {
        return Some(Seen::unverifiable(Cause::SharesUnread { what, other: other.name.clone() }));
    }
    let allowed = case.context.candidates.get(case.at).map(|candidate| &candidate.allowed);
    let held = |power: &&Power<'_>| {
        let same_network = power.network == case.network_owner();
        power.holder.id != case.container.id
            && match power.kind {
                PowerKind::Proxy => true,
                // One more way out gives nothing to who has one.
                PowerKind::WayOut => !same_network && !case.namespace.has_way_out(),
                PowerKind::RawFrames => {
                    same_network && net_raw(case.container, &case.context.inventory.engine) == Some(false)
                }
                PowerKind::Rule(id) => !allowed.is_some_and(|allowed| allowed.contains(&id)),
            }
    };
    let mut powers = case.powers.iter().filter(held);
    let first = powers.clone().find(|power| power.action == Action::Block).or_else(|| powers.next())?;
    let what = case.context.namespaces.shared(case.at, first.at);
    let cause = Cause::Shares { what, other: first.holder.name.clone(), has: first.has.clone() };
    Some(Seen::new(cause).action(first.action))
}

fn prv_024(case: &Case<'_>) -> Option<Seen> {
    if case.container.confinement.pid_mode != "host" {
        return None;
    }
    let way_out = case.context.namespaces.leaves_by(case.at).is_some();
    let raw_frames = net_raw(case.container, &case.context.inventory.engine) != Some(false);
    let seen = Seen::new(Cause::Watches { way_out, raw_frames });
    Some(if way_out || raw_frames { seen.severity(Severity::High) } else { seen })
}

fn prv_007(case: &Case<'_>) -> Option<Seen> {
    when(case.container.confinement.ipc_mode == "host", Cause::HostMemory)
}

fn prv_008(case: &Case<'_>) -> Option<Seen> {
    when(case.container.confinement.uts_mode == "host", Cause::HostName)
}

fn prv_009(case: &Case<'_>) -> Option<Seen> {
    when(has_option(case, "name=userns") && case.container.confinement.userns_mode == "host", Cause::NoUserNamespaces)
}

fn prv_010(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    if let Some(device) = confinement.devices.iter().find(|device| devices::is_host(device)) {
        return Some(Seen::new(Cause::Device(device.clone())));
    }
    let rules = || confinement.device_cgroup_rules.iter().map(|rule| (rule, devices::opens(rule)));
    if let Some((rule, _)) = rules().find(|(_, opens)| *opens == Opens::Host) {
        return Some(Seen::new(Cause::DeviceRule { rule: rule.clone(), unknown: false }));
    }
    // Podman's API leaves `DeviceCgroupRules` out. Without MKNOD they are worth nothing, and it gives that to nobody by itself.
    if namespaces::is_podman(&case.context.inventory.engine) && added(case).any(|name| name == "MKNOD") {
        return Some(Seen::unverifiable(Cause::DeviceRulesUnsaid));
    }
    let (rule, _) = rules().find(|(_, opens)| *opens == Opens::Unknown)?;
    Some(Seen::unverifiable(Cause::DeviceRule { rule: rule.clone(), unknown: true }))
}

fn prv_011(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    if let Some(device) = confinement.devices.iter().find(|device| !devices::is_host(device)) {
        return Some(Seen::new(Cause::Device(device.clone())));
    }
    if let Some(rule) = confinement.device_cgroup_rules.iter().find(|rule| devices::opens(rule) == Opens::Device) {
        return Some(Seen::new(Cause::DeviceRule { rule: rule.clone(), unknown: false }));
    }
    when(confinement.device_requests, Cause::DeviceRequest)
}

/// Whether the engine says that it has an option.
fn has_option(case: &Case<'_>, name: &str) -> bool {
    let options = case.context.inventory.engine.security_options.as_deref().unwrap_or_default();
    options.iter().any(|option| option.contains(name))
}

/// A security option, `key=value` or `key:value`.
fn security_option<'a>(case: &Case<'a>, key: &str) -> impl Iterator<Item = &'a str> {
    case.container.confinement.security_opt.iter().filter_map(move |option| {
        let (found, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
        (found == key).then_some(value)
    })
}

fn prv_012(case: &Case<'_>) -> Option<Seen> {
    case.container.confinement.security_opt.iter().find_map(|option| match seccomp::filter(option)? {
        Filter::List(calls) if calls.is_empty() => None,
        filter @ Filter::Unreadable => Some(Seen::unverifiable(Cause::Filter(filter))),
        filter => Some(Seen::new(Cause::Filter(filter))),
    })
}

fn prv_013(case: &Case<'_>) -> Option<Seen> {
    let off = case.container.confinement.apparmor_profile == "unconfined"
        || security_option(case, "apparmor").any(|value| value == "unconfined");
    when(off && !case.container.confinement.privileged, Cause::NoAppArmor)
}

fn prv_014(case: &Case<'_>) -> Option<Seen> {
    when(
        security_option(case, "label")
            .any(|value| value == "disable" || value.contains("spc_t") || value.contains("unconfined_t")),
        Cause::NoSelinux,
    )
}

fn prv_015(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    let empty = |paths: &Option<Vec<String>>| paths.as_ref().is_some_and(Vec::is_empty);
    let unmasked = empty(&confinement.masked_paths) || empty(&confinement.readonly_paths);
    // Podman's word for it.
    let unmasked = unmasked || security_option(case, "unmask").any(|paths| !paths.is_empty());
    when(!confinement.privileged && unmasked, Cause::Unmasked)
}

fn prv_016(case: &Case<'_>) -> Option<Seen> {
    let root_dir = case.context.inventory.engine.root_dir.as_deref();
    let mut readable = None;
    for mount in case.container.mounts.iter().filter(|mount| mount.kind != "npipe" && shows_host(case, mount)) {
        if mount.writable && mounts::is_below_dev(&mount.source) {
            if devices::is_host(&mount.source) {
                let path = mounts::HostPath::plain(mount.source.clone());
                return Some(Seen::new(Cause::HostPath { path, writable: true }));
            }
            continue;
        }
        let gives = |writable| mounts::sensitive(&mount.source, root_dir, writable);
        if let Some(path) = mount.writable.then(|| gives(true)).flatten() {
            return Some(Seen::new(Cause::HostPath { path, writable: true }));
        }
        let Some(path) = gives(false) else { continue };
        if let Some(below) = mounts::stays_writable(&path.path).filter(|_| is_shallow(case) && prv_020(case)) {
            let path = mounts::HostPath { holds: Some(below.to_owned()), ..path };
            return Some(Seen::new(Cause::HostPath { path, writable: true }));
        }
        readable = readable.or(Some(path));
    }
    let seen = Seen::new(Cause::HostPath { path: readable?, writable: false });
    Some(seen.action(Action::WarnStrictBlock).severity(Severity::High))
}

/// Whether the engine makes only the mount itself read-only, not what is mounted below it: Docker before 25, and Podman.
/// Source: moby pull request 45278; podman-run(1).
fn is_shallow(case: &Case<'_>) -> bool {
    let engine = &case.context.inventory.engine;
    namespaces::is_podman(engine) || namespaces::docker_version(engine).is_some_and(|version| version < (25, 0, 0))
}

fn prv_017(case: &Case<'_>) -> Option<Seen> {
    let mount =
        case.container.mounts.iter().find(|mount| matches!(mount.propagation.as_str(), "shared" | "rshared"))?;
    Some(Seen::new(Cause::Propagates(mount.destination.clone())))
}

fn prv_018(case: &Case<'_>) -> Option<Seen> {
    // As Go reads a boolean; without a value it is one.
    let is_no = |value: &str| matches!(value, "0" | "f" | "F" | "false" | "False" | "FALSE");
    let mut own = security_option(case, "no-new-privileges").peekable();
    // The engine's own setting is everybody's, but for who says no.
    let of_all = own.peek().is_none() && has_option(case, "name=no-new-privileges");
    let kept = of_all || own.any(|value| !is_no(value));
    if case.container.swarm.is_some() && !kept {
        return Some(Seen::unverifiable(Cause::MayGainUnknown));
    }
    when(!kept, Cause::MayGain)
}

fn prv_019(case: &Case<'_>) -> bool {
    !case.container.confinement.readonly_rootfs && !untold(case)
}

fn prv_020(case: &Case<'_>) -> bool {
    let user = case.container.confinement.user.split(':').next().unwrap_or_default();
    if !matches!(user, "" | "0" | "root") || untold(case) {
        return false;
    }
    let is_mapped = has_option(case, "name=userns") && case.container.confinement.userns_mode != "host";
    !is_mapped && !has_option(case, "name=rootless")
}

fn prv_021(case: &Case<'_>) -> bool {
    let confinement = &case.container.confinement;
    let unlimited = confinement.memory <= 0 || confinement.pids_limit.is_none_or(|limit| limit <= 0);
    unlimited && !untold(case)
}

fn prv_022(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    let engine = &case.context.inventory.engine;
    // On control groups of version 1 the engine's default is the host's own; then it does not list the option.
    let knows =
        engine.security_options.as_ref().is_none_or(|options| options.iter().any(|o| o.contains("name=cgroupns")));
    if confinement.cgroupns_mode == "host" && knows {
        return Some(Seen::new(Cause::HostControlGroups));
    }
    // Its own may be written, and so its limits.
    if security_option(case, "writable-cgroups")
        .any(|value| matches!(value, "" | "1" | "t" | "T" | "true" | "True" | "TRUE"))
    {
        return Some(Seen::new(Cause::OwnControlGroups));
    }
    // Podman sets a parent by itself.
    let parent = &confinement.cgroup_parent;
    let is_set = !parent.is_empty() && !engine.product.contains("Podman");
    is_set.then(|| Seen::new(Cause::ControlGroup(parent.clone())))
}

fn prv_023(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    if !matches!(confinement.runtime.as_str(), "" | "runc" | "crun" | "oci" | "io.containerd.runc.v2") {
        return Some(Seen::new(Cause::Runtime(confinement.runtime.clone())));
    }
    let group = confinement.group_add.iter().find(|group| matches!(group.as_str(), "0" | "root" | "docker"))?;
    Some(Seen::new(Cause::Group(group.clone())))
}

fn prv_025(case: &Case<'_>) -> Option<Seen> {
    Some(Seen::new(Cause::Annotation(case.container.confinement.annotations.first()?.clone())))
}
