//! Step 4: which networks Traefik reaches backends on, and which of them it takes for a container.

use std::collections::{BTreeMap, BTreeSet};

use super::cause::Few;
use super::context::Candidate;
use super::leeward_labels::{PROXY, is_true};
use super::namespaces::{Member, Namespace, Namespaces, is_alive};
use super::refusal::{Code, Refusal};
use super::rule_id::RuleId;
use crate::inventory::{Attachment, Container, Inventory, Network};
use crate::settings::{Isolation, Settings};

/// The networks that backends are reached on.
#[derive(Clone, Debug, Default)]
pub struct ProxyNetworks<'a> {
    /// How they were found.
    pub how: How,
    /// Them, by their places in the inventory, each with its place in the order of preference: lower is better.
    networks: BTreeMap<usize, (usize, &'a Network)>,
    /// More of them, which are not internal: for containers under `--isolation warn`.
    open: BTreeMap<usize, &'a Network>,
    /// Internal networks that a declared Traefik is on, and nobody else who is up: for containers that are not started.
    waiting: BTreeSet<usize>,
    /// The declared Traefiks on each network, proxy network or not, by name.
    traefiks: BTreeMap<usize, BTreeSet<&'a str>>,
    /// The internal networks `net-<project>` that a declared Traefik is on and its own project makes, by the other project.
    made_for: BTreeMap<&'a str, (usize, &'a Network)>,
    preferred: Option<&'a str>,
    /// What `--traefik` names and no container is called.
    absent: Vec<&'a str>,
}

/// The rank of a network on which a container calls itself an egress Traefik, where no Traefik is declared.
const WITH_EGRESS: usize = 2;

/// What made networks proxy networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// `--proxy-network`.
    Flag,
    /// The networks' label `leeward.proxy=true`.
    Label,
    /// They are internal, and a declared Traefik is on them.
    Shared,
    /// They are internal; no Traefik is declared, so it may be on the host.
    #[default]
    Internal,
}

/// The network on which a container is reached.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    /// The network's place in the inventory.
    pub at: usize,
    /// The network.
    pub network: &'a Network,
    /// The place on it; of the container whose namespace it uses, if it has none of its own. Always with an address, unless the
    /// container is not running.
    pub attachment: &'a Attachment,
    /// What stands against it, where `--isolation warn` lets it pass.
    pub overruled: Option<Refusal>,
}

/// Why no network will do for a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// None that it is on.
    NotReached { container: String, why: NotReached },
    /// It has no address on these; `first` is the first of them.
    NoAddress { container: String, networks: Few, first: String },
    /// Several, and nothing says which; `absent`: what `--traefik` names and is not there.
    Several { container: String, networks: Few, absent: Few, first: String },
    /// It is on none.
    Nowhere { container: String, why: Nowhere },
}

/// Why none of a container's networks will do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NotReached {
    /// A label names one that it is not on; it is on these.
    Elsewhere { wanted: String, on: Few },
    /// A label names one that is no proxy network.
    NoProxy(String),
    /// None of these is a proxy network.
    None { on: Few, how: How },
    /// No declared Traefik is on these.
    NoTraefik(Few),
}

/// Why a container is on no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Nowhere {
    /// It uses the host's own.
    Host,
    /// It has none that works.
    Broken,
    /// It has none.
    None,
}

fn absent<'a>(inventory: &Inventory, settings: &'a Settings) -> Vec<&'a str> {
    let is_there = |name: &str| inventory.containers.values().any(|container| container.name == name);
    settings.traefiks.iter().map(String::as_str).filter(|name| !is_there(name)).collect()
}

impl<'a> ProxyNetworks<'a> {
    /// Finds the proxy networks: those that `--proxy-network` names; else those labelled `leeward.proxy=true`; else
    /// the internal ones that a declared Traefik shares with anything but Leeward; else every internal one.
    ///
    /// For containers under `--isolation warn` also those that a Traefik shares and that are not internal.
    pub fn of(
        inventory: &'a Inventory,
        candidates: &[Candidate<'a>],
        namespaces: &Namespaces<'a>,
        settings: &'a Settings,
    ) -> Self {
        let traefiks = candidates.iter().zip(namespaces.iter()).filter(|(candidate, _)| candidate.is_traefik);
        let mut on: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for (candidate, namespace) in traefiks {
            for place in namespace.edges.iter().filter_map(|edge| edge.place) {
                on.entry(place).or_default().insert(&candidate.container.name);
            }
        }
        let all = || inventory.networks.values();
        let labelled = |network: &Network| network.labels.get(PROXY).is_some_and(|value| is_true(value));
        let how = if !settings.proxy_networks.is_empty() {
            How::Flag
        } else if all().any(labelled) {
            How::Label
        } else if candidates.iter().any(|candidate| candidate.is_traefik) {
            How::Shared
        } else {
            How::Internal
        };
        let lenient = settings.is_lenient_to_some();
        let mut open = BTreeMap::new();
        let mut waiting = BTreeSet::new();
        let mut rank = |place: usize, network: &'a Network| match how {
            How::Flag => settings.proxy_networks.iter().position(|glob| glob.matches(&network.name)),
            How::Label => labelled(network).then_some(0),
            How::Shared => {
                let is_ours = |it: &Candidate<'_>| it.is_traefik || it.is_egress || it.is_leeward;
                let is_other = |it: &Member<'_>| candidates.get(it.at).is_some_and(|other| !is_ours(other));
                let used = on.contains_key(&place) && namespaces.members(place).iter().any(is_other);
                let is_internal = namespaces.wall(place).is_ok();
                if used && !is_internal && lenient {
                    open.insert(place, network);
                }
                if !used && is_internal && on.contains_key(&place) {
                    waiting.insert(place);
                }
                (used && is_internal).then_some(0)
            }
            // Of a project alone it is the external network on which Traefik is, not one of the project's own.
            // One of an egress Traefik is for what goes out.
            How::Internal => {
                let mut members = namespaces.members(place).iter().filter_map(|it| candidates.get(it.at));
                let fits =
                    namespaces.wall(place).is_ok() && !members.clone().any(|it| it.is_egress_of(network, settings));
                // A label alone takes no network away from those who have no other.
                let last = if members.any(|it| it.is_egress) { WITH_EGRESS } else { 0 };
                fits.then_some(last + usize::from(!network.assumed))
            }
        };
        let networks = all().enumerate().filter_map(|(place, network)| Some((place, (rank(place, network)?, network))));
        let networks = networks.collect();
        let of_traefik: BTreeSet<&str> =
            candidates.iter().filter(|candidate| candidate.is_traefik).filter_map(|it| it.owner.group()).collect();
        let made_for = all().enumerate().filter_map(|(place, network)| {
            let project = network.name.strip_prefix("net-").filter(|_| on.contains_key(&place))?;
            let maker = network.labels.get("com.docker.compose.project")?;
            (of_traefik.contains(maker.as_str()) && namespaces.wall(place).is_ok())
                .then_some((project, (place, network)))
        });
        let made_for = made_for.collect();
        Self {
            how,
            networks,
            open,
            waiting,
            traefiks: on,
            made_for,
            preferred: settings.network.as_deref(),
            absent: absent(inventory, settings),
        }
    }

    /// Whether the network at a place of the inventory is one of them, for every container.
    pub fn contains(&self, place: usize) -> bool {
        let is_last = |rank: usize| self.how == How::Internal && rank >= WITH_EGRESS;
        self.networks.get(&place).is_some_and(|(rank, _)| !is_last(*rank))
    }

    /// Those of every container, by id.
    pub fn iter(&self) -> impl Iterator<Item = &'a Network> {
        self.networks.values().map(|(_, network)| *network)
    }

    /// The network that Traefik's project made for a project, and its place in the inventory.
    pub(super) fn made_for(&self, project: &str) -> Option<(usize, &'a Network)> {
        self.made_for.get(project).copied()
    }

    /// The names of the declared Traefiks on the network at a place of the inventory; what `GET /config/{traefik}` holds
    /// is what is on a network that this Traefik is on.
    pub fn traefiks_on(&self, place: usize) -> impl Iterator<Item = &'a str> {
        self.traefiks.get(&place).into_iter().flatten().copied()
    }

    /// Picks the network on which `container` is reached.
    ///
    /// `wanted` is the label that names one, whole key and value (`traefik.docker.network`); it accepts the network's
    /// name, or the name that Compose knows it by in the container's own `project`. It picks among proxy networks and
    /// never leads outside them. With several left: `--network`, the order of `--proxy-network`, the name. Where
    /// Traefiks are declared, only a network that one of them is on will do.
    ///
    /// `isolation` is that of the container's owner. Under [`Isolation::Off`] every network will do, and a label or `--network` that names none the container is on is
    /// passed over, as in Traefik (but what is taken then is the first by name, not a random one).
    ///
    /// Errors: not on a proxy network, or without an address there (NET-009); on several and nothing says which.
    pub fn choose(
        &self,
        container: &Container,
        namespace: &Namespace<'a>,
        wanted: Option<(&str, &str)>,
        project: Option<&str>,
        isolation: Isolation,
    ) -> Result<Choice<'a>, Refusal> {
        let lenient = matches!(isolation, Isolation::Warn | Isolation::Off);
        let is_idle = !is_alive(container);
        let places: Vec<Place<'a>> = namespace
            .edges
            .iter()
            .filter_map(|edge| Some((edge.place?, edge.network?, edge.attachment?)))
            .map(|(at, network, attachment)| {
                let opened = || (lenient && self.open.contains_key(&at)).then_some(0);
                let waits = || (is_idle && self.waiting.contains(&at)).then_some(0);
                let rank = self.networks.get(&at).map(|(rank, _)| *rank).or_else(waits).or_else(opened);
                Place { at, network, attachment, rank }
            })
            .collect();
        let asks = Asks { container, wanted, project, preferred: self.preferred };
        if isolation == Isolation::Off {
            return asks.any(&places).ok_or_else(|| asks.nowhere(namespace));
        }
        match self.pick(&asks, &places, namespace) {
            Err(refusal) if isolation == Isolation::Warn => match asks.any(&places) {
                Some(choice) => Ok(Choice { overruled: Some(refusal), ..choice }),
                None => Err(refusal),
            },
            verdict => verdict,
        }
    }

    fn pick(&self, asks: &Asks<'_>, places: &[Place<'a>], namespace: &Namespace<'a>) -> Result<Choice<'a>, Refusal> {
        let name = &asks.container.name;
        if places.is_empty() {
            return Err(asks.nowhere(namespace));
        }
        let mut eligible: Vec<&Place<'_>> = places.iter().filter(|place| place.rank.is_some()).collect();
        if let Some((key, value)) = asks.wanted {
            let Some(named) = asks.named(places, value) else {
                let why = NotReached::Elsewhere { wanted: value.to_owned(), on: names(places) };
                return Err(asks.not_reached(why).by_label(key));
            };
            eligible.retain(|place| place.at == named.at);
            if eligible.is_empty() {
                let why = NotReached::NoProxy(named.network.name.clone());
                return Err(asks.not_reached(why).by_label(key));
            }
        }
        if eligible.is_empty() {
            let why = NotReached::None { on: names(places), how: self.how };
            return Err(asks.not_reached(why));
        }
        if !self.traefiks.is_empty() {
            if !eligible.iter().any(|place| self.traefiks.contains_key(&place.at)) {
                return Err(asks.not_reached(NotReached::NoTraefik(names(eligible))));
            }
            eligible.retain(|place| self.traefiks.contains_key(&place.at));
        }
        if is_alive(asks.container) {
            if let (Some(first), false) = (eligible.first(), eligible.iter().any(|place| place.has_address())) {
                return Err(net_009(Cause::NoAddress {
                    container: name.clone(),
                    networks: names(eligible.iter().copied()),
                    first: first.network.name.clone(),
                }));
            }
            eligible.retain(|place| place.has_address());
        }
        eligible.sort_by_key(|place| (place.rank, &place.network.name, &place.network.id));
        if self.how == How::Internal {
            let best = eligible.first().map(|place| place.rank);
            eligible.retain(|place| Some(place.rank) == best);
        }
        let preferred = asks.preferred.and_then(|value| asks.named(eligible.iter().copied(), value));
        match (preferred, eligible.as_slice()) {
            (Some(place), _) => Ok(place.choice()),
            (None, [first, _, ..]) if self.how == How::Internal && asks.wanted.is_none() => Err(Refusal::new(
                Code::AmbiguousNetwork,
                Cause::Several {
                    container: name.clone(),
                    networks: names(eligible.iter().copied()),
                    absent: Few::of(self.absent.iter().copied()),
                    first: first.network.name.clone(),
                },
            )),
            (None, [first, ..]) => Ok(first.choice()),
            (None, []) => Err(asks.nowhere(namespace)),
        }
    }
}

/// A place of a container on a network, and the network's rank among the proxy networks.
struct Place<'a> {
    /// The network's place in the inventory.
    at: usize,
    network: &'a Network,
    attachment: &'a Attachment,
    /// Its place in the order of preference, if it is a proxy network.
    rank: Option<usize>,
}

impl<'a> Place<'a> {
    fn has_address(&self) -> bool {
        self.attachment.ipv4.is_some() || self.attachment.ipv6.is_some()
    }

    fn choice(&self) -> Choice<'a> {
        Choice { at: self.at, network: self.network, attachment: self.attachment, overruled: None }
    }

    fn is_called(&self, wanted: &str, project: Option<&str>) -> bool {
        let labels = &self.network.labels;
        let label = |key: &str| labels.get(key).map(String::as_str);
        project.is_some_and(|project| {
            let prefixed = self.network.name.strip_prefix(project).and_then(|rest| rest.strip_prefix('_'));
            prefixed == Some(wanted)
                || (label("com.docker.compose.project") == Some(project)
                    && label("com.docker.compose.network") == Some(wanted))
        })
    }
}

/// What is asked for one container.
struct Asks<'q> {
    container: &'q Container,
    wanted: Option<(&'q str, &'q str)>,
    project: Option<&'q str>,
    preferred: Option<&'q str>,
}

impl Asks<'_> {
    /// The place on the network that `wanted` names: by its name, else by the one it has in the container's project.
    fn named<'p, 'a: 'p>(
        &self,
        places: impl IntoIterator<Item = &'p Place<'a>> + Clone,
        wanted: &str,
    ) -> Option<&'p Place<'a>> {
        let exact = places.clone().into_iter().find(|place| place.network.name == wanted);
        exact.or_else(|| places.into_iter().find(|place| place.is_called(wanted, self.project)))
    }

    /// Any place at all: the label, `--network`, then those with an address, by name.
    fn any<'a>(&self, places: &[Place<'a>]) -> Option<Choice<'a>> {
        let mut wanted = self.wanted.map(|(_, value)| value).into_iter().chain(self.preferred);
        let named = wanted.find_map(|value| self.named(places, value));
        let first = || {
            places
                .iter()
                .min_by_key(|place| (!place.has_address(), place.rank.is_none(), place.rank, &place.network.name))
        };
        named.or_else(first).map(Place::choice)
    }

    fn not_reached(&self, why: NotReached) -> Refusal {
        net_009(Cause::NotReached { container: self.container.name.clone(), why })
    }

    fn nowhere(&self, namespace: &Namespace<'_>) -> Refusal {
        let why = if namespace.is_host() {
            Nowhere::Host
        } else if namespace.broken.is_some() {
            Nowhere::Broken
        } else {
            Nowhere::None
        };
        net_009(Cause::Nowhere { container: self.container.name.clone(), why })
    }
}

fn net_009(cause: Cause) -> Refusal {
    Refusal::new(Code::NoProxyNetwork, cause).by_rule(RuleId::Net009)
}

fn names<'p, 'a: 'p>(places: impl IntoIterator<Item = &'p Place<'a>>) -> Few {
    Few::of(places.into_iter().map(|place| place.network.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::context::Context;
    use crate::policy::leeward_labels::TRAEFIK;
    use crate::report::words::{Remedy as _, Words as _};
    use crate::settings::OwnerIsolation;

    /// Networks as `name`, a mark for "not internal" (`!`) or "labelled" (`*`) before it; containers as `name` and the
    /// networks they are on. `traefik…` is declared.
    fn inventory(networks: &[&str], containers: &[(&str, &[&str])]) -> Inventory {
        let mut inventory = Inventory::default();
        inventory.engine.product = "Engine".into();
        inventory.engine.version = "29.1.0".into();
        for text in networks {
            let name = text.trim_start_matches(['!', '*']);
            let mut network = Network {
                id: name.into(),
                name: name.to_owned(),
                driver: "bridge".to_owned(),
                internal: !text.starts_with('!'),
                ..Network::default()
            };
            if text.starts_with('*') {
                network.labels.insert(PROXY.into(), "true".into());
            }
            inventory.networks.insert(network.id.clone(), network);
        }
        for (name, on) in containers {
            let mut container = Container {
                id: (*name).into(),
                name: (*name).to_owned(),
                image: (*name).to_owned(),
                state: "running".into(),
                ..Container::default()
            };
            for network in *on {
                let attachment = Attachment {
                    network: (*network).to_owned(),
                    network_id: (*network).into(),
                    ipv4: "172.30.0.9".parse().ok(),
                    ..Attachment::default()
                };
                container.attachments.insert((*network).to_owned(), attachment.into());
            }
            if name.starts_with("traefik") {
                container.labels.insert(TRAEFIK.into(), "true".into());
            }
            container.image_id = "image".into();
            inventory.images.insert("image".into(), crate::inventory::Image::default());
            inventory.put(container);
        }
        inventory
    }

    /// What is chosen for `app`: the network, or the code of the refusal.
    #[track_caller]
    fn check(inventory: &Inventory, settings: &Settings, wanted: Option<&str>, project: Option<&str>, expected: &str) {
        let context = Context::of(inventory, settings);
        let app = inventory.containers.get("app").unwrap();
        let namespace = context.namespaces.get(context.find("app").unwrap()).unwrap();
        let wanted = wanted.map(|value| ("traefik.docker.network", value));
        let found = match context.proxy.choose(app, namespace, wanted, project, settings.isolation_for("~app")) {
            Ok(Choice { network, overruled: None, .. }) => network.name.clone(),
            Ok(Choice { network, overruled: Some(refusal), .. }) => {
                format!("{} {}", refusal.code.as_str(), network.name)
            }
            Err(refusal) => {
                assert!(!refusal.remedy().is_empty() && !refusal.words().contains('\n'));
                refusal.code.as_str().to_owned()
            }
        };
        assert_eq!(found, expected);
    }

    fn settings(proxy_networks: &[&str]) -> Settings {
        let proxy_networks = proxy_networks.iter().map(|glob| glob.parse().unwrap()).collect();
        Settings { proxy_networks, ..Settings::default() }
    }

    #[test]
    fn a_declared_traefik_says_which_networks_are_meant() {
        let inventory = inventory(
            &["proxy", "back", "control", "!out"],
            &[("traefik", &["proxy", "control", "out"]), ("app", &["back", "proxy"]), ("leeward", &["control"])],
        );
        let none = settings(&[]);
        check(&inventory, &none, None, None, "proxy");
        check(&inventory, &none, Some("back"), None, "no-proxy-network");
        check(&inventory, &none, Some("elsewhere"), None, "no-proxy-network");
        let context = Context::of(&inventory, &none);
        assert_eq!(context.proxy.how, How::Shared);
        assert_eq!(context.proxy.iter().map(|network| network.name.as_str()).collect::<Vec<_>>(), ["proxy"]);
        assert_eq!(context.proxy.traefiks_on(2).collect::<Vec<_>>(), ["traefik"]);
    }

    #[test]
    fn who_is_not_started_yet_is_on_the_network_that_waits_for_it() {
        let mut inventory = inventory(
            &["proxy", "back", "!out"],
            &[("traefik", &["proxy", "out"]), ("app", &["back", "proxy"]), ("db", &["back"])],
        );
        let app = std::sync::Arc::make_mut(inventory.containers.get_mut("app").unwrap());
        app.state = "created".into();
        app.attachments.values_mut().for_each(|it| it.ipv4 = None);
        check(&inventory, &settings(&[]), None, None, "proxy");
        check(&inventory, &settings(&[]), Some("back"), None, "no-proxy-network");
        // Whoever is up decides what is a proxy network, nobody else.
        assert_eq!(Context::of(&inventory, &settings(&[])).proxy.iter().count(), 0);
    }

    #[test]
    fn where_a_flag_says_who_is_traefik_no_label_does() {
        let mut inventory = inventory(
            &["proxy", "other"],
            &[("edge", &["proxy"]), ("traefik2", &["other"]), ("app", &["other", "proxy"])],
        );
        let flag = Settings { traefiks: ["edge".to_owned()].into(), ..Settings::default() };
        check(&inventory, &flag, None, None, "proxy");
        check(&inventory, &settings(&[]), None, None, "other");
        // A name that nobody has: said where it matters.
        let typo = Settings { traefiks: ["egde".to_owned()].into(), ..Settings::default() };
        check(&inventory, &typo, None, None, "ambiguous-network");
        let context = Context::of(&inventory, &typo);
        let namespace = context.namespaces.get(context.find("app").unwrap()).unwrap();
        let app = inventory.containers.get("app").unwrap();
        let refusal = context.proxy.choose(app, namespace, None, None, Isolation::Enforce).unwrap_err();
        assert!(refusal.words().ends_with("no container is called `egde`, as --traefik says"), "{}", refusal.words());

        // What calls itself Traefik is one more neighbour.
        inventory.containers.remove("app");
        let context = Context::of(&inventory, &flag);
        assert_eq!(context.traefiks().map(|traefik| traefik.id.as_str()).collect::<Vec<_>>(), ["edge"]);
    }

    #[test]
    fn without_a_declared_traefik_nothing_is_guessed() {
        let one = inventory(&["proxy", "!out"], &[("app", &["proxy", "out"])]);
        check(&one, &settings(&[]), None, None, "proxy");
        let two = inventory(&["a", "b"], &[("app", &["a", "b"])]);
        check(&two, &settings(&[]), None, None, "ambiguous-network");
        check(&two, &settings(&[]), Some("b"), None, "b");
        check(&two, &settings(&["*"]), None, None, "a");
        check(&two, &settings(&["b", "a"]), None, None, "b");
        let preferred = Settings { network: Some("b".into()), ..Settings::default() };
        check(&two, &preferred, None, None, "b");
    }

    #[test]
    fn flag_before_label_before_traefik() {
        let inventory = inventory(&["a", "*b", "c"], &[("traefik", &["a", "b", "c"]), ("app", &["a", "b", "c"])]);
        check(&inventory, &settings(&["c"]), None, None, "c");
        check(&inventory, &settings(&[]), None, None, "b");
        check(&inventory, &settings(&["none"]), None, None, "no-proxy-network");
    }

    #[test]
    fn a_network_goes_by_its_compose_name_in_its_own_project() {
        let inventory = inventory(&["app1_proxy", "app2_proxy"], &[("app", &["app1_proxy", "app2_proxy"])]);
        check(&inventory, &settings(&["*"]), Some("proxy"), Some("app2"), "app2_proxy");
        check(&inventory, &settings(&["*"]), Some("app1_proxy"), Some("app2"), "app1_proxy");
        check(&inventory, &settings(&["*"]), Some("proxy"), None, "no-proxy-network");
    }

    #[test]
    fn a_proxy_network_without_traefik_will_not_do() {
        let inventory = inventory(&["a", "b"], &[("traefik", &["b"]), ("app", &["a"])]);
        check(&inventory, &settings(&["a"]), None, None, "no-proxy-network");
    }

    #[test]
    fn an_address_is_needed_by_what_runs() {
        let mut inventory = inventory(&["a"], &[("app", &["a"])]);
        let app = inventory.container_mut("app").unwrap();
        app.attachments.get_mut("a").unwrap().ipv4 = None;
        check(&inventory, &settings(&[]), None, None, "no-proxy-network");
        inventory.container_mut("app").unwrap().state = "exited".into();
        check(&inventory, &settings(&[]), None, None, "a");
    }

    #[test]
    fn a_rider_is_reached_where_its_owner_is() {
        let mut inventory = inventory(&["a"], &[("vpn", &["a"]), ("app", &[])]);
        inventory.container_mut("app").unwrap().network_mode = "container:vpn".into();
        check(&inventory, &settings(&[]), None, None, "a");
        inventory.container_mut("app").unwrap().network_mode = "host".into();
        check(&inventory, &settings(&[]), None, None, "no-proxy-network");
    }

    #[test]
    fn warn_reports_and_off_asks_nothing() {
        let inventory = inventory(&["a", "!out"], &[("traefik", &["a"]), ("app", &["out"])]);
        let with = |isolation| Settings { isolation, ..Settings::default() };
        check(&inventory, &with(Isolation::Enforce), None, None, "no-proxy-network");
        check(&inventory, &with(Isolation::Warn), None, None, "no-proxy-network out");
        check(&inventory, &with(Isolation::Off), None, None, "out");
        check(&inventory, &with(Isolation::Off), Some("nowhere"), None, "out");
    }

    #[test]
    fn warn_takes_the_open_network_that_traefik_shares() {
        let inventory = inventory(&["!proxy", "db"], &[("traefik", &["proxy"]), ("app", &["db", "proxy"])]);
        let warn = Settings { isolation: Isolation::Warn, ..Settings::default() };
        check(&inventory, &warn, None, None, "proxy");
        let of_app = |own| BTreeMap::from([("~app".to_owned(), own)]);
        let one = Settings { isolation_of: of_app(OwnerIsolation::Warn), ..Settings::default() };
        check(&inventory, &one, None, None, "proxy");
    }

    #[test]
    fn an_owner_that_is_enforced_takes_no_open_network_because_all_others_are_warned() {
        let inventory = inventory(
            &["!a-open", "proxy"],
            &[("traefik", &["a-open", "proxy"]), ("app", &["a-open", "proxy"]), ("shop", &["a-open"])],
        );
        let warn = Settings { isolation: Isolation::Warn, ..Settings::default() };
        check(&inventory, &warn, None, None, "a-open");
        let isolation_of = BTreeMap::from([("~app".to_owned(), OwnerIsolation::Enforce)]);
        let enforced = Settings { isolation_of, ..warn };
        check(&inventory, &enforced, None, None, "proxy");
        check(&inventory, &enforced, Some("a-open"), None, "no-proxy-network");
        check(&inventory, &Settings::default(), None, None, "proxy");
    }
}
