//! What a container may claim with its labels, and what becomes of it in the document.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leeward::inventory::{Attachment, Container, ContainerId, Image, Inventory, Network};
use leeward::plan::{Outcome, Plan, compile};
use leeward::policy::finding::Action;
use leeward::policy::rule_id::RuleId;
use leeward::policy::rules::{self, Check};
use leeward::report::audit;
use leeward::report::words::{Remedy as _, Words};
use leeward::settings::{Isolation, Names, OneOff, Settings};
use leeward::traefik::tls::DefaultCertificate;
use leeward::traefik::{Dynamic, document};
use serde_json::{Value, json};

#[path = "claims/catch_alls.rs"]
mod catch_alls;
#[path = "claims/many.rs"]
mod many;
#[path = "claims/moving.rs"]
mod moving;
#[path = "claims/outbound.rs"]
mod outbound;
#[path = "claims/unfolded.rs"]
mod unfolded;
#[path = "claims/version.rs"]
mod version;

type Labels = &'static [(&'static str, &'static str)];

/// Traefik on `net-a` and `net-b`; each internal, with the hosts bound to it (`-`: not bound).
fn inventory(bound: [&str; 2]) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.engine.product = "Engine".into();
    inventory.engine.version = "29.1.0".into();
    inventory.engine.gwbridge_members = Some(BTreeSet::new());
    inventory.images.insert("image".into(), Image::default());
    for (name, hosts) in ["net-a", "net-b"].into_iter().zip(bound) {
        let mut network = Network {
            id: name.into(),
            name: name.into(),
            driver: "bridge".into(),
            internal: true,
            ..Network::default()
        };
        if hosts != "-" {
            network.labels.insert("leeward.hosts".into(), hosts.into());
        }
        inventory.networks.insert(network.id.clone(), network);
    }
    add(&mut inventory, "traefik", "edge", &["net-a", "net-b"], &[("leeward.traefik", "true")]);
    inventory
}

fn add(inventory: &mut Inventory, name: &str, project: &str, networks: &[&str], labels: &[(&str, &str)]) {
    let at = inventory.containers.len() + 2;
    let mut container = Container {
        id: name.into(),
        name: name.into(),
        image: format!("{name}:1"),
        image_id: "image".into(),
        state: "running".into(),
        exposed_ports: ["80/tcp".to_owned()].into(),
        network_mode: (*networks.first().unwrap()).to_owned(),
        ..Container::default()
    };
    container.confinement.cap_drop = ["ALL".to_owned()].into();
    container.confinement.sysctls = [("net.ipv4.ip_forward".to_owned(), "0".to_owned())].into();
    for (third, network) in networks.iter().enumerate() {
        let attachment = Attachment {
            network: (*network).into(),
            network_id: (*network).into(),
            ipv4: format!("172.30.{third}.{at}").parse().ok(),
            ..Attachment::default()
        };
        container.attachments.insert((*network).into(), attachment.into());
    }
    let compose = [("com.docker.compose.project", project), ("com.docker.compose.config-hash", name)];
    for (key, value) in labels.iter().chain(&compose) {
        container.labels.insert((*key).to_owned(), (*value).to_owned());
    }
    inventory.put(container);
}

/// An application that asks, on `net-a`, of project `app`.
fn with(labels: &[(&str, &str)]) -> Inventory {
    let mut inventory = inventory(["-", "-"]);
    let labels: Vec<(&str, &str)> = [("traefik.enable", "true")].into_iter().chain(labels.iter().copied()).collect();
    add(&mut inventory, "app", "app", &["net-a"], &labels);
    inventory
}

fn everything(plan: &Plan) -> &Dynamic {
    plan.documents.get(Plan::EVERYONE).unwrap()
}

/// The code of the refusal of `app`, or `routed`.
fn verdict(inventory: &Inventory, settings: &Settings) -> String {
    let plan = compile(inventory, settings);
    let decision = plan.decisions.get("app").unwrap();
    match (&decision.outcome, &decision.refusal) {
        (Outcome::Routed, _) => "routed".to_owned(),
        (_, Some(refusal)) => {
            assert!(!refusal.words().contains('\n') && !refusal.remedy().is_empty(), "{refusal:?}");
            let nothing = everything(&plan).http.routers.keys().all(|name| !name.starts_with("app."));
            assert!(nothing, "refused leaves no trace");
            refusal.code.as_str().to_owned()
        }
        (outcome, None) => format!("{outcome:?}"),
    }
}

#[track_caller]
fn check(labels: &[(&str, &str)], wanted: &str) {
    assert_eq!(verdict(&with(labels), &Settings::default()), wanted, "{labels:?}");
}

const RULE: (&str, &str) = ("traefik.http.routers.web.rule", "Host(`app.example.com`)");

#[test]
fn references_lead_to_what_is_ones_own() {
    let service = "traefik.http.routers.web.service";
    let port = ("traefik.http.services.web.loadbalancer.server.port", "80");
    for own in ["web", "web@docker", "web@swarm", "web@http"] {
        check(&[RULE, port, (service, own)], "routed");
    }
    check(&[RULE, port, (service, "web@file")], "routed");
    check(&[RULE, port, (service, "api@internal")], "reference");
    check(&[RULE, port, (service, "web@consulcatalog")], "reference");
    check(&[RULE, port, (service, "web@docker@internal")], "reference");
    let tls = "traefik.http.routers.web.tls.options";
    check(&[RULE, (tls, "default")], "routed");
    check(&[RULE, (tls, "modern@file")], "routed");
    check(&[RULE, (tls, "modern")], "reference");
    let transport = "traefik.http.services.web.loadbalancer.serverstransport";
    check(&[RULE, port, (transport, "default@internal")], "routed");
    check(&[RULE, port, (transport, "ping@internal")], "reference");
    check(&[RULE, port, (transport, "own")], "reference");
    check(&[RULE, ("traefik.http.middlewares.e.errors.service", "api@internal")], "reference");
    check(&[RULE, ("traefik.http.middlewares.c.chain.middlewares", "auth@internal")], "reference");
}

#[test]
fn the_operator_allows_single_references() {
    let inventory = with(&[RULE, ("traefik.http.routers.web.service", "api@internal")]);
    let allow_references = ["api@internal".to_owned()].into();
    let settings = Settings { allow_references, ..Settings::default() };
    assert_eq!(verdict(&inventory, &settings), "routed");
}

#[test]
fn names_cannot_be_another_providers() {
    check(&[("traefik.http.routers.web@internal.rule", "Host(`a`)")], "bad-name");
    check(&[RULE, ("traefik.http.services.api@internal.loadbalancer.server.port", "80")], "bad-name");
}

#[test]
fn the_entry_point_of_traefik_is_its_own() {
    check(&[RULE, ("traefik.http.routers.web.entrypoints", "web,websecure")], "routed");
    check(&[RULE, ("traefik.http.routers.web.entrypoints", "web, Traefik")], "entry-point");
}

#[test]
fn a_server_is_the_container_itself() {
    let url = "traefik.http.services.web.loadbalancer.server.url";
    check(&[RULE, (url, "http://172.30.0.3:8080")], "routed");
    for bad in [
        "http://172.30.0.4",
        "http://evil.example",
        "http://app",
        "http://user@172.30.0.3",
        "http://172.30.0.3@evil.example",
        "http://172.30.0.3\\@evil.example",
        "http://172.30.0.3:80:80",
        "//172.30.0.3",
        "file:///etc/passwd",
        "http://[::ffff:172.30.0.3]",
        "http://2887647235",
    ] {
        check(&[RULE, (url, bad)], "server-url");
    }
    let path = "traefik.http.services.web.loadbalancer.healthcheck.path";
    for own in ["/healthz", "/a//b", "/login?next=http://elsewhere", "healthz"] {
        check(&[RULE, (path, own)], "routed");
    }
    for elsewhere in ["http://evil/", "//evil/", "HTTPS://evil", "http:evil"] {
        check(&[RULE, (path, elsewhere)], "server-url");
    }
}

#[test]
fn a_port_or_a_scheme_cannot_make_another_address() {
    let port = "traefik.http.services.web.loadbalancer.server.port";
    check(&[RULE, (port, "8080")], "routed");
    for bad in ["80@evil.example", "80/../@evil.example", "80#", "+80", "65536", "http", " 80"] {
        check(&[RULE, (port, bad)], "server-url");
    }
    let scheme = "traefik.http.services.web.loadbalancer.server.scheme";
    for plain in ["https", "h2c"] {
        check(&[RULE, (port, "80"), (scheme, plain)], "routed");
    }
    for bad in ["http://evil.example/?", "http://evil.example#", "http:evil"] {
        check(&[RULE, (port, "80"), (scheme, bad)], "server-url");
    }
    let sni = ("traefik.tcp.routers.web.rule", "HostSNI(`app.example.com`)");
    check(&[sni, ("traefik.tcp.services.web.loadbalancer.server.port", "80@evil.example")], "server-url");
    check(&[("traefik.udp.services.web.loadbalancer.server.port", "[::1]:53")], "server-url");
}

/// What was written of the health check of `app`.
fn follows_redirects(labels: &[(&str, &str)], isolation: Isolation) -> Option<bool> {
    let plan = compile(&with(labels), &Settings { isolation, ..Settings::default() });
    let service = everything(&plan).http.services.get("app.web").unwrap();
    service.load_balancer.as_ref().unwrap().health_check.as_ref().unwrap().follow_redirects
}

const HEALTH: (&str, &str) = ("traefik.http.services.web.loadbalancer.healthcheck.path", "/healthz");

#[test]
fn a_health_check_follows_no_redirect() {
    let follow = "traefik.http.services.web.loadbalancer.healthcheck.followredirects";
    let grpc = ("traefik.http.services.web.loadbalancer.healthcheck.mode", "grpc");
    for isolation in [Isolation::Enforce, Isolation::Strict, Isolation::Warn] {
        assert_eq!(follows_redirects(&[RULE, HEALTH], isolation), Some(false), "{isolation:?}");
        assert_eq!(follows_redirects(&[RULE, HEALTH, (follow, "false")], isolation), Some(false), "{isolation:?}");
        assert_eq!(follows_redirects(&[RULE, HEALTH, grpc], isolation), None, "{isolation:?}");
    }
    assert_eq!(follows_redirects(&[RULE, HEALTH], Isolation::Off), None);
    assert_eq!(follows_redirects(&[RULE, HEALTH, (follow, "true")], Isolation::Warn), Some(true));
    check(&[RULE, HEALTH, (follow, "true")], "server-url");
    check(&[RULE, HEALTH, (follow, "true"), ("leeward.allow", "LBL-011")], "routed");
    let allowed = [RULE, HEALTH, (follow, "true"), ("leeward.allow", "LBL-011")];
    assert_eq!(follows_redirects(&allowed, Isolation::Enforce), Some(true));
}

#[test]
fn a_health_check_goes_to_the_service_itself() {
    let check_of = |field: &str| format!("traefik.http.services.web.loadbalancer.healthcheck.{field}");
    for (field, value) in
        [("hostname", "evil.example"), ("scheme", "https"), ("headers.host", "evil.example"), ("port", "81")]
    {
        check(&[RULE, HEALTH, (&check_of(field), value)], "server-url");
        check(&[RULE, HEALTH, (&check_of(field), value), ("leeward.allow", "LBL-011")], "routed");
    }
    // The service's own port, from a label, from the image, from a URL.
    let port = check_of("port");
    let server = |field: &str| format!("traefik.http.services.web.loadbalancer.server.{field}");
    check(&[RULE, HEALTH, (&port, "80")], "routed");
    check(&[RULE, HEALTH, (&port, "8080"), (&server("port"), "8080")], "routed");
    check(&[RULE, HEALTH, (&port, "80"), (&server("port"), "8080")], "server-url");
    check(&[RULE, HEALTH, (&port, "443"), (&server("url"), "https://172.30.0.3")], "routed");
    check(&[RULE, HEALTH, (&port, "80"), (&server("url"), "https://172.30.0.3")], "server-url");
    check(&[RULE, HEALTH, (&port, "0")], "routed");
    // A check by TCP has no more than a port.
    let sni = ("traefik.tcp.routers.web.rule", "HostSNI(`app.example.com`)");
    let port = "traefik.tcp.services.web.loadbalancer.healthcheck.port";
    let knows_it = Settings { traefik_version: "3.7".parse().ok(), ..Settings::default() };
    assert_eq!(verdict(&with(&[sni, (port, "80")]), &knows_it), "routed");
    assert_eq!(verdict(&with(&[sni, (port, "22")]), &knows_it), "server-url");
}

#[test]
fn a_status_that_a_redirect_misses_is_said() {
    let status = |value| ("traefik.http.services.web.loadbalancer.healthcheck.status", value);
    let says = |labels: &[(&str, &str)], isolation| {
        let plan = compile(&with(labels), &Settings { isolation, ..Settings::default() });
        plan.findings.iter().any(|finding| finding.rule == RuleId::Lbl018)
    };
    for isolation in [Isolation::Enforce, Isolation::Strict, Isolation::Warn] {
        assert!(says(&[RULE, HEALTH, status("200")], isolation), "{isolation:?}");
        assert!(!says(&[RULE, HEALTH, status("302")], isolation), "{isolation:?}");
        assert!(!says(&[RULE, HEALTH], isolation), "{isolation:?}");
        let told = ("traefik.http.services.web.loadbalancer.healthcheck.followredirects", "false");
        assert!(!says(&[RULE, HEALTH, status("200"), told], isolation), "{isolation:?}");
    }
    assert!(!says(&[RULE, HEALTH, status("200")], Isolation::Off));
}

#[test]
fn a_middleware_sends_to_containers_of_its_own_project_only() {
    let address = "traefik.http.middlewares.a.forwardauth.address";
    let redis = "traefik.http.middlewares.a.ratelimit.redis.endpoints";
    let with_redis = Settings { traefik_version: "3.7".parse().ok(), ..Settings::default() };
    let verdict_of = |labels: &[(&str, &str)]| {
        let mut inventory = with(labels);
        add(&mut inventory, "login", "app", &["net-a"], &[]);
        add(&mut inventory, "cache", "app", &["net-c"], &[]);
        add(&mut inventory, "vault", "other", &["net-b"], &[]);
        let alias = |inventory: &mut Inventory, name: &str, network: &str, alias: &str| {
            let container = inventory.container_mut(name).unwrap();
            container.attachments.get_mut(network).unwrap().aliases.insert(alias.into());
        };
        for name in ["localhost", "evil.example", "traefik", "host.docker.internal", "pinned", "www.evil"] {
            alias(&mut inventory, "login", "net-a", name);
        }
        let hosts = &mut inventory.container_mut("traefik").unwrap().confinement.extra_hosts;
        hosts.extend(["host.docker.internal:host-gateway".to_owned(), "pinned=172.30.9.9".to_owned()]);
        verdict(&inventory, &with_redis)
    };
    for own in ["login", "app", "login.net-a", "172.30.0.4", "172.30.0.3"] {
        assert_eq!(verdict_of(&[RULE, (address, &format!("http://{own}:9091/verify"))]), "routed", "{own}");
        assert_eq!(verdict_of(&[RULE, (redis, &format!("{own}:6379"))]), "routed", "{own}");
    }
    for other in [
        "evil.example",
        "203.0.113.2",
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "vault",
        "vault.net-b",
        "172.30.0.6",
        // On no network of Traefik's; Traefik itself; in Traefik's own file of hosts.
        "cache",
        "cache.net-c",
        "traefik",
        "traefik.net-a",
        "host.docker.internal",
        "pinned",
        // A name that is an alias now, and anybody's on the Internet as soon as its container is gone.
        "www.evil",
        "login.evil",
        "user@login",
        "login%2eevil",
        "login\\@evil",
        "login evil",
        "",
        "[login",
        "2130706433",
        "[::1]",
    ] {
        assert_eq!(verdict_of(&[RULE, (address, &format!("http://{other}:9091/verify"))]), "middleware", "{other}");
        assert_eq!(verdict_of(&[RULE, (redis, &format!("{other}:6379"))]), "middleware", "{other}");
    }
    // A network may be called like a public domain: as soon as `login` is gone, or while it restarts, Docker asks the Internet.
    let on = |network: &str, address_of: &str, state: &str| {
        let address_of = format!("http://{address_of}:9091/verify");
        let mut inventory = with(&[RULE, (address, &address_of)]);
        add(&mut inventory, "login", "app", &["net-a"], &[]);
        inventory.container_mut("login").unwrap().state = state.into();
        let mut renamed = inventory.networks.get("net-a").cloned().unwrap();
        renamed.name = network.to_owned();
        inventory.networks.insert(renamed.id.clone(), renamed);
        verdict(&inventory, &Settings::default())
    };
    for network in ["com", "Com", "web", "proxy", "xn--p1ai", "XN--P1AI", "example.com", "net.a", "home.arpa"] {
        assert_eq!(on(network, &format!("login.{network}"), "running"), "middleware", "{network}");
        assert_eq!(on(network, "login", "running"), "routed", "{network}");
    }
    for network in ["net-a", "app_default", "app2", "internal", "a-xn--b"] {
        assert_eq!(on(network, &format!("login.{network}"), "running"), "routed", "{network}");
        assert_eq!(on(network, &format!("login.{network}"), "restarting"), "routed", "{network}");
        assert_eq!(on(network, &format!("login.{network}"), "exited"), "middleware", "{network}");
    }
    for text in ["", "login", "//login/", "unix:///login", "http:login", "http://login:99999", "http://login:80:80"] {
        assert_eq!(verdict_of(&[RULE, (address, text)]), "middleware", "{text}");
    }
    // Traefik's default is itself; a cluster says where its other members are.
    let pool = ("traefik.http.middlewares.a.ratelimit.redis.poolsize", "1");
    assert_eq!(verdict_of(&[RULE, pool]), "middleware");
    assert_eq!(verdict_of(&[RULE, (redis, "login:6379,login:6380")]), "middleware");
    // What a plugin does cannot be known.
    let plugin = ("traefik.http.middlewares.a.plugin.p.url", "http://login/");
    assert_eq!(verdict_of(&[RULE, plugin]), "middleware");
    for (label, value) in [(address, "https://auth.example.com"), (redis, "cache:6379"), plugin] {
        assert_eq!(verdict_of(&[RULE, (label, value), ("leeward.allow", "LBL-009")]), "routed", "{label}");
    }
}

#[test]
fn what_stops_traefik_is_refused_also_under_warn() {
    let fatal = ("traefik.http.middlewares.a.basicauth.realm", "x");
    for (isolation, wanted) in
        [(Isolation::Enforce, "bad-label"), (Isolation::Warn, "bad-label"), (Isolation::Off, "routed")]
    {
        let settings = Settings { isolation, ..Settings::default() };
        assert_eq!(verdict(&with(&[RULE, fatal]), &settings), wanted, "{isolation:?}");
    }
}

#[test]
fn a_middleware_of_another_owner_must_be_shared() {
    let call = ("traefik.http.routers.web.middlewares", "auth");
    let declare = ("traefik.http.middlewares.auth.headers.framedeny", "true");
    let ask = ("traefik.enable", "true");
    check(&[RULE, call], "reference");
    check(&[RULE, call, declare], "routed");

    let mut inventory = with(&[RULE, call]);
    add(&mut inventory, "authelia", "authelia", &["net-a"], &[ask, declare]);
    let plan = compile(&inventory, &Settings::default());
    let refusal = plan.decisions.get("app").unwrap().refusal.clone().unwrap();
    assert_eq!(
        refusal.remedy(),
        "add --share-middleware authelia.auth to the flags of `leeward serve`, or authelia.auth to its LEEWARD_SHARE_MIDDLEWARE"
    );

    let share_middlewares: BTreeSet<_> = ["authelia.auth".parse().unwrap()].into();
    let settings = Settings { share_middlewares, ..Settings::default() };
    let plan = compile(&inventory, &settings);
    let middlewares = |plan: &Plan| everything(plan).http.routers.get("app.web").unwrap().middlewares.clone().unwrap();
    assert_eq!(middlewares(&plan), ["authelia.auth"]);

    // An own one of that name goes before it, and is nobody else's.
    let app = inventory.container_mut("app").unwrap();
    app.labels.insert(declare.0.into(), declare.1.into());
    assert_eq!(middlewares(&compile(&inventory, &settings)), ["app.auth"]);

    // Not shared, by its published name: the same remedy. One's own has no owner before it.
    let mut called = |name: &str| {
        inventory.container_mut("app").unwrap().labels.insert(call.0.into(), name.into());
        let plan = compile(&inventory, &Settings::default());
        plan.decisions.get("app").unwrap().refusal.clone().unwrap().remedy().into_owned()
    };
    assert_eq!(
        called("authelia.auth"),
        "add --share-middleware authelia.auth to the flags of `leeward serve`, or authelia.auth to its LEEWARD_SHARE_MIDDLEWARE"
    );
    assert_eq!(called("app.auth@http"), "write auth");

    // By its published name it is the sharer's all the same.
    let app = inventory.container_mut("app").unwrap();
    app.labels.insert(call.0.into(), "authelia.auth@docker".into());
    assert_eq!(middlewares(&compile(&inventory, &settings)), ["authelia.auth"]);
}

#[test]
fn what_a_declared_traefik_declares_is_for_everybody() {
    let mut inventory = with(&[RULE, ("traefik.http.routers.web.middlewares", "auth@docker")]);
    let traefik = inventory.container_mut("traefik").unwrap();
    traefik.labels.insert("traefik.enable".into(), "true".into());
    traefik.labels.insert("traefik.http.middlewares.auth.forwardauth.address".into(), "http://authelia:9091".into());
    let plan = compile(&inventory, &Settings::default());
    let router = everything(&plan).http.routers.get("app.web").unwrap();
    assert_eq!(router.middlewares.as_deref(), Some(&["edge.auth".to_owned()][..]));
    assert!(everything(&plan).http.middlewares.contains_key("edge.auth"));

    // Nothing that a container declares adds to the list or spoils it.
    let declare = [("traefik.enable", "true"), ("traefik.http.middlewares.auth.headers.framedeny", "true")];
    add(&mut inventory, "other", "other", &["net-a"], &declare);
    let after = compile(&inventory, &Settings::default());
    assert_eq!(everything(&after).http.routers.get("app.web"), Some(router));
}

#[test]
fn names_carry_their_owner_or_are_as_traefik_writes_them() {
    let inventory = with(&[
        RULE,
        ("traefik.http.routers.web.service", "web@docker"),
        ("traefik.http.routers.web.middlewares", "a,b@docker,c@file"),
        ("traefik.http.middlewares.a.headers.framedeny", "true"),
        ("traefik.http.middlewares.b.chain.middlewares", "a@docker"),
        ("traefik.http.services.web.loadbalancer.server.port", "80"),
    ]);
    let owned = compile(&inventory, &Settings::default());
    let router = everything(&owned).http.routers.get("app.web").unwrap();
    assert_eq!(router.middlewares.as_deref().unwrap(), ["app.a", "app.b", "c@file"]);
    assert_eq!(router.service.as_deref(), Some("app.web"));
    let chain = everything(&owned).http.middlewares.get("app.b").unwrap().chain.clone().unwrap();
    assert_eq!(chain.middlewares.unwrap(), ["app.a"]);

    let bare = compile(&inventory, &Settings { names: Names::Traefik, ..Settings::default() });
    let router = everything(&bare).http.routers.get("web").unwrap();
    assert_eq!(router.middlewares.as_deref().unwrap(), ["a", "b@http", "c@file"]);
    assert_eq!(router.service.as_deref(), Some("web@http"));
}

#[test]
fn hosts_are_bound_to_networks() {
    let on = |bound, network: &str, labels: &[(&str, &str)]| {
        let mut inventory = inventory(bound);
        let labels: Vec<(&str, &str)> =
            [("traefik.enable", "true")].into_iter().chain(labels.iter().copied()).collect();
        add(&mut inventory, "app", "app", &[network], &labels);
        verdict(&inventory, &Settings::default())
    };
    let one = ["app.example.com", "-"];
    assert_eq!(on(one, "net-a", &[RULE]), "routed");
    assert_eq!(on(one, "net-b", &[RULE]), "host");
    assert_eq!(on(one, "net-b", &[("traefik.http.routers.web.rule", "Host(`other.example.com`)")]), "routed");
    // The default rule is a claim too.
    assert_eq!(on(one, "net-a", &[]), "host");
    // Certificates.
    let domain = |host| [RULE, ("traefik.http.routers.web.tls.domains[0].main", host)];
    assert_eq!(on(one, "net-a", &domain("app.example.com")), "routed");
    assert_eq!(on(one, "net-a", &domain("*.example.com")), "host");
    // Both syntaxes.
    let v2 = [
        ("traefik.http.routers.web.rulesyntax", "v2"),
        ("traefik.http.routers.web.rule", "Host(`x`,`app.example.com`)"),
    ];
    assert_eq!(on(one, "net-b", &v2), "host");
    // Whole ports.
    let tcp =
        [("traefik.tcp.routers.web.rule", "HostSNI(`*`)"), ("traefik.tcp.services.web.loadbalancer.server.port", "80")];
    assert_eq!(on(one, "net-a", &tcp), "host");
    assert_eq!(on(["app.example.com", "*"], "net-b", &tcp), "routed");
    let udp =
        [("traefik.udp.routers.dns.entrypoints", "dns"), ("traefik.udp.services.dns.loadbalancer.server.port", "53")];
    assert_eq!(on(one, "net-b", &udp), "host");
    assert_eq!(on(["-", "*"], "net-b", &udp), "routed");
}

/// Traefik gives a router's TLS options to every host that its rule names, and where two routers differ, the default ones:
/// another project's client certificates were not asked for any more.
#[test]
fn a_host_that_a_rule_only_names_is_claimed() {
    let rules = [
        "Host(`app.example.com`) && (Host(`other.example.com`) || PathPrefix(`/x`))",
        "Host(`app.example.com`) && Host(`other.example.com`)",
        "Host(`app.example.com`) && !Host(`OTHER.example.com.`)",
        "Host(`app.example.com`) && !(!Host(`other.example.com`))",
        "Host(`app.example.com`) && !HostHeader(`other.example.com`)",
    ];
    for rule in rules {
        let labels = [("traefik.enable", "true"), ("traefik.http.routers.web.rule", rule)];
        let on = |bound| {
            let mut inventory = inventory(bound);
            add(&mut inventory, "app", "app", &["net-a"], &labels);
            verdict(&inventory, &Settings::default())
        };
        assert_eq!(on(["app.example.com", "other.example.com"]), "host", "{rule}");
        assert_eq!(on(["-", "other.example.com"]), "host", "{rule}");
        assert_eq!(on(["*", "other.example.com"]), "host", "{rule}");
        assert_eq!(on(["app.example.com", "-"]), "host", "{rule}");
        assert_eq!(on(["app.example.com,other.example.com,*.example.com", "-"]), "routed", "{rule}");
        // Where nothing is bound it is said, as of any host that two claim.
        let mut inventory = with(&labels);
        let other = ("traefik.http.routers.web.rule", "Host(`other.example.com`)");
        add(&mut inventory, "other", "other", &["net-b"], &[("traefik.enable", "true"), other]);
        let contested = compile(&inventory, &Settings::default());
        assert!(contested.findings.iter().any(|finding| finding.rule == RuleId::Lbl002), "{rule}");
    }
    // A path, a header or a client names no host.
    let labels = [
        ("traefik.enable", "true"),
        ("traefik.http.routers.web.rule", "Host(`app.example.com`) && !PathPrefix(`/other.example.com`)"),
    ];
    let mut inventory = inventory(["app.example.com", "other.example.com"]);
    add(&mut inventory, "app", "app", &["net-a"], &labels);
    assert_eq!(verdict(&inventory, &Settings::default()), "routed");
}

#[test]
fn one_host_of_two_owners_is_said_and_refused_under_strict() {
    let mut inventory = with(&[RULE]);
    add(&mut inventory, "other", "other", &["net-b"], &[("traefik.enable", "true"), RULE]);
    let plan = compile(&inventory, &Settings::default());
    let contest = plan.findings.iter().find(|finding| finding.rule == RuleId::Lbl002).unwrap();
    assert!(!contest.blocks);
    assert_eq!(audit::place(&contest.subject), "host app.example.com");
    assert!(["app", "other"].iter().all(|name| contest.subject.is_about(&ContainerId::from(*name))), "{contest:?}");
    assert_eq!(everything(&plan).http.routers.len(), 2);
    let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
    assert_eq!(verdict(&inventory, &strict), "host");
    assert_eq!(everything(&compile(&inventory, &strict)).http.routers.len(), 0);
}

#[test]
fn warn_reports_and_off_asks_nothing() {
    let inventory = with(&[RULE, ("traefik.http.routers.web.service", "api@internal")]);
    let with = |isolation| Settings { isolation, ..Settings::default() };
    assert_eq!(verdict(&inventory, &with(Isolation::Warn)), "routed");
    assert_eq!(verdict(&inventory, &with(Isolation::Off)), "routed");
    let plan = compile(&inventory, &with(Isolation::Warn));
    assert!(plan.findings.iter().any(|finding| finding.rule == RuleId::Lbl004));
}

/// A rule that a step of the way judges; labels with which it fires, and like ones with which it does not.
const PAIRS: &[(&str, Labels, Labels)] = &[
    ("NET-009", &[RULE, ("traefik.docker.network", "elsewhere")], &[RULE, ("traefik.docker.network", "net-a")]),
    ("LBL-001", &[("traefik.http.routers.web.rule", "PathPrefix(`/`)")], &[RULE]),
    ("LBL-002", &[("traefik.http.routers.web.rule", "Host(`TAKEN.example.com`)")], &[RULE]),
    ("LBL-003", &[("traefik.http.routers.web.rule", "Host(`bound.example.com`)")], &[RULE]),
    (
        "LBL-004",
        &[RULE, ("traefik.http.routers.web.middlewares", "auth@internal")],
        &[RULE, ("traefik.http.routers.web.middlewares", "auth@file")],
    ),
    (
        "LBL-005",
        &[RULE, ("traefik.http.services.web.loadbalancer.server.url", "http://evil.example")],
        &[RULE, ("traefik.http.services.web.loadbalancer.server.scheme", "https")],
    ),
    (
        "LBL-006",
        &[RULE, ("traefik.http.routers.web.priority", "10")],
        &[RULE, ("traefik.http.routers.web.priority", "0")],
    ),
    (
        "LBL-007",
        &[RULE, ("traefik.http.routers.web.entrypoints", "traefik")],
        &[RULE, ("traefik.http.routers.web.entrypoints", "websecure")],
    ),
    (
        "LBL-008",
        &[
            ("traefik.tcp.routers.web.rule", "HostSNI(`*`)"),
            ("traefik.tcp.services.web.loadbalancer.server.port", "80"),
        ],
        &[
            ("traefik.tcp.routers.web.rule", "HostSNI(`db.example.com`)"),
            ("traefik.tcp.services.web.loadbalancer.server.port", "80"),
        ],
    ),
    (
        "LBL-009",
        &[RULE, ("traefik.http.middlewares.a.forwardauth.address", "http://app:9091")],
        &[RULE, ("traefik.http.middlewares.a.ratelimit.average", "10")],
    ),
    (
        "LBL-010",
        &[RULE, ("traefik.tls.stores.default.defaultgeneratedcert.resolver", "le")],
        &[RULE, ("traefik.http.routers.web.tls.certresolver", "le")],
    ),
    (
        "LBL-011",
        &[RULE, ("traefik.http.services.web.loadbalancer.healthcheck.hostname", "evil.example")],
        &[RULE, ("traefik.http.services.web.loadbalancer.healthcheck.path", "/healthz")],
    ),
    ("LBL-018", &[RULE, HEALTH, ("traefik.http.services.web.loadbalancer.healthcheck.status", "200")], &[RULE, HEALTH]),
    (
        "LBL-014",
        &[RULE, ("traefik.http.routers.web.observability.accesslogs", "false")],
        &[RULE, ("traefik.http.routers.web.observability.accesslogs", "true")],
    ),
    (
        "LBL-015",
        &[RULE, ("traefik.http.middlewares.a.basicauth.users", "u:$2y$31$abcdefghijklmnopqrstuv")],
        &[RULE, ("traefik.http.middlewares.a.basicauth.users", "u:$2y$10$abcdefghijklmnopqrstuv")],
    ),
    (
        "LBL-017",
        &[RULE, ("traefik.http.middlewares.a.forwardauth.address", "http://login:9091")],
        &[RULE, ("traefik.http.middlewares.a.forwardauth.address", "http://login.net-a:9091")],
    ),
    ("TRF-007", &[RULE, NEWER], &[RULE]),
];

/// Only Traefik 3.7 and later know it.
const NEWER: (&str, &str) = ("traefik.http.middlewares.m.encodedcharacters.allowencodedslash", "true");

/// The rules that speak of `app`, found or refused.
fn rules_of(labels: Labels, id: &str) -> BTreeSet<String> {
    let mut inventory = with(labels);
    if id == "LBL-002" {
        let taken = ("traefik.http.routers.x.rule", "Host(`taken.example.com`)");
        add(&mut inventory, "other", "other", &["net-b"], &[("traefik.enable", "true"), taken]);
    }
    if id == "LBL-017" {
        add(&mut inventory, "login", "auth", &["net-a"], &[]);
        add(&mut inventory, "other", "other", &["net-b"], &[]);
        let place = inventory.container_mut("other").unwrap().attachments.get_mut("net-b").unwrap();
        place.aliases.insert("login".into());
    }
    if id == "LBL-003" {
        let network = inventory.networks.get_mut("net-b").unwrap();
        network.labels.insert("leeward.hosts".into(), "bound.example.com".into());
    }
    let plan = compile(&inventory, &Settings::default());
    let refused = plan.decisions.get("app").unwrap().steps.iter().flat_map(|step| &step.refusals);
    let refused = refused.filter_map(|refusal| refusal.rule.map(|rule| rule.to_string()));
    refused.chain(plan.findings.iter().map(|finding| finding.rule.to_string())).collect()
}

#[test]
fn every_rule_about_claims_fires_where_it_should_and_nowhere_else() {
    let pairs: BTreeMap<&str, (Labels, Labels)> =
        PAIRS.iter().map(|(id, fires, quiet)| (*id, (*fires, *quiet))).collect();
    // Those of outbound names need a world of their own.
    let of_claims = |rule: &&rules::Rule| !rule.id.as_str().starts_with("EGR");
    for rule in rules::all().filter(|rule| matches!(rule.check, Check::Claim(_) | Check::Step)).filter(of_claims) {
        let (fires, quiet) = pairs.get(rule.id.as_str()).unwrap_or_else(|| panic!("{} has no pair", rule.id));
        assert!(rules_of(fires, rule.id.as_str()).contains(rule.id.as_str()), "{} does not fire", rule.id);
        assert!(!rules_of(quiet, rule.id.as_str()).contains(rule.id.as_str()), "{} fires", rule.id);
    }
}

#[test]
fn the_priority_of_a_tcp_router_is_told_as_that_of_an_http_router() {
    let labels: Labels = &[
        ("traefik.tcp.routers.db.rule", "HostSNI(`db.example.com`)"),
        ("traefik.tcp.routers.db.tls", "true"),
        ("traefik.tcp.routers.db.priority", "10"),
        ("traefik.tcp.services.db.loadbalancer.server.port", "5432"),
    ];
    assert!(rules_of(labels, "LBL-006").contains("LBL-006"));
}

#[test]
fn strict_refuses_what_only_reaches_far_and_the_operator_may_vouch() {
    let strict = Settings { isolation: Isolation::Strict, ..Settings::default() };
    for (id, fires, _) in PAIRS {
        let rule = id.parse::<RuleId>().unwrap().rule();
        if rule.action != Action::WarnStrictBlock || *id == "LBL-002" {
            continue;
        }
        let refused = |inventory: &Inventory, settings: &Settings| {
            let plan = compile(inventory, settings);
            let steps = plan.decisions.get("app").unwrap().steps.clone();
            steps.iter().flat_map(|step| &step.refusals).any(|refusal| refusal.rule.map(RuleId::as_str) == Some(*id))
        };
        let mut inventory = with(fires);
        assert!(!refused(&inventory, &Settings::default()), "{id} under enforce");
        assert!(refused(&inventory, &strict), "{id} under strict");
        let app = inventory.container_mut("app").unwrap();
        app.labels.insert("leeward.allow".into(), (*id).to_owned());
        assert!(!refused(&inventory, &strict), "{id} allowed for");
    }
}

#[test]
fn a_rule_that_does_not_exist_allows_nothing_and_is_said() {
    let inventory = with(&[("leeward.allow", "NET-999, NET-001")]);
    let plan = compile(&inventory, &Settings::default());
    let said: Vec<_> = plan.decisions.get("app").unwrap().warnings.iter().map(Words::words).collect();
    assert_eq!(said, ["`NET-999` is not a rule and has no effect; docs/rules.md lists the rules"]);
}

#[test]
fn nobody_vouches_for_what_is_others() {
    let claims: &[&[(&str, &str)]] = &[
        &[("traefik.http.routers.web.rule", "Host(`bank.example.com`)")],
        &[("traefik.http.routers.web.rule", "PathPrefix(`/`)")],
        &[
            ("traefik.http.routers.web.rule", "Host(`own.example.com`)"),
            ("traefik.http.routers.web.service", "api@internal"),
        ],
        &[("traefik.tls.stores.default.defaultgeneratedcert.resolver", "le")],
        &[("traefik.udp.routers.dns.entrypoints", "dns"), ("traefik.udp.services.dns.loadbalancer.server.port", "53")],
    ];
    for claim in claims {
        let mut inventory = inventory(["bank.example.com", "-"]);
        let allow = ("leeward.allow", "LBL-001,LBL-003,LBL-004,LBL-008,LBL-010");
        let labels: Vec<_> = [("traefik.enable", "true"), allow].into_iter().chain(claim.iter().copied()).collect();
        add(&mut inventory, "app", "app", &["net-b"], &labels);
        let found = verdict(&inventory, &Settings::default());
        assert!(["host", "reference"].contains(&found.as_str()), "{claim:?}: {found}");
        let plan = compile(&inventory, &Settings::default());
        let warnings = &plan.decisions.get("app").unwrap().warnings;
        assert_eq!(warnings.iter().filter(|it| it.words().contains("belongs to others")).count(), 3, "{warnings:?}");
        assert!(plan.findings.iter().any(|finding| finding.rule.as_str().starts_with("LBL-") && finding.blocks));
    }
}

#[test]
fn no_name_with_a_dot_leads_into_another_owners_space() {
    // `~bank` and `web.main` would be spelt as `~bank.web` and `main`.
    let mut inventory = inventory(["-", "-"]);
    let ask = ("traefik.enable", "true");
    add(
        &mut inventory,
        "bank.web",
        "",
        &["net-a"],
        &[ask, RULE, ("traefik.http.services.main.loadbalancer.server.port", "80")],
    );
    let rule = ("traefik.http.routers.x.rule", "Host(`evil.example.com`)");
    for label in ["traefik.http.routers.x.service", "traefik.http.middlewares.e.errors.service"] {
        add(&mut inventory, "bank", "", &["net-a"], &[ask, rule, (label, "web.main")]);
        let plan = compile(&inventory, &Settings::default());
        assert_eq!(plan.decisions.get("bank.web").unwrap().owner, "~bank.web");
        let refusal = plan.decisions.get("bank").unwrap().refusal.clone().unwrap();
        assert_eq!(refusal.rule.map(RuleId::as_str), Some("LBL-004"), "{refusal:?}");
    }
}

#[test]
fn a_project_that_calls_itself_traefik_shares_and_spoils_nothing() {
    let mut inventory = inventory(["bank.example.com", "-"]);
    let ask = ("traefik.enable", "true");
    let declare = ("traefik.http.middlewares.auth.headers.framedeny", "true");
    let traefik = inventory.container_mut("traefik").unwrap();
    traefik.labels.extend([ask, declare].map(|(key, value)| (key.to_owned(), value.to_owned())));
    let rule = ("traefik.http.routers.web.rule", "Host(`bank.example.com`)");
    add(&mut inventory, "app", "app", &["net-a"], &[ask, rule, ("traefik.http.routers.web.middlewares", "auth")]);
    let settings = Settings { traefiks: ["traefik".to_owned()].into(), ..Settings::default() };
    let before = compile(&inventory, &settings);
    assert_eq!(before.decisions.get("app").unwrap().outcome, Outcome::Routed);

    let service = ("traefik.http.routers.web.service", "x@file");
    let labels = [ask, ("leeward.traefik", "true"), rule, service, declare];
    add(&mut inventory, "mallory", "mallory", &["net-b"], &labels);
    let after = compile(&inventory, &settings);
    assert_eq!(everything(&after), everything(&before));
    assert_eq!(after.documents.keys().collect::<Vec<_>>(), ["", "traefik"]);
    let mallory = after.decisions.get("mallory").unwrap();
    assert_eq!(mallory.refusal.as_ref().unwrap().code.as_str(), "host");
    assert!(mallory.warnings.iter().any(|it| it.words().contains("--traefik")), "{:?}", mallory.warnings);
}

/// Only networks say which hosts are bound, and they are the operator's.
#[test]
fn a_container_that_calls_itself_traefik_takes_no_bound_host() {
    let judged = |rule: &str, networks: &[&str], mode: &str, settings: &Settings| {
        let mut inventory = inventory(["bank.example.com", "-"]);
        inventory.container_mut("traefik").unwrap().labels.remove("leeward.traefik");
        let labels = [
            ("traefik.enable", "true"),
            ("leeward.traefik", "true"),
            ("traefik.http.routers.web.rule", rule),
            ("traefik.http.routers.web.service", "x@file"),
        ];
        add(&mut inventory, "app", "app", networks, &labels);
        let app = inventory.container_mut("app").unwrap();
        app.network_mode = mode.to_owned();
        if mode == "host" {
            app.attachments.clear();
        }
        verdict(&inventory, settings)
    };
    let none = Settings::default();
    for rule in ["Host(`bank.example.com`)", "HostRegexp(`.+`)", "Host(`*.example.com`)", "PathPrefix(`/`)"] {
        assert_eq!(judged(rule, &["net-b"], "net-b", &none), "host", "{rule}");
        assert_eq!(judged(rule, &["net-b"], "host", &none), "host", "{rule} by the host's network");
        // Where a flag says who it is, the operator did.
        let flag = Settings { traefiks: ["app".to_owned()].into(), ..Settings::default() };
        assert_eq!(judged(rule, &["net-b"], "net-b", &flag), "routed", "{rule}");
    }
    assert_eq!(judged("Host(`traefik.example.com`)", &["net-b"], "net-b", &none), "routed");
    assert_eq!(judged("Host(`traefik.example.com`)", &["net-a"], "net-a", &none), "routed");
    assert_eq!(judged("Host(`bank.example.com`)", &["net-b", "net-a"], "net-b", &none), "routed");
}

/// What is reached by the host's network is on none that could be bound.
#[test]
fn a_project_under_warn_takes_no_bound_host_by_the_hosts_network() {
    let mut inventory = inventory(["app.example.com", "-"]);
    let port = ("traefik.http.services.web.loadbalancer.server.port", "80");
    add(&mut inventory, "app", "app", &["net-b"], &[("traefik.enable", "true"), RULE, port]);
    let app = inventory.container_mut("app").unwrap();
    app.network_mode = "host".to_owned();
    app.attachments.clear();
    let isolation_of = [("app".to_owned(), leeward::settings::OwnerIsolation::Warn)].into();
    assert_eq!(verdict(&inventory, &Settings { isolation_of, ..Settings::default() }), "host");
}

#[test]
fn of_projects_that_both_call_themselves_traefik_neither_speaks_for_the_others() {
    let mut inventory = inventory(["-", "-"]);
    let ask = ("traefik.enable", "true");
    let labels = [
        ask,
        ("leeward.traefik", "true"),
        ("traefik.http.routers.all.rule", "PathPrefix(`/`)"),
        ("traefik.http.routers.all.service", "x@file"),
        ("traefik.http.middlewares.auth.headers.framedeny", "true"),
    ];
    add(&mut inventory, "app", "app", &["net-b"], &labels);
    add(&mut inventory, "bank", "bank", &["net-a"], &[ask, RULE, ("traefik.http.routers.web.middlewares", "auth")]);
    assert_eq!(verdict(&inventory, &Settings::default()), "host");
    let plan = compile(&inventory, &Settings::default());
    let bank = plan.decisions.get("bank").unwrap().refusal.clone().unwrap();
    assert_eq!(bank.rule, Some(RuleId::Lbl004), "a stranger's middleware: {bank:?}");
    assert!(plan.findings.iter().any(|it| it.rule == RuleId::Trf009));
    let flag = Settings { traefiks: ["traefik".to_owned()].into(), ..Settings::default() };
    assert!(!compile(&inventory, &flag).findings.iter().any(|it| it.rule == RuleId::Trf009));
}

#[test]
fn an_image_cannot_choose_its_host_by_a_label_that_the_default_rule_reads() {
    let rule =
        "Host(`{{ index .Labels \"app.host\" }}`) && !Host(`{{ index .Labels \"com.docker.compose.service\" }}`)";
    let settings = Settings { default_rule: rule.parse().unwrap(), ..Settings::default() };
    let mut inventory = with(&[("app.host", "app.example.com"), ("com.docker.compose.service", "web")]);
    assert_eq!(verdict(&inventory, &settings), "routed");
    let bake = |inventory: &mut Inventory, key: &str, value: &str| {
        let image = inventory.images.get_mut("image").unwrap();
        image.labels.insert(key.into(), value.into());
    };
    // What the rule does not read, and what Compose bakes into an image that it builds.
    bake(&mut inventory, "maintainer", "me");
    bake(&mut inventory, "com.docker.compose.service", "web");
    inventory.container_mut("app").unwrap().labels.insert("maintainer".into(), "me".into());
    assert_eq!(verdict(&inventory, &settings), "routed");
    bake(&mut inventory, "app.host", "app.example.com");
    assert_eq!(verdict(&inventory, &settings), "image-labels");
    let refusal = compile(&inventory, &settings).decisions.get("app").unwrap().refusal.clone().unwrap();
    assert!(refusal.words().contains("reads `app.host` of `app`"), "{}", refusal.words());
    let app = inventory.container_mut("app").unwrap();
    app.labels.insert("leeward.image-labels".into(), "honor".into());
    assert_eq!(verdict(&inventory, &settings), "routed");
}

#[test]
fn constraints_know_a_project_whose_image_compose_built() {
    let constraints = "Label(`com.docker.compose.project`, `app`) && Label(`tier`, `public`)".parse().unwrap();
    let settings = Settings { constraints, ..Settings::default() };
    let mut inventory = with(&[RULE, ("tier", "public")]);
    inventory.images.get_mut("image").unwrap().labels.insert("com.docker.compose.project".into(), "app".into());
    assert_eq!(verdict(&inventory, &settings), "routed");
    inventory.images.get_mut("image").unwrap().labels.insert("tier".into(), "public".into());
    assert_eq!(verdict(&inventory, &settings), "constraints");
}

#[test]
fn a_label_that_sets_the_store_turns_our_default_certificate_off() {
    let ours = DefaultCertificate { certificate: "CERTIFICATE\n".into(), key: "KEY\n".into() };
    let settings = Settings { default_certificate: Some(Arc::new(ours)), ..Settings::default() };
    let written = |inventory: &Inventory| {
        let plan = compile(inventory, &settings);
        let written = document::write_with(everything(&plan), plan.default_certificate.as_deref());
        let tls = serde_json::from_str::<Value>(&written).unwrap()["tls"].clone();
        (tls, plan)
    };
    let given =
        json!({"stores": {"default": {"defaultCertificate": {"certFile": "CERTIFICATE\n", "keyFile": "KEY\n"}}}});
    let store = ("traefik.tls.stores.default.defaultgeneratedcert.resolver", "acme");
    // Without anything else, and beside a store that is refused.
    assert_eq!(written(&inventory(["-", "-"])).0, given);
    assert_eq!(written(&with(&[RULE, store])).0, given);
    let mut declared = inventory(["-", "-"]);
    let labels = [("leeward.traefik", "true"), ("traefik.enable", "true"), store];
    add(&mut declared, "traefik", "edge", &["net-a", "net-b"], &labels);
    let (tls, plan) = written(&declared);
    assert_eq!(tls, json!({"stores": {"default": {"defaultGeneratedCert": {"resolver": "acme"}}}}));
    let warnings = &plan.decisions.get("traefik").unwrap().warnings;
    assert!(warnings.iter().any(|it| it.words().contains("--default-certificate has no effect")), "{warnings:?}");
}

#[test]
fn a_container_of_compose_run_is_no_server_of_its_service() {
    let service = ("com.docker.compose.service", "web");
    let mut inventory = with(&[RULE, service]);
    let labels = [("traefik.enable", "true"), RULE, service, ("com.docker.compose.oneoff", "True")];
    add(&mut inventory, "app-run-1", "app", &["net-a"], &labels);
    let servers = |settings: &Settings| {
        let plan = compile(&inventory, settings);
        let decision = plan.decisions.get("app-run-1").unwrap().clone();
        (plan.routes.iter().map(|route| route.backends.len()).sum::<usize>(), decision)
    };
    let (count, decision) = servers(&Settings::default());
    let code = decision.refusal.as_ref().map(|refusal| refusal.code.as_str());
    assert_eq!((count, decision.outcome, code), (1, Outcome::Ignored, Some("one-off")));
    let routed = Settings { one_off: OneOff::Route, ..Settings::default() };
    assert_eq!(servers(&routed).0, 2);
}

#[test]
fn a_container_of_a_compose_hook_is_its_projects_and_no_server() {
    let mut inventory = with(&[RULE]);
    // As Compose makes it, of an image that it built: no hash, none of the service's labels.
    add(&mut inventory, "hook", "app", &["net-a"], &[("com.docker.compose.hook", "pre_start")]);
    let hook = inventory.container_mut("hook").unwrap();
    hook.labels.remove("com.docker.compose.config-hash");
    hook.image_id = "built".into();
    let baked = [("com.docker.compose.project".to_owned(), "app".to_owned())].into();
    inventory.images.insert("built".into(), Image { labels: baked, ..Image::default() });
    for exposed_by_default in [false, true] {
        let plan = compile(&inventory, &Settings { exposed_by_default, ..Settings::default() });
        let hook = plan.decisions.get("hook").unwrap();
        assert_eq!((hook.outcome, hook.owner.as_str()), (Outcome::Ignored, "app"));
        let refusal = hook.refusal.as_ref().unwrap();
        assert_eq!(refusal.label.as_deref(), Some("com.docker.compose.hook"), "{refusal:?}");
        assert_eq!(plan.decisions.get("app").unwrap().outcome, Outcome::Routed);
        assert!(!plan.routes.iter().flat_map(|route| &route.backends).any(|backend| backend.container == "hook"));
    }
}

/// It would cut the front door: Traefik's ports are what everybody comes in by.
#[test]
fn a_traefik_that_nobody_declared_is_told_to_be_declared_by_every_view() {
    let mut inventory = inventory(["-", "-"]);
    let traefik = inventory.container_mut("traefik").unwrap();
    traefik.labels.remove("leeward.traefik");
    traefik.labels.insert("traefik.enable".into(), "true".into());
    let open = leeward::inventory::Binding { host_ip: "0.0.0.0".into(), host_port: "443".into() };
    traefik.ports.insert("443/tcp".into(), vec![open.clone()]);
    traefik.port_bindings.insert("443/tcp".into(), vec![open]);
    let settings = Settings::default();
    let plan = compile(&inventory, &settings);
    assert!(plan.findings.iter().any(|it| it.rule == RuleId::Pub001), "{:?}", plan.findings);
    let audit = audit::Audit::of(&plan);
    let listing = leeward::report::routes::Listing::new(&plan, None, false);
    let mut explained = leeward::report::explain::find(&plan, "traefik");
    explained.propose(&inventory, &settings, &plan);
    let views = [audit.text(), audit.json(), audit.sarif(), listing.text(), listing.json(), explained.text()];
    for (at, view) in views.into_iter().chain([explained.json()]).enumerate() {
        // The catalogue of SARIF tells the rule's own remedy.
        let said = view.split_once("\"tool\"").map_or(view.as_str(), |(results, _)| results);
        assert!(!said.contains("delete `ports:`"), "view {at}: {said}");
        let is_command = said.contains("leeward fix traefik");
        assert!(said.contains("nothing says that it is your Traefik") || is_command, "view {at}: {said}");
    }
}

/// Each round of `up` told one more.
#[test]
fn a_label_that_cannot_be_read_hides_no_reason_of_another_label() {
    let labels = [
        RULE,
        ("traefik.http.routers.app.ruel", "Host(`app`)"),
        ("traefik.http.routers.app.priority", "high"),
        ("traefik.http.routers.app.tls.options", "strong"),
        ("traefik.http.routers.app.middlewares", "own, foreign"),
        ("traefik.http.middlewares.own.compress", "true"),
        ("traefik.http.middlewares.own.headers.framedeny", "maybe"),
        ("traefik.http.routers.all.rule", "PathPrefix(`/`)"),
    ];
    let mut inventory = with(&labels);
    let plan = compile(&inventory, &Settings::default());
    let decision = plan.decisions.get("app").unwrap();
    assert_eq!(decision.outcome, Outcome::Refused);
    let all = decision.steps.iter().flat_map(|step| &step.refusals);
    let told: BTreeSet<(&str, &str)> =
        all.map(|it| (it.name(), it.label.as_deref().unwrap().trim_start_matches("traefik.http."))).collect();
    let wanted = [
        ("LBL-001", "routers.all.rule"),
        ("LBL-004", "routers.app.middlewares"),
        ("LBL-004", "routers.app.tls.options"),
        ("bad-label", "middlewares.own.headers.framedeny"),
        ("bad-label", "routers.app.priority"),
        ("bad-label", "routers.app.ruel"),
    ];
    assert_eq!(told, wanted.into(), "{decision:#?}");
    // And it tells nothing that is not so once these are corrected.
    let app = inventory.container_mut("app").unwrap();
    for label in ["routers.app.ruel", "routers.app.priority", "middlewares.own.headers.framedeny"] {
        app.labels.remove(&format!("traefik.http.{label}"));
    }
    let plan = compile(&inventory, &Settings::default());
    let all = plan.decisions.get("app").unwrap().steps.iter().flat_map(|step| &step.refusals);
    let later: BTreeSet<(&str, &str)> =
        all.map(|it| (it.name(), it.label.as_deref().unwrap().trim_start_matches("traefik.http."))).collect();
    assert_eq!(later, wanted.into_iter().filter(|(name, _)| *name != "bad-label").collect());
}

#[test]
fn the_audit_shows_what_to_change_once_for_few_projects_and_the_commands_for_many() {
    let mut inventory = inventory(["-", "-"]);
    let open = Network { id: "open".into(), name: "open".into(), driver: "bridge".into(), ..Network::default() };
    inventory.networks.insert("open".into(), open);
    let settings = Settings::default();
    let labels = [("traefik.enable", "true"), RULE];
    let text = |inventory: &Inventory| {
        let plan = compile(inventory, &settings);
        let audit = audit::Audit::proposing(&plan, inventory, &settings);
        let json: Value = serde_json::from_str(&audit.json()).unwrap();
        (audit.text(), json["fix"].is_null())
    };
    add(&mut inventory, "web", "one", &["open"], &labels);
    add(&mut inventory, "api", "one", &["open"], &labels);
    let (few, without) = text(&inventory);
    assert!(!without && few.matches("see REMEDY below").count() == 1, "{few}");
    assert!(few.matches("REMEDY, all reasons at once").count() == 1, "{few}");
    assert!(
        few.matches("# Written by `leeward fix`").count() == 2,
        "Traefik's file and the project's, each once: {few}"
    );
    for project in ["two", "three", "four"] {
        add(&mut inventory, &format!("web-{project}"), project, &["open"], &labels);
    }
    let (many, without) = text(&inventory);
    assert!(without && !many.contains("x-leeward-file") && !many.contains("REMEDY below"), "{many}");
    for command in ["leeward fix one\n", "leeward fix two\n", "leeward fix   # all of them\n"] {
        assert!(many.contains(command), "{many}");
    }
}

#[test]
fn the_page_does_not_look_well_beside_a_router_that_traefik_leaves_out() {
    use leeward::report::page::{self, Facts, Filter};
    let settings = Settings::default();
    let badges = |rule: &'static str| {
        let inventory = with(&[("traefik.http.routers.app.rule", rule)]);
        let plan = compile(&inventory, &settings);
        let facts = Facts {
            inventory: &inventory,
            settings: &settings,
            plan: &plan,
            revision: 1,
            stale: None,
            signed_in: false,
        };
        let pages = [page::front(&facts, &Filter::default()).html, page::container(&facts, "app").html];
        pages.map(|html| html.contains("badge unknown\">left out by Traefik"))
    };
    assert_eq!(badges("Host(`app`)"), [false, false]);
    assert_eq!(badges("Host(`app`) && Hots(`app`)"), [true, true]);
}
