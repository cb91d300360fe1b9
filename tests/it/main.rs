//! Integration tests: the real binary, real processes, real sockets.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]
#![expect(clippy::let_underscore_must_use, reason = "whether the other side is gone shows in what it answered")]

mod asking;
mod check;
mod contract;
mod crowd;
mod default_certificate;
#[expect(dead_code, reason = "how it fails and changes")]
#[path = "../support/engine.rs"]
mod engine;
#[path = "../support/eventually.rs"]
mod eventually;
mod gate;
#[path = "../support/left_out.rs"]
mod left_out;
#[path = "../support/loopback.rs"]
mod loopback;
mod metrics;
mod pasted;
mod printed;
mod protected;
mod serving;
mod settings;
mod snapshot;
mod tls;
