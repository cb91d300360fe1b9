//! Whether a name outside answers, as far as one connection tells: a connection to the egress always opens, so what is
//! asked for is something that only the server behind the name can say.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::attempt::{Target, addresses, plain};
use super::report::Outcome;

/// What is to be said first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speaks {
    /// TLS: an answer is a certificate for the name. Who signed it is not looked at.
    Tls,
    /// Nothing: the server speaks first.
    Plain,
    /// HTTP: an answer is any, but the one that Traefik gives where no router matches.
    Http,
}

/// How much of an answer is read.
const MOST: u64 = 8 * 1024;

/// Asks for a name where another is reached. `at`: where; the two are the same for a name that is asked as it should be.
pub async fn ask(at: &Target, target: &Target, speaks: Speaks, time_limit: Duration) -> Outcome {
    let addresses = match addresses(at, time_limit).await {
        Ok(addresses) => addresses,
        Err(words) => return Outcome::Nothing(words),
    };
    let mut last = Outcome::Nothing("the name has no address".to_owned());
    for address in addresses {
        let asking = async {
            let stream = TcpStream::connect(address).await.map_err(|error| plain(&error))?;
            match speaks {
                Speaks::Tls => tls(stream, &target.host).await,
                Speaks::Plain => greeting(stream).await,
                Speaks::Http => http(stream, target).await,
            }
        };
        last = match timeout(time_limit, asking).await {
            Err(_) => Outcome::Nothing("no answer".to_owned()),
            Ok(Err(words)) => Outcome::Nothing(words),
            Ok(Ok(words)) => return Outcome::Reached(words),
        };
    }
    last
}

async fn tls(stream: TcpStream, host: &str) -> Result<String, String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| "is no name that TLS can ask for".to_owned())?;
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(OfTheName(Arc::clone(&provider)));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(_) => Ok("answers with a certificate for the name".to_owned()),
        Err(error) => Err(plain(&error)),
    }
}

/// Takes any certificate that is for the name. Nothing is sent over the connection, so who signed it does not matter.
#[derive(Debug)]
struct OfTheName(Arc<CryptoProvider>);

impl ServerCertVerifier for OfTheName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

async fn greeting(mut stream: TcpStream) -> Result<String, String> {
    let mut first = [0; 64];
    match stream.read(&mut first).await {
        Ok(0) => Err("the connection was closed".to_owned()),
        Ok(bytes) => Ok(format!("the server speaks: {bytes} bytes")),
        Err(error) => Err(plain(&error)),
    }
}

async fn http(mut stream: TcpStream, target: &Target) -> Result<String, String> {
    let host = if target.port == 80 { target.host.clone() } else { target.to_string() };
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: leeward\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| plain(&error))?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await.map_err(|error| plain(&error))?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).unwrap_or_default();
    // Traefik's own, where no router matches. Source: Traefik `pkg/server/router`, Go `http.NotFound`.
    if status.is_empty() || (status == "404" && answer.ends_with("\r\n\r\n404 page not found\n")) {
        return Err("no server behind the egress answers".to_owned());
    }
    Ok(format!("answers with HTTP status {}", status.chars().take(3).collect::<String>()))
}

/// Names that no allowance is for and that are really there, kept for examples (RFC 2606).
const OTHERS: [&str; 2] = ["example.com", "example.org"];

/// What must not answer beside names that have to: each of them on the other ports, and another name where it is reached.
/// Where it is to be asked, and what for. `ports`: all of outbound names.
pub fn next_ones(names: &[(Target, Speaks)], ports: &[(u16, Speaks)]) -> Vec<(Target, Target, Speaks)> {
    let is_named = |target: &Target| names.iter().any(|(named, _)| named == target);
    // Where only the client's address counts, any name there leads to the one that is allowed.
    let is_plain = |port: u16| names.iter().any(|(named, speaks)| named.port == port && *speaks == Speaks::Plain);
    let mut next = Vec::new();
    for (name, speaks) in names {
        for (port, speaks) in ports.iter().copied().filter(|(port, _)| !is_plain(*port)) {
            let target = Target { host: name.host.clone(), port };
            if !is_named(&target) {
                next.push((target.clone(), target, speaks));
            }
        }
        if *speaks != Speaks::Plain {
            let other = |host: &&str| Target { host: (*host).to_owned(), port: name.port };
            let other = OTHERS.iter().map(other).find(|other| !is_named(other));
            next.extend(other.map(|other| (name.clone(), other, *speaks)));
        }
    }
    next.sort();
    next.dedup();
    next
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What comes of asking `name` where a server says this, whatever it is asked.
    async fn asked(speaks: Speaks, says: &'static [u8]) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            if speaks == Speaks::Http {
                let _ = stream.read(&mut [0; 1024]).await;
            }
            stream.write_all(says).await.unwrap();
        };
        tokio::join!(ask(&target, &target, speaks, Duration::from_secs(5)), serving).0
    }

    #[test]
    fn the_next_ones_are_other_ports_and_another_name() {
        let target = |text: &str| text.parse::<Target>().unwrap();
        let ports = [(80, Speaks::Http), (443, Speaks::Tls), (587, Speaks::Plain)];
        let told = |names: &[(Target, Speaks)]| {
            let next = next_ones(names, &ports).into_iter();
            next.map(|(at, named, _)| format!("{named} at {at}")).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&[(target("api.test:443"), Speaks::Tls)]),
            ["api.test:80 at api.test:80", "example.com:443 at api.test:443", "api.test:587 at api.test:587"]
        );
        // The mail server answers on 587 under any name.
        assert_eq!(
            told(&[(target("mail.test:587"), Speaks::Plain), (target("example.com:443"), Speaks::Tls)]),
            [
                "example.com:80 at example.com:80",
                "example.org:443 at example.com:443",
                "mail.test:80 at mail.test:80",
                "mail.test:443 at mail.test:443",
            ]
        );
        assert!(told(&[]).is_empty());
    }

    #[tokio::test]
    async fn only_what_a_server_behind_the_name_says_is_an_answer() {
        let traefiks = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n404 page not found\n";
        for (speaks, says, reached) in [
            (Speaks::Plain, &b"220 mail.example ESMTP\r\n"[..], true),
            (Speaks::Plain, b"", false),
            (Speaks::Http, b"HTTP/1.1 200 OK\r\n\r\nhello", true),
            (Speaks::Http, b"HTTP/1.1 404 Not Found\r\n\r\n<h1>gone</h1>", true),
            (Speaks::Http, traefiks, false),
            (Speaks::Http, b"", false),
            (Speaks::Tls, b"220 mail.example ESMTP\r\n", false),
            (Speaks::Tls, b"", false),
        ] {
            let outcome = asked(speaks, says).await;
            assert_eq!(matches!(outcome, Outcome::Reached(_)), reached, "{speaks:?} {outcome:?}");
        }
    }
}
