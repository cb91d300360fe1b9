//! JSON as Go reads it, which engines and Traefik are written in: bytes that are no UTF-8, and halves of surrogate pairs,
//! become U+FFFD, one for each byte. Labels may hold any bytes, and one container's must not cost the whole list.
//!
//! Source: Go `encoding/json`, `unquote`.

use serde::de::DeserializeOwned;

/// Reads it; mended only if it cannot be read as it is.
pub(crate) fn read<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(json).or_else(|_| serde_json::from_slice(&mended(json)))
}

/// The same JSON, with whatever Go replaces replaced.
pub(crate) fn mended(json: &[u8]) -> Vec<u8> {
    const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();
    let mut text = Vec::with_capacity(json.len());
    for chunk in json.utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        chunk.invalid().iter().for_each(|_| text.extend_from_slice(REPLACEMENT));
    }
    let mut mended = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some((at, [_, escape @ ..])) = rest.iter().position(|byte| *byte == b'\\').map(|at| rest.split_at(at)) {
        mended.extend_from_slice(at);
        let half = |escape: &[u8]| -> Option<u32> {
            let digits = std::str::from_utf8(escape.strip_prefix(b"u")?.get(..4)?).ok()?;
            u32::from_str_radix(digits, 16).ok().filter(|code| (0xd800..0xe000).contains(code))
        };
        let second = |escape: &[u8]| half(escape.get(5..)?.strip_prefix(b"\\")?).filter(|code| *code >= 0xdc00);
        let taken = match half(escape) {
            None => escape.len().min(1),
            Some(first) if first < 0xdc00 && second(escape).is_some() => 11,
            Some(_) => {
                mended.extend_from_slice(REPLACEMENT);
                rest = escape.get(5..).unwrap_or_default();
                continue;
            }
        };
        let (whole, after) = escape.split_at_checked(taken).unwrap_or((escape, &[]));
        mended.push(b'\\');
        mended.extend_from_slice(whole);
        rest = after;
    }
    mended.extend_from_slice(rest);
    mended
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// As Go's `encoding/json` reads them.
    #[test]
    fn what_is_no_text_becomes_replacement_characters() {
        let cases: &[(&[u8], Value)] = &[
            (br#"{"a":"\u00e9\ud83d\ude00\\ud800"}"#, json!({"a": "\u{e9}\u{1f600}\\ud800"})),
            (br#"["\ud800"]"#, json!(["\u{fffd}"])),
            (
                br#"["\ud800x","\udc00","\ud800\u0041","\ud800\\n"]"#,
                json!(["\u{fffd}x", "\u{fffd}", "\u{fffd}A", "\u{fffd}\\n"]),
            ),
            (br#"["\ud800\ud800\udc00","\udc00\ud800"]"#, json!(["\u{fffd}\u{10000}", "\u{fffd}\u{fffd}"])),
            (b"[\"\xed\xa0\x80\"]", json!(["\u{fffd}\u{fffd}\u{fffd}"])),
            (b"[\"\xe2\x82\",\"\xff\xc3\xa9\"]", json!(["\u{fffd}\u{fffd}", "\u{fffd}\u{e9}"])),
            (b"{\"\xff\":{\"b\":\"\\ud800\"}}", json!({"\u{fffd}": {"b": "\u{fffd}"}})),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(read::<Value>(bytes).unwrap(), *wanted, "{}", String::from_utf8_lossy(bytes));
        }
        for bytes in [&b"[\"\\ud8"[..], b"[\"\\", b"\xff", b"", b"[\"\\ud800\\"] {
            assert!(read::<Value>(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
