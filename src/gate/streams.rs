//! Places for event streams. When all are taken, a peer that holds fewer takes over one of whoever holds the most; among
//! equals those that are there stay.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::net::peer::{Peer, PeerCounts};

/// All places.
pub(super) struct Streams {
    places: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    streams: BTreeMap<u64, (Peer, Arc<Notify>)>,
}

/// One stream's place, until it is dropped.
pub(super) struct Place {
    streams: Arc<Streams>,
    number: u64,
    taken_over: Arc<Notify>,
}

impl Streams {
    /// So many, all free.
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self { places, open: Mutex::default() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a stream of `peer`; `None` if there is none.
    pub(super) fn take(self: &Arc<Self>, peer: Peer) -> Option<Place> {
        let mut open = self.open();
        if open.streams.len() >= self.places {
            let counts: PeerCounts = open.streams.values().map(|(peer, _)| *peer).collect();
            let larger = open.streams.iter().filter(|(_, (holder, _))| counts.holds_more(*holder, peer));
            let number = *larger.max_by_key(|(number, (holder, _))| (counts.size(*holder), **number))?.0;
            let (_, taken_over) = open.streams.remove(&number)?;
            taken_over.notify_one();
        }
        let (number, taken_over) = (open.next, Arc::<Notify>::default());
        open.next += 1;
        open.streams.insert(number, (peer, Arc::clone(&taken_over)));
        Some(Place { streams: Arc::clone(self), number, taken_over })
    }
}

impl Place {
    /// Resolves when another peer has taken the place over.
    pub(super) async fn taken_over(&self) {
        self.taken_over.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.open().streams.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_crowd_gives_way_and_equals_do_not() {
        let process = |pid| Peer::Process { uid: 1, pid: Some(pid) };
        let streams = Streams::new(3);
        let crowd: Vec<_> = (0..3).filter_map(|_| streams.take(process(7))).collect();
        assert!(streams.take(process(7)).is_none(), "its own are as good");
        let reader = streams.take(process(8)).unwrap();
        let over: Vec<bool> = crowd.iter().map(|place| place.taken_over().now_or_never().is_some()).collect();
        assert_eq!(over, [false, false, true]);
        // Two of one, one of the other: who comes anew has less than the first.
        let third = streams.take(process(9)).unwrap();
        assert!(streams.take(process(10)).is_none(), "three hold one each");
        assert!(reader.taken_over().now_or_never().is_none());
        drop((reader, third));
        assert!(streams.take(process(10)).is_some());
    }
}
