//! References between routers, middlewares and services: whose a name is, and what it is called in the document.
//!
//! A reference is `name` or `name@provider`. Traefik completes a bare one with the provider that it was read from, so
//! `x`, `x@docker`, `x@swarm` and, in our document, `x@http` are one and the same: a name of the owner's own.
//! Source: Traefik `pkg/server/provider`, `GetQualifiedName`; `docs/isolation.md` under "References".

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use super::cause::Few;
use super::names::{Owner, published};
use super::refusal::{Code, Refusal};
use super::rule_id::RuleId;
use crate::settings::{Isolation, Names, Settings};
use crate::traefik::Dynamic;
use crate::traefik::middleware::Middleware;

/// What a reference may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// `traefik.http.middlewares`.
    HttpMiddleware,
    /// `traefik.tcp.middlewares`: a space of names of its own.
    TcpMiddleware,
    /// A service of the router's own protocol, always the owner's.
    Service,
    /// A servers transport; labels cannot declare one.
    ServersTransport,
    /// TLS options; labels cannot declare them.
    TlsOptions,
}

impl Target {
    /// Whether it is a middleware, of either kind.
    pub fn is_middleware(self) -> bool {
        matches!(self, Self::HttpMiddleware | Self::TcpMiddleware)
    }
}

/// Why a reference is refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// A service of a name that no label can declare.
    NoService { reference: String },
    /// What no label can declare.
    NotByLabels { reference: String },
    /// A middleware that several owners share.
    Several { name: String, sharers: Vec<String> },
    /// A name of one's own with its owner's in front.
    OwnersName { name: String },
    /// A middleware that nobody declares for this owner.
    Nobody { name: String, owner: String },
    /// A middleware that these declare, and do not share.
    NotShared { name: String, others: Few },
    /// Something of another provider.
    Elsewhere { reference: String },
}

/// Which middlewares exist, whose they are, and which of them everybody may use.
#[derive(Clone, Debug)]
pub struct Middlewares<'a> {
    /// The owners that declare one of this name.
    declared: BTreeMap<(Target, &'a str), BTreeSet<&'a Owner>>,
    /// The owners, as they show themselves, that share one of this name.
    shared: BTreeMap<(Target, &'a str), BTreeSet<String>>,
    settings: &'a Settings,
}

/// Whose middleware a bare name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The caller's own.
    Own,
    /// One that this owner shares.
    Shared(String),
    /// Nobody shares one of this name, and only this owner declares one. Published under `--isolation warn`, as Traefik
    /// would; else refused.
    Unshared(String),
    /// Several share one of this name.
    Several(Vec<String>),
    /// Nobody's that the caller may use; those who declare one.
    Nobody(Vec<String>),
}

impl<'a> Middlewares<'a> {
    /// Collects them from what containers declare: each with its owner, what its labels decode to, and whether it is
    /// a Traefik that speaks for everybody, whose middlewares are shared. Give every container that asked and whose labels decode,
    /// whatever else stands against it: what a reference means must not hang on another container's health.
    pub fn of(declarations: impl IntoIterator<Item = (&'a Owner, &'a Dynamic, bool)>, settings: &'a Settings) -> Self {
        let mut all = Self { declared: BTreeMap::new(), shared: BTreeMap::new(), settings };
        for (owner, dynamic, is_shared) in declarations {
            let http = dynamic.http.middlewares.keys().map(|name| (Target::HttpMiddleware, name));
            let tcp = dynamic.tcp.middlewares.keys().map(|name| (Target::TcpMiddleware, name));
            for (target, name) in http.chain(tcp) {
                let key = (target, name.as_str());
                if is_shared {
                    all.shared.entry(key).or_default().insert(owner.to_string());
                }
                all.declared.entry(key).or_default().insert(owner);
            }
        }
        // Also one that nobody declares now: whoever may declare it, the operator named its owner.
        for shared in &settings.share_middlewares {
            for target in [Target::HttpMiddleware, Target::TcpMiddleware] {
                all.shared.entry((target, &shared.name)).or_default().insert(shared.owner.clone());
            }
        }
        all
    }

    /// Whether an owner, as it shows itself, declares one of this name.
    pub(crate) fn declares(&self, owner: &str, name: &str) -> bool {
        self.declared.iter().any(|((_, it), owners)| *it == name && owners.iter().any(|it| it.to_string() == owner))
    }

    /// All that are declared, `owner.name` each.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let named = |((_, name), owners): (&(Target, &str), &BTreeSet<&Owner>)| {
            owners.iter().map(|owner| format!("{owner}.{name}")).collect::<Vec<_>>()
        };
        self.declared.iter().flat_map(named).collect()
    }

    /// Whose the middlewares are that a declaration refers to, in the order of [`each`].
    pub(crate) fn of_all(&self, dynamic: &Dynamic, owner: &Owner) -> Vec<Whose> {
        let mut all = Vec::new();
        each(dynamic, &mut |target, reference, _| {
            if let (true, Read::Here(name)) = (target.is_middleware(), read(reference)) {
                all.push(self.whose(target, name, owner));
            }
        });
        all
    }

    /// An owner's own goes before a shared one: another owner's sharing never changes what a name meant to this one.
    fn whose(&self, target: Target, name: &str, owner: &Owner) -> Whose {
        let key = (target, name);
        let declared = self.declared.get(&key);
        if declared.is_some_and(|owners| owners.contains(owner)) {
            return Whose::Own;
        }
        if let Some(sharers) = self.shared.get(&key) {
            let mut sharers = sharers.iter().cloned();
            return match (sharers.next(), sharers.next()) {
                (Some(one), None) => Whose::Shared(one),
                (one, two) => Whose::Several(one.into_iter().chain(two).chain(sharers).collect()),
            };
        }
        // By its published name, `authelia.auth`.
        if let Some((sharer, name)) = name.rsplit_once('.') {
            let key = (target, name);
            if self.shared.get(&key).is_some_and(|sharers| sharers.contains(sharer)) {
                return Whose::Shared(sharer.to_owned());
            }
            let owners = self.declared.get(&key).into_iter().flatten().map(ToString::to_string);
            return self.unshared(owners.filter(|owner| owner == sharer).collect(), owner);
        }
        self.unshared(declared.into_iter().flatten().map(ToString::to_string).collect(), owner)
    }

    /// Whose it is where nobody shares it; `others` declare one.
    fn unshared(&self, others: Vec<String>, owner: &Owner) -> Whose {
        let owner = owner.to_string();
        match others.as_slice() {
            [one] if *one != owner => match self.settings.isolation_for(&owner) {
                Isolation::Warn | Isolation::Off => Whose::Unshared(one.clone()),
                Isolation::Strict | Isolation::Enforce => Whose::Nobody(others),
            },
            _ => Whose::Nobody(others),
        }
    }
}

impl Middlewares<'_> {
    /// The owner, as it shows itself, whose HTTP middleware a name leads to for `owner`, and the name there. One that leads
    /// nowhere is `owner`'s.
    pub fn place(&self, name: &str, owner: &Owner) -> (String, String) {
        match self.whose(Target::HttpMiddleware, name, owner) {
            Whose::Shared(other) | Whose::Unshared(other) => {
                let own = name.strip_prefix(&other).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name).to_owned();
                (other, own)
            }
            Whose::Own | Whose::Several(_) | Whose::Nobody(_) => (owner.to_string(), name.to_owned()),
        }
    }
}

/// The name that a reference makes in the space that the labels are in, if it is not another provider's.
pub fn here(reference: &str) -> Option<&str> {
    match read(reference) {
        Read::Here(name) => Some(name),
        Read::Elsewhere { .. } => None,
    }
}

/// A reference, taken apart.
enum Read<'a> {
    /// A name of the space that the labels are in.
    Here(&'a str),
    /// Another provider's.
    Elsewhere {
        /// What stands after the `@`.
        provider: &'a str,
    },
}

fn read(reference: &str) -> Read<'_> {
    match reference.split_once('@') {
        None => Read::Here(reference),
        Some((name, "docker" | "swarm" | "http")) => Read::Here(name),
        Some((_, provider)) => Read::Elsewhere { provider },
    }
}

/// Whether `owner` may make a reference; `label` is the whole key of the label that does.
pub(super) fn judge(
    target: Target,
    reference: &str,
    label: &dyn Fn() -> String,
    owner: &Owner,
    middlewares: &Middlewares<'_>,
    settings: &Settings,
) -> Option<Refusal> {
    let name = match read(reference) {
        Read::Here(name) => name,
        Read::Elsewhere { provider } => return judge_elsewhere(target, reference, provider, label, settings),
    };
    let refuse = |cause| Some(refusal(cause, label));
    let written = || reference.to_owned();
    match target {
        // No label can declare a name with a dot: behind the owner's it would spell another owner's, `a` and `b.c` for
        // `a.b` and `c`.
        Target::Service if settings.names == Names::Project && name.contains('.') => {
            refuse(Cause::NoService { reference: written() })
        }
        Target::Service => None,
        // Traefik knows these by themselves.
        Target::TlsOptions if reference == "default" => None,
        Target::ServersTransport | Target::TlsOptions => refuse(Cause::NotByLabels { reference: written() }),
        Target::HttpMiddleware | Target::TcpMiddleware if settings.names == Names::Traefik => None,
        Target::HttpMiddleware | Target::TcpMiddleware => {
            let whose = middlewares.whose(target, name, owner);
            let name = name.to_owned();
            match whose {
                Whose::Own | Whose::Shared(_) => None,
                Whose::Several(sharers) => refuse(Cause::Several { name, sharers }),
                Whose::Nobody(others) if others.contains(&owner.to_string()) => refuse(Cause::OwnersName { name }),
                Whose::Nobody(others) if others.is_empty() => refuse(Cause::Nobody { name, owner: owner.to_string() }),
                Whose::Nobody(others) => {
                    refuse(Cause::NotShared { name, others: Few::of(others.iter().map(String::as_str)) })
                }
                Whose::Unshared(other) => refuse(Cause::NotShared { name, others: Few::of([other.as_str()]) }),
            }
        }
    }
}

fn refusal(cause: Cause, label: &dyn Fn() -> String) -> Refusal {
    Refusal::new(Code::Reference, cause).by_rule(RuleId::Lbl004).by_label(label())
}

fn judge_elsewhere(
    target: Target,
    reference: &str,
    provider: &str,
    label: &dyn Fn() -> String,
    settings: &Settings,
) -> Option<Refusal> {
    let own_default = target == Target::ServersTransport && reference == "default@internal";
    if provider == "file" || own_default || settings.allow_references.contains(reference) {
        return None;
    }
    Some(refusal(Cause::Elsewhere { reference: reference.to_owned() }, label))
}

/// Turns the names that one container refers to into those of the document. (What it declares gets its name where all is
/// joined: [`published`].)
///
/// With `--names project`: `x`, `x@docker`, `x@swarm` and `x@http` become `<owner>.x`, a shared middleware's name
/// becomes its sharer's; everything else stays as written. With `--names traefik` names stay bare, and a reference
/// `x@docker` (`x@swarm` where `swarm`) becomes `x@http`.
pub fn rewrite(dynamic: &mut Dynamic, owner: &Owner, middlewares: &Middlewares<'_>, settings: &Settings, swarm: bool) {
    match settings.names {
        Names::Project => {
            each_mut(dynamic, &mut |target, reference| {
                let Read::Here(name) = read(reference) else { return };
                let whose = match target {
                    Target::TlsOptions if reference == "default" => return,
                    Target::HttpMiddleware | Target::TcpMiddleware => middlewares.whose(target, name, owner),
                    Target::Service | Target::ServersTransport | Target::TlsOptions => Whose::Own,
                };
                *reference = match whose {
                    Whose::Shared(other) | Whose::Unshared(other) => {
                        let own = name.strip_prefix(&other).and_then(|rest| rest.strip_prefix('.'));
                        [&other, ".", own.unwrap_or(name)].concat()
                    }
                    // One that leads nowhere: Traefik then leaves the router out.
                    Whose::Own | Whose::Several(_) | Whose::Nobody(_) => published(owner, name, Names::Project),
                };
            });
        }
        Names::Traefik => {
            let provider = if swarm { "@swarm" } else { "@docker" };
            // Traefik asks for no model but those of its own entry points: what others refer to stays as written.
            let models = mem::take(&mut dynamic.http.models);
            each_mut(dynamic, &mut |_, reference| {
                if let Some(name) = reference.strip_suffix(provider) {
                    *reference = [name, "@http"].concat();
                }
            });
            dynamic.http.models = models;
        }
    }
}

/// Takes a reference and the whole key of the label that makes it.
type See<'s> = dyn FnMut(Target, &str, &dyn Fn() -> String) + 's;

/// Calls `see` with every reference that a declaration makes.
pub(super) fn each(dynamic: &Dynamic, see: &mut See<'_>) {
    for (name, router) in &dynamic.http.routers {
        let label = |field: &str| format!("traefik.http.routers.{name}.{field}");
        for middleware in router.middlewares.iter().flatten() {
            see(Target::HttpMiddleware, middleware, &|| label("middlewares"));
        }
        if let Some(service) = &router.service {
            see(Target::Service, service, &|| label("service"));
        }
        if let Some(options) = router.tls.as_ref().and_then(|tls| tls.options.as_ref()) {
            see(Target::TlsOptions, options, &|| label("tls.options"));
        }
    }
    for (name, model) in &dynamic.http.models {
        let label = |field: &str| format!("traefik.http.models.{name}.{field}");
        for middleware in model.middlewares.iter().flatten() {
            see(Target::HttpMiddleware, middleware, &|| label("middlewares"));
        }
        if let Some(options) = model.tls.as_ref().and_then(|tls| tls.options.as_ref()) {
            see(Target::TlsOptions, options, &|| label("tls.options"));
        }
    }
    for (name, service) in &dynamic.http.services {
        for middleware in service.middlewares.iter().flatten() {
            let label = || format!("traefik.http.services.{name}.middlewares");
            see(Target::HttpMiddleware, middleware, &label);
        }
        if let Some(transport) = service.load_balancer.as_ref().and_then(|balancer| balancer.servers_transport.as_ref())
        {
            let label = || format!("traefik.http.services.{name}.loadbalancer.serverstransport");
            see(Target::ServersTransport, transport, &label);
        }
    }
    for (name, middleware) in &dynamic.http.middlewares {
        let label = |field: &str| format!("traefik.http.middlewares.{name}.{field}");
        for link in middleware.chain.iter().filter_map(|chain| chain.middlewares.as_ref()).flatten() {
            see(Target::HttpMiddleware, link, &|| label("chain.middlewares"));
        }
        if let Some(service) = middleware.errors.as_ref().and_then(|errors| errors.service.as_ref()) {
            see(Target::Service, service, &|| label("errors.service"));
        }
    }
    for (name, router) in &dynamic.tcp.routers {
        let label = |field: &str| format!("traefik.tcp.routers.{name}.{field}");
        for middleware in router.middlewares.iter().flatten() {
            see(Target::TcpMiddleware, middleware, &|| label("middlewares"));
        }
        if let Some(service) = &router.service {
            see(Target::Service, service, &|| label("service"));
        }
        if let Some(options) = router.tls.as_ref().and_then(|tls| tls.options.as_ref()) {
            see(Target::TlsOptions, options, &|| label("tls.options"));
        }
    }
    for (name, service) in &dynamic.tcp.services {
        if let Some(transport) = service.load_balancer.as_ref().and_then(|balancer| balancer.servers_transport.as_ref())
        {
            let label = || format!("traefik.tcp.services.{name}.loadbalancer.serverstransport");
            see(Target::ServersTransport, transport, &label);
        }
    }
    for (name, router) in &dynamic.udp.routers {
        if let Some(service) = &router.service {
            see(Target::Service, service, &|| format!("traefik.udp.routers.{name}.service"));
        }
    }
}

/// As [`each`], to change them. (A test holds the two together.)
fn each_mut(dynamic: &mut Dynamic, change: &mut dyn FnMut(Target, &mut String)) {
    for router in dynamic.http.routers.values_mut().map(Arc::make_mut) {
        router.middlewares.iter_mut().flatten().for_each(|it| change(Target::HttpMiddleware, it));
        router.service.iter_mut().for_each(|it| change(Target::Service, it));
        router.tls.iter_mut().filter_map(|tls| tls.options.as_mut()).for_each(|it| change(Target::TlsOptions, it));
    }
    for model in dynamic.http.models.values_mut().map(Arc::make_mut) {
        model.middlewares.iter_mut().flatten().for_each(|it| change(Target::HttpMiddleware, it));
        model.tls.iter_mut().filter_map(|tls| tls.options.as_mut()).for_each(|it| change(Target::TlsOptions, it));
    }
    for service in dynamic.http.services.values_mut().map(Arc::make_mut) {
        service.middlewares.iter_mut().flatten().for_each(|it| change(Target::HttpMiddleware, it));
        let balancer = service.load_balancer.iter_mut();
        balancer.filter_map(|it| it.servers_transport.as_mut()).for_each(|it| change(Target::ServersTransport, it));
    }
    // Most refer to nothing, and stay what the container's declaration and others' share.
    let refers = |it: &&mut Arc<Middleware>| it.chain.is_some() || it.errors.is_some();
    for middleware in dynamic.http.middlewares.values_mut().filter(refers).map(Arc::make_mut) {
        let links = middleware.chain.iter_mut().filter_map(|chain| chain.middlewares.as_mut()).flatten();
        links.for_each(|it| change(Target::HttpMiddleware, it));
        let service = middleware.errors.iter_mut().filter_map(|errors| errors.service.as_mut());
        service.for_each(|it| change(Target::Service, it));
    }
    for router in dynamic.tcp.routers.values_mut().map(Arc::make_mut) {
        router.middlewares.iter_mut().flatten().for_each(|it| change(Target::TcpMiddleware, it));
        router.service.iter_mut().for_each(|it| change(Target::Service, it));
        router.tls.iter_mut().filter_map(|tls| tls.options.as_mut()).for_each(|it| change(Target::TlsOptions, it));
    }
    let services = dynamic.tcp.services.values_mut().map(Arc::make_mut);
    for balancer in services.filter_map(|service| service.load_balancer.as_mut()) {
        balancer.servers_transport.iter_mut().for_each(|it| change(Target::ServersTransport, it));
    }
    for router in dynamic.udp.routers.values_mut().map(Arc::make_mut) {
        router.service.iter_mut().for_each(|it| change(Target::Service, it));
    }
}
