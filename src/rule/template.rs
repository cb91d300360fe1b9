//! The default rule: a Go text/template with sprig's text functions and Traefik's `normalize`.
//!
//! The template is parsed by `gotmpl` and run here, on values that keep Go's types apart, so that a template means
//! here what it means in Traefik, and fails where it fails there. What one run may do is bounded, whatever the labels say.
//!
//! Of sprig's functions those are refused, at start and by name, that would read the host (`env`, `expandenv`,
//! `getHostByName`), that answer differently every time (random texts, keys, certificates and hashes with a salt, the
//! clock and what formats it), or that work on secrets. A rule that changes at every look would be a reload at every look.
//! `keys` and `values` are in order here; in Go they are in any.
//! Source: Traefik's `pkg/provider/configuration.go`, `MakeDefaultRuleTemplate`; sprig 3.2.3, with the libraries below it
//! that Traefik 3.7 has.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use gotmpl::Template;

mod coding;
mod collections;
mod formatting;
mod functions;
mod numbers;
mod patterns;
mod printing;
mod run;
mod semver;
mod syntax;
mod texts;
mod urls;
mod value;
mod words;

/// Traefik's own default rule.
pub const DEFAULT: &str = "Host(`{{ normalize .Name }}`)";

/// What Traefik calls the template.
const NAME: &str = "defaultRule";

/// A parsed `--default-rule`. The default is Traefik's, [`DEFAULT`].
#[derive(Clone, Default)]
pub struct DefaultRule {
    /// None: [`DEFAULT`], which needs no engine.
    template: Option<Arc<Template>>,
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
    /// Reads a template.
    ///
    /// Errors: what Go would refuse when parsing, and functions that are unknown or refused here; one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == DEFAULT {
            return Ok(Self::default());
        }
        syntax::balanced(text)?;
        let template = Template::new(NAME).parse(text).map_err(|error| one_line(&error.to_string()))?;
        for name in template.templates() {
            if let Some(list) = template.lookup(name) {
                syntax::check(list)?;
            }
        }
        Ok(Self { template: Some(Arc::new(template)) })
    }

    /// The rule of one container; empty if the template says nothing.
    ///
    /// Errors: what Go would refuse when executing, and too much work; one line. Traefik then drops the router.
    pub fn render(&self, model: Model<'_>) -> Result<String, String> {
        let Model { name, container_name, labels } = model;
        match &self.template {
            None => Ok(format!("Host(`{}`)", normalize(name))),
            Some(template) => {
                let data = run::model(name, container_name, &run::labels(labels));
                run::Run::run(template, NAME, &data).map_err(|problem| one_line(&problem))
            }
        }
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
    use std::sync::LazyLock;

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
mod tests {
    use super::*;

    /// What Traefik 3.7.15 made of a template: a rule, or an error.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Recorded {
        name: String,
        container_name: String,
        labels: BTreeMap<String, String>,
        cases: Vec<Case>,
    }

    #[derive(serde::Deserialize)]
    struct Case {
        text: String,
        rule: Option<String>,
        error: Option<String>,
    }

    #[test]
    fn templates_write_what_was_recorded() {
        let Recorded { name, container_name, labels, cases } =
            serde_json::from_str(include_str!("../../tests/vectors/templates.json")).unwrap();
        let model = Model { name: &name, container_name: &container_name, labels: &labels };
        let mut wrong = Vec::new();
        for Case { text, rule, error } in cases {
            let parsed = DefaultRule::parse(&text);
            let unparsed = error.as_ref().is_some_and(|it| it.starts_with("PARSE"));
            // What is wrong with a template is said at start where Go says it when parsing.
            let early = parsed.is_err() == unparsed || parsed.as_ref().is_err_and(|it| it.contains("is refused"));
            let found = parsed.and_then(|it| it.render(model));
            if found.as_ref().ok() != rule.as_ref() && !found.as_ref().is_err_and(|it| it.contains("is refused"))
                || !early
            {
                wrong.push(format!("{text}\n    found {found:?}\n    Go    {rule:?} {error:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}\n{} differ", wrong.join("\n"), wrong.len());
    }

    fn refuse(text: &str, words: &str) {
        let found = DefaultRule::parse(text);
        assert!(found.as_ref().is_err_and(|it| it.contains(words)), "{text}: {found:?}");
    }

    #[test]
    fn functions_that_are_refused_say_why() {
        refuse("{{ env \"HOME\" }}", "function `env` is refused: it would read this program's environment");
        refuse(
            "{{ if false }}{{ getHostByName \"x\" }}{{ end }}",
            "`getHostByName` is refused: it would ask the network",
        );
        refuse("{{ .Name | (now).Unix }}", "`now` is refused: it works with the clock");
        refuse("{{ randAlpha 5 }}", "it is random");
        refuse("{{ htpasswd \"a\" \"b\" }}", "no place in a rule");
        refuse("{{ nosuch }}", "function `nosuch` not defined");
        refuse("{{ define \"x\" }}{{ (nosuch).x }}{{ end }}", "function `nosuch` not defined");
    }

    #[test]
    fn work_is_bounded() {
        let labels = BTreeMap::from([("n".to_owned(), "1000000000".to_owned())]);
        let model = Model { name: "a", container_name: "a", labels: &labels };
        for text in [
            r#"{{ repeat (int .Labels.n) "x" }}"#,
            "{{ indent (int .Labels.n) .Name }}",
            "{{ until (int .Labels.n) }}",
            "{{ seq (int .Labels.n) }}",
            "{{ untilStep 0 (int .Labels.n) 1 | len }}",
            "{{ range (int .Labels.n) }}{{ end }}",
            "{{ range (int .Labels.n) }}x{{ end }}",
            r#"{{ printf (printf "%%%sd" .Labels.n) 1 }}"#,
            r#"{{ $x := "x" }}{{ range until 100 }}{{ $x = print $x $x }}{{ end }}"#,
            "{{ $x := list }}{{ range until 100 }}{{ $x = list $x $x }}{{ end }}",
            "{{ $x := list }}{{ range until 1000 }}{{ $x = list $x }}{{ end }}",
            "{{ $x := dict }}{{ $_ := set $x `a` $x }}{{ $x }}",
            "{{ $x := dict }}{{ $y := dict `x` $x }}{{ $_ := merge $x (dict `y` $y) }}{{ $x }}",
            "{{ define `a` }}{{ template `a` . }}{{ end }}{{ template `a` . }}",
            "{{ define `a` }}{{ range until 9 }}{{ template `a` . }}{{ end }}{{ end }}{{ template `a` . }}",
            "{{ $x := repeat 1000 `x` }}{{ replace `` $x $x }}",
            "{{ $x := repeat 1000 `x` }}{{ regexReplaceAll `x` $x $x | regexReplaceAll `x` $x }}",
            "{{ wrapWith 1 (repeat 10000 `x`) (repeat 10000 `x`) }}",
            "{{ join (repeat 10000 `x`) (until 10000) }}",
            "{{ regexReplaceAll `x+` (repeat 10000 `x`) (repeat 10000 `$0`) }}",
        ] {
            let rule = DefaultRule::parse(text).and_then(|it| it.render(model));
            assert!(rule.is_err(), "{text}: {} bytes", rule.unwrap_or_default().len());
        }
        refuse(&format!("{{{{ {}1{} }}}}", "(".repeat(10_000), ")".repeat(10_000)), "");
        refuse(&format!("{}{}", "{{ if 1 }}".repeat(10_000), "{{ end }}".repeat(10_000)), "");
    }

    #[test]
    fn the_default_needs_no_engine() {
        let labels = BTreeMap::new();
        let template = DefaultRule::parse("{{/* the engine */}}Host(`{{ normalize .Name }}`)").unwrap();
        for name in ["web-app", "my_app", "", "é ² ⓐ", "/a//b_"] {
            let model = Model { name, container_name: name, labels: &labels };
            assert_eq!(DefaultRule::default().render(model), template.render(model), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_template_is_run_or_refused(
            text in "\\PC{0,60}|(\\{\\{-? ?|\\}\\}|[a-z.$|():=\"` 0-9]|range |if |end|else|with |list |dict |\\$x := |\\.Name|print |until ){0,24}",
        ) {
            let labels = BTreeMap::from([("n".to_owned(), "12".to_owned())]);
            let model = Model { name: "web-app", container_name: "app_web_1", labels: &labels };
            DefaultRule::parse(&text).and_then(|it| it.render(model)).ok();
        }
    }
}
