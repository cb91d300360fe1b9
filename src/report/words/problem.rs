//! What is wrong with Traefik's labels.

use crate::traefik::stopping::{MOST_CHECKS, MOST_CONNECTIONS, MOST_OF_A_BODY};
use crate::traefik::{Reason, Stop, Unmatched, ValueError};

pub(super) fn words(reason: &Reason) -> String {
    match reason {
        Reason::FirstName(name) => format!("labels start with `traefik`, in lower case, not with `{name}`"),
        Reason::EmptyName => "a name between its dots is empty".to_owned(),
        Reason::IndexAlone(name) => format!("the name `{name}` starts with `[`, which begins an index"),
        Reason::Unopened(name) => format!("the name `{name}` ends with `]` and has no `[`"),
        Reason::MoreNames(most) => format!("it has more than {most} names"),
        Reason::UnknownName { name, .. } | Reason::BelowItem(name, _) => format!("Traefik knows no `{name}` there"),
        Reason::BelowScalar(name, kind) => format!("`{name}` is a {kind} and has nothing below it"),
        Reason::NoNameBelow(name, _) => format!("`{name}` has no value of its own, only names below it"),
        Reason::BothProviders => "both traefik.docker.* and traefik.swarm.* labels are set".to_owned(),
        Reason::BadValue(value, error) => match error {
            ValueError::NotBool => format!("`{value}` is not a bool; write true or false"),
            ValueError::NotInt => format!("`{value}` is not a whole number"),
            ValueError::OutOfRange => format!("`{value}` does not fit into 64 bits"),
            ValueError::NotDuration => format!("`{value}` is not a duration; write 10s, 1m30s or 100ms"),
        },
        Reason::SeparatorInItem(item) => {
            format!("the item `{item}` holds `║`, which Traefik takes for the end of an item")
        }
        Reason::LongSetting => "a name that long is not read by Traefik".to_owned(),
        Reason::SeparatorInSetting(text) => {
            format!("the value `{text}` starts with `║`, which Traefik takes for a list")
        }
        Reason::NamesBesideIndex => "names beside an index: Traefik would see a list".to_owned(),
    }
}

/// `label`: the whole key.
pub(super) fn remedy(reason: &Reason, meant: Option<&str>, label: &str) -> String {
    let remedy = match (meant, reason) {
        (Some(value), Reason::BadValue(..)) => return format!("did you mean {label}={value}?"),
        (Some(key), _) => return format!("did you mean {key}?"),
        (None, Reason::UnknownName { parent, known, .. }) if !known.is_empty() => {
            return format!("below `{parent}` Traefik knows: {}", known.join(", ").to_lowercase());
        }
        (None, Reason::BelowItem(_, list)) => return format!("write all items as one value: {list}=a,b"),
        (None, Reason::NoNameBelow(_, example)) => {
            return format!("say what is meant below it; did you mean {label}.{}?", example.to_lowercase());
        }
        (None, Reason::MoreNames(_)) => "nest less deeply",
        (None, Reason::BothProviders) => "keep traefik.swarm.*",
        (None, Reason::BadValue(..)) => "correct the label's value, or remove the label",
        (None, Reason::SeparatorInItem(_)) => "leave the character out",
        (None, Reason::LongSetting | Reason::SeparatorInSetting(_) | Reason::NamesBesideIndex) => {
            "set the plugin up in a file of Traefik's file provider, or change the value"
        }
        // All that is left is about a name.
        (None, _) => "correct the name, or remove the label",
    };
    remedy.to_owned()
}

pub(super) fn stop(stop: &Stop) -> String {
    match stop {
        Stop::NoUsers => "has no users: some releases of Traefik stop on that".to_owned(),
        Stop::UsersFile(version) => {
            format!("Traefik {version} stops if that file holds no user, and what it holds cannot be seen")
        }
        Stop::Device(file) => format!("`{file}` may be a device, which Traefik would read without end"),
        Stop::Bytes(bytes) => format!("at each request Traefik makes room for {bytes} bytes"),
        Stop::Connections(number) => format!("{number} connections are no number that Traefik can make room for"),
        Stop::HealthChecks(found) => {
            format!("Traefik would check the container's services {found} times a minute; the most is {MOST_CHECKS}")
        }
        Stop::EntryPoints { found, most } => {
            format!("the container's routers name {found} entry points together; the most is {most}")
        }
    }
}

pub(super) fn stop_remedy(stop: &Stop) -> String {
    let remedy = match stop {
        Stop::NoUsers => "name a user: basicauth.users=name:hash, with the hash that `htpasswd -nB name` prints",
        Stop::UsersFile(_) => "name a user in `basicauth.users` as well, or update Traefik",
        Stop::Device(_) => "name a file outside of /dev, /proc, /run and /sys, by its whole path and without `..`",
        Stop::Bytes(_) => return format!("set at most {MOST_OF_A_BODY} bytes"),
        Stop::Connections(_) => return format!("set a number from 0 to {MOST_CONNECTIONS}, or remove the label"),
        Stop::HealthChecks(_) => "set a longer interval, such as 10s",
        Stop::EntryPoints { .. } => "name each entry point once, and only those that Traefik has",
    };
    remedy.to_owned()
}

pub(super) fn unmatched(why: Unmatched) -> String {
    match why {
        Unmatched::Dropped(name) => {
            format!("Traefik knows `{name}`, but reads it from no label; it passes this one over")
        }
        Unmatched::Tls => "Traefik reads only traefik.tls.stores.default from labels, and ignores this one".to_owned(),
        Unmatched::Unknown(near) => {
            let hint = near.map(|name| format!("; did you mean traefik.{name}?")).unwrap_or_default();
            format!("Traefik has no label of this name and ignores it{hint}")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::traefik::{Problem, labels};

    /// Each label error names the whole label, and says what may have been meant.
    #[test]
    fn every_error_suggests_something() {
        let routers = "traefik.http.routers.a";
        for (label, value, remedy) in [
            ("Traefik.http.routers.a.rule", "x", "did you mean traefik.http.routers.a.rule?"),
            ("traefik.http..routers.a.rule", "x", "did you mean traefik.http.routers.a.rule?"),
            (
                "traefik.http.routers.a.tls.domains.[0].main",
                "x",
                "did you mean traefik.http.routers.a.tls.domains[0].main?",
            ),
            ("traefik.http.routers.a].rule", "x", "did you mean traefik.http.routers.a.rule?"),
            ("traefik.http.router.a.rule", "x", "did you mean traefik.http.routers.a.rule?"),
            ("traefik.http.routers.a.entrypoint", "x", "did you mean traefik.http.routers.a.entrypoints?"),
            ("traefik.http.routers.rule.rule.x", "x", "did you mean traefik.http.routers.rule.rule?"),
            (
                "traefik.http.routers.a.entrypoints[0].x",
                "x",
                "write all items as one value: traefik.http.routers.a.entrypoints=a,b",
            ),
            ("traefik.http.routers.a.priority", "1_000", "did you mean traefik.http.routers.a.priority=1000?"),
            ("traefik.http.routers.a.priority", "5.0", "did you mean traefik.http.routers.a.priority=5?"),
            ("traefik.http.routers.a.priority", "high", "correct the label's value, or remove the label"),
            (
                "traefik.http.middlewares.m.addprefix",
                "x",
                "say what is meant below it; did you mean traefik.http.middlewares.m.addprefix.prefix?",
            ),
            ("traefik.http.middlewares.m.compres", "true", "did you mean traefik.http.middlewares.m.compress?"),
            (
                "traefik.http.services.s.loadbalancer.passhostheader",
                "Yes",
                "did you mean traefik.http.services.s.loadbalancer.passhostheader=true?",
            ),
            (
                "traefik.http.services.s.loadbalancer.healthcheck.interval",
                "10 s",
                "did you mean traefik.http.services.s.loadbalancer.healthcheck.interval=10s?",
            ),
            (
                "traefik.http.services.s.loadbalancer.healthcheck.interval",
                "1d",
                "did you mean traefik.http.services.s.loadbalancer.healthcheck.interval=24h?",
            ),
            (
                "traefik.http.services.s.loadbalancer.healthcheck.interval",
                "1.5",
                "did you mean traefik.http.services.s.loadbalancer.healthcheck.interval=1.5s?",
            ),
            (
                "traefik.http.services.s.loadbalancer.servers.port",
                "80",
                "did you mean traefik.http.services.s.loadbalancer.server.port?",
            ),
        ] {
            let labels = [(label.to_owned(), value.to_owned()), (format!("{routers}.service"), "s".to_owned())].into();
            let Problem { label: named, reason, meant } = labels::decode(&labels).unwrap_err();
            let said = super::remedy(&reason, meant.as_deref(), &named);
            assert_eq!((named.as_str(), said.as_str()), (label, remedy), "{reason:?}");
        }
    }
}
