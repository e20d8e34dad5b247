//! What an account has set for a region: EBS encryption by default and its key; and what it may have.
//!
//! Sources: EC2 API reference, "GetEbsDefaultKmsKeyId", "EnableEbsEncryptionByDefault", "DescribeAccountAttributes".

use serde::{Deserialize, Serialize};

use super::describe::read_filters;
use super::keys;
use super::request::{Request, invalid_value};
use super::state::Region;
use crate::error::AwsError;
use crate::protocol::Xml;

/// The account's settings for new volumes in a region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct EbsDefaults {
    pub(super) by_default: bool,
    /// `None` for the key that AWS manages, `alias/aws/ebs`.
    pub(super) key_id: Option<String>,
}

fn open(request: &Request<'_>) -> Result<(), AwsError> {
    request.authorize_all()?;
    request.end_dry_run()
}

fn key(region: &Region) -> Xml {
    let mut xml = Xml::new();
    xml.leaf("kmsKeyId", region.ebs.key_id.as_deref().unwrap_or(keys::MANAGED));
    xml
}

fn by_default(region: &Region) -> Xml {
    let mut xml = Xml::new();
    xml.leaf("ebsEncryptionByDefault", region.ebs.by_default);
    xml
}

pub(super) fn get_default_key(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    open(request)?;
    Ok(key(region))
}

/// The key is looked at when it is used, as on AWS.
pub(super) fn modify_default_key(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    open(request)?;
    region.ebs.key_id = Some(request.params.required("KmsKeyId")?.to_owned());
    Ok(key(region))
}

pub(super) fn reset_default_key(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    open(request)?;
    region.ebs.key_id = None;
    Ok(key(region))
}

pub(super) fn get_encryption(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    open(request)?;
    Ok(by_default(region))
}

pub(super) fn enable_encryption(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    open(request)?;
    region.ebs.by_default = true;
    Ok(by_default(region))
}

pub(super) fn disable_encryption(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    open(request)?;
    region.ebs.by_default = false;
    Ok(by_default(region))
}

pub(super) fn describe_attributes(request: &Request<'_>, _: &mut Region) -> Result<Xml, AwsError> {
    open(request)?;
    let limits = &request.limits;
    let attributes = [
        ("supported-platforms", "VPC".to_owned()),
        ("default-vpc", "none".to_owned()),
        ("vpc-max-security-groups-per-interface", "5".to_owned()),
        ("max-instances", "20".to_owned()),
        ("max-elastic-ips", limits.addresses.to_string()),
        ("vpc-max-elastic-ips", limits.addresses.to_string()),
    ];
    let wanted = request.params.strings("AttributeName");
    if let Some(unknown) = wanted
        .iter()
        .find(|name| !attributes.iter().any(|(known, _)| known == name))
    {
        return Err(invalid_value(format!("Invalid attribute name: {unknown}")));
    }
    let shown = attributes
        .into_iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name));
    let mut xml = Xml::new();
    xml.items("accountAttributeSet", shown, |xml, (name, value)| {
        xml.leaf("attributeName", name)
            .items("attributeValueSet", [value], |xml, value| {
                xml.leaf("attributeValue", value);
            });
    });
    Ok(xml)
}

/// Fields that peering connections can be filtered by.
const PEERING_FILTERS: [&str; 10] = [
    "accepter-vpc-info.cidr-block",
    "accepter-vpc-info.owner-id",
    "accepter-vpc-info.vpc-id",
    "expiration-time",
    "requester-vpc-info.cidr-block",
    "requester-vpc-info.owner-id",
    "requester-vpc-info.vpc-id",
    "status-code",
    "status-message",
    "vpc-peering-connection-id",
];

/// No operation here makes a peering connection, so there is none.
pub(super) fn describe_peerings(request: &Request<'_>, _: &mut Region) -> Result<Xml, AwsError> {
    open(request)?;
    let size = request.params.number("MaxResults")?;
    if size.is_some_and(|size| !(5..=1_000).contains(&size)) {
        return Err(invalid_value("MaxResults must be between 5 and 1000"));
    }
    if let Some(id) = request.params.strings("VpcPeeringConnectionId").first() {
        let malformed = !id.starts_with("pcx-");
        let code = if malformed { "Malformed" } else { "NotFound" };
        return Err(AwsError::bad(
            format!("InvalidVpcPeeringConnectionId.{code}"),
            format!("The vpcPeeringConnection ID '{id}' does not exist"),
        ));
    }
    for filter in read_filters(&request.params)? {
        filter.refuse_unless_known(&PEERING_FILTERS)?;
    }
    let mut xml = Xml::new();
    xml.items("vpcPeeringConnectionSet", [(); 0], |_, ()| {});
    Ok(xml)
}
