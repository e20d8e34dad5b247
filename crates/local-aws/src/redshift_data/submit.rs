//! ExecuteStatement and BatchExecuteStatement: checked, registered, answered at once, run in the background.
//!
//! Sources: API_ExecuteStatement, API_BatchExecuteStatement.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use super::registry::{Arrival, NotTaken, Taken};
use super::session::LIFETIME;
use super::statement::{Owner, SqlParameter, Statement, Submission};
use super::target::Target;
use super::{RedshiftData, ask, dialect, run, validation, views};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::Reply;
use crate::service::Call;

/// Most bytes of SQL in one call (read 2026-11).
const SQL_BYTES_MAX: usize = 100 << 10;
/// Most statements of a batch (read 2026-11).
const BATCH_STATEMENTS_MAX: usize = 40;
const TOKEN_CHARACTERS_MAX: usize = 64;
const NAME_CHARACTERS_MAX: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    sql: Option<String>,
    sqls: Option<Vec<String>>,
    #[serde(flatten)]
    target: Target,
    session_id: Option<String>,
    session_keep_alive_seconds: Option<i64>,
    statement_name: Option<String>,
    parameters: Option<Vec<SqlParameter>>,
    client_token: Option<String>,
    result_format: Option<String>,
    execution_mode: Option<String>,
    wait_time_seconds: Option<i64>,
    #[serde(default)]
    with_event: bool,
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
        self.admit_request(core, call, &request)?;
        let wait = ask::wait_seconds(request.wait_time_seconds)?;
        check_request(&request)?;
        check_text(&sqls)?;
        check_parameters(request.parameters.as_deref().unwrap_or_default(), &sqls)?;
        let arrival = Arrival {
            token: request.client_token.clone(),
            now: call.now,
            id: core.ids.uuid(),
            session_id: core.ids.uuid(),
            fault: call.fault.clone(),
        };
        let statement = match self.registry.take(submission(call, request, sqls), arrival) {
            Ok(Taken::New(statement)) => {
                tokio::spawn(run::run(Arc::clone(core), Arc::clone(&statement)));
                statement
            }
            Ok(Taken::Before(statement)) => statement,
            Err(why) => return Err(not_taken(why)),
        };
        if let Some(seconds) = wait {
            ask::wait(&statement, seconds).await?;
        }
        Ok(Reply::json(&views::submitted(&statement, wait.is_some())))
    }

    /// Who may connect where: to what the request names, or to what its session is connected to.
    fn admit_request(&self, core: &Core, call: &Call, request: &Request) -> Result<(), AwsError> {
        let Some(id) = &request.session_id else {
            return self.admit(core, call, &request.target);
        };
        if request.target != Target::default() {
            return Err(validation(
                "ClusterIdentifier, WorkgroupName, Database, DbUser and SecretArn cannot be given with SessionId",
            ));
        }
        let session = self
            .registry
            .session(&Owner::of(call), id)
            .ok_or_else(|| not_taken(NotTaken::NoSession))?;
        self.admit(core, call, &session.target)
    }
}

fn submission(call: &Call, request: Request, sqls: Vec<String>) -> Submission {
    Submission {
        owner: Owner::of(call),
        target: request.target,
        session: request.session_id,
        keep_alive: request.session_keep_alive_seconds,
        name: request.statement_name,
        sqls,
        batch: call.operation == "BatchExecuteStatement",
        transaction: request.execution_mode.as_deref() != Some("AUTO_COMMIT"),
        csv: request.result_format.as_deref() == Some("CSV"),
        parameters: request.parameters.unwrap_or_default(),
    }
}

fn not_taken(why: NotTaken) -> AwsError {
    match why {
        NotTaken::OtherRequest => validation("ClientToken was used before with other parameters"),
        NotTaken::TooMany => AwsError::bad(
            "ActiveStatementsExceededException",
            "Active statements exceeded the allowed quota (500).",
        ),
        NotTaken::TooManySessions => AwsError::bad(
            "ActiveSessionsExceededException",
            "Active sessions exceeded the allowed quota (500).",
        ),
        NotTaken::NoSession => AwsError::bad("ResourceNotFoundException", "Session does not exist."),
        NotTaken::SessionBusy => {
            validation("Session is not available: it can run one SQL statement at a time")
        }
        NotTaken::SessionClosed => validation("Session is not available: it has expired"),
    }
}

fn check_request(request: &Request) -> Result<(), AwsError> {
    let keep_alive = request.session_keep_alive_seconds.unwrap_or(0);
    if !(0..=LIFETIME.num_seconds()).contains(&keep_alive) {
        return Err(validation("SessionKeepAliveSeconds must be between 0 and 86400"));
    }
    let too_long =
        |text: &Option<String>, most: usize| text.as_ref().is_some_and(|text| text.chars().count() > most);
    if request.client_token.as_deref() == Some("") || too_long(&request.client_token, TOKEN_CHARACTERS_MAX) {
        return Err(validation("ClientToken has 1 to 64 characters"));
    }
    if too_long(&request.statement_name, NAME_CHARACTERS_MAX) {
        return Err(validation("StatementName has at most 500 characters"));
    }
    if !matches!(request.result_format.as_deref(), None | Some("JSON" | "CSV")) {
        return Err(validation("ResultFormat is JSON or CSV"));
    }
    if !matches!(
        request.execution_mode.as_deref(),
        None | Some("TRANSACTION" | "AUTO_COMMIT")
    ) {
        return Err(validation("ExecutionMode is TRANSACTION or AUTO_COMMIT"));
    }
    if request.with_event {
        // There is no event bus here, and a promise of an event would be one too many.
        return Err(AwsError::not_implemented("redshift-data", "WithEvent"));
    }
    Ok(())
}

fn check_text(sqls: &[String]) -> Result<(), AwsError> {
    let bytes: usize = sqls.iter().map(String::len).sum();
    if bytes > SQL_BYTES_MAX {
        return Err(validation("Cannot process query string larger than 100kB"));
    }
    if sqls.iter().any(|sql| sql.trim().is_empty() || sql.contains('\0')) {
        return Err(validation("a SQL text is empty or holds a zero byte"));
    }
    Ok(())
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
    parameters.iter().try_for_each(check_parameter)?;
    if let Some(missing) = named.difference(&given).next() {
        return Err(validation(format!("Parameter '{missing}' is missing")));
    }
    match given.difference(&named).next() {
        Some(unused) => Err(validation(format!(
            "Parameters list contains unused parameters. Unused parameters: [{unused}]"
        ))),
        None => Ok(()),
    }
}

fn check_parameter(parameter: &SqlParameter) -> Result<(), AwsError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if parameter.name.is_empty() || !parameter.name.bytes().all(allowed) {
        return Err(validation(
            "a parameter's name must match the pattern ^[0-9a-zA-Z_]+$",
        ));
    }
    if parameter.value.is_empty() || parameter.value.contains('\0') {
        return Err(validation(
            "a parameter's value has at least one character and no zero byte",
        ));
    }
    Ok(())
}

/// The statement's values by name.
pub(super) fn values(statement: &Statement) -> BTreeMap<String, String> {
    let parameters = statement.submission.parameters.iter();
    parameters
        .map(|parameter| (parameter.name.clone(), parameter.value.clone()))
        .collect()
}
