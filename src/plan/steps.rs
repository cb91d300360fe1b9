//! One container's way through the steps: what each step says, and what is left to be joined.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::address::Place;
use super::asked::Asked;
use super::basis::{Basis, Reached};
use super::complete::{self, Facts};
use super::declaration::Others;
use super::reader::Reader;
use super::select;
use super::{Decision, Fact, Outcome, Step, StepName, Verdict, Warning, Weighed};
use crate::inventory::{Container, ContainerId, Network};
use crate::policy::cause;
use crate::policy::claims::{self, Claim, ClaimContext};
use crate::policy::context::Candidate;
use crate::policy::context::Context;
use crate::policy::finding::Finding;
use crate::policy::hosts;
use crate::policy::leeward_labels::{TRAEFIK, is_true};
use crate::policy::names;
use crate::policy::references;
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rules::{Judgement, Standing};
use crate::settings::{Isolation, Settings};
use crate::traefik::labels::ProviderLabels;
use crate::traefik::rules::router::Reach;
use crate::traefik::{Dynamic, document, stopping};

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

/// A container's share of the document on its way to be joined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) candidate: &'a Candidate<'a>,
    /// The place in the inventory of the network it is reached on; `None` for a declared Traefik, and where any network
    /// will do.
    pub(crate) network: Option<usize>,
    pub(crate) share: &'a Share,
}

/// What a container adds to the document, completed and named.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// Containers are joined in the order of this key. Source: Traefik `docker/config.go`, `build`.
    pub(crate) key: String,
    /// The name of the network it is reached on.
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

/// What one container's steps come to, before it is known who else claims its hosts. Remembered for the next time.
#[derive(Clone, Debug)]
pub(crate) struct Conclusion {
    /// What it follows from; `None`: from more than a basis holds, and it is worked out each time.
    basis: Option<Basis<'static>>,
    /// What is decided, where nobody else claims its hosts.
    decision: Arc<Decision>,
    /// The last step's verdict, if its labels can be read.
    rights: Option<claims::Verdict>,
    share: Option<Share>,
}

/// A container that was taken through the steps.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    asked: &'a Asked<'a>,
    conclusion: Arc<Conclusion>,
    /// The place in the inventory of the network it is reached on.
    network: Option<usize>,
}

impl<'a> Judged<'a> {
    /// Takes one container through the steps, as far as they go; not again, where all that they follow from is as it was.
    pub(crate) fn of(asked: &'a Asked<'a>, all: StepContext<'_>) -> Self {
        let (basis, network) = Basis::of(asked, all);
        let is_all = Basis::is_all(asked, all);
        let remembered = asked.before.filter(|it| is_all && it.basis.as_ref() == Some(&basis));
        let conclusion = match remembered {
            Some(conclusion) => Arc::clone(conclusion),
            None => Arc::new(Conclusion::of(asked, basis, is_all, network, all)),
        };
        Self { asked, conclusion, network: network.map(|(at, _)| at) }
    }

    /// Its share of the document, if nothing stands against it so far.
    pub(crate) fn part(&self) -> Option<Part<'_>> {
        let share = self.conclusion.share.as_ref().filter(|_| self.conclusion.decision.outcome == Outcome::Routed)?;
        Some(Part { candidate: self.asked.candidate, network: self.network, share })
    }

    /// Its id.
    pub(crate) fn id(&self) -> &'a ContainerId {
        self.asked.candidate.id
    }

    /// What its labels claim was found to be.
    pub(crate) fn findings(&self) -> &[Finding] {
        self.conclusion.rights.as_ref().map_or(&[], |rights| &rights.findings)
    }

    /// What is to be remembered.
    pub(crate) fn into_conclusion(self) -> Option<Arc<Conclusion>> {
        Some(self.conclusion).filter(|it| it.basis.is_some())
    }

    /// What is decided about it. `contested`: why it may not have its hosts because of others; `warnings`: what came up
    /// when all was joined.
    pub(crate) fn decide(&self, contested: Vec<Refusal>, warnings: Vec<Warning>) -> Arc<Decision> {
        let conclusion = &self.conclusion;
        if contested.is_empty() && warnings.is_empty() {
            return Arc::clone(&conclusion.decision);
        }
        let before = &*conclusion.decision;
        let mut rights = conclusion.rights.clone();
        if let Some(rights) = &mut rights {
            rights.refusals.extend(contested);
        }
        let steps = before.steps.iter().filter(|step| step.name != StepName::WithinRights).cloned().collect();
        let warnings = before.warnings.iter().cloned().chain(warnings).collect();
        let (network, address) = (before.network.clone(), before.address.clone());
        let taken = Taken { steps, rights, warnings, network, address, share: None };
        Arc::new(taken.decide(self.asked, conclusion.share.as_ref()))
    }
}

/// The steps of one container as they were taken, all but the last.
struct Taken {
    steps: Vec<Step>,
    /// The last one's, if its labels can be read.
    rights: Option<claims::Verdict>,
    warnings: Vec<Warning>,
    network: Option<String>,
    address: Option<String>,
    share: Option<Share>,
}

impl Conclusion {
    /// `is_all`: see [`Basis::is_all`].
    fn of(
        asked: &Asked<'_>,
        basis: Basis<'_>,
        is_all: bool,
        network: Option<(usize, &Network)>,
        all: StepContext<'_>,
    ) -> Self {
        let network = network.map(|(_, network)| network);
        let mut taken = Taken::of(asked, &basis, network, all);
        let (rights, share) = (taken.rights.clone(), taken.share.take());
        let decision = Arc::new(taken.decide(asked, share.as_ref()));
        let basis = is_all.then(|| basis.into_owned());
        Self { basis, decision, rights, share }
    }
}

impl Taken {
    fn of(asked: &Asked<'_>, basis: &Basis<'_>, network: Option<&Network>, all: StepContext<'_>) -> Self {
        let settings = all.context.settings;
        let Candidate { container, labels, is_traefik, .. } = asked.candidate;
        let mut steps = Steps { steps: Vec::with_capacity(8) };
        let mut warnings = asked.declaration.unmatched.clone();
        if labels.get(TRAEFIK).is_some_and(is_true) && !is_traefik {
            warnings.push(Warning::new(Some(TRAEFIK.to_owned()), cause::Step::NotNamedTraefik));
        }
        let mut taken = Self { steps: Vec::new(), rights: None, warnings, network: None, address: None, share: None };
        operator_labels(asked, &mut steps);
        steps.judge(StepName::AskedFor, Vec::new(), asked.wish.clone());
        if let (Some(reached), Ok(provider)) = (&basis.reached, &asked.declaration.provider) {
            alive(container, provider, settings, &mut steps);
            isolated(asked, basis, settings, &mut steps);
            proxy_network(asked, reached, settings, &mut steps);
            if let Ok(place) = &reached.place {
                let is_there = |text: &String| !text.is_empty();
                taken.network = Some(place.network.clone()).filter(is_there);
                taken.address = Some(place.host.clone()).filter(is_there);
            }
            match (understood(asked, basis, settings, &mut steps), &asked.declaration.others) {
                (Some(dynamic), _) => taken.complete(asked, dynamic, reached, network, all, &mut steps),
                (None, Some(others)) => taken.judge_others(asked, others, reached, network, all),
                (None, None) => {}
            }
        }
        taken.steps = steps.steps;
        taken
    }

    /// What stands against it so far.
    fn first_no(&self) -> Option<&Refusal> {
        let steps = self.steps.iter().filter(|step| step.verdict == Verdict::Failed);
        let rights = self.rights.iter().flat_map(|rights| &rights.refusals);
        steps.filter_map(|step| step.refusals.first()).chain(rights).next()
    }

    /// `share`: what it would add to the document.
    fn decide(mut self, asked: &Asked<'_>, share: Option<&Share>) -> Decision {
        let Candidate { id, container, labels, owner, .. } = asked.candidate;
        let refusal = self.first_no().cloned();
        let outcome = match (&asked.wish, share) {
            // A container whose `traefik.enable` cannot be read did ask for something.
            (Err(wish), _) if !matches!(wish.code, Code::BadLabel | Code::Budget) => Outcome::Ignored,
            (Ok(()), Some(_)) if refusal.is_none() => Outcome::Routed,
            _ => Outcome::Refused,
        };
        let mut hosts = BTreeSet::new();
        if outcome != Outcome::Routed {
            hosts.clone_from(asked.declaration.named_hosts(labels));
            // The default rule's too.
            let reaches = share.iter().flat_map(|share| &share.reaches);
            hosts.extend(reaches.flat_map(|reach| hosts::patterns(reach)));
        }
        self.steps.extend(self.rights.map(within_rights));
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
fn isolated(asked: &Asked<'_>, basis: &Basis<'_>, settings: &Settings, steps: &mut Steps) {
    if asked.candidate.is_traefik {
        steps.take(StepName::Isolated, Verdict::Skipped, vec![Fact::IsTraefik]);
        return;
    }
    if settings.isolation == Isolation::Off {
        steps.take(StepName::Isolated, Verdict::Skipped, vec![Fact::IsolationOff]);
        return;
    }
    let weighed = |(finding, standing): &(Cow<'_, Finding>, Standing)| {
        let Finding { rule, subject, cause, .. } = &**finding;
        Weighed { rule: *rule, subject: subject.clone(), standing: *standing, cause: Arc::clone(cause) }
    };
    let findings: Vec<Weighed> = basis.found.iter().map(weighed).collect();
    let any = |which: &[Standing]| findings.iter().any(|it| which.contains(&it.standing));
    let verdict = if any(&[Standing::Blocks]) {
        Verdict::Failed
    } else if any(&[Standing::Allowed, Standing::Overruled]) {
        Verdict::Overruled
    } else {
        Verdict::Passed
    };
    let blocking = basis.found.iter().filter(|(_, standing)| *standing == Standing::Blocks);
    let refusals = blocking.map(|(finding, _)| Refusal::for_finding(Code::NotIsolated, finding)).collect();
    steps.steps.push(Step { findings, refusals, ..Step::new(StepName::Isolated, verdict) });
}

/// Step 4. An address is only missing where the container is not running.
fn proxy_network(asked: &Asked<'_>, reached: &Reached, settings: &Settings, steps: &mut Steps) {
    let name = StepName::ProxyNetwork;
    if asked.candidate.is_traefik {
        steps.take(name, Verdict::Skipped, vec![Fact::IsTraefik]);
        return;
    }
    if settings.isolation == Isolation::Off {
        steps.take(name, Verdict::Skipped, vec![Fact::IsolationOff]);
        return;
    }
    let Reached { place, on_proxy, against, .. } = reached;
    let place = place.as_ref();
    let shown = place.ok().filter(|_| *on_proxy);
    let facts = shown.map(|Place { network, host }| Fact::Place { network: network.clone(), address: host.clone() });
    let verdict = match (place, against) {
        (Ok(_), None) => Verdict::Passed,
        (Ok(_), Some(_)) => Verdict::Overruled,
        (Err(_), _) => Verdict::Failed,
    };
    let refusals = against.as_ref().or(place.err()).cloned().into_iter().collect();
    steps.steps.push(Step { facts: facts.into_iter().collect(), refusals, ..Step::new(name, verdict) });
}

/// Step 5.
fn understood<'d>(asked: &Asked<'d>, basis: &Basis<'_>, settings: &Settings, steps: &mut Steps) -> Option<&'d Dynamic> {
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
    refusals.extend(basis.unfolded.as_deref().cloned());
    let Reader { version, assumed } = basis.reader;
    for (label, since) in dynamic.newer_than(version) {
        let cause = cause::Step::TooNew { since, document: version, assumed };
        refusals.push(Refusal::new(Code::TraefikVersion, cause).by_label(label));
    }
    // Under `off` it is Traefik's own provider, which passes them on.
    if settings.isolation != Isolation::Off {
        let stops = stopping::stops(dynamic, version).into_iter();
        refusals.extend(
            stops.map(|(label, stop)| Refusal::new(Code::BadLabel, cause::Step::StopsTraefik(stop)).by_label(label)),
        );
    }
    if refusals.is_empty() {
        steps.take(StepName::Understood, Verdict::Passed, Vec::new());
    } else {
        steps.fail(StepName::Understood, Vec::new(), refusals);
    }
    Some(dynamic)
}

impl Taken {
    /// Step 6, and what step 7 is judged on. What the container declares is kept as it is; what is completed and renamed is a
    /// copy.
    fn complete(
        &mut self,
        asked: &Asked<'_>,
        declared: &Dynamic,
        reached: &Reached,
        network: Option<&Network>,
        all: StepContext<'_>,
        steps: &mut Steps,
    ) {
        let StepContext { context, .. } = all;
        let settings = context.settings;
        let Candidate { id, container, labels, owner, is_traefik, .. } = asked.candidate;
        let service_name = select::service_name(container, &labels.labels);
        let mut dynamic = declared.clone();
        let result = if *is_traefik {
            of_traefik(&mut dynamic, &mut self.warnings);
            Ok(())
        } else {
            let host = match &reached.place {
                Ok(place) if place.host.is_empty() => Err(Refusal::new(Code::NoAddress, cause::Step::NoAddress)),
                Ok(place) => Ok(place.host.as_str()),
                Err(refusal) => Err(refusal.clone()),
            };
            let facts = Facts {
                container,
                labels,
                image: asked.candidate.image,
                service_name: &service_name,
                host: &host,
                serving: select::is_serving(container),
                settings,
            };
            complete::complete(&mut dynamic, facts, &mut self.warnings)
        };
        let claimed = hosts::claimed_when_complete(&asked.declaration.claimed, &dynamic);
        // Rules that Traefik will not take: it then drops the router alone, and so Leeward passes them on.
        self.warnings.extend(claimed.iter().flat_map(|claimed| {
            let problems = claimed.problems.iter().cloned();
            problems.map(|problem| Warning::new(Some(claimed.label()), cause::Step::BadRule(problem)))
        }));
        let networks = networks(asked, reached, network);
        let claim = Claim {
            dynamic: declared,
            complete: &dynamic,
            hosts: &claimed,
            ..claim(asked, declared, reached, &networks)
        };
        self.rights = Some(claims::judge(&claim, all.claims));
        let reaches = claimed.iter().filter_map(hosts::Claimed::of_rule).cloned().collect();
        if settings.isolation != Isolation::Off {
            complete::follow_no_redirects(&mut dynamic.http);
        }
        let result = result.and_then(|()| {
            references::rewrite(&mut dynamic, owner, all.claims.middlewares, settings, container.swarm.is_some());
            short_names(asked, &dynamic, service_name.len(), settings)
        });
        let facts = match (&result, servers(&dynamic)) {
            (Ok(()), servers) if !servers.is_empty() => {
                vec![Fact::Servers(servers.into_iter().map(str::to_owned).collect())]
            }
            _ => Vec::new(),
        };
        self.share = result.is_ok().then(|| Share {
            key: [&service_name, "-", id.as_str()].concat(),
            network_name: reached.place.as_ref().map(|place| place.network.clone()).unwrap_or_default(),
            dynamic,
            reaches,
        });
        steps.judge(StepName::Addressed, facts, result);
    }

    /// Of labels of which one cannot be read: what the others are refused for, so that one round tells it all. Only what
    /// stands in a label of its own is told: what seems to be missing may be what could not be read.
    fn judge_others(
        &mut self,
        asked: &Asked<'_>,
        others: &Others,
        reached: &Reached,
        network: Option<&Network>,
        all: StepContext<'_>,
    ) {
        let networks = networks(asked, reached, network);
        let claim = Claim {
            hosts: &others.claimed,
            unread: Some(&others.middlewares),
            ..claim(asked, &others.dynamic, reached, &networks)
        };
        let mut rights = claims::judge(&claim, all.claims);
        let labels = &asked.candidate.container.labels;
        let is_there = |label: &Option<String>| {
            label.as_ref().is_some_and(|label| labels.keys().any(|key| key.eq_ignore_ascii_case(label)))
        };
        rights.refusals.retain(|it| is_there(&it.label));
        rights.findings.retain(|it| is_there(&it.label));
        if !rights.refusals.is_empty() {
            self.rights = Some(rights);
        }
    }
}

/// The networks on which it claims what it claims.
fn networks<'n>(asked: &Asked<'n>, reached: &Reached, network: Option<&'n Network>) -> Vec<Option<&'n Network>> {
    let mut networks: Vec<Option<&Network>> = reached.place.iter().map(|_| network).collect();
    if asked.candidate.is_traefik {
        networks.extend(asked.namespace.edges.iter().filter_map(|edge| edge.network).map(Some));
    }
    networks
}

/// What it claims with what its labels decode to, before that is completed.
fn claim<'c>(
    asked: &'c Asked<'_>,
    dynamic: &'c Dynamic,
    reached: &'c Reached,
    networks: &'c [Option<&'c Network>],
) -> Claim<'c> {
    let Candidate { container, owner, speaks_for_all, allowed, rights, isolation, .. } = asked.candidate;
    Claim {
        container,
        owner,
        dynamic,
        complete: dynamic,
        hosts: &[],
        networks,
        addresses: &reached.addresses,
        speaks_for_all: *speaks_for_all,
        allowed,
        rights: *rights,
        isolation: *isolation,
        unread: None,
    }
}

/// Whether Traefik can read all names of the document; `least`: how long one of them is at least.
fn short_names(asked: &Asked<'_>, dynamic: &Dynamic, least: usize, settings: &Settings) -> Result<(), Refusal> {
    let Candidate { container, owner, .. } = asked.candidate;
    let longest = names::width(owner) + asked.declaration.longest_name.max(least);
    let published = |name: &str| names::published(owner, name, settings.names);
    let long = document::may_be_long(longest).then(|| document::long_name(dynamic, published)).flatten();
    let Some(name) = long else { return Ok(()) };
    let refusal = Refusal::new(Code::BadName, cause::Step::LongName(name.chars().take(40).collect()));
    let declared = name.strip_prefix(&[&owner.to_string(), "."].concat()).unwrap_or(&name);
    let label = container.labels.keys().find(|label| label.contains(declared)).cloned();
    Err(Refusal { label, ..refusal })
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
