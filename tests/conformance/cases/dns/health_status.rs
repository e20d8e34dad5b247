//! What health checks see, and when they say so.

use aws_sdk_route53::Client;
use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType, ResourceRecordSetFailover};
use chrono::TimeDelta;
use conformance::local_aws::Outage;
use conformance::{Aws, controlled};

use super::support::{
    Machine, Network, Zone, a, admit, asked, at_once, built, check, client, created, http, network,
    real_pace, routed, shut, tcp, zone,
};

/// A name that leads to a machine while a check says that it is healthy, and elsewhere when not.
struct Watched {
    aws: Aws,
    dns: Client,
    machine: Machine,
    network: Network,
    zone: Zone,
    check: String,
}

const ELSEWHERE: &str = "198.51.100.1";

impl Watched {
    async fn begin() -> Option<Self> {
        let aws = controlled().await?;
        let dns = client(&aws);
        let network = network(&aws.vendor().config).await;
        let machine = network.machine("one").await;
        let zone = zone(&aws).await;
        let check = check(&dns, "check", tcp(&machine.address, 80)).await;
        let name = zone.sub("www");
        let primary = routed(&name, &machine.address, "here")
            .failover(ResourceRecordSetFailover::Primary)
            .health_check_id(&check);
        created(&dns, &zone, built(primary)).await;
        let secondary = routed(&name, ELSEWHERE, "elsewhere").failover(ResourceRecordSetFailover::Secondary);
        created(&dns, &zone, built(secondary)).await;
        real_pace(&aws);
        Some(Self {
            aws,
            dns,
            machine,
            network,
            zone,
            check,
        })
    }

    fn leads_to(&self) -> String {
        asked(&self.aws, &self.zone.sub("www")).values.remove(0)
    }

    fn is_healthy(&self) -> bool {
        self.leads_to() == self.machine.address
    }

    /// What the checkers report.
    async fn reports(&self) -> String {
        let asked = self
            .dns
            .get_health_check_status()
            .health_check_id(&self.check)
            .send()
            .await;
        let observations = asked.expect("a status").health_check_observations;
        assert!(observations.len() >= 3, "checkers of several regions look");
        let report = observations[0].status_report().and_then(|report| report.status());
        report.expect("a report").to_owned()
    }
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html>
#[tokio::test]
async fn a_check_fails_after_threshold_times_interval_and_recovers_likewise() {
    let Some(watched) = Watched::begin().await else {
        return;
    };
    let lost = Outage::Zone(watched.machine.zone.clone());
    watched.aws.control().begin_outage(lost.clone());
    watched.aws.advance(TimeDelta::seconds(19));
    assert!(watched.is_healthy(), "one failure is not two");
    assert!(watched.reports().await.starts_with("Failure"));
    watched.aws.advance(TimeDelta::seconds(2));
    assert!(!watched.is_healthy());
    watched.aws.control().end_outage(&lost);
    watched.aws.advance(TimeDelta::seconds(19));
    assert!(!watched.is_healthy());
    watched.aws.advance(TimeDelta::seconds(2));
    assert!(watched.is_healthy());
    assert!(watched.reports().await.starts_with("Success"));
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-router-firewall-rules.html>
#[tokio::test]
async fn a_check_is_blocked_by_a_closed_security_group() {
    let Some(watched) = Watched::begin().await else {
        return;
    };
    shut(&watched.machine.ec2, &watched.machine.group, 80).await;
    watched.aws.advance(TimeDelta::seconds(21));
    assert!(!watched.is_healthy());
    admit(&watched.machine.ec2, &watched.machine.group, 81).await;
    watched.aws.advance(TimeDelta::seconds(21));
    assert!(!watched.is_healthy(), "another port is another port");
    admit(&watched.machine.ec2, &watched.machine.group, 80).await;
    watched.aws.advance(TimeDelta::seconds(21));
    assert!(watched.is_healthy());
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html>
#[tokio::test]
async fn a_stopped_machine_fails_its_check() {
    let Some(watched) = Watched::begin().await else {
        return;
    };
    let stop = watched
        .machine
        .ec2
        .stop_instances()
        .instance_ids(&watched.machine.id);
    stop.send().await.expect("it stops");
    watched.aws.advance(TimeDelta::minutes(5));
    watched.aws.advance(TimeDelta::seconds(21));
    assert!(!watched.is_healthy());
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>
#[tokio::test]
async fn an_inverted_check_says_the_opposite_at_once() {
    let Some(watched) = Watched::begin().await else {
        return;
    };
    let invert = |inverted| {
        let update = watched.dns.update_health_check().health_check_id(&watched.check);
        update.inverted(inverted).send()
    };
    assert!(watched.is_healthy());
    invert(true).await.expect("taken");
    assert_eq!(watched.leads_to(), ELSEWHERE, "traffic moves by hand");
    invert(false).await.expect("taken");
    assert!(watched.is_healthy());
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>
#[tokio::test]
async fn a_disabled_check_is_healthy_unless_it_is_inverted() {
    let Some(watched) = Watched::begin().await else {
        return;
    };
    let lost = Outage::Zone(watched.machine.zone.clone());
    watched.aws.control().begin_outage(lost);
    watched.aws.advance(TimeDelta::seconds(21));
    assert!(!watched.is_healthy());
    let update = || watched.dns.update_health_check().health_check_id(&watched.check);
    update().disabled(true).send().await.expect("taken");
    assert!(watched.is_healthy());
    update().inverted(true).send().await.expect("taken");
    assert!(!watched.is_healthy());
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html>
#[tokio::test]
async fn a_calculated_check_is_as_healthy_as_enough_of_its_children() {
    let Some(watched) = Watched::begin().await else {
        return;
    };
    at_once(&watched.aws);
    let other = watched.network.machine("two").await;
    real_pace(&watched.aws);
    let second = check(&watched.dns, "second", tcp(&other.address, 80)).await;
    let counted = |threshold| {
        HealthCheckConfig::builder()
            .r#type(HealthCheckType::Calculated)
            .health_threshold(threshold)
            .child_health_checks(&watched.check)
            .child_health_checks(&second)
    };
    for (label, threshold) in [("either", 1), ("both", 2)] {
        let parent = check(&watched.dns, label, counted(threshold)).await;
        let name = watched.zone.sub(label);
        let primary = routed(&name, "192.0.2.1", "one").failover(ResourceRecordSetFailover::Primary);
        created(
            &watched.dns,
            &watched.zone,
            built(primary.health_check_id(parent)),
        )
        .await;
        let rest = routed(&name, ELSEWHERE, "two").failover(ResourceRecordSetFailover::Secondary);
        created(&watched.dns, &watched.zone, built(rest)).await;
    }
    let answers =
        || ["either", "both"].map(|label| asked(&watched.aws, &watched.zone.sub(label)).values.remove(0));
    watched.aws.advance(TimeDelta::minutes(1));
    assert_eq!(answers(), ["192.0.2.1", "192.0.2.1"]);
    shut(&other.ec2, &other.group, 80).await;
    watched.aws.advance(TimeDelta::seconds(21));
    assert_eq!(answers(), ["192.0.2.1", ELSEWHERE]);
    shut(&watched.machine.ec2, &watched.machine.group, 80).await;
    watched.aws.advance(TimeDelta::seconds(21));
    assert_eq!(answers(), [ELSEWHERE, ELSEWHERE]);
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>
#[tokio::test]
async fn a_check_of_a_name_follows_its_records() {
    let Some(watched) = Watched::begin().await else {
        return;
    };
    let name = watched.zone.sub("origin");
    created(&watched.dns, &watched.zone, a(&name, &watched.machine.address)).await;
    let by_name = check(&watched.dns, "by-name", http(&name)).await;
    let status = async || {
        let asked = watched
            .dns
            .get_health_check_status()
            .health_check_id(&by_name)
            .send()
            .await;
        let seen = asked.expect("a status").health_check_observations;
        seen[0]
            .status_report()
            .and_then(|report| report.status())
            .expect("a report")
            .to_owned()
    };
    assert!(status().await.starts_with("Success: HTTP Status Code 200"));
    shut(&watched.machine.ec2, &watched.machine.group, 80).await;
    assert!(status().await.starts_with("Failure"));
}
