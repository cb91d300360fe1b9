//! `leeward snapshot`: records what the engine says, for `--engine file:PATH`.

use std::path::PathBuf;

use clap::Args;
use leeward::report::redact::redacted;
use leeward::report::visible::visible_json;
use leeward::source::snapshot;

use super::engine::Engine;
use super::{Ended, Exit, Failure};

/// Save what the engine says to a file, without environment and commands
///
/// Other verbs read the file with --engine file:PATH. It holds labels, names, networks, mounts and images. Labels may
/// hold hashes of passwords: to give it to somebody, add --redact, and look through it.
///
/// Exit status: 0 saved; 2 a setting is invalid; 3 the engine cannot be read or the file not written.
#[derive(Args, Debug)]
pub(crate) struct Snapshot {
    /// File to write, readable by you alone [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Hide names, hosts, addresses, paths and ids; the verdicts stay the same
    ///
    /// Each word becomes another, the same everywhere; what stays is said in docs/troubleshooting.md.
    #[arg(long, env = "LEEWARD_REDACT", hide_env = true)]
    redact: bool,

    #[command(flatten)]
    engine: Engine,
}

impl Snapshot {
    /// Reads everything once, and writes it.
    pub(crate) fn run(self) -> Ended {
        let source = self.engine.source()?;
        let mut inventory = source.read()?;
        if self.redact {
            inventory = redacted(&inventory).map_err(|problem| Failure::Failed(problem.into()))?;
        }
        match &self.output {
            Some(path) => snapshot::write(&inventory, path)?,
            None => super::print(&visible_json(snapshot::text(&inventory)))?,
        }
        Ok(Exit::Good)
    }
}
