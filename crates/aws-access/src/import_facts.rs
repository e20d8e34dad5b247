//! What describing tells of a resource that only an import of CloudFormation wants to know.
//!
//! Sources: API references of the services, the `Describe` actions; CloudFormation registry, `primaryIdentifier` of each
//! type.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Filter;
use tenant_model::blueprint::Kind;

use crate::{AwsError, TenantSession, ec2::Scope};

/// Facts by name; empty for kinds whose id says everything.
type Facts = Result<BTreeMap<String, String>, AwsError>;

impl TenantSession {
    /// The facts of one resource; empty when its id says everything.
    ///
    /// # Errors
    /// Any failure of a call that describes.
    pub async fn import_facts(&self, kind: Kind, aws_id: &str) -> Facts {
        match kind {
            Kind::Subnet => Box::pin(self.zone_of(aws_id)).await,
            Kind::RouteTable => Box::pin(self.associations_of(aws_id)).await,
            Kind::SecurityGroup => Box::pin(self.description_of(aws_id)).await,
            Kind::Instance => Box::pin(self.image_of(aws_id)).await,
            Kind::ElasticIp => Box::pin(self.address_of(aws_id)).await,
            Kind::LaunchTemplate => Box::pin(self.template_of(aws_id)).await,
            Kind::LoadBalancer => Box::pin(self.listener_of(aws_id)).await,
            Kind::AutoScalingGroup => Box::pin(self.policy_of(aws_id)).await,
            Kind::Vpc
            | Kind::InternetGateway
            | Kind::NatGateway
            | Kind::VpcEndpoint
            | Kind::TargetGroup
            | Kind::Certificate
            | Kind::DnsRecord
            | Kind::DbSubnetGroup
            | Kind::Database => Ok(BTreeMap::new()),
        }
    }

    fn ec2_client(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(self.config())
    }

    async fn zone_of(&self, subnet: &str) -> Facts {
        let reply = self
            .ec2_client()
            .describe_subnets()
            .subnet_ids(subnet)
            .send()
            .await?;
        let zone = reply
            .subnets()
            .first()
            .and_then(|found| found.availability_zone());
        Ok(facts([("AvailabilityZone", zone)]))
    }

    /// By the id of the subnet that is associated.
    async fn associations_of(&self, table: &str) -> Facts {
        let request = self.ec2_client().describe_route_tables().route_table_ids(table);
        let reply = request.send().await?;
        let all = reply
            .route_tables()
            .iter()
            .flat_map(aws_sdk_ec2::types::RouteTable::associations);
        let pairs = all.filter_map(|one| Some((one.subnet_id()?, one.route_table_association_id())));
        Ok(facts(pairs))
    }

    async fn description_of(&self, group: &str) -> Facts {
        let request = self.ec2_client().describe_security_groups().group_ids(group);
        let reply = request.send().await?;
        let said = reply
            .security_groups()
            .first()
            .and_then(|found| found.description());
        Ok(facts([("GroupDescription", said)]))
    }

    async fn image_of(&self, instance: &str) -> Facts {
        let request = self.ec2_client().describe_instances().instance_ids(instance);
        let reply = request.send().await?;
        let mut instances = reply
            .reservations()
            .iter()
            .flat_map(aws_sdk_ec2::types::Reservation::instances);
        Ok(facts([(
            "ImageId",
            instances.next().and_then(|found| found.image_id()),
        )]))
    }

    async fn address_of(&self, allocation: &str) -> Facts {
        let request = self.ec2_client().describe_addresses().allocation_ids(allocation);
        let reply = request.send().await?;
        Ok(facts([(
            "PublicIp",
            reply.addresses().first().and_then(|found| found.public_ip()),
        )]))
    }

    async fn template_of(&self, template: &str) -> Facts {
        let request = self.ec2_client().describe_launch_template_versions();
        let reply = request
            .launch_template_id(template)
            .versions("$Latest")
            .send()
            .await?;
        let newest = reply.launch_template_versions().first();
        let data = newest.and_then(|newest| newest.launch_template_data());
        Ok(facts([("ImageId", data.and_then(|data| data.image_id()))]))
    }

    async fn listener_of(&self, balancer: &str) -> Facts {
        let client = aws_sdk_elasticloadbalancingv2::Client::new(self.config());
        let reply = client
            .describe_listeners()
            .load_balancer_arn(balancer)
            .send()
            .await?;
        let arn = reply.listeners().first().and_then(|found| found.listener_arn());
        Ok(facts([("ListenerArn", arn)]))
    }

    async fn policy_of(&self, group: &str) -> Facts {
        let client = aws_sdk_autoscaling::Client::new(self.config());
        let policies = client
            .describe_policies()
            .auto_scaling_group_name(group)
            .send()
            .await?;
        let groups = client
            .describe_auto_scaling_groups()
            .auto_scaling_group_names(group);
        let groups = groups.send().await?;
        let found = groups.auto_scaling_groups().first();
        let version = found
            .and_then(|found| found.launch_template())
            .and_then(|of| of.version());
        let policy = policies
            .scaling_policies()
            .first()
            .and_then(|found| found.policy_arn());
        Ok(facts([("Version", version), ("PolicyArn", policy)]))
    }

    /// Volumes with the tags of `scope` in the session's region that hang on no instance.
    ///
    /// # Errors
    /// Any failure of `DescribeVolumes`.
    pub async fn loose_volumes(&self, scope: &Scope) -> Result<Vec<String>, AwsError> {
        let loose = Filter::builder().name("status").values("available").build();
        let request = self.ec2_client().describe_volumes().set_filters(scope.filters());
        let reply = request.filters(loose).send().await?;
        let ids = reply.volumes().iter().filter_map(|volume| volume.volume_id());
        Ok(ids.map(str::to_owned).collect())
    }
}

fn facts<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> BTreeMap<String, String> {
    let known = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
