//! Go's regular expressions (RE2) on the `regex` crate: translated exactly, or refused.
//!
//! Go's grammar is read here whole, so that what Go refuses is refused, and what both accept but read differently
//! (`\d`, `[a&&b]`, `\<`, `\Q..\E`, `\141`, ...) means what Go says. The translation spells out every class and flag and
//! leaves nothing to the other engine's defaults. Both engines take the leftmost match, the first alternative first, in
//! linear time.
//!
//! Refused although Go takes it: `\B` (not expressible) and patterns that compile to more than [`SIZE_LIMIT`]. Unicode
//! class names are those of the Unicode version that `regex` carries.
//! Source: Go's `regexp/syntax`, `Parse` with the flags `Perl`.

#![expect(clippy::format_push_string, reason = "short pieces, and writing to a string has no error to handle")]

use std::collections::BTreeMap;
use std::fmt;

use regex::{Regex, RegexBuilder};

/// What a compiled pattern may take, in bytes.
pub(crate) const SIZE_LIMIT: usize = 1 << 20;
/// How often a pattern may repeat a part, also when repetitions are nested.
const MAX_REPEAT: u32 = 1000;
/// How deep groups may nest.
const MAX_DEPTH: usize = 200;

/// A regular expression that matches what Go's would.
#[derive(Clone, Debug)]
pub(crate) struct GoRegex {
    regex: Regex,
    names: Vec<Option<String>>,
}

/// Why a pattern is not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Go refuses it as well.
    Invalid(String),
    /// Go would take it.
    Unsupported(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(words) => formatter.write_str(words),
            Self::Unsupported(words) => write!(formatter, "not supported here: {words}"),
        }
    }
}

impl GoRegex {
    /// Reads a pattern in Go's syntax.
    pub(crate) fn parse(pattern: &str) -> Result<Self, Problem> {
        let Translation { text, size: _, names } = translate(pattern)?;
        let regex = RegexBuilder::new(&text)
            .size_limit(SIZE_LIMIT)
            .dfa_size_limit(SIZE_LIMIT)
            .nest_limit(1000)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => Problem::Unsupported("the pattern is too large".to_owned()),
                other => {
                    let words = other.to_string();
                    Problem::Unsupported(words.lines().last().unwrap_or_default().trim().to_owned())
                }
            })?;
        Ok(Self { regex, names })
    }

    /// Whether the pattern matches anywhere in `text`.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The engine, for searches. Groups are unnamed there; their names are [`Self::groups`]'.
    pub(crate) fn regex(&self) -> &Regex {
        &self.regex
    }

    /// The numbers of the groups with this name; Go takes a name more than once.
    pub(crate) fn groups(&self, name: &str) -> impl Iterator<Item = usize> {
        self.names.iter().enumerate().filter(move |(_, it)| it.as_deref() == Some(name)).map(|(at, _)| at + 1)
    }
}

/// A pattern in the syntax of the `regex` crate.
#[derive(Debug)]
pub(crate) struct Translation {
    /// The pattern.
    pub(crate) text: String,
    /// What Go makes of it: see [`size`].
    size: u64,
    /// The names of its groups, from the first.
    names: Vec<Option<String>>,
}

/// How large a pattern is as Go compiles it, in instructions: repetitions are written out, and three ranges of a class
/// count as one more instruction, for each time that the class is written out. Rather too much than too little; at least
/// [`PATTERN_SIZE`]. A pattern that Go does not compile has the size of its text.
///
/// One is about 110 bytes in a Traefik, measured with 3.6.15: 1,000 letters take 100 KB, 900 times `\pL` 7 MB, and a
/// short pattern 8 KB.
/// Source: Go's `regexp/syntax`, `compile.go`, `simplify.go`; `regexp/onepass.go`.
pub(crate) fn size(pattern: &str) -> u64 {
    let instructions = translate(pattern).map_or(pattern.len() as u64, |translation| translation.size);
    instructions.saturating_add(PATTERN_SIZE)
}

/// What any pattern takes.
pub(crate) const PATTERN_SIZE: u64 = 80;

/// The ranges of the largest class that has a name.
const NAMED_RANGES: u64 = 760;

/// The size of one class.
fn class_size(ranges: u64) -> u64 {
    ranges.saturating_add(2) / 3 + 1
}

/// Translates a pattern from Go's syntax.
pub(crate) fn translate(pattern: &str) -> Result<Translation, Problem> {
    Parser { rest: pattern, flags: Flags::default(), names: Vec::new(), classes: BTreeMap::new() }.run()
}

/// The Perl flags in force.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
    non_greedy: bool,
}

/// One complete part of a concatenation, as a text that a repetition may follow.
struct Piece {
    text: String,
    /// The largest product of nested repetition counts inside.
    repeats: u32,
    /// See [`size`].
    size: u64,
}

/// A group that is open.
struct Group {
    opening: &'static str,
    /// The flags to go back to.
    flags: Flags,
    /// Finished alternatives.
    done: String,
    /// Pieces of the current alternative.
    pieces: Vec<Piece>,
    repeats: u32,
    size: u64,
}

impl Group {
    fn new(opening: &'static str, flags: Flags) -> Self {
        Self { opening, flags, done: String::new(), pieces: Vec::new(), repeats: 1, size: 0 }
    }

    fn push(&mut self, text: String, size: u64) {
        self.pieces.push(Piece { text, repeats: 1, size });
    }

    /// Moves the current alternative to the finished ones.
    fn flush(&mut self) {
        for piece in self.pieces.drain(..) {
            self.repeats = self.repeats.max(piece.repeats);
            self.size = self.size.saturating_add(piece.size);
            self.done.push_str(&piece.text);
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    flags: Flags,
    names: Vec<Option<String>>,
    /// The Unicode classes so far, by their names: to look one up makes all of it.
    classes: BTreeMap<&'a str, Option<String>>,
}

impl Parser<'_> {
    fn run(mut self) -> Result<Translation, Problem> {
        let mut open: Vec<Group> = Vec::new();
        let mut group = Group::new("", self.flags);
        // The repetition that the last token was, which may not be followed by another.
        let mut repeated = false;
        while let Some(first) = self.rest.chars().next() {
            let again = std::mem::take(&mut repeated);
            match first {
                '(' => {
                    if let Some(opening) = self.open_group()? {
                        if open.len() >= MAX_DEPTH {
                            return Err(Problem::Unsupported(format!("groups nested more than {MAX_DEPTH} deep")));
                        }
                        let inner = Group::new(opening.0, opening.1);
                        open.push(std::mem::replace(&mut group, inner));
                    }
                }
                ')' => {
                    self.bump();
                    let Some(outer) = open.pop() else { return Err(invalid("an unexpected `)`")) };
                    let mut inner = std::mem::replace(&mut group, outer);
                    inner.flush();
                    self.flags = inner.flags;
                    let text = format!("{}{})", inner.opening, inner.done);
                    // With one instruction at its beginning and one at its end.
                    group.pieces.push(Piece { text, repeats: inner.repeats, size: inner.size.saturating_add(2) });
                }
                '|' => {
                    self.bump();
                    group.flush();
                    group.size = group.size.saturating_add(1);
                    group.done.push('|');
                }
                '*' | '+' | '?' => {
                    self.bump();
                    self.repeat(&mut group, &first.to_string(), again)?;
                    if let Some(piece) = group.pieces.last_mut() {
                        piece.size = piece.size.saturating_add(1);
                    }
                    repeated = true;
                }
                '{' => {
                    if let Some((min, max, after)) = counts(self.rest) {
                        if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
                            return Err(invalid("a bad repetition count"));
                        }
                        self.rest = after;
                        let counts = match max {
                            Some(max) => format!("{{{min},{max}}}"),
                            None => format!("{{{min},}}"),
                        };
                        self.repeat(&mut group, &counts, again)?;
                        if let Some(piece) = group.pieces.last_mut() {
                            let copies = max.unwrap_or(min).max(1);
                            let one = piece.size.saturating_add(u64::from(max != Some(min)));
                            piece.size = one.saturating_mul(u64::from(copies));
                            piece.repeats = piece.repeats.saturating_mul(max.unwrap_or(min).max(1));
                            if piece.repeats > MAX_REPEAT && (min >= 2 || max.is_some_and(|max| max >= 2)) {
                                return Err(invalid("nested repetitions of more than 1,000 in all"));
                            }
                        }
                        repeated = true;
                    } else {
                        self.bump();
                        group.push(self.literal('{'), self.letter_size());
                    }
                }
                '^' => {
                    self.bump();
                    group.push(if self.flags.multi_line { "(?m:^)" } else { r"\A" }.to_owned(), 1);
                }
                '$' => {
                    self.bump();
                    group.push(if self.flags.multi_line { "(?m:$)" } else { r"\z" }.to_owned(), 1);
                }
                '.' => {
                    self.bump();
                    group.push(if self.flags.dot_newline { "(?s:.)" } else { r"[^\n]" }.to_owned(), 1);
                }
                '[' => {
                    let (class, ranges) = self.class()?;
                    group.push(self.folded(&class), class_size(ranges));
                }
                '\\' => self.backslash(&mut group)?,
                other => {
                    self.bump();
                    group.push(self.literal(other), self.letter_size());
                }
            }
        }
        if !open.is_empty() {
            return Err(invalid("a `(` without its `)`"));
        }
        group.flush();
        Ok(Translation { text: group.done, size: group.size, names: self.names })
    }

    fn bump(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    /// Puts a repetition on the last piece.
    fn repeat(&mut self, group: &mut Group, operator: &str, again: bool) -> Result<(), Problem> {
        let lazy = if let Some(rest) = self.rest.strip_prefix('?') {
            self.rest = rest;
            !self.flags.non_greedy
        } else {
            self.flags.non_greedy
        };
        if again {
            return Err(invalid(&format!("`{operator}` after a repetition")));
        }
        let Some(piece) = group.pieces.last_mut() else {
            return Err(invalid(&format!("nothing before `{operator}` to repeat")));
        };
        piece.text = format!("(?:{}){operator}{}", piece.text, if lazy { "?" } else { "" });
        Ok(())
    }

    /// A letter and, where case is folded, its other forms.
    fn letter_size(&self) -> u64 {
        if self.flags.fold { 2 } else { 1 }
    }

    /// How many ranges a part of a class may become.
    fn ranges(&self, low: u32, high: u32) -> u64 {
        match (self.flags.fold, low, high) {
            (false, _, _) => 1,
            (true, _, 0..=0x7f) => 4,
            (true, _, _) => {
                u64::from(high.saturating_sub(low)).saturating_add(1).saturating_mul(3).min(2 * NAMED_RANGES)
            }
        }
    }

    fn literal(&self, c: char) -> String {
        self.folded(&char_text(u32::from(c)))
    }

    fn folded(&self, text: &str) -> String {
        if self.flags.fold { format!("(?i:{text})") } else { text.to_owned() }
    }

    /// A `(`: the opening of a group and the flags to go back to after it, or none if it only sets flags.
    fn open_group(&mut self) -> Result<Option<(&'static str, Flags)>, Problem> {
        let before = self.flags;
        self.bump();
        let Some(rest) = self.rest.strip_prefix('?') else {
            self.names.push(None);
            return Ok(Some(("(", before)));
        };
        if let Some(named) = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<')) {
            let Some((name, after)) = named.split_once('>') else { return Err(invalid("a group name without `>`")) };
            if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
                return Err(invalid(&format!("a group cannot be named `{name}`")));
            }
            self.names.push(Some(name.to_owned()));
            self.rest = after;
            return Ok(Some(("(", before)));
        }
        self.rest = rest;
        let mut flags = self.flags;
        let mut on = true;
        let mut seen = false;
        loop {
            let Some(c) = self.bump() else { return Err(invalid("a `(?` without its end")) };
            match c {
                'i' => flags.fold = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => flags.non_greedy = on,
                '-' if on => {
                    on = false;
                    seen = false;
                    continue;
                }
                ':' | ')' if on || seen => {
                    self.flags = flags;
                    return Ok((c == ':').then_some(("(?:", before)));
                }
                _ => return Err(invalid("a `(?` that Go does not know")),
            }
            seen = true;
        }
    }

    /// A backslash outside a class.
    fn backslash(&mut self, group: &mut Group) -> Result<(), Problem> {
        let mut chars = self.rest.chars();
        chars.next();
        let kind = chars.next();
        let after = chars.as_str();
        let look = match kind {
            Some('A') => r"\A",
            Some('z') => r"\z",
            Some('b') => r"(?-u:\b)",
            Some('B') => return Err(Problem::Unsupported(r"`\B`".to_owned())),
            Some('C') => return Err(invalid(r"the escape `\C`")),
            Some('Q') => {
                let (text, after) = after.split_once(r"\E").unwrap_or((after, ""));
                self.rest = after;
                for c in text.chars() {
                    group.push(self.literal(c), self.letter_size());
                }
                return Ok(());
            }
            _ => {
                let (text, size) = match self.escaped_class()? {
                    Some((class, ranges)) => (class, class_size(ranges)),
                    None => (char_text(self.escape()?), self.letter_size()),
                };
                group.push(self.folded(&text), size);
                return Ok(());
            }
        };
        self.rest = after;
        group.push(look.to_owned(), 1);
        Ok(())
    }

    /// `\d`, `\pL` and the like, here or in a class; and how many ranges that is.
    fn escaped_class(&mut self) -> Result<Option<(String, u64)>, Problem> {
        let Some(rest) = self.rest.strip_prefix('\\') else { return Ok(None) };
        let mut chars = rest.chars();
        let class = match chars.next() {
            Some('d') => "[0-9]",
            Some('D') => "[^0-9]",
            Some('s') => r"[\t\n\x0C\r ]",
            Some('S') => r"[^\t\n\x0C\r ]",
            Some('w') => "[0-9A-Za-z_]",
            Some('W') => "[^0-9A-Za-z_]",
            Some(sign @ ('p' | 'P')) => {
                let rest = chars.as_str();
                let (name, after) = if let Some(braced) = rest.strip_prefix('{') {
                    braced.split_once('}').ok_or_else(|| invalid("a `\\p{` without its `}`"))?
                } else {
                    let first = rest.chars().next().ok_or_else(|| invalid("a class name is missing"))?;
                    rest.split_at_checked(first.len_utf8()).unwrap_or((rest, ""))
                };
                self.rest = after;
                let (negated, name) = match name.strip_prefix('^') {
                    Some(name) => (sign == 'p', name),
                    None => (sign == 'P', name),
                };
                let class = self.classes.entry(name).or_insert_with(|| unicode_class(name)).clone();
                let class = class.ok_or_else(|| invalid(&format!("no Unicode class `{name}`")))?;
                let ranges = if self.flags.fold { 2 * NAMED_RANGES } else { NAMED_RANGES };
                return Ok(Some((if negated { format!("[^{class}]") } else { class }, ranges)));
            }
            _ => return Ok(None),
        };
        self.rest = chars.as_str();
        Ok(Some((class.to_owned(), 4)))
    }

    /// A bracketed class, its `[` next; and how many ranges that is at most.
    fn class(&mut self) -> Result<(String, u64), Problem> {
        self.bump();
        let mut text = String::from("[");
        if let Some(rest) = self.rest.strip_prefix('^') {
            self.rest = rest;
            text.push('^');
        }
        let mut first = true;
        let mut empty = true;
        // With the one more that a negation may have.
        let mut ranges = 1_u64;
        loop {
            if let Some(rest) = self.rest.strip_prefix(']')
                && !first
            {
                self.rest = rest;
                if empty {
                    // Only lone surrogates: nothing a text can hold.
                    text.push_str(r"[^\x{0}-\x{10FFFF}]");
                }
                text.push(']');
                return Ok((text, ranges));
            }
            first = false;
            if let Some(posix) = self.rest.strip_prefix("[:")
                && let Some((name, after)) = posix.split_once(":]")
            {
                let class = posix_class(name).ok_or_else(|| invalid(&format!("no class `[:{name}:]`")))?;
                text.push_str(&class);
                ranges = ranges.saturating_add(6);
                empty = false;
                self.rest = after;
                continue;
            }
            if let Some((class, more)) = self.escaped_class()? {
                text.push_str(&class);
                ranges = ranges.saturating_add(more);
                empty = false;
                continue;
            }
            let low = self.class_char()?;
            let mut high = low;
            if let Some(rest) = self.rest.strip_prefix('-')
                && !rest.is_empty()
                && !rest.starts_with(']')
            {
                self.rest = rest;
                high = self.class_char()?;
                if high < low {
                    return Err(invalid("a class range whose end is before its start"));
                }
            }
            ranges = ranges.saturating_add(self.ranges(low, high));
            for (low, high) in [(low, high.min(0xD7FF)), (low.max(0xE000), high)] {
                if low <= high {
                    text.push_str(&format!(r"\x{{{low:X}}}-\x{{{high:X}}}"));
                    empty = false;
                }
            }
        }
    }

    fn class_char(&mut self) -> Result<u32, Problem> {
        match self.rest.chars().next() {
            None => Err(invalid("a `[` without its `]`")),
            Some('\\') => self.escape(),
            Some(c) => {
                self.bump();
                Ok(u32::from(c))
            }
        }
    }

    /// One escaped character, its backslash next. It may be a surrogate.
    fn escape(&mut self) -> Result<u32, Problem> {
        self.bump();
        let Some(c) = self.bump() else { return Err(invalid(r"a `\` at the end")) };
        let bad = || invalid(&format!("the escape `\\{c}`"));
        let next_octal = self.rest.starts_with(|c: char| c.is_digit(8));
        Ok(match c {
            '0'..='7' if c == '0' || next_octal => {
                let mut code = c.to_digit(8).ok_or_else(bad)?;
                for _ in 0..2 {
                    let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else { break };
                    self.bump();
                    code = code * 8 + digit;
                }
                code
            }
            'x' => {
                if let Some(rest) = self.rest.strip_prefix('{') {
                    let (digits, after) = rest.split_once('}').ok_or_else(bad)?;
                    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
                        return Err(bad());
                    }
                    self.rest = after;
                    let digits = digits.trim_start_matches('0');
                    let code = if digits.is_empty() { Ok(0) } else { u32::from_str_radix(digits, 16) };
                    code.ok().filter(|code| *code <= 0x10_FFFF).ok_or_else(bad)?
                } else {
                    let mut code = 0;
                    for _ in 0..2 {
                        code = code * 16 + self.bump().and_then(|c| c.to_digit(16)).ok_or_else(bad)?;
                    }
                    code
                }
            }
            'a' => 7,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => u32::from(c),
            _ => return Err(bad()),
        })
    }
}

fn invalid(words: &str) -> Problem {
    Problem::Invalid(words.to_owned())
}

/// One character as the `regex` crate reads it anywhere; a lone surrogate matches nothing.
fn char_text(code: u32) -> String {
    match char::from_u32(code) {
        Some(c) if c.is_ascii_alphanumeric() => c.to_string(),
        Some(_) => format!(r"\x{{{code:X}}}"),
        None => r"[^\x{0}-\x{10FFFF}]".to_owned(),
    }
}

/// `{2}`, `{2,}`, `{2,3}` at the start of `text`: the counts, and what follows. Anything else is a plain `{`.
fn counts(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (inner, after) = text.strip_prefix('{')?.split_once('}')?;
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let leading = digits.len() > 1 && digits.starts_with('0');
        // Too large for the type is too large for Go as well.
        (plain && !leading).then(|| digits.parse().unwrap_or(u32::MAX))
    };
    match inner.split_once(',') {
        None => number(inner).map(|count| (count, Some(count), after)),
        Some((min, "")) => number(min).map(|min| (min, None, after)),
        Some((min, max)) => Some((number(min)?, Some(number(max)?), after)),
    }
}

fn posix_class(name: &str) -> Option<String> {
    let (negated, name) = match name.strip_prefix('^') {
        Some(name) => ("^", name),
        None => ("", name),
    };
    let ranges = match name {
        "alnum" => "0-9A-Za-z",
        "alpha" => "A-Za-z",
        "ascii" => r"\x00-\x7F",
        "blank" => r"\t ",
        "cntrl" => r"\x00-\x1F\x7F",
        "digit" => "0-9",
        "graph" => r"\x21-\x7E",
        "lower" => "a-z",
        "print" => r"\x20-\x7E",
        "punct" => r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E",
        "space" => r"\t\n\x0B\x0C\r ",
        "upper" => "A-Z",
        "word" => "0-9A-Za-z_",
        "xdigit" => "0-9A-Fa-f",
        _ => return None,
    };
    Some(format!("[{negated}{ranges}]"))
}

/// Scripts whose full name has four letters. Other four-letter names are short forms, which Go does not take.
const FOUR_LETTER_SCRIPTS: [&str; 9] = ["ahom", "cham", "kawi", "lisu", "miao", "modi", "newa", "thai", "toto"];

/// A Unicode category or script, as Go 1.25 and later name them: in any case, without spaces, `_` or `-`.
fn unicode_class(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).flat_map(char::to_lowercase).collect();
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    if name == "any" {
        return Some(r"[\x{0}-\x{10FFFF}]".to_owned());
    }
    let known = |text: &str| regex_syntax::parse(text).is_ok();
    let category = format!(r"\p{{gc={name}}}");
    let script = format!(r"\p{{sc={name}}}");
    if known(&category) {
        Some(category)
    } else if known(&script) && (name.len() != 4 || FOUR_LETTER_SCRIPTS.contains(&name.as_str())) {
        Some(script)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What Go said of a pattern: an error, or for some subjects the spans of all matches, in bytes.
    #[derive(serde::Deserialize)]
    struct Case {
        pattern: String,
        error: Option<String>,
        #[serde(default)]
        spans: BTreeMap<String, Vec<(usize, usize)>>,
    }

    #[test]
    fn patterns_match_as_recorded_from_go() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../../tests/vectors/go_regex.json")).unwrap();
        let mut wrong = Vec::new();
        for Case { pattern, error, spans } in cases {
            let found = GoRegex::parse(&pattern);
            match (&found, &error) {
                (Ok(found), None) => {
                    for (subject, wanted) in spans {
                        let spans: Vec<_> =
                            found.regex().find_iter(&subject).map(|it| (it.start(), it.end())).collect();
                        if spans != wanted {
                            wrong.push(format!("{pattern:?} on {subject:?}: {spans:?}, Go: {wanted:?}"));
                        }
                    }
                }
                (Err(Problem::Invalid(_)), Some(_)) => {}
                (Err(Problem::Unsupported(words)), None) if words == r"`\B`" => {}
                _ => wrong.push(format!("{pattern:?}: {:?}, Go: {error:?}", found.map(|it| it.regex))),
            }
        }
        assert!(wrong.is_empty(), "{}\n{} differ", wrong.join("\n"), wrong.len());
    }

    #[test]
    fn a_pattern_has_bounds() {
        for (pattern, words) in [
            (r"(\pL{1000})".to_owned(), "too large"),
            (format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000)), "nested"),
            (r"a\Bb".to_owned(), r"`\B`"),
        ] {
            let found = GoRegex::parse(&pattern);
            assert!(
                matches!(&found, Err(Problem::Unsupported(found)) if found.contains(words)),
                "{words}: {:?}",
                found.map(|it| it.is_match(""))
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}|[a\\\\Qdpxb{}()\\[\\]|*+?^$.:<>0-9,-]{0,40}") {
            // What the reader takes, the engine takes as well, but for its size.
            let size = Problem::Unsupported("the pattern is too large".to_owned());
            let found = GoRegex::parse(&text).map(|it| it.is_match(&text));
            prop_assert!(translate(&text).is_err() || found.is_ok() || found == Err(size));
        }
    }
}
