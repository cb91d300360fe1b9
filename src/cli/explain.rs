//! `leeward explain NAME`: why a container is, or is not, routed.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use hyper::StatusCode;
use leeward::net::percent::encoded;
use leeward::plan;
use leeward::report::explain;

use super::client::Server;
use super::engine::Engine;
use super::output::Output;
use super::policy::Policy;
use super::{Ended, Exit};

/// How long a service may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Show why a container is routed or not: each step, what it is based on, and the remedy
///
/// Exit status: 0 the container is routed or does not ask for it, or a router answers the host; 1 the container is
/// refused, no router answers the host, nothing has this name, or several containers have it; 2 a setting is invalid;
/// 3 there is no answer.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// A container's name or the start of its id, a Compose service (web, app1/web), or a host
    name: String,

    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    server: Server,

    #[command(flatten)]
    engine: Engine,

    #[command(flatten)]
    policy: Policy,
}

impl Explain {
    /// Asks or compiles, and prints.
    pub(crate) fn run(self) -> Ended {
        let Self { name, output, server, engine, policy } = self;
        let json = output.json();
        if let Some(url) = server.server.clone() {
            let accept = if json { "application/json" } else { "text/plain" };
            let path = format!("/explain/{}?fail-on=refused", encoded(&name));
            let answer = super::block_on(async { Ok(server.ask(&url, &path, accept, TIMEOUT).await?) })?;
            return match answer.status {
                StatusCode::OK => super::print(&answer.body).map(|()| Exit::Good),
                StatusCode::CONFLICT | StatusCode::NOT_FOUND | StatusCode::MULTIPLE_CHOICES => {
                    super::print(&answer.body).map(|()| Exit::No)
                }
                status => Err(anyhow!("{url} answered {status}: {}", answer.body.trim_end()).into()),
            };
        }
        let source = engine.source()?;
        let settings = policy.settings()?;
        let inventory = source.read()?;
        let plan = plan::compile(&inventory, &settings);
        let answer = explain::find(&plan, &name);
        super::print(&if json { answer.json() } else { answer.text() })?;
        Ok(if answer.is_no() { Exit::No } else { Exit::Good })
    }
}
