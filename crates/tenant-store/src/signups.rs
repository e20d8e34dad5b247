//! Signups: requests to become a tenant, until the address is verified. Role `ops`: there is no tenant yet.

use chrono::{DateTime, Utc};
use tenant_model::{EmailAddress, SignupId};

use crate::{Conn, StoreError};

/// A request to become a tenant.
#[derive(Clone)]
pub struct Signup {
    /// Identity.
    pub id: SignupId,
    /// The organisation's name.
    pub organisation: String,
    /// The address to be verified.
    pub email: EmailAddress,
    /// argon2id, in PHC form.
    pub password_hash: String,
    /// SHA-256 of the token in the mail.
    pub token_hash: [u8; 32],
    /// When it was asked.
    pub created_at: DateTime<Utc>,
    /// When the token stops working.
    pub expires_at: DateTime<Utc>,
}

/// Adds a signup.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(conn: &mut Conn, signup: &Signup) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into signup (signup_id, organisation, email, password_hash, token_hash, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        signup.id.as_uuid(),
        signup.organisation,
        signup.email.as_str(),
        signup.password_hash,
        &signup.token_hash[..],
        signup.created_at,
        signup.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the signup that the token stands for, once: a used, expired or unknown token gives none.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(
    conn: &mut Conn,
    token_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<Signup>, StoreError> {
    let row = sqlx::query!(
        "update signup set verified_at = $2
          where token_hash = $1 and verified_at is null and expires_at > $2
          returning signup_id, organisation, email, password_hash, created_at, expires_at",
        &token_hash[..],
        now,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|found| {
        Ok(Signup {
            id: SignupId::from_uuid(found.signup_id),
            organisation: found.organisation,
            email: found.email.parse().map_err(StoreError::unreadable)?,
            password_hash: found.password_hash,
            token_hash: *token_hash,
            created_at: found.created_at,
            expires_at: found.expires_at,
        })
    })
    .transpose()
}

/// Forgets signups that nobody verified in time.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_expired(conn: &mut Conn, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from signup where verified_at is null and expires_at <= $1",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
