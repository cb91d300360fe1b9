//! What one container may cost everybody else, whatever its labels say: counted in what a compilation allocates, so that no
//! clock decides. `cargo bench --bench hostile` has the times.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use allocation_counter::measure;
use leeward::budgets::Budgets;
use leeward::inventory::{Container, Image, Inventory};
use leeward::plan::{Memory, Outcome, Plan, compile_next};
use leeward::policy::refusal::Code;
use leeward::settings::Settings;

#[path = "support/inventory.rs"]
mod pieces;

/// An application of somebody's, and one with these labels.
fn world(labels: impl IntoIterator<Item = (String, String)>) -> Inventory {
    let mut inventory = pieces::engine();
    pieces::network(&mut inventory, "net", true);
    for (name, address) in [("app", 2), ("evil", 3)] {
        let mut container = Container {
            id: name.into(),
            name: name.into(),
            image_id: "sha256:app".into(),
            state: "running".into(),
            exposed_ports: ["80/tcp".to_owned()].into(),
            labels: [("traefik.enable".to_owned(), "true".to_owned())].into(),
            ..Container::default()
        };
        pieces::attach(&mut container, "net", Some([172, 30, 0, address].into()));
        inventory.put(container);
    }
    inventory.images.insert("sha256:app".into(), Image::default());
    inventory.container_mut("evil").unwrap().labels.extend(labels);
    inventory
}

/// What is decided, the KiB that the first compilation allocates, and those of one after the other application changed.
fn costs(mut inventory: Inventory, settings: &Settings) -> (Plan, u64, u64) {
    let mut memory = Memory::default();
    let mut plan = None;
    let first = measure(|| plan = Some(compile_next(&inventory, settings, &mut memory)));
    let port = "traefik.http.services.app.loadbalancer.server.port";
    inventory.container_mut("app").unwrap().labels.insert(port.to_owned(), "81".to_owned());
    let next = measure(|| drop(compile_next(&inventory, settings, &mut memory)));
    (plan.unwrap(), first.bytes_total >> 10, next.bytes_total >> 10)
}

fn code(plan: &Plan) -> Option<Code> {
    let decision = plan.decisions.get("evil").unwrap();
    decision.refusal.as_ref().map(|refusal| refusal.code)
}

fn any_of(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(" || ")
}

fn rules(count: usize, rule: &str) -> Vec<(String, String)> {
    (0..count).map(|at| (format!("traefik.http.routers.r{at}.rule"), rule.to_owned())).collect()
}

#[test]
fn the_regular_expressions_of_a_rule_are_read_and_not_compiled() {
    let rule = any_of(1_300, |at| format!("HostRegexp(`^[a-z]+{at}\\.app\\.example\\.com$`)"));
    let (plan, first, next) = costs(world(rules(1, &rule)), &Settings::default());
    assert_eq!(code(&plan), None);
    assert!(first < 120_000 && next < 3_000, "{first} and {next} KiB");
}

/// They were read at every change of anybody's, since nobody routes them.
#[test]
fn rules_that_are_not_routed_are_read_in_part_and_once() {
    let one_by_one = any_of(2_500, |_| r"PathRegexp(`\pL`)".to_owned());
    let long = format!("HostRegexp(`{}`)", r"(?i)\pL".repeat(7_000));
    let names = any_of(1_300, |at| format!("HostRegexp(`^[a-z]+{at}\\.app\\.example\\.com$`)"));
    for rule in [one_by_one, long, names] {
        for asks in [true, false] {
            let mut inventory = world(rules(4, &rule));
            if !asks {
                inventory.container_mut("evil").unwrap().labels.remove("traefik.enable");
            }
            let (plan, first, next) = costs(inventory, &Settings::default());
            assert_eq!(plan.decisions.get("app").unwrap().outcome, Outcome::Routed);
            assert_eq!(code(&plan), Some(if asks { Code::Budget } else { Code::NotEnabled }));
            assert!(first < 150_000 && next < 3_000, "{asks}: {first} and {next} KiB for {}", rule.get(..60).unwrap());
        }
    }
}

/// Each label of the image was left out in turn, to see which one the rule reads.
#[test]
fn the_label_of_an_image_that_the_default_rule_reads_is_found_among_thousands() {
    let labels = || (0..2_000).map(|at| (format!("x{at:04}"), format!("h{at}.example")));
    let mut inventory = world(labels());
    inventory.images.insert("sha256:app".into(), Image { labels: labels().collect(), problem: None });
    let default_rule = "Host(`{{ index .Labels \"x1234\" }}`)".parse().unwrap();
    let (plan, first, next) = costs(inventory, &Settings { default_rule, ..Settings::default() });
    let refusal = plan.decisions.get("evil").unwrap().refusal.as_ref().unwrap();
    assert_eq!((refusal.code, refusal.label.as_deref()), (Code::ImageLabels, Some("x1234")));
    assert!(first < 40_000 && next < 40_000, "{first} and {next} KiB");
}

/// For each middleware all were listed that answer to its name.
#[test]
fn thousands_of_middlewares_that_hundreds_answer_to_name_a_few() {
    let key = |at: usize| format!("traefik.http.middlewares.m{at}.forwardauth.address");
    let mut inventory = world((0..2_000).map(|at| (key(at), "http://auth/".to_owned())));
    for at in 0..250 {
        let name = format!("other{at}");
        let mut other = Container { id: name.as_str().into(), name, state: "running".into(), ..Container::default() };
        pieces::attach(&mut other, "net", None).aliases.insert("auth".to_owned());
        inventory.put(other);
    }
    let budgets = Budgets { routers: 2_000, ..Budgets::default() };
    let (plan, first, next) = costs(inventory, &Settings { budgets, ..Settings::default() });
    assert_eq!(code(&plan), Some(Code::Middleware));
    assert!(first < 60_000 && next < 40_000, "{first} and {next} KiB");
}

/// Every text that many groups of one letter spell was made anew with each group.
#[test]
fn a_regular_expression_of_thousands_of_groups_makes_no_texts_that_no_host_has() {
    let letters = "(a)".repeat(5_000);
    let (plan, first, _) =
        costs(world(rules(1, &format!("HostRegexp(`^{letters}[ab][ab][ab]\\.app\\.example$`)"))), &Settings::default());
    assert_eq!(code(&plan), None);
    assert!(first < 200_000, "{first} KiB");
    let ends = "b$|".repeat(5_000);
    let (plan, first, _) = costs(world(rules(1, &format!("HostRegexp(`^{letters}({ends}c$)`)"))), &Settings::default());
    assert_eq!(code(&plan), Some(Code::Host));
    assert!(first < 200_000, "{first} KiB");
}

/// An image may expose every port there is, and labels may name one that is none of these thousands of times.
#[test]
fn thousands_of_ports_beside_thousands_of_services_are_looked_at_once() {
    let label = |at: usize| (format!("traefik.http.services.s{at}.loadbalancer.server.port"), "65535".to_owned());
    let ports = |inventory: &mut Inventory, count: u16| {
        inventory.container_mut("evil").unwrap().exposed_ports =
            (1..=count).map(|port| format!("{port}/tcp")).collect();
    };
    let with = |count: u16| {
        let mut inventory = world((0..100).map(label));
        ports(&mut inventory, count);
        costs(inventory, &Settings::default()).1
    };
    let (few, many) = (with(10), with(20_000));
    assert!(many < few + 5_000, "{few} and {many} KiB");
}
