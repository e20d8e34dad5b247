//! Connections to tenants' AWS accounts and the evidence of their probes.
//!
//! Written by onboarding; provisioning reads whether a connection is ready. The verifying worker claims due
//! rows by a lease on the database's clock; every later write of a round carries the fence it was claimed with,
//! so that a worker that woke up late changes nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenant_model::connection::{Doubt, ProbeRound, Verdict};
use tenant_model::trust::StatementAtFault;
use tenant_model::{Connection, ConnectionId, ConnectionState, ExternalId, TenantId};

use crate::{Conn, StoreError};

/// A tenant has one live connection per account; the index that says so.
pub const ACCOUNT_CONNECTED: &str = "connection_one_live_per_account";
/// A proven role belongs to one connection; the index that says so.
pub const ROLE_PROVEN_ELSEWHERE: &str = "connection_proven_role";

/// A connection that this worker may probe until its lease ends.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// What to probe.
    pub connection: Connection,
    /// Goes into every write of this round.
    pub fence: i64,
    /// Whether somebody asked for a whole round; else a ready connection may only be watched.
    pub whole_next: bool,
    /// Whether somebody has its page open.
    pub watched: bool,
}

/// Why the last rounds proved nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingDoubt {
    /// The reason.
    pub doubt: Doubt,
    /// Since when it has been the reason.
    pub since: DateTime<Utc>,
}

/// A stored round of probes.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What STS answered.
    pub answers: ProbeRound,
    /// What it proves.
    pub verdict: Verdict,
    /// The statement of the trust policy that leaves the lock open, when the role let us read it.
    pub statement: Option<StatementAtFault>,
    /// The round as a document, signed when it was found; none for one in which the role did not answer.
    pub jws: Option<String>,
}

/// A signed round.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// Its number; later rounds have higher ones.
    pub round: i64,
    /// What was found.
    pub evidence: Evidence,
}

/// Adds a connection, due at once.
///
/// # Errors
/// [`ACCOUNT_CONNECTED`] when the tenant already has a live connection to the account.
pub async fn insert(conn: &mut Conn, connection: &Connection) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into connection (connection_id, tenant_id, aws_account_id, region, external_id, role_arn, state,
                                 due_at, created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, now(), $8, $9, $10)",
        connection.id.as_uuid(),
        connection.tenant_id.as_uuid(),
        connection.aws_account_id.as_str(),
        connection.region,
        connection.external_id.expose(),
        connection.role_arn,
        to_json(&connection.state)?,
        connection.created_at,
        connection.updated_at,
        connection.version,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One connection, if the caller's role may see it.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
    let row = sqlx::query_as!(
        ConnectionRow,
        "select connection_id, tenant_id, aws_account_id, region, external_id, role_arn, state, check_count, fence,
                created_at, updated_at, version
           from connection where connection_id = $1",
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Connection::try_from).transpose()
}

/// One connection, locked until the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn find_for_update(conn: &mut Conn, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
    let row = sqlx::query_as!(
        ConnectionRow,
        "select connection_id, tenant_id, aws_account_id, region, external_id, role_arn, state, check_count, fence,
                created_at, updated_at, version
           from connection where connection_id = $1 for update",
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Connection::try_from).transpose()
}

/// Connections after `after`, of one tenant or (role `ops`) of all, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    tenant_id: Option<TenantId>,
    after: Option<ConnectionId>,
    limit: i64,
) -> Result<Vec<Connection>, StoreError> {
    let rows = sqlx::query_as!(
        ConnectionRow,
        "select connection_id, tenant_id, aws_account_id, region, external_id, role_arn, state, check_count, fence,
                created_at, updated_at, version
           from connection
          where ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or connection_id > $2)
          order by connection_id limit $3",
        tenant_id.map(|id| id.as_uuid()),
        after.map(|id| id.as_uuid()),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Connection::try_from).collect()
}

/// Claims the connection that has waited longest, for `lease_seconds` of the database's clock. Role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn claim_due(
    conn: &mut Conn,
    worker: &str,
    lease_seconds: i32,
) -> Result<Option<Claimed>, StoreError> {
    let row = sqlx::query_as!(
        ConnectionRow,
        "update connection
            set lease_owner = $1, lease_until = now() + make_interval(secs => $2), fence = fence + 1
          where connection_id = (
                select connection_id from connection
                 where due_at <= now() and (lease_until is null or lease_until < now())
                   and state_name <> 'revoked'
                 order by due_at limit 1 for update skip locked)
          returning connection_id, tenant_id, aws_account_id, region, external_id, role_arn, state, check_count,
                    fence, created_at, updated_at, version",
        worker,
        f64::from(lease_seconds),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(found) = row else { return Ok(None) };
    let fence = found.fence;
    let asked = sqlx::query!(
        r#"select whole_next, coalesce(watched_until > now(), false) as "watched!"
             from connection where connection_id = $1"#,
        found.connection_id,
    )
    .fetch_one(conn)
    .await?;
    Ok(Some(Claimed {
        connection: found.try_into()?,
        fence,
        whole_next: asked.whole_next,
        watched: asked.watched,
    }))
}

/// Notes that somebody has the page of a connection open whose role is awaited, and brings the next look near. Cheap
/// to repeat: it writes at most twice a minute. One that only a click looks at again stays as it is.
///
/// # Errors
/// When the database does not answer.
pub async fn note_watched(conn: &mut Conn, id: ConnectionId, within_seconds: i32) -> Result<(), StoreError> {
    sqlx::query!(
        "update connection
            set watched_until = now() + interval '60 seconds',
                due_at = least(due_at, now() + make_interval(secs => $2))
          where connection_id = $1 and state_name = 'awaiting_role' and due_at is not null
            and (lease_until is null or lease_until < now())
            and (watched_until is null or watched_until < now() + interval '30 seconds')",
        id.as_uuid(),
        f64::from(within_seconds),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Brings the next watch of ready connections near whose deployments are being worked on. Role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn watch_busy(conn: &mut Conn, within_seconds: i32) -> Result<(), StoreError> {
    sqlx::query!(
        "update connection
            set due_at = now() + make_interval(secs => $1)
           from operation join deployment using (tenant_id, deployment_id)
          where operation.state in ('queued', 'running', 'waiting')
            and deployment.connection_id = connection.connection_id
            and connection.state_name = 'ready' and connection.due_at > now() + make_interval(secs => $1)",
        f64::from(within_seconds),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether work may use the connection at this moment.
///
/// # Errors
/// When the database does not answer.
pub async fn is_ready(conn: &mut Conn, id: ConnectionId) -> Result<bool, StoreError> {
    let ready = sqlx::query_scalar!(
        r#"select state_name = 'ready' as "ready!" from connection where connection_id = $1"#,
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(ready.unwrap_or(false))
}

/// Accounts of a region about which AWS has given no answer when it was last asked. Role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn count_unanswered(conn: &mut Conn, region: &str) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"select count(distinct aws_account_id) as "count!" from connection
            where region = $1 and state_name <> 'revoked' and doubt ->> 'doubt' = 'no_answer'"#,
        region,
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Why the last rounds of a connection proved nothing, if they did not.
///
/// # Errors
/// When the database does not answer.
pub async fn find_doubt(conn: &mut Conn, id: ConnectionId) -> Result<Option<StandingDoubt>, StoreError> {
    let doubt = sqlx::query_scalar!(
        "select doubt from connection where connection_id = $1",
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    doubt
        .flatten()
        .map(serde_json::from_value)
        .transpose()
        .map_err(StoreError::unreadable)
}

/// A connection that needs somebody, or patience.
#[derive(Clone, Debug)]
pub struct Troubled {
    /// The connection.
    pub connection: Connection,
    /// Why its last rounds proved nothing, if they did not.
    pub doubt: Option<StandingDoubt>,
}

/// Connections that are frozen or in doubt, the longest untouched first, at most `limit`. Role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_troubled(conn: &mut Conn, limit: i64) -> Result<Vec<Troubled>, StoreError> {
    let rows = sqlx::query_as!(
        ConnectionRow,
        "select connection_id, tenant_id, aws_account_id, region, external_id, role_arn, state, check_count, fence,
                created_at, updated_at, version
           from connection
          where state_name = 'quarantined' or (doubt is not null and state_name <> 'revoked')
          order by updated_at, connection_id limit $1",
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.connection_id).collect();
    let mut doubts = doubts_of(conn, &ids).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Troubled {
                doubt: doubts.remove(&row.connection_id),
                connection: row.try_into()?,
            })
        })
        .collect()
}

async fn doubts_of(
    conn: &mut Conn,
    ids: &[uuid::Uuid],
) -> Result<BTreeMap<uuid::Uuid, StandingDoubt>, StoreError> {
    let rows = sqlx::query!(
        r#"select connection_id, doubt as "doubt!" from connection
            where connection_id = any($1) and doubt is not null"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let doubt = serde_json::from_value(row.doubt).map_err(StoreError::unreadable)?;
            Ok((row.connection_id, doubt))
        })
        .collect()
}

/// Records a round: the state it leads to, when to look again (none: only when asked), and its evidence, unless it
/// was a watch that found everything as it was. Releases the lease. Role `ops`.
///
/// # Errors
/// [`StoreError::Stale`] when another worker has taken over; nothing is written then.
pub async fn record_round(
    conn: &mut Conn,
    claimed: &Claimed,
    state: &ConnectionState,
    evidence: &Evidence,
    due_in_seconds: Option<i32>,
) -> Result<(), StoreError> {
    let id = claimed.connection.id.as_uuid();
    let done = sqlx::query!(
        "update connection
            set state = $3, check_count = check_count + 1, whole_next = false,
                due_at = case when $4::float8 is null then null else now() + make_interval(secs => $4) end,
                doubt = case when doubt ->> 'doubt' = $6::jsonb ->> 'doubt' then doubt else $6::jsonb end,
                lease_owner = null, lease_until = null, updated_at = $5,
                version = version + (case when state = $3 then 0 else 1 end)
          where connection_id = $1 and fence = $2 and state_name <> 'revoked'",
        id,
        claimed.fence,
        to_json(state)?,
        due_in_seconds.map(f64::from),
        evidence.at,
        doubt(evidence).as_ref().map(to_json).transpose()?,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Stale);
    }
    if evidence.verdict == Verdict::Holds {
        return Ok(());
    }
    sqlx::query!(
        "insert into probe_round (tenant_id, connection_id, at, answers, verdict, statement, jws)
         values ($1, $2, $3, $4, $5, $6, $7)",
        claimed.connection.tenant_id.as_uuid(),
        id,
        evidence.at,
        to_json(&evidence.answers)?,
        to_json(&evidence.verdict)?,
        evidence.statement.as_ref().map(to_json).transpose()?,
        evidence.jws,
    )
    .execute(conn)
    .await?;
    Ok(())
}

const fn doubt(evidence: &Evidence) -> Option<StandingDoubt> {
    match evidence.verdict {
        Verdict::Unknown { doubt } => Some(StandingDoubt {
            doubt,
            since: evidence.at,
        }),
        Verdict::Clean | Verdict::Holds | Verdict::RoleRefuses { .. } | Verdict::Refused { .. } => None,
    }
}

/// Writes a state that a person asked for (revocation, check again), and when to look again (never: none).
///
/// # Errors
/// [`StoreError::Stale`] when the version is no longer `connection.version`.
pub async fn update_state(
    conn: &mut Conn,
    connection: &Connection,
    due_in_seconds: Option<i32>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update connection
            set state = $3, updated_at = $4, version = version + 1, fence = fence + 1, whole_next = true,
                lease_owner = null, lease_until = null,
                due_at = case when $5::float8 is null then null else now() + make_interval(secs => $5) end
          where connection_id = $1 and version = $2",
        connection.id.as_uuid(),
        connection.version,
        to_json(&connection.state)?,
        connection.updated_at,
        due_in_seconds.map(f64::from),
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::Stale)
    } else {
        Ok(())
    }
}

/// The newest rounds first, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_evidence(
    conn: &mut Conn,
    id: ConnectionId,
    limit: i64,
) -> Result<Vec<Evidence>, StoreError> {
    let rows = sqlx::query_as!(
        RoundRow,
        "select round, at, answers, verdict, statement, jws from probe_round
          where connection_id = $1 order by round desc limit $2",
        id.as_uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok(Proof::try_from(row)?.evidence))
        .collect()
}

/// Signed rounds before `before`, the newest first, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_proofs(
    conn: &mut Conn,
    id: ConnectionId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Proof>, StoreError> {
    let rows = sqlx::query_as!(
        RoundRow,
        "select round, at, answers, verdict, statement, jws from probe_round
          where connection_id = $1 and jws is not null and ($2::bigint is null or round < $2)
          order by round desc limit $3",
        id.as_uuid(),
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Proof::try_from).collect()
}

/// One signed round of a connection.
///
/// # Errors
/// When the database does not answer.
pub async fn find_proof(conn: &mut Conn, id: ConnectionId, round: i64) -> Result<Option<Proof>, StoreError> {
    let row = sqlx::query_as!(
        RoundRow,
        "select round, at, answers, verdict, statement, jws from probe_round
          where connection_id = $1 and round = $2 and jws is not null",
        id.as_uuid(),
        round,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Proof::try_from).transpose()
}

fn to_json(value: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(StoreError::unreadable)
}

struct RoundRow {
    round: i64,
    at: DateTime<Utc>,
    answers: Value,
    verdict: Value,
    statement: Option<Value>,
    jws: Option<String>,
}

impl TryFrom<RoundRow> for Proof {
    type Error = StoreError;

    fn try_from(row: RoundRow) -> Result<Self, Self::Error> {
        let evidence = Evidence {
            at: row.at,
            answers: serde_json::from_value(row.answers).map_err(StoreError::unreadable)?,
            verdict: serde_json::from_value(row.verdict).map_err(StoreError::unreadable)?,
            statement: row
                .statement
                .map(serde_json::from_value)
                .transpose()
                .map_err(StoreError::unreadable)?,
            jws: row.jws,
        };
        Ok(Self {
            round: row.round,
            evidence,
        })
    }
}

struct ConnectionRow {
    connection_id: uuid::Uuid,
    tenant_id: uuid::Uuid,
    aws_account_id: String,
    region: String,
    external_id: String,
    role_arn: String,
    state: Value,
    check_count: i32,
    fence: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl TryFrom<ConnectionRow> for Connection {
    type Error = StoreError;

    fn try_from(row: ConnectionRow) -> Result<Self, Self::Error> {
        Ok(Self {
            id: ConnectionId::from_uuid(row.connection_id),
            tenant_id: TenantId::from_uuid(row.tenant_id),
            aws_account_id: row.aws_account_id.parse().map_err(StoreError::unreadable)?,
            region: row.region,
            external_id: ExternalId::from_stored(row.external_id),
            role_arn: row.role_arn,
            state: serde_json::from_value(row.state).map_err(StoreError::unreadable)?,
            check_count: row.check_count,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}
