//! The gate's own conversation with the engine.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use hyper::StatusCode;
use thiserror::Error;

use super::ask::Request;
use crate::net::client::{self, Answer, Target};

/// What went wrong on the engine's side. The words reach the client; none is the engine's.
#[derive(Debug, Error)]
pub(super) enum Fault {
    /// Nobody listens, or not for us.
    #[error("the engine's socket cannot be opened: {0}")]
    Closed(std::io::Error),
    /// Not HTTP, or cut off.
    #[error("the engine broke off: {0}")]
    Broken(hyper::Error),
    /// No answer, or no end of one, in time.
    #[error("the engine did not answer within {:?}", .0)]
    Slow(Duration),
    /// More than the bound.
    #[error("the engine's answer is longer than {0} bytes")]
    Long(usize),
    /// Not the JSON that was expected.
    #[error(transparent)]
    Garbled(#[from] super::response_filter::Garbled),
    /// A redirect, or a status that is none of an answer's.
    #[error("the engine answered with the unexpected status {0}")]
    Status(StatusCode),
}

impl Fault {
    /// A stable word for counts and logs.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Closed(_) => "engine-closed",
            Self::Broken(_) => "engine-broke-off",
            Self::Slow(_) => "engine-slow",
            Self::Long(_) => "engine-answer-long",
            Self::Garbled(_) => "engine-answer-garbled",
            Self::Status(_) => "engine-status",
        }
    }
}

impl From<client::Error> for Fault {
    fn from(error: client::Error) -> Self {
        match error {
            client::Error::Connect(error) => Self::Closed(error),
            client::Error::Broken(error) => Self::Broken(error),
            client::Error::Slow(time_limit) => Self::Slow(time_limit),
            client::Error::Long(most) => Self::Long(most),
        }
    }
}

/// Asks the engine. Bytes of the request are the gate's own.
pub(super) async fn ask(socket: &Path, request: &Request, time_limit: Duration) -> Result<Answer, Fault> {
    // All parts were written from checked values; were one not valid, nothing is sent.
    let own = client::request(request.method(), "docker", &request.target());
    let own = own.map_err(|_| Fault::Status(StatusCode::BAD_REQUEST))?;
    Ok(client::ask(&Target::Unix(socket.to_owned()), own, time_limit, u64::MAX).await?)
}

/// Whether the engine's socket was removed while this process still sees it: a container's bind mount shows the file that
/// was there when it started, for ever. An engine that restarts makes a new one, which only a new mount can show.
pub(super) fn is_orphan(socket: &Path) -> bool {
    socket.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
}
