//! Traefik's dynamic configuration as Rust types. The types are the schema: labels are decoded into them, the
//! document is written from them.

use std::fmt;
use std::str::FromStr;

/// A release of Traefik, as far as it decides which fields exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 3.
    pub major: u16,
    /// 0 to 7.
    pub minor: u16,
    /// The patch release.
    pub patch: u16,
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let _ = text;
        todo!()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The whole dynamic configuration, or one container's part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dynamic {}
