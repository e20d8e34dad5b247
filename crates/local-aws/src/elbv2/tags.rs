//! Tags of load balancers, target groups, listeners and rules.

use super::Elbv2;
use super::request::{Request, balancer_missing, group_missing, invalid, listener_missing, refuse_many_tags};
use super::state::{Balancing, Tags};
use crate::error::AwsError;
use crate::protocol::Xml;

const RESOURCES_MAX: usize = 20;

pub(super) fn add(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let new = request.tags()?;
    if new.is_empty() {
        return Err(invalid("At least one tag must be specified"));
    }
    each(elb, request, |tags| tags.extend(new.clone()))
}

pub(super) fn remove(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let going = request.params.strings("TagKeys");
    if going.is_empty() {
        return Err(invalid("At least one tag key must be specified"));
    }
    each(elb, request, |tags| tags.retain(|key, _| !going.contains(key)))
}

fn each(elb: &Elbv2, request: &Request<'_>, change: impl Fn(&mut Tags)) -> Result<Xml, AwsError> {
    let arns = arns(request)?;
    for arn in &arns {
        let has = elb.with(request, |state| tags_of(state, arn).map(|tags| tags.clone()))?;
        request.permit(arn, &has, &request.tags()?)?;
        let mut after = has;
        change(&mut after);
        refuse_many_tags(&after)?;
    }
    for arn in &arns {
        elb.with(request, |state| tags_of(state, arn).map(&change))?;
    }
    Ok(Xml::new())
}

pub(super) fn describe(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let mut found = Vec::new();
    for arn in arns(request)? {
        let tags = elb.with(request, |state| tags_of(state, &arn).map(|tags| tags.clone()))?;
        found.push((arn, tags));
    }
    let mut xml = Xml::new();
    xml.members("TagDescriptions", found, |xml, (arn, tags)| {
        xml.leaf("ResourceArn", arn);
        xml.members("Tags", tags, |xml, (key, value)| {
            xml.leaf("Key", key).leaf("Value", value);
        });
    });
    Ok(xml)
}

fn arns(request: &Request<'_>) -> Result<Vec<String>, AwsError> {
    let arns = request.params.strings("ResourceArns");
    if arns.is_empty() || arns.len() > RESOURCES_MAX {
        return Err(invalid("Between 1 and 20 resources must be specified"));
    }
    Ok(arns)
}

fn tags_of<'s>(state: &'s mut Balancing, arn: &str) -> Result<&'s mut Tags, AwsError> {
    let kind = arn
        .split(':')
        .nth(5)
        .and_then(|resource| resource.split('/').next());
    match kind {
        Some("loadbalancer") => {
            let found = state.balancers.get_mut(arn);
            Ok(&mut found.ok_or_else(|| balancer_missing(arn))?.tags)
        }
        Some("targetgroup") => {
            let found = state.groups.get_mut(arn);
            Ok(&mut found.ok_or_else(|| group_missing(arn))?.tags)
        }
        Some("listener") => {
            let found = state.listeners.get_mut(arn);
            Ok(&mut found.ok_or_else(|| listener_missing(arn))?.tags)
        }
        Some("listener-rule") => {
            let mut all = state.listeners.values_mut();
            let rule = all.find_map(|listener| listener.rules.get_mut(arn));
            let missing = || AwsError::bad("RuleNotFound", format!("One or more rules not found: '{arn}'"));
            Ok(&mut rule.ok_or_else(missing)?.tags)
        }
        _ => Err(invalid(format!("'{arn}' is not a valid resource ARN"))),
    }
}
