//! A connection whose other side must take what it is given: a write that stands still for too long ends it, and so does
//! one that moves, but never catches up.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// So many times the patience with a write that waits is there for everything that is to be written.
const TO_CATCH_UP: u32 = 10;

/// Bounds how long a write may wait. Reads may wait for ever: an event stream's client says nothing.
pub(super) struct Patient<Io> {
    io: Io,
    patience: Duration,
    /// Set while a write waits.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Since when something is left to be written.
    behind: Option<Instant>,
}

impl<Io> Patient<Io> {
    /// Around a connection.
    pub(super) fn new(io: Io, patience: Duration) -> Self {
        Self { io, patience, deadline: None, behind: None }
    }

    fn judge<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let patience = self.patience;
        if self.behind.is_some_and(|since| since.elapsed() > patience.saturating_mul(TO_CATCH_UP)) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if polled.is_ready() {
            self.deadline = None;
            return polled;
        }
        self.behind.get_or_insert_with(Instant::now);
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(patience)));
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Patient<Io> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, into)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Patient<Io> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(context, from);
        self.judge(polled, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(context, from);
        self.judge(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Only asked for once everything is written.
        let polled = Pin::new(&mut self.io).poll_flush(context);
        if polled.is_ready() {
            self.behind = None;
        }
        self.judge(polled, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_shutdown(context);
        self.judge(polled, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_write_that_stands_still_ends() {
        let (ours, _theirs) = tokio::io::duplex(16);
        let mut ours = Patient::new(ours, Duration::from_mins(1));
        let begun = Instant::now();
        let outcome = ours.write_all(&[0; 64]).await;
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_reads_is_served() {
        use tokio::io::AsyncReadExt;
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut ours = Patient::new(ours, Duration::from_mins(1));
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
        use tokio::io::AsyncReadExt;
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut ours = Patient::new(ours, Duration::from_mins(1));
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
        assert_eq!(seconds, 650);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_catches_up_begins_anew() {
        use tokio::io::AsyncReadExt;
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut ours = Patient::new(ours, Duration::from_mins(1));
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
