//! Statements as the wire shows them.
//!
//! Sources: API_DescribeStatement, API_SubStatementData, API_Field, API_ColumnMetadata.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use tokio_postgres::types::Type;

use super::session::Session;
use super::statement::{Progress, ResultColumn, ResultSet, Statement, Status, Step};
use crate::kinesis::Epoch;

/// Adds a value that is there.
fn put(view: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let (Some(value), Some(view)) = (value, view.as_object_mut()) {
        view.insert(key.to_owned(), value.into());
    }
}

fn targets(view: &mut Value, statement: &Statement) {
    let target = &statement.target;
    put(view, "ClusterIdentifier", target.cluster_identifier.clone());
    put(view, "WorkgroupName", target.workgroup_name.clone());
    put(view, "Database", target.database.clone());
    put(view, "DbUser", target.db_user.clone());
    put(view, "SecretArn", target.secret_arn.clone());
    put(view, "SessionId", session_id(statement));
}

fn session_id(statement: &Statement) -> Option<String> {
    statement.session.as_ref().map(|session| session.id.clone())
}

fn format(statement: &Statement) -> &'static str {
    if statement.submission.csv { "CSV" } else { "JSON" }
}

/// The answer to a submission. With a wait it says how far the statement has come.
pub(super) fn submitted(statement: &Statement, waited: bool) -> Value {
    let mut view = json!({ "Id": statement.id, "CreatedAt": Epoch(statement.created_at) });
    targets(&mut view, statement);
    if waited {
        let progress = statement.progress();
        put(&mut view, "Status", Some(json!(progress.status)));
        put(&mut view, "HasResultSet", Some(has_result(&progress)));
        put(&mut view, "RedshiftPid", Some(progress.pid));
    }
    view
}

fn has_result(progress: &Progress) -> bool {
    progress.steps.iter().any(|step| step.result.is_some())
}

/// DescribeStatement of a whole submission.
pub(super) fn described(statement: &Statement) -> Value {
    let progress = statement.progress();
    let submission = &statement.submission;
    let nanos: i64 = progress.steps.iter().map(|step| step.nanos).sum();
    let mut view = json!({
        "Id": statement.id,
        "Status": progress.status,
        "CreatedAt": Epoch(statement.created_at),
        "UpdatedAt": Epoch(progress.updated_at),
        "Duration": if progress.status == Status::Finished { nanos } else { -1 },
        "HasResultSet": has_result(&progress),
        "RedshiftPid": progress.pid,
        "RedshiftQueryId": 0,
        "ResultFormat": format(statement),
    });
    targets(&mut view, statement);
    put(&mut view, "Error", progress.error.clone());
    if !submission.parameters.is_empty() {
        put(&mut view, "QueryParameters", Some(json!(submission.parameters)));
    }
    if submission.batch {
        let mode = if submission.transaction {
            "TRANSACTION"
        } else {
            "AUTO_COMMIT"
        };
        put(&mut view, "ExecutionMode", Some(mode));
        let steps = (1..)
            .zip(&progress.steps)
            .map(|(number, step)| sub_statement(statement, number, step));
        put(&mut view, "SubStatements", Some(steps.collect::<Vec<_>>()));
        put(&mut view, "ResultRows", Some(-1));
        put(&mut view, "ResultSize", Some(-1));
    } else if let (Some(step), Some(sql)) = (progress.steps.first(), submission.sqls.first()) {
        put(&mut view, "QueryString", Some(sql.clone()));
        put(&mut view, "ResultRows", Some(step.rows));
        put(&mut view, "ResultSize", Some(step.bytes));
    }
    view
}

/// DescribeStatement of one statement of a batch.
pub(super) fn described_part(statement: &Statement, number: usize, step: &Step) -> Value {
    let mut view = sub_statement(statement, number, step);
    targets(&mut view, statement);
    put(&mut view, "RedshiftPid", Some(statement.progress().pid));
    put(&mut view, "ResultFormat", Some(format(statement)));
    view
}

/// One statement of a batch.
fn sub_statement(statement: &Statement, number: usize, step: &Step) -> Value {
    let mut view = json!({
        "Id": format!("{}:{number}", statement.id),
        "Status": step.status,
        "CreatedAt": Epoch(statement.created_at),
        "UpdatedAt": Epoch(step.updated_at),
        "Duration": if step.status == Status::Finished { step.nanos } else { -1 },
        "QueryString": statement.submission.sqls.get(number - 1),
        "HasResultSet": step.result.is_some(),
        "ResultRows": step.rows,
        "ResultSize": step.bytes,
        "RedshiftQueryId": 0,
    });
    put(&mut view, "Error", step.error.clone());
    view
}

/// One line of ListStatements.
pub(super) fn listed(statement: &Statement) -> Value {
    let progress = statement.progress();
    let submission = &statement.submission;
    let mut view = json!({
        "Id": statement.id,
        "Status": progress.status,
        "CreatedAt": Epoch(statement.created_at),
        "UpdatedAt": Epoch(progress.updated_at),
        "IsBatchStatement": submission.batch,
        "ResultFormat": format(statement),
    });
    put(&mut view, "StatementName", submission.name.clone());
    put(&mut view, "SecretArn", statement.target.secret_arn.clone());
    put(&mut view, "SessionId", session_id(statement));
    if !submission.parameters.is_empty() {
        put(&mut view, "QueryParameters", Some(json!(submission.parameters)));
    }
    if submission.batch {
        put(&mut view, "QueryStrings", Some(submission.sqls.clone()));
    } else {
        put(&mut view, "QueryString", submission.sqls.first().cloned());
    }
    view
}

/// A page of a result.
pub(super) fn page(result: &ResultSet, from: usize, rows: usize) -> Value {
    let shown = result.rows.iter().skip(from).take(rows);
    let records: Vec<Value> = shown.map(|row| row_view(&result.columns, row)).collect();
    let mut view = page_facts(result, from, rows);
    put(&mut view, "Records", Some(records));
    view
}

/// A page without its records.
pub(super) fn page_facts(result: &ResultSet, from: usize, rows: usize) -> Value {
    let next = from + rows;
    let mut view = json!({
        "ColumnMetadata": result.columns.iter().map(column).collect::<Vec<_>>(),
        "TotalNumRows": result.rows.len(),
    });
    put(
        &mut view,
        "NextToken",
        (next < result.rows.len()).then(|| super::results::token(next)),
    );
    view
}

/// One line of ListSessions.
pub(super) fn session(session: &Session, now: DateTime<Utc>) -> Value {
    let state = session.view(now);
    let target = &session.target;
    let mut view = json!({
        "SessionId": session.id,
        "Status": state.status,
        "CreatedAt": Epoch(session.created_at),
        "UpdatedAt": Epoch(state.updated_at),
        "SessionAliveSeconds": state.keep_alive.num_seconds(),
        "SessionTtl": Epoch(state.ends_at(session.created_at)),
    });
    put(&mut view, "ClusterIdentifier", target.cluster_identifier.clone());
    put(&mut view, "WorkgroupName", target.workgroup_name.clone());
    put(&mut view, "Database", target.database.clone());
    put(&mut view, "DbUser", target.db_user.clone());
    put(&mut view, "CurrentStatementId", state.current);
    view
}

fn row_view(columns: &[ResultColumn], row: &[Option<String>]) -> Value {
    columns
        .iter()
        .zip(row)
        .map(|(column, value)| field(&column.kind, value.as_deref()))
        .collect()
}

/// The union: integers, floats and booleans are themselves, all else (decimals, times, SUPER) is text.
fn field(kind: &Type, value: Option<&str>) -> Value {
    let Some(text) = value else {
        return json!({ "isNull": true });
    };
    let typed = match *kind {
        Type::BOOL => Some(("booleanValue", json!(text == "t"))),
        Type::INT2 | Type::INT4 | Type::INT8 => {
            text.parse::<i64>().ok().map(|value| ("longValue", json!(value)))
        }
        Type::FLOAT4 | Type::FLOAT8 => text
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
            .map(|value| ("doubleValue", json!(value))),
        _ => None,
    };
    let (name, value) = typed.unwrap_or_else(|| ("stringValue", json!(text)));
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

fn column(column: &ResultColumn) -> Value {
    let name = column.kind.name();
    let number = matches!(
        column.kind,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::NUMERIC | Type::FLOAT4 | Type::FLOAT8
    );
    json!({
        "name": column.name,
        "label": column.name,
        // Redshift has no type "text": what PostgreSQL calls so is a VARCHAR.
        "typeName": if name == "text" { "varchar" } else { name },
        "nullable": 1,
        "precision": 0,
        "scale": 0,
        "length": 0,
        "isSigned": number,
        "isCaseSensitive": !number,
        "isCurrency": false,
        "schemaName": "",
        "tableName": "",
    })
}
