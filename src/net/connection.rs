//! What is known of one connection: who made it, and whether a request of it is under way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::peer::Peer;

/// What is known of one connection. Its requests come one after the other.
#[derive(Debug)]
pub(crate) struct Connection {
    peer: Option<Peer>,
    state: Mutex<State>,
    close: Notify,
}

#[derive(Debug)]
struct State {
    /// How many requests have begun.
    asked: u64,
    /// A request is being answered.
    asking: bool,
    /// Part of an answer was not taken yet.
    writing: bool,
    /// See [`Connection::set_long_lived`].
    long_lived: bool,
    /// Since when it is busy, or silent.
    since: Instant,
}

/// A request under way: until it is dropped.
#[derive(Debug)]
pub(crate) struct Asking(Arc<Connection>);

impl Default for Connection {
    fn default() -> Self {
        let state = State { asked: 0, asking: false, writing: false, long_lived: false, since: Instant::now() };
        Self { peer: None, state: Mutex::new(state), close: Notify::new() }
    }
}

impl Connection {
    /// Made by `peer`, just now.
    pub(crate) fn of(peer: Peer) -> Self {
        Self { peer: Some(peer), ..Self::default() }
    }

    /// Who made it; `None` in tests only.
    pub(crate) fn peer(&self) -> Option<Peer> {
        self.peer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        let before = state.is_busy();
        change(&mut state);
        if state.is_busy() != before {
            state.since = Instant::now();
        }
    }

    /// A request begins.
    pub(crate) fn ask(self: &Arc<Self>) -> Asking {
        self.change(|state| {
            state.asked += 1;
            state.asking = true;
        });
        Asking(Arc::clone(self))
    }

    /// Whether a request of it is being answered, or held.
    pub(crate) fn is_asking(&self) -> bool {
        self.state().asking
    }

    /// How many requests have begun.
    pub(crate) fn asked(&self) -> u64 {
        self.state().asked
    }

    /// Part of an answer waits for the client, or no longer does.
    pub(crate) fn write(&self, writing: bool) {
        self.change(|state| state.writing = writing);
    }

    /// Whether a request is being answered, or its answer not taken yet.
    pub(crate) fn is_busy(&self) -> bool {
        self.state().is_busy()
    }

    /// For how long it has been busy, or silent.
    pub(crate) fn age(&self) -> Duration {
        self.state().since.elapsed()
    }

    /// It serves what is meant to stay open: a held poll, an event stream. It is closed only for a peer that has fewer
    /// connections.
    pub(crate) fn set_long_lived(&self) {
        self.change(|state| state.long_lived = true);
    }

    /// Whether it is meant to stay open.
    pub(crate) fn is_long_lived(&self) -> bool {
        self.state().long_lived
    }

    /// Asks it to end after the answer under way.
    pub(crate) fn close(&self) {
        self.close.notify_one();
    }

    /// Resolves when it is asked to close.
    pub(crate) async fn closing(&self) {
        self.close.notified().await;
    }
}

impl State {
    fn is_busy(&self) -> bool {
        self.asking || self.writing
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.change(|state| state.asking = false);
    }
}
