//! One call: its parameters, permission, and the refusals that many operations share.

use std::collections::BTreeMap;

use super::AutoScaling;
use super::state::{Group, Tag, Template};
use crate::core::Core;
use crate::ec2::Place;
use crate::error::AwsError;
use crate::protocol::{Page, Params, page};
use crate::service::Call;
use crate::tags::Tags;

const TAGS_MAX: usize = 50;
/// A year; longer than anything waits.
const SECONDS_MAX: i64 = 31_536_000;

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

    /// The ARN of a group with an id of its own; `*` for one that is still to be made.
    pub(super) fn arn(&self, id: &str, name: &str) -> String {
        let Place { account, region } = self.place();
        format!("arn:aws:autoscaling:{region}:{account}:autoScalingGroup:{id}:autoScalingGroupName/{name}")
    }

    /// Permission, with the tags the resource has.
    pub(super) fn permit(&self, arn: &str, has: &Tags) -> Result<(), AwsError> {
        let action = format!("autoscaling:{}", self.call.operation);
        let context = self.call.context().resource_tags(has);
        Ok(self.core.authorize(&self.call.caller, &action, arn, &context)?)
    }

    /// The refusal of something that AWS has and this endpoint has not.
    pub(super) fn not_built(&self, parameter: &str) -> AwsError {
        AwsError::parameter_not_implemented("autoscaling", &self.call.operation, parameter)
    }

    /// How many to show: 50 where nothing is said, `most` at most.
    pub(super) fn size(&self, most: i64) -> Result<usize, AwsError> {
        match self.params.number("MaxRecords")?.unwrap_or(50) {
            size if (1..=most).contains(&size) => Ok(usize::try_from(size).unwrap_or(50)),
            _ => Err(invalid(format!("MaxRecords must be between 1 and {most}"))),
        }
    }

    /// One page of what is sorted by `key`.
    pub(super) fn page<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> &str,
        most: i64,
    ) -> Result<Page<T>, AwsError> {
        let found = page(items, key, self.params.get("NextToken"), self.size(most)?);
        found.ok_or_else(|| AwsError::bad("InvalidNextToken", "The NextToken value is not valid."))
    }

    /// A number of seconds, none below zero.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<i64>, AwsError> {
        match self.params.number(name)? {
            Some(number) if !(0..=SECONDS_MAX).contains(&number) => {
                Err(invalid(format!("{name} must be between 0 and {SECONDS_MAX}")))
            }
            other => Ok(other),
        }
    }

    /// The group a call names, once the caller may do what the call is.
    pub(super) fn permitted(&self, scaling: &AutoScaling) -> Result<Group, AwsError> {
        let name = self.params.required("AutoScalingGroupName")?;
        match scaling.find(self, name) {
            Ok(group) => {
                self.permit(&group.arn, &group.plain_tags())?;
                Ok(group)
            }
            Err(missing) => {
                self.permit(&self.arn("*", name), &Tags::new())?;
                Err(missing)
            }
        }
    }

    /// A launch template with a version that is there.
    pub(super) fn template(&self, params: &Params) -> Result<Template, AwsError> {
        let (id, name) = (params.get("LaunchTemplateId"), params.get("LaunchTemplateName"));
        let named = match (id, name) {
            (Some(one), None) | (None, Some(one)) => one,
            _ => {
                return Err(invalid(
                    "Valid requests must contain either LaunchTemplateId or LaunchTemplateName",
                ));
            }
        };
        let version = params.get("Version").unwrap_or("$Default");
        let view = self
            .core
            .peers
            .ec2
            .template(self.core, self.place(), (named, Some(version)))
            .map_err(|error| {
                invalid(format!(
                    "You must use a valid fully-formed launch template. {}",
                    error.message
                ))
            })?;
        Ok(Template {
            id: view.id,
            name: view.name,
            version: version.to_owned(),
        })
    }

    /// The number of a template's version now.
    pub(super) fn version_of(&self, template: &Template) -> Result<i64, AwsError> {
        let ec2 = &self.core.peers.ec2;
        let view = ec2.template(self.core, self.place(), (&template.id, Some(&template.version)));
        view.map(|view| view.version)
            .map_err(|error| invalid(error.message))
    }

    /// Tags of a call; what is not said to propagate does not.
    pub(super) fn tags(&self) -> Result<BTreeMap<String, Tag>, AwsError> {
        let mut tags = BTreeMap::new();
        for tag in self.params.list("Tags") {
            let (key, value) = read_tag(&tag)?;
            if tags.insert(key, value).is_some() {
                return Err(invalid("Duplicate tag keys are not allowed"));
            }
        }
        refuse_many_tags(&tags)?;
        Ok(tags)
    }

    /// A count of instances.
    pub(super) fn count(&self, name: &str) -> Result<Option<u32>, AwsError> {
        let Some(number) = self.params.number(name)? else {
            return Ok(None);
        };
        let count = u32::try_from(number).ok().filter(|count| *count <= 10_000);
        count
            .map(Some)
            .ok_or_else(|| invalid(format!("{name} must be between 0 and 10000")))
    }
}

/// One tag of a call; what is not said to propagate does not.
pub(super) fn read_tag(tag: &Params) -> Result<(String, Tag), AwsError> {
    let key = tag.required("Key")?.to_owned();
    let value = tag.get("Value").unwrap_or_default().to_owned();
    if key.len() > 128 || value.len() > 256 || key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid(format!("Invalid tag {key:?}")));
    }
    let propagates = tag.flag("PropagateAtLaunch")?.unwrap_or(false);
    Ok((key, Tag { value, propagates }))
}

/// Refuses more tags than a group may have.
pub(super) fn refuse_many_tags(tags: &BTreeMap<String, Tag>) -> Result<(), AwsError> {
    if tags.len() > TAGS_MAX {
        return Err(limit_exceeded(format!("A group has {TAGS_MAX} tags at most")));
    }
    Ok(())
}

/// `LimitExceeded`.
pub(super) fn limit_exceeded(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("LimitExceeded", why)
}

/// `ValidationError`.
pub(super) fn invalid(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("ValidationError", why)
}
