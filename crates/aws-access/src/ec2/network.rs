//! Changing the network: VPCs, gateways, subnets, routes, endpoints and security groups.

use aws_sdk_ec2::{
    operation::{
        create_internet_gateway::CreateInternetGatewayOutput, create_nat_gateway::CreateNatGatewayOutput,
        create_route_table::CreateRouteTableOutput, create_security_group::CreateSecurityGroupOutput,
        create_subnet::CreateSubnetOutput, create_vpc::CreateVpcOutput,
        create_vpc_endpoint::CreateVpcEndpointOutput,
    },
    types::{
        AttributeBooleanValue, ConnectivityType, IpPermission, IpRange, ResourceType, UserIdGroupPair,
        VpcEndpointType,
    },
};
use tenant_model::{
    convergence::{Call, DnsAttribute},
    observation::Peer,
};

use super::{
    Ec2, Mark,
    carry_out::{done, made},
};
use crate::account::{Made, misdirected};

const EVERYWHERE: &str = "0.0.0.0/0";

impl Ec2 {
    pub(super) async fn network(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let ec2 = &self.writes;
        match call {
            Call::CreateVpc { cidr } => made!(
                ec2.create_vpc()
                    .cidr_block(cidr)
                    .tag_specifications(mark.tags(ResourceType::Vpc)),
                |reply: CreateVpcOutput| reply.vpc?.vpc_id
            ),
            Call::ModifyVpcAttribute { vpc, attribute } => {
                let on = AttributeBooleanValue::builder().value(true).build();
                let request = ec2.modify_vpc_attribute().vpc_id(vpc);
                done!(match attribute {
                    DnsAttribute::Support => request.enable_dns_support(on),
                    DnsAttribute::Hostnames => request.enable_dns_hostnames(on),
                })
            }
            Call::DeleteVpc { vpc } => done!(ec2.delete_vpc().vpc_id(vpc)),
            Call::CreateInternetGateway => made!(
                ec2.create_internet_gateway()
                    .tag_specifications(mark.tags(ResourceType::InternetGateway)),
                |reply: CreateInternetGatewayOutput| reply.internet_gateway?.internet_gateway_id
            ),
            Call::AttachInternetGateway { gateway, vpc } => {
                done!(
                    ec2.attach_internet_gateway()
                        .internet_gateway_id(gateway)
                        .vpc_id(vpc)
                )
            }
            Call::DetachInternetGateway { gateway, vpc } => {
                done!(
                    ec2.detach_internet_gateway()
                        .internet_gateway_id(gateway)
                        .vpc_id(vpc)
                )
            }
            Call::DeleteInternetGateway { gateway } => {
                done!(ec2.delete_internet_gateway().internet_gateway_id(gateway))
            }
            Call::CreateSubnet { vpc, cidr, zone } => made!(
                ec2.create_subnet()
                    .vpc_id(vpc)
                    .cidr_block(cidr)
                    .availability_zone(zone)
                    .tag_specifications(mark.tags(ResourceType::Subnet)),
                |reply: CreateSubnetOutput| reply.subnet?.subnet_id
            ),
            Call::DeleteSubnet { subnet } => done!(ec2.delete_subnet().subnet_id(subnet)),
            _ => Err(misdirected(call)),
        }
    }

    pub(super) async fn routing(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let ec2 = &self.writes;
        match call {
            Call::CreateNatGateway { subnet, allocation } => made!(
                ec2.create_nat_gateway()
                    .subnet_id(subnet)
                    .allocation_id(allocation)
                    .connectivity_type(ConnectivityType::Public)
                    .client_token(mark.token)
                    .tag_specifications(mark.tags(ResourceType::Natgateway)),
                |reply: CreateNatGatewayOutput| reply.nat_gateway?.nat_gateway_id
            ),
            Call::DeleteNatGateway { nat } => done!(ec2.delete_nat_gateway().nat_gateway_id(nat)),
            Call::CreateRouteTable { vpc } => made!(
                ec2.create_route_table()
                    .vpc_id(vpc)
                    .client_token(mark.token)
                    .tag_specifications(mark.tags(ResourceType::RouteTable)),
                |reply: CreateRouteTableOutput| reply.route_table?.route_table_id
            ),
            Call::CreateRoute { table, target } => {
                let request = ec2
                    .create_route()
                    .route_table_id(table)
                    .destination_cidr_block(EVERYWHERE);
                done!(if is_nat(target) {
                    request.nat_gateway_id(target)
                } else {
                    request.gateway_id(target)
                })
            }
            Call::ReplaceRoute { table, target } => {
                let request = ec2
                    .replace_route()
                    .route_table_id(table)
                    .destination_cidr_block(EVERYWHERE);
                done!(if is_nat(target) {
                    request.nat_gateway_id(target)
                } else {
                    request.gateway_id(target)
                })
            }
            Call::AssociateRouteTable { table, subnet } => {
                done!(
                    ec2.associate_route_table()
                        .route_table_id(table)
                        .subnet_id(subnet)
                )
            }
            Call::DisassociateRouteTable { association } => {
                done!(ec2.disassociate_route_table().association_id(association))
            }
            Call::DeleteRouteTable { table } => done!(ec2.delete_route_table().route_table_id(table)),
            _ => self.endpoints(call, mark).await,
        }
    }

    async fn endpoints(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let ec2 = &self.writes;
        match call {
            Call::CreateVpcEndpoint { vpc, tables } => made!(
                ec2.create_vpc_endpoint()
                    .vpc_id(vpc)
                    .service_name(format!("com.amazonaws.{}.s3", self.region))
                    .vpc_endpoint_type(VpcEndpointType::Gateway)
                    .set_route_table_ids(Some(tables.clone()))
                    .client_token(mark.token)
                    .tag_specifications(mark.tags(ResourceType::VpcEndpoint)),
                |reply: CreateVpcEndpointOutput| reply.vpc_endpoint?.vpc_endpoint_id
            ),
            Call::ModifyVpcEndpoint { endpoint, tables } => done!(
                ec2.modify_vpc_endpoint()
                    .vpc_endpoint_id(endpoint)
                    .set_add_route_table_ids(Some(tables.clone()))
            ),
            Call::DeleteVpcEndpoints { endpoint } => {
                done!(ec2.delete_vpc_endpoints().vpc_endpoint_ids(endpoint))
            }
            _ => Err(misdirected(call)),
        }
    }

    pub(super) async fn admission(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let ec2 = &self.writes;
        match call {
            Call::CreateSecurityGroup { vpc, group_name } => made!(
                ec2.create_security_group()
                    .vpc_id(vpc)
                    .group_name(group_name)
                    .description("Admits to the data platform")
                    .tag_specifications(mark.tags(ResourceType::SecurityGroup)),
                |reply: CreateSecurityGroupOutput| reply.group_id
            ),
            Call::AuthorizeSecurityGroupIngress { group, port, from } => done!(
                ec2.authorize_security_group_ingress()
                    .group_id(group)
                    .ip_permissions(permission(*port, from))
            ),
            Call::RevokeSecurityGroupIngress { group, rule } => done!(
                ec2.revoke_security_group_ingress()
                    .group_id(group)
                    .security_group_rule_ids(rule)
            ),
            Call::DeleteSecurityGroup { group } => done!(ec2.delete_security_group().group_id(group)),
            _ => Err(misdirected(call)),
        }
    }
}

/// EC2's ids say of what kind they are.
fn is_nat(target: &str) -> bool {
    target.starts_with("nat-")
}

fn permission(port: i32, from: &Peer) -> IpPermission {
    let permission = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(port)
        .to_port(port);
    match from {
        Peer::Block(block) => permission.ip_ranges(IpRange::builder().cidr_ip(block).build()),
        Peer::Group(group) => {
            permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(group).build())
        }
    }
    .build()
}
