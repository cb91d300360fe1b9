//! The engines that people run, from Debian's packages: each suite's in a root file system of its own, made once and kept in
//! `target/engines`.
//!
//! `LEEWARD_E2E_ENGINE=docker-sid cargo test --test e2e` runs every end-to-end test on that engine; without it they run on the
//! machine's own Docker. A newer engine is a line in [`ENGINES`].

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::{root, runs};

/// Which program an engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Docker,
    Podman,
}

/// An engine to test on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Engine {
    /// What `LEEWARD_E2E_ENGINE` calls it.
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    /// Debian's; `None`: the machine's own.
    suite: Option<&'static str>,
    /// More for its command line.
    flags: &'static [&'static str],
}

const fn engine(name: &'static str, program: Program, suite: &'static str, flags: &'static [&'static str]) -> Engine {
    Engine { name, program, suite: Some(suite), flags }
}

/// All of them; what they were in November 2026.
const ENGINES: [Engine; 8] = [
    engine("docker-bookworm", Program::Docker, "bookworm", &[]), // 20.10
    engine("docker-trixie", Program::Docker, "trixie", &[]),     // 26.1
    engine("docker-sid", Program::Docker, "sid", &[]),           // 28.5
    engine("docker-sid-containerd", Program::Docker, "sid", &["--feature", "containerd-snapshotter=true"]),
    engine("podman-bookworm", Program::Podman, "bookworm", &[]), // 4.3
    engine("podman-trixie", Program::Podman, "trixie", &[]),     // 5.4
    engine("podman-sid", Program::Podman, "sid", &[]),           // 5.8
    engine("podman-experimental", Program::Podman, "experimental", &[]), // 6.1
];

/// The machine's own Docker.
const OWN: Engine = Engine { name: "docker", program: Program::Docker, suite: None, flags: &[] };

/// Both engines of a suite, and what they need to set networks up.
const PACKAGES: &str = "iptables,nftables,iproute2,ca-certificates,docker.io,podman,netavark,aardvark-dns,crun";

/// The engine that `LEEWARD_E2E_ENGINE` names.
pub(crate) fn chosen() -> Engine {
    let name = std::env::var_os("LEEWARD_E2E_ENGINE").unwrap_or_default().to_string_lossy().into_owned();
    let names = ENGINES.map(|engine| engine.name).join(", ");
    let found = ENGINES.into_iter().find(|engine| engine.name == name);
    found
        .or_else(|| name.is_empty().then_some(OWN))
        .unwrap_or_else(|| panic!("LEEWARD_E2E_ENGINE={name}: one of {names}"))
}

impl Engine {
    /// Its root file system, made now if it is not there yet; `None`: the machine's own. An error says what went wrong.
    pub(crate) fn root(self) -> Result<Option<PathBuf>, String> {
        let Some(suite) = self.suite else { return Ok(None) };
        let folder = root().join("target/engines");
        fs::create_dir_all(&folder).map_err(|problem| problem.to_string())?;
        // One process makes it, the others wait.
        let turn = File::create(folder.join(format!("{suite}.turn"))).map_err(|problem| problem.to_string())?;
        turn.lock().map_err(|problem| problem.to_string())?;
        let made = folder.join(suite);
        if !made.join(".made").exists() {
            make(suite, &made, &folder.join(format!("{suite}.log")))?;
            File::create(made.join(".made")).map_err(|problem| problem.to_string())?;
        }
        Ok(Some(made))
    }

    /// Whether it is the machine's own.
    pub(crate) fn is_own(self) -> bool {
        self.suite.is_none()
    }

    /// Whether it keeps the variants of an image for several platforms under one id.
    pub(crate) fn keeps_variants(self) -> bool {
        self.flags.iter().any(|flag| flag.starts_with("containerd-snapshotter"))
    }

    /// Its command line, with its state below `at` and its socket there.
    pub(crate) fn command(self, at: &str) -> String {
        let flags = self.flags.join(" ");
        match self.program {
            Program::Docker => {
                format!("dockerd --data-root {at}/data -H unix:///run/docker.sock -H unix://{at}/docker.sock {flags}")
            }
            Program::Podman => format!(
                "env CONTAINERS_CONF={at}/containers.conf podman --root {at}/data --runroot /run/podman --cgroup-manager=cgroupfs {flags} system service --time=0 \
                 unix://{at}/docker.sock"
            ),
        }
    }
}

/// The mirror that the machine itself installs from.
fn mirror() -> String {
    let files = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];
    let text: String = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    let mut words = text.split_whitespace().filter(|word| word.starts_with("http"));
    let found = words.find(|word| word.trim_end_matches('/').ends_with("/debian"));
    found.unwrap_or("http://deb.debian.org/debian").to_owned()
}

/// Installs a suite's engines into `target`.
fn make(suite: &str, target: &Path, log: &Path) -> Result<(), String> {
    if !runs(&["sh", "-c", "PATH=$PATH:/usr/sbin command -v debootstrap"]) {
        return Err("no program `debootstrap`".to_owned());
    }
    if target.exists() {
        fs::remove_dir_all(target).map_err(|problem| problem.to_string())?;
    }
    let (mirror, at) = (mirror(), target.display());
    let base = if suite == "experimental" { "sid" } else { suite };
    let mut script = format!("debootstrap --variant=minbase --include={PACKAGES} {base} {at} {mirror}");
    if suite == "experimental" {
        // Only these from there: the rest is what sid has.
        write!(
            script,
            " && echo 'deb {mirror} experimental main' >{at}/etc/apt/sources.list.d/experimental.list \
             && chroot {at} apt-get -o Acquire::Check-Valid-Until=false update -q \
             && DEBIAN_FRONTEND=noninteractive chroot {at} apt-get install -y -q --no-install-recommends -t experimental \
             podman netavark aardvark-dns"
        )
        .unwrap();
    }
    let file = File::create(log).map_err(|problem| problem.to_string())?;
    let mut command = Command::new("sh");
    command
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .args(["-c", &script])
        .stdout(file.try_clone().unwrap())
        .stderr(file);
    let status = command.status().map_err(|problem| problem.to_string())?;
    if status.success() {
        return Ok(());
    }
    let said = fs::read_to_string(log).unwrap_or_default();
    let last: Vec<&str> = said.lines().rev().take(3).collect();
    Err(format!(
        "the engines of Debian {suite} from {mirror}: {}",
        last.into_iter().rev().collect::<Vec<_>>().join(" | ")
    ))
}
