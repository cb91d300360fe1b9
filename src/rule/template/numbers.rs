//! Numbers: reading them, arithmetic, comparison.
//!
//! Source: sprig `numeric.go`, cast 1.3.1 (`ToInt64`, `ToFloat64`), decimal 1.2.0; Go `text/template/funcs.go`.

#![expect(clippy::unnecessary_wraps, reason = "every function of a template has one signature")]

use std::num::IntErrorKind;

use crate::dynamic::duration::Duration;

use super::functions::{Arguments, Outcome};
use super::value::{Of, Value};

/// Any value as a whole number; 0 if it is none.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Bool(it) => i64::from(*it),
        Value::Byte(number) => i64::from(*number),
        Value::Uint64(number) => number.cast_signed(),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "Go cuts as well, and takes the smallest for what is too large"
        )]
        Value::Float(number) => {
            if number.abs() < 9_223_372_036_854_775_807.0 {
                *number as i64
            } else {
                i64::MIN
            }
        }
        Value::Text(text) => parse_int(text).unwrap_or(0),
        _ => 0,
    }
}

/// Go's `strconv.ParseInt(text, 0, 64)`: `0x`, `0o`, `0b`, a leading `0` for octal, `_` between digits.
fn parse_int(text: &str) -> Option<i64> {
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

/// Any value as a floating-point number; 0 if it is none.
pub(super) fn to_float(value: &Value) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "Go rounds as well")]
    match value {
        Value::Float(number) => *number,
        Value::Text(text) => text
            .parse::<f64>()
            .ok()
            .filter(|it| it.is_finite() || !text.contains(|c: char| c.is_ascii_digit()))
            .unwrap_or(0.0),
        Value::Uint64(number) => *number as f64,
        other => to_int(other) as f64,
    }
}

/// `strconv.Atoi` without its error: 0, or the nearest there is.
pub(super) fn atoi(text: &str) -> i64 {
    text.parse().unwrap_or_else(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => i64::MAX,
        IntErrorKind::NegOverflow => i64::MIN,
        _ => 0,
    })
}

pub(super) fn ints(numbers: Vec<i64>) -> Value {
    Value::List(numbers.into_iter().map(Value::Int).collect(), Of::Int)
}

/// From `start` to before `stop`.
pub(super) fn steps(it: &Arguments<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, String> {
    let (start, stop, step) = (i128::from(start), i128::from(stop), i128::from(step));
    if (stop < start && step >= 0) || (stop >= start && step <= 0) {
        return Ok(Vec::new());
    }
    let count = (stop - start).unsigned_abs().div_ceil(step.unsigned_abs());
    it.fits(usize::try_from(count).unwrap_or(usize::MAX))?;
    let numbers = (0..count).map(|at| start + step * i128::try_from(at).unwrap_or(0));
    Ok(numbers.filter_map(|number| i64::try_from(number).ok()).collect())
}

pub(super) fn seq(it: &Arguments<'_>) -> Outcome {
    let (start, step, end) = match it.all().len() {
        1 => (1, None, it.int(0)?),
        2 => (it.int(0)?, None, it.int(1)?),
        3 => (it.int(0)?, Some(it.int(1)?), it.int(2)?),
        count => {
            (0..count).try_for_each(|at| it.int(at).map(|_| ()))?;
            return Ok(Value::text(""));
        }
    };
    let down = end < start;
    if down && step.is_some_and(|step| step > 0) {
        return Ok(Value::text(""));
    }
    let one = if down { -1 } else { 1 };
    let numbers = steps(it, start, end.saturating_add(one), step.unwrap_or(one))?;
    Ok(Value::text(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")))
}

pub(super) fn fold(it: &Arguments<'_>, start: Option<i64>, by: fn(i64, i64) -> i64) -> Outcome {
    let numbers = it.all().iter().map(to_int);
    Ok(Value::Int64(start.into_iter().chain(numbers).reduce(by).unwrap_or(0)))
}

pub(super) fn divide(it: &Arguments<'_>, by: fn(i64, i64) -> i64) -> Outcome {
    match to_int(it.value(1)) {
        0 => Err("integer divide by zero".to_owned()),
        _ => fold(it, None, by),
    }
}

pub(super) fn fold_float(it: &Arguments<'_>, largest: bool) -> Outcome {
    let pick = |one: f64, two: f64| {
        if one.is_nan() || two.is_nan() {
            f64::NAN
        } else if largest {
            one.max(two)
        } else {
            one.min(two)
        }
    };
    Ok(Value::Float(it.all().iter().map(to_float).reduce(pick).unwrap_or(0.0)))
}

pub(super) fn round(it: &Arguments<'_>) -> Outcome {
    let from = if it.all().len() > 2 { it.float(2)? } else { 0.5 };
    let places = i32::try_from(it.int(1)?).unwrap_or(i32::MAX);
    let power = 10f64.powi(places);
    let digit = power * to_float(it.value(0));
    let rounded = if digit.fract() >= from { digit.ceil() } else { digit.floor() };
    Ok(Value::Float(rounded / power))
}

/// A decimal number: `digits` times ten to the `exponent`.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    /// The shortest decimal that reads back as this number.
    fn new(number: f64) -> Option<Self> {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e')?;
        let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction).ok()?;
        Some(Self { digits: digits.replace('.', "").parse().ok()?, exponent })
    }

    fn float(self) -> Option<f64> {
        format!("{}e{}", self.digits, self.exponent).parse().ok()
    }

    /// The digits at a smaller exponent.
    fn at(self, exponent: i32) -> Option<i128> {
        let places = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.digits.checked_mul(10i128.checked_pow(places)?)
    }

    /// None: too many digits to be exact.
    fn apply(self, operator: char, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        Some(match operator {
            '+' => Self { digits: self.at(exponent)?.checked_add(other.at(exponent)?)?, exponent },
            '-' => Self { digits: self.at(exponent)?.checked_sub(other.at(exponent)?)?, exponent },
            '*' => {
                let exponent = self.exponent.checked_add(other.exponent)?;
                Self { digits: self.digits.checked_mul(other.digits)?, exponent }
            }
            _ => {
                // Sixteen places, half away from zero.
                let (one, two) = (self.at(exponent)?.checked_mul(10i128.pow(16))?, other.at(exponent)?);
                let (quotient, rest) = (one.checked_div(two)?, one.checked_rem(two)?);
                let up = rest.unsigned_abs().checked_mul(2)? >= two.unsigned_abs();
                let away = if (one < 0) == (two < 0) { 1 } else { -1 };
                Self { digits: if up { quotient + away } else { quotient }, exponent: -16 }
            }
        })
    }
}

/// `addf` and its kin: decimal arithmetic, so that 0.1 and 0.2 make 0.3.
pub(super) fn exact(values: &[Value], operator: char) -> Outcome {
    let mut numbers = values.iter().map(to_float);
    let mut total = numbers.next().unwrap_or(0.0);
    let mut whole = Decimal::new(total);
    for number in numbers {
        if !number.is_finite() || !total.is_finite() {
            return Err("no decimal number".to_owned());
        }
        if operator == '/' && number == 0.0 {
            return Err("decimal division by 0".to_owned());
        }
        whole = whole.and_then(|it| it.apply(operator, Decimal::new(number)?));
        total = match operator {
            '+' => total + number,
            '-' => total - number,
            '*' => total * number,
            _ => total / number,
        };
    }
    Ok(Value::Float(whole.and_then(Decimal::float).unwrap_or(total)))
}

/// `duration`: seconds as Go shows a duration, `1m35s`.
pub(super) fn duration(it: &Arguments<'_>) -> Outcome {
    let seconds = match it.value(0) {
        Value::Int64(number) => *number,
        Value::Text(text) => atoi(text),
        _ => 0,
    };
    if seconds.checked_mul(1_000_000_000).is_none() {
        return Err("more seconds than a duration can hold".to_owned());
    }
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Ok(Value::text(match (hours, minutes) {
        (0, 0) => format!("{sign}{rest}s"),
        (0, _) => format!("{sign}{minutes}m{rest}s"),
        _ => format!("{sign}{hours}h{minutes}m{rest}s"),
    }))
}

/// `durationRound`: the largest unit of a duration that it is more than one of, `2h`.
pub(super) fn duration_round(duration: &Value) -> String {
    const UNITS: [(&str, u64); 6] =
        [("y", 31_536_000), ("mo", 2_592_000), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let nanoseconds = match duration {
        Value::Text(text) => Duration::parse(text).map_or(0, |duration| duration.0),
        Value::Int64(number) => *number,
        _ => 0,
    };
    let nanoseconds = nanoseconds.unsigned_abs();
    UNITS
        .into_iter()
        .map(|(name, seconds)| (name, seconds * 1_000_000_000))
        .find(|(_, unit)| nanoseconds > *unit)
        .map_or_else(|| "0s".to_owned(), |(name, unit)| format!("{}{name}", nanoseconds / unit))
}

/// What Go's comparisons tell apart.
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(&'a str),
    Other,
}

fn basic(value: &Value) -> Basic<'_> {
    match value {
        Value::Bool(it) => Basic::Bool(*it),
        Value::Int(it) | Value::Int64(it) => Basic::Int(*it),
        Value::Byte(it) => Basic::Uint(u64::from(*it)),
        Value::Uint64(it) => Basic::Uint(*it),
        Value::Float(it) => Basic::Float(*it),
        Value::Text(it) => Basic::Text(it),
        _ => Basic::Other,
    }
}

pub(super) fn eq(it: &Arguments<'_>) -> Outcome {
    if it.all().len() < 2 {
        return Err("missing argument for comparison".to_owned());
    }
    for other in it.from(1) {
        if equal(it.value(0), other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn equal(one: &Value, two: &Value) -> Result<bool, String> {
    #[expect(clippy::float_cmp, reason = "Go compares them exactly")]
    Ok(match (basic(one), basic(two)) {
        (Basic::Bool(one), Basic::Bool(two)) => one == two,
        (Basic::Int(one), Basic::Int(two)) => one == two,
        (Basic::Uint(one), Basic::Uint(two)) => one == two,
        (Basic::Int(int), Basic::Uint(uint)) | (Basic::Uint(uint), Basic::Int(int)) => u64::try_from(int) == Ok(uint),
        (Basic::Float(one), Basic::Float(two)) => one == two,
        (Basic::Text(one), Basic::Text(two)) => one == two,
        (Basic::Other, Basic::Other) => match (one, two) {
            (Value::Nil, Value::Nil) => true,
            (Value::Nil, _) | (_, Value::Nil) => false,
            (Value::Version(one), Value::Version(two)) => std::rc::Rc::ptr_eq(one, two),
            _ => return Err("non-comparable types".to_owned()),
        },
        _ if matches!(one, Value::Nil) || matches!(two, Value::Nil) => false,
        _ => return Err("incompatible types for comparison".to_owned()),
    })
}

pub(super) fn less(one: &Value, two: &Value) -> Result<bool, String> {
    Ok(match (basic(one), basic(two)) {
        (Basic::Int(one), Basic::Int(two)) => one < two,
        (Basic::Uint(one), Basic::Uint(two)) => one < two,
        (Basic::Int(int), Basic::Uint(uint)) => {
            u64::try_from(int).is_err() || u64::try_from(int).is_ok_and(|int| int < uint)
        }
        (Basic::Uint(uint), Basic::Int(int)) => u64::try_from(int).is_ok_and(|int| uint < int),
        (Basic::Float(one), Basic::Float(two)) => one < two,
        (Basic::Text(one), Basic::Text(two)) => one < two,
        (Basic::Other | Basic::Bool(_), _) | (_, Basic::Other) => return Err("invalid type for comparison".to_owned()),
        _ => return Err("incompatible types for comparison".to_owned()),
    })
}

pub(super) fn less_or_equal(one: &Value, two: &Value) -> Result<bool, String> {
    Ok(less(one, two)? || equal(one, two)?)
}
