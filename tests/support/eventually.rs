//! Waits for what comes about in its own time.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// What an attempt saw: that it is so, or what was there instead.
pub(crate) trait Seen {
    fn verdict(self) -> Result<(), String>;
}

impl Seen for bool {
    fn verdict(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("it is not so".to_owned()) }
    }
}

impl Seen for Result<(), String> {
    fn verdict(self) -> Self {
        self
    }
}

/// Tries until `attempt` succeeds, twenty times a second at most; says how long it took.
#[track_caller]
pub(crate) fn eventually<S: Seen>(limit: Duration, what: &str, mut attempt: impl FnMut() -> S) -> Duration {
    let begun = Instant::now();
    loop {
        match attempt().verdict() {
            Ok(()) => return begun.elapsed(),
            Err(last) if begun.elapsed() > limit => panic!("not within {limit:?}: {what}; last seen: {last}"),
            Err(_) => sleep(Duration::from_millis(50)),
        }
    }
}
