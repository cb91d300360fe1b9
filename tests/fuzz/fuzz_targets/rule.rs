//! Any text is a rule or refused, in every syntax; an expression that is negated twice reaches the same.
#![no_main]

use leeward::traefik::rules::router::{parse_http, parse_tcp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for syntax in [None, Some("v2"), Some("v3")] {
        if let Ok(rule) = parse_http(text, syntax) {
            let twice = parse_http(&format!("!!({text}\n)"), syntax).or_else(|_| parse_http(&format!("!!({text})"), syntax));
            if let Ok(twice) = twice {
                assert_eq!(rule.hosts(), twice.hosts());
            }
        }
        parse_tcp(text, syntax).ok();
    }
});
