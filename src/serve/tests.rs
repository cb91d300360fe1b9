//! The poll as its callers see it: who waits, for what, how long, and who never does. Time is paused.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep};
use tower::ServiceExt as _;

use super::auth::Tokens;
use super::connection::Connection;
use super::metrics::Metrics;
use super::published::{Document, Published};
use super::router;
use super::state::Shared;
use super::views::{View, Views};
use crate::inventory::Inventory;
use crate::plan::{self, Plan};
use crate::settings::{Isolation, Settings};
use crate::source::snapshot;

type Sender = watch::Sender<Option<Arc<Published>>>;

fn service(places: usize) -> (Sender, Shared) {
    let (sender, published) = watch::channel(None);
    let shared = Shared {
        published,
        settings: Arc::default(),
        hold: Duration::from_secs(4),
        begun: Instant::now(),
        outbound_keep: Duration::from_mins(1),
        holds: Arc::new(Semaphore::new(places)),
        page_holds: Arc::new(Semaphore::new(places)),
        is_tls: false,
        tokens: None,
        guesses: Arc::default(),
        allow_hosts: Arc::new([]),
        metrics: Arc::new(Metrics::new(None)),
        views: Views::new(1, Duration::from_millis(20), Duration::from_millis(20)),
    };
    (sender, shared)
}

fn publish(sender: &Sender, body: &'static str) {
    let mut published = Published::next(None, Arc::new(Inventory::default()), Plan::default(), None);
    published.documents.insert(String::new(), Document::new(body));
    sender.send_replace(Some(Arc::new(published)));
}

/// Status, body, and the seconds that the answer took.
async fn ask(shared: &Shared, connection: &Arc<Connection>, headers: &[(&str, &str)]) -> (u16, String, u64) {
    let mut request = Request::get("/config").extension(Arc::clone(connection));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let begun = Instant::now();
    let answer = router(shared.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), String::from_utf8(body.to_vec()).unwrap(), begun.elapsed().as_secs())
}

fn answer(body: &str, seconds: u64) -> (u16, String, u64) {
    (200, body.to_owned(), seconds)
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_the_document_waits_and_a_new_one_does_not() {
    let (sender, shared) = service(1);
    publish(&sender, "{}");
    let (first, second) = (Arc::default(), Arc::default());
    assert_eq!(ask(&shared, &first, &[]).await, answer("{}", 0));
    assert_eq!(ask(&shared, &first, &[]).await, answer("{}", 4), "the same bytes after the hold");
    assert_eq!(ask(&shared, &second, &[]).await, answer("{}", 0), "a restarted Traefik is answered at once");
    assert_eq!(ask(&shared, &first, &[("prefer", "wait=25")]).await, answer("{}", 25));
    assert_eq!(ask(&shared, &first, &[("prefer", "wait=0")]).await, answer("{}", 0));
}

#[tokio::test(start_paused = true)]
async fn a_change_ends_the_wait_and_an_equal_document_does_not() {
    let (sender, shared) = service(1);
    publish(&sender, "{}");
    let connection = Arc::default();
    ask(&shared, &connection, &[]).await;
    let (answered, ()) = tokio::join!(ask(&shared, &connection, &[]), async {
        sleep(Duration::from_secs(1)).await;
        publish(&sender, "{}");
        sleep(Duration::from_secs(1)).await;
        publish(&sender, "{ }");
    });
    assert_eq!(answered, answer("{ }", 2));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_service_ends_the_wait() {
    let (sender, shared) = service(1);
    publish(&sender, "{}");
    let connection = Arc::default();
    ask(&shared, &connection, &[]).await;
    let (answered, ()) = tokio::join!(ask(&shared, &connection, &[]), async {
        sleep(Duration::from_secs(1)).await;
        drop(sender);
    });
    assert_eq!(answered, answer("{}", 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_answered_well_before_the_first_inventory() {
    let (sender, shared) = service(1);
    let (status, _, seconds) = ask(&shared, &Arc::default(), &[]).await;
    assert_eq!((status, seconds), (503, 4));
    let connection = Arc::default();
    let (answered, ()) = tokio::join!(ask(&shared, &connection, &[]), async {
        sleep(Duration::from_secs(1)).await;
        publish(&sender, "{}");
    });
    assert_eq!(answered, answer("{}", 1));
}

#[tokio::test(start_paused = true)]
async fn a_poll_beyond_the_places_is_answered_at_once() {
    let (sender, shared) = service(0);
    publish(&sender, "{}");
    let connection = Arc::default();
    ask(&shared, &connection, &[]).await;
    assert_eq!(ask(&shared, &connection, &[]).await, answer("{}", 0));
}

#[tokio::test(start_paused = true)]
async fn a_validator_is_honoured() {
    let (sender, shared) = service(1);
    publish(&sender, "{}");
    let tag = Document::new("{}").etag;
    let (status, body, seconds) = ask(&shared, &Arc::default(), &[("if-none-match", &tag)]).await;
    assert_eq!((status, body.as_str(), seconds), (304, "", 0));
    assert_eq!(ask(&shared, &Arc::default(), &[("if-none-match", "\"other\"")]).await, answer("{}", 0));
}

#[tokio::test(start_paused = true)]
async fn a_token_protects_everything_but_healthz() {
    let (sender, mut shared) = service(1);
    publish(&sender, "{}");
    let (_tokens, receiver) = watch::channel(Tokens::read("secret").unwrap());
    shared.tokens = Some(receiver);
    let status = async |path: &str, token: &str| {
        let request = Request::get(path).header("authorization", token).extension(Arc::<Connection>::default());
        router(shared.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
    };
    for path in ["/config", "/routes", "/readyz", "/metrics", "/nowhere"] {
        assert_eq!(status(path, "Bearer wrong").await, StatusCode::UNAUTHORIZED, "{path}");
        assert_ne!(status(path, "Bearer secret").await, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(status("/healthz", "").await, StatusCode::OK);
}

#[tokio::test]
async fn a_browser_gets_the_page_and_is_kept_from_everything_else() {
    let (sender, shared) = service(1);
    publish(&sender, "{}");
    for (path, accept, kind) in [
        ("/", "text/html,*/*;q=0.8", "text/html; charset=utf-8"),
        ("/", "*/*", "text/plain; charset=utf-8"),
        ("/page.css", "text/css,*/*;q=0.1", "text/css; charset=utf-8"),
        ("/page.js", "*/*", "text/javascript; charset=utf-8"),
        ("/nowhere", "text/html", "text/html; charset=utf-8"),
        ("/nowhere", "*/*", "text/plain; charset=utf-8"),
    ] {
        let request = Request::get(path).header("accept", accept).body(Body::empty()).unwrap();
        let answer = router(shared.clone()).oneshot(request).await.unwrap();
        let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(header("content-type"), kind, "{path}");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{path}: {policy}");
        assert_eq!((header("x-content-type-options"), header("cache-control")), ("nosniff", "no-store"), "{path}");
    }
}

#[tokio::test]
async fn who_asks_for_json_gets_errors_in_json_too() {
    let (_sender, shared) = service(1);
    for (path, accept, kind, body) in [
        ("/nowhere", "application/json", "application/json", "{\"error\":\"no such path; "),
        ("/routes", "application/json", "application/json", "{\"error\":\"not ready: "),
        ("/routes", "application/json;q=0", "text/plain; charset=utf-8", "not ready: "),
        ("/audit?fail-on=x", "*/*", "text/plain; charset=utf-8", "`fail-on`: `x` is none of its values: info, low"),
        ("/audit?fail-on=x", "application/json", "application/json", "{\"error\":\"`fail-on`: `x` is none"),
    ] {
        let request = Request::get(path).header("accept", accept).body(Body::empty()).unwrap();
        let (head, found) = router(shared.clone()).oneshot(request).await.unwrap().into_parts();
        assert!(head.status.is_client_error() || head.status.is_server_error(), "{path}");
        assert_eq!(head.headers.get("content-type").unwrap(), kind, "{path} {accept}");
        assert_eq!(head.headers.get("vary").unwrap(), "accept");
        let found = found.collect().await.unwrap().to_bytes();
        let found = String::from_utf8(found.to_vec()).unwrap();
        assert!(found.starts_with(body), "{path} {accept}: {found}");
        if kind == "application/json" {
            serde_json::from_str::<serde_json::Value>(&found).unwrap();
            let length = head.headers.get("content-length").map(|it| it.to_str().unwrap().parse().unwrap());
            assert!(length.is_none_or(|length: usize| length == found.len()), "{path}: {:?}", head.headers);
        }
    }
}

/// Status and `Retry-After` of a path.
async fn status(shared: &Shared, path: &str) -> (u16, bool) {
    let request = Request::get(path).extension(Arc::<Connection>::default()).body(Body::empty()).unwrap();
    let answer = router(shared.clone()).oneshot(request).await.unwrap();
    (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
}

/// Status and body of a path, for a program or for a person.
async fn view(shared: &Shared, path: &str, accept: &str) -> (u16, String) {
    let request = Request::get(path).header("accept", accept).body(Body::empty()).unwrap();
    let (head, body) = router(shared.clone()).oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
}

/// A service that serves the built-in example under these settings.
fn demo(settings: Settings) -> (Sender, Shared) {
    let (sender, shared) = service(1);
    let inventory = Arc::new(snapshot::demo().unwrap());
    let plan = plan::compile(&inventory, &settings);
    sender.send_replace(Some(Arc::new(Published::next(None, inventory, plan, None))));
    let views = Views::new(1, Duration::from_mins(1), Duration::from_mins(1));
    (sender, Shared { settings: Arc::new(settings), views, ..shared })
}

#[tokio::test]
async fn a_preview_shows_what_other_flags_would_decide_and_changes_nothing() {
    let (_sender, shared) = demo(Settings { isolation: Isolation::Warn, ..Settings::default() });
    let (status, served) = view(&shared, "/routes", "text/plain").await;
    assert!(status == 200 && served.contains("wiki.localhost") && !served.contains("REFUSED"), "{served}");
    let (_, preview) = view(&shared, "/routes?isolation=enforce", "text/plain").await;
    assert!(preview.starts_with("preview with --isolation enforce: the service goes on as it is\n\n"), "{preview}");
    assert!(preview.contains("REFUSED") && preview.contains("NET-001"), "{preview}");
    let (_, one) = view(&shared, "/routes?isolation-of=wiki%3Denforce&all", "application/json").await;
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!((one["refused"][0]["owner"].as_str(), one["refused"][1].as_str()), (Some("wiki"), None));
    assert!(one["ignored_containers"].is_array(), "{one}");
    // Explanations and findings too, with the statuses that go with them.
    let explained = |query: &'static str| view(&shared, query, "text/plain");
    assert_eq!(explained("/explain/wiki?fail-on=refused").await.0, 200);
    let (status, text) = explained("/explain/wiki?fail-on=refused&isolation=enforce").await;
    assert!(status == 409 && text.starts_with("preview with --isolation enforce"), "{text}");
    assert_eq!(explained("/audit?fail-on=critical").await.0, 409);
    assert_eq!(explained("/audit?fail-on=critical&traefik=nobody&isolation=off").await.0, 409);
    let now = shared.now().unwrap();
    assert_eq!((view(&shared, "/routes", "text/plain").await.1, now.revision), (served, 1));
}

#[tokio::test]
async fn a_parameter_or_a_value_that_there_is_not_is_refused_with_those_there_are() {
    let (_sender, shared) = demo(Settings::default());
    for (path, wanted) in [
        (
            "/routes?isolatoin=enforce",
            "there is no parameter `isolatoin`; there are: all, server, allow-empty-services, ",
        ),
        ("/routes?constraints=x", "there is no parameter `constraints`; there are: all, "),
        ("/routes?fail-on=high", "there is no parameter `fail-on`; there are: all, "),
        ("/routes?all=maybe", "`all`: `maybe` is none of its values: true, false"),
        ("/routes?all&all=true", "`all` is given twice; give it once"),
        ("/routes?isolation=hard", "`isolation`: `hard` is none of its values: strict, enforce, warn, off"),
        ("/routes?isolation=", "`isolation`: `` is none of its values: strict, enforce, warn, off"),
        ("/explain/wiki?fail-on=high", "`fail-on`: `high` is none of its values: refused"),
        ("/audit?traefik-version=9", "`traefik-version`: "),
        ("/audit?\u{1}=%1b[31m", "there is no parameter"),
    ] {
        let Ok(uri) = path.parse::<axum::http::Uri>() else { continue };
        let (status, body) = view(&shared, &uri.to_string(), "text/plain").await;
        assert!(status == 400 && body.starts_with(wanted), "{path}: {status} {body}");
        assert!(!body.contains('\u{1b}'), "{body:?}");
    }
}

#[tokio::test]
async fn a_preview_has_its_turn_among_the_views_and_keeps_no_poll_waiting() {
    let (_sender, shared) = demo(Settings::default());
    let shared = Shared { views: Views::new(1, Duration::from_millis(20), Duration::from_millis(20)), ..shared };
    let (release, wait) = mpsc::channel::<()>();
    let stuck = shared.views.answer(move || {
        let _ = wait.recv();
        View::good("text/plain", String::new())
    });
    assert_eq!(stuck.await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(&shared, "/routes?isolation=strict").await, (503, true));
    assert_eq!(status(&shared, "/config").await, (200, false));
    drop(release);
}

#[tokio::test]
async fn a_view_that_does_not_end_costs_other_views_and_nothing_else() {
    let (sender, shared) = service(1);
    publish(&sender, "{}");
    let (release, wait) = mpsc::channel::<()>();
    let stuck = shared.views.answer(move || {
        let _ = wait.recv();
        View::good("text/plain", String::new())
    });
    let late = stuck.await;
    assert_eq!((late.status(), late.headers().contains_key("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, false));
    let words = axum::body::to_bytes(late.into_body(), 4096).await.unwrap();
    assert!(String::from_utf8_lossy(&words).contains("/fix/NAME"), "it says what to ask for instead: {words:?}");
    for path in ["/routes", "/audit", "/explain/x", "/"] {
        assert_eq!(status(&shared, path).await, (503, true), "{path}: the only place is taken");
    }
    for path in ["/config", "/healthz", "/readyz", "/metrics"] {
        assert_eq!(status(&shared, path).await, (200, false), "{path}");
    }
    drop(release);
    // Its thread ends some time after it is let go.
    while status(&shared, "/routes").await.0 != 200 {}
}

#[tokio::test]
async fn answers_that_nobody_takes_do_not_pile_up() {
    let views = Views::new(1, Duration::from_secs(5), Duration::from_secs(5));
    let large = || View::good("text/plain", "x".repeat(20 * 1024 * 1024));
    let first = views.answer(large).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(views.answer(large).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(first);
    assert_eq!(views.answer(large).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_view_that_panics_is_an_error_of_its_own_request() {
    let views = Views::new(1, Duration::from_secs(5), Duration::from_secs(5));
    let broken = views.answer(|| std::panic::resume_unwind(Box::new("broken"))).await;
    assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(views.answer(|| View::good("text/plain", String::new())).await.status(), StatusCode::OK);
}

/// Status, `Retry-After` and cookie of a `POST /login` with this token.
async fn log_in(shared: &Shared, token: &str) -> (u16, Option<String>, Option<String>) {
    let request = Request::post("/login")
        .extension(Arc::<Connection>::default())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("token={token}")))
        .unwrap();
    let answer = router(shared.clone()).oneshot(request).await.unwrap();
    let header = |name: &str| answer.headers().get(name).map(|it| it.to_str().unwrap().to_owned());
    (answer.status().as_u16(), header("retry-after"), header("set-cookie"))
}

#[tokio::test(start_paused = true)]
async fn a_token_cannot_be_guessed_without_end_and_who_has_a_cookie_stays() {
    let (sender, mut shared) = service(1);
    publish(&sender, "{}");
    let tokens = watch::Sender::new(Tokens::read("correct-horse").unwrap());
    shared.tokens = Some(tokens.subscribe());
    let (status, _, cookie) = log_in(&shared, "correct-horse").await;
    assert_eq!(status, 303);
    let cookie = cookie.unwrap().split(';').next().unwrap().to_owned();
    let mut guessed = 0;
    let wait = loop {
        match log_in(&shared, &format!("guess{guessed}")).await {
            (401, None, None) if guessed < 1_000 => guessed += 1,
            (429, Some(wait), None) => break wait.parse::<u64>().unwrap(),
            other => panic!("after {guessed} guesses: {other:?}"),
        }
    };
    assert!((1..=10).contains(&guessed) && (1..=11).contains(&wait), "{guessed} {wait}");
    assert_eq!(log_in(&shared, "correct-horse").await.0, 429, "the right one is no better than another");
    let connection = Arc::default();
    let mut asked = Vec::new();
    for headers in [[("cookie", cookie.as_str())], [("authorization", "Bearer correct-horse")]] {
        asked.push(ask(&shared, &connection, &headers).await.0);
    }
    assert_eq!(asked, [200, 200], "nobody who was let in is hurt");
    sleep(Duration::from_secs(wait)).await;
    assert_eq!(log_in(&shared, "correct-horse").await.0, 303);
}
