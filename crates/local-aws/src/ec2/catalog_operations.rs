//! Describing what AWS offers.

use super::catalog;
use super::describe::{Filter, read_filters};
use super::request::{Request, invalid_value};
use super::state::Region;
use crate::error::AwsError;
use crate::protocol::Xml;

/// The opening of all of these: permission, dry run, filters.
fn open(request: &Request<'_>) -> Result<Vec<Filter>, AwsError> {
    request.authorize_all()?;
    request.end_dry_run()?;
    read_filters(&request.params)
}

/// Keeps the items whose fields hit every filter.
fn filtered<T>(
    items: impl IntoIterator<Item = T>,
    filters: &[Filter],
    field: impl Fn(&T, &str) -> Option<Vec<String>>,
) -> Result<Vec<T>, AwsError> {
    let mut kept = Vec::new();
    for item in items {
        let hits = filters
            .iter()
            .map(|filter| filter.hits(field(&item, &filter.name)));
        if hits.collect::<Result<Vec<bool>, _>>()?.into_iter().all(|hit| hit) {
            kept.push(item);
        }
    }
    Ok(kept)
}

pub(super) fn regions(request: &Request<'_>, _: &mut Region) -> Result<Xml, AwsError> {
    let filters = open(request)?;
    let all = request.params.flag("AllRegions")?.unwrap_or(false);
    let names = request.params.strings("RegionName");
    if let Some(unknown) = names
        .iter()
        .find(|name| !catalog::REGIONS.iter().any(|offer| offer.name == name.as_str()))
    {
        return Err(invalid_value(format!("Invalid region names: {unknown}")));
    }
    let offers = catalog::REGIONS.iter().filter(|offer| {
        let named = names.iter().any(|name| name == offer.name);
        if names.is_empty() {
            all || !offer.opt_in
        } else {
            named
        }
    });
    let status = |opt_in: bool| {
        if opt_in {
            "not-opted-in"
        } else {
            "opt-in-not-required"
        }
    };
    let offers = filtered(offers, &filters, |offer, name| {
        Some(vec![match name {
            "region-name" => offer.name.to_owned(),
            "opt-in-status" => status(offer.opt_in).to_owned(),
            "endpoint" => format!("ec2.{}.amazonaws.com", offer.name),
            _ => return None,
        }])
    })?;
    let mut xml = Xml::new();
    xml.items("regionInfo", offers, |xml, offer| {
        xml.leaf("regionName", offer.name)
            .leaf("regionEndpoint", format!("ec2.{}.amazonaws.com", offer.name))
            .leaf("optInStatus", status(offer.opt_in));
    });
    Ok(xml)
}

pub(super) fn zones(request: &Request<'_>, _: &mut Region) -> Result<Xml, AwsError> {
    let filters = open(request)?;
    let region = &request.call.region;
    let names = request.params.strings("ZoneName");
    let zones = catalog::zones(region);
    if let Some(unknown) = names
        .iter()
        .find(|name| !zones.iter().any(|zone| zone.name == **name))
    {
        return Err(invalid_value(format!("Invalid availability zone: [{unknown}]")));
    }
    let zones = zones
        .into_iter()
        .filter(|zone| names.is_empty() || names.contains(&zone.name));
    let zones = filtered(zones, &filters, |zone, name| {
        Some(vec![match name {
            "zone-name" => zone.name.clone(),
            "zone-id" => zone.id.clone(),
            "region-name" => region.clone(),
            "state" => zone_state(request, &zone.name).into(),
            "zone-type" => "availability-zone".into(),
            "opt-in-status" => "opt-in-not-required".into(),
            _ => return None,
        }])
    })?;
    let mut xml = Xml::new();
    xml.items("availabilityZoneInfo", zones, |xml, zone| {
        xml.leaf("zoneState", zone_state(request, &zone.name))
            .leaf("zoneName", zone.name)
            .leaf("zoneId", zone.id)
            .leaf("zoneType", "availability-zone")
            .leaf("optInStatus", "opt-in-not-required")
            .leaf("regionName", region)
            .leaf("groupName", region);
    });
    Ok(xml)
}

/// AWS's word for a zone that is lost.
fn zone_state(request: &Request<'_>, zone: &str) -> &'static str {
    if request.core.outages.zone_lost(zone) {
        "unavailable"
    } else {
        "available"
    }
}

pub(super) fn instance_types(request: &Request<'_>, _: &mut Region) -> Result<Xml, AwsError> {
    let filters = open(request)?;
    let names = request.params.strings("InstanceType");
    if let Some(unknown) = names.iter().find(|name| catalog::instance_type(name).is_none()) {
        let why = format!("The following supplied instance types do not exist: [{unknown}]");
        return Err(AwsError::bad("InvalidInstanceType", why));
    }
    let types = catalog::instance_types()
        .into_iter()
        .filter(|offer| names.is_empty() || names.contains(&offer.name));
    let types = filtered(types, &filters, |offer, name| {
        Some(vec![match name {
            "instance-type" => offer.name.clone(),
            "processor-info.supported-architecture" => offer.architecture.to_owned(),
            "vcpu-info.default-vcpus" => offer.vcpus.to_string(),
            "memory-info.size-in-mib" => offer.memory_mib.to_string(),
            "current-generation" => "true".into(),
            "hypervisor" => "nitro".into(),
            "bare-metal" => "false".into(),
            "network-info.ena-support" => "required".into(),
            "ebs-info.nvme-support" => "required".into(),
            "supported-root-device-type" => "ebs".into(),
            "supported-virtualization-type" => "hvm".into(),
            _ => return None,
        }])
    })?;
    let mut xml = Xml::new();
    xml.items("instanceTypeSet", types, |xml, offer| {
        xml.leaf("instanceType", &offer.name)
            .leaf("currentGeneration", true)
            .leaf("hypervisor", "nitro")
            .leaf("bareMetal", false)
            .leaf("instanceStorageSupported", false)
            .leaf("burstablePerformanceSupported", offer.name.starts_with('t'));
        for (set, word) in [
            ("supportedRootDeviceTypes", "ebs"),
            ("supportedVirtualizationTypes", "hvm"),
            ("supportedUsageClasses", "on-demand"),
        ] {
            xml.items(set, [word], |xml, word| {
                xml.text(word);
            });
        }
        xml.node("networkInfo", |xml| {
            xml.leaf("enaSupport", "required");
        });
        write_disks(xml, offer.vcpus);
        xml.node("vCpuInfo", |xml| {
            xml.leaf("defaultVCpus", offer.vcpus);
        });
        xml.node("memoryInfo", |xml| {
            xml.leaf("sizeInMiB", offer.memory_mib);
        });
        xml.node("processorInfo", |xml| {
            xml.items(
                "supportedArchitectures",
                [offer.architecture],
                |xml, architecture| {
                    xml.text(architecture);
                },
            );
        });
    });
    Ok(xml)
}

/// What a type can do with EBS. The bound grows with its size; the figures are of one step and near AWS's.
fn write_disks(xml: &mut Xml, vcpus: u32) {
    xml.node("ebsInfo", |xml| {
        xml.leaf("ebsOptimizedSupport", "default")
            .leaf("encryptionSupport", "supported")
            .leaf("nvmeSupport", "required");
        xml.node("ebsOptimizedInfo", |xml| {
            xml.leaf("maximumIops", vcpus * 6_000)
                .leaf("baselineIops", vcpus * 1_800);
        });
    });
}

pub(super) fn offerings(request: &Request<'_>, _: &mut Region) -> Result<Xml, AwsError> {
    let filters = open(request)?;
    let region = &request.call.region;
    let location_type = request.params.get("LocationType").unwrap_or("region").to_owned();
    let places: Vec<(String, String)> = match location_type.as_str() {
        "region" => vec![(region.clone(), region.clone())],
        "availability-zone" => catalog::zones(region)
            .into_iter()
            .map(|zone| (zone.name.clone(), zone.name))
            .collect(),
        "availability-zone-id" => catalog::zones(region)
            .into_iter()
            .map(|zone| (zone.id, zone.name))
            .collect(),
        other => return Err(request.params.invalid("LocationType", other)),
    };
    let types = catalog::instance_types();
    let pairs = types.iter().flat_map(|offer| {
        let here = places
            .iter()
            .filter(|(_, zone)| location_type == "region" || offer.is_offered_in(zone));
        here.map(|(place, _)| (offer.name.clone(), place.clone()))
    });
    let pairs = filtered(pairs.collect::<Vec<_>>(), &filters, |(name, place), filter| {
        Some(vec![match filter {
            "instance-type" => name.clone(),
            "location" => place.clone(),
            _ => return None,
        }])
    })?;
    let mut xml = Xml::new();
    xml.items("instanceTypeOfferingSet", pairs, |xml, (name, place)| {
        xml.leaf("instanceType", name)
            .leaf("locationType", &location_type)
            .leaf("location", place);
    });
    Ok(xml)
}
