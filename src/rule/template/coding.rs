//! Encodings, digests and paths.
//!
//! Source: sprig `strings.go`, `crypto.go`, `defaults.go`; Go `encoding/json`, `encoding/base64`, `path`.

#![expect(clippy::format_push_string, reason = "short pieces, and writing to a string has no error to handle")]

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::value::{FIELDS, Of, Value};

/// An encoding of bytes by the letters of an alphabet, padded with `=`.
pub(super) struct Alphabet {
    name: &'static str,
    letters: &'static str,
    /// Bits a letter.
    bits: u32,
    /// Letters a group.
    group: usize,
}

/// Standard base64.
pub(super) const BASE64: Alphabet = Alphabet {
    name: "base64",
    letters: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    bits: 6,
    group: 4,
};
/// Standard base32.
pub(super) const BASE32: Alphabet =
    Alphabet { name: "base32", letters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bits: 5, group: 8 };

impl Alphabet {
    pub(super) fn encode(&self, bytes: &[u8]) -> String {
        let mut text = String::new();
        let (mut held, mut width) = (0u32, 0);
        let put = |text: &mut String, index: u32| {
            text.extend(self.letters.chars().nth(usize::try_from(index).unwrap_or_default()));
        };
        for byte in bytes {
            held = held << 8 | u32::from(*byte);
            width += 8;
            while width >= self.bits {
                width -= self.bits;
                put(&mut text, held >> width);
                held &= (1 << width) - 1;
            }
        }
        if width > 0 {
            put(&mut text, held << (self.bits - width));
        }
        while !text.len().is_multiple_of(self.group) {
            text.push('=');
        }
        text
    }

    /// The bytes; what is no encoding gives Go's words for that.
    pub(super) fn decode(&self, text: &str) -> Value {
        match self.bytes(text.as_bytes()) {
            Ok(bytes) => Value::bytes(&bytes),
            Err(at) => Value::text(format!("illegal {} data at input byte {at}", self.name)),
        }
    }

    fn bytes(&self, text: &[u8]) -> Result<Vec<u8>, usize> {
        let mut bytes = Vec::new();
        let (mut held, mut width, mut letters) = (0u32, 0, 0);
        let mut rest = text.iter().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
        while let Some((at, byte)) = rest.next() {
            if *byte == b'=' {
                let place = letters % self.group;
                let whole = if self.group == 4 { place >= 2 } else { matches!(place, 2 | 4 | 5 | 7) };
                if !whole {
                    return Err(at);
                }
                for _ in place + 1..self.group {
                    match rest.next() {
                        Some((_, b'=')) => {}
                        Some((at, _)) => return Err(at.saturating_sub(1)),
                        None => return Err(text.len()),
                    }
                }
                return match rest.next() {
                    Some((at, _)) => Err(at),
                    None => Ok(bytes),
                };
            }
            let index = self.letters.bytes().position(|letter| letter == *byte).ok_or(at)?;
            held = held << self.bits | u32::try_from(index).unwrap_or_default();
            width += self.bits;
            letters += 1;
            if width >= 8 {
                width -= 8;
                bytes.push(u8::try_from(held >> width & 0xFF).unwrap_or_default());
                held &= (1 << width) - 1;
            }
        }
        let over = letters % self.group;
        if over == 0 { Ok(bytes) } else { Err(text.len() - over) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    })
}

pub(super) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// SHA-1, only as a name for a text (FIPS 180-4).
#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
pub(super) fn sha1(text: &str) -> String {
    let mut state = [0x6745_2301u32, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    let mut message = text.as_bytes().to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend(u64::try_from(text.len()).unwrap_or_default().wrapping_mul(8).to_be_bytes());
    for block in message.chunks_exact(64) {
        let mut schedule: Vec<u32> =
            block.chunks_exact(4).map(|word| word.iter().fold(0, |all, byte| all << 8 | u32::from(*byte))).collect();
        for at in 16..80 {
            let before = |back: usize| schedule.get(at - back).copied().unwrap_or_default();
            let next = (before(3) ^ before(8) ^ before(14) ^ before(16)).rotate_left(1);
            schedule.push(next);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in schedule.into_iter().enumerate() {
            let (mix, constant) = match at {
                0..20 => (b & c | !b & d, 0x5A82_7999),
                20..40 => (b ^ c ^ d, 0x6ED9_EBA1),
                40..60 => (b & c | b & d | c & d, 0x8F1B_BCDC),
                _ => (b ^ c ^ d, 0xCA62_C1D6u32),
            };
            let next = a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (word, more) in state.iter_mut().zip([a, b, c, d, e]) {
            *word = word.wrapping_add(more);
        }
    }
    hex(&state.map(u32::to_be_bytes).concat())
}

/// Adler-32 (RFC 1950), in decimal.
pub(super) fn adler32(text: &str) -> String {
    let (one, two) = text.bytes().fold((1u32, 0u32), |(one, two), byte| {
        let one = (one + u32::from(byte)) % 65521;
        (one, (two + one) % 65521)
    });
    (two << 16 | one).to_string()
}

/// A JSON text as values: numbers are floating-point numbers.
pub(super) fn from_json(text: &str) -> Result<Value, String> {
    fn value(json: serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Nil,
            serde_json::Value::Bool(it) => Value::Bool(it),
            serde_json::Value::Number(it) => Value::Float(it.as_f64().unwrap_or_default()),
            serde_json::Value::String(it) => Value::text(it),
            serde_json::Value::Array(items) => Value::list(items.into_iter().map(value).collect()),
            serde_json::Value::Object(entries) => Value::map(
                entries.into_iter().map(|(key, it)| (key.into(), value(it))).collect::<BTreeMap<_, _>>(),
                Of::Any,
            ),
        }
    }
    serde_json::from_str(text).map(value).map_err(|error| error.to_string())
}

/// A value as Go's `encoding/json` writes it; `html`: with `<`, `>` and `&` escaped.
pub(super) fn json(value: &Value, pretty: bool, html: bool) -> String {
    let mut text = String::new();
    write_json(value, pretty.then_some(0), html, &mut text);
    text
}

fn write_json(value: &Value, indent: Option<usize>, html: bool, text: &mut String) {
    let inner = indent.map(|it| it + 1);
    let line = |text: &mut String, indent: Option<usize>| {
        if let Some(indent) = indent {
            text.push('\n');
            text.push_str(&"  ".repeat(indent));
        }
    };
    let entries = |text: &mut String, entries: &mut dyn Iterator<Item = (&str, &Value)>| {
        text.push('{');
        let mut any = false;
        for (key, value) in entries {
            text.push_str(if any { "," } else { "" });
            any = true;
            line(text, inner);
            write_text(key, html, text);
            text.push_str(if indent.is_some() { ": " } else { ":" });
            write_json(value, inner, html, text);
        }
        if any {
            line(text, indent);
        }
        text.push('}');
    };
    match value {
        Value::Nil => text.push_str("null"),
        Value::Text(it) => write_text(it, html, text),
        Value::Version(_) => write_text(&value.show(), html, text),
        Value::Float(number) => {
            let size = number.abs();
            if size != 0.0 && !(1e-6..1e21).contains(&size) {
                let plain = format!("{number:e}");
                text.push_str(&if size >= 1.0 { plain.replace('e', "e+") } else { plain });
            } else {
                text.push_str(&number.to_string());
            }
        }
        Value::List(items, _) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                line(text, inner);
                write_json(item, inner, html, text);
            }
            if !items.is_empty() {
                line(text, indent);
            }
            text.push(']');
        }
        Value::Map(map, _) => entries(text, &mut map.borrow().iter().map(|(key, value)| (&**key, value))),
        Value::Model(fields) => entries(text, &mut FIELDS.into_iter().zip(fields.iter().map(|it| &**it))),
        Value::Bool(_) | Value::Int(_) | Value::Int64(_) | Value::Byte(_) | Value::Uint64(_) => {
            text.push_str(&value.show());
        }
    }
}

fn write_text(value: &str, html: bool, text: &mut String) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' if !html => text.push(c),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    text.push('"');
}

/// The shortest path that means the same, by words alone.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

pub(super) fn base(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let trimmed = path.trim_end_matches('/');
    let last = trimmed.rsplit('/').next().unwrap_or_default();
    if last.is_empty() { "/".to_owned() } else { last.to_owned() }
}

pub(super) fn dir(path: &str) -> String {
    clean(path.rsplit_once('/').map_or("", |(_, last)| path.get(..path.len() - last.len()).unwrap_or_default()))
}

pub(super) fn ext(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.rfind('.').and_then(|at| last.get(at..)).unwrap_or_default().to_owned()
}
