//! Mutations with a cookie must come from our own pages.
//!
//! A browser sends the cookie with requests that another site starts. `Sec-Fetch-Site` tells who
//! started it and cannot be set by a page; an old browser without it still sends `Origin`.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Method};

use crate::{Problem, kinds};

/// Refuses a change that another site's page may have started.
///
/// # Errors
/// `cross-site-request`.
pub fn require_same_origin(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let own = match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => match (text(ORIGIN.as_str()), text(HOST.as_str())) {
            (Some(origin), Some(host)) => authority_of(origin) == Some(host),
            _ => false,
        },
    };
    if own {
        Ok(())
    } else {
        Err(Problem::of(&kinds::CROSS_SITE_REQUEST))
    }
}

fn authority_of(origin: &str) -> Option<&str> {
    origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (&'static str, &'static [(&'static str, &'static str)], bool);

    #[test]
    fn only_our_own_pages_may_change_something_with_a_cookie() {
        let table: [Case; 9] = [
            ("GET", &[("sec-fetch-site", "cross-site")], true),
            ("POST", &[("sec-fetch-site", "same-origin")], true),
            ("POST", &[("sec-fetch-site", "same-site")], false),
            ("POST", &[("sec-fetch-site", "cross-site")], false),
            ("POST", &[("sec-fetch-site", "none")], false),
            (
                "DELETE",
                &[("origin", "https://a.example"), ("host", "a.example")],
                true,
            ),
            (
                "DELETE",
                &[("origin", "https://b.example"), ("host", "a.example")],
                false,
            ),
            ("DELETE", &[("origin", "null"), ("host", "a.example")], false),
            ("POST", &[], false),
        ];
        for (method, headers, allowed) in table {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
                .collect();
            let method = method.parse().expect("a method");
            assert_eq!(
                require_same_origin(&method, &headers).is_ok(),
                allowed,
                "{method} {headers:?}"
            );
        }
    }
}
