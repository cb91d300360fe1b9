//! Moving over, step by step as `docs/migration.md` tells it: a Traefik with the socket, Leeward beside it, the switch, a
//! preview, and one project after the other.

use std::time::Duration;

use crate::images;
use crate::lab::{Lab, Said, eventually};

const WEB: &str = "nginxinc/nginx-unprivileged:1.28-alpine";
const HOSTS: [&str; 3] = ["blog.test", "shop.test", "elsewhere.test"];

/// Leeward as in step 1, with these flags of judgement.
fn leeward(lab: &Lab, judging: &[&str]) {
    let group = lab.socket_group();
    lab.docker(&["rm", "-f", "leeward"]);
    let begin = ["run", "-d", "--name", "leeward", "--network", "net-control", "--restart", "unless-stopped"];
    let shut = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--group-add", &group];
    let door = ["-v", "/var/run/docker.sock:/var/run/docker.sock:ro", "-e", "LEEWARD_SERVER=http://127.0.0.1:9000"];
    let end =
        ["leeward/leeward:0.1.0", "serve", "--listen", "0.0.0.0:9000", "--traefik", "traefik", "--network", "proxy"];
    lab.docker_ok(&[&begin[..], &shut, &door, &end, judging].concat());
    eventually(Duration::from_secs(20), "leeward is ready", || lab.inside("leeward", &["/leeward", "health"]).ok);
}

/// What `docker exec leeward /leeward …` says.
fn exec(lab: &Lab, arguments: &[&str]) -> Said {
    let said = lab.inside("leeward", &[&["/leeward"], arguments].concat());
    lab.note(&format!("leeward {}:\n{}", arguments.join(" "), said.out));
    said
}

#[test]
fn moving_over() {
    let Some(means) = crate::means("moving_over") else { return };
    let lab = Lab::start("moving_over", &means.composes[0]);
    images::make_all(&lab, &means.traefik);

    // The usual stack: one open network, the socket in Traefik, apps that say little; one uses a middleware of the other.
    lab.docker_ok(&["network", "create", "proxy"]);
    let app = |name: &str, labels: &[&str]| {
        let (project, rule) = (
            format!("com.docker.compose.project={name}"),
            format!("traefik.http.routers.{name}.rule=Host(`{name}.test`)"),
        );
        let own = [project.as_str(), "com.docker.compose.config-hash=0", "traefik.enable=true", &rule];
        let labels: Vec<&str> = own.iter().chain(labels).flat_map(|label| ["--label", label]).collect();
        lab.docker_ok(
            &[&["run", "-d", "--name", name, "--network", "proxy", "--tmpfs", "/tmp"], &labels[..], &[WEB]].concat(),
        );
    };
    app("blog", &["traefik.http.routers.blog.middlewares=door@docker"]);
    app(
        "shop",
        &[
            "traefik.http.middlewares.door.basicauth.users=u:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "traefik.http.services.shop.loadbalancer.server.port=8080",
        ],
    );
    let traefik = |networks: &[&str], provider: &[&str], mounts: &[&str]| {
        lab.docker(&["rm", "-f", "traefik"]);
        let begin = ["create", "--name", "traefik", "--network", "proxy", "-p", "80:80"];
        let end = ["traefik:v3.7.15", "--entrypoints.web.address=:80", "--providers.providersthrottleduration=100ms"];
        lab.docker_ok(&[&begin, mounts, &end, provider].concat());
        for network in networks {
            lab.docker_ok(&["network", "connect", network, "traefik"]);
        }
        lab.docker_ok(&["start", "traefik"]);
    };
    let socket = ["-v", "/var/run/docker.sock:/var/run/docker.sock:ro"];
    traefik(&[], &["--providers.docker.network=proxy", "--providers.docker.exposedbydefault=false"], &socket);
    lab.until_visit("blog.test", 401, "");
    lab.until_visit("shop.test", 200, "from image");
    let visit = || HOSTS.map(|host| lab.visit(host, "/").status);
    let before = visit();
    let as_before = |what: &str| {
        eventually(Duration::from_secs(20), what, || {
            let now = visit();
            if now == before { Ok(()) } else { Err(format!("{now:?}, and it was {before:?}")) }
        });
    };

    // Step 1 and 2: Leeward beside it, reporting.
    lab.docker_ok(&["network", "create", "--internal", "net-control"]);
    lab.docker_ok(&["network", "connect", "net-control", "traefik"]);
    leeward(&lab, &["--isolation", "warn"]);
    let routes = exec(&lab, &["routes"]).out;
    assert!(routes.contains("blog.blog") && routes.contains("shop.shop"), "{routes}");
    assert!(!routes.contains("REFUSED") && !routes.contains("TRAEFIK LEAVES OUT"), "{routes}");
    let audit = exec(&lab, &["audit"]).out;
    assert!(audit.contains("NET-001") && audit.contains("--share-middleware shop.door"), "{audit}");

    // Step 3: the switch.
    let provider = "--providers.http.endpoint=http://leeward.net-control:9000/config";
    traefik(&["net-control"], &[provider, "--providers.http.pollinterval=250ms"], &[]);
    as_before("all is routed as before");

    // Step 4: what would change.
    let preview = exec(&lab, &["routes", "--isolation", "enforce"]).out;
    assert!(preview.starts_with("preview with --isolation enforce: the service goes on as it is\n"), "{preview}");
    assert!(preview.contains("REFUSED") && preview.contains("NET-001"), "{preview}");
    let why = exec(&lab, &["explain", "blog", "--isolation", "enforce"]);
    assert!(!why.ok && why.out.contains("NET-001") && why.out.contains("--share-middleware shop.door"), "{why:?}");
    assert_eq!(visit(), before);

    // Step 5: one project after the other.
    let shared = ["--isolation", "enforce", "--share-middleware", "shop.door", "--isolation-of", "shop=warn"];
    leeward(&lab, &[&shared[..], &["--isolation-of", "blog=warn"]].concat());
    as_before("with a mode for each of the two");
    assert!(exec(&lab, &["routes", "--isolation-of", "blog=enforce"]).out.contains("REFUSED"));
    // The network of its project, internal; Traefik joins it.
    lab.docker_ok(&["network", "create", "--internal", "blog"]);
    lab.docker_ok(&["network", "connect", "blog", "traefik"]);
    lab.docker_ok(&["network", "connect", "blog", "blog"]);
    lab.docker_ok(&["network", "disconnect", "proxy", "blog"]);
    as_before("the blog on a network of its own");
    let done = exec(&lab, &["routes", "--isolation-of", "blog=enforce"]).out;
    assert!(!done.contains("REFUSED") && done.contains("blog.blog"), "{done}");
    leeward(&lab, &shared);
    as_before("the blog is held to the rules");
    assert!(exec(&lab, &["explain", "blog"]).ok);
    // The other is not, and is told so.
    leeward(&lab, &["--isolation", "enforce", "--isolation-of", "shoop=warn"]);
    lab.until_visit("shop.test", 404, "");
    let refused = exec(&lab, &["routes"]).out;
    let typo = "warning: --isolation-of names `shoop`, and no container belongs to a project of that name; did you mean `shop`?";
    assert!(refused.starts_with(typo) && refused.contains("NET-001"), "{refused}");
    let log = lab.docker(&["logs", "leeward"]);
    assert!(log.err.contains("did you mean `shop`?") || log.out.contains("did you mean `shop`?"), "{log:?}");
}
