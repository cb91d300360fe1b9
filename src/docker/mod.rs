//! The engine: what it says of itself, of containers, networks, images and volumes, and when it changes.

pub mod facts;
pub mod swarm;
