//! `urlParse` and `urlJoin`: a URL and its parts.
//!
//! Source: sprig `url.go`; Go `net/url`, `Parse` and `String`.

#![expect(clippy::format_push_string, reason = "short pieces, and writing to a string has no error to handle")]

use std::collections::BTreeMap;
use std::rc::Rc;

use super::functions::{Arguments, Outcome, text_of};
use super::value::{Of, Value};

/// Where in a URL a text stands: each place has letters of its own that need no escape.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Host,
    User,
    Path,
    Fragment,
}

/// A URL, each part unescaped but for the query.
#[derive(Default)]
struct Url {
    scheme: String,
    /// What follows the scheme where there is no slash.
    opaque: String,
    user: Option<User>,
    host: String,
    path: String,
    query: String,
    fragment: String,
}

struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

/// The parts of a URL by name.
pub(super) fn parse(it: &Arguments<'_>) -> Outcome {
    let text = it.text(0)?;
    let url = Url::parse(text).map_err(|problem| format!("unable to parse url: parse {text:?}: {problem}"))?;
    let hostname = url.hostname().to_owned();
    let user = url.user.map(|user| user.to_string()).unwrap_or_default();
    let parts = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", user),
    ];
    let parts: BTreeMap<Rc<str>, Value> =
        parts.into_iter().map(|(name, part)| (name.into(), Value::text(part))).collect();
    Ok(Value::map(parts, Of::Any))
}

/// A URL of its parts.
pub(super) fn join(it: &Arguments<'_>) -> Outcome {
    let parts = it.dict(0)?;
    let part = |name: &str| match parts.borrow().get(name) {
        None => Ok(String::new()),
        Some(value) => text_of(value).map(ToOwned::to_owned),
    };
    let user = match part("userinfo")? {
        user if user.is_empty() => None,
        user => Url::parse(&format!("proto://{user}@host"))?.user,
    };
    let url = Url {
        scheme: part("scheme")?,
        opaque: part("opaque")?,
        user,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        fragment: part("fragment")?,
    };
    Ok(Value::text(url.to_string()))
}

impl Url {
    fn parse(text: &str) -> Result<Self, String> {
        let mut url = Self::default();
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        url.fragment = to_text(&unescape(fragment, Place::Fragment)?);
        if text == "*" {
            text.clone_into(&mut url.path);
            return Ok(url);
        }
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_lowercase();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        query.clone_into(&mut url.query);
        if !rest.starts_with('/') {
            if !scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|first| first.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let mut path = rest;
        if let Some(after) = rest.strip_prefix("//").filter(|_| !scheme.is_empty() || !rest.starts_with("///")) {
            let (authority, rest) = after.split_at_checked(after.find('/').unwrap_or(after.len())).unwrap_or_default();
            path = rest;
            let (user, host) = match authority.rsplit_once('@') {
                Some((user, host)) => (Some(User::parse(user)?), host),
                None => (None, authority),
            };
            url.user = user;
            url.host = read_host(host)?;
        }
        url.path = to_text(&unescape(path, Place::Path)?);
        Ok(url)
    }

    /// The host without its port and brackets.
    fn hostname(&self) -> &str {
        let host = match self.host.rfind(':').and_then(|at| self.host.split_at_checked(at)) {
            Some((host, port)) if is_port(port) => host,
            _ => &self.host,
        };
        host.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')).unwrap_or(host)
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text.push_str(&self.scheme);
            text.push(':');
        }
        if self.opaque.is_empty() {
            let user = self.user.as_ref();
            let has_authority = !self.host.is_empty() || user.is_some();
            if has_authority || (!self.scheme.is_empty() && !self.path.is_empty()) {
                text.push_str("//");
            }
            if let Some(user) = user {
                text.push_str(&user.to_string());
                text.push('@');
            }
            text.push_str(&escape(self.host.as_bytes(), Place::Host));
            let path = if self.path == "*" { "*".to_owned() } else { escape(self.path.as_bytes(), Place::Path) };
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                text.push('/');
            }
            // Else it would read as a scheme.
            if text.is_empty() && path.split('/').next().is_some_and(|first| first.contains(':')) {
                text.push_str("./");
            }
            text.push_str(&path);
        } else {
            text.push_str(&self.opaque);
        }
        if !self.query.is_empty() {
            text.push('?');
            text.push_str(&self.query);
        }
        if !self.fragment.is_empty() {
            text.push('#');
            text.push_str(&escape(self.fragment.as_bytes(), Place::Fragment));
        }
        formatter.write_str(&text)
    }
}

impl User {
    fn parse(text: &str) -> Result<Self, String> {
        let known = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
        if !text.chars().all(known) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = match text.split_once(':') {
            Some((name, password)) => (name, Some(unescape(password, Place::User)?)),
            None => (text, None),
        };
        Ok(Self { name: unescape(name, Place::User)?, password })
    }
}

impl std::fmt::Display for User {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&escape(&self.name, Place::User))?;
        match &self.password {
            Some(password) => write!(formatter, ":{}", escape(password, Place::User)),
            None => Ok(()),
        }
    }
}

/// The scheme and what follows its colon.
fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, letter) in text.char_indices() {
        match letter {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok(text.split_once(':').unwrap_or(("", text))),
            _ => break,
        }
    }
    Ok(("", text))
}

/// `:` and digits, or nothing.
fn is_port(port: &str) -> bool {
    port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn read_host(host: &str) -> Result<String, String> {
    let port = if host.starts_with('[') {
        let end = host.rfind(']').ok_or("missing ']' in host")?;
        host.get(end + 1..)
    } else {
        host.rfind(':').and_then(|at| host.get(at..))
    };
    let port = port.unwrap_or_default();
    if !is_port(port) {
        return Err(format!("invalid port {port:?} after host"));
    }
    Ok(to_text(&unescape(host, Place::Host)?))
}

fn to_text(bytes: &[u8]) -> String {
    match Value::bytes(bytes) {
        Value::Text(text) => text.to_string(),
        _ => String::new(),
    }
}

fn is_escaped(byte: u8, place: Place) -> bool {
    match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'~' => false,
        _ if place == Place::Host => !b"!$&'()*+,;=:[]<>\"".contains(&byte),
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match place {
            Place::Path => byte == b'?',
            Place::User => b"@/?:".contains(&byte),
            Place::Host | Place::Fragment => false,
        },
        b'!' | b'(' | b')' | b'*' => place != Place::Fragment,
        _ => true,
    }
}

fn escape(bytes: &[u8], place: Place) -> String {
    let mut text = String::new();
    for byte in bytes {
        if is_escaped(*byte, place) {
            text.push_str(&format!("%{byte:02X}"));
        } else {
            text.push(char::from(*byte));
        }
    }
    text
}

fn unescape(text: &str, place: Place) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            if place == Place::Host && byte.is_ascii() && is_escaped(*byte, place) {
                return Err(format!("invalid character {:?} in host name", char::from(*byte).to_string()));
            }
            bytes.push(*byte);
            continue;
        }
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            // In a host only what is no ASCII may be escaped, and the mark of a zone.
            .filter(|code| place != Place::Host || !code.is_ascii() || *code == b'%');
        let Some(code) = code else {
            return Err(format!("invalid URL escape \"%{}\"", digits.unwrap_or_default()));
        };
        bytes.push(code);
        rest = after.get(2..).unwrap_or_default();
    }
    Ok(bytes)
}
