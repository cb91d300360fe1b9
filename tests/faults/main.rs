//! What Traefik is served while the engine misbehaves: each row of the fault table, from the engine's socket to `/config`.
//!
//! A stand-in engine, the real watch, the real service, on one thread in paused time: waiting costs nothing.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[expect(dead_code, reason = "what it shows to Traefik")]
#[path = "../support/engine.rs"]
mod engine;

use std::net::SocketAddr;
use std::time::Duration;

use leeward::docker::{self, Certificates, Endpoint};
use leeward::serve::{Options, Service};
use leeward::settings::Settings;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use self::engine::{Daemon, Fault};

mod metrics;
mod outbound;
mod swarm;

/// Longer than anything waits for: the body of an answer.
const EVER: Duration = Duration::from_secs(200);

/// Leeward between an engine and Traefik.
struct House {
    engine: Daemon,
    address: SocketAddr,
    _service: JoinSet<()>,
    _directory: TempDir,
}

impl House {
    /// With containers of these names, at 10.0.0.2 and up. The engine listens if `up`.
    async fn new(names: &[&str], up: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut engine = Daemon::new(directory.path());
        for (name, host) in names.iter().zip(0..) {
            engine.put(name, host);
        }
        if up {
            engine.start();
        }
        let endpoint: Endpoint = format!("unix://{}", engine.socket().display()).parse().unwrap();
        let service = Service::bind(Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            hold: Duration::ZERO,
            max_held: 4,
            max_connections: 16,
            timeouts: leeward::serve::TIMEOUTS,
            drain: Duration::ZERO,
            token_file: None,
            tls: None,
            allow_hosts: Vec::new(),
            outbound_keep: Duration::from_mins(1),
        })
        .await
        .unwrap();
        let address = service.address().unwrap();
        let (sender, observed) = watch::channel(None);
        let calls = service.calls();
        let watching = async move {
            let options = docker::Options::default();
            docker::watch(&endpoint, &Certificates::default(), options, calls, &sender).await.to_string()
        };
        let mut running = JoinSet::new();
        running.spawn(async move {
            service.run(Settings::default(), observed, watching, std::future::pending()).await.unwrap();
        });
        Self { engine, address, _service: running, _directory: directory }
    }

    /// With an engine that is well, once all is read and events are listened to.
    async fn ready(names: &[&str]) -> Self {
        let house = Self::new(names, true).await;
        house.until_ready(200).await;
        house.hosts_become(names).await;
        house
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// What Traefik would be told.
    async fn config(&self) -> String {
        let (status, body) = self.get("/config").await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn is_ready(&self) -> bool {
        self.get("/readyz").await.0 == 200
    }

    /// The names of the containers that are routed, each with its address.
    async fn routed(&self) -> Vec<(String, String)> {
        let config: Value = serde_json::from_str(&self.config().await).unwrap();
        let services = config["http"]["services"].as_object().cloned().unwrap_or_default();
        services
            .into_iter()
            .map(|(name, service)| {
                let url = service["loadBalancer"]["servers"][0]["url"].as_str().unwrap().to_owned();
                (name.split('.').next_back().unwrap().to_owned(), url)
            })
            .collect()
    }

    async fn hosts(&self) -> Vec<String> {
        self.routed().await.into_iter().map(|(name, _)| name).collect()
    }

    /// Waits until exactly these are routed.
    #[track_caller]
    fn hosts_become<'a>(&'a self, wanted: &'a [&str]) -> impl Future<Output = Duration> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let begun = Instant::now();
            loop {
                let found = self.hosts().await;
                if found == wanted {
                    return begun.elapsed();
                }
                assert!(begun.elapsed() < EVER, "{at}: {found:?} instead of {wanted:?}");
                time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Waits until `/readyz` answers so.
    #[track_caller]
    fn until_ready(&self, status: u16) -> impl Future<Output = Duration> + '_ {
        let at = std::panic::Location::caller();
        async move {
            let begun = Instant::now();
            loop {
                let (found, words) = self.get("/readyz").await;
                if found == status {
                    return begun.elapsed();
                }
                assert!(begun.elapsed() < EVER, "{at}: still {found}: {words}");
                time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Checks that for a while what is served does not change, and that it is marked stale or not.
    #[track_caller]
    fn stays(&self, config: &str, ready: bool, long: Duration) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let begun = Instant::now();
            while begun.elapsed() < long {
                assert_eq!(self.config().await, config, "{at}");
                assert_eq!(self.is_ready().await, ready, "{at}: after {:?}", begun.elapsed());
                time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

const TWO: &[&str] = &["a", "b"];

/// Something goes wrong with all answers whose path begins so, while a third container starts: the last plan is kept and
/// marked stale within `within`; once the engine is well, the third is found.
async fn lost(path: &str, fault: Fault, within: Duration) {
    let house = House::ready(TWO).await;
    let config = house.config().await;
    house.engine.put("c", 9);
    house.engine.fail(path, fault);
    house.engine.cut_events();
    let took = house.until_ready(503).await;
    assert!(took <= within, "{path}: stale after {took:?}");
    assert!(house.get("/readyz").await.1.starts_with("stale for"), "{path}");
    house.stays(&config, false, Duration::from_secs(20)).await;
    house.engine.mend();
    house.hosts_become(&["a", "b", "c"]).await;
    house.until_ready(200).await;
}

#[tokio::test(start_paused = true)]
async fn before_the_first_inventory_nothing_is_published() {
    let mut house = House::new(TWO, false).await;
    assert_eq!(house.get("/readyz").await.0, 503);
    assert_eq!(house.get("/config").await.0, 503);
    assert_eq!(house.get("/healthz").await.0, 200);
    house.engine.start();
    house.until_ready(200).await;
    assert_eq!(house.hosts().await, TWO);
}

#[tokio::test(start_paused = true)]
async fn an_engine_without_containers_is_an_empty_document() {
    let house = House::ready(&[]).await;
    assert_eq!(house.config().await, "{}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_fails_keeps_the_last_plan() {
    for path in ["/containers/json", "/networks", "/version", "/events", ""] {
        lost(path, Fault::Status(500), Duration::from_secs(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn services_that_cannot_be_read_are_not_none() {
    lost("/services", Fault::Status(500), Duration::from_secs(5)).await;
    lost("/services", Fault::Says(503, "The swarm does not have a leader."), Duration::from_secs(5)).await;
    // Who manages no swarm, and who does not let the question through, has none.
    for fault in [
        Fault::Says(503, "This node is not a swarm manager. Use \"docker swarm init\" to connect this node to swarm."),
        Fault::Says(403, "services are let through only with --swarm"),
        Fault::Status(404),
    ] {
        let mut house = House::new(TWO, false).await;
        house.engine.fail("/services", fault);
        house.engine.start();
        house.until_ready(200).await;
        house.hosts_become(TWO).await;
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_cut_keep_the_last_plan() {
    for path in ["/containers/json", "/networks", "/version", ""] {
        lost(path, Fault::Cut, Duration::from_secs(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_garbage_keep_the_last_plan() {
    for path in ["/containers/json", "/networks", "/events", ""] {
        lost(path, Fault::Garbage, Duration::from_secs(5)).await;
    }
    for path in ["/containers/json", "/networks"] {
        lost(path, Fault::Odd(json!({"message": "no list"})), Duration::from_secs(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_hangs_keeps_the_last_plan() {
    lost("/containers/json", Fault::Hangs, Duration::from_secs(61)).await;
    lost("/containers/json", Fault::Silent, Duration::from_secs(11)).await;
    lost("", Fault::Silent, Duration::from_secs(11)).await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_falls_silent_is_noticed_without_any_event() {
    let house = House::ready(TWO).await;
    let config = house.config().await;
    house.engine.fail("", Fault::Silent);
    let took = house.until_ready(503).await;
    assert!(took <= Duration::from_secs(21), "{took:?}");
    house.stays(&config, false, Duration::from_mins(1)).await;
    house.engine.mend();
    house.until_ready(200).await;
    assert_eq!(house.config().await, config);
}

/// An engine takes questions whose path begins so and answers none of them for some seconds; then it answers new ones.
/// Says how long after that a container that started meanwhile is routed, and how often its inspection was asked for.
async fn swallowed(path: &str, seconds: u32) -> (Duration, u32) {
    let names: Vec<String> = (0..30).map(|at| format!("c{at:02}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    let house = House::ready(&names).await;
    house.engine.fail(path, Fault::Silent);
    time::sleep(Duration::from_millis(300)).await;
    house.engine.take_asked();
    house.engine.put("new", 200);
    house.engine.say("new", "start");
    time::sleep(Duration::from_secs(seconds.into())).await;
    house.engine.mend();
    names.push("new");
    let took = house.hosts_become(&names).await;
    house.until_ready(200).await;
    let asked = house.engine.take_asked().get("inspect new").copied().unwrap_or_default();
    (took, u32::try_from(asked).unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_an_engine_swallowed_is_asked_again_once_it_answers() {
    let inspection = format!("/containers/{}", engine::id("new"));
    for path in ["", "/containers", "/_ping", "/networks", &inspection] {
        for seconds in [1, 2, 5, 8, 10, 12] {
            let (took, asked) = swallowed(path, seconds).await;
            assert!(took <= Duration::from_secs(3), "`{path}` for {seconds} s: {took:?}");
            // Where the engine answers others, once a second; where it answers nobody, only once it does.
            let most = if path.is_empty() { 4 } else { 3 + seconds };
            assert!(asked <= most, "`{path}` for {seconds} s: asked {asked} times");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_engine_is_waited_for() {
    let house = House::ready(TWO).await;
    let config = house.config().await;
    house.engine.fail("", Fault::Slow(Duration::from_secs(4)));
    house.engine.put("c", 9);
    house.engine.say("c", "start");
    house.stays(&config, true, Duration::from_secs(3)).await;
    let took = house.hosts_become(&["a", "b", "c"]).await;
    assert!(took <= Duration::from_secs(7), "{took:?}");
    assert!(house.is_ready().await);
}

#[tokio::test(start_paused = true)]
async fn a_cut_stream_of_events_loses_nothing() {
    let house = House::ready(TWO).await;
    house.engine.put("c", 9);
    house.engine.remove("a");
    house.engine.cut_events();
    let took = house.hosts_become(&["b", "c"]).await;
    assert!(took <= Duration::from_secs(2), "{took:?}");
    house.until_ready(200).await;
    // And it listens again.
    house.engine.remove("b");
    house.engine.say("b", "destroy");
    let took = house.hosts_become(&["c"]).await;
    assert!(took <= Duration::from_millis(200), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn after_a_cut_one_container_that_never_answers_keeps_its_route_and_holds_up_nobody() {
    let house = House::ready(TWO).await;
    house.engine.fail(&format!("/containers/{}", engine::id("a")), Fault::Silent);
    house.engine.put("c", 9);
    house.engine.remove("b");
    house.engine.cut_events();
    let took = house.hosts_become(&["a", "c"]).await;
    assert!(took <= Duration::from_secs(2), "{took:?}");
    house.until_ready(200).await;
    // And what happens from then on is read.
    house.engine.put("c", 50);
    house.engine.say("c", "start");
    time::sleep(Duration::from_millis(100)).await;
    assert_eq!(house.routed().await[1].1, "http://10.0.0.52:80");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_disappears_and_returns_is_read_again() {
    let mut house = House::ready(TWO).await;
    let config = house.config().await;
    house.engine.stop().await;
    let took = house.until_ready(503).await;
    assert!(took <= Duration::from_secs(1), "{took:?}");
    house.stays(&config, false, Duration::from_mins(10)).await;
    // Not that its stream of events ended, ten minutes ago.
    let said = house.get("/readyz").await.1;
    assert!(said.contains(": cannot connect to the engine at "), "{said}");
    house.engine.remove("a");
    house.engine.put("b", 77);
    house.engine.start();
    // The longest pause between two attempts, with its jitter.
    let took = house.until_ready(200).await;
    assert!(took <= Duration::from_secs(11), "{took:?}");
    assert_eq!(house.routed().await, [("b".to_owned(), "http://10.0.0.79:80".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_changes_nothing_changes_no_byte() {
    let mut house = House::ready(TWO).await;
    let config = house.config().await;
    house.engine.stop().await;
    house.until_ready(503).await;
    house.engine.start();
    house.until_ready(200).await;
    assert_eq!(house.config().await, config);
}

#[tokio::test(start_paused = true)]
async fn one_container_that_cannot_be_read_keeps_its_route_and_harms_nobody() {
    for fault in [
        Fault::Status(500),
        Fault::Garbage,
        Fault::Cut,
        Fault::Odd(json!({"Id": ""})),
        Fault::Odd(json!({"Id": engine::id("b"), "HostConfig": {"NetworkMode": "host"}})),
        Fault::Odd(json!([])),
    ] {
        let house = House::ready(TWO).await;
        house.engine.fail(&format!("/containers/{}", engine::id("a")), fault.clone());
        house.engine.put("a", 50);
        house.engine.put("c", 9);
        house.engine.say("a", "start");
        house.engine.say("c", "start");
        let took = house.hosts_become(&["a", "b", "c"]).await;
        assert!(took <= Duration::from_millis(300), "{fault:?}: {took:?}");
        assert_eq!(house.routed().await[0].1, "http://10.0.0.2:80", "{fault:?}: what was last known");
        assert!(house.is_ready().await);
        house.engine.mend();
        // It is tried again by itself.
        time::sleep(Duration::from_secs(2)).await;
        assert_eq!(house.routed().await[0].1, "http://10.0.0.52:80", "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_inventory_waits_for_a_slow_container_instead_of_losing_its_route() {
    let mut house = House::new(TWO, false).await;
    house.engine.fail(&format!("/containers/{}", engine::id("a")), Fault::Slow(Duration::from_secs(3)));
    house.engine.start();
    house.until_ready(200).await;
    assert_eq!(house.hosts().await, TWO, "in the first document there is");
}

/// A gate has so many places and no more; whoever finds none would be taken for a container that cannot be read.
#[tokio::test(start_paused = true)]
async fn a_slow_engine_is_never_asked_too_much_at_once() {
    let names: Vec<String> = (0..500).map(|at| format!("c{at:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut house = House::new(&names, false).await;
    house.engine.fail("/containers/6", Fault::Slow(Duration::from_secs(4)));
    house.engine.start();
    house.until_ready(200).await;
    assert_eq!(house.hosts().await, names, "in the first document there is");
    assert!((32..=72).contains(&house.engine.most_open()), "{}", house.engine.most_open());
}

#[tokio::test(start_paused = true)]
async fn a_container_that_was_never_read_is_refused_alone() {
    let house = House::new(TWO, true).await;
    house.engine.fail(&format!("/containers/{}", engine::id("a")), Fault::Status(500));
    house.until_ready(200).await;
    house.hosts_become(&["b"]).await;
    // It is tried again by itself, and is known by its name all the while.
    for _ in 0..3 {
        let (status, words) = house.get("/explain/a").await;
        assert_eq!(status, 200);
        assert!(words.contains("could not describe it"), "{words}");
        time::sleep(Duration::from_secs(2)).await;
    }
    house.engine.mend();
    house.hosts_become(TWO).await;
}

#[tokio::test(start_paused = true)]
async fn a_container_too_large_to_be_read_refuses_those_that_it_shares_a_namespace_with() {
    let house = House::ready(TWO).await;
    house.engine.put("c", 9);
    let [a, c] = ["a", "c"].map(engine::id);
    let left = json!({
        "Id": c, "HostConfig": {"NetworkMode": "app_proxy", "PidMode": format!("container:{a}")},
        "LeewardLeftOut": {"Config.ExposedPorts": 3_000_000},
    });
    house.engine.fail(&format!("/containers/{c}"), Fault::Odd(left));
    house.engine.say("c", "start");
    house.hosts_become(&["b"]).await;
    house.engine.say("c", "die");
    house.hosts_become(TWO).await;
    house.engine.say("c", "start");
    house.hosts_become(&["b"]).await;
    // Whoever only starts with Leeward, and is known by the list alone until then.
    let house = House::new(TWO, true).await;
    house.engine.put("c", 9);
    house.engine.in_network_of("c", "a");
    house.engine.fail(&format!("/containers/{c}"), Fault::Status(500));
    house.engine.cut_events();
    house.until_ready(200).await;
    house.hosts_become(&["b"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_asked_for_less_and_less_often() {
    let house = House::ready(TWO).await;
    let path = format!("/containers/{}/json", engine::id("a"));
    house.engine.fail(&path, Fault::Status(500));
    house.engine.say("a", "start");
    time::sleep(Duration::from_mins(2)).await;
    house.engine.take_asked();
    time::sleep(Duration::from_mins(2)).await;
    let asked = house.engine.take_asked().get("inspect a").copied().unwrap_or_default();
    // And once with each of two lists.
    assert!((2..=6).contains(&asked), "{asked} times in two minutes");
    house.engine.mend();
    house.engine.put("a", 50);
    time::sleep(Duration::from_secs(33)).await;
    assert_eq!(house.routed().await[0].1, "http://10.0.0.52:80");
}

#[tokio::test(start_paused = true)]
async fn one_container_that_never_answers_holds_up_nobody() {
    let house = House::ready(TWO).await;
    house.engine.fail(&format!("/containers/{}", engine::id("a")), Fault::Silent);
    house.engine.say("a", "start");
    house.engine.put("c", 9);
    time::sleep(Duration::from_millis(50)).await;
    house.engine.say("c", "start");
    let took = house.hosts_become(&["a", "b", "c"]).await;
    assert!(took <= Duration::from_millis(50), "while it is asked for the first time: {took:?}");
    time::sleep(Duration::from_mins(1)).await;
    house.engine.put("b", 50);
    house.engine.say("b", "start");
    time::sleep(Duration::from_millis(50)).await;
    assert_eq!(house.routed().await[1].1, "http://10.0.0.52:80", "while it is asked for again and again");
    assert_eq!(house.hosts().await, ["a", "b", "c"]);
    assert!(house.is_ready().await);
    house.engine.mend();
    house.engine.remove("a");
    house.hosts_become(&["b", "c"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_slow_to_answer_anything_is_waited_for_while_more_happens() {
    let house = House::ready(TWO).await;
    house.engine.fail("", Fault::Slow(Duration::from_secs(4)));
    house.engine.put("c", 9);
    house.engine.say("c", "start");
    let begun = Instant::now();
    while house.hosts().await != ["a", "b", "c"] {
        house.engine.say("a", "start");
        time::sleep(Duration::from_millis(200)).await;
        assert!(begun.elapsed() <= Duration::from_secs(10), "{:?}", begun.elapsed());
    }
    assert!(house.is_ready().await);
}

#[tokio::test(start_paused = true)]
async fn what_makes_or_ends_a_route_is_read_at_once_and_twenty_times_a_second_at_most() {
    let house = House::ready(TWO).await;
    let moved_at_once = async |host: u16, say: &dyn Fn()| {
        house.engine.put("a", host);
        say();
        time::sleep(Duration::from_millis(5)).await;
        assert_eq!(house.routed().await[0].1, format!("http://10.0.0.{}:80", host + 2));
    };
    moved_at_once(20, &|| house.engine.say("a", "start")).await;
    time::sleep(Duration::from_millis(50)).await;
    moved_at_once(21, &|| house.engine.say_of_network("a", "connect")).await;
    time::sleep(Duration::from_millis(50)).await;
    moved_at_once(22, &|| house.engine.say("a", "health_status: healthy")).await;
    house.engine.take_asked();
    // What follows within a twentieth of a second is read once, at its end.
    for at in 0..8 {
        house.engine.put("a", 30 + at);
        house.engine.say("a", "start");
        time::sleep(Duration::from_millis(5)).await;
    }
    time::sleep(Duration::from_millis(10)).await;
    assert_eq!(house.routed().await[0].1, "http://10.0.0.39:80");
    let asked = house.engine.take_asked();
    assert_eq!(asked, [("inspect a".to_owned(), 1)].into(), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ends_loses_its_route_before_the_engine_describes_it() {
    let house = House::ready(TWO).await;
    house.engine.fail(&format!("/containers/{}", engine::id("a")), Fault::Silent);
    house.engine.say("a", "die");
    let took = house.hosts_become(&["b"]).await;
    assert!(took <= Duration::from_millis(10), "{took:?}");
    let (_, words) = house.get("/explain/a").await;
    assert!(words.contains("not-running"), "{words}");
    time::sleep(Duration::from_mins(2)).await;
    assert_eq!(house.hosts().await, ["b"], "whatever does not answer about it");
    assert!(house.is_ready().await);
    house.engine.mend();
    house.engine.say("a", "start");
    let took = house.hosts_become(TWO).await;
    assert!(took <= Duration::from_secs(12), "once the question that has no answer was given up: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_its_end_does_not_bring_a_container_back() {
    let house = House::ready(TWO).await;
    house.engine.fail(&format!("/containers/{}", engine::id("a")), Fault::Slow(Duration::from_millis(200)));
    house.engine.say("a", "start");
    time::sleep(Duration::from_millis(20)).await;
    house.engine.put_in_state("a", 0, "exited");
    house.engine.say("a", "die");
    let took = house.hosts_become(&["b"]).await;
    assert!(took <= Duration::from_millis(50), "{took:?}");
    for _ in 0..60 {
        time::sleep(Duration::from_millis(10)).await;
        assert_eq!(house.hosts().await, ["b"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_and_a_start_that_are_told_together_change_no_byte() {
    let house = House::ready(TWO).await;
    let config = house.config().await;
    house.engine.say("a", "die");
    house.engine.say("a", "start");
    for _ in 0..200 {
        assert_eq!(house.config().await, config);
        time::sleep(Duration::from_millis(1)).await;
    }
    // Apart, as the engine restarts a container: it goes, and comes back.
    house.engine.say("a", "die");
    house.hosts_become(&["b"]).await;
    house.engine.say("a", "start");
    let took = house.hosts_become(TWO).await;
    assert!(took <= Duration::from_millis(60), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_starts_while_a_list_is_under_way_is_not_lost_with_it() {
    let house = House::ready(TWO).await;
    house.engine.fail("/containers/json", Fault::Slow(Duration::from_secs(5)));
    house.engine.take_asked();
    while !house.engine.take_asked().contains_key("/containers/json") {
        time::sleep(Duration::from_millis(100)).await;
    }
    // The list on its way does not know of it.
    house.engine.put("c", 9);
    house.engine.say("c", "start");
    let took = house.hosts_become(&["a", "b", "c"]).await;
    assert!(took <= Duration::from_millis(50), "{took:?}");
    for _ in 0..100 {
        time::sleep(Duration::from_millis(100)).await;
        assert_eq!(house.hosts().await, ["a", "b", "c"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_tried_again_does_not_hold_up_what_is_decisive() {
    let house = House::ready(TWO).await;
    house.engine.fail(&format!("/containers/{}", engine::id("a")), Fault::Status(500));
    house.engine.say("a", "start");
    time::sleep(Duration::from_millis(200)).await;
    house.engine.put("b", 20);
    house.engine.say("b", "start");
    time::sleep(Duration::from_millis(5)).await;
    let routed = house.routed().await;
    assert_eq!(routed.len(), 2, "a keeps its route: {routed:?}");
    assert_eq!(routed[1].1, "http://10.0.0.22:80");
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_a_start_waits_for_it() {
    let house = House::ready(TWO).await;
    house.engine.take_asked();
    house.engine.put("c", 9);
    for (say, action) in [
        (Daemon::say as fn(&Daemon, &str, &str), "create"),
        (Daemon::say_of_network, "connect"),
        (Daemon::say, "start"),
    ] {
        say(&house.engine, "c", action);
        time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(house.hosts().await, ["a", "b", "c"]);
    let asked = house.engine.take_asked();
    assert_eq!(asked.get("inspect c"), Some(&1), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_container_in_an_unknown_state_is_refused_alone() {
    let house = House::ready(TWO).await;
    house.engine.put_in_state("a", 0, "hibernating");
    house.engine.say("a", "hibernate");
    house.hosts_become(&["b"]).await;
    let (_, words) = house.get("/explain/a").await;
    assert!(words.contains("hibernating"), "{words}");
    assert!(house.is_ready().await);
}

/// Lists, inspections and events hold the labels of everybody: what one of them holds is no reason to lose the engine.
#[tokio::test(start_paused = true)]
async fn labels_that_are_no_utf8_are_read_as_traefik_reads_them() {
    let house = House::ready(TWO).await;
    house.engine.label_without_sense("a", "traefik.http.routers.a.rule");
    house.engine.label_without_sense("b", "a label of no interest");
    house.engine.say("a", "start");
    house.engine.say("b", "start");
    house.engine.put("c", 3);
    house.engine.say("c", "start");
    house.hosts_become(&["a", "b", "c"]).await;
    assert!(house.config().await.contains("Host(`\u{fffd}\u{fffd}\u{fffd}`)"));
    assert!(house.is_ready().await);
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_gone_when_it_is_read_is_gone() {
    let house = House::ready(TWO).await;
    house.engine.fail(&format!("/containers/{}", engine::id("a")), Fault::Status(404));
    house.engine.say("a", "start");
    let took = house.hosts_become(&["b"]).await;
    assert!(took <= Duration::from_millis(200), "{took:?}");
    assert!(house.is_ready().await);
}

/// A house with `b`, and a container `a` with a volume that the engine fails to describe so.
async fn with_volume(fault: Fault) -> House {
    let house = House::ready(&["b"]).await;
    house.engine.put("a", 9);
    let mount =
        json!({"Type": "volume", "Name": "data", "Source": "/var/lib/docker/volumes/data/_data", "Destination": "/d"});
    house.engine.edit("a", |a| a["Mounts"] = json!([mount]));
    house.engine.fail("/volumes/data", fault);
    house.engine.say("a", "start");
    time::sleep(Duration::from_millis(500)).await;
    house
}

/// The engine describes the volume from now on.
fn describe(house: &House) {
    house.engine.fail("/volumes/data", Fault::Odd(json!({"Name": "data", "Driver": "local", "Options": null})));
}

/// It was asked for again with the next safety listing, up to a minute later.
#[tokio::test(start_paused = true)]
async fn a_volume_that_could_not_be_read_is_asked_for_again_at_once_and_seldom_later() {
    let house = with_volume(Fault::Status(502)).await;
    describe(&house);
    let took = house.hosts_become(TWO).await;
    assert!(took <= Duration::from_secs(2), "{took:?}");

    let house = with_volume(Fault::Status(502)).await;
    time::sleep(Duration::from_mins(1)).await;
    house.engine.take_asked();
    time::sleep(Duration::from_mins(5)).await;
    let asked = house.engine.take_asked();
    assert!((5..=16).contains(&asked["/volumes/data"]) && !asked.contains_key("inspect b"), "{asked:?}");
    house.hosts_become(&["b"]).await;
}

/// An answer has ten seconds to begin, and a minute for the next piece.
#[tokio::test(start_paused = true)]
async fn a_volume_whose_answer_never_comes_keeps_nobody_else_waiting() {
    for (fault, most) in [(Fault::Silent, 12), (Fault::Hangs, 62)] {
        let house = with_volume(fault).await;
        house.engine.put("c", 10);
        house.engine.say("c", "start");
        let took = house.hosts_become(&["b", "c"]).await;
        assert!(took <= Duration::from_millis(500), "{took:?}");
        describe(&house);
        let took = house.hosts_become(&["a", "b", "c"]).await;
        assert!(took <= Duration::from_secs(most), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_costs_one_question_and_the_others_are_not_asked_for() {
    let names: Vec<String> = (0..100).map(|at| format!("c{at:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let house = House::ready(&names).await;
    let asked = house.engine.take_asked();
    assert_eq!(asked["/containers/json"], 1, "{asked:?}");
    assert!(names.iter().all(|name| asked[&format!("inspect {name}")] == 1), "{asked:?}");
    assert_eq!(asked.keys().filter(|path| path.starts_with("/images/")).count(), 1, "{asked:?}");

    house.engine.put("c42", 200);
    house.engine.say("c42", "start");
    time::sleep(Duration::from_millis(500)).await;
    assert_eq!(house.routed().await[42].1, "http://10.0.0.202:80");
    let asked = house.engine.take_asked();
    assert_eq!(asked, [("inspect c42".to_owned(), 1)].into(), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_loses_nothing() {
    let house = House::ready(TWO).await;
    let dates = ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "half past nine", ""];
    for (date, host) in dates.into_iter().zip(20..) {
        house.engine.set_clock(date);
        house.engine.cut_events();
        house.engine.put("a", host);
        let took = house.until_ready(200).await;
        assert!(took <= Duration::from_secs(2), "{date}: {took:?}");
        time::sleep(Duration::from_secs(1)).await;
        assert_eq!(house.routed().await[0].1, format!("http://10.0.0.{}:80", host + 2), "{date}: listed");
        house.engine.put("b", host + 100);
        house.engine.say("b", "start");
        time::sleep(Duration::from_millis(200)).await;
        assert_eq!(house.routed().await[1].1, format!("http://10.0.0.{}:80", host + 102), "{date}: told");
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_containers_are_read_once_and_then_one_by_one() {
    let names: Vec<String> = (0..10_000).map(|at| format!("c{at:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let house = House::new(&names, true).await;
    house.until_ready(200).await;
    assert_eq!(house.hosts().await, names);
    let asked = house.engine.take_asked();
    assert_eq!(asked["/containers/json"], 1);
    assert_eq!(asked.iter().filter(|(path, times)| path.starts_with("inspect") && **times == 1).count(), names.len());

    house.engine.remove("c4711");
    house.engine.say("c4711", "destroy");
    time::sleep(Duration::from_secs(1)).await;
    assert_eq!(house.hosts().await.len(), names.len() - 1);
    let asked = house.engine.take_asked();
    let inspections = asked.keys().filter(|path| path.starts_with("inspect") || path.contains("/json")).count();
    assert!(inspections <= 1, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_events_is_answered_with_few_questions() {
    let house = House::ready(TWO).await;
    house.engine.take_asked();
    let begun = Instant::now();
    for at in 0..10_000 {
        house.engine.say(TWO[at % 2], "start");
        house.engine.say(TWO[at % 2], "exec_start: true");
        if at % 100 == 99 {
            time::sleep(Duration::from_millis(20)).await;
        }
    }
    house.engine.put("c", 9);
    house.engine.say("c", "start");
    house.hosts_become(&["a", "b", "c"]).await;
    // Two seconds of flood, and twenty times a second both are read.
    assert!(begun.elapsed() <= Duration::from_secs(4), "{:?}", begun.elapsed());
    let asked = house.engine.take_asked();
    let inspections: usize = asked.iter().filter(|(path, _)| path.starts_with("inspect")).map(|(_, times)| times).sum();
    assert!(inspections <= 84, "{asked:?}");
    assert_eq!(asked.get("/containers/json"), None, "{asked:?}");
    assert!(house.is_ready().await);
}

#[tokio::test(start_paused = true)]
async fn what_no_event_told_of_is_found_within_a_minute_and_nothing_else_is_read_for_it() {
    let house = House::ready(TWO).await;
    house.engine.put("c", 9);
    house.engine.put("b", 50);
    house.engine.take_asked();
    let took = house.hosts_become(&["a", "b", "c"]).await;
    assert!(took <= Duration::from_secs(62), "{took:?}");
    assert_eq!(house.routed().await[1].1, "http://10.0.0.52:80");
    let asked = house.engine.take_asked();
    assert_eq!([asked["inspect c"], asked["inspect b"], asked["/containers/json"]], [1; 3], "{asked:?}");
    assert_eq!(asked.get("inspect a"), None, "{asked:?}");
    time::sleep(Duration::from_mins(10)).await;
    let asked = house.engine.take_asked();
    assert_eq!(asked["/containers/json"], 10, "{asked:?}");
    assert!(!asked.keys().any(|path| path.starts_with("inspect")), "nothing changed: {asked:?}");
    assert!(house.engine.listeners() >= 1);
}

#[tokio::test]
async fn a_gate_without_a_place_for_one_more_event_stream_is_polled_and_followed_later() {
    let mut house = House::new(&["app1"], false).await;
    house.engine.fail("/events", Fault::Status(503));
    house.engine.start();
    house.until_ready(200).await;
    house.hosts_become(&["app1"]).await;
    // No event tells of these.
    house.engine.put("app2", 1);
    house.hosts_become(&["app1", "app2"]).await;
    house.engine.remove("app1");
    house.hosts_become(&["app2"]).await;
    assert!(house.is_ready().await);
    house.engine.mend();
    while house.engine.listeners() == 0 {
        assert!(house.is_ready().await);
        time::sleep(Duration::from_millis(20)).await;
    }
    house.engine.put("app3", 2);
    house.engine.say("app3", "start");
    house.hosts_become(&["app2", "app3"]).await;
}

/// Gives a container labels beside those that ask for `Host(<name>.example)`, and has it start.
fn start_with(engine: &Daemon, name: &str, more: impl IntoIterator<Item = (String, String)>) {
    engine.put(name, 9);
    let own = [("traefik.enable".to_owned(), "true".to_owned())];
    let labels = own.into_iter().chain(more).map(|(key, value)| (key, value.into()));
    engine.label(&engine::id(name), labels.collect());
    engine.say(name, "start");
}

impl House {
    /// Waits until it is said of a container.
    async fn says(&self, name: &str, words: &str) {
        let begun = Instant::now();
        loop {
            let said = self.get(&format!("/explain/{name}")).await.1;
            if said.contains(words) {
                return;
            }
            assert!(
                begun.elapsed() < EVER,
                "{name}: {words} is not in {}",
                said.chars().take(1000).collect::<String>()
            );
            time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_above_a_budget_is_refused_alone_with_its_number_and_flag() {
    let house = House::ready(TWO).await;
    let rule = |rule: String| vec![("traefik.http.routers.c.rule".to_owned(), rule)];
    let many = |count: usize, key: &str| (0..count).map(|at| (format!("{key}{at}"), String::new())).collect::<Vec<_>>();
    for (labels, words) in [
        (rule("x".repeat(65_537)), "the rule has 65537 bytes; the most is 65536 (--max-rule-bytes)"),
        (rule(r"PathRegexp(`^/\pL{900}$`)".to_owned()), "the most is 200000 (--max-regex-size)"),
        (many(501, "traefik.http.routers.r"), "it declares 501 routers; the most is 500 (--max-routers)"),
        (
            many(501, "traefik.http.middlewares.m"),
            "it declares 501 services, middlewares or models; the most is 500 (--max-routers)",
        ),
        (many(10_000, "traefik.x"), "it has 10001 labels that Leeward reads; the most is 10000 (--max-labels)"),
        (vec![("traefik.x".to_owned(), "y".repeat(1 << 20))], "; the most is 1048576 (--max-label-bytes)"),
        (vec![("x".to_owned(), "y".repeat(3 << 20))], "and were not read; the most is 2097152 (--max-object)"),
    ] {
        start_with(&house.engine, "c", labels);
        house.says("c", words).await;
        assert_eq!(house.hosts().await, TWO, "{words}");
        house.until_ready(200).await;
    }
    start_with(&house.engine, "c", rule("Host(`c.example`)".to_owned()));
    house.hosts_become(&["a", "b", "c"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_containers_of_one_owner_share_a_budget_and_nobody_elses_is_touched() {
    let house = House::ready(TWO).await;
    let project =
        || ["project", "config-hash"].map(|key| (format!("com.docker.compose.{key}"), "shop".to_owned())).into_iter();
    let names = ["o1", "o2", "o3", "o4", "o5", "o6"];
    for name in names {
        let host = (format!("traefik.http.routers.{name}.rule"), format!("Host(`{name}.example`)"));
        let long = ("leeward.long".to_owned(), "y".repeat(900_000));
        start_with(&house.engine, name, project().chain([host, long]));
    }
    house.hosts_become(&["o1", "o2", "o3", "o4", "a", "b"]).await;
    house.says("o5", "(--max-per-owner)").await;
    house.says("o6", "(--max-per-owner)").await;
    for name in names {
        house.engine.remove(name);
        house.engine.say(name, "destroy");
    }
    house.hosts_become(TWO).await;
    for name in &names[..5] {
        let routers = (0..500).map(|at| (format!("traefik.http.routers.{name}{at}.rule"), format!("Host(`{name}`)")));
        start_with(&house.engine, name, project().chain(routers));
    }
    house.says("o5", "declare 2500 routers; the most is 2000 (--max-per-owner)").await;
    assert_eq!(house.config().await.matches("Host(`o").count(), 2000);
}

/// The answer about the variant of an image.
fn variant(digest: &str, labels: &Value) -> Fault {
    Fault::Odd(json!({
        "Id": digest, "Descriptor": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest},
        "Config": {"Labels": labels},
    }))
}

#[tokio::test(start_paused = true)]
async fn labels_that_the_image_has_for_another_platform_are_not_the_operators() {
    const IMAGE: &str = "/images/sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/json";
    let house = House::ready(TWO).await;
    let engine = &house.engine;
    let asked = format!("{IMAGE}?platform=%7B%22architecture%22%3A%22arm64%22%2C%22os%22%3A%22linux%22%7D");
    let baked = json!({"traefik.enable": "true", "traefik.http.routers.evil.rule": "Host(`evil.example`)"});
    // As a whole the image has no labels: that is what its variant for the engine's own platform says.
    engine.put("evil", 9);
    engine.of_arm("evil", "sha256:a4");
    engine.fail(&asked, variant("sha256:a4", &baked));
    engine.say("evil", "start");
    house.says("evil", "IMG-001").await;
    assert_eq!(house.hosts().await, TWO);
    // The operator's own labels count, although those of the other platform would take them away.
    engine.put("mine", 10);
    engine.of_arm("mine", "sha256:a5");
    engine.fail(&asked, variant("sha256:a5", &json!({})));
    engine.say("mine", "start");
    house.hosts_become(&["a", "b", "mine"]).await;
    // A filter that drops the question's end, or an engine that does not know it: described is something else.
    engine.put("odd", 11);
    engine.of_arm("odd", "sha256:a6");
    engine.say("odd", "start");
    house.says("odd", "IMG-003").await;
    // It may say nothing of variants and yet have several.
    engine.put("index", 12);
    let index = json!({"mediaType": "application/vnd.oci.image.index.v1+json", "digest": "sha256:aa"});
    engine.of_image("index", "sha256:bb");
    engine.fail("/images/sha256:bb/json", Fault::Odd(json!({"Id": "sha256:bb", "Descriptor": index, "Config": {}})));
    engine.say("index", "start");
    house.says("index", "IMG-003").await;
    assert_eq!(house.hosts().await, ["a", "b", "mine"]);
}

#[tokio::test(start_paused = true)]
async fn containers_of_an_engine_that_keeps_several_variants_and_names_none_are_refused() {
    let house = House::new(&["a"], false).await;
    let store = json!({"ServerVersion": "26.1.5", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]});
    house.engine.fail("/info", Fault::Odd(store));
    let mut house = house;
    house.engine.start();
    house.until_ready(200).await;
    house.says("a", "IMG-003").await;
    assert_eq!(house.config().await.matches("Host(").count(), 0);
}
