//! The hostile worlds before the real Traefiks.

use leeward::plan::compile;

use crate::recorded::{canonical, difference};
use crate::worlds::{WORLDS, neighbours, settings, world, written};
use crate::{proxy, reader};

/// What the model promises the real ones keep: no document of a hostile world is refused, and each holds what the model
/// says. Every release reads every world, by turns as a user runs Leeward and as Traefik's own provider: 35,000 documents
/// in a minute and a half.
#[test]
fn the_real_traefiks_take_every_hostile_world() {
    let releases = proxy::releases("the real Traefiks take every hostile world");
    std::thread::scope(|scope| {
        for (version, binary) in &releases {
            scope.spawn(move || {
                let traefik = proxy::Proxy::start(binary);
                let mut last = String::new();
                let mut read = 0;
                for seed in 0..WORLDS {
                    let parity = seed.is_multiple_of(2);
                    let body = written(&compile(&world(&neighbours(seed)), &settings(parity, *version)));
                    if body == last {
                        continue;
                    }
                    let taken =
                        traefik.read(&body).unwrap_or_else(|error| panic!("{version}, world {seed}: {error}\n{body}"));
                    if *version == reader::NEWEST {
                        let model = canonical(&reader::read(&body, *version).unwrap());
                        let taken = canonical(&taken);
                        assert!(model == taken, "world {seed}:\n{}\n{body}", difference(&taken, &model, "").join("\n"));
                    }
                    last = body;
                    read += 1;
                }
                // Worlds that come to the same are few.
                assert!(read > WORLDS / 2, "{version} read {read} documents");
            });
        }
    });
}
