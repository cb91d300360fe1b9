//! VOL: what volumes hide, and whom they connect.

use std::collections::BTreeMap;

use super::judge::OwnMount;
use super::sharing::Holder;
use super::{Case, Check, Rule, Seen, devices, mounts};
use crate::inventory::{Mount, Swarm, Volume};
use crate::policy::cause::Few;
use crate::policy::finding::{Action, Severity};
use crate::policy::rule_id::RuleId;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Vol001,
        title: "shares files with a container that has a way out, or with another project",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::App(vol_001),
        why: "what it writes there, one with a way out may send out: the two together have a way out. Between two projects \
              (low) whoever writes changes what the other reads or runs, and who reads knows what the other keeps. Volumes \
              are compared by name, and by the directory of the host that they or a bind show: also where one lies below \
              the other. Not where both only read, and not with one that mounts the host itself. A link on the host that \
              leads from one to the other is not seen",
        fix: "give each of the two a volume of its own, or mount it read-only where nothing is written \
              (`volumes: [data:/data:ro]`), and of a directory only the part that is needed",
        reference: "docs/isolation.md#what-is-shared-is-a-way",
    },
    Rule {
        id: RuleId::Vol002,
        title: "a volume is a directory of the host",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Power(vol_002),
        why: "a volume of the driver `local` with `o: bind` mounts a host path, and the container's inspection does \
              not show which; PRV-002 and PRV-016 are judged on that path. What comes by `volumes_from` from a container that `check` was not \
              given may be any of that. With `type: ext4` and the like it mounts a \
              device of the host, which may be the host's own disk; with `binfmt_misc` it chooses what the host runs, and \
              with `fuse` Podman runs a program on the host. What a Swarm service makes its volumes as is read too; whether \
              one of that name was on a node before is not",
        fix: "mount what is needed as a plain bind (`volumes: [/srv/app:/data]`), and never a directory that holds an \
              engine's socket or belongs to the host",
        reference: "https://docs.docker.com/engine/storage/volumes/#mounting-a-block-device",
    },
    Rule {
        id: RuleId::Vol003,
        title: "a volume is on another machine",
        severity: Severity::Low,
        action: Action::Inform,
        check: Check::App(vol_003),
        why: "the host's kernel, or a plugin, carries what the container writes to another machine, and back: a way in \
              and out for whoever reaches the share. Media on a file server need it",
        fix: "use a volume on this machine; or, if it is meant, mount it read-only where that will do, and allow it:\n\
              labels:\n  leeward.allow: VOL-003",
        reference: "docs/isolation.md#what-is-shared-is-a-way",
    },
    Rule {
        id: RuleId::Vol004,
        title: "can write Traefik's files, or reaches Leeward's socket",
        severity: Severity::Critical,
        action: Action::Block,
        check: Check::Power(vol_004),
        why: "who writes to a directory that Traefik has its configuration or its certificates in decides every route. \
              Who mounts the volume of Leeward's socket reads every label, password hashes among them (a warning: what \
              is Leeward is known by its image's name alone)",
        fix: "give the application a directory of its own, or mount this one read-only",
        reference: "docs/isolation.md#what-is-shared-is-a-way",
    },
    Rule {
        id: RuleId::Vol005,
        title: "a volume of a Swarm service may be something else on another node",
        severity: Severity::Medium,
        action: Action::WarnStrictBlock,
        check: Check::App(vol_005),
        why: "each node has volumes of its own, and a manager's engine tells of those on its own node alone. Where one of this \
              name was made on another node before, with `o: bind`, it is a directory of that node, whatever the service asks \
              for now",
        fix: "look at it on each node (`docker volume inspect`), and allow it:\n\
              services:\n  {service}:\n    deploy:\n      labels:\n        leeward.allow: VOL-005\n\
              # or bind the service to the manager's own node, by that node's id, in deploy.placement.constraints:\n\
              #     docker node inspect self --format 'node.id == {{.ID}}'",
        reference: "docs/swarm.md#volumes-on-other-nodes",
    },
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// These mount what it mounts, or a part of it, or what it is a part of; the first of them as `theirs`.
    Shares { what: String, theirs: String, others: Few, way: Way },
    /// A file system of the host's, of some type.
    FileSystem { volume: String, kind: String },
    /// A directory of the host's.
    Directory { volume: String, device: String, gives: Gives },
    /// It has the mounts of this container, which nobody described.
    FromUnknown(String),
    /// Whether it is one could not be read.
    Unread(String),
    /// What it is on other nodes cannot be read.
    OnOtherNodes(String),
    /// On another machine, by a file system or a plugin.
    Remote { volume: String, by: String, writable: bool },
    /// It mounts what Traefik, or Leeward, has as `theirs`.
    Keeps { what: String, holder: String, theirs: String, leewards: bool },
}

/// Which way a file can go between two that share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// It writes, and the other one has a way out.
    Out,
    /// Another project's writes, and it reads.
    In,
    /// It writes, and another project's reads.
    Across,
    /// It and another project's write.
    Both,
}

/// What a directory of the host gives to who mounts it as a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gives {
    /// Where it leads is the engine's to say.
    Unknown,
    Socket(&'static str),
    /// To be read or written, something of the host's own.
    Power {
        writable: bool,
    },
    Data,
}

/// File systems over the network.
const REMOTE: [&str; 10] = ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "davfs", "lustre"];

fn vol_001(case: &Case<'_>) -> Option<Seen> {
    let inventory = case.context.inventory;
    let own_owner = &case.context.candidates.get(case.at)?.owner;
    let mut crosses = None;
    for mount in &case.container.mounts {
        let seen = |others: &[&Holder<'_>], way| {
            // A socket of an engine is PRV-002's.
            let first = others.first().filter(|_| !gives_engine(mount, &inventory.volumes))?;
            let (what, theirs) = (what(mount).to_owned(), what(first.mount).to_owned());
            let others = Few::of(others.iter().map(|other| other.container.name.as_str()));
            Some(Seen::new(Cause::Shares { what, theirs, others, way }))
        };
        for holders in case.shares.with(mount, inventory) {
            let is_other = |other: &&Holder<'_>| mount.writable && other.container.id != case.container.id;
            let leave: Vec<&Holder<'_>> = holders.leave().filter(is_other).collect();
            if let Some(seen) = seen(&leave, Way::Out) {
                return Some(seen);
            }
            let is_others = |other: &&Holder<'_>| other.owner != own_owner;
            let reads = holders.read().find(is_others).filter(|_| mount.writable);
            let crossing = match (holders.write().find(is_others), reads) {
                (Some(other), _) if mount.writable => seen(&[other], Way::Both),
                (Some(other), _) => seen(&[other], Way::In),
                (None, Some(other)) => seen(&[other], Way::Across),
                (None, None) => None,
            };
            crosses = crosses.or(crossing);
        }
    }
    crosses.map(|seen| seen.severity(Severity::Low))
}

fn vol_002(case: &Case<'_>) -> Option<Seen> {
    let inventory = case.context.inventory;
    if let Some(mount) = case.container.mounts.iter().find(|mount| mount.kind == Mount::OF_UNKNOWN) {
        return Some(Seen::unverifiable(Cause::FromUnknown(mount.source.clone())));
    }
    let mut unknown = None;
    let mut harmless = None;
    let volumes = case.container.mounts.iter().filter(|mount| mount.kind == "volume");
    for mount in volumes.clone().filter(|mount| !mount.name.is_empty() && !is_elsewhere(case, mount)) {
        unknown = unknown.or(Some(&mount.name).filter(|name| !inventory.volumes.contains_key(*name)));
    }
    for (mount, volume) in
        volumes.flat_map(|mount| mount.volumes(&inventory.volumes).map(move |volume| (mount, volume)))
    {
        let kind = volume.kind.as_str();
        if !volume.is_read() {
            return Some(Seen::unverifiable(Cause::Unread(called(mount))));
        }
        if !volume.bind {
            // In the host's memory, or not of the host.
            if !matches!(kind, "" | "none" | "tmpfs" | "ramfs") && !is_remote(volume) {
                return Some(Seen::new(Cause::FileSystem { volume: called(mount), kind: kind.to_owned() }));
            }
            continue;
        }
        let seen = |gives| Seen::new(Cause::Directory { volume: called(mount), device: volume.device.clone(), gives });
        if !mounts::is_absolute(&volume.device) {
            return Some(seen(Gives::Unknown));
        }
        if let Some(socket) = mounts::socket(&volume.device) {
            return Some(seen(Gives::Socket(socket)));
        }
        let is_device = || mounts::is_below_dev(&volume.device) && devices::is_host(&volume.device);
        let root_dir = inventory.engine.root_dir.as_deref();
        let gives = |writable| mounts::sensitive(&volume.device, root_dir, writable).is_some();
        if mount.writable && (is_device() || gives(true)) {
            return Some(seen(Gives::Power { writable: true }));
        }
        if gives(false) {
            return Some(seen(Gives::Power { writable: false }).action(Action::WarnStrictBlock));
        }
        harmless = harmless.or_else(|| Some(seen(Gives::Data).action(Action::Inform).severity(Severity::Info)));
    }
    harmless.or_else(|| Some(Seen::unverifiable(Cause::Unread(unknown?.clone())).action(Action::Inform)))
}

/// A volume's name; of one without, where it is mounted.
fn called(mount: &Mount) -> String {
    if mount.name.is_empty() { mount.destination.clone() } else { mount.name.clone() }
}

fn is_remote(volume: &Volume) -> bool {
    let kind = volume.kind.as_str();
    let plugin = !matches!(volume.driver.as_str(), "" | "local");
    // Not `fuse.sshfs`: where `mount` knows it (Podman), it runs the program of that name on the host.
    plugin || REMOTE.contains(&kind)
}

fn vol_003(case: &Case<'_>) -> Option<Seen> {
    case.container.mounts.iter().filter(|mount| mount.kind == "volume").find_map(|mount| {
        let mut volumes = mount.volumes(&case.context.inventory.volumes);
        let volume = volumes.find(|volume| is_remote(volume) && !volume.bind)?;
        let by = if matches!(volume.kind.as_str(), "" | "auto") { &volume.driver } else { &volume.kind };
        let (volume, writable) = (mount.name.clone(), mount.writable);
        Some(Seen::new(Cause::Remote { volume, by: by.clone(), writable }))
    })
}

fn vol_004(case: &Case<'_>) -> Option<Seen> {
    let volumes = &case.context.inventory.volumes;
    let seen = |own: &Mount, of: OwnMount<'_>, leewards| {
        let (holder, theirs) = (of.holder.name.clone(), of.mount.destination.clone());
        Seen::new(Cause::Keeps { what: what(own).to_owned(), holder, theirs, leewards })
    };
    let mounts = || case.container.mounts.iter();
    let traefiks = mounts()
        .filter(|own| own.writable)
        .find_map(|own| Some(seen(own, case.kept.traefiks.shared_with(own, volumes)?, false)));
    traefiks.or_else(|| {
        // Of Leeward's only what is called by a name: a socket is there to be spoken to, writable or not. What is Leeward is
        // known by its image's name alone: that refuses nobody.
        let mut named = mounts().filter(|own| !own.name.is_empty());
        let seen = named.find_map(|own| Some(seen(own, case.kept.leewards.shared_with(own, volumes)?, true)))?;
        Some(seen.action(Action::Warn))
    })
}

fn vol_005(case: &Case<'_>) -> Option<Seen> {
    let mount = case.container.mounts.iter().find(|mount| is_elsewhere(case, mount))?;
    Some(Seen::unverifiable(Cause::OnOtherNodes(mount.name.clone())))
}

/// Whether a mount may be of a volume that was on another node before. None of a plugin's: Docker makes no second volume of a
/// name by another driver.
fn is_elsewhere(case: &Case<'_>, mount: &Mount) -> bool {
    let own = &case.context.inventory.engine.swarm_node;
    let may_leave = |swarm: &Swarm| swarm.only_node.is_none() || swarm.only_node != *own;
    let is_plugins = || mount.made_as.as_ref().is_some_and(|it| !matches!(it.driver.as_str(), "" | "local"));
    let has_name = mount.kind == "volume" && !mount.name.is_empty();
    has_name && case.container.swarm.as_ref().is_some_and(may_leave) && !is_plugins()
}

fn what(mount: &Mount) -> &str {
    if mount.name.is_empty() { &mount.source } else { &mount.name }
}

/// Volumes and directories of the host that some containers mount, each with what is to be known of it. There may be
/// thousands of mounts on either side: one is compared with what stands above and below its own path alone.
#[derive(Debug)]
pub(in crate::policy) struct Files<'a, T> {
    /// By the volume's name.
    volumes: BTreeMap<&'a str, T>,
    /// By the plain path.
    paths: BTreeMap<String, T>,
}

impl<'a, T: Copy> Files<'a, T> {
    pub(in crate::policy) fn of(
        mounts: impl IntoIterator<Item = (&'a Mount, T)>,
        volumes: &'a BTreeMap<String, Volume>,
    ) -> Self {
        let mut files = Self { volumes: BTreeMap::new(), paths: BTreeMap::new() };
        for (mount, value) in mounts {
            if let Some(name) = volume_name(mount) {
                files.volumes.entry(name).or_insert(value);
            }
            for path in host_paths(mount, volumes).filter_map(mounts::plain) {
                files.paths.entry(path).or_insert(value);
            }
        }
        files
    }

    /// What is known of one that is the same volume as `mount`, or whose directory of the host holds that of `mount`, or
    /// lies in it.
    pub(in crate::policy) fn shared_with(&self, mount: &Mount, volumes: &BTreeMap<String, Volume>) -> Option<T> {
        if self.volumes.is_empty() && self.paths.is_empty() {
            return None;
        }
        if let Some(value) = volume_name(mount).and_then(|name| self.volumes.get(name)) {
            return Some(*value);
        }
        host_paths(mount, volumes).find_map(|path| self.holding(path))
    }

    /// Of a directory of the host.
    fn holding(&self, path: &str) -> Option<T> {
        if mounts::TIME.iter().any(|time| mounts::overlap(path, time)) {
            return None;
        }
        let path = mounts::plain(path)?;
        let above = path.match_indices('/').skip(1).filter_map(|(at, _)| path.get(..at)).chain(["/", &path]);
        { above }.find_map(|above| self.paths.get(above)).copied().or_else(|| {
            let below = [path.trim_end_matches('/'), "/"].concat();
            let (next, value) = self.paths.range(below.clone()..).next()?;
            next.starts_with(&below).then_some(*value)
        })
    }
}

/// The name of a volume, if it is one and has one.
fn volume_name(mount: &Mount) -> Option<&str> {
    Some(mount.name.as_str()).filter(|name| mount.kind == "volume" && !name.is_empty())
}

/// Whether a mount gives a socket of an engine, or of what is as good.
pub(in crate::policy) fn gives_engine(mount: &Mount, volumes: &BTreeMap<String, Volume>) -> bool {
    host_paths(mount, volumes).any(|path| mounts::socket(path).is_some())
}

/// The host directories that a mount may show: that of a volume is the engine's own, or those that it hides, by the engine's
/// description and by the service's.
pub(super) fn host_paths<'a>(mount: &'a Mount, volumes: &'a BTreeMap<String, Volume>) -> impl Iterator<Item = &'a str> {
    let hidden = || mount.volumes(volumes).filter(|volume| volume.bind && mount.kind == "volume");
    let is_shown = match mount.kind.as_str() {
        "bind" => true,
        "volume" => hidden().next().is_none(),
        _ => false,
    };
    let shown = is_shown.then_some(mount.source.as_str());
    shown.into_iter().chain(hidden().map(|volume| volume.device.as_str())).filter(|path| mounts::is_absolute(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thousands of mounts beside thousands that Traefik has, or what calls itself Leeward, were compared one by one.
    #[test]
    fn files_are_shared_where_a_path_holds_the_other() {
        const PATHS: [&str; 14] = [
            "/",
            "/srv",
            "/srv/",
            "/srv/traefik",
            "/srv//traefik/.",
            "/srv/traefik2",
            "/srv/traefik/dynamic/a.yml",
            "/srv/traefik!",
            "/var/run/x",
            "/run",
            "/etc/localtime",
            "/etc",
            "C:\\data",
            "data",
        ];
        let mount = |path: &str| Mount { kind: "bind".into(), source: path.to_owned(), ..Mount::default() };
        let none = BTreeMap::new();
        for theirs in PATHS {
            let theirs = mount(theirs);
            let files = Files::of([(&theirs, ())], &none);
            for own in PATHS {
                let is_time = mounts::TIME.iter().any(|time| mounts::overlap(own, time));
                let wanted = mounts::is_absolute(own) && !is_time && mounts::overlap(own, &theirs.source);
                assert_eq!(files.shared_with(&mount(own), &none).is_some(), wanted, "{own} and {}", theirs.source);
            }
        }
    }
}
