//! The event stream: JSON lines, rebuilt one by one, of the types and actions that are let through.
//!
//! Attributes mix fields of the engine with all labels of the container. A label may be called anything, even `name`, so
//! attributes are untrusted, and the labels stay behind: readers inspect anyway.
//!
//! Labels may take megabytes, and there is one buffer for each stream: of a long line its beginning is read, which says
//! what happened to whom, and the rest is skipped.

use std::collections::BTreeMap;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::filters::{EVENT_ACTIONS, EVENT_TYPES};
use crate::source::json;

/// How much of an event's line is read, in bytes; of a longer one only what happened to whom.
const MAX_LINE_BYTES: usize = 64 * 1024;
/// The longest attribute that passes, in bytes. Names of containers and images are far shorter.
const MAX_VALUE_BYTES: usize = 1024;
/// The longest id that passes, in bytes; the engine's have 64.
const MAX_ID_BYTES: usize = 255;

/// Attributes that readers use.
const ATTRIBUTES: &[&str] = &["container", "execDuration", "exitCode", "image", "name", "oldName", "signal", "type"];

/// An event: API 1.24 and later, and the three fields that older readers know it by.
#[derive(Debug, Deserialize, Serialize)]
struct Event {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Actor")]
    actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default)]
    time: i64,
    #[serde(default, rename = "timeNano")]
    time_nano: i64,
}

#[derive(Debug, Deserialize, Serialize)]
struct Actor {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default, rename = "Attributes")]
    attributes: Option<BTreeMap<String, Value>>,
}

/// One event rebuilt, with a newline; `None` if it is none, or not one that is let through.
fn rebuild(line: &[u8], swarm: bool) -> Option<Vec<u8>> {
    let mut event: Event = json::read(line).ok()?;
    if !is_known_type(&event.kind, swarm) || !is_known_action(&event.action) || event.actor.id.len() > MAX_ID_BYTES {
        return None;
    }
    // The old fields repeat the new ones; written from those, they cannot say more.
    event.status = event.status.map(|_| event.action.clone());
    event.id = event.id.map(|_| event.actor.id.clone());
    event.from = event.from.filter(|from| from.len() <= MAX_VALUE_BYTES);
    event.scope = event.scope.filter(|scope| scope.len() <= MAX_VALUE_BYTES);
    if let Some(attributes) = &mut event.actor.attributes {
        let fits = |value: &Value| value.as_str().is_some_and(|value| value.len() <= MAX_VALUE_BYTES);
        attributes.retain(|key, value| ATTRIBUTES.contains(&key.as_str()) && fits(value));
    }
    written(&event)
}

fn written(event: &Event) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(event).ok()?;
    line.push(b'\n');
    Some(line)
}

/// A line is too long, and its beginning does not say whether it matters.
#[derive(Debug)]
struct Unclear;

/// An event rebuilt from the beginning of its line: type, action and id, without attributes or time.
fn rebuild_start(start: &[u8], swarm: bool) -> Result<Option<Vec<u8>>, Unclear> {
    let mut found = Start::default();
    // It ends in the middle of something: what came before that is what counts.
    drop(found.deserialize(&mut serde_json::Deserializer::from_slice(start)));
    let is_foreign = found.kind.as_ref().is_some_and(|kind| !is_known_type(kind, swarm))
        || found.action.as_ref().is_some_and(|action| !is_known_action(action));
    // An action without an end is `exec_create: <a long command>`; those that are let through are short.
    if found.in_action || is_foreign {
        return Ok(None);
    }
    let (Some(kind), Some(action), Some(id)) = (found.kind, found.action, found.id) else { return Err(Unclear) };
    if id.len() > MAX_ID_BYTES {
        return Ok(None);
    }
    let (status, from, scope) = (Some(action.clone()), None, None);
    let actor = Actor { id: id.clone(), attributes: None };
    Ok(written(&Event { status, id: Some(id), from, kind, action, actor, scope, time: 0, time_nano: 0 }))
}

/// What the beginning of a line says.
#[derive(Default)]
struct Start {
    kind: Option<String>,
    action: Option<String>,
    id: Option<String>,
    /// It ends in the middle of the action.
    in_action: bool,
}

impl<'de> DeserializeSeed<'de> for &mut Start {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Start {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "status" | "Action" => {
                    self.in_action = true;
                    let action = map.next_value()?;
                    self.in_action = false;
                    self.action = Some(action);
                }
                "Type" => self.kind = Some(map.next_value()?),
                // Its own keys are `ID` and `Attributes`; the outer ones do not matter there.
                "Actor" => {
                    let mut actor = ActorStart::default();
                    let read = map.next_value_seed(&mut actor);
                    self.id = actor.0;
                    read?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The id of whom an event is about.
#[derive(Default)]
struct ActorStart(Option<String>);

impl<'de> DeserializeSeed<'de> for &mut ActorStart {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut ActorStart {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("whom an event is about")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "ID" {
                self.0 = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

fn is_known_type(kind: &str, swarm: bool) -> bool {
    let (always, with_swarm) = EVENT_TYPES;
    always.contains(&kind) || swarm && with_swarm.contains(&kind)
}

/// `health_status` is followed by the status, a word; every other action must be one of the list, whole.
fn is_known_action(action: &str) -> bool {
    let (action, word) = action.split_once(": ").unwrap_or((action, ""));
    let is_word = word.len() <= 32 && word.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte));
    EVENT_ACTIONS.contains(&action) && (word.is_empty() || action == "health_status" && is_word)
}

/// Splits a stream into lines and rebuilds each.
#[derive(Debug, Default)]
pub(super) struct Events {
    swarm: bool,
    line: Vec<u8>,
    is_too_long: bool,
}

impl Events {
    /// At the start of a stream.
    pub(super) fn new(swarm: bool) -> Self {
        Self { swarm, ..Self::default() }
    }

    /// The events that end in these bytes. `false`: one that may matter was too long to say whom it is about, and readers
    /// have to read everything again.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let (mut events, mut is_whole) = (Vec::new(), true);
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (last, rest) = bytes.split_at(end);
            self.keep(last);
            if !self.is_too_long {
                events.extend(rebuild(&self.line, self.swarm));
            } else if let Ok(event) = rebuild_start(&self.line, self.swarm) {
                events.extend(event);
            } else {
                is_whole = false;
            }
            self.line.clear();
            self.is_too_long = false;
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.keep(bytes);
        (events, is_whole)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let free = MAX_LINE_BYTES.saturating_sub(self.line.len());
        self.is_too_long |= bytes.len() > free;
        self.line.extend_from_slice(bytes.get(..free).unwrap_or(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(kind: &str, action: &str) -> String {
        json!({"Type": kind, "Action": action, "Actor": {"ID": "c1", "Attributes": {
            "name": "web", "image": "nginx", "exitCode": "0", "secret.label": "hunter2"}},
            "scope": "local", "time": 5, "timeNano": 5_000_000_001_i64, "extra": "hunter2"})
        .to_string()
    }

    #[test]
    fn a_label_that_is_no_text_ends_no_stream() {
        let mut line = event("container", "start").into_bytes();
        let at = line.windows(7).position(|part| part == b"hunter2").unwrap();
        line[at] = 0xff;
        let rebuilt = String::from_utf8(rebuild(&line, false).unwrap()).unwrap();
        assert!(rebuilt.contains("\"start\""), "{rebuilt}");
    }

    fn passes(kind: &str, action: &str, swarm: bool) -> bool {
        rebuild(event(kind, action).as_bytes(), swarm).is_some()
    }

    #[test]
    fn only_known_types_and_actions_pass() {
        for action in ["start", "die", "rename", "health_status", "health_status: healthy", "health_status: dozing"] {
            assert!(passes("container", action, false), "{action}");
        }
        for action in [
            "exec_create: sh -c hunter2",
            "exec_start: x",
            "exec_die",
            "start: x",
            "health_status: Hunter2",
            "attach",
            "health_status: a b",
            "",
            "top",
            "START",
            "health_status: hunter2\n",
        ] {
            assert!(!passes("container", action, true), "{action}");
        }
        assert!(passes("network", "connect", false));
        assert!(
            !passes("volume", "create", true) && !passes("image", "remove", true) && !passes("secret", "create", true)
        );
        assert!(passes("node", "update", true) && !passes("node", "update", false));
    }

    #[test]
    fn an_event_is_rebuilt_from_its_own_words() {
        let text = String::from_utf8(rebuild(event("container", "die").as_bytes(), false).unwrap()).unwrap();
        insta::assert_snapshot!(text, @r#"{"Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{"exitCode":"0","image":"nginx","name":"web"}},"scope":"local","time":5,"timeNano":5000000001}"#);
    }

    #[test]
    fn old_fields_only_repeat_the_new_ones() {
        let old = json!({"status": "exec_create: hunter2", "id": "hunter2", "from": "nginx", "Type": "container",
            "Action": "start", "Actor": {"ID": "c1", "Attributes": {"name": {"x": "hunter2"}}}});
        let new: Value = serde_json::from_slice(&rebuild(old.to_string().as_bytes(), false).unwrap()).unwrap();
        let expected = json!({"status": "start", "id": "c1", "from": "nginx", "Type": "container", "Action": "start",
            "Actor": {"ID": "c1", "Attributes": {}}, "time": 0, "timeNano": 0});
        assert_eq!(new, expected);
    }

    #[test]
    fn lines_come_in_any_pieces_and_bad_ones_are_skipped() {
        let stream =
            format!("{}\nnot json\n\n{}\r\n{}", event("container", "start"), event("container", "die"), "{\"cut");
        for size in [1, 7, 64, 4096] {
            let mut events = Events::new(false);
            let read: Vec<_> = stream.as_bytes().chunks(size).flat_map(|piece| events.read(piece).0).collect();
            assert_eq!(read.len(), 2, "{size}");
        }
    }

    #[test]
    fn of_a_long_line_its_beginning_counts_and_the_next_is_read() {
        let long = |start: &str| {
            let mut events = Events::new(false);
            assert!(events.read(start.as_bytes()).0.is_empty());
            for _ in 0..6 {
                assert!(events.read(&vec![b'x'; 1024 * 1024]).0.is_empty());
                assert!(events.line.capacity() <= 2 * MAX_LINE_BYTES);
            }
            let (read, is_whole) = events.read(format!("\"}}\n{}\n", event("container", "start")).as_bytes());
            let read: Vec<String> = read.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
            assert!(read.last().is_some_and(|last| last.contains("web")), "{read:?}");
            (read.first().filter(|_| read.len() == 2).cloned(), is_whole)
        };
        let told = r#"{"status":"start","id":"c9","Type":"container","Action":"start","Actor":{"ID":"c9","Attributes":null},"time":0,"timeNano":0}"#;
        // A label called as the engine's own fields says nothing.
        let start = r#"{"status":"start","id":"c9","Type":"container","Action":"start","Actor":{"ID":"c9","Attributes":{"ID":"c8","a":""#;
        assert_eq!(long(start), (Some(format!("{told}\n")), true));
        // What is not let through stays out, however its line is cut.
        for foreign in [
            "{\"status\":\"exec_create: hunter2 ",
            "{\"Type\":\"container\",\"Action\":\"exec_create: hunter2 ",
            "{\"Type\":\"container\",\"Action\":\"exec_start: hunter2\",\"Actor\":{\"ID\":\"c9\",\"Attributes\":{\"a\":\"",
            "{\"Type\":\"volume\",\"Action\":\"create\",\"Actor\":{\"ID\":\"",
        ] {
            assert_eq!(long(foreign), (None, true), "{foreign}");
        }
        // Whose start or end this is cannot be told: the stream has to begin anew.
        let start = "{\"Action\":\"start\",\"Actor\":{\"Attributes\":{\"a\":\"";
        assert_eq!(long(start), (None, false));
    }

    #[test]
    fn no_attribute_is_longer_than_a_name_needs() {
        let line = event("container", "start").replace("\"web\"", &format!("\"{}\"", "x".repeat(MAX_VALUE_BYTES + 1)));
        let rebuilt = String::from_utf8(rebuild(line.as_bytes(), false).unwrap()).unwrap();
        assert!(rebuilt.contains("\"nginx\"") && !rebuilt.contains("xxx"), "{rebuilt}");
    }
}
