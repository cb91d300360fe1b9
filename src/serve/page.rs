//! `GET /`: the topology as a picture, the routes, the refusals and the findings, for a browser. Needs no script.
//!
//! A view of what is published, like `/routes`, `/explain` and `/audit`, and of the same values. Whatever a stranger
//! named is escaped by `maud`, and what could not be seen is written out, as in the tables.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, html};

use super::published::Published;
use crate::inventory::{Container, ContainerId, Inventory, Network, NetworkId};
use crate::plan::{Outcome, Plan, Route};
use crate::report::audit::{Audit, place, word};
use crate::report::routes::{Listing, to_change};
use crate::report::table::counted;
use crate::report::visible::{visible, visible_lines};
use crate::report::words::Words as _;

/// Its style, at [`STYLE_PATH`].
pub const STYLE: &str = include_str!("page.css");
/// Where the page finds its style.
pub const STYLE_PATH: &str = "/page.css";

/// How often a browser reads the page again, seconds.
const AGAIN: u32 = 10;
/// How many findings the page lists; `/audit` has them all.
const MOST_FINDINGS: usize = 200;

/// The whole page.
pub fn page(published: &Published) -> Markup {
    let Published { inventory, plan, revision, stale, .. } = published;
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
                h2 { "Networks" }
                (topology(inventory, plan))
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
                    a href="/routes" { "/routes" } ", " a href="/config" { "/config" } ", " a href="/metrics" { "/metrics" } "."
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

/// Every network with somebody on it, and who.
fn topology(inventory: &Inventory, plan: &Plan) -> Markup {
    let mut members: BTreeMap<&NetworkId, Vec<&Container>> = BTreeMap::new();
    for container in inventory.containers.values() {
        for network in container.attachments.values().filter_map(|it| inventory.network_of(it)) {
            members.entry(&network.id).or_default().push(container);
        }
    }
    let mut networks: Vec<(&Network, Vec<&Container>)> =
        members.into_iter().filter_map(|(id, members)| Some((inventory.networks.get(id)?, members))).collect();
    networks.sort_by_key(|(network, _)| (network.internal, &network.name));
    html! {
        div.networks {
            @for (network, members) in networks {
                div class=(if network.internal { "network" } else { "network open" }) {
                    h3 { (visible(&network.name)) " " span.quiet { (if network.internal { "internal" } else { "leads out" }) } }
                    ul {
                        @for member in members {
                            li class=(outcome(plan, &member.id)) { (explained(&member.name)) }
                        }
                    }
                }
            }
        }
    }
}

fn outcome(plan: &Plan, id: &ContainerId) -> &'static str {
    match plan.decisions.get(id).map(|decision| decision.outcome) {
        Some(Outcome::Routed) => "routed",
        Some(Outcome::Refused) => "refused",
        Some(Outcome::Ignored) | None => "ignored",
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
    use crate::plan::compile;
    use crate::settings::Settings;
    use crate::source::snapshot;

    fn shown(inventory: Inventory, stale: Option<Stale>) -> String {
        let plan = Arc::new(compile(&inventory, &Settings::default()));
        let inventory = Arc::new(inventory);
        let now = SystemTime::UNIX_EPOCH;
        page(&Published { inventory, plan, documents: BTreeMap::new(), revision: 7, changed_at: now, stale })
            .into_string()
    }

    #[test]
    fn the_page_shows_the_plan() {
        let text = shown(snapshot::demo().unwrap(), None);
        for words in [
            "Host(`app1.localhost`)",
            "href=\"/explain/app1-web-1\"",
            "net-exposed <span class=\"quiet\">leads out",
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
