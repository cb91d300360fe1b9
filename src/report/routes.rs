//! `GET /routes` and `leeward routes`: what is routed and where to; what is refused, why, and what to change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::asked::{Asked, HERE};
use super::outbound::{self, Outbound};
use super::table::columns;
use super::visible::{Age, short, visible, visible_lines};
use super::words::{Remedy as _, Words as _, unsaid};
use crate::inventory::{ContainerId, Network};
use crate::plan::{Decision, Flag, MOST_PRIORITY, Missing, Outcome, Plan, Route, Unknown, Unusable};
use crate::policy::finding::{Finding, Key, Subject};
use crate::policy::refusal::Refusal;
use crate::policy::rule_id::RuleId;
use crate::remedy::is_for_edits;
use crate::source::lines::Spot;

/// A plan, as its routes.
#[derive(Debug, Serialize)]
pub struct Listing<'a> {
    /// Why the plan may be out of date, if it may; [`Age`] tells programs.
    #[serde(skip)]
    pub stale: Option<&'a str>,
    /// Odd things about the settings, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Every router of the document, sorted.
    pub routes: &'a [Route],
    /// Routers that are in the document, and that Traefik leaves out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut<'a>>,
    /// What is odd about what is routed: hosts that several projects claim and services that they share, a line for those who do;
    /// warnings, a line for each container.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Every container that asked and was refused.
    pub refused: Vec<Refused<'a>>,
    /// The names outside that containers ask for, allowed or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outbound: Vec<Outbound<'a>>,
    /// How many containers did not ask.
    pub ignored: usize,
    /// Their names; only where all was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored_containers: Option<Vec<&'a str>>,
    /// What is not known of networks, by name.
    #[serde(skip)]
    pub not_given: BTreeMap<&'a str, NotGiven>,
}

/// How many notes people read.
const MOST_NOTES: usize = 20;
/// How long one may be, and a container's name in it, in columns.
const LONGEST_NOTE: usize = 300;
const LONGEST_NAME: usize = 100;

/// What of a network was not given, so that it was assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotGiven {
    /// The network itself: [`Network::assumed`].
    Network,
    /// Traefik: [`Network::traefik_assumed`].
    Traefik,
}

impl NotGiven {
    /// What was not given of a network, if anything.
    pub fn of(network: &Network) -> Option<Self> {
        match network {
            Network { assumed: true, .. } => Some(Self::Network),
            Network { traefik_assumed: true, .. } => Some(Self::Traefik),
            _ => None,
        }
    }
}

/// A router that Traefik leaves out.
#[derive(Debug, Serialize)]
pub struct LeftOut<'a> {
    /// Its published name.
    pub router: &'a str,
    /// Each reason as one line.
    pub reasons: Vec<String>,
    /// Where its label is written; only where files are checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Spot>,
}

/// A container that asked and was refused.
#[derive(Debug, Serialize)]
pub struct Refused<'a> {
    /// Its name.
    pub container: &'a str,
    /// Its id.
    pub id: &'a str,
    /// Its owner.
    pub owner: &'a str,
    /// The first no.
    #[serde(flatten)]
    pub refusal: &'a Refusal,
    /// The others that are no finding of the audit's: a label that cannot be read, a port that nobody knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<&'a Refusal>,
    /// The rules of those that findings of the audit tell.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub also: BTreeSet<RuleId>,
}

impl<'a> Listing<'a> {
    /// The routes of `plan`. `all`: name also those that did not ask.
    pub fn new(plan: &'a Plan, stale: Option<&'a str>, all: bool) -> Self {
        let of = |outcome: Outcome| plan.decided().filter(move |decision| decision.outcome == outcome);
        let found: BTreeSet<Key<'_>> = plan.findings.iter().map(Finding::key).collect();
        let mut refused: Vec<_> = of(Outcome::Refused)
            .filter_map(|decision| {
                let Decision { id, name, owner, refusal, .. } = decision;
                let (refusal, more) = (refusal.as_ref()?, more(&found, decision));
                let all = decision.steps.iter().flat_map(|step| &step.refusals);
                let said =
                    |rule: &RuleId| [refusal].into_iter().chain(more.iter().copied()).any(|it| it.rule == Some(*rule));
                let also = all.filter_map(|it| it.rule).filter(|rule| !said(rule)).collect();
                Some(Refused { container: name, id: id.as_str(), owner, refusal, more, also })
            })
            .collect();
        refused.sort_by_key(|it| (it.container, it.id));
        let mut ignored: Vec<_> = of(Outcome::Ignored).map(|decision| decision.name.as_str()).collect();
        ignored.sort_unstable();
        Self {
            stale,
            warnings: warnings(plan).collect(),
            routes: &plan.routes,
            left_out: plan
                .routes
                .iter()
                .map(|route| (route, plan.left_out(route)))
                .filter(|(_, reasons)| !reasons.is_empty())
                .map(|(route, reasons)| LeftOut {
                    router: &route.router,
                    reasons: reasons.iter().map(|reason| left_out(plan, reason)).collect(),
                    location: None,
                })
                .collect(),
            notes: notes(plan),
            refused,
            outbound: plan.outbound.iter().map(Outbound::from).collect(),
            ignored: ignored.len(),
            ignored_containers: all.then_some(ignored),
            not_given: BTreeMap::new(),
        }
    }

    /// For programs. Ends with a newline.
    pub fn json(&self) -> String {
        Age { stale: self.stale, stale_seconds: None }.json(self)
    }

    /// For people: the routes, then the refusals with their remedies. Ends with a newline.
    pub fn text(&self) -> String {
        self.text_asked(&HERE)
    }

    /// The same; `asked`: where it was read, for the commands in it.
    pub fn text_asked(&self, asked: &Asked) -> String {
        self.write(Some(asked))
    }

    /// As [`Self::text`], without the refusals.
    pub(super) fn routed_text(&self) -> String {
        self.write(None)
    }

    /// `refused`: with the refusals, and where they were read.
    fn write(&self, refused: Option<&Asked>) -> String {
        let mut text = String::new();
        text.push_str(&out_of_date(self.stale));
        text.push_str(&written(&self.warnings));
        if self.routes.is_empty() {
            text.push_str("nothing is routed\n");
        } else {
            let rows: Vec<_> = self.routes.iter().map(|route| row(route, &self.not_given)).collect();
            text.push_str(&columns(&["ROUTER", "RULE", "ENTRY POINTS", "SERVICE", "NETWORK", "SERVERS"], &rows));
        }
        if !self.left_out.is_empty() {
            let has_places = self.left_out.iter().any(|it| it.location.is_some());
            let row = |it: &LeftOut<'_>, reason: &String| {
                let place = it.location.as_ref().map(|Spot { file, line, .. }| format!("{file}:{line}"));
                let place = has_places.then(|| place.unwrap_or_default());
                [it.router.to_owned(), reason.clone()].into_iter().chain(place).collect::<Vec<_>>()
            };
            let rows = self.left_out.iter().flat_map(|it| it.reasons.iter().map(move |reason| row(it, reason)));
            let rows: Vec<_> = rows.collect();
            text.push('\n');
            let titles = ["TRAEFIK LEAVES OUT", "WHY", "WHERE"];
            text.push_str(&columns(titles.get(..if has_places { 3 } else { 2 }).unwrap_or(&titles), &rows));
        }
        if let Some(asked) = refused {
            self.write_notes(&mut text, asked);
            self.write_refused(&mut text, asked);
        }
        if !self.outbound.is_empty() {
            let rows: Vec<_> = self.outbound.iter().map(outbound::row).collect();
            text.push('\n');
            text.push_str(&columns(&outbound::COLUMNS, &rows));
        }
        match &self.ignored_containers {
            Some(names) if !names.is_empty() => {
                let rows: Vec<_> = names.iter().map(|name| vec![(*name).to_owned()]).collect();
                text.push('\n');
                text.push_str(&columns(&["IGNORED"], &rows));
            }
            None if self.ignored > 0 => {
                let (noun, verb) = if self.ignored == 1 { ("container", "does") } else { ("containers", "do") };
                let _ = writeln!(text, "\n{} other {noun} {verb} not ask to be routed", self.ignored);
            }
            Some(_) | None => {}
        }
        text
    }

    fn write_notes(&self, text: &mut String, asked: &Asked) {
        if !self.notes.is_empty() {
            text.push_str("\nNOTES\n");
        }
        for note in self.notes.iter().take(MOST_NOTES) {
            let _ = writeln!(text, "{}", visible(note));
        }
        if self.notes.len() > MOST_NOTES {
            let more = self.notes.len() - MOST_NOTES;
            let _ = writeln!(
                text,
                "… and {more} more; see each container, by its name in place of NAME: {}",
                asked.explain("NAME")
            );
        }
    }

    /// Each refused container, with its reasons; below each reason, or below those that edits mend, what mends it.
    fn write_refused(&self, text: &mut String, asked: &Asked) {
        if !self.refused.is_empty() {
            text.push_str("\nREFUSED\n");
        }
        for Refused { container, refusal, more, also, .. } in &self.refused {
            let _ = writeln!(text, "{}", visible(container));
            let (edits, others): (Vec<&Refusal>, Vec<&Refusal>) =
                std::iter::once(refusal).chain(more).copied().partition(|it| is_for_edits(it));
            for refusal in &edits {
                let _ = writeln!(text, "    {}: {}", refusal.name(), visible(&refusal.words()));
            }
            if !also.is_empty() {
                let names: Vec<&str> = also.iter().map(|rule| rule.as_str()).collect();
                let _ = writeln!(text, "    and {}", names.join(", "));
            }
            if !edits.is_empty() || !also.is_empty() {
                let _ = writeln!(
                    text,
                    "    remedy: {}   # all reasons at once, tried before it is shown",
                    visible(&asked.fix(container))
                );
            }
            for refusal in others {
                let (name, words) = (refusal.name(), refusal.words());
                let label =
                    unsaid(refusal.label.as_deref(), &words).map(|label| format!(", label `{}`", visible(label)));
                let _ = writeln!(text, "    {name}{}: {}", label.unwrap_or_default(), visible(&words));
                let remedy = refusal.remedy_asked(asked);
                if !remedy.is_empty() {
                    let blank = if remedy.contains('\n') { "\n        " } else { " " };
                    let remedy = visible_lines(&remedy).replace('\n', "\n        ");
                    let _ = writeln!(text, "    remedy:{blank}{remedy}");
                }
            }
        }
    }
}

/// What flags name and nothing is called, one line each.
pub fn warnings(plan: &Plan) -> impl Iterator<Item = String> {
    plan.unknown.iter().map(|Unknown { flag, name, near }| {
        let (flag, nothing) = match flag {
            Flag::Traefik => ("traefik", "no container has this name"),
            Flag::Egress => ("egress", "no container has this name"),
            Flag::Network => ("network", "no network has this name"),
            Flag::ProxyNetwork => ("proxy-network", "no network has such a name"),
            Flag::ShareMiddleware => ("share-middleware", "no container that asks to be routed declares it"),
            Flag::IsolationOf => ("isolation-of", "no container belongs to a project of that name"),
        };
        let hint = near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("--{flag} names `{name}`, and {nothing}{hint}")
    })
}

/// A host that several projects claim refuses nobody where isolation is not strict, and a warning never does. One line for
/// those who claim hosts together, and one for each container: who has many, or long names, hides nobody else's.
fn notes(plan: &Plan) -> Vec<String> {
    let mut contested: BTreeMap<&BTreeSet<ContainerId>, Vec<&Finding>> = BTreeMap::new();
    for finding in plan.findings.iter().filter(|it| it.rule == RuleId::Lbl002 && !it.blocks && !it.allowed) {
        if let Subject::Host { containers, name: _ } = &finding.subject {
            contested.entry(containers).or_default().push(finding);
        }
    }
    let mut notes = Vec::new();
    for finding in contested.values() {
        let told = finding.first().map(|it| format!("{}: {}", it.rule, it.words()));
        notes.extend(told.map(|told| note(&told, finding.len(), "hosts")));
    }
    notes.extend(shared_services(plan));
    let hosts = notes.len();
    for Decision { name, warnings, .. } in plan.decided().filter(|it| it.outcome == Outcome::Routed) {
        let told = warnings.first().map(|warning| {
            let words = warning.words();
            let label = unsaid(warning.label.as_deref(), &words).map(|label| format!("{label}: ")).unwrap_or_default();
            format!("{}: {label}{words}", short(name, LONGEST_NAME))
        });
        notes.extend(told.map(|told| note(&told, warnings.len(), "warnings")));
    }
    if let Some(warnings) = notes.get_mut(hosts..) {
        warnings.sort_unstable();
    }
    notes
}

/// With `--names traefik` a service's name is everybody's: whoever takes another project's gets a share of its requests, as
/// with Traefik's own provider. One line for those who share some.
fn shared_services(plan: &Plan) -> impl Iterator<Item = String> {
    let mut shared: BTreeMap<BTreeSet<&str>, BTreeSet<&str>> = BTreeMap::new();
    for Route { service, backends, .. } in &plan.routes {
        let deciding = backends.iter().filter_map(|backend| plan.decisions.get(&backend.id));
        let owners: BTreeSet<&str> = deciding.map(|decision| decision.owner.as_str()).collect();
        if owners.len() > 1 {
            shared.entry(owners).or_default().insert(service);
        }
    }
    shared.into_iter().filter_map(|(owners, services)| {
        let owners: Vec<String> = owners.iter().map(|owner| short(owner, LONGEST_NAME)).collect();
        let told = format!(
            "service `{}` has servers of several projects, which --names traefik lets them: {}",
            short(services.first()?, LONGEST_NAME),
            owners.join(", ")
        );
        Some(note(&told, services.len(), "services"))
    })
}

/// The first of several, in one line.
fn note(first: &str, count: usize, what: &str) -> String {
    let more = if count > 1 { format!("; and {} more {what}", count - 1) } else { String::new() };
    short(first, LONGEST_NOTE) + &more
}

/// What people read first where the engine does not answer, and why it does not.
pub fn out_of_date(stale: Option<&str>) -> String {
    let told = |reason| {
        format!(
            "may be out of date: {}\nLook whether the engine and the gate run; until then routes stay as they are.\n\n",
            visible(reason)
        )
    };
    stale.map(told).unwrap_or_default()
}

/// The same as people read them, before an answer that rests on the flags.
pub fn warned(plan: &Plan) -> String {
    written(&warnings(plan).collect::<Vec<_>>())
}

fn written(warnings: &[String]) -> String {
    warnings.iter().fold(String::new(), |text, it| text + "warning: " + &visible(it) + "\n\n")
}

/// Why Traefik leaves a router out, one line.
pub(crate) fn left_out(plan: &Plan, reason: &Unusable) -> String {
    let declarer = plan.declarer(reason).map(|Decision { name, refusal, .. }| {
        let rule = refusal.as_ref().map(Refusal::name).unwrap_or_default();
        format!("; `{name}` declares it, and is refused ({rule})")
    });
    lacks(reason) + &declarer.unwrap_or_default()
}

/// The same, without who declares what it lacks.
pub(super) fn lacks(reason: &Unusable) -> String {
    match reason {
        Unusable::Rule(problem) => format!("it rejects the rule: {problem}"),
        Unusable::WithoutTls => {
            "`HostSNI` names a server, which only TLS tells: set `tls=true` on the router".to_owned()
        }
        Unusable::Priority(priority) => {
            format!("its priority, {priority}, is above the highest that Traefik takes, {MOST_PRIORITY}")
        }
        Unusable::Missing { traefik, what, given } => {
            let told = if traefik == Plan::EVERYONE {
                "nothing that is routed".to_owned()
            } else {
                format!("nothing on the networks of Traefik `{traefik}`")
            };
            let of_another = what.name().rsplit_once('.').filter(|_| !given);
            let is_here =
                of_another.map(|(owner, _)| format!("; no container of `{owner}` is here")).unwrap_or_default();
            match what {
                Missing::Service(name) => format!("{told} declares service `{name}`{is_here}"),
                Missing::Middleware(name) => format!("{told} declares middleware `{name}`{is_here}"),
                Missing::ErrorService { service, middleware } => {
                    format!("{told} declares service `{service}` of middleware `{middleware}`{is_here}")
                }
                Missing::OneKind { middleware, kinds } if kinds.is_empty() => {
                    format!("Traefik makes no middleware `{middleware}`: its labels set nothing that is one")
                }
                Missing::Addresses { middleware, wrong } if wrong.is_empty() => {
                    format!("Traefik makes no middleware `{middleware}`, which has no `sourcerange`")
                }
                Missing::Addresses { middleware, wrong } => format!(
                    "Traefik makes no middleware `{middleware}`: `{wrong}` is neither an address nor a range such as \
                     `10.0.0.0/8`"
                ),
                Missing::OneKind { middleware, kinds } => format!(
                    "Traefik makes no middleware `{middleware}`, which is {} at once: give each a name of its own",
                    kinds.join(" and ")
                ),
            }
        }
        Unusable::Circle(names) => {
            format!("Traefik refuses a chain of middlewares that leads back to itself: {}", names.join(" -> "))
        }
    }
}

/// The refusals after the first that are not told by a finding as well. `found`: the findings there are.
fn more<'a>(found: &BTreeSet<Key<'_>>, decision: &'a Decision) -> Vec<&'a Refusal> {
    let mut told: BTreeSet<&Refusal> = decision.refusal.iter().collect();
    let all = decision.steps.iter().flat_map(|step| &step.refusals);
    all.filter(|refusal| !refusal.keys().any(|key| found.contains(&key)) && told.insert(refusal)).collect()
}

/// What to change for one refusal alone.
pub fn to_change(refusal: &Refusal) -> String {
    refusal.remedy().into_owned()
}

fn row(route: &Route, not_given: &BTreeMap<&str, NotGiven>) -> Vec<String> {
    let mut networks: Vec<_> = route.backends.iter().map(|backend| backend.network.as_str()).collect();
    networks.sort_unstable();
    networks.dedup();
    networks.retain(|network| !network.is_empty());
    let marked = |network: &str| match not_given.get(network) {
        Some(NotGiven::Network) => format!("{network} (not given)"),
        Some(NotGiven::Traefik) => format!("{network} (Traefik not given)"),
        None => network.to_owned(),
    };
    let networks: Vec<String> = networks.into_iter().map(marked).collect();
    let servers: Vec<_> = route.backends.iter().map(|backend| backend.address.as_str()).collect();
    let entry_points = if route.entry_points.is_empty() { "default".to_owned() } else { route.entry_points.join(", ") };
    vec![
        route.router.clone(),
        route.rule.clone(),
        entry_points,
        route.service.clone(),
        networks.join(", "),
        servers.join(", "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Container, ContainerId};
    use crate::plan::{Backend, Protocol};
    use crate::policy::cause::Few;
    use crate::policy::refusal::Code;
    use crate::policy::rule_id::RuleId;
    use crate::policy::rules::net::Cause;

    fn decision(name: &str, outcome: Outcome, refusal: Option<Refusal>) -> (ContainerId, Decision) {
        let id = ContainerId::from(name);
        let decision = Decision {
            id: id.clone(),
            name: name.to_owned(),
            owner: "app".to_owned(),
            service: None,
            outcome,
            refusal,
            steps: Vec::new(),
            warnings: Vec::new(),
            hosts: BTreeSet::new(),
            network: None,
            address: None,
        };
        (id, decision)
    }

    fn plan() -> Plan {
        let cause = Cause::NotInternal(Few::of(["net-ex\u{1b}posed"]));
        let leaky = Container { name: "leaky".to_owned(), ..Container::default() };
        let refusal = Refusal::new(Code::NotIsolated, cause).by_rule(RuleId::Net001).about(&leaky);
        Plan {
            decisions: [
                decision("web", Outcome::Routed, None),
                decision("leaky", Outcome::Refused, Some(refusal)),
                decision("db", Outcome::Ignored, None),
            ]
            .map(|(id, decision)| (id, decision.into()))
            .into(),
            routes: vec![Route {
                protocol: Protocol::Http,
                router: "app.web".to_owned(),
                owner: "app".to_owned(),
                rule: "Host(`app.localhost`)".to_owned(),
                entry_points: Vec::new(),
                middlewares: Vec::new(),
                service: "app.web".to_owned(),
                priority: None,
                tls: false,
                backends: vec![Backend {
                    container: "web".to_owned(),
                    id: ContainerId::from("web"),
                    network: "net-proxy".to_owned(),
                    address: "http://172.30.0.2:8080".to_owned(),
                }],
                origins: Vec::new(),
            }],
            ..Plan::default()
        }
    }

    #[test]
    fn people_see_routes_refusals_and_remedies() {
        insta::assert_snapshot!(Listing::new(&plan(), Some("the engine does not answer"), false).text(), @r"
        may be out of date: the engine does not answer
        Look whether the engine and the gate run; until then routes stay as they are.

        ROUTER   RULE                   ENTRY POINTS  SERVICE  NETWORK    SERVERS
        app.web  Host(`app.localhost`)  default       app.web  net-proxy  http://172.30.0.2:8080

        REFUSED
        leaky
            NET-001: `leaky` is on `net-ex\u{1b}posed`, which is not internal
            remedy: leeward fix leaky   # all reasons at once, tried before it is shown

        1 other container does not ask to be routed
        ");
    }

    #[test]
    fn a_second_reason_that_no_finding_tells_is_told_too() {
        let mut inventory = crate::source::snapshot::demo().unwrap();
        let wiki = inventory.containers.values_mut().find(|it| it.name == "wiki-wiki-1").unwrap();
        std::sync::Arc::make_mut(wiki).labels.insert("traefik.http.routers.wiki.ruel".into(), "Host(`w`)".into());
        let plan = crate::plan::compile(&inventory, &crate::settings::Settings::default());
        let listing = Listing::new(&plan, None, false);
        let codes: Vec<_> = listing.refused[0].more.iter().map(|refusal| refusal.name()).collect();
        // NET-001 is the first no, and a finding as well.
        assert_eq!((listing.refused[0].refusal.name(), codes), ("NET-001", vec!["NET-009", "bad-label"]));
        assert!(
            listing.text().contains("    bad-label, label `traefik.http.routers.wiki.ruel`: "),
            "{}",
            listing.text()
        );
    }

    #[test]
    fn what_is_odd_about_what_is_routed_is_told() {
        let mut inventory = crate::source::snapshot::demo().unwrap();
        for network in inventory.networks.values_mut() {
            network.labels.remove("leeward.hosts");
        }
        let web = inventory.containers.values_mut().find(|it| it.name == "app2-web-1").unwrap();
        let labels = &mut std::sync::Arc::make_mut(web).labels;
        labels.insert("traefik.http.routers.web.rule".into(), "Host(`app1.localhost`)".into());
        labels.insert("traefik.http.services.web-app2.loadbalancer.server.port".into(), "80".into());
        let settings = crate::settings::Settings::default();
        let plan = crate::plan::compile(&inventory, &settings);
        let text = Listing::new(&plan, None, false).text();
        let notes: Vec<&str> = text.lines().skip_while(|line| *line != "NOTES").take(3).collect();
        let [_, host, port] = notes.as_slice() else { panic!("{text}") };
        assert!(host.starts_with("LBL-002: host `app1.localhost` is claimed by `app1-web-1` of `app1`"), "{text}");
        assert!(port.starts_with("app2-web-1: traefik.http.services.web-app2.loadbalancer.server.port: "), "{text}");
        // Who is refused for it is told so already.
        let strict = crate::settings::Settings { isolation: crate::settings::Isolation::Strict, ..settings };
        let plan = crate::plan::compile(&inventory, &strict);
        assert!(!Listing::new(&plan, None, false).text().contains("NOTES"));
    }

    #[test]
    fn a_service_that_several_projects_share_is_told() {
        let mut inventory = crate::source::snapshot::demo().unwrap();
        for container in inventory.containers.values_mut().map(std::sync::Arc::make_mut) {
            let Some(app) = container.name.strip_suffix("-web-1") else { continue };
            let rule = (format!("traefik.http.routers.{app}.rule"), format!("Host(`{app}.localhost`)"));
            let port = ("traefik.http.services.web.loadbalancer.server.port".to_owned(), "8080".to_owned());
            container.labels.retain(|label, _| !label.starts_with("traefik.http."));
            container.labels.extend([rule, port]);
        }
        let told = |names| {
            let settings = crate::settings::Settings { names, ..crate::settings::Settings::default() };
            Listing::new(&crate::plan::compile(&inventory, &settings), None, false).notes
        };
        let wanted = "service `web` has servers of several projects, which --names traefik lets them: app1, app2";
        assert_eq!(told(crate::settings::Names::Traefik), [wanted]);
        assert_eq!(told(crate::settings::Names::Project), [""; 0]);
    }

    #[test]
    fn who_defines_a_name_differently_is_told_of_the_other_project() {
        let inventory = crate::source::snapshot::demo().unwrap();
        let names = crate::settings::Names::Traefik;
        let settings = crate::settings::Settings { names, ..crate::settings::Settings::default() };
        let notes = Listing::new(&crate::plan::compile(&inventory, &settings), None, false).notes;
        let told = "`web` is defined differently by another container of";
        assert!(
            notes.iter().any(|it| it.starts_with("app1-web-1: ") && it.contains(&format!("{told} `app2`"))),
            "{notes:?}"
        );
    }

    #[test]
    fn who_has_thousands_of_warnings_and_a_long_name_hides_nobody_elses() {
        let mut inventory = crate::source::snapshot::demo().unwrap();
        for container in inventory.containers.values_mut().map(std::sync::Arc::make_mut) {
            if container.name == "app1-web-1" {
                container.name = "a".repeat(20_000);
                container.labels.extend((0..9_000).map(|at| (format!("leeward.x{at}"), "true".to_owned())));
            } else if container.name == "app2-web-1" {
                let port = "traefik.http.services.web-app2.loadbalancer.server.port";
                container.labels.insert(port.into(), "80".into());
            }
        }
        let plan = crate::plan::compile(&inventory, &crate::settings::Settings::default());
        let notes = Listing::new(&plan, None, false).notes;
        let [long, other] = notes.as_slice() else { panic!("{} notes", notes.len()) };
        assert!(long.len() < 1_000 && long.ends_with("; and 8999 more warnings"), "{long}");
        assert!(other.starts_with("app2-web-1: "), "{other}");
    }

    #[test]
    fn a_label_that_the_words_name_is_not_named_beside_them() {
        let label = "traefik.http.routers.web.service";
        let mut inventory = crate::source::snapshot::demo().unwrap();
        let web = inventory.containers.values_mut().find(|it| it.name == "app1-web-1").unwrap();
        std::sync::Arc::make_mut(web).labels.insert(label.into(), "api@internal".into());
        let plan = crate::plan::compile(&inventory, &crate::settings::Settings::default());
        let text = Listing::new(&plan, None, false).text();
        assert!(text.contains(&format!("    LBL-004: label `{label}` refers to ")), "{text}");
        let explained = crate::report::explain::find(&plan, "app1-web-1").text();
        assert_eq!(explained.matches(label).count(), 1, "{explained}");
    }

    #[test]
    fn programs_see_the_same() {
        let plan = plan();
        let json: serde_json::Value = serde_json::from_str(&Listing::new(&plan, None, true).json()).unwrap();
        assert_eq!(json["routes"][0]["backends"][0]["address"], "http://172.30.0.2:8080");
        assert_eq!(json["refused"][0]["code"], "not-isolated");
        assert_eq!(json["refused"][0]["container"], "leaky");
        assert_eq!(json["ignored_containers"], serde_json::json!(["db"]));
        assert_eq!(json.get("stale"), None);
    }
}
