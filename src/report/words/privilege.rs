//! PRV: power over the host.

use super::About;
use crate::policy::namespaces::Shared;
use crate::policy::rules::privilege::{Cause, Has};

pub(super) fn words(cause: &Cause, about: About<'_>) -> String {
    let name = about.name;
    match cause {
        Cause::SharesUnknown { what, mode } => {
            format!("`{name}` shares {} with `{mode}`, which does not exist or could not be read", shared(Some(*what)))
        }
        Cause::SharesUnread { what, other } => format!(
            "`{other}`, which could not be read, shares {} with `{name}` or its group; it counts as having a way out",
            shared(Some(*what))
        ),
        Cause::Shares { what, other, has } => {
            let through = if what.is_none() { ", through others" } else { "" };
            format!("`{name}` shares {} with `{other}`{through}: {}", shared(*what), could(has, other))
        }
    }
}

fn shared(what: Option<Shared>) -> &'static str {
    match what {
        Some(Shared::Network) => "its network",
        Some(Shared::Processes) => "its processes",
        Some(Shared::Memory) => "its memory",
        None => "a namespace",
    }
}

fn could(has: &Has, name: &str) -> String {
    match has {
        Has::Proxy => format!("`{name}` is the proxy itself"),
        Has::Leeward => format!("`{name}` is Leeward, which tells the proxy its routes"),
        Has::WayOut(network) => format!("`{name}` has a way out over `{network}`"),
        Has::RawFrames => format!("`{name}` may send raw frames"),
        Has::Seen(rule, cause) => format!("{} ({rule})", super::words(cause, About { name, service: None, label: "" })),
    }
}
