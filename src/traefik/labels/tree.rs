//! Stage 1: sorted keys become a tree of names.
//!
//! Source: paerser `parser/labels_decode.go` (`DecodeToNode`). One difference: a name that ends in `]` without a `[` is an
//! error of its container; Traefik's provider stops working for everybody.

use std::collections::BTreeMap;

use super::LabelProblem;
use crate::traefik::Reason;
use crate::traefik::case_fold;

/// Deeper than any configuration, and shallow enough for everything that walks a tree.
const DEEPEST: usize = 500;

/// From this many children on, a node finds them by an index.
const MANY: usize = 16;

/// One name of a key, with what is below it.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// As first spelled, in the keys' order.
    pub(crate) name: &'a str,
    /// The key that set the value last, or that made the node.
    pub(crate) label: &'a str,
    /// Empty if no key ends here.
    pub(crate) value: &'a str,
    /// In the order of their first keys.
    pub(crate) children: Vec<Self>,
    /// Where each child is, by its folded name; empty while there are few.
    index: BTreeMap<String, usize>,
}

/// Whether a key passes a filter: by its first bytes, in any case.
pub(crate) fn starts_with(key: &str, filter: &str) -> bool {
    key.as_bytes().get(..filter.len()).is_some_and(|start| start.eq_ignore_ascii_case(filter.as_bytes()))
}

/// The tree of all keys that pass one of the filters; `None` if there are none.
pub(crate) fn of<'a>(labels: &'a BTreeMap<String, String>, filters: &[&str]) -> Result<Option<Node<'a>>, LabelProblem> {
    let mut root: Option<Node<'a>> = None;
    let mut names = Vec::with_capacity(8);
    // A BTreeMap's keys come in the order of their bytes, which is the order that Traefik sorts them in.
    for (key, value) in labels.iter().filter(|(key, _)| filters.iter().any(|filter| starts_with(key, filter))) {
        split(key, &mut names)?;
        let root = root.get_or_insert_with(|| Node::new("traefik", key));
        root.insert(names.get(1..).unwrap_or_default(), key, value);
    }
    Ok(root)
}

/// The names of a key; an index in brackets is a name of its own.
fn split<'a>(key: &'a str, names: &mut Vec<&'a str>) -> Result<(), LabelProblem> {
    names.clear();
    let misspelt = |reason, meant| Err(LabelProblem::new(key, reason, Some(meant)));
    for (at, name) in key.split('.').enumerate() {
        if at == 0 && name != "traefik" {
            return misspelt(Reason::FirstName(name.to_owned()), key.replacen(name, "traefik", 1));
        }
        if name.is_empty() {
            let names: Vec<&str> = key.split('.').filter(|name| !name.is_empty()).collect();
            return misspelt(Reason::EmptyName, names.join("."));
        }
        if name.starts_with('[') {
            return misspelt(Reason::IndexAlone(name.to_owned()), key.replace(".[", "["));
        }
        if let Some(before) = name.strip_suffix(']') {
            let Some(index) = before.find('[').and_then(|at| name.split_at_checked(at)) else {
                return misspelt(Reason::Unopened(name.to_owned()), key.replacen(name, before, 1));
            };
            names.extend([index.0, index.1]);
        } else {
            names.push(name);
        }
        if names.len() > DEEPEST {
            return Err(LabelProblem::new(key, Reason::MoreNames(DEEPEST), None));
        }
    }
    Ok(())
}

impl<'a> Node<'a> {
    fn new(name: &'a str, label: &'a str) -> Self {
        Self { name, label, value: "", children: Vec::new(), index: BTreeMap::new() }
    }

    fn insert(&mut self, names: &[&'a str], label: &'a str, value: &'a str) {
        let mut node = self;
        for name in names {
            let at = node.child(name, label);
            match node.children.get_mut(at) {
                Some(child) => node = child,
                None => return,
            }
        }
        node.value = value;
        node.label = label;
    }

    /// Where the child of this name is, spelled in any case; made if there is none.
    fn child(&mut self, name: &'a str, label: &'a str) -> usize {
        // Keys come sorted: mostly it is the one that was made last.
        if let Some(at) = self.children.len().checked_sub(1)
            && self.children.get(at).is_some_and(|child| child.name == name)
        {
            return at;
        }
        let found = if self.index.is_empty() {
            self.children.iter().position(|child| case_fold::equal(child.name, name))
        } else {
            self.index.get(case_fold::folded(name).as_ref()).copied()
        };
        if let Some(at) = found {
            return at;
        }
        let at = self.children.len();
        self.children.push(Node::new(name, label));
        if at + 1 == MANY {
            self.index = self
                .children
                .iter()
                .enumerate()
                .map(|(at, child)| (case_fold::folded(child.name).into_owned(), at))
                .collect();
        } else if at + 1 > MANY {
            self.index.insert(case_fold::folded(name).into_owned(), at);
        }
        at
    }
}
