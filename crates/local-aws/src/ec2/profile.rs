//! The instance profile of a launch: there, with a role, and allowed to be passed.
//!
//! Sources: IAM user guide, "Grant a user permissions to pass a role to an AWS service"; EC2 user guide, "IAM roles for
//! Amazon EC2".

use super::instance::Profile;
use super::request::{Request, invalid_value};
use crate::error::AwsError;
use crate::iam::{InstanceProfile, pass};
use crate::protocol::Params;

/// The service that takes the role.
const SERVICE: &str = "ec2.amazonaws.com";

/// The profile that the parameters name.
///
/// # Errors
/// `InvalidParameterValue` for a profile that is not there (or not there yet), or has no role;
/// `UnauthorizedOperation` when the caller may not pass the role.
pub(super) fn wanted(request: &Request<'_>, params: &Params) -> Result<Option<Profile>, AwsError> {
    let named = params.structure("IamInstanceProfile");
    let (field, name) = match (named.get("Name"), named.get("Arn")) {
        (None, None) => return Ok(None),
        (Some(name), None) => ("name", name),
        (None, Some(arn)) => ("arn", arn),
        (Some(_), Some(_)) => {
            let why = "The parameter 'iamInstanceProfile.name' may not be used in combination with \
                       'iamInstanceProfile.arn'";
            return Err(AwsError::bad("InvalidParameterCombination", why));
        }
    };
    let found = request
        .core
        .iam
        .instance_profile(&request.call.caller.account, name);
    let found = found.filter(|profile| is_visible(request, profile)).ok_or_else(|| {
        invalid_value(format!(
            "Value ({name}) for parameter iamInstanceProfile.{field} is invalid. Invalid IAM Instance Profile {field}"
        ))
    })?;
    refuse_passing(request, &found)?;
    Ok(Some(Profile {
        arn: found.arn,
        id: found.id,
    }))
}

/// A new profile reaches EC2 some seconds after IAM made it.
fn is_visible(request: &Request<'_>, profile: &InstanceProfile) -> bool {
    let lag = &request.core.lag;
    lag.role_works(&profile.id, profile.created_at, request.call.now)
}

fn refuse_passing(request: &Request<'_>, profile: &InstanceProfile) -> Result<(), AwsError> {
    let Some(role) = &profile.role else {
        return Err(invalid_value(format!(
            "IAM Instance Profile \"{}\" has no associated IAM Roles",
            profile.arn
        )));
    };
    let account = &request.call.caller.account;
    let role_arn = request
        .core
        .iam
        .lock()
        .get(account)
        .and_then(|own| Some(own.roles.get(role)?.arn.clone()));
    let role_arn = role_arn.unwrap_or_else(|| format!("arn:aws:iam::{account}:role/{role}"));
    let context = request.call.context();
    pass::authorize(request.core, &request.call.caller, &role_arn, (SERVICE, &context))
        .map_err(|denied| denied.into_error("UnauthorizedOperation"))
}
