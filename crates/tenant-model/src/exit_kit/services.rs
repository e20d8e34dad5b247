//! Machines, what stands before them, and databases in the template.

use serde_json::{Value, json};

use super::{Maker, Parts, part};
use crate::blueprint::{DATABASE_GIB, ROOT_VOLUME_GIB, Spec};

/// The group's machines are kept at that load; in percent.
const CPU_TARGET: i32 = 60;

impl Maker<'_> {
    pub(super) fn machines(&self, name: &str, spec: &Spec) -> Parts {
        match spec {
            Spec::Instance {
                instance_type,
                subnet,
                security_group,
                ..
            } => {
                let mut properties = self.machine(name, instance_type, security_group)?;
                properties["SubnetId"] = self.refer(subnet);
                let identifier = json!({ "InstanceId": self.id(name)? });
                Ok(vec![part(name, "AWS::EC2::Instance", properties, identifier)])
            }
            Spec::LaunchTemplate {
                template_name,
                instance_type,
                security_group,
                ..
            } => {
                let properties = json!({
                    "LaunchTemplateName": template_name,
                    "LaunchTemplateData": self.machine(name, instance_type, security_group)?,
                });
                let identifier = json!({ "LaunchTemplateId": self.id(name)? });
                Ok(vec![part(
                    name,
                    "AWS::EC2::LaunchTemplate",
                    properties,
                    identifier,
                )])
            }
            Spec::AutoScalingGroup { .. } => self.group(name, spec),
            _ => Ok(Vec::new()),
        }
    }

    fn machine(&self, name: &str, instance_type: &str, group: &str) -> Result<Value, String> {
        let disk = json!({
            "Encrypted": true, "VolumeType": "gp3", "VolumeSize": ROOT_VOLUME_GIB, "DeleteOnTermination": true,
        });
        Ok(json!({
            "ImageId": self.fact(name, "ImageId")?,
            "InstanceType": instance_type,
            "SecurityGroupIds": [self.attribute(group, "GroupId")],
            "MetadataOptions": { "HttpTokens": "required" },
            "BlockDeviceMappings": [{ "DeviceName": "/dev/xvda", "Ebs": disk }],
        }))
    }

    fn group(&self, name: &str, spec: &Spec) -> Parts {
        let Spec::AutoScalingGroup {
            group_name,
            launch_template,
            subnets,
            target_group,
            min,
            max,
            ..
        } = spec
        else {
            return Ok(Vec::new());
        };
        let version = self.fact(name, "Version")?;
        let properties = json!({
            "AutoScalingGroupName": group_name,
            "LaunchTemplate": { "LaunchTemplateId": self.refer(launch_template), "Version": version },
            "VPCZoneIdentifier": self.refer_all(subnets),
            "TargetGroupARNs": [self.refer(target_group)],
            "HealthCheckType": "ELB",
            "MinSize": min.to_string(),
            "MaxSize": max.to_string(),
        });
        let policy = json!({
            "AutoScalingGroupName": self.refer(name),
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingConfiguration": {
                "PredefinedMetricSpecification": { "PredefinedMetricType": "ASGAverageCPUUtilization" },
                "TargetValue": CPU_TARGET,
            },
        });
        let (of_group, of_policy) = (
            json!({ "AutoScalingGroupName": self.id(name)? }),
            json!({ "Arn": self.fact(name, "PolicyArn")? }),
        );
        Ok(vec![
            part(name, "AWS::AutoScaling::AutoScalingGroup", properties, of_group),
            part(
                &format!("{name}-policy"),
                "AWS::AutoScaling::ScalingPolicy",
                policy,
                of_policy,
            ),
        ])
    }

    pub(super) fn front(&self, name: &str, spec: &Spec) -> Parts {
        match spec {
            Spec::TargetGroup {
                group_name,
                vpc,
                port,
            } => {
                let properties = json!({
                    "Name": group_name,
                    "VpcId": self.refer(vpc),
                    "Port": port,
                    "Protocol": "HTTPS",
                    "HealthCheckProtocol": "HTTPS",
                    "HealthCheckPath": "/healthz",
                    "HealthCheckIntervalSeconds": 10,
                    "HealthCheckTimeoutSeconds": 5,
                    "HealthyThresholdCount": 2,
                    "UnhealthyThresholdCount": 2,
                });
                let identifier = json!({ "TargetGroupArn": self.id(name)? });
                let kind = "AWS::ElasticLoadBalancingV2::TargetGroup";
                Ok(vec![part(name, kind, properties, identifier)])
            }
            Spec::Certificate { domain } => {
                let properties = json!({ "DomainName": domain, "ValidationMethod": "DNS" });
                let identifier = json!({ "CertificateArn": self.id(name)? });
                let kind = "AWS::CertificateManager::Certificate";
                Ok(vec![part(name, kind, properties, identifier)])
            }
            Spec::LoadBalancer { .. } => self.balancer(name, spec),
            _ => Ok(Vec::new()),
        }
    }

    fn balancer(&self, name: &str, spec: &Spec) -> Parts {
        let Spec::LoadBalancer {
            balancer_name,
            subnets,
            security_group,
            target_group,
            certificate,
        } = spec
        else {
            return Ok(Vec::new());
        };
        let properties = json!({
            "Name": balancer_name,
            "Type": "application",
            "Scheme": "internet-facing",
            "Subnets": self.refer_all(subnets),
            "SecurityGroups": [self.attribute(security_group, "GroupId")],
        });
        let listener = json!({
            "LoadBalancerArn": self.refer(name),
            "Port": 443,
            "Protocol": "HTTPS",
            "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "Certificates": [{ "CertificateArn": self.refer(certificate) }],
            "DefaultActions": [{ "Type": "forward", "TargetGroupArn": self.refer(target_group) }],
        });
        let (of_balancer, of_listener) = (
            json!({ "LoadBalancerArn": self.id(name)? }),
            json!({ "ListenerArn": self.fact(name, "ListenerArn")? }),
        );
        Ok(vec![
            part(
                name,
                "AWS::ElasticLoadBalancingV2::LoadBalancer",
                properties,
                of_balancer,
            ),
            part(
                &format!("{name}-listener"),
                "AWS::ElasticLoadBalancingV2::Listener",
                listener,
                of_listener,
            ),
        ])
    }

    pub(super) fn database(&self, name: &str, spec: &Spec) -> Parts {
        match spec {
            Spec::DbSubnetGroup { group_name, subnets } => {
                let properties = json!({
                    "DBSubnetGroupName": group_name,
                    "DBSubnetGroupDescription": "Private subnets of the data platform",
                    "SubnetIds": self.refer_all(subnets),
                });
                let identifier = json!({ "DBSubnetGroupName": self.id(name)? });
                Ok(vec![part(
                    name,
                    "AWS::RDS::DBSubnetGroup",
                    properties,
                    identifier,
                )])
            }
            Spec::Database {
                identifier,
                class,
                subnet_group,
                security_group,
            } => {
                let properties = json!({
                    "DBInstanceIdentifier": identifier,
                    "DBInstanceClass": class,
                    "Engine": "postgres",
                    "AllocatedStorage": DATABASE_GIB.to_string(),
                    "StorageEncrypted": true,
                    "MultiAZ": true,
                    "PubliclyAccessible": false,
                    "CopyTagsToSnapshot": true,
                    "DBSubnetGroupName": self.refer(subnet_group),
                    "VPCSecurityGroups": [self.attribute(security_group, "GroupId")],
                    "MasterUsername": "platform",
                    "ManageMasterUserPassword": true,
                });
                let of_database = json!({ "DBInstanceIdentifier": self.id(name)? });
                Ok(vec![part(name, "AWS::RDS::DBInstance", properties, of_database)])
            }
            _ => Ok(Vec::new()),
        }
    }
}
