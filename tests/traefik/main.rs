//! Documents before real Traefiks of every minor release: what they take, hold, serve and ask for.
//!
//! Takes minutes and needs `LEEWARD_TRAEFIK_DIR`, so `cargo test` does not run it and `cargo test --test traefik` does.
//! [`all_fields`]: every field. [`hostile`]: thousands of nasty worlds. [`beside`]: worlds that Traefik's own Docker provider
//! reads as well, from a stand-in [`engine`]. [`across`]: middlewares of other projects. [`catch_alls`]: routers that take everything. [`outward`]: what makes Traefik
//! ask elsewhere. [`stoppers`]: what keeps others' routes away. [`proxy`] is a Traefik that reads, [`live`] one that serves.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case that is not as it should be fails the test"
)]

mod across;
mod all_fields;
mod beside;
mod catch_alls;
#[path = "../support/dice.rs"]
mod dice;
#[expect(dead_code, reason = "it fails in tests/faults")]
#[path = "../support/engine.rs"]
mod engine;
#[path = "../support/eventually.rs"]
mod eventually;
#[path = "../support/all_fields.rs"]
mod every_field;
mod hostile;
#[path = "../support/inventory.rs"]
mod inventory;
#[path = "../support/left_out.rs"]
mod left_out;
mod live;
#[path = "../support/loopback.rs"]
mod loopback;
mod outward;
mod proxy;
#[expect(dead_code, reason = "it is itself judged in tests/labels")]
#[path = "../support/reader.rs"]
mod reader;
#[expect(dead_code, reason = "the recorded cases are judged in tests/labels")]
#[path = "../support/recorded.rs"]
mod recorded;
mod stoppers;
#[path = "../support/worlds.rs"]
mod worlds;
