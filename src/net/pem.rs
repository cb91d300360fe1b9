//! Certificates and keys from PEM, and authorities to trust.

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// All certificates of a file, in its order; at least one. Errors: words that follow the file's name.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err("holds no certificate in PEM".to_owned()),
        Err(error) => Err(format!("holds no certificate in PEM: {error}")),
    }
}

/// The first private key of a file. Errors: words that follow the file's name.
pub(crate) fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| format!("holds no private key in PEM: {error}"))
}

/// The authorities of a file. Errors: words that follow the file's name.
pub(crate) fn authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(|error| format!("holds a certificate that is no authority's: {error}"))?;
    }
    Ok(roots)
}
