//! The event stream: JSON lines, rebuilt one by one, of the types and actions that are let through.
//!
//! Attributes are the engine's few own words about an event, mixed with all labels of the container. Labels may be
//! called anything, even `name`, so attributes are hearsay, and the labels stay behind: readers inspect anyway.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::filters::{EVENT_ACTIONS, EVENT_TYPES};
use crate::docker::json;

/// The longest event that is read, in bytes; a longer one is skipped. A container's labels may take a megabyte.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

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
    let (always, with_swarm) = EVENT_TYPES;
    let is_known = always.contains(&event.kind.as_str()) || swarm && with_swarm.contains(&event.kind.as_str());
    if !is_known || !is_known_action(&event.action) {
        return None;
    }
    // The old fields repeat the new ones; written from those, they cannot say more.
    event.status = event.status.map(|_| event.action.clone());
    event.id = event.id.map(|_| event.actor.id.clone());
    if let Some(attributes) = &mut event.actor.attributes {
        attributes.retain(|key, value| ATTRIBUTES.contains(&key.as_str()) && value.is_string());
    }
    let mut line = serde_json::to_vec(&event).ok()?;
    line.push(b'\n');
    Some(line)
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

    /// The events that end in these bytes.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut events = Vec::new();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (last, rest) = bytes.split_at(end);
            self.keep(last);
            if !self.is_too_long {
                events.extend(rebuild(&self.line, self.swarm));
            }
            self.line.clear();
            self.is_too_long = false;
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.keep(bytes);
        events
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.is_too_long || self.line.len().saturating_add(bytes.len()) > MAX_EVENT_BYTES {
            self.is_too_long = true;
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(bytes);
        }
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
            let read: Vec<_> = stream.as_bytes().chunks(size).flat_map(|piece| events.read(piece)).collect();
            assert_eq!(read.len(), 2, "{size}");
        }
    }

    #[test]
    fn an_endless_line_is_dropped_and_the_next_is_read() {
        let mut events = Events::new(false);
        for _ in 0..6 {
            assert!(events.read(&vec![b'x'; 1024 * 1024]).is_empty());
            assert!(events.line.capacity() <= 2 * MAX_EVENT_BYTES);
        }
        assert_eq!(events.read(format!("\n{}\n", event("container", "start")).as_bytes()).len(), 1);
    }
}
