//! `--log-level`, `--log-format`: what is logged to stderr, and how.

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::Layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

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
        let level = self.log_level.as_deref().filter(|level| !level.is_empty());
        let level = level.unwrap_or(if service { "info" } else { "warn" });
        let filter = filter(level).map_err(|wrong| {
            Failure::Settings(format!(
                "--log-level `{level}`: `{wrong}` is no level; say off, error, warn, info, debug or trace, or \
                 `info,leeward::docker=debug`"
            ))
        })?;
        let lines = Layer::new().with_writer(io::stderr);
        let log = tracing_subscriber::registry().with(filter);
        let started = match self.log_format {
            Format::Text => log.with(lines.with_ansi(io::stderr().is_terminal()).with_target(false)).try_init(),
            Format::Json => log.with(lines.json().flatten_event(true).with_current_span(false)).try_init(),
        };
        started.map_err(|error| Failure::Failed(anyhow::anyhow!(error)))
    }
}

/// Levels, one for everything and others by module; the part that is none, as an error.
///
/// No regular expressions: those of a full `EnvFilter` cost half a megabyte of memory to hold the word `info`.
fn filter(text: &str) -> Result<Targets, &str> {
    let mut filter = Targets::new();
    for part in text.split(',').map(str::trim) {
        let (module, level) = part.split_once('=').map_or((None, part), |(module, level)| (Some(module), level));
        let level: LevelFilter = level.parse().ok().filter(|_| !level.is_empty()).ok_or(part)?;
        filter = match module {
            None => filter.with_default(level),
            Some(module)
                if module.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':')) =>
            {
                filter.with_target(module, level)
            }
            Some(_) => return Err(part),
        };
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn levels_are_read_and_nothing_else() {
        let read = filter("info, leeward::docker=debug").unwrap();
        assert!(read.would_enable("leeward::docker::watch", &Level::DEBUG));
        assert!(read.would_enable("leeward::gate", &Level::INFO) && !read.would_enable("leeward::gate", &Level::DEBUG));
        assert!(!filter("off").unwrap().would_enable("leeward", &Level::ERROR));
        assert!(filter("WARN").unwrap().would_enable("leeward", &Level::WARN));
        for (text, wrong) in
            [("verbose", "verbose"), ("", ""), ("info,x", "x"), ("a[b]=info", "a[b]=info"), ("a=b", "a=b")]
        {
            assert_eq!(filter(text).unwrap_err(), wrong, "{text}");
        }
    }
}
