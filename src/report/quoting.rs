//! Words of strangers in what people paste: names of containers, networks and labels stay one word, whatever they hold.
//!
//! ```text
//! quoted, in_quotes    a word of a shell's command line
//! yaml_word            a word of a Compose file
//! ```

use std::fmt::Write as _;

use super::visible;

/// A word that a shell takes for this word, on one line.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/:=@,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('-') {
        return word.to_owned();
    }
    in_quotes(word)
}

/// The same, always in quotes.
pub fn in_quotes(word: &str) -> String {
    let shown = if word.chars().any(char::is_control) { visible::visible(word) } else { word.to_owned() };
    format!("'{}'", shown.replace('\'', "'\\''"))
}

/// A text as YAML that every reader takes for this text: plain where that is safe, else between double quotes. A `$` is
/// doubled, or Compose would put a variable in its place.
pub fn yaml_word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    let first = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let is_word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "nan" | "inf"
    );
    if text.starts_with(first) && text.chars().all(plain) && !is_word {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '$' => quoted.push_str("$$"),
            ' '..='~' => quoted.push(letter),
            _ if u32::from(letter) > 0xffff => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(letter));
            }
            _ => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_runs_nothing_of_a_word() {
        for (word, wanted) in [
            ("app1-web-1", "app1-web-1"),
            ("leeward.hosts=a.example", "leeward.hosts=a.example"),
            ("", "''"),
            ("-v", "'-v'"),
            ("$(id)", "'$(id)'"),
            ("`id`", "'`id`'"),
            ("a b", "'a b'"),
            ("a;b", "'a;b'"),
            ("it's", "'it'\\''s'"),
            ("~", "'~'"),
            ("*", "'*'"),
        ] {
            assert_eq!(quoted(word), wanted);
        }
        assert_eq!(in_quotes("a"), "'a'");
        // A line stays a line.
        assert!(!quoted("a\nb\u{1b}[2J").contains(['\n', '\u{1b}']));
    }

    #[test]
    fn compose_puts_no_variable_into_a_word() {
        for (word, wanted) in [
            ("app", "app"),
            ("yes", "\"yes\""),
            ("1", "\"1\""),
            ("-a", "\"-a\""),
            ("${HOME}", "\"$${HOME}\""),
            ("a\nb", "\"a\\u000ab\""),
        ] {
            assert_eq!(yaml_word(word), wanted);
        }
    }
}
