//! The flags that say where the facts come from.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use leeward::docker::{self, Certificates, Endpoint};

use super::Failure;

/// Where an engine listens if nobody says.
const DEFAULT: &str = "unix:///var/run/docker.sock";

/// Flags of every verb that reads an engine.
#[derive(Args, Debug)]
#[command(next_help_heading = "Where the facts come from")]
#[expect(clippy::struct_field_names, reason = "a field's name is its flag's")]
pub(crate) struct Engine {
    /// The engine: unix://PATH, tcp://HOST:PORT, https://HOST:PORT, file:PATH (a snapshot), or `demo`
    /// [default: DOCKER_HOST, else unix:///var/run/docker.sock]
    #[arg(long, env = "LEEWARD_ENGINE", hide_env_values = true, value_name = "WHERE")]
    engine: Option<Endpoint>,

    /// The authorities that the engine's certificate must come from, PEM [default: ca.pem in DOCKER_CERT_PATH]
    #[arg(long, env = "LEEWARD_ENGINE_CA", hide_env_values = true, value_name = "FILE")]
    engine_ca: Option<PathBuf>,

    /// The certificate to show to the engine, PEM [default: cert.pem in DOCKER_CERT_PATH]
    #[arg(long, env = "LEEWARD_ENGINE_CERT", hide_env_values = true, value_name = "FILE", requires = "engine_key")]
    engine_cert: Option<PathBuf>,

    /// Its key, PEM [default: key.pem in DOCKER_CERT_PATH]
    #[arg(long, env = "LEEWARD_ENGINE_KEY", hide_env_values = true, value_name = "FILE", requires = "engine_cert")]
    engine_key: Option<PathBuf>,

    /// Read Swarm services too
    #[arg(long, env = "LEEWARD_SWARM", hide_env_values = true, value_name = "WHETHER", default_value = "auto")]
    swarm: Swarm,
}

/// Whether Swarm services are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Swarm {
    /// If the engine is a manager
    Auto,
    /// Always; an engine that is no manager is an error
    On,
    /// Never
    Off,
}

/// An engine and how to read it.
#[derive(Debug)]
pub(crate) struct Source {
    /// Where it is.
    pub(crate) endpoint: Endpoint,
    /// How both recognise each other.
    pub(crate) certificates: Certificates,
    /// What is read.
    pub(crate) options: docker::Options,
}

impl Engine {
    /// What the flags mean; Docker's own variables where they say nothing.
    pub(crate) fn source(self) -> Result<Source, Failure> {
        let Self { engine, engine_ca, engine_cert, engine_key, swarm } = self;
        #[expect(clippy::disallowed_methods, reason = "these are the settings of `docker`, not flags of ours")]
        let docker = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = match (engine, docker("DOCKER_HOST")) {
            (Some(endpoint), _) => endpoint,
            (None, Some(host)) => {
                // `docker` speaks TLS to tcp:// where this is set.
                let tls = docker("DOCKER_TLS_VERIFY").is_some();
                let text = if tls { host.replacen("tcp://", "https://", 1) } else { host };
                text.parse().map_err(|problem| Failure::Settings(format!("DOCKER_HOST: {problem}")))?
            }
            (None, None) => DEFAULT.parse().map_err(Failure::Settings)?,
        };
        let folder = docker("DOCKER_CERT_PATH").map(PathBuf::from);
        let in_folder = |name: &str| folder.as_ref().map(|it| it.join(name)).filter(|it| it.exists());
        let own = engine_cert.or_else(|| in_folder("cert.pem")).zip(engine_key.or_else(|| in_folder("key.pem")));
        let certificates = Certificates { ca: engine_ca.or_else(|| in_folder("ca.pem")), own };
        let swarm = match swarm {
            Swarm::Auto => docker::Swarm::Auto,
            Swarm::On => docker::Swarm::On,
            Swarm::Off => docker::Swarm::Off,
        };
        Ok(Source { endpoint, certificates, options: docker::Options { swarm, test_door: false } })
    }
}
