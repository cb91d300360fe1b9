//! A plan as people and programs read it: tables, explanations, JSON, SARIF.
//!
//! ```text
//! routes     what is routed and where to, what is refused and why
//! explain    the same for one container or one host, step by step
//! outbound   which names outside containers may reach
//! asked      where an answer was read, for the commands in it
//! audit      what the rules found, as a table and JSON
//! check      all of it for Compose projects, with lines of their files
//! fix        what to change: a summary, Compose override files, commands
//! proposal   what to do about one container: the ways there are, each tried
//! placed     where in those files a finding or a refusal has its reason
//! rule       one rule, explained
//! sarif      findings and refusals for code scanning
//! codes      what refusals without a rule are about
//! words      causes in words: what was seen, and what to change
//! json       the same, for programs
//! topology   who can talk to whom, as JSON and as a Mermaid flowchart; picture: as SVG
//! page       all of it for a browser
//! quoting    words of strangers in commands and files
//! table      columns for a terminal
//! visible    what strangers wrote, escaped and cut; JSON
//! ```
//!
//! Pure: a view is a function of a plan. `serve` and `cli` send and print them.

pub mod asked;
pub mod audit;
pub mod check;
pub mod codes;
pub mod explain;
pub mod fix;
mod json;
pub mod outbound;
pub mod page;
pub mod picture;
pub mod placed;
pub mod proposal;
pub mod quoting;
pub mod redact;
pub mod routes;
pub mod rule;
pub mod sarif;
pub mod table;
pub mod topology;
pub mod visible;
pub mod words;
