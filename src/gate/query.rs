//! Query strings, read strictly: `key=value&key=value`, percent-encoded UTF-8, each key once.

use std::collections::BTreeMap;

/// The pairs of a query; `None` if it is not plain pairs, or a key comes twice. An empty query has no pairs.
///
/// `+` is a space, as in forms: Go's `url.Values` writes it so.
pub(super) fn decode(raw: &str) -> Option<BTreeMap<String, String>> {
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

/// Appends a value, percent-encoded but for letters, digits and `-._~`.
pub(super) fn encode(value: &str, into: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().map_or('0', char::from);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}
