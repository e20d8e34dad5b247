//! Snapshots: of a volume, of all volumes of an instance at one moment, copies across regions.
//!
//! Sources: EC2 API reference, "CreateSnapshot", "CreateSnapshots", "CopySnapshot", "DeleteSnapshot", "Snapshot";
//! EBS user guide, "How Amazon EBS snapshots work". None of the creating operations has a client token.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::describe::{Filtered, select_owned};
use super::kind::Kind;
use super::request::{Request, require};
use super::state::{Meta, Region, Tags, resource};
use super::tags;
use super::volume::Volume;
use crate::error::AwsError;
use crate::protocol::Xml;

/// What a snapshot of a small volume takes, and so what ours take.
pub(super) const TAKES: TimeDelta = TimeDelta::minutes(5);
/// Pending snapshots of one volume (EBS user guide, "Amazon EBS quotas": gp2 and gp3).
const PENDING_MAX: usize = 5;
/// Between two snapshots of one volume of which the first is still pending ("Error codes").
const APART: TimeDelta = TimeDelta::seconds(15);

/// A snapshot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) meta: Meta,
    pub(super) description: String,
    pub(super) volume_id: String,
    pub(super) size_gib: i64,
    pub(super) encrypted: bool,
    pub(super) kms_key_id: Option<String>,
    pub(super) state: State,
    pub(super) completes_at: DateTime<Utc>,
    pub(super) owner: String,
}
resource!(Snapshot, Kind::Snapshot);

/// Where a snapshot is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// Being written.
    Pending,
    /// Whole.
    Completed,
    /// It failed, for this reason.
    Failed(String),
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Failed(_) => "error",
        }
    }
}

impl Snapshot {
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Completed
    }

    pub(super) fn is_pending(&self) -> bool {
        self.state == State::Pending
    }

    /// A new snapshot of a volume.
    pub(super) fn of(request: &Request<'_>, volume: &Volume, description: &str, tags: Tags) -> Self {
        Self {
            meta: request.new_meta(Kind::Snapshot, tags),
            description: description.to_owned(),
            volume_id: volume.meta.id.clone(),
            size_gib: volume.size_gib,
            encrypted: volume.encrypted,
            kms_key_id: volume.kms_key_id.clone(),
            state: State::Pending,
            completes_at: request.call.now + request.core.latency.of(TAKES),
            owner: request.call.caller.account.clone(),
        }
    }

    fn progress(&self, now: DateTime<Utc>) -> String {
        if self.is_complete() {
            return "100%".into();
        }
        let whole = (self.completes_at - self.meta.created_at).num_seconds().max(1);
        let done = (now - self.meta.created_at).num_seconds().clamp(0, whole);
        format!("{}%", done * 99 / whole)
    }
}

impl Filtered for Snapshot {
    const FILTERS: &[&str] = &[
        "description",
        "encrypted",
        "owner-id",
        "progress",
        "snapshot-id",
        "start-time",
        "status",
        "storage-tier",
        "volume-id",
        "volume-size",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "snapshot-id" => self.meta.id.clone(),
            "description" => self.description.clone(),
            "volume-id" => self.volume_id.clone(),
            "volume-size" => self.size_gib.to_string(),
            "encrypted" => self.encrypted.to_string(),
            "status" => self.state.name().into(),
            "owner-id" => self.owner.clone(),
            "storage-tier" => "standard".into(),
            "progress" if self.is_complete() => "100%".into(),
            "progress" => "0%".into(),
            "start-time" => start_time(self),
            _ => return None,
        }])
    }
}

fn start_time(snapshot: &Snapshot) -> String {
    snapshot
        .meta
        .created_at
        .format("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let volume_id = request.params.required("VolumeId")?;
    let tags = request.tags_for(Kind::Snapshot)?;
    request.authorize_creation(Kind::Snapshot, &tags)?;
    request.open(&region.volumes, volume_id)?;
    let volume = require(&region.volumes, volume_id)?;
    check(request, region, volume)?;
    let snapshot = Snapshot::of(request, volume, description(request), tags);
    let mut xml = Xml::new();
    write(&mut xml, &snapshot, request.call.now);
    region.snapshots.insert(snapshot.meta.id.clone(), snapshot);
    Ok(xml)
}

pub(super) fn description<'r>(request: &'r Request<'_>) -> &'r str {
    request.params.get("Description").unwrap_or_default()
}

/// A volume that a snapshot can be taken of.
pub(super) fn check(request: &Request<'_>, region: &Region, volume: &Volume) -> Result<(), AwsError> {
    if volume.is_failed() {
        return Err(AwsError::bad(
            "IncorrectState",
            format!("Volume '{}' is in the 'error' state.", volume.meta.id),
        ));
    }
    let pending: Vec<&Snapshot> = region
        .snapshots
        .values()
        .filter(|snapshot| snapshot.volume_id == volume.meta.id && snapshot.is_pending())
        .collect();
    if pending
        .iter()
        .any(|snapshot| snapshot.meta.created_at + APART > request.call.now)
    {
        let why = "The maximum per volume CreateSnapshot request rate has been exceeded. Use an increasing or variable \
                   sleep interval between requests.";
        return Err(AwsError::bad("SnapshotCreationPerVolumeRateExceeded", why));
    }
    if pending.len() >= PENDING_MAX {
        let why = "Maximum allowed in-progress snapshots for a single volume exceeded.";
        return Err(AwsError::bad("ConcurrentSnapshotLimitExceeded", why));
    }
    Ok(())
}

/// All volumes of an instance at one moment.
pub(super) fn create_many(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let specification = request.params.structure("InstanceSpecification");
    let instance_id = specification.required("InstanceId")?;
    let tags = request.tags_for(Kind::Snapshot)?;
    request.authorize_creation(Kind::Snapshot, &tags)?;
    request.authorize_existing(&region.instances, instance_id)?;
    let instance = require(&region.instances, instance_id)?;
    let root = instance.image.root_device.clone();
    let without_root = specification.flag("ExcludeBootVolume")?.unwrap_or(false);
    let without = specification.strings("ExcludeDataVolumeId");
    let mut wanted = Vec::new();
    for (volume, device) in region.attached_to(instance_id) {
        let left_out = if device == root {
            without_root
        } else {
            without.contains(&volume.meta.id)
        };
        if !left_out {
            request.authorize_existing(&region.volumes, &volume.meta.id)?;
            wanted.push(volume.clone());
        }
    }
    request.end_dry_run()?;
    if wanted.is_empty() {
        let why = "No volumes to take snapshots of are left.";
        return Err(AwsError::bad("InvalidParameterValue", why));
    }
    for volume in &wanted {
        check(request, region, volume)?;
    }
    let copied = copies_tags(request)?;
    let mut xml = Xml::new();
    let made: Vec<Snapshot> = wanted
        .iter()
        .map(|volume| {
            let mut own = if copied {
                volume.meta.tags.clone()
            } else {
                Tags::new()
            };
            own.extend(tags.clone());
            Snapshot::of(request, volume, description(request), own)
        })
        .collect();
    xml.items("snapshotSet", &made, |xml, snapshot| {
        write_as(xml, snapshot, "state", request.call.now);
    });
    for snapshot in made {
        region.snapshots.insert(snapshot.meta.id.clone(), snapshot);
    }
    Ok(xml)
}

fn copies_tags(request: &Request<'_>) -> Result<bool, AwsError> {
    match request.params.get("CopyTagsFromSource") {
        None => Ok(false),
        Some("volume") => Ok(true),
        Some(other) => Err(request.params.invalid("CopyTagsFromSource", other)),
    }
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let page = select_owned(request, &region.snapshots, ("SnapshotId", "Owner"))?;
    let mut xml = Xml::new();
    xml.items("snapshotSet", page.items, |xml, snapshot| {
        write(xml, snapshot, request.call.now);
    })
    .optional("nextToken", page.next_token);
    Ok(xml)
}

fn write(xml: &mut Xml, snapshot: &Snapshot, now: DateTime<Utc>) {
    write_as(xml, snapshot, "status", now);
}

/// CreateSnapshots calls the status `state`.
fn write_as(xml: &mut Xml, snapshot: &Snapshot, status: &str, now: DateTime<Utc>) {
    xml.leaf("snapshotId", &snapshot.meta.id)
        .leaf("volumeId", &snapshot.volume_id)
        .leaf(status, snapshot.state.name())
        .leaf("startTime", start_time(snapshot))
        .leaf("progress", snapshot.progress(now))
        .leaf("ownerId", &snapshot.owner)
        .leaf("volumeSize", snapshot.size_gib)
        .leaf("description", &snapshot.description)
        .leaf("encrypted", snapshot.encrypted)
        .optional("kmsKeyId", snapshot.kms_key_id.as_ref())
        .leaf("storageTier", "standard");
    if let State::Failed(why) = &snapshot.state {
        xml.leaf("statusMessage", why);
    }
    tags::write(xml, &snapshot.meta.tags);
}

pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("SnapshotId")?;
    request.open(&region.snapshots, id)?;
    let mut images = region.images.values();
    if let Some(image) = images.find(|image| image.uses(id)) {
        let why = format!("The snapshot {id} is currently in use by {}", image.meta.id);
        return Err(AwsError::bad("InvalidSnapshot.InUse", why));
    }
    region.snapshots.remove(id);
    Ok(super::request::done())
}
