//! The Redshift Data API over a PostgreSQL database that plays the warehouse.
//!
//! A call answers at once and the statement runs in the background, through `SUBMITTED`, `PICKED` and `STARTED` to its
//! end. Only statement shapes on an allow-list run ([`dialect`]); COPY reads Parquet through the endpoint's own S3
//! ([`copy`]). History and sessions live in memory for 24 hours of the endpoint's clock. All clusters and workgroups
//! of an endpoint share its one warehouse, and so do the databases that callers name.

mod ask;
mod catalog;
mod connect;
mod copy;
mod csv;
mod dialect;
mod history;
mod registry;
mod results;
mod run;
mod session;
mod statement;
mod submit;
mod target;
mod views;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::policy::Context;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};
use registry::Registry;

/// The statements and sessions of one endpoint.
#[derive(Default)]
pub(crate) struct RedshiftData {
    registry: Registry,
    /// Clusters and workgroups that exist; `None` lets every name be one.
    targets: Mutex<Option<BTreeSet<String>>>,
}

impl RedshiftData {
    /// Lets these clusters and workgroups exist and no others.
    pub(crate) fn limit_targets(&self, names: Option<&[&str]>) {
        let names = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        *self.targets.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Forgets every statement that has ended.
    pub(crate) fn forget_history(&self) {
        self.registry.forget_ended();
    }

    fn has_target(&self, name: &str) -> bool {
        let targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        targets.as_ref().is_none_or(|names| names.contains(name))
    }
}

#[async_trait::async_trait]
impl Service for RedshiftData {
    fn signing_name(&self) -> &'static str {
        "redshift-data"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        match call.operation.as_str() {
            "ExecuteStatement" => self.execute(core, call).await,
            "BatchExecuteStatement" => self.execute_batch(core, call).await,
            "DescribeStatement" => self.describe(core, call).await,
            "CancelStatement" => self.cancel(core, call).await,
            "GetStatementResult" => self.result(core, call).await,
            "GetStatementResultV2" => self.result_v2(core, call).await,
            "ListStatements" => self.list_statements(core, call),
            "ListSessions" => self.list_sessions(core, call),
            "ListDatabases" => self.list_databases(core, call).await,
            "ListSchemas" => self.list_schemas(core, call).await,
            "ListTables" => self.list_tables(core, call).await,
            "DescribeTable" => self.describe_table(core, call).await,
            other => Err(AwsError::not_implemented("redshift-data", other)),
        }
    }
}

fn validation(message: impl std::fmt::Display) -> AwsError {
    AwsError::bad("ValidationException", message)
}

/// Asks for the running operation on a resource.
fn permit(core: &Core, call: &Call, resource: &str, context: &Context) -> Result<(), AwsError> {
    let action = format!("redshift-data:{}", call.operation);
    permit_action(core, call, &action, (resource, context))
}

fn permit_action(
    core: &Core,
    call: &Call,
    action: &str,
    (resource, context): (&str, &Context),
) -> Result<(), AwsError> {
    core.authorize(&call.caller, action, resource, context)
        .map_err(|denied| AwsError::bad("AccessDeniedException", denied.message()))
}

/// The size of a page within its documented bounds; 0 and nothing mean the largest.
fn page_size(asked: Option<i64>, most: usize) -> Result<usize, AwsError> {
    let Some(asked) = asked else {
        return Ok(most);
    };
    match usize::try_from(asked) {
        Ok(0) => Ok(most),
        Ok(size) if size <= most => Ok(size),
        _ => Err(validation(format!(
            "1 validation error detected: Value '{asked}' at 'maxResults' must be between 0 and {most}"
        ))),
    }
}

fn bad_token() -> AwsError {
    validation("The NextToken is not one of this list")
}
