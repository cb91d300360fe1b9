//! Functions over texts: case, cutting, words, printing, regular expressions.
//!
//! Go's strings are bytes; where a function cuts by bytes, what is left of a character becomes U+FFFD.
//! Source: sprig `strings.go`, `regex.go`; Go `strings`, `regexp`; goutils 1.1.1 and xstrings 1.3.3 for words.

use super::functions::{Arguments, Outcome};
use super::value::Value;
use crate::rule::go_regex::GoRegex;

/// One character in upper case; Go maps each to one, and leaves what would be several.
fn upper_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

/// One character in lower case.
fn lower_char(c: char) -> char {
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
    let offset = usize::try_from(offset).unwrap_or(0).min(length).min(length.saturating_sub(room).max(0));
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

fn connects(c: char) -> bool {
    matches!(c, '-' | '_') || c.is_whitespace()
}

/// `camelcase`: connectors inside go, and what follows one is in upper case.
pub(super) fn camelcase(it: &Arguments<'_>) -> Outcome {
    let text: Vec<char> = it.text(0)?.chars().collect();
    let lead = text.iter().position(|c| !connects(*c)).unwrap_or(text.len());
    let (lead, body) = text.split_at_checked(lead).unwrap_or_default();
    let mut camel: String = lead.iter().collect();
    // One character waits until it is known what follows: of several connectors, the last goes.
    let Some((first, rest)) = body.split_first() else {
        // As found: of nothing but connectors, the last comes twice.
        camel.extend(lead.last());
        return Ok(Value::text(camel));
    };
    let mut waiting = upper_char(*first);
    for &c in rest {
        if connects(waiting) {
            if connects(c) {
                camel.push(waiting);
                waiting = c;
            } else {
                waiting = upper_char(c);
            }
        } else {
            camel.push(waiting);
            waiting = lower_char(c);
        }
    }
    camel.push(waiting);
    Ok(Value::text(camel))
}

/// What a run of characters is to `snakecase` and `kebabcase`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Connector,
    Punctuation,
    Number,
    /// Begins in upper case.
    Upper,
    /// In lower case.
    Lower,
    Other,
}

fn word(c: char) -> Word {
    if connects(c) {
        Word::Connector
    } else if c.is_ascii_punctuation() && !matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~') {
        Word::Punctuation
    } else if c.is_uppercase() {
        Word::Upper
    } else if c.is_alphabetic()
        && !matches!(c, '\u{3034}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
    {
        Word::Lower
    } else if c.is_numeric() {
        Word::Number
    } else {
        Word::Other
    }
}

/// The words of a text: `HTTPServer2` is `HTTP`, `Server`, `2`.
fn words(text: &str) -> Vec<(Word, String)> {
    let mut words: Vec<(Word, String)> = Vec::new();
    let mut capitals = 0;
    for c in text.chars() {
        let kind = word(c);
        match words.last_mut() {
            Some((Word::Upper, last)) if kind == Word::Upper && capitals == last.chars().count() => {
                last.push(c);
                capitals += 1;
            }
            Some((Word::Upper, last)) if kind == Word::Lower => {
                if capitals > 1 && capitals == last.chars().count() {
                    // The last of several capitals begins the next word.
                    let begin = last.pop().into_iter().chain([c]).collect();
                    words.push((Word::Upper, begin));
                    capitals = 1;
                } else {
                    last.push(c);
                }
            }
            Some((same, last)) if *same == kind && kind != Word::Upper => last.push(c),
            _ => {
                words.push((kind, c.to_string()));
                capitals = usize::from(kind == Word::Upper);
            }
        }
    }
    words
}

/// `snakecase`, `kebabcase`: words in lower case, joined with `by`; a number stays with the word before it, unless
/// lower case letters follow it.
pub(super) fn connected(text: &str, by: char) -> String {
    let words = words(text);
    let kind = |at: usize| words.get(at).map(|(kind, _)| *kind);
    let joins = |at: usize| matches!(kind(at), Some(it) if !matches!(it, Word::Connector | Word::Punctuation));
    let mut whole = String::new();
    let write = |whole: &mut String, at: usize| {
        if let Some((kind, text)) = words.get(at) {
            match kind {
                Word::Connector => whole.extend(text.chars().map(|_| by)),
                Word::Upper => whole.push_str(&lower(text)),
                _ => whole.push_str(text),
            }
        }
    };
    let mut at = 0;
    while at < words.len() {
        write(&mut whole, at);
        let before = kind(at);
        at += 1;
        // A run that begins with a number takes in what is in lower case.
        let run = |whole: &mut String, at: &mut usize| {
            while matches!(kind(*at), Some(Word::Lower | Word::Number)) {
                write(whole, *at);
                *at += 1;
            }
        };
        match before {
            Some(Word::Connector | Word::Punctuation) => continue,
            Some(Word::Number) => run(&mut whole, &mut at),
            _ if kind(at) == Some(Word::Number) => match kind(at + 1) {
                None => continue,
                Some(Word::Lower) => {
                    whole.push(by);
                    write(&mut whole, at);
                    at += 1;
                    run(&mut whole, &mut at);
                }
                Some(_) => {
                    write(&mut whole, at);
                    at += 1;
                }
            },
            _ => {}
        }
        if joins(at) {
            whole.push(by);
        }
    }
    whole
}

/// Go's `fmt.Sprint`: blanks between operands that are both no texts.
fn sprint(values: &[Value]) -> String {
    let mut text = String::new();
    let mut before = true;
    for value in values {
        let is_text = matches!(value, Value::Text(_));
        if !text.is_empty() && !before && !is_text {
            text.push(' ');
        }
        text.push_str(&value.show());
        before = is_text;
    }
    text
}

/// The arguments of `html`, `js` and `urlquery` as one text.
pub(super) fn joined(it: &Arguments<'_>) -> String {
    sprint(it.all())
}

pub(super) fn print(it: &Arguments<'_>) -> Outcome {
    Ok(Value::text(sprint(it.all())))
}

pub(super) fn println(it: &Arguments<'_>) -> Outcome {
    Ok(Value::text(format!("{}\n", it.all().iter().map(Value::show).collect::<Vec<_>>().join(" "))))
}

pub(super) fn printf(it: &Arguments<'_>) -> Outcome {
    let (format, values) = (it.text(0)?, it.from(1));
    let mut text = String::new();
    if format.contains(['*', '[']) {
        // A width from an argument, or arguments by number.
        it.fits(format.matches('%').count() << 10)?;
        return engine_printf(format, values).map(Value::text);
    }
    let mut values = values.iter();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let at = after.find(|c: char| !matches!(c, '+' | '-' | '#' | ' ' | '.' | '0'..='9')).unwrap_or(after.len());
        let (options, verb) = after.split_at_checked(at).unwrap_or((after, ""));
        let mut chars = verb.chars();
        // A width of thousands makes thousands of blanks.
        let digits = options.split(|c: char| !c.is_ascii_digit()).filter_map(|it| it.parse::<usize>().ok()).max();
        it.fits(text.len().saturating_add(digits.unwrap_or(0)))?;
        match chars.next() {
            None => text.push_str("%!(NOVERB)"),
            Some('%') => text.push('%'),
            Some(verb) => match values.next() {
                Some(value) => format_one(options, verb, value, &mut text)?,
                None => text.push_str(&format!("%!{verb}(MISSING)")),
            },
        }
        rest = chars.as_str();
    }
    text.push_str(rest);
    let extra: Vec<String> = values
        .map(|it| match it {
            Value::Nil => "<nil>".to_owned(),
            it => format!("{}={}", it.type_name(), it.show()),
        })
        .collect();
    if !extra.is_empty() {
        text.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(Value::text(text))
}

/// One verb of `printf`. What holds others is formatted part by part.
fn format_one(options: &str, verb: char, value: &Value, text: &mut String) -> Result<(), String> {
    let plain = options.is_empty();
    match (verb, value) {
        ('v', value) if plain => text.push_str(&value.show()),
        ('q', Value::Text(value)) if plain => text.push_str(&go_quoted(value)),
        ('v', Value::Text(_)) if !options.contains(['+', '#']) => {
            text.push_str(&engine_printf(&format!("%{options}s"), &[value.clone()])?)
        }
        ('T', value) => text.push_str(&engine_printf(&format!("%{options}s"), &[Value::text(value.type_name())])?),
        ('s' | 'v', Value::Version(_)) => {
            text.push_str(&engine_printf(&format!("%{options}s"), &[Value::text(value.show())])?)
        }
        (_, Value::List(items, _)) if !options.contains('#') => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { " " } else { "" });
                format_one(options, verb, item, text)?;
            }
            text.push(']');
        }
        (_, Value::Map(entries, _)) if !options.contains('#') => {
            text.push_str("map[");
            for (at, (key, value)) in entries.borrow().iter().enumerate() {
                text.push_str(if at > 0 { " " } else { "" });
                format_one(options, verb, &Value::Text(std::rc::Rc::clone(key)), text)?;
                text.push(':');
                format_one(options, verb, value, text)?;
            }
            text.push(']');
        }
        (_, Value::Model(fields)) if plain => {
            text.push('{');
            for (at, field) in fields.iter().enumerate() {
                text.push_str(if at > 0 { " " } else { "" });
                format_one(options, verb, field, text)?;
            }
            text.push('}');
        }
        (_, Value::Int64(number)) if !"bcdoOqxXUv".contains(verb) => {
            text.push_str(&format!("%!{verb}(int64={number})"))
        }
        _ => text.push_str(&engine_printf(&format!("%{options}{verb}"), &[value.clone()])?),
    }
    Ok(())
}

/// Go's `fmt.Sprintf`, by the template engine's own.
fn engine_printf(format: &str, values: &[Value]) -> Result<String, String> {
    use std::fmt::Write as _;

    let mut call = String::from("{{printf (index . 0)");
    for at in 1..=values.len() {
        let _ = write!(call, " (index . {at})");
    }
    call.push_str("}}");
    let mut data = vec![gotmpl::Value::String(format.into())];
    data.extend(values.iter().map(Value::for_printf));
    gotmpl::Template::new("")
        .parse(&call)
        .and_then(|template| template.execute_to_string(&gotmpl::Value::List(data.into())))
        .map_err(|error| error.to_string())
}

pub(super) fn quote(it: &Arguments<'_>) -> Outcome {
    let quoted = it.all().iter().filter(|it| !matches!(it, Value::Nil)).map(|it| go_quoted(&it.show()));
    Ok(Value::text(quoted.collect::<Vec<_>>().join(" ")))
}

/// Go's `strconv.Quote`.
fn go_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\x0b' => quoted.push_str("\\v"),
            '\x0c' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            ' '..='~' => quoted.push(c),
            '\0'..='\x7f' => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            _ if prints(c) => quoted.push(c),
            _ if u32::from(c) < 0x10000 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character beyond ASCII is a letter, mark, number, punctuation or symbol.
fn prints(c: char) -> bool {
    use std::sync::LazyLock;

    static CLASS: LazyLock<Option<regex::Regex>> = LazyLock::new(|| regex::Regex::new(r"^[\pL\pM\pN\pP\pS]$").ok());
    CLASS.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}

pub(super) fn squote(it: &Arguments<'_>) -> Outcome {
    let quoted = it.all().iter().filter(|it| !matches!(it, Value::Nil)).map(|it| format!("'{}'", it.show()));
    Ok(Value::text(quoted.collect::<Vec<_>>().join(" ")))
}

pub(super) fn cat(it: &Arguments<'_>) -> Outcome {
    let parts = it.all().iter().filter(|it| !matches!(it, Value::Nil)).map(Value::show);
    Ok(Value::text(parts.collect::<Vec<_>>().join(" ")))
}

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
        let (name, next) = match after.strip_prefix('{') {
            Some(braced) => match braced.split_once('}') {
                Some((name, next)) if !name.is_empty() && name.chars().all(named) => (name, next),
                _ => ("", after),
            },
            None => {
                let end = after.find(|c| !named(c)).unwrap_or(after.len());
                after.split_at_checked(end).unwrap_or((after, ""))
            }
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
