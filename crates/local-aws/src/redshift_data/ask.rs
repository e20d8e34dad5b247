//! DescribeStatement and CancelStatement, and how a caller names a statement and waits for it.
//!
//! Sources: API_DescribeStatement, API_CancelStatement.

use std::sync::{Arc, PoisonError};

use serde::Deserialize;
use serde_json::json;
use tokio_postgres::NoTls;

use super::statement::{Owner, Statement};
use super::{RedshiftData, permit, validation, views};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::Reply;
use crate::service::Call;

/// Longest wait a call may ask for.
const WAIT_SECONDS_MAX: u64 = 30;
/// Longest number of a statement of a batch (API_DescribeStatement, "Id").
const NUMBER_DIGITS_MAX: usize = 2;
/// Groups of characters of a UUID.
const UUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ById {
    id: Option<String>,
    pub(super) next_token: Option<String>,
    wait_time_seconds: Option<i64>,
}

/// A statement that was asked for, and what of it.
pub(super) struct Asked {
    pub(super) request: ById,
    /// As the caller wrote it.
    pub(super) id: String,
    pub(super) statement: Arc<Statement>,
    /// The number behind the colon, from 1.
    pub(super) number: Option<usize>,
}

impl Asked {
    /// Waits as the request asks for.
    pub(super) async fn wait(&self) -> Result<(), AwsError> {
        match wait_seconds(self.request.wait_time_seconds)? {
            Some(seconds) => wait(&self.statement, seconds).await,
            None => Ok(()),
        }
    }

    pub(super) fn not_found(&self) -> AwsError {
        no_statement(&self.id)
    }
}

impl RedshiftData {
    pub(super) async fn describe(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let asked = self.asked(core, call)?;
        asked.wait().await?;
        let statement = &asked.statement;
        let Some(number) = asked.number else {
            return Ok(Reply::json(&views::described(statement)));
        };
        let progress = statement.progress();
        let step = progress.steps.get(number - 1).ok_or_else(|| asked.not_found())?;
        Ok(Reply::json(&views::described_part(statement, number, step)))
    }

    /// Before the end only: stops the backend, and the transaction rolls back.
    pub(super) async fn cancel(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let asked = self.asked(core, call)?;
        if asked.number.is_some() {
            return Err(validation(
                "A batch is cancelled as a whole: give its id without the number of a statement",
            ));
        }
        let ended = asked.statement.update(core.clock.now(), |progress| {
            let ended = progress.status.is_final().then_some(progress.status);
            progress.cancelled = progress.cancelled || ended.is_none();
            ended
        });
        if let Some(status) = ended {
            let status = json!(status);
            return Err(validation(format!(
                "Could not cancel a query that is already in {} state with ID: {}",
                status.as_str().unwrap_or_default(),
                asked.id
            )));
        }
        let backend = asked
            .statement
            .cancel
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(backend) = backend {
            // A backend that cannot be reached has ended; the runner sees that by itself.
            let _ = backend.cancel_query(NoTls).await;
        }
        Ok(Reply::json(&json!({ "Status": true })))
    }

    /// The request and its statement. Policies may tie a caller to its own statements.
    pub(super) fn asked(&self, core: &Core, call: &Call) -> Result<Asked, AwsError> {
        let request: ById = call.json()?;
        let id = request.id.clone().ok_or_else(|| validation("Id is required"))?;
        let (uuid, number) = parsed(&id)?;
        let found = self.registry.find(&Owner::of(call), uuid, call.now);
        let mut context = call.context();
        if let Some(statement) = &found {
            let owner = statement.submission.owner.user_id.clone();
            context = context.with("redshift-data:statement-owner-iam-userid", owner);
        }
        permit(core, call, "*", &context)?;
        let statement = found.ok_or_else(|| no_statement(&id))?;
        Ok(Asked {
            request,
            id,
            statement,
            number,
        })
    }
}

/// A UUID, and the number of a statement of a batch when a colon follows.
fn parsed(id: &str) -> Result<(&str, Option<usize>), AwsError> {
    let malformed = || {
        validation(format!(
            "1 validation error detected: Value '{id}' at 'id' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z0-9]{{8}}(-[a-z0-9]{{4}}){{3}}-[a-z0-9]{{12}}(:\\d{{0,2}})?"
        ))
    };
    let (uuid, number) = match id.split_once(':') {
        Some((uuid, number)) if is_number(number) => {
            // The pattern lets a colon without digits pass; no statement has such a number.
            (uuid, Some(number.parse().unwrap_or(0)))
        }
        Some(_) => return Err(malformed()),
        None => (id, None),
    };
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !uuid.split('-').map(str::len).eq(UUID_GROUPS) || !uuid.bytes().all(allowed) {
        return Err(malformed());
    }
    if number == Some(0) {
        return Err(no_statement(id));
    }
    Ok((uuid, number))
}

fn is_number(text: &str) -> bool {
    text.len() <= NUMBER_DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A wait within its bounds.
pub(super) fn wait_seconds(asked: Option<i64>) -> Result<Option<u64>, AwsError> {
    let Some(asked) = asked else { return Ok(None) };
    u64::try_from(asked)
        .ok()
        .filter(|seconds| *seconds <= WAIT_SECONDS_MAX)
        .map(Some)
        .ok_or_else(|| validation("WaitTimeSeconds must be between 0 and 30"))
}

/// Waits for the end of a statement, or for so many seconds.
pub(super) async fn wait(statement: &Statement, seconds: u64) -> Result<(), AwsError> {
    if statement.wait(seconds).await {
        return Ok(());
    }
    Err(AwsError::bad(
        "ActiveWaitingRequestsExceededException",
        "The number of active requests with WaitTimeSeconds for the same SQL statement exceeds the limit.",
    ))
}

fn no_statement(id: &str) -> AwsError {
    AwsError::bad("ResourceNotFoundException", format!("Query does not exist: {id}"))
}
