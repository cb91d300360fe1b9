//! What a container may be and may claim: isolation, names, references, hosts. Pure; every answer has its reason.
//!
//! In the order of the steps: [`provenance`] tells the operator's labels from the image's, [`rules`] judges the
//! isolation over [`namespaces`], [`proxy`] picks the network, [`claims`] judges what the labels ask for
//! ([`references`], [`hosts`]) and which names Traefik would look up for it ([`lookup`]), [`names`] says whose it all is.
//! [`world`] holds the facts they share, [`resident`] those of one container, [`own_labels`] names the labels that
//! Leeward reads itself and finds the misspelt ones, [`remedy`] writes what to change.

pub mod claims;
pub mod finding;
pub mod hosts;
pub mod lookup;
pub mod names;
pub mod namespaces;
pub mod own_labels;
pub mod provenance;
pub mod proxy;
pub mod references;
pub mod refusal;
mod remedy;
pub mod resident;
pub mod rules;
pub(crate) mod words;
pub mod world;
