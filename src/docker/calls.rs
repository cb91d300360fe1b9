//! How often the engine was asked, for what, and what came of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hyper::StatusCode;

use super::connection::Error;

/// The counts since the start, by what was asked for and by what came of it. Both are words of closed sets.
#[derive(Debug, Default)]
pub struct Calls(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

impl Calls {
    /// A question came to its end.
    pub(super) fn count(&self, path: &str, outcome: Result<StatusCode, &Error>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((kind(path), result(outcome))).or_default();
        *count = count.saturating_add(1);
    }

    /// `(kind, result, count)`, in order.
    pub fn counts(&self) -> Vec<(&'static str, &'static str, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|((kind, result), count)| (*kind, *result, *count)).collect()
    }
}

/// What a path asks for: a plural is a list.
fn kind(path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
    // `/v1.41/info`.
    parts.next_if(|part| part.starts_with('v') && part.contains('.'));
    match parts.collect::<Vec<_>>().as_slice() {
        ["_ping"] => "ping",
        ["version"] => "version",
        ["info"] => "info",
        ["events"] => "events",
        ["containers", "json"] => "containers",
        ["containers", _, "json"] => "container",
        ["networks"] => "networks",
        ["networks", _] => "network",
        ["images", .., "json"] => "image",
        ["volumes", _] => "volume",
        ["services"] => "services",
        ["tasks"] => "tasks",
        ["nodes"] => "nodes",
        _ => "other",
    }
}

/// What the head of the answer says, or why there is none.
fn result(outcome: Result<StatusCode, &Error>) -> &'static str {
    match outcome {
        Ok(status) if status.is_success() => "answered",
        Ok(StatusCode::NOT_FOUND) => "not-found",
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED) => "forbidden",
        Ok(StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => "busy",
        Ok(_) | Err(Error::Status { .. }) => "error",
        Err(Error::Connect { .. } | Error::Certificates(_)) => "unreachable",
        Err(Error::TooSlow { .. }) => "timeout",
        Err(Error::TooLarge { .. } | Error::Garbled { .. }) => "broken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_chooses_makes_no_new_series() {
        for (path, wanted) in [
            ("/v1.41/containers/json?all=1", "containers"),
            ("/containers/0123/json", "container"),
            ("/networks/abc", "network"),
            ("/v1.41/images/sha256:12/json?platform=x", "image"),
            ("/images/a/b/json", "image"),
            ("/volumes/v1.2", "volume"),
            ("/v1.41/events?since=1", "events"),
            ("/debug/vars", "other"),
            ("/containers/-/export", "other"),
            ("", "other"),
        ] {
            assert_eq!(kind(path), wanted, "{path}");
        }
    }
}
