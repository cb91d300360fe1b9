//! `leeward probe` in containers of a real engine: out of a network that leads out, and not out of one that does not.

use crate::images::make_all;
use crate::lab::{Lab, OUTSIDE};

const LEEWARD: &str = "leeward/leeward:0.1.0";

#[test]
fn a_probe_gets_out_where_there_is_a_way_and_only_there() {
    let Some(means) = crate::means("a_probe_gets_out_where_there_is_a_way_and_only_there") else { return };
    let lab = Lab::start("a_probe_gets_out_where_there_is_a_way_and_only_there", &means.composes[0]);
    make_all(&lab, &means.traefik);
    let isolated = "com.docker.network.bridge.inhibit_ipv4=true";
    lab.docker_ok(&["network", "create", "open"]);
    lab.docker_ok(&["network", "create", "--internal", "inner"]);
    lab.docker_ok(&["network", "create", "--internal", "-o", isolated, "tight"]);
    // Somebody of the host listens on every address it has; somebody else is on the tight network.
    let mut listens = std::process::Command::new("nsenter");
    listens.args(["-t", &lab.engine().to_string(), "-n", "busybox", "httpd", "-f", "-p", "5000", "-h"]);
    let mut listens = listens.arg(lab.folder().join("www")).spawn().unwrap();
    lab.docker_ok(&["run", "-d", "--name", "neighbour", "--network", "tight", crate::images::BUSYBOX, "sleep", "1000"]);

    let target = format!("--tcp={OUTSIDE}:80");
    let closed = format!("--udp={OUTSIDE}:5353");
    let probe = |network: &str, arguments: &[&str]| {
        let begin = ["run", "--rm", "--network", network, "--cap-drop", "ALL", LEEWARD, "probe", "--timeout=1"];
        let said = lab.docker(&[&begin, arguments].concat());
        lab.note(&format!("probe on {network}: ok {}\n{}{}", said.ok, said.out, said.err));
        said
    };
    let line = |text: &str, start: &str, words: &str| {
        let squeezed: Vec<String> =
            text.lines().map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(squeezed.iter().any(|it| it.starts_with(start) && it.contains(words)), "{start} … {words}: {text}");
    };

    let open = probe("open", &[&target, &closed]);
    assert!(!open.ok, "{open:?}");
    line(&open.out, "route everywhere open", "a default route");
    line(&open.out, &format!("tcp {OUTSIDE}:80 REACHED"), "connected");
    line(&open.out, &format!("udp {OUTSIDE}:5353 REACHED"), "nothing listens");
    line(&open.out, "raw frames no", "");

    // Internal keeps it from the world, not from the host: the gateway's address is the host's.
    let inner = probe("inner", &[&target, &closed]);
    assert!(!inner.ok, "{inner:?}");
    line(&inner.out, &format!("tcp {OUTSIDE}:80 no"), "");
    assert!(inner.out.lines().any(|it| it.starts_with("host") && it.contains(":5000") && it.contains("REACHED")));

    let tight = probe("tight", &[&target, &closed, "--neighbours"]);
    assert!(tight.ok, "{tight:?}");
    assert!(!tight.out.contains("REACHED  connected"), "{tight:?}");
    line(&tight.out, "1 neighbour answered", "");
    line(&tight.out, "none of these tries got out", "");

    // What may send raw frames is said so, though it is no way out by itself.
    let raw =
        lab.docker(&["run", "--rm", "--network", "tight", "--user", "0", LEEWARD, "probe", "--timeout=1", "--json"]);
    let report = crate::lab::json(&raw.out);
    assert_eq!((&report["gets_out"], &report["tries"][1]["outcome"]), (&false.into(), &"open".into()), "{raw:?}");
    drop(listens.kill());
    drop(listens.wait());
}
