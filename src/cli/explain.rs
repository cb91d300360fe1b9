//! `leeward explain NAME`: why a container is, or is not, routed.

use clap::Args;
use hyper::StatusCode;
use leeward::net::percent::encoded;
use leeward::plan;
use leeward::report::explain;
use leeward::report::routes::warned;

use super::judged::{Judged, Place};
use super::output::Output;
use super::{Ended, Exit};

/// Show why a container is routed or not: each step, what it is based on, and the remedy
///
/// Exit status: 0 the container is routed or does not ask for it, a router answers the host, or it is a rule; 1 the container is
/// refused, Traefik leaves out all of its routers, no router answers the host, nothing has this name, or several
/// containers have it; 2 a setting is invalid; 3 there is no answer.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// A container's name or the start of its id, a Compose service (web, app1/web) or project, a host, or a rule (NET-001)
    name: String,

    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    judged: Judged,
}

impl Explain {
    /// Asks or compiles, and prints.
    pub(crate) fn run(self) -> Ended {
        let Self { name, output, judged } = self;
        let json = output.json();
        let asked = judged.asked();
        match judged.place()? {
            Place::Server(asking) => {
                let accept = if json { "application/json" } else { "text/plain" };
                let noes = [StatusCode::CONFLICT, StatusCode::NOT_FOUND, StatusCode::MULTIPLE_CHOICES];
                let good = [&[StatusCode::OK], &noes[..]].concat();
                let path = format!("/explain/{}", encoded(&name));
                let answer = asking.ask(&path, &[("fail-on", "refused")], accept, &good)?;
                super::print(&answer.body)?;
                Ok(if noes.contains(&answer.status) { Exit::No } else { Exit::Good })
            }
            Place::Here(source, settings) => {
                let inventory = source.read()?;
                let plan = plan::compile(&inventory, &settings);
                let mut answer = explain::find(&plan, &name);
                answer.propose(&inventory, &settings, &plan);
                super::print(&if json { answer.json() } else { warned(&plan) + &answer.text_asked(&asked) })?;
                Ok(if answer.is_no() { Exit::No } else { Exit::Good })
            }
        }
    }
}
