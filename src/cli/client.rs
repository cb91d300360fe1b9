//! The flags of verbs that ask a running `leeward serve`, and the one HTTP request they make.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use hyper::header::{ACCEPT, AUTHORIZATION};
use hyper::{StatusCode, Uri};
use leeward::net::client::{self, Target};
use leeward::report::visible::{visible_json, visible_text};
use tokio::time;

/// The longest answer that is read, in bytes: far above any real one, far below the machine's memory.
const LONGEST_ANSWER: usize = 256 * 1024 * 1024;

/// Flags of every verb that can ask a running service.
#[derive(Args, Debug)]
#[command(next_help_heading = "Running service")]
pub(crate) struct Server {
    /// Ask this running `leeward serve` instead of an engine, as http://leeward:9000
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<Uri>,

    /// File with the token of that service; of several lines the first
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// An answer of a service.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its body, as text.
    pub(crate) body: String,
}

impl Server {
    /// Asks `server` for `path` (with its query). `accept` is the media type wanted.
    pub(crate) async fn ask(&self, server: &Uri, path: &str, accept: &str, limit: Duration) -> anyhow::Result<Answer> {
        let asked = async {
            let host = server.host().with_context(|| format!("invalid address `{server}`: it has no host"))?;
            let port = server.port_u16().unwrap_or(80);
            if server.scheme_str().is_some_and(|scheme| scheme != "http") {
                bail!(
                    "invalid address `{server}`: only http:// is supported; to judge what an engine says without the \
                     service, use --engine"
                );
            }
            let authority = server.authority().map_or(host, |it| it.as_str());
            let target = Target::Tcp(format!("{host}:{port}"));
            let Answer { status, body } = exchange(&target, authority, path, accept, self.token()?).await?;
            // Whoever answers: it is printed.
            let body = if accept.ends_with("json") { visible_json(body) } else { visible_text(body) };
            Ok(Answer { status, body })
        };
        within(limit, asked).await.with_context(|| format!("cannot ask {server}"))
    }

    fn token(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--token-file `{}` cannot be read", path.display()))?;
        // The service's own file will do, which may hold several.
        let first = text.lines().map(str::trim).find(|line| !line.is_empty());
        let first = first.with_context(|| format!("--token-file `{}` holds no token", path.display()))?;
        Ok(Some(first.to_owned()))
    }
}

/// Asks a Unix socket for `path`.
pub(crate) async fn ask_socket(socket: &Path, path: &str, limit: Duration) -> anyhow::Result<Answer> {
    let target = Target::Unix(socket.to_owned());
    let asked = exchange(&target, "localhost", path, "*/*", None);
    within(limit, asked).await.with_context(|| format!("cannot ask `{}`", socket.display()))
}

async fn within(limit: Duration, asked: impl Future<Output = anyhow::Result<Answer>>) -> anyhow::Result<Answer> {
    time::timeout(limit, asked).await.unwrap_or_else(|_| Err(anyhow!("no answer within {} s", limit.as_secs())))
}

/// One GET. Its caller says how long all of it may take.
async fn exchange(
    target: &Target,
    authority: &str,
    path: &str,
    accept: &str,
    token: Option<String>,
) -> anyhow::Result<Answer> {
    let mut request = client::request("GET", authority, path)?;
    request.headers_mut().insert(ACCEPT, accept.try_into()?);
    if let Some(token) = token {
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").try_into()?);
    }
    let answer = client::ask(target, request, Duration::MAX, u64::MAX).await?;
    let status = answer.status();
    let body = answer.whole(LONGEST_ANSWER, Duration::MAX).await?;
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}
