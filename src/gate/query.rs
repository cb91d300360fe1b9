//! Query strings, read strictly: `key=value&key=value`, percent-encoded UTF-8, each key once.

use std::collections::BTreeMap;

use super::error::{Refused, shorten};
use super::filters::Filters;
use super::value::{Moment, Platform, Scope};

/// The pairs of a query; `None` if it is not plain pairs, or a key comes twice. An empty query has no pairs.
///
/// `+` is a space, as in forms: Go's `url.Values` writes it so.
fn decode(raw: &str) -> Option<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    if raw.is_empty() {
        return Some(pairs);
    }
    for pair in raw.split('&') {
        let (key, value) = pair.split_once('=')?;
        if pairs.insert(unescape(key)?, unescape(value)?).is_some() {
            return None;
        }
    }
    Some(pairs)
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(plain).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The pairs of a query that nobody has claimed yet.
pub(super) struct Keys(BTreeMap<String, String>);

impl Keys {
    pub(super) fn parse(raw: &str) -> Result<Self, Refused> {
        decode(raw).map(Self).ok_or(Refused::Query)
    }

    /// An absent key and an empty value mean the same to the engine.
    fn take(&mut self, key: &str) -> Option<String> {
        self.0.remove(key).filter(|value| !value.is_empty())
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Result<bool, Refused> {
        match self.take(key).as_deref() {
            None | Some("0" | "false" | "False") => Ok(false),
            Some("1" | "true" | "True") => Ok(true),
            Some(_) => Err(Refused::Value { key }),
        }
    }

    /// A flag that clients may send, but only unset: the engine works hard, or tells more, when it is set.
    pub(super) fn never(&mut self, key: &'static str) -> Result<(), Refused> {
        if self.flag(key)? { Err(Refused::Value { key }) } else { Ok(()) }
    }

    /// Docker's clients write "no limit" as 0 or -1.
    pub(super) fn limit(&mut self) -> Result<Option<u32>, Refused> {
        let refused = Refused::Value { key: "limit" };
        match self.take("limit").as_deref() {
            None | Some("0" | "-1") => Ok(None),
            Some(text) if text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().map(Some).map_err(|_| refused)
            }
            Some(_) => Err(refused),
        }
    }

    pub(super) fn moment(&mut self, key: &'static str) -> Result<Option<Moment>, Refused> {
        match self.take(key) {
            None => Ok(None),
            Some(text) => Moment::parse(&text).map(Some).ok_or(Refused::Value { key }),
        }
    }

    pub(super) fn platform(&mut self) -> Result<Option<Platform>, Refused> {
        const KEY: &str = "platform";
        self.take(KEY).map(|text| Platform::parse(&text).ok_or(Refused::Value { key: KEY })).transpose()
    }

    pub(super) fn scope(&mut self) -> Result<Option<Scope>, Refused> {
        match self.take("scope").as_deref() {
            None => Ok(None),
            Some("local") => Ok(Some(Scope::Local)),
            Some("swarm") => Ok(Some(Scope::Swarm)),
            Some("global") => Ok(Some(Scope::Global)),
            Some(_) => Err(Refused::Value { key: "scope" }),
        }
    }

    pub(super) fn filters(&mut self, known: &[&'static str]) -> Result<Filters, Refused> {
        match self.take("filters") {
            None => Ok(Filters::default()),
            Some(text) => Filters::parse(&text, known),
        }
    }

    pub(super) fn finish(self) -> Result<(), Refused> {
        match self.0.into_keys().next() {
            Some(key) => Err(Refused::Key { key: shorten(&key) }),
            None => Ok(()),
        }
    }
}
