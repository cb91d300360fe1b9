//! What to change in a compose file, or by a command: with the names that the operator's own files use.

use crate::policy::cause::NetworkName;

/// What makes a network anew with something changed: `yaml` are lines below its key, `flags` those of
/// `docker network create`.
pub(super) fn network(NetworkName { name, key }: &NetworkName, yaml: &[&str], flags: &str) -> String {
    match key {
        Some(key) => {
            let lines = yaml.iter().fold(String::new(), |text, line| text + "\n    " + line);
            format!(
                "networks:\n  {key}:{lines}\n(a network is made anew for it: docker compose down && docker compose up -d)"
            )
        }
        None => format!(
            "docker network rm {name} && docker network create {flags} {name}   # once nothing is on it; keep its other \
             flags"
        ),
    }
}

/// A service that stays on `kept` alone.
pub(super) fn stay(service: &str, kept: &[NetworkName]) -> String {
    format!("services:\n  {service}:\n    networks: [{}]", keys(kept))
}

/// A service that needs other networks. What else of its project shares one with it has to move along, or its database is
/// not reached any more, so no snippet for it alone would do.
pub(super) fn other_networks(service: &str) -> String {
    format!(
        "`leeward fix` writes the files for it, tried before they are shown: it puts `{service}` and those of its project \
         that share a network with it on an internal one, and `{service}` on a network with Traefik that is the project's own"
    )
}

fn key(network: &NetworkName) -> &str {
    network.key.as_deref().unwrap_or(&network.name)
}

fn keys<'a>(networks: impl IntoIterator<Item = &'a NetworkName>) -> String {
    networks.into_iter().map(key).collect::<Vec<_>>().join(", ")
}
