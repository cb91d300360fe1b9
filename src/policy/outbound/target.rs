//! What a label allows: names with ports. Read strictly, because a name ends up in a rule of Traefik's and in a question to
//! a resolver.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::policy::leeward_labels::PROXIED;

/// A name outside, and a port there.
///
/// Shape: `api.github.com:443`. The name is in lower case and has at least two labels of letters, digits and hyphens, the
/// last of which begins with a letter: no address of any notation, no pattern, no backtick.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Target {
    host: String,
    port: u16,
}

impl Target {
    /// The name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// Why a text is no [`Target`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BadTarget {
    /// It has a `*`: more than one name.
    Everything,
    /// There is no port behind it, or none between 1 and 65535.
    NoPort,
    /// It is no name of the domain name system.
    NoName,
    /// It is an address. Only names are allowed: what is behind an address may change, and TLS knows names.
    Address,
    /// It has no dot: a name of this network, or of this machine.
    NoDot,
    /// It is the host, or the machine itself.
    Here,
}

impl FromStr for Target {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Self, BadTarget> {
        if text.contains('*') {
            return Err(BadTarget::Everything);
        }
        if text.starts_with('[') || text.parse::<std::net::IpAddr>().is_ok() {
            return Err(BadTarget::Address);
        }
        let (host, port) = text.rsplit_once(':').ok_or(BadTarget::NoPort)?;
        let digits = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse::<u16>().ok().filter(|port| digits && *port > 0).ok_or(BadTarget::NoPort)?;
        let host = host.to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if host.is_empty() || host.len() > 253 || !host.split('.').all(is_label) {
            return Err(BadTarget::NoName);
        }
        let (above, last) = host.rsplit_once('.').ok_or(BadTarget::NoDot)?;
        // `127.1`, `0x7f.1`, `1.2.3.0x4`: no domain at the top begins with a digit.
        if last.starts_with(|letter: char| letter.is_ascii_digit()) {
            return Err(BadTarget::Address);
        }
        let is_host =
            last == "internal" && above.rsplit('.').next().is_some_and(|it| matches!(it, "docker" | "containers"));
        if last == "localhost" || is_host {
            return Err(BadTarget::Here);
        }
        Ok(Self { host, port })
    }
}

/// The words of a label's value, between commas or blanks.
fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty())
}

/// Whether a container may use the forward proxies beside it.
pub fn asks_for_proxy(value: &str) -> bool {
    words(value).any(|word| word == PROXIED)
}

/// Reads a label's value: targets between commas or blanks. What could not be read is named, and allows nothing; the rest
/// is as good without it. Linear in the value's bytes.
pub fn read(value: &str) -> (BTreeSet<Target>, Vec<(&str, BadTarget)>) {
    let (mut targets, mut bad) = (BTreeSet::new(), Vec::new());
    for word in words(value) {
        match word.parse() {
            Ok(target) => drop(targets.insert(target)),
            Err(problem) => bad.push((word, problem)),
        }
    }
    (targets, bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_ports_are_read() {
        for (text, wanted) in [
            ("api.github.com:443", "api.github.com:443"),
            ("API.GitHub.Com:443", "api.github.com:443"),
            ("xn--bcher-kva.example:80", "xn--bcher-kva.example:80"),
            ("1and1.com:587", "1and1.com:587"),
            ("a.b-c.d1:65535", "a.b-c.d1:65535"),
            ("metadata.google.internal:80", "metadata.google.internal:80"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), wanted);
        }
    }

    #[test]
    fn nothing_but_a_name_reaches_a_rule() {
        let long = format!("{}.example:443", "a".repeat(64));
        let longer = format!("{}example:443", "a.".repeat(125));
        for (text, wanted) in [
            ("*", BadTarget::Everything),
            ("*:443", BadTarget::Everything),
            ("*.github.com:443", BadTarget::Everything),
            ("api.github.com", BadTarget::NoPort),
            ("api.github.com:", BadTarget::NoPort),
            ("api.github.com:0", BadTarget::NoPort),
            ("api.github.com:+443", BadTarget::NoPort),
            ("api.github.com:65536", BadTarget::NoPort),
            ("api.github.com:0000443", BadTarget::NoPort),
            ("api.github.com:https", BadTarget::NoPort),
            (":443", BadTarget::NoName),
            ("a.example`) || HostSNI(`b.example:443", BadTarget::NoName),
            ("a.example\u{a0}:443", BadTarget::NoName),
            ("a.example\u{0}:443", BadTarget::NoName),
            ("a.example.:443", BadTarget::NoName),
            ("a..example:443", BadTarget::NoName),
            ("-a.example:443", BadTarget::NoName),
            ("a-.example:443", BadTarget::NoName),
            ("a_b.example:443", BadTarget::NoName),
            ("https://a.example:443", BadTarget::NoName),
            ("user@a.example:443", BadTarget::NoName),
            ("a.example/x:443", BadTarget::NoName),
            ("{{.Name}}.example:443", BadTarget::NoName),
            ("b\u{fc}cher.example:443", BadTarget::NoName),
            ("\u{212a}.example:443", BadTarget::NoName),
            (&long, BadTarget::NoName),
            (&longer, BadTarget::NoName),
            ("192.0.2.1:443", BadTarget::Address),
            ("192.0.2.1", BadTarget::Address),
            ("127.1:443", BadTarget::Address),
            ("0x7f.0x1:443", BadTarget::Address),
            ("[2001:db8::1]:443", BadTarget::Address),
            ("2001:db8::1", BadTarget::Address),
            ("2001:db8::1:443", BadTarget::Address),
            ("2130706433:443", BadTarget::NoDot),
            ("smtp:587", BadTarget::NoDot),
            ("localhost:80", BadTarget::NoDot),
            ("a.localhost:80", BadTarget::Here),
            ("host.docker.internal:80", BadTarget::Here),
            ("gateway.docker.internal:80", BadTarget::Here),
            ("host.containers.internal:80", BadTarget::Here),
        ] {
            assert_eq!(text.parse::<Target>(), Err(wanted), "{text}");
        }
    }

    #[test]
    fn a_bad_word_allows_nothing_and_takes_nothing_away() {
        let (targets, bad) = read("b.example:443,, a.example:80 nothing\ta.example:80,*");
        assert_eq!(targets.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a.example:80", "b.example:443"]);
        assert_eq!(bad, [("nothing", BadTarget::NoPort), ("*", BadTarget::Everything)]);
    }
}
