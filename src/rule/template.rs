//! The default rule: a Go text/template with sprig's text functions.

/// A parsed `--default-rule`. The default is Traefik's.
#[derive(Clone, Debug, Default)]
pub struct DefaultRule {}
