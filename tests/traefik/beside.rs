//! Worlds of our own, given to Traefik's own Docker provider and, through Leeward, to its HTTP provider: both must come to
//! hold the same configuration, to the last zero. Nothing is recorded and nothing is modelled: both sides are real.

use std::collections::BTreeMap;
use std::time::Duration;

use leeward::plan::Plan;
use leeward::traefik::document;
use leeward::traefik::labels;
use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::engine::Daemon;
use crate::eventually::eventually;
use crate::recorded::{difference, plan, with_http_names};
use crate::worlds::hostile;
use crate::{proxy, reader};

/// For each set of options.
const WORLDS: u64 = 100;

/// Options of Traefik's Docker provider, as its flags and as ours.
fn options() -> Vec<Value> {
    vec![
        json!({}),
        json!({"exposedByDefault": false, "network": "net-two"}),
        json!({"allowEmptyServices": true}),
        json!({"useBindPortIP": true}),
        json!({"defaultRule": "Host(`{{ .Name | lower }}.{{ index .Labels \"zone\" | default \"none\" }}`) && PathPrefix(`/{{ .ContainerName | trunc 5 }}`)"}),
        json!({"constraints": "Label(`marker`, `1`) || (LabelRegex(`zone`, `^[ab]+$`) && !Label(`team`, `x`)) || Label(`team`, ``)"}),
    ]
}

#[test]
fn the_same_worlds_give_what_traefiks_own_provider_gives() {
    let releases = proxy::releases("the same worlds give what Traefik's own provider gives");
    // The release that Leeward promises to be like.
    let Some((_, binary)) = releases.iter().find(|(version, _)| *version == reader::NEWEST) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let mut failures = Vec::new();
    let (mut worlds, mut routers) = (0, 0);
    let ours = proxy::Proxy::start(binary);
    for (group, options) in (0_u64..).zip(options()) {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = Daemon::new(folder.path());
        engine.show(vec![marker(u64::MAX)]);
        engine.start();
        let own = proxy::Proxy::on_engine(binary, engine.socket(), &flags(&options));
        eventually(Duration::from_secs(20), "Traefik listens to events", || engine.listeners() > 0);
        for seed in group * WORLDS..(group + 1) * WORLDS {
            let containers = world(seed);
            engine.show(containers.clone());
            let theirs = own.holding(&format!("Host(`{seed}.marker`)"));
            let case = json!({"options": options, "world": {"containers": containers}});
            let body = document::write(&plan(&case).documents[Plan::EVERYONE]);
            let held = ours.read(&body).unwrap_or_else(|error| panic!("world {seed} is refused: {error}\n{body}"));
            let (theirs, held) = (without_empty(with_http_names(theirs, false)), without_empty(held));
            if theirs != held {
                let labels: Vec<_> = containers.iter().map(|it| &it["Config"]["Labels"]).collect();
                failures.push(format!(
                    "world {seed}, {options}:\n{}\n{labels:#?}",
                    difference(&theirs, &held, "").join("\n")
                ));
            }
            worlds += 1;
            routers += theirs["http"]["routers"].as_object().map_or(0, Map::len) - 1;
        }
    }
    assert!(failures.is_empty(), "{} of {worlds} worlds:\n\n{}", failures.len(), failures.join("\n\n"));
    // The worlds are of use only if much of them gets through.
    assert!(routers > 600, "{routers} HTTP routers in {worlds} worlds");
}

fn flags(options: &Value) -> Vec<String> {
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    options.as_object().unwrap().iter().map(|(name, it)| format!("--providers.docker.{name}={}", value(it))).collect()
}

/// Empty sections say nothing; the providers differ in whether they are there.
fn without_empty(configuration: Value) -> Value {
    let Value::Object(sections) = configuration else { return configuration };
    sections.into_iter().filter(|(_, section)| *section != json!({})).collect::<Map<_, _>>().into()
}

/// Is new in every world, its id too, so that it is seen when Traefik has read one whole: it lists containers first and
/// asks for each afterwards, and may do so while the world changes.
fn marker(world: u64) -> Value {
    let labels = json!({
        "marker": "1", "traefik.enable": "true", "traefik.docker.network": "net-one",
        "traefik.http.routers.marker.rule": format!("Host(`{world}.marker`)"),
        "traefik.http.services.marker.loadbalancer.server.port": "1",
    });
    object("marker", &format!("{world:064x}"), &labels, &json!({"net-one": {"IPAddress": "172.30.255.1"}}))
}

fn object(name: &str, id: &str, labels: &Value, networks: &Value) -> Value {
    json!({
        "Id": id, "Name": format!("/{name}"), "Image": "sha256:web", "Created": "2026-01-01T00:00:00Z",
        "State": {"Status": "running", "Running": true},
        "HostConfig": {"NetworkMode": "net-one"},
        "Config": {"Image": "web:1", "Labels": labels, "ExposedPorts": {"80/tcp": {}}},
        "NetworkSettings": {"Ports": {"80/tcp": null}, "Networks": networks},
    })
}

/// The marker and a few containers, most of which say something that means something, and some of which do not.
fn world(seed: u64) -> Vec<Value> {
    let mut dice = Dice(seed.wrapping_mul(1_000_003));
    let mut containers = vec![marker(seed)];
    for number in 0..=dice.below(6) {
        let container = container(&mut dice, number, seed, &containers);
        containers.push(container);
    }
    containers
}

fn container(dice: &mut Dice, number: usize, seed: u64, others: &[Value]) -> Value {
    let mut labels = usual(dice, number);
    for _ in 0..dice.pick(&[0, 1, 2, 4, 8]) {
        let (key, value) = hostile(dice);
        // One label that is wrong costs the container: few of them are enough.
        let is_sound = labels::decode(&BTreeMap::from([(key.clone(), value.clone())])).is_ok();
        if can_be_told(&key, &value) && (is_sound || dice.one_in(20)) {
            labels.insert(key, value);
        }
    }
    // What no document can carry is refused, and another test's matter.
    if labels::decode(&labels).is_ok_and(|dynamic| !document::problems(&dynamic).is_empty()) {
        labels.retain(|key, _| !key.starts_with("traefik."));
    }
    let name = format!("{}{number}", dice.pick(&["web-", "App_", "a.b", "x", "é日", "Big Name "]));
    // Of the two, one salted by the world: Traefik may take an id that it knows for a container that it knows.
    let id = format!("{:032x}{seed:016x}{number:016x}", Dice(seed).next());
    let address = |net: u8| format!("172.{net}.0.{}", number + 2);
    let networks = match dice.below(12) {
        0 => json!({"net-two": {"IPAddress": address(31)}}),
        1 | 2 => {
            labels.insert("traefik.docker.network".into(), dice.pick(&["net-two", "net-one"]).into());
            json!({"net-one": {"IPAddress": address(30)}, "net-two": {"IPAddress": address(31)}})
        }
        3 => json!({"net-six": {"IPAddress": "", "GlobalIPv6Address": format!("FD00:0::{number}")}}),
        4 => json!({"net-six": {"IPAddress": address(32), "GlobalIPv6Address": "fd00::7"}}),
        5 => dice.pick(&[json!({}), json!({"net-one": {"IPAddress": ""}}), json!(null)].each_ref()).clone(),
        _ => json!({"net-one": {"IPAddress": address(30)}}),
    };
    let mut container = object(&name, &id, &json!(labels), &networks);
    if dice.one_in(8) {
        let other = dice.pick(&others.iter().collect::<Vec<_>>());
        let named = [other["Id"].as_str().unwrap(), other["Name"].as_str().unwrap().trim_start_matches('/'), "nobody"];
        // A name with a blank in it would be no path.
        let named = Some(dice.pick(&named)).filter(|it| it.is_ascii() && !it.contains(' ')).unwrap_or("nobody");
        container["HostConfig"]["NetworkMode"] = json!(format!("container:{named}"));
        container["NetworkSettings"] = json!({"Ports": {}, "Networks": {}});
    } else {
        ports(dice, &mut container);
    }
    if dice.one_in(4) {
        let states = ["exited", "paused", "created", "restarting", "dead", "stopping", ""];
        container["State"]["Status"] = json!(dice.pick(&states));
        container["State"]["Running"] = json!(false);
    }
    if dice.one_in(5) {
        container["State"]["Health"] = json!({"Status": dice.pick(&["healthy", "unhealthy", "starting", "none", ""])});
    }
    container
}

/// Labels as people write them; the names are few, so that containers meet.
fn usual(dice: &mut Dice, number: usize) -> BTreeMap<String, String> {
    let own = if dice.one_in(3) { "web".to_owned() } else { format!("own{number}") };
    let port = |protocol: &str| format!("traefik.{protocol}.services.{own}.loadbalancer.server.port");
    let mut labels = BTreeMap::new();
    let mut add = |key: String, value: &str| drop(labels.insert(key, value.to_owned()));
    if dice.one_in(2) {
        add(format!("traefik.http.routers.{own}.rule"), dice.pick(&["Host(`a.example`)", "PathPrefix(`/`)"]));
        if dice.one_in(2) {
            add(port("http"), dice.pick(&["80", "8080", "x", ""]));
        }
    }
    if dice.one_in(5) {
        add(format!("traefik.tcp.routers.{own}.rule"), "HostSNI(`*`)");
        add(port("tcp"), dice.pick(&["5432", "9"]));
    }
    if dice.one_in(5) {
        add(format!("traefik.udp.routers.{own}.entrypoints"), "dns");
        add(port("udp"), dice.pick(&["53", ""]));
    }
    if dice.one_in(3) {
        add("com.docker.compose.project".into(), dice.pick(&["shop", "My Shop", ""]));
        add("com.docker.compose.service".into(), dice.pick(&["web", "api.v1"]));
    }
    if dice.one_in(2) {
        add("zone".into(), dice.pick(&["a", "bb", "c", ""]));
    }
    if dice.one_in(3) {
        add("team".into(), dice.pick(&["x", "y"]));
    }
    if dice.one_in(3) {
        add("traefik.enable".into(), dice.pick(&["true", "true", "true", "1", "false", "no"]));
    }
    if dice.one_in(6) {
        add("traefik.docker.allownonrunning".into(), dice.pick(&["true", "false"]));
    }
    // Traefik reads names in any case, the Kelvin sign as a `k` too.
    if dice.one_in(4)
        && let Some(key) = labels.keys().find(|key| key.starts_with("traefik.http.")).cloned()
        && let Some(value) = labels.remove(&key)
    {
        let names = key.strip_prefix("traefik.").unwrap_or_default();
        let names = names.replacen("http", "HTTP", 1).replace("router", "rOuter").replace('k', "\u{212a}");
        labels.insert(format!("traefik.{names}"), value);
    }
    labels
}

/// Ports that the engine shows, some of them on the host.
fn ports(dice: &mut Dice, container: &mut Value) {
    let hosts = ["0.0.0.0", "127.0.0.1", "::", "::1", "", "192.0.2.7", "FD00::7", "fe80::1%eth0"];
    let mut ports = Map::new();
    for port in ["80/tcp", "443/tcp", "53/udp", "9/sctp", "8080/tcp"] {
        if dice.one_in(3) {
            let host = dice.pick(&hosts);
            let bindings = dice
                .one_in(2)
                .then(|| json!([{"HostIp": host, "HostPort": "8081"}, {"HostIp": "::1", "HostPort": "1"}]));
            ports.insert(port.to_owned(), bindings.unwrap_or_default());
        }
    }
    container["NetworkSettings"]["Ports"] = ports.clone().into();
    // Where the engine shows none, Leeward takes what the image exposes, and that is a difference on purpose.
    container["Config"]["ExposedPorts"] =
        ports.keys().map(|port| (port.clone(), json!({}))).collect::<Map<_, _>>().into();
}

/// Whether a label can be given to Traefik's own provider, which stops at `name]`, and arrive through a document.
fn can_be_told(key: &str, value: &str) -> bool {
    let stops = key.split('.').any(|name| name.ends_with(']') && !name.contains('['));
    !(stops || key.len() > 150 || value.contains('║') || key == "traefik.docker.network")
}
