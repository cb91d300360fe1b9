//! Durations as Go writes and reads them.

use super::document::Writer;
use super::labels::Node;
use super::schema::{Kind, Value, read_int, scalar};
use super::{Problem, Reason, ValueError};

/// A duration: nanoseconds in 64 bits, ±292 years.
///
/// Shape: `10s`, `1m30s`, `1.5h`; in labels a bare whole number counts seconds, and wraps around silently when it is too
/// many. Source: Go `time.ParseDuration`, `time.Duration.String`; paerser `types/duration.go`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub i64);

scalar!(Duration, "duration", Self(0), Duration::of_label, Duration::meant, |value, to| to.text(&value.to_string()));

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

const TOO_LONG: u64 = 1 << 63;

impl Duration {
    /// Reads Go's notation; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Some(Self(0));
        }
        if rest.is_empty() {
            return None;
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (part, after) = part(rest)?;
            total = total.checked_add(part).filter(|&total| total <= TOO_LONG)?;
            rest = after;
        }
        if negative {
            return Some(Self(0_i64.wrapping_sub_unsigned(total)));
        }
        i64::try_from(total).ok().map(Self)
    }

    /// Reads a label's value: whole seconds, or Go's notation.
    fn of_label(text: &str) -> Result<Self, ValueError> {
        if let Ok(seconds) = read_int(text) {
            return Ok(Self(seconds.wrapping_mul(1_000_000_000)));
        }
        Self::parse(text).ok_or(ValueError::NotDuration)
    }

    /// The duration that a label's text looks like, as it would be written: days and weeks have no unit in Go.
    fn meant(text: &str) -> Option<String> {
        let plain: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '\'' | '"')).collect();
        let plain = plain.to_lowercase();
        let plain = plain.strip_suffix("secs").or_else(|| plain.strip_suffix("sec")).unwrap_or(&plain);
        let hours = |unit: char, hours: u64| {
            let number: u64 = plain.strip_suffix(unit)?.parse().ok()?;
            Some(format!("{}h", number.checked_mul(hours)?))
        };
        let candidates = [Some(plain.to_owned()), hours('d', 24), hours('w', 168), Some(format!("{plain}s"))];
        candidates.into_iter().flatten().find(|text| Self::parse(text).is_some())
    }
}

/// One number with its unit, in nanoseconds, and what follows.
fn part(text: &str) -> Option<(u64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = text.split_at_checked(digits(text))?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(digits(rest))?,
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_end = rest.find(|letter: char| letter == '.' || letter.is_ascii_digit()).unwrap_or(rest.len());
    let (word, rest) = rest.split_at_checked(unit_end)?;
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == word)?;
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok().filter(|&it| it <= TOO_LONG)? };
    let mut total = whole.checked_mul(*unit).filter(|&it| it <= TOO_LONG)?;
    // As Go: digits that no longer fit are left out, the rest is scaled as a float and cut off.
    let (mut number, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        let Some(next) = number.checked_mul(10).and_then(|it| it.checked_add(u64::from(digit - b'0'))) else { break };
        if next > TOO_LONG - 1 {
            break;
        }
        number = next;
        scale *= 10.0;
    }
    if number > 0 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "Go computes it so, and the result is below one unit"
        )]
        let part = (number as f64 * (*unit as f64 / scale)) as u64;
        total = total.checked_add(part).filter(|&it| it <= TOO_LONG)?;
    }
    Some((total, rest))
}

impl std::fmt::Display for Duration {
    /// As Go prints it: `1m30s`, `100ms`, `10µs`, `0s`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanoseconds = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        if nanoseconds == 0 {
            return formatter.write_str("0s");
        }
        if nanoseconds < 1_000_000_000 {
            let (unit, scale) = match nanoseconds {
                0..1_000 => ("ns", 1),
                1_000..1_000_000 => ("µs", 1_000),
                _ => ("ms", 1_000_000),
            };
            return write!(formatter, "{sign}{}{unit}", decimal(nanoseconds, scale));
        }
        let (minutes, rest) = (nanoseconds / 60_000_000_000, nanoseconds % 60_000_000_000);
        let seconds = decimal(rest, 1_000_000_000);
        match (minutes / 60, minutes % 60) {
            (0, 0) => write!(formatter, "{sign}{seconds}s"),
            (0, minutes) => write!(formatter, "{sign}{minutes}m{seconds}s"),
            (hours, minutes) => write!(formatter, "{sign}{hours}h{minutes}m{seconds}s"),
        }
    }
}

/// `number / scale` with as many decimals as it has.
fn decimal(number: u64, scale: u64) -> String {
    let (whole, fraction) = (number / scale, number % scale);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = scale.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_seconds_or_gos_notation() {
        for (text, wanted) in [
            ("10", Some("10s")),
            ("-5", Some("-5s")),
            ("+5", Some("5s")),
            ("007", Some("7s")),
            ("9223372037", Some("-2562047h47m16.709551616s")),
            ("1m30s", Some("1m30s")),
            ("1.5h", Some("1h30m0s")),
            (".5s", Some("500ms")),
            ("1s1h", Some("1h0m1s")),
            ("10us", Some("10µs")),
            ("10μs", Some("10µs")),
            ("1.9999ns", Some("1ns")),
            ("-0", Some("0s")),
            ("-1ms", Some("-1ms")),
            ("1.5", None),
            ("", None),
            ("1d", None),
            ("1 s", None),
            (" 1s", None),
            ("1S", None),
            ("10000000h", None),
            ("s", None),
            (".s", None),
            ("1e3s", None),
        ] {
            let read = Duration::of_label(text).ok().map(|it| it.to_string());
            assert_eq!(read.as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for it in [0, 1, -1, 999, 1_000, 1_500_000, 61_000_000_001, i64::MAX, i64::MIN, -90_000_000_000] {
            assert_eq!(Duration::parse(&Duration(it).to_string()), Some(Duration(it)));
        }
    }
}
