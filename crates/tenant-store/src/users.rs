//! People. An address is one person over all tenants, so sign-in looks it up as `ops`.

use chrono::{DateTime, Utc};
use tenant_model::{EmailAddress, Membership, TenantId, User, UserId};

use crate::{Conn, StoreError};

/// The unique constraint on addresses, for callers that must tell it apart.
pub const EMAIL_TAKEN: &str = "app_user_email_key";

/// Adds a person; without a password the person can sign in by link only.
///
/// # Errors
/// [`EMAIL_TAKEN`] when the address belongs to somebody.
pub async fn insert(conn: &mut Conn, user: &User, password_hash: Option<&str>) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into app_user (user_id, tenant_id, email, role, password_hash, state, created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        user.id.as_uuid(),
        user.membership.tenant_id().map(|id| id.as_uuid()),
        user.email.as_str(),
        user.membership.role_name(),
        password_hash,
        state_name(user.active),
        user.created_at,
        user.updated_at,
        user.version,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One person, if the caller's role may see it.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, user_id: UserId) -> Result<Option<User>, StoreError> {
    let row = sqlx::query_as!(
        UserRow,
        "select user_id, tenant_id, email, role, state, created_at, updated_at, version
           from app_user where user_id = $1",
        user_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(User::try_from).transpose()
}

/// The person with this address and its password hash. Needs the role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn find_by_email(
    conn: &mut Conn,
    email: &EmailAddress,
) -> Result<Option<(User, Option<String>)>, StoreError> {
    let row = sqlx::query!(
        "select user_id, tenant_id, email, role, password_hash, state, created_at, updated_at, version
           from app_user where email = $1",
        email.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|found| {
        let user = UserRow {
            user_id: found.user_id,
            tenant_id: found.tenant_id,
            email: found.email,
            role: found.role,
            state: found.state,
            created_at: found.created_at,
            updated_at: found.updated_at,
            version: found.version,
        };
        Ok((user.try_into()?, found.password_hash))
    })
    .transpose()
}

/// The people of one tenant after `after`, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    tenant_id: TenantId,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let rows = sqlx::query_as!(
        UserRow,
        "select user_id, tenant_id, email, role, state, created_at, updated_at, version from app_user
          where tenant_id = $1 and ($2::uuid is null or user_id > $2)
          order by user_id limit $3",
        tenant_id.as_uuid(),
        after.map(|id| id.as_uuid()),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(User::try_from).collect()
}

/// Whom to tell about a tenant's account: its active admins and the active operators, at most `limit`. Needs the
/// role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_responsible(
    conn: &mut Conn,
    tenant_id: TenantId,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let rows = sqlx::query_as!(
        UserRow,
        "select user_id, tenant_id, email, role, state, created_at, updated_at, version from app_user
          where state = 'active' and (role = 'operator' or (tenant_id = $1 and role = 'admin'))
          order by user_id limit $2",
        tenant_id.as_uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(User::try_from).collect()
}

/// Ids of a tenant's active admins, at most `limit`: those who may agree to its plans.
///
/// # Errors
/// When the database does not answer.
pub async fn list_admins(
    conn: &mut Conn,
    tenant_id: TenantId,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "select user_id from app_user
          where tenant_id = $1 and role = 'admin' and state = 'active' order by user_id limit $2",
        tenant_id.as_uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(UserId::from_uuid).collect())
}

/// Ends sign-in for everybody of a tenant.
///
/// # Errors
/// When the database does not answer.
pub async fn disable_all(
    conn: &mut Conn,
    tenant_id: TenantId,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update app_user set state = 'disabled', updated_at = $2, version = version + 1
          where tenant_id = $1 and state = 'active'",
        tenant_id.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

const fn state_name(active: bool) -> &'static str {
    if active { "active" } else { "disabled" }
}

struct UserRow {
    user_id: uuid::Uuid,
    tenant_id: Option<uuid::Uuid>,
    email: String,
    role: String,
    state: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, Self::Error> {
        let membership = Membership::from_stored(row.tenant_id.map(TenantId::from_uuid), &row.role)
            .ok_or_else(|| StoreError::unreadable(format!("unknown role {}", row.role)))?;
        Ok(Self {
            id: UserId::from_uuid(row.user_id),
            email: row.email.parse().map_err(StoreError::unreadable)?,
            membership,
            active: row.state == "active",
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}
