//! IAM's operations by name.

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::{operations, role_policies};
use crate::protocol::{Protocol, Reply, Xml};
use crate::service::{Call, Service};

/// The service. Its state is the core's, because every service asks it for policies.
pub(crate) struct Iam;

#[async_trait::async_trait]
impl Service for Iam {
    fn signing_name(&self) -> &'static str {
        "iam"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query {
            namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
        }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let operation: fn(&Core, &Call) -> Result<Xml, AwsError> = match call.operation.as_str() {
            "CreateRole" => operations::create_role,
            "GetRole" => operations::get_role,
            "DeleteRole" => operations::delete_role,
            "UpdateAssumeRolePolicy" => operations::update_assume_role_policy,
            "PutRolePermissionsBoundary" => role_policies::put_permissions_boundary,
            "PutRolePolicy" => role_policies::put,
            "GetRolePolicy" => role_policies::get,
            "DeleteRolePolicy" => role_policies::delete,
            "ListRolePolicies" => role_policies::list,
            other => return Err(AwsError::not_implemented("iam", other)),
        };
        operation(core, call).map(Reply::from)
    }
}
