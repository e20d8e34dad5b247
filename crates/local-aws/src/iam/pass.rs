//! Giving a role to a service.

use crate::auth::Caller;
use crate::core::{Core, Denied};
use crate::iam::policy::Context;

/// Asks whether the caller may pass a role to a service, such as `ec2.amazonaws.com`. Every operation that takes a
/// role or an instance profile asks it beside its own action, with the context of the request.
///
/// Source: IAM user guide, "Grant a user permissions to pass a role to an AWS service".
pub(crate) fn authorize(
    core: &Core,
    caller: &Caller,
    role_arn: &str,
    (service, request): (&str, &Context),
) -> Result<(), Denied> {
    let tags = core.iam.role(role_arn).map(|role| role.tags).unwrap_or_default();
    let context = request
        .clone()
        .resource_tags(&tags)
        .with("iam:PassedToService", service);
    core.authorize(caller, "iam:PassRole", role_arn, &context)
}
