//! The policy that each session is assumed under, compiled from what its class of step needs.
//!
//! A session policy can only take away: the role's own policy still decides. Both come from
//! [`tenant_model::permissions`]; nobody writes one by hand.

use serde_json::json;
use sha2::{Digest, Sha256};
use tenant_model::permissions::{SessionScope, session_document};

pub use tenant_model::permissions::{STEP_CLASSES, StepClass};

/// Longest session policy in plain text (STS API, `AssumeRole`, parameter `Policy`).
const POLICY_CHARS_MAX: usize = 2048;

/// A policy document sent with `AssumeRole`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionPolicy {
    json: String,
}

impl SessionPolicy {
    /// The calls of one class, for one tenant's tag, in one account and region.
    #[must_use]
    pub fn for_class(class: StepClass, scope: &SessionScope<'_>) -> Self {
        Self::new(&session_document(class, scope))
    }

    /// Exactly these actions, anywhere: for asking about calls that the role itself has to refuse.
    #[must_use]
    pub fn for_actions(actions: &[&str]) -> Self {
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
        Self::new(&json!({"Version": "2012-10-17", "Statement": [statement]}))
    }

    /// Nothing at all: a probe that is let in by mistake holds powerless credentials.
    #[must_use]
    pub fn deny_all() -> Self {
        let statement = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
        Self::new(&json!({"Version": "2012-10-17", "Statement": [statement]}))
    }

    fn new(document: &serde_json::Value) -> Self {
        let json = document.to_string();
        debug_assert!(json.len() <= POLICY_CHARS_MAX, "session policy too long");
        Self { json }
    }

    /// The document.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// SHA-256 of the document: part of the key under which a session is kept.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.json.as_bytes()).into()
    }

    /// The first half of [`SessionPolicy::hash`] in hexadecimal: enough to tell policies apart in the ledger.
    #[must_use]
    pub fn short_hash(&self) -> String {
        self.hash()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
