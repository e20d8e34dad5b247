//! The Redshift Data API over a PostgreSQL database that plays the warehouse.
//!
//! A call answers at once and the statement runs in the background, through `SUBMITTED`, `PICKED` and `STARTED` to its
//! end. Only statement shapes on an allow-list run ([`dialect`]); COPY reads Parquet through the endpoint's own S3
//! ([`copy`]). History lives in memory for 24 hours of the endpoint's clock. Sessions, CSV results and the metadata
//! operations are not built and say so. All clusters and workgroups of an endpoint share its one warehouse.

mod ask;
mod copy;
mod dialect;
mod run;
mod statement;
mod submit;
mod views;

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};
use statement::Registry;

/// The statements of one endpoint.
#[derive(Default)]
pub(crate) struct RedshiftData {
    registry: Registry,
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
            "GetStatementResult" => self.result(core, call).await,
            "ListStatements" => self.list(core, call),
            "CancelStatement" => self.cancel(core, call).await,
            other => Err(AwsError::not_implemented("redshift-data", other)),
        }
    }
}

fn validation(message: &str) -> AwsError {
    AwsError::bad("ValidationException", message)
}
