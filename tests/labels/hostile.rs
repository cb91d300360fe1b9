//! Thousands of hostile worlds: nothing panics, every Traefik takes the document, what Traefik then holds is what was meant,
//! and nothing of the victims changes.

use std::collections::BTreeMap;

use leeward::inventory::Inventory;
use leeward::plan::{Outcome, compile};
use leeward::report::words::Remedy as _;
use leeward::traefik::Version;
use leeward::traefik::labels;
use serde_json::{Map, Value};

use crate::reader;
use crate::recorded::{canonical, difference, with_defaults};
use crate::worlds::{WORLDS, container, neighbours, settings, world, written};

/// The parts of a document that are the victims'.
fn victims(document: &Value) -> Value {
    let mut parts = Map::new();
    for (protocol, kinds) in document.as_object().into_iter().flatten() {
        for (kind, entries) in kinds.as_object().into_iter().flatten() {
            for (name, entry) in
                entries.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("victim."))
            {
                parts.insert(format!("{protocol} {kind} {name}"), entry.clone());
            }
        }
    }
    Value::Object(parts)
}

#[test]
fn five_thousand_hostile_worlds_spoil_nothing() {
    let alone: Vec<Value> = reader::RELEASES
        .iter()
        .map(|release| {
            victims(
                &serde_json::from_str(&written(&compile(&world(&[]), &settings(false, release.parse().unwrap()))))
                    .unwrap(),
            )
        })
        .collect();
    assert!(alone.iter().all(|it| it.as_object().is_some_and(|it| it.len() == 6)), "{alone:?}");
    let check = |seed: u64| {
        let mut taken = 0;
        let neighbours = neighbours(seed);
        let world = world(&neighbours);
        let at = usize::try_from(seed).unwrap() % reader::RELEASES.len();
        let version = reader::RELEASES[at].parse().unwrap();
        for parity in [false, true] {
            let plan = compile(&world, &settings(parity, version));
            let body = written(&plan);
            let labels = || neighbours.iter().map(|it| &it.labels).collect::<Vec<_>>();
            let held = reader::read(&body, version)
                .unwrap_or_else(|error| panic!("world {seed} for {version}: {error}\n{body}\n{:#?}", labels()));
            if version == reader::NEWEST {
                let (held, meant) = (canonical(&held), canonical(&with_defaults(&plan)));
                assert!(held == meant, "world {seed}:\n{}\n{:#?}", difference(&meant, &held, "").join("\n"), labels());
            }
            if !parity {
                let document: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(victims(&document), alone[at], "world {seed}: {:#?}", labels());
                taken += plan
                    .decisions
                    .values()
                    .filter(|it| it.name.starts_with("bad") && it.outcome == Outcome::Routed)
                    .count();
            }
        }
        for neighbour in &neighbours {
            // Nor do the other readers of labels stop at anything.
            labels::unmatched(&neighbour.labels);
            drop(labels::provider(&neighbour.labels, false, true));
        }
        taken
    };
    let half = |first: u64| (first..WORLDS).step_by(2).map(&check).sum::<usize>();
    let taken = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        half(0) + other.join().unwrap()
    });
    // The worlds are of use only if Traefik gets to see much of them.
    assert!(taken > 1_000, "{taken} of the neighbours are routed");
}

/// The engine chooses the ids, and with them who is looked at first: nothing that is published hangs on it.
#[test]
fn the_order_of_containers_says_nothing() {
    for seed in 0..500 {
        let there = neighbours(seed);
        let mut back = there.clone();
        for (at, container) in back.iter_mut().enumerate() {
            // Behind the victims, and the last first.
            container.id = format!("z-{}", 9 - at).as_str().into();
        }
        let (there, back) = (world(&there), world(&back));
        let names = |inventory: &Inventory| inventory.containers.values().map(|it| it.name.clone()).collect::<Vec<_>>();
        assert_ne!(names(&there), names(&back), "world {seed} is read in one order only");
        let settings = settings(false, Version::NEWEST);
        assert_eq!(written(&compile(&there, &settings)), written(&compile(&back, &settings)), "world {seed}");
    }
}

/// One label of each kind that documents cannot hold, and its like that they can.
#[test]
fn what_cannot_be_carried_is_refused_and_what_can_arrives() {
    let long = "k".repeat(1_022);
    let cases: &[(&str, &str, bool)] = &[
        (&format!("traefik.http.middlewares.{}.addprefix.prefix", "k".repeat(5_000)), "/", false),
        ("traefik.http.middlewares.<<.addprefix.prefix", "/", true),
        ("traefik.http.middlewares.a║b.addprefix.prefix", "║", true),
        ("traefik.http.middlewares.a..addprefix.prefix", "/", false),
        ("traefik.http.middlewares.a\u{2028}b.addprefix.prefix", "\u{85}\u{7f}\u{feff}\u{ffff}\0", true),
        ("traefik.http.middlewares.a.chain.middlewares", "a║b", false),
        ("traefik.http.middlewares.a.plugin.p.k", "a║b", true),
        ("traefik.http.middlewares.a.plugin.p.k", "║b", false),
        (&format!("traefik.http.middlewares.a.headers.customrequestheaders.{long}"), "x", true),
        (&format!("traefik.http.middlewares.a.headers.customrequestheaders.{long}k"), "x", false),
        (&format!("traefik.http.middlewares.a.plugin.p.{long}k"), "x", false),
        (&format!("traefik.http.middlewares.a.errors.statusrewrites.{long}k"), "1", false),
    ];
    for (label, value, carried) in cases {
        let mut bad = container("bad", "bad", 9, &[]);
        bad.labels = BTreeMap::from([((*label).to_owned(), (*value).to_owned())]);
        let plan = compile(&world(&[bad]), &settings(true, Version::NEWEST));
        let decision = plan.decided().find(|it| it.name == "bad").unwrap();
        let what: String = label.chars().take(80).collect();
        assert_eq!(decision.outcome == Outcome::Routed, *carried, "{what}: {:?}", decision.refusal);
        let held = canonical(&reader::read(&written(&plan), Version::NEWEST).unwrap());
        assert_eq!(held, canonical(&with_defaults(&plan)), "{what}");
        let Some(refusal) = &decision.refusal else { continue };
        assert!(!refusal.remedy().is_empty() && refusal.label.is_some(), "{what}: {refusal:?}");
    }
}
