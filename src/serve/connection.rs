//! What one client was given.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::net;
use crate::net::peer::Peer;

/// One client's connection: what it was given. Its requests come one after the other.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// The last document it was given: name and tag.
    given: Mutex<Option<(String, String)>>,
    connection: Arc<net::connection::Connection>,
}

impl Connection {
    pub(super) fn new(connection: Arc<net::connection::Connection>) -> Self {
        Self { given: Mutex::default(), connection }
    }

    /// The address that it came from.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match self.connection.peer() {
            Some(Peer::Address(address)) => Some(address),
            Some(Peer::Process { .. }) | None => None,
        }
    }

    /// Whether the last document it was given is this one.
    pub(super) fn was_given(&self, name: &str, etag: &str) -> bool {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.as_ref().is_some_and(|(its_name, its_etag)| its_name == name && its_etag == etag)
    }

    /// It is given this document: most likely it is a Traefik, which asks again.
    pub(super) fn give(&self, name: &str, etag: &str) {
        *self.given.lock().unwrap_or_else(PoisonError::into_inner) = Some((name.to_owned(), etag.to_owned()));
        self.connection.set_long_lived();
    }
}
