//! The processes that are measured: what they spend, what they answer.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::lab::eventually;
use crate::loopback;

/// A process that ends with this value.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// User and system time so far. Source: `proc(5)`, fields 14 and 15, in hundredths of a second.
    pub(crate) fn cpu(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory, in KiB. Source: `proc(5)`, `VmRSS`.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// While they are frozen they take nothing from those that are measured.
pub(crate) fn freeze(processes: &[&Process], frozen: bool) {
    let signal = if frozen { "-STOP" } else { "-CONT" };
    for process in processes {
        assert!(Command::new("kill").args([signal, &process.0.id().to_string()]).status().unwrap().success());
    }
}

/// Waits until none of them does anything any more.
pub(crate) fn settle(processes: &[&Process]) {
    let spent = || processes.iter().map(|it| it.cpu()).sum::<Duration>();
    let (begun, mut before, mut quiet) = (Instant::now(), spent(), 0);
    while quiet < 5 && begun.elapsed() < Duration::from_mins(2) {
        sleep(Duration::from_millis(200));
        let now = spent();
        // A poll now and then is not work.
        quiet = if now.saturating_sub(before) <= Duration::from_millis(10) { quiet + 1 } else { 0 };
        before = now;
    }
}

/// The status of a `GET`; 0 where nobody answers.
pub(crate) fn status(address: SocketAddr, path: &str) -> u16 {
    let ask = || -> std::io::Result<u16> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(String::from_utf8_lossy(&head[9..]).parse().unwrap_or_default())
    };
    ask().unwrap_or_default()
}

/// A file for Traefik's file provider with a default certificate.
fn default_certificate(folder: &Path) -> PathBuf {
    let made = rcgen::generate_simple_self_signed(["default.test".to_owned()]).unwrap();
    let [certificate, key] = ["default.crt", "default.key"].map(|name| folder.join(name));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let path = folder.join("certificate.yml");
    let (certificate, key) = (certificate.display(), key.display());
    let text = format!(
        "tls: {{ stores: {{ default: {{ defaultCertificate: {{ certFile: '{certificate}', keyFile: '{key}' }} }} }} }}\n"
    );
    fs::write(&path, text).unwrap();
    path
}

/// A Traefik with one provider, and how its routers are asked for.
pub(crate) struct Traefik {
    pub(crate) process: Process,
    pub(crate) api: SocketAddr,
    /// `docker`, `http`.
    provider: &'static str,
}

impl Traefik {
    /// `certificate`: it is given a default certificate, and does not make one at each change.
    pub(crate) fn start(
        binary: &Path,
        folder: &Path,
        name: &str,
        (provider, options): (&'static str, &str),
        certificate: bool,
    ) -> Self {
        let (api, web) = (loopback::own(), loopback::own());
        let file = if certificate {
            format!("  file: {{ filename: '{}' }}\n", default_certificate(folder).display())
        } else {
            String::new()
        };
        let text = format!(
            "api: {{ insecure: true }}\nentryPoints:\n  traefik: {{ address: '{api}' }}\n  web: {{ address: \
             '{web}' }}\nproviders:\n  providersThrottleDuration: 100ms\n  {provider}: {options}\n{file}"
        );
        let path = folder.join(format!("{name}.yml"));
        fs::write(&path, text).unwrap();
        let process = Process::start(Command::new(binary).arg(format!("--configfile={}", path.display())));
        eventually(Duration::from_secs(20), "Traefik answers", || {
            let status = status(api, "/api/overview");
            if status == 200 { Ok(()) } else { Err(status.to_string()) }
        });
        Self { process, api, provider }
    }

    /// Whether it has the router of a container.
    pub(crate) fn routes(&self, container: &str) -> bool {
        status(self.api, &format!("/api/http/routers/{container}@{}", self.provider)) == 200
    }

    /// Waits until it has the routers of these, or has none of them.
    pub(crate) fn until<T: AsRef<str>>(&self, containers: &[T], routed: bool) {
        for container in containers.iter().map(AsRef::as_ref) {
            let begun = Instant::now();
            while self.routes(container) != routed {
                assert!(begun.elapsed() < Duration::from_mins(3), "{container}: routed is not {routed}");
                sleep(Duration::from_millis(2));
            }
        }
    }
}

/// One kept connection, over which a document is asked for again and again.
pub(crate) struct Caller(TcpStream);

impl Caller {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self(stream)
    }

    /// Sends a request and waits for nothing.
    pub(crate) fn ask(&mut self, path: &str, headers: &str) {
        self.0.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").as_bytes()).unwrap();
    }

    /// The body of the next answer.
    pub(crate) fn answer(&mut self) -> Vec<u8> {
        let (mut bytes, mut piece) = (Vec::new(), vec![0; 256 * 1024]);
        let mut whole = None;
        loop {
            let count = self.0.read(&mut piece).unwrap();
            assert!(count > 0, "the connection was closed");
            bytes.extend_from_slice(&piece[..count]);
            if whole.is_none()
                && let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
            {
                let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
                assert!(head.starts_with("http/1.1 200"), "{head}");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                whole = Some((end, end + length.parse::<usize>().unwrap()));
            }
            if let Some((head, whole)) = whole
                && bytes.len() >= whole
            {
                return bytes.split_off(head);
            }
        }
    }
}
