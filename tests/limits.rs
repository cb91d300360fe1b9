//! The table in `docs/limits.md` against the program's defaults, and both against the labels that the tests hold.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use leeward::budgets::{Budgets, Demand, is_read};
use leeward::source;
use serde_json::Value;

/// The most that one container of the corpora has.
#[derive(Debug, Default)]
struct Most {
    labels: u64,
    label_bytes: u64,
    routers: u64,
    rule_bytes: u64,
    regex_size: u64,
    object_bytes: u64,
}

impl Most {
    fn see(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.see(item)),
            Value::Object(fields) => {
                self.labels_of(fields);
                if fields.contains_key("Labels") || fields.contains_key("Config") {
                    self.object_bytes = self.object_bytes.max(value.to_string().len() as u64);
                }
                fields.values().for_each(|field| self.see(field));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Whatever has labels' keys and texts is taken for a container's.
    fn labels_of(&mut self, fields: &serde_json::Map<String, Value>) {
        let labels = fields.iter().filter(|(key, _)| is_read(key) && key.contains('.'));
        let labels: BTreeMap<String, String> =
            labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        let Demand { routers, names, regex_size } = Demand::of(&labels, u64::MAX);
        let bytes = labels.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum();
        let rules = labels.iter().filter(|(key, _)| key.to_ascii_lowercase().ends_with(".rule"));
        self.labels = self.labels.max(labels.len() as u64);
        self.label_bytes = self.label_bytes.max(bytes);
        self.routers = self.routers.max(routers).max(names);
        self.regex_size = self.regex_size.max(regex_size);
        self.rule_bytes = rules.map(|(_, rule)| rule.len() as u64).max().unwrap_or_default().max(self.rule_bytes);
    }
}

fn corpora() -> Most {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = fs::read_dir(root.join("tests/vectors")).unwrap().map(|entry| entry.unwrap().path());
    let mut most = Most::default();
    for file in vectors.chain([root.join("src/source/demo.json")]) {
        let text = fs::read_to_string(&file).unwrap();
        let values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        values.for_each(|value| most.see(&value.unwrap()));
    }
    most
}

#[test]
fn the_table_of_limits_is_the_programs_and_ten_times_what_the_corpora_hold() {
    let Budgets { labels, label_bytes, routers, rule_bytes, regex_size, per_owner } = Budgets::default();
    let most = corpora();
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/limits.md")).unwrap();
    let number = |number: u64| {
        let digits = number.to_string();
        let parts: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|it| std::str::from_utf8(it).unwrap()).collect();
        parts.join(",")
    };
    let mut missing = Vec::new();
    for (flag, default, held) in [
        ("--max-labels", labels, most.labels),
        ("--max-label-bytes", label_bytes, most.label_bytes),
        ("--max-routers", routers, most.routers),
        ("--max-rule-bytes", rule_bytes, most.rule_bytes),
        ("--max-regex-size", regex_size, most.regex_size),
        ("--max-object", source::OBJECT_BYTES as u64, most.object_bytes),
    ] {
        assert!(held > 0 && default >= 10 * held, "{flag}: {default}, and the corpora hold {held}");
        let row = format!("| `{flag}` | {} | {} |", number(default), number(held));
        if !text.contains(&row) {
            missing.push(row);
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "docs/limits.md lacks these");
    assert!(text.contains(&format!("| `--max-per-owner` | {per_owner} | |")));
}
