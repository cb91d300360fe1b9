//! Which of several media types a client gets, and errors in the one that it asked for. Source: RFC 9110 section 12.5.1.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use mediatype::{MediaType, MediaTypeList, ReadParams as _};
use serde_json::json;

/// Media types of answers.
pub(super) const JSON: &str = "application/json";
pub(super) const SARIF: &str = "application/sarif+json";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The offer that the `Accept` headers give the highest weight; among equal ones that which they name first, or name more
/// exactly; else the first offer, also where they accept none. `offers` must not be empty.
pub(super) fn chosen(headers: &HeaderMap, offers: &[&'static str]) -> &'static str {
    let accepts = || headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    let ranges = || accepts().flat_map(MediaTypeList::new).filter_map(Result::ok).enumerate();
    let weigh = |offer: &str| {
        let offer = MediaType::parse(offer).ok()?;
        let offer = offer.essence();
        // The most exact range counts, whatever else matches.
        let (exactness, place, range) = ranges()
            .filter_map(|(place, range)| Some((exactness(&range, &offer)?, place, range)))
            .max_by_key(|(exactness, place, _)| (*exactness, std::cmp::Reverse(*place)))?;
        Some((weight(&range), exactness, std::cmp::Reverse(place)))
    };
    let best = offers.iter().rev().filter_map(|offer| Some((weigh(offer)?, *offer))).max_by_key(|(weight, _)| *weight);
    match best {
        Some(((weight, ..), offer)) if weight > 0 => offer,
        // RFC 9110 lets a server answer with what it has. Not with what the client excludes, if there is another.
        _ => offers.iter().find(|offer| weigh(offer).is_none()).or(offers.first()).copied().unwrap_or(TEXT),
    }
}

/// How exactly a range names a type; `None`: not at all.
fn exactness(range: &MediaType<'_>, offer: &MediaType<'_>) -> Option<u8> {
    match (range.ty.as_str(), range.subty.as_str()) {
        ("*", "*") => Some(0),
        (ty, "*") => ty.eq_ignore_ascii_case(offer.ty.as_str()).then_some(1),
        _ => (range.essence() == *offer).then_some(2),
    }
}

/// The weight of a range, in thousandths. One that cannot be read is 1, as if it were not there.
fn weight(range: &MediaType<'_>) -> u16 {
    let q = range.get_param(mediatype::names::Q).and_then(|q| q.as_str().parse::<f32>().ok());
    q.filter(|q| (0.0..=1.0).contains(q)).map_or(1000, |q| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
        let thousandths = (q * 1000.0).round() as u16;
        thousandths
    })
}

/// What a path names. One that cannot be read is an error like any other.
#[derive(Clone, Debug)]
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(name)| Self(name)).map_err(|problem| error(problem.status(), problem.body_text()))
    }
}

/// The words of an answer that is an error.
#[derive(Clone, Debug)]
struct Words(String);

/// An answer that is an error: these words and a line end, or JSON for a client that asks for it: see [`in_json`].
pub(super) fn error(status: StatusCode, words: impl Into<String>) -> Response {
    let words = words.into();
    let mut response = (status, format!("{words}\n")).into_response();
    response.extensions_mut().insert(Words(words));
    response
}

/// The same error as `{"error": "<words>"}`; any other answer as it is.
pub(super) fn in_json(mut response: Response) -> Response {
    let Some(Words(words)) = response.extensions_mut().remove::<Words>() else { return response };
    let (mut head, _) = response.into_parts();
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, json_of(&words).into())
}

/// Words of an error as JSON.
pub(super) fn json_of(words: &str) -> String {
    json!({ "error": words }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::exposition::CLASSIC;

    fn accept(accept: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))])
    }

    #[test]
    fn a_client_gets_what_it_weighs_most() {
        const VIEW: &[&str] = &[TEXT, JSON, SARIF];
        const PAGE: &[&str] = &[TEXT, HTML, JSON];
        const METRICS: &[&str] = &[OPENMETRICS, CLASSIC];
        for (sent, offers, wanted) in [
            ("", VIEW, TEXT),
            ("*/*", VIEW, TEXT),
            ("application/json", VIEW, JSON),
            ("Application/JSON", VIEW, JSON),
            ("application/json;q=0", VIEW, TEXT),
            ("application/json;q=0.4, text/plain;q=0.5", VIEW, TEXT),
            ("application/json, text/plain, */*", VIEW, JSON),
            ("application/*", VIEW, JSON),
            ("application/sarif+json", VIEW, SARIF),
            ("application/json, text/*;q=0.9, */*;q=0.1", VIEW, JSON),
            ("*/*, text/plain;q=0", VIEW, JSON),
            ("text/plain;q=0", VIEW, JSON),
            ("image/png", VIEW, TEXT),
            ("image/png;q=x, application/json;q=2", VIEW, JSON),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PAGE, HTML),
            ("*/*", PAGE, TEXT),
            ("application/json", PAGE, JSON),
            ("text/plain;version=0.0.4", METRICS, CLASSIC),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                METRICS,
                OPENMETRICS,
            ),
            ("*/*", METRICS, OPENMETRICS),
        ] {
            assert_eq!(chosen(&accept(sent), offers), wanted, "{sent}");
        }
        assert_eq!(chosen(&HeaderMap::new(), VIEW), TEXT);
    }
}
