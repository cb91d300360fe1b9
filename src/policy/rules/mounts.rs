//! Host paths that give away more than data.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The sockets that command an engine or the host. `*` is any one directory or file.
///
/// Source: the projects' packages and documentation; `/var/run` is `/run`.
const SOCKETS: &[&str] = &[
    "/run/docker.sock",
    "/run/docker/*",
    "/run/user/*/docker.sock",
    "/run/user/*/podman/podman.sock",
    "/run/user/*/bus",
    "/run/user/*/systemd/private",
    "/run/podman/podman.sock",
    "/run/containerd/*",
    "/run/containerd/s/*",
    "/run/docker/containerd/containerd.sock",
    "/run/k0s/*",
    "/run/k3s/containerd/*",
    "/run/crio/*",
    "/run/cri-dockerd.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/balena-engine.sock",
    "/run/host-services/docker.proxy.sock",
    "/run/incus/unix.socket",
    "/var/lib/incus/unix.socket",
    "/var/lib/lxd/unix.socket",
    "/var/snap/lxd/common/lxd/unix.socket",
    "/run/libvirt/*",
    "/run/nri/nri.sock",
    "/run/snapd.socket",
    "/run/systemd/private",
    "/run/systemd/io.systemd.manager",
    "/run/dbus/system_bus_socket",
    "/run/supervisor.sock",
    "/run/fail2ban/fail2ban.sock",
    "/run/openvswitch/*",
    "/run/lxd.socket",
    "/run/user/*/buildkit/*",
    "/run/user/*/containerd/*",
    // A way out: what asks for names, or speaks for the host on another network.
    "/run/nscd/socket",
    "/run/systemd/resolve/io.systemd.resolve",
    "/run/systemd/resolve/io.systemd.resolve.monitor",
    "/run/tailscale/*",
];

/// Where engines of a user keep their socket, and the keys of their machine, below a home: at one of these, or below.
///
/// Source: Docker Desktop, Rancher Desktop, `OrbStack`, Colima, Lima.
const IN_A_HOME: &[&str] =
    &["/.docker/run", "/.docker/desktop", "/.rd", "/.orbstack/run", "/.colima", "/.config/colima", "/.lima"];

/// Directories that are the host, or hold its secrets. Matched exactly, never what lies below.
const SENSITIVE: &[&str] = &[
    "/",
    "/boot",
    "/c",
    "/c/users",
    "/dev",
    "/etc",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/systemd",
    "/etc/systemd/system",
    "/home",
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

/// What makes whoever writes there root on the host, or its user: programs and libraries that the host runs, what tells
/// them what to run, who may log in, and the engine's own data. At or below one of these, and above one; to read it is
/// usual (`/etc/passwd`). `*` is any part of one directory's or file's name. Without the directories that hold an application's
/// own settings and data.
///
/// Source: the manual pages of systemd, PAM, cron, udev, `ld.so`, `sudo`, `ssh`, the shells and the engines; the file
/// system hierarchies of Debian, Fedora, Arch, openSUSE, NixOS.
const POWERFUL: &[&str] = &[
    // The kernel, and other processes by it.
    "/proc",
    "/sys",
    "/boot",
    // Programs and libraries. `/bin`, `/lib` and their like are read as below `/usr`.
    "/gnu/store",
    "/nix",
    "/opt/cni",
    "/opt/containerd",
    "/ostree",
    "/snap",
    "/sysroot",
    "/usr/bin",
    "/usr/etc",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/libx32",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/lib",
    "/usr/local/lib32",
    "/usr/local/lib64",
    "/usr/local/libexec",
    "/usr/local/sbin",
    "/usr/local/share/ca-certificates",
    "/usr/sbin",
    "/usr/share/bash-completion",
    "/usr/share/ca-certificates",
    "/usr/share/dbus-1",
    "/usr/share/initramfs-tools",
    "/usr/share/perl",
    "/usr/share/perl5",
    "/usr/share/polkit-1",
    "/usr/share/python3",
    "/usr/src/*-*.*",
    "/usr/src/kernels",
    "/usr/src/linux*",
    // Who may log in, and as whom.
    "/etc/passwd",
    "/etc/passwd-",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/group",
    "/etc/gshadow",
    "/etc/subuid",
    "/etc/subgid",
    "/etc/sudoers",
    "/etc/security",
    "/etc/login.defs",
    "/etc/polkit-1",
    "/etc/krb5.keytab",
    "/etc/sssd",
    "/etc/ssh",
    "/etc/userdb",
    // What the host runs, and how.
    "/etc/*.conf",
    "/etc/*.d",
    "/etc/cron.*",
    "/etc/rc.*",
    "/etc/acpi",
    "/etc/aliases",
    "/etc/alternatives",
    "/etc/anacrontab",
    "/etc/ansible",
    "/etc/apk",
    "/etc/apm",
    "/etc/apparmor",
    "/etc/apt",
    "/etc/audit",
    "/etc/bash.bash_logout",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/bird",
    "/etc/ca-certificates",
    "/etc/cloud",
    "/etc/cni",
    "/etc/config",
    "/etc/containerd",
    "/etc/containers",
    "/etc/crio",
    "/etc/cron",
    "/etc/crontab",
    "/etc/crontabs",
    "/etc/crypttab",
    "/etc/csf",
    "/etc/csh.cshrc",
    "/etc/csh.login",
    "/etc/dbus-1",
    "/etc/default",
    "/etc/dhcp",
    "/etc/dhcpcd.enter-hook",
    "/etc/dhcpcd.exit-hook",
    "/etc/dkms",
    "/etc/dnf",
    "/etc/docker",
    "/etc/dpkg",
    "/etc/environment",
    "/etc/etcd",
    "/etc/exim4",
    "/etc/exports",
    "/etc/fail2ban",
    "/etc/ferm",
    "/etc/firewalld",
    "/etc/fish",
    "/etc/frr",
    "/etc/fstab",
    "/etc/gdm",
    "/etc/gdm3",
    "/etc/gitconfig",
    "/etc/hosts",
    "/etc/init",
    "/etc/initcpio",
    "/etc/initramfs-tools",
    "/etc/inittab",
    "/etc/inputrc",
    "/etc/iptables",
    "/etc/k0s",
    "/etc/keepalived",
    "/etc/kernel",
    "/etc/kubernetes",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/libvirt",
    "/etc/lightdm",
    "/etc/logcheck",
    "/etc/lvm",
    "/etc/lxc",
    "/etc/mail.rc",
    "/etc/mdadm",
    "/etc/modules",
    "/etc/monit",
    "/etc/nagios",
    "/etc/needrestart",
    "/etc/netplan",
    "/etc/network",
    "/etc/networkd-dispatcher",
    "/etc/networkmanager",
    "/etc/nixos",
    "/etc/nut",
    "/etc/openvpn",
    "/etc/perl",
    "/etc/php",
    "/etc/pki",
    "/etc/pm",
    "/etc/podman",
    "/etc/postfix",
    "/etc/ppp",
    "/etc/profile",
    "/etc/puppet",
    "/etc/puppetlabs",
    "/etc/pve",
    "/etc/python3",
    "/etc/rancher",
    "/etc/resolvconf",
    "/etc/rpm",
    "/etc/runit",
    "/etc/runlevels",
    "/etc/salt",
    "/etc/samba",
    "/etc/securetty",
    "/etc/selinux",
    "/etc/service",
    "/etc/shells",
    "/etc/shorewall",
    "/etc/shorewall6",
    "/etc/skel",
    "/etc/smartmontools",
    "/etc/snmp",
    "/etc/ssl",
    "/etc/supervisor",
    "/etc/sv",
    "/etc/swanctl",
    "/etc/sysconfig",
    "/etc/syslog-ng",
    "/etc/systemd",
    "/etc/tinc",
    "/etc/udev",
    "/etc/udisks2",
    "/etc/ufw",
    "/etc/webmin",
    "/etc/wireguard",
    "/etc/x11",
    "/etc/xdg",
    "/etc/yum",
    "/etc/zabbix",
    "/etc/zlogin",
    "/etc/zprofile",
    "/etc/zsh",
    "/etc/zshenv",
    "/etc/zshrc",
    "/etc/zypp",
    // What runs now: units, rules and sockets made at run time.
    "/run/binfmt.d",
    "/run/cloud-init",
    "/run/containerd",
    "/run/containers",
    "/run/credentials",
    "/run/crio",
    "/run/dbus",
    "/run/docker",
    "/run/flannel",
    "/run/guest-services",
    "/run/host-services",
    "/run/initramfs",
    "/run/k0s",
    "/run/k3s",
    "/run/kata-containers",
    "/run/libvirt",
    "/run/lvm",
    "/run/modprobe.d",
    "/run/modules-load.d",
    "/run/netns",
    "/run/networkmanager",
    "/run/nscd",
    "/run/podman",
    "/run/polkit-1",
    "/run/runc",
    "/run/sshd",
    "/run/sudo",
    "/run/sysctl.d",
    "/run/systemd",
    "/run/sysusers.d",
    "/run/tmpfiles.d",
    "/run/udev",
    "/run/user/*/containers",
    "/run/user/*/docker",
    "/run/user/*/systemd",
    "/run/vc",
    // What the host's own programs keep, and other containers' files.
    "/var/cron",
    "/var/db/dslocal",
    "/var/db/sudo",
    "/var/lib/alternatives",
    "/var/lib/apt",
    "/var/lib/bluetooth",
    "/var/lib/boot2docker",
    "/var/lib/cloud",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/crio",
    "/var/lib/dbus",
    "/var/lib/dhcp",
    "/var/lib/dkms",
    "/var/lib/docker",
    "/var/lib/dpkg",
    "/var/lib/etcd",
    "/var/lib/extensions",
    "/var/lib/flatpak",
    "/var/lib/incus",
    "/var/lib/k0s",
    "/var/lib/kubelet",
    "/var/lib/libvirt",
    "/var/lib/logrotate",
    "/var/lib/lxc",
    "/var/lib/lxd",
    "/var/lib/machines",
    "/var/lib/minikube",
    "/var/lib/nerdctl",
    "/var/lib/networkmanager",
    "/var/lib/pacman",
    "/var/lib/pam",
    "/var/lib/polkit-1",
    "/var/lib/portables",
    "/var/lib/puppet",
    "/var/lib/rancher",
    "/var/lib/rpm",
    "/var/lib/shim-signed",
    "/var/lib/snapd",
    "/var/lib/sudo",
    "/var/lib/systemd",
    "/var/snap/docker",
    "/var/snap/lxd",
    "/var/snap/microk8s",
    "/var/spool/anacron",
    "/var/spool/at",
    "/var/spool/atjobs",
    "/var/spool/cron",
    "/var/spool/incron",
    // The first drive of Windows, around Docker Desktop's own machine.
    "/c/program*",
    "/c/windows",
];

/// Where users are at home.
const HOMES: &[&str] = &["/root", "/home/*", "/users/*", "/c/users/*"];

/// What makes whoever writes there a user: keys, and what runs when the user logs in or works. At, below or above.
const OF_A_USER: &[&str] = &[
    ".ssh",
    ".aliases",
    ".bash_aliases",
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".bin",
    ".cargo/bin",
    ".config/autostart",
    ".config/containers",
    ".config/environment.d",
    ".config/fish",
    ".config/git",
    ".config/nvim",
    ".config/plasma-workspace",
    ".config/systemd",
    ".config/zsh",
    ".cshrc",
    ".docker",
    ".forward",
    ".gitconfig",
    ".gnupg",
    ".inputrc",
    ".k5login",
    ".kshrc",
    ".kube",
    ".local/bin",
    ".local/lib",
    ".local/share/applications",
    ".local/share/autostart",
    ".local/share/containers",
    ".local/share/dbus-1",
    ".local/share/docker",
    ".local/share/systemd",
    ".login",
    ".mailcap",
    ".nix-profile",
    ".npm-global",
    ".oh-my-zsh",
    ".pam_environment",
    ".procmailrc",
    ".profile",
    ".pyenv",
    ".rhosts",
    ".screenrc",
    ".shosts",
    ".tcshrc",
    ".tmux.conf",
    ".vim",
    ".vimrc",
    ".xinitrc",
    ".xprofile",
    ".xsession",
    ".xsessionrc",
    ".zlogin",
    ".zprofile",
    ".zsh",
    ".zshenv",
    ".zshrc",
    "appdata/roaming/microsoft/windows",
    "bin",
    "library/launchagents",
];

/// What whoever reads there knows: keys and passwords of the host, of its clusters and networks, and other containers'
/// files. At or below one of these, and above one. Not what applications are given on purpose (`/etc/letsencrypt`).
///
/// Source: as [`POWERFUL`].
const SECRET: &[&str] = &[
    "/etc/containers",
    "/etc/cryptsetup-keys.d",
    "/etc/docker",
    "/etc/etcd",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/ipsec.d",
    "/etc/k0s",
    "/etc/krb5.keytab",
    "/etc/kubernetes",
    "/etc/luks",
    "/etc/netplan",
    "/etc/networkmanager/system-connections",
    "/etc/openvpn",
    "/etc/pki/tls/private",
    "/etc/ppp",
    "/etc/pve",
    "/etc/rancher",
    "/etc/security/opasswd",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/swanctl",
    "/etc/tinc",
    "/etc/wireguard",
    "/etc/wpa_supplicant",
    "/run/agenix",
    "/run/agenix.d",
    "/run/containers",
    "/run/credentials",
    "/run/secrets",
    "/run/secrets.d",
    "/run/user/*/containers",
    "/run/user/*/gnupg",
    "/run/user/*/keyring",
    "/var/backups",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/incus",
    "/var/lib/k0s",
    "/var/lib/kubelet",
    "/var/lib/libvirt",
    "/var/lib/lxc",
    "/var/lib/lxd",
    "/var/lib/machines",
    "/var/lib/minikube",
    "/var/lib/rancher",
    "/var/lib/samba/private",
    "/var/lib/sss",
    "/var/lib/systemd/credential.secret",
    "/var/lib/tailscale",
    "/var/snap/docker",
    "/var/snap/lxd",
    "/var/snap/microk8s",
];

/// The same of a user, below a home.
const SECRET_OF_A_USER: &[&str] = &[
    ".ssh",
    ".aws",
    ".azure",
    ".bash_history",
    ".config/containers",
    ".config/doctl",
    ".config/gcloud",
    ".config/gh",
    ".config/hcloud",
    ".config/sops",
    ".docker",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".local/share/containers",
    ".local/share/docker",
    ".local/share/keyrings",
    ".my.cnf",
    ".netrc",
    ".oci",
    ".password-store",
    ".pgpass",
    ".terraform.d",
    ".vault-token",
    ".zsh_history",
    "library/keychains",
];

/// Half the context mounts these everywhere, writable too.
pub(super) const TIME: [&str; 3] = ["/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo"];

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

#[cfg(test)]
mod tests {
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
}
