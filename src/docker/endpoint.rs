//! Where the facts come from, as the operator writes it.

use std::path::PathBuf;
use std::str::FromStr;

/// A source of facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `unix:///var/run/docker.sock`.
    Unix(PathBuf),
    /// `tcp://127.0.0.1:2375`, `http://…`: not encrypted.
    Tcp {
        /// `127.0.0.1:2375`.
        address: String,
    },
    /// `https://engine:2376`.
    Tls {
        /// The name that the certificate must hold.
        host: String,
        /// `engine:2376`.
        address: String,
    },
    /// `file:PATH`: a snapshot.
    File(PathBuf),
    /// `demo`: the snapshot that is built in.
    Demo,
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = |why: &str| {
            Err(format!(
                "invalid address `{text}`: {why}; write unix:///var/run/docker.sock, tcp://HOST:2375, https://HOST:2376, \
                 file:PATH or demo"
            ))
        };
        if text == "demo" {
            return Ok(Self::Demo);
        }
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { problem("it has no file name") } else { Ok(Self::File(path.into())) };
        }
        let Some((scheme, rest)) = text.split_once("://") else { return problem("it has no scheme") };
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            "unix" => problem("the path must begin with `/`"),
            "tcp" | "http" => host_and_port(rest, 2375).map_or_else(problem, |(_, address)| Ok(Self::Tcp { address })),
            "https" => {
                host_and_port(rest, 2376).map_or_else(problem, |(host, address)| Ok(Self::Tls { host, address }))
            }
            "ssh" => problem("ssh is not supported: forward the socket with `ssh -L`"),
            _ => problem("unknown scheme"),
        }
    }
}

/// Host without brackets, and `host:port` to connect to.
fn host_and_port(text: &str, default_port: u16) -> Result<(String, String), &'static str> {
    let text = text.trim_end_matches('/');
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| "invalid port")?),
        _ => (text, default_port),
    };
    if host.is_empty() {
        return Err("it has no host");
    }
    if host.contains('/') {
        return Err("only a host and a port are allowed, no path");
    }
    Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_docker_writes_them() {
        let tcp = |address: &str| Some(Endpoint::Tcp { address: address.to_owned() });
        let tls =
            |host: &str, address: &str| Some(Endpoint::Tls { host: host.to_owned(), address: address.to_owned() });
        for (text, wanted) in [
            ("unix:///run/docker.sock", Some(Endpoint::Unix("/run/docker.sock".into()))),
            ("unix://run/docker.sock", None),
            ("tcp://127.0.0.1:2375", tcp("127.0.0.1:2375")),
            ("tcp://engine", tcp("engine:2375")),
            ("http://[::1]:99/", tcp("[::1]:99")),
            ("tcp://[::1]", tcp("[::1]:2375")),
            ("https://engine", tls("engine", "engine:2376")),
            ("https://[::1]:1", tls("::1", "[::1]:1")),
            ("tcp://engine:x", None),
            ("tcp://", None),
            ("file:world.json", Some(Endpoint::File("world.json".into()))),
            ("file:///tmp/world.json", Some(Endpoint::File("/tmp/world.json".into()))),
            ("file:", None),
            ("demo", Some(Endpoint::Demo)),
            ("ssh://me@engine", None),
            ("/var/run/docker.sock", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Endpoint>().ok(), wanted, "{text}");
        }
    }
}
