//! What to change in a compose file, or by a command: with the names that the operator's own files use.

use crate::policy::cause::NetworkName;
use crate::report::asked::Asked;
use crate::report::quoting::{quoted, yaml_word};

/// What makes a network anew with something changed: `yaml` are lines below its key, `flags` those of
/// `docker network create`, both quoted where a stranger chose a part of them.
pub(super) fn network(NetworkName { name, key }: &NetworkName, yaml: &[&str], flags: &str) -> String {
    match key {
        Some(key) => {
            let lines = yaml.iter().fold(String::new(), |text, line| text + "\n    " + line);
            let key = yaml_word(key);
            format!(
                "networks:\n  {key}:{lines}\n(a network is recreated for it: docker compose down && docker compose up -d)"
            )
        }
        None => format!(
            "docker network rm {name} && docker network create {flags} {name}   # once nothing is on it; keep its other \
             flags",
            name = quoted(name)
        ),
    }
}

/// A container that needs other networks. What else of its project shares one with it has to move along, or its database is
/// not reached any more, so no snippet for it alone would do.
pub(super) fn other_networks(container: &str, asked: &Asked) -> String {
    format!(
        "{}   # prints the Compose files that change its networks, tried before they are shown",
        asked.fix(container)
    )
}
