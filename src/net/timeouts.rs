//! A client's stream that ends with `TimedOut` when its client takes too long, in any of its ways to take long.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::connection::Connection;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From a request's first byte to the end of its head; also for the TLS handshake.
    pub head: Duration,
    /// Without a request. For `serve` longer than any sensible poll interval: what a connection was given is forgotten
    /// with it.
    pub idle: Duration,
    /// Without taking any more of an answer.
    pub stall: Duration,
    /// For taking all that waits to be taken, once some of it has to wait.
    pub answer: Duration,
}

/// What a client is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The next request, after so many.
    Request(u64),
    /// The rest of its head.
    Head(u64),
}

/// A stream with time-outs. While a request is answered the client may be silent for ever: it is being held, or its stream
/// has nothing to say.
pub(crate) struct TimedStream<Io> {
    io: Io,
    connection: Arc<Connection>,
    timeouts: Timeouts,
    /// The number of the request of whose head some bytes have come.
    head_of: Option<u64>,
    awaited: Option<(Awaited, Pin<Box<Sleep>>)>,
    writing: Option<Writing>,
}

/// From the first write that has to wait until all is gone.
struct Writing {
    /// When all of it has to be gone.
    end: Instant,
    deadline: Pin<Box<Sleep>>,
    /// Some of it was taken since the deadline was set.
    moved: bool,
}

impl<Io> TimedStream<Io> {
    pub(crate) fn new(io: Io, connection: Arc<Connection>, timeouts: Timeouts) -> Self {
        Self { io, connection, timeouts, head_of: None, awaited: None, writing: None }
    }

    /// Nothing has come: has the client used up its time?
    fn poll_awaited(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.connection.is_busy() {
            self.awaited = None;
            return Poll::Pending;
        }
        let asked = self.connection.asked();
        let (awaited, limit) = if self.head_of == Some(asked) {
            (Awaited::Head(asked), self.timeouts.head)
        } else {
            (Awaited::Request(asked), self.timeouts.idle)
        };
        let fresh = || (awaited, Box::pin(sleep(limit)));
        let (before, deadline) = self.awaited.get_or_insert_with(fresh);
        if *before != awaited {
            *before = awaited;
            deadline.as_mut().reset(Instant::now() + limit);
        }
        deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// As `polled`, unless the client takes too long over what it is given.
    fn poll_writing<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Timeouts { stall, answer, .. } = self.timeouts;
        if polled.is_ready() {
            let Some(writing) = &mut self.writing else { return polled };
            writing.moved = true;
            return if Instant::now() < writing.end {
                polled
            } else {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            };
        }
        let now = Instant::now();
        let writing = self.writing.get_or_insert_with(|| {
            self.connection.write(true);
            Writing { end: now + answer, deadline: Box::pin(sleep(stall.min(answer))), moved: false }
        });
        if std::mem::take(&mut writing.moved) {
            writing.deadline.as_mut().reset(writing.end.min(now + stall));
        }
        writing.deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// All of an answer is gone.
    fn written(&mut self, context: &Context<'_>) {
        if self.writing.take().is_some() {
            self.connection.write(false);
            // From now on a request is waited for, and whoever reads has to notice.
            context.waker().wake_by_ref();
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for TimedStream<Io> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        match Pin::new(&mut this.io).poll_read(context, into) {
            Poll::Ready(Ok(())) => {
                if into.filled().len() > before && !this.connection.is_asking() {
                    this.head_of = Some(this.connection.asked());
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_awaited(context),
        }
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for TimedStream<Io> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write(context, from);
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

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // The server flushes once all that it has is written.
        let polled = Pin::new(&mut this.io).poll_flush(context);
        if matches!(polled, Poll::Ready(Ok(()))) {
            this.written(context);
            return polled;
        }
        this.poll_writing(polled, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_shutdown(context);
        this.poll_writing(polled, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::time::timeout;

    use super::*;

    const LIMITS: Timeouts = Timeouts {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(330),
        stall: Duration::from_mins(1),
        answer: Duration::from_mins(10),
    };

    fn pair(buffer: usize) -> (TimedStream<DuplexStream>, DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(buffer);
        (TimedStream::new(ours, Arc::default(), LIMITS), theirs)
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
        assert_eq!(begun.elapsed(), LIMITS.idle);
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
        assert_eq!(begun.elapsed(), LIMITS.idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_stands_still_ends() {
        let (mut ours, _theirs) = pair(16);
        let begun = Instant::now();
        let outcome = ours.write_all(&[0; 64]).await;
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_reads_is_served() {
        let (mut ours, mut theirs) = pair(16);
        let reading = async {
            let mut byte = [0; 16];
            for _ in 0..4 {
                sleep(Duration::from_secs(50)).await;
                theirs.read_exact(&mut byte).await.unwrap();
            }
        };
        let (wrote, ()) = tokio::join!(ours.write_all(&[0; 64]), reading);
        wrote.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_only_ever_sips_is_left() {
        let (mut ours, mut theirs) = pair(16);
        let sipping = async {
            let mut byte = [0];
            while theirs.read_exact(&mut byte).await.is_ok() {
                sleep(Duration::from_secs(50)).await;
            }
        };
        let writing = async move {
            let begun = Instant::now();
            let outcome = ours.write_all(&[0; 64]).await;
            (outcome, begun.elapsed().as_secs())
        };
        let ((wrote, seconds), ()) = tokio::join!(writing, sipping);
        assert_eq!(wrote.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(seconds, 600);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_catches_up_begins_anew() {
        let (mut ours, mut theirs) = pair(16);
        for _ in 0..20 {
            let reading = async {
                sleep(Duration::from_secs(50)).await;
                theirs.read_exact(&mut [0; 32]).await.unwrap();
            };
            let writing = async {
                ours.write_all(&[0; 32]).await.unwrap();
                ours.flush().await.unwrap();
            };
            tokio::join!(writing, reading);
        }
    }
}
