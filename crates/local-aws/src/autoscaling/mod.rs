//! Auto Scaling: groups whose instances are real EC2 instances.

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

/// The service.
#[derive(Default)]
pub(crate) struct AutoScaling;

#[async_trait::async_trait]
impl Service for AutoScaling {
    fn signing_name(&self) -> &'static str {
        "autoscaling"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query {
            namespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/",
        }
    }

    async fn call(&self, _core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        Err(AwsError::not_implemented("autoscaling", &call.operation))
    }
}
