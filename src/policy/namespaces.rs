//! Where a container's packets can go, and with whom it shares a namespace.
//!
//! Its effective network namespace and every network that leads out of it; and its group: the containers that share a
//! network, process or IPC namespace with it, whose powers are its own.
//!
//! A container's own `Networks` are not the whole truth: it may ride in another container's namespace, the engine may
//! have given it a leg on `docker_gwbridge` that its inspection does not show, and `Internal: true` means nothing on a
//! macvlan. See `docs/isolation.md`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::inventory::{Attachment, Container, Engine, Inventory, Network, NetworkId, Unreadable};

/// How long a chain of `network_mode: container:` may be.
const DEEPEST: usize = 4;

/// The namespaces of all containers, and who is on which network.
///
/// Containers and networks are known by their places in the inventory, in the order of their ids: to find one of many by
/// its id costs more than most of what is asked of it.
#[derive(Clone, Debug, Default)]
pub struct Namespaces<'a> {
    by_container: Vec<Namespace<'a>>,
    /// One for each network: its wall, and who is on it.
    places: Vec<Place<'a>>,
    /// How the networks' ids begin, which tells most of them apart; close together, for a look-up among many.
    heads: Vec<u64>,
    by_name: BTreeMap<&'a str, usize>,
    groups: Groups,
    /// Containers that could not be read and run, or may: by the place of the one whose namespace they name, or of one of
    /// its group.
    unread: BTreeMap<usize, (&'a Unreadable, Shared)>,
    /// The first of those on each network, by its place.
    unread_on: BTreeMap<usize, &'a Unreadable>,
}

/// The containers that share namespaces, by their places. All empty where nobody names another.
#[derive(Clone, Debug, Default)]
struct Groups {
    /// One for each container: the group that it is in.
    of: Vec<Option<usize>>,
    /// The first container of each group, live or not.
    first: Vec<usize>,
    /// The live containers of each group, in the order of the inventory.
    members: Vec<Vec<usize>>,
    /// The first of them with a way out of its own.
    way_out: Vec<Option<usize>>,
    /// One for each container: whose network, processes and memory its settings name.
    joined: Vec<[Option<usize>; 3]>,
}

/// A namespace that containers can share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shared {
    /// `network_mode: container:x`.
    Network,
    /// `pid: container:x`.
    Processes,
    /// `ipc: container:x`, or both `ipc: host`.
    Memory,
}

impl Shared {
    const ALL: [Self; 3] = [Self::Network, Self::Processes, Self::Memory];

    /// What a container that could not be read says of this namespace.
    fn unread(self, container: &Unreadable) -> &str {
        match self {
            Self::Network => &container.network_mode,
            Self::Processes => &container.pid_mode,
            Self::Memory => &container.ipc_mode,
        }
    }

    /// What a container says of this namespace.
    fn mode(self, container: &Container) -> &str {
        match self {
            Self::Network => &container.network_mode,
            Self::Processes => &container.confinement.pid_mode,
            Self::Memory => &container.confinement.ipc_mode,
        }
    }
}

#[derive(Clone, Debug)]
struct Place<'a> {
    id: &'a NetworkId,
    network: &'a Network,
    wall: Result<(), WayOut>,
    members: Vec<Member<'a>>,
}

/// A live container on a network.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The container as the engine described it.
    pub container: &'a Container,
    /// Its place in the order of the inventory's containers.
    pub at: usize,
    /// Its place on the network; that of the container whose namespace it uses, if it has none of its own.
    pub attachment: &'a Attachment,
    /// It has a way out, of its own or through one that it shares a namespace with.
    pub way_out: bool,
}

/// The effective network namespace of one container.
#[derive(Clone, Debug, Default)]
pub struct Namespace<'a> {
    /// The containers whose namespace it uses, nearest first; the last one owns it. Empty: it has its own.
    pub through: Vec<&'a Container>,
    /// Why its namespace is not the one its `network_mode` names any more, or cannot be found.
    pub broken: Option<Broken>,
    /// A process or IPC namespace that it names and that is nobody's that is known, and how it names it.
    pub lost: Option<(Shared, &'a str)>,
    /// Every way that leads out of the namespace, in the order of the networks' names.
    pub edges: Vec<Edge<'a>>,
}

/// One way that leads out of a namespace.
#[derive(Clone, Debug)]
pub struct Edge<'a> {
    /// The network's name as the container knows it.
    pub name: &'a str,
    /// The network, if the engine told us of it.
    pub network: Option<&'a Network>,
    /// Its place among the inventory's networks.
    pub place: Option<usize>,
    /// The place on it; none for a hidden leg and for the host's own stack.
    pub attachment: Option<&'a Attachment>,
    /// Whether it leads out.
    pub wall: Result<(), WayOut>,
}

/// Why a network is not *verified internal*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WayOut {
    /// No network at all: the host's own stack.
    Host,
    /// The engine's default bridge, `docker0`.
    DefaultBridge,
    /// It says itself that it is not internal.
    NotInternal,
    /// macvlan or ipvlan on a parent interface: on the parent's wire, whatever `internal` says.
    Parent,
    /// A driver whose `internal` means nothing known.
    Driver,
    /// Swarm's ingress, or a service published through it: comes with a default route over `docker_gwbridge`.
    Ingress,
    /// A hidden leg on `docker_gwbridge`.
    Gateway,
    /// On an overlay, and who has a hidden leg on `docker_gwbridge` could not be read.
    GatewayUnknown,
    /// Internal, but with IPv6 on an engine that puts no IPv6 firewall before it, or may not.
    Ipv6,
    /// The engine told us nothing of this network.
    Unknown,
}

/// Why the namespace that a container names is not the one it runs in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// The container it names does not exist.
    Gone(String),
    /// The container it names is not running.
    Stopped(String),
    /// The container it names was started after it: it still runs in the old one's empty namespace.
    Restarted(String),
    /// Which of the two was started first cannot be told.
    Undated(String),
    /// The chain goes in a circle, or is longer than four.
    TooDeep,
}

impl<'a> Namespaces<'a> {
    /// Resolves every container of `inventory`.
    pub fn of(inventory: &'a Inventory) -> Self {
        let place = |(id, network)| {
            let wall = verified_internal(network, &inventory.engine);
            Place { id, network, wall, members: Vec::new() }
        };
        let places = inventory.networks.iter().map(place).collect();
        let heads = inventory.networks.keys().map(|id| head(id.as_str())).collect();
        let by_name = named(inventory);
        let mut all = Self { places, heads, by_name, ..Self::default() };
        let names = |container: &Container| Shared::ALL.iter().any(|shared| joins(shared.mode(container)).is_some());
        let known = if !inventory.unreadable.is_empty() || inventory.containers.values().any(|it| names(it)) {
            Known::of(inventory)
        } else {
            Known::default()
        };
        let mut namespaces: Vec<Namespace<'_>> = Vec::with_capacity(inventory.containers.len());
        for container in inventory.containers.values() {
            let (through, broken) = chain(container, inventory, &known);
            let owner = through.last().copied().unwrap_or(container);
            let edges = if broken.is_some() { Vec::new() } else { all.edges(owner, container, inventory) };
            let lost = lost(container, inventory, &known);
            namespaces.push(Namespace { through, broken, lost, edges });
        }
        all.groups = Groups::of(inventory, &known, &namespaces);
        for container in inventory.unreadable.values().filter(|container| lives(&container.state)) {
            for shared in Shared::ALL {
                let named = joins(shared.unread(container)).and_then(|reference| known.find(reference, inventory));
                let Some((at, _)) = named else { continue };
                all.unread.insert(all.known_by(at), (container, shared));
            }
            for place in container.attachments.values().filter_map(|on| all.place_of(on)).collect::<Vec<_>>() {
                all.unread_on.entry(place).or_insert(container);
            }
        }
        for (at, (container, namespace)) in inventory.containers.values().zip(&namespaces).enumerate() {
            if is_alive(container) {
                let way_out = namespace.has_way_out() || all.groups.way_out(at).is_some();
                all.enter(at, container, namespace, way_out);
            }
        }
        all.by_container = namespaces;
        all
    }

    /// Puts a container on its networks.
    fn enter(&mut self, at: usize, container: &'a Container, namespace: &Namespace<'a>, way_out: bool) {
        for edge in &namespace.edges {
            if let (Some(place), Some(attachment)) = (edge.place, edge.attachment)
                && let Some(place) = self.places.get_mut(place)
            {
                place.members.push(Member { container, at, attachment, way_out });
            }
        }
    }

    /// All namespaces, in the order of the inventory's containers.
    pub fn iter(&self) -> impl Iterator<Item = &Namespace<'a>> {
        self.by_container.iter()
    }

    /// The namespace of a container, by its place.
    pub fn get(&self, at: usize) -> Option<&Namespace<'a>> {
        self.by_container.get(at)
    }

    /// The live containers on a network, by its place, in the order of the inventory; those that ride in a member's
    /// namespace among them.
    pub fn members(&self, place: usize) -> &[Member<'a>] {
        self.places.get(place).map_or(&[], |place| place.members.as_slice())
    }

    /// The groups of containers that share namespaces, directly or through others: the places of the live ones.
    pub fn groups(&self) -> impl Iterator<Item = &[usize]> {
        self.groups.members.iter().map(Vec::as_slice)
    }

    /// The live containers that share a namespace with one, directly or through others, by their places; itself not among
    /// them.
    pub fn mates(&self, at: usize) -> impl Iterator<Item = usize> {
        let group = self.group_of(at).and_then(|group| self.groups.members.get(group));
        group.into_iter().flatten().copied().filter(move |other| *other != at)
    }

    /// Which of the groups a container is in, by its place.
    pub fn group_of(&self, at: usize) -> Option<usize> {
        self.groups.of.get(at).copied().flatten()
    }

    /// The container by which one has a way out, by their places: itself, or a live one of its group.
    pub fn leaves_by(&self, at: usize) -> Option<usize> {
        let own = self.get(at).is_some_and(Namespace::has_way_out);
        if own { Some(at) } else { self.groups.way_out(at) }
    }

    /// The namespace by which one container of a group names another, or is named by it. `None`: they share through
    /// others.
    pub fn shared(&self, one: usize, other: usize) -> Option<Shared> {
        let names = |one: usize, other: usize| {
            let joined = self.groups.joined.get(one)?;
            Shared::ALL.into_iter().zip(joined).find_map(|(shared, at)| (*at == Some(other)).then_some(shared))
        };
        names(one, other).or_else(|| names(other, one))
    }

    /// A container that could not be read, and that shares a namespace with one, by its place, or with its group; and
    /// which it names there.
    pub fn unread(&self, at: usize) -> Option<(&'a Unreadable, Shared)> {
        self.unread.get(&self.known_by(at)).copied()
    }

    /// A container that could not be read, runs or may, and is on a network, by its place.
    pub fn unread_on(&self, place: usize) -> Option<&'a Unreadable> {
        self.unread_on.get(&place).copied()
    }

    /// The place that a container's group is known by; its own, if it is in none.
    fn known_by(&self, at: usize) -> usize {
        self.groups.of.get(at).copied().flatten().and_then(|group| self.groups.first.get(group)).copied().unwrap_or(at)
    }

    /// Whether a network is verified internal, by its place.
    pub fn wall(&self, place: usize) -> Result<(), WayOut> {
        self.places.get(place).map_or(Err(WayOut::Unknown), |place| place.wall)
    }

    /// The place of the network that an attachment names: by id, else, on an engine that writes names for ids, by name.
    fn place_of(&self, attachment: &Attachment) -> Option<usize> {
        let id = &attachment.network_id;
        let wanted = head(id.as_str());
        let first = self.heads.partition_point(|head| *head < wanted);
        let mut alike = self.heads.iter().zip(&self.places).skip(first).take_while(|(head, _)| **head == wanted);
        let found = alike.position(|(_, place)| place.id == id);
        found.map(|after| first + after).or_else(|| {
            let name = if id.as_str().is_empty() { attachment.network.as_str() } else { id.as_str() };
            self.by_name.get(name).copied()
        })
    }

    fn edges(&self, owner: &'a Container, rider: &'a Container, inventory: &'a Inventory) -> Vec<Edge<'a>> {
        let open = |name, wall| Edge { name, network: None, place: None, attachment: None, wall: Err(wall) };
        let mut edges = Vec::with_capacity(owner.attachments.len());
        if owner.network_mode == "host" {
            edges.push(open("host", WayOut::Host));
        }
        // Podman: a network stack of the host's own processes, or a namespace that somebody else made.
        if ["slirp4netns", "pasta", "ns:"].iter().any(|mode| owner.network_mode.starts_with(mode)) {
            edges.push(open(&owner.network_mode, WayOut::Unknown));
        }
        let mut overlay = false;
        for (name, attachment) in &owner.attachments {
            let place = self.place_of(attachment);
            let known = place.and_then(|place| self.places.get(place));
            let network = known.map(|known| known.network);
            match network.map(|network| network.driver.as_str()) {
                // `none` has no wire, `host` is no network of its own.
                Some("null") => continue,
                Some("host") if owner.network_mode == "host" => continue,
                None if name == "none" && owner.network_mode == "none" => continue,
                None if name == "host" && owner.network_mode == "host" => continue,
                Some("overlay") => overlay = true,
                _ => {}
            }
            let wall = known.map_or(Err(WayOut::Unknown), |known| known.wall);
            edges.push(Edge { name, network, place, attachment: Some(attachment), wall });
        }
        let service = owner.swarm.as_ref().or(rider.swarm.as_ref());
        if service.is_some_and(|service| service.publish_modes.contains("ingress")) {
            edges.push(open("ingress", WayOut::Ingress));
        }
        match &inventory.engine.gwbridge_members {
            Some(members)
                if of_task(owner).is_some_and(|id| members.contains(id)) || members.contains(owner.id.as_str()) =>
            {
                edges.push(open("docker_gwbridge", WayOut::Gateway));
            }
            None if overlay && owner.swarm.is_none() && self.by_name.contains_key("docker_gwbridge") => {
                edges.push(open("docker_gwbridge", WayOut::GatewayUnknown));
            }
            _ => {}
        }
        edges
    }
}

impl<'a> Namespace<'a> {
    /// The edges that lead out.
    pub fn ways_out(&self) -> impl Iterator<Item = (&Edge<'a>, WayOut)> {
        self.edges.iter().filter_map(|edge| edge.wall.err().map(|way_out| (edge, way_out)))
    }

    /// Whether any edge leads out.
    pub fn has_way_out(&self) -> bool {
        self.ways_out().next().is_some()
    }

    /// Whether it has more than one wire, so that its kernel may forward between them.
    pub fn is_multi_homed(&self) -> bool {
        self.edges.len() > 1
    }

    /// Whether it is the host's own.
    pub fn is_host(&self) -> bool {
        self.ways_out().any(|(_, way_out)| way_out == WayOut::Host)
    }
}

/// Whether `internal` on this network keeps its containers from the outside, as far as the API can tell.
///
/// Driver `bridge`, internal, and no IPv6 or an engine that puts `ip6tables` before it by default (Docker 27 and later); or
/// driver `overlay`, internal and not the ingress. Everything else leads out, or may. What Podman's `internal` is worth for
/// IPv4 depends on who is on the network: NET-028.
/// Source: moby `daemon/libnetwork/drivers/{bridge,macvlan,overlay}`.
pub fn verified_internal(network: &Network, engine: &Engine) -> Result<(), WayOut> {
    match network.driver.as_str() {
        "bridge" if network.name == "bridge" => Err(WayOut::DefaultBridge),
        "bridge" if !network.internal => Err(WayOut::NotInternal),
        // Podman then makes nothing but the wires: the bridge, what it forwards and its addresses are somebody else's.
        "bridge" if is_podman(engine) && network.options.get("mode").is_some_and(|mode| mode != "managed") => {
            Err(WayOut::Driver)
        }
        "bridge" if network.ipv6 && docker_version(engine).is_none_or(|version| version < (27, 0, 0)) => {
            Err(WayOut::Ipv6)
        }
        "overlay" if network.ingress => Err(WayOut::Ingress),
        "overlay" if !network.internal => Err(WayOut::NotInternal),
        "bridge" | "overlay" => Ok(()),
        "host" => Err(WayOut::Host),
        // Without a parent the driver makes a dummy link, which it names `dm-…` or `di-…`.
        "macvlan" | "ipvlan" => match network.options.get("parent").map(String::as_str) {
            Some(parent) if !parent.is_empty() && !parent.starts_with("dm-") && !parent.starts_with("di-") => {
                Err(WayOut::Parent)
            }
            _ => Err(WayOut::Driver),
        },
        _ => Err(WayOut::Driver),
    }
}

/// Whether an engine is Podman.
pub fn is_podman(engine: &Engine) -> bool {
    engine.product.contains("Podman")
}

/// The version of a Docker engine, or `None` if it is another engine or does not say.
pub fn docker_version(engine: &Engine) -> Option<(u32, u32, u32)> {
    if !matches!(engine.product.as_str(), "Engine" | "") {
        return None;
    }
    let mut numbers = engine.version.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
    let major = numbers.next()?.ok()?;
    let mut next = || numbers.next().and_then(Result::ok).unwrap_or(0);
    Some((major, next(), next()))
}

/// Whether it has a process that could send something. An unknown state counts.
pub fn is_alive(container: &Container) -> bool {
    lives(&container.state)
}

fn lives(state: &str) -> bool {
    !matches!(state, "created" | "exited" | "dead" | "removing" | "configured" | "stopped")
}

/// The id of a Swarm task's container.
fn of_task(container: &Container) -> Option<&str> {
    Some(container.swarm.as_ref()?.container.as_ref()?.as_str())
}

/// The first eight bytes of an id, in an order that is theirs.
fn head(id: &str) -> u64 {
    let mut head = [0; 8];
    head.iter_mut().zip(id.bytes()).for_each(|(to, from)| *to = from);
    u64::from_be_bytes(head)
}

/// The places of the networks, by their names.
fn named(inventory: &Inventory) -> BTreeMap<&str, usize> {
    // Docker allows several of one name; the first by id is taken, as `Inventory::network_named` does.
    inventory.networks.values().enumerate().rev().map(|(at, network)| (network.name.as_str(), at)).collect()
}

/// The container that a mode names, if it names one. The engine takes a name with its slash as well.
fn joins(mode: &str) -> Option<&str> {
    mode.strip_prefix("container:").map(|reference| reference.strip_prefix('/').unwrap_or(reference))
}

/// The process or IPC namespace of a container that is not its own, nor that of a container that is known.
fn lost<'a>(container: &'a Container, inventory: &'a Inventory, known: &Known<'a>) -> Option<(Shared, &'a str)> {
    [Shared::Processes, Shared::Memory].into_iter().find_map(|shared| {
        let mode = shared.mode(container);
        let is_lost = match joins(mode) {
            Some(reference) => known.find(reference, inventory).is_none(),
            // Podman: by its path.
            None => mode.starts_with("ns:"),
        };
        is_lost.then_some((shared, mode))
    })
}

/// Containers by what others may call them, with their places.
#[derive(Debug, Default)]
struct Known<'a> {
    by_id: BTreeMap<&'a str, (usize, &'a Container)>,
    by_name: BTreeMap<&'a str, (usize, &'a Container)>,
}

impl<'a> Known<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let all = || inventory.containers.values().map(Arc::as_ref).enumerate();
        Self {
            by_id: all().map(|(at, container)| (container.id.as_str(), (at, container))).collect(),
            by_name: all().map(|(at, container)| (container.name.as_str(), (at, container))).collect(),
        }
    }

    /// Nobody names another.
    fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    fn find(&self, reference: &str, inventory: &Inventory) -> Option<(usize, &'a Container)> {
        let short = || self.by_id.get(inventory.with_short_id(reference)?.id.as_str());
        self.by_id.get(reference).or_else(|| self.by_name.get(reference)).or_else(short).copied()
    }
}

impl Groups {
    /// In nearly linear time: sets that are joined, each known by one of its members.
    fn of(inventory: &Inventory, known: &Known<'_>, namespaces: &[Namespace<'_>]) -> Self {
        let shares_memory = |container: &Container| container.confinement.ipc_mode == "host";
        if known.is_empty() && !inventory.containers.values().any(|it| shares_memory(it)) {
            return Self::default();
        }
        let joined: Vec<[Option<usize>; 3]> = inventory
            .containers
            .values()
            .map(|container| {
                Shared::ALL.map(|shared| {
                    let reference = joins(shared.mode(container))?;
                    known.find(reference, inventory).map(|(at, _)| at)
                })
            })
            .collect();
        let mut parents: Vec<usize> = (0..joined.len()).collect();
        let root = |parents: &mut Vec<usize>, mut at: usize| {
            while let Some(parent) = parents.get(at).copied().filter(|parent| *parent != at) {
                let above = parents.get(parent).copied().unwrap_or(parent);
                parents.get_mut(at).into_iter().for_each(|it| *it = above);
                at = above;
            }
            at
        };
        let mut unite = |one: usize, other: usize| {
            let (one, other) = (root(&mut parents, one), root(&mut parents, other));
            parents.get_mut(one.max(other)).into_iter().for_each(|it| *it = one.min(other));
        };
        let mut hosts_memory = None;
        for (at, (container, joined)) in inventory.containers.values().zip(&joined).enumerate() {
            joined.iter().flatten().for_each(|other| unite(at, *other));
            if shares_memory(container) {
                unite(at, *hosts_memory.get_or_insert(at));
            }
        }
        // The places of one set are numbered by its root, which is its first.
        let mut live: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
        let roots: Vec<usize> = (0..joined.len()).map(|at| root(&mut parents, at)).collect();
        for (at, (container, set)) in inventory.containers.values().zip(&roots).enumerate() {
            *sizes.entry(*set).or_default() += 1;
            if is_alive(container) {
                live.entry(*set).or_default().push(at);
            }
        }
        sizes.retain(|_, size| *size > 1);
        if sizes.is_empty() {
            return Self::default();
        }
        let numbers: BTreeMap<usize, usize> = sizes.keys().enumerate().map(|(number, set)| (*set, number)).collect();
        let of = roots.iter().map(|set| numbers.get(set).copied()).collect();
        let members: Vec<Vec<usize>> = sizes.keys().map(|set| live.remove(set).unwrap_or_default()).collect();
        let leaves = |at: &usize| namespaces.get(*at).is_some_and(Namespace::has_way_out);
        let way_out = members.iter().map(|group| group.iter().copied().find(leaves)).collect();
        Self { of, first: sizes.into_keys().collect(), members, way_out, joined }
    }

    fn way_out(&self, at: usize) -> Option<usize> {
        let group = self.of.get(at).copied().flatten()?;
        self.way_out.get(group).copied().flatten()
    }
}

fn chain<'a>(
    rider: &'a Container,
    inventory: &'a Inventory,
    known: &Known<'a>,
) -> (Vec<&'a Container>, Option<Broken>) {
    let mut through: Vec<&Container> = Vec::new();
    let mut last = rider;
    while let Some(reference) = joins(&last.network_mode) {
        if through.len() == DEEPEST {
            return (through, Some(Broken::TooDeep));
        }
        let Some((_, next)) = known.find(reference, inventory) else {
            return (through, Some(Broken::Gone(reference.to_owned())));
        };
        through.push(next);
        if let Some(broken) = orphaned(last, next) {
            return (through, Some(broken));
        }
        last = next;
    }
    (through, None)
}

/// Whether `rider` runs in a namespace that `owner` does not have any more.
fn orphaned(rider: &Container, owner: &Container) -> Option<Broken> {
    if !is_alive(rider) {
        return None;
    }
    let name = || owner.name.clone();
    if !is_alive(owner) {
        return Some(Broken::Stopped(name()));
    }
    if rider.started_at.is_empty() && owner.started_at.is_empty() {
        return None;
    }
    match (moment(&rider.started_at), moment(&owner.started_at)) {
        (Some(rider), Some(owner)) => (rider.cmp(&owner) == Ordering::Less).then(|| Broken::Restarted(name())),
        _ => Some(Broken::Undated(name())),
    }
}

/// A moment as the engine writes it.
///
/// Two such times do not compare as text: Go drops trailing zeros (`06.12Z` is before `06.123Z`), Podman writes offsets.
fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(driver: &str, internal: bool) -> Network {
        Network { name: "n".into(), driver: driver.into(), internal, ..Network::default() }
    }

    fn engine(product: &str, version: &str) -> Engine {
        Engine { product: product.into(), version: version.into(), ..Engine::default() }
    }

    #[test]
    fn podman_keeps_nobody_in_on_a_bridge_that_it_does_not_manage() {
        let podman = Engine { product: "Podman Engine".to_owned(), ..Engine::default() };
        for (mode, wanted) in [("managed", Ok(())), ("unmanaged", Err(WayOut::Driver)), ("odd", Err(WayOut::Driver))] {
            let mut network = Network { driver: "bridge".to_owned(), internal: true, ..Network::default() };
            network.options.insert("mode".to_owned(), mode.to_owned());
            assert_eq!(verified_internal(&network, &podman), wanted, "{mode}");
            // Docker's bridge has no such option.
            let docker = Engine { product: "Engine".to_owned(), version: "28.5.2".to_owned(), ..Engine::default() };
            assert_eq!(verified_internal(&network, &docker), Ok(()), "{mode}");
        }
    }

    #[test]
    fn only_internal_bridges_and_overlays_are_verified() {
        let docker = engine("Engine", "29.1.0");
        let with = |base: Network, change: &dyn Fn(&mut Network)| {
            let mut network = base;
            change(&mut network);
            network
        };
        let parent = |parent: &str| {
            let parent = parent.to_owned();
            move |network: &mut Network| drop(network.options.insert("parent".into(), parent.clone()))
        };
        for (network, wanted) in [
            (network("bridge", true), Ok(())),
            (network("overlay", true), Ok(())),
            (network("bridge", false), Err(WayOut::NotInternal)),
            (network("overlay", false), Err(WayOut::NotInternal)),
            (with(network("overlay", true), &|n| n.ingress = true), Err(WayOut::Ingress)),
            (with(network("bridge", true), &|n| n.name = "bridge".into()), Err(WayOut::DefaultBridge)),
            (with(network("macvlan", true), &parent("eth0")), Err(WayOut::Parent)),
            (with(network("ipvlan", true), &parent("eth0.10")), Err(WayOut::Parent)),
            (with(network("macvlan", true), &parent("dm-1234")), Err(WayOut::Driver)),
            (network("macvlan", true), Err(WayOut::Driver)),
            (network("weave", true), Err(WayOut::Driver)),
            (network("", true), Err(WayOut::Driver)),
        ] {
            assert_eq!(verified_internal(&network, &docker), wanted, "{network:?}");
        }
    }

    #[test]
    fn ipv6_needs_an_engine_that_filters_it() {
        let mut dual = network("bridge", true);
        dual.ipv6 = true;
        for (product, version, wanted) in [
            ("Engine", "27.0.1", Ok(())),
            ("Engine", "28.0.0-rc.1", Ok(())),
            ("Engine", "26.1.4", Err(WayOut::Ipv6)),
            ("Engine", "20.10.24+dfsg1", Err(WayOut::Ipv6)),
            ("Engine", "", Err(WayOut::Ipv6)),
            ("Engine", "dev", Err(WayOut::Ipv6)),
            ("Podman Engine", "30.0.0", Err(WayOut::Ipv6)),
        ] {
            assert_eq!(verified_internal(&dual, &engine(product, version)), wanted, "{product} {version}");
        }
    }

    #[test]
    fn moments_compare_whatever_their_form() {
        let order = |a: &str, b: &str| moment(a).unwrap().cmp(&moment(b).unwrap());
        assert_eq!(order("2026-11-24T03:42:06.12Z", "2026-11-24T03:42:06.123Z"), Ordering::Less);
        assert_eq!(order("2026-11-24T03:42:06Z", "2026-11-24T03:42:05.999999999Z"), Ordering::Greater);
        assert_eq!(order("2026-11-24T03:42:06Z", "2026-11-24T05:42:06+02:00"), Ordering::Equal);
        assert_eq!(order("2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z"), Ordering::Less);
        for bad in ["", "soon", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "99999999999999999999-01-01T00:00:00Z"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    /// Containers as `name`, `network_mode`, `started_at`, `state`; the id is the name.
    fn inventory(containers: &[(&str, &str, &str, &str)]) -> Inventory {
        let mut inventory = Inventory { engine: engine("Engine", "29.1.0"), ..Inventory::default() };
        for (driver, name, internal) in [("bridge", "inside", true), ("bridge", "outside", false)] {
            let network = Network { id: name.into(), name: name.into(), ..network(driver, internal) };
            inventory.networks.insert(network.id.clone(), network);
        }
        for (name, mode, started, state) in containers {
            let mut container = Container {
                id: (*name).into(),
                name: (*name).to_owned(),
                network_mode: (*mode).to_owned(),
                started_at: (*started).to_owned(),
                state: (*state).to_owned(),
                ..Container::default()
            };
            if !mode.contains(':') {
                let attachment =
                    Attachment { network: (*mode).to_owned(), network_id: (*mode).into(), ..Attachment::default() };
                container.attachments.insert((*mode).to_owned(), attachment.into());
            }
            inventory.put(container);
        }
        inventory
    }

    /// The place of the network `inside`, the first by id.
    const INSIDE: usize = 0;

    fn of<'n, 'a>(namespaces: &'n Namespaces<'a>, inventory: &Inventory, name: &str) -> &'n Namespace<'a> {
        namespaces.get(inventory.containers.keys().position(|id| id.as_str() == name).unwrap()).unwrap()
    }

    #[test]
    fn a_rider_has_its_owners_ways_out() {
        let early = "2026-11-24T03:00:00Z";
        let late = "2026-11-24T04:00:00Z";
        let inventory = inventory(&[
            ("vpn", "outside", early, "running"),
            ("rider", "container:vpn", late, "running"),
            ("deep", "container:rider", late, "running"),
            ("orphan", "container:vpn", "2026-11-24T02:00:00Z", "running"),
            ("lost", "container:nobody", late, "running"),
            ("circle", "container:circle", late, "running"),
            ("db", "inside", early, "running"),
            ("side", "container:db", late, "running"),
            ("off", "inside", early, "exited"),
            ("onoff", "container:off", late, "running"),
            ("hosted", "host", early, "running"),
            ("alone", "none", early, "running"),
        ]);
        let namespaces = Namespaces::of(&inventory);
        let of = |name: &str| of(&namespaces, &inventory, name);
        let way_out = |name: &str| of(name).has_way_out();
        let broken = |name: &str| of(name).broken.clone();
        assert!(way_out("vpn") && way_out("rider") && way_out("deep") && way_out("hosted"));
        assert!(!way_out("db") && !way_out("side") && !way_out("alone"));
        assert_eq!(broken("orphan"), Some(Broken::Restarted("vpn".into())));
        assert_eq!(broken("lost"), Some(Broken::Gone("nobody".into())));
        assert_eq!(broken("circle"), Some(Broken::TooDeep));
        assert_eq!(broken("onoff"), Some(Broken::Stopped("off".into())));
        let members: Vec<&str> =
            namespaces.members(INSIDE).iter().map(|member| member.container.name.as_str()).collect();
        assert_eq!(members, ["db", "side"]);
    }

    #[test]
    fn hidden_legs_are_ways_out() {
        let mut inventory = inventory(&[("task", "over", "", ""), ("other", "over", "", "")]);
        let over = Network { id: "over".into(), name: "over".into(), ..network("overlay", true) };
        inventory.networks.insert(over.id.clone(), over);
        inventory.engine.gwbridge_members = Some(["task".to_owned()].into());
        {
            let namespaces = Namespaces::of(&inventory);
            let way_out = |name: &str| of(&namespaces, &inventory, name).has_way_out();
            assert!(way_out("task") && !way_out("other"));
        }
        // The bridge is there, its members could not be read: nobody on an overlay is clean.
        inventory.engine.gwbridge_members = None;
        assert!(!of(&Namespaces::of(&inventory), &inventory, "other").has_way_out());
        let bridge = Network { id: "gw".into(), name: "docker_gwbridge".into(), ..network("bridge", false) };
        inventory.networks.insert(bridge.id.clone(), bridge);
        assert!(of(&Namespaces::of(&inventory), &inventory, "other").has_way_out());
    }

    #[test]
    fn an_unknown_network_is_a_way_out() {
        let inventory = inventory(&[("app", "gone", "", "")]);
        let namespaces = Namespaces::of(&inventory);
        let ways: Vec<WayOut> = of(&namespaces, &inventory, "app").ways_out().map(|(_, way)| way).collect();
        assert_eq!(ways, [WayOut::Unknown]);
    }
}
