//! Any labels, a line each as `key=value`: read or refused, and what is read is written as JSON.
#![no_main]

use std::collections::BTreeMap;

use leeward::dynamic::document;
use leeward::label;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let labels: BTreeMap<String, String> = text
        .split('\n')
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (format!("traefik.{key}"), value.to_owned()))
        .collect();
    label::unmatched(&labels);
    for swarm in [false, true] {
        label::provider(&labels, true, swarm).ok();
    }
    match label::decode(&labels) {
        Ok(dynamic) => {
            document::problems(&dynamic);
            serde_json::from_str::<serde::de::IgnoredAny>(&document::write(&dynamic)).expect("a document is JSON");
        }
        Err(problem) => assert!(labels.contains_key(&problem.label), "{problem:?}"),
    }
});
