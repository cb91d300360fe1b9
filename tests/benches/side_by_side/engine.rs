//! The engines that containers start and stop on: a real one, and one of as many containers as wanted.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::lab::{self, Lab};

/// Who watches the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Traefik's own Docker provider.
    Own,
    /// Leeward.
    Leeward,
}

/// An engine.
pub(crate) enum Engine {
    Real(Box<Lab>),
    Simulated(Simulated),
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Own => "Traefik's own Docker provider",
            Self::Leeward => "Leeward + Traefik",
        }
    }
}

impl Engine {
    pub(crate) fn socket(&self, side: Side) -> String {
        match self {
            Self::Real(lab) => lab.socket(),
            Self::Simulated(engine) => format!("unix://{}", engine.socket(side).display()),
        }
    }

    /// Starts containers one after the other; when the last of them was, since 1970. A real engine goes on by itself, and
    /// that moment is not known yet. Only a real engine tells both sides.
    pub(crate) fn start<T: AsRef<str>>(&self, side: Side, containers: &[T]) -> Duration {
        self.change(side, containers, true)
    }

    /// Stops containers, as [`Engine::start`] starts them.
    pub(crate) fn stop<T: AsRef<str>>(&self, side: Side, containers: &[T]) -> Duration {
        self.change(side, containers, false)
    }

    fn change<T: AsRef<str>>(&self, side: Side, containers: &[T], running: bool) -> Duration {
        match self {
            Self::Real(lab) => {
                let mut command = Command::new("docker");
                command.args(if running { &["start"][..] } else { &["stop", "-t", "0"] });
                command.args(containers.iter().map(AsRef::as_ref)).stdout(Stdio::null());
                let mut changing = lab.with_engine(&mut command).spawn().unwrap();
                thread::spawn(move || changing.wait());
                now()
            }
            Self::Simulated(engine) => {
                let mut began = now();
                for (at, container) in containers.iter().enumerate() {
                    if at > 0 {
                        thread::sleep(BETWEEN);
                        began = now();
                    }
                    engine.change(side, container.as_ref(), running);
                }
                began
            }
        }
    }

    /// When the last of these started: in the engine's own word, else `began`.
    pub(crate) fn started<T: AsRef<str>>(&self, containers: &[T], began: Duration) -> Duration {
        self.moment(containers, "StartedAt", began)
    }

    /// When the last of these ended, likewise.
    pub(crate) fn finished<T: AsRef<str>>(&self, containers: &[T], began: Duration) -> Duration {
        self.moment(containers, "FinishedAt", began)
    }

    fn moment<T: AsRef<str>>(&self, containers: &[T], field: &str, began: Duration) -> Duration {
        let Self::Real(lab) = self else { return began };
        let format = format!("{{{{.State.{field}}}}}");
        let names = containers.iter().map(AsRef::as_ref);
        let written = lab.docker(&["inspect", "-f", &format].into_iter().chain(names).collect::<Vec<_>>()).out;
        // All in the same form and in UTC, but for zeros at the end.
        let last = written.lines().max_by_key(|line| line.trim_end_matches('Z')).unwrap();
        Duration::from_secs_f64(lab::must(&["date", "-d", last, "+%s.%N"]).parse().unwrap())
    }

    /// How many questions a side has asked since the last time; `None`: a real engine does not count.
    pub(crate) fn take_asked(&self, side: Side) -> Option<usize> {
        match self {
            Self::Real(_) => None,
            Self::Simulated(engine) => Some(engine.shared.sides[side as usize].asked.swap(0, Ordering::Relaxed)),
        }
    }
}

/// How long a simulated engine waits between two changes of a row.
const BETWEEN: Duration = Duration::from_millis(100);

/// Since 1970.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Answers what both sides ask of an engine, from bytes that are made once.
pub(crate) struct Simulated {
    shared: Arc<Shared>,
    folder: TempDir,
    runtime: Runtime,
}

struct Shared {
    containers: Mutex<Containers>,
    sides: [Watcher; 2],
}

struct Watcher {
    asked: AtomicUsize,
    events: broadcast::Sender<Bytes>,
}

/// Inspections by id, and the list of them all until one changes.
struct Containers {
    inspected: BTreeMap<String, Bytes>,
    /// By id, in the order in which they were made.
    listed: Vec<(String, Bytes)>,
    /// The newest first, as the engine has it. Source: moby `daemon/list.go`.
    list: Option<Bytes>,
}

impl Simulated {
    /// With `count` running containers, and these besides, which are not.
    pub(crate) fn start(count: usize, others: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let watcher = || Watcher { asked: AtomicUsize::new(0), events: broadcast::channel(4096).0 };
        let empty = Containers { inspected: BTreeMap::new(), listed: Vec::new(), list: None };
        let shared = Arc::new(Shared { containers: Mutex::new(empty), sides: [watcher(), watcher()] });
        let engine = Self {
            shared,
            folder,
            runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
        };
        for number in 0..count {
            engine.put(&format!("other{number}"), number, true);
        }
        for (at, name) in others.iter().enumerate() {
            engine.put(name, count + at, false);
        }
        for side in [Side::Own, Side::Leeward] {
            let shared = Arc::clone(&engine.shared);
            let path = engine.socket(side);
            engine.runtime.spawn(async move {
                let listener = UnixListener::bind(path).unwrap();
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        let service = service_fn(move |request| {
                            let answer = answer(&request, &shared, side);
                            async move { Ok::<_, Infallible>(answer) }
                        });
                        drop(
                            hyper::server::conn::http1::Builder::new()
                                .serve_connection(TokioIo::new(stream), service)
                                .await,
                        );
                    });
                    while connections.try_join_next().is_some() {}
                }
            });
        }
        engine
    }

    fn socket(&self, side: Side) -> PathBuf {
        self.folder.path().join(format!("{side:?}.sock"))
    }

    fn put(&self, name: &str, number: usize, running: bool) {
        let (id, raw) = container(name, number, running);
        let listed = json!({
            "Id": id, "Names": [raw["Name"]], "Image": "app:1", "ImageID": "sha256:app", "Labels": raw["Config"]["Labels"],
            "State": raw["State"]["Status"], "Status": if running { "Up 5 minutes" } else { "Exited (0) 5 minutes ago" },
            "Created": 1_767_225_600, "Ports": [], "HostConfig": {"NetworkMode": "proxy"},
            "NetworkSettings": raw["NetworkSettings"], "Mounts": [],
        });
        let mut containers = self.shared.containers.lock().unwrap();
        containers.inspected.insert(id.clone(), raw.to_string().into());
        let listed = listed.to_string().into();
        match containers.listed.iter_mut().find(|(known, _)| *known == id) {
            Some((_, known)) => *known = listed,
            None => containers.listed.push((id, listed)),
        }
        containers.list = None;
    }

    /// A container starts or stops, and one side is told.
    fn change(&self, side: Side, name: &str, running: bool) {
        let number = 50_000 + name.bytes().map(usize::from).sum::<usize>();
        self.put(name, number, running);
        let (id, _) = container(name, number, running);
        let events: &[(&str, &str)] = if running {
            &[("network", "connect"), ("container", "start")]
        } else {
            &[("container", "kill"), ("container", "die"), ("network", "disconnect"), ("container", "stop")]
        };
        for (kind, action) in events {
            let actor = match *kind {
                "network" => json!({"ID": NETWORK, "Attributes": {"container": id, "name": "proxy"}}),
                _ => json!({"ID": id, "Attributes": {"name": name, "image": "app:1"}}),
            };
            let event =
                json!({"Type": kind, "Action": action, "Actor": actor, "scope": "local", "time": now().as_secs()});
            // Nobody may be listening.
            drop(self.shared.sides[side as usize].events.send(format!("{event}\n").into()));
        }
    }
}

const NETWORK: &str = "0e7be1ee0e7be1ee0e7be1ee0e7be1ee0e7be1ee0e7be1ee0e7be1ee0e7be1ee";

/// Its id, and what an inspection says of it: about as long as a real one.
fn container(name: &str, number: usize, running: bool) -> (String, Value) {
    let id = name.bytes().rev().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let id = format!("{id:0<64}");
    let address =
        if running { format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255) } else { String::new() };
    let status = if running { "running" } else { "exited" };
    let env: Vec<String> = (0..16).map(|at| format!("VARIABLE_{at}=a value of an ordinary length, {at}")).collect();
    let raw = json!({
        "Id": id, "Name": format!("/{name}"), "Image": "sha256:app", "Created": "2026-01-01T00:00:00Z",
        "Path": "/app", "Args": [], "RestartCount": 0, "Driver": "overlay2", "Platform": "linux",
        "State": {
            "Status": status, "Running": running, "Paused": false, "Restarting": false, "OOMKilled": false, "Dead": false,
            "Pid": 1234, "ExitCode": 0, "Error": "", "StartedAt": "2026-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z",
        },
        "Config": {
            "Hostname": name, "User": "1000:1000", "Image": "app:1", "Env": env, "ExposedPorts": {"80/tcp": {}},
            "Labels": {
                "com.docker.compose.project": name, "com.docker.compose.service": "web", "com.docker.compose.config-hash": "0123",
                "traefik.enable": "true",
                (format!("traefik.http.routers.{name}.rule")): format!("Host(`{name}.test`)"),
                (format!("traefik.http.services.{name}.loadbalancer.server.port")): "80",
            },
        },
        "HostConfig": {
            "NetworkMode": "proxy", "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges:true"], "ReadonlyRootfs": true,
            "Sysctls": {"net.ipv4.ip_forward": "0"}, "LogConfig": {"Type": "json-file", "Config": {}}, "IpcMode": "private",
            "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}, "Memory": 0, "PidsLimit": null,
            "MaskedPaths": ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list"],
            "ReadonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
        "Mounts": [],
        "NetworkSettings": {
            "Ports": {},
            "Networks": {"proxy": {
                "NetworkID": NETWORK, "EndpointID": if running { NETWORK } else { "" }, "Gateway": "", "IPAddress": address,
                "IPPrefixLen": 8, "MacAddress": "", "Aliases": ["web"],
            }},
        },
    });
    (id, raw)
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

fn answer(request: &Request<Incoming>, shared: &Shared, side: Side) -> Response<Body> {
    let path = request.uri().path();
    let path = match path.strip_prefix("/v1.") {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => path,
    };
    let watcher = &shared.sides[side as usize];
    watcher.asked.fetch_add(1, Ordering::Relaxed);
    let full = |bytes: Bytes| {
        let mut response = Response::new(Full::new(bytes).boxed_unsync());
        for (name, value) in [("content-type", "application/json"), ("api-version", "1.44"), ("ostype", "linux")] {
            response.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
        }
        response
    };
    let network = || {
        json!({
            "Id": NETWORK, "Name": "proxy", "Driver": "bridge", "Scope": "local", "Internal": true, "Labels": {},
            "Options": {"com.docker.network.bridge.gateway_mode_ipv4": "isolated"},
            "IPAM": {"Config": [{"Subnet": "10.0.0.0/8"}]}, "Containers": {},
        })
    };
    match path {
        "/_ping" => full("OK".into()),
        "/version" => full(
            json!({
                "Version": "28.5.1", "ApiVersion": "1.44", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64",
                "Components": [{"Name": "Engine", "Version": "28.5.1"}],
            })
            .to_string()
            .into(),
        ),
        "/info" => full(
            json!({"ServerVersion": "28.5.1", "SecurityOptions": ["name=seccomp,profile=builtin"]}).to_string().into(),
        ),
        "/networks" => full(json!([network()]).to_string().into()),
        "/containers/json" => {
            let mut containers = shared.containers.lock().unwrap();
            let Containers { listed, list, .. } = &mut *containers;
            let list = list.get_or_insert_with(|| {
                let parts: Vec<&[u8]> = listed.iter().rev().map(|(_, bytes)| &**bytes).collect();
                [b"[", parts.join(&b","[..]).as_slice(), b"]"].concat().into()
            });
            full(list.clone())
        }
        "/events" => {
            let told = stream::unfold(watcher.events.subscribe(), |mut receiver| async move {
                let event = receiver.recv().await.ok()?;
                Some((Ok(Frame::data(event)), receiver))
            });
            Response::new(StreamBody::new(told.boxed()).boxed_unsync())
        }
        _ if path.starts_with("/images/") => {
            full(json!({"Id": "sha256:app", "Config": {"Labels": {}}}).to_string().into())
        }
        _ => {
            let id = path.strip_prefix("/containers/").and_then(|rest| rest.strip_suffix("/json"));
            let found = id.and_then(|id| shared.containers.lock().unwrap().inspected.get(id).cloned());
            found.map_or_else(
                || {
                    let mut response = full(json!({"message": "no such thing"}).to_string().into());
                    *response.status_mut() = StatusCode::NOT_FOUND;
                    response
                },
                full,
            )
        }
    }
}
