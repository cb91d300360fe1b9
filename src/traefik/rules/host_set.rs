//! Which hosts can be reached: sets of names, and what a regular expression can match.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::traefik::rules::go_regex;

/// Which hosts a rule can match a request for. Never less than Traefik matches; sometimes more.
///
/// Shape: the union of the three fields; `any` stands alone. Nothing at all: the rule never matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Exactly these: lower case, without trailing dots, ASCII (punycode as written).
    pub hosts: BTreeSet<String>,
    /// Every name below these, one or more labels deeper: `example.com` stands for `*.example.com`.
    pub below: BTreeSet<String>,
    /// Any host at all, or requests without one.
    pub any: bool,
}

impl Reach {
    /// Everything.
    pub(crate) fn anything() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// One host as `Host` and `HostSNI` take it: a name, `*.name`, or `*`.
    pub(crate) fn host(written: &str) -> Self {
        let name = normal(written);
        let mut reach = Self::default();
        match name.strip_prefix("*.") {
            // Without a name, a request without a host could be meant.
            _ if name == "*" || name.is_empty() => reach.any = true,
            // Traefik from 3.7 on: one label in place of `*`; before: this very text.
            Some(parent) if !parent.is_empty() => {
                reach.below.insert(parent.to_owned());
            }
            _ => {
                reach.hosts.insert(name);
            }
        }
        reach
    }

    /// Whether nothing can be reached.
    pub fn is_empty(&self) -> bool {
        !self.any && self.hosts.is_empty() && self.below.is_empty()
    }

    /// Whether it names no host, and so takes what is others': any host at all, or every name below one label, as
    /// `*.com`. What lies below a longer name (`*.example.com`) is named.
    pub fn is_catch_all(&self) -> bool {
        self.any || self.below.iter().any(|parent| !parent.contains('.'))
    }

    /// Whether a host, lower case and without a trailing dot, can be reached.
    pub fn covers(&self, host: &str) -> bool {
        self.any || self.hosts.contains(host) || parents(host).any(|parent| self.below.contains(parent))
    }

    /// What either reaches.
    pub(crate) fn or(mut self, mut other: Self) -> Self {
        if self.any || other.any {
            return Self::anything();
        }
        // The few go to the many: thousands may be joined one by one, in any order and depth.
        if self.hosts.len() + self.below.len() < other.hosts.len() + other.below.len() {
            std::mem::swap(&mut self, &mut other);
        }
        self.hosts.extend(other.hosts);
        self.below.extend(other.below);
        self
    }

    /// What both reach.
    pub(crate) fn and(self, other: Self) -> Self {
        if self.any {
            return other;
        }
        if other.any {
            return self;
        }
        let hosts_of = |one: &Self, two: &Self| -> BTreeSet<String> {
            one.hosts.iter().filter(|host| two.covers(host)).cloned().collect()
        };
        let below_of = |one: &Self, two: &Self| -> BTreeSet<String> {
            let inside = |name: &String| two.below.contains(name) || parents(name).any(|it| two.below.contains(it));
            one.below.iter().filter(|name| inside(name)).cloned().collect()
        };
        let mut both = Self { hosts: hosts_of(&self, &other), below: below_of(&self, &other), any: false };
        both.hosts.extend(hosts_of(&other, &self));
        both.below.extend(below_of(&other, &self));
        both
    }

    /// What a regular expression can match among hosts: literal hosts or what lies below some names if that is
    /// certain, else anything. Errors: as [`go_regex::translate`].
    pub(crate) fn regex(pattern: &str) -> Result<Self, go_regex::Problem> {
        let translation = go_regex::translate(pattern)?;
        let Ok(hir) = regex_syntax::parse(&translation.text) else { return Ok(Self::anything()) };
        let mut parts = Vec::new();
        flatten(&hir, &mut parts);
        Ok(Self::parts(&parts))
    }

    /// A concatenation.
    fn parts(parts: &[&Hir]) -> Self {
        let Some((last, body)) = parts.split_last() else { return Self::anything() };
        if let HirKind::Alternation(branches) = last.kind() {
            // The end may be anchored in each branch apart.
            let branch = |last| {
                let mut whole = body.to_vec();
                flatten(last, &mut whole);
                Self::parts(&whole)
            };
            // Each of them is read with all that stands before it.
            if branches.len().saturating_mul(body.len()) > MAX_PARTS {
                return Self::anything();
            }
            return branches.iter().map(branch).fold(Self::default(), Self::or);
        }
        if !matches!(last.kind(), HirKind::Look(Look::End)) {
            return Self::anything();
        }
        let exact = matches!(body.first().map(|it| it.kind()), Some(HirKind::Look(Look::Start)));
        let body = if exact { body.get(1..).unwrap_or_default() } else { body };
        // The longest end of which every text is known.
        let mut tails = vec![String::new()];
        let mut whole = exact;
        for part in body.iter().rev() {
            let Some(longer) = texts(part).and_then(|texts| joined(&texts, &tails)) else {
                whole = false;
                break;
            };
            tails = longer;
        }
        let mut reach = Self::default();
        for tail in tails {
            let tail = normal(&tail);
            if whole {
                if tail.is_empty() {
                    return Self::anything();
                }
                reach.hosts.insert(tail);
            } else {
                match tail.split_once('.') {
                    Some((_, parent)) if !parent.is_empty() => reach.below.insert(parent.to_owned()),
                    _ => return Self::anything(),
                };
            }
        }
        reach
    }
}

/// A host as Traefik compares it: in lower case, without trailing dots.
pub(crate) fn normal(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// The names that `host` lies below: `b.c` and `c` for `a.b.c`.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    host.match_indices('.').filter_map(move |(at, _)| host.get(at + 1..))
}

/// How many texts of one part are followed.
const MAX_TEXTS: usize = 64;
/// How long each of them may be: longer than any host.
const MAX_TEXT: usize = 255;
/// How many parts the alternatives of one expression may have together.
const MAX_PARTS: usize = 10_000;

/// The parts of a concatenation, whatever groups they stand in.
fn flatten<'a>(hir: &'a Hir, parts: &mut Vec<&'a Hir>) {
    match hir.kind() {
        HirKind::Concat(inner) => inner.iter().for_each(|it| flatten(it, parts)),
        HirKind::Capture(group) => flatten(&group.sub, parts),
        HirKind::Empty => {}
        _ => parts.push(hir),
    }
}

/// Every text that a part matches, if they are few.
fn texts(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![String::new()]),
        HirKind::Literal(literal) => Some(vec![String::from_utf8(literal.0.to_vec()).ok()?]),
        HirKind::Class(Class::Unicode(class)) => {
            // Hosts are ASCII in lower case. (`(?i)` makes `k` a class that holds the Kelvin sign.)
            let ascii = class.iter().flat_map(|range| range.start()..=range.end().min('\x7f'));
            let texts: BTreeSet<char> = ascii.map(|c| c.to_ascii_lowercase()).collect();
            (texts.len() <= MAX_TEXTS).then(|| texts.into_iter().map(String::from).collect())
        }
        HirKind::Class(Class::Bytes(_)) | HirKind::Look(_) => None,
        HirKind::Repetition(repetition) => {
            let max = repetition.max.filter(|max| *max <= 8)?;
            let one = texts(&repetition.sub)?;
            let mut run = vec![String::new()];
            let mut all = if repetition.min == 0 { run.clone() } else { Vec::new() };
            for count in 1..=max {
                run = joined(&run, &one)?;
                if count >= repetition.min {
                    all.extend(run.iter().cloned());
                }
            }
            (all.len() <= MAX_TEXTS).then_some(all)
        }
        HirKind::Capture(group) => texts(&group.sub),
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![String::new()], |before, part| joined(&before, &texts(part)?))
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(texts(part)?);
            }
            (all.len() <= MAX_TEXTS).then_some(all)
        }
    }
}

/// Each of the first followed by each of the second, if they are few and short.
fn joined(first: &[String], second: &[String]) -> Option<Vec<String>> {
    let longest = |texts: &[String]| texts.iter().map(String::len).max().unwrap_or_default();
    if first.len().checked_mul(second.len())? > MAX_TEXTS || longest(first) + longest(second) > MAX_TEXT {
        return None;
    }
    Some(first.iter().flat_map(|one| second.iter().map(move |two| format!("{one}{two}"))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a b` for hosts, `*.a` for what lies below, `*` for anything.
    pub(crate) fn show(reach: &Reach) -> String {
        let below = reach.below.iter().map(|it| format!("*.{it}"));
        let any = reach.any.then(|| "*".to_owned());
        reach.hosts.iter().cloned().chain(below).chain(any).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_regex_reaches_what_is_certain() {
        for (pattern, wanted) in [
            (r"^app1\.example\.com$", "app1.example.com"),
            (r"^(a|b)\.example\.com$", "a.example.com b.example.com"),
            (r"^(?:www\.)?example\.com\.?$", "example.com www.example.com"),
            (r"^a[12]{2}\.x$", "a11.x a12.x a21.x a22.x"),
            (r"^a\.x$|^b\.y$", "a.x b.y"),
            (r"^[a-z]+\.app1\.example\.com$", "*.app1.example.com"),
            (r"^.+\.(a|b)\.example\.com$", "*.a.example.com *.b.example.com"),
            (r".\.app1\.example\.com$", "*.app1.example.com"),
            (r"^.*app1\.example\.com$", "*.example.com"),
            (r"^(?i)WWW\.Example\.com$", "www.example.com"),
            (r"(?i:^[a-z]+\.Example\.COM$)", "*.example.com"),
            (r"^((a))\.((x))$", "a.x"),
            (r"(?i)^ban\x{212A}\.test$", "bank.test"),
            (r"(^a|^b)\.y\.x$", "a.y.x b.y.x"),
            (r"^(a|b)\.(x$|y$)", "a.x a.y b.x b.y"),
            // A dot that is not escaped is any character.
            (r"^app1.example.com$", "*"),
            (r"^[a-z]+.example\.com$", "*.com"),
            // Not anchored, or not in every branch.
            (r"app1\.example\.com", "*"),
            (r"^app1\.example\.com", "*"),
            (r"^a\.x$|b\.y", "*"),
            (r"(?m)^a\.x$", "*"),
            // The empty host.
            (r"^$", "*"),
            (r"^(a\.x)?$", "*"),
            (r".+", "*"),
            (r"", "*"),
            (r"^.+\.$", "*"),
            (r"^[a-z]{1,3}\.$", "*"),
            (r"^.*com$", "*"),
        ] {
            assert_eq!(show(&Reach::regex(pattern).unwrap()), wanted, "{pattern}");
        }
    }

    #[test]
    fn both_reach_what_each_reaches() {
        let reach = |text: &str| text.split(' ').map(Reach::host).fold(Reach::default(), Reach::or);
        for (one, two, wanted) in [
            ("a.x b.x", "b.x c.x", "b.x"),
            ("*.x", "a.x b.a.x x y", "a.x b.a.x"),
            ("*.x", "*.a.x *.y", "*.a.x"),
            ("*", "a.x", "a.x"),
            ("a.x", "b.x", ""),
        ] {
            assert_eq!(show(&reach(one).and(reach(two))), wanted, "{one} and {two}");
            assert_eq!(show(&reach(two).and(reach(one))), wanted, "{two} and {one}");
        }
    }

    proptest::proptest! {
        /// What Go's regular expression matches is reached.
        #[test]
        fn a_reach_covers_what_matches(
            pattern in "(\\^|)([ab]|\\[ab\\]|\\(a\\|b\\)|\\\\\\.|\\.|x|[*+?]|\\(\\?i\\)|A|\\||\\$|\\^|\\{1,2\\}){0,9}(\\$|)",
            host in "[abx]{0,2}(\\.[abx]{1,2}){0,3}",
        ) {
            if let (Ok(reach), Ok(regex)) = (Reach::regex(&pattern), go_regex::GoRegex::parse(&pattern)) {
                proptest::prop_assert!(!regex.is_match(&host) || reach.covers(&normal(&host)), "{} {:?}", pattern, reach);
            }
        }
    }
}
