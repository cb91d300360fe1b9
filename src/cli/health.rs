//! `leeward health`: asks a running service whether it is ready.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hyper::{StatusCode, Uri};

use super::client::{Server, ask_socket};
use super::{Ended, Exit, Failure};

/// The service that is asked by default.
const HERE: &str = "http://127.0.0.1:9000";

/// Ask a running `serve` or `gate` whether it is ready, for health checks
///
/// Exit status: 0 ready; 1 not ready, or it cannot be reached, and the reason is printed; 2 a setting is invalid.
#[derive(Args, Debug)]
pub(crate) struct Health {
    #[command(flatten)]
    server: Server,

    /// Ask a gate at this socket instead, as unix:///run/leeward/engine.sock
    ///
    /// Not read from LEEWARD_ENGINE, which is the engine of `serve`.
    #[arg(long, value_name = "unix://PATH", value_parser = socket, conflicts_with = "server")]
    engine: Option<PathBuf>,

    /// Timeout of the answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "4", value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

impl Health {
    /// Asks, prints the reason if it is a no.
    pub(crate) fn run(self) -> Ended {
        let timeout = Duration::from_secs(self.timeout);
        let answer = super::block_on(async {
            if let Some(socket) = &self.engine {
                return Ok(ask_socket(socket, "/_ping", timeout).await?);
            }
            let server = self.server.server.clone().unwrap_or_else(|| Uri::from_static(HERE));
            Ok(self.server.ask(&server, "/readyz", "text/plain", timeout).await?)
        });
        // Docker knows two answers; that nobody is there is a no.
        let (exit, words) = match answer {
            Ok(answer) if answer.status == StatusCode::OK => (Exit::Good, answer.body),
            Ok(answer) => (Exit::No, format!("{}: {}", answer.status, answer.body)),
            Err(Failure::Failed(error)) => (Exit::No, format!("{error:#}")),
            Err(settings) => return Err(settings),
        };
        super::print(&format!("{}\n", words.trim_end()))?;
        Ok(exit)
    }
}

fn socket(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("unix://") {
        Some(path) if path.starts_with('/') => Ok(PathBuf::from(path)),
        Some(_) | None => Err("write the whole path, such as unix:///run/leeward/engine.sock".to_owned()),
    }
}
