//! Values that pass into the gate's own requests, each with the grammar it must fit.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::json;

use super::error::{Refused, shorten};
use crate::source::is_name;

/// A version of the engine's API, `1.41`: its part after the dot, 0 to 99. The part before it has always been 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(pub(super) u8);

/// An id, a prefix of one, or a name.
///
/// Shape: see [`is_name`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(pub(super) String);

/// An image, by id.
///
/// Shape: `sha256:` and 64 hex digits, or what a [`Name`] may be (a prefix of an id, a bare repository).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName(pub(super) String);

/// Seconds since 1970 with up to nine decimals, as Docker's own clients write times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    seconds: u64,
    nanoseconds: Option<u32>,
}

/// What a variant of an image is for.
///
/// Shape: each part up to 64 letters, digits, `.`, `_`, `-`; operating system and architecture are there, the other two may
/// be empty. `os.features` cannot be asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform(BTreeMap<String, String>);

/// Where a network lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// On one engine.
    Local,
    /// In a Swarm.
    Swarm,
    /// In a cluster store.
    Global,
}

impl Name {
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        if is_name(text) { Ok(Self(text.to_owned())) } else { Err(Refused::Name { name: shorten(text) }) }
    }
}

impl ImageName {
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        let name = match text.strip_prefix("sha256:") {
            Some(digest) if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                return Err(Refused::Name { name: shorten(text) });
            }
            Some(_) => text.to_owned(),
            None => Name::parse(text)?.0,
        };
        Ok(Self(name))
    }
}

impl Platform {
    /// As the engine's clients write it: JSON of the OCI image index.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut pairs: BTreeMap<String, String> = serde_json::from_str(text).ok().filter(|_| text.len() <= 512)?;
        let is_word = |word: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            word.len() <= 64 && word.bytes().all(plain)
        };
        pairs.retain(|_, value| !value.is_empty());
        let is_known = |key: &str| matches!(key, "os" | "architecture" | "variant" | "os.version");
        let is_good = pairs.iter().all(|(key, value)| is_known(key) && is_word(value));
        (is_good && pairs.contains_key("os") && pairs.contains_key("architecture")).then_some(Self(pairs))
    }

    pub(super) fn to_json(&self) -> String {
        json!(self.0).to_string()
    }
}

/// Whether a first segment can only be meant as a version: no path of the engine's starts with `v` and a digit.
pub(super) fn is_version_like(segment: &str) -> bool {
    segment.strip_prefix(['v', 'V']).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

impl ApiVersion {
    pub(super) fn parse(segment: &str) -> Result<Self, Refused> {
        let refused = || Refused::Version { version: shorten(segment) };
        let minor = segment.strip_prefix("v1.").ok_or_else(refused)?;
        let plain = matches!(minor.len(), 1 | 2) && minor.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || (minor.len() == 2 && minor.starts_with('0')) {
            return Err(refused());
        }
        minor.parse().map(Self).map_err(|_| refused())
    }
}

impl Moment {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (seconds, decimals) = match text.split_once('.') {
            Some((seconds, decimals)) => (seconds, Some(decimals)),
            None => (text, None),
        };
        let digits = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(seconds, 12) || !decimals.is_none_or(|decimals| digits(decimals, 9)) {
            return None;
        }
        let nanoseconds = match decimals {
            Some(decimals) => Some(format!("{decimals:0<9}").parse().ok()?),
            None => None,
        };
        Some(Self { seconds: seconds.parse().ok()?, nanoseconds })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nanoseconds {
            Some(nanoseconds) => write!(formatter, "{}.{nanoseconds:09}", self.seconds),
            None => write!(formatter, "{}", self.seconds),
        }
    }
}

impl Scope {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Swarm => "swarm",
            Self::Global => "global",
        }
    }
}
