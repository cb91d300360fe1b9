//! Requests that try to be something else. The upstream's record is the judge: only the gate's own requests arrive.

use std::time::Duration;

use leeward::gate::ask::{Request, TABLE};

use super::house::{House, SECRET, parse};

/// A request of a method and a target, with extra header lines.
fn request(method_and_target: &str, headers: &str) -> String {
    format!("{method_and_target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
}

/// Whether bytes at the engine are one whole request as the gate writes it, of the closed set, and not a byte more.
#[track_caller]
fn assert_own(heard: &str, swarm: bool) {
    let mut words = heard.splitn(3, ' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let parsed = Request::parse(method, target, swarm).unwrap_or_else(|refused| panic!("{heard:?}: {refused}"));
    assert_eq!(parsed.target(), target);
    assert_eq!(heard, format!("{method} {target} HTTP/1.1\r\nhost: docker\r\n\r\n"));
}

#[test]
fn nothing_but_an_ask_reaches_the_engine() {
    let house = House::open(&[]);
    for target in [
        "POST /containers/create",
        "POST /v1.41/containers/web/exec",
        "PUT /containers/web/archive?path=/",
        "DELETE /containers/web",
        "PATCH /info",
        "OPTIONS /info",
        "OPTIONS *",
        "TRACE /info",
        "CONNECT docker:80",
        "get /_ping",
        "GETX /_ping",
        "HEAD /info",
        "HEAD /containers/web/archive?path=/etc/shadow",
        "GET http://evil/containers/json",
        "GET //containers/json",
        "GET /./containers/json",
        "GET /containers/../version",
        "GET /..%2fversion",
        "GET /%2e%2e/version",
        "GET /containers%2Fjson",
        "GET /v1.41%2Fcontainers/json",
        "GET /secr%65ts",
        "GET /containers/json%00",
        "GET /containers/json%20",
        "GET /containers/json;x",
        "GET /containers/json/",
        "GET /Containers/json",
        "GET /v1.41/v1.41/containers/json",
        "GET /v1/containers/json",
        "GET /v99.1/containers/json",
        "GET /v1.41.1/containers/json",
        "GET /containers/web/attach/ws?stream=1&stdin=1",
        "GET /containers/web/archive?path=/etc/shadow",
        "GET /containers/web/export",
        "GET /containers/web/logs?stdout=1",
        "GET /containers/web/top",
        "GET /containers/web/changes",
        "GET /containers/web/stats",
        "GET /containers/web/json?size=1",
        "GET /containers/json?size=1",
        "GET /containers/-/json",
        "GET /images/json",
        "GET /images/get?names=web",
        "GET /images/web/get",
        "GET /images/search?term=x",
        "GET /images/a%2Fget/json",
        "GET /distribution/web/json",
        "GET /exec/4a5d/json",
        "GET /system/df",
        "GET /debug/vars",
        "GET /debug/pprof/cmdline",
        "GET /secrets",
        "GET /configs",
        "GET /swarm",
        "GET /plugins",
        "GET /volumes",
        "GET /services",
        "GET /nodes",
        "GET /networks/web?verbose=true",
        "GET /events?filters=%7B%22type%22%3A%5B%22secret%22%5D%7D",
        "GET /events?filters=%7B%22event%22%3A%5B%22exec_create%22%5D%7D",
        "GET /session",
        "GET /grpc",
        "GET /build",
        "GET /",
    ] {
        let answer = house.gate.send(request(target, "").as_bytes());
        let (status, body) = parse(&answer);
        // 400 where the server cannot even read it as HTTP.
        assert!(status == 403 || (status == 400 && target.starts_with("CONNECT")), "{target}: {answer}");
        assert!(body.is_empty() || body.lines().count() == 1, "{target}: {body}");
    }
    assert_eq!(house.heard(), [""; 0]);
}

#[test]
fn bodies_and_upgrades_do_not_pass() {
    let house = House::open(&[]);
    for headers in [
        "Content-Length: 0\r\n",
        "Content-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 0x4\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n",
        "Upgrade: tcp\r\n",
        "Connection: upgrade\r\n",
        "Connection: close, x-forwarded-for\r\n",
        "Expect: 100-continue\r\n",
        "Trailer: x\r\n",
    ] {
        let smuggled = "0\r\n\r\nPOST /containers/web/start HTTP/1.1\r\nHost: x\r\n\r\n";
        let answer = house.gate.send(format!("{}{smuggled}", request("GET /containers/json", headers)).as_bytes());
        assert!(matches!(parse(&answer).0, 400 | 403), "{headers:?}: {answer}");
        assert!(!answer.contains("101 Switching") && !answer.contains("100 Continue"), "{answer}");
    }
    assert_eq!(house.heard(), [""; 0]);
}

#[test]
fn what_is_no_plain_request_never_arrives() {
    let house = House::open(&[]);
    let deep = format!("GET /containers/json?filters={}{}", "%5B".repeat(1000), "%5D".repeat(1000));
    let long = format!("GET /images/a@sha256:{}/json", "a".repeat(64));
    for target in [
        "GET /version#/../containers/json?size=1 x",
        "GET \\version",
        "GET  /version",
        "GET //x@y/version",
        "GET x:80",
        "GET unix:///version",
        "GET /version??",
        "GET /containers/json?all=1;size=1",
        "GET /containers/json?Size=1",
        "GET /containers/json?all=1&%61ll=0",
        "GET /containers/json?filters=%7B%22name%22%3A%5B%22%ff%22%5D%7D",
        "GET /containers/json?filters=%7B%22name%22%3A%5B%22%5Cud800%22%5D%7D",
        "GET /containers/json?filters=%7B%22label%22%3A%7B%22a%22%3A1e999%7D%7D",
        "GET /containers/json?filters=%7B%22name%22%3A%5B%22a%22%5D%7Dx",
        "GET /containers/json?filters=%7B%22__proto__%22%3A%5B%22a%22%5D%7D",
        "GET /v1.999999/version",
        "GET /v1.-1/version",
        "GET /images/library/nginx/json",
        "GET /images/nginx:1/json",
        "GET /events?since=-1",
        "GET /events?since=1e9",
        "GET /events?since=%D9%A3",
        "GET /events?until=9999999999999",
        &deep,
        &long,
    ] {
        let answer = house.gate.send(request(target, "").as_bytes());
        assert!(matches!(parse(&answer).0, 400 | 403), "{target}: {answer}");
    }
    for bytes in [
        &b"GET /version\r\n\r\n"[..],
        b"GET /version HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /version http/1.1\r\nHost: x\r\n\r\n",
        b"GET /version HTTP/1.1\rHost: x\r\r",
        b"GET /vers\0ion HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nA: b\r\n\tTransfer-Encoding: chunked\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 0\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: \"upgrade\"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    ] {
        let answer = house.gate.send(bytes);
        assert!(matches!(parse(&answer).0, 0 | 400 | 403), "{:?}: {answer}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(house.heard(), [""; 0]);
}

#[test]
fn what_follows_an_answer_is_judged_by_itself() {
    let house = House::open(&[]);
    let pipelined =
        [request("GET /_ping", ""), request("POST /containers/web/start", ""), request("GET /containers/json", "")];
    let answer = house.gate.send(pipelined.concat().as_bytes());
    let statuses: Vec<&str> = answer.matches("HTTP/1.1 ").collect();
    assert_eq!(statuses.len(), 2, "{answer}");
    assert!(answer.contains("200 OK") && answer.contains("403 Forbidden"), "{answer}");
    assert_eq!(house.heard(), ["GET /_ping HTTP/1.1\r\nhost: docker\r\n\r\n"]);
    // Behind an event stream, too.
    house.forget();
    house.gate.send([request("GET /events", ""), request("POST /containers/web/start", "")].concat().as_bytes());
    let heard = house.heard();
    assert_eq!(heard.len(), 1);
    assert_own(&heard[0], false);
}

#[test]
fn every_question_is_written_anew() {
    let house = House::open(&["--swarm"]);
    let names =
        "X-Forwarded-For: evil\r\nCookie: evil\r\nAuthorization: evil\r\nX-Registry-Auth: evil\r\nAccept: evil\r\n";
    for (path, _, _) in TABLE {
        for prefix in ["", "/v1.41"] {
            let target = format!("{prefix}{}", path.replace("{id}", "web").replace("{name}", "web"));
            let answer = house.gate.send(request(&format!("GET {target}"), names).as_bytes());
            assert_eq!(parse(&answer).0, 200, "{target}: {answer}");
        }
    }
    let heard = house.heard();
    assert_eq!(heard.len(), TABLE.len() * 2);
    for heard in &heard {
        assert_own(heard, true);
    }
}

#[test]
fn no_answer_holds_what_no_shape_names() {
    let house = House::open(&["--swarm"]);
    for (path, _, _) in TABLE {
        for name in ["web", "missing", "broken", "refused", "unclear"] {
            let target = path.replace("{id}", name).replace("{name}", name);
            let answer = house.gate.send(request(&format!("GET {target}"), "").as_bytes());
            assert!(!answer.contains(SECRET), "{target}: {answer}");
            assert!(!answer.to_lowercase().contains("x-secret"), "{target}: {answer}");
            let named = path.contains('{');
            let expected = if named && name == "missing" {
                404
            } else if named && name == "broken" {
                500
            } else if named && name == "refused" {
                403
            } else if named && name == "unclear" {
                400
            } else {
                200
            };
            assert_eq!(parse(&answer).0, expected, "{target}: {answer}");
        }
    }
    let (_, events) = house.get("/events");
    assert!(events.contains("\"start\"") && events.contains("\"die\"") && !events.contains("exec"), "{events}");
    assert!(house.get("/containers/missing/json").1.contains("No such container: missing"));
    assert!(house.get("/containers/web/json").1.contains("\"Labels\":{\"a\":\"b\"}"));
}

/// A small generator of numbers, the same at every run: a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

fn mutated(dice: &mut Dice) -> Vec<u8> {
    const SEEDS: [&str; 8] = [
        "GET /containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v1.41/containers/web/json HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
        "HEAD /_ping HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /networks/net?scope=local HTTP/1.1\r\nHost: x\r\nUser-Agent: y\r\n\r\n",
        "GET /events?since=1.5&filters=%7B%22type%22%3A%5B%22container%22%5D%7D HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /containers/web/start HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        "GET /volumes/v HTTP/1.1\r\nHost: x\r\n\r\nPOST /containers/web/kill HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /images/sha256:4a5d0ac50e7a4a5d0ac50e7a4a5d0ac50e7a4a5d0ac50e7a4a5d0ac50e7a4a5d/json HTTP/1.1\r\nHost: x\r\n\r\n",
    ];
    const PIECES: [&[u8]; 24] = [
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"/",
        b"//",
        b"/..",
        b"%2f",
        b"%00",
        b"%",
        b"?",
        b"&",
        b"#",
        b";",
        b"\xff",
        b"\xc3\xa9",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\n",
        b"/exec/x/json",
        b"/archive?path=/",
        b"POST ",
        b"http://evil",
        b"HTTP/1.1\r\n\r\n",
    ];
    let mut bytes = SEEDS[dice.throw(SEEDS.len())].as_bytes().to_vec();
    for _ in 0..=dice.throw(4) {
        let at = dice.throw(bytes.len().max(1)).min(bytes.len());
        match dice.throw(6) {
            0 => bytes.truncate(at.max(1)),
            1 => drop(bytes.splice(at..at, PIECES[dice.throw(PIECES.len())].iter().copied())),
            2 if at < bytes.len() => bytes[at] ^= 1 << dice.throw(8),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 => {
                let end = (at + dice.throw(12)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            _ => {
                let other = SEEDS[dice.throw(SEEDS.len())].as_bytes();
                let cut = dice.throw(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[cut..]);
            }
        }
    }
    bytes
}

#[test]
fn ten_thousand_mutated_requests_bring_only_own_requests() {
    let house = House::open(&[]);
    std::thread::scope(|scope| {
        for thread in 1..=20_u64 {
            let gate = &house.gate;
            scope.spawn(move || {
                let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ thread);
                for _ in 0..500 {
                    let bytes = mutated(&mut dice);
                    // No answer can come before the head is whole.
                    let whole =
                        [&b"\n\r\n"[..], b"\n\n"].iter().any(|end| bytes.windows(end.len()).any(|it| it == *end));
                    let wait = Duration::from_millis(if whole { 300 } else { 5 });
                    let answer = gate.send_and_wait(&bytes, wait);
                    assert!(!answer.contains(SECRET), "{:?}: {answer}", String::from_utf8_lossy(&bytes));
                }
            });
        }
    });
    let heard = house.heard();
    // Mutations that stay a good question, or carry one in front.
    assert!(heard.len() > 500 && heard.len() < 10_000, "{}", heard.len());
    for heard in &heard {
        assert_own(heard, false);
    }
    assert_eq!(house.get("/version").0, 200);
}
