//! A crowd of connections to `serve`: ten thousand connections do not keep the real Traefik out, and cost little.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::serving::Serving;

/// At once; what the system lets a process have open may make it fewer, which is said.
const CROWD: usize = 10_000;

/// A connection from an address of loopback's.
fn connect(from: Ipv4Addr, port: u16) -> std::io::Result<TcpStream> {
    let socket: OwnedFd = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::bind(&socket, &SocketAddr::new(IpAddr::V4(from), 0))?;
    rustix::net::connect(&socket, &SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// The body of the answer to a poll, and how long it took.
fn poll(stream: &mut TcpStream) -> std::io::Result<(String, Duration)> {
    let begun = Instant::now();
    stream.write_all(b"GET /config HTTP/1.1\r\nHost: leeward\r\n\r\n")?;
    let mut answer = Vec::new();
    loop {
        let mut piece = [0; 16 * 1024];
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return Ok((body.to_owned(), begun.elapsed()));
            }
        }
    }
}

#[test]
fn ten_thousand_connections_do_not_keep_traefik_out() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let allowed = limit.maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap());
    let crowd = CROWD.min(allowed.saturating_sub(500));
    assert!(crowd > 500, "this machine lets a process open only {allowed} files");

    let serving = Serving::start(&["--hold=300ms"]);
    let mut traefik = connect(Ipv4Addr::new(127, 0, 0, 2), serving.port).unwrap();
    let (document, _) = poll(&mut traefik).unwrap();
    assert!(document.contains("app1"), "{document}");
    let before = serving.memory();

    // From one address; some ask for what is held, some are slow to ask, most say nothing. None is closed by this side.
    let mut guests = Vec::with_capacity(crowd);
    for at in 0..crowd {
        let Ok(mut guest) = connect(Ipv4Addr::new(127, 0, 0, 66), serving.port) else { continue };
        let words: &[u8] = match at % 4 {
            0 => b"GET /config HTTP/1.1\r\nHost: leeward\r\n\r\n",
            1 => b"GET /config HTTP/1.1\r\nHo",
            _ => b"",
        };
        // It may have been closed already to make room for a later one.
        let _ = guest.write_all(words);
        guests.push(guest);
        if at % 1_000 == 500 {
            let (again, took) = poll(&mut traefik).expect("the connection that polls stays");
            assert_eq!(again, document);
            assert!(took < Duration::from_secs(5), "after {at}: {took:?}");
        }
    }
    assert!(guests.len() * 10 >= crowd * 9, "{} of {crowd} connected", guests.len());

    // One that comes anew gets in past all of them, and the first one is still there.
    let mut anew = connect(Ipv4Addr::new(127, 0, 0, 3), serving.port).unwrap();
    assert_eq!(poll(&mut anew).expect("a restarted Traefik gets in").0, document);
    assert_eq!(poll(&mut traefik).expect("the connection that polls stays").0, document);
    let more = serving.memory().saturating_sub(before);
    assert!(more < 64 * 1024, "{more} KiB for at most 512 connections");

    drop(guests);
    assert_eq!(poll(&mut traefik).unwrap().0, document);
}

#[test]
fn a_client_that_takes_nothing_holds_up_nobody() {
    let serving = Serving::start(&["--hold=300ms"]);
    // It asks again and again, and never reads: its answers fill what the system keeps for it.
    let mut deaf = connect(Ipv4Addr::new(127, 0, 0, 66), serving.port).unwrap();
    deaf.set_nonblocking(true).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        let _ = deaf.write(b"GET /routes HTTP/1.1\r\nHost: leeward\r\n\r\n");
    }
    let mut traefik = connect(Ipv4Addr::new(127, 0, 0, 2), serving.port).unwrap();
    for _ in 0..3 {
        let (_, took) = poll(&mut traefik).unwrap();
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}
