//! "Did you mean": the known name nearest to a wrong one.

/// The name that takes the fewest letters changed, added, left out or swapped; `None` if it takes too many.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: String = wrong.chars().take(64).flat_map(char::to_lowercase).collect();
    let allowed = (wrong.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&wrong, &name.to_lowercase()), name))
        .filter(|&(distance, name)| distance <= allowed && distance < name.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let problem = super::super::decode(&labels).unwrap_err();
            assert_eq!((problem.label.as_str(), problem.remedy.as_str()), (label, remedy), "{}", problem.words);
        }
    }

    #[test]
    fn a_typo_finds_its_name() {
        let known = ["entryPoints", "rule", "service", "middlewares", "tls"];
        for (wrong, wanted) in [
            ("entrypoint", Some("entryPoints")),
            ("rul", Some("rule")),
            ("rulse", Some("rule")),
            ("serivce", Some("service")),
            ("TSL", Some("tls")),
            ("completely", None),
            ("x", None),
        ] {
            assert_eq!(nearest(wrong, known), wanted, "{wrong}");
        }
    }
}
