//! The kinds of EC2 resource: their prefix, their name in ARNs and tags, and how each is refused when absent.

use crate::error::AwsError;

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `vpc-`
    Vpc,
    /// `subnet-`
    Subnet,
    /// `igw-`
    InternetGateway,
    /// `rtb-`
    RouteTable,
    /// `sg-`
    SecurityGroup,
    /// `sgr-`
    SecurityGroupRule,
    /// `i-`
    Instance,
    /// `vol-`
    Volume,
    /// `eni-`
    NetworkInterface,
    /// `eipalloc-`
    Address,
    /// `ami-`
    Image,
}

use Kind::{
    Address, Image, Instance, InternetGateway, NetworkInterface, RouteTable, SecurityGroup,
    SecurityGroupRule, Subnet, Volume, Vpc,
};

impl Kind {
    const ALL: [Self; 11] = [
        Vpc,
        Subnet,
        InternetGateway,
        RouteTable,
        SecurityGroup,
        SecurityGroupRule,
        Instance,
        Volume,
        NetworkInterface,
        Address,
        Image,
    ];

    /// The prefix of ids, without the dash.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Vpc => "vpc",
            Subnet => "subnet",
            InternetGateway => "igw",
            RouteTable => "rtb",
            SecurityGroup => "sg",
            SecurityGroupRule => "sgr",
            Instance => "i",
            Volume => "vol",
            NetworkInterface => "eni",
            Address => "eipalloc",
            Image => "ami",
        }
    }

    /// The name in ARNs, tag specifications and tag descriptions.
    pub(super) fn name(self) -> &'static str {
        match self {
            Vpc => "vpc",
            Subnet => "subnet",
            InternetGateway => "internet-gateway",
            RouteTable => "route-table",
            SecurityGroup => "security-group",
            SecurityGroupRule => "security-group-rule",
            Instance => "instance",
            Volume => "volume",
            NetworkInterface => "network-interface",
            Address => "elastic-ip",
            Image => "image",
        }
    }

    /// The kind an id belongs to.
    pub(super) fn of(id: &str) -> Option<Self> {
        let (prefix, _) = id.split_once('-')?;
        Self::ALL.into_iter().find(|kind| kind.prefix() == prefix)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The refusal of an id that is not there, or is no id of this kind.
    ///
    /// Source: EC2 API reference, "Error codes".
    pub(super) fn not_found(self, id: &str) -> AwsError {
        let (code, noun) = match self {
            Vpc => ("InvalidVpcID", "vpc ID"),
            Subnet => ("InvalidSubnetID", "subnet ID"),
            InternetGateway => ("InvalidInternetGatewayID", "internetGateway ID"),
            RouteTable => ("InvalidRouteTableID", "routeTable ID"),
            SecurityGroup => ("InvalidGroup", "security group"),
            SecurityGroupRule => ("InvalidSecurityGroupRuleId", "security group rule ID"),
            Instance => ("InvalidInstanceID", "instance ID"),
            Volume => ("InvalidVolume", "volume"),
            NetworkInterface => ("InvalidNetworkInterfaceID", "networkInterface ID"),
            Address => ("InvalidAllocationID", "allocation ID"),
            Image => ("InvalidAMIID", "image id"),
        };
        if !self.well_formed(id) {
            let code = match self {
                SecurityGroup => "InvalidGroupId".to_owned(),
                Volume => "InvalidParameterValue".to_owned(),
                _ => code.to_owned(),
            };
            let code = if code.starts_with("InvalidParameter") {
                code
            } else {
                format!("{code}.Malformed")
            };
            return AwsError::bad(code, format!("Invalid id: \"{id}\""));
        }
        AwsError::bad(
            format!("{code}.NotFound"),
            format!("The {noun} '{id}' does not exist"),
        )
    }

    fn well_formed(self, id: &str) -> bool {
        let digits = id
            .strip_prefix(self.prefix())
            .and_then(|rest| rest.strip_prefix('-'));
        digits.is_some_and(|digits| {
            matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }
}
