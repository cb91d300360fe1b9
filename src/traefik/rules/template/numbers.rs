//! Whole numbers: reading them, arithmetic, and what comes before what.
//!
//! Source: sprig `numeric.go`, cast 1.3.1 (`ToInt64`); Go `text/template/funcs.go`.

use gotmpl::Value;

use super::functions::Outcome;
use super::value::{int64, integer};

/// Any value as a whole number; 0 if it is none.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Bool(it) => i64::from(*it),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "Go cuts as well, and takes the smallest for what is too large"
        )]
        Value::Float(number) if number.abs() < 9_223_372_036_854_775_807.0 => *number as i64,
        Value::Float(_) => i64::MIN,
        Value::String(text) => parse(text).unwrap_or(0),
        other => integer(other).unwrap_or(0),
    }
}

/// Go's `strconv.ParseInt(text, 0, 64)`: `0x`, `0o`, `0b`, a leading `0` for octal, `_` between digits.
fn parse(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.strip_prefix('0') {
        Some(rest) if !rest.is_empty() => match rest.split_at_checked(1) {
            Some(("x", body)) => (16, body),
            Some(("o", body)) => (8, body),
            Some(("b", body)) => (2, body),
            _ => (8, rest),
        },
        _ => (10, lower.as_str()),
    };
    // A `_` stands between digits, or after the prefix.
    if body.ends_with('_') || body.contains("__") || (radix == 10 && body.starts_with('_')) {
        return None;
    }
    let body = body.replace('_', "");
    if body.starts_with(['-', '+']) {
        return None;
    }
    let number = i128::from_str_radix(&body, radix).ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}

/// Every value added to `start`, or whatever `by` does.
pub(super) fn fold(start: i64, values: &[Value], by: fn(i64, i64) -> i64) -> Value {
    int64(values.iter().map(to_int).fold(start, by))
}

/// `div`, `mod`.
pub(super) fn divide(one: &Value, two: &Value, by: fn(i64, i64) -> i64) -> Outcome {
    match to_int(two) {
        0 => Err("integer divide by zero".to_owned()),
        divisor => Ok(int64(by(to_int(one), divisor))),
    }
}

/// `eq`. Errors: values that Go does not compare.
pub(super) fn equal(one: &Value, two: &Value) -> Result<bool, String> {
    #[expect(clippy::float_cmp, reason = "Go compares them exactly")]
    Ok(match (one, two) {
        (Value::Nil, _) | (_, Value::Nil) => matches!((one, two), (Value::Nil, Value::Nil)),
        (Value::Bool(one), Value::Bool(two)) => one == two,
        (Value::Float(one), Value::Float(two)) => one == two,
        (Value::String(one), Value::String(two)) => one == two,
        _ => match (integer(one), integer(two)) {
            (Some(one), Some(two)) => one == two,
            _ => return Err("incompatible types for comparison".to_owned()),
        },
    })
}

/// `lt`. Errors: values that Go does not put in order.
pub(super) fn less(one: &Value, two: &Value) -> Result<bool, String> {
    Ok(match (one, two) {
        (Value::Float(one), Value::Float(two)) => one < two,
        (Value::String(one), Value::String(two)) => one < two,
        _ => match (integer(one), integer(two)) {
            (Some(one), Some(two)) => one < two,
            _ => return Err("incompatible types for comparison".to_owned()),
        },
    })
}

/// `le`: a number that is none is not less and not equal.
pub(super) fn less_or_equal(one: &Value, two: &Value) -> Result<bool, String> {
    Ok(less(one, two)? || equal(one, two)?)
}
