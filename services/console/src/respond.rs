//! Answers: whole pages, fragments for htmx, redirects, and the headers that every page carries.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::pages::refusal;
use crate::ui;
use crate::visit::{Refused, Stranger};

/// No inline script, no inline style, no other origin.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      object-src 'none'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'";

const REQUEST_TYPE: HeaderName = HeaderName::from_static("hx-request-type");
const REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// What may stand in a query unescaped.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Draws the page of a refusal and puts the security headers on every answer; assets keep their own caching.
pub(crate) async fn dress(request: Request, next: Next) -> Response {
    let stranger = Stranger::of(request.headers());
    let mut response = next.run(request).await;
    if let Some(Refused(problem)) = response.extensions_mut().remove::<Refused>() {
        let body = if stranger.fragment {
            ui::problem(&problem)
        } else {
            refusal::page(stranger.theme, &problem)
        };
        response = (response.status(), body).into_response();
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert(
        "cross-origin-opener-policy",
        HeaderValue::from_static("same-origin"),
    );
    headers.append(VARY, HeaderValue::from_static("HX-Request-Type"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether htmx asks for a fragment. Whole pages, history and plain requests get the page.
pub(crate) fn wants_fragment(headers: &HeaderMap) -> bool {
    headers.get(REQUEST_TYPE).is_some_and(|kind| kind == "partial")
        && !headers.contains_key("hx-history-restore-request")
}

/// Sends the browser to another page of ours. A redirect inside a fragment request would land in the fragment.
pub(crate) fn go(fragment: bool, to: &str) -> Response {
    if !fragment {
        return Redirect::to(to).into_response();
    }
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    let mut response = StatusCode::OK.into_response();
    response.headers_mut().insert(REDIRECT, to);
    response
}

/// To the sign-in page and back here afterwards. A fragment request is told by header, so that the sign-in page
/// does not land inside a card.
pub(crate) fn to_sign_in(parts: &Parts) -> Response {
    let here = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    // A form cannot be sent again by going back to its address.
    let back = if parts.method == Method::GET { here } else { "/" };
    let to = format!("/sign-in?{}", query(&[("to", back)]));
    if parts.headers.contains_key("hx-request") {
        let to = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/sign-in"));
        let mut response = StatusCode::UNAUTHORIZED.into_response();
        response.headers_mut().insert(REDIRECT, to);
        return response;
    }
    go(false, &to)
}

/// A query string of the pairs that have a value.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, QUERY));
    pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(pair)
        .collect::<Vec<_>>()
        .join("&")
}

/// A path of ours out of a form or query, or the start page: never another host's address.
pub(crate) fn own_path(text: &str) -> &str {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if text.starts_with('/') && !text.starts_with("//") && plain {
        text
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn;
    use axum::routing::get;
    use service_kit::Problem;
    use tower::ServiceExt;

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/tenants/x/usage?range=7d");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).expect("a request").into_parts().0
    }

    #[test]
    fn strangers_go_to_sign_in_and_come_back() {
        let reply = to_sign_in(&parts("GET", &[]));
        assert_eq!(reply.status(), StatusCode::SEE_OTHER);
        assert_eq!(
            reply.headers()["location"],
            "/sign-in?to=%2Ftenants%2Fx%2Fusage%3Frange%3D7d"
        );
        let reply = to_sign_in(&parts("POST", &[]));
        assert_eq!(reply.headers()["location"], "/sign-in?to=%2F");
        // Otherwise the sign-in page would land inside a card.
        let reply = to_sign_in(&parts("GET", &[("hx-request", "true")]));
        assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
        assert!(reply.headers().contains_key("hx-redirect"));
    }

    async fn ask(headers: &[(&str, &str)]) -> (Response, String) {
        let refuse = || async {
            let mut response = StatusCode::NOT_FOUND.into_response();
            response
                .extensions_mut()
                .insert(Refused(Problem::not_found().body().clone()));
            response
        };
        let router: Router = Router::new()
            .route("/tenants/x/usage", get(refuse))
            .layer(from_fn(dress));
        let request = Request::from_parts(parts("GET", headers), Body::empty());
        let (head, body) = router.oneshot(request).await.expect("infallible").into_parts();
        let bytes = to_bytes(body, 1_000_000).await.expect("a short body");
        (
            Response::from_parts(head, Body::empty()),
            String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    #[tokio::test]
    async fn a_refusal_is_a_page_or_a_fragment_and_every_answer_has_its_policy() {
        let (reply, page) = ask(&[]).await;
        assert_eq!(reply.status(), StatusCode::NOT_FOUND);
        assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        assert_eq!(reply.headers()["vary"], "HX-Request-Type");
        assert_eq!(reply.headers()["cache-control"], "no-store");
        let policy = reply.headers()["content-security-policy"]
            .to_str()
            .expect("ASCII");
        assert!(!policy.contains("unsafe"), "{policy}");
        let (_, fragment) = ask(&[("hx-request-type", "partial")]).await;
        assert!(fragment.starts_with("<div class=\"note bad\""), "{fragment}");
    }

    #[test]
    fn nobody_is_sent_to_another_host() {
        let rows = [
            ("/tenants/x?sort=-name", "/tenants/x?sort=-name"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("", "/"),
        ];
        for (asked, given) in rows {
            assert_eq!(own_path(asked), given);
        }
    }

    #[test]
    fn queries_are_escaped_and_leave_out_what_is_empty() {
        assert_eq!(
            query(&[("q", "a&b=c"), ("state", ""), ("sort", "-name")]),
            "q=a%26b%3Dc&sort=-name"
        );
    }
}
