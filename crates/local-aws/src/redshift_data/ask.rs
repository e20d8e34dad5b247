//! DescribeStatement, GetStatementResult, ListStatements and CancelStatement.
//!
//! Results are there only when the whole submission has finished: a batch's by the sub-statement's own id.
//! Sources: the API pages of those names.

use std::sync::{Arc, PoisonError};

use serde::Deserialize;
use serde_json::json;
use tokio_postgres::NoTls;

use super::statement::{Statement, Status};
use super::submit::WAIT_SECONDS_MAX;
use super::{RedshiftData, validation, views};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::Reply;
use crate::service::Call;

/// Rows of one page of a result.
const PAGE_ROWS: usize = 1_000;
/// Most statements of one page of ListStatements.
const LIST_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ById {
    id: String,
    next_token: Option<String>,
    wait_time_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    next_token: Option<String>,
    max_results: Option<usize>,
    statement_name: Option<String>,
    status: Option<String>,
    database: Option<String>,
    cluster_identifier: Option<String>,
    workgroup_name: Option<String>,
}

impl RedshiftData {
    pub(super) async fn describe(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let (request, statement, number) = self.asked(core, call)?;
        wait(&statement, request.wait_time_seconds).await?;
        let Some(number) = number else {
            return Ok(Reply::json(&views::described(&statement)));
        };
        let progress = statement.progress();
        let step = progress
            .steps
            .get(number - 1)
            .ok_or_else(|| no_statement(&request.id))?;
        Ok(Reply::json(&views::sub_statement(&statement, number, step)))
    }

    pub(super) async fn result(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let (request, statement, number) = self.asked(core, call)?;
        wait(&statement, request.wait_time_seconds).await?;
        let progress = statement.progress();
        if statement.submission.batch && number.is_none() {
            return Err(validation(
                "a batch has its results by the ids of its sub-statements",
            ));
        }
        let step = progress
            .steps
            .get(number.unwrap_or(1) - 1)
            .ok_or_else(|| no_statement(&request.id))?;
        let result = step
            .result
            .as_ref()
            .filter(|_| progress.status == Status::Finished)
            .ok_or_else(|| {
                AwsError::bad(
                    "ResourceNotFoundException",
                    "Query does not have result. Please check query status with DescribeStatement.",
                )
            })?;
        let from = request.next_token.map_or(Ok(0), |token| token.parse());
        let from = from.map_err(|_| validation("NextToken is not one of this result"))?;
        Ok(Reply::json(&views::page(result, from, PAGE_ROWS)))
    }

    pub(super) fn list(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let request: List = call.json()?;
        permit(core, call)?;
        let limit = request
            .max_results
            .filter(|limit| *limit > 0)
            .unwrap_or(LIST_MAX)
            .min(LIST_MAX);
        let before = request.next_token.map(|token| token.parse::<u64>()).transpose();
        let before = before.map_err(|_| validation("NextToken is not one of this list"))?;
        let mut statements = self.registry.list(&call.caller.account, call.now);
        statements.retain(|statement| {
            let submission = &statement.submission;
            let is =
                |wanted: &Option<String>, own: Option<&String>| wanted.is_none() || wanted.as_ref() == own;
            let prefix = request.statement_name.as_deref().unwrap_or_default();
            before.is_none_or(|before| statement.number < before)
                && is(&request.database, Some(&submission.database))
                && is(&request.cluster_identifier, submission.cluster.as_ref())
                && is(&request.workgroup_name, submission.workgroup.as_ref())
                && submission.name.as_deref().unwrap_or_default().starts_with(prefix)
                && has_status(statement, request.status.as_deref())
        });
        let more = statements.len() > limit;
        statements.truncate(limit);
        let mut listed =
            json!({ "Statements": statements.iter().map(|one| views::listed(one)).collect::<Vec<_>>() });
        if let Some(last) = statements.last().filter(|_| more) {
            listed["NextToken"] = last.number.to_string().into();
        }
        Ok(Reply::json(&listed))
    }

    /// Before the end only: stops the backend, and the transaction rolls back.
    pub(super) async fn cancel(&self, core: &Core, call: &Call) -> Result<Reply, AwsError> {
        let (request, statement, _) = self.asked(core, call)?;
        let ended = statement.update(core.clock.now(), |progress| {
            let ended = progress.status.is_final().then_some(progress.status);
            progress.cancelled = progress.cancelled || ended.is_none();
            ended
        });
        if let Some(status) = ended {
            let status = json!(status);
            return Err(validation(&format!(
                "Could not cancel a query that is already in {} state with ID: {}",
                status.as_str().unwrap_or_default(),
                request.id
            )));
        }
        let backend = statement
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

    /// The request, its statement and, for `id:n`, the number.
    fn asked(&self, core: &Core, call: &Call) -> Result<(ById, Arc<Statement>, Option<usize>), AwsError> {
        let request: ById = call.json()?;
        permit(core, call)?;
        let (id, number) = match request.id.split_once(':') {
            Some((id, number)) => (
                id,
                Some(
                    number
                        .parse()
                        .ok()
                        .filter(|number| *number > 0)
                        .ok_or_else(|| no_statement(&request.id))?,
                ),
            ),
            None => (request.id.as_str(), None),
        };
        let statement = self
            .registry
            .find(&call.caller.account, id, call.now)
            .ok_or_else(|| no_statement(&request.id))?;
        Ok((request, statement, number))
    }
}

async fn wait(statement: &Statement, seconds: Option<u64>) -> Result<(), AwsError> {
    match seconds {
        Some(seconds) if seconds > WAIT_SECONDS_MAX => {
            Err(validation("WaitTimeSeconds must be between 0 and 30"))
        }
        Some(seconds) => {
            statement.wait(seconds).await;
            Ok(())
        }
        None => Ok(()),
    }
}

fn has_status(statement: &Statement, wanted: Option<&str>) -> bool {
    let own = json!(statement.progress().status);
    wanted.is_none_or(|wanted| wanted == "ALL" || own == wanted)
}

fn permit(core: &Core, call: &Call) -> Result<(), AwsError> {
    let action = format!("redshift-data:{}", call.operation);
    core.authorize(&call.caller, &action, "*", &call.context())
        .map_err(|denied| AwsError::bad("AccessDeniedException", denied.message()))
}

fn no_statement(id: &str) -> AwsError {
    AwsError::bad("ResourceNotFoundException", format!("Query does not exist: {id}"))
}
