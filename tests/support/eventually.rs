//! Waits for what comes about in its own time.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asks twenty times a second, for twenty seconds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        sleep(Duration::from_millis(50));
    }
}
