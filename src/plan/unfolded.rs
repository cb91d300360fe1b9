//! How many middlewares a router has once its chains are written out.
//!
//! Traefik makes each of them anew wherever a chain names it. Twenty-two chains that each name the next one twice are a
//! few hundred bytes of labels, and took 3 GB and Traefik's start.

use std::collections::BTreeMap;

use crate::traefik::Dynamic;
use crate::traefik::labels::LabelProblem;

/// The most middlewares of one router, chains included.
const MOST: usize = 200;

/// The routers of one container with too many. Chains are followed among its own middlewares.
pub(super) fn problems(dynamic: &Dynamic) -> Vec<LabelProblem> {
    let mut known = BTreeMap::new();
    let routers = dynamic.http.routers.iter();
    let large = routers.filter(|(_, router)| size(router.middlewares.iter().flatten(), dynamic, 0, &mut known) > MOST);
    large
        .map(|(name, _)| LabelProblem {
            label: format!("traefik.http.routers.{name}.middlewares"),
            words: format!(
                "router `{name}` has more than {MOST} middlewares once its chains are written out, and Traefik makes each"
            ),
            remedy: "name each middleware once".to_owned(),
        })
        .collect()
}

/// How many middlewares these references come to; more than [`MOST`] is [`MOST`] and one. `known`: those of the names
/// that were met.
fn size<'a>(
    references: impl Iterator<Item = &'a String>,
    dynamic: &'a Dynamic,
    depth: usize,
    known: &mut BTreeMap<&'a str, usize>,
) -> usize {
    let mut sum = 0;
    for reference in references {
        let name = reference.split_once('@').map_or(reference.as_str(), |(name, _)| name);
        let chain = dynamic.http.middlewares.get(name).and_then(|middleware| middleware.chain.as_ref());
        let links = chain.and_then(|chain| chain.middlewares.as_ref());
        sum += match (links, known.get(name)) {
            (None, _) => 1,
            (Some(_), Some(known)) => *known,
            // So long a chain is too many by itself.
            (Some(_), None) if depth > MOST => MOST + 1,
            (Some(links), None) => {
                // In a circle it counts as one: Traefik makes none of it.
                known.insert(name, 1);
                let size = 1 + size(links.iter(), dynamic, depth + 1, known);
                known.insert(name, size);
                size
            }
        };
        if sum > MOST {
            return MOST + 1;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traefik::labels;

    fn too_many(chains: &[(String, String)]) -> bool {
        let labels: BTreeMap<String, String> = chains
            .iter()
            .map(|(name, links)| (format!("traefik.http.middlewares.{name}.chain.middlewares"), links.clone()))
            .chain([("traefik.http.routers.r.middlewares".to_owned(), "m0".to_owned())])
            .collect();
        !problems(&labels::decode(&labels).unwrap()).is_empty()
    }

    fn each(number: usize, links: impl Fn(usize) -> String) -> Vec<(String, String)> {
        (0..number).map(|it| (format!("m{it}"), links(it + 1))).collect()
    }

    #[test]
    fn chains_that_double_are_too_many_and_long_lists_are_not() {
        assert!(too_many(&each(30, |next| format!("m{next},m{next}@docker"))));
        assert!(too_many(&each(5_000, |next| format!("m{next}"))));
        assert!(!too_many(&each(50, |next| format!("m{next}"))));
        assert!(!too_many(&each(1, |_| vec!["x"; 150].join(","))));
        // Traefik refuses a circle at its first link.
        assert!(!too_many(&each(1, |_| vec!["m0"; 90].join(","))));
    }
}
