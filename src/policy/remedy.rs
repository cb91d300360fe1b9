//! What to change, as a compose snippet or a command that can be pasted: with the names that the operator's own files
//! use.

use crate::inventory::Network;

/// The key by which a compose file knows a network: Compose wrote it on the network. `None`: Compose did not make it.
pub(super) fn key(network: &Network) -> Option<&str> {
    network.labels.get("com.docker.compose.network").map(String::as_str).filter(|key| !key.is_empty())
}

/// What makes a network anew with something changed: `yaml` are lines below its key, `flags` those of
/// `docker network create`.
pub(super) fn network(network: &Network, yaml: &[&str], flags: &str) -> String {
    let name = &network.name;
    match key(network) {
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

/// A service that stays on `kept` and is put on a network of another project's. With `networks:` of its own it is not on
/// the project's default network any more.
pub(super) fn join(service: &str, kept: &[&Network], network: &Network) -> String {
    let (keys, name) = (keys(kept.iter().copied().chain([network])), &network.name);
    let key = key(network).unwrap_or(name);
    format!(
        "services:\n  {service}:\n    networks: [{keys}]\nnetworks:\n  {key}:\n    name: {name}\n    external: true"
    )
}

/// A service that stays on `kept` alone.
pub(super) fn stay(service: &str, kept: &[&Network]) -> String {
    format!("services:\n  {service}:\n    networks: [{}]", keys(kept.iter().copied()))
}

fn keys<'a>(networks: impl Iterator<Item = &'a Network>) -> String {
    networks.map(|network| key(network).unwrap_or(&network.name)).collect::<Vec<_>>().join(", ")
}

/// A service that stays on `kept` and gets an internal network of its own, which Traefik has to join.
pub(super) fn own_network(service: &str, kept: &[&Network]) -> String {
    let mut keys = keys(kept.iter().copied());
    if !keys.is_empty() {
        keys.push_str(", ");
    }
    format!(
        "services:\n  {service}:\n    networks: [{keys}net-{service}]\nnetworks:\n  net-{service}:\n    \
         name: net-{service}\n    internal: true\n\
         and let Traefik join it: in its file, `net-{service}` in the service's `networks:`, and below `networks:` with \
         `external: true`"
    )
}
