//! What a container may be and may claim: isolation, names, references, hosts. Pure; every answer has its reason.
//!
//! In the order of the steps: [`image_labels`] tells the operator's labels from the image's, [`rules`] judges the
//! isolation over [`namespaces`], [`proxy`] picks the network, [`claims`] judges what the labels ask for
//! ([`references`], [`hosts`]) and which names Traefik would look up for it ([`forward_auth_names`]), [`names`] says whose it all is.
//! [`outbound`] judges which names outside a container may reach. [`rule_id`] is the closed set of the rules' ids,
//! [`context`] holds the facts they share, [`leeward_labels`] names the labels that Leeward reads itself and finds the
//! misspelt ones, [`cause`] says what was seen, as a value.

pub(crate) mod cause;
pub mod claims;
pub mod context;
pub mod finding;
pub mod forward_auth_names;
pub mod hosts;
pub mod image_labels;
pub mod leeward_labels;
pub mod names;
pub mod namespaces;
pub mod outbound;
pub mod proxy;
pub mod references;
pub mod refusal;
pub mod rule_id;
pub mod rules;
