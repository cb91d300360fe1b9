//! Who may ask: a bearer token from a file, or the cookie that a browser has for one; and no web page that came by another
//! name.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;
use tracing::{info, warn};

use super::login;
use super::negotiate::{HTML, JSON, TEXT, chosen, error};
use crate::net::host;
use crate::report::page::{SCRIPT_PATH, STYLE_PATH};

/// The name of the cookie.
pub(super) const COOKIE: &str = "leeward";

/// A token with fewer letters than this can be found by trying.
const SHORT: usize = 16;

/// The tokens that are good. Each is kept as its digest, so that comparing takes the same time whatever was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tokens {
    digests: Vec<[u8; 32]>,
    /// One of them is shorter than [`SHORT`].
    has_short: bool,
}

impl Tokens {
    /// Reads a token file: one token a line, so that an old and a new one can both be good for a while.
    ///
    /// Errors: words without the file's name.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let tokens: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if tokens.is_empty() {
            return Err("holds no token; write one line into it, for example from `openssl rand -hex 32`".to_owned());
        }
        if tokens.iter().any(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err("holds a token with spaces or other than ASCII characters; no header can carry it".to_owned());
        }
        Ok(Self {
            digests: tokens.iter().map(|token| Sha256::digest(token).into()).collect(),
            has_short: tokens.iter().any(|token| token.len() < SHORT),
        })
    }

    /// Says that one can be found by trying: the login counts tries, a header is not counted.
    fn warn(&self, path: &Path) {
        if self.has_short {
            let path = path.display();
            warn!(
                "--token-file `{path}` holds a token of fewer than {SHORT} characters, which can be found by trying; `openssl rand -hex 32` makes a good one"
            );
        }
    }

    /// What a browser is given for `token`: no token, and good as long as the token is. `None`: it is none of them.
    pub(super) fn cookie_for(&self, token: &[u8]) -> Option<String> {
        self.admit(token).then(|| cookie(&Sha256::digest(token).into()))
    }

    /// Whether `given` was given for one of them.
    fn admit_cookie(&self, given: &[u8]) -> bool {
        self.digests.iter().fold(false, |good, known| good | bool::from(cookie(known).as_bytes().ct_eq(given)))
    }

    /// Whether `token` is one of them.
    fn admit(&self, token: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(token).into();
        // All are compared, whichever fits.
        self.digests.iter().fold(false, |good, known| good | bool::from(known.ct_eq(&digest)))
    }
}

/// What a browser keeps for a token: made of the token's digest, from which neither can be found.
fn cookie(digest: &[u8; 32]) -> String {
    let value = Sha256::new().chain_update(b"leeward page\0").chain_update(digest).finalize();
    value.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A token file that is read again when it changes.
#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    tokens: watch::Sender<Tokens>,
    /// What was last wrong with it, so that it is said once.
    problem: Option<String>,
}

impl TokenFile {
    /// Errors: one line that names the flag and the file.
    pub(super) async fn open(path: &Path) -> Result<Self, String> {
        let tokens = read(path).await.map_err(|problem| format!("--token-file `{}` {problem}", path.display()))?;
        tokens.warn(path);
        Ok(Self { path: path.to_owned(), tokens: watch::Sender::new(tokens), problem: None })
    }

    /// The tokens that are good now.
    pub(super) fn tokens(&self) -> watch::Receiver<Tokens> {
        self.tokens.subscribe()
    }

    /// Reads it again. One that cannot be read changes nothing: the last good tokens stay.
    pub(super) async fn reload(&mut self) {
        match read(&self.path).await {
            Ok(tokens) => {
                self.problem = None;
                if self.tokens.send_if_modified(|current| std::mem::replace(current, tokens.clone()) != tokens) {
                    info!(path = %self.path.display(), "tokens changed: read them again");
                    self.tokens.borrow().warn(&self.path);
                }
            }
            Err(problem) => {
                if self.problem.as_ref() != Some(&problem) {
                    tracing::error!(path = %self.path.display(), "--token-file `{}` {problem}; the old tokens stay valid", self.path.display());
                    self.problem = Some(problem);
                }
            }
        }
    }
}

async fn read(path: &Path) -> Result<Tokens, String> {
    let text = tokio::fs::read_to_string(path).await.map_err(|error: io::Error| format!("cannot be read: {error}"))?;
    Tokens::read(&text)
}

/// The answer to a request that is not let through. `/healthz` is open. `tokens`: those that are good; `None`: none is
/// needed. `allowed`: names that browsers may call this service by, lower case.
pub(super) fn refuse(
    tokens: Option<&watch::Receiver<Tokens>>,
    allowed: &[String],
    request: &Request,
) -> Option<Response> {
    let tokens = tokens.map(|tokens| tokens.borrow().clone());
    let open = ["/healthz", "/login", STYLE_PATH, SCRIPT_PATH].contains(&request.uri().path());
    let is_known = |tokens: &Tokens| {
        bearer(request.headers()).is_some_and(|token| tokens.admit(token)) || shows_cookie(tokens, request.headers())
    };
    match tokens {
        Some(tokens) if !open && !is_known(&tokens) => {
            let path = request.uri().path();
            let is_page = path == "/" || ["/c/", "/n/", "/h/", "/rules/"].iter().any(|it| path.starts_with(it));
            if is_page && chosen(request.headers(), &[TEXT, HTML, JSON]) == HTML {
                return Some(login::instead(request.uri().path_and_query().map_or("/", |it| it.as_str())));
            }
            let words = "a token is needed: send `Authorization: Bearer <token>`";
            let challenge = [(header::WWW_AUTHENTICATE, r#"Bearer realm="leeward""#)];
            Some((challenge, error(StatusCode::UNAUTHORIZED, words)).into_response())
        }
        // A page of another site cannot know the token, so with one there is nothing more to ask.
        None if !open && is_foreign_page(request.headers(), allowed) => {
            let words = "unknown Host header (possible DNS rebinding); use the IP address or `localhost`, or add \
                         --allow-host";
            Some(error(StatusCode::MISDIRECTED_REQUEST, words))
        }
        Some(_) | None => None,
    }
}

/// Whether a browser shows a cookie that is good. `tokens`: as for [`refuse`].
pub(super) fn has_cookie(tokens: Option<&watch::Receiver<Tokens>>, headers: &HeaderMap) -> bool {
    tokens.is_some_and(|tokens| shows_cookie(&tokens.borrow(), headers))
}

fn shows_cookie(tokens: &Tokens, headers: &HeaderMap) -> bool {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(';'));
    let mut own = all.filter_map(|it| it.trim().split_once('=')).filter(|(name, _)| *name == COOKIE);
    own.any(|(_, value)| tokens.admit_cookie(value.as_bytes()))
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// Whether a browser was led here by a name of somebody else's (DNS rebinding): then the page that asks is theirs. Programs
/// are left alone: Traefik may well call this service by a name with dots.
fn is_foreign_page(headers: &HeaderMap, allowed: &[String]) -> bool {
    host::is_browser(headers) && !host::Names::Network(allowed).hold_host_of(headers)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn every_line_is_a_token() {
        let tokens = Tokens::read("old\n\n new \r\n").unwrap();
        for (sent, good) in [("old", true), ("new", true), ("", false), ("ne", false), ("new ", false), ("x", false)] {
            assert_eq!(tokens.admit(sent.as_bytes()), good, "{sent}");
        }
    }

    #[test]
    fn a_file_without_a_token_is_not_no_protection() {
        for bad in ["", "\n \n", "two words", "ümlaut"] {
            assert!(Tokens::read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_browser_is_let_in_by_names_that_nobody_else_can_own() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("leeward.net-control:9000"));
        assert!(!is_foreign_page(&headers, &[]), "Traefik is no browser");
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
        assert!(is_foreign_page(&headers, &[]) && !is_foreign_page(&headers, &["leeward.net-control".to_owned()]));
    }
}
