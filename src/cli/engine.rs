//! The flags that say where the facts come from.

use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use leeward::docker::{self, Certificates, Endpoint, connection};
use leeward::inventory::Inventory;

use super::Failure;

/// Where the engine listens by default.
const DEFAULT: &str = "unix:///var/run/docker.sock";

/// Flags of every verb that reads an engine.
#[derive(Args, Debug)]
#[command(next_help_heading = "Docker Engine")]
#[expect(clippy::struct_field_names, reason = "a field's name is its flag's")]
pub(crate) struct Engine {
    /// Address of the engine, or `demo`; a snapshot is file:PATH
    ///
    /// unix://PATH, tcp://HOST:PORT, https://HOST:PORT, file:PATH or demo [default: DOCKER_HOST, else
    /// unix:///var/run/docker.sock]
    #[arg(long, value_name = "WHERE")]
    engine: Option<Endpoint>,

    /// CA certificates for the engine's certificate, PEM [default: ca.pem in DOCKER_CERT_PATH]
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    engine_ca: Option<PathBuf>,

    /// Client certificate for the engine, PEM [default: cert.pem in DOCKER_CERT_PATH]
    #[arg(long, hide_short_help = true, value_name = "FILE", requires = "engine_key")]
    engine_cert: Option<PathBuf>,

    /// Key of the client certificate, PEM [default: key.pem in DOCKER_CERT_PATH]
    #[arg(long, hide_short_help = true, value_name = "FILE", requires = "engine_cert")]
    engine_key: Option<PathBuf>,

    /// Whether Swarm services are read too
    #[arg(long, hide_short_help = true, value_name = "WHETHER", default_value = "auto")]
    swarm: Swarm,

    /// Most bytes that are read of one container, network, image or volume
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value = "2097152")]
    max_object: NonZeroU32,
}

/// Whether Swarm services are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Swarm {
    /// Read them if the engine is a manager
    Auto,
    /// Always read them; fail if the engine is not a manager
    On,
    /// Never read them
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

impl Source {
    /// Reads everything once. If there is nobody to ask, the error says what to do.
    pub(crate) fn read(&self) -> Result<Inventory, Failure> {
        super::block_on(async {
            docker::read(&self.endpoint, &self.certificates, self.options).await.map_err(|problem| {
                let remedy = remedy(&problem);
                Failure::Failed(anyhow!("{problem}{remedy}"))
            })
        })
    }
}

/// What to do if the engine does not answer.
fn remedy(problem: &docker::Error) -> &'static str {
    match problem {
        docker::Error::Engine(connection::Error::Connect { at: _, cause }) => match cause.kind() {
            ErrorKind::PermissionDenied => {
                "; run it as a member of the socket's group, or read through a `leeward gate`: --engine unix://PATH"
            }
            // The certificate, its name, or no TLS at all on the other side.
            ErrorKind::InvalidData => {
                "; does the engine speak TLS, and does --engine-ca name the file with its CA certificates?"
            }
            _ => "; is the engine running? Choose another one or a snapshot with --engine; --engine demo needs none",
        },
        _ => "",
    }
}

impl Engine {
    /// What the flags mean; Docker's own variables where they say nothing.
    pub(crate) fn source(self) -> Result<Source, Failure> {
        let Self { engine, engine_ca, engine_cert, engine_key, swarm, max_object } = self;
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
        // Where `docker` looks if it is told to verify, but not where.
        let own_folder = || {
            docker("DOCKER_TLS_VERIFY")?;
            let own = docker("DOCKER_CONFIG").map(PathBuf::from);
            own.or_else(|| docker("HOME").map(|home| PathBuf::from(home).join(".docker")))
        };
        let folder = docker("DOCKER_CERT_PATH").map(PathBuf::from).or_else(own_folder);
        let in_folder = |name: &str| folder.as_ref().map(|it| it.join(name)).filter(|it| it.exists());
        let own = engine_cert.or_else(|| in_folder("cert.pem")).zip(engine_key.or_else(|| in_folder("key.pem")));
        let certificates = Certificates { ca: engine_ca.or_else(|| in_folder("ca.pem")), own };
        // Before anything is bound: certificates that cannot be used are a setting that makes no sense.
        if let (Endpoint::Tls { host: _, address }, None) = (&endpoint, &certificates.ca) {
            let looked = folder.map(|it| format!(" (there is no ca.pem in {})", it.display())).unwrap_or_default();
            return Err(Failure::Settings(format!(
                "https://{address} needs the CA certificates of the engine: name their file with --engine-ca, or \
                 its folder with DOCKER_CERT_PATH{looked}"
            )));
        }
        docker::check(&endpoint, &certificates).map_err(|problem| Failure::Settings(problem.to_string()))?;
        let swarm = match swarm {
            Swarm::Auto => docker::Swarm::Auto,
            Swarm::On => docker::Swarm::On,
            Swarm::Off => docker::Swarm::Off,
        };
        Ok(Source {
            endpoint,
            certificates,
            options: docker::Options {
                swarm,
                object_bytes: usize::try_from(max_object.get()).unwrap_or(usize::MAX),
                ..docker::Options::default()
            },
        })
    }
}
