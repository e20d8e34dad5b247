//! Lists in pages: keyset cursors that carry a place and no authority.
//!
//! A cursor is base64url of `{v, keys, filter}`. It is not signed: the tenant comes from the credential
//! each time, so a forged cursor reads nothing that the caller could not read anyway.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use http::request::Parts;
use http::{HeaderValue, Uri};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::{Problem, kinds};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 500;
/// A cursor holds one or two keys; longer ones are not ours.
const CURSOR_BYTES_MAX: usize = 1024;

/// `?limit=` and `?cursor=` of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Most items of the reply, 1 to 500, default 50.
    pub limit: Option<u32>,
    /// `next_cursor` of the previous reply, together with the same filter.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// How many items to show.
    ///
    /// # Errors
    /// `bad-query` outside 1..=500.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            _ => Err(Problem::of(&kinds::BAD_QUERY).detail(format!("limit is 1 to {LIMIT_MAX}."))),
        }
    }

    /// Where the previous page ended, if this is not the first. `filter` is every other parameter of the
    /// list, in any stable text form; it must be the same on all pages.
    ///
    /// # Errors
    /// `bad-cursor` for garbage, `cursor-mismatch` for the cursor of another filter.
    pub fn after<K: DeserializeOwned>(&self, filter: &str) -> Result<Option<K>, Problem> {
        self.cursor
            .as_deref()
            .map(|text| Cursor::open(text, filter))
            .transpose()
    }
}

/// Makes and reads the opaque text of a cursor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor<K> {
    v: u8,
    keys: K,
    filter: String,
}

impl<K: Serialize> Cursor<K> {
    /// The opaque text for the place behind `keys`.
    pub fn seal(keys: K, filter: &str) -> String {
        let cursor = Self {
            v: 1,
            keys,
            filter: hash(filter),
        };
        let json = serde_json::to_vec(&cursor).expect("keys are text and integers");
        BASE64URL_NOPAD.encode(&json)
    }
}

impl<K: DeserializeOwned> Cursor<K> {
    /// The place in an opaque text.
    ///
    /// # Errors
    /// As for [`PageQuery::after`].
    pub fn open(text: &str, filter: &str) -> Result<K, Problem> {
        let bad = || Problem::of(&kinds::BAD_CURSOR).detail("Send next_cursor as it was received.");
        if text.len() > CURSOR_BYTES_MAX {
            return Err(bad());
        }
        let json = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| bad())?;
        let cursor: Self = serde_json::from_slice(&json).map_err(|_| bad())?;
        if cursor.v != 1 {
            return Err(bad());
        }
        if cursor.filter != hash(filter) {
            return Err(Problem::of(&kinds::CURSOR_MISMATCH).detail("Keep the filter while paging."));
        }
        Ok(cursor.keys)
    }
}

fn hash(filter: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(filter.as_bytes())[..9])
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items in the list's order.
    pub items: Vec<T>,
    /// Sends the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of `rows`, of which the caller fetched one more than `limit` to learn whether more follow.
    #[must_use]
    pub fn cut<K: Serialize>(mut rows: Vec<T>, limit: u32, filter: &str, keys: impl Fn(&T) -> K) -> Self {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next_cursor = rows
            .last()
            .filter(|_| more)
            .map(|last| Cursor::seal(keys(last), filter));
        Self {
            items: rows,
            next_cursor,
        }
    }

    /// The same page with each item in another form.
    #[must_use]
    pub fn map<U>(self, form: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(form).collect(),
            next_cursor: self.next_cursor,
        }
    }

    /// The reply with `Link: rel="next"`, whose address is the request's with the cursor replaced.
    pub fn respond(self, uri: &Uri) -> Response
    where
        T: Serialize,
    {
        let link = self
            .next_cursor
            .as_deref()
            .and_then(|cursor| next_link(uri, cursor));
        let mut response = axum::Json(self).into_response();
        if let Some(link) = link {
            response.headers_mut().insert(http::header::LINK, link);
        }
        response
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

fn next_link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let others =
        form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()).filter(|(name, _)| name != "cursor");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("cursor", cursor)
        .finish();
    HeaderValue::from_str(&format!("<{}?{query}>; rel=\"next\"", uri.path())).ok()
}

/// Query parameters of the type `T`; unreadable ones are a problem, not axum's plain text.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|rejection| Problem::of(&kinds::BAD_QUERY).detail(rejection.body_text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_whether_more_follow() {
        let page = Page::cut(vec![1, 2, 3], 2, "state=active", |row| *row);
        assert_eq!(page.items, [1, 2]);
        let query = PageQuery {
            limit: None,
            cursor: page.next_cursor,
        };
        assert_eq!(query.after::<i32>("state=active").expect("reads back"), Some(2));
        assert!(Page::cut(vec![1, 2], 2, "", |row| *row).next_cursor.is_none());
    }

    #[test]
    fn another_filter_and_garbage_are_told_apart() {
        let cursor = Cursor::seal(2, "state=active");
        let code = |text: &str, filter: &str| {
            Cursor::<i32>::open(text, filter).map_err(|problem| problem.code().to_owned())
        };
        assert_eq!(
            code(&cursor, "state=suspended"),
            Err("cursor-mismatch".to_owned())
        );
        for garbage in ["", "e30", "!!", &cursor[1..], &"A".repeat(2000)] {
            assert_eq!(
                code(garbage, "state=active"),
                Err("bad-cursor".to_owned()),
                "{garbage}"
            );
        }
    }

    #[test]
    fn the_next_link_keeps_the_filter() {
        let uri: Uri = "/v1/tenants?state=active&cursor=old".parse().expect("a path");
        let link = next_link(&uri, "new").expect("visible ASCII");
        assert_eq!(link, "</v1/tenants?state=active&cursor=new>; rel=\"next\"");
    }
}
