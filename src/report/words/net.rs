//! NET: networks, and what a container may do on them.

use super::{About, compose, engine_name, label, listed};
use crate::policy::leeward_labels::ALLOW;
use crate::policy::namespaces::{Broken, WayOut};
use crate::policy::rule_id::RuleId;
use crate::policy::rules::net::{Cause, ClosedBy, GATEWAY_MODE_4, GATEWAY_MODE_6, INHIBIT, Power};
use crate::report::fix;
use crate::report::quoting::{quoted, yaml_word};
use crate::report::visible::visible;

/// What NET-013 says of every container under Podman.
pub(super) const PERHAPS_RAW_FRAMES: &str = "may send raw frames, if containers.conf gives NET_RAW to everybody";
/// And of every other.
pub(super) const RAW_FRAMES: &str = "may send raw frames: NET_RAW is not dropped";

pub(super) fn words(cause: &Cause, About { name, .. }: About<'_>) -> String {
    match cause {
        Cause::NotInternal(open) => {
            let not = if open.len() == 1 { "which is not internal" } else { "which are not internal" };
            format!("`{name}` is on {}, {not}", listed(open))
        }
        Cause::Unknown(networks) => {
            let on = listed(networks);
            format!("`{name}` is on {on}, of which the engine says nothing; it counts as not internal")
        }
        Cause::Host => format!("`{name}` uses the host's own network"),
        Cause::Broken(broken) => match broken {
            Broken::Gone(owner) => format!("`{name}` uses the network of `{owner}`, which does not exist"),
            Broken::Stopped(owner) => format!("`{name}` uses the network of `{owner}`, which is not running"),
            Broken::Restarted(owner) => {
                format!("`{name}` runs in an old, empty network of `{owner}`, which was started after it")
            }
            Broken::Undated(owner) => {
                format!("`{name}` uses the network of `{owner}`, and which was started first cannot be read")
            }
            Broken::TooDeep => {
                format!("`{name}` uses the network of a container that uses another's, more than four deep")
            }
        },
        Cause::Through { owner, way_out, network } => {
            let what = match way_out {
                WayOut::Host => "uses the host's own network".to_owned(),
                WayOut::NotInternal | WayOut::DefaultBridge => format!("is on `{network}`, not internal"),
                WayOut::Unknown => format!("is on `{network}`, of which the engine says nothing"),
                _ => format!("has a way out over `{network}`"),
            };
            format!("`{name}` uses the network of `{owner}`, which {what}")
        }
        Cause::DefaultBridge(networks) => {
            format!("`{name}` is on {}, the engine's default network, which is not internal", listed(networks))
        }
        Cause::Parent { network, driver, parent } => {
            format!("`{name}` is on `{network}`, a {driver} on the host's `{parent}`")
        }
        Cause::Driver { network, driver } => {
            format!("`{name}` is on `{network}`, whose driver `{driver}` is not known to keep anything in")
        }
        Cause::Ingress => format!("`{name}` is published through Swarm's ingress, which gives it a default route"),
        Cause::GatewayBridge => format!("`{name}` is also on `docker_gwbridge`, which its inspection does not show"),
        Cause::GatewayBridgeUnknown => format!(
            "`{name}` is on an overlay, and who is on `docker_gwbridge` could not be read; it counts as having a way out"
        ),
        Cause::Ipv6 { networks, engine } => {
            let (on, engine) = (listed(networks), engine_name(engine));
            format!("`{name}` is on {on}, internal, but with IPv6 on {engine}, which may not filter it")
        }
        Cause::Owners(owners) => {
            format!("`{name}` is the proxy network of {} owners: {}", owners.len(), listed(owners))
        }
        Cause::WaysOut { containers, first, over } => {
            let have = if containers.len() == 1 { "has a way out" } else { "have a way out" };
            format!("on `{name}`, {} {have} (`{first}` over `{over}`)", listed(containers))
        }
        Cause::Powerful { container, power, more } => {
            let power = match power {
                Power::Privileged => "is privileged",
                Power::Socket => "has the engine's socket",
            };
            let more = if *more > 0 { format!(" ({more} more have such power)") } else { String::new() };
            format!(
                "on `{name}`, `{container}` {power}{more}: whoever takes over an application there reaches it directly"
            )
        }
        Cause::Unread(container) => {
            format!("on `{name}`, `{container}` could not be read, and counts as having a way out")
        }
        Cause::Forwards { networks, asks } => {
            let says = if *asks { "forwards" } else { "may forward" };
            format!("`{name}` is on {} and {says} between them", listed(networks))
        }
        Cause::MayForward(networks) => {
            format!("`{name}` is on {}; Podman does not say whether it forwards between them", listed(networks))
        }
        Cause::RawFrames => format!("`{name}` {RAW_FRAMES}"),
        Cause::RawFramesPrivileged => format!("`{name}` may send raw frames: it is privileged"),
        Cause::MaySendRawFrames => format!("`{name}` {PERHAPS_RAW_FRAMES}"),
        Cause::Capability(capability) => format!("`{name}` has the capability {capability}"),
        Cause::GatewayAddress { closed_by: ClosedBy::Mode6, .. } => {
            format!("on `{name}` the host answers on the gateway's IPv6 address")
        }
        Cause::GatewayAddress { .. } => {
            format!("on `{name}` the host answers, at the gateway's address and at its others")
        }
        Cause::NoTraffic => format!("containers on `{name}` cannot reach each other, so Traefik cannot reach them"),
        Cause::Attachable => format!("`{name}` is an overlay that any container of the swarm may join"),
        Cause::Alias { alias, one, other, more } => {
            let more = if *more > 0 { format!("; so do {more} other names") } else { String::new() };
            format!("on `{name}` the name `{alias}` leads to `{one}` and to `{other}`, of different owners{more}")
        }
        Cause::ExtraHost(entry) => format!("`{name}` has the extra host `{entry}`"),
        Cause::Overlaps(other) => format!("the addresses of `{name}` overlap with those of `{other}`"),
        Cause::Wide(subnet) => format!("`{name}` has the subnet {subnet}, wider than /16"),
        Cause::Sysctl { key, value } => format!("`{name}` sets {key}={value}"),
        Cause::OddLabel { label, odd } => format!("`{name}` carries `{label}`: {}", label::odd(odd)),
        Cause::Bridge(bridge) => format!(
            "`{name}` is on the host's bridge `{bridge}`; what else is on its wire is not in what the engine shows"
        ),
        Cause::Assumed => format!(
            "`{name}` is external and was not given: whether it is internal, whether Traefik is on it and who else is on \
             it is not known"
        ),
        Cause::WithoutOverride { network, project, .. } => format!(
            "`{network}` is there for `{project}`, and `{name}` is not on it: it was started without compose.leeward.yaml"
        ),
        Cause::TraefikAssumed => format!(
            "Traefik was not given: whether it is on `{name}` is not known, and containers are reached nowhere else"
        ),
        Cause::OneSetting { loosened_by: None } => {
            format!("what keeps `{name}` in is one kernel setting of its bridge, which is easily reset")
        }
        Cause::OneSetting { loosened_by: Some(container) } => format!(
            "on `{name}`, `{container}` may add routes or send raw frames, and what keeps the network in is one kernel \
             setting"
        ),
    }
}

pub(super) fn remedy(cause: &Cause, About { name, service, asked, .. }: About<'_>) -> Option<String> {
    let service = &*yaml_word(service.unwrap_or(name));
    Some(match cause {
        Cause::NotInternal(_) | Cause::DefaultBridge(_) | Cause::Parent { .. } | Cause::Driver { .. } => {
            compose::other_networks(name, asked)
        }
        Cause::Host => format!(
            "if it does not need the network of the host: delete `network_mode: host`, start it again, and run: {}\n\
             if it does (docs/hard-cases.md#the-network-of-the-host), the choices: {}",
            asked.fix(name),
            asked.explain(name)
        ),
        Cause::Through { .. } => format!(
            "delete `network_mode: service:…` (or `container:…`) from the service, start it again, and run: {}\n\
             if it has to stay on that network (docs/hard-cases.md#behind-a-vpn-container), the choices: {}",
            asked.fix(name),
            asked.explain(name)
        ),
        Cause::Capability(capability) => format!(
            "delete {} from `cap_add`; or, if it makes a VPN or a firewall, which needs it \
             (docs/hard-cases.md#behind-a-vpn-container): do not route it, or allow it:\nlabels:\n  {ALLOW}: {}",
            visible(capability),
            RuleId::Net014
        ),
        Cause::ExtraHost(entry) => format!("delete `{}` from `extra_hosts`", visible(entry)),
        Cause::Sysctl { key, .. } => format!("delete `{}` from `sysctls`", visible(key)),
        Cause::Unknown(_) => "wait for the next inventory; if it stays, look at `docker network ls`, and let \
                              `GET /networks` through where a filter stands before the engine"
            .to_owned(),
        Cause::Broken(Broken::Stopped(owner)) => {
            format!("docker start {} && docker restart {}", quoted(owner), quoted(name))
        }
        Cause::Broken(Broken::Restarted(owner) | Broken::Undated(owner)) => {
            format!(
                "docker restart {}   # after `{}`; in compose: depends_on with restart: true",
                quoted(name),
                visible(owner)
            )
        }
        Cause::WaysOut { first, over, .. } => format!(
            "docker network disconnect {over} {first}   # and take {over} out of its `networks:`\n\
             or take {first} off {}; if it is your Traefik, say so on its container:\nlabels:\n  leeward.traefik: \"true\"",
            quoted(name),
            over = quoted(over),
            first = quoted(first)
        ),
        Cause::Powerful { container, .. } => format!(
            "docker network disconnect {network} {container}   # and take {network} out of its `networks:`; put it on another network, \
             with those alone that have to reach it\n\
             or, if it belongs there, accept it with the network's label {ALLOW}={}",
            RuleId::Net030,
            network = quoted(name),
            container = quoted(container)
        ),
        Cause::Unread(container) => format!("look at it with: docker inspect {}", quoted(container)),
        Cause::RawFramesPrivileged => {
            "delete `privileged: true`; as long as it is there, `cap_drop` changes nothing".to_owned()
        }
        Cause::Forwards { asks: true, .. } => format!(
            "{}\nin place of every setting there that turns forwarding on",
            RuleId::Net012.rule().fix_for(Some(service))
        ),
        Cause::Forwards { .. } => RuleId::Net012.rule().fix_for(Some(service)).into_owned(),
        Cause::MayForward(_) => format!(
            "{}\ncheck it with: podman exec {} cat /proc/sys/net/ipv4/ip_forward",
            RuleId::Net012.rule().fix_for(Some(service)),
            quoted(name)
        ),
        Cause::OneSetting { loosened_by: Some(container) } => format!(
            "take NET_RAW, NET_ADMIN and ALL out of `cap_add` of `{}`, and `privileged: true`; or take it off \
             `{}`",
            visible(container),
            visible(name)
        ),
        Cause::WithoutOverride { project, folder, files, .. } => {
            let (command, line) = fix::with_override(project, folder.as_deref(), files);
            format!(
                "{command}\nand put this line into the .env there, in place of one that begins with COMPOSE_FILE=:\n{line}\n\
                 (if there is no compose.leeward.yaml, `leeward fix` writes it)"
            )
        }
        Cause::TraefikAssumed => format!(
            "name the Compose file of Traefik's project too: leeward check TRAEFIK.yaml APP.yaml; or, if Traefik is on it: \
             --proxy-network {}",
            quoted(name)
        ),
        Cause::GatewayAddress { network, closed_by } => match closed_by {
            ClosedBy::NoDns => format!(
                "podman network rm {name} && podman network create --internal --disable-dns {name}   # once nothing is on \
                 it; containers then reach each other by address, or by `extra_hosts`, and Traefik by the addresses that \
                 Leeward tells it",
                name = quoted(name)
            ),
            ClosedBy::Inhibit => {
                let (yaml, flags) = (format!("  {INHIBIT}: \"true\""), format!("--internal -o {INHIBIT}=true"));
                compose::network(network, &["internal: true", "driver_opts:", &yaml], &flags)
            }
            ClosedBy::Mode => {
                let (yaml, flags) =
                    (format!("  {GATEWAY_MODE_4}: isolated"), format!("--internal -o {GATEWAY_MODE_4}=isolated"));
                compose::network(network, &["internal: true", "driver_opts:", &yaml], &flags)
            }
            ClosedBy::Mode6 => {
                let yaml = format!("  {GATEWAY_MODE_6}: isolated");
                let flags = format!("--internal --ipv6 -o {GATEWAY_MODE_6}=isolated");
                compose::network(network, &["driver_opts:", &yaml], &flags)
            }
        },
        _ => return None,
    })
}
