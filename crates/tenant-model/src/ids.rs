//! Ids: a UUIDv7 inside, `<prefix>_<26 characters of Crockford base32>` at the edges.
//!
//! One newtype for each kind, so that two ids cannot change places. The text form is lower case and
//! has no ambiguous letters (Crockford: no i, l, o, u), so that a person can read one over the phone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in groups of five.
const TEXT_LENGTH: usize = 26;

/// A text that is not an id of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_ followed by 26 characters of Crockford base32")]
pub struct InvalidId {
    prefix: &'static str,
}

fn encode(uuid: Uuid) -> String {
    let mut rest = uuid.as_u128();
    let mut text = [b'0'; TEXT_LENGTH];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    text.iter().map(|&byte| char::from(byte)).collect()
}

fn decode(text: &str) -> Option<Uuid> {
    // The first of 26 characters carries only three bits; more would not fit 128.
    if text.len() != TEXT_LENGTH || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes()
        .try_fold(0u128, |value, byte| {
            let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
            Some((value << 5) | digit as u128)
        })
        .map(Uuid::from_u128)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// What every id of this kind begins with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps the database's form.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The database's form.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }

            /// The 26 characters behind the prefix, as used in names of AWS resources.
            #[must_use]
            pub fn suffix(&self) -> String {
                encode(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

id!(
    /// One subscriber of the ISV.
    TenantId, "tnt"
);
id!(
    /// A person: an operator, or one of a tenant's people.
    UserId, "usr"
);
id!(
    /// A request to become a tenant, until its address is verified.
    SignupId, "sgn"
);
id!(
    /// An invitation of a person into a tenant.
    InvitationId, "inv"
);
id!(
    /// A credential of a data plane.
    ApiKeyId, "key"
);
id!(
    /// A tenant's AWS account that trusts us by role and external id.
    ConnectionId, "con"
);
id!(
    /// The data platform in one VPC.
    DeploymentId, "dep"
);
id!(
    /// Work that outlives its request.
    OperationId, "op"
);
id!(
    /// A meter: what is counted and how.
    MeterId, "mtr"
);
id!(
    /// One export batch.
    ExportId, "exp"
);
id!(
    /// One announcement in the outbox.
    EventId, "evt"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_written() {
        for value in [0u128, 1, u128::MAX, 0x0190_0000_0000_7000_8000_0000_0000_0001] {
            let id = TenantId::from_uuid(Uuid::from_u128(value));
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.to_string().len(), 30);
        }
    }

    #[test]
    fn ids_sort_by_time_in_both_forms() {
        let early = TenantId::from_uuid(Uuid::from_u128(1 << 80));
        let late = TenantId::from_uuid(Uuid::from_u128(1 << 81));
        assert!(early < late && early.to_string() < late.to_string());
    }

    #[test]
    fn foreign_kinds_and_damaged_texts_are_refused() {
        let good = TenantId::from_uuid(Uuid::from_u128(7)).to_string();
        let bad = [
            good.replace("tnt", "dep"),
            good.to_uppercase(),
            good[..29].to_owned(),
            format!("{good}0"),
            format!("tnt_8{}", "0".repeat(25)),
            format!("tnt_{}u", "0".repeat(25)),
            format!("tnt_é{}", "0".repeat(24)),
            String::new(),
        ];
        for text in bad {
            assert!(text.parse::<TenantId>().is_err(), "{text} was accepted");
        }
    }
}
