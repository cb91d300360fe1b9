//! Leeward: tells Traefik of containers that are really isolated, and of nothing else.
//!
//! A label's way, from Docker to the JSON that Traefik reads:
//!
//! ```text
//! source    the engine's answers, read leniently, one container at a time      -> Inventory
//! labels    flat labels -> tree -> typed Dynamic, or a Problem                  (pure)
//! policy    isolation, names, references, hosts: every claim gets one verdict   (pure)
//! plan      select, address, complete, join                                     (pure) -> Plan
//! remedy    what would have to change, tried and judged again                   (pure)
//! report    the plan as tables, explanations, JSON and SARIF                    (pure)
//! serve     encode once, compare, send only a change; Traefik and people ask
//! ```
//!
//! Beside that way: `gate`, the filter for the engine's socket; `probe`, which tries a network from inside; and `net`, what
//! these share at their sockets.
//!
//! The heart is one pure function, [`plan::compile`]. Imports run one way:
//! `cli -> serve, gate, probe, docker -> net, source, report -> remedy -> plan -> policy -> traefik, inventory, settings`.

pub mod budgets;
pub mod docker;
pub mod gate;
pub mod inventory;
pub mod net;
pub mod plan;
pub mod policy;
pub mod probe;
pub mod remedy;
pub mod report;
pub mod seccomp;
pub mod serve;
pub mod settings;
pub mod source;
pub mod traefik;
