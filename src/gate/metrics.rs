//! `--metrics-listen`: the gate's counts for Prometheus, on a port of loopback that answers nothing else.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tracing::debug;

use super::server::MAX_HEAD_BYTES;
use super::stats::Stats;
use crate::net::accept::{Handler, Stream};
use crate::net::connection::Connection;
use crate::net::exposition::{self, CLASSIC, Process};
use crate::net::host::Names;
use crate::net::timeouts::{TimedStream, Timeouts};

/// How many may ask at once: one Prometheus, and somebody who looks.
pub(super) const CONNECTIONS: usize = 8;
/// How long they may take.
const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(10),
    idle: Duration::from_mins(2),
    stall: Duration::from_secs(10),
    answer: Duration::from_secs(10),
};

/// What is told.
pub(super) struct Metrics {
    pub(super) stats: Arc<Stats>,
    pub(super) process: Process,
    /// The gate was told to end.
    pub(super) ended: watch::Receiver<bool>,
}

impl Metrics {
    fn answer(&self, request: &Request<Incoming>) -> (StatusCode, String) {
        if !Names::Loopback.hold_host_of(request.headers()) {
            return (StatusCode::MISDIRECTED_REQUEST, "leeward gate: not a name of this service\n".to_owned());
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/metrics") => (StatusCode::OK, self.text()),
            (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "leeward gate: only GET is answered\n".to_owned()),
            _ => (StatusCode::NOT_FOUND, "leeward gate: no such path; there is /metrics\n".to_owned()),
        }
    }

    fn text(&self) -> String {
        let mut registry = Registry::default();
        self.process.register(&mut registry);
        self.stats.register(registry.sub_registry_with_prefix("leeward_gate"));
        exposition::classic(&exposition::text(&registry))
    }
}

impl Handler for Metrics {
    async fn serve(self: Arc<Self>, stream: Stream, connection: Arc<Connection>) {
        let io = TokioIo::new(TimedStream::new(stream, Arc::clone(&connection), TIMEOUTS));
        let service = service_fn(|request| {
            let asking = connection.ask();
            let (status, text) = self.answer(&request);
            let mut response = Response::new(Full::new(Bytes::from(text)));
            *response.status_mut() = status;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(CLASSIC));
            drop(asking);
            ready(Ok::<_, Infallible>(response))
        });
        let mut builder = http1::Builder::new();
        // `TimedStream` does this.
        builder.header_read_timeout(None).max_header_size(MAX_HEAD_BYTES).max_buf_size(MAX_HEAD_BYTES);
        let mut serving = std::pin::pin!(builder.serve_connection(io, service));
        let mut ended = self.ended.clone();
        let told = async {
            tokio::select! { _ = ended.wait_for(|it| *it) => {}, () = connection.closing() => {} }
        };
        let outcome = tokio::select! {
            outcome = serving.as_mut() => outcome,
            () = told => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = outcome {
            debug!("a connection for metrics ended early: {error}");
        }
    }

    fn connected(&self, _count: usize) {}

    fn is_full(&self) {}

    fn reject(&self) -> &'static [u8] {
        b""
    }
}
