//! An engine behind TLS that wants a certificate: the real binary, a real handshake.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// An authority, as Docker's page on protecting the socket has one made.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    /// A new one; `file` is its certificate.
    fn new(file: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        std::fs::write(file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { params, key }
    }

    /// A certificate for a name, and its key.
    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        (certificate, key)
    }
}

/// Answers what an engine without containers answers, to clients with a certificate; its port.
fn engine(authority: &Authority) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.params.self_signed(&authority.key).unwrap().der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let (certificate, key) = authority.issue("localhost");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            let mut head = Vec::new();
            let mut piece = [0; 1024];
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => head.extend_from_slice(&piece[..count]),
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let body = if head.contains("/version") {
                r#"{"ApiVersion":"1.41","MinAPIVersion":"1.12","Version":"20.10.24"}"#
            } else if head.contains("/info") {
                "{}"
            } else {
                "[]"
            };
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    port
}

/// `leeward routes` with these variables and flags: status, and everything that it said.
fn routes(variables: &[(&str, &str)], flags: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leeward"));
    let output = command.env_clear().envs(variables.iter().copied()).arg("routes").args(flags).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn an_engine_behind_tls_is_read_and_both_sides_are_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let authority = Authority::new(at("ca.pem").as_ref());
    let (certificate, key) = authority.issue("client");
    std::fs::write(at("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(at("key.pem"), key.serialize_pem()).unwrap();
    let _other = Authority::new(at("other.pem").as_ref());
    let port = engine(&authority);

    let engine = format!("--engine=https://localhost:{port}");
    let (ca, own) = (format!("--engine-ca={}", at("ca.pem")), format!("--engine-cert={}", at("cert.pem")));
    let (key, other) = (format!("--engine-key={}", at("key.pem")), format!("--engine-ca={}", at("other.pem")));
    assert_eq!(routes(&[], &[&engine, &ca, &own, &key]), (0, "nothing is routed\n".to_owned()));
    // As `docker` is told.
    let host = format!("tcp://localhost:{port}");
    let path = folder.path().display().to_string();
    let variables = [("DOCKER_HOST", host.as_str()), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", &path)];
    assert_eq!(routes(&variables, &[]), (0, "nothing is routed\n".to_owned()));

    let elsewhere = format!("--engine=https://127.0.0.1:{port}");
    for (flags, words) in [
        (&[engine.as_str(), &ca][..], "alert"),
        (&[&engine, &other, &own, &key], "invalid peer certificate: BadSignature; "),
        (&[&elsewhere, &ca, &own, &key], "not valid for name"),
    ] {
        let (status, said) = routes(&[], flags);
        assert!(status == 3 && said.contains(words) && said.lines().count() == 1, "{flags:?}: {status} {said}");
    }
}
