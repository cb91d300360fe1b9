//! One try each: a connection, a datagram, a name, a raw socket. None of them is an error; all are outcomes.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;

use super::report::{Outcome, Try};

/// A host, by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// A name, or an address without brackets.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no target; write HOST:PORT, an IPv6 address in brackets: [2001:db8::1]:443");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        if bare.is_none() && host.contains(':') || host.is_empty() || host.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self { host: bare.unwrap_or(host).to_owned(), port })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

/// The addresses that this namespace sends from, loopback left out: asked of the kernel by a socket that sends nothing.
pub fn own_addresses() -> Vec<IpAddr> {
    let interfaces = std::fs::read_to_string("/proc/self/net/fib_trie").unwrap_or_default();
    let mut own: Vec<IpAddr> = Vec::new();
    let mut last = None;
    for line in interfaces.lines() {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line.starts_with("/32 host LOCAL")
            && let Some(address) = last
            && !address.is_loopback()
        {
            own.push(IpAddr::V4(address));
        }
    }
    let ipv6 = std::fs::read_to_string("/proc/self/net/if_inet6").unwrap_or_default();
    let addresses = ipv6.lines().filter_map(|line| u128::from_str_radix(line.split(' ').next()?, 16).ok());
    own.extend(addresses.map(Ipv6Addr::from).filter(|it| !it.is_loopback()).map(IpAddr::V6));
    own.sort_unstable();
    own.dedup();
    own
}

/// Whether somebody is at an address: a refusal is an answer, too.
pub async fn answers(address: SocketAddr, time_limit: Duration) -> Outcome {
    match timeout(time_limit, TcpStream::connect(address)).await {
        Err(_) => Outcome::Nothing("no answer".to_owned()),
        Ok(Ok(_)) => Outcome::Reached("connected".to_owned()),
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
            Outcome::Reached("answers; nothing listens on this port".to_owned())
        }
        Ok(Err(error)) => Outcome::Nothing(plain(&error)),
    }
}

/// A TCP connection. Every address that the name has is tried.
pub async fn connect(target: &Target, time_limit: Duration) -> Outcome {
    let addresses = match addresses(target, time_limit).await {
        Ok(addresses) => addresses,
        Err(words) => return Outcome::Nothing(words),
    };
    let mut last = Outcome::Nothing("the name has no address".to_owned());
    for address in addresses {
        last = answers(address, time_limit).await;
        if matches!(last, Outcome::Reached(_)) {
            break;
        }
    }
    last
}

/// A datagram: a question for the root's name servers, which a name server answers and others may refuse. No answer
/// proves nothing, and is said so.
pub async fn datagram(target: &Target, time_limit: Duration) -> Outcome {
    // RFC 1035 section 4: id, one question, recursion desired; `. NS IN`.
    const QUESTION: [u8; 17] = [0x1e, 0xe3, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];
    let addresses = match addresses(target, time_limit).await {
        Ok(addresses) => addresses,
        Err(words) => return Outcome::Nothing(words),
    };
    let mut last = Outcome::Nothing("the name has no address".to_owned());
    for address in addresses {
        let unspecified: IpAddr =
            if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let exchange = async {
            let socket = UdpSocket::bind((unspecified, 0)).await?;
            socket.connect(address).await?;
            socket.send(&QUESTION).await?;
            let mut answer = [0; 512];
            socket.recv(&mut answer).await
        };
        last = match timeout(time_limit, exchange).await {
            Err(_) => Outcome::Unknown("sent, no answer: it may have arrived".to_owned()),
            Ok(Ok(bytes)) => return Outcome::Reached(format!("answered, {bytes} bytes")),
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                return Outcome::Reached("answers; nothing listens on this port".to_owned());
            }
            Ok(Err(error)) => Outcome::Nothing(plain(&error)),
        };
    }
    last
}

/// Whether the resolver of this container knows a name: who may ask for any name can tell secrets by it.
pub async fn resolve(name: &str, time_limit: Duration) -> Outcome {
    match timeout(time_limit.max(Duration::from_secs(5)), lookup_host((name, 443))).await {
        Err(_) => Outcome::Nothing("no answer".to_owned()),
        Ok(Err(error)) => Outcome::Nothing(plain(&error)),
        Ok(Ok(mut addresses)) => match addresses.next() {
            Some(address) => Outcome::Reached(format!("resolved to {}", address.ip())),
            None => Outcome::Nothing("no such name".to_owned()),
        },
    }
}

/// Whether frames can be sent that the kernel does not route: past the gateway's rules, by another's address.
pub fn raw_frames() -> Try {
    let outcome = match socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, None) {
        Ok(_) => Outcome::Open("may open a raw socket: NET_RAW is not dropped".to_owned()),
        Err(error) => Outcome::Nothing(plain(&error.into())),
    };
    Try { what: "raw", target: "frames".to_owned(), outcome }
}

pub(super) async fn addresses(target: &Target, time_limit: Duration) -> Result<Vec<SocketAddr>, String> {
    let lookup = lookup_host((target.host.as_str(), target.port));
    match timeout(time_limit.max(Duration::from_secs(5)), lookup).await {
        Err(_) => Err("the name is not resolved: no answer".to_owned()),
        Ok(Err(error)) => Err(format!("the name is not resolved: {}", plain(&error))),
        Ok(Ok(addresses)) => Ok(addresses.collect()),
    }
}

/// What the system says, without its number.
pub(super) fn plain(error: &io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn targets_are_read_and_written_the_same() {
        for text in ["example.com:443", "10.0.0.1:80", "[2001:db8::1]:53"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in ["", "host", "host:", ":80", "host:0", "host:99999", "2001:db8::1:53", "a b:80"] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(error.contains("HOST:PORT"), "{text}: {error}");
        }
    }

    #[tokio::test]
    async fn connections_and_refusals_are_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target: Target = address.to_string().parse().unwrap();
        assert_eq!(connect(&target, PATIENCE).await, Outcome::Reached("connected".into()));
        drop(listener);
        assert!(
            matches!(connect(&target, PATIENCE).await, Outcome::Reached(words) if words.contains("nothing listens"))
        );
    }

    #[tokio::test]
    async fn a_datagram_is_answered_or_nobody_knows() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let target: Target = server.local_addr().unwrap().to_string().parse().unwrap();
        let silent = datagram(&target, Duration::from_millis(50)).await;
        assert!(matches!(silent, Outcome::Unknown(_)), "{silent:?}");
        let answering = async {
            let mut bytes = [0; 64];
            // The one of before, then this one.
            server.recv_from(&mut bytes).await.unwrap();
            let (_, from) = server.recv_from(&mut bytes).await.unwrap();
            server.send_to(b"yes", from).await.unwrap();
        };
        let (answered, ()) = tokio::join!(datagram(&target, PATIENCE), answering);
        assert_eq!(answered, Outcome::Reached("answered, 3 bytes".into()));
    }
}
