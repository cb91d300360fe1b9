//! A running `leeward serve`, on the built-in example or at an engine.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Ends with this value.
pub(crate) struct Serving {
    child: Child,
    pub(crate) port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    /// Starts it, with these flags besides.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_at("demo", flags)
    }

    /// The same, at an engine.
    pub(crate) fn start_at(engine: &str, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_leeward"))
            .args(["serve", "--listen=127.0.0.1:0"])
            .arg(format!("--engine={engine}"))
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut serving = Self { child, port: 0, folder };
        let begun = Instant::now();
        while serving.port == 0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", serving.log());
            sleep(Duration::from_millis(10));
            let log = serving.log();
            let address = log.split("listening on 127.0.0.1:").nth(1).and_then(|rest| rest.split_whitespace().next());
            serving.port = address.and_then(|port| port.parse().ok()).unwrap_or_default();
        }
        serving
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until it has logged these words.
    pub(crate) fn wait_for_log(&mut self, words: &str) {
        let begun = Instant::now();
        while !self.log().contains(words) {
            let ended = self.child.try_wait().unwrap();
            assert!(begun.elapsed() < Duration::from_secs(20) && ended.is_none(), "no `{words}` in: {}", self.log());
            sleep(Duration::from_millis(10));
        }
    }

    /// The whole answer to a `GET`; empty where nobody answers.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(request.as_bytes());
            let _ = stream.read_to_string(&mut answer);
        }
        answer
    }

    /// Candidate memory, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(Path::new("/proc").join(self.child.id().to_string()).join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}
