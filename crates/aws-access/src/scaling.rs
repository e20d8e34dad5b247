//! Auto Scaling: groups of machines over zones, and their rolling replacement.
//!
//! Source: Amazon EC2 Auto Scaling API reference, version 2011-01-01.

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_autoscaling::{
    Client,
    types::{
        AutoScalingGroup, DesiredConfiguration, InstanceRefresh, InstanceRefreshStatus,
        LaunchTemplateSpecification, MetricType, PredefinedMetricSpecification, RefreshPreferences,
        ScalingActivityStatusCode, Tag, TargetTrackingConfiguration,
    },
};
use tenant_model::{
    blueprint::Spec,
    convergence::Call,
    observation::{Fleet, Found, Progress, Shape},
};

use crate::{
    AwsError,
    account::{Made, misdirected},
    balancing::Balancing,
    ec2::{Mark, Scope},
    settings::one_attempt,
    tags,
};

/// Name of the scaling policy of each group.
const POLICY: &str = "tenantry-cpu";
/// Share of the processors at which machines are added, in percent.
const CPU_TARGET: f64 = 60.0;
/// A machine may take this long to become healthy.
const GRACE_SECONDS: i32 = 300;
/// A rolling replacement never has fewer healthy machines than all of them.
const HEALTHY_MIN_PERCENT: i32 = 100;
/// And at most this many: AWS launches before it ends only if it may go beyond 100 percent.
const HEALTHY_MAX_PERCENT: i32 = 200;

/// Auto Scaling as one session sees it.
#[derive(Clone)]
pub(crate) struct Scaling {
    reads: Client,
    writes: Client,
}

impl fmt::Debug for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scaling")
    }
}

impl Scaling {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            reads: Client::new(config),
            writes: Client::new(&one_attempt(config)),
        }
    }

    pub(crate) async fn find(
        &self,
        scope: &Scope,
        specs: &[&Spec],
        balancing: &Balancing,
    ) -> Result<Vec<Found>, AwsError> {
        let mut all = Vec::new();
        for spec in specs {
            if let Spec::AutoScalingGroup { group_name, .. } = spec {
                all.extend(self.group(scope, group_name, balancing).await?);
            }
        }
        Ok(all)
    }

    async fn group(
        &self,
        scope: &Scope,
        name: &str,
        balancing: &Balancing,
    ) -> Result<Option<Found>, AwsError> {
        let request = self
            .reads
            .describe_auto_scaling_groups()
            .auto_scaling_group_names(name);
        let reply = request.send().await?;
        let Some(group) = reply.auto_scaling_groups().first() else {
            return Ok(None);
        };
        let healthy = match group.target_group_arns().first() {
            Some(arn) => balancing.healthy(arn).await?,
            None => 0,
        };
        let fleet = self.fleet(group, name, healthy).await?;
        let pairs = group
            .tags()
            .iter()
            .map(|tag| (tag.key(), tag.value().unwrap_or_default()));
        Ok(tags::found(
            scope,
            name.to_owned(),
            Shape::AutoScalingGroup(fleet),
            pairs,
        ))
    }

    async fn fleet(&self, group: &AutoScalingGroup, name: &str, healthy: usize) -> Result<Fleet, AwsError> {
        let refresh = self.last_refresh(name).await?;
        let policies = self
            .reads
            .describe_policies()
            .auto_scaling_group_name(name)
            .send()
            .await?;
        let ours = |policy: &aws_sdk_autoscaling::types::ScalingPolicy| policy.policy_name() == Some(POLICY);
        Ok(Fleet {
            progress: progress(group, refresh.as_ref()),
            min: group.min_size().unwrap_or(0),
            max: group.max_size().unwrap_or(0),
            version: version(group.launch_template()),
            has_policy: policies.scaling_policies().iter().any(ours),
            machines: group.instances().len(),
            healthy,
            trouble: self.trouble(name).await?,
            refresh_failed: refresh.as_ref().and_then(failure),
        })
    }

    /// What went wrong, if the newest activity is a failed one.
    async fn trouble(&self, name: &str) -> Result<Option<String>, AwsError> {
        let request = self
            .reads
            .describe_scaling_activities()
            .auto_scaling_group_name(name);
        let reply = request.max_records(1).send().await?;
        let newest = reply.activities().first();
        let failed = newest.filter(|one| one.status_code() == Some(&ScalingActivityStatusCode::Failed));
        Ok(failed.and_then(|one| one.status_message()).map(str::to_owned))
    }

    async fn last_refresh(&self, name: &str) -> Result<Option<InstanceRefresh>, AwsError> {
        let request = self
            .reads
            .describe_instance_refreshes()
            .auto_scaling_group_name(name);
        let reply = request.max_records(1).send().await?;
        Ok(reply.instance_refreshes().first().cloned())
    }

    pub(crate) async fn carry_out(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let scaling = &self.writes;
        match call {
            Call::CreateAutoScalingGroup { .. } => self.create(call, mark).await,
            Call::UpdateAutoScalingGroup { group_name, min, max } => {
                scaling
                    .update_auto_scaling_group()
                    .auto_scaling_group_name(group_name)
                    .min_size(*min)
                    .max_size(*max)
                    // With room for none, none is wanted; otherwise the group raises it to the smallest by itself.
                    .set_desired_capacity((*max == 0).then_some(0))
                    .send()
                    .await?;
                Ok(None)
            }
            Call::PutScalingPolicy { group_name } => self.put_policy(group_name).await,
            Call::StartInstanceRefresh {
                group_name,
                template,
                version,
            } => self.refresh(group_name, (template, *version)).await,
            Call::DeleteAutoScalingGroup { group_name } => {
                scaling
                    .delete_auto_scaling_group()
                    .auto_scaling_group_name(group_name)
                    .force_delete(true)
                    .send()
                    .await?;
                Ok(None)
            }
            _ => Err(misdirected(call)),
        }
    }

    async fn create(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let Call::CreateAutoScalingGroup {
            group_name,
            template,
            version,
            subnets,
            target_group,
            min,
            max,
        } = call
        else {
            return Err(misdirected(call));
        };
        self.writes
            .create_auto_scaling_group()
            .auto_scaling_group_name(group_name)
            .launch_template(numbered(template, *version))
            .vpc_zone_identifier(subnets.join(","))
            .target_group_arns(target_group)
            .health_check_type("ELB")
            .health_check_grace_period(GRACE_SECONDS)
            .min_size(*min)
            .max_size(*max)
            .set_tags(Some(asg_tags(mark, group_name)))
            .send()
            .await?;
        Ok(Some(group_name.clone()))
    }

    async fn put_policy(&self, group_name: &str) -> Made {
        let metric = PredefinedMetricSpecification::builder()
            .predefined_metric_type(MetricType::AsgAverageCpuUtilization)
            .build();
        let tracking = TargetTrackingConfiguration::builder()
            .predefined_metric_specification(metric)
            .target_value(CPU_TARGET)
            .build();
        self.writes
            .put_scaling_policy()
            .auto_scaling_group_name(group_name)
            .policy_name(POLICY)
            .policy_type("TargetTrackingScaling")
            .target_tracking_configuration(tracking)
            .send()
            .await?;
        Ok(None)
    }

    async fn refresh(&self, group_name: &str, (template, version): (&str, i64)) -> Made {
        let preferences = RefreshPreferences::builder()
            .min_healthy_percentage(HEALTHY_MIN_PERCENT)
            .max_healthy_percentage(HEALTHY_MAX_PERCENT)
            .auto_rollback(true)
            .build();
        let wanted = DesiredConfiguration::builder()
            .launch_template(numbered(template, version))
            .build();
        self.writes
            .start_instance_refresh()
            .auto_scaling_group_name(group_name)
            .preferences(preferences)
            .desired_configuration(wanted)
            .send()
            .await?;
        Ok(None)
    }
}

/// A version by its number: `$Latest` would change under a group that nobody asked to change.
fn numbered(template: &str, version: i64) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification::builder()
        .launch_template_id(template)
        .version(version.to_string())
        .build()
}

fn version(template: Option<&LaunchTemplateSpecification>) -> i64 {
    let number = template.and_then(|template| template.version());
    number.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn progress(group: &AutoScalingGroup, refresh: Option<&InstanceRefresh>) -> Progress {
    if group.status().is_some() {
        return Progress::Ending;
    }
    use InstanceRefreshStatus as Status;
    match refresh.and_then(|refresh| refresh.status()) {
        Some(
            Status::Pending
            | Status::InProgress
            | Status::Cancelling
            | Status::RollbackInProgress
            | Status::Baking,
        ) => Progress::UnderWay,
        _ => Progress::Ready,
    }
}

/// The version that a refresh did not bring about, and why.
fn failure(refresh: &InstanceRefresh) -> Option<(i64, String)> {
    use InstanceRefreshStatus as Status;
    let failed = matches!(
        refresh.status(),
        Some(Status::Failed | Status::RollbackFailed | Status::RollbackSuccessful)
    );
    if !failed {
        return None;
    }
    let wanted = refresh
        .desired_configuration()
        .and_then(|wanted| wanted.launch_template());
    let why = refresh
        .status_reason()
        .unwrap_or("the replacement of machines failed");
    Some((version(wanted), why.to_owned()))
}

/// Filters by our own tags are not needed: the name is unique in the account and region.
fn asg_tags(mark: &Mark<'_>, group_name: &str) -> Vec<Tag> {
    let tag = |(key, value): (&str, String)| {
        Tag::builder()
            .resource_id(group_name)
            .resource_type("auto-scaling-group")
            .key(key)
            .value(value)
            .propagate_at_launch(false)
            .build()
    };
    mark.pairs().into_iter().map(tag).collect()
}
