//! Functions that print: `print`, `quote`, and `printf` with `%s`, `%d`, `%q` and `%v`.
//!
//! Source: Go `fmt/print.go`, `fmt/format.go`, `strconv/quote.go`; sprig `strings.go`.

#![expect(clippy::format_push_string, reason = "short pieces, and writing to a string has no error to handle")]

use std::sync::LazyLock;

use gotmpl::Value;
use regex::Regex;

use super::functions::TOO_MUCH;
use super::value::{integer, is_model, show, type_name};

/// `print`: Go's `fmt.Sprint`, with blanks between operands that are both no texts.
pub(super) fn print(values: &[Value]) -> String {
    let mut whole = String::new();
    let mut before = true;
    for value in values {
        let is_text = matches!(value, Value::String(_));
        if !whole.is_empty() && !before && !is_text {
            whole.push(' ');
        }
        whole.push_str(&show(value));
        before = is_text;
    }
    whole
}

/// `quote`, `squote`: every value but nil, as `quoted` has it, with blanks between.
pub(super) fn each(values: &[Value], quoted: impl Fn(&str) -> String) -> String {
    let known = values.iter().filter(|it| !matches!(it, Value::Nil));
    known.map(|it| quoted(&show(it))).collect::<Vec<_>>().join(" ")
}

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Default)]
struct Spec {
    minus: bool,
    plus: bool,
    /// `%+v`: fields with their names.
    names: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// What stands before a directive of a format, its spec and verb, and what follows.
type Directive<'a> = (&'a str, Spec, char, &'a str);

/// The next directive of a format. None: there is no more.
///
/// Errors: a verb that is not available.
fn directive(format: &str) -> Option<Result<Directive<'_>, String>> {
    let (before, after) = format.split_once('%')?;
    let flags = after.find(|c| !"+- 0".contains(c)).unwrap_or(after.len());
    let (flags, mut rest) = after.split_at_checked(flags)?;
    let mut spec = Spec {
        minus: flags.contains('-'),
        plus: flags.contains('+'),
        names: false,
        space: flags.contains(' '),
        zero: flags.contains('0'),
        width: digits(&mut rest),
        precision: None,
    };
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        spec.precision = Some(digits(&mut rest));
    }
    let mut letters = rest.chars();
    let verb = letters.next();
    Some(match verb {
        Some('v') => {
            (spec.names, spec.plus) = (spec.plus, false);
            Ok((before, spec, 'v', letters.as_str()))
        }
        Some(verb @ ('s' | 'd' | 'q' | '%')) => Ok((before, spec, verb, letters.as_str())),
        _ => {
            let found = verb.map(String::from).unwrap_or_default();
            Err(format!("`%{found}` is not available in `printf`: it has %s, %d, %q, %v and %%"))
        }
    })
}

/// A number at the beginning, 0 if there is none; too large a one is the largest.
fn digits(rest: &mut &str) -> usize {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, after) = rest.split_at_checked(end).unwrap_or_default();
    *rest = after;
    if number.is_empty() { 0 } else { number.parse().unwrap_or(usize::MAX) }
}

/// Refuses a format with other verbs than there are.
pub(super) fn check(mut format: &str) -> Result<(), String> {
    while let Some(found) = directive(format) {
        format = found?.3;
    }
    Ok(())
}

/// `printf`; at most `room` bytes.
///
/// Errors: a verb or flag that is not available, and too wide a result.
pub(super) fn printf(format: &str, values: &[Value], room: usize) -> Result<String, String> {
    let mut whole = String::new();
    let mut rest = format;
    let mut left = values.iter();
    while let Some(found) = directive(rest) {
        let (before, spec, verb, after) = found?;
        whole.push_str(before);
        rest = after;
        let widest = spec.width.max(spec.precision.unwrap_or(0));
        if whole.len().saturating_add(widest) > room {
            return Err(TOO_MUCH.to_owned());
        }
        match left.as_slice().first() {
            _ if verb == '%' => whole.push('%'),
            None => whole.push_str(&format!("%!{verb}(MISSING)")),
            Some(value) => {
                left.next();
                if matches!(value, Value::Float(_)) && verb == 'v' && spec.precision.is_some() {
                    return Err(format!("`{format}`: a precision for a fraction is not available"));
                }
                spec.print(value, verb, &mut whole);
            }
        }
        if whole.len() > room {
            return Err(TOO_MUCH.to_owned());
        }
    }
    whole.push_str(rest);
    let extra = left.map(|value| match value {
        Value::Nil => "<nil>".to_owned(),
        value => format!("{}={}", type_name(value), show(value)),
    });
    let extra: Vec<String> = extra.collect();
    if !extra.is_empty() {
        whole.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(whole)
}

impl Spec {
    fn print(self, value: &Value, verb: char, whole: &mut String) {
        match (value, verb) {
            (Value::String(text), 's' | 'v') => self.pad(self.cut(text), whole),
            (Value::String(text), 'q') => self.pad(&quote(self.cut(text), '"', self.plus), whole),
            (Value::Nil, 'v') => self.pad("<nil>", whole),
            (Value::Nil, _) => whole.push_str(&format!("%!{verb}(<nil>)")),
            (Value::Bool(_), 'v') => self.pad(&show(value), whole),
            (Value::Int(_) | Value::Uint(_), 'd' | 'v') => self.integer(integer(value).unwrap_or(0), whole),
            (Value::Int(_) | Value::Uint(_), 'q') => {
                let letter = integer(value).and_then(|it| u32::try_from(it).ok()).and_then(char::from_u32);
                let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER).to_string();
                self.pad(&quote(&letter, '\'', self.plus), whole);
            }
            (Value::Float(number), 'v') => {
                let shown = show(value);
                let sign = if *number < 0.0 { "" } else { self.sign(false) };
                self.pad(&format!("{sign}{shown}"), whole);
            }
            (Value::List(items), _) => {
                let items = items.iter().map(|item| (None, item));
                self.several(("[", "]"), items, verb, whole);
            }
            (Value::Map(entries), _) if is_model(value) => {
                let fields = super::FIELDS.iter().filter_map(|name| {
                    let shown = self.names.then(|| (*name).to_owned());
                    entries.get(*name).map(|item| (shown, item))
                });
                self.several(("{", "}"), fields, verb, whole);
            }
            (Value::Map(entries), _) => {
                let entries = entries.iter().map(|(key, item)| {
                    let mut shown = String::new();
                    self.print(&Value::String(std::sync::Arc::clone(key)), verb, &mut shown);
                    (Some(shown), item)
                });
                self.several(("map[", "]"), entries, verb, whole);
            }
            _ => {
                whole.push_str(&format!("%!{verb}({}=", type_name(value)));
                self.print(value, 'v', whole);
                whole.push(')');
            }
        }
    }

    fn several<'v>(
        self,
        (open, close): (&str, &str),
        items: impl Iterator<Item = (Option<String>, &'v Value)>,
        verb: char,
        whole: &mut String,
    ) {
        whole.push_str(open);
        for (at, (key, item)) in items.enumerate() {
            whole.push_str(if at == 0 { "" } else { " " });
            if let Some(key) = key {
                whole.push_str(&key);
                whole.push(':');
            }
            self.print(item, verb, whole);
        }
        whole.push_str(close);
    }

    fn pad(self, shown: &str, whole: &mut String) {
        let missing = self.width.saturating_sub(shown.chars().count());
        if self.minus {
            whole.push_str(shown);
            whole.push_str(&" ".repeat(missing));
        } else {
            whole.push_str(&(if self.zero { "0" } else { " " }).repeat(missing));
            whole.push_str(shown);
        }
    }

    /// The first characters, as many as the precision says.
    fn cut(self, text: &str) -> &str {
        let end = self.precision.and_then(|most| text.char_indices().nth(most)).map_or(text.len(), |(at, _)| at);
        text.get(..end).unwrap_or(text)
    }

    /// What stands before a number.
    fn sign(self, negative: bool) -> &'static str {
        match self {
            _ if negative => "-",
            Self { plus: true, .. } => "+",
            Self { space: true, .. } => " ",
            _ => "",
        }
    }

    fn integer(self, number: i64, whole: &mut String) {
        let sign = self.sign(number < 0);
        let least = match self.precision {
            Some(0) if number == 0 => return whole.push_str(&" ".repeat(self.width)),
            Some(precision) => precision,
            None if self.zero && !self.minus => self.width.saturating_sub(sign.len()),
            None => 0,
        };
        let digits = number.unsigned_abs().to_string();
        let zeros = "0".repeat(least.saturating_sub(digits.len()));
        Self { zero: false, ..self }.pad(&format!("{sign}{zeros}{digits}"), whole);
    }
}

/// Go's `strconv.Quote`, or with `'` `QuoteRune`; `ascii`: `QuoteToASCII`.
pub(super) fn quote(text: &str, mark: char, ascii: bool) -> String {
    let mut quoted = String::from(mark);
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            _ if c == mark => quoted.extend(['\\', c]),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\x0b' => quoted.push_str("\\v"),
            '\x0c' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            ' '..='~' => quoted.push(c),
            '\0'..='\x7f' => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            _ if !ascii && prints(c) => quoted.push(c),
            _ if u32::from(c) < 0x10000 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push(mark);
    quoted
}

/// Whether a character is a letter, mark, number, punctuation, symbol, or the plain blank.
fn prints(c: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\pL\pM\pN\pP\pS ]$").ok());
    CLASS.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}
