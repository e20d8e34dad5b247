//! Which events are one event, and where in the stream they go.
//!
//! The key is made of what names an event (tenant, source, id) and of nothing else, so that a retry has
//! the key of its first attempt whatever its clock says. 128 bits: among 10^10 keys two unequal events
//! share one with a probability of about 1.5e-19.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ids::TenantId;

/// Buckets over which events are spread.
pub const BUCKETS: u16 = 4096;

/// Raised when the meaning of the hashed bytes changes, so that old and new keys never meet.
const KEY_VERSION: u8 = 1;

/// The 128 bits by which the ledger recognises an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey(Uuid);

impl EventKey {
    /// The key of the event (source, id) of `tenant`. Parts are length-prefixed: ("ab", "c") and
    /// ("a", "bc") differ.
    #[must_use]
    pub fn of(tenant: TenantId, source: &str, id: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update([KEY_VERSION]);
        hash.update(tenant.as_uuid().as_bytes());
        for part in [source, id] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self(Uuid::from_bytes(bytes))
    }

    /// The bits as the database keeps them.
    #[must_use]
    pub fn as_uuid(self) -> Uuid {
        self.0
    }

    /// Reads a key back from the database.
    #[must_use]
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The event's bucket: never a random salt, so that a retry lands on the shard of its twin.
    #[must_use]
    pub fn bucket(self) -> u16 {
        let bytes = self.0.as_bytes();
        u16::from_be_bytes([bytes[0], bytes[1]]) >> 4
    }
}

/// Kinesis's ExplicitHashKey for the middle of a bucket.
#[must_use]
pub fn explicit_hash_key(bucket: u16) -> u128 {
    (u128::from(bucket % BUCKETS) << 116) + (1 << 115)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{BUCKETS, EventKey, explicit_hash_key};
    use crate::ids::TenantId;

    #[test]
    fn keys_differ_when_any_part_differs_and_only_then() {
        let acme = TenantId::from_uuid(Uuid::from_u128(1));
        let other = TenantId::from_uuid(Uuid::from_u128(2));
        let key = EventKey::of(acme, "ab", "c");
        assert_eq!(key, EventKey::of(acme, "ab", "c"));
        assert_ne!(key, EventKey::of(acme, "a", "bc"));
        assert_ne!(key, EventKey::of(other, "ab", "c"));
        assert_ne!(key, EventKey::of(acme, "abc", ""));
    }

    #[test]
    fn buckets_cover_the_hash_range_from_end_to_end() {
        assert_eq!(explicit_hash_key(0), 1 << 115);
        assert_eq!(u128::MAX - explicit_hash_key(BUCKETS - 1), (1 << 115) - 1);
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        for number in 0..2_000 {
            let bucket = EventKey::of(tenant, "s", &number.to_string()).bucket();
            assert!(bucket < BUCKETS);
        }
    }
}
