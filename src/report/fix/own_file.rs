//! What an override file says, as changes of the project's own file: for tools that apply them.

use super::overrides;
use super::yaml::{Yaml, flow};
use crate::policy::names::Owner;
use crate::remedy::Remedies;
use crate::report::quoting::yaml_word;
use crate::source::lines::{Change, Shape, Written};

/// The changes of the one file of a project that do all that the remedies say of it, in the order of their places. `None`:
/// nothing of it changes, or it is written in a way in which one of them is no plain insertion or deletion.
pub fn changes(written: &Written, remedies: &Remedies, owner: &Owner) -> Option<Vec<Change>> {
    let Yaml::Map(parts) = overrides::yaml(remedies, owner)? else { return None };
    let mut changes = Vec::new();
    for (key, value) in &parts {
        merge(written, &[], key, value, &mut changes)?;
    }
    apart(changes)
}

/// Adds what makes `value` of a key of the map at `path`, as Compose merges a later file over an earlier one.
fn merge(written: &Written, path: &[&str], key: &str, value: &Yaml, changes: &mut Vec<Change>) -> Option<()> {
    let at: Vec<&str> = path.iter().copied().chain([key]).collect();
    if is_elsewhere(written, &at, value) {
        return None;
    }
    match (value, written.shape(&at)) {
        (Yaml::Reset, Shape::Absent) => {}
        // What comes from elsewhere is dropped nowhere but there.
        (_, Shape::Other) if !matches!(value, Yaml::Text(_) | Yaml::Flag(_)) => return None,
        (Yaml::Reset, _) => changes.push(written.remove(&at)?),
        (Yaml::Map(entries), Shape::Map) => {
            for (key, value) in entries {
                merge(written, &at, key, value, changes)?;
            }
        }
        (Yaml::Map(entries), Shape::List) => {
            for (name, value) in entries {
                let item = match value {
                    Yaml::Text(text) => yaml_word(&format!("{name}={text}")),
                    Yaml::Map(inner) if inner.is_empty() => yaml_word(name),
                    _ => return None,
                };
                let is_there = written.spot(&[at.as_slice(), &[name]].concat()).is_some();
                match value {
                    Yaml::Map(_) if is_there => {}
                    _ if is_there => return None,
                    _ => changes.push(written.insert(path, key, &item, false)?),
                }
            }
        }
        (Yaml::List(items), Shape::List) => {
            for item in items {
                let Yaml::Text(text) = item else { return None };
                if written.spot(&[at.as_slice(), &[text]].concat()).is_none() {
                    changes.push(written.insert(path, key, &yaml_word(text), false)?);
                }
            }
        }
        _ => changes.push(written.set(path, key, &flow(value))?),
    }
    Some(())
}

/// Whether what is dropped, or a whole service, may be written in another file, by `extends` or `include`: nothing that is
/// deleted here takes it away there.
fn is_elsewhere(written: &Written, at: &[&str], value: &Yaml) -> bool {
    match (at, value) {
        (["services"], _) => written.shape(at) == Shape::Absent,
        (["services", service], _) => written.shape(&["services", service]) == Shape::Absent,
        (["services", service, _], Yaml::Reset | Yaml::Override(_)) => {
            written.shape(&["services", service, "extends"]) != Shape::Absent
        }
        _ => false,
    }
}

/// Changes at one place as one, and none that overlaps another.
fn apart(mut changes: Vec<Change>) -> Option<Vec<Change>> {
    changes.sort_by_key(|change| change.from);
    let mut kept: Vec<Change> = Vec::new();
    for change in changes {
        match kept.last_mut() {
            Some(last) if last.from == change.from => {
                last.to = last.to.max(change.to);
                last.insert.push_str(&change.insert);
            }
            Some(last) if last.to > change.from => return None,
            _ => kept.push(change),
        }
    }
    Some(kept)
}
