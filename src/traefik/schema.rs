//! How the types of the dynamic configuration are declared: one line a field, and everything that reads, writes,
//! compares or lists fields is made from that line.
//!
//! A field's line says its Rust name and type, its name in Traefik's JSON, the release it came with, how a label may
//! stand for it ([`Access`]), and Traefik's default (`SetDefaults`), which matters only where two containers are compared.
//! Names that Traefik knows and drops from labels (`label:"-"`) stand under `dropped`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::Writer;
use super::labels::Node;
use super::{Problem, Reason, ValueError, Version, plugin::Plugin};

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A scalar: string, bool, integer, duration. The word is Go's, for messages.
    Scalar(&'static str),
    /// A list of strings.
    Texts,
    /// A structure.
    Record(&'static Shape),
    /// A list of structures.
    Records(&'static Shape),
    /// Structures by name.
    RecordMap(&'static Shape),
    /// Strings by name; a dotted name is one name.
    TextMap,
    /// Integers by name.
    IntMap,
    /// Plugins by name: free form.
    Plugins,
}

/// A structure's name in Traefik and its fields.
#[derive(Debug)]
pub struct Shape {
    /// Traefik's name: `dynamic.Router`.
    pub name: &'static str,
    /// Its fields, the dropped ones too.
    pub fields: &'static [Field],
}

/// One field.
#[derive(Debug)]
pub struct Field {
    /// Its name in Traefik's JSON; labels spell it in any case.
    pub name: &'static str,
    /// The release it came with.
    pub since: Version,
    /// How a label may stand for it.
    pub access: Access,
    /// What it holds.
    pub kind: Kind,
}

/// How labels and the document treat a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// As its kind says; unset is the zero value or the default.
    Plain,
    /// A scalar that may also be absent, which is not its zero value (a Go pointer).
    Pointer,
    /// A structure that is part of its parent, not behind a pointer: unset is its zero value.
    Embedded,
    /// A structure that may stand alone: `tls=true`, `tls={}`.
    AllowEmpty,
    /// A list of which labels set the one element: `loadbalancer.server.port`, for `servers`.
    AsStruct,
    /// Read from labels, never written: what completing the container makes of it is.
    LabelOnly,
    /// Written, never read from labels.
    DocumentOnly,
    /// Known and dropped, whatever its value; the names below it must exist.
    Dropped,
}

impl Access {
    /// Whether an empty structure there is written with a field that says nothing.
    pub(crate) fn is_filled(self) -> bool {
        !matches!(self, Self::AllowEmpty | Self::Embedded)
    }

    /// Whether a field of this kind may be written with the value it has when unset.
    pub(crate) fn may_fill(self) -> bool {
        matches!(self, Self::Plain | Self::AsStruct)
    }
}

impl Field {
    /// The name that labels use: of a list that labels see as its one element, the singular.
    pub fn label_name(&self) -> &'static str {
        if self.access == Access::AsStruct { self.name.strip_suffix('s').unwrap_or(self.name) } else { self.name }
    }
}

/// A field that is known and dropped.
pub(crate) const fn dropped(name: &'static str, kind: Kind) -> Field {
    Field { name, since: Version::new(3, 0, 0), access: Access::Dropped, kind }
}

/// A field below a dropped one that may not stand alone.
pub(crate) const fn strict(name: &'static str, kind: Kind) -> Field {
    Field { name, since: Version::new(3, 0, 0), access: Access::Plain, kind }
}

/// What one part of a value is, for those who walk over it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    /// A field that is set.
    Field(&'static Field),
    /// A name: a key of a map.
    Key(&'a str),
    /// An item of a list of strings.
    Item(&'a str),
    /// What a plugin is told.
    Plugin(&'a Plugin),
}

/// Anything a field can hold.
pub(crate) trait Value: Sized + Clone + PartialEq {
    const KIND: Kind;

    /// Reads it; the names below `node` are known to be right. `None`: what is there leaves the field as it was.
    fn read(node: &Node<'_>) -> Result<Option<Self>, Problem>;

    /// Reads a list of which only one element is given.
    fn read_as_struct(node: &Node<'_>) -> Result<Option<Self>, Problem> {
        Self::read(node)
    }

    /// Whether there is anything to write: only a map says no, when it is empty.
    fn is_written(&self) -> bool {
        true
    }

    /// Writes it.
    fn write(&self, to: &mut Writer);

    /// Writes it where Traefik takes no empty structure: an empty one gets its first field, with the value that it has
    /// anyhow.
    fn write_filled(&self, to: &mut Writer) {
        self.write(to);
    }

    /// The field that [`Self::write_filled`] adds, if it has to.
    fn filler(&self) -> Option<&'static Field> {
        None
    }

    /// What Traefik holds where nothing is set, if it can be told from absent.
    fn zero() -> Option<Self> {
        None
    }

    /// What stands for an empty structure's field, so that the structure can be written: [`Self::zero`] or an empty
    /// list.
    fn placeholder() -> Option<Self> {
        Self::zero()
    }

    /// With Traefik's defaults filled in, for comparison.
    #[must_use]
    fn normal(self) -> Self {
        self
    }

    /// Shows every part, with the names that lead to it.
    fn walk<'a>(&'a self, _path: &mut Vec<&'a str>, _see: &mut dyn FnMut(&[&'a str], Part<'a>)) {}
}

/// A structure.
pub(crate) trait Record: Value + Default {
    const SHAPE: &'static Shape;
}

macro_rules! scalar {
    ($type:ty, $word:literal, $zero:expr, $read:expr, $meant:expr, $write:expr) => {
        impl Value for $type {
            const KIND: Kind = Kind::Scalar($word);

            fn read(node: &Node<'_>) -> Result<Option<Self>, Problem> {
                let read: fn(&str) -> Result<Self, ValueError> = $read;
                read(node.value).map(Some).map_err(|error| {
                    let meant: fn(&str) -> Option<String> = $meant;
                    Problem::new(node.label, Reason::BadValue(node.value.to_owned(), error), meant(node.value))
                })
            }

            fn write(&self, to: &mut Writer) {
                let write: fn(&Self, &mut Writer) = $write;
                write(self, to);
            }

            fn zero() -> Option<Self> {
                Some($zero)
            }
        }
    };
}
pub(crate) use scalar;

scalar!(String, "string", Self::new(), |text| Ok(text.to_owned()), |_| None, |value, to| to.text(value));
scalar!(bool, "bool", false, read_bool, meant_bool, |value, to| to.raw(if *value { "true" } else { "false" }));
scalar!(i64, "int", 0, read_int, meant_int, |value, to| to.raw(&value.to_string()));

/// Source: Go `strconv.ParseBool`.
fn read_bool(text: &str) -> Result<bool, ValueError> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(ValueError::NotBool),
    }
}

/// The bool that a text looks like.
fn meant_bool(text: &str) -> Option<String> {
    let meant = match text.trim().trim_matches(['"', '\'']).to_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "enable" | "enabled" | "1" | "t" => true,
        "false" | "no" | "n" | "off" | "disable" | "disabled" | "0" | "f" => false,
        _ => return None,
    };
    Some(meant.to_string())
}

/// The whole number that a text looks like.
fn meant_int(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '\'' | '"' | ',')).collect();
    let plain = match plain.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole.to_owned(),
        _ => plain,
    };
    read_int(&plain).ok().map(|number| number.to_string())
}

/// Source: Go `strconv.ParseInt`, base 10, 64 bit.
pub(crate) fn read_int(text: &str) -> Result<i64, ValueError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ValueError::NotInt);
    }
    text.parse().map_err(|_| ValueError::OutOfRange)
}

impl Value for Vec<String> {
    const KIND: Kind = Kind::Texts;

    /// Split at commas, each item trimmed; an empty text leaves the field as it was.
    fn read(node: &Node<'_>) -> Result<Option<Self>, Problem> {
        let text = node.value;
        Ok((!text.is_empty()).then(|| text.split(',').map(|item| item.trim().to_owned()).collect()))
    }

    fn write(&self, to: &mut Writer) {
        to.list(self, |item, to| to.text(item));
    }

    fn placeholder() -> Option<Self> {
        Some(Self::new())
    }

    fn walk<'a>(&'a self, path: &mut Vec<&'a str>, see: &mut dyn FnMut(&[&'a str], Part<'a>)) {
        for item in self {
            see(path, Part::Item(item));
        }
    }
}

impl<R: Record> Value for Vec<R> {
    const KIND: Kind = Kind::Records(R::SHAPE);

    /// Every child is an element, in order; its name says nothing.
    fn read(node: &Node<'_>) -> Result<Option<Self>, Problem> {
        node.children.iter().map(|child| Ok(R::read(child)?.unwrap_or_default())).collect::<Result<_, _>>().map(Some)
    }

    fn read_as_struct(node: &Node<'_>) -> Result<Option<Self>, Problem> {
        Ok(Some(vec![R::read(node)?.unwrap_or_default()]))
    }

    fn write(&self, to: &mut Writer) {
        to.list(self, R::write);
    }

    fn placeholder() -> Option<Self> {
        Some(Self::new())
    }

    fn normal(self) -> Self {
        self.into_iter().map(R::normal).collect()
    }

    fn walk<'a>(&'a self, path: &mut Vec<&'a str>, see: &mut dyn FnMut(&[&'a str], Part<'a>)) {
        for item in self {
            item.walk(path, see);
        }
    }
}

/// A structure that is large, or one of many of which few are set: behind a pointer, so that whoever holds it stays small.
impl<R: Record> Value for Box<R> {
    const KIND: Kind = R::KIND;

    fn read(node: &Node<'_>) -> Result<Option<Self>, Problem> {
        Ok(R::read(node)?.map(Self::new))
    }

    fn read_as_struct(node: &Node<'_>) -> Result<Option<Self>, Problem> {
        Ok(R::read_as_struct(node)?.map(Self::new))
    }

    fn is_written(&self) -> bool {
        R::is_written(self)
    }

    fn write(&self, to: &mut Writer) {
        R::write(self, to);
    }

    fn write_filled(&self, to: &mut Writer) {
        R::write_filled(self, to);
    }

    fn filler(&self) -> Option<&'static Field> {
        R::filler(self)
    }

    fn zero() -> Option<Self> {
        R::zero().map(Self::new)
    }

    fn placeholder() -> Option<Self> {
        R::placeholder().map(Self::new)
    }

    fn normal(self) -> Self {
        Self::new(R::normal(*self))
    }

    fn walk<'a>(&'a self, path: &mut Vec<&'a str>, see: &mut dyn FnMut(&[&'a str], Part<'a>)) {
        R::walk(self, path, see);
    }
}

/// A structure that has a name: one container's declaration, its part of the document and the document share it, as far as
/// they say the same.
impl<R: Record> Value for Arc<R> {
    const KIND: Kind = R::KIND;

    fn read(node: &Node<'_>) -> Result<Option<Self>, Problem> {
        Ok(R::read(node)?.map(Self::new))
    }

    fn write(&self, to: &mut Writer) {
        R::write(self, to);
    }

    fn normal(self) -> Self {
        Self::new(R::normal(Self::unwrap_or_clone(self)))
    }

    fn walk<'a>(&'a self, path: &mut Vec<&'a str>, see: &mut dyn FnMut(&[&'a str], Part<'a>)) {
        R::walk(self, path, see);
    }
}

macro_rules! map {
    ([$($generics:tt)*] $item:ty, $kind:expr, $read:expr) => {
        impl $($generics)* Value for BTreeMap<String, $item> {
            const KIND: Kind = $kind;

            fn read(node: &Node<'_>) -> Result<Option<Self>, Problem> {
                let mut map = Self::new();
                let fill: fn(&mut Self, &Node<'_>) -> Result<(), Problem> = $read;
                for child in &node.children {
                    fill(&mut map, child)?;
                }
                Ok(Some(map))
            }

            fn is_written(&self) -> bool {
                !self.is_empty()
            }

            fn write(&self, to: &mut Writer) {
                to.object(|to| {
                    for (key, item) in self {
                        to.key(key);
                        item.write(to);
                    }
                });
            }

            fn normal(self) -> Self {
                self.into_iter().map(|(key, item)| (key, item.normal())).collect()
            }

            fn walk<'a>(&'a self, path: &mut Vec<&'a str>, see: &mut dyn FnMut(&[&'a str], Part<'a>)) {
                for (key, item) in self {
                    path.push(key);
                    see(path, Part::Key(key));
                    item.walk(path, see);
                    path.pop();
                }
            }
        }
    };
}

map!([<R: Record>] Arc<R>, Kind::RecordMap(R::SHAPE), |map, child| {
    map.insert(child.name.to_owned(), Arc::new(R::read(child)?.unwrap_or_default()));
    Ok(())
});

map!([] String, Kind::TextMap, |map, child| {
    join_names(map, child, child.name.to_owned());
    Ok(())
});

map!([] i64, Kind::IntMap, |map, child| {
    if let Some(number) = i64::read(child)? {
        map.insert(child.name.to_owned(), number);
    }
    Ok(())
});

map!([] Plugin, Kind::Plugins, |map, child| {
    map.insert(child.name.to_owned(), Plugin::of(child));
    Ok(())
});

/// A header's name may hold dots, which labels take for levels: they are joined again. Source: paerser 0.2.2.
fn join_names(map: &mut BTreeMap<String, String>, node: &Node<'_>, name: String) {
    if node.children.is_empty() {
        map.insert(name, node.value.to_owned());
        return;
    }
    for child in &node.children {
        join_names(map, child, format!("{name}.{}", child.name));
    }
}

/// The field that a label's element names, in any case.
pub(crate) fn field(shape: &'static Shape, name: &str) -> Option<&'static Field> {
    let mut fields = shape.fields.iter();
    if name.is_ascii() {
        return fields.find(|field| field.label_name().eq_ignore_ascii_case(name));
    }
    fields.find(|field| super::case_fold::equal(field.label_name(), name))
}

/// Whether nothing below an element is read: a dropped name, or a structure that is switched off (`tls=false`).
pub(crate) fn is_disabled(field: &Field, node: &Node<'_>) -> bool {
    match field.access {
        Access::Dropped | Access::DocumentOnly => true,
        Access::AllowEmpty => !node.value.is_empty() && !super::case_fold::equal("true", node.value),
        Access::Plain | Access::Pointer | Access::Embedded | Access::AsStruct | Access::LabelOnly => false,
    }
}

pub(crate) fn is_field_written<V: Value>(value: Option<&V>, access: Access) -> bool {
    value.is_some_and(|value| match access {
        Access::LabelOnly => false,
        // It is there whether it is written or not, and filling it would say something.
        Access::Embedded => value.is_written() && value.filler().is_none(),
        Access::Plain
        | Access::Pointer
        | Access::AllowEmpty
        | Access::AsStruct
        | Access::DocumentOnly
        | Access::Dropped => value.is_written(),
    })
}

pub(crate) fn write_field<V: Value>(to: &mut Writer, name: &str, value: Option<&V>, access: Access) {
    let Some(value) = value.filter(|_| is_field_written(value, access)) else { return };
    to.key(name);
    if access == Access::AllowEmpty {
        value.write(to);
    } else {
        value.write_filled(to);
    }
}

/// Declares a structure. See the module's documentation.
macro_rules! record {
    (@default) => { None };
    (@default $default:expr) => { $default };
    (@read AsStruct, $node:expr) => { $crate::traefik::schema::Value::read_as_struct($node) };
    (@read $access:ident, $node:expr) => { $crate::traefik::schema::Value::read($node) };
    (@normal Plain, $type:ty) => { <$type as $crate::traefik::schema::Value>::zero() };
    (@normal LabelOnly, $type:ty) => { <$type as $crate::traefik::schema::Value>::zero() };
    (@normal DocumentOnly, $type:ty) => { <$type as $crate::traefik::schema::Value>::zero() };
    (@normal Embedded, $type:ty) => { Some(<$type>::default()) };
    (@normal $access:ident, $type:ty) => { None::<$type> };
    // Part of its parent, it is never made on its own and so gets no defaults of its own.
    (@below Embedded, $value:expr) => { $value };
    (@below $access:ident, $value:expr) => { $value.map($crate::traefik::schema::Value::normal) };
    (
        $(#[$doc:meta])*
        pub struct $name:ident = $go:literal {
            $($field:ident: $type:ty = $json:literal, ($major:literal, $minor:literal, $patch:literal), $access:ident
                $(, default $default:expr)?;)*
        }
        $(dropped { $($dropped:literal: $kind:expr;)* })?
        $(hidden { $(#[$hidden_doc:meta])* $hidden:ident })?
    ) => {
        $(#[$doc])*
        ///
        #[doc = concat!("Source: Traefik's `", $go, "`. Every field is optional; only what is set is written.")]
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = concat!("`", $json, "`, since Traefik ", $major, ".", $minor, ".", $patch, ".")]
            pub $field: Option<$type>,)*
            $($(#[$hidden_doc])* pub $hidden: bool,)?
        }

        impl $crate::traefik::schema::Record for $name {
            const SHAPE: &'static $crate::traefik::schema::Shape = &$crate::traefik::schema::Shape {
                name: $go,
                fields: &[
                    $($crate::traefik::schema::Field {
                        name: $json,
                        since: $crate::traefik::Version::new($major, $minor, $patch),
                        access: $crate::traefik::schema::Access::$access,
                        kind: <$type as $crate::traefik::schema::Value>::KIND,
                    },)*
                    $($($crate::traefik::schema::dropped($dropped, $kind),)*)?
                ],
            };
        }

        impl $crate::traefik::schema::Value for $name {
            const KIND: $crate::traefik::schema::Kind =
                $crate::traefik::schema::Kind::Record(<Self as $crate::traefik::schema::Record>::SHAPE);

            fn read(node: &$crate::traefik::labels::Node<'_>) -> Result<Option<Self>, $crate::traefik::Problem> {
                let mut record = Self::default();
                for child in &node.children {
                    let Some(field) = $crate::traefik::schema::field(<Self as $crate::traefik::schema::Record>::SHAPE, child.name) else { continue };
                    if $crate::traefik::schema::is_disabled(field, child) {
                        continue;
                    }
                    match field.name {
                        $($json => {
                            if let Some(value) = record!(@read $access, child)? {
                                record.$field = Some(value);
                            }
                        })*
                        _ => {}
                    }
                }
                Ok(Some(record))
            }

            fn write(&self, to: &mut $crate::traefik::document::Writer) {
                to.object(|to| {
                    $($crate::traefik::schema::write_field(to, $json, self.$field.as_ref(), $crate::traefik::schema::Access::$access);)*
                });
            }

            fn write_filled(&self, to: &mut $crate::traefik::document::Writer) {
                let filler = self.filler().map(|field| field.name);
                $(if filler == Some($json) {
                    let default: Option<$type> = record!(@default $($default)?);
                    if let Some(value) = default.or_else(<$type as $crate::traefik::schema::Value>::placeholder) {
                        to.object(|to| {
                            to.key($json);
                            $crate::traefik::schema::Value::write(&value, to);
                        });
                        return;
                    }
                })*
                self.write(to);
            }

            fn filler(&self) -> Option<&'static $crate::traefik::schema::Field> {
                let fields = <Self as $crate::traefik::schema::Record>::SHAPE.fields;
                $(if $crate::traefik::schema::is_field_written(self.$field.as_ref(), $crate::traefik::schema::Access::$access) {
                    return None;
                })*
                $(if $crate::traefik::schema::Access::$access.may_fill()
                    && <$type as $crate::traefik::schema::Value>::placeholder().is_some()
                {
                    return fields.iter().find(|field| field.name == $json);
                })*
                None
            }

            fn normal(self) -> Self {
                Self {
                    $($field: {
                        let default: Option<$type> = record!(@default $($default)?);
                        let value = self.$field.or(default).or_else(|| record!(@normal $access, $type));
                        record!(@below $access, value)
                    },)*
                    $($hidden: self.$hidden,)?
                }
            }

            fn walk<'a>(&'a self, path: &mut Vec<&'a str>, see: &mut dyn FnMut(&[&'a str], $crate::traefik::schema::Part<'a>)) {
                let mut fields = <Self as $crate::traefik::schema::Record>::SHAPE.fields.iter();
                $(if let (Some(field), Some(value)) = (fields.next(), &self.$field) {
                    path.push($json);
                    see(path, $crate::traefik::schema::Part::Field(field));
                    if field.access.is_filled() && let Some(filler) = value.filler() {
                        see(path, $crate::traefik::schema::Part::Field(filler));
                    }
                    $crate::traefik::schema::Value::walk(value, path, see);
                    path.pop();
                })*
            }
        }
    };
}
pub(crate) use record;

/// Declares a section of the configuration: maps of named structures, empty where nothing is declared.
macro_rules! section {
    (
        $(#[$doc:meta])*
        pub struct $name:ident = $go:literal {
            $($field:ident: BTreeMap<String, Arc<$type:ty>> = $json:literal, ($major:literal, $minor:literal, $patch:literal), Plain;)*
        }
        $(dropped { $($dropped:literal: $kind:expr;)* })?
    ) => {
        $(#[$doc])*
        ///
        #[doc = concat!("Source: Traefik's `", $go, "`.")]
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = concat!("`", $json, "`, by name.")]
            pub $field: BTreeMap<String, Arc<$type>>,)*
        }

        impl $crate::traefik::schema::Record for $name {
            const SHAPE: &'static $crate::traefik::schema::Shape = &$crate::traefik::schema::Shape {
                name: $go,
                fields: &[
                    $($crate::traefik::schema::Field {
                        name: $json,
                        since: $crate::traefik::Version::new($major, $minor, $patch),
                        access: $crate::traefik::schema::Access::Plain,
                        kind: <BTreeMap<String, Arc<$type>> as $crate::traefik::schema::Value>::KIND,
                    },)*
                    $($($crate::traefik::schema::dropped($dropped, $kind),)*)?
                ],
            };
        }

        impl $crate::traefik::schema::Value for $name {
            const KIND: $crate::traefik::schema::Kind =
                $crate::traefik::schema::Kind::Record(<Self as $crate::traefik::schema::Record>::SHAPE);

            fn read(node: &$crate::traefik::labels::Node<'_>) -> Result<Option<Self>, $crate::traefik::Problem> {
                let mut section = Self::default();
                for child in &node.children {
                    let shape = <Self as $crate::traefik::schema::Record>::SHAPE;
                    match $crate::traefik::schema::field(shape, child.name).map(|field| field.name) {
                        $(Some($json) => {
                            section.$field = $crate::traefik::schema::Value::read(child)?.unwrap_or_default();
                        })*
                        _ => {}
                    }
                }
                Ok(Some(section))
            }

            fn write(&self, to: &mut $crate::traefik::document::Writer) {
                to.object(|to| {
                    $(if !self.$field.is_empty() {
                        to.key($json);
                        $crate::traefik::schema::Value::write(&self.$field, to);
                    })*
                });
            }

            fn normal(self) -> Self {
                Self { $($field: $crate::traefik::schema::Value::normal(self.$field),)* }
            }

            fn walk<'a>(&'a self, path: &mut Vec<&'a str>, see: &mut dyn FnMut(&[&'a str], $crate::traefik::schema::Part<'a>)) {
                $(path.push($json);
                $crate::traefik::schema::Value::walk(&self.$field, path, see);
                path.pop();)*
            }
        }
    };
}
pub(crate) use section;
