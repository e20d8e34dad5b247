//! Carrying out one call of the model. One attempt each: whoever asked settles what is unknown.

use aws_sdk_ec2::types::{AttributeBooleanValue, DomainType, IpPermission, IpRange, ResourceType};
use tenant_model::convergence::{Call, DnsAttribute};

use super::{Ec2, Mark, launch::Launch};
use crate::AwsError;

/// The id of what was made; none for a call that makes nothing.
type Made = Result<Option<String>, AwsError>;

/// Sends a request whose answer holds nothing we need.
macro_rules! done {
    ($request:expr) => {{
        $request.send().await?;
        Ok(None)
    }};
}

/// Sends a request and takes an id out of its answer.
macro_rules! made {
    ($request:expr, $id:expr) => {{
        let reply = $request.send().await?;
        let id: Option<String> = $id(reply);
        id.map(Some).ok_or_else(|| AwsError::incomplete("id"))
    }};
}

impl Ec2 {
    /// Makes the call. `mark` names what it makes, and holds the client token.
    ///
    /// # Errors
    /// AWS's refusal, or that its answer was lost.
    pub async fn carry_out(&self, call: &Call, mark: &Mark<'_>) -> Made {
        match call {
            Call::RunInstances {
                image_id,
                instance_type,
                subnet,
                group,
            } => {
                let launch = Launch {
                    image_id,
                    instance_type,
                    subnet,
                    group,
                };
                self.launch(&launch, mark).await.map(Some)
            }
            Call::CreateVpc { .. }
            | Call::CreateInternetGateway
            | Call::CreateSubnet { .. }
            | Call::CreateRouteTable { .. }
            | Call::CreateSecurityGroup { .. }
            | Call::AllocateAddress => self.create(call, mark).await,
            Call::ModifyVpcAttribute { .. }
            | Call::AttachInternetGateway { .. }
            | Call::CreateRoute { .. }
            | Call::AssociateRouteTable { .. }
            | Call::AuthorizeSecurityGroupIngress { .. }
            | Call::StartInstances { .. }
            | Call::StopInstances { .. }
            | Call::AssociateAddress { .. } => self.change(call).await,
            Call::DetachInternetGateway { .. }
            | Call::DisassociateRouteTable { .. }
            | Call::DisassociateAddress { .. }
            | Call::DeleteVpc { .. }
            | Call::DeleteInternetGateway { .. }
            | Call::DeleteSubnet { .. }
            | Call::DeleteRouteTable { .. }
            | Call::DeleteSecurityGroup { .. }
            | Call::TerminateInstances { .. }
            | Call::ReleaseAddress { .. } => self.delete(call).await,
        }
    }

    async fn create(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let ec2 = &self.writes;
        let tags = |kind| mark.tags(kind);
        match call {
            Call::CreateVpc { cidr } => made!(
                ec2.create_vpc()
                    .cidr_block(cidr)
                    .tag_specifications(tags(ResourceType::Vpc)),
                |reply: aws_sdk_ec2::operation::create_vpc::CreateVpcOutput| reply.vpc?.vpc_id
            ),
            Call::CreateInternetGateway => made!(
                ec2.create_internet_gateway()
                    .tag_specifications(tags(ResourceType::InternetGateway)),
                |reply: aws_sdk_ec2::operation::create_internet_gateway::CreateInternetGatewayOutput| {
                    reply.internet_gateway?.internet_gateway_id
                }
            ),
            Call::CreateSubnet { vpc, cidr } => made!(
                ec2.create_subnet()
                    .vpc_id(vpc)
                    .cidr_block(cidr)
                    .tag_specifications(tags(ResourceType::Subnet)),
                |reply: aws_sdk_ec2::operation::create_subnet::CreateSubnetOutput| {
                    reply.subnet?.subnet_id
                }
            ),
            Call::CreateRouteTable { vpc } => made!(
                ec2.create_route_table()
                    .vpc_id(vpc)
                    .client_token(mark.token)
                    .tag_specifications(tags(ResourceType::RouteTable)),
                |reply: aws_sdk_ec2::operation::create_route_table::CreateRouteTableOutput| {
                    reply.route_table?.route_table_id
                }
            ),
            Call::CreateSecurityGroup { vpc, group_name } => made!(
                ec2.create_security_group()
                    .vpc_id(vpc)
                    .group_name(group_name)
                    .description("Admits HTTPS to the data platform")
                    .tag_specifications(tags(ResourceType::SecurityGroup)),
                |reply: aws_sdk_ec2::operation::create_security_group::CreateSecurityGroupOutput| {
                    reply.group_id
                }
            ),
            Call::AllocateAddress => made!(
                ec2.allocate_address()
                    .domain(DomainType::Vpc)
                    .tag_specifications(tags(ResourceType::ElasticIp)),
                |reply: aws_sdk_ec2::operation::allocate_address::AllocateAddressOutput| {
                    reply.allocation_id
                }
            ),
            _ => Err(misdirected(call)),
        }
    }

    async fn change(&self, call: &Call) -> Made {
        let ec2 = &self.writes;
        match call {
            Call::ModifyVpcAttribute { vpc, attribute } => {
                let on = AttributeBooleanValue::builder().value(true).build();
                let request = ec2.modify_vpc_attribute().vpc_id(vpc);
                done!(match attribute {
                    DnsAttribute::Support => request.enable_dns_support(on),
                    DnsAttribute::Hostnames => request.enable_dns_hostnames(on),
                })
            }
            Call::AttachInternetGateway { gateway, vpc } => {
                done!(
                    ec2.attach_internet_gateway()
                        .internet_gateway_id(gateway)
                        .vpc_id(vpc)
                )
            }
            Call::CreateRoute { table, gateway } => done!(
                ec2.create_route()
                    .route_table_id(table)
                    .destination_cidr_block("0.0.0.0/0")
                    .gateway_id(gateway)
            ),
            Call::AssociateRouteTable { table, subnet } => {
                done!(
                    ec2.associate_route_table()
                        .route_table_id(table)
                        .subnet_id(subnet)
                )
            }
            Call::AuthorizeSecurityGroupIngress { group, port } => done!(
                ec2.authorize_security_group_ingress()
                    .group_id(group)
                    .ip_permissions(from_anywhere(*port))
            ),
            Call::StartInstances { instance } => done!(ec2.start_instances().instance_ids(instance)),
            Call::StopInstances { instance } => done!(ec2.stop_instances().instance_ids(instance)),
            Call::AssociateAddress { allocation, instance } => done!(
                ec2.associate_address()
                    .allocation_id(allocation)
                    .instance_id(instance)
                    // Never takes the address from something else.
                    .allow_reassociation(false)
            ),
            _ => Err(misdirected(call)),
        }
    }

    async fn delete(&self, call: &Call) -> Made {
        let ec2 = &self.writes;
        match call {
            Call::DetachInternetGateway { gateway, vpc } => {
                done!(
                    ec2.detach_internet_gateway()
                        .internet_gateway_id(gateway)
                        .vpc_id(vpc)
                )
            }
            Call::DisassociateRouteTable { association } => {
                done!(ec2.disassociate_route_table().association_id(association))
            }
            Call::DisassociateAddress { association } => {
                done!(ec2.disassociate_address().association_id(association))
            }
            Call::DeleteVpc { vpc } => done!(ec2.delete_vpc().vpc_id(vpc)),
            Call::DeleteInternetGateway { gateway } => {
                done!(ec2.delete_internet_gateway().internet_gateway_id(gateway))
            }
            Call::DeleteSubnet { subnet } => done!(ec2.delete_subnet().subnet_id(subnet)),
            Call::DeleteRouteTable { table } => {
                done!(ec2.delete_route_table().route_table_id(table))
            }
            Call::DeleteSecurityGroup { group } => {
                done!(ec2.delete_security_group().group_id(group))
            }
            Call::TerminateInstances { instance } => {
                done!(ec2.terminate_instances().instance_ids(instance))
            }
            Call::ReleaseAddress { allocation } => {
                done!(ec2.release_address().allocation_id(allocation))
            }
            _ => Err(misdirected(call)),
        }
    }
}

fn from_anywhere(port: i32) -> IpPermission {
    let anywhere = IpRange::builder()
        .cidr_ip("0.0.0.0/0")
        .description("HTTPS")
        .build();
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(port)
        .to_port(port)
        .ip_ranges(anywhere)
        .build()
}

/// [`Ec2::carry_out`] sorts every call; reaching the wrong group is a mistake in that match.
fn misdirected(call: &Call) -> AwsError {
    AwsError {
        kind: crate::AwsErrorKind::Permanent,
        code: "Misdirected".to_owned(),
        message: format!("{} is not of this group", call.action()),
    }
}
