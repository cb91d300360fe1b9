//! The flags that say where the facts come from.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags of every verb that reads an engine.
#[derive(Args, Debug)]
#[command(next_help_heading = "Where the facts come from")]
pub(crate) struct Engine {
    /// The engine: unix://PATH, tcp://HOST:PORT, https://HOST:PORT, file:PATH (a snapshot), or `demo`
    /// [default: DOCKER_HOST, else unix:///var/run/docker.sock]
    #[arg(long, env = "LEEWARD_ENGINE", hide_env_values = true, value_name = "WHERE")]
    engine: Option<String>,

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
