//! Elastic Load Balancing: target groups, load balancers and their listener on 443.
//!
//! Source: Elastic Load Balancing API reference, version 2015-12-01. Names carry the deployment's id, so they are the
//! way to look; the tags say whether what is found is ours.

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::{
    Client,
    types::{
        Action, ActionTypeEnum, Certificate, IpAddressType, Listener, LoadBalancer, LoadBalancerSchemeEnum,
        LoadBalancerStateEnum, LoadBalancerTypeEnum, ProtocolEnum, Tag, TargetHealthStateEnum,
        TargetTypeEnum,
    },
};
use tenant_model::{
    blueprint::Spec,
    convergence::Call,
    observation::{Found, Progress, Shape},
};

use crate::{
    AwsError,
    account::{Made, misdirected},
    ec2::{Mark, Scope},
    error::existing,
    settings::one_attempt,
    tags,
};

/// Admits TLS 1.2 and 1.3 only (user guide, "Security policies for your Application Load Balancer").
const TLS_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";
const HEALTH_PATH: &str = "/healthz";
const HTTPS: i32 = 443;

/// Elastic Load Balancing as one session sees it.
#[derive(Clone)]
pub(crate) struct Balancing {
    reads: Client,
    writes: Client,
}

impl fmt::Debug for Balancing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Balancing")
    }
}

impl Balancing {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            reads: Client::new(config),
            writes: Client::new(&one_attempt(config)),
        }
    }

    pub(crate) async fn find(&self, scope: &Scope, specs: &[&Spec]) -> Result<Vec<Found>, AwsError> {
        let mut all = Vec::new();
        for spec in specs {
            match spec {
                Spec::TargetGroup { group_name, .. } => all.extend(self.target_group(group_name).await?),
                Spec::LoadBalancer { balancer_name, .. } => all.extend(self.balancer(balancer_name).await?),
                _ => {}
            }
        }
        self.tagged(scope, all).await
    }

    /// Keeps what carries our tags.
    async fn tagged(&self, scope: &Scope, all: Vec<(String, Shape)>) -> Result<Vec<Found>, AwsError> {
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let arns: Vec<String> = all.iter().map(|(arn, _)| arn.clone()).collect();
        let reply = self
            .reads
            .describe_tags()
            .set_resource_arns(Some(arns))
            .send()
            .await?;
        let tags_of = |arn: &str| {
            let mut described = reply.tag_descriptions().iter();
            described.find(|one| one.resource_arn() == Some(arn))
        };
        let found = all.into_iter().filter_map(|(arn, shape)| {
            let tags = tags_of(&arn)?.tags();
            tags::found(
                scope,
                arn,
                shape,
                tags.iter()
                    .map(|tag| (tag.key(), tag.value().unwrap_or_default())),
            )
        });
        Ok(found.collect())
    }

    async fn target_group(&self, name: &str) -> Result<Option<(String, Shape)>, AwsError> {
        let reply = self.reads.describe_target_groups().names(name).send().await;
        let Some(reply) = existing(reply)? else {
            return Ok(None);
        };
        let arn = reply
            .target_groups()
            .first()
            .and_then(|group| group.target_group_arn());
        Ok(arn.map(|arn| (arn.to_owned(), Shape::TargetGroup)))
    }

    async fn balancer(&self, name: &str) -> Result<Option<(String, Shape)>, AwsError> {
        let reply = self.reads.describe_load_balancers().names(name).send().await;
        let Some(reply) = existing(reply)? else {
            return Ok(None);
        };
        let Some(balancer) = reply.load_balancers().first() else {
            return Ok(None);
        };
        let Some(arn) = balancer.load_balancer_arn() else {
            return Ok(None);
        };
        let listener = self.listener(arn).await?;
        Ok(Some((arn.to_owned(), shape(balancer, listener))))
    }

    async fn listener(&self, balancer: &str) -> Result<Option<String>, AwsError> {
        let reply = self
            .reads
            .describe_listeners()
            .load_balancer_arn(balancer)
            .send()
            .await;
        let Some(reply) = existing(reply)? else {
            return Ok(None);
        };
        let https = |listener: &&Listener| listener.port() == Some(HTTPS);
        let listener = reply.listeners().iter().find(https);
        Ok(listener
            .and_then(|listener| listener.listener_arn())
            .map(str::to_owned))
    }

    /// How many targets of a group are healthy; none are when the group is gone.
    pub(crate) async fn healthy(&self, target_group: &str) -> Result<usize, AwsError> {
        let reply = self
            .reads
            .describe_target_health()
            .target_group_arn(target_group)
            .send()
            .await;
        let Some(reply) = existing(reply)? else {
            return Ok(0);
        };
        let states = reply.target_health_descriptions().iter();
        let healthy = states.filter(|one| {
            let state = one.target_health().and_then(|health| health.state());
            state == Some(&TargetHealthStateEnum::Healthy)
        });
        Ok(healthy.count())
    }

    pub(crate) async fn carry_out(&self, call: &Call, mark: &Mark<'_>) -> Made {
        match call {
            Call::CreateTargetGroup {
                group_name,
                vpc,
                port,
            } => self.create_target_group((group_name, vpc, *port), mark).await,
            Call::CreateLoadBalancer {
                balancer_name,
                subnets,
                group,
            } => self.create_balancer((balancer_name, subnets, group), mark).await,
            Call::CreateListener {
                balancer,
                target_group,
                certificate,
            } => self.create_listener(balancer, target_group, certificate).await,
            Call::DeleteTargetGroup { group } => {
                self.writes
                    .delete_target_group()
                    .target_group_arn(group)
                    .send()
                    .await?;
                Ok(None)
            }
            Call::DeleteLoadBalancer { balancer } => {
                self.writes
                    .delete_load_balancer()
                    .load_balancer_arn(balancer)
                    .send()
                    .await?;
                Ok(None)
            }
            _ => Err(misdirected(call)),
        }
    }

    async fn create_target_group(&self, (name, vpc, port): (&str, &str, i32), mark: &Mark<'_>) -> Made {
        let reply = self
            .writes
            .create_target_group()
            .name(name)
            .vpc_id(vpc)
            .port(port)
            .protocol(ProtocolEnum::Https)
            .target_type(TargetTypeEnum::Instance)
            .health_check_protocol(ProtocolEnum::Https)
            .health_check_path(HEALTH_PATH)
            .health_check_interval_seconds(10)
            .health_check_timeout_seconds(5)
            .healthy_threshold_count(2)
            .unhealthy_threshold_count(2)
            .set_tags(Some(elb_tags(mark)))
            .send()
            .await?;
        let arn = reply
            .target_groups()
            .first()
            .and_then(|group| group.target_group_arn());
        made(arn)
    }

    async fn create_balancer(
        &self,
        (name, subnets, group): (&str, &[String], &str),
        mark: &Mark<'_>,
    ) -> Made {
        let reply = self
            .writes
            .create_load_balancer()
            .name(name)
            .set_subnets(Some(subnets.to_vec()))
            .security_groups(group)
            .scheme(LoadBalancerSchemeEnum::InternetFacing)
            .r#type(LoadBalancerTypeEnum::Application)
            .ip_address_type(IpAddressType::Ipv4)
            .set_tags(Some(elb_tags(mark)))
            .send()
            .await?;
        let arn = reply
            .load_balancers()
            .first()
            .and_then(|balancer| balancer.load_balancer_arn());
        made(arn)
    }

    async fn create_listener(&self, balancer: &str, target_group: &str, certificate: &str) -> Made {
        let forward = Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .target_group_arn(target_group)
            .build();
        self.writes
            .create_listener()
            .load_balancer_arn(balancer)
            .port(HTTPS)
            .protocol(ProtocolEnum::Https)
            .ssl_policy(TLS_POLICY)
            .certificates(Certificate::builder().certificate_arn(certificate).build())
            .default_actions(forward)
            .send()
            .await?;
        Ok(None)
    }
}

fn made(arn: Option<&str>) -> Made {
    arn.map(|arn| Some(arn.to_owned()))
        .ok_or_else(|| AwsError::incomplete("ARN"))
}

fn elb_tags(mark: &Mark<'_>) -> Vec<Tag> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    mark.pairs().into_iter().map(tag).collect()
}

fn shape(balancer: &LoadBalancer, listener: Option<String>) -> Shape {
    let progress = match balancer.state().and_then(|state| state.code()) {
        Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired) => Progress::Ready,
        Some(LoadBalancerStateEnum::Failed) => Progress::Failed,
        // A state that AWS may add is one to wait in.
        _ => Progress::UnderWay,
    };
    Shape::LoadBalancer {
        progress,
        dns_name: balancer.dns_name().unwrap_or_default().to_owned(),
        zone_id: balancer.canonical_hosted_zone_id().unwrap_or_default().to_owned(),
        listener,
    }
}
