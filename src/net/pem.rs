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

/// When the first certificate of a file ends to be valid, in seconds since 1970; `None` where it cannot be told.
/// Source: RFC 5280 section 4.1.
pub(crate) fn expires(pem: &[u8]) -> Option<i64> {
    let parts = |der: &[u8]| -> Option<Vec<Vec<u8>>> {
        let mut parts = Vec::new();
        let part = |it: yasna::BERReader<'_, '_>| it.read_der().map(|part| parts.push(part));
        yasna::parse_der(der, |it| it.read_sequence_of(part)).ok()?;
        Some(parts)
    };
    let certificate = CertificateDer::from_pem_slice(pem).ok()?;
    let signed = parts(parts(&certificate)?.first()?)?;
    // Before it: the version, which may be left out, and the number, algorithm and issuer.
    let has_version = signed.first()?.first() == Some(&0xa0);
    let validity = parts(signed.get(3 + usize::from(has_version))?)?;
    let end = yasna::parse_der(validity.get(1)?, |it| match it.lookahead_tag()? {
        yasna::tags::TAG_UTCTIME => Ok(*it.read_utctime()?.datetime()),
        _ => Ok(*it.read_generalized_time()?.datetime()),
    });
    Some(end.ok()?.unix_timestamp())
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
