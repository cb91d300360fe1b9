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
