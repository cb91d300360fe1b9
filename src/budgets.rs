//! How much one container, and all of one owner's, may ask of Leeward and of Traefik.
//!
//! What is above a budget is refused alone, with the number and the flag. `docs/limits.md` says where the defaults come
//! from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::traefik::case_fold;

/// The budgets. Each has a flag: [`Quantity::flag`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// Labels of one container that somebody reads.
    pub labels: u64,
    /// Bytes of their keys and values.
    pub label_bytes: u64,
    /// Routers of one container; as many services, middlewares and models, of each kind.
    pub routers: u64,
    /// Bytes of one rule.
    pub rule_bytes: u64,
    /// Regular expressions of one container, as Go compiles them, in instructions.
    pub regex_size: u64,
    /// An owner's containers together have at most so many times what one may have, but for rules.
    pub per_owner: u64,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            labels: 10_000,
            label_bytes: 1 << 20,
            routers: 500,
            rule_bytes: 64 << 10,
            regex_size: 200_000,
            per_owner: 4,
        }
    }
}

/// What there is too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Bytes of one object in an answer of the engine, in the gate or in the program that reads it.
    ObjectBytes,
    /// Labels.
    Labels,
    /// Bytes of labels.
    LabelBytes,
    /// Routers.
    Routers,
    /// Services, middlewares or models, of the kind of which there are most.
    Names,
    /// Bytes of one rule.
    RuleBytes,
    /// Instructions of regular expressions.
    RegexSize,
    /// Size of middlewares, as often as routers use them.
    MiddlewareSize,
    /// Bytes of all labels of one owner.
    OwnerLabelBytes,
    /// Routers of one owner.
    OwnerRouters,
    /// Services, middlewares or models of one owner.
    OwnerNames,
    /// Instructions of one owner's regular expressions.
    OwnerRegexSize,
    /// Size of middlewares, as often as one owner's routers use them.
    OwnerMiddlewareSize,
}

impl Quantity {
    /// The flag that sets the budget.
    pub fn flag(self) -> &'static str {
        match self {
            Self::ObjectBytes => "--max-object",
            Self::Labels => "--max-labels",
            Self::LabelBytes => "--max-label-bytes",
            Self::Routers | Self::Names => "--max-routers",
            Self::RuleBytes => "--max-rule-bytes",
            Self::RegexSize | Self::MiddlewareSize => "--max-regex-size",
            Self::OwnerLabelBytes
            | Self::OwnerRouters
            | Self::OwnerNames
            | Self::OwnerRegexSize
            | Self::OwnerMiddlewareSize => "--max-per-owner",
        }
    }
}

/// Too much of something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Excess {
    /// What there is too much of.
    pub quantity: Quantity,
    /// How much there is.
    pub found: u64,
    /// How much there may be; `None`: whoever left it out did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// The label, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Excess {
    /// Of a container or its owner, not of one label.
    pub fn of(quantity: Quantity, found: u64, most: u64) -> Option<Self> {
        (found > most).then_some(Self { quantity, found, most: Some(most), label: None })
    }
}

/// Families of labels that Leeward reads: Traefik's, its own, and what Compose, Swarm and Podman say of whose a container
/// is; the last is how an image says which Traefik it holds.
const FAMILIES: [&str; 5] = ["traefik", "leeward", "com.docker.", "io.podman.", "org.opencontainers.image.version"];

/// Whether a label is of a family that Leeward reads, whatever the operator's constraints and default rule may name.
pub fn is_read(key: &str) -> bool {
    let start = |family: &str| key.as_bytes().get(..family.len());
    // The kelvin sign is a `k` to whoever compares without case.
    FAMILIES.iter().any(|family| start(family).is_some_and(|it| it.eq_ignore_ascii_case(family.as_bytes())))
        || key.contains('\u{212a}')
}

/// How much of what an owner's containers share is in some labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Routers.
    pub routers: u64,
    /// Services, middlewares or models, of the kind of which there are most. Traefik compares each name of a kind with every
    /// other each time that it reads the document: 90,000 held each new configuration up for a minute.
    pub names: u64,
    /// Instructions of regular expressions; of too many, of those that were read.
    pub regex_size: u64,
}

impl Demand {
    /// Of some labels. Linear in their bytes; regular expressions are read until they are larger than `most_regex_size`.
    pub fn of(labels: &BTreeMap<String, String>, most_regex_size: u64) -> Self {
        let mut kinds: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let mut regex_size = 0_u64;
        for (key, value) in labels.iter().filter_map(|(key, value)| Some((Key::of(key)?, value))) {
            let names = kinds.entry(case_fold::folded(key.kind)).or_default();
            names.insert((case_fold::folded(key.protocol), case_fold::folded(key.first())));
            if let Some(left) = most_regex_size.checked_sub(regex_size) {
                regex_size = regex_size.saturating_add(key.size(value, left));
            }
        }
        let routers = kinds.remove("routers").unwrap_or_default().len() as u64;
        let names = kinds.values().map(BTreeSet::len).max().unwrap_or_default() as u64;
        Self { routers, names, regex_size }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            routers: self.routers.saturating_add(other.routers),
            names: self.names.saturating_add(other.names),
            regex_size: self.regex_size.saturating_add(other.regex_size),
        }
    }
}

impl Budgets {
    /// What one container's labels have too much of, the cheapest to know first; else their demand.
    pub fn judge(&self, labels: &BTreeMap<String, String>) -> Result<Demand, Excess> {
        let read = labels.iter().filter(|(key, _)| is_read(key));
        let (count, bytes) =
            read.fold((0, 0), |(count, bytes), (key, value)| (count + 1, bytes + key.len() + value.len()));
        let is_long = |value: &String| value.len() as u64 > self.rule_bytes;
        let is_rule = |key: &String| Key::of(key).is_some_and(|key| key.is_rule());
        let rule = labels.iter().find(|(key, value)| is_long(value) && is_rule(key));
        let rule = rule.and_then(|(key, value)| {
            let excess = Excess::of(Quantity::RuleBytes, value.len() as u64, self.rule_bytes)?;
            Some(Excess { label: Some(key.clone()), ..excess })
        });
        let early = rule
            .or_else(|| Excess::of(Quantity::LabelBytes, bytes as u64, self.label_bytes))
            .or_else(|| Excess::of(Quantity::Labels, count, self.labels));
        if let Some(excess) = early {
            return Err(excess);
        }
        let demand = Demand::of(labels, self.regex_size);
        let late = Excess::of(Quantity::Routers, demand.routers, self.routers)
            .or_else(|| Excess::of(Quantity::Names, demand.names, self.routers))
            .or_else(|| Excess::of(Quantity::RegexSize, demand.regex_size, self.regex_size));
        late.map_or(Ok(demand), Err)
    }

    /// The most bytes that the labels of one owner's containers may have together.
    pub fn owner_label_bytes(&self) -> u64 {
        self.label_bytes.saturating_mul(self.per_owner)
    }

    /// What an owner's containers, of this demand together, have too much of.
    pub fn judge_owner(&self, demand: Demand) -> Option<Excess> {
        let most = |one: u64| one.saturating_mul(self.per_owner);
        Excess::of(Quantity::OwnerRouters, demand.routers, most(self.routers))
            .or_else(|| Excess::of(Quantity::OwnerNames, demand.names, most(self.routers)))
            .or_else(|| Excess::of(Quantity::OwnerRegexSize, demand.regex_size, most(self.regex_size)))
    }
}

impl Budgets {
    /// What one container's routers, or those of all its owner's containers so far, use too much of: the size of
    /// middlewares, each as often as it is used.
    pub fn judge_middlewares(&self, own: u64, of_owner: u64) -> Option<Excess> {
        Excess::of(Quantity::MiddlewareSize, own, self.regex_size).or_else(|| {
            Excess::of(Quantity::OwnerMiddlewareSize, of_owner, self.regex_size.saturating_mul(self.per_owner))
        })
    }
}

/// The size of the middlewares that some labels declare, by name (folded): their regular expressions, and eight bytes
/// of what else their labels say for one instruction (a list of addresses takes Traefik about that much). Linear in their
/// bytes.
pub fn middlewares(labels: &BTreeMap<String, String>) -> BTreeMap<String, u64> {
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for (key, value) in labels.iter().filter_map(|(key, value)| Some((Key::of(key)?, value))) {
        if key.is("middlewares") && case_fold::equal(key.protocol, "http") {
            let name = key.first().split('[').next().unwrap_or_default();
            let sum = sizes.entry(case_fold::folded(name).into_owned()).or_default();
            *sum = sum.saturating_add(key.size(value, u64::MAX)).saturating_add(value.len() as u64 / 8);
        }
    }
    sizes
}

/// The parts of a routing label's key: `http`, `routers` and `app.rule` of `traefik.http.routers.app.rule`. All are compared
/// as Traefik does: `routerſ` are routers.
struct Key<'a> {
    protocol: &'a str,
    kind: &'a str,
    rest: &'a str,
}

impl<'a> Key<'a> {
    fn of(key: &'a str) -> Option<Self> {
        let (root, rest) = key.split_once('.')?;
        if !case_fold::equal(root, "traefik") {
            return None;
        }
        let (protocol, rest) = rest.split_once('.')?;
        let (kind, rest) = rest.split_once('.')?;
        Some(Self { protocol, kind, rest })
    }

    fn is(&self, kind: &str) -> bool {
        case_fold::equal(self.kind, kind)
    }

    /// What the router, middleware or service is called.
    fn first(&self) -> &'a str {
        self.rest.split('.').next().unwrap_or_default()
    }

    fn last(&self) -> &'a str {
        self.rest.rsplit('.').next().unwrap_or_default()
    }

    fn is_rule(&self) -> bool {
        case_fold::equal(self.last(), "rule") && self.is("routers")
    }

    /// Of the regular expressions in its value, which are read until they are larger than `most`.
    fn size(&self, value: &str, most: u64) -> u64 {
        if self.is_rule() {
            return crate::traefik::rules::router::regex_size(value, most);
        }
        if !case_fold::folded(self.last()).contains("regex") {
            return 0;
        }
        // Some are lists, with commas between; others are one pattern.
        let mut parts = 0_u64;
        for part in value.split(',') {
            if parts > most {
                break;
            }
            parts = parts.saturating_add(crate::traefik::rules::go_regex::size(part));
        }
        parts.max(crate::traefik::rules::go_regex::size(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn found(all: &[(&str, &str)]) -> Option<Quantity> {
        Budgets::default().judge(&labels(all)).err().map(|excess| excess.quantity)
    }

    #[test]
    fn a_few_letters_that_make_traefik_large_are_seen() {
        let rule = |pattern: &str, count: usize| vec![format!("PathRegexp(`{pattern}`)"); count].join(" || ");
        for (pattern, count, fits) in [
            (r"^/api/v[0-9]+/users$", 400, true),
            (r"^/(?i)[a-z0-9_-]{1,100}$", 200, true),
            (r"^/a{1000}$", 150, true),
            (r"^/a{1000}$", 250, false),
            (r"^/\pL{900}$", 1, false),
            (r"^/(\pL*\d){300}$", 3, false),
            (r"^/(?i)\pL{300}$", 2, false),
            (r"^/((a{10}){10}){10}$", 200, false),
            (r"^/[^\pL\pN]{400}$", 2, false),
        ] {
            let found = found(&[("traefik.http.routers.a.rule", &rule(pattern, count))]);
            assert_eq!(found, (!fits).then_some(Quantity::RegexSize), "{count} of {pattern}");
        }
    }

    #[test]
    fn regular_expressions_count_wherever_traefik_compiles_them() {
        let pattern = r"^/\pL{900}$";
        for (key, value) in [
            ("traefik.http.routers.a.rule", format!("Host(`a`) && !(HeaderRegexp(`a`, `{pattern}`))")),
            ("Traefik.HTTP.Routers.a.Rule", format!("hostregexp(`{pattern}`)")),
            ("traefik.http.router\u{17f}.a.rule", format!("HostRegexp(`{pattern}`)")),
            ("traefik.http.middleware\u{17f}.m.redirectregex.regex", pattern.to_owned()),
            ("traefik.tcp.routers.a.rule", format!("HostSNIRegexp(`{pattern}`)")),
            ("traefik.http.routers.a.rule", r"PathPrefix(`/{name:\pL{900}}`)".to_owned()),
            // Deeper than Leeward reads, and Traefik does.
            ("traefik.http.routers.a.rule", format!("{}PathRegexp(`{pattern}`){}", "(".repeat(501), ")".repeat(501))),
            ("traefik.http.middlewares.m.redirectregex.regex", pattern.to_owned()),
            ("traefik.http.middlewares.m.stripprefixregex.regex", format!("/a,{pattern}")),
            ("traefik.http.middlewares.m.stripprefixregex.regex[0]", pattern.to_owned()),
            ("traefik.http.middlewares.m.headers.accesscontrolalloworiginlistregex", pattern.to_owned()),
            ("traefik.http.middlewares.m.forwardauth.authresponseheadersregex", pattern.to_owned()),
        ] {
            assert_eq!(found(&[(key, &value)]), Some(Quantity::RegexSize), "{key}={value}");
        }
    }

    #[test]
    fn services_and_middlewares_are_counted_though_no_router_uses_them() {
        let many = |count: usize, key: &dyn Fn(usize) -> String| -> BTreeMap<String, String> {
            (0..count).map(|at| (key(at), "80".to_owned())).collect()
        };
        for kind in [
            "http.services.s{}.loadbalancer.server.port",
            "http.middlewares.m{}.inflightreq.amount",
            "HTTP.Middleware\u{17f}.m{}.inflightreq.amount",
            "http.models.m{}.middlewares",
            "tcp.services.s{}.loadbalancer.server.port",
            "udp.services.s{}.loadbalancer.server.port",
        ] {
            let key = |at: usize| format!("traefik.{}", kind.replace("{}", &at.to_string()));
            let excess = Budgets::default().judge(&many(501, &key)).unwrap_err();
            assert_eq!((excess.quantity, excess.found, excess.most), (Quantity::Names, 501, Some(500)), "{kind}");
            let fits = Budgets::default().judge(&many(500, &key)).unwrap();
            let four = (0..3).fold(fits, |sum, _| sum.and(fits));
            assert_eq!(Budgets::default().judge_owner(four), None);
            let excess = Budgets::default().judge_owner(four.and(fits)).unwrap();
            assert_eq!((excess.quantity, excess.found), (Quantity::OwnerNames, 2_500), "{kind}");
        }
        // One of many labels is one.
        let one = many(5_000, &|at| format!("traefik.http.middlewares.m.headers.customrequestheaders.x{at}"));
        assert_eq!(Budgets::default().judge(&one), Ok(Demand { routers: 0, names: 1, regex_size: 0 }));
    }

    #[test]
    fn every_budget_is_said_by_its_number_and_flag() {
        let many = |count: usize, key: &dyn Fn(usize) -> String| -> BTreeMap<String, String> {
            (0..count).map(|at| (key(at), String::new())).collect()
        };
        let budgets = Budgets::default();
        for (labels, quantity, found) in [
            (many(10_001, &|at| format!("traefik.http.services.a.x{at}")), Quantity::Labels, 10_001),
            (labels(&[("traefik.x", &"y".repeat(1 << 20))]), Quantity::LabelBytes, (1 << 20) + 9),
            (many(501, &|at| format!("traefik.http.routers.r{at}.service")), Quantity::Routers, 501),
            (labels(&[("traefik.udp.routers.a.rule", &"y".repeat(65_537))]), Quantity::RuleBytes, 65_537),
            (labels(&[("traefik.udp.router\u{17f}.a.rule", &"y".repeat(65_537))]), Quantity::RuleBytes, 65_537),
        ] {
            let excess = budgets.judge(&labels).unwrap_err();
            assert_eq!((excess.quantity, excess.found), (quantity, found));
        }
        let fits = budgets.judge(&many(500, &|at| format!("traefik.http.routers.r{at}.service"))).unwrap();
        assert_eq!(fits, Demand { routers: 500, names: 0, regex_size: 0 });
        let four = (0..3).fold(fits, |sum, _| sum.and(fits));
        assert_eq!(budgets.judge_owner(four), None);
        assert_eq!(budgets.judge_owner(four.and(fits)).unwrap().quantity.flag(), "--max-per-owner");
    }
}
