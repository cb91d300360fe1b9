//! Any text is a regular expression or refused, where constraints and rules take one.
#![no_main]

use leeward::traefik::rules::constraint::Constraint;
use leeward::traefik::rules::router::parse_http;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let quoted = text.replace('`', "");
    if let Ok(constraint) = Constraint::parse(&format!("LabelRegex(`x`, `{quoted}`)")) {
        let matches = constraint.matches_by(&|_| Some("a.example.com"));
        // What matches a host is a host that the rule reaches.
        if let Ok(rule) = parse_http(&format!("HostRegexp(`{quoted}`)"), Some("v3")) {
            assert!(!matches || rule.hosts().covers("a.example.com"));
        }
    }
});
