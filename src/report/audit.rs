//! `GET /audit` and `leeward audit`: every way in which the isolation is weaker than it looks, worst first.
//!
//! A view of the plan's findings; also as SARIF.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use super::asked::{Asked, HERE};
use super::fix;
use super::proposal::MOST_PLANNED;
use super::sarif;
use super::table::{columns, counted};
use super::visible::{self, visible, visible_lines};
use super::words::{Remedy as _, Words as _, of_case, same};
use crate::inventory::Inventory;
use crate::plan::{Decision, Flag, Outcome, Plan};
use crate::policy::finding::{Action, Finding, Key, Severity, Subject};
use crate::policy::refusal::Refusal;
use crate::remedy::{self, Remedies, Scope, Wishes, is_for_edits};
use crate::settings::Settings;

/// How many remedies are written out for one rule.
const MOST_FIXES: usize = 3;
/// Of how many projects what to change is written out.
const MOST_WHOLE: usize = 3;
/// Of how many others the command is.
const MOST_COMMANDS: usize = 20;
/// The remedy of what is mended with all other reasons.
const BELOW: &str = "see REMEDY below";

/// What the rules found.
#[derive(Debug, Serialize)]
pub struct Audit<'a> {
    /// Found, worst first.
    pub findings: Vec<&'a Finding>,
    /// Found, and allowed by the operator with `leeward.allow`.
    pub allowed: Vec<&'a Finding>,
    /// What the engine cannot tell; no statement that it is fine.
    pub not_verifiable: Vec<&'a Finding>,
    /// Refusals that are no finding: a label that cannot be read, a port that nobody knows. Results of SARIF alone.
    #[serde(skip)]
    refused: Vec<(&'a Decision, &'a Refusal)>,
    /// What to change in the projects of which something is not isolated, as `leeward fix --format json` says it: see
    /// [`Self::proposing`].
    #[serde(rename = "fix", skip_serializing_if = "Option::is_none", serialize_with = "as_document")]
    remedies: Option<Box<Remedies>>,
    /// Their names, where they are too many for that.
    #[serde(skip)]
    projects: BTreeSet<&'a str>,
}

impl<'a> Audit<'a> {
    /// The findings of a plan.
    pub fn of(plan: &'a Plan) -> Self {
        let (mut findings, mut allowed, mut not_verifiable) = (Vec::new(), Vec::new(), Vec::new());
        for finding in &plan.findings {
            let list = if finding.not_verifiable {
                &mut not_verifiable
            } else if finding.allowed {
                &mut allowed
            } else {
                &mut findings
            };
            list.push(finding);
        }
        for list in [&mut findings, &mut allowed, &mut not_verifiable] {
            list.sort_by_cached_key(|it| (std::cmp::Reverse(it.severity), it.rule, place(&it.subject)));
        }
        let found: BTreeSet<Key<'_>> = plan.findings.iter().map(Finding::key).collect();
        let refused = plan.decided().filter(|it| it.outcome == Outcome::Refused);
        let refused = refused.flat_map(|it| others(&found, it).map(move |refusal| (it, refusal))).collect();
        Self { findings, allowed, not_verifiable, refused, remedies: None, projects: BTreeSet::new() }
    }

    /// The same, with what to change in the projects of which something is not isolated: all of their reasons at once, tried by
    /// judging again. Of more than [`MOST_WHOLE`] projects, and with more than [`MOST_PLANNED`] containers, only the commands
    /// that print it. `inventory` and `settings`: what `plan` was made from.
    pub fn proposing(plan: &'a Plan, inventory: &Inventory, settings: &Settings) -> Self {
        let audit = Self::of(plan);
        // Where Traefik is misspelt, no change of networks is what mends it.
        if plan.unknown.iter().any(|it| it.flag == Flag::Traefik) {
            return audit;
        }
        let blocking: BTreeSet<(&str, &str)> =
            audit.findings.iter().filter(|it| it.action == Action::Block).map(|it| it.subject.key()).collect();
        let is_meant = |it: &&Decision| {
            let mut refusals = it.steps.iter().flat_map(|step| &step.refusals);
            blocking.contains(&("container", it.id.as_str()))
                || it.outcome == Outcome::Refused && refusals.any(is_for_edits)
        };
        let meant: Vec<&Decision> = plan.decided().filter(is_meant).collect();
        let projects: BTreeSet<&str> = meant.iter().map(|it| it.owner.as_str()).collect();
        if projects.len() > MOST_WHOLE || inventory.containers.len() > MOST_PLANNED {
            return Self { projects, ..audit };
        }
        let owners =
            meant.iter().filter_map(|it| remedy::owner_of(inventory, settings, &it.id)).collect::<BTreeSet<_>>();
        if owners.is_empty() {
            return audit;
        }
        let remedies = remedy::plan(inventory, settings, &Scope::Owners(owners), &Wishes::default());
        let has_edits = remedies.owners.iter().any(|it| !it.edits.is_empty()) || !remedies.traefik.is_empty();
        Self { remedies: has_edits.then(|| Box::new(remedies)), ..audit }
    }

    /// Whether what is changed below mends it.
    fn is_below(&self, finding: &Finding) -> bool {
        let verdicts = self.remedies.iter().flat_map(|it| &it.owners).flat_map(|it| &it.verdicts);
        let has = |refusals: &[Refusal]| refusals.iter().any(|it| it.keys().any(|key| key == finding.key()));
        let own = |name: &str| matches!(finding.subject, Subject::Container { .. }) && finding.subject.name() == name;
        verdicts.into_iter().any(|it| own(&it.container) && has(&it.because) && !has(&it.left))
    }

    /// What to change, whole, or the commands that print it.
    fn write_remedies(&self, text: &mut String, asked: &Asked) {
        if let Some(remedies) = &self.remedies {
            text.push_str("REMEDY, all reasons at once (tried on a model and judged again, not run)\n\n");
            let whole = fix::text_asked(remedies, fix::Shown::Files, asked);
            let _ = writeln!(text, "{}\n", whole.trim_end());
        }
        if self.projects.is_empty() {
            return;
        }
        text.push_str("REMEDY, all reasons of a project at once, tried on a model and judged again\n");
        for project in self.projects.iter().take(MOST_COMMANDS) {
            let _ = writeln!(text, "    {}", visible(&asked.fix(project)));
        }
        if self.projects.len() > MOST_COMMANDS {
            let _ = writeln!(text, "    … and {} more", self.projects.len() - MOST_COMMANDS);
        }
        let _ = writeln!(text, "    {}   # all of them\n", visible(&asked.fix_more(None, "")));
    }

    /// Whether anything is at least so bad, without those that are allowed or not verifiable.
    pub fn reaches(&self, severity: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= severity)
    }

    /// For programs. Ends with a newline.
    pub fn json(&self) -> String {
        visible::json(self)
    }

    /// For people: rule by rule, where it was found and what mends it, worst first; the last line sums it up. Ends with a
    /// newline.
    pub fn text(&self) -> String {
        self.text_asked(&HERE)
    }

    /// The same; `asked`: where it was read, for the commands in it.
    pub fn text_asked(&self, asked: &Asked) -> String {
        let mut text = String::new();
        for found in self.findings.chunk_by(|one, other| one.rule == other.rule) {
            self.of_rule(&mut text, found, asked);
        }
        self.write_remedies(&mut text, asked);
        if !self.allowed.is_empty() {
            text.push_str(&columns(&["ALLOWED", "RULE", "WHERE", "WHAT"], &rows(&self.allowed)));
            text.push('\n');
        }
        if !self.not_verifiable.is_empty() {
            text.push_str(&columns(&["NOT VERIFIABLE", "RULE", "WHERE", "WHAT"], &rows(&self.not_verifiable)));
            text.push('\n');
        }
        let _ = writeln!(text, "{}", self.summary());
        text
    }

    /// What one rule found: each place with what was seen there, and below it what mends it; once for those that it is the same
    /// for.
    fn of_rule(&self, text: &mut String, found: &[&Finding], asked: &Asked) {
        let Some(first) = found.first() else { return };
        let _ = writeln!(text, "{} {}: {}", word(first.severity), first.rule, first.rule.rule().title);
        let remedies = self.remedies_of(found, asked);
        let each = same(first).filter(|each| found.len() > 2 && found.iter().all(|it| same(it) == Some(each)));
        if let Some(each) = each {
            let names: Vec<String> = found.iter().map(|it| place(&it.subject)).collect();
            let _ = writeln!(text, "    {} containers, each {each}: {}", found.len(), visible(&names.join(", ")));
        }
        let mut shown = 0;
        for (finding, remedy) in found.iter().zip(&remedies) {
            if each.is_none() {
                let _ = writeln!(text, "    {}", visible(&finding.words()));
            }
            let Some(remedy) = remedy else { continue };
            shown += 1;
            match shown.cmp(&(MOST_FIXES + 1)) {
                Ordering::Less => {
                    let blank = if remedy.contains('\n') { "\n            " } else { " " };
                    let remedy = visible_lines(remedy).replace('\n', "\n            ");
                    let _ = writeln!(text, "        remedy:{blank}{remedy}");
                }
                Ordering::Equal => {
                    let _ = writeln!(
                        text,
                        "        and similar ones; see each, by its name in place of NAME: {}",
                        asked.explain("NAME")
                    );
                }
                Ordering::Greater => {}
            }
        }
        text.push('\n');
    }

    /// What mends each of the findings of one rule; `None` where the last one's does it too.
    fn remedies_of(&self, found: &[&Finding], asked: &Asked) -> Vec<Option<Cow<'static, str>>> {
        if found.iter().all(|it| self.is_below(it)) {
            let last = found.len() - 1;
            return (0..found.len()).map(|at| (at == last).then_some(BELOW.into())).collect();
        }
        if found.len() > 1 && found.iter().all(|it| it.undeclared_traefik.is_none() && of_case(it, asked).is_none()) {
            let last = found.len() - 1;
            let first = found.first().map(|it| it.remedy_asked(asked));
            let is_same = found.iter().all(|it| Some(it.remedy_asked(asked)) == first);
            let of_rule = |(at, finding): (usize, &&Finding)| {
                let remedy =
                    || if is_same { finding.remedy_asked(asked) } else { finding.rule.rule().fix_for(Some("SERVICE")) };
                (at == last).then(remedy)
            };
            return found.iter().enumerate().map(of_rule).collect();
        }
        let one = |finding: &&Finding| if self.is_below(finding) { BELOW.into() } else { finding.remedy_asked(asked) };
        found.iter().map(|finding| Some(one(finding)).filter(|it| !it.is_empty())).collect()
    }

    fn summary(&self) -> String {
        if self.findings.is_empty() {
            return "nothing found".to_owned();
        }
        let by_severity = self.findings.chunk_by(|one, other| one.severity == other.severity);
        let parts = by_severity.filter_map(|same| Some(format!("{} {}", same.len(), word(same.first()?.severity))));
        format!("{}: {}", counted(self.findings.len(), "finding"), parts.collect::<Vec<_>>().join(", "))
    }

    /// SARIF 2.1.0. Every refusal is a result, as a finding or for itself. What is allowed is there as suppressed; what is not verifiable as a note.
    ///
    /// Code scanning takes no result without a file, so the subject stands for one (`containers/app1-web-1`), and is the
    /// logical location anyway.
    pub fn sarif(&self) -> String {
        let all = self.findings.iter().chain(&self.allowed).chain(&self.not_verifiable);
        let refused = self.refused.iter().map(|(decision, refusal)| sarif::Entry::refused(decision, refusal));
        sarif::log(refused.chain(all.map(|finding| sarif::Entry::of(finding))))
    }
}

#[expect(clippy::ref_option, reason = "serde gives a field as it is")]
fn as_document<S: serde::Serializer>(remedies: &Option<Box<Remedies>>, serializer: S) -> Result<S::Ok, S::Error> {
    remedies.as_deref().map(fix::Document::of).serialize(serializer)
}

fn rows(findings: &[&Finding]) -> Vec<Vec<String>> {
    let row = |it: &&Finding| vec![word(it.severity).to_owned(), it.rule.to_string(), place(&it.subject), it.words()];
    findings.iter().map(row).collect()
}

/// The reasons against a container that no finding tells, each once.
fn others<'a>(found: &BTreeSet<Key<'_>>, decision: &'a Decision) -> impl Iterator<Item = &'a Refusal> {
    let all = decision.refusal.iter().chain(decision.steps.iter().flat_map(|step| &step.refusals));
    let kept: BTreeSet<&Refusal> = all.filter(|refusal| !refusal.keys().any(|key| found.contains(&key))).collect();
    kept.into_iter()
}

/// A severity as it is written: `high`.
pub fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// The severity that a word is; the other way round than [`word`].
pub fn severity(text: &str) -> Option<Severity> {
    let all = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    all.into_iter().find(|severity| word(*severity) == text)
}

/// What a finding is about, as it is written: `network net-proxy`, `app1-web-1`.
pub fn place(subject: &Subject) -> String {
    visible(&match subject {
        Subject::Engine => "engine".to_owned(),
        Subject::Host { name, .. } => format!("host {name}"),
        Subject::Network { name } => format!("network {name}"),
        Subject::Container { name, .. } => name.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::plan::compile;
    use crate::policy::rule_id::RuleId;
    use crate::policy::rules;
    use crate::settings::Settings;
    use crate::source::snapshot;

    #[test]
    fn an_audit_is_a_table_json_and_sarif() {
        let plan = compile(&snapshot::demo().unwrap(), &Settings::default());
        let audit = Audit::of(&plan);
        assert!(audit.reaches(Severity::Critical), "the refused container's network leads out");
        let text = audit.text();
        assert!(text.starts_with("critical NET-001: "), "{text}");
        assert!(text.contains("        remedy: leeward fix wiki-wiki-1"), "{text}");
        let sarif: Value = serde_json::from_str(&audit.sarif()).unwrap();
        assert_eq!(sarif["version"], "2.1.0");
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        // NET-009 of the refused one is no finding.
        assert_eq!(results.len(), plan.findings.len() + 1);
        assert!(results.iter().any(|it| it["ruleId"] == "NET-009" && it["level"] == "error"), "{results:?}");
        let known: Vec<&Value> =
            sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        assert!(results.iter().all(|it| known.contains(&&it["ruleId"])), "every finding's rule is described");
        let uri = |it: &Value| it["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone();
        let uris: Vec<Value> = results.iter().map(uri).collect();
        assert!(uris.contains(&"containers/wiki-wiki-1".into()) && uris.contains(&"engine".into()), "{uris:?}");
    }

    #[test]
    fn a_remedy_for_one_container_names_its_service() {
        let mut inventory = snapshot::demo().unwrap();
        let wiki = inventory.containers.values_mut().find(|it| it.name == "wiki-wiki-1").unwrap();
        std::sync::Arc::make_mut(wiki).confinement.security_opt.clear();
        let plan = compile(&inventory, &Settings::default());
        let remedies: Vec<Cow<'_, str>> =
            plan.findings.iter().filter(|it| it.rule == RuleId::Prv018).map(|it| Finding::remedy(it)).collect();
        assert_eq!(remedies, ["services:\n  wiki:\n    security_opt: [no-new-privileges:true]"]);
        assert!(rules::all().all(|rule| !rule.fix_for(None).contains("{service}")));
    }

    /// One of Compose's, one that was started by hand, and several: nobody has a service `app`.
    #[test]
    fn no_remedy_is_for_a_service_that_is_not_there() {
        let mut inventory = snapshot::demo().unwrap();
        let text = |inventory: &Inventory| Audit::of(&compile(inventory, &Settings::default())).text();
        let mut weaken = |name: &str, is_compose: bool| {
            let container = inventory.containers.values_mut().find(|it| it.name == name).unwrap();
            let container = std::sync::Arc::make_mut(container);
            container.confinement.security_opt.clear();
            container.labels.retain(|label, _| is_compose || !label.starts_with("com.docker.compose."));
            text(&inventory)
        };
        let by_hand = weaken("wiki-wiki-1", false);
        assert!(by_hand.contains("services:\n              wiki-wiki-1:\n                security_opt"), "{by_hand}");
        let several = weaken("app1-web-1", true);
        assert!(several.contains("services:\n              SERVICE:\n                security_opt"), "{several}");
        assert!(!several.contains("              app:\n"), "{several}");
    }

    #[test]
    fn what_many_containers_lack_is_one_row_with_all_their_names() {
        let plan = compile(&snapshot::demo().unwrap(), &Settings::default());
        let text = Audit::of(&plan).text();
        let rows: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("low IMG-004: ")).collect();
        assert!(
            rows[1].contains("3 containers") && rows[1].ends_with(": app1-web-1, app2-web-1, wiki-wiki-1"),
            "{text}"
        );
        assert!(rows[2].starts_with("        remedy: pin the digest"), "{text}");
    }
}
