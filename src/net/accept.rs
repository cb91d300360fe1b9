//! The accept loop: a connection limit, fair eviction, and a queue for new connections.
//!
//! Many connections of one client must not keep the others out. At the limit a new connection waits in the queue, and an
//! open one is asked to close: an idle one before a busy one, and of those a connection of the peer that has the most. It
//! closes after the answer under way; if that takes longer than its grace period, it is cut. What is meant to stay open (a
//! held poll, an event stream) is closed only for a peer that has fewer connections.
//!
//! Of the queue, the peer with the fewest connections is admitted first, and among equals the one that has waited longest.

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
use super::peer::{Peer, PeerCounts};

/// How long a new connection waits in the queue.
const WAIT: Duration = Duration::from_secs(5);
/// The length of the queue. Each has a file descriptor, and a process may have 1,024.
const MOST_WAITING: usize = 256;
/// How often connections are evicted while others wait.
const EVICT_EVERY: Duration = Duration::from_millis(10);
/// Grace period of a connection without a request yet: the first may be on its way …
const FIRST_GRACE: Duration = Duration::from_millis(500);
/// … of one between two requests …
const IDLE_GRACE: Duration = Duration::from_millis(25);
/// … of one that is being answered, if its peer has more than the new one's …
const MANY_GRACE: Duration = Duration::from_millis(250);
/// … and in any case.
const BUSY_GRACE: Duration = Duration::from_secs(3);
/// A peer has many connections if it has more than one in so many of the limit.
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
pub(crate) trait Handler: Send + Sync + 'static {
    /// Serves one connection, from its first byte to its last. Once [`Connection::closing`] resolves it ends after the
    /// answer under way.
    fn serve(self: Arc<Self>, stream: Stream, connection: Arc<Connection>)
    -> impl Future<Output = ()> + Send + 'static;

    /// So many are connected now.
    fn connected(&self, count: usize);

    /// A new connection came at the limit.
    fn is_full(&self);

    /// What a connection is told that was not admitted in time, if anything can be said before it has spoken.
    fn reject(&self) -> &'static [u8];
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

/// Accepts until `end` changes or its sender is gone; then answers under way may take `drain`. `max_connections`: at once.
pub(crate) async fn accept(
    listener: Listener,
    max_connections: usize,
    handler: Arc<impl Handler>,
    mut end: watch::Receiver<bool>,
    drain: Duration,
) {
    let mut admission = Admission { max_connections, ..Admission::default() };
    let mut tasks: JoinSet<u64> = JoinSet::new();
    loop {
        admission.admit(&handler, &mut tasks);
        let waits = !admission.waiting.is_empty();
        tokio::select! {
            _ = end.changed() => break,
            Some(left) = tasks.join_next() => match left {
                Ok(number) => drop(admission.open.remove(&number)),
                // Cut off (and gone from the list already), or failed.
                Err(_) => admission.open.retain(|_, open| !open.task.is_finished()),
            },
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => admission.enqueue(stream, peer, &*handler),
                Err(error) => {
                    // Out of file descriptors, mostly: make room, and do not spin.
                    warn!("cannot accept a connection: {error}");
                    admission.evict_one();
                    sleep(Duration::from_millis(50)).await;
                }
            },
            () = sleep(EVICT_EVERY), if waits => {}
        }
    }
    drop((listener, admission));
    if timeout(drain, async { while tasks.join_next().await.is_some() {} }).await.is_err() {
        warn!("stopped before some clients had read their answers");
    }
    // What is not done by now is dropped with the set.
}

/// One open connection.
#[derive(Debug)]
struct Open {
    peer: Peer,
    connection: Arc<Connection>,
    task: AbortHandle,
    /// It was asked to close.
    closing: bool,
}

/// A connection in the queue.
struct Waiting {
    peer: Peer,
    stream: Stream,
    since: Instant,
}

/// Which connections are open, and which wait.
#[derive(Default)]
struct Admission {
    max_connections: usize,
    number: u64,
    open: BTreeMap<u64, Open>,
    waiting: Vec<Waiting>,
    /// When connections were last evicted.
    evicted: Option<Instant>,
}

impl Admission {
    fn enqueue(&mut self, stream: Stream, peer: Peer, handler: &impl Handler) {
        self.waiting.push(Waiting { peer, stream, since: Instant::now() });
        if self.open.len() < self.max_connections {
            return;
        }
        handler.is_full();
        if self.waiting.len() > MOST_WAITING {
            // The last that came of the peer with the most.
            let counts: PeerCounts = self.waiting.iter().map(|it| it.peer).collect();
            let last = self.waiting.iter().enumerate().max_by_key(|(at, it)| (counts.size(it.peer), *at));
            if let Some(at) = last.map(|(at, _)| at) {
                reject(self.waiting.remove(at), handler);
            }
        }
    }

    /// Admits the queue up to the limit, and evicts for the rest of it.
    fn admit(&mut self, handler: &Arc<impl Handler>, tasks: &mut JoinSet<u64>) {
        // A flood of newcomers is evicted at together.
        let may_evict = self.evicted.is_none_or(|evicted| evicted.elapsed() >= EVICT_EVERY);
        loop {
            while self.open.len() < self.max_connections {
                let Some(newcomer) = self.next() else { break };
                self.number += 1;
                let number = self.number;
                let connection = Arc::new(Connection::of(newcomer.peer));
                let (serving, asked) = (Arc::clone(handler), Arc::clone(&connection));
                // Called in the task: a future that is made outside and moved in takes its room twice.
                let task = tasks.spawn(async move {
                    serving.serve(newcomer.stream, asked).await;
                    number
                });
                let peer = newcomer.peer;
                self.open.insert(number, Open { peer, connection, task, closing: false });
            }
            if self.waiting.is_empty() || !may_evict || !self.evict() {
                break;
            }
        }
        handler.connected(self.open.len());
        for late in self.waiting.extract_if(.., |it| it.since.elapsed() > WAIT).collect::<Vec<_>>() {
            reject(late, &**handler);
        }
    }

    fn counts(&self) -> PeerCounts {
        self.open.values().map(|open| open.peer).collect()
    }

    /// Who holds least, and of those who has waited longest.
    fn next(&mut self) -> Option<Waiting> {
        if self.waiting.iter().all(|it| Some(it.peer) == self.waiting.first().map(|it| it.peer)) {
            return (!self.waiting.is_empty()).then(|| self.waiting.remove(0));
        }
        let counts = self.counts();
        let at =
            self.waiting.iter().enumerate().min_by_key(|(at, it)| (counts.size(it.peer), *at)).map(|(at, _)| at)?;
        Some(self.waiting.remove(at))
    }

    /// Asks as many connections to close as wait, and cuts those whose grace period is over. `true`: some were cut.
    fn evict(&mut self) -> bool {
        self.evicted = Some(Instant::now());
        let counts = self.counts();
        let Some(newcomer) = self.waiting.iter().map(|it| it.peer).min_by_key(|peer| counts.size(*peer)) else {
            return false;
        };
        let mut spare: Vec<_> = self
            .open
            .iter()
            .filter(|(_, it)| evictable(it, newcomer, &counts))
            .map(|(number, it)| (rank(it, &counts), *number))
            .collect();
        spare.sort_unstable();
        for (_, number) in spare.into_iter().take(self.waiting.len()) {
            if let Some(open) = self.open.get_mut(&number).filter(|it| !it.closing) {
                open.closing = true;
                open.connection.close();
            }
        }
        let few = (self.max_connections / FEW).max(1);
        let before = self.open.len();
        self.open.retain(|_, open| {
            let holds_many = counts.holds_more(open.peer, newcomer) && counts.size(open.peer).1 > few;
            let grace = match (open.connection.is_busy(), open.connection.is_long_lived()) {
                (false, _) => idle_grace(&open.connection),
                // It would not end by itself.
                (true, true) => Duration::ZERO,
                (true, false) if holds_many => MANY_GRACE,
                (true, false) => BUSY_GRACE,
            };
            let stays = !open.closing || open.connection.age() < grace;
            if !stays {
                open.task.abort();
            }
            stays
        });
        self.open.len() < before
    }

    /// Cuts the connection that is first in the order of [`rank`].
    fn evict_one(&mut self) {
        let counts = self.counts();
        let spare = self.open.iter().min_by_key(|(number, it)| (rank(it, &counts), **number));
        if let Some(open) = spare.map(|(number, _)| *number).and_then(|number| self.open.remove(&number)) {
            open.task.abort();
        }
    }
}

/// For how long a silent connection may be so while others wait.
fn idle_grace(connection: &Connection) -> Duration {
    if connection.asked() == 0 { FIRST_GRACE } else { IDLE_GRACE }
}

/// Whether a connection may be asked to close. What is meant to stay open gives way to who holds less, and between two
/// requests to its own peer.
fn evictable(open: &Open, newcomer: Peer, counts: &PeerCounts) -> bool {
    let connection = &open.connection;
    let has_had_its_time = connection.is_busy() || connection.age() >= idle_grace(connection);
    let gives_way = !connection.is_long_lived()
        || counts.holds_more(open.peer, newcomer)
        || open.peer == newcomer && !connection.is_busy();
    has_had_its_time && gives_way
}

/// In which order connections are closed: the lowest first.
fn rank(
    open: &Open,
    counts: &PeerCounts,
) -> (bool, bool, std::cmp::Reverse<(usize, usize)>, std::cmp::Reverse<Duration>) {
    let connection = &open.connection;
    let size = std::cmp::Reverse(counts.size(open.peer));
    (connection.is_long_lived(), connection.is_busy(), size, std::cmp::Reverse(connection.age()))
}

fn reject(mut newcomer: Waiting, handler: &impl Handler) {
    // A new connection takes this much at once, or is gone.
    drop(newcomer.stream.write_all(handler.reject()).now_or_never());
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Handler for Nobody {
        async fn serve(self: Arc<Self>, _stream: Stream, connection: Arc<Connection>) {
            connection.closing().await;
        }

        fn connected(&self, _count: usize) {}

        fn is_full(&self) {}

        fn reject(&self) -> &'static [u8] {
            b""
        }
    }

    /// What a open is, besides whose.
    #[derive(Clone, Copy)]
    enum Is {
        Silent,
        Busy,
        /// A poll that is held, or a stream.
        Kept,
        /// Was given what is meant to stay, and is silent now.
        KeptSilent,
    }

    /// The open that are left once `newcomer` has waited for `waited`; open as `(process, what)` of one user, in the
    /// order they came. The limit is reached.
    async fn left_after(open: &[(i32, Is)], newcomer: i32, waited: Duration) -> Vec<u64> {
        let peer = |pid| Peer::Process { uid: 1, pid: Some(pid) };
        let mut tasks = JoinSet::new();
        let mut admission = Admission { max_connections: open.len(), ..Admission::default() };
        let mut asking = Vec::new();
        for (number, (pid, is)) in (1..).zip(open) {
            let connection = Arc::new(Connection::of(peer(*pid)));
            match is {
                Is::Silent => {}
                Is::Busy | Is::Kept => asking.push(connection.ask()),
                Is::KeptSilent => drop(connection.ask()),
            }
            if matches!(is, Is::Kept | Is::KeptSilent) {
                connection.set_long_lived();
            }
            let task = tasks.spawn(std::future::pending());
            admission.open.insert(number, Open { peer: peer(*pid), connection, task, closing: false });
            admission.number = number;
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let handler = Arc::new(Nobody);
        let (stream, _) = tokio::io::duplex(1);
        admission.enqueue(Box::new(stream), peer(newcomer), &*handler);
        let begun = Instant::now();
        while begun.elapsed() < waited {
            admission.admit(&handler, &mut tasks);
            tokio::time::advance(EVICT_EVERY).await;
        }
        admission.open.into_keys().collect()
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
        assert_eq!(left_after(&[(7, Busy), (8, Busy)], 9, BUSY_GRACE + SOON).await, [2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_meant_to_stay_gives_way_only_to_who_holds_less() {
        use Is::{Kept, KeptSilent, Silent};
        let late = BUSY_GRACE + SOON;
        assert_eq!(left_after(&[(2, Kept), (7, Silent), (7, Silent)], 7, late).await, [1, 3, 4]);
        assert_eq!(left_after(&[(2, Kept), (7, Kept), (7, Kept), (7, Kept)], 2, late).await, [1, 3, 4, 5]);
        assert_eq!(left_after(&[(2, Kept), (7, Kept), (7, Kept)], 7, late).await, [1, 2, 3]);
        assert_eq!(left_after(&[(2, Kept), (7, KeptSilent), (7, Kept)], 7, late).await, [1, 3, 4]);
    }
}
