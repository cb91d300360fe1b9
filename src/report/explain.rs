//! `GET /explain/{name}` and `leeward explain NAME`: why a container is, or is not, routed; and who answers a host.
//!
//! A view of the plan: the steps in order, each with its verdict, what it was judged on, and the remedy.

use std::collections::BTreeSet;

use serde::Serialize;

use super::asked::{Asked, HERE};
use super::outbound::{self, Outbound};
use super::proposal::{self, Proposal};
use super::routes::left_out;
use super::rule;
use super::visible::{Age, json, visible, visible_lines};
use super::words::{Remedy as _, Words as _, unsaid};
use crate::inventory::{ContainerId, Inventory};
use crate::plan::{Decision, Outcome, Plan, Protocol, Route, Step, StepName, Verdict, Weighed};
use crate::policy::finding::{Finding, Key, Subject};
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;
use crate::policy::rules::Standing;
use crate::remedy::is_for_edits;
use crate::settings::Settings;

/// What a name leads to.
#[derive(Debug)]
pub enum Answer<'a> {
    /// One container.
    Container(Box<Explanation<'a>>),
    /// A host that some router may answer.
    Host(Host<'a>),
    /// Several containers: their names, with their owners.
    Several(Vec<String>),
    /// No container, service or host, but a rule.
    Rule(RuleId),
    /// Nothing of that name; the nearest there are.
    Nothing(Vec<String>),
}

/// Everything about one container.
#[derive(Debug, Serialize)]
pub struct Explanation<'a> {
    /// What was decided, with every step.
    #[serde(flatten)]
    pub decision: &'a Decision,
    /// The routers that it declares or serves.
    pub routes: Vec<Routed<'a>>,
    /// The names outside that it asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outbound: Vec<Outbound<'a>>,
    /// What stands against these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub against_outbound: Vec<&'a Finding>,
    /// What the rules say of it.
    pub findings: Vec<&'a Finding>,
    /// What to do about it; only where [`Answer::propose`] was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
    /// Who answers the host of this name, where some container names it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_of_this_name: Option<Host<'a>>,
}

/// A router of the document, and what Traefik makes of it.
#[derive(Debug, Serialize)]
pub struct Routed<'a> {
    /// The router as published.
    #[serde(flatten)]
    pub route: &'a Route,
    /// The priority that counts: the label's, else the one that Traefik gives the rule.
    pub effective_priority: i64,
    /// Why Traefik leaves it out, if it does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Some Traefik takes it.
    #[serde(skip)]
    pub is_taken: bool,
}

/// Who answers a host.
#[derive(Debug, Serialize)]
pub struct Host<'a> {
    /// The host.
    pub host: String,
    /// The routers whose rules may match it, the one that Traefik tries first before the others.
    pub routes: Vec<Routed<'a>>,
    /// Containers that name it in a rule, or declare what its routers lack, and are refused.
    pub refused: Vec<&'a Decision>,
    /// Containers that name it in a rule, and did not ask to be routed.
    pub ignored: Vec<&'a Decision>,
    /// Where nobody names it: the nearest host that somebody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

/// Finds what is meant by a name: a container's name, the beginning of its id, a Compose service (`web`, `app1/web`), a
/// project, or a host, also as a browser shows it, `https://app.example.com/`; else a rule.
pub fn find<'a>(plan: &'a Plan, name: &str) -> Answer<'a> {
    if let Some((_, rest)) = name.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        return Answer::Host(find_host(plan, host.split(':').next().unwrap_or(host)));
    }
    let decisions = || plan.decided();
    let exact: Vec<&Decision> = decisions().filter(|it| it.name == name || it.id.as_str() == name).collect();
    let is_service = |it: &&Decision| {
        it.service.as_deref().is_some_and(|service| service == name || name == format!("{}/{service}", it.owner))
    };
    let is_prefix = |it: &&Decision| name.len() >= 4 && it.id.as_str().starts_with(name);
    let is_owners = |it: &&Decision| it.owner == name;
    let host = find_host(plan, name);
    let is_host = !host.routes.is_empty() || !host.refused.is_empty() || !host.ignored.is_empty();
    let found = [
        exact,
        decisions().filter(is_service).collect(),
        decisions().filter(is_prefix).collect(),
        decisions().filter(|it| !is_host && is_owners(it)).collect(),
    ];
    if let Some(found) = found.into_iter().find(|found| !found.is_empty()) {
        let host_of_this_name = is_host.then_some(host);
        return match found.as_slice() {
            [one] => Answer::Container(Box::new(Explanation { host_of_this_name, ..explanation(plan, one) })),
            several => {
                let digits = digits(several);
                let short = |it: &Decision| it.id.as_str().chars().take(digits).collect::<String>();
                let mut names: Vec<_> =
                    several.iter().map(|it| format!("{} (owner {}, id {})", it.name, it.owner, short(it))).collect();
                names.sort_unstable();
                Answer::Several(names)
            }
        };
    }
    if host.host.contains('.') || !host.routes.is_empty() {
        Answer::Host(host)
    } else if let Ok(rule) = name.parse() {
        Answer::Rule(rule)
    } else {
        Answer::Nothing(nearest(plan, name))
    }
}

/// Who answers a host, whatever containers are called.
pub fn find_host<'a>(plan: &'a Plan, name: &str) -> Host<'a> {
    let host = name.trim_end_matches('.').to_lowercase();
    let routes = answering(plan, &host);
    let lacking = routes.iter().flat_map(|it| plan.left_out(it.route)).filter_map(|reason| plan.declarer(reason));
    let declarers: BTreeSet<&ContainerId> = lacking.map(|it| &it.id).collect();
    let naming = |outcome| naming(plan, &host, outcome, &declarers);
    let (refused, ignored) = (naming(Outcome::Refused), naming(Outcome::Ignored));
    let is_known = !(routes.is_empty() && refused.is_empty() && ignored.is_empty());
    let nearest = if is_known { None } else { plan.nearest_host(&host) };
    Host { host, routes, refused, ignored, nearest }
}

fn explanation<'a>(plan: &'a Plan, decision: &'a Decision) -> Explanation<'a> {
    let is_own = |route: &&Route| {
        route.origins.iter().any(|origin| origin.container == decision.name)
            || route.backends.iter().any(|backend| backend.id == decision.id)
    };
    let is_about = |finding: &&Finding| finding.subject.is_about(&decision.id);
    let asks = plan.outbound.iter().filter(|it| it.id == decision.id);
    let outbound: Vec<Outbound<'_>> = asks.map(Outbound::from).collect();
    Explanation {
        against_outbound: outbound::reasons(plan, &outbound),
        outbound,
        decision,
        routes: plan.routes.iter().filter(is_own).map(|route| routed(plan, route)).collect(),
        findings: plan.findings.iter().filter(is_about).collect(),
        proposal: None,
        host_of_this_name: None,
    }
}

fn routed<'a>(plan: &'a Plan, route: &'a Route) -> Routed<'a> {
    let given = || plan.rule(route).and_then(Result::ok).map_or(0, |rule| rule.priority());
    let effective_priority = route.priority.filter(|it| *it != 0).unwrap_or_else(given);
    let reasons = plan.left_out(route).iter();
    Routed {
        route,
        effective_priority,
        left_out: reasons.map(|reason| left_out(plan, reason)).collect(),
        is_taken: plan.never_taken(route).is_empty(),
    }
}

/// The routers that may answer a host, in the order in which Traefik tries them: TCP before HTTP, then by priority.
fn answering<'a>(plan: &'a Plan, host: &str) -> Vec<Routed<'a>> {
    let matches = |route: &&Route| plan.rule(route).is_some_and(|it| it.is_ok_and(|rule| rule.hosts().covers(host)));
    let mut routes: Vec<_> = plan.routes.iter().filter(matches).map(|route| routed(plan, route)).collect();
    routes.sort_by_key(|it| (it.route.protocol != Protocol::Tcp, std::cmp::Reverse(it.effective_priority)));
    routes
}

/// Containers that are not routed and whose rules, or whose refusals, are about a host; and those that declare what its
/// routers lack.
fn naming<'a>(plan: &'a Plan, host: &str, outcome: Outcome, declarers: &BTreeSet<&ContainerId>) -> Vec<&'a Decision> {
    let is_below = |parent: &str| host.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
    let names = |it: &&Decision| {
        let refused = it.steps.iter().flat_map(|step| &step.refusals).flat_map(|refusal| &refusal.hosts);
        let mut hosts = it.hosts.iter().chain(refused);
        let is_named = hosts.any(|own| own == host || own.strip_prefix("*.").is_some_and(is_below));
        it.outcome == outcome && (is_named || declarers.contains(&it.id))
    };
    plan.decided().filter(names).collect()
}

/// Names that hold the word, or share its beginning.
fn nearest(plan: &Plan, name: &str) -> Vec<String> {
    let start: String = name.chars().take(3).collect();
    let names = plan.decided().map(|it| &it.name);
    let mut near: Vec<String> =
        names.filter(|it| it.contains(name) || (!start.is_empty() && it.contains(&start))).cloned().collect();
    near.sort_unstable();
    near.truncate(8);
    near
}

/// How many digits tell the ids apart: as few as usual, or more.
fn digits(several: &[&Decision]) -> usize {
    let mut ids: Vec<&str> = several.iter().map(|it| it.id.as_str()).collect();
    ids.sort_unstable();
    let same =
        |(one, next): (&&str, &&str)| one.chars().zip(next.chars()).take_while(|(one, next)| one == next).count();
    ids.iter().zip(ids.iter().skip(1)).map(same).max().map_or(12, |same| (same + 1).max(12))
}

impl Explanation<'_> {
    /// Whether it has routers, and Traefik leaves all of them out.
    pub(super) fn is_left_out(&self) -> bool {
        !self.routes.is_empty() && !self.routes.iter().any(|it| it.is_taken)
    }
}

impl Host<'_> {
    fn is_unanswered(&self) -> bool {
        !self.routes.iter().any(|it| it.is_taken)
    }
}

impl Answer<'_> {
    /// Adds what to do about the container, if it is one. Costs a bounded number of compilations: see
    /// [`super::proposal::propose`]. What `plan` was made from.
    pub fn propose(&mut self, inventory: &Inventory, settings: &Settings, plan: &Plan) {
        if let Self::Container(explanation) = self {
            explanation.proposal = proposal::propose(inventory, settings, plan, &explanation.decision.id);
        }
    }

    /// Whether the answer is no: a container that is refused or whose routers Traefik leaves out, a host that no router
    /// answers, a name that nothing or more than one container has. A container that does not ask to be routed is in order.
    pub fn is_no(&self) -> bool {
        match self {
            Self::Container(explanation) => {
                explanation.decision.outcome == Outcome::Refused
                    || explanation.is_left_out()
                    || explanation.host_of_this_name.as_ref().is_some_and(Host::is_unanswered)
            }
            Self::Host(host) => host.is_unanswered(),
            Self::Rule(_) => false,
            Self::Several(_) | Self::Nothing(_) => true,
        }
    }

    /// For programs. Ends with a newline.
    pub fn json(&self) -> String {
        self.json_aged(&Age::default())
    }

    /// The same, of what may be out of date.
    pub fn json_aged(&self, age: &Age<'_>) -> String {
        match self {
            Self::Container(explanation) => age.json(explanation),
            Self::Host(host) => age.json(host),
            Self::Rule(id) => json(&serde_json::json!({ "rule": id.as_str(), "text": rule::of_rule(id.rule()) })),
            Self::Several(names) => json(&serde_json::json!({ "error": SEVERAL, "several": names })),
            Self::Nothing(names) => json(&serde_json::json!({ "error": NOTHING, "nearest": names })),
        }
    }

    /// For people. Ends with a newline.
    pub fn text(&self) -> String {
        self.text_asked(&HERE)
    }

    /// The same; `asked`: where it was read, for the commands in it.
    pub fn text_asked(&self, asked: &Asked) -> String {
        match self {
            Self::Container(explanation) => container(explanation, asked),
            Self::Host(answer) => host(answer, asked),
            Self::Rule(id) => rule::of_rule(id.rule()),
            Self::Several(names) => named(&format!("{SEVERAL}; use one of these names or ids"), names),
            Self::Nothing(names) if names.is_empty() => {
                format!("{NOTHING}; `{}` lists the containers\n", visible(&asked.list()))
            }
            Self::Nothing(names) => named(&format!("{NOTHING}; similar names"), names),
        }
    }
}

/// What is said of a name that several have, and of one that nobody has.
const SEVERAL: &str = "this name stands for several containers";
const NOTHING: &str = "no container, service, host or rule has this name";

fn named(title: &str, names: &[String]) -> String {
    format!("{title}:\n  {}\n", visible_lines(&names.join("\n")).replace('\n', "\n  "))
}

fn container(explanation: &Explanation<'_>, asked: &Asked) -> String {
    let Explanation { decision, routes, outbound, against_outbound, findings, proposal, host_of_this_name } =
        explanation;
    let mut text = String::new();
    let outcome = match decision.outcome {
        Outcome::Routed if explanation.is_left_out() => "is published, and Traefik leaves all of its routers out",
        Outcome::Routed => "is routed",
        Outcome::Refused => "is refused",
        Outcome::Ignored => "does not ask to be routed",
    };
    line(&mut text, &format!("{} (owner {}) {outcome}\n", visible(&decision.name), visible(&decision.owner)));
    let mut said: BTreeSet<&Refusal> = BTreeSet::new();
    for step in &decision.steps {
        let (mark, title) = (mark(step, decision.outcome), title(step, decision.outcome));
        line(&mut text, &format!("{mark:<7}  {title}"));
        for refusal in &step.refusals {
            let rule = refusal.name();
            if !said.insert(refusal) {
                line(&mut text, &format!("         {rule}, as above"));
                continue;
            }
            let words = refusal.words();
            line(&mut text, &format!("         {}: {}", rule, visible(&words)));
            if let Some(label) = unsaid(refusal.label.as_deref(), &words) {
                line(&mut text, &format!("         label: {}", visible(label)));
            }
            // What edits mend is mended together, below.
            let remedy = refusal.remedy_asked(asked);
            if !remedy.is_empty() && (proposal.is_none() || !is_for_edits(refusal)) {
                let remedy = visible_lines(&remedy).replace('\n', "\n           ");
                line(&mut text, &format!("         remedy:\n           {remedy}"));
            }
        }
        let of_engine = engine_notes(step);
        for weighed @ Weighed { rule, standing, .. } in &step.findings {
            if of_engine.contains(rule) {
                continue;
            }
            let note = match standing {
                // Told as a refusal.
                Standing::Blocks => continue,
                Standing::Allowed => "allowed",
                Standing::Overruled => "does not count under `warn`",
                Standing::Noted => "noted",
            };
            line(&mut text, &format!("         {rule} ({note}): {}", visible(&weighed.words())));
        }
        if !of_engine.is_empty() {
            line(&mut text, &format!("         {}: {}", engine_notes_words(&of_engine), visible(&asked.audit())));
        }
        for fact in &step.facts {
            line(&mut text, &format!("         {}", visible(&fact.words())));
        }
    }
    if let Some(proposal) = proposal {
        let several = if proposal.ways.len() > 1 { ": one of these" } else { "" };
        line(&mut text, &format!("\nRemedy{several} (tried on a model and judged again, not run)"));
        text.push_str(&proposal.text_asked(asked));
    }
    if !routes.is_empty() {
        text.push_str("\nRoutes\n");
    }
    for route in routes {
        line(&mut text, &format!("         {}", way(route).replace('\n', "\n         ")));
    }
    if !outbound.is_empty() {
        text.push_str("\nOutbound\n");
    }
    for told in outbound::lines(outbound, against_outbound, asked) {
        line(&mut text, &format!("         {}", told.replace('\n', "\n         ")));
    }
    if !decision.warnings.is_empty() {
        text.push_str("\nWarnings\n");
    }
    for warning in &decision.warnings {
        let words = warning.words();
        let label = unsaid(warning.label.as_deref(), &words).map(|label| format!("{}: ", visible(label)));
        line(&mut text, &format!("         {}{}", label.unwrap_or_default(), visible(&words)));
    }
    let weighed = decision.steps.iter().flat_map(|step| &step.findings);
    let told: BTreeSet<Key<'_>> = said
        .into_iter()
        .flat_map(Refusal::keys)
        .chain(against_outbound.iter().map(|finding| finding.key()))
        .chain(weighed.map(|Weighed { rule, subject, .. }| (*rule, subject.key(), None)))
        .collect();
    let mut findings = findings.iter().filter(|finding| !told.contains(&finding.key())).peekable();
    if findings.peek().is_some() {
        text.push_str("\nOther findings\n");
    }
    for finding in findings {
        line(&mut text, &format!("         {}: {}", finding.rule, visible(&finding.words())));
        let remedy = visible_lines(&finding.remedy_asked(asked)).replace('\n', "\n             ");
        let blank = if remedy.contains('\n') { "\n             " } else { " " };
        line(&mut text, &format!("           remedy:{blank}{remedy}"));
    }
    if let Some(answer) = host_of_this_name {
        line(&mut text, "\nThe host of this name");
        text.extend(["         ", &host(answer, asked).trim_end().replace('\n', "\n         "), "\n"]);
    }
    text
}

/// The rules of what is only noted of the engine, the same for every container, where that is more than a line.
pub(super) fn engine_notes(step: &Step) -> BTreeSet<RuleId> {
    let is_note = |it: &&Weighed| it.subject == Subject::Engine && it.standing == Standing::Noted;
    let rules: BTreeSet<RuleId> = step.findings.iter().filter(is_note).map(|it| it.rule).collect();
    if rules.len() > 1 { rules } else { BTreeSet::new() }
}

/// `2 notes about the engine (ENG-001, ENG-009)`.
pub(super) fn engine_notes_words(rules: &BTreeSet<RuleId>) -> String {
    let names: Vec<&str> = rules.iter().map(|rule| rule.as_str()).collect();
    format!("{} notes about the engine ({})", rules.len(), names.join(", "))
}

fn host(Host { host, routes, refused, ignored, nearest }: &Host<'_>, asked: &Asked) -> String {
    let mut text = String::new();
    let host = visible(host);
    let way = |it: &Routed<'_>| way(it).replace('\n', "\n      ");
    let (taken, left): (Vec<&Routed<'_>>, Vec<&Routed<'_>>) = routes.iter().partition(|it| it.is_taken);
    match taken.as_slice() {
        [] if left.is_empty() => line(&mut text, &format!("no router answers {host}")),
        [] => line(&mut text, &format!("no router answers {host}: Traefik leaves out what would")),
        [only] => line(&mut text, &format!("{host} is answered by\n      {}", way(only))),
        [first, others @ ..] => {
            let priority = |it: &Routed<'_>| {
                let why = if it.route.priority.is_some_and(|set| set != 0) { "its label" } else { "its rule's length" };
                let of = if it.route.protocol == Protocol::Tcp { ", and TCP goes before HTTP" } else { "" };
                format!("{}\n        priority {}, by {why}{of}", way(it), it.effective_priority)
            };
            line(&mut text, &format!("{host} is answered by the first of these whose rule and entry point match"));
            for it in std::iter::once(first).chain(others) {
                line(&mut text, &format!("      {}", priority(it)));
            }
        }
    }
    if !taken.is_empty() && !left.is_empty() {
        line(&mut text, "and not by");
    }
    for it in left {
        line(&mut text, &format!("      {}", way(it)));
    }
    for decision in refused {
        let refusal = decision.refusal.as_ref();
        let rule = refusal.map(Refusal::name).unwrap_or_default();
        let words = refusal.map(Refusal::words).unwrap_or_default();
        let name = visible(&decision.name);
        line(&mut text, &format!("refused: {name}: {}: {}", visible(rule), visible(&words)));
        line(&mut text, &format!("      remedy: {}", visible(&asked.explain(&decision.name))));
    }
    for decision in ignored {
        let words = decision.refusal.as_ref().map(Refusal::words).unwrap_or_default();
        line(&mut text, &format!("ignored: {}: {}", visible(&decision.name), visible(&words)));
    }
    if let Some(nearest) = nearest {
        line(&mut text, &format!("did you mean {}?", visible(nearest)));
    }
    text
}

/// Router, rule, entry points, service and servers of a route, and what is wrong with it.
pub(super) fn way(Routed { route, left_out, effective_priority: _, is_taken: _ }: &Routed<'_>) -> String {
    let servers: Vec<String> = route
        .backends
        .iter()
        .map(|it| {
            format!(
                "{} ({} on {})",
                it.address,
                it.container,
                if it.network.is_empty() { "no network" } else { &it.network }
            )
        })
        .collect();
    let servers = if servers.is_empty() { "no server".to_owned() } else { servers.join(", ") };
    let on =
        if route.entry_points.is_empty() { String::new() } else { format!(" on {}", route.entry_points.join(", ")) };
    let (protocol, router) = (route.protocol.as_str(), &route.router);
    let way = format!("{protocol} {router}{on}: {} -> {} -> {servers}", route.rule, route.service);
    let mut text = visible(&way);
    for reason in left_out {
        text.extend(["\n  Traefik leaves it out: ", &visible(reason)]);
    }
    text
}

/// `ok`, `FAIL`, `allowed`, `skipped`; `no` for a container that did not ask, because nothing is wrong with it.
pub(super) fn mark(step: &Step, outcome: Outcome) -> &'static str {
    match step.verdict {
        Verdict::Passed => "ok",
        Verdict::Overruled => "allowed",
        Verdict::Failed if outcome == Outcome::Ignored => "no",
        Verdict::Failed => "FAIL",
        Verdict::Skipped => "skipped",
    }
}

/// What a step asked, and what came of it.
pub(super) fn title(step: &Step, outcome: Outcome) -> String {
    let (name, passed, failed) = match step.name {
        StepName::OperatorLabels => {
            ("labels", "set by the operator", "some come from the image, not from the operator")
        }
        StepName::AskedFor if outcome == Outcome::Ignored => ("asked", "", "it does not ask for a route"),
        StepName::AskedFor => ("asked", "it asks for a route", "its request cannot be accepted"),
        StepName::Alive => ("running", "it is up", "it is not up"),
        StepName::Isolated => ("isolated", "it has no way out", "it has a way out, or power over the host"),
        StepName::ProxyNetwork => {
            ("reachable", "Traefik shares a network with it", "Traefik shares no usable network with it")
        }
        StepName::Understood => ("valid", "its labels can be used", "some of its labels cannot be used"),
        StepName::WithinRights => {
            ("rights", "it uses only its own names and hosts", "it uses names, hosts or addresses that are not its own")
        }
        StepName::Addressed => ("servers", "each has an address", "an address is missing"),
    };
    match step.verdict {
        Verdict::Passed => format!("{name}: {passed}"),
        Verdict::Failed | Verdict::Overruled => format!("{name}: {failed}"),
        Verdict::Skipped => name.to_owned(),
    }
}

fn line(text: &mut String, words: &str) {
    text.extend([words, "\n"]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::compile;
    use crate::settings::Settings;
    use crate::source::snapshot;

    fn demo() -> Plan {
        compile(&snapshot::demo().unwrap(), &Settings::default())
    }

    #[test]
    fn a_refused_container_is_told_why_and_what_to_change() {
        let plan = demo();
        let refused = plan.decided().find(|it| it.outcome == Outcome::Refused).unwrap();
        let answer = find(&plan, &refused.name);
        let text = answer.text();
        assert!(text.contains("is refused") && text.contains("FAIL     isolated: it has a way out"), "{text}");
        assert!(text.contains("NET-001") && text.contains("remedy:"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&answer.json()).unwrap();
        assert_eq!(json["outcome"], "refused");
        assert_eq!(json["refusal"]["rule"], "NET-001");
    }

    /// The demonstration with more labels on one of its containers.
    fn with(changes: &[(&str, &str, &str)]) -> Plan {
        let mut inventory = snapshot::demo().unwrap();
        for (name, key, value) in changes {
            let container = inventory.containers.values_mut().find(|it| it.name == *name).unwrap();
            std::sync::Arc::make_mut(container).labels.insert((*key).to_owned(), (*value).to_owned());
        }
        for network in inventory.networks.values_mut() {
            network.labels.remove("leeward.hosts");
        }
        compile(&inventory, &Settings::default())
    }

    #[test]
    fn a_rule_is_explained_where_nothing_else_is_called_so() {
        let plan = demo();
        let answer = find(&plan, "net-003");
        assert!(answer.text().starts_with("NET-003: "), "{}", answer.text());
        assert!(!answer.is_no() && answer.json().contains("\"rule\": \"NET-003\""), "{}", answer.json());
        let mut inventory = snapshot::demo().unwrap();
        let any = inventory.containers.values_mut().next().unwrap();
        std::sync::Arc::make_mut(any).name = "NET-003".to_owned();
        assert!(matches!(find(&compile(&inventory, &Settings::default()), "NET-003"), Answer::Container(_)));
    }

    #[test]
    fn each_reason_is_said_once() {
        let text = find(&demo(), "wiki-wiki-1").text();
        for words in ["which is not internal", "and none of these is", "PRV-018"] {
            assert_eq!(text.matches(words).count(), 1, "{words}: {text}");
        }
        assert!(text.contains("NET-009, as above"), "{text}");
    }

    #[test]
    fn a_port_that_the_image_does_not_name_is_told_and_routed() {
        let label = "traefik.http.services.web-app1.loadbalancer.server.port";
        let plan = with(&[("app1-web-1", label, "8081")]);
        let text = find(&plan, "app1-web-1").text();
        let told = format!(
            "\nWarnings\n         {label}: Traefik asks port 8081, and the image says it listens on 8080; an image need not name all\n"
        );
        assert!(text.starts_with("app1-web-1 (owner app1) is routed\n") && text.contains(&told), "{text}");
        assert!(!find(&with(&[("app1-web-1", label, "8080")]), "app1-web-1").text().contains("Warnings"), "{text}");
    }

    /// What is said of the engine is the same for every container.
    #[test]
    fn notes_about_the_engine_are_one_line() {
        let mut inventory = snapshot::demo().unwrap();
        inventory.engine.version = "20.10.24".to_owned();
        let plan = compile(&inventory, &Settings::default());
        let answer = find(&plan, "app1-web-1");
        let text = answer.text_asked(&Asked::with([("engine", "demo")]));
        let notes: Vec<&str> = text.lines().filter(|line| line.contains("ENG-")).collect();
        let [note] = notes.as_slice() else { panic!("{text}") };
        assert!(
            note.starts_with("         2 notes about the engine (ENG-001, ENG-009): leeward audit --engine demo"),
            "{text}"
        );
        assert!(!text.contains("Other findings\n         ENG"), "{text}");
        assert!(answer.json().contains("gets no security fixes any more"), "{}", answer.json());
        // What refuses it is told.
        let strict =
            compile(&inventory, &Settings { isolation: crate::settings::Isolation::Strict, ..Settings::default() });
        let text = find(&strict, "app1-web-1").text();
        assert!(text.contains("         ENG-001: ") && text.contains("         ENG-009 (noted): "), "{text}");
    }

    #[test]
    fn a_capability_is_called_what_a_file_calls_it() {
        let mut inventory = snapshot::demo().unwrap();
        for (name, capability) in [("app1-web-1", "CAP_NET_ADMIN"), ("wiki-wiki-1", "CAP_SYS_PTRACE")] {
            let container = inventory.containers.values_mut().find(|it| it.name == name).unwrap();
            std::sync::Arc::make_mut(container).confinement.cap_add = [capability.to_owned()].into();
        }
        let settings = Settings::default();
        let plan = compile(&inventory, &settings);
        for (name, capability) in [("app1-web-1", "NET_ADMIN"), ("wiki-wiki-1", "SYS_PTRACE")] {
            let mut answer = find(&plan, name);
            answer.propose(&inventory, &settings, &plan);
            let text = answer.text();
            assert!(text.contains(&format!("has the capability {capability}\n")), "{text}");
            assert!(text.contains(&format!("without cap_add {capability}\n")), "{text}");
            assert!(!text.contains("CAP_"), "{text}");
        }
    }

    #[test]
    fn a_host_that_nobody_answers_is_told_who_wants_it() {
        let plan = with(&[(
            "app1-db-1",
            "traefik.http.routers.x.rule",
            "Host(`Db.example`) || HostRegexp(`^.+\\.db\\.example$`)",
        )]);
        let text = find(&plan, "wiki.localhost").text();
        assert!(text.starts_with("no router answers wiki.localhost\nrefused: wiki-wiki-1: NET-001: "), "{text}");
        for host in ["db.example", "x.db.example"] {
            let text = find(&plan, host).text();
            assert!(text.contains("ignored: app1-db-1: it does not carry traefik.enable=true"), "{text}");
        }
        assert_eq!(find(&plan, "other.example").text(), "no router answers other.example\n");
    }

    #[test]
    fn of_several_the_first_is_the_one_that_traefik_takes() {
        let order = |changes: &[(&str, &str, &str)]| match find(&with(changes), "app1.localhost") {
            Answer::Host(host) => host.routes.iter().map(|it| it.route.router.clone()).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let long = ("app2-web-1", "traefik.http.routers.web.rule", "Host(`app1.localhost`) && PathPrefix(`/x`)");
        assert_eq!(order(&[long]), ["app2.web", "app1.web"]);
        // A priority below the rule's length is less, not more.
        assert_eq!(order(&[long, ("app2-web-1", "traefik.http.routers.web.priority", "5")]), ["app1.web", "app2.web"]);
        let v2 = ("app2-web-1", "traefik.http.routers.web.rulesyntax", "v2");
        let two = ("app2-web-1", "traefik.http.routers.web.rule", "Host(`x.example`, `app1.localhost`)");
        assert_eq!(order(&[two, v2]), ["app2.web", "app1.web"]);
        let tcp = ("app2-web-1", "traefik.tcp.routers.web.rule", "HostSNI(`app1.localhost`)");
        let port = ("app2-web-1", "traefik.tcp.services.web.loadbalancer.server.port", "8443");
        assert_eq!(order(&[tcp, port]), ["app2.web", "app1.web"]);
    }

    #[test]
    fn a_router_that_refers_to_nothing_is_said_to_be_left_out() {
        let service = ("app1-web-1", "traefik.http.routers.web.service", "gone");
        let plan = with(&[service]);
        for name in ["app1-web-1", "app1.localhost"] {
            let text = find(&plan, name).text();
            assert!(
                text.contains("Traefik leaves it out: nothing that is routed declares service `app1.gone`"),
                "{text}"
            );
        }
        let chain = [
            ("app1-web-1", "traefik.http.routers.web.middlewares", "chain,kept@file"),
            ("app1-web-1", "traefik.http.middlewares.chain.chain.middlewares", "auth"),
            // Declared by a container that does not get routed.
            ("app1-db-1", "traefik.enable", "true"),
            ("app1-db-1", "traefik.http.middlewares.auth.headers.framedeny", "true"),
        ];
        let text = find(&with(&chain), "app1-web-1").text();
        assert!(text.contains("declares middleware `app1.auth`"), "{text}");
        assert!(!find(&demo(), "app1-web-1").text().contains("leaves it out"));
    }

    #[test]
    fn a_host_whose_routers_are_all_left_out_is_answered_by_nobody_and_who_is_to_mend_it_is_named() {
        let traefik = "front-traefik-1";
        let plan = with(&[
            (traefik, "traefik.enable", "true"),
            (traefik, "traefik.http.routers.dash.rule", "Host(`dash.localhost`)"),
            (traefik, "traefik.http.routers.dash.service", "api@internal"),
            (traefik, "traefik.http.middlewares.auth.headers.framedeny", "true"),
            ("app1-web-1", "traefik.http.routers.web.middlewares", "auth"),
        ]);
        let answer = find(&plan, "app1.localhost");
        let text = answer.text();
        assert!(answer.is_no() && !text.contains("is answered by"), "{text}");
        for words in [
            "no router answers app1.localhost: Traefik leaves out what would\n      http app1.web: ",
            "\n        Traefik leaves it out: nothing that is routed declares middleware `front.auth`; `front-traefik-1` \
             declares it, and is refused (LBL-004)\n",
            "refused: front-traefik-1: LBL-004: ",
            "      remedy: leeward explain front-traefik-1\n",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        let answer = find(&plan, "app1-web-1");
        assert!(answer.is_no() && answer.text().contains("Traefik leaves all of its routers out"), "{}", answer.text());
        // Where another router answers, that one is named first.
        let other = ("app2-web-1", "traefik.http.routers.web.rule", "Host(`app1.localhost`)");
        let plan = with(&[other, ("app1-web-1", "traefik.http.routers.web.service", "gone")]);
        let answer = find(&plan, "app1.localhost");
        let text = answer.text();
        assert!(!answer.is_no() && text.starts_with("app1.localhost is answered by\n      http app2.web"), "{text}");
        assert!(text.contains("and not by\n      http app1.web"), "{text}");
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_told_why_and_is_to_be_corrected_and_not_allowed() {
        for (rule, why, bound) in [
            ("Host(`app1.localhost`", "at character", false),
            ("Host(`app1.localhost`", "at character", true),
            ("Hots(`app1.localhost`)", "no matcher `Hots`; did you mean `Host`?", false),
            ("Host('app1.localhost')", "at character", false),
        ] {
            let mut inventory = snapshot::demo().unwrap();
            let container = inventory.containers.values_mut().find(|it| it.name == "app1-web-1").unwrap();
            let labels = &mut std::sync::Arc::make_mut(container).labels;
            labels.insert("traefik.http.routers.web.rule".to_owned(), rule.to_owned());
            for network in inventory.networks.values_mut().filter(|_| !bound) {
                network.labels.remove("leeward.hosts");
            }
            let settings = Settings::default();
            let plan = compile(&inventory, &settings);
            let mut answer = find(&plan, "app1-web-1");
            answer.propose(&inventory, &settings, &plan);
            let text = answer.text();
            let told = text.lines().find(|line| line.contains("LBL-001: ")).unwrap_or_else(|| panic!("{rule}: {text}"));
            assert!(
                told.contains("cannot be read and counts as matching every host: ") && told.contains(why),
                "{told}"
            );
            assert!(text.contains("correct the rule"), "{rule}: {text}");
            assert!(!text.contains("leeward.allow") && !text.contains("leeward.hosts"), "{rule}: {text}");
        }
    }

    #[test]
    fn a_container_that_is_called_like_a_host_does_not_hide_it() {
        let mut inventory = snapshot::demo().unwrap();
        let container = inventory.containers.values_mut().find(|it| it.name == "app1-db-1").unwrap();
        std::sync::Arc::make_mut(container).name = "app1.localhost".to_owned();
        let plan = compile(&inventory, &Settings::default());
        let answer = find(&plan, "app1.localhost");
        let text = answer.text();
        assert!(text.starts_with("app1.localhost (owner app1) does not ask to be routed\n"), "{text}");
        assert!(text.contains("The host of this name\n         app1.localhost is answered by\n"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&answer.json()).unwrap();
        assert_eq!(json["host_of_this_name"]["routes"][0]["router"], "app1.web");
        assert!(!answer.is_no());
        // The host that nobody answers, and the name that is no host.
        let container = inventory.containers.values_mut().find(|it| it.name == "app1.localhost").unwrap();
        std::sync::Arc::make_mut(container).name = "wiki.localhost".to_owned();
        let plan = compile(&inventory, &Settings::default());
        let answer = find(&plan, "wiki.localhost");
        assert!(answer.is_no() && answer.text().contains("no router answers wiki.localhost"), "{}", answer.text());
        assert!(!find(&plan, "app1-web-1").text().contains("The host of this name"));
    }

    #[test]
    fn ids_that_begin_alike_are_shown_as_far_as_they_differ() {
        let mut inventory = snapshot::demo().unwrap();
        let one = inventory.containers.values().find(|it| it.name == "app1-db-1").unwrap();
        let one = crate::inventory::Container::clone(one);
        for (name, last) in [("one", "1"), ("two", "2")] {
            let id = format!("{}{last}{}", "e".repeat(20), "0".repeat(43)).into();
            inventory.put(crate::inventory::Container { id, name: name.to_owned(), ..one.clone() });
        }
        let plan = compile(&inventory, &Settings::default());
        let Answer::Several(names) = find(&plan, &"e".repeat(12)) else { panic!("one of two was taken") };
        let id = |last: &str| format!("id {}{last})", "e".repeat(20));
        assert!(names[0].ends_with(&id("1")) && names[1].ends_with(&id("2")), "{names:?}");
    }

    #[test]
    fn a_label_that_asks_for_nothing_is_told_where_nothing_was_asked() {
        let plan = with(&[("app1-db-1", "leeward.trafik", "true"), ("app1-db-1", "traefik.htpp.x", "1")]);
        let text = find(&plan, "app1-db-1").text();
        assert!(
            text.contains("did you mean leeward.traefik?") && text.contains("did you mean traefik.http?"),
            "{text}"
        );
    }

    #[test]
    fn what_one_traefik_is_not_told_of_is_said_of_its_router() {
        let mut inventory = snapshot::demo().unwrap();
        let mut set = |name: &str, pairs: &[(&str, &str)]| {
            let container = inventory.containers.values_mut().find(|it| it.name == name).unwrap();
            std::sync::Arc::make_mut(container)
                .labels
                .extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        };
        set("app1-web-1", &[("traefik.http.middlewares.stamp.headers.framedeny", "true")]);
        set("app2-web-1", &[("traefik.http.routers.web.middlewares", "stamp")]);
        // A second Traefik, on the second application's network alone.
        let traefik = inventory.containers.values().find(|it| it.name == "front-traefik-1").unwrap();
        let traefik = crate::inventory::Container::clone(traefik);
        let mut other = crate::inventory::Container { id: "0".repeat(64).into(), name: "other".into(), ..traefik };
        other.attachments.retain(|name, _| name == "net-proxy2");
        inventory.put(other);
        let share_middlewares = ["app1.stamp".parse().unwrap()].into();
        let plan = compile(&inventory, &Settings { share_middlewares, ..Settings::default() });
        let text = find(&plan, "app2-web-1").text();
        assert!(
            text.contains("out: nothing on the networks of Traefik `other` declares middleware `app1.stamp`"),
            "{text}"
        );
        assert_eq!(text.matches("Traefik leaves it out").count(), 1, "{text}");
    }

    #[test]
    fn containers_are_found_by_name_id_and_service_and_hosts_by_rule() {
        let plan = demo();
        let routed = plan.routes[0].backends[0].clone();
        let found = |name: &str| match find(&plan, name) {
            Answer::Container(explanation) => explanation.decision.name.clone(),
            Answer::Host(host) => host.routes.iter().map(|it| it.route.router.as_str()).collect::<Vec<_>>().join(","),
            Answer::Several(names) => format!("{} of several", names.len()),
            Answer::Rule(id) => id.to_string(),
            Answer::Nothing(names) => format!("nothing, near {}", names.len()),
        };
        assert_eq!(found(&routed.container), routed.container);
        assert_eq!((found("wiki").as_str(), found("app1").as_str()), ("wiki-wiki-1", "2 of several"));
        assert_eq!(found(routed.id.as_str().get(..8).unwrap()), routed.container);
        assert_eq!(found("app1/web"), routed.container);
        assert_eq!(found("web"), "2 of several");
        assert_eq!(found("app1.localhost"), "app1.web");
        assert_eq!(found("APP1.localhost."), "app1.web");
        assert_eq!(found("http://app1.localhost/"), "app1.web");
        assert_eq!(found("https://app1.localhost:8443/a?b=c"), "app1.web");
        assert_eq!(found("nobody.example"), "");
        assert_eq!(
            find(&plan, "app2.localhots").text(),
            "no router answers app2.localhots\ndid you mean app2.localhost?\n"
        );
        assert!(!find(&plan, "nobody.example").text().contains("did you mean"));
        assert_eq!(found("zzz"), "nothing, near 0");
    }
}
