//! What to change so that one container is routed and isolated: the ways there are, in the order in which a careful operator
//! would take them, each tried by judging again before it is shown.
//!
//! The one place that tables, JSON and the page take it from. Made only where one container is asked for: it costs a bounded
//! number of compilations, those of [`crate::remedy::plan()`] for one owner, two times.

use std::collections::BTreeSet;

use serde::Serialize;

use super::asked::{Asked, HERE};
use super::fix;
use super::quoting::quoted;
use super::visible::{visible, visible_lines};
use super::words::{Remedy as _, Words as _};
use crate::inventory::{ContainerId, Inventory};
use crate::plan::{self, Decision, Flag, Outcome, Plan};
use crate::policy::finding::Action;
use crate::policy::leeward_labels::ALLOW;
use crate::policy::names::Owner;
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;
use crate::remedy::{self, Remedies, Scope, Wishes, is_for_edits};
use crate::settings::{Isolation, Settings};

/// With more containers, planning takes longer than a view may: each reason's own remedy stands alone then.
pub const MOST_PLANNED: usize = 2_500;

/// What there is to do about one container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The container's name.
    pub container: String,
    /// Its owner, as shown: `app1`, `~name`.
    pub owner: String,
    /// What prints and writes the same for all of its owner: `leeward fix app1-web-1`.
    pub command: String,
    /// The ways, the best first. Never empty.
    pub ways: Vec<Way>,
}

/// What kind of way it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Files are changed, and the container is isolated.
    Change,
    /// Labels are corrected by hand, as the remedy of each refusal in [`Way::left`] says. Not judged.
    Labels,
    /// A port that is not for browsers leads through Traefik. Not judged.
    EntryPoint,
    /// It stays as it is, with all that stands against it allowed by its label.
    Allow,
    /// Traefik's file provider routes to it, past Leeward. Not judged.
    FileProvider,
    /// Nothing is changed, and it is not routed.
    Leave,
}

/// One way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    /// Which kind.
    pub kind: Kind,
    /// One sentence: what is done, and what holds then.
    pub title: String,
    /// It was judged again, and the container is routed then.
    pub routed: bool,
    /// And nothing is allowed by a label for it.
    pub isolated: bool,
    /// The rules about this container that do not fire any more.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub closes: BTreeSet<RuleId>,
    /// All the rules that `leeward.allow` names on it: judged again, no other refuses it. Of a way that does not route it
    /// (see [`Self::left`]): those that it would have to name as well.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub allow: BTreeSet<RuleId>,
    /// What changes, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// What stops working, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// What still refuses it; each with its own remedy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Refusal>,
    /// What nobody can know here, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Compose files, each whole, to be put beside the files of its project; Traefik's first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// What to run, one line each; one that begins with `#` is said and not run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
}

/// A Compose file that adds to the files of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// The project.
    pub project: String,
    /// The file's name: `compose.leeward.yaml`.
    pub name: String,
    /// Its text, for Compose 2.24 and later.
    pub text: String,
}

impl Way {
    fn new(kind: Kind, title: impl Into<String>) -> Self {
        Self {
            kind,
            title: title.into(),
            routed: false,
            isolated: false,
            closes: BTreeSet::new(),
            allow: BTreeSet::new(),
            changes: Vec::new(),
            lost: Vec::new(),
            left: Vec::new(),
            notes: Vec::new(),
            files: Vec::new(),
            commands: Vec::new(),
        }
    }

    /// With what the files of some remedies change for all of `owner`.
    fn with(mut self, remedies: &Remedies, owner: &Owner) -> Self {
        if let Some(remedy) = remedies.owners.iter().find(|it| it.owner == *owner) {
            self.changes = fix::changes(&remedy.edits);
            self.lost = fix::lost(remedy);
            self.notes = fix::said(remedies, remedy);
        }
        let traefiks = fix::changes(&remedies.traefik);
        if remedies.traefik_is_assumed && !traefiks.is_empty() {
            self.notes.push(format!("Traefik: {} {}", fix::NO_TRAEFIK, traefiks.join("; ")));
        } else {
            self.changes.extend(traefiks.into_iter().map(|line| format!("Traefik: {line}")));
        }
        let flags = remedies.proxy_network_flags.iter();
        self.changes.extend(flags.map(|network| format!("Leeward: start it with --proxy-network {network} too")));
        let files = fix::files(remedies).into_iter();
        self.files =
            files.map(|(project, text)| File { name: fix::next_file(remedies, &project), project, text }).collect();
        self.commands = fix::commands(remedies);
        self
    }
}

/// What there is to do about the container `id`, of which `plan` decided. `None`: nothing; it does not ask for a route, or
/// nothing about it can be changed for the better, or there are more than [`MOST_PLANNED`] containers.
///
/// Judged as under `--isolation enforce`, or `strict` where the settings say so. One that is routed under that is judged as
/// under `strict`, to close what only warns.
pub fn propose(inventory: &Inventory, settings: &Settings, plan: &Plan, id: &ContainerId) -> Option<Proposal> {
    // Where Traefik is misspelt, no change of networks is what mends it.
    if inventory.containers.len() > MOST_PLANNED || plan.unknown.iter().any(|it| it.flag == Flag::Traefik) {
        return None;
    }
    let decision = plan.decisions.get(id).filter(|it| it.outcome != Outcome::Ignored)?;
    let owner = remedy::owner_of(inventory, settings, id)?;
    let scope = Scope::Owners([owner.clone()].into());
    let remedies = remedy::plan(inventory, settings, &scope, &Wishes::default());
    let own = remedies.owners.iter().find(|it| it.owner == owner);
    let verdict = own.and_then(|it| it.verdicts.iter().find(|it| it.container == decision.name));
    let because = verdict.map(|it| it.because.iter().filter(|it| !it.is_liveness()).collect::<Vec<_>>());
    let mut ways = Vec::new();
    if let Some(way) = declaring(&remedies, &owner, &decision.name) {
        ways.extend([way, leave(decision.outcome)]);
        return Some(proposal(decision, ways));
    }
    match because.filter(|it| !it.is_empty()) {
        None => ways.extend(closing(inventory, settings, plan, &owner, id)),
        Some(because) => {
            let left: Vec<Refusal> =
                verdict.into_iter().flat_map(|it| &it.left).filter(|it| !it.is_liveness()).cloned().collect();
            // A host that is refused on another project's network is for edits too: they give it a network of its own.
            let is_edited = own.is_some_and(|it| !it.edits.is_empty());
            let for_edits = is_edited || because.iter().any(|it| is_for_edits(it));
            if for_edits && !left.iter().any(is_for_edits) {
                ways.push(changing(settings, plan, &remedies, &owner, id, left));
            } else if !for_edits {
                let title = if left.len() == 1 { "correct what refuses it" } else { "correct all that refuses it" };
                ways.push(Way { left, ..Way::new(Kind::Labels, title) });
            }
            let choice = own.and_then(|it| it.choices.iter().find(|it| it.container == decision.name));
            if let Some(choice) = choice.filter(|it| !it.ports.is_empty()) {
                ways.push(entry_point(&choice.ports, &owner));
            }
            ways.extend(as_it_is(inventory, settings, &owner, id, &ways));
            if choice.is_some_and(|it| !it.rules.is_empty()) {
                let on_host = choice.is_some_and(|it| it.on_host);
                let to = if on_host { "the host's address and its port" } else { "an address that Traefik reaches" };
                let title = format!(
                    "let a file of Traefik's route to it (providers.file), to {to}; Leeward has no part in that, and nothing is isolated"
                );
                ways.push(Way::new(Kind::FileProvider, title));
            }
            ways.push(leave(decision.outcome));
        }
    }
    (!ways.is_empty()).then(|| proposal(decision, ways))
}

fn proposal(decision: &Decision, ways: Vec<Way>) -> Proposal {
    let command = HERE.fix(&decision.name);
    Proposal { container: decision.name.clone(), owner: decision.owner.clone(), command, ways }
}

fn leave(outcome: Outcome) -> Way {
    let title = match outcome {
        Outcome::Routed => "change nothing; it is not isolated, and routed only under --isolation warn or off",
        _ => "change nothing; it is not routed",
    };
    Way::new(Kind::Leave, title)
}

/// For one that runs Traefik's image and is judged like an application, for no Traefik is declared.
fn declaring(remedies: &Remedies, owner: &Owner, name: &str) -> Option<Way> {
    let is_named = |names: &[String]| names.iter().any(|it| it == name);
    if is_named(&remedies.undeclared_traefiks) {
        return Some(Way::new(Kind::Labels, fix::undeclared(remedies)));
    }
    let edits = remedies.owners.iter().flat_map(|it| &it.edits).chain(&remedies.traefik);
    if !is_named(&remedies.traefiks) || !fix::declares(edits) {
        return None;
    }
    let title = "declare it: it runs Traefik's image, and nothing says that it is your Traefik. It is then judged as Traefik; \
                 what is said above of networks, ports and the socket holds for applications";
    let verdict = remedies.refused_traefiks.iter().find(|it| it.container == name);
    let left = verdict.into_iter().flat_map(|it| &it.left).filter(|it| !it.is_liveness()).cloned().collect();
    Some(Way { left, ..Way::new(Kind::Labels, title).with(remedies, owner) })
}

/// The planner's edits, for one that is refused.
fn changing(
    settings: &Settings,
    plan: &Plan,
    remedies: &Remedies,
    owner: &Owner,
    id: &ContainerId,
    left: Vec<Refusal>,
) -> Way {
    let given = fix::not_given(remedies);
    let title = if !left.is_empty() {
        let names: BTreeSet<&str> = left.iter().map(Refusal::name).collect();
        let names: Vec<&str> = names.into_iter().collect();
        format!("change these files; only {} then refuses it", names.join(", "))
    } else if fix::assumed(remedies).is_some() {
        "change these files, and Traefik's as said below; it is then routed and isolated".to_owned()
    } else if given.is_empty() {
        "change these files; it is then routed and isolated".to_owned()
    } else {
        format!(
            "change these files; it is then routed, and isolated if {} is internal (it was not given)",
            given.join(", ")
        )
    };
    let allow = if left.is_empty() { None } else { remedy::allowing(&remedies.after, settings, id) };
    Way {
        routed: left.is_empty(),
        isolated: left.is_empty() && given.is_empty() && fix::assumed(remedies).is_none(),
        closes: closed(settings, plan, remedies, id),
        allow: allow.unwrap_or_default(),
        left,
        ..Way::new(Kind::Change, title).with(remedies, owner)
    }
}

/// For one that is routed: what closes what only warns.
fn closing(inventory: &Inventory, settings: &Settings, plan: &Plan, owner: &Owner, id: &ContainerId) -> Option<Way> {
    let warns = |finding: &&crate::policy::finding::Finding| {
        !finding.allowed && !finding.not_verifiable && matches!(finding.action, Action::WarnStrictBlock | Action::Block)
    };
    let about: BTreeSet<RuleId> = concerning(plan, id);
    if !plan.findings.iter().filter(warns).any(|it| about.contains(&it.rule)) {
        return None;
    }
    let strict = Settings { isolation: Isolation::Strict, ..settings.clone() };
    let scope = Scope::Owners([owner.clone()].into());
    let remedies = remedy::plan(inventory, &strict, &scope, &Wishes::default());
    let closes = closed(settings, plan, &remedies, id);
    if closes.is_empty() || remedies.owners.iter().all(|it| it.edits.is_empty()) {
        return None;
    }
    let after = plan::compile(&remedies.after, settings);
    let routed = after.decisions.get(id).is_some_and(|it| it.outcome == Outcome::Routed);
    let names: Vec<&str> = closes.iter().map(|rule| rule.as_str()).collect();
    let warn = if names.len() == 1 { "warns" } else { "warn" };
    let title = format!("change these files; it stays routed, and {} no longer {warn} of it", names.join(", "));
    Some(Way { routed, isolated: routed, closes, ..Way::new(Kind::Change, title).with(&remedies, owner) })
        .filter(|_| routed)
}

/// Everything allowed by its own label.
fn as_it_is(
    inventory: &Inventory,
    settings: &Settings,
    owner: &Owner,
    id: &ContainerId,
    others: &[Way],
) -> Option<Way> {
    let kept = remedy::keep(inventory, settings, owner, id).filter(|it| !it.rules.is_empty())?;
    let rules: Vec<&str> = kept.rules.iter().map(|rule| rule.as_str()).collect();
    let only = if others.is_empty() {
        "if you accept what these rules say"
    } else {
        "if you accept what these rules say; the way above is better"
    };
    let title = format!(
        "leave it as it is, with {ALLOW}: {}; it is then routed and NOT isolated. Only {only}",
        rules.join(",")
    );
    Some(Way { routed: true, allow: kept.rules, ..Way::new(Kind::Allow, title).with(&kept.remedies, owner) })
}

fn entry_point(ports: &[String], owner: &Owner) -> Way {
    let title = format!(
        "for {}: give Traefik an entry point for it, start Leeward with --own-entrypoint NAME={owner}, and route it there by \
         labels; then the port leads through Traefik (docs/hard-cases.md)",
        ports.join(", ")
    );
    Way::new(Kind::EntryPoint, title)
}

/// The rules that bear on a container in a plan, and are not allowed.
fn concerning(plan: &Plan, id: &ContainerId) -> BTreeSet<RuleId> {
    let steps = plan.decisions.get(id).into_iter().flat_map(|it| &it.steps);
    let mut rules = BTreeSet::new();
    for step in steps {
        rules.extend(step.refusals.iter().filter_map(|it| it.rule));
        let weighed = step.findings.iter().filter(|it| it.standing != crate::policy::rules::Standing::Allowed);
        rules.extend(weighed.map(|it| it.rule));
    }
    rules
}

/// What bears on it now, and will not after some remedies.
fn closed(settings: &Settings, plan: &Plan, remedies: &Remedies, id: &ContainerId) -> BTreeSet<RuleId> {
    let later = concerning(&plan::compile(&remedies.after, settings), id);
    concerning(plan, id).difference(&later).copied().collect()
}

impl Proposal {
    /// For people; every line is safe for a terminal. Ends with a newline.
    ///
    /// A file or a list of commands that two ways have in common is shown once.
    pub fn text(&self) -> String {
        self.text_asked(&HERE)
    }

    /// The same; `asked`: where it was read, for the commands in it.
    pub fn text_asked(&self, asked: &Asked) -> String {
        let mut text = String::new();
        let mut line = |depth: usize, words: &str| {
            text.extend(std::iter::repeat_n(' ', depth));
            text.push_str(&visible(words));
            text.push('\n');
        };
        let mut seen: Vec<(usize, &File)> = Vec::new();
        let mut run: Vec<(usize, &[String])> = Vec::new();
        for (at, way) in self.ways.iter().enumerate() {
            let number = at + 1;
            if at > 0 {
                line(0, "");
            }
            line(2, &format!("{number}. {}", way.title));
            for (title, lines) in [("changes", &way.changes), ("stops working", &way.lost), ("not known", &way.notes)] {
                if !lines.is_empty() {
                    line(5, title);
                }
                for it in lines {
                    line(7, it);
                }
            }
            for refusal in &way.left {
                line(5, &format!("{}: {}", refusal.name(), refusal.words()));
                for it in visible_lines(&refusal.remedy_asked(asked)).lines() {
                    line(7, it);
                }
            }
            if !way.left.is_empty() && !way.allow.is_empty() {
                let rules: Vec<&str> = way.allow.iter().map(|rule| rule.as_str()).collect();
                line(5, "or, if that is meant, allow it on the container; it is then routed:");
                line(7, "labels:");
                line(7, &format!("  {ALLOW}: {}", rules.join(",")));
            }
            for file in &way.files {
                line(0, "");
                if let Some((known, _)) = seen.iter().find(|(_, other)| *other == file) {
                    line(5, &format!("{} of project {}: that of {known}", file.name, file.project));
                    continue;
                }
                seen.push((number, file));
                line(5, &format!("{} of project {}, a whole file beside its own:", file.name, file.project));
                line(0, "");
                for it in file.text.lines() {
                    line(9, it);
                }
            }
            if way.commands.is_empty() {
                continue;
            }
            line(0, "");
            if let Some((known, _)) = run.iter().find(|(_, other)| *other == way.commands.as_slice()) {
                line(5, &format!("then run the commands of {known}"));
                continue;
            }
            run.push((number, &way.commands));
            line(5, "then run, in this order:");
            line(0, "");
            for it in &way.commands {
                line(9, it);
            }
        }
        if !seen.is_empty() {
            line(0, "");
            // Plain `fix` does nothing for one that is routed.
            let is_closing = self.ways.iter().all(|it| it.routed && it.isolated);
            let command = if is_closing {
                let strict = format!(" --isolation-of {}=strict", quoted(&self.owner));
                asked.fix_more(Some(&self.container), &strict)
            } else {
                asked.fix(&self.container)
            };
            line(2, &format!("The files are for Compose 2.24 and later; for an older one: {command}"));
        }
        text
    }
}
