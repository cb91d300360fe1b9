//! `GET /metrics`: counts of the service itself, and of what it publishes, in the OpenMetrics text format.
//!
//! What happens is counted as it happens; what is (containers, findings, age) is read from the published value when
//! somebody asks, so that it cannot drift.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::published::Published;
use crate::plan::{Outcome, Protocol};
use crate::policy::finding::Severity;
use crate::report::visible::visible;

type Labels = Vec<(&'static str, String)>;

/// The counters that live as long as the service.
#[derive(Debug)]
pub(super) struct Metrics {
    requests: Family<Labels, Counter>,
    held: Gauge,
    connections: Gauge,
    turned_away: Counter,
    compile_seconds: Histogram,
    compile_failures: Counter,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            requests: Family::default(),
            held: Gauge::default(),
            connections: Gauge::default(),
            turned_away: Counter::default(),
            compile_seconds: Histogram::new([0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0]),
            compile_failures: Counter::default(),
        }
    }

    /// A request was answered. `path` is the pattern, not what a client wrote.
    pub(super) fn answered(&self, path: &str, status: u16) {
        self.requests.get_or_create(&vec![("path", path.to_owned()), ("status", status.to_string())]).inc();
    }

    /// A poll is held as long as what is returned lives.
    pub(super) fn hold(&self) -> Held<'_> {
        self.held.inc();
        Held(&self.held)
    }

    pub(super) fn compiled(&self, took: Duration) {
        self.compile_seconds.observe(took.as_secs_f64());
    }

    pub(super) fn compile_failed(&self) {
        self.compile_failures.inc();
    }

    pub(super) fn connected(&self, open: usize) {
        self.connections.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    pub(super) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// Everything, as text.
    pub(super) fn text(&self, published: Option<&Published>, now: SystemTime) -> String {
        let mut registry = Registry::with_prefix("leeward");
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register("polls_held", "Requests of Traefik that wait for a change", self.held.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        let words = "Connections closed to make room, or not taken";
        registry.register("connections_turned_away", words, self.turned_away.clone());
        let words = "Time to compile and encode a plan";
        registry.register_with_unit("compile", words, Unit::Seconds, self.compile_seconds.clone());
        registry.register("compile_failures", "Plans that could not be compiled", self.compile_failures.clone());
        let build = Family::<Labels, Gauge>::default();
        build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
        registry.register("build", "Always 1", build);
        let ready = published.is_some_and(|it| it.stale.is_none());
        gauge(&mut registry, "ready", "1 if there is a plan and it is fresh", i64::from(ready));
        if let Some(published) = published {
            describe(&mut registry, published, now);
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }
}

/// The same in the text format of Prometheus before OpenMetrics: there a counter's own name ends with `_total`, units are
/// not said, and nothing marks the end. Source: Prometheus `docs/instrumenting/exposition_formats.md`.
pub(super) fn classic(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let is_counter = |name: &str| {
        lines
            .iter()
            .any(|line| line.strip_prefix("# TYPE ").and_then(|it| it.split_once(' ')) == Some((name, "counter")))
    };
    let mut written = String::with_capacity(text.len());
    for line in &lines {
        match line.splitn(4, ' ').collect::<Vec<_>>().as_slice() {
            ["#", "UNIT" | "EOF", ..] => continue,
            ["#", what, name, rest] if is_counter(name) => {
                for part in ["# ", what, " ", name, "_total ", rest] {
                    written.push_str(part);
                }
            }
            _ => written.push_str(line),
        }
        written.push('\n');
    }
    written
}

/// What is published, as gauges.
fn describe(registry: &mut Registry, published: &Published, now: SystemTime) {
    let Published { inventory: _, plan, documents, outbound: told, revision, changed_at, stale } = published;
    let containers = Family::<Labels, Gauge>::default();
    for (outcome, name) in [(Outcome::Routed, "routed"), (Outcome::Refused, "refused"), (Outcome::Ignored, "ignored")] {
        let count = plan.decisions.values().filter(|it| it.outcome == outcome).count();
        containers.get_or_create(&vec![("outcome", name.to_owned())]).set(whole(count));
    }
    registry.register("containers", "Containers by what was decided", containers);

    let routes = Family::<Labels, Gauge>::default();
    for (protocol, name) in [(Protocol::Http, "http"), (Protocol::Tcp, "tcp"), (Protocol::Udp, "udp")] {
        let count = plan.routes.iter().filter(|it| it.protocol == protocol).count();
        routes.get_or_create(&vec![("protocol", name.to_owned())]).set(whole(count));
    }
    registry.register("routes", "Routers in the document", routes);

    let outbound = Family::<Labels, Gauge>::default();
    let allowed = plan.outbound.iter().filter(|it| it.holds()).count();
    for (state, count) in [("allowed", allowed), ("not-allowed", plan.outbound.len() - allowed)] {
        outbound.get_or_create(&vec![("state", state.to_owned())]).set(whole(count));
    }
    registry.register("outbound_names", "Names outside that containers ask for, by what was decided", outbound);
    let words = "1 while outbound names are withdrawn because the engine does not answer";
    gauge(registry, "outbound_withdrawn", words, i64::from(plan.outbound_withdrawn));

    let findings = Family::<Labels, Gauge>::default();
    for (severity, name) in [
        (Severity::Critical, "critical"),
        (Severity::High, "high"),
        (Severity::Medium, "medium"),
        (Severity::Low, "low"),
        (Severity::Info, "info"),
    ] {
        let count = plan.findings.iter().filter(|it| it.severity == severity && !it.not_verifiable).count();
        findings.get_or_create(&vec![("severity", name.to_owned())]).set(whole(count));
    }
    registry.register("findings", "What the audit found, but for what cannot be verified", findings);

    let bytes = Family::<Labels, Gauge>::default();
    for (traefik, document) in documents.iter().chain(told) {
        bytes.get_or_create(&vec![("traefik", visible(traefik))]).set(whole(document.bytes.len()));
    }
    registry.register_with_unit("document", "Size of each Traefik's document", Unit::Bytes, bytes);

    let words = "Grows by one when a document changes; starts at 1 with the service";
    gauge(registry, "revision", words, i64::try_from(*revision).unwrap_or(i64::MAX));
    let changed = changed_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let words = "When a document last changed";
    gauge(registry, "changed_timestamp_seconds", words, i64::try_from(changed).unwrap_or(i64::MAX));
    let stale = stale.as_ref().map_or(0, |it| now.duration_since(it.since).unwrap_or_default().as_secs());
    let words = "How long the engine has not been heard; 0 if it is";
    gauge(registry, "stale_seconds", words, i64::try_from(stale).unwrap_or(i64::MAX));
}

fn gauge(registry: &mut Registry, name: &str, words: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, words, gauge);
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A held poll; no longer counted once dropped.
#[derive(Debug)]
pub(super) struct Held<'a>(&'a Gauge);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_facts_are_written() {
        let metrics = Metrics::new();
        metrics.answered("/config", 200);
        metrics.answered("/config", 200);
        let held = metrics.hold();
        let text = metrics.text(None, UNIX_EPOCH);
        for line in
            ["leeward_requests_total{path=\"/config\",status=\"200\"} 2", "leeward_polls_held 1", "leeward_ready 0"]
        {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let classic = classic(&text);
        for line in [
            "# TYPE leeward_requests_total counter",
            "leeward_requests_total{path=\"/config\",status=\"200\"} 2",
            "# TYPE leeward_compile_seconds histogram",
        ] {
            assert!(classic.lines().any(|it| it == line), "{line}\n{classic}");
        }
        assert!(!classic.contains("# EOF") && !classic.contains("# UNIT"), "{classic}");
        drop(held);
        assert!(metrics.text(None, UNIX_EPOCH).contains("leeward_polls_held 0"));
    }
}
