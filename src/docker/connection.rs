//! What is asked of an engine: each question on a connection of its own, with bounds on time and size.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{future, io};

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{self, Instant};

use super::calls::Calls;
use super::endpoint::Endpoint;
use super::repeat::Answered;
use crate::net::client::{self, Answer, Target, chain};
use crate::net::pem;
use crate::source::facts::TooLarge;
use crate::source::pieces::{Piece, Pieces};

/// To connect, and from a request to the head of its answer.
const HEAD: Duration = Duration::from_secs(10);
/// The same for a list, which a gate answers only once it has rebuilt all of it: more than the gate's own `--engine-timeout`.
const LIST_HEAD: Duration = Duration::from_secs(35);
/// A question that has had no answer for so long is asked again, if newer ones are answered …
const USUAL: Duration = Duration::from_secs(1);
/// … and a list, if it took less than a quarter of it the last time.
const LIST_USUAL: Duration = Duration::from_secs(2);
/// For the whole body of an answer.
const BODY: Duration = Duration::from_mins(1);
/// The most bytes of an answer that bollard reads: a thousand times what `/_ping` has, a hundred times `/version`.
const SHORT: u64 = 256 << 10;
/// The longest words of an engine that says no.
const LONGEST_WORDS: usize = 16 << 10;

/// One object of so many bytes is a large one …
const LARGE: usize = 64 << 10;
/// … of which only so many are read at the same time. The others wait.
const LARGE_AT_ONCE: usize = 4;

/// Files with which Leeward and an engine recognise each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates {
    /// The authorities that the engine's certificate must come from, PEM.
    pub ca: Option<PathBuf>,
    /// Leeward's own certificate and key, PEM.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nobody.
    #[error("cannot connect to the engine at {at}: {cause}")]
    Connect {
        /// As the operator wrote it.
        at: String,
        /// What the system says.
        cause: io::Error,
    },
    /// Certificates cannot be used.
    #[error("{0}")]
    Certificates(String),
    /// The engine says no.
    #[error("the engine answers {status} to {path}{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
    Status {
        /// What was asked.
        path: String,
        /// The answer's status.
        status: StatusCode,
        /// Its first words.
        message: String,
    },
    /// It takes too long.
    #[error("the engine does not answer {path} within {limit:.0?}")]
    TooSlow {
        /// What was asked.
        path: String,
        /// How long we waited.
        limit: Duration,
    },
    /// An object is too large; what it is, and what was read of it.
    #[error("the engine's answer to {path} cannot be read: {what}")]
    TooLarge {
        /// What was asked.
        path: String,
        /// What is too large.
        what: TooLarge,
    },
    /// The answer is cut off, too long, or no JSON.
    #[error("the engine's answer to {path} cannot be read: {why}")]
    Garbled {
        /// What was asked.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    /// Whether the engine says that there is no such thing.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { status: StatusCode::NOT_FOUND, .. })
    }

    /// Whether the engine says that it manages no swarm. Source: moby `daemon/cluster/errors.go`.
    pub(super) fn is_no_manager(&self) -> bool {
        matches!(self, Self::Status { status: StatusCode::SERVICE_UNAVAILABLE, message, .. }
            if message.to_ascii_lowercase().contains("not a swarm manager"))
    }

    /// Whether whoever answers has too much to do for others.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Status { status: StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, .. })
    }

    /// Whether whoever answers does not let this question through.
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED | StatusCode::METHOD_NOT_ALLOWED,
                ..
            }
        )
    }
}

/// How to reach an engine. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    target: Arc<Target>,
    /// The most of one object that is read.
    object_bytes: usize,
    /// Turns to read large ones.
    large: Arc<Semaphore>,
    answered: Arc<Answered>,
    calls: Arc<Calls>,
    /// How long the last list took to begin; nothing is known before the first.
    list: Arc<Mutex<Option<Duration>>>,
}

impl Connection {
    /// Prepares to reach an engine; connects to nothing. `None` for an endpoint that is no engine.
    /// Of one object, as a container, at most `object_bytes` are read: see [`pieces`](crate::source::pieces).
    pub(super) fn to(
        endpoint: &Endpoint,
        certificates: &Certificates,
        object_bytes: usize,
    ) -> Result<Option<Self>, Error> {
        let target = match endpoint {
            Endpoint::Unix(path) => Target::Unix(path.clone()),
            Endpoint::Tcp { address } => Target::Tcp(address.clone()),
            Endpoint::Tls { host, address } => Target::Tls {
                address: address.clone(),
                name: ServerName::try_from(host.clone())
                    .map_err(|_| Error::Certificates(format!("`{host}` is not a name that a certificate can hold")))?,
                config: Arc::new(tls(certificates)?),
            },
            Endpoint::File(_) | Endpoint::Demo => return Ok(None),
        };
        let large = Arc::new(Semaphore::new(LARGE_AT_ONCE));
        Ok(Some(Self {
            target: Arc::new(target),
            object_bytes,
            large,
            answered: Arc::default(),
            calls: Arc::default(),
            list: Arc::default(),
        }))
    }

    /// The same, with its questions counted there.
    pub(super) fn counted_by(self, calls: Arc<Calls>) -> Self {
        Self { calls, ..self }
    }

    /// The most of one object that is read.
    pub(super) fn object_bytes(&self) -> usize {
        self.object_bytes
    }

    /// Asks, without a body, and waits for the head of the answer.
    pub(super) async fn ask(&self, method: Method, path: &str) -> Result<Answer, Error> {
        self.ask_for(u64::MAX, &method, path, HEAD, USUAL).await
    }

    /// Errors: none within `limit`. `usual`: how long an answer takes at most, where the engine is well.
    async fn ask_for(
        &self,
        most: u64,
        method: &Method,
        path: &str,
        limit: Duration,
        usual: Duration,
    ) -> Result<Answer, Error> {
        let ping = || self.once(SHORT, &Method::GET, "/_ping", limit);
        let asking = self.answered.ask(usual, || self.once(most, method, path, limit), ping);
        let slow = |_| Error::TooSlow { path: path.to_owned(), limit };
        let answer = time::timeout(limit, asking).await.map_err(slow).flatten();
        self.calls.count(path, answer.as_ref().map(Answer::status));
        answer
    }

    async fn once(&self, most: u64, method: &Method, path: &str, limit: Duration) -> Result<Answer, Error> {
        // An engine takes any host, but wants one.
        let request = client::request(method, "engine", path).map_err(|problem| garbled(path, problem.to_string()))?;
        client::ask(&self.target, request, limit, most).await.map_err(|problem| self.error(problem, path))
    }

    /// Lets bollard ask one question. Gives its answer and the headers that came with it.
    ///
    /// bollard reads whole bodies, whatever their size, so the connection bounds them; and whoever asks drives it.
    pub(super) async fn by_bollard<T, F>(
        &self,
        path: &str,
        ask: impl FnOnce(Docker) -> F,
    ) -> Result<(T, HeaderMap), Error>
    where
        F: Future<Output = Result<T, bollard::errors::Error>>,
    {
        let (give, mut take) = mpsc::unbounded_channel();
        let connection = self.clone();
        let transport = move |request: BollardRequest| {
            let (connection, give) = (connection.clone(), give.clone());
            async move {
                // All that is asked here is a path.
                let path = request.uri().path();
                let answer =
                    connection.ask_for(SHORT, request.method(), path, HEAD, USUAL).await.map_err(io::Error::other)?;
                let (response, driver) = answer.into_parts();
                // Nobody takes it where nobody waits for the answer any more.
                drop(give.send((response.headers().clone(), driver)));
                Ok(response)
            }
        };
        let docker = Docker::connect_with_custom_transport(
            transport,
            Some("http://engine"),
            BODY.as_secs(),
            API_DEFAULT_VERSION,
        )
        .map_err(|problem| of_bollard(problem, path))?;
        let mut headers = HeaderMap::new();
        let driving = async {
            while let Some((its, driver)) = take.recv().await {
                headers = its;
                if let Some(driver) = driver {
                    driver.await;
                }
            }
            future::pending().await
        };
        let asking = async {
            tokio::select! { answer = ask(docker) => answer, never = driving => never }
        };
        let slow = |_| Error::TooSlow { path: path.to_owned(), limit: BODY };
        let answer = time::timeout(BODY, asking).await.map_err(slow)?;
        // What came all at once was read before anybody drove the connection.
        if let Ok((its, _)) = take.try_recv() {
            headers = its;
        }
        answer.map(|answer| (answer, headers)).map_err(|problem| of_bollard(problem, path))
    }

    fn error(&self, problem: client::Error, path: &str) -> Error {
        match problem {
            client::Error::Connect(cause) => Error::Connect {
                at: match &*self.target {
                    Target::Unix(socket) => format!("unix://{}", socket.display()),
                    Target::Tcp(address) => format!("tcp://{address}"),
                    Target::Tls { address, name: _, config: _ } => format!("https://{address}"),
                },
                cause,
            },
            client::Error::Slow(limit) => Error::TooSlow { path: path.to_owned(), limit },
            client::Error::Broken(problem) => garbled(path, chain(&problem)),
            problem @ client::Error::Long(_) => garbled(path, problem.to_string()),
        }
    }

    /// Asks for JSON that is one object. Errors: any status but 200, a body that is cut off or no JSON.
    pub(super) async fn json(&self, path: &str) -> Result<Value, Error> {
        let answer = self.ask(Method::GET, path).await?;
        let mut values = Vec::new();
        self.pieces(answer, path, Pieces::of_lines(self.object_bytes), |value| values.push(value)).await?;
        match (values.pop(), values.is_empty()) {
            (Some(value), true) => Ok(value),
            (_, _) => Err(garbled(path, "it is not one value".to_owned())),
        }
    }

    /// Asks for a list, and gives its items one after the other as they come. `null` is an empty list. Errors: as of
    /// [`Self::json`]; an answer that is no list.
    pub(super) async fn items(&self, path: &str, mut each: impl FnMut(Value)) -> Result<(), Error> {
        let last = *self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let usual = last.map_or(HEAD, |last| LIST_USUAL.max(last.saturating_mul(4)));
        let begun = Instant::now();
        let answer = self.ask_for(u64::MAX, &Method::GET, path, LIST_HEAD, usual).await?;
        *self.list.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun.elapsed());
        let mut other = None;
        let is_list = self
            .pieces(answer, path, Pieces::of_list(self.object_bytes), |value| {
                if value.is_object() { each(value) } else { other = Some(value) }
            })
            .await?;
        if is_list || other.is_some_and(|it| it.is_null()) {
            return Ok(());
        }
        Err(garbled(path, "it is no list".to_owned()))
    }

    /// Takes the body of an answer apart. Whether it is a list.
    async fn pieces(
        &self,
        mut answer: Answer,
        path: &str,
        mut pieces: Pieces,
        mut each: impl FnMut(Value),
    ) -> Result<bool, Error> {
        let broken = |problem: &dyn std::error::Error| garbled(path, problem.to_string());
        if answer.status() != StatusCode::OK {
            return Err(refused(answer, path).await);
        }
        let reading = async {
            let mut turn = None;
            loop {
                let bytes = answer.next().await.transpose().map_err(|problem| self.error(problem, path))?;
                let is_over = bytes.is_none();
                let mut found = pieces.read(&bytes.unwrap_or_default()).map_err(|problem| broken(&problem))?;
                if is_over {
                    found.extend(pieces.end().map_err(|problem| broken(&problem))?);
                }
                for piece in found {
                    each(piece.value().map_err(|problem| broken(&problem))?);
                }
                if is_over {
                    return Ok(pieces.is_list());
                }
                if pieces.held() < LARGE {
                    turn = None;
                } else if turn.is_none() {
                    // Never closed.
                    turn = self.large.acquire().await.ok();
                }
            }
        };
        time::timeout(BODY, reading)
            .await
            .unwrap_or_else(|_| Err(Error::TooSlow { path: path.to_owned(), limit: BODY }))
    }

    /// Asks for lines of JSON, as they come. Errors: any status but 200.
    pub(super) async fn lines(&self, path: &str) -> Result<Lines, Error> {
        let answer = self.ask(Method::GET, path).await?;
        if answer.status() != StatusCode::OK {
            return Err(refused(answer, path).await);
        }
        Ok(Lines { answer, path: path.to_owned(), pieces: Pieces::of_lines(self.object_bytes), whole: VecDeque::new() })
    }
}

/// The engine's no, in its first words.
async fn refused(answer: Answer, path: &str) -> Error {
    let status = answer.status();
    let body = answer.whole(LONGEST_WORDS, BODY).await.unwrap_or_default();
    let words = serde_json::from_slice::<Value>(&body).ok();
    let words = words.as_ref().and_then(|it| it.get("message")?.as_str().map(ToOwned::to_owned));
    let message = words.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
    Error::Status { path: path.to_owned(), status, message: first_words(&message) }
}

/// As much of an engine's words as a log takes.
fn first_words(words: &str) -> String {
    words.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

fn of_bollard(problem: bollard::errors::Error, path: &str) -> Error {
    match problem {
        bollard::errors::Error::IOError { err } => {
            err.downcast().unwrap_or_else(|problem| garbled(path, problem.to_string()))
        }
        bollard::errors::Error::DockerResponseServerError { status_code, message } => Error::Status {
            path: path.to_owned(),
            status: StatusCode::from_u16(status_code).unwrap_or_default(),
            message: first_words(&message),
        },
        other => garbled(path, first_words(&chain(&other))),
    }
}

/// An answer that never ends, of a line of JSON for each thing that happens.
pub(super) struct Lines {
    answer: Answer,
    path: String,
    pieces: Pieces,
    /// Lines that are whole.
    whole: VecDeque<Piece>,
}

impl Lines {
    /// The next line. `None`: the engine ended the answer. An event with all the labels that a container can have lacks
    /// those that do not fit.
    pub(super) async fn next(&mut self) -> Option<Result<Value, Error>> {
        loop {
            if let Some(line) = self.whole.pop_front() {
                return Some(line.value().map_err(|problem| garbled(&self.path, problem.to_string())));
            }
            let read = match self.answer.next().await? {
                Ok(bytes) => self.pieces.read(&bytes).map_err(|problem| problem.to_string()),
                Err(problem) => Err(problem.to_string()),
            };
            match read {
                Ok(lines) => self.whole.extend(lines),
                Err(why) => return Some(Err(garbled(&self.path, why))),
            }
        }
    }
}

pub(super) fn garbled(path: &str, why: String) -> Error {
    Error::Garbled { path: path.to_owned(), why }
}

fn tls(certificates: &Certificates) -> Result<ClientConfig, Error> {
    let problem = |what: &str, path: &PathBuf, why: String| {
        Error::Certificates(format!("cannot use {what} {}: {why}", path.display()))
    };
    let read = |what: &str, path: &PathBuf| std::fs::read(path).map_err(|it| problem(what, path, it.to_string()));
    let Some(ca) = &certificates.ca else {
        return Err(Error::Certificates(
            "an https engine needs the authorities of its certificate; name them with --engine-ca, or set DOCKER_CERT_PATH".to_owned(),
        ));
    };
    let what = "the authorities";
    let roots = pem::authorities(&read(what, ca)?).map_err(|it| problem(what, ca, it))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|it| Error::Certificates(it.to_string()))?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &certificates.own else { return Ok(config.with_no_client_auth()) };
    let what = "the certificate";
    let chain = pem::certificates(&read(what, certificate)?).map_err(|it| problem(what, certificate, it))?;
    let private = pem::key(&read("the key", key)?).map_err(|it| problem("the key", key, it))?;
    config.with_client_auth_cert(chain, private).map_err(|it| problem(what, certificate, it.to_string()))
}
