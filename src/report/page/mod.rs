//! Pages for a browser: the front, one for each container, network, host and rule; and what is said when there is no plan.
//!
//! ```text
//! front    whether everything is shut in; the picture; applications, refusals, findings
//! detail   one container, network, host, rule
//! matrix   networks and projects as a table
//! filter   which of all that; link: where pages are
//! ```
//!
//! Views of a plan, like `routes`, `explain` and `audit`, and of the same values. `maud` escapes whatever a stranger named,
//! and what could not be seen is written out, as in the tables. All of it is there without the script, which only keeps it
//! fresh: `page.js` asks for the same page with a held request, and puts in what changed.

mod detail;
mod filter;
mod front;
pub mod link;
mod matrix;

use std::collections::{BTreeMap, BTreeSet};

use maud::{DOCTYPE, Markup, html};

pub use self::detail::{container, host, network, rule};
pub use self::filter::Filter;
pub use self::front::front;
use super::picture::Drawn;
use super::topology::{State, Topology, class};
use super::visible::{short, visible, visible_lines};
use super::words::page::{self as said, mark, state as words};
use crate::inventory::{ContainerId, Inventory, NetworkId};
use crate::plan::Plan;
use crate::settings::Settings;

/// The style of all pages, at [`STYLE_PATH`].
pub const STYLE: &str = include_str!("page.css");
/// Where pages find their style.
pub const STYLE_PATH: &str = "/page.css";
/// The script of all pages, at [`SCRIPT_PATH`].
pub const SCRIPT: &str = include_str!("page.js");
/// Where pages find their script.
pub const SCRIPT_PATH: &str = "/page.js";
/// Where a page's own tag belongs, for the script to ask with: the tag goes between the quotes.
pub const TAG: &str = "data-tag=\"\"";

/// How often a browser without script reads a page again, seconds.
const AGAIN: u32 = 10;

/// What pages are made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What the plan was compiled from.
    pub inventory: &'a Inventory,
    /// What it was compiled with.
    pub settings: &'a Settings,
    /// The plan.
    pub plan: &'a Plan,
    /// Which of all documents it is.
    pub revision: u64,
    /// Why it may be out of date, if it may.
    pub stale: Option<&'a str>,
    /// The browser has a cookie that it can give back.
    pub signed_in: bool,
}

/// A page, whole.
#[derive(Clone, Debug)]
pub struct Page {
    /// There is what it was asked for.
    pub found: bool,
    /// HTML.
    pub html: String,
}

/// A topology, and what pages look up in it.
struct Seen<'a> {
    topology: &'a Topology<'a>,
    /// The networks of each container, by name, with the states of their links; the outside by no network is not there.
    on: BTreeMap<&'a ContainerId, Vec<(&'a str, State)>>,
    /// Networks by name.
    ids: BTreeMap<&'a str, &'a NetworkId>,
}

impl<'a> Seen<'a> {
    fn of(topology: &'a Topology<'a>) -> Self {
        let names: BTreeMap<_, _> = topology.networks.iter().map(|it| (it.id, it.name)).collect();
        let mut on: BTreeMap<&ContainerId, Vec<(&str, State)>> = BTreeMap::new();
        for link in &topology.links {
            if let Some(name) = link.network.and_then(|id| names.get(id)) {
                on.entry(link.container).or_default().push((name, link.state));
            }
        }
        let ids = topology.networks.iter().map(|it| (it.name, it.id)).collect();
        Self { topology, on, ids }
    }

    fn networks(&self, container: &ContainerId) -> &[(&'a str, State)] {
        self.on.get(container).map_or(&[], Vec::as_slice)
    }

    fn names(&self, container: &ContainerId) -> Vec<&'a str> {
        self.networks(container).iter().map(|(name, _)| *name).collect()
    }
}

/// A page of some title around what it says.
fn frame(title: &str, facts: Option<&Facts<'_>>, is_live: bool, main: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" data-tag="" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href=(STYLE_PATH);
                @if is_live {
                    script src=(SCRIPT_PATH) defer {}
                    noscript { meta http-equiv="refresh" content=(AGAIN); }
                }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { "Leeward" }
                    p #live role="status" data-lost=(said::LOST) data-live=(said::LIVE) {
                        @if is_live { noscript { "read again every " (AGAIN) " s" } }
                    }
                    @if facts.is_some_and(|it| it.signed_in) {
                        form method="post" action="/logout" { button { "Sign out" } }
                    }
                }
                main #main tabindex="-1" {
                    @if let Some(reason) = facts.and_then(|it| it.stale) {
                        div.notice.stale { p { strong { (said::STALE) } } p.quiet { "Reason: " (short(reason, 400)) } }
                    }
                    (main)
                }
                footer {
                    @if let Some(facts) = facts {
                        "Revision " (facts.revision) ". For programs: "
                        @for (number, path) in ["/routes", "/audit", "/topology", "/fix", "/metrics"].into_iter().enumerate() {
                            @if number > 0 { ", " }
                            a href=(path) { (path) }
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}

/// Nothing is known of the engine yet.
pub fn loading() -> String {
    let main = html! {
        section.verdict.unknown { h1 { (said::LOADING) } p { (said::LOADING_LONG) } }
    };
    frame("Leeward: not ready", None, true, &main)
}

/// The form that takes a token. `problem`: why one that was given did not do; `to`: the path that was asked for.
pub fn login(problem: Option<&str>, to: &str) -> String {
    let main = html! {
        h1 { "Sign in" }
        @if let Some(problem) = problem { p.notice.stale role="alert" { (problem) } }
        form.login method="post" action="/login" {
            input type="hidden" name="to" value=(to);
            label for="token" { "Token" }
            input #token type="password" name="token" autocomplete="current-password" required autofocus
                aria-describedby="which";
            p #which.quiet { (said::WHICH_TOKEN) }
            button { "Sign in" }
        }
    };
    frame("Leeward: sign in", None, false, &main)
}

/// A query or a path that leads to nothing.
pub fn nothing(title: &str, words: &str) -> String {
    frame(&format!("Leeward: {title}"), None, false, &html! { (back()) h1 { (title) } p { (visible(words)) } })
}

/// The way back.
fn back() -> Markup {
    html! { nav aria-label="Way back" { a href="/" { "← Everything" } } }
}

/// A state, as a sign and in words.
fn badge(state: State, more: &str) -> Markup {
    html! { span class={ "badge " (class(state)) } { span aria-hidden="true" { (mark(state)) " " } (words(state)) (more) } }
}

/// What to paste, with a button that copies it; the button is there with the script alone.
fn to_copy(text: &str) -> Markup {
    html! {
        div.copy {
            pre tabindex="0" { (visible_lines(text)) }
            button type="button" hidden data-copy="" { "Copy" }
        }
    }
}

/// A picture in five columns where there is room, else in one. `by`: the id of its heading.
fn pictured(drawn: &Drawn, by: &str) -> Markup {
    html! {
        div.scroll.wide tabindex="0" role="region" aria-labelledby=(by) { (drawn.svg) }
        div.narrow { (drawn.list) }
    }
}

/// A container's name, leading to its page.
fn to_container(name: &str, id: &ContainerId) -> Markup {
    html! { a href=(link::container(name, id)) { (link::name(name)) } }
}

/// A network's name, leading to its page if there is one.
fn to_network(seen: &Seen<'_>, name: &str) -> Markup {
    html! {
        @if let Some(id) = seen.ids.get(name) { a href=(link::network(name, id)) { (link::name(name)) } }
        @else { (link::name(name)) }
    }
}

/// A rule's id, leading to its page.
fn to_rule(id: &str) -> Markup {
    html! { a.rule href=(link::rule(id)) { (id) } }
}

/// A host, leading to its page.
fn to_host(host: &str) -> Markup {
    html! {
        @if let Some(href) = link::host(host) { a href=(href) { (link::name(host)) } } @else { (link::name(host)) }
    }
}

/// The first of some, and how many there are beyond.
fn few<T>(all: &[T], most: usize, shown: impl Fn(&T) -> Markup) -> Markup {
    html! {
        @for (number, one) in all.iter().take(most).enumerate() {
            @if number > 0 { ", " }
            (shown(one))
        }
        @if all.len() > most { " and " (all.len() - most) " more" }
    }
}

/// The rules that something was found by.
fn rules(ids: &BTreeSet<crate::policy::rule_id::RuleId>) -> Markup {
    let ids: Vec<&str> = ids.iter().map(|it| it.as_str()).collect();
    few(&ids, 8, |id| to_rule(id))
}
