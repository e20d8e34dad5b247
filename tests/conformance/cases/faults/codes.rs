//! Throttled callers, and services that fail.

use conformance::local_aws::{Fault, FaultRule};
use conformance::{Account, Aws, code, controlled, status};

/// Lets every call of the vendor meet a fault.
async fn all_meet(fault: Fault) -> Option<Aws> {
    let aws = controlled().await?;
    let rule = FaultRule {
        operation: None,
        ..FaultRule::on("", fault)
    };
    assert!(aws.control().add_fault(rule.in_account(&aws.vendor().id)));
    Some(aws)
}

/// A call of each service but EC2, S3 and Kinesis, and what it is refused with.
async fn refusals(account: &Account) -> Vec<(&'static str, String)> {
    let config = &account.config;
    let iam = aws_sdk_iam::Client::new(config).list_roles().send().await;
    let sts = aws_sdk_sts::Client::new(config)
        .get_caller_identity()
        .send()
        .await;
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(config);
    let elb = elb.describe_load_balancers().send().await;
    let scaling = aws_sdk_autoscaling::Client::new(config);
    let scaling = scaling.describe_auto_scaling_groups().send().await;
    let stacks = aws_sdk_cloudformation::Client::new(config);
    let stacks = stacks.describe_stacks().send().await;
    let rds = aws_sdk_rds::Client::new(config)
        .describe_db_instances()
        .send()
        .await;
    let dns = aws_sdk_route53::Client::new(config)
        .list_hosted_zones()
        .send()
        .await;
    let kms = aws_sdk_kms::Client::new(config).list_keys().send().await;
    let acm = aws_sdk_acm::Client::new(config).list_certificates().send().await;
    let quotas = aws_sdk_servicequotas::Client::new(config);
    let quotas = quotas.list_service_quotas().service_code("ec2").send().await;
    let tagging = aws_sdk_resourcegroupstagging::Client::new(config)
        .get_resources()
        .send()
        .await;
    let trail = aws_sdk_cloudtrail::Client::new(config)
        .lookup_events()
        .send()
        .await;
    let warehouse = aws_sdk_redshiftdata::Client::new(config)
        .list_statements()
        .send()
        .await;
    vec![
        ("iam", code(iam)),
        ("sts", code(sts)),
        ("elasticloadbalancing", code(elb)),
        ("autoscaling", code(scaling)),
        ("cloudformation", code(stacks)),
        ("rds", code(rds)),
        ("route53", code(dns)),
        ("kms", code(kms)),
        ("acm", code(acm)),
        ("servicequotas", code(quotas)),
        ("tagging", code(tagging)),
        ("cloudtrail", code(trail)),
        ("redshift-data", code(warehouse)),
    ]
}

/// Each service asks to slow down in its own code.
/// https://docs.aws.amazon.com/general/latest/gr/api-retries.html
#[tokio::test]
async fn each_service_throttles_in_its_own_code() {
    let Some(aws) = all_meet(Fault::Throttle).await else {
        return;
    };
    for (service, code) in refusals(aws.vendor()).await {
        let expected = match service {
            "kms" | "acm" | "cloudtrail" | "redshift-data" => "ThrottlingException",
            "servicequotas" => "TooManyRequestsException",
            "tagging" => "ThrottledException",
            _ => "Throttling",
        };
        assert_eq!(code, expected, "{service}");
    }
}

/// Each service fails in its own code.
/// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn each_service_fails_in_its_own_code() {
    let Some(aws) = all_meet(Fault::ServerError).await else {
        return;
    };
    for (service, code) in refusals(aws.vendor()).await {
        let expected = match service {
            "iam" => "ServiceFailure",
            "kms" => "KMSInternalException",
            "servicequotas" => "ServiceException",
            "tagging" => "InternalServiceException",
            "redshift-data" => "InternalServerException",
            _ => "InternalFailure",
        };
        assert_eq!(code, expected, "{service}");
    }
}

/// EC2 throttles with RequestLimitExceeded and fails with InternalError.
/// https://docs.aws.amazon.com/ec2/latest/devguide/errors-overview.html
#[tokio::test]
async fn ec2_throttles_and_fails_with_a_status_of_500_and_more() {
    let Some(aws) = all_meet(Fault::Throttle).await else {
        return;
    };
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    assert_eq!(status(ec2.describe_vpcs().send().await), 503);
    assert_eq!(code(ec2.describe_vpcs().send().await), "RequestLimitExceeded");
    let Some(aws) = all_meet(Fault::ServerError).await else {
        return;
    };
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    assert_eq!(status(ec2.describe_vpcs().send().await), 500);
    assert_eq!(code(ec2.describe_vpcs().send().await), "InternalError");
}

/// S3 asks to slow down with a 503.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn s3_asks_to_slow_down() {
    let Some(aws) = all_meet(Fault::Throttle).await else {
        return;
    };
    let s3 = aws_sdk_s3::Client::new(&aws.vendor().config);
    assert_eq!(status(s3.list_buckets().send().await), 503);
    assert_eq!(code(s3.list_buckets().send().await), "SlowDown");
}

/// A throughput that is used up and a control call too many have each a code of their own.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn kinesis_tells_a_throttled_shard_from_a_throttled_call() {
    let Some(aws) = controlled().await else { return };
    let kinesis = aws_sdk_kinesis::Client::new(&aws.vendor().config);
    let made = kinesis
        .create_stream()
        .stream_name("s")
        .shard_count(1)
        .send()
        .await;
    made.expect("a stream");
    for operation in ["PutRecord", "ListStreams"] {
        assert!(aws.control().add_fault(FaultRule::on(operation, Fault::Throttle)));
    }
    let data = aws_sdk_kinesis::primitives::Blob::new("x");
    let put = kinesis
        .put_record()
        .stream_name("s")
        .partition_key("k")
        .data(data);
    assert_eq!(code(put.send().await), "ProvisionedThroughputExceededException");
    assert_eq!(
        code(kinesis.list_streams().send().await),
        "LimitExceededException"
    );
}

/// What there is no room for is refused by EC2 and by RDS, each in its own code.
/// https://docs.aws.amazon.com/ec2/latest/devguide/errors-overview.html
#[tokio::test]
async fn there_may_be_no_capacity() {
    let Some(aws) = all_meet(Fault::InsufficientCapacity).await else {
        return;
    };
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    let run = ec2.run_instances().image_id("ami-1").min_count(1).max_count(1);
    assert_eq!(code(run.send().await), "InsufficientInstanceCapacity");
    ec2.describe_instances()
        .send()
        .await
        .expect("reading needs no room");
    let rds = aws_sdk_rds::Client::new(&aws.vendor().config);
    let create = rds
        .create_db_instance()
        .db_instance_identifier("d")
        .db_instance_class("db.t3.micro")
        .engine("postgres");
    assert_eq!(code(create.send().await), "InsufficientDBInstanceCapacity");
}
