//! Quotas that are used up, whatever the account has: the code is the operation's own.

use conformance::local_aws::{Fault, FaultRule};
use conformance::{Aws, code, controlled, status};

/// An account in which nothing more can be made.
async fn full() -> Option<Aws> {
    let aws = controlled().await?;
    let rule = FaultRule {
        operation: None,
        ..FaultRule::on("", Fault::QuotaExceeded)
    };
    assert!(aws.control().add_fault(rule));
    Some(aws)
}

/// EC2 names the kind of resource in the code; what reads and what frees goes on.
/// https://docs.aws.amazon.com/ec2/latest/devguide/errors-overview.html
#[tokio::test]
async fn ec2_names_what_there_may_be_no_more_of() {
    let Some(aws) = full().await else { return };
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
    assert_eq!(code(vpc), "VpcLimitExceeded");
    assert_eq!(code(ec2.allocate_address().send().await), "AddressLimitExceeded");
    let subnet = ec2.create_subnet().vpc_id("vpc-1").cidr_block("10.0.0.0/24");
    assert_eq!(code(subnet.send().await), "SubnetLimitExceeded");
    let gateway = ec2.create_internet_gateway().send().await;
    assert_eq!(code(gateway), "InternetGatewayLimitExceeded");
    let group = ec2.create_security_group().group_name("g").description("d");
    assert_eq!(code(group.send().await), "SecurityGroupLimitExceeded");
    let run = ec2.run_instances().image_id("ami-1").min_count(1).max_count(1);
    assert_eq!(code(run.send().await), "VcpuLimitExceeded");
    ec2.describe_vpcs().send().await.expect("reading needs no quota");
    let release = ec2.release_address().allocation_id("eipalloc-0123456789abcdef0");
    assert_eq!(code(release.send().await), "InvalidAllocationID.NotFound");
}

/// IAM answers LimitExceeded with a conflict.
/// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
#[tokio::test]
async fn iam_answers_a_conflict() {
    let Some(aws) = full().await else { return };
    let iam = aws_sdk_iam::Client::new(&aws.vendor().config);
    let user = || iam.create_user().user_name("ada").send();
    assert_eq!(code(user().await), "LimitExceeded");
    assert_eq!(status(user().await), 409);
}

/// Load balancing, DNS and databases have a code for each kind of thing.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
#[tokio::test]
async fn other_services_name_the_kind_too() {
    let Some(aws) = full().await else { return };
    let config = &aws.vendor().config;
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(config);
    let group = elb.create_target_group().name("app").send().await;
    assert_eq!(code(group), "TooManyTargetGroups");
    let balancer = elb.create_load_balancer().name("app").send().await;
    assert_eq!(code(balancer), "TooManyLoadBalancers");
    let dns = aws_sdk_route53::Client::new(config);
    let zone = dns
        .create_hosted_zone()
        .name("a.example")
        .caller_reference("r")
        .send()
        .await;
    assert_eq!(code(zone), "TooManyHostedZones");
    let rds = aws_sdk_rds::Client::new(config);
    let cluster = rds
        .create_db_cluster()
        .db_cluster_identifier("c")
        .engine("aurora-postgresql");
    let refused = cluster.send().await;
    assert_eq!(code(refused), "DBClusterQuotaExceededFault");
}

/// Services with one code for all quotas.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
#[tokio::test]
async fn some_services_have_one_code_for_all_quotas() {
    let Some(aws) = full().await else { return };
    let config = &aws.vendor().config;
    let key = aws_sdk_kms::Client::new(config).create_key().send().await;
    assert_eq!(code(key), "LimitExceededException");
    let stream = aws_sdk_kinesis::Client::new(config)
        .create_stream()
        .stream_name("s");
    assert_eq!(code(stream.send().await), "LimitExceededException");
    let certificate = aws_sdk_acm::Client::new(config)
        .request_certificate()
        .domain_name("a.example");
    assert_eq!(code(certificate.send().await), "LimitExceededException");
}
