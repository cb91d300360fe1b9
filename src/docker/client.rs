//! What is asked of an engine, and nothing else: a dozen GETs.
//!
//! bollard asks `/version` and `/_ping`, where nothing in the answer is anybody's but the engine's. Everything else is read
//! as plain JSON, for its types and its way of reading are closed. One word that it does not know fails a whole list or
//! inspection: a container's state, a network's or volume's scope, the cgroup driver of `/info`; so does a time that is no
//! time in an image or a volume. A volume needs its mount point, which a gate does not tell; `/info` has no
//! `BridgeNfIptables`, which a rule needs; and of an image, as of all others, it drops the field in which a gate says what
//! it left out, so that labels too large to read would pass for none, and their copies for the operator's. Whole bodies are
//! read however long they are, a list not object by object, and one label that is no UTF-8 ends the stream of events. At
//! last, its requests name no version of the API, so a newer engine would answer in words that nobody here knows.

use std::collections::{BTreeMap, BTreeSet};

use bollard::{API_DEFAULT_VERSION, ClientVersion};
use futures_util::{Stream, stream};
use hyper::{Method, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::connection::{Connection, Error, garbled};
use crate::inventory::{Attachments, Container, ContainerId, Engine, Image, Network, SocketAccess, Variant, Volume};
use crate::net::percent::encoded;
use crate::source::facts::{self, Kept};
use crate::source::is_name;
use crate::source::swarm::{Service, Task, Which};

/// An engine that answered, and the version of the API that it is asked in.
#[derive(Clone, Debug)]
pub(super) struct Client {
    connection: Connection,
    /// `/v1.41`.
    prefix: String,
    /// The engine's clock when it answered, in seconds since 1970; `None` if it did not say.
    pub(super) clock: Option<i64>,
    version: Value,
    kept: Kept,
}

/// What the list of all containers says of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its name.
    pub(super) name: String,
    /// Its labels.
    pub(super) labels: BTreeMap<String, String>,
    /// Its state.
    pub(super) state: String,
    /// `HostConfig.NetworkMode`.
    pub(super) network_mode: String,
    /// The networks that it is on.
    pub(super) attachments: Attachments,
    /// Another one whenever the list says anything else of it.
    pub(super) fingerprint: [u8; 32],
}

/// What is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// All containers, running or not.
    pub(super) containers: bool,
    /// All networks, and who has a hidden leg.
    pub(super) networks: bool,
    /// Swarm services.
    pub(super) services: Which,
    /// Their tasks that shall run.
    pub(super) tasks: Which,
    /// And those that shall not any more: their containers may still run.
    pub(super) ended_tasks: bool,
    /// The nodes of a swarm.
    pub(super) nodes: bool,
}

impl Wanted {
    /// Everything; of a swarm if `with_swarm`.
    pub(super) fn everything(with_swarm: bool) -> Self {
        let which = || if with_swarm { Which::All } else { Which::Nothing };
        Self {
            containers: true,
            networks: true,
            services: which(),
            tasks: which(),
            ended_tasks: false,
            nodes: with_swarm,
        }
    }

    /// This too.
    pub(super) fn join(&mut self, other: Self) {
        let Self { containers, networks, services, tasks, ended_tasks, nodes } = other;
        self.containers |= containers;
        self.networks |= networks;
        self.services.join(services);
        self.tasks.join(tasks);
        self.ended_tasks |= ended_tasks;
        self.nodes |= nodes;
    }

    /// Whether there is nothing to list.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Lists, of one moment or nearly; each if it was asked for.
#[derive(Debug)]
pub(super) struct Lists {
    /// All containers, running or not.
    pub(super) containers: Option<BTreeMap<ContainerId, Listed>>,
    /// All networks, and [`Engine::gwbridge_members`](crate::inventory::Engine::gwbridge_members).
    pub(super) networks: Option<(Vec<Network>, Option<BTreeSet<String>>)>,
    /// Swarm services.
    pub(super) services: Vec<Service>,
    /// Tasks.
    pub(super) tasks: Vec<Task>,
    /// The nodes of a swarm.
    pub(super) nodes: Option<Vec<Value>>,
}

/// Something happened, somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// `container`, `network`, `service`, `node`.
    pub(super) kind: String,
    /// `start`, `connect`, `health_status: healthy`, ….
    pub(super) action: String,
    /// The id of what it happened to.
    pub(super) id: String,
    /// For a network's `connect` and `disconnect`: the container's id.
    pub(super) container: Option<String>,
    /// It is of a network that an engine makes when it joins a swarm.
    pub(super) is_of_swarm: bool,
}

impl Client {
    /// Agrees with an engine on a version: the newest that both speak.
    pub(super) async fn connect(connection: Connection, kept: Kept) -> Result<Self, Error> {
        const PATH: &str = "/version";
        let (version, headers) =
            Box::pin(connection.by_bollard(PATH, |docker| async move { docker.version().await })).await?;
        let clock = headers
            .get(header::DATE)
            .and_then(|date| date.to_str().ok())
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_secs()).ok());
        let theirs = version.api_version.as_deref().and_then(api_version);
        let theirs = theirs.ok_or_else(|| garbled(PATH, "its `ApiVersion` is none".to_owned()))?;
        let prefix =
            if theirs < *API_DEFAULT_VERSION { format!("/v{theirs}") } else { format!("/v{API_DEFAULT_VERSION}") };
        let version = serde_json::to_value(version).map_err(|problem| garbled(PATH, problem.to_string()))?;
        Ok(Self { connection, prefix, clock, version, kept })
    }

    async fn get(&self, path: &str) -> Result<Value, Error> {
        // Boxed: a request's state is large, and many are under way.
        Box::pin(self.connection.json(&format!("{}{path}", self.prefix))).await
    }

    /// As `get`; null where whoever answers does not let the question through.
    async fn get_if_allowed(&self, path: &str) -> Result<Value, Error> {
        match self.get(path).await {
            Err(problem) if problem.is_forbidden() || problem.is_not_found() => Ok(Value::Null),
            answer => answer,
        }
    }

    /// The items of a list, as far as they are wanted: each is dropped before the next one is read.
    async fn list<T>(&self, path: &str, wanted: impl Fn(Value) -> Option<T> + Send) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        let each = |item| items.extend(wanted(item));
        Box::pin(self.connection.items(&format!("{}{path}", self.prefix), each)).await?;
        Ok(items)
    }

    /// The engine itself. A filter that keeps `/info` back costs what only it tells.
    pub(super) async fn engine(&self) -> Result<Engine, Error> {
        let info = self.get_if_allowed("/info").await?;
        Ok(facts::engine(&self.version, &info))
    }

    /// Lists what is wanted, all at once.
    pub(super) async fn lists(&self, wanted: &Wanted) -> Result<Lists, Error> {
        let containers = async { if wanted.containers { Ok(Some(self.containers().await?)) } else { Ok(None) } };
        let networks = async {
            if !wanted.networks {
                return Ok(None);
            }
            let networks = self.networks().await?;
            let members = self.gwbridge_members(&networks).await;
            Ok(Some((networks, members)))
        };
        let nodes = async { if wanted.nodes { Ok(Some(self.list("/nodes", Some).await?)) } else { Ok(None) } };
        let (services, tasks) = (self.services(&wanted.services), self.tasks(&wanted.tasks, wanted.ended_tasks));
        let (containers, networks, services, tasks, nodes) =
            tokio::try_join!(containers, networks, services, tasks, nodes)?;
        Ok(Lists { containers, networks, services, tasks, nodes })
    }

    /// The ids of all containers, running or not, with what the list says of each.
    async fn containers(&self) -> Result<BTreeMap<ContainerId, Listed>, Error> {
        let listed = self.list("/containers/json?all=1", |raw| {
            let id = facts::text(&raw, &["Id"]);
            let name = facts::items(&raw, &["Names"]).find_map(Value::as_str).unwrap_or_default();
            let name = name.strip_prefix('/').unwrap_or(name).to_owned();
            let labels = facts::labels(&raw, &["Labels"], self.kept);
            is_name(&id).then(|| {
                let state = facts::text(&raw, &["State"]);
                let network_mode = facts::text(&raw, &["HostConfig", "NetworkMode"]);
                let attachments = facts::attachments(&raw, &mut None);
                let fingerprint = fingerprint(raw);
                (id.into(), Listed { name, labels, state, network_mode, attachments, fingerprint })
            })
        });
        Ok(listed.await?.into_iter().collect())
    }

    /// One container. `Ok(None)`: there is none of this id.
    pub(super) async fn container(&self, id: &ContainerId) -> Result<Option<Container>, Error> {
        if !is_name(id.as_str()) {
            return Ok(None);
        }
        let path = format!("/containers/{id}/json");
        match self.get(&path).await {
            Ok(raw) => match facts::bounded(&raw, self.kept, self.connection.object_bytes()) {
                // An event may name it by the beginning of its id.
                Ok(Some(container)) if container.id.as_str().starts_with(id.as_str()) => Ok(Some(container)),
                Ok(Some(_)) => Err(Error::Garbled { path, why: "it is another container's".to_owned() }),
                Ok(None) => Err(Error::Garbled { path, why: "it holds no container".to_owned() }),
                Err(what) => Err(Error::TooLarge { path, what }),
            },
            Err(problem) if problem.is_not_found() => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// All networks.
    async fn networks(&self) -> Result<Vec<Network>, Error> {
        self.list("/networks", |raw| facts::network(&raw)).await
    }

    /// The ids of those with a leg on the bridge that gives swarm containers their way out, where endpoints are called
    /// `gateway_<sandbox>` and listed under the container's id. `None`: not to be read.
    async fn gwbridge_members(&self, networks: &[Network]) -> Option<BTreeSet<String>> {
        let bridges = networks.iter().filter(|network| network.name == "docker_gwbridge");
        let Some(network) = bridges.min_by_key(|network| &network.id) else { return Some(BTreeSet::new()) };
        let raw = self.get(&format!("/networks/{}", network.id)).await.ok()?;
        facts::at(&raw, &["Containers"]).as_object().map(|members| members.keys().cloned().collect())
    }

    /// The image of a container. One that cannot be read says why: nobody can then tell who set the container's labels.
    pub(super) async fn image(&self, container: &Container) -> Image {
        let (variant, query) = match &container.variant {
            Variant::Of { manifest, platform } if !platform.os.is_empty() => {
                let platform = json!(platform).to_string();
                (Some(manifest), format!("?platform={}", encoded(&platform)))
            }
            _ => (None, String::new()),
        };
        match self.get(&format!("/images/{}/json{query}", container.image_id)).await {
            // An engine of API 1.48 does not read the platform, and describes the whole; so does a filter that drops it.
            Ok(raw) => facts::image(&raw, variant, self.kept),
            Err(problem) => Image { problem: Some(problem.to_string()), ..Image::default() },
        }
    }

    /// A volume. `None`: whoever answers tells nothing of it. Any other failure may be the volume's own doing: whoever makes
    /// one chooses how long its description is.
    pub(super) async fn volume(&self, name: &str) -> Option<Volume> {
        if !is_name(name) {
            return None;
        }
        match self.get(&format!("/volumes/{name}")).await {
            Ok(raw) => Some(facts::volume(&raw)),
            Err(problem) if problem.is_not_found() || problem.is_forbidden() => None,
            Err(_) => Some(Volume { kind: Volume::UNREAD.to_owned(), ..Volume::default() }),
        }
    }

    /// Swarm services. Source: moby `daemon/cluster/filters.go`: of ids, beginnings suffice.
    async fn services(&self, which: &Which) -> Result<Vec<Service>, Error> {
        let filters = match which {
            Which::Nothing => return Ok(Vec::new()),
            Which::All => json!({}),
            Which::These(ids) => json!({ "id": ids }),
        };
        self.list(&filtered("/services", &filters), |raw| Service::read(&raw)).await
    }

    /// Tasks that shall run; those that shall not any more too if `with_ended`.
    async fn tasks(&self, which: &Which, with_ended: bool) -> Result<Vec<Task>, Error> {
        let mut filters = serde_json::Map::new();
        if !with_ended {
            filters.insert("desired-state".to_owned(), json!(["running"]));
        }
        let list =
            async |filters| self.list(&filtered("/tasks", &Value::Object(filters)), |raw| Task::read(&raw)).await;
        match which {
            Which::Nothing => return Ok(Vec::new()),
            Which::All => {}
            Which::These(ids) => {
                let (ids, mut tasks): (Vec<&String>, _) = (ids.iter().collect(), Vec::new());
                for some in ids.chunks(Which::MOST) {
                    let mut of_some = filters.clone();
                    of_some.insert("service".to_owned(), json!(some));
                    match list(of_some).await {
                        // One of the services is gone.
                        Err(problem) if problem.is_not_found() => return list(filters).await,
                        answer => tasks.extend(answer?),
                    }
                }
                return Ok(tasks);
            }
        }
        list(filters).await
    }

    /// Asks a manager of a swarm what only such a one answers; for nothing.
    pub(super) async fn manages(&self) -> Result<(), Error> {
        self.list(&filtered("/services", &json!({ "id": ["-"] })), |_| None::<()>).await.map(drop)
    }

    /// Whether the engine still answers. Also a no is an answer.
    pub(super) async fn ping(&self) -> Result<(), Error> {
        match Box::pin(self.connection.by_bollard("/_ping", |docker| async move { docker.ping().await })).await {
            Err(Error::Status { status, .. }) if !status.is_server_error() => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// What happens from `since` on (the engine's clock), as it happens. It ends when the engine ends it.
    pub(super) fn events(
        &self,
        since: Option<i64>,
        swarm: bool,
    ) -> impl Future<Output = Result<impl Stream<Item = Result<Event, Error>> + Send + use<>, Error>> + Send + use<>
    {
        let types: &[&str] =
            if swarm { &["container", "network", "service", "node"] } else { &["container", "network"] };
        let filters = json!({ "type": types }).to_string();
        let since = since.map(|since| format!("since={since}&")).unwrap_or_default();
        let path = format!("{}/events?{since}filters={}", self.prefix, encoded(&filters));
        let connection = self.connection.clone();
        async move {
            let lines = connection.lines(&path).await?;
            Ok(stream::unfold(lines, |mut lines| async {
                lines.next().await.map(|line| (line.map(|line| event(&line)), lines))
            }))
        }
    }

    /// Tests how much of the engine can be reached, with requests that can name nothing and change nothing: whatever is not
    /// refused on the way reached the engine.
    pub(super) async fn socket_access(&self) -> Option<SocketAccess> {
        let canaries =
            [(Method::OPTIONS, "/info"), (Method::GET, "/debug/vars"), (Method::GET, "/containers/-/export")];
        // Podman itself has no such method: whether that answer is its own or a filter's cannot be told.
        let is_podman = facts::engine(&self.version, &Value::Null).product.contains("Podman");
        let (mut passed, mut refused) = (0, 0);
        for (method, path) in canaries {
            // Only the head of the answer is read.
            match self.connection.ask(method, path).await.ok()?.status().as_u16() {
                405 if is_podman => {}
                401 | 403 | 405 | 501 => refused += 1,
                _ => passed += 1,
            }
        }
        Some(match (passed, refused) {
            (0, _) => SocketAccess::Filtered,
            (_, 0) => SocketAccess::Bare,
            _ => SocketAccess::Wide,
        })
    }
}

/// A list's path with filters.
fn filtered(path: &str, filters: &Value) -> String {
    match filters.as_object() {
        Some(filters) if filters.is_empty() => path.to_owned(),
        _ => format!("{path}?filters={}", encoded(&filters.to_string())),
    }
}

/// What a line of the event stream says.
fn event(line: &Value) -> Event {
    let text = |path: &[&str]| facts::text(line, path);
    let kind = text(&["Type"]);
    let container = (kind == "network").then(|| text(&["Actor", "Attributes", "container"]));
    let container = container.filter(|id| !id.is_empty());
    let name = text(&["Actor", "Attributes", "name"]);
    let is_of_swarm = kind == "network" && matches!(name.as_str(), "ingress" | "docker_gwbridge");
    Event { kind, action: text(&["Action"]), id: text(&["Actor", "ID"]), container, is_of_swarm }
}

/// Of all that the list says of a container, but for how long it has been so: `Up 5 minutes (healthy)`.
fn fingerprint(mut listed: Value) -> [u8; 32] {
    if let Some(status) = listed.get_mut("Status") {
        let aside = status.as_str().and_then(|words| words.split_once('(')?.1.split_once(')'));
        *status = aside.map(|(words, _)| words).unwrap_or_default().into();
    }
    Sha256::digest(listed.to_string()).into()
}

/// `1.41`.
fn api_version(text: &str) -> Option<ClientVersion> {
    let (major, minor) = text.split_once('.')?;
    Some(ClientVersion { major_version: major.parse().ok()?, minor_version: minor.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;
    use crate::docker::{Certificates, Endpoint};

    /// Connects to an engine that answers `/version` with this, for ever. Gives the paths that were asked for, too.
    async fn connect(answer: &str) -> (Result<Client, Error>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let mut asked = Vec::new();
        let serving = async {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 1024];
                let length = stream.read(&mut head).await.unwrap();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                asked.push(head.lines().next().unwrap_or_default().to_owned());
                drop(stream.write_all(answer.as_bytes()).await);
            }
        };
        let connection = Connection::to(&Endpoint::Unix(socket), &Certificates::default(), 1 << 20).unwrap().unwrap();
        let client = tokio::select! {
            client = Client::connect(connection, Kept::All) => client,
            () = serving => unreachable!("it serves for ever"),
        };
        (client, asked)
    }

    fn answer(body: &Value) -> String {
        let body = body.to_string();
        let date = "Thu, 01 Jan 1970 00:01:00 GMT";
        format!("HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn the_version_is_asked_for_once_and_the_newest_that_both_speak_is_spoken() {
        // Many times: whether an answer comes in one piece is up to chance.
        let versions = [("1.41", "/v1.41".to_owned()), ("1.999", format!("/v{API_DEFAULT_VERSION}"))];
        for (theirs, spoken) in versions.into_iter().cycle().take(200) {
            let said =
                json!({"Version": "x", "ApiVersion": theirs, "Components": [{"Name": "Engine", "Version": "x"}]});
            let (client, asked) = connect(&answer(&said)).await;
            let client = client.unwrap();
            assert_eq!(
                (client.prefix, client.clock, asked),
                (spoken, Some(60), vec!["GET /version HTTP/1.1".to_owned()])
            );
            assert_eq!(facts::engine(&client.version, &Value::Null).product, "Engine");
        }
    }

    #[tokio::test]
    async fn a_version_that_is_none_is_told_as_such() {
        let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n{}", " ".repeat(9_999_999));
        let no = "HTTP/1.1 500 Oops\r\ncontent-length: 18\r\n\r\n{\"message\":\"busy\"}".to_owned();
        for (answer, words) in [
            (answer(&json!({})), "its `ApiVersion` is none"),
            (answer(&json!({"ApiVersion": "new"})), "its `ApiVersion` is none"),
            (answer(&json!([])), "the engine's answer to /version cannot be read: "),
            (endless, "the engine's answer to /version cannot be read: "),
            (no, "the engine answers 500 Internal Server Error to /version: busy"),
        ] {
            let problem = connect(&answer).await.0.unwrap_err().to_string();
            assert!(problem.contains(words), "{problem}");
        }
    }

    /// What is found where the test requests are answered with these: what must not exist, what the engine
    /// has for debugging, what reads files.
    async fn socket_access(product: &str, answers: [u16; 3]) -> Option<SocketAccess> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let serving = async {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 1024];
                let length = stream.read(&mut head).await.unwrap();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let answer = match head.split(' ').nth(1).unwrap() {
                    "/version" => {
                        answer(&json!({"ApiVersion": "1.44", "Components": [{"Name": product, "Version": "1"}]}))
                    }
                    "/info" => format!("HTTP/1.1 {} X\r\ncontent-length: 0\r\n\r\n", answers[0]),
                    "/debug/vars" => format!("HTTP/1.1 {} X\r\ncontent-length: 0\r\n\r\n", answers[1]),
                    _ => format!("HTTP/1.1 {} X\r\ncontent-length: 0\r\n\r\n", answers[2]),
                };
                drop(stream.write_all(answer.as_bytes()).await);
            }
        };
        let connection = Connection::to(&Endpoint::Unix(socket), &Certificates::default(), 1 << 20).unwrap().unwrap();
        let asking = async { Client::connect(connection, Kept::All).await.unwrap().socket_access().await };
        tokio::select! {
            access = asking => access,
            () = serving => unreachable!("it serves for ever"),
        }
    }

    /// A gate lets through 64 values in the filters of one question; above that the watch would begin anew each second.
    #[tokio::test]
    async fn of_many_services_some_at_a_time_are_asked_for_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let mut named = Vec::new();
        let serving = async {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 4096];
                let length = stream.read(&mut head).await.unwrap();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let said = if head.contains("/tasks") {
                    named.push(head.matches("%22x").count());
                    json!([])
                } else {
                    json!({"ApiVersion": "1.44"})
                };
                drop(stream.write_all(answer(&said).as_bytes()).await);
            }
        };
        let connection = Connection::to(&Endpoint::Unix(socket), &Certificates::default(), 1 << 20).unwrap().unwrap();
        let asking = async {
            let client = Client::connect(connection, Kept::All).await.unwrap();
            client.tasks(&Which::These((0..100).map(|at| format!("x{at}")).collect()), false).await.unwrap();
        };
        tokio::select! {
            () = asking => {}
            () = serving => unreachable!("it serves for ever"),
        }
        assert_eq!(named, [32, 32, 32, 4]);
    }

    #[tokio::test]
    async fn a_bare_socket_of_podmans_is_no_filter() {
        for (product, answers, wanted) in [
            ("Engine", [404, 200, 404], SocketAccess::Bare),
            ("Engine", [405, 200, 404], SocketAccess::Wide),
            ("Engine", [405, 403, 403], SocketAccess::Filtered),
            // It has no OPTIONS itself.
            ("Podman Engine", [405, 404, 404], SocketAccess::Bare),
            ("Podman Engine", [405, 403, 404], SocketAccess::Wide),
            ("Podman Engine", [403, 404, 404], SocketAccess::Wide),
            ("Podman Engine", [405, 403, 403], SocketAccess::Filtered),
        ] {
            assert_eq!(socket_access(product, answers).await, Some(wanted), "{product} {answers:?}");
        }
    }

    #[test]
    fn every_version_of_the_api_tells_the_same_of_one_container() {
        let vectors: Value = serde_json::from_str(include_str!("../../tests/vectors/engine_answers.json")).unwrap();
        let answers = vectors["answers"].as_object().unwrap();
        assert_eq!(answers.keys().collect::<Vec<_>>(), ["1.40", "1.44", "1.51", "1.52", "1.55"]);
        let newest = facts::container(&answers["1.55"]["container"]).unwrap();
        for (version, answer) in answers {
            // Before 1.48 the engine names no variant, and the store is told by its snapshotter.
            let container = facts::container(&answer["container"]).unwrap();
            let names_variant = version.as_str() >= "1.48";
            assert_eq!(matches!(container.variant, Variant::Of { .. }), names_variant, "{version}");
            assert_eq!(container.variant == Variant::Unknown, !names_variant, "{version}");
            assert_eq!(Container { variant: newest.variant.clone(), ..container.clone() }, newest, "{version}");
            assert_eq!(container.labels.len(), 2, "{version}");
            assert!(container.attachments["net-proxy"].ipv4.is_some(), "{version}");

            // An image without labels has none, whether the field is there or not.
            let manifest = container.image_key().filter(|_| names_variant);
            let image = facts::image(&answer["image"], manifest, Kept::All);
            assert_eq!(image, Image::default(), "{version}");

            let network = facts::network(&answer["networks"][0]).unwrap();
            assert!(network.internal && network.driver == "bridge" && !network.gateways.is_empty(), "{version}");
            let engine = facts::engine(&json!({"ApiVersion": version}), &answer["info"]);
            assert!(engine.keeps_variants && engine.security_options.is_some(), "{version}");

            let told = event(&answer["event"]);
            let id = container.id.to_string();
            let wanted =
                Event { kind: "container".into(), action: "start".into(), id, container: None, is_of_swarm: false };
            assert_eq!(told, wanted, "{version}");
            // Whatever tells of its health.
            let mut ill = answer["list"][0].clone();
            for text in ["Status", "State"] {
                ill[text] = ill[text].as_str().unwrap().replace("(healthy)", "(unhealthy)").into();
            }
            assert_ne!(fingerprint(ill), fingerprint(answer["list"][0].clone()), "{version}");
        }
    }

    #[test]
    fn time_alone_does_not_change_what_the_list_says() {
        let listed = |state: &str, status: &str| fingerprint(json!({"Id": "a", "State": state, "Status": status}));
        assert_eq!(listed("running", "Up 1 second"), listed("running", "Up 3 days"));
        assert_eq!(listed("running", "Up 1 second (healthy)"), listed("running", "Up 3 days (healthy)"));
        assert_eq!(listed("exited", "Exited (0) 5 seconds ago"), listed("exited", "Exited (0) 3 days ago"));
        assert_ne!(listed("running", "Up 3 days (healthy)"), listed("running", "Up 3 days (unhealthy)"));
        assert_ne!(listed("running", "Up 3 days"), listed("paused", "Up 3 days"));
    }
}
