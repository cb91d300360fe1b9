//! Every field that labels reach gets into the document, for each release of Traefik what it knows.

use std::collections::BTreeMap;

use leeward::plan::Plan;
use leeward::policy::refusal::Code;
use leeward::traefik::{Version, document};
use serde_json::Value;

use crate::every_field::{everything, labels, plan};
use crate::reader;

#[test]
fn every_field_is_written_for_every_release() {
    for release in reader::RELEASES {
        let version: Version = release.parse().unwrap();
        let read = reader::read(&everything(version), version).unwrap();
        let mut missing = Vec::new();
        for row in reader::ROWS.iter().filter(|row| row.is_in(version) && row.is_a == "field") {
            // What a document cannot hold is not looked for.
            let wanted = row.label_access == "read" && row.file_access == "read" && !row.is_hidden();
            if wanted && !holds(&read, &row.path.replace("[]", ".[]").split('.').collect::<Vec<_>>()) {
                missing.push(row.path.as_str());
            }
        }
        assert!(missing.is_empty(), "{release}: {missing:?}");
    }
}

fn holds(value: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match value {
        Value::Object(fields) if *first == "<name>" => fields.values().any(|value| holds(value, rest)),
        Value::Object(fields) => fields.get(*first).is_some_and(|value| holds(value, rest)),
        Value::Array(items) => items.iter().any(|item| holds(item, rest)),
        _ => false,
    }
}

/// A label that a release does not know costs its own container alone, and is named with the release it came with.
#[test]
fn a_field_from_a_later_release_costs_its_container_alone() {
    for release in reader::RELEASES {
        let version: Version = release.parse().unwrap();
        let known = labels(version);
        let newest = labels(Version::NEWEST);
        let mut tried = 0;
        for (label, value) in newest.iter().filter(|(label, _)| !known.contains_key(*label)) {
            let bad = BTreeMap::from([(label.clone(), value.clone())]);
            let plan = plan(&[("bad", bad), ("good", BTreeMap::new())], version);
            let refusal = plan.decided().find(|it| it.name == "bad").unwrap().refusal.clone().unwrap();
            assert_eq!(refusal.code, Code::TraefikVersion, "{version} {label}: {refusal:?}");
            let read = reader::read(&document::write(&plan.documents[Plan::EVERYONE]), version).unwrap();
            assert_eq!(read["http"]["routers"].as_object().unwrap().len(), 1, "{version} {label}");
            tried += 1;
        }
        assert_eq!(tried == 0, version == Version::NEWEST, "{version}");
    }
}
