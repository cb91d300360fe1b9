//! No test: says at the end of `cargo test` which tests this machine could not run, and why.
#![expect(clippy::print_stdout, reason = "it is there to print")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "nothing is left out here")]
#[path = "support/left_out.rs"]
mod left_out;

fn main() {
    let list = left_out::list();
    let said = std::fs::read_to_string(&list).unwrap_or_default();
    if said.is_empty() {
        println!("\nNo test was left out.\n");
        return;
    }
    println!("\nLEFT OUT on this machine: {} tests.", said.lines().count());
    for line in said.lines() {
        println!("  {line}");
    }
    println!("LEEWARD_REQUIRE=docker,traefik,root makes that a failure; .ci/run installs what they need.\n");
    // The next run has a list of its own; this one has been read.
    let _ = std::fs::remove_file(list);
}
