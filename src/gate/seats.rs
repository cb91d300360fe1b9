//! Places for clients. Before the last ones are given away, whoever has been silent longest has to leave: clients that
//! connect and say nothing, or half a word, cannot keep the others out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// One place in this many is kept free while anyone is silent.
const ONE_SPARE_IN: usize = 16;

/// All places.
pub(super) struct Seats {
    free: Arc<Semaphore>,
    spare: usize,
    silent: Mutex<Silent>,
}

/// Clients that have no answer under way, the one that has had none for the longest time first.
#[derive(Default)]
struct Silent {
    next: u64,
    clients: BTreeMap<u64, Arc<Notify>>,
}

/// One client's place, until it is dropped.
pub(super) struct Seat {
    seats: Arc<Seats>,
    _place: OwnedSemaphorePermit,
    leave: Arc<Notify>,
    /// Its key among the silent; `None` while it is being answered.
    silent_as: Mutex<Option<u64>>,
    has_been_answered: AtomicBool,
}

/// An answer under way; the client is silent again when it is dropped.
pub(super) struct Speaking(Arc<Seat>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seats {
    /// So many, all free.
    pub(super) fn new(count: usize) -> Arc<Self> {
        let spare = (count / ONE_SPARE_IN).max(1);
        Arc::new(Self { free: Arc::new(Semaphore::new(count)), spare, silent: Mutex::default() })
    }

    /// A place for a client that has said nothing yet; `None` if all are taken. Also whether somebody was asked to leave
    /// for the next one's sake.
    pub(super) fn take(self: &Arc<Self>) -> Option<(Arc<Seat>, bool)> {
        let place = Arc::clone(&self.free).try_acquire_owned().ok()?;
        let has_asked = self.free.available_permits() < self.spare && self.ask_one_to_leave();
        let seat = Arc::new(Seat {
            seats: Arc::clone(self),
            _place: place,
            leave: Arc::default(),
            silent_as: Mutex::default(),
            has_been_answered: AtomicBool::new(false),
        });
        seat.fall_silent();
        Some((seat, has_asked))
    }

    fn ask_one_to_leave(&self) -> bool {
        let longest = lock(&self.silent).clients.pop_first();
        longest.map(|(_, leave)| leave.notify_one()).is_some()
    }
}

impl Seat {
    /// Resolves when the place is wanted for somebody else.
    pub(super) async fn wanted(&self) {
        self.leave.notified().await;
    }

    /// Marks the client as being answered.
    pub(super) fn speak(self: &Arc<Self>) -> Speaking {
        self.forget();
        self.has_been_answered.store(true, Ordering::Relaxed);
        Speaking(Arc::clone(self))
    }

    /// Whether part of an answer may still be on its way.
    pub(super) fn has_been_answered(&self) -> bool {
        self.has_been_answered.load(Ordering::Relaxed)
    }

    /// Whether nothing is under way.
    pub(super) fn is_silent(&self) -> bool {
        lock(&self.silent_as).is_some()
    }

    fn fall_silent(&self) {
        let mut silent = lock(&self.seats.silent);
        let key = silent.next;
        silent.next = key.wrapping_add(1);
        silent.clients.insert(key, Arc::clone(&self.leave));
        *lock(&self.silent_as) = Some(key);
    }

    fn forget(&self) {
        let mut silent = lock(&self.seats.silent);
        if let Some(key) = lock(&self.silent_as).take() {
            silent.clients.remove(&key);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Drop for Speaking {
    fn drop(&mut self) {
        self.0.fall_silent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn is_wanted(seat: &Seat) -> bool {
        seat.wanted().now_or_never().is_some()
    }

    #[test]
    fn the_longest_silent_client_makes_room() {
        let seats = Seats::new(3);
        let (first, asked) = seats.take().unwrap();
        assert!(!asked);
        let (second, _) = seats.take().unwrap();
        drop(first.speak());
        let (third, asked) = seats.take().unwrap();
        assert!(asked && is_wanted(&second) && !is_wanted(&first) && !is_wanted(&third));
        assert!(seats.take().is_none());
        drop(second);
        let (_fourth, _) = seats.take().unwrap();
        assert!(is_wanted(&first));
    }

    #[test]
    fn nobody_leaves_in_the_middle_of_an_answer() {
        let seats = Seats::new(2);
        let (first, _) = seats.take().unwrap();
        let speaking = first.speak();
        assert!(!first.is_silent());
        let (second, asked) = seats.take().unwrap();
        assert!(!asked && !is_wanted(&first));
        drop(speaking);
        assert!(first.is_silent());
        drop((first, second));
        assert!(lock(&seats.silent).clients.is_empty());
    }
}
