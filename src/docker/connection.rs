//! One request to the engine, over a Unix socket, TCP or TLS, with bounds on time and size.
//!
//! A connection for each request: the socket is local, and no stale connection is used after an engine restart.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::time;
use tokio_rustls::TlsConnector;

use super::endpoint::Endpoint;
use crate::source::facts::TooLarge;
use crate::source::pieces::{Piece, Pieces};

/// To connect, and from a request to the head of its answer.
const HEAD: Duration = Duration::from_secs(10);
/// The same for a list, which a gate answers only once it has rebuilt all of it: more than the gate's own `--engine-timeout`.
const LIST_HEAD: Duration = Duration::from_secs(35);
/// For the whole body of an answer.
const BODY: Duration = Duration::from_mins(1);
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
}

#[derive(Debug)]
enum Target {
    Unix(PathBuf),
    Tcp(String),
    Tls { address: String, name: ServerName<'static>, config: Arc<ClientConfig> },
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
        Ok(Some(Self { target: Arc::new(target), object_bytes, large: Arc::new(Semaphore::new(LARGE_AT_ONCE)) }))
    }

    /// The most of one object that is read.
    pub(super) fn object_bytes(&self) -> usize {
        self.object_bytes
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send<B>(&self, request: Request<B>) -> Result<Response<Incoming>, Error>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.send_within(request, HEAD).await
    }

    async fn send_within<B>(&self, request: Request<B>, limit: Duration) -> Result<Response<Incoming>, Error>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = request.uri().path().to_owned();
        let slow = Error::TooSlow { path: path.clone(), limit };
        time::timeout(limit, async {
            match &*self.target {
                Target::Unix(socket) => {
                    let at = format!("unix://{}", socket.display());
                    exchange(
                        UnixStream::connect(socket).await.map_err(|cause| Error::Connect { at, cause })?,
                        request,
                        path,
                    )
                    .await
                }
                Target::Tcp(address) => exchange(self.tcp(address).await?, request, path).await,
                Target::Tls { address, name, config } => {
                    let plain = self.tcp(address).await?;
                    let tls = TlsConnector::from(Arc::clone(config)).connect(name.clone(), plain).await;
                    exchange(
                        tls.map_err(|cause| Error::Connect { at: format!("https://{address}"), cause })?,
                        request,
                        path,
                    )
                    .await
                }
            }
        })
        .await
        .unwrap_or(Err(slow))
    }

    async fn tcp(&self, address: &str) -> Result<TcpStream, Error> {
        TcpStream::connect(address).await.map_err(|cause| Error::Connect { at: format!("tcp://{address}"), cause })
    }

    /// Asks for JSON that is one object. Errors: any status but 200, a body that is cut off or no JSON.
    pub(super) async fn json(&self, path: &str) -> Result<Value, Error> {
        let response = self.send(request(Method::GET, path)).await?;
        self.read(response, path).await
    }

    /// Reads the body of an answer as JSON.
    pub(super) async fn read(&self, response: Response<Incoming>, path: &str) -> Result<Value, Error> {
        let mut values = Vec::new();
        self.pieces(response, path, Pieces::of_lines(self.object_bytes), |value| values.push(value)).await?;
        match (values.pop(), values.is_empty()) {
            (Some(value), true) => Ok(value),
            (_, _) => Err(Error::Garbled { path: path.to_owned(), why: "it is not one value".to_owned() }),
        }
    }

    /// Asks for a list, and gives its items one after the other as they come. `null` is an empty list. Errors: as of
    /// [`Self::json`]; an answer that is no list.
    pub(super) async fn items(&self, path: &str, mut each: impl FnMut(Value)) -> Result<(), Error> {
        let response = self.send_within(request(Method::GET, path), LIST_HEAD).await?;
        let mut other = None;
        let is_list = self
            .pieces(response, path, Pieces::of_list(self.object_bytes), |value| {
                if value.is_object() { each(value) } else { other = Some(value) }
            })
            .await?;
        if is_list || other.is_some_and(|it| it.is_null()) {
            return Ok(());
        }
        Err(Error::Garbled { path: path.to_owned(), why: "it is no list".to_owned() })
    }

    /// Takes the body of an answer apart. Whether it is a list.
    async fn pieces(
        &self,
        response: Response<Incoming>,
        path: &str,
        mut pieces: Pieces,
        mut each: impl FnMut(Value),
    ) -> Result<bool, Error> {
        let garbled = |why: String| Error::Garbled { path: path.to_owned(), why };
        if response.status() != StatusCode::OK {
            return Err(refused(response, path).await);
        }
        let mut body = response.into_body();
        let reading = async {
            let mut turn = None;
            loop {
                let frame = body.frame().await.transpose().map_err(|problem| garbled(problem.to_string()))?;
                let is_over = frame.is_none();
                let bytes = frame.and_then(|frame| frame.into_data().ok()).unwrap_or_default();
                let mut found = pieces.read(&bytes).map_err(|problem| garbled(problem.to_string()))?;
                if is_over {
                    found.extend(pieces.end().map_err(|problem| garbled(problem.to_string()))?);
                }
                for piece in found {
                    each(piece.value().map_err(|problem| garbled(problem.to_string()))?);
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
        let response = self.send(request(Method::GET, path)).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(response, path).await);
        }
        Ok(Lines {
            body: response.into_body(),
            path: path.to_owned(),
            pieces: Pieces::of_lines(self.object_bytes),
            whole: VecDeque::new(),
        })
    }
}

/// A request without a body.
pub(super) fn request(method: Method, path: &str) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = method;
    // Paths are made here, of ids and names that were checked; one that is no URI asks for nothing.
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
}

/// The engine's no, in its first words.
async fn refused(response: Response<Incoming>, path: &str) -> Error {
    let status = response.status();
    let body = time::timeout(BODY, Limited::new(response.into_body(), LONGEST_WORDS).collect()).await;
    let body = body.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let words = serde_json::from_slice::<Value>(&body).ok();
    let words = words.as_ref().and_then(|it| it.get("message")?.as_str().map(ToOwned::to_owned));
    let message = words.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
    Error::Status {
        path: path.to_owned(),
        status,
        message: message.chars().filter(|letter| !letter.is_control()).take(200).collect(),
    }
}

/// An answer that never ends, of a line of JSON for each thing that happens.
pub(super) struct Lines {
    body: Incoming,
    path: String,
    pieces: Pieces,
    /// Lines that are whole.
    whole: VecDeque<Piece>,
}

impl Lines {
    /// The next line. `None`: the engine ended the answer. An event with all the labels that a container can have lacks
    /// those that do not fit.
    pub(super) async fn next(&mut self) -> Option<Result<Value, Error>> {
        let garbled = |why: String| Some(Err(Error::Garbled { path: self.path.clone(), why }));
        loop {
            if let Some(line) = self.whole.pop_front() {
                return match line.value() {
                    Ok(value) => Some(Ok(value)),
                    Err(problem) => garbled(problem.to_string()),
                };
            }
            match self.body.frame().await? {
                Ok(frame) => match self.pieces.read(frame.data_ref().map_or(&[][..], |data| data)) {
                    Ok(lines) => self.whole.extend(lines),
                    Err(problem) => return garbled(problem.to_string()),
                },
                Err(problem) => return garbled(problem.to_string()),
            }
        }
    }
}

/// An error and its causes: hyper's own words are "connection error", and why is in the cause.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

async fn exchange<S, B>(stream: S, mut request: Request<B>, path: String) -> Result<Response<Incoming>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let garbled = |problem: hyper::Error| Error::Garbled { path: path.clone(), why: chain(&problem) };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(garbled)?;
    // The task ends with the connection, which ends with the answer's body: nothing outlives the request.
    #[expect(clippy::disallowed_methods, reason = "it ends with the request, and its errors reach the body")]
    tokio::spawn(async move { drop(connection.await) });
    // An engine is asked by path; it takes any host, but wants one.
    let target = request.uri().path_and_query().map_or("/", |it| it.as_str()).parse().unwrap_or_default();
    *request.uri_mut() = target;
    request.headers_mut().insert(header::HOST, header::HeaderValue::from_static("engine"));
    sender.send_request(request).await.map_err(garbled)
}

fn tls(certificates: &Certificates) -> Result<ClientConfig, Error> {
    let problem = |what: &str, path: &PathBuf, why: String| {
        Error::Certificates(format!("cannot use {what} {}: {why}", path.display()))
    };
    let Some(ca) = &certificates.ca else {
        return Err(Error::Certificates(
            "an https engine needs the authorities of its certificate; name them with --engine-ca, or set DOCKER_CERT_PATH".to_owned(),
        ));
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|it| problem("the authorities", ca, it.to_string()))? {
        let certificate = certificate.map_err(|it| problem("the authorities", ca, it.to_string()))?;
        roots.add(certificate).map_err(|it| problem("the authorities", ca, it.to_string()))?;
    }
    if roots.is_empty() {
        return Err(problem("the authorities", ca, "it holds no certificate".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|it| Error::Certificates(it.to_string()))?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &certificates.own else { return Ok(config.with_no_client_auth()) };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|it| problem("the certificate", certificate, it.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|it| problem("the key", key, it.to_string()))?;
    config.with_client_auth_cert(chain, private).map_err(|it| problem("the certificate", certificate, it.to_string()))
}
