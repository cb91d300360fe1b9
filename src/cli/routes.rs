//! `leeward routes`: what is routed and what is not, from a running service or straight from an engine.

use clap::Args;
use hyper::StatusCode;
use leeward::plan;
use leeward::report::routes::Listing;

use super::judged::{Judged, Place};
use super::output::Output;
use super::{Ended, Exit};

/// List what is routed and where to; what is refused, why, and the remedy
///
/// Exit status: 0 the list was printed, also if it holds refusals; 2 a setting is invalid; 3 there is no list. For a
/// status that depends on what was found, use `leeward explain`, `leeward audit` or `leeward check`.
#[derive(Args, Debug)]
pub(crate) struct Routes {
    #[command(flatten)]
    output: Output,

    /// Also list the containers that do not ask to be routed
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    judged: Judged,
}

impl Routes {
    /// Asks or compiles, and prints.
    pub(crate) fn run(self) -> Ended {
        let Self { output, all, judged } = self;
        let json = output.json();
        let asked = judged.asked();
        match judged.place()? {
            Place::Server(asking) => {
                let accept = if json { "application/json" } else { "text/plain" };
                let own: &[(&str, &str)] = if all { &[("all", "true")] } else { &[] };
                super::print(&asking.ask("/routes", own, accept, &[StatusCode::OK])?.body)?;
            }
            Place::Here(source, settings) => {
                let inventory = source.read()?;
                let plan = plan::compile(&inventory, &settings);
                let listing = Listing::new(&plan, None, all);
                super::print(&if json { listing.json() } else { listing.text_asked(&asked) })?;
            }
        }
        Ok(Exit::Good)
    }
}
