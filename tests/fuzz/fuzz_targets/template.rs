//! Any text is a template or refused, and running one ends.
#![no_main]

use std::collections::BTreeMap;

use leeward::rule::template::{DefaultRule, Model};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let labels = BTreeMap::from([("n".to_owned(), "1000000000".to_owned()), ("x".to_owned(), text.to_owned())]);
    let model = Model { name: "web-app", container_name: "web_app", labels: &labels };
    if let Ok(rule) = DefaultRule::parse(text) {
        assert_eq!(rule.render(model), rule.render(model));
    }
});
