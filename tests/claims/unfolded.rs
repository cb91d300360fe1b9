//! Middlewares that Traefik makes anew wherever one is named: what little text makes many, or large ones often.

use std::collections::BTreeMap;

use leeward::budgets::Budgets;

use super::*;

const ROUTER: &str = "traefik.http.routers";
const MIDDLEWARE: &str = "traefik.http.middlewares";

type Pairs = Vec<(String, String)>;

/// What becomes of each container of the project `app`, by name: `routed`, or the code.
fn outcomes(containers: &[(&str, Pairs)], settings: &Settings) -> BTreeMap<String, String> {
    let mut inventory = inventory(["-", "-"]);
    for (name, labels) in containers {
        let labels = labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let labels: Vec<(&str, &str)> = [("traefik.enable", "true")].into_iter().chain(labels).collect();
        add(&mut inventory, name, "app", &["net-a"], &labels);
    }
    let plan = compile(&inventory, settings);
    let of = |name: &str| {
        let decision = plan.decisions.get(name).unwrap();
        let code = decision.refusal.as_ref().map(|refusal| refusal.code.as_str().to_owned());
        (name.to_owned(), code.unwrap_or_else(|| "routed".to_owned()))
    };
    containers.iter().map(|(name, _)| of(name)).collect()
}

fn newest() -> Settings {
    Settings { traefik_version: Some("3.7.15".parse().unwrap()), ..Settings::default() }
}

#[track_caller]
fn one(labels: Pairs, wanted: &str) {
    assert_eq!(outcomes(&[("a", labels)], &newest()).get("a").unwrap(), wanted);
}

fn pair(key: String, value: &str) -> (String, String) {
    (key, value.to_owned())
}

fn router(name: &str, middlewares: &str) -> Pairs {
    vec![
        pair(format!("{ROUTER}.{name}.rule"), &format!("Host(`{name}.example.com`)")),
        pair(format!("{ROUTER}.{name}.middlewares"), middlewares),
    ]
}

/// Chains of which each names the next one so many times; `keep` says of which numbers.
fn chains(times: usize, number: usize, keep: impl Fn(usize) -> bool) -> Pairs {
    let last = pair(format!("{MIDDLEWARE}.m{number}.addprefix.prefix"), "/");
    let links = |at: usize| vec![format!("m{}@docker", at + 1); times].join(",");
    let chains = (0..number).filter(|at| keep(*at));
    let chains = chains.map(|at| (format!("{MIDDLEWARE}.m{at}.chain.middlewares"), links(at)));
    chains.chain(keep(number).then_some(last)).collect()
}

#[test]
fn chains_that_double_are_too_many_and_long_lists_are_not() {
    one([router("r", "m0"), chains(2, 26, |_| true)].concat(), "bad-label");
    let long = [router("r", "m0"), chains(1, 5_000, |_| true)].concat();
    one(long.clone(), "over-budget");
    let budgets = Budgets { routers: 10_000, ..Budgets::default() };
    assert_eq!(outcomes(&[("a", long)], &Settings { budgets, ..newest() }).get("a").unwrap(), "bad-label");
    one([router("r", "m0"), chains(1, 50, |_| true)].concat(), "routed");
    one([router("r", &["m0"; 150].join(",")), chains(1, 0, |_| true)].concat(), "routed");
    // Traefik refuses a circle at its first link.
    let circle = pair(format!("{MIDDLEWARE}.m0.chain.middlewares"), &["m0"; 90].join(","));
    one([router("r", "m0"), vec![circle]].concat(), "routed");
}

/// Each container's own labels hold no chain of more than three.
#[test]
fn chains_that_double_from_one_container_to_the_next_are_too_many() {
    let even = [router("r", "m0"), chains(2, 26, |at| at % 2 == 0)].concat();
    let odd = [router("q", "m26"), chains(2, 26, |at| at % 2 == 1)].concat();
    let found = outcomes(&[("a", even), ("b", odd)], &newest());
    assert_eq!(found, BTreeMap::from([("a", "bad-label"), ("b", "routed")].map(|(a, b)| (a.into(), b.into()))));
}

#[test]
fn chains_that_double_below_a_service_are_too_many() {
    let service = |name: &str, middlewares: &str| {
        let above = format!("traefik.http.services.{name}");
        let port = pair(format!("{above}.loadbalancer.server.port"), "80");
        vec![port, pair(format!("{above}.middlewares"), middlewares)]
    };
    let rule = pair(format!("{ROUTER}.r.rule"), "Host(`r.example.com`)");
    one([vec![rule.clone()], service("s", "m0"), chains(2, 26, |_| true)].concat(), "bad-label");
    // By way of error pages.
    let error = |at: usize, letter: char| {
        let above = format!("{MIDDLEWARE}.{letter}{at}.errors");
        vec![pair(format!("{above}.service"), &format!("s{}", at + 1)), pair(format!("{above}.query"), "/")]
    };
    let level =
        |at: usize| [error(at, 'a'), error(at, 'b'), service(&format!("s{at}"), &format!("a{at},b{at}"))].concat();
    let first = pair(format!("{ROUTER}.r.service"), "s0");
    let errors = (0..26).flat_map(level).chain(service("s26", "x")).collect();
    let last = pair(format!("{MIDDLEWARE}.x.addprefix.prefix"), "/");
    one([vec![rule, first, last], errors].concat(), "bad-label");
}

#[test]
fn a_large_middleware_costs_as_often_as_it_is_used() {
    let regex = |pattern: &str| {
        let above = format!("{MIDDLEWARE}.m.redirectregex");
        vec![pair(format!("{above}.regex"), pattern), pair(format!("{above}.replacement"), "/")]
    };
    let routers = |number: usize, middlewares: &str| -> Pairs {
        (0..number).flat_map(|at| router(&format!("r{at}"), middlewares)).collect()
    };
    one([routers(1, "m"), regex(r"^/(\pL{600})x$")].concat(), "routed");
    one([routers(2, "m"), regex(r"^/(\pL{600})x$")].concat(), "over-budget");
    one([routers(1, "m,m"), regex(r"^/(\pL{600})x$")].concat(), "over-budget");
    one([routers(400, "m"), regex(r"^https?://www\.(.+)")].concat(), "routed");
    // A long list of addresses.
    let range = pair(format!("{MIDDLEWARE}.m.ipallowlist.sourcerange"), &vec!["10.0.0.0/8"; 40_000].join(","));
    one([routers(1, "m"), vec![range.clone()]].concat(), "routed");
    one([routers(100, "m"), vec![range]].concat(), "over-budget");
    // Small ones, very often.
    let small = pair(format!("{MIDDLEWARE}.M.addprefix.prefix"), "/");
    one([routers(500, &["M"; 20].join(",")), vec![small.clone()]].concat(), "routed");
    one([routers(500, &["M"; 100].join(",")), vec![small]].concat(), "over-budget");
}

#[test]
fn one_owners_routers_have_a_sum() {
    let many = |name: &str| -> Pairs {
        let own = (0..500).flat_map(|at| router(&format!("{name}{at}"), &["m"; 26].join(",")));
        own.chain([pair(format!("{MIDDLEWARE}.m.addprefix.prefix"), "/")]).collect()
    };
    let mut settings = newest();
    settings.budgets.routers = 1_000;
    settings.budgets.regex_size = 500 * 26 * 15;
    let mut all: Vec<(&str, Pairs)> = ["a", "b", "c", "d"].iter().map(|name| (*name, many(name))).collect();
    assert!(outcomes(&all, &settings).values().all(|it| it == "routed"));
    all.push(("e", router("e", "m")));
    let found = outcomes(&all, &settings);
    assert_eq!(found.get("e").map(String::as_str), Some("over-budget"), "{found:?}");
    assert_eq!(found.values().filter(|it| *it == "routed").count(), 4);
}

/// What another owner shares is written out as well.
#[test]
fn a_shared_middleware_costs_those_who_use_it() {
    let mut inventory = inventory(["-", "-"]);
    let enable = pair("traefik.enable".to_owned(), "true");
    let share = [vec![enable.clone()], router("s", "m26"), chains(2, 26, |_| true)].concat();
    let used = [vec![enable], router("r", "other.m0")].concat();
    for (name, project, labels) in [("other", "other", &share), ("app", "app", &used)] {
        let labels: Vec<(&str, &str)> = labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        add(&mut inventory, name, project, &["net-a"], &labels);
    }
    let settings = Settings { share_middlewares: ["other.m0".parse().unwrap()].into(), ..newest() };
    assert_eq!(verdict(&inventory, &settings), "bad-label");
}

#[test]
fn references_to_nothing_are_told_a_thousand_times_and_no_more() {
    let labels = router("r", &vec!["x"; 200_000].join(","));
    let labels: Vec<(&str, &str)> = labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let plan = compile(&with(&labels), &newest());
    let told: usize = plan.decisions.get("app").unwrap().steps.iter().map(|step| step.refusals.len()).sum();
    assert!((1..=1_100).contains(&told), "{told}");
}

#[test]
fn a_remedy_names_few_of_many_owners() {
    let mut inventory = with(&[RULE, ("traefik.http.routers.web.middlewares", "auth")]);
    for at in 0..50 {
        let name = format!("c{at}");
        let auth = [("traefik.enable", "true"), ("traefik.http.middlewares.auth.addprefix.prefix", "/")];
        add(&mut inventory, &name, &name, &["net-b"], &auth);
    }
    let plan = compile(&inventory, &newest());
    let refusal = plan.decisions.get("app").unwrap().refusal.clone().unwrap();
    assert_eq!(refusal.remedy().matches("--share-middleware").count(), 5, "{}", refusal.remedy());
}

#[test]
fn of_very_many_hosts_that_several_owners_claim_a_thousand_are_told() {
    for isolation in [Isolation::Enforce, Isolation::Strict] {
        let mut inventory = inventory(["-", "-"]);
        let hosts: Vec<String> = (0..1_500).map(|at| format!("Host(`{at}.example.com`)")).collect();
        let rule = hosts.join(" || ");
        let all_but_the_last = hosts.get(..1_400).unwrap().join(" || ").replace("Host(`999.example.com`) || ", "");
        for (name, network, rule) in [("app", "net-a", &rule), ("b", "net-b", &all_but_the_last)] {
            let labels = [("traefik.enable", "true"), ("traefik.http.routers.r.rule", rule.as_str())];
            add(&mut inventory, name, name, &[network], &labels);
        }
        // What is refused is refused, told or not.
        let late = [("traefik.enable", "true"), ("traefik.http.routers.q.rule", "Host(`999.example.com`)")];
        add(&mut inventory, "b2", "b", &["net-b"], &late);
        let plan = compile(&inventory, &Settings { isolation, ..newest() });
        let told: Vec<_> = plan.findings.iter().filter(|finding| finding.rule == RuleId::Lbl002).collect();
        assert_eq!(told.len(), if isolation == Isolation::Strict { 1_001 } else { 1_000 });
        assert!(told.iter().any(|finding| finding.words().contains("more hosts")));
        let routed = plan.decided().filter(|it| it.outcome == Outcome::Routed).count();
        // Traefik declares nothing, and is not asked.
        assert_eq!(routed, if isolation == Isolation::Strict { 0 } else { 3 });
    }
}
