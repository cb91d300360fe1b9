//! Where in a Compose file something stands, as its author wrote it.
//!
//! What `docker compose config` writes has lost the lines: keys are sorted, files merged. So findings are looked up in the
//! author's files. Pure: a file is its name and its text.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use serde_saphyr::granit_parser::{Event, Parser, Span, StructureStyle};

/// How many aliases and merge keys lead on, one after the other.
const DEEPEST: usize = 16;

/// A Compose file that can be searched.
#[derive(Clone, Debug)]
pub struct Written {
    /// The file, as it was named.
    pub file: String,
    text: String,
    nodes: Vec<Node>,
    /// Nodes by the ids of their anchors.
    anchors: BTreeMap<usize, usize>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Spot {
    /// The file, as it was named.
    pub file: String,
    /// From 1 on.
    pub line: usize,
    /// From 1 on, in characters.
    pub column: usize,
    /// The column after the last one.
    pub end_column: usize,
    /// The whole line.
    #[serde(skip)]
    pub text: String,
}

/// A change of a file's text that leaves all else as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line and column before which it begins, from 1 on.
    pub from: (usize, usize),
    /// The line and column before which it ends; [`Self::from`], where nothing is taken out.
    pub to: (usize, usize),
    /// What is put there.
    pub insert: String,
}

/// What stands at a place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Absent,
    /// A key without a value, or with an empty one.
    Empty,
    /// A map that is written there.
    Map,
    /// A list that is written there.
    List,
    /// A word; or it comes from an alias or a merge key, where a change would change others too.
    Other,
}

#[derive(Clone, Debug)]
struct Node {
    /// Bytes, without what closes a block.
    range: Range<usize>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Scalar(String),
    Alias(usize),
    List { items: Vec<usize>, flow: bool },
    Map { fields: Vec<(usize, usize)>, flow: bool },
}

/// A node that was found, and the key it stands behind, if it does.
#[derive(Clone, Copy, Debug)]
struct Found {
    key: Option<usize>,
    value: usize,
}

impl Written {
    /// Reads a file. `None`: it is no YAML.
    pub fn read(file: impl Into<String>, text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let (nodes, anchors) = nodes(&text)?;
        Some(Self { file: file.into(), text, nodes, anchors })
    }

    /// The keys of a map, as `["services"]`; empty where there is none.
    pub fn keys(&self, path: &[&str]) -> Vec<&str> {
        let Some(Kind::Map { fields, .. }) = self.find(path).map(|found| &self.node(found.value).kind) else {
            return Vec::new();
        };
        fields.iter().filter_map(|(key, _)| self.scalar(*key)).collect()
    }

    /// A scalar's text.
    pub fn text_of(&self, path: &[&str]) -> Option<&str> {
        self.scalar(self.find(path)?.value)
    }

    /// Puts `to` in the place of `from`, with which the key of a path, its value, or the item of a list begins. `None`: it is
    /// written in another way.
    pub fn reword(&self, path: &[&str], is_key: bool, from: &str, to: &str) -> Option<Change> {
        let Found { key, value } = self.find(path)?;
        let range = &self.node(key.filter(|_| is_key).unwrap_or(value)).range;
        let text = self.text.get(range.clone())?;
        let quotes = text.len() - text.trim_start_matches(['"', '\'']).len();
        let start = range.start + quotes;
        self.text.get(start..)?.strip_prefix(from).filter(|_| !from.is_empty())?;
        Some(Change { from: self.place(start), to: self.place(start + from.len()), insert: to.to_owned() })
    }

    /// Where a path leads: map keys, and items of lists by what they say (`80` is `"8080:80"`, `NET_ADMIN` itself,
    /// `traefik.enable` is `traefik.enable=true`). The key with its value where both are on one line; else the key.
    pub fn spot(&self, path: &[&str]) -> Option<Spot> {
        let Found { key, value } = self.find(path)?;
        let value = &self.node(value).range;
        let start = key.map_or(value.start, |key| self.node(key).range.start);
        let line_end = self.text.get(start..)?.find('\n').map_or(self.text.len(), |at| start + at);
        let end = match key.map(|key| self.node(key).range.end) {
            Some(end) if value.end > line_end || value.end < start => end,
            _ => value.end.min(line_end),
        };
        let line_start = self.text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
        let columns = |to: usize| self.text.get(line_start..to).map_or(0, |it| it.chars().count());
        let (line, column) = self.place(start);
        let end_column = (columns(end) + 1).max(column + 1);
        let text = self.text.get(line_start..line_end)?.trim_end_matches('\r').to_owned();
        Some(Spot { file: self.file.clone(), line, column, end_column, text })
    }

    /// Puts `value` into the list or map `key` of a service, or makes it: `("cap_drop", "NET_RAW")`,
    /// `("sysctls", "net.ipv4.ip_forward: \"0\"")`. `None`: it is written in a way in which that is no plain insertion.
    pub fn insert(&self, service: &[&str], key: &str, value: &str, is_map: bool) -> Option<Change> {
        let path: Vec<&str> = service.iter().copied().chain([key]).collect();
        let at = |byte: usize, insert: String| {
            let from = self.place(byte);
            Some(Change { from, to: from, insert })
        };
        let block = |byte: usize, line: &str| {
            let (start, indent) = self.indent(byte)?;
            at(start, format!("{indent}{line}\n"))
        };
        match self.find(&path).map(|found| self.node(found.value)) {
            Some(Node { range, kind: Kind::List { items, flow: true } }) if !is_map => {
                at(range.start + 1, if items.is_empty() { value.to_owned() } else { format!("{value}, ") })
            }
            Some(Node { range, kind: Kind::Map { fields, flow: true } }) if is_map => {
                at(range.start + 1, if fields.is_empty() { value.to_owned() } else { format!("{value}, ") })
            }
            Some(Node { range, kind: Kind::List { flow: false, .. } }) if !is_map => {
                block(range.start, &format!("- {value}"))
            }
            Some(Node { range, kind: Kind::Map { flow: false, .. } }) if is_map => block(range.start, value),
            Some(_) => None,
            None => {
                let Kind::Map { fields, flow: false } = &self.node(self.direct(service)?).kind else { return None };
                let line = if is_map { format!("{key}: {{{value}}}") } else { format!("{key}: [{value}]") };
                block(self.node(fields.first()?.0).range.start, &line)
            }
        }
    }

    /// What a path of keys leads to.
    pub fn shape(&self, path: &[&str]) -> Shape {
        match (self.own(path).map(|found| &self.node(found.value).kind), self.find(path)) {
            (None, None) => Shape::Absent,
            (Some(Kind::Scalar(text)), _) if ["", "~", "null"].contains(&text.as_str()) => Shape::Empty,
            (Some(Kind::Map { fields, .. }), _) if fields.is_empty() => Shape::Empty,
            (Some(Kind::List { items, .. }), _) if items.is_empty() => Shape::Empty,
            (Some(Kind::Map { .. }), _) => Shape::Map,
            (Some(Kind::List { .. }), _) => Shape::List,
            (Some(Kind::Scalar(_) | Kind::Alias(_)) | None, _) => Shape::Other,
        }
    }

    /// Makes a key of a map what `value` says, which is one line of YAML: in place of what is there, else before all others.
    /// `[]` is the file itself. `None`: it is written in a way in which that is no plain change.
    pub fn set(&self, map: &[&str], key: &str, value: &str) -> Option<Change> {
        let path: Vec<&str> = map.iter().copied().chain([key]).collect();
        let Node { range, kind: Kind::Map { fields, flow } } = self.node(self.own(map)?.value) else { return None };
        match self.own(&path) {
            Some(Found { key: Some(at), value: old }) if !flow => {
                let (start, indent) = self.indent(self.node(at).range.start)?;
                let end = self.line_end(self.node(old).range.end.max(self.node(at).range.end))?;
                let insert = format!("{indent}{key}: {value}\n");
                Some(Change { from: self.place(start), to: self.place(end), insert })
            }
            Some(_) => None,
            None => {
                let (at, insert) = if *flow {
                    let more = if fields.is_empty() { "" } else { ", " };
                    (range.start + 1, format!("{key}: {value}{more}"))
                } else {
                    let (start, indent) = self.indent(self.node(fields.first()?.0).range.start)?;
                    (start, format!("{indent}{key}: {value}\n"))
                };
                Some(Change { from: self.place(at), to: self.place(at), insert })
            }
        }
    }

    /// The byte after the line that a node ends on, where nothing but a remark follows it.
    fn line_end(&self, end: usize) -> Option<usize> {
        let rest = self.text.get(end..)?;
        let line = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let after = rest.get(..line)?.trim();
        (after.is_empty() || after.starts_with('#')).then_some(end + line)
    }

    /// As [`Self::find`], by keys that are written there, and neither behind an alias nor a merge key.
    fn own(&self, path: &[&str]) -> Option<Found> {
        let root = (!self.nodes.is_empty()).then_some(Found { key: None, value: 0 })?;
        path.iter().try_fold(root, |found, step| {
            let Kind::Map { fields, .. } = &self.node(found.value).kind else { return None };
            let (key, value) = fields.iter().find(|(key, _)| self.scalar(*key) == Some(step))?;
            Some(Found { key: Some(*key), value: *value })
        })
    }

    /// Takes a key with its value out of a block, by whole lines. `None`: other things stand on these lines.
    pub fn remove(&self, path: &[&str]) -> Option<Change> {
        let Found { key, value } = self.find(path)?;
        let range = self.node(key?).range.start..self.node(value).range.end.max(self.node(key?).range.end);
        let (start, _) = self.indent(range.start)?;
        let end = self.line_end(range.end)?;
        Some(Change { from: self.place(start), to: self.place(end), insert: String::new() })
    }

    /// The start of a byte's line, and the blanks before it; `None` where something else is before it.
    fn indent(&self, byte: usize) -> Option<(usize, &str)> {
        let start = self.text.get(..byte)?.rfind('\n').map_or(0, |at| at + 1);
        let before = self.text.get(start..byte)?;
        before.chars().all(|it| it == ' ').then_some((start, before))
    }

    /// Line and column of a byte, both from 1 on.
    fn place(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).map_or(0, |it| it.chars().count());
        (before.matches('\n').count() + 1, column + 1)
    }

    fn node(&self, at: usize) -> &Node {
        const NOTHING: &Node = &Node { range: 0..0, kind: Kind::Scalar(String::new()) };
        self.nodes.get(at).unwrap_or(NOTHING)
    }

    fn scalar(&self, at: usize) -> Option<&str> {
        match &self.node(at).kind {
            Kind::Scalar(text) => Some(text),
            Kind::Alias(_) | Kind::List { .. } | Kind::Map { .. } => None,
        }
    }

    fn find(&self, path: &[&str]) -> Option<Found> {
        let root = (!self.nodes.is_empty()).then_some(Found { key: None, value: 0 })?;
        path.iter().try_fold(root, |found, step| self.step(found.value, step, 0))
    }

    /// As [`Self::find`], of a node that is written there and not behind an alias.
    fn direct(&self, path: &[&str]) -> Option<usize> {
        self.find(path).map(|found| found.value).filter(|at| !matches!(self.node(*at).kind, Kind::Alias(_)))
    }

    fn step(&self, at: usize, step: &str, depth: usize) -> Option<Found> {
        if depth > DEEPEST {
            return None;
        }
        match &self.node(at).kind {
            Kind::Scalar(_) => None,
            Kind::Alias(id) => self.step(*self.anchors.get(id)?, step, depth + 1),
            Kind::Map { fields, .. } => {
                let own = fields.iter().find(|(key, _)| self.scalar(*key) == Some(step));
                let own = own.map(|(key, value)| Found { key: Some(*key), value: *value });
                own.or_else(|| {
                    let mut merged = fields.iter().filter(|(key, _)| self.scalar(*key) == Some("<<"));
                    merged.find_map(|(_, value)| match &self.node(*value).kind {
                        Kind::List { items, .. } => items.iter().find_map(|item| self.step(*item, step, depth + 1)),
                        _ => self.step(*value, step, depth + 1),
                    })
                })
            }
            Kind::List { items, .. } => {
                let value = *items.iter().find(|item| self.says(**item, step))?;
                Some(Found { key: None, value })
            }
        }
    }

    /// Whether an item of a list is about something.
    fn says(&self, item: usize, what: &str) -> bool {
        match &self.node(item).kind {
            Kind::Scalar(text) => {
                let name = text.split('=').next();
                // `53:53/udp`; but a path is one part.
                let mut parts = text.split(':').chain(text.split([':', '/']));
                text == what || name == Some(what) || parts.any(|part| part == what || is_in_range(part, what))
            }
            Kind::Map { fields, .. } => fields.iter().any(|(_, value)| self.scalar(*value) == Some(what)),
            Kind::Alias(_) | Kind::List { .. } => false,
        }
    }
}

/// Whether a port is one of `2456-2457`.
fn is_in_range(range: &str, port: &str) -> bool {
    let Some((first, last)) = range.split_once('-') else { return false };
    let [Ok(first), Ok(last), Ok(port)] = [first, last, port].map(str::parse::<u16>) else { return false };
    (first..=last).contains(&port)
}

/// What is being read: a list, or a map with the key that waits for its value.
struct Open {
    at: usize,
    key: Option<usize>,
}

fn nodes(text: &str) -> Option<(Vec<Node>, BTreeMap<usize, usize>)> {
    let (mut nodes, mut anchors): (Vec<Node>, _) = (Vec::new(), BTreeMap::new());
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span): (Event<'_>, Span) = event.ok()?;
        let range = span.byte_range()?;
        let (kind, anchor) = match event {
            Event::Scalar(text, _, anchor, _) => (Kind::Scalar(text.into_owned()), anchor),
            Event::Alias(id) => (Kind::Alias(id), 0),
            Event::SequenceStart(style, anchor, _) => {
                (Kind::List { items: Vec::new(), flow: style == StructureStyle::Flow }, anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                (Kind::Map { fields: Vec::new(), flow: style == StructureStyle::Flow }, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { at, .. } = open.pop()?;
                if let Some(node) = nodes.get_mut(at) {
                    let flow = matches!(node.kind, Kind::List { flow: true, .. } | Kind::Map { flow: true, .. });
                    if flow {
                        node.range.end = range.end;
                    }
                }
                let end = nodes.get(at)?.range.end;
                if let Some(outer) = open.last().and_then(|outer| nodes.get_mut(outer.at)) {
                    outer.range.end = outer.range.end.max(end);
                }
                continue;
            }
            // One document is a project.
            Event::DocumentEnd => break,
            _ => continue,
        };
        let at = nodes.len();
        if anchor != 0 {
            anchors.insert(anchor, at);
        }
        if let Some(outer) = open.last_mut()
            && let Some(Node { range: whole, kind }) = nodes.get_mut(outer.at)
        {
            whole.end = whole.end.max(range.end);
            match kind {
                Kind::List { items, .. } => items.push(at),
                Kind::Map { fields, .. } => match outer.key.take() {
                    Some(key) => fields.push((key, at)),
                    None => outer.key = Some(at),
                },
                Kind::Scalar(_) | Kind::Alias(_) => {}
            }
        }
        if matches!(kind, Kind::List { .. } | Kind::Map { .. }) {
            open.push(Open { at, key: None });
        }
        nodes.push(Node { range, kind });
    }
    Some((nodes, anchors))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# A shop.
x-common: &common
  restart: always
  cap_add: [NET_ADMIN]

services:
  web:
    <<: *common
    image: shop/web:1
    ports:
      - \"8080:80\"
      - 127.0.0.1:53:53/udp
    networks: [proxy, default]
    labels:
      - traefik.enable=true
      - \"traefik.http.routers.é.rule=Host(`a`)\"   # é
    volumes:
      - type: bind
        source: /etc
        target: /x
    cap_drop:
      - SYS_TIME
  db: {image: db, cap_drop: [ALL]}
  app: *common
networks:
  proxy: {external: true}
";

    fn written() -> Written {
        Written::read("compose.yaml", FILE).unwrap()
    }

    #[test]
    fn a_port_is_found_in_the_range_that_holds_it() {
        let file = "services:\n  game:\n    ports:\n      - 2456-2458:2456-2458/udp\n      - 9001:9001\n";
        let written = Written::read("compose.yaml", file).unwrap();
        for (port, line) in [("2457", Some(4)), ("9001", Some(5)), ("2459", None)] {
            let found = written.spot(&["services", "game", "ports", port]).map(|it| it.line);
            assert_eq!(found, line, "{port}");
        }
    }

    #[track_caller]
    fn check(path: &[&str], line: usize, marked: &str) {
        let Spot { line: found, column, end_column, text, .. } = written().spot(path).unwrap();
        let text: String = text.chars().skip(column - 1).take(end_column - column).collect();
        assert_eq!((found, text.as_str()), (line, marked), "{path:?}");
    }

    #[test]
    fn what_is_written_is_found_where_it_is_written() {
        check(&["services", "web"], 7, "web");
        check(&["services", "web", "image"], 9, "image: shop/web:1");
        check(&["services", "web", "ports"], 10, "ports");
        check(&["services", "web", "ports", "80"], 11, "\"8080:80\"");
        check(&["services", "web", "ports", "53"], 12, "127.0.0.1:53:53/udp");
        check(&["services", "web", "networks", "proxy"], 13, "proxy");
        check(&["services", "web", "labels", "traefik.enable"], 15, "traefik.enable=true");
        check(
            &["services", "web", "labels", "traefik.http.routers.é.rule"],
            16,
            "\"traefik.http.routers.é.rule=Host(`a`)\"",
        );
        check(&["services", "web", "volumes", "/etc"], 18, "type: bind");
        check(&["services", "web", "cap_add", "NET_ADMIN"], 4, "NET_ADMIN");
        check(&["services", "app", "restart"], 3, "restart: always");
        check(&["networks", "proxy"], 26, "proxy: {external: true}");
        assert_eq!(written().spot(&["services", "web", "privileged"]), None);
        assert_eq!(written().keys(&["services"]), ["web", "db", "app"]);
    }

    #[test]
    fn no_file_makes_the_search_fail() {
        assert!(Written::read("x", "a: [").is_none());
        let circle = Written::read("x", "a: &a\n  <<: *a\n").unwrap();
        assert_eq!(circle.spot(&["a", "b"]), None);
        assert_eq!(Written::read("x", "").and_then(|it| it.spot(&["a"])), None);
    }

    /// The text after a change.
    fn after(change: &Change) -> String {
        let byte = |(line, column): (usize, usize)| {
            let start: usize = FILE.split_inclusive('\n').take(line - 1).map(str::len).sum();
            start + FILE.split_at(start).1.chars().take(column - 1).map(char::len_utf8).sum::<usize>()
        };
        let (before, after) = (FILE.split_at(byte(change.from)).0, FILE.split_at(byte(change.to)).1);
        format!("{before}{}{after}", change.insert)
    }

    #[test]
    fn a_change_is_what_was_meant_and_nothing_else() {
        let insert = |service: &str, key: &str, value: &str, is_map: bool| {
            written().insert(&["services", service], key, value, is_map).as_ref().map(after)
        };
        let check = |text: Option<String>, from: &str, to: &str| {
            assert_eq!(text.unwrap(), FILE.replacen(from, to, 1));
        };
        check(insert("web", "cap_drop", "NET_RAW", false), "      - SYS_TIME", "      - NET_RAW\n      - SYS_TIME");
        check(insert("db", "cap_drop", "NET_RAW", false), "[ALL]", "[NET_RAW, ALL]");
        let sysctl = "    sysctls: {net.ipv4.ip_forward: \"0\"}\n    <<: *common";
        check(insert("web", "sysctls", "net.ipv4.ip_forward: \"0\"", true), "    <<: *common", sysctl);
        // On one line with other things, behind an alias, or a list where a map is meant: not by a plain insertion.
        assert_eq!(insert("db", "security_opt", "x", false), None);
        assert_eq!(insert("app", "security_opt", "x", false), None);
        assert_eq!(insert("web", "labels", "a: b", true), None);
        let ports = "    ports:\n      - \"8080:80\"\n      - 127.0.0.1:53:53/udp\n";
        check(written().remove(&["services", "web", "ports"]).as_ref().map(after), ports, "");
        assert_eq!(written().remove(&["services", "db", "cap_drop"]), None);
    }
}
