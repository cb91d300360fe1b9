//! What a redacted snapshot must hold: the verdicts of the original, and none of its words.

use std::collections::BTreeSet;

use leeward::inventory::Inventory;
use leeward::plan::{Plan, compile};
use leeward::policy::refusal::Refusal;
use leeward::report::redact::{redacted, vocabulary};
use leeward::settings::Settings;

/// The verdict on each container and each finding, without names.
fn verdicts(plan: &Plan) -> Vec<String> {
    let decisions = plan.decided().map(|decision| {
        let refusals = decision.steps.iter().flat_map(|step| &step.refusals);
        let mut names: Vec<&str> = refusals.map(Refusal::name).collect();
        names.sort_unstable();
        format!("{:?} {}", decision.outcome, names.join(" "))
    });
    let findings = plan.findings.iter().map(|finding| {
        let (rule, allowed, unknown) = (finding.rule.as_str(), finding.allowed, finding.not_verifiable);
        format!("{rule} {:?} {:?} {} {allowed} {unknown}", finding.severity, finding.action, finding.blocks)
    });
    let mut all: Vec<String> = decisions.chain(findings).chain([format!("{} routes", plan.routes.len())]).collect();
    all.sort();
    all
}

/// Words of at least four letters that are not of the vocabulary, and no number that is kept.
fn telling(text: &str, vocabulary: &BTreeSet<&str>) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase);
    let is_number = |word: &str| word.strip_prefix('v').unwrap_or(word).bytes().all(|byte| byte.is_ascii_digit());
    // A part of an IPv6 address is as good as any other.
    let is_hex = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let tells = |word: &String| word.chars().count() >= 4 && !vocabulary.contains(word.as_str());
    words.filter(|it| tells(it) && !is_number(it) && !is_hex(it)).collect()
}

/// How many values there are, of whatever kind.
fn leaves(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(values) => values.iter().map(leaves).sum(),
        serde_json::Value::Object(map) => map.values().map(leaves).sum(),
        _ => 1,
    }
}

/// Panics where a redacted snapshot judges otherwise or tells a word. Gives it.
pub(crate) fn check(inventory: &Inventory, settings: &Settings) -> Inventory {
    let hidden = redacted(inventory).unwrap();
    assert_eq!(hidden, redacted(inventory).unwrap(), "not the same twice");
    let count = |inventory: &Inventory| leaves(&serde_json::to_value(inventory).unwrap());
    assert_eq!(count(&hidden), count(inventory), "something was lost");
    let (before, after) = (verdicts(&compile(inventory, settings)), verdicts(&compile(&hidden, settings)));
    let text = serde_json::to_string_pretty(&hidden).unwrap();
    let only =
        |one: &[String], other: &[String]| one.iter().filter(|it| !other.contains(it)).cloned().collect::<Vec<_>>();
    assert!(before == after, "{text}\n{:#?} became {:#?}", only(&before, &after), only(&after, &before));
    let vocabulary = vocabulary();
    let original =
        telling(&serde_json::to_string(inventory).unwrap().replace("\\n", " ").replace("\\t", " "), &vocabulary);
    let told: Vec<String> = telling(&text, &vocabulary).intersection(&original).cloned().collect();
    assert!(told.is_empty(), "{text}\ntold: {told:?}");
    hidden
}
