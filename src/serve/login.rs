//! The login for a browser: a token, given once in a form, becomes a cookie. Nothing that a browser can ask for changes
//! anything, so there is nothing that another site could make it ask for. How often a token may be tried is bounded
//! ([`super::guesses`]); who has a cookie is not asked for one.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Form};

use super::auth;
use super::connection::Connection;
use super::negotiate::error;
use super::pages::html;
use super::state::Shared;
use crate::report::page;
use crate::report::words::page::{WRONG_TOKEN, too_many_tries};

/// The most bytes of a form.
pub(super) const MOST_BYTES: usize = 16 * 1024;
/// The most letters of a path to go back to.
const LONGEST: usize = 4_096;

/// `GET /login`.
pub(super) async fn form(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if shared.tokens.is_none() || auth::has_cookie(shared.tokens.as_ref(), &headers) {
        return to("/");
    }
    html(StatusCode::OK, page::login(None, "/"))
}

/// `POST /login`: `token`, and `to`, the path that was asked for. A body that is no such form is 400, 413 or 415.
pub(super) async fn log_in(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    given: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let given = match given {
        Ok(Form(given)) => given,
        Err(problem) => return error(problem.status(), problem.body_text()),
    };
    let field = |name: &str| given.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str());
    let Some(token) = field("token") else { return error(StatusCode::BAD_REQUEST, "the form has no field `token`") };
    let Some(tokens) = &shared.tokens else { return to("/") };
    let back = safe(field("to").unwrap_or_default());
    if let Err(wait) = shared.guesses.take(connection.address()) {
        let seconds = wait.as_secs() + 1;
        let form = page::login(Some(&too_many_tries(seconds)), back);
        return ([(header::RETRY_AFTER, seconds)], html(StatusCode::TOO_MANY_REQUESTS, form)).into_response();
    }
    let Some(cookie) = tokens.borrow().cookie_for(token.trim().as_bytes()) else {
        return html(StatusCode::UNAUTHORIZED, page::login(Some(WRONG_TOKEN), back));
    };
    ([(header::SET_COOKIE, set(&cookie, shared.is_tls, ""))], to(back)).into_response()
}

/// `POST /logout`.
pub(super) async fn log_out(State(shared): State<Shared>) -> Response {
    ([(header::SET_COOKIE, set("", shared.is_tls, "; Max-Age=0"))], to("/")).into_response()
}

/// The form in place of what was asked for.
pub(super) fn instead(path: &str) -> Response {
    html(StatusCode::UNAUTHORIZED, page::login(None, safe(path)))
}

fn set(value: &str, is_tls: bool, more: &str) -> String {
    let secure = if is_tls { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}", auth::COOKIE)
}

fn to(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path.to_owned())]).into_response()
}

/// A path of this service, or its front: never another site.
fn safe(path: &str) -> &str {
    let is_path = path.starts_with('/') && !path.starts_with("//") && path.len() <= LONGEST;
    if is_path && path.bytes().all(|it| it.is_ascii_graphic() && it != b'\\') { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_no_other_site() {
        for (path, wanted) in [
            ("/c/web?x=1", "/c/web?x=1"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("/\t/evil.example", "/"),
        ] {
            assert_eq!(safe(path), wanted, "{path:?}");
        }
    }
}
