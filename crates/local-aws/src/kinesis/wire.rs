//! What Kinesis operations share on the wire: refusals, names and times.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Scope;

/// An error in AWS's JSON form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// A value outside its documented range.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidArgumentException", message)
    }

    /// A shape the service's model refuses before it looks at any state.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", message)
    }

    pub(crate) fn in_use(message: impl Into<String>) -> Self {
        Self::new("ResourceInUseException", message)
    }

    /// The endpoint's own failure; the cause goes to the log of the endpoint.
    pub(crate) fn internal(cause: impl Display) -> Self {
        tracing::error!(error = %cause, "kinesis state could not be read or written");
        Self::new(
            "InternalFailure",
            "the local endpoint could not reach its own state",
        )
    }
}

/// Reads a request body.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refusal::new("SerializationException", error.to_string()))
}

/// Writes an answer.
pub(crate) fn answer<T: Serialize>(value: &T) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(value).map_err(Refusal::internal)
}

/// A stream as a request names it: by name, by ARN, or both.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamName {
    pub(crate) stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    pub(crate) stream_arn: Option<String>,
}

impl StreamName {
    /// Whether the request names a stream at all.
    pub(crate) fn is_given(&self) -> bool {
        self.stream_name.is_some() || self.stream_arn.is_some()
    }

    /// The name, taken from the ARN when only that is given.
    ///
    /// # Errors
    /// No name at all, two different ones, or an ARN of another account or region: streams have no policies here that
    /// could let a stranger in.
    pub(crate) fn resolve(&self, scope: Scope<'_>) -> Result<&str, Refusal> {
        let own = format!("arn:aws:kinesis:{}:{}:stream/", scope.region, scope.account);
        let from_arn = match self.stream_arn.as_deref() {
            Some(arn) => Some(arn.strip_prefix(&own).ok_or_else(|| {
                Refusal::new(
                    "AccessDeniedException",
                    format!("{arn} is not a stream of the caller's account and region"),
                )
            })?),
            None => None,
        };
        let given = self.stream_name.as_deref();
        if given.is_some() && from_arn.is_some() && given != from_arn {
            return Err(Refusal::invalid(
                "StreamName and StreamARN name different streams",
            ));
        }
        given
            .or(from_arn)
            .ok_or_else(|| Refusal::invalid("Neither streamName nor streamARN is provided."))
    }
}

/// A time as awsJson writes it: seconds since 1970 with milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch(pub(crate) DateTime<Utc>);

impl Serialize for Epoch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = format!("{}.{:03}", self.0.timestamp(), self.0.timestamp_subsec_millis());
        serializer.serialize_f64(text.parse().unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = serde_json::Number::deserialize(deserializer)?.to_string();
        let (whole, fraction) = seconds.split_once('.').unwrap_or((&seconds, ""));
        let millis = format!("{fraction:0<3}");
        let moment = whole.parse().ok().zip(millis[..3].parse::<u32>().ok());
        moment
            .and_then(|(whole, millis)| DateTime::from_timestamp(whole, millis * 1_000_000))
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not a time in seconds since 1970"))
    }
}
