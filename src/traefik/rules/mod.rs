//! Rules, constraints and the default rule: Traefik's little languages, parsed and judged without Traefik.

pub mod constraint;
mod expression;
pub(crate) mod go_regex;
mod host_set;
pub mod router;
pub mod template;

#[cfg(test)]
mod tests;
