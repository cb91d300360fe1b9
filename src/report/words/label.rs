//! LBL: what labels claim; and labels of Leeward's that mean nothing.

use super::{About, compose, listed};
use crate::policy::cause::Few;
use crate::policy::claims::{self, Does};
use crate::policy::forward_auth_names::Leads;
use crate::policy::hosts::{self, Bind, By, RouterPart, Takes};
use crate::policy::leeward_labels::{HOSTS, Odd};
use crate::policy::references;
use crate::report::quoting::{in_quotes, quoted, yaml_word};
use crate::report::visible::visible;

/// What labels claim, but for references and hosts.
pub(super) fn claim(cause: &claims::Cause, About { name, label, .. }: About<'_>) -> String {
    use claims::Cause;
    match cause {
        Cause::AtSign(name) => format!("the name `{name}` holds an `@`, which would make it another provider's"),
        Cause::DefaultCertificate => format!("`{name}` sets the default certificate of everybody"),
        Cause::SharedName { middleware, host, places } => {
            let of = |(container, network): &(String, String)| format!("{container}` on `{network}");
            let places = listed(&Few { first: places.first.iter().map(of).collect(), more: places.more });
            format!(
                "middleware `{middleware}` of `{name}` asks `{host}`, and Traefik finds several of that name: {places}"
            )
        }
        Cause::Connects { middleware, to, visitors, leads } => {
            let what = if *visitors { "sends what visitors bring, cookies too, to" } else { "connects to" };
            let whose = match leads {
                Leads::Own => "",
                Leads::OwnOrPublic => {
                    ", which may be a name on the Internet while the container does not run: the network is called as a domain may be"
                }
                Leads::Elsewhere => ", which is no container of its own project's",
            };
            format!("middleware `{middleware}` of `{name}` {what} `{to}`{whose}")
        }
        Cause::EntryPoint => {
            format!("label `{label}` asks for the entry point `traefik`, where Traefik's own API answers")
        }
        Cause::Priority { router, priority } => format!("router `{router}` of `{name}` has priority {priority}"),
        Cause::Hidden { router } => {
            format!("router `{router}` of `{name}` hides from Traefik's log, metrics or traces")
        }
        Cause::Port(port) => format!("label `{label}` is `{port}`, which is not a port: it could lead anywhere"),
        Cause::Scheme(scheme) => {
            format!("label `{label}` is `{scheme}`, which is not a scheme: it could lead anywhere")
        }
        Cause::Url(url) => format!("label `{label}` sends requests to `{url}`, which is not the address of `{name}`"),
        Cause::CheckPort { port, own } => format!("label `{label}` checks port {port}, and the service's is {own}"),
        Cause::CheckPath(path) => format!("label `{label}` sends Traefik's health checks to `{path}`"),
        Cause::CheckChosen => format!("label `{label}` makes the health check a request of its own choosing"),
        Cause::CheckRedirects => {
            format!("label `{label}` lets the application send Traefik to any address, and read the answer")
        }
        Cause::CheckStatus(status) => format!(
            "`{label}` is {status}, and redirects are not followed: an application that answers with one fails the check"
        ),
        Cause::Middleware { middleware, does } => {
            let does = match does {
                Does::ReadsFiles => "reads files that Traefik can read".to_owned(),
                Does::ReadsFile(file) => format!("reads `{file}`, which Traefik can read"),
                Does::RunsPlugin => "runs a plugin of Traefik's".to_owned(),
                Does::BcryptCost(cost) => format!("has a bcrypt cost of {cost}"),
                Does::Retries(attempts) => format!("repeats a request {attempts} times"),
            };
            format!("middleware `{middleware}` of `{name}` {does}")
        }
    }
}

/// `label`: the whole key.
pub(super) fn claim_remedy(cause: &claims::Cause, label: &str) -> Option<String> {
    let label = visible(label);
    Some(match cause {
        claims::Cause::Port(_) => format!("name the port alone: {label}=8080"),
        claims::Cause::Scheme(_) => format!("name the scheme alone: {label}=http"),
        claims::Cause::Url(_) => {
            let port = label.strip_suffix("url").map_or_else(|| label.clone(), |server| format!("{server}port"));
            format!("name the port instead: {port}=8080")
        }
        claims::Cause::AtSign(_) => "leave the `@` and what follows out of the label's key".to_owned(),
        claims::Cause::Middleware { middleware, does: Does::ReadsFiles | Does::ReadsFile(_) | Does::RunsPlugin } => {
            let name = visible(middleware.rsplit('.').next().unwrap_or(middleware));
            format!(
                "declare it on Traefik's own container; or in a file of Traefik's, and write {name}@file where it is used"
            )
        }
        _ => return None,
    })
}

pub(super) fn reference(cause: &references::Cause, label: &str) -> String {
    use references::Cause;
    let what = match cause {
        Cause::NoService { reference } => format!("service `{reference}`, a name that no label can declare"),
        Cause::NotByLabels { reference } => format!("`{reference}`, which no label can declare"),
        Cause::Several { name, sharers } => {
            format!("middleware `{name}`, which {} share", listed(&Few::of(sharers.iter().map(String::as_str))))
        }
        Cause::OwnersName { name } => format!("`{name}`, and a name of one's own is written without its owner"),
        Cause::Nobody { name, owner } => {
            format!("middleware `{name}`, which neither `{owner}` declares nor anybody shares")
        }
        Cause::NotShared { name, others } => {
            format!("middleware `{name}` of {}, which is not shared", listed(others))
        }
        Cause::Elsewhere { reference } => match reference.split_once('@').map_or("", |(_, provider)| provider) {
            "internal" => {
                format!("`{reference}`, of Traefik's own inside: the API, the dashboard, metrics, ping")
            }
            provider => format!("`{reference}`, of the provider `{provider}`"),
        },
    };
    format!("label `{label}` refers to {what}")
}

pub(super) fn reference_remedy(cause: &references::Cause) -> String {
    use references::Cause;
    // A published name without its owner's.
    let bare = |name: &str| visible(name.rsplit('.').next().unwrap_or(name));
    let here = |reference: &str| visible(references::here(reference).unwrap_or(reference));
    match cause {
        Cause::NoService { reference } => {
            format!("a router's service is always its project's own: write {}", bare(&here(reference)))
        }
        Cause::NotByLabels { reference } => {
            format!("declare it in a file of Traefik's, and write {}@file", here(reference))
        }
        Cause::Several { name, sharers } => {
            let names: Vec<_> = sharers.iter().map(|sharer| format!("{sharer}.{name}")).collect();
            format!("say whose: {}", visible(&names.join(" or ")))
        }
        Cause::OwnersName { name } => format!("write {}", bare(name)),
        Cause::Nobody { name, owner } => format!(
            "declare it on a container of `{owner}`, or on Traefik's own; or, if it is in a file of Traefik's, write \
             {}@file",
            visible(name)
        ),
        Cause::NotShared { name, others } => {
            let name = |other: &String| quoted(&format!("{other}.{}", bare(name)));
            let flags = others.first.iter().map(|other| started("share-middleware", &name(other)));
            flags.collect::<Vec<_>>().join("\nor: ")
        }
        Cause::Elsewhere { reference } if reference.ends_with("@internal") => format!(
            "route it by a file of Traefik's file provider (docs/hard-cases.md); or, for every container, {}",
            started("allow-reference", &quoted(reference))
        ),
        Cause::Elsewhere { reference } => {
            format!("if that is meant, for every container: {}", started("allow-reference", &quoted(reference)))
        }
    }
}

/// One more value of a flag of `leeward serve`, on the command line or in its environment variable.
fn started(flag: &str, value: &str) -> String {
    let variable = flag.to_ascii_uppercase().replace('-', "_");
    format!("add --{flag} {value} to the flags of `leeward serve`, or {value} to its LEEWARD_{variable}")
}

/// Claims to hosts.
pub(super) fn host(cause: &hosts::Cause, name: &str) -> String {
    use hosts::Cause;
    match cause {
        Cause::EveryHost { what, bind } => {
            let whose = bind.network.as_ref().map_or("it".to_owned(), |network| format!("`{}`", network.name));
            let what = part(what);
            format!(
                "{what} matches every host, and hosts are bound to networks (label `{HOSTS}`); {whose} may not have them all"
            )
        }
        Cause::Taken { what, claim, pattern, other, .. } => {
            format!("{} {} `{claim}`, and `{pattern}` is bound to network `{other}`", part(what), claims(what))
        }
        Cause::NotBound { what, claim, bound, bind } => {
            let only = if bound.is_empty() { "nothing".to_owned() } else { listed(bound) };
            let network = bind.network.as_ref().map_or("", |network| &network.name);
            format!("{} {} `{claim}`, but {only} is what is bound to network `{network}`", part(what), claims(what))
        }
        Cause::CatchAll { what, takes, entry_points, .. } => {
            let takes = match (takes, what.protocol) {
                (Takes::Unreadable(problem), _) => {
                    format!("has a rule that cannot be read and counts as matching every host: {problem}")
                }
                (Takes::EntryPoints, "udp") if entry_points.is_empty() => {
                    "takes all that comes in on every UDP entry point".to_owned()
                }
                (Takes::EntryPoints, _) if entry_points.is_empty() => {
                    "takes all that comes in on Traefik's default entry points".to_owned()
                }
                (Takes::EntryPoints, _) => {
                    let names = listed(&Few::of(entry_points.iter().map(String::as_str)));
                    format!("takes all that comes in on entry point {names}")
                }
                (Takes::EveryHost, _) => "matches every host".to_owned(),
                (Takes::Below(parent), _) => format!("matches every host below `{parent}`"),
            };
            format!("{} of `{name}` {takes}", part(what))
        }
        Cause::Contested { claimants, untold } => {
            let of = |(container, owner): &(String, String)| format!("{container}` of `{owner}");
            let claimants = listed(&Few { first: claimants.first.iter().map(of).collect(), more: claimants.more });
            let more = match untold {
                0 => String::new(),
                more => format!("; so are {more} more hosts, by several owners each"),
            };
            format!("host `{name}` is claimed by {claimants}{more}")
        }
    }
}

pub(super) fn host_remedy(cause: &hosts::Cause, name: &str) -> Option<String> {
    use hosts::Cause;
    match cause {
        Cause::EveryHost { bind, .. } | Cause::Taken { bind, .. } | Cause::NotBound { bind, .. } => {
            let Bind { network, hosts } = bind;
            let Some(network) = network else {
                return Some(format!(
                    "claim another host, or reach it on a network that this one is bound to; if `{name}` is your Traefik, say \
                     so where no label can: --traefik {} (LEEWARD_TRAEFIK)",
                    quoted(name)
                ));
            };
            let hosts = hosts.join(",");
            let (yaml, flags) = (
                format!("  {HOSTS}: {}", yaml_word(&hosts)),
                format!("--internal --label {HOSTS}={}", in_quotes(&hosts)),
            );
            let anew = compose::network(network, &["labels:", &yaml], &flags);
            Some(format!("claim another host, or give this one to the network:\n{anew}"))
        }
        Cause::CatchAll { takes: Takes::Unreadable(_), .. } => {
            Some("correct the rule, as in Host(`app.example.com`) && PathPrefix(`/api`)".to_owned())
        }
        Cause::CatchAll { what, .. } if what.protocol == "http" => None,
        Cause::CatchAll { what, entry_points, owner, .. } => {
            let own = own_entry_point(what, entry_points, owner);
            // Requests over UDP carry no name.
            let named = what.protocol != "udp";
            Some(if named {
                format!(
                    "{own}\nor, where clients speak TLS (SSH and other plain TCP do not), name the host: HostSNI(`db.example.com`)"
                )
            } else {
                own
            })
        }
        Cause::Contested { .. } => Some(format!(
            "bind the host to a network of the owner that may have it:\nnetworks:\n  net-proxy:   # what the file calls that \
             network\n    labels:\n      {HOSTS}: {}",
            yaml_word(name)
        )),
    }
}

/// `` tcp router `db` ``.
fn part(RouterPart { protocol, router, by }: &RouterPart) -> String {
    let part = if *by == By::Certificate { "the certificate of " } else { "" };
    format!("{part}{protocol} router `{router}`")
}

/// What a router does with a host that it may not have.
fn claims(RouterPart { by, .. }: &RouterPart) -> &'static str {
    match by {
        By::Requests | By::Certificate => "claims",
        By::Name => "sets TLS options for each host that its rule names, also where it matches no request; it names",
    }
}

/// How an owner may have an entry point for itself. Names from labels are pasted only where they are plain.
fn own_entry_point(RouterPart { protocol, router, .. }: &RouterPart, entry_points: &[String], owner: &str) -> String {
    let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let named: Vec<&str> = entry_points.iter().map(|name| name.trim()).collect();
    let known = !named.is_empty() && named.iter().all(|name| !name.is_empty() && is_plain(name));
    let owner = if is_plain(owner.trim_start_matches('~')) { owner } else { "OWNER" };
    let given = if known { named } else { vec![if *protocol == "udp" { "dns" } else { "db" }] };
    let flag = given.iter().map(|name| [name, "=", owner].concat()).collect::<Vec<_>>().join(",");
    let flag = format!("--own-entrypoint {flag} (LEEWARD_OWN_ENTRYPOINT={flag})");
    if known {
        return format!("if nothing else uses {}: {flag}", listed(&Few::of(given)));
    }
    let label = format!("traefik.{protocol}.routers.{router}.entrypoints: {}", given.concat());
    format!(
        "name an entry point of Traefik's that nothing else uses:\nlabels:\n  {label}\nand give it to its owner: {flag}"
    )
}

/// What is wrong with a label of Leeward's.
pub(crate) fn odd(odd: &Odd) -> String {
    match odd {
        Odd::NotBoolean(value) => format!("`{value}` is not true or false, and counts as false"),
        Odd::NotHonor(value) => format!("`{value}` has no effect; the only value is honor"),
        Odd::OfNetworks => "this label belongs on a network, and has no effect here".to_owned(),
        Odd::OfContainers => "this label belongs on a container, and has no effect here".to_owned(),
        Odd::Unknown(near) => {
            let hint = near.map(|name| format!("; did you mean leeward.{name}?")).unwrap_or_default();
            format!("Leeward has no label of this name{hint}")
        }
    }
}
