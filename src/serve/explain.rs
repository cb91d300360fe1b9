//! `GET /explain/{name}` and `leeward explain NAME`: why a container is, or is not, routed; and who answers a host.
//!
//! A view of the plan: the steps in order, each with its verdict, what it was judged on, and the remedy.

use serde::Serialize;

use super::table::{visible, visible_lines};
use crate::inventory::ContainerId;
use crate::plan::{Decision, Outcome, Plan, Protocol, Route, StepName, Verdict};
use crate::policy::finding::{Finding, Subject};
use crate::rule::router;

/// What a name leads to.
#[derive(Debug)]
pub enum Answer<'a> {
    /// One container.
    Container(Box<Explanation<'a>>),
    /// A host that some router may answer.
    Host(Host<'a>),
    /// Several containers: their names, with their owners.
    Several(Vec<String>),
    /// Nothing of that name; the nearest there are.
    Nothing(Vec<String>),
}

/// Everything about one container.
#[derive(Debug, Serialize)]
pub struct Explanation<'a> {
    /// What was decided, with every step.
    #[serde(flatten)]
    pub decision: &'a Decision,
    /// The routers that it declares or serves.
    pub routes: Vec<&'a Route>,
    /// What the rules say of it.
    pub findings: Vec<&'a Finding>,
}

/// Who answers a host.
#[derive(Debug, Serialize)]
pub struct Host<'a> {
    /// The host.
    pub host: String,
    /// The routers whose rules may match it, the one that Traefik tries first before the others.
    pub routes: Vec<&'a Route>,
    /// Refused containers that ask for it.
    pub refused: Vec<&'a Decision>,
}

/// Finds what is meant by a name: a container's name, the beginning of its id, a Compose service (`web`, `app1/web`), or a
/// host.
pub fn find<'a>(plan: &'a Plan, name: &str) -> Answer<'a> {
    let decisions = || plan.decisions.values();
    let exact: Vec<&Decision> = decisions().filter(|it| it.name == name || it.id.as_str() == name).collect();
    let is_service = |it: &&Decision| {
        it.service.as_deref().is_some_and(|service| service == name || name == format!("{}/{service}", it.owner))
    };
    let is_prefix = |it: &&Decision| name.len() >= 4 && it.id.as_str().starts_with(name);
    let found = [exact, decisions().filter(is_service).collect(), decisions().filter(is_prefix).collect()];
    if let Some(found) = found.into_iter().find(|found| !found.is_empty()) {
        return match found.as_slice() {
            [one] => Answer::Container(Box::new(explanation(plan, one))),
            several => Answer::Several(
                several.iter().map(|it| format!("{} ({}/{})", it.name, it.owner, short(&it.id))).collect(),
            ),
        };
    }
    let host = name.trim_end_matches('.').to_lowercase();
    let routes = answering(plan, &host);
    if host.contains('.') || !routes.is_empty() {
        return Answer::Host(Host { refused: asking(plan, &host), host, routes });
    }
    Answer::Nothing(nearest(plan, name))
}

fn explanation<'a>(plan: &'a Plan, decision: &'a Decision) -> Explanation<'a> {
    let is_own = |route: &&Route| {
        route.origins.iter().any(|origin| origin.container == decision.name)
            || route.backends.iter().any(|backend| backend.id == decision.id)
    };
    let is_about = |finding: &&Finding| matches!(&finding.subject, Subject::Container { id, .. } if *id == decision.id);
    Explanation {
        decision,
        routes: plan.routes.iter().filter(is_own).collect(),
        findings: plan.findings.iter().filter(is_about).collect(),
    }
}

/// The routers that may answer a host, in the order in which Traefik tries them: by priority, which is the rule's length
/// where none is set, so the longest rule first.
fn answering<'a>(plan: &'a Plan, host: &str) -> Vec<&'a Route> {
    let matches = |route: &&Route| {
        let rule = match route.protocol {
            Protocol::Http => router::parse_http(&route.rule, None),
            Protocol::Tcp => router::parse_tcp(&route.rule, None),
            Protocol::Udp => return false,
        };
        rule.is_ok_and(|rule| rule.hosts().covers(host))
    };
    let mut routes: Vec<&Route> = plan.routes.iter().filter(matches).collect();
    routes.sort_by_key(|route| std::cmp::Reverse((route.priority.unwrap_or_default(), route.rule.len())));
    routes
}

/// Refused containers whose words or facts name a host.
fn asking<'a>(plan: &'a Plan, host: &str) -> Vec<&'a Decision> {
    let names = |it: &&Decision| {
        it.outcome == Outcome::Refused
            && it.steps.iter().any(|step| {
                step.facts.iter().chain(step.refusals.iter().map(|refusal| &refusal.words)).any(|it| it.contains(host))
            })
    };
    plan.decisions.values().filter(names).collect()
}

/// Names that hold the word, or share its beginning.
fn nearest(plan: &Plan, name: &str) -> Vec<String> {
    let start: String = name.chars().take(3).collect();
    let names = plan.decisions.values().map(|it| &it.name);
    let mut near: Vec<String> =
        names.filter(|it| it.contains(name) || (!start.is_empty() && it.contains(&start))).cloned().collect();
    near.sort_unstable();
    near.truncate(8);
    near
}

fn short(id: &ContainerId) -> String {
    id.as_str().chars().take(12).collect()
}

impl Answer<'_> {
    /// Whether the question has one answer.
    pub fn is_found(&self) -> bool {
        matches!(self, Self::Container(_) | Self::Host(_))
    }

    /// For programs. Ends with a newline.
    pub fn json(&self) -> String {
        let text = match self {
            Self::Container(explanation) => serde_json::to_string_pretty(explanation),
            Self::Host(host) => serde_json::to_string_pretty(host),
            Self::Several(names) => serde_json::to_string_pretty(&serde_json::json!({ "several": names })),
            Self::Nothing(names) => serde_json::to_string_pretty(&serde_json::json!({ "nearest": names })),
        };
        // Strings and numbers only: nothing in here can fail to be written.
        text.map(|text| text + "\n").unwrap_or_default()
    }

    /// For people. Ends with a newline.
    pub fn text(&self) -> String {
        match self {
            Self::Container(explanation) => container(explanation),
            Self::Host(answer) => host(answer),
            Self::Several(names) => {
                format!(
                    "several are called so; say which, by name or id:\n  {}\n",
                    visible_lines(&names.join("\n")).replace('\n', "\n  ")
                )
            }
            Self::Nothing(names) if names.is_empty() => "no container, service or host is called so\n".to_owned(),
            Self::Nothing(names) => {
                format!(
                    "no container, service or host is called so; there are:\n  {}\n",
                    visible_lines(&names.join("\n")).replace('\n', "\n  ")
                )
            }
        }
    }
}

fn container(Explanation { decision, routes, findings }: &Explanation<'_>) -> String {
    let mut text = String::new();
    let outcome = match decision.outcome {
        Outcome::Routed => "is routed",
        Outcome::Refused => "is refused",
        Outcome::Ignored => "does not ask to be routed",
    };
    line(&mut text, &format!("{} of {} {outcome}", visible(&decision.name), visible(&decision.owner)));
    for step in &decision.steps {
        line(&mut text, &format!("\n{}  {}", mark(step.verdict), title(step.name)));
        for fact in &step.facts {
            line(&mut text, &format!("      {}", visible(fact)));
        }
        for refusal in &step.refusals {
            let rule = refusal.rule.as_deref().map_or_else(|| refusal.code.as_str().to_owned(), ToOwned::to_owned);
            line(&mut text, &format!("      {}: {}", visible(&rule), visible(&refusal.words)));
            if let Some(label) = &refusal.label {
                line(&mut text, &format!("      label: {}", visible(label)));
            }
            if !refusal.remedy.is_empty() {
                let remedy = visible_lines(&refusal.remedy).replace('\n', "\n        ");
                line(&mut text, &format!("      to change it:\n        {remedy}"));
            }
        }
    }
    if !routes.is_empty() {
        text.push_str("\nroutes\n");
    }
    for route in routes {
        line(&mut text, &format!("      {}", way(route)));
    }
    if !decision.warnings.is_empty() {
        text.push_str("\nodd, but no reason to refuse\n");
    }
    for warning in &decision.warnings {
        let label = warning.label.as_deref().map(|label| format!("{}: ", visible(label))).unwrap_or_default();
        line(&mut text, &format!("      {label}{}", visible(&warning.words)));
    }
    if !findings.is_empty() {
        text.push_str("\nfindings\n");
    }
    for finding in findings {
        line(&mut text, &format!("      {}: {}", visible(&finding.rule), visible(&finding.words)));
    }
    text
}

fn host(Host { host, routes, refused }: &Host<'_>) -> String {
    let mut text = String::new();
    match routes.as_slice() {
        [] => line(&mut text, &format!("nobody answers {}", visible(host))),
        [only] => line(&mut text, &format!("{} is answered by\n      {}", visible(host), way(only))),
        [first, others @ ..] => {
            line(&mut text, &format!("{} is answered by, where its rule matches\n      {}", visible(host), way(first)));
            text.push_str("  then, with a lower priority or a shorter rule\n");
            for other in others {
                line(&mut text, &format!("      {}", way(other)));
            }
        }
    }
    for decision in refused {
        let words = decision.refusal.as_ref().map(|refusal| refusal.words.as_str()).unwrap_or_default();
        line(&mut text, &format!("refused: {}: {}", visible(&decision.name), visible(words)));
    }
    text
}

/// Router, rule, service and servers of a route.
fn way(route: &Route) -> String {
    let servers: Vec<String> = route
        .backends
        .iter()
        .map(|it| {
            format!(
                "{} ({} on {})",
                it.address,
                it.container,
                if it.network.is_empty() { "no network" } else { &it.network }
            )
        })
        .collect();
    let servers = if servers.is_empty() { "no server".to_owned() } else { servers.join(", ") };
    visible(&format!("{} {}: {} -> {} -> {servers}", route.protocol.as_str(), route.router, route.rule, route.service))
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "yes ",
        Verdict::Overruled => "let ",
        Verdict::Failed => "no  ",
        Verdict::Skipped => "-   ",
    }
}

fn title(step: StepName) -> &'static str {
    match step {
        StepName::OperatorLabels => "the labels are the operator's, not the image's",
        StepName::AskedFor => "it asks for a route",
        StepName::Alive => "it is up",
        StepName::Isolated => "it has no way out",
        StepName::ProxyNetwork => "it is on a network that Traefik reaches it on",
        StepName::Understood => "its labels are understood",
        StepName::WithinRights => "it claims nothing of others",
        StepName::Addressed => "its servers have addresses",
    }
}

fn line(text: &mut String, words: &str) {
    text.extend([words, "\n"]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::snapshot;
    use crate::plan::compile;
    use crate::settings::Settings;

    fn demo() -> Plan {
        compile(&snapshot::demo().unwrap(), &Settings::default())
    }

    #[test]
    fn a_refused_container_is_told_why_and_what_to_change() {
        let plan = demo();
        let refused = plan.decisions.values().find(|it| it.outcome == Outcome::Refused).unwrap();
        let answer = find(&plan, &refused.name);
        let text = answer.text();
        assert!(text.contains("is refused") && text.contains("no    it has no way out"), "{text}");
        assert!(text.contains("NET-001") && text.contains("to change it:"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&answer.json()).unwrap();
        assert_eq!(json["outcome"], "refused");
        assert_eq!(json["refusal"]["rule"], "NET-001");
    }

    #[test]
    fn containers_are_found_by_name_id_and_service_and_hosts_by_rule() {
        let plan = demo();
        let routed = plan.routes[0].backends[0].clone();
        let found = |name: &str| match find(&plan, name) {
            Answer::Container(explanation) => explanation.decision.name.clone(),
            Answer::Host(host) => host.routes.iter().map(|it| it.router.as_str()).collect::<Vec<_>>().join(","),
            Answer::Several(names) => format!("{} of several", names.len()),
            Answer::Nothing(names) => format!("nothing, near {}", names.len()),
        };
        assert_eq!(found(&routed.container), routed.container);
        assert_eq!(found(routed.id.as_str().get(..8).unwrap()), routed.container);
        assert_eq!(found("app1/web"), routed.container);
        assert_eq!(found("web"), "2 of several");
        assert_eq!(found("app1.localhost"), "app1.web");
        assert_eq!(found("APP1.localhost."), "app1.web");
        assert_eq!(found("nobody.example"), "");
        assert_eq!(found("zzz"), "nothing, near 0");
    }
}
