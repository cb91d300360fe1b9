//! Every choice of the operator that decides what is routed, valid by construction.
//!
//! `cli/` builds one from flags and environment; tests build one by hand. Nothing here reads either.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use crate::budgets::Budgets;
use crate::traefik::Version;
use crate::traefik::rules::constraint::Constraint;
use crate::traefik::rules::template::DefaultRule;
use crate::traefik::tls::DefaultCertificate;

/// What `compile` needs to know besides the inventory.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Route containers that do not carry `traefik.enable`. Traefik: `exposedByDefault` (there the default is true).
    pub exposed_by_default: bool,
    /// Traefik: `constraints`. The default matches everything.
    pub constraints: Constraint,
    /// Traefik: `defaultRule`. The default is ``Host(`{{ normalize .Name }}`)``.
    pub default_rule: DefaultRule,
    /// Traefik: `network`, the network to take where a container names none.
    pub network: Option<String>,
    /// Traefik: `useBindPortIP`.
    pub use_bind_port_ip: bool,
    /// Traefik: `allowEmptyServices`.
    pub allow_empty_services: bool,
    /// How hard the isolation policy is.
    pub isolation: Isolation,
    /// The owners with a mode of their own, as [`crate::policy::names::Owner`] shows itself; without effect where
    /// [`Settings::isolation`] is [`Isolation::Off`].
    pub isolation_of: BTreeMap<String, OwnerIsolation>,
    /// How routers, services and middlewares are named in the document.
    pub names: Names,
    /// Whether labels baked into an image count.
    pub image_labels: ImageLabels,
    /// Whether containers of `docker compose run` may be routed.
    pub one_off: OneOff,
    /// Names of the containers that are a Traefik. Empty: those labelled `leeward.traefik=true`.
    pub traefiks: BTreeSet<String>,
    /// Names of the containers by which others reach the outside, and how. Empty: as the label `leeward.egress` says.
    pub egresses: BTreeMap<String, Egress>,
    /// The container that Leeward itself runs in, where it knows: no other is then taken for it.
    pub own_container: Option<String>,
    /// What the ports of outbound names speak.
    pub outbound_ports: OutboundPorts,
    /// How many connections a container may have open to one outbound name; `None`: as many as it likes.
    pub outbound_connections: Option<NonZeroU32>,
    /// Names of proxy networks, in order of preference; `*` and `?` as in a shell.
    pub proxy_networks: Vec<Glob>,
    /// Middlewares that every owner may use by their bare name: `owner.name`.
    pub share_middlewares: BTreeSet<SharedMiddleware>,
    /// References into other providers that containers may make: `api@internal`, `auth@consulcatalog`.
    pub allow_references: BTreeSet<String>,
    /// Entry points of Traefik that belong to one owner, who may take all that comes in on them.
    pub own_entry_points: BTreeSet<OwnEntryPoint>,
    /// The Traefik that will read the document; `None`: as its image says, else the oldest that is supported.
    pub traefik_version: Option<Version>,
    /// The certificate that the document gives Traefik for names without one of their own; `None`: none is given.
    pub default_certificate: Option<Arc<DefaultCertificate>>,
    /// How much one container and one owner may ask for.
    pub budgets: Budgets,
}

impl Settings {
    /// How hard the isolation policy is for the containers of an owner, given as it shows itself: their ways out, the network
    /// they are reached on, and whether they may use others' middlewares by a bare name.
    pub fn isolation_for(&self, owner: &str) -> Isolation {
        match (self.isolation, self.isolation_of.get(owner)) {
            (Isolation::Off, _) => Isolation::Off,
            (all, None) => all,
            (_, Some(own)) => (*own).into(),
        }
    }

    /// How hard what an owner's containers claim of others is judged: hosts, catch-alls, server addresses and the like. A
    /// mode of its own may make that harder, and never softer.
    pub fn rights_for(&self, owner: &str) -> Isolation {
        let hardness = |it: &Isolation| match it {
            Isolation::Off => 0,
            Isolation::Warn => 1,
            Isolation::Enforce => 2,
            Isolation::Strict => 3,
        };
        std::cmp::max_by_key(self.isolation, self.isolation_for(owner), hardness)
    }

    /// Whether some containers are routed as Traefik's own provider would, whatever stands against them.
    pub fn is_lenient_to_some(&self) -> bool {
        matches!(self.isolation, Isolation::Warn | Isolation::Off)
            || self.isolation_of.values().any(|it| *it == OwnerIsolation::Warn)
    }

    /// Whether any label may be read, and not only those of the families that Leeward knows: the operator's constraints
    /// and default rule can name any.
    pub fn reads_every_label(&self) -> bool {
        !self.constraints.is_empty() || !self.default_rule.is_default()
    }
}

/// The flags that a plan can be judged anew with by whoever holds the inventory, as they are written: without those that
/// say which labels are read at all (`--default-rule`, `--constraints`, the budgets).
pub const JUDGING: [&str; 17] = [
    "allow-empty-services",
    "allow-reference",
    "egress",
    "exposed-by-default",
    "image-labels",
    "isolation",
    "isolation-of",
    "names",
    "network",
    "one-off",
    "outbound-ports",
    "own-entrypoint",
    "proxy-network",
    "share-middleware",
    "traefik",
    "traefik-version",
    "use-bind-port-ip",
];

impl Settings {
    /// These settings with some of [`JUDGING`] changed, by name and value as on the command line. One value takes the place
    /// of the one that is there; those of a flag that is repeatable are added to those that are there. `isolation` is for
    /// every owner: of the modes of single owners only those among the changes stay.
    ///
    /// Errors: a name that is none of them, or a value that makes no sense; one line with the values it takes.
    pub fn changed<'c>(&self, changes: impl IntoIterator<Item = (&'c str, &'c str)>) -> Result<Self, String> {
        let mut settings = self.clone();
        let mut own: Vec<IsolationOf> = Vec::new();
        for (name, value) in changes {
            let wrong = |words: String| format!("`{name}`: {words}");
            let flag = || word(value, &[("true", true), ("false", false)]).map_err(wrong);
            let items = || value.split(',').map(str::trim).filter(|item| !item.is_empty());
            match name {
                "allow-empty-services" => settings.allow_empty_services = flag()?,
                "allow-reference" => {
                    for item in items() {
                        settings.allow_references.insert(reference(item).map_err(wrong)?);
                    }
                }
                "egress" => {
                    for item in items() {
                        let NamedEgress { name, egress } = item.parse().map_err(wrong)?;
                        settings.egresses.insert(name, egress);
                    }
                }
                "exposed-by-default" => settings.exposed_by_default = flag()?,
                "image-labels" => {
                    let all = [("ignore", ImageLabels::Ignore), ("honor", ImageLabels::Honor)];
                    settings.image_labels = word(value, &all).map_err(wrong)?;
                }
                "isolation" => {
                    let all = [
                        ("strict", Isolation::Strict),
                        ("enforce", Isolation::Enforce),
                        ("warn", Isolation::Warn),
                        ("off", Isolation::Off),
                    ];
                    settings.isolation = word(value, &all).map_err(wrong)?;
                    settings.isolation_of.clear();
                }
                "isolation-of" => {
                    for item in items() {
                        own.push(item.parse().map_err(wrong)?);
                    }
                }
                "names" => {
                    let all = [("project", Names::Project), ("traefik", Names::Traefik)];
                    settings.names = word(value, &all).map_err(wrong)?;
                }
                "network" => settings.network = Some(value.to_owned()),
                "one-off" => {
                    let all = [("ignore", OneOff::Ignore), ("route", OneOff::Route)];
                    settings.one_off = word(value, &all).map_err(wrong)?;
                }
                "outbound-ports" => settings.outbound_ports = value.parse().map_err(wrong)?,
                "own-entrypoint" => {
                    for item in items() {
                        settings.own_entry_points.insert(item.parse().map_err(wrong)?);
                    }
                }
                "proxy-network" => {
                    for item in items() {
                        settings.proxy_networks.push(item.parse().map_err(wrong)?);
                    }
                }
                "share-middleware" => {
                    for item in items() {
                        settings.share_middlewares.insert(item.parse().map_err(wrong)?);
                    }
                }
                "traefik" => settings.traefiks.extend(items().map(str::to_owned)),
                "traefik-version" => settings.traefik_version = Some(value.parse().map_err(wrong)?),
                "use-bind-port-ip" => settings.use_bind_port_ip = flag()?,
                _ => return Err(format!("`{name}` cannot be changed here; these can: {}", JUDGING.join(", "))),
            }
        }
        settings.isolation_of.extend(isolation_of(own).map_err(|words| format!("`isolation-of`: {words}"))?);
        Ok(settings)
    }
}

/// What a word means, of the words that there are.
fn word<T: Copy>(value: &str, all: &[(&str, T)]) -> Result<T, String> {
    let known: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let found = all.iter().find(|(name, _)| *name == value).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| format!("`{value}` is none of its values: {}", known.join(", ")))
}

/// A reference to another provider, as it stands: `api@internal`. Errors: it is none.
pub fn reference(text: &str) -> Result<String, String> {
    match text.rsplit_once('@') {
        Some((name, provider)) if !name.is_empty() && !provider.is_empty() && !name.contains('@') => {
            Ok(text.to_owned())
        }
        Some(_) | None => Err(format!("`{text}` is not `<name>@<provider>`, as in api@internal")),
    }
}

/// How hard the isolation policy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Refuse also what merely weakens the walls.
    Strict,
    /// Refuse what has a way out, or power over the host.
    #[default]
    Enforce,
    /// Judge everything, publish anyway, report.
    Warn,
    /// As Traefik's own provider: any network, any claim.
    Off,
}

/// How hard the isolation policy is for one owner. There is no `off`: Traefik's own provider is that for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerIsolation {
    /// As [`Isolation::Strict`].
    Strict,
    /// As [`Isolation::Enforce`].
    Enforce,
    /// As [`Isolation::Warn`], but what it claims of others is judged as everybody's is.
    Warn,
}

impl From<OwnerIsolation> for Isolation {
    fn from(own: OwnerIsolation) -> Self {
        match own {
            OwnerIsolation::Strict => Self::Strict,
            OwnerIsolation::Enforce => Self::Enforce,
            OwnerIsolation::Warn => Self::Warn,
        }
    }
}

/// The mode of one owner, `nextcloud=warn`: the owner, an equals sign, the mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsolationOf {
    /// As [`crate::policy::names::Owner`] shows itself: `nextcloud`, `~lone-container`.
    pub owner: String,
    /// Its mode.
    pub isolation: OwnerIsolation,
}

impl FromStr for IsolationOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (owner, mode) = text.rsplit_once('=').map(|(owner, mode)| (owner.trim(), mode.trim())).unwrap_or_default();
        let isolation = match mode {
            "strict" => OwnerIsolation::Strict,
            "enforce" => OwnerIsolation::Enforce,
            "warn" => OwnerIsolation::Warn,
            _ => return Err(format!("`{text}` is not `<project>=strict`, `<project>=enforce` or `<project>=warn`")),
        };
        if owner.is_empty() {
            return Err(format!("`{text}` names no project; write `<project>={mode}`, as in `nextcloud={mode}`"));
        }
        Ok(Self { owner: owner.to_owned(), isolation })
    }
}

/// The modes of owners by their names. Errors: an owner with two modes.
pub fn isolation_of(all: impl IntoIterator<Item = IsolationOf>) -> Result<BTreeMap<String, OwnerIsolation>, String> {
    let mut modes = BTreeMap::new();
    for IsolationOf { owner, isolation } in all {
        if modes.get(&owner).is_some_and(|before| *before != isolation) {
            return Err(format!("`{owner}` has two modes; write one"));
        }
        modes.insert(owner, isolation);
    }
    Ok(modes)
}

/// How routers, services and middlewares are named in the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// `<owner>.<name>`: every Compose project, Swarm stack or lone container has its own space.
    #[default]
    Project,
    /// Bare names in one space, as Traefik's own provider; clashes delete both.
    Traefik,
}

/// Whether labels baked into an image count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageLabels {
    /// They do not: an image's author does not configure the proxy.
    #[default]
    Ignore,
    /// They do, as in Traefik.
    Honor,
}

/// Whether containers of `docker compose run` may be routed. They carry the labels of their service, so Traefik's own
/// provider adds them to its servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OneOff {
    /// They are ignored.
    #[default]
    Ignore,
    /// They are routed like any other, as in Traefik.
    Route,
}

/// A shell pattern over names: `*` is any run of characters, `?` any one character; the rest is literal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glob(String);

impl Glob {
    /// The pattern as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole of `name` matches. Linear memory, at most pattern × name steps.
    pub fn matches(&self, name: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        // One row of the classic table: can the pattern so far match the name so far?
        let name: Vec<char> = name.chars().collect();
        let mut row = vec![false; name.len() + 1];
        if let Some(first) = row.first_mut() {
            *first = true;
        }
        for wanted in pattern {
            let mut next = Vec::with_capacity(row.len());
            for (at, &reached) in row.iter().enumerate() {
                let before = at.checked_sub(1);
                next.push(if wanted == '*' {
                    reached || before.and_then(|i| next.get(i).copied()).unwrap_or(false)
                } else {
                    before.is_some_and(|i| {
                        row.get(i) == Some(&true) && name.get(i).is_some_and(|&found| wanted == '?' || found == wanted)
                    })
                });
            }
            row = next;
        }
        row.last() == Some(&true)
    }
}

impl FromStr for Glob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty; name a network, `*` and `?` allowed".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A middleware that all owners may use, `authelia.auth`: the owner, a dot, the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharedMiddleware {
    /// As [`crate::policy::names::Owner`] shows itself: `authelia`, `~lone-container`.
    pub owner: String,
    /// The middleware's own name, without a dot.
    pub name: String,
}

impl FromStr for SharedMiddleware {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once('.') {
            Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !text.contains('@') => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(format!("`{text}` is not `<owner>.<middleware>`, as in `authelia.auth`")),
        }
    }
}

/// An entry point that belongs to one owner, `mqtt=home`: its name, an equals sign, the owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnEntryPoint {
    /// As in Traefik's static configuration, which is also how routers name it.
    pub name: String,
    /// As [`crate::policy::names::Owner`] shows itself: `home`, `~lone-container`.
    pub owner: String,
}

impl FromStr for OwnEntryPoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, owner)) if !name.trim().is_empty() && !owner.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), owner: owner.trim().to_owned() })
            }
            _ => Err(format!("`{text}` is not `<entry point>=<owner>`, as in `mqtt=home`")),
        }
    }
}

/// How others reach the outside by a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Egress {
    /// It is an egress Traefik: they reach the names that they are allowed.
    Names,
    /// It is a forward proxy: they reach whatever it lets through, of which Leeward knows nothing.
    Proxy,
}

/// A container that is one of these.
///
/// Shape: `egress`, or `squid=proxy`. No container's name has a `=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedEgress {
    /// The container's name.
    pub name: String,
    /// How.
    pub egress: Egress,
}

impl FromStr for NamedEgress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, egress) = match text.split_once('=') {
            None => (text, Egress::Names),
            Some((name, "proxy")) => (name, Egress::Proxy),
            Some(_) => return Err(format!("`{text}` is not `<container>` or `<container>=proxy`")),
        };
        if name.is_empty() {
            return Err(format!("`{text}` names no container"));
        }
        Ok(Self { name: name.to_owned(), egress })
    }
}

/// What a port of the egress Traefik speaks, and so how a connection is known to be for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PortKind {
    /// TLS from the first byte: by the name that the client asks for (SNI).
    Tls,
    /// Anything, also where the server speaks first: by the client's address alone, so one name for each client.
    Plain,
    /// HTTP: by the `Host` header.
    Http,
}

impl PortKind {
    /// As it is written: `tls`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Plain => "plain",
            Self::Http => "http",
        }
    }
}

/// The ports on which outbound names may be reached; the egress Traefik has an entry point for each.
///
/// Shape: `443=tls,465=tls,993=tls,587=plain,80=http`, which is the default. Labels cannot change it: one TLS router on a
/// port where servers speak first keeps everybody there waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundPorts(BTreeMap<u16, PortKind>);

impl OutboundPorts {
    /// The default, as it is written.
    pub const USUAL: &str = "443=tls,465=tls,993=tls,587=plain,80=http";
    /// How many there may be: Traefik listens on each.
    const MOST: usize = 64;

    /// What a port speaks, if the egress Traefik listens on it.
    pub fn kind(&self, port: u16) -> Option<PortKind> {
        self.0.get(&port).copied()
    }

    /// Them, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u16, PortKind)> {
        self.0.iter().map(|(port, kind)| (*port, *kind))
    }

    /// The egress Traefik's entry point for a port: `outbound-443`.
    pub fn entry_point(port: u16) -> String {
        format!("outbound-{port}")
    }
}

impl Default for OutboundPorts {
    fn default() -> Self {
        use PortKind::{Http, Plain, Tls};
        Self([(443, Tls), (465, Tls), (993, Tls), (587, Plain), (80, Http)].into())
    }
}

impl FromStr for OutboundPorts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut ports = BTreeMap::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let wrong = || format!("`{word}` is not `<port>=tls|plain|http`, as in {}", Self::USUAL);
            let (port, kind) = word.split_once('=').ok_or_else(wrong)?;
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse::<u16>().ok().filter(|port| *port > 0 && is_number).ok_or_else(wrong)?;
            let kinds = [PortKind::Tls, PortKind::Plain, PortKind::Http];
            let kind = kinds.into_iter().find(|it| it.as_str() == kind).ok_or_else(wrong)?;
            if ports.insert(port, kind).is_some() {
                return Err(format!("port {port} is there twice"));
            }
        }
        if ports.is_empty() || ports.len() > Self::MOST {
            return Err(format!("name 1 to {} ports, as in {}", Self::MOST, Self::USUAL));
        }
        Ok(Self(ports))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_egress_is_a_name_or_a_proxy() {
        let read = |text: &str| text.parse::<NamedEgress>().ok().map(|it| (it.name, it.egress));
        assert_eq!(read("egress"), Some(("egress".to_owned(), Egress::Names)));
        assert_eq!(read("squid=proxy"), Some(("squid".to_owned(), Egress::Proxy)));
        for bad in ["", "=proxy", "squid=", "squid=names", "a=b=proxy"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn ports_of_outbound_names_are_read_strictly() {
        assert_eq!(OutboundPorts::USUAL.parse::<OutboundPorts>(), Ok(OutboundPorts::default()));
        let ports: OutboundPorts = "8443=tls, 25=plain".parse().unwrap();
        assert_eq!((ports.kind(8443), ports.kind(443)), (Some(PortKind::Tls), None));
        for bad in
            ["", "443", "443=", "443=TLS", "0=tls", "65536=tls", "+443=tls", "443=tls,443=plain", "443=tls;80=http"]
        {
            assert!(bad.parse::<OutboundPorts>().is_err(), "{bad}");
        }
    }

    #[test]
    fn globs_match_whole_names() {
        for (pattern, name, wanted) in [
            ("net-proxy", "net-proxy", true),
            ("net-proxy", "net-proxy2", false),
            ("*", "", true),
            ("*-proxy", "app1-proxy", true),
            ("*-proxy", "app1-proxy-x", false),
            ("app?_*", "app1_default", true),
            ("app?_*", "app_default", false),
            ("**a*", "bab", true),
            ("?", "é", true),
        ] {
            assert_eq!(Glob(pattern.to_owned()).matches(name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn a_shared_middleware_is_split_at_the_last_dot() {
        let shared: SharedMiddleware = "~my.box.auth".parse().unwrap();
        assert_eq!((shared.owner.as_str(), shared.name.as_str()), ("~my.box", "auth"));
        for bad in ["auth", ".auth", "authelia.", "a.b@file"] {
            assert!(bad.parse::<SharedMiddleware>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_owner_has_one_mode_and_off_is_none() {
        let warn: IsolationOf = "~my=box=warn".parse().unwrap();
        assert_eq!((warn.owner.as_str(), warn.isolation), ("~my=box", OwnerIsolation::Warn));
        for bad in ["", "warn", "=warn", "blog=", "blog=off", "blog=Warn", "blog"] {
            let words = bad.parse::<IsolationOf>().unwrap_err();
            assert!(words.contains(&format!("`{bad}`")) && words.contains("<project>="), "{words}");
        }
        let all = |texts: &[&str]| isolation_of(texts.iter().map(|it| it.parse().unwrap()));
        assert_eq!(all(&["a=warn", "b=strict", "a=warn"]).unwrap().len(), 2);
        assert_eq!(all(&["a=warn", "a=enforce"]).unwrap_err(), "`a` has two modes; write one");
    }

    #[test]
    fn a_mode_of_its_own_relaxes_isolation_and_never_rights() {
        use Isolation::{Enforce, Off, Strict, Warn};
        for (all, own, isolation, rights) in [
            (Enforce, OwnerIsolation::Warn, Warn, Enforce),
            (Strict, OwnerIsolation::Warn, Warn, Strict),
            (Strict, OwnerIsolation::Enforce, Enforce, Strict),
            (Warn, OwnerIsolation::Enforce, Enforce, Enforce),
            (Warn, OwnerIsolation::Strict, Strict, Strict),
            (Warn, OwnerIsolation::Warn, Warn, Warn),
            (Off, OwnerIsolation::Strict, Off, Off),
        ] {
            let isolation_of = BTreeMap::from([("blog".to_owned(), own)]);
            let settings = Settings { isolation: all, isolation_of, ..Settings::default() };
            assert_eq!(
                (settings.isolation_for("blog"), settings.rights_for("blog")),
                (isolation, rights),
                "{all:?} {own:?}"
            );
            assert_eq!((settings.isolation_for("shop"), settings.rights_for("shop")), (all, all));
        }
    }

    #[test]
    fn settings_are_changed_as_flags_are_written() {
        let isolation_of = BTreeMap::from([("blog".to_owned(), OwnerIsolation::Warn)]);
        let serving = Settings { isolation: Isolation::Warn, isolation_of, ..Settings::default() };
        let own = |changes: &[(&str, &str)]| {
            let changed = serving.changed(changes.iter().copied()).unwrap();
            (changed.isolation, changed.isolation_of.into_iter().collect::<Vec<_>>())
        };
        let blog = |mode| ("blog".to_owned(), mode);
        assert_eq!(own(&[("network", "proxy")]), (Isolation::Warn, vec![blog(OwnerIsolation::Warn)]));
        assert_eq!(own(&[("isolation", "enforce")]), (Isolation::Enforce, vec![]));
        let both = [("isolation-of", "blog=strict"), ("isolation", "enforce")];
        assert_eq!(own(&both), (Isolation::Enforce, vec![blog(OwnerIsolation::Strict)]));
        let shared = [("share-middleware", "a.x,b.y"), ("share-middleware", "c.z")];
        assert_eq!(serving.changed(shared).unwrap().share_middlewares.len(), 3);
        for (name, value, wanted) in [
            ("isolation", "hard", "`isolation`: `hard` is none of its values: strict, enforce, warn, off"),
            ("exposed-by-default", "yes", "`exposed-by-default`: `yes` is none of its values: true, false"),
            ("isolation-of", "a=warn,a=strict", "`isolation-of`: `a` has two modes; write one"),
            ("allow-reference", "api", "`allow-reference`: `api` is not `<name>@<provider>`, as in api@internal"),
            ("constraints", "x", "`constraints` cannot be changed here; these can: allow-empty-services, "),
        ] {
            let words = serving.changed([(name, value)]).err().unwrap();
            assert!(words.starts_with(wanted), "{words}");
        }
        // Every name means something.
        for name in JUDGING {
            let words = serving.changed([(name, "\0")]).err().unwrap_or_default();
            assert!(!words.contains("cannot be changed"), "{words}");
        }
    }

    #[test]
    fn an_entry_point_is_given_to_one_owner() {
        let own: OwnEntryPoint = "mqtt=~my.box".parse().unwrap();
        assert_eq!((own.name.as_str(), own.owner.as_str()), ("mqtt", "~my.box"));
        for bad in ["mqtt", "=home", "mqtt=", " = ", ""] {
            assert!(bad.parse::<OwnEntryPoint>().is_err(), "{bad}");
        }
    }
}
