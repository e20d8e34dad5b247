//! IAM's operations by name.

use std::sync::Arc;

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::entity::Kind;
use crate::iam::{
    access_keys, attached, inline, linked, managed_operations, operations, profiles, simulate, users,
};
use crate::protocol::{Protocol, Reply, Xml};
use crate::service::{Call, Service};

/// The service. Its state is the core's, because every service asks it for policies.
pub(crate) struct Iam;

type Operation = fn(&Core, &Call) -> Result<Xml, AwsError>;

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
        let name = call.operation.as_str();
        let operation = role(name)
            .or_else(|| policy(name))
            .or_else(|| user(name))
            .ok_or_else(|| AwsError::not_implemented("iam", name))?;
        operation(core, call).map(Reply::from)
    }
}

fn role(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateRole" => operations::create_role,
        "GetRole" => operations::get_role,
        "ListRoles" => operations::list_roles,
        "UpdateRole" => operations::update_role,
        "DeleteRole" => operations::delete_role,
        "UpdateAssumeRolePolicy" => operations::update_assume_role_policy,
        "TagRole" => operations::tag_role,
        "UntagRole" => operations::untag_role,
        "ListRoleTags" => operations::list_role_tags,
        "PutRolePermissionsBoundary" => attached::put_boundary,
        "DeleteRolePermissionsBoundary" => attached::delete_boundary,
        "PutRolePolicy" => |core, call| inline::put(core, call, Kind::Role),
        "GetRolePolicy" => |core, call| inline::get(core, call, Kind::Role),
        "DeleteRolePolicy" => |core, call| inline::delete(core, call, Kind::Role),
        "ListRolePolicies" => |core, call| inline::list(core, call, Kind::Role),
        "AttachRolePolicy" => |core, call| attached::attach(core, call, Kind::Role),
        "DetachRolePolicy" => |core, call| attached::detach(core, call, Kind::Role),
        "ListAttachedRolePolicies" => |core, call| attached::list(core, call, Kind::Role),
        "CreateServiceLinkedRole" => linked::create,
        "CreateInstanceProfile" => profiles::create_operation,
        "GetInstanceProfile" => profiles::get,
        "DeleteInstanceProfile" => profiles::delete_operation,
        "AddRoleToInstanceProfile" => profiles::add_role_operation,
        "RemoveRoleFromInstanceProfile" => profiles::remove_role_operation,
        "ListInstanceProfiles" => profiles::list,
        "ListInstanceProfilesForRole" => profiles::list_for_role,
        _ => return None,
    })
}

fn policy(name: &str) -> Option<Operation> {
    Some(match name {
        "CreatePolicy" => managed_operations::create,
        "GetPolicy" => managed_operations::get,
        "DeletePolicy" => managed_operations::delete,
        "ListPolicies" => managed_operations::list,
        "ListEntitiesForPolicy" => managed_operations::list_entities,
        "CreatePolicyVersion" => managed_operations::create_version,
        "GetPolicyVersion" => managed_operations::get_version,
        "ListPolicyVersions" => managed_operations::list_versions,
        "SetDefaultPolicyVersion" => managed_operations::set_default_version,
        "DeletePolicyVersion" => managed_operations::delete_version,
        "SimulatePrincipalPolicy" => simulate::principal_policy,
        _ => return None,
    })
}

fn user(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateUser" => users::create,
        "GetUser" => users::get,
        "DeleteUser" => users::delete,
        "PutUserPolicy" => |core, call| inline::put(core, call, Kind::User),
        "GetUserPolicy" => |core, call| inline::get(core, call, Kind::User),
        "DeleteUserPolicy" => |core, call| inline::delete(core, call, Kind::User),
        "ListUserPolicies" => |core, call| inline::list(core, call, Kind::User),
        "AttachUserPolicy" => |core, call| attached::attach(core, call, Kind::User),
        "DetachUserPolicy" => |core, call| attached::detach(core, call, Kind::User),
        "ListAttachedUserPolicies" => |core, call| attached::list(core, call, Kind::User),
        "CreateAccessKey" => access_keys::create,
        "ListAccessKeys" => access_keys::list,
        "UpdateAccessKey" => access_keys::update,
        "DeleteAccessKey" => access_keys::delete,
        _ => return None,
    })
}
