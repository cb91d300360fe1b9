//! Crowds at the gate, of one process and of many, of one user: the real reader is still served.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use super::house::{House, SECRET, canned, reply};
use crate::serving::Serving;

/// All places of a gate, and all of its event streams.
const PLACES: usize = 128;
const STREAMS: usize = 32;

/// An engine whose `/info` takes a moment, as a real one's does; `hung` is never answered and streams say nothing.
fn busy(head: &str, stream: &mut UnixStream) {
    if head.contains("/events") {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let _ = stream.read(&mut [0]);
    } else if head.contains("hung") {
        let _ = stream.read(&mut [0]);
    } else if head.contains("/version") {
        reply(stream, "200 OK", r#"{"Version":"28.5.2","ApiVersion":"1.51","MinAPIVersion":"1.24"}"#);
    } else if head.contains("/containers/json") || head.contains("/networks") {
        reply(stream, "200 OK", "[]");
    } else {
        if head.contains("/info") {
            sleep(Duration::from_millis(20));
        }
        canned(head, stream);
    }
}

/// Asks on a connection that is kept, again and again.
fn repeat(socket: &Path, request: &[u8], asked: &AtomicUsize, over: &AtomicBool) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    while !over.load(Ordering::Relaxed) {
        stream.write_all(request)?;
        let mut answer = Vec::new();
        let mut piece = [0; 8 * 1024];
        loop {
            let count = stream.read(&mut piece)?;
            if count == 0 {
                return Ok(());
            }
            answer.extend_from_slice(&piece[..count]);
            let text = String::from_utf8_lossy(&answer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().unwrap_or(0) {
                break;
            }
        }
        asked.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

#[test]
fn connections_of_one_process_that_repeat_a_question_lock_nobody_out() {
    let house = House::with(&[], busy);
    let (over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let crowd: Vec<_> = (0..PLACES + 32)
        .map(|_| {
            let (over, asked, socket) = (Arc::clone(&over), Arc::clone(&asked), house.gate.socket.clone());
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let _ = repeat(&socket, b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n", &asked, &over);
                }
            })
        })
        .collect();
    while asked.load(Ordering::Relaxed) < 2 * PLACES {
        sleep(Duration::from_millis(10));
    }
    // This is the same process as the crowd: nothing tells the reader from it but that it asks one thing at a time.
    let mut answers = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        let status = house.get("/version").0;
        answers.push((status, begun.elapsed() < Duration::from_secs(5)));
    }
    over.store(true, Ordering::Relaxed);
    for one in crowd {
        one.join().unwrap();
    }
    assert_eq!(answers, [(200, true); 20]);
}

#[test]
fn questions_that_hang_on_every_place_lock_nobody_out() {
    let hung = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&hung);
    let house = House::with(&[], move |head, stream| {
        counter.fetch_add(usize::from(head.contains("hung")), Ordering::Relaxed);
        busy(head, stream);
    });
    let crowd: Vec<_> = (0..PLACES)
        .map(|at| {
            let mut stream = house.gate.connect();
            stream.write_all(b"GET /containers/hung/json HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            while hung.load(Ordering::Relaxed) <= at {
                sleep(Duration::from_millis(1));
            }
            stream
        })
        .collect();
    for _ in 0..3 {
        let begun = Instant::now();
        assert_eq!(house.get("/version").0, 200);
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    }
    drop(crowd);
}

/// `leeward serve` behind the gate. It has a process of its own, and the user of the crowd.
fn reader(house: &House) -> Serving {
    Serving::start_at(&format!("unix://{}", house.gate.socket.display()), &[])
}

#[track_caller]
fn becomes_ready(serving: &Serving) {
    let begun = Instant::now();
    while !serving.get("/readyz").starts_with("HTTP/1.1 200") {
        assert!(begun.elapsed() < Duration::from_secs(15), "never ready: {}", serving.log());
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn idle_event_streams_of_one_process_do_not_keep_serve_from_starting() {
    let house = House::with(&[], busy);
    let idle: Vec<_> = (0..STREAMS)
        .map(|_| {
            let mut stream = house.gate.connect();
            stream.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut first = [0; 12];
            stream.read_exact(&mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.1 200");
            stream
        })
        .collect();
    let serving = reader(&house);
    becomes_ready(&serving);
    // It took the place of one stream of the crowd, and need not poll.
    assert!(!serving.log().contains("no event stream"), "{}", serving.log());
    drop(idle);
}

/// Does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn idle_event_streams_of_many_processes_do_not_keep_serve_from_starting() {
    let streams = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&streams);
    let house = House::with(&[], move |head, stream| {
        counter.fetch_add(usize::from(head.contains("/events")), Ordering::Relaxed);
        busy(head, stream);
    });
    let idle: Vec<_> = (0..STREAMS)
        .map(|at| {
            let mut command = Command::new("curl");
            let command = command.arg("--silent").arg("--unix-socket").arg(&house.gate.socket).arg("http://x/events");
            let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("curl is needed");
            while streams.load(Ordering::Relaxed) <= at {
                sleep(Duration::from_millis(1));
            }
            Running(child)
        })
        .collect();
    let mut serving = reader(&house);
    becomes_ready(&serving);
    serving.wait_for_log("no event stream");
    drop(idle);
    // As soon as there is a place it follows events again.
    serving.wait_for_log("following the events of the engine");
}

#[test]
fn an_engine_whose_accept_queue_is_full_is_waited_for() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    let engine = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&engine, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&engine, 0).unwrap();
    let gate = super::house::Gate::start(&path, folder.path(), &[]);
    let mut asking = gate.connect();
    // The look that the gate took at start fills the queue already; this makes sure.
    let filler: Vec<_> = (0..4)
        .filter_map(|_| {
            let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
            rustix::io::ioctl_fionbio(&socket, true).unwrap();
            rustix::net::connect(&socket, &SocketAddrUnix::new(&path).unwrap()).ok().map(|()| socket)
        })
        .collect();
    asking.write_all(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    asking.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let early = asking.read(&mut [0; 1]);
    assert!(early.is_err(), "the gate waits, and does not answer 502 at once");
    let listener = std::os::unix::net::UnixListener::from(engine);
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                if stream.read(&mut [0; 4096]).unwrap_or(0) > 0 {
                    canned("GET /version HTTP/1.1", &mut stream);
                }
            });
        }
    });
    drop(filler);
    asking.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!answer.contains(SECRET));
}
