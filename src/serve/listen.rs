//! Where clients connect: so many at once, fairly, and no longer than each kind of dawdling may last.
//!
//! A crowd must not keep the real Traefik out. When all places are taken, a newcomer's place is made by closing a
//! connection of whoever holds the most, and among those one that was never given a document before one that was. So a
//! Traefik that polls keeps its connection through any flood, and one that comes anew gets in.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::auth::TokenFile;
use super::connection::{Connection, Patience, Patient};
use super::metrics::Metrics;
use super::tls::Tls;

/// The most bytes that the head of a request may have.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The most headers of a request.
const MAX_HEADERS: usize = 64;
/// How often the token and TLS files are looked at.
const RELOAD: Duration = Duration::from_secs(2);

/// The service's socket and all that decides about who connects to it.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<Tls>,
    pub(super) tokens: Option<TokenFile>,
    pub(super) places: usize,
    pub(super) patience: Patience,
    /// How long answers under way may take once the service is told to end.
    pub(super) drain: Duration,
    pub(super) metrics: Arc<Metrics>,
}

/// One open connection.
#[derive(Debug)]
struct Guest {
    peer: IpAddr,
    connection: Arc<Connection>,
    task: AbortHandle,
}

impl Door {
    /// Serves `router` until `end` changes or its sender is gone; then answers under way get a moment.
    pub(super) async fn serve(mut self, router: Router, mut end: watch::Receiver<bool>) {
        let mut guests: BTreeMap<u64, Guest> = BTreeMap::new();
        let mut tasks: JoinSet<u64> = JoinSet::new();
        let mut reload = interval(RELOAD);
        let mut number = 0;
        loop {
            let accepted = tokio::select! {
                _ = end.changed() => break,
                Some(left) = tasks.join_next() => {
                    match left {
                        Ok(number) => {
                            guests.remove(&number);
                        }
                        // Closed to make room (and gone from the list already), or failed.
                        Err(_) => guests.retain(|_, guest| !guest.task.is_finished()),
                    }
                    self.metrics.connected(guests.len());
                    continue;
                }
                _ = reload.tick() => {
                    self.reload().await;
                    continue;
                }
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
                Err(error) => {
                    // Out of file descriptors, mostly: make room, and do not spin.
                    warn!("cannot accept a connection: {error}");
                    make_room(&mut guests, None);
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            if guests.len() >= self.places {
                self.metrics.turned_away();
                if !make_room(&mut guests, Some(peer)) {
                    continue;
                }
            }
            number += 1;
            let connection = Arc::<Connection>::default();
            let tls = self.tls.as_ref().map(|tls| TlsAcceptor::from(tls.config()));
            let (patience, router, end) = (self.patience, router.clone(), end.clone());
            let asked = Arc::clone(&connection);
            // Called in the task: a future that is made outside and moved in takes its room twice.
            let task = tasks.spawn(async move {
                if let Err(error) = greet(stream, tls, asked, patience, router, end).await {
                    debug!("a connection ended: {error}");
                }
                number
            });
            guests.insert(number, Guest { peer, connection, task });
            self.metrics.connected(guests.len());
        }
        drop(self.listener);
        // What is not done by then is dropped with the set.
        let _ = timeout(self.drain, async { while tasks.join_next().await.is_some() {} }).await;
    }

    async fn reload(&mut self) {
        if let Some(tokens) = &mut self.tokens {
            tokens.reload().await;
        }
        if let Some(tls) = &mut self.tls {
            tls.reload().await;
        }
    }
}

/// Closes the connection that can best be spared, so that `newcomer` has a place. `false`: none can, for the newcomer is
/// itself of the crowd and all of the crowd are being served.
fn make_room(guests: &mut BTreeMap<u64, Guest>, newcomer: Option<IpAddr>) -> bool {
    let mut crowds: BTreeMap<IpAddr, usize> = newcomer.map(|peer| (peer, 1)).into_iter().collect();
    for guest in guests.values() {
        *crowds.entry(guest.peer).or_default() += 1;
    }
    let crowd = |guest: &Guest| crowds.get(&guest.peer).copied().unwrap_or_default();
    // The oldest of the unproven, for the youngest may be about to ask.
    let unproven = guests.iter().filter(|(_, it)| !it.connection.is_proven());
    let victim =
        unproven.max_by_key(|&(&number, it)| (crowd(it), std::cmp::Reverse(number))).map(|(number, _)| *number);
    let victim = victim.or_else(|| {
        let most = crowds.values().max().copied().unwrap_or_default();
        let spare = |guest: &Guest| Some(guest.peer) != newcomer || !guest.connection.is_asking();
        guests.iter().find(|(_, it)| crowd(it) == most && spare(it)).map(|(number, _)| *number)
    });
    let Some(guest) = victim.and_then(|number| guests.remove(&number)) else { return false };
    guest.task.abort();
    true
}

/// One connection, from its first byte to its last.
async fn greet(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    connection: Arc<Connection>,
    patience: Patience,
    router: Router,
    end: watch::Receiver<bool>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    match tls {
        None => talk(stream, connection, patience, router, end).await,
        Some(tls) => {
            let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long");
            // Boxed, so that a connection without TLS does not take the room of one with it.
            let stream = Box::pin(timeout(patience.head, tls.accept(stream))).await.map_err(late)??;
            Box::pin(talk(stream, connection, patience, router, end)).await
        }
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    connection: Arc<Connection>,
    patience: Patience,
    router: Router,
    mut end: watch::Receiver<bool>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let router = TowerToHyperService::new(router);
    let asked = Arc::clone(&connection);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (connection, router) = (Arc::clone(&asked), router.clone());
        async move {
            let _asking = connection.ask();
            request.extensions_mut().insert(Arc::clone(&connection));
            router.call(request).await
        }
    });
    let io = TokioIo::new(Patient::new(stream, connection, patience));
    let served = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        // `Patient` does this: hyper's own bound would also end connections that are idle between two polls.
        .header_read_timeout(None)
        .serve_connection(io, service);
    tokio::pin!(served);
    tokio::select! {
        ended = served.as_mut() => return Ok(ended?),
        _ = end.changed() => served.as_mut().graceful_shutdown(),
    }
    Ok(served.await?)
}

/// Whether others than this machine can connect to `address`.
pub(super) fn is_open(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guests as `(address, was given a document)`, in the order they came.
    fn left_after(guests: &[(&str, bool)], newcomer: &str, places: &mut Vec<bool>) -> Vec<u64> {
        let mut tasks = JoinSet::new();
        let mut list = BTreeMap::new();
        for (number, (peer, proven)) in (1..).zip(guests) {
            let connection = Arc::<Connection>::default();
            if *proven {
                connection.give("", "tag");
            }
            let task = tasks.spawn(std::future::pending::<()>());
            list.insert(number, Guest { peer: peer.parse().unwrap(), connection, task });
        }
        places.push(make_room(&mut list, Some(newcomer.parse().unwrap())));
        list.into_keys().collect()
    }

    #[tokio::test]
    async fn a_crowd_makes_room_for_others_and_never_a_polling_traefik() {
        let (traefik, crowd) = ("10.0.0.2", "10.0.0.66");
        let mut places = Vec::new();
        // The oldest of the crowd goes, whoever comes.
        let full = [(traefik, true), (crowd, false), (crowd, false)];
        assert_eq!(left_after(&full, crowd, &mut places), [1, 3]);
        assert_eq!(left_after(&full, traefik, &mut places), [1, 3]);
        // A crowd that has asked, too, makes room for others.
        let full = [(traefik, true), (crowd, true), (crowd, true), (crowd, true)];
        assert_eq!(left_after(&full, traefik, &mut places), [1, 3, 4]);
        // Even behind one address, what was served stays before what was not.
        let full = [(crowd, true), (crowd, false), (crowd, true)];
        assert_eq!(left_after(&full, crowd, &mut places), [1, 3]);
        assert_eq!(places, [true; 4]);
    }
}
