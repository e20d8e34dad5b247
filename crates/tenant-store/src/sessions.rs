//! Secrets that stand for a person: browser sessions, refresh tokens, sign-in links. Role `ops` throughout.
//!
//! Only the SHA-256 of a secret is stored. A family is one sign-in: ending it ends every secret that came of it.

use chrono::{DateTime, Utc};
use tenant_model::{TenantId, UserId};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// The cookie of a browser; lives until it expires or is ended.
    Browser,
    /// A refresh token; each use replaces it.
    Refresh,
    /// A link that signs in once.
    Link,
}

/// A stored secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// What it is for.
    pub kind: SessionKind,
    /// For whom.
    pub user_id: UserId,
    /// The person's tenant, so that offboarding can end its sessions.
    pub tenant_id: Option<TenantId>,
    /// One sign-in.
    pub family: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// What became of a single-use secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// First use: the person may go on.
    Fresh(Session),
    /// Used before: somebody else has it. The caller ends the family.
    Reused {
        /// The sign-in that is compromised.
        family: Uuid,
    },
    /// Unknown, expired or ended.
    Invalid,
}

/// Stores a secret's hash.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(conn: &mut Conn, session: &Session) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into session (secret_hash, kind, user_id, tenant_id, family, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        &session.secret_hash[..],
        session.kind.name(),
        session.user_id.as_uuid(),
        session.tenant_id.map(|id| id.as_uuid()),
        session.family,
        session.created_at,
        session.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The live browser session with this secret.
///
/// # Errors
/// When the database does not answer.
pub async fn find_browser(
    conn: &mut Conn,
    secret_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query_as!(
        SessionRow,
        "select secret_hash, kind, user_id, tenant_id, family, created_at, expires_at from session
          where secret_hash = $1 and kind = 'browser' and revoked_at is null and expires_at > $2",
        &secret_hash[..],
        now,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Session::try_from).transpose()
}

/// Uses a refresh token or link once.
///
/// # Errors
/// When the database does not answer.
pub async fn redeem(
    conn: &mut Conn,
    secret_hash: &[u8; 32],
    kind: SessionKind,
    now: DateTime<Utc>,
) -> Result<Redeemed, StoreError> {
    let fresh = sqlx::query_as!(
        SessionRow,
        "update session set used_at = $3
          where secret_hash = $1 and kind = $2 and used_at is null and revoked_at is null and expires_at > $3
          returning secret_hash, kind, user_id, tenant_id, family, created_at, expires_at",
        &secret_hash[..],
        kind.name(),
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(row) = fresh {
        return Ok(Redeemed::Fresh(row.try_into()?));
    }
    let used = sqlx::query_scalar!(
        "select family from session where secret_hash = $1 and kind = $2 and used_at is not null",
        &secret_hash[..],
        kind.name(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(used.map_or(Redeemed::Invalid, |family| Redeemed::Reused { family }))
}

/// Ends every secret of one sign-in.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke_family(conn: &mut Conn, family: Uuid, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update session set revoked_at = $2 where family = $1 and revoked_at is null",
        family,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Ends every secret of a tenant's people.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke_tenant(
    conn: &mut Conn,
    tenant_id: TenantId,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update session set revoked_at = $2 where tenant_id = $1 and revoked_at is null",
        tenant_id.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets secrets that stopped working a day ago.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_expired(conn: &mut Conn, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from session where expires_at < $1::timestamptz - interval '1 day'",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

impl SessionKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Refresh => "refresh",
            Self::Link => "link",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Browser, Self::Refresh, Self::Link]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

struct SessionRow {
    secret_hash: Vec<u8>,
    kind: String,
    user_id: Uuid,
    tenant_id: Option<Uuid>,
    family: Uuid,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, Self::Error> {
        let kind = SessionKind::from_name(&row.kind)
            .ok_or_else(|| StoreError::unreadable(format!("unknown session kind {}", row.kind)))?;
        let hash = row.secret_hash.try_into();
        Ok(Self {
            secret_hash: hash.map_err(|_| StoreError::unreadable("session hash is not 32 bytes"))?,
            kind,
            user_id: UserId::from_uuid(row.user_id),
            tenant_id: row.tenant_id.map(TenantId::from_uuid),
            family: row.family,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}
