//! Who may take everything: where no network binds hosts, nobody, unless the operator said so.

use super::*;

const HTTP: &str = "traefik.http.routers.web.rule";
const TCP: &str = "traefik.tcp.routers.db.rule";
const TCP_PORT: (&str, &str) = ("traefik.tcp.services.db.loadbalancer.server.port", "5432");
const UDP_PORT: (&str, &str) = ("traefik.udp.services.dns.loadbalancer.server.port", "53");

/// `routed`, or the rules by which `app` is refused.
fn judged(inventory: &Inventory, settings: &Settings) -> String {
    let plan = compile(inventory, settings);
    let decision = plan.decisions.get("app").unwrap();
    if decision.outcome == Outcome::Routed {
        return "routed".to_owned();
    }
    let rules: BTreeSet<String> = decision
        .steps
        .iter()
        .flat_map(|step| &step.refusals)
        .filter_map(|refusal| refusal.rule.map(|rule| rule.to_string()))
        .collect();
    rules.into_iter().collect::<Vec<_>>().join(" ")
}

fn own(given: &[&str]) -> Settings {
    Settings { own_entry_points: given.iter().map(|it| it.parse().unwrap()).collect(), ..Settings::default() }
}

#[track_caller]
fn is(labels: &[(&str, &str)], settings: &Settings, wanted: &str) {
    assert_eq!(judged(&with(labels), settings), wanted, "{labels:?} {:?}", settings.own_entry_points);
}

/// HTTP rules that name a host or a host's end in every branch, and rules that do not.
#[test]
fn a_rule_that_names_no_host_in_some_branch_takes_no_other_projects_hosts() {
    for named in [
        "Host(`app.example.com`)",
        "HOST(`App.Example.com.`)",
        "Host(`app.example.com`) || Host(`www.example.com`)",
        "Host(`app.example.com`) && (PathPrefix(`/a`) || Method(`GET`))",
        "Host(`app.example.com`) && !PathPrefix(`/private`)",
        "!!Host(`app.example.com`)",
        "!(!Host(`a.example.com`) && !Host(`b.example.com`))",
        "Host(`*.tenants.example.com`)",
        "HostRegexp(`^[a-z]+\\.tenants\\.example\\.com$`)",
        "HostRegexp(`^.+\\.tenants\\.example\\.com$`)",
        "HostRegexp(`(?i)^(www\\.)?Example\\.com$`)",
        "HostRegexp(`(?s)^.*\\.(a|b)\\.example\\.com$`)",
        "HostRegexp(`^(a|b)\\.example\\.com$`) || Host(`c.example.com`)",
        // Nothing matches both.
        "Host(`a.example.com`) && Host(`b.example.com`)",
    ] {
        is(&[(HTTP, named)], &Settings::default(), "routed");
    }
    for catch_all in [
        "PathPrefix(`/`)",
        "pathprefix(`/`)",
        "PathRegexp(`.*`)",
        "Path(`/.well-known/acme-challenge/x`)",
        "ClientIP(`0.0.0.0/0`)",
        "Method(`GET`)",
        "Header(`Host`, `app.example.com`)",
        "HeaderRegexp(`Host`, `^app\\.example\\.com$`)",
        "Query(`q`, `x`)",
        "Host(`app.example.com`) || PathPrefix(`/`)",
        "(Host(`app.example.com`) && Path(`/a`)) || (Method(`GET`) && Path(`/b`))",
        "!Host(`app.example.com`)",
        "!!!Host(`app.example.com`)",
        "!(Host(`a.example.com`) && Host(`b.example.com`))",
        "!(Host(`a.example.com`) || Host(`b.example.com`))",
        // From Traefik 3.7.7 on it matches everything.
        "Host(`*`)",
        "Host(`*.`)",
        "Host(`.`)",
        "HostRegexp(`.+`)",
        "HostRegexp(``)",
        "HostRegexp(`^$`)",
        // Whose end only looks as if it were fixed.
        "HostRegexp(`.*example.com`)",
        "HostRegexp(`app\\.example\\.com`)",
        "HostRegexp(`^app\\.example\\.com`)",
        "HostRegexp(`^app.example.com$`)",
        "HostRegexp(`^.*com$`)",
        "HostRegexp(`^.+example\\.com$`)",
        "HostRegexp(`(\\.example\\.com$|.*)`)",
        "HostRegexp(`^a\\.example\\.com$|b`)",
        "HostRegexp(`^(.+\\.example\\.com)?$`)",
        "HostRegexp(`^.+\\.example\\.com$.*`)",
        "HostRegexp(`^.+\\.example\\.com$|`)",
        "HostRegexp(`(?m)^.+\\.example\\.com$`)",
        "HostRegexp(`^.+(\\.example\\.com)?$`)",
        "HostRegexp(`^.+(\\.example\\.com)*$`)",
        "HostRegexp(`^[^x]+$`)",
        // All below one label.
        "Host(`*.com`)",
        "HostRegexp(`^.+\\.com$`)",
        // What cannot be read.
        "Host()",
        "Host(`app.example.com`",
        "Elsewhere(`app.example.com`)",
    ] {
        is(&[(HTTP, catch_all)], &Settings::default(), "LBL-001");
        for (label, value) in [("priority", "1000000"), ("entrypoints", "web"), ("rulesyntax", "v3")] {
            let more = format!("traefik.http.routers.web.{label}");
            is(&[(HTTP, catch_all), (&more, value)], &Settings::default(), "LBL-001");
        }
        let second = ("traefik.http.routers.second.rule", "Host(`second.example.com`)");
        is(&[second, (HTTP, catch_all)], &Settings::default(), "LBL-001");
    }
}

#[test]
fn the_syntax_of_v2_hides_no_catch_all() {
    let v2 = ("traefik.http.routers.web.rulesyntax", "v2");
    for (rule, wanted) in [
        ("Host(`a.example.com`, `b.example.com`)", "routed"),
        ("HostHeader(`a.example.com`)", "routed"),
        ("HostRegexp(`{tenant:[a-z]+}.tenants.example.com`)", "routed"),
        ("HostRegexp(`{any:.*}`)", "LBL-001"),
        ("HostRegexp(`{any:.+}.com`)", "LBL-001"),
        ("Host(`a.example.com`) || Headers(`X`, `y`)", "LBL-001"),
        ("Path(`/{any:.*}`)", "LBL-001"),
    ] {
        is(&[(HTTP, rule), v2], &Settings::default(), wanted);
    }
    // Traefik's own default may be v2.
    is(&[(HTTP, "HostRegexp(`{any:.*}`)")], &Settings::default(), "LBL-001");
}

#[test]
fn no_default_rule_makes_a_catch_all_out_of_a_label() {
    let rule = |rule: &str| Settings { default_rule: rule.parse().unwrap(), ..Settings::default() };
    let by_label = rule("Host(`{{ index .Labels \"app.host\" }}`)");
    is(&[("app.host", "app.example.com")], &by_label, "routed");
    is(&[("app.host", "app.example.com`) || PathPrefix(`/")], &by_label, "LBL-001");
    is(&[], &rule("PathPrefix(`/{{ normalize .Name }}`)"), "LBL-001");
    is(&[(HTTP, "")], &rule("PathPrefix(`/`)"), "LBL-001");
    is(&[(HTTP, "")], &Settings::default(), "routed");
}

#[test]
fn a_default_page_or_a_path_is_allowed_on_its_container() {
    for rule in ["PathPrefix(`/`)", "Path(`/status`)"] {
        is(&[(HTTP, rule)], &Settings::default(), "LBL-001");
        is(&[(HTTP, rule), ("leeward.allow", "LBL-001")], &Settings::default(), "routed");
        is(&[(HTTP, rule), ("leeward.allow", "LBL-008")], &Settings::default(), "LBL-001");
        // On an entry point of its own it takes from nobody.
        let on = ("traefik.http.routers.web.entrypoints", "admin");
        is(&[(HTTP, rule), on], &Settings::default(), "LBL-001");
        is(&[(HTTP, rule), on], &own(&["admin=app"]), "routed");
    }
    // An image cannot allow it.
    let mut inventory = with(&[(HTTP, "PathPrefix(`/`)"), ("leeward.allow", "LBL-001")]);
    inventory.images.get_mut("image").unwrap().labels.insert("leeward.allow".into(), "LBL-001".into());
    assert_eq!(judged(&inventory, &Settings::default()), "LBL-001");
}

/// TCP goes before HTTP: without TLS such a router takes all plain HTTP of its entry points, with TLS whatever no HTTPS
/// router names.
#[test]
fn a_whole_port_is_taken_only_on_an_entry_point_of_ones_own() {
    let entry_points = |value| ("traefik.tcp.routers.db.entrypoints", value);
    let tls = ("traefik.tcp.routers.db.tls", "true");
    let passthrough = ("traefik.tcp.routers.db.tls.passthrough", "true");
    for rule in [
        "HostSNI(`*`)",
        "hostsni(`*`)",
        "(HostSNI(`*`))",
        "HostSNI(`*`) && ClientIP(`0.0.0.0/0`)",
        "ClientIP(`172.16.0.0/12`)",
        "ALPN(`h2`)",
        "!HostSNI(`db.example.com`)",
        "HostSNI(`db.example.com`) || ClientIP(`0.0.0.0/0`)",
        "HostSNIRegexp(`.*`)",
        "HostSNIRegexp(`^(db\\.example\\.com)?$`)",
    ] {
        for tls in [&[][..], &[tls], &[tls, passthrough]] {
            let with = |more: &[(&'static str, &'static str)]| [&[(TCP, rule), TCP_PORT], tls, more].concat();
            is(&with(&[]), &Settings::default(), "LBL-008");
            is(&with(&[("traefik.tcp.routers.db.priority", "1000")]), &Settings::default(), "LBL-008");
            is(&with(&[entry_points("web")]), &Settings::default(), "LBL-008");
            // Without an entry point it is on all default ones.
            is(&with(&[]), &own(&["web=app", "mqtt=app"]), "LBL-008");
            is(&with(&[entry_points("")]), &own(&["web=app"]), "LBL-008");
            is(&with(&[entry_points("db")]), &own(&["db=app"]), "routed");
            is(&with(&[entry_points("db, db2")]), &own(&["db=app", "db2=app"]), "routed");
            is(&with(&[entry_points("db,web")]), &own(&["db=app"]), "LBL-008");
            is(&with(&[entry_points("db")]), &own(&["db=other"]), "LBL-008");
            is(&with(&[entry_points("db")]), &own(&["db=other", "db=app"]), "routed");
            is(&with(&[entry_points("DB")]), &own(&["db=app"]), "LBL-008");
        }
    }
    for named in ["HostSNI(`db.example.com`)", "HostSNIRegexp(`^.+\\.db\\.example\\.com$`)"] {
        is(&[(TCP, named), TCP_PORT, tls], &Settings::default(), "routed");
        is(&[(TCP, named), TCP_PORT, tls, passthrough], &Settings::default(), "routed");
    }
}

#[test]
fn udp_has_no_names_and_needs_an_entry_point_of_its_own() {
    let on = |value| ("traefik.udp.routers.dns.entrypoints", value);
    is(&[on("dns"), UDP_PORT], &Settings::default(), "LBL-008");
    is(&[on("dns"), UDP_PORT], &own(&["dns=app"]), "routed");
    is(&[on("dns,other"), UDP_PORT], &own(&["dns=app"]), "LBL-008");
    is(&[("traefik.udp.routers.dns.service", "dns"), UDP_PORT], &own(&["dns=app"]), "LBL-008");
}

#[test]
fn a_message_broker_has_its_own_entry_point_and_its_page_a_host() {
    let mqtt: Labels = &[
        ("traefik.tcp.routers.mqtt.rule", "HostSNI(`*`)"),
        ("traefik.tcp.routers.mqtt.entrypoints", "mqtt"),
        ("traefik.tcp.services.mqtt.loadbalancer.server.port", "1883"),
        RULE,
    ];
    is(mqtt, &own(&["mqtt=app"]), "routed");
    let plan = compile(&with(mqtt), &own(&["mqtt=app"]));
    assert!(plan.findings.iter().all(|finding| finding.rule != RuleId::Lbl008), "{:?}", plan.findings);
}

/// Whose owner is no project: by the container's name.
#[test]
fn a_container_alone_may_have_an_entry_point_too() {
    let labels =
        [("traefik.enable", "true"), (TCP, "HostSNI(`*`)"), ("traefik.tcp.routers.db.entrypoints", "db"), TCP_PORT];
    let mut inventory = inventory(["-", "-"]);
    add(&mut inventory, "app", "", &["net-a"], &labels);
    assert_eq!(judged(&inventory, &own(&["db=app"])), "LBL-008");
    assert_eq!(judged(&inventory, &own(&["db=~app"])), "routed");
}

/// Whoever names another's entry point refuses nobody but himself, and whoever is there costs him nothing either.
#[test]
fn naming_an_entry_point_refuses_nobody_else() {
    let broker = [(TCP, "HostSNI(`*`)"), ("traefik.tcp.routers.db.entrypoints", "db"), TCP_PORT];
    let settings = own(&["db=app"]);
    let alone = compile(&with(&broker), &settings);
    let mut inventory = with(&broker);
    let ask = ("traefik.enable", "true");
    for (name, rule) in [("greedy", "HostSNI(`*`)"), ("named", "HostSNI(`x.example.com`)")] {
        let labels = [ask, (TCP, rule), ("traefik.tcp.routers.db.entrypoints", "db"), TCP_PORT];
        add(&mut inventory, name, name, &["net-b"], &labels);
    }
    let web = [ask, RULE, ("traefik.http.routers.web.entrypoints", "db")];
    add(&mut inventory, "web", "web", &["net-b"], &web);
    let together = compile(&inventory, &settings);
    let outcome = |name: &str| together.decisions.get(name).unwrap().outcome;
    assert_eq!(outcome("greedy"), Outcome::Refused);
    assert_eq!([outcome("app"), outcome("named"), outcome("web")], [Outcome::Routed; 3]);
    let app = |plan: &Plan| everything(plan).tcp.routers.get("app.db").cloned().unwrap();
    assert_eq!(app(&together), app(&alone));
    // Nor does the flag take from those who are on the entry point that it gives away.
    let mut inventory = with(&[RULE, ("traefik.http.routers.web.entrypoints", "web")]);
    assert_eq!(judged(&inventory, &own(&["web=other"])), "routed");
    add(&mut inventory, "other", "other", &["net-b"], &[ask, (HTTP, "PathPrefix(`/`)")]);
    assert_eq!(judged(&inventory, &own(&["web=other"])), "routed");
}

#[test]
fn a_global_redirect_stands_on_traefiks_own_container() {
    let mut inventory = with(&[RULE]);
    let traefik = inventory.container_mut("traefik").unwrap();
    let redirect = [
        ("traefik.enable", "true"),
        ("traefik.http.routers.all.rule", "HostRegexp(`.+`)"),
        ("traefik.http.routers.all.entrypoints", "web"),
        ("traefik.http.routers.all.priority", "1"),
        ("traefik.http.routers.all.middlewares", "https"),
        ("traefik.http.routers.all.service", "noop@internal"),
        ("traefik.http.middlewares.https.redirectscheme.scheme", "https"),
    ];
    traefik.labels.extend(redirect.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let settings = Settings { allow_references: ["noop@internal".to_owned()].into(), ..Settings::default() };
    let plan = compile(&inventory, &settings);
    assert_eq!(plan.decisions.get("traefik").unwrap().outcome, Outcome::Routed);
    let router = everything(&plan).http.routers.get("edge.all").unwrap();
    assert_eq!(router.middlewares.as_deref(), Some(&["edge.https".to_owned()][..]));
    assert!(plan.findings.iter().all(|finding| finding.rule != RuleId::Lbl001), "{:?}", plan.findings);
}

/// Bindings decide by themselves, as before; but what is on an entry point of its own takes from nobody there either.
#[test]
fn bindings_keep_their_meaning() {
    let on = |bound, labels: &[(&str, &str)], settings: &Settings| {
        let mut inventory = inventory(bound);
        let labels = [&[("traefik.enable", "true")][..], labels].concat();
        add(&mut inventory, "app", "app", &["net-b"], &labels);
        judged(&inventory, settings)
    };
    let page = [(HTTP, "PathPrefix(`/`)")];
    assert_eq!(on(["app.example.com", "*"], &page, &Settings::default()), "routed");
    assert_eq!(on(["app.example.com", "-"], &page, &Settings::default()), "LBL-001");
    let allowed = [page[0], ("leeward.allow", "LBL-001")];
    assert_eq!(on(["app.example.com", "-"], &allowed, &Settings::default()), "LBL-001");
    assert_eq!(on(["-", "-"], &allowed, &Settings::default()), "routed");
    let port = [(TCP, "HostSNI(`*`)"), ("traefik.tcp.routers.db.entrypoints", "db"), TCP_PORT];
    assert_eq!(on(["app.example.com", "-"], &port, &Settings::default()), "LBL-008");
    assert_eq!(on(["app.example.com", "-"], &port, &own(&["db=app"])), "routed");
    // The name is still another's.
    let named = [(TCP, "HostSNI(`app.example.com`)"), ("traefik.tcp.routers.db.entrypoints", "db"), TCP_PORT];
    assert_eq!(on(["app.example.com", "-"], &named, &own(&["db=app"])), "LBL-003");
    // A certificate for everything takes no requests.
    let certificate = [RULE, ("traefik.http.routers.web.tls.domains[0].main", "*")];
    assert_eq!(on(["-", "-"], &certificate, &Settings::default()), "routed");
}

#[test]
fn warn_publishes_catch_alls_and_reports_them() {
    for (isolation, wanted) in [
        (Isolation::Strict, "LBL-001"),
        (Isolation::Enforce, "LBL-001"),
        (Isolation::Warn, "routed"),
        (Isolation::Off, "routed"),
    ] {
        let settings = Settings { isolation, ..Settings::default() };
        let inventory = with(&[(HTTP, "PathPrefix(`/`)")]);
        assert_eq!(judged(&inventory, &settings), wanted, "{isolation:?}");
        let plan = compile(&inventory, &settings);
        let finding = plan.findings.iter().find(|finding| finding.rule == RuleId::Lbl001).unwrap();
        assert_eq!(finding.blocks, wanted != "routed", "{isolation:?}");
    }
}

#[test]
fn the_way_out_of_a_refused_port_is_one_that_works() {
    let refusal = |labels: &[(&str, &str)]| {
        let plan = compile(&with(labels), &Settings::default());
        plan.decisions.get("app").unwrap().refusal.clone().unwrap()
    };
    let named = refusal(&[(TCP, "HostSNI(`*`)"), ("traefik.tcp.routers.db.entrypoints", "db"), TCP_PORT]);
    assert_eq!(named.words(), "tcp router `db` of `app` takes all that comes in on entry point `db`");
    assert!(named.remedy().contains("--own-entrypoint db=app (LEEWARD_OWN_ENTRYPOINT=db=app)"), "{}", named.remedy());
    assert_eq!(named.label.as_deref(), Some("traefik.tcp.routers.db.rule"));
    let bare = refusal(&[(TCP, "HostSNI(`*`)"), TCP_PORT]);
    assert_eq!(bare.words(), "tcp router `db` of `app` takes all that comes in on Traefik's default entry points");
    assert!(bare.remedy().contains("traefik.tcp.routers.db.entrypoints: db\n"), "{}", bare.remedy());
    // What a label holds is not pasted into a shell.
    let odd = refusal(&[(TCP, "HostSNI(`*`)"), ("traefik.tcp.routers.db.entrypoints", "$(reboot)"), TCP_PORT]);
    assert!(!odd.remedy().contains("reboot"), "{}", odd.remedy());
    let udp = refusal(&[("traefik.udp.routers.dns.service", "dns"), UDP_PORT]);
    assert_eq!(udp.words(), "udp router `dns` of `app` takes all that comes in on every UDP entry point");
    let below = refusal(&[(HTTP, "HostRegexp(`^.+\\.com$`)")]);
    assert_eq!(below.words(), "http router `web` of `app` matches every host below `com`");
}
