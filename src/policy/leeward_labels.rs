//! Leeward's own labels, and those that only look so: a binding that is misspelt binds nothing, and nobody notices.

use std::collections::BTreeMap;

use crate::traefik::labels::suggest;

/// The label by which the operator allows rules by their ids: on a container for it alone, on a network for what
/// is found about that network. Its value: `NET-001,PRV-016`.
pub const ALLOW: &str = "leeward.allow";
/// The network's label that binds hosts to it: `app1.example.com,*.app1.example.com`; `*` is every host.
pub const HOSTS: &str = "leeward.hosts";
/// The label that makes the baked-in `traefik.*` labels of one container count; its value is `honor`.
pub const IMAGE_LABELS: &str = "leeward.image-labels";
/// The label that makes a network a proxy network; its value is `true`.
pub const PROXY: &str = "leeward.proxy";
/// The label that declares a container to be a Traefik; its value is `true`.
pub const TRAEFIK: &str = "leeward.traefik";

/// The label that declares a container to be an egress Traefik; its value is `true`. With `proxy`, a forward proxy.
pub const EGRESS: &str = "leeward.egress";
/// The label that allows outbound names: on a container for it, on a network for the isolated containers on it. Its value:
/// `api.github.com:443,smtp.example.com:587`.
pub const OUTBOUND: &str = "leeward.outbound";

/// What `leeward.egress` says of a forward proxy, and `leeward.outbound` of a container that may use it.
pub const PROXIED: &str = "proxy";

/// What they begin with.
const OURS: &str = "leeward.";
/// On a container.
const ON_CONTAINERS: [&str; 5] = [ALLOW, EGRESS, IMAGE_LABELS, OUTBOUND, TRAEFIK];
/// On a network.
const ON_NETWORKS: [&str; 4] = [ALLOW, HOSTS, OUTBOUND, PROXY];

/// Whether a label's value says yes.
pub fn is_true(value: &str) -> bool {
    matches!(value, "true" | "1" | "True" | "TRUE" | "t" | "T")
}

/// What is wrong with a label of Leeward's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Odd {
    /// Its value is neither true nor false.
    NotBoolean(String),
    /// Its value is not the only one that it has.
    NotHonor(String),
    /// It belongs on a network.
    OfNetworks,
    /// It belongs on a container.
    OfContainers,
    /// There is none of this name; the nearest there is.
    Unknown(Option<&'static str>),
}

/// What is wrong with a container's labels of Leeward's, by key.
pub(crate) fn on_container(labels: &BTreeMap<String, String>) -> Vec<(&str, Odd)> {
    odd(labels, &ON_CONTAINERS, &ON_NETWORKS, &Odd::OfNetworks)
}

/// What is wrong with a network's.
pub(crate) fn on_network(labels: &BTreeMap<String, String>) -> Vec<(&str, Odd)> {
    odd(labels, &ON_NETWORKS, &ON_CONTAINERS, &Odd::OfContainers)
}

fn odd<'a>(
    labels: &'a BTreeMap<String, String>,
    here: &[&'static str],
    elsewhere: &[&str],
    of_those: &Odd,
) -> Vec<(&'a str, Odd)> {
    let is_ours = |key: &str| key.get(..OURS.len()).is_some_and(|start| start.eq_ignore_ascii_case(OURS));
    let mut found = Vec::new();
    for (key, value) in labels.iter().filter(|(key, _)| is_ours(key)) {
        let key = key.as_str();
        let odd = if here.contains(&key) {
            let flag = matches!(key, EGRESS | TRAEFIK | PROXY);
            let plain = is_true(value) || matches!(value.as_str(), "false" | "0" | "False" | "FALSE" | "f" | "F");
            let plain = plain || (key == EGRESS && value == PROXIED);
            let trusts = key == IMAGE_LABELS && value != "honor";
            match (flag && !plain, trusts) {
                (true, _) => Odd::NotBoolean(value.clone()),
                (_, true) => Odd::NotHonor(value.clone()),
                (false, false) => continue,
            }
        } else if elsewhere.contains(&key) {
            of_those.clone()
        } else {
            let nearest = suggest::nearest(
                key.get(OURS.len()..).unwrap_or_default(),
                here.iter().filter_map(|known| known.strip_prefix(OURS)),
            );
            Odd::Unknown(nearest)
        };
        found.push((key, odd));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::words;

    type Judge = fn(&BTreeMap<String, String>) -> Vec<(&str, Odd)>;

    #[track_caller]
    fn check(found: Judge, key: &str, value: &str, wanted: &str) {
        let labels = [(key.to_owned(), value.to_owned()), ("other".to_owned(), "x".to_owned())].into();
        let words: Vec<String> = found(&labels).into_iter().map(|(_, odd)| words::label::odd(&odd)).collect();
        assert_eq!(words.join(" "), wanted);
    }

    #[test]
    fn a_label_that_means_nothing_is_said() {
        for (key, meant) in [
            ("leeward.host", "leeward.hosts"),
            ("leeward.hotss", "leeward.hosts"),
            ("Leeward.Hosts", "leeward.hosts"),
            ("leeward.poxy", "leeward.proxy"),
        ] {
            check(on_network, key, "true", &format!("Leeward has no label of this name; did you mean {meant}?"));
        }
        check(on_network, "leeward.x", "1", "Leeward has no label of this name");
        check(on_network, "leeward.egress", "true", "this label belongs on a container, and has no effect here");
        check(on_network, "leeward.traefik", "true", "this label belongs on a container, and has no effect here");
        check(on_container, "leeward.hosts", "a", "this label belongs on a network, and has no effect here");
        check(
            on_container,
            "leeward.alow",
            "NET-001",
            "Leeward has no label of this name; did you mean leeward.allow?",
        );
        check(on_container, "leeward.traefik", "yes", "`yes` is not true or false, and counts as false");
        check(on_container, "leeward.image-labels", "honour", "`honour` has no effect; the only value is honor");
        for (key, value) in [
            ("leeward.traefik", "true"),
            ("leeward.outbound", "a.example:443"),
            ("leeward.allow", "NET-001"),
            ("leewardx.y", ""),
        ] {
            check(on_container, key, value, "");
        }
        check(on_network, "leeward.hosts", "", "");
    }
}
