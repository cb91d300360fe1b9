//! The default rule: a Go text/template with sprig's text functions.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Traefik's own default rule.
pub const DEFAULT: &str = "Host(`{{ normalize .Name }}`)";

/// A parsed `--default-rule`. The default is Traefik's, [`DEFAULT`].
#[derive(Clone, Debug, Default)]
pub struct DefaultRule {}

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
    /// Reads a template. Errors: what Go would refuse when parsing, and functions that are unknown or refused here.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == DEFAULT { Ok(Self {}) } else { Err("default rules are not supported yet".to_owned()) }
    }

    /// The rule of one container. Errors: what Go would refuse when executing; Traefik then drops the router.
    pub fn render(&self, model: Model<'_>) -> Result<String, String> {
        Ok(format!("Host(`{}`)", normalize(model.name)))
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
    for run in name.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        if !normal.is_empty() {
            normal.push('-');
        }
        normal.push_str(run);
    }
    normal
}
