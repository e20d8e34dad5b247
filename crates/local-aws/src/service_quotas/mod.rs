//! Service Quotas: default and applied quotas, and requests to raise them.

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

/// The service.
#[derive(Default)]
pub(crate) struct ServiceQuotas;

#[async_trait::async_trait]
impl Service for ServiceQuotas {
    fn signing_name(&self) -> &'static str {
        "servicequotas"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    async fn call(&self, _core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        Err(AwsError::not_implemented("servicequotas", &call.operation))
    }
}
