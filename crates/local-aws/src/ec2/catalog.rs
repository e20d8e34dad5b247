//! What AWS offers, in a small and fixed copy: regions, zones, public images, instance types.
//!
//! The figures of types and the opt-in status of regions are AWS's (EC2 user guide, "Regions and Zones"; "Amazon EC2
//! instance types"). Image ids are made up: real ones change weekly.

use serde::{Deserialize, Serialize};

use crate::ids::stable_hash;

/// A region, and whether an account must opt in.
pub(super) struct RegionOffer {
    pub(super) name: &'static str,
    /// The short form in zone ids, such as `use1`.
    short: &'static str,
    pub(super) opt_in: bool,
}

const fn always(name: &'static str, short: &'static str) -> RegionOffer {
    RegionOffer {
        name,
        short,
        opt_in: false,
    }
}

const fn opt_in(name: &'static str, short: &'static str) -> RegionOffer {
    RegionOffer {
        name,
        short,
        opt_in: true,
    }
}

/// The regions known here. Those to opt into are not opted into by any account.
pub(super) const REGIONS: &[RegionOffer] = &[
    always("us-east-1", "use1"),
    always("us-east-2", "use2"),
    always("us-west-1", "usw1"),
    always("us-west-2", "usw2"),
    always("ca-central-1", "cac1"),
    always("sa-east-1", "sae1"),
    always("eu-west-1", "euw1"),
    always("eu-west-2", "euw2"),
    always("eu-west-3", "euw3"),
    always("eu-central-1", "euc1"),
    always("eu-north-1", "eun1"),
    always("ap-south-1", "aps1"),
    always("ap-northeast-1", "apne1"),
    always("ap-northeast-2", "apne2"),
    always("ap-southeast-1", "apse1"),
    always("ap-southeast-2", "apse2"),
    opt_in("af-south-1", "afs1"),
    opt_in("ap-east-1", "ape1"),
    opt_in("eu-south-1", "eus1"),
    opt_in("me-south-1", "mes1"),
];

/// A region an account can use.
pub(super) fn is_enabled(region: &str) -> bool {
    REGIONS.iter().any(|offer| offer.name == region && !offer.opt_in)
}

/// An availability zone.
pub(super) struct Zone {
    pub(super) name: String,
    pub(super) id: String,
}

/// The three zones of a region.
pub(super) fn zones(region: &str) -> Vec<Zone> {
    let short = REGIONS
        .iter()
        .find(|offer| offer.name == region)
        .map_or("loc1", |offer| offer.short);
    let zone = |(letter, number): (char, u8)| Zone {
        name: format!("{region}{letter}"),
        id: format!("{short}-az{number}"),
    };
    [('a', 1), ('b', 2), ('c', 3)].into_iter().map(zone).collect()
}

/// The id of a zone by its name.
pub(super) fn zone_id(name: &str) -> String {
    let region = &name[..name.len().saturating_sub(1)];
    zones(region)
        .into_iter()
        .find(|zone| zone.name == name)
        .map(|zone| zone.id)
        .unwrap_or_default()
}

/// A public image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Image {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) architecture: String,
    pub(super) root_device: String,
    pub(super) root_gib: i64,
    pub(super) owner: String,
    pub(super) created_on: String,
    /// Whether an account made it; else AWS offers it to all.
    #[serde(default)]
    pub(super) own: bool,
}

/// The images of a region.
pub(super) fn images(region: &str) -> Vec<Image> {
    let image = |(name, architecture, created_on): (&str, &str, &str)| Image {
        id: format!("ami-0{:016x}", stable_hash(0, &format!("{region}/{name}"))),
        name: name.to_owned(),
        architecture: architecture.to_owned(),
        root_device: "/dev/xvda".into(),
        root_gib: 8,
        owner: "137112412989".into(),
        created_on: created_on.to_owned(),
        own: false,
    };
    [
        (
            "al2023-ami-2023.8.20250915.0-kernel-6.1-x86_64",
            "x86_64",
            "2025-09-15T00:00:00.000Z",
        ),
        (
            "al2023-ami-2023.8.20250915.0-kernel-6.1-arm64",
            "arm64",
            "2025-09-15T00:00:00.000Z",
        ),
        (
            "al2023-ami-2023.7.20250331.0-kernel-6.1-x86_64",
            "x86_64",
            "2025-03-31T00:00:00.000Z",
        ),
    ]
    .into_iter()
    .map(image)
    .collect()
}

pub(super) fn image(region: &str, id: &str) -> Option<Image> {
    images(region).into_iter().find(|image| image.id == id)
}

/// An instance type.
#[derive(Clone, Debug)]
pub(super) struct InstanceType {
    pub(super) name: String,
    pub(super) vcpus: u32,
    pub(super) memory_mib: u32,
    pub(super) architecture: &'static str,
    /// False for types that a region's third zone does not offer.
    everywhere: bool,
}

impl InstanceType {
    /// Whether a zone offers the type.
    pub(super) fn is_offered_in(&self, zone: &str) -> bool {
        self.everywhere || !zone.ends_with('c')
    }
}

type TypeFigures = (&'static str, u32, u32, &'static str, bool);

const TYPES: &[TypeFigures] = &[
    ("t3.micro", 2, 1_024, "x86_64", true),
    ("t3.small", 2, 2_048, "x86_64", true),
    ("t3.medium", 2, 4_096, "x86_64", true),
    ("t3.large", 2, 8_192, "x86_64", true),
    ("t3.xlarge", 4, 16_384, "x86_64", true),
    ("t4g.small", 2, 2_048, "arm64", true),
    ("t4g.medium", 2, 4_096, "arm64", true),
    ("m6i.large", 2, 8_192, "x86_64", true),
    ("m6i.xlarge", 4, 16_384, "x86_64", true),
    ("m6i.2xlarge", 8, 32_768, "x86_64", true),
    ("m7g.large", 2, 8_192, "arm64", false),
    ("m7g.xlarge", 4, 16_384, "arm64", false),
    ("m7i.large", 2, 8_192, "x86_64", false),
    ("c6i.large", 2, 4_096, "x86_64", true),
    ("c6i.xlarge", 4, 8_192, "x86_64", true),
    ("r6i.large", 2, 16_384, "x86_64", true),
    ("r6i.xlarge", 4, 32_768, "x86_64", true),
    ("r6i.2xlarge", 8, 65_536, "x86_64", true),
];

/// Every type known here.
pub(super) fn instance_types() -> Vec<InstanceType> {
    let figures = |&(name, vcpus, memory_mib, architecture, everywhere): &TypeFigures| InstanceType {
        name: name.to_owned(),
        vcpus,
        memory_mib,
        architecture,
        everywhere,
    };
    TYPES.iter().map(figures).collect()
}

pub(super) fn instance_type(name: &str) -> Option<InstanceType> {
    instance_types().into_iter().find(|offer| offer.name == name)
}
