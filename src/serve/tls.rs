//! TLS: the service's certificate, the authorities whose clients it lets in, and both again when their files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::sync::watch;
use tracing::{error, info};

use crate::net::pem;

/// Where the certificate lies, and who may connect.
#[derive(Clone, Debug)]
pub struct Files {
    /// The service's certificate and what is between it and its authority, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// Authorities; if any, only clients with a certificate from one of them get in.
    pub client_authorities: Option<PathBuf>,
}

/// A TLS configuration that follows its files.
#[derive(Debug)]
pub(super) struct Tls {
    files: Files,
    /// What the configuration was made from.
    read: Vec<Vec<u8>>,
    config: watch::Sender<Arc<ServerConfig>>,
    /// See [`pem::expires`].
    expires: watch::Sender<Option<i64>>,
    /// What was last wrong, so that it is said once.
    problem: Option<String>,
}

impl Tls {
    /// Errors: one line that names the flag and the file.
    pub(super) async fn open(files: Files) -> Result<Self, String> {
        let read = read(&files).await?;
        let config = watch::Sender::new(Arc::new(configure(&files, &read)?));
        let expires = watch::Sender::new(read.first().and_then(|it| pem::expires(it)));
        Ok(Self { files, read, config, expires, problem: None })
    }

    /// What the next connection is to be made with.
    pub(super) fn config(&self) -> watch::Receiver<Arc<ServerConfig>> {
        self.config.subscribe()
    }

    /// When the certificate ends to be valid, in seconds since 1970.
    pub(super) fn expires(&self) -> watch::Receiver<Option<i64>> {
        self.expires.subscribe()
    }

    /// Follows the files, if they are whole and fit together; until they do, what was read before is used.
    pub(super) async fn reload(&mut self) {
        let fresh = match read(&self.files).await {
            Ok(read) if read == self.read => {
                self.problem = None;
                return;
            }
            Ok(read) => configure(&self.files, &read).map(|config| (read, config)),
            Err(problem) => Err(problem),
        };
        match fresh {
            Ok((read, config)) => {
                info!("read the TLS files again: they have changed");
                self.expires.send_replace(read.first().and_then(|it| pem::expires(it)));
                (self.read, self.problem) = (read, None);
                self.config.send_replace(Arc::new(config));
            }
            Err(problem) => {
                if self.problem.as_ref() != Some(&problem) {
                    error!("{problem}; the old certificate stays in use");
                    self.problem = Some(problem);
                }
            }
        }
    }
}

async fn read(files: &Files) -> Result<Vec<Vec<u8>>, String> {
    let mut read = Vec::new();
    for (flag, path) in named(files) {
        let bytes = tokio::fs::read(path).await;
        read.push(bytes.map_err(|error| format!("{flag} `{}` cannot be read: {error}", path.display()))?);
    }
    Ok(read)
}

fn named(files: &Files) -> impl Iterator<Item = (&'static str, &Path)> {
    let Files { certificate, key, client_authorities } = files;
    let authorities = client_authorities.as_deref().map(|path| ("--tls-client-ca", path));
    [("--tls-cert", certificate.as_path()), ("--tls-key", key.as_path())].into_iter().chain(authorities)
}

fn configure(files: &Files, read: &[Vec<u8>]) -> Result<ServerConfig, String> {
    let mut read = named(files).zip(read);
    let mut next = || read.next().map(|((flag, path), pem)| (format!("{flag} `{}`", path.display()), pem));
    let (Some((name, chain)), Some((key_name, key))) = (next(), next()) else {
        return Err("no key was read".to_owned());
    };
    let chain = pem::certificates(chain).map_err(|problem| format!("{name} {problem}"))?;
    let key = pem::key(key).map_err(|problem| format!("{key_name} {problem}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match next() {
        None => builder.with_no_client_auth(),
        Some((name, authorities)) => {
            let roots = pem::authorities(authorities).map_err(|problem| format!("{name} {problem}"))?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| format!("{name}: {error}"))?)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| format!("--tls-cert and --tls-key do not fit together: {error}"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
