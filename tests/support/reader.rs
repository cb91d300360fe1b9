//! A model of how Traefik's HTTP provider reads a document: what it refuses, and what it then holds, defaults and all.
//!
//! Its fields come from `tests/vectors/dynamic.json`, recorded from the types of real binaries, and not from the tables of the
//! code that writes documents. It shares with the program the order of releases (`Version`) and Traefik's grammar of
//! durations (`Duration`), nothing else; a mistake there could hide from it. That it judges as Traefik does is shown by the
//! recorded bodies (`tests/labels/vectors.rs`), and by real Traefiks (`tests/traefik`).
//! Source of the rules: yaml.v3 `scannerc.go`; paerser `file/`, `parser/nodes_metadata.go`, `parser/element_fill.go`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use leeward::traefik::Version;
use leeward::traefik::duration::Duration;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

/// The release that the recorded cases are of.
pub(crate) const NEWEST: Version = Version::NEWEST;

/// The newest patch of each minor release that Leeward writes for, as `.ci/run` fetches them.
pub(crate) const RELEASES: [&str; 7] = ["3.0.4", "3.2.3", "3.3.6", "3.4.3", "3.5.3", "3.6.15", "3.7.15"];

/// One row of `dynamic.json`: a field, or what a map or list holds.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    /// `http.routers.<name>.tls.domains[]`.
    pub(crate) path: String,
    /// `field` or `entry`.
    #[serde(rename = "row_type")]
    pub(crate) is_a: String,
    pub(crate) kind: String,
    pub(crate) pointer: bool,
    /// `traefik.http.routers.<name>.tls.domains[n]`; none reaches some.
    pub(crate) label: Option<String>,
    /// `read`, `ignored`, `filtered`, `none`.
    pub(crate) label_access: String,
    pub(crate) label_alone: Option<String>,
    pub(crate) file_access: String,
    pub(crate) file_alone: String,
    pub(crate) since_patch: String,
    /// The releases that have it, by minor: `all`, `>=3.6.9`, or a list.
    pub(crate) presence: BTreeMap<String, String>,
    #[serde(default)]
    default: Option<Value>,
    /// Traefik's own output leaves it out.
    #[serde(default)]
    json_hidden: bool,
    #[serde(default)]
    pub(crate) label_slice_as_struct: Option<String>,
}

impl Row {
    /// Whether a release knows it.
    pub(crate) fn is_in(&self, version: Version) -> bool {
        match self.presence.get(&format!("{}.{}", version.major, version.minor)).map(String::as_str) {
            None => false,
            Some("all") => true,
            Some(text) => match text.strip_prefix(">=") {
                Some(first) => version >= first.parse().unwrap(),
                None => text.split(',').any(|one| one.parse() == Ok(version)),
            },
        }
    }

    /// Whether Traefik's own output leaves it out.
    pub(crate) fn is_hidden(&self) -> bool {
        self.json_hidden
    }

    fn is_ignored(&self) -> bool {
        self.file_access == "ignored"
    }
}

/// All rows, in the table's order.
pub(crate) static ROWS: LazyLock<Vec<Row>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../vectors/dynamic.json")).unwrap());

/// The rows as a tree: below a structure its fields by folded name, below a map or a list `<name>`, `[]` or `<any>`.
#[derive(Debug, Default)]
struct Type {
    name: String,
    row: Option<&'static Row>,
    below: BTreeMap<String, Self>,
}

static ROOT: LazyLock<Type> = LazyLock::new(|| {
    let mut root = Type::default();
    for row in ROWS.iter() {
        let mut at = &mut root;
        for name in row.path.replace("[]", ".[]").split('.') {
            at = at.below.entry(name.to_lowercase()).or_default();
            name.clone_into(&mut at.name);
        }
        at.row = Some(row);
    }
    root
});

impl Type {
    fn row(&self) -> &'static Row {
        self.row.unwrap()
    }

    fn entry(&self) -> &Self {
        ["<name>", "[]", "<any>"].iter().find_map(|name| self.below.get(*name)).unwrap()
    }

    fn field(&self, name: &str, version: Version) -> Result<&Self, String> {
        let field = self.below.get(&name.to_lowercase()).filter(|field| field.row().is_in(version));
        field.ok_or_else(|| format!("field not found, node: {name}"))
    }
}

/// Reads a body as the HTTP provider of a release does. `Err`: it refuses all of it.
///
/// Only bodies in JSON are judged; [`is_judged`].
pub(crate) fn read(body: &str, version: Version) -> Result<Value, String> {
    scan(body)?;
    let Json::Object(fields) = parse(body)? else { return Ok(json!({})) };
    let mut found = Map::new();
    for (name, value) in fields {
        let section = name.to_lowercase();
        if !["http", "tcp", "udp", "tls"].contains(&section.as_str()) {
            continue;
        }
        let Some(node) = Node::of(&name, &value)? else { continue };
        let section = ROOT.field(&name, version)?;
        check(&node, section, version)?;
        if let Some(value) = fill(&node, section, None, version)? {
            merge(found.entry(section.name.clone()).or_insert_with(|| json!({})), value);
        }
    }
    Ok(Value::Object(found))
}

/// Whether a body is of the kind that this model reads: JSON whose root is an object or null.
pub(crate) fn is_judged(body: &str) -> bool {
    match serde_json::from_str::<Value>(body) {
        Ok(value) => value.is_object() || value.is_null(),
        // JSON, but for what a YAML scanner refuses as well.
        Err(error) => error.to_string().contains("surrogate") || error.to_string().contains("hex escape"),
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// What stops a YAML scanner, and what it changes without a word; JSON has no other way to hold them than in a string.
fn scan(body: &str) -> Result<(), String> {
    let mut letters = body.char_indices();
    let mut inside: Option<(usize, usize)> = None;
    let mut length = 0;
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' => {
                return Err("yaml: control characters are not allowed".to_owned());
            }
            '\u{fffe}' | '\u{ffff}' => return Err("yaml: control characters are not allowed".to_owned()),
            '\u{85}' => return Err(format!("a next-line character would be changed at {at}")),
            '"' => {
                inside = match inside {
                    None => Some((at, length)),
                    Some((_, begun)) => {
                        let key = body.split_at(at + 1).1.trim_start().starts_with(':');
                        if key && length - begun > 1023 {
                            return Err("yaml: did not find expected ',' or '}'".to_owned());
                        }
                        None
                    }
                };
            }
            '\\' if inside.is_some() => {
                let escape = letters.next().map_or(' ', |(_, letter)| letter);
                length += 1;
                match escape {
                    '/' => return Err("yaml: found unknown escape character".to_owned()),
                    'u' => {
                        let code = body.get(at + 2..at + 6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                        if code.is_none_or(|code| (0xd800..0xe000).contains(&code)) {
                            return Err("yaml: found invalid Unicode character escape code".to_owned());
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        length += 1;
    }
    Ok(())
}

/// JSON with its objects in the order of their keys' bytes, as paerser walks them.
#[derive(Debug)]
enum Json {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

fn parse(body: &str) -> Result<Json, String> {
    serde_json::from_str(body).map_err(|error| format!("yaml: {error}"))
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Int(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Int(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Json::Float(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::Text(value.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Json::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
                let mut object = BTreeMap::new();
                while let Some((key, value)) = fields.next_entry::<String, Json>()? {
                    if object.insert(key.clone(), value).is_some() {
                        return Err(Error::custom(format!("mapping key {key:?} already defined")));
                    }
                }
                Ok(Json::Object(object))
            }
        }
        from.deserialize_any(Any)
    }
}

/// paerser's tree: a value, which every scalar becomes as text, or what is below.
#[derive(Debug)]
struct Node {
    name: String,
    value: String,
    below: Vec<Self>,
}

impl Node {
    fn of(name: &str, json: &Json) -> Result<Option<Self>, String> {
        let mut node = Self { name: name.to_owned(), value: String::new(), below: Vec::new() };
        match json {
            Json::Null => return Ok(None),
            Json::Object(fields) => {
                for (name, value) in fields {
                    node.below.extend(Self::of(name, value)?);
                }
            }
            Json::List(items) => {
                let mut kind = None;
                let mut texts = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    match item {
                        Json::Object(_) => node.below.extend(Self::of(&format!("[{at}]"), item)?),
                        Json::List(_) => return Err("unsupported simple value type: slice".to_owned()),
                        Json::Null => return Err("unsupported simple value type: invalid".to_owned()),
                        scalar => {
                            let own = kind_of(scalar);
                            kind = Some(if kind.is_none_or(|it| it == own) { own } else { TEXT });
                            texts.push(text_of(scalar));
                        }
                    }
                }
                if let Some(kind) = kind {
                    node.value = format!("║{kind}║{}", texts.join("║"));
                }
            }
            scalar => node.value = text_of(scalar),
        }
        Ok(Some(node))
    }
}

/// Go's `reflect.String`, by which paerser marks a list.
const TEXT: u8 = 24;

fn kind_of(scalar: &Json) -> u8 {
    match scalar {
        Json::Bool(_) => 1,
        Json::Int(_) => 2,
        Json::Float(_) => 14,
        _ => TEXT,
    }
}

fn text_of(scalar: &Json) -> String {
    match scalar {
        Json::Bool(value) => value.to_string(),
        Json::Int(value) => value.to_string(),
        Json::Float(value) => {
            let text = format!("{value:.6}");
            text.strip_suffix(".000000").map_or(text.clone(), ToOwned::to_owned)
        }
        Json::Text(value) => value.clone(),
        Json::Null | Json::List(_) | Json::Object(_) => String::new(),
    }
}

fn is_off(node: &Node, row: &Row) -> bool {
    row.file_alone == "creates" && !node.value.is_empty() && !node.value.eq_ignore_ascii_case("true")
}

/// Whether every name exists and nothing stands alone that must not.
fn check(node: &Node, at: &Type, version: Version) -> Result<(), String> {
    let row = at.row();
    if node.below.is_empty() {
        return if row.file_alone == "error" {
            Err(format!("{} cannot be a standalone element", node.name))
        } else {
            Ok(())
        };
    }
    match row.kind.as_str() {
        "struct" | "pointer-struct" => {
            node.below.iter().try_for_each(|below| check(below, at.field(&below.name, version)?, version))
        }
        "list<struct>" | "list<pointer-struct>" | "map<string,struct>" | "map<string,pointer-struct>" => {
            node.below.iter().try_for_each(|below| check(below, at.entry(), version))
        }
        "list<string>" => match node.below.iter().flat_map(|below| &below.below).next() {
            Some(deeper) => Err(format!("field not found, node: {}", deeper.name)),
            None => Ok(()),
        },
        kind if kind.starts_with("map<") || kind.starts_with("raw") => Ok(()),
        _ => Err(format!("invalid node {}: {}", node.name, row.kind)),
    }
}

/// What Traefik holds afterwards. `None`: it stays as it was.
fn fill(node: &Node, at: &Type, before: Option<Value>, version: Version) -> Result<Option<Value>, String> {
    let row = at.row();
    if row.is_ignored() || is_off(node, row) {
        return Ok(before);
    }
    let text = &node.value;
    Ok(match row.kind.as_str() {
        "string" => Some(json!(text)),
        "bool" => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(json!(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(json!(false)),
            _ => return Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
        },
        "int" | "uint" => Some(json!(int(text)?)),
        "duration-seconds-default" => {
            let duration = match int(text) {
                Ok(seconds) => Duration(seconds.wrapping_mul(1_000_000_000)),
                Err(_) => Duration::parse(text).ok_or_else(|| format!("time: invalid duration {text:?}"))?,
            };
            Some(json!(duration.to_string()))
        }
        "list<string>" => match texts(text) {
            Some(items) => Some(json!(items)),
            None => before,
        },
        "struct" | "pointer-struct" => {
            let mut fields = match before {
                Some(Value::Object(fields)) => fields,
                _ => defaults(at),
            };
            for below in &node.below {
                let field = at.field(&below.name, version)?;
                let before = fields.get(&field.name).cloned();
                if let Some(value) = fill(below, field, before, version)?
                    && !field.row().json_hidden
                {
                    fields.insert(field.name.clone(), value);
                }
            }
            Some(Value::Object(fields))
        }
        "list<struct>" | "list<pointer-struct>" => {
            let items = node.below.iter().map(|below| fill(below, at.entry(), None, version));
            Some(items.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        }
        "map<string,string>" => {
            let mut joined = Map::new();
            for below in &node.below {
                join(below, below.name.clone(), &mut joined);
            }
            Some(Value::Object(joined))
        }
        "map<string,raw-map>" => {
            let mut plugins = Map::new();
            for below in &node.below {
                plugins.insert(below.name.clone(), plugin(below)?);
            }
            Some(Value::Object(plugins))
        }
        kind if kind.starts_with("map<") => {
            let mut entries = Map::new();
            for below in &node.below {
                if let Some(value) = fill(below, at.entry(), None, version)? {
                    entries.insert(below.name.clone(), value);
                }
            }
            Some(Value::Object(entries))
        }
        other => panic!("no such kind: {other}"),
    })
}

fn defaults(at: &Type) -> Map<String, Value> {
    at.below.values().filter_map(|field| Some((field.name.clone(), field.row?.default.clone()?))).collect()
}

fn int(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let fault = || format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fault());
    }
    text.parse().map_err(|_| fault())
}

fn texts(text: &str) -> Option<Vec<&str>> {
    if text.is_empty() {
        return None;
    }
    if text.contains('║') {
        let items: Vec<&str> = text.split('║').skip(2).map(str::trim).collect();
        return (!items.is_empty()).then_some(items);
    }
    Some(text.split(',').map(str::trim).collect())
}

fn join(node: &Node, name: String, into: &mut Map<String, Value>) {
    if node.below.is_empty() {
        into.insert(name, json!(node.value));
        return;
    }
    for below in &node.below {
        join(below, format!("{name}.{}", below.name), into);
    }
}

/// A plugin's settings. A setting that holds its own name gives way to what it holds.
fn plugin(node: &Node) -> Result<Value, String> {
    let mut settings = Map::new();
    for below in &node.below {
        let mut found = Map::new();
        squash(below, &mut found, true)?;
        if found.contains_key(&below.name) {
            settings.extend(found);
        } else {
            settings.insert(below.name.clone(), Value::Object(found));
        }
    }
    Ok(Value::Object(settings))
}

fn squash(node: &Node, into: &mut Map<String, Value>, root: bool) -> Result<(), String> {
    let Some(first) = node.below.first() else {
        into.insert(node.name.clone(), raw(&node.value)?);
        return Ok(());
    };
    if first.name.is_empty() {
        return Err("panic in operation".to_owned());
    }
    if first.name.starts_with('[') {
        let mut items = Vec::new();
        for below in &node.below {
            let mut item = Map::new();
            squash(below, &mut item, false)?;
            items.extend(item.remove(&below.name));
        }
        into.insert(node.name.clone(), Value::Array(items));
        return Ok(());
    }
    if root {
        return node.below.iter().try_for_each(|below| squash(below, into, false));
    }
    let mut map = Map::new();
    node.below.iter().try_for_each(|below| squash(below, &mut map, false))?;
    into.insert(node.name.clone(), Value::Object(map));
    Ok(())
}

fn raw(text: &str) -> Result<Value, String> {
    if !text.starts_with('║') {
        return Ok(json!(text));
    }
    let parts: Vec<&str> = text.split('║').collect();
    let kind: u8 = parts[1].parse().map_err(|_| format!("strconv.Atoi: parsing {:?}: invalid syntax", parts[1]))?;
    let items = parts[2..].iter().map(|item| {
        Ok(match kind {
            1 => json!(item.parse::<bool>().map_err(|error| error.to_string())?),
            2 => json!(item.parse::<i64>().map_err(|error| error.to_string())?),
            14 => json!(item.parse::<f64>().map_err(|error| error.to_string())?),
            _ => json!(item),
        })
    });
    items.collect::<Result<Vec<Value>, String>>().map(Value::Array)
}
