//! Keys of new volumes and snapshots, looked at after the call that made them.
//!
//! EC2 takes any name of a key. When it cannot be used, the volume or snapshot fails and an instance ends (EC2 API
//! reference, "CreateVolume" and "CopySnapshot", `KmsKeyId`; EC2 user guide, "Instance terminates immediately").

use super::instance::State as InstanceState;
use super::kind::Kind;
use super::snapshot::State as SnapshotState;
use super::state::Region;
use crate::auth::Caller;
use crate::core::Core;

const WHY: &str = "Given key ID is not accessible";

/// The key that encrypts where none is named.
pub(super) const MANAGED: &str = "alias/aws/ebs";

/// The ARN of a key that can encrypt for the account. Asks a peer, so no lock may be held.
pub(super) fn resolve(core: &Core, (account, region): (&str, &str), key_id: &str) -> Option<String> {
    // EBS uses a key in the name of whoever made the volume; what counts here is that the account may use it.
    let caller = Caller::root(account);
    let kms = &core.peers.kms;
    let errand = ("ec2", "GenerateDataKeyWithoutPlaintext");
    kms.usable(core, &caller, (region, key_id), errand).ok()
}

/// Writes the key's ARN where its name stood.
pub(super) fn settle(region: &mut Region, resource_id: &str, arn: &str) {
    let slot = match Kind::of(resource_id) {
        Some(Kind::Volume) => region
            .volumes
            .get_mut(resource_id)
            .map(|volume| &mut volume.kms_key_id),
        Some(Kind::Snapshot) => region
            .snapshots
            .get_mut(resource_id)
            .map(|snapshot| &mut snapshot.kms_key_id),
        _ => None,
    };
    if let Some(slot) = slot {
        *slot = Some(arn.to_owned());
    }
}

/// What becomes of a resource whose key cannot be used.
pub(super) fn fail(region: &mut Region, resource_id: &str) {
    match Kind::of(resource_id) {
        Some(Kind::Volume) => {
            if let Some(volume) = region.volumes.get_mut(resource_id) {
                volume.failed = true;
                let instance_id = volume.attachment.as_ref().map(|to| to.instance_id.clone());
                end_instance(region, &instance_id.unwrap_or_default());
            }
        }
        Some(Kind::Snapshot) => {
            if let Some(snapshot) = region.snapshots.get_mut(resource_id) {
                snapshot.state = SnapshotState::Failed(WHY.into());
            }
        }
        _ => {}
    }
}

/// An instance whose volume cannot be encrypted ends at once.
fn end_instance(region: &mut Region, id: &str) {
    if let Some(instance) = region.instances.get_mut(id) {
        instance.state = InstanceState::ShuttingDown;
        instance.reason = Some((
            "Client.InvalidKMSKey.InvalidState".into(),
            "Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state".into(),
        ));
    }
}
