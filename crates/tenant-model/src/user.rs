//! People: who they are, how they prove it, what they may do.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{ApiKeyId, TenantId, UserId};
use crate::principal::{Principal, Scope, TenantRole};

/// An e-mail address in lower case; the form is checked loosely, the mail itself is the proof.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// A text that cannot be an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address such as ada@example.com (at most 254 characters)")]
pub struct InvalidEmailAddress;

impl EmailAddress {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmailAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.trim().to_lowercase();
        let (local, domain) = lower.rsplit_once('@').ok_or(InvalidEmailAddress)?;
        let plain = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| !c.is_whitespace() && !c.is_control() && !"<>(),;:\\\"[]".contains(c))
        };
        let dotted = domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
        // RFC 5321, 4.5.3.1: 64 octets before the at sign, 254 in all.
        let sized = lower.len() <= 254 && local.len() <= 64;
        if plain(local) && plain(domain) && dotted && sized {
            Ok(Self(lower))
        } else {
            Err(InvalidEmailAddress)
        }
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidEmailAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// What the person signs in with.
    pub email: EmailAddress,
    /// What the person may do, and where.
    pub membership: Membership,
    /// Whether the person may sign in.
    pub active: bool,
    /// When the person joined.
    pub created_at: DateTime<Utc>,
    /// When anything last changed.
    pub updated_at: DateTime<Utc>,
    /// Grows by one with each change; the ETag.
    pub version: i64,
}

/// The ISV's person, or one tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Membership {
    /// A person of the ISV.
    Operator,
    /// A person of one tenant.
    Tenant {
        /// Which tenant.
        tenant_id: TenantId,
        /// What the person may do there.
        role: TenantRole,
    },
}

impl Membership {
    /// The role's name in the database.
    #[must_use]
    pub const fn role_name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Tenant {
                role: TenantRole::Admin,
                ..
            } => "admin",
            Self::Tenant {
                role: TenantRole::Member,
                ..
            } => "member",
        }
    }

    /// Reads the stored pair back.
    #[must_use]
    pub fn from_stored(tenant_id: Option<TenantId>, role: &str) -> Option<Self> {
        match (tenant_id, role) {
            (None, "operator") => Some(Self::Operator),
            (Some(tenant_id), "admin") => Some(Self::Tenant {
                tenant_id,
                role: TenantRole::Admin,
            }),
            (Some(tenant_id), "member") => Some(Self::Tenant {
                tenant_id,
                role: TenantRole::Member,
            }),
            _ => None,
        }
    }

    /// The tenant, unless the person is the ISV's.
    #[must_use]
    pub const fn tenant_id(self) -> Option<TenantId> {
        match self {
            Self::Operator => None,
            Self::Tenant { tenant_id, .. } => Some(tenant_id),
        }
    }
}

impl User {
    /// The caller this person is once signed in.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        match self.membership {
            Membership::Operator => Principal::Operator { user_id: self.id },
            Membership::Tenant { tenant_id, role } => Principal::Tenant {
                tenant_id,
                user_id: self.id,
                role,
            },
        }
    }
}

/// A data plane's credential, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Identity.
    pub id: ApiKeyId,
    /// Whose key.
    pub tenant_id: TenantId,
    /// The eight characters by which the key is found.
    pub public_id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When somebody ended it.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// Whether the key works at `now`.
    #[must_use]
    pub fn works(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl Scope {
    /// The scope's name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsageWrite => "usage-write",
            Self::UsageRead => "usage-read",
        }
    }

    /// Reads a name back.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::UsageWrite, Self::UsageRead]
            .into_iter()
            .find(|scope| scope.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_folded_and_checked_loosely() {
        let address: EmailAddress = " Ada@Example.COM ".parse().expect("an address");
        assert_eq!(address.as_str(), "ada@example.com");
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a da@example.com",
            "a<b@example.com",
            "a@.com",
            &long,
        ] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_membership_reads_back_and_nonsense_does_not() {
        let tenant_id = TenantId::from_uuid(uuid::Uuid::from_u128(1));
        for membership in [
            Membership::Operator,
            Membership::Tenant {
                tenant_id,
                role: TenantRole::Admin,
            },
            Membership::Tenant {
                tenant_id,
                role: TenantRole::Member,
            },
        ] {
            let back = Membership::from_stored(membership.tenant_id(), membership.role_name());
            assert_eq!(back, Some(membership));
        }
        assert_eq!(Membership::from_stored(Some(tenant_id), "operator"), None);
        assert_eq!(Membership::from_stored(None, "admin"), None);
    }
}
