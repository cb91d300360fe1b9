//! The document: bytes that every Traefik reads back as what was meant.
//!
//! Traefik's HTTP provider reads the body as YAML (yaml.v3) and then by field (paerser), and refuses all of it for one
//! bad leaf. So: compact JSON, keys in a fixed order, the escapes that YAML knows, zeros and nothing but what was set, no
//! null, no empty structure but where Traefik takes one. What cannot be carried at all is found beforehand, container by
//! container: [`problems`], [`long_name`].

use super::Dynamic;
use super::plugin::{Free, Plugin};
use super::schema::{Part, Value};
use super::tls::DefaultCertificate;
use crate::traefik::{Problem, Reason};

/// The longest key, as written between its quotes, that a YAML scanner takes for one. Source: yaml.v3 `scannerc.go`.
const LONGEST_KEY: usize = 1022;

/// What paerser joins the items of a list with.
pub(super) const SEPARATOR: char = '║';

/// Writes the document. `{}` if there is nothing at all.
pub fn write(dynamic: &Dynamic) -> String {
    write_with(dynamic, None)
}

/// Writes the document with a default certificate: `tls.stores.default.defaultCertificate`, which no label reaches. It
/// is left out where `dynamic` has a store of its own.
pub fn write_with(dynamic: &Dynamic, default_certificate: Option<&DefaultCertificate>) -> String {
    let Dynamic { http, tcp, udp, tls } = dynamic;
    let mut to = Writer { out: String::with_capacity(64 * 1024), comma: false };
    to.object(|to| {
        section(
            to,
            "http",
            http,
            !(http.routers.is_empty()
                && http.services.is_empty()
                && http.middlewares.is_empty()
                && http.models.is_empty()),
        );
        section(to, "tcp", tcp, !(tcp.routers.is_empty() && tcp.services.is_empty() && tcp.middlewares.is_empty()));
        match default_certificate.filter(|_| tls.stores.is_empty()) {
            Some(DefaultCertificate { certificate, key }) => {
                let path = ["tls", "stores", "default", "defaultCertificate"];
                to.nested(&path, &mut |to| {
                    to.key("certFile");
                    to.text(certificate);
                    to.key("keyFile");
                    to.text(key);
                });
            }
            None => section(to, "tls", tls, !tls.stores.is_empty()),
        }
        section(to, "udp", udp, !(udp.routers.is_empty() && udp.services.is_empty()));
    });
    to.out
}

fn section(to: &mut Writer, name: &str, value: &impl Value, wanted: bool) {
    if wanted {
        to.key(name);
        value.write(to);
    }
}

/// What of one container's part cannot be carried by a document: it would arrive changed, or spoil everything.
pub fn problems(dynamic: &Dynamic) -> Vec<Problem> {
    let mut problems = Vec::new();
    walk(dynamic, &mut |path, part| match part {
        Part::Item(item) if item.contains(SEPARATOR) => {
            problems.push(Problem::new(label_of(path), Reason::SeparatorInItem(item.to_owned()), None));
        }
        Part::Plugin(Plugin(settings)) => {
            for (key, value) in settings {
                free(key, value, path, &mut problems);
            }
        }
        Part::Item(_) | Part::Key(_) | Part::Field(_) => {}
    });
    problems
}

fn free(key: &str, value: &Free, path: &[&str], problems: &mut Vec<Problem>) {
    let problem = |reason| Problem::new(format!("{}.{key}", label_of(path)), reason, None);
    if is_long(key) {
        problems.push(problem(Reason::LongSetting));
    }
    match value {
        Free::Text(text) if text.starts_with(SEPARATOR) => {
            problems.push(problem(Reason::SeparatorInSetting(text.clone())));
        }
        Free::Text(_) => {}
        // Traefik walks a map by its sorted names, and a first name in brackets makes it a list.
        Free::Map(map) if map.keys().next().is_some_and(|first| first.starts_with('[')) => {
            problems.push(problem(Reason::NamesBesideIndex));
        }
        Free::Map(map) => {
            for (below, value) in map {
                free(below, value, path, problems);
            }
        }
        Free::List(items) => items.iter().for_each(|item| free(key, item, path, problems)),
    }
}

/// A name in it that is too long for Traefik's parser, if there is one. `published` makes of a router's, service's,
/// middleware's or model's name the one that it gets in the document.
pub fn long_name(dynamic: &Dynamic, published: impl Fn(&str) -> String) -> Option<String> {
    let mut long = None;
    walk(dynamic, &mut |path, part| {
        let Part::Key(key) = part else { return };
        let name = if matches!(path, ["http" | "tcp" | "udp", _, _]) { published(key) } else { key.to_owned() };
        if is_long(&name) {
            long = Some(name);
        }
    });
    long
}

/// How many bytes the longest name in it has.
pub fn longest_name(dynamic: &Dynamic) -> usize {
    let mut longest = 0;
    walk(dynamic, &mut |_, part| match part {
        Part::Key(key) => longest = longest.max(key.len()),
        Part::Field(_) | Part::Item(_) | Part::Plugin(_) => {}
    });
    longest
}

/// Whether a name of so many bytes can be too long for Traefik's parser.
pub fn may_be_long(bytes: usize) -> bool {
    // Each letter takes at least one place and at most six.
    bytes > LONGEST_KEY / 6
}

fn is_long(key: &str) -> bool {
    may_be_long(key.len())
        && key
            .chars()
            .map(|letter| if is_escaped(letter) { 6 } else { 1 + usize::from(matches!(letter, '"' | '\\')) })
            .sum::<usize>()
            > LONGEST_KEY
}

fn walk<'a>(dynamic: &'a Dynamic, see: &mut dyn FnMut(&[&'a str], Part<'a>)) {
    let Dynamic { http, tcp, udp, tls } = dynamic;
    let mut path = Vec::with_capacity(8);
    let mut section = |name, walk: &mut dyn FnMut(&mut Vec<&'a str>)| {
        path.push(name);
        walk(&mut path);
        path.pop();
    };
    section("http", &mut |path| http.walk(path, see));
    section("tcp", &mut |path| tcp.walk(path, see));
    section("udp", &mut |path| udp.walk(path, see));
    section("tls", &mut |path| tls.walk(path, see));
}

/// The label that sets what a path leads to.
fn label_of(path: &[&str]) -> String {
    let mut label = "traefik".to_owned();
    for (at, name) in path.iter().enumerate() {
        label.push('.');
        // The third name is what the operator called it; the others are Traefik's, in lower case by custom.
        if at == 2 { label.push_str(name) } else { label.push_str(&name.to_lowercase()) }
    }
    label
}

impl Dynamic {
    /// The fields in it that came with a later release than `version`, as labels, each with the release.
    pub fn newer_than(&self, version: super::Version) -> Vec<(String, super::Version)> {
        let mut newer = Vec::new();
        if version >= super::Version::NEWEST {
            return newer;
        }
        walk(self, &mut |path, part| match part {
            Part::Field(field) if field.since > version => newer.push((label_of(path), field.since)),
            Part::Field(_) | Part::Key(_) | Part::Item(_) | Part::Plugin(_) => {}
        });
        newer
    }
}

/// Writes JSON that is also YAML.
#[derive(Debug)]
pub(crate) struct Writer {
    out: String,
    /// Something stands before, in the same object or list.
    comma: bool,
}

impl Writer {
    fn next(&mut self) {
        if self.comma {
            self.out.push(',');
        }
        self.comma = true;
    }

    pub(crate) fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.out.push('{');
        self.comma = false;
        fields(self);
        self.out.push('}');
        self.comma = true;
    }

    /// The object at the end of a path of keys.
    fn nested(&mut self, path: &[&str], fields: &mut dyn FnMut(&mut Self)) {
        match path {
            [] => fields(self),
            [key, rest @ ..] => {
                self.key(key);
                self.object(|to| to.nested(rest, fields));
            }
        }
    }

    pub(crate) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&T, &mut Self)) {
        self.out.push('[');
        self.comma = false;
        for item in items {
            self.next();
            write(item, self);
            self.comma = true;
        }
        self.out.push(']');
        self.comma = true;
    }

    /// The name of what is written next.
    pub(crate) fn key(&mut self, key: &str) {
        self.next();
        self.text(key);
        self.out.push(':');
        self.comma = false;
    }

    /// A number, `true` or `false`.
    pub(crate) fn raw(&mut self, text: &str) {
        self.out.push_str(text);
        self.comma = true;
    }

    /// A string. Letters beyond U+FFFF are written as they are: YAML knows no surrogate pairs.
    pub(crate) fn text(&mut self, text: &str) {
        self.out.push('"');
        // Nearly all is plain, and is told so faster by its bytes.
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        let mut rest = if text.bytes().all(is_plain) {
            self.out.push_str(text);
            ""
        } else {
            text
        };
        while let Some(at) = rest.find(|letter| matches!(letter, '"' | '\\') || is_escaped(letter)) {
            let (plain, special) = rest.split_at(at);
            self.out.push_str(plain);
            let mut letters = special.chars();
            match letters.next() {
                Some(letter @ ('"' | '\\')) => {
                    self.out.push('\\');
                    self.out.push(letter);
                }
                Some(letter) => {
                    self.out.push_str("\\u");
                    let hex = format!("{:04x}", u32::from(letter));
                    self.out.push_str(&hex);
                }
                None => {}
            }
            rest = letters.as_str();
        }
        self.out.push_str(rest);
        self.out.push('"');
        self.comma = true;
    }
}

/// Letters that a YAML scanner refuses or changes when they stand there as they are.
fn is_escaped(letter: char) -> bool {
    matches!(
        letter,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}
