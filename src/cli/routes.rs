//! `leeward routes`: what is routed and what is not, from a running service or straight from an engine.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use hyper::StatusCode;
use leeward::plan;
use leeward::report::routes::Listing;

use super::client::Server;
use super::engine::Engine;
use super::policy::Policy;
use super::{Ended, Exit};

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// List what is routed and where to; what is refused, why, and what to change
#[derive(Args, Debug)]
pub(crate) struct Routes {
    /// Write JSON
    #[arg(long)]
    json: bool,

    /// List the containers that do not ask, too
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
        let Self { json, all, server, engine, policy } = self;
        if let Some(url) = server.server.clone() {
            let accept = if json { "application/json" } else { "text/plain" };
            let path = if all { "/routes?all=true" } else { "/routes" };
            let answer = super::block_on(async { Ok(server.ask(&url, path, accept, PATIENCE).await?) })?;
            if answer.status != StatusCode::OK {
                return Err(anyhow!("{url} answered {}: {}", answer.status, answer.body.trim_end()).into());
            }
            super::print(&answer.body)?;
            return Ok(Exit::Good);
        }
        let source = engine.source()?;
        let settings = policy.settings();
        let inventory = source.read()?;
        let plan = plan::compile(&inventory, &settings);
        let listing = Listing::new(&plan, None, all);
        super::print(&if json { listing.json() } else { listing.text() })?;
        Ok(Exit::Good)
    }
}
