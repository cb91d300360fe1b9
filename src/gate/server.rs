//! The server: judges each request, asks the engine in its own words, and gives the rebuilt answer.

use std::convert::Infallible;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, SERVER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use super::ask::{Ask, Request};
use super::error::{Refused, shorten};
use super::events::Events;
use super::memory_limit::{MemoryLimit, Reservation};
use super::messages::for_client;
use super::metrics::{self, Metrics};
use super::rebuild::Rebuilt;
use super::stats::Stats;
use super::streams::Streams;
use super::upstream::{self, Fault};
use super::{Limits, Listen, Options, Problem, allowlist};
use crate::net::accept::{self, Listener, Stream};
use crate::net::client::Answer;
use crate::net::connection::{Asking, Connection};
use crate::net::exposition::Process;
use crate::net::host::{self, Names};
use crate::net::peer::Peer;
use crate::net::timeouts::{TimedStream, Timeouts};

/// The most bytes that the head of a request may have; the smallest that hyper takes.
pub(super) const MAX_HEAD_BYTES: usize = 8 * 1024;
/// The most headers of a request.
const MAX_HEADERS: usize = 64;
/// Lists that the engine is asked for at the same time; the others wait their turn. Other questions do not: one may hang
/// on a single container, and must not hold up the rest.
const LISTS_AT_ONCE: usize = 8;
/// Bytes of events that wait for a client which does not take them: some thousand events. Once so many do, the engine is
/// made to wait as well.
const EVENT_BYTES_WAITING: usize = 256 * 1024;
/// How long the engine may be made to wait until the client has caught up; then its stream ends. A burst of events passes
/// in less, and the engine has a queue of its own of about the same length.
const CATCHING_UP: Duration = Duration::from_secs(1);
/// How long the answers under way may take when the gate is told to end.
const DRAIN: Duration = Duration::from_secs(2);
/// A client may take its answer for so many times its timeout, if it takes some of it meanwhile.
const TO_CATCH_UP: u32 = 10;
/// What a client hears that finds no place.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n\
    content-length: 63\r\n\r\n{\"message\":\"leeward gate: too many clients are being answered\"}";
/// The longest body of a refused request that is read before the refusal.
const MOST_SWALLOWED: usize = 64 * 1024;
/// How often the log says how many lines were suppressed.
const SUMMARY: Duration = Duration::from_mins(1);

/// What every connection shares.
struct Gate {
    /// The engine's socket.
    engine: PathBuf,
    /// Let the Swarm paths through.
    swarm: bool,
    /// The bounds.
    limits: Limits,
    /// What this machine may be called; `None` on a Unix socket, where no web page's script can come.
    names: Option<AllowedNames>,
    /// The counts.
    stats: Arc<Stats>,
    lists: Semaphore,
    memory: MemoryLimit,
    streams: Arc<Streams>,
    /// Where event streams are handed over to, to run beside their connection.
    pumps: mpsc::UnboundedSender<Pump>,
    /// Told when the engine's socket can never answer again.
    orphaned: Notify,
    /// The gate was told to end.
    ended: watch::Receiver<bool>,
}

/// See [`Names`].
enum AllowedNames {
    Loopback,
    Network(Vec<String>),
}

/// An event stream's work.
type Pump = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves until `end` resolves; then answers under way get a moment, and event streams end. Ends with an error when only a
/// new mount can bring the engine's socket back. `metrics`: where the counts are told.
pub(super) async fn serve(
    listener: Listener,
    metrics: Option<(TcpListener, Process)>,
    options: &Options,
    mut end: Pin<Box<dyn Future<Output = ()>>>,
    mut told: mpsc::Receiver<()>,
) -> Result<(), Problem> {
    let (pumps, mut new_pumps) = mpsc::unbounded_channel();
    let limits = options.limits;
    let (ending, ended) = watch::channel(false);
    let gate = Arc::new(Gate {
        engine: options.engine.clone(),
        swarm: options.swarm,
        limits,
        names: match &options.listen {
            Listen::Unix { .. } => None,
            Listen::Tcp(address) if address.ip().is_loopback() => Some(AllowedNames::Loopback),
            Listen::Tcp(_) => Some(AllowedNames::Network(options.allow_hosts.clone())),
        },
        stats: Arc::new(Stats::new()),
        lists: Semaphore::new(LISTS_AT_ONCE),
        memory: MemoryLimit::new(limits.answer_bytes),
        streams: Streams::new(limits.streams),
        pumps,
        orphaned: Notify::new(),
        ended: ended.clone(),
    });
    let told_of = metrics.map(|(listener, process)| {
        let metrics = Metrics { stats: Arc::clone(&gate.stats), process, ended: ended.clone() };
        accept::accept(Listener::Tcp(listener), metrics::CONNECTIONS, Arc::new(metrics), ended.clone(), DRAIN)
    });
    let mut accepting = Box::pin(async {
        let clients = accept::accept(listener, limits.connections, Arc::clone(&gate), ended, DRAIN);
        match told_of {
            Some(told_of) => {
                tokio::join!(clients, told_of);
            }
            None => clients.await,
        }
    });
    let mut tasks = JoinSet::new();
    let mut summary = tokio::time::interval(SUMMARY);
    let outcome = loop {
        tokio::select! {
            biased;
            () = &mut end => break Ok(()),
            () = gate.orphaned.notified() => break Err(Problem::Orphaned { path: gate.engine.clone() }),
            Some(()) = told.recv() => info!("{}", gate.stats),
            Some(pump) = new_pumps.recv() => drop(tasks.spawn(pump)),
            Some(_) = tasks.join_next() => {}
            _ = summary.tick() => {
                let unwritten = gate.stats.unwritten();
                if unwritten > 0 {
                    warn!("suppressed {unwritten} similar lines; {}", gate.stats);
                }
            }
            () = &mut accepting => break Ok(()),
        }
    };
    ending.send_replace(true);
    accepting.await;
    tasks.shutdown().await;
    info!("stopped; {}", gate.stats);
    outcome
}

impl accept::Handler for Gate {
    /// Serves one client, one request after the other.
    async fn serve(self: Arc<Self>, stream: Stream, connection: Arc<Connection>) {
        let time_limit = self.limits.client_timeout;
        let timeouts =
            Timeouts { head: time_limit, idle: time_limit, stall: time_limit, answer: time_limit * TO_CATCH_UP };
        let io = TokioIo::new(TimedStream::new(stream, Arc::clone(&connection), timeouts));
        let service = service_fn(|request| {
            let (gate, connection, asking) = (Arc::clone(&self), Arc::clone(&connection), connection.ask());
            async move {
                let mut response = answer(&gate, request, &connection).await;
                response.body_mut().asking = Some(asking);
                Ok::<_, Infallible>(response)
            }
        });
        let mut serving = std::pin::pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                // `TimedStream` does this.
                .header_read_timeout(None)
                .max_header_size(MAX_HEAD_BYTES)
                .max_buf_size(MAX_HEAD_BYTES)
                .max_headers(MAX_HEADERS)
                .serve_connection(io, service)
        );
        let mut ended = self.ended.clone();
        let outcome = tokio::select! {
            outcome = serving.as_mut() => outcome,
            () = async { tokio::select! { _ = ended.wait_for(|ended| *ended) => {}, () = connection.closing() => {} } } => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        match outcome {
            Err(error) if error.is_parse() => {
                let code = if error.is_parse_too_large() { "too-long" } else { "not-http" };
                if self.stats.refused(code) {
                    warn!(refusal.code = code, "refused a request that cannot be read: {error}");
                }
            }
            Err(error) => debug!("a connection ended early: {error}"),
            Ok(()) => {}
        }
    }

    fn connected(&self, count: usize) {
        self.stats.connected(count);
    }

    fn is_full(&self) {}

    fn reject(&self) -> &'static [u8] {
        if self.stats.refused("busy") {
            warn!("connection limit ({}) reached: refused a client", self.limits.connections);
        }
        FULL
    }
}

async fn answer(gate: &Arc<Gate>, sent: hyper::Request<Incoming>, connection: &Connection) -> Response<Answered> {
    let request = match judge(gate, &sent) {
        Ok(request) => request,
        Err(refused) => {
            if gate.stats.refused(refused.code()) {
                let (method, path) = (shorten(sent.method().as_str()), shorten(sent.uri().path()));
                warn!(refusal.code = refused.code(), "refused `{method} {path}`: {refused}");
            }
            swallow(sent).await;
            return refusal(StatusCode::FORBIDDEN, &format!("leeward gate: {refused}"));
        }
    };
    match fetch(gate, &request, connection).await {
        Ok(response) => response,
        Err(Unanswered::Busy(what)) => {
            if gate.stats.refused("busy") {
                warn!(refusal.code = "busy", "no answer to `{}`: {what}", shorten(&request.target()));
            }
            refusal(StatusCode::SERVICE_UNAVAILABLE, &format!("leeward gate: {what}"))
        }
        Err(Unanswered::Fault(fault)) => {
            if gate.stats.failed(fault.code()) {
                warn!(fault.code = fault.code(), "no answer to `{}`: {fault}", shorten(&request.target()));
            }
            if matches!(fault, Fault::Closed(_)) && upstream::is_orphan(&gate.engine) {
                gate.orphaned.notify_one();
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
    // By a name of its own that resolves to this address a web page could have a browser read the answers.
    let is_own = match &gate.names {
        None => true,
        Some(AllowedNames::Loopback) => Names::Loopback.hold_host_of(headers),
        Some(AllowedNames::Network(allowed)) => Names::Network(allowed).hold_host_of(headers),
    };
    if !is_own {
        return Err(Refused::Host { host: shorten(host::written(headers)) });
    }
    Ok(request)
}

/// Why there is no answer, though the request was a good one.
enum Unanswered {
    Fault(Fault),
    /// Of what there is too much.
    Busy(&'static str),
}

/// All places for event streams are taken.
const STREAMS_OPEN: Unanswered = Unanswered::Busy("too many event streams are open");
/// There is no room for one more long answer.
const MEMORY_TAKEN: Unanswered = Unanswered::Busy("too many long answers are under way; ask again");

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

async fn fetch(gate: &Arc<Gate>, request: &Request, connection: &Connection) -> Result<Response<Answered>, Unanswered> {
    let limits = gate.limits;
    if matches!(request.ask, Ask::Events { since: _, until: _, filters: _ }) {
        return stream(gate, request, connection).await;
    }
    let _turn = if request.ask.is_list() {
        let turn = timeout(limits.engine_timeout, gate.lists.acquire()).await;
        Some(turn.map_err(|_| Fault::Slow(limits.engine_timeout))?)
    } else {
        None
    };
    let mut answer = upstream::ask(&gate.engine, request, limits.engine_timeout).await?;
    let status = answer.status();
    if status.is_client_error() || status.is_server_error() {
        return Ok(engine_error(gate, &request.ask, answer).await);
    }
    if status != StatusCode::OK {
        return Err(Fault::Status(status).into());
    }
    let response = match allowlist::of(&request.ask) {
        None => pong(answer.headers()),
        Some(shape) => {
            let (whole, reserved) = read(&mut answer, gate, Rebuilt::new(shape, gate.limits.object_bytes)).await?;
            json_answer(StatusCode::OK, reserved.around(whole))
        }
    };
    gate.stats.answered();
    Ok(response)
}

/// The whole of an answer, rebuilt, if it comes in time, is within the bound, and there is room for it.
async fn read(answer: &mut Answer, gate: &Gate, mut rebuilt: Rebuilt) -> Result<(Vec<u8>, Reservation), Unanswered> {
    let Limits { answer_bytes, engine_timeout, .. } = gate.limits;
    let mut reserved = gate.memory.reserve();
    let reading = async {
        let mut turn = None;
        while let Some(bytes) = answer.next().await {
            rebuilt.read(&bytes.map_err(Fault::from)?)?;
            let length = rebuilt.len();
            if length > answer_bytes {
                return Err(Fault::Long(answer_bytes).into());
            }
            if turn.is_none() && MemoryLimit::is_long(length) {
                turn = gate.memory.turn().await;
            }
            if !reserved.grow_to(length) {
                return Err(MEMORY_TAKEN);
            }
        }
        let whole = rebuilt.end()?;
        if reserved.grow_to(whole.len()) { Ok(whole) } else { Err(MEMORY_TAKEN) }
    };
    let whole = timeout(engine_timeout, reading).await.unwrap_or(Err(Fault::Slow(engine_timeout).into()))?;
    Ok((whole, reserved))
}

/// The answer to `/_ping`: `OK`, and the few words that clients negotiate by.
fn pong(engine: &HeaderMap) -> Response<Answered> {
    let mut response = Response::new(Answered::whole(Bytes::from_static(b"OK")));
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

/// The engine's own no: its status, and words that are the gate's.
async fn engine_error(gate: &Gate, ask: &Ask, answer: Answer) -> Response<Answered> {
    const MOST: usize = 16 * 1024;
    gate.stats.answered();
    let status = answer.status();
    let whole = answer.whole(MOST, gate.limits.engine_timeout).await.unwrap_or_default();
    let said = serde_json::from_slice::<Value>(&whole).unwrap_or_default();
    let message = said.get("message").and_then(Value::as_str).unwrap_or_default();
    json_answer(status, json!({ "message": for_client(status, message, ask) }).to_string())
}

/// Opens an event stream. A pump of its own keeps taking the engine's events, so that a client that does not read
/// cannot make the engine wait; such a client loses its stream, and sees so.
async fn stream(
    gate: &Arc<Gate>,
    request: &Request,
    connection: &Connection,
) -> Result<Response<Answered>, Unanswered> {
    let peer = connection.peer().unwrap_or(Peer::Process { uid: 0, pid: None });
    let place = gate.streams.take(peer).ok_or(STREAMS_OPEN)?;
    let mut ended = gate.ended.clone();
    let mut answer = upstream::ask(&gate.engine, request, gate.limits.engine_timeout).await?;
    let status = answer.status();
    if status.is_client_error() || status.is_server_error() {
        return Ok(engine_error(gate, &request.ask, answer).await);
    }
    if status != StatusCode::OK {
        return Err(Fault::Status(status).into());
    }
    let (give, take) = Queue::new();
    let mut events = Events::new(gate.swarm);
    let mut left = CATCHING_UP;
    let pump: Pump = Box::pin(async move {
        'stream: loop {
            let over = async { drop(ended.wait_for(|ended| *ended).await) };
            let bytes = tokio::select! {
                biased;
                () = over => break,
                () = give.events.closed() => break,
                () = place.taken_over() => {
                    debug!("ended an event stream: a peer that holds fewer took its place over");
                    break;
                }
                bytes = answer.next() => bytes,
            };
            let Some(Ok(bytes)) = bytes else { break };
            let (read, is_whole) = events.read(&bytes);
            for event in read {
                if !give.hand_over(event.into(), &mut left).await {
                    debug!("ended an event stream: its client did not take the events");
                    break 'stream;
                }
            }
            if !is_whole {
                warn!("closed an event stream: an event is too long to be read; clients then read everything again");
                break;
            }
        }
        drop(place);
    });
    if gate.pumps.send(pump).is_err() {
        return Err(STREAMS_OPEN);
    }
    gate.stats.streamed();
    connection.set_long_lived();
    let mut response = Response::new(Answered::stream(take));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(SERVER, SERVER_NAME);
    Ok(response)
}

/// The way of events to a client's connection: as many as together have [`EVENT_BYTES_WAITING`] bytes wait there.
struct Queue {
    events: mpsc::UnboundedSender<Waiting>,
    free: Arc<Semaphore>,
}

/// An event, and its part of what may wait.
type Waiting = (Bytes, OwnedSemaphorePermit);

impl Queue {
    fn new() -> (Self, mpsc::UnboundedReceiver<Waiting>) {
        let (events, take) = mpsc::unbounded_channel();
        (Self { events, free: Arc::new(Semaphore::new(EVENT_BYTES_WAITING)) }, take)
    }

    /// Gives an event to the client's connection; false if the client is gone, or did not catch up in the time that was
    /// left.
    async fn hand_over(&self, event: Bytes, left: &mut Duration) -> bool {
        let bytes = u32::try_from(event.len()).unwrap_or(u32::MAX);
        if self.free.available_permits() > EVENT_BYTES_WAITING / 2 {
            *left = CATCHING_UP;
        }
        let begun = Instant::now();
        let room = tokio::select! {
            room = timeout(*left, Arc::clone(&self.free).acquire_many_owned(bytes)) => room,
            () = self.events.closed() => return false,
        };
        *left = left.saturating_sub(begun.elapsed());
        let Ok(Ok(room)) = room else { return false };
        self.events.send((event, room)).is_ok()
    }
}

const SERVER_NAME: HeaderValue = HeaderValue::from_static("leeward-gate");

fn json_answer(status: StatusCode, body: impl Into<Bytes>) -> Response<Answered> {
    let mut response = Response::new(Answered::whole(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(SERVER, SERVER_NAME);
    response
}

/// A no of the gate's own. The connection ends with it: what follows on it was meant for something else.
fn refusal(status: StatusCode, words: &str) -> Response<Answered> {
    let mut response = json_answer(status, json!({ "message": words }).to_string());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The body of an answer.
struct Answered {
    content: Content,
    /// Dropped with the body: from then on nothing is under way.
    asking: Option<Asking>,
}

enum Content {
    /// All of it at once.
    Whole(Option<Bytes>),
    /// Events, as they come.
    Stream(mpsc::UnboundedReceiver<Waiting>),
}

impl Answered {
    fn whole(body: Bytes) -> Self {
        Self { content: Content::Whole(Some(body)), asking: None }
    }

    fn stream(events: mpsc::UnboundedReceiver<Waiting>) -> Self {
        Self { content: Content::Stream(events), asking: None }
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut self.get_mut().content {
            Content::Whole(body) => body.take(),
            Content::Stream(events) => ready!(events.poll_recv(context)).map(|(event, _)| event),
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
            Content::Stream(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_finds_no_place_hears_it_whole() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert!(serde_json::from_str::<Value>(body).unwrap()["message"].is_string());
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_handed_over_and_a_client_that_sleeps_is_left() {
        let event = Bytes::from(vec![b'x'; 1024]);
        let most = EVENT_BYTES_WAITING / event.len();
        let (give, mut take) = Queue::new();
        let mut left = CATCHING_UP;
        let reading = async {
            // It takes everything, but only every now and then.
            for _ in 0..50 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                while take.try_recv().is_ok() {}
            }
            take
        };
        let giving = async {
            for count in 0..50 * most {
                assert!(give.hand_over(event.clone(), &mut left).await, "after {count}");
            }
        };
        let (_take, ()) = tokio::join!(reading, giving);
        let mut given = 0;
        while give.hand_over(event.clone(), &mut left).await {
            given += 1;
        }
        assert!(given <= most, "{given}");
    }
}
