//! `--log-level`, `--log-format`: what is logged to stderr, and how.

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use tracing_subscriber::filter::EnvFilter;

use super::Failure;

/// Flags of every verb.
#[derive(Args, Debug)]
pub(crate) struct Log {
    /// What to log to stderr: error, warn, info, debug, trace, or a filter such as `info,leeward::docker=debug`
    /// [default: info for serve and gate, warn for the others]
    #[arg(
        long,
        global = true,
        env = "LEEWARD_LOG",
        hide_env_values = true,
        value_name = "LEVEL",
        help_heading = "Logging"
    )]
    log_level: Option<String>,

    /// How to write it
    #[arg(
        long,
        global = true,
        env = "LEEWARD_LOG_FORMAT",
        hide_env_values = true,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Logging"
    )]
    log_format: Format,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl Log {
    /// Starts logging; from here on `tracing` reaches stderr.
    pub(crate) fn start(&self, service: bool) -> Result<(), Failure> {
        let level = self.log_level.as_deref().unwrap_or(if service { "info" } else { "warn" });
        let filter = EnvFilter::builder().parse(level).map_err(|error| {
            Failure::Settings(format!("--log-level `{level}`: {error}; say error, warn, info, debug or trace"))
        })?;
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
        let started = match self.log_format {
            Format::Text => lines.with_ansi(io::stderr().is_terminal()).with_target(false).try_init(),
            Format::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
        };
        started.map_err(|error| Failure::Failed(anyhow::anyhow!(error)))
    }
}
