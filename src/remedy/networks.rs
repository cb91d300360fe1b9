//! Which networks an owner's services leave, join and make.
//!
//! What must be isolated leaves every network with a way out, and so does whoever of the same project shares that network
//! with it: those who reached each other still do, on a new internal network. Each service that is routed is on the
//! project's proxy network besides. Nobody else's network is touched or proposed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::compiled::{Compiled, Ground};
use super::edit::{Change, Edit, NewNetwork, ServiceNetwork, What};
use super::names::{free, is_made_for, is_reserved, is_writable, proxy_network_of};
use crate::inventory::{Attachment, Container, Network};
use crate::plan::Outcome;
use crate::policy::hosts::not_bound_on;
use crate::policy::leeward_labels::{ALLOW, PROXY};
use crate::policy::names::Owner;
use crate::policy::namespaces::Namespace;
use crate::policy::proxy::How;
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;

/// What an owner's networks become.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves {
    pub(super) edits: Vec<Edit>,
    /// The proxy network that its routed services are put on, if they need one.
    pub(super) proxy: Option<ProxyNeed>,
}

/// A proxy network that Traefik has to be on.
#[derive(Clone, Debug)]
pub(super) struct ProxyNeed {
    pub(super) network: String,
    /// Nobody has made it yet.
    pub(super) is_new: bool,
    /// The Traefiks that the services share a network with now, by place.
    pub(super) near: BTreeSet<usize>,
}

/// The options that close the host's address on a bridge: the first is known from engine 28 on, the second before.
pub(super) fn closed_to_the_host(driver: &str) -> BTreeMap<String, String> {
    let options = [
        ("com.docker.network.bridge.gateway_mode_ipv4", "isolated"),
        ("com.docker.network.bridge.inhibit_ipv4", "true"),
    ];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
    if driver == "bridge" { options.into() } else { BTreeMap::new() }
}

/// The names of a service on a network that the operator gave it there: without those that the engine and Compose give.
pub(super) fn aliases(container: &Container, service: &str, attachment: &Attachment) -> BTreeSet<String> {
    let is_given = |alias: &&String| {
        *alias != service && **alias != container.name && !container.id.as_str().starts_with(&***alias)
    };
    attachment.aliases.iter().filter(is_given).filter(|alias| is_writable(alias)).cloned().collect()
}

/// A network on which nothing of a project may stay that is to be isolated, and who is on it.
struct Left<'w> {
    name: &'w str,
    network: Option<&'w Network>,
    /// Those who move, by place.
    movers: Vec<usize>,
    /// Those who stay where they are, and must still reach those who move.
    stay: Vec<usize>,
    /// Nobody of the project stays on it.
    whole: bool,
}

/// Works it out for one owner. `taken`: the names of all networks, and of those that are planned.
pub(super) fn moves(
    ground: &Ground<'_>,
    compiled: &Compiled<'_>,
    owner: &Owner,
    members: &[usize],
    taken: &mut BTreeSet<String>,
) -> Moves {
    let mut moves = Moves::default();
    let roots: BTreeMap<usize, usize> = members
        .iter()
        .filter(|at| compiled.asks(**at))
        .filter_map(|at| Some((*at, root(compiled, owner, *at)?)))
        .collect();
    let mut targets: BTreeSet<usize> = BTreeSet::new();
    for (asker, root) in roots.iter().filter(|(asker, _)| !ground.is_fixed(compiled, **asker)) {
        targets.insert(*root);
        // Who shares its processes or memory is as isolated as it is.
        let group = compiled.context.namespaces.group_of(*asker);
        let group = group.and_then(|group| compiled.context.namespaces.groups().nth(group)).unwrap_or_default();
        targets.extend(group.iter().filter_map(|at| root_of_owner(compiled, owner, *at)));
    }
    targets.retain(|at| !ground.is_fixed(compiled, *at));
    if ground.strict {
        widen(ground, compiled, members, &mut targets);
    }

    let left = left(ground, compiled, owner, members, &targets);
    let leaves = |at: usize, network: &str| left.iter().any(|it| it.name == network && it.movers.contains(&at));
    let stays_on = |at: usize| -> BTreeSet<&str> {
        let attachments = compiled.container(at).map(|it| &it.attachments);
        attachments.into_iter().flat_map(|it| it.keys()).map(String::as_str).filter(|name| !leaves(at, name)).collect()
    };

    // The proxy network, before what is made only where nothing else is shared.
    let mut on_proxy: BTreeSet<usize> = BTreeSet::new();
    let mut proxy: Option<(String, bool)> = None;
    // Compose takes no other network beside `network_mode: bridge`, so who keeps that joins none.
    let stays_on_bridge = |at: usize| {
        let is_bridge = compiled.container(at).is_some_and(|it| it.network_mode == "bridge");
        owner.group().is_some() && is_bridge && !leaves(at, "bridge")
    };
    let joins = |asker: usize, root: usize| !ground.outside.contains(compiled.id(asker)) && !stays_on_bridge(root);
    for (asker, root) in roots.iter().filter(|(asker, root)| joins(**asker, **root)) {
        let good = good_proxy(ground, compiled, *root, &stays_on(*root));
        let chosen = if let Some(name) = good {
            name.to_owned()
        } else {
            let (name, _) = proxy.get_or_insert_with(|| proxy_network(compiled, owner, members, taken));
            on_proxy.insert(*root);
            name.clone()
        };
        // Where nobody is known to be Traefik, a container on several networks has to say which one is meant.
        let refused = compiled.plan.decisions.get(compiled.id(*asker)).is_some_and(|it| it.outcome == Outcome::Refused);
        let others =
            stays_on(*root).iter().any(|name| *name != chosen) || left.iter().any(|it| it.movers.contains(root));
        let several = ground.assumed && refused && others;
        moves.edits.extend(network_label(compiled, owner, *asker, &chosen, several));
    }
    if let Some((network, is_new)) = proxy {
        let traefiks = |at: &usize| -> BTreeSet<usize> {
            let places =
                compiled.context.namespaces.get(*at).into_iter().flat_map(|it| &it.edges).filter_map(|it| it.place);
            let members = places.flat_map(|place| compiled.context.namespaces.members(place));
            members.map(|member| member.at).filter(|at| compiled.context.is_traefik(*at)).collect()
        };
        let near = on_proxy.iter().flat_map(traefiks).collect();
        for at in &on_proxy {
            let entry =
                ServiceNetwork { network: network.clone(), aliases: BTreeSet::new(), addresses: Box::default() };
            moves.edits.push(Edit::service(owner, &compiled.service(*at), Change::Attach(entry)));
        }
        moves.proxy = Some(ProxyNeed { network, is_new, near });
    }

    for it in &left {
        let own = own_key(it.network, owner);
        if let (Some(key), Some(network), true) = (own, it.network, it.whole) {
            let name = free(&format!("{}-internal", it.name), taken);
            taken.insert(name.clone());
            moves.edits.push(Edit {
                owner: owner.clone(),
                what: What::Network(replacing(network, key, name.clone(), it, compiled)),
            });
            moves.edits.extend(without_ipv6(compiled, owner, it, &name));
            continue;
        }
        for at in &it.movers {
            let service = compiled.service(*at);
            if it.network.is_some_and(|network| network.name == "bridge")
                || compiled
                    .container(*at)
                    .is_some_and(|container| container.network_mode == it.name && it.name == "none")
            {
                moves.edits.push(Edit::service(owner, &service, Change::DropNetworkMode));
            }
            moves.edits.push(Edit::service(owner, &service, Change::Detach(it.name.to_owned())));
        }
        let everybody: Vec<usize> = it.movers.iter().chain(&it.stay).copied().collect();
        let still_meet = |one: usize, other: usize| {
            let both_proxied = on_proxy.contains(&one) && on_proxy.contains(&other);
            let names = |at: usize| {
                compiled.container(at).and_then(|container| {
                    Some(aliases(container, &compiled.service(at), container.attachments.get(it.name)?))
                })
            };
            let plain = [one, other].iter().all(|at| names(*at).is_none_or(|names| names.is_empty()));
            plain && (both_proxied || !stays_on(one).is_disjoint(&stays_on(other)))
        };
        let apart = it.movers.iter().any(|one| everybody.iter().any(|other| one != other && !still_meet(*one, *other)));
        if !apart {
            continue;
        }
        let base = own.unwrap_or(it.name);
        let full = match owner.group() {
            Some(project) => format!("{project}_{base}-internal"),
            None => format!("{base}-internal"),
        };
        let name = free(&full, taken);
        taken.insert(name.clone());
        // Who is kept with its way out is a neighbour with one: that is what was asked for, on this network alone.
        let is_out = |at: &usize| compiled.context.namespaces.get(*at).is_some_and(Namespace::has_way_out);
        let keeps = it.stay.iter().any(|at| ground.keep.contains(compiled.id(*at)) && is_out(at));
        let labels = keeps.then(|| (ALLOW.to_owned(), RuleId::Net011.to_string()));
        let key =
            owner.group().and_then(|project| name.strip_prefix(&format!("{project}_"))).unwrap_or(&name).to_owned();
        moves.edits.push(Edit {
            owner: owner.clone(),
            what: What::Network(NewNetwork {
                name: name.clone(),
                key,
                replaces: None,
                driver: "bridge".to_owned(),
                anew: false,
                options: closed_to_the_host("bridge"),
                labels: labels.into_iter().collect(),
                other_subnet: false,
                subnets: Vec::new(),
            }),
        });
        for at in everybody {
            let Some(container) = compiled.container(at) else { continue };
            let service = compiled.service(at);
            let names = container.attachments.get(it.name).map(|place| aliases(container, &service, place));
            let entry =
                ServiceNetwork { network: name.clone(), aliases: names.unwrap_or_default(), addresses: Box::default() };
            moves.edits.push(Edit::service(owner, &service, Change::Attach(entry)));
        }
    }
    // `network_mode: none` leaves nothing; it is dropped for the proxy network.
    for at in &on_proxy {
        if compiled.container(*at).is_some_and(|container| container.network_mode == "none") {
            moves.edits.push(Edit::service(owner, &compiled.service(*at), Change::DropNetworkMode));
        }
    }
    moves
}

/// The container whose network one is on, if that is of the same owner.
fn root(compiled: &Compiled<'_>, owner: &Owner, at: usize) -> Option<usize> {
    let namespace = compiled.context.namespaces.get(at)?;
    let root = match namespace.through.last() {
        Some(last) => compiled.context.find(last.id.as_str())?,
        None => at,
    };
    (namespace.broken.is_none() && !namespace.is_host() && compiled.owner(root) == Some(owner)).then_some(root)
}

fn root_of_owner(compiled: &Compiled<'_>, owner: &Owner, at: usize) -> Option<usize> {
    (compiled.owner(at) == Some(owner)).then(|| root(compiled, owner, at)).flatten()
}

/// Under `strict` whoever shares a network with one that is isolated is isolated too.
fn widen(ground: &Ground<'_>, compiled: &Compiled<'_>, members: &[usize], targets: &mut BTreeSet<usize>) {
    loop {
        let networks: BTreeSet<&String> =
            targets.iter().filter_map(|at| compiled.container(*at)).flat_map(|it| it.attachments.keys()).collect();
        let more: Vec<usize> = members
            .iter()
            .copied()
            .filter(|at| !targets.contains(at) && !ground.is_fixed(compiled, *at))
            .filter(|at| {
                compiled.container(*at).is_some_and(|it| it.attachments.keys().any(|name| networks.contains(name)))
            })
            .collect();
        if more.is_empty() {
            return;
        }
        targets.extend(more);
    }
}

/// The networks that nothing may stay on, in the order of their names.
fn left<'w>(
    ground: &Ground<'_>,
    compiled: &'w Compiled<'_>,
    owner: &Owner,
    members: &[usize],
    targets: &BTreeSet<usize>,
) -> Vec<Left<'w>> {
    let mut names: BTreeMap<&str, Option<&Network>> = BTreeMap::new();
    for edge in targets.iter().filter_map(|at| compiled.context.namespaces.get(*at)).flat_map(|it| &it.edges) {
        let shared = edge.place.is_some_and(|place| ground.strict && is_shared(compiled, place));
        let bridge = edge.network.is_some_and(|network| ground.strict && is_named_bridge(compiled, network));
        if edge.attachment.is_some() && (edge.wall.is_err() || shared || bridge) {
            names.insert(edge.name, edge.network);
        }
    }
    for at in members.iter().copied().filter(|at| compiled.asks(*at) && !ground.is_fixed(compiled, *at)) {
        let refusals = compiled.refusals(at);
        let bound = refusals.iter().filter(|it| is_bound_to_others(compiled, owner, it)).filter_map(not_bound_on);
        let networks = bound.filter_map(|name| compiled.context.inventory.network_named(name));
        names.extend(networks.map(|network| (network.name.as_str(), Some(network))));
    }
    let on = |name: &str| -> Vec<usize> {
        let is_on = |at: &&usize| compiled.container(**at).is_some_and(|it| it.attachments.contains_key(name));
        members.iter().filter(is_on).copied().collect()
    };
    names
        .into_iter()
        .map(|(name, network)| {
            let (fixed, movers): (Vec<usize>, Vec<usize>) =
                on(name).into_iter().partition(|at| ground.is_fixed(compiled, *at));
            let whole = fixed.is_empty();
            let stay = fixed.into_iter().filter(|at| !compiled.is_front(*at)).collect();
            Left { name, network, movers, stay, whole }
        })
        .collect()
}

/// Whether a host is refused because the container claims it over a network that is bound to somebody else's: not its
/// project's own, and not the one that this verb makes for it.
pub(super) fn is_bound_to_others(compiled: &Compiled<'_>, owner: &Owner, refusal: &Refusal) -> bool {
    not_bound_on(refusal).is_some_and(|name| {
        !is_made_for(owner, name) && own_key(compiled.context.inventory.network_named(name), owner).is_none()
    })
}

/// Whether several owners have applications on a network.
fn is_shared(compiled: &Compiled<'_>, place: usize) -> bool {
    let members = compiled.context.namespaces.members(place).iter().filter(|member| !compiled.is_front(member.at));
    members.filter_map(|member| compiled.owner(member.at)).collect::<BTreeSet<_>>().len() > 1
}

fn is_named_bridge(compiled: &Compiled<'_>, network: &Network) -> bool {
    let is_it = |rule: RuleId, name: &str| rule == RuleId::Net026 && name == network.name;
    compiled.plan.findings.iter().any(|finding| match &finding.subject {
        crate::policy::finding::Subject::Network { name } => is_it(finding.rule, name) && !finding.allowed,
        _ => false,
    })
}

/// The key of a network that the owner's own file makes.
fn own_key<'n>(network: Option<&'n Network>, owner: &Owner) -> Option<&'n str> {
    let label = |key: &str| network.and_then(|network| network.labels.get(key)).map(String::as_str);
    let project = owner.group().filter(|project| label("com.docker.compose.project") == Some(project));
    project.and_then(|_| label("com.docker.compose.network")).filter(|key| is_writable(key))
}

fn replacing(network: &Network, key: &str, name: String, left: &Left<'_>, compiled: &Compiled<'_>) -> NewNetwork {
    let driver = if network.driver == "overlay" { "overlay" } else { "bridge" };
    let is_plain = |option: &String| {
        option.starts_with("com.docker.network.bridge.gateway_mode")
            || option == "com.docker.network.bridge.inhibit_ipv4"
    };
    let labels = network.labels.iter().filter(|(key, _)| key.starts_with("leeward."));
    let members = left.movers.iter().filter_map(|at| compiled.container(*at));
    let mut places = members.filter_map(|it| it.attachments.get(left.name));
    let fixed = places.any(|place| place.fixed.iter().any(IpAddr::is_ipv4));
    // IPv6 is not taken over: older engines do not filter it on an internal network.
    let subnets = network.subnets.iter().filter(|subnet| !subnet.contains(':'));
    NewNetwork {
        name,
        key: key.to_owned(),
        replaces: Some(network.name.clone()),
        driver: driver.to_owned(),
        anew: network.driver != driver || network.ipv6 || !network.options.keys().all(is_plain),
        options: closed_to_the_host(driver),
        labels: labels.map(|(key, value)| (key.clone(), value.clone())).collect(),
        other_subnet: !fixed && !network.subnets.is_empty(),
        subnets: if fixed { subnets.cloned().collect() } else { Vec::new() },
    }
}

/// Fixed addresses that the new network cannot have: its members are put on it again without them.
fn without_ipv6(compiled: &Compiled<'_>, owner: &Owner, left: &Left<'_>, new: &str) -> Vec<Edit> {
    let again = left.movers.iter().filter_map(|at| {
        let container = compiled.container(*at)?;
        let place = container.attachments.get(left.name)?;
        place.fixed.iter().any(IpAddr::is_ipv6).then(|| {
            let service = compiled.service(*at);
            let entry = ServiceNetwork {
                network: new.to_owned(),
                aliases: aliases(container, &service, place),
                addresses: place.fixed.iter().copied().filter(IpAddr::is_ipv4).collect(),
            };
            [Change::Detach(left.name.to_owned()), Change::Attach(entry)]
                .map(|change| Edit::service(owner, &service, change))
        })
    });
    again.flatten().collect()
}

/// A proxy network that a container stays on and that will do.
fn good_proxy<'w>(
    ground: &Ground<'_>,
    compiled: &'w Compiled<'_>,
    at: usize,
    stays_on: &BTreeSet<&str>,
) -> Option<&'w str> {
    let edges = compiled.context.namespaces.get(at).into_iter().flat_map(|it| &it.edges);
    let good = edges.filter_map(|edge| Some((edge.name, edge.place?, edge.wall))).find(|(name, place, wall)| {
        wall.is_ok()
            && stays_on.contains(name)
            && compiled.context.proxy.contains(*place)
            && compiled.context.proxy.traefiks_on(*place).next().is_some()
            && !(ground.strict && is_shared(compiled, *place))
    });
    good.map(|(name, _, _)| name)
}

/// The owner's proxy network: one that is there for it, else a new one. With whether it is new.
fn proxy_network(
    compiled: &Compiled<'_>,
    owner: &Owner,
    members: &[usize],
    taken: &mut BTreeSet<String>,
) -> (String, bool) {
    let wanted = proxy_network_of(owner);
    let of_front = |network: &Network| {
        let project = network.labels.get("com.docker.compose.project");
        let traefiks = compiled.context.traefiks().filter_map(|traefik| traefik.owner.group());
        project.is_some_and(|project| traefiks.into_iter().any(|it| it == project))
    };
    let fits = compiled.context.inventory.networks.values().enumerate().find(|(place, network)| {
        let namespaces = &compiled.context.namespaces;
        let is_ours = |at: usize| members.contains(&at) || compiled.is_front(at);
        let nobody_elses = namespaces.members(*place).iter().all(|member| is_ours(member.at))
            && compiled
                .context
                .inventory
                .containers
                .values()
                .enumerate()
                .all(|(at, container)| is_ours(at) || !container.attachments.contains_key(&network.name));
        let has_traefik = namespaces.members(*place).iter().any(|member| compiled.context.is_traefik(member.at));
        network.name == wanted
            && !is_reserved(&wanted)
            && namespaces.wall(*place).is_ok()
            && nobody_elses
            && (has_traefik || of_front(network) || own_key(Some(network), owner).is_some())
            && (compiled.context.proxy.how != How::Label || network.labels.contains_key(PROXY))
    });
    if fits.is_some() {
        return (wanted, false);
    }
    let name = free(&wanted, taken);
    taken.insert(name.clone());
    (name, true)
}

/// Where a label names the network that a container is reached on: the new one.
fn network_label(compiled: &Compiled<'_>, owner: &Owner, at: usize, chosen: &str, several: bool) -> Vec<Edit> {
    let Some(candidate) = compiled.context.candidates.get(at) else { return Vec::new() };
    let keys = ["traefik.docker.network", "traefik.swarm.network"];
    // A network of the project's own goes by its key too.
    let network = compiled.context.inventory.network_named(chosen);
    let key = own_key(network, owner);
    let stale = candidate.labels.labels.iter().filter(|(label, value)| {
        let means_it = value.as_str() == chosen || Some(value.as_str()) == key;
        keys.iter().any(|known| known.eq_ignore_ascii_case(label)) && !value.is_empty() && !means_it
    });
    let is_there = |wanted: &str| candidate.labels.labels.keys().any(|label| label.eq_ignore_ascii_case(wanted));
    let missing = several && !keys.iter().any(|key| is_there(key));
    let missing = missing.then(|| keys.first().map(|key| (*key).to_owned())).flatten();
    stale
        .map(|(key, _)| key.clone())
        .chain(missing)
        .map(|key| {
            let change = Change::Label { key, value: chosen.to_owned() };
            Edit::service(owner, &compiled.service(at), change)
        })
        .collect()
}
