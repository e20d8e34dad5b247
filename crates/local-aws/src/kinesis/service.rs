//! Kinesis behind the endpoint's JSON protocol: permission, limits of the body, inventory.

use std::sync::Arc;

use http::StatusCode;

use super::{Kinesis, Refusal, Scope};
use crate::control::InventoryItem;
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

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let permit = |arn: &str| {
            let action = format!("kinesis:{}", call.operation);
            core.authorize(&call.caller, &action, arn, &call.context())
                .map_err(|denied| Refusal::new("AccessDeniedException", denied.message()))
        };
        let scope = Scope {
            account: &call.caller.account,
            region: &call.region,
            principal: &call.caller.principal_arn,
            permit: &permit,
            failing_per_million: call.failing_per_million,
            fault_draw: if call.failing_per_million > 0 {
                core.ids.below(u64::MAX)
            } else {
                0
            },
        };
        let answer = self.call(scope, &call.operation, &call.body).await;
        answer
            .map(|json| Reply::Json(json.into()))
            .map_err(AwsError::from)
    }

    fn inventory(&self, _core: &Core) -> Vec<InventoryItem> {
        let streams = self.all();
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
