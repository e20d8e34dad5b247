//! Shard iterators: opaque text that holds a position and the moment it was given out.
//!
//! The text carries all of it, so iterators survive a restart of the endpoint as they survive AWS's. They live five
//! minutes. Source: API_GetShardIterator, API_GetRecords ("ExpiredIteratorException").

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::scope::Scope;
use super::wire::Refusal;

/// How long an iterator may be used.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// A place to read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Iterator {
    account: String,
    region: String,
    /// Name of the stream.
    pub(crate) stream: String,
    /// Birth of the stream: an iterator of a deleted stream does not read its successor.
    pub(crate) stream_born_ms: i64,
    /// Number of the shard.
    pub(crate) shard: u32,
    /// Counter of the first record to read.
    pub(crate) from: u64,
    issued_ms: i64,
}

impl Iterator {
    /// A position in a stream of the caller.
    pub(crate) fn new(scope: Scope<'_>, stream: (&str, i64), position: (u32, u64)) -> Self {
        Self {
            account: scope.account().to_owned(),
            region: scope.region().to_owned(),
            stream: stream.0.to_owned(),
            stream_born_ms: stream.1,
            shard: position.0,
            from: position.1,
            issued_ms: 0,
        }
    }

    /// The same reader, farther on.
    pub(crate) fn moved_to(&self, from: u64) -> Self {
        Self { from, ..self.clone() }
    }

    /// The text to hand out now.
    pub(crate) fn issue(&self, now: DateTime<Utc>) -> String {
        let issued = Self {
            issued_ms: now.timestamp_millis(),
            ..self.clone()
        };
        let json = serde_json::to_vec(&issued).expect("plain strings and numbers serialize");
        data_encoding::BASE64.encode(&json)
    }

    /// Reads an iterator back.
    ///
    /// # Errors
    /// `InvalidArgumentException` for text this endpoint has not given to this account, `ExpiredIteratorException`
    /// after five minutes.
    pub(crate) fn redeem(text: &str, scope: Scope<'_>, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let json = data_encoding::BASE64.decode(text.as_bytes()).ok();
        let iterator: Option<Self> = json.and_then(|json| serde_json::from_slice(&json).ok());
        let iterator = iterator
            .filter(|iterator| iterator.account == scope.account() && iterator.region == scope.region())
            .ok_or_else(|| Refusal::invalid("Invalid ShardIterator."))?;
        if now.timestamp_millis() - iterator.issued_ms > LIFETIME.num_milliseconds() {
            return Err(Refusal::new(
                "ExpiredIteratorException",
                "Iterator expired. The iterator was created more than 300000 milliseconds ago.",
            ));
        }
        Ok(iterator)
    }
}
