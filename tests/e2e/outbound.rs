//! Outbound by name, as shipped: the names that an application may reach answer, and nothing else does, whoever asks and
//! however.
//!
//! The "Internet" of the laboratory gets what it lacks: name servers at 9.9.9.9, TLS servers with certificates of their
//! own, a mail server that speaks first, and names that lead where they should not.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::images;
use crate::lab::{HOST, Lab, OUTSIDE, Said, eventually, json, must, root};
use crate::topology::{MAIN, explain, serve};

const EGRESS: &str = "compose/egress.yaml";
const APP1: &str = "compose/app1/compose.yaml";
const APP1_EGRESS: &str = "compose/app1/egress.yaml";
const WEB: &str = "nginxinc/nginx-unprivileged:1.28-alpine";
/// Where the metadata of a cloud's machines are.
const METADATA: &str = "169.254.169.254";

/// A mail server that speaks first and takes STARTTLS: its address and its certificate are given.
const MAIL: &str = r#"
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2])
def serve(client):
    client.sendall(b"220 smtp.example.com ESMTP\r\n")
    for line in client.makefile("rb"):
        if line.upper().startswith(b"EHLO"):
            client.sendall(b"250-smtp.example.com\r\n250 STARTTLS\r\n")
        elif line.upper().startswith(b"STARTTLS"):
            client.sendall(b"220 go ahead\r\n")
            client = context.wrap_socket(client, server_side=True)
            client.recv(100)
            return
        else:
            client.sendall(b"250 ok\r\n")
listener = socket.create_server((sys.argv[1], 587))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;

/// Names that lead where nothing may, each with an address.
fn rebinding(victim: &str) -> [(&'static str, String); 4] {
    [
        ("project.evil.example", victim.to_owned()),
        ("gateway.evil.example", "172.31.255.1".to_owned()),
        ("metadata.evil.example", METADATA.to_owned()),
        ("host.evil.example", HOST.to_owned()),
    ]
}

#[test]
fn outbound_by_name() {
    let Some(means) = crate::means("outbound_by_name") else { return };
    // The newest: the first makes no container anew on engines from 28 on.
    let compose = means.composes.last().unwrap();
    let lab = Lab::start("outbound_by_name", compose);
    images::make_all(&lab, &means.traefik);
    images::resolver(&lab);
    let world = World::new(&lab);

    let took = world.the_shipped_example_allows_its_one_name();
    lab.note(&format!("from the start of `up -d` to the first answer: {} ms", took.as_millis()));
    world.a_name_more_is_two_lines();
    world.allowed_names_answer();
    world.nothing_else_does();
    world.nobody_else_is_answered();
    world.the_probe_tells_one_from_the_other();
    world.names_that_lead_inside_lead_nowhere();
    world.an_image_allows_nothing();
    world.what_a_connection_costs();
    world.inbound_costs_the_same();
    world.strangers_do_not_decide();
    world.a_flood_is_bounded();
    world.an_old_address_is_nobodys_allowance();
    world.a_lost_engine_withdraws_names_and_keeps_routes();
    world.without_a_resolver_of_its_own_nothing_is_allowed();
}

struct World<'a> {
    lab: &'a Lab,
    /// What is added to the shipped files: more names.
    front: String,
    app: String,
    /// The process of the name servers.
    names: std::cell::Cell<u32>,
}

impl<'a> World<'a> {
    fn new(lab: &'a Lab) -> Self {
        let net = lab.internet().to_string();
        for address in ["9.9.9.9/32", "149.112.112.112/32", "203.0.113.3/24", "2001:db8::2/64"] {
            must(&["nsenter", "-t", &net, "-n", "ip", "address", "add", address, "dev", "inside"]);
        }
        // What a cloud answers there is stood in for by whatever the host has on port 80.
        must(&[
            "nsenter",
            "-t",
            &lab.engine().to_string(),
            "-n",
            "ip",
            "address",
            "add",
            &format!("{METADATA}/32"),
            "dev",
            "lo",
        ]);
        for (name, at) in [("api.github.com", OUTSIDE), ("other.example.net", "203.0.113.3")] {
            let (pem, at) = (certificate(lab, name), format!("{at}:443"));
            lab.outside(&["openssl", "s_server", "-quiet", "-accept", &at, "-cert", &pem, "-key", &pem, "-www"]);
        }
        let pem = certificate(lab, "smtp.example.com");
        lab.outside(&["python3", "-c", MAIL, OUTSIDE, &pem]);
        let at = lab.folder().display().to_string();
        Self {
            lab,
            front: format!("{at}/front.yaml"),
            app: format!("{at}/app.yaml"),
            names: std::cell::Cell::default(),
        }
    }

    /// Name servers of the Internet that know these names.
    fn name_server(&self, names: &[(&str, String)]) -> u32 {
        let mut config = "server:\n  interface: 9.9.9.9\n  interface: 149.112.112.112\n  access-control: 0.0.0.0/0 allow\n  do-daemonize: no\n  chroot: \"\"\n  \
                          username: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  module-config: \"iterator\"\n  local-zone: \".\" static\n"
            .to_owned();
        for (name, address) in names {
            config.extend(["  local-data: \"", name, ". 1 IN A ", address, "\"\n"]);
        }
        let file = self.lab.folder().join("names.conf");
        fs::write(&file, config).unwrap();
        self.lab.outside(&["/usr/sbin/unbound", "-d", "-c", &file.display().to_string()])
    }

    fn leeward(&self) -> String {
        self.lab.pid(&self.lab.container("leeward", "leeward"))
    }

    /// What the egress is told.
    fn told(&self) -> String {
        serve(self.lab, &self.leeward(), "/outbound/egress").body
    }

    fn web(&self) -> String {
        self.lab.container("app1", "web")
    }

    fn address(&self, container: &str, network: &str) -> String {
        let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        self.lab.docker(&["inspect", "-f", &format, container]).out.trim().to_owned()
    }

    /// The certificate that is shown for `name` at `to`, by its subject; empty: none is.
    fn subject(&self, container: &str, to: &str, name: &str, more: &str) -> String {
        let name = if name.is_empty() { "-noservername".to_owned() } else { format!("-servername {name}") };
        let ask = format!("echo Q | busybox timeout 4 openssl s_client -connect {to} {name} {more} 2>&1");
        subject(&self.lab.inside(container, &["sh", "-c", &ask]))
    }

    /// The same from a process of the host's in the network of a container: needs no engine.
    fn subject_from(pid: &str, to: &str, name: &str) -> String {
        let ask = format!(
            "echo Q | timeout 2 nsenter -t {pid} -n openssl s_client -connect {to}:443 -servername {name} 2>&1"
        );
        let output = Command::new("sh").args(["-c", &ask]).output().unwrap();
        subject(&Said { ok: true, out: String::from_utf8_lossy(&output.stdout).into_owned(), err: String::new() })
    }

    fn http(&self, container: &str, arguments: &[&str]) -> Said {
        self.lab.inside(container, &[&["curl", "-sf", "-m", "4"], arguments].concat())
    }

    /// Bytes sent to a port, and what comes back.
    fn raw(&self, container: &str, to: &str, port: u16, bytes: &str) -> String {
        let ask = format!("(printf '{bytes}'; sleep 1) | busybox timeout 3 nc {to} {port}");
        self.lab.inside(container, &["sh", "-c", &ask]).out
    }

    fn the_shipped_example_allows_its_one_name(&self) -> Duration {
        let lab = self.lab;
        let names = [("api.github.com", OUTSIDE.to_owned()), ("other.example.net", "203.0.113.3".to_owned())];
        let id = self.name_server(&names);
        self.names.set(id);
        lab.compose_of(&[MAIN, EGRESS], &["up", "-d"]);
        let begun = Instant::now();
        lab.compose_of(&[APP1, APP1_EGRESS], &["up", "-d"]);
        let web = self.web();
        eventually(Duration::from_secs(20), "the one name answers", || {
            let subject = self.subject(&web, "api.github.com:443", "api.github.com", "");
            if subject.contains("api.github.com") { Ok(()) } else { Err(subject) }
        });
        let took = begun.elapsed();
        lab.compose("compose/app2/compose.yaml", &["up", "-d"]);
        for app in ["app1", "app2"] {
            lab.until_visit(&format!("{app}.localhost"), 200, &format!("This is {app}"));
        }
        let leeward = self.leeward();
        let routes = serve(lab, &leeward, "/routes").body;
        lab.note(&format!("routes before: {}", json(&routes)["outbound"]));
        let audit = json(&serve(lab, &leeward, "/audit").body);
        let findings = audit.as_array().or_else(|| audit["findings"].as_array()).unwrap();
        let of_outbound = |it: &&Value| it["rule"].as_str().is_some_and(|rule| rule.starts_with("EGR"));
        let found: Vec<&Value> = findings.iter().filter(of_outbound).collect();
        assert!(found.iter().all(|it| it["not_verifiable"] == true), "{found:?}");
        assert!(!findings.iter().any(|it| it["rule"] == "NET-011"), "the egress is no pivot: {audit}");
        took
    }

    fn a_name_more_is_two_lines(&self) {
        let lab = self.lab;
        // Somebody else's: another project, with an egress network of its own.
        let hidden = ["--internal", "-o", "com.docker.network.bridge.inhibit_ipv4=true", "net-egress-app2"];
        lab.docker_ok(&[&["network", "create"], &hidden[..]].concat());
        let serves = ["httpd", "-f", "-p", "80", "-h", "/"];
        let labels = ["--label", "com.docker.compose.project=app2"];
        let begin = ["run", "-d", "--name", "victim", "--network", "net-egress-app2", "--cap-drop", "ALL"];
        lab.docker_ok(&[&begin, &labels[..], &[images::BUSYBOX], &serves].concat());
        let victim = self.address("victim", "net-egress-app2");

        let rebinding = rebinding(&victim);
        let names: Vec<&str> = ["api.github.com", "smtp.example.com", "mirror.example.org"]
            .into_iter()
            .chain(rebinding.iter().map(|it| it.0))
            .collect();
        let unbound = fs::read_to_string(root().join("compose/egress/unbound.conf")).unwrap();
        let own = unbound.replace("# private-address: 192.0.2.10/32", &format!("private-address: {HOST}/32"));
        assert_ne!(own, unbound, "the line for the host's own address");
        let file = lab.folder().join("unbound.conf");
        fs::write(&file, own).unwrap();
        fs::write(
            &self.front,
            format!(
                "services:\n  egress:\n    networks:\n      net-egress-app1:\n        aliases: [{}]\n  resolver:\n    volumes:\n      \
                 - {}:/etc/unbound/unbound.conf:ro\n",
                names.join(", "),
                file.display()
            ),
        )
        .unwrap();
        let mut label = "api.github.com:443,smtp.example.com:587,mirror.example.org:80".to_owned();
        for (name, _) in &rebinding {
            label.extend([",", name, ":80"]);
        }
        fs::write(&self.app, format!("services:\n  web:\n    labels:\n      leeward.outbound: \"{label}\"\n")).unwrap();
        lab.end_outside(self.names.get());
        let mut known = vec![
            ("api.github.com", OUTSIDE.to_owned()),
            ("other.example.net", "203.0.113.3".to_owned()),
            ("smtp.example.com", OUTSIDE.to_owned()),
            ("mirror.example.org", OUTSIDE.to_owned()),
        ];
        known.extend(rebinding);
        self.names.set(self.name_server(&known));
        lab.compose_of(&[MAIN, EGRESS, &self.front], &["up", "-d"]);
        lab.docker_ok(&["network", "connect", "net-egress-app2", "egress"]);
        lab.compose_of(&[APP1, APP1_EGRESS, &self.app], &["up", "-d"]);
        let web = self.web();
        let took = eventually(Duration::from_secs(20), "a name more answers", || {
            let said = self.http(&web, &["http://mirror.example.org/"]);
            if said.out.contains("the outside world") { Ok(()) } else { Err(format!("{said:?} {}", self.told())) }
        });
        lab.note(&format!("after `up -d` with a name more: {} ms", took.as_millis()));
        lab.until_visit("app1.localhost", 200, "This is app1");
        let leeward = self.leeward();
        let told = explain(lab, &leeward, &self.web());
        let allowed = told["outbound"].as_array().unwrap().iter().filter(|it| it["allowed"] == true).count();
        assert_eq!(allowed, 7, "{told}");
        lab.note(&format!("explain after: {}", told["outbound"]));
    }

    fn allowed_names_answer(&self) {
        let web = self.web();
        assert!(self.subject(&web, "api.github.com:443", "api.github.com", "").contains("api.github.com"));
        let mail = self.subject(&web, "smtp.example.com:587", "smtp.example.com", "-starttls smtp");
        assert!(mail.contains("smtp.example.com"), "the server speaks first: {mail}");
        assert!(self.http(&web, &["http://mirror.example.org/"]).out.contains("the outside world"));
    }

    fn nothing_else_does(&self) {
        let (lab, web) = (self.lab, self.web());
        let egress = self.address("egress", "net-egress-app1");
        // The same connection, another name in it; and none.
        for name in ["other.example.net", "smtp.example.com", "api.github.com.evil.example", "xapi.github.com"] {
            let subject = self.subject(&web, "api.github.com:443", name, "");
            assert!(!subject.contains("example") && !subject.contains("github"), "{name}: {subject}");
        }
        let subject = self.subject(&web, "api.github.com:443", "", "");
        assert!(!subject.contains("github"), "{subject}");
        // Another name, which the egress is not called; the address itself; IPv6.
        assert_eq!(self.subject(&web, "other.example.net:443", "other.example.net", ""), "");
        for address in [OUTSIDE, "203.0.113.3", "9.9.9.9", "2001:db8::2"] {
            let said = lab.inside(&web, &["nc", "-w", "2", address, "443", "-e", "true"]);
            assert!(!said.ok, "{address}: {said:?}");
        }
        // Another port of an allowed name.
        assert!(!self.http(&web, &["http://api.github.com/"]).ok);
        assert_eq!(self.raw(&web, &egress, 587, "EHLO me\\r\\n").find("mirror"), None);
        let other = self.subject(&web, "smtp.example.com:443", "smtp.example.com", "");
        assert!(!other.contains("smtp"), "{other}");
        assert!(lab.inside(&web, &["nc", "-w", "2", &egress, "443", "-e", "true"]).ok, "the egress listens");
        for port in [22, 25, 8080, 9000] {
            assert!(!lab.inside(&web, &["nc", "-w", "2", &egress, &port.to_string(), "-e", "true"]).ok, "{port}");
        }
        // Another host in the request, in every way there is.
        assert!(!self.http(&web, &["--header", "Host: other.example.net", "http://mirror.example.org/"]).ok);
        for request in [
            "GET http://other.example.net/ HTTP/1.1\\r\\nHost: mirror.example.org\\r\\nConnection: close\\r\\n\\r\\n",
            "GET / HTTP/1.1\\r\\nHost: mirror.example.org\\r\\nHost: other.example.net\\r\\nConnection: close\\r\\n\\r\\n",
            "GET / HTTP/1.1\\r\\nHost: mirror.example.org@other.example.net\\r\\nConnection: close\\r\\n\\r\\n",
            "CONNECT other.example.net:443 HTTP/1.1\\r\\nHost: other.example.net:443\\r\\n\\r\\n",
            "GET / HTTP/1.0\\r\\n\\r\\n",
        ] {
            let answer = self.raw(&web, &egress, 80, request);
            assert!(answer.starts_with("HTTP/1.") && !answer.contains(" 200 "), "{request}: {answer}");
        }
        // What the egress says of itself.
        for path in ["/ping", "/api/rawdata", "/dashboard/"] {
            assert!(!self.http(&web, &[&format!("http://mirror.example.org{path}")]).out.contains("OK"), "{path}");
        }
    }

    /// Others on the same network without an allowance, and others elsewhere, with all that they may say of themselves.
    fn nobody_else_is_answered(&self) {
        let lab = self.lab;
        let begin =
            ["run", "-d", "--name", "beside", "--network", "net-egress-app1", "--cap-drop", "ALL", "--tmpfs", "/tmp"];
        lab.docker_ok(&[&begin, &["--label", "com.docker.compose.project=app1", WEB][..]].concat());
        let app2 = lab.container("app2", "web");
        let (web, egress) = (self.web(), self.address("egress", "net-egress-app1"));
        let own = self.address(&web, "net-egress-app1");
        for container in ["beside", app2.as_str()] {
            for (to, name) in [("api.github.com", "api.github.com"), (egress.as_str(), "api.github.com")] {
                let subject = self.subject(container, &format!("{to}:443"), name, "");
                assert!(!subject.contains("github"), "{container} {to}: {subject}");
            }
            let mail = self.raw(container, &egress, 587, "EHLO me\\r\\n");
            assert!(!mail.contains("220"), "{container}: {mail}");
            for header in ["X-Forwarded-For", "X-Real-Ip", "Forwarded", "X_Forwarded_For", "CF-Connecting-IP"] {
                let header = format!("{header}: {own}");
                let said = self.http(
                    container,
                    &["--header", "Host: mirror.example.org", "--header", &header, &format!("http://{egress}/")],
                );
                assert!(!said.ok, "{container} {header}: {said:?}");
            }
            // A PROXY header, as a load balancer sends it.
            let proxied = format!(
                "PROXY TCP4 {own} {egress} 1234 80\\r\\nGET / HTTP/1.1\\r\\nHost: mirror.example.org\\r\\n\\r\\n"
            );
            let answer = self.raw(container, &egress, 80, &proxied);
            assert!(!answer.contains("200 OK"), "{container}: {answer}");
        }
        lab.docker_ok(&["rm", "-f", "beside"]);
        // A stranger on the network is enough for nobody to be answered.
        lab.docker_ok(&[
            "run",
            "-d",
            "--name",
            "stranger",
            "--network",
            "net-egress-app1",
            "--cap-drop",
            "ALL",
            images::BUSYBOX,
            "sleep",
            "100",
        ]);
        eventually(Duration::from_secs(10), "nothing is allowed beside a stranger", || {
            let told = self.told();
            if told == "{}" { Ok(()) } else { Err(told) }
        });
        let seen = explain(lab, &self.leeward(), &self.web());
        assert_eq!(seen["outbound"][0]["refused"][0], "EGR-012", "{seen}");
        lab.docker_ok(&["rm", "-f", "stranger"]);
        self.until_allowed(&web);
    }

    fn until_allowed(&self, web: &str) -> Duration {
        eventually(Duration::from_secs(20), "the name answers again", || {
            let subject = self.subject(web, "api.github.com:443", "api.github.com", "");
            if subject.contains("github") { Ok(()) } else { Err(subject) }
        })
    }

    fn the_probe_tells_one_from_the_other(&self) {
        let network = format!("container:{}", self.web());
        // From Docker 28 on it is a container that has the first address of such a network; which one, chance decides.
        let all = self.lab.docker(&["ps", "-q"]).out;
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
        let inspect: Vec<&str> = ["inspect", "-f", format].into_iter().chain(all.split_whitespace()).collect();
        let addresses = self.lab.docker(&inspect).out;
        let known = format!("--container={}", addresses.split_whitespace().collect::<Vec<_>>().join(","));
        let probe = |expected: &[&str]| {
            let begin = [
                "run",
                "--rm",
                "--network",
                &network,
                "--cap-drop",
                "ALL",
                "--label",
                "com.docker.compose.project=app1",
            ];
            let run = ["leeward/leeward:0.1.0", "probe", "--timeout=3", &known];
            let said = self.lab.docker(&[&begin, &run[..], expected].concat());
            self.lab.note(&format!("probe {expected:?}: ok {}\n{}{}", said.ok, said.out, said.err));
            said
        };
        let names = "--expect-outbound=api.github.com:443,smtp.example.com:587,mirror.example.org:80";
        let others =
            "--expect-no-outbound=other.example.net:443,smtp.example.com:443,api.github.com:80,mirror.example.org:587";
        // Port 587 is one name's, whatever it is called.
        let said = probe(&[names, "--expect-no-outbound=other.example.net:443,smtp.example.com:443,api.github.com:80"]);
        assert!(said.ok, "{said:?}");
        let said = probe(&[others]);
        assert!(!said.ok && said.out.contains("REACHED"), "{said:?}");
        let said = probe(&["--expect-outbound=other.example.net:443"]);
        assert!(!said.ok && said.out.contains("has to answer does not"), "{said:?}");
    }

    fn names_that_lead_inside_lead_nowhere(&self) {
        let (web, victim) = (self.web(), self.address("victim", "net-egress-app2"));
        let egress = self.address("egress", "net-egress-app1");
        for (name, address) in rebinding(&victim) {
            // The address itself answers the egress: it is the resolver that keeps the name from leading there.
            let control = self.lab.inside("egress", &["nc", "-w", "2", &address, "80", "-e", "true"]);
            assert!(control.ok, "{name}: {control:?}");
            let answer = self.raw(
                &web,
                &egress,
                80,
                &format!("GET / HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n\\r\\n"),
            );
            let status = answer.split(' ').nth(1).unwrap_or_default();
            assert_eq!(status, "502", "{name}: {answer}");
        }
    }

    fn an_image_allows_nothing(&self) {
        let lab = self.lab;
        images::web(lab, "baked:1", &["LABEL leeward.outbound=api.github.com:443"]);
        let begin =
            ["run", "-d", "--name", "baked", "--network", "net-egress-app1", "--cap-drop", "ALL", "--tmpfs", "/tmp"];
        lab.docker_ok(&[&begin, &["--label", "com.docker.compose.project=app1", "baked:1"][..]].concat());
        let leeward = self.leeward();
        eventually(Duration::from_secs(10), "the image's wish is seen", || {
            let audit = serve(lab, &leeward, "/audit").body;
            if audit.contains("EGR-010") { Ok(()) } else { Err(audit) }
        });
        assert!(!self.told().contains(&self.address("baked", "net-egress-app1")), "{}", self.told());
        assert!(!self.subject("baked", "api.github.com:443", "api.github.com", "").contains("github"));
        lab.docker_ok(&["rm", "-f", "baked"]);
    }

    fn what_a_connection_costs(&self) {
        let lab = self.lab;
        let web = lab.pid(&self.web());
        lab.docker_ok(&["run", "-d", "--name", "direct", "--network", "net-outside", images::BUSYBOX, "sleep", "1000"]);
        let direct = lab.pid("direct");
        let egress = self.address("egress", "net-egress-app1");
        let handshake = |pid: &str, at: &str| -> f64 {
            let resolve = format!("api.github.com:443:{at}");
            let curl = [
                "-n",
                "curl",
                "-sk",
                "-o",
                "/dev/null",
                "--noproxy",
                "*",
                "--resolve",
                &resolve,
                "-w",
                "%{time_appconnect}",
            ];
            must(&[&["nsenter", "-t", pid], &curl[..], &["https://api.github.com/"]].concat()).parse().unwrap()
        };
        let (mut by_egress, mut directly) = (Vec::new(), Vec::new());
        for _ in 0..30 {
            by_egress.push(handshake(&web, &egress) * 1000.0);
            directly.push(handshake(&direct, OUTSIDE) * 1000.0);
        }
        let (by_egress, directly) = (median(&mut by_egress), median(&mut directly));
        lab.note(&format!(
            "connection with TLS, median of 30: {by_egress:.2} ms by the egress, {directly:.2} ms directly"
        ));
        lab.docker_ok(&["rm", "-f", "direct"]);
        assert!(by_egress < directly + 100.0, "{by_egress} {directly}");
    }

    /// Requests from the Internet to an application with outbound names and to one without, in turn.
    fn inbound_costs_the_same(&self) {
        let net = self.lab.internet().to_string();
        let visit = |app: &str| -> f64 {
            let (host, at) = (format!("Host: {app}.localhost"), format!("http://{HOST}/"));
            let curl =
                ["-n", "curl", "-s", "-o", "/dev/null", "--noproxy", "*", "-H", &host, "-w", "%{time_total}", &at];
            must(&[&["nsenter", "-t", &net], &curl[..]].concat()).parse::<f64>().unwrap() * 1000.0
        };
        let mut ratios = Vec::new();
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for round in 0..60 {
            let (one, other) = if round % 2 == 0 { ("app1", "app2") } else { ("app2", "app1") };
            let (first, second) = (visit(one), visit(other));
            let (app1, app2) = if one == "app1" { (first, second) } else { (second, first) };
            ratios.push(app1 / app2);
            with.push(app1);
            without.push(app2);
        }
        let (with, without, ratio) = (median(&mut with), median(&mut without), median(&mut ratios));
        self.lab.note(&format!(
            "inbound, median of 60 in turn: {with:.2} ms with outbound names, {without:.2} ms without; ratio {ratio:.2}"
        ));
        assert!(ratio < 2.0, "{ratio}");
    }

    /// Containers that could decide for the egress, or answer for its resolver: nothing is allowed while they are there.
    fn strangers_do_not_decide(&self) {
        let lab = self.lab;
        images::busybox(lab, "evil/leeward:1", &[]);
        let resolv = format!("{}:/x", root().join("compose/egress").display());
        for (rule, arguments) in [
            ("EGR-003", &["--network", "net-control-egress", "--cap-drop", "ALL", "evil/leeward:1"][..]),
            ("EGR-021", &["--network", "net-outside", images::BUSYBOX]),
            ("EGR-022", &["--network", "none", "-v", &resolv, images::BUSYBOX]),
            ("EGR-023", &["--network", "none", "--pid", "container:egress", images::BUSYBOX]),
        ] {
            let begin = ["run", "-d", "--name", "decider"];
            lab.docker_ok(&[&begin, arguments, &["sleep", "1000"]].concat());
            let took = eventually(Duration::from_secs(10), "nothing is allowed", || {
                let told = self.told();
                if told == "{}" { Ok(()) } else { Err(told) }
            });
            let seen = explain(lab, &self.leeward(), &self.web());
            assert!(seen["outbound"][0]["refused"].to_string().contains(rule), "{rule}: {seen}");
            lab.docker_ok(&["rm", "-f", "decider"]);
            lab.note(&format!("{rule}: nothing was allowed after {} ms", took.as_millis()));
            self.until_allowed(&self.web());
        }
        // A new name does not keep what was allowed under the old one.
        lab.docker_ok(&["rename", "egress", "egress-renamed"]);
        let web = self.web();
        eventually(Duration::from_secs(10), "an egress of another name has no names", || {
            let subject = self.subject(&web, "api.github.com:443", "api.github.com", "");
            if subject.contains("github") { Err(subject) } else { Ok(()) }
        });
        lab.docker_ok(&["rename", "egress-renamed", "egress"]);
        self.until_allowed(&web);
    }

    /// `--outbound-connections`: so many, and no more.
    fn a_flood_is_bounded(&self) {
        const FLOOD: &str = "import socket\nall = [socket.create_connection((TO, 587), 3) for _ in range(12)]\ngreeted = 0\n\
                             for one in all:\n one.settimeout(2)\n try: greeted += one.recv(9).startswith(b'220')\n \
                             except OSError: pass\nprint(greeted)\n";
        let lab = self.lab;
        let file = lab.folder().join("limited.yaml").display().to_string();
        let limited = "services:\n  leeward:\n    environment:\n      LEEWARD_OUTBOUND_CONNECTIONS: \"5\"\n";
        fs::write(&file, limited).unwrap();
        let (web, egress) = (lab.pid(&self.web()), self.address("egress", "net-egress-app1"));
        let flood = || {
            let program = FLOOD.replace("TO", &format!("'{egress}'"));
            must(&["nsenter", "-t", &web, "-n", "python3", "-c", &program]).trim().to_owned()
        };
        assert_eq!(flood(), "12", "without a limit");
        lab.compose_of(&[MAIN, EGRESS, &self.front, &file], &["up", "-d"]);
        // Still there, unless Compose has made it anew.
        drop(lab.docker(&["network", "connect", "net-egress-app2", "egress"]));
        eventually(Duration::from_secs(20), "the limit is told", || {
            let told = self.told();
            if told.contains("inFlightConn") { Ok(()) } else { Err(told) }
        });
        self.until_allowed(&self.web());
        // Leeward knows the limit before the egress does.
        eventually(Duration::from_secs(30), "the limit holds", || {
            let greeted = flood();
            if greeted == "5" { Ok(()) } else { Err(greeted) }
        });
        lab.note("of 12 connections at once to one name, with a limit of 5: 5 are served");
    }

    /// The application ends, and a neighbour of its own project has its address at once.
    fn an_old_address_is_nobodys_allowance(&self) {
        let lab = self.lab;
        let (web, egress) = (self.web(), self.address("egress", "net-egress-app1"));
        let old = self.address(&web, "net-egress-app1");
        let begin = ["create", "--name", "taker", "--network", "net-egress-app1", "--cap-drop", "ALL"];
        lab.docker_ok(
            &[&begin, &["--label", "com.docker.compose.project=app1", images::BUSYBOX, "sleep", "1000"][..]].concat(),
        );
        lab.docker_ok(&["kill", &web]);
        let killed = Instant::now();
        lab.docker_ok(&["wait", &web]);
        lab.docker_ok(&["start", "taker"]);
        assert_eq!(self.address("taker", "net-egress-app1"), old, "the engine gives the lowest free address");
        let pid = lab.pid("taker");
        let (mut last, begun) = (None, Instant::now());
        while begun.elapsed() < Duration::from_secs(5) {
            if Self::subject_from(&pid, &egress, "api.github.com").contains("github") {
                last = Some(killed.elapsed());
            }
        }
        lab.note(&format!(
            "the old address, taken {} ms after the end, was last answered after {last:?}",
            (begun - killed).as_millis()
        ));
        assert!(last.is_none_or(|last| last < Duration::from_secs(2)), "{last:?}");
        // It comes back at another address, and is allowed again.
        lab.docker_ok(&["start", &web]);
        assert_ne!(self.address(&web, "net-egress-app1"), old);
        let took = self.until_allowed(&web);
        lab.note(&format!("allowed again at another address after {} ms", took.as_millis()));
        assert!(!Self::subject_from(&pid, &egress, "api.github.com").contains("github"));
        lab.docker_ok(&["rm", "-f", "taker"]);
    }

    fn a_lost_engine_withdraws_names_and_keeps_routes(&self) {
        let lab = self.lab;
        let (web, egress) = (lab.pid(&self.web()), self.address("egress", "net-egress-app1"));
        let answers = || Self::subject_from(&web, &egress, "api.github.com").contains("github");
        assert!(answers());
        lab.signal_engine("STOP");
        let begun = Instant::now();
        sleep(Duration::from_secs(50));
        assert!(answers(), "a short absence costs nothing");
        let took = eventually(Duration::from_mins(1), "names are withdrawn", || {
            if answers() { Err("answers".to_owned()) } else { Ok(()) }
        });
        let _ = took;
        lab.note(&format!("the engine frozen: names withdrawn after {:.1} s", begun.elapsed().as_secs_f64()));
        assert!(begun.elapsed() >= Duration::from_mins(1));
        lab.until_visit("app1.localhost", 200, "This is app1");
        lab.signal_engine("CONT");
        self.until_allowed(&self.web());
    }

    /// The same egress, but with the engine's resolver.
    fn without_a_resolver_of_its_own_nothing_is_allowed(&self) {
        let lab = self.lab;
        lab.docker_ok(&["rm", "-f", "egress"]);
        let config = format!("{}:/etc/traefik/traefik.yml:ro", root().join("traefik/egress.yml").display());
        let begin = [
            "create",
            "--name",
            "egress",
            "--network",
            "net-outside",
            "--cap-drop",
            "ALL",
            "--label",
            "leeward.egress=true",
            "--sysctl",
            "net.ipv4.ip_forward=0",
            "--sysctl",
            "net.ipv4.conf.all.rp_filter=1",
            "--add-host",
            "leeward.net-control-egress:172.31.254.2",
            "-v",
            &config,
            "traefik:v3.7.15",
        ];
        lab.docker_ok(&begin);
        lab.docker_ok(&["network", "connect", "net-control-egress", "egress"]);
        lab.docker_ok(&["network", "connect", "--alias", "api.github.com", "net-egress-app1", "egress"]);
        lab.docker_ok(&["start", "egress"]);
        let (web, leeward) = (self.web(), self.leeward());
        eventually(Duration::from_secs(10), "EGR-002 stands against it", || {
            let seen = explain(lab, &leeward, &self.web());
            let refused = seen["outbound"][0]["refused"].to_string();
            if refused.contains("EGR-002") { Ok(()) } else { Err(refused) }
        });
        assert_eq!(self.told(), "{}");
        let seen = explain(lab, &leeward, &self.web());
        let words = seen["against_outbound"].as_array().unwrap().iter().find(|it| it["rule"] == "EGR-002").unwrap();
        lab.note(&format!("explain: {words}"));
        assert!(words["remedy"].as_str().unwrap().contains("/etc/resolv.conf"), "{words}");
        sleep(Duration::from_secs(1));
        assert!(!self.subject(&web, "api.github.com:443", "api.github.com", "").contains("github"));
        // Nothing went round in a circle.
        let descriptors = fs::read_dir(Path::new("/proc").join(lab.pid("egress")).join("fd")).unwrap().count();
        assert!(descriptors < 100, "{descriptors} descriptors");
        lab.until_visit("app1.localhost", 200, "This is app1");
    }
}

/// A certificate of a name, with its key: a file of the lab's.
fn certificate(lab: &Lab, name: &str) -> String {
    let file = lab.folder().join(format!("{name}.pem")).display().to_string();
    let (subject, names) = (format!("/CN={name}"), format!("subjectAltName=DNS:{name}"));
    let kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
    must(
        &[
            &["openssl"],
            &kind[..],
            &["-subj", &subject, "-addext", &names, "-keyout", &file, "-out", &format!("{file}.crt")],
        ]
        .concat(),
    );
    let certificate = fs::read_to_string(format!("{file}.crt")).unwrap();
    let key = fs::read_to_string(&file).unwrap();
    fs::write(&file, key + &certificate).unwrap();
    file
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The subject of the certificate in what `openssl s_client` says.
fn subject(said: &Said) -> String {
    said.out.lines().find_map(|line| line.strip_prefix("subject=")).unwrap_or_default().to_owned()
}
