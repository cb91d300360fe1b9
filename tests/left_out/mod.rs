//! Tests that need more than Rust: what is missing is said loudly, and is a failure where it is required.

use std::io::Write as _;

/// Says loudly that a test is left out, each reason as `part: words`; panics if `LEEWARD_REQUIRE` lists the part.
pub(crate) fn left_out(test: &str, reasons: &[String]) {
    let required = std::env::var_os("LEEWARD_REQUIRE").unwrap_or_default().to_string_lossy().into_owned();
    let wanted = required.split(',').any(|part| reasons.iter().any(|it| it.starts_with(&format!("{part}:"))));
    let reasons = reasons.join("; ");
    assert!(!wanted, "LEEWARD_REQUIRE={required}, but {test} cannot run: {reasons}");
    // Past the test harness, which would keep the words of a test that passes to itself.
    std::io::stderr().write_all(format!("\n!! LEFT OUT: {test}: {reasons}\n").as_bytes()).unwrap();
}
