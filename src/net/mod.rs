//! What `serve`, `gate` and the clients share at their sockets.
//!
//! ```text
//! accept      the accept loop: connection limit, fair eviction, newcomers that wait
//! peer        who is at the other end, and who of them holds the most
//! connection  what is known of one connection
//! timeouts    a stream that ends when its client takes too long
//! host        the Host check against DNS rebinding
//! pem         certificates and keys
//! client      one request on a connection of its own
//! percent     percent-encoding
//! exposition  counts as text for Prometheus
//! ```

pub mod client;
pub mod percent;
pub mod timeouts;

pub(crate) mod accept;
pub(crate) mod connection;
pub(crate) mod exposition;
pub(crate) mod host;
pub(crate) mod peer;
pub(crate) mod pem;
