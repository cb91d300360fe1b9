//! `--log-level`, `--log-format`: what is logged to stderr, and how.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use leeward::report::visible::short;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, Layer};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Failure;

/// The most columns that a message or one of its values takes.
const LONGEST_VALUE: usize = 1_000;

/// Flags of every verb.
#[derive(Args, Debug)]
pub(crate) struct Log {
    /// Log level: off, error, warn, info, debug or trace [default: info for serve and gate, else warn]
    ///
    /// Also a filter such as `info,leeward::docker=debug`. The environment variable is LEEWARD_LOG.
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Logging")]
    log_level: Option<String>,

    /// Log format
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Logging"
    )]
    log_format: Format,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Plain text
    Text,
    /// One JSON object a line
    Json,
}

impl Log {
    /// Starts logging; from here on `tracing` reaches stderr.
    pub(crate) fn start(&self, service: bool) -> Result<(), Failure> {
        let level = self.log_level.as_deref().filter(|level| !level.is_empty());
        let level = level.unwrap_or(if service { "info" } else { "warn" });
        let filter = filter(level).map_err(|wrong| {
            Failure::Settings(format!(
                "--log-level `{level}`: invalid level `{wrong}`; use off, error, warn, info, debug, trace, or a filter such \
                 as `info,leeward::docker=debug`"
            ))
        })?;
        let lines = Layer::new().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
        let started = tracing_subscriber::registry().with(filter).with(lines.event_format(self.log_format)).try_init();
        started.map_err(|error| Failure::Failed(anyhow::anyhow!(error)))
    }
}

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        let Line { message, fields } = line;
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        match self {
            Self::Text => {
                SystemTime.format_time(&mut to)?;
                let color = match level {
                    _ if !to.has_ansi_escapes() => None,
                    Level::ERROR => Some(31),
                    Level::WARN => Some(33),
                    _ => Some(32),
                };
                match color {
                    Some(color) => write!(to, " \u{1b}[{color}m{level:>5}\u{1b}[0m {message}")?,
                    None => write!(to, " {level:>5} {message}")?,
                }
                for (name, value) in fields {
                    match &value {
                        Value::String(word) if is_word(word) => write!(to, " {name}={word}")?,
                        value => write!(to, " {name}={value}")?,
                    }
                }
                writeln!(to)
            }
            Self::Json => {
                to.write_str("{\"timestamp\":\"")?;
                SystemTime.format_time(&mut to)?;
                write!(to, "\",\"level\":\"{level}\",\"message\":{}", json!(message))?;
                for (name, value) in fields {
                    write!(to, ",{}:{value}", json!(name))?;
                }
                writeln!(to, ",\"target\":{}}}", json!(target))
            }
        }
    }
}

/// Needs no quotes.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains([' ', '"', '='])
}

/// What an event says, each part of it cut to [`LONGEST_VALUE`] and with nothing in it that a terminal would obey or
/// that cannot be seen: whatever is logged, and wherever.
#[derive(Debug, Default)]
struct Line {
    message: String,
    /// Names and values; texts as JSON has them.
    fields: Vec<(&'static str, Value)>,
}

impl Line {
    fn take(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(message)) => self.message = message,
            (name, value) => self.fields.push((name, value)),
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = Bounded(String::new());
        // Nothing in here fails.
        let _ = write!(text, "{value:?}");
        self.take(field, short(&text.0, LONGEST_VALUE).into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, short(value, LONGEST_VALUE).into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.take(field, value.into());
    }
}

/// Keeps of what is written a little more than a line shows.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = (8 * LONGEST_VALUE).saturating_sub(self.0.len());
        self.0.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
        Ok(())
    }
}

/// Levels, one for everything and others by module; the part that is none, as an error.
///
/// No regular expressions: those of a full `EnvFilter` cost half a megabyte of memory to hold the word `info`.
fn filter(text: &str) -> Result<Targets, &str> {
    let mut filter = Targets::new();
    for part in text.split(',').map(str::trim) {
        let (module, level) = part.split_once('=').map_or((None, part), |(module, level)| (Some(module), level));
        let level: LevelFilter = level.parse().ok().filter(|_| !level.is_empty()).ok_or(part)?;
        filter = match module {
            None => filter.with_default(level),
            Some(module)
                if module.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':')) =>
            {
                filter.with_target(module, level)
            }
            Some(_) => return Err(part),
        };
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use tracing_subscriber::fmt::MakeWriter;

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn logged(format: Format, log: impl FnOnce()) -> String {
        let kept = Kept::default();
        let lines = Layer::new().with_writer(kept.clone()).with_ansi(false).event_format(format);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), log);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn whatever_is_logged_is_short_and_nothing_in_it_is_obeyed() {
        let long = "a".repeat(10_000_000);
        let evil = "x\u{1b}[2J\u{202e}\u{9b}31m\ny";
        let log =
            || tracing::warn!(container.name = %evil, rule = long, count = 3, ready = true, "refused {evil}: {long}");
        let text = logged(Format::Text, log);
        assert!(text.len() < 3_000 && text.lines().count() == 1, "{} bytes", text.len());
        assert!(text.contains("  WARN refused x\\u{1b}[2J\\u{202e}\\u{9b}31m\\ny: aaa"), "{text}");
        assert!(text.contains(" count=3 ready=true"), "{text}");
        let json = logged(Format::Json, log);
        assert!(json.len() < 3_000, "{json}");
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&value["level"], &value["count"], &value["ready"]), (&"WARN".into(), &3.into(), &true.into()));
        assert_eq!(value["container.name"], "x\\u{1b}[2J\\u{202e}\\u{9b}31m\\ny");
        assert!(value["timestamp"].as_str().is_some_and(|it| it.ends_with('Z')), "{json}");
    }

    #[test]
    fn levels_are_read_and_nothing_else() {
        let read = filter("info, leeward::docker=debug").unwrap();
        assert!(read.would_enable("leeward::docker::watch", &Level::DEBUG));
        assert!(read.would_enable("leeward::gate", &Level::INFO) && !read.would_enable("leeward::gate", &Level::DEBUG));
        assert!(!filter("off").unwrap().would_enable("leeward", &Level::ERROR));
        assert!(filter("WARN").unwrap().would_enable("leeward", &Level::WARN));
        for (text, wrong) in
            [("verbose", "verbose"), ("", ""), ("info,x", "x"), ("a[b]=info", "a[b]=info"), ("a=b", "a=b")]
        {
            assert_eq!(filter(text).unwrap_err(), wrong, "{text}");
        }
    }
}
