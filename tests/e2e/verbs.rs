//! What an operator asks of the running service, as the documentation says: `docker exec … /leeward explain`, `audit`,
//! `routes`; on the shipped topology, and on one with all the usual mistakes.

use std::fs;

use crate::lab::{Lab, Said};
use crate::topology::up;

/// Every service has one mistake of its own.
const BAD: &str = "
x-app: &app
  image: nginxinc/nginx-unprivileged:1.28-alpine
  tmpfs: [/tmp]
services:
  open:
    <<: *app
    networks: [net-proxy, default]
    labels: {traefik.enable: 'true', 'traefik.http.routers.open.rule': 'Host(`open.app1.localhost`)'}
  published:
    <<: *app
    ports: ['8099:8080']
    labels: {traefik.enable: 'true', 'traefik.http.routers.published.rule': 'Host(`published.example.com`)'}
  socket:
    <<: *app
    networks: [net-proxy]
    volumes: ['/var/run:/host/run:ro']
    labels: {traefik.enable: 'true', 'traefik.http.routers.socket.rule': 'Host(`socket.app1.localhost`)'}
  rider:
    <<: *app
    network_mode: service:open
    labels: {traefik.enable: 'true', 'traefik.http.routers.rider.rule': 'Host(`rider.app1.localhost`)'}
  greedy:
    <<: *app
    networks: [net-proxy2]
    labels: {traefik.enable: 'true', 'traefik.http.routers.greedy.rule': 'Host(`app1.localhost`)'}
  misspelt:
    <<: *app
    networks: [net-proxy]
    labels: {traefik.enable: 'true', 'traefik.http.routers.misspelt.ruel': 'Host(`misspelt.app1.localhost`)'}
  silent:
    <<: *app
    networks: [net-proxy]
    labels: {'traefik.http.routers.silent.rule': 'Host(`silent.app1.localhost`)'}
  dangling:
    <<: *app
    networks: [net-proxy]
    labels:
      traefik.enable: 'true'
      traefik.http.routers.dangling.rule: Host(`dangling.app1.localhost`)
      traefik.http.routers.dangling.service: nowhere
networks:
  net-proxy: {name: net-proxy, external: true}
  net-proxy2: {name: net-proxy2, external: true}
";

#[test]
fn what_an_operator_asks() {
    let Some(means) = crate::means("what_an_operator_asks") else { return };
    let lab = Lab::start("what_an_operator_asks", &means.composes[0]);
    up(&lab, &means.traefik);
    let leeward = lab.container("leeward", "leeward");
    let ask = |command: &[&str]| {
        let server = ["--server", "http://127.0.0.1:9000"];
        let said = lab.docker(&[&["exec", &leeward, "/leeward"], command, &server].concat());
        println!(
            "$ leeward {}   # {}\n{}{}",
            command.join(" "),
            if said.ok { "ok" } else { "status 1" },
            said.out,
            said.err
        );
        said
    };
    let web = lab.docker(&["inspect", "-f", "{{.Name}}", &lab.container("app1", "web")]).out;
    let web = web.trim().trim_start_matches('/');

    // Everything in order.
    let good = ask(&["explain", web]);
    assert!(good.ok && good.out.contains("is routed") && !good.out.contains("FAIL"), "{good:?}");
    assert_eq!(
        ask(&["explain", lab.container("app1", "web").get(..12).unwrap()]).out,
        good.out,
        "by the beginning of its id"
    );
    assert_eq!(ask(&["explain", "app1/web"]).out, good.out, "by its service");
    assert!(!ask(&["explain", "web"]).ok, "two projects have one");
    says(&ask(&["explain", "app1.localhost"]), &["is answered by", "app1.web", "on net-proxy"]);
    assert!(!ask(&["explain", "nobody"]).ok);
    // This engine is old, and says so; but for that there is nothing to change.
    let audit = ask(&["audit", "--fail-on", "critical"]);
    assert!(audit.ok, "{audit:?}");

    let folder = lab.folder().join("bad");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("compose.yaml");
    fs::write(&file, BAD).unwrap();
    lab.compose(file.to_str().unwrap(), &["up", "-d"]);
    lab.until_visit("dangling.app1.localhost", 404, "");
    let cases: [(&str, &[&str]); 8] = [
        (
            "bad/open",
            &["is refused", "NET-001", "Remedy", "compose.leeward.yaml of project bad, a whole file beside its own:"],
        ),
        ("bad/published", &["NET-001", "PUB-001", "publishes no port", "compose.leeward.yaml of project bad"]),
        ("bad/socket", &["PRV-002", "`/var/run`", "leeward.allow: PRV-002"]),
        ("bad/rider", &["NET-003", "uses the network of `bad_open_1`"]),
        ("bad/greedy", &["LBL-003", "`app1.localhost` is bound to network `net-proxy`"]),
        ("bad/misspelt", &["bad-label", "did you mean", "traefik.http.routers.misspelt.ruel"]),
        ("bad/silent", &["does not ask to be routed", "traefik.enable: \"true\""]),
        ("bad/dangling", &["leaves all of its routers out", "Traefik leaves it out", "service `bad.nowhere`"]),
    ];
    for (name, words) in cases {
        let said = ask(&["explain", name]);
        // A refusal is a no, and so is what Traefik leaves out.
        let is_no = ["is refused", "leaves all of its routers out"].iter().any(|words| said.out.contains(words));
        assert_ne!(said.ok, is_no, "{said:?}");
        says(&Said { ok: true, ..said }, words);
    }
    for (host, words) in
        [("open.app1.localhost", "refused: bad_open_1: NET-001"), ("silent.app1.localhost", "ignored: bad_silent_1")]
    {
        let said = ask(&["explain", host]);
        assert!(!said.ok, "no router answers: {said:?}");
        says(&Said { ok: true, ..said }, &["no router answers", words]);
    }
    says(&ask(&["explain", "app1.localhost"]), &["app1.web", "refused: bad_greedy_1: LBL-003"]);
    let audit = ask(&["audit"]);
    assert!(!audit.ok, "{audit:?}");
    says(
        &Said { ok: true, ..audit },
        &["NET-001", "PUB-001", "PRV-002", "NET-003", "NET-011", "LBL-003", "NOT VERIFIABLE"],
    );
    says(&ask(&["routes"]), &["TRAEFIK LEAVES OUT", "bad.dangling"]);
    lab.compose(file.to_str().unwrap(), &["down"]);
}

#[track_caller]
fn says(said: &Said, words: &[&str]) {
    assert!(said.ok, "{said:?}");
    for words in words {
        assert!(said.out.contains(words), "{words} is not in\n{}", said.out);
    }
}
