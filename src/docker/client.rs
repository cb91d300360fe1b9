//! What is asked of an engine, and nothing else: a dozen GETs.
//!
//! bollard agrees on the version; everything else is read as plain JSON, because its types are closed: one word that it
//! does not know would lose a whole list, and one label that is no UTF-8 the stream of events.

use std::collections::{BTreeMap, BTreeSet};

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use futures_util::{Stream, stream};
use hyper::{Method, header};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::connection::{Connection, Error, request};
use crate::inventory::{Attachment, Container, ContainerId, Door, Engine, Image, ImageId, Network, Volume};
use crate::source::facts::{self, Kept};

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
    pub(super) attachments: BTreeMap<String, Attachment>,
    /// Another one whenever the list says anything else of it.
    pub(super) fingerprint: [u8; 32],
}

/// Lists, of one moment or nearly.
#[derive(Debug)]
pub(super) struct Lists {
    /// All containers, running or not, if they were asked for.
    pub(super) containers: Option<BTreeMap<ContainerId, Listed>>,
    /// All networks. A swarm makes its networks known to a node without an event there.
    pub(super) networks: Vec<Network>,
    /// [`Engine::gwbridge_members`](crate::inventory::Engine::gwbridge_members).
    pub(super) gwbridge_members: Option<BTreeSet<String>>,
    /// Services, their tasks and the nodes, if they were asked for.
    pub(super) swarm: Option<[Vec<Value>; 3]>,
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
}

impl Client {
    /// Agrees with an engine on a version: the newest that both speak.
    pub(super) async fn connect(connection: Connection, kept: Kept) -> Result<Self, Error> {
        let transport = connection.clone();
        let docker = Docker::connect_with_custom_transport(
            move |request: BollardRequest| {
                let connection = transport.clone();
                async move { connection.send(request).await.map_err(other) }
            },
            Some("http://engine"),
            60,
            API_DEFAULT_VERSION,
        )
        .map_err(|problem| garbled(&problem))?;
        let response = connection.send(request(Method::GET, "/version")).await?;
        let clock = response
            .headers()
            .get(header::DATE)
            .and_then(|date| date.to_str().ok())
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_secs()).ok());
        let version = connection.read(response, "/version").await?;
        let docker = docker.negotiate_version().await.map_err(|problem| garbled(&problem))?;
        let spoken = docker.client_version();
        let prefix = format!("/v{}.{}", spoken.major_version, spoken.minor_version);
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

    /// The engine itself. A door that keeps `/info` back costs what only it tells.
    pub(super) async fn engine(&self) -> Result<Engine, Error> {
        let info = self.get_if_allowed("/info").await?;
        Ok(facts::engine(&self.version, &info))
    }

    /// Lists networks, containers if `with_containers`, and services if `with_swarm`; all at once.
    pub(super) async fn lists(&self, with_containers: bool, with_swarm: bool) -> Result<Lists, Error> {
        let containers = async { if with_containers { Ok(Some(self.containers().await?)) } else { Ok(None) } };
        let swarm = async { if with_swarm { Ok(Some(self.swarm().await?)) } else { Ok(None) } };
        let networks = async {
            let networks = self.networks().await?;
            let members = self.gwbridge_members(&networks).await;
            Ok((networks, members))
        };
        let (containers, (networks, gwbridge_members), swarm) = tokio::try_join!(containers, networks, swarm)?;
        Ok(Lists { containers, networks, gwbridge_members, swarm })
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

    /// An image. One that cannot be read says why: nobody can then tell who set a container's labels.
    pub(super) async fn image(&self, id: &ImageId) -> Image {
        match self.get(&format!("/images/{id}/json")).await {
            Ok(raw) => facts::image(&raw, self.kept),
            Err(problem) => Image { problem: Some(problem.to_string()), ..Image::default() },
        }
    }

    /// A volume. `None`: not to be read.
    pub(super) async fn volume(&self, name: &str) -> Option<Volume> {
        if !is_name(name) {
            return None;
        }
        let raw = self.get(&format!("/volumes/{name}")).await.ok()?;
        Some(facts::volume(&raw))
    }

    /// Services, their tasks and the nodes of a swarm.
    pub(super) async fn swarm(&self) -> Result<[Vec<Value>; 3], Error> {
        let services = self.list("/services", Some).await?;
        if services.is_empty() {
            return Ok([services, Vec::new(), Vec::new()]);
        }
        Ok([services, self.list("/tasks", Some).await?, self.list("/nodes", Some).await?])
    }

    /// Whether the engine still answers.
    pub(super) async fn ping(&self) -> Result<(), Error> {
        let response = self.connection.send(request(Method::GET, "/_ping")).await?;
        if response.status().is_server_error() {
            return Err(Error::Status { path: "/_ping".to_owned(), status: response.status(), message: String::new() });
        }
        Ok(())
    }

    /// What happens from `since` on (the engine's clock), as it happens. It ends when the engine ends it.
    pub(super) fn events(
        &self,
        since: Option<i64>,
        swarm: bool,
    ) -> impl Future<Output = Result<impl Stream<Item = Result<Event, Error>> + Send + use<>, Error>> + Send + use<>
    {
        // `{"type":["container","network"]}`, escaped.
        let types = if swarm { "%22,%22service%22,%22node%22" } else { "%22" };
        let since = since.map(|since| format!("since={since}&")).unwrap_or_default();
        let filters = format!("%7B%22type%22:%5B%22container%22,%22network{types}%5D%7D");
        let path = format!("{}/events?{since}filters={filters}", self.prefix);
        let connection = self.connection.clone();
        async move {
            let lines = connection.lines(&path).await?;
            Ok(stream::unfold(lines, |mut lines| async {
                lines.next().await.map(|line| (line.map(|line| event(&line)), lines))
            }))
        }
    }

    /// Tests the door that leads to the engine, with requests that can name nothing and change nothing: whatever is not
    /// refused on the way reached the engine.
    pub(super) async fn door(&self) -> Option<Door> {
        let canaries =
            [(Method::OPTIONS, "/info"), (Method::GET, "/debug/vars"), (Method::GET, "/containers/-/export")];
        let mut passed = 0;
        for (method, path) in canaries.clone() {
            // Only the head of the answer is read.
            let status = self.connection.send(request(method, path)).await.ok()?.status();
            passed += usize::from(!matches!(status.as_u16(), 401 | 403 | 405 | 501));
        }
        Some(match passed {
            0 => Door::Filtered,
            all if all == canaries.len() => Door::Bare,
            _ => Door::Wide,
        })
    }
}

/// What a line of the event stream says.
fn event(line: &Value) -> Event {
    let text = |path: &[&str]| facts::text(line, path);
    let kind = text(&["Type"]);
    let container = (kind == "network").then(|| text(&["Actor", "Attributes", "container"]));
    let container = container.filter(|id| !id.is_empty());
    Event { kind, action: text(&["Action"]), id: text(&["Actor", "ID"]), container }
}

/// Of all that the list says of a container, but for how long it has been so: `Up 5 minutes (healthy)`.
fn fingerprint(mut listed: Value) -> [u8; 32] {
    if let Some(status) = listed.get_mut("Status") {
        let aside = status.as_str().and_then(|words| words.split_once('(')?.1.split_once(')'));
        *status = aside.map(|(words, _)| words).unwrap_or_default().into();
    }
    Sha256::digest(listed.to_string()).into()
}

/// Whether a word from the engine can stand in a path: names and ids, of letters, digits and a few signs.
fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= 255
        && word.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && word.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-'))
}

fn other(problem: Error) -> bollard::errors::Error {
    bollard::errors::Error::from(std::io::Error::other(problem))
}

fn garbled(problem: &bollard::errors::Error) -> Error {
    Error::Garbled { path: "/version".to_owned(), why: problem.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
