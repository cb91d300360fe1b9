//! What the steps of the plan saw, beside the rules; and what they were judged on.

use super::{About, label, listed, problem};
use crate::budgets::{Excess, Quantity};
use crate::plan::Fact;
use crate::policy::cause::{Dropped, Step, Unreached};
use crate::report::quoting::yaml_word;
use crate::report::visible::visible;

pub(super) fn words(step: &Step, About { label: key, .. }: About<'_>) -> String {
    match step {
        Step::EnabledByImage => {
            "traefik.enable=true is baked into its image, and the operator did not ask for a route".to_owned()
        }
        Step::NotEnabled => "it does not carry traefik.enable=true".to_owned(),
        Step::OneOff => {
            "it was started with `docker compose run`, so it is not one of its service's containers".to_owned()
        }
        Step::OneOffHook => {
            "Compose runs a hook of its service in it, so it is not one of its service's containers".to_owned()
        }
        Step::IsHook => "Compose runs a hook of its service in it, and it needs no route".to_owned(),
        Step::IsLeeward => "it is part of Leeward, and needs no route".to_owned(),
        Step::IsTraefik => "it is a Traefik, and needs no route".to_owned(),
        Step::IsEgress => "it is an egress Traefik, and needs no route".to_owned(),
        Step::ServiceAsWhole(service) => format!("service `{service}` is routed as a whole: lbswarm is set"),
        Step::TasksOneByOne => "its tasks are routed one by one".to_owned(),
        Step::ServiceWithoutAddress => "it has no address on any network".to_owned(),
        Step::Constraints => "the operator's --constraints leave it out".to_owned(),
        Step::NotRunning(state) => format!("its state is `{state}`"),
        Step::Unhealthy(health) => format!("its health is `{health}`"),
        Step::NotDescribed(problem) => format!("the engine could not describe it: {problem}"),
        Step::Malformed(what) => format!("the engine describes it with something that cannot be read: {what}"),
        Step::NoAddress => "it has no address on the network".to_owned(),
        Step::Unreached(why) => unreached(why),
        Step::BadLabel { reason, .. } => problem::words(reason),
        Step::Unmatched(why) => problem::unmatched(*why),
        Step::StopsTraefik(stop) => format!("label `{key}`: {}", problem::stop(stop)),
        Step::TooNew { since, document, assumed } => {
            let why = if *assumed { " because nothing says which Traefik reads it" } else { "" };
            format!("needs Traefik {since}, and the document is for {document}{why}")
        }
        Step::LongName(start) => format!("the name `{start}…` is longer than Traefik's parser takes"),
        Step::UrlAndPort { service } => {
            format!("service `{service}` sets a server url together with a scheme or a port")
        }
        Step::NoPort { service, own_network } => {
            let why = if *own_network { "the image exposes none" } else { "its network is not its own" };
            format!("no port is known for service `{service}`: no label, and {why}")
        }
        Step::OtherPort { port, exposed } => {
            let ports = exposed.first.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
            let more = if exposed.more > 0 { format!(" and {} more", exposed.more) } else { String::new() };
            format!(
                "Traefik asks port {port}, and the image says it listens on {ports}{more}; an image need not name all"
            )
        }
        Step::NoBalancer { service } => format!(
            "service `{service}` has no load balancer; weighted, mirroring and failover cannot be set by labels"
        ),
        Step::TooManyMiddlewares { router, most } => format!(
            "router `{router}` has more than {most} middlewares once its chains are written out, and Traefik makes each"
        ),
        Step::Budget(excess) => budget(excess),
        Step::Conflict { name, owner } => {
            format!("`{name}` is defined differently by another container of `{owner}`, so both are left out")
        }
        Step::DefaultCertificate => "sets the default certificate, so --default-certificate has no effect".to_owned(),
        Step::NotNamedTraefik => {
            "has no effect: --traefik names the Traefik containers, and this is not one of them".to_owned()
        }
        Step::BadRule(problem) => format!("Traefik will not take this rule: {problem}"),
        Step::NoBackend => "left out: a declared Traefik is no backend; its container may declare middlewares, and \
                            routers to a service of another provider"
            .to_owned(),
        Step::NoRouter { services } => format!("has {services} services and no router, so none is made for it"),
        Step::Dropped { protocol, router, why } => {
            let why = match why {
                Dropped::EmptyRule => "the default rule makes an empty rule for it".to_owned(),
                Dropped::DefaultRule(problem) => format!("the default rule cannot be made for it: {problem}"),
                Dropped::NoRule => "it has no rule".to_owned(),
                Dropped::SeveralServices(services) => {
                    format!("it names no service and there are several: {}", listed(services))
                }
            };
            format!("{protocol} router `{router}` is left out: {why}")
        }
        Step::Odd(odd) => label::odd(odd),
        Step::UnknownRule { written, near: Some(near) } => {
            format!("`{written}` is not a rule and has no effect; did you mean {near}?")
        }
        Step::UnknownRule { written, near: None } => {
            format!("`{written}` is not a rule and has no effect; docs/rules.md lists the rules")
        }
        Step::OfOthers(id) => {
            format!("{id} has no effect: it is about what belongs to others, which a container's label cannot allow")
        }
    }
}

pub(super) fn remedy(step: &Step, About { label: key, .. }: About<'_>) -> Option<String> {
    let remedy = match step {
        Step::EnabledByImage => {
            "if you want it routed, say so yourself:\nlabels:\n  traefik.enable: \"true\"\n  \
                                 leeward.image-labels: honor"
        }
        Step::NotEnabled => "labels:\n  traefik.enable: \"true\"",
        Step::OneOff | Step::OneOffHook => "nothing to do; --one-off route routes such containers too",
        Step::IsLeeward | Step::IsEgress | Step::IsHook => "nothing to do",
        Step::IsTraefik => "nothing to do; to declare middlewares for others on it, add the label traefik.enable=true",
        Step::ServiceAsWhole(_) => "nothing to do; remove traefik.swarm.lbswarm to route its tasks one by one",
        Step::TasksOneByOne => "nothing to do; set traefik.swarm.lbswarm=true to route to its virtual address",
        Step::ServiceWithoutAddress => "attach the service to an overlay network; lbswarm needs endpoint mode vip",
        Step::Constraints => "change its labels, or --constraints",
        Step::NotRunning(_) => "start it; traefik.docker.allownonrunning=true keeps its routes while it is down",
        Step::Unhealthy(_) => {
            "wait for its health check, or mend it; --allow-empty-services true keeps its routes meanwhile"
        }
        Step::NotDescribed(_) => "it is tried again by itself; look at it with: docker inspect",
        Step::Malformed(_) => "recreate it; Traefik's own provider skips such a container too",
        Step::NoAddress => "start it",
        Step::Unreached(_) => "attach it to a network that Traefik is on",
        Step::BadLabel { reason, meant } => return Some(visible(&problem::remedy(reason, meant.as_deref(), key))),
        Step::StopsTraefik(stop) => return Some(problem::stop_remedy(stop)),
        Step::TooNew { since, assumed, .. } => {
            let update = if *assumed { "say that Traefik is at least that:" } else { "update Traefik and set" };
            return Some(format!("remove the label, or {update} --traefik-version {since}"));
        }
        Step::LongName(_) => "shorten it: a name may have about 1,000 characters, with its owner's in front",
        Step::UrlAndPort { .. } => "remove the url, or remove scheme and port",
        Step::NoPort { .. } => return Some(format!("labels:\n  {}: \"8080\"", yaml_word(key))),
        Step::NoBalancer { .. } => {
            return Some(format!("give it one: {}.loadbalancer.server.port, or define it in a file", visible(key)));
        }
        Step::TooManyMiddlewares { .. } => "name each middleware once",
        Step::Budget(excess) => return Some(budget_remedy(excess)),
        // Of warnings.
        _ => return None,
    };
    Some(remedy.to_owned())
}

fn unreached(why: &Unreached) -> String {
    match why {
        Unreached::NoNetwork => "it is on no network".to_owned(),
        Unreached::NoAddress => "it has no address on any of its networks".to_owned(),
        Unreached::NoAddressOn(network) => format!("it has no address on network `{network}`"),
        Unreached::SharesUnknown(container) => {
            format!("it shares the network of container `{container}`, which does not exist")
        }
        Unreached::SharesMislabelled { container, reason } => format!(
            "it shares the network of container `{container}`, whose labels are wrong: {}",
            problem::words(reason)
        ),
        Unreached::TooDeep { most } => format!("its network is shared through more than {most} containers"),
    }
}

fn budget(Excess { quantity, found, most, label: _ }: &Excess) -> String {
    let words = match quantity {
        Quantity::ObjectBytes => format!("its labels are {found} bytes of the engine's answer, and were not read"),
        Quantity::Labels => format!("it has {found} labels that Leeward reads"),
        Quantity::LabelBytes => format!("its labels have {found} bytes"),
        Quantity::Routers => format!("it declares {found} routers"),
        Quantity::Names => format!("it declares {found} services, middlewares or models"),
        Quantity::RuleBytes => format!("the rule has {found} bytes"),
        Quantity::RegexSize => {
            format!("its regular expressions have a size of {found} or more as Traefik compiles them")
        }
        Quantity::OwnerLabelBytes => format!("the labels of all containers of its owner have {found} bytes"),
        Quantity::OwnerRouters => format!("the containers of its owner declare {found} routers"),
        Quantity::OwnerNames => {
            format!("the containers of its owner declare {found} services, middlewares or models")
        }
        Quantity::OwnerRegexSize => {
            format!("the regular expressions of its owner's containers have a size of {found} as Traefik compiles them")
        }
        Quantity::MiddlewareSize => {
            format!("the middlewares of its routers, each as often as one uses it, have a size of {found}")
        }
        Quantity::OwnerMiddlewareSize => {
            format!("the middlewares of its owner's routers, each as often as one uses it, have a size of {found}")
        }
    };
    let most = most.map(|most| format!("; the most is {most}")).unwrap_or_default();
    format!("{words}{most} ({})", quantity.flag())
}

fn budget_remedy(Excess { quantity, .. }: &Excess) -> String {
    let flag = quantity.flag();
    match quantity {
        Quantity::ObjectBytes => format!("remove labels, or start `serve`, and the gate, with a higher {flag}"),
        Quantity::RegexSize | Quantity::OwnerRegexSize => format!(
            "repeat less in them (`{{1,1000}}`, `\\pL`), or use Path and PathPrefix; {flag} allows more, which costs Traefik memory"
        ),
        Quantity::MiddlewareSize | Quantity::OwnerMiddlewareSize => format!(
            "name fewer middlewares, or make them smaller: Traefik makes each anew for each router; {flag} allows more, which costs Traefik memory"
        ),
        _ => format!("use fewer or shorter labels; {flag} allows more"),
    }
}

pub(super) fn fact(fact: &Fact) -> String {
    match fact {
        Fact::Baked(label) => format!("{label} is baked into the image and does not count"),
        Fact::State { state, health: Some(health) } => format!("state {state}, health {health}"),
        Fact::State { state, health: None } => format!("state {state}, no health check"),
        Fact::IsTraefik => "it is a declared Traefik".to_owned(),
        Fact::IsolationOff => "--isolation off".to_owned(),
        Fact::Place { network, address } => {
            format!("network {network}, address {}", if address.is_empty() { "none" } else { address })
        }
        Fact::Servers(servers) => servers.join(", "),
    }
}
