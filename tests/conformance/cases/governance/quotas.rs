//! Service Quotas.

use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types::RequestStatus;
use chrono::TimeDelta;
use conformance::local_aws::LatencyModel;
use conformance::{Account, aws, code, controlled};

const VPCS: &str = "L-F678F1CE";

fn quotas(account: &Account) -> Client {
    Client::new(&account.config)
}

async fn value(client: &Client, service: &str, quota: &str) -> f64 {
    let answer = client
        .get_service_quota()
        .service_code(service)
        .quota_code(quota)
        .send()
        .await;
    let quota = answer.expect("a quota").quota.expect("an answer has a quota");
    quota.value.expect("a quota has a value")
}

/// Five VPCs fit into a region by default, and the quota can be raised.
/// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
#[tokio::test]
async fn five_vpcs_fit_into_a_region_by_default() {
    let aws = aws().await;
    let answer = quotas(aws.vendor())
        .get_aws_default_service_quota()
        .service_code("vpc")
        .quota_code(VPCS)
        .send()
        .await
        .expect("a default");
    let quota = answer.quota.expect("an answer has a quota");
    assert_eq!((quota.value, quota.adjustable), (Some(5.0), true));
    assert_eq!(quota.quota_name.as_deref(), Some("VPCs per Region"));
}

/// A code that no quota of the service has is no such resource.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
#[tokio::test]
async fn an_unknown_quota_is_no_such_resource() {
    let aws = aws().await;
    let client = quotas(aws.vendor());
    let unknown = client
        .get_service_quota()
        .service_code("vpc")
        .quota_code("L-00000000")
        .send()
        .await;
    assert_eq!(code(unknown), "NoSuchResourceException");
    let foreign = client
        .get_service_quota()
        .service_code("ec2")
        .quota_code(VPCS)
        .send()
        .await;
    assert_eq!(code(foreign), "NoSuchResourceException");
    let service = client
        .list_service_quotas()
        .service_code("no-such-service")
        .send()
        .await;
    assert_eq!(code(service), "NoSuchResourceException");
}

/// A wish that is not above the present value is refused.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_RequestServiceQuotaIncrease.html
#[tokio::test]
async fn an_increase_must_be_above_the_present_value() {
    let Some(aws) = controlled().await else { return };
    let client = quotas(aws.vendor());
    for desired in [5.0, 4.0] {
        let asked = client
            .request_service_quota_increase()
            .service_code("vpc")
            .quota_code(VPCS)
            .desired_value(desired)
            .send()
            .await;
        assert_eq!(code(asked), "IllegalArgumentException");
    }
}

/// A case is opened, and when it is approved the applied value is the one that was asked for.
/// https://docs.aws.amazon.com/servicequotas/latest/userguide/request-quota-increase.html
#[tokio::test]
async fn an_increase_is_applied_when_its_case_is_approved() {
    let Some(aws) = controlled().await else { return };
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let client = quotas(aws.vendor());
    let asked = client
        .request_service_quota_increase()
        .service_code("vpc")
        .quota_code(VPCS)
        .desired_value(20.0)
        .send()
        .await
        .expect("a request");
    let asked = asked.requested_quota.expect("an answer has the request");
    assert_eq!(asked.status, Some(RequestStatus::Pending));
    aws.advance(TimeDelta::minutes(1));
    assert_eq!(value(&client, "vpc", VPCS).await, 5.0);
    aws.advance(TimeDelta::hours(1));
    assert_eq!(value(&client, "vpc", VPCS).await, 20.0);
    let id = asked.id.expect("a request has an id");
    let shown = client
        .get_requested_service_quota_change()
        .request_id(id)
        .send()
        .await
        .expect("the request");
    let status = shown.requested_quota.and_then(|request| request.status);
    assert_eq!(status, Some(RequestStatus::Approved));
}

/// One request for a quota is open at a time.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_RequestServiceQuotaIncrease.html
#[tokio::test]
async fn a_second_open_request_for_a_quota_is_refused() {
    let Some(aws) = controlled().await else { return };
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let client = quotas(aws.vendor());
    let ask = || {
        client
            .request_service_quota_increase()
            .service_code("vpc")
            .quota_code(VPCS)
            .desired_value(20.0)
            .send()
    };
    ask().await.expect("the first");
    assert_eq!(code(ask().await), "ResourceAlreadyExistsException");
}

/// Quotas belong to an account and a region; a global one is the same in all regions.
/// https://docs.aws.amazon.com/servicequotas/latest/userguide/intro.html
#[tokio::test]
async fn a_regional_quota_is_of_one_account_and_region() {
    let Some(aws) = controlled().await else { return };
    let account = &aws.vendor().id;
    assert!(aws.control().set_quota((account, "eu-central-1"), VPCS, 50));
    assert!(
        aws.control()
            .set_quota((account, "eu-central-1"), "L-4EA4796A", 900)
    );
    let here = quotas(aws.vendor());
    let elsewhere = Client::new(&aws.vendor().in_region("us-east-1"));
    assert_eq!(value(&here, "vpc", VPCS).await, 50.0);
    assert_eq!(value(&elsewhere, "vpc", VPCS).await, 5.0);
    assert_eq!(value(&quotas(aws.customer()), "vpc", VPCS).await, 5.0);
    assert_eq!(value(&elsewhere, "route53", "L-4EA4796A").await, 900.0);
}

/// EC2 holds the quota of VPCs, and an increase counts from then on.
/// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
#[tokio::test]
async fn ec2_holds_the_quota_of_vpcs() {
    let Some(aws) = controlled().await else { return };
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    // The default VPC, where an account has one, counts too.
    let there = ec2.describe_vpcs().send().await.expect("VPCs").vpcs().len();
    for number in there..5 {
        let made = ec2
            .create_vpc()
            .cidr_block(format!("10.{number}.0.0/16"))
            .send()
            .await;
        made.expect("five fit");
    }
    let sixth = ec2.create_vpc().cidr_block("10.99.0.0/16").send().await;
    assert_eq!(code(sixth), "VpcLimitExceeded");
    assert!(aws.control().set_quota((&aws.vendor().id, aws.region()), VPCS, 6));
    let sixth = ec2.create_vpc().cidr_block("10.99.0.0/16").send().await;
    sixth.expect("six fit now");
}

/// Lists come in pages that follow each other, and a token of another list is refused.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
#[tokio::test]
async fn quotas_are_listed_in_pages() {
    let aws = aws().await;
    let client = quotas(aws.vendor());
    let first = client
        .list_service_quotas()
        .service_code("vpc")
        .max_results(2)
        .send()
        .await
        .expect("a page");
    assert_eq!(first.quotas().len(), 2);
    let token = first.next_token.clone().expect("there is more");
    let second = client
        .list_service_quotas()
        .service_code("vpc")
        .max_results(2)
        .next_token(token)
        .send()
        .await;
    let second = second.expect("the next page");
    assert_ne!(first.quotas()[0].quota_code, second.quotas()[0].quota_code);
    let bad = client
        .list_service_quotas()
        .service_code("vpc")
        .next_token("no token!")
        .send()
        .await;
    assert_eq!(code(bad), "InvalidPaginationTokenException");
}
