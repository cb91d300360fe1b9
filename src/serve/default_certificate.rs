//! The default certificate of `--default-certificate`: made at start, or read from the file that keeps it.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use time::{Duration, OffsetDateTime};

use crate::net::pem;
use crate::traefik::tls::DefaultCertificate;

/// The common name of the certificate that Traefik makes for itself. Source: Traefik `pkg/tls/generate/generate.go`.
const COMMON_NAME: &str = "TRAEFIK DEFAULT CERT";

const LIFETIME: Duration = Duration::days(3650);

/// The largest file that is read, in bytes. A certificate and its key have some 900.
const MOST: u64 = 64 * 1024;

/// The flag, for errors.
const FLAG: &str = "--default-certificate-file";

/// The certificate that a file holds; where there is no such file yet, a new one, which is written to it. Without a
/// file, a new one.
///
/// The file holds both as PEM, the certificate first, and only its owner may read it.
/// Errors: one line that names the flag and the file.
pub fn open(file: Option<&Path>) -> Result<DefaultCertificate, String> {
    let Some(path) = file else { return make() };
    let problem = |what: &dyn std::fmt::Display| format!("{FLAG} {}: {what}", path.display());
    let mut text = String::new();
    match OpenOptions::new().read(true).open(path) {
        Ok(opened) => {
            opened.take(MOST).read_to_string(&mut text).map_err(|it| problem(&it))?;
            read(&text).map_err(|what| problem(&what))
        }
        Err(it) if it.kind() == ErrorKind::NotFound => {
            let made = make()?;
            let mut created = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(|it| problem(&format_args!("cannot be created: {it}")))?;
            let both = [made.certificate.as_str(), made.key.as_str()].concat();
            created.write_all(both.as_bytes()).map_err(|it| problem(&it))?;
            Ok(made)
        }
        Err(it) => Err(problem(&it)),
    }
}

/// A new self-signed certificate with an ECDSA key over P-256, which Traefik reads much faster than it makes an RSA key.
fn make() -> Result<DefaultCertificate, String> {
    let made = || {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, COMMON_NAME);
        // A clock that is an hour ahead, or a Traefik whose clock is behind, does not matter.
        params.not_before = OffsetDateTime::now_utc() - Duration::days(1);
        params.not_after = OffsetDateTime::now_utc() + LIFETIME;
        let certificate = params.self_signed(&key)?.pem();
        Ok(DefaultCertificate { certificate, key: key.serialize_pem() })
    };
    made().map_err(|problem: rcgen::Error| format!("--default-certificate: cannot make a certificate: {problem}"))
}

/// Reads both from one text. Traefik reads nothing else of the document if they do not fit, so that is found out here.
fn read(text: &str) -> Result<DefaultCertificate, String> {
    let wanted = "holds no PEM certificate with its key; delete it, and a new one is made";
    let certificates = pem::certificates(text.as_bytes()).map_err(|_| wanted)?;
    let key = pem::key(text.as_bytes()).map_err(|_| wanted)?;
    CertifiedKey::from_der(certificates, key, &ring::default_provider())
        .map_err(|problem| format!("its certificate and key do not fit: {problem}"))?;
    let mut parts = text.split_inclusive("-----END CERTIFICATE-----\n");
    match (parts.next(), parts.next(), parts.next()) {
        (Some(certificate), Some(key), None) => {
            Ok(DefaultCertificate { certificate: certificate.to_owned(), key: key.to_owned() })
        }
        _ => Err(wanted.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_restart_keeps_the_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("default.pem");
        let made = open(Some(&file)).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(open(Some(&file)).unwrap(), made);
        assert_ne!(open(None).unwrap(), made, "without a file each start makes its own");
    }

    #[test]
    fn a_file_that_is_something_else_is_named_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("default.pem");
        let other = open(None).unwrap();
        let unfit = [open(None).unwrap().certificate.as_str(), &other.key].concat();
        let two = [other.certificate.as_str(), &other.certificate, &other.key].concat();
        for text in ["", "precious", &other.certificate, &other.key, &unfit, &two] {
            fs::write(&file, text).unwrap();
            let problem = open(Some(&file)).unwrap_err();
            assert!(problem.starts_with(&format!("--default-certificate-file {}: ", file.display())), "{problem}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        let nowhere = folder.path().join("no/such/folder.pem");
        assert!(open(Some(&nowhere)).unwrap_err().contains("cannot be created"));
    }

    #[test]
    fn its_debug_form_does_not_show_the_key() {
        assert!(!format!("{:?}", open(None).unwrap()).contains("PRIVATE"));
    }
}
