//! Counts of answered, refused and failed requests, and log lines whose number is limited.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::net::exposition::{Labels, gauge};

/// So many lines are written in each window; the rest is summed up in one.
const LINES: u32 = 10;
const WINDOW: Duration = Duration::from_mins(1);

/// The counts since the start.
#[derive(Debug)]
pub(super) struct Stats(Mutex<Counts>);

#[derive(Debug)]
struct Counts {
    answered: u64,
    streams: u64,
    /// Open connections.
    connected: usize,
    /// By code.
    refused: BTreeMap<&'static str, u64>,
    /// By code; the engine's side.
    failed: BTreeMap<&'static str, u64>,
    window: Instant,
    lines: u32,
    /// Lines not written in this window.
    unwritten: u32,
}

impl Stats {
    /// All zero.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Counts {
            answered: 0,
            streams: 0,
            connected: 0,
            refused: BTreeMap::new(),
            failed: BTreeMap::new(),
            window: Instant::now(),
            lines: 0,
            unwritten: 0,
        }))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request that the engine answered.
    pub(super) fn answered(&self) {
        let mut counts = self.counts();
        counts.answered = counts.answered.saturating_add(1);
    }

    /// An event stream that was opened.
    pub(super) fn streamed(&self) {
        let mut counts = self.counts();
        counts.streams = counts.streams.saturating_add(1);
    }

    /// So many are connected now.
    pub(super) fn connected(&self, count: usize) {
        self.counts().connected = count;
    }

    /// A request that went no further; true if it should be logged.
    pub(super) fn refused(&self, code: &'static str) -> bool {
        let mut counts = self.counts();
        let count = counts.refused.entry(code).or_default();
        *count = count.saturating_add(1);
        counts.may_log()
    }

    /// A request that the engine did not answer properly; true if it should be logged.
    pub(super) fn failed(&self, code: &'static str) -> bool {
        let mut counts = self.counts();
        let count = counts.failed.entry(code).or_default();
        *count = count.saturating_add(1);
        counts.may_log()
    }

    /// Registers the counts. Codes are words of the program's own.
    pub(super) fn register(&self, registry: &mut Registry) {
        let counts = self.counts();
        let requests = Family::<Labels, Counter>::default();
        let answered = BTreeMap::from([("", counts.answered)]);
        for (outcome, codes) in [("answered", &answered), ("refused", &counts.refused), ("failed", &counts.failed)] {
            for (code, count) in codes {
                let labels = vec![("outcome", outcome.to_owned()), ("code", (*code).to_owned())];
                requests.get_or_create(&labels).inc_by(*count);
            }
        }
        registry.register("requests", "Requests by what came of them, and by the reason where there is one", requests);
        let streams = Counter::<u64>::default();
        streams.inc_by(counts.streams);
        registry.register("event_streams", "Event streams that were opened", streams);
        gauge(registry, "connections", "Open connections", i64::try_from(counts.connected).unwrap_or(i64::MAX));
    }

    /// Lines that were suppressed since the last call.
    pub(super) fn unwritten(&self) -> u32 {
        std::mem::take(&mut self.counts().unwritten)
    }
}

impl Counts {
    fn may_log(&mut self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.window) >= WINDOW {
            (self.window, self.lines) = (now, 0);
        }
        self.lines = self.lines.saturating_add(1);
        if self.lines > LINES {
            self.unwritten = self.unwritten.saturating_add(1);
        }
        self.lines <= LINES
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        let by_code = |counts: &BTreeMap<&'static str, u64>| {
            let total = counts.values().sum::<u64>();
            let each: Vec<String> = counts.iter().map(|(code, count)| format!("{code} {count}")).collect();
            if each.is_empty() { total.to_string() } else { format!("{total} ({})", each.join(", ")) }
        };
        write!(
            formatter,
            "answered {}, event streams {}, refused {}, failed {}",
            counts.answered,
            counts.streams,
            by_code(&counts.refused),
            by_code(&counts.failed)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_counted_whole_and_logged_in_part() {
        let stats = Stats::new();
        let logged = (0..1000).filter(|_| stats.refused("path")).count();
        assert_eq!((logged, stats.unwritten(), stats.unwritten()), (10, 990, 0));
        tokio::time::advance(WINDOW).await;
        assert!(stats.failed("engine-closed"));
        stats.answered();
        insta::assert_snapshot!(stats.to_string(), @"answered 1, event streams 0, refused 1000 (path 1000), failed 1 (engine-closed 1)");
    }
}
