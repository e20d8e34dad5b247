//! Running a submission on the warehouse, in a task of its own.
//!
//! A transaction is rolled back whole at the first failure: earlier steps stay `FINISHED`, later ones become
//! `ABORTED`, the parent `FAILED`. Redshift isolates serializably; what PostgreSQL reports as 40001 is its error 1023.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use chrono::TimeDelta;
use futures_util::StreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect::{connect, process_id};
use super::copy::{self, CopyError};
use super::dialect::{Translated, Unsupported, translate};
use super::statement::{Progress, ResultColumn, ResultSet, Statement, Status};
use super::submit::values;
use crate::control::Fault;
use crate::core::Core;

/// Most bytes of one result; management guide, "Considerations when calling the Data API" (read 2026-11).
const RESULT_BYTES_MAX: usize = 500 << 20;
/// Most bytes of one row.
const ROW_BYTES_MAX: usize = 64 << 10;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error("{0}")]
    Unsupported(#[from] Unsupported),
    #[error("{0}")]
    Refused(String),
    #[error("the result is larger than the Data API returns")]
    TooLarge,
    #[error("{}", words(.0))]
    Warehouse(#[from] tokio_postgres::Error),
}

impl From<CopyError> for StepError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Refused(message) => Self::Refused(message),
            CopyError::Warehouse(error) => Self::Warehouse(error),
        }
    }
}

/// PostgreSQL's error in Redshift's words.
fn words(error: &tokio_postgres::Error) -> String {
    let Some(error) = error.as_db_error() else {
        return "the warehouse cannot be reached".to_owned();
    };
    if *error.code() == SqlState::T_R_SERIALIZATION_FAILURE {
        return "1023 DETAIL: Serializable isolation violation on table in the local warehouse".to_owned();
    }
    let detail = error
        .detail()
        .map(|detail| format!(" Detail: {detail}"))
        .unwrap_or_default();
    format!("{}{detail}", error.message())
}

/// What a step gave.
struct Outcome {
    rows: i64,
    bytes: i64,
    result: Option<ResultSet>,
}

/// Typical waits of AWS: in the queue, and from picked to started.
const QUEUE: TimeDelta = TimeDelta::milliseconds(300);
const PICKUP: TimeDelta = TimeDelta::milliseconds(200);
/// What a short statement takes at least.
const WORK: TimeDelta = TimeDelta::milliseconds(500);

/// Runs a statement to its end. Every way out leaves a final status and a free session.
pub(super) async fn run(core: Arc<Core>, statement: Arc<Statement>) {
    let now = || core.clock.now();
    let in_line = tokio::select! {
        biased;
        () = statement.cancelled() => Err("cancelled".to_owned()),
        () = wait_in_line(&core, &statement) => Ok(()),
    };
    let ended = match in_line {
        Ok(()) => started(&core, &statement).await,
        Err(cancelled) => Err(cancelled),
    };
    *statement.cancel.lock().unwrap_or_else(PoisonError::into_inner) = None;
    if let Some(session) = &statement.session {
        session.release(now());
    }
    statement.update(now(), |progress| finish(progress, ended, now()));
}

/// SUBMITTED, then PICKED, for as long as AWS would take.
async fn wait_in_line(core: &Core, statement: &Statement) {
    let delayed = match statement.fault {
        Some(Fault::StatementDelayed { delay_ms }) => TimeDelta::milliseconds(delay_ms.into()),
        _ => TimeDelta::zero(),
    };
    let picked_at = statement.created_at + delayed + core.latency.of(QUEUE);
    core.clock.reach(picked_at).await;
    statement.update(core.clock.now(), |progress| progress.status = Status::Picked);
    core.clock.reach(picked_at + core.latency.of(PICKUP)).await;
}

/// Connects, or takes the session's connection, and runs every step.
async fn started(core: &Core, statement: &Statement) -> Result<(), String> {
    let Some(session) = &statement.session else {
        let client = connected(core).await?;
        return run_on(core, statement, &client).await;
    };
    let mut connection = session.connection.lock().await;
    let client = match connection.take().filter(|client| !client.is_closed()) {
        Some(client) => client,
        None => connected(core).await?,
    };
    let client = connection.insert(client);
    run_on(core, statement, client).await
}

async fn connected(core: &Core) -> Result<Client, String> {
    connect(core).await.map_err(|error| {
        tracing::warn!(%error, "the local warehouse cannot be reached");
        "ERROR: the warehouse cannot be reached".to_owned()
    })
}

async fn run_on(core: &Core, statement: &Statement, client: &Client) -> Result<(), String> {
    *statement.cancel.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.cancel_token());
    let (pid, begun) = (process_id(client).await, core.clock.now());
    statement.update(begun, |progress| {
        progress.pid = pid;
        progress.status = Status::Started;
    });
    tokio::select! {
        () = core.clock.reach(begun + core.latency.of(WORK)) => {}
        () = statement.cancelled() => return Err("cancelled".to_owned()),
    }
    if statement.submission.transaction {
        in_one_transaction(core, statement, client).await
    } else {
        one_by_one(core, statement, client).await
    }
}

fn finish(progress: &mut Progress, ended: Result<(), String>, now: chrono::DateTime<chrono::Utc>) {
    let open = progress.steps.iter_mut().filter(|step| !step.status.is_final());
    open.for_each(|step| {
        step.status = Status::Aborted;
        step.updated_at = now;
    });
    match ended {
        Ok(()) => progress.status = Status::Finished,
        Err(_) if progress.cancelled => {
            // The step that the cancel hit did not fail by itself.
            let hit = progress
                .steps
                .iter_mut()
                .filter(|step| step.status == Status::Failed);
            hit.for_each(|step| step.status = Status::Aborted);
            progress.status = Status::Aborted;
        }
        Err(error) => {
            progress.status = Status::Failed;
            progress.error = Some(error);
        }
    }
}

async fn in_one_transaction(core: &Core, statement: &Statement, client: &Client) -> Result<(), String> {
    let values = values(statement);
    client
        .batch_execute("begin")
        .await
        .map_err(|error| format!("ERROR: {}", words(&error)))?;
    for index in 0..statement.submission.sqls.len() {
        if let Err(error) = step(core, statement, client, (index, &values)).await {
            // The connection ends with this function; that rolls back too.
            let _ = client.batch_execute("rollback").await;
            return Err(failure(statement, index, &error));
        }
    }
    if statement.progress().cancelled {
        let _ = client.batch_execute("rollback").await;
        return Err("cancelled".to_owned());
    }
    if let Some(message) = fault_at(statement, statement.submission.sqls.len()) {
        let _ = client.batch_execute("rollback").await;
        return Err(format!("ERROR: {message}"));
    }
    client
        .batch_execute("commit")
        .await
        .map_err(|error| format!("ERROR: {}", words(&error)))
}

/// AUTO_COMMIT: each statement for itself; the batch goes on after a failure and reports it at the end.
async fn one_by_one(core: &Core, statement: &Statement, client: &Client) -> Result<(), String> {
    let values = values(statement);
    let count = statement.submission.sqls.len();
    let mut first_failure = Ok(());
    for index in 0..count {
        if statement.progress().cancelled {
            return Err("cancelled".to_owned());
        }
        let begun = client.batch_execute("begin").await.map_err(StepError::from);
        let done = match begun {
            Ok(()) => step(core, statement, client, (index, &values)).await,
            Err(error) => Err(error),
        };
        let done = done.and_then(|()| match fault_at(statement, count) {
            Some(message) if index + 1 == count => Err(StepError::Refused(message)),
            Some(_) | None => Ok(()),
        });
        let ending = if done.is_ok() { "commit" } else { "rollback" };
        let ended = client.batch_execute(ending).await.map_err(StepError::from);
        if let Err(error) = done.and(ended) {
            fail_step(core, statement, index, &error);
            let failure = failure(statement, index, &error);
            first_failure = first_failure.and(Err(failure));
        }
    }
    first_failure
}

/// What a fault lets go wrong before the step of this number; as many as there are stands for the commit.
fn fault_at(statement: &Statement, index: usize) -> Option<String> {
    match &statement.fault {
        Some(Fault::StatementFails { after, message }) => {
            let last = statement.submission.sqls.len();
            (last.min(*after as usize) == index).then(|| message.clone())
        }
        _ => None,
    }
}

fn failure(statement: &Statement, index: usize, error: &StepError) -> String {
    if statement.submission.batch {
        format!("Query #{} failed with ERROR: {error}", index + 1)
    } else {
        format!("ERROR: {error}")
    }
}

async fn step(
    core: &Core,
    statement: &Statement,
    client: &Client,
    (index, values): (usize, &BTreeMap<String, String>),
) -> Result<(), StepError> {
    let started = Instant::now();
    let cancelled = statement.update(core.clock.now(), |progress| {
        progress.steps[index].status = Status::Started;
        progress.cancelled
    });
    let outcome = if cancelled {
        Err(StepError::Refused("cancelled".to_owned()))
    } else if let Some(message) = fault_at(statement, index) {
        Err(StepError::Refused(message))
    } else {
        execute(core, statement, client, (index, values)).await
    };
    let nanos = i64::try_from(started.elapsed().as_nanos()).unwrap_or(i64::MAX);
    match outcome {
        Ok(outcome) => {
            let now = core.clock.now();
            statement.update(now, |progress| {
                let step = &mut progress.steps[index];
                step.status = Status::Finished;
                (step.rows, step.bytes, step.nanos) = (outcome.rows, outcome.bytes, nanos);
                step.result = outcome.result.map(Arc::new);
                step.updated_at = now;
            });
            Ok(())
        }
        Err(error) => {
            fail_step(core, statement, index, &error);
            Err(error)
        }
    }
}

fn fail_step(core: &Core, statement: &Statement, index: usize, error: &StepError) {
    let now = core.clock.now();
    statement.update(now, |progress| {
        let step = &mut progress.steps[index];
        step.status = Status::Failed;
        step.error = Some(format!("ERROR: {error}"));
        step.result = None;
        step.updated_at = now;
    });
}

async fn execute(
    core: &Core,
    statement: &Statement,
    client: &Client,
    (index, values): (usize, &BTreeMap<String, String>),
) -> Result<Outcome, StepError> {
    let counted = |rows: u64| Outcome {
        rows: i64::try_from(rows).unwrap_or(i64::MAX),
        bytes: -1,
        result: None,
    };
    match translate(&statement.submission.sqls[index], values)? {
        Translated::Query(sql) => query(client, &sql).await,
        Translated::Change(sql) => Ok(counted(client.execute(sql.as_str(), &[]).await?)),
        Translated::Command(sql) => {
            client.batch_execute(&sql).await?;
            Ok(Outcome {
                rows: -1,
                bytes: -1,
                result: None,
            })
        }
        Translated::Truncate(sql) => {
            client.batch_execute(&format!("{sql}; commit; begin")).await?;
            Ok(Outcome {
                rows: -1,
                bytes: -1,
                result: None,
            })
        }
        Translated::Copy(command) => {
            let rows = copy::run(core, &statement.submission.owner.account, client, &command).await?;
            Ok(counted(rows))
        }
    }
}

/// Runs a query; types come from its preparation, values as the text that Redshift would show.
async fn query(client: &Client, sql: &str) -> Result<Outcome, StepError> {
    let prepared = client.prepare(sql).await?;
    let columns = prepared.columns().iter();
    let columns = columns.map(|column| ResultColumn {
        name: column.name().to_owned(),
        kind: column.type_().clone(),
    });
    let mut result = ResultSet {
        columns: columns.collect(),
        rows: Vec::new(),
    };
    let mut messages = pin!(client.simple_query_raw(sql).await?);
    let mut bytes = 0;
    while let Some(message) = messages.next().await {
        let SimpleQueryMessage::Row(row) = message? else {
            continue;
        };
        let values: Vec<_> = (0..row.len())
            .map(|index| row.get(index).map(str::to_owned))
            .collect();
        let row_bytes: usize = values.iter().flatten().map(String::len).sum();
        bytes += row_bytes;
        if row_bytes > ROW_BYTES_MAX || bytes > RESULT_BYTES_MAX {
            return Err(StepError::TooLarge);
        }
        result.rows.push(values);
    }
    Ok(Outcome {
        rows: i64::try_from(result.rows.len()).unwrap_or(i64::MAX),
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        result: Some(result),
    })
}
