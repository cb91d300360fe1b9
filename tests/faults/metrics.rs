//! What `/metrics` tells of the engine: how often it was asked, and how long a change took.

use super::*;

/// The values of the series whose line begins so.
async fn values(house: &House, start: &str) -> Vec<String> {
    let text = house.get("/metrics").await.1;
    let lines = text.lines().filter(|line| line.starts_with(start));
    lines.map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
}

/// Their sum, of counts.
async fn told(house: &House, start: &str) -> u64 {
    values(house, start).await.iter().map(|value| value.parse::<u64>().unwrap()).sum()
}

#[tokio::test(start_paused = true)]
async fn the_first_inventory_is_no_change_and_a_container_is_one() {
    let house = House::ready(TWO).await;
    assert_eq!(told(&house, "leeward_publish_seconds_count").await, 0);
    house.engine.put("c", 9);
    house.engine.say("c", "start");
    house.hosts_become(&["a", "b", "c"]).await;
    assert_eq!(told(&house, "leeward_publish_seconds_count").await, 1);
    let took = values(&house, "leeward_publish_seconds_sum").await;
    assert!(took[0].parse::<f64>().unwrap() < 1.0, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn questions_are_counted_by_what_came_of_them() {
    let house = House::ready(TWO).await;
    let containers = "leeward_engine_calls_total{kind=\"container\",result=\"answered\"}";
    assert_eq!(told(&house, containers).await, 2);
    assert_eq!(told(&house, "leeward_engine_calls_total{kind=\"events\",result=\"answered\"}").await, 1);
    house.engine.fail("", Fault::Status(500));
    house.engine.cut_events();
    house.until_ready(503).await;
    time::sleep(Duration::from_secs(5)).await;
    assert!(told(&house, "leeward_engine_calls_total{kind=\"version\",result=\"error\"}").await >= 1);
    house.engine.fail("", Fault::Silent);
    time::sleep(Duration::from_mins(1)).await;
    assert!(told(&house, "leeward_engine_calls_total{kind=\"version\",result=\"timeout\"}").await >= 1);
}
