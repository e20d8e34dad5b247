//! RDS: instances, read replicas, snapshots and Aurora global clusters.

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

/// The service.
#[derive(Default)]
pub(crate) struct Rds;

#[async_trait::async_trait]
impl Service for Rds {
    fn signing_name(&self) -> &'static str {
        "rds"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query {
            namespace: "http://rds.amazonaws.com/doc/2014-10-31/",
        }
    }

    async fn call(&self, _core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        Err(AwsError::not_implemented("rds", &call.operation))
    }
}
