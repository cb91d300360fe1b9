//! A stand-in for an engine, as far as Traefik's own Docker provider asks: it lists containers, shows each, and says that
//! one was started.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// How long Traefik may take to listen to events.
const PATIENCE: Duration = Duration::from_secs(20);

/// The engine. It serves until the test's process ends.
pub(crate) struct Engine {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    containers: Mutex<Vec<Value>>,
    listeners: Mutex<Vec<UnixStream>>,
    someone_listens: Condvar,
}

impl Engine {
    /// Listens at a path that is free, with the containers of `GET /containers/{id}/json`.
    pub(crate) fn start(socket: &Path, containers: Vec<Value>) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let shared = Arc::new(Shared { containers: Mutex::new(containers), ..Shared::default() });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let serving = Arc::clone(&serving);
                // A client that goes away ends its own connection only.
                thread::spawn(move || drop(serve(stream, &serving)));
            }
        });
        Self { shared }
    }

    /// Holds these containers from now on, and says that one of them was started: Traefik then reads them all.
    pub(crate) fn show(&self, containers: Vec<Value>) {
        *self.shared.containers.lock().unwrap() = containers;
        let event = json!({"Type": "container", "Action": "start", "Actor": {"ID": "0", "Attributes": {}}, "time": 1});
        let event = format!("{event}\n");
        let nobody = |listeners: &mut Vec<UnixStream>| listeners.is_empty();
        let listeners = self.shared.listeners.lock().unwrap();
        let (mut listeners, _) = self.shared.someone_listens.wait_timeout_while(listeners, PATIENCE, nobody).unwrap();
        assert!(!listeners.is_empty(), "nobody listens to the engine's events");
        listeners.retain_mut(|stream| write!(stream, "{:x}\r\n{event}\r\n", event.len()).is_ok());
    }
}

fn serve(stream: UnixStream, shared: &Shared) -> std::io::Result<()> {
    let mut requests = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut request = String::new();
        if requests.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let mut header = String::new();
        while requests.read_line(&mut header)? > 2 {
            header.clear();
        }
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = target.split('?').next().unwrap_or_default();
        let path = match path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')) {
            Some((_, rest)) => format!("/{rest}"),
            None => path.to_owned(),
        };
        if path == "/events" {
            stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
            )?;
            shared.listeners.lock().unwrap().push(stream);
            shared.someone_listens.notify_all();
            return Ok(());
        }
        let (status, body) = match answer(&path, &shared.containers.lock().unwrap()) {
            Some(body) => ("200 OK", body.to_string()),
            None => ("404 Not Found", json!({"message": "no such thing"}).to_string()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nApi-Version: 1.45\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        if method != "HEAD" {
            stream.write_all(body.as_bytes())?;
        }
    }
}

/// `None`: there is no such thing.
fn answer(path: &str, containers: &[Value]) -> Option<Value> {
    Some(match path {
        "/_ping" => json!("OK"),
        "/version" => json!({"Version": "27.5.1", "ApiVersion": "1.45", "MinAPIVersion": "1.24"}),
        "/containers/json" => containers
            .iter()
            .map(|it| json!({"Id": it["Id"], "Names": [it["Name"]], "State": it["State"]["Status"]}))
            .collect(),
        _ => {
            let wanted = path.strip_prefix("/containers/")?.strip_suffix("/json")?;
            let name = format!("/{}", wanted.trim_start_matches('/'));
            containers.iter().find(|it| it["Id"] == wanted || it["Name"] == name.as_str())?.clone()
        }
    })
}
