//! Which containers show the same files: one volume, one directory of the host, or one that lies below another.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{mounts, volumes};
use crate::inventory::{Container, Inventory, Mount, Volume};
use crate::policy::context::{Candidate, Context};
use crate::policy::names::Owner;

/// A container that mounts something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'a> {
    pub(super) container: &'a Container,
    pub(super) owner: &'a Owner,
    pub(super) mount: &'a Mount,
    /// It, or one of its group, has a way out.
    leaves: bool,
}

/// Two of a kind. One of them is always another: another container, or another owner's.
type Two<'a> = [Option<Holder<'a>>; 2];

/// Some of those that mount a place, by what makes them matter to others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holders<'a> {
    /// With a way out; each another container.
    leave: Two<'a>,
    /// Those who may write; each of another owner.
    write: Two<'a>,
    /// Those who may only read; each of another owner.
    read: Two<'a>,
}

impl<'a> Holders<'a> {
    /// Those with a way out.
    pub(super) fn leave(&self) -> impl Iterator<Item = &Holder<'a>> {
        self.leave.iter().flatten()
    }

    /// Those who may write.
    pub(super) fn write(&self) -> impl Iterator<Item = &Holder<'a>> {
        self.write.iter().flatten()
    }

    /// Those who may only read.
    pub(super) fn read(&self) -> impl Iterator<Item = &Holder<'a>> {
        self.read.iter().flatten()
    }

    /// Whether more than one container is among them.
    fn are_several(&self) -> bool {
        let mut all = self.leave().chain(self.write()).chain(self.read()).map(|it| &it.container.id);
        let first = all.next();
        all.any(|id| Some(id) != first)
    }

    fn add(&mut self, holder: &Holder<'a>) {
        if holder.leaves {
            put(&mut self.leave, holder, |it| it.container.id == holder.container.id);
        }
        let list = if holder.mount.writable { &mut self.write } else { &mut self.read };
        put(list, holder, |it| it.owner == holder.owner);
    }

    fn add_all(&mut self, others: &Self) {
        others.leave().chain(others.write()).chain(others.read()).for_each(|holder| self.add(holder));
    }
}

/// Puts one more there, if there is room and none like it.
fn put<'a>(two: &mut Two<'a>, holder: &Holder<'a>, is_like: impl Fn(&Holder<'a>) -> bool) {
    if !two.iter().flatten().any(is_like)
        && let Some(free) = two.iter_mut().find(|it| it.is_none())
    {
        *free = Some(*holder);
    }
}

/// Who mounts what, by the place: a volume's name, or a path of the host.
#[derive(Debug, Default)]
pub(super) struct Shares<'a> {
    /// Those at a place, above it and below it; sorted, and only where several containers are.
    places: Vec<(Place<'a>, Holders<'a>)>,
    reading: Reading,
}

impl<'a> Shares<'a> {
    /// Of all containers but the declared Traefiks: VOL-004 is about theirs.
    ///
    /// Sorted, what lies below a place comes right behind it; then what is known of each goes down and up.
    pub(super) fn of(context: &'a Context<'_>) -> Self {
        let reading = Reading::of(context);
        let mut all: Vec<(Place<'_>, Holder<'_>)> = Vec::new();
        for (at, candidate) in context.candidates.iter().enumerate().filter(|(_, it)| !it.is_traefik) {
            let Candidate { container, owner, .. } = candidate;
            let leaves = !container.mounts.is_empty() && context.namespaces.leaves_by(at).is_some();
            for mount in &container.mounts {
                let holder = Holder { container, owner, mount, leaves };
                let places = reading.places(mount, &context.inventory.volumes);
                all.extend(places.map(|place| (place, holder)));
            }
        }
        // Stable: those of one place stay in the order of the containers.
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut own: Vec<(Place<'_>, Holders<'_>)> = Vec::new();
        for (place, holder) in all {
            if own.last().is_none_or(|(last, _)| *last != place) {
                own.push((place, Holders::default()));
            }
            own.last_mut().into_iter().for_each(|(_, it)| it.add(&holder));
        }
        let above = above(&own);
        let mut holders: Vec<Holders<'_>> = own.iter().map(|(_, it)| *it).collect();
        let mut below = holders.clone();
        for (at, above) in above.iter().enumerate() {
            let brought = above.and_then(|above| holders.get(above).copied());
            holders.get_mut(at).zip(brought).into_iter().for_each(|(it, brought)| it.add_all(&brought));
        }
        // Up goes what is there by itself, not what was brought down.
        for (at, above) in above.iter().enumerate().rev() {
            let brought = below.get(at).copied();
            let above = above.and_then(|above| below.get_mut(above));
            above.zip(brought).into_iter().for_each(|(it, brought)| it.add_all(&brought));
        }
        let whole = own.into_iter().zip(holders).zip(below).map(|(((place, _), mut holders), below)| {
            holders.add_all(&below);
            (place, holders)
        });
        Self { places: whole.filter(|(_, holders)| holders.are_several()).collect(), reading }
    }

    /// Those that mount the same, or part of it, or what it is part of; the container itself among them.
    pub(super) fn with<'s>(&'s self, mount: &Mount, inventory: &Inventory) -> Vec<&'s Holders<'a>> {
        if self.places.is_empty() {
            return Vec::new();
        }
        let places = self.reading.places(mount, &inventory.volumes);
        let found = places.filter_map(|wanted| self.places.binary_search_by(|(place, _)| place.cmp(&wanted)).ok());
        found.filter_map(|at| self.places.get(at)).map(|(_, holders)| holders).collect()
    }
}

/// For each of sorted places, the nearest one above it.
fn above(places: &[(Place<'_>, Holders<'_>)]) -> Vec<Option<usize>> {
    let mut open: Vec<usize> = Vec::new();
    let mut above = Vec::with_capacity(places.len());
    for (at, (place, _)) in places.iter().enumerate() {
        while open.last().and_then(|last| places.get(*last)).is_some_and(|(last, _)| !last.holds(place)) {
            open.pop();
        }
        above.push(open.last().copied());
        open.push(at);
    }
    above
}

/// A volume's name, or a plain path of the host; in the order of a tree, where what lies below a directory comes right
/// behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place<'a>(Cow<'a, str>);

impl Place<'_> {
    fn cmp(&self, other: &Place<'_>) -> Ordering {
        let (one, other) = (self.0.as_bytes(), other.0.as_bytes());
        let order = |byte: Option<&u8>| byte.map(|byte| if *byte == b'/' { 0 } else { *byte });
        match one.iter().zip(other).position(|(one, other)| one != other) {
            Some(at) => order(one.get(at)).cmp(&order(other.get(at))),
            None => one.len().cmp(&other.len()),
        }
    }

    fn holds(&self, other: &Place<'_>) -> bool {
        other.0.strip_prefix(&*self.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// How mounts are read as places.
#[derive(Debug, Default)]
struct Reading {
    root_dir: Option<String>,
    /// Some container mounts the engine's own directory, or part of it: volumes count by their path, too.
    volumes_by_path: bool,
}

impl Reading {
    fn of(context: &Context<'_>) -> Self {
        let root_dir = context.inventory.engine.root_dir.as_deref().and_then(mounts::plain);
        let volumes = &context.inventory.volumes;
        let mut all = context.candidates.iter().flat_map(|it| &it.container.mounts);
        let is_near = |path: &str| root_dir.as_ref().is_none_or(|root_dir| mounts::overlap(path, root_dir));
        let volumes_by_path =
            all.any(|mount| is_chosen(mount, volumes) && volumes::host_paths(mount, volumes).any(is_near));
        Self { root_dir, volumes_by_path }
    }

    fn places<'m>(&self, mount: &'m Mount, volumes: &'m BTreeMap<String, Volume>) -> impl Iterator<Item = Place<'m>> {
        let named = Some(mount.name.as_str()).filter(|name| !name.is_empty()).map(Cow::Borrowed);
        let counts = self.volumes_by_path || is_chosen(mount, volumes);
        let paths = volumes::host_paths(mount, volumes).filter(move |_| counts).filter_map(mounts::plainly);
        // Whoever mounts the host itself sees everybody's: that is said of it, not of each.
        let is_hosts =
            |path: &Cow<'_, str>| mounts::is_host(path, self.root_dir.as_deref()) || mounts::is_everybodys(path);
        named.into_iter().chain(paths.filter(move |path| !is_hosts(path))).map(Place)
    }
}

/// Whether somebody chose the path, and not the engine.
fn is_chosen(mount: &Mount, volumes: &BTreeMap<String, Volume>) -> bool {
    mount.kind == "bind" || mount.volumes(volumes).any(|volume| volume.bind)
}
