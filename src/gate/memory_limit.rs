//! How much of long answers may be in memory at once, from the engine's first byte to the client's taking the last. Clients
//! that ask for long lists and do not read them use up the room for long lists, and nothing else.

use std::sync::Arc;

use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Answers up to this need no memory: any connection may have one. An inspection has a fifth of it.
const SMALL_BYTES: usize = 64 * 1024;
/// What is counted in.
const UNIT: usize = 1024;

/// How much of long answers may be in memory.
#[derive(Clone)]
pub(super) struct MemoryLimit {
    free: Arc<Semaphore>,
    /// One long answer is read at a time: several at once could each get a part of the room, and none enough.
    reading: Arc<Semaphore>,
}

/// The part of it that one answer takes up, until it is dropped.
pub(super) struct Reservation {
    memory: MemoryLimit,
    units: Option<OwnedSemaphorePermit>,
}

impl MemoryLimit {
    /// MemoryLimit for one answer of so many bytes, and for what is made of it.
    pub(super) fn new(longest_bytes: usize) -> Self {
        let units = (longest_bytes / UNIT).saturating_mul(2).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(units)), reading: Arc::new(Semaphore::new(1)) }
    }

    /// The turn to read an answer that turns out to be long, until it is dropped.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed.
        Arc::clone(&self.reading).acquire_owned().await.ok()
    }

    /// Whether an answer of so many bytes is a long one.
    pub(super) fn is_long(bytes: usize) -> bool {
        bytes > SMALL_BYTES
    }

    /// Nothing yet.
    pub(super) fn reserve(&self) -> Reservation {
        Reservation { memory: self.clone(), units: None }
    }
}

impl Reservation {
    /// Takes up what so many bytes need, if there is that much room.
    #[must_use]
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        let wanted = if MemoryLimit::is_long(bytes) { bytes.div_ceil(UNIT) } else { 0 };
        let missing = wanted.saturating_sub(self.units.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        if missing == 0 {
            return true;
        }
        let more =
            u32::try_from(missing).ok().and_then(|it| Arc::clone(&self.memory.free).try_acquire_many_owned(it).ok());
        match (more, &mut self.units) {
            (None, _) => return false,
            (Some(more), Some(units)) => units.merge(more),
            (Some(more), none @ None) => *none = Some(more),
        }
        true
    }

    /// The bytes, which take up their room for as long as they are there.
    pub(super) fn around(self, bytes: Vec<u8>) -> Bytes {
        match self.units {
            None => Bytes::from(bytes),
            Some(_) => Bytes::from_owner(Held { bytes, _reservation: self }),
        }
    }
}

struct Held {
    bytes: Vec<u8>,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KILO: usize = 1024;

    #[test]
    fn long_answers_share_the_room_and_short_ones_need_none() {
        let room = MemoryLimit::new(100 * KILO);
        let mut first = room.reserve();
        assert!(first.grow_to(64 * KILO) && first.grow_to(90 * KILO) && first.grow_to(100 * KILO));
        let mut second = room.reserve();
        assert!(second.grow_to(100 * KILO));
        let mut third = room.reserve();
        assert!(third.grow_to(64 * KILO) && !third.grow_to(65 * KILO));
        let bytes = first.around(vec![7; 100 * KILO]);
        assert!(!third.grow_to(65 * KILO));
        let rest = bytes.slice(99 * KILO..);
        drop(bytes);
        assert!(!third.grow_to(65 * KILO));
        drop(rest);
        assert!(third.grow_to(65 * KILO));
    }
}
