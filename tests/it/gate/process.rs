//! The process: its socket, its user, its signals, its settings.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::house::{Gate, House, parse};
use crate::left_out::left_out;

fn gate(flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_leeward")).env_clear().arg("gate").args(flags).output().unwrap()
}

#[test]
fn bad_settings_end_with_one_clear_line_before_anything_is_bound() {
    for (flags, words) in [
        (&["--listen=tcp://0.0.0.0:2375"][..], "--listen"),
        (&["--listen=2375"], "--listen"),
        (&["--engine=tcp://10.0.0.1:2375"], "--engine"),
        (&["--socket-mode=rw"], "--socket-mode"),
        (&["--user=nobody"], "--user"),
        (&["--metrics-listen=0.0.0.0:9101"], "--metrics-listen"),
        (&["--metrics-listen=9101"], "--metrics-listen"),
        (&["--max-streams=0"], "--max-streams"),
    ] {
        let output = gate(flags);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(words), "{flags:?}: {:?} {said}", output.status);
    }
}

#[test]
fn it_ends_when_told_with_streams_open_and_counts_when_asked() {
    let mut house = House::with(&[], |head, stream| {
        if head.contains("/events") {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            let _ = stream.read(&mut [0]);
        } else {
            super::house::canned(head, stream);
        }
    });
    assert_eq!((house.get("/version").0, house.get("/secrets").0), (200, 403));
    let mut stream = house.gate.connect();
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let _ = stream.read(&mut [0; 4096]).unwrap();
    house.gate.signal(Signal::USR1);
    house.gate.wait_for_log("answered 1, event streams 1, refused 1 (path 1), failed 0");
    let begun = Instant::now();
    house.gate.signal(Signal::TERM);
    let status = house.gate.child.wait().unwrap();
    assert!(status.success() && begun.elapsed() < Duration::from_secs(2), "{status} after {:?}", begun.elapsed());
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "the stream ends cleanly: {rest:?}");
}

#[test]
fn a_refusal_is_logged_in_one_line_and_a_flood_in_few() {
    let house = House::open(&[]);
    house.gate.send(b"POST /containers/create HTTP/1.1\r\nHost: x\r\n\r\n");
    for _ in 0..200 {
        house.gate.send(b"GET /secrets\x1b[31m HTTP/1.1\r\nHost: x\r\n\r\n");
        house.gate.send(b"GET /secrets HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    let log = house.gate.log();
    assert!(log.contains("refused `POST /containers/create`: POST is not allowed; the gate only reads"), "{log}");
    let lines = log.lines().filter(|line| line.contains("refused")).count();
    assert!((2..=10).contains(&lines), "{log}");
    assert!(!log.contains('\x1b'), "{log}");
}

#[test]
fn what_cannot_be_read_is_counted_and_logged_too() {
    let mut house = House::open(&[]);
    for garbage in [
        "GET /version\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /\0 HTTP/1.1\r\n\r\n",
    ] {
        let (status, body) = parse(&house.gate.send(garbage.as_bytes()));
        assert!(matches!(status, 0 | 400) && body.is_empty(), "{garbage:?}: {status} {body}");
    }
    house.gate.send(format!("GET /version HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000)).as_bytes());
    house.gate.wait_for_log("refused a request that cannot be read: ");
    house.gate.signal(Signal::USR1);
    house.gate.wait_for_log("refused 5 (not-http 4, too-long 1)");
}

#[test]
fn the_socket_is_its_owners_and_a_second_gate_is_refused() {
    let house = House::open(&["--socket-mode=0640"]);
    assert_eq!(house.gate.socket.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let listen = format!("--listen=unix://{}", house.gate.socket.display());
    let second = gate(&[&listen]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(second.status.code() == Some(3) && said.contains("is in use by another process"), "{said}");
    assert_eq!(house.get("/version").0, 200);
}

#[test]
fn a_stale_socket_is_replaced() {
    let mut house = House::open(&[]);
    house.gate.signal(Signal::KILL);
    house.gate.child.wait().unwrap();
    assert!(house.gate.socket.exists());
    let folder = house.gate.socket.parent().unwrap().to_owned();
    house.gate = Gate::start(&folder.join("docker.sock"), &folder, &[]);
    assert_eq!(house.gate.socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(house.get("/version").0, 200);
}

/// A line of `/proc/PID/status`.
fn status(gate: &Gate, key: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{}/status", gate.child.id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn it_can_gain_nothing() {
    let house = House::open(&[]);
    assert_eq!((status(&house.gate, "NoNewPrivs"), status(&house.gate, "Threads")), ("1".into(), "1".into()));
    let log = house.gate.log();
    assert!(log.contains("Landlock"), "{log}");
}

#[test]
fn root_drops_everything_but_the_engines_group() {
    if !rustix::process::geteuid().is_root() {
        return left_out("root_drops_everything_but_the_engines_group", &["root: not root".to_owned()]);
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = folder.path().join("docker.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&engine).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    std::fs::set_permissions(&engine, std::fs::Permissions::from_mode(0o660)).unwrap();
    std::os::unix::fs::chown(&engine, Some(0), Some(4242)).unwrap();
    let gate = Gate::start(&engine, folder.path(), &["--user=65532:65533"]);
    assert_eq!(status(&gate, "Uid"), "65532 65532 65532 65532");
    assert_eq!(status(&gate, "Gid"), "65533 65533 65533 65533");
    assert_eq!(status(&gate, "Groups"), "4242");
    assert_eq!(status(&gate, "CapEff"), "0000000000000000");
    assert_eq!(status(&gate, "CapPrm"), "0000000000000000");
    let socket = gate.socket.metadata().unwrap();
    assert_eq!((socket.uid(), socket.gid(), socket.mode() & 0o777), (65532, 65533, 0o600));
    drop(gate);
    // Not a member of the socket's group, nor made one: root's own group is not given to anyone.
    std::os::unix::fs::chown(&engine, Some(0), Some(0)).unwrap();
    let flags = [
        format!("--engine=unix://{}", engine.display()),
        format!("--listen=unix://{}", folder.path().join("g2").display()),
    ];
    let output = self::gate(&[&flags[0], &flags[1], "--user=65532:65533"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("cannot open the engine's socket"), "{said}");
    let missing = format!("--engine=unix://{}", folder.path().join("nosuch.sock").display());
    let output = self::gate(&[&missing, &flags[1], "--user=65532:65533"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("start the engine first"), "{said}");
    let output = self::gate(&[&flags[0], &flags[1], "--user=0:0"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("that is root"), "{said}");
}

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_mount_of_a_socket_that_was_removed_ends_the_gate_and_nothing_else_does() {
    let may_mount = Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success());
    if !may_mount {
        let test = "a_mount_of_a_socket_that_was_removed_ends_the_gate_and_nothing_else_does";
        return left_out(test, &["root: `unshare --mount` is not allowed".to_owned()]);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let engine = std::os::unix::net::UnixListener::bind(path("engine")).unwrap();
    std::fs::write(path("mounted"), "").unwrap();
    // As a container has it: a mount of the file itself.
    let script = format!(
        "mount --bind {} {} && exec {} gate --engine=unix://{} --listen=unix://{}",
        path("engine"),
        path("mounted"),
        env!("CARGO_BIN_EXE_leeward"),
        path("mounted"),
        path("gate.sock"),
    );
    let log = std::fs::File::create(path("log")).unwrap();
    let mut command = Command::new("unshare");
    let child = command.args(["--mount", "sh", "-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut gate = Running(child.spawn().unwrap());
    let ask = || {
        let begun = Instant::now();
        loop {
            if let Ok(mut stream) = std::os::unix::net::UnixStream::connect(path("gate.sock")) {
                stream.write_all(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
                let mut answer = String::new();
                let _ = stream.read_to_string(&mut answer);
                return parse(&answer).0;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", std::fs::read_to_string(path("log")).unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let answering = std::thread::spawn(move || {
        // The gate's two looks at start, then its question; then this engine is gone, but its socket is still there.
        for stream in engine.incoming().take(3) {
            let mut stream = stream.unwrap();
            // What is left unread would break the answer off.
            if stream.read(&mut [0; 4096]).unwrap_or(0) > 0 {
                super::house::canned("GET /version HTTP/1.1", &mut stream);
            }
        }
    });
    assert_eq!(ask(), 200);
    answering.join().unwrap();
    assert_eq!(ask(), 502);
    assert!(gate.0.try_wait().unwrap().is_none(), "an engine that is down may come back at the same socket");
    std::fs::remove_file(path("engine")).unwrap();
    ask();
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = gate.0.try_wait().unwrap() {
            break status;
        }
        let log = std::fs::read_to_string(path("log")).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "it stays at a socket that can never answer: {log}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let log = std::fs::read_to_string(path("log")).unwrap();
    assert!(status.code() == Some(3) && log.contains("this mount shows the old one for ever"), "{status} {log}");
}

#[test]
fn loopback_answers_this_machine_and_no_web_page() {
    let house = House::open(&["--listen=tcp://127.0.0.1:0"]);
    let port = house.gate.port();
    let get = |host: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream
            .write_all(format!("GET /version HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        parse(&answer).0
    };
    for host in ["localhost", "localhost:2375", "127.0.0.1:2375", "[::1]:2375"] {
        assert_eq!(get(host), 200, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:2375",
        "localhost.evil.example",
        "",
        "[::1]evil.example",
        "127.0.0.1:80@evil.example",
        "127.0.0.1\r\nHost: evil.example",
    ] {
        assert_eq!(get(host), 403, "{host}");
    }
    assert_eq!(house.heard().len(), 4);
}

#[test]
fn beyond_loopback_no_web_page_is_answered_either() {
    let flags = ["--listen=tcp://0.0.0.0:0", "--listen-beyond-loopback", "--allow-host=Gate.lan.example"];
    let house = House::open(&flags);
    let port = house.gate.port();
    let get = |host: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let request = format!("GET /version HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        parse(&answer)
    };
    // On a network containers call it by its service's name, which has no dot.
    for host in ["10.0.0.1:2375", "[fd00::1]:2375", "gate", "gate:2375", "localhost", "gate.lan.example:2375"] {
        assert_eq!(get(host).0, 200, "{host}");
    }
    for host in ["evil.example", "evil.example:2375", "10.0.0.1.evil.example", "", "gate\r\nHost: evil.example"] {
        let (status, body) = get(host);
        assert!(status == 403 && body.contains("--allow-host"), "{host}: {status} {body}");
    }
}

#[test]
fn a_gate_that_cannot_reach_the_engine_once_it_is_confined_does_not_start() {
    let house = House::open(&[]);
    let folder = tempfile::tempdir().unwrap();
    // By way of another process's root: before it is confined the gate may go there, afterwards it may not.
    let real = house.gate.socket.parent().unwrap().join("docker.sock");
    let engine = format!("--engine=unix:///proc/{}/root{}", std::process::id(), real.display());
    let path = folder.path().join("gate.sock");
    let listen = format!("--listen=unix://{}", path.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    let command = command.env_clear().args(["gate", &engine, &listen]).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut gate = Running(command.spawn().unwrap());
    let begun = Instant::now();
    loop {
        if let Some(status) = gate.0.try_wait().unwrap() {
            let mut said = String::new();
            gate.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            assert_eq!(status.code(), Some(3), "{said}");
            assert!(said.contains("once the gate has confined itself") && said.contains("/proc/"), "{said}");
            return;
        }
        if let Ok(mut stream) = std::os::unix::net::UnixStream::connect(&path) {
            // A kernel without Landlock confines nothing: then the engine must answer.
            stream.write_all(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer);
            // Ending on its way is what it should do.
            if !answer.is_empty() {
                return assert_eq!(parse(&answer).0, 200, "it started and cannot reach the engine: {answer}");
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
}
