//! The server: judges each request, asks the engine in its own words, and gives the rebuilt answer.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, SERVER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::ask::{Ask, Request};
use super::engine::{self, Answer, Fault};
use super::events::Events;
use super::patience::Patient;
use super::refused::{Refused, shorten};
use super::tally::Tally;
use super::{Limits, Listen, Options, cut, shapes};

/// The most bytes that the head of a request may have; the smallest that hyper takes.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// The most headers of a request.
const MAX_HEADERS: usize = 64;
/// Questions that the engine is asked at the same time; the others wait their turn.
const QUESTIONS_AT_ONCE: usize = 16;
/// Events that wait for a client which does not take them; one more and its stream ends.
const EVENTS_WAITING: usize = 1024;
/// How long the answers under way may take when the gate is told to end.
const DRAIN: Duration = Duration::from_secs(2);
/// The longest body of a refused request that is read before the refusal.
const MOST_SWALLOWED: usize = 64 * 1024;
/// How often the log tells of lines that were kept back.
const SUMMARY: Duration = Duration::from_mins(1);

/// A listening socket.
pub(super) enum Listener {
    /// Whoever may open the file.
    Unix(UnixListener),
    /// Whoever is on this machine.
    Tcp(TcpListener),
}

/// What every connection shares.
struct Gate {
    /// The engine's socket.
    engine: PathBuf,
    /// Let the Swarm paths through.
    swarm: bool,
    /// The bounds.
    limits: Limits,
    /// Clients come over loopback, where a web page's script may be one.
    checks_host: bool,
    /// The counts.
    tally: Tally,
    questions: Semaphore,
    streams: Arc<Semaphore>,
    /// Where event streams are handed over to, to run beside their connection.
    pumps: mpsc::UnboundedSender<Pump>,
}

/// An event stream's work.
type Pump = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves until `end` resolves; then answers under way get a moment, and event streams end.
pub(super) async fn serve(
    listener: Listener,
    options: &Options,
    mut end: Pin<Box<dyn Future<Output = ()>>>,
    mut told: mpsc::Receiver<()>,
) {
    let (pumps, mut new_pumps) = mpsc::unbounded_channel();
    let limits = options.limits;
    let gate = Arc::new(Gate {
        engine: options.engine.clone(),
        swarm: options.swarm,
        limits,
        checks_host: matches!(options.listen, Listen::Tcp(address) if address.ip().is_loopback()),
        tally: Tally::new(),
        questions: Semaphore::new(QUESTIONS_AT_ONCE),
        streams: Arc::new(Semaphore::new(limits.streams)),
        pumps,
    });
    let places = Arc::new(Semaphore::new(limits.connections));
    let (ending, ended) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let mut summary = tokio::time::interval(SUMMARY);
    loop {
        let io: Box<dyn Stream> = tokio::select! {
            biased;
            () = &mut end => break,
            Some(()) = told.recv() => {
                info!("{}", gate.tally);
                continue;
            }
            Some(pump) = new_pumps.recv() => {
                tasks.spawn(pump);
                continue;
            }
            Some(_) = tasks.join_next() => continue,
            _ = summary.tick() => {
                let unwritten = gate.tally.unwritten();
                if unwritten > 0 {
                    warn!("kept back {unwritten} more lines like these; {}", gate.tally);
                }
                continue;
            }
            accepted = accept(&listener) => match accepted {
                Ok(io) => io,
                Err(error) => {
                    warn!("cannot accept a connection: {error}");
                    // Out of file descriptors, mostly; without a pause this loop would spin.
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            if gate.tally.refused("busy") {
                warn!("turned a client away: {} are connected", limits.connections);
            }
            continue;
        };
        let (gate, ended) = (Arc::clone(&gate), ended.clone());
        tasks.spawn(async move {
            connection(gate, io, ended).await;
            drop(place);
        });
    }
    drop(listener);
    ending.send_replace(true);
    let drained = timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        warn!("some answers were not taken in time");
    }
    info!("ended; {}", gate.tally);
}

/// A client's connection, of either kind.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn accept(listener: &Listener) -> std::io::Result<Box<dyn Stream>> {
    Ok(match listener {
        Listener::Unix(listener) => Box::new(listener.accept().await?.0),
        Listener::Tcp(listener) => {
            let stream = listener.accept().await?.0;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
    })
}

/// Serves one client, one request after the other.
async fn connection(gate: Arc<Gate>, io: Box<dyn Stream>, mut ended: watch::Receiver<bool>) {
    let patience = gate.limits.client_patience;
    let service = {
        let ended = ended.clone();
        service_fn(move |request| {
            let (gate, ended) = (Arc::clone(&gate), ended.clone());
            async move { Ok::<_, Infallible>(answer(&gate, request, ended).await) }
        })
    };
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_header_size(MAX_HEAD_BYTES)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(Patient::new(io, patience)), service)
    );
    let over = async { drop(ended.wait_for(|ended| *ended).await) };
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = over => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        debug!("a connection ended early: {error}");
    }
}

async fn answer(gate: &Arc<Gate>, sent: hyper::Request<Incoming>, ended: watch::Receiver<bool>) -> Response<Answered> {
    let request = match judge(gate, &sent) {
        Ok(request) => request,
        Err(refused) => {
            if gate.tally.refused(refused.code()) {
                let (method, path) = (shorten(sent.method().as_str()), shorten(sent.uri().path()));
                warn!(refusal.code = refused.code(), "refused `{method} {path}`: {refused}");
            }
            swallow(sent).await;
            return refusal(StatusCode::FORBIDDEN, &format!("leeward gate: {refused}"));
        }
    };
    match fetch(gate, &request, ended).await {
        Ok(response) => response,
        Err(Unanswered::Busy) => {
            if gate.tally.refused("busy") {
                warn!("refused an event stream: {} are open", gate.limits.streams);
            }
            refusal(StatusCode::SERVICE_UNAVAILABLE, "leeward gate: too many event streams are open")
        }
        Err(Unanswered::Fault(fault)) => {
            if gate.tally.failed(fault.code()) {
                warn!(fault.code = fault.code(), "no answer to `{}`: {fault}", request.target());
            }
            refusal(StatusCode::BAD_GATEWAY, &format!("leeward gate: {fault}"))
        }
    }
}

/// Takes the body of a refused request, if it is small and here already: a client that is still writing when the
/// connection ends would see a broken pipe, and not the reason.
async fn swallow(sent: hyper::Request<Incoming>) {
    // Who waits for a word before sending has nothing under way, and shall not get that word.
    if sent.headers().contains_key("expect") {
        return;
    }
    let body = Limited::new(sent.into_body(), MOST_SWALLOWED).collect();
    drop(timeout(Duration::from_millis(250), body).await);
}

/// What the client wants, if it is one of the things that exist here.
fn judge(gate: &Gate, sent: &hyper::Request<Incoming>) -> Result<Request, Refused> {
    let (uri, headers) = (sent.uri(), sent.headers());
    if uri.scheme().is_some() || uri.authority().is_some() {
        return Err(Refused::Form);
    }
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    let request = Request::parse(sent.method().as_str(), target, gate.swarm)?;
    for header in ["content-length", "transfer-encoding", "trailer", "upgrade", "expect", "http2-settings"] {
        if headers.contains_key(header) {
            return Err(Refused::Header { header });
        }
    }
    let is_plain = |value: &HeaderValue| {
        let value = value.to_str().unwrap_or("?");
        value.split(',').map(str::trim).all(|token| {
            token.is_empty() || token.eq_ignore_ascii_case("keep-alive") || token.eq_ignore_ascii_case("close")
        })
    };
    if !headers.get_all(CONNECTION).iter().all(is_plain) {
        return Err(Refused::Header { header: "connection" });
    }
    if gate.checks_host {
        judge_host(headers)?;
    }
    Ok(request)
}

/// On loopback TCP any web page can have a browser send requests here, and by a name of its own that resolves to
/// 127.0.0.1 it could read the answers. So the host must be an address, or `localhost`.
fn judge_host(headers: &HeaderMap) -> Result<(), Refused> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    if name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok() {
        Ok(())
    } else {
        Err(Refused::Host { host: shorten(host) })
    }
}

/// Why there is no answer, though the request was a good one.
enum Unanswered {
    Fault(Fault),
    Busy,
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

async fn fetch(
    gate: &Arc<Gate>,
    request: &Request,
    ended: watch::Receiver<bool>,
) -> Result<Response<Answered>, Unanswered> {
    let limits = gate.limits;
    if matches!(request.ask, Ask::Events { since: _, until: _, filters: _ }) {
        return stream(gate, request, ended).await;
    }
    let Ok(_turn) = gate.questions.acquire().await else { return Err(Unanswered::Busy) };
    let answer = engine::ask(&gate.engine, request, limits.engine_patience).await?;
    let status = answer.status();
    if status.is_client_error() || status.is_server_error() {
        gate.tally.answered();
        return Ok(engine_error(status, answer, limits).await);
    }
    if status != StatusCode::OK {
        return Err(Fault::Status(status).into());
    }
    let response = match shapes::of(&request.ask) {
        None => pong(answer.headers()),
        Some(shape) => {
            let whole = answer.whole(limits.answer_bytes, limits.engine_patience).await?;
            json_answer(StatusCode::OK, cut::cut(&whole, shape).map_err(Fault::Garbled)?)
        }
    };
    gate.tally.answered();
    Ok(response)
}

/// The answer to `/_ping`: `OK`, and the few words that clients negotiate by.
fn pong(engine: &HeaderMap) -> Response<Answered> {
    let mut response = Response::new(Answered::whole(b"OK".to_vec()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(SERVER, SERVER_NAME);
    headers.insert("cache-control", HeaderValue::from_static("no-cache, no-store, must-revalidate"));
    for name in ["api-version", "ostype", "docker-experimental", "builder-version", "swarm"] {
        let is_word = |value: &&HeaderValue| {
            value.len() <= 32
                && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"./-".contains(byte))
        };
        if let Some(value) = engine.get(name).filter(is_word) {
            headers.insert(name, value.clone());
        }
    }
    response
}

/// The engine's own no. Its words on a bad request or a missing object are about what was asked, so they pass; its
/// words on its own troubles may quote anything, so they do not.
async fn engine_error(status: StatusCode, answer: Answer, limits: Limits) -> Response<Answered> {
    const MOST: usize = 16 * 1024;
    let tells = status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE;
    let words = if tells {
        let whole = answer.whole(MOST, limits.engine_patience).await.unwrap_or_default();
        let parsed = serde_json::from_slice::<Value>(&whole).unwrap_or_default();
        parsed
            .get("message")
            .and_then(Value::as_str)
            .map(|message| message.chars().filter(|char| !char.is_control()).take(400).collect::<String>())
    } else {
        None
    };
    let words = words.unwrap_or_else(|| format!("the engine answered {status}"));
    json_answer(status, json!({ "message": words }).to_string().into_bytes())
}

/// Opens an event stream. A pump of its own keeps taking the engine's events, so that a client that does not read
/// cannot make the engine wait; such a client loses its stream, and sees so.
async fn stream(
    gate: &Arc<Gate>,
    request: &Request,
    mut ended: watch::Receiver<bool>,
) -> Result<Response<Answered>, Unanswered> {
    let place = Arc::clone(&gate.streams).try_acquire_owned().map_err(|_| Unanswered::Busy)?;
    let mut answer = engine::ask(&gate.engine, request, gate.limits.engine_patience).await?;
    let status = answer.status();
    if status.is_client_error() || status.is_server_error() {
        return Ok(engine_error(status, answer, gate.limits).await);
    }
    if status != StatusCode::OK {
        return Err(Fault::Status(status).into());
    }
    let (give, take) = mpsc::channel(EVENTS_WAITING);
    let mut events = Events::new(gate.swarm);
    let pump: Pump = Box::pin(async move {
        loop {
            let over = async { drop(ended.wait_for(|ended| *ended).await) };
            let bytes = tokio::select! {
                biased;
                () = over => break,
                () = give.closed() => break,
                bytes = answer.next() => bytes,
            };
            let Some(Ok(bytes)) = bytes else { break };
            let fell_behind = events.read(&bytes).into_iter().any(|event| give.try_send(Bytes::from(event)).is_err());
            if fell_behind {
                debug!("ended an event stream: its client did not take the events");
                break;
            }
        }
        drop(place);
    });
    if gate.pumps.send(pump).is_err() {
        return Err(Unanswered::Busy);
    }
    gate.tally.streamed();
    let mut response = Response::new(Answered::Stream(take));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(SERVER, SERVER_NAME);
    Ok(response)
}

const SERVER_NAME: HeaderValue = HeaderValue::from_static("leeward-gate");

fn json_answer(status: StatusCode, body: Vec<u8>) -> Response<Answered> {
    let mut response = Response::new(Answered::whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(SERVER, SERVER_NAME);
    response
}

/// A no of the gate's own. The connection ends with it: what follows on it was meant for something else.
fn refusal(status: StatusCode, words: &str) -> Response<Answered> {
    let mut response = json_answer(status, json!({ "message": words }).to_string().into_bytes());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The body of an answer.
enum Answered {
    /// All of it at once.
    Whole(Option<Bytes>),
    /// Events, as they come.
    Stream(mpsc::Receiver<Bytes>),
}

impl Answered {
    fn whole(body: Vec<u8>) -> Self {
        Self::Whole(Some(Bytes::from(body)))
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.get_mut() {
            Self::Whole(body) => body.take(),
            Self::Stream(events) => ready!(events.poll_recv(context)),
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
