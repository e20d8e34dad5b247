//! Who asks, and what they may do: one pure function, deny by default.
//!
//! A principal of one tenant that names another tenant's object gets [`Refusal::NotFound`], the same
//! as for an object that does not exist: existence is not theirs to learn.

use serde::{Deserialize, Serialize};

use crate::ids::{ApiKeyId, TenantId, UserId};

/// The authenticated caller. The tenant always comes from the credential, never from a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A person of the ISV.
    Operator {
        /// The person.
        user_id: UserId,
    },
    /// A person of one tenant.
    Tenant {
        /// The tenant the person belongs to.
        tenant_id: TenantId,
        /// The person.
        user_id: UserId,
        /// What the person may do there.
        role: TenantRole,
    },
    /// A data plane or script with an API key.
    ApiKey {
        /// The tenant the key belongs to.
        tenant_id: TenantId,
        /// The key.
        key_id: ApiKeyId,
        /// What the key may do.
        scopes: Vec<Scope>,
    },
}

/// What a tenant's person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantRole {
    /// Changes the tenant: people, keys, connections, deployments.
    Admin,
    /// Sees everything of the tenant and changes nothing.
    Member,
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Report usage events.
    UsageWrite,
    /// Read usage and the balance.
    UsageRead,
}

/// What can be asked for. Each route names exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See a tenant and what belongs to it: connections, deployments, operations, audit.
    ReadTenant,
    /// Change what belongs to a tenant: connections, deployments, approvals.
    ChangeTenant,
    /// Invite, list and remove people, make and revoke API keys.
    ManagePeople,
    /// Suspend, resume, delete a tenant; see and steer the fleet.
    OperateFleet,
    /// Report usage events.
    WriteUsage,
    /// Read usage, the balance and the quarantine of a tenant.
    ReadUsage,
    /// Define meters.
    DefineMeters,
    /// See and start exports to the ISV's warehouse.
    ManageExports,
}

impl Action {
    /// All actions, for tests that must cover every one.
    pub const ALL: [Self; 8] = [
        Self::ReadTenant,
        Self::ChangeTenant,
        Self::ManagePeople,
        Self::OperateFleet,
        Self::WriteUsage,
        Self::ReadUsage,
        Self::DefineMeters,
        Self::ManageExports,
    ];
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The subject belongs to somebody else; to this caller it does not exist.
    #[error("not found")]
    NotFound,
    /// The caller knows the subject but lacks the right.
    #[error("this needs a role that you do not have")]
    NotAllowed,
}

impl Principal {
    /// The tenant this principal belongs to; none for an operator.
    #[must_use]
    pub const fn tenant_id(&self) -> Option<TenantId> {
        match self {
            Self::Operator { .. } => None,
            Self::Tenant { tenant_id, .. } | Self::ApiKey { tenant_id, .. } => Some(*tenant_id),
        }
    }

    /// The stable name written into the audit log, SourceIdentity and idempotency scopes.
    #[must_use]
    pub fn actor(&self) -> String {
        match self {
            Self::Operator { user_id } | Self::Tenant { user_id, .. } => user_id.to_string(),
            Self::ApiKey { key_id, .. } => key_id.to_string(),
        }
    }

    /// Whether this is a person of the ISV.
    #[must_use]
    pub const fn is_operator(&self) -> bool {
        matches!(self, Self::Operator { .. })
    }
}

/// Decides whether `principal` may do `action`, on the tenant `subject` or on the fleet when there is none.
///
/// # Errors
/// [`Refusal::NotFound`] for a stranger, [`Refusal::NotAllowed`] for a person of the same tenant (or a key)
/// without the right.
pub fn authorize(principal: &Principal, action: Action, subject: Option<TenantId>) -> Result<(), Refusal> {
    let belongs = match (principal.tenant_id(), subject) {
        (Some(own), Some(asked)) if own != asked => return Err(Refusal::NotFound),
        (Some(_), Some(_)) => true,
        (Some(_), None) | (None, _) => false,
    };
    let allowed = match principal {
        Principal::Operator { .. } => operator_may(action),
        Principal::Tenant { role, .. } => belongs && person_may(*role, action),
        Principal::ApiKey { scopes, .. } => belongs && key_may(scopes, action),
    };
    if allowed { Ok(()) } else { Err(Refusal::NotAllowed) }
}

/// Operators run the fleet but never report usage in a tenant's name.
const fn operator_may(action: Action) -> bool {
    match action {
        Action::ReadTenant
        | Action::ChangeTenant
        | Action::ManagePeople
        | Action::OperateFleet
        | Action::ReadUsage
        | Action::DefineMeters
        | Action::ManageExports => true,
        Action::WriteUsage => false,
    }
}

const fn person_may(role: TenantRole, action: Action) -> bool {
    match action {
        Action::ReadTenant | Action::ReadUsage => true,
        Action::ChangeTenant | Action::ManagePeople | Action::WriteUsage => matches!(role, TenantRole::Admin),
        Action::OperateFleet | Action::DefineMeters | Action::ManageExports => false,
    }
}

fn key_may(scopes: &[Scope], action: Action) -> bool {
    match action {
        Action::WriteUsage => scopes.contains(&Scope::UsageWrite),
        Action::ReadUsage => scopes.contains(&Scope::UsageRead),
        Action::ReadTenant
        | Action::ChangeTenant
        | Action::ManagePeople
        | Action::OperateFleet
        | Action::DefineMeters
        | Action::ManageExports => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const OWN: TenantId = TenantId::from_uuid(Uuid::from_u128(1));
    const OTHER: TenantId = TenantId::from_uuid(Uuid::from_u128(2));
    const PERSON: UserId = UserId::from_uuid(Uuid::from_u128(3));

    fn person(role: TenantRole) -> Principal {
        Principal::Tenant {
            tenant_id: OWN,
            user_id: PERSON,
            role,
        }
    }

    fn key(scopes: &[Scope]) -> Principal {
        let key_id = ApiKeyId::from_uuid(Uuid::from_u128(4));
        Principal::ApiKey {
            tenant_id: OWN,
            key_id,
            scopes: scopes.to_vec(),
        }
    }

    /// Rows in the order of [`Action::ALL`]; `x` may, `.` may not, on the caller's own tenant.
    #[test]
    fn the_access_table() {
        let table = [
            (Principal::Operator { user_id: PERSON }, "xxxx.xxx"),
            (person(TenantRole::Admin), "xxx.xx.."),
            (person(TenantRole::Member), "x....x.."),
            (key(&[Scope::UsageWrite]), "....x..."),
            (key(&[Scope::UsageRead]), ".....x.."),
            (key(&[]), "........"),
        ];
        for (principal, row) in table {
            for (action, mark) in Action::ALL.into_iter().zip(row.chars()) {
                let granted = authorize(&principal, action, Some(OWN)).is_ok();
                assert_eq!(granted, mark == 'x', "{principal:?} {action:?}");
            }
        }
    }

    #[test]
    fn another_tenants_object_does_not_exist() {
        for principal in [
            person(TenantRole::Admin),
            person(TenantRole::Member),
            key(&[Scope::UsageWrite]),
        ] {
            for action in Action::ALL {
                assert_eq!(authorize(&principal, action, Some(OTHER)), Err(Refusal::NotFound));
            }
        }
    }

    #[test]
    fn nobody_but_an_operator_acts_on_the_fleet() {
        for action in Action::ALL {
            assert!(authorize(&person(TenantRole::Admin), action, None).is_err());
            assert!(authorize(&key(&[Scope::UsageRead, Scope::UsageWrite]), action, None).is_err());
        }
    }
}
