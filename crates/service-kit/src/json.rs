//! Request bodies: JSON, strict.
//!
//! serde_json alone takes the last of two equal keys and nests 128 deep. Two readers of one text must
//! agree on what it says, so a first pass refuses duplicate keys and deep nesting; the second pass reads
//! the wire type, whose `deny_unknown_fields` refuses what nobody would read.

use std::collections::HashSet;
use std::fmt;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use crate::{Problem, kinds, pointer};

/// Largest body of a request unless its route says else.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Deepest nesting of a request body.
const DEPTH_MAX: usize = 64;
/// Marks a decimal that arrived as a JSON float; see [`crate::decimal`].
pub(crate) const NOT_EXACT: &str = "not exact: ";

/// A JSON request body of the wire type `T`.
#[derive(Clone, Debug)]
pub struct StrictJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for StrictJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let bytes = read_body(request, BODY_BYTES_MAX).await?;
        parse_strict(&bytes).map(Self)
    }
}

/// Refuses bodies that do not say they are JSON.
///
/// # Errors
/// `unsupported-media-type`.
pub fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    let json =
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    if json {
        return Ok(());
    }
    Err(Problem::of(&kinds::UNSUPPORTED_MEDIA_TYPE).detail("Send application/json."))
}

/// Reads a whole body of at most `limit` bytes.
///
/// # Errors
/// `body-too-large`, `timeout` when it came too slowly, `malformed-body` when the connection broke.
pub async fn read_body(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let too_large =
        || Problem::of(&kinds::BODY_TOO_LARGE).detail(format!("At most {limit} bytes are accepted here."));
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if caused_by::<LengthLimitError>(&*error) => Err(too_large()),
        Err(error) if caused_by::<tower_http::timeout::TimeoutError>(&*error) => {
            Err(Problem::of(&kinds::TIMEOUT).detail("The body did not arrive in time."))
        }
        Err(_) => Err(Problem::of(&kinds::MALFORMED_BODY).detail("The body ended early.")),
    }
}

fn caused_by<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<E>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Parses a body strictly.
///
/// # Errors
/// `malformed-body` with the position, `unknown-field`, `number-not-exact` or `validation-failed`.
pub fn parse_strict<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut checker = serde_json::Deserializer::from_slice(bytes);
    let readable = Strict { depth: 0 }
        .deserialize(&mut checker)
        .and_then(|()| checker.end());
    if let Err(error) = readable {
        return Err(malformed(&error));
    }
    // serde fills a struct from an array too, in the order of its fields: nobody means that.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::of(&kinds::VALIDATION_FAILED).detail("Send a JSON object."));
    }
    serde_json::from_slice(bytes).map_err(|error| wrong(bytes, &error))
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::of(&kinds::MALFORMED_BODY).detail(error.to_string())
}

fn wrong(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let kind = if message.starts_with("unknown field") {
        &kinds::UNKNOWN_FIELD
    } else if message.starts_with(NOT_EXACT) {
        &kinds::NUMBER_NOT_EXACT
    } else {
        &kinds::VALIDATION_FAILED
    };
    let place = pointer::at(bytes, error.line(), error.column());
    Problem::of(kind)
        .detail(message.clone())
        .error(&place, kind.code, message)
}

/// Walks a JSON text and keeps nothing of it but the keys of the objects it is inside of.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(E::custom(format!("nested deeper than {DEPTH_MAX}")));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        while items.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if let Some(repeated) = seen.replace(key) {
                return Err(A::Error::custom(format!(
                    "duplicate key `{}`",
                    shorten(&repeated)
                )));
            }
            entries.next_value_seed(inside)?;
        }
        Ok(())
    }
}

fn shorten(key: &str) -> String {
    key.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[allow(dead_code)]
        item: String,
        #[serde(default)]
        #[allow(dead_code)]
        parts: Vec<u8>,
    }

    fn refused(text: &str) -> Problem {
        parse_strict::<Order>(text.as_bytes()).expect_err(text)
    }

    #[test]
    fn what_is_wrong_decides_the_code() {
        let table = [
            ("", "malformed-body"),
            ("{", "malformed-body"),
            (r#"{"item":"a"} x"#, "malformed-body"),
            (r#"{"item":"a","item":"b"}"#, "malformed-body"),
            (r#"{"item":"a","parts":[1e999]}"#, "malformed-body"),
            (r#"{"item":"a","price":1}"#, "unknown-field"),
            (r#"{"item":1}"#, "validation-failed"),
            (r#"{}"#, "validation-failed"),
            (r#"{"item":"a","parts":[1,2,300]}"#, "validation-failed"),
        ];
        for (text, code) in table {
            assert_eq!(refused(text).code(), code, "{text}");
        }
    }

    #[test]
    fn the_message_names_the_place() {
        let problem = refused("{\n  \"item\": nope\n}");
        assert!(problem.to_string().contains("line 2 column"), "{problem}");
        let problem = refused(r#"{"item":"a","parts":[1,2,300]}"#);
        assert_eq!(problem.body().errors[0].pointer, "/parts/2");
    }

    #[test]
    fn an_array_does_not_fill_an_object() {
        assert_eq!(refused(r#"["a"]"#).code(), "validation-failed");
    }

    #[test]
    fn depth_64_is_the_last_that_is_read() {
        // The object around them is the first level.
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        let code = |depth| {
            parse_strict::<serde_json::Value>(nested(depth).as_bytes())
                .map_err(|problem| problem.code().to_owned())
        };
        assert!(code(64).is_ok());
        assert_eq!(code(65), Err("malformed-body".to_owned()));
        assert_eq!(code(100_000), Err("malformed-body".to_owned()));
    }
}
