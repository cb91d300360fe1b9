//! Pages for a browser. The script of a page asks for it again with the tag of what it has and `Prefer: wait=N`, and is held
//! until the page would be another; a browser without script is answered at once.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use tokio::time::{Instant, timeout_at};

use super::auth;
use super::config::Poll;
use super::negotiate::{HTML, JSON, Name, TEXT, chosen, error};
use super::published::tag;
use super::state::Shared;
use super::views::View;
use crate::report::page::{self, Facts, Filter, Page};
use crate::report::visible::visible;

/// How many pages may be held at once; beyond, a page is answered at once. Apart from Traefik's polls.
pub(super) const MOST_HELD: usize = 64;
/// The longest that one is held.
const LONGEST: Duration = Duration::from_mins(1);

/// `GET /`; who takes no HTML gets what `/routes` says.
pub(super) async fn front(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, poll: Poll) -> Response {
    if chosen(&headers, &[TEXT, HTML, JSON]) != HTML {
        return super::routes(State(shared), uri, headers).await;
    }
    let filter = Query::<Vec<(String, String)>>::try_from_uri(&uri)
        .map_err(|problem| problem.body_text())
        .and_then(|Query(query)| Filter::read(query.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
    match filter {
        Ok(filter) => show(&shared, &headers, &poll, move |facts| page::front(facts, &filter)).await,
        Err(problem) => html(StatusCode::BAD_REQUEST, page::nothing("no such filter", &problem)),
    }
}

/// `GET /c/{name}`.
pub(super) async fn container(
    State(shared): State<Shared>,
    Name(name): Name,
    headers: HeaderMap,
    poll: Poll,
) -> Response {
    show(&shared, &headers, &poll, move |facts| page::container(facts, &name)).await
}

/// `GET /n/{name}`.
pub(super) async fn network(
    State(shared): State<Shared>,
    Name(name): Name,
    headers: HeaderMap,
    poll: Poll,
) -> Response {
    show(&shared, &headers, &poll, move |facts| page::network(facts, &name)).await
}

/// `GET /h/{host}`.
pub(super) async fn host(State(shared): State<Shared>, Name(name): Name, headers: HeaderMap, poll: Poll) -> Response {
    show(&shared, &headers, &poll, move |facts| page::host(facts, &name)).await
}

/// `GET /rules/{rule}`.
pub(super) async fn rule(State(shared): State<Shared>, Name(name): Name, headers: HeaderMap, poll: Poll) -> Response {
    show(&shared, &headers, &poll, move |facts| page::rule(facts, &name)).await
}

/// A page as it is now; held while the caller has the same and asks to wait. An error is a page for who takes one.
async fn show(
    shared: &Shared,
    headers: &HeaderMap,
    poll: &Poll,
    make: impl Fn(&Facts<'_>) -> Page + Send + Sync + 'static,
) -> Response {
    let make = Arc::new(make);
    let takes_pages = chosen(headers, &[HTML, TEXT, JSON]) == HTML;
    let signed_in = auth::has_cookie(shared.tokens.as_ref(), headers);
    let mut published = shared.published.clone();
    let wait = poll.wait().unwrap_or_default().min(LONGEST);
    let end = Instant::now() + wait;
    let mut place = None;
    loop {
        let now = published.borrow_and_update().clone();
        let (status, text) = match now {
            None if takes_pages => (StatusCode::SERVICE_UNAVAILABLE, page::loading()),
            None => return super::not_ready(),
            Some(now) => {
                let (settings, make) = (Arc::clone(&shared.settings), Arc::clone(&make));
                let made = shared.views.make(move || {
                    make(&Facts {
                        inventory: &now.inventory,
                        settings: &settings,
                        plan: &now.plan,
                        revision: now.revision,
                        stale: now.stale_reason(),
                        signed_in,
                    })
                });
                match made.await {
                    Ok(Page { found: true, html }) => (StatusCode::OK, html),
                    Ok(Page { html, .. }) if takes_pages => (StatusCode::NOT_FOUND, html),
                    Ok(_) => return error(StatusCode::NOT_FOUND, "nothing has this name"),
                    Err(busy) => return busy,
                }
            }
        };
        let etag = tag(text.as_bytes());
        if !poll.has_tag(&etag) {
            let text = text.replacen(page::TAG, &format!("data-tag='{etag}'"), 1);
            let answer = shared.views.send(View { status, kind: HTML, text });
            return ([(header::ETAG, etag)], answer).into_response();
        }
        if place.is_none() {
            place = Arc::clone(&shared.page_holds).try_acquire_owned().ok();
        }
        // Ends with a change, with the time, or with the service.
        let changed = place.is_some() && matches!(timeout_at(end, published.changed()).await, Ok(Ok(())));
        if !changed {
            return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
        }
    }
}

/// A page that is no view of the plan.
pub(super) fn html(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, HTML)], text).into_response()
}

/// An error, as a page for a browser.
pub(super) fn nowhere(headers: &HeaderMap, words: &str) -> Response {
    if chosen(headers, &[TEXT, HTML, JSON]) == HTML {
        html(StatusCode::NOT_FOUND, page::nothing("no such page", words))
    } else {
        error(StatusCode::NOT_FOUND, visible(words))
    }
}
