//! What the gate has in memory, whatever an engine's events hold and however many clients do not read.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::house::{Gate, House, canned};

/// The bound that the project holds the gate to, in KiB.
const BOUND: u64 = 64 * 1024;
/// A label, or a name, as long as an engine takes it.
const LONG: usize = 3_500_000;

/// The most that was ever candidate, in KiB.
fn peak(gate: &Gate) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gate.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn chunk(stream: &mut UnixStream, text: &str) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n", text.len()).as_bytes())?;
    stream.write_all(text.as_bytes())?;
    stream.write_all(b"\r\n")
}

fn event(id: &str, attributes: &str) -> String {
    format!(
        "{{\"status\":\"start\",\"id\":\"{id}\",\"from\":\"app\",\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{{\
         \"ID\":\"{id}\",\"Attributes\":{{{attributes}}}}},\"scope\":\"local\",\"time\":1,\"timeNano\":1}}\n"
    )
}

/// 31 clients that do not read, and one that does: what that one gets until an event of `last`, and the peak.
fn bombed(bomb: impl Fn(&mut UnixStream) -> std::io::Result<()> + Send + Sync + 'static) -> (String, u64) {
    let house = House::with(&[], move |head, stream| {
        if !head.contains("/events") {
            return canned(head, stream);
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        if bomb(stream).is_ok() && chunk(stream, &event("last", "")).is_ok() {
            let _ = stream.read(&mut [0]);
        }
    });
    let request = b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n";
    let deaf: Vec<_> = (0..31)
        .map(|_| {
            let mut stream = house.gate.connect();
            stream.write_all(request).unwrap();
            // The head alone is read.
            let mut first = [0; 12];
            stream.read_exact(&mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.1 200");
            stream
        })
        .collect();
    let mut reading = house.gate.connect();
    reading.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    reading.write_all(request).unwrap();
    let (mut told, mut piece) = (Vec::new(), vec![0; 256 * 1024]);
    while !told.windows(6).any(|it| it == b"\"last\"") {
        let count = reading.read(&mut piece).unwrap();
        assert!(count > 0, "the stream of a client that reads ended");
        told.extend_from_slice(&piece[..count]);
    }
    drop(deaf);
    (String::from_utf8_lossy(&told).into_owned(), peak(&house.gate))
}

#[test]
fn events_with_long_attributes_fill_the_memory_of_nobody() {
    let long = event("c1", &format!("\"image\":\"app\",\"name\":\"{}\"", "x".repeat(LONG)));
    let (told, peak) = bombed(move |stream| (0..10).try_for_each(|_| chunk(stream, &long)));
    // What happened is told all the same: readers inspect.
    assert_eq!(told.matches("\"ID\":\"c1\"").count(), 10, "{}", told.len());
    assert!(told.len() < 64 * 1024, "{} bytes for eleven events", told.len());
    assert!(peak < BOUND, "{peak} KiB");
}

#[test]
fn a_line_of_an_event_that_does_not_end_fills_the_memory_of_nobody() {
    let (told, peak) = bombed(|stream| {
        let start = event("c1", &format!("\"a.label\":\"{}", "x".repeat(LONG)));
        // Each stream holds its part of the line while the others get theirs.
        chunk(stream, start.trim_end())?;
        std::thread::sleep(Duration::from_millis(500));
        chunk(stream, "\"\n")
    });
    assert!(told.contains("\"ID\":\"c1\""), "a start whose labels are long is not kept from readers: {told}");
    assert!(peak < BOUND, "{peak} KiB");
}
