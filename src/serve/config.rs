//! `GET /config` and `GET /config/{traefik}`: the document Traefik polls for, held back until there is something new.
//!
//! Traefik's HTTP provider sends no validator, takes any status but 200 for an error, and hashes the body to see a
//! change. But it keeps its connection. So what a caller has is remembered with its connection: the first request is
//! answered at once (a restarted Traefik never waits), a later one is held until the document changes or the hold is
//! over, and then gets the same bytes again.
//!
//! `GET /outbound/{egress}` is the same for an egress Traefik, but for one thing: Traefik keeps what it was told last for as
//! long as the answer is an error. Of an inbound Traefik's routes that is wanted; an egress that Leeward knows nothing of is
//! told that nothing is allowed.
//!
//! Source: Traefik's `pkg/provider/http/http.go`; RFC 9110 section 13 for validators, RFC 7240 for `Prefer: wait`.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::{Extension, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::time::timeout;

use super::connection::Connection;
use super::negotiate::{Name, error};
use super::published::{Document, Published};
use super::state::Shared;
use crate::plan::Plan;
use crate::report::visible::visible;

/// How long the first request may wait for the first inventory: less than the 5 s after which Traefik gives up.
const WARM_UP: Duration = Duration::from_secs(4);
/// The longest hold that a caller may ask for.
const LONGEST_HOLD: Duration = Duration::from_mins(10);

/// `GET /config`: all that is routed.
pub(super) async fn everyone(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    poll: Poll,
) -> Response {
    answer(&shared, &connection, Reader::Inbound(Plan::EVERYONE), &poll).await
}

/// `GET /config/{traefik}`: what the Traefik of this container name can reach.
pub(super) async fn one(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    Name(traefik): Name,
    poll: Poll,
) -> Response {
    answer(&shared, &connection, Reader::Inbound(&traefik), &poll).await
}

/// `GET /outbound/{egress}`: what the egress Traefik of this container name may let through.
pub(super) async fn outbound(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    Name(egress): Name,
    poll: Poll,
) -> Response {
    answer(&shared, &connection, Reader::Egress(&egress), &poll).await
}

/// Whose document is asked for.
#[derive(Clone, Copy, Debug)]
enum Reader<'a> {
    /// An inbound Traefik's, by its container's name; [`Plan::EVERYONE`]: everybody's.
    Inbound(&'a str),
    /// An egress Traefik's.
    Egress(&'a str),
}

impl<'a> Reader<'a> {
    /// Its document, if it has one.
    fn document(self, published: &Published) -> Option<Document> {
        match self {
            Self::Inbound(name) => published.documents.get(name).cloned(),
            Self::Egress(name) => Some(published.outbound.get(name).cloned().unwrap_or_else(nothing)),
        }
    }

    /// Its container's name.
    fn name(self) -> &'a str {
        let (Self::Inbound(name) | Self::Egress(name)) = self;
        name
    }

    /// What a connection is known to have by.
    fn key(self) -> Cow<'a, str> {
        match self {
            Self::Inbound(name) => Cow::Borrowed(name),
            // No container's name has a slash.
            Self::Egress(name) => Cow::Owned(format!("/outbound/{name}")),
        }
    }
}

/// The document that allows nothing.
fn nothing() -> Document {
    Document::new("{}")
}

/// What a request says of the answer it wants. All that is kept of it while it is held: its headers would keep the 8 KiB
/// that they were read into.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Poll {
    /// `If-None-Match`, as sent.
    validators: Option<String>,
    /// `Prefer: wait=N`.
    wait: Option<Duration>,
    /// The body is wanted: not so for HEAD.
    body: bool,
}

impl<S: Sync> FromRequestParts<S> for Poll {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::new(&parts.method, &parts.headers))
    }
}

impl Poll {
    fn new(method: &Method, headers: &HeaderMap) -> Self {
        let validators = headers.get(header::IF_NONE_MATCH).and_then(|it| it.to_str().ok()).map(ToOwned::to_owned);
        let mut preferences =
            headers.get_all("prefer").iter().filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
        let wait = preferences.find_map(wait);
        Self { validators, wait, body: *method == Method::GET }
    }

    /// Whether the caller says that it has this document.
    fn has(&self, document: &Document) -> bool {
        self.has_tag(&document.etag)
    }

    /// Whether the caller says that it has what has this tag.
    pub(super) fn has_tag(&self, etag: &str) -> bool {
        self.validators.as_ref().is_some_and(|tags| {
            tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
        })
    }

    /// How long the caller asks to wait.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.wait
    }
}

/// `wait=25`, in seconds, perhaps quoted, perhaps with parameters.
fn wait(preference: &str) -> Option<Duration> {
    let (name, value) = preference.split(';').next()?.split_once('=')?;
    let seconds = value.trim().trim_matches('"').parse().ok()?;
    name.trim().eq_ignore_ascii_case("wait").then(|| Duration::from_secs(seconds).min(LONGEST_HOLD))
}

async fn answer(shared: &Shared, connection: &Connection, reader: Reader<'_>, poll: &Poll) -> Response {
    let mut published = shared.published.clone();
    if published.borrow().is_none() {
        // Not at once: an error here costs Traefik a back-off of up to 20 s, and a 200 would cost it all its routes.
        let slot = shared.holds.try_acquire();
        let held = slot.is_ok().then(|| shared.metrics.hold());
        if held.is_some() {
            let _ = timeout(WARM_UP, published.wait_for(Option::is_some)).await;
        }
    }
    let Some(current) = shared.now() else {
        // What an egress was told before Leeward was started anew must not outlive an engine that does not answer, either.
        if matches!(reader, Reader::Egress(_)) && shared.begun.elapsed() >= shared.outbound_keep {
            return sent(&nothing());
        }
        let not_ready = error(StatusCode::SERVICE_UNAVAILABLE, "not ready: no complete inventory of the engine yet");
        return ([(header::RETRY_AFTER, "1")], not_ready).into_response();
    };
    let Some(document) = reader.document(&current) else { return unknown(reader, &current) };
    let key = reader.key();
    shared.metrics.polled(reader.name(), &current, SystemTime::now());

    // Somebody with a validator of their own is answered at once, unless they ask to wait.
    let has = if poll.validators.is_some() { poll.has(&document) && poll.wait.is_some() } else { false };
    let hold = poll.wait.unwrap_or(shared.hold);
    if poll.body && !hold.is_zero() && (has || connection.was_given(&key, &document.etag)) {
        // Without a free place the answer comes at once: a poll too many, not a route too few.
        if let Ok(_place) = shared.holds.try_acquire() {
            let _held = shared.metrics.hold();
            let changed = |it: &Option<Arc<Published>>| {
                it.as_ref().and_then(|it| reader.document(it)).is_none_or(|it| it.etag != document.etag)
            };
            // Ends with a change, with the time, or with the service. Whichever: the answer is what holds then.
            let _ = timeout(hold, published.wait_for(changed)).await;
        }
    }

    let now = shared.now().unwrap_or(current);
    let Some(document) = reader.document(&now) else { return unknown(reader, &now) };
    shared.metrics.polled(reader.name(), &now, SystemTime::now());
    if poll.body {
        connection.give(&key, &document.etag);
    }
    if poll.has(&document) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, document.etag.clone())]).into_response();
    }
    sent(&document)
}

fn sent(document: &Document) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::ETAG, document.etag.clone())];
    (headers, document.bytes.clone()).into_response()
}

fn unknown(reader: Reader<'_>, published: &Published) -> Response {
    let name = reader.name();
    if published.outbound.contains_key(name) {
        let words = format!("`{0}` is an egress Traefik, and asks for /outbound/{0}", visible(name));
        return error(StatusCode::NOT_FOUND, words);
    }
    let known: Vec<_> = published.documents.keys().filter(|it| *it != Plan::EVERYONE).map(|it| visible(it)).collect();
    let known = if known.is_empty() { "none is".to_owned() } else { format!("these are: {}", known.join(", ")) };
    let words = format!(
        "no Traefik named `{}` is declared; {known}. Declare one with the label leeward.traefik=true on its container, or \
         with --traefik",
        visible(name)
    );
    error(StatusCode::NOT_FOUND, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_preference_names_its_wait() {
        for (sent, wanted) in [
            ("wait=25", Some(25)),
            ("respond-async, wait=10", Some(10)),
            ("Wait=\"3\"; x=y", Some(3)),
            ("wait=0", Some(0)),
            ("wait=99999", Some(600)),
            ("wait=soon", None),
            ("wait", None),
            ("waiting=3", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(sent));
            assert_eq!(Poll::new(&Method::GET, &headers).wait, wanted.map(Duration::from_secs), "{sent}");
        }
    }

    #[test]
    fn a_validator_is_compared_weakly_and_in_lists() {
        let document = Document::new("{}");
        for (sent, has) in [
            (document.etag.clone(), true),
            (format!("W/{}", document.etag), true),
            (format!("\"x\", {}", document.etag), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
        ] {
            let poll = Poll { validators: Some(sent.clone()), wait: None, body: true };
            assert_eq!(poll.has(&document), has, "{sent}");
        }
    }
}
