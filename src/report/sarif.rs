//! SARIF 2.1.0, which code scanning reads: results with rules, places and fixes.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::codes;
use super::visible;
use super::words::{Remedy as _, Words as _};
use crate::plan::Decision;
use crate::policy::finding::{Finding, Severity, Subject};
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rules;
use crate::source::lines::{Change, Spot};

/// Where the project is at home, as its manifest says; empty as long as it says nothing, and then left out.
const HOME: &str = env!("CARGO_PKG_REPOSITORY");

/// The rule of a router that Traefik leaves out.
pub(super) const LEFT_OUT: &str = "left-out";

/// What is written out in one part of a path.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// In a whole path.
const PATH: &AsciiSet = &PART.remove(b'/');

/// One result.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// A rule's id, or the code of a refusal that has no rule.
    pub rule: &'a str,
    /// How it stands.
    pub standing: Standing,
    /// One line.
    pub words: String,
    /// What it is about.
    pub subject: Subject,
    /// The file that it is about, if there is one.
    pub file: Option<String>,
    /// Where in that file.
    pub spot: Option<Spot>,
    /// Changes of files that mend it, all together.
    pub changes: Vec<InFile>,
    /// What they do.
    pub remedy: Cow<'static, str>,
}

/// Changes of one file, in the order of their places; none overlaps another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFile {
    /// The file, as it was named.
    pub file: String,
    /// The changes.
    pub changes: Vec<Change>,
}

/// How a result stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A container is refused because of it.
    Refused,
    /// It was found.
    Found(Severity),
    /// The operator allowed it.
    Allowed(Severity),
    /// Nobody can tell.
    NotVerifiable,
}

impl<'a> Entry<'a> {
    /// A refusal of a container, without place.
    pub fn refused(decision: &Decision, refusal: &'a Refusal) -> Self {
        let own = || Subject::Container { id: decision.id.clone(), name: decision.name.clone(), service: None };
        Self {
            rule: refusal.name(),
            standing: Standing::Refused,
            words: refusal.words(),
            subject: refusal.subject.as_deref().cloned().unwrap_or_else(own),
            file: None,
            spot: None,
            changes: Vec::new(),
            remedy: refusal.remedy(),
        }
    }

    /// A finding, without place.
    pub fn of(finding: &'a Finding) -> Self {
        let standing = match finding {
            Finding { not_verifiable: true, .. } => Standing::NotVerifiable,
            Finding { allowed: true, .. } => Standing::Allowed(finding.severity),
            _ => Standing::Found(finding.severity),
        };
        Self {
            rule: finding.rule.as_str(),
            standing,
            words: finding.words(),
            subject: finding.subject.clone(),
            file: None,
            spot: None,
            changes: Vec::new(),
            remedy: finding.remedy(),
        }
    }

    fn result(&self) -> Value {
        let place = super::audit::place(&self.subject);
        let uri = self.file.as_deref().map_or_else(|| as_path(&self.subject), as_uri);
        let region = match &self.spot {
            Some(Spot { line, column, end_column, .. }) => {
                json!({ "startLine": line, "startColumn": column, "endColumn": end_column })
            }
            None => json!({ "startLine": 1 }),
        };
        let mut result = json!({
            "ruleId": self.rule,
            "level": match self.standing {
                Standing::NotVerifiable => "note",
                Standing::Refused => "error",
                Standing::Found(severity) | Standing::Allowed(severity) => level(severity),
            },
            "message": { "text": self.words },
            "locations": [{
                "physicalLocation": { "artifactLocation": { "uri": uri }, "region": region },
                "logicalLocations": [{ "fullyQualifiedName": place, "kind": "resource" }],
            }],
            // The same finding on the same subject is the same, whatever its words.
            "partialFingerprints": { "subject/v1": format!("{}/{place}", self.rule) },
        });
        let mut add = |key: &str, value: Value| {
            if let Some(fields) = result.as_object_mut() {
                fields.insert(key.to_owned(), value);
            }
        };
        if matches!(self.standing, Standing::Allowed(_)) {
            add("suppressions", json!([{ "kind": "external", "justification": "leeward.allow" }]));
        }
        if !self.remedy.is_empty() {
            add("properties", json!({ "remedy": self.remedy }));
        }
        if !self.changes.is_empty() {
            let replacement = |Change { from, to, insert }: &Change| {
                json!({
                    "deletedRegion": { "startLine": from.0, "startColumn": from.1, "endLine": to.0, "endColumn": to.1 },
                    "insertedContent": { "text": insert },
                })
            };
            let changes = self.changes.iter().map(|InFile { file, changes }| {
                let replacements: Vec<Value> = changes.iter().map(replacement).collect();
                json!({ "artifactLocation": { "uri": as_uri(file) }, "replacements": replacements })
            });
            let changes: Vec<Value> = changes.collect();
            add("fixes", json!([{ "description": { "text": self.remedy }, "artifactChanges": changes }]));
        }
        result
    }
}

/// The whole log. Ends with a newline.
pub fn log<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> String {
    let results: Vec<Value> = entries.into_iter().map(|entry| entry.result()).collect();
    let described = rules::all().map(|rule| {
        let mut described = json!({
            "id": rule.id,
            "shortDescription": { "text": rule.title },
            "fullDescription": { "text": rule.why },
            "help": { "text": rule.fix_for(None) },
            "defaultConfiguration": { "level": level(rule.severity) },
            // What code scanning sorts by: 9.0 and up is critical, 7.0 high, 4.0 medium.
            "properties": { "tags": ["security"], "security-severity": score(rule.severity) },
        });
        if let Some(fields) = described.as_object_mut().filter(|_| rule.reference.starts_with("https://")) {
            fields.insert("helpUri".to_owned(), rule.reference.into());
        }
        described
    });
    // Not rules: what is wrong stands in the container's own labels, and the result says it.
    let besides = |id: &str, title: &str| {
        json!({
            "id": id,
            "shortDescription": { "text": title },
            "fullDescription": { "text": title },
            "help": { "text": "`leeward explain CONTAINER` tells what was looked at, and what to change." },
            "defaultConfiguration": { "level": "error" },
        })
    };
    let codes = Code::ALL.iter().map(|code| besides(code.as_str(), codes::title(*code)));
    let left_out = besides(LEFT_OUT, "a router that Traefik leaves out");
    let mut log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "leeward",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": described.chain(codes).chain([left_out]).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let driver = log.pointer_mut("/runs/0/tool/driver").and_then(Value::as_object_mut);
    if let Some(driver) = driver.filter(|_| !HOME.is_empty()) {
        driver.insert("informationUri".to_owned(), HOME.into());
    }
    visible::json(&log)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// A severity as a score of the common scoring system.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "0.1",
        Severity::Low => "2.0",
        Severity::Medium => "5.0",
        Severity::High => "8.0",
        Severity::Critical => "9.5",
    }
}

/// A path as a reference: relative, or from the root on.
fn as_uri(path: &str) -> String {
    let encoded = utf8_percent_encode(path, PATH).to_string();
    if path.starts_with('/') { format!("file://{encoded}") } else { encoded }
}

/// What stands for a file where there is none: `containers/app1-web-1`.
fn as_path(subject: &Subject) -> String {
    let (folder, name) = match subject {
        Subject::Engine => return "engine".to_owned(),
        Subject::Host { name, .. } => ("hosts", name),
        Subject::Network { name } => ("networks", name),
        Subject::Container { name, .. } => ("containers", name),
    };
    format!("{folder}/{}", utf8_percent_encode(name, PART))
}
