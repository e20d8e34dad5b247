//! Route 53: hosted zones, record sets, health checks, and what a resolver would answer.

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

/// The service.
#[derive(Default)]
pub(crate) struct Route53;

#[async_trait::async_trait]
impl Service for Route53 {
    fn signing_name(&self) -> &'static str {
        "route53"
    }

    fn protocol(&self) -> Protocol {
        Protocol::RestXml {
            namespace: "https://route53.amazonaws.com/doc/2013-04-01/",
        }
    }

    async fn call(&self, _core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        Err(AwsError::not_implemented("route53", &call.operation))
    }
}
