//! What plugins are told: free form, of texts, lists and maps.

use std::collections::BTreeMap;

use super::Problem;
use super::document::{SEPARATOR, Writer};
use super::labels::Node;
use super::schema::{Kind, Part, Value};

/// What one plugin is told: its settings by name.
///
/// Source: Traefik `dynamic.PluginConf`, and how paerser fills it (`nodes_metadata.go` `squashNode`, `element_fill.go`
/// `fillRawValue`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plugin(pub BTreeMap<String, Free>);

/// A value of no declared type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Free {
    /// Labels know nothing but texts.
    Text(String),
    /// From `name[0]`, `name[1]`, ….
    List(Vec<Self>),
    /// From `name.key`.
    Map(BTreeMap<String, Self>),
}

impl Plugin {
    /// What the elements below a plugin's name say.
    ///
    /// A setting whose own name stands again right below it gives way to what is below (`bar.bar=1` is `bar=1`): paerser
    /// takes it for the root of a map that is already there.
    pub(crate) fn of(node: &Node<'_>) -> Self {
        let mut settings = BTreeMap::new();
        for child in &node.children {
            let mut below = BTreeMap::new();
            squash(child, &mut below, true);
            if below.contains_key(child.name) {
                settings.extend(below);
            } else {
                settings.insert(child.name.to_owned(), Free::Map(below));
            }
        }
        Self(settings)
    }
}

/// Writes an element into the map around it. The outermost one, if it is a map, is that map.
fn squash(node: &Node<'_>, into: &mut BTreeMap<String, Free>, root: bool) {
    let children = &node.children;
    let Some(first) = children.first() else {
        into.insert(node.name.to_owned(), Free::Text(node.value.to_owned()));
        return;
    };
    if first.name.starts_with('[') {
        let items = children.iter().filter_map(|child| {
            let mut item = BTreeMap::new();
            squash(child, &mut item, false);
            item.remove(child.name)
        });
        into.insert(node.name.to_owned(), Free::List(items.collect()));
    } else if root {
        for child in children {
            squash(child, into, false);
        }
    } else {
        let mut map = BTreeMap::new();
        for child in children {
            squash(child, &mut map, false);
        }
        into.insert(node.name.to_owned(), Free::Map(map));
    }
}

impl Value for Plugin {
    const KIND: Kind = Kind::Plugins;

    fn read(node: &Node<'_>) -> Result<Option<Self>, Problem> {
        Ok(Some(Self::of(node)))
    }

    /// A map that holds its own key is written once more below that key: Traefik's HTTP provider takes that level away
    /// again, as it does for labels.
    fn write(&self, to: &mut Writer) {
        to.object(|to| {
            for (key, value) in &self.0 {
                to.key(key);
                match value {
                    Free::Map(map) if map.contains_key(key) => to.object(|to| {
                        to.key(key);
                        write_map(map, false, to);
                    }),
                    _ => write_free(value, false, to),
                }
            }
        });
    }

    fn walk<'a>(&'a self, path: &mut Vec<&'a str>, see: &mut dyn FnMut(&[&'a str], Part<'a>)) {
        see(path, Part::Plugin(self));
    }
}

fn write_map(map: &BTreeMap<String, Free>, in_list: bool, to: &mut Writer) {
    to.object(|to| {
        for (key, value) in map {
            to.key(key);
            write_free(value, in_list, to);
        }
    });
}

fn write_free(value: &Free, in_list: bool, to: &mut Writer) {
    match value {
        Free::Text(text) => to.text(text),
        Free::List(items) if !in_list && items.iter().all(is_plain) => {
            to.list(items, |item, to| write_free(item, true, to));
        }
        Free::List(items) => write_indexed(items, to),
        Free::Map(map) => write_map(map, in_list, to),
    }
}

/// An item that arrives unchanged in a list of JSON.
fn is_plain(item: &Free) -> bool {
    matches!(item, Free::Text(text) if text.trim() == text && !text.contains(SEPARATOR))
}

/// A list as the map of its indices, which Traefik reads as the list: `{"[0]":"a","[1]":{"k":"v"}}`. Of a list of JSON it
/// trims the texts, keeps the maps alone if there are any, and before 3.1.3 breaks the lists below it.
fn write_indexed(items: &[Free], to: &mut Writer) {
    // Traefik sorts the names: all are of one length.
    let digits = items.len().saturating_sub(1).to_string().len();
    to.object(|to| {
        for (at, item) in items.iter().enumerate() {
            to.key(&format!("[{at:0digits$}]"));
            write_free(item, true, to);
        }
    });
}
