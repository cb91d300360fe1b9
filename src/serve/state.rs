//! What every request can see.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::auth::Tokens;
use super::guesses::Guesses;
use super::metrics::Metrics;
use super::published::Published;
use super::views::Views;
use crate::settings::Settings;

/// What every request can see; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    /// What holds now; `None` before the first complete inventory. Its sender is dropped when the service ends, which
    /// ends every wait.
    pub(super) published: watch::Receiver<Option<Arc<Published>>>,
    /// What the published plan is compiled with.
    pub(super) settings: Arc<Settings>,
    /// How long a poll is held where nothing else is asked for.
    pub(super) hold: Duration,
    /// Since when it serves.
    pub(super) begun: Instant,
    /// How long outbound names stay allowed once the engine does not answer.
    pub(super) outbound_keep: Duration,
    /// One permit for each poll that may be held.
    pub(super) holds: Arc<Semaphore>,
    /// One permit for each page that may be held.
    pub(super) page_holds: Arc<Semaphore>,
    /// It is spoken to over TLS.
    pub(super) is_tls: bool,
    /// The tokens that are good; `None`: none is needed.
    pub(super) tokens: Option<watch::Receiver<Tokens>>,
    /// How often one may be tried.
    pub(super) guesses: Arc<Guesses>,
    /// Names that browsers may call this service by, lower case.
    pub(super) allow_hosts: Arc<[String]>,
    /// The counters.
    pub(super) metrics: Arc<Metrics>,
    /// What bounds the views.
    pub(super) views: Views,
}

impl Shared {
    /// What holds now.
    pub(super) fn now(&self) -> Option<Arc<Published>> {
        self.published.borrow().clone()
    }
}
