//! Rules, constraints and the default rule: Traefik's little languages, parsed and judged without Traefik.

pub mod constraint;
pub mod router;
pub mod template;
