//! Constraints over labels.

/// A parsed `--constraints` expression. The default matches everything.
#[derive(Clone, Debug, Default)]
pub struct Constraint {}
