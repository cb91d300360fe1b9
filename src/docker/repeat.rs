//! Asks a question a second time where an engine answers newer ones and not this one: it swallowed it.
//!
//! An engine that hung and is well again answers new questions at once, and the old ones never. Waiting for their
//! timeout would cost ten seconds. The price is small: while a question waits longer than usual, one `/_ping` a second
//! shows whether the engine answers, and a question that hangs for a reason of its own is asked twice.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};

/// How often an engine is asked whether it answers, and how long it has for that.
const PING: Duration = Duration::from_secs(1);
/// How many questions are asked a second time at once. A gate has 128 connections for all its clients.
const AT_ONCE: usize = 16;

/// What one engine answered last.
#[derive(Debug)]
pub(super) struct Answered {
    /// When the newest question that it answered was asked.
    newest: watch::Sender<Instant>,
    repeats: Semaphore,
    /// Held by the one who pings.
    pings: Mutex<()>,
}

impl Default for Answered {
    fn default() -> Self {
        Self { newest: watch::Sender::new(Instant::now()), repeats: Semaphore::new(AT_ONCE), pings: Mutex::default() }
    }
}

impl Answered {
    /// Asks with `ask`, and a second time where a question that was asked later is answered first and this one has had no
    /// answer for `usual`; the second time again where it is overtaken in its turn. The first good answer counts, and the
    /// first time's error. `ping` asks for something that an engine answers at once.
    pub(super) async fn ask<T, E, A, P>(
        &self,
        usual: Duration,
        ask: impl Fn() -> A,
        ping: impl Fn() -> P,
    ) -> Result<T, E>
    where
        A: Future<Output = Result<T, E>>,
        P: Future<Output = Result<T, E>>,
    {
        let asked = Instant::now();
        let mut first = pin!(self.once(ask()));
        tokio::select! {
            biased;
            answer = &mut first => answer,
            // In a box: few come so far, and all would carry its size.
            answer = Box::pin(async {
                sleep(usual).await;
                self.overtaken(asked, &ping).await;
                // Never closed.
                let _place = self.repeats.acquire().await;
                loop {
                    let asked = Instant::now();
                    let overtaken = async {
                        sleep(usual).await;
                        self.overtaken(asked, &ping).await;
                    };
                    tokio::select! {
                        biased;
                        Ok(answer) = self.once(ask()) => return Ok(answer),
                        () = overtaken => {}
                    }
                }
            }) => answer,
        }
    }

    /// Asks, and notes that an answer came.
    async fn once<T, E>(&self, ask: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let asked = Instant::now();
        let answer = ask.await;
        if answer.is_ok() {
            self.newest.send_if_modified(|newest| {
                let is_newer = asked > *newest;
                *newest = (*newest).max(asked);
                is_newer
            });
        }
        answer
    }

    /// Waits until a question is answered that was asked later.
    async fn overtaken<T, E, P>(&self, asked: Instant, ping: &impl Fn() -> P)
    where
        P: Future<Output = Result<T, E>>,
    {
        let mut newest = self.newest.subscribe();
        let pinging = async {
            let _turn = self.pings.lock().await;
            loop {
                let begun = Instant::now();
                // Whether it answered shows in `newest`.
                drop(timeout(PING, self.once(ping())).await);
                sleep(PING.saturating_sub(begun.elapsed())).await;
            }
        };
        tokio::select! {
            biased;
            // Never closed: the sender is `self`'s.
            _ = newest.wait_for(|newest| *newest > asked) => {}
            () = pinging => {}
        }
    }
}
