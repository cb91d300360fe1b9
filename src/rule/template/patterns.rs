//! Functions over regular expressions.
//!
//! Source: sprig `regex.go`; Go `regexp`.

use super::functions::{Arguments, Outcome};
use super::value::Value;
use crate::rule::go_regex::GoRegex;

pub(super) fn regex(pattern: &str) -> Result<GoRegex, String> {
    GoRegex::parse(pattern).map_err(|problem| format!("`{pattern}`: {problem}"))
}

pub(super) fn regex_find(it: &Arguments<'_>) -> Outcome {
    let regex = regex(it.text(0)?)?;
    Ok(Value::text(regex.regex().find(it.text(1)?).map_or("", |found| found.as_str())))
}

pub(super) fn regex_find_all(it: &Arguments<'_>) -> Outcome {
    let regex = regex(it.text(0)?)?;
    let most = usize::try_from(it.int(2)?).unwrap_or(usize::MAX);
    Ok(Value::texts(regex.regex().find_iter(it.text(1)?).take(most).map(|found| found.as_str())))
}

pub(super) fn regex_split(it: &Arguments<'_>) -> Outcome {
    let regex = regex(it.text(0)?)?;
    let (text, most) = (it.text(1)?, it.int(2)?);
    if most == 0 {
        return Ok(Value::texts(Vec::<&str>::new()));
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut from = 0;
    if text.is_empty() && !it.text(0)?.is_empty() {
        return Ok(Value::texts([""]));
    }
    for found in regex.regex().find_iter(text) {
        if parts.len() + 1 >= most {
            break;
        }
        // As in Go: an empty match at the very start or end splits nothing off.
        if found.end() == 0 {
            continue;
        }
        if found.is_empty() && found.start() == text.len() {
            continue;
        }
        parts.push(text.get(from..found.start()).unwrap_or_default());
        from = found.end();
    }
    if from != text.len() || parts.len() < most {
        parts.push(text.get(from..).unwrap_or_default());
    }
    Ok(Value::texts(parts))
}

pub(super) fn regex_quote(it: &Arguments<'_>) -> Outcome {
    let mut quoted = String::new();
    for c in it.text(0)?.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    Ok(Value::text(quoted))
}

/// `regexReplaceAll` and its kin; the replacement's `$1` and `${name}` count unless it is `literal`.
pub(super) fn regex_replace(it: &Arguments<'_>, literal: bool) -> Outcome {
    let regex = regex(it.text(0)?)?;
    let (text, replacement) = (it.text(1)?, it.text(2)?);
    let mut whole = String::new();
    let mut from = 0;
    for found in regex.regex().captures_iter(text) {
        let Some(all) = found.get(0) else { continue };
        whole.push_str(text.get(from..all.start()).unwrap_or_default());
        if literal {
            whole.push_str(replacement);
        } else {
            expand(it, &regex, &found, replacement, &mut whole)?;
        }
        it.fits(whole.len())?;
        from = all.end();
    }
    whole.push_str(text.get(from..).unwrap_or_default());
    Ok(Value::text(whole))
}

/// Go's `Regexp.Expand`: `$name`, `${name}`, `$1`, `$$`; the longest name counts, and an unknown one is empty.
fn expand(
    it: &Arguments<'_>,
    regex: &GoRegex,
    found: &regex::Captures<'_>,
    replacement: &str,
    whole: &mut String,
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
        it.fits(whole.len())?;
        rest = next;
    }
    whole.push_str(rest);
    Ok(())
}
