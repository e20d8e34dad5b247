//! `ETag` and `If-Match`: a change names the version it was made for.

use axum::extract::FromRequestParts;
use http::header::IF_MATCH;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use crate::{Problem, kinds};

/// The strong entity tag of a version: `"v7"`.
#[must_use]
pub fn etag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"v{version}\"")).expect("digits are visible ASCII")
}

/// The version the caller saw, from `If-Match`. Compare it inside the update, not before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub i64);

impl IfMatch {
    /// Reads the header.
    ///
    /// # Errors
    /// `if-match-missing`, also for `*`: it would overwrite what the caller has not seen. `stale-version` for
    /// a tag that never was one of ours.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let missing =
            || Problem::of(&kinds::IF_MATCH_MISSING).detail("Send the ETag of the state that you saw.");
        let mut values = headers.get_all(IF_MATCH).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(missing());
        };
        if value == "*" {
            return Err(missing());
        }
        let version = value
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("\"v")?.strip_suffix('"')?.parse::<i64>().ok())
            .filter(|version| *version > 0);
        version
            .map(Self)
            .ok_or_else(|| Problem::of(&kinds::STALE_VERSION))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::from_headers(&parts.headers)
    }
}

/// Whether `If-None-Match` names `version`, so that the answer is 304.
#[must_use]
pub fn not_modified(headers: &HeaderMap, version: i64) -> bool {
    let current = etag(version);
    headers
        .get(http::header::IF_NONE_MATCH)
        .is_some_and(|sent| *sent == current)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<i64, String> {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, value.parse().expect("a header value"));
        IfMatch::from_headers(&headers)
            .map(|seen| seen.0)
            .map_err(|problem| problem.code().to_owned())
    }

    #[test]
    fn a_tag_reads_back_and_anything_else_is_refused() {
        assert_eq!(read("\"v7\""), Ok(7));
        assert_eq!(read("*"), Err("if-match-missing".to_owned()));
        for stale in [
            "v7",
            "\"7\"",
            "W/\"v7\"",
            "\"v-1\"",
            "\"v0\"",
            "\"v99999999999999999999\"",
        ] {
            assert_eq!(read(stale), Err("stale-version".to_owned()), "{stale}");
        }
        let none = IfMatch::from_headers(&HeaderMap::new());
        assert_eq!(none.map_err(|problem| problem.status().as_u16()), Err(428));
    }
}
