//! A real Traefik that serves: fed with documents, asked on its entry point.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::loopback;

/// A running Traefik. Ends with it.
pub(crate) struct Live {
    traefik: Child,
    document: Arc<Mutex<String>>,
    log: Arc<Mutex<Vec<String>>>,
    /// Its entry point `web`.
    pub(crate) web: SocketAddr,
    _files: TempDir,
}

impl Drop for Live {
    fn drop(&mut self) {
        drop(self.traefik.kill());
        drop(self.traefik.wait());
    }
}

impl Live {
    /// Starts it and waits until its entry point answers.
    pub(crate) fn start(binary: &Path, flags: &[String]) -> Self {
        let document = Arc::new(Mutex::new("{}".to_owned()));
        let serving = Arc::clone(&document);
        let endpoint = answering(move |_| ("200 OK".to_owned(), serving.lock().unwrap().clone()));
        let files = certificate();
        let web = loopback::own();
        // Which of the two it logs to depends on the release.
        let (read, write) = std::io::pipe().unwrap();
        let traefik = Command::new(binary)
            .arg(format!("--providers.http.endpoint=http://{endpoint}/"))
            .args(["--providers.http.pollinterval=5ms", "--providers.providersthrottleduration=0s"])
            // Without a certificate it makes a key at every change.
            .arg(format!("--providers.file.filename={}", files.path().join("tls.yml").display()))
            .arg(format!("--entrypoints.web.address={web}"))
            .args(["--entrypoints.stream.address=127.0.0.1:0", "--entrypoints.packets.address=127.0.0.1:0/udp"])
            .args(["--log.level=ERROR", "--global.checknewversion=false", "--global.sendanonymoususage=false"])
            .args(flags)
            .env_remove("DOCKER_HOST")
            .stdin(Stdio::null())
            .stdout(write.try_clone().unwrap())
            .stderr(write)
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (kept, lines) = (Arc::clone(&log), BufReader::new(read).lines());
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        let live = Self { traefik, document, log, web, _files: files };
        let first = r#"{"http":{"routers":{"first":{"rule":"Host(`up.example`)","service":"first"}},"services":{"first":
            {"loadBalancer":{"servers":[{"url":"http://ENDPOINT"}]}}}}}"#;
        live.offer(first.replace("ENDPOINT", &endpoint.to_string()));
        let began = Instant::now();
        while live.get("up.example") != Some(200) {
            assert!(began.elapsed() < Duration::from_secs(20), "{}: {:?}", binary.display(), live.log());
            thread::sleep(Duration::from_millis(10));
        }
        live
    }

    /// What it is told from now on.
    pub(crate) fn offer(&self, document: String) {
        *self.document.lock().unwrap() = document;
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The status that its entry point answers for a host; nothing if it does not answer.
    pub(crate) fn get(&self, host: &str) -> Option<u16> {
        let mut stream = self.ask(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).ok()?;
        std::str::from_utf8(&answer).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
    }

    /// A request whose answer nobody waits for.
    pub(crate) fn ask(&self, host: &str) -> Option<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&self.web, Duration::from_secs(1)).ok()?;
        let request = format!("GET /path HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        Some(stream)
    }

    /// How long it takes until a host is answered with 200; `Err` with the last answer after `limit`.
    pub(crate) fn served(&self, host: &str, limit: Duration) -> Result<Duration, Option<u16>> {
        let began = Instant::now();
        loop {
            match self.get(host) {
                Some(200) => return Ok(began.elapsed()),
                other if began.elapsed() > limit => return Err(other),
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

/// A server on loopback that answers each request, given its head, with a status line's end and headers, and a body.
pub(crate) fn answering(answer: impl Fn(&str) -> (String, String) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            thread::spawn(move || drop(reply(stream, &*answer)));
        }
    });
    address
}

fn reply(mut stream: TcpStream, answer: &dyn Fn(&str) -> (String, String)) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while request.read_line(&mut head)? > 2 {}
    let (status, body) = answer(&head);
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// A folder with a default certificate for Traefik's file provider.
fn certificate() -> TempDir {
    let folder = TempDir::new().unwrap();
    let made = rcgen::generate_simple_self_signed(["default.example".to_owned()]).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (certificate, key) = (file("cert.pem", made.cert.pem()), file("key.pem", made.signing_key.serialize_pem()));
    let text = format!(
        "tls:\n  stores:\n    default:\n      defaultCertificate:\n        certFile: {certificate}\n        keyFile: {key}\n"
    );
    file("tls.yml", text);
    folder
}
