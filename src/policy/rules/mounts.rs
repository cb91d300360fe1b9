//! Host paths that give away more than data.

/// The sockets that command an engine or the host. `*` is any one directory or file.
///
/// Source: the projects' packages and documentation; `/var/run` is `/run`.
const SOCKETS: &[&str] = &[
    "/run/docker.sock",
    "/run/docker/*",
    "/run/user/*/docker.sock",
    "/run/user/*/podman/podman.sock",
    "/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
    "/run/docker/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/cri-dockerd.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/balena-engine.sock",
    "/run/host-services/docker.proxy.sock",
    "/run/incus/unix.socket",
    "/var/lib/incus/unix.socket",
    "/var/lib/lxd/unix.socket",
    "/var/snap/lxd/common/lxd/unix.socket",
    "/run/libvirt/libvirt-sock",
    "/run/systemd/private",
    "/run/dbus/system_bus_socket",
];

/// Directories that are the host, or hold its secrets. Matched exactly, never what lies below.
const SENSITIVE: &[&str] = &[
    "/",
    "/boot",
    "/dev",
    "/etc",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/systemd",
    "/etc/systemd/system",
    "/home",
    "/lib/modules",
    "/lib/systemd/system",
    "/proc",
    "/root",
    "/run",
    "/sys",
    "/usr",
    "/usr/lib/modules",
    "/usr/lib/systemd/system",
    "/var",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/spool/cron",
];

/// What makes whoever writes to it root on the host. Matched exactly as well; to read it is usual (`/etc/passwd`).
const POWERFUL: &[&str] = &[
    "/bin",
    "/etc/crontab",
    "/etc/group",
    "/etc/init.d",
    "/etc/ld.so.preload",
    "/etc/passwd",
    "/etc/profile.d",
    "/etc/shadow",
    "/etc/ssh",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/lib",
    "/lib64",
    "/proc/1",
    "/proc/1/root",
    "/proc/sys",
    "/root/.ssh",
    "/sbin",
    "/sys/fs/cgroup",
    "/sys/kernel",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/var/lib/docker/volumes",
];

/// The control socket that a mounted host path gives away: it is one, or a parent of one.
pub(super) fn socket(path: &str) -> Option<&'static str> {
    // Docker on Windows.
    if path.to_ascii_lowercase().contains("pipe\\docker_engine") || path.contains("pipe/docker_engine") {
        return Some("//./pipe/docker_engine");
    }
    let path = plain(path)?;
    SOCKETS.iter().copied().find(|socket| is_at_or_above(&path, socket)).or_else(|| {
        // What is called so is one, wherever it is.
        let last = path.rsplit('/').next()?;
        ["docker.sock", "podman.sock", "containerd.sock"].into_iter().find(|name| *name == last)
    })
}

/// The sensitive directory that a mounted host path is, or holds. `root_dir` is where the engine keeps its own data.
pub(super) fn sensitive(path: &str, root_dir: Option<&str>, writable: bool) -> Option<String> {
    let path = plain(path)?;
    let root_dir = root_dir.and_then(plain);
    let is = SENSITIVE.contains(&path.as_str()) || (writable && POWERFUL.contains(&path.as_str()));
    if is || root_dir.as_ref() == Some(&path) {
        return Some(path);
    }
    // `/var/lib` is no directory of the host's own, but it holds one.
    let held = || root_dir.iter().map(String::as_str).chain(SENSITIVE.iter().copied());
    writable.then(|| held().find(|own| is_at_or_above(&path, own)).map(|own| format!("{path}` with `{own}"))).flatten()
}

/// Whether two host paths are one, or one lies below the other.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    // Nearly all are written plainly, and there are as many pairs as mounts.
    let simple = |path: &str| {
        path.starts_with('/') && !path.contains("//") && !path.contains("/.") && !path.starts_with("/var/run")
    };
    let holds = |above: &str, below: &str| {
        let above = above.trim_end_matches('/');
        below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if simple(one) && simple(other) {
        return holds(one, other) || holds(other, one);
    }
    let (Some(one), Some(other)) = (plain(one), plain(other)) else { return false };
    holds(&one, &other) || holds(&other, &one)
}

fn is_at_or_above(path: &str, socket: &str) -> bool {
    let mut parts = socket.split('/').filter(|part| !part.is_empty());
    path.split('/')
        .filter(|part| !part.is_empty())
        .all(|part| parts.next().is_some_and(|own| own == "*" || own == part))
}

/// An absolute path without `.`, `..`, doubled slashes and the link `/var/run`. `None`: not absolute.
fn plain(path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
        if parts == ["var", "run"] {
            parts = vec!["run"];
        }
    }
    Some(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_their_parents_are_found() {
        for path in [
            "/var/run/docker.sock",
            "/run/docker.sock",
            "/run//./docker.sock",
            "/srv/../var/run/docker.sock",
            "/var/run",
            "/run",
            "/run/",
            "/",
            "/var",
            "/run/user/1000",
            "/run/user/1000/docker.sock",
            "/run/user/1000/podman/podman.sock",
            "/run/podman",
            "/run/docker/plugins",
            "/srv/socket/docker.sock",
            "/run/dbus",
            r"\\.\pipe\docker_engine",
        ] {
            assert!(socket(path).is_some(), "{path}");
        }
        for path in
            ["/etc/localtime", "/home/u/app/data", "/run/user/1000/pulse", "/var/lib/vaultwarden", "/runner", "data"]
        {
            assert_eq!(socket(path), None, "{path}");
        }
    }

    #[test]
    fn sensitive_directories_match_exactly() {
        for path in ["/", "/etc", "/etc/", "/home", "/var/run", "/var/lib/docker", "/proc/../sys"] {
            assert!(sensitive(path, None, false).is_some(), "{path}");
        }
        for path in ["/etc/localtime", "/home/u/app/data", "/var/lib/vaultwarden", "/var/lib/docker-backup", "/srv"] {
            assert_eq!(sensitive(path, None, true), None, "{path}");
        }
        assert!(sensitive("/data/docker", Some("/data/docker/"), false).is_some());
    }

    #[test]
    fn paths_overlap_where_one_holds_the_other() {
        for (one, other, wanted) in [
            ("/srv/traefik", "/srv/traefik/dynamic", true),
            ("/srv/traefik/", "/srv/traefik", true),
            ("/srv/traefik", "/srv/traefik2", false),
            ("/", "/srv", true),
            ("/srv/./a/..", "/srv/x", true),
            ("/var/run/x", "/run", true),
            ("data", "/data", false),
        ] {
            assert_eq!((overlap(one, other), overlap(other, one)), (wanted, wanted), "{one} {other}");
        }
    }

    #[test]
    fn who_may_write_to_it_makes_the_difference() {
        for path in ["/etc/passwd", "/sys/fs/cgroup", "/usr/local/bin", "/proc/sys"] {
            assert!(sensitive(path, None, true).is_some() && sensitive(path, None, false).is_none(), "{path}");
        }
        assert_eq!(sensitive("/var/lib", None, true).unwrap(), "/var/lib` with `/var/lib/containerd");
        assert_eq!(sensitive("/var/lib", None, false), None);
        assert_eq!(sensitive("/data", Some("/data/docker"), true).unwrap(), "/data` with `/data/docker");
        assert_eq!(sensitive("/data/app", Some("/data/docker"), true), None);
    }
}
