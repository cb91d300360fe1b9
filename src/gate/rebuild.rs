//! An engine's answer, rebuilt as it streams: of a list only one object is in memory beside what was rebuilt, and what is
//! too large in an object is left out of it and named ([`pieces::LEFT_OUT`]).

use serde_json::json;

use super::response_filter::{self, Garbled, Shape};
use super::upstream::Fault;
use crate::source::pieces::{self, Piece, Pieces};

/// An answer on its way.
pub(super) struct Rebuilt {
    shape: &'static Shape,
    most: usize,
    pieces: Pieces,
    into: Vec<u8>,
    has_begun: bool,
}

impl Rebuilt {
    /// Nothing yet of an answer of this shape; one object of it may have so many bytes.
    pub(super) fn new(shape: &'static Shape, most: usize) -> Self {
        let pieces = if shape.items().is_some() { Pieces::of_list(most) } else { Pieces::of_lines(most) };
        Self { shape, most, pieces, into: Vec::new(), has_begun: false }
    }

    /// How many bytes it takes up.
    pub(super) fn len(&self) -> usize {
        self.into.len().saturating_add(self.pieces.held())
    }

    /// Takes the engine's next bytes in.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let pieces = self.pieces.read(bytes).map_err(|problem| self.fault(problem))?;
        pieces.iter().try_for_each(|piece| self.take(piece))
    }

    /// The answer has ended: the whole of what may pass.
    pub(super) fn end(mut self) -> Result<Vec<u8>, Fault> {
        let last = self.pieces.end().map_err(|problem| self.fault(problem))?;
        last.iter().try_for_each(|piece| self.take(piece))?;
        match (self.shape.items(), self.has_begun) {
            (Some(_), true) if self.pieces.is_list() => self.into.push(b']'),
            (Some(_), false) => self.into.extend_from_slice(b"[]"),
            (_, true) => {}
            (None, false) => return Err(Garbled::empty().into()),
        }
        Ok(self.into)
    }

    fn take(&mut self, piece: &Piece) -> Result<(), Fault> {
        let Some(items) = self.shape.items().filter(|_| self.pieces.is_list()) else {
            // One object, or `null` where a list should be.
            if self.has_begun {
                return Err(Garbled::several().into());
            }
            self.has_begun = true;
            self.into = response_filter::cut(&piece.json, self.shape)?;
            mark(&mut self.into, piece, self.shape);
            return Ok(());
        };
        let Some(mut item) = response_filter::item(&piece.json, items)? else { return Ok(()) };
        mark(&mut item, piece, items);
        self.into.push(if self.has_begun { b',' } else { b'[' });
        self.has_begun = true;
        self.into.extend_from_slice(&item);
        Ok(())
    }

    fn fault(&self, problem: pieces::Problem) -> Fault {
        match problem {
            pieces::Problem::Broken => Garbled::broken().into(),
            pieces::Problem::Long(_) => Fault::Long(self.most),
        }
    }
}

/// Adds the names of what was left out, of that which would have passed.
fn mark(object: &mut Vec<u8>, piece: &Piece, shape: &Shape) {
    let left_out: serde_json::Map<_, _> = piece
        .left_out
        .iter()
        .filter(|(name, _)| shape.has(name))
        .map(|(name, bytes)| (name.clone(), json!(bytes)))
        .collect();
    if left_out.is_empty() || object.pop_if(|last| *last == b'}').is_none() {
        return;
    }
    let comma = if object.last() == Some(&b'{') { "" } else { "," };
    let name = pieces::LEFT_OUT;
    object.extend_from_slice(format!("{comma}\"{name}\":{}}}", serde_json::Value::Object(left_out)).as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::gate::response_filter::Shape::{List, Map, Object, Word};

    static LIST: Shape = List(&Object(&[("Id", Word), ("Labels", Map(&Word)), ("State", Word)]));
    static ONE: Shape = Object(&[("Id", Word), ("Config", Object(&[("Labels", Map(&Word)), ("User", Word)]))]);

    fn rebuilt(shape: &'static Shape, answer: &str) -> Result<Value, String> {
        let mut rebuilt = Rebuilt::new(shape, 300);
        for bytes in answer.as_bytes().chunks(11) {
            rebuilt.read(bytes).map_err(|fault| fault.to_string())?;
        }
        let whole = rebuilt.end().map_err(|fault| fault.to_string())?;
        Ok(serde_json::from_slice(&whole).unwrap())
    }

    #[test]
    fn one_container_with_too_many_labels_is_named_and_the_others_are_as_they_were() {
        let long = "x".repeat(900);
        let list = json!([
            {"Id": "a", "Command": "hunter2", "Labels": {"a": "b"}, "State": "running"},
            {"Id": "b", "Command": long, "Labels": {"c": long}, "State": "running"},
            {"Id": "c", "Command": long, "Labels": {}, "State": "exited"},
            7,
        ]);
        let wanted = json!([
            {"Id": "a", "Labels": {"a": "b"}, "State": "running"},
            {"Id": "b", "Labels": null, "State": "running", "LeewardLeftOut": {"Labels": 908}},
            {"Id": "c", "Labels": {}, "State": "exited"},
        ]);
        assert_eq!(rebuilt(&LIST, &list.to_string()).unwrap(), wanted);
        assert_eq!(rebuilt(&LIST, "[ ]").unwrap(), json!([]));
        assert_eq!(rebuilt(&LIST, "null").unwrap(), Value::Null);
    }

    #[test]
    fn of_an_inspection_the_same() {
        let long = "x".repeat(900);
        let one = json!({"Id": "a", "Config": {"Env": [long], "Labels": {"c": long}, "User": "u"}, "Args": [long]});
        let wanted = json!({
            "Id": "a", "Config": {"Labels": null, "User": "u"}, "LeewardLeftOut": {"Config.Labels": 908},
        });
        assert_eq!(rebuilt(&ONE, &one.to_string()).unwrap(), wanted);
    }

    #[test]
    fn a_broken_answer_is_not_given() {
        for (shape, answer) in [
            (&LIST, "[{}"),
            (&LIST, "[{}]]"),
            (&LIST, "{}"),
            (&LIST, ""),
            (&ONE, ""),
            (&ONE, "{}{}"),
            (&ONE, "{\"Id\":}"),
        ] {
            assert!(rebuilt(shape, answer).is_err(), "{answer}");
        }
    }
}
