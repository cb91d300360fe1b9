//! Constraints: which containers the operator wants routed, by their labels.
//!
//! Source: Traefik's `pkg/provider/constraints/constraints_labels.go`. The functions are `Label` and `LabelRegex`, in
//! exactly this spelling; a label that is absent counts as the empty string. Traefik finds a bad expression at every
//! container and routes none, and takes a bad regular expression for one that never matches; here both are refused at
//! start.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::traefik::rules::expression::{Call, Expression};
use crate::traefik::rules::go_regex::GoRegex;

/// A parsed `--constraints` expression. The default matches everything.
#[derive(Clone, Debug, Default)]
pub struct Constraint {
    condition: Option<Condition>,
}

#[derive(Clone, Debug)]
enum Condition {
    Label { key: String, value: String },
    LabelRegex { key: String, value: GoRegex },
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Constraint {
    /// Reads an expression; an empty one matches everything.
    ///
    /// Errors: one line that says where, and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self { condition: Some(Condition::new(&Expression::parse(text)?)?) })
    }

    /// Whether it matches everything.
    pub fn is_empty(&self) -> bool {
        self.condition.is_none()
    }

    /// Whether a container with these labels is kept.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.matches_by(&|key| labels.get(key).map(String::as_str))
    }

    /// As [`Self::matches`], for labels held in some other way: `label` finds a value by its key.
    pub fn matches_by<'a>(&self, label: &dyn Fn(&str) -> Option<&'a str>) -> bool {
        self.condition.as_ref().is_none_or(|it| it.holds(label))
    }
}

impl FromStr for Constraint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl Condition {
    fn new(expression: &Expression) -> Result<Self, String> {
        Ok(match expression {
            Expression::Call(call) => Self::call(call)?,
            Expression::Not(inner) => Self::Not(Box::new(Self::new(inner)?)),
            Expression::All(parts) => Self::All(parts.iter().map(Self::new).collect::<Result<_, _>>()?),
            Expression::Any(parts) => Self::Any(parts.iter().map(Self::new).collect::<Result<_, _>>()?),
        })
    }

    fn call(call: &Call) -> Result<Self, String> {
        let Call { name, arguments, at } = call;
        let regex = match name.as_str() {
            "Label" => false,
            "LabelRegex" => true,
            "Tag" | "TagRegex" => {
                return Err(format!(
                    "at character {at}: `{name}` is for Consul and Nomad; containers have `Label` and `LabelRegex`"
                ));
            }
            _ => return Err(format!("at character {at}: no function `{name}`; there are `Label` and `LabelRegex`")),
        };
        let [key, value] = arguments.as_slice() else {
            let count = arguments.len();
            return Err(format!("at character {at}: `{name}` takes a key and a value, not {count} arguments"));
        };
        let key = key.clone();
        if !regex {
            return Ok(Self::Label { key, value: value.clone() });
        }
        let value = GoRegex::parse(value).map_err(|problem| format!("at character {at}: `{value}`: {problem}"))?;
        Ok(Self::LabelRegex { key, value })
    }

    fn holds<'a>(&self, label: &dyn Fn(&str) -> Option<&'a str>) -> bool {
        match self {
            Self::Label { key, value } => label(key).unwrap_or_default() == value,
            Self::LabelRegex { key, value } => value.is_match(label(key).unwrap_or_default()),
            Self::Not(inner) => !inner.holds(label),
            Self::All(parts) => parts.iter().all(|it| it.holds(label)),
            Self::Any(parts) => parts.iter().any(|it| it.holds(label)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Traefik's parser said of an expression: an error, or for each set of labels whether it is kept.
    #[derive(serde::Deserialize)]
    struct Recorded {
        labels: Vec<BTreeMap<String, String>>,
        cases: Vec<Case>,
    }

    #[derive(serde::Deserialize)]
    struct Case {
        text: String,
        error: Option<String>,
        #[serde(default)]
        kept: Vec<bool>,
    }

    #[test]
    fn expressions_keep_what_was_recorded() {
        let Recorded { labels, cases } =
            serde_json::from_str(include_str!("../../../tests/vectors/constraints.json")).unwrap();
        let mut wrong = Vec::new();
        for Case { text, error, kept } in cases {
            match (Constraint::parse(&text), error) {
                (Ok(found), None) => {
                    let found: Vec<bool> = labels.iter().map(|it| found.matches(it)).collect();
                    if found != kept {
                        wrong.push(format!("{text:?}: {found:?}, recorded {kept:?}"));
                    }
                }
                (Err(_), Some(_)) => {}
                (found, error) => wrong.push(format!("{text:?}: {found:?}, recorded {error:?}")),
            }
        }
        assert!(wrong.is_empty(), "{}\n{} differ", wrong.join("\n"), wrong.len());
    }

    #[test]
    fn errors_name_the_function() {
        for (text, words) in [
            ("Tag(`a`)", "at character 1: `Tag` is for Consul and Nomad"),
            ("label(`a`, `b`)", "at character 1: no function `label`; there are `Label` and `LabelRegex`"),
            ("Label(`a`, `b`) && Label(`c`)", "at character 20: `Label` takes a key and a value, not 1 arguments"),
            ("LabelRegex(`a`, `[`)", "at character 1: `[`: a `[` without its `]`"),
        ] {
            let found = Constraint::parse(text);
            assert!(found.as_ref().is_err_and(|it| it.starts_with(words)), "{text}: {found:?}");
        }
    }

    #[test]
    fn the_default_keeps_everything() {
        assert!(Constraint::default().matches(&BTreeMap::new()));
        assert!(Constraint::parse("").unwrap().matches_by(&|_| None));
        assert!(Constraint::parse("Label(`a`, ``)").unwrap().matches_by(&|_| None));
    }
}
