//! RunInstances' parameters.

use std::net::Ipv4Addr;

use super::catalog::{self, Image, InstanceType};
use super::disk::{self, Disk};
use super::image::{self, SourceImage};
use super::instance::Settings;
use super::kind::Kind;
use super::request::{Request, invalid_value};
use super::state::{Region, Tags};
use crate::error::AwsError;
use crate::protocol::Params;

/// Most instances of one call.
const COUNT_MAX: i64 = 100;
const USER_DATA_BYTES_MAX: usize = 16 * 1024;

/// What is asked of RunInstances.
pub(super) struct Launch {
    pub(super) image: Image,
    pub(super) instance_type: InstanceType,
    pub(super) count: i64,
    pub(super) subnet_id: String,
    /// The zone asked for, which must be the subnet's.
    pub(super) zone: Option<String>,
    pub(super) group_ids: Vec<String>,
    pub(super) private_ip: Option<Ipv4Addr>,
    pub(super) disks: Vec<Disk>,
    pub(super) settings: Settings,
    pub(super) instance_tags: Tags,
    pub(super) volume_tags: Tags,
    pub(super) interface_tags: Tags,
}

impl Launch {
    /// Reads the parameters of a launch, which are the call's own and those of the template it names.
    pub(super) fn read(request: &Request<'_>, region: &Region, params: &Params) -> Result<Self, AwsError> {
        refuse_unsupported(params)?;
        let source = image::find(request, region, params.required("ImageId")?)?;
        let instance_type = instance_type(params)?;
        if instance_type.architecture != source.image.architecture {
            let why = format!(
                "The architecture '{}' of the specified instance type does not match the architecture '{}' of the \
                 specified AMI.",
                instance_type.architecture, source.image.architecture
            );
            return Err(invalid_value(why));
        }
        let interface = params.list("NetworkInterface").into_iter().next();
        let network = interface.as_ref().unwrap_or(params);
        Ok(Self {
            count: count(params)?,
            subnet_id: subnet(params, interface.as_ref())?,
            zone: params.get("Placement.AvailabilityZone").map(str::to_owned),
            group_ids: network.strings("SecurityGroupId"),
            private_ip: private_ip(network)?,
            disks: disks(region, params, &source)?,
            settings: settings(params, interface.as_ref())?,
            instance_tags: request.tags_in(params, Kind::Instance)?,
            volume_tags: request.tags_in(params, Kind::Volume)?,
            interface_tags: request.tags_in(params, Kind::NetworkInterface)?,
            image: source.image,
            instance_type,
        })
    }
}

fn subnet(params: &Params, interface: Option<&Params>) -> Result<String, AwsError> {
    let flat = ["SubnetId", "SecurityGroupId.1", "PrivateIpAddress"];
    if interface.is_some() && flat.iter().any(|name| params.get(name).is_some()) {
        let why = "Network interfaces and an instance-level subnet, group or address may not be specified on the same \
                   request";
        return Err(AwsError::bad("InvalidParameterCombination", why));
    }
    let named = interface.unwrap_or(params).get("SubnetId");
    named.map(str::to_owned).ok_or_else(|| {
        AwsError::bad(
            "MissingInput",
            "No subnets found for the default VPC; a subnet must be named.",
        )
    })
}

fn refuse_unsupported(params: &Params) -> Result<(), AwsError> {
    if let Some(name) = params.get("KeyName") {
        let why = format!("The key pair '{name}' does not exist");
        return Err(AwsError::bad("InvalidKeyPair.NotFound", why));
    }
    if params.get("SecurityGroup.1").is_some() {
        let why = "The parameter groupName cannot be used with the parameter subnet";
        return Err(AwsError::bad("InvalidParameterCombination", why));
    }
    unsupported(params).map_or(Ok(()), |name| {
        Err(AwsError::not_implemented(
            "ec2",
            &format!("RunInstances with {name}"),
        ))
    })
}

/// The parameters a launch has on AWS and not here. A template with one of them is refused as well.
const UNSUPPORTED: [&str; 22] = [
    "CapacityReservationSpecification",
    "CpuOptions",
    "CreditSpecification",
    "DisableApiStop",
    "ElasticGpuSpecification",
    "ElasticInferenceAccelerator",
    "EnclaveOptions",
    "HibernationOptions",
    "InstanceMarketOptions",
    "InstanceRequirements",
    "Ipv6Address",
    "Ipv6AddressCount",
    "KernelId",
    "LicenseSpecification",
    "MaintenanceOptions",
    "NetworkInterface.1.NetworkInterfaceId",
    "NetworkInterface.2",
    "NetworkPerformanceOptions",
    "Placement.GroupName",
    "Placement.HostId",
    "PrivateDnsNameOptions",
    "RamDiskId",
];

/// The first parameter that this endpoint does not have.
pub(super) fn unsupported(params: &Params) -> Option<&'static str> {
    let tenancy = params.get("Placement.Tenancy");
    if tenancy.is_some_and(|tenancy| tenancy != "default") {
        return Some("Placement.Tenancy");
    }
    UNSUPPORTED
        .into_iter()
        .find(|name| params.get(name).is_some() || !params.structure(name).is_empty())
}

fn instance_type(params: &Params) -> Result<InstanceType, AwsError> {
    let name = params.get("InstanceType").unwrap_or("m1.small");
    catalog::instance_type(name)
        .ok_or_else(|| invalid_value(format!("Invalid value '{name}' for InstanceType.")))
}

fn count(params: &Params) -> Result<i64, AwsError> {
    let least = params
        .number("MinCount")?
        .ok_or_else(|| params.missing("MinCount"))?;
    let most = params
        .number("MaxCount")?
        .ok_or_else(|| params.missing("MaxCount"))?;
    if least < 1 || most < least {
        return Err(invalid_value(
            "MinCount and MaxCount must be 1 or more, and MaxCount not below MinCount",
        ));
    }
    if least > COUNT_MAX {
        let why = "You have requested more instances than your current instance limit allows.";
        return Err(AwsError::bad("InstanceLimitExceeded", why));
    }
    Ok(most.min(COUNT_MAX))
}

fn private_ip(network: &Params) -> Result<Option<Ipv4Addr>, AwsError> {
    let text = network.get("PrivateIpAddress");
    text.map(|text| {
        text.parse()
            .map_err(|_| network.invalid("privateIpAddress", text))
    })
    .transpose()
}

/// The volumes of the image, with what the call says of them, and the ones the call adds.
fn disks(region: &Region, params: &Params, source: &SourceImage) -> Result<Vec<Disk>, AwsError> {
    let mut disks = source.disks.clone();
    for mapping in params.list("BlockDeviceMapping") {
        let device = mapping.required("DeviceName")?;
        let known = disks.iter().position(|disk| disk.device == device);
        if mapping.get("NoDevice").is_some() {
            if device == source.image.root_device {
                return Err(invalid_value("The root device cannot be left out"));
            }
            disks.retain(|disk| disk.device != device);
            continue;
        }
        let base = known.map(|at| disks[at].clone());
        let disk = disk::read(region, &mapping.structure("Ebs"), device, base.as_ref())?;
        match known {
            Some(at) => disks[at] = disk,
            None => disks.push(disk),
        }
    }
    Ok(disks)
}

fn settings(params: &Params, interface: Option<&Params>) -> Result<Settings, AwsError> {
    let options = params.structure("MetadataOptions");
    let hop_limit = options.number("HttpPutResponseHopLimit")?.unwrap_or(2);
    if !(1..=64).contains(&hop_limit) {
        return Err(options.invalid("HttpPutResponseHopLimit", &hop_limit.to_string()));
    }
    Ok(Settings {
        user_data: user_data(params)?,
        client_token: params.get("ClientToken").map(str::to_owned),
        // The images here ask for version 2 of the metadata service.
        http_tokens: one_of(&options, "HttpTokens", &["required", "optional"])?,
        http_endpoint: one_of(&options, "HttpEndpoint", &["enabled", "disabled"])?,
        hop_limit,
        metadata_tags: one_of(&options, "InstanceMetadataTags", &["disabled", "enabled"])?,
        termination_protected: params.flag("DisableApiTermination")?.unwrap_or(false),
        ebs_optimized: params.flag("EbsOptimized")?.unwrap_or(false),
        monitoring: params.flag("Monitoring.Enabled")?.unwrap_or(false),
        source_dest_check: true,
        shutdown_behavior: one_of(
            params,
            "InstanceInitiatedShutdownBehavior",
            &["stop", "terminate"],
        )?,
        profile: None,
        public_ip: interface
            .map(|interface| interface.flag("AssociatePublicIpAddress"))
            .transpose()?
            .flatten(),
    })
}

pub(super) fn user_data(params: &Params) -> Result<Option<String>, AwsError> {
    let Some(text) = params.get("UserData") else {
        return Ok(None);
    };
    let bytes = data_encoding::BASE64.decode(text.as_bytes());
    let bytes = bytes.map_err(|_| {
        AwsError::bad(
            "InvalidUserData.Malformed",
            "Invalid BASE64 encoding of user data.",
        )
    })?;
    if bytes.len() > USER_DATA_BYTES_MAX {
        return Err(invalid_value("User data is limited to 16384 bytes"));
    }
    Ok(Some(text.to_owned()))
}

/// One of the words, the first when nothing is said.
pub(super) fn one_of(params: &Params, name: &str, words: &[&str]) -> Result<String, AwsError> {
    let given = params.get(name).unwrap_or(words[0]);
    if words.contains(&given) {
        Ok(given.to_owned())
    } else {
        Err(params.invalid(name, given))
    }
}
