//! That every service's state survives a restart, and can be taken back to a snapshot.

use aws_sdk_elasticloadbalancingv2::types::ProtocolEnum;
use chrono::TimeDelta;
use conformance::local_aws::{Control, Fault, FaultRule, InventoryItem, LagSettings, LatencyModel, Outage};
use conformance::{Aws, code, controlled_with};

use crate::over;

/// One thing of each service that keeps its state in the state file.
pub(crate) async fn furnish(aws: &Aws) {
    let config = &aws.vendor().config;
    let vpc = aws_sdk_ec2::Client::new(config)
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await;
    let vpc = vpc.expect("a VPC").vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(config);
    let group = elb
        .create_target_group()
        .name("app")
        .protocol(ProtocolEnum::Http)
        .port(80)
        .vpc_id(vpc);
    group.send().await.expect("a target group");
    let dns = aws_sdk_route53::Client::new(config);
    let zone = dns
        .create_hosted_zone()
        .name("kept.example")
        .caller_reference("r");
    zone.send().await.expect("a zone");
    aws_sdk_kms::Client::new(config)
        .create_key()
        .send()
        .await
        .expect("a key");
    let acm = aws_sdk_acm::Client::new(config);
    let certificate = acm.request_certificate().domain_name("kept.example");
    certificate.send().await.expect("a certificate");
    let iam = aws_sdk_iam::Client::new(config);
    iam.create_user().user_name("ada").send().await.expect("a user");
}

fn kinds(inventory: &[InventoryItem]) -> Vec<&str> {
    let mut kinds: Vec<&str> = inventory.iter().map(|item| item.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds
}

/// A quota that was applied, beside what the inventory shows.
pub(crate) async fn quota(aws: &Aws) -> Option<f64> {
    let quotas = aws_sdk_servicequotas::Client::new(&aws.vendor().config);
    let asked = quotas
        .get_service_quota()
        .service_code("vpc")
        .quota_code("L-F678F1CE");
    asked
        .send()
        .await
        .expect("a quota")
        .quota
        .and_then(|quota| quota.value)
}

pub(crate) fn apply(control: &Control, aws: &Aws, value: u64) {
    assert!(control.set_quota((&aws.vendor().id, aws.region()), "L-F678F1CE", value));
}

#[tokio::test]
async fn the_state_of_every_service_survives_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(aws) = controlled_with(over(directory.path())).await else {
        return;
    };
    furnish(&aws).await;
    apply(&aws.control(), &aws, 77);
    let before = aws.control().inventory();
    let expected = [
        "acm:certificate",
        "ec2:vpc",
        "elasticloadbalancing:targetgroup",
        "iam:user",
        "kms:key",
        "route53:hostedzone",
    ];
    assert_eq!(kinds(&before), expected);
    aws.stop().await;

    let aws = controlled_with(over(directory.path()))
        .await
        .expect("the same endpoint");

    assert_eq!(aws.control().inventory(), before);
    assert_eq!(quota(&aws).await, Some(77.0));
}

/// Commands an endpoint all there is to command.
pub(crate) fn command(aws: &Aws) {
    let control = aws.control();
    control.advance(TimeDelta::days(3));
    let most =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"kms:*","Resource":"*"}]}"#;
    control.set_scp(&aws.vendor().id, Some(most)).expect("a policy");
    control.begin_outage(Outage::Zone("eu-central-1a".to_owned()));
    assert!(control.add_fault(FaultRule::on("DescribeVpcs", Fault::Throttle).nth(2)));
    control.set_lag(LagSettings {
        role_ms_max: 7,
        ..LagSettings::default()
    });
    control.set_latency(LatencyModel::Realistic { per_mille: 10 });
}

/// That all of it is still in force, the count of the rule's calls too.
pub(crate) async fn commanded(aws: &Aws) {
    let control = aws.control();
    assert_eq!(control.outages(), [Outage::Zone("eu-central-1a".to_owned())]);
    assert_eq!(control.scps().keys().collect::<Vec<_>>(), [&aws.vendor().id]);
    let ahead = control.now() - chrono::Utc::now();
    assert!(
        (ahead - TimeDelta::days(3)).abs() < TimeDelta::minutes(1),
        "{ahead}"
    );
    let keys = aws_sdk_kms::Client::new(&aws.vendor().config)
        .list_keys()
        .send()
        .await;
    assert_eq!(code(keys), "AccessDeniedException");
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    assert_eq!(code(ec2.describe_vpcs().send().await), "RequestLimitExceeded");
}

#[tokio::test]
async fn what_was_commanded_survives_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(aws) = controlled_with(over(directory.path())).await else {
        return;
    };
    command(&aws);
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    ec2.describe_vpcs().send().await.expect("the second one fails");
    aws.stop().await;

    let aws = controlled_with(over(directory.path()))
        .await
        .expect("the same endpoint");

    commanded(&aws).await;
}
