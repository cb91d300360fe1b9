//! PRV: power over the host, and how thin the container's walls are.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::net::capability;
use super::{Case, Check, Rule, Seen, mounts};
use crate::policy::finding::{Action, Severity};
use crate::policy::world::World;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "PRV-001",
        title: "privileged",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(prv_001),
        why: "a privileged container is root on the host: it sees all devices and may load modules, so no network wall \
              holds it",
        fix: "remove `privileged: true`; add the one capability or device that is needed",
        reference: "CIS Docker Benchmark 5.5",
    },
    Rule {
        id: "PRV-002",
        title: "an engine's or the host's control socket",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(prv_002),
        why: "whoever reaches the socket starts a privileged container and owns the host. Mounting it `:ro` changes \
              nothing: that protects the file, not what is said through it. A parent directory gives the socket too",
        fix: "remove the mount; put a read-only filter before the socket, reached over a network of its own",
        reference: "CIS Docker Benchmark 5.32",
    },
    Rule {
        id: "PRV-003",
        title: "a capability that opens the host",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(prv_003),
        why: "each of these capabilities has known ways out of a container",
        fix: "remove it from `cap_add`",
        reference: "CIS Docker Benchmark 5.4",
    },
    Rule {
        id: "PRV-004",
        title: "more capabilities than Docker's default set",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_004),
        why: "every capability is more of the kernel that can be reached",
        fix: "services:\n  app:\n    cap_drop: [ALL]\n    cap_add: []   # only what is needed",
        reference: "CIS Docker Benchmark 5.4",
    },
    Rule {
        id: "PRV-005",
        title: "the host's processes",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(prv_005),
        why: "with `pid: host` it sees the host's processes, their environment and, over `/proc/<pid>/root`, their files",
        fix: "remove `pid: host`",
        reference: "CIS Docker Benchmark 5.16",
    },
    Rule {
        id: "PRV-006",
        title: "shares processes or memory with a container that has a way out",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_006),
        why: "through the shared namespace it can act as, or hand data to, a container that reaches the outside; with \
              Traefik's processes it has Traefik, and is refused",
        fix: "remove `pid:` and `ipc:` from the service",
        reference: "docs/isolation.md#what-is-shared-is-a-way",
    },
    Rule {
        id: "PRV-007",
        title: "the host's shared memory",
        severity: Severity::High,
        action: Action::WarnStrictBlock,
        check: Check::App(prv_007),
        why: "with `ipc: host` it reads and writes the shared memory of the host's programs",
        fix: "remove `ipc: host`; set `shm_size` where more is needed",
        reference: "CIS Docker Benchmark 5.17",
    },
    Rule {
        id: "PRV-008",
        title: "the host's name",
        severity: Severity::Low,
        action: Action::Warn,
        check: Check::App(prv_008),
        why: "with `uts: host` and a capability it can rename the host",
        fix: "remove `uts: host`",
        reference: "CIS Docker Benchmark 5.21",
    },
    Rule {
        id: "PRV-009",
        title: "opts out of user namespaces",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_009),
        why: "the engine maps root in containers to an ordinary user of the host, but not in this one",
        fix: "remove `userns_mode: host`",
        reference: "CIS Docker Benchmark 5.31",
    },
    Rule {
        id: "PRV-010",
        title: "a device that is the host",
        severity: Severity::High,
        action: Action::Block,
        check: Check::App(prv_010),
        why: "memory and block devices are the host itself; `/dev/net/tun` is a tunnel of its own",
        fix: "remove the device from `devices` (or the rule from `device_cgroup_rules`)",
        reference: "CIS Docker Benchmark 5.18",
    },
    Rule {
        id: "PRV-011",
        title: "a device",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_011),
        why: "a device's driver is kernel code that the container talks to directly. For hardware acceleration \
              (`/dev/dri`) this is the price",
        fix: "remove the device if it is not needed",
        reference: "CIS Docker Benchmark 5.18",
    },
    Rule {
        id: "PRV-012",
        title: "no system call filter",
        severity: Severity::High,
        action: Action::Block,
        check: Check::App(prv_012),
        why: "`seccomp=unconfined` opens every system call, the ones that escapes are made of among them",
        fix: "remove `seccomp=unconfined` from `security_opt`; give a profile with the one call that is missing",
        reference: "CIS Docker Benchmark 5.22",
    },
    Rule {
        id: "PRV-013",
        title: "no AppArmor profile",
        severity: Severity::Medium,
        action: Action::WarnStrictBlock,
        check: Check::App(prv_013),
        why: "the engine's profile keeps a container from mounting and from much of `/proc` and `/sys`",
        fix: "remove `apparmor=unconfined` from `security_opt`",
        reference: "CIS Docker Benchmark 5.2",
    },
    Rule {
        id: "PRV-014",
        title: "SELinux switched off",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_014),
        why: "without a label SELinux does not keep the container from the host's files",
        fix: "remove `label=disable` (or `spc_t`) from `security_opt`; mount volumes with `:z`",
        reference: "CIS Docker Benchmark 5.3",
    },
    Rule {
        id: "PRV-015",
        title: "the kernel's files unmasked",
        severity: Severity::High,
        action: Action::Block,
        check: Check::App(prv_015),
        why: "with `systempaths=unconfined` files like `/proc/sysrq-trigger` and `/proc/kcore` are there and writable",
        fix: "remove `systempaths=unconfined` from `security_opt`",
        reference: "https://docs.docker.com/reference/cli/docker/container/run/#security-opt",
    },
    Rule {
        id: "PRV-016",
        title: "a directory that is the host",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::App(prv_016),
        why: "whoever writes to `/etc`, `/root` or the engine's own directory owns the host; whoever reads them knows \
              its secrets (read-only mounts are reported as high, not refused)",
        fix: "mount the one file or the subdirectory that is needed, or use a named volume",
        reference: "CIS Docker Benchmark 5.6",
    },
    Rule {
        id: "PRV-017",
        title: "mounts that spread to the host",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_017),
        why: "with shared propagation a mount made in the container appears on the host",
        fix: "remove `bind: propagation: shared` (or `:shared`, `:rshared`) from the volume",
        reference: "CIS Docker Benchmark 5.20",
    },
    Rule {
        id: "PRV-018",
        title: "may gain privileges",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(prv_018),
        why: "a set-uid program in the image makes an ordinary user root again",
        fix: "services:\n  app:\n    security_opt: [no-new-privileges:true]",
        reference: "CIS Docker Benchmark 5.26",
    },
    Rule {
        id: "PRV-019",
        title: "may change its own files",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Hygiene(prv_019),
        why: "an intruder can install tools and stay until the container is made anew",
        fix: "services:\n  app:\n    read_only: true\n    tmpfs: [/tmp]",
        reference: "CIS Docker Benchmark 5.13",
    },
    Rule {
        id: "PRV-020",
        title: "runs as root",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Hygiene(prv_020),
        why: "root in a container is root to the kernel, but for the capabilities it lacks",
        fix: "services:\n  app:\n    user: \"1000:1000\"",
        reference: "CIS Docker Benchmark 4.1",
    },
    Rule {
        id: "PRV-021",
        title: "has no limit on memory or processes",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::Hygiene(prv_021),
        why: "one container can take the memory or the process table of all, Traefik's and Leeward's too",
        fix: "services:\n  app:\n    mem_limit: 512m\n    pids_limit: 200",
        reference: "CIS Docker Benchmark 5.11",
    },
    Rule {
        id: "PRV-022",
        title: "the host's control groups",
        severity: Severity::Low,
        action: Action::Warn,
        check: Check::App(prv_022),
        why: "it sees, and with a capability changes, the limits of others",
        fix: "remove `cgroup: host` and `cgroup_parent` from the service",
        reference: "CIS Docker Benchmark 5.25",
    },
    Rule {
        id: "PRV-023",
        title: "an unusual runtime or group",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::App(prv_023),
        why: "another runtime has other walls; the group `docker` opens the engine's socket where it is mounted",
        fix: "remove `runtime:` or `group_add:` if nobody knows what it is for",
        reference: "https://docs.docker.com/reference/compose-file/services/#runtime",
    },
];

/// Sees something if it is so.
fn when(so: bool, words: impl FnOnce() -> String) -> Option<Seen> {
    so.then(|| Seen::new(words()))
}

/// A Swarm service whose confinement the engine did not show: nothing to judge.
fn untold(case: &Case<'_>) -> bool {
    case.container.swarm.is_some() && case.container.confinement == crate::inventory::Confinement::default()
}

fn prv_001(case: &Case<'_>) -> Option<Seen> {
    when(case.container.confinement.privileged, || format!("`{}` is privileged", case.name()))
}

fn prv_002(case: &Case<'_>) -> Option<Seen> {
    case.container.mounts.iter().filter(|mount| mount.kind == "bind" || mount.kind == "npipe").find_map(|mount| {
        let socket = mounts::socket(&mount.source)?;
        let ro = if mount.writable { "" } else { " (read-only makes no difference)" };
        Some(Seen::new(format!("`{}` mounts `{}`, which gives it `{socket}`{ro}", case.name(), mount.source)))
    })
}

fn prv_003(case: &Case<'_>) -> Option<Seen> {
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
    let found = added(case).find(|(name, _)| OPEN.contains(&&**name))?;
    Some(Seen::new(format!("`{}` has the capability {}", case.name(), found.1)))
}

/// The added capabilities, plain and as written.
fn added<'a>(case: &Case<'a>) -> impl Iterator<Item = (Cow<'a, str>, &'a String)> {
    let added: &BTreeSet<String> = &case.container.confinement.cap_add;
    added.iter().map(|name| (capability(name), name))
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
    let more: Vec<Cow<'_, str>> = added(case)
        .filter(|(name, _)| !DEFAULT_CAPABILITIES.contains(&&**name) && name != "NET_ADMIN")
        .map(|(name, _)| name)
        .collect();
    when(!more.is_empty(), || format!("`{}` has more capabilities than the default: {}", case.name(), more.join(", ")))
}

fn prv_005(case: &Case<'_>) -> Option<Seen> {
    when(case.container.confinement.pid_mode == "host", || format!("`{}` sees the host's processes", case.name()))
}

fn prv_006(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    let World { residents, namespaces, .. } = case.world;
    [("processes", &confinement.pid_mode), ("memory", &confinement.ipc_mode)].into_iter().find_map(|(what, mode)| {
        let reference = mode.strip_prefix("container:")?;
        let named = || residents.iter().position(|resident| resident.container.name == reference);
        let at = case.world.find(reference).or_else(named)?;
        let other = &residents.get(at)?.container;
        // Who sees the processes of the proxy is the proxy.
        if case.world.is_traefik(at) {
            let words = format!("`{}` shares {what} with `{}`, the proxy itself", case.name(), other.name);
            return Some(Seen::new(words).action(Action::Block));
        }
        when(namespaces.get(at)?.has_way_out(), || {
            format!("`{}` shares {what} with `{}`, which has a way out", case.name(), other.name)
        })
    })
}

fn prv_007(case: &Case<'_>) -> Option<Seen> {
    when(case.container.confinement.ipc_mode == "host", || format!("`{}` shares the host's memory", case.name()))
}

fn prv_008(case: &Case<'_>) -> Option<Seen> {
    when(case.container.confinement.uts_mode == "host", || format!("`{}` shares the host's name", case.name()))
}

fn prv_009(case: &Case<'_>) -> Option<Seen> {
    let options = case.world.inventory.engine.security_options.as_deref().unwrap_or_default();
    let maps = options.iter().any(|option| option.contains("name=userns"));
    when(maps && case.container.confinement.userns_mode == "host", || {
        format!("`{}` opts out of the engine's user namespaces", case.name())
    })
}

/// Whether a device is the host's memory, a disk or a tunnel.
fn is_host_device(path: &str) -> bool {
    const EXACT: [&str; 7] = ["/dev", "/dev/", "/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/port", "/dev/net/tun"];
    const DISKS: [&str; 12] = [
        "/dev/sd",
        "/dev/hd",
        "/dev/vd",
        "/dev/xvd",
        "/dev/nvme",
        "/dev/mmcblk",
        "/dev/md",
        "/dev/dm-",
        "/dev/mapper/",
        "/dev/loop",
        "/dev/disk/",
        "/dev/block/",
    ];
    EXACT.contains(&path) || DISKS.iter().any(|disk| path.starts_with(disk))
}

/// Whether a rule for devices, `c 10:200 rwm`, is about all of a kind, a disk, the host's memory or a tunnel.
fn is_host_rule(rule: &str) -> bool {
    rule.starts_with(['a', 'b', 'B', 'A'])
        || ["c *:", "c 1:1 ", "c 1:2 ", "c 1:4 ", "c 1:* ", "c 10:200 "].iter().any(|it| rule.starts_with(it))
}

fn prv_010(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    if let Some(device) = confinement.devices.iter().find(|device| is_host_device(device)) {
        return Some(Seen::new(format!("`{}` has the device `{device}`", case.name())));
    }
    let rule = confinement.device_cgroup_rules.iter().find(|rule| is_host_rule(rule))?;
    Some(Seen::new(format!("`{}` may use the devices `{rule}`", case.name())))
}

fn prv_011(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    if let Some(device) = confinement.devices.iter().find(|device| !is_host_device(device)) {
        return Some(Seen::new(format!("`{}` has the device `{device}`", case.name())));
    }
    if let Some(rule) = confinement.device_cgroup_rules.iter().find(|rule| !is_host_rule(rule)) {
        return Some(Seen::new(format!("`{}` may use the devices `{rule}`", case.name())));
    }
    when(confinement.device_requests, || format!("`{}` has devices of the host, a GPU or the like", case.name()))
}

/// A security option, `key=value` or `key:value`.
fn security_option<'a>(case: &Case<'a>, key: &str) -> impl Iterator<Item = &'a str> {
    case.container.confinement.security_opt.iter().filter_map(move |option| {
        let (found, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
        (found == key).then_some(value)
    })
}

fn prv_012(case: &Case<'_>) -> Option<Seen> {
    when(security_option(case, "seccomp").any(|value| value == "unconfined"), || {
        format!("`{}` has no system call filter", case.name())
    })
}

fn prv_013(case: &Case<'_>) -> Option<Seen> {
    let off = case.container.confinement.apparmor_profile == "unconfined"
        || security_option(case, "apparmor").any(|value| value == "unconfined");
    when(off && !case.container.confinement.privileged, || format!("`{}` has no AppArmor profile", case.name()))
}

fn prv_014(case: &Case<'_>) -> Option<Seen> {
    when(security_option(case, "label").any(|value| value == "disable" || value.contains("spc_t")), || {
        format!("`{}` has no SELinux label", case.name())
    })
}

fn prv_015(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    let empty = |paths: &Option<Vec<String>>| paths.as_ref().is_some_and(Vec::is_empty);
    when(!confinement.privileged && (empty(&confinement.masked_paths) || empty(&confinement.readonly_paths)), || {
        format!("`{}` sees the kernel's files unmasked", case.name())
    })
}

fn prv_016(case: &Case<'_>) -> Option<Seen> {
    let root_dir = case.world.inventory.engine.root_dir.as_deref();
    let mut readable = None;
    for mount in case.container.mounts.iter().filter(|mount| mount.kind == "bind") {
        let Some(path) = mounts::sensitive(&mount.source, root_dir, mount.writable) else { continue };
        if mount.writable {
            return Some(Seen::new(format!("`{}` may write to the host's `{path}`", case.name())));
        }
        readable = readable.or(Some(path));
    }
    let path = readable?;
    let words = format!("`{}` may read the host's `{path}`", case.name());
    Some(Seen::new(words).action(Action::Warn).severity(Severity::High))
}

fn prv_017(case: &Case<'_>) -> Option<Seen> {
    let mount =
        case.container.mounts.iter().find(|mount| matches!(mount.propagation.as_str(), "shared" | "rshared"))?;
    Some(Seen::new(format!("mounts that `{}` makes below `{}` spread to the host", case.name(), mount.destination)))
}

fn prv_018(case: &Case<'_>) -> Option<Seen> {
    let kept = security_option(case, "no-new-privileges").any(|value| value != "false");
    if case.container.swarm.is_some() && !kept {
        let words = format!(
            "whether the tasks of service `{}` may gain privileges is not in what the engine shows",
            case.name()
        );
        return Some(Seen::unverifiable(words));
    }
    when(!kept, || format!("`{}` may gain privileges: no-new-privileges is not set", case.name()))
}

fn prv_019(case: &Case<'_>) -> bool {
    !case.container.confinement.readonly_rootfs && !untold(case)
}

fn prv_020(case: &Case<'_>) -> bool {
    let user = case.container.confinement.user.split(':').next().unwrap_or_default();
    if !matches!(user, "" | "0" | "root") || untold(case) {
        return false;
    }
    let options = case.world.inventory.engine.security_options.as_deref().unwrap_or_default();
    !options.iter().any(|option| option.contains("name=userns") || option.contains("name=rootless"))
}

fn prv_021(case: &Case<'_>) -> bool {
    let confinement = &case.container.confinement;
    let unlimited = confinement.memory <= 0 || confinement.pids_limit.is_none_or(|limit| limit <= 0);
    unlimited && !untold(case)
}

fn prv_022(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    let engine = &case.world.inventory.engine;
    // On control groups of version 1 the engine's default is the host's own; then it does not list the option.
    let knows =
        engine.security_options.as_ref().is_none_or(|options| options.iter().any(|o| o.contains("name=cgroupns")));
    if confinement.cgroupns_mode == "host" && knows {
        return Some(Seen::new(format!("`{}` sees the host's control groups", case.name())));
    }
    // Podman sets a parent by itself.
    let parent = &confinement.cgroup_parent;
    when(!parent.is_empty() && !engine.product.contains("Podman"), || {
        format!("`{}` is in the control group `{parent}`", case.name())
    })
}

fn prv_023(case: &Case<'_>) -> Option<Seen> {
    let confinement = &case.container.confinement;
    if !matches!(confinement.runtime.as_str(), "" | "runc" | "crun" | "oci" | "io.containerd.runc.v2") {
        return Some(Seen::new(format!("`{}` runs under the runtime `{}`", case.name(), confinement.runtime)));
    }
    let group = confinement.group_add.iter().find(|group| matches!(group.as_str(), "0" | "root" | "docker"))?;
    Some(Seen::new(format!("`{}` is in the group `{group}`", case.name())))
}
