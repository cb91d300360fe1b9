//! What an answer may hold: the engine's JSON, rebuilt from a [`Shape`] that names every field that may pass.
//!
//! A field without a name in the shape is skipped unread. Values of named fields pass as they are, so that a new state
//! or driver breaks no reader; a value of the wrong kind becomes `null`, and a list's item of the wrong kind is left
//! out, so that one odd container does not hide the others. Nothing is kept in between: JSON in, JSON out.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use thiserror::Error;

use crate::source::json;

/// What may pass at one place of an answer.
pub(super) enum Shape {
    /// A string, a number, a yes or no.
    Word,
    /// A list of one shape.
    List(&'static Self),
    /// An object whose keys are data: labels, networks by name.
    Map(&'static Self),
    /// The same, but only these keys.
    Chosen(fn(&str) -> bool, &'static Self),
    /// An object with named fields. At most 64.
    Object(&'static [(&'static str, Self)]),
    /// A small part that has to be seen whole to be judged.
    Judged(fn(&Value) -> Value),
}

impl Shape {
    /// The shape of the items, if it is a list's.
    pub(super) fn items(&self) -> Option<&'static Self> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// Whether a field may pass, called by its own name and those of the objects that it stands in: `Config.Labels`.
    pub(super) fn has(&self, name: &str) -> bool {
        let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
        let Self::Object(fields) = self else { return true };
        fields.iter().any(|(name, inner)| *name == first && rest.is_none_or(|rest| inner.has(rest)))
    }
}

/// Why an answer could not be rebuilt. It is then not given at all.
#[derive(Debug, Error)]
#[error("the engine's answer is not the JSON it should be: {0}")]
pub(super) struct Garbled(serde_json::Error);

impl Garbled {
    /// There is nothing in it.
    pub(super) fn empty() -> Self {
        Self(serde_json::Error::custom("it is empty"))
    }

    /// More than one value.
    pub(super) fn several() -> Self {
        Self(serde_json::Error::custom("it goes on after its end"))
    }

    /// Its brackets do not fit.
    pub(super) fn broken() -> Self {
        Self(serde_json::Error::custom("it is cut off, or no list"))
    }
}

/// Rebuilds one answer. Bytes in it that are no text are replaced, as every reader replaces them: one container's label
/// must not cost the list.
pub(super) fn cut(answer: &[u8], shape: &Shape) -> Result<Vec<u8>, Garbled> {
    rebuilt(answer, shape).or_else(|_| rebuilt(&json::mended(answer), shape))
}

/// Rebuilds an item of a list; `None` for one of the wrong kind. Readers in Go dereference the items of some lists: no
/// `null` among objects.
pub(super) fn item(answer: &[u8], shape: &Shape) -> Result<Option<Vec<u8>>, Garbled> {
    let (item, fits) = read(answer, shape).or_else(|_| read(&json::mended(answer), shape))?;
    Ok((fits && (matches!(shape, Shape::Word) || item != b"null")).then_some(item))
}

fn rebuilt(answer: &[u8], shape: &Shape) -> Result<Vec<u8>, Garbled> {
    match read(answer, shape)? {
        (into, true) => Ok(into),
        (_, false) => Err(Garbled(serde_json::Error::custom("another kind of value"))),
    }
}

/// What may pass, and whether the value is of the right kind.
fn read(answer: &[u8], shape: &Shape) -> Result<(Vec<u8>, bool), Garbled> {
    let mut into = Vec::with_capacity(answer.len() / 2);
    let mut json = serde_json::Deserializer::from_slice(answer);
    let seed = Piece { shape, into: &mut into };
    let fits = seed.deserialize(&mut json).and_then(|fits| json.end().map(|()| fits)).map_err(Garbled)?;
    Ok((into, fits))
}

/// One place of an answer; deserializing it writes what may pass and says whether the value was of the right kind.
struct Piece<'a> {
    shape: &'a Shape,
    into: &'a mut Vec<u8>,
}

impl Piece<'_> {
    fn word<E: serde::de::Error>(self, value: &Value) -> Result<bool, E> {
        let fits = match self.shape {
            Shape::Word => {
                serde_json::to_writer(self.into, value).map_err(E::custom)?;
                return Ok(true);
            }
            Shape::Judged(judge) => {
                serde_json::to_writer(self.into, &judge(value)).map_err(E::custom)?;
                return Ok(true);
            }
            _ => value.is_null(),
        };
        self.into.extend_from_slice(b"null");
        Ok(fits)
    }
}

impl<'de> DeserializeSeed<'de> for Piece<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Piece<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<bool, E> {
        self.word(&Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<bool, E> {
        self.word(&Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<bool, E> {
        self.word(&Value::from(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<bool, E> {
        self.word(&Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<bool, E> {
        self.word(&Value::from(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<bool, E> {
        match self.shape {
            Shape::Word => serde_json::to_writer(self.into, value).map(|()| true).map_err(E::custom),
            _ => self.word(&Value::from(value)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let Self { shape, into } = self;
        let inner = match shape {
            Shape::List(inner) => inner,
            Shape::Judged(judge) => {
                let mut whole = Vec::new();
                while let Some(item) = items.next_element::<Value>()? {
                    whole.push(item);
                }
                return write(into, &judge(&Value::Array(whole)));
            }
            _ => {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                into.extend_from_slice(b"null");
                return Ok(false);
            }
        };
        into.push(b'[');
        let mut is_first = true;
        loop {
            let before = into.len();
            if !is_first {
                into.push(b',');
            }
            let Some(fits) = items.next_element_seed(Piece { shape: inner, into: &mut *into })? else {
                into.truncate(before);
                break;
            };
            // Readers in Go dereference the items of some lists: no `null` among objects.
            if fits && (matches!(inner, Shape::Word) || !into.ends_with(b"null")) {
                is_first = false;
            } else {
                into.truncate(before);
            }
        }
        into.push(b']');
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<bool, A::Error> {
        let Self { shape, into } = self;
        match shape {
            Shape::Object(fields) => {
                let mut seen = 0_u64;
                let mut is_first = true;
                into.push(b'{');
                while let Some(found) = entries.next_key_seed(Field(fields))? {
                    let Some((index, name, inner)) = found else {
                        entries.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let mark = 1_u64 << (index % 64);
                    if seen & mark != 0 {
                        return Err(A::Error::custom(format!("`{name}` comes twice in one object")));
                    }
                    seen |= mark;
                    key(into, &mut is_first, name)?;
                    entries.next_value_seed(Piece { shape: inner, into: &mut *into })?;
                }
                into.push(b'}');
                Ok(true)
            }
            Shape::Map(_) | Shape::Chosen(_, _) => {
                let (chosen, inner): (fn(&str) -> bool, _) = match shape {
                    Shape::Chosen(chosen, inner) => (*chosen, inner),
                    Shape::Map(inner) => (|_| true, inner),
                    _ => return Ok(false),
                };
                let mut is_first = true;
                into.push(b'{');
                while let Some(name) = entries.next_key::<String>()? {
                    if chosen(&name) {
                        key(into, &mut is_first, &name)?;
                        entries.next_value_seed(Piece { shape: inner, into: &mut *into })?;
                    } else {
                        entries.next_value::<IgnoredAny>()?;
                    }
                }
                into.push(b'}');
                Ok(true)
            }
            Shape::Judged(judge) => {
                let mut whole = serde_json::Map::new();
                while let Some((name, value)) = entries.next_entry::<String, Value>()? {
                    whole.insert(name, value);
                }
                write(into, &judge(&Value::Object(whole)))
            }
            Shape::Word | Shape::List(_) => {
                while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                into.extend_from_slice(b"null");
                Ok(false)
            }
        }
    }
}

fn write<E: serde::de::Error>(into: &mut Vec<u8>, value: &Value) -> Result<bool, E> {
    serde_json::to_writer(into, value).map(|()| true).map_err(E::custom)
}

fn key<E: serde::de::Error>(into: &mut Vec<u8>, is_first: &mut bool, name: &str) -> Result<(), E> {
    if !*is_first {
        into.push(b',');
    }
    *is_first = false;
    serde_json::to_writer(&mut *into, name).map_err(E::custom)?;
    into.push(b':');
    Ok(())
}

/// Looks a key up among an object's fields, exactly: `env` is not `Env`, though Go would read it as such.
struct Field(&'static [(&'static str, Shape)]);

impl<'de> DeserializeSeed<'de> for Field {
    type Value = Option<(usize, &'static str, &'static Shape)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Field {
    type Value = Option<(usize, &'static str, &'static Shape)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self
            .0
            .iter()
            .enumerate()
            .find(|(_, (name, _))| *name == key)
            .map(|(index, (name, shape))| (index, *name, shape)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: Shape = Shape::List(&Shape::Object(&[
        ("Id", Shape::Word),
        ("Labels", Shape::Map(&Shape::Word)),
        ("Ports", Shape::Map(&Shape::List(&Shape::Object(&[("HostPort", Shape::Word)])))),
        ("Options", Shape::Chosen(|key| key.starts_with("com."), &Shape::Word)),
    ]));

    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        for (answer, expected) in cases {
            let cut = cut(answer.as_bytes(), &SMALL).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(cut.unwrap_or_else(|garbled| garbled.to_string()), *expected, "{answer}");
        }
    }

    #[test]
    fn a_label_that_is_no_text_costs_nobody_the_list() {
        static LABELS: Shape = Shape::List(&Shape::Map(&Shape::Word));
        let answer = b"[{\"a\":\"\xff\"},{\"b\":\"\\ud800\"},{\"c\":\"d\"}]";
        let found = String::from_utf8(cut(answer, &LABELS).unwrap()).unwrap();
        assert_eq!(found, "[{\"a\":\"\u{fffd}\"},{\"b\":\"\u{fffd}\"},{\"c\":\"d\"}]");
        assert!(cut(b"[{\"a\":\"\xff\"}", &LABELS).is_err(), "a broken answer stays one");
    }

    #[test]
    fn only_named_fields_pass() {
        check(&[
            ("[]", "[]"),
            (r#"[{"Id":"a","Env":["P=hunter2"]}]"#, r#"[{"Id":"a"}]"#),
            (r#"[{"Env":{"Id":"hunter2"},"Id":"a"}]"#, r#"[{"Id":"a"}]"#),
            (r#"[{"id":"a","ID":"a"}]"#, "[{}]"),
            (r#"[{"Labels":{"a":"b","c":""}}]"#, r#"[{"Labels":{"a":"b","c":""}}]"#),
            (
                r#"[{"Ports":{"80/tcp":[{"HostPort":"1","x":2},{}],"81/tcp":null}}]"#,
                r#"[{"Ports":{"80/tcp":[{"HostPort":"1"},{}],"81/tcp":null}}]"#,
            ),
            (r#"[{"Options":{"com.a":"1","password":"hunter2"}}]"#, r#"[{"Options":{"com.a":"1"}}]"#),
        ]);
    }

    #[test]
    fn unknown_values_pass_and_wrong_kinds_do_not() {
        check(&[
            (
                r#"[{"Id":"hibernating"},{"Id":7},{"Id":true},{"Id":null}]"#,
                r#"[{"Id":"hibernating"},{"Id":7},{"Id":true},{"Id":null}]"#,
            ),
            (r#"[{"Id":["hunter2"]},{"Id":{"Id":"hunter2"}}]"#, r#"[{"Id":null},{"Id":null}]"#),
            (r#"["hunter2",{"Id":"a"},7,null,[],{"Id":"b"}]"#, r#"[{"Id":"a"},{"Id":"b"}]"#),
            (
                r#"[{"Labels":"hunter2"},{"Labels":null},{"Labels":[1]}]"#,
                r#"[{"Labels":null},{"Labels":null},{"Labels":null}]"#,
            ),
            (r#"[{"Labels":{"a":{"b":"hunter2"}}}]"#, r#"[{"Labels":{"a":null}}]"#),
            (r#"[{"Id":"A\u0000\ud83d\ude00\n"}]"#, "[{\"Id\":\"A\\u0000\u{1f600}\\n\"}]"),
        ]);
    }

    #[test]
    fn garbled_answers_are_not_given() {
        for answer in
            ["", "[", r#"[{"Id":"a"}"#, r#"[{"Id":"a"}]]"#, r#"[{"Id":1e999}]"#, "{}", "7", "[{\"Id\":\"\u{1}\"}]"]
        {
            assert!(cut(answer.as_bytes(), &SMALL).is_err(), "{answer}");
        }
        assert!(cut(br#"[{"Id":"a","Id":"b"}]"#, &SMALL).unwrap_err().to_string().contains("comes twice"));
    }

    #[test]
    fn deep_nesting_is_refused_or_skipped_without_harm() {
        let deep = |name: &str| format!("[{{\"{name}\":{}{}}}]", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(cut(deep("Env").as_bytes(), &SMALL).unwrap(), b"[{}]");
        assert_eq!(cut(deep("Id").as_bytes(), &SMALL).unwrap(), br#"[{"Id":null}]"#);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            Just(Value::from("hunter2")),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            let key = prop::sample::select(vec!["Env", "Cmd", "Options", "password", "HostPort", "80/tcp"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(key.prop_map(ToOwned::to_owned), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_comes_out_is_json_and_cutting_again_changes_nothing(value in json()) {
            if let Ok(once) = cut(value.to_string().as_bytes(), &SMALL) {
                serde_json::from_slice::<Value>(&once).unwrap();
                prop_assert_eq!(cut(&once, &SMALL).unwrap(), once);
            }
        }

        #[test]
        fn any_bytes_are_cut_without_panic(bytes: Vec<u8>) {
            drop(cut(&bytes, &SMALL));
        }
    }
}
