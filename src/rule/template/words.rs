//! `camelcase`, `snakecase` and `kebabcase`: what a word is, and how words join.
//!
//! Source: xstrings, as observed in Traefik 3.7.15.

use super::functions::{Arguments, Outcome};
use super::texts::{lower, lower_char, upper_char};
use super::value::Value;

fn connects(c: char) -> bool {
    matches!(c, '-' | '_') || c.is_whitespace()
}

/// In upper case: Unicode's category Lu. Rust counts letter-like numbers and symbols too.
fn is_upper(c: char) -> bool {
    let others = matches!(c, '\u{2160}'..='\u{216f}' | '\u{24b6}'..='\u{24cf}' | '\u{1f130}'..='\u{1f189}');
    c.is_uppercase() && !others
}

/// `camelcase`: connectors inside go, and what follows one is in upper case; the first word, and the rest of a word that
/// begins with several capitals, is in lower case.
///
/// As Traefik has it from 3.2 on; with 3.0 the first letter is in upper case, and capitals stay.
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
    let mut capitals = is_upper(*first);
    let mut waiting = lower_char(*first);
    for &c in rest {
        if connects(waiting) {
            if connects(c) {
                camel.push(waiting);
                waiting = c;
            } else {
                capitals = is_upper(c);
                waiting = upper_char(c);
            }
        } else {
            camel.push(waiting);
            capitals = capitals && is_upper(c);
            waiting = if capitals { lower_char(c) } else { c };
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
    } else if is_upper(c) {
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
            // A run of punctuation takes these in.
            Some((Word::Punctuation, last)) if matches!(c, '-' | '_') => last.push(c),
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
