//! Labels in, a document out, held against what Traefik was seen to do and against Traefik itself.
//!
//! [`vectors`]: recorded cases. [`schema`]: every field. [`all_fields`]: every field in one document, for a real Traefik.
//! [`hostile`]: thousands of nasty worlds. [`beside`]: worlds that Traefik's own Docker provider reads as well, from
//! [`engine`]. [`catch_alls`]: routers that take everything, before a real Traefik. [`proxy`] is the real Traefik; [`reader`] is a model of how Traefik reads a document, itself held against
//! recorded bodies. [`dice`] makes worlds from numbers.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case that is not as it should be fails the test"
)]

mod all_fields;
mod beside;
mod catch_alls;
mod dice;
mod engine;
mod hostile;
#[path = "../support/inventory.rs"]
mod inventory;
#[path = "../left_out/mod.rs"]
mod left_out;
mod live;
mod outward;
mod proxy;
mod reader;
mod recorded;
mod schema;
mod stoppers;
mod vectors;
