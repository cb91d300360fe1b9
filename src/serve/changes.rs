//! What changed from one plan to the next, for the log: each route and each refusal once, when it comes or goes.

use tracing::{info, warn};

use super::published::Published;
use crate::plan::{Decision, Outcome, Plan, Protocol, Route, Unusable};
use crate::policy::refusal::{Code, Refusal};
use crate::policy::rule_id::RuleId;
use crate::report::routes::left_out;
use crate::report::table::counted;
use crate::report::visible::short;
use crate::report::words::Words as _;

/// The most lines that one change may write; what is beyond is counted.
const MOST_LINES: usize = 100;
/// How many servers of a route a line names.
const MOST_SERVERS: usize = 10;
/// How long a part of a line may be, in columns.
const LONGEST_PART: usize = 300;

/// What one plan has over another.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    added: Vec<&'a Route>,
    removed: Vec<&'a Route>,
    changed: Vec<&'a Route>,
    /// No Traefik takes it, and before it was not there, was another, was taken, or was left out for another reason.
    left_out: Vec<(&'a Route, &'a [Unusable])>,
    /// Refused now, and before not at all or for another reason.
    refused: Vec<(&'a Decision, &'a Refusal)>,
    /// Not routed now because it is not up, which passes, and not refused before.
    down: Vec<(&'a Decision, &'a Refusal)>,
}

/// What `after` has over `before`.
pub(super) fn between<'a>(before: Option<&'a Plan>, after: &'a Plan) -> Changes<'a> {
    let mut changes = Changes::default();
    // Both are in the order of their names.
    let mut old = before.into_iter().flat_map(|plan| &plan.routes).peekable();
    for route in &after.routes {
        changes.removed.extend(std::iter::from_fn(|| old.next_if(|old| name(old) < name(route))));
        let was = old.next_if(|old| name(old) == name(route));
        let was = was.zip(before).map(|(old, plan)| (old, plan.never_taken(old)));
        let out = after.never_taken(route);
        match was {
            was if !out.is_empty() => changes.left_out.extend((was != Some((route, out))).then_some((route, out))),
            None => changes.added.push(route),
            Some((_, out)) if !out.is_empty() => changes.added.push(route),
            Some((old, _)) if old != route => changes.changed.push(route),
            Some(_) => {}
        }
    }
    changes.removed.extend(old);
    for now in after.decided().filter(|it| it.outcome == Outcome::Refused) {
        let Some(refusal) = &now.refusal else { continue };
        let before = before.and_then(|plan| plan.decisions.get(&now.id)).filter(|it| it.outcome == Outcome::Refused);
        match before {
            // One that was refused and ends is not told of; nor, when it starts, of what it was refused for already.
            Some(_) if passes(refusal) => {}
            Some(before) if stands_against(before, refusal) => {}
            None if passes(refusal) => changes.down.push((now, refusal)),
            Some(_) | None => changes.refused.push((now, refusal)),
        }
    }
    changes
}

/// Whether starting the container mends it.
fn passes(refusal: &Refusal) -> bool {
    matches!(refusal.code, Code::NotRunning | Code::Unhealthy)
}

/// Whether a container was refused for this before; where it was down then, among others.
fn stands_against(before: &Decision, refusal: &Refusal) -> bool {
    match &before.refusal {
        Some(first) if passes(first) => before
            .steps
            .iter()
            .flat_map(|step| &step.refusals)
            .any(|it| (it.code, it.rule) == (refusal.code, refusal.rule)),
        first => first.as_ref() == Some(refusal),
    }
}

fn name(route: &Route) -> (Protocol, &str) {
    (route.protocol, route.router.as_str())
}

/// What a stranger wrote, as a part of a line.
fn part(text: &str) -> String {
    short(text, LONGEST_PART)
}

/// Writes them down. Rules and addresses only, never the values of other labels: those may be secrets.
pub(super) fn log(changes: &Changes<'_>, now: &Published) {
    let Changes { added, removed, changed, left_out: out, refused, down } = changes;
    let lines = added.len() + removed.len() + changed.len() + out.len() + refused.len() + down.len();
    if lines == 0 && now.revision > 1 {
        return;
    }
    let words = [("routes", added), ("routes anew", changed), ("no longer routes", removed)];
    for (what, route) in
        words.into_iter().flat_map(|(what, routes)| routes.iter().map(move |route| (what, *route))).take(MOST_LINES)
    {
        let servers: Vec<_> = route.backends.iter().take(MOST_SERVERS).map(|it| it.address.as_str()).collect();
        let (router, rule, servers) = (part(&route.router), part(&route.rule), part(&servers.join(", ")));
        info!(router.name = %router, owner = %part(&route.owner), "{what} `{router}`: {rule} -> {servers}");
    }
    for (route, reasons) in out.iter().take(MOST_LINES) {
        let why = reasons.iter().map(|reason| left_out(&now.plan, reason)).collect::<Vec<_>>().join("; ");
        let router = part(&route.router);
        let owner = part(&route.owner);
        warn!(router.name = %router, owner = %owner, "Traefik leaves `{router}` out: {}", part(&why));
    }
    for (Decision { id, name, .. }, refusal) in refused.iter().take(MOST_LINES) {
        let (name, code, words) = (part(name), refusal.code.as_str(), part(&refusal.words()));
        let rule = refusal.rule.map(RuleId::as_str).unwrap_or_default();
        warn!(
            container.name = %name,
            container.id = %id,
            refusal.code = code,
            refusal.rule = rule,
            "refused `{name}`: {words}; see `leeward explain {name}`"
        );
    }
    for (Decision { id, name, .. }, refusal) in down.iter().take(MOST_LINES) {
        let (name, code, words) = (part(name), refusal.code.as_str(), part(&refusal.words()));
        info!(container.name = %name, container.id = %id, refusal.code = code, "`{name}` is not routed: {words}");
    }
    if lines > MOST_LINES {
        info!("suppressed further lines: {lines} changes in all; see `leeward routes`");
    }
    let refused = now.plan.decided().filter(|it| it.outcome == Outcome::Refused).count();
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

    /// The demonstration, with one container in another state.
    fn with_state(name: &str, state: &str) -> Plan {
        let mut inventory = crate::source::snapshot::demo().unwrap();
        let container = inventory.containers.values_mut().find(|it| it.name == name).unwrap();
        std::sync::Arc::make_mut(container).state = state.to_owned();
        crate::plan::compile(&inventory, &crate::settings::Settings::default())
    }

    #[test]
    fn a_refused_container_that_restarts_is_not_refused_anew() {
        let (up, down) = (with_state("wiki-wiki-1", "running"), with_state("wiki-wiki-1", "exited"));
        assert_eq!(between(None, &up).refused.len(), 1);
        for (before, after) in [(&up, &down), (&down, &up)] {
            let changes = between(Some(before), after);
            assert!(changes.refused.is_empty() && changes.down.is_empty(), "{changes:?}");
        }
    }

    #[test]
    fn a_routed_container_that_ends_is_told_without_a_warning() {
        let (up, down) = (with_state("app1-web-1", "running"), with_state("app1-web-1", "exited"));
        let changes = between(Some(&up), &down);
        assert_eq!((changes.removed.len(), changes.refused.len(), changes.down.len()), (1, 0, 1), "{changes:?}");
        assert!(between(Some(&down), &down).down.is_empty());
    }

    #[test]
    fn a_route_that_traefik_leaves_out_is_no_route_and_is_told_once() {
        let with_service = |service: Option<&str>| {
            let mut inventory = crate::source::snapshot::demo().unwrap();
            let container = inventory.containers.values_mut().find(|it| it.name == "app1-web-1").unwrap();
            let label = service.map(|it| ("traefik.http.routers.web.service".to_owned(), it.to_owned()));
            std::sync::Arc::make_mut(container).labels.extend(label);
            crate::plan::compile(&inventory, &crate::settings::Settings::default())
        };
        let (good, gone, other) = (with_service(None), with_service(Some("gone")), with_service(Some("other")));
        let told = |before: Option<&Plan>, after: &Plan| {
            let Changes { added, changed, left_out, .. } = between(before, after);
            (added.len(), changed.len(), left_out.len())
        };
        assert_eq!(told(None, &gone), (1, 0, 1));
        assert_eq!(told(Some(&gone), &gone), (0, 0, 0));
        assert_eq!(told(Some(&gone), &other), (0, 0, 1));
        assert_eq!(told(Some(&good), &gone), (0, 0, 1));
        assert_eq!(told(Some(&gone), &good), (1, 0, 0));
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
