//! Client tokens: the same token and parameters give the same resource, other parameters are refused.
//!
//! Source: EC2 API reference, "Ensuring idempotency in Amazon EC2 API requests".

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::request::{Request, invalid_value};
use super::state::Region;
use crate::error::AwsError;

/// What a token was first used for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Token {
    fingerprint: String,
    /// The resources made.
    pub(super) ids: Vec<String>,
}

/// The token of a call, with where it is kept.
pub(super) struct Presented {
    key: String,
    fingerprint: String,
}

/// The call's token; an empty one is none.
pub(super) fn presented(request: &Request<'_>) -> Result<Option<Presented>, AwsError> {
    let Some(token) = request
        .params
        .get("ClientToken")
        .filter(|token| !token.is_empty())
    else {
        return Ok(None);
    };
    if token.len() > 64 || !token.is_ascii() {
        return Err(invalid_value("ClientToken must be at most 64 ASCII characters"));
    }
    let key = format!("{}/{token}", request.call.operation);
    Ok(Some(Presented {
        key,
        fingerprint: fingerprint(request),
    }))
}

fn fingerprint(request: &Request<'_>) -> String {
    let mut hash = Sha256::new();
    for (name, value) in request
        .params
        .iter()
        .filter(|(name, _)| !matches!(*name, "ClientToken" | "Version" | "Action"))
    {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(value.as_bytes());
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

/// What the token made before.
pub(super) fn earlier(
    region: &Region,
    presented: Option<&Presented>,
) -> Result<Option<Vec<String>>, AwsError> {
    let Some(presented) = presented else {
        return Ok(None);
    };
    match region.tokens.get(&presented.key) {
        None => Ok(None),
        Some(token) if token.fingerprint == presented.fingerprint => Ok(Some(token.ids.clone())),
        Some(_) => {
            let why = "The client token used in the request is already used with different parameters.";
            Err(AwsError::bad("IdempotentParameterMismatch", why))
        }
    }
}

/// Remembers what the token made.
pub(super) fn remember(region: &mut Region, presented: Option<Presented>, ids: Vec<String>) {
    if let Some(presented) = presented {
        region.tokens.insert(
            presented.key,
            Token {
                fingerprint: presented.fingerprint,
                ids,
            },
        );
    }
}
