//! Any text is a template or refused in one line, and running one ends with a rule of bounded size.
#![no_main]

use std::collections::BTreeMap;

use leeward::traefik::rules::template::{DefaultRule, Model};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let labels = BTreeMap::from([("n".to_owned(), "1000000000".to_owned()), ("x".to_owned(), text.to_owned())]);
    let model = Model { name: "web-app", container_name: "web_app", labels: &labels };
    match DefaultRule::parse(text) {
        Ok(rule) => {
            let written = rule.render(model);
            assert_eq!(written, rule.render(model));
            assert!(written.map_or(0, |it| it.len()) <= 1 << 20, "a rule has a bound");
        }
        Err(problem) => assert!(!problem.contains('\n'), "{problem}"),
    }
});
