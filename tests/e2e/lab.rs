//! A laboratory: an engine of our own in a network of its own, with an "Internet" of one address beside it.
//!
//! ```text
//!   internet (a network namespace)              lab (network and mount namespace)
//!   203.0.113.2, a web server    --- veth ---   203.0.113.1, dockerd with its own state, docker0, all containers
//! ```
//!
//! The engine sees `/run` and `/var/run/docker.sock` of its own, so the shipped files run unchanged, and freezing or
//! ending it disturbs nobody. The namespaces end with their processes: nothing is left on the machine.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::engines;
pub(crate) use crate::eventually::eventually;

/// The address of the "Internet".
pub(crate) const OUTSIDE: &str = "203.0.113.2";
/// The lab's own address, as the Internet sees it.
pub(crate) const HOST: &str = "203.0.113.1";

/// A running engine and its surroundings.
pub(crate) struct Lab {
    folder: TempDir,
    /// Which engine it is.
    chosen: engines::Engine,
    engine: Child,
    /// In the engine's network namespace, and nothing else.
    holder: Child,
    internet: Child,
    web: Child,
    /// Servers of the Internet that list who comes.
    caught: std::sync::Mutex<Vec<Child>>,
    /// Which Compose, `docker-compose` or another.
    compose: Vec<String>,
    started: Instant,
    log: File,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) ok: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// An answer over HTTP: 0 is none at all.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Lab {
    /// Starts the engine and the Internet. Takes a few seconds.
    pub(crate) fn start(test: &str, compose: &[String]) -> Self {
        Self::start_with(test, compose, "")
    }

    /// The same, with more flags for the engine.
    pub(crate) fn start_with(test: &str, compose: &[String], flags: &str) -> Self {
        let logs = root().join("target/e2e");
        fs::create_dir_all(&logs).unwrap();
        let log = File::create(logs.join(format!("{test}.log"))).unwrap();
        let folder = TempDir::new().unwrap();
        let at = folder.path().display().to_string();
        let chosen = engines::chosen();
        let own_root = chosen.root().unwrap();
        // The host's resolver is on loopback, as with systemd-resolved; nobody answers there.
        fs::write(folder.path().join("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
        // Podman asks for more open files than a machine may allow.
        let limits = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n";
        fs::write(folder.path().join("containers.conf"), limits).unwrap();
        let enter = own_root.map_or_else(
            || format!("mount --bind {at}/resolv.conf /etc/resolv.conf; mount -t tmpfs tmpfs /run"),
            |root| enter(&root, folder.path()),
        );
        let command = format!("{} {flags}", chosen.command(&at));
        let script = format!(
            "exec >{at}/dockerd.log 2>&1; set -e; mount --make-rprivate /; ip link set lo up; {enter}; exec {command}"
        );
        let engine = spawn(bound("unshare").args(["--mount", "--net", "bash", "-c", &script]));
        let internet = spawn(bound("unshare").args(["--net", "sleep", "infinity"]));
        for child in [&engine, &internet] {
            eventually(Duration::from_secs(5), "a network namespace of its own", || {
                let own = fs::read_link("/proc/self/ns/net").unwrap();
                match fs::read_link(format!("/proc/{}/ns/net", child.id())) {
                    Ok(theirs) if theirs != own => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            });
        }
        let (lab, net) = (engine.id().to_string(), internet.id().to_string());
        let holder = spawn(bound("nsenter").args(["-t", &lab, "-n", "sleep", "infinity"]));
        let lab = {
            let theirs = fs::read_link(format!("/proc/{lab}/ns/net")).unwrap();
            eventually(Duration::from_secs(5), "a process in the engine's network namespace", || {
                match fs::read_link(format!("/proc/{}/ns/net", holder.id())) {
                    Ok(own) if own == theirs => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            });
            holder.id().to_string()
        };
        must(&["ip", "link", "add", "outside", "netns", &lab, "type", "veth", "peer", "name", "inside", "netns", &net]);
        for (pid, device, address) in [(&lab, "outside", HOST), (&net, "inside", OUTSIDE)] {
            let address = format!("{address}/24");
            must(&["nsenter", "-t", pid, "-n", "ip", "address", "add", &address, "dev", device]);
            must(&["nsenter", "-t", pid, "-n", "ip", "link", "set", device, "up"]);
        }
        must(&["nsenter", "-t", &lab, "-n", "ip", "route", "add", "default", "via", OUTSIDE]);
        fs::create_dir(folder.path().join("www")).unwrap();
        fs::write(folder.path().join("www/index.html"), "the outside world\n").unwrap();
        let web = spawn(
            bound("nsenter")
                .args(["-t", &net, "-n", "busybox", "httpd", "-f", "-p", "80", "-h"])
                .arg(folder.path().join("www")),
        );
        let caught = std::sync::Mutex::default();
        let lab = Self {
            folder,
            chosen,
            engine,
            holder,
            internet,
            web,
            caught,
            compose: compose.to_vec(),
            started: Instant::now(),
            log,
        };
        eventually(Duration::from_mins(1), "the engine answers", || {
            let said = lab.docker(&["version"]);
            if said.ok { Ok(()) } else { Err(lab.engine_log()) }
        });
        lab
    }

    /// Starts a server on the Internet: what it gives tells which requests came.
    pub(crate) fn catch(&self, port: u16) -> impl Fn() -> String + use<> {
        let list = self.folder.path().join(format!("caught-{port}"));
        let server = Command::new("nsenter")
            .args([
                "-t",
                &self.internet.id().to_string(),
                "-n",
                "busybox",
                "httpd",
                "-f",
                "-vv",
                "-p",
                &port.to_string(),
            ])
            .arg("-h")
            .arg(self.folder.path().join("www"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&list).unwrap())
            .spawn()
            .unwrap();
        self.caught.lock().unwrap().push(server);
        move || fs::read_to_string(&list).unwrap()
    }

    /// Which engine this is.
    pub(crate) fn chosen(&self) -> engines::Engine {
        self.chosen
    }

    /// A folder of the lab's own, gone with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process id of one that is in the engine's network namespace. Not the engine's own: Podman leaves its first thread
    /// in a container's.
    pub(crate) fn engine(&self) -> u32 {
        self.holder.id()
    }

    /// The process id of the "Internet".
    pub(crate) fn internet(&self) -> u32 {
        self.internet.id()
    }

    /// The engine's own process, which sees its files too.
    pub(crate) fn engine_process(&self) -> u32 {
        self.engine.id()
    }

    /// Sends a signal to the engine: `STOP` freezes it, `CONT` lets it go on.
    pub(crate) fn signal_engine(&self, signal: &str) {
        self.note(&format!("kill -{signal} dockerd"));
        must(&["kill", &format!("-{signal}"), &self.engine.id().to_string()]);
    }

    /// `docker …` against the lab's engine.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Said {
        said(self.with_engine(Command::new("docker").args(arguments)).output().unwrap())
    }

    /// The same, which has to succeed: its output without the line's end.
    pub(crate) fn docker_ok(&self, arguments: &[&str]) -> String {
        self.note(&format!("docker {}", arguments.join(" ")));
        let said = self.docker(arguments);
        assert!(said.ok, "docker {arguments:?}\n{}{}", said.out, said.err);
        said.out.trim_end().to_owned()
    }

    /// A process that speaks to the lab's engine.
    pub(crate) fn with_engine<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("DOCKER_HOST", self.socket()).env("DOCKER_BUILDKIT", "0").env_remove("DOCKER_CONTEXT")
    }

    /// The engine's address for processes outside of the lab.
    pub(crate) fn socket(&self) -> String {
        format!("unix://{}/docker.sock", self.folder.path().display())
    }

    /// The group of the engine's socket.
    pub(crate) fn socket_group(&self) -> String {
        must(&["stat", "-c", "%g", &format!("{}/docker.sock", self.folder.path().display())])
    }

    /// `docker-compose -f FILE …` on one of the shipped files, which has to succeed.
    pub(crate) fn compose(&self, file: &str, arguments: &[&str]) -> String {
        self.compose_of(&[file], arguments)
    }

    /// The same on several, merged in their order.
    pub(crate) fn compose_of(&self, files: &[&str], arguments: &[&str]) -> String {
        let said = self.try_compose(files, arguments);
        assert!(said.ok, "compose -f {files:?} {arguments:?}\n{}{}", said.out, said.err);
        said.out
    }

    /// The same, whatever comes of it.
    pub(crate) fn try_compose(&self, files: &[&str], arguments: &[&str]) -> Said {
        let folder = format!("{}/", self.folder.path().display());
        let short: Vec<&str> = files.iter().map(|file| file.strip_prefix(&folder).unwrap_or(file)).collect();
        self.note(&format!("docker-compose -f {} {}", short.join(" -f "), arguments.join(" ")));
        let mut command = Command::new(&self.compose[0]);
        command.args(&self.compose[1..]);
        for file in files {
            command.arg("-f").arg(root().join(file));
        }
        command.args(arguments).env("DOCKER_GID", self.socket_group());
        said(self.with_engine(&mut command).output().unwrap())
    }

    /// Starts a server on the Internet, which ends with the lab. Gives its process id.
    pub(crate) fn outside(&self, command: &[&str]) -> u32 {
        self.note(&format!("on the Internet: {}", command.join(" ")));
        let (log, again) = (self.folder.path().join("outside.log"), self.internet.id().to_string());
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut server = Command::new("nsenter");
        server.args(["-t", &again, "-n"]).args(command).stdin(Stdio::null());
        let server = server.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let id = server.id();
        self.caught.lock().unwrap().push(server);
        id
    }

    /// Ends a server of the Internet.
    pub(crate) fn end_outside(&self, id: u32) {
        for server in self.caught.lock().unwrap().iter_mut().filter(|server| server.id() == id) {
            drop(server.kill());
            drop(server.wait());
        }
    }

    /// The id of the container of a Compose service.
    pub(crate) fn container(&self, project: &str, service: &str) -> String {
        let said = self.docker(&[
            "ps",
            "-aq",
            "--no-trunc",
            "--filter",
            &format!("label=com.docker.compose.project={project}"),
            "--filter",
            &format!("label=com.docker.compose.service={service}"),
        ]);
        let id = said.out.trim().to_owned();
        assert!(id.len() == 64, "one container of {project}/{service}: {said:?}");
        id
    }

    /// The process id of a container's first process.
    pub(crate) fn pid(&self, container: &str) -> String {
        self.docker(&["inspect", "-f", "{{.State.Pid}}", container]).out.trim().to_owned()
    }

    /// A command inside a container, as its own user.
    pub(crate) fn inside(&self, container: &str, command: &[&str]) -> Said {
        let said = self.docker(&[&["exec", container], command].concat());
        let short = container.get(..12).unwrap_or(container);
        let first = said.out.lines().chain(said.err.lines()).next().unwrap_or_default().to_owned();
        self.note(&format!("in {short}: {} -> {} {first}", command.join(" "), if said.ok { "ok:" } else { "fails:" }));
        said
    }

    /// A request from the Internet to the lab's published port, for `host`.
    pub(crate) fn visit(&self, host: &str, path: &str) -> Answer {
        let header = format!("Host: {host}");
        let answer = curl(&self.internet.id().to_string(), &["-H", &header, &format!("http://{HOST}{path}")]);
        self.note(&format!("internet: GET http://{host}{path} -> {} {}", answer.status, first_line(&answer.body)));
        answer
    }

    /// The same with a name and a password: `name:password`.
    pub(crate) fn visit_as(&self, who: &str, host: &str) -> Answer {
        let header = format!("Host: {host}");
        let url = format!("http://{HOST}/");
        let answer = curl(&self.internet.id().to_string(), &["-u", who, "-H", &header, &url]);
        self.note(&format!("internet: GET http://{who}@{host}/ -> {} {}", answer.status, first_line(&answer.body)));
        answer
    }

    /// A visit over HTTPS, whoever signed the certificate, with these arguments of curl besides. Status 0: nobody answers.
    pub(crate) fn visit_tls(&self, host: &str, besides: &[&str]) -> Answer {
        let (to, url) = (format!("{host}:443:{HOST}"), format!("https://{host}/"));
        let arguments = [&["-k", "-m", "5", "--resolve", &to, &url], besides].concat();
        let answer = curl(&self.internet.id().to_string(), &arguments);
        self.note(&format!("internet: GET {url} -> {} {}", answer.status, first_line(&answer.body)));
        answer
    }

    /// A request made in the network namespace of process `pid`; needs no engine.
    pub(crate) fn ask(&self, pid: &str, url: &str) -> Answer {
        let answer = get(pid, url);
        self.note(&format!("GET {url} -> {} {}", answer.status, first_line(&answer.body)));
        answer
    }

    /// Waits until a visit is answered with `status` and a body that holds `words`; says how long it took.
    pub(crate) fn until_visit(&self, host: &str, status: u16, words: &str) -> Duration {
        let header = format!("Host: {host}");
        let net = self.internet.id().to_string();
        let took = eventually(Duration::from_secs(20), &format!("{host} answers {status} {words}"), || {
            // Not long: while a container goes, a request may hang at its old address.
            let answer = curl(&net, &["-m", "0.3", "-H", &header, &format!("http://{HOST}/")]);
            if answer.status == status && answer.body.contains(words) { Ok(()) } else { Err(format!("{answer:?}")) }
        });
        self.note(&format!("internet: GET http://{host}/ -> {status} {words} (after {} ms)", took.as_millis()));
        took
    }

    /// The last lines of the engine's log.
    pub(crate) fn engine_log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("dockerd.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// One line of the test's own log, also in `target/e2e/<test>.log`.
    pub(crate) fn note(&self, line: &str) {
        let line = format!("{:7.2}s  {line}", self.started.elapsed().as_secs_f64());
        println!("{line}");
        writeln!(&self.log, "{line}").unwrap();
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        must_not_fail(Command::new("kill").args(["-CONT", &self.engine.id().to_string()]));
        if std::thread::panicking() {
            for name in self.docker(&["ps", "-a", "--format", "{{.Names}}"]).out.split_whitespace() {
                let log = self.docker(&["logs", "--tail", "15", name]);
                println!("--- {name} ---\n{}{}", log.out, log.err);
            }
        }
        let ids = self.docker(&["ps", "-aq"]).out;
        if !ids.trim().is_empty() {
            let ids: Vec<&str> = ids.split_whitespace().collect();
            self.docker(&[&["rm", "-fv"], &ids[..]].concat());
        }
        must_not_fail(Command::new("kill").arg(self.engine.id().to_string()));
        let mut caught = self.caught.get_mut().map(std::mem::take).unwrap_or_default();
        for child in caught.iter_mut().chain([&mut self.web, &mut self.holder, &mut self.internet]) {
            drop(child.kill());
            drop(child.wait());
        }
        drop(self.engine.wait());
    }
}

/// Makes another root file system that of the shell which runs this, with the repository and the lab's folder where they are.
/// Not `chroot`, in which the engine's helpers would land in the machine's own root.
fn enter(other: &Path, folder: &Path) -> String {
    let (other, here, folder) = (other.display(), root(), folder.display());
    let here = here.display();
    format!(
        "mount --bind {other} {other}; mkdir -p {other}{here} {other}{folder} {other}/.old
         mount --bind {here} {other}{here}; mount --bind {folder} {other}{folder}; mount --rbind /dev {other}/dev
         cd {other}; pivot_root . .old; cd /; mount -t proc proc /proc; umount -l /.old; mount -t sysfs sys /sys; mount -t cgroup2 cgroup2 /sys/fs/cgroup
         mount -t tmpfs tmpfs /run; mkdir -p /run/lock /run/docker /etc/containers/networks
         mount -t tmpfs tmpfs /etc/containers/networks
         mount --bind {folder}/resolv.conf /etc/resolv.conf
         export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    )
}

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Whether a command can be run and succeeds.
pub(crate) fn runs(command: &[&str]) -> bool {
    Command::new(command[0]).args(&command[1..]).output().is_ok_and(|output| output.status.success())
}

/// Runs a command that has to succeed: its output without the line's end.
pub(crate) fn must(command: &[&str]) -> String {
    let said = said(Command::new(command[0]).args(&command[1..]).output().unwrap());
    assert!(said.ok, "{command:?}\n{}{}", said.out, said.err);
    said.out.trim_end().to_owned()
}

/// Reads JSON that has to be JSON.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A request made in the network namespace of process `pid`, without a line in the log.
pub(crate) fn get(pid: &str, url: &str) -> Answer {
    curl(pid, &["-H", "Accept: application/json", url])
}

fn curl(pid: &str, arguments: &[&str]) -> Answer {
    let output = Command::new("nsenter")
        .args(["-t", pid, "-n", "curl", "-s", "--noproxy", "*", "-m", "2", "-w", "\n%{http_code}"])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').unwrap_or(("", "0"));
    Answer { status: status.parse().unwrap_or(0), body: body.to_owned() }
}

fn first_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect()
}

/// A program that ends with this process, however it ends: what is left over would hold locks and namespaces.
fn bound(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--", program]);
    command
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

/// For the way out, where a second panic would hide the first.
fn must_not_fail(command: &mut Command) {
    drop(command.output());
}
