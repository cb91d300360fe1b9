//! The soak: containers change at random and faults are injected, while a real Traefik routes.
//!
//! ```text
//! driver (this thread)    changes containers and networks, breaks things; says which address is right from when on
//! listener (a thread)     hears the engine's events as Leeward does: from then on a change counts
//! observer (a thread)     reads a Traefik's routes some twenty times a second
//! follower (a thread)     takes each of Leeward's documents when it is told
//! quiet points            Traefik's routes are what a fresh `leeward routes` computes, and visits are answered so
//! in the end              `wrongs`: what was read against what was right, and how long a route lived that was wrong
//! ```
//!
//! Ten minutes: `LEEWARD_SOAK=600 cargo test --test e2e soak -- --nocapture`, as root. Without it: a short one.
//! `LEEWARD_SOAK_SEED` repeats a run's choices.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::images::{binary, make_all};
use crate::lab::{Lab, eventually, get, json};
use crate::topology::MAIN;

/// How many containers are moved about.
const APPS: usize = 8;
/// Between two changes at most.
const PAUSE_MS: u64 = 700;
/// How long a wrong route, or the way to a quiet point, may last before something is stuck. What is measured is far
/// less, and is printed; the machine's load is not what fails the test.
const STUCK: Duration = Duration::from_secs(10);
/// What happens most of the time.
const CHANGE: &str = "a change";
/// How much memory may come on top after the first quarter.
const GROWTH_KIB: u64 = 4 * 1024;
/// Where the second Traefik, which tells its routes, listens: inside of the first one's container only.
const API: &str = "127.0.0.1:8099";

/// Its static configuration: the shipped one as far as it matters, and the API.
const STATIC: &str = "
api: { insecure: true }
entryPoints:
  traefik: { address: 127.0.0.1:8099 }
  web: { address: 127.0.0.1:8098 }
providers:
  http: { endpoint: http://leeward:9000/config, pollInterval: 250ms, pollTimeout: 30s }
  providersThrottleDuration: 100ms
";

/// The events that make or end a route.
const DECISIVE: [&str; 7] = ["start", "die", "pause", "unpause", "health_status", "connect", "disconnect"];

/// Where a container's route may lead from some moment on, until the next is said.
#[derive(Clone, Debug)]
struct Period {
    since: Instant,
    /// Its address; `None`: it has none or is not isolated, and must not be routed.
    right: Option<String>,
    /// What happened before: [`CHANGE`], or what was broken.
    after: &'static str,
}

impl Period {
    fn allows(&self, url: &str) -> bool {
        self.right.as_ref().is_some_and(|address| url.contains(&format!("//{address}:")))
    }
}

/// A route that was seen after its address had ceased to be right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wrong {
    after: &'static str,
    /// From when it became wrong until it was last seen.
    lived: Duration,
    since: Instant,
    app: String,
    url: String,
}

/// Every wrong route among those seen. One that is seen before its address is said to be right came before the news of it.
fn wrongs(periods: &BTreeMap<String, Vec<Period>>, seen: &[(Instant, Routes)]) -> Vec<Wrong> {
    let mut longest = BTreeMap::new();
    for (at, routes) in seen {
        for (app, periods) in periods {
            let begun = periods.partition_point(|it| it.since <= *at);
            let (before, after) = periods.split_at(begun);
            for url in routes.get(app).into_iter().flatten() {
                let is_right = |it: &Period| it.allows(url);
                if before.last().is_none_or(is_right) || after.first().is_some_and(is_right) {
                    continue;
                }
                // The period after the last in which it was right; the first, if it never was.
                let ended = before.iter().rposition(is_right).map_or(0, |at| at + 1);
                let Period { since, after, .. } = before[ended];
                let lived = at.saturating_duration_since(since);
                longest.insert((app, url, since), Wrong { after, lived, since, app: app.clone(), url: url.clone() });
            }
        }
    }
    longest.into_values().collect()
}

/// One run.
struct Soak<'a> {
    lab: &'a Lab,
    /// The process id of the container that both Traefiks run in.
    traefik: String,
    /// By the router that a container declares.
    periods: Mutex<BTreeMap<String, Vec<Period>>>,
    /// What the listener heard: when, of which container, and what.
    heard: Mutex<Vec<(Instant, String, String)>>,
    /// What Traefik had. It was so when it was asked, not when it had answered.
    seen: Mutex<Vec<(Instant, Routes)>>,
    /// What Leeward told, at the beginning and at the end of its being so.
    told: Mutex<Vec<(Instant, Routes)>>,
    begun: Instant,
    over: AtomicBool,
}

/// Choices that a seed repeats (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What the driver knows of a container that it moves about.
#[derive(Clone, Copy, Debug, Default)]
struct App {
    stopped: bool,
    apart: bool,
    outside: bool,
    renamed: bool,
    sick: bool,
}

#[test]
fn soak() {
    let Some(means) = crate::means("soak") else { return };
    let number = |name: &str| std::env::var_os(name).map(|text| text.to_string_lossy().parse::<u64>().expect(name));
    let length = Duration::from_secs(number("LEEWARD_SOAK").unwrap_or(40));
    let seed = number("LEEWARD_SOAK_SEED").unwrap_or_else(|| {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        u64::from(nanos) + 1
    });
    let lab = Lab::start("soak", &means.composes[0]);
    make_all(&lab, &means.traefik);
    lab.compose(MAIN, &["up", "-d"]);
    let traefik = lab.container("leeward", "traefik");
    for network in ["soak-a", "soak-b"] {
        lab.docker_ok(&["network", "create", "--internal", network]);
        lab.docker_ok(&["network", "connect", network, &traefik]);
    }
    lab.docker_ok(&["network", "create", "loose"]);
    let write = format!("echo '{STATIC}' > /dev/shm/second.yml");
    lab.docker_ok(&["exec", &traefik, "sh", "-c", &write]);
    lab.docker_ok(&["exec", "-d", &traefik, "traefik", "--configfile=/dev/shm/second.yml"]);
    let soak = Soak {
        lab: &lab,
        traefik: lab.pid(&traefik),
        periods: Mutex::default(),
        heard: Mutex::default(),
        seen: Mutex::default(),
        told: Mutex::default(),
        begun: Instant::now(),
        over: AtomicBool::new(false),
    };
    lab.note(&format!("soak: {} s, seed {seed}, {APPS} containers", length.as_secs()));
    let mut events = Command::new("docker");
    lab.with_engine(events.args(["events", "--format", "{{json .}}"]));
    let mut events = events.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = events.stdout.take().unwrap();
    scope(|threads| {
        threads.spawn(|| soak.listen(BufReader::new(lines)));
        threads.spawn(|| soak.follow());
        threads.spawn(|| soak.observe());
        // Without this, a driver that fails would wait for them for ever.
        let _over = Over(&soak.over, events);
        soak.drive(length, &mut Dice(seed));
    });
    soak.tell_of_wrongs();
}

/// Ends the observer and the listener, however the driver ends.
struct Over<'a>(&'a AtomicBool, Child);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        drop(self.1.kill());
        drop(self.1.wait());
    }
}

fn name(app: usize) -> String {
    format!("soak{app}")
}

fn network(app: usize) -> &'static str {
    if app.is_multiple_of(2) { "soak-a" } else { "soak-b" }
}

/// The container's name as it is now; its router keeps the first one.
fn called(app: usize, state: App) -> String {
    if state.renamed { format!("{}-again", name(app)) } else { name(app) }
}

/// What a service of either side leads to, by the router that a container declares: `soak3` to `http://172.18.0.4:8080`.
type Routes = BTreeMap<String, BTreeSet<String>>;

/// Of routers and services as JSON, whose names end in `provider`.
fn routes(routers: &Value, services: &Value, provider: &str) -> Routes {
    let mut routes = Routes::new();
    for (router, about) in routers.as_object().into_iter().flatten() {
        let Some(app) = router.strip_suffix(provider).and_then(|it| it.rsplit('.').next()) else { continue };
        // The name of a service stands in its router without the provider, where it is the same one.
        let service = format!("{}{provider}", about["service"].as_str().unwrap());
        let servers = services[&service]["loadBalancer"]["servers"].as_array().cloned().unwrap_or_default();
        let urls = servers.iter().filter_map(|server| server["url"].as_str()).map(str::to_owned);
        routes.entry(app.to_owned()).or_default().extend(urls);
    }
    routes
}

impl Soak<'_> {
    /// Takes down what the engine says, until all is over.
    fn listen(&self, lines: impl BufRead) {
        for line in lines.lines().map_while(Result::ok) {
            let event = json(&line);
            let action = event["Action"].as_str().unwrap_or_default().to_owned();
            let actor = &event["Actor"];
            let member = if event["Type"] == "network" { &actor["Attributes"]["container"] } else { &actor["ID"] };
            let id = member.as_str().unwrap_or_default().to_owned();
            self.heard.lock().unwrap().push((Instant::now(), id, action));
        }
    }

    /// When a change of a container was first told of; now, if it is not.
    fn when_heard(&self, id: &str, begun: Instant) -> Instant {
        let decisive = |action: &str| DECISIVE.iter().any(|it| action.split(':').next() == Some(it));
        let asked = Instant::now();
        loop {
            let heard = self.heard.lock().unwrap();
            let new = heard.iter().rev().take_while(|(at, ..)| *at >= begun);
            // The oldest of the new ones.
            let first = new.filter(|(_, whose, action)| whose == id && decisive(action)).last();
            match first {
                Some((at, ..)) => return *at,
                // The listener may be a little late.
                None if asked.elapsed() < Duration::from_millis(200) => {}
                None => return Instant::now(),
            }
            drop(heard);
            sleep(Duration::from_millis(10));
        }
    }

    /// Reads Traefik's routes until all is over.
    fn observe(&self) {
        while !self.over.load(Ordering::Relaxed) {
            let begun = Instant::now();
            if let Some(routes) = self.routes_of_traefik() {
                self.seen.lock().unwrap().push((begun, routes));
            }
            sleep(Duration::from_millis(50).saturating_sub(begun.elapsed()));
        }
    }

    /// Takes Leeward's documents until all is over: one connection, on which each request is held until there is another.
    fn follow(&self) {
        while !self.over.load(Ordering::Relaxed) {
            // It may be down.
            let [serving, _] = self.processes();
            let mut asking = Command::new("nsenter")
                .args(["-t", &serving, "-n", "curl", "-sN", "--noproxy", "*", "--fail-early"])
                .args(["-H", "Prefer: wait=1"])
                // The fragment is not sent: it makes many requests of one.
                .arg("http://127.0.0.1:9000/config#[1-1000000]")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut before = None;
            let documents = BufReader::new(asking.stdout.take().unwrap());
            // Leeward answers with words until it has read all.
            for document in serde_json::Deserializer::from_reader(documents).into_iter::<Value>().map_while(Result::ok)
            {
                let routes = routes(&document["http"]["routers"], &document["http"]["services"], "");
                let now = Instant::now();
                let mut told = self.told.lock().unwrap();
                told.extend(before.replace(routes.clone()).into_iter().chain([routes]).map(|routes| (now, routes)));
                if self.over.load(Ordering::Relaxed) {
                    break;
                }
            }
            drop(asking.kill());
            drop(asking.wait());
            sleep(Duration::from_millis(100));
        }
    }

    /// Says how long wrong routes lived.
    fn tell_of_wrongs(&self) {
        self.tell("Leeward's documents were taken", &self.told.lock().unwrap());
        self.tell("Traefik was read", &self.seen.lock().unwrap());
    }

    fn tell(&self, what: &str, seen: &[(Instant, Routes)]) {
        let mut by_cause: BTreeMap<&str, Vec<Wrong>> = BTreeMap::new();
        for wrong in wrongs(&self.periods.lock().unwrap(), seen) {
            by_cause.entry(wrong.after).or_default().push(wrong);
        }
        self.lab.note(&format!("soak: {what} {} times", seen.len()));
        for (cause, mut wrongs) in by_cause {
            wrongs.sort();
            let percentile = |hundredths: usize| wrongs[(wrongs.len() - 1) * hundredths / 100].lived.as_millis();
            let longest = wrongs.last().unwrap();
            self.lab.note(&format!(
                "soak: after {cause}, {} routes were seen that had become wrong; they lived, from when the engine told of it: \
                 p50 {} ms, p95 {} ms, at most {} ms ({} to {}, wrong {:.2} s after the beginning)",
                wrongs.len(),
                percentile(50),
                percentile(95),
                percentile(100),
                longest.app,
                longest.url,
                longest.since.duration_since(self.begun).as_secs_f64(),
            ));
            assert!(longest.lived < STUCK, "a wrong route stays: {longest:?}");
        }
    }

    /// Traefik's own routes, `None` while it does not answer.
    fn routes_of_traefik(&self) -> Option<Routes> {
        let answer = get(&self.traefik, &format!("http://{API}/api/rawdata"));
        if answer.status != 200 {
            return None;
        }
        let data: Value = serde_json::from_str(&answer.body).ok()?;
        Some(routes(&data["routers"], &data["services"], "@http"))
    }

    /// What a `leeward routes` that starts afresh computes, straight from the engine.
    fn routes_afresh(&self) -> Routes {
        let output = Command::new(binary())
            .args(["routes", "--json", "--engine", &self.lab.socket()])
            .env_remove("DOCKER_HOST")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let listing = json(&text);
        let mut routes = Routes::new();
        for route in listing["routes"].as_array().unwrap() {
            let app = route["router"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
            let backends = route["backends"].as_array().unwrap().iter();
            routes.entry(app).or_default().extend(backends.map(|it| it["address"].as_str().unwrap().to_owned()));
        }
        routes
    }

    fn say(&self, app: usize, right: Option<String>, since: Instant, after: &'static str) {
        let mut periods = self.periods.lock().unwrap();
        let periods = periods.entry(name(app)).or_default();
        if periods.last().is_none_or(|last| last.right != right) {
            periods.push(Period { since, right, after });
        }
    }

    /// Says where a container is from some moment on, from what the engine says of it now.
    fn say_where(&self, app: usize, state: App, since: Instant, after: &'static str) {
        if state.stopped || state.apart || state.outside || state.sick {
            return self.say(app, None, since, after);
        }
        let format = format!("{{{{(index .NetworkSettings.Networks \"{}\").IPAddress}}}}", network(app));
        let address = self.lab.docker(&["inspect", "-f", &format, &called(app, state)]).out.trim().to_owned();
        assert!(!address.is_empty(), "{} has no address", name(app));
        self.say(app, Some(address), since, after);
    }

    /// Starts it anew: its id.
    fn run(&self, app: usize) -> String {
        let rule = format!("traefik.http.routers.{}.rule=Host(`{}.test`)", name(app), name(app));
        let health = ["--health-cmd", "[ ! -e /tmp/sick ]", "--health-interval", "1s", "--health-retries", "1"];
        let begin = ["run", "-d", "--name", &name(app), "--network", network(app), "--cap-drop", "ALL", "--read-only"];
        let end = [
            "--tmpfs",
            "/tmp",
            "--sysctl",
            "net.ipv4.ip_forward=0",
            "--label",
            "traefik.enable=true",
            "--label",
            &rule,
        ];
        // Half of them have a health check, which makes them wait to be routed.
        let health: &[&str] = if app >= APPS / 2 { &health } else { &[] };
        self.lab.docker_ok(&[&begin, health, &end, &["nginxinc/nginx-unprivileged:1.28-alpine"]].concat())
    }

    /// The process id of the serving Leeward, and of the gate.
    fn processes(&self) -> [String; 2] {
        ["leeward", "gate"].map(|service| self.lab.pid(&self.lab.container("leeward", service)))
    }

    fn until_ready(&self) {
        eventually(Duration::from_secs(30), "/readyz is green", || {
            let [serving, _] = self.processes();
            let answer = get(&serving, "http://127.0.0.1:9000/readyz");
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        });
    }

    fn drive(&self, length: Duration, dice: &mut Dice) {
        let begun = Instant::now();
        let mut apps = [App::default(); APPS];
        for (app, state) in apps.iter().enumerate() {
            let begun = Instant::now();
            let id = self.run(app);
            self.say_where(app, *state, self.when_heard(&id, begun), CHANGE);
        }
        self.until_ready();
        let (mut changes, mut faults, mut quiet) = (0, 0, Vec::new());
        let mut baseline: Option<[u64; 2]> = None;
        while begun.elapsed() < length || changes < 30 {
            let early = begun.elapsed() < length / 4;
            if !early && baseline.is_none() {
                baseline = Some(self.memory());
            }
            for _ in 0..12 {
                let app = usize::try_from(dice.below(APPS as u64)).unwrap();
                let since = self.change(app, &mut apps[app], dice);
                self.say_where(app, apps[app], since, CHANGE);
                changes += 1;
                sleep(Duration::from_millis(dice.below(PAUSE_MS)));
            }
            if dice.below(2) == 0 {
                let app = usize::try_from(dice.below(APPS as u64)).unwrap();
                // A new process would begin the measurement of its memory anew: only in the first quarter.
                self.fault(app, &mut apps[app], early, dice);
                faults += 1;
            }
            quiet.push(self.quiet_point(&apps));
        }
        let slowest = quiet.iter().max().unwrap();
        let (before, after) = (baseline.unwrap_or_else(|| self.memory()), self.memory());
        self.lab.note(&format!(
            "soak: {} s, {changes} changes, {faults} faults, {} quiet points (equal after at most {} ms)",
            begun.elapsed().as_secs(),
            quiet.len(),
            slowest.as_millis(),
        ));
        for (who, (before, after)) in ["serve", "gate"].iter().zip(before.into_iter().zip(after)) {
            self.lab.note(&format!("soak: {who}: {before} KiB after a quarter, {after} KiB at the end"));
            assert!(after < before + GROWTH_KIB, "{who} grows: {before} KiB, then {after} KiB");
        }
        assert!(self.seen.lock().unwrap().len() > changes, "the observer has seen too little");
    }

    /// Changes a container in one of the ways in which containers change; when the engine told of it.
    fn change(&self, app: usize, state: &mut App, dice: &mut Dice) -> Instant {
        let lab = self.lab;
        let container = called(app, *state);
        let id = lab.docker(&["inspect", "-f", "{{.Id}}", &container]).out.trim().to_owned();
        let begun = Instant::now();
        // Half of what is done to one that has no route gives it back: a route that is not there cannot become wrong.
        let way = match *state {
            App { stopped: true, .. } if dice.below(2) == 0 => 0,
            App { apart: true, .. } if dice.below(2) == 0 => 2,
            App { outside: true, .. } if dice.below(2) == 0 => 3,
            App { sick: true, .. } if dice.below(2) == 0 => 5,
            _ => dice.below(6),
        };
        match way {
            0 if state.stopped => {
                lab.docker_ok(&["start", &container]);
                state.stopped = false;
                // What lay in its /tmp is gone.
                state.sick = false;
            }
            0 => {
                lab.docker_ok(&["stop", "-t", "0", &container]);
                state.stopped = true;
            }
            1 => {
                lab.docker_ok(&["rm", "-f", &container]);
                *state = App::default();
                sleep(Duration::from_millis(dice.below(PAUSE_MS)));
                self.run(app);
            }
            2 => {
                lab.docker_ok(&[
                    "network",
                    if state.apart { "connect" } else { "disconnect" },
                    network(app),
                    &container,
                ]);
                state.apart = !state.apart;
            }
            3 => {
                lab.docker_ok(&["network", if state.outside { "disconnect" } else { "connect" }, "loose", &container]);
                state.outside = !state.outside;
            }
            4 => {
                state.renamed = !state.renamed;
                lab.docker_ok(&["rename", &container, &called(app, *state)]);
            }
            _ if state.stopped => {}
            _ if app < APPS / 2 => {
                lab.docker_ok(&["pause", &container]);
                sleep(Duration::from_millis(dice.below(PAUSE_MS)));
                lab.docker_ok(&["unpause", &container]);
            }
            _ => {
                let (command, wanted) =
                    if state.sick { ("busybox rm /tmp/sick", "healthy") } else { ("echo > /tmp/sick", "unhealthy") };
                lab.docker_ok(&["exec", &container, "sh", "-c", command]);
                state.sick = !state.sick;
                eventually(Duration::from_secs(20), "the health changes", || {
                    let health = lab.docker(&["inspect", "-f", "{{.State.Health.Status}}", &container]).out;
                    if health.trim() == wanted { Ok(()) } else { Err(health) }
                });
            }
        }
        self.when_heard(&id, begun)
    }

    /// Breaks something, changes a container meanwhile where that can be done, and mends it. What was changed counts
    /// from when Leeward is in step again: before, nothing told it. Traefik, which found nobody, then still waits: longer
    /// after each failed request.
    fn fault(&self, app: usize, state: &mut App, may_restart: bool, dice: &mut Dice) {
        let lab = self.lab;
        let held = Duration::from_millis(500 + dice.below(2500));
        let what = match dice.below(if may_restart { 3 } else { 1 }) {
            0 => {
                lab.signal_engine("STOP");
                sleep(held);
                lab.signal_engine("CONT");
                "the engine was frozen"
            }
            which => {
                let (service, what) =
                    if which == 1 { ("gate", "the gate was down") } else { ("leeward", "Leeward was down") };
                let broken = lab.container("leeward", service);
                lab.docker_ok(&["stop", "-t", "2", &broken]);
                self.change(app, state, dice);
                sleep(held);
                lab.docker_ok(&["start", &broken]);
                what
            }
        };
        self.until_ready();
        self.say_where(app, *state, Instant::now(), what);
    }

    /// Waits until Traefik's routes are those that a fresh Leeward computes, and visits are answered so; says how long the
    /// first took. A health check may change its mind between the two, and is then asked again.
    fn quiet_point(&self, apps: &[App]) -> Duration {
        let mut afresh = Routes::new();
        let took = eventually(STUCK, "Traefik has the routes that a fresh Leeward computes", || {
            afresh = self.routes_afresh();
            let theirs = self.routes_of_traefik();
            if theirs.as_ref() == Some(&afresh) { Ok(()) } else { Err(format!("{theirs:?}, wanted {afresh:?}")) }
        });
        self.lab.note(&format!("quiet: {} routes, equal after {} ms", afresh.len(), took.as_millis()));
        eventually(STUCK, "visits are answered as a fresh Leeward's routes say", || {
            let afresh = self.routes_afresh();
            let wrong = (0..apps.len()).map(name).find_map(|app| {
                let wanted = if afresh.contains_key(&app) { (200, "from image") } else { (404, "") };
                let answer = self.lab.visit(&format!("{app}.test"), "/");
                let right = answer.status == wanted.0 && answer.body.contains(wanted.1);
                (!right).then(|| format!("{app}.test: {answer:?}, wanted {wanted:?}"))
            });
            wrong.map_or(Ok(()), Err)
        });
        took
    }

    /// Candidate memory of `serve` and of the gate, KiB.
    fn memory(&self) -> [u64; 2] {
        self.processes().map(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        })
    }
}
