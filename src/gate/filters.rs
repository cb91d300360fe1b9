//! Filters of lists and streams: decoded, checked, narrowed, and encoded again.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Refused, shorten};

/// The most values that all filters of one request may hold together.
const MAX_FILTER_VALUES: usize = 64;
/// The longest filter value, in bytes.
const MAX_FILTER_BYTES: usize = 1024;

/// Filters of a list or stream: a key that the gate knows to the values any of which may match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(BTreeMap<&'static str, BTreeSet<String>>);

/// Event types that are let through, and those that need `--swarm`.
pub(super) const EVENT_TYPES: (&[&str], &[&str]) = (&["container", "network"], &["service", "node"]);

/// Event actions that are let through. `exec_create: <the command>` and its kin are not among them.
/// `died`, `init` and `cleanup` are Podman's words.
pub(super) const EVENT_ACTIONS: &[&str] = &[
    "cleanup",
    "connect",
    "create",
    "destroy",
    "die",
    "died",
    "disconnect",
    "health_status",
    "init",
    "kill",
    "oom",
    "pause",
    "remove",
    "rename",
    "restart",
    "start",
    "stop",
    "unpause",
    "update",
];

impl Filters {
    /// Whether nothing is filtered.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values of one key.
    pub fn values(&self, key: &str) -> Option<&BTreeSet<String>> {
        self.0.get(key)
    }

    /// The form that every engine since API 1.22 reads: `{"type":{"container":true}}`.
    pub(super) fn to_json(&self) -> String {
        let marked = self.0.iter().map(|(key, values)| {
            let values = values.iter().map(|value| (value.clone(), serde_json::Value::Bool(true))).collect();
            ((*key).to_owned(), serde_json::Value::Object(values))
        });
        serde_json::Value::Object(marked.collect()).to_string()
    }

    /// Reads both forms that clients write: `{"key":{"value":true}}` and `{"key":["value"]}`.
    pub(super) fn parse(text: &str, known: &[&'static str]) -> Result<Self, Refused> {
        use serde_json::Value;
        let refused = |filter: &str| Refused::Filter { filter: shorten(filter) };
        let Ok(Value::Object(keys)) = serde_json::from_str::<Value>(text) else { return Err(refused(text)) };
        let mut filters = BTreeMap::new();
        let mut count = 0_usize;
        for (key, values) in keys {
            let Some(known) = known.iter().find(|known| **known == key) else { return Err(refused(&key)) };
            let values: Option<BTreeSet<String>> = match values {
                Value::Array(values) => values
                    .into_iter()
                    .map(|value| if let Value::String(value) = value { Some(value) } else { None })
                    .collect(),
                Value::Object(values) => {
                    values.into_iter().map(|(value, mark)| mark.is_boolean().then_some(value)).collect()
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            };
            let fits = |value: &String| value.len() <= MAX_FILTER_BYTES && !value.chars().any(char::is_control);
            let values = values.filter(|values| values.iter().all(fits)).ok_or_else(|| refused(&key))?;
            count = count.saturating_add(values.len());
            if count > MAX_FILTER_VALUES {
                return Err(refused(&key));
            }
            if !values.is_empty() {
                filters.insert(*known, values);
            }
        }
        Ok(Self(filters))
    }

    /// The same filters, but with types and actions inside what the gate lets through.
    pub(super) fn narrowed_to_events(mut self, swarm: bool) -> Result<Self, Refused> {
        let (always, with_swarm) = EVENT_TYPES;
        let types = always.iter().chain(if swarm { with_swarm } else { &[] });
        self.narrow("type", types.map(|word| (*word).to_owned()).collect())?;
        // `docker events --filter event="health_status: healthy"` is a known use; the engine compares exactly.
        let healths = ["healthy", "unhealthy", "running"].map(|word| format!("health_status: {word}"));
        let asked_for_health =
            self.0.get("event").is_some_and(|asked| healths.iter().any(|health| asked.contains(health)));
        let mut actions: BTreeSet<String> = EVENT_ACTIONS.iter().map(|word| (*word).to_owned()).collect();
        if asked_for_health {
            actions.extend(healths);
        }
        self.narrow("event", actions)?;
        Ok(self)
    }

    fn narrow(&mut self, key: &'static str, allowed: BTreeSet<String>) -> Result<(), Refused> {
        let narrowed = match self.0.get(key) {
            Some(asked) => asked.intersection(&allowed).cloned().collect(),
            None => allowed,
        };
        if narrowed.is_empty() {
            return Err(Refused::Filter { filter: key.to_owned() });
        }
        self.0.insert(key, narrowed);
        Ok(())
    }
}
