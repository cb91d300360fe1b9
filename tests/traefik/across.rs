//! A middleware that one project takes from another, as people have it who come from Traefik's own provider. Under
//! `--isolation warn` real Traefiks answer visitors as they do with that provider; with two of the name, nobody is let in.

use std::net::SocketAddr;
use std::time::Duration;

use leeward::inventory::{Image, Inventory};
use leeward::plan::compile;
use leeward::settings::{Isolation, OwnerIsolation, Settings};
use leeward::source::facts;
use serde_json::{Value, json};

use crate::engine::Daemon;
use crate::eventually::eventually;
use crate::inventory;
use crate::live::answering;
use crate::proxy::{self, Proxy};
use crate::worlds::written;

/// A container on an open network, as the engine describes it.
fn object(name: &str, project: &str, backend: SocketAddr, labels: &[(&str, &str)]) -> Value {
    let mut all = json!({
        "traefik.enable": "true",
        "com.docker.compose.project": project,
        "com.docker.compose.config-hash": name,
        format!("traefik.http.routers.{name}.rule"): format!("Host(`{name}.example`)"),
        format!("traefik.http.services.{name}.loadbalancer.server.port"): backend.port().to_string(),
    });
    for (key, value) in labels {
        all[*key] = json!(value);
    }
    json!({
        "Id": format!("{name:x<64}"), "Name": format!("/{name}"), "Image": "sha256:web",
        "Created": "2026-01-01T00:00:00Z",
        "State": {"Status": "running", "Running": true},
        "HostConfig": {"NetworkMode": "open"},
        "Config": {"Image": "web:1", "Labels": all, "ExposedPorts": {"80/tcp": {}}},
        "NetworkSettings": {
            "Ports": {"80/tcp": null},
            "Networks": {"open": {"NetworkID": "open", "IPAddress": backend.ip().to_string()}},
        },
    })
}

/// The blog, whose router uses `auth@docker`; and `auth`, in a project of its own or in several.
fn world(projects: &[&str]) -> Vec<Value> {
    let page = answering(|_| ("200 OK".to_owned(), "the blog".to_owned()));
    let auth = answering(|head| {
        let knows = head.lines().any(|line| line.eq_ignore_ascii_case("cookie: who=alice"));
        (if knows { "200 OK" } else { "401 Unauthorized" }.to_owned(), "auth".to_owned())
    });
    let uses = [("traefik.http.routers.blog.middlewares", "auth@docker")];
    let declared = [("traefik.enable", "false"), ("leeward.traefik", "true")];
    let traefik = object("traefik", "edge", SocketAddr::from(([127, 0, 0, 9], 80)), &declared);
    let mut containers = vec![traefik, object("blog", "blog", page, &uses)];
    for (number, project) in projects.iter().enumerate() {
        // Defined differently: of two that are equal Traefik would make one.
        let address = format!("http://{auth}/verify/{number}");
        let labels = [("traefik.http.middlewares.auth.forwardauth.address", address.as_str())];
        containers.push(object(project, project, auth, &labels));
    }
    containers
}

fn document(containers: &[Value], settings: &Settings) -> String {
    let mut world: Inventory = inventory::engine();
    inventory::network(&mut world, "open", false);
    world.images.insert("sha256:web".into(), Image::default());
    for container in containers {
        world.put(facts::container(container).unwrap());
    }
    written(&compile(&world, settings))
}

/// What the blog answers to a visitor without a cookie, and to Alice; and what `authelia` itself answers, which nobody has
/// to know to get in: a Traefik that has read nothing yet answers 404 to everything.
fn answers(traefik: &Proxy) -> [u16; 3] {
    [("blog.example", ""), ("blog.example", "who=alice"), ("authelia.example", "")]
        .map(|(host, cookie)| traefik.status(host, cookie))
}

fn same(seen: [u16; 3], wanted: [u16; 3]) -> Result<(), String> {
    if seen == wanted { Ok(()) } else { Err(format!("{seen:?}, and not {wanted:?}")) }
}

#[test]
fn a_middleware_of_another_project_lets_the_same_visitors_in_as_with_traefiks_own_provider() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let releases = proxy::releases("a middleware of another project lets the same visitors in");
    // The oldest, the newest and one between.
    for (version, binary) in releases.into_iter().step_by(3) {
        let warn = Settings { isolation: Isolation::Warn, traefik_version: Some(version), ..Settings::default() };
        let isolation_of = ["blog", "authelia"].map(|owner| (owner.to_owned(), OwnerIsolation::Warn)).into();
        let one_by_one = Settings { isolation: Isolation::Enforce, isolation_of, ..warn.clone() };
        for (projects, wanted) in [(&["authelia"][..], [401, 200, 401]), (&["authelia", "evil"], [404, 404, 401])] {
            let containers = world(projects);
            let folder = tempfile::tempdir().unwrap();
            let mut engine = Daemon::new(folder.path());
            engine.show(containers.clone());
            engine.start();
            let own = Proxy::on_engine(&binary, engine.socket(), &[]);
            own.holding("Host(`blog.example`)");
            eventually(Duration::from_secs(20), "Traefik's own provider", || same(answers(&own), wanted));
            for settings in [&warn, &one_by_one] {
                let ours = Proxy::start(&binary);
                ours.read(&document(&containers, settings)).unwrap();
                eventually(Duration::from_secs(20), "Leeward", || same(answers(&ours), wanted));
            }
        }
    }
}
