//! Moving over, as `docs/migration.md` tells it: a Traefik with the socket, then Leeward in `warn` mode with the same routes,
//! then the walls closed.

use std::time::Duration;

use crate::images;
use crate::lab::{Lab, eventually};
use crate::topology::{explain, serve};

const WEB: &str = "nginxinc/nginx-unprivileged:1.28-alpine";
const HOSTS: [&str; 3] = ["blog.test", "shop.test", "elsewhere.test"];

#[test]
fn moving_over() {
    let Some(means) = crate::means("moving_over") else { return };
    let lab = Lab::start("moving_over", &means.composes[0]);
    images::make_all(&lab, &means.traefik);

    // The usual stack: one open network, the socket in Traefik, apps that say little.
    lab.docker_ok(&["network", "create", "proxy"]);
    let app = |name: &str, labels: &[&str]| {
        let labels: Vec<&str> = labels.iter().flat_map(|label| ["--label", label]).collect();
        lab.docker_ok(
            &[&["run", "-d", "--name", name, "--network", "proxy", "--tmpfs", "/tmp"], &labels[..], &[WEB]].concat(),
        );
    };
    app("blog", &["traefik.enable=true", "traefik.http.routers.blog.rule=Host(`blog.test`)"]);
    app(
        "shop",
        &[
            "traefik.enable=true",
            "traefik.http.routers.shop.rule=Host(`shop.test`)",
            "traefik.http.routers.shop.middlewares=stamp@docker",
            "traefik.http.middlewares.stamp.headers.customresponseheaders.X-Shop=open",
            "traefik.http.services.shop.loadbalancer.server.port=8080",
        ],
    );
    let socket = ["-v", "/var/run/docker.sock:/var/run/docker.sock:ro"];
    let traefik = |provider: &[&str], mounts: &[&str]| {
        let begin =
            ["run", "-d", "--name", "traefik", "--network", "proxy", "-p", "80:80", "--label", "leeward.traefik=true"];
        let end = ["traefik:v3.7.15", "--entrypoints.web.address=:80", "--providers.providersthrottleduration=100ms"];
        lab.docker_ok(&[&begin, mounts, &end, provider].concat());
    };
    traefik(&["--providers.docker.network=proxy", "--providers.docker.exposedbydefault=false"], &socket);
    lab.until_visit("blog.test", 200, "from image");
    lab.until_visit("shop.test", 200, "from image");
    let before: Vec<u16> = HOSTS.iter().map(|host| lab.visit(host, "/").status).collect();

    // Step 1 to 3: Leeward beside it, reporting.
    let group = lab.socket_group();
    let leeward = |isolation: &str| {
        let begin =
            ["run", "-d", "--name", "leeward", "--network", "proxy", "--cap-drop", "ALL", "--group-add", &group];
        let end =
            ["leeward/leeward:0.1.0", "serve", "--listen=0.0.0.0:9000", "--network=proxy", "--isolation", isolation];
        lab.docker_ok(&[&begin, &socket[..], &end].concat());
        let pid = lab.pid("leeward");
        eventually(Duration::from_secs(20), "leeward is ready", || {
            let answer = serve(&lab, &pid, "/readyz");
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        });
        pid
    };
    let pid = leeward("warn");
    let routes = serve(&lab, &pid, "/routes").body;
    lab.note(&format!("/routes:\n{routes}"));
    assert!(routes.contains("blog.test") && routes.contains("shop.test"), "{routes}");
    let audit = serve(&lab, &pid, "/audit").body;
    assert!(audit.contains("NET-001"), "{audit}");

    // Step 4: the switch.
    lab.docker_ok(&["rm", "-f", "traefik"]);
    traefik(&["--providers.http.endpoint=http://leeward:9000/config"], &[]);
    lab.until_visit("blog.test", 200, "from image");
    lab.until_visit("shop.test", 200, "from image");
    let after: Vec<u16> = HOSTS.iter().map(|host| lab.visit(host, "/").status).collect();
    assert_eq!(after, before);

    // Step 5: without `warn`, what has a way out is not routed, and is told so.
    lab.docker_ok(&["rm", "-f", "leeward"]);
    let pid = leeward("enforce");
    lab.until_visit("blog.test", 404, "");
    let seen = explain(&lab, &pid, "blog");
    lab.note(&format!("explain blog: {}", seen["refusal"]));
    assert_eq!(seen["refusal"]["rule"], "NET-001", "{seen}");
    // The network of its project, internal; Traefik joins it.
    lab.docker_ok(&["network", "create", "--internal", "blog"]);
    lab.docker_ok(&["network", "connect", "blog", "traefik"]);
    lab.docker_ok(&["network", "connect", "blog", "blog"]);
    lab.docker_ok(&["network", "disconnect", "proxy", "blog"]);
    lab.until_visit("blog.test", 200, "from image");
}
