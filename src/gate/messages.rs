//! What a client is told when the engine says no. The words are the gate's own: of the engine's only its status and a few known
//! complaints are understood, because its words may quote anything, as `exec: "sh -c …"` does, and a plugin's are anybody's.

use hyper::StatusCode;

use super::ask::Ask;
use super::value::{ImageName, Name};

/// What a client is told when the engine answered `status` and said `message`.
pub(super) fn for_client(status: StatusCode, message: &str, ask: &Ask) -> String {
    match status {
        StatusCode::NOT_FOUND => missing(ask),
        StatusCode::BAD_REQUEST => bad_version(message).unwrap_or_else(|| {
            let known = [
                ("multiple IDs found", "several things have an id that begins so; write more of it"),
                ("ambiguous", "several things are called so; write the id"),
                ("invalid filter", "the engine does not have one of these filters, or not for this value"),
            ];
            let own = known.iter().find(|(theirs, _)| message.contains(theirs)).map(|(_, ours)| *ours);
            own.unwrap_or("the engine finds the question bad").to_owned()
        }),
        StatusCode::FORBIDDEN => "the engine, or its authorization plugin, refuses".to_owned(),
        StatusCode::SERVICE_UNAVAILABLE if message.contains("not a swarm manager") => {
            "this node is not a swarm manager".to_owned()
        }
        StatusCode::SERVICE_UNAVAILABLE if message.contains("swarm is encrypted") => {
            "this node's swarm is locked".to_owned()
        }
        _ => format!("the engine answered {status}"),
    }
}

/// As the engine words it: some readers look for it.
fn missing(ask: &Ask) -> String {
    match ask {
        Ask::Container(Name(name)) => format!("No such container: {name}"),
        Ask::Network { name: Name(name), scope: _ } => format!("network {name} not found"),
        Ask::Image { name: ImageName(name), platform: _ } => format!("No such image: {name}"),
        Ask::Volume(Name(name)) => format!("get {name}: no such volume"),
        Ask::Service(Name(name)) => format!("service {name} not found"),
        Ask::Task(Name(name)) => format!("task {name} not found"),
        Ask::Node(Name(name)) => format!("node {name} not found"),
        Ask::Ping { head: _ }
        | Ask::Version
        | Ask::Info
        | Ask::Containers { all: _, limit: _, filters: _ }
        | Ask::Networks(_)
        | Ask::Events { since: _, until: _, filters: _ }
        | Ask::Services { status: _, filters: _ }
        | Ask::Tasks(_)
        | Ask::Nodes(_) => "page not found".to_owned(),
    }
}

/// `client version 1.24 is too old. Minimum supported API version is 1.44, please upgrade …`: the one complaint whose
/// numbers matter, rebuilt from them.
fn bad_version(message: &str) -> Option<String> {
    let rest = message.strip_prefix("client version ")?;
    let (asked, rest) = rest.split_once(" is too ")?;
    let (how, rest) = rest.split_once(". ")?;
    let (bound, rest) = rest.split_once(" supported API version is ")?;
    let number = rest.split([',', ' ']).next()?;
    let is_version = |text: &str| {
        text.len() <= 6
            && text.split_once('.').is_some()
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    if !is_version(asked) || !is_version(number) {
        return None;
    }
    match (how, bound) {
        ("old", "Minimum") => Some(format!(
            "client version {asked} is too old. Minimum supported API version is {number}, please upgrade your client to a \
             newer version"
        )),
        ("new", "Maximum") => {
            Some(format!("client version {asked} is too new. Maximum supported API version is {number}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ask::Request;
    use super::*;

    #[track_caller]
    fn check(target: &str, status: u16, message: &str, expected: &str) {
        let ask = Request::parse("GET", target, true).unwrap().ask;
        assert_eq!(for_client(StatusCode::from_u16(status).unwrap(), message, &ask), expected, "{target} {status}");
    }

    #[test]
    fn what_is_missing_is_said_as_the_engine_does() {
        check("/containers/web/json", 404, "No such container: web", "No such container: web");
        check("/networks/app", 404, "network app not found", "network app not found");
        check("/volumes/v", 404, "get v: VolumeDriver.Get: password hunter2 is wrong", "get v: no such volume");
        check("/services", 404, "page not found", "page not found");
    }

    #[test]
    fn versions_are_rebuilt_from_their_numbers() {
        for message in [
            "client version 1.24 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version",
            "client version 1.99 is too new. Maximum supported API version is 1.41",
        ] {
            check("/version", 400, message, message);
        }
        for message in [
            "client version hunter2 is too new. Maximum supported API version is 1.41",
            "client version 1.99 is too new. Maximum supported API version is hunter2",
            "client version 1.99 is too hunter2. Maximum supported API version is 1.41",
            "client version 1.99 is too new. hunter2 supported API version is 1.41",
            "hunter2",
            "",
        ] {
            check("/version", 400, message, "the engine finds the question bad");
        }
        check(
            "/version",
            400,
            "client version 1.99 is too new. Maximum supported API version is 1.41 hunter2",
            "client version 1.99 is too new. Maximum supported API version is 1.41",
        );
    }

    #[test]
    fn no_other_word_of_the_engines_passes() {
        let bad = "several things have an id that begins so; write more of it";
        check("/containers/4/json", 400, "multiple IDs found with provided prefix: hunter2", bad);
        let swarm = "This node is not a swarm manager. hunter2";
        check("/services", 503, swarm, "this node is not a swarm manager");
        for (status, words) in [
            (403, "the engine, or its authorization plugin, refuses"),
            (409, "the engine answered 409 Conflict"),
            (500, "the engine answered 500 Internal Server Error"),
            (503, "the engine answered 503 Service Unavailable"),
        ] {
            check("/containers/web/json", status, "oci runtime error: exec: \"sh -c hunter2\"", words);
        }
    }
}
