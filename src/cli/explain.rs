//! `leeward explain NAME`: why a container is, or is not, routed.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use hyper::StatusCode;
use leeward::plan;
use leeward::report::explain;

use super::client::Server;
use super::engine::Engine;
use super::policy::Policy;
use super::{Ended, Exit};

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Say why a container is, or is not, routed: each step, what it was judged on, and what to change
///
/// Exit status 1: there is no such container, service or host, or there are several.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// A container's name, the beginning of its id, a Compose service (web, app1/web), or a host
    name: String,

    /// Write JSON
    #[arg(long)]
    json: bool,

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
        let Self { name, json, server, engine, policy } = self;
        if let Some(url) = server.server.clone() {
            let accept = if json { "application/json" } else { "text/plain" };
            let path = format!("/explain/{}", encoded(&name));
            let answer = super::block_on(async { Ok(server.ask(&url, &path, accept, PATIENCE).await?) })?;
            return match answer.status {
                StatusCode::OK => super::print(&answer.body).map(|()| Exit::Good),
                StatusCode::NOT_FOUND | StatusCode::MULTIPLE_CHOICES => super::print(&answer.body).map(|()| Exit::No),
                status => Err(anyhow!("{url} answered {status}: {}", answer.body.trim_end()).into()),
            };
        }
        let source = engine.source()?;
        let settings = policy.settings();
        let inventory = source.read()?;
        let plan = plan::compile(&inventory, &settings);
        let answer = explain::find(&plan, &name);
        super::print(&if json { answer.json() } else { answer.text() })?;
        Ok(if answer.is_found() { Exit::Good } else { Exit::No })
    }
}

/// A name as one segment of a path.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
