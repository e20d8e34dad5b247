//! One volume to make: with an instance, from an image's mapping, or by itself.

use serde::{Deserialize, Serialize};

use super::request::{invalid_value, require};
use super::snapshot::Snapshot;
use super::state::Region;
use crate::error::AwsError;
use crate::protocol::Params;

/// What a volume is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Disk {
    pub(super) device: String,
    pub(super) size_gib: i64,
    pub(super) volume_type: String,
    pub(super) iops: Option<i64>,
    pub(super) throughput: Option<i64>,
    pub(super) encrypted: bool,
    pub(super) kms_key_id: Option<String>,
    pub(super) snapshot_id: Option<String>,
    pub(super) delete_on_termination: bool,
}

impl Disk {
    /// The root volume of a public image.
    pub(super) fn root(device: &str, size_gib: i64) -> Self {
        Self {
            device: device.to_owned(),
            size_gib,
            volume_type: "gp3".into(),
            iops: Some(3_000),
            throughput: Some(125),
            encrypted: false,
            kms_key_id: None,
            snapshot_id: None,
            delete_on_termination: true,
        }
    }
}

/// A disk as an `Ebs` structure (or CreateVolume itself) says it, over what an image's mapping says.
pub(super) fn read(
    region: &Region,
    ebs: &Params,
    device: &str,
    base: Option<&Disk>,
) -> Result<Disk, AwsError> {
    let snapshot_id = ebs.get("SnapshotId").map(str::to_owned);
    let snapshot_id = snapshot_id.or_else(|| base.and_then(|base| base.snapshot_id.clone()));
    let snapshot = snapshot_id.as_deref().map(|id| usable(region, id)).transpose()?;
    let volume_type = ebs
        .get("VolumeType")
        .or(base.map(|base| base.volume_type.as_str()));
    let volume_type = volume_type.unwrap_or("gp3").to_owned();
    let least = snapshot.map(|snapshot| snapshot.size_gib);
    let least = least.or(base.map(|base| base.size_gib)).unwrap_or_default();
    let size_gib = ebs.number("VolumeSize")?.or(ebs.number("Size")?).unwrap_or(least);
    if size_gib < least.max(1) {
        let why = format!(
            "Volume of size {size_gib}GB is smaller than snapshot '{}', expect size >= {}GB",
            snapshot_id.as_deref().unwrap_or_default(),
            least.max(1)
        );
        return Err(AwsError::bad("InvalidBlockDeviceMapping", why));
    }
    check_size(&volume_type, size_gib)?;
    // The figures of a mapping count as long as its type does, and gp2 computes its own.
    let same = base.filter(|base| base.volume_type == volume_type && volume_type != "gp2");
    let inherited =
        snapshot.is_some_and(|snapshot| snapshot.encrypted) || base.is_some_and(|base| base.encrypted);
    Ok(Disk {
        device: device.to_owned(),
        size_gib,
        iops: iops(
            ebs.number("Iops")?.or(same.and_then(|base| base.iops)),
            &volume_type,
            size_gib,
        )?,
        throughput: throughput(
            ebs.number("Throughput")?
                .or(same.and_then(|base| base.throughput)),
            &volume_type,
        )?,
        encrypted: encrypted(region, ebs, inherited)?,
        kms_key_id: key(region, ebs, snapshot, base),
        snapshot_id,
        delete_on_termination: ebs
            .flag("DeleteOnTermination")?
            .or(base.map(|base| base.delete_on_termination))
            .unwrap_or(true),
        volume_type,
    })
}

/// A snapshot that a volume can be made from.
fn usable<'r>(region: &'r Region, id: &str) -> Result<&'r Snapshot, AwsError> {
    let snapshot = require(&region.snapshots, id)?;
    if snapshot.is_complete() {
        return Ok(snapshot);
    }
    Err(AwsError::bad(
        "IncorrectState",
        format!("Snapshot '{id}' is not in the 'completed' state."),
    ))
}

/// What is asked for, else what is inherited, else the account's default for the region.
fn encrypted(region: &Region, ebs: &Params, inherited: bool) -> Result<bool, AwsError> {
    let asked = ebs.flag("Encrypted")?;
    if inherited && asked == Some(false) {
        return Err(AwsError::bad(
            "InvalidParameterCombination",
            "The volume of an encrypted snapshot is encrypted; Encrypted cannot be false.",
        ));
    }
    let encrypted = asked == Some(true) || inherited || region.ebs.by_default;
    if ebs.get("KmsKeyId").is_some() && !encrypted {
        return Err(AwsError::bad(
            "InvalidParameterDependency",
            "The parameter KmsKeyId requires the parameter Encrypted to be set.",
        ));
    }
    Ok(encrypted)
}

fn key(region: &Region, ebs: &Params, snapshot: Option<&Snapshot>, base: Option<&Disk>) -> Option<String> {
    let asked = ebs.get("KmsKeyId").map(str::to_owned);
    let inherited = snapshot.and_then(|snapshot| snapshot.kms_key_id.clone());
    asked
        .or(inherited)
        .or_else(|| base.and_then(|base| base.kms_key_id.clone()))
        .or_else(|| region.ebs.key_id.clone())
}

/// Sizes by type (EBS user guide, "Amazon EBS volume types").
fn check_size(volume_type: &str, size_gib: i64) -> Result<(), AwsError> {
    let range = match volume_type {
        "gp2" | "gp3" => 1..=65_536,
        "io1" => 4..=16_384,
        "io2" => 4..=65_536,
        "st1" | "sc1" => 125..=16_384,
        "standard" => 1..=1_024,
        _ => {
            return Err(invalid_value(format!(
                "Value ({volume_type}) for parameter volumeType is invalid."
            )));
        }
    };
    if range.contains(&size_gib) {
        return Ok(());
    }
    Err(invalid_value(format!(
        "Volume size of {size_gib} GiB is not valid for {volume_type}: between {} and {}.",
        range.start(),
        range.end()
    )))
}

fn iops(asked: Option<i64>, volume_type: &str, size_gib: i64) -> Result<Option<i64>, AwsError> {
    let range = match volume_type {
        "gp3" => 3_000..=80_000,
        "io1" => 100..=64_000,
        "io2" => 100..=256_000,
        _ if asked.is_some() => {
            let why = format!("The parameter iops is not supported for {volume_type} volumes.");
            return Err(AwsError::bad("InvalidParameterCombination", why));
        }
        // Three for each GiB, between the two bounds.
        "gp2" => return Ok(Some((size_gib * 3).clamp(100, 16_000))),
        _ => return Ok(None),
    };
    match asked {
        None if volume_type == "gp3" => Ok(Some(3_000)),
        None => Err(AwsError::bad(
            "MissingParameter",
            format!("The parameter iops must be specified for {volume_type} volumes."),
        )),
        Some(asked) if range.contains(&asked) => Ok(Some(asked)),
        Some(asked) => Err(invalid_value(format!(
            "Volume iops of {asked} is not valid for {volume_type}: between {} and {}.",
            range.start(),
            range.end()
        ))),
    }
}

fn throughput(asked: Option<i64>, volume_type: &str) -> Result<Option<i64>, AwsError> {
    match (asked, volume_type) {
        (None, "gp3") => Ok(Some(125)),
        (Some(asked), "gp3") if (125..=2_000).contains(&asked) => Ok(Some(asked)),
        (Some(asked), "gp3") => Err(invalid_value(format!(
            "Throughput of {asked} MiB/s is not valid: between 125 and 2000."
        ))),
        (None, _) => Ok(None),
        (Some(_), _) => Err(AwsError::bad(
            "InvalidParameterCombination",
            format!("The parameter throughput is not supported for {volume_type} volumes."),
        )),
    }
}
