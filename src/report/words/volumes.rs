//! VOL: what volumes hide, and whom they connect.

use super::{About, listed};
use crate::policy::rules::volumes::{Cause, Gives, Way};
use crate::report::visible::visible;

pub(super) fn words(cause: &Cause, About { name, .. }: About<'_>) -> String {
    match cause {
        Cause::Shares { what, theirs, others, way } => {
            let others = listed(others);
            let theirs = if what == theirs { String::new() } else { format!(" (as `{theirs}`)") };
            match way {
                Way::Out => format!("`{name}` writes to `{what}`, which {others} also mounts{theirs}, with a way out"),
                Way::In => format!("`{name}` reads `{what}`, which {others} of another project may write to{theirs}"),
                Way::Across => {
                    format!("`{name}` may write to `{what}`, which {others} of another project reads{theirs}")
                }
                Way::Both => format!("`{name}` and {others} of another project may write to `{what}`{theirs}"),
            }
        }
        Cause::FileSystem { volume, kind } => format!(
            "volume `{volume}` of `{name}` is a file system of the host's, of type `{kind}`, on what device is not said"
        ),
        Cause::Directory { volume, device, gives } => {
            let gives = match gives {
                Gives::Unknown => "and where that leads is the engine's to say".to_owned(),
                Gives::Socket(socket) => format!("which gives it the control socket `{socket}`"),
                Gives::Power { writable: true } => "which it may write".to_owned(),
                Gives::Power { writable: false } => "which it may read".to_owned(),
                Gives::Data => "not a volume of its own".to_owned(),
            };
            format!("volume `{volume}` of `{name}` is the host's `{device}`, {gives}")
        }
        Cause::FromUnknown(other) => format!("`{name}` has the mounts of `{other}`, which was not given"),
        Cause::Unread(volume) => {
            format!("whether volume `{volume}` of `{name}` hides a host directory could not be read")
        }
        Cause::OnOtherNodes(volume) => {
            format!("what volume `{volume}` of `{name}` is on other nodes could not be read")
        }
        Cause::Remote { volume, by, writable } => {
            let may = if *writable { "may write to" } else { "may read" };
            format!("`{name}` {may} volume `{volume}`, on another machine by `{by}`")
        }
        Cause::Keeps { what, holder, theirs, leewards } => {
            let mounts = if *leewards { "mounts" } else { "may write to" };
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
