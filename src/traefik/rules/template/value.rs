//! The values of a template: `gotmpl`'s, read as Go reads its own.
//!
//! Two of Go's types need a place of their own. An integer that is no `int` (what sprig computes is an `int64`, a byte of a
//! text an `uint8`) is a [`Value::Uint`] with the same bits: it fits nowhere where an `int` is wanted. The model, a struct
//! in Go, is the one map that holds a map. All lists are of texts, and all other maps hold texts.

use gotmpl::Value;

/// A text.
pub(super) fn text(text: impl Into<String>) -> Value {
    Value::String(text.into().into())
}

/// A Go string, whose bytes need not be UTF-8; each bad byte becomes U+FFFD, as in Traefik's JSON.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    let mut whole = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        whole.push_str(chunk.valid());
        whole.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text(whole)
}

/// An `int64`.
pub(super) fn int64(number: i64) -> Value {
    Value::Uint(number.cast_unsigned())
}

/// An integer of any type.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Uint(number) => Some(number.cast_signed()),
        _ => None,
    }
}

/// Whether this is the model: `.Name`, `.ContainerName`, `.Labels`.
pub(super) fn is_model(value: &Value) -> bool {
    matches!(value, Value::Map(entries) if entries.values().any(|it| matches!(it, Value::Map(_))))
}

/// The name of its Go type.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Uint(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "[]string",
        Value::Map(_) if is_model(value) => "struct { Name string; ContainerName string; Labels map[string]string }",
        Value::Map(_) => "map[string]string",
        Value::Function(_) => "func",
    }
}

/// As Go's `%v` prints it.
pub(super) fn show(value: &Value) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        Value::Uint(number) => number.cast_signed().to_string(),
        Value::Float(number) => float(*number),
        Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" ")),
        Value::Map(entries) if is_model(value) => {
            let fields = super::FIELDS.map(|name| entries.get(name).map(show).unwrap_or_default());
            format!("{{{}}}", fields.join(" "))
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}:{}", show(value)));
            format!("map[{}]", entries.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

/// A floating-point number as Go's `%v` prints it: shortest, with an exponent if it is below -4 or from 6 on.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    match scientific.split_once('e').map(|(digits, exponent)| (digits, exponent.parse::<i32>())) {
        Some((digits, Ok(exponent))) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => number.to_string(),
    }
}

/// What it takes to hold, in bytes and parts.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 1,
        Value::List(items) => items.iter().map(weight).sum::<usize>() + 1,
        Value::Map(entries) => entries.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>() + 1,
        _ => 1,
    }
}
