//! TLS: the default store, domains of certificates, and what clients present.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::schema::{Kind, record, section};
use super::unsupported_fields::CERTIFICATE;

record! {
    /// Client tls.
    pub struct ClientTls = "types.ClientTLS" {
        ca: String = "ca", (3, 4, 0), Plain;
        cert: String = "cert", (3, 4, 0), Plain;
        insecure_skip_verify: bool = "insecureSkipVerify", (3, 4, 0), Plain;
        key: String = "key", (3, 4, 0), Plain;
    }
}

record! {
    /// A domain and its alternative names.
    pub struct Domain = "types.Domain" {
        main: String = "main", (3, 0, 0), Plain;
        sans: Vec<String> = "sans", (3, 0, 0), Plain;
    }
}

record! {
    /// A store of certificates; labels reach only `default`.
    pub struct Store = "tls.Store" {
        default_generated_cert: GeneratedCert = "defaultGeneratedCert", (3, 0, 0), Plain;
    }
    dropped {
        "defaultCertificate": Kind::Record(&CERTIFICATE);
    }
}

record! {
    /// Generated cert.
    pub struct GeneratedCert = "tls.GeneratedCert" {
        domain: Domain = "domain", (3, 0, 0), Plain;
        resolver: String = "resolver", (3, 0, 0), Plain;
    }
}

section! {
    /// All of TLS that labels reach.
    pub struct Tls = "dynamic.TLSConfiguration" {
        stores: BTreeMap<String, Arc<Store>> = "stores", (3, 0, 0), Plain;
    }
}

/// A self-signed certificate and its key, both PEM, for visitors who ask for a name that has no certificate.
///
/// Without one, Traefik makes an RSA key at every change of its configuration. Its key protects nothing: no client trusts
/// the certificate. Source: Traefik `pkg/tls/tlsmanager.go`, `getDefaultCertificate`.
#[derive(Clone, PartialEq, Eq)]
pub struct DefaultCertificate {
    /// `-----BEGIN CERTIFICATE-----`, and its lines.
    pub certificate: String,
    /// `-----BEGIN PRIVATE KEY-----`, and its lines.
    pub key: String,
}

impl fmt::Debug for DefaultCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DefaultCertificate").finish_non_exhaustive()
    }
}
