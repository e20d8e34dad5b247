//! What comparisons with accounts' logs and sweeps have found. Written by tenant-provisioning.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::ids::TenantId;
use uuid::Uuid;

use crate::{Conn, StoreError};

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its id, in order of finding.
    pub id: Uuid,
    /// Whose account.
    pub tenant_id: TenantId,
    /// Name of its kind.
    pub kind: String,
    /// The event's id in the log, or the resource's id.
    pub subject: String,
    /// Whether somebody has to look at it.
    pub alarm: bool,
    /// Particulars.
    pub detail: Value,
    /// When.
    pub found_at: DateTime<Utc>,
}

/// Writes a finding down; false when it is known already.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(conn: &mut Conn, finding: &Finding) -> Result<bool, StoreError> {
    let inserted = sqlx::query!(
        "insert into ledger_finding (finding_id, tenant_id, kind, subject, alarm, detail, found_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (tenant_id, kind, subject) do nothing",
        finding.id,
        finding.tenant_id.as_uuid(),
        finding.kind,
        finding.subject,
        finding.alarm,
        finding.detail,
        finding.found_at,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Findings in order, after `after`, at most `limit`, of one tenant or (role `ops`) of all.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    tenant_id: Option<TenantId>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Finding>, StoreError> {
    let rows = sqlx::query!(
        "select finding_id, tenant_id, kind, subject, alarm, detail, found_at from ledger_finding
          where ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or finding_id > $2)
          order by finding_id limit $3",
        tenant_id.map(|id| id.as_uuid()),
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Finding {
            id: row.finding_id,
            tenant_id: TenantId::from_uuid(row.tenant_id),
            kind: row.kind,
            subject: row.subject,
            alarm: row.alarm,
            detail: row.detail,
            found_at: row.found_at,
        })
        .collect())
}
