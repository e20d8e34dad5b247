//! Starting an instance: the one call with many parameters.

use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, HttpTokensState, InstanceMetadataOptionsRequest, InstanceType,
    ResourceType, VolumeType,
};
use tenant_model::blueprint::ROOT_VOLUME_GIB;

use super::{Ec2, Mark};
use crate::AwsError;

/// Root device of Amazon Linux images.
const ROOT_DEVICE: &str = "/dev/xvda";

pub(super) struct Launch<'a> {
    pub(super) image_id: &'a str,
    pub(super) instance_type: &'a str,
    pub(super) subnet: &'a str,
    pub(super) group: &'a str,
}

impl Ec2 {
    /// `RunInstances` for exactly one instance; the client token makes a repetition harmless.
    pub(super) async fn launch(&self, launch: &Launch<'_>, mark: &Mark<'_>) -> Result<String, AwsError> {
        let reply = self
            .writes
            .run_instances()
            .client_token(mark.token)
            .image_id(launch.image_id)
            .instance_type(InstanceType::from(launch.instance_type))
            .min_count(1)
            .max_count(1)
            .subnet_id(launch.subnet)
            .security_group_ids(launch.group)
            .metadata_options(imds_v2_only())
            .block_device_mappings(encrypted_root())
            // The disk and the interface are tagged as well: they can outlive the instance.
            .tag_specifications(mark.tags(ResourceType::Instance))
            .tag_specifications(mark.tags(ResourceType::Volume))
            .tag_specifications(mark.tags(ResourceType::NetworkInterface))
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
