//! Which requests exist: a closed set, parsed from what a client sent and written anew for the engine.
//!
//! Nothing of the client's text survives but values that passed a grammar: ids, names, numbers, and filters, which are
//! decoded, checked and encoded again. What is not exactly an [`Ask`] is a [`Refused`] and goes no further.

use super::error::{Refused, shorten};
use super::filters::Filters;
use super::query::Keys;
use super::value::{ApiVersion, ImageName, Moment, Name, Platform, Scope, is_version_like};
use crate::net::percent::encoded;

/// The longest request target that is looked at, in bytes. Docker's own client stays far below.
pub const MAX_TARGET_BYTES: usize = 8 * 1024;

/// A request that the gate knows how to make itself, and the API version to make it under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `/v1.41`, if the client named one; the engine judges whether it speaks it.
    pub version: Option<ApiVersion>,
    /// What is asked.
    pub ask: Ask,
}

/// Every question that reaches the engine.
///
/// Source: moby `api/swagger.yaml`; the paths are the same from API 1.24 on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `/_ping`; the only one that the engine also answers for `HEAD`.
    Ping {
        /// Asked with `HEAD`.
        head: bool,
    },
    /// `/version`.
    Version,
    /// `/info`.
    Info,
    /// `/containers/json`. Sizes cannot be asked for: the engine walks the disk for them.
    Containers {
        /// Stopped ones too.
        all: bool,
        /// The newest so many; `None`: no limit.
        limit: Option<u32>,
        /// The filters of the list.
        filters: Filters,
    },
    /// `/containers/{id or name}/json`.
    Container(Name),
    /// `/networks`.
    Networks(Filters),
    /// `/networks/{id or name}`.
    Network {
        /// The network's name or id.
        name: Name,
        /// Where it must live.
        scope: Option<Scope>,
    },
    /// `/images/{id}/json`.
    Image {
        /// The image's id.
        name: ImageName,
        /// Which of its variants; `None`: that for the engine's own platform.
        platform: Option<Platform>,
    },
    /// `/volumes/{name}`.
    Volume(Name),
    /// `/events`: a stream.
    Events {
        /// From when on, by the engine's clock.
        since: Option<Moment>,
        /// Up to when; without it the stream goes on.
        until: Option<Moment>,
        /// Which. Types and actions are always narrowed to those that the gate lets through.
        filters: Filters,
    },
    /// `/services`; Swarm.
    Services {
        /// With the numbers of running and desired tasks.
        status: bool,
        /// The filters of the list.
        filters: Filters,
    },
    /// `/services/{id or name}`; Swarm.
    Service(Name),
    /// `/tasks`; Swarm.
    Tasks(Filters),
    /// `/tasks/{id}`; Swarm.
    Task(Name),
    /// `/nodes`; Swarm.
    Nodes(Filters),
    /// `/nodes/{id or name}`; Swarm.
    Node(Name),
}

/// What is let through, as shown to people: the paths, their query keys, and whether `--swarm` is needed.
pub const TABLE: &[(&str, &[&str], bool)] = &[
    ("/_ping", &[], false),
    ("/version", &[], false),
    ("/info", &[], false),
    ("/containers/json", &["all", "limit", "filters"], false),
    ("/containers/{id}/json", &[], false),
    ("/networks", &["filters"], false),
    ("/networks/{id}", &["scope"], false),
    ("/images/{id}/json", &["platform"], false),
    ("/volumes/{name}", &[], false),
    ("/events", &["since", "until", "filters"], false),
    ("/services", &["status", "filters"], true),
    ("/services/{id}", &[], true),
    ("/tasks", &["filters"], true),
    ("/tasks/{id}", &[], true),
    ("/nodes", &["filters"], true),
    ("/nodes/{id}", &[], true),
];

const CONTAINER_FILTERS: &[&str] = &[
    "ancestor", "before", "expose", "exited", "health", "id", "is-task", "label", "name", "network", "publish",
    "since", "status", "volume",
];
const NETWORK_FILTERS: &[&str] = &["dangling", "driver", "id", "label", "name", "scope", "type"];
const EVENT_FILTERS: &[&str] = &["container", "event", "image", "label", "network", "node", "scope", "service", "type"];
const SERVICE_FILTERS: &[&str] = &["id", "label", "mode", "name"];
const TASK_FILTERS: &[&str] = &["_up-to-date", "desired-state", "id", "label", "name", "node", "runtime", "service"];
/// Not `label`: it compares the labels of the node's engine, which no answer shows.
const NODE_FILTERS: &[&str] = &["id", "membership", "name", "node.label", "role"];

impl Ask {
    /// Whether the engine has to look at everything that it has of a kind.
    pub(super) fn is_list(&self) -> bool {
        match self {
            Self::Containers { all: _, limit: _, filters: _ }
            | Self::Networks(_)
            | Self::Services { status: _, filters: _ }
            | Self::Tasks(_)
            | Self::Nodes(_) => true,
            Self::Ping { head: _ }
            | Self::Version
            | Self::Info
            | Self::Container(_)
            | Self::Network { name: _, scope: _ }
            | Self::Image { name: _, platform: _ }
            | Self::Volume(_)
            | Self::Events { since: _, until: _, filters: _ }
            | Self::Service(_)
            | Self::Task(_)
            | Self::Node(_) => false,
        }
    }
}

impl Request {
    /// Reads a request line's method and target: path and query, no scheme, no host.
    ///
    /// `swarm` admits the Swarm paths and events.
    pub fn parse(method: &str, target: &str, swarm: bool) -> Result<Self, Refused> {
        if target.len() > MAX_TARGET_BYTES {
            return Err(Refused::Long { most: MAX_TARGET_BYTES });
        }
        if method != "GET" && method != "HEAD" {
            return Err(Refused::Method { method: shorten(method) });
        }
        if !target.starts_with('/') {
            return Err(Refused::Form);
        }
        let (path, raw_query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let plain = |segment: &&str| !segment.is_empty() && *segment != "." && *segment != "..";
        if !segments.iter().all(plain) || !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%') {
            return Err(Refused::Written { path: shorten(path) });
        }
        let (version, segments) = match segments.as_slice() {
            [first, rest @ ..] if is_version_like(first) => (Some(ApiVersion::parse(first)?), rest),
            all => (None, all),
        };
        if method == "HEAD" && segments != ["_ping"] {
            return Err(Refused::Method { method: format!("HEAD {}", shorten(path)) });
        }
        let mut keys = Keys::parse(raw_query)?;
        let ask = match segments {
            ["_ping"] => Ask::Ping { head: method == "HEAD" },
            ["version"] => Ask::Version,
            ["info"] => Ask::Info,
            ["containers", "json"] => {
                keys.never("size")?;
                let (all, limit) = (keys.flag("all")?, keys.limit()?);
                Ask::Containers { all, limit, filters: keys.filters(CONTAINER_FILTERS)? }
            }
            ["containers", name, "json"] => {
                keys.never("size")?;
                Ask::Container(Name::parse(name)?)
            }
            ["networks"] => Ask::Networks(keys.filters(NETWORK_FILTERS)?),
            ["networks", name] => {
                keys.never("verbose")?;
                Ask::Network { name: Name::parse(name)?, scope: keys.scope()? }
            }
            ["images", name, "json"] => {
                keys.never("manifests")?;
                Ask::Image { name: ImageName::parse(name)?, platform: keys.platform()? }
            }
            ["volumes", name] => Ask::Volume(Name::parse(name)?),
            ["events"] => {
                let (since, until) = (keys.moment("since")?, keys.moment("until")?);
                let filters = keys.filters(EVENT_FILTERS)?.narrowed_to_events(swarm)?;
                Ask::Events { since, until, filters }
            }
            ["services" | "tasks" | "nodes"] | ["services" | "tasks" | "nodes", _] if !swarm => {
                return Err(Refused::Swarm { path: shorten(path) });
            }
            ["services"] => {
                let status = keys.flag("status")?;
                Ask::Services { status, filters: keys.filters(SERVICE_FILTERS)? }
            }
            ["services", name] => {
                keys.never("insertDefaults")?;
                Ask::Service(Name::parse(name)?)
            }
            ["tasks"] => Ask::Tasks(keys.filters(TASK_FILTERS)?),
            ["tasks", name] => Ask::Task(Name::parse(name)?),
            ["nodes"] => Ask::Nodes(keys.filters(NODE_FILTERS)?),
            ["nodes", name] => Ask::Node(Name::parse(name)?),
            _ => return Err(Refused::Path { path: shorten(path) }),
        };
        keys.finish()?;
        Ok(Self { version, ask })
    }

    /// The method that the gate sends.
    pub fn method(&self) -> &'static str {
        if matches!(self.ask, Ask::Ping { head: true }) { "HEAD" } else { "GET" }
    }

    /// The path and query that the gate sends, written from the values alone.
    ///
    /// Parsing it again yields the same request.
    pub fn target(&self) -> String {
        let mut target = Target::default();
        if let Some(ApiVersion(minor)) = self.version {
            target.push(&format!("/v1.{minor}"));
        }
        match &self.ask {
            Ask::Ping { head: _ } => target.push("/_ping"),
            Ask::Version => target.push("/version"),
            Ask::Info => target.push("/info"),
            Ask::Containers { all, limit, filters } => {
                target.push("/containers/json");
                if *all {
                    target.pair("all", "1");
                }
                if let Some(limit) = limit {
                    target.pair("limit", &limit.to_string());
                }
                target.filters(filters);
            }
            Ask::Container(Name(name)) => target.push(&format!("/containers/{name}/json")),
            Ask::Networks(filters) => {
                target.push("/networks");
                target.filters(filters);
            }
            Ask::Network { name: Name(name), scope } => {
                target.push(&format!("/networks/{name}"));
                if let Some(scope) = scope {
                    target.pair("scope", scope.as_str());
                }
            }
            Ask::Image { name: ImageName(name), platform } => {
                target.push(&format!("/images/{name}/json"));
                if let Some(platform) = platform {
                    target.pair("platform", &platform.to_json());
                }
            }
            Ask::Volume(Name(name)) => target.push(&format!("/volumes/{name}")),
            Ask::Events { since, until, filters } => {
                target.push("/events");
                for (key, moment) in [("since", since), ("until", until)] {
                    if let Some(moment) = moment {
                        target.pair(key, &moment.to_string());
                    }
                }
                target.filters(filters);
            }
            Ask::Services { status, filters } => {
                target.push("/services");
                if *status {
                    target.pair("status", "1");
                }
                target.filters(filters);
            }
            Ask::Service(Name(name)) => target.push(&format!("/services/{name}")),
            Ask::Tasks(filters) => {
                target.push("/tasks");
                target.filters(filters);
            }
            Ask::Task(Name(name)) => target.push(&format!("/tasks/{name}")),
            Ask::Nodes(filters) => {
                target.push("/nodes");
                target.filters(filters);
            }
            Ask::Node(Name(name)) => target.push(&format!("/nodes/{name}")),
        }
        target.text
    }
}

/// A request target that is being written.
#[derive(Default)]
struct Target {
    text: String,
    has_query: bool,
}

impl Target {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn pair(&mut self, key: &str, value: &str) {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.push_str(key);
        self.text.push('=');
        self.text.extend(encoded(value));
    }

    fn filters(&mut self, filters: &Filters) {
        if !filters.is_empty() {
            self.pair("filters", &filters.to_json());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the engine would be asked, or the code of the refusal.
    fn asked(method: &str, target: &str, swarm: bool) -> String {
        match Request::parse(method, target, swarm) {
            Ok(request) => format!("{} {}", request.method(), request.target()),
            Err(refused) => refused.code().to_owned(),
        }
    }

    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        for (sent, expected) in cases {
            let (method, target) = sent.split_once(' ').unwrap();
            assert_eq!(asked(method, target, true), *expected, "{sent}");
        }
    }

    const ID: &str = "4a5d0ac50e7a4a5d0ac50e7a4a5d0ac50e7a4a5d0ac50e7a4a5d0ac50e7a4a5d";

    #[test]
    fn what_readers_send_is_asked() {
        check(&[
            ("GET /_ping", "GET /_ping"),
            ("HEAD /_ping", "HEAD /_ping"),
            ("HEAD /v1.41/_ping", "HEAD /v1.41/_ping"),
            ("GET /v1.24/version", "GET /v1.24/version"),
            ("GET /info", "GET /info"),
            ("GET /containers/json", "GET /containers/json"),
            ("GET /v1.41/containers/json?all=1", "GET /v1.41/containers/json?all=1"),
            ("GET /containers/json?limit=0&all=true&size=false", "GET /containers/json?all=1"),
            ("GET /containers/json?limit=-1&all=0", "GET /containers/json"),
            ("GET /containers/json?limit=7", "GET /containers/json?limit=7"),
            (
                "GET /containers/json?filters=%7B%22status%22%3A%7B%22running%22%3Atrue%7D%7D",
                "GET /containers/json?filters=%7B%22status%22%3A%7B%22running%22%3Atrue%7D%7D",
            ),
            (
                "GET /containers/json?filters=%7B%22label%22%3A%5B%22a%3Db+c%22%5D%7D",
                "GET /containers/json?filters=%7B%22label%22%3A%7B%22a%3Db%20c%22%3Atrue%7D%7D",
            ),
            ("GET /containers/json?filters=%7B%7D", "GET /containers/json"),
            ("GET /containers/web-1/json", "GET /containers/web-1/json"),
            ("GET /containers/4a5d/json?size=0", "GET /containers/4a5d/json"),
            ("GET /networks", "GET /networks"),
            ("GET /networks/app_default?scope=&verbose=false", "GET /networks/app_default"),
            ("GET /networks/x?scope=swarm", "GET /networks/x?scope=swarm"),
            ("GET /volumes/data", "GET /volumes/data"),
            ("GET /services?status=true", "GET /services?status=1"),
            ("GET /services/web?insertDefaults=false", "GET /services/web"),
            ("GET /nodes/self", "GET /nodes/self"),
        ]);
        check(&[(&format!("GET /containers/{ID}/json"), &format!("GET /containers/{ID}/json"))]);
        check(&[(&format!("GET /images/sha256:{ID}/json"), &format!("GET /images/sha256:{ID}/json"))]);
        let platform = "%7B%22architecture%22%3A%22arm%22%2C%22os%22%3A%22linux%22%2C%22variant%22%3A%22v7%22%7D";
        let asked = format!("GET /images/sha256:{ID}/json?platform={platform}");
        let sent = r#"?platform={"variant":"v7","os":"linux","architecture":"arm","os.version":""}"#;
        check(&[(&asked, &asked), (&format!("GET /images/sha256:{ID}/json{sent}&manifests=0"), &asked)]);
    }

    #[test]
    fn a_filter_does_not_tell_what_no_answer_shows() {
        // `label` of a node is its engine's own, which stays inside; `node.label` is the swarm's, which passes.
        check(&[
            ("GET /nodes?filters=%7B%22label%22%3A%5B%22secret%3Dx%22%5D%7D", "filter"),
            (
                "GET /nodes?filters=%7B%22node.label%22%3A%5B%22a%3Db%22%5D%7D",
                "GET /nodes?filters=%7B%22node.label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D",
            ),
        ]);
    }

    #[test]
    fn anything_else_is_refused() {
        check(&[
            ("POST /containers/create", "method"),
            ("get /_ping", "method"),
            ("OPTIONS /info", "method"),
            ("OPTIONS *", "method"),
            ("HEAD /info", "method"),
            ("HEAD /containers/x/archive?path=/etc", "method"),
            ("GET *", "target-form"),
            ("GET http://evil/containers/json", "target-form"),
            ("GET ", "target-form"),
            ("GET /", "path-not-plain"),
            ("GET //containers/json", "path-not-plain"),
            ("GET /containers/json/", "path-not-plain"),
            ("GET /./containers/json", "path-not-plain"),
            ("GET /containers/../version", "path-not-plain"),
            ("GET /%2e%2e/version", "path-not-plain"),
            ("GET /containers%2Fjson", "path-not-plain"),
            ("GET /secr%65ts", "path-not-plain"),
            ("GET /version%00", "path-not-plain"),
            ("GET /versi\u{f6}n", "path-not-plain"),
            ("GET /Containers/json", "path"),
            ("GET /version;x", "path"),
            ("GET /version#x", "path"),
            ("GET /v1.41", "path"),
            ("GET /v1.41/v1.41/version", "path"),
            ("GET /v2/version", "api-version"),
            ("GET /v1/version", "api-version"),
            ("GET /v1.041/version", "api-version"),
            ("GET /v1.41.0/version", "api-version"),
            ("GET /v1.999/version", "api-version"),
            ("GET /V1.41/version", "api-version"),
            ("GET /v4.0.0/libpod/containers/json", "api-version"),
            ("GET /libpod/containers/json", "path"),
            ("GET /containers/x/attach/ws?stdin=1&stream=1", "path"),
            ("GET /containers/x/archive?path=/etc/shadow", "path"),
            ("GET /containers/x/export", "path"),
            ("GET /containers/x/logs?stdout=1", "path"),
            ("GET /containers/x/top", "path"),
            ("GET /containers/x/changes", "path"),
            ("GET /containers/x/stats", "path"),
            ("GET /images/json", "path"),
            ("GET /images/get?names=x", "path"),
            ("GET /images/x/get", "path"),
            ("GET /images/a/b/json", "path"),
            ("GET /images/search?term=x", "path"),
            ("GET /distribution/x/json", "path"),
            ("GET /volumes", "path"),
            ("GET /system/df", "path"),
            ("GET /secrets", "path"),
            ("GET /configs", "path"),
            ("GET /swarm", "path"),
            ("GET /swarm/unlockkey", "path"),
            ("GET /plugins", "path"),
            ("GET /exec/4a5d/json", "path"),
            ("GET /debug/vars", "path"),
            ("GET /debug/pprof/cmdline", "path"),
            ("GET /containers/-/json", "name"),
            ("GET /containers/a:b/json", "name"),
            ("GET /images/sha256:4a5d/json", "name"),
            ("GET /images/x:tag/json", "name"),
            ("GET /containers/json?size=1", "query-value"),
            ("GET /containers/x/json?size=true", "query-value"),
            ("GET /containers/json?all=yes", "query-value"),
            ("GET /containers/json?limit=1e3", "query-value"),
            ("GET /containers/json?limit=9999999999", "query-value"),
            ("GET /containers/json?since=x", "query-key"),
            ("GET /containers/json?all=1&all=1", "query"),
            ("GET /containers/json?all", "query"),
            ("GET /containers/json?&", "query"),
            ("GET /containers/json?all=%zz", "query"),
            ("GET /containers/json?all=%ff", "query"),
            ("GET /networks/x?verbose=1", "query-value"),
            ("GET /networks/x?scope=nearby", "query-value"),
            ("GET /images/x/json?platform=linux/arm64", "query-value"),
            (r#"GET /images/x/json?platform={"os":"linux"}"#, "query-value"),
            (r#"GET /images/x/json?platform={"os":"linux","architecture":"a/b"}"#, "query-value"),
            (r#"GET /images/x/json?platform={"os":"linux","architecture":"arm","x":"y"}"#, "query-value"),
            (r#"GET /images/x/json?platform={"os":"linux","os":"linux","architecture":["arm"]}"#, "query-value"),
            ("GET /images/x/json?manifests=1", "query-value"),
            ("GET /version?x=1", "query-key"),
            ("GET /events?since=yesterday", "query-value"),
            ("GET /events?since=1.1234567890", "query-value"),
            ("GET /events?filters=%5B%5D", "filter"),
            ("GET /events?filters=%7B%22type%22%3A%5B%22image%22%5D%7D", "filter"),
            ("GET /events?filters=%7B%22event%22%3A%5B%22exec_create%22%5D%7D", "filter"),
            ("GET /events?filters=%7B%22daemon%22%3A%5B%22x%22%5D%7D", "filter"),
            ("GET /containers/json?filters=%7B%22name%22%3A%22x%22%7D", "filter"),
            ("GET /containers/json?filters=%7B%22name%22%3A%5B%22%5Cu0000%22%5D%7D", "filter"),
        ]);
        let long = format!("/containers/json?filters={}", "x".repeat(MAX_TARGET_BYTES));
        assert_eq!(asked("GET", &long, false), "too-long");
        assert_eq!(asked("GET", &format!("/containers/{}/json", "x".repeat(256)), false), "name");
    }

    #[test]
    fn swarm_paths_need_the_flag() {
        for path in ["/services", "/services/x", "/tasks", "/tasks/x", "/nodes", "/nodes/self", "/v1.41/nodes"] {
            assert_eq!(asked("GET", path, false), "swarm", "{path}");
            assert_eq!(asked("GET", path, true), format!("GET {path}"));
        }
    }

    #[test]
    fn events_are_always_narrowed() {
        let filters = |target: &str, swarm: bool| match Request::parse("GET", target, swarm).unwrap().ask {
            Ask::Events { since: _, until: _, filters } => filters,
            other => panic!("{other:?}"),
        };
        let types = |filters: &Filters| filters.values("type").unwrap().iter().cloned().collect::<Vec<_>>();
        assert_eq!(types(&filters("/events", false)), ["container", "network"]);
        assert_eq!(types(&filters("/events", true)), ["container", "network", "node", "service"]);
        let asked = "/events?filters=%7B%22type%22%3A%5B%22container%22%2C%22image%22%5D%7D";
        assert_eq!(types(&filters(asked, false)), ["container"]);
        assert!(filters("/events", true).values("event").unwrap().iter().all(|action| !action.starts_with("exec")));
        let healthy = "/events?filters=%7B%22event%22%3A%5B%22health_status%3A%20healthy%22%5D%7D";
        assert!(filters(healthy, false).values("event").unwrap().iter().eq(["health_status: healthy"]));
    }

    #[test]
    fn moments_are_rewritten_whole() {
        check(&[(
            "GET /events?since=1.5&until=2&filters=%7B%22event%22%3A%5B%22die%22%5D%2C%22type%22%3A%5B%22node%22%5D%7D",
            "GET /events?since=1.500000000&until=2&filters=%7B%22event%22%3A%7B%22die%22%3Atrue%7D%2C%22type%22%3A%7B%22node%22%3Atrue%7D%7D",
        )]);
    }

    /// The example path of each row of the table.
    fn example(path: &str) -> String {
        path.replace("{id}", "4a5d").replace("{name}", "data")
    }

    #[test]
    fn the_table_is_what_is_parsed() {
        for (path, keys, swarm) in TABLE {
            let target = example(path);
            assert_eq!(asked("GET", &target, true), format!("GET {target}").replace("/events", &asked_events()));
            assert_eq!(Request::parse("GET", &target, false).is_err(), *swarm, "{target}");
            for key in [
                "all", "limit", "filters", "scope", "since", "until", "status", "platform", "size", "verbose", "stream",
            ] {
                let value = match key {
                    "filters" => "%7B%7D",
                    "platform" => "%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22arm64%22%7D",
                    "scope" => "local",
                    _ => "1",
                };
                let known = Request::parse("GET", &format!("{target}?{key}={value}"), true).is_ok();
                assert_eq!(known, keys.contains(&key), "{target}?{key}");
            }
        }
    }

    fn asked_events() -> String {
        Request::parse("GET", "/events", true).unwrap().target()
    }

    /// Whether a path is one of the table's, with a name or id of the engine's grammar in the braces.
    fn in_closed_set(path: &str) -> bool {
        let path = match path.strip_prefix("/v1.") {
            Some(rest) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default(),
            None => path,
        };
        let name = regex::Regex::new("^(sha256:[0-9a-fA-F]{64}|[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254})$").unwrap();
        TABLE.iter().any(|(row, _, _)| {
            let (row, path): (Vec<_>, Vec<_>) = (row.split('/').collect(), path.split('/').collect());
            row.len() == path.len()
                && row.iter().zip(&path).all(
                    |(row, path)| {
                        if row.starts_with('{') { name.is_match(path) } else { row == path }
                    },
                )
        })
    }

    fn near_requests() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => prop::sample::select(vec![
                "/containers", "/json", "/networks", "/images", "/volumes", "/events", "/_ping", "/version", "/info",
                "/services", "/tasks", "/nodes", "/v1.41", "/web", "/4a5d", "?", "&", "all=1", "limit=3", "size=0",
                "filters=", "%7B%22type%22%3A%5B%22container%22%5D%7D", "{\"label\":{\"x\":true}}", "since=1.5",
                "until=9", "/..", "/.", "%2f", "%00", ";", "#", "/exec", "/archive", "/attach/ws", "scope=local",
            ]).prop_map(ToOwned::to_owned),
            1 => "[ -~]{0,6}",
            1 => any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_of_the_closed_set_and_stable(
            method in prop::sample::select(vec!["GET", "GET", "GET", "HEAD", "POST"]),
            target in near_requests(),
            swarm: bool,
        ) {
            if let Ok(request) = Request::parse(method, &target, swarm) {
                let written = request.target();
                let (path, query) = written.split_once('?').unwrap_or((&written, ""));
                prop_assert!(in_closed_set(path), "{written}");
                prop_assert!(query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=&%-._~".contains(&byte)));
                prop_assert_eq!(Request::parse(request.method(), &written, swarm).unwrap(), request);
            }
        }

        #[test]
        fn any_text_is_parsed_without_panic(method in ".{0,8}", target in ".{0,64}", swarm: bool) {
            drop(Request::parse(&method, &target, swarm));
            drop(Request::parse("GET", &format!("/{target}"), swarm));
        }
    }
}
