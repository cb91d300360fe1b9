//! The gate's own conversation with the engine: one request on one connection, the answer within bounds.
//!
//! A connection serves one request and is dropped: a Unix socket costs little to open, an engine that restarted leaves
//! no dead connection behind, and nothing of one client's is ever in front of another's.

use std::future::Future;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

use super::ask::Request;

/// The most bytes that the head of an answer may have. The smallest that hyper takes.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// When an engine whose accept queue is full is tried again.
const FULL_QUEUE: Duration = Duration::from_millis(20);

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

/// The work of a connection; it has to be polled for its answer to arrive.
type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An answer whose head has arrived.
pub(super) struct Answer {
    head: Response<Incoming>,
    driver: Option<Driver>,
}

/// Asks the engine. Bytes of the request are the gate's own.
pub(super) async fn ask(socket: &Path, request: &Request, patience: Duration) -> Result<Answer, Fault> {
    let asking = async {
        let stream = connect(socket).await.map_err(Fault::Closed)?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Fault::Broken)?;
        let mut driver: Driver = Box::pin(async move {
            // What ends a connection early shows as the end of its answer.
            drop(connection.await);
        });
        let own = hyper::Request::builder()
            .method(request.method())
            .uri(request.target())
            .header(HOST, "docker")
            .body(Empty::<Bytes>::new());
        // All parts were written from checked values; were one not valid, nothing is sent.
        let own = own.map_err(|_| Fault::Status(StatusCode::BAD_REQUEST))?;
        let (head, driver) = match select(pin!(sender.send_request(own)), &mut driver).await {
            Either::Left((head, _)) => (head, Some(driver)),
            Either::Right(((), head)) => (head.await, None),
        };
        Ok(Answer { head: head.map_err(Fault::Broken)?, driver })
    };
    timeout(patience, asking).await.unwrap_or(Err(Fault::Slow(patience)))
}

/// Connects. Linux says at once that an engine's accept queue is full: then it is tried again, for as long as the caller
/// waits.
async fn connect(socket: &Path) -> std::io::Result<UnixStream> {
    loop {
        match UnixStream::connect(socket).await {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => sleep(FULL_QUEUE).await,
            outcome => return outcome,
        }
    }
}

/// Whether the engine's socket was removed while this process still sees it: a container's bind mount shows the file that
/// was there when it started, for ever. An engine that restarts makes a new one, which only a new mount can show.
pub(super) fn is_orphan(socket: &Path) -> bool {
    socket.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
}

impl Answer {
    /// The status that the engine gave.
    pub(super) fn status(&self) -> StatusCode {
        self.head.status()
    }

    /// The engine's headers. For reading single ones only.
    pub(super) fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// The next bytes of the body; `None` at its end.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        loop {
            let frame = match &mut self.driver {
                None => self.head.body_mut().frame().await,
                Some(driver) => match select(self.head.body_mut().frame(), driver).await {
                    Either::Left((frame, _)) => frame,
                    Either::Right(((), frame)) => {
                        let frame = frame.await;
                        self.driver = None;
                        frame
                    }
                },
            };
            match frame?.map(hyper::body::Frame::into_data) {
                Ok(Ok(bytes)) => return Some(Ok(bytes)),
                // Trailers say nothing that anyone reads.
                Ok(Err(_)) => {}
                Err(error) => return Some(Err(Fault::Broken(error))),
            }
        }
    }

    /// The whole body, if it comes in time and is no longer than `most` bytes.
    pub(super) async fn whole(mut self, most: usize, patience: Duration) -> Result<Vec<u8>, Fault> {
        let reading = async {
            let mut whole = Vec::new();
            while let Some(bytes) = self.next().await {
                let bytes = bytes?;
                if whole.len().saturating_add(bytes.len()) > most {
                    return Err(Fault::Long(most));
                }
                whole.extend_from_slice(&bytes);
            }
            Ok(whole)
        };
        timeout(patience, reading).await.unwrap_or(Err(Fault::Slow(patience)))
    }
}
