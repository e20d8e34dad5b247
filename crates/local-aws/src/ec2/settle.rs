//! What time does: instances that were starting run, those that were ending end and give back what they held.

use chrono::{DateTime, TimeDelta, Utc};

use super::address::free_public_ip;
use super::instance::State;
use super::snapshot::State as SnapshotState;
use super::state::Region;
use super::{image, interface, nat};
use crate::core::Core;

/// How long an ended instance is still described (EC2 user guide, "Terminate your instance").
const SHOWN_AFTER_END: TimeDelta = TimeDelta::hours(1);

/// Brings a region to the present. Called before every operation.
pub(super) fn settle(region: &mut Region, core: &Core) {
    let now = core.clock.now();
    settle_storage(region, now);
    nat::settle(region, core);
    settle_interfaces(region, now);
    for id in due(region, now) {
        let Some(instance) = region.instances.get_mut(&id) else {
            continue;
        };
        let interface_id = instance.interface_id.clone();
        match instance.state {
            State::Pending => instance.state = State::Running,
            State::Stopping => {
                instance.state = State::Stopped;
                if let Some(interface) = region.interfaces.get_mut(&interface_id) {
                    interface.public_ip = None;
                }
            }
            State::ShuttingDown => {
                instance.state = State::Terminated;
                give_back(region, &id, &interface_id);
            }
            State::Terminated => {
                region.instances.remove(&id);
            }
            State::Running | State::Stopped => {}
        }
    }
}

fn settle_storage(region: &mut Region, now: DateTime<Utc>) {
    for volume in region.volumes.values_mut() {
        volume.settle(now);
    }
    for snapshot in region.snapshots.values_mut() {
        if snapshot.is_pending() && snapshot.completes_at <= now {
            snapshot.state = SnapshotState::Completed;
        }
    }
    image::settle(region, now);
}

/// Interfaces that their service let go of.
fn settle_interfaces(region: &mut Region, now: DateTime<Utc>) {
    let gone = region.interfaces.values().filter(|interface| {
        let service = interface.service.as_ref();
        service
            .and_then(|service| service.gone_at)
            .is_some_and(|at| at <= now)
    });
    let gone: Vec<String> = gone.map(|interface| interface.meta.id.clone()).collect();
    for id in gone {
        interface::remove(region, &id);
    }
}

fn due(region: &Region, now: DateTime<Utc>) -> Vec<String> {
    let passing = region.instances.values().filter(|instance| match instance.state {
        State::Pending | State::Stopping | State::ShuttingDown => instance.settles_at <= now,
        State::Terminated => instance.settles_at + SHOWN_AFTER_END <= now,
        State::Running | State::Stopped => false,
    });
    passing.map(|instance| instance.meta.id.clone()).collect()
}

fn give_back(region: &mut Region, instance_id: &str, interface_id: &str) {
    interface::remove(region, interface_id);
    region.volumes.retain(|_, volume| {
        let held = volume
            .attachment
            .as_ref()
            .filter(|attachment| attachment.instance_id == instance_id);
        held.is_none_or(|attachment| !attachment.delete_on_termination)
    });
    for volume in region.volumes.values_mut() {
        if volume
            .attachment
            .as_ref()
            .is_some_and(|attachment| attachment.instance_id == instance_id)
        {
            volume.attachment = None;
        }
    }
}

/// Gives a starting instance an address of Amazon's pool when it should have one and has no elastic one.
pub(super) fn give_public_ip(region: &mut Region, core: &Core, interface_id: &str, wanted: bool) {
    let elastic = region
        .addresses
        .values()
        .any(|address| address.interface_id.as_deref() == Some(interface_id));
    if !wanted || elastic {
        return;
    }
    let public_ip = free_public_ip(&core.ids, region);
    if let Some(interface) = region.interfaces.get_mut(interface_id) {
        interface.public_ip = Some(public_ip);
    }
}
