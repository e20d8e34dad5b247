//! RunInstances' parameters.

use std::net::Ipv4Addr;

use super::catalog::{self, Image, InstanceType};
use super::instance::Settings;
use super::kind::Kind;
use super::request::{Request, invalid_value};
use super::state::Tags;
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
    pub(super) group_ids: Vec<String>,
    pub(super) private_ip: Option<Ipv4Addr>,
    pub(super) disks: Vec<Disk>,
    pub(super) settings: Settings,
    pub(super) instance_tags: Tags,
    pub(super) volume_tags: Tags,
    pub(super) interface_tags: Tags,
}

/// One volume to make.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    pub(super) device: String,
    pub(super) size_gib: i64,
    pub(super) volume_type: String,
    pub(super) iops: Option<i64>,
    pub(super) encrypted: bool,
    pub(super) kms_key_id: Option<String>,
    pub(super) delete_on_termination: bool,
}

impl Launch {
    pub(super) fn read(request: &Request<'_>) -> Result<Self, AwsError> {
        let params = &request.params;
        refuse_unsupported(params)?;
        let image_id = params.required("ImageId")?;
        let image =
            catalog::image(&request.call.region, image_id).ok_or_else(|| Kind::Image.not_found(image_id))?;
        let instance_type = instance_type(params)?;
        if instance_type.architecture != image.architecture {
            let why = format!(
                "The architecture '{}' of the specified instance type does not match the architecture '{}' of the \
                 specified AMI.",
                instance_type.architecture, image.architecture
            );
            return Err(invalid_value(why));
        }
        let interface = params.list("NetworkInterface").into_iter().next();
        let network = interface.as_ref().unwrap_or(params);
        if interface.is_some() && params.get("SubnetId").is_some() {
            let why =
                "Network interfaces and an instance-level subnet ID may not be specified on the same request";
            return Err(AwsError::bad("InvalidParameterCombination", why));
        }
        let subnet_id = network.get("SubnetId").ok_or_else(|| {
            AwsError::bad(
                "MissingInput",
                "No subnets found for the default VPC; a subnet must be named.",
            )
        })?;
        Ok(Self {
            count: count(params)?,
            subnet_id: subnet_id.to_owned(),
            group_ids: network.strings("SecurityGroupId"),
            private_ip: private_ip(network)?,
            disks: disks(params, &image)?,
            settings: settings(params, interface.as_ref())?,
            instance_tags: request.tags_for(Kind::Instance)?,
            volume_tags: request.tags_for(Kind::Volume)?,
            interface_tags: request.tags_for(Kind::NetworkInterface)?,
            image,
            instance_type,
        })
    }
}

fn refuse_unsupported(params: &Params) -> Result<(), AwsError> {
    if let Some(name) = params.get("KeyName") {
        let why = format!("The key pair '{name}' does not exist");
        return Err(AwsError::bad("InvalidKeyPair.NotFound", why));
    }
    let structures = [
        "IamInstanceProfile",
        "LaunchTemplate",
        "InstanceMarketOptions",
        "Placement.HostId",
        "CpuOptions",
    ];
    let named = structures
        .into_iter()
        .find(|name| !params.structure(name).is_empty() || params.get(name).is_some());
    named.map_or(Ok(()), |name| {
        Err(AwsError::not_implemented(
            "ec2",
            &format!("RunInstances with {name}"),
        ))
    })
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

fn disks(params: &Params, image: &Image) -> Result<Vec<Disk>, AwsError> {
    let mut disks = vec![Disk {
        device: image.root_device.clone(),
        size_gib: image.root_gib,
        volume_type: "gp3".into(),
        iops: Some(3_000),
        encrypted: false,
        kms_key_id: None,
        delete_on_termination: true,
    }];
    for mapping in params.list("BlockDeviceMapping") {
        let device = mapping.required("DeviceName")?;
        let root = device == image.root_device;
        let disk = disk(
            &mapping.structure("Ebs"),
            device,
            if root { image.root_gib } else { 0 },
        )?;
        match disks.iter_mut().find(|known| known.device == device) {
            Some(known) => *known = disk,
            None => disks.push(disk),
        }
    }
    Ok(disks)
}

fn disk(ebs: &Params, device: &str, default_gib: i64) -> Result<Disk, AwsError> {
    let size_gib = ebs.number("VolumeSize")?.unwrap_or(default_gib);
    if size_gib < default_gib.max(1) || size_gib > 65_536 {
        let why = format!(
            "Volume of size {size_gib}GB is smaller than expected size >= {}GB",
            default_gib.max(1)
        );
        return Err(AwsError::bad("InvalidBlockDeviceMapping", why));
    }
    let volume_type = ebs.get("VolumeType").unwrap_or("gp3");
    if !["gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"].contains(&volume_type) {
        return Err(invalid_value(format!(
            "Value ({volume_type}) for parameter volumeType is invalid."
        )));
    }
    let encrypted = ebs.flag("Encrypted")?.unwrap_or(false);
    if ebs.get("KmsKeyId").is_some() && !encrypted {
        return Err(AwsError::bad(
            "InvalidParameterDependency",
            "The parameter KmsKeyId requires the parameter Encrypted to be set.",
        ));
    }
    Ok(Disk {
        device: device.to_owned(),
        size_gib,
        volume_type: volume_type.to_owned(),
        iops: ebs.number("Iops")?.or((volume_type == "gp3").then_some(3_000)),
        encrypted,
        kms_key_id: ebs.get("KmsKeyId").map(str::to_owned),
        delete_on_termination: ebs.flag("DeleteOnTermination")?.unwrap_or(true),
    })
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
        public_ip: interface
            .map(|interface| interface.flag("AssociatePublicIpAddress"))
            .transpose()?
            .flatten(),
    })
}

fn user_data(params: &Params) -> Result<Option<String>, AwsError> {
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
fn one_of(params: &Params, name: &str, words: &[&str]) -> Result<String, AwsError> {
    let given = params.get(name).unwrap_or(words[0]);
    if words.contains(&given) {
        Ok(given.to_owned())
    } else {
        Err(params.invalid(name, given))
    }
}
