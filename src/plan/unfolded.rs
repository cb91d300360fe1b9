//! How many middlewares a router has once its chains are written out, and how large they are together.
//!
//! Traefik makes each of them anew wherever a router, a service or a chain names it. Twenty-two chains that each name the
//! next one twice are a few hundred bytes of labels, and took 3 GB and Traefik's start; a redirect with a large regular
//! expression that a hundred routers name ten times took as much.

use std::collections::BTreeMap;

use super::asked::Asked;
use crate::policy::cause::Step;
use crate::policy::names::Owner;
use crate::policy::references::{self, Middlewares};
use crate::policy::refusal::{Code, Refusal};
use crate::settings::{Names, Settings};
use crate::traefik::Dynamic;
use crate::traefik::http::{Router, Service};
use crate::traefik::middleware::Middleware;

/// The most middlewares of one router, chains included.
const MOST: u64 = 200;
/// The size of a middleware that is small, in instructions of a regular expression: 1.5 KB, measured with Traefik 3.7.15.
pub(super) const SMALL: u64 = 15;

/// Middlewares, written out.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    /// How many.
    count: u64,
    /// How large, in instructions of a regular expression.
    size: u64,
}

impl Load {
    const ONE: Self = Self { count: 1, size: SMALL };

    fn and(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), size: self.size.saturating_add(other.size) }
    }
}

/// What stands against containers, by their place among `all`: a router with too many middlewares, or a container, or all
/// of its owner, whose routers use too much of them. Chains are followed among all containers of an owner, and into what is
/// shared.
pub(super) fn refusals(
    all: &[Asked<'_>],
    middlewares: &Middlewares<'_>,
    settings: &Settings,
) -> BTreeMap<usize, Refusal> {
    let mut books = Books { middlewares, names: settings.names, declared: BTreeMap::new(), known: BTreeMap::new() };
    books.fill(all);
    let mut refusals = BTreeMap::new();
    let mut owners: BTreeMap<&Owner, u64> = BTreeMap::new();
    for (at, asked) in all.iter().enumerate() {
        let Some(dynamic) = asked.declared() else { continue };
        let owner = &asked.candidate.owner;
        let mut sum = Load::default();
        let mut large = None;
        for (name, router) in &dynamic.http.routers {
            let load = books.of_router(router, dynamic, owner);
            if load.count > MOST {
                large.get_or_insert(name);
            }
            sum = sum.and(load);
        }
        if let Some(router) = large {
            refusals.insert(at, too_many(router));
            continue;
        }
        if sum.count == 0 {
            continue;
        }
        let so_far = owners.entry(owner).or_default();
        match settings.budgets.judge_middlewares(sum.size, so_far.saturating_add(sum.size)) {
            None => *so_far = so_far.saturating_add(sum.size),
            Some(excess) => {
                refusals.insert(at, Refusal::from(&excess));
            }
        }
    }
    refusals
}

fn too_many(router: &str) -> Refusal {
    let cause = Step::TooManyMiddlewares { router: router.to_owned(), most: MOST };
    Refusal::new(Code::BadLabel, cause).by_label(format!("traefik.http.routers.{router}.middlewares"))
}

/// Whose it is, and its name; with `--names traefik` everybody's.
type Key = (String, String);

/// What is not just small: what refers to others, and what is large. By name, of every container that declares it.
struct Books<'a> {
    middlewares: &'a Middlewares<'a>,
    names: Names,
    declared: BTreeMap<(Kind, Key), Vec<Entry<'a>>>,
    known: BTreeMap<(Kind, Key), Load>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Middleware,
    Service,
}

#[derive(Clone, Copy)]
struct Entry<'a> {
    owner: &'a Owner,
    /// Its own size.
    size: u64,
    refers: Refers<'a>,
}

#[derive(Clone, Copy)]
enum Refers<'a> {
    Middleware(&'a Middleware),
    Service(&'a Service),
}

impl<'a> Books<'a> {
    fn fill(&mut self, all: &'a [Asked<'_>]) {
        for asked in all {
            let Some(dynamic) = asked.declared() else { continue };
            let owner = &asked.candidate.owner;
            for (name, middleware) in &dynamic.http.middlewares {
                let size = asked.middleware_size(name).unwrap_or(SMALL);
                if size > SMALL || middleware.chain.is_some() || middleware.errors.is_some() {
                    let entry = Entry { owner, size, refers: Refers::Middleware(middleware) };
                    self.declared.entry((Kind::Middleware, self.key(owner, name))).or_default().push(entry);
                }
            }
            for (name, service) in dynamic.http.services.iter().filter(|(_, it)| it.middlewares.is_some()) {
                let entry = Entry { owner, size: 0, refers: Refers::Service(service) };
                self.declared.entry((Kind::Service, self.key(owner, name))).or_default().push(entry);
            }
        }
    }

    fn key(&self, owner: &Owner, name: &str) -> Key {
        let owner = if self.names == Names::Project { owner.to_string() } else { String::new() };
        (owner, name.to_owned())
    }

    fn of_router(&mut self, router: &Router, dynamic: &Dynamic, owner: &Owner) -> Load {
        let references = router.middlewares.iter().flatten();
        let mut sum = references.fold(Load::default(), |sum, it| sum.and(self.middleware(it, owner, 0)));
        let only = || dynamic.http.services.keys().next().map(String::as_str);
        if let Some(service) = router.service.as_deref().filter(|it| !it.is_empty()).or_else(only) {
            sum = sum.and(self.service(service, owner, 0));
        }
        sum
    }

    fn middleware(&mut self, reference: &str, owner: &Owner, depth: u64) -> Load {
        if self.declared.is_empty() {
            return Load::ONE;
        }
        let Some(name) = references::here(reference) else { return Load::ONE };
        let key = match self.names {
            Names::Traefik => self.key(owner, name),
            Names::Project => self.middlewares.place(name, owner),
        };
        self.entries((Kind::Middleware, key), depth).unwrap_or(Load::ONE)
    }

    fn service(&mut self, reference: &str, owner: &Owner, depth: u64) -> Load {
        if self.declared.is_empty() {
            return Load::default();
        }
        let Some(name) = references::here(reference) else { return Load::default() };
        self.entries((Kind::Service, self.key(owner, name)), depth).unwrap_or_default()
    }

    /// What all of a name come to. Nothing if it is small.
    fn entries(&mut self, key: (Kind, Key), depth: u64) -> Option<Load> {
        if let Some(known) = self.known.get(&key) {
            return Some(*known);
        }
        let entries = self.declared.get(&key)?.clone();
        // So long a chain is too many by itself.
        if depth > MOST {
            return Some(Load { count: MOST + 1, size: SMALL });
        }
        // In a circle it counts as one: Traefik makes none of it.
        self.known.insert(key.clone(), Load::ONE);
        let mut sum = Load::default();
        for Entry { owner, size, refers } in entries {
            let (count, links, service) = match refers {
                Refers::Middleware(it) => (
                    1,
                    it.chain.as_ref().and_then(|chain| chain.middlewares.as_ref()),
                    it.errors.as_ref().and_then(|errors| errors.service.as_ref()),
                ),
                Refers::Service(it) => (0, it.middlewares.as_ref(), None),
            };
            sum = sum.and(Load { count, size });
            for link in links.into_iter().flatten() {
                sum = sum.and(self.middleware(link, owner, depth + 1));
            }
            if let Some(service) = service {
                sum = sum.and(self.service(service, owner, depth + 1));
            }
        }
        self.known.insert(key, sum);
        Some(sum)
    }
}
