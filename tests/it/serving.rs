//! A running `leeward serve` on the built-in example.

use std::fs::File;
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
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_leeward"))
            .args(["serve", "--engine=demo", "--listen=127.0.0.1:0"])
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
            let address = log.split("listens on 127.0.0.1:").nth(1).and_then(|rest| rest.split_whitespace().next());
            serving.port = address.and_then(|port| port.parse().ok()).unwrap_or_default();
        }
        serving
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Resident memory, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(Path::new("/proc").join(self.child.id().to_string()).join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}
