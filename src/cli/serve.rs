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
use leeward::traefik::duration::Duration as GoDuration;
use leeward::traefik::rules::template::FIELDS;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

use super::engine::{Engine, Source};
use super::own_container::own_container;
use super::policy::Policy;
use super::{Ended, Exit, Failure};

/// Watch the engine and serve the configuration for Traefik's `providers.http`
///
/// Paths: /config for Traefik; / is a page for browsers; /routes, /explain/NAME, /audit, /healthz, /readyz, /metrics.
///
/// Exit status: 0 stopped by a signal, 2 a setting is invalid, 3 it failed.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Address to listen on
    #[arg(
        long,
        value_name = "IP:PORT",
        default_value = "127.0.0.1:9000",
        value_parser = address
    )]
    listen: SocketAddr,

    /// How long a request of Traefik waits for a change; must be less than Traefik's `pollTimeout`
    ///
    /// Traefik's default is 5s. Use 0 behind a proxy that shares connections.
    #[arg(long, value_name = "DURATION", default_value = "4s", value_parser = duration)]
    hold: Duration,

    /// Most requests that wait for a change; more are answered at once
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "256")]
    max_held: u16,

    /// Most connections
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "512")]
    max_connections: std::num::NonZeroU16,

    /// How long open answers may take after a signal to stop
    #[arg(long, hide_short_help = true, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    drain: Duration,

    /// File with tokens, one a line; every path but /healthz then needs one; read again on change
    #[arg(long, value_name = "FILE", help_heading = "Access")]
    token_file: Option<PathBuf>,

    /// TLS certificate, PEM; read again on change
    #[arg(long, hide_short_help = true, value_name = "FILE", requires = "tls_key", help_heading = "Access")]
    tls_cert: Option<PathBuf>,

    /// Key of the TLS certificate, PEM
    #[arg(long, hide_short_help = true, value_name = "FILE", requires = "tls_cert", help_heading = "Access")]
    tls_key: Option<PathBuf>,

    /// Accept only clients with a certificate of one of these CAs, PEM
    #[arg(long, hide_short_help = true, value_name = "FILE", requires = "tls_cert", help_heading = "Access")]
    tls_client_ca: Option<PathBuf>,

    /// Host name with dots that browsers may use for this service; repeatable
    #[arg(long, hide_short_help = true, value_name = "NAME", value_delimiter = ',', help_heading = "Access")]
    allow_host: Vec<String>,

    /// Give Traefik a default certificate, so that it does not make a new one at every change
    #[arg(
        long,
        hide_short_help = true,
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

    /// File that keeps the default certificate and its key, PEM; made if it does not exist
    #[arg(long, value_name = "FILE")]
    default_certificate_file: Option<PathBuf>,

    /// How long outbound names stay allowed once the engine does not answer; inbound routes always stay
    #[arg(long, hide_short_help = true, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    outbound_keep: Duration,

    /// Connections that one container may have open to one outbound name at a time; without it, as many as it likes
    #[arg(long, hide_short_help = true, value_name = "N")]
    outbound_connections: Option<std::num::NonZeroU32>,

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
            outbound_keep: self.outbound_keep,
        };
        let Source { endpoint, certificates, options: mut reading } = self.engine.source()?;
        let mut settings = self.policy.settings()?;
        settings.own_container = own_container();
        settings.outbound_connections = self.outbound_connections;
        if self.default_certificate || self.default_certificate_file.is_some() {
            let made =
                default_certificate::open(self.default_certificate_file.as_deref()).map_err(Failure::Settings)?;
            settings.default_certificate = Some(Arc::new(made));
        }
        for field in settings.default_rule.unknown_fields() {
            let there = FIELDS.map(|name| format!(".{name}")).join(", ");
            warn!(
                "--default-rule uses `{field}`, which does not exist: routers that need it are dropped; the fields are {there}"
            );
        }
        // With the isolation off nothing uses the result, so the socket is not tested.
        reading.test_door = settings.isolation != Isolation::Off;
        reading.owner_label_bytes = settings.budgets.owner_label_bytes();
        if !settings.reads_every_label() {
            reading.labels = facts::Kept::Read;
        }
        // One thread for connections, one for the watch; compiling has its own.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let ended = runtime.block_on(async move {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let service = Service::bind(options).await.map_err(|problem| match problem {
                Problem::Settings(words) => Failure::Settings(words),
                other => Failure::Failed(other.into()),
            })?;
            info!("listening on {}", service.address()?);
            let (sender, observed) = watch::channel(None);
            let calls = service.calls();
            let watching =
                async move { docker::watch(&endpoint, &certificates, reading, calls, &sender).await.to_string() };
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
    text.parse().map_err(|_| "write 127.0.0.1:9000, 0.0.0.0:9000 or [::1]:9000".to_owned())
}

/// A bare number of seconds, or Go's notation: `25s`, `500ms`, `1m30s`. Never negative.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write 25s, 500ms, 1m30s or 0".to_owned();
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(u64::from(seconds)));
    }
    let nanoseconds = GoDuration::parse(text).ok_or_else(wrong)?.0;
    u64::try_from(nanoseconds).map(Duration::from_nanos).map_err(|_| wrong())
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
