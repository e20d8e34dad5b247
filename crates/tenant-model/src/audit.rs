//! The audit chain: each entry's hash covers its content and the hash of the entry before it.
//!
//! One chain per tenant and one for the operator's own acts. Whoever changes, removes or inserts an entry
//! breaks every later hash; [`verify`] names the first bad one. Content is hashed as canonical JSON: keys
//! sorted, no white space, strings and integers only.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ids::TenantId;

/// A SHA-256.
pub type Hash = [u8; 32];

/// What precedes the first entry of a chain.
pub const GENESIS: Hash = [0; 32];

/// What one entry says, before it is chained.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// Whose chain; none is the operator's.
    pub tenant_id: Option<TenantId>,
    /// Position in the chain, from 1 without gaps.
    pub sequence: i64,
    /// When, to the microsecond.
    pub at: DateTime<Utc>,
    /// Who: a user's or key's id, or `system`.
    pub actor: String,
    /// What was done, `noun.verb`.
    pub action: String,
    /// On what: a resource's id.
    pub subject: String,
    /// Particulars; strings, integers, booleans, arrays and objects of these, never floats.
    pub detail: Value,
}

/// An entry as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it says.
    pub content: Content,
    /// Hash over the content and the previous entry's hash.
    pub hash: Hash,
}

/// Hashes `content` onto the chain that ends in `previous`.
#[must_use]
pub fn chain(previous: &Hash, content: &Content) -> Hash {
    let text = json!({
        "tenant_id": content.tenant_id,
        "sequence": content.sequence,
        "at": content.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "actor": content.actor,
        "action": content.action,
        "subject": content.subject,
        "detail": content.detail,
    });
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(canonical(&text).as_bytes());
    hasher.finalize().into()
}

/// Writes JSON with sorted keys and no white space, so that equal values give equal bytes.
#[must_use]
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<_> = fields.keys().collect();
            keys.sort();
            let inner: Vec<_> = keys
                .iter()
                .map(|key| format!("{}:{}", json!(key), canonical(&fields[*key])))
                .collect();
            format!("{{{}}}", inner.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// Where a chain stops being whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit chain is broken at entry {sequence}")]
pub struct BrokenChain {
    /// The first entry that does not fit.
    pub sequence: i64,
}

/// Checks a whole chain from its first entry and returns its head.
///
/// # Errors
/// [`BrokenChain`] naming the first entry whose position or hash is wrong.
pub fn verify<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Hash, BrokenChain> {
    verify_from(0, GENESIS, entries)
}

/// Checks the part of a chain behind the entry `sequence` whose hash is `head`, and returns the new head.
///
/// # Errors
/// [`BrokenChain`] naming the first entry whose position or hash is wrong.
pub fn verify_from<'a>(
    sequence: i64,
    mut head: Hash,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<Hash, BrokenChain> {
    for (expected, entry) in (sequence + 1..).zip(entries) {
        let fits = entry.content.sequence == expected && chain(&head, &entry.content) == entry.hash;
        if !fits {
            return Err(BrokenChain { sequence: expected });
        }
        head = entry.hash;
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(length: i64) -> Vec<Entry> {
        let mut head = GENESIS;
        (1..=length)
            .map(|sequence| {
                let content = Content {
                    tenant_id: None,
                    sequence,
                    at: DateTime::UNIX_EPOCH,
                    actor: "usr_1".to_owned(),
                    action: "tenant.suspend".to_owned(),
                    subject: format!("tnt_{sequence}"),
                    detail: json!({"b": 1, "a": "x"}),
                };
                head = chain(&head, &content);
                Entry { content, hash: head }
            })
            .collect()
    }

    #[test]
    fn a_whole_chain_verifies_and_gives_its_head() {
        let entries = whole(5);
        assert_eq!(verify(&entries), Ok(entries[4].hash));
        assert_eq!(verify(&[]), Ok(GENESIS));
    }

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value = json!({"b": {"d": 1, "c": [true, null]}, "a": "q\"uote"});
        assert_eq!(
            canonical(&value),
            r#"{"a":"q\"uote","b":{"c":[true,null],"d":1}}"#
        );
    }

    proptest! {
        #[test]
        fn any_alteration_is_found_at_its_place(at in 0usize..20, kind in 0u8..4) {
            let mut entries = whole(20);
            match kind {
                0 => entries[at].content.actor.push('x'),
                1 => entries[at].hash[7] ^= 1,
                2 => entries[at].content.detail = json!({}),
                _ => { entries.remove(at); }
            }
            let found = verify(&entries);
            // A cut last entry shows only against a known head.
            if kind == 3 && at == 19 {
                prop_assert!(found.is_ok());
            } else {
                prop_assert_eq!(found, Err(BrokenChain { sequence: at as i64 + 1 }));
            }
        }
    }
}
