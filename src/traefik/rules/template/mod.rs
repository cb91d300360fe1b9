//! The default rule: a Go text/template over a container's name and labels.
//!
//! `gotmpl` parses and runs it. The functions are ours: those that default rules use, some fifty of the two hundred that
//! Traefik takes from sprig. Another name is refused at start, with what to use instead. What is there means what it means in
//! Traefik, and fails where it fails there; what one run may do is bounded, whatever the labels say.
//! Source: Traefik's `pkg/provider/configuration.go`, `MakeDefaultRuleTemplate`; sprig 3.2.3, as Traefik 3.7 has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use gotmpl::{Template, TemplateError, Value};

mod functions;
mod numbers;
mod patterns;
mod prepare;
mod printf;
mod refused;
mod texts;
mod value;

/// Traefik's own default rule.
pub const DEFAULT: &str = "Host(`{{ normalize .Name }}`)";

/// What Traefik calls the template.
const NAME: &str = "defaultRule";

/// The fields of [`Model`], as a template names them.
pub const FIELDS: [&str; 3] = ["Name", "ContainerName", "Labels"];

/// A parsed `--default-rule`. The default is Traefik's, [`DEFAULT`].
#[derive(Clone, Default)]
pub struct DefaultRule {
    /// None: [`DEFAULT`], which needs no engine.
    template: Option<Arc<Template>>,
    unknown_fields: BTreeSet<String>,
}

impl fmt::Debug for DefaultRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.template.is_some() { "DefaultRule(template)" } else { "DefaultRule(default)" })
    }
}

/// What a default rule may speak of: `.Name`, `.ContainerName` and `.Labels`.
///
/// Source: the model in Traefik's `pkg/provider/docker/config.go`, `build`.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// `.Name`: the service name, `<service>-<project>` under Compose, normalised.
    pub name: &'a str,
    /// `.ContainerName`: the container's own name, without the leading slash.
    pub container_name: &'a str,
    /// `.Labels`.
    pub labels: &'a BTreeMap<String, String>,
}

impl DefaultRule {
    /// Whether it is Traefik's, which reads no label.
    pub fn is_default(&self) -> bool {
        self.template.is_none()
    }

    /// Reads a template.
    ///
    /// Errors: what Go would refuse when parsing, a variable that is set before it is declared, and functions that are not
    /// available; one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == DEFAULT {
            return Ok(Self::default());
        }
        let prepare::Prepared { tree, unknown } = prepare::prepare(text).map_err(|problem| one_line(&problem))?;
        let template = functions::template().add_parse_tree(NAME, tree);
        Ok(Self { template: Some(Arc::new(template)), unknown_fields: unknown })
    }

    /// The fields that the template reads and that do not exist, as `.Foo`. Where a run comes to one, it fails.
    pub fn unknown_fields(&self) -> impl Iterator<Item = &str> {
        self.unknown_fields.iter().map(String::as_str)
    }

    /// The rule of one container; empty if the template says nothing.
    ///
    /// Errors: what Go would refuse when executing, and too much work; one line. Traefik then drops the router.
    pub fn render(&self, model: Model<'_>) -> Result<String, String> {
        let Some(template) = &self.template else { return Ok(format!("Host(`{}`)", normalize(model.name))) };
        let labels =
            model.labels.iter().map(|(key, value)| (key.as_str().into(), value::text(value.as_str()))).collect();
        let values = [value::text(model.name), value::text(model.container_name), Value::Map(Arc::new(labels))];
        let data = FIELDS.into_iter().map(Into::into).zip(values).collect();
        let mut rule = Rule(String::new());
        functions::begin();
        match template.execute_template_fmt(&mut rule, NAME, &Value::Map(Arc::new(data))) {
            Ok(()) => Ok(rule.0),
            Err(TemplateError::Exec(problem)) => Err(one_line(&problem)),
            Err(TemplateError::Write | TemplateError::RangeIterLimit) => Err(functions::TOO_MUCH.to_owned()),
            Err(other) => Err(one_line(&other.to_string())),
        }
    }
}

/// What a run writes; it is part of the budget.
struct Rule(String);

impl fmt::Write for Rule {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        functions::spend(text.len()).map_err(|_| fmt::Error)?;
        self.0.push_str(text);
        Ok(())
    }
}

impl FromStr for DefaultRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

/// The runs of letters and digits (in Unicode's sense) of `name`, joined with `-`.
///
/// Source: Traefik's `provider.Normalize`.
pub fn normalize(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for run in name.split(|c: char| !is_letter_or_number(c)).filter(|run| !run.is_empty()) {
        if !normal.is_empty() {
            normal.push('-');
        }
        normal.push_str(run);
    }
    normal
}

/// Unicode's categories L and N. Rust's `is_alphanumeric` takes in marks and symbols as well.
fn is_letter_or_number(c: char) -> bool {
    static CLASS: LazyLock<Option<regex::Regex>> = LazyLock::new(|| regex::Regex::new(r"^[\pL\pN]$").ok());
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    c.is_alphanumeric() && CLASS.as_ref().is_none_or(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
