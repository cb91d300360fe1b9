//! What a container may be and may claim: isolation, names, references, hosts. Pure; every answer has its reason.

pub mod finding;
pub mod refusal;
