//! The gate as a process between clients that attack it and an engine that writes down every byte it is sent.

mod attacks;
mod bounds;
mod crowds;
mod docs;
mod engine;
pub(crate) mod house;
mod memory;
mod process;
