//! How instances are written.

use super::instance::{Instance, State};
use super::interface::{public_ip, write_groups};
use super::state::Region;
use super::tags;
use crate::protocol::Xml;

/// The answer of RunInstances.
pub(super) fn reservation(region: &Region, ids: &[String]) -> Xml {
    let instances: Vec<&Instance> = ids.iter().filter_map(|id| region.instances.get(id)).collect();
    let mut xml = Xml::new();
    write_reservation(&mut xml, region, &instances);
    xml
}

/// One reservation with some of its instances.
pub(super) fn write_reservation(xml: &mut Xml, region: &Region, instances: &[&Instance]) {
    if let Some(first) = instances.first() {
        xml.leaf("reservationId", &first.reservation_id)
            .leaf("ownerId", &first.owner);
    }
    xml.items("groupSet", [(); 0], |_, ()| {});
    xml.items("instancesSet", instances, |xml, instance| {
        write(xml, region, instance);
    });
}

/// A state, as name and number.
pub(super) fn write_state(xml: &mut Xml, name: &str, state: State) {
    xml.node(name, |xml| {
        xml.leaf("code", state.code()).leaf("name", state.name());
    });
}

fn write(xml: &mut Xml, region: &Region, instance: &Instance) {
    let settings = &instance.settings;
    xml.leaf("instanceId", &instance.meta.id)
        .leaf("imageId", &instance.image.id);
    write_state(xml, "instanceState", instance.state);
    xml.leaf("amiLaunchIndex", instance.launch_index)
        .leaf("instanceType", &instance.instance_type)
        .leaf(
            "launchTime",
            instance.launched_at.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
        )
        .leaf("architecture", &instance.image.architecture)
        .leaf("rootDeviceType", "ebs")
        .leaf("rootDeviceName", &instance.image.root_device)
        .leaf("virtualizationType", "hvm")
        .leaf("hypervisor", "xen")
        .leaf("ebsOptimized", settings.ebs_optimized)
        .leaf("sourceDestCheck", settings.source_dest_check)
        .leaf(
            "clientToken",
            settings.client_token.as_deref().unwrap_or_default(),
        );
    xml.node("placement", |xml| {
        xml.leaf("availabilityZone", &instance.zone)
            .leaf("tenancy", "default");
    });
    xml.node("monitoring", |xml| {
        xml.leaf(
            "state",
            if settings.monitoring {
                "enabled"
            } else {
                "disabled"
            },
        );
    });
    xml.node("metadataOptions", |xml| {
        xml.leaf("state", "applied")
            .leaf("httpTokens", &settings.http_tokens)
            .leaf("httpEndpoint", &settings.http_endpoint)
            .leaf("httpPutResponseHopLimit", settings.hop_limit)
            .leaf("instanceMetadataTags", &settings.metadata_tags);
    });
    if let Some(profile) = &settings.profile {
        xml.node("iamInstanceProfile", |xml| {
            xml.leaf("arn", &profile.arn).leaf("id", &profile.id);
        });
    }
    if let Some((code, why)) = &instance.reason {
        xml.leaf("reason", why).node("stateReason", |xml| {
            xml.leaf("code", code).leaf("message", why);
        });
    }
    write_network(xml, region, instance);
    write_disks(xml, region, instance);
    tags::write(xml, &instance.meta.tags);
}

/// An ended instance has no network any more and shows none.
fn write_network(xml: &mut Xml, region: &Region, instance: &Instance) {
    let Some(interface) = region.interfaces.get(&instance.interface_id) else {
        return;
    };
    let public_ip = public_ip(region, interface);
    xml.leaf("vpcId", &instance.vpc_id)
        .leaf("subnetId", &instance.subnet_id)
        .leaf("privateIpAddress", interface.private_ip)
        .optional("ipAddress", public_ip);
    write_groups(xml, region, &instance.groups);
    xml.items("networkInterfaceSet", [interface], |xml, interface| {
        xml.leaf("networkInterfaceId", &interface.meta.id)
            .leaf("subnetId", &interface.subnet_id)
            .leaf("vpcId", &interface.vpc_id)
            .leaf("status", "in-use")
            .leaf("privateIpAddress", interface.private_ip);
        write_groups(xml, region, &interface.groups);
        if let Some(public_ip) = public_ip {
            xml.node("association", |xml| {
                xml.leaf("publicIp", public_ip);
            });
        }
    });
}

/// The volumes attached to an instance.
pub(super) fn write_disks(xml: &mut Xml, region: &Region, instance: &Instance) {
    let attached = region.volumes.values().filter_map(|volume| {
        let attachment = volume
            .attachment
            .as_ref()
            .filter(|to| to.instance_id == instance.meta.id)?;
        Some((volume, attachment))
    });
    xml.items("blockDeviceMapping", attached, |xml, (volume, attachment)| {
        xml.leaf("deviceName", &attachment.device).node("ebs", |xml| {
            xml.leaf("volumeId", &volume.meta.id)
                .leaf("status", "attached")
                .leaf("deleteOnTermination", attachment.delete_on_termination);
        });
    });
}
