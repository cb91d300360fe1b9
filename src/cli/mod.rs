//! The command line: one file a verb, and the groups of flags that verbs share. The only reader of argv and environment.
//!
//! A verb is a `clap` struct with `run(self) -> Ended`. It turns its flags into settings first, so that a bad one ends
//! the program (status 2) before anything is opened, bound or asked. A flag goes before its environment variable, that
//! before the default; an environment variable that is set but empty counts as not set.

mod audit;
mod check;
mod client;
mod engine;
mod environment;
mod explain;
mod fix;
mod folders;
mod gate;
mod health;
mod judged;
mod log;
mod output;
mod own_container;
#[cfg(test)]
mod pages;
mod policy;
mod probe;
mod routes;
mod serve;
mod snapshot;
mod topology;

use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use leeward::report::visible::visible_lines;
use tracing::warn;

/// What `--help` says below the verbs.
const EXIT_STATUS: &str = "\
Exit status:
  0  done; the answer is yes
  1  the answer is no: refused, not ready, or findings
  2  a flag or an environment variable is invalid
  3  failed: the engine or the service cannot be reached, a file cannot be read
  4  of fix alone: the changes are there, and a question is open

Every flag has an environment variable: --default-rule is LEEWARD_DEFAULT_RULE.";

/// What `-h` of a verb says below its flags.
const MORE: &str =
    "More flags and details: --help. Every flag has an environment variable: --engine is LEEWARD_ENGINE.";

/// What `--help` of a verb says below its flags.
const VARIABLES: &str = "\
Every flag has an environment variable: --default-rule is LEEWARD_DEFAULT_RULE. A flag goes before its variable. Flags that
are repeatable also take a list with commas.";

/// Configure Traefik from container labels, for isolated containers only
///
/// Leeward reads container labels through a read-only filter in front of the Docker socket, and serves them as the
/// configuration that Traefik's `providers.http` reads, for containers on internal networks only.
#[derive(Parser, Debug)]
#[command(name = "leeward", version, after_help = EXIT_STATUS, max_term_width = 100, disable_help_subcommand = true)]
struct Leeward {
    #[command(flatten)]
    log: log::Log,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    // Boxed: it has by far the most flags.
    Serve(Box<serve::Serve>),
    Gate(gate::Gate),
    Routes(Box<routes::Routes>),
    Explain(Box<explain::Explain>),
    Audit(Box<audit::Audit>),
    Check(Box<check::Check>),
    Fix(Box<fix::Fix>),
    Topology(Box<topology::Topology>),
    Probe(probe::Probe),
    Snapshot(snapshot::Snapshot),
    Health(health::Health),
}

/// How a verb ended, where it could do its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and the answer is yes.
    Good,
    /// Done, and the answer is no.
    No,
    /// Done, and there is a question for the operator.
    Open,
}

/// Why a verb could not do its job.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A flag or a variable is invalid: one line that names it and its value, and the remedy.
    Settings(String),
    /// Something outside did not do its part; the chain of causes is printed on one line.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What running a verb comes to.
pub(crate) type Ended = Result<Exit, Failure>;

/// The whole program.
pub(crate) fn main() -> ExitCode {
    let command = command();
    let unknown = environment::unknown(&command);
    let parsed = command.try_get_matches().and_then(|mut matches| Leeward::from_arg_matches_mut(&mut matches));
    let Leeward { log, verb } = match parsed {
        Ok(parsed) => parsed,
        // Also `--help` and `--version`, which are no errors and go to stdout.
        Err(error) => {
            let status = if error.use_stderr() { 2 } else { 0 };
            return if error.print().is_ok() { ExitCode::from(status) } else { ExitCode::from(3) };
        }
    };
    let ended = log.start(verb.is_service()).and_then(|()| {
        for words in &unknown {
            warn!("{words}");
        }
        verb.run()
    });
    let (status, words) = match ended {
        Ok(Exit::Good) => (0, None),
        Ok(Exit::No) => (1, None),
        Ok(Exit::Open) => (4, None),
        Err(Failure::Settings(words)) => (2, Some(words)),
        Err(Failure::Failed(error)) => (3, Some(format!("{error:#}"))),
    };
    if let Some(words) = words {
        // Nobody is left to tell if this fails.
        let _ = writeln!(io::stderr(), "leeward: {}", visible_lines(&words));
    }
    ExitCode::from(status)
}

impl Verb {
    fn run(self) -> Ended {
        match self {
            Self::Gate(verb) => verb.run(),
            Self::Serve(verb) => verb.run(),
            Self::Routes(verb) => verb.run(),
            Self::Explain(verb) => verb.run(),
            Self::Audit(verb) => verb.run(),
            Self::Check(verb) => verb.run(),
            Self::Fix(verb) => verb.run(),
            Self::Topology(verb) => verb.run(),
            Self::Probe(verb) => verb.run(),
            Self::Snapshot(verb) => verb.run(),
            Self::Health(verb) => verb.run(),
        }
    }

    /// Whether it runs until a signal stops it.
    fn is_service(&self) -> bool {
        match self {
            Self::Serve(_) | Self::Gate(_) => true,
            Self::Routes(_)
            | Self::Explain(_)
            | Self::Audit(_)
            | Self::Check(_)
            | Self::Fix(_)
            | Self::Topology(_)
            | Self::Probe(_)
            | Self::Snapshot(_)
            | Self::Health(_) => false,
        }
    }
}

/// Writes a verb's result to stdout. A reader that has seen enough (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Runs a verb that asks something once and ends.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// The command line, as the program reads it.
fn command() -> clap::Command {
    with_variables(Leeward::command()).mut_subcommands(|verb| verb.after_help(MORE).after_long_help(VARIABLES))
}

/// The same command, in which each flag also has the environment variable of its name: see [`variable`].
fn with_variables(command: clap::Command) -> clap::Command {
    let verb = command.get_name().to_owned();
    command
        .mut_args(|flag| match variable(&verb, flag.get_long()) {
            // What Compose writes for `${UNSET:-}`.
            Some(name) if std::env::var_os(&name).is_some_and(|value| value.is_empty()) => flag,
            Some(name) => flag.env(name).hide_env(true),
            None => flag,
        })
        .mut_subcommands(with_variables)
}

/// The environment variable of a verb's flag, as LEEWARD_DEFAULT_RULE for `--default-rule`.
fn variable(verb: &str, long: Option<&str>) -> Option<String> {
    match (verb, long?) {
        // The first four are no settings, but asked for this once. The last would read the engine of `serve`.
        (_, "help" | "version" | "json" | "all") | ("health", "engine") => None,
        // The short form that people know from `RUST_LOG`.
        (_, "log-level") => Some("LEEWARD_LOG".to_owned()),
        (_, long) => Some(format!("{}{}", environment::PREFIX, long.to_uppercase().replace('-', "_"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_has_the_environment_variable_of_its_name() {
        let name = |verb: &str, flag: &str| {
            let command = command();
            let verb = command.find_subcommand(verb).unwrap();
            let flag = verb.get_arguments().find(|it| it.get_long() == Some(flag)).unwrap();
            flag.get_env().map(|it| it.to_str().unwrap().to_owned())
        };
        for (verb, flag, wanted) in [
            ("serve", "default-rule", Some("LEEWARD_DEFAULT_RULE")),
            ("routes", "default-rule", Some("LEEWARD_DEFAULT_RULE")),
            ("gate", "engine", Some("LEEWARD_ENGINE")),
            ("probe", "neighbours", Some("LEEWARD_NEIGHBOURS")),
            ("health", "engine", None),
            ("routes", "json", None),
        ] {
            assert_eq!(name(verb, flag).as_deref(), wanted, "leeward {verb} --{flag}");
        }
    }
}
