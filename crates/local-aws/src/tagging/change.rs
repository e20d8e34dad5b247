//! TagResources and UntagResources: each service changes the tags of its own resources, for the same caller.
//!
//! So the caller needs the service's permission beside that of the tagging API, and the service's refusal is what the
//! answer says of the resource (Resource Groups Tagging API reference, "TagResources").

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::permit;
use super::request::{KEY_MAX, invalid};
use crate::core::Core;
use crate::error::AwsError;
use crate::service::{Call, Service};
use crate::tags::Tags;

const ARNS_MAX: usize = 20;
const TAGS_MAX: usize = 50;
const VALUE_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    #[serde(rename = "ResourceARNList")]
    resource_arn_list: Vec<String>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    tag_keys: Vec<String>,
}

/// What is done to the tags of every resource of a call.
enum Change {
    Put(Tags),
    Remove(Vec<String>),
}

pub(super) async fn tag(core: &Arc<Core>, call: &Call) -> Result<Value, AwsError> {
    let wanted: Wanted = call.json()?;
    permit(core, call)?;
    check_arns(&wanted.resource_arn_list)?;
    check_keys(wanted.tags.keys())?;
    let mut tags = wanted.tags.iter();
    if tags.any(|(_, value)| value.chars().count() > VALUE_MAX) {
        return Err(invalid("A value has at most 256 characters"));
    }
    change(core, call, (&wanted.resource_arn_list, &Change::Put(wanted.tags))).await
}

pub(super) async fn untag(core: &Arc<Core>, call: &Call) -> Result<Value, AwsError> {
    let wanted: Wanted = call.json()?;
    permit(core, call)?;
    check_arns(&wanted.resource_arn_list)?;
    check_keys(wanted.tag_keys.iter())?;
    change(
        core,
        call,
        (&wanted.resource_arn_list, &Change::Remove(wanted.tag_keys)),
    )
    .await
}

/// Changes every resource that can be changed, and says why the others were not.
async fn change(
    core: &Arc<Core>,
    call: &Call,
    (arns, change): (&[String], &Change),
) -> Result<Value, AwsError> {
    let mut failed = serde_json::Map::new();
    for arn in arns {
        if let Err(refusal) = change_one(core, call, (arn, change)).await {
            let info = json!({
                "StatusCode": refusal.status.as_u16(),
                "ErrorCode": refusal.code,
                "ErrorMessage": refusal.message,
            });
            failed.insert(arn.clone(), info);
        }
    }
    Ok(json!({ "FailedResourcesMap": failed }))
}

async fn change_one(core: &Arc<Core>, call: &Call, (arn, change): (&str, &Change)) -> Result<(), AwsError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", "aws", service, region, account, resource] = parts[..] else {
        return Err(invalid(format!("{arn} is not an ARN")));
    };
    if region != call.region || account != call.caller.account {
        return Err(invalid(format!("{arn} is not of this account and region")));
    }
    let Some(owner) = owner(core, service) else {
        let why = format!("tags of {service} are changed through its own operations on this endpoint");
        return Err(invalid(why));
    };
    let (operation, body) = match service {
        "acm" => acm(arn, change),
        "ec2" => ec2(resource, change),
        "kms" => kms(arn, change),
        "rds" => query(&RDS, arn, change),
        _ => query(&ELB, arn, change),
    };
    let errand = Call {
        caller: call.caller.clone(),
        region: call.region.clone(),
        operation: operation.to_owned(),
        source: call.source,
        now: call.now,
        protocol: owner.protocol(),
        path: "/".to_owned(),
        query: String::new(),
        body: body.into(),
        failing_per_million: 0,
        fault: None,
    };
    owner.call(core, &errand).await.map(|_| ())
}

/// The services whose tags are changed from here.
fn owner<'a>(core: &'a Core, service: &str) -> Option<&'a dyn Service> {
    let peers = &core.peers;
    match service {
        "acm" => Some(&*peers.acm),
        "ec2" => Some(&*peers.ec2),
        "elasticloadbalancing" => Some(&*peers.elbv2),
        "kms" => Some(&*peers.kms),
        "rds" => Some(&*peers.rds),
        _ => None,
    }
}

fn acm(arn: &str, change: &Change) -> (&'static str, String) {
    let (operation, tags): (_, Vec<Value>) = match change {
        Change::Put(tags) => (
            "AddTagsToCertificate",
            tags.iter()
                .map(|(key, value)| json!({ "Key": key, "Value": value }))
                .collect(),
        ),
        Change::Remove(keys) => (
            "RemoveTagsFromCertificate",
            keys.iter().map(|key| json!({ "Key": key })).collect(),
        ),
    };
    (
        operation,
        json!({ "CertificateArn": arn, "Tags": tags }).to_string(),
    )
}

fn kms(arn: &str, change: &Change) -> (&'static str, String) {
    let (operation, body) = match change {
        Change::Put(tags) => {
            let tags: Vec<Value> = tags
                .iter()
                .map(|(key, value)| json!({ "TagKey": key, "TagValue": value }))
                .collect();
            ("TagResource", json!({ "KeyId": arn, "Tags": tags }))
        }
        Change::Remove(keys) => ("UntagResource", json!({ "KeyId": arn, "TagKeys": keys })),
    };
    (operation, body.to_string())
}

fn ec2(resource: &str, change: &Change) -> (&'static str, String) {
    let id = resource.rsplit('/').next().unwrap_or_default();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("ResourceId.1", id);
    let operation = match change {
        Change::Put(tags) => {
            for (number, (key, value)) in tags.iter().enumerate() {
                form.append_pair(&format!("Tag.{}.Key", number + 1), key);
                form.append_pair(&format!("Tag.{}.Value", number + 1), value);
            }
            "CreateTags"
        }
        Change::Remove(keys) => {
            for (number, key) in keys.iter().enumerate() {
                form.append_pair(&format!("Tag.{}.Key", number + 1), key);
            }
            "DeleteTags"
        }
    };
    (operation, form.finish())
}

/// How a query service names its tagging operations and their fields.
struct Form {
    resource: &'static str,
    tags: &'static str,
    add: &'static str,
    remove: &'static str,
}

const ELB: Form = Form {
    resource: "ResourceArns.member.1",
    tags: "Tags.member",
    add: "AddTags",
    remove: "RemoveTags",
};
const RDS: Form = Form {
    resource: "ResourceName",
    tags: "Tags.Tag",
    add: "AddTagsToResource",
    remove: "RemoveTagsFromResource",
};

fn query(names: &Form, arn: &str, change: &Change) -> (&'static str, String) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair(names.resource, arn);
    let operation = match change {
        Change::Put(tags) => {
            for (number, (key, value)) in tags.iter().enumerate() {
                let tag = format!("{}.{}", names.tags, number + 1);
                form.append_pair(&format!("{tag}.Key"), key);
                form.append_pair(&format!("{tag}.Value"), value);
            }
            names.add
        }
        Change::Remove(keys) => {
            for (number, key) in keys.iter().enumerate() {
                form.append_pair(&format!("TagKeys.member.{}", number + 1), key);
            }
            names.remove
        }
    };
    (operation, form.finish())
}

fn check_arns(arns: &[String]) -> Result<(), AwsError> {
    if !(1..=ARNS_MAX).contains(&arns.len()) {
        return Err(invalid("ResourceARNList has 1 to 20 ARNs"));
    }
    Ok(())
}

fn check_keys<'a>(keys: impl ExactSizeIterator<Item = &'a String>) -> Result<(), AwsError> {
    if !(1..=TAGS_MAX).contains(&keys.len()) {
        return Err(invalid("A call has 1 to 50 tags"));
    }
    for key in keys {
        let fits = (1..=KEY_MAX).contains(&key.chars().count());
        if !fits || key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("The key {key:?} is not allowed")));
        }
    }
    Ok(())
}
