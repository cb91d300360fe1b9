//! What strangers wrote, as a person may see it: nothing that a terminal obeys, nothing hidden, nothing without end.
//!
//! The one place where it is escaped and cut, for tables, explanations, the page, logs and errors; and where JSON is
//! written, which a person may see as well.

use std::fmt::Write as _;

use serde::Serialize;
use unicode_width::UnicodeWidthChar as _;

/// The most columns of a terminal that a line of a text takes; what is longer is cut, and ends with `…`.
pub const LONGEST_LINE: usize = 4_000;
/// The most lines of one remedy, one error.
const MOST_LINES: usize = 1_000;
/// Characters that take no column (accents, stacked without end) count as this part of one.
const MARKS_FOR_A_COLUMN: usize = 4;

/// `text` on one line, with every character that a terminal would obey, or that would not be seen, written out:
/// `\u{1b}`, `\n`, and the marks that turn the direction of writing. A backslash stays as it is: rules are full of them.
/// Cut to [`LONGEST_LINE`].
pub fn visible(text: &str) -> String {
    short(text, LONGEST_LINE)
}

/// As [`visible`], for text that may have several lines: they stay lines.
pub fn visible_lines(text: &str) -> String {
    let mut lines = text.lines().map(visible);
    let mut shown = lines.by_ref().take(MOST_LINES).collect::<Vec<_>>().join("\n");
    if lines.next().is_some() {
        shown.push_str("\n…");
    }
    shown
}

/// As [`visible`], cut to `most` columns of a terminal, a `…` at its end included. Takes time and memory for what is
/// shown, not for what is cut.
pub fn short(text: &str, most: usize) -> String {
    let mut shown = String::new();
    // The columns so far, in parts of one; and where the text ends if it has to be cut.
    let (mut parts, mut end) = (0, 0);
    for character in text.chars() {
        let before = shown.len();
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
        let added = shown.get(before..).unwrap_or_default();
        parts += added.chars().map(|it| (columns_of(it) * MARKS_FOR_A_COLUMN).max(1)).sum::<usize>();
        if parts > most * MARKS_FOR_A_COLUMN {
            shown.truncate(end);
            shown.push('…');
            return shown;
        }
        if parts <= most.saturating_sub(1) * MARKS_FOR_A_COLUMN {
            end = shown.len();
        }
    }
    shown
}

/// A whole text with its lines, escaped as [`visible`] does, and not cut.
pub fn visible_text(text: String) -> String {
    let is_hidden = |it: char| it != '\n' && is_hidden(it);
    if !text.contains(is_hidden) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if is_hidden(character) { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}

/// How many columns of a terminal a text takes that is [`visible`].
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(character: char) -> usize {
    character.width().unwrap_or_default()
}

/// JSON on several lines, the last one ended. Characters that a terminal would obey or that would not be seen are
/// written as `\u202e`: the same strings to every parser.
pub fn json(value: &impl Serialize) -> String {
    // Views are strings, numbers, lists and maps with names: nothing in them can fail to be written.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    visible_json(text)
}

/// That an answer may be out of date, if it may.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Age<'a> {
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<&'a str>,
    /// For how long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_seconds: Option<u64>,
}

impl Age<'_> {
    /// As [`json`], with this before it. `value`: has names.
    pub fn json(&self, value: &impl Serialize) -> String {
        #[derive(Serialize)]
        struct Aged<'a, T> {
            #[serde(flatten)]
            age: &'a Age<'a>,
            #[serde(flatten)]
            value: &'a T,
        }
        json(&Aged { age: self, value })
    }
}

/// As [`json`], of text that is JSON already.
pub fn visible_json(text: String) -> String {
    // Line ends stand between strings, never in them: there serde wrote `\n`.
    let is_hidden = |it: char| it != '\n' && is_hidden(it);
    if !text.contains(is_hidden) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Controls (C0, DEL, C1), what turns the direction of writing or ends a line, and what takes no place or looks empty.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (hostile, wanted) in [
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("evil\u{202e}txt", "evil\\u{202e}txt"),
            ("\u{2066}\u{2069}\u{200e}\u{61c}", "\\u{2066}\\u{2069}\\u{200e}\\u{61c}"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            (r"HostRegexp(`\d+`)", r"HostRegexp(`\d+`)"),
            ("naïve 日本", "naïve 日本"),
        ] {
            assert_eq!(visible(hostile), wanted);
        }
        assert_eq!(visible_lines("one\n\u{7}two\n"), "one\n\\u{7}two");
        assert_eq!(visible_text("one\n\u{7}two\n".to_owned()), "one\n\\u{7}two\n");
    }

    #[test]
    fn what_is_long_is_cut_to_its_columns() {
        for (text, most, wanted) in [
            ("abcde", 5, "abcde"),
            ("abcdef", 5, "abcd…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            // An escape is cut as a whole.
            ("ab\u{1b}cd", 5, "ab…"),
            ("", 0, ""),
        ] {
            assert_eq!(short(text, most), wanted, "{text} in {most}");
            assert!(width(&short(text, most)) <= most.max(1));
        }
        // Accents on one letter, a million of them.
        let stacked = format!("a{}", "\u{301}".repeat(1_000_000));
        assert!(visible(&stacked).chars().count() <= LONGEST_LINE * MARKS_FOR_A_COLUMN);
        assert!(visible_lines(&"\n".repeat(1_000_000)).len() < 10_000);
    }

    #[test]
    fn json_is_the_same_to_a_parser_and_hides_nothing_from_a_person() {
        let value = serde_json::json!({ "a\u{202e}": ["\u{9b}31m", "\u{7f}", "\u{e0001}", "é\n\"\\", "\u{1b}"] });
        let text = json(&value);
        assert!(text.contains(r"\u202e") && text.contains(r"\udb40\udc01"), "{text}");
        assert!(!text.contains(|it: char| it != '\n' && is_hidden(it)), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
