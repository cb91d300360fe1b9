//! PRV: power over the host.

use super::{About, listed, mounts_socket};
use crate::policy::cause::Few;
use crate::policy::namespaces::Shared;
use crate::policy::rules::mounts::HostPath;
use crate::policy::rules::privilege::{Cause, Has};
use crate::report::asked::HERE;
use crate::report::visible::visible;
use crate::seccomp::Filter;

/// What PRV-018 says of every container.
pub(super) const MAY_GAIN: &str = "may gain privileges: no-new-privileges is not set";

pub(super) fn words(cause: &Cause, About { name, .. }: About<'_>) -> String {
    match cause {
        Cause::Privileged => format!("`{name}` is privileged"),
        Cause::PrivilegedHook(hook) => format!("`{name}` runs a hook (`{hook}`) that is privileged"),
        Cause::Socket { path, socket, writable } => {
            let ro = if *writable { "" } else { " (read-only makes no difference)" };
            format!("{}{ro}", mounts_socket(name, path, socket))
        }
        Cause::Capability(capability) => format!("`{name}` has the capability {capability}"),
        Cause::MoreCapabilities(more) => {
            format!("`{name}` has more capabilities than the default: {}", more.join(", "))
        }
        Cause::HostProcesses => format!("`{name}` sees the host's processes"),
        Cause::HostMemory => format!("`{name}` shares the host's memory"),
        Cause::HostName => format!("`{name}` shares the host's name"),
        Cause::NoUserNamespaces => format!("`{name}` opts out of the engine's user namespaces"),
        Cause::Device(device) => format!("`{name}` has the device `{device}`"),
        Cause::DeviceRulesUnsaid => format!(
            "`{name}` may make device files (MKNOD), and Podman's API does not say whether `--device-cgroup-rule` lets it use \
             them"
        ),
        Cause::DeviceRule { rule, unknown: false } => format!("`{name}` may use the devices `{rule}`"),
        Cause::DeviceRule { rule, unknown: true } => format!(
            "`{name}` may use the devices `{rule}`, a number that the kernel gives to any driver, disks' among them"
        ),
        Cause::DeviceRequest => format!("`{name}` has devices of the host, a GPU or the like"),
        Cause::Filter(filter) => match filter {
            Filter::None => format!("`{name}` has no system call filter"),
            Filter::AllowsByDefault(action) => {
                format!("`{name}` has a system call filter that allows by default: `{action}`")
            }
            Filter::List(calls) => format!(
                "`{name}` has a system call filter that allows {}, which the engine's own does not",
                listed(&Few::of(calls.iter().map(String::as_str)))
            ),
            Filter::Unreadable => format!("`{name}` has a system call filter that could not be read"),
        },
        Cause::NoAppArmor => format!("`{name}` has no AppArmor profile"),
        Cause::NoSelinux => format!("`{name}` has no SELinux label"),
        Cause::Unmasked => format!("`{name}` sees the kernel's files unmasked"),
        Cause::HostPath { path: HostPath { path, holds }, writable } => {
            let may = if *writable { "may write to" } else { "may read" };
            let holds = holds.as_ref().map(|holds| format!(" with `{holds}`")).unwrap_or_default();
            format!("`{name}` {may} the host's `{path}`{holds}")
        }
        Cause::Propagates(below) => format!("mounts that `{name}` makes below `{below}` spread to the host"),
        Cause::MayGain => format!("`{name}` {MAY_GAIN}"),
        Cause::MayGainUnknown => {
            format!("whether the tasks of service `{name}` may gain privileges is not in what the engine shows")
        }
        Cause::HostControlGroups => format!("`{name}` sees the host's control groups"),
        Cause::OwnControlGroups => format!("`{name}` may write to its control groups, and so change its limits"),
        Cause::ControlGroup(parent) => format!("`{name}` is in the control group `{parent}`"),
        Cause::Runtime(runtime) => format!("`{name}` runs under the runtime `{runtime}`"),
        Cause::Group(group) => format!("`{name}` is in the group `{group}`"),
        Cause::Annotation(annotation) => format!("`{name}` has the annotation `{annotation}`, which its runtime obeys"),
        Cause::Watches { way_out, raw_frames } => {
            let more = match (way_out, raw_frames) {
                (true, _) => ", and has a way out",
                (false, true) => ", and may send raw frames",
                (false, false) => "",
            };
            format!("`{name}` sees the processes of the host and of every container{more}")
        }
        Cause::SharesUnknown { what, mode } => {
            format!("`{name}` shares {} with `{mode}`, which does not exist or could not be read", shared(Some(*what)))
        }
        Cause::SharesUnread { what, other } => format!(
            "`{other}`, which could not be read, shares {} with `{name}` or its group; it counts as having a way out",
            shared(Some(*what))
        ),
        Cause::Shares { what, other, has } => {
            let through = if what.is_none() { ", through others" } else { "" };
            format!("`{name}` shares {} with `{other}`{through}: {}", shared(*what), could(has, other))
        }
    }
}

/// What to take out, by its name.
pub(super) fn remedy(cause: &Cause) -> Option<String> {
    Some(match cause {
        Cause::PrivilegedHook(hook) => format!("delete `privileged: true` below `{}`", visible(hook)),
        Cause::Capability(capability) => format!("delete {} from `cap_add`", visible(capability)),
        Cause::MoreCapabilities(more) => format!("delete {} from `cap_add`", visible(&more.join(", "))),
        Cause::Socket { path, .. } => format!(
            "delete the mount of `{}` from `volumes`; what has to ask the engine asks a read-only filter, on a network of \
             its own",
            visible(path)
        ),
        Cause::Device(device) => {
            format!("delete `{}` from `devices`, if it is not what the application is for", visible(device))
        }
        Cause::DeviceRule { rule, .. } => format!("delete `{}` from `device_cgroup_rules`", visible(rule)),
        Cause::DeviceRequest => "delete `gpus:`, or `devices:` below `deploy:`, if it is not needed".to_owned(),
        Cause::HostPath { path: HostPath { path, .. }, .. } if path == "/dev/shm" => {
            "delete the mount of `/dev/shm`, and give it shared memory of its own: shm_size: 1gb".to_owned()
        }
        Cause::HostPath { path: HostPath { path, holds: None }, writable: false } => format!(
            "delete the mount of `{}`; give it a copy of what it needs there, in a directory of its own",
            visible(path)
        ),
        Cause::HostPath { path: HostPath { path, .. }, .. } => format!(
            "in place of `{}`, mount only the file or the subdirectory that is needed, or use a named volume",
            visible(path)
        ),
        Cause::HostControlGroups => "delete `cgroup: host`".to_owned(),
        Cause::OwnControlGroups => "delete `writable-cgroups=true` from `security_opt`".to_owned(),
        Cause::ControlGroup(_) => "delete `cgroup_parent`".to_owned(),
        Cause::Runtime(runtime) => format!("delete `runtime: {}`, if it is not needed", visible(runtime)),
        Cause::Annotation(annotation) => format!(
            "delete `{}` from `annotations`; if the image brings it along (Podman), use another image",
            visible(annotation)
        ),
        Cause::Group(group) => format!("delete `{}` from `group_add`, if it is not needed", visible(group)),
        _ => return None,
    })
}

fn shared(what: Option<Shared>) -> &'static str {
    match what {
        Some(Shared::Network) => "its network",
        Some(Shared::Processes) => "its processes",
        Some(Shared::Memory) => "its memory",
        None => "a namespace",
    }
}

fn could(has: &Has, name: &str) -> String {
    match has {
        Has::Proxy => format!("`{name}` is the proxy itself"),
        Has::Leeward => format!("`{name}` is Leeward, which tells the proxy its routes"),
        Has::WayOut(network) => format!("`{name}` has a way out over `{network}`"),
        Has::RawFrames => format!("`{name}` may send raw frames"),
        Has::Seen(rule, cause) => {
            format!("{} ({rule})", super::words(cause, About { name, service: None, label: "", asked: &HERE }))
        }
    }
}
