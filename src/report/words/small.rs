//! The families of a few rules: PUB, LOG, SOC.

use super::About;
use crate::policy::rules::{logging, published, socket};

pub(super) fn published(cause: &published::Cause, About { name, .. }: About<'_>) -> String {
    use published::Cause;
    match cause {
        Cause::Open { port, host_ip, host_port } => {
            let host = if host_ip.is_empty() { "0.0.0.0" } else { host_ip };
            format!("port {port} of `{name}` is published on {host}:{host_port}")
        }
        Cause::AsksForAll => format!("`{name}` asks for all its ports to be published"),
        Cause::AsksFor { port, host_port } => {
            let host_port = if host_port.is_empty() { "a port" } else { host_port };
            format!("`{name}` asks for its port {port} to be published on {host_port} of the host")
        }
        Cause::OnNodes => format!("`{name}` publishes a port on the nodes it runs on"),
    }
}

pub(super) fn logging(cause: &logging::Cause, About { name, .. }: About<'_>) -> String {
    use logging::Cause;
    match cause {
        Cause::Out { driver } => format!("what `{name}` prints goes out through `{driver}`"),
        Cause::File { path } => format!("the engine writes what `{name}` prints to `{path}` of the host"),
    }
}

pub(super) fn socket(cause: &socket::Cause) -> String {
    match cause {
        socket::Cause::TooWide => "the filter before the engine's socket let a test request through",
        socket::Cause::NoFilter => "nothing stands between Leeward and the engine's socket",
    }
    .to_owned()
}
