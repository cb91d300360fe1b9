//! TRF: the declared Traefik.

use super::{About, listed, mounts_socket};
use crate::policy::rules::traefik::{Cause, VERSION_LABEL};

pub(super) fn words(cause: &Cause, About { name, .. }: About<'_>) -> String {
    match cause {
        Cause::Socket { path, socket } => mounts_socket(name, path, socket),
        Cause::ApiPublished(port) => format!("port 8080 of `{name}` is published on port {port} of the host"),
        Cause::ApiUnknown => format!("whether `{name}` runs with `--api.insecure=true`: command lines are not read"),
        Cause::Capabilities { net_raw, net_admin } => {
            let what = match (net_raw, net_admin) {
                (true, true) => "NET_RAW and NET_ADMIN",
                (true, false) => "NET_RAW",
                (false, _) => "NET_ADMIN",
            };
            format!("`{name}` has {what}")
        }
        Cause::Company { over, others } => {
            format!("`{name}` shares its way out over `{over}` with {}", listed(others))
        }
        Cause::LeewardOpen(network) => format!("`{name}` reaches Leeward over `{network}`, which is not internal"),
        Cause::LeewardCompany { network, others } => {
            format!("`{name}` reaches Leeward over `{network}`, where also is {}", listed(others))
        }
        Cause::SameName { other, called, network, control } => format!(
            "`{other}` is called `{called}` on `{network}`, which `{name}` is on too, and so is Leeward on `{control}`"
        ),
        Cause::Several(others) => {
            format!("a label declares `{name}` to be a Traefik, and labels of other projects {}", listed(others))
        }
        Cause::Holes { version, advisories } => {
            let holes = advisories.iter().map(|advisory| format!("{} ({advisory})", hole(advisory)));
            format!("`{name}` is Traefik {version}: {}", holes.collect::<Vec<_>>().join("; "))
        }
        Cause::Release { silent, assumed, refused, .. } => {
            let why = if silent.is_empty() {
                "no Traefik is declared".to_owned()
            } else {
                format!("no readable label `{VERSION_LABEL}` on the image of {}", listed(silent))
            };
            format!(
                "nothing says which Traefik reads the document ({why}), so it is for {assumed}, the oldest supported; \
                 refused for it: {}",
                listed(refused)
            )
        }
    }
}

/// What an advisory is about.
fn hole(advisory: &str) -> &'static str {
    match advisory {
        "CVE-2026-48020" => "StripPrefix leads past another router's authentication",
        "CVE-2026-53622" => "HTTP/3 leads past client certificates",
        "CVE-2026-39858" => "headers for forwardAuth can be forged",
        _ => "a known hole",
    }
}

pub(super) fn remedy(cause: &Cause) -> Option<String> {
    let Cause::Release { needed, .. } = cause else { return None };
    Some(format!(
        "say which it is; for these containers {needed} or later: --traefik-version {needed} \
         (LEEWARD_TRAEFIK_VERSION={needed})"
    ))
}
