//! One request on a connection of its own, over a Unix socket, TCP or TLS; its answer within bounds of time and size.
//!
//! A connection serves one request and is dropped: it costs little to open, a server that restarted leaves no dead
//! connection behind, and nothing of one request's is ever in front of another's. It runs only while its answer is waited
//! for, in the same task: there is none that could outlive it.

use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap};
use hyper::{Method, Request, Response, StatusCode, http};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, join, split};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

/// The most bytes that the head of an answer may have. The smallest that hyper takes.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// When a Unix socket whose queue is full is tried again.
const FULL_QUEUE: Duration = Duration::from_millis(20);

/// Whom to ask.
#[derive(Clone, Debug)]
pub enum Target {
    /// A Unix socket.
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
    /// TLS.
    Tls {
        /// `host:port`.
        address: String,
        /// The name that the certificate must hold.
        name: ServerName<'static>,
        /// Whom to trust, and what to show.
        config: Arc<ClientConfig>,
    },
}

/// Why there is no answer, or no end of one.
#[derive(Debug, Error)]
pub enum Error {
    /// Nobody listens, or not for us.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// Not HTTP, or cut off.
    #[error("it broke off: {}", chain(.0))]
    Broken(hyper::Error),
    /// Not in time.
    #[error("no answer within {0:?}")]
    Slow(Duration),
    /// More than the bound, in bytes.
    #[error("the answer is longer than {0} bytes")]
    Long(usize),
}

/// The work of a connection; it has to be polled for its answer to arrive.
pub(crate) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An answer whose head has arrived.
pub struct Answer {
    head: Response<Incoming>,
    driver: Option<Driver>,
}

/// A request without a body, for a path with its query. Errors: one of the three is none.
pub fn request<M>(method: M, host: &str, path: &str) -> http::Result<Request<Empty<Bytes>>>
where
    M: TryInto<Method>,
    M::Error: Into<http::Error>,
{
    Request::builder().method(method).uri(path).header(HOST, host).body(Empty::new())
}

/// Connects, sends a request, and waits for the head of its answer; all of that for as long as `time_limit`. After `most`
/// bytes, head and body, the answer breaks off, whoever reads it.
pub async fn ask(
    target: &Target,
    request: Request<Empty<Bytes>>,
    time_limit: Duration,
    most: u64,
) -> Result<Answer, Error> {
    let asking = async {
        match target {
            Target::Unix(socket) => exchange(unix(socket).await.map_err(Error::Connect)?, most, request).await,
            Target::Tcp(address) => {
                exchange(TcpStream::connect(address).await.map_err(Error::Connect)?, most, request).await
            }
            Target::Tls { address, name, config } => {
                let plain = TcpStream::connect(address).await.map_err(Error::Connect)?;
                let stream = TlsConnector::from(Arc::clone(config)).connect(name.clone(), plain).await;
                exchange(stream.map_err(Error::Connect)?, most, request).await
            }
        }
    };
    timeout(time_limit, asking).await.unwrap_or(Err(Error::Slow(time_limit)))
}

/// Connects. Linux says at once that the queue of a Unix socket is full: then it is tried again, for as long as the caller
/// waits.
async fn unix(socket: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(socket).await {
            Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(FULL_QUEUE).await,
            outcome => return outcome,
        }
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    most: u64,
    request: Request<Empty<Bytes>>,
) -> Result<Answer, Error> {
    let (read, write) = split(stream);
    let stream = TokioIo::new(join(read.take(most), write));
    let begun = http1::Builder::new().max_buf_size(MAX_HEAD_BYTES).handshake(stream).await;
    let (mut sender, connection) = begun.map_err(Error::Broken)?;
    // What ends a connection early shows as the end of its answer.
    let mut driver: Driver = Box::pin(async move { drop(connection.await) });
    let (head, driver) = match select(pin!(sender.send_request(request)), &mut driver).await {
        Either::Left((head, _)) => (head, Some(driver)),
        Either::Right(((), head)) => (head.await, None),
    };
    Ok(Answer { head: head.map_err(Error::Broken)?, driver })
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answer").field("head", &self.head).finish_non_exhaustive()
    }
}

impl Answer {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.head.status()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// The next bytes of the body; `None` at its end.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
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
            match frame?.map(Frame::into_data) {
                Ok(Ok(bytes)) => return Some(Ok(bytes)),
                // Trailers say nothing that anyone reads.
                Ok(Err(_)) => {}
                Err(error) => return Some(Err(Error::Broken(error))),
            }
        }
    }

    /// The answer for somebody else to read, and what has to be polled until it is.
    pub(crate) fn into_parts(self) -> (Response<Incoming>, Option<Driver>) {
        (self.head, self.driver)
    }

    /// The whole body, if it comes in time and is no longer than `most` bytes.
    pub async fn whole(mut self, most: usize, time_limit: Duration) -> Result<Vec<u8>, Error> {
        let reading = async {
            let mut whole = Vec::new();
            while let Some(bytes) = self.next().await {
                let bytes = bytes?;
                if whole.len().saturating_add(bytes.len()) > most {
                    return Err(Error::Long(most));
                }
                whole.extend_from_slice(&bytes);
            }
            Ok(whole)
        };
        timeout(time_limit, reading).await.unwrap_or(Err(Error::Slow(time_limit)))
    }
}

/// An error and its causes: hyper's own words are "connection error", and why is in the cause.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Asks a server that reads the request, answers with these bytes, and waits for the end of the connection. Gives what
    /// was asked, and what `with` made of the answer.
    async fn asked<T>(most: u64, says: &[u8], with: impl AsyncFnOnce(Result<Answer, Error>) -> T) -> (String, T) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            // Whoever asks may have enough before all is said.
            drop(stream.write_all(says).await);
            drop(stream.read_to_end(&mut Vec::new()).await);
            String::from_utf8(head).unwrap()
        };
        let asking = async {
            let request = request("GET", "there", "/a?b=c").unwrap();
            with(ask(&Target::Unix(socket.clone()), request, PATIENCE, most).await).await
        };
        timeout(PATIENCE, async { tokio::join!(serving, asking) }).await.expect("the connection outlives its answer")
    }

    #[tokio::test]
    async fn an_answer_is_read_whole_and_its_connection_ends_with_it() {
        let says = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole";
        let whole = async |answer: Result<Answer, Error>| answer.unwrap().whole(5, PATIENCE).await.unwrap();
        let (head, body) = asked(u64::MAX, says, whole).await;
        assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n") && head.contains("host: there\r\n"), "{head}");
        assert_eq!(body, b"whole");
        // Also when nobody wants its body.
        asked(u64::MAX, says, async |answer| drop(answer.unwrap())).await;
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_not_read_to_its_end() {
        let mut says = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        says.resize(1 << 20, b'x');
        let (_, refused) = asked(u64::MAX, &says, async |answer| answer.unwrap().whole(1000, PATIENCE).await).await;
        assert!(matches!(refused, Err(Error::Long(1000))), "{refused:?}");
        // Whoever reads it: what has a length is cut off, what has none ends.
        let mut says = b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n".to_vec();
        says.resize(2_000_000, b'x');
        let all = async |answer: Result<Answer, Error>| answer.unwrap().whole(usize::MAX, PATIENCE).await;
        let (_, refused) = asked(5000, &says, all).await;
        assert!(matches!(refused, Err(Error::Broken(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_head_that_is_too_long_is_no_answer() {
        let says = [b"HTTP/1.1 200 OK\r\nx: ", "x".repeat(1 << 20).as_bytes(), b"\r\n\r\n"].concat();
        let (_, refused) = asked(u64::MAX, &says, async |answer| answer.map(drop)).await;
        assert!(matches!(refused, Err(Error::Broken(_))), "{refused:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_left_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        let answer = ask(&Target::Unix(socket), request("GET", "there", "/").unwrap(), PATIENCE, u64::MAX).await;
        assert!(matches!(answer, Err(Error::Slow(PATIENCE))), "{answer:?}");
    }
}
