//! EGR: outbound names.

use std::borrow::Cow;

use super::{About, listed};
use crate::policy::leeward_labels::OUTBOUND;
use crate::policy::outbound::{BadTarget, Cause, NotInternal};
use crate::remedy::is_writable;
use crate::report::quoting::yaml_word;
use crate::report::visible::visible;

pub(super) fn words(cause: &Cause, About { name, .. }: About<'_>) -> String {
    match cause {
        Cause::NoAlias { host, egress } => format!("on `{name}` no alias of `{}` is `{host}`", egress.name),
        Cause::EnginesResolver => format!(
            "`{name}` asks the engine's resolver, which answers allowed names with the address of `{name}` itself"
        ),
        Cause::HostsResolver { source } => {
            format!("`{name}` mounts {source}: it asks the host's own resolver, which gives private addresses, too")
        }
        Cause::ResolverUnread => format!(
            "`{name}` has a resolv.conf of its own; which resolver it names, and whether that drops private addresses, is \
             not in what the engine shows"
        ),
        Cause::LeewardNotNamed => format!("no entry of `extra_hosts` of `{name}` is the address of Leeward"),
        Cause::HostsMounted { path } => {
            format!("`{name}` mounts {path}, which decides whether its `extra_hosts` have an effect")
        }
        Cause::LeewardTwice { host, address } => {
            format!("`extra_hosts` of `{name}` leads `{host}` to Leeward, and to {address}")
        }
        Cause::Powers { privileged, shares, capabilities } => {
            let mut has: Vec<String> = privileged.then(|| "is privileged".to_owned()).into_iter().collect();
            has.extend(shares.iter().map(|what| format!("uses the host's {what}")));
            has.extend(capabilities.iter().map(|name| format!("has {name}")));
            format!("`{name}` {}", has.join(", "))
        }
        Cause::LeewardMoves { address, network } => {
            format!("`extra_hosts` of `{name}` names {address}, Leeward's address on `{network}`, which is not fixed")
        }
        Cause::LeewardNotAlone { network, company } if company.is_empty() => {
            format!("`{name}` reaches Leeward over `{network}`, which is not internal")
        }
        Cause::LeewardNotAlone { network, company } => {
            format!("`{name}` reaches Leeward over `{network}`, where also is {}", listed(company))
        }
        Cause::NoEntryPoint { target, ports } => {
            let known: Vec<String> = ports.iter().map(|(port, _)| port.to_string()).collect();
            format!("`{name}` asks for `{target}`, and the egress Traefik listens on {} only", known.join(", "))
        }
        Cause::NobodysAlias { alias, egress, leads_out: false } => {
            format!("on `{name}`, `{}` is called `{alias}`, and nobody there may reach that name", egress.name)
        }
        Cause::NobodysAlias { alias, egress, leads_out: true } => format!(
            "on `{name}`, which leads out, `{0}` is called `{alias}`: who asks for that name there gets `{0}`",
            egress.name
        ),
        Cause::Both => format!("`{name}` is declared to be the inbound Traefik and an egress Traefik"),
        Cause::ProxyNetwork { traefik: Some(traefik), .. } => {
            format!("`{traefik}`, a Traefik, is on `{name}`, a network of outbound names")
        }
        Cause::ProxyNetwork { traefik: None, egress } => {
            format!("`{name}` is a proxy network, and `{}` is on it", egress.name)
        }
        Cause::Everything { word } => format!("`{name}` asks for `{word}`, which is more than one name"),
        Cause::Unreadable { word, problem } => {
            let why = match problem {
                BadTarget::Everything => "is more than one name",
                BadTarget::NoPort => "has no port between 1 and 65535 behind it",
                BadTarget::NoName => "is no host name",
                BadTarget::Address => "is an address, not a name",
                BadTarget::NoDot => "has no dot: it is a name of this network",
                BadTarget::Here => "is this host itself",
            };
            format!("`{name}` asks for `{word}`, which {why}")
        }
        Cause::TooMany { found, most, flag } => {
            format!("`{name}` asks for more outbound names than there may be: {found}; the most is {most} ({flag})")
        }
        Cause::Baked => format!("the outbound names of `{name}` come from its image, and do not count"),
        Cause::WayOut { over } => {
            format!("`{name}` has a way out over `{over}`, and is on a network of outbound names")
        }
        Cause::Strangers { owner, strangers } => {
            format!("on `{name}`, where containers of `{owner}` have outbound names, also is {}", listed(strangers))
        }
        Cause::Unread { name: unread } => format!("on `{name}`, `{unread}` could not be read"),
        Cause::Several { egresses } => format!("on `{name}` is more than one egress container: {}", listed(egresses)),
        Cause::Forgers { names } => {
            format!("on `{name}`, {} may send under another's address: NET_RAW or NET_ADMIN", listed(names))
        }
        Cause::Forwards { missing, undone_by } if undone_by.is_empty() => {
            format!("`{name}` does not set {}", missing.join(" and "))
        }
        Cause::Forwards { missing, undone_by } => {
            format!("`{name}` does not set {}, or undoes it by {}", missing.join(" and "), undone_by.join(", "))
        }
        Cause::NoNetworkOfItsOwn => format!("`{name}` uses the network of another container"),
        Cause::NotAlone { names } => {
            format!("{} shares the network, the processes or the memory of `{name}`", listed(names))
        }
        Cause::OwnHosts { host, address, egress } => {
            format!("`{name}` asks for `{host}`, and `extra_hosts` of `{egress}` leads that name to {address}")
        }
        Cause::OutsideForgers { network, names } => format!(
            "`{name}` leaves by `{network}`, where {} may send under another's address, its resolver's among them",
            listed(names)
        ),
        Cause::OutsideStrangers { network, names } => {
            format!("`{name}` leaves by `{network}`, where also is {}", listed(names))
        }
        Cause::Written { path, writer } => format!("`{writer}` may write what `{name}` has as {path}"),
        Cause::EnginesSocket { path } => format!("`{name}` has the engine's socket at {path}"),
        Cause::Published { port } => format!("port {port} of `{name}` is published on the host"),
        Cause::NotInternal { why } => {
            let why = match why {
                NotInternal::Open => "is not internal",
                NotInternal::Driver => "is no bridge, so that others may be on it that the engine does not show",
                NotInternal::Ipv6 => "has IPv6",
                NotInternal::Podman => {
                    "is Podman's, which does not show the settings and fixed addresses that outbound names rest on"
                }
                NotInternal::HostsBridge => "is on a bridge of the host's, with what else is on that",
            };
            format!("`{name}` is a network of outbound names and {why}")
        }
        Cause::NoEgress { declared: true } => {
            format!("`{name}` has outbound names, and no egress container is on its networks")
        }
        Cause::NoEgress { declared: false } => {
            format!("`{name}` has outbound names, and no egress container is declared")
        }
        Cause::NoProxy => {
            format!("`{name}` may use a forward proxy, and no declared one is on its networks")
        }
        Cause::ByProxy { proxy, network } => {
            format!("`{name}` reaches the outside by the forward proxy `{proxy}` on `{network}`")
        }
        Cause::NoEgressKnown { network } => {
            format!("`{name}` has outbound names, and whether an egress container is on `{network}` is not known")
        }
        Cause::OnePlain { port, hosts } => format!(
            "`{name}` has more than one name on port {port}, where only its address tells what it wants: {}",
            listed(hosts)
        ),
        Cause::SharedAddress { other } => format!("`{name}` and `{other}` have the same address"),
        Cause::Impostor { host, name: other, network } => {
            format!("`{name}` may reach `{host}`, and on `{network}` that is what `{other}` is called, too")
        }
    }
}

/// What to change, where the names of the case make it better than the rule's own.
pub(super) fn remedy(cause: &Cause, about: About<'_>) -> Option<String> {
    match cause {
        Cause::NoAlias { host, egress } => Some(format!(
            "services:\n  {}:\n    networks:\n      {}:\n        aliases: [{}]",
            key(&egress.service),
            key(&egress.network),
            yaml_word(host)
        )),
        Cause::NotInternal { why: NotInternal::Podman } => {
            Some("run the egress, Leeward and the application on a Docker engine".to_owned())
        }
        Cause::HostsResolver { .. } => Some(format!(
            "services:\n  {}:\n    volumes:\n      - ./egress/resolv.conf:/etc/resolv.conf:ro\nwith a resolver that drops \
             private addresses as its only nameserver, as in compose/egress",
            key(about.service?)
        )),
        Cause::OwnHosts { host, egress, .. } => Some(format!(
            "take `{host}` out of `extra_hosts` of `{egress}`, or out of `leeward.outbound` of `{}`",
            about.name
        )),
        Cause::OutsideForgers { network, names } => Some(format!(
            "take {} off `{network}`, or drop what is not needed:\ncap_drop: [ALL]",
            listed(names)
        )),
        Cause::OutsideStrangers { network, names } => Some(format!("take {} off `{network}`", listed(names))),
        Cause::Written { path, writer } => {
            Some(format!(
                "mount what `{}` has as {} read-only in `{}` (`:ro`), or not at all",
                about.name,
                visible(path),
                visible(writer)
            ))
        }
        Cause::EnginesSocket { path } | Cause::HostsMounted { path } => {
            Some(format!("take the mount at {} out of `{}`", visible(path), about.name))
        }
        Cause::Published { .. } => Some(format!("services:\n  {}:\n    ports: !reset []", key(about.service?))),
        Cause::NobodysAlias { alias, .. } => Some(format!(
            "take the alias `{}` away, or allow the name to a container:\nlabels:\n  {OUTBOUND}: {}",
            visible(alias),
            yaml_word(&format!("{alias}:443"))
        )),
        Cause::EnginesResolver => Some(format!(
            "services:\n  {}:\n    volumes:\n      - ./egress/resolv.conf:/etc/resolv.conf:ro",
            key(about.service?)
        )),
        Cause::Forwards { undone_by, .. } => {
            let without = undone_by.iter().map(|key| format!("\nand delete `{}` from `sysctls`", visible(key)));
            let without = without.collect::<Vec<_>>().concat();
            Some(format!(
                "services:\n  {}:\n    sysctls:\n      net.ipv4.ip_forward: \"0\"\n      net.ipv4.conf.all.rp_filter: \
                 \"1\"{without}",
                key(about.service?)
            ))
        }
        Cause::LeewardNotAlone { network, company } if company.is_empty() => Some(format!(
            "make it internal:\nnetworks:\n  net-control-egress:   # what your file calls `{}`\n    internal: true",
            visible(network)
        )),
        Cause::LeewardNotAlone { network, company } => Some(format!("take {} off `{network}`", listed(company))),
        Cause::Forgers { names } => Some(format!(
            "on {}:\ncap_drop: [ALL]\nand no NET_RAW, NET_ADMIN or SYS_ADMIN in `cap_add`, no `privileged`",
            listed(names)
        )),
        Cause::NoEntryPoint { target, ports } => {
            let known: Vec<String> = ports.iter().map(|(port, kind)| format!("{port}={}", kind.as_str())).collect();
            let port = target.port();
            Some(format!(
                "give the egress Traefik an entry point `outbound-{port}` with the address `:{port}`, and start Leeward with \
                 --outbound-ports {},{port}=tls (or {port}=plain, {port}=http: what the port speaks)",
                known.join(",")
            ))
        }
        Cause::LeewardMoves { address, network } => Some(format!(
            "services:\n  leeward:\n    networks:\n      {}:\n        ipv4_address: {address}",
            key(network)
        )),
        Cause::LeewardTwice { host, address } => Some(format!(
            "take `{}:{}` out of `extra_hosts` of `{}`",
            visible(host),
            visible(address),
            about.name
        )),
        Cause::Powers { .. } => Some(format!(
            "services:\n  {}:\n    cap_drop: [ALL]\nand no `privileged`, no `cap_add`, no `pid`, `ipc` or `network_mode: host`",
            key(about.service?)
        )),
        Cause::ResolverUnread => Some(
            "look at the file that it mounts: its only nameserver has to be a resolver that drops private addresses, as \
             the one in compose/egress.yaml"
                .to_owned(),
        ),
        Cause::NoProxy => Some(
            "put the proxy and the container on one internal network, and declare it on the proxy's container:\nlabels:\n  \
             leeward.egress: proxy"
                .to_owned(),
        ),
        Cause::NoEgressKnown { .. } => Some("check the project that makes the network as well".to_owned()),
        _ => None,
    }
}

/// A name from a label as a key of YAML: quoted, where it could be something else.
fn key(name: &str) -> Cow<'_, str> {
    if is_writable(name) { Cow::Borrowed(name) } else { Cow::Owned(serde_json::Value::from(name).to_string()) }
}
