//! The front: whether everything is shut in, what is not and what to do, and how it all hangs together.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::filter::STATES;
use super::{
    Facts, Filter, Page, Seen, badge, few, frame, link, matrix, pictured, rules, said, to_container, to_copy, to_host,
    to_network, to_rule,
};
use crate::inventory::ContainerId;
use crate::plan::{Decision, Outcome, Route};
use crate::policy::finding::{Finding, Severity, Subject};
use crate::policy::leeward_labels::TRAEFIK;
use crate::policy::refusal::Refusal;
use crate::remedy::is_for_edits;
use crate::report::asked::HERE;
use crate::report::audit::{Audit, place, word};
use crate::report::picture;
use crate::report::routes::{self, Listing, Refused, to_change};
use crate::report::table::counted;
use crate::report::topology::{ContainerNode, Role, State, Topology, class};
use crate::report::visible::{short, visible};
use crate::report::words::page::{Count, mark, meaning, outcome, state as words};
use crate::report::words::{Remedy as _, Words as _, unsaid};

/// The most rows of a table; a filter finds the others.
const MOST_ROWS: usize = 200;
/// The most refusals that are written out.
const MOST_REFUSED: usize = 50;
/// The most reasons of one refusal that are written out.
const MOST_REASONS: usize = 10;
/// The most places that are named for one rule.
const MOST_PLACES: usize = 20;
/// The most projects that are offered.
const MOST_PROJECTS: usize = 300;
/// The most of what a cell lists.
const MOST_IN_CELL: usize = 4;
/// The most letters of a router's rule in a row.
const LONGEST_RULE: usize = 160;

/// The page at `/`.
pub fn front(facts: &Facts<'_>, filter: &Filter) -> Page {
    let topology = Topology::of(facts.inventory, facts.settings, facts.plan);
    let seen = Seen::of(&topology);
    let audit = Audit::of(facts.plan);
    let listing = Listing::new(facts.plan, None, false);
    // Traefik is on everybody's network, and is not what is meant by one.
    let names = |it: &ContainerNode<'_>| match it.role {
        Role::Traefik | Role::Egress => Vec::new(),
        Role::Leeward | Role::Application | Role::Private => seen.names(it.id),
    };
    let takes = |it: &ContainerNode<'_>| filter.takes_node(it, &names(it));
    let known: BTreeMap<&ContainerId, State> = topology.containers.iter().map(|it| (it.id, it.state)).collect();
    let refused: Vec<&Refused<'_>> = listing
        .refused
        .iter()
        .filter(|it| {
            let state = facts.plan.decisions.get_key_value(it.id).and_then(|(id, _)| known.get(id)).copied();
            let hosts = facts.plan.decisions.get(it.id).into_iter().flat_map(|it| &it.hosts).map(String::as_str);
            filter.takes([it.container, it.owner].into_iter().chain(hosts), it.owner, Outcome::Refused, state)
        })
        .collect();
    let nodes: Vec<&ContainerNode<'_>> = topology.containers.iter().filter(|it| takes(it)).collect();
    let count = count(&topology, &audit);
    let main = html! {
        (verdict(&count, &audit))
        (notices(&topology, &count))
        (to_do(facts, &topology, &listing.refused))
        @if !topology.containers.is_empty() {
            (form(facts, filter, nodes.len(), topology.containers.len()))
            section aria-labelledby="together" {
                h2 #together { "How it hangs together" }
                p.view { a href=(filter.other_view()) { (if filter.matrix { "As a picture" } else { "As a table of networks and projects" }) } }
                @if filter.matrix {
                    (matrix::table(&seen, |it| takes(it)))
                } @else {
                    (pictured(&picture::draw(&topology, &facts.plan.outbound, !filter.is_on(), |it| takes(it)), "together"))
                    (legend())
                }
            }
        }
        (applications(facts, &seen, filter, &nodes))
        (refusals(facts, filter, &refused))
        (findings(filter, &audit, &nodes, &seen))
    };
    let sign = if count.applications > 0 { format!("{} ", mark(count.state())) } else { String::new() };
    Page { found: true, html: frame(&format!("{sign}Leeward: {}", count.headline()), Some(facts), true, &main) }
}

/// Whether a container is one of the applications: it asks for a route and runs. Traefik is one where its own is refused.
fn is_application(node: &ContainerNode<'_>) -> bool {
    node.role == Role::Application || node.outcome == Outcome::Refused
}

fn count(topology: &Topology<'_>, audit: &Audit<'_>) -> Count {
    let mut count = Count { not_verifiable: audit.not_verifiable.len(), ..Count::default() };
    for it in topology.containers.iter().filter(|it| is_application(it)) {
        let is_routed = it.outcome == Outcome::Routed;
        count.applications += 1;
        count.refused += usize::from(!is_routed);
        count.open += usize::from(it.state == State::WayOut);
        count.open_routed += usize::from(is_routed && it.state == State::WayOut);
        count.unknown += usize::from(it.state == State::NotVerifiable);
        count.shut += usize::from(is_routed && it.state == State::Shut);
    }
    // What an application is refused for is counted as its refusal.
    let is_severe = |it: &&&Finding| it.severity >= Severity::High && !it.blocks;
    count.severe = audit.findings.iter().filter(is_severe).count();
    count
}

fn verdict(count: &Count, audit: &Audit<'_>) -> Markup {
    let state = count.state();
    // Where nothing is, nothing is shut in.
    let own = if count.applications == 0 && state == State::Shut { "none" } else { class(state) };
    html! {
        section #verdict class={ "verdict " (own) } {
            h1 { @if count.applications > 0 { span.sign aria-hidden="true" { (mark(state)) } " " } span role="status" { (count.headline()) } }
            @if count.applications > 0 {
                p {
                    (count.numbers())
                    @if !audit.not_verifiable.is_empty() {
                        " " a href="#not-verifiable" { (counted(audit.not_verifiable.len(), "fact")) } " cannot be verified."
                    }
                    @if count.severe > 0 {
                        " " a href="#findings" { (counted(count.severe, "finding")) } (if count.severe == 1 { " is" } else { " are" })
                        " high or critical."
                    }
                }
            } @else {
                p { (said::EMPTY_LONG) }
            }
        }
    }
}

fn notices(topology: &Topology<'_>, count: &Count) -> Markup {
    let has_traefik = topology.containers.iter().any(|it| it.role == Role::Traefik);
    html! {
        @if !has_traefik {
            div.notice {
                p { strong { (said::NO_TRAEFIK) } " " @if count.applications > 0 { (said::NO_TRAEFIK_LONG) } @else { (said::NO_TRAEFIK_FIRST) } }
                (to_copy(&format!("labels:\n  {TRAEFIK}: \"true\"")))
            }
        }
    }
}

/// What is routed with a way out, and what is refused, one line each; the remedies stand below.
fn to_do(facts: &Facts<'_>, topology: &Topology<'_>, refused: &[Refused<'_>]) -> Markup {
    let is_open =
        |it: &&ContainerNode<'_>| is_application(it) && it.outcome == Outcome::Routed && it.state == State::WayOut;
    let open: Vec<&ContainerNode<'_>> = topology.containers.iter().filter(is_open).collect();
    let rest = open.len().saturating_sub(MOST_IN_CELL) + refused.len().saturating_sub(MOST_IN_CELL);
    html! {
        @if !open.is_empty() || !refused.is_empty() {
            section.todo aria-labelledby="todo" {
                h2 #todo { "What to do" }
                ul {
                    @for it in open.iter().take(MOST_IN_CELL) {
                        li data-key=(visible(it.id.as_str())) {
                            (to_container(it.name, it.id)) " is routed with a way out"
                            @if it.allowed { ", which you allowed" }
                            @if !it.against.is_empty() { ": " (rules(&it.against)) }
                            "."
                        }
                    }
                    @for it in refused.iter().take(MOST_IN_CELL) {
                        li data-key=(visible(it.id)) {
                            (to_container(it.container, &ContainerId::from(it.id))) " is refused"
                            @if let Some(rule) = &it.refusal.rule { " by " (to_rule(rule.as_str())) }
                            ": " (short(&it.refusal.words(), 200)) "."
                            @let more = reasons(facts, it).len().saturating_sub(1);
                            @if more > 0 { " And for " (counted(more, "more reason")) "." }
                        }
                    }
                    @if rest > 0 { li { "and " (rest) " more" } }
                }
                @if !refused.is_empty() { p { a href="#refused" { "See the remedies" } } }
            }
        }
    }
}

/// `shown`: how many containers the filter takes, of `all` that run.
fn form(facts: &Facts<'_>, filter: &Filter, shown: usize, all: usize) -> Markup {
    // Names with hidden characters have links, but cannot stand in a form.
    let owners: BTreeSet<&str> =
        facts.plan.decided().map(|it| it.owner.as_str()).filter(|it| visible(it) == *it).collect();
    html! {
        form.filter method="get" action="/" role="search" {
            @if filter.matrix { input type="hidden" name="view" value="matrix"; }
            label { "Find " input type="search" name="q" value=(visible(&filter.text)) placeholder="name, host, network"; }
            label { "Project "
                select name="project" {
                    option value="" { "all" }
                    @for owner in owners.iter().take(MOST_PROJECTS) {
                        option value=(owner) selected[filter.project == *owner] { (short(owner, 60)) }
                    }
                    @if !filter.project.is_empty() && !owners.iter().take(MOST_PROJECTS).any(|it| *it == filter.project) {
                        option value=(visible(&filter.project)) selected { (short(&filter.project, 60)) }
                    }
                }
            }
            label { "State "
                select name="state" {
                    option value="" { "any" }
                    @for (state, words) in STATES { option value=(state) selected[filter.state == state] { (words) } }
                }
            }
            button { "Show" }
            @if filter.is_on() { span { (shown) " of " (counted(all, "container")) ". " a href="/" { "Show everything" } } }
        }
    }
}

/// What the lines mean.
fn legend() -> Markup {
    let all = [State::Shut, State::WayOut, State::NotVerifiable, State::TraefiksOwn];
    html! {
        ul.legend aria-label="What the lines mean" {
            @for state in all { li { (picture::swatch(state)) " " strong { (words(state)) } ": " (meaning(state)) } }
        }
    }
}

fn applications(facts: &Facts<'_>, seen: &Seen<'_>, filter: &Filter, nodes: &[&ContainerNode<'_>]) -> Markup {
    let mut routes: BTreeMap<&ContainerId, Vec<&Route>> = BTreeMap::new();
    // Those that lead to no server, by the names of who declares them.
    let mut serverless: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    for route in &facts.plan.routes {
        for origin in route.origins.iter().filter(|_| route.backends.is_empty()) {
            serverless.entry(&origin.container).or_default().push(route);
        }
        for id in route.backends.iter().map(|it| &it.id).collect::<BTreeSet<_>>() {
            routes.entry(id).or_default().push(route);
        }
    }
    let wants_others = filter.state == "not-routed" || !filter.text.is_empty();
    let is_row = |it: &&&ContainerNode<'_>| is_application(it) || (wants_others && it.role == Role::Private);
    let mut rows: Vec<&&ContainerNode<'_>> = nodes.iter().filter(is_row).collect();
    rows.sort_by_key(|it| (std::cmp::Reverse(it.state), it.outcome != Outcome::Refused, &it.owner, it.name, it.id));
    let ignored = seen.topology.containers.iter().filter(|it| it.role == Role::Private).count();
    html! {
        section aria-labelledby="applications" {
            h2 #applications { "Applications (" (rows.len()) ")" }
            @if rows.is_empty() {
                p.quiet { (if filter.is_on() { said::FILTERED } else { said::EMPTY }) }
            } @else {
                table.rows.apps {
                    thead { tr { th { "Container" } th { "State" } th { "Hosts" } th { "Network" } th { "Router rule" } th { "May reach" } } }
                    tbody {
                        @for row in rows.iter().take(MOST_ROWS) {
                            @let served = routes.get(row.id).into_iter().chain(serverless.get(row.name)).flatten().copied();
                            (application(facts, seen, row, &served.collect::<Vec<_>>()))
                        }
                    }
                }
                @if rows.len() > MOST_ROWS { p.quiet { "and " (rows.len() - MOST_ROWS) " more: use the filter" } }
            }
            @if ignored > 0 && !wants_others {
                p.quiet { a href="/?state=not-routed" { (counted(ignored, "other container")) } " did not ask to be routed." }
            }
        }
    }
}

fn application(facts: &Facts<'_>, seen: &Seen<'_>, node: &ContainerNode<'_>, routes: &[&Route]) -> Markup {
    let decision = facts.plan.decisions.get(node.id);
    let hosts = hosts(facts, decision.map(AsRef::as_ref), routes);
    let left_out = left_out(facts, routes);
    let written: Vec<&str> = routes.iter().map(|it| it.rule.as_str()).filter(|it| !it.is_empty()).collect();
    let network = decision.and_then(|it| it.network.as_deref());
    let inner: Vec<&str> = seen.names(node.id).into_iter().filter(|it| Some(*it) != network).collect();
    let outbound = facts.plan.outbound.iter().filter(|it| it.id == *node.id && it.holds());
    let outbound: Vec<String> = outbound.map(|it| it.target.to_string()).take(MOST_ROWS).collect();
    html! {
        tr data-key=(visible(node.id.as_str())) {
            th scope="row" { (to_container(node.name, node.id)) div.quiet { a href=(link::project(&node.owner)) { (link::name(&node.owner)) } } }
            td data-name="State" {
                // Beside the state's colour alone it would look as if all were well.
                @if left_out.is_empty() { (outcome(node.outcome)) }
                @else { span class="badge unknown" { (if left_out.len() < routes.len() { "partly " } else { "" }) "left out by Traefik" } }
                " "
                (badge(node.state, if node.allowed { ", allowed" } else { "" }))
                @for (router, why) in left_out.iter().take(MOST_REASONS) {
                    div.reason { strong { "Traefik leaves " (link::name(router)) " out" } ": " (short(why, 200)) }
                }
                @if !node.rules.is_empty() { div.quiet { (rules(&node.rules)) } }
            }
            td data-name="Hosts" {
                (few(&hosts, MOST_IN_CELL, |(host, answered)| html! {
                    (to_host(host))
                    @if let Some(site) = answered.and_then(|tls| link::site(host, tls)) {
                        " " a.open href=(site) rel="noreferrer noopener" aria-label={ "open " (host) } { "↗" }
                    }
                }))
            }
            td data-name="Network" { @if let Some(network) = network { (to_network(seen, network)) } @else { "none" } }
            td data-name="Router rule" { (few(&written, 2, |rule| html! { code { (in_pieces(&short(rule, LONGEST_RULE))) } })) }
            td data-name="May reach" {
                (few(&inner, MOST_IN_CELL, |name| to_network(seen, name)))
                @if !inner.is_empty() && !outbound.is_empty() { "; " }
                @if !outbound.is_empty() { "outside: " (few(&outbound, MOST_IN_CELL, |name| html! { (visible(name)) })) }
                @if node.state == State::WayOut { div { strong { "beyond internal networks" } } }
            }
        }
    }
}

/// A rule that is broken, where it has to be, after a sign and not in a name.
fn in_pieces(rule: &str) -> Markup {
    html! { @for piece in rule.split_inclusive(['.', '(', '/', '-']) { (piece) wbr; } }
}

/// The routers that Traefik leaves out, each with the reasons.
fn left_out<'a>(facts: &Facts<'a>, routes: &[&'a Route]) -> Vec<(&'a str, String)> {
    let why = |route: &&'a Route| {
        let reasons = facts.plan.never_taken(route);
        let words = reasons.iter().map(|reason| routes::left_out(facts.plan, reason)).collect::<Vec<_>>().join("; ");
        (!reasons.is_empty()).then_some((route.router.as_str(), words))
    };
    routes.iter().filter_map(why).collect()
}

/// The hosts that lead to a container, or that it asks for; where a router answers, with whether it speaks TLS.
fn hosts(facts: &Facts<'_>, decision: Option<&Decision>, routes: &[&Route]) -> Vec<(String, Option<bool>)> {
    let mut hosts: BTreeMap<String, Option<bool>> = BTreeMap::new();
    for route in routes {
        let answered = facts.plan.never_taken(route).is_empty().then_some(route.tls);
        if let Some(Ok(rule)) = facts.plan.rule(route) {
            let reach = rule.hosts();
            for host in reach.hosts.iter().cloned().chain(reach.below.iter().map(|it| format!("*.{it}"))) {
                let known = hosts.entry(host).or_default();
                *known = (*known).max(answered);
            }
        }
    }
    for host in decision.into_iter().flat_map(|it| &it.hosts) {
        hosts.entry(host.clone()).or_default();
    }
    hosts.into_iter().collect()
}

/// Why a container is refused: each reason once, the first first.
fn reasons<'a>(facts: &Facts<'a>, refused: &Refused<'a>) -> Vec<&'a Refusal> {
    let steps = facts.plan.decisions.get(refused.id).into_iter().flat_map(|it| &it.steps);
    let mut told = BTreeSet::new();
    let all = [refused.refusal].into_iter().chain(steps.flat_map(|step| &step.refusals));
    all.filter(|refusal| told.insert(*refusal)).collect()
}

/// Those that one remedy mends together, and those that have one each.
fn by_remedy(reasons: Vec<&Refusal>) -> (Vec<&Refusal>, Vec<&Refusal>) {
    reasons.into_iter().partition(|it| is_for_edits(it))
}

/// A reason in words, with the label that it is about.
pub(super) fn reason(refusal: &Refusal) -> Markup {
    let words = refusal.words();
    html! {
        @if let Some(rule) = &refusal.rule { (to_rule(rule.as_str())) " " }
        (visible(&words)) "."
        @if let Some(label) = unsaid(refusal.label.as_deref(), &words) { " Label: " code { (short(label, 200)) } }
    }
}

/// What is said where there is nothing to show.
fn none(filter: &Filter) -> &'static str {
    if filter.is_on() { said::FILTERED } else { "None." }
}

fn refusals(facts: &Facts<'_>, filter: &Filter, refused: &[&Refused<'_>]) -> Markup {
    html! {
        section aria-labelledby="refused" {
            h2 #refused { "Refused (" (refused.len()) ")" }
            p.quiet { (if refused.is_empty() { none(filter) } else { said::REFUSED }) }
            @for it in refused.iter().take(MOST_REFUSED) {
                article.refused data-key=(visible(it.id)) {
                    h3 { (to_container(it.container, &ContainerId::from(it.id))) " " span.quiet { (link::name(it.owner)) } }
                    @let (edits, others) = by_remedy(reasons(facts, it));
                    @if !edits.is_empty() {
                        ul { @for refusal in edits.iter().take(MOST_REASONS) { li { (reason(refusal)) } } }
                        @if edits.len() > MOST_REASONS { p.quiet { "and " (edits.len() - MOST_REASONS) " more" } }
                        p.quiet { (if edits.len() == 1 { "Remedy" } else { "One remedy for all of these" }) }
                        (to_copy(&HERE.fix(it.container)))
                    }
                    @for refusal in others.iter().take(MOST_REASONS) {
                        ul { li { (reason(refusal)) } }
                        @let remedy = to_change(refusal);
                        @if !remedy.is_empty() { p.quiet { "Remedy" } (to_copy(&remedy)) }
                    }
                    @if others.len() > MOST_REASONS { p.quiet { "and " (others.len() - MOST_REASONS) " more" } }
                    p {
                        a href={ (link::container(it.container, &ContainerId::from(it.id))) "#remedy" } {
                            "All ways to mend " (link::name(it.container)) ", with files to copy"
                        }
                    }
                }
            }
            @if refused.len() > MOST_REFUSED { p.quiet { "and " (refused.len() - MOST_REFUSED) " more: use the filter" } }
        }
    }
}

fn findings<'a>(filter: &Filter, audit: &Audit<'a>, nodes: &[&ContainerNode<'_>], seen: &Seen<'_>) -> Markup {
    let shown: BTreeSet<&ContainerId> = nodes.iter().map(|it| it.id).collect();
    let networks: BTreeSet<&str> = nodes.iter().flat_map(|it| seen.names(it.id)).collect();
    let takes = |it: &&Finding| {
        !filter.is_on()
            || match &it.subject {
                Subject::Engine => false,
                Subject::Host { containers, .. } => containers.iter().any(|it| shown.contains(it)),
                Subject::Network { name } => networks.contains(name.as_str()),
                Subject::Container { id, .. } => shown.contains(id),
            }
    };
    let chosen = |all: &[&'a Finding]| all.iter().copied().filter(takes).collect::<Vec<&Finding>>();
    let (found, unknown, allowed) = (chosen(&audit.findings), chosen(&audit.not_verifiable), chosen(&audit.allowed));
    html! {
        section aria-labelledby="findings" {
            h2 #findings { "Findings (" (times(&found)) ")" }
            p.quiet { (if found.is_empty() { none(filter) } else { said::FINDINGS }) }
            (by_rule(&found))
        }
        @if !unknown.is_empty() {
            section aria-labelledby="not-verifiable" {
                h2 #not-verifiable { "Not verifiable (" (times(&unknown)) ")" }
                p.quiet { (said::NOT_VERIFIABLE) }
                (by_rule(&unknown))
            }
        }
        @if !allowed.is_empty() {
            section aria-labelledby="allowed" {
                h2 #allowed { "Allowed (" (times(&allowed)) ")" }
                p.quiet { (said::ALLOWED) }
                (by_rule(&allowed))
            }
        }
    }
}

/// How many findings there are, and of how many rules where the list below has fewer lines than that.
pub(super) fn times(findings: &[&Finding]) -> String {
    let rules = findings.chunk_by(|one, other| one.rule == other.rule).count();
    if rules == findings.len() {
        rules.to_string()
    } else {
        format!("{} of {}", findings.len(), counted(rules, "rule"))
    }
}

/// Findings, each rule once, with its remedy. They come sorted, the worst first.
pub(super) fn by_rule(findings: &[&Finding]) -> Markup {
    html! {
        @for found in findings.chunk_by(|one, other| one.rule == other.rule) {
            @if let Some(first) = found.first() {
                details.finding #{ "finding-" (first.rule) } {
                    summary {
                        span class={ "severity " (word(first.severity)) } { (word(first.severity)) } " "
                        strong { (first.rule) } " " (first.rule.rule().title) " "
                        span.count { (counted(found.len(), "time")) }
                    }
                    ul {
                        @for it in found.iter().take(MOST_PLACES) {
                            li {
                                @match &it.subject {
                                    Subject::Container { id, name, .. } => { (to_container(name, id)) ": " }
                                    other => { (place(other)) ": " }
                                }
                                (short(&it.words(), 400))
                            }
                        }
                        @if found.len() > MOST_PLACES { li { "and " (found.len() - MOST_PLACES) " more" } }
                    }
                    p { a href=(link::rule(first.rule.as_str())) { "Why " (first.rule) " matters" } }
                    (to_copy(&first.remedy()))
                }
            }
        }
    }
}
