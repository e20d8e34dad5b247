//! What makes a request the same request, and the reply that it gets again.
//!
//! `service-kit` reads a [`RequestKey`] off a request, `tenant-store` keeps the [`StoredReply`] in the transaction
//! of the effect; the words in between are here, so that neither room knows the other.

use crate::ids::TenantId;

/// Which request this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// Tenant, principal, method and route; method and route alone when anonymous.
    pub scope: String,
    /// The client's `Idempotency-Key`, 1–255 visible ASCII characters.
    pub key: String,
    /// SHA-256 over method, path with query, and body.
    pub hash: [u8; 32],
    /// The caller's tenant; none for operators and anonymous callers.
    pub tenant_id: Option<TenantId>,
}

/// A reply as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReply {
    /// The HTTP status.
    pub status: u16,
    /// Headers that belong to the reply (`location`, `etag`), name and value.
    pub headers: Vec<(String, String)>,
    /// The body as sent.
    pub body: String,
}

/// What is known of a request when it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Never answered: do the work in this transaction and store the reply with it.
    New,
    /// Answered before: send this again.
    Replay(StoredReply),
    /// The same key was used for another request.
    Reused,
    /// The same request is being worked on right now.
    InProgress,
}
