//! Outbound names while the engine misbehaves: an address that was one container's may be another's by now.

use super::*;

/// `web` is routed, and allowed `api.example.com:443` through `egress`.
async fn house() -> House {
    let house = House::new(&["web", "egress", "leeward"], false).await;
    let mut house = house;
    for network in ["net-egress", "net-control"] {
        house.engine.add_network(network);
    }
    let place = |network: &str, address: &str| json!({ "NetworkID": network, "IPAddress": address });
    house.engine.edit("web", |it| {
        it["Config"]["Labels"]["leeward.outbound"] = "api.example.com:443".into();
        it["HostConfig"]["CapDrop"] = json!(["ALL"]);
        it["Config"]["Labels"]["com.docker.compose.project"] = "app".into();
        it["NetworkSettings"]["Networks"]["net-egress"] = place("net-egress", "10.1.0.2");
    });
    house.engine.edit("egress", |it| {
        it["Config"]["Labels"] = json!({ "leeward.egress": "true" });
        it["HostConfig"]["ExtraHosts"] = json!(["leeward:10.2.0.2"]);
        it["HostConfig"]["Sysctls"]["net.ipv4.conf.all.rp_filter"] = "1".into();
        it["Mounts"] = json!([{ "Type": "bind", "Source": "/srv/resolv.conf", "Destination": "/etc/resolv.conf" }]);
        let mut aliased = place("net-egress", "10.1.0.3");
        aliased["Aliases"] = json!(["api.example.com"]);
        it["NetworkSettings"]["Networks"] =
            json!({ "net-egress": aliased, "net-control": place("net-control", "10.2.0.3") });
    });
    house.engine.edit("leeward", |it| {
        it["Config"]["Labels"] = json!({});
        it["Config"]["Image"] = "leeward/leeward:1".into();
        let mut fixed = place("net-control", "10.2.0.2");
        fixed["IPAMConfig"] = json!({ "IPv4Address": "10.2.0.2" });
        it["NetworkSettings"]["Networks"] = json!({ "net-control": fixed });
    });
    house.engine.start();
    house.until_ready(200).await;
    house.hosts_become(&["web"]).await;
    house
}

async fn egress(house: &House) -> String {
    let (status, body) = house.get("/outbound/egress").await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Waits until an egress Traefik is told of this name, or of none.
async fn becomes(house: &House, wanted: Option<&str>) -> Duration {
    let begun = Instant::now();
    loop {
        let told = egress(house).await;
        if wanted.map_or(told == "{}", |wanted| told.contains(wanted)) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < EVER, "{told} instead of {wanted:?}");
        time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_engine_takes_outbound_names_back_and_leaves_routes_alone() {
    let house = house().await;
    let (routes, names) = (house.config().await, egress(&house).await);
    assert!(names.contains("ClientIP(`10.1.0.2`)") && !routes.contains("api.example.com"), "{names} {routes}");
    house.engine.fail("", Fault::Silent);
    house.until_ready(503).await;
    // A short absence costs nothing.
    time::sleep(Duration::from_secs(55)).await;
    assert_eq!(egress(&house).await, names);
    time::sleep(Duration::from_secs(6)).await;
    assert_eq!((egress(&house).await.as_str(), house.config().await), ("{}", routes.clone()));
    let metrics = house.get("/metrics").await.1;
    assert!(metrics.contains("leeward_outbound_withdrawn 1"), "{metrics}");
    assert!(metrics.contains("leeward_outbound_names{state=\"allowed\"} 0"), "{metrics}");
    time::sleep(Duration::from_mins(5)).await;
    assert_eq!((egress(&house).await.as_str(), house.config().await), ("{}", routes.clone()));
    house.engine.mend();
    house.until_ready(200).await;
    becomes(&house, Some("api.example.com")).await;
    assert_eq!((egress(&house).await, house.config().await), (names, routes));
}

/// It may be renamed, or not be an egress any more, and run on: what it was told before must not hold for ever.
#[tokio::test(start_paused = true)]
async fn an_egress_that_is_none_any_more_is_told_that_nothing_is_allowed() {
    let house = house().await;
    becomes(&house, Some("api.example.com")).await;
    house.engine.edit("egress", |it| it["Name"] = "/renamed".into());
    house.engine.say("egress", "rename");
    becomes(&house, None).await;
    let (status, told) = house.get("/outbound/renamed").await;
    assert!(status == 200 && told.contains("api.example.com"), "{status} {told}");
    // No inbound Traefik takes what is an egress's.
    let (status, words) = house.get("/config/renamed").await;
    assert!(status == 404 && words.contains("asks for /outbound/renamed"), "{status} {words}");
}

/// Leeward is started anew while the engine is gone: the egress has what the last Leeward told it.
#[tokio::test(start_paused = true)]
async fn a_lost_engine_takes_outbound_names_back_also_after_a_new_start() {
    let mut house = House::new(&["web"], false).await;
    assert_eq!(house.get("/outbound/egress").await.0, 503);
    time::sleep(Duration::from_mins(1)).await;
    assert_eq!(house.get("/outbound/egress").await, (200, "{}".to_owned()));
    // Inbound Traefiks keep their routes.
    assert_eq!(house.get("/config").await.0, 503);
    house.engine.start();
    house.until_ready(200).await;
    assert!(house.config().await.contains("web"));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_comes_and_goes_is_not_lost() {
    let house = house().await;
    let names = egress(&house).await;
    for _ in 0..4 {
        house.engine.fail("", Fault::Silent);
        house.until_ready(503).await;
        time::sleep(Duration::from_secs(40)).await;
        assert_eq!(egress(&house).await, names);
        house.engine.mend();
        house.until_ready(200).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ends_has_no_allowance_before_its_address_is_anothers() {
    let house = house().await;
    // The engine says that it has ended, and clears up behind it: what it says when asked is old.
    house.engine.say("web", "die");
    let took = becomes(&house, None).await;
    assert!(took <= Duration::from_millis(50), "{took:?}");
    house.engine.say("web", "start");
    becomes(&house, Some("ClientIP(`10.1.0.2`)")).await;
    // It comes back with another address, and another takes the old one.
    house.engine.say("web", "die");
    house.engine.edit("web", |it| it["NetworkSettings"]["Networks"]["net-egress"]["IPAddress"] = "10.1.0.9".into());
    house.engine.say("web", "start");
    becomes(&house, Some("ClientIP(`10.1.0.9`)")).await;
    assert!(!egress(&house).await.contains("10.1.0.2"));
}
