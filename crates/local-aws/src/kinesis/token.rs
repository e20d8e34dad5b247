//! Tokens of paged lists: opaque text that says where to go on and when it was given out. They live 300 seconds.
//!
//! Source: API_ListShards, API_ListStreams ("NextToken", `ExpiredNextTokenException`).

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::wire::Refusal;

const LIFETIME: TimeDelta = TimeDelta::seconds(300);

#[derive(Serialize, Deserialize)]
struct Dated<T> {
    position: T,
    issued_ms: i64,
}

/// Writes a position as a token.
pub(super) fn issue(position: impl Serialize, now: DateTime<Utc>) -> String {
    let dated = Dated {
        position,
        issued_ms: now.timestamp_millis(),
    };
    data_encoding::BASE64.encode(&serde_json::to_vec(&dated).expect("plain strings and numbers serialize"))
}

/// Reads a token back.
///
/// # Errors
/// `InvalidArgumentException` for text that none of ours is, `ExpiredNextTokenException` after 300 seconds.
pub(super) fn redeem<T: DeserializeOwned>(text: &str, now: DateTime<Utc>) -> Result<T, Refusal> {
    let json = data_encoding::BASE64.decode(text.as_bytes()).ok();
    let dated: Option<Dated<T>> = json.and_then(|json| serde_json::from_slice(&json).ok());
    let dated = dated.ok_or_else(|| Refusal::invalid("Invalid NextToken."))?;
    if now.timestamp_millis() - dated.issued_ms > LIFETIME.num_milliseconds() {
        return Err(Refusal::new(
            "ExpiredNextTokenException",
            "NextToken has expired. The NextToken was created more than 300000 milliseconds ago.",
        ));
    }
    Ok(dated.position)
}
