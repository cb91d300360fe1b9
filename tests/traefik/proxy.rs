//! A real Traefik that reads what it is given: documents with its HTTP provider, an engine with its Docker provider.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use leeward::traefik::Version;
use serde_json::Value;

use crate::left_out::left_out;
use crate::loopback;
use crate::reader::RELEASES;

/// How long a document may take from being offered to being read.
const PATIENCE: Duration = Duration::from_secs(20);

/// The binaries in `LEEWARD_TRAEFIK_DIR`, `<release>/traefik`; says which are missing.
pub(crate) fn releases(test: &str) -> Vec<(Version, PathBuf)> {
    let folder = std::env::var_os("LEEWARD_TRAEFIK_DIR").map(PathBuf::from).unwrap_or_default();
    let (found, missing): (Vec<_>, Vec<_>) = RELEASES
        .iter()
        .map(|release| (release.parse().unwrap(), folder.join(release).join("traefik")))
        .partition(|(_, path): &(Version, PathBuf)| path.is_file());
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|(release, _)| release.to_string()).collect();
        left_out(test, &[format!("traefik: LEEWARD_TRAEFIK_DIR lacks {}", names.join(", "))]);
    }
    found
}

/// What it starts with. Of an empty document some releases say nothing.
const FIRST: &str = r#"{"http":{"middlewares":{"first":{"addPrefix":{"prefix":"/"}}}}}"#;

/// A running Traefik. Ends with it.
pub(crate) struct Proxy {
    traefik: Child,
    offered: Arc<Mutex<Offer>>,
    /// What the provider logged.
    log: Receiver<Value>,
    api: SocketAddr,
    web: SocketAddr,
}

struct Offer {
    body: String,
    taken: bool,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.traefik.kill());
        drop(self.traefik.wait());
    }
}

impl Proxy {
    /// Reads documents that are offered to it, with its HTTP provider.
    pub(crate) fn start(binary: &Path) -> Self {
        let offered = Arc::new(Mutex::new(Offer { body: FIRST.to_owned(), taken: false }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = listener.local_addr().unwrap();
        let serving = Arc::clone(&offered);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                drop(answer(stream, &serving));
            }
        });
        let flags =
            [format!("--providers.http.endpoint=http://{endpoint}/"), "--providers.http.pollinterval=10ms".to_owned()];
        let proxy = Self::run(binary, "http", &flags, offered);
        proxy.next().unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
        proxy
    }

    /// Reads an engine's containers, with its own Docker provider.
    pub(crate) fn on_engine(binary: &Path, socket: &Path, flags: &[String]) -> Self {
        let mut all = vec![format!("--providers.docker.endpoint=unix://{}", socket.display())];
        all.extend_from_slice(flags);
        Self::run(binary, "docker", &all, Arc::new(Mutex::new(Offer { body: String::new(), taken: true })))
    }

    fn run(binary: &Path, provider: &'static str, flags: &[String], offered: Arc<Mutex<Offer>>) -> Self {
        let (api, web) = (loopback::own(), loopback::own());
        // Which of the two it logs to depends on the release.
        let (read, write) = std::io::pipe().unwrap();
        let traefik = Command::new(binary)
            .args(flags)
            .arg("--providers.providersthrottleduration=0s")
            .arg(format!("--entrypoints.traefik.address={api}"))
            .arg(format!("--entrypoints.web.address={web}"))
            .args(["--api=true", "--api.insecure=true"])
            .args(["--log.level=DEBUG", "--log.format=json", "--global.checknewversion=false"])
            .args(["--global.sendanonymoususage=false"])
            // It would go before the endpoint.
            .env_remove("DOCKER_HOST")
            .stdin(Stdio::null())
            .stdout(write.try_clone().unwrap())
            .stderr(write)
            .spawn()
            .unwrap();
        let (said, log) = channel();
        let lines = BufReader::new(read).lines();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let entry: Value = serde_json::from_str(&line).unwrap_or_default();
                let of_interest = entry["message"] == "Configuration received" || entry["error"].is_string();
                if entry["providerName"] == provider && of_interest && said.send(entry).is_err() {
                    return;
                }
            }
        });
        Self { traefik, offered, log, api, web }
    }

    /// The first configuration from its Docker provider with a router of this rule.
    pub(crate) fn holding(&self, rule: &str) -> Value {
        let begun = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let mut entry = self.log.recv_timeout(left).unwrap_or_else(|_| panic!("no configuration with {rule}"));
            let routers = entry["config"]["http"]["routers"].as_object();
            if routers.is_some_and(|routers| routers.values().any(|router| router["rule"] == rule)) {
                return entry["config"].take();
            }
        }
    }

    /// Offers a document: the configuration that Traefik takes from it, or its words for refusing all of it.
    pub(crate) fn read(&self, body: &str) -> Result<Value, String> {
        {
            let mut offer = self.offered.lock().unwrap();
            assert_ne!(offer.body, body, "Traefik says nothing of a document that it has already");
            *offer = Offer { body: body.to_owned(), taken: false };
        }
        self.next()
    }

    fn next(&self) -> Result<Value, String> {
        let begun = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let mut entry = self.log.recv_timeout(left).map_err(|_| "Traefik said nothing".to_owned())?;
            // What it says before it asked is of the document before.
            if !self.offered.lock().unwrap().taken {
                continue;
            }
            if let Some(error) = entry["error"].as_str() {
                return Err(error.to_owned());
            }
            return Ok(entry["config"].take());
        }
    }

    /// What `GET /api/rawdata` shows; nothing while Traefik is not that far yet.
    pub(crate) fn raw_data(&self) -> Value {
        let text = get(self.api, "/api/rawdata", "traefik");
        text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()).unwrap_or_default()
    }

    /// The status that a visitor of a host on the entry point `web` is answered, with this cookie; 0 for no answer.
    pub(crate) fn status(&self, host: &str, cookie: &str) -> u16 {
        let head = get(self.web, "/", &format!("{host}\r\nCookie: {cookie}"));
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    /// What a visitor of a host on the entry point `web` is answered, once it is not Traefik's own 404.
    pub(crate) fn visit(&self, host: &str) -> String {
        let begun = Instant::now();
        loop {
            let text = get(self.web, "/", host);
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && head.split(' ').nth(1) == Some("200")
            {
                return body.to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "{host} is not routed: {text}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn get(address: SocketAddr, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut text = String::new();
    drop(stream.read_to_string(&mut text));
    text
}

fn answer(mut stream: TcpStream, offered: &Mutex<Offer>) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    let mut offer = offered.lock().unwrap();
    let body = &offer.body;
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
    offer.taken = true;
    Ok(())
}
