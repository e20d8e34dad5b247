//! CloudTrail: an account looks up the calls made in it.

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

/// The service.
#[derive(Default)]
pub(crate) struct CloudTrail;

#[async_trait::async_trait]
impl Service for CloudTrail {
    fn signing_name(&self) -> &'static str {
        "cloudtrail"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    async fn call(&self, _core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        Err(AwsError::not_implemented("cloudtrail", &call.operation))
    }
}
