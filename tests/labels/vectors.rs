//! The same containers give the same configuration as Traefik's own Docker provider gave, recorded from Traefik 3.7.15.
//!
//! What is compared is what Traefik would hold after reading our document, read by [`crate::reader`]: zeros that it must be
//! told and defaults that it fills in are part of it.

use std::collections::BTreeMap;

use leeward::plan::Outcome;
use leeward::policy::refusal::{Code, Refusal};
use leeward::report::words::{Remedy as _, Words as _};
use leeward::traefik::labels;
use serde_json::{Value, json};

use crate::reader;
use crate::recorded::{canonical, cases, difference, held, plan, wanted, with_defaults};

#[test]
fn random_worlds_give_what_traefik_gave() {
    check(
        include_str!("../vectors/traefik-random.jsonl"),
        &[("0019-long_things", "a router's name has more than 1,022 characters")],
    );
}

#[test]
fn every_label_with_every_value_gives_what_traefik_gave() {
    check(
        include_str!("../vectors/traefik-walk.jsonl"),
        &[("walk-0218", "a list's item holds `║`, with which Traefik joins lists")],
    );
}

/// States, health, names, networks, ports, merging, linking.
#[test]
fn provider_cases_give_what_traefik_gave() {
    check(
        include_str!("../vectors/traefik-provider.jsonl"),
        &[
            ("bracket panic", "Traefik's provider stops for everybody; here it is that container's own fault"),
            ("enable bracket panic", "the same"),
        ],
    );
}

/// Worlds that once came out differently; the name says what went wrong.
#[test]
fn worlds_that_once_differed_give_what_traefik_gave() {
    check(include_str!("../vectors/traefik-found.jsonl"), &[]);
}

/// Worlds, but for those that differ on purpose, each with its reason.
fn check(file: &str, different: &[(&str, &str)]) {
    let mut failures = Vec::new();
    let cases = cases(file);
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let plan = plan(case);
        let (own, wanted) = (held(&plan, name), wanted(case));
        let filled = canonical(&with_defaults(&plan));
        if own != filled {
            failures.push(format!("{name}, our own defaults:\n{}", difference(&own, &filled, "").join("\n")));
        }
        if wanted.contains(&own) == different.iter().any(|(world, _)| *world == name) {
            failures.push(format!("{name}:\n{}", difference(&wanted[0], &own, "").join("\n")));
        }
    }
    assert!(failures.is_empty(), "{} of {} worlds:\n\n{}", failures.len(), cases.len(), failures.join("\n\n"));
}

/// Traefik's provider is stopped by `name]`, even on a container that is switched off. Here that container alone is
/// refused, with the label; a switched-off one is not even asked.
#[test]
fn a_bracket_that_stops_traefik_costs_its_own_container_only() {
    let mut stopped = 0;
    for case in cases(include_str!("../vectors/traefik-provider.jsonl")) {
        if case["panic"] != true {
            continue;
        }
        stopped += 1;
        let plan = plan(&case);
        let bad: Vec<_> = plan.decided().filter(|it| it.outcome != Outcome::Routed).collect();
        assert_eq!(bad.len(), 1, "{}", case["name"]);
        let label = bad[0].refusal.as_ref().and_then(|refusal| refusal.label.clone()).unwrap();
        assert!(label.contains(']'), "{label}");
        let document = held(&plan, "panic");
        assert!(document["http"]["routers"].as_object().is_some_and(|it| it.len() == 1), "{document}");
    }
    assert_eq!(stopped, 2);
}

/// One container a case: its labels decode or they do not, and then the whole label is named.
#[test]
fn label_cases_give_what_traefik_gave() {
    let mut failures = Vec::new();
    for (number, case) in cases(include_str!("../vectors/traefik-labels.jsonl")).iter().enumerate() {
        let name = case["name"].as_str().unwrap();
        let container = &case["container"];
        let ports: BTreeMap<&str, Value> =
            container["ports"].as_array().unwrap().iter().map(|port| (port.as_str().unwrap(), Value::Null)).collect();
        let world = json!({"options": {}, "expected": case["expected"], "world": {"containers": [{
            "Id": format!("{number:064x}"), "Name": container["name"], "State": {"Status": "running", "Running": true},
            "HostConfig": {"NetworkMode": "bridge"}, "Config": {"Labels": case["labels"]},
            "NetworkSettings": {"Ports": ports, "Networks": {"bridge": {"IPAddress": container["ip"], "NetworkID": "n"}}},
        }]}});
        let plan = plan(&world);
        let (own, wanted) = (held(&plan, name), wanted(&world));
        // A map whose first name is an index arrives as a list: such a container is refused.
        if name == "plugin: J idx and key" {
            assert_eq!(own, json!({}), "{name}");
            continue;
        }
        if !wanted.contains(&own) {
            failures.push(format!("{name}:\n{}", difference(&wanted[0], &own, "").join("\n")));
        }

        let labels: BTreeMap<String, String> = serde_json::from_value(case["labels"].clone()).unwrap();
        let errors: Vec<&str> = case["errors"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let decision = plan.decided().next().unwrap();
        if errors.is_empty() != (decision.refusal.is_none() && decision.warnings.is_empty())
            && own.as_object().is_some_and(serde_json::Map::is_empty)
        {
            failures.push(format!("{name}: Traefik said {errors:?}, we {:?}", decision.refusal));
        }
        let refusal = decision.refusal.as_ref().filter(|refusal| refusal.code == Code::BadLabel);
        let is_told = |refusal: &Refusal| {
            refusal.label.as_ref().is_some_and(|label| labels.contains_key(label)) && !refusal.remedy().is_empty()
        };
        let is_refused = labels::decode(&labels).is_err();
        if is_refused && (errors.is_empty() || !refusal.is_some_and(is_told)) {
            failures.push(format!("{name}: Traefik said {errors:?}, we {refusal:?}"));
        }
        // What Traefik names, a name or a value, is in the label or the words.
        let said = refusal
            .filter(|_| is_refused)
            .map(|it| format!("{} {}", it.label.as_deref().unwrap_or_default(), it.words()));
        for error in &errors {
            let names = ["field not found, node: ", "parsing \"", "invalid element: "];
            let named =
                names.iter().find_map(|start| error.split(start).nth(1)).map(|rest| rest.split('"').next().unwrap());
            if let (Some(named), Some(said)) = (named, &said)
                && !said.contains(named)
            {
                failures.push(format!("{name}: Traefik named {named:?}, we said {said}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}:\n\n{}", failures.len(), failures.join("\n\n"));
}

/// Bodies of which the model says something else on purpose, each with its reason.
const NOT_MODELLED: &[(&str, &str)] = &[
    ("st rootCAs", "Traefik's log leaves certificates out"),
    ("tls certs", "the same"),
    ("raw U+0085", "taken, but changed to a space: no document may hold it"),
    ("plugin list int float", "labels know texts only"),
];

/// The model of Traefik's reading, by which the other tests judge documents, reads and refuses as Traefik did.
#[test]
fn bodies_are_read_as_traefik_read_them() {
    let mut failures = Vec::new();
    let mut judged = 0;
    for case in cases(include_str!("../vectors/traefik-bodies.jsonl")) {
        let (name, body) = (case["name"].as_str().unwrap(), case["body"].as_str().unwrap());
        if !reader::is_judged(body) || NOT_MODELLED.iter().any(|(body, _)| *body == name) {
            continue;
        }
        judged += 1;
        match (reader::read(body, reader::NEWEST), case["error"].as_str()) {
            (Ok(read), None) => {
                let (read, wanted) = (canonical(&read), canonical(&case["expected"]));
                if read != wanted {
                    failures.push(format!("{name}: {body}\n{}", difference(&wanted, &read, "").join("\n")));
                }
            }
            (Err(_), Some(_)) => {}
            (read, error) => failures.push(format!("{name}: {body}\n  Traefik {error:?}\n  model {read:?}")),
        }
    }
    assert_eq!(judged, 237);
    assert!(failures.is_empty(), "{} of {judged}:\n\n{}", failures.len(), failures.join("\n\n"));
}
