//! The `leeward` command: parses, runs the verb, turns its result into an exit code.

fn main() {}
