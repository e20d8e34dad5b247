//! What a machine is started with: alone, or from the launch template of a group.

use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, HttpTokensState, InstanceMetadataOptionsRequest, InstanceType,
    LaunchTemplateBlockDeviceMappingRequest, LaunchTemplateEbsBlockDeviceRequest,
    LaunchTemplateHttpTokensState, LaunchTemplateInstanceMetadataOptionsRequest,
    LaunchTemplateTagSpecificationRequest, RequestLaunchTemplateData, ResourceType, VolumeType,
};
use tenant_model::{blueprint::ROOT_VOLUME_GIB, convergence::Machine};

use super::{Ec2, Mark};
use crate::AwsError;

/// Root device of Amazon Linux images.
const ROOT_DEVICE: &str = "/dev/xvda";

/// What is tagged with a machine: its disk and interface can outlive it.
const TAGGED: [ResourceType; 3] = [
    ResourceType::Instance,
    ResourceType::Volume,
    ResourceType::NetworkInterface,
];

impl Ec2 {
    /// `RunInstances` for exactly one instance; the client token makes a repetition harmless.
    pub(super) async fn launch(
        &self,
        machine: &Machine,
        subnet: &str,
        mark: &Mark<'_>,
    ) -> Result<String, AwsError> {
        let tags = TAGGED.into_iter().map(|kind| mark.tags(kind)).collect();
        let reply = self
            .writes
            .run_instances()
            .client_token(mark.token)
            .image_id(&machine.image_id)
            .instance_type(InstanceType::from(machine.instance_type.as_str()))
            .min_count(1)
            .max_count(1)
            .subnet_id(subnet)
            .security_group_ids(&machine.group)
            .metadata_options(imds_v2_only())
            .block_device_mappings(encrypted_root())
            .set_tag_specifications(Some(tags))
            .send()
            .await?;
        let instance = reply
            .instances()
            .first()
            .and_then(|instance| instance.instance_id());
        instance
            .map(str::to_owned)
            .ok_or_else(|| AwsError::incomplete("instance id"))
    }
}

/// Version 1 of the metadata service hands credentials to any process that can make a request.
fn imds_v2_only() -> InstanceMetadataOptionsRequest {
    InstanceMetadataOptionsRequest::builder()
        .http_tokens(HttpTokensState::Required)
        .build()
}

fn encrypted_root() -> BlockDeviceMapping {
    let disk = EbsBlockDevice::builder()
        .encrypted(true)
        .volume_type(VolumeType::Gp3)
        .volume_size(ROOT_VOLUME_GIB)
        .delete_on_termination(true)
        .build();
    BlockDeviceMapping::builder()
        .device_name(ROOT_DEVICE)
        .ebs(disk)
        .build()
}

/// The same for the machines of a group.
pub(super) fn template_data(machine: &Machine, mark: &Mark<'_>) -> RequestLaunchTemplateData {
    let metadata = LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_tokens(LaunchTemplateHttpTokensState::Required)
        .build();
    let disk = LaunchTemplateEbsBlockDeviceRequest::builder()
        .encrypted(true)
        .volume_type(VolumeType::Gp3)
        .volume_size(ROOT_VOLUME_GIB)
        .delete_on_termination(true)
        .build();
    let root = LaunchTemplateBlockDeviceMappingRequest::builder()
        .device_name(ROOT_DEVICE)
        .ebs(disk)
        .build();
    let tags = |kind| {
        LaunchTemplateTagSpecificationRequest::builder()
            .resource_type(kind)
            .set_tags(Some(mark.machine_tags()))
            .build()
    };
    RequestLaunchTemplateData::builder()
        .image_id(&machine.image_id)
        .instance_type(InstanceType::from(machine.instance_type.as_str()))
        .security_group_ids(&machine.group)
        .metadata_options(metadata)
        .block_device_mappings(root)
        .set_tag_specifications(Some(TAGGED.into_iter().map(tags).collect()))
        .build()
}
