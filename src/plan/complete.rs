//! What Traefik's Docker provider adds to what the labels say: the default service and router, each server's
//! address, the links from routers to services.
//!
//! Source: Traefik `pkg/provider/docker/config.go` (`build`, `build*ServiceConfiguration`, `addServer*`) and
//! `pkg/provider/configuration.go` (`Build*RouterConfiguration`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::inventory::{Container, Image};
use crate::plan::address::{self, Exposed};
use crate::plan::{Protocol, Warning};
use crate::policy::cause::{Dropped, Few, Step};
use crate::policy::image_labels::OperatorLabels;
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId;
use crate::policy::rules::image;
use crate::settings::Settings;
use crate::traefik::rules::template::Model;
use crate::traefik::{Dynamic, http, tcp, udp};

/// What is known of the container besides its labels' meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) container: &'a Container,
    /// The labels that count, for the default rule.
    pub(crate) labels: &'a OperatorLabels<'a>,
    /// The container's image.
    pub(crate) image: Option<&'a Image>,
    /// Its default service and router name.
    pub(crate) service_name: &'a str,
    /// The host that it is reached at, or why it has no address.
    pub(crate) host: &'a Result<&'a str, Refusal>,
    /// Running and healthy: it gets servers. Otherwise its services stay empty.
    pub(crate) serving: bool,
    pub(crate) settings: &'a Settings,
}

/// Completes one container's part. Routers that cannot be completed are left out with a warning, as Traefik does; a
/// server that cannot be addressed refuses the whole container, as Traefik does.
pub(crate) fn complete(dynamic: &mut Dynamic, facts: Facts<'_>, warnings: &mut Vec<Warning>) -> Result<(), Refusal> {
    let mut tcp_or_udp = false;
    if !dynamic.tcp.routers.is_empty() || !dynamic.tcp.services.is_empty() {
        tcp_or_udp = true;
        tcp_services(&mut dynamic.tcp, facts, warnings)?;
        tcp_routers(&mut dynamic.tcp, warnings);
    }
    if !dynamic.udp.routers.is_empty() || !dynamic.udp.services.is_empty() {
        tcp_or_udp = true;
        udp_services(&mut dynamic.udp, facts, warnings)?;
        udp_routers(&mut dynamic.udp, warnings);
    }
    let http = &mut dynamic.http;
    if tcp_or_udp && http.routers.is_empty() && http.middlewares.is_empty() && http.services.is_empty() {
        return Ok(());
    }
    http_services(http, facts, warnings)?;
    http_routers(http, facts, warnings)
}

fn http_services(http: &mut http::Http, facts: Facts<'_>, warnings: &mut Vec<Warning>) -> Result<(), Refusal> {
    if http.services.is_empty() {
        let service = http::Service { load_balancer: Some(Box::default()), ..http::Service::default() };
        http.services.insert(facts.service_name.to_owned(), Arc::new(service));
    }
    if !facts.serving {
        return Ok(());
    }
    let exposed = Exposed::of(facts.container, false);
    for (name, service) in &mut http.services {
        let balancer =
            Arc::make_mut(service).load_balancer.as_mut().ok_or_else(|| no_balancer(Protocol::Http, name))?;
        let server = first_server(&mut balancer.servers);
        if server.url.as_deref().is_some_and(|url| !url.is_empty()) {
            if server.scheme.as_deref().is_some_and(|it| !it.is_empty())
                || server.port.as_deref().is_some_and(|it| !it.is_empty())
            {
                return Err(Refusal::new(Code::BadLabel, Step::UrlAndPort { service: name.clone() })
                    .by_label(format!("traefik.http.services.{name}.loadbalancer.server.url")));
            }
            continue;
        }
        let port = server.port.take();
        warnings.extend(other_port(&exposed, Protocol::Http, name, port.as_deref()));
        let address = server_address(facts, Protocol::Http, name, port.as_deref())?;
        let scheme = server.scheme.take().filter(|scheme| !scheme.is_empty());
        server.url = Some([scheme.as_deref().unwrap_or("http"), "://", &address].concat());
    }
    Ok(())
}

/// Lets no health check over HTTP follow redirects unless a label says so: an application that is shut in could send
/// Traefik to any address by them, and read the answer.
pub(crate) fn follow_no_redirects(http: &mut http::Http) {
    let checks = |service: &http::Service| {
        let check = service.load_balancer.as_ref().and_then(|balancer| balancer.health_check.as_ref());
        check.is_some_and(|check| check.is_http() && check.follow_redirects.is_none())
    };
    for service in http.services.values_mut().filter(|service| checks(service)).map(Arc::make_mut) {
        if let Some(check) = service.load_balancer.as_mut().and_then(|balancer| balancer.health_check.as_mut()) {
            check.follow_redirects = Some(false);
        }
    }
}

fn tcp_services(tcp: &mut tcp::Tcp, facts: Facts<'_>, warnings: &mut Vec<Warning>) -> Result<(), Refusal> {
    if tcp.services.is_empty() {
        let service = tcp::Service { load_balancer: Some(tcp::LoadBalancer::default()) };
        tcp.services.insert(facts.service_name.to_owned(), Arc::new(service));
    }
    if !facts.serving {
        return Ok(());
    }
    let exposed = Exposed::of(facts.container, false);
    for (name, service) in &mut tcp.services {
        let balancer = Arc::make_mut(service).load_balancer.as_mut().ok_or_else(|| no_balancer(Protocol::Tcp, name))?;
        let server = first_server(&mut balancer.servers);
        let port = server.port.take();
        warnings.extend(other_port(&exposed, Protocol::Tcp, name, port.as_deref()));
        server.address = Some(server_address(facts, Protocol::Tcp, name, port.as_deref())?);
    }
    Ok(())
}

fn udp_services(udp: &mut udp::Udp, facts: Facts<'_>, warnings: &mut Vec<Warning>) -> Result<(), Refusal> {
    if udp.services.is_empty() {
        let service = udp::Service { load_balancer: Some(udp::LoadBalancer::default()) };
        udp.services.insert(facts.service_name.to_owned(), Arc::new(service));
    }
    if !facts.serving {
        return Ok(());
    }
    let exposed = Exposed::of(facts.container, true);
    for (name, service) in &mut udp.services {
        let balancer = Arc::make_mut(service).load_balancer.as_mut().ok_or_else(|| no_balancer(Protocol::Udp, name))?;
        let server = first_server(&mut balancer.servers);
        let port = server.port.take();
        warnings.extend(other_port(&exposed, Protocol::Udp, name, port.as_deref()));
        server.address = Some(server_address(facts, Protocol::Udp, name, port.as_deref())?);
    }
    Ok(())
}

/// Only the first server is filled; labels can make no second one.
fn first_server<S: Default>(servers: &mut Option<Vec<S>>) -> &mut S {
    let servers = servers.get_or_insert_default();
    if servers.is_empty() {
        servers.push(S::default());
    }
    // The list was just made to hold one.
    match servers.first_mut() {
        Some(first) => first,
        None => unreachable!("a list that was just filled is not empty"),
    }
}

/// That a label names a port which the container does not expose, though it exposes others.
fn other_port(exposed: &Exposed, protocol: Protocol, service: &str, label: Option<&str>) -> Option<Warning> {
    let port: u16 = label?.parse().ok()?;
    let exposed = exposed.without(port)?;
    Some(Warning::new(Some(port_label(protocol, service)), Step::OtherPort { port, exposed }))
}

fn port_label(protocol: Protocol, service: &str) -> String {
    format!("traefik.{}.services.{service}.loadbalancer.server.port", protocol.as_str())
}

fn server_address(facts: Facts<'_>, protocol: Protocol, service: &str, port: Option<&str>) -> Result<String, Refusal> {
    let bound = facts.settings.use_bind_port_ip.then(|| address::binding(facts.container, port)).flatten();
    let (host, port) = match &bound {
        Some((place, port)) => (place.host.as_str(), Some(port.clone())),
        None => (facts.host.clone()?, address::port(facts.container, port)),
    };
    let port = port.filter(|port| !port.is_empty()).ok_or_else(|| {
        let own_network = address::has_own_network(facts.container);
        Refusal::new(Code::NoPort, Step::NoPort { service: service.to_owned(), own_network })
            .by_label(port_label(protocol, service))
    })?;
    Ok(address::join(host, &port))
}

fn no_balancer(protocol: Protocol, service: &str) -> Refusal {
    let word = protocol.as_str();
    Refusal::new(Code::BadLabel, Step::NoBalancer { service: service.to_owned() })
        .by_label(format!("traefik.{word}.services.{service}"))
}

fn http_routers(http: &mut http::Http, facts: Facts<'_>, warnings: &mut Vec<Warning>) -> Result<(), Refusal> {
    if http.routers.is_empty() {
        if http.services.len() > 1 {
            warnings.push(Warning::new(None, Step::NoRouter { services: http.services.len() }));
        } else {
            http.routers.insert(facts.service_name.to_owned(), Arc::default());
        }
    }
    let services = &http.services;
    let several = some_of(services);
    let mut rule: Option<Result<String, String>> = None;
    http.routers.retain(|name, router| {
        let router = Arc::make_mut(router);
        if router.rule.as_deref().is_none_or(str::is_empty) {
            let rendered = rule.get_or_insert_with(|| default_rule(facts, &facts.labels.labels));
            match rendered {
                Ok(text) if !text.is_empty() => {
                    router.rule = Some(text.clone());
                    router.from_default_rule = true;
                }
                Ok(_) => {
                    warnings.push(dropped(Protocol::Http, name, Dropped::EmptyRule));
                    return false;
                }
                Err(problem) => {
                    warnings.push(dropped(Protocol::Http, name, Dropped::DefaultRule(problem.clone())));
                    return false;
                }
            }
        }
        link(Protocol::Http, name, &mut router.service, services, &several, warnings)
    });
    rule.map_or(Ok(()), |rule| operators_choice(facts, &rule))
}

fn default_rule(facts: Facts<'_>, labels: &BTreeMap<String, String>) -> Result<String, String> {
    let Facts { container, service_name, settings, .. } = facts;
    settings.default_rule.render(Model { name: service_name, container_name: &container.name, labels })
}

/// How often the default rule is made anew to find the labels that it reads: enough for one of ten thousand.
const MOST_TRIES: usize = 32;

/// Refuses where the default rule reads a label that the image carries: its author would choose the host.
fn operators_choice(facts: Facts<'_>, rule: &Result<String, String>) -> Result<(), Refusal> {
    // Most rules read no label.
    if default_rule(facts, &BTreeMap::new()) == *rule {
        return Ok(());
    }
    let others: Vec<&str> = facts.labels.others(facts.image).collect();
    if others.is_empty() {
        return Ok(());
    }
    let without = |left_out: &[&str]| {
        let mut labels = facts.labels.labels.clone().into_owned();
        labels.retain(|key, _| left_out.binary_search(&key.as_str()).is_err());
        default_rule(facts, &labels)
    };
    if without(&others) == *rule {
        return Ok(());
    }
    // By halves: an image may carry ten thousand labels, and each try reads them all.
    let (mut read, mut open) = (Vec::new(), vec![others.as_slice()]);
    for _ in 0..MOST_TRIES {
        let Some(some) = open.pop() else { break };
        match some {
            _ if without(some) == *rule => {}
            [one] => read.push(*one),
            _ => {
                let (first, last) = some.split_at(some.len() / 2);
                open.extend([last, first]);
            }
        }
    }
    let cause =
        image::Cause::DefaultRule { image: facts.container.image.clone(), labels: Few::of(read.iter().copied()) };
    let refusal = Refusal::new(Code::ImageLabels, cause).about(facts.container).by_rule(RuleId::Img001);
    Err(match read.first() {
        Some(first) => refusal.by_label(*first),
        None => refusal,
    })
}

fn tcp_routers(tcp: &mut tcp::Tcp, warnings: &mut Vec<Warning>) {
    let services = &tcp.services;
    let several = some_of(services);
    tcp.routers.retain(|name, router| {
        if router.rule.as_deref().is_none_or(str::is_empty) {
            warnings.push(dropped(Protocol::Tcp, name, Dropped::NoRule));
            return false;
        }
        link(Protocol::Tcp, name, &mut Arc::make_mut(router).service, services, &several, warnings)
    });
}

fn udp_routers(udp: &mut udp::Udp, warnings: &mut Vec<Warning>) {
    let services = &udp.services;
    let several = some_of(services);
    udp.routers.retain(|name, router| {
        link(Protocol::Udp, name, &mut Arc::make_mut(router).service, services, &several, warnings)
    });
}

/// The services, made once: there may be as many routers.
fn some_of<S>(services: &BTreeMap<String, S>) -> Few {
    Few::of(services.keys().map(String::as_str))
}

/// Gives a router without a service the only one there is; false if there are several.
fn link<S>(
    protocol: Protocol,
    router: &str,
    service: &mut Option<String>,
    services: &BTreeMap<String, S>,
    several: &Few,
    warnings: &mut Vec<Warning>,
) -> bool {
    if service.as_deref().is_some_and(|service| !service.is_empty()) {
        return true;
    }
    if services.len() > 1 {
        warnings.push(dropped(protocol, router, Dropped::SeveralServices(several.clone())));
        return false;
    }
    if let Some(only) = services.keys().next() {
        *service = Some(only.clone());
    }
    true
}

fn dropped(protocol: Protocol, router: &str, why: Dropped) -> Warning {
    let protocol = protocol.as_str();
    let label = format!("traefik.{protocol}.routers.{router}");
    Warning::new(Some(label), Step::Dropped { protocol, router: router.to_owned(), why })
}
