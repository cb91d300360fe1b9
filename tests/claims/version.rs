//! Which release of Traefik the document is for, where it is not said: the oldest, so that no label makes the Traefik
//! that reads it refuse it all.

use leeward::policy::finding::{Severity, Subject};
use leeward::policy::refusal::Code;
use leeward::traefik::Version;

use super::*;

const VERSION: &str = "org.opencontainers.image.version";

/// Two applications, one with [`NEWER`]; the Traefiks, each with the value of its image's label, if it has an image.
fn world(traefiks: &[Option<&str>]) -> Inventory {
    let mut inventory = with(&[RULE, NEWER]);
    let other = ("traefik.http.routers.web.rule", "Host(`other.example.com`)");
    add(&mut inventory, "other", "other", &["net-b"], &[("traefik.enable", "true"), other]);
    inventory.containers.retain(|id, _| id.as_str() != "traefik");
    for (at, version) in traefiks.iter().enumerate() {
        let name = format!("traefik{at}");
        add(&mut inventory, &name, "edge", &["net-a", "net-b"], &[("leeward.traefik", "true")]);
        inventory.container_mut(&name).unwrap().image_id = name.as_str().into();
        if let Some(version) = version {
            let labels = BTreeMap::from([(VERSION.to_owned(), (*version).to_owned())]);
            inventory.images.insert(name.as_str().into(), Image { labels, ..Image::default() });
        }
    }
    inventory
}

/// The Traefiks are named by the flag: of one whose image is not read, no label counts.
fn settings(traefiks: &[Option<&str>], version: Option<&str>) -> Settings {
    let traefiks = (0..traefiks.len()).map(|at| format!("traefik{at}")).collect();
    Settings { traefiks, traefik_version: version.map(|it| it.parse().unwrap()), ..Settings::default() }
}

#[test]
fn a_newer_label_spoils_no_document_for_a_traefik_of_unknown_version() {
    for (traefiks, flag, assumed) in [
        (&[][..], None, true),
        (&[None], None, true),
        (&[Some("")], None, true),
        (&[Some("latest")], None, true),
        (&[Some("2.11.2")], None, true),
        (&[Some("v3.7.15"), None], None, true),
        (&[Some("v3.7.15"), Some("nightly")], None, true),
        (&[Some("v3.7.15"), Some("v3.6.1")], None, false),
        (&[Some("3.6.1")], None, false),
        (&[], Some("3.6"), false),
        (&[None], Some("3.6"), false),
        (&[Some("v3.7.15")], Some("3.6"), false),
    ] {
        let plan = compile(&world(traefiks), &settings(traefiks, flag));
        let app = plan.decisions.get("app").unwrap();
        assert_eq!(app.refusal.as_ref().map(|it| it.code), Some(Code::TraefikVersion), "{traefiks:?} {flag:?}");
        assert_eq!(plan.decisions.get("other").unwrap().outcome, Outcome::Routed);
        assert!(everything(&plan).http.middlewares.is_empty());
        assert_eq!(plan.assumed_version, assumed.then_some(Version::OLDEST), "{traefiks:?} {flag:?}");
        let found: Vec<_> = plan.findings.iter().filter(|finding| finding.rule == RuleId::Trf007).collect();
        assert_eq!(found.len(), usize::from(assumed), "{traefiks:?} {flag:?}");
        for finding in found {
            assert_eq!((finding.severity, &finding.subject), (Severity::High, &Subject::Engine));
            assert!(finding.words().contains("`app`") && !finding.words().contains("`other`"), "{}", finding.words());
            assert!(finding.words().contains("3.0.0"), "{}", finding.words());
            assert!(
                finding.remedy().contains("--traefik-version 3.7.0 (LEEWARD_TRAEFIK_VERSION=3.7.0)"),
                "{}",
                finding.remedy()
            );
            let remedy = &app.refusal.as_ref().unwrap().remedy();
            assert!(remedy.contains("--traefik-version 3.7.0"), "{remedy}");
        }
    }
    for (traefiks, flag) in [
        (&[Some("v3.7.15")][..], None),
        (&[Some("v3.7.15"), Some("3.8.0")], None),
        (&[], Some("3.7")),
        (&[None], Some("3.7")),
    ] {
        let plan = compile(&world(traefiks), &settings(traefiks, flag));
        assert_eq!(plan.decisions.get("app").unwrap().outcome, Outcome::Routed, "{traefiks:?} {flag:?}");
        assert_eq!(plan.assumed_version, None);
        assert!(plan.findings.iter().all(|finding| finding.rule != RuleId::Trf007));
    }
}

#[test]
fn what_costs_nobody_a_route_is_no_finding() {
    let mut inventory = world(&[None]);
    inventory.container_mut("app").unwrap().labels.remove(NEWER.0);
    let plan = compile(&inventory, &Settings::default());
    assert_eq!(plan.assumed_version, Some(Version::OLDEST));
    assert!(plan.findings.iter().all(|finding| finding.rule != RuleId::Trf007), "{:?}", plan.findings);
}

#[test]
fn a_thousand_containers_make_one_finding_of_bounded_length() {
    let mut inventory = world(&[None]);
    for at in 0..1000 {
        let rule = format!("Host(`h{at}.example.com`)");
        let labels = [("traefik.enable", "true"), ("traefik.http.routers.web.rule", &rule), NEWER];
        add(&mut inventory, &format!("box{at}"), "boxes", &["net-a"], &labels);
    }
    let plan = compile(&inventory, &Settings::default());
    let found: Vec<_> = plan.findings.iter().filter(|finding| finding.rule == RuleId::Trf007).collect();
    assert_eq!(found.len(), 1);
    assert!(found[0].words().len() < 1000 && found[0].words().ends_with(" more"), "{}", found[0].words());
}
