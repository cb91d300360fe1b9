//! The part of the remedies that mends one reason against one service, for tools that apply one fix at a time.

use std::collections::BTreeSet;

use super::edit::{Change, Edit, What};
use super::names::is_made_for;
use super::remedies::Remedies;
use crate::policy::names::Owner;
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId as R;

/// The edits without which a service of `owner` stays refused for this reason: of the service itself, of those that move along
/// with it, and Traefik's part where it needs a network.
pub fn part(remedies: &Remedies, owner: &Owner, service: &str, refusal: &Refusal) -> Remedies {
    let mut part = remedies.clone();
    let aspect = Aspect::of(refusal);
    part.owners.retain(|it| it.owner == *owner);
    for remedy in &mut part.owners {
        let others = remedy.verdicts.iter().map(|it| it.service.as_str()).filter(|name| *name != service);
        let others: BTreeSet<&str> = others.collect();
        remedy.edits.retain(|edit| aspect.has(owner, service, &others, &edit.what));
    }
    let own = part.owners.iter().flat_map(|remedy| &remedy.edits);
    let joined: BTreeSet<String> = own
        .filter_map(|edit| match &edit.what {
            What::Service { change: Change::Attach(entry), .. } => Some(entry.network.clone()),
            _ => None,
        })
        .collect();
    part.traefik.retain(|Edit { what, .. }| match what {
        What::Network(network) => joined.contains(&network.name),
        What::Service { change: Change::Attach(entry), .. } => joined.contains(&entry.network),
        // Without it Traefik is not known, and neither is any network of its.
        What::Service { change: Change::Label { .. }, .. } => !joined.is_empty(),
        What::Service { .. } | What::Bind(_) => false,
    });
    part
}

/// What of a service a reason is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aspect {
    /// That Traefik reaches it on none of its networks.
    Proxy,
    /// Its networks.
    Networks,
    /// What it may do.
    Rule(R),
}

impl Aspect {
    fn of(refusal: &Refusal) -> Self {
        match (refusal.code, refusal.rule) {
            (Code::NoProxyNetwork, _) | (_, Some(R::Net009)) => Self::Proxy,
            (
                _,
                Some(
                    rule @ (R::Pub001
                    | R::Pub002
                    | R::Pub003
                    | R::Net012
                    | R::Net013
                    | R::Net014
                    | R::Prv001
                    | R::Prv003
                    | R::Prv005
                    | R::Prv007
                    | R::Prv012
                    | R::Prv013
                    | R::Prv015),
                ),
            ) => Self::Rule(rule),
            _ => Self::Networks,
        }
    }

    /// `others`: the services that ask for a route too.
    fn has(self, owner: &Owner, service: &str, others: &BTreeSet<&str>, what: &What) -> bool {
        let (name, change) = match what {
            What::Service { name, change } => (name, change),
            What::Network(network) => return self == Self::Networks || is_made_for(owner, &network.name),
            What::Bind(_) => return false,
        };
        match (self, change) {
            // A Traefik of the same project joins it too.
            (Self::Proxy, Change::Attach(entry)) => {
                !others.contains(name.as_str()) && is_made_for(owner, &entry.network)
            }
            (Self::Proxy | Self::Networks, Change::Label { key, .. }) => name == service && key.ends_with(".network"),
            (Self::Proxy | Self::Networks, Change::DropNetworkMode) => name == service,
            (Self::Networks, Change::Attach(_) | Change::Detach(_)) => true,
            (Self::Rule(rule), change) => name == service && is_for(rule, change),
            _ => false,
        }
    }
}

fn is_for(rule: R, change: &Change) -> bool {
    match change {
        Change::DropPorts { .. } => matches!(rule, R::Pub001 | R::Pub002 | R::Pub003),
        Change::Sysctl { .. } => rule == R::Net012,
        Change::DropCapability(_) => rule == R::Net013,
        Change::KeepCapability(_) => matches!(rule, R::Net013 | R::Net014 | R::Prv003),
        Change::DropPrivileged => matches!(rule, R::Prv001 | R::Net013),
        Change::DropPid => rule == R::Prv005,
        Change::DropIpc => rule == R::Prv007,
        Change::DropSecurity(_) => matches!(rule, R::Prv012 | R::Prv013 | R::Prv015),
        Change::Attach(_) | Change::Detach(_) | Change::DropNetworkMode | Change::Label { .. } => false,
    }
}
