//! The topology as a picture: SVG in fixed columns, from the Internet on the left to private networks on the right; and the
//! same boxes and lines as a list, for a screen that has room for one column.
//!
//! ```text
//! Internet | Traefik, egress | networks with Traefik | applications | private networks, with the services on them
//! ```
//!
//! What has a way out past Traefik has a line of its own to the Internet. A line is as bad as the worst that it stands for,
//! so that what is drawn together hides nothing. Above [`MOST_ALONE`] containers a project is one box; of each column the
//! worst are drawn, and one box that stands for the rest.
//!
//! Pure: the same topology is the same picture. Colours, fonts and dashes are in `page.css`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::page::link;
use super::table::counted;
use super::topology::{ContainerNode, NetworkNode, NetworkRole, Role, State, Topology, class, is_door};
use super::visible::short;
use super::words::page::{PICTURE, mark, outcome, role, state as words};
use crate::inventory::{ContainerId, NetworkId};
use crate::plan::Outcome;
use crate::policy::outbound::Allowance;

/// With more containers than this each project is one box.
pub const MOST_ALONE: usize = 40;
/// The most boxes in one column …
const MOST_BOXES: usize = 48;
/// … and where projects are boxes.
const MOST_PROJECTS: usize = 20;
/// The most lines of text in one box, below its heading.
const MOST_LINES: usize = 6;
/// The most letters of a name.
const LONGEST_NAME: usize = 24;
/// The most letters of a name where it is read out.
const LONGEST_TOLD: usize = 80;
/// The most boxes of one column that a list shows before it is opened.
const MOST_LISTED: usize = 8;
/// The most networks that are read out for one box.
const MOST_TOLD: usize = 6;

/// Boxes stand on a grid of this height, so that lines to the Internet run between them.
const PITCH: usize = 74;
const HEIGHT: usize = 44;
const TOP: usize = 46;
const LINE: usize = 17;
/// Rows from the top.
const LOWEST_DOOR: f64 = 3.0;
const WIDTH: usize = 1160;

/// The columns, with where they begin and how wide they are.
const COLUMNS: [(Column, usize, usize, &str); 5] = [
    (Column::Internet, 6, 64, "Outside"),
    (Column::Doors, 150, 168, "Traefik"),
    (Column::Between, 392, 196, "Proxy networks"),
    (Column::Containers, 662, 210, "Applications"),
    (Column::Private, 946, 208, "Private networks"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Internet,
    Doors,
    Between,
    Containers,
    Private,
}

impl Column {
    fn place(self) -> (usize, usize) {
        COLUMNS.iter().find(|(column, ..)| *column == self).map_or((0, 0), |(_, at, width, _)| (*at, *width))
    }
}

/// What a box stands for. One key, one box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Internet,
    Container(&'a ContainerId),
    Network(&'a NetworkId),
    Project(&'a str),
    /// The private networks of one project.
    NetworksOf(&'a str),
    Leeward,
    /// All that there is no room for.
    Rest(Column),
}

/// A box.
#[derive(Clone, Debug)]
struct Node<'a> {
    column: Column,
    title: String,
    /// Below the title, where it does not follow from the numbers.
    about: String,
    href: Option<String>,
    state: State,
    /// The project that it is drawn with.
    band: &'a str,
    /// Its services, or the names that it lets through, with their states; the first few.
    lines: Vec<(State, String)>,
    /// How many boxes it stands for, and what is in them.
    boxes: usize,
    containers: usize,
    refused: usize,
    row: usize,
}

impl<'a> Node<'a> {
    fn new(column: Column, title: impl Into<String>, state: State) -> Self {
        Self {
            column,
            title: title.into(),
            about: String::new(),
            href: None,
            state,
            band: "",
            lines: Vec::new(),
            boxes: 1,
            containers: 0,
            refused: 0,
            row: 0,
        }
    }

    /// Takes in a container that it stands for.
    fn count(&mut self, container: &ContainerNode<'a>) {
        self.containers += 1;
        self.refused += usize::from(container.outcome == Outcome::Refused);
        self.state = self.state.max(container.state);
    }

    fn line(&mut self, state: State, text: &str) {
        if self.lines.len() < MOST_LINES {
            self.lines.push((state, short(text, LONGEST_NAME)));
        }
    }

    fn height(&self) -> usize {
        HEIGHT + LINE * self.lines.len()
    }

    fn top(&self) -> usize {
        TOP + self.row * PITCH
    }

    /// Where lines reach it.
    fn middle(&self) -> usize {
        self.top() + HEIGHT / 2
    }

    /// The worst first.
    fn weight(&self) -> Reverse<(State, usize)> {
        Reverse((self.state, self.refused))
    }

    /// What stands below its title.
    fn about(&self) -> String {
        if !self.about.is_empty() || self.containers == 0 {
            return self.about.clone();
        }
        let refused = if self.refused > 0 { format!(", {} refused", self.refused) } else { String::new() };
        format!("{}{refused}, {}", counted(self.containers, "container"), words(self.state))
    }
}

/// Boxes, and lines between them, each with the networks that it is by.
#[derive(Debug, Default)]
struct Scene<'a> {
    is_grouped: bool,
    nodes: BTreeMap<Key<'a>, Node<'a>>,
    edges: BTreeMap<(Key<'a>, Key<'a>), (State, BTreeSet<&'a str>)>,
}

/// A picture, twice: what is shown of it depends on the room there is.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// In five columns.
    pub svg: Markup,
    /// In one: the boxes of each column below each other, each with its lines to the right.
    pub list: Markup,
}

/// The picture of the containers that `shows` takes, and of the networks that they are on. Traefik is always there;
/// networks that nobody but Traefik is on, where it is `is_whole`.
pub fn draw<'a>(
    topology: &'a Topology<'a>,
    outbound: &'a [Allowance],
    is_whole: bool,
    shows: impl Fn(&ContainerNode<'a>) -> bool,
) -> Drawn {
    let mut scene = Scene::of(topology, outbound, is_whole, shows);
    scene.fold();
    scene.place();
    Drawn { svg: scene.svg(), list: scene.list() }
}

impl<'a> Scene<'a> {
    fn of(
        topology: &'a Topology<'a>,
        outbound: &'a [Allowance],
        is_whole: bool,
        shows: impl Fn(&ContainerNode<'a>) -> bool,
    ) -> Self {
        let shown: BTreeMap<&ContainerId, &'a ContainerNode<'a>> =
            topology.containers.iter().filter(|it| is_door(it.role) || shows(it)).map(|it| (it.id, it)).collect();
        let networks: BTreeMap<&NetworkId, &'a NetworkNode<'a>> =
            topology.networks.iter().map(|it| (it.id, it)).collect();
        let links: Vec<(&'a ContainerNode<'a>, Option<&'a NetworkNode<'a>>, State)> = topology
            .links
            .iter()
            .filter_map(|link| {
                let network = link.network.map(|id| networks.get(id).copied());
                Some((*shown.get(link.container)?, network.flatten(), link.state))
            })
            .collect();
        let many = shown.values().filter(|it| matches!(it.role, Role::Application | Role::Private)).count();
        let mut scene = Self { is_grouped: many > MOST_ALONE, ..Self::default() };
        scene.nodes.insert(Key::Internet, Node::new(Column::Internet, "Internet, host", State::Shut));

        // Services that are on private networks alone are named in these; who is on no network reaches nobody.
        let mut inner: BTreeMap<&ContainerId, bool> = BTreeMap::new();
        let mut owners: BTreeMap<&NetworkId, BTreeSet<&str>> = BTreeMap::new();
        for (container, network, _) in &links {
            let is_private = network.is_some_and(|it| it.role == NetworkRole::Private);
            *inner.entry(container.id).or_insert(container.role == Role::Private) &= is_private;
            if let Some(network) = network.filter(|_| !is_door(container.role)) {
                owners.entry(network.id).or_default().insert(&container.owner);
            }
        }
        for container in shown.values() {
            let is_inner = match container.role {
                Role::Application | Role::Traefik | Role::Egress => false,
                Role::Leeward => !inner.contains_key(container.id),
                Role::Private => inner.get(container.id).copied().unwrap_or(true),
            };
            if !is_inner || (scene.is_grouped && container.role == Role::Private && inner.contains_key(container.id)) {
                scene.container(container, outbound);
            }
        }
        for (container, network, state) in links {
            let key = scene.key(container);
            let Some(network) = network.filter(|it| it.role != NetworkRole::Exposed) else {
                scene.join(Key::Internet, key, state, network.map(|it| it.name));
                continue;
            };
            if !is_whole && !owners.contains_key(network.id) {
                continue;
            }
            let its = scene.network(network, owners.get(network.id));
            if network.state > State::Shut {
                scene.join(Key::Internet, its, network.state, Some(network.name));
            }
            if scene.nodes.contains_key(&key) {
                scene.join(key, its, state, Some(network.name));
            } else if let Some(node) = scene.nodes.get_mut(&its) {
                node.count(container);
                node.line(state, container.name);
            }
        }
        scene
    }

    fn key(&self, container: &'a ContainerNode<'a>) -> Key<'a> {
        match container.role {
            Role::Leeward => Key::Leeward,
            Role::Application | Role::Private if self.is_grouped => Key::Project(&container.owner),
            _ => Key::Container(container.id),
        }
    }

    fn container(&mut self, container: &'a ContainerNode<'a>, outbound: &'a [Allowance]) {
        let key = self.key(container);
        let column = if is_door(container.role) { Column::Doors } else { Column::Containers };
        let node = self.nodes.entry(key).or_insert_with(|| {
            let mut node = Node::new(column, "", State::Shut);
            match key {
                Key::Project(owner) => {
                    (node.title, node.href) = (short(owner, LONGEST_NAME), Some(link::project(owner)));
                }
                Key::Leeward => "Leeward".clone_into(&mut node.title),
                _ => {
                    node.title = short(container.name, LONGEST_NAME);
                    node.href = Some(link::container(container.name, container.id));
                    node.band = &container.owner;
                }
            }
            node
        });
        node.count(container);
        match container.role {
            Role::Traefik | Role::Egress => {
                let is_egress = container.role == Role::Egress;
                if is_egress { "lets out by name" } else { "the way in" }.clone_into(&mut node.about);
                node.state = node.state.max(State::TraefiksOwn);
                if node.state > State::TraefiksOwn {
                    node.about = format!("{}, {}", node.about, words(node.state));
                }
                let names = outbound.iter().filter(|it| is_egress && it.egress == container.name && it.holds());
                let names: BTreeSet<String> = names.map(|it| it.target.to_string()).take(1_000).collect();
                for name in names {
                    node.line(State::Shut, &name);
                }
            }
            Role::Application | Role::Private if !self.is_grouped => {
                let allowed = if container.allowed { ", allowed" } else { "" };
                node.about = format!("{}, {}{allowed}", outcome(container.outcome), words(container.state));
            }
            Role::Application | Role::Private | Role::Leeward => {}
        }
    }

    fn network(&mut self, network: &'a NetworkNode<'a>, owners: Option<&BTreeSet<&'a str>>) -> Key<'a> {
        let owner = owners.filter(|it| it.len() == 1).and_then(|it| it.first());
        let key = match owner {
            Some(owner) if self.is_grouped && network.role == NetworkRole::Private => Key::NetworksOf(owner),
            _ => Key::Network(network.id),
        };
        let column = if network.role == NetworkRole::Private { Column::Private } else { Column::Between };
        let node = self.nodes.entry(key).or_insert_with(|| {
            let mut node = Node::new(column, short(network.name, LONGEST_NAME), State::Shut);
            node.about = format!("{}, {}", role(network.role), words(network.state));
            node.href = Some(link::network(network.name, network.id));
            node
        });
        node.state = node.state.max(network.state);
        key
    }

    fn join(&mut self, from: Key<'a>, to: Key<'a>, line: State, by: Option<&'a str>) {
        let (from, to) = if self.column(from) <= self.column(to) { (from, to) } else { (to, from) };
        let (worst, names) = self.edges.entry((from, to)).or_insert((line, BTreeSet::new()));
        *worst = line.max(*worst);
        if names.len() < MOST_TOLD {
            names.extend(by);
        }
    }

    fn column(&self, key: Key<'a>) -> Column {
        self.nodes.get(&key).map_or(Column::Internet, |it| it.column)
    }

    /// Makes one box of those that a column has no room for, and names the boxes of several networks.
    fn fold(&mut self) {
        let mut names: BTreeMap<Key<'a>, BTreeSet<&'a str>> = BTreeMap::new();
        for ((from, to), (_, by)) in &self.edges {
            for key in [from, to] {
                names.entry(*key).or_default().extend(by);
            }
        }
        for (key, node) in &mut self.nodes {
            let of = names.get(key).map_or(0, BTreeSet::len);
            if let Key::NetworksOf(owner) = key
                && of > 1
            {
                node.title = format!("{of}{} networks", if of == MOST_TOLD { " or more" } else { "" });
                node.about = format!("private, {}", words(node.state));
                node.href = Some(link::project(owner));
            }
        }
        // Who has the worst lines is drawn before who has none.
        let mut worst: BTreeMap<Key<'a>, State> = BTreeMap::new();
        for ((from, to), (line, _)) in &self.edges {
            for key in [from, to] {
                let own = worst.entry(*key).or_insert(*line);
                *own = (*own).max(*line);
            }
        }
        let most = if self.is_grouped { MOST_PROJECTS } else { MOST_BOXES };
        let mut folded: BTreeMap<Key<'a>, Key<'a>> = BTreeMap::new();
        for (column, ..) in COLUMNS {
            let mut keys: Vec<Key<'a>> =
                self.nodes.iter().filter(|(_, it)| it.column == column).map(|(key, _)| *key).collect();
            if keys.len() <= most {
                continue;
            }
            keys.sort_by_cached_key(|key| {
                let line = Reverse(worst.get(key).copied());
                self.nodes.get(key).map(|it| (line, it.weight(), it.title.clone()))
            });
            let mut rest = Node { boxes: 0, ..Node::new(column, "", State::Shut) };
            for key in keys.into_iter().skip(most - 1) {
                let Some(node) = self.nodes.remove(&key) else { continue };
                rest.state = rest.state.max(node.state);
                rest.boxes += 1;
                rest.containers += node.containers;
                rest.refused += node.refused;
                folded.insert(key, Key::Rest(column));
            }
            rest.title = format!("and {} more", rest.boxes);
            if rest.containers == 0 {
                words(rest.state).clone_into(&mut rest.about);
            }
            self.nodes.insert(Key::Rest(column), rest);
        }
        if !folded.is_empty() {
            let edges = std::mem::take(&mut self.edges);
            for ((from, to), (line, by)) in edges {
                let [from, to] = [from, to].map(|key| folded.get(&key).copied().unwrap_or(key));
                self.join(from, to, line, None);
                if let Some((_, names)) = self.edges.get_mut(&(from, to)) {
                    names.extend(by.into_iter().take(MOST_TOLD.saturating_sub(names.len())));
                }
            }
        }
    }

    /// Gives each box its row: containers by project, the worst first; everything else beside what it is joined to.
    fn place(&mut self) {
        let mut worst: BTreeMap<&str, Reverse<(State, usize)>> = BTreeMap::new();
        for node in self.nodes.values().filter(|it| it.column == Column::Containers) {
            let own = worst.entry(node.band).or_insert(node.weight());
            *own = node.weight().min(*own);
        }
        let is_last = |key: &Key<'_>| matches!(key, Key::Leeward | Key::Rest(_));
        let mut order: Vec<(Key<'a>, f64)> = Vec::new();
        let mut keys: Vec<Key<'a>> = self.keys(Column::Containers);
        keys.sort_by_cached_key(|key| {
            let node = self.nodes.get(key);
            node.map(|it| (is_last(key), worst.get(it.band).copied(), it.band, it.weight(), it.title.clone()))
        });
        order.extend(keys.into_iter().map(|key| (key, 0.0)));
        self.stack(order);
        for (column, beside) in [
            (Column::Between, Column::Containers),
            (Column::Private, Column::Containers),
            (Column::Doors, Column::Between),
        ] {
            let mut sums: BTreeMap<Key<'a>, (usize, usize)> = BTreeMap::new();
            for (from, to) in self.edges.keys() {
                for (own, other) in [(from, to), (to, from)] {
                    if let Some(node) = self.nodes.get(other).filter(|it| it.column == beside) {
                        let sum = sums.entry(*own).or_default();
                        *sum = (sum.0 + node.row, sum.1 + 1);
                    }
                }
            }
            // The way in is seen without scrolling.
            let lowest = if column == Column::Doors { LOWEST_DOOR } else { 1e5 };
            #[expect(clippy::cast_precision_loss, reason = "some tens of rows")]
            let wanted =
                |key: &Key<'a>| sums.get(key).map_or(1e9, |(rows, of)| (*rows as f64 / *of as f64).min(lowest));
            let mut order: Vec<(Key<'a>, f64)> = self.keys(column).into_iter().map(|key| (key, wanted(&key))).collect();
            order.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
            self.stack(order);
        }
    }

    fn keys(&self, column: Column) -> Vec<Key<'a>> {
        self.nodes.iter().filter(|(_, it)| it.column == column).map(|(key, _)| *key).collect()
    }

    /// Puts boxes of one column below each other, each no higher than it is wanted; those that nothing wants come last.
    fn stack(&mut self, order: Vec<(Key<'a>, f64)>) {
        let mut next = 0;
        for (key, wanted) in order {
            let Some(node) = self.nodes.get_mut(&key) else { continue };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some tens of rows")]
            let wanted = if wanted < 1e6 { wanted.round() as usize } else { 0 };
            node.row = wanted.max(next);
            next = node.row + (node.height() + 8).div_ceil(PITCH);
        }
    }

    fn svg(&self) -> Markup {
        let bottom = self.nodes.values().map(|it| it.top() + it.height()).max().unwrap_or(TOP).max(TOP + HEIGHT);
        let height = bottom + PITCH - HEIGHT;
        // The worst last, on top of the others.
        let mut edges: Vec<_> = self.edges.iter().collect();
        edges.sort_by_key(|(_, (line, _))| *line);
        let used: BTreeSet<Column> = self.nodes.values().map(|it| it.column).collect();
        let mut bands: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for node in self.nodes.values().filter(|it| it.column == Column::Containers && !it.band.is_empty()) {
            let band = bands.entry(node.band).or_insert((node.row, node.row));
            *band = (band.0.min(node.row), band.1.max(node.row));
        }
        html! {
            svg.picture xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (height) } role="group"
                aria-label=(PICTURE) {
                g aria-hidden="true" {
                    @for (column, at, width, title) in COLUMNS {
                        @if used.contains(&column) && column != Column::Internet {
                            text.heading x=(at + width / 2) y="18" text-anchor="middle" { (title) }
                        }
                    }
                    @for (first, last) in bands.values() {
                        @let (at, width) = Column::Containers.place();
                        rect.band x=(at - 10) y=(TOP + first * PITCH - 18) width=(width + 20) rx="10"
                            height=((last - first) * PITCH + HEIGHT + 20) {}
                    }
                    @for ((from, to), (line, by)) in edges {
                        @if let (Some(from), Some(to)) = (self.nodes.get(from), self.nodes.get(to)) {
                            (edge(from, to, *line, by))
                        }
                    }
                    // Names lie on lines, and not below them.
                    @for (owner, (first, _)) in &bands {
                        text.owner x=(Column::Containers.place().0) y=(TOP + first * PITCH - 5) { (short(owner, LONGEST_NAME)) }
                    }
                }
                @for (key, node) in &self.nodes {
                    @if *key == Key::Internet {
                        (internet(node, bottom))
                    } @else {
                        (boxed(node))
                    }
                }
            }
        }
    }
}

impl<'a> Scene<'a> {
    fn list(&self) -> Markup {
        let mut lines: BTreeMap<Key<'a>, BTreeMap<Reverse<State>, Vec<String>>> = BTreeMap::new();
        for ((from, to), (state, by)) in &self.edges {
            let Some(node) = self.nodes.get(to) else { continue };
            let is_told = *from == Key::Internet && !matches!(to, Key::Network(_));
            let by = if is_told { told(by) } else { String::new() };
            let of = lines.entry(*from).or_default().entry(Reverse(*state)).or_default();
            of.push(format!("{}{by}", node.title));
        }
        let mut boxes: Vec<_> = self.nodes.iter().collect();
        boxes.sort_by_key(|(key, it)| (matches!(key, Key::Rest(_)), Reverse(it.state), it.row));
        html! {
            @for (column, _, _, title) in COLUMNS {
                @let own = boxes.iter().filter(|(_, it)| it.column == column).collect::<Vec<_>>();
                @let (first, rest) = own.split_at(own.len().min(MOST_LISTED));
                @if !first.is_empty() {
                    h3 { (title) }
                    ul { @for (key, node) in first { (listed(node, lines.get(key))) } }
                }
                @if !rest.is_empty() {
                    details {
                        summary { (rest.len()) " more" }
                        ul { @for (key, node) in rest { (listed(node, lines.get(key))) } }
                    }
                }
            }
        }
    }
}

/// A box in a list, with the lines that begin at it.
fn listed(node: &Node<'_>, lines: Option<&BTreeMap<Reverse<State>, Vec<String>>>) -> Markup {
    html! {
        li class={ "box " (if node.column == Column::Internet { "outside" } else { class(node.state) }) } {
            @if node.column != Column::Internet { span.mark aria-hidden="true" { (mark(node.state)) } " " }
            @if let Some(href) = &node.href { a href=(href) { (node.title) } } @else { strong { (node.title) } }
            @let about = node.about();
            @if !about.is_empty() { div.quiet { (about) } }
            @for (state, name) in &node.lines {
                div { span class={ "mark " (class(*state)) } aria-hidden="true" { (mark(*state)) } " " (name) }
            }
            @for (Reverse(state), names) in lines.into_iter().flatten() {
                div { (swatch(*state)) " " (words(*state)) ": " (names.join(", ")) }
            }
        }
    }
}

/// What a line looks like.
pub(super) fn swatch(state: State) -> Markup {
    html! { svg.swatch width="46" height="12" aria-hidden="true" { path class={ "edge " (class(state)) } d="M2 6H44" {} } }
}

/// The networks that a line is by.
fn told(by: &BTreeSet<&str>) -> String {
    let names: Vec<String> = by.iter().map(|name| short(name, LONGEST_TOLD)).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

/// A line, and in words what it is.
fn edge(from: &Node<'_>, to: &Node<'_>, line: State, by: &BTreeSet<&str>) -> Markup {
    let told = format!("{} - {}: {}{}", from.title, to.title, words(line), told(by));
    let ((from_at, from_width), (to_at, _)) = (from.column.place(), to.column.place());
    let right = from_at + from_width;
    let words = match line {
        State::TraefiksOwn => by.first().map(|name| short(name, 11)).unwrap_or_default(),
        State::Shut => String::new(),
        State::NotVerifiable | State::WayOut => words(line).to_owned(),
    };
    html! {
        @match (from.column, line) {
            (Column::Internet, State::TraefiksOwn) => {
                path class={ "edge " (class(line)) } d={ "M" (right) " " (to.middle()) "H" (to_at) } { title { (told) } }
                text.label x=(right.midpoint(to_at)) y=(to.middle() - 7) text-anchor="middle" { (words) }
            }
            // Between the rows of boxes, so that it crosses none.
            (Column::Internet, _) => {
                @let lane = to.top() + HEIGHT + match to.column {
                    Column::Internet | Column::Doors | Column::Between => 3,
                    Column::Containers => 7,
                    Column::Private => 11,
                };
                path class={ "edge " (class(line)) }
                    d={ "M" (to_at) " " (to.top() + HEIGHT - 8) "h-12V" (lane) "H" (right + 10) } { title { (told) } }
                path class={ "head " (class(line)) } d={ "M" (right) " " (lane) "l12 -6v12z" } {}
                text class={ "label " (class(line)) } x=(right + 16) y=(lane - 8) { (words) }
            }
            _ => {
                @let middle = right.midpoint(to_at);
                path class={ "edge " (class(line)) }
                    d={ "M" (right) " " (from.middle()) "C" (middle) " " (from.middle()) " " (middle) " " (to.middle()) " " (to_at) " " (to.middle()) } {
                    title { (told) }
                }
            }
        }
    }
}

fn internet(node: &Node<'_>, bottom: usize) -> Markup {
    let ((at, width), height) = (Column::Internet.place(), bottom - TOP);
    let (x, y) = (at + width / 2, TOP + (height / 2).min(PITCH * 3));
    html! {
        g.node.outside role="img" aria-label=(node.title) {
            rect x=(at) y=(TOP) width=(width) height=(height) rx="10" {}
            @if height > 150 {
                text.title text-anchor="middle" transform={ "translate(" (x + 5) " " (y) ") rotate(-90)" } { (node.title) }
            } @else {
                text.about text-anchor="middle" x=(x) y=(TOP + HEIGHT / 2 - 2) { "Internet," }
                text.about text-anchor="middle" x=(x) y=(TOP + HEIGHT / 2 + 13) { "host" }
            }
        }
    }
}

fn boxed(node: &Node<'_>) -> Markup {
    let (at, width) = node.column.place();
    let (top, about) = (node.top(), node.about());
    let named: Vec<&str> = node.lines.iter().map(|(_, text)| text.as_str()).collect();
    let named = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
    let told = format!("{}, {about}{named}", node.title);
    let is_own = node.state == State::TraefiksOwn;
    let own = format!("node {}", class(node.state));
    let inside = html! {
        rect x=(at) y=(top) width=(width) height=(node.height()) rx="8" {}
        @if !is_own { text.mark aria-hidden="true" x=(at + 15) y=(top + 27) text-anchor="middle" { (mark(node.state)) } }
        @let text = at + if is_own { 12 } else { 30 };
        text.title x=(text) y=(top + 19) { (node.title) }
        text.about x=(text) y=(top + 36) { " " (about) }
        @for (number, (state, line)) in node.lines.iter().enumerate() {
            @let y = top + HEIGHT + 10 + number * LINE;
            text class={ "mark small " (class(*state)) } aria-hidden="true" x=(at + 38) y=(y) text-anchor="middle" { (mark(*state)) }
            text.inner x=(at + 50) y=(y) { " " (line) }
        }
    };
    html! {
        @if let Some(href) = &node.href {
            a class=(own) href=(href) { (inside) }
        } @else {
            g class=(own) role="img" aria-label=(told) { (inside) }
        }
    }
}
