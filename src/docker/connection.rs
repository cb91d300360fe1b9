//! One request to the engine, over a Unix socket, TCP or TLS, with bounds on time and size.
//!
//! A connection for each request: the socket is local, and a connection that died with the last engine is never met.

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
use tokio::time;
use tokio_rustls::TlsConnector;

use super::endpoint::Endpoint;
use super::json;

/// To connect, and from a request to the head of its answer.
const HEAD: Duration = Duration::from_secs(10);
/// For the whole body of an answer.
const BODY: Duration = Duration::from_mins(1);
/// The longest answer that is read: 10,000 containers with long labels are a fifth of it.
const LONGEST: usize = 256 << 20;

/// The longest line of an answer that never ends: an event with all the labels that a container can have.
const LONGEST_LINE: usize = 16 << 20;

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
}

#[derive(Debug)]
enum Target {
    Unix(PathBuf),
    Tcp(String),
    Tls { address: String, name: ServerName<'static>, config: Arc<ClientConfig> },
}

impl Connection {
    /// Prepares to reach an engine; connects to nothing. `None` for an endpoint that is no engine.
    pub(super) fn to(endpoint: &Endpoint, certificates: &Certificates) -> Result<Option<Self>, Error> {
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
        Ok(Some(Self { target: Arc::new(target) }))
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send<B>(&self, request: Request<B>) -> Result<Response<Incoming>, Error>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = request.uri().path().to_owned();
        let slow = Error::TooSlow { path: path.clone(), limit: HEAD };
        time::timeout(HEAD, async {
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

    /// Asks for JSON. Errors: any status but 200, a body that is cut off, too long or no JSON.
    pub(super) async fn json(&self, path: &str) -> Result<Value, Error> {
        let response = self.send(request(Method::GET, path)).await?;
        read(response, path).await
    }

    /// Asks for lines of JSON, as they come. Errors: any status but 200.
    pub(super) async fn lines(&self, path: &str) -> Result<Lines, Error> {
        let response = self.send(request(Method::GET, path)).await?;
        if response.status() != StatusCode::OK {
            // It holds the engine's words.
            let whole = read(response, path).await;
            return Err(whole.err().unwrap_or_else(|| Error::Garbled { path: path.to_owned(), why: String::new() }));
        }
        Ok(Lines { body: response.into_body(), path: path.to_owned(), held: Vec::new() })
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

/// Reads the body of an answer as JSON.
pub(super) async fn read(response: Response<Incoming>, path: &str) -> Result<Value, Error> {
    let status = response.status();
    let garbled = |why: String| Error::Garbled { path: path.to_owned(), why };
    let body = time::timeout(BODY, Limited::new(response.into_body(), LONGEST).collect())
        .await
        .map_err(|_| Error::TooSlow { path: path.to_owned(), limit: BODY })?
        .map_err(|problem| garbled(problem.to_string()))?
        .to_bytes();
    if status != StatusCode::OK {
        let words = serde_json::from_slice::<Value>(&body).ok();
        let words = words.as_ref().and_then(|it| it.get("message")?.as_str().map(ToOwned::to_owned));
        let message = words.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
        return Err(Error::Status {
            path: path.to_owned(),
            status,
            message: message.chars().filter(|letter| !letter.is_control()).take(200).collect(),
        });
    }
    json::read(&body).map_err(|problem| garbled(problem.to_string()))
}

/// An answer that never ends, of a line of JSON for each thing that happens.
pub(super) struct Lines {
    body: Incoming,
    path: String,
    /// What came of the line that is not whole yet.
    held: Vec<u8>,
}

impl Lines {
    /// The next line. `None`: the engine ended the answer.
    pub(super) async fn next(&mut self) -> Option<Result<Value, Error>> {
        let garbled = |why: String| Some(Err(Error::Garbled { path: self.path.clone(), why }));
        loop {
            if let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
                let rest = self.held.split_off(end + 1);
                let line = std::mem::replace(&mut self.held, rest);
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return match json::read(&line) {
                    Ok(value) => Some(Ok(value)),
                    Err(problem) => garbled(problem.to_string()),
                };
            }
            match self.body.frame().await? {
                Ok(frame) => self.held.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
                Err(problem) => return garbled(problem.to_string()),
            }
            if self.held.len() > LONGEST_LINE {
                return garbled("a line without an end".to_owned());
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
