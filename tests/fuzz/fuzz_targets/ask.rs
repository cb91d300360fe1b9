//! Any request line: no panic, and what is accepted is written anew as something that reads as the same request.
#![no_main]

use leeward::gate::ask::Request;

libfuzzer_sys::fuzz_target!(|line: &str| {
    let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
    for swarm in [false, true] {
        if let Ok(request) = Request::parse(method, target, swarm) {
            let written = request.target();
            assert!(written.bytes().all(|byte| byte.is_ascii_graphic()), "{written:?}");
            assert_eq!(Request::parse(request.method(), &written, swarm).as_ref(), Ok(&request));
        }
    }
});
