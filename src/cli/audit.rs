//! `leeward audit`: every way in which the isolation is weaker than it looks.

use clap::{Args, ValueEnum};
use hyper::StatusCode;
use leeward::plan;
use leeward::policy::finding::Severity;
use leeward::report::audit;
use leeward::report::routes::warned;

use super::judged::{Judged, Place};
use super::{Ended, Exit};

/// List every way in which the isolation is weaker than it looks, worst first, with remedies
///
/// Exit status: 0 nothing is as bad as --fail-on; 1 something is; 2 a setting is invalid; 3 there is no answer. Allowed
/// findings (label leeward.allow) and findings that cannot be verified do not count. The rules are in docs/rules.md.
#[derive(Args, Debug)]
pub(crate) struct Audit {
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,

    /// Lowest severity that makes the exit status 1
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    fail_on: FailOn,

    #[command(flatten)]
    judged: Judged,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text
    Table,
    /// JSON
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// From which severity on findings make the verb fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Good to know
    Info,
    /// Hygiene
    Low,
    /// Needs several further steps to be used
    Medium,
    /// One step from a way out, or one owner against another
    High,
    /// A way out, the host, or the proxy itself
    Critical,
    /// The exit status is never 1
    Never,
}

impl FailOn {
    /// The severity, unless nothing fails.
    pub(crate) fn severity(self) -> Option<Severity> {
        match self {
            Self::Info => Some(Severity::Info),
            Self::Low => Some(Severity::Low),
            Self::Medium => Some(Severity::Medium),
            Self::High => Some(Severity::High),
            Self::Critical => Some(Severity::Critical),
            Self::Never => None,
        }
    }
}

impl Audit {
    /// Asks or compiles, and prints.
    pub(crate) fn run(self) -> Ended {
        let Self { format, fail_on, judged } = self;
        let asked = judged.asked();
        match judged.place()? {
            Place::Server(asking) => {
                let accept = match format {
                    Format::Table => "text/plain",
                    Format::Json => "application/json",
                    Format::Sarif => "application/sarif+json",
                };
                let own = fail_on.severity().map(|severity| ("fail-on", audit::word(severity)));
                // 409: the service found something that bad.
                let good = [StatusCode::OK, StatusCode::CONFLICT];
                let answer = asking.ask("/audit", own.as_slice(), accept, &good)?;
                super::print(&answer.body)?;
                Ok(if answer.status == StatusCode::CONFLICT { Exit::No } else { Exit::Good })
            }
            Place::Here(mut source, settings) => {
                source.options.test_door = true;
                let inventory = source.read()?;
                let plan = plan::compile(&inventory, &settings);
                let audit = audit::Audit::proposing(&plan, &inventory, &settings);
                super::print(&match format {
                    Format::Table => warned(&plan) + &audit.text_asked(&asked),
                    Format::Json => audit.json(),
                    Format::Sarif => audit.sarif(),
                })?;
                Ok(if fail_on.severity().is_some_and(|severity| audit.reaches(severity)) {
                    Exit::No
                } else {
                    Exit::Good
                })
            }
        }
    }
}
