//! Images: AWS's public ones and the account's own, which hold snapshots.
//!
//! Sources: EC2 API reference, "CreateImage", "DescribeImages", "DeregisterImage"; EC2 user guide, "Deregister your
//! AMI", "Create an Amazon EBS-backed AMI". CreateImage has no client token; a name is taken once in a region.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::catalog::{self, Image};
use super::describe::{Filtered, select_owned};
use super::disk::Disk;
use super::instance::State as InstanceState;
use super::kind::Kind;
use super::request::{Request, done, require};
use super::snapshot::{self, Snapshot, State as SnapshotState};
use super::state::{Meta, Region, Tags, resource};
use super::tags;
use crate::error::AwsError;
use crate::protocol::{Params, Xml};

/// How long an image is pending beyond its snapshots.
pub(super) const TAKES: TimeDelta = TimeDelta::minutes(1);

/// An image of the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OwnImage {
    pub(super) meta: Meta,
    pub(super) image: Image,
    pub(super) description: String,
    pub(super) disks: Vec<Disk>,
    pub(super) state: State,
    pub(super) source: Option<Source>,
}
resource!(OwnImage, Kind::Image);

/// Where an image comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Source {
    /// An instance, by its id.
    Instance(String),
    /// Another image.
    Copy {
        /// Its id.
        image_id: String,
        /// Its region.
        region: String,
    },
}

/// Where an image is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// Its snapshots are being written.
    Pending {
        /// When it can be launched.
        until: DateTime<Utc>,
    },
    /// It can be launched.
    Available,
    /// It failed, for this reason.
    Failed(String),
    /// Deregistered; kept so that its id is refused as one that was.
    Deregistered,
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Available => "available",
            Self::Failed(_) => "failed",
            Self::Deregistered => "deregistered",
        }
    }
}

/// What a launch takes from an image.
pub(super) struct SourceImage {
    pub(super) image: Image,
    pub(super) disks: Vec<Disk>,
}

impl OwnImage {
    pub(super) fn is_live(&self) -> bool {
        self.state != State::Deregistered
    }

    /// Whether a snapshot is part of the image.
    pub(super) fn uses(&self, snapshot_id: &str) -> bool {
        let mut disks = self.disks.iter();
        self.is_live() && disks.any(|disk| disk.snapshot_id.as_deref() == Some(snapshot_id))
    }

    fn of_public(image: Image) -> Self {
        let disks = vec![Disk::root(&image.root_device, image.root_gib)];
        let meta = Meta {
            id: image.id.clone(),
            created_at: DateTime::UNIX_EPOCH,
            created_by: String::new(),
            tags: Tags::new(),
        };
        Self {
            meta,
            image,
            description: String::new(),
            disks,
            state: State::Available,
            source: None,
        }
    }
}

/// The image of a launch: a public one, or an own one that is available.
pub(super) fn find(request: &Request<'_>, region: &Region, id: &str) -> Result<SourceImage, AwsError> {
    let own = region.images.get(id).cloned();
    let found = own.or_else(|| catalog::image(&request.call.region, id).map(OwnImage::of_public));
    let found = found.ok_or_else(|| Kind::Image.not_found(id))?;
    if found.state != State::Available {
        return Err(unavailable(id, &found.state));
    }
    Ok(SourceImage {
        image: found.image,
        disks: found.disks,
    })
}

fn unavailable(id: &str, state: &State) -> AwsError {
    let why = format!("The image ID '{id}' is not available: it is {}", state.name());
    AwsError::bad("InvalidAMIID.Unavailable", why)
}

impl Filtered for OwnImage {
    const FILTERS: &[&str] = &[
        "architecture",
        "block-device-mapping.encrypted",
        "block-device-mapping.snapshot-id",
        "creation-date",
        "description",
        "ena-support",
        "hypervisor",
        "image-id",
        "image-type",
        "is-public",
        "name",
        "owner-alias",
        "owner-id",
        "root-device-name",
        "root-device-type",
        "state",
        "virtualization-type",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        let alias = (!self.image.own).then(|| "amazon".to_owned());
        Some(match name {
            "image-id" => vec![self.meta.id.clone()],
            "name" => vec![self.image.name.clone()],
            "description" => vec![self.description.clone()],
            "architecture" => vec![self.image.architecture.clone()],
            "owner-alias" => alias.into_iter().collect(),
            "owner-id" => vec![self.image.owner.clone()],
            "state" => vec![self.state.name().into()],
            "is-public" => vec![(!self.image.own).to_string()],
            "creation-date" => vec![self.image.created_on.clone()],
            "image-type" => vec!["machine".into()],
            "root-device-type" => vec!["ebs".into()],
            "root-device-name" => vec![self.image.root_device.clone()],
            "virtualization-type" => vec!["hvm".into()],
            "hypervisor" => vec!["xen".into()],
            "ena-support" => vec!["true".into()],
            "block-device-mapping.snapshot-id" => self
                .disks
                .iter()
                .filter_map(|disk| disk.snapshot_id.clone())
                .collect(),
            "block-device-mapping.encrypted" => {
                self.disks.iter().map(|disk| disk.encrypted.to_string()).collect()
            }
            _ => return None,
        })
    }
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    for id in request.params.strings("ImageId") {
        if let Some(gone) = region.images.get(&id).filter(|image| !image.is_live()) {
            request.authorize_all()?;
            return Err(unavailable(&id, &gone.state));
        }
    }
    let public = catalog::images(&request.call.region)
        .into_iter()
        .map(OwnImage::of_public);
    let own = region.images.values().filter(|image| image.is_live()).cloned();
    let all = public
        .chain(own)
        .map(|image| (image.meta.id.clone(), image))
        .collect();
    let page = select_owned(request, &all, ("ImageId", "Owner"))?;
    let mut xml = Xml::new();
    xml.items("imagesSet", page.items, write)
        .optional("nextToken", page.next_token);
    Ok(xml)
}

fn write(xml: &mut Xml, own: &OwnImage) {
    let image = &own.image;
    let alias = (!image.own).then_some("amazon");
    xml.leaf("imageId", &image.id)
        .leaf("name", &image.name)
        .leaf("description", &own.description)
        .leaf("architecture", &image.architecture)
        .leaf("imageOwnerId", &image.owner)
        .optional("imageOwnerAlias", alias)
        .leaf(
            "imageLocation",
            format!("{}/{}", alias.unwrap_or(&image.owner), image.name),
        )
        .leaf("imageState", own.state.name())
        .leaf("imageType", "machine")
        .leaf("isPublic", !image.own)
        .leaf("creationDate", &image.created_on)
        .leaf("rootDeviceType", "ebs")
        .leaf("rootDeviceName", &image.root_device)
        .leaf("virtualizationType", "hvm")
        .leaf("hypervisor", "xen")
        .leaf("enaSupport", true)
        .leaf("imdsSupport", "v2.0");
    match &own.source {
        Some(Source::Instance(id)) => {
            xml.leaf("sourceInstanceId", id);
        }
        Some(Source::Copy { image_id, region }) => {
            xml.leaf("sourceImageId", image_id)
                .leaf("sourceImageRegion", region);
        }
        None => {}
    }
    if let State::Failed(why) = &own.state {
        xml.node("stateReason", |xml| {
            xml.leaf("code", "Client.InternalError").leaf("message", why);
        });
    }
    xml.items("blockDeviceMapping", &own.disks, write_disk);
    tags::write(xml, &own.meta.tags);
}

fn write_disk(xml: &mut Xml, disk: &Disk) {
    xml.leaf("deviceName", &disk.device).node("ebs", |xml| {
        xml.optional("snapshotId", disk.snapshot_id.as_ref())
            .leaf("volumeSize", disk.size_gib)
            .leaf("volumeType", &disk.volume_type)
            .optional("iops", disk.iops)
            .leaf("encrypted", disk.encrypted)
            .leaf("deleteOnTermination", disk.delete_on_termination);
    });
}

/// Takes snapshots of all volumes of an instance and an image over them.
pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let instance_id = request.params.required("InstanceId")?;
    let name = request.params.required("Name")?;
    let tags = request.tags_for(Kind::Image)?;
    let snapshot_tags = request.tags_for(Kind::Snapshot)?;
    request.authorize_creation(Kind::Image, &tags)?;
    request.authorize_creation(Kind::Snapshot, &snapshot_tags)?;
    request.open(&region.instances, instance_id)?;
    check_name(region, name)?;
    refuse_mappings(&request.params)?;
    let instance = require(&region.instances, instance_id)?.clone();
    if !matches!(instance.state, InstanceState::Running | InstanceState::Stopped) {
        let why = format!("The instance '{instance_id}' is not in the 'running' or 'stopped' state.");
        return Err(AwsError::bad("IncorrectState", why));
    }
    let meta = request.new_meta(Kind::Image, tags);
    let image = Image {
        id: meta.id.clone(),
        name: name.to_owned(),
        owner: request.call.caller.account.clone(),
        created_on: request.call.now.format("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        own: true,
        ..instance.image
    };
    let disks = shoot(request, region, (&meta.id, instance_id), &snapshot_tags)?;
    let own = OwnImage {
        image,
        description: snapshot::description(request).to_owned(),
        disks,
        state: State::Pending {
            until: request.call.now + request.core.latency.of(snapshot::TAKES + TAKES),
        },
        source: Some(Source::Instance(instance_id.to_owned())),
        meta,
    };
    Ok(insert(region, own))
}

/// Stores a new image; the answer of CreateImage and CopyImage.
pub(super) fn insert(region: &mut Region, own: OwnImage) -> Xml {
    let mut xml = Xml::new();
    xml.leaf("imageId", &own.meta.id);
    region.images.insert(own.meta.id.clone(), own);
    xml
}

/// A snapshot of each volume of the instance, and the image's mapping over them.
fn shoot(
    request: &Request<'_>,
    region: &mut Region,
    (image_id, instance_id): (&str, &str),
    tags: &Tags,
) -> Result<Vec<Disk>, AwsError> {
    let attached: Vec<_> = region
        .attached_to(instance_id)
        .map(|(volume, device)| (volume.clone(), device.to_owned()))
        .collect();
    for (volume, _) in &attached {
        snapshot::check(request, region, volume)?;
    }
    let mut disks = Vec::new();
    for (volume, device) in attached {
        let why = format!("Created by CreateImage({instance_id}) for {image_id}");
        let snapshot = Snapshot::of(request, &volume, &why, tags.clone());
        disks.push(Disk {
            device,
            size_gib: volume.size_gib,
            volume_type: volume.volume_type,
            iops: volume.iops,
            throughput: volume.throughput,
            encrypted: volume.encrypted,
            kms_key_id: volume.kms_key_id,
            snapshot_id: Some(snapshot.meta.id.clone()),
            delete_on_termination: volume.attachment.is_some_and(|to| to.delete_on_termination),
        });
        region.snapshots.insert(snapshot.meta.id.clone(), snapshot);
    }
    Ok(disks)
}

fn refuse_mappings(params: &Params) -> Result<(), AwsError> {
    if params.list("BlockDeviceMapping").is_empty() {
        return Ok(());
    }
    Err(AwsError::not_implemented(
        "ec2",
        "CreateImage with BlockDeviceMapping",
    ))
}

/// Names are of 3 to 128 characters and taken once.
pub(super) fn check_name(region: &Region, name: &str) -> Result<(), AwsError> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "()[] ./-'@_".contains(char);
    if !(3..=128).contains(&name.chars().count()) || !name.chars().all(allowed) {
        let why = "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', \
                   '.', '-', '/' and '_'";
        return Err(AwsError::bad("InvalidAMIName.Malformed", why));
    }
    let mut live = region.images.values().filter(|image| image.is_live());
    if let Some(other) = live.find(|image| image.image.name == name) {
        let why = format!("AMI name {name} is already in use by AMI {}", other.meta.id);
        return Err(AwsError::bad("InvalidAMIName.Duplicate", why));
    }
    Ok(())
}

/// The image goes; its snapshots stay unless they are to go with it. Instances are not touched.
pub(super) fn deregister(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("ImageId")?;
    request.authorize_existing(&region.images, id)?;
    if !region.images.contains_key(id) && catalog::image(&request.call.region, id).is_some() {
        let why = format!("Not authorized for image:{id}");
        return Err(AwsError::forbidden("AuthFailure", why));
    }
    let image = require(&region.images, id)?;
    if !image.is_live() {
        return Err(unavailable(id, &image.state));
    }
    request.end_dry_run()?;
    let with_snapshots = request.params.flag("DeleteAssociatedSnapshots")?.unwrap_or(false);
    let snapshots: Vec<String> = image
        .disks
        .iter()
        .filter_map(|disk| disk.snapshot_id.clone())
        .collect();
    if let Some(image) = region.images.get_mut(id) {
        image.state = State::Deregistered;
        image.meta.tags.clear();
    }
    let mut xml = done();
    if with_snapshots {
        let outcomes = snapshots.iter().map(|snapshot_id| {
            let used = region.images.values().any(|image| image.uses(snapshot_id));
            (snapshot_id, if used { "skipped" } else { "success" })
        });
        let outcomes: Vec<_> = outcomes.collect();
        xml.items(
            "deleteSnapshotResultSet",
            &outcomes,
            |xml, (snapshot_id, code)| {
                xml.leaf("snapshotId", snapshot_id).leaf("returnCode", code);
            },
        );
        for (snapshot_id, _) in outcomes.into_iter().filter(|(_, code)| *code == "success") {
            region.snapshots.remove(snapshot_id);
        }
    }
    Ok(xml)
}

/// Moves pending images on: available when their snapshots are whole, failed when one of these failed.
pub(super) fn settle(region: &mut Region, now: DateTime<Utc>) {
    let snapshots = &region.snapshots;
    for own in region.images.values_mut() {
        let State::Pending { until } = own.state else {
            continue;
        };
        let parts = own.disks.iter().filter_map(|disk| disk.snapshot_id.as_ref());
        let mut states = parts
            .filter_map(|id| snapshots.get(id))
            .map(|snapshot| &snapshot.state);
        let failed = states.find_map(|state| match state {
            SnapshotState::Failed(why) => Some(why.clone()),
            SnapshotState::Pending | SnapshotState::Completed => None,
        });
        if let Some(why) = failed {
            own.state = State::Failed(why);
        } else if until <= now {
            own.state = State::Available;
        }
    }
}
