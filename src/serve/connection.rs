//! One client's connection: what it was given, how far its request is, and how long it may take.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long a client may take, in its various ways to take long.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From a request's first byte to the end of its head; also for the TLS handshake.
    pub head: Duration,
    /// Without a request. Longer than any sensible poll interval, for what a connection was given is forgotten with it.
    pub idle: Duration,
    /// For taking an answer whole.
    pub write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), idle: Duration::from_secs(330), write: Duration::from_secs(30) }
    }
}

/// What is known of one connection. Its requests come one after the other.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// The last document it was given: name and tag.
    given: Mutex<Option<(String, String)>>,
    /// A request is being answered.
    asking: AtomicBool,
    /// How many requests have begun.
    asked: AtomicU64,
    /// It was given what only those get who may ask.
    proven: AtomicBool,
}

impl Connection {
    /// Whether the last document it was given is this one.
    pub(super) fn was_given(&self, name: &str, etag: &str) -> bool {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.as_ref().is_some_and(|(its_name, its_etag)| its_name == name && its_etag == etag)
    }

    /// It is given this document.
    pub(super) fn give(&self, name: &str, etag: &str) {
        *self.given.lock().unwrap_or_else(PoisonError::into_inner) = Some((name.to_owned(), etag.to_owned()));
        self.proven.store(true, Ordering::Relaxed);
    }

    /// It was given a document before: most likely it is a Traefik.
    pub(super) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    /// A request of it is being answered, or held.
    pub(super) fn is_asking(&self) -> bool {
        self.asking.load(Ordering::Relaxed)
    }

    /// A request begins; it ends when what is returned is dropped.
    pub(super) fn ask(&self) -> Asking<'_> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.asking.store(true, Ordering::Relaxed);
        Asking(self)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Asking<'a>(&'a Connection);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.store(false, Ordering::Relaxed);
    }
}

/// What a client is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The next request, after so many.
    Request(u64),
    /// The rest of its head.
    Head(u64),
}

/// A stream that ends with `TimedOut` when its client takes too long. While a request is answered the client may be
/// silent for ever: it is being held.
pub(super) struct Patient<Io, C> {
    io: Io,
    connection: C,
    patience: Patience,
    /// The number of the request of whose head some bytes have come.
    head_of: Option<u64>,
    awaited: Option<(Awaited, Pin<Box<Sleep>>)>,
    /// Set from the first write that has to wait until all of the answer is gone.
    writing: Option<Pin<Box<Sleep>>>,
}

impl<Io, C: AsRef<Connection>> Patient<Io, C> {
    pub(super) fn new(io: Io, connection: C, patience: Patience) -> Self {
        Self { io, connection, patience, head_of: None, awaited: None, writing: None }
    }

    /// Nothing has come: has the client used up its time?
    fn poll_awaited(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let connection = self.connection.as_ref();
        if connection.is_asking() {
            self.awaited = None;
            return Poll::Pending;
        }
        let asked = connection.asked.load(Ordering::Relaxed);
        let (awaited, patience) = if self.head_of == Some(asked) {
            (Awaited::Head(asked), self.patience.head)
        } else {
            (Awaited::Request(asked), self.patience.idle)
        };
        let fresh = || (awaited, Box::pin(sleep(patience)));
        let (before, deadline) = self.awaited.get_or_insert_with(fresh);
        if *before != awaited {
            *before = awaited;
            deadline.as_mut().reset(Instant::now() + patience);
        }
        deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// As `polled`, unless the answer has been on its way for too long.
    fn poll_writing<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() && self.writing.is_none() {
            return polled;
        }
        let patience = self.patience.write;
        let deadline = self.writing.get_or_insert_with(|| Box::pin(sleep(patience)));
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => polled,
        }
    }
}

impl<Io: AsyncRead + Unpin, C: AsRef<Connection> + Unpin> AsyncRead for Patient<Io, C> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        match Pin::new(&mut this.io).poll_read(context, into) {
            Poll::Ready(Ok(())) => {
                let connection = this.connection.as_ref();
                if into.filled().len() > before && !connection.is_asking() {
                    this.head_of = Some(connection.asked.load(Ordering::Relaxed));
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_awaited(context),
        }
    }
}

impl<Io: AsyncWrite + Unpin, C: AsRef<Connection> + Unpin> AsyncWrite for Patient<Io, C> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write(context, from);
        this.poll_writing(polled, context)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_flush(context);
        if matches!(polled, Poll::Ready(Ok(()))) {
            // The server flushes once all of the answer is written.
            this.writing = None;
        }
        this.poll_writing(polled, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_shutdown(context);
        this.poll_writing(polled, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write_vectored(context, from);
        this.poll_writing(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;

    use super::*;

    fn pair(buffer: usize) -> (Patient<tokio::io::DuplexStream, Arc<Connection>>, tokio::io::DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(buffer);
        (Patient::new(ours, Arc::default(), Patience::default()), theirs)
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_is_cut_after_ten_seconds() {
        let (mut ours, mut theirs) = pair(64);
        let begun = Instant::now();
        let trickle = async {
            while theirs.write_all(b"G").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        };
        let read = async {
            let mut into = Vec::new();
            ours.read_to_end(&mut into).await.unwrap_err().kind()
        };
        tokio::select! {
            kind = read => assert_eq!(kind, io::ErrorKind::TimedOut),
            () = trickle => unreachable!("our end is open"),
        }
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_client_stays_longer_than_any_poll_interval() {
        let (mut ours, _theirs) = pair(64);
        let begun = Instant::now();
        assert_eq!(ours.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), Patience::default().idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_client_may_be_silent_and_is_given_a_whole_interval_again() {
        let (mut ours, mut theirs) = pair(64);
        theirs.write_all(b"G").await.unwrap();
        ours.read_u8().await.unwrap();
        let connection = Arc::clone(&ours.connection);
        let asking = connection.ask();
        assert!(timeout(Duration::from_hours(1), ours.read_u8()).await.is_err(), "held for an hour");
        drop(asking);
        let begun = Instant::now();
        assert_eq!(ours.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), Patience::default().idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_trickles_is_cut_though_each_byte_gets_through() {
        let (mut ours, mut theirs) = pair(1);
        let trickle = async {
            while theirs.read_u8().await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        };
        let begun = Instant::now();
        tokio::select! {
            written = ours.write_all(&[0; 1000]) => assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut),
            () = trickle => unreachable!("our end is open"),
        }
        assert_eq!(begun.elapsed().as_secs(), 30);
    }
}
