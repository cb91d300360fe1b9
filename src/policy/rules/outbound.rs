//! EGR: outbound names, and the egress Traefik that they go through. Judged by [`crate::policy::outbound`].

use super::{Case, Check, Rule, Seen};
use crate::policy::finding::{Action, Severity};
use crate::policy::outbound::Cause;
use crate::policy::rule_id::RuleId;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: RuleId::Egr001,
        title: "the egress container has no alias for an outbound name",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Step,
        why: "containers find an outbound name because the egress container is called so on their network. Without the \
              alias the name is not found there, so it is not allowed either",
        fix: "services:\n  egress:\n    networks:\n      net-egress-app1:\n        aliases: [api.example.com]",
        reference: "docs/outbound.md#one-name-more",
    },
    Rule {
        id: RuleId::Egr002,
        title: "the egress container asks the engine's resolver",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "the engine's resolver answers an outbound name with the egress container's own alias, so that one request \
              goes round in a circle; and a resolver that gives private addresses leads one project to another, to the \
              host or to a cloud's metadata, by a name that somebody outside controls. Until the egress container mounts a \
              resolv.conf of its own, no outbound name is allowed",
        fix: "services:\n  egress:\n    volumes:\n      - ./egress/resolv.conf:/etc/resolv.conf:ro",
        reference: "docs/outbound.md#the-resolver",
    },
    Rule {
        id: RuleId::Egr003,
        title: "the egress container finds Leeward by DNS",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "the resolver that the egress container asks is outside: if Leeward's name is left to it, it chooses the \
              configuration of the egress Traefik. So is whoever shares the network between the two. Until `extra_hosts` \
              names Leeward's fixed address, on an internal network where only Leeward and Traefiks are, no outbound name \
              is allowed",
        fix: "services:\n  leeward:\n    networks:\n      net-control-egress:\n        ipv4_address: 172.31.254.2\n  \
              egress:\n    extra_hosts: [\"leeward.net-control-egress:172.31.254.2\"]",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr004,
        title: "no entry point for the port of an outbound name",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Step,
        why: "the egress Traefik listens on the ports of `--outbound-ports` and on no other; what a port speaks is the \
              operator's to say, because one TLS router on a port where servers speak first keeps everybody there waiting",
        fix: "add the port to --outbound-ports, and an entry point for it to traefik/egress.yml",
        reference: "docs/outbound.md#ports",
    },
    Rule {
        id: RuleId::Egr005,
        title: "the egress container has an alias that nobody may reach",
        severity: Severity::Low,
        action: Action::Warn,
        check: Check::Step,
        why: "who asks for the name on that network gets the egress container in place of the real host, and nothing \
              from it. On a network that leads out, that is everybody who needs the real host",
        fix: "take the alias away, or allow the name with `leeward.outbound`",
        reference: "docs/outbound.md#one-name-more",
    },
    Rule {
        id: RuleId::Egr006,
        title: "the egress Traefik is the inbound Traefik, too",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "the inbound Traefik faces the Internet and is on every proxy network: an entry point for outbound names on \
              it is open to all of them. Declared as both, it is an inbound Traefik only",
        fix: "run a second Traefik for outbound names, and take `leeward.egress` off this one",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr007,
        title: "the egress container is on a proxy network",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "an inbound Traefik on a network of outbound names gets the egress container in place of the real host, its \
              certificate authority's among them. Outbound names are not allowed on such a network",
        fix: "give each project a network for outbound names alone, `net-egress-<project>`",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr008,
        title: "an outbound name covers too much",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Step,
        why: "with a `*` a container could reach names that somebody else controls, and tell them anything. Names are \
              allowed one by one",
        fix: "name each host with its port:\nlabels:\n  leeward.outbound: api.example.com:443,smtp.example.com:587",
        reference: "docs/outbound.md#one-name-more",
    },
    Rule {
        id: RuleId::Egr009,
        title: "an outbound name cannot be read",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Step,
        why: "what cannot be read allows nothing. An outbound name is a host name with a dot, and a port: no address, no \
              scheme, no path. One container has a bounded number of them",
        fix: "labels:\n  leeward.outbound: api.example.com:443,smtp.example.com:587",
        reference: "docs/outbound.md#one-name-more",
    },
    Rule {
        id: RuleId::Egr010,
        title: "the image asks for outbound names",
        severity: Severity::Low,
        action: Action::Warn,
        check: Check::Step,
        why: "whoever built the image would choose where its containers may send data. Such a label does not count",
        fix: "if you want it, write the label on the container yourself, with another value than the image's, for example \
              in another order",
        reference: "docs/isolation.md#whose-labels",
    },
    Rule {
        id: RuleId::Egr011,
        title: "a container with a way out is on a network of outbound names",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "it reaches more than the names, and whoever is on the network with it may reach that through it. It has no \
              outbound names itself",
        fix: "take it off its network with a way out, or off the network of outbound names",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr012,
        title: "others are on a network of outbound names",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "an allowance is for an address. On a network that two projects share, one takes over the address that the \
              other had a moment ago. Until only one owner's containers and one egress container are on it, no outbound \
              name is allowed there",
        fix: "give each project a network for outbound names of its own, `net-egress-<project>`",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr013,
        title: "a container on a network of outbound names may forge addresses",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "with NET_RAW, which is in Docker's default set, or NET_ADMIN a container sends under the address of another \
              and reads the answers. Until all there have dropped both, no outbound name is allowed on the network",
        fix: "on each container of the network:\ncap_drop: [ALL]",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr014,
        title: "the egress container may forward packets",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "it is on the projects' networks and on one that leads out: if its kernel forwards, it is a way out for \
              whoever can send raw frames, and a way from one project to another. Until both settings are there, no \
              outbound name is allowed",
        fix: "services:\n  egress:\n    sysctls:\n      net.ipv4.ip_forward: \"0\"\n      \
              net.ipv4.conf.all.rp_filter: \"1\"",
        reference: "docs/isolation.md#multi-homed-containers-are-routers",
    },
    Rule {
        id: RuleId::Egr015,
        title: "a network of outbound names is not closed",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "on a network that is not internal, a container needs no allowance; on an overlay, or on a bridge of the \
              host's, others may be that the engine does not show; with IPv6, a container has addresses that no allowance \
              is for. No outbound name is allowed on it",
        fix: "make it an internal bridge without IPv6:\nnetworks:\n  net-egress-app1:\n    name: net-egress-app1\n    \
              internal: true",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr016,
        title: "outbound names without an egress container",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Step,
        why: "outbound names go through an egress Traefik on the same network; without one the label has no effect",
        fix: "put the container on the project's network for outbound names, where the egress container is; declare that \
              with the label `leeward.egress: \"true\"` on it, or with --egress NAME",
        reference: "docs/outbound.md#from-nothing",
    },
    Rule {
        id: RuleId::Egr017,
        title: "two outbound names on one plain port",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Step,
        why: "where the server speaks first, nothing but the client's address tells where a connection is to go, so there \
              can be one name for each port and container. Of two, neither is allowed",
        fix: "allow one of them; or use the port that speaks TLS from the first byte, 465 in place of 587",
        reference: "docs/outbound.md#ports",
    },
    Rule {
        id: RuleId::Egr018,
        title: "two containers with outbound names have one address",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Step,
        why: "an allowance is for an address, so it would be for both. It is for neither",
        fix: "look at both with docker inspect; one of them is about to be gone, or the engine gave one address away twice",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr019,
        title: "another container answers to an outbound name",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "the engine looks a name up on every network of the container that asks: the other container may be asked in \
              place of the egress container, and TLS is all that tells them apart",
        fix: "take the alias off the other container, or the two off the network that they share",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr020,
        title: "the egress container's own hosts file has an outbound name",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "a name in `extra_hosts` is not asked of the resolver, which drops private addresses: it leads to Leeward, to \
              another project or to the host. Such a name is not allowed",
        fix: "take the name out of `extra_hosts` of the egress container, or out of `leeward.outbound`",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr021,
        title: "others are on the network by which the egress container leaves",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "the egress container asks its resolver there. Whoever may send raw frames there answers for the resolver, and \
              leads an outbound name to another project, to the host or to a cloud's metadata: then no outbound name is \
              allowed. Whoever only stands there may get the resolver's address while that is down",
        fix: "give the egress container and its resolver a network with a way out of their own; on each container that has \
              to be there:\ncap_drop: [ALL]",
        reference: "docs/outbound.md#the-resolver",
    },
    Rule {
        id: RuleId::Egr022,
        title: "others decide what the egress container lets through",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "whoever writes the egress container's resolv.conf, or Traefik's configuration there, opens what they like at \
              its next start; with an engine's socket, labels of any container may. Until Leeward alone decides, no \
              outbound name is allowed",
        fix: "mount these files nowhere else, or read-only; and no socket of an engine into the egress container",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr023,
        title: "the egress container is not alone in its namespaces",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "whoever shares the egress container's network is on every project's network of outbound names and on the one \
              that leads out; whoever shares its processes or memory can act as it. Until it has all of them for itself, no \
              outbound name is allowed",
        fix: "take `network_mode`, `pid` and `ipc` out of the egress container, and those that name it out of the others",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr024,
        title: "the egress container publishes a port",
        severity: Severity::Medium,
        action: Action::Warn,
        check: Check::Step,
        why: "the egress Traefik is for the containers beside it. On a port of the host, others reach its entry points; what \
              keeps them out is the rule for one address that each outbound name has, and nothing else",
        fix: "take `ports` out of the egress container",
        reference: "docs/outbound.md#what-is-checked",
    },
    Rule {
        id: RuleId::Egr025,
        title: "a container reaches the outside by a forward proxy",
        severity: Severity::High,
        action: Action::Block,
        check: Check::Neighbour(egr_025),
        why: "what a forward proxy lets through, only its own configuration says, and Leeward does not read it: for Leeward \
              whoever is on a network with one has a way out. Who may use it says so itself, and is then allowed, never \
              isolated",
        fix: "where the container is to use the proxy:\nlabels:\n  leeward.outbound: proxy\nelse take it off the proxy's \
              network",
        reference: "docs/outbound.md#when-a-forward-proxy-is-better",
    },
    Rule {
        id: RuleId::Egr026,
        title: "the egress container has more power than it needs",
        severity: Severity::High,
        action: Action::Warn,
        check: Check::Step,
        why: "the egress container reads what applications and servers outside send. Whoever takes it over is on every project's \
              network of outbound names, and has its power: over the host if it is privileged or shares namespaces with it; to \
              forge addresses with NET_RAW, which is in Docker's default set",
        fix: "services:\n  egress:\n    cap_drop: [ALL]\nand no `privileged`, no `cap_add`, no `pid`, `ipc` or `network_mode: \
              host`",
        reference: "docs/outbound.md#what-is-checked",
    },
];

fn egr_025(case: &Case<'_>) -> Option<Seen> {
    let context = case.context;
    if context.candidates.get(case.at).is_none_or(|it| it.is_forward_proxy || it.is_egress || it.is_leeward) {
        return None;
    }
    // On a network that Traefik shares, one container's label would refuse everybody else's: NET-011 speaks there.
    let places = case.namespace.edges.iter().filter_map(|edge| Some((edge.place?, edge.network?)));
    { places.filter(|(place, _)| !context.proxy.contains(*place)) }.find_map(|(place, network)| {
        let proxy = context.forward_proxy_on(place)?.container.name.clone();
        Some(Seen::new(Cause::ByProxy { proxy, network: network.name.clone() }))
    })
}
