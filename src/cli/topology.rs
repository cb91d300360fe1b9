//! `leeward topology`: who can talk to whom, as a drawing or as JSON.

use clap::{Args, ValueEnum};
use hyper::StatusCode;
use leeward::plan;
use leeward::report::topology;

use super::judged::{Judged, Place};
use super::{Ended, Exit};

/// Draw who can talk to whom: networks, containers, and which of them have a way out
///
/// A Mermaid flowchart: GitHub, GitLab and many editors draw it, between ```mermaid and ```. Green lines are shut, red ones
/// have a way out, and of dashed ones nobody can tell.
///
/// Exit status: 0 it was printed; 2 a setting is invalid; 3 there is no answer.
#[derive(Args, Debug)]
pub(crate) struct Topology {
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "mermaid")]
    format: Format,

    #[command(flatten)]
    judged: Judged,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A Mermaid flowchart
    #[value(alias = "table")]
    Mermaid,
    /// JSON
    Json,
}

impl Topology {
    /// Asks or compiles, and prints.
    pub(crate) fn run(self) -> Ended {
        let Self { format, judged } = self;
        match judged.place()? {
            Place::Server(asking) => {
                let accept = if format == Format::Json { "application/json" } else { "text/plain" };
                super::print(&asking.ask("/topology", &[], accept, &[StatusCode::OK])?.body)?;
            }
            Place::Here(source, settings) => {
                let inventory = source.read()?;
                let plan = plan::compile(&inventory, &settings);
                let topology = topology::Topology::of(&inventory, &settings, &plan);
                super::print(&match format {
                    Format::Mermaid => topology.mermaid(),
                    Format::Json => topology.json(),
                })?;
            }
        }
        Ok(Exit::Good)
    }
}
