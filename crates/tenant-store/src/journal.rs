//! The two writes around calls to AWS, each one statement for all calls that are made side by side.
//!
//! A statement renews the lease under its fence and writes all of it, or nothing: a worker that was overtaken, or whose
//! wish was withdrawn, finds out here and not by questions of their own. Written by tenant-provisioning.

use serde_json::Value;
use tenant_model::ids::{ConnectionId, OperationId};
use tenant_model::resource::{Intent, ResourceRecord, ResourceState};
use uuid::Uuid;

use crate::intents::Settlement;
use crate::resources::NewCreation;
use crate::work::{LEASE, Lease, interval};
use crate::{Conn, StoreError};

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

/// Before calls, each about another resource: from the commit on they may have happened.
///
/// # Errors
/// [`StoreError::Stale`] when another worker has the lease, the operation was withdrawn, the deployment is paused or the
/// connection is not ready any more; nothing is written then.
pub async fn begin(
    conn: &mut Conn,
    lease: &Lease,
    terms: &Terms,
    calls: &[(&Intent, ResourceState)],
) -> Result<(), StoreError> {
    let intents = || calls.iter().map(|(intent, _)| *intent);
    let ids: Vec<Uuid> = intents().map(|intent| intent.id).collect();
    let names: Vec<String> = intents().map(|intent| intent.name.clone()).collect();
    let incarnations: Vec<i32> = intents().map(|intent| intent.incarnation).collect();
    let bodies: Vec<Value> = intents()
        .map(|intent| serde_json::to_value(&intent.call).map_err(StoreError::unreadable))
        .collect::<Result<_, _>>()?;
    let tokens: Vec<String> = intents().map(|intent| intent.token.clone()).collect();
    let states: Vec<String> = calls.iter().map(|(_, state)| state.name().to_owned()).collect();
    // The operation's row is locked: if this statement had to wait for the work row, because somebody withdrew the
    // operation meanwhile, the lock is what makes it see that.
    let written = sqlx::query!(
        "with held as (
           update work set lease_until = now() + $1 where deployment_id = $2 and fence = $3
           returning tenant_id, deployment_id, fence),
         live as (
           select operation_id from operation
            where deployment_id = $2 and state in ('awaiting_approval', 'queued', 'running', 'waiting')
              for update),
         asked as (
           select * from unnest($4::uuid[], $5::text[], $6::integer[], $7::jsonb[], $8::text[], $9::text[])
               as one (intent_id, name, incarnation, call, token, state)),
         written as (
           insert into intent (intent_id, tenant_id, deployment_id, logical_name, incarnation, call, token,
                               outcome, fence)
           select asked.intent_id, held.tenant_id, held.deployment_id, asked.name, asked.incarnation, asked.call,
                  asked.token, 'open', held.fence
             from held, asked
            where (select operation_id from live) is not distinct from $10
              and exists (select from connection where connection_id = $11 and state_name = 'ready')
              and not exists (select from deployment where deployment_id = $2 and paused)
           returning tenant_id, deployment_id, logical_name)
         update resource set state = asked.state, updated_at = now() from written join asked on name = logical_name
          where resource.tenant_id = written.tenant_id and resource.deployment_id = written.deployment_id
            and resource.logical_name = written.logical_name",
        interval(LEASE),
        lease.deployment_id.as_uuid(),
        lease.fence,
        &ids,
        &names,
        &incarnations,
        &bodies,
        &tokens,
        &states,
        terms.operation_id.map(|id| id.as_uuid()),
        terms.connection_id.as_uuid(),
    )
    .execute(conn)
    .await?;
    all(written.rows_affected(), calls.len())
}

/// After calls: what they came to.
///
/// # Errors
/// [`StoreError::Stale`] when another worker has the lease; nothing is written then.
pub async fn conclude(
    conn: &mut Conn,
    lease: &Lease,
    conclusions: &[Conclusion<'_>],
) -> Result<(), StoreError> {
    let column = Columns { conclusions };
    let created = |part: fn(&NewCreation<'_>) -> String| column.of(|one| one.created.as_ref().map(part));
    let written = sqlx::query!(
        "with held as (
           update work set lease_until = now() + $1 where deployment_id = $2 and fence = $3
           returning tenant_id, deployment_id),
         said as (
           select * from unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                                $11::text[], $12::text[], $13::text[], $14::integer[], $15::timestamptz[], $16::text[])
               as one (intent_id, outcome, made, error, created, kind, region, name, state, aws_id, incarnation,
                       created_at, last_error)),
         settled as (
           update intent set outcome = said.outcome, aws_id = said.made, error = said.error,
                  settled_at = case when said.outcome in ('done', 'failed') then now() end
             from held, said where intent.intent_id = said.intent_id),
         remembered as (
           insert into created_ever (tenant_id, deployment_id, aws_id, kind, region, logical_name)
           select held.tenant_id, held.deployment_id, said.created, said.kind, said.region, said.name
             from held, said where said.created is not null
               on conflict do nothing)
         update resource set state = said.state, aws_id = said.aws_id, incarnation = said.incarnation,
                created_at = said.created_at, last_error = said.last_error, updated_at = now()
           from held, said
          where resource.tenant_id = held.tenant_id and resource.deployment_id = held.deployment_id
            and resource.logical_name = said.name",
        interval(LEASE),
        lease.deployment_id.as_uuid(),
        lease.fence,
        &column.of(|one| one.intent_id),
        &column.of(|one| one.settlement.outcome.name().to_owned()),
        &column.of(|one| one.settlement.aws_id.map(str::to_owned)) as &[Option<String>],
        &column.of(|one| one.settlement.error.map(str::to_owned)) as &[Option<String>],
        &created(|new| new.aws_id.to_owned()) as &[Option<String>],
        &created(|new| new.kind.name().to_owned()) as &[Option<String>],
        &created(|new| new.region.as_str().to_owned()) as &[Option<String>],
        &column.of(|one| one.record.name.clone()),
        &column.of(|one| one.record.state.name().to_owned()),
        &column.of(|one| one.record.aws_id.clone()) as &[Option<String>],
        &column.of(|one| one.record.incarnation),
        &column.of(|one| one.record.created_at) as &[Option<chrono::DateTime<chrono::Utc>>],
        &column.of(|one| one.record.last_error.clone()) as &[Option<String>],
    )
    .execute(conn)
    .await?;
    all(written.rows_affected(), conclusions.len())
}

/// Rows as the columns that `unnest` takes.
struct Columns<'a> {
    conclusions: &'a [Conclusion<'a>],
}

impl Columns<'_> {
    fn of<T>(&self, part: impl Fn(&Conclusion<'_>) -> T) -> Vec<T> {
        self.conclusions.iter().map(part).collect()
    }
}

fn all(written: u64, wanted: usize) -> Result<(), StoreError> {
    if u64::try_from(wanted) == Ok(written) {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}
