//! `leeward routes`: what is routed and what is not, from a running service or straight from an engine.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use hyper::StatusCode;
use leeward::plan;
use leeward::report::routes::Listing;

use super::client::Server;
use super::engine::Engine;
use super::output::Output;
use super::policy::Policy;
use super::{Ended, Exit};

/// How long a service may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

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
    server: Server,

    #[command(flatten)]
    engine: Engine,

    #[command(flatten)]
    policy: Policy,
}

impl Routes {
    /// Asks or compiles, and prints.
    pub(crate) fn run(self) -> Ended {
        let Self { output, all, server, engine, policy } = self;
        let json = output.json();
        if let Some(url) = server.server.clone() {
            let accept = if json { "application/json" } else { "text/plain" };
            let path = if all { "/routes?all=true" } else { "/routes" };
            let answer = super::block_on(async { Ok(server.ask(&url, path, accept, TIMEOUT).await?) })?;
            if answer.status != StatusCode::OK {
                return Err(anyhow!("{url} answered {}: {}", answer.status, answer.body.trim_end()).into());
            }
            super::print(&answer.body)?;
            return Ok(Exit::Good);
        }
        let source = engine.source()?;
        let settings = policy.settings()?;
        let inventory = source.read()?;
        let plan = plan::compile(&inventory, &settings);
        let listing = Listing::new(&plan, None, all);
        super::print(&if json { listing.json() } else { listing.text() })?;
        Ok(Exit::Good)
    }
}
