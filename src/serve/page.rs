//! `GET /`: the topology as a picture, the routes, the refusals and the findings, for a browser. Needs no script.
//!
//! A view of what is published, like `/routes`, `/explain` and `/audit`, and of the same values. Whatever a stranger
//! named is escaped by `maud`, and what could not be seen is written out, as in the tables.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, html};

use super::published::Published;
use crate::inventory::{ContainerId, NetworkId};
use crate::plan::{Outcome, Route};
use crate::report::audit::{Audit, place, word};
use crate::report::routes::{Listing, to_change};
use crate::report::table::counted;
use crate::report::topology::{ContainerNode, NetworkRole, Role, State, Topology};
use crate::report::visible::{visible, visible_lines};
use crate::report::words::Words as _;
use crate::settings::Settings;

/// Its style, at [`STYLE_PATH`].
pub const STYLE: &str = include_str!("page.css");
/// Where the page finds its style.
pub const STYLE_PATH: &str = "/page.css";

/// How often a browser reads the page again, seconds.
const AGAIN: u32 = 10;
/// How many findings the page lists; `/audit` has them all.
const MOST_FINDINGS: usize = 200;
/// How many containers the page names on one network; `/topology` has them all.
const MOST_MEMBERS: usize = 100;

/// The whole page.
pub fn page(published: &Published, settings: &Settings) -> Markup {
    let Published { inventory, plan, revision, stale, .. } = published;
    let topology = Topology::of(inventory, settings, plan);
    let listing = Listing::new(plan, None, false);
    let audit = Audit::of(plan);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content=(AGAIN);
                title { "Leeward" }
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body {
                header {
                    h1 { "Leeward" }
                    @match stale {
                        Some(stale) => p.stale { "May be out of date: " (visible(&stale.reason)) },
                        None => p.quiet { "Fresh; revision " (revision) },
                    }
                }
                (verdict(&topology, &audit))
                h2 { "Networks" }
                (networks(&topology))
                h2 { "Routed (" (listing.routes.len()) ")" }
                (routes(listing.routes))
                h2 { "Refused (" (listing.refused.len()) ")" }
                table {
                    tr { th { "Container" } th { "Why" } th { "Remedy" } }
                    @for refused in &listing.refused {
                        tr {
                            td { (explained(refused.container)) }
                            td {
                                @if let Some(rule) = &refused.refusal.rule { code { (rule) } " " }
                                (visible(&refused.refusal.words()))
                            }
                            td { pre { (visible_lines(&to_change(refused.refusal))) } }
                        }
                    }
                }
                p.quiet { "Ignored, because they do not ask to be routed: " (counted(listing.ignored, "container")) "." }
                h2 { "Findings (" (audit.findings.len()) ")" }
                table {
                    tr { th { "Severity" } th { "Rule" } th { "Where" } th { "What" } }
                    @for finding in audit.findings.iter().take(MOST_FINDINGS) {
                        tr {
                            td class=(word(finding.severity)) { (word(finding.severity)) }
                            td { code { (finding.rule) } }
                            td { (place(&finding.subject)) }
                            td { (visible(&finding.words())) }
                        }
                    }
                }
                p.quiet {
                    (audit.allowed.len()) " allowed, " (audit.not_verifiable.len()) " not verifiable: see "
                    a href="/audit" { "/audit" } ", which also has the remedies. Also: "
                    a href="/routes" { "/routes" } ", " a href="/topology" { "/topology" } ", " a href="/config" { "/config" } ", " a href="/metrics" { "/metrics" } "."
                }
            }
        }
    }
}

fn routes(routes: &[Route]) -> Markup {
    html! {
        table {
            tr { th { "Router" } th { "Rule" } th { "Leads to" } th { "On" } th { "Middlewares" } }
            @for route in routes {
                tr {
                    td { (route.protocol.as_str()) " " (visible(&route.router)) }
                    td { code { (visible(&route.rule)) } }
                    td {
                        @for backend in &route.backends {
                            div { (explained(&backend.container)) " " code { (visible(&backend.address)) } }
                        }
                    }
                    td { @for backend in &route.backends { div { (visible(&backend.network)) } } }
                    td { (visible(&route.middlewares.join(", "))) }
                }
            }
        }
    }
}

/// The first line: whether everything is shut in.
fn verdict(topology: &Topology<'_>, audit: &Audit<'_>) -> Markup {
    let applications: Vec<&ContainerNode<'_>> =
        topology.containers.iter().filter(|it| it.role == Role::Application).collect();
    let count = |is: &dyn Fn(&ContainerNode<'_>) -> bool| applications.iter().filter(|it| is(it)).count();
    let routed = |it: &ContainerNode<'_>| it.outcome == Outcome::Routed;
    let shut = count(&|it| routed(it) && it.state == State::Shut);
    let open = count(&|it| routed(it) && it.state == State::WayOut);
    let unknown = count(&|it| routed(it) && it.state == State::NotVerifiable);
    let refused = count(&|it| it.outcome == Outcome::Refused);
    let class = match (open, unknown + refused) {
        (0, 0) => "verdict shut",
        (0, _) => "verdict unknown",
        _ => "verdict open",
    };
    html! {
        p class=(class) {
            @if applications.is_empty() {
                "No container asks to be routed."
            } @else {
                (counted(applications.len(), "application")) ": " (shut) " routed and shut in"
                @if open > 0 { ", " strong { (open) " routed with a way out" } }
                @if unknown > 0 { ", " (unknown) " routed and not verifiable" }
                @if refused > 0 { ", " strong { (refused) " refused" } }
                "."
            }
            @if !audit.not_verifiable.is_empty() {
                " " (counted(audit.not_verifiable.len(), "fact")) " cannot be verified."
            }
        }
    }
}

/// Every network with somebody on it, by what it is for, and who.
fn networks(topology: &Topology<'_>) -> Markup {
    let containers: BTreeMap<&ContainerId, &ContainerNode<'_>> =
        topology.containers.iter().map(|it| (it.id, it)).collect();
    let mut members: BTreeMap<Option<&NetworkId>, Vec<(&ContainerNode<'_>, State)>> = BTreeMap::new();
    for link in &topology.links {
        if let Some(container) = containers.get(link.container) {
            members.entry(link.network).or_default().push((container, link.state));
        }
    }
    html! {
        div.columns {
            @for (role, title) in [
                (NetworkRole::Exposed, "Exposed"),
                (NetworkRole::Control, "Control"),
                (NetworkRole::Proxy, "Proxy"),
                (NetworkRole::Outbound, "Outbound names"),
                (NetworkRole::Private, "Private"),
            ].into_iter().filter(|(role, _)| {
                *role != NetworkRole::Outbound || topology.networks.iter().any(|it| it.role == *role)
            }) {
                div.column {
                    h3 { (title) }
                    @for network in topology.networks.iter().filter(|it| it.role == role) {
                        div class={ "network " (class(network.state)) } {
                            h4 { (visible(network.name)) " " span.quiet { (words(network.state)) } }
                            (list(members.get(&Some(network.id))))
                        }
                    }
                    @if role == NetworkRole::Exposed && members.contains_key(&None) {
                        div.network.open {
                            h4 { "By other ways than a network" }
                            (list(members.get(&None)))
                        }
                    }
                }
            }
        }
    }
}

fn list(members: Option<&Vec<(&ContainerNode<'_>, State)>>) -> Markup {
    let members = members.map_or(&[][..], Vec::as_slice);
    html! {
        ul {
            @for (container, state) in members.iter().take(MOST_MEMBERS) {
                li class=(class(*state)) {
                    (explained(container.name)) " "
                    span.quiet {
                        (match container.outcome {
                            Outcome::Routed => "routed",
                            Outcome::Refused => "refused",
                            Outcome::Ignored => "not routed",
                        })
                        @if *state > State::Shut { ", " (words(*state)) @if container.allowed { ", allowed" } }
                    }
                }
            }
            @if members.len() > MOST_MEMBERS { li { "and " (members.len() - MOST_MEMBERS) " more" } }
        }
    }
}

fn class(state: State) -> &'static str {
    match state {
        State::Shut => "shut",
        State::NotVerifiable => "unknown",
        State::WayOut => "open",
    }
}

/// A state in words, so that no colour stands alone.
fn words(state: State) -> &'static str {
    match state {
        State::Shut => "shut",
        State::NotVerifiable => "not verifiable",
        State::WayOut => "way out",
    }
}

/// A container's name, leading to its explanation.
fn explained(container: &str) -> Markup {
    // Names of containers are letters, digits, `_`, `.` and `-`; a name that is something else gets no link.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    html! {
        @if !container.is_empty() && container.bytes().all(plain) {
            a href={ "/explain/" (container) } { (container) }
        } @else {
            (visible(container))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::*;
    use crate::docker::Stale;
    use crate::inventory::Inventory;
    use crate::plan::compile;
    use crate::source::snapshot;

    fn shown(inventory: Inventory, stale: Option<Stale>) -> String {
        let plan = Arc::new(compile(&inventory, &Settings::default()));
        let inventory = Arc::new(inventory);
        let now = SystemTime::UNIX_EPOCH;
        let published = Published {
            inventory,
            plan,
            documents: BTreeMap::new(),
            outbound: BTreeMap::new(),
            revision: 7,
            changed_at: now,
            stale,
        };
        page(&published, &Settings::default()).into_string()
    }

    #[test]
    fn the_page_shows_the_plan() {
        let text = shown(snapshot::demo().unwrap(), None);
        for words in [
            "Host(`app1.localhost`)",
            "href=\"/explain/app1-web-1\"",
            "net-exposed <span class=\"quiet\">way out",
            "3 applications: 2 routed and shut in, <strong>1 refused</strong>.",
            "NET-001",
            "Routed (2)",
            "Refused (1)",
            "revision 7",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let stale = Stale { since: SystemTime::UNIX_EPOCH, reason: "gone\u{1b}[31m".into() };
        assert!(shown(snapshot::demo().unwrap(), Some(stale)).contains("May be out of date: gone\\u{1b}[31m"));
    }

    #[test]
    fn what_a_stranger_wrote_is_shown_and_not_obeyed() {
        let mut inventory = snapshot::demo().unwrap();
        let evil = "</td><script>alert(1)</script>\"'";
        for container in inventory.containers.values_mut().map(Arc::make_mut) {
            container.name = format!("{}{evil}", container.name);
            for value in container.labels.values_mut().filter(|value| value.starts_with("Host(")) {
                *value = format!("{value} || Path(`{evil}`)");
            }
        }
        for network in inventory.networks.values_mut() {
            network.labels.insert("x".into(), evil.into());
        }
        let text = shown(inventory, None);
        assert!(text.contains("&lt;script&gt;"), "{text}");
        assert!(!text.contains("<script"), "{text}");
    }
}
