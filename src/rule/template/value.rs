//! The values a template works on, typed as Go types them where a template can tell the difference.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::semver::Version;

/// A dictionary: shared and changeable, as Go's maps are (`set` changes it in place).
pub(crate) type Entries = Rc<RefCell<BTreeMap<Rc<str>, Value>>>;

/// What a list or a map holds, as its Go type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// `[]interface {}`, `map[string]interface {}`.
    Any,
    /// `[]string`, `map[string]string`.
    Text,
    /// `[]int`.
    Int,
    /// `[][]interface {}`.
    Lists,
}

impl Of {
    fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Text => "string",
            Self::Int => "int",
            Self::Lists => "[]interface {}",
        }
    }
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing: a nil, or a map's missing entry.
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`: literals, lengths and the like.
    Int(i64),
    /// `int64`: what sprig computes.
    Int64(i64),
    /// `uint8`: a byte of a string.
    Byte(u8),
    /// `uint64`: a part of a version.
    Uint64(u64),
    /// `float64`.
    Float(f64),
    /// `string`.
    Text(Rc<str>),
    /// A slice.
    List(Rc<[Self]>, Of),
    /// A map with strings as keys.
    Map(Entries, Of),
    /// The data of the template: `.Name`, `.ContainerName`, `.Labels`.
    Model([Box<Self>; 3]),
    /// A semantic version.
    Version(Rc<Version>),
}

/// The fields of [`Value::Model`].
pub(crate) const FIELDS: [&str; 3] = ["Name", "ContainerName", "Labels"];

impl Value {
    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A Go string, whose bytes need not be UTF-8; each bad byte becomes U+FFFD, as in Traefik's JSON.
    pub(crate) fn bytes(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
        }
        Self::text(text)
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(items.into(), Of::Any)
    }

    pub(crate) fn texts<T: Into<Rc<str>>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Self::text).collect(), Of::Text)
    }

    pub(crate) fn map(entries: BTreeMap<Rc<str>, Self>, of: Of) -> Self {
        Self::Map(Rc::new(RefCell::new(entries)), of)
    }

    /// Whether `if` takes it for true.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(it) => *it,
            Self::Int(it) | Self::Int64(it) => *it != 0,
            Self::Byte(it) => *it != 0,
            Self::Uint64(it) => *it != 0,
            Self::Float(it) => *it != 0.0,
            Self::Text(it) => !it.is_empty(),
            Self::List(it, _) => !it.is_empty(),
            Self::Map(it, _) => !it.borrow().is_empty(),
            Self::Model(_) | Self::Version(_) => true,
        }
    }

    /// The name of its Go type.
    pub(crate) fn type_name(&self) -> String {
        match self {
            Self::Nil => "<nil>".to_owned(),
            Self::Bool(_) => "bool".to_owned(),
            Self::Int(_) => "int".to_owned(),
            Self::Int64(_) => "int64".to_owned(),
            Self::Byte(_) => "uint8".to_owned(),
            Self::Uint64(_) => "uint64".to_owned(),
            Self::Float(_) => "float64".to_owned(),
            Self::Text(_) => "string".to_owned(),
            Self::List(_, of) => format!("[]{}", of.name()),
            Self::Map(_, of) => format!("map[string]{}", of.name()),
            Self::Model(_) => "struct { Name string; ContainerName string; Labels map[string]string }".to_owned(),
            Self::Version(_) => "*semver.Version".to_owned(),
        }
    }

    /// The name of its Go kind.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self {
            Self::Nil => "invalid",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Byte(_) => "uint8",
            Self::Uint64(_) => "uint64",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(..) => "slice",
            Self::Map(..) => "map",
            Self::Model(_) => "struct",
            Self::Version(_) => "ptr",
        }
    }

    /// As Go's `%v` prints it.
    pub(crate) fn show(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Nil => text.push_str("<nil>"),
            Self::Bool(it) => text.push_str(if *it { "true" } else { "false" }),
            Self::Int(it) | Self::Int64(it) => text.push_str(&it.to_string()),
            Self::Byte(it) => text.push_str(&it.to_string()),
            Self::Uint64(it) => text.push_str(&it.to_string()),
            Self::Float(it) => text.push_str(&float(*it)),
            Self::Text(it) => text.push_str(it),
            Self::List(items, _) => {
                text.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        text.push(' ');
                    }
                    item.write(text);
                }
                text.push(']');
            }
            Self::Map(entries, _) => {
                text.push_str("map[");
                for (at, (key, value)) in entries.borrow().iter().enumerate() {
                    text.push_str(if at > 0 { " " } else { "" });
                    text.push_str(key);
                    text.push(':');
                    value.write(text);
                }
                text.push(']');
            }
            Self::Model(fields) => {
                text.push('{');
                for (at, field) in fields.iter().enumerate() {
                    text.push_str(if at > 0 { " " } else { "" });
                    field.write(text);
                }
                text.push('}');
            }
            Self::Version(it) => {
                text.push_str(&it.to_string());
            }
        }
    }

    /// Go's `reflect.DeepEqual`: same type, same content.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            // There is one model in a run.
            (Self::Nil, Self::Nil) | (Self::Model(_), Self::Model(_)) => true,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Int(one), Self::Int(two)) | (Self::Int64(one), Self::Int64(two)) => one == two,
            (Self::Byte(one), Self::Byte(two)) => one == two,
            (Self::Uint64(one), Self::Uint64(two)) => one == two,
            // As Go compares them: a NaN equals nothing.
            #[expect(clippy::float_cmp, reason = "Go compares them exactly")]
            (Self::Float(one), Self::Float(two)) => one == two,
            (Self::Text(one), Self::Text(two)) => one == two,
            (Self::List(one, a), Self::List(two, b)) => {
                a == b && one.len() == two.len() && one.iter().zip(two.iter()).all(|(one, two)| one.same(two))
            }
            (Self::Map(one, a), Self::Map(two, b)) => {
                let (one, two) = (one.borrow(), two.borrow());
                a == b
                    && one.len() == two.len()
                    && one.iter().zip(two.iter()).all(|(one, two)| one.0 == two.0 && one.1.same(two.1))
            }
            (Self::Version(one), Self::Version(two)) => one == two,
            _ => false,
        }
    }

    /// What it takes to hold: bytes and parts. None: more than `most`, or nested deeper than `depth`.
    pub(crate) fn weight(&self, most: usize, depth: usize) -> Option<usize> {
        let depth = depth.checked_sub(1)?;
        let mut weight = 1;
        let mut add = |more: usize| {
            weight += more;
            (weight <= most).then_some(weight)
        };
        match self {
            Self::Text(text) => add(text.len())?,
            Self::List(items, _) => {
                for item in items.iter() {
                    add(item.weight(most, depth)?)?;
                }
                add(0)?
            }
            Self::Map(entries, _) => {
                // A map that is being changed holds itself.
                for (key, value) in entries.try_borrow().ok()?.iter() {
                    add(key.len())?;
                    add(value.weight(most, depth)?)?;
                }
                add(0)?
            }
            _ => 1,
        };
        Some(weight)
    }
}

/// A floating-point number as Go's `%v` prints it: shortest, with an exponent if it is below -4 or from 6 on.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    match scientific.split_once('e').map(|(digits, exponent)| (digits, exponent.parse::<i32>())) {
        Some((digits, Ok(exponent))) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => number.to_string(),
    }
}
