//! What the gate costs: the time it adds to an inspection, and the memory it stays in.
//!
//! Needs an engine with at least one container, and says so where there is none. Both sides are asked in turn on a kept
//! connection each, so that a busy moment of the machine hits both: `cargo bench --bench gate`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a measurement for people")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const ROUNDS: usize = 2_000;

/// One `GET` on a kept connection; the body.
fn get(stream: &mut UnixStream, path: &str) -> Vec<u8> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "the connection was closed");
        bytes.extend_from_slice(&piece[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let is_whole = match length {
            Some(length) => bytes.len() >= end + length,
            None => bytes.ends_with(b"0\r\n\r\n"),
        };
        if is_whole {
            return bytes.split_off(end);
        }
    }
}

fn kilobytes(pid: u32, key: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("?").trim().to_owned()
}

fn percentiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    [times[times.len() / 2], times[times.len() * 95 / 100]]
}

fn main() {
    let engine =
        std::env::var_os("LEEWARD_ENGINE_SOCKET").map_or_else(|| PathBuf::from("/var/run/docker.sock"), PathBuf::from);
    let Ok(mut direct) = UnixStream::connect(&engine) else {
        println!("LEFT OUT: no engine at {}", engine.display());
        return;
    };
    let list = String::from_utf8_lossy(&get(&mut direct, "/containers/json?all=1")).into_owned();
    let Some(id) = list.split("\"Id\":\"").nth(1).and_then(|rest| rest.get(..64)).map(ToOwned::to_owned) else {
        println!("LEFT OUT: the engine has no container to inspect");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("gate.sock");
    let program = std::env::var_os("LEEWARD_E2E_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_leeward").into());
    let mut gate = Command::new(program)
        .arg("gate")
        .arg(format!("--engine=unix://{}", engine.display()))
        .arg(format!("--listen=unix://{}", socket.display()))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut through = connect(&socket);
    println!("candidate at start: {}", kilobytes(gate.id(), "VmRSS:"));
    let path = format!("/containers/{id}/json");
    let (mut straight, mut gated) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 100 {
        let begun = Instant::now();
        get(&mut direct, &path);
        let between = Instant::now();
        get(&mut through, &path);
        let ended = Instant::now();
        if round >= 100 {
            straight.push(between - begun);
            gated.push(ended - between);
        }
    }
    let ([direct50, direct95], [gate50, gate95]) = (percentiles(straight), percentiles(gated));
    println!("inspect, direct:  p50 {direct50:?}, p95 {direct95:?} ({ROUNDS} times)");
    println!("inspect, gate:    p50 {gate50:?}, p95 {gate95:?}");
    println!("added:            p50 {:?}, p95 {:?}", gate50.saturating_sub(direct50), gate95.saturating_sub(direct95));
    println!("candidate after:   {}, at most {}", kilobytes(gate.id(), "VmRSS:"), kilobytes(gate.id(), "VmHWM:"));
    gate.kill().unwrap();
    gate.wait().unwrap();
}

fn connect(socket: &Path) -> UnixStream {
    let begun = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return stream,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(5), "the gate did not start: {error}"),
        }
        sleep(Duration::from_millis(10));
    }
}
