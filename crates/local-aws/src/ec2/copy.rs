//! Copies of snapshots and images from another region: asked in the region they go to.
//!
//! Sources: EC2 API reference, "CopySnapshot", "CopyImage"; EBS user guide, "Copy an Amazon EBS snapshot". CopyImage
//! has a client token; CopySnapshot has none, and a repeated call is a second copy.

use super::catalog::Image;
use super::disk::Disk;
use super::image::{self, OwnImage, Source, State as ImageState, check_name, insert};
use super::kind::Kind;
use super::request::{Request, require};
use super::service::Regions;
use super::snapshot::{self, Snapshot, State, description};
use super::state::{Region, Tags};
use super::{catalog, keys, tags, token};
use crate::error::AwsError;
use crate::protocol::Xml;

/// What one account has in the region the call names as source.
fn source(request: &Request<'_>, regions: &Regions) -> Result<(String, Region), AwsError> {
    let name = request.params.required("SourceRegion")?;
    if !catalog::is_enabled(name) {
        return Err(request.params.invalid("sourceRegion", name));
    }
    let key = format!("{}/{name}", request.call.caller.account);
    Ok((name.to_owned(), regions.get(&key).cloned().unwrap_or_default()))
}

fn here<'r>(request: &Request<'_>, regions: &'r mut Regions) -> &'r mut Region {
    let key = format!("{}/{}", request.call.caller.account, request.call.region);
    regions.entry(key).or_default()
}

/// Whether the copy is encrypted, and with what.
fn encryption(
    request: &Request<'_>,
    here: &Region,
    source: (bool, Option<&str>),
) -> Result<(bool, Option<String>), AwsError> {
    let asked = request.params.flag("Encrypted")?;
    let key = request.params.get("KmsKeyId").map(str::to_owned);
    if source.0 && asked == Some(false) {
        let why = "A copy of an encrypted snapshot is encrypted; Encrypted cannot be false.";
        return Err(AwsError::bad("InvalidParameterCombination", why));
    }
    if key.is_some() && !source.0 && asked != Some(true) {
        let why = "The parameter KmsKeyId requires the parameter Encrypted to be set.";
        return Err(AwsError::bad("InvalidParameterDependency", why));
    }
    let encrypted = source.0 || asked == Some(true) || here.ebs.by_default;
    // A key stays in its region: without one named, the copy takes the account's default there.
    let same_region = request.params.get("SourceRegion") == Some(&request.call.region);
    let inherited = source.1.filter(|_| same_region).map(str::to_owned);
    Ok((encrypted, key.or(inherited).or_else(|| here.ebs.key_id.clone())))
}

pub(super) fn snapshot(request: &Request<'_>, regions: &mut Regions) -> Result<Xml, AwsError> {
    let source_id = request.params.required("SourceSnapshotId")?;
    let tags = request.tags_for(Kind::Snapshot)?;
    request.authorize_creation(Kind::Snapshot, &tags)?;
    let (_, there) = source(request, regions)?;
    request.authorize_existing(&there.snapshots, source_id)?;
    let original = require(&there.snapshots, source_id)?;
    request.end_dry_run()?;
    refuse_foreign_destination(request)?;
    if !original.is_complete() {
        let why = format!("Snapshot '{source_id}' is not in the 'completed' state.");
        return Err(AwsError::bad("IncorrectState", why));
    }
    let here = here(request, regions);
    let encryption = encryption(
        request,
        here,
        (original.encrypted, original.kms_key_id.as_deref()),
    )?;
    let mut copied = copy_of(request, original, encryption, tags);
    description(request).clone_into(&mut copied.description);
    let mut xml = Xml::new();
    xml.leaf("snapshotId", &copied.meta.id);
    tags::write(&mut xml, &copied.meta.tags);
    note_key(request, &copied);
    here.snapshots.insert(copied.meta.id.clone(), copied);
    Ok(xml)
}

fn refuse_foreign_destination(request: &Request<'_>) -> Result<(), AwsError> {
    let named = request.params.get("DestinationRegion");
    match named.filter(|named| *named != request.call.region) {
        None => Ok(()),
        Some(other) => Err(request.params.invalid("destinationRegion", other)),
    }
}

fn note_key(request: &Request<'_>, snapshot: &Snapshot) {
    if snapshot.encrypted {
        let key = snapshot.kms_key_id.as_deref().unwrap_or(keys::MANAGED);
        request.check_key_later(&snapshot.meta.id, key);
    }
}

/// A copy is of no volume here; AWS shows a made-up id that is on no volume.
fn copy_of(
    request: &Request<'_>,
    original: &Snapshot,
    (encrypted, kms_key_id): (bool, Option<String>),
    tags: Tags,
) -> Snapshot {
    Snapshot {
        meta: request.new_meta(Kind::Snapshot, tags),
        description: original.description.clone(),
        volume_id: "vol-ffffffff".into(),
        size_gib: original.size_gib,
        encrypted,
        kms_key_id: kms_key_id.filter(|_| encrypted),
        state: State::Pending,
        completes_at: request.call.now + request.core.latency.of(snapshot::TAKES),
        owner: original.owner.clone(),
    }
}

pub(super) fn image(request: &Request<'_>, regions: &mut Regions) -> Result<Xml, AwsError> {
    let source_id = request.params.required("SourceImageId")?;
    let name = request.params.required("Name")?;
    let tags = request.tags_for(Kind::Image)?;
    let snapshot_tags = request.tags_for(Kind::Snapshot)?;
    request.authorize_creation(Kind::Image, &tags)?;
    let (source_region, there) = source(request, regions)?;
    request.authorize_existing(&there.images, source_id)?;
    let original = original(&there, &source_region, source_id)?;
    request.end_dry_run()?;
    let presented = token::presented(request)?;
    let here = here(request, regions);
    if let Some(id) = token::earlier(here, presented.as_ref())?.and_then(|ids| ids.into_iter().next()) {
        let mut xml = Xml::new();
        xml.leaf("imageId", id);
        return Ok(xml);
    }
    check_name(here, name)?;
    let meta = request.new_meta(Kind::Image, own_tags(request, original, tags)?);
    let mut disks = Vec::new();
    for disk in &original.disks {
        disks.push(copied_disk(request, (here, &there), disk, &snapshot_tags)?);
    }
    token::remember(here, presented, vec![meta.id.clone()]);
    let copied = OwnImage {
        image: Image {
            id: meta.id.clone(),
            name: name.to_owned(),
            owner: request.call.caller.account.clone(),
            created_on: request.call.now.format("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
            ..original.image.clone()
        },
        description: description(request).to_owned(),
        disks,
        state: ImageState::Pending {
            until: request.call.now + request.core.latency.of(snapshot::TAKES + image::TAKES),
        },
        source: Some(Source::Copy {
            image_id: source_id.to_owned(),
            region: source_region,
        }),
        meta,
    };
    Ok(insert(here, copied))
}

/// An own image that can be copied. Copies of public images would need their snapshots, which are not here.
fn original<'r>(there: &'r Region, source_region: &str, id: &str) -> Result<&'r OwnImage, AwsError> {
    if catalog::image(source_region, id).is_some() {
        return Err(AwsError::not_implemented("ec2", "CopyImage of a public image"));
    }
    let original = require(&there.images, id)?;
    if original.state == ImageState::Available {
        return Ok(original);
    }
    let why = format!("The image ID '{id}' is not available");
    Err(AwsError::bad("InvalidAMIID.Unavailable", why))
}

fn own_tags(request: &Request<'_>, original: &OwnImage, tags: Tags) -> Result<Tags, AwsError> {
    if request.params.flag("CopyImageTags")? != Some(true) {
        return Ok(tags);
    }
    let mut all = original.meta.tags.clone();
    all.extend(tags);
    Ok(all)
}

fn copied_disk(
    request: &Request<'_>,
    (here, there): (&mut Region, &Region),
    disk: &Disk,
    tags: &Tags,
) -> Result<Disk, AwsError> {
    let id = disk.snapshot_id.as_deref().unwrap_or_default();
    let original = require(&there.snapshots, id)?;
    let encryption = encryption(
        request,
        here,
        (original.encrypted, original.kms_key_id.as_deref()),
    )?;
    let copied = copy_of(request, original, encryption, tags.clone());
    note_key(request, &copied);
    let disk = Disk {
        encrypted: copied.encrypted,
        kms_key_id: copied.kms_key_id.clone(),
        snapshot_id: Some(copied.meta.id.clone()),
        ..disk.clone()
    };
    here.snapshots.insert(copied.meta.id.clone(), copied);
    Ok(disk)
}
