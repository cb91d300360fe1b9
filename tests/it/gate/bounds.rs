//! Clients and engines that take too much: time, bytes, connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::house::{House, SECRET, canned, parse, reply};

#[test]
fn oversized_requests_are_turned_away() {
    let house = House::open(&[]);
    let long = "x".repeat(64 * 1024);
    for request in [
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET /containers/json?filters={long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET /_ping HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"),
        format!("GET /_ping HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(1000)),
        format!("{long} /_ping HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET /containers/{}/json HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(300)),
    ] {
        let (status, _) = parse(&house.gate.send(request.as_bytes()));
        assert!(matches!(status, 400 | 403 | 414 | 431), "{status}: {}", request.get(..40).unwrap());
    }
    assert_eq!(house.heard(), [""; 0]);
}

#[test]
fn a_client_that_sends_half_a_request_is_dropped() {
    let house = House::open(&["--client-timeout=1"]);
    for half in ["", "GET /_ping HTTP/1.1\r\nHost:", "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let mut stream = house.gate.connect();
        stream.write_all(half.as_bytes()).unwrap();
        let begun = Instant::now();
        stream.read_to_end(&mut Vec::new()).unwrap();
        let waited = begun.elapsed();
        assert!(waited > Duration::from_millis(500) && waited < Duration::from_secs(5), "{half:?}: {waited:?}");
    }
}

#[test]
fn an_event_stream_outlives_every_patience() {
    let house = House::with(&["--client-timeout=1", "--engine-timeout=1"], |head, stream| {
        if head.contains("/events") {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            sleep(Duration::from_secs(3));
            let event =
                "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"c1\"},\"time\":1,\"timeNano\":1}\n";
            let _ = stream.write_all(format!("{:x}\r\n{event}\r\n0\r\n\r\n", event.len()).as_bytes());
        } else {
            canned(head, stream);
        }
    });
    let begun = Instant::now();
    let (status, events) = house.get("/events");
    assert!(status == 200 && events.contains("\"start\"") && begun.elapsed() >= Duration::from_secs(3), "{events}");
    // The engine ended the stream: so does the gate, cleanly, and the client knows that it has to subscribe anew.
    assert!(events.ends_with("0\r\n\r\n"), "{events:?}");
}

#[test]
fn an_engine_that_misbehaves_is_a_bad_gateway() {
    let house = House::with(&["--engine-timeout=1", "--max-answer=2048"], |head, stream| {
        let name = head.split('/').nth(2).unwrap_or_default();
        match name {
            "hung" => sleep(Duration::from_secs(3)),
            "half" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"Id\"");
            }
            "slow" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"Id\"");
                sleep(Duration::from_secs(3));
            }
            "long" => reply(stream, "200 OK", &format!("{{\"Id\":\"{}\"}}", "x".repeat(4096))),
            "endless" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                while stream.write_all(&[b' '; 4096]).is_ok() {}
            }
            "garbled" => reply(stream, "200 OK", "<html>"),
            "twice" => reply(stream, "200 OK", r#"{"Id":"a","Id":"b"}"#),
            "moved" => reply(stream, "301 Moved Permanently", ""),
            "upgraded" => {
                let _ = stream.write_all(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n$ ");
            }
            "nothttp" => {
                let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
            }
            "badchunk" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n");
            }
            "hugechunk" => {
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n";
                let _ = stream.write_all(format!("{head}{{\"Id\":\"x\"}}").as_bytes());
            }
            "twolengths" => {
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n";
                let _ = stream.write_all(format!("{head}{{}} ").as_bytes());
            }
            "empty" => reply(stream, "204 No Content", ""),
            "part" => reply(stream, "206 Partial Content", "{\"Id\":\"part\"}"),
            "marked" => reply(stream, "200 OK", "\u{feff}{\"Id\":\"x\"}"),
            "patient" => {
                // No final answer, for ever.
                while stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").is_ok() {}
            }
            "bighead" => {
                let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000)).as_bytes());
            }
            _ => reply(stream, "200 OK", "{\"Id\":\"fine\"}"),
        }
    });
    for name in [
        "hung",
        "half",
        "slow",
        "long",
        "endless",
        "garbled",
        "twice",
        "moved",
        "upgraded",
        "nothttp",
        "bighead",
        "badchunk",
        "hugechunk",
        "twolengths",
        "empty",
        "part",
        "marked",
        "patient",
    ] {
        let (status, body) = house.get(&format!("/containers/{name}/json"));
        assert!(status == 502 && body.contains("\"message\":\"leeward gate: the engine"), "{name}: {status} {body}");
        assert_eq!(house.get("/containers/fine/json"), (200, "{\"Id\":\"fine\"}".to_owned()), "after {name}");
    }
}

#[test]
fn what_an_engine_says_beside_its_answer_does_not_pass() {
    let house = House::with(&[], |_, stream| {
        let hints = format!("HTTP/1.1 103 Early Hints\r\nLink: {SECRET}\r\n\r\n");
        let head =
            format!("HTTP/1.1 200 {SECRET}\r\nX-Secret: {SECRET}\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n");
        let body = format!("a;{SECRET}\r\n{{\"Id\":\"x\"}}\r\n0\r\nX: {SECRET}\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{SECRET}");
        let _ = stream.write_all(format!("{hints}{head}{body}").as_bytes());
    });
    for path in ["/containers/x/json", "/networks/x", "/_ping"] {
        let answer = house.gate.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        assert!(parse(&answer).0 == 200 && !answer.contains(SECRET), "{path}: {answer}");
    }
}

#[test]
fn an_engine_that_restarts_is_found_again() {
    let house = House::open(&[]);
    assert_eq!(house.get("/version").0, 200);
    house.restart_engine();
    assert_eq!(house.get("/version").0, 200);
    // On a client's connection that was open before, too.
    let mut kept = house.gate.connect();
    let mut ask = || {
        kept.write_all(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut first = [0; 15];
        kept.read_exact(&mut first).unwrap();
        let mut rest = vec![0; 64 * 1024];
        let _ = kept.read(&mut rest).unwrap();
        String::from_utf8_lossy(&first).into_owned()
    };
    assert_eq!(ask(), "HTTP/1.1 200 OK");
    house.restart_engine();
    assert_eq!(ask(), "HTTP/1.1 200 OK");
}

/// Opens an event stream: the connection, and the first line of the answer.
fn open_stream(house: &House) -> (UnixStream, String) {
    let mut stream = house.gate.connect();
    let mut line = String::new();
    // Where no place is free, the connection is closed as soon as it is made.
    let _ = stream.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut line);
    (stream, line)
}

/// Event streams stay open, `hung` is never answered; the rest is.
fn sometimes_silent(head: &str, stream: &mut UnixStream) {
    if head.contains("/events") {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let _ = stream.read(&mut [0]);
    } else if head.contains("hung") {
        let _ = stream.read(&mut [0]);
    } else {
        canned(head, stream);
    }
}

#[test]
fn too_many_clients_wait_for_one_another_and_streams_leave_room() {
    let house = House::with(&["--max-connections=4", "--max-streams=2"], sometimes_silent);
    let (one, first) = open_stream(&house);
    let (two, second) = open_stream(&house);
    assert!(first.contains("200") && second.contains("200"), "{first} {second}");
    assert!(open_stream(&house).1.contains("503"));
    assert_eq!(house.get("/version").0, 200);
    let hung = [(); 2].map(|()| {
        let mut stream = house.gate.connect();
        stream.write_all(b"GET /containers/hung/json HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        // Until it is being answered it may have to leave for the next one.
        sleep(Duration::from_millis(100));
        stream
    });
    // All four places are taken. The fifth waits until a question that hangs has had its time; streams stay.
    let begun = Instant::now();
    assert_eq!(house.get("/version").0, 200);
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    for stream in [&one, &two] {
        stream.set_nonblocking(true).unwrap();
        let mut stream = stream;
        let read = stream.read(&mut [0; 4096]);
        assert!(read.is_err() || read.is_ok_and(|count| count > 0), "the stream ended");
    }
    drop((hung, one));
    let begun = Instant::now();
    while !open_stream(&house).1.contains("200") {
        assert!(begun.elapsed() < Duration::from_secs(5), "a place that was left is not given again");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn clients_that_say_nothing_keep_nobody_out() {
    let house = House::with(&["--max-connections=8"], canned);
    let mut crowd = Vec::new();
    // Silent ones, ones that say half a word, and ones that have had their answer.
    for said in ["", "GET /version HTTP/1.1\r\nHo", "GET /version HTTP/1.1\r\nHost: x\r\n\r\n"] {
        for _ in 0..20 {
            let mut stream = house.gate.connect();
            let _ = stream.write_all(said.as_bytes());
            crowd.push(stream);
        }
        sleep(Duration::from_millis(400));
        let begun = Instant::now();
        for _ in 0..20 {
            assert_eq!(house.get("/version").0, 200, "after `{said}`");
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    // Who was silent for the longest time has gone.
    crowd[0].set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert_eq!(crowd[0].read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn questions_that_hang_hold_no_other_up() {
    let house = House::with(&[], sometimes_silent);
    let hung: Vec<UnixStream> = (0..60)
        .map(|_| {
            let mut stream = house.gate.connect();
            stream.write_all(b"GET /containers/hung/json HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            stream
        })
        .collect();
    sleep(Duration::from_millis(300));
    let begun = Instant::now();
    for path in ["/version", "/containers/json", "/containers/web/json", "/networks"] {
        assert_eq!(house.get(path).0, 200, "{path}");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(hung);
}

#[test]
fn answers_that_nobody_takes_cannot_fill_the_memory() {
    const LIST_BYTES: usize = 900_000;
    let house = House::with(&["--max-answer=1000000"], |head, stream| {
        if head.contains("/containers/json") {
            reply(stream, "200 OK", &format!("[{{\"Id\":\"{}\"}}]", "x".repeat(LIST_BYTES)));
        } else {
            canned(head, stream);
        }
    });
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let mut stream = house.gate.connect();
        stream.write_all(b"GET /containers/json HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        deaf.push(stream);
    }
    let begun = Instant::now();
    loop {
        let (status, body) = house.get("/containers/json");
        if status == 503 {
            assert!(body.contains("too many long answers are under way"), "{body}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{status}: the room for long answers has no end");
    }
    // Short ones are answered all the same.
    for path in ["/version", "/containers/web/json", "/networks"] {
        assert_eq!(house.get(path).0, 200, "{path}");
    }
    drop(deaf);
    let begun = Instant::now();
    while house.get("/containers/json").0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(5), "room that was left is not given again");
        sleep(Duration::from_millis(50));
    }
    // Many at once, and each takes what it asked for: they wait for one another.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let begun = Instant::now();
                while house.get("/containers/json").0 != 200 {
                    assert!(begun.elapsed() < Duration::from_secs(10), "several long answers at once: none is given");
                }
            });
        }
    });
}

#[test]
fn a_burst_of_events_reaches_a_client_that_reads() {
    const BURST: usize = 20_000;
    let house = House::with(&[], |head, stream| {
        if !head.contains("/events") {
            return canned(head, stream);
        }
        let event =
            "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"c1\"},\"time\":1,\"timeNano\":1}\n";
        let burst = event.repeat(BURST);
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = stream.write_all(format!("{head}{:x}\r\n{burst}\r\n0\r\n\r\n", burst.len()).as_bytes());
    });
    let (status, events) = house.get("/events");
    assert_eq!((status, events.matches("\"start\"").count()), (200, BURST));
}

#[test]
fn a_client_that_does_not_read_holds_nobody_up() {
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let house = House::with(&[], move |head, stream| {
        if !head.contains("/events") {
            return canned(head, stream);
        }
        let padding = "x".repeat(600);
        let event = format!(
            "{{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{{\"ID\":\"c1\",\"Attributes\":{{\"name\":\"{padding}\"}}}},\
             \"time\":1,\"timeNano\":1}}\n"
        );
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).is_err() {
                // The gate has let go of a stream that nobody reads.
                counter.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    });
    let mut deaf: UnixStream = house.gate.connect();
    deaf.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let begun = Instant::now();
    while written.load(Ordering::Relaxed) == 0 {
        assert_eq!(house.get("/version").0, 200);
        assert!(begun.elapsed() < Duration::from_secs(10), "the engine had to wait for a deaf client");
    }
}
