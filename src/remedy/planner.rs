//! Judge, edit, apply, judge again: until what asked for a route is routed and isolated, or nothing is left to try.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::apply::apply;
use super::bind;
use super::edit::{Change, Edit, What, all_shown, shown};
use super::left_out::{self, LeftOut};
use super::names::{file_name, file_number, is_writable};
use super::rules::{self, forwarding, is_about_isolation, refusals};
use super::traefik;
use super::{networks, outbound};
use crate::inventory::{Binding, Container, ContainerId, Inventory};
use crate::plan::{self, Fact, Outcome, Plan, Protocol, StepName, Verdict as StepVerdict};
use crate::policy::context::Context;
use crate::policy::finding::Finding;
use crate::policy::leeward_labels::{ALLOW, TRAEFIK};
use crate::policy::names::Owner;
use crate::policy::namespaces::Namespace;
use crate::policy::outbound::Allowance;
use crate::policy::proxy::How;
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId;
use crate::settings::{Glob, Isolation, OwnerIsolation, Settings};

/// How often one start applies edits and judges again.
pub const MOST_ROUNDS: usize = 6;
/// How often the planner starts anew without what turned out to be beyond mending.
pub const MOST_STARTS: usize = 3;
/// No project has so many files of ours.
const MOST_FILES: usize = 1_000;
/// How many names are listed of those that lose sight of a service.
const MOST_NAMES: usize = 5;

/// Whose remedies are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's.
    Everything,
    /// These owners'.
    Owners(BTreeSet<Owner>),
}

/// What the operator has answered already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Containers that keep their way out and their published ports; allowed by label if they ask for a route.
    pub keep: BTreeSet<ContainerId>,
    /// The hosts that are claimed today are bound to the networks over which they are.
    pub bind_hosts: bool,
}

/// Everything that there is to change, and what comes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remedies {
    /// One for each owner with something to mend, in the order of their names.
    pub owners: Vec<Remedy>,
    /// Declared Traefiks with routers of their own that are refused, for their labels: no change of networks mends that.
    pub refused_traefiks: Vec<Verdict>,
    /// Traefik's part: networks that it makes and joins. Those in a project that has a remedy of its own are there.
    pub traefik: Vec<Edit>,
    /// What an earlier file for Traefik's project may have said: networks of its own that Traefik is on. It is said again,
    /// so that a new file takes nothing away.
    #[serde(skip)]
    pub again: Vec<Edit>,
    /// Owners that were left alone: a mode `warn` of their own routes them as they are. Named one by one, they are not.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "all_shown")]
    pub lenient: Vec<Owner>,
    /// Nobody is declared a Traefik; one was assumed.
    pub traefik_is_assumed: bool,
    /// Containers of Traefik's own image, none of which is declared, and of which nobody can tell which one is meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undeclared_traefiks: Vec<String>,
    /// The names of the declared Traefiks.
    pub traefiks: Vec<String>,
    /// The names of the declared egress Traefiks, by owner and service.
    #[serde(skip)]
    pub egresses: BTreeMap<(String, String), String>,
    /// Networks that `--proxy-network` has to name too, where it is set.
    pub proxy_network_flags: BTreeSet<String>,
    /// How often edits were applied and judged.
    pub rounds: usize,
    /// What the engine would say afterwards. An assumed Traefik is in it.
    #[serde(skip)]
    pub after: Inventory,
    /// The keys by which files know networks: owner, full name, key.
    #[serde(skip)]
    pub keys: BTreeMap<(String, String), String>,
    /// Of these, those that another file makes.
    #[serde(skip)]
    pub external: BTreeSet<(String, String)>,
    /// The networks of each service, by owner and service, after the edits: full name and place.
    #[serde(skip)]
    pub places: BTreeMap<(String, String), BTreeMap<String, super::edit::Seat>>,
    /// Capabilities and security options that stay, by owner and service.
    #[serde(skip)]
    pub stays: BTreeMap<(String, String), Stays>,
    /// The files of each owner's project.
    #[serde(skip)]
    pub files: BTreeMap<String, Files>,
}

/// Lists of which an override can only write the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stays {
    /// `cap_add`.
    pub cap_add: BTreeSet<String>,
    /// `security_opt`.
    pub security_opt: Vec<String>,
}

/// What Compose wrote on containers of where it found their project. Strangers can write the same: only to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Files {
    /// `com.docker.compose.project.working_dir`.
    pub working_dir: Option<String>,
    /// `com.docker.compose.project.config_files`, between commas.
    pub config_files: Option<String>,
    /// What was read does not say them: they are those that Compose would read in the folder.
    #[serde(skip)]
    pub is_guess: bool,
}

impl Files {
    /// Adds our own files before the n-th, which are in the folder and stay. `project`: as in their names.
    pub fn stay_before(&mut self, number: usize, project: Option<&str>) {
        let mut all: Vec<String> =
            self.config_files.iter().flat_map(|it| it.split(',')).map(ToOwned::to_owned).collect();
        for wanted in 1..number {
            let is_there = |path: &String| path.rsplit('/').next().and_then(file_number) == Some(wanted);
            if !all.iter().any(is_there) {
                all.push(file_name(wanted, project));
            }
        }
        self.config_files = Some(all.join(",")).filter(|it| !it.is_empty());
    }
}

/// What to do about one owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// The project, or the container that is alone.
    #[serde(serialize_with = "shown")]
    pub owner: Owner,
    /// Where its files are, as its containers say.
    pub files: Files,
    /// The changes of its own files.
    pub edits: Vec<Edit>,
    /// Who asked for a route: before and after.
    pub verdicts: Vec<Verdict>,
    /// What stops working.
    pub lost: Vec<Lost>,
    /// What nobody can know here.
    pub said: Vec<Said>,
    /// What edits cannot mend, and the answers there are.
    pub choices: Vec<Choice>,
    /// The outbound names that its containers ask for and are not allowed afterwards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outbound: Vec<Allowance>,
    /// Everybody who asked is routed and isolated after the edits, or would be if it ran.
    pub proven: bool,
}

/// A container that asked for a route: what is decided, and what will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Its name.
    pub container: String,
    /// Its service; its name, if it is alone.
    pub service: String,
    /// What is decided now.
    pub before: Outcome,
    /// It is routed now only if a network that was not given is as it should be.
    #[serde(skip)]
    pub not_verifiable: bool,
    /// Why.
    pub because: Vec<Refusal>,
    /// What will be decided.
    pub after: Outcome,
    /// Why.
    pub left: Vec<Refusal>,
    /// Its routers that Traefik leaves out all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

impl Verdict {
    /// It is routed afterwards, or would be if it ran.
    pub fn is_fine(&self) -> bool {
        self.left_out.is_empty() && self.left.iter().all(is_liveness)
    }
}

/// Something that works now, and will not after the edits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Lost {
    /// A published port.
    Port {
        /// Whose.
        service: String,
        /// `53/udp`, in the container.
        port: String,
        /// The host's address; empty is all of them.
        host_ip: String,
        /// The host's port; empty is any.
        host_port: String,
        /// Traefik reaches the application on it, so that only the way past Traefik is lost.
        routed: bool,
    },
    /// A way out: mail, updates, other people's services.
    WayOut {
        /// Whose.
        service: String,
        /// Over which networks.
        networks: Vec<String>,
        /// It asked for no route itself.
        silent: bool,
    },
    /// A name for the host.
    HostGateway {
        /// Whose.
        service: String,
        /// As written: `host.docker.internal:host-gateway`.
        entry: String,
    },
    /// A fixed address on a network that it leaves.
    Address {
        /// Whose.
        service: String,
        /// The network.
        network: String,
        /// The address.
        address: String,
    },
    /// Containers of other owners that it shared a network with, and shares none with any more.
    Neighbours {
        /// Whose.
        service: String,
        /// The network.
        network: String,
        /// Some of them.
        names: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// Something that it was allowed to do: `NET_ADMIN`, `privileged`, ….
    Power {
        /// Whose.
        service: String,
        /// As written in the file.
        what: String,
    },
}

/// Something that the engine's answers do not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Said {
    /// It does not run, and was judged as if it did.
    NotRunning {
        /// The container.
        container: String,
        /// Its state.
        state: String,
    },
    /// A network that was not given: who is on it, and what it is, is not known.
    NotGiven {
        /// The network.
        network: String,
        /// It was taken for one with a way out, and is left.
        is_left: bool,
    },
    /// A service that keeps its way out shares a network with one that is isolated.
    KeepsWayOut {
        /// The service.
        service: String,
        /// It was to be kept so.
        kept: bool,
    },
}

/// A container that edits cannot mend, or that loses what it may be there for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The container.
    pub container: String,
    /// Its service; its name, if it is alone.
    pub service: String,
    /// It asks for a route. `false`: it only shares a network with one that does.
    pub asks: bool,
    /// What stands against it, rule by rule. Empty: only for what it loses.
    pub rules: BTreeSet<RuleId>,
    /// All the rules which, allowed on its own container, let it be routed as it is. `None`: none do.
    pub allow: Option<BTreeSet<RuleId>>,
    /// It is on the host's network: Traefik's file provider can route to the host's address.
    pub on_host: bool,
    /// Ports that it would lose, and that Traefik does not serve.
    pub ports: Vec<String>,
}

/// The containers of each service.
#[derive(Clone, Debug, Default)]
pub struct Services {
    of: BTreeMap<Owner, BTreeMap<String, Vec<ContainerId>>>,
}

impl Services {
    fn of_context(context: &Context<'_>) -> Self {
        let mut all = Self::default();
        for (at, candidate) in context.candidates.iter().enumerate() {
            let services = all.of.entry(candidate.owner.clone()).or_default();
            services.entry(service_of(context, at)).or_default().push(candidate.id.clone());
        }
        all
    }

    /// The containers of a service.
    pub(super) fn of(&self, owner: &Owner, service: &str) -> &[ContainerId] {
        self.of.get(owner).and_then(|services| services.get(service)).map_or(&[], Vec::as_slice)
    }

    /// All containers of an owner.
    pub(super) fn of_owner(&self, owner: &Owner) -> impl Iterator<Item = &ContainerId> {
        self.of.get(owner).into_iter().flat_map(|services| services.values().flatten())
    }
}

fn service_of(context: &Context<'_>, at: usize) -> String {
    let Some(candidate) = context.candidates.get(at) else { return String::new() };
    let service = candidate.labels.get("com.docker.compose.service").filter(|_| candidate.owner.group().is_some());
    service.unwrap_or(&candidate.container.name).to_owned()
}

/// An inventory, and what was decided about it.
pub(super) struct World<'a> {
    pub(super) context: Context<'a>,
    pub(super) plan: Plan,
    asks: BTreeSet<usize>,
    /// Of Traefik's own image, where none is declared.
    undeclared: BTreeSet<usize>,
}

impl<'a> World<'a> {
    fn of(inventory: &'a Inventory, settings: &'a Settings) -> Self {
        let plan = plan::compile(inventory, settings);
        let context = Context::of(inventory, settings);
        let has_asked = |id: &ContainerId| {
            plan.decisions.get(id).is_some_and(|decision| {
                let passed = |step: &plan::Step| step.name == StepName::AskedFor && step.verdict == StepVerdict::Passed;
                decision.steps.iter().any(passed)
            })
        };
        let undeclared: BTreeSet<usize> = traefik::of_image(&context).collect();
        let asks = context
            .candidates
            .iter()
            .enumerate()
            .filter(|(at, candidate)| !candidate.is_traefik && !undeclared.contains(at) && has_asked(candidate.id))
            .map(|(at, _)| at)
            .collect();
        Self { context, plan, asks, undeclared }
    }

    /// The outbound names that an owner's containers ask for and rules stand against.
    fn outbound_left(&self, owner: &Owner) -> Vec<Allowance> {
        let shown = owner.to_string();
        let left = self.plan.outbound.iter().filter(|it| it.owner == shown && !it.refused.is_empty());
        left.cloned().collect()
    }

    /// Whether the container at a place asked for a route. A declared Traefik does not count.
    pub(super) fn asks(&self, at: usize) -> bool {
        self.asks.contains(&at)
    }

    /// Whether it is one to mend: it asks, or what it asks for cannot be read.
    fn is_to_mend(&self, at: usize) -> bool {
        let is_application = || !self.context.is_traefik(at) && !self.undeclared.contains(&at);
        self.asks(at) || (self.outcome(at) == Outcome::Refused && is_application())
    }

    pub(super) fn container(&self, at: usize) -> Option<&Arc<Container>> {
        self.context.candidates.get(at).map(|candidate| candidate.container)
    }

    pub(super) fn id(&self, at: usize) -> &str {
        self.context.candidates.get(at).map_or("", |candidate| candidate.id.as_str())
    }

    pub(super) fn owner(&self, at: usize) -> Option<&Owner> {
        self.context.candidates.get(at).map(|candidate| &candidate.owner)
    }

    pub(super) fn service(&self, at: usize) -> String {
        service_of(&self.context, at)
    }

    /// Whether it is Traefik or Leeward.
    pub(super) fn is_front(&self, at: usize) -> bool {
        self.context.is_traefik(at) || self.undeclared.contains(&at) || (self.context.is_leeward(at) && !self.asks(at))
    }

    /// Why it is refused.
    pub(super) fn refusals(&self, at: usize) -> Vec<Refusal> {
        let mut all: Vec<Refusal> = Vec::new();
        for refusal in self.plan.decisions.get(self.id(at)).into_iter().flat_map(|it| refusals(it)) {
            if !all.contains(refusal) {
                all.push(refusal.clone());
            }
        }
        all
    }

    fn outcome(&self, at: usize) -> Outcome {
        self.plan.decisions.get(self.id(at)).map_or(Outcome::Ignored, |decision| decision.outcome)
    }
}

/// What holds for all rounds of one start.
pub(super) struct Ground<'g> {
    /// The owner whose networks are being worked out is under `strict`.
    pub(super) strict: bool,
    /// Containers that are left as they are.
    pub(super) outside: &'g BTreeSet<ContainerId>,
    pub(super) keep: &'g BTreeSet<ContainerId>,
    /// No Traefik is known that says which network is meant.
    pub(super) assumed: bool,
    /// Containers whose networks change.
    pub(super) moved: BTreeSet<ContainerId>,
}

impl Ground<'_> {
    /// Whether a container stays on its networks.
    pub(super) fn is_fixed(&self, world: &World<'_>, at: usize) -> bool {
        world.is_front(at) || self.outside.contains(world.id(at)) || self.keep.contains(world.id(at))
    }
}

/// The owners of what is called so: a project, a container, `project/service`, or an owner as it is shown.
pub fn find(inventory: &Inventory, settings: &Settings, name: &str) -> BTreeSet<Owner> {
    let context = Context::of(inventory, settings);
    let of = |at: usize| context.candidates.get(at).map(|it| it.owner.clone());
    let matching = context.candidates.iter().enumerate().filter(|(at, candidate)| {
        let container = candidate.container;
        candidate.owner.to_string() == name
            || container.name == name
            || (name.len() >= 12 && container.id.as_str().starts_with(name))
            || candidate.owner.group().is_some_and(|group| format!("{group}/{}", service_of(&context, *at)) == name)
    });
    matching.filter_map(|(at, _)| of(at)).collect()
}

/// The containers that are called so: a container, a service of one of the owners, or `project/service`.
pub fn containers(inventory: &Inventory, settings: &Settings, scope: &Scope, name: &str) -> BTreeSet<ContainerId> {
    let context = Context::of(inventory, settings);
    let is_wanted = |at: &usize| {
        let Some(candidate) = context.candidates.get(*at) else { return false };
        let wanted = match scope {
            Scope::Everything => true,
            Scope::Owners(owners) => owners.contains(&candidate.owner),
        };
        let service = service_of(&context, *at);
        wanted
            && (candidate.container.name == name
                || service == name
                || candidate.owner.group().is_some_and(|group| format!("{group}/{service}") == name))
    };
    (0..context.candidates.len())
        .filter(is_wanted)
        .filter_map(|at| Some(context.candidates.get(at)?.id.clone()))
        .collect()
}

/// A name that is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The name.
    pub name: String,
    /// It was to be kept as it is.
    pub keep: bool,
}

/// As [`plan()`], for projects and containers by their names; none is everybody.
pub fn ask(inventory: &Inventory, settings: &Settings, names: &[String], keep: &[String]) -> Result<Remedies, Unknown> {
    let (scope, wishes) = wishes(inventory, settings, names, keep)?;
    Ok(plan(inventory, settings, &scope, &wishes))
}

/// What is asked for, from names.
pub fn wishes(
    inventory: &Inventory,
    settings: &Settings,
    names: &[String],
    keep: &[String],
) -> Result<(Scope, Wishes), Unknown> {
    let mut owners = BTreeSet::new();
    for name in names {
        let found = find(inventory, settings, name);
        if found.is_empty() {
            return Err(Unknown { name: name.clone(), keep: false });
        }
        owners.extend(found);
    }
    let scope = if names.is_empty() { Scope::Everything } else { Scope::Owners(owners) };
    let mut wishes = Wishes::default();
    for name in keep {
        let found = containers(inventory, settings, &scope, name);
        if found.is_empty() {
            return Err(Unknown { name: name.clone(), keep: true });
        }
        wishes.keep.extend(found);
    }
    Ok((scope, wishes))
}

/// Works out what to change so that everybody in `scope` who asked for a route is routed and isolated.
///
/// Judged as the settings say, but for what is to be moved over: who is named in `scope` is held to `enforce` where it runs
/// under `warn` or `off`. Where nobody is named, everybody is, but for owners with a mode `warn` of their own: they are left
/// as they are, and listed. Time: a bounded number of compilations, whatever the number of owners.
pub fn plan(inventory: &Inventory, settings: &Settings, scope: &Scope, wishes: &Wishes) -> Remedies {
    let settings = moving_over(settings, scope);
    let given = as_given(inventory);
    let now = World::of(&given, &settings);
    let mut base = inventory.clone();
    let has_traefik = now.context.traefiks().next().is_some();
    let known = traefik::known(&mut base, &now.plan, &settings, has_traefik);
    let first = World::of(&base, &settings);
    let services = Services::of_context(&first.context);
    let mut owners = wanted(&first, scope);
    let lenient: Vec<Owner> =
        owners.iter().filter(|(_, members)| is_lenient(&first, members)).map(|(owner, _)| owner.clone()).collect();
    owners.retain(|_, members| !is_lenient(&first, members));

    let declares = match &known {
        traefik::Known::ByImage(id) => first.context.find(id.as_str()),
        traefik::Known::Declared | traefik::Known::Assumed => None,
    };
    let is_assumed = known == traefik::Known::Assumed;
    let is_asked_about = |at: &usize| match scope {
        Scope::Everything => true,
        Scope::Owners(owners) => first.owner(*at).is_some_and(|owner| owners.contains(owner)),
    };
    // It asks for a route itself, as an application would, and is refused for what Traefik has to be.
    let is_refused = |at: &usize| now.context.find(first.id(*at)).is_some_and(|at| now.outcome(at) == Outcome::Refused);
    let declares_alone = declares.filter(is_asked_about).is_some_and(|at| is_refused(&at));
    let task = Task {
        first: &first,
        settings: &settings,
        services: &services,
        owners: &owners,
        declares,
        declares_alone,
        is_assumed,
    };
    let mut main = task.search(wishes);
    if wishes.bind_hosts {
        let wanted = owners.values().flatten().filter_map(|at| Some(first.container(*at)?.id.clone())).collect();
        let front = first.context.traefiks().next().map_or_else(|| Owner::Group(String::new()), |it| it.owner.clone());
        main.edits.extend(bind::bindings(inventory, &main.after, &main.settings, &wanted, &front));
        main.after = apply(&base, &main.edits, &services);
    }
    let after = World::of(&main.after, &main.settings);
    let served = served(&after);
    let left_out = left_out::left_out(&after.plan, is_assumed);
    // What is beyond mending, and what loses more than what Traefik takes over: judged as it would be if it were kept.
    let mut kept = wishes.clone();
    kept.keep.extend(main.outside.keys().cloned());
    for members in owners.values() {
        for at in members.iter().filter(|at| first.asks(**at)) {
            if !lost_ports(&first, &main, &served, *at).is_empty() {
                kept.keep.extend(first.container(*at).map(|it| it.id.clone()));
            }
        }
    }
    let alternative = if kept == *wishes { None } else { Some(task.search(&kept)) };

    let mut remedies = Remedies {
        lenient,
        traefik_is_assumed: is_assumed,
        traefiks: first.context.traefiks().map(|traefik| traefik.container.name.clone()).collect(),
        egresses: outbound::egresses(&first),
        proxy_network_flags: main.flags.clone(),
        rounds: main.rounds,
        ..Remedies::default()
    };
    let kept = alternative.as_ref().map(|it| World::of(&it.after, &it.settings));
    for (owner, members) in &owners {
        let told = Told {
            now: &now,
            first: &first,
            after: &after,
            kept: kept.as_ref(),
            main: &main,
            served: &served,
            left_out: &left_out,
        };
        remedies.owners.extend(told.remedy(owner, members));
    }
    let traefiks = (0..first.context.candidates.len()).filter(|at| first.context.is_traefik(*at));
    let refused = traefiks.filter(is_asked_about).filter(|at| after.outcome(*at) == Outcome::Refused);
    remedies.refused_traefiks = refused
        .map(|at| Verdict {
            container: first.container(at).map(|it| it.name.clone()).unwrap_or_default(),
            service: first.service(at),
            before: first.outcome(at),
            not_verifiable: false,
            because: first.refusals(at),
            after: after.outcome(at),
            left: after.refusals(at),
            left_out: Vec::new(),
        })
        .filter(|verdict| !verdict.left.iter().all(is_liveness))
        .collect();
    let has_asked = |at: &usize| is_asked_about(at) && is_refused(at);
    if !remedies.owners.is_empty() || first.undeclared.iter().any(has_asked) {
        let names = first.undeclared.iter().filter_map(|at| Some(first.container(*at)?.name.clone()));
        remedies.undeclared_traefiks = names.collect();
    }
    let own: BTreeSet<&Owner> = remedies.owners.iter().map(|remedy| &remedy.owner).collect();
    remedies.traefik = main.edits.iter().filter(|edit| !own.contains(&edit.owner)).cloned().collect();
    remedies.again = traefik::again(&first, &main.edits);
    describe(&mut remedies, &first, &after);
    drop(after);
    remedies.after = main.after;
    remedies
}

/// What was given, without doubt: see [`Said::NotGiven`]. A network that was not given is for nobody to judge.
fn as_given(inventory: &Inventory) -> Cow<'_, Inventory> {
    let mut given = Cow::Borrowed(inventory);
    if inventory.networks.values().any(|network| network.assumed && !network.internal) {
        let networks = &mut given.to_mut().networks;
        networks.values_mut().filter(|network| network.assumed).for_each(|network| network.internal = true);
    }
    given
}

/// The settings under which owners that run under `warn` or `off` are judged when they are to be moved over.
pub(super) fn moving_over(settings: &Settings, scope: &Scope) -> Settings {
    let mut settings = settings.clone();
    let is_lenient = |isolation| matches!(isolation, Isolation::Warn | Isolation::Off);
    match scope {
        Scope::Everything if is_lenient(settings.isolation) => settings.isolation = Isolation::Enforce,
        Scope::Everything => {}
        Scope::Owners(owners) => {
            // Under `off` no owner has a mode of its own.
            if settings.isolation == Isolation::Off {
                settings.isolation = Isolation::Enforce;
            }
            for owner in owners.iter().map(ToString::to_string) {
                if is_lenient(settings.isolation_for(&owner)) {
                    settings.isolation_of.insert(owner, OwnerIsolation::Enforce);
                }
            }
        }
    }
    settings
}

/// The owners that are asked for and can be changed, with the places of their containers.
fn wanted(world: &World<'_>, scope: &Scope) -> BTreeMap<Owner, Vec<usize>> {
    let mut owners: BTreeMap<Owner, Vec<usize>> = BTreeMap::new();
    for (at, candidate) in world.context.candidates.iter().enumerate() {
        owners.entry(candidate.owner.clone()).or_default().push(at);
    }
    owners.retain(|owner, members| {
        let is_wanted = match scope {
            Scope::Everything => true,
            Scope::Owners(owners) => owners.contains(owner),
        };
        is_wanted && (members.iter().any(|at| world.is_to_mend(*at)) || outbound::is_wanted(world, owner))
    });
    owners
}

/// Whether an owner's containers are routed as they are.
fn is_lenient(world: &World<'_>, members: &[usize]) -> bool {
    let first = members.first().and_then(|at| world.context.candidates.get(*at));
    first.is_some_and(|it| matches!(it.isolation, Isolation::Warn | Isolation::Off))
}

/// Whether files of an owner can be written at all: names that Compose takes, and no Swarm.
fn can_change(world: &World<'_>, owner: &Owner, members: &[usize]) -> bool {
    let plain = owner.group().is_none_or(is_writable);
    plain
        && members
            .iter()
            .all(|at| world.container(*at).is_some_and(|it| it.swarm.is_none()) && is_writable(&world.service(*at)))
}

/// Whether a refusal is only that it does not run well now.
pub fn is_liveness(refusal: &Refusal) -> bool {
    matches!(refusal.code, Code::NotRunning | Code::Unhealthy | Code::NoAddress)
}

/// What one search came to.
struct Search {
    edits: Vec<Edit>,
    after: Inventory,
    settings: Settings,
    outside: Beyond,
    flags: BTreeSet<String>,
    rounds: usize,
    keep: BTreeSet<ContainerId>,
}

/// What is searched for, and in what.
#[derive(Clone, Copy)]
struct Task<'t, 'a> {
    first: &'t World<'a>,
    settings: &'t Settings,
    services: &'t Services,
    owners: &'t BTreeMap<Owner, Vec<usize>>,
    /// The Traefik that is to be declared.
    declares: Option<usize>,
    /// It is declared even if nothing else changes.
    declares_alone: bool,
    /// No Traefik is known.
    is_assumed: bool,
}

/// What is left that refuses a container whatever is tried.
type Beyond = BTreeMap<ContainerId, BTreeSet<RuleId>>;

impl Task<'_, '_> {
    fn search(self, wishes: &Wishes) -> Search {
        let Self { first, owners, .. } = self;
        let mut outside: Beyond = BTreeMap::new();
        for (_, members) in owners.iter().filter(|(owner, members)| !can_change(first, owner, members)) {
            outside.extend(members.iter().filter_map(|at| Some((first.container(*at)?.id.clone(), BTreeSet::new()))));
        }
        let mut rounds = 0;
        let mut starts = 1;
        loop {
            let (mut search, beyond) = self.attempt(&outside, wishes);
            rounds += search.rounds;
            search.rounds = rounds;
            if beyond.is_empty() || starts == MOST_STARTS {
                return search;
            }
            outside.extend(beyond);
            starts += 1;
        }
    }

    /// One start. Also who is beyond mending.
    fn attempt(self, outside: &Beyond, wishes: &Wishes) -> (Search, Beyond) {
        let Self { first, services, owners, .. } = self;
        let aside: BTreeSet<ContainerId> = outside.keys().cloned().collect();
        let mut ground = Ground {
            strict: false,
            outside: &aside,
            keep: &wishes.keep,
            assumed: self.is_assumed,
            moved: BTreeSet::new(),
        };
        let mut taken: BTreeSet<String> = first.context.inventory.networks.values().map(|it| it.name.clone()).collect();
        let mut edits: Vec<Edit> = Vec::new();
        let (mut joins, mut changing) = (Vec::new(), Vec::new());
        let mut settings = self.settings.clone();
        let mut flags = BTreeSet::new();
        for (owner, members) in owners {
            let needs = members.iter().filter(|at| first.asks(**at) && !aside.contains(first.id(**at)));
            let is_for_networks =
                |it: &Refusal| is_about_isolation(it) || networks::is_bound_to_others(first, owner, it);
            if !needs.clone().any(|at| first.refusals(*at).iter().any(is_for_networks)) {
                continue;
            }
            ground.strict = self.settings.isolation_for(&owner.to_string()) == Isolation::Strict;
            let moves = networks::moves(&ground, first, owner, members, &mut taken);
            if let Some(need) = moves.proxy {
                if first.context.proxy.how == How::Flag
                    && !settings.proxy_networks.iter().any(|glob| glob.matches(&need.network))
                    && let Ok(glob) = need.network.parse::<Glob>()
                {
                    settings.proxy_networks.push(glob);
                    flags.insert(need.network.clone());
                }
                joins.extend(traefik::join(first, owner, &need));
            }
            for edit in moves.edits {
                edit.put(&mut edits);
            }
            changing.push((owner, members));
        }
        if let Some((at, owner)) = self
            .declares
            .filter(|_| self.declares_alone || !changing.is_empty())
            .and_then(|at| Some((at, first.owner(at)?)))
        {
            let change = Change::Label { key: TRAEFIK.to_owned(), value: "true".to_owned() };
            joins.insert(0, Edit::service(owner, &first.service(at), change));
        }
        for edit in joins {
            edit.put(&mut edits);
        }
        for owner in owners.keys() {
            for edit in outbound::edits(first, owner, &mut taken) {
                edit.put(&mut edits);
            }
        }
        ground.moved = moved(first, services, &edits);
        let mut rounds = 0;
        loop {
            let after = apply(first.context.inventory, &edits, services);
            let world = World::of(&after, &settings);
            rounds += 1;
            let mut changed = false;
            if rounds < MOST_ROUNDS {
                for (owner, members) in &changing {
                    for edit in rules::edits(&ground, &world, owner, members) {
                        changed |= edit.put(&mut edits);
                    }
                }
            }
            if changed {
                continue;
            }
            let beyond = beyond(&ground, &world, owners);
            drop(world);
            let keep = wishes.keep.clone();
            return (Search { edits, after, settings, outside: outside.clone(), flags, rounds, keep }, beyond);
        }
    }
}

/// The containers whose networks change.
fn moved(first: &World<'_>, services: &Services, edits: &[Edit]) -> BTreeSet<ContainerId> {
    let mut moved = BTreeSet::new();
    for edit in edits {
        match &edit.what {
            What::Service { name, change: Change::Attach(_) | Change::Detach(_) } => {
                moved.extend(services.of(&edit.owner, name).iter().cloned());
            }
            What::Network(network) => {
                let on = |id: &&ContainerId| {
                    let container = first.context.inventory.containers.get(*id);
                    let old = network.replaces.as_ref();
                    old.zip(container).is_some_and(|(old, it)| it.attachments.contains_key(old))
                };
                moved.extend(services.of_owner(&edit.owner).filter(on).cloned());
            }
            What::Service { .. } | What::Bind(_) => {}
        }
    }
    moved
}

/// Those that asked, and whose own doing still refuses them.
fn beyond(ground: &Ground<'_>, world: &World<'_>, owners: &BTreeMap<Owner, Vec<usize>>) -> Beyond {
    let mut beyond = Beyond::new();
    for at in owners.values().flatten().copied().filter(|at| world.asks(*at)) {
        let Some(container) = world.container(at) else { continue };
        let is_own = |refusal: &Refusal| {
            is_about_isolation(refusal)
                && refusal.subject.as_ref().is_none_or(|subject| subject.is_about(&container.id))
        };
        // What is kept, and passes by no label, is left alone like what is beyond mending.
        let open = !ground.outside.contains(&container.id);
        let kept = ground.keep.contains(&container.id);
        let counts = |refusal: &&Refusal| if kept { is_about_isolation(refusal) } else { is_own(refusal) };
        let left = world.refusals(at);
        if open && left.iter().any(|it| counts(&it)) {
            let rules = left.iter().filter(counts).filter_map(|it| it.rule).collect();
            beyond.insert(container.id.clone(), rules);
        }
    }
    beyond
}

/// The ports of containers that Traefik takes requests to, or would if nothing else refused them: `80/tcp`.
type Served = BTreeMap<ContainerId, BTreeSet<String>>;

fn served(world: &World<'_>) -> Served {
    let plan = &world.plan;
    let mut served = Served::new();
    for route in &plan.routes {
        let protocol = if route.protocol == Protocol::Udp { "udp" } else { "tcp" };
        for backend in &route.backends {
            if let Some((_, port)) = backend.address.rsplit_once(':') {
                served.entry(backend.id.clone()).or_default().insert(format!("{port}/{protocol}"));
            }
        }
    }
    for (id, decision) in plan.decisions.iter().filter(|(_, it)| it.outcome == Outcome::Refused) {
        let facts = decision.steps.iter().flat_map(|step| &step.facts);
        let servers = facts.filter_map(|fact| match fact {
            Fact::Servers(servers) => Some(servers),
            _ => None,
        });
        for (front, port) in servers.flatten().filter_map(|server| server.rsplit_once(':')) {
            // Without a scheme it is TCP or UDP.
            let protocols: &[&str] = if front.contains("://") { &["tcp"] } else { &["tcp", "udp"] };
            let ports = protocols.iter().map(|protocol| format!("{port}/{protocol}"));
            served.entry(id.clone()).or_default().extend(ports);
        }
    }
    for (at, candidate) in world.context.candidates.iter().enumerate().filter(|(at, _)| world.asks(*at)) {
        let own = served.entry(candidate.id.clone()).or_default();
        if world.outcome(at) == Outcome::Refused {
            // Of one that is reached nowhere nothing is completed; its labels say it.
            for (key, port) in candidate.labels.labels.iter() {
                let key = key.to_ascii_lowercase();
                if key.ends_with(".loadbalancer.server.port") {
                    own.insert(format!("{port}/{}", if key.starts_with("traefik.udp.") { "udp" } else { "tcp" }));
                }
            }
        }
        let own = own.clone();
        // Who uses another's network is reached at that one's ports.
        if let Some(root) = world.context.namespaces.get(at).and_then(|it| it.through.last()) {
            served.entry(root.id.clone()).or_default().extend(own);
        }
    }
    served
}

/// The published ports that a container loses and that Traefik does not serve.
fn lost_ports(first: &World<'_>, search: &Search, served: &Served, at: usize) -> Vec<String> {
    let Some(before) = first.container(at) else { return Vec::new() };
    let after = search.after.containers.get(&before.id);
    let live = |container: &Container, port: &str| container.ports.get(port).is_some_and(|it| !it.is_empty());
    let lost = before.port_bindings.iter().filter(|(port, _)| !after.is_some_and(|after| live(after, port)));
    let is_served = |port: &str| served.get(&before.id).is_some_and(|it| it.contains(port));
    // What a neighbour publishes for the host alone, a database as a rule, is told as lost and not asked about.
    let is_for_host = |it: &Binding| it.host_ip.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    let counts = |bindings: &[Binding]| first.asks(at) || !bindings.iter().all(is_for_host);
    lost.filter(|(port, bindings)| !is_served(port) && counts(bindings)).map(|(port, _)| port.clone()).collect()
}

/// All that a remedy is told from.
struct Told<'t, 'a> {
    now: &'t World<'a>,
    first: &'t World<'a>,
    after: &'t World<'t>,
    kept: Option<&'t World<'t>>,
    main: &'t Search,
    served: &'t Served,
    left_out: &'t BTreeMap<String, Vec<LeftOut>>,
}

impl Told<'_, '_> {
    fn remedy(&self, owner: &Owner, members: &[usize]) -> Option<Remedy> {
        let Self { first, after, .. } = *self;
        // Both inventories hold the same containers: places are the same.
        let askers = || members.iter().copied().filter(|at| first.is_to_mend(*at));
        let edits: Vec<Edit> = self.main.edits.iter().filter(|edit| edit.owner == *owner).cloned().collect();
        let mut verdicts: Vec<Verdict> = askers()
            .map(|at| {
                let id = first.id(at);
                let reached = self.now.plan.decisions.get(id).and_then(|it| it.network.as_deref());
                let network = reached.and_then(|name| first.context.inventory.network_named(name));
                let before = self.now.context.find(id).map_or(Outcome::Ignored, |at| self.now.outcome(at));
                // Where nobody says that Traefik is, it would be routed if it is there: what is changed is what else refuses it.
                let is_open = before == Outcome::Routed && network.is_some_and(|it| it.traefik_assumed);
                let world = if is_open { first } else { self.now };
                let because = world.context.find(id).map(|at| world.refusals(at));
                let container = first.container(at).map(|it| it.name.clone()).unwrap_or_default();
                Verdict {
                    left_out: self.left_out.get(&container).cloned().unwrap_or_default(),
                    container,
                    service: first.service(at),
                    before,
                    not_verifiable: network.is_some_and(|it| it.assumed || it.traefik_assumed),
                    because: because.unwrap_or_default(),
                    after: after.outcome(at),
                    left: after.refusals(at),
                }
            })
            .collect();
        verdicts.sort_by(|one, other| (&one.service, &one.container).cmp(&(&other.service, &other.container)));
        if edits.is_empty() && verdicts.iter().all(Verdict::is_fine) {
            return None;
        }
        Some(Remedy {
            owner: owner.clone(),
            files: files(&first.context, members),
            proven: verdicts.iter().all(Verdict::is_fine),
            lost: self.lost(members, &edits),
            said: self.said(members),
            choices: members.iter().filter_map(|at| self.choice(*at)).collect(),
            outbound: after.outbound_left(owner),
            edits,
            verdicts,
        })
    }

    fn lost(&self, members: &[usize], edits: &[Edit]) -> Vec<Lost> {
        let Self { first, after, .. } = *self;
        let mut lost: BTreeSet<Lost> = BTreeSet::new();
        for at in members.iter().copied().filter(|at| !first.is_front(*at)) {
            let (Some(before), Some(later)) = (first.container(at), after.container(at)) else { continue };
            if before == later {
                continue;
            }
            let service = first.service(at);
            let name = || service.clone();
            let is_live =
                |port: &String, binding: &Binding| later.ports.get(port).is_some_and(|it| it.contains(binding));
            let served = self.served.get(&before.id);
            for (port, bindings) in &before.port_bindings {
                for Binding { host_ip, host_port } in bindings.iter().filter(|binding| !is_live(port, binding)) {
                    lost.insert(Lost::Port {
                        service: name(),
                        port: port.clone(),
                        host_ip: host_ip.clone(),
                        host_port: host_port.clone(),
                        routed: served.is_some_and(|it| it.contains(port)) && after.outcome(at) != Outcome::Refused,
                    });
                }
            }
            let ways = |world: &World<'_>| -> Vec<String> {
                let namespace = world.context.namespaces.get(at);
                // Whether one that was not given leads out is not known.
                let edges = namespace.into_iter().flat_map(Namespace::ways_out).map(|(edge, _)| edge);
                let known = edges.filter(|edge| !edge.network.is_some_and(|it| it.assumed));
                known.map(|edge| edge.name.to_owned()).collect()
            };
            let (out, still) = (ways(first), ways(after));
            if !out.is_empty() && still.is_empty() {
                let entries = before.confinement.extra_hosts.iter().filter(|it| it.ends_with(":host-gateway"));
                lost.extend(entries.map(|entry| Lost::HostGateway { service: name(), entry: entry.clone() }));
                lost.insert(Lost::WayOut { service: name(), networks: out, silent: !first.asks(at) });
            }
            let still: BTreeMap<_, _> = forwarding(later).collect();
            let off = forwarding(before).filter(|(key, _)| !still.contains_key(key));
            lost.extend(off.map(|(key, value)| Lost::Power { service: name(), what: format!("{key}={value}") }));
            for (network, place) in &before.attachments {
                let kept = later.attachments.values().flat_map(|it| &it.fixed);
                for address in place.fixed.iter().filter(|address| !kept.clone().any(|it| it == *address)) {
                    let address = address.to_string();
                    lost.insert(Lost::Address { service: name(), network: network.clone(), address });
                }
                if !later.attachments.contains_key(network) {
                    lost.extend(self.neighbours(at, network, members));
                }
            }
        }
        for edit in edits {
            let What::Service { name, change } = &edit.what else { continue };
            let what = match change {
                Change::KeepCapability(name) => name.clone(),
                Change::DropPrivileged => "privileged".to_owned(),
                Change::DropPid => "pid".to_owned(),
                Change::DropIpc => "ipc".to_owned(),
                Change::DropSecurity(entry) => entry.clone(),
                _ => continue,
            };
            lost.insert(Lost::Power { service: name.clone(), what });
        }
        lost.into_iter().collect()
    }

    /// Who of other owners is on a network that a container leaves.
    fn neighbours(&self, at: usize, network: &str, members: &[usize]) -> Option<Lost> {
        let Self { first, after, .. } = *self;
        let edges = &first.context.namespaces.get(at)?.edges;
        let place = edges.iter().find(|edge| edge.name == network)?.place?;
        let mine = after.container(at)?;
        let parted = |other: usize| {
            let theirs = after.container(other);
            !members.contains(&other)
                && !first.is_front(other)
                && theirs.is_some_and(|it| !it.attachments.keys().any(|name| mine.attachments.contains_key(name)))
        };
        let all: BTreeSet<&str> = first
            .context
            .namespaces
            .members(place)
            .iter()
            .filter(|member| parted(member.at))
            .map(|member| member.container.name.as_str())
            .collect();
        (!all.is_empty()).then(|| Lost::Neighbours {
            service: first.service(at),
            network: network.to_owned(),
            names: all.iter().take(MOST_NAMES).map(|it| (*it).to_owned()).collect(),
            count: all.len(),
        })
    }

    fn said(&self, members: &[usize]) -> Vec<Said> {
        let mut said = BTreeSet::new();
        for at in members {
            let Some(container) = self.first.container(*at) else { continue };
            if !container.is_running() {
                let (container, state) = (container.name.clone(), container.state.clone());
                said.insert(Said::NotRunning { container, state });
            }
        }
        let is_pivot = |finding: &&Finding| finding.rule == RuleId::Net011 && !finding.allowed;
        let pivots = self.after.plan.findings.iter().filter(is_pivot);
        let networks: BTreeSet<&str> = pivots
            .filter_map(|finding| match &finding.subject {
                crate::policy::finding::Subject::Network { name } => Some(name.as_str()),
                _ => None,
            })
            .collect();
        for at in members.iter().filter(|at| !self.after.is_front(**at)) {
            let Some(container) = self.after.container(*at) else { continue };
            let is_out = self.after.context.namespaces.get(*at).is_some_and(Namespace::has_way_out);
            if is_out && container.attachments.keys().any(|name| networks.contains(name.as_str())) {
                let kept = self.main.keep.contains(&container.id);
                said.insert(Said::KeepsWayOut { service: self.after.service(*at), kept });
            }
        }
        said.into_iter().collect()
    }

    fn choice(&self, at: usize) -> Option<Choice> {
        let Self { first, after, .. } = *self;
        let container = first.container(at)?;
        if self.main.keep.contains(&container.id) && !self.main.outside.contains_key(&container.id) {
            return None;
        }
        let ports = lost_ports(first, self.main, self.served, at);
        let asks = first.asks(at);
        let rules = self.main.outside.get(&container.id).cloned().unwrap_or_else(|| {
            after.refusals(at).iter().filter(|it| is_about_isolation(it)).filter_map(|it| it.rule).collect()
        });
        let rules = if asks { rules } else { BTreeSet::new() };
        if ports.is_empty() && rules.is_empty() {
            return None;
        }
        let kept = self.kept.and_then(|kept| {
            let candidate = kept.context.candidates.get(at)?;
            let refusals = kept.refusals(at);
            let fine = refusals.iter().all(is_liveness);
            (fine && candidate.labels.get(ALLOW).is_some()).then(|| candidate.allowed.clone())
        });
        let on_host = first.context.namespaces.get(at).is_some_and(Namespace::is_host);
        Some(Choice {
            container: container.name.clone(),
            service: first.service(at),
            asks,
            rules,
            allow: kept,
            on_host,
            ports,
        })
    }
}

/// Where the files of a project are, as all of its containers say.
pub fn files_of(inventory: &Inventory, settings: &Settings, owner: &Owner) -> Files {
    let context = Context::of(inventory, settings);
    let members = context.candidates.iter().enumerate().filter(|(_, it)| it.owner == *owner);
    let members: Vec<usize> = members.map(|(at, _)| at).collect();
    files(&context, &members)
}

/// Only what all of them say: one container that says it is of this project chooses no folder and no file. But Compose notes
/// its files only on what it makes anew: those of ours that some were started with count, in the project's folder.
fn files(context: &Context<'_>, members: &[usize]) -> Files {
    let said = |key: &'static str| -> Vec<Option<&str>> {
        members.iter().filter_map(|at| context.candidates.get(*at)).map(|it| it.labels.get(key)).collect()
    };
    let dirs = said("com.docker.compose.project.working_dir");
    let folder = dirs.first().copied().flatten().filter(|first| dirs.iter().all(|it| *it == Some(*first)));
    let number = |path: &str| {
        let name = folder.and_then(|folder| path.strip_prefix(folder)).and_then(|rest| rest.strip_prefix('/'));
        file_number(name.unwrap_or(path))
    };
    let lists = said("com.docker.compose.project.config_files");
    let of_others = |list: &str| -> Vec<String> {
        list.split(',').filter(|path| number(path).is_none()).map(ToOwned::to_owned).collect()
    };
    let mut all = lists.iter().map(|list| list.map(of_others));
    let base = all.next().flatten().filter(|first| all.all(|other| other.as_ref() == Some(first)));
    let config_files = base.map(|base| {
        let own: BTreeMap<usize, &str> = lists
            .iter()
            .flatten()
            .flat_map(|list| list.split(','))
            .filter_map(|path| Some((number(path).filter(|number| *number < MOST_FILES)?, path)))
            .collect();
        base.into_iter().chain(own.into_values().map(ToOwned::to_owned)).collect::<Vec<_>>().join(",")
    });
    Files { working_dir: folder.map(ToOwned::to_owned), config_files, is_guess: false }
}

/// Adds what a file needs to know of what stays.
fn describe(remedies: &mut Remedies, first: &World<'_>, after: &World<'_>) {
    let all = remedies.owners.iter().flat_map(|remedy| &remedy.edits).chain(&remedies.traefik);
    let owners: BTreeSet<Owner> = all.map(|edit| edit.owner.clone()).collect();
    for network in after.context.inventory.networks.values() {
        let label = |key: &str| network.labels.get(key).filter(|it| is_writable(it)).cloned();
        if let (Some(project), Some(key)) = (label("com.docker.compose.project"), label("com.docker.compose.network")) {
            remedies.keys.insert((project, network.name.clone()), key);
        }
    }
    for (at, candidate) in after.context.candidates.iter().enumerate() {
        if !owners.contains(&candidate.owner) {
            continue;
        }
        let key = (candidate.owner.to_string(), after.service(at));
        let container = candidate.container;
        let seats = container.attachments.values().map(|place| {
            let seat = super::edit::Seat {
                network: place.network.clone(),
                aliases: networks::aliases(container, &key.1, place),
                addresses: place.fixed.clone(),
            };
            (place.network.clone(), seat)
        });
        let seats = seats.collect();
        let confinement = &container.confinement;
        let stays = Stays { cap_add: confinement.cap_add.clone(), security_opt: confinement.security_opt.clone() };
        remedies.stays.insert(key.clone(), stays);
        remedies.places.insert(key, seats);
    }
    for owner in &owners {
        let members: Vec<usize> =
            (0..first.context.candidates.len()).filter(|at| first.owner(*at) == Some(owner)).collect();
        remedies.files.insert(owner.to_string(), files(&first.context, &members));
    }
    // Who does not change, and is in the folder of one that does: one `.env` cannot name the files of both.
    let folders: BTreeSet<String> = remedies.files.values().filter_map(|it| it.working_dir.clone()).collect();
    let mut beside: BTreeMap<&Owner, Vec<usize>> = BTreeMap::new();
    for (at, it) in first.context.candidates.iter().enumerate().filter(|(_, it)| !owners.contains(&it.owner)) {
        let folder = it.labels.get("com.docker.compose.project.working_dir");
        if it.owner.group().is_some() && folder.is_some_and(|folder| folders.contains(folder)) {
            beside.entry(&it.owner).or_default().push(at);
        }
    }
    for (owner, members) in beside {
        remedies.files.insert(owner.to_string(), files(&first.context, &members));
    }
}
