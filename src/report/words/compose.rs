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

/// A service that stays on `kept` and is put on a network of another project's. With `networks:` of its own it is not on
/// the project's default network any more.
pub(super) fn join(service: &str, kept: &[NetworkName], network: &NetworkName) -> String {
    let (keys, key, name) = (keys(kept.iter().chain([network])), key(network), &network.name);
    format!(
        "services:\n  {service}:\n    networks: [{keys}]\nnetworks:\n  {key}:\n    name: {name}\n    external: true"
    )
}

/// A service that stays on `kept` alone.
pub(super) fn stay(service: &str, kept: &[NetworkName]) -> String {
    format!("services:\n  {service}:\n    networks: [{}]", keys(kept))
}

/// A service that stays on `kept` and gets an internal network of its own, which Traefik has to join.
pub(super) fn own_network(service: &str, kept: &[NetworkName]) -> String {
    let mut keys = keys(kept);
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

fn key(network: &NetworkName) -> &str {
    network.key.as_deref().unwrap_or(&network.name)
}

fn keys<'a>(networks: impl IntoIterator<Item = &'a NetworkName>) -> String {
    networks.into_iter().map(key).collect::<Vec<_>>().join(", ")
}
