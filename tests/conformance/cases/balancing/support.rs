//! A network over two zones, and what stands in it.

use aws_sdk_ec2::types::RequestLaunchTemplateData;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, LoadBalancerTypeEnum, ProtocolEnum, TargetDescription, TargetHealthStateEnum,
    TargetTypeEnum,
};
use conformance::local_aws::Control;
use conformance::{Aws, controlled};

/// Clients of the vendor's account and a VPC with a public subnet in each of two zones.
pub(crate) struct Network {
    pub(crate) aws: Aws,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) elb: aws_sdk_elasticloadbalancingv2::Client,
    pub(crate) scaling: aws_sdk_autoscaling::Client,
    pub(crate) vpc: String,
    pub(crate) subnets: Vec<String>,
    pub(crate) zones: Vec<String>,
}

impl Network {
    /// `None` where the clock cannot be commanded.
    pub(crate) async fn lay() -> Option<Self> {
        let aws = controlled().await?;
        let config = aws.vendor().config.clone();
        let ec2 = aws_sdk_ec2::Client::new(&config);
        let quota = aws
            .control()
            .set_quota((&aws.vendor().id, aws.region()), "L-1216C47A", 100);
        assert!(quota, "the quota of vCPUs is known");
        let vpc = ec2
            .create_vpc()
            .cidr_block("10.0.0.0/16")
            .send()
            .await
            .expect("a VPC");
        let vpc = vpc.vpc.and_then(|vpc| vpc.vpc_id).expect("a VPC has an id");
        let gateway = ec2.create_internet_gateway().send().await.expect("a gateway");
        let gateway = gateway
            .internet_gateway
            .and_then(|one| one.internet_gateway_id)
            .expect("an id");
        ec2.attach_internet_gateway()
            .internet_gateway_id(gateway)
            .vpc_id(&vpc)
            .send()
            .await
            .expect("attached");
        let zones: Vec<String> = ["a", "b"]
            .map(|letter| format!("{}{letter}", aws.region()))
            .into();
        let mut subnets = Vec::new();
        for (number, zone) in zones.iter().enumerate() {
            let block = format!("10.0.{number}.0/24");
            let made = ec2
                .create_subnet()
                .vpc_id(&vpc)
                .cidr_block(block)
                .availability_zone(zone)
                .send()
                .await;
            let made = made.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id);
            subnets.push(made.expect("a subnet has an id"));
        }
        Some(Self {
            ec2,
            elb: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            scaling: aws_sdk_autoscaling::Client::new(&config),
            vpc,
            subnets,
            zones,
            aws,
        })
    }

    pub(crate) fn control(&self) -> Control {
        self.aws.control()
    }

    /// The ARN of a new application load balancer in both zones.
    pub(crate) async fn balancer(&self, name: &str) -> String {
        let made = self
            .elb
            .create_load_balancer()
            .name(name)
            .set_subnets(Some(self.subnets.clone()))
            .send()
            .await;
        let made = made
            .expect("a load balancer")
            .load_balancers
            .unwrap_or_default()
            .remove(0);
        made.load_balancer_arn.expect("a load balancer has an ARN")
    }

    /// The ARN of a new target group of instances on port 80, asked every ten seconds.
    pub(crate) async fn group(&self, name: &str) -> String {
        let made = self
            .elb
            .create_target_group()
            .name(name)
            .protocol(ProtocolEnum::Http)
            .port(80)
            .vpc_id(&self.vpc)
            .target_type(TargetTypeEnum::Instance)
            .health_check_interval_seconds(10)
            .healthy_threshold_count(2)
            .unhealthy_threshold_count(2)
            .send()
            .await;
        let made = made
            .expect("a target group")
            .target_groups
            .unwrap_or_default()
            .remove(0);
        made.target_group_arn.expect("a target group has an ARN")
    }

    /// The ARN of a new target group of instances on port 80 over TCP.
    pub(crate) async fn tcp_group(&self, name: &str) -> String {
        let made = self
            .elb
            .create_target_group()
            .name(name)
            .protocol(ProtocolEnum::Tcp)
            .port(80)
            .vpc_id(&self.vpc)
            .send()
            .await;
        let made = made
            .expect("a target group")
            .target_groups
            .unwrap_or_default()
            .remove(0);
        made.target_group_arn.expect("a target group has an ARN")
    }

    /// The ARN of a new network load balancer.
    pub(crate) async fn network_balancer(&self, name: &str, subnets: &[String]) -> String {
        let made = self
            .elb
            .create_load_balancer()
            .name(name)
            .r#type(LoadBalancerTypeEnum::Network)
            .set_subnets(Some(subnets.to_vec()))
            .send()
            .await;
        let made = made
            .expect("a load balancer")
            .load_balancers
            .unwrap_or_default()
            .remove(0);
        made.load_balancer_arn.expect("a load balancer has an ARN")
    }

    /// The id of a new security group.
    pub(crate) async fn security_group(&self, name: &str) -> String {
        let made = self
            .ec2
            .create_security_group()
            .group_name(name)
            .description(name)
            .vpc_id(&self.vpc)
            .send()
            .await;
        made.expect("a security group")
            .group_id
            .expect("a security group has an id")
    }

    /// The credentials of a user who may do the given actions, a JSON list.
    pub(crate) async fn user(&self, actions: &str) -> aws_config::SdkConfig {
        let iam = aws_sdk_iam::Client::new(&self.aws.vendor().config);
        iam.create_user().user_name("sam").send().await.expect("a user");
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"*"}}]}}"#
        );
        iam.put_user_policy()
            .user_name("sam")
            .policy_name("may")
            .policy_document(policy)
            .send()
            .await
            .expect("a policy");
        let key = iam.create_access_key().user_name("sam").send().await;
        let key = key.expect("a key").access_key.expect("a key");
        self.aws
            .vendor()
            .with_keys(key.access_key_id(), key.secret_access_key(), None)
    }

    /// The ARN of a new listener that forwards to a group.
    pub(crate) async fn listener(&self, balancer: &str, port: i32, group: &str) -> String {
        let made = self
            .elb
            .create_listener()
            .load_balancer_arn(balancer)
            .protocol(ProtocolEnum::Http)
            .port(port)
            .default_actions(forward(group))
            .send()
            .await;
        let made = made.expect("a listener").listeners.unwrap_or_default().remove(0);
        made.listener_arn.expect("a listener has an ARN")
    }

    /// A running instance in a subnet.
    pub(crate) async fn instance(&self, subnet: &str) -> String {
        let made = self
            .ec2
            .run_instances()
            .image_id(self.image().await)
            .instance_type(aws_sdk_ec2::types::InstanceType::T3Micro)
            .subnet_id(subnet)
            .min_count(1)
            .max_count(1)
            .send()
            .await;
        let made = made.expect("an instance").instances.unwrap_or_default().remove(0);
        let id = made.instance_id.expect("an instance has an id");
        // The first look sees it running, because nothing takes time here.
        self.ec2
            .describe_instances()
            .instance_ids(&id)
            .send()
            .await
            .expect("the instance");
        id
    }

    pub(crate) async fn image(&self) -> String {
        let images = self
            .ec2
            .describe_images()
            .owners("amazon")
            .send()
            .await
            .expect("images");
        let found = images.images().iter().find_map(|image| image.image_id.clone());
        found.expect("Amazon has images")
    }

    /// The id of a launch template with one version.
    pub(crate) async fn template(&self, name: &str) -> String {
        let data = RequestLaunchTemplateData::builder()
            .image_id(self.image().await)
            .instance_type(aws_sdk_ec2::types::InstanceType::T3Micro)
            .build();
        let made = self
            .ec2
            .create_launch_template()
            .launch_template_name(name)
            .launch_template_data(data)
            .send()
            .await;
        let made = made
            .expect("a template")
            .launch_template
            .and_then(|template| template.launch_template_id);
        made.expect("a template has an id")
    }

    pub(crate) async fn register(&self, group: &str, instance: &str) {
        let target = TargetDescription::builder().id(instance).build();
        let registered = self
            .elb
            .register_targets()
            .target_group_arn(group)
            .targets(target)
            .send()
            .await;
        registered.expect("registered");
    }

    /// The state and the reason of each target of a group.
    pub(crate) async fn health(&self, group: &str) -> Vec<(TargetHealthStateEnum, Option<String>)> {
        let shown = self
            .elb
            .describe_target_health()
            .target_group_arn(group)
            .send()
            .await
            .expect("health");
        let targets = shown.target_health_descriptions.unwrap_or_default().into_iter();
        let states = targets.filter_map(|target| {
            let health = target.target_health?;
            Some((
                health.state?,
                health.reason.map(|reason| reason.as_str().to_owned()),
            ))
        });
        states.collect()
    }
}

pub(crate) fn forward(group: &str) -> Action {
    Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(group)
        .build()
}
