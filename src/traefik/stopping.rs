//! What stops Traefik, or holds it up: values that its types take, and on which it panics, or works without end, where it
//! applies a configuration. Nobody's new route arrives then, even after the container is gone.
//!
//! Source: every option with empty, minimal and extreme values on the releases that `tests/traefik/stoppers.rs` lists.

use super::duration::Duration;
use super::middleware::Middleware;
use super::tls::ClientTls;
use super::{Dynamic, Stop, Version};

/// The most connections of a pool to a Redis: Traefik makes room for all of them at once.
pub(crate) const MOST_CONNECTIONS: i64 = 10_000;
/// The most bytes of a visitor's body for a forwardAuth: Traefik makes room for all of them at each request.
pub(crate) const MOST_OF_A_BODY: i64 = 10 << 20;
/// The most health checks a minute of one container's services. 490 services that are checked as fast as Traefik can kept
/// two processors busy, and no new route arrived.
pub(crate) const MOST_CHECKS: u64 = 6_000;
/// The most entry points that one container's routers name, beyond one for each router. Traefik writes a line for each that it
/// does not have: 100,000 took it 17 seconds.
const MOST_ENTRY_POINTS: usize = 2_000;
/// Releases that panic on a `basicAuth` without users, from and to; the patches at the ends may be safe already.
const PANIC_WITHOUT_USERS: [(Version, Version); 2] =
    [(Version::new(3, 6, 12), Version::new(3, 6, 18)), (Version::new(3, 7, 0), Version::new(3, 7, 3))];

/// What of one container's declaration would stop a Traefik, or hold it up, for everybody: the labels, each with the reason.
pub(crate) fn stops(dynamic: &Dynamic, version: Version) -> Vec<(String, Stop)> {
    let mut stops = Vec::new();
    for (name, middleware) in &dynamic.http.middlewares {
        of_middleware(middleware, version, &mut |field, stop| {
            stops.push((format!("traefik.http.middlewares.{name}.{field}"), stop));
        });
    }
    stops.extend(checks(dynamic));
    stops.extend(entry_points(dynamic));
    stops
}

/// Health checks too often.
fn checks(dynamic: &Dynamic) -> Option<(String, Stop)> {
    let http = dynamic.http.services.iter().filter_map(|(name, service)| {
        let check = service.load_balancer.as_ref()?.health_check.as_ref()?;
        Some(("http", name, each_minute(check.interval, check.unhealthy_interval)))
    });
    let tcp = dynamic.tcp.services.iter().filter_map(|(name, service)| {
        let check = service.load_balancer.as_ref()?.health_check.as_ref()?;
        Some(("tcp", name, each_minute(check.interval, check.unhealthy_interval)))
    });
    let all: Vec<(&str, &String, u64)> = http.chain(tcp).collect();
    let found: u64 = all.iter().map(|(.., rate)| rate).sum();
    let (protocol, name, _) = all.iter().max_by_key(|(.., rate)| *rate).filter(|_| found > MOST_CHECKS)?;
    let label = format!("traefik.{protocol}.services.{name}.loadbalancer.healthcheck.interval");
    Some((label, Stop::HealthChecks(found)))
}

/// How many checks a minute. Traefik takes its own 30 seconds for what is not above 0.
fn each_minute(interval: Option<Duration>, unhealthy: Option<Duration>) -> u64 {
    let intervals = [interval, unhealthy].into_iter().flatten().map(|it| it.0).filter(|it| *it > 0);
    60_000_000_000 / intervals.min().unwrap_or(30_000_000_000).unsigned_abs()
}

/// More entry points than any Traefik has.
fn entry_points(Dynamic { http, tcp, udp, tls: _ }: &Dynamic) -> Option<(String, Stop)> {
    let http = http.routers.iter().map(|(name, it)| ("http", name, &it.entry_points));
    let tcp = tcp.routers.iter().map(|(name, it)| ("tcp", name, &it.entry_points));
    let udp = udp.routers.iter().map(|(name, it)| ("udp", name, &it.entry_points));
    let all: Vec<(&str, &String, usize)> =
        http.chain(tcp).chain(udp).map(|(kind, name, it)| (kind, name, it.as_ref().map_or(0, Vec::len))).collect();
    let found: usize = all.iter().map(|(.., number)| number).sum();
    let most = MOST_ENTRY_POINTS + all.len();
    let (protocol, name, _) = all.iter().max_by_key(|(.., number)| *number).filter(|_| found > most)?;
    Some((format!("traefik.{protocol}.routers.{name}.entrypoints"), Stop::EntryPoints { found, most }))
}

fn of_middleware(middleware: &Middleware, version: Version, found: &mut dyn FnMut(&str, Stop)) {
    if let Some(auth) = &middleware.basic_auth
        && auth.users.as_ref().is_none_or(Vec::is_empty)
    {
        if auth.users_file.as_deref().is_none_or(str::is_empty) {
            found("basicauth", Stop::NoUsers);
        } else if PANIC_WITHOUT_USERS.iter().any(|(from, to)| (*from..=*to).contains(&version)) {
            found("basicauth.usersfile", Stop::UsersFile(version));
        }
    }
    let forward = middleware.forward_auth.as_ref().and_then(|auth| auth.tls.as_ref());
    let redis = middleware.rate_limit.as_ref().and_then(|limit| limit.redis.as_ref());
    let [redis_ca, redis_cert, redis_key] = redis.and_then(|it| it.tls.as_ref()).map_or([None; 3], |tls| {
        let ClientTls { ca, cert, key, insecure_skip_verify: _ } = tls;
        [ca.as_deref(), cert.as_deref(), key.as_deref()]
    });
    for (field, file) in [
        ("basicauth.usersfile", middleware.basic_auth.as_ref().and_then(|auth| auth.users_file.as_deref())),
        ("digestauth.usersfile", middleware.digest_auth.as_ref().and_then(|auth| auth.users_file.as_deref())),
        ("forwardauth.tls.ca", forward.and_then(|tls| tls.ca.as_deref())),
        ("forwardauth.tls.cert", forward.and_then(|tls| tls.cert.as_deref())),
        ("forwardauth.tls.key", forward.and_then(|tls| tls.key.as_deref())),
        ("ratelimit.redis.tls.ca", redis_ca),
        ("ratelimit.redis.tls.cert", redis_cert),
        ("ratelimit.redis.tls.key", redis_key),
    ] {
        if let Some(file) = file.filter(|file| may_be_endless(file)) {
            found(field, Stop::Device(file.to_owned()));
        }
    }
    if let Some(auth) = middleware.forward_auth.as_ref().filter(|auth| auth.forward_body == Some(true))
        && let Some(bytes) = auth.max_body_size.filter(|bytes| *bytes > MOST_OF_A_BODY)
    {
        found("forwardauth.maxbodysize", Stop::Bytes(bytes));
    }
    let Some(redis) = redis else { return };
    for (field, number) in [
        ("ratelimit.redis.maxactiveconns", redis.max_active_conns),
        ("ratelimit.redis.minidleconns", redis.min_idle_conns),
        ("ratelimit.redis.poolsize", redis.pool_size),
    ] {
        if let Some(number) = number.filter(|number| !(0..=MOST_CONNECTIONS).contains(number)) {
            found(field, Stop::Connections(number));
        }
    }
}

/// Whether a path may lead to a device, a pipe or a file of the kernel's. What stands there may also be a certificate
/// itself.
fn may_be_endless(path: &str) -> bool {
    if path.contains("-----BEGIN") {
        return false;
    }
    // Traefik's own directory is `/` in its image.
    let steps: Vec<&str> = path.split('/').filter(|step| !matches!(*step, "" | ".")).collect();
    matches!(steps.as_slice(), ["dev" | "proc" | "run" | "sys", ..] | ["var", "run", ..]) || steps.contains(&"..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traefik::labels;

    #[track_caller]
    fn check(labels: &[(&str, &str)], version: &str, wanted: &[&str]) {
        let labels =
            labels.iter().map(|(key, value)| (format!("traefik.http.middlewares.m.{key}"), (*value).to_owned()));
        let dynamic = labels::decode(&labels.collect()).unwrap();
        let found = stops(&dynamic, version.parse().unwrap());
        let found: Vec<&str> =
            found.iter().map(|(label, _)| label.strip_prefix("traefik.http.middlewares.m.").unwrap()).collect();
        assert_eq!(found, wanted, "{dynamic:?}");
    }

    #[test]
    fn a_basic_auth_without_users_stops_traefik() {
        check(&[("basicauth.realm", "x")], "3.0.4", &["basicauth"]);
        check(&[("basicauth.users", "")], "3.7.15", &["basicauth"]);
        check(&[("basicauth.users", "a:b")], "3.6.15", &[]);
        check(&[("basicauth.usersfile", "/etc/users")], "3.7.15", &[]);
        check(&[("basicauth.usersfile", "/etc/users")], "3.6.15", &["basicauth.usersfile"]);
        check(&[("basicauth.usersfile", "/etc/users"), ("basicauth.users", "a:b")], "3.6.15", &[]);
        check(&[("digestauth.realm", "x")], "3.6.15", &[]);
    }

    #[test]
    fn a_device_is_read_without_end() {
        for path in [
            "/dev/zero",
            "//dev//zero",
            "dev/zero",
            "/./dev/zero",
            "/etc/../dev/zero",
            "/proc/1/root/dev/zero",
            "/var/run/pipe",
            "//var/./run/pipe",
            "var/run/pipe",
            "../dev/zero",
            "/run/x",
        ] {
            check(&[("digestauth.usersfile", path)], "3.7.15", &["digestauth.usersfile"]);
            check(&[("forwardauth.tls.ca", path)], "3.7.15", &["forwardauth.tls.ca"]);
            check(&[("ratelimit.redis.tls.key", path)], "3.7.15", &["ratelimit.redis.tls.key"]);
        }
        for path in ["/etc/traefik/users", "users", "/certs/dev/ca.pem", "/etc/..users"] {
            check(&[("digestauth.usersfile", path)], "3.7.15", &[]);
        }
        check(&[("forwardauth.tls.ca", "-----BEGIN CERTIFICATE-----\n/../\n")], "3.7.15", &[]);
    }

    #[track_caller]
    fn whole(labels: &[(String, String)], wanted: &[&str]) {
        let dynamic = labels::decode(&labels.iter().cloned().collect()).unwrap();
        let found = stops(&dynamic, "3.7.15".parse().unwrap());
        assert_eq!(found.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn health_checks_without_a_pause_keep_traefik_busy() {
        let field = |at: usize, field: &str, value: &str| {
            let label = format!("traefik.http.services.s{at}.loadbalancer.healthcheck.{field}");
            (label, value.to_owned())
        };
        let each = |number: usize, interval: &str| -> Vec<(String, String)> {
            (0..number).flat_map(|at| [field(at, "path", "/"), field(at, "interval", interval)]).collect()
        };
        let first = "traefik.http.services.s0.loadbalancer.healthcheck.interval";
        whole(&each(1, "1ns"), &[first]);
        whole(&each(1, "10ms"), &[]);
        whole(&each(1, "9ms"), &[first]);
        whole(&each(500, "5s"), &[]);
        whole(&each(500, "-1s"), &[]);
        let last = "traefik.http.services.s99.loadbalancer.healthcheck.interval";
        whole(&each(100, "900ms"), &[last]);
        whole(&[field(0, "interval", "10s"), field(0, "unhealthyinterval", "1ns")], &[first]);
        let tcp = "traefik.tcp.services.s.loadbalancer.healthcheck.interval";
        whole(&[(tcp.to_owned(), "1ns".to_owned())], &[tcp]);
    }

    #[test]
    fn entry_points_without_end_are_lines_without_end_in_traefiks_log() {
        for (protocol, rule) in [("http", true), ("tcp", true), ("udp", false)] {
            let label = format!("traefik.{protocol}.routers.r.entrypoints");
            let mut labels = vec![(label.clone(), vec!["web"; 2_001].join(","))];
            if rule {
                labels.push((format!("traefik.{protocol}.routers.r.rule"), "HostSNI(`a`)".to_owned()));
            }
            whole(&labels, &[]);
            labels.push((format!("traefik.{protocol}.routers.q.entrypoints"), "web,web".to_owned()));
            whole(&labels, &[&label]);
        }
    }

    #[test]
    fn a_body_for_a_login_has_a_size_that_there_is_room_for() {
        let forward = ("forwardauth.forwardbody", "true");
        check(&[forward, ("forwardauth.maxbodysize", "10485761")], "3.4.3", &["forwardauth.maxbodysize"]);
        check(&[forward, ("forwardauth.maxbodysize", "10485760")], "3.4.3", &[]);
        check(&[forward, ("forwardauth.maxbodysize", "-1")], "3.4.3", &[]);
        check(&[("forwardauth.maxbodysize", "10485761")], "3.4.3", &[]);
    }

    #[test]
    fn a_pool_has_a_size_that_there_is_room_for() {
        for (size, wanted) in [("-1", 1), ("0", 0), ("10000", 0), ("10001", 1), ("9223372036854775807", 1)] {
            for field in ["ratelimit.redis.maxactiveconns", "ratelimit.redis.minidleconns", "ratelimit.redis.poolsize"]
            {
                check(&[(field, size)], "3.4.3", [field].get(..wanted).unwrap());
            }
        }
    }
}
