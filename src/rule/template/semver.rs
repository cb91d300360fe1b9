//! Semantic versions and conditions on them, as `semver` and `semverCompare` take them.
//!
//! Source: Masterminds/semver, as observed in Traefik 3.7.15: a loose `v1.2`, `x` for any part, `~`, `^`, ranges `1 - 2`, `,` or a blank for
//! "and", `||` for "or"; a version with a prerelease only meets conditions of which one has a prerelease.

use std::cmp::Ordering;
use std::fmt;

use super::value::Value;

/// A version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    parts: [u64; 3],
    prerelease: String,
    metadata: String,
    original: String,
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.parts;
        write!(formatter, "{major}.{minor}.{patch}")?;
        if !self.prerelease.is_empty() {
            write!(formatter, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(formatter, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// A version's text in pieces: the numbers or wildcards, the prerelease, the metadata.
struct Pieces<'a> {
    parts: Vec<&'a str>,
    prerelease: &'a str,
    metadata: &'a str,
}

/// Dotted words of letters, digits and `-`.
fn dotted(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}

impl<'a> Pieces<'a> {
    fn parse(text: &'a str, wild: bool) -> Option<Self> {
        let body = text.strip_prefix('v').unwrap_or(text);
        let (body, metadata) = match body.split_once('+') {
            Some((body, metadata)) if dotted(metadata) => (body, metadata),
            Some(_) => return None,
            None => (body, ""),
        };
        let (body, prerelease) = match body.split_once('-') {
            Some((body, prerelease)) if dotted(prerelease) => (body, prerelease),
            Some(_) => return None,
            None => (body, ""),
        };
        let parts: Vec<&str> = body.split('.').collect();
        let part = |part: &&str| {
            (!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())) || (wild && matches!(*part, "x" | "X" | "*"))
        };
        (parts.len() <= 3 && parts.iter().all(part)).then_some(Self { parts, prerelease, metadata })
    }
}

impl Version {
    /// Reads a version; missing parts are 0.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Self::from_pieces(&Pieces::parse(text, false).ok_or("Invalid Semantic Version")?, text)
    }

    fn from_pieces(pieces: &Pieces<'_>, original: &str) -> Result<Self, String> {
        let mut parts = [0; 3];
        for (number, text) in parts.iter_mut().zip(&pieces.parts) {
            *number = text.parse().map_err(|_| "Error parsing version segment")?;
        }
        let leading = |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit());
        if pieces.prerelease.split('.').any(leading) {
            return Err("Version segment starts with 0".to_owned());
        }
        let (prerelease, metadata) = (pieces.prerelease.to_owned(), pieces.metadata.to_owned());
        Ok(Self { parts, prerelease, metadata, original: original.to_owned() })
    }

    /// What a template may ask of a version.
    pub(crate) fn field(&self, name: &str) -> Option<Value> {
        let [major, minor, patch] = self.parts;
        Some(match name {
            "Major" => Value::Uint64(major),
            "Minor" => Value::Uint64(minor),
            "Patch" => Value::Uint64(patch),
            "Prerelease" => Value::text(self.prerelease.as_str()),
            "Metadata" => Value::text(self.metadata.as_str()),
            "Original" => Value::text(self.original.as_str()),
            "String" => Value::text(self.to_string()),
            _ => return None,
        })
    }

    /// By precedence: metadata does not count.
    fn compare(&self, other: &Self) -> Ordering {
        self.parts.cmp(&other.parts).then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }
}

fn compare_prereleases(one: &str, two: &str) -> Ordering {
    match (one.is_empty(), two.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut one, mut two) = (one.split('.'), two.split('.'));
    loop {
        let order = match (one.next(), two.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(two)) => match (one.parse::<u64>(), two.parse::<u64>()) {
                (Ok(one), Ok(two)) => one.cmp(&two),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => one.cmp(two),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// One condition.
struct Condition<'a> {
    operator: &'a str,
    version: Version,
    /// How many parts are given: the rest is any.
    given: usize,
}

const OPERATORS: [&str; 11] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^"];

impl<'a> Condition<'a> {
    /// The condition at the start of `text`, and what follows it.
    fn parse(text: &'a str) -> Option<(Self, &'a str)> {
        let text = text.trim_start();
        let operator = OPERATORS.into_iter().find(|it| text.starts_with(it)).unwrap_or("");
        let body = text.strip_prefix(operator)?.trim_start();
        let end = body.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(body.len());
        let (word, rest) = body.split_at_checked(end)?;
        let mut pieces = Pieces::parse(word, true)?;
        let given = pieces.parts.iter().position(|it| matches!(*it, "x" | "X" | "*")).unwrap_or(pieces.parts.len());
        pieces.parts.truncate(given);
        let version = Version::from_pieces(&pieces, word).ok()?;
        Some((Self { operator, version, given }, rest))
    }

    fn meets(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        let given = self.given;
        let [major, minor, patch] = self.version.parts;
        let [v_major, v_minor, v_patch] = version.parts;
        // Nothing given: the parts count as zeros.
        let tilde = || {
            order != Ordering::Less
                && ((self.version.parts == [0; 3] && (given == 3 || given == 0))
                    || (v_major == major && (v_minor == minor || given == 1)))
        };
        match self.operator {
            "" | "=" if given == 3 => order == Ordering::Equal,
            "" | "=" | "~" | "~>" => tilde(),
            "!=" if given == 3 => order != Ordering::Equal,
            "!=" => match given {
                _ if v_major != major => true,
                1 => false,
                _ if v_minor != minor => true,
                0 => v_patch != patch || order != Ordering::Equal,
                _ => compare_prereleases(&version.prerelease, &self.version.prerelease) != Ordering::Equal,
            },
            ">" => match given {
                3 => order == Ordering::Greater,
                _ if v_major != major => v_major > major,
                1 => false,
                2 => v_minor > minor,
                _ => order == Ordering::Greater,
            },
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" => match given {
                3 => order != Ordering::Greater,
                1 => v_major <= major,
                _ => v_major < major || (v_major == major && v_minor <= minor),
            },
            // A caret.
            _ => {
                order != Ordering::Less
                    && if major > 0 || given == 1 {
                        v_major == major
                    } else if v_major > 0 {
                        false
                    } else if minor > 0 || given == 2 {
                        v_minor == minor
                    } else {
                        v_minor == 0 && v_patch == patch
                    }
            }
        }
    }
}

/// `1.2 - 1.4` as `>= 1.2, <= 1.4`.
fn ranges(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').filter(|it| !it.is_empty()).collect();
    let mut rewritten = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if let (Some(&"-"), Some(last)) = (words.get(at + 1), words.get(at + 2)) {
            rewritten.push(format!(">= {word}, <= {last}"));
            at += 3;
        } else {
            rewritten.push((*word).to_owned());
            at += 1;
        }
    }
    rewritten.join(" ")
}

/// Whether a version meets a condition.
pub(super) fn compare(condition: &str, version: &str) -> Result<bool, String> {
    let mut alternatives = Vec::new();
    let condition = ranges(condition);
    for alternative in condition.split("||") {
        let improper = || format!("improper constraint: {alternative}");
        let mut all = Vec::new();
        let mut rest = alternative;
        loop {
            let (condition, after) = Condition::parse(rest).ok_or_else(improper)?;
            all.push(condition);
            let trimmed = after.trim_start();
            rest = trimmed.strip_prefix(',').unwrap_or(trimmed);
            if trimmed.is_empty() {
                break;
            }
        }
        alternatives.push(all);
    }
    let version = Version::parse(version)?;
    // A prerelease is only for those who speak of one.
    let speaks = |all: &[Condition<'_>]| all.iter().any(|it| !it.version.prerelease.is_empty());
    let meets = |all: &&Vec<Condition<'_>>| version.prerelease.is_empty() || speaks(all);
    Ok(alternatives.iter().filter(meets).any(|all| all.iter().all(|it| it.meets(&version))))
}
