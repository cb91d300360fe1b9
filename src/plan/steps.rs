//! One container's way through the steps: what each step says, and what is left to be joined.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::address::{self, Place};
use super::complete::{self, Facts};
use super::label_cache::{Declaration, Others};
use super::reader::Reader;
use super::select;
use super::{Decision, Fact, Outcome, Step, StepName, Verdict, Warning, Weighed};
use crate::budgets::Demand;
use crate::inventory::{Container, ContainerId, Network};
use crate::policy::cause;
use crate::policy::claims::{self, Claim, ClaimContext};
use crate::policy::context::Candidate;
use crate::policy::context::Context;
use crate::policy::finding::Finding;
use crate::policy::hosts;
use crate::policy::image_labels::HOOK;
use crate::policy::leeward_labels::{TRAEFIK, is_true};
use crate::policy::names::{self, Owner};
use crate::policy::namespaces::Namespace;
use crate::policy::references;
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rules::{Judgement, Standing};
use crate::settings::{Isolation, OneOff, Settings};
use crate::traefik::case_fold;
use crate::traefik::labels::ProviderLabels;
use crate::traefik::rules::router::Reach;
use crate::traefik::{Dynamic, Problem, document, stopping};

/// A container that asked, or did not, and what its labels mean.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// Its place in the inventory.
    at: usize,
    pub(crate) candidate: &'a Candidate<'a>,
    namespace: &'a Namespace<'a>,
    /// What its labels say.
    declaration: &'a Declaration,
    /// Step 1.
    wish: Result<(), Refusal>,
}

impl<'a> Asked<'a> {
    /// All containers, in the order of the inventory.
    pub(crate) fn all(context: &'a Context<'a>, declarations: impl Iterator<Item = &'a Declaration>) -> Vec<Self> {
        let asked = |(at, ((candidate, namespace), declaration))| {
            let wish = asks(candidate, declaration, context.settings);
            Self { at, candidate, namespace, declaration, wish }
        };
        let mut all: Vec<Self> = context.everybody().zip(declarations).enumerate().map(asked).collect();
        hold_owners(&mut all, context.settings);
        all
    }

    /// Whether it asked for a route, whatever came of it.
    pub(crate) fn asks(&self) -> bool {
        self.wish.is_ok()
    }

    /// What its labels decode to, if they do.
    pub(crate) fn declared(&self) -> Option<&Dynamic> {
        self.declaration.dynamic.as_ref().ok().filter(|_| self.asks())
    }

    /// The size of a middleware that it declares, unless it is small.
    pub(crate) fn middleware_size(&self, name: &str) -> Option<u64> {
        let known = |(key, _): &&(String, u64)| case_fold::equal(key, name);
        self.declaration.middlewares.iter().find(known).map(|(_, size)| *size)
    }
}

/// What Compose writes on a container of `docker compose run`. Source: Compose `pkg/api/labels.go`, `OneoffLabel`.
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// Refuses the containers with which their owner asks for more than one may, in the order of the inventory.
fn hold_owners(all: &mut [Asked<'_>], settings: &Settings) {
    let mut demands: BTreeMap<&Owner, Demand> = BTreeMap::new();
    for asked in all.iter_mut().filter(|asked| asked.asks() && asked.declaration.demand != Demand::default()) {
        let so_far = demands.entry(&asked.candidate.owner).or_default();
        let demand = so_far.and(asked.declaration.demand);
        match settings.budgets.judge_owner(demand) {
            None => *so_far = demand,
            Some(excess) => asked.wish = Err(Refusal::from(&excess)),
        }
    }
}

fn asks(candidate: &Candidate<'_>, declaration: &Declaration, settings: &Settings) -> Result<(), Refusal> {
    let Candidate { container, image, labels, .. } = candidate;
    let counted = declaration.provider.as_ref().map_err(Clone::clone)?;
    let all = declaration.all.as_ref().map_err(Clone::clone)?;
    let (is_run, is_hook) = (labels.get(ONE_OFF) == Some("True"), labels.get(HOOK).is_some());
    if counted.enable && settings.one_off == OneOff::Ignore && (is_run || is_hook) {
        let (cause, label) = if is_run { (cause::Step::OneOff, ONE_OFF) } else { (cause::Step::OneOffHook, HOOK) };
        return Err(Refusal::new(Code::OneOff, cause).by_label(label));
    }
    if labels.unknown() {
        // Nobody can tell whose the labels are: judged on all of them, and refused by step 0 if they ask.
        let own = |key: &str| container.labels.get(key).map(String::as_str);
        return select::asked_for(container, all, all, &own, settings);
    }
    let asked = select::asked_for(container, all, counted, &|key| labels.own(key, *image), settings);
    let (is_leeward, is_traefik) = (candidate.is_leeward, candidate.is_traefik);
    asked.map_err(|refusal| match refusal.code {
        // Nobody should be told to route them.
        Code::NotEnabled if is_leeward => Refusal::new(Code::NotEnabled, cause::Step::IsLeeward),
        Code::NotEnabled if is_hook => Refusal::new(Code::NotEnabled, cause::Step::IsHook).by_label(HOOK),
        Code::NotEnabled if is_traefik => Refusal::new(Code::NotEnabled, cause::Step::IsTraefik),
        Code::NotEnabled if candidate.is_egress => Refusal::new(Code::NotEnabled, cause::Step::IsEgress),
        _ => refusal,
    })
}

/// What all containers are judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepContext<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) judgement: &'a Judgement,
    pub(crate) claims: ClaimContext<'a>,
    /// What stands against containers for the middlewares that their routers use, by place.
    pub(crate) unfolded: &'a BTreeMap<usize, Refusal>,
    pub(crate) reader: Reader,
}

/// A container's share of the document, completed and named, on its way to be joined.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) candidate: &'a Candidate<'a>,
    /// Containers are joined in the order of this key. Source: Traefik `docker/config.go`, `build`.
    pub(crate) key: String,
    /// The place in the inventory of the network it is reached on; `None` for a declared Traefik, and where any network
    /// will do.
    pub(crate) network: Option<usize>,
    /// The network's name.
    pub(crate) network_name: String,
    pub(crate) dynamic: Dynamic,
    /// The hosts of its routers' rules.
    pub(crate) reaches: Vec<Arc<Reach>>,
}

/// The steps as they are taken.
struct Steps {
    steps: Vec<Step>,
}

impl Steps {
    fn take(&mut self, name: StepName, verdict: Verdict, facts: Vec<Fact>) {
        self.steps.push(Step { facts, ..Step::new(name, verdict) });
    }

    fn fail(&mut self, name: StepName, facts: Vec<Fact>, refusals: Vec<Refusal>) {
        self.steps.push(Step { facts, refusals, ..Step::new(name, Verdict::Failed) });
    }

    fn judge(&mut self, name: StepName, facts: Vec<Fact>, result: Result<(), Refusal>) {
        match result {
            Ok(()) => self.take(name, Verdict::Passed, facts),
            Err(refusal) => self.fail(name, facts, vec![refusal]),
        }
    }
}

/// A container that was taken through the steps, before it is known who else claims its hosts.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    asked: &'a Asked<'a>,
    /// All but the last.
    steps: Vec<Step>,
    /// The last one's, if its labels can be read.
    rights: Option<claims::Verdict>,
    warnings: Vec<Warning>,
    network: Option<String>,
    address: Option<String>,
    part: Option<Part<'a>>,
}

impl<'a> Judged<'a> {
    /// Takes one container through the steps, as far as they go.
    pub(crate) fn of(asked: &'a Asked<'a>, all: StepContext<'_>) -> Self {
        let StepContext { context, .. } = all;
        let Candidate { container, labels, is_traefik, .. } = asked.candidate;
        let mut steps = Steps { steps: Vec::with_capacity(8) };
        let mut warnings = asked.declaration.unmatched.clone();
        if labels.get(TRAEFIK).is_some_and(is_true) && !is_traefik {
            warnings.push(Warning::new(Some(TRAEFIK.to_owned()), cause::Step::NotNamedTraefik));
        }
        let mut judged =
            Self { asked, steps: Vec::new(), rights: None, warnings, network: None, address: None, part: None };
        operator_labels(asked, &mut steps);
        steps.judge(StepName::AskedFor, Vec::new(), asked.wish.clone());
        if let (Ok(()), Ok(provider)) = (&asked.wish, &asked.declaration.provider) {
            alive(container, provider, context.settings, &mut steps);
            isolated(asked, all, &mut steps);
            let reached = proxy_network(asked, provider, context, &mut steps);
            if let Ok(reached) = &reached {
                judged.network = Some(reached.place.network.clone()).filter(|name| !name.is_empty());
                judged.address = Some(reached.place.host.clone()).filter(|host| !host.is_empty());
            }
            match (understood(asked, all, &mut steps), &asked.declaration.others) {
                (Some(dynamic), _) => judged.complete(dynamic, &reached, all, &mut steps),
                (None, Some(others)) => judged.judge_others(others, reached.as_ref().ok(), all),
                (None, None) => {}
            }
        }
        judged.steps = steps.steps;
        judged
    }

    /// What stands against it so far.
    fn first_no(&self) -> Option<&Refusal> {
        let steps = self.steps.iter().filter(|step| step.verdict == Verdict::Failed);
        let rights = self.rights.iter().flat_map(|rights| &rights.refusals);
        steps.filter_map(|step| step.refusals.first()).chain(rights).next()
    }

    /// Its share of the document, if nothing stands against it so far.
    pub(crate) fn part(&self) -> Option<&Part<'a>> {
        self.part.as_ref().filter(|_| self.first_no().is_none())
    }

    /// Its id.
    pub(crate) fn id(&self) -> &'a ContainerId {
        self.asked.candidate.id
    }

    /// What its labels claim was found to be.
    pub(crate) fn findings(&self) -> &[Finding] {
        self.rights.as_ref().map_or(&[], |rights| &rights.findings)
    }

    /// What is decided about it. `contested`: why it may not have its hosts because of others; `warnings`: what came up
    /// when all was joined.
    pub(crate) fn decide(mut self, contested: Vec<Refusal>, warnings: Vec<Warning>) -> Decision {
        let Candidate { id, container, labels, owner, .. } = self.asked.candidate;
        if let Some(rights) = &mut self.rights {
            rights.refusals.extend(contested);
        }
        let refusal = self.first_no().cloned();
        let outcome = match (&self.asked.wish, self.part()) {
            // A container whose `traefik.enable` cannot be read did ask for something.
            (Err(wish), _) if !matches!(wish.code, Code::BadLabel | Code::Budget) => Outcome::Ignored,
            (Ok(()), Some(_)) => Outcome::Routed,
            _ => Outcome::Refused,
        };
        let mut hosts = BTreeSet::new();
        if outcome != Outcome::Routed {
            hosts.clone_from(self.asked.declaration.named_hosts(labels));
            // The default rule's too.
            let reaches = self.part.iter().flat_map(|part| &part.reaches);
            hosts.extend(reaches.flat_map(|reach| hosts::patterns(reach)));
        }
        self.steps.extend(self.rights.map(within_rights));
        self.warnings.extend(warnings);
        Decision {
            id: ContainerId::clone(id),
            name: container.name.clone(),
            owner: owner.to_string(),
            service: labels.get("com.docker.compose.service").map(ToOwned::to_owned),
            outcome,
            refusal,
            steps: self.steps,
            warnings: self.warnings,
            hosts,
            network: self.network,
            address: self.address,
        }
    }
}

/// Step 0.
fn operator_labels(asked: &Asked<'_>, steps: &mut Steps) {
    let labels = &asked.candidate.labels;
    let facts = labels.baked.iter().map(|&key| Fact::Baked(key.to_owned())).collect();
    match labels.refusal.clone().filter(|_| asked.asks()) {
        Some(refusal) => steps.fail(StepName::OperatorLabels, facts, vec![refusal]),
        None => steps.take(StepName::OperatorLabels, Verdict::Passed, facts),
    }
}

/// Step 2.
fn alive(container: &Container, provider: &ProviderLabels, settings: &Settings, steps: &mut Steps) {
    let mut facts = Vec::new();
    if container.swarm.is_none() {
        facts.push(Fact::State { state: container.state.clone(), health: container.health.clone() });
    }
    let mut result = select::alive(container, provider, settings);
    if let (Ok(()), Some(malformed)) = (&result, &container.malformed) {
        result = Err(Refusal::new(Code::Unreadable, cause::Step::Malformed(malformed.clone())));
    }
    steps.judge(StepName::Alive, facts, result);
}

/// Step 3.
fn isolated(asked: &Asked<'_>, all: StepContext<'_>, steps: &mut Steps) {
    if asked.candidate.is_traefik {
        steps.take(StepName::Isolated, Verdict::Skipped, vec![Fact::IsTraefik]);
        return;
    }
    if all.context.settings.isolation == Isolation::Off {
        steps.take(StepName::Isolated, Verdict::Skipped, vec![Fact::IsolationOff]);
        return;
    }
    let weighed = |(finding, standing): (&Finding, Standing)| {
        let Finding { rule, subject, cause, .. } = finding;
        Weighed { rule: *rule, subject: subject.clone(), standing, cause: Arc::clone(cause) }
    };
    let findings: Vec<Weighed> = all.judgement.concerning(asked.at).into_iter().map(weighed).collect();
    let any = |which: &[Standing]| findings.iter().any(|it| which.contains(&it.standing));
    let verdict = if any(&[Standing::Blocks]) {
        Verdict::Failed
    } else if any(&[Standing::Allowed, Standing::Overruled]) {
        Verdict::Overruled
    } else {
        Verdict::Passed
    };
    let refusals = all.judgement.refusals(asked.at);
    steps.steps.push(Step { findings, refusals, ..Step::new(StepName::Isolated, verdict) });
}

/// Where a container is reached.
struct Reached<'a> {
    network: Option<&'a Network>,
    /// The network's place in the inventory.
    at: Option<usize>,
    place: Place,
    addresses: Vec<IpAddr>,
}

/// Step 4. An address is only missing where the container is not running.
fn proxy_network<'a>(
    asked: &Asked<'a>,
    provider: &ProviderLabels,
    context: &Context<'a>,
    steps: &mut Steps,
) -> Result<Reached<'a>, Refusal> {
    let (container, settings) = (asked.candidate.container, context.settings);
    if asked.candidate.is_traefik {
        steps.take(StepName::ProxyNetwork, Verdict::Skipped, vec![Fact::IsTraefik]);
        return Ok(Reached { network: None, at: None, place: Place::default(), addresses: Vec::new() });
    }
    if settings.isolation == Isolation::Off {
        steps.take(StepName::ProxyNetwork, Verdict::Skipped, vec![Fact::IsolationOff]);
        return anywhere(container, provider, context);
    }
    let wanted = provider.network.as_deref().filter(|it| !it.is_empty()).map(|it| (provider.network_label(), it));
    match context.proxy.choose(
        container,
        asked.namespace,
        wanted,
        asked.candidate.owner.group(),
        asked.candidate.isolation,
    ) {
        Ok(choice) => {
            let addresses: Vec<IpAddr> =
                [choice.attachment.ipv4, choice.attachment.ipv6].into_iter().flatten().collect();
            let place = Place {
                host: address::of_attachment(choice.attachment).map(|ip| ip.to_string()).unwrap_or_default(),
                network: choice.network.name.clone(),
            };
            let facts = vec![Fact::Place { network: place.network.clone(), address: place.host.clone() }];
            match choice.overruled {
                Some(refusal) => steps.steps.push(Step {
                    facts,
                    refusals: vec![refusal],
                    ..Step::new(StepName::ProxyNetwork, Verdict::Overruled)
                }),
                None => steps.take(StepName::ProxyNetwork, Verdict::Passed, facts),
            }
            Ok(Reached { network: Some(choice.network), at: Some(choice.at), place, addresses })
        }
        Err(refusal) if asked.candidate.isolation == Isolation::Warn => {
            let reached = anywhere(container, provider, context);
            let verdict = if reached.is_ok() { Verdict::Overruled } else { Verdict::Failed };
            steps.steps.push(Step { refusals: vec![refusal], ..Step::new(StepName::ProxyNetwork, verdict) });
            reached
        }
        Err(refusal) => {
            steps.fail(StepName::ProxyNetwork, Vec::new(), vec![refusal.clone()]);
            Err(refusal)
        }
    }
}

/// As Traefik's own provider finds it.
fn anywhere<'a>(
    container: &Container,
    provider: &ProviderLabels,
    context: &Context<'a>,
) -> Result<Reached<'a>, Refusal> {
    let wanted = provider.network.as_deref().or(context.settings.network.as_deref());
    let place = address::anywhere(context.inventory, container, wanted, context.settings)
        .map_err(|why| Refusal::new(Code::NoAddress, cause::Step::Unreached(why)))?;
    let addresses = place.host.parse().into_iter().collect();
    let named = context.inventory.networks.values().enumerate().find(|(_, network)| network.name == place.network);
    let (at, network) = named.unzip();
    Ok(Reached { network, at, place, addresses })
}

/// Step 5.
fn understood<'d>(asked: &Asked<'d>, all: StepContext<'_>, steps: &mut Steps) -> Option<&'d Dynamic> {
    let declaration = asked.declaration;
    let dynamic = match &declaration.dynamic {
        Ok(dynamic) => dynamic,
        Err(refusal) => {
            let unread = declaration.others.iter().flat_map(|others| others.unread.iter().cloned());
            steps.fail(StepName::Understood, Vec::new(), [refusal.clone()].into_iter().chain(unread).collect());
            return None;
        }
    };
    let mut refusals = declaration.unwritable.clone();
    refusals.extend(all.unfolded.get(&asked.at).cloned());
    let Reader { version, assumed } = all.reader;
    for (label, since) in dynamic.newer_than(version) {
        let cause = cause::Step::TooNew { since, document: version, assumed };
        refusals.push(Refusal::new(Code::TraefikVersion, cause).by_label(label));
    }
    // Under `off` it is Traefik's own provider, which passes them on.
    if all.context.settings.isolation != Isolation::Off {
        let stopping = stopping::problems(dynamic, version).into_iter();
        refusals.extend(stopping.map(|it| {
            let Problem { label, words, remedy, .. } = it;
            Refusal::new(Code::BadLabel, cause::Step::StopsTraefik { words, remedy }).by_label(label)
        }));
    }
    if refusals.is_empty() {
        steps.take(StepName::Understood, Verdict::Passed, Vec::new());
    } else {
        steps.fail(StepName::Understood, Vec::new(), refusals);
    }
    Some(dynamic)
}

impl Judged<'_> {
    /// Step 6, and what step 7 is judged on. What the container declares is kept as it is; what is completed and renamed is a
    /// copy.
    fn complete(
        &mut self,
        declared: &Dynamic,
        reached: &Result<Reached<'_>, Refusal>,
        all: StepContext<'_>,
        steps: &mut Steps,
    ) {
        let StepContext { context, .. } = all;
        let settings = context.settings;
        let Candidate { id, container, labels, owner, is_traefik, .. } = self.asked.candidate;
        let service_name = select::service_name(container, &labels.labels);
        let mut dynamic = declared.clone();
        let result = if *is_traefik {
            of_traefik(&mut dynamic, &mut self.warnings);
            Ok(())
        } else {
            let host = match reached {
                Ok(reached) if reached.place.host.is_empty() => {
                    Err(Refusal::new(Code::NoAddress, cause::Step::NoAddress))
                }
                Ok(reached) => Ok(reached.place.host.as_str()),
                Err(refusal) => Err(refusal.clone()),
            };
            let facts = Facts {
                container,
                labels,
                image: self.asked.candidate.image,
                service_name: &service_name,
                host: &host,
                serving: select::is_serving(container),
                settings,
            };
            complete::complete(&mut dynamic, facts, &mut self.warnings)
        };
        let claimed = hosts::claimed_when_complete(&self.asked.declaration.claimed, &dynamic);
        // Rules that Traefik will not take: it then drops the router alone, and so Leeward passes them on.
        self.warnings.extend(claimed.iter().flat_map(|claimed| {
            let problems = claimed.problems.iter().cloned();
            problems.map(|problem| Warning::new(Some(claimed.label()), cause::Step::BadRule(problem)))
        }));
        let reached = reached.as_ref().ok();
        let networks = self.networks(reached);
        let claim = Claim {
            dynamic: declared,
            complete: &dynamic,
            hosts: &claimed,
            ..self.claim(declared, reached, &networks)
        };
        self.rights = Some(claims::judge(&claim, all.claims));
        let reaches = claimed.iter().filter_map(hosts::Claimed::of_rule).cloned().collect();
        if settings.isolation != Isolation::Off {
            complete::follow_no_redirects(&mut dynamic.http);
        }
        let result = result.and_then(|()| {
            references::rewrite(&mut dynamic, owner, all.claims.middlewares, settings, container.swarm.is_some());
            self.short_names(&dynamic, service_name.len(), settings)
        });
        let facts = match (&result, servers(&dynamic)) {
            (Ok(()), servers) if !servers.is_empty() => {
                vec![Fact::Servers(servers.into_iter().map(str::to_owned).collect())]
            }
            _ => Vec::new(),
        };
        self.part = result.is_ok().then(|| Part {
            candidate: self.asked.candidate,
            key: [&service_name, "-", id.as_str()].concat(),
            network: reached.and_then(|reached| reached.at),
            network_name: reached.map(|reached| reached.place.network.clone()).unwrap_or_default(),
            dynamic,
            reaches,
        });
        steps.judge(StepName::Addressed, facts, result);
    }

    /// The networks on which it claims what it claims.
    fn networks<'n>(&'n self, reached: Option<&'n Reached<'_>>) -> Vec<Option<&'n Network>> {
        let mut networks: Vec<Option<&Network>> = reached.map(|reached| reached.network).into_iter().collect();
        if self.asked.candidate.is_traefik {
            networks.extend(self.asked.namespace.edges.iter().filter_map(|edge| edge.network).map(Some));
        }
        networks
    }

    /// What it claims with what its labels decode to, before that is completed.
    fn claim<'c>(
        &'c self,
        dynamic: &'c Dynamic,
        reached: Option<&'c Reached<'_>>,
        networks: &'c [Option<&'c Network>],
    ) -> Claim<'c> {
        let Candidate { container, owner, speaks_for_all, allowed, rights, isolation, .. } = self.asked.candidate;
        Claim {
            container,
            owner,
            dynamic,
            complete: dynamic,
            hosts: &[],
            networks,
            addresses: reached.map_or(&[], |reached| &reached.addresses),
            speaks_for_all: *speaks_for_all,
            allowed,
            rights: *rights,
            isolation: *isolation,
            unread: None,
        }
    }

    /// Of labels of which one cannot be read: what the others are refused for, so that one round tells it all. Only what
    /// stands in a label of its own is told: what seems to be missing may be what could not be read.
    fn judge_others(&mut self, others: &Others, reached: Option<&Reached<'_>>, all: StepContext<'_>) {
        let networks = self.networks(reached);
        let claim = Claim {
            hosts: &others.claimed,
            unread: Some(&others.middlewares),
            ..self.claim(&others.dynamic, reached, &networks)
        };
        let mut rights = claims::judge(&claim, all.claims);
        let labels = &self.asked.candidate.container.labels;
        let is_there = |label: &Option<String>| {
            label.as_ref().is_some_and(|label| labels.keys().any(|key| key.eq_ignore_ascii_case(label)))
        };
        rights.refusals.retain(|it| is_there(&it.label));
        rights.findings.retain(|it| is_there(&it.label));
        if !rights.refusals.is_empty() {
            self.rights = Some(rights);
        }
    }

    /// Whether Traefik can read all names of the document; `least`: how long one of them is at least.
    fn short_names(&self, dynamic: &Dynamic, least: usize, settings: &Settings) -> Result<(), Refusal> {
        let Candidate { container, owner, .. } = self.asked.candidate;
        let longest = names::width(owner) + self.asked.declaration.longest_name.max(least);
        let published = |name: &str| names::published(owner, name, settings.names);
        let long = document::may_be_long(longest).then(|| document::long_name(dynamic, published)).flatten();
        let Some(name) = long else { return Ok(()) };
        let refusal = Refusal::new(Code::BadName, cause::Step::LongName(name.chars().take(40).collect()));
        let declared = name.strip_prefix(&[&owner.to_string(), "."].concat()).unwrap_or(&name);
        let label = container.labels.keys().find(|label| label.contains(declared)).cloned();
        Err(Refusal { label, ..refusal })
    }
}

/// Step 7.
fn within_rights(claims::Verdict { refusals, overruled, findings: _ }: claims::Verdict) -> Step {
    // What is overruled is no reason where another one stands: the findings have it.
    let (verdict, refusals) = match (refusals.is_empty(), overruled.is_empty()) {
        (false, _) => (Verdict::Failed, refusals),
        (true, false) => (Verdict::Overruled, overruled),
        (true, true) => (Verdict::Passed, refusals),
    };
    Step { refusals, ..Step::new(StepName::WithinRights, verdict) }
}

/// What a declared Traefik's own container may declare: no services, and only routers into another provider
/// (`api@internal`, where `--allow-reference` lets it).
fn of_traefik(dynamic: &mut Dynamic, warnings: &mut Vec<Warning>) {
    let mut left_out = |kind: &str, name: &str| {
        warnings.push(Warning::new(Some(format!("traefik.{kind}.{name}")), cause::Step::NoBackend));
    };
    let elsewhere = |service: &Option<String>| service.as_deref().is_some_and(|service| service.contains('@'));
    for name in std::mem::take(&mut dynamic.http.services).keys() {
        left_out("http.services", name);
    }
    for name in std::mem::take(&mut dynamic.tcp.services).keys() {
        left_out("tcp.services", name);
    }
    for name in std::mem::take(&mut dynamic.udp.services).keys() {
        left_out("udp.services", name);
    }
    retain(
        &mut dynamic.http.routers,
        |router| elsewhere(&router.service) && router.rule.is_some(),
        |name| {
            left_out("http.routers", name);
        },
    );
    retain(
        &mut dynamic.tcp.routers,
        |router| elsewhere(&router.service) && router.rule.is_some(),
        |name| {
            left_out("tcp.routers", name);
        },
    );
    retain(&mut dynamic.udp.routers, |router| elsewhere(&router.service), |name| left_out("udp.routers", name));
}

fn retain<T>(map: &mut BTreeMap<String, T>, keep: impl Fn(&T) -> bool, mut left_out: impl FnMut(&str)) {
    map.retain(|name, value| {
        let kept = keep(value);
        if !kept {
            left_out(name);
        }
        kept
    });
}

/// Every server's address.
fn servers(dynamic: &Dynamic) -> Vec<&str> {
    let http = dynamic.http.services.values().flat_map(|service| service.addresses());
    let tcp = dynamic.tcp.services.values().flat_map(|service| service.addresses());
    let udp = dynamic.udp.services.values().flat_map(|service| service.addresses());
    http.chain(tcp).chain(udp).collect()
}
