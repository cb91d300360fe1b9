//! One container with very much of one thing: the work grows as the labels do.

use std::fs;
use std::time::Duration;

use leeward::budgets::Budgets;

use super::*;

/// What there is many of: the labels of number `at` of `most`.
type Many = (&'static str, Outcome, fn(usize, usize) -> Vec<(String, String)>);

const ROUTER: &str = "traefik.http.routers.r";

const KINDS: [Many; 13] = [
    ("routers", Outcome::Routed, |at, _| vec![rule(at)]),
    // In letters that no exact look-up finds.
    ("routers in capitals", Outcome::Routed, |at, _| vec![(format!("traefik.HTTP.Routers.r{at}.RULE"), host(at))]),
    ("routers without a rule", Outcome::Routed, |at, _| vec![(format!("{ROUTER}{at}.entrypoints"), "web".to_owned())]),
    ("routers on one host", Outcome::Routed, |at, _| {
        vec![(format!("{ROUTER}{at}.rule"), format!("Host(`h.example.com`) && Path(`/{at}`)"))]
    }),
    ("services", Outcome::Routed, |at, _| {
        let service = format!("traefik.http.services.s{at}.loadbalancer.server.port");
        vec![rule(at), (format!("{ROUTER}{at}.service"), format!("s{at}")), (service, "80".to_owned())]
    }),
    ("middlewares", Outcome::Routed, |at, _| {
        let middleware = format!("traefik.http.middlewares.m{at}.addprefix.prefix");
        vec![rule(at), (format!("{ROUTER}{at}.middlewares"), format!("m{at}")), (middleware, "/".to_owned())]
    }),
    ("a chain of chains", Outcome::Routed, |at, most| {
        let next = if at + 1 == most { "m0".to_owned() } else { format!("m{}", at + 1) };
        vec![(format!("traefik.http.middlewares.m{at}.chain.middlewares"), next), (format!("{ROUTER}.rule"), host(0))]
    }),
    ("TCP and UDP", Outcome::Routed, |at, _| {
        vec![
            (format!("traefik.tcp.routers.r{at}.rule"), format!("HostSNI(`h{at}.example.com`)")),
            (format!("traefik.tcp.routers.r{at}.tls"), "true".to_owned()),
            (format!("traefik.tcp.routers.r{at}.service"), "s".to_owned()),
            (format!("traefik.udp.routers.r{at}.entrypoints"), "dns".to_owned()),
            (format!("traefik.udp.routers.r{at}.service"), "s".to_owned()),
            ("traefik.tcp.services.s.loadbalancer.server.port".to_owned(), "80".to_owned()),
            ("traefik.udp.services.s.loadbalancer.server.port".to_owned(), "80".to_owned()),
        ]
    }),
    ("labels that mean nothing", Outcome::Routed, |at, _| {
        vec![(format!("traefik.nothing{at}"), "x".to_owned()), rule(0)]
    }),
    ("routers that nothing links", Outcome::Routed, |at, _| {
        vec![rule(at), (format!("traefik.http.services.s{at}.loadbalancer.server.port"), "80".to_owned())]
    }),
    ("catch-alls", Outcome::Refused, |at, _| vec![(format!("{ROUTER}{at}.rule"), "PathPrefix(`/`)".to_owned())]),
    ("references to nothing", Outcome::Refused, |at, _| {
        vec![rule(at), (format!("{ROUTER}{at}.middlewares"), format!("m{at}"))]
    }),
    ("labels for a newer Traefik", Outcome::Refused, |at, _| {
        let label = format!("traefik.http.middlewares.m{at}.encodedcharacters.allowencodedslash");
        vec![(label, "true".to_owned()), rule(0)]
    }),
];

fn host(at: usize) -> String {
    format!("Host(`h{at}.example.com`)")
}

fn rule(at: usize) -> (String, String) {
    (format!("{ROUTER}{at}.rule"), host(at))
}

/// How long this thread has been on a processor: what others do at the same time does not count.
fn worked() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// The least of two times from the inventory to the plan.
fn time(many: usize, outcome: Outcome, labels: fn(usize, usize) -> Vec<(String, String)>) -> Duration {
    let all: Vec<(String, String)> = (0..many).flat_map(|at| labels(at, many)).collect();
    let all: Vec<(&str, &str)> = all.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let inventory = with(&all);
    // Without bounds: what is measured is what would be done if they were high.
    let most = 1 << 40;
    let budgets =
        Budgets { labels: most, label_bytes: most, routers: most, rule_bytes: most, regex_size: most, per_owner: 1 };
    let settings = Settings {
        budgets,
        own_entry_points: ["dns=app".parse().unwrap()].into(),
        traefik_version: Some("3.6".parse().unwrap()),
        ..Settings::default()
    };
    let once = || {
        let begun = worked();
        let plan = compile(&inventory, &settings);
        let took = worked().saturating_sub(begun);
        assert_eq!(plan.decisions.get("app").unwrap().outcome, outcome);
        took
    };
    (0..2).map(|_| once()).min().unwrap()
}

#[test]
fn ten_times_the_labels_of_one_container_are_not_a_hundred_times_the_work() {
    for (what, outcome, labels) in KINDS {
        let (few, many) = (time(1_000, outcome, labels), time(10_000, outcome, labels));
        assert!(many < few * 25, "{what}: {few:?} for 1,000, {many:?} for 10,000");
    }
}
