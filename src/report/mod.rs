//! A plan as people and programs read it: tables, explanations, JSON, SARIF.
//!
//! ```text
//! routes     what is routed and where to, what is refused and why
//! explain    the same for one container or one host, step by step
//! audit      what the rules found, as a table, JSON and SARIF
//! table      columns for a terminal
//! visible    what strangers wrote, escaped and cut; JSON
//! ```
//!
//! Pure: a view is a function of a plan. `serve` and `cli` send and print them.

pub mod audit;
pub mod explain;
pub mod routes;
pub mod table;
pub mod visible;
