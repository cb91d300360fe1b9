//! `--default-certificate`: a real Traefik shows visitors the certificate that the document carries.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

use crate::left_out::left_out;
use crate::loopback;
use crate::serving::Serving;

/// The oldest and the newest Traefik that the document is for, and the newest of the minor release before.
const VERSIONS: [&str; 3] = ["3.0.4", "3.6.15", "3.7.15"];

/// Takes any certificate, and keeps it.
#[derive(Debug, Default)]
struct Seen(Mutex<Option<CertificateDer<'static>>>);

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap() = Some(certificate.clone().into_owned());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let schemes = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let schemes = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Ends with this value.
struct Traefik(Child);

impl Drop for Traefik {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Traefik {
    /// One that reads a service's document and answers HTTPS on `address`.
    fn start(binary: &Path, serving: &Serving, address: SocketAddr, folder: &Path) -> Self {
        let config = folder.join("traefik.yml");
        let text = format!(
            "entryPoints: {{ websecure: {{ address: '{address}', http: {{ tls: {{}} }} }} }}\nproviders:\n  http:\n    \
             endpoint: http://127.0.0.1:{}/config\n    pollInterval: 100ms\n",
            serving.port
        );
        fs::write(&config, text).unwrap();
        let child = Command::new(binary)
            .arg(format!("--configfile={}", config.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

/// The certificate that is shown to a visitor of `name`.
fn shown(address: SocketAddr, name: &str) -> Option<CertificateDer<'static>> {
    let seen = Arc::new(Seen::default());
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Seen>::clone(&seen))
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(address).ok()?;
    connection.complete_io(&mut stream).ok()?;
    seen.0.lock().unwrap().take()
}

#[test]
fn traefik_shows_the_default_certificate_of_the_document() {
    let test = "traefik_shows_the_default_certificate_of_the_document";
    let Some(binaries) = std::env::var_os("LEEWARD_TRAEFIK_DIR").map(PathBuf::from) else {
        return left_out(test, &["traefik: LEEWARD_TRAEFIK_DIR is not set".to_owned()]);
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("default.pem");
    let serving = Serving::start(&["--default-certificate", &format!("--default-certificate-file={}", file.display())]);
    let wanted = CertificateDer::from_pem_slice(&fs::read(&file).unwrap()).unwrap();
    for version in VERSIONS {
        let binary = binaries.join(version).join("traefik");
        if !binary.is_file() {
            left_out(test, &[format!("traefik: no file {}", binary.display())]);
            continue;
        }
        let address = loopback::own();
        let _traefik = Traefik::start(&binary, &serving, address, folder.path());
        let begun = Instant::now();
        while shown(address, "no.such.host.example").as_ref() != Some(&wanted) {
            assert!(begun.elapsed() < Duration::from_secs(30), "Traefik {version} shows another certificate");
            sleep(Duration::from_millis(50));
        }
    }
}
