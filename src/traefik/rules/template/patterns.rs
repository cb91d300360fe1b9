//! Functions over regular expressions.
//!
//! Source: sprig `regex.go`; Go `regexp`.

use super::functions::TOO_MUCH;
use crate::traefik::rules::go_regex::GoRegex;

fn regex(pattern: &str) -> Result<GoRegex, String> {
    GoRegex::parse(pattern).map_err(|problem| format!("`{pattern}`: {problem}"))
}

/// `regexMatch`; a pattern that is none matches nothing.
pub(super) fn is_match(pattern: &str, text: &str) -> bool {
    regex(pattern).is_ok_and(|regex| regex.is_match(text))
}

/// `regexFind`: the first match, or an empty text.
pub(super) fn find<'a>(pattern: &str, text: &'a str) -> Result<&'a str, String> {
    Ok(regex(pattern)?.regex().find(text).map_or("", |found| found.as_str()))
}

/// `regexReplaceAll`, with what the replacement's `$1` and `${name}` stand for; at most `room` bytes.
pub(super) fn replace_all(pattern: &str, text: &str, replacement: &str, room: usize) -> Result<String, String> {
    let regex = regex(pattern)?;
    let mut whole = String::new();
    let mut from = 0;
    for found in regex.regex().captures_iter(text) {
        let Some(all) = found.get(0) else { continue };
        whole.push_str(text.get(from..all.start()).unwrap_or_default());
        expand(&regex, &found, replacement, &mut whole, room)?;
        from = all.end();
    }
    whole.push_str(text.get(from..).unwrap_or_default());
    Ok(whole)
}

/// Go's `Regexp.Expand`: `$name`, `${name}`, `$1`, `$$`; the longest name counts, and an unknown one is empty.
fn expand(
    regex: &GoRegex,
    found: &regex::Captures<'_>,
    replacement: &str,
    whole: &mut String,
    room: usize,
) -> Result<(), String> {
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('$') {
        whole.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            whole.push('$');
            rest = after;
            continue;
        }
        let named = |c: char| c == '_' || c.is_alphanumeric();
        let (name, next) = if let Some(braced) = after.strip_prefix('{') {
            let named = |(name, _): &(&str, &str)| !name.is_empty() && name.chars().all(named);
            braced.split_once('}').filter(named).unwrap_or(("", after))
        } else {
            let end = after.find(|c| !named(c)).unwrap_or(after.len());
            after.split_at_checked(end).unwrap_or((after, ""))
        };
        if name.is_empty() {
            whole.push('$');
            rest = after;
            continue;
        }
        let group = if name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0')) {
            name.parse().ok().and_then(|number: usize| found.get(number))
        } else {
            regex.groups(name).find_map(|number| found.get(number))
        };
        whole.push_str(group.map_or("", |it| it.as_str()));
        if whole.len() > room {
            return Err(TOO_MUCH.to_owned());
        }
        rest = next;
    }
    whole.push_str(rest);
    if whole.len() > room { Err(TOO_MUCH.to_owned()) } else { Ok(()) }
}
