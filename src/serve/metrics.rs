//! `GET /metrics`: counts of the service itself, and of what it publishes, in the OpenMetrics text format.
//!
//! What happens is counted as it happens; what is (containers, findings, age) is read from the published value when
//! somebody asks, so that it cannot drift.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::watch;

use super::published::Published;
use crate::docker::Calls;
use crate::net::exposition::{self, Labels, Process, gauge, seconds};
use crate::net::pem;
use crate::plan::{Outcome, Plan, Protocol};
use crate::policy::rule_id::RuleId;
use crate::report::audit::word as severity;
use crate::report::visible::visible;

/// The counters that live as long as the service.
#[derive(Debug)]
pub(super) struct Metrics {
    requests: Family<Labels, Counter>,
    held: Gauge,
    connections: Gauge,
    turned_away: Counter,
    compile_seconds: Histogram,
    compile_failures: Counter,
    publish_seconds: Histogram,
    /// When each Traefik's document was last asked for, by the document's name.
    polls: Mutex<BTreeMap<String, SystemTime>>,
    calls: Arc<Calls>,
    /// When the certificate of `--tls-cert` ends to be valid.
    tls_expires: Option<watch::Receiver<Option<i64>>>,
    process: Process,
}

impl Metrics {
    /// `tls_expires`: when the service's own certificate ends to be valid, where it has one.
    pub(super) fn new(tls_expires: Option<watch::Receiver<Option<i64>>>) -> Self {
        Self {
            requests: Family::default(),
            held: Gauge::default(),
            connections: Gauge::default(),
            turned_away: Counter::default(),
            compile_seconds: Histogram::new([0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0]),
            compile_failures: Counter::default(),
            publish_seconds: Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]),
            polls: Mutex::default(),
            calls: Arc::default(),
            tls_expires,
            process: Process::new(),
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

    /// A Traefik asked for the document of this name, or was just answered. Where there is none, nothing is kept.
    pub(super) fn polled(&self, name: &str, published: &Published, now: SystemTime) {
        if !has_document(published, name) {
            return;
        }
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        match polls.get_mut(name) {
            Some(last) => *last = now,
            None => drop(polls.insert(name.to_owned(), now)),
        }
    }

    pub(super) fn compiled(&self, took: Duration) {
        self.compile_seconds.observe(took.as_secs_f64());
    }

    pub(super) fn compile_failed(&self) {
        self.compile_failures.inc();
    }

    /// A change was published, so long after the first sign of it.
    pub(super) fn published(&self, took: Duration) {
        self.publish_seconds.observe(took.as_secs_f64());
    }

    pub(super) fn connected(&self, open: usize) {
        self.connections.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    pub(super) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// Where questions to the engine are counted.
    pub(super) fn calls(&self) -> Arc<Calls> {
        Arc::clone(&self.calls)
    }

    /// Everything, as text.
    pub(super) fn text(&self, published: Option<&Published>, now: SystemTime) -> String {
        let mut all = Registry::default();
        self.process.register(&mut all);
        let registry = all.sub_registry_with_prefix("leeward");
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register("polls_held", "Requests of Traefik that wait for a change", self.held.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        let words = "Connections closed to make room, or not taken";
        registry.register("connections_turned_away", words, self.turned_away.clone());
        let words = "Time to compile and encode a plan";
        registry.register_with_unit("compile", words, Unit::Seconds, self.compile_seconds.clone());
        registry.register("compile_failures", "Plans that could not be compiled", self.compile_failures.clone());
        let words = "Time from the first sign of a change (an event, or a list that tells of it) to its publication";
        registry.register_with_unit("publish", words, Unit::Seconds, self.publish_seconds.clone());
        let calls = Family::<Labels, Counter>::default();
        for (kind, result, count) in self.calls.counts() {
            calls.get_or_create(&vec![("kind", kind.to_owned()), ("result", result.to_owned())]).inc_by(count);
        }
        registry.register("engine_calls", "Questions to the engine, by what was asked and what came of it", calls);
        let ready = published.is_some_and(|it| it.stale.is_none());
        gauge(registry, "ready", "1 if there is a plan and it is fresh", i64::from(ready));
        self.certificates(registry, published);
        if let Some(published) = published {
            self.last_polls(registry, published);
            describe(registry, published, now);
        }
        exposition::text(&all)
    }

    fn certificates(&self, registry: &mut Registry, published: Option<&Published>) {
        let expires = Family::<Labels, Gauge>::default();
        let default = published.and_then(|it| it.plan.default_certificate.as_ref());
        let default = default.and_then(|it| pem::expires(it.certificate.as_bytes()));
        let own = self.tls_expires.as_ref().and_then(|it| *it.borrow());
        for (name, moment) in [("default", default), ("own", own)] {
            if let Some(moment) = moment {
                expires.get_or_create(&vec![("certificate", name.to_owned())]).set(moment);
            }
        }
        let words = "When a certificate ends to be valid: Traefik's default one, and the service's own";
        registry.register("certificate_expiry_timestamp_seconds", words, expires);
    }

    /// Of the documents that there still are.
    fn last_polls(&self, registry: &mut Registry, published: &Published) {
        let last = Family::<Labels, Gauge>::default();
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        polls.retain(|name, moment| {
            let is_there = has_document(published, name);
            if is_there {
                last.get_or_create(&vec![("traefik", visible(name))]).set(seconds(*moment));
            }
            is_there
        });
        let words = "When a Traefik last asked for its document, or was answered; `traefik` is empty for `/config`";
        registry.register("last_poll_timestamp_seconds", words, last);
    }
}

/// Whether a Traefik of this name is told something of its own.
fn has_document(published: &Published, name: &str) -> bool {
    published.documents.contains_key(name) || published.outbound.contains_key(name)
}

/// What is published, as gauges.
fn describe(registry: &mut Registry, published: &Published, now: SystemTime) {
    let Published { inventory: _, plan, documents, outbound: told, revision, changed_at, stale } = published;
    let containers = Family::<Labels, Gauge>::default();
    for (outcome, name) in [(Outcome::Routed, "routed"), (Outcome::Refused, "refused"), (Outcome::Ignored, "ignored")] {
        let count = plan.decided().filter(|it| it.outcome == outcome).count();
        containers.get_or_create(&vec![("outcome", name.to_owned())]).set(whole(count));
    }
    registry.register("containers", "Containers by what was decided", containers);

    let routes = Family::<Labels, Gauge>::default();
    for (protocol, name) in [(Protocol::Http, "http"), (Protocol::Tcp, "tcp"), (Protocol::Udp, "udp")] {
        let count = plan.routes.iter().filter(|it| it.protocol == protocol).count();
        routes.get_or_create(&vec![("protocol", name.to_owned())]).set(whole(count));
    }
    registry.register("routes", "Routers in the document", routes);
    let left_out = plan.routes.iter().filter(|route| !plan.never_taken(route).is_empty()).count();
    gauge(registry, "routes_left_out", "Routers in the document that Traefik leaves out", whole(left_out));

    let outbound = Family::<Labels, Gauge>::default();
    let allowed = plan.outbound.iter().filter(|it| it.holds()).count();
    for (state, count) in [("allowed", allowed), ("not-allowed", plan.outbound.len() - allowed)] {
        outbound.get_or_create(&vec![("state", state.to_owned())]).set(whole(count));
    }
    registry.register("outbound_names", "Names outside that containers ask for, by what was decided", outbound);
    let words = "1 while outbound names are withdrawn because the engine does not answer";
    gauge(registry, "outbound_withdrawn", words, i64::from(plan.outbound_withdrawn));

    counted(registry, "refused", "Refused containers by the code and rule of the first reason", refused(plan));
    counted(registry, "findings", "What the audit found, by rule, severity and what became of it", findings(plan));

    let bytes = Family::<Labels, Gauge>::default();
    for (traefik, document) in documents.iter().chain(told) {
        bytes.get_or_create(&vec![("traefik", visible(traefik))]).set(whole(document.bytes.len()));
    }
    registry.register_with_unit("document", "Size of each Traefik's document", Unit::Bytes, bytes);

    let words = "Grows by one when a document changes; starts at 1 with the service";
    gauge(registry, "revision", words, i64::try_from(*revision).unwrap_or(i64::MAX));
    gauge(registry, "changed_timestamp_seconds", "When a document last changed", seconds(*changed_at));
    let stale = stale.as_ref().map_or(0, |it| now.duration_since(it.since).unwrap_or_default().as_secs());
    let words = "How long the engine has not been heard; 0 if it is";
    gauge(registry, "stale_seconds", words, i64::try_from(stale).unwrap_or(i64::MAX));
}

/// Registers how many there are of each.
fn counted(registry: &mut Registry, name: &str, words: &str, series: impl Iterator<Item = Labels>) {
    let family = Family::<Labels, Gauge>::default();
    for labels in series {
        family.get_or_create(&labels).inc();
    }
    registry.register(name, words, family);
}

/// The series of each refused container. `rule` is empty where the code says all.
fn refused(plan: &Plan) -> impl Iterator<Item = Labels> {
    let decisions = plan.decided().filter(|it| it.outcome == Outcome::Refused);
    decisions.filter_map(|it| it.refusal.as_ref()).map(|refusal| {
        let rule = refusal.rule.map_or("", RuleId::as_str);
        vec![("code", refusal.code.as_str().to_owned()), ("rule", rule.to_owned())]
    })
}

/// The series of each finding.
fn findings(plan: &Plan) -> impl Iterator<Item = Labels> {
    plan.findings.iter().map(|finding| {
        let state = match (finding.not_verifiable, finding.allowed) {
            (true, _) => "not-verifiable",
            (false, true) => "allowed",
            (false, false) => "open",
        };
        vec![
            ("rule", finding.rule.as_str().to_owned()),
            ("severity", severity(finding.severity).to_owned()),
            ("state", state.to_owned()),
        ]
    })
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
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn counts_and_facts_are_written() {
        let metrics = Metrics::new(None);
        metrics.answered("/config", 200);
        metrics.answered("/config", 200);
        let held = metrics.hold();
        let text = metrics.text(None, UNIX_EPOCH);
        for line in
            ["leeward_requests_total{path=\"/config\",status=\"200\"} 2", "leeward_polls_held 1", "leeward_ready 0"]
        {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let classic = exposition::classic(&text);
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
