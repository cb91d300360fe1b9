//! Networks and projects as a table: who is on what, and how each of that is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::{Seen, badge, link, said};
use crate::inventory::{ContainerId, NetworkId};
use crate::report::topology::{ContainerNode, NetworkNode, State, class};
use crate::report::visible::short;
use crate::report::words::page::{mark, role, state as words};

/// The most rows and columns; the worst come first.
const MOST: usize = 60;

/// The table of the containers that `shows` takes.
pub(super) fn table<'a>(seen: &Seen<'a>, shows: impl Fn(&ContainerNode<'a>) -> bool) -> Markup {
    let shown: BTreeMap<&ContainerId, &ContainerNode<'_>> =
        seen.topology.containers.iter().filter(|it| shows(it)).map(|it| (it.id, it)).collect();
    let mut cells: BTreeMap<(&NetworkId, &str), (usize, State)> = BTreeMap::new();
    let mut owners: BTreeMap<&str, State> = BTreeMap::new();
    for link in &seen.topology.links {
        let (Some(container), Some(network)) = (shown.get(link.container), link.network) else { continue };
        let cell = cells.entry((network, &container.owner)).or_insert((0, State::Shut));
        *cell = (cell.0 + 1, cell.1.max(link.state));
        let worst = owners.entry(&container.owner).or_insert(State::Shut);
        *worst = link.state.max(*worst);
    }
    let used: BTreeSet<&NetworkId> = cells.keys().map(|(network, _)| *network).collect();
    let mut networks: Vec<&NetworkNode<'_>> = seen.topology.networks.iter().filter(|it| used.contains(it.id)).collect();
    networks.sort_by_key(|it| (it.role, Reverse(it.state), it.name, it.id));
    let mut owners: Vec<(&str, State)> = owners.into_iter().collect();
    owners.sort_by_key(|(owner, state)| (Reverse(*state), *owner));
    html! {
        @if networks.is_empty() { p.quiet { (said::FILTERED) } }
        @else {
            div.scroll tabindex="0" role="region" aria-labelledby="together" {
                table.matrix {
                    thead {
                        tr {
                            th scope="col" { "Network" }
                            @for (owner, _) in owners.iter().take(MOST) {
                                th scope="col" { a href=(link::project(owner)) { (short(owner, 20)) } }
                            }
                        }
                    }
                    tbody {
                        @for network in networks.iter().take(MOST) {
                            tr data-key=(short(network.id.as_str(), 80)) {
                                th scope="row" {
                                    a href=(link::network(network.name, network.id)) { (short(network.name, 30)) }
                                    div.quiet { (role(network.role)) " " (badge(network.state, "")) }
                                }
                                @for (owner, _) in owners.iter().take(MOST) {
                                    @match cells.get(&(network.id, *owner)) {
                                        Some((number, state)) => {
                                            td class=(class(*state)) {
                                                span aria-hidden="true" { (mark(*state)) } " " (number)
                                                span.told { " " (words(*state)) }
                                            }
                                        }
                                        None => { td {} }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            p.quiet {
                "Numbers of containers."
                @if networks.len() > MOST { " And " (networks.len() - MOST) " more networks." }
                @if owners.len() > MOST { " And " (owners.len() - MOST) " more projects." }
            }
        }
    }
}
