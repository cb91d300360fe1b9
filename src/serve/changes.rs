//! What changed from one plan to the next, for the log: each route and each refusal once, when it comes or goes.

use std::collections::BTreeMap;

use tracing::{info, warn};

use super::published::Published;
use crate::inventory::ContainerId;
use crate::plan::{Decision, Outcome, Plan, Protocol, Route};
use crate::report::table::counted;
use crate::report::visible::visible;

/// The most lines that one change may write; what is beyond is counted.
const MOST_LINES: usize = 100;

/// What one plan has over another.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    added: Vec<&'a Route>,
    removed: Vec<&'a Route>,
    changed: Vec<&'a Route>,
    /// Refused now, and before not at all or for another reason.
    refused: Vec<&'a Decision>,
}

/// What `after` has over `before`.
pub(super) fn between<'a>(before: Option<&'a Plan>, after: &'a Plan) -> Changes<'a> {
    let mut changes = Changes::default();
    let mut gone = before.map(by_name).unwrap_or_default();
    for route in &after.routes {
        match gone.remove(&(route.protocol, route.router.as_str())) {
            None => changes.added.push(route),
            Some(old) if old != route => changes.changed.push(route),
            Some(_) => {}
        }
    }
    changes.removed = gone.into_values().collect();
    let was = |id: &ContainerId| before.and_then(|plan| plan.decisions.get(id)).and_then(|it| it.refusal.as_ref());
    changes.refused = after
        .decisions
        .values()
        .filter(|now| now.outcome == Outcome::Refused && was(&now.id) != now.refusal.as_ref())
        .collect();
    changes
}

fn by_name(plan: &Plan) -> BTreeMap<(Protocol, &str), &Route> {
    plan.routes.iter().map(|route| ((route.protocol, route.router.as_str()), route)).collect()
}

/// Writes them down. Rules and addresses only, never the values of other labels: those may be secrets.
pub(super) fn log(changes: &Changes<'_>, now: &Published) {
    let Changes { added, removed, changed, refused } = changes;
    if added.is_empty() && removed.is_empty() && changed.is_empty() && refused.is_empty() && now.revision > 1 {
        return;
    }
    let lines = added.len() + removed.len() + changed.len() + refused.len();
    let words = [("routes", added), ("routes anew", changed), ("no longer routes", removed)];
    for (what, route) in
        words.into_iter().flat_map(|(what, routes)| routes.iter().map(move |route| (what, *route))).take(MOST_LINES)
    {
        let servers: Vec<_> = route.backends.iter().map(|backend| backend.address.as_str()).collect();
        let (router, rule, servers) = (visible(&route.router), visible(&route.rule), visible(&servers.join(", ")));
        info!(router.name = %router, owner = %visible(&route.owner), "{what} `{router}`: {rule} -> {servers}");
    }
    for Decision { id, name, refusal, .. } in refused.iter().take(MOST_LINES) {
        let Some(refusal) = refusal else { continue };
        let (name, code) = (visible(name), refusal.code.as_str());
        warn!(
            container.name = %name,
            container.id = %id,
            refusal.code = code,
            refusal.rule = refusal.rule.as_deref().unwrap_or_default(),
            "refused `{name}`: {}; see `leeward explain {name}`",
            visible(&refusal.words)
        );
    }
    if lines > MOST_LINES {
        info!("and more: {lines} changes in all; `leeward routes` lists what holds");
    }
    let refused = now.plan.decisions.values().filter(|it| it.outcome == Outcome::Refused).count();
    info!(
        revision = now.revision,
        routes = now.plan.routes.len(),
        refused,
        "published revision {}: {}, {} refused",
        now.revision,
        counted(now.plan.routes.len(), "route"),
        counted(refused, "container"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(router: &str, rule: &str) -> Route {
        Route {
            protocol: Protocol::Http,
            router: router.to_owned(),
            owner: String::new(),
            rule: rule.to_owned(),
            entry_points: Vec::new(),
            middlewares: Vec::new(),
            service: String::new(),
            priority: None,
            tls: false,
            backends: Vec::new(),
            origins: Vec::new(),
        }
    }

    #[test]
    fn each_route_comes_changes_or_goes_once() {
        let plan = |routes: Vec<Route>| Plan { routes, ..Plan::default() };
        let before = plan(vec![route("kept", "a"), route("changed", "a"), route("gone", "a")]);
        let after = plan(vec![route("kept", "a"), route("changed", "b"), route("new", "a")]);
        let names = |routes: &[&Route]| routes.iter().map(|route| route.router.clone()).collect::<Vec<_>>().join(" ");
        let changes = between(Some(&before), &after);
        assert_eq!(
            (names(&changes.added), names(&changes.changed), names(&changes.removed)),
            ("new".to_owned(), "changed".to_owned(), "gone".to_owned())
        );
        assert_eq!(names(&between(None, &after).added), "kept changed new");
    }
}
