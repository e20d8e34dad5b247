//! The two commits of a call to AWS, each one statement and one round trip.
//!
//! A worker that makes many calls for one deployment keeps one connection for them. On it every statement is a
//! transaction of its own under the tenant's row-level security, so a commit costs what one insert costs: the lease is
//! renewed under its fence, the wish and the connection are looked at, the intent and the resource are written, or
//! nothing is. Written by tenant-provisioning.

use std::sync::Arc;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tenant_model::TenantId;
use tenant_model::ids::{ConnectionId, OperationId};
use tenant_model::resource::{Intent, ResourceRecord, ResourceState};
use uuid::Uuid;

use crate::intents::Settlement;
use crate::pool::CommitObserver;
use crate::resources::NewCreation;
use crate::work::{LEASE, Lease, interval};
use crate::{StoreError, Stores};

/// Writes down the calls of one lease, before and after.
#[derive(Debug)]
pub struct Journal {
    connection: PoolConnection<Postgres>,
    lease: Lease,
    observed: Option<(Arc<dyn CommitObserver>, TenantId)>,
}

/// What must still be so for a call to be made.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The operation under way; none when only twins are taken away.
    pub operation_id: Option<OperationId>,
    /// The connection, which must be ready.
    pub connection_id: ConnectionId,
}

/// What became of a call.
#[derive(Clone, Debug)]
pub struct Conclusion<'a> {
    /// The call's intent.
    pub intent_id: Uuid,
    /// Its outcome.
    pub settlement: Settlement<'a>,
    /// The resource as it is remembered from here on.
    pub record: &'a ResourceRecord,
    /// The id that has become ours.
    pub created: Option<NewCreation<'a>>,
}

impl Journal {
    /// Opens the journal of a lease. Its connection goes back to the pool with it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(stores: &Stores, lease: &Lease) -> Result<Self, StoreError> {
        Ok(Self {
            connection: stores.tenant_connection(lease.tenant_id).await?,
            lease: *lease,
            observed: stores.observer().map(|observer| (observer, lease.tenant_id)),
        })
    }

    /// First commit: from here on the call may have happened.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when another worker has the lease, the operation was withdrawn or the connection is not
    /// ready any more; nothing is written then.
    pub async fn begin(
        &mut self,
        terms: &Terms,
        intent: &Intent,
        state: ResourceState,
    ) -> Result<(), StoreError> {
        self.pause(true).await;
        let call = serde_json::to_value(&intent.call).map_err(StoreError::unreadable)?;
        // The operation's row is locked: if this statement had to wait for the work row, because somebody withdrew
        // the operation meanwhile, the lock is what makes it see that.
        let written = sqlx::query!(
            "with held as (
               update work set lease_until = now() + $1 where deployment_id = $2 and fence = $3
               returning tenant_id, deployment_id, fence),
             live as (
               select operation_id from operation
                where deployment_id = $2 and state in ('awaiting_approval', 'queued', 'running', 'waiting')
                  for update),
             written as (
               insert into intent (intent_id, tenant_id, deployment_id, logical_name, incarnation, call, token,
                                   outcome, fence)
               select $4, held.tenant_id, held.deployment_id, $5, $6, $7, $8, 'open', held.fence from held
                where (select operation_id from live) is not distinct from $9
                  and exists (select from connection where connection_id = $10 and state_name = 'ready')
               returning tenant_id, deployment_id, logical_name)
             update resource set state = $11, updated_at = now() from written
              where resource.tenant_id = written.tenant_id and resource.deployment_id = written.deployment_id
                and resource.logical_name = written.logical_name",
            interval(LEASE),
            self.lease.deployment_id.as_uuid(),
            self.lease.fence,
            intent.id,
            intent.name,
            intent.incarnation,
            call,
            intent.token,
            terms.operation_id.map(|id| id.as_uuid()),
            terms.connection_id.as_uuid(),
            state.name(),
        )
        .execute(&mut *self.connection)
        .await?;
        self.done(written.rows_affected()).await
    }

    /// Second commit: what the call came to.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when another worker has the lease; nothing is written then.
    pub async fn conclude(&mut self, conclusion: &Conclusion<'_>) -> Result<(), StoreError> {
        self.pause(true).await;
        let Conclusion {
            intent_id,
            settlement,
            record,
            created,
        } = conclusion;
        let written = sqlx::query!(
            "with held as (
               update work set lease_until = now() + $1 where deployment_id = $2 and fence = $3
               returning tenant_id, deployment_id),
             settled as (
               update intent set outcome = $4, aws_id = $5, error = $6,
                      settled_at = case when $4 in ('done', 'failed') then now() end
                 from held where intent_id = $7),
             remembered as (
               insert into created_ever (tenant_id, deployment_id, aws_id, kind, region, logical_name)
               select held.tenant_id, held.deployment_id, $8::text, $9::text, $10::text, $11 from held
                where $8::text is not null
                   on conflict do nothing)
             update resource set state = $12, aws_id = $13, incarnation = $14, created_at = $15, last_error = $16,
                    updated_at = now()
               from held
              where resource.tenant_id = held.tenant_id and resource.deployment_id = held.deployment_id
                and resource.logical_name = $11",
            interval(LEASE),
            self.lease.deployment_id.as_uuid(),
            self.lease.fence,
            settlement.outcome.name(),
            settlement.aws_id,
            settlement.error,
            intent_id,
            created.as_ref().map(|new| new.aws_id),
            created.as_ref().map(|new| new.kind.name()),
            created.as_ref().map(|new| new.region.as_str()),
            record.name,
            record.state.name(),
            record.aws_id,
            record.incarnation,
            record.created_at,
            record.last_error,
        )
        .execute(&mut *self.connection)
        .await?;
        self.done(written.rows_affected()).await
    }

    async fn done(&self, rows: u64) -> Result<(), StoreError> {
        self.pause(false).await;
        if rows == 1 { Ok(()) } else { Err(StoreError::Stale) }
    }

    /// Each statement is a commit, and observed as one.
    async fn pause(&self, before: bool) {
        let Some((observer, tenant_id)) = &self.observed else {
            return;
        };
        match before {
            true => observer.before(*tenant_id).await,
            false => observer.after(*tenant_id).await,
        }
    }
}
