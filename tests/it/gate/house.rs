//! What the gate's tests stand on: the real binary, a recording upstream in the engine's place, and a raw client.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What must never come out of the gate.
pub(crate) const SECRET: &str = "hunter2";

/// Everything the gate sent on one connection to the engine, and the answer it was given.
type Heard = Arc<Mutex<Vec<String>>>;

/// How the upstream behaves: gets the request's head, writes what it likes, and the connection closes after.
pub(crate) type Answer = dyn Fn(&str, &mut UnixStream) + Send + Sync;

/// A gate in front of a recording upstream.
pub(crate) struct House {
    folder: TempDir,
    heard: Heard,
    pub(crate) gate: Gate,
}

/// A running gate.
pub(crate) struct Gate {
    pub(crate) child: Child,
    pub(crate) socket: PathBuf,
    log: PathBuf,
}

impl House {
    pub(crate) fn open(flags: &[&str]) -> Self {
        Self::with(flags, canned)
    }

    pub(crate) fn with(flags: &[&str], answer: impl Fn(&str, &mut UnixStream) + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let heard = Heard::default();
        upstream(&folder.path().join("docker.sock"), Arc::clone(&heard), Arc::new(answer));
        let gate = Gate::start(&folder.path().join("docker.sock"), folder.path(), flags);
        Self { folder, heard, gate }
    }

    /// Another upstream takes the engine's place, on a new socket of the same path.
    pub(crate) fn restart_engine(&self) {
        let path = self.folder.path().join("docker.sock");
        std::fs::remove_file(&path).unwrap();
        upstream(&path, Arc::clone(&self.heard), Arc::new(canned));
    }

    /// Whatever arrived so far, one connection an entry, in order of their end.
    pub(crate) fn heard(&self) -> Vec<String> {
        // The gate drops its connection after the answer; the upstream's thread writes down what it read just then.
        let (mut before, begun) = (usize::MAX, Instant::now());
        loop {
            let heard = self.heard.lock().unwrap().clone();
            if heard.len() == before || begun.elapsed() > Duration::from_secs(5) {
                return heard;
            }
            before = heard.len();
            sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn forget(&self) {
        self.heard();
        self.heard.lock().unwrap().clear();
    }

    /// `GET` of one path: status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let answer = self.gate.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        parse(&answer)
    }
}

impl Gate {
    /// Starts the binary and waits until its socket is there.
    pub(crate) fn start(engine: &Path, folder: &Path, flags: &[&str]) -> Self {
        let socket = folder.join("gate.sock");
        let log = folder.join("gate.log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
        command.env_clear().arg("gate").arg(format!("--engine=unix://{}", engine.display()));
        if !flags.iter().any(|flag| flag.starts_with("--listen=")) {
            command.arg(format!("--listen=unix://{}", socket.display()));
        }
        let child = command
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut gate = Self { child, socket, log };
        gate.wait_for_log("gate between");
        gate
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The port that it got, of a gate that listens on one.
    pub(crate) fn port(&self) -> u16 {
        let log = self.log();
        let address = log.split_once("gate between tcp://").and_then(|(_, rest)| rest.split(' ').next());
        address.and_then(|it| it.rsplit(':').next()?.parse().ok()).unwrap_or_else(|| panic!("no port in: {log}"))
    }

    pub(crate) fn wait_for_log(&mut self, words: &str) {
        let begun = Instant::now();
        while !self.log().contains(words) {
            let ended = self.child.try_wait().unwrap();
            assert!(begun.elapsed() < Duration::from_secs(10) && ended.is_none(), "no `{words}` in: {}", self.log());
            sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Sends bytes as they are and returns everything that comes back until the gate closes, or has said its say.
    pub(crate) fn send(&self, bytes: &[u8]) -> String {
        self.send_and_wait(bytes, Duration::from_secs(5))
    }

    /// The same, with a bound on the wait for the first byte.
    ///
    /// Ends with half a close: before the answer that would be a client that went away.
    pub(crate) fn send_and_wait(&self, bytes: &[u8], first: Duration) -> String {
        let mut stream = self.connect();
        // A gate that has refused already may have closed; its answer is still to be read.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let mut piece = [0; 16 * 1024];
        let mut is_closing = bytes.windows(17).any(|words| words == b"Connection: close");
        let mut patience = if is_closing { Duration::from_secs(10) } else { first };
        loop {
            stream.set_read_timeout(Some(patience)).unwrap();
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    answer.extend_from_slice(&piece[..count]);
                    if !is_closing {
                        patience = Duration::from_millis(50);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock && !is_closing => {
                    is_closing = true;
                    patience = Duration::from_secs(10);
                    let _ = stream.shutdown(Shutdown::Write);
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(bytes)),
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body of one answer.
pub(crate) fn parse(answer: &str) -> (u16, String) {
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, body.to_owned())
}

/// Accepts for as long as the test runs, and writes down everything that arrives on each connection until it ends.
fn upstream(path: &Path, heard: Heard, answer: Arc<Answer>) {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (heard, answer) = (Arc::clone(&heard), Arc::clone(&answer));
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut bytes = Vec::new();
                let mut piece = [0; 4096];
                while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
                    match stream.read(&mut piece) {
                        Ok(0) | Err(_) => break,
                        Ok(count) => bytes.extend_from_slice(&piece[..count]),
                    }
                }
                if bytes.is_empty() {
                    // The gate looks at start whether it may connect.
                    return;
                }
                answer(&String::from_utf8_lossy(&bytes), &mut stream);
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read_to_end(&mut bytes);
                heard.lock().unwrap().push(String::from_utf8_lossy(&bytes).into_owned());
            });
        }
    });
}

/// Writes a whole answer with a length.
pub(crate) fn reply(stream: &mut UnixStream, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let extra = format!("Api-Version: 1.41\r\nOstype: linux\r\nX-Secret: {SECRET}\r\nSet-Cookie: {SECRET}\r\n\r\n");
    let _ = stream.write_all(format!("{head}{extra}{body}").as_bytes());
}

/// An engine whose every answer is full of the secret: in known fields that must not pass, in unknown ones, in errors.
pub(crate) fn canned(head: &str, stream: &mut UnixStream) {
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default().to_owned();
    let path = if path.starts_with("/v1.") { format!("/{}", path.splitn(3, '/').nth(2).unwrap()) } else { path };
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let object = |id: &str| {
        let s = SECRET;
        format!(
            r#"{{"Id":"{id}","ID":"{id}","Name":"/{id}","Names":["/{id}"],"Command":"sh {s}","Env":["P={s}"],"Path":"{s}",
            "Args":["{s}"],"Secret":{{"Id":"{s}"}},"State":{{"Status":"running","Error":"{s}","Health":{{"Status":"healthy",
            "Log":[{{"Output":"{s}"}}]}}}},"GraphDriver":{{"Data":{{"x":"{s}"}}}},"HostConfig":{{"LogConfig":{{"Type":"gelf",
            "Config":{{"t":"{s}"}}}},"Mounts":[{{"Type":"volume","VolumeOptions":{{"DriverConfig":{{"Options":{{"o":"{s}"}}}}}}}}]}},
            "Config":{{"Env":["P={s}"],"Cmd":["{s}"],"Entrypoint":["{s}"],"Healthcheck":{{"Test":["{s}"]}},"Labels":{{"a":"b"}}}},
            "Options":{{"type":"cifs","o":"username=u,password={s}","device":"//u:{s}@h/s","secret":"{s}"}},
            "RegistryConfig":{{"x":"{s}"}},"HttpProxy":"http://u:{s}@proxy","Swarm":{{"Error":"{s}","LocalNodeState":"active"}},
            "Version":{{"Index":7,"x":"{s}"}},"Spec":{{"Name":"{id}","Labels":{{"a":"b"}},"TaskTemplate":{{"ContainerSpec":{{
            "Image":"i","Env":["{s}"],"Command":["{s}"],"Args":["{s}"],"Secrets":[{{"File":{{"Name":"{s}"}}}}]}}}},
            "TaskDefaults":{{"LogDriver":{{"Options":{{"a":"{s}"}}}}}}}},"Status":{{"State":"running","Err":"{s}","Message":"{s}"}},
            "Description":{{"TLSInfo":{{"TrustRoot":"{s}"}},"Engine":{{"Labels":{{"x":"{s}"}}}}}},
            "IPAM":{{"Driver":"x","Options":{{"p":"{s}"}}}},"Peers":[{{"Name":"{s}"}}]}}"#
        )
    };
    match parts.as_slice() {
        ["events"] => {
            let event = |action: &str| {
                format!(
                    "{{\"status\":\"{action}\",\"Type\":\"container\",\"Action\":\"{action}\",\"Actor\":{{\"ID\":\"c1\",\
                     \"Attributes\":{{\"name\":\"web\",\"l\":\"{SECRET}\"}}}},\"x\":\"{SECRET}\",\"time\":1,\"timeNano\":1}}\n"
                )
            };
            let lines = [event("start"), event(&format!("exec_create: {SECRET}")), event("die")].concat();
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let _ = stream.write_all(format!("{head}{:x}\r\n{lines}\r\n0\r\n\r\n", lines.len()).as_bytes());
        }
        ["_ping"] => reply(stream, "200 OK", if head.starts_with("HEAD") { "" } else { SECRET }),
        [_, name @ ("missing" | "broken" | "refused" | "unclear"), ..] => {
            let status = match *name {
                "missing" => "404 Not Found",
                "broken" => "500 Internal Server Error",
                "refused" => "403 Forbidden",
                _ => "400 Bad Request",
            };
            reply(stream, status, &format!(r#"{{"message":"cannot exec: sh -c {SECRET}"}}"#));
        }
        ["containers", "json"] | ["networks" | "services" | "tasks" | "nodes"] => {
            reply(stream, "200 OK", &format!("[{},{}]", object("one"), object("two")));
        }
        _ => reply(stream, "200 OK", &object("one")),
    }
}
