//! What Traefik 3.7.15 did with constraints, default rules and router rules, and what is made of them here.

use std::collections::BTreeMap;

use super::constraint::Constraint;
use super::router::{parse_http, parse_tcp};
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
    keep: bool,
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
    serde_json::from_str(include_str!("../../../tests/vectors/traefik_rules.json")).unwrap()
}

#[test]
fn constraints_keep_what_traefik_kept() {
    for Kept { text, labels, keep } in recorded().constraints {
        assert_eq!(Constraint::parse(&text).unwrap().matches(&labels), keep, "{text} {labels:?}");
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

/// A router's rule as Traefik took it, or why it did not.
#[derive(serde::Deserialize)]
struct Taken {
    kind: String,
    rule: String,
    syntax: Option<String>,
    error: Option<String>,
}

#[test]
fn rules_are_taken_as_traefik_takes_them() {
    let cases: Vec<Taken> = serde_json::from_str(include_str!("../../../tests/vectors/router_rules.json")).unwrap();
    let mut wrong = Vec::new();
    for Taken { kind, rule, syntax, error } in cases {
        let parse = if kind == "http" { parse_http } else { parse_tcp };
        let found = parse(&rule, syntax.as_deref()).map(|it| it.problems().to_vec());
        if found.as_ref().is_ok_and(Vec::is_empty) != error.is_none() {
            wrong.push(format!("{rule:?} {syntax:?}: {found:?}, Traefik: {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} differ", wrong.join("\n"), wrong.len());
}
