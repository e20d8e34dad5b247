//! What Kinesis operations share on the wire: refusals, names and times.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::scope::Scope;

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

    /// An operation, or an option of one, that this endpoint does not have.
    pub(crate) fn not_implemented(what: &str) -> Self {
        Self::new(
            "NotImplemented",
            format!("the local endpoint does not implement kinesis:{what}"),
        )
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
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let why = error.to_string();
        // What is absent is the model's matter, what has another shape is the parser's.
        if why.starts_with("missing field") {
            Refusal::validation(format!(
                "1 validation error detected: {why}: Member must not be null"
            ))
        } else {
            Refusal::new("SerializationException", why)
        }
    })
}

/// A number within its documented bounds, or its default.
pub(crate) fn bounded(
    name: &str,
    value: Option<i64>,
    bounds: RangeInclusive<usize>,
    default: usize,
) -> Result<usize, Refusal> {
    let Some(value) = value else {
        return Ok(default);
    };
    usize::try_from(value)
        .ok()
        .filter(|value| bounds.contains(value))
        .ok_or_else(|| {
            let (least, most) = (bounds.start(), bounds.end());
            Refusal::validation(format!(
                "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must have value between {least} and {most}"
            ))
        })
}

/// Names of streams and shards. A stream's is also a directory's here, so the pattern guards the data directory too.
pub(crate) fn check_name(parameter: &str, name: &str) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let dots_only = name.bytes().all(|byte| byte == b'.');
    if name.is_empty() || name.len() > 128 || !name.bytes().all(allowed) || dots_only {
        return Err(Refusal::validation(format!(
            "1 validation error detected: Value '{name}' at '{parameter}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ and have length less than or equal to 128"
        )));
    }
    Ok(())
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
    /// No name at all, two different ones, a malformed one, or an ARN of another account or region: streams have no
    /// policies here that could let a stranger in.
    pub(crate) fn resolve(&self, scope: Scope<'_>) -> Result<&str, Refusal> {
        let from_arn = match self.stream_arn.as_deref() {
            Some(arn) => Some(name_in_arn(arn, scope)?),
            None => None,
        };
        let given = self.stream_name.as_deref();
        if given.is_some() && from_arn.is_some() && given != from_arn {
            return Err(Refusal::invalid(
                "StreamName and StreamARN name different streams",
            ));
        }
        let name = given
            .or(from_arn)
            .ok_or_else(|| Refusal::invalid("Neither streamName nor streamARN is provided."))?;
        check_name("streamName", name).map(|()| name)
    }
}

fn name_in_arn<'a>(arn: &'a str, scope: Scope<'_>) -> Result<&'a str, Refusal> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "kinesis", region, account, resource] = parts[..] else {
        return Err(malformed(arn));
    };
    let numbered = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let name = resource
        .strip_prefix("stream/")
        .filter(|_| numbered && partition.starts_with("aws"))
        .ok_or_else(|| malformed(arn))?;
    if account != scope.account() || region != scope.region() {
        return Err(Refusal::new(
            "AccessDeniedException",
            format!(
                "User: {} is not authorized to perform: kinesis:{} on resource: {arn} because no resource-based policy allows it",
                scope.principal(),
                scope.call.operation
            ),
        ));
    }
    Ok(name)
}

fn malformed(arn: &str) -> Refusal {
    Refusal::validation(format!(
        "1 validation error detected: Value '{arn}' at 'streamARN' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{{12}}:stream/\\S+"
    ))
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

/// A client reads the fraction into binary and sends back what is nearest to it: the nearest millisecond is meant.
impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(deserializer)?)
            .ok()
            .and_then(|since| i64::try_from((since.as_micros() + 500) / 1_000).ok())
            .and_then(DateTime::from_timestamp_millis)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not a time in seconds since 1970"))
    }
}

#[cfg(test)]
mod tests {
    use super::Epoch;

    /// A client that cuts what it read to nanoseconds sends 0.122999906 for 0.123.
    #[test]
    fn a_time_comes_back_as_it_was_given() {
        for millis in 0..1_000 {
            let given = format!("1764000000.{millis:03}");
            let float: f64 = given.parse().expect("a number");
            let cut = &format!("{float:.12}")[..20];
            let Epoch(read) = serde_json::from_str(cut).expect("a time");
            assert_eq!(read.timestamp_millis(), 1_764_000_000_000 + millis, "{cut}");
        }
    }
}
