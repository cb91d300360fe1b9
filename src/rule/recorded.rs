//! Constraints and default rules held against what Traefik 3.7.15's own Docker provider kept and wrote.

use std::collections::BTreeMap;

use super::constraint::Constraint;
use super::template::{DefaultRule, Model};

#[derive(serde::Deserialize)]
struct Recorded {
    constraints: Vec<Kept>,
    #[serde(rename = "rules")]
    written: Vec<Written>,
}

#[derive(serde::Deserialize)]
struct Kept {
    text: String,
    labels: BTreeMap<String, String>,
    kept: bool,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    template: String,
    name: String,
    container_name: String,
    labels: BTreeMap<String, String>,
    /// None: the router was dropped.
    rule: Option<String>,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../../tests/vectors/traefik_rules.json")).unwrap()
}

#[test]
fn constraints_keep_what_traefik_kept() {
    for Kept { text, labels, kept } in recorded().constraints {
        assert_eq!(Constraint::parse(&text).unwrap().matches(&labels), kept, "{text} {labels:?}");
    }
}

#[test]
fn default_rules_are_those_of_traefik() {
    for Written { template, name, container_name, labels, rule } in recorded().written {
        let model = Model { name: &name, container_name: &container_name, labels: &labels };
        let written = DefaultRule::parse(&template).unwrap().render(model);
        assert_eq!(written.ok().filter(|it| !it.is_empty()), rule, "{template} {name}");
    }
}
