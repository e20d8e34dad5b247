//! Volumes. They come with an instance; making them apart is not offered here.

use serde::{Deserialize, Serialize};

use super::describe::{Filtered, describe as describe_all};
use super::kind::Kind;
use super::request::{Request, done, require};
use super::state::{Meta, Region, resource};
use super::tags;
use crate::error::AwsError;
use crate::protocol::Xml;

/// A volume.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Volume {
    pub(super) meta: Meta,
    pub(super) size_gib: i64,
    pub(super) volume_type: String,
    pub(super) iops: Option<i64>,
    pub(super) encrypted: bool,
    pub(super) kms_key_id: Option<String>,
    pub(super) zone: String,
    pub(super) attachment: Option<Attachment>,
}
resource!(Volume, Kind::Volume);

/// Where a volume is attached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Attachment {
    pub(super) instance_id: String,
    pub(super) device: String,
    pub(super) delete_on_termination: bool,
}

impl Volume {
    fn status(&self) -> &'static str {
        if self.attachment.is_some() {
            "in-use"
        } else {
            "available"
        }
    }
}

impl Filtered for Volume {
    fn field(&self, name: &str) -> Option<Vec<String>> {
        let attachment = self.attachment.as_ref();
        Some(match name {
            "volume-id" => vec![self.meta.id.clone()],
            "status" => vec![self.status().into()],
            "encrypted" => vec![self.encrypted.to_string()],
            "volume-type" => vec![self.volume_type.clone()],
            "size" => vec![self.size_gib.to_string()],
            "availability-zone" => vec![self.zone.clone()],
            "attachment.instance-id" => attachment.map(|to| to.instance_id.clone()).into_iter().collect(),
            "attachment.device" => attachment.map(|to| to.device.clone()).into_iter().collect(),
            "attachment.delete-on-termination" => attachment
                .map(|to| to.delete_on_termination.to_string())
                .into_iter()
                .collect(),
            _ => return None,
        })
    }
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(request, &region.volumes, ("VolumeId", "volumeSet"), write)
}

fn write(xml: &mut Xml, volume: &Volume) {
    xml.leaf("volumeId", &volume.meta.id)
        .leaf("size", volume.size_gib)
        .leaf("volumeType", &volume.volume_type)
        .optional("iops", volume.iops)
        .leaf("encrypted", volume.encrypted)
        .optional("kmsKeyId", volume.kms_key_id.as_ref())
        .leaf("availabilityZone", &volume.zone)
        .leaf("status", volume.status())
        .leaf(
            "createTime",
            volume.meta.created_at.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
        );
    xml.items("attachmentSet", &volume.attachment, |xml, attachment| {
        xml.leaf("volumeId", &volume.meta.id)
            .leaf("instanceId", &attachment.instance_id)
            .leaf("device", &attachment.device)
            .leaf("status", "attached")
            .leaf("deleteOnTermination", attachment.delete_on_termination);
    });
    tags::write(xml, &volume.meta.tags);
}

pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("VolumeId")?;
    request.open(&region.volumes, id)?;
    if let Some(attachment) = &require(&region.volumes, id)?.attachment {
        let why = format!("Volume {id} is currently attached to {}", attachment.instance_id);
        return Err(AwsError::bad("VolumeInUse", why));
    }
    region.volumes.remove(id);
    Ok(done())
}
