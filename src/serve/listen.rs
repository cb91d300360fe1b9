//! Where clients connect: TCP or TLS, one request after the other.

use std::io;
use std::net::SocketAddr;
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
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use super::auth::TokenFile;
use super::connection::Connection;
use super::metrics::Metrics;
use super::tls::Tls;
use crate::net::accept::{self, Listener, Stream};
use crate::net::connection::Connection as Known;
use crate::net::timeouts::{TimedStream, Timeouts};

/// The most bytes that the head of a request may have.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The most headers of a request.
const MAX_HEADERS: usize = 64;
/// How often the token and TLS files are looked at.
const RELOAD: Duration = Duration::from_secs(2);

/// The service's socket and all that decides about who connects to it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<Tls>,
    pub(super) tokens: Option<TokenFile>,
    pub(super) max_connections: usize,
    pub(super) timeouts: Timeouts,
    /// How long answers under way may take once the service is told to end.
    pub(super) drain: Duration,
    pub(super) metrics: Arc<Metrics>,
}

/// What every connection shares.
struct Clients {
    router: Router,
    tls: Option<watch::Receiver<Arc<rustls::ServerConfig>>>,
    timeouts: Timeouts,
    metrics: Arc<Metrics>,
    end: watch::Receiver<bool>,
}

impl Server {
    /// Serves `router` until `end` changes or its sender is gone; then answers under way get a moment.
    pub(super) async fn serve(self, router: Router, end: watch::Receiver<bool>) {
        let Self { listener, mut tls, mut tokens, max_connections, timeouts, drain, metrics } = self;
        let clients = Clients { router, tls: tls.as_ref().map(Tls::config), timeouts, metrics, end: end.clone() };
        let reload = async {
            let mut reload = interval(RELOAD);
            loop {
                reload.tick().await;
                if let Some(tokens) = &mut tokens {
                    tokens.reload().await;
                }
                if let Some(tls) = &mut tls {
                    tls.reload().await;
                }
            }
        };
        tokio::select! {
            () = accept::accept(Listener::Tcp(listener), max_connections, Arc::new(clients), end, drain) => {}
            () = reload => {}
        }
    }
}

impl accept::Handler for Clients {
    async fn serve(self: Arc<Self>, stream: Stream, connection: Arc<Known>) {
        let talking = async {
            let Some(tls) = &self.tls else { return self.answer(stream, &connection).await };
            let acceptor = TlsAcceptor::from(Arc::clone(&tls.borrow()));
            let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long");
            // Boxed, so that a connection without TLS does not take the room of one with it.
            let stream = Box::pin(timeout(self.timeouts.head, acceptor.accept(stream))).await.map_err(late)??;
            Box::pin(self.answer(stream, &connection)).await
        };
        if let Err(error) = talking.await {
            debug!("a connection ended: {error}");
        }
    }

    fn connected(&self, count: usize) {
        self.metrics.connected(count);
    }

    fn is_full(&self) {
        self.metrics.turned_away();
    }

    fn reject(&self) -> &'static [u8] {
        // Where TLS is spoken nothing can be said.
        b""
    }
}

impl Clients {
    async fn answer(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        connection: &Arc<Known>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let router = TowerToHyperService::new(self.router.clone());
        let (asked, given) = (Arc::clone(connection), Arc::new(Connection::new(Arc::clone(connection))));
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (asking, given, router) = (asked.ask(), Arc::clone(&given), router.clone());
            async move {
                let _asking = asking;
                request.extensions_mut().insert(given);
                router.call(request).await
            }
        });
        let io = TokioIo::new(TimedStream::new(stream, Arc::clone(connection), self.timeouts));
        let served = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            // `TimedStream` does this: hyper's own bound would also end connections that are idle between two polls.
            .header_read_timeout(None)
            .serve_connection(io, service);
        tokio::pin!(served);
        let mut end = self.end.clone();
        tokio::select! {
            ended = served.as_mut() => return Ok(ended?),
            _ = end.changed() => served.as_mut().graceful_shutdown(),
            () = connection.closing() => served.as_mut().graceful_shutdown(),
        }
        Ok(served.await?)
    }
}

/// Whether others than this machine can connect to `address`.
pub(super) fn is_open(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}
