//! From what somebody wrote down to an [`Inventory`](crate::inventory::Inventory): an engine's JSON, a Compose project, a
//! snapshot. Pure but for [`snapshot`], which reads and writes its file.

pub mod compose;
pub mod facts;
pub mod lines;
pub mod snapshot;
pub mod swarm;

pub(crate) mod json;
pub(crate) mod pieces;

/// The most of one container, network, image or volume that is read, in bytes, unless the operator says otherwise.
pub const OBJECT_BYTES: usize = 2 << 20;

/// The longest name of a container, network or volume, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Whether a word is an id or a name of the engine's, and can stand in a path: never a dot segment, never empty.
///
/// Shape: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`, at most 255 bytes. Source: moby `daemon/names`, `RestrictedNameChars`.
pub(crate) fn is_name(word: &str) -> bool {
    word.len() <= MAX_NAME_BYTES
        && word.starts_with(|first: char| first.is_ascii_alphanumeric())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}
