//! One call: its parameters, permission, and the refusals that many operations share.

use super::state::Tags;
use crate::core::Core;
use crate::ec2::Place;
use crate::error::AwsError;
use crate::protocol::Params;
use crate::service::Call;

const TAGS_MAX: usize = 50;

/// A call with what is needed to carry it out.
pub(super) struct Request<'a> {
    pub(super) core: &'a Core,
    pub(super) call: &'a Call,
    pub(super) params: Params,
}

impl<'a> Request<'a> {
    pub(super) fn new(core: &'a Core, call: &'a Call) -> Result<Self, AwsError> {
        Ok(Self {
            core,
            call,
            params: call.params()?,
        })
    }

    pub(super) fn place(&self) -> Place<'a> {
        Place {
            account: &self.call.caller.account,
            region: &self.call.region,
        }
    }

    /// The ARN of something new: `loadbalancer/app/name/…`.
    pub(super) fn arn(&self, resource: &str) -> String {
        let Place { account, region } = self.place();
        format!("arn:aws:elasticloadbalancing:{region}:{account}:{resource}")
    }

    /// Sixteen hexadecimal digits, the end of every ARN.
    pub(super) fn new_id(&self) -> String {
        hex::encode(self.core.ids.bytes::<8>())
    }

    /// Permission to describe.
    pub(super) fn permit_describing(&self) -> Result<(), AwsError> {
        self.permit("*", &Tags::new(), &Tags::new())
    }

    /// Permission on a resource, with the tags it has and those the call gives.
    pub(super) fn permit(&self, arn: &str, has: &Tags, gives: &Tags) -> Result<(), AwsError> {
        let action = format!("elasticloadbalancing:{}", self.call.operation);
        let context = self.call.context().resource_tags(has).request_tags(gives);
        Ok(self.core.authorize(&self.call.caller, &action, arn, &context)?)
    }

    /// The tags of the call.
    pub(super) fn tags(&self) -> Result<Tags, AwsError> {
        let mut tags = Tags::new();
        for tag in self.params.list("Tags") {
            let key = tag.required("Key")?.to_owned();
            if key.len() > 128 || key.to_ascii_lowercase().starts_with("aws:") {
                return Err(invalid(format!("The tag key {key:?} is not allowed")));
            }
            let value = tag.get("Value").unwrap_or_default().to_owned();
            if value.len() > 256 {
                return Err(invalid(format!("The value of the tag {key:?} is too long")));
            }
            if tags.insert(key, value).is_some() {
                return Err(AwsError::bad(
                    "DuplicateTagKeys",
                    "A tag key was specified more than once",
                ));
            }
        }
        refuse_many_tags(&tags)?;
        Ok(tags)
    }

    /// The refusal of something that AWS has and this endpoint has not.
    pub(super) fn not_built(&self, parameter: &str) -> AwsError {
        AwsError::parameter_not_implemented("elasticloadbalancing", &self.call.operation, parameter)
    }

    /// A port number.
    pub(super) fn port(&self, name: &str) -> Result<Option<u16>, AwsError> {
        let Some(number) = self.params.number(name)? else {
            return Ok(None);
        };
        match u16::try_from(number) {
            Ok(port) if port > 0 => Ok(Some(port)),
            _ => Err(invalid(format!("{name} must be between 1 and 65535"))),
        }
    }
}

/// The names of load balancers and target groups: at most 32 letters, digits and hyphens
/// (API reference, "CreateLoadBalancer" and "CreateTargetGroup").
pub(super) fn check_name(name: &str, what: &str) -> Result<(), AwsError> {
    if name.len() > 32 {
        return Err(invalid(format!(
            "{what} name '{name}' cannot be longer than '32' characters"
        )));
    }
    let allowed = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !allowed || name.starts_with('-') || name.ends_with('-') || name.starts_with("internal-") {
        return Err(invalid(format!(
            "{what} name '{name}' can only contain characters that are alphanumeric characters or hyphens(-), \
             must not begin or end with a hyphen or begin with \"internal-\""
        )));
    }
    Ok(())
}

/// Refuses more tags than a resource may have.
pub(super) fn refuse_many_tags(tags: &Tags) -> Result<(), AwsError> {
    if tags.len() > TAGS_MAX {
        return Err(AwsError::bad("TooManyTags", "A resource has 50 tags at most"));
    }
    Ok(())
}

/// `ValidationError`.
pub(super) fn invalid(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("ValidationError", why)
}

pub(super) fn balancer_missing(name: &str) -> AwsError {
    AwsError::bad(
        "LoadBalancerNotFound",
        format!("Load balancers '[{name}]' not found"),
    )
}

pub(super) fn group_missing(name: &str) -> AwsError {
    AwsError::bad(
        "TargetGroupNotFound",
        format!("Target groups '[{name}]' not found"),
    )
}

pub(super) fn listener_missing(arn: &str) -> AwsError {
    AwsError::bad("ListenerNotFound", format!("Listeners '[{arn}]' not found"))
}
