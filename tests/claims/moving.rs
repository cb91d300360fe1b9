//! Moving over: `--isolation warn` for everybody or for one project, and middlewares of other projects.

use leeward::report::routes::Listing;
use leeward::settings::OwnerIsolation;

use super::*;

const USES: &str = "traefik.http.routers.web.middlewares";
const FORWARD: (&str, &str) = ("traefik.http.middlewares.auth.forwardauth.address", "http://authelia:9091/verify");

fn mode(isolation: Isolation, of: &[(&str, OwnerIsolation)]) -> Settings {
    let isolation_of = of.iter().map(|(owner, own)| ((*owner).to_owned(), *own)).collect();
    Settings { isolation, isolation_of, ..Settings::default() }
}

fn warn() -> Settings {
    mode(Isolation::Warn, &[])
}

/// `app`, whose router uses a middleware so; `authelia` and whoever else declare one called `auth`.
fn across(uses: &str, declaring: &[&str]) -> Inventory {
    let mut inventory = with(&[RULE, (USES, uses)]);
    for name in declaring {
        add(&mut inventory, name, name, &["net-b"], &[("traefik.enable", "true"), FORWARD]);
        let own = format!("Host(`{name}.example.com`)");
        let container = inventory.container_mut(name).unwrap();
        container.labels.insert("traefik.http.routers.own.rule".into(), own);
        container.labels.insert(FORWARD.0.into(), format!("http://{name}:9091/verify"));
    }
    inventory
}

/// What the router of `app` uses in the document, and what Traefik makes of that.
fn used(inventory: &Inventory, settings: &Settings) -> (Vec<String>, bool) {
    let plan = compile(inventory, settings);
    let route = plan.routes.iter().find(|route| route.router == "app.web").unwrap();
    (route.middlewares.clone(), plan.left_out(route).is_empty())
}

#[test]
fn under_warn_the_only_middleware_of_a_name_is_found_in_another_project() {
    for uses in ["auth", "auth@docker", "auth@http"] {
        let world = across(uses, &["authelia"]);
        assert_eq!(used(&world, &warn()), (vec!["authelia.auth".to_owned()], true), "{uses}");
        assert_eq!(verdict(&world, &Settings::default()), "reference");
        // What `enforce` would need is said, and does it.
        let plan = compile(&world, &warn());
        let finding = plan.findings.iter().find(|finding| finding.rule == RuleId::Lbl004).unwrap();
        assert!(
            finding.remedy().contains(" --share-middleware authelia.auth ") && !finding.blocks,
            "{}",
            finding.remedy()
        );
        let shared = Settings { share_middlewares: ["authelia.auth".parse().unwrap()].into(), ..Settings::default() };
        assert_eq!(used(&world, &shared), (vec!["authelia.auth".to_owned()], true));
    }
}

#[test]
fn under_warn_ones_own_middleware_goes_first() {
    let mut world = across("auth", &["authelia"]);
    let app = world.container_mut("app").unwrap();
    app.labels.insert("traefik.http.middlewares.auth.headers.customresponseheaders.X-Own".into(), "1".into());
    assert_eq!(used(&world, &warn()), (vec!["app.auth".to_owned()], true));
}

#[test]
fn a_router_whose_middleware_is_unclear_is_left_out_and_never_without_it() {
    for declaring in [&[][..], &["authelia", "evil"]] {
        let (middlewares, is_taken) = used(&across("auth@docker", declaring), &warn());
        assert_eq!(middlewares, ["app.auth"], "{declaring:?}");
        assert!(!is_taken, "{declaring:?}");
    }
    // A link of a chain too.
    let mut world = across("outer", &["authelia", "evil"]);
    let app = world.container_mut("app").unwrap();
    app.labels.insert("traefik.http.middlewares.outer.chain.middlewares".into(), "auth".into());
    assert_eq!(used(&world, &warn()), (vec!["app.outer".to_owned()], false));
    let mut world = across("outer", &["authelia"]);
    let app = world.container_mut("app").unwrap();
    app.labels.insert("traefik.http.middlewares.outer.chain.middlewares".into(), "auth".into());
    assert_eq!(used(&world, &warn()), (vec!["app.outer".to_owned()], true));
    let plan = compile(&world, &warn());
    let outer = everything(&plan).http.middlewares.get("app.outer").unwrap().chain.as_ref().unwrap();
    assert_eq!(outer.middlewares.as_deref().unwrap_or_default(), ["authelia.auth"]);
}

/// `app` on an open network as well, and so with a way out.
fn open(labels: &[(&str, &str)]) -> Inventory {
    let mut inventory = with(labels);
    let out = Network { id: "out".into(), name: "out".into(), driver: "bridge".into(), ..Network::default() };
    inventory.networks.insert(out.id.clone(), out);
    let app = inventory.container_mut("app").unwrap();
    let ipv4 = "172.31.0.2".parse().ok();
    let attachment = Attachment { network: "out".into(), network_id: "out".into(), ipv4, ..Attachment::default() };
    app.attachments.insert("out".into(), attachment.into());
    let other = [("traefik.enable", "true"), ("traefik.http.routers.web.rule", "Host(`shop.example.com`)")];
    add(&mut inventory, "shop", "shop", &["out"], &other);
    inventory
}

#[test]
fn one_project_is_routed_with_its_way_out_and_no_other() {
    let world = open(&[RULE]);
    let outcomes = |settings: &Settings| {
        let plan = compile(&world, settings);
        ["app", "shop"].map(|name| plan.decisions.get(name).unwrap().outcome)
    };
    let (routed, refused) = (Outcome::Routed, Outcome::Refused);
    assert_eq!(outcomes(&Settings::default()), [refused, refused]);
    assert_eq!(outcomes(&mode(Isolation::Enforce, &[("app", OwnerIsolation::Warn)])), [routed, refused]);
    assert_eq!(outcomes(&mode(Isolation::Enforce, &[("shop", OwnerIsolation::Warn)])), [refused, routed]);
    assert_eq!(outcomes(&mode(Isolation::Warn, &[("shop", OwnerIsolation::Enforce)])), [routed, refused]);
    assert_eq!(outcomes(&mode(Isolation::Off, &[("shop", OwnerIsolation::Strict)])), [routed, routed]);
    // Whom a finding refuses is said of whom it does.
    let plan = compile(&world, &mode(Isolation::Warn, &[("shop", OwnerIsolation::Enforce)]));
    let blocks = |name: &str| {
        let found = plan.findings.iter().filter(|it| it.rule == RuleId::Net001 && it.subject.is_about(&name.into()));
        found.clone().count() == 1 && found.clone().all(|it| it.blocks)
    };
    assert_eq!((blocks("app"), blocks("shop")), (false, true));
}

#[test]
fn the_mode_of_one_project_never_relaxes_hosts_catch_alls_and_server_addresses() {
    let own = mode(Isolation::Enforce, &[("app", OwnerIsolation::Warn)]);
    let rule = "traefik.http.routers.web.rule";
    for (labels, wanted) in [
        (&[(rule, "PathPrefix(`/`)")][..], "host"),
        (&[RULE, ("traefik.http.services.web.loadbalancer.server.url", "http://192.0.2.1")], "server-url"),
        (&[RULE, (USES, "auth@consulcatalog")], "reference"),
        (&[RULE, ("traefik.http.routers.web.service", "api@internal")], "reference"),
        (&[RULE, ("traefik.http.routers.web.entrypoints", "traefik")], "entry-point"),
        (&[RULE, ("traefik.http.middlewares.a.forwardauth.address", "http://192.0.2.1")], "middleware"),
    ] {
        assert_eq!(verdict(&open(labels), &own), wanted, "{labels:?}");
        assert_eq!(verdict(&open(labels), &warn()), "routed", "{labels:?}");
    }
    // A bound host of another's.
    let mut world = inventory(["app.example.com", "-"]);
    add(&mut world, "app", "app", &["net-b"], &[("traefik.enable", "true"), RULE]);
    assert_eq!(verdict(&world, &own), "host");
}

#[test]
fn the_mode_of_one_project_relaxes_middlewares_by_a_bare_name() {
    let own = mode(Isolation::Enforce, &[("app", OwnerIsolation::Warn)]);
    let world = across("auth@docker", &["authelia"]);
    assert_eq!(used(&world, &own), (vec!["authelia.auth".to_owned()], true));
    assert_eq!(verdict(&world, &mode(Isolation::Enforce, &[("authelia", OwnerIsolation::Warn)])), "reference");
    // One reason that stands is the container's, not the one that is relaxed.
    let both = [RULE, (USES, "nobodys"), ("traefik.http.routers.web.service", "api@internal")];
    let plan = compile(&with(&both), &own);
    let decision = plan.decisions.get("app").unwrap();
    let said: Vec<String> = decision.steps.iter().flat_map(|it| &it.refusals).map(Words::words).collect();
    assert!(said.len() == 1 && said.iter().all(|it| it.contains("api@internal")), "{said:?}");
}

#[test]
fn a_strict_project_alone_is_refused_a_host_that_another_claims_too() {
    let mut world = with(&[RULE]);
    add(&mut world, "twin", "twin", &["net-b"], &[("traefik.enable", "true"), RULE]);
    let outcomes = |settings: &Settings| {
        let plan = compile(&world, settings);
        ["app", "twin"].map(|name| plan.decisions.get(name).unwrap().outcome)
    };
    assert_eq!(outcomes(&Settings::default()), [Outcome::Routed, Outcome::Routed]);
    let strict = mode(Isolation::Enforce, &[("twin", OwnerIsolation::Strict)]);
    assert_eq!(outcomes(&strict), [Outcome::Routed, Outcome::Refused]);
}

#[test]
fn a_project_that_nobody_belongs_to_is_a_warning() {
    let settings = mode(Isolation::Enforce, &[("ap", OwnerIsolation::Warn), ("nextcloud", OwnerIsolation::Warn)]);
    let world = with(&[RULE]);
    let plan = compile(&world, &settings);
    let text = Listing::new(&plan, None, false).text();
    let wanted =
        "warning: --isolation-of names `ap`, and no container belongs to a project of that name; did you mean `app`?\n";
    assert!(text.contains(wanted) && text.contains("names `nextcloud`"), "{text}");
    assert!(Listing::new(&plan, None, false).json().contains("\"warnings\": ["));
    let known = compile(&world, &mode(Isolation::Enforce, &[("app", OwnerIsolation::Warn)]));
    assert!(known.unknown.is_empty());
}

#[test]
fn a_flag_that_names_what_is_not_there_is_a_warning_with_the_nearest_name() {
    let world = with(&[RULE, ("traefik.http.middlewares.auth.headers.framedeny", "true")]);
    let told = |change: &dyn Fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        leeward::report::routes::warned(&compile(&world, &settings))
    };
    let network = world.networks.values().next().unwrap().name.clone();
    let misspelt = format!("{network}x");
    let near = |flag: &str, name: &str, nothing: &str, meant: &str| {
        format!("warning: --{flag} names `{name}`, and {nothing}; did you mean `{meant}`?\n\n")
    };
    for (wrong, right, words) in [
        (
            &(|it: &mut Settings| _ = it.traefiks.insert("traefk".into())) as &dyn Fn(&mut Settings),
            &(|it: &mut Settings| _ = it.traefiks.insert("traefik".into())) as &dyn Fn(&mut Settings),
            near("traefik", "traefk", "no container has this name", "traefik"),
        ),
        (
            &|it| _ = it.egresses.insert("traefk".into(), leeward::settings::Egress::Names),
            &|it| _ = it.egresses.insert("traefik".into(), leeward::settings::Egress::Names),
            near("egress", "traefk", "no container has this name", "traefik"),
        ),
        (
            &|it| it.network = Some(misspelt.clone()),
            &|it| it.network = Some(network.clone()),
            near("network", &misspelt, "no network has this name", &network),
        ),
        (
            &|it| it.proxy_networks.push(misspelt.parse().unwrap()),
            &|it| it.proxy_networks.push(format!("{}*", network.chars().take(3).collect::<String>()).parse().unwrap()),
            near("proxy-network", &misspelt, "no network has such a name", &network),
        ),
        (
            &|it| _ = it.share_middlewares.insert("app.aut".parse().unwrap()),
            &|it| _ = it.share_middlewares.insert("app.auth".parse().unwrap()),
            near("share-middleware", "app.aut", "no container that asks to be routed declares it", "app.auth"),
        ),
    ] {
        assert_eq!(told(wrong), words);
        assert_eq!(told(right), "");
    }
}
