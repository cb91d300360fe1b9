//! What happens to the usual stacks of a home server, and why: innocent things stay innocent, what has a way out or
//! power over the host is refused with the rule that says so and the label that would vouch for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use leeward::inventory::{Binding, Container, ContainerId, Image, Inventory, Mount, Volume};
use leeward::plan::compile;
use leeward::policy::context::Context;
use leeward::policy::finding::{Action, Severity};
use leeward::policy::rule_id::RuleId;
use leeward::policy::rules::{Judgement, judge};
use leeward::report::words::{Remedy as _, Words as _};
use leeward::settings::{Isolation, Settings};

#[path = "support/inventory.rs"]
mod inventory;

/// A home server: Traefik on its exposed network and on one internal proxy network for each project.
struct Server(Inventory);

impl Server {
    fn new() -> Self {
        let mut server = Self(inventory::engine());
        server.network("exposed", false);
        server.0.images.insert("image".into(), Image::default());
        let traefik = server.add("traefik", "traefik", &["exposed"]);
        traefik.labels.insert("leeward.traefik".into(), "true".into());
        traefik.ports.insert("443/tcp".into(), vec![Binding { host_ip: "0.0.0.0".into(), host_port: "443".into() }]);
        traefik.confinement.sysctls.insert("net.ipv4.ip_forward".into(), "0".into());
        server
    }

    fn network(&mut self, name: &str, internal: bool) {
        inventory::network(&mut self.0, name, internal);
    }

    /// A project with an internal proxy network that Traefik is on, and an internal network of its own.
    fn project(&mut self, project: &str) {
        for network in [format!("{project}_proxy"), format!("{project}_internal")] {
            self.network(&network, true);
        }
        let network = format!("{project}_proxy");
        attach(self.0.container_mut("traefik").unwrap(), &network);
    }

    /// A container as Compose makes it without any hardening.
    fn add(&mut self, project: &str, service: &str, networks: &[&str]) -> &mut Container {
        let name = if project == service { service.to_owned() } else { format!("{project}-{service}-1") };
        let mut container = Container {
            id: name.as_str().into(),
            name: name.clone(),
            image: format!("{service}:latest"),
            image_id: "image".into(),
            state: "running".into(),
            started_at: "2026-11-24T03:00:00Z".into(),
            network_mode: (*networks.first().unwrap_or(&"none")).to_owned(),
            ..Container::default()
        };
        for (key, value) in [("project", project), ("service", service), ("config-hash", "0123")] {
            container.labels.insert(format!("com.docker.compose.{key}"), value.to_owned());
        }
        for network in networks {
            attach(&mut container, network);
        }
        Arc::make_mut(self.0.containers.entry(container.id.clone()).or_insert_with(|| container.into()))
    }
}

fn attach(container: &mut Container, network: &str) {
    inventory::attach(container, network, Some([172, 30, 0, 9].into()));
}

fn asks(container: &mut Container) -> &mut Container {
    container.labels.insert("traefik.enable".into(), "true".into());
    container
}

/// `source:destination[:ro]`; a source without a slash is a volume.
fn mount(container: &mut Container, text: &str) {
    let mut parts = text.split(':');
    let (source, destination) = (parts.next().unwrap(), parts.next().unwrap());
    let volume = !source.starts_with('/');
    container.mounts.push(Mount {
        kind: if volume { "volume" } else { "bind" }.into(),
        source: if volume { format!("/var/lib/docker/volumes/{source}/_data") } else { source.into() },
        destination: destination.into(),
        name: if volume { source.into() } else { String::new() },
        writable: parts.next() != Some("ro"),
        propagation: "rprivate".into(),
        made_as: None,
    });
}

fn port(container: &mut Container, port: &str, host_port: &str) {
    let binding = Binding { host_ip: String::new(), host_port: host_port.into() };
    container.port_bindings.insert(port.into(), vec![binding.clone()]);
    container.ports.insert(port.into(), vec![Binding { host_ip: "0.0.0.0".into(), ..binding }]);
}

fn place(server: &Server, id: &str) -> usize {
    server.0.containers.keys().position(|it| it.as_str() == id).unwrap()
}

fn judged(server: &Server, isolation: Isolation) -> Judgement {
    let settings = Settings { isolation, ..Settings::default() };
    let world = Context::of(&server.0, &settings);
    let asked: Vec<bool> =
        world.candidates.iter().map(|candidate| candidate.labels.get("traefik.enable") == Some("true")).collect();
    judge(&world, &asked)
}

/// Which rules refuse a container, and what else of some weight is said of it, under `enforce`.
///
/// What Compose leaves open on every container is left out: NET-012, NET-013, NET-015, PRV-018 and hygiene.
#[track_caller]
fn check(build: impl FnOnce(&mut Server), container: &str, refused: &[&str], said: &[&str]) {
    let mut server = Server::new();
    build(&mut server);
    for volume in server.0.containers.values().flat_map(|it| &it.mounts).map(|it| it.name.clone()) {
        server.0.volumes.entry(volume).or_default();
    }
    let judgement = judged(&server, Isolation::Enforce);
    let at = place(&server, container);
    let refusals = judgement.refusals(at);
    let found: Vec<&str> = refusals.iter().filter_map(|refusal| refusal.rule.map(RuleId::as_str)).collect();
    assert_eq!(found, refused, "{refusals:#?}");
    for refusal in &refusals {
        assert!(refusal.words().contains('`'), "names nothing: {}", refusal.words());
        assert!(!refusal.remedy().trim().is_empty(), "{refusal:#?}");
    }
    let usual = ["NET-012", "NET-013", "NET-015", "PRV-018", "NET-010"];
    let also: Vec<String> = judgement
        .concerning(at)
        .into_iter()
        .map(|(finding, _)| finding)
        .filter(|it| it.severity > Severity::Low && it.action != Action::Inform && !it.not_verifiable)
        .map(|finding| finding.rule.to_string())
        .filter(|rule| !usual.contains(&rule.as_str()) && !refused.contains(&rule.as_str()))
        .collect();
    assert_eq!(also, said);
    assert_eq!(judged(&server, Isolation::Warn).refusals(at), []);
}

#[test]
fn nextcloud_with_its_database() {
    let build = |server: &mut Server| {
        server.project("cloud");
        let app = asks(server.add("cloud", "nextcloud", &["cloud_proxy", "cloud_internal"]));
        mount(app, "nextcloud:/var/www/html");
        mount(app, "/home/u/data:/data");
        mount(server.add("cloud", "mariadb", &["cloud_internal"]), "db:/var/lib/mysql");
    };
    check(build, "cloud-nextcloud-1", &[], &[]);
}

#[test]
fn nextcloud_on_the_network_that_compose_makes_by_default() {
    let build = |server: &mut Server| {
        server.project("cloud");
        server.network("cloud_default", false);
        asks(server.add("cloud", "nextcloud", &["cloud_proxy", "cloud_default"]));
    };
    check(build, "cloud-nextcloud-1", &["NET-001"], &[]);
}

#[test]
fn vaultwarden_with_its_data_on_the_host() {
    let build = |server: &mut Server| {
        server.project("vault");
        let app = asks(server.add("vault", "vaultwarden", &["vault_proxy"]));
        mount(app, "/var/lib/vaultwarden:/data");
        mount(app, "/etc/localtime:/etc/localtime:ro");
    };
    check(build, "vault-vaultwarden-1", &[], &[]);
}

#[test]
fn immich_with_its_parts() {
    let build = |server: &mut Server| {
        server.project("immich");
        let app = asks(server.add("immich", "server", &["immich_proxy", "immich_internal"]));
        mount(app, "/srv/photos:/usr/src/app/upload");
        mount(app, "/etc/localtime:/etc/localtime:ro");
        mount(server.add("immich", "machine-learning", &["immich_internal"]), "models:/cache");
        server.add("immich", "redis", &["immich_internal"]);
        mount(server.add("immich", "database", &["immich_internal"]), "/srv/pg:/var/lib/postgresql/data");
    };
    check(build, "immich-server-1", &[], &[]);
}

#[test]
fn immich_whose_machine_learning_downloads_its_models() {
    let build = |server: &mut Server| {
        server.project("immich");
        server.network("immich_default", false);
        asks(server.add("immich", "server", &["immich_proxy", "immich_internal"]));
        server.add("immich", "machine-learning", &["immich_internal", "immich_default"]);
    };
    // The server itself stays in; that its neighbour has a way out is said, and refused under strict.
    check(build, "immich-server-1", &[], &["NET-011"]);
}

#[test]
fn authelia() {
    let build = |server: &mut Server| {
        server.project("auth");
        let app = asks(server.add("auth", "authelia", &["auth_proxy"]));
        mount(app, "/srv/authelia:/config");
    };
    check(build, "auth-authelia-1", &[], &[]);
}

#[test]
fn portainer() {
    let build = |server: &mut Server| {
        server.project("portainer");
        let app = asks(server.add("portainer", "portainer", &["portainer_proxy"]));
        mount(app, "/var/run/docker.sock:/var/run/docker.sock");
        mount(app, "data:/data");
    };
    check(build, "portainer", &["PRV-002"], &[]);
}

#[test]
fn dozzle_with_a_read_only_socket() {
    let build = |server: &mut Server| {
        server.project("dozzle");
        let app = asks(server.add("dozzle", "dozzle", &["dozzle_proxy"]));
        mount(app, "/var/run/docker.sock:/var/run/docker.sock:ro");
    };
    check(build, "dozzle", &["PRV-002"], &[]);
}

#[test]
fn a_downloader_behind_gluetun() {
    let build = |server: &mut Server| {
        server.project("media");
        server.network("media_default", false);
        let vpn = server.add("media", "gluetun", &["media_proxy", "media_default"]);
        vpn.confinement.cap_add = ["NET_ADMIN".to_owned()].into();
        vpn.confinement.devices = vec!["/dev/net/tun".into()];
        let app = asks(server.add("media", "qbittorrent", &[]));
        app.network_mode = "container:media-gluetun-1".into();
    };
    check(build, "media-qbittorrent-1", &["NET-003", "PRV-006"], &[]);
}

#[test]
fn jellyfin_with_a_graphics_card() {
    let build = |server: &mut Server| {
        server.project("jellyfin");
        let app = asks(server.add("jellyfin", "jellyfin", &["jellyfin_proxy"]));
        app.confinement.devices = vec!["/dev/dri".into()];
        app.confinement.group_add = vec!["44".into()];
        mount(app, "/srv/media:/media:ro");
        mount(app, "config:/config");
    };
    check(build, "jellyfin", &[], &["PRV-011"]);
}

#[test]
fn home_assistant_on_the_hosts_network() {
    let build = |server: &mut Server| {
        let app = asks(server.add("home", "homeassistant", &[]));
        app.network_mode = "host".into();
        app.confinement.privileged = true;
        mount(app, "/srv/hass:/config");
        mount(app, "/run/dbus:/run/dbus:ro");
    };
    check(build, "home-homeassistant-1", &["NET-002", "PRV-001", "PRV-002"], &[]);
}

#[test]
fn pihole_with_its_ports() {
    let build = |server: &mut Server| {
        server.project("pihole");
        server.network("pihole_default", false);
        let app = asks(server.add("pihole", "pihole", &["pihole_proxy", "pihole_default"]));
        port(app, "53/udp", "53");
        mount(app, "/srv/pihole:/etc/pihole");
    };
    check(build, "pihole", &["NET-001", "PUB-001"], &[]);
}

#[test]
fn gitea_with_a_port_that_internal_networks_keep_shut() {
    let build = |server: &mut Server| {
        server.project("gitea");
        let app = asks(server.add("gitea", "gitea", &["gitea_proxy"]));
        port(app, "22/tcp", "2222");
        app.ports.clear();
    };
    check(build, "gitea", &[], &["PUB-003"]);
}

#[test]
fn cadvisor_with_all_of_the_host() {
    let build = |server: &mut Server| {
        server.project("metrics");
        let app = asks(server.add("metrics", "cadvisor", &["metrics_proxy"]));
        app.confinement.privileged = true;
        for text in ["/:/rootfs:ro", "/var/run:/var/run:ro", "/sys:/sys:ro", "/var/lib/docker:/var/lib/docker:ro"] {
            mount(app, text);
        }
    };
    check(build, "metrics-cadvisor-1", &["PRV-001", "PRV-002"], &["PRV-016"]);
}

#[test]
fn syncthing_and_the_folder_it_shares() {
    let build = |server: &mut Server| {
        server.project("notes");
        server.network("sync_default", false);
        mount(asks(server.add("notes", "silverbullet", &["notes_proxy"])), "/srv/notes:/space");
        mount(server.add("sync", "syncthing", &["sync_default"]), "/srv/notes:/notes");
    };
    check(build, "notes-silverbullet-1", &[], &["VOL-001"]);
}

#[test]
fn watchtower_and_a_vpn_that_nobody_routes_are_no_finding() {
    let mut server = Server::new();
    server.network("tools_default", false);
    mount(server.add("tools", "watchtower", &["tools_default"]), "/var/run/docker.sock:/var/run/docker.sock");
    let vpn = server.add("tools", "wireguard", &["tools_default"]);
    vpn.confinement.cap_add = ["NET_ADMIN".to_owned(), "SYS_MODULE".to_owned()].into();
    port(vpn, "51820/udp", "51820");
    let judgement = judged(&server, Isolation::Strict);
    let about: BTreeMap<String, String> = judgement
        .findings
        .iter()
        .map(|finding| (format!("{:?}", finding.subject), finding.words()))
        .filter(|(subject, _)| subject.contains("tools"))
        .collect();
    assert_eq!(about, BTreeMap::new());
}

#[test]
fn traefik_itself_may_have_a_way_out_and_ports() {
    let mut server = Server::new();
    server.project("cloud");
    asks(server.add("cloud", "nextcloud", &["cloud_proxy"]));
    // Its dashboard is asked for by labels on its own container.
    asks(server.0.container_mut("traefik").unwrap());
    let judgement = judged(&server, Isolation::Enforce);
    assert_eq!(judgement.refusals(place(&server, "traefik")), []);
    let about: Vec<&str> = judgement
        .findings
        .iter()
        .filter(|finding| format!("{:?}", finding.subject).contains("traefik"))
        .map(|finding| finding.rule.as_str())
        .collect();
    assert_eq!(about, ["TRF-002", "TRF-003"]);
}

#[test]
fn paperless_with_its_broker_and_folders() {
    let build = |server: &mut Server| {
        server.project("paperless");
        let app = asks(server.add("paperless", "webserver", &["paperless_proxy", "paperless_internal"]));
        mount(app, "/srv/paperless/consume:/usr/src/paperless/consume");
        mount(app, "media:/usr/src/paperless/media");
        server.add("paperless", "broker", &["paperless_internal"]);
        mount(server.add("paperless", "db", &["paperless_internal"]), "pgdata:/var/lib/postgresql/data");
        // Two that it sends documents to, of no use to anybody else.
        server.add("paperless", "gotenberg", &["paperless_internal"]);
        server.add("paperless", "tika", &["paperless_internal"]);
    };
    check(build, "paperless-webserver-1", &[], &[]);
}

#[test]
fn gitea_with_its_ssh_port_on_the_host() {
    let build = |server: &mut Server| {
        server.project("gitea");
        server.network("gitea_default", false);
        let app = asks(server.add("gitea", "gitea", &["gitea_proxy", "gitea_default"]));
        port(app, "22/tcp", "2222");
        mount(app, "/etc/timezone:/etc/timezone:ro");
    };
    check(build, "gitea", &["NET-001", "PUB-001"], &[]);
}

#[test]
fn media_on_a_file_server() {
    let build = |server: &mut Server| {
        server.project("audiobooks");
        mount(asks(server.add("audiobooks", "audiobookshelf", &["audiobooks_proxy"])), "nas:/books:ro");
        let nas = Volume { driver: "local".into(), kind: "nfs".into(), ..Volume::default() };
        server.0.volumes.insert("nas".into(), nas);
    };
    // Said (VOL-003), and no more.
    check(build, "audiobooks-audiobookshelf-1", &[], &[]);
}

#[test]
fn netdata_and_node_exporter_see_the_host() {
    let netdata = |server: &mut Server| {
        server.project("netdata");
        let app = asks(server.add("netdata", "netdata", &["netdata_proxy"]));
        app.confinement.pid_mode = "host".into();
        app.confinement.cap_add = ["SYS_PTRACE".to_owned(), "SYS_ADMIN".to_owned()].into();
        app.confinement.security_opt = vec!["apparmor:unconfined".into()];
        for text in ["/proc:/host/proc:ro", "/sys:/host/sys:ro", "/etc/passwd:/host/etc/passwd:ro"] {
            mount(app, text);
        }
    };
    check(netdata, "netdata", &["PRV-003", "PRV-005"], &["PRV-016", "PRV-013"]);
    let exporter = |server: &mut Server| {
        server.project("metrics");
        let app = asks(server.add("metrics", "node-exporter", &["metrics_proxy"]));
        mount(app, "/:/host:ro");
    };
    check(exporter, "metrics-node-exporter-1", &["PRV-002"], &["PRV-016"]);
}

/// What becomes of one container's routes: the code of the refusal, or the rules and middlewares of its routers.
fn routes(server: &Server, settings: &Settings, container: &str) -> String {
    let plan = compile(&server.0, settings);
    let decision = plan.decisions.get(&ContainerId::from(container)).unwrap();
    if let Some(refusal) = &decision.refusal {
        return format!("{}: {}", refusal.code.as_str(), refusal.remedy());
    }
    let own = plan.routes.iter().filter(|route| route.backends.iter().any(|it| it.container == container));
    own.map(|route| format!("{} [{}]", route.rule, route.middlewares.join(","))).collect::<Vec<_>>().join("; ")
}

fn label(server: &mut Server, container: &str, pairs: &[(&str, &str)]) {
    let container = server.0.container_mut(container).unwrap();
    container.labels.insert("traefik.enable".into(), "true".into());
    container.labels.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    container.exposed_ports.insert("9091/tcp".into());
}

#[test]
fn authelia_before_everybody_elses_applications() {
    let mut server = Server::new();
    server.project("auth");
    server.project("cloud");
    server.add("auth", "authelia", &["auth_proxy"]);
    server.add("cloud", "nextcloud", &["cloud_proxy"]);
    let address = "traefik.http.middlewares.authelia.forwardauth.address";
    let forward = (address, "http://auth-authelia-1:9091/api/authz/forward-auth");
    label(
        &mut server,
        "auth-authelia-1",
        &[("traefik.http.routers.authelia.rule", "Host(`auth.example.com`)"), forward],
    );
    let rule = ("traefik.http.routers.cloud.rule", "Host(`cloud.example.com`)");
    label(&mut server, "cloud-nextcloud-1", &[rule, ("traefik.http.routers.cloud.middlewares", "authelia@docker")]);

    // As everybody writes it: refused, and the remedy is the flag; with it, all is as meant.
    let none = Settings::default();
    assert_eq!(routes(&server, &none, "auth-authelia-1"), "Host(`auth.example.com`) []");
    let refused = routes(&server, &none, "cloud-nextcloud-1");
    assert!(refused.starts_with("reference: ") && refused.contains(" --share-middleware auth.authelia "), "{refused}");
    let shared = Settings { share_middlewares: ["auth.authelia".parse().unwrap()].into(), ..Settings::default() };
    assert_eq!(routes(&server, &shared, "cloud-nextcloud-1"), "Host(`cloud.example.com`) [auth.authelia]");
    // Or it is declared on Traefik's own container.
    label(&mut server, "traefik", &[forward]);
    assert_eq!(routes(&server, &none, "cloud-nextcloud-1"), "Host(`cloud.example.com`) [traefik.authelia]");
}

#[test]
fn traefiks_own_dashboard_and_a_database_by_tls() {
    let mut server = Server::new();
    server.project("db");
    server.add("db", "postgres", &["db_proxy"]);
    let sni = ("traefik.tcp.routers.pg.rule", "HostSNI(`pg.example.com`)");
    label(&mut server, "db-postgres-1", &[sni, ("traefik.tcp.routers.pg.tls", "true")]);
    assert_eq!(routes(&server, &Settings::default(), "db-postgres-1"), "HostSNI(`pg.example.com`) []");

    let rule = ("traefik.http.routers.dash.rule", "Host(`traefik.example.com`)");
    label(&mut server, "traefik", &[rule, ("traefik.http.routers.dash.service", "api@internal")]);
    let refused = routes(&server, &Settings::default(), "traefik");
    assert!(refused.contains(" --allow-reference api@internal "), "{refused}");
    let settings = Settings { allow_references: ["api@internal".to_owned()].into(), ..Settings::default() };
    let plan = compile(&server.0, &settings);
    assert!(plan.routes.iter().any(|route| route.router == "traefik.dash" && route.service == "api@internal"));
}
