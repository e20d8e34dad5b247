//! Attributes of an instance: changed one at a time, described one at a time; and its metadata options.
//!
//! Sources: EC2 API reference, "ModifyInstanceAttribute", "DescribeInstanceAttribute",
//! "ModifyInstanceMetadataOptions"; EC2 user guide, "Change the instance type".

use super::catalog;
use super::instance::{Instance, State};
use super::instance_change::wrong_state;
use super::interface::write_groups;
use super::launch_request::{self, one_of};
use super::request::{Request, done, invalid_value, require, require_mut};
use super::state::Region;
use crate::error::AwsError;
use crate::protocol::{Params, Protocol, Xml};

/// Changes one attribute.
pub(super) fn modify(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("InstanceId")?;
    request.open(&region.instances, id)?;
    let groups = request.params.strings("GroupId");
    if !groups.is_empty() {
        return set_groups(region, id, groups);
    }
    let instance = require_mut(&mut region.instances, id)?;
    if instance.is_ending() {
        return Err(wrong_state(instance));
    }
    if let Some(name) = request.params.get("InstanceType.Value") {
        set_type(instance, name)?;
    } else if let Some(protected) = request.params.flag("DisableApiTermination.Value")? {
        instance.settings.termination_protected = protected;
    } else if let Some(check) = request.params.flag("SourceDestCheck.Value")? {
        instance.settings.source_dest_check = check;
    } else if let Some(optimized) = request.params.flag("EbsOptimized.Value")? {
        refuse_unless_stopped(instance)?;
        instance.settings.ebs_optimized = optimized;
    } else if let Some(behavior) = request.params.get("InstanceInitiatedShutdownBehavior.Value") {
        if !["stop", "terminate"].contains(&behavior) {
            return Err(request
                .params
                .invalid("instanceInitiatedShutdownBehavior", behavior));
        }
        behavior.clone_into(&mut instance.settings.shutdown_behavior);
    } else if let Some(text) = request.params.get("UserData.Value") {
        refuse_unless_stopped(instance)?;
        instance.settings.user_data = user_data(text)?;
    } else {
        return Err(AwsError::not_implemented(
            "ec2",
            "ModifyInstanceAttribute of this attribute",
        ));
    }
    Ok(done())
}

/// An empty text takes the user data away.
fn user_data(text: &str) -> Result<Option<String>, AwsError> {
    let params = Params::of([("UserData".to_owned(), text.to_owned())], Protocol::Ec2);
    launch_request::user_data(&params).map(|data| data.filter(|data| !data.is_empty()))
}

fn refuse_unless_stopped(instance: &Instance) -> Result<(), AwsError> {
    if instance.state == State::Stopped {
        return Ok(());
    }
    let why = format!(
        "The instance '{}' is not in the 'stopped' state.",
        instance.meta.id
    );
    Err(AwsError::bad("IncorrectInstanceState", why))
}

fn set_type(instance: &mut Instance, name: &str) -> Result<(), AwsError> {
    let wanted = catalog::instance_type(name);
    let wanted = wanted.ok_or_else(|| invalid_value(format!("Invalid value '{name}' for InstanceType.")))?;
    refuse_unless_stopped(instance)?;
    if wanted.architecture != instance.image.architecture {
        return Err(invalid_value(format!(
            "The instance type '{name}' has another architecture than the instance's image."
        )));
    }
    if !wanted.is_offered_in(&instance.zone) {
        let why = format!(
            "The instance type '{name}' is not supported in the Availability Zone {}.",
            instance.zone
        );
        return Err(AwsError::bad("Unsupported", why));
    }
    instance.instance_type = wanted.name;
    Ok(())
}

fn set_groups(region: &mut Region, id: &str, groups: Vec<String>) -> Result<Xml, AwsError> {
    let vpc_id = require(&region.instances, id)?.vpc_id.clone();
    for group in &groups {
        if require(&region.groups, group)?.vpc_id != vpc_id {
            return Err(AwsError::bad(
                "InvalidGroup.NotFound",
                format!("The security group '{group}' does not exist in VPC '{vpc_id}'"),
            ));
        }
    }
    let instance = require_mut(&mut region.instances, id)?;
    instance.groups.clone_from(&groups);
    let interface_id = instance.interface_id.clone();
    require_mut(&mut region.interfaces, &interface_id)?.groups = groups;
    Ok(done())
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("InstanceId")?;
    let attribute = request.params.required("Attribute")?;
    request.open(&region.instances, id)?;
    let instance = require(&region.instances, id)?;
    let settings = &instance.settings;
    let mut xml = Xml::new();
    xml.leaf("instanceId", id);
    let value = match attribute {
        "instanceType" => instance.instance_type.clone(),
        "userData" => settings.user_data.clone().unwrap_or_default(),
        "disableApiTermination" => settings.termination_protected.to_string(),
        "sourceDestCheck" => settings.source_dest_check.to_string(),
        "ebsOptimized" => settings.ebs_optimized.to_string(),
        "instanceInitiatedShutdownBehavior" => settings.shutdown_behavior.clone(),
        "rootDeviceName" => instance.image.root_device.clone(),
        "groupSet" => {
            write_groups(&mut xml, region, &instance.groups);
            return Ok(xml);
        }
        "blockDeviceMapping" => {
            super::instance_xml::write_disks(&mut xml, region, instance);
            return Ok(xml);
        }
        "disableApiStop" | "enaSupport" | "enclaveOptions" | "kernel" | "productCodes" | "ramdisk"
        | "sriovNetSupport" => {
            let what = format!("DescribeInstanceAttribute of {attribute}");
            return Err(AwsError::not_implemented("ec2", &what));
        }
        other => return Err(request.params.invalid("attribute", other)),
    };
    xml.node(attribute, |xml| {
        if !value.is_empty() {
            xml.leaf("value", value);
        }
    });
    Ok(xml)
}

/// What is not said stays as it is.
pub(super) fn modify_metadata_options(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("InstanceId")?;
    request.open(&region.instances, id)?;
    let params = &request.params;
    if params
        .get("HttpProtocolIpv6")
        .is_some_and(|word| word != "disabled")
    {
        let what = "ModifyInstanceMetadataOptions with HttpProtocolIpv6";
        return Err(AwsError::not_implemented("ec2", what));
    }
    let hop_limit = params.number("HttpPutResponseHopLimit")?;
    if let Some(hops) = hop_limit.filter(|hops| !(1..=64).contains(hops)) {
        return Err(params.invalid("HttpPutResponseHopLimit", &hops.to_string()));
    }
    let word = |name: &str, words: [&str; 2]| {
        let given = params.get(name).map(|_| one_of(params, name, &words));
        given.transpose()
    };
    let tokens = word("HttpTokens", ["required", "optional"])?;
    let endpoint = word("HttpEndpoint", ["enabled", "disabled"])?;
    let tags = word("InstanceMetadataTags", ["disabled", "enabled"])?;
    let instance = require_mut(&mut region.instances, id)?;
    if !matches!(instance.state, State::Running | State::Stopped) {
        return Err(wrong_state(instance));
    }
    let settings = &mut instance.settings;
    settings.http_tokens = tokens.unwrap_or_else(|| settings.http_tokens.clone());
    settings.http_endpoint = endpoint.unwrap_or_else(|| settings.http_endpoint.clone());
    settings.metadata_tags = tags.unwrap_or_else(|| settings.metadata_tags.clone());
    settings.hop_limit = hop_limit.unwrap_or(settings.hop_limit);
    let mut xml = Xml::new();
    xml.leaf("instanceId", id).node("instanceMetadataOptions", |xml| {
        xml.leaf("state", "pending")
            .leaf("httpTokens", &settings.http_tokens)
            .leaf("httpEndpoint", &settings.http_endpoint)
            .leaf("httpPutResponseHopLimit", settings.hop_limit)
            .leaf("instanceMetadataTags", &settings.metadata_tags);
    });
    Ok(xml)
}
