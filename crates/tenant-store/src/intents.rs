//! Calls written down before they are made, and what became of them. Written by tenant-provisioning.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::postgres::types::PgInterval;
use tenant_model::{
    ids::DeploymentId,
    resource::{Intent, Outcome},
};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// What became of a call.
#[derive(Clone, Copy, Debug)]
pub struct Settlement<'a> {
    /// The outcome.
    pub outcome: Outcome,
    /// The id AWS gave, for a creation.
    pub aws_id: Option<&'a str>,
    /// AWS's refusal.
    pub error: Option<&'a str>,
}

/// Records what became of a call.
///
/// # Errors
/// When the database does not answer.
pub async fn settle(conn: &mut Conn, id: Uuid, settlement: &Settlement<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "update intent set outcome = $2, aws_id = $3, error = $4,
                settled_at = case when $2 in ('done', 'failed') then now() end
          where intent_id = $1",
        id,
        settlement.outcome.name(),
        settlement.aws_id,
        settlement.error,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts a look for the intent's tag that found nothing; the next one counts after `pause`.
///
/// # Errors
/// When the database does not answer.
pub async fn note_empty_look(conn: &mut Conn, id: Uuid, pause: Duration) -> Result<(), StoreError> {
    sqlx::query!(
        "update intent set outcome = 'unknown', empty_looks = empty_looks + 1, due_at = now() + $2
          where intent_id = $1",
        id,
        PgInterval {
            months: 0,
            days: 0,
            microseconds: i64::try_from(pause.as_micros()).unwrap_or(i64::MAX),
        },
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An unsettled intent, and whether a look for its tag counts now.
#[derive(Clone, Debug)]
pub struct Unsettled {
    /// The intent.
    pub intent: Intent,
    /// False while the pause after the last look lasts.
    pub look_counts: bool,
}

/// Intents whose outcome is not known, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_unsettled(
    conn: &mut Conn,
    deployment_id: DeploymentId,
) -> Result<Vec<Unsettled>, StoreError> {
    let rows = sqlx::query_as!(
        IntentRow,
        r#"select intent_id, logical_name, incarnation, call, token, outcome, empty_looks, due_at,
                  (due_at is null or due_at <= now()) as "look_counts!"
             from intent where deployment_id = $1 and outcome in ('open', 'unknown')
            order by created_at, intent_id"#,
        deployment_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Unsettled::try_from).collect()
}

/// Ids of all intents of a deployment: what carries one of them is ours.
///
/// # Errors
/// When the database does not answer.
pub async fn list_ids(
    conn: &mut Conn,
    deployment_id: DeploymentId,
) -> Result<BTreeSet<(String, Uuid)>, StoreError> {
    let rows = sqlx::query!(
        "select logical_name, intent_id from intent where deployment_id = $1",
        deployment_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.logical_name, row.intent_id))
        .collect())
}

struct IntentRow {
    intent_id: Uuid,
    logical_name: String,
    incarnation: i32,
    call: Value,
    token: String,
    outcome: String,
    empty_looks: i32,
    due_at: Option<DateTime<Utc>>,
    look_counts: bool,
}

impl TryFrom<IntentRow> for Unsettled {
    type Error = StoreError;

    fn try_from(row: IntentRow) -> Result<Self, Self::Error> {
        Ok(Self {
            intent: Intent {
                id: row.intent_id,
                name: row.logical_name,
                incarnation: row.incarnation,
                call: serde_json::from_value(row.call).map_err(StoreError::unreadable)?,
                token: row.token,
                outcome: Outcome::from_name(&row.outcome)
                    .ok_or_else(|| StoreError::unreadable(format!("outcome {}", row.outcome)))?,
                empty_looks: row.empty_looks,
                due_at: row.due_at,
            },
            look_counts: row.look_counts,
        })
    }
}
