//! The page in a real browser: what a reader sees, clicks, types and copies, with and without script, on a desk and on a phone.
//!
//! Needs Debian's `chromium` and `chromium-driver`; `accessible` also axe-core (`npm pack axe-core`, unpacked into
//! `target/axe-core`). Screenshots are in `target/browser`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
#![expect(clippy::print_stdout, reason = "a measurement is there to be read")]

mod driver;
#[path = "../support/engine.rs"]
#[expect(dead_code, reason = "part of it is for other tests")]
mod engine;
#[path = "../support/eventually.rs"]
mod eventually;
#[path = "../support/inventory.rs"]
mod inventory;
#[path = "../support/left_out.rs"]
mod left_out;
#[path = "../it/serving.rs"]
#[expect(dead_code, reason = "part of it is for other tests")]
mod serving;
#[path = "../support/town.rs"]
#[expect(dead_code, reason = "part of it is for other tests")]
mod town;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use leeward::inventory::Inventory;
use leeward::source::snapshot;
use serde_json::{Value, json};

use self::driver::{Browser, ENTER, TAB};
use self::engine::{Daemon, id};
use self::eventually::eventually;
use self::serving::Serving;

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A service of what an inventory holds, and the folder that holds it.
fn serving(inventory: &Inventory) -> (Serving, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshot.json");
    snapshot::write(inventory, &file).unwrap();
    let serving = Serving::start_at(&format!("file:{}", file.display()), &[]);
    ready(&serving);
    (serving, folder)
}

fn demo() -> Serving {
    let serving = Serving::start(&[]);
    ready(&serving);
    serving
}

fn at(serving: &Serving, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", serving.port)
}

fn hostile() -> Inventory {
    let mut inventory = town::town(6);
    let names = [
        "<img src=x onerror=hacked=1>",
        "</text></svg><script>hacked=1</script>",
        "\u{202e}gnp.exe",
        "שלום-עולם",
        "\u{1b}[2J\u{0}\r\n",
        "\"'`;&amp;//javascript:hacked=1",
    ];
    for (number, name) in names.iter().enumerate() {
        let name = format!("{name}{}", "w".repeat(1_000));
        let mut container =
            town::container(&name, name.get(..1).unwrap_or("x"), &["net-nextcloud", "net-exposed"], 200 + number);
        town::asks(&mut container, &format!("evil{number}.example.com"));
        inventory.put(container);
    }
    inventory
}

/// The worlds that are looked at: a name, and what there is.
fn worlds() -> [(&'static str, Inventory); 5] {
    [
        ("demo", snapshot::demo().unwrap()),
        ("bad", town::bad()),
        ("40", town::town(40)),
        ("200", town::town(200)),
        ("hostile", hostile()),
    ]
}

#[track_caller]
fn nothing_was_forbidden(browser: &Browser) {
    assert_eq!(browser.run("return window.forbidden"), json!([]), "on {}", browser.url());
}

#[test]
fn one_look_says_what_is_not_shut_in_and_a_click_says_why() {
    let Some(browser) = Browser::start("one_look") else { return };
    let serving = demo();
    browser.open(&at(&serving, "/"));
    let first = browser.text("h1");
    assert!(first.contains("Not everything is shut in: 1 of 3 applications has a way out and is refused."), "{first}");
    let place = browser.run("const it = document.querySelector('h1').getBoundingClientRect(); return it.bottom");
    assert!(place.as_f64().unwrap() < 200.0, "the sentence is the first that is seen: {place}");
    // What is refused is told without scrolling, and so is the top of the picture.
    let todo = browser.run("return document.querySelector('.todo').getBoundingClientRect().bottom");
    assert!(todo.as_f64().unwrap() < 800.0, "{todo}");
    browser.click(".picture a[href='/c/wiki-wiki-1']");
    assert!(browser.url().ends_with("/c/wiki-wiki-1"));
    let page = browser.text("main");
    for words in [
        "NET-001",
        "`wiki-wiki-1` is on `wiki_default`, which is not internal",
        "It can reach beyond internal networks.",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    browser.click("a[href='/rules/NET-001']");
    assert!(browser.text("h1").starts_with("NET-001: "));
    browser.click("nav a");
    assert_eq!(browser.url(), at(&serving, "/"));
    browser.click("a[href='/h/app1.localhost']");
    assert!(browser.text("main").contains("app1-web-1 at http://172.30.3.3:8080"));
    browser.open(&at(&serving, "/n/wiki_default"));
    assert!(browser.text("main").contains("made without internal: true"));
    nothing_was_forbidden(&browser);
}

#[test]
fn a_remedy_is_copied_as_it_stands() {
    let Some(browser) = Browser::start("a_remedy_is_copied") else { return };
    let serving = demo();
    let asked = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": at(&serving, "") });
    browser.cdp("Browser.grantPermissions", &asked);
    browser.open(&at(&serving, "/c/wiki-wiki-1"));
    let wanted = browser.run("return document.querySelector('.ways .copy pre').textContent");
    assert!(wanted.as_str().unwrap().contains("\nservices:\n"), "{wanted}");
    browser.click(".ways .copy button");
    eventually(LIMIT, "the button says so", || browser.text(".ways .copy button") == "Copied");
    let held = browser.run_later("navigator.clipboard.readText().then(arguments[0], it => arguments[0]('' + it))");
    assert_eq!(held, wanted);
    // A place where the clipboard is not to be had: what is to be copied is selected.
    browser.run("navigator.clipboard.writeText = () => Promise.reject(); getSelection().removeAllRanges()");
    browser.click(".ways .copy:last-of-type button");
    eventually(LIMIT, "it is selected", || browser.run("return getSelection().toString().length").as_u64() > Some(10));
}

/// An engine with two applications, and a service that follows it.
fn live(folder: &Path) -> (Daemon, Serving) {
    let mut daemon = Daemon::new(folder);
    for number in 1..=30 {
        daemon.put(&format!("app{number}"), number);
    }
    daemon.start();
    let socket = format!("unix://{}", daemon.socket().display());
    let serving = Serving::start_at(&socket, &[]);
    (daemon, serving)
}

fn ready(serving: &Serving) {
    eventually(LIMIT, "it is ready", || serving.get("/readyz").contains("200 OK"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_leaves_the_page_and_nothing_of_the_reader_is_lost() {
    let Some(browser) = Browser::start("what_stops") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (daemon, serving) = live(folder.path());
    ready(&serving);
    browser.open(&at(&serving, "/"));
    eventually(LIMIT, "it is live", || browser.text("#live") == "Live");
    let row = format!("tr[data-key='{}']", id("app7"));
    assert_eq!(browser.count(&row), 1);
    browser.write("input[name=q]", "typed");
    browser.run("window.same = document.querySelector('details.finding'); same.open = true");
    browser.run("window.row = document.querySelectorAll('tbody tr')[20]; row.scrollIntoView()");
    browser.run("window.place = row.getBoundingClientRect().top");
    let before = browser.text(".verdict");
    daemon.put_in_state("app7", 7, "exited");
    daemon.say("app7", "die");
    eventually(LIMIT, "the row goes", || browser.count(&row) == 0);
    eventually(LIMIT, "the sentence changes", || browser.text(".verdict") != before);
    for (kept, script) in [
        ("what was typed", "return document.querySelector('input[name=q]').value === 'typed'"),
        ("the focus", "return document.activeElement === document.querySelector('input[name=q]')"),
        ("the scroll", "return scrollY > 300 && Math.abs(row.getBoundingClientRect().top - place) < 40"),
        ("the open detail", "return same.isConnected && same.open"),
        ("a row that did not change", "return row.isConnected"),
    ] {
        assert_eq!(browser.run(script), json!(true), "{kept} is lost");
    }
    // And comes back.
    daemon.put("app7", 7);
    daemon.say("app7", "start");
    eventually(LIMIT, "the row is back", || browser.count(&row) == 1);
    nothing_was_forbidden(&browser);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_engine_and_a_lost_service_are_said() {
    let Some(browser) = Browser::start("a_lost_engine") else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix://{}", folder.path().join("engine.sock").display());
    let serving = Serving::start_at(&socket, &[]);
    browser.open(&at(&serving, "/"));
    assert!(browser.text("h1").contains("Not ready: nothing is known of the engine yet."));
    let mut daemon = Daemon::new(folder.path());
    daemon.put("app1", 1);
    daemon.start();
    eventually(LIMIT, "the page comes by itself", || browser.text("main").contains("app1"));
    daemon.stop().await;
    eventually(LIMIT, "the page says that it is old", || {
        browser.text("main").contains("this is the last that was known")
    });
    drop(serving);
    eventually(LIMIT, "the page says that nobody answers", || {
        browser.text("#live").starts_with("Leeward does not answer.")
    });
}

#[test]
fn a_filter_stands_in_the_url() {
    let Some(browser) = Browser::start("a_filter") else { return };
    let (serving, _folder) = serving(&town::town(200));
    browser.open(&at(&serving, "/"));
    browser.write("input[name=q]", "gitea");
    browser.write("input[name=q]", ENTER);
    eventually(LIMIT, "it is filtered", || browser.url().contains("q=gitea"));
    assert_eq!(browser.count("table.rows tbody tr"), 3);
    assert_eq!(browser.count(".picture .band"), 1, "the picture too, and each container by itself");
    assert_eq!(browser.run("return document.querySelector('input[name=q]').value"), json!("gitea"));
    browser.click(".view a");
    assert!(browser.url().contains("q=gitea") && browser.url().contains("view=matrix"));
    assert_eq!(browser.count(".matrix tbody tr"), 2);
    browser.click("form.filter a");
    assert_eq!(browser.url(), at(&serving, "/"));
    // A box of a project leads to the project alone.
    browser.click(".picture a[href='/?project=immich']");
    assert_eq!(browser.count("table.rows tbody tr"), 2);
}

#[test]
fn without_script_everything_is_there_and_the_page_is_read_again() {
    let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
    let Some(browser) = Browser::start_with("without_script", &off) else { return };
    let serving = demo();
    browser.open(&at(&serving, "/"));
    let page = browser.run("return document.body.innerText");
    let page = page.as_str().unwrap();
    for words in ["Not everything is shut in", "read again every 10 s", "app1.localhost", "One remedy for all"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(browser.count(".copy button:not([hidden])"), 0, "a button that would do nothing");
    let asked = || {
        let metrics = serving.get("/metrics");
        let count = |line: &str| line.contains("path=\"/\"").then(|| line.rsplit(' ').next()?.parse::<f64>().ok())?;
        metrics.lines().filter_map(count).fold(0.0, f64::max)
    };
    let before = asked();
    assert!(before >= 1.0, "{}", serving.get("/metrics"));
    eventually(LIMIT, "it is read again", || asked() > before);
    // Every 10 s the page is read again, and then what was opened or typed is lost.
    eventually(LIMIT, "a reason is opened", || {
        browser.click("summary");
        browser.text("details.finding").contains("Why NET-001 matters")
    });
    eventually(LIMIT, "the filter is used", || {
        browser.run("document.querySelector('input[name=q]').value = 'app2'");
        browser.click("form.filter button");
        browser.count("table.rows tbody tr") == 2
    });
    browser.click("th a[href='/c/app2-web-1']");
    assert!(browser.url().ends_with("/c/app2-web-1"));
}

#[test]
fn the_keyboard_alone_is_enough() {
    let Some(browser) = Browser::start("the_keyboard") else { return };
    let serving = demo();
    browser.open(&at(&serving, "/"));
    let focus = || {
        browser.run(
            "const it = document.activeElement, style = getComputedStyle(it);
             return [it.getAttribute('href') || it.getAttribute('name') || it.tagName, style.outlineStyle,
                     it.querySelector && it.querySelector('rect') ? getComputedStyle(it.querySelector('rect')).strokeWidth : '']",
        )
    };
    browser.press(TAB);
    assert_eq!(focus()[0], json!("#main"), "the first stop leads past the head");
    let mut stops: Vec<String> = Vec::new();
    for _ in 0..60 {
        browser.press(TAB);
        let it = focus();
        let name = it[0].as_str().unwrap().to_owned();
        let seen = it[1] != json!("none") || it[2] == json!("4px");
        assert!(seen || name == "BODY", "nothing shows that the focus is on {it}");
        if name == "/c/wiki-wiki-1" && browser.run("return !!document.activeElement.closest('svg')") == json!(true) {
            stops.push("picture".to_owned());
            break;
        }
        stops.push(name);
    }
    for wanted in ["q", "project", "state", "picture"] {
        assert!(stops.iter().any(|it| it == wanted), "{wanted} is not reached: {stops:?}");
    }
    browser.press(ENTER);
    eventually(LIMIT, "the page of the container", || browser.url().ends_with("/c/wiki-wiki-1"));
}

#[test]
fn no_page_scrolls_sideways_on_a_phone_and_none_is_cut() {
    let Some(browser) = Browser::start("no_page_scrolls") else { return };
    for (name, inventory) in worlds() {
        let container = inventory.containers.values().last().unwrap().id.to_string();
        let (serving, _folder) = serving(&inventory);
        for (width, scheme) in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")] {
            browser.size(width);
            browser.media("screen", scheme);
            for path in ["/", "/?view=matrix", "/n/net-exposed", "/rules/NET-001", &format!("/c/{container}")] {
                browser.open(&at(&serving, path));
                let size = browser.run("return document.documentElement.scrollWidth").as_u64().unwrap();
                assert!(size <= u64::from(width), "{name} {path} is {size} wide at {width}");
                // Nothing has to be moved sideways to be read; a table of many projects has.
                let sideways = browser.run(
                    "return [...document.querySelectorAll('.scroll')].filter(it => it.scrollWidth > it.clientWidth + 1).length",
                );
                assert!(sideways == json!(0) || path.contains("matrix"), "{name} {path} at {width}");
                let shown = browser.run(
                    "return ['.wide', '.narrow'].map(it => document.querySelector(it)).map(it => !!it && !!it.offsetParent)",
                );
                assert!(
                    shown == json!([width > 600, width <= 600]) || shown == json!([false, false]),
                    "the picture for this width: {name} {path} at {width}: {shown}"
                );
                if path.contains("matrix") {
                    browser.picture(&format!("{name}-table-{width}-{scheme}"));
                    let names = browser.run(
                        "const table = document.querySelector('.scroll'); table.scrollLeft = 9_999;
                         const name = table.querySelector('tbody th').getBoundingClientRect();
                         return [name.left - table.getBoundingClientRect().left, name.width]",
                    );
                    let [left, wide] = [0, 1].map(|at| names[at].as_f64().unwrap());
                    assert!(left < 3.0 && (140.0..330.0).contains(&wide), "{name} at {width}: {names}");
                    assert!(width > 600 || wide < 200.0, "half of a phone is for the numbers: {names}");
                }
                if path == "/" {
                    assert_ne!(shown, json!([false, false]), "a picture");
                    let ground = browser.run("return getComputedStyle(document.body).backgroundColor");
                    assert_eq!(ground == json!("rgb(255, 255, 255)"), scheme == "light", "{ground}");
                    browser.picture(&format!("{name}-{width}-{scheme}"));
                }
            }
            browser.picture(&format!("{name}-container-{width}-{scheme}"));
        }
    }
}

#[test]
fn hostile_names_stay_text() {
    let Some(browser) = Browser::start("hostile_names") else { return };
    let inventory = hostile();
    let ids: Vec<String> = inventory.containers.keys().map(ToString::to_string).collect();
    let (serving, _folder) = serving(&inventory);
    let paths = ["/", "/?view=matrix", "/n/net-exposed", "/h/evil1.example.com", "/rules/NET-001"].map(str::to_owned);
    for path in paths.into_iter().chain(ids.iter().map(|id| format!("/c/{id}"))) {
        browser.open(&at(&serving, &path));
        eventually(LIMIT, "it is live", || browser.text("#live") == "Live");
        assert_eq!(
            browser.run("return [window.hacked || 0, document.images.length, document.scripts.length]"),
            json!([0, 0, 1]),
            "{path}"
        );
        nothing_was_forbidden(&browser);
        let hrefs = browser.run(
            "return [...document.querySelectorAll('a[href]')].map(it => new URL(it.getAttribute('href'), location).protocol)",
        );
        assert!(hrefs.as_array().unwrap().iter().all(|it| it == "http:" || it == "https:"), "{path}: {hrefs}");
    }
    // Whoever has such a name has a page, and the way there works.
    browser.open(&at(&serving, "/"));
    let evil = browser.run("return [...document.querySelectorAll('table.rows th a')].find(it => it.textContent.includes('img src')).getAttribute('href')");
    browser.open(&at(&serving, evil.as_str().unwrap()));
    assert!(browser.text("h1").starts_with("<img src=x onerror=hacked=1>"));
}

#[test]
fn two_hundred_containers_are_legible_and_no_hairball() {
    let Some(browser) = Browser::start("two_hundred") else { return };
    let (serving, _folder) = serving(&town::town(200));
    browser.open(&at(&serving, "/"));
    assert!(browser.text("h1").contains("Everything is shut in"));
    let picture = browser.run(
        "const it = document.querySelector('.picture'), box = it.getBoundingClientRect();
         const letters = [...it.querySelectorAll('text')].map(it => it.getBoundingClientRect().height);
         return [box.height, Math.min(...letters.filter(it => it)), it.querySelectorAll('path.edge').length, it.outerHTML.length]",
    );
    // All that is read for it: the page, its style and its script.
    let read = browser.run(
        "const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
         return [all.length, all.reduce((sum, it) => sum + it.transferSize, 0)]",
    );
    let (files, weight) = (read[0].as_u64().unwrap(), read[1].as_u64().unwrap());
    println!("two hundred containers: {weight} bytes in {files} files");
    assert!((3..=4).contains(&files) && weight < 400_000, "{read}");
    let [height, letters, lines, bytes] = [0, 1, 2, 3].map(|at| picture[at].as_f64().unwrap());
    assert!(height < 1_700.0 && letters >= 11.0 && lines < 80.0 && bytes < 60_000.0, "{picture}");
    // No name is wider than its box.
    let wide = browser.run(
        "return [...document.querySelectorAll('.picture a.node')].filter(it => {
           const box = it.querySelector('rect').getBoundingClientRect();
           return [...it.querySelectorAll('text')].some(it => it.getBoundingClientRect().right > box.right + 1);
         }).map(it => it.textContent)",
    );
    assert_eq!(wide, json!([]));
}

#[test]
fn printed_it_is_the_same_without_what_paper_cannot_do() {
    let Some(browser) = Browser::start("printed") else { return };
    let serving = demo();
    browser.media("print", "light");
    browser.open(&at(&serving, "/"));
    let seen =
        |selector: &str| browser.run(&format!("return getComputedStyle(document.querySelector('{selector}')).display"));
    assert_eq!((seen(".filter"), seen(".copy button")), (json!("none"), json!("none")));
    assert_ne!(seen(".picture"), json!("none"));
}

#[test]
fn a_token_is_given_once_and_no_script_sees_what_is_kept() {
    let Some(browser) = Browser::start("a_token") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "correct-horse\n").unwrap();
    let serving = Serving::start(&[&format!("--token-file={}", file.display())]);
    browser.open(&at(&serving, "/c/app1-web-1"));
    assert_eq!(browser.text("h1"), "Sign in");
    browser.write("#token", "wrong");
    browser.click("main button");
    eventually(LIMIT, "it is said", || browser.text("main").contains("This is no valid token."));
    browser.write("#token", "correct-horse");
    browser.click("main button");
    eventually(LIMIT, "what was asked for", || {
        browser.url().ends_with("/c/app1-web-1") && browser.text("h1") == "app1-web-1"
    });
    eventually(LIMIT, "it is live with the cookie", || browser.text("#live") == "Live");
    let cookies = browser.cdp("Network.getCookies", &json!({ "urls": [at(&serving, "/")] }));
    let cookie = &cookies["cookies"][0];
    assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&json!(true), &json!("Strict")), "{cookies}");
    assert!(!cookie["value"].as_str().unwrap().contains("correct-horse"));
    assert_eq!(browser.run("return document.cookie"), json!(""));
    browser.click("header button");
    eventually(LIMIT, "the form again", || browser.text("h1") == "Sign in");
    nothing_was_forbidden(&browser);
}

/// axe-core, if it was unpacked.
fn axe(test: &str) -> Option<String> {
    let folder = std::env::var_os("LEEWARD_AXE").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("axe-core/package"),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join("axe.min.js")).ok();
    if text.is_none() {
        let missing = format!("browser: no axe-core in {} (npm pack axe-core)", folder.display());
        left_out::left_out(test, &[missing]);
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn accessible() {
    let Some(axe) = axe("accessible") else { return };
    let Some(browser) = Browser::start("accessible") else { return };
    let mut found: Vec<String> = Vec::new();
    let check = |path: &str, found: &mut Vec<String>| {
        browser.run(&format!("{axe}; return 1"));
        let result = browser.run_later(
            "const done = arguments[0];
             axe.run(document, { resultTypes: ['violations'] }).then(it => done(it.violations.map(it =>
               [it.impact, it.id, it.nodes.length, it.nodes[0].html.slice(0, 200), it.nodes[0].failureSummary])), it => done(['' + it]))",
        );
        let all = result.as_array().unwrap();
        found.extend(all.iter().filter(|it| it[0] != "minor" && it[0] != "moderate").map(|it| format!("{path}: {it}")));
    };
    // That it can find something.
    let serving = demo();
    browser.open(&at(&serving, "/"));
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x><button></button>')");
    check("with a fault", &mut found);
    assert!(
        found.iter().any(|it| it.contains("image-alt")) && found.iter().any(|it| it.contains("button-name")),
        "{found:?}"
    );
    found.clear();
    let everywhere = |name: &str, serving: &Serving, paths: &[&str], found: &mut Vec<String>| {
        for (width, scheme) in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")] {
            browser.size(width);
            browser.media("screen", scheme);
            for path in paths {
                browser.open(&at(serving, path));
                check(&format!("{name} {path} {width} {scheme}"), found);
                if scheme == "light" {
                    let plain: String = path.chars().filter(char::is_ascii_alphanumeric).take(30).collect();
                    browser.picture(&format!("seen-{}-{plain}-{width}", name.replace(' ', "-")));
                }
            }
        }
    };
    for (name, inventory) in worlds() {
        let (serving, _folder) = self::serving(&inventory);
        let ids: Vec<String> = inventory.containers.values().map(|it| format!("/c/{}", it.id)).collect();
        let of = [ids.first().unwrap().as_str(), ids.last().unwrap()];
        everywhere(name, &serving, &["/", "/?view=matrix", "/n/net-exposed"], &mut found);
        if matches!(name, "demo" | "bad" | "hostile") {
            everywhere(name, &serving, &of, &mut found);
        }
    }
    let of_demo =
        ["/c/wiki-wiki-1", "/h/app1.localhost", "/rules/NET-001", "/nowhere", "/c/nobody", "/?q=zzz", "/?state=green"];
    everywhere("demo", &serving, &of_demo, &mut found);
    let (empty, _folder) = self::serving(&Inventory::default());
    everywhere("empty", &empty, &["/"], &mut found);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "correct-horse\n").unwrap();
    let closed = Serving::start(&[&format!("--token-file={}", file.display())]);
    everywhere("a token is needed", &closed, &["/"], &mut found);
    let nobody = Serving::start_at(&format!("unix://{}", folder.path().join("nobody.sock").display()), &[]);
    everywhere("no engine", &nobody, &["/"], &mut found);
    let (mut daemon, stale) = live(folder.path());
    ready(&stale);
    daemon.stop().await;
    eventually(LIMIT, "it is stale", || stale.get("/readyz").contains("stale for"));
    everywhere("stale", &stale, &["/"], &mut found);
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

/// Prints how soon, with an engine that is played; `tests/e2e/page.rs` does it with a real one.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_the_engine_is_on_the_page_soon() {
    let Some(browser) = Browser::start("a_change_on_the_engine") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (daemon, serving) = live(folder.path());
    ready(&serving);
    browser.open(&at(&serving, "/"));
    eventually(LIMIT, "it is live", || browser.text("#live") == "Live");
    // When a row came or went, by the clock of the machine, which is the page's too.
    browser.run(
        "window.seen = {}; new MutationObserver(() => {
           const there = !!document.querySelector(\"tr[data-key='KEY']\");
           if (there !== seen.there) { seen.there = there; seen.at = Date.now(); }
         }).observe(document.body, { childList: true, subtree: true })"
            .replace("KEY", &id("app9"))
            .as_str(),
    );
    let mut took: Vec<u64> = Vec::new();
    for round in 0..40 {
        let is_there = round % 2 == 1;
        daemon.put_in_state("app9", 9, if is_there { "running" } else { "exited" });
        let begun = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let waiting = Instant::now();
        daemon.say("app9", if is_there { "start" } else { "die" });
        let at = loop {
            let seen: Value = browser.run("return [seen.there, seen.at]");
            if seen[0] == json!(is_there) {
                break seen[1].as_u64().unwrap();
            }
            assert!(waiting.elapsed() < LIMIT, "round {round}: {seen}");
        };
        took.push(at.saturating_sub(u64::try_from(begun).unwrap()));
    }
    took.sort_unstable();
    let (median, p95) = (took[took.len() / 2], took[took.len() * 95 / 100]);
    println!(
        "change on the engine to change on the page: median {median} ms, p95 {p95} ms, worst {} ms",
        took[took.len() - 1]
    );
    assert!(p95 < 3_000, "{took:?}");
}
