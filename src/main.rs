//! The `leeward` command: parses, runs the verb, turns its result into an exit code.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
