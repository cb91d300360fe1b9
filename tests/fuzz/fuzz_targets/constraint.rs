//! Any text is a constraint or refused, and a constraint judges any labels.
#![no_main]

use leeward::traefik::rules::constraint::Constraint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(constraint) = Constraint::parse(text) {
        constraint.matches_by(&|_| Some("a"));
        constraint.matches_by(&|_| None);
    }
});
