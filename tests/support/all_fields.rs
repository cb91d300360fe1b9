//! One document with every field that labels reach, for each release.

use std::collections::BTreeMap;

use leeward::inventory::Container;
use leeward::plan::{Outcome, Plan, compile};
use leeward::settings::{ImageLabels, Isolation, Names, Settings};
use leeward::traefik::labels;
use leeward::traefik::schema::{Access, Field, Kind, Shape};
use leeward::traefik::{Version, document};

use crate::inventory;

/// Labels that set every field a release knows and labels reach.
pub(crate) fn labels(version: Version) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    add(labels::schema(), "traefik", version, &mut labels);
    labels
}

fn add(shape: &'static Shape, above: &str, version: Version, labels: &mut BTreeMap<String, String>) {
    for field in shape.fields {
        if matches!(field.access, Access::Dropped | Access::DocumentOnly) || field.since > version {
            continue;
        }
        let label = format!("{above}.{}", field.label_name().to_lowercase());
        match field.kind {
            Kind::Record(shape) => add(shape, &label, version, labels),
            Kind::Records(shape) if field.access == Access::AsStruct => add(shape, &label, version, labels),
            Kind::Records(shape) => add(shape, &format!("{label}[0]"), version, labels),
            // A middleware is one of its fields: each gets a name of its own.
            Kind::RecordMap(shape) if label.ends_with(".middlewares") => {
                for kind in shape.fields.iter().filter(|kind| kind.access != Access::Dropped) {
                    let mut own = BTreeMap::new();
                    add(shape, &format!("{label}.{}", kind.name.to_lowercase()), version, &mut own);
                    let only = format!("{label}.{0}.{0}", kind.name.to_lowercase());
                    labels.extend(own.into_iter().filter(|(label, _)| label.starts_with(&only)));
                }
            }
            Kind::RecordMap(shape) => {
                let name = if label.ends_with(".stores") { "default" } else { "all" };
                add(shape, &format!("{label}.{name}"), version, labels);
            }
            Kind::TextMap => drop(labels.insert(format!("{label}.X-Name.x"), " a value".to_owned())),
            Kind::IntMap => drop(labels.insert(format!("{label}.500-503"), "404".to_owned())),
            Kind::Plugins => {
                for (setting, value) in [("a", "text"), ("l[0]", "one"), ("l[1].k", "two"), ("m.m[0]", " three ")] {
                    labels.insert(format!("{label}.demo.{setting}"), value.to_owned());
                }
            }
            Kind::Scalar(_) | Kind::Texts => drop(labels.insert(label.clone(), value(&label, field).to_owned())),
        }
    }
}

/// A value that Traefik finds a meaning in, where it looks for one.
fn value(label: &str, field: &Field) -> &'static str {
    match (field.kind, field.name) {
        (_, "rule") if label.contains(".tcp.") => "HostSNI(`all.example`)",
        (_, "rule") => "Host(`all.example`)",
        (_, "ruleSyntax") => "v3",
        (_, "service") if label.contains(".routers.") => "all",
        (_, "serversTransport") => "other@file",
        (_, "sourceRange") => "10.0.0.0/8,fd00::/8",
        (_, "regex") => "^/(.*)",
        (_, "expression") => "NetworkErrorRatio() > 0.5",
        (_, "strategy") => "p2c",
        (_, "sameSite") => "lax",
        (_, "traceVerbosity") => "detailed",
        (_, "scheme") => "https",
        (_, "mode") => "http",
        (_, "entryPoints") => "web",
        (_, "status") if matches!(field.kind, Kind::Texts) => "500-599,418",
        (Kind::Scalar("bool"), _) => "true",
        (Kind::Scalar("int"), _) => "2",
        (Kind::Scalar("duration"), _) => "1m30s",
        (Kind::Texts, _) => "one,two",
        _ => "x",
    }
}

/// Containers as `(name, labels)` on one network, compiled as Traefik's own provider would.
pub(crate) fn plan(containers: &[(&str, BTreeMap<String, String>)], version: Version) -> Plan {
    let mut inventory = inventory::engine();
    inventory::network(&mut inventory, "n", false);
    for (name, labels) in containers {
        let mut container = Container {
            id: (*name).into(),
            name: (*name).to_owned(),
            state: "running".into(),
            network_mode: "n".into(),
            exposed_ports: ["80/tcp".to_owned()].into(),
            labels: labels.clone(),
            ..Container::default()
        };
        inventory::attach(&mut container, "n", Some([172, 30, 0, 9].into()));
        inventory.put(container);
    }
    let settings = Settings {
        exposed_by_default: true,
        isolation: Isolation::Off,
        names: Names::Traefik,
        image_labels: ImageLabels::Honor,
        traefik_version: Some(version),
        ..Settings::default()
    };
    compile(&inventory, &settings)
}

/// A document with every field: what says the address of a server in full, and what says its parts, cannot be together.
pub(crate) fn everything(version: Version) -> String {
    let all = labels(version);
    let is_url = |label: &String| label.ends_with(".server.url");
    let is_part = |label: &String| label.ends_with(".server.scheme") || label.ends_with(".server.port");
    let mut whole: BTreeMap<String, String> =
        all.iter().filter(|(label, _)| !is_part(label)).map(|(label, value)| (label.clone(), value.clone())).collect();
    whole.insert("traefik.http.services.all.loadbalancer.server.url".into(), "http://172.30.0.9:80".into());
    let parts = all
        .iter()
        .filter(|(label, _)| label.contains(".services.") && !is_url(label))
        .map(|(label, value)| (label.replace(".services.all.", ".services.parts."), value.clone()))
        .map(|(label, value)| if label.ends_with(".server.port") { (label, "8080".to_owned()) } else { (label, value) })
        .collect();
    let plan = plan(&[("whole", whole), ("parts", parts)], version);
    for decision in plan.decided() {
        assert_eq!(decision.outcome, Outcome::Routed, "{version}: {:?}", decision.refusal);
    }
    document::write(&plan.documents[Plan::EVERYONE])
}
