//! Labels in, a document out, held against what Traefik was seen to do; nothing but Rust is needed.
//!
//! [`vectors`]: recorded cases. [`schema`]: every field. [`all_fields`]: every field in one document. [`hostile`]: thousands
//! of nasty worlds. How Traefik reads a document is a model (`support/reader.rs`), itself held against recorded bodies;
//! `tests/traefik` asks Traefik itself.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case that is not as it should be fails the test"
)]

mod all_fields;
#[path = "../support/dice.rs"]
mod dice;
#[path = "../support/all_fields.rs"]
mod every_field;
mod hostile;
#[path = "../support/inventory.rs"]
mod inventory;
#[path = "../support/reader.rs"]
mod reader;
#[path = "../support/recorded.rs"]
mod recorded;
mod schema;
mod vectors;
#[path = "../support/worlds.rs"]
mod worlds;
