//! Stage 2: whether the tree's names are those of the types. Values are read only after all names are right.
//!
//! Source: paerser `parser/nodes_metadata.go`. Stage 3, the values, is `dynamic::schema::Value::read`.

use super::tree::Node;
use super::{LabelProblem, suggest};
use crate::traefik::Reason;
use crate::traefik::schema::{self, Access, Field, Kind, Shape};

/// Holds what is below a node against a structure's fields.
pub(crate) fn check(node: &Node<'_>, shape: &'static Shape) -> Result<(), LabelProblem> {
    for child in &node.children {
        let field = schema::field(shape, child.name).ok_or_else(|| unknown(child, node, shape))?;
        check_field(child, field)?;
    }
    Ok(())
}

fn check_field(node: &Node<'_>, field: &'static Field) -> Result<(), LabelProblem> {
    let may_stand_alone = matches!(field.access, Access::AllowEmpty | Access::Dropped | Access::DocumentOnly);
    if node.children.is_empty() {
        return match field.kind {
            Kind::Record(_) | Kind::RecordMap(_) | Kind::TextMap | Kind::IntMap | Kind::Plugins if !may_stand_alone => {
                Err(alone(node, field))
            }
            Kind::Records(_) if field.access == Access::AsStruct => Err(alone(node, field)),
            _ => Ok(()),
        };
    }
    match field.kind {
        Kind::Scalar(kind) => Err(LabelProblem::new(
            below(node),
            Reason::BelowScalar(node.name.to_owned(), kind),
            Some(up_to(below(node), node.name)),
        )),
        // What is right below a list of strings is passed over, what is deeper is an error.
        Kind::Texts => match node.children.iter().flat_map(|child| &child.children).next() {
            Some(deeper) => {
                let reason = Reason::BelowItem(deeper.name.to_owned(), up_to(below(node), node.name));
                Err(LabelProblem::new(below(deeper), reason, None))
            }
            None => Ok(()),
        },
        Kind::Record(shape) => check(node, shape),
        Kind::Records(shape) if field.access == Access::AsStruct => check(node, shape),
        Kind::Records(shape) | Kind::RecordMap(shape) => node.children.iter().try_for_each(|child| check(child, shape)),
        Kind::TextMap | Kind::IntMap | Kind::Plugins => Ok(()),
    }
}

fn unknown(node: &Node<'_>, parent: &Node<'_>, shape: &'static Shape) -> LabelProblem {
    let known = shape.fields.iter().filter(|field| field.access != Access::Dropped).map(Field::label_name);
    let (label, name) = (below(node), node.name.to_owned());
    let meant = suggest::nearest(&name, known.clone()).map(|known| replaced(label, &name, &known.to_lowercase()));
    let reason = Reason::UnknownName { name, parent: parent.name.to_owned(), known: known.collect() };
    LabelProblem::new(label, reason, meant)
}

fn alone(node: &Node<'_>, field: &'static Field) -> LabelProblem {
    let example = match field.kind {
        Kind::Record(shape) | Kind::Records(shape) => shape.fields.first().map(Field::label_name).unwrap_or_default(),
        _ => "<name>",
    };
    LabelProblem::new(node.label, Reason::NoNameBelow(node.name.to_owned(), example), None)
}

/// A whole key that leads through a node.
fn below<'a>(node: &Node<'a>) -> &'a str {
    let mut node = node;
    while let Some(first) = node.children.first() {
        node = first;
    }
    node.label
}

/// A key up to the name, the last of that name that something is below; without the index behind it.
fn up_to(label: &str, name: &str) -> String {
    let mut names: Vec<&str> = label.split('.').collect();
    let above = names.split_last().map_or(&[][..], |(_, above)| above);
    if let Some(at) = above.iter().rposition(|it| is_named(it, name)) {
        names.truncate(at);
        names.push(name);
    }
    names.join(".")
}

/// Whether a part of a key is the name, with or without an index.
fn is_named(part: &str, name: &str) -> bool {
    part == name || part.split('[').next() == Some(name)
}

/// A key with one of its names replaced, the last of that name.
fn replaced(label: &str, name: &str, by: &str) -> String {
    let names: Vec<&str> = label.split('.').collect();
    let at = names.iter().rposition(|it| is_named(it, name));
    let put: Vec<&str> = names.iter().enumerate().map(|(i, it)| if Some(i) == at { by } else { it }).collect();
    put.join(".")
}
