//! One container, one network, one host, one rule: what it can reach, what reaches it, what stands against it, and what to
//! do.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::front::{by_rule, reason as labelled, times};
use super::{
    Facts, Page, Seen, back, badge, few, frame, link, pictured, said as words, to_container, to_copy, to_host,
    to_network, to_rule,
};
use crate::inventory::{ContainerId, Network};
use crate::plan::{Decision, Outcome, Step, Verdict, Weighed};
use crate::policy::finding::{Finding, Subject};
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;
use crate::policy::rules::Standing;
use crate::remedy::is_for_edits;
use crate::report::asked::HERE;
use crate::report::audit::{Audit, word};
use crate::report::explain::{self, Answer, Explanation, Host, Routed, title, way};
use crate::report::outbound;
use crate::report::picture;
use crate::report::proposal::Proposal;
use crate::report::routes::to_change;
use crate::report::rule::action;
use crate::report::topology::{ContainerNode, Role, State, Topology, class};
use crate::report::visible::{short, visible};
use crate::report::words::page::{outcome, role};
use crate::report::words::{Words as _, unsaid};

/// The most of one kind that a page lists.
const MOST: usize = 200;
/// The most that a line lists.
const MOST_IN_LINE: usize = 30;

/// The page at `/c/{name}`: a container by its name, the beginning of its id, or its Compose service.
pub fn container(facts: &Facts<'_>, name: &str) -> Page {
    let mut answer = explain::find(facts.plan, name);
    answer.propose(facts.inventory, facts.settings, facts.plan);
    match answer {
        Answer::Container(it) => explained(facts, &it),
        Answer::Several(names) => {
            let names: Vec<(String, Option<String>)> = names.into_iter().map(|it| (it, None)).collect();
            other(facts, "Several containers have this name", name, "These are they:", &names)
        }
        Answer::Nothing(near) => {
            let link = |it: String| (it.clone(), Some(format!("/c/{}", link::encoded(&it))));
            let near: Vec<_> = near.into_iter().map(link).collect();
            other(facts, "There is no container of this name", name, "Similar names:", &near)
        }
        Answer::Host(_) | Answer::Rule(_) => other(facts, "There is no container of this name", name, "", &[]),
    }
}

/// A page of what there is not, or more than once. `others`: what may be meant, each with the path of its page; `before`: said before
/// them.
fn other(facts: &Facts<'_>, title: &str, asked: &str, before: &str, others: &[(String, Option<String>)]) -> Page {
    let main = html! {
        (back())
        h1 { (title) }
        p { code { (short(asked, 200)) } }
        @if others.is_empty() { p.quiet { (words::NOBODY) } }
        @else {
            p { (before) }
            ul {
                @for (name, href) in others.iter().take(MOST) {
                    li { @if let Some(href) = href { a href=(href) { (visible(name)) } } @else { (visible(name)) } }
                }
            }
        }
    };
    Page { found: false, html: frame(&format!("Leeward: {title}"), Some(facts), true, &main) }
}

fn explained(facts: &Facts<'_>, explanation: &Explanation<'_>) -> Page {
    let Explanation { decision, routes, outbound: asks, against_outbound, findings, proposal, host_of_this_name } =
        explanation;
    let topology = Topology::of(facts.inventory, facts.settings, facts.plan);
    let seen = Seen::of(&topology);
    let node = topology.containers.iter().find(|it| it.id == &decision.id);
    let networks = seen.networks(&decision.id);
    let on: BTreeSet<&str> = networks.iter().map(|(name, _)| *name).collect();
    // Those that share a network with it.
    let is_near = |it: &ContainerNode<'_>| seen.names(it.id).iter().any(|name| on.contains(name));
    let by_network = |network: &str| -> Vec<&ContainerNode<'_>> {
        let is_on = |it: &&ContainerNode<'_>| it.id != &decision.id && seen.names(it.id).contains(&network);
        topology.containers.iter().filter(is_on).collect()
    };
    let told = told(decision, against_outbound);
    let others: Vec<&Finding> =
        findings.iter().copied().filter(|it| !told.contains(&(it.rule, it.subject.key()))).collect();
    let mut said: BTreeSet<&Refusal> = BTreeSet::new();
    let main = html! {
        (back())
        section class={ "verdict " (class(verdict(explanation, node))) } {
            h1 { (visible(&decision.name)) }
            p {
                @if explanation.is_left_out() { span class="badge unknown" { "left out by Traefik" } }
                @else { strong { (outcome(decision.outcome)) } }
                " "
                @if let Some(node) = node { (badge(node.state, if node.allowed { ", allowed" } else { "" })) }
                @else { "not running" }
                " · project " a href=(link::project(&decision.owner)) { (link::name(&decision.owner)) }
                @if let Some(service) = &decision.service { " · service " (link::name(service)) }
            }
            @if let Some(refusal) = &decision.refusal { p { (reason(refusal)) } }
            @if let Some(path) = host_of_this_name.as_ref().and_then(|it| link::host(&it.host)) {
                p { "There is also a host of this name: " a href=(path) { "who answers it" } }
            }
        }
        @if decision.outcome == Outcome::Refused && let Some(proposal) = proposal { (ways(proposal)) }
        section aria-labelledby="reach" {
            h2 #reach { "What it can reach, and what reaches it" }
            @if let Some(node) = node {
                @if node.state == State::WayOut { p { strong { (words::REACHES_OUT) } } }
                @if node.state == State::TraefiksOwn { p { (words::REACHES_OUT_BY_DESIGN) } }
                @if node.state == State::NotVerifiable { p { strong { (words::MAY_REACH_OUT) } } }
            }
            @if networks.is_empty() { p.quiet { (words::NO_NETWORK) } }
            @else {
                ul {
                    @for (network, state) in networks.iter().take(MOST) {
                        li {
                            (to_network(&seen, network)) " " (badge(*state, "")) ": "
                            @let near = by_network(network);
                            @if near.is_empty() { "nobody else" }
                            (few(&near, MOST_IN_LINE, |it| to_container(it.name, it.id)))
                        }
                    }
                }
                (pictured(&picture::draw(&topology, &facts.plan.outbound, false, |it| it.id == &decision.id || is_near(it)), "reach"))
            }
            @for line in outbound::lines(asks, against_outbound, &HERE).iter().take(MOST) { pre.told { (line) } }
        }
        section aria-labelledby="steps" {
            h2 #steps { "Step by step" }
            ol.steps { @for step in &decision.steps { (self::step(step, decision.outcome, proposal.is_some(), &mut said)) } }
        }
        @if decision.outcome != Outcome::Refused && let Some(proposal) = proposal { (ways(proposal)) }
        @if !routes.is_empty() {
            section aria-labelledby="routes" {
                h2 #routes { "Routes" }
                ul { @for route in routes.iter().take(MOST) { li { code { (way(route)) } } } }
            }
        }
        @if !decision.warnings.is_empty() {
            section aria-labelledby="warnings" {
                h2 #warnings { "Warnings" }
                ul {
                    @for warning in decision.warnings.iter().take(MOST) {
                        @let words = warning.words();
                        li {
                            @if let Some(label) = unsaid(warning.label.as_deref(), &words) { code { (short(label, 200)) } ": " }
                            (visible(&words))
                        }
                    }
                }
            }
        }
        @if !others.is_empty() {
            section aria-labelledby="findings" {
                h2 #findings { "Findings" }
                (by_rule(&others))
            }
        }
    };
    let title = format!("Leeward: {} is {}", short(&decision.name, 80), outcome(decision.outcome));
    Page { found: true, html: frame(&title, Some(facts), true, &main) }
}

/// What of the findings the steps and the outbound names have told already.
fn told<'d>(decision: &'d Decision, outbound: &[&'d Finding]) -> BTreeSet<(RuleId, (&'static str, &'d str))> {
    let refusals = decision.steps.iter().flat_map(|step| &step.refusals).flat_map(Refusal::keys);
    let weighed = decision.steps.iter().flat_map(|step| &step.findings).map(|it| (it.rule, it.subject.key()));
    let keys = refusals.chain(outbound.iter().map(|it| it.key())).map(|(rule, subject, _)| (rule, subject));
    keys.chain(weighed).collect()
}

/// How a container is marked: no refusal is green.
fn verdict(explanation: &Explanation<'_>, node: Option<&ContainerNode<'_>>) -> State {
    let state = node.map_or(State::NotVerifiable, |it| it.state);
    let is_away = explanation.decision.outcome == Outcome::Refused || explanation.is_left_out();
    if is_away { state.max(State::NotVerifiable) } else { state }
}

fn reason(refusal: &Refusal) -> Markup {
    html! {
        @if let Some(rule) = &refusal.rule { (to_rule(rule.as_str())) " " }
        (visible(&refusal.words())) "."
    }
}

/// `is_proposed`: what edits mend is mended together. `said`: the refusals that earlier steps have told.
fn step<'d>(step: &'d Step, of: Outcome, is_proposed: bool, said: &mut BTreeSet<&'d Refusal>) -> Markup {
    let (class, sign) = match step.verdict {
        Verdict::Passed => ("shut", "✓"),
        Verdict::Overruled => ("unknown", "!"),
        Verdict::Failed if of == Outcome::Ignored => ("quiet", "–"),
        Verdict::Failed => ("open", "✕"),
        Verdict::Skipped => ("quiet", "·"),
    };
    html! {
        li class=(class) {
            span.sign aria-hidden="true" { (sign) } " "
            span.told { (explain::mark(step, of)) " " }
            (title(step, of))
            @for refusal in step.refusals.iter().take(MOST) {
                @if said.insert(refusal) {
                    div.reason {
                        p { (labelled(refusal)) }
                        @let remedy = to_change(refusal);
                        @if remedy.is_empty() || (is_proposed && is_for_edits(refusal)) {}
                        @else if of == Outcome::Ignored && !remedy.contains('\n') { p.quiet { (visible(&remedy)) "." } }
                        @else { p.quiet { "Remedy" } (to_copy(&remedy)) }
                    }
                } @else {
                    div.reason { p.quiet { (refusal.name()) ", as above" } }
                }
            }
            ul {
                @let of_engine = explain::engine_notes(step);
                @let others = step.findings.iter().filter(|it| it.standing != Standing::Blocks && !of_engine.contains(&it.rule));
                @for weighed in others.take(MOST) { (weight(weighed)) }
                @if !of_engine.is_empty() {
                    li { a href="/#findings" { (explain::engine_notes_words(&of_engine)) } }
                }
                @for fact in step.facts.iter().take(MOST) { li.quiet { (visible(&fact.words())) } }
            }
        }
    }
}

/// The ways to mend a container, the best first: what changes, what is lost, files and commands to copy.
fn ways(proposal: &Proposal) -> Markup {
    let list = |title: &str, lines: &[String]| {
        html! {
            @if !lines.is_empty() {
                p.quiet { (title) }
                ul { @for line in lines.iter().take(MOST) { li { (visible(line)) } } }
            }
        }
    };
    html! {
        section aria-labelledby="remedy" {
            h2 #remedy { "What to do" }
            p.quiet { (words::TRIED) }
            ol.ways {
                @for (number, way) in proposal.ways.iter().enumerate() {
                    li {
                        h3 { (visible(&way.title)) "." }
                        (list("Changes", &way.changes))
                        (list("Stops working", &way.lost))
                        (list("Not known", &way.notes))
                        @if !way.left.is_empty() {
                            p.quiet { "What still refuses it" }
                            ul { @for refusal in way.left.iter().take(MOST) { li { (reason(refusal)) } } }
                        }
                        @if !way.files.is_empty() || !way.commands.is_empty() {
                            details open[number == 0] #{ "way-" (number) } {
                                summary { "Files and commands" }
                                @for file in &way.files {
                                    p { code { (visible(&file.name)) } " of project " (visible(&file.project)) ", beside its own files" }
                                    (to_copy(&file.text))
                                }
                                @if !way.commands.is_empty() {
                                    p { "Then, in this order" }
                                    (to_copy(&way.commands.join("\n")))
                                }
                            }
                        }
                    }
                }
            }
            p { "On a command line: " code { (visible(&proposal.command)) } }
        }
    }
}

fn weight(weighed: &Weighed) -> Markup {
    let note = match weighed.standing {
        Standing::Blocks | Standing::Noted => "noted",
        Standing::Allowed => "allowed",
        Standing::Overruled => "does not count under `warn`",
    };
    html! { li { (to_rule(weighed.rule.as_str())) " (" (note) "): " (visible(&weighed.words())) } }
}

/// The page at `/n/{name}`: a network by its name or its id.
pub fn network(facts: &Facts<'_>, name: &str) -> Page {
    let mut found = facts.inventory.networks.values().filter(|it| it.name == name || it.id.as_str() == name);
    match (found.next(), found.next()) {
        (Some(network), None) => one_network(facts, network),
        (Some(_), Some(_)) => {
            let all = facts.inventory.networks.values().filter(|it| it.name == name);
            let link = |id: String| (id.clone(), Some(format!("/n/{}", link::encoded(&id))));
            let ids: Vec<_> = all.map(|it| link(it.id.to_string())).collect();
            other(facts, "Several networks have this name", name, "By their ids:", &ids)
        }
        (None, _) => other(facts, "There is no network of this name", name, "", &[]),
    }
}

fn one_network(facts: &Facts<'_>, network: &Network) -> Page {
    let topology = Topology::of(facts.inventory, facts.settings, facts.plan);
    let node = topology.networks.iter().find(|it| it.id == &network.id);
    let links: BTreeMap<&ContainerId, State> = topology
        .links
        .iter()
        .filter(|it| it.network == Some(&network.id))
        .map(|link| (link.container, link.state))
        .collect();
    let members: Vec<&ContainerNode<'_>> = topology.containers.iter().filter(|it| links.contains_key(it.id)).collect();
    let audit = Audit::of(facts.plan);
    let is_about = |it: &&&Finding| matches!(&it.subject, Subject::Network { name } if *name == network.name);
    let all = audit.findings.iter().chain(&audit.not_verifiable).chain(&audit.allowed);
    let findings: Vec<&Finding> = all.filter(is_about).copied().collect();
    let main = html! {
        (back())
        section class={ "verdict " (node.map_or("unknown", |it| class(it.state))) } {
            h1 { "Network " (visible(&network.name)) }
            p {
                @if let Some(node) = node { (role(node.role)) " " (badge(node.state, "")) }
                @else { (words::EMPTY_NETWORK) }
                " · driver " (link::name(&network.driver))
                @if network.internal { " · made with internal: true" } @else { " · made without internal: true" }
            }
        }
        section aria-labelledby="members" {
            h2 #members { "Who is on it (" (members.len()) ")" }
            @if members.is_empty() { p.quiet { "Nobody that runs." } }
            @else {
                table.rows {
                    thead { tr { th { "Container" } th { "Project" } th { "Outcome" } th { "Its line here" } } }
                    tbody {
                        @for it in members.iter().take(MOST) {
                            tr data-key=(visible(it.id.as_str())) {
                                th scope="row" { (to_container(it.name, it.id)) }
                                td data-name="Project" { a href=(link::project(&it.owner)) { (link::name(&it.owner)) } }
                                td data-name="Outcome" { (if it.role == Role::Traefik { "Traefik" } else { outcome(it.outcome) }) }
                                td data-name="Its line here" { (badge(links.get(it.id).copied().unwrap_or(State::NotVerifiable), "")) }
                            }
                        }
                    }
                }
                @if members.len() > MOST { p.quiet { "and " (members.len() - MOST) " more" } }
                (pictured(&picture::draw(&topology, &facts.plan.outbound, false, |it| links.contains_key(it.id)), "members"))
            }
        }
        section aria-labelledby="findings" {
            h2 #findings { "Findings (" (times(&findings)) ")" }
            @if findings.is_empty() { p.quiet { "None." } }
            (by_rule(&findings))
        }
    };
    Page {
        found: true,
        html: frame(&format!("Leeward: network {}", short(&network.name, 80)), Some(facts), true, &main),
    }
}

/// The page at `/h/{host}`: who answers a host.
pub fn host(facts: &Facts<'_>, name: &str) -> Page {
    let Host { host, routes, refused, ignored, nearest } = explain::find_host(facts.plan, name);
    let found = !(routes.is_empty() && refused.is_empty() && ignored.is_empty());
    let named = |it: &Decision| {
        html! {
            li {
                (to_container(&it.name, &it.id)) " is " (outcome(it.outcome))
                @if let Some(refusal) = &it.refusal { ": " (reason(refusal)) }
            }
        }
    };
    let main = html! {
        (back())
        h1 { (visible(&host)) }
        @match routes.as_slice() {
            [] => p { "No router answers it." },
            all if !all.iter().any(|it| it.is_taken) => p { "No router answers it: Traefik leaves out what would." },
            [_] => p { "It is answered by" },
            _ => p { "It is answered by the first of these whose rule and entry point match" },
        }
        ol {
            @for Routed { route, effective_priority, left_out, is_taken: _ } in routes.iter().take(MOST) {
                li {
                    strong { (link::name(&route.router)) } ", priority " (effective_priority) ": " code { (short(&route.rule, 400)) }
                    @for reason in left_out { p { "Traefik leaves it out: " (visible(reason)) } }
                    ul {
                        @for it in route.backends.iter().take(MOST_IN_LINE) {
                            li { (to_container(&it.container, &it.id)) " at " code { (visible(&it.address)) }
                                @if !it.network.is_empty() { " on " (link::name(&it.network)) } }
                        }
                    }
                }
            }
        }
        @if !refused.is_empty() || !ignored.is_empty() {
            h2 { "Who else names it" }
            ul { @for it in refused.iter().chain(&ignored).take(MOST) { (named(it)) } }
        }
        @if let Some(nearest) = &nearest { p { "Did you mean " (to_host(nearest)) "?" } }
        @let taken: Vec<_> = routes.iter().filter(|it| it.is_taken).collect();
        @if let Some(site) = link::site(&host, taken.iter().any(|it| it.route.tls)).filter(|_| !taken.is_empty()) {
            p { "Open it: " a href=(site) rel="noreferrer noopener" { (site) } }
        }
    };
    Page { found, html: frame(&format!("Leeward: {}", short(&host, 80)), Some(facts), true, &main) }
}

/// The page at `/rules/{rule}`: what a rule is, and where it fires.
pub fn rule(facts: &Facts<'_>, name: &str) -> Page {
    let Ok(id) = name.trim().parse::<RuleId>() else {
        return other(facts, "There is no such rule", name, "", &[]);
    };
    let rule = id.rule();
    let found: Vec<&Finding> = facts.plan.findings.iter().filter(|it| it.rule == id).collect();
    let main = html! {
        (back())
        h1 { (rule.id) ": " (rule.title) }
        p { span class={ "severity " (word(rule.severity)) } { (word(rule.severity)) } " " (action(rule.action)) "." }
        h2 { "Why" }
        p { (rule.why) "." }
        h2 { "Remedy" }
        (to_copy(&rule.fix_for(None)))
        p.quiet { "See " @if rule.reference.starts_with("https://") { a href=(rule.reference) rel="noreferrer noopener" { (rule.reference) } } @else { (rule.reference) } }
        h2 { "Where it fires (" (found.len()) ")" }
        @if found.is_empty() { p.quiet { "Nowhere." } }
        (by_rule(&found))
    };
    Page { found: true, html: frame(&format!("Leeward: {}", rule.id), Some(facts), true, &main) }
}
