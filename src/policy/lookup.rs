//! Names that Traefik looks up itself: of a middleware's address, on every network that it is on.

use std::collections::BTreeMap;

use super::names::Owner;
use super::world::World;
use crate::dynamic::Dynamic;
use crate::inventory::Container;

/// What stands against the names in a container's forwardAuth addresses: several owners answer to them (LBL-017).
///
/// The engine's DNS asks the networks of the one who asks in an order of its own, so whichever is found first decides who
/// may come in, and sees every visitor's cookies. A name with its network behind it (`authelia.net-auth`), and one that is
/// no container's, is passed over.
/// Gives the middleware's name, and words.
pub(super) fn shared_names(container: &Container, dynamic: &Dynamic, world: &World<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (middleware, it) in &dynamic.http.middlewares {
        let Some(host) = it.forward_auth.as_ref().and_then(|auth| host(auth.address.as_deref()?)) else { continue };
        let mut answers: BTreeMap<&Owner, String> = BTreeMap::new();
        let traefiks = world.everybody().filter(|(resident, _)| resident.is_traefik);
        for edge in traefiks.flat_map(|(_, namespace)| &namespace.edges) {
            let (Some(network), Some(place)) = (edge.network, edge.place) else { continue };
            for member in world.namespaces.members(place) {
                let called = member.attachment.aliases.contains(host) || member.container.name == host;
                if let Some(resident) = world.residents.get(member.at).filter(|_| called) {
                    let place = || format!("`{}` on `{}`", member.container.name, network.name);
                    answers.entry(&resident.owner).or_insert_with(place);
                }
            }
        }
        if answers.len() > 1 {
            let places: Vec<String> = answers.into_values().collect();
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
