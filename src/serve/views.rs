//! Views are made apart from the polls: on threads of their own, few at once, and with bounds on how long one may take
//! and on what waits to be sent. Whatever a view costs, `/config` and `/healthz` are answered, and the service ends.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::warn;

use super::negotiate::error;

/// How many are made at once.
const AT_ONCE: usize = 2;
/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(2);
/// How long one may take.
const LONGEST: Duration = Duration::from_secs(10);
/// KiB of answers that are made and not yet taken by their clients.
const MOST_KIB: usize = 32 * 1024;

/// What bounds the views of all clients; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Views {
    places: Arc<Semaphore>,
    kib: Arc<Semaphore>,
    turn: Duration,
    longest: Duration,
}

impl Default for Views {
    fn default() -> Self {
        Self::new(AT_ONCE, TURN, LONGEST)
    }
}

/// A view, made.
#[derive(Debug)]
pub(super) struct View {
    pub(super) status: StatusCode,
    /// Its media type.
    pub(super) kind: &'static str,
    pub(super) text: String,
}

impl View {
    /// One that is found.
    pub(super) fn good(kind: &'static str, text: String) -> Self {
        Self { status: StatusCode::OK, kind, text }
    }
}

impl Views {
    /// `at_once`: how many are made at once; `turn`: how long a request waits for that; `longest`: how long one may take.
    pub(super) fn new(at_once: usize, turn: Duration, longest: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once)), kib: Arc::new(Semaphore::new(MOST_KIB)), turn, longest }
    }

    /// Makes a view and answers with it: see [`Self::make`] and [`Self::send`].
    pub(super) async fn answer(&self, make: impl FnOnce() -> View + Send + 'static) -> Response {
        match self.make(make).await {
            Ok(view) => self.send(view),
            Err(busy) => busy,
        }
    }

    /// Makes what is to be shown. Errors: 503 with `Retry-After` where too many are being made; 503 without, and with what to
    /// ask for instead, where this one takes too long: it keeps its place until it is done, for a thread cannot be stopped.
    pub(super) async fn make<T: Send + 'static>(
        &self,
        make: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Response> {
        let Ok(Ok(place)) = timeout(self.turn, Arc::clone(&self.places).acquire_owned()).await else {
            return Err(busy("too many others are asking"));
        };
        let making = spawn_blocking(move || {
            let made = make();
            drop(place);
            made
        });
        match timeout(self.longest, making).await {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(problem)) => {
                tracing::error!("internal error in an answer: {problem}");
                Err(error(StatusCode::INTERNAL_SERVER_ERROR, "internal error; see the log of Leeward"))
            }
            Err(_) => {
                let longest = self.longest.as_secs();
                warn!("an answer took longer than {longest} s");
                let words = format!(
                    "not in {longest} s: ask for less, one project or container by its name (/fix/NAME, /explain/NAME); or run \
                     the same verb of `leeward` with --engine, which takes as long as it takes"
                );
                Err(error(StatusCode::SERVICE_UNAVAILABLE, words))
            }
        }
    }

    /// An answer. 503 with `Retry-After` where too much is on its way to slow clients.
    pub(super) fn send(&self, View { status, kind, text }: View) -> Response {
        let kib = u32::try_from((text.len() / 1024 + 1).min(MOST_KIB)).unwrap_or(u32::MAX);
        match Arc::clone(&self.kib).try_acquire_many_owned(kib) {
            Ok(room) => {
                let body = Body::from(Bytes::from_owner(Sending { text, _room: room }));
                (status, [(header::CONTENT_TYPE, kind)], body).into_response()
            }
            Err(_) => busy("too many answers are on their way to slow clients"),
        }
    }
}

/// An answer, until its last byte is taken.
struct Sending {
    text: String,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Sending {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

fn busy(why: &str) -> Response {
    let words = format!("not now: {why}; ask again in a moment");
    ([(header::RETRY_AFTER, "5")], error(StatusCode::SERVICE_UNAVAILABLE, words)).into_response()
}
