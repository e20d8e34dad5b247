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
    /// `snap-`
    Snapshot,
    /// `lt-`
    LaunchTemplate,
    /// `nat-`
    NatGateway,
    /// `vpce-`
    VpcEndpoint,
}

use Kind::{
    Address, Image, Instance, InternetGateway, LaunchTemplate, NatGateway, NetworkInterface, RouteTable,
    SecurityGroup, SecurityGroupRule, Snapshot, Subnet, Volume, Vpc, VpcEndpoint,
};

impl Kind {
    const ALL: [Self; 15] = [
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
        Snapshot,
        LaunchTemplate,
        NatGateway,
        VpcEndpoint,
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
            Snapshot => "snap",
            LaunchTemplate => "lt",
            NatGateway => "nat",
            VpcEndpoint => "vpce",
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
            Snapshot => "snapshot",
            LaunchTemplate => "launch-template",
            NatGateway => "natgateway",
            VpcEndpoint => "vpc-endpoint",
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
        let (malformed, absent, noun) = self.refusals();
        if self.well_formed(id) {
            AwsError::bad(absent, format!("The {noun} '{id}' does not exist"))
        } else {
            AwsError::bad(malformed, format!("Invalid id: \"{id}\""))
        }
    }

    /// The codes for an id of another form and for an absent one, and what the sentence calls the resource.
    fn refusals(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Vpc => ("InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "vpc ID"),
            Subnet => (
                "InvalidSubnetID.Malformed",
                "InvalidSubnetID.NotFound",
                "subnet ID",
            ),
            InternetGateway => (
                "InvalidInternetGatewayID.Malformed",
                "InvalidInternetGatewayID.NotFound",
                "internetGateway ID",
            ),
            RouteTable => (
                "InvalidRouteTableID.Malformed",
                "InvalidRouteTableID.NotFound",
                "routeTable ID",
            ),
            SecurityGroup => (
                "InvalidGroupId.Malformed",
                "InvalidGroup.NotFound",
                "security group",
            ),
            SecurityGroupRule => (
                "InvalidSecurityGroupRuleId.Malformed",
                "InvalidSecurityGroupRuleId.NotFound",
                "security group rule ID",
            ),
            Instance => (
                "InvalidInstanceID.Malformed",
                "InvalidInstanceID.NotFound",
                "instance ID",
            ),
            Volume => ("InvalidParameterValue", "InvalidVolume.NotFound", "volume"),
            NetworkInterface => (
                "InvalidNetworkInterfaceID.Malformed",
                "InvalidNetworkInterfaceID.NotFound",
                "networkInterface ID",
            ),
            Address => (
                "InvalidAllocationID.Malformed",
                "InvalidAllocationID.NotFound",
                "allocation ID",
            ),
            Image => ("InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "image id"),
            Snapshot => (
                "InvalidSnapshotID.Malformed",
                "InvalidSnapshot.NotFound",
                "snapshot",
            ),
            LaunchTemplate => (
                "InvalidLaunchTemplateId.Malformed",
                "InvalidLaunchTemplateId.NotFound",
                "launch template ID",
            ),
            NatGateway => ("NatGatewayMalformed", "NatGatewayNotFound", "Nat Gateway"),
            VpcEndpoint => (
                "InvalidVpcEndpointId.Malformed",
                "InvalidVpcEndpointId.NotFound",
                "Vpc Endpoint Id",
            ),
        }
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
