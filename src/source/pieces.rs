//! The engine's JSON as it streams, one object at a time and each within a bound: one container with endless labels must
//! cost neither the others nor the memory.
//!
//! A field that does not fit is left out: `null` stands in its place, and its name and size are told apart. Only the
//! shape of JSON is followed here, not its grammar: whoever reads a piece finds what is wrong in it.

use std::mem;

use serde_json::{Map, Value};

use super::json;

/// The field that a gate adds to an object, and that is added here: the names of what was left out, each with how many
/// bytes it has: `{"Config.Labels": 67108864}`. No engine writes it, and no label can: it stands beside the engine's own
/// fields.
pub(crate) const LEFT_OUT: &str = "LeewardLeftOut";

/// Fields that hold the engine's own fields, never a container's words: what does not fit is looked for inside them.
const STRUCTS: [&[u8]; 7] =
    [b"State", b"HostConfig", b"Config", b"NetworkSettings", b"Actor", b"Spec", b"ContainerSpec"];

/// What a value costs beside its bytes: it takes more memory than `"a":"",` has letters.
const VALUE: usize = 32;

/// A field of less than this part of what one object may have is left out only once there is half as much again: what is
/// long and read by nobody must not hide what is short.
const SHORT: usize = 256;

/// How many fields of one object may be left out; more is no engine's answer.
const MOST_LEFT_OUT: usize = 64;

/// One object, or whatever else stands in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its JSON.
    pub(crate) json: Vec<u8>,
    /// The fields that did not fit, each with its bytes: `Labels`, `Config.Labels`.
    pub(crate) left_out: Vec<(String, usize)>,
}

impl Piece {
    /// Reads it, with [`LEFT_OUT`] in it where something is.
    pub(crate) fn value(self) -> serde_json::Result<Value> {
        let mut value: Value = json::read(&self.json)?;
        if let (false, Some(fields)) = (self.left_out.is_empty(), value.as_object_mut()) {
            let known = fields.entry(LEFT_OUT).or_insert_with(|| Value::Object(Map::new()));
            if let Some(known) = known.as_object_mut() {
                known.extend(self.left_out.into_iter().map(|(name, bytes)| (name, bytes.into())));
            }
        }
        Ok(value)
    }
}

/// Why an answer cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// It ends too early, or goes on after its end.
    #[error("it is cut off, or no JSON")]
    Broken,
    /// What does not fit is in no field.
    #[error("one part of it is longer than {0} bytes")]
    Long(usize),
}

/// Where the reader is between pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    /// Before the first byte.
    Start,
    /// A piece may come, or the end.
    May,
    /// A piece must come.
    Must,
    /// Another piece may come, after a comma if this is a list.
    Next,
    /// The list has ended.
    End,
}

/// A field of an object that is followed, of which there are two: the piece itself, and a struct in it.
#[derive(Clone, Copy, Debug, Default)]
struct Field {
    /// The object is one whose fields are known.
    is_followed: bool,
    /// The next string is a name.
    wants_name: bool,
    /// Where the name stands in what is held.
    name: (usize, usize),
    /// Where the value begins there, and how many values there were.
    value: (usize, usize),
}

/// Takes an answer apart as it comes.
#[derive(Debug)]
pub(crate) struct Pieces {
    most: usize,
    /// Pieces are the items of one list; else they follow each other.
    is_list: bool,
    between: Between,
    in_piece: bool,
    /// The piece is neither object, list nor string.
    is_bare: bool,
    held: Vec<u8>,
    values: usize,
    depth: usize,
    /// In a string; and whether a backslash came before.
    text: Option<bool>,
    fields: [Field; 2],
    /// The depth of the object whose field is being left out.
    leaving: Option<usize>,
    left_out: Vec<(String, usize)>,
}

impl Pieces {
    /// Of one list; an answer that is none is one piece. Each piece has at most about `most` bytes.
    pub(crate) fn of_list(most: usize) -> Self {
        Self { is_list: true, ..Self::of_lines(most) }
    }

    /// Of one value after the other.
    pub(crate) fn of_lines(most: usize) -> Self {
        Self {
            most,
            is_list: false,
            between: Between::Start,
            in_piece: false,
            is_bare: false,
            held: Vec::new(),
            values: 0,
            depth: 0,
            text: None,
            fields: <[Field; 2]>::default(),
            leaving: None,
            left_out: Vec::new(),
        }
    }

    /// Whether the answer is a list; known once something was read.
    pub(crate) fn is_list(&self) -> bool {
        self.is_list
    }

    /// How many bytes are held of a piece that is not whole.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes the next bytes in; gives the pieces that are whole by then.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Result<Vec<Piece>, Problem> {
        let mut pieces = Vec::new();
        while let Some((&byte, after)) = bytes.split_first() {
            if !self.in_piece {
                bytes = if self.begin(byte)? { bytes } else { after };
                continue;
            }
            if self.text.is_some() {
                bytes = self.in_text(bytes)?;
            } else if self.is_bare && (byte.is_ascii_whitespace() || byte == b',' || byte == b']') {
                // The byte is the list's.
                pieces.push(self.finish());
                continue;
            } else {
                self.sign(byte)?;
                bytes = after;
            }
            if self.depth == 0 && self.text.is_none() && !self.is_bare {
                pieces.push(self.finish());
            }
        }
        Ok(pieces)
    }

    /// The answer has ended. Gives what its end alone completes: a number.
    pub(crate) fn end(&mut self) -> Result<Option<Piece>, Problem> {
        let last = (self.in_piece && self.is_bare).then(|| self.finish());
        match self.between {
            _ if self.in_piece => Err(Problem::Broken),
            Between::End => Ok(last),
            Between::Next | Between::Start if !self.is_list => Ok(last),
            Between::Next | Between::Start | Between::May | Between::Must => Err(Problem::Broken),
        }
    }

    /// A byte between pieces; whether a piece begins with it.
    fn begin(&mut self, byte: u8) -> Result<bool, Problem> {
        if byte.is_ascii_whitespace() {
            return Ok(false);
        }
        self.between = match (self.between, byte) {
            (Between::Start, b'[') if self.is_list => Between::May,
            (Between::May | Between::Next, b']') if self.is_list => Between::End,
            (Between::Next, b',') if self.is_list => Between::Must,
            (Between::Next, _) if self.is_list => return Err(Problem::Broken),
            (Between::End, _) | (_, b',' | b']' | b'}' | b':') => return Err(Problem::Broken),
            (between, _) => {
                // One value where a list should be.
                self.is_list &= between != Between::Start;
                self.in_piece = true;
                self.is_bare = !matches!(byte, b'{' | b'[' | b'"');
                return Ok(true);
            }
        };
        Ok(false)
    }

    fn finish(&mut self) -> Piece {
        self.between = Between::Next;
        self.in_piece = false;
        self.values = 0;
        self.fields = <[Field; 2]>::default();
        Piece { json: mem::take(&mut self.held), left_out: mem::take(&mut self.left_out) }
    }

    /// The field of the innermost object that is followed, if that is where the reader is.
    fn field(&mut self) -> Option<&mut Field> {
        self.fields.get_mut(self.depth.checked_sub(1)?).filter(|field| field.is_followed)
    }

    /// Bytes that begin within a string; gives those behind what was taken.
    fn in_text<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Problem> {
        let taken = match self.text {
            Some(true) => {
                self.text = Some(false);
                1
            }
            _ => match bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
                None => bytes.len(),
                Some(at) => {
                    self.text = (bytes.get(at) == Some(&b'\\')).then_some(true);
                    at + 1
                }
            },
        };
        let (text, after) = bytes.split_at_checked(taken).unwrap_or((bytes, &[]));
        let is_name = self.field().is_some_and(|field| field.wants_name);
        self.keep(text, is_name)?;
        Ok(after)
    }

    /// A byte outside of strings.
    fn sign(&mut self, byte: u8) -> Result<(), Problem> {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => Ok(()),
            b'"' => {
                self.text = Some(false);
                let at = self.held.len();
                let is_name = self.field().is_some_and(|field| {
                    field.name.0 = at + 1;
                    field.wants_name
                });
                self.keep(b"\"", is_name)
            }
            b'{' | b'[' => {
                self.keep(&[byte], self.depth == 0)?;
                let is_struct = match self.depth {
                    0 => true,
                    1 => self.fields.first().is_some_and(|field| STRUCTS.contains(&self.name(field))),
                    _ => false,
                };
                let is_followed = byte == b'{' && is_struct && self.leaving.is_none();
                if let Some(field) = self.fields.get_mut(self.depth) {
                    *field = Field { is_followed, wants_name: is_followed, ..Field::default() };
                }
                self.depth += 1;
                Ok(())
            }
            b'}' | b']' => {
                self.stay();
                let is_followed = self.field().is_some();
                self.depth = self.depth.saturating_sub(1);
                self.keep(&[byte], is_followed || self.depth == 0)
            }
            b',' => {
                self.stay();
                self.values = self.values.saturating_add(usize::from(self.leaving.is_none()));
                let is_followed = self.field().map(|field| field.wants_name = true).is_some();
                self.keep(b",", is_followed)
            }
            b':' => {
                let is_followed = self.field().is_some();
                self.keep(b":", is_followed)?;
                let (end, values) = (self.held.len(), self.values);
                if let Some(field) = self.field() {
                    field.wants_name = false;
                    // Without the quote and the colon behind it.
                    field.name.1 = end.saturating_sub(2);
                    field.value = (end, values);
                }
                Ok(())
            }
            _ => self.keep(&[byte], false),
        }
    }

    /// The value that is being left out ends before this sign, if it is at its depth.
    fn stay(&mut self) {
        if self.leaving == Some(self.depth) {
            self.leaving = None;
        }
    }

    fn name(&self, field: &Field) -> &[u8] {
        self.held.get(field.name.0..field.name.1).unwrap_or_default()
    }

    /// Holds bytes, if they fit or are the frame that fields stand in.
    fn keep(&mut self, bytes: &[u8], is_frame: bool) -> Result<(), Problem> {
        if self.leaving.is_some() {
            if let Some((_, size)) = self.left_out.last_mut() {
                *size = size.saturating_add(bytes.len());
            }
            return Ok(());
        }
        let size = self.held.len().saturating_add(bytes.len()).saturating_add(self.values.saturating_mul(VALUE));
        let is_short = || self.field_size().saturating_add(bytes.len()) <= self.most / SHORT;
        if size > self.most && !is_frame && (size > self.most.saturating_add(self.most / 2) || !is_short()) {
            return self.leave_out(bytes.len());
        }
        if size > self.most.saturating_mul(2) {
            return Err(Problem::Long(self.most));
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    /// How many bytes are held of the innermost field that is followed.
    fn field_size(&self) -> usize {
        let [outer, inner] = self.fields;
        let field = if inner.is_followed && self.depth >= 2 { inner } else { outer };
        self.held.len().saturating_sub(field.value.0)
    }

    /// Lets go of the innermost field that is followed, from its value's beginning on.
    fn leave_out(&mut self, more: usize) -> Result<(), Problem> {
        let [outer, inner] = self.fields;
        let (depth, field, name) = match (outer.is_followed, inner.is_followed && self.depth >= 2) {
            (true, true) => (2, inner, [self.name(&outer), b".", self.name(&inner)].concat()),
            (true, false) => (1, outer, self.name(&outer).to_vec()),
            (false, _) => return Err(Problem::Long(self.most)),
        };
        if self.left_out.len() >= MOST_LEFT_OUT {
            return Err(Problem::Long(self.most));
        }
        let size = self.held.len().saturating_sub(field.value.0).saturating_add(more);
        self.left_out.push((String::from_utf8_lossy(&name).into_owned(), size));
        self.held.truncate(field.value.0);
        self.held.extend_from_slice(b"null");
        // What was held stays reserved for the next piece otherwise.
        self.held.shrink_to(self.most / 16);
        self.values = field.value.1;
        self.leaving = Some(depth);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const MOST: usize = 400;

    /// Fed in chunks of so many bytes.
    fn pieces(mut reader: Pieces, json: &[u8], chunk: usize) -> Result<Vec<Piece>, Problem> {
        let mut all = Vec::new();
        for bytes in json.chunks(chunk) {
            all.extend(reader.read(bytes)?);
            assert!(reader.held() <= 2 * MOST, "{}", reader.held());
        }
        all.extend(reader.end()?);
        Ok(all)
    }

    fn of_list(json: &str) -> Result<Vec<Value>, Problem> {
        let found = |chunk| {
            let pieces = pieces(Pieces::of_list(MOST), json.as_bytes(), chunk)?;
            Ok(pieces.into_iter().map(|piece| piece.value().unwrap()).collect::<Vec<_>>())
        };
        let whole = found(usize::MAX);
        assert_eq!(found(1), whole);
        assert_eq!(found(7), whole);
        whole
    }

    #[test]
    fn what_is_long_and_comes_first_hides_nothing_that_is_short() {
        const MOST: usize = 100_000;
        let short = json!({"NetworkMode": "container:a", "PidMode": "container:b"});
        let list = json!([{
            "Args": ["x".repeat(MOST - 20)], "HostConfig": short, "Id": "a", "Labels": {"a": "y".repeat(1000)}, "State": "running",
        }]);
        let pieces = pieces_of(MOST, &list.to_string());
        let mut wanted = list[0].clone();
        wanted["Labels"] = Value::Null;
        let size = pieces[0][LEFT_OUT]["Labels"].as_u64().unwrap();
        assert!((1000..1100).contains(&size), "{size}");
        wanted[LEFT_OUT] = json!({"Labels": size});
        assert!(pieces == [wanted]);
        // Many short ones are still not more than there may be.
        let many: Map<String, Value> = (0..10_000).map(|at| (format!("k{at}"), "z".repeat(100).into())).collect();
        let mut reader = Pieces::of_list(MOST);
        let _ = reader.read(json!([{"Id": "a", "HostConfig": many}]).to_string().as_bytes());
        assert!(reader.held() <= 2 * MOST, "{}", reader.held());
    }

    fn pieces_of(most: usize, json: &str) -> Vec<Value> {
        let mut reader = Pieces::of_list(most);
        let pieces = reader.read(json.as_bytes()).unwrap();
        assert_eq!(reader.end(), Ok(None));
        pieces.into_iter().map(|piece| piece.value().unwrap()).collect()
    }

    #[test]
    fn a_container_with_endless_labels_costs_only_its_labels() {
        let long = "x".repeat(1000);
        let many: Map<String, Value> = (0..100).map(|at| (format!("k{at}"), "".into())).collect();
        let list = json!([
            {"Id": "a", "Labels": {"a": "b"}, "State": "running"},
            {"Id": "b", "Labels": {"a": long, "c": "d"}, "State": "running"},
            {"Id": "c", "Labels": many, "State": "created", "Mounts": [{"a": long}, {}]},
            {"Id": "d", "State": "running", "HostConfig": {"NetworkMode": "n"}},
        ]);
        let found = of_list(&list.to_string()).unwrap();
        assert_eq!(found[0], list[0]);
        assert_eq!(found[3], list[3]);
        let without = |at: usize| {
            let mut without = found[at].clone();
            let marks = without.as_object_mut().unwrap().remove(LEFT_OUT).unwrap();
            (without, marks.as_object().unwrap().keys().cloned().collect::<Vec<_>>(), marks)
        };
        let (b, names, marks) = without(1);
        assert_eq!(b, json!({"Id": "b", "Labels": null, "State": "running"}));
        assert_eq!(names, ["Labels"]);
        assert_eq!(marks["Labels"], list[1]["Labels"].to_string().len());
        let (c, names, _) = without(2);
        assert_eq!(c, json!({"Id": "c", "Labels": null, "State": "created", "Mounts": null}));
        assert_eq!(names, ["Labels", "Mounts"]);
    }

    #[test]
    fn of_an_inspection_only_the_field_that_is_too_long_goes() {
        let inspection = json!({
            "Id": "a",
            "Config": {"Env": ["x".repeat(500)], "Image": "i", "Labels": {"a": "y".repeat(2000)}, "User": "u"},
            "HostConfig": {"Binds": null, "Privileged": true},
            "Mounts": [],
        });
        for chunk in [1, 5, usize::MAX] {
            let found = pieces(Pieces::of_lines(MOST), inspection.to_string().as_bytes(), chunk).unwrap();
            let value = found.into_iter().next().unwrap().value().unwrap();
            assert_eq!(value["Config"], json!({"Env": null, "Image": "i", "Labels": null, "User": "u"}));
            assert_eq!(value["HostConfig"], inspection["HostConfig"]);
            assert_eq!(value[LEFT_OUT], json!({"Config.Env": 504, "Config.Labels": 2008}));
        }
    }

    #[test]
    fn a_mark_of_the_gate_stays() {
        let json = br#"{"Id":"a","Labels":null,"LeewardLeftOut":{"Labels":7}}"#;
        let piece = pieces(Pieces::of_lines(MOST), json, 3).unwrap().remove(0);
        assert_eq!(piece.value().unwrap()[LEFT_OUT], json!({"Labels": 7}));
    }

    #[test]
    fn what_fits_in_no_field_is_no_answer() {
        let long = "x".repeat(2000);
        for answer in [format!("[\"{long}\"]"), format!("[[\"{long}\"]]"), format!("[{{\"{long}\":1}}]")] {
            assert_eq!(of_list(&answer), Err(Problem::Long(MOST)), "{answer}");
        }
        let fields: Map<String, Value> = (0..200).map(|at| (format!("k{at}"), "".into())).collect();
        assert_eq!(of_list(&json!([fields]).to_string()), Err(Problem::Long(MOST)));
    }

    #[test]
    fn broken_answers_are_told_from_whole_ones() {
        for answer in ["", "[", "[{}", "[{},", "[{},]", "[,{}]", "[{}]]", "[{}]x", "[{} {}]", "[\"a", "[{]"] {
            assert!(of_list(answer).is_err(), "{answer}");
        }
        for (answer, wanted) in [
            ("[]", json!([])),
            (" [ ] ", json!([])),
            ("[{},7 , null,\"a\\\"]\",[[]]]", json!([{}, 7, null, "a\"]", [[]]])),
            ("null", json!([null])),
            ("7", json!([7])),
        ] {
            assert_eq!(Value::Array(of_list(answer).unwrap()), wanted, "{answer}");
        }
        let lines = pieces(Pieces::of_lines(MOST), b"{\"a\":1}\n{}\r\n\n{\"b\":\"}\"}", 2).unwrap();
        assert_eq!(lines.iter().map(|it| it.json.len()).collect::<Vec<_>>(), [7, 2, 9]);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), ".{0,30}".prop_map(Value::from)];
        leaf.prop_recursive(4, 60, 6, |inner| {
            let key = prop::sample::select(vec!["Id", "Config", "Labels", "a\"b", "State", "Mounts"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(key.prop_map(ToOwned::to_owned), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_fits_passes_as_it_is_however_it_comes(items in prop::collection::vec(json(), 0..4), chunk in 1_usize..40) {
            let list = Value::Array(items.clone()).to_string();
            let mut reader = Pieces::of_list(1 << 20);
            let mut found = Vec::new();
            for bytes in list.as_bytes().chunks(chunk) {
                found.extend(reader.read(bytes).unwrap());
            }
            prop_assert_eq!(reader.end(), Ok(None));
            let found: Vec<Value> = found.into_iter().map(|piece| piece.value().unwrap()).collect();
            prop_assert_eq!(found, items);
        }

        #[test]
        fn whatever_is_left_out_the_rest_is_json(items in prop::collection::vec(json(), 0..4), chunk in 1_usize..40) {
            let list = Value::Array(items).to_string();
            if let Ok(found) = pieces(Pieces::of_list(MOST), list.as_bytes(), chunk) {
                for piece in found {
                    prop_assert!(serde_json::from_slice::<Value>(&piece.json).is_ok());
                }
            }
        }

        #[test]
        fn any_bytes_are_taken_apart_without_panic(bytes: Vec<u8>, chunk in 1_usize..9) {
            drop(pieces(Pieces::of_list(MOST), &bytes, chunk));
            drop(pieces(Pieces::of_lines(MOST), &bytes, chunk));
        }
    }
}
