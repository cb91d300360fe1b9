//! `leeward check`: what would be routed, and every refusal and finding at the line that is its reason.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::asked::Asked;
use super::audit::{Audit, place, word};
use super::fix;
use super::placed::Places;
use super::quoting::quoted;
use super::routes::{self, LeftOut, Listing, NotGiven};
use super::sarif::{self, Entry, InFile, Standing};
use super::table::counted;
use super::visible::{self, short, visible, visible_lines, width};
use super::words::{Remedy as _, Words as _, is_general, unsaid};
use crate::inventory::{ContainerId, Inventory};
use crate::plan::{Decision, Outcome, Plan, Route};
use crate::policy::context::is_traefiks;
use crate::policy::finding::{Finding, Key, Subject};
use crate::policy::leeward_labels::TRAEFIK;
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;
use crate::remedy::{self, Remedies, is_for_edits};
use crate::source::lines::Spot;

/// How many lines are shown for one rule, and how many remedies.
const MOST: usize = 6;
/// The most columns of a line of a file that are shown.
const WIDEST: usize = 160;

/// What a check found.
#[derive(Debug)]
pub struct Check<'a> {
    plan: &'a Plan,
    inventory: &'a Inventory,
    /// What the files do not say, and was assumed.
    assumed: &'a [String],
    /// What to change, tried by judging again; nothing where nobody is refused.
    remedies: &'a Remedies,
    asked: &'a Asked,
    /// Where, in the projects' own files.
    changed: Vec<(Spot, String)>,
    told: Vec<Told<'a>>,
    /// What Traefik leaves out, by router; the places of their labels.
    left_out: BTreeMap<&'a str, Option<Spot>>,
}

/// A refusal or a finding, with its place.
#[derive(Clone, Debug)]
struct Told<'a> {
    standing: Standing,
    /// A rule's id, or the code of a refusal.
    name: &'a str,
    rule: Option<RuleId>,
    subject: Cow<'a, Subject>,
    words: String,
    remedy: Cow<'static, str>,
    /// It is mended by what is shown below, with all other reasons.
    is_below: bool,
    /// The remedy is the rule's own, the same wherever it fires.
    is_general: bool,
    /// What the changes do, where the remedy does not say it.
    does: String,
    spot: Option<Spot>,
    file: Option<String>,
    changes: Vec<InFile>,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Json<'a> {
    routes: &'a [Route],
    /// Routers that Traefik leaves out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOut<'a>>,
    refused: Vec<RefusedJson<'a>>,
    ignored: usize,
    findings: Vec<Placed<&'a Finding>>,
    allowed: Vec<Placed<&'a Finding>>,
    not_verifiable: Vec<Placed<&'a Finding>>,
    /// Labels that match nothing, routers that Traefik rejects, ….
    warnings: Vec<String>,
    assumed: &'a [String],
    /// What to change, as `leeward fix --format json` says it; only where somebody is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<fix::Document<'a>>,
}

#[derive(Serialize)]
struct RefusedJson<'a> {
    container: &'a str,
    id: &'a str,
    owner: &'a str,
    #[serde(flatten)]
    first: Placed<&'a Refusal>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more: Vec<Placed<&'a Refusal>>,
}

#[derive(Serialize)]
struct Placed<T> {
    #[serde(flatten)]
    it: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Spot>,
}

impl<'a> Check<'a> {
    /// What there is to say of a plan. `remedies`: what to change in the projects.
    ///
    /// `asked`: the files, for the commands.
    pub fn of(
        plan: &'a Plan,
        places: Places<'a>,
        assumed: &'a [String],
        remedies: &'a Remedies,
        asked: &'a Asked,
    ) -> Self {
        // What mends one reason, in files, and in words.
        let in_files = |owner: &str, service: &str, refusal: &Refusal| -> (Vec<InFile>, String) {
            let Some(owner) = fix::owners(remedies).into_iter().find(|it| it.to_string() == owner) else {
                return (Vec::new(), String::new());
            };
            let part = remedy::part(remedies, owner, service, refusal);
            let words = part.owners.iter().flat_map(|it| fix::changes(&it.edits));
            let words: Vec<String> =
                words.chain(fix::changes(&part.traefik).into_iter().map(|line| format!("Traefik: {line}"))).collect();
            let own = places.own_changes(&part, owner);
            let front = places.front_changes(&part, owner).filter(|_| own.is_some());
            (own.into_iter().chain(front).collect(), words.join("; "))
        };
        let verdict = |owner: &str, name: &str| {
            let own = remedies.owners.iter().filter(|it| it.owner.to_string() == owner && !it.edits.is_empty());
            own.flat_map(|it| &it.verdicts).find(|it| it.container == name && !it.left.iter().any(is_for_edits))
        };
        let mut told: Vec<Told<'_>> = Vec::new();
        let mut refused: BTreeSet<Key<'_>> = BTreeSet::new();
        for decision in plan.decided().filter(|it| it.outcome == Outcome::Refused) {
            let verdict = verdict(&decision.owner, &decision.name);
            let is_mended =
                |it: &Refusal| verdict.is_some_and(|verdict| !verdict.left.iter().any(|left| left.name() == it.name()));
            for refusal in refusals(decision) {
                refused.extend(refusal.keys());
                let is_declaring = refusal.undeclared_traefik.is_some();
                let is_below = is_mended(refusal) && !is_declaring;
                let (changes, does) = match verdict.filter(|_| is_below) {
                    Some(verdict) => in_files(&decision.owner, &verdict.service, refusal),
                    None if is_declaring => (places.declare(&decision.id).into_iter().collect(), String::new()),
                    None => (places.respell(&decision.id, refusal).into_iter().collect(), String::new()),
                };
                let own = || Subject::Container { id: decision.id.clone(), name: decision.name.clone(), service: None };
                let subject = refusal.subject.as_deref().map_or_else(|| Cow::Owned(own()), Cow::Borrowed);
                let spot = places.of_refusal(&decision.id, refusal);
                told.push(Told {
                    standing: Standing::Refused,
                    name: refusal.name(),
                    rule: refusal.rule,
                    words: refusal.words(),
                    is_general: is_declaring,
                    remedy: refusal.remedy_asked(asked),
                    is_below,
                    does,
                    file: places.file(&subject).map(ToOwned::to_owned),
                    subject,
                    spot,
                    changes,
                });
            }
        }
        for finding in &plan.findings {
            let change = match (&finding.subject, &finding.undeclared_traefik) {
                (Subject::Container { id, .. }, Some(_)) => places.declare(id),
                _ => places.change(finding).map(|(spot, change)| InFile { file: spot.file, changes: vec![change] }),
            };
            let keys: [Key<'_>; 2] = [finding.key(), (finding.rule, finding.subject.key(), None)];
            if keys.iter().any(|key| refused.contains(key)) {
                // Said as a refusal; what mends it is the finding's.
                let same =
                    |it: &&mut Told<'_>| it.rule == Some(finding.rule) && it.subject.key() == finding.subject.key();
                if let Some(it) = told.iter_mut().find(same).filter(|it| it.changes.is_empty()) {
                    it.changes.extend(change);
                }
                continue;
            }
            let entry = Entry::of(finding);
            told.push(Told {
                standing: entry.standing,
                name: finding.rule.as_str(),
                rule: Some(finding.rule),
                subject: Cow::Borrowed(&finding.subject),
                words: finding.words(),
                is_general: is_general(finding),
                remedy: finding.remedy_asked(asked),
                is_below: false,
                does: String::new(),
                spot: places.of_finding(finding),
                file: places.file(&finding.subject).map(ToOwned::to_owned),
                changes: change.into_iter().collect(),
            });
        }
        told.sort_by(|one, other| order(one).cmp(&order(other)));
        // Several containers may be refused for the same network.
        let of_one = |it: &Told<'_>| matches!(*it.subject, Subject::Container { .. });
        told.dedup_by(|one, other| !of_one(one) && one.name == other.name && one.subject == other.subject);
        let all = remedies.owners.iter().flat_map(|it| &it.edits).chain(&remedies.traefik);
        let mut changed: Vec<(Spot, String)> = all
            .filter_map(|edit| Some((places.of_edit(edit)?, fix::changes(std::slice::from_ref(edit)).join(", "))))
            .collect();
        changed.sort_by(|one, other| one.0.cmp(&other.0));
        let left_out = plan.routes.iter().filter_map(|route| {
            let reason = plan.left_out(route).first()?;
            Some((route.router.as_str(), places.of_left_out(route, reason)))
        });
        let left_out = left_out.collect();
        Self { plan, inventory: places.inventory, assumed, remedies, asked, changed, told, left_out }
    }

    /// Whether Traefik would leave a router out, whatever else is deployed.
    pub fn leaves_out(&self) -> bool {
        self.plan.routes.iter().any(|route| self.is_left_out(route))
    }

    /// What a project that is not here may declare does not count.
    fn is_left_out(&self, route: &Route) -> bool {
        self.plan.never_taken(route).iter().any(|it| !it.is_not_given())
    }

    fn listing(&self) -> Listing<'a> {
        let mut listing = Listing::new(self.plan, None, false);
        for it in &mut listing.left_out {
            it.location = self.left_out.get(it.router).cloned().flatten();
        }
        listing
    }

    /// For people: the routes, then what stands against them, line by line; the last line sums it up.
    pub fn text(&self) -> String {
        let mut text = self.routes_text();
        for (standing, heading) in [(0, ""), (1, ""), (2, "NOT VERIFIABLE"), (3, "ALLOWED")] {
            let these: Vec<&Told<'_>> = self.told.iter().filter(|it| order(it).0 == standing).collect();
            if !these.is_empty() && !heading.is_empty() {
                let _ = write!(text, "\n{heading}\n");
            }
            for same in these.chunk_by(|one, other| one.name == other.name) {
                text.push('\n');
                write(&mut text, same);
            }
        }
        self.write_remedies(&mut text);
        let warnings = self.warnings();
        for (heading, lines) in [("WARNINGS", warnings.as_slice()), ("ASSUMED", self.assumed)] {
            if !lines.is_empty() {
                let _ = write!(text, "\n{heading}\n");
            }
            for line in lines {
                text.extend(["    ", &visible(line), "\n"]);
            }
        }
        let _ = write!(text, "\n{}\n", self.summary());
        text
    }

    /// What to change, whole: lines of the projects' own files, then the files and commands that do all of it.
    fn write_remedies(&self, text: &mut String) {
        if self.remedies.owners.is_empty() && self.remedies.traefik.is_empty() {
            return;
        }
        text.push_str("\nREMEDY, all reasons at once (tried on a model and judged again, not run)\n");
        if !self.changed.is_empty() {
            text.push_str("It changes what these lines say:\n");
        }
        for (Spot { file, line, .. }, words) in &self.changed {
            let _ = writeln!(text, "    {}:{line}: {}", visible(file), visible(words));
        }
        text.push('\n');
        text.push_str(&fix::text_asked(self.remedies, fix::Shown::Files, self.asked));
    }

    /// For programs. Ends with a newline.
    pub fn json(&self, places: Places<'_>) -> String {
        let Audit { findings, allowed, not_verifiable, .. } = Audit::of(self.plan);
        let listing = self.listing();
        let place = |found: Vec<&'a Finding>| {
            found.into_iter().map(|it| Placed { it, location: places.of_finding(it) }).collect::<Vec<_>>()
        };
        let refused = listing.refused.iter().map(|it| {
            let id = ContainerId::from(it.id);
            let refusal = |it| Placed { it, location: places.of_refusal(&id, it) };
            RefusedJson {
                container: it.container,
                id: it.id,
                owner: it.owner,
                first: refusal(it.refusal),
                more: it.more.iter().copied().map(refusal).collect(),
            }
        });
        visible::json(&Json {
            routes: listing.routes,
            left_out: listing.left_out,
            refused: refused.collect(),
            ignored: listing.ignored,
            findings: place(findings),
            allowed: place(allowed),
            not_verifiable: place(not_verifiable),
            warnings: self.warnings(),
            assumed: self.assumed,
            fix: (!self.remedies.owners.is_empty() || !self.remedies.traefik.is_empty())
                .then(|| fix::Document::of(self.remedies)),
        })
    }

    /// For code scanning.
    pub fn sarif(&self) -> String {
        let left_out = self.plan.routes.iter().filter(|route| self.is_left_out(route)).map(|route| {
            let reasons = self.plan.left_out(route).iter().map(|it| routes::left_out(self.plan, it));
            let reasons: Vec<String> = reasons.collect();
            let origin = route.origins.first().map(|origin| origin.container.as_str()).unwrap_or_default();
            let container = self.inventory.containers.values().find(|it| it.name == origin);
            let spot = self.left_out.get(route.router.as_str()).cloned().flatten();
            Entry {
                rule: sarif::LEFT_OUT,
                standing: Standing::Refused,
                words: format!("Traefik leaves out router `{}`: {}", route.router, reasons.join("; ")),
                subject: container.map_or(Subject::Engine, |it| Subject::of(it)),
                file: spot.as_ref().map(|spot| spot.file.clone()),
                spot,
                changes: Vec::new(),
                remedy: Cow::Borrowed(""),
            }
        });
        sarif::log(left_out.chain(self.told.iter().map(|it| Entry {
            rule: it.name,
            standing: it.standing,
            words: it.words.clone(),
            subject: it.subject.clone().into_owned(),
            file: it.spot.as_ref().map(|spot| spot.file.clone()).or_else(|| it.file.clone()),
            spot: it.spot.clone(),
            changes: it.changes.clone(),
            remedy: if it.does.is_empty() { it.remedy.clone() } else { it.does.clone().into() },
        })))
    }

    /// The table of routes. A network that was not given is marked.
    fn routes_text(&self) -> String {
        let networks = self.inventory.networks.values();
        let not_given = networks.filter_map(|network| Some((network.name.as_str(), NotGiven::of(network)?))).collect();
        // The files are some of the projects that `--isolation-of` may name.
        Listing { not_given, warnings: Vec::new(), ..self.listing() }.routed_text()
    }

    fn warnings(&self) -> Vec<String> {
        let all = self.plan.decided().flat_map(|it| it.warnings.iter().map(move |warning| (&it.name, warning)));
        let warnings = all.map(|(name, warning)| {
            let words = warning.words();
            match unsaid(warning.label.as_deref(), &words) {
                Some(label) => format!("{name}: {label}: {words}"),
                None => format!("{name}: {words}"),
            }
        });
        // What is true of Traefik alone, as that it has the engine's socket, is looked for in a declared one.
        let traefiks = self.inventory.containers.values().filter(|it| is_traefiks(&it.image));
        let is_declared = self.plan.documents.keys().any(|it| it != Plan::EVERYONE);
        let undeclared = traefiks.filter(|_| !is_declared).map(|it| {
            format!(
                "{}: it runs Traefik's image, and is judged as any container, for nothing says that it is your Traefik: put \
                 {TRAEFIK}: \"true\" among its labels, or name it (--traefik {})",
                it.name,
                quoted(&it.name)
            )
        });
        warnings.chain(undeclared).collect()
    }

    fn summary(&self) -> String {
        let (mut kept, mut gone) = (BTreeSet::new(), BTreeSet::new());
        for route in &self.plan.routes {
            let which = if self.is_left_out(route) { &mut gone } else { &mut kept };
            which.extend(route.origins.iter().map(|origin| origin.container.as_str()));
        }
        // None of whose routers Traefik takes.
        let is_gone = |it: &Decision| gone.contains(it.name.as_str()) && !kept.contains(it.name.as_str());
        let all = || self.plan.decided().filter(|it| !is_gone(it));
        let of = |outcome| all().filter(move |it| it.outcome == outcome);
        let open = of(Outcome::Routed)
            .filter_map(|it| NotGiven::of(self.inventory.network_named(it.network.as_deref()?)?))
            .count();
        let (routed, refused) = (of(Outcome::Routed).count(), of(Outcome::Refused).count());
        let mut parts = Vec::new();
        if routed > open {
            parts.push(format!("{} would be routed", counted(routed - open, "container")));
        }
        if open > 0 {
            parts.push(format!(
                "{} would be routed if what was not given is as it should be: not verifiable (NET-027)",
                counted(open, "container")
            ));
        }
        let left_out = self.plan.routes.iter().filter(|route| self.is_left_out(route)).count();
        if left_out > 0 {
            parts.push(format!("{} would be left out by Traefik", counted(left_out, "router")));
        }
        if refused > 0 {
            parts.push(format!("{} would be refused", counted(refused, "container")));
        }
        if parts.is_empty() {
            parts.push("no container asks to be routed".to_owned());
        }
        let Audit { findings, allowed, not_verifiable, .. } = Audit::of(self.plan);
        parts.push(counted(findings.len(), "finding"));
        if !allowed.is_empty() {
            parts.push(format!("{} more allowed", allowed.len()));
        }
        if !not_verifiable.is_empty() {
            parts.push(format!("{} not verifiable", not_verifiable.len()));
        }
        parts.join("; ")
    }
}

/// Every reason against a container, each once.
fn refusals(decision: &Decision) -> Vec<&Refusal> {
    let all = decision.refusal.iter().chain(decision.steps.iter().flat_map(|step| &step.refusals));
    let mut seen = BTreeSet::new();
    all.filter(|refusal| seen.insert(*refusal)).collect()
}

/// What comes first: refusals, the worst findings; then what nobody can tell, and what is allowed.
fn order<'t>(it: &'t Told<'_>) -> (u8, Reverse<Option<crate::policy::finding::Severity>>, &'t str, Option<&'t Spot>) {
    let (group, severity) = match it.standing {
        Standing::Refused => (0, it.rule.map(|rule| rule.rule().severity)),
        Standing::Found(severity) => (1, Some(severity)),
        Standing::NotVerifiable => (2, it.rule.map(|rule| rule.rule().severity)),
        Standing::Allowed(severity) => (3, Some(severity)),
    };
    (group, Reverse(severity), it.name, it.spot.as_ref())
}

/// What one rule, or one code, says of several: each with its line, and below it what mends it; once for those that it is
/// the same for.
fn write(text: &mut String, same: &[&Told<'_>]) {
    for (at, told) in same.iter().enumerate().take(MOST) {
        let standing = match told.standing {
            Standing::Refused => "refused",
            Standing::Found(severity) | Standing::Allowed(severity) => word(severity),
            Standing::NotVerifiable => "not verifiable",
        };
        let place = match (&told.spot, &told.file) {
            (Some(Spot { file, line, column, .. }), _) => format!("{}:{line}:{column}", visible(file)),
            (None, Some(file)) => visible(file),
            (None, None) => place(&told.subject),
        };
        let _ = writeln!(text, "{place}: {standing} {}: {}", told.name, visible(&told.words));
        if let Some(spot) = &told.spot {
            underline(text, spot);
        }
        // Of one rule; so what is below or the rule's own is the same for both.
        let is_same =
            |next: &&Told<'_>| next.is_below == told.is_below && (told.is_below || told.is_general && next.is_general);
        if same.get(at + 1).filter(|_| at + 1 < MOST).is_some_and(is_same) {
            continue;
        }
        let remedy = if told.is_below { "see REMEDY below" } else { &*told.remedy };
        if !remedy.is_empty() {
            // What is pasted begins on a line of its own.
            let blank = if remedy.contains('\n') { "\n        " } else { " " };
            let _ = writeln!(text, "    remedy:{blank}{}", visible_lines(remedy).replace('\n', "\n        "));
        }
    }
    if same.len() > MOST {
        let rest: Vec<String> = same.iter().skip(MOST).map(|it| place(&it.subject)).collect();
        let _ = writeln!(text, "and {} more: {}", rest.len(), visible(&rest.join(", ")));
    }
}

/// The line of a file, and below it the part that is meant.
fn underline(text: &mut String, spot: &Spot) {
    let Spot { line, column, end_column, text: written, .. } = spot;
    let number = line.to_string();
    let (before, rest): (String, String) = {
        let mut letters = written.chars();
        (letters.by_ref().take(column - 1).collect(), letters.take(end_column - column).collect())
    };
    let shown = short(written, WIDEST);
    let (blanks, marks) = (width(&visible(&before)), width(&visible(&rest)).max(1));
    let _ = writeln!(text, "{number:>5} | {shown}");
    if blanks < WIDEST {
        let _ = writeln!(text, "      | {}{}", " ".repeat(blanks), "^".repeat(marks.min(WIDEST - blanks)));
    }
}
