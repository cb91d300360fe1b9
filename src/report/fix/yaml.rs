//! YAML for Compose, written so that whatever a stranger named stays one word of it.

use std::fmt::Write as _;

use crate::report::quoting::yaml_word;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Yaml {
    /// A text.
    Text(String),
    /// `true`, `false`.
    Flag(bool),
    /// A list.
    List(Vec<Self>),
    /// A map, in this order.
    Map(Vec<(String, Self)>),
    /// `config:` of `ipam:`, with these subnets.
    Subnets(Vec<String>),
    /// `!reset null`: what other files say of it is dropped.
    Reset,
    /// `!override`: it stands in place of what other files say.
    Override(Box<Self>),
}

impl Yaml {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// The whole, its last line ended.
    pub(super) fn write(&self) -> String {
        let mut out = String::new();
        if let Self::Map(entries) = self {
            map(&mut out, entries, 0);
        }
        out
    }
}

/// A value on one line, as one file alone has it: without what drops or replaces what others say.
pub(super) fn flow(value: &Yaml) -> String {
    match value {
        Yaml::Override(inner) => flow(inner),
        Yaml::Map(entries) => {
            let kept = entries.iter().filter(|(_, value)| *value != Yaml::Reset);
            let entries: Vec<String> =
                kept.map(|(key, value)| format!("{}: {}", yaml_word(key), flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Yaml::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Yaml::Subnets(subnets) => {
            let subnets: Vec<String> = subnets.iter().map(|it| format!("{{subnet: {}}}", yaml_word(it))).collect();
            format!("{{config: [{}]}}", subnets.join(", "))
        }
        Yaml::Text(_) | Yaml::Flag(_) | Yaml::Reset => scalar(value),
    }
}

fn map(out: &mut String, entries: &[(String, Yaml)], depth: usize) {
    for (key, value) in entries {
        out.extend(std::iter::repeat_n("  ", depth));
        out.push_str(&yaml_word(key));
        out.push(':');
        below(out, value, depth);
    }
}

/// A value behind its key, on the same line or on the next ones.
fn below(out: &mut String, value: &Yaml, depth: usize) {
    match value {
        Yaml::Override(inner) => {
            out.push_str(" !override");
            below(out, inner, depth);
        }
        Yaml::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            map(out, entries, depth + 1);
        }
        Yaml::Map(_) => out.push_str(" {}\n"),
        Yaml::List(items) => {
            let items: Vec<String> = items.iter().map(scalar).collect();
            let _ = writeln!(out, " [{}]", items.join(", "));
        }
        Yaml::Subnets(subnets) => {
            let subnets: Vec<String> = subnets.iter().map(|it| format!("{{ subnet: {} }}", yaml_word(it))).collect();
            let _ = writeln!(out, " {{ config: [{}] }}", subnets.join(", "));
        }
        Yaml::Text(_) | Yaml::Flag(_) | Yaml::Reset => {
            let _ = writeln!(out, " {}", scalar(value));
        }
    }
}

fn scalar(value: &Yaml) -> String {
    match value {
        Yaml::Text(text) => yaml_word(text),
        Yaml::Flag(flag) => flag.to_string(),
        Yaml::Reset => "!reset null".to_owned(),
        // Nothing else is ever put into a list.
        Yaml::List(_) | Yaml::Map(_) | Yaml::Subnets(_) | Yaml::Override(_) => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_read_as_it_was_meant() {
        for text in [
            "",
            "a",
            "yes",
            "NO",
            "null",
            "~",
            "1",
            "0.5",
            "0x1f",
            "1e3",
            "a: b",
            "a #b",
            "- a",
            "!reset",
            "&a",
            "*a",
            "{a}",
            "[a]",
            "a\nb",
            "a\"b",
            "a\\b",
            "'a'",
            "\u{7f}\u{85}\u{2028}",
            "日本",
            "💣",
            "@a",
            "`a`",
            "%a",
            "|",
            ">",
            "a ",
            " a",
            "2026-01-01",
            "=",
            "<<",
            "?",
            "a:",
            ":a",
            "--- a",
            "...",
        ] {
            let yaml =
                Yaml::Map(vec![("k".to_owned(), Yaml::text(text)), (text.to_owned(), Yaml::texts([&text.to_owned()]))]);
            let read: serde_json::Value = serde_saphyr::from_str(&yaml.write()).unwrap();
            assert_eq!(read.get("k").and_then(serde_json::Value::as_str), Some(text), "{}", yaml.write());
            if text != "k" {
                assert_eq!(read.get(text).and_then(|it| it.get(0)).and_then(serde_json::Value::as_str), Some(text));
            }
        }
        assert_eq!(yaml_word("${HOME}"), "\"$${HOME}\"");
    }

    #[test]
    fn tags_and_empty_ones_stand_where_compose_reads_them() {
        let yaml = Yaml::Map(vec![
            ("ports".into(), Yaml::Reset),
            ("networks".into(), Yaml::Override(Box::new(Yaml::Map(vec![("default".into(), Yaml::Map(Vec::new()))])))),
            ("cap_add".into(), Yaml::Override(Box::new(Yaml::List(vec![Yaml::text("A")])))),
            ("on".into(), Yaml::Flag(false)),
        ]);
        assert_eq!(
            yaml.write(),
            "ports: !reset null\nnetworks: !override\n  default: {}\ncap_add: !override [A]\n\"on\": false\n"
        );
    }
}
