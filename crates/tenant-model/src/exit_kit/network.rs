//! Networks in the template.

use serde_json::{Value, json};

use super::{Maker, Part, Parts, part};
use crate::blueprint::{ANYWHERE, Source, Spec};

fn tags(name: &str) -> Value {
    json!([{ "Key": "Name", "Value": format!("tenantry {name}") }])
}

impl Maker<'_> {
    pub(super) fn network(&self, name: &str, spec: &Spec) -> Parts {
        match spec {
            Spec::Vpc { cidr } => self.vpc(name, cidr),
            Spec::InternetGateway { vpc } => self.internet_gateway(name, vpc),
            Spec::Subnet { vpc, cidr, .. } => self.subnet(name, vpc, cidr),
            Spec::ElasticIp { instance, .. } => self.address(name, instance.as_deref()),
            Spec::NatGateway { subnet, address, .. } => self.nat_gateway(name, subnet, address),
            Spec::RouteTable { vpc, target, subnets } => {
                let mut parts = self.route_table(name, vpc, target)?;
                parts.extend(self.associations(name, subnets)?);
                Ok(parts)
            }
            Spec::VpcEndpoint { vpc, route_tables } => self.endpoint(name, vpc, route_tables),
            Spec::SecurityGroup {
                vpc,
                group_name,
                port,
                from,
            } => self.security_group(name, (vpc, group_name), (*port, from)),
            _ => Ok(Vec::new()),
        }
    }

    fn vpc(&self, name: &str, cidr: &str) -> Parts {
        let properties = json!({
            "CidrBlock": cidr,
            "EnableDnsSupport": true,
            "EnableDnsHostnames": true,
            "Tags": tags(name),
        });
        let identifier = json!({ "VpcId": self.id(name)? });
        Ok(vec![part(name, "AWS::EC2::VPC", properties, identifier)])
    }

    fn internet_gateway(&self, name: &str, vpc: &str) -> Parts {
        let gateway = json!({ "InternetGatewayId": self.id(name)? });
        let attachment = json!({ "VpcId": self.refer(vpc), "InternetGatewayId": self.refer(name) });
        let attached = json!({ "AttachmentType": "IGW", "VpcId": self.given_or_id(vpc)? });
        let kind = "AWS::EC2::InternetGateway";
        Ok(vec![
            part(name, kind, json!({ "Tags": tags(name) }), gateway),
            part(
                &format!("{name}-attachment"),
                "AWS::EC2::VPCGatewayAttachment",
                attachment,
                attached,
            ),
        ])
    }

    fn subnet(&self, name: &str, vpc: &str, cidr: &str) -> Parts {
        let properties = json!({
            "VpcId": self.refer(vpc),
            "CidrBlock": cidr,
            "AvailabilityZone": self.fact(name, "AvailabilityZone")?,
            "Tags": tags(name),
        });
        let identifier = json!({ "SubnetId": self.id(name)? });
        Ok(vec![part(name, "AWS::EC2::Subnet", properties, identifier)])
    }

    /// The association is the address's property, so that it has no identifier of its own.
    fn address(&self, name: &str, instance: Option<&str>) -> Parts {
        let mut properties = json!({ "Domain": "vpc", "Tags": tags(name) });
        if let Some(instance) = instance {
            properties["InstanceId"] = self.refer(instance);
        }
        let identifier = json!({ "PublicIp": self.fact(name, "PublicIp")?, "AllocationId": self.id(name)? });
        Ok(vec![part(name, "AWS::EC2::EIP", properties, identifier)])
    }

    fn nat_gateway(&self, name: &str, subnet: &str, address: &str) -> Parts {
        let properties = json!({
            "SubnetId": self.refer(subnet),
            "AllocationId": self.attribute(address, "AllocationId"),
            "Tags": tags(name),
        });
        let identifier = json!({ "NatGatewayId": self.id(name)? });
        Ok(vec![part(name, "AWS::EC2::NatGateway", properties, identifier)])
    }

    fn route_table(&self, name: &str, vpc: &str, target: &str) -> Parts {
        let id = self.id(name)?;
        let is_nat = self.given_or_id(target)?.starts_with("nat-");
        let way = if is_nat { "NatGatewayId" } else { "GatewayId" };
        let table = json!({ "VpcId": self.refer(vpc), "Tags": tags(name) });
        let route = json!({
            "RouteTableId": self.refer(name),
            "DestinationCidrBlock": ANYWHERE,
            (way): self.refer(target),
        });
        let routed = json!({ "RouteTableId": id, "CidrBlock": ANYWHERE });
        Ok(vec![
            part(name, "AWS::EC2::RouteTable", table, json!({ "RouteTableId": id })),
            part(&format!("{name}-default-route"), "AWS::EC2::Route", route, routed),
        ])
    }

    fn associations(&self, name: &str, subnets: &[String]) -> Parts {
        let each = subnets.iter().map(|subnet| {
            let association = self.fact(name, self.given_or_id(subnet)?)?;
            let properties = json!({ "RouteTableId": self.refer(name), "SubnetId": self.refer(subnet) });
            Ok(part(
                &format!("{name}-of-{subnet}"),
                "AWS::EC2::SubnetRouteTableAssociation",
                properties,
                json!({ "Id": association }),
            ))
        });
        each.collect::<Result<Vec<Part>, String>>()
    }

    fn endpoint(&self, name: &str, vpc: &str, route_tables: &[String]) -> Parts {
        let properties = json!({
            "VpcId": self.refer(vpc),
            "VpcEndpointType": "Gateway",
            "ServiceName": format!("com.amazonaws.{}.s3", self.facts.deployment.region),
            "RouteTableIds": self.refer_all(route_tables),
        });
        let identifier = json!({ "Id": self.id(name)? });
        Ok(vec![part(name, "AWS::EC2::VPCEndpoint", properties, identifier)])
    }

    fn security_group(&self, name: &str, (vpc, group_name): (&str, &str), admits: (i32, &Source)) -> Parts {
        let properties = json!({
            "VpcId": self.refer(vpc),
            "GroupName": group_name,
            "GroupDescription": self.fact(name, "GroupDescription")?,
            "SecurityGroupIngress": self.ingress(admits),
            "Tags": tags(name),
        });
        let identifier = json!({ "Id": self.id(name)? });
        Ok(vec![part(
            name,
            "AWS::EC2::SecurityGroup",
            properties,
            identifier,
        )])
    }

    fn ingress(&self, (port, from): (i32, &Source)) -> Value {
        let rule = |peer: &str, value: Value| json!({ "IpProtocol": "tcp", "FromPort": port, "ToPort": port, (peer): value });
        match from {
            Source::Blocks(blocks) => blocks.iter().map(|block| rule("CidrIp", json!(block))).collect(),
            Source::Group(group) => json!([rule("SourceSecurityGroupId", self.attribute(group, "GroupId"))]),
        }
    }
}
