//! Functions over texts: case, cutting, wrapping.
//!
//! Go's strings are bytes; where a function cuts by bytes, what is left of a character becomes U+FFFD.
//! Source: sprig `strings.go`; Go `strings`; goutils 1.1.1.

#![expect(clippy::unnecessary_wraps, reason = "every function of a template has one signature")]

use super::functions::{Arguments, Outcome};
use super::value::Value;

/// One character in upper case; Go maps each to one, and leaves what would be several.
pub(super) fn upper_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

/// One character in lower case.
pub(super) fn lower_char(c: char) -> char {
    // The dotted capital I is the one character that Rust makes two of.
    if c == 'İ' { 'i' } else { c.to_lowercase().next().unwrap_or(c) }
}

pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

pub(super) fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

/// `title`: the first letter of each word in upper case.
pub(super) fn title(it: &Arguments<'_>) -> Outcome {
    let mut gap = true;
    let text = it.text(0)?.chars().map(|c| {
        let titled = if gap { upper_char(c) } else { c };
        gap = if c.is_ascii() { !(c.is_ascii_alphanumeric() || c == '_') } else { c.is_whitespace() };
        titled
    });
    Ok(Value::text(text.collect::<String>()))
}

/// `untitle`: the first character of each word in lower case.
pub(super) fn untitle(it: &Arguments<'_>) -> Outcome {
    let mut gap = true;
    let text = it.text(0)?.chars().map(|c| {
        let space = c.is_whitespace();
        let changed = if gap && !space { lower_char(c) } else { c };
        gap = space;
        changed
    });
    Ok(Value::text(text.collect::<String>()))
}

pub(super) fn swapcase(it: &Arguments<'_>) -> Outcome {
    let swap = |c: char| {
        if c.is_uppercase() {
            lower_char(c)
        } else if c.is_lowercase() {
            upper_char(c)
        } else {
            c
        }
    };
    Ok(Value::text(it.text(0)?.chars().map(swap).collect::<String>()))
}

/// `nospace`: without white space. Go looks at bytes here and takes each for a character, if it drops any.
pub(super) fn nospace(it: &Arguments<'_>) -> Outcome {
    let text = it.text(0)?;
    let kept: Vec<char> = text.bytes().map(char::from).filter(|c| !c.is_whitespace()).collect();
    Ok(Value::text(if kept.len() == text.len() { text.to_owned() } else { kept.into_iter().collect() }))
}

/// `initials`: the first byte of each word.
pub(super) fn initials(it: &Arguments<'_>) -> Outcome {
    let mut gap = true;
    let first = |c: &char| {
        let space = c.is_whitespace();
        let first = gap && !space;
        gap = space;
        first
    };
    Ok(Value::text(it.text(0)?.bytes().map(char::from).filter(first).collect::<String>()))
}

fn cut(text: &str, start: usize, end: usize) -> Outcome {
    text.as_bytes().get(start..end).map(Value::bytes).ok_or_else(|| "slice bounds out of range".to_owned())
}

fn size(number: i64) -> Result<usize, String> {
    usize::try_from(number).map_err(|_| "slice bounds out of range".to_owned())
}

/// `trunc`: the first bytes, or the last if the count is negative.
pub(super) fn trunc(it: &Arguments<'_>) -> Outcome {
    let (count, text) = (it.int(0)?, it.text(1)?);
    let length = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if length >= text.len() {
        Ok(Value::text(text))
    } else if count < 0 {
        cut(text, text.len() - length, text.len())
    } else {
        cut(text, 0, length)
    }
}

pub(super) fn substr(it: &Arguments<'_>) -> Outcome {
    let (start, end, text) = (it.int(0)?, it.int(1)?, it.text(2)?);
    if start < 0 {
        return cut(text, 0, size(end)?);
    }
    match size(end) {
        Ok(end) if end <= text.len() => cut(text, size(start)?, end),
        _ => cut(text, size(start)?, text.len()),
    }
}

pub(super) fn repeat(it: &Arguments<'_>) -> Outcome {
    let text = it.text(1)?;
    let count = usize::try_from(it.int(0)?).map_err(|_| "negative repeat count")?;
    it.fits(text.len().saturating_mul(count))?;
    Ok(Value::text(text.repeat(count)))
}

pub(super) fn indent(it: &Arguments<'_>, before: &str) -> Outcome {
    let text = it.text(1)?;
    let spaces = usize::try_from(it.int(0)?).map_err(|_| "negative repeat count")?;
    it.fits(spaces.saturating_mul(text.matches('\n').count() + 1))?;
    let pad = " ".repeat(spaces);
    Ok(Value::text(format!("{before}{pad}{}", text.replace('\n', &format!("\n{pad}")))))
}

pub(super) fn replace(it: &Arguments<'_>) -> Outcome {
    let (old, new, text) = (it.text(0)?, it.text(1)?, it.text(2)?);
    it.fits(text.matches(old).count().saturating_mul(new.len()))?;
    Ok(Value::text(text.replace(old, new)))
}

/// `abbrev`, `abbrevboth`: at most `width` bytes, `...` for what is left out, from `offset` on.
pub(super) fn abbrev(offset: i64, width: i64, text: &str) -> Outcome {
    if width < 4 || (offset > 0 && width < 7) {
        return Ok(Value::text(text));
    }
    let (length, width) = (text.len(), usize::try_from(width).unwrap_or(usize::MAX));
    if length <= width {
        return Ok(Value::text(text));
    }
    let room = width - 3;
    let offset = usize::try_from(offset).unwrap_or(0).min(length).min(length.saturating_sub(room));
    let bytes = text.as_bytes();
    let part = |start: usize, end: usize| bytes.get(start..end).unwrap_or_default();
    let dots = b"...".as_slice();
    let whole = if offset <= 4 {
        [part(0, room), dots].concat()
    } else if offset + room < length {
        let rest = part(offset, length);
        if rest.len() <= room || room < 4 {
            [dots, if room < 4 { b"" } else { rest }].concat()
        } else {
            [dots, part(offset, offset + room - 3), dots].concat()
        }
    } else {
        [dots, part(length - room, length)].concat()
    };
    Ok(Value::bytes(&whole))
}

/// Go's `strings.SplitN`: at most `most` parts, or all if it is negative; an empty separator splits characters.
pub(super) fn split<'a>(by: &str, text: &'a str, most: i64) -> Vec<&'a str> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if most == 0 || (by.is_empty() && text.is_empty()) {
        return Vec::new();
    }
    if !by.is_empty() {
        return text.splitn(most, by).collect();
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while parts.len() + 1 < most
        && let Some(c) = rest.chars().next()
        && rest.len() > c.len_utf8()
        && let Some((first, after)) = rest.split_at_checked(c.len_utf8())
    {
        parts.push(first);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// `wrap`, `wrapWith`: lines of at most `width` bytes, broken at blanks.
pub(super) fn wrap(it: &Arguments<'_>, width: i64, by: &str, text: &str, long: bool) -> Outcome {
    let by = if by.is_empty() { "\n" } else { by };
    let width = usize::try_from(width).unwrap_or(1).max(1);
    it.fits(text.len().saturating_mul(by.len() + 1))?;
    let bytes = text.as_bytes();
    let part = |start: usize, end: usize| bytes.get(start..end).unwrap_or_default();
    let mut lines = Vec::new();
    let mut at = 0;
    while bytes.len() - at > width {
        if bytes.get(at) == Some(&b' ') {
            at += 1;
            continue;
        }
        let blank = part(at, at + width + 1).iter().rposition(|byte| *byte == b' ').map(|found| at + found);
        let later =
            || part(at + width, bytes.len()).iter().position(|byte| *byte == b' ').map(|found| at + width + found);
        let (end, next) = match blank.or_else(|| if long { None } else { later() }) {
            Some(blank) => (blank, blank + 1),
            None if long => (at + width, at + width),
            None => {
                lines.extend_from_slice(part(at, bytes.len()));
                at = bytes.len();
                break;
            }
        };
        lines.extend_from_slice(part(at, end));
        lines.extend_from_slice(by.as_bytes());
        at = next;
    }
    lines.extend_from_slice(part(at, bytes.len()));
    Ok(Value::bytes(&lines))
}
