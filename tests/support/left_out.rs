//! Tests that need more than Rust: what is missing is said loudly, and is a failure where it is required.

use std::io::Write as _;
use std::path::PathBuf;

/// Says loudly that a test is left out, each reason as `part: words`; panics if `LEEWARD_REQUIRE` lists the part.
///
/// Written down as well, for the summary that `tests/what_was_left_out.rs` prints.
pub(crate) fn left_out(test: &str, reasons: &[String]) {
    let required = std::env::var_os("LEEWARD_REQUIRE").unwrap_or_default().to_string_lossy().into_owned();
    let wanted = required.split(',').any(|part| reasons.iter().any(|it| it.starts_with(&format!("{part}:"))));
    let reasons = reasons.join("; ");
    assert!(!wanted, "LEEWARD_REQUIRE={required}, but {test} cannot run: {reasons}");
    // Past the test harness, which would keep the words of a test that passes to itself.
    std::io::stderr().write_all(format!("\n!! LEFT OUT: {test}: {reasons}\n").as_bytes()).unwrap();
    let list = std::fs::File::options().create(true).append(true).open(list()).unwrap();
    // One write, so that tests which end together do not mix their lines.
    (&list).write_all(format!("{test}: {reasons}\n").as_bytes()).unwrap();
}

/// Where the tests of one run of `cargo` write down what they leave out: told apart by cargo's process and its start.
pub(crate) fn list() -> PathBuf {
    let cargo = std::os::unix::process::parent_id();
    let status = std::fs::read_to_string(format!("/proc/{cargo}/stat")).unwrap_or_default();
    // The 22nd field; the second, a name in parentheses, may hold anything.
    let started = status.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(19)).unwrap_or_default();
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("left-out-{cargo}-{started}"))
}
