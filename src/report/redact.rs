//! A snapshot without names: what a bug report needs of an inventory, and nothing that tells whose it is.
//!
//! Every text is taken apart into words, numbers, addresses and ids, and put together again with the same signs between
//! them. A word of the [vocabulary] stays; every other one becomes `hidden0001`, the same wherever it stands,
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
use crate::policy::rules::mounts;

/// Words that tell nothing of anybody: of engines, of Traefik's configuration, of Leeward's labels; and those of the paths
/// that are judged.
pub fn vocabulary() -> BTreeSet<&'static str> {
    include_str!("vocabulary.txt").split_whitespace().chain(mounts::words()).collect()
}

/// The digits of an id that suffice to name it.
const SHORT_ID: usize = 12;
/// A longer word keeps its length, for which there are limits.
const LONG: usize = 40;
/// What a word becomes; upper case tells apart what differs by case alone.
const HIDDEN: &str = "hidden";

const MAC: &str = r"(?P<mac>\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b)";
/// Also what only looks so.
const V6: &str = r"(?P<v6>[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)";
/// With dots, or as host names (`ip-10-1-2-3`) and regular expressions have them.
const V4: &str =
    r"(?P<v4>[0-9]{1,3}(?:(?:\.[0-9]{1,3}){3}|(?:-[0-9]{1,3}){3}|(?:_[0-9]{1,3}){3}|(?:\\\.[0-9]{1,3}){3}))";
/// Of ASCII letters and digits, and of everything beyond ASCII but the few signs that configurations trip over.
const WORD: &str =
    r"(?P<word>(?:[0-9A-Za-z]|[^\x00-\x7f\u{80}-\u{9f}\u{2551}\u{2028}\u{2029}\u{feff}\u{fffd}-\u{ffff}])+)";

/// What a text is made of; what a piece is made of that looks like an IPv6 address and is none; and one that looks like an
/// IPv4 address.
static PIECES: LazyLock<[Option<Regex>; 3]> = LazyLock::new(|| {
    let any = |pieces: &[&str]| Regex::new(&pieces.join("|")).ok();
    [any(&[MAC, V6, V4, WORD]), any(&[MAC, V4, WORD]), any(&[WORD])]
});

/// A piece of a text.
enum Piece<'t> {
    Mac(&'t str),
    /// With the length of the prefix behind it.
    Address(IpAddr, Option<u32>),
    Word(&'t str),
}

/// Takes a text apart, and puts together what becomes of its pieces, with the same signs between them.
fn each_piece(text: &str, becomes: &mut dyn FnMut(Piece<'_>) -> String) -> String {
    let [Some(all), Some(plain), Some(words)] = &*PIECES else { return String::new() };
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let mut made = String::with_capacity(text.len());
    // What looked like an IPv6 address and is none, up to there.
    let (mut at, mut plain_until) = (0, 0);
    while let Some(piece) = if at < plain_until { plain } else { all }.captures_at(text, at) {
        let Some(whole) = piece.get(0) else { break };
        if at < plain_until && whole.start() >= plain_until {
            made.push_str(part(at, plain_until));
            at = plain_until;
            continue;
        }
        let named = |name: &str| piece.name(name).map(|it| it.as_str());
        let bits = |end: usize| prefix(part(end, text.len()));
        let (end, new) = if let Some(mac) = named("mac") {
            (whole.end(), becomes(Piece::Mac(mac)))
        } else if let Some(word) = named("word") {
            (whole.end(), becomes(Piece::Word(word)))
        } else if let Some(like) = named("v6") {
            plain_until = whole.end();
            // A port may stand behind it.
            let ends = like.match_indices([':', '.']).map(|(at, _)| at).chain([like.len()]);
            let address = |at: usize| Some((like.get(..at)?.parse::<Ipv6Addr>().ok()?, whole.start() + at));
            let found = (like.len() <= LONG).then(|| ends.rev().find_map(address)).flatten();
            let Some((ip, end)) = found else {
                made.push_str(part(at, whole.start()));
                at = whole.start();
                continue;
            };
            (end, becomes(Piece::Address(ip.into(), bits(end))))
        } else if let Some((ip, sign)) = named("v4").and_then(quad) {
            (whole.end(), becomes(Piece::Address(ip.into(), bits(whole.end()))).replace('.', sign))
        } else {
            let numbers = words.replace_all(whole.as_str(), |word: &Captures<'_>| {
                becomes(Piece::Word(word.get(0).map_or("", |word| word.as_str())))
            });
            (whole.end(), numbers.into_owned())
        };
        made.push_str(part(at, whole.start()));
        made.push_str(&new);
        at = end;
    }
    made.push_str(part(at, text.len()));
    made
}

/// The length of a prefix, `/24`, with which a text begins. `/10.0.0.1` is another address.
fn prefix(text: &str) -> Option<u32> {
    let rest = text.strip_prefix('/')?;
    let (digits, after) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len()));
    digits.parse().ok().filter(|_| !after.starts_with(['.', ':']))
}

/// Four numbers that are an IPv4 address, and what stands between them. Zeros may stand before each.
fn quad(text: &str) -> Option<(Ipv4Addr, &str)> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let sign = text.get(digits..)?;
    let sign = sign.get(..sign.find(|letter: char| letter.is_ascii_digit())?)?;
    let octets: Vec<u8> = text.split(sign).map_while(|octet| octet.parse().ok()).collect();
    Some((<[u8; 4]>::try_from(octets).ok()?.into(), sign))
}

/// Words that are numbers of some kind: durations, hexadecimal, with an exponent, or with a `v` before them.
static NUMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:v?[0-9]{1,5}|(?:[0-9]{1,5}(?:h|m|s|ms|us|µs|ns))+|0x[0-9a-f]{1,4}|[0-9]{1,5}e[0-9]{1,2})$").ok()
});

/// An inventory whose names are hidden. The same one becomes the same again.
///
/// Errors: it cannot be written as JSON and read back; none is known.
pub fn redacted(inventory: &Inventory) -> Result<Inventory, serde_json::Error> {
    let value = serde_json::to_value(inventory)?;
    let mut words = Words { vocabulary: vocabulary(), ..Words::default() };
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
        let may_be_regex = ["[", "\\", "(?"].iter().any(|sign| text.contains(sign));
        each_piece(text, &mut |piece| {
            let word = match piece {
                Piece::Mac(mac) => {
                    self.addresses.insert(mac.to_lowercase(), 0);
                    return String::new();
                }
                Piece::Address(..) => return String::new(),
                Piece::Word(word) => word,
            };
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
            String::new()
        });
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
        each_piece(text, &mut |piece| match piece {
            Piece::Mac(mac) => {
                let at = place(&self.addresses, &mac.to_lowercase());
                let octets = format!("02:00:00:00:{:02x}:{:02x}", at >> 8 & 255, at & 255);
                if mac.contains('-') { octets.replace(':', "-") } else { octets }
            }
            Piece::Address(ip, bits) => self.network(ip, bits).to_string(),
            Piece::Word(word) => self.word(word),
        })
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
    fn network(&self, ip: IpAddr, bits: Option<u32>) -> IpAddr {
        let hidden = self.address(ip);
        let masked = |mask: u128, before: u128, after: u128| if before & !mask == 0 { after & mask } else { after };
        match (ip, hidden, bits) {
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
        }
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
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] | [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => 128,
        // With an IPv4 address at the end.
        [0, 0, 0, 0, 0, 0, ..] | [0x64, 0xff9b, ..] => 96,
        [0x2001, 0 | 0xdb8, ..] => 32,
        // Public ones, unique local and multicast ones, link-local ones.
        [0x2000..=0x3fff, ..] => 3,
        [0xfc00..=0xfdff | 0xff00.., ..] => 8,
        [0xfe80..=0xfebf, ..] => 10,
        _ => 16,
    }
}

fn place(all: &BTreeMap<String, usize>, one: &str) -> usize {
    all.get(one).copied().unwrap_or_default()
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
        assert_eq!(found[0], "Host(`hidden0001.hidden0000.test`) || HostRegexp(`.+\\.hidden0000\\.test`)");
        assert!(found[2].eq_ignore_ascii_case("hidden0000-hidden0001_1") && found[2] != "hidden0000-hidden0001_1");
        assert_eq!(found[3], "hidden0002");
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
    fn an_address_is_hidden_however_it_is_written() {
        for text in [
            "ip-45-67-89-123.ec2.internal",
            "ip_45_67_89_123",
            "45.67.89.123/45.67.89.99",
            "45.67.89.123/2a0b:1234:5678::9",
            "2a0b:1234:5678::9/45.67.89.123",
            "dead:80:45.67.89.123",
            "dead:80:45-67-89-123",
            "aa:bb:cc:2a0b:1234:5678::9:45_67_89_123",
            "80:443:45.67.89.123:90",
            "::45.67.89.123",
            "::ffff:45.67.89.123",
            "64:ff9b::45.67.89.123",
            "045.067.089.123",
            r"^45\.67\.89\.123$",
            "2a0b:1234:5678:1:2:3:4:9876:8080",
            "00-1b-67-89-99-12",
            "2024-45-67-89-123",
            "https://45.67.89.123:8443/x?y=45.67.89.99,45-67-89-123",
        ] {
            let found = hidden(&[text]).concat();
            let numbers: Vec<&str> = found.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
            let numbers = numbers.join(".");
            for told in ["67.89", "89.123", "89.99", "067.089", "1234.5678", "5678", "9876", "1b.67"] {
                assert!(!numbers.contains(told), "{text} became {found}");
            }
        }
        // What looks like one and is none.
        for text in ["1.2.3", "300-1-2-3", "3.7.15-1.2"] {
            assert_eq!(hidden(&[text]), [text]);
        }
        assert_eq!(hidden(&["10.0.0.0/8"]), ["10.0.0.0/8"]);
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
            attachments: [("acme_web".to_owned(), attachment.into())].into(),
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
