//! How the data of a launch template's version is written.

use std::collections::BTreeMap;

use crate::protocol::{Params, Protocol, Xml};

/// Values that stand by themselves.
const PLAIN: &[&str] = &[
    "DisableApiTermination",
    "EbsOptimized",
    "ImageId",
    "InstanceInitiatedShutdownBehavior",
    "InstanceType",
    "KeyName",
    "UserData",
];
const METADATA: &[&str] = &[
    "HttpEndpoint",
    "HttpPutResponseHopLimit",
    "HttpTokens",
    "InstanceMetadataTags",
];
const EBS: &[&str] = &[
    "DeleteOnTermination",
    "Encrypted",
    "Iops",
    "KmsKeyId",
    "SnapshotId",
    "Throughput",
    "VolumeSize",
    "VolumeType",
];
const INTERFACE: &[&str] = &[
    "AssociatePublicIpAddress",
    "DeleteOnTermination",
    "Description",
    "DeviceIndex",
    "PrivateIpAddress",
    "SubnetId",
];

/// Writes the data as DescribeLaunchTemplateVersions shows it.
pub(super) fn write(xml: &mut Xml, data: &BTreeMap<String, String>) {
    let data = Params::of(data.clone(), Protocol::Ec2);
    leaves(xml, &data, PLAIN);
    node(xml, &data, "IamInstanceProfile", &["Arn", "Name"]);
    node(xml, &data, "Monitoring", &["Enabled"]);
    node(xml, &data, "Placement", &["AvailabilityZone", "Tenancy"]);
    node(xml, &data, "MetadataOptions", METADATA);
    xml.items(
        "securityGroupIdSet",
        data.strings("SecurityGroupId"),
        |xml, id| {
            xml.text(id);
        },
    );
    write_lists(xml, &data);
}

fn write_lists(xml: &mut Xml, data: &Params) {
    let disks = data.list("BlockDeviceMapping");
    xml.items("blockDeviceMappingSet", disks, |xml, disk| {
        leaves(xml, &disk, &["DeviceName", "NoDevice"]);
        node(xml, &disk, "Ebs", EBS);
    });
    let interfaces = data.list("NetworkInterface");
    xml.items("networkInterfaceSet", interfaces, |xml, interface| {
        leaves(xml, &interface, INTERFACE);
        xml.items("groupSet", interface.strings("SecurityGroupId"), |xml, id| {
            xml.leaf("groupId", id);
        });
    });
    let tags = data.list("TagSpecification");
    xml.items("tagSpecificationSet", tags, |xml, tags| {
        leaves(xml, &tags, &["ResourceType"]);
        xml.items("tagSet", tags.list("Tag"), |xml, tag| {
            leaves(xml, &tag, &["Key", "Value"]);
        });
    });
}

fn node(xml: &mut Xml, params: &Params, name: &str, fields: &[&str]) {
    let inside = params.structure(name);
    if !inside.is_empty() {
        xml.node(&lower_first(name), |xml| leaves(xml, &inside, fields));
    }
}

fn leaves(xml: &mut Xml, params: &Params, names: &[&str]) {
    for name in names {
        xml.optional(&lower_first(name), params.get(name));
    }
}

/// Answers begin names with a small letter.
fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|char| char.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
