//! Names that Traefik looks up itself: of a middleware's address, on every network that it is on.

use std::collections::BTreeMap;

use super::names::Owner;
use super::world::World;
use crate::dynamic::Dynamic;
use crate::inventory::{Container, Network};

/// Who answers to a bare name on the networks that Traefik is on.
#[derive(Clone, Debug, Default)]
pub struct Answering<'a> {
    /// By name: an owner, a container of its own, and the network.
    by_name: BTreeMap<&'a str, Vec<(&'a Owner, &'a Container, &'a Network)>>,
}

impl<'a> Answering<'a> {
    /// Every name of every container there, its own and its aliases; nobody, where none of `declared` asks for a name.
    pub fn of(world: &'a World<'_>, mut declared: impl Iterator<Item = &'a Dynamic>) -> Self {
        let asks = |dynamic: &Dynamic| dynamic.http.middlewares.values().any(|it| it.forward_auth.is_some());
        if !declared.any(asks) {
            return Self::default();
        }
        let mut by_name: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let traefiks = world.everybody().filter(|(resident, _)| resident.is_traefik);
        for edge in traefiks.flat_map(|(_, namespace)| &namespace.edges) {
            let (Some(network), Some(place)) = (edge.network, edge.place) else { continue };
            for member in world.namespaces.members(place) {
                let Some(resident) = world.residents.get(member.at) else { continue };
                for name in member.attachment.aliases.iter().chain([&member.container.name]) {
                    by_name.entry(name).or_default().push((&resident.owner, member.container, network));
                }
            }
        }
        Self { by_name }
    }
}

/// What stands against the names in a container's forwardAuth addresses: several owners answer to them (LBL-017).
///
/// The engine's DNS asks the networks of the one who asks in an order of its own, so whichever is found first decides who
/// may come in, and sees every visitor's cookies. A name with its network behind it (`authelia.net-auth`), and one that is
/// no container's, is passed over.
/// Gives the middleware's name, and words.
pub(super) fn shared_names(
    container: &Container,
    dynamic: &Dynamic,
    answering: &Answering<'_>,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (middleware, it) in &dynamic.http.middlewares {
        let Some(host) = it.forward_auth.as_ref().and_then(|auth| host(auth.address.as_deref()?)) else { continue };
        let mut answers: BTreeMap<&Owner, (&str, &str)> = BTreeMap::new();
        for (owner, container, network) in answering.by_name.get(host).into_iter().flatten() {
            answers.entry(owner).or_insert((&container.name, &network.name));
        }
        if answers.len() > 1 {
            let places: Vec<String> =
                answers.into_values().map(|(container, network)| format!("`{container}` on `{network}`")).collect();
            let words = format!(
                "middleware `{middleware}` of `{}` asks `{host}`, and Traefik finds several of that name: {}",
                container.name,
                places.join(", ")
            );
            found.push((middleware.clone(), words));
        }
    }
    found
}

/// The host of an address, if it is a bare name.
fn host(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty() && !host.contains('.')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_names_are_looked_up_everywhere() {
        assert_eq!(host("http://authelia:9091/api/verify"), Some("authelia"));
        assert_eq!(host("https://u:p@auth/"), Some("auth"));
        for other in ["http://authelia.net-auth:9091", "http://172.30.0.2", "authelia:9091", "http:///x"] {
            assert_eq!(host(other), None, "{other}");
        }
    }
}
