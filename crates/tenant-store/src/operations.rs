//! Operations and the events that report their progress. Written by tenant-provisioning.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::{
    ids::{DeploymentId, OperationId, TenantId},
    operation::{OnFailure, Operation, OperationKind, OperationState},
};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// A deployment has one operation at a time; the index that says so.
pub const ONE_LIVE: &str = "operation_one_live";

/// One event of an operation's progress.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationEvent {
    /// Grows by one within the operation.
    pub sequence: i64,
    /// `state`, `step` or `done`.
    pub kind: String,
    /// The whole value, so that a lost event harms nothing.
    pub data: Value,
    /// When.
    pub at: DateTime<Utc>,
}

/// Adds an operation.
///
/// # Errors
/// [`ONE_LIVE`] when another operation of the deployment has not ended.
pub async fn insert(conn: &mut Conn, operation: &Operation) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into operation (operation_id, tenant_id, deployment_id, kind, generation, state, plan, steps,
                requested_by, approved_by, created_at, updated_at, version, contract, on_failure, deadline_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        operation.id.as_uuid(),
        operation.tenant_id.as_uuid(),
        operation.deployment_id.as_uuid(),
        operation.kind.name(),
        operation.generation,
        operation.state.name(),
        serde_json::to_value(&operation.plan).map_err(StoreError::unreadable)?,
        serde_json::to_value(&operation.steps).map_err(StoreError::unreadable)?,
        operation.requested_by,
        operation.approved_by,
        operation.created_at,
        operation.updated_at,
        operation.version,
        serde_json::to_value(&operation.contract).map_err(StoreError::unreadable)?,
        operation.on_failure.name(),
        operation.deadline_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One operation, if the caller's role may see it.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, id: OperationId) -> Result<Option<Operation>, StoreError> {
    let row = sqlx::query_as!(
        OperationRow,
        "select operation_id, tenant_id, deployment_id, kind, generation, state, plan, contract, steps, problem,
                permanent_errors, requested_by, approved_by, on_failure, deadline_at, overdue_since,
                created_at, updated_at, version
           from operation where operation_id = $1",
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Operation::try_from).transpose()
}

/// One operation, locked until the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn find_for_update(conn: &mut Conn, id: OperationId) -> Result<Option<Operation>, StoreError> {
    let row = sqlx::query_as!(
        OperationRow,
        "select operation_id, tenant_id, deployment_id, kind, generation, state, plan, contract, steps, problem,
                permanent_errors, requested_by, approved_by, on_failure, deadline_at, overdue_since,
                created_at, updated_at, version
           from operation where operation_id = $1 for update",
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Operation::try_from).transpose()
}

/// The operation of a deployment that has not ended, if there is one.
///
/// # Errors
/// When the database does not answer.
pub async fn find_live_for_update(
    conn: &mut Conn,
    deployment_id: DeploymentId,
) -> Result<Option<Operation>, StoreError> {
    let row = sqlx::query_as!(
        OperationRow,
        "select operation_id, tenant_id, deployment_id, kind, generation, state, plan, contract, steps, problem,
                permanent_errors, requested_by, approved_by, on_failure, deadline_at, overdue_since,
                created_at, updated_at, version
           from operation
          where deployment_id = $1 and state in ('awaiting_approval', 'queued', 'running', 'waiting')
            for update",
        deployment_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Operation::try_from).transpose()
}

/// Which operations to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct OperationQuery {
    /// Of one tenant; without it (role `ops`) of all.
    pub tenant_id: Option<TenantId>,
    /// Of one deployment.
    pub deployment_id: Option<DeploymentId>,
    /// Only those after this one.
    pub after: Option<OperationId>,
}

/// Operations in order of id, which is order of time, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn, query: &OperationQuery, limit: i64) -> Result<Vec<Operation>, StoreError> {
    let rows = sqlx::query_as!(
        OperationRow,
        "select operation_id, tenant_id, deployment_id, kind, generation, state, plan, contract, steps, problem,
                permanent_errors, requested_by, approved_by, on_failure, deadline_at, overdue_since,
                created_at, updated_at, version
           from operation
          where ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or deployment_id = $2)
            and ($3::uuid is null or operation_id > $3)
          order by operation_id limit $4",
        query.tenant_id.map(|id| id.as_uuid()),
        query.deployment_id.map(|id| id.as_uuid()),
        query.after.map(|id| id.as_uuid()),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Operation::try_from).collect()
}

/// Writes everything that can change when the version is still `operation.version`, and raises it.
///
/// # Errors
/// [`StoreError::Stale`] when somebody else changed the row meanwhile.
pub async fn update(conn: &mut Conn, operation: &Operation) -> Result<i64, StoreError> {
    let version = sqlx::query_scalar!(
        "update operation set state = $2, plan = $3, steps = $4, problem = $5, permanent_errors = $6,
                approved_by = $7, updated_at = $8, contract = $10, generation = $11, on_failure = $12,
                deadline_at = $13, overdue_since = $14, version = version + 1
          where operation_id = $1 and version = $9 returning version",
        operation.id.as_uuid(),
        operation.state.name(),
        serde_json::to_value(&operation.plan).map_err(StoreError::unreadable)?,
        serde_json::to_value(&operation.steps).map_err(StoreError::unreadable)?,
        operation.problem,
        operation.permanent_errors,
        operation.approved_by,
        operation.updated_at,
        operation.version,
        serde_json::to_value(&operation.contract).map_err(StoreError::unreadable)?,
        operation.generation,
        operation.on_failure.name(),
        operation.deadline_at,
        operation.overdue_since,
    )
    .fetch_optional(conn)
    .await?;
    version.ok_or(StoreError::Stale)
}

/// Adds an event. The caller holds the operation's row, so numbers have no gaps.
///
/// # Errors
/// When the database does not answer.
pub async fn append_event(
    conn: &mut Conn,
    operation: &Operation,
    kind: &str,
    data: &Value,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into operation_event (tenant_id, operation_id, sequence, kind, data, at)
         select $1, $2, coalesce(max(sequence), 0) + 1, $3, $4, $5
           from operation_event where tenant_id = $1 and operation_id = $2",
        operation.tenant_id.as_uuid(),
        operation.id.as_uuid(),
        kind,
        data,
        operation.updated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Events after `after`, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_events(
    conn: &mut Conn,
    id: OperationId,
    after: i64,
    limit: i64,
) -> Result<Vec<OperationEvent>, StoreError> {
    let rows = sqlx::query_as!(
        OperationEvent,
        "select sequence, kind, data, at from operation_event
          where operation_id = $1 and sequence > $2 order by sequence limit $3",
        id.as_uuid(),
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

struct OperationRow {
    operation_id: Uuid,
    tenant_id: Uuid,
    deployment_id: Uuid,
    kind: String,
    generation: i64,
    state: String,
    plan: Value,
    contract: Value,
    steps: Value,
    problem: Option<String>,
    permanent_errors: i32,
    requested_by: String,
    approved_by: Option<String>,
    on_failure: String,
    deadline_at: Option<DateTime<Utc>>,
    overdue_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl TryFrom<OperationRow> for Operation {
    type Error = StoreError;

    fn try_from(row: OperationRow) -> Result<Self, Self::Error> {
        let unknown = |what: &str, name: &str| StoreError::unreadable(format!("{what} {name}"));
        Ok(Self {
            id: OperationId::from_uuid(row.operation_id),
            tenant_id: TenantId::from_uuid(row.tenant_id),
            deployment_id: DeploymentId::from_uuid(row.deployment_id),
            kind: OperationKind::from_name(&row.kind).ok_or_else(|| unknown("kind", &row.kind))?,
            generation: row.generation,
            state: OperationState::from_name(&row.state).ok_or_else(|| unknown("state", &row.state))?,
            plan: serde_json::from_value(row.plan).map_err(StoreError::unreadable)?,
            contract: serde_json::from_value(row.contract).map_err(StoreError::unreadable)?,
            steps: serde_json::from_value(row.steps).map_err(StoreError::unreadable)?,
            problem: row.problem,
            permanent_errors: row.permanent_errors,
            requested_by: row.requested_by,
            approved_by: row.approved_by,
            on_failure: OnFailure::from_name(&row.on_failure)
                .ok_or_else(|| unknown("policy", &row.on_failure))?,
            deadline_at: row.deadline_at,
            overdue_since: row.overdue_since,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}
