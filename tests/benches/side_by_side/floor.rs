//! Traefik's own floor: the time from a document's arrival to its routes, without anybody who reads an engine.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// A number that grows, and the document.
type Current = (Mutex<(u64, Arc<[u8]>)>, Condvar);

/// Gives Traefik prepared documents, and holds its polls as Leeward does.
pub(crate) struct Server {
    current: Arc<Current>,
    pub(crate) port: u16,
}

impl Server {
    /// With a first document.
    pub(crate) fn start(document: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let current = Arc::new((Mutex::new((1, Arc::from(document))), Condvar::new()));
        let shared = Arc::clone(&current);
        // Ends with the benchmark: nothing is kept but the listener.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || drop(talk(stream, &shared)));
            }
        });
        Self { current, port }
    }

    pub(crate) fn publish(&self, document: &[u8]) {
        let mut current = self.current.0.lock().unwrap();
        *current = (current.0 + 1, Arc::from(document));
        self.current.1.notify_all();
    }
}

fn talk(mut stream: TcpStream, shared: &Current) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut given, mut head) = (0, Vec::new());
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        head.extend_from_slice(&piece[..count]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        head.clear();
        let (current, changed) = (shared.0.lock().unwrap(), &shared.1);
        let (current, _) = changed.wait_timeout_while(current, Duration::from_secs(20), |it| it.0 == given).unwrap();
        given = current.0;
        let document = Arc::clone(&current.1);
        drop(current);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", document.len())?;
        stream.write_all(&document)?;
    }
}
