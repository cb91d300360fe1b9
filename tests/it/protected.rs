//! The endpoint behind TLS, client certificates and a token: who gets in, what is read again, and that a real Traefik
//! does, with the lines that `traefik/traefik.yml` shows.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::eventually::eventually;
use crate::left_out::left_out;
use crate::loopback;
use crate::serving::Serving;

/// The Traefik that the shipped files name.
const TRAEFIK: &str = "3.7.15";

/// A certificate and its key, PEM.
struct Pair {
    certificate: String,
    key: String,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

fn signed(by: &CertifiedIssuer<'static, KeyPair>) -> Pair {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate: Certificate = parameters.signed_by(&key, by).unwrap();
    Pair { certificate: certificate.pem(), key: key.serialize_pem() }
}

/// A `serve` with all of it, and the files that it reads.
struct House {
    folder: tempfile::TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
    serving: Serving,
}

impl House {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = authority();
        let at = |name: &str| folder.path().join(name).display().to_string();
        fs::write(at("ca.pem"), authority.pem()).unwrap();
        put(folder.path(), "server", &signed(&authority));
        fs::write(at("token"), "first\n").unwrap();
        let serving = Serving::start(&[
            &format!("--tls-cert={}", at("server.pem")),
            &format!("--tls-key={}", at("server.key")),
            &format!("--tls-client-ca={}", at("ca.pem")),
            &format!("--token-file={}", at("token")),
        ]);
        Self { folder, authority, serving }
    }

    /// The status of an answer, its body, and the server's certificate; or what stands against it.
    fn get(&self, own: Option<&Pair>, path: &str, token: Option<&str>) -> Result<(u16, String, Vec<u8>), String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some(Pair { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
            }
        };
        let stream = TcpStream::connect(("127.0.0.1", self.serving.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{token}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no answer")?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        let shown = stream.conn.peer_certificates().and_then(<[_]>::first).map(|it| it.to_vec()).unwrap_or_default();
        Ok((status, body, shown))
    }

    fn status(&self, own: &Pair, path: &str, token: Option<&str>) -> u16 {
        self.get(Some(own), path, token).unwrap().0
    }
}

fn put(folder: &Path, name: &str, pair: &Pair) {
    fs::write(folder.join(format!("{name}.key")), &pair.key).unwrap();
    fs::write(folder.join(format!("{name}.pem")), &pair.certificate).unwrap();
}

#[test]
fn only_who_has_a_certificate_and_a_token_gets_in() {
    let house = House::open();
    let own = signed(&house.authority);
    for path in
        ["/config", "/config/traefik", "/routes", "/explain/web", "/audit", "/metrics", "/readyz", "/", "/no/such"]
    {
        assert_eq!(house.status(&own, path, None), 401, "{path}");
        assert_eq!(house.status(&own, path, Some("wrong")), 401, "{path}");
        assert_eq!(house.status(&own, path, Some("")), 401, "{path}");
        assert_ne!(house.status(&own, path, Some("first")), 401, "{path}");
    }
    assert_eq!(house.status(&own, "/healthz", None), 200);
    let (status, body, _) = house.get(Some(&own), "/config", Some("first")).unwrap();
    assert!(status == 200 && body.contains("app1"), "{status} {body}");

    // Nobody's certificate, and a stranger's: not even the token is read.
    assert!(house.get(None, "/config", Some("first")).is_err());
    assert!(house.get(Some(&signed(&authority())), "/config", Some("first")).is_err());
    // No TLS at all costs nobody anything.
    let mut plain = TcpStream::connect(("127.0.0.1", house.serving.port)).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    plain.write_all(b"GET /config HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer first\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("app1"));
    assert_eq!(house.status(&own, "/config", Some("first")), 200);
}

#[test]
fn certificates_and_tokens_are_read_again_and_bad_ones_change_nothing() {
    let house = House::open();
    let own = signed(&house.authority);
    let shown = |token| house.get(Some(&own), "/config", Some(token)).map(|(status, _, shown)| (status, shown));
    let (_, first) = shown("first").unwrap();

    // While they are exchanged one by one, a key and a certificate may not fit; the old ones hold until they do.
    let next = signed(&house.authority);
    fs::write(house.folder.path().join("server.key"), &next.key).unwrap();
    sleep(Duration::from_secs(5));
    assert_eq!(shown("first"), Ok((200, first.clone())));
    fs::write(house.folder.path().join("server.pem"), &next.certificate).unwrap();
    eventually(Duration::from_secs(20), "the new certificate is shown", || {
        shown("first").is_ok_and(|(_, shown)| shown != first)
    });

    fs::write(house.folder.path().join("token"), "second\nthird\n").unwrap();
    eventually(Duration::from_secs(20), "the new token is good", || {
        shown("second").is_ok_and(|(status, _)| status == 200)
    });
    assert_eq!((shown("third").unwrap().0, shown("first").unwrap().0), (200, 401));

    // A file that is empty or gone is a mistake, not an open door.
    fs::write(house.folder.path().join("token"), "").unwrap();
    fs::remove_file(house.folder.path().join("server.pem")).unwrap();
    sleep(Duration::from_secs(5));
    assert_eq!((shown("second").unwrap().0, shown("first").unwrap().0, shown("").unwrap().0), (200, 401, 401));
    let log = house.serving.log();
    assert!(log.contains("--token-file") && log.contains("--tls-cert"), "{log}");
    assert!(!log.contains("second") && !log.contains("PRIVATE"), "{log}");
}

#[test]
fn a_real_traefik_gets_in() {
    let folder = std::env::var_os("LEEWARD_TRAEFIK_DIR").unwrap_or_default();
    let binary = Path::new(&folder).join(TRAEFIK).join("traefik");
    if !binary.is_file() {
        let why = format!("traefik: LEEWARD_TRAEFIK_DIR lacks {TRAEFIK}/traefik");
        return left_out("a_real_traefik_gets_in", &[why]);
    }
    let house = House::open();
    put(house.folder.path(), "traefik", &signed(&house.authority));
    let at = |name: &str| house.folder.path().join(name).display().to_string();
    let api = loopback::own();
    let text = format!(
        "api: {{ insecure: true }}\nentryPoints: {{ traefik: {{ address: '{api}' }} }}\nproviders:\n  http:\n    \
         endpoint: https://localhost:{}/config\n    headers: {{ Authorization: Bearer first }}\n    tls: {{ ca: {}, cert: \
         {}, key: {} }}\n    pollInterval: 100ms\n",
        house.serving.port,
        at("ca.pem"),
        at("traefik.pem"),
        at("traefik.key"),
    );
    fs::write(at("traefik.yml"), text).unwrap();
    let mut traefik = Command::new(binary)
        .arg(format!("--configfile={}", at("traefik.yml")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let mut found = String::new();
    while !found.contains("app1.web@http") && begun.elapsed() < Duration::from_secs(30) {
        sleep(Duration::from_millis(200));
        let Ok(mut stream) = TcpStream::connect(api) else { continue };
        let _ = stream.write_all(b"GET /api/http/routers HTTP/1.0\r\nHost: localhost\r\n\r\n");
        found.clear();
        let _ = stream.read_to_string(&mut found);
    }
    let _ = traefik.kill();
    let _ = traefik.wait();
    assert!(found.contains("app1.web@http"), "{found}\n{}", house.serving.log());
}
