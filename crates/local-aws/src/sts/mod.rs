//! STS: who am I, and becoming a role in another account.

mod assume_role;
mod request;

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply, Xml};
use crate::service::{Call, Service};

/// The service. It holds nothing: roles are IAM's, keys are the key ring's.
pub(crate) struct Sts;

#[async_trait::async_trait]
impl Service for Sts {
    fn signing_name(&self) -> &'static str {
        "sts"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query {
            namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        match call.operation.as_str() {
            "AssumeRole" => assume_role::assume_role(core, call).map(Reply::from),
            "GetCallerIdentity" => Ok(caller_identity(call).into()),
            other => Err(AwsError::not_implemented("sts", other)),
        }
    }
}

/// Needs no permission: "Permissions are not required" (STS API reference, GetCallerIdentity).
fn caller_identity(call: &Call) -> Xml {
    let mut xml = Xml::new();
    xml.leaf("Arn", &call.caller.principal_arn)
        .leaf("UserId", call.caller.user_id())
        .leaf("Account", &call.caller.account);
    xml
}
