//! Go's `fmt.Sprintf`, for the values that templates have.
//!
//! Source: Go `fmt/print.go` and `fmt/format.go`, `strconv/ftoa.go` and `strconv/quote.go`. Left out: pointers (`%p`), and
//! that a nil slice is shown as one by `%#v`.

#![expect(clippy::format_push_string, reason = "short pieces, and writing to a string has no error to handle")]

use super::value::{FIELDS, Value};

/// The largest width or precision that Go takes from a value.
const WIDEST: usize = 1_000_000;

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Default)]
struct Spec {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
    /// `%+v`: fields with their names.
    names: bool,
    /// `%#v`: as Go would write it.
    in_go: bool,
}

/// Formats `values`. `fits` says whether so many more bytes may be made.
pub(super) fn sprintf(
    format: &str,
    values: &[Value],
    fits: &dyn Fn(usize) -> Result<(), String>,
) -> Result<String, String> {
    let mut printer = Printer { text: String::new(), values, next: 0, reordered: false, good: true };
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        printer.text.push_str(before);
        rest = printer.directive(after, fits)?;
    }
    printer.text.push_str(rest);
    printer.extra();
    Ok(printer.text)
}

struct Printer<'a> {
    text: String,
    values: &'a [Value],
    /// The value that is next.
    next: usize,
    /// A value was asked for by its number; then what is left over is not said.
    reordered: bool,
    /// The last number was one of a value.
    good: bool,
}

impl Printer<'_> {
    /// Does what stands after a `%`; what follows it.
    fn directive<'f>(&mut self, after: &'f str, fits: &dyn Fn(usize) -> Result<(), String>) -> Result<&'f str, String> {
        let mut spec = Spec::default();
        let mut rest = after;
        self.good = true;
        while let Some(flag) = rest.chars().next().filter(|flag| "#0+- ".contains(*flag)) {
            match flag {
                '#' => spec.sharp = true,
                '0' => spec.zero = true,
                '+' => spec.plus = true,
                '-' => spec.minus = true,
                _ => spec.space = true,
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        let mut numbered = self.number(&mut rest);
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
            match self.star() {
                Some(width) => {
                    spec.minus |= width < 0;
                    spec.zero &= width >= 0;
                    spec.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.text.push_str("%!(BADWIDTH)"),
            }
            numbered = false;
        } else {
            spec.width = digits(&mut rest);
            if numbered && spec.width.is_some() {
                self.good = false;
            }
        }
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            if numbered {
                self.good = false;
            }
            numbered = self.number(&mut rest);
            if let Some(after) = rest.strip_prefix('*') {
                rest = after;
                spec.precision = self.star().and_then(|precision| usize::try_from(precision).ok());
                if spec.precision.is_none() {
                    self.text.push_str("%!(BADPREC)");
                }
                numbered = false;
            } else {
                spec.precision = Some(digits(&mut rest).unwrap_or(0));
            }
        }
        if !numbered {
            self.number(&mut rest);
        }
        let room = spec.width.unwrap_or(0).saturating_add(spec.precision.unwrap_or(0));
        fits(self.text.len().saturating_add(room))?;
        let mut letters = rest.chars();
        let Some(verb) = letters.next() else {
            self.text.push_str("%!(NOVERB)");
            return Ok("");
        };
        match self.values.get(self.next) {
            _ if verb == '%' => self.text.push('%'),
            _ if !self.good => self.complain(verb, "BADINDEX"),
            None => self.complain(verb, "MISSING"),
            Some(value) => {
                self.next += 1;
                if verb == 'v' {
                    (spec.in_go, spec.sharp) = (spec.sharp, false);
                    (spec.names, spec.plus) = (spec.plus, false);
                }
                spec.print(value, verb, true, &mut self.text);
            }
        }
        fits(self.text.len())?;
        Ok(letters.as_str())
    }

    fn complain(&mut self, verb: char, what: &str) {
        self.text.push_str(&format!("%!{verb}({what})"));
    }

    /// A value's number in brackets: `[2]`. Whether there is one, good or not.
    fn number(&mut self, rest: &mut &str) -> bool {
        let Some(inside) = rest.strip_prefix('[') else { return false };
        self.reordered = true;
        let Some((number, after)) = inside.split_once(']') else {
            self.good = false;
            *rest = inside;
            return false;
        };
        *rest = after;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            self.good = false;
            return false;
        }
        match number.parse::<usize>() {
            Ok(number) if (1..=self.values.len()).contains(&number) => self.next = number - 1,
            _ => self.good = false,
        }
        true
    }

    /// A width or precision that is a value.
    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        let number = match value {
            Value::Int(number) | Value::Int64(number) => *number,
            Value::Byte(number) => i64::from(*number),
            Value::Uint64(number) => i64::try_from(*number).ok()?,
            _ => return None,
        };
        (number.unsigned_abs() <= u64::try_from(WIDEST).unwrap_or(u64::MAX)).then_some(number)
    }

    /// Says what is left over.
    fn extra(&mut self) {
        let left = self.values.get(self.next..).unwrap_or_default();
        if self.reordered || left.is_empty() {
            return;
        }
        let left: Vec<String> = left
            .iter()
            .map(|value| match value {
                Value::Nil => "<nil>".to_owned(),
                value => format!("{}={}", value.type_name(), value.show()),
            })
            .collect();
        self.text.push_str(&format!("%!(EXTRA {})", left.join(", ")));
    }
}

/// A number at the beginning.
fn digits(rest: &mut &str) -> Option<usize> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, after) = rest.split_at_checked(end)?;
    *rest = after;
    number.parse().ok()
}

impl Spec {
    /// Prints a value; `outer`: it is none in a list or a map.
    fn print(self, value: &Value, verb: char, outer: bool, text: &mut String) {
        if verb == 'T' {
            return self.string(&value.type_name(), text);
        }
        match value {
            Value::Nil if outer && verb != 'v' => text.push_str(&format!("%!{verb}(<nil>)")),
            Value::Nil if outer => self.pad("<nil>", text),
            Value::Nil if self.in_go => text.push_str("interface {}(nil)"),
            Value::Nil => text.push_str("<nil>"),
            Value::Bool(it) => match verb {
                't' | 'v' => self.pad(if *it { "true" } else { "false" }, text),
                _ => self.wrong(value, verb, text),
            },
            Value::Int(it) | Value::Int64(it) => self.integer(it.unsigned_abs(), *it < 0, true, value, verb, text),
            Value::Byte(it) => self.integer(u64::from(*it), false, false, value, verb, text),
            Value::Uint64(it) => self.integer(*it, false, false, value, verb, text),
            Value::Float(it) => match verb {
                'v' => self.float(*it, 'g', None, text),
                'b' | 'g' | 'G' | 'x' | 'X' => self.float(*it, verb, None, text),
                'f' | 'e' | 'E' => self.float(*it, verb, Some(6), text),
                'F' => self.float(*it, 'f', Some(6), text),
                _ => self.wrong(value, verb, text),
            },
            Value::Text(it) => match verb {
                'v' if self.in_go => self.quoted(it, text),
                'v' | 's' => self.string(it, text),
                'q' => self.quoted(it, text),
                'x' | 'X' => self.hexadecimal(it.as_bytes(), verb == 'X', text),
                _ => self.wrong(value, verb, text),
            },
            Value::Version(it) => self.print(&Value::text(it.to_string()), verb, outer, text),
            Value::List(items, _) => {
                let items = items.iter().map(|item| (None, item));
                self.several(value, if self.in_go { ("{", "}") } else { ("[", "]") }, items, verb, text);
            }
            Value::Map(entries, _) => {
                let entries = entries.borrow();
                let keys: Vec<Value> = entries.keys().map(|key| Value::text(&**key)).collect();
                let items = keys.iter().zip(entries.values()).map(|(key, item)| (Some(key), item));
                self.several(value, if self.in_go { ("{", "}") } else { ("map[", "]") }, items, verb, text);
            }
            Value::Model(fields) => {
                let names = FIELDS.map(Value::text);
                let with_names = self.in_go || self.names;
                let items = names.iter().map(|name| with_names.then_some(name)).zip(fields.iter().map(|it| &**it));
                // A field's name is printed as it is.
                let mut inner = String::new();
                for (at, (name, item)) in items.enumerate() {
                    inner.push_str(if at == 0 { "" } else { self.between() });
                    if let Some(Value::Text(name)) = name {
                        inner.push_str(name);
                        inner.push(':');
                    }
                    self.print(item, verb, false, &mut inner);
                }
                let name = if self.in_go { value.type_name() } else { String::new() };
                text.push_str(&format!("{name}{{{inner}}}"));
            }
        }
    }

    fn between(self) -> &'static str {
        if self.in_go { ", " } else { " " }
    }

    fn several<'v>(
        self,
        value: &Value,
        (open, close): (&str, &str),
        items: impl Iterator<Item = (Option<&'v Value>, &'v Value)>,
        verb: char,
        text: &mut String,
    ) {
        if self.in_go {
            text.push_str(&value.type_name());
        }
        text.push_str(open);
        for (at, (key, item)) in items.enumerate() {
            text.push_str(if at == 0 { "" } else { self.between() });
            if let Some(key) = key {
                self.print(key, verb, false, text);
                text.push(':');
            }
            self.print(item, verb, false, text);
        }
        text.push_str(close);
    }

    /// A verb that the value does not know.
    fn wrong(self, value: &Value, verb: char, text: &mut String) {
        text.push_str(&format!("%!{verb}({}=", value.type_name()));
        self.print(value, 'v', true, text);
        text.push(')');
    }

    fn pad(self, shown: &str, text: &mut String) {
        let missing = self.width.unwrap_or(0).saturating_sub(shown.chars().count());
        if self.minus {
            text.push_str(shown);
            text.push_str(&" ".repeat(missing));
        } else {
            text.push_str(&(if self.zero { "0" } else { " " }).repeat(missing));
            text.push_str(shown);
        }
    }

    fn string(self, value: &str, text: &mut String) {
        self.pad(self.cut(value), text);
    }

    /// The first characters, as many as the precision says.
    fn cut(self, value: &str) -> &str {
        let end = self.precision.and_then(|most| value.char_indices().nth(most)).map_or(value.len(), |(at, _)| at);
        value.get(..end).unwrap_or(value)
    }

    fn quoted(self, value: &str, text: &mut String) {
        let value = self.cut(value);
        let raw = |c: char| c != '`' && c != '\u{feff}' && (c == '\t' || !c.is_control());
        if self.sharp && value.chars().all(raw) {
            return self.pad(&format!("`{value}`"), text);
        }
        self.pad(&quote(value, '"', self.plus), text);
    }

    fn hexadecimal(self, bytes: &[u8], upper: bool, text: &mut String) {
        let bytes = bytes.get(..self.precision.unwrap_or(bytes.len())).unwrap_or(bytes);
        let prefix = match (self.sharp, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let mut shown = String::new();
        for (at, byte) in bytes.iter().enumerate() {
            if at == 0 || self.space {
                shown.push_str(if at == 0 { "" } else { " " });
                shown.push_str(prefix);
            }
            shown.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(&shown, text);
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

    fn integer(self, number: u64, negative: bool, signed: bool, value: &Value, verb: char, text: &mut String) {
        let plain = Self { zero: false, ..self };
        let letter = || u32::try_from(number).ok().filter(|_| !negative).and_then(char::from_u32);
        let letter = || letter().unwrap_or(char::REPLACEMENT_CHARACTER);
        let digits = match verb {
            'v' if self.in_go && !signed => {
                return plain.pad(&format!("{number:#x}"), text);
            }
            'v' | 'd' => number.to_string(),
            'b' => format!("{number:b}"),
            'o' | 'O' => format!("{number:o}"),
            'x' => format!("{number:x}"),
            'X' => format!("{number:X}"),
            'c' => return self.pad(&letter().to_string(), text),
            'q' => return self.pad(&quote(&letter().to_string(), '\'', self.plus), text),
            'U' => {
                let code = if negative { number.wrapping_neg() } else { number };
                let mut shown = format!("U+{code:0width$X}", width = self.precision.unwrap_or(4).max(4));
                if let Some(letter) =
                    u32::try_from(code).ok().and_then(char::from_u32).filter(|c| self.sharp && prints(*c))
                {
                    shown.push_str(&format!(" '{letter}'"));
                }
                return plain.pad(&shown, text);
            }
            _ => return self.wrong(value, verb, text),
        };
        let sign = self.sign(negative);
        let least = match (self.precision, self.width) {
            (Some(0), _) if number == 0 => return text.push_str(&" ".repeat(self.width.unwrap_or(0))),
            (Some(precision), _) => precision,
            (None, Some(width)) if self.zero && !self.minus => width.saturating_sub(sign.len()),
            (None, _) => 0,
        };
        let digits = format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
        let prefix = match verb {
            'O' => "0o",
            'b' if self.sharp => "0b",
            'o' if self.sharp && !digits.starts_with('0') => "0",
            'x' if self.sharp => "0x",
            'X' if self.sharp => "0X",
            _ => "",
        };
        plain.pad(&format!("{sign}{prefix}{digits}"), text);
    }

    fn float(self, number: f64, verb: char, precision: Option<usize>, text: &mut String) {
        let precision = self.precision.or(precision);
        let shown = if number.is_nan() {
            "NaN".to_owned()
        } else if number.is_infinite() {
            "Inf".to_owned()
        } else {
            magnitude(number.abs(), verb, precision)
        };
        let sign = self.sign(number.is_sign_negative() && !number.is_nan());
        if !number.is_finite() {
            // Only what looks like a number is filled with zeros, and infinity always has a sign.
            let sign = if number.is_infinite() && sign.is_empty() { "+" } else { sign };
            return Self { zero: false, ..self }.pad(&format!("{sign}{shown}"), text);
        }
        let shown = if self.sharp && verb != 'b' { with_point(&shown, verb, precision) } else { shown };
        let missing = self.width.unwrap_or(0).saturating_sub(shown.len() + sign.len());
        if self.zero && !self.minus {
            text.push_str(sign);
            text.push_str(&"0".repeat(missing));
            text.push_str(&shown);
        } else {
            self.pad(&format!("{sign}{shown}"), text);
        }
    }
}

/// A number that is not negative. Source: Go `strconv.FormatFloat`; `None` is as many digits as it takes.
fn magnitude(number: f64, verb: char, precision: Option<usize>) -> String {
    match verb {
        'b' => {
            let (mantissa, exponent) = parts(number);
            format!("{mantissa}p{:+}", exponent - 52)
        }
        'x' | 'X' => {
            let shown = hexadecimal(number, precision);
            if verb == 'X' { shown.to_uppercase() } else { shown }
        }
        'f' => precision.map_or_else(|| number.to_string(), |precision| format!("{number:.precision$}")),
        'e' | 'E' => {
            let shown = precision.map_or_else(|| format!("{number:e}"), |precision| format!("{number:.precision$e}"));
            let (digits, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
            format!("{digits}{verb}{}", exponent_of(exponent))
        }
        _ => {
            // As short as can be, or rounded to so many digits and then without zeros at the end.
            let shown = match precision {
                None => format!("{number:e}"),
                Some(precision) => format!("{number:.*e}", precision.max(1) - 1),
            };
            let (digits, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
            let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
            let digits = digits.trim_end_matches('0');
            let exponent: i64 = exponent.parse().unwrap_or_default();
            let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
            let most = match precision.map(|it| i64::try_from(it.max(1)).unwrap_or(i64::MAX)) {
                None => 6,
                Some(most) if most > count && count > exponent => count,
                Some(most) => most,
            };
            if number != 0.0 && (exponent < -4 || exponent >= most) {
                let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
                let point = if rest.is_empty() { "" } else { "." };
                let letter = if verb == 'G' { 'E' } else { 'e' };
                return format!("{first}{point}{rest}{letter}{}", exponent_of(&exponent.to_string()));
            }
            let decimals = usize::try_from((count - exponent - 1).max(0)).unwrap_or_default();
            if precision.is_none() { number.to_string() } else { format!("{number:.decimals$}") }
        }
    }
}

/// Two digits at least, and always a sign.
fn exponent_of(exponent: &str) -> String {
    let number = exponent.strip_prefix('-').unwrap_or(exponent);
    format!("{}{number:0>2}", if exponent.starts_with('-') { '-' } else { '+' })
}

/// The whole mantissa and the exponent of its first bit.
fn parts(number: f64) -> (u64, i64) {
    let bits = number.to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    match i64::try_from(bits >> 52 & 0x7ff).unwrap_or_default() {
        0 => (mantissa, -1022),
        exponent => (mantissa | 1 << 52, exponent - 1023),
    }
}

fn hexadecimal(number: f64, precision: Option<usize>) -> String {
    let (mantissa, mut exponent) = parts(number);
    if mantissa == 0 {
        exponent = 0;
    }
    // The first bit goes to place 60.
    let mut mantissa = mantissa << 8;
    while mantissa != 0 && mantissa >> 60 & 1 == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let shift = precision * 4;
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa >> 61 & 1 == 1 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let first = mantissa >> 60 & 1;
    let rest = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let rest = match precision {
        None => rest.trim_end_matches('0').to_owned(),
        Some(precision) => format!("{rest:0<precision$}").chars().take(precision).collect(),
    };
    let point = if rest.is_empty() { "" } else { "." };
    format!("0x{first}{point}{rest}p{}", exponent_of(&exponent.to_string()))
}

/// `%#g` and its like: always a point, and zeros at the end.
fn with_point(shown: &str, verb: char, precision: Option<usize>) -> String {
    let letters: &[char] = if matches!(verb, 'x' | 'X') { &['p', 'P'] } else { &['e', 'E'] };
    let (number, tail) = shown.split_at_checked(shown.find(letters).unwrap_or(shown.len())).unwrap_or((shown, ""));
    let mut whole = number.to_owned();
    let wanted = if matches!(verb, 'g' | 'G' | 'x') { precision.unwrap_or(6) } else { 0 };
    let significant = number.trim_start_matches(['0', '.', 'x', 'X']).chars().filter(char::is_ascii_hexdigit).count();
    // As found: the `x` counts.
    let mut seen = significant + usize::from(number.starts_with("0x"));
    if !whole.contains('.') {
        seen += usize::from(whole == "0");
        whole.push('.');
    }
    whole.push_str(&"0".repeat(wanted.saturating_sub(seen)));
    whole + tail
}

/// Go's `strconv.Quote`, or with `'` `QuoteRune`; `ascii`: `QuoteToASCII`.
pub(super) fn quote(text: &str, mark: char, ascii: bool) -> String {
    let mut quoted = String::from(mark);
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            _ if c == mark => {
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
    use std::sync::LazyLock;

    static CLASS: LazyLock<Option<regex::Regex>> = LazyLock::new(|| regex::Regex::new(r"^[\pL\pM\pN\pP\pS ]$").ok());
    CLASS.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}
