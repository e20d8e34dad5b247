//! Volumes: with an instance, or made by themselves, attached and detached.
//!
//! Sources: EC2 API reference, "CreateVolume", "AttachVolume", "DetachVolume", "DeleteVolume", "Volume".

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::catalog;
use super::describe::{Filtered, describe as describe_all};
use super::disk::{self, Disk};
use super::instance::State as InstanceState;
use super::kind::Kind;
use super::request::{Request, done, invalid_value, require, require_mut};
use super::state::{Meta, Region, Tags, resource};
use super::{keys, tags, token};
use crate::error::AwsError;
use crate::protocol::Xml;

/// What making a volume takes.
const TAKES: TimeDelta = TimeDelta::seconds(10);
/// Volumes on one instance (EC2 user guide, "Instance volume limits": 28 attachments, one for the interface).
const ATTACHED_MAX: usize = 27;

/// A volume.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Volume {
    pub(super) meta: Meta,
    pub(super) size_gib: i64,
    pub(super) volume_type: String,
    pub(super) iops: Option<i64>,
    #[serde(default)]
    pub(super) throughput: Option<i64>,
    pub(super) encrypted: bool,
    pub(super) kms_key_id: Option<String>,
    #[serde(default)]
    pub(super) snapshot_id: Option<String>,
    pub(super) zone: String,
    pub(super) attachment: Option<Attachment>,
    /// Until then it is being made.
    #[serde(default)]
    pub(super) ready_at: DateTime<Utc>,
    #[serde(default)]
    pub(super) failed: bool,
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
    /// A new volume in a zone, ready at once.
    pub(super) fn of(request: &Request<'_>, disk: &Disk, zone: &str, tags: Tags) -> Self {
        Self {
            meta: request.new_meta(Kind::Volume, tags),
            size_gib: disk.size_gib,
            volume_type: disk.volume_type.clone(),
            iops: disk.iops,
            throughput: disk.throughput,
            encrypted: disk.encrypted,
            kms_key_id: disk.kms_key_id.clone().filter(|_| disk.encrypted),
            snapshot_id: disk.snapshot_id.clone(),
            zone: zone.to_owned(),
            attachment: None,
            ready_at: request.call.now,
            failed: false,
        }
    }

    /// Asks for the key of an encrypted volume to be looked at.
    pub(super) fn check_key_later(&self, request: &Request<'_>) {
        if self.encrypted {
            request.check_key_later(&self.meta.id, self.kms_key_id.as_deref().unwrap_or(keys::MANAGED));
        }
    }

    /// Whether the volume could not be made.
    pub(super) fn is_failed(&self) -> bool {
        self.failed
    }

    /// Brings the volume to the present.
    pub(super) fn settle(&mut self, now: DateTime<Utc>) {
        if self.ready_at <= now {
            self.ready_at = DateTime::UNIX_EPOCH;
        }
    }

    fn status(&self) -> &'static str {
        if self.failed {
            "error"
        } else if self.attachment.is_some() {
            "in-use"
        } else if self.ready_at > DateTime::UNIX_EPOCH {
            "creating"
        } else {
            "available"
        }
    }
}

impl Filtered for Volume {
    const FILTERS: &[&str] = &[
        "attachment.delete-on-termination",
        "attachment.device",
        "attachment.instance-id",
        "attachment.status",
        "availability-zone",
        "encrypted",
        "multi-attach-enabled",
        "size",
        "snapshot-id",
        "status",
        "volume-id",
        "volume-type",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        let attachment = self.attachment.as_ref();
        Some(match name {
            "volume-id" => vec![self.meta.id.clone()],
            "status" => vec![self.status().into()],
            "encrypted" => vec![self.encrypted.to_string()],
            "volume-type" => vec![self.volume_type.clone()],
            "size" => vec![self.size_gib.to_string()],
            "snapshot-id" => self.snapshot_id.iter().cloned().collect(),
            "availability-zone" => vec![self.zone.clone()],
            "multi-attach-enabled" => vec!["false".into()],
            "attachment.instance-id" => attachment.map(|to| to.instance_id.clone()).into_iter().collect(),
            "attachment.device" => attachment.map(|to| to.device.clone()).into_iter().collect(),
            "attachment.status" => attachment.map(|_| "attached".to_owned()).into_iter().collect(),
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
        .optional("throughput", volume.throughput)
        .leaf("encrypted", volume.encrypted)
        .optional("kmsKeyId", volume.kms_key_id.as_ref())
        .leaf("snapshotId", volume.snapshot_id.as_deref().unwrap_or_default())
        .leaf("availabilityZone", &volume.zone)
        .leaf("multiAttachEnabled", false)
        .leaf("status", volume.status())
        .leaf(
            "createTime",
            volume.meta.created_at.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
        );
    xml.items("attachmentSet", &volume.attachment, |xml, attachment| {
        write_attachment(xml, &volume.meta.id, attachment, "attached");
    });
    tags::write(xml, &volume.meta.tags);
}

fn write_attachment(xml: &mut Xml, volume_id: &str, attachment: &Attachment, status: &str) {
    xml.leaf("volumeId", volume_id)
        .leaf("instanceId", &attachment.instance_id)
        .leaf("device", &attachment.device)
        .leaf("status", status)
        .leaf("deleteOnTermination", attachment.delete_on_termination);
}

/// Takes a client token.
pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let params = &request.params;
    let tags = request.tags_for(Kind::Volume)?;
    request.authorize_creation(Kind::Volume, &tags)?;
    if let Some(id) = params.get("SnapshotId") {
        request.authorize_existing(&region.snapshots, id)?;
    }
    request.end_dry_run()?;
    refuse_unsupported(request)?;
    let zone = zone(request)?;
    let presented = token::presented(request)?;
    if let Some(ids) = token::earlier(region, presented.as_ref())?
        && let Some(volume) = ids.first().and_then(|id| region.volumes.get(id))
    {
        let mut xml = Xml::new();
        write(&mut xml, volume);
        return Ok(xml);
    }
    if params.get("Size").is_none() && params.get("SnapshotId").is_none() {
        return Err(params.missing("size/snapshot"));
    }
    let disk = disk::read(region, params, "", None).map_err(own_code)?;
    let volume = Volume {
        ready_at: request.call.now + request.core.latency.of(TAKES),
        ..Volume::of(request, &disk, &zone, tags)
    };
    let mut xml = Xml::new();
    write(&mut xml, &volume);
    token::remember(region, presented, vec![volume.meta.id.clone()]);
    volume.check_key_later(request);
    region.volumes.insert(volume.meta.id.clone(), volume);
    Ok(xml)
}

/// A size below the snapshot's is a wrong value here and a wrong mapping at a launch.
fn own_code(error: AwsError) -> AwsError {
    if error.code == "InvalidBlockDeviceMapping" {
        return invalid_value(error.message);
    }
    error
}

fn refuse_unsupported(request: &Request<'_>) -> Result<(), AwsError> {
    let multi = request.params.flag("MultiAttachEnabled")?.unwrap_or(false);
    let other = ["OutpostArn", "SourceVolumeId", "VolumeInitializationRate"];
    let other = other.into_iter().find(|name| request.params.get(name).is_some());
    match other.or(multi.then_some("MultiAttachEnabled")) {
        None => Ok(()),
        Some(name) => Err(AwsError::not_implemented(
            "ec2",
            &format!("CreateVolume with {name}"),
        )),
    }
}

fn zone(request: &Request<'_>) -> Result<String, AwsError> {
    let by_id = request.params.get("AvailabilityZoneId");
    let Some(wanted) = request.params.get("AvailabilityZone").or(by_id) else {
        return Err(request.params.missing("AvailabilityZone"));
    };
    let mut zones = catalog::zones(&request.call.region).into_iter();
    let zone = zones.find(|zone| zone.name == wanted || zone.id == wanted);
    zone.map(|zone| zone.name).ok_or_else(|| {
        AwsError::bad(
            "InvalidZone.NotFound",
            format!("The zone '{wanted}' does not exist."),
        )
    })
}

pub(super) fn attach(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("VolumeId")?;
    let instance_id = request.params.required("InstanceId")?;
    let device = request.params.required("Device")?;
    request.authorize_existing(&region.volumes, id)?;
    request.authorize_existing(&region.instances, instance_id)?;
    let volume = require(&region.volumes, id)?;
    let instance = require(&region.instances, instance_id)?;
    request.end_dry_run()?;
    if let Some(attachment) = &volume.attachment {
        let why = format!(
            "{id} is already attached to an instance: {}",
            attachment.instance_id
        );
        return Err(AwsError::bad("VolumeInUse", why));
    }
    if volume.status() != "available" {
        let why = format!("Volume '{id}' is in the '{}' state.", volume.status());
        return Err(AwsError::bad("IncorrectState", why));
    }
    if !matches!(instance.state, InstanceState::Running | InstanceState::Stopped) {
        let why = format!("Instance '{instance_id}' is not 'running' or 'stopped'.");
        return Err(AwsError::bad("IncorrectState", why));
    }
    if volume.zone != instance.zone {
        let why =
            format!("The volume '{id}' is not in the same availability zone as instance '{instance_id}'");
        return Err(AwsError::bad("InvalidVolume.ZoneMismatch", why));
    }
    check_device(region, instance_id, device)?;
    let attachment = Attachment {
        instance_id: instance_id.to_owned(),
        device: device.to_owned(),
        delete_on_termination: false,
    };
    let mut xml = Xml::new();
    write_attachment(&mut xml, id, &attachment, "attaching");
    require_mut(&mut region.volumes, id)?.attachment = Some(attachment);
    Ok(xml)
}

fn check_device(region: &Region, instance_id: &str, device: &str) -> Result<(), AwsError> {
    let known = ["/dev/sd", "/dev/xvd", "xvd"];
    if !known.iter().any(|prefix| device.starts_with(prefix)) {
        return Err(invalid_value(format!(
            "Value ({device}) for parameter device is invalid. {device} is not a valid EBS device name."
        )));
    }
    let attached: Vec<&str> = region
        .attached_to(instance_id)
        .map(|(_, device)| device)
        .collect();
    if attached.contains(&device) {
        return Err(invalid_value(format!(
            "Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        )));
    }
    if attached.len() >= ATTACHED_MAX {
        let why = format!("The instance '{instance_id}' has as many volumes as it can.");
        return Err(AwsError::bad("AttachmentLimitExceeded", why));
    }
    Ok(())
}

pub(super) fn detach(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("VolumeId")?;
    request.open(&region.volumes, id)?;
    let Some(attachment) = require(&region.volumes, id)?.attachment.clone() else {
        let why = format!("Volume '{id}' is in the 'available' state.");
        return Err(AwsError::bad("IncorrectState", why));
    };
    let named = request.params.get("InstanceId");
    let device = request.params.get("Device");
    let elsewhere = named.is_some_and(|named| named != attachment.instance_id)
        || device.is_some_and(|device| device != attachment.device);
    if elsewhere {
        let why = format!("The volume '{id}' is not attached there.");
        return Err(AwsError::bad("InvalidAttachment.NotFound", why));
    }
    let instance = region.instances.get(&attachment.instance_id);
    let holds_root = instance.is_some_and(|instance| {
        instance.image.root_device == attachment.device && instance.state != InstanceState::Stopped
    });
    if holds_root {
        let why = format!(
            "Unable to detach root volume '{id}' from instance '{}'",
            attachment.instance_id
        );
        return Err(AwsError::bad("OperationNotPermitted", why));
    }
    let mut xml = Xml::new();
    write_attachment(&mut xml, id, &attachment, "detaching");
    require_mut(&mut region.volumes, id)?.attachment = None;
    Ok(xml)
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
