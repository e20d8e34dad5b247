//! Elastic Load Balancing v2: load balancers, target groups, listeners and the health of targets.

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

/// The service.
#[derive(Default)]
pub(crate) struct Elbv2;

#[async_trait::async_trait]
impl Service for Elbv2 {
    fn signing_name(&self) -> &'static str {
        "elasticloadbalancing"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query {
            namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
        }
    }

    async fn call(&self, _core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        Err(AwsError::not_implemented("elasticloadbalancing", &call.operation))
    }
}
