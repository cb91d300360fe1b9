//! Traefik's label language: from flat labels to what they mean, or to the one label that is wrong.
//!
//! Three stages, as in Traefik: the keys become a tree ([`tree`]), the tree's names are held against the types, and only
//! then are values read ([`decode()`]). The first error ends the container; nothing ends the program.
//!
//! Source: Traefik `pkg/config/label/label.go`; paerser `parser/`.

mod decode;
pub mod suggest;
mod tree;

use std::collections::BTreeMap;

pub(crate) use self::tree::Node;
pub use crate::traefik::Problem as LabelProblem;
use crate::traefik::schema::{Access, Field, Kind, Record, Shape, Value, record};
use crate::traefik::{Dynamic, Reason, Unmatched, Version, http, tcp, tls, udp};

/// What keys must start with to mean anything to Traefik's routing; no dot is asked for.
const ROUTING: [&str; 4] = ["traefik.http", "traefik.tcp", "traefik.udp", "traefik.tls.stores.default"];

static ROOT: Shape = Shape {
    name: "dynamic.Configuration",
    fields: &[
        section("http", <http::Http as Record>::SHAPE),
        section("tcp", <tcp::Tcp as Record>::SHAPE),
        section("udp", <udp::Udp as Record>::SHAPE),
        section("tls", <tls::Tls as Record>::SHAPE),
    ],
};

const fn section(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, since: Version::new(3, 0, 0), access: Access::Plain, kind: Kind::Record(shape) }
}

/// Reads a container's routing labels. Errors: the first label that Traefik would not take.
pub fn decode(labels: &BTreeMap<String, String>) -> Result<Dynamic, LabelProblem> {
    let Some(root) = tree::of(labels, &ROUTING)? else { return Ok(Dynamic::default()) };
    decode::check(&root, &ROOT)?;
    let mut dynamic = Dynamic::default();
    for child in &root.children {
        match crate::traefik::schema::field(&ROOT, child.name).map(|field| field.name) {
            Some("http") => dynamic.http = Value::read(child)?.unwrap_or_default(),
            Some("tcp") => dynamic.tcp = Value::read(child)?.unwrap_or_default(),
            Some("udp") => dynamic.udp = Value::read(child)?.unwrap_or_default(),
            _ => dynamic.tls = Value::read(child)?.unwrap_or_default(),
        }
    }
    Ok(dynamic)
}

/// What `traefik.enable`, `traefik.docker.*` and `traefik.swarm.*` say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderLabels {
    /// It asks for a route.
    pub enable: bool,
    /// The network to reach it on: the label's word, as written; `Some("")` where it says nothing on purpose.
    pub network: Option<String>,
    /// A Swarm service is reached at its virtual address.
    pub lb_swarm: bool,
    /// It keeps its routes while it is not running.
    pub allow_non_running: bool,
    /// The network was named by `traefik.swarm.network`.
    by_swarm: bool,
}

impl ProviderLabels {
    /// The label that names the network.
    pub fn network_label(&self) -> &'static str {
        if self.by_swarm { "traefik.swarm.network" } else { "traefik.docker.network" }
    }
}

record! {
    /// What the provider asks of a container's labels.
    pub struct Provider = "docker.labelConfiguration" {
        docker: DockerLabels = "docker", (3, 0, 0), Plain;
        enable: bool = "enable", (3, 0, 0), Plain;
        swarm: SwarmLabels = "swarm", (3, 2, 2), Plain;
    }
}

record! {
    /// `traefik.docker.*`.
    pub struct DockerLabels = "docker.dockerSpecificConfiguration" {
        allow_non_running: bool = "allowNonRunning", (3, 6, 0), Plain;
        lb_swarm: bool = "lbSwarm", (3, 0, 0), Plain;
        network: String = "network", (3, 0, 0), Pointer;
    }
}

record! {
    /// `traefik.swarm.*`.
    pub struct SwarmLabels = "docker.specificConfiguration" {
        lb_swarm: bool = "lbSwarm", (3, 2, 2), Plain;
        network: String = "network", (3, 2, 2), Pointer;
    }
}

/// Reads `traefik.enable`, `traefik.docker.*` and, for `swarm`, `traefik.swarm.*`, apart from the routing labels and by
/// the same rules. Errors: the first label that Traefik would not take; it then skips the container.
///
/// Source: Traefik `pkg/provider/docker/shared_labels.go`.
pub fn provider(
    labels: &BTreeMap<String, String>,
    exposed_by_default: bool,
    swarm: bool,
) -> Result<ProviderLabels, LabelProblem> {
    let filters: &[&str] = if swarm {
        &["traefik.enable", "traefik.docker.", "traefik.swarm."]
    } else {
        &["traefik.docker.", "traefik.enable"]
    };
    let mut found = ProviderLabels { enable: exposed_by_default, ..ProviderLabels::default() };
    let Some(root) = tree::of(labels, filters)? else { return Ok(found) };
    decode::check(&root, <Provider as Record>::SHAPE)?;
    let read = Provider::read(&root)?.unwrap_or_default();
    if let (true, Some(_), Some(_)) = (swarm, &read.docker, &read.swarm) {
        return Err(LabelProblem::new("traefik.swarm", Reason::BothProviders, None));
    }
    found.enable = read.enable.unwrap_or(exposed_by_default);
    if let Some(docker) = read.docker {
        found.network = docker.network;
        found.lb_swarm = docker.lb_swarm.unwrap_or_default();
        found.allow_non_running = docker.allow_non_running.unwrap_or_default();
    }
    if let Some(labels) = read.swarm {
        found.by_swarm = labels.network.is_some();
        found.network = labels.network;
        found.lb_swarm = labels.lb_swarm.unwrap_or_default();
    }
    Ok(found)
}

/// Labels that look like Traefik's and that Traefik passes over without a word.
pub fn unmatched(labels: &BTreeMap<String, String>) -> Vec<(&str, Unmatched)> {
    const READ: [&str; 7] = [
        "traefik.http",
        "traefik.tcp",
        "traefik.udp",
        "traefik.tls.stores.default",
        "traefik.enable",
        "traefik.docker.",
        "traefik.swarm.",
    ];
    let is_ours = |key: &str| key.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("traefik."));
    let why = |key: &str| {
        let second = key.split('.').nth(1).unwrap_or_default();
        if READ.iter().any(|filter| tree::starts_with(key, filter)) {
            dropped_at(key).map(Unmatched::Dropped)
        } else if second.eq_ignore_ascii_case("tls") {
            Some(Unmatched::Tls)
        } else {
            let known = ["http", "tcp", "udp", "tls", "enable", "docker", "swarm"];
            Some(Unmatched::Unknown(suggest::nearest(second, known)))
        }
    };
    let ours = labels.keys().map(String::as_str).filter(|key| is_ours(key));
    ours.filter_map(|key| Some((key, why(key)?))).collect()
}

/// The name in a routing label that Traefik drops, if there is one.
fn dropped_at(key: &str) -> Option<&'static str> {
    let mut names = key.split('.').skip(1);
    let mut shape = &ROOT;
    loop {
        // The index of a list stands right behind its name.
        let field = crate::traefik::schema::field(shape, names.next()?.split('[').next()?)?;
        if matches!(field.access, Access::Dropped | Access::DocumentOnly) {
            return Some(field.name);
        }
        shape = match field.kind {
            Kind::Record(below) | Kind::Records(below) => below,
            Kind::RecordMap(below) => names.next().map(|_| below)?,
            Kind::Scalar(_) | Kind::Texts | Kind::TextMap | Kind::IntMap | Kind::Plugins => return None,
        };
    }
}

/// The types of the routing labels, for those who want to list them: section, shape.
pub fn schema() -> &'static Shape {
    &ROOT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_traefik_passes_over_is_said() {
        for (label, name) in [
            ("traefik.http.services.a.weighted.services[0].name", Some("weighted")),
            ("traefik.HTTP.serverstransports.a.insecureskipverify", Some("serversTransports")),
            ("traefik.tcp.services.a.loadbalancer.server.address", Some("address")),
            ("traefik.http.services.a.loadbalancer.server.port", None),
            ("traefik.http.routers.weighted.rule", None),
            ("traefik.http.middlewares.a.plugin.weighted.weighted", None),
            ("traefik.http.routers.a.tls.domains[0].main", None),
            ("traefik.http.nonsense", None),
        ] {
            assert_eq!(dropped_at(label), name, "{label}");
            let labels = BTreeMap::from([(label.to_owned(), "x".to_owned())]);
            assert_eq!(unmatched(&labels).len(), usize::from(name.is_some()), "{label}");
        }
    }
}
