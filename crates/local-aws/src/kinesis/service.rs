//! Kinesis behind the endpoint's JSON protocol: limits of the body, inventory.

use std::sync::Arc;

use http::StatusCode;

use super::{Kinesis, Refusal, Scope};
use crate::control::{Fault, InventoryItem};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

/// 10 MiB of records in base64 with their names.
const BODY_BYTES_MAX: usize = 16 << 20;

#[async_trait::async_trait]
impl Service for Kinesis {
    fn signing_name(&self) -> &'static str {
        "kinesis"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    fn body_bytes_max(&self) -> usize {
        BODY_BYTES_MAX
    }

    /// Records meet a full disk where they are written.
    fn carries(&self, fault: &Fault, operation: &str) -> bool {
        *fault == Fault::DiskFull && matches!(operation, "PutRecord" | "PutRecords")
    }

    fn is_saved_by_the_endpoint(&self) -> bool {
        false
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let answer = self
            .answer(Scope { core, call }, &call.operation, &call.body)
            .await;
        answer
            .map(|json| Reply::Json(json.into()))
            .map_err(AwsError::from)
    }

    fn inventory(&self, core: &Core) -> Vec<InventoryItem> {
        let streams = self.all(core.clock.now());
        let items = streams.iter().map(|stream| {
            let topology = stream.read();
            let facts = &topology.facts;
            InventoryItem {
                account: facts.account.clone(),
                region: facts.region.clone(),
                kind: "kinesis:stream".to_owned(),
                id: facts.arn(),
                tags: facts.tags.clone(),
                created_by: facts.created_by.clone(),
            }
        });
        items.collect()
    }
}

impl From<Refusal> for AwsError {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            "InternalFailure" => StatusCode::INTERNAL_SERVER_ERROR,
            "NotImplemented" => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, refusal.code, refusal.message)
    }
}
