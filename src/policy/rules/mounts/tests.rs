//! Which host paths give something away, and which do not.

use super::*;

#[test]
fn sockets_and_their_parents_are_found() {
    for path in [
        "/run/nscd/socket",
        "/run/systemd/resolve/io.systemd.Resolve",
        "/var/run/tailscale/tailscaled.sock",
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
        "/proc/1/root/run",
        "/proc/self/root/var/run",
        "/VAR/RUN",
        "/run/user/1000/bus",
        "/run/containerd/s",
        "/run/containerd/s/3f2a",
        "/run/containerd/containerd.sock.ttrpc",
        "/run/libvirt/virtqemud-sock",
        "/run/nri",
        "/var/run/crio",
        "/home/u/.docker/run",
        "/home/u/.docker/run/",
        "/Users/u/.orbstack/run",
        "/Users/u/.colima/default",
        r"\\.\pipe\docker_engine",
        "//./pipe/dockerDesktopLinuxEngine",
        r"\\.\pipe\podman-machine-default",
        "/run/k0s/containerd",
        "/run/k3s/containerd",
        "/Users/u/.lima/default/sock",
        "/Users/u/.lima/default",
        "/Users/u/.colima/work",
        "/home/u/.config/colima/default",
        "/host_mnt/Users/u/.rd",
    ] {
        assert!(socket(path).is_some(), "{path}");
    }
    for path in [
        "/etc/localtime",
        "/home/u/app/data",
        "/run/user/1000/pulse",
        "/var/lib/vaultwarden",
        "/runner",
        "data",
        "/srv/.rdx",
    ] {
        assert_eq!(socket(path), None, "{path}");
    }
}

/// What no container may write to, by where it lies.
const POWER: &[&str] = &[
    // The kernel.
    "/proc",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel",
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc//sys/./kernel/",
    "/sys",
    "/sys/kernel",
    "/sys/fs/cgroup",
    "/sys/class/net/../../kernel/uevent_helper",
    // Through the root directory of a process.
    "/proc/1/root",
    "/proc/1/root/etc/cron.d",
    "/proc/self/root/usr/local/bin",
    "/proc/1/task/1/root/root/.ssh",
    "/proc/1/cwd",
    "/proc/1/fd/3",
    // The engine.
    "/etc/docker",
    "/etc/docker/daemon.json",
    "/var/lib/docker",
    "/var/lib/docker/overlay2/abc/diff",
    "/var/lib/docker/containers/abc/config.v2.json",
    "/var/lib/docker/volumes",
    "/var/lib/docker/volumes/other/_data",
    "/data/engine/volumes/other/_data",
    "/data",
    "/var/lib/containers/storage",
    "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs",
    "/home/u/.local/share/containers/storage",
    "/home/u/.local/share/docker",
    "/run/docker",
    "/run/containerd/io.containerd.runtime.v2.task",
    "/var/snap/docker/common",
    // What the host runs.
    "/etc/systemd/system",
    "/etc/systemd/system/app.service",
    "/etc/systemd/system.conf.d",
    "/etc/pam.d/sshd",
    "/etc/udev/rules.d",
    "/etc/ld.so.preload",
    "/etc/ld.so.conf.d",
    "/etc/apt/apt.conf.d",
    "/etc/profile",
    "/etc/profile.d/x.sh",
    "/etc/cron.d",
    "/etc/cron.weekly/x",
    "/etc/crontab",
    "/etc/rc.local",
    "/etc/init.d/ssh",
    "/etc/modprobe.d",
    "/etc/sysctl.d/99.conf",
    "/etc/NetworkManager/dispatcher.d",
    "/etc/network/if-up.d",
    "/etc/X11/Xsession.d",
    "/etc/ssl/certs",
    "/etc/rcS.d",
    "/etc/../etc//cron.daily/",
    "/ETC/Cron.d",
    "/var/spool/cron",
    "/var/spool/cron/crontabs/root",
    "/var/spool",
    "/run/systemd/system",
    "/run/udev/rules.d",
    "/var/run/udev",
    // Who may log in.
    "/etc/passwd",
    "/etc/shadow",
    "/etc/sudoers.d",
    "/etc/ssh/sshd_config",
    // Programs and libraries.
    "/usr",
    "/bin",
    "/sbin/init",
    "/lib",
    "/lib/modules",
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/systemd/system",
    "/usr/bin/runc",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/sbin/x",
    "/usr/local/lib/docker/cli-plugins",
    "/var/usrlocal/bin",
    "/boot/grub",
    "/boot/efi",
    "/nix/store",
    // Users.
    "/root",
    "/root/.ssh",
    "/root/.bashrc",
    "/root/.config",
    "/root/.config/systemd/user",
    "/home",
    "/home/u",
    "/home/u/",
    "/home/u/.ssh",
    "/home/u/.ssh/authorized_keys",
    "/home/u/.bashrc",
    "/home/u/.profile",
    "/home/u/.config",
    "/home/u/.config/systemd/user",
    "/home/u/.config/autostart",
    "/home/u/.local",
    "/home/u/.local/bin",
    "/home/u/app/../.ssh",
    "/var/home/u/.ssh",
    "/var/roothome/.ssh",
    "/Users/u/.ssh",
    "/host_mnt/Users/u/.zshrc",
    // Firewalls, networks, modules, what starts.
    "/etc/ufw",
    "/etc/iptables/rules.v4",
    "/etc/nftables.conf",
    "/etc/firewalld",
    "/etc/systemd/network",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/dkms",
    "/usr/src",
    "/usr/src/linux-headers-6.1.0-18",
    "/usr/src/nvidia-535.129.03",
    "/opt/cni/bin",
    "/opt/containerd",
    "/opt",
    "/etc/anything.d/x",
    // Clusters.
    "/run/k0s",
    "/var/lib/k0s/bin",
    "/var/lib/rancher/k3s",
    "/etc/k0s",
    // The machine around Docker Desktop's.
    "/private/etc/pam.d",
    "/private/var/root/../../etc",
    "/System/Volumes/Data/private/etc",
    "/Library/LaunchDaemons",
    "/Users/u/Library/LaunchAgents",
    "/mnt/c",
    "/mnt/c/Windows/System32",
    "/mnt/c/Users/u/.ssh",
    "/mnt/c/Users/u",
    "/run/desktop/mnt/host/c",
    "/run/desktop/mnt/host/c/Users/u/AppData/Roaming/Microsoft/Windows/Start Menu",
    "/mnt/host/c/ProgramData",
    "/host_mnt/c/Program Files (x86)",
    r"C:\",
    r"c:\Windows",
    "C:/Users/u",
    // Above.
    "/",
    "//",
    "/etc",
    "/var",
    "/var/lib",
    "/run",
];

/// What is mounted everywhere, writable, and gives nothing away.
const INNOCENT: &[&str] = &[
    "/etc/localtime",
    "/etc/timezone",
    "/usr/share/zoneinfo/Europe/Berlin",
    "/home/u/app/data",
    "/home/u/docker/app/config",
    "/home/u/.config/app",
    "/home/u/.local/share/app",
    "/home/u/.cache/app",
    "/home/u/.sshd-app",
    "/home/u/media",
    "/root/docker/app",
    "/root/app",
    "/users/u/docker",
    "/var/lib/vaultwarden",
    "/var/lib/docker-backup",
    "/var/lib/postgresql/data",
    "/var/lib/grafana",
    "/var/www/html",
    "/var/log/app",
    "/var/opt/app",
    "/srv",
    "/srv/media",
    "/srv/etc/cron.d",
    "/mnt",
    "/mnt/data",
    "/mnt/user/appdata/app",
    "/media/usb",
    "/opt/app",
    "/opt/docker/app/config",
    "/volume1/docker/app",
    "/tank/apps/db",
    "/data2",
    "/data-engine",
    "/etc/letsencrypt",
    "/etc/homeassistant",
    "/etc/pihole",
    "/etc/dockerapp",
    "/etc/cronicle",
    "/usr/share/nginx/html",
    "/usr/local/share/app",
    "/usr/local/app",
    "/usr/src/app",
    "/usr/src/my-app",
    "/opt/app-1.2",
    "/mnt/d/media",
    "/mnt/c/Users/u/projects/app",
    r"D:\media",
    r"C:\Users\u\app",
    "/etc/rclone",
    "/etc/traefik",
    "/Users/u/Library/Application Support/app",
    "/library/books",
    "/run/user/1000/pulse",
    "/run/app",
    "/tmp/app",
    "/system",
    "/process",
    "/bind",
    "/library",
];

#[test]
fn who_may_write_at_or_below_a_directory_of_the_host_has_the_host() {
    for path in POWER {
        assert!(sensitive(path, Some("/data/engine/"), true).is_some(), "{path}");
    }
    for path in INNOCENT {
        assert_eq!(sensitive(path, Some("/data/engine/"), true), None, "{path}");
    }
}

/// 300 containers with 200 mounts each took seconds at every change: each path was compared with all of each list.
#[test]
fn a_path_leads_to_what_the_whole_lists_say_by_a_few_comparisons() {
    fn compared(tree: &Tree) -> usize {
        let below = tree.named.values().chain(tree.alike.values()).map(compared).max();
        tree.alike.len().max(below.unwrap_or_default())
    }
    let all: Vec<&str> = [SENSITIVE, POWERFUL, HOMES].concat();
    let secret: Vec<&str> = [SENSITIVE, SECRET, HOMES].concat();
    let users = [OF_A_USER, SECRET_OF_A_USER].concat();
    let relative: Vec<&str> =
        users.iter().flat_map(|own| [*own, own.rsplit_once('/').map_or("x", |it| it.0)]).collect();
    for (list, tree) in [
        (SOCKETS, &*SOCKETS_BY_PART),
        (POWERFUL, &WRITTEN.hosts),
        (OF_A_USER, &WRITTEN.users),
        (&all, &WRITTEN.below),
        (SECRET, &READ.hosts),
        (SECRET_OF_A_USER, &READ.users),
        (&secret, &READ.below),
    ] {
        assert!(compared(tree) <= 5, "{}", compared(tree));
        let paths = [SOCKETS, POWER, INNOCENT, &all, &secret, &relative].concat();
        for path in paths.iter().flat_map(|path| [(*path).to_owned(), format!("{path}/x"), format!("{path}.d")]) {
            let first = |is: &dyn Fn(&str) -> bool| list.iter().position(|own| is(own)).map(|at| (at, list[at]));
            let found = |entry: Option<Entry>| entry.map(|Entry { place, path }| (place, path));
            let above = first(&|own| is_at_or_below(&path, own).is_some());
            assert_eq!(found(tree.first_above(&path)), above, "{path}");
            assert_eq!(found(tree.first_below(&path)), first(&|own| is_at_or_above(&path, own)), "{path}");
        }
    }
}

#[test]
fn to_read_is_to_know_the_secrets_there() {
    for path in [
        "/",
        "/etc",
        "/etc/",
        "/home",
        "/var/run",
        "/var/lib/docker",
        "/proc/../sys",
        "/proc/1/root",
        "/var/lib",
        "/etc/shadow",
        "/etc/ssl",
        "/etc/ssl/private",
        "/etc/ssl/private/app.key",
        "/etc/ssh/ssh_host_ed25519_key",
        "/etc/docker/daemon.json",
        "/etc/rancher/k3s/k3s.yaml",
        "/proc/1/root/etc/shadow",
        "/root",
        "/root/.ssh",
        "/home/u",
        "/home/u/.ssh/id_ed25519",
        "/home/u/.kube/config",
        "/home/u/.aws",
        "/home/u/.config",
        "/home/u/.docker/config.json",
        "/Users/u/.ssh",
        r"C:\Users\u\.ssh",
        "/run/secrets",
        "/var/run/secrets/x",
        "/var/lib/docker/volumes",
        "/var/lib/docker/volumes/other/_data",
        "/var/lib/docker/containers",
        "/home/u/.local/share/docker/volumes/x/_data",
        "/var/lib/containers/storage/volumes/x/_data",
    ] {
        assert!(sensitive(path, None, false).is_some(), "{path}");
    }
    for path in [
        "/etc/localtime",
        "/etc/ssl/certs",
        "/etc/pki/ca-trust",
        "/usr/share/zoneinfo",
        "/etc/passwd",
        "/etc/group",
        "/etc/machine-id",
        "/etc/os-release",
        "/etc/resolv.conf",
        "/etc/letsencrypt",
        "/sys/class/thermal",
        "/proc/stat",
        "/var/log",
        "/opt",
    ]
    .into_iter()
    .chain(INNOCENT.iter().copied())
    {
        assert_eq!(sensitive(path, None, false), None, "{path}");
    }
    assert!(sensitive("/data/docker", Some("/data/docker/"), false).is_some());
    assert!(sensitive("/data/docker/volumes/x/_data", Some("/data/docker/"), false).is_some());
}

/// `docs/isolation.md` says which directories may be mounted whole.
#[test]
fn a_directory_for_data_is_not_the_host_and_one_with_programs_of_the_hosts_is() {
    for (path, whole, of_an_application) in [
        ("/srv", true, true),
        ("/mnt", true, true),
        ("/media", true, true),
        ("/data", true, true),
        ("/opt", false, true),
        ("/home", false, true),
        ("/home/u", false, true),
        ("/root", false, true),
        ("/var/lib", false, true),
        ("/etc", false, true),
        ("/usr/local", false, true),
        ("/usr/local/bin", false, false),
    ] {
        let may = |path: &str| sensitive(path, Some("/var/lib/docker"), true).is_none();
        // `/home/app` is a home.
        let app = if path == "/home" { "/home/u/app".to_owned() } else { format!("{path}/app") };
        assert_eq!((may(path), may(&app)), (whole, of_an_application), "{path}");
    }
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
fn a_path_that_is_taken_for_plain_is() {
    for path in POWER.iter().chain(INNOCENT) {
        assert_eq!(plainly(path).as_deref(), plain(path).as_deref(), "{path}");
    }
}

#[test]
fn what_is_held_is_named() {
    let holds = |path: &str, root_dir| sensitive(path, root_dir, true).unwrap().holds.unwrap();
    assert_eq!(holds("/var/lib", None), "/var/lib/containerd");
    assert_eq!(holds("/data", Some("/data/docker")), "/data/docker");
    assert_eq!(sensitive("/data/app", Some("/data/docker"), true), None);
    assert_eq!(holds("/home/u", None), "~/.ssh");
    assert_eq!(holds("/home/u/.config", None), "~/.config/autostart");
}
