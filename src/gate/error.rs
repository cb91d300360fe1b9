//! Every reason to refuse a request, with its message.

use thiserror::Error;

/// Why a request is not an [`Ask`](super::ask::Ask). The words are the answer that the client gets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// Anything but `GET`, and `HEAD` where the engine has it.
    #[error("{method} is not allowed; the gate only reads")]
    Method {
        /// As sent, shortened.
        method: String,
    },
    /// No path that the gate knows.
    #[error("`{path}` is not allowed")]
    Path {
        /// As sent, shortened.
        path: String,
    },
    /// A path that would need decoding or cleaning before it could be understood.
    #[error("invalid path `{path}`: it must not contain `%`, `//` or dot segments")]
    Written {
        /// As sent, shortened.
        path: String,
    },
    /// A target with a scheme or a host, or `*`.
    #[error("write a path, not a whole URL")]
    Form,
    /// A target that is too long.
    #[error("the request is longer than {most} bytes")]
    Long {
        /// The most bytes that it may have.
        most: usize,
    },
    /// A query key that this path does not have here.
    #[error("the query key `{key}` is not allowed")]
    Key {
        /// As sent, shortened.
        key: String,
    },
    /// A value that does not fit its query key.
    #[error("the value of the query key `{key}` is not allowed")]
    Value {
        /// The query key.
        key: &'static str,
    },
    /// A query key that came twice, or a query that is not `key=value&…`.
    #[error("the query is not plain `key=value` pairs, each key once")]
    Query,
    /// A filter that this path does not have here, or one of a wrong shape.
    #[error("the filter `{filter}` is not allowed")]
    Filter {
        /// As sent, shortened.
        filter: String,
    },
    /// A name or id outside the engine's grammar.
    #[error("invalid name or id `{name}`")]
    Name {
        /// As sent, shortened.
        name: String,
    },
    /// A version prefix that is not `/v1.NN`.
    #[error("invalid API version `{version}`; write it as `v1.41`")]
    Version {
        /// As sent, shortened.
        version: String,
    },
    /// A path that the gate knows, but only with `--swarm`.
    #[error("`{path}` is allowed only with --swarm")]
    Swarm {
        /// As sent, shortened.
        path: String,
    },
    /// A header that announces a body, or a change of protocol.
    #[error("the header `{header}` is not allowed; requests have no body and no upgrade here")]
    Header {
        /// Its name.
        header: &'static str,
    },
    /// A `Host` over TCP that somebody else may own: a web page may be behind it.
    #[error(
        "the host `{host}` is not known to be this gate's (possible DNS rebinding); use the IP address or localhost, or beyond \
         loopback a name without a dot or one that --allow-host names"
    )]
    Host {
        /// As sent, shortened.
        host: String,
    },
}

impl Refused {
    /// A stable word for counts and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Method { method: _ } => "method",
            Self::Path { path: _ } => "path",
            Self::Written { path: _ } => "path-not-plain",
            Self::Form => "target-form",
            Self::Long { .. } => "too-long",
            Self::Key { key: _ } => "query-key",
            Self::Value { key: _ } => "query-value",
            Self::Query => "query",
            Self::Filter { filter: _ } => "filter",
            Self::Name { name: _ } => "name",
            Self::Version { version: _ } => "api-version",
            Self::Swarm { path: _ } => "swarm",
            Self::Header { header: _ } => "header",
            Self::Host { host: _ } => "host",
        }
    }
}

/// A client's text for a message: plain ASCII, so that nothing in it moves a terminal or turns a line around, and no longer
/// than a line wants.
pub(super) fn shorten(text: &str) -> String {
    let mut short = String::new();
    for (count, char) in text.chars().enumerate() {
        if count == 80 {
            short.push('…');
            break;
        }
        if char == ' ' || char.is_ascii_graphic() && char != '`' {
            short.push(char);
        } else {
            short.extend(char.escape_unicode());
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_moves_the_terminal() {
        assert_eq!(shorten("/a b`\u{1b}[1m\u{202e}\u{e9}"), "/a b\\u{60}\\u{1b}[1m\\u{202e}\\u{e9}");
        assert_eq!(shorten(&"x".repeat(81)), format!("{}…", "x".repeat(80)));
    }
}
