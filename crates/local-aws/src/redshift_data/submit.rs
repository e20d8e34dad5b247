//! ExecuteStatement and BatchExecuteStatement: checked, registered, answered at once, run in the background.
//!
//! Sources: API_ExecuteStatement, API_BatchExecuteStatement.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::statement::{NotTaken, SqlParameter, Statement, Submission, Taken};
use super::{RedshiftData, dialect, run, validation, views};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::Reply;
use crate::service::Call;

/// Most bytes of SQL in one call (read 2026-11).
const SQL_BYTES_MAX: usize = 100 << 10;
/// Most statements of a batch (read 2026-11).
const BATCH_STATEMENTS_MAX: usize = 40;
/// Longest wait a call may ask for.
pub(super) const WAIT_SECONDS_MAX: u64 = 30;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    sql: Option<String>,
    sqls: Option<Vec<String>>,
    cluster_identifier: Option<String>,
    workgroup_name: Option<String>,
    session_id: Option<String>,
    session_keep_alive_seconds: Option<i32>,
    database: Option<String>,
    db_user: Option<String>,
    secret_arn: Option<String>,
    statement_name: Option<String>,
    parameters: Option<Vec<SqlParameter>>,
    client_token: Option<String>,
    result_format: Option<String>,
    execution_mode: Option<String>,
    wait_time_seconds: Option<u64>,
}

impl RedshiftData {
    pub(super) async fn execute(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let request: Request = call.json()?;
        if request.sqls.is_some() || request.execution_mode.is_some() {
            return Err(validation(
                "Sqls and ExecutionMode belong to BatchExecuteStatement",
            ));
        }
        let sql = request.sql.clone().ok_or_else(|| validation("Sql is required"))?;
        self.submit(core, call, (request, vec![sql])).await
    }

    pub(super) async fn execute_batch(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let request: Request = call.json()?;
        let sqls = request.sqls.clone().unwrap_or_default();
        if !(1..=BATCH_STATEMENTS_MAX).contains(&sqls.len()) {
            return Err(validation("Sqls must hold between 1 and 40 statements"));
        }
        self.submit(core, call, (request, sqls)).await
    }

    async fn submit(
        &self,
        core: &Arc<Core>,
        call: &Call,
        (request, sqls): (Request, Vec<String>),
    ) -> Result<Reply, AwsError> {
        check_target(&request)?;
        check_text(&request, &sqls)?;
        let resource = resource(call, &request);
        let action = format!("redshift-data:{}", call.operation);
        core.authorize(&call.caller, &action, &resource, &call.context())
            .map_err(|denied| AwsError::bad("AccessDeniedException", denied.message()))?;
        if core.warehouse_url.is_none() {
            return Err(validation(
                "Redshift endpoint doesn't exist: this endpoint was started without a warehouse",
            ));
        }
        let wait = request.wait_time_seconds;
        let token = request.client_token.clone();
        let submission = submission(call, request, sqls);
        let statement = match self.registry.take(submission, token, (core.ids.uuid(), call.now)) {
            Ok(Taken::New(statement)) => {
                tokio::spawn(run::run(Arc::clone(core), Arc::clone(&statement)));
                statement
            }
            Ok(Taken::Before(statement)) => statement,
            Err(NotTaken::OtherRequest) => {
                return Err(validation("ClientToken was used before with other parameters"));
            }
            Err(NotTaken::TooMany) => {
                return Err(AwsError::bad(
                    "ActiveStatementsExceededException",
                    "more than 500 statements are active",
                ));
            }
        };
        if let Some(seconds) = wait {
            statement.wait(seconds).await;
        }
        Ok(Reply::json(&views::submitted(&statement, wait.is_some())))
    }
}

fn submission(call: &Call, request: Request, sqls: Vec<String>) -> Submission {
    Submission {
        account: call.caller.account.clone(),
        cluster: request.cluster_identifier,
        workgroup: request.workgroup_name,
        database: request.database.unwrap_or_default(),
        db_user: request.db_user,
        secret_arn: request.secret_arn,
        name: request.statement_name,
        sqls,
        batch: call.operation == "BatchExecuteStatement",
        transaction: request.execution_mode.as_deref() != Some("AUTO_COMMIT"),
        parameters: request.parameters.unwrap_or_default(),
    }
}

/// "Exactly one of" cluster, workgroup and session; what each of them needs.
fn check_target(request: &Request) -> Result<(), AwsError> {
    let given = [
        &request.cluster_identifier,
        &request.workgroup_name,
        &request.session_id,
    ];
    if given.into_iter().flatten().count() != 1 {
        return Err(validation(
            "exactly one of ClusterIdentifier, WorkgroupName and SessionId is required",
        ));
    }
    if request.session_id.is_some() || request.session_keep_alive_seconds.is_some() {
        return Err(AwsError::not_implemented("redshift-data", "sessions"));
    }
    if request.database.as_deref().unwrap_or_default().is_empty() {
        return Err(validation("Database is required"));
    }
    if request.db_user.is_some() && request.secret_arn.is_some() {
        return Err(validation("only one of DbUser and SecretArn can be given"));
    }
    if request.workgroup_name.is_some() && request.db_user.is_some() {
        return Err(validation("DbUser cannot be given with WorkgroupName"));
    }
    match request.result_format.as_deref() {
        None | Some("JSON") => Ok(()),
        Some(_) => Err(AwsError::not_implemented(
            "redshift-data",
            "the result format CSV",
        )),
    }
}

fn check_text(request: &Request, sqls: &[String]) -> Result<(), AwsError> {
    let bytes: usize = sqls.iter().map(String::len).sum();
    if bytes > SQL_BYTES_MAX {
        return Err(validation("the SQL text is longer than 100 KB"));
    }
    if sqls.iter().any(|sql| sql.trim().is_empty() || sql.contains('\0')) {
        return Err(validation("a SQL text is empty or holds a zero byte"));
    }
    if request
        .wait_time_seconds
        .is_some_and(|seconds| seconds > WAIT_SECONDS_MAX)
    {
        return Err(validation("WaitTimeSeconds must be between 0 and 30"));
    }
    if !matches!(
        request.execution_mode.as_deref(),
        None | Some("TRANSACTION" | "AUTO_COMMIT")
    ) {
        return Err(validation("unknown ExecutionMode"));
    }
    check_parameters(request.parameters.as_deref().unwrap_or_default(), sqls)
}

/// Each named parameter has a value, each value a name in some statement; a batch shares them.
fn check_parameters(parameters: &[SqlParameter], sqls: &[String]) -> Result<(), AwsError> {
    let given: BTreeSet<_> = parameters
        .iter()
        .map(|parameter| parameter.name.clone())
        .collect();
    let named: BTreeSet<_> = sqls.iter().flat_map(|sql| dialect::names(sql)).collect();
    if given.len() != parameters.len() {
        return Err(validation("a parameter is given twice"));
    }
    if parameters
        .iter()
        .any(|parameter| parameter.value.is_empty() || parameter.value.contains('\0'))
    {
        return Err(validation(
            "a parameter's value has at least one character and no zero byte",
        ));
    }
    if let Some(missing) = named.difference(&given).next() {
        return Err(validation(&format!("Parameter '{missing}' is missing")));
    }
    match given.difference(&named).next() {
        Some(unused) => Err(validation(&format!(
            "Parameters list contains unused parameters. Unused parameters: [{unused}]"
        ))),
        None => Ok(()),
    }
}

fn resource(call: &Call, request: &Request) -> String {
    let (region, account) = (&call.region, &call.caller.account);
    match (&request.cluster_identifier, &request.workgroup_name) {
        (Some(cluster), _) => format!("arn:aws:redshift:{region}:{account}:cluster:{cluster}"),
        (_, Some(workgroup)) => {
            format!("arn:aws:redshift-serverless:{region}:{account}:workgroup/{workgroup}")
        }
        (None, None) => "*".to_owned(),
    }
}

/// The statement's values by name.
pub(super) fn values(statement: &Statement) -> std::collections::BTreeMap<String, String> {
    let parameters = statement.submission.parameters.iter();
    parameters
        .map(|parameter| (parameter.name.clone(), parameter.value.clone()))
        .collect()
}
