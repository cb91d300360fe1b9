//! What a middleware's address leads to: names that Traefik looks up itself, on every network that it is on, and addresses
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::cause::Few;
use super::claims::Cause;
use super::context::Context;
use super::names::Owner;
use crate::inventory::{Container, Network};
use crate::traefik::Dynamic;
use crate::traefik::middleware::Middleware;

/// Who answers on the networks that Traefik is on: the declared Traefiks' networks; without any, the proxy networks.
#[derive(Clone, Debug, Default)]
pub struct Answering<'a> {
    /// By name, a container's own or an alias.
    by_name: BTreeMap<&'a str, Answers<'a>>,
    /// The owners of an address.
    by_address: BTreeMap<IpAddr, BTreeSet<&'a Owner>>,
    /// Names that Traefik does not ask the engine for: those in its own file of hosts.
    in_hosts_file: BTreeSet<&'a str>,
    /// How the ids of the declared Traefiks begin: a container's name for itself.
    traefiks: Vec<&'a str>,
}

/// Who answers to one name. Hundreds of containers may, and thousands of middlewares ask it.
#[derive(Clone, Debug, Default)]
struct Answers<'a> {
    /// The first container of each owner, and the network that it is on.
    owners: BTreeMap<&'a Owner, (&'a Container, &'a Network)>,
    /// By the network's name: the owner that is alone there with the name. `None`: there are several.
    alone: BTreeMap<&'a str, Option<&'a Owner>>,
    /// A declared Traefik answers, or what looks like Leeward.
    is_ours: bool,
}

/// Where an address leads Traefik.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leads {
    /// To a container of the same owner's.
    Own,
    /// As [`Leads::Own`] while that container runs; after that it may be a name on the Internet.
    OwnOrPublic,
    Elsewhere,
}

/// Whether a network's name may be, or may become, a public domain. A top-level domain is written in letters alone (RFC 1123,
/// 2.1), or as `xn--…`; a few are set apart for good (RFC 2606, RFC 6762, and `internal` by ICANN).
fn may_be_public(network: &str) -> bool {
    let top = network.rsplit('.').next().unwrap_or(network).to_ascii_lowercase();
    let is_apart = matches!(top.as_str(), "example" | "internal" | "invalid" | "local" | "test");
    !is_apart && (network.contains('.') || top.starts_with("xn--") || top.bytes().all(|it| it.is_ascii_alphabetic()))
}

/// How many letters of its id a container has for a name.
const ID_AS_NAME: usize = 12;

impl<'a> Answering<'a> {
    /// Every name and address of every container there; nobody, where none of `declared` asks for one.
    pub fn of(context: &'a Context<'_>, mut declared: impl Iterator<Item = &'a Dynamic>) -> Self {
        if !declared.any(looks_up) {
            return Self::default();
        }
        let mut found = Self::default();
        let mut places: BTreeSet<usize> = BTreeSet::new();
        for (traefik, namespace) in context.everybody().filter(|(candidate, _)| candidate.is_traefik) {
            places.extend(namespace.edges.iter().filter_map(|edge| edge.place));
            let hosts = traefik.container.confinement.extra_hosts.iter();
            found.in_hosts_file.extend(hosts.filter_map(|line| line.split([':', '=']).next()));
            let id = traefik.id.as_str();
            found.traefiks.push(id.get(..ID_AS_NAME).unwrap_or(id));
        }
        if context.traefiks().next().is_none() {
            places = (0..context.inventory.networks.len()).filter(|place| context.proxy.contains(*place)).collect();
        }
        for (place, network) in context.inventory.networks.values().enumerate() {
            if !places.contains(&place) {
                continue;
            }
            for member in context.namespaces.members(place) {
                let Some(candidate) = context.candidates.get(member.at) else { continue };
                let owner = &candidate.owner;
                for name in member.attachment.aliases.iter().chain([&member.container.name]) {
                    let answers = found.by_name.entry(name).or_default();
                    answers.owners.entry(owner).or_insert((member.container, network));
                    let alone = answers.alone.entry(&network.name).or_insert(Some(owner));
                    *alone = alone.filter(|other| *other == owner);
                    answers.is_ours |= candidate.speaks_for_all || candidate.is_leeward;
                }
                for address in [member.attachment.ipv4, member.attachment.ipv6].into_iter().flatten() {
                    found.by_address.entry(address).or_default().insert(owner);
                }
            }
        }
        found
    }

    /// The containers that answer to a name, one of each owner's, each on its network.
    fn of_each_owner(&self, name: &str) -> Few<(String, String)> {
        let owners = self.by_name.get(name).into_iter().flat_map(|answers| answers.owners.values());
        Few::of_all(owners.map(|(container, network)| (container.name.clone(), network.name.clone())))
    }

    /// Where a host, as it stands in a URL, leads Traefik: to a container of `owner`'s and to nothing else, or not.
    ///
    /// A name with a dot may be anybody's on the Internet as soon as its container is gone, or restarts: the engine's DNS hands
    /// on what it does not know. So of these only `<name>.<network>` counts, and only of a network that is not called as a
    /// public domain can be. A name without a dot is handed on too, but nobody has one on the Internet; only who answers below the
    /// host's own search domains could. Whether another owner answers to the name as well is not asked: it must not cost this
    /// one its route (LBL-017 says so).
    fn leads(&self, host: &str, owner: &Owner) -> Leads {
        let own = |is_own| if is_own { Leads::Own } else { Leads::Elsewhere };
        if let Ok(address) = host.parse::<IpAddr>() {
            return own(self.by_address.get(&address).is_some_and(|owners| owners.contains(owner)));
        }
        let lower = host.to_ascii_lowercase();
        let by_itself = lower == "localhost"
            || lower.ends_with(".localhost")
            || lower.starts_with("ip6-")
            || self.in_hosts_file.iter().any(|name| name.eq_ignore_ascii_case(host))
            || self.traefiks.iter().any(|id| lower.starts_with(id));
        if by_itself {
            return Leads::Elsewhere;
        }
        match host.split_once('.') {
            None => own(self.by_name.get(host).is_some_and(|it| it.owners.contains_key(owner) && !it.is_ours)),
            Some((name, network)) => {
                let alone = self.by_name.get(name).and_then(|it| *it.alone.get(network)?);
                match !self.traefiks.is_empty() && alone == Some(owner) {
                    true if may_be_public(network) => Leads::OwnOrPublic,
                    is_own => own(is_own),
                }
            }
        }
    }
}

/// Whether any of its middlewares has an address to look up.
pub(crate) fn looks_up(dynamic: &Dynamic) -> bool {
    dynamic.http.middlewares.values().any(|it| asks(it))
}

/// Whether it makes Traefik send a request or connect to an address of its own choosing.
fn asks(middleware: &Middleware) -> bool {
    middleware.forward_auth.is_some() || middleware.rate_limit.as_ref().is_some_and(|limit| limit.redis.is_some())
}

/// An address that Traefik would connect to for a middleware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The field, as labels have it: `forwardauth.address`.
    pub(super) field: &'static str,
    /// What stands there; Traefik's default, if nothing does.
    pub(super) text: String,
    pub(super) leads: Leads,
}

/// Every address in a middleware that Traefik would connect to.
pub(super) fn addresses(middleware: &Middleware, owner: &Owner, answering: &Answering<'_>) -> Vec<Address> {
    let mut found = Vec::new();
    if let Some(auth) = &middleware.forward_auth {
        let text = auth.address.clone().unwrap_or_default();
        let leads = authority(&text).map_or(Leads::Elsewhere, |(host, _)| answering.leads(host, owner));
        found.push(Address { field: "forwardauth.address", text, leads });
    }
    if let Some(redis) = middleware.rate_limit.as_ref().and_then(|limit| limit.redis.as_ref()) {
        let default = || vec!["localhost:6379".to_owned()];
        let endpoints = redis.endpoints.clone().filter(|it| !it.is_empty()).unwrap_or_else(default);
        // Several make a cluster, and a cluster says itself where its other members are.
        let leads = match endpoints.as_slice() {
            [one] => host_and_port(one).map_or(Leads::Elsewhere, |(host, _)| answering.leads(host, owner)),
            _ => Leads::Elsewhere,
        };
        found.push(Address { field: "ratelimit.redis.endpoints", text: endpoints.join(","), leads });
    }
    found
}

/// Host and port of a URL, if it has nothing that two parsers might read differently: no user, no escapes.
pub(super) fn authority(url: &str) -> Option<(&str, Option<u16>)> {
    let (scheme, rest) = url.split_once("://")?;
    if !["http", "https", "h2c"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    if !rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return None;
    }
    host_and_port(rest.split(['/', '?', '#']).next()?)
}

/// `host`, `host:80`, `[fd00::2]:80`.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => text.split_at_checked(text.find(':').unwrap_or(text.len()))?,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
    if host.is_empty() || !host.bytes().all(plain) {
        return None;
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((host, None)),
        Some("") => Some((host, None)),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some((host, Some(port.parse().ok()?))),
        _ => None,
    }
}

/// What stands against the names in a container's forwardAuth addresses: several owners answer to them (LBL-017).
///
/// The engine's DNS asks the networks of the one who asks in an order of its own, so whichever is found first decides who
/// may come in, and sees every visitor's cookies. A name with its network behind it (`authelia.net-auth`), and one that is
/// no container's, is passed over.
/// Gives the middleware's name, and the cause.
pub(super) fn shared_names(dynamic: &Dynamic, answering: &Answering<'_>) -> Vec<(String, Cause)> {
    let mut found = Vec::new();
    // Thousands of middlewares may ask one name, and hundreds of containers answer to it.
    let mut known: BTreeMap<&str, Few<(String, String)>> = BTreeMap::new();
    for (middleware, it) in &dynamic.http.middlewares {
        let Some(host) = it.forward_auth.as_ref().and_then(|auth| host(auth.address.as_deref()?)) else { continue };
        let places = known.entry(host).or_insert_with(|| answering.of_each_owner(host));
        if places.len() > 1 {
            let cause =
                Cause::SharedName { middleware: middleware.clone(), host: host.to_owned(), places: places.clone() };
            found.push((middleware.clone(), cause));
        }
    }
    found
}

/// The host of an address, if it is a bare name.
fn host(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty() && !host.contains('.')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_names_are_looked_up_everywhere() {
        assert_eq!(host("http://authelia:9091/api/verify"), Some("authelia"));
        assert_eq!(host("https://u:p@auth/"), Some("auth"));
        for other in ["http://authelia.net-auth:9091", "http://172.30.0.2", "authelia:9091", "http:///x"] {
            assert_eq!(host(other), None, "{other}");
        }
    }
}
