//! From what somebody wrote down to an [`Inventory`](crate::inventory::Inventory): an engine's JSON, a Compose project, a
//! snapshot. Pure but for [`snapshot`], which reads and writes its file.

pub mod compose;
pub mod facts;
pub mod snapshot;
pub mod swarm;

pub(crate) mod json;
pub(crate) mod pieces;

/// The most of one container, network, image or volume that is read, in bytes, unless the operator says otherwise.
pub const OBJECT_BYTES: usize = 2 << 20;
