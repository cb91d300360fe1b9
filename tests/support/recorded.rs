//! Recorded cases: from an engine's objects to our document, and how it is compared with what Traefik made of them.

use std::collections::BTreeSet;

use leeward::inventory::Inventory;
use leeward::plan::{Plan, compile};
use leeward::settings::{ImageLabels, Isolation, Names, Settings};
use leeward::source::{facts, swarm};
use leeward::traefik::Version;
use leeward::traefik::document;
use serde_json::{Map, Value};

use crate::reader;

/// The lines of a file of recorded cases.
pub(crate) fn cases(file: &str) -> Vec<Value> {
    file.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What Traefik would hold after reading the document of a recorded world. Compiled as
/// `--isolation off --names traefik --image-labels honor`, which promises to be Traefik's own provider.
pub(crate) fn held(plan: &Plan, case: &str) -> Value {
    let body = document::write(&plan.documents[Plan::EVERYONE]);
    let held = reader::read(&body, reader::NEWEST);
    canonical(&held.unwrap_or_else(|error| panic!("{case}: Traefik would refuse the document: {error}\n{body}")))
}

/// What we take it that Traefik holds, by which two containers are compared.
pub(crate) fn with_defaults(plan: &Plan) -> Value {
    let body = document::write(&(*plan.documents[Plan::EVERYONE]).clone().with_defaults());
    let mut document: Value = serde_json::from_str(&body).unwrap();
    for middleware in document["http"]["middlewares"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        for settings in middleware["plugin"].as_object_mut().into_iter().flat_map(Map::values_mut) {
            settings.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(list);
        }
    }
    document
}

/// Maps of indices as the lists that they stand for.
fn list(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(list);
            if fields.keys().next().is_some_and(|first| first.starts_with('[')) {
                *value = std::mem::take(fields).into_iter().map(|(_, item)| item).collect();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(list),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The plan of a recorded world.
pub(crate) fn plan(case: &Value) -> Plan {
    compile(&inventory(&case["world"]), &settings(&case["options"]))
}

/// What Traefik's own provider made of it; several answers where it picks at random.
pub(crate) fn wanted(case: &Value) -> Vec<Value> {
    let swarm = case["options"]["provider"] == "swarm";
    let mut wanted = vec![&case["expected"]];
    wanted.extend(case["alternatives"].as_array().into_iter().flatten());
    wanted.into_iter().map(|it| canonical(&with_http_names(it.clone(), swarm))).collect()
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
        inventory.put(container);
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
        // What was recorded is that one's.
        traefik_version: Some(Version::NEWEST),
        ..Settings::default()
    }
}

/// References as they must stand in a document of another provider: `x@docker` is `x@http` there.
pub(crate) fn with_http_names(mut expected: Value, swarm: bool) -> Value {
    let suffix = if swarm { "@swarm" } else { "@docker" };
    // What a model of a label refers to, nobody looks up: it stays as written.
    let models = expected["http"].as_object_mut().and_then(|http| http.remove("models"));
    rename(&mut expected, "", suffix);
    if let Some(models) = models {
        expected["http"]["models"] = models;
    }
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
pub(crate) fn canonical(value: &Value) -> Value {
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

pub(crate) fn difference(wanted: &Value, found: &Value, path: &str) -> Vec<String> {
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
