//! Functions that print: `print`, `printf`, `quote` and their kin.
//!
//! `printf` is Go's for what rules need; of the rarer forms, widths from arguments and arguments by number are the
//! template engine's, and `%x` of a floating-point number is not in hexadecimal.
//! Source: Go `fmt`, `strconv.Quote`; sprig `strings.go`.

#![expect(clippy::unnecessary_wraps, reason = "every function of a template has one signature")]
#![expect(clippy::format_push_string, reason = "short pieces, and writing to a string has no error to handle")]

use super::functions::{Arguments, Outcome};
use super::value::Value;

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
    let known = |it: &Value| if matches!(it, Value::Nil) { Value::text("<no value>") } else { it.clone() };
    sprint(&it.all().iter().map(known).collect::<Vec<_>>())
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
    let indirect = |spec: &str| {
        let end = spec.find(|c: char| !matches!(c, '+' | '-' | '#' | ' ' | '.' | '0'..='9')).unwrap_or(spec.len());
        spec.get(end..).is_some_and(|it| it.starts_with(['*', '[']))
    };
    if format.split('%').skip(1).any(indirect) {
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
    // For `%+v` the plus asks for field names, and for no sign.
    let unsigned = options.replace('+', "");
    let options = if verb == 'v' { unsigned.as_str() } else { options };
    let plain = options.is_empty();
    // `%#v` writes all of a value as Go would.
    let in_go = options.contains('#') && verb == 'v';
    let mut parts = |open: &str, keys: Vec<String>, values: &mut dyn Iterator<Item = &Value>, close: &str| {
        text.push_str(open);
        for (at, value) in values.enumerate() {
            text.push_str(if at > 0 { " " } else { "" });
            if let Some(key) = keys.get(at) {
                format_one(options, verb, &Value::text(key.as_str()), text)?;
                text.push(':');
            }
            match value {
                Value::Nil => text.push_str("<nil>"),
                _ => format_one(options, verb, value, text)?,
            }
        }
        text.push_str(close);
        Ok(())
    };
    let fits = match value {
        Value::List(items, _) if !in_go && verb != 'T' => return parts("[", Vec::new(), &mut items.iter(), "]"),
        Value::Map(entries, _) if !in_go && verb != 'T' => {
            let entries = entries.borrow();
            let keys = entries.keys().map(ToString::to_string).collect();
            return parts("map[", keys, &mut entries.values(), "]");
        }
        Value::Model(fields) if !in_go && verb != 'T' => {
            return parts("{", Vec::new(), &mut fields.iter().map(|it| &**it), "}");
        }
        Value::Bool(_) => "vt",
        Value::Int(_) | Value::Int64(_) | Value::Byte(_) | Value::Uint64(_) => "vdboOxXcqU",
        Value::Float(_) => "vbeEfFgGxX",
        Value::Version(_) | Value::Text(_) => "vsqxX",
        Value::Nil | Value::List(..) | Value::Map(..) | Value::Model(_) => "v",
    };
    if verb == 'T' {
        return format_one(options, 's', &Value::text(value.type_name()), text);
    }
    if !fits.contains(verb) {
        text.push_str(&format!("%!{verb}("));
        if matches!(value, Value::Nil) {
            text.push_str("<nil>)");
            return Ok(());
        }
        text.push_str(&value.type_name());
        text.push('=');
        format_one(options, 'v', value, text)?;
        text.push(')');
        return Ok(());
    }
    match (verb, value) {
        ('v', _) if plain => text.push_str(&value.show()),
        ('v', Value::Nil | Value::Bool(_)) => pad(options, &value.show(), text),
        ('v' | 's', Value::Text(_) | Value::Version(_)) if !in_go => pad(options, &value.show(), text),
        ('q', Value::Text(value)) if plain => text.push_str(&go_quoted(value)),
        ('q', Value::Int(code) | Value::Int64(code)) if plain => {
            let c = u32::try_from(*code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            let quoted = match c {
                '"' => "\"".to_owned(),
                '\'' => "\\'".to_owned(),
                _ => go_quoted(&c.to_string()).trim_matches('"').to_owned(),
            };
            text.push_str(&format!("'{quoted}'"));
        }
        ('v', Value::Int(_) | Value::Int64(_) | Value::Byte(_) | Value::Uint64(_)) => {
            text.push_str(&engine_printf(&format!("%{options}d"), std::slice::from_ref(value))?);
        }
        ('v', Value::Float(_)) if !options.contains(['.', '#', '+', ' ']) => pad(options, &value.show(), text),
        _ => text.push_str(&engine_printf(&format!("%{options}{verb}"), std::slice::from_ref(value))?),
    }
    Ok(())
}

/// A text cut to the precision and padded to the width of a verb's options.
fn pad(options: &str, shown: &str, text: &mut String) {
    let sizes = options.trim_start_matches(['+', '-', '#', ' ', '0']);
    let flags = options.strip_suffix(sizes).unwrap_or_default();
    let (width, precision) = match sizes.split_once('.') {
        Some((width, precision)) => (width, Some(precision.parse().unwrap_or(0))),
        None => (sizes, None),
    };
    let cut: String = shown.chars().take(precision.unwrap_or(usize::MAX)).collect();
    let missing = width.parse().unwrap_or(0usize).saturating_sub(cut.chars().count());
    if flags.contains('-') {
        text.push_str(&cut);
        text.push_str(&" ".repeat(missing));
    } else {
        text.push_str(&(if flags.contains('0') { "0" } else { " " }).repeat(missing));
        text.push_str(&cut);
    }
}

/// Go's `fmt.Sprintf`, by the template engine's own.
fn engine_printf(format: &str, values: &[Value]) -> Result<String, String> {
    let mut call = String::from("{{printf (index . 0)");
    for at in 1..=values.len() {
        call.push_str(&format!(" (index . {at})"));
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
