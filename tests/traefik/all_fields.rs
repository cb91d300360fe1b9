//! The document with every field before the real Traefik of each minor release.

use serde_json::Value;

use crate::every_field::everything;
use crate::recorded::{canonical, difference};
use crate::{proxy, reader};

/// Every release takes its document whole, holds what the model of its reading says, and shows every part of it.
#[test]
fn the_real_traefik_takes_every_field() {
    for (version, binary) in proxy::releases("the real Traefik takes every field") {
        let body = everything(version);
        let traefik = proxy::Proxy::start(&binary);
        let taken = traefik.read(&body).unwrap_or_else(|error| panic!("{version} refused it: {error}\n{body}"));
        if version == reader::NEWEST {
            let (model, taken) = (canonical(&reader::read(&body, version).unwrap()), canonical(&taken));
            assert_eq!(model, taken, "{version}:\n{}", difference(&taken, &model, "").join("\n"));
        }
        let document: Value = serde_json::from_str(&body).unwrap();
        let shown = shown(&traefik, &document);
        let mut missing = Vec::new();
        for (protocol, kind, key) in [
            ("http", "routers", "routers"),
            ("http", "services", "services"),
            ("http", "middlewares", "middlewares"),
            ("tcp", "routers", "tcpRouters"),
            ("tcp", "services", "tcpServices"),
            ("tcp", "middlewares", "tcpMiddlewares"),
            ("udp", "routers", "udpRouters"),
            ("udp", "services", "udpServices"),
        ] {
            for name in document[protocol][kind].as_object().into_iter().flat_map(serde_json::Map::keys) {
                if shown[key].get(format!("{name}@http")).is_none() {
                    missing.push(format!("{protocol} {kind} {name}"));
                }
            }
        }
        assert!(missing.is_empty(), "{version} does not show {missing:?}: {shown}");
    }
}

/// The API follows the provider by a moment.
fn shown(traefik: &proxy::Proxy, document: &Value) -> Value {
    let all = document["http"]["middlewares"].as_object().map_or(0, serde_json::Map::len);
    for _ in 0..100 {
        let shown = traefik.raw_data();
        if shown["middlewares"]
            .as_object()
            .is_some_and(|it| it.keys().filter(|it| it.ends_with("@http")).count() >= all)
        {
            return shown;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    traefik.raw_data()
}
