//! Host paths that give away more than data: what a mount leads to, by the lists.

mod host_paths;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(super) use self::host_paths::TIME;
use self::host_paths::{HOMES, IN_A_HOME, OF_A_USER, POWERFUL, SECRET, SECRET_OF_A_USER, SENSITIVE, SOCKETS};

/// The control socket that a mounted host path gives away: it is one, or a parent of one.
pub(super) fn socket(path: &str) -> Option<&'static str> {
    // Docker on Windows: `//./pipe/docker_engine`, `\\.\pipe\dockerDesktopLinuxEngine`, `podman-machine-default`.
    let pipe = path.to_ascii_lowercase().replace('\\', "/");
    let engines = ["docker", "containerd", "podman"];
    if pipe.split_once("/pipe/").is_some_and(|(_, name)| engines.iter().any(|engine| name.contains(engine))) {
        return Some("//./pipe/docker_engine");
    }
    let path = plain(path)?;
    SOCKETS_BY_PART
        .first_below(&path)
        .map(|socket| socket.path)
        .or_else(|| {
            // What is called so is one, wherever it is.
            let last = path.rsplit('/').next()?;
            ["docker.sock", "podman.sock", "containerd.sock"].into_iter().find(|name| *name == last)
        })
        .or_else(|| {
            let below = |own: &&str| {
                path.match_indices(own)
                    .any(|(at, own)| matches!(path.as_bytes().get(at + own.len()), None | Some(b'/')))
            };
            IN_A_HOME.iter().copied().find(below)
        })
}

/// A path of the host that gives away more than data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostPath {
    pub(crate) path: String,
    /// What lies below it and is what counts, `~` for a home.
    pub(crate) holds: Option<String>,
}

impl HostPath {
    /// One that counts itself.
    pub(super) fn plain(path: String) -> Self {
        Self { path, holds: None }
    }
}

/// What a mounted host path gives away: a directory that is the host, or something at, below or above it that makes whoever
/// writes there the host, or that holds its secrets for whoever reads. `root_dir` is where the engine keeps its own data.
pub(super) fn sensitive(path: &str, root_dir: Option<&str>, writable: bool) -> Option<HostPath> {
    let path = plain(path)?;
    let root_dir = root_dir.and_then(plain);
    if is_host(&path, root_dir.as_deref()) {
        return Some(HostPath::plain(path));
    }
    let root_dir = root_dir.as_deref();
    let lists = if writable { &*WRITTEN } else { &*READ };
    if lists.hosts.first_above(&path).is_some() || root_dir.is_some_and(|own| is_at_or_below(&path, own).is_some()) {
        return Some(HostPath::plain(path));
    }
    for home in HOMES {
        let Some(rest) = is_at_or_below(&path, home) else { continue };
        match (lists.users.first_above(&rest), lists.users.first_below(&rest)) {
            (None, None) => {}
            // `/home/u`, `/home/u/.config`.
            (above, Some(below)) if above.is_none_or(|above| below.place < above.place) => {
                return Some(HostPath { holds: Some(["~/", below.path].concat()), path });
            }
            _ => return Some(HostPath::plain(path)),
        }
    }
    // `/var/lib` is no directory of the host's own, but it holds one.
    let root_dir = root_dir.filter(|own| is_at_or_above(&path, own));
    let holds = root_dir.or_else(|| Some(lists.below.first_below(&path)?.path))?.to_owned();
    Some(HostPath { path, holds: Some(holds) })
}

/// Whether a plain path is a directory that is the host, or the engine's own, `root_dir`.
pub(super) fn is_host(path: &str, root_dir: Option<&str>) -> bool {
    SENSITIVE.contains(&path) || root_dir == Some(path)
}

/// Whether a plain path leads to what every container sees or is given: the time, and the kernel's own files.
pub(super) fn is_everybodys(path: &str) -> bool {
    TIME.into_iter().chain(["/proc", "/sys"]).any(|own| is_at_or_below(path, own).is_some())
}

static SOCKETS_BY_PART: LazyLock<Tree> = LazyLock::new(|| Tree::of(&[SOCKETS]));
/// What counts for a mount that may be written.
static WRITTEN: LazyLock<Lists> = LazyLock::new(|| Lists::of(POWERFUL, OF_A_USER));
/// What counts for one that may be read.
static READ: LazyLock<Lists> = LazyLock::new(|| Lists::of(SECRET, SECRET_OF_A_USER));

/// The lists that one mount is held against, by their parts.
struct Lists {
    /// The host's.
    hosts: Tree,
    /// A user's, below a home.
    users: Tree,
    /// What may lie below the mount.
    below: Tree,
}

impl Lists {
    fn of(hosts: &[&'static str], users: &[&'static str]) -> Self {
        Self { hosts: Tree::of(&[hosts]), users: Tree::of(&[users]), below: Tree::of(&[SENSITIVE, hosts, HOMES]) }
    }
}

/// The paths of some lists by their parts. There may be thousands of mounts: a path is compared with what its own parts
/// lead to, and not with hundreds of paths.
#[derive(Default)]
struct Tree {
    /// What lies below, by its name.
    named: BTreeMap<&'static str, Self>,
    /// The same, where the name holds `*`.
    alike: BTreeMap<&'static str, Self>,
    /// The path that ends here.
    own: Option<Entry>,
    /// The first of the lists that ends here, or below.
    first: Option<Entry>,
}

/// A path of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Its place in them.
    place: usize,
    path: &'static str,
}

impl Tree {
    fn of(lists: &[&[&'static str]]) -> Self {
        let mut root = Self::default();
        for (place, path) in lists.iter().copied().flatten().copied().enumerate() {
            let entry = Entry { place, path };
            let mut tree = &mut root;
            tree.first.get_or_insert(entry);
            for part in path.split('/').filter(|part| !part.is_empty()) {
                tree = tree.child(part);
                tree.first.get_or_insert(entry);
            }
            tree.own.get_or_insert(entry);
        }
        root
    }

    fn child(&mut self, part: &'static str) -> &mut Self {
        let all = if part.contains('*') { &mut self.alike } else { &mut self.named };
        all.entry(part).or_default()
    }

    /// What lies below and is called like this.
    fn called<'t>(&'t self, part: &str) -> impl Iterator<Item = &'t Self> {
        let alike = self.alike.iter().filter(|(own, _)| is_called(own, part)).map(|(_, tree)| tree);
        self.named.get(part).into_iter().chain(alike)
    }

    /// The first path of the lists that is `path`, or lies above it.
    fn first_above(&self, path: &str) -> Option<Entry> {
        let mut found = self.own;
        self.walk(path, |tree| found = found.into_iter().chain(tree.own).min());
        found
    }

    /// The first path of the lists that is `path`, or lies below it.
    fn first_below(&self, path: &str) -> Option<Entry> {
        self.walk(path, |_| ()).iter().filter_map(|tree| tree.first).min()
    }

    /// Goes along the parts of `path`; what it ends at.
    fn walk(&self, path: &str, mut see: impl FnMut(&Self)) -> Vec<&Self> {
        let mut here = vec![self];
        for part in path.split('/').filter(|part| !part.is_empty()) {
            here = here.into_iter().flat_map(|tree| tree.called(part)).collect();
            if here.is_empty() {
                break;
            }
            here.iter().copied().for_each(&mut see);
        }
        here
    }
}

/// What is mounted below a host path and can be written by root, even if the path itself is read-only.
pub(super) fn stays_writable(path: &str) -> Option<&'static str> {
    match plain(path)?.as_str() {
        "/" => Some("/proc"),
        "/proc" => Some("/proc/sys/fs/binfmt_misc"),
        "/sys" => Some("/sys/fs/cgroup"),
        _ => None,
    }
}

/// Whether a host path is a device, or holds some.
pub(super) fn is_below_dev(path: &str) -> bool {
    plain(path).is_some_and(|path| path.starts_with("/dev/"))
}

/// Whether two host paths are one, or one lies below the other.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let holds = |own: &str, path: &str| {
        let own = own.trim_end_matches('/');
        path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let (Some(one), Some(other)) = (plainly(one), plainly(other)) else { return false };
    holds(&one, &other) || holds(&other, &one)
}

/// As [`plain`]. Nearly all are written plainly, and there are as many as mounts.
pub(super) fn plainly(path: &str) -> Option<Cow<'_, str>> {
    // Where a link of [`plain`] may be.
    const LINKS: [&str; 15] = [
        "/var/run",
        "/var/home",
        "/var/roothome",
        "/var/usrlocal",
        "/proc/",
        "/bin",
        "/sbin",
        "/lib",
        "/host_mnt",
        "/private/",
        "/system/",
        "/library/",
        "/run/desktop/",
        "/mnt/c",
        "/mnt/host/",
    ];
    let is_plain = path.starts_with('/')
        && !path.ends_with('/')
        && !path.contains("//")
        && !path.contains("/.")
        && !path.bytes().any(|letter| letter.is_ascii_uppercase())
        && !LINKS.iter().any(|link| path.starts_with(link));
    if is_plain { Some(Cow::Borrowed(path)) } else { plain(path).map(Cow::Owned) }
}

fn is_at_or_above(path: &str, socket: &str) -> bool {
    let mut parts = socket.split('/').filter(|part| !part.is_empty());
    path.split('/').filter(|part| !part.is_empty()).all(|part| parts.next().is_some_and(|own| is_called(own, part)))
}

/// Whether a directory or file has a name of the lists, where each `*` is any letters.
fn is_called(own: &str, name: &str) -> bool {
    let mut parts = own.split('*').peekable();
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.is_empty()
}

/// The words of all lists.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    let lists = [SOCKETS, IN_A_HOME, SENSITIVE, POWERFUL, HOMES, OF_A_USER, SECRET, SECRET_OF_A_USER];
    let entries = lists.into_iter().flatten().copied();
    entries
        .flat_map(|entry| entry.split(|letter: char| !letter.is_ascii_alphanumeric()))
        .filter(|word| !word.is_empty())
}

/// What is left of a path below `own`, which may hold `*`; empty if the path is it.
fn is_at_or_below(path: &str, own: &str) -> Option<String> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let is = own.split('/').filter(|own| !own.is_empty()).all(|own| parts.next().is_some_and(|it| is_called(own, it)));
    is.then(|| parts.collect::<Vec<_>>().join("/"))
}

/// An absolute path without `.`, `..`, doubled slashes and the links that every host has, in small letters: some file
/// systems do not tell `/ETC` from `/etc`, and nobody has both. `None`: not absolute.
pub(in crate::policy) fn plain(path: &str) -> Option<String> {
    let mut lower = path.to_ascii_lowercase();
    if let Some((drive, rest)) = of_windows(&lower) {
        lower = format!("/{drive}/{}", rest.replace('\\', "/"));
    }
    if !lower.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in lower.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
        let seen = match parts.as_slice() {
            // The root directory of a process is the host's, or a container's; where another link of it leads is not known.
            ["proc", _, "root" | "cwd"]
            | ["proc", _, "task", _, "root" | "cwd"]
            | ["proc", _, "fd" | "map_files", _]
            | ["host_mnt"]
            | ["system", "volumes", "data"] => vec![],
            // macOS, and what it starts.
            ["private", own @ ("etc" | "var" | "tmp")] => vec![*own],
            ["library", "launchagents" | "launchdaemons" | "privilegedhelpertools" | "startupitems"] => {
                vec!["etc", "init.d"]
            }
            // The drives of Windows, as WSL and Docker Desktop have them.
            ["mnt", "c"] | ["mnt", "host", "c"] | ["run", "desktop", "mnt", "host", "c"] => vec!["c"],
            ["var", "run"] => vec!["run"],
            ["var", "home"] => vec!["home"],
            ["var", "roothome"] => vec!["root"],
            ["var", "usrlocal"] => vec!["usr", "local"],
            ["bin"] => vec!["usr", "bin"],
            ["sbin"] => vec!["usr", "sbin"],
            ["lib"] => vec!["usr", "lib"],
            ["lib32"] => vec!["usr", "lib32"],
            ["lib64"] => vec!["usr", "lib64"],
            ["libx32"] => vec!["usr", "libx32"],
            _ => continue,
        };
        parts = seen;
    }
    Some(format!("/{}", parts.join("/")))
}

/// A path of Windows, `C:\\Users`: the drive and the rest.
fn of_windows(path: &str) -> Option<(&str, &str)> {
    let (drive, rest) = path.split_once(':')?;
    let is_drive = drive.len() == 1 && drive.bytes().all(|letter| letter.is_ascii_alphabetic());
    (is_drive && rest.starts_with(['/', '\\'])).then_some((drive, rest))
}

/// Whether it is a path of the host's, and no name of a volume's.
pub(super) fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || of_windows(path).is_some()
}
