//! `leeward snapshot`: records what the engine says, for `--engine file:PATH`.

use std::path::PathBuf;

use clap::Args;
use leeward::report::visible::visible_json;
use leeward::source::snapshot;

use super::engine::Engine;
use super::{Ended, Exit};

/// Record the engine's facts, without environment and commands; every other verb reads them with --engine file:PATH
///
/// A snapshot holds labels, names, networks, mounts and images. Labels may hold hashes of passwords: look through it
/// before you hand it to somebody.
#[derive(Args, Debug)]
pub(crate) struct Snapshot {
    /// Where to write it, readable for you alone [default: standard output]
    #[arg(long, env = "LEEWARD_OUTPUT", hide_env_values = true, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    engine: Engine,
}

impl Snapshot {
    /// Reads everything once, and writes it.
    pub(crate) fn run(self) -> Ended {
        let source = self.engine.source()?;
        let inventory = source.read()?;
        match &self.output {
            Some(path) => snapshot::write(&inventory, path)?,
            None => super::print(&visible_json(snapshot::text(&inventory)))?,
        }
        Ok(Exit::Good)
    }
}
