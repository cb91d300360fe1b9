//! NET-009: why a container is reached on no network.

use super::{About, compose, listed};
use crate::policy::leeward_labels::TRAEFIK;
use crate::policy::proxy::{Cause, How, NotReached, Nowhere};
use crate::report::quoting::{quoted, yaml_word};

pub(super) fn words(cause: &Cause, About { label, .. }: About<'_>) -> String {
    match cause {
        Cause::NotReached { container, why, .. } => match why {
            NotReached::Elsewhere { wanted, on } => {
                let on = listed(on);
                format!("label `{label}` names `{wanted}`, which `{container}` is not on; it is on {on}")
            }
            NotReached::NoProxy(network) => format!("label `{label}` names `{network}`, which is no proxy network"),
            NotReached::None { on, how } => {
                let none = match how {
                    How::Flag => "none of these is named by --proxy-network",
                    How::Label => "none of these is labelled `leeward.proxy=true`",
                    How::Shared => "none of these is an internal network that Traefik shares with applications",
                    How::Internal => "none of these is internal",
                };
                format!("`{container}` is on {}, and {none}", listed(on))
            }
            NotReached::NoTraefik(networks) => {
                format!("no declared Traefik is on {}, the proxy network of `{container}`", listed(networks))
            }
        },
        Cause::NoAddress { container, networks, .. } => format!("`{container}` has no address on {}", listed(networks)),
        Cause::Several { container, networks, absent, .. } => {
            let why = if absent.is_empty() {
                "nothing says on which of them Traefik is".to_owned()
            } else {
                format!("no container is called {}, as --traefik says", listed(absent))
            };
            format!("`{container}` is on several internal networks ({}), and {why}", listed(networks))
        }
        Cause::Nowhere { container, why, .. } => match why {
            Nowhere::Host => format!("`{container}` uses the host's own network and has no address of its own"),
            Nowhere::Broken => format!("`{container}` has no network that works"),
            Nowhere::None => format!("`{container}` is on no network"),
        },
    }
}

pub(super) fn remedy(cause: &Cause, About { asked, .. }: About<'_>) -> String {
    match cause {
        Cause::NoAddress { container, first, .. } => format!(
            "wait until it has started; if it stays so: docker network disconnect {first} {container}; docker network \
             connect {first} {container}",
            first = quoted(first),
            container = quoted(container)
        ),
        Cause::Several { absent, .. } if !absent.is_empty() => {
            "name the container that is Traefik: --traefik NAME (LEEWARD_TRAEFIK=NAME)".to_owned()
        }
        Cause::Several { first, .. } => format!(
            "declare Traefik, on its own container:\nlabels:\n  {TRAEFIK}: \"true\"\n\
             or name the proxy network: --proxy-network {first} (LEEWARD_PROXY_NETWORK={first})\n\
             or for this container alone:\nlabels:\n  traefik.docker.network: {}",
            yaml_word(first),
            first = quoted(first)
        ),
        Cause::Nowhere { container, why: Nowhere::Host } => {
            format!("see NET-002; the choices: {}", asked.explain(container))
        }
        Cause::NotReached { container, .. } | Cause::Nowhere { container, .. } => {
            compose::other_networks(container, asked)
        }
    }
}
