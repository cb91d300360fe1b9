//! The same worlds give the same configuration as Traefik's own Docker provider gave, recorded from Traefik 3.7.15.
//!
//! `tests/vectors/traefik-*.jsonl`: a line each, an engine's objects, the provider's options, and what Traefik made of it.
//! Compared with Traefik's defaults filled in, and without zero values, which Traefik leaves out of what it prints. Each world is compiled as
//! `--isolation off --names traefik --image-labels honor`, which promises to be that provider.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a recorded case that is not as it should be fails the test"
)]

use std::collections::BTreeSet;

use leeward::docker::{facts, swarm};
use leeward::dynamic::document;
use leeward::inventory::Inventory;
use leeward::plan::{Plan, compile};
use leeward::settings::{ImageLabels, Isolation, Names, Settings};
use serde_json::{Map, Value};

#[test]
fn random_worlds_give_what_traefik_gave() {
    check(include_str!("vectors/traefik-random.jsonl"));
}

#[test]
fn every_label_with_every_value_gives_what_traefik_gave() {
    check(include_str!("vectors/traefik-walk.jsonl"));
}

/// Worlds whose result cannot be carried by Traefik's HTTP provider at all, each with its reason.
const NOT_CARRIED: &[(&str, &str)] = &[
    ("0019-long_things", "a router's name has more than 1,022 characters"),
    ("0065-indexes", "a plugin's list holds texts and maps, of which only the maps would arrive"),
    ("walk-0218", "a list's item holds `║`, with which Traefik joins lists"),
];

fn check(worlds: &str) {
    let mut failures = Vec::new();
    let mut count = 0;
    for line in worlds.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["name"].as_str().unwrap();
        if NOT_CARRIED.iter().any(|(world, _)| *world == name) {
            continue;
        }
        count += 1;
        let swarm = case["options"]["provider"] == "swarm";
        let plan = compile(&inventory(&case["world"]), &settings(&case["options"]));
        let own: Value =
            serde_json::from_str(&document::write(&(*plan.documents[Plan::EVERYONE]).clone().with_defaults())).unwrap();
        let own = canonical(&own);
        let mut wanted = vec![&case["expected"]];
        wanted.extend(case["alternatives"].as_array().into_iter().flatten());
        let wanted: Vec<Value> = wanted.into_iter().map(|it| canonical(&with_http_names(it.clone(), swarm))).collect();
        if !wanted.contains(&own) {
            failures.push(format!("{name}:\n{}", difference(&wanted[0], &own, "").join("\n")));
        }
    }
    assert!(failures.is_empty(), "{} of {count} worlds differ:\n\n{}", failures.len(), failures.join("\n\n"));
}

fn inventory(world: &Value) -> Inventory {
    let objects = |name: &str| world[name].as_array().cloned().unwrap_or_default();
    let mut inventory = Inventory { engine: facts::engine(&world["version"], &world["info"]), ..Inventory::default() };
    for network in objects("networks").iter().filter_map(facts::network) {
        inventory.networks.insert(network.id.clone(), network);
    }
    let containers = objects("containers");
    let tasks = swarm::containers(&objects("services"), &objects("tasks"), &objects("nodes"), &inventory.networks);
    for container in containers.iter().filter_map(facts::container).chain(tasks) {
        inventory.containers.insert(container.id.clone(), container);
    }
    inventory
}

fn settings(options: &Value) -> Settings {
    let text = |name: &str| options[name].as_str();
    let flag = |name: &str, default| options[name].as_bool().unwrap_or(default);
    Settings {
        exposed_by_default: flag("exposedByDefault", true),
        constraints: text("constraints").unwrap_or_default().parse().unwrap(),
        default_rule: text("defaultRule").map_or_else(Default::default, |rule| rule.parse().unwrap()),
        network: text("network").map(ToOwned::to_owned),
        use_bind_port_ip: flag("useBindPortIP", false),
        allow_empty_services: flag("allowEmptyServices", false),
        isolation: Isolation::Off,
        names: Names::Traefik,
        image_labels: ImageLabels::Honor,
        ..Settings::default()
    }
}

/// References as they must stand in a document of another provider: `x@docker` is `x@http` there.
fn with_http_names(mut expected: Value, swarm: bool) -> Value {
    let suffix = if swarm { "@swarm" } else { "@docker" };
    rename(&mut expected, "", suffix);
    expected
}

fn rename(value: &mut Value, key: &str, suffix: &str) {
    let refers = ["service", "middlewares", "serversTransport", "options"].contains(&key);
    match value {
        Value::String(text) if refers => {
            if let Some(bare) = text.strip_suffix(suffix) {
                *text = format!("{bare}@http");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, key, suffix)),
        Value::Object(fields) => {
            // What operators name may be called like a field; such a value is an object, and no reference.
            fields.iter_mut().for_each(|(key, value)| rename(value, key, suffix));
        }
        _ => {}
    }
}

/// Without zero values and empty structures at any depth.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), canonical(value)))
                .filter(|(_, value)| !is_zero(value))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0s",
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

fn difference(wanted: &Value, found: &Value, path: &str) -> Vec<String> {
    match (wanted, found) {
        _ if wanted == found => Vec::new(),
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter()
                .flat_map(|key| {
                    let null = Value::Null;
                    difference(a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null), &format!("{path}.{key}"))
                })
                .collect()
        }
        _ => vec![format!("  {path}: Traefik {} Leeward {}", short(wanted), short(found))],
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}
