//! The `leeward` command: parses, runs the verb, turns its result into an exit code.

mod cli;

use std::process::ExitCode;

/// musl's own allocator lets one thread in at a time and is slow at it: compiling takes up to twice as long.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    cli::main()
}
