//! Drops privileges and sandboxes the process: an unprivileged user, no new privileges, no files but the engine's socket.
//!
//! All of it happens before any thread exists: Linux keeps users, groups and Landlock rules per thread.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use rustix::process::{DumpableBehavior, Gid, Uid, getegid, geteuid, set_dumpable_behavior};
use rustix::thread::{set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use tracing::{info, warn};

use super::{Owner, Problem};

/// The newest Landlock that this file asks for; an older kernel enforces what it knows.
const NEWEST: ABI = ABI::V9;

/// Becomes an unprivileged user, for good. Root only; whoever is that user already need not.
///
/// The group of the engine's socket is kept as the only other group, so that the socket can still be opened.
pub(super) fn become_user(user: Owner, engine: &Path) -> Result<(), Problem> {
    let failed = |cause: io::Error| Problem::Become { user, cause };
    if !geteuid().is_root() {
        let is_already = geteuid().as_raw() == user.uid && getegid().as_raw() == user.gid;
        return if is_already { Ok(()) } else { Err(failed(ErrorKind::PermissionDenied.into())) };
    }
    if user.uid == 0 {
        return Err(failed(io::Error::other("that is root")));
    }
    let threads = std::fs::read_dir("/proc/self/task").map_err(failed)?.count();
    if threads != 1 {
        return Err(failed(io::Error::other(format!("{threads} threads are running already"))));
    }
    // Groups can be joined now or never.
    let engine_group = engine.metadata().map_err(|cause| Problem::NoGroup { path: engine.to_owned(), cause })?.gid();
    let engine_group = Some(engine_group).filter(|gid| *gid != 0 && *gid != user.gid);
    let groups: Vec<Gid> = engine_group.map(Gid::from_raw).into_iter().collect();
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    set_thread_groups(&groups).map_err(|error| failed(error.into()))?;
    set_thread_res_gid(gid, gid, gid).map_err(|error| failed(error.into()))?;
    set_thread_res_uid(uid, uid, uid).map_err(|error| failed(error.into()))?;
    // Root again would mean that nothing was dropped.
    if set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).is_ok() {
        return Err(failed(io::Error::other("root could be taken back")));
    }
    info!(user.uid = user.uid, user.gid = user.gid, "running as {}:{}", user.uid, user.gid);
    Ok(())
}

/// Whether the engine's socket can be opened as the user that the gate now is. An engine that is not there yet is no
/// error: it may come.
pub(super) fn reach(engine: &Path) -> Result<bool, Problem> {
    match connect(engine) {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == ErrorKind::PermissionDenied => {
            let group = engine.metadata().ok().map(|metadata| metadata.gid());
            Err(Problem::Engine { path: engine.to_owned(), group, cause })
        }
        Err(error) => {
            warn!("the engine's socket `{}` cannot be opened yet: {error}", engine.display());
            Ok(false)
        }
    }
}

/// Whether a socket that could be opened still can be, now that the gate has confined itself: Landlock forbids ways that
/// lead through another process, as `/proc/PID/root` does.
pub(super) fn reach_still(engine: &Path) -> Result<(), Problem> {
    match connect(engine) {
        // An engine that went away meanwhile may come back.
        Err(cause) if cause.kind() == ErrorKind::PermissionDenied => {
            Err(Problem::Confined { path: engine.to_owned(), cause })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Connects, and waits for nothing: an engine whose queue is full is there.
fn connect(engine: &Path) -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(engine)?) {
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Gives up everything that serving does not need. Never fails: what a kernel does not have is reported.
pub(super) fn confine(engine: &Path) {
    if geteuid().is_root() {
        warn!("running as root; choose an unprivileged user with --user");
    }
    if let Err(error) = set_no_new_privs(true) {
        warn!("cannot set no_new_privs: {error}");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        warn!("cannot forbid core dumps: {error}");
    }
    match landlock(engine) {
        Ok(RestrictionStatus { landlock: LandlockStatus::Available { effective_abi, .. }, ruleset, .. })
            if ruleset != RulesetStatus::NotEnforced =>
        {
            let abi = effective_abi as i32;
            let sockets = if abi >= NEWEST as i32 { ", no Unix socket but the engine's" } else { "" };
            let network = if abi >= 4 { ", no TCP port" } else { "" };
            info!(landlock.abi = abi, "Landlock {abi} is active: no file{network}{sockets}");
        }
        Ok(_) => warn!("Landlock is not active: this kernel does not have it, or it is switched off"),
        Err(error) => warn!("Landlock is not active: {error}"),
    }
}

/// No file, no new TCP port or connection, no abstract socket, no signal to others; of Unix sockets only those beside
/// the engine's, where the kernel can tell. The rule is on the folder: an engine that restarts makes a new file.
fn landlock(engine: &Path) -> Result<RestrictionStatus, RulesetError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    // Where the path leads through a link, the folder behind it is the one that counts.
    let real = engine.canonicalize().ok();
    for folder in [Some(engine), real.as_deref()].into_iter().flatten().filter_map(Path::parent) {
        if let Ok(folder) = PathFd::new(folder) {
            rules = rules.add_rule(PathBeneath::new(folder, AccessFs::ResolveUnix))?;
        }
    }
    rules.restrict_self()
}
