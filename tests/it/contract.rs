//! `docs/openapi.yaml` and what is really answered: the same paths, and for each status and format the described shape.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use leeward::report::page::{SCRIPT_PATH, STYLE_PATH};
use serde_json::{Value, json};

use crate::engine::Daemon;
use crate::eventually::eventually;
use crate::serving::Serving;

/// For who takes JSON alone.
const JSON: &str = "Accept: application/json\r\n";
const TEXT: &str = "Accept: text/plain\r\n";

/// One answer.
struct Answer {
    status: u16,
    kind: String,
    body: String,
    /// It was asked for JSON and for nothing else.
    wants_json: bool,
}

/// A request with this method, and with this body where that is `post`.
fn send(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let host = if headers.contains("Host:") { "" } else { "Host: localhost\r\n" };
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (method, length) = (method.to_uppercase(), body.len());
    let headers = format!("{host}{headers}Content-Length: {length}\r\nConnection: close\r\n");
    let request = format!("{method} {path} HTTP/1.1\r\n{headers}\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    let kind = kind.split(';').next().unwrap().to_owned();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    Answer { status, kind, body: body.to_owned(), wants_json: headers.contains(JSON) }
}

fn ask(port: u16, path: &str, headers: &str) -> Answer {
    send(port, "get", path, headers, "")
}

/// The contract. A field that it does not describe is an error here, though clients must pass over such fields.
fn contract() -> Value {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.yaml")).unwrap();
    let mut contract: Value = serde_saphyr::from_str(&text).unwrap();
    close(&mut contract["components"]["schemas"]);
    contract
}

fn close(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Made once for each schema: that takes longer than an answer.
type Validators = BTreeMap<String, jsonschema::Validator>;

/// What is wrong with an answer to an operation of the contract: `get` or `post`, and a path.
fn problems(
    contract: &Value,
    (method, path): (&str, &str),
    answer: &Answer,
    validators: &mut Validators,
) -> Vec<String> {
    let Answer { status, kind, body, wants_json } = answer;
    let mut described = &contract["paths"][path][method]["responses"][status.to_string()];
    if let Some(name) = described["$ref"].as_str() {
        described = contract.pointer(name.trim_start_matches('#')).unwrap();
    }
    if described.is_null() {
        return vec![format!("{path}: {status} is not described")];
    }
    let Some(content) = described["content"].as_object() else {
        return if body.is_empty() { vec![] } else { vec![format!("{path} {status}: has a body")] };
    };
    let Some(media) = content.get(kind) else { return vec![format!("{path} {status}: `{kind}` is not described")] };
    if kind != "application/json" {
        let other = *wants_json && content.contains_key("application/json");
        return if other { vec![format!("{path} {status}: `{kind}`, and JSON was asked for")] } else { vec![] };
    }
    let schema = json!({ "allOf": [media["schema"]], "components": contract["components"] });
    let validator = validators.entry(schema["allOf"][0].to_string());
    let validator = validator.or_insert_with(|| jsonschema::draft202012::new(&schema).unwrap());
    let body = serde_json::from_str(body).unwrap();
    validator.iter_errors(&body).map(|error| format!("{path} {status}: {}: {error}", error.instance_path())).collect()
}

/// Every status that the contract describes: `get /routes 200`.
fn described(contract: &Value) -> BTreeSet<String> {
    let paths = contract["paths"].as_object().unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in paths {
        for (method, operation) in
            item.as_object().unwrap().iter().filter(|(it, _)| ["get", "post"].contains(&it.as_str()))
        {
            let responses = operation["responses"].as_object().unwrap();
            described.extend(responses.keys().map(|status| format!("{method} {path} {status}")));
        }
    }
    described
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_contract_describes_it() {
    const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
    let contract = contract();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "secret\n").unwrap();
    let nowhere = format!("unix://{}/nobody.sock", folder.path().display());
    let good = Serving::start(&["--hold=0s"]);
    let closed = Serving::start(&["--hold=0s", &format!("--token-file={}", token.display())]);
    let empty = Serving::start_at(&nowhere, &["--hold=0s"]);
    // It had an engine.
    let mut daemon = Daemon::new(folder.path());
    daemon.put("app", 1);
    daemon.start();
    let stale = Serving::start_at(&format!("unix://{}", daemon.socket().display()), &["--hold=0s"]);
    let state = |words: &str| eventually(Duration::from_secs(20), words, || stale.get("/readyz").contains(words));
    state("200 OK");
    daemon.stop().await;
    state("stale for");
    for path in ["/routes", "/explain/app", "/explain/app.example", "/audit", "/fix"] {
        let body: Value = serde_json::from_str(&ask(stale.port, path, JSON).body).unwrap();
        assert!(body["stale"].is_string() && body["stale_seconds"].is_u64(), "{path}: {body}");
    }
    for path in ["/routes", "/explain/nobody", "/audit", "/fix"] {
        let body = ask(stale.port, path, TEXT).body;
        assert!(body.starts_with("may be out of date: ") && body.contains("and the gate"), "{path}: {body}");
    }
    // The demo, with a wiki that nothing mends, and with one that publishes a port that is not for browsers.
    let changed = |file: &str, field: &str, value: Value| {
        let mut demo: Value = serde_json::from_str(include_str!("../../src/source/demo.json")).unwrap();
        let containers = demo["inventory"]["containers"].as_object_mut().unwrap();
        let wiki = containers.values_mut().find(|it| it["name"] == "wiki-wiki-1").unwrap();
        wiki[field] = value;
        if field == "network_mode" {
            wiki["attachments"] = json!({});
        }
        let path = folder.path().join(file);
        std::fs::write(&path, demo.to_string()).unwrap();
        Serving::start_at(&format!("file:{}", path.display()), &["--hold=0s"])
    };
    let on_host = changed("on-host.json", "network_mode", json!("host"));
    let binding = json!({ "53/udp": [{ "host_ip": "", "host_port": "53" }] });
    let publishing = changed("publishing.json", "port_bindings", binding);
    let of = |names: &[(&'static str, &'static str)]| names.iter().copied().collect::<BTreeMap<_, _>>();
    // Paths of the contract, and what stands for their parameters.
    let named = of(&[
        ("/config/{traefik}", "/config/front-traefik-1"),
        ("/explain/{name}", "/explain/wiki-wiki-1"),
        ("/outbound/{egress}", "/outbound/egress"),
        ("/fix/{name}", "/fix/wiki"),
        ("/c/{name}", "/c/wiki-wiki-1"),
        ("/n/{name}", "/n/net-proxy"),
        ("/h/{host}", "/h/app1.localhost"),
        ("/rules/{rule}", "/rules/NET-001"),
    ]);
    let mut asked = Vec::new();
    for (path, _) in
        contract["paths"].as_object().unwrap().iter().filter(|(_, operations)| operations["get"].is_object())
    {
        let real = named.get(path.as_str()).map_or(path.as_str(), |real| real);
        for accept in
            ["", JSON, "Accept: text/html\r\n", "Accept: text/plain\r\n", "Accept: application/sarif+json\r\n"]
        {
            for (port, headers) in [
                (good.port, ""),
                (good.port, "Host: evil.example\r\nSec-Fetch-Site: none\r\n"),
                (closed.port, ""),
                (closed.port, "Authorization: Bearer secret\r\n"),
                (empty.port, ""),
                (stale.port, ""),
            ] {
                // `/config` waits for an inventory.
                if port == empty.port
                    && (path.starts_with("/config") || path.starts_with("/outbound"))
                    && !accept.is_empty()
                {
                    continue;
                }
                asked.push((path.as_str(), real.to_owned(), port, format!("{accept}{headers}")));
            }
        }
    }
    for (path, real) in [
        ("/config/{traefik}", "/config/nobody"),
        ("/config/{traefik}", "/config/%ff"),
        ("/outbound/{egress}", "/outbound/%ff"),
        ("/routes", "/routes?all"),
        ("/routes", "/routes?isolation=strict"),
        ("/routes", "/routes?isolation=warn&names=traefik"),
        ("/routes", "/routes?nonsense=1"),
        ("/", "/?nonsense=1"),
        ("/explain/{name}", "/explain/app1-web-1"),
        ("/explain/{name}", "/explain/front-traefik-1"),
        ("/explain/{name}", "/explain/app1.localhost"),
        ("/explain/{name}", "/explain/wiki.localhost"),
        ("/explain/{name}", "/explain/NET-001"),
        ("/explain/{name}", "/explain/wiki-wiki-1?fail-on=refused"),
        ("/explain/{name}", "/explain/nobody.localhost?fail-on=refused"),
        ("/explain/{name}", "/explain/wiki-wiki-1?isolation=warn"),
        ("/explain/{name}", "/explain/db"),
        ("/explain/{name}", "/explain/ap"),
        ("/explain/{name}", "/explain/nobody"),
        ("/explain/{name}", "/explain/%ff"),
        ("/audit", "/audit?fail-on=high"),
        ("/audit", "/audit?fail-on=nonsense"),
        ("/audit", "/audit?isolation=off"),
        ("/c/{name}", "/c/nobody"),
        ("/c/{name}", "/c/%ff"),
        ("/n/{name}", "/n/nobody"),
        ("/n/{name}", "/n/%ff"),
        ("/h/{host}", "/h/nobody"),
        ("/h/{host}", "/h/%ff"),
        ("/rules/{rule}", "/rules/NET-999"),
        ("/rules/{rule}", "/rules/%ff"),
        ("/fix/{name}", "/fix/%ff"),
        ("/fix", "/fix?keep=wiki-wiki-1&files=false"),
        ("/fix", "/fix?name=nobody"),
        ("/fix", "/fix?nonsense=1"),
        ("/fix/{name}", "/fix/nobody"),
        ("/fix/{name}", "/fix/wiki?nonsense=1"),
        ("/topology", "/topology?isolation=strict"),
        ("/topology", "/topology?nonsense=1"),
    ] {
        for accept in [JSON, ""] {
            asked.push((path, real.to_owned(), good.port, accept.to_owned()));
        }
    }
    for (path, real) in [("/fix", "/fix?fail-on=left"), ("/fix/{name}", "/fix/wiki?fail-on=left")] {
        asked.push((path, real.to_owned(), on_host.port, JSON.to_owned()));
    }
    for (path, real) in [("/fix", "/fix?fail-on=open"), ("/fix/{name}", "/fix/wiki?fail-on=open")] {
        asked.push((path, real.to_owned(), publishing.port, JSON.to_owned()));
    }
    let etag = good.get("/config").lines().find_map(|line| line.strip_prefix("etag: ").map(str::to_owned)).unwrap();
    for (path, real) in [("/config", "/config"), ("/config/{traefik}", "/config/front-traefik-1")] {
        asked.push((path, real.to_owned(), good.port, format!("If-None-Match: {etag}\r\n")));
    }
    for path in ["/", "/c/{name}", "/n/{name}", "/h/{host}", "/rules/{rule}"] {
        let real = named.get(path).map_or(path, |real| real);
        asked.push((path, real.to_owned(), good.port, "Accept: text/html\r\nIf-None-Match: *\r\n".to_owned()));
    }
    // Nothing is allowed, and `*` is any document.
    asked.push(("/outbound/{egress}", "/outbound/egress".to_owned(), good.port, "If-None-Match: *\r\n".to_owned()));
    let (mut wrong, mut seen, mut validators) = (BTreeSet::new(), BTreeSet::new(), Validators::new());
    for (path, real, port, headers) in asked {
        let answer = ask(port, &real, &headers);
        seen.insert(format!("get {path} {}", answer.status));
        let problems = problems(&contract, ("get", path), &answer, &mut validators);
        wrong.extend(problems.into_iter().map(|problem| format!("{real} ({}): {problem}", headers.trim())));
    }
    let long = format!("token={}", "x".repeat(17_000));
    let guesses = std::iter::repeat_n((closed.port, FORM, "token=guess"), 11);
    for (port, headers, body) in [
        (good.port, FORM, "token=x"),
        (good.port, FORM, ""),
        (good.port, FORM, "to=/routes"),
        (good.port, FORM, long.as_str()),
        (good.port, "", "token=x"),
        (good.port, "Content-Type: application/json\r\n", "{}"),
        (closed.port, FORM, "token=secret&to=/routes"),
    ]
    .into_iter()
    .chain(guesses)
    {
        for accept in ["", JSON] {
            let answer = send(port, "post", "/login", &format!("{accept}{headers}"), body);
            seen.insert(format!("post /login {}", answer.status));
            let problems = problems(&contract, ("post", "/login"), &answer, &mut validators);
            wrong.extend(problems.into_iter().map(|it| format!("post /login ({headers}{body:.20}): {it}")));
        }
    }
    for (port, headers) in
        [(good.port, ""), (closed.port, ""), (good.port, "Host: evil.example\r\nSec-Fetch-Site: none\r\n")]
    {
        let answer = send(port, "post", "/logout", headers, "");
        seen.insert(format!("post /logout {}", answer.status));
        wrong.extend(problems(&contract, ("post", "/logout"), &answer, &mut validators));
    }
    let answer = send(good.port, "post", "/routes", JSON, "");
    assert_eq!((answer.status, answer.kind.as_str()), (405, "application/json"), "{}", answer.body);
    assert!(wrong.is_empty(), "{wrong:#?}");
    let unseen: Vec<_> = described(&contract).difference(&seen).cloned().collect();
    assert!(unseen.is_empty(), "described, and never answered here: {unseen:?}");
}

#[test]
fn the_contract_names_the_paths_that_there_are() {
    let contract = contract();
    let described: BTreeSet<_> = contract["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    // A router does not tell what is in it; its source does.
    let source = include_str!("../../src/serve/mod.rs");
    let argument = |rest: &'static str| rest.trim_start().split([',', ' ']).next().unwrap();
    let routed = source.split(".route(").skip(1).map(argument).map(|it| match it {
        "page::STYLE_PATH" => STYLE_PATH,
        "page::SCRIPT_PATH" => SCRIPT_PATH,
        _ => it.trim_matches('"'),
    });
    assert_eq!(described, routed.collect());
    // What is told to who asks for another: all that people and programs ask for by themselves.
    let serving = Serving::start(&[]);
    let answer = ask(serving.port, "/no/such/path", JSON);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let words = body["error"].as_str().unwrap().split([' ', ',', ';']).filter(|it| it.starts_with('/'));
    let told: BTreeSet<_> = words.chain(["/logout", STYLE_PATH, SCRIPT_PATH]).collect();
    assert_eq!(told, described);
}

#[test]
fn an_answer_that_is_not_as_described_is_noticed() {
    let contract = contract();
    let of = |status, kind: &str, body: Value| Answer {
        status,
        kind: kind.to_owned(),
        body: body.to_string(),
        wants_json: kind == "text/plain",
    };
    let routes = json!({ "routes": [], "refused": [], "ignored": 3 });
    let count = |answer| problems(&contract, ("get", "/routes"), &answer, &mut Validators::new()).len();
    assert_eq!(count(of(200, "application/json", routes.clone())), 0);
    for (field, value) in [("ignored", json!("three")), ("unheard_of", json!(1))] {
        let mut body = routes.clone();
        body[field] = value;
        assert_eq!(count(of(200, "application/json", body)), 1, "{field}");
    }
    assert_eq!(count(of(500, "text/plain", json!(""))), 1);
    assert_eq!(count(of(200, "image/png", json!(""))), 1);
    assert_eq!(count(of(200, "text/plain", json!(""))), 1);
}
