//! Who works on which deployment, and when it is due: leases with fences on the database's clock.
//!
//! A worker that was overtaken writes nothing: each of its transactions begins with [`hold`], which
//! fails for an old fence and otherwise keeps the row locked, so that nobody can claim it before the
//! transaction ends.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;
use tenant_model::ids::{DeploymentId, TenantId};

use crate::{Conn, StoreError};

/// How long a claim lasts without a sign of life. Longer than any call to AWS may take.
pub const LEASE: Duration = Duration::from_secs(20);

/// A deployment that this worker may work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Grows with each claim; an older one writes nothing.
    pub fence: i64,
    /// Passes in a row that ended with a failure.
    pub attempt: i32,
}

/// Makes a deployment known to the workers, due at once.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    conn: &mut Conn,
    tenant_id: TenantId,
    deployment_id: DeploymentId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into work (tenant_id, deployment_id, due_at) values ($1, $2, now())",
        tenant_id.as_uuid(),
        deployment_id.as_uuid(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims the deployment that has been due for longest, or one whose worker gave no sign of life.
/// Role `ops`.
///
/// The claim moves `due_at` out of the way, so that a wish to look again made during the pass
/// ([`wake`]) is still there at its end.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(conn: &mut Conn, owner: &str) -> Result<Option<Lease>, StoreError> {
    let row = sqlx::query!(
        "update work set lease_owner = $1, lease_until = now() + $2, fence = fence + 1, due_at = 'infinity'
          where deployment_id = (
            select deployment_id from work
             where lease_until < now() or (lease_until is null and due_at <= now())
             order by least(due_at, lease_until) limit 1 for update skip locked)
          returning deployment_id, tenant_id, fence, attempt",
        owner,
        interval(LEASE),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Lease {
        deployment_id: DeploymentId::from_uuid(row.deployment_id),
        tenant_id: TenantId::from_uuid(row.tenant_id),
        fence: row.fence,
        attempt: row.attempt,
    }))
}

/// Renews the lease and locks it until the transaction ends.
///
/// # Errors
/// [`StoreError::Stale`] when another worker has claimed the deployment since.
pub async fn hold(conn: &mut Conn, lease: &Lease) -> Result<(), StoreError> {
    let renewed = sqlx::query!(
        "update work set lease_until = now() + $3 where deployment_id = $1 and fence = $2",
        lease.deployment_id.as_uuid(),
        lease.fence,
        interval(LEASE),
    )
    .execute(conn)
    .await?;
    held(renewed.rows_affected())
}

/// Ends the lease and says when the deployment is due again.
///
/// # Errors
/// [`StoreError::Stale`] when another worker has claimed the deployment since.
pub async fn release(
    conn: &mut Conn,
    lease: &Lease,
    due_in: Duration,
    attempt: i32,
) -> Result<(), StoreError> {
    let released = sqlx::query!(
        "update work set lease_owner = null, lease_until = null, attempt = $4,
                due_at = least(due_at, now() + $3)
          where deployment_id = $1 and fence = $2",
        lease.deployment_id.as_uuid(),
        lease.fence,
        interval(due_in),
        attempt,
    )
    .execute(conn)
    .await?;
    held(released.rows_affected())
}

/// Ends the lease and the work: the deployment needs nobody any more.
///
/// # Errors
/// [`StoreError::Stale`] when another worker has claimed the deployment since.
pub async fn retire(conn: &mut Conn, lease: &Lease) -> Result<(), StoreError> {
    let retired = sqlx::query!(
        "delete from work where deployment_id = $1 and fence = $2",
        lease.deployment_id.as_uuid(),
        lease.fence,
    )
    .execute(conn)
    .await?;
    held(retired.rows_affected())
}

/// Makes one deployment due now.
///
/// # Errors
/// When the database does not answer.
pub async fn wake(conn: &mut Conn, deployment_id: DeploymentId) -> Result<(), StoreError> {
    sqlx::query!(
        "update work set due_at = least(due_at, now()), attempt = 0 where deployment_id = $1",
        deployment_id.as_uuid(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes those deployments due now whose tenant has changed its state since the last pass. One whose tenant leaves and
/// whose deletion waits for approval has nothing to do until then. Role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn wake_changed_tenants(conn: &mut Conn) -> Result<u64, StoreError> {
    let woken = sqlx::query!(
        "update work set due_at = now(), attempt = 0
           from deployment join tenant using (tenant_id)
          where work.deployment_id = deployment.deployment_id
            and deployment.tenant_state_seen <> tenant.state
            and deployment.phase not in ('planned', 'deleted', 'cancelled')
            and work.due_at > now() and work.lease_until is null
            and not (tenant.state = 'offboarding' and exists (
              select from operation
               where operation.deployment_id = deployment.deployment_id and operation.kind = 'delete'
                 and operation.state = 'awaiting_approval'))",
    )
    .execute(conn)
    .await?;
    Ok(woken.rows_affected())
}

/// Seconds since the longest-due deployment became due, and how many are due. Role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn lag(conn: &mut Conn) -> Result<(i64, i64), StoreError> {
    let row = sqlx::query!(
        r#"select coalesce(extract(epoch from now() - min(due_at))::bigint, 0) as "seconds!",
                  count(*) as "due!"
             from work where due_at <= now() and lease_until is null"#,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.seconds, row.due))
}

fn held(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

pub(crate) fn interval(duration: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
    }
}
