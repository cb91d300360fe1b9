//! `leeward serve`: the service that Traefik polls.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use leeward::docker;
use leeward::serve::{self, Options, Problem, Service, default_certificate, tls};
use leeward::settings::Isolation;
use leeward::source::facts;
use leeward::traefik::rules::template::FIELDS;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

use super::engine::{Engine, Source};
use super::policy::Policy;
use super::{Ended, Exit, Failure};

/// Watch the engine and serve Traefik's `providers.http`
///
/// Paths: /config for Traefik, /routes for people and programs, /healthz, /readyz, /metrics.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Where to listen, as IP:PORT
    #[arg(
        long,
        env = "LEEWARD_LISTEN",
        hide_env_values = true,
        value_name = "IP:PORT",
        default_value = "127.0.0.1:9000",
        value_parser = address
    )]
    listen: SocketAddr,

    /// How long to keep Traefik's request open until something changes; less than Traefik's `pollTimeout` (5s by
    /// default), 0 behind a proxy that shares connections
    #[arg(long, env = "LEEWARD_HOLD", hide_env_values = true, value_name = "DURATION", default_value = "4s", value_parser = duration)]
    hold: Duration,

    /// How many requests may be kept open at once; one more is answered at once
    #[arg(long, env = "LEEWARD_MAX_HELD", hide_env_values = true, value_name = "N", default_value = "256")]
    max_held: u16,

    /// How many clients may be connected at once
    #[arg(long, env = "LEEWARD_MAX_CONNECTIONS", hide_env_values = true, value_name = "N", default_value = "512")]
    max_connections: std::num::NonZeroU16,

    /// How long answers under way may take once told to end
    #[arg(long, env = "LEEWARD_DRAIN", hide_env_values = true, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    drain: Duration,

    /// File with the token that everything but /healthz needs; one a line, read again when it changes
    #[arg(long, env = "LEEWARD_TOKEN_FILE", hide_env_values = true, value_name = "FILE", help_heading = "Who may ask")]
    token_file: Option<PathBuf>,

    /// Speak TLS with this certificate, PEM; read again when it changes
    #[arg(
        long,
        env = "LEEWARD_TLS_CERT",
        hide_env_values = true,
        value_name = "FILE",
        requires = "tls_key",
        help_heading = "Who may ask"
    )]
    tls_cert: Option<PathBuf>,

    /// Its key, PEM
    #[arg(
        long,
        env = "LEEWARD_TLS_KEY",
        hide_env_values = true,
        value_name = "FILE",
        requires = "tls_cert",
        help_heading = "Who may ask"
    )]
    tls_key: Option<PathBuf>,

    /// Let in only clients with a certificate from one of these authorities, PEM
    #[arg(
        long,
        env = "LEEWARD_TLS_CLIENT_CA",
        hide_env_values = true,
        value_name = "FILE",
        requires = "tls_cert",
        help_heading = "Who may ask"
    )]
    tls_client_ca: Option<PathBuf>,

    /// A name with dots that browsers may open the service by; repeatable
    #[arg(
        long,
        env = "LEEWARD_ALLOW_HOST",
        hide_env_values = true,
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Who may ask"
    )]
    allow_host: Vec<String>,

    /// Give Traefik a default certificate. Without one, Traefik makes a new RSA key at every change, and the change waits
    #[arg(
        long,
        env = "LEEWARD_DEFAULT_CERTIFICATE",
        hide_env_values = true,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        hide_default_value = true,
        action = ArgAction::Set
    )]
    default_certificate: bool,

    /// Keep that certificate and its key in this file, PEM, so that a restart does not change it; made if it is not there
    #[arg(long, env = "LEEWARD_DEFAULT_CERTIFICATE_FILE", hide_env_values = true, value_name = "FILE")]
    default_certificate_file: Option<PathBuf>,

    #[command(flatten)]
    engine: Engine,

    #[command(flatten)]
    policy: Policy,
}

impl Serve {
    /// Serves until told to end.
    pub(crate) fn run(self) -> Ended {
        let options = Options {
            listen: self.listen,
            hold: self.hold,
            max_held: usize::from(self.max_held),
            max_connections: usize::from(self.max_connections.get()),
            timeouts: serve::TIMEOUTS,
            drain: self.drain,
            token_file: self.token_file,
            tls: self.tls_cert.zip(self.tls_key).map(|(certificate, key)| tls::Files {
                certificate,
                key,
                client_authorities: self.tls_client_ca,
            }),
            allow_hosts: self.allow_host,
        };
        let Source { endpoint, certificates, options: mut reading } = self.engine.source()?;
        let mut settings = self.policy.settings();
        if self.default_certificate || self.default_certificate_file.is_some() {
            let made =
                default_certificate::open(self.default_certificate_file.as_deref()).map_err(Failure::Settings)?;
            settings.default_certificate = Some(Arc::new(made));
        }
        for field in settings.default_rule.unknown_fields() {
            let there = FIELDS.map(|name| format!(".{name}")).join(", ");
            warn!(
                "--default-rule reads `{field}`, which does not exist: a router that needs it is dropped; there are {there}"
            );
        }
        // With the isolation off nobody asks what the door is worth, and it is not to be knocked on.
        reading.test_door = settings.isolation != Isolation::Off;
        reading.owner_label_bytes = settings.budgets.owner_label_bytes();
        if !settings.reads_every_label() {
            reading.labels = facts::Kept::Read;
        }
        // One thread for connections, one for the watch, one to spare; compiling has its own.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let ended = runtime.block_on(async move {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let service = Service::bind(options).await.map_err(|problem| match problem {
                Problem::Settings(words) => Failure::Settings(words),
                other => Failure::Failed(other.into()),
            })?;
            info!("listens on {}", service.address()?);
            let (sender, observed) = watch::channel(None);
            let watching = async move { docker::watch(&endpoint, &certificates, reading, &sender).await.to_string() };
            let stop = async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            service.run(settings, observed, watching, stop).await?;
            Ok(Exit::Good)
        });
        // A view or a compilation that is not done is waited for by nobody.
        runtime.shutdown_background();
        ended
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is no address; write 127.0.0.1:9000, 0.0.0.0:9000 or [::1]:9000".to_owned())
}

/// `25s`, `500ms`, `1m30s`, or a bare number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "is no duration: write 25s, 500ms, 1m30s, or 0".to_owned();
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(u64::from(seconds)));
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (count, unit) = rest.split_at_checked(digits).ok_or_else(wrong)?;
        let count = u64::from(count.parse::<u32>().map_err(|_| wrong())?);
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, after) = unit.split_at_checked(end).ok_or_else(wrong)?;
        total += match unit {
            "ms" => Duration::from_millis(count),
            "s" => Duration::from_secs(count),
            "m" => Duration::from_secs(count * 60),
            "h" => Duration::from_secs(count * 3600),
            _ => return Err(wrong()),
        };
        rest = after;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_traefik() {
        for (text, wanted) in [
            ("25s", Some(25_000)),
            ("0", Some(0)),
            ("4", Some(4_000)),
            ("250ms", Some(250)),
            ("1m30s", Some(90_000)),
            ("", None),
            ("s", None),
            ("5x", None),
            ("1s2", None),
            ("-1s", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(duration(text).ok(), wanted.map(Duration::from_millis), "{text}");
        }
    }
}
