//! Functions over texts: case, cutting, splitting.
//!
//! Go's strings are bytes, and what cuts, cuts bytes. Source: sprig `strings.go`; Go `strings`.

/// One character in upper case; Go maps each to one, and leaves what would be several.
fn upper_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

/// `upper`.
pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

/// `lower`. The dotted capital I is the one character that Rust makes two of.
pub(super) fn lower(text: &str) -> String {
    text.chars().map(|c| if c == 'İ' { 'i' } else { c.to_lowercase().next().unwrap_or(c) }).collect()
}

/// `title`: the first letter of each word in upper case.
pub(super) fn title(text: &str) -> String {
    let mut gap = true;
    let titled = text.chars().map(|c| {
        let titled = if gap { upper_char(c) } else { c };
        gap = if c.is_ascii() { !(c.is_ascii_alphanumeric() || c == '_') } else { c.is_whitespace() };
        titled
    });
    titled.collect()
}

fn cut(text: &str, start: usize, end: usize) -> Result<&[u8], String> {
    text.as_bytes().get(start..end).ok_or_else(|| "slice bounds out of range".to_owned())
}

fn size(number: i64) -> Result<usize, String> {
    usize::try_from(number).map_err(|_| "slice bounds out of range".to_owned())
}

/// `trunc`: the first bytes, or the last if the count is negative.
pub(super) fn trunc(count: i64, text: &str) -> Result<&[u8], String> {
    let length = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(text.len());
    if count < 0 { cut(text, text.len() - length, text.len()) } else { cut(text, 0, length) }
}

/// `substr`: the bytes from `start` to before `end`; to the end of the text if `end` is negative or too large.
pub(super) fn substr(start: i64, end: i64, text: &str) -> Result<&[u8], String> {
    if start < 0 {
        return cut(text, 0, size(end)?);
    }
    let end = size(end).unwrap_or(text.len()).min(text.len());
    cut(text, size(start)?, end)
}

/// Go's `strings.Split`; an empty separator splits characters.
pub(super) fn split<'a>(by: &str, text: &'a str) -> Vec<&'a str> {
    if by.is_empty() {
        return text.split_inclusive(|_| true).collect();
    }
    text.split(by).collect()
}
