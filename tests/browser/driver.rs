//! A headless Chromium, driven by Debian's chromedriver: the few commands of W3C WebDriver that these tests need.
//!
//! No client from crates.io: one has a licence that `deny.toml` does not allow, and another's features change the JSON of every
//! test (`serde_json/preserve_order` is of the whole build), so that tests would no longer see what ships.
//! Source: W3C WebDriver, sections 8 to 15; chromedriver's `goog/cdp/execute`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD as STANDARD, Engine as _};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

/// The key of an element's reference, as WebDriver writes it.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One browser at a time: they are large, and some tests measure.
static ONE: Mutex<()> = Mutex::new(());

/// Keys that have no letter.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";

/// A browser with one window. Ends with this value.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _one: MutexGuard<'static, ()>,
    profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium's processes end with their session.
        if !self.session.is_empty() {
            let _ = call(self.port, "DELETE", &format!("/session/{}", self.session), None);
        }
        let _ = kill_process_group(Pid::from_child(&self.driver), Signal::KILL);
        let _ = self.driver.wait();
    }
}

/// Where a program is, if it is there.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

impl Browser {
    /// Starts one; `None`, and it is said, where there is none.
    pub(crate) fn start(test: &str) -> Option<Self> {
        Self::start_with(test, &json!({}))
    }

    /// The same, with preferences of Chromium's.
    pub(crate) fn start_with(test: &str, preferences: &Value) -> Option<Self> {
        let (Some(driver), Some(chromium)) = (program("chromedriver"), program("chromium")) else {
            let missing = "browser: no chromium and chromedriver (Debian: chromium, chromium-driver)".to_owned();
            crate::left_out::left_out(test, &[missing]);
            return None;
        };
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = tempfile::tempdir().unwrap();
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8")])
            .env("HOME", profile.path())
            // So that what it starts can be ended with it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(driver.stdout.take().unwrap());
        let port = |line: String| line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok();
        let port = said.lines().map_while(Result::ok).find_map(port).expect("chromedriver says its port");
        let mut browser = Self { driver, port, session: String::new(), _one: one, profile };
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"];
        let folder = format!("--user-data-dir={}", browser.profile.path().display());
        let arguments: Vec<&str> = arguments.into_iter().chain([folder.as_str()]).collect();
        let options = json!({ "args": arguments, "binary": chromium, "prefs": preferences });
        let asked = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let session = call(port, "POST", "/session", Some(&asked)).unwrap();
        session["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        // Whatever a page's policy forbids is written down before anything of the page runs.
        let watch = "window.forbidden = []; addEventListener('securitypolicyviolation', event => \
                     forbidden.push(event.violatedDirective + ' ' + event.blockedURI))";
        browser.cdp("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": watch }));
        browser.size(1280);
        Some(browser)
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = (method == "POST").then_some(body);
        call(self.port, method, &format!("/session/{}{path}", self.session), body)
            .unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// A command of Chromium's own.
    #[track_caller]
    pub(crate) fn cdp(&self, command: &str, parameters: &Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// A window of this width and of 800 pixels.
    pub(crate) fn size(&self, width: u32) {
        let metrics = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// What the reader prefers: `prefers-color-scheme`, `dark`; and `print` or `screen`.
    pub(crate) fn media(&self, medium: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.cdp("Emulation.setEmulatedMedia", &json!({ "media": medium, "features": features }));
    }

    #[track_caller]
    pub(crate) fn open(&self, url: &str) {
        self.ask("POST", "/url", &json!({ "url": url }));
    }

    pub(crate) fn url(&self) -> String {
        self.ask("GET", "/url", &Value::Null).as_str().unwrap().to_owned()
    }

    /// What a function's body comes to in the page.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The same of one that calls back with what it comes to: its last argument.
    #[track_caller]
    pub(crate) fn run_later(&self, script: &str) -> Value {
        self.ask("POST", "/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// The text of the first element that a selector finds.
    #[track_caller]
    pub(crate) fn text(&self, selector: &str) -> String {
        self.ask_element("GET", selector, "text", &Value::Null).as_str().unwrap().to_owned()
    }

    pub(crate) fn count(&self, selector: &str) -> u64 {
        self.run(&format!("return document.querySelectorAll({}).length", json!(selector))).as_u64().unwrap()
    }

    /// Asks the first element that a selector finds. The page replaces what changed, and may just have done so: then the
    /// element is looked for again.
    #[track_caller]
    fn ask_element(&self, method: &str, selector: &str, what: &str, body: &Value) -> Value {
        let session = format!("/session/{}", self.session);
        let find = json!({ "using": "css selector", "value": selector });
        let body = (method == "POST").then_some(body);
        let begun = Instant::now();
        loop {
            let found = call(self.port, "POST", &format!("{session}/element"), Some(&find));
            let answer = found.and_then(|found| {
                let id = found[ELEMENT].as_str().unwrap();
                call(self.port, method, &format!("{session}/element/{id}/{what}"), body)
            });
            match answer {
                Ok(value) => return value,
                // The second is said of an element of a page that was just left.
                Err(problem)
                    if ["stale element", "does not belong to the document"].iter().any(|it| problem.contains(it))
                        && begun.elapsed() < Duration::from_secs(10) => {}
                Err(problem) => panic!("{selector}: {problem}"),
            }
        }
    }

    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        self.ask_element("POST", selector, "click", &json!({}));
    }

    #[track_caller]
    pub(crate) fn write(&self, selector: &str, text: &str) {
        self.ask_element("POST", selector, "value", &json!({ "text": text }));
    }

    /// Presses a key, wherever the focus is.
    pub(crate) fn press(&self, key: &str) {
        let strokes = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        self.ask("POST", "/actions", &json!({ "actions": [{ "type": "key", "id": "keys", "actions": strokes }] }));
    }

    /// Writes the whole page into a file below `target/browser`.
    pub(crate) fn picture(&self, name: &str) {
        let size = self.run("return [innerWidth, Math.min(document.documentElement.scrollHeight, 6000)]");
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let shot = self.cdp("Page.captureScreenshot", &json!({ "captureBeyondViewport": true, "clip": clip }));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("browser");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), STANDARD.decode(shot["data"].as_str().unwrap()).unwrap())
            .unwrap();
    }
}

/// Asks chromedriver. Errors: what it says.
fn call(port: u16, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let begun = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(|problem| problem.to_string())?;
    stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).map_err(|it| it.to_string())?;
    // It keeps the connection, whatever it was asked.
    let mut stream = BufReader::new(stream);
    let problem = |problem: std::io::Error| format!("{path}: {problem} after {:?}", begun.elapsed());
    let (mut line, mut length) = (String::new(), 0);
    while stream.read_line(&mut line).map_err(problem)? > 2 {
        let header = line.to_ascii_lowercase();
        length = header.strip_prefix("content-length:").map_or(length, |it| it.trim().parse().unwrap());
        line.clear();
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).map_err(problem)?;
    let mut value: Value = serde_json::from_slice(&answer).map_err(|problem| format!("{path}: {problem}"))?;
    match value["value"]["error"].as_str() {
        Some(error) => {
            Err(format!("{path}: {error}: {:.1000}", value["value"]["message"].as_str().unwrap_or_default()))
        }
        None => Ok(value["value"].take()),
    }
}
