//! The accept loop: a connection limit, fair eviction, and newcomers that wait for a moment.
//!
//! A crowd must not keep the real reader out. When all places are taken, a newcomer waits, and somebody is asked to leave
//! for it: who is silent before who is being answered, and of those a connection of whoever holds the most. Leaving means
//! ending after the answer under way; who takes longer for that than its share of time is cut off. So a crowd, even of the
//! reader's own process, takes turns with it, and what is meant to stay open gives way only to peers that hold less.
//!
//! Newcomers that hold least are let in first, and among equals the one that has waited longest.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::connection::Connection;
use super::peer::{Crowds, Peer};

/// How long a newcomer waits for a place.
const WAIT: Duration = Duration::from_secs(5);
/// How many newcomers wait. Each has a file descriptor, and a process may have 1,024.
const MOST_WAITING: usize = 256;
/// How often places are looked for while newcomers wait.
const LOOK: Duration = Duration::from_millis(10);
/// A connection that has not asked yet has had its time after this: its first request is on its way …
const FIRST_SHARE: Duration = Duration::from_millis(500);
/// … and one that has had its answer after this.
const SILENT_SHARE: Duration = Duration::from_millis(25);
/// A connection that is being answered has had its time after this, where its peer holds more than the newcomer's …
const CROWD_SHARE: Duration = Duration::from_millis(250);
/// … and after this in any case.
const BUSY_SHARE: Duration = Duration::from_secs(3);
/// A peer that holds no more than one place in so many is no crowd.
const FEW: usize = 16;

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    /// Whoever may open the file.
    Unix(UnixListener),
    /// Whoever can reach the port.
    Tcp(TcpListener),
}

/// A client's stream, of either kind.
pub(crate) type Stream = Box<dyn ReadWrite>;

/// Both ways.
pub(crate) trait ReadWrite: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ReadWrite for T {}

/// Whose connections are accepted.
pub(crate) trait Host: Send + Sync + 'static {
    /// Serves one connection, from its first byte to its last. Once [`Connection::wanted`] resolves it ends after the
    /// answer under way.
    fn talk(self: Arc<Self>, stream: Stream, connection: Arc<Connection>) -> impl Future<Output = ()> + Send + 'static;

    /// So many are connected now.
    fn connected(&self, count: usize);

    /// A newcomer found all places taken.
    fn is_full(&self);

    /// A newcomer found no place in time; what it is told, if there is anything to say before it has spoken.
    fn turn_away(&self) -> &'static [u8];
}

impl Listener {
    async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Unix(listener) => {
                let stream = listener.accept().await?.0;
                let peer = stream.peer_cred()?;
                // Linux says 0 for a process that has no number here.
                let pid = peer.pid().filter(|pid| *pid != 0);
                Ok((Box::new(stream), Peer::Process { uid: peer.uid(), pid }))
            }
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), Peer::Address(peer.ip().to_canonical())))
            }
        }
    }
}

/// Accepts until `end` changes or its sender is gone; then answers under way may take `drain`. `places`: connections at
/// once.
pub(crate) async fn accept(
    listener: Listener,
    places: usize,
    host: Arc<impl Host>,
    mut end: watch::Receiver<bool>,
    drain: Duration,
) {
    let mut door = Door { places, ..Door::default() };
    let mut tasks: JoinSet<u64> = JoinSet::new();
    loop {
        door.let_in(&host, &mut tasks);
        let waits = !door.waiting.is_empty();
        tokio::select! {
            _ = end.changed() => break,
            Some(left) = tasks.join_next() => match left {
                Ok(number) => drop(door.guests.remove(&number)),
                // Cut off (and gone from the list already), or failed.
                Err(_) => door.guests.retain(|_, guest| !guest.task.is_finished()),
            },
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => door.arrive(stream, peer, &*host),
                Err(error) => {
                    // Out of file descriptors, mostly: make room, and do not spin.
                    warn!("cannot accept a connection: {error}");
                    door.cut_off_one();
                    sleep(Duration::from_millis(50)).await;
                }
            },
            () = sleep(LOOK), if waits => {}
        }
    }
    drop((listener, door));
    if timeout(drain, async { while tasks.join_next().await.is_some() {} }).await.is_err() {
        warn!("stopped before some clients had read their answers");
    }
    // What is not done by now is dropped with the set.
}

/// One open connection.
#[derive(Debug)]
struct Guest {
    peer: Peer,
    connection: Arc<Connection>,
    task: AbortHandle,
    /// It was asked to leave.
    leaving: bool,
}

/// One that waits for a place.
struct Newcomer {
    peer: Peer,
    stream: Stream,
    since: Instant,
}

/// Who is in, and who waits.
#[derive(Default)]
struct Door {
    places: usize,
    number: u64,
    guests: BTreeMap<u64, Guest>,
    waiting: Vec<Newcomer>,
    /// When places were last looked for.
    looked: Option<Instant>,
}

impl Door {
    fn arrive(&mut self, stream: Stream, peer: Peer, host: &impl Host) {
        self.waiting.push(Newcomer { peer, stream, since: Instant::now() });
        if self.guests.len() < self.places {
            return;
        }
        host.is_full();
        if self.waiting.len() > MOST_WAITING {
            // The last that came of the largest crowd.
            let crowds: Crowds = self.waiting.iter().map(|it| it.peer).collect();
            let last = self.waiting.iter().enumerate().max_by_key(|(at, it)| (crowds.size(it.peer), *at));
            if let Some(at) = last.map(|(at, _)| at) {
                turn_away(self.waiting.remove(at), host);
            }
        }
    }

    /// Lets in who waits, as long as there are places, and makes places.
    fn let_in(&mut self, host: &Arc<impl Host>, tasks: &mut JoinSet<u64>) {
        // A flood of newcomers is looked at together.
        let may_look = self.looked.is_none_or(|looked| looked.elapsed() >= LOOK);
        loop {
            while self.guests.len() < self.places {
                let Some(newcomer) = self.next() else { break };
                self.number += 1;
                let number = self.number;
                let connection = Arc::new(Connection::of(newcomer.peer));
                let (talking, asked) = (Arc::clone(host), Arc::clone(&connection));
                // Called in the task: a future that is made outside and moved in takes its room twice.
                let task = tasks.spawn(async move {
                    talking.talk(newcomer.stream, asked).await;
                    number
                });
                let peer = newcomer.peer;
                self.guests.insert(number, Guest { peer, connection, task, leaving: false });
            }
            if self.waiting.is_empty() || !may_look || !self.make_places() {
                break;
            }
        }
        host.connected(self.guests.len());
        for late in self.waiting.extract_if(.., |it| it.since.elapsed() > WAIT).collect::<Vec<_>>() {
            turn_away(late, &**host);
        }
    }

    fn crowds(&self) -> Crowds {
        self.guests.values().map(|guest| guest.peer).collect()
    }

    /// Who holds least, and of those who has waited longest.
    fn next(&mut self) -> Option<Newcomer> {
        if self.waiting.iter().all(|it| Some(it.peer) == self.waiting.first().map(|it| it.peer)) {
            return (!self.waiting.is_empty()).then(|| self.waiting.remove(0));
        }
        let crowds = self.crowds();
        let at =
            self.waiting.iter().enumerate().min_by_key(|(at, it)| (crowds.size(it.peer), *at)).map(|(at, _)| at)?;
        Some(self.waiting.remove(at))
    }

    /// Asks as many to leave as wait, and cuts off who was asked and has had its time. `true`: there are places now.
    fn make_places(&mut self) -> bool {
        self.looked = Some(Instant::now());
        let crowds = self.crowds();
        let Some(newcomer) = self.waiting.iter().map(|it| it.peer).min_by_key(|peer| crowds.size(*peer)) else {
            return false;
        };
        let mut spare: Vec<_> = self
            .guests
            .iter()
            .filter(|(_, it)| can_be_spared(it, newcomer, &crowds))
            .map(|(number, it)| (rank(it, &crowds), *number))
            .collect();
        spare.sort_unstable();
        for (_, number) in spare.into_iter().take(self.waiting.len()) {
            if let Some(guest) = self.guests.get_mut(&number).filter(|it| !it.leaving) {
                guest.leaving = true;
                guest.connection.leave();
            }
        }
        let few = (self.places / FEW).max(1);
        let before = self.guests.len();
        self.guests.retain(|_, guest| {
            let is_crowd = crowds.outnumber(guest.peer, newcomer) && crowds.size(guest.peer).1 > few;
            let share = match (guest.connection.is_busy(), guest.connection.is_kept()) {
                (false, _) => silent_share(&guest.connection),
                // It would not end by itself.
                (true, true) => Duration::ZERO,
                (true, false) if is_crowd => CROWD_SHARE,
                (true, false) => BUSY_SHARE,
            };
            let stays = !guest.leaving || guest.connection.age() < share;
            if !stays {
                guest.task.abort();
            }
            stays
        });
        self.guests.len() < before
    }

    /// Cuts off the connection that can best be spared, for nobody in particular.
    fn cut_off_one(&mut self) {
        let crowds = self.crowds();
        let spare = self.guests.iter().min_by_key(|(number, it)| (rank(it, &crowds), **number));
        if let Some(guest) = spare.map(|(number, _)| *number).and_then(|number| self.guests.remove(&number)) {
            guest.task.abort();
        }
    }
}

/// For how long a silent connection may be so while others wait.
fn silent_share(connection: &Connection) -> Duration {
    if connection.asked() == 0 { FIRST_SHARE } else { SILENT_SHARE }
}

/// Whether a connection may be asked to leave. What is meant to stay open gives way to who holds less, and between two
/// requests to its own peer.
fn can_be_spared(guest: &Guest, newcomer: Peer, crowds: &Crowds) -> bool {
    let connection = &guest.connection;
    let has_had_its_time = connection.is_busy() || connection.age() >= silent_share(connection);
    let gives_way = !connection.is_kept()
        || crowds.outnumber(guest.peer, newcomer)
        || guest.peer == newcomer && !connection.is_busy();
    has_had_its_time && gives_way
}

/// In which order connections are spared: the lowest first.
fn rank(
    guest: &Guest,
    crowds: &Crowds,
) -> (bool, bool, std::cmp::Reverse<(usize, usize)>, std::cmp::Reverse<Duration>) {
    let connection = &guest.connection;
    let size = std::cmp::Reverse(crowds.size(guest.peer));
    (connection.is_kept(), connection.is_busy(), size, std::cmp::Reverse(connection.age()))
}

fn turn_away(mut newcomer: Newcomer, host: &impl Host) {
    // A new connection takes this much at once, or is gone.
    drop(newcomer.stream.write_all(host.turn_away()).now_or_never());
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Host for Nobody {
        async fn talk(self: Arc<Self>, _stream: Stream, connection: Arc<Connection>) {
            connection.wanted().await;
        }

        fn connected(&self, _count: usize) {}

        fn is_full(&self) {}

        fn turn_away(&self) -> &'static [u8] {
            b""
        }
    }

    /// What a guest is, besides whose.
    #[derive(Clone, Copy)]
    enum Is {
        Silent,
        Busy,
        /// A poll that is held, or a stream.
        Kept,
        /// Was given what is meant to stay, and is silent now.
        KeptSilent,
    }

    /// The guests that are left once `newcomer` has waited for `waited`; guests as `(process, what)` of one user, in the
    /// order they came. All places are taken.
    async fn left_after(guests: &[(i32, Is)], newcomer: i32, waited: Duration) -> Vec<u64> {
        let peer = |pid| Peer::Process { uid: 1, pid: Some(pid) };
        let mut tasks = JoinSet::new();
        let mut door = Door { places: guests.len(), ..Door::default() };
        let mut asking = Vec::new();
        for (number, (pid, is)) in (1..).zip(guests) {
            let connection = Arc::new(Connection::of(peer(*pid)));
            match is {
                Is::Silent => {}
                Is::Busy | Is::Kept => asking.push(connection.ask()),
                Is::KeptSilent => drop(connection.ask()),
            }
            if matches!(is, Is::Kept | Is::KeptSilent) {
                connection.keep();
            }
            let task = tasks.spawn(std::future::pending());
            door.guests.insert(number, Guest { peer: peer(*pid), connection, task, leaving: false });
            door.number = number;
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let host = Arc::new(Nobody);
        let (stream, _) = tokio::io::duplex(1);
        door.arrive(Box::new(stream), peer(newcomer), &*host);
        let begun = Instant::now();
        while begun.elapsed() < waited {
            door.let_in(&host, &mut tasks);
            tokio::time::advance(LOOK).await;
        }
        door.guests.into_keys().collect()
    }

    const SOON: Duration = Duration::from_millis(700);

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_goes_before_who_is_answered_and_the_largest_crowd_first() {
        use Is::{Busy, Silent};
        assert_eq!(left_after(&[(7, Busy), (7, Silent), (7, Silent)], 7, SOON).await, [1, 3, 4]);
        assert_eq!(left_after(&[(8, Silent), (7, Silent), (7, Silent)], 9, SOON).await, [1, 3, 4]);
        // A first request may be on its way.
        assert_eq!(left_after(&[(7, Silent), (7, Silent)], 8, Duration::from_millis(100)).await, [1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_that_is_answered_gives_way_at_once_and_equals_take_turns() {
        use Is::Busy;
        assert_eq!(left_after(&[(7, Busy), (7, Busy), (8, Busy)], 8, Duration::from_secs(1)).await, [1, 2, 3]);
        assert_eq!(left_after(&[(7, Busy), (7, Busy), (7, Busy)], 8, SOON).await, [2, 3, 4]);
        assert_eq!(left_after(&[(7, Busy), (8, Busy)], 9, SOON).await, [1, 2]);
        assert_eq!(left_after(&[(7, Busy), (8, Busy)], 9, BUSY_SHARE + SOON).await, [2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_meant_to_stay_gives_way_only_to_who_holds_less() {
        use Is::{Kept, KeptSilent, Silent};
        let late = BUSY_SHARE + SOON;
        assert_eq!(left_after(&[(2, Kept), (7, Silent), (7, Silent)], 7, late).await, [1, 3, 4]);
        assert_eq!(left_after(&[(2, Kept), (7, Kept), (7, Kept), (7, Kept)], 2, late).await, [1, 3, 4, 5]);
        assert_eq!(left_after(&[(2, Kept), (7, Kept), (7, Kept)], 7, late).await, [1, 2, 3]);
        assert_eq!(left_after(&[(2, Kept), (7, KeptSilent), (7, Kept)], 7, late).await, [1, 3, 4]);
    }
}
