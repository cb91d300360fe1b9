//! Any labels, a line each as `key=value`: read or refused, and what is read is written as JSON.
#![no_main]

use std::collections::BTreeMap;

use leeward::traefik::document;
use leeward::traefik::labels;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let labels: BTreeMap<String, String> = text
        .split('\n')
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (format!("traefik.{key}"), value.to_owned()))
        .collect();
    labels::unmatched(&labels);
    for swarm in [false, true] {
        labels::provider(&labels, true, swarm).ok();
    }
    match labels::decode(&labels) {
        Ok(dynamic) => {
            document::problems(&dynamic);
            serde_json::from_str::<serde::de::IgnoredAny>(&document::write(&dynamic)).expect("a document is JSON");
        }
        Err(problem) => assert!(labels.contains_key(&problem.label), "{problem:?}"),
    }
});
