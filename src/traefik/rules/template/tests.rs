//! Default rules against what Traefik made of them, and against what labels and operators may write.

use super::*;

/// What Traefik 3.7.15 made of templates, and the functions that it has and a default rule here has not.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    name: String,
    container_name: String,
    labels: BTreeMap<String, String>,
    refused: Vec<String>,
    cases: Vec<Case>,
}

/// A template, and the rule or the error that Traefik made of it.
#[derive(serde::Deserialize)]
struct Case {
    text: String,
    rule: Option<String>,
    error: Option<String>,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../../../../tests/vectors/templates.json")).unwrap()
}

#[test]
fn templates_write_what_was_recorded() {
    let Recorded { name, container_name, labels, cases, .. } = recorded();
    let model = Model { name: &name, container_name: &container_name, labels: &labels };
    let mut wrong = Vec::new();
    for Case { text, rule, error } in cases {
        let parsed = DefaultRule::parse(&text);
        // What is wrong with a template is said at start where Go says it when parsing, or earlier than there.
        let late = parsed.is_ok() && error.as_ref().is_some_and(|it| it.starts_with("PARSE"));
        let found = parsed.and_then(|it| it.render(model));
        if late || found.as_ref().ok() != rule.as_ref() {
            wrong.push(format!("{text}\n    found {found:?}\n    Go    {rule:?} {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} differ", wrong.join("\n"), wrong.len());
}

fn refuse(text: &str, words: &str) {
    let found = DefaultRule::parse(text);
    assert!(found.as_ref().is_err_and(|it| it.contains(words) && !it.contains('\n')), "{text}: {found:?}");
}

#[test]
fn a_function_that_traefik_has_and_leeward_has_not_is_refused_at_start_by_its_name() {
    let Recorded { refused, .. } = recorded();
    assert!(refused.len() > 170, "{}", refused.len());
    for name in refused {
        let words = format!("function `{name}` is not available in a default rule: ");
        refuse(&format!("{{{{ {name} }}}}"), &words);
        refuse(&format!("{{{{ if false }}}}{{{{ .Name | {name} 1 }}}}{{{{ end }}}}"), &words);
        refuse(&format!("{{{{ print ({name} 1).x }}}}"), &words);
    }
}

#[test]
fn what_to_use_instead_of_a_refused_function_is_there() {
    for name in recorded().refused {
        let error = DefaultRule::parse(&format!("{{{{ {name} }}}}")).unwrap_err();
        let instead = error.split_once(": ").unwrap().1;
        for code in instead.split('`').skip(1).step_by(2) {
            let template = match code {
                "if" | "range" => format!("{{{{ {code} 1 }}}}{{{{ end }}}}"),
                code if code.starts_with("range ") => format!("{{{{ {code} }}}}{{{{ end }}}}"),
                code => format!("{{{{ {code} }}}}"),
            };
            let parsed = DefaultRule::parse(&template);
            assert!(parsed.is_ok(), "{name}: {code}: {parsed:?}");
        }
    }
}

#[test]
fn a_function_that_nobody_has_is_refused_with_those_that_there_are() {
    for text in ["{{ nosuch }}", "{{ if false }}{{ (nosuch).x }}{{ end }}", "{{ nosuch.x 1 }}", "{{ .Name | nosuch }}"]
    {
        refuse(text, "function `nosuch` is not defined; there are normalize, lower, ");
    }
    // The names that a prepared template calls are no names.
    for name in [functions::FIELD, functions::WRITE, functions::EACH] {
        refuse(&format!("{{{{ {name} }}}}"), "");
    }
}

#[test]
fn verbs_that_printf_lacks_are_refused_at_start_where_the_format_stands_there() {
    refuse(r#"{{ printf "%s %x" 1 2 }}"#, "`%x` is not available in `printf`: it has %s, %d, %q, %v and %%");
    refuse(r#"{{ if false }}{{ printf "%*d" 1 2 }}{{ end }}"#, "`%*` is not available");
    refuse(r#"{{ 1 | printf "%" }}"#, "`%` is not available");
    let labels = BTreeMap::from([("format".to_owned(), "%x".to_owned())]);
    let model = Model { name: "a", container_name: "a", labels: &labels };
    let found = DefaultRule::parse("{{ printf .Labels.format 1 }}").unwrap().render(model);
    assert!(found.as_ref().is_err_and(|it| it.contains("`%x`")), "{found:?}");
}

#[test]
fn what_is_no_template_is_refused_in_one_line_with_an_example() {
    for text in ["{{ .Name", "{{ }}", "{{ .Name }", "{{/* a", "{{ 'ab' }}", "{{ \"a\n"] {
        refuse(text, "not a Go template as ``Host(`{{ normalize .Name }}`)``: template: defaultRule:");
        assert!(!DefaultRule::parse(text).unwrap_err().contains('\u{1}'), "{text}");
    }
    for text in
        ["{{ end }}", "{{ else }}", "x{{ end }}x", "{{ if 1 }}x", "{{ range 1 }}{{ if 1 }}{{ end }}", "a\u{1}{{ end }}"]
    {
        refuse(text, "");
    }
}

#[test]
fn templates_of_templates_are_refused() {
    refuse(r#"{{ define "x" }}{{ end }}"#, "`define` and `block` are not available");
    refuse(r#"a{{ block "x" . }}{{ end }}"#, "`define` and `block` are not available");
    refuse(r#"{{ template "x" }}"#, "`template` is not available");
}

#[test]
fn fields_that_do_not_exist_are_known_at_start_and_fail_where_they_are_read() {
    let labels = BTreeMap::from([("zone".to_owned(), "a".to_owned())]);
    let model = Model { name: "web", container_name: "web", labels: &labels };
    for (text, unknown, rule) in [
        ("{{ .Foo }}", vec![".Foo"], None),
        ("{{ if false }}{{ .Foo }}{{ end }}x", vec![".Foo"], Some("x")),
        ("{{ with .Labels }}{{ .zone }}{{ .Foo }}{{ end }}", vec![], Some("a<no value>")),
        ("{{ with .Labels }}{{ $.Foo.bar }}{{ end }}", vec![".Foo"], None),
        ("{{ (print .name).Foo }}{{ .Labels.Foo }}", vec![".name"], None),
        ("{{ range .Labels }}{{ else }}{{ .Foo }}{{ end }}x", vec![".Foo"], Some("x")),
        ("{{ with . }}{{ .Foo }}{{ end }}", vec![], None),
    ] {
        let parsed = DefaultRule::parse(text).unwrap();
        assert_eq!(parsed.unknown_fields().collect::<Vec<_>>(), unknown, "{text}");
        let found = parsed.render(model);
        assert_eq!(found.as_deref().ok(), rule, "{text}: {found:?}");
        let said = found.as_ref().err().is_none_or(|it| it.contains("can't evaluate field"));
        assert!(said, "{text}: {found:?}");
    }
}

#[test]
fn what_labels_ask_of_a_template_is_bounded() {
    let long = "x".repeat(10_000);
    let labels = BTreeMap::from([
        ("n".to_owned(), "1000000000".to_owned()),
        ("commas".to_owned(), ",".repeat(20_000)),
        ("long".to_owned(), long.clone()),
        ("groups".to_owned(), "$0".repeat(5_000)),
    ]);
    let model = Model { name: "a", container_name: "a", labels: &labels };
    for text in [
        "{{ range (int .Labels.n) }}{{ end }}",
        "{{ range (int .Labels.n) }}x{{ end }}",
        "{{ range (add 0 .Labels.n) }}x{{ end }}",
        "{{ range splitList `,` .Labels.commas }}x{{ end }}",
        "{{ range splitList `` .Labels.commas }}{{ range splitList `` $.Labels.commas }}{{ end }}{{ end }}",
        "{{ range splitList `` .Labels.long }}{{ $.Labels.long }}{{ end }}",
        "{{ range splitList `` .Labels.long }}{{ contains `y` $.Labels.long }}{{ end }}",
        "{{ $x := .Labels.long }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}",
        "{{ replace `` .Labels.long .Labels.long }}",
        "{{ replace `x` .Labels.long .Labels.long }}",
        "{{ join .Labels.long (splitList `` .Labels.long) }}",
        "{{ regexReplaceAll `x` .Labels.long .Labels.long }}",
        "{{ regexReplaceAll `x+` .Labels.long .Labels.groups }}",
        "{{ printf (print `%` .Labels.n `d`) 1 }}",
        "{{ printf (print `%.` .Labels.n `d`) 1 }}",
        "{{ printf `%99999999999999999999d` 1 }}",
        "{{ printf `%1000000v` .Labels }}",
    ] {
        let rule = DefaultRule::parse(text).and_then(|it| it.render(model));
        assert!(rule.is_err(), "{text}: {} bytes", rule.unwrap_or_default().len());
    }
    // What one run spent, the next has again.
    let rule = DefaultRule::parse("{{ print .Labels.long }}").unwrap();
    for _ in 0..200 {
        assert_eq!(rule.render(model).as_ref(), Ok(&long));
    }
    refuse(&format!("{{{{ {}1{} }}}}", "(".repeat(10_000), ")".repeat(10_000)), "");
    refuse(&format!("{}{}", "{{ if 1 }}".repeat(10_000), "{{ end }}".repeat(10_000)), "");
}

#[test]
fn no_depth_exhausts_the_stack() {
    let labels = BTreeMap::new();
    let model = Model { name: "a", container_name: "a", labels: &labels };
    for depth in (1..12).map(|power| 1 << power).chain(90..110).chain(190..210) {
        for text in [
            format!("{{{{ {}.Name{} }}}}", "(".repeat(depth), ")".repeat(depth)),
            format!("{{{{ {}.Name{} }}}}", "print (".repeat(depth), ")".repeat(depth)),
            format!("{}{{{{ $.Name }}}}{}", "{{ with $.Name }}".repeat(depth), "{{ end }}".repeat(depth)),
            format!("{}a{}", "{{ if not .Name }}{{ else }}".repeat(depth), "{{ end }}".repeat(depth)),
            format!("{}a{{{{ end }}}}", "{{ if not .Name }}{{ else if .Name }}".repeat(depth)),
        ] {
            let found = DefaultRule::parse(&text).and_then(|it| it.render(model));
            assert!(found.as_ref().is_err() || found.as_deref() == Ok("a"), "{depth}: {found:?}");
        }
    }
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
        text in "\\PC{0,60}|(\\{\\{-? ?|\\}\\}|[a-z.$|():=\"` 0-9]|range |if |end|else|with |printf |split |\\$x := |\\.Name|print |add ){0,24}",
    ) {
        let labels = BTreeMap::from([("n".to_owned(), "12".to_owned())]);
        let model = Model { name: "web-app", container_name: "app_web_1", labels: &labels };
        DefaultRule::parse(&text).and_then(|it| it.render(model)).ok();
    }
}
