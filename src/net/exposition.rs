//! Counts as text for Prometheus: the two formats, and what is said of the process itself.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The media type of Prometheus' text format before OpenMetrics.
pub(crate) const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What tells the series of one metric apart.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// What is said of the process itself: since when it runs, and what it takes up.
#[derive(Debug)]
pub(crate) struct Process {
    started: SystemTime,
    /// Opened at the start: the gate's sandbox lets it open nothing later.
    memory: Option<File>,
}

impl Process {
    /// It starts now.
    pub(crate) fn new() -> Self {
        Self { started: SystemTime::now(), memory: File::open("/proc/self/statm").ok() }
    }

    /// Registers it, and which release it is.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let build = Family::<Labels, Gauge>::default();
        build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
        registry.register("leeward_build_info", "Which release it is; always 1", build);
        gauge(registry, "process_start_time_seconds", "When the process started", seconds(self.started));
        if let Some(bytes) = self.resident_bytes() {
            gauge(registry, "process_resident_memory_bytes", "What the process takes up in memory", bytes);
        }
    }

    /// Source: proc(5), `/proc/pid/statm`: the second number, in pages.
    fn resident_bytes(&self) -> Option<i64> {
        let mut text = [0; 128];
        let length = self.memory.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..length)?).ok()?;
        let pages: i64 = text.split(' ').nth(1)?.parse().ok()?;
        pages.checked_mul(i64::try_from(rustix::param::page_size()).ok()?)
    }
}

/// Registers one number.
pub(crate) fn gauge(registry: &mut Registry, name: &str, words: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, words, gauge);
}

/// A moment as Prometheus has it: whole seconds since 1970.
pub(crate) fn seconds(moment: SystemTime) -> i64 {
    i64::try_from(moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

/// Everything registered, in the OpenMetrics format.
pub(crate) fn text(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = encode(&mut text, registry);
    text
}

/// The same in the text format of Prometheus before OpenMetrics: there a counter's own name ends with `_total`, units are
/// not said, and nothing marks the end. Source: Prometheus `docs/instrumenting/exposition_formats.md`.
pub(crate) fn classic(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_says_what_it_takes_up_and_since_when() {
        let process = Process::new();
        let resident = process.resident_bytes().unwrap();
        assert!((1 << 20..1 << 36).contains(&resident), "{resident} bytes");
        let mut registry = Registry::default();
        process.register(&mut registry);
        let text = classic(&text(&registry));
        for name in ["leeward_build_info{version=\"", "process_start_time_seconds 1", "process_resident_memory_bytes "]
        {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name}\n{text}");
        }
    }
}
