//! VOL: what volumes hide, and whom they connect.

use super::{About, listed};
use crate::policy::rules::volumes::{Cause, Gives};
use crate::report::visible::visible;

pub(super) fn words(cause: &Cause, About { name, .. }: About<'_>) -> String {
    match cause {
        Cause::Shares { what, others } => {
            format!("`{name}` writes to `{what}`, which {} also mounts, with a way out", listed(others))
        }
        Cause::FileSystem { volume, kind } => format!(
            "volume `{volume}` of `{name}` is a file system of the host's, of type `{kind}`, on what device is not said"
        ),
        Cause::Directory { volume, device, gives } => {
            let gives = match gives {
                Gives::Unknown => "and where that leads is the engine's to say".to_owned(),
                Gives::Socket(socket) => format!("which gives it `{socket}`"),
                Gives::Power { writable: true } => "which it may write".to_owned(),
                Gives::Power { writable: false } => "which it may read".to_owned(),
                Gives::Data => "not a volume of its own".to_owned(),
            };
            format!("volume `{volume}` of `{name}` is the host's `{device}`, {gives}")
        }
        Cause::Unread(volume) => {
            format!("whether volume `{volume}` of `{name}` hides a host directory could not be read")
        }
        Cause::Remote { volume, by, writable } => {
            let may = if *writable { "may write to" } else { "may read" };
            format!("`{name}` {may} volume `{volume}`, on another machine by `{by}`")
        }
        Cause::Keeps { what, holder, theirs, leewards } => {
            let mounts = if *leewards { "mounts" } else { "may write to" };
        Cause::FromUnknown(other) => format!("`{name}` has the mounts of `{other}`, which was not given"),
            format!("`{name}` {mounts} `{what}`, where `{holder}` has its `{theirs}`")
        }
    }
}

/// Where the rule's own does not do.
pub(super) fn remedy(cause: &Cause) -> Option<String> {
    match cause {
        Cause::FromUnknown(other) => Some(format!(
            "name the Compose file of `{}` too, or a snapshot of the engine (--snapshot); or delete it from `volumes_from`",
            visible(other)
        )),
        _ => None,
    }
}
