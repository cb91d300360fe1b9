//! The service: what was observed is compiled and published; Traefik, people and Prometheus ask for it.
//!
//! ```text
//! publish    observed -> published: plan, documents, revision as one value; sent on only if it is a change
//! config     Traefik's poll, held until there is something new
//! preview    the query of a view: flags to judge anew with
//! views      the plan for people, made apart from the polls and bounded: `report`; pages: for a browser, held like polls
//! listen     TCP and TLS, on the accept loop of `net`; connection: what each was given
//! auth, tls  who may ask; login: a browser; guesses: how often
//! ```
//!
//! Of tower-http come the headers that every answer has, and that a panic costs one request. Its time-outs and limits are
//! of requests, and those that matter here are of connections: a poll is to be held, a client that does not read is not.
//! A view that takes too long keeps its place until its thread is done, which a time-out around the request could not see.
//!
//! Three tasks, none detached: watch, publish, listen. The first to end ends the service with its reason.

pub mod default_certificate;
mod preview;
mod publish;
pub mod published;
pub mod tls;

mod auth;
mod changes;
mod config;
mod connection;
mod guesses;
mod listen;
mod login;
mod metrics;
mod negotiate;
mod pages;
mod state;
mod views;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tracing::{info, warn};

use self::listen::Server;
use self::metrics::Metrics;
use self::negotiate::{JSON, Name, OPENMETRICS, SARIF, TEXT, chosen, error, in_json, json_of};
use self::preview::Wanted;
use self::published::Published;
use self::state::Shared;
use self::views::{View, Views};
use crate::docker::{Calls, Observed};
use crate::net::exposition::{CLASSIC, classic};
use crate::net::timeouts::Timeouts;
use crate::remedy;
use crate::report::page;
use crate::report::routes::{Listing, out_of_date, warned};
use crate::report::topology::Topology;
use crate::report::visible::visible;
use crate::report::{audit, explain, fix as report_fix};
use crate::settings::Settings;

/// Everything the operator may choose about the service itself.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How long Traefik's poll is held where nothing changes; zero: not at all.
    pub hold: Duration,
    /// How many polls may be held at once; beyond, the answer comes at once.
    pub max_held: usize,
    /// How many clients may be connected at once.
    pub max_connections: usize,
    /// How long clients may take.
    pub timeouts: Timeouts,
    /// How long answers under way may take once the service is told to end.
    pub drain: Duration,
    /// Holds the bearer tokens, one a line; `None`: none is needed.
    pub token_file: Option<PathBuf>,
    /// TLS, if any.
    pub tls: Option<tls::Files>,
    /// Names that browsers may call this service by.
    pub allow_hosts: Vec<String>,
    /// How long outbound names stay allowed once the engine does not answer.
    pub outbound_keep: Duration,
}

/// How long clients of the service may take.
pub const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(10),
    idle: Duration::from_secs(330),
    stall: Duration::from_secs(30),
    answer: Duration::from_secs(30),
};

/// Why the service could not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A file that a flag names: one line with the flag and the file.
    #[error("{0}")]
    Settings(String),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {cause}; choose another with --listen")]
    Listen {
        /// As asked for.
        address: SocketAddr,
        /// The system's error.
        cause: std::io::Error,
    },
    /// The first task to end.
    #[error("{0}")]
    Ended(String),
}

/// A service that is bound, but serves nothing yet.
#[derive(Debug)]
pub struct Service {
    server: Server,
    shared: Shared,
    published: watch::Sender<Option<Arc<Published>>>,
}

impl Service {
    /// Reads the files that the options name, then binds.
    pub async fn bind(options: Options) -> Result<Self, Problem> {
        let Options {
            listen,
            hold,
            max_held,
            max_connections,
            timeouts,
            drain,
            token_file,
            tls,
            allow_hosts,
            outbound_keep,
        } = options;
        let tokens = match &token_file {
            Some(path) => Some(auth::TokenFile::open(path).await.map_err(Problem::Settings)?),
            None => None,
        };
        let is_tls = tls.is_some();
        let tls = match tls {
            Some(files) => Some(tls::Tls::open(files).await.map_err(Problem::Settings)?),
            None => None,
        };
        let listener = TcpListener::bind(listen).await.map_err(|cause| Problem::Listen { address: listen, cause })?;
        if listen::is_open(listen) && (tokens.is_none() || !is_tls) {
            let lacking = match (tokens.is_none(), is_tls) {
                (true, false) => "without a token and without TLS",
                (true, true) => "without a token",
                (false, _) => "without TLS",
            };
            warn!(
                "listening on {listen} {lacking}: whoever reaches this port can read the configuration; let \
                 only Traefik reach it, or add --token-file, and --tls-cert with --tls-key"
            );
        }
        let metrics = Arc::new(Metrics::new(tls.as_ref().map(tls::Tls::expires)));
        let (published, receiver) = watch::channel(None);
        let shared = Shared {
            published: receiver,
            settings: Arc::default(),
            hold,
            begun: Instant::now(),
            outbound_keep,
            holds: Arc::new(Semaphore::new(max_held)),
            page_holds: Arc::new(Semaphore::new(pages::MOST_HELD)),
            is_tls,
            tokens: tokens.as_ref().map(auth::TokenFile::tokens),
            guesses: Arc::default(),
            allow_hosts: allow_hosts.iter().map(|name| name.to_ascii_lowercase()).collect(),
            metrics: Arc::clone(&metrics),
            views: Views::default(),
        };
        let server =
            Server { listener, tls, tokens, max_connections: max_connections.max(1), timeouts, drain, metrics };
        Ok(Self { server, shared, published })
    }

    /// Where it listens, with the port that the system chose if it was to choose.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.server.listener.local_addr()
    }

    /// Where questions to the engine are to be counted.
    pub fn calls(&self) -> Arc<Calls> {
        self.shared.metrics.calls()
    }

    /// Serves what `watching` observes into `observed`, until `stop` resolves. Errors: the reason of the first task to
    /// end before that.
    pub async fn run(
        self,
        settings: Settings,
        observed: watch::Receiver<Option<Observed>>,
        watching: impl Future<Output = String> + Send + 'static,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Problem> {
        let Self { server, shared, published } = self;
        let outbound_keep = shared.outbound_keep;
        let settings = Arc::new(settings);
        let shared = Shared { settings: Arc::clone(&settings), ..shared };
        let metrics = Arc::clone(&shared.metrics);
        let (end, ended) = watch::channel(false);
        let mut sources = JoinSet::new();
        sources.spawn(watching);
        sources.spawn(async move {
            publish::publish(settings, observed, published, outbound_keep, metrics).await;
            "nothing more can be observed".to_owned()
        });
        let mut listening = JoinSet::new();
        listening.spawn(server.serve(router(shared), ended));
        let reason = tokio::select! {
            () = stop => None,
            Some(ended) = sources.join_next() => Some(ended.unwrap_or_else(|error| format!("a task failed: {error}"))),
            Some(ended) = listening.join_next() => {
                Some(ended.map_or_else(|error| format!("a task failed: {error}"), |()| "nothing listens".to_owned()))
            }
        };
        // With the publisher goes the only sender, and every held poll is answered at once.
        sources.shutdown().await;
        end.send_replace(true);
        while listening.join_next().await.is_some() {}
        match reason {
            None => {
                info!("stopped by a signal");
                Ok(())
            }
            Some(reason) => Err(Problem::Ended(reason)),
        }
    }
}

/// Everything that can be asked.
fn router(shared: Shared) -> Router {
    Router::new()
        .route("/config", get(config::everyone))
        .route("/config/{traefik}", get(config::one))
        .route("/outbound/{egress}", get(config::outbound))
        .route("/", get(pages::front))
        .route("/c/{name}", get(pages::container))
        .route("/n/{name}", get(pages::network))
        .route("/h/{host}", get(pages::host))
        .route("/rules/{rule}", get(pages::rule))
        .route("/login", get(login::form).post(login::log_in).layer(DefaultBodyLimit::max(login::MOST_BYTES)))
        .route("/logout", post(login::log_out))
        .route(page::STYLE_PATH, get(|| async { ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], page::STYLE) }))
        .route(
            page::SCRIPT_PATH,
            get(|| async { ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], page::SCRIPT) }),
        )
        .route("/routes", get(routes))
        .route("/explain/{name}", get(explained))
        .route("/audit", get(audited))
        .route("/fix", get(fixes))
        .route("/fix/{name}", get(fixed))
        .route("/topology", get(topology))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(|headers: HeaderMap| async move {
            let words = "no such path; the page has /c/{name}, /n/{name}, /h/{host}, /rules/{rule}; there are /, /config, /config/{traefik}, /outbound/{egress}, /routes, /explain/{name}, /audit, /fix, /fix/{name}, /topology, /login, /healthz, /readyz, /metrics";
            pages::nowhere(&headers, words)
        })
        .method_not_allowed_fallback(async || error(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method"))
        .layer(from_fn_with_state(shared.clone(), attend))
        // For browsers: nothing but the page's own style and script is loaded and asked for, nothing is guessed, kept, framed
        // or told to others.
        .layer(unless_set(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(unless_set(header::X_FRAME_OPTIONS, "DENY"))
        .layer(unless_set(header::REFERRER_POLICY, "no-referrer"))
        .layer(unless_set(header::CACHE_CONTROL, "no-store"))
        .layer(unless_set(header::VARY, "accept"))
        .layer(unless_set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
        // A panic costs its own request and nobody else's.
        .layer(CatchPanicLayer::new())
        .with_state(shared)
}

/// What a page may load, ask for and send.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

fn unless_set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Lets a request through or refuses it, and counts the answer if there is such a path. (One layer for both: each takes a
/// kilobyte for as long as a poll is held.)
async fn attend(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let json = chosen(request.headers(), &[TEXT, JSON]) == JSON;
    let response = match auth::refuse(shared.tokens.as_ref(), &shared.allow_hosts, &request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    if let Some(path) = path {
        shared.metrics.answered(path.as_str(), response.status().as_u16());
    }
    if json { in_json(response) } else { response }
}

/// The answer to a query that cannot be read.
fn not_understood(problem: &str) -> Response {
    error(StatusCode::BAD_REQUEST, visible(problem))
}

/// `?all`: also the containers that did not ask.
const ALL: preview::Parameter = ("all", &["true", "false"]);

async fn routes(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let wanted = match Wanted::read(&uri, &[ALL], &shared.settings) {
        Ok(wanted) => wanted,
        Err(problem) => return not_understood(&problem),
    };
    let Some(now) = shared.now() else { return not_ready() };
    let (all, kind) = (wanted.get("all") == Some("true"), chosen(&headers, &[TEXT, JSON]));
    let make = move || {
        let plan = wanted.plan(&now);
        let listing = Listing::new(&plan, now.stale_reason(), all);
        View::good(
            kind,
            if kind == JSON { now.age().json(&listing) } else { wanted.headed(listing.text_asked(&wanted.asked())) },
        )
    };
    shared.views.answer(make).await
}

/// `?fail-on=` of `GET /explain/{name}`.
const REFUSED: preview::Parameter = ("fail-on", &["refused"]);

/// 404 where there is nothing of that name, not even a rule, 300 where there are several; 409 where `?fail-on=refused` and the container is
/// refused, or no router answers the host.
async fn explained(State(shared): State<Shared>, Name(name): Name, uri: Uri, headers: HeaderMap) -> Response {
    let wanted = match Wanted::read(&uri, &[REFUSED], &shared.settings) {
        Ok(wanted) => wanted,
        Err(problem) => return not_understood(&problem),
    };
    let fails = wanted.get("fail-on").is_some();
    let Some(now) = shared.now() else { return not_ready() };
    let (kind, services) = (chosen(&headers, &[TEXT, JSON]), Arc::clone(&shared.settings));
    let make = move || {
        let plan = wanted.plan(&now);
        let mut answer = explain::find(&plan, &name);
        answer.propose(&now.inventory, wanted.settings(&services), &plan);
        let status = match &answer {
            explain::Answer::Container(_) | explain::Answer::Host(_) if fails && answer.is_no() => StatusCode::CONFLICT,
            explain::Answer::Container(_) | explain::Answer::Host(_) | explain::Answer::Rule(_) => StatusCode::OK,
            explain::Answer::Several(_) => StatusCode::MULTIPLE_CHOICES,
            explain::Answer::Nothing(_) => StatusCode::NOT_FOUND,
        };
        let text =
            || wanted.headed(out_of_date(now.stale_reason()) + &warned(&plan) + &answer.text_asked(&wanted.asked()));
        let text = if kind == JSON { answer.json_aged(&now.age()) } else { text() };
        View { status, kind, text }
    };
    shared.views.answer(make).await
}

/// `?fail-on=` of `GET /audit`.
const SEVERITY: preview::Parameter = ("fail-on", &["info", "low", "medium", "high", "critical", "never"]);

/// 409 where something is at least as bad as `?fail-on=`.
async fn audited(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let wanted = match Wanted::read(&uri, &[SEVERITY], &shared.settings) {
        Ok(wanted) => wanted,
        Err(problem) => return not_understood(&problem),
    };
    let bound = wanted.get("fail-on").and_then(audit::severity);
    let Some(now) = shared.now() else { return not_ready() };
    let (kind, services) = (chosen(&headers, &[TEXT, JSON, SARIF]), Arc::clone(&shared.settings));
    let make = move || {
        let plan = wanted.plan(&now);
        let audit = match kind {
            SARIF => audit::Audit::of(&plan),
            _ => audit::Audit::proposing(&plan, &now.inventory, wanted.settings(&services)),
        };
        let status = match bound {
            Some(severity) if audit.reaches(severity) => StatusCode::CONFLICT,
            Some(_) | None => StatusCode::OK,
        };
        let text = match kind {
            SARIF => audit.sarif(),
            JSON => now.age().json(&audit),
            _ => wanted.headed(out_of_date(now.stale_reason()) + &warned(&plan) + &audit.text_asked(&wanted.asked())),
        };
        View { status, kind, text }
    };
    shared.views.answer(make).await
}

/// JSON, or a Mermaid flowchart.
async fn topology(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let wanted = match Wanted::read(&uri, &[], &shared.settings) {
        Ok(wanted) => wanted,
        Err(problem) => return not_understood(&problem),
    };
    let Some(now) = shared.now() else { return not_ready() };
    let kind = chosen(&headers, &[TEXT, JSON]);
    let own = Arc::clone(&shared.settings);
    let make = move || {
        let plan = wanted.plan(&now);
        let topology = Topology::of(&now.inventory, wanted.settings(&own), &plan);
        View::good(kind, if kind == JSON { topology.json() } else { topology.mermaid() })
    };
    shared.views.answer(make).await
}

/// `?name=` and `?keep=` of `GET /fix`, repeatable.
const NAME: preview::Parameter = ("name", &[]);
const KEEP: preview::Parameter = ("keep", &[]);
/// `?fail-on=` of `GET /fix`.
const FAIL_ON: preview::Parameter = ("fail-on", &["left", "open"]);
/// `?bind-hosts=true` of `GET /fix`.
const BIND_HOSTS: preview::Parameter = ("bind-hosts", &["true", "false"]);
/// `?files=false` of `GET /fix`: the summary without the files.
const FILES: preview::Parameter = ("files", &["true", "false"]);

async fn fixes(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    fix(&shared, None, &uri, &headers).await
}

async fn fixed(State(shared): State<Shared>, Name(name): Name, uri: Uri, headers: HeaderMap) -> Response {
    fix(&shared, Some(name), &uri, &headers).await
}

/// What to change. 404 where a name is nobody's; with `?fail-on=`, 409 where something is not mended; with `?fail-on=open`, 428
/// where a question is open.
async fn fix(shared: &Shared, name: Option<String>, uri: &Uri, headers: &HeaderMap) -> Response {
    let wanted = match Wanted::read(uri, &[NAME, KEEP, FAIL_ON, BIND_HOSTS, FILES], &shared.settings) {
        Ok(wanted) => wanted,
        Err(problem) => return not_understood(&problem),
    };
    let Some(now) = shared.now() else { return not_ready() };
    let (kind, services) = (chosen(headers, &[TEXT, JSON]), Arc::clone(&shared.settings));
    let make = move || {
        let names: Vec<String> = name.into_iter().chain(wanted.all("name").iter().cloned()).collect();
        let settings = wanted.settings(&services);
        let remedies = match remedy::wishes(&now.inventory, settings, &names, wanted.all("keep")) {
            Ok((scope, wishes)) => {
                let bind_hosts = wanted.get("bind-hosts") == Some("true");
                remedy::plan(&now.inventory, settings, &scope, &remedy::Wishes { bind_hosts, ..wishes })
            }
            Err(unknown) => {
                let words = report_fix::unknown(&unknown, &wanted.asked());
                let text = if kind == JSON { json_of(&words) } else { format!("{words}\n") };
                return View { status: StatusCode::NOT_FOUND, kind, text };
            }
        };
        let status = match (wanted.get("fail-on"), report_fix::standing(&remedies)) {
            (Some(_), report_fix::Standing::Left) => StatusCode::CONFLICT,
            (Some("open"), report_fix::Standing::Open) => StatusCode::PRECONDITION_REQUIRED,
            _ => StatusCode::OK,
        };
        let shown =
            if wanted.get("files") == Some("false") { report_fix::Shown::Written } else { report_fix::Shown::Files };
        let text = if kind == JSON {
            now.age().json(&report_fix::Document::of(&remedies))
        } else {
            let text = report_fix::text_asked(&remedies, shown, &wanted.asked());
            wanted.headed(out_of_date(now.stale_reason()) + &text)
        };
        View { status, kind, text }
    };
    shared.views.answer(make).await
}

async fn ready(State(shared): State<Shared>) -> Response {
    match shared.now().as_deref() {
        None => not_ready(),
        Some(Published { stale: Some(stale), .. }) => {
            let seconds = SystemTime::now().duration_since(stale.since).unwrap_or_default().as_secs();
            error(StatusCode::SERVICE_UNAVAILABLE, format!("stale for {seconds} s: {}", visible(&stale.reason)))
        }
        Some(_) => "ready\n".into_response(),
    }
}

fn not_ready() -> Response {
    error(StatusCode::SERVICE_UNAVAILABLE, "not ready: no complete inventory of the engine yet")
}

async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let text = shared.metrics.text(shared.now().as_deref(), SystemTime::now());
    let kind = chosen(&headers, &[OPENMETRICS, CLASSIC]);
    let text = if kind == CLASSIC { classic(&text) } else { text };
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

#[cfg(test)]
mod tests;
