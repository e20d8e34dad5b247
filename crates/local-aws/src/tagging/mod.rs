//! Resource Groups Tagging: resources of all services by tag.

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

/// The service.
#[derive(Default)]
pub(crate) struct Tagging;

#[async_trait::async_trait]
impl Service for Tagging {
    fn signing_name(&self) -> &'static str {
        "tagging"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    async fn call(&self, _core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        Err(AwsError::not_implemented("tagging", &call.operation))
    }
}
