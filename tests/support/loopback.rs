//! Addresses for what cannot be asked which port it got: Traefik does not say.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};

/// A loopback address of this process's own, another at each call: whoever listens there may choose the port.
pub(crate) fn own() -> SocketAddr {
    static CALLS: AtomicU8 = AtomicU8::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    // 127.0.0.0/10 is everybody's. After 190 calls the first has long ended.
    (Ipv4Addr::new(127, 64 + call % 190, high, low), 8000).into()
}
