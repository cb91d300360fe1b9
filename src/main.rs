//! The `leeward` command: parses, runs the verb, turns its result into an exit code.

mod cli;

use std::process::ExitCode;

/// Instead of musl's own, which is careful and slow: compiling took up to twice as long with it.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    cli::main()
}
