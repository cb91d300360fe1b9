//! A stand-in for an engine: it answers what Leeward asks of one, over a Unix socket, and misbehaves when told to.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Body as _, Bytes, Frame, Incoming};
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

/// What goes wrong with an answer.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It takes so long.
    Slow(Duration),
    /// The request is taken, and nothing is ever said.
    Silent,
    /// It stops in the middle of the body and says no more.
    Hangs,
    /// The connection breaks in the middle of the body.
    Cut,
    /// Another status than 200, with the engine's usual words.
    Status(u16),
    /// Another status than 200, with these words.
    Says(u16, &'static str),
    /// A body that is whole, and is not JSON.
    Garbage,
    /// A body that is JSON, and not what was asked for.
    Odd(Value),
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

#[derive(Default)]
struct State {
    containers: BTreeMap<String, Value>,
    networks: Vec<Value>,
    /// Of a swarm that it manages; `None`: it does not.
    services: Option<BTreeMap<String, Value>>,
    tasks: BTreeMap<String, Value>,
    /// By the beginning of a path and query without its version; the longest that fits counts.
    faults: BTreeMap<String, Fault>,
    asked: BTreeMap<String, usize>,
    /// Paths and queries that it was asked for.
    queries: Vec<String>,
    /// The bytes of its sound answers.
    sent: usize,
    /// How many questions have no answer yet, and how many that were at most.
    open: usize,
    most_open: usize,
    /// What its clock shows, if not the time; as in the header `Date`.
    date: Option<String>,
}

/// The engine. What it holds and how it fails outlives its process: see [`Daemon::stop`].
pub(crate) struct Daemon {
    socket: PathBuf,
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<Option<Value>>,
    process: Option<JoinSet<()>>,
}

impl Daemon {
    /// Not running yet; its socket will be in `directory`. It has one internal network, `app_proxy`.
    pub(crate) fn new(directory: &Path) -> Self {
        let network = json!({
            "Id": "net1", "Name": "app_proxy", "Driver": "bridge", "Scope": "local", "Internal": true,
            "Options": {}, "Labels": {}, "IPAM": {"Config": [{"Subnet": "10.0.0.0/16"}]},
        });
        let state = State { networks: vec![network], ..State::default() };
        let (events, _) = broadcast::channel(65_536);
        Self { socket: directory.join("engine.sock"), state: Arc::new(Mutex::new(state)), events, process: None }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Begins to listen.
    pub(crate) fn start(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
        let listener = UnixListener::bind(&self.socket).unwrap();
        let (state, events) = (Arc::clone(&self.state), self.events.clone());
        let mut process = JoinSet::new();
        process.spawn(async move {
            // With this set everything that is open breaks off.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (state, events) = (Arc::clone(&state), events.clone());
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(request, Arc::clone(&state), events.clone()));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        self.process = Some(process);
    }

    /// Is gone, with every connection and the socket's file.
    pub(crate) async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.shutdown().await;
        }
        let _ = std::fs::remove_file(&self.socket);
    }

    /// Has a running container that asks for `Host(<name>.example)`, at `10.0.0.<host>`; says nothing of it.
    pub(crate) fn put(&self, name: &str, host: u16) {
        self.put_in_state(name, host, "running");
    }

    /// As `put`, in another state.
    pub(crate) fn put_in_state(&self, name: &str, host: u16, state: &str) {
        let id = id(name);
        let container = json!({
            "Id": id, "Name": format!("/{name}"), "Image": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Created": "2026-01-01T00:00:00Z",
            "State": {"Status": state, "StartedAt": "2026-01-01T00:00:00Z"},
            "Config": {
                "Image": "app:1",
                "Labels": {
                    "traefik.enable": "true",
                    (format!("traefik.http.routers.{name}.rule")): format!("Host(`{name}.example`)"),
                },
                "ExposedPorts": {"80/tcp": {}},
            },
            "HostConfig": {"NetworkMode": "app_proxy", "Sysctls": {"net.ipv4.ip_forward": "0"}},
            "NetworkSettings": {
                "Ports": {},
                "Networks": {"app_proxy": {
                    "NetworkID": "net1", "IPAddress": format!("10.0.{}.{}", host / 250, host % 250 + 2),
                }},
            },
        });
        self.state.lock().unwrap().containers.insert(id, container);
    }

    /// Manages a swarm from now on, or does not any more; says nothing of it. It has an internal overlay, `overlay`.
    pub(crate) fn manage(&self, manages: bool) {
        let network = json!({
            "Id": "overlay", "Name": "overlay", "Driver": "overlay", "Scope": "swarm", "Internal": true,
            "Options": {}, "Labels": {}, "IPAM": {"Config": [{"Subnet": "10.7.0.0/16"}]},
        });
        let mut state = self.state.lock().unwrap();
        state.networks.retain(|it| it["Id"] != "overlay");
        state.networks.extend(manages.then_some(network));
        (state.services, state.tasks) = (manages.then(BTreeMap::new), BTreeMap::new());
    }

    /// Has a service that wants so many tasks and asks for `Host(<host>)`; says nothing of it.
    pub(crate) fn put_service(&self, name: &str, host: &str, replicas: u32) {
        let service = json!({
            "ID": name, "CreatedAt": "2026-01-01T00:00:00Z", "Endpoint": {},
            "Spec": {
                "Name": name, "Mode": {"Replicated": {"Replicas": replicas}}, "EndpointSpec": {"Mode": "vip"},
                "Labels": {
                    "traefik.enable": "true", (format!("traefik.http.routers.{name}.rule")): format!("Host(`{host}`)"),
                    (format!("traefik.http.services.{name}.loadbalancer.server.port")): "80",
                },
                "TaskTemplate": template(),
            },
        });
        self.state.lock().unwrap().services.as_mut().unwrap().insert(name.to_owned(), service);
    }

    /// A task of a service is in this state, at `10.7.0.<slot + 1>` as long as that is one, and shall run if `wanted`; says nothing of it.
    pub(crate) fn put_task(&self, service: &str, slot: u32, state: &str, wanted: bool) {
        let id = format!("{service}-{slot}");
        let desired = if wanted { "running" } else { "shutdown" };
        let task = json!({
            "ID": id, "ServiceID": service, "Slot": slot, "NodeID": "node1", "DesiredState": desired,
            "Status": {"State": state, "ContainerStatus": {"ContainerID": self::id(&id)}},
            "Spec": template(), "NetworksAttachments": [{"Network": {"ID": "overlay"}, "Addresses": [format!("10.7.{}.{}/16", slot / 250, slot % 250 + 1)]}],
        });
        self.state.lock().unwrap().tasks.insert(id, task);
    }

    /// No longer has a service and its tasks; says nothing of it.
    pub(crate) fn remove_service(&self, name: &str) {
        let mut state = self.state.lock().unwrap();
        state.services.as_mut().unwrap().remove(name);
        state.tasks.retain(|_, task| task["ServiceID"] != name);
    }

    /// Sends an event about a service or a node.
    pub(crate) fn say_of_swarm(&self, kind: &str, id: &str, action: &str) {
        let actor = json!({"ID": id, "Attributes": {"name": id}});
        let _ = self
            .events
            .send(Some(json!({"Type": kind, "Action": action, "Actor": actor, "scope": "swarm", "time": 1})));
    }

    /// Gives a container a label, all of which stands in its events, with bytes that are no UTF-8 in its value.
    pub(crate) fn label_without_sense(&self, name: &str, key: &str) {
        let value = Value::from(format!("Host(`{NO_UTF8}`)"));
        let mut state = self.state.lock().unwrap();
        state.containers.get_mut(&id(name)).unwrap()["Config"]["Labels"][key] = value;
    }

    /// A container has these labels and no others.
    pub(crate) fn label(&self, id: &str, labels: serde_json::Map<String, Value>) {
        let mut state = self.state.lock().unwrap();
        state.containers.get_mut(id).unwrap()["Config"]["Labels"] = labels.into();
    }

    /// A container was made from the variant of its image for 64-bit ARM, which has this digest.
    pub(crate) fn of_arm(&self, name: &str, digest: &str) {
        let mut state = self.state.lock().unwrap();
        state.containers.get_mut(&id(name)).unwrap()["ImageManifestDescriptor"] = json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1,
            "platform": {"architecture": "arm64", "os": "linux"},
        });
    }

    /// A container is of another image.
    pub(crate) fn of_image(&self, name: &str, image: &str) {
        self.state.lock().unwrap().containers.get_mut(&id(name)).unwrap()["Image"] = image.into();
    }

    /// Changes what an inspection of a container says.
    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(&mut Value)) {
        change(self.state.lock().unwrap().containers.get_mut(&id(name)).unwrap());
    }

    /// Has one more internal network, whose id is its name.
    pub(crate) fn add_network(&self, name: &str) {
        let network = json!({
            "Id": name, "Name": name, "Driver": "bridge", "Scope": "local", "Internal": true, "Options": {}, "Labels": {},
            "IPAM": {"Config": []},
        });
        self.state.lock().unwrap().networks.push(network);
    }

    /// A container is in the network of another.
    pub(crate) fn in_network_of(&self, name: &str, whose: &str) {
        let mut state = self.state.lock().unwrap();
        state.containers.get_mut(&id(name)).unwrap()["HostConfig"]["NetworkMode"] =
            format!("container:{}", id(whose)).into();
    }

    /// Has these containers, as inspections of them say, and no others; says that one was started.
    pub(crate) fn show(&self, containers: Vec<Value>) {
        let by_id = containers.into_iter().map(|it| (it["Id"].as_str().unwrap().to_owned(), it));
        self.state.lock().unwrap().containers = by_id.collect();
        let actor = json!({"ID": "0", "Attributes": {}});
        let _ = self.events.send(Some(json!({"Type": "container", "Action": "start", "Actor": actor, "time": 1})));
    }

    /// No longer has a container; says nothing of it.
    pub(crate) fn remove(&self, name: &str) {
        self.state.lock().unwrap().containers.remove(&id(name));
    }

    /// Sends an event about a container.
    pub(crate) fn say(&self, name: &str, action: &str) {
        let mut attributes = json!({"name": name});
        if let Some(container) = self.state.lock().unwrap().containers.get(&id(name)) {
            let labels = container["Config"]["Labels"].as_object().unwrap().clone();
            attributes.as_object_mut().unwrap().extend(labels);
        }
        let actor = json!({"ID": id(name), "Attributes": attributes});
        let event = json!({"Type": "container", "Action": action, "Actor": actor, "time": 1});
        // Nobody may be listening.
        let _ = self.events.send(Some(event));
    }

    /// Sends an event of a network about a container.
    pub(crate) fn say_of_network(&self, name: &str, action: &str) {
        let actor = json!({"ID": "net", "Attributes": {"container": id(name), "name": "proxy"}});
        let _ = self.events.send(Some(json!({"Type": "network", "Action": action, "Actor": actor, "time": 1})));
    }

    /// Ends the stream of events, and nothing else.
    pub(crate) fn cut_events(&self) {
        let _ = self.events.send(None);
    }

    /// How many listen to events.
    pub(crate) fn listeners(&self) -> usize {
        self.events.receiver_count()
    }

    /// From now on, whatever begins with `path` goes wrong.
    pub(crate) fn fail(&self, path: &str, fault: Fault) {
        self.state.lock().unwrap().faults.insert(path.to_owned(), fault);
    }

    /// Everything is as it should be again.
    pub(crate) fn mend(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    /// Its clock shows this from now on.
    pub(crate) fn set_clock(&self, date: &str) {
        self.state.lock().unwrap().date = Some(date.to_owned());
    }

    /// How many questions it had at most that were not answered yet.
    pub(crate) fn most_open(&self) -> usize {
        self.state.lock().unwrap().most_open
    }

    /// How often each path was asked for since the last time; container inspections are `inspect <name>`.
    pub(crate) fn take_asked(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }
}

impl Daemon {
    /// The paths and queries that it was asked for since the last time.
    pub(crate) fn take_queries(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().queries)
    }

    /// The bytes of its answers since the last time, but for events and what went wrong.
    pub(crate) fn take_sent(&self) -> usize {
        std::mem::take(&mut self.state.lock().unwrap().sent)
    }
}

/// What a service asks for its tasks: about as long as a real one.
fn template() -> Value {
    let env: Vec<String> = (0..16).map(|at| format!("VARIABLE_{at}=a value of an ordinary length, {at}")).collect();
    json!({
        "ContainerSpec": {
            "Image": "app:1", "Env": env, "Sysctls": {"net.ipv4.ip_forward": "0"}, "CapabilityDrop": ["ALL"], "Isolation": "default",
            "StopGracePeriod": 10_000_000_000_u64, "Init": false, "DNSConfig": {}, "Hosts": [], "Labels": {},
        },
        "Resources": {"Limits": {"MemoryBytes": 134_217_728, "Pids": 64}, "Reservations": {}},
        "RestartPolicy": {"Condition": "any", "Delay": 5_000_000_000_u64, "MaxAttempts": 0},
        "Placement": {"Constraints": ["node.role == worker"], "Platforms": [{"Architecture": "amd64", "OS": "linux"}]},
        "Networks": [{"Target": "overlay"}], "ForceUpdate": 0, "Runtime": "container",
    })
}

/// The id of a container of this name: 64 hex digits.
pub(crate) fn id(name: &str) -> String {
    let hex = name.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    format!("{hex:0<64}")
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<Option<Value>>,
) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path();
    let path = match path.strip_prefix("/v1.") {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => path,
    };
    // Without its version, and with its query.
    let target = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let target = target.get(request.uri().path().len() - path.len()..).unwrap();
    let (fault, whole, date) = {
        let mut state = state.lock().unwrap();
        let inspected = path.strip_prefix("/containers/").and_then(|rest| rest.strip_suffix("/json"));
        let counted = match inspected.and_then(|id| state.containers.get(id)) {
            Some(container) => format!("inspect {}", container["Name"].as_str().unwrap().trim_start_matches('/')),
            None => path.to_owned(),
        };
        *state.asked.entry(counted).or_default() += 1;
        state.queries.push(target.to_owned());
        state.open += 1;
        state.most_open = state.most_open.max(state.open);
        let fault = state.faults.iter().rev().find(|(start, _)| target.starts_with(start.as_str()));
        let found = match path {
            "/services" | "/tasks" | "/nodes" => swarm(path, request.uri().query().unwrap_or_default(), &state),
            _ => whole(path, &state).ok_or(NONE),
        };
        (fault.map(|(_, fault)| fault.clone()), found, state.date.clone())
    };
    // However it ends: also when whoever asked does not wait.
    let open = Open(state);
    let Some(fault) = fault else {
        let mut response = sound(path, whole, &events);
        open.0.lock().unwrap().sent += usize::try_from(response.body().size_hint().lower()).unwrap();
        if let Some(date) = date {
            response.headers_mut().insert("date", date.parse().unwrap());
        }
        return Ok(response);
    };
    Ok(match fault {
        Fault::Slow(delay) => {
            tokio::time::sleep(delay).await;
            sound(path, whole, &events)
        }
        Fault::Silent => std::future::pending().await,
        Fault::Hangs => half(whole, stream::pending().boxed()),
        Fault::Cut => half(whole, stream::iter([Err(io::Error::other("cut"))]).boxed()),
        Fault::Status(status) => {
            let words = full(&json!({"message": "something is wrong"}).to_string());
            Response::builder().status(status).body(words).unwrap()
        }
        Fault::Says(status, words) => {
            Response::builder().status(status).body(full(&json!({"message": words}).to_string())).unwrap()
        }
        Fault::Garbage => Response::new(full("<html>bad gateway</html>")),
        Fault::Odd(value) => Response::new(full(&value.to_string())),
    })
}

/// A question without an answer yet.
struct Open(Arc<Mutex<State>>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.lock().unwrap().open -= 1;
    }
}

/// Another answer than the one wanted: status and words.
type No = (u16, &'static str);

const NONE: No = (404, "no such thing");

/// What a manager of a swarm answers. Source: moby `daemon/cluster/filters.go`.
fn swarm(path: &str, query: &str, state: &State) -> Result<Value, No> {
    let services = state.services.as_ref().ok_or((503, "This node is not a swarm manager."))?;
    let query = form(query);
    let filters: Value = query.get("filters").map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
    // Both forms: `["a"]` and `{"a": true}`, which a gate writes.
    let wanted = |key: &str| -> Option<Vec<String>> {
        match &filters[key] {
            Value::Array(values) => Some(values.iter().map(|it| it.as_str().unwrap().to_owned()).collect()),
            Value::Object(values) => Some(values.keys().cloned().collect()),
            _ => None,
        }
    };
    let passes = |key: &str, value: &Value| wanted(key).is_none_or(|them| them.iter().any(|it| value == it));
    Ok(match path {
        "/services" => services.values().filter(|it| passes("id", &it["ID"])).cloned().collect(),
        "/tasks" => {
            if wanted("service").is_some_and(|them| them.iter().any(|it| !services.contains_key(it))) {
                return Err((404, "service not found"));
            }
            let tasks = state.tasks.values().filter(|it| passes("service", &it["ServiceID"]));
            tasks.filter(|it| passes("desired-state", &it["DesiredState"])).cloned().collect()
        }
        _ => json!([{"ID": "node1", "Status": {"State": "ready", "Addr": "10.0.0.1"}}]),
    })
}

/// A query's pairs.
fn form(query: &str) -> BTreeMap<String, String> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            let hex = || String::from_utf8(vec![rest.next().unwrap(), rest.next().unwrap()]).unwrap();
            bytes.push(if byte == b'%' { u8::from_str_radix(&{ hex }(), 16).unwrap() } else { byte });
        }
        String::from_utf8(bytes).unwrap()
    };
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (plain(key), plain(value))).collect()
}

/// The answer of an engine that is well; `None`: there is no such thing.
fn whole(path: &str, state: &State) -> Option<Value> {
    Some(match path {
        "/version" => json!({
            "Version": "29.1.0", "ApiVersion": "1.52", "MinAPIVersion": "1.24", "Components": [{"Name": "Engine", "Version": "29.1.0"}],
        }),
        "/info" => {
            json!({"ServerVersion": "29.1.0", "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin"]})
        }
        "/_ping" => json!("OK"),
        "/networks" => Value::Array(state.networks.clone()),
        "/events" => Value::Null,
        "/containers/json" => {
            let listed = state.containers.iter().map(|(id, container)| {
                json!({
                    "Id": id, "Names": [container["Name"]], "Labels": container["Config"]["Labels"],
                    "State": container["State"]["Status"],
                    "HostConfig": {"NetworkMode": container["HostConfig"]["NetworkMode"]},
                    "NetworkSettings": {"Networks": container["NetworkSettings"]["Networks"]},
                })
            });
            Value::Array(listed.collect())
        }
        _ => {
            if let Some(id) = path.strip_prefix("/containers/").and_then(|rest| rest.strip_suffix("/json")) {
                let by_name =
                    || state.containers.values().find(|it| it["Name"] == format!("/{}", id.trim_start_matches('/')));
                return state.containers.get(id).or_else(by_name).cloned();
            }
            if path.starts_with("/nodes/") && state.services.is_some() {
                return Some(json!({"ID": "node1", "Status": {"State": "ready", "Addr": "10.0.0.1"}}));
            }
            path.starts_with("/images/").then(|| json!({"Id": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Config": {"Labels": {}}}))?
        }
    })
}

fn sound(path: &str, whole: Result<Value, No>, events: &broadcast::Sender<Option<Value>>) -> Response<Body> {
    if path == "/events" {
        let receiver = events.subscribe();
        let told = stream::unfold(receiver, |mut receiver| async move {
            let event = receiver.recv().await.unwrap()?;
            Some((Ok(Frame::data(bytes(&format!("{event}\n")))), receiver))
        });
        return Response::new(StreamBody::new(told).boxed_unsync());
    }
    let value = match whole {
        Ok(value) => value,
        Err((status, words)) => {
            let mut response = Response::new(full(&json!({ "message": words }).to_string()));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            return response;
        }
    };
    let mut response = Response::new(full(&value.to_string()));
    // The Go client takes the version to speak from here.
    for (name, value) in [("api-version", "1.52"), ("content-type", "application/json")] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Stands for bytes that are no UTF-8, half a surrogate pair: an engine passes on what a label holds.
const NO_UTF8: char = '\u{f8ff}';

fn bytes(text: &str) -> Bytes {
    let parts: Vec<&[u8]> = text.split(NO_UTF8).map(str::as_bytes).collect();
    Bytes::from(parts.join(&b"\xed\xa0\x80"[..]))
}

fn full(text: &str) -> Body {
    Full::new(bytes(text)).map_err(|never| match never {}).boxed_unsync()
}

/// Half of the answer, announced as the whole of it, and then what `rest` says.
fn half(whole: Result<Value, No>, rest: stream::BoxStream<'static, io::Result<Frame<Bytes>>>) -> Response<Body> {
    let text = whole.unwrap_or_default().to_string();
    let start = Bytes::from(text.as_bytes()[..text.len() / 2].to_vec());
    let body = stream::iter([Ok(Frame::data(start))]).chain(rest);
    Response::builder().header("content-length", text.len()).body(StreamBody::new(body).boxed_unsync()).unwrap()
}
