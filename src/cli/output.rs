//! `--format`: how verbs that print one answer write it.

use clap::{Args, ValueEnum};

/// Flags of verbs that print text or JSON.
#[derive(Args, Debug)]
pub(crate) struct Output {
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,

    /// The same as `--format json`
    #[arg(long, hide = true)]
    json: bool,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text
    Table,
    /// JSON
    Json,
}

impl Output {
    /// Whether the answer is JSON.
    pub(crate) fn json(&self) -> bool {
        self.json || self.format == Format::Json
    }
}
