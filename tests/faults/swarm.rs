//! A manager of a swarm is asked for little at rest, and for what has changed when it says so; what it does not say, or
//! what is missed, is found within a bound.

use std::time::Duration;

use tokio::time::{self, Instant};

use super::House;
use super::engine::Daemon;

/// How long after a safety listing what no event told is known at the latest.
const SWEEP: Duration = Duration::from_secs(61);

/// A house at a manager with services of so many running tasks each, once all is served.
async fn house(services: &[&str], tasks: u32) -> House {
    let mut house = House::new(&[], false).await;
    house.engine.manage(true);
    for service in services {
        with_tasks(&house.engine, service, tasks);
    }
    house.engine.start();
    house.until_ready(200).await;
    house.hosts_become(services).await;
    house
}

fn with_tasks(engine: &Daemon, service: &str, count: u32) {
    engine.put_service(service, &format!("{service}.example"), count);
    for slot in 1..=count {
        engine.put_task(service, slot, "running", true);
    }
}

/// How many servers there are.
async fn servers(house: &House) -> usize {
    house.config().await.matches("\"url\"").count()
}

/// How long it takes until there are so many servers.
async fn until_servers(house: &House, count: usize) -> Duration {
    let begun = Instant::now();
    while servers(house).await != count {
        assert!(begun.elapsed() < super::EVER, "{} instead of {count} servers", servers(house).await);
        time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

async fn until_config_has(house: &House, text: &str) -> Duration {
    let begun = Instant::now();
    while !house.config().await.contains(text) {
        assert!(begun.elapsed() < super::EVER, "{text} does not come");
        time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_manager_at_rest_is_asked_for_tasks_that_shall_run_and_for_nothing_else() {
    for (services, most) in [(10, 62), (300, 14), (1_000, 6)] {
        let names: Vec<String> = (1000..1000 + services).map(|at| format!("s{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let house = house(&names, 1).await;
        time::sleep(Duration::from_secs(20)).await;
        house.engine.take_asked();
        time::sleep(Duration::from_mins(1)).await;
        let asked = house.engine.take_asked();
        let of = |path: &str| asked.get(path).copied().unwrap_or_default();
        assert!((3..=most).contains(&of("/tasks")), "{services} services: {asked:?}");
        // The safety listing, once a minute.
        for path in ["/services", "/nodes", "/networks", "/containers/json"] {
            assert!(of(path) <= 2, "{services} services: {asked:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_service_asks_for_that_service_and_its_tasks() {
    let house = house(&["a", "b"], 3).await;
    time::sleep(Duration::from_secs(20)).await;
    house.engine.put_service("a", "other.example", 3);
    house.engine.say_of_swarm("service", "a", "update");
    house.engine.take_queries();
    let took = until_config_has(&house, "other.example").await;
    assert!(took < Duration::from_millis(200), "{took:?}");
    let queries = house.engine.take_queries();
    let of = |path: &str| queries.iter().filter(|it| it.starts_with(path)).collect::<Vec<_>>();
    assert_eq!(of("/services").len(), 1, "{queries:?}");
    assert!(of("/services")[0].contains("%22id%22%3A%5B%22a%22%5D"), "{queries:?}");
    assert!(of("/tasks")[0].contains("%22service%22%3A%5B%22a%22%5D"), "{queries:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_changed_without_an_event_is_found_by_the_next_safety_listing() {
    let house = house(&["a", "b"], 2).await;
    house.engine.put_service("a", "other.example", 2);
    let took = until_config_has(&house, "other.example").await;
    assert!(took <= SWEEP, "{took:?}");
    house.engine.remove_service("b");
    // Its tasks are gone at once, it later.
    let took = until_servers(&house, 2).await;
    assert!(took <= Duration::from_secs(2), "{took:?}");
    let took = house.hosts_become(&["a"]).await;
    assert!(took <= SWEEP, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_new_service_whose_event_was_missed_is_found_by_its_tasks() {
    let house = house(&["a"], 2).await;
    time::sleep(Duration::from_secs(20)).await;
    with_tasks(&house.engine, "b", 2);
    let took = house.hosts_become(&["a", "b"]).await;
    assert!(took <= Duration::from_secs(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn events_that_start_over_start_everything_over() {
    let house = house(&["a", "b"], 1).await;
    house.engine.put_service("a", "other.example", 1);
    house.engine.remove_service("b");
    with_tasks(&house.engine, "c", 1);
    house.engine.cut_events();
    let took = house.hosts_become(&["a", "c"]).await;
    assert!(took <= Duration::from_secs(2), "{took:?}");
    assert!(house.config().await.contains("other.example"));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_dies_where_nobody_sees_it_is_left_out_within_the_interval() {
    for (services, most) in [(5, 2), (400, 10), (1_200, 17)] {
        let names: Vec<String> = (1000..1000 + services).map(|at| format!("s{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let house = house(&names, 1).await;
        let count = servers(&house).await;
        time::sleep(Duration::from_secs(20)).await;
        house.engine.put_task("s1001", 1, "failed", false);
        let took = until_servers(&house, count - 1).await;
        assert!(took <= Duration::from_secs(most), "{services} services: {took:?}");
        // The service is looked at closely from now on.
        house.engine.put_task("s1001", 2, "starting", true);
        time::sleep(Duration::from_secs(30)).await;
        house.engine.put_task("s1001", 2, "running", true);
        let took = until_servers(&house, count).await;
        assert!(took <= Duration::from_secs(2), "{services} services: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_of_a_task_that_ends_stays_its_services() {
    // Two tasks have a container here; one is told to end, and takes its time.
    let mut house = House::new(&[], false).await;
    house.engine.manage(true);
    with_tasks(&house.engine, "a", 2);
    on_overlay(&house.engine, "a-1", 1);
    on_overlay(&house.engine, "a-2", 2);
    house.engine.start();
    house.until_ready(200).await;
    house.hosts_become(&["a"]).await;
    let shared = async || house.get("/audit").await.1.contains("NET-010");
    assert!(!shared().await, "{}", house.get("/audit").await.1);
    house.engine.put_task("a", 2, "running", false);
    until_servers(&house, 1).await;
    for _ in 0..80 {
        assert!(!shared().await, "{}", house.get("/audit").await.1);
        time::sleep(Duration::from_secs(1)).await;
    }
    // One that is nobody's task is a stranger there.
    on_overlay(&house.engine, "stranger", 7);
    house.engine.say("stranger", "start");
    let begun = Instant::now();
    while !shared().await {
        assert!(begun.elapsed() < super::EVER, "{}", house.get("/audit").await.1);
        time::sleep(Duration::from_secs(1)).await;
    }
}

/// Has a container on the overlay.
fn on_overlay(engine: &Daemon, name: &str, host: u16) {
    engine.put(name, host);
    engine.edit(name, |it| {
        it["Config"]["Labels"] = serde_json::json!({});
        let address = format!("10.7.0.{}", host + 1);
        it["NetworkSettings"]["Networks"] =
            serde_json::json!({"overlay": {"NetworkID": "overlay", "IPAddress": address}});
    });
}

#[tokio::test(start_paused = true)]
async fn who_manages_no_swarm_any_more_has_no_services() {
    let house = house(&["a", "b"], 1).await;
    house.engine.manage(false);
    let took = house.hosts_become(&[]).await;
    assert!(took <= SWEEP, "{took:?}");
    house.until_ready(200).await;
    let routes = house.get("/routes").await.1;
    assert!(!routes.contains("a.example") && house.get("/explain/a").await.0 == 404, "{routes}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_becomes_a_manager_without_a_word_is_read_as_one_within_a_minute() {
    let mut house = House::new(&[], false).await;
    house.engine.start();
    house.until_ready(200).await;
    house.engine.manage(true);
    with_tasks(&house.engine, "a", 1);
    let took = house.hosts_become(&["a"]).await;
    assert!(took <= SWEEP, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_joins_a_swarm_later_is_read_as_a_manager_at_once() {
    let mut house = House::new(&[], false).await;
    house.engine.start();
    house.until_ready(200).await;
    house.engine.manage(true);
    with_tasks(&house.engine, "a", 1);
    house.engine.say_of_swarm("network", "ingress", "create");
    let took = house.hosts_become(&["a"]).await;
    assert!(took <= Duration::from_secs(3), "{took:?}");
    house.until_ready(200).await;
}
