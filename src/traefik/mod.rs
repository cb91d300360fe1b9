//! Traefik's dynamic configuration as Rust types. The types are the schema: labels are decoded into them, the document is
//! written from them, two containers are compared by them. Nothing here knows of labels' spelling or of containers.

pub mod document;
pub mod duration;
pub mod http;
pub mod labels;
pub mod middleware;
pub mod plugin;
pub mod rules;
pub mod schema;
pub mod stopping;
pub mod tcp;
pub mod tls;
pub mod udp;

pub(crate) mod case_fold;
pub(crate) mod merge;
mod problem;
mod unsupported_fields;

use std::fmt;
use std::str::FromStr;

pub use self::problem::{Problem, Unmatched};
pub(crate) use self::problem::{Reason, Stop, ValueError};
use self::schema::Value;

/// A release of Traefik, as far as it decides which fields exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 3.
    pub major: u16,
    /// 0 to 7.
    pub minor: u16,
    /// The patch release; a release named without one is its newest.
    pub patch: u16,
}

impl Version {
    /// The newest release whose fields are known.
    pub const NEWEST: Self = Self::new(3, 7, 15);

    /// The oldest release that is supported.
    pub const OLDEST: Self = Self::new(3, 0, 0);

    /// A release by its numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

impl FromStr for Version {
    type Err = String;

    /// Reads `3.6`, `3.6.15`, `v3.6.15`, `3.7.0-rc.1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || format!("`{text}` is not a release of Traefik; write 3.6 or 3.6.15");
        let plain = text.strip_prefix('v').unwrap_or(text);
        let plain = plain.split(['-', '+']).next().unwrap_or(plain);
        let mut numbers = plain.split('.').map(|number| number.parse::<u16>().map_err(|_| problem()));
        let major = numbers.next().ok_or_else(problem)??;
        let minor = numbers.next().ok_or_else(problem)??;
        let patch = numbers.next().unwrap_or(Ok(u16::MAX))?;
        match (major, numbers.next()) {
            (3, None) => Ok(Self { major, minor, patch }),
            (3, Some(_)) => Err(problem()),
            _ => Err(format!("Traefik {text} is not supported; Leeward writes for Traefik 3")),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.patch == u16::MAX {
            return write!(formatter, "{}.{}", self.major, self.minor);
        }
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The whole dynamic configuration, or one container's part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// HTTP.
    pub http: http::Http,
    /// TCP.
    pub tcp: tcp::Tcp,
    /// UDP.
    pub udp: udp::Udp,
    /// TLS.
    pub tls: tls::Tls,
}

impl Dynamic {
    /// As Traefik holds it: with every default filled in. For comparison; a document never states a default.
    #[must_use]
    pub fn with_defaults(self) -> Self {
        Self { http: self.http.normal(), tcp: self.tcp.normal(), udp: self.udp.normal(), tls: self.tls.normal() }
    }
}
