//! A snapshot without names: what a bug report needs of an inventory, and nothing that tells whose it is.
//!
//! Every text is taken apart into words, numbers, addresses and ids, and put together again with the same signs between
//! them. A word of the [vocabulary](VOCABULARY) stays; every other one becomes `hidden0001`, the same wherever it stands,
//! so that what referred to each other still does. Words, ids and times are numbered in their order, addresses keep their
//! kind (private, loopback, …) and which of them share a network. So each verdict stays what it was.
//!
//! What stays and is no word: numbers of up to five digits (ports, versions, priorities), durations, the signs between
//! words, and the length of words that are longer than a name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::inventory::Inventory;

/// Words that tell nothing of anybody: of engines, of Traefik's configuration, of Leeward's labels, of the paths that are
/// judged.
pub const VOCABULARY: &str = include_str!("vocabulary.txt");

/// The digits of an id that suffice to name it.
const SHORT_ID: usize = 12;
/// A longer word keeps its length, for which there are limits.
const LONG: usize = 40;
/// What a word becomes; upper case tells apart what differs by case alone.
const HIDDEN: &str = "hidden";

/// What a text is made of. Alternatives in their order: MAC addresses, IPv6, IPv4 (each with the length of a prefix), words.
///
/// A word is of ASCII letters and digits, and of everything beyond ASCII but the few signs that configurations trip over.
static PIECES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<mac>\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b)",
        r"|(?P<ip>[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*|\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b)(?P<length>/[0-9]{1,3}\b)?",
        r"|(?P<word>(?:[0-9A-Za-z]|[^\x00-\x7f\u{80}-\u{9f}\u{2551}\u{2028}\u{2029}\u{feff}\u{fffd}-\u{ffff}])+)",
    ))
    .ok()
});

/// Words that are numbers of some kind: durations, hexadecimal, with an exponent, or with a `v` before them.
static NUMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:v?[0-9]{1,5}|(?:[0-9]{1,5}(?:h|m|s|ms|us|µs|ns))+|0x[0-9a-f]{1,4}|[0-9]{1,5}e[0-9]{1,2})$").ok()
});

/// An inventory whose names are hidden. The same one becomes the same again.
///
/// Errors: it cannot be written as JSON and read back; none is known.
pub fn redacted(inventory: &Inventory) -> Result<Inventory, serde_json::Error> {
    let value = serde_json::to_value(inventory)?;
    let mut words = Words { vocabulary: VOCABULARY.split_whitespace().collect(), ..Words::default() };
    walk(&value, &mut |text| words.learn(text));
    words.key = Sha256::digest(value.to_string()).into();
    words.hide();
    let times: BTreeSet<String> =
        inventory.containers.values().flat_map(|it| [it.created.clone(), it.started_at.clone()]).collect();
    let times: Vec<String> = times.into_iter().collect();
    let mut redacted: Inventory = serde_json::from_value(words.value(value))?;
    for (id, before) in &inventory.containers {
        let Some(after) = redacted.container_mut(&words.text(id.as_str())) else { continue };
        for (before, after) in [(&before.created, &mut after.created), (&before.started_at, &mut after.started_at)] {
            *after = moment(before, &times);
        }
        // Whether there is a limit is what matters.
        after.confinement.memory = after.confinement.memory.signum();
        after.confinement.pids_limit = after.confinement.pids_limit.map(i64::signum);
    }
    Ok(redacted)
}

/// A time that is as late among all as this one. The years that stand for `never` stay.
fn moment(time: &str, all: &[String]) -> String {
    if time.is_empty() || time.starts_with("0001-") {
        return time.to_owned();
    }
    let at = all.binary_search_by(|it| it.as_str().cmp(time)).unwrap_or_else(|at| at);
    format!("2000-01-{:02}T{:02}:{:02}:{:02}Z", at / 86_400 % 28 + 1, at / 3_600 % 24, at / 60 % 60, at % 60)
}

/// Visits every text, keys too.
fn walk(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(values) => values.iter().for_each(|value| walk(value, each)),
        Value::Object(map) => {
            for (key, value) in map {
                each(key);
                walk(value, each);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The words of one inventory, and what becomes of each.
#[derive(Default)]
struct Words {
    vocabulary: BTreeSet<&'static str>,
    /// Names as they are written, by their lower case.
    names: BTreeMap<String, BTreeSet<String>>,
    numbers: BTreeMap<String, usize>,
    /// The beginnings of ids, and what follows on them.
    beginnings: BTreeMap<String, usize>,
    rests: BTreeMap<String, usize>,
    addresses: BTreeMap<String, usize>,
    /// Of one or two letters, in texts that may be regular expressions: they stay everywhere.
    short: BTreeSet<String>,
    hidden: BTreeMap<String, String>,
    /// Of the whole inventory: nobody can try addresses who has not got it.
    key: [u8; 32],
}

/// What a word is.
enum Kind<'w> {
    /// It stays.
    Known,
    /// Digits alone, too many.
    Number,
    /// The beginning of an id and the rest.
    Id(&'w str, &'w str),
    Name,
}

impl Words {
    fn kind<'w>(&self, word: &'w str) -> Kind<'w> {
        let lower = word.to_lowercase();
        let is_number = NUMBERS.as_ref().is_some_and(|numbers| numbers.is_match(&lower));
        if is_number || self.short.contains(word) || self.vocabulary.contains(lower.as_str()) {
            return Kind::Known;
        }
        let is_hex = word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match word.split_at_checked(SHORT_ID) {
            Some((beginning, rest)) if is_hex => Kind::Id(beginning, rest),
            _ if word.bytes().all(|byte| byte.is_ascii_digit()) => Kind::Number,
            _ => Kind::Name,
        }
    }

    fn learn(&mut self, text: &str) {
        let Some(pieces) = PIECES.as_ref() else { return };
        let may_be_regex = ["[", "\\", "(?"].iter().any(|sign| text.contains(sign));
        for piece in pieces.captures_iter(text) {
            if let Some(mac) = piece.name("mac") {
                self.addresses.insert(mac.as_str().to_lowercase(), 0);
            }
            let ip = piece.name("ip").map(|ip| ip.as_str()).filter(|ip| ip.parse::<IpAddr>().is_err());
            // What only looks like an address is words.
            for word in piece.name("word").map(|it| it.as_str()).into_iter().chain(ip.into_iter().flat_map(plain_words))
            {
                if may_be_regex && word.len() <= 2 {
                    self.short.insert(word.to_owned());
                }
                match self.kind(word) {
                    Kind::Known => {}
                    Kind::Number => drop(self.numbers.insert(word.to_owned(), 0)),
                    Kind::Id(beginning, rest) => {
                        self.beginnings.insert(beginning.to_owned(), 0);
                        self.rests.insert(rest.to_owned(), 0);
                    }
                    Kind::Name => drop(self.names.entry(word.to_lowercase()).or_default().insert(word.to_owned())),
                }
            }
        }
    }

    /// Decides what becomes of each.
    fn hide(&mut self) {
        for all in [&mut self.numbers, &mut self.beginnings, &mut self.rests, &mut self.addresses] {
            for (at, place) in all.values_mut().enumerate() {
                *place = at;
            }
        }
        let width = self.names.len().to_string().len().max(4);
        for (number, (lower, written)) in self.names.iter().enumerate() {
            let accent = if lower.is_ascii() { "" } else { "é" };
            let others = written.iter().filter(|it| *it != lower);
            for (case, word) in others.zip(1..).map(|(word, case)| (case, word)).chain([(0, lower)]) {
                let name: String = HIDDEN
                    .chars()
                    .zip(0..)
                    .map(
                        |(letter, bit): (char, u32)| {
                            if case >> bit & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
                        },
                    )
                    .collect();
                let mut hidden = format!("{accent}{name}{number:0width$}");
                if word.len() > LONG {
                    hidden.extend(std::iter::repeat_n('x', word.len().saturating_sub(hidden.len())));
                }
                self.hidden.insert(word.clone(), hidden);
            }
        }
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(values) => values.into_iter().map(|value| self.value(value)).collect(),
            Value::Object(map) => {
                let map: Map<String, Value> =
                    map.into_iter().map(|(key, value)| (self.text(&key), self.value(value))).collect();
                Value::Object(map)
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
        }
    }

    fn text(&self, text: &str) -> String {
        let Some(pieces) = PIECES.as_ref() else { return String::new() };
        let replaced = pieces.replace_all(text, |piece: &Captures<'_>| {
            if let Some(mac) = piece.name("mac") {
                let at = place(&self.addresses, &mac.as_str().to_lowercase());
                return format!("02:00:00:00:{:02x}:{:02x}", at >> 8 & 255, at & 255);
            }
            if let Some(word) = piece.name("word") {
                return self.word(word.as_str());
            }
            let (ip, length) = (piece.name("ip"), piece.name("length").map_or("", |length| length.as_str()));
            let ip = ip.map_or("", |ip| ip.as_str());
            match ip.parse::<IpAddr>() {
                Ok(ip) => self.network(ip, length),
                Err(_) => words_replaced(ip, |word| self.word(word)) + length,
            }
        });
        replaced.into_owned()
    }

    fn word(&self, word: &str) -> String {
        match self.kind(word) {
            Kind::Known => word.to_owned(),
            // As long, and the first digit the same: what is too large for anything still is.
            Kind::Number => {
                let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
                let most = 10_usize.saturating_pow(u32::try_from(rest.len()).unwrap_or(u32::MAX)) - 1;
                format!("{first}{:0width$}", most.saturating_sub(place(&self.numbers, word)), width = rest.len())
            }
            Kind::Id(beginning, rest) => {
                let rest_place = place(&self.rests, rest);
                let rest =
                    if rest.is_empty() { String::new() } else { format!("{rest_place:0width$x}", width = rest.len()) };
                format!("{:0SHORT_ID$x}{rest}", place(&self.beginnings, beginning))
            }
            Kind::Name => self.hidden.get(word).cloned().unwrap_or_else(|| HIDDEN.to_owned()),
        }
    }

    /// An address with the length of its prefix. Without any bits after the prefix, it has none after.
    fn network(&self, ip: IpAddr, length: &str) -> String {
        let hidden = self.address(ip);
        let bits: Option<u32> = length.get(1..).and_then(|length| length.parse().ok());
        let masked = |mask: u128, before: u128, after: u128| if before & !mask == 0 { after & mask } else { after };
        let hidden = match (ip, hidden, bits) {
            (IpAddr::V4(before), IpAddr::V4(after), Some(bits @ 0..=32)) => {
                let mask = u128::from(u32::MAX.checked_shl(32 - bits).unwrap_or_default());
                let after = masked(mask, before.to_bits().into(), after.to_bits().into());
                IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(after).unwrap_or_default()))
            }
            (IpAddr::V6(before), IpAddr::V6(after), Some(bits @ 0..=128)) => {
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or_default();
                IpAddr::V6(Ipv6Addr::from_bits(masked(mask, before.to_bits(), after.to_bits())))
            }
            (_, hidden, _) => hidden,
        };
        format!("{hidden}{length}")
    }

    /// Another address of the same kind: two of one network are of one network afterwards.
    fn address(&self, ip: IpAddr) -> IpAddr {
        match ip {
            IpAddr::V4(ip) => {
                let kept = kept_of_v4(ip);
                let bits = self.flipped(u128::from(ip.to_bits()) << 96, kept, 32) >> 96;
                IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or_default()))
            }
            IpAddr::V6(ip) => match ip.to_ipv4_mapped().map(|ip| self.address(ip.into())) {
                Some(IpAddr::V4(ip)) => IpAddr::V6(ip.to_ipv6_mapped()),
                _ => IpAddr::V6(Ipv6Addr::from_bits(self.flipped(ip.to_bits(), kept_of_v6(ip), 128))),
            },
        }
    }

    /// Flips bits from the `kept` first on, each by those before it. Source: the prefix-preserving anonymisation of Crypto-PAn.
    fn flipped(&self, bits: u128, kept: u32, length: u32) -> u128 {
        (kept..length).fold(bits, |flipped, at| {
            let before = bits & u128::MAX.checked_shl(128 - at).unwrap_or_default();
            let digest = Sha256::new().chain_update(self.key).chain_update([u8::try_from(at).unwrap_or_default()]);
            let digest = digest.chain_update(before.to_be_bytes()).finalize();
            flipped ^ u128::from(digest.first().copied().unwrap_or_default() & 1) << (127 - at)
        })
    }
}

/// How many bits of an address say of what kind it is.
fn kept_of_v4(ip: Ipv4Addr) -> u32 {
    match ip.octets() {
        // No address, all, loopback, and where clouds tell who one is.
        [0 | 255 | 127, ..] | [169, 254, 169, 254] => 32,
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => 24,
        [172, 16..=31, ..] => 12,
        [100, 64..=127, ..] => 10,
        [198, 18 | 19, ..] => 15,
        // Private ones, link-local ones, and the public ones beside those.
        [100 | 169 | 172 | 192 | 198 | 203, ..] => 16,
        [224..=254, ..] => 4,
        _ => 8,
    }
}

fn kept_of_v6(ip: Ipv6Addr) -> u32 {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, ..] | [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => 128,
        [0x64, 0xff9b, ..] => 96,
        [0x2001, 0 | 0xdb8, ..] => 32,
        _ => 16,
    }
}

fn place(all: &BTreeMap<String, usize>, one: &str) -> usize {
    all.get(one).copied().unwrap_or_default()
}

/// The runs of ASCII letters and digits.
fn plain_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

fn words_replaced(text: &str, replace: impl Fn(&str) -> String) -> String {
    let signs = text.split(|letter: char| letter.is_ascii_alphanumeric()).filter(|signs| !signs.is_empty());
    let (mut signs, begins) = (signs, text.starts_with(|letter: char| letter.is_ascii_alphanumeric()));
    let mut replaced = String::new();
    if !begins {
        replaced.push_str(signs.next().unwrap_or_default());
    }
    for word in plain_words(text) {
        replaced.push_str(&replace(word));
        replaced.push_str(signs.next().unwrap_or_default());
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Attachment, Container, ContainerId, Mount};

    /// What becomes of these, as labels of one container, in their order.
    fn hidden(texts: &[&str]) -> Vec<String> {
        let labels = texts.iter().zip(10..).map(|(text, at)| (format!("{at}"), (*text).to_owned())).collect();
        let mut inventory = Inventory::default();
        inventory.put(Container { id: "c".into(), labels, ..Container::default() });
        let redacted = redacted(&inventory).unwrap();
        redacted.containers.values().next().unwrap().labels.values().cloned().collect()
    }

    #[test]
    fn what_belongs_together_still_does() {
        let found = hidden(&[
            "Host(`shop.acme.test`) || HostRegexp(`.+\\.acme\\.test`)",
            "*.acme.test",
            "ACME-shop_1",
            "shopacme",
        ]);
        assert_eq!(found[1], "*.hidden0000.test");
        assert_eq!(found[0], "Host(`hidden0002.hidden0000.test`) || HostRegexp(`.+\\.hidden0000\\.test`)");
        assert!(found[2].eq_ignore_ascii_case("hidden0000-hidden0002_1") && found[2] != "hidden0000-hidden0002_1");
        assert_eq!(found[3], "hidden0003");
    }

    #[test]
    fn addresses_keep_their_kind_and_their_networks() {
        let texts = [
            "172.20.0.0/16",
            "172.20.7.9",
            "http://172.20.7.9:8080",
            "8.8.8.8",
            "127.0.0.1",
            "0.0.0.0:80",
            "fd12:3456::7/64",
        ];
        let found = hidden(&texts);
        let net: ipnet::IpNet = found[0].parse().unwrap();
        let ip: IpAddr = found[1].parse().unwrap();
        assert!(net.contains(&ip) && net.trunc() == net && found[1] != texts[1], "{found:?}");
        assert!(matches!(ip, IpAddr::V4(ip) if ip.is_private()));
        assert_eq!(found[2], format!("http://{ip}:8080"));
        assert!(found[3] != "8.8.8.8" && found[3].parse::<Ipv4Addr>().is_ok_and(|ip| !ip.is_private()));
        assert_eq!(found[4..6], ["127.0.0.1", "0.0.0.0:80"]);
        let (unique, length) = found[6].split_once('/').unwrap();
        assert!(unique != "fd12:3456::7" && length == "64");
        assert!(unique.parse::<Ipv6Addr>().unwrap().is_unique_local(), "{unique}");
        assert_eq!(hidden(&["02:42:AC:11:00:02"]), ["02:00:00:00:00:00"]);
    }

    #[test]
    fn ids_secrets_and_paths_are_gone_and_what_is_judged_stays() {
        let id = "4a5d0ac50e7a4a5d0ac50e7a4a5d0ac50e7a4a5d0ac50e7a4a5d0ac50e7a4a5d";
        let found = hidden(&[
            id,
            "4a5d0ac50e7a",
            "admin:$2y$05$Jk3abcdefghijklmnopqrstuv.wxyzABCDEFGHIJ",
            "/srv/acme/data",
            "/var/run/docker.sock",
        ]);
        assert!(found[0].starts_with(&found[1]) && found[0].len() == 64 && !found[0].contains("4a5d"), "{found:?}");
        assert!(found[2].contains(":$2y$05$") && !found[2].contains("Jk3"), "{found:?}");
        assert_eq!((found[3].contains("acme"), found[4].as_str()), (false, "/var/run/docker.sock"), "{found:?}");
        assert_eq!(hidden(&["2000000000", "31337", "10s"]), ["2999999999", "31337", "10s"]);
    }

    #[test]
    fn what_refers_to_a_container_still_does() {
        let mut inventory = Inventory::default();
        let attachment = Attachment { network: "acme_web".to_owned(), ..Attachment::default() };
        inventory.put(Container {
            id: "acme1".into(),
            name: "shop".to_owned(),
            network_mode: "container:acme2".to_owned(),
            attachments: [("acme_web".to_owned(), attachment)].into(),
            mounts: vec![Mount { source: "/home/jo/acme".to_owned(), ..Mount::default() }],
            created: "2026-03-04T05:06:07Z".to_owned(),
            ..Container::default()
        });
        inventory.put(Container { id: "acme2".into(), ..Container::default() });
        let redacted = redacted(&inventory).unwrap();
        let ids: Vec<&str> = redacted.containers.keys().map(ContainerId::as_str).collect();
        let first = redacted.containers.values().next().unwrap();
        assert_eq!(first.network_mode, format!("container:{}", ids[1]));
        let (name, attachment) = first.attachments.iter().next().unwrap();
        assert_eq!(*name, attachment.network);
        assert!(first.mounts[0].source.starts_with("/home/hidden"), "{first:?}");
        assert!(!first.created.contains("2026"), "{}", first.created);
    }
}
