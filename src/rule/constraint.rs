//! Constraints over labels.

use std::collections::BTreeMap;
use std::str::FromStr;

/// A parsed `--constraints` expression. The default matches everything.
#[derive(Clone, Debug, Default)]
pub struct Constraint {}

impl Constraint {
    /// Reads an expression; an empty one matches everything. Errors: where, and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(Self {}) } else { Err("constraints are not supported yet".to_owned()) }
    }

    /// Whether a container with these labels is kept.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.matches_by(&|key| labels.get(key).map(String::as_str))
    }

    /// As [`Self::matches`], for labels that are held in some other way: `label` finds a value by its key.
    pub fn matches_by<'a>(&self, _label: &dyn Fn(&str) -> Option<&'a str>) -> bool {
        true
    }
}

impl FromStr for Constraint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}
