//! The Host check against DNS rebinding: a web page's own name that resolves to this service's address lets a browser read
//! the answers for that page.

use std::net::IpAddr;

use hyper::header::{ACCEPT_LANGUAGE, HOST, HeaderMap, ORIGIN};

/// Which names are this service's own, beside IP addresses and `localhost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names<'a> {
    /// No other.
    Loopback,
    /// Names without a dot, which nobody can register, and these, lower case.
    Network(&'a [String]),
}

impl Names<'_> {
    /// Whether the one `Host` of a request is one of them.
    pub(crate) fn hold_host_of(self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(Ok(host)), None) = (hosts.next().map(|host| host.to_str()), hosts.next()) else { return false };
        let (name, port) = match host.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']').unwrap_or_default(),
            None => host.split_at(host.find(':').unwrap_or(host.len())),
        };
        let is_port = port.is_empty()
            || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()));
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_own = name.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || match self {
                Self::Loopback => false,
                Self::Network(allowed) => {
                    let is_single =
                        !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it));
                    is_single || name.ends_with(".localhost") || allowed.contains(&name)
                }
            };
        is_port && is_own
    }
}

/// Whether a browser asks. Browsers always say which languages they want, and programs that ask services do not.
pub(crate) fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(ACCEPT_LANGUAGE) || headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site")
}

/// A host as the client wrote it, for a message.
pub(crate) fn written(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_nobody_else_can_own_are_own_names() {
        let allowed = ["routes.example.com".to_owned()];
        for (host, on_loopback, on_a_network) in [
            ("localhost:9000", true, true),
            ("LOCALHOST", true, true),
            ("127.0.0.1:9000", true, true),
            ("[::1]:9000", true, true),
            ("leeward", false, true),
            ("leeward:9000", false, true),
            ("leeward.localhost:9000", false, true),
            ("Routes.example.com", false, true),
            ("routes.example.com.:9000", false, true),
            ("evil.example:9000", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("[::1]evil.example", false, false),
            ("127.0.0.1:80@evil.example", false, false),
            ("localhost:x", false, false),
            ("", false, false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            assert_eq!(Names::Loopback.hold_host_of(&headers), on_loopback, "{host}");
            assert_eq!(Names::Network(&allowed).hold_host_of(&headers), on_a_network, "{host}");
        }
        let mut two = HeaderMap::from_iter([(HOST, "localhost".parse().unwrap())]);
        two.append(HOST, "evil.example".parse().unwrap());
        assert!(!Names::Loopback.hold_host_of(&two) && !Names::Loopback.hold_host_of(&HeaderMap::new()));
    }
}
