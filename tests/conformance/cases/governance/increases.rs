//! Service Quotas: requests for more, and who may make them.

use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types::RequestStatus;
use chrono::TimeDelta;
use conformance::local_aws::LatencyModel;
use conformance::{Account, Aws, aws, code, controlled};

use crate::support::{User, allow};

const VPCS: &str = "L-F678F1CE";

fn quotas(account: &Account) -> Client {
    Client::new(&account.config)
}

/// An endpoint on which an increase takes as long as AWS takes.
async fn unhurried() -> Option<Aws> {
    let aws = controlled().await?;
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    Some(aws)
}

async fn ask(client: &Client, (service, quota): (&str, &str), desired: f64) -> Result<String, String> {
    let asked = client
        .request_service_quota_increase()
        .service_code(service)
        .quota_code(quota)
        .desired_value(desired)
        .send()
        .await;
    match asked {
        Ok(answer) => Ok(answer
            .requested_quota
            .and_then(|request| request.id)
            .expect("an id")),
        refused => Err(code(refused)),
    }
}

/// A request that was never made is no such resource.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetRequestedServiceQuotaChange.html
#[tokio::test]
async fn a_request_that_was_never_made_is_no_such_resource() {
    let aws = aws().await;
    let shown = quotas(aws.vendor())
        .get_requested_service_quota_change()
        .request_id("0000000000000000000000000000000f")
        .send()
        .await;
    assert_eq!(code(shown), "NoSuchResourceException");
}

/// An increase of a quota that no service has is no such resource.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_RequestServiceQuotaIncrease.html
#[tokio::test]
async fn an_unknown_quota_is_not_increased() {
    let aws = aws().await;
    let client = quotas(aws.vendor());
    for (service, quota) in [("vpc", "L-00000000"), ("ec2", VPCS), ("no-such-service", VPCS)] {
        let refused = ask(&client, (service, quota), 90.0).await;
        assert_eq!(refused.expect_err(quota), "NoSuchResourceException");
    }
}

/// A quota that its page calls not adjustable is not increased.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html
#[tokio::test]
async fn a_quota_that_is_not_adjustable_is_not_increased() {
    let aws = aws().await;
    let client = quotas(aws.vendor());
    let fixed = ("elasticloadbalancing", "L-AFDDADBF");
    let shown = client
        .get_aws_default_service_quota()
        .service_code(fixed.0)
        .quota_code(fixed.1)
        .send()
        .await;
    assert!(!shown.expect("a default").quota.expect("a quota").adjustable);
    let refused = ask(&client, fixed, 5.0).await;
    assert_eq!(refused.expect_err("fixed"), "IllegalArgumentException");
}

/// Twenty requests of an account may be open at a time, in all its regions.
/// https://docs.aws.amazon.com/servicequotas/latest/userguide/reference_limits.html
#[tokio::test]
async fn twenty_requests_of_an_account_may_be_open() {
    let Some(aws) = unhurried().await else { return };
    let client = quotas(aws.vendor());
    let mut asked = 0;
    for service in ["vpc", "elasticloadbalancing", "rds", "ec2", "acm", "autoscaling"] {
        let listed = client.list_service_quotas().service_code(service).send().await;
        for quota in listed.expect("quotas").quotas() {
            if !quota.adjustable {
                continue;
            }
            let code = quota.quota_code.as_deref().expect("a quota has a code");
            let outcome = ask(&client, (service, code), quota.value.expect("a value") + 1.0).await;
            if asked < 20 {
                outcome.expect("the first twenty are taken");
            } else {
                assert_eq!(outcome.expect_err("the 21st"), "QuotaExceededException");
            }
            asked += 1;
        }
    }
    assert!(asked > 20, "the case asks for more than twenty");
    aws.advance(TimeDelta::hours(1));
    ask(&client, ("vpc", VPCS), 50.0)
        .await
        .expect("the others are closed, so one more may be open");
}

/// The history of one quota holds its own requests only, and can be asked for by their status.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListRequestedServiceQuotaChangeHistoryByQuota.html
#[tokio::test]
async fn the_history_of_a_quota_holds_its_own_requests() {
    let Some(aws) = unhurried().await else { return };
    let client = quotas(aws.vendor());
    let id = ask(&client, ("vpc", VPCS), 10.0).await.expect("a request");
    ask(&client, ("ec2", "L-0263D0A3"), 10.0).await.expect("another");
    aws.advance(TimeDelta::minutes(5));
    let history = |status: RequestStatus| {
        client
            .list_requested_service_quota_change_history_by_quota()
            .service_code("vpc")
            .quota_code(VPCS)
            .status(status)
            .send()
    };
    let open = history(RequestStatus::CaseOpened).await.expect("a history");
    let ids: Vec<_> = open
        .requested_quotas()
        .iter()
        .map(|request| request.id())
        .collect();
    assert_eq!(ids, [Some(id.as_str())]);
    let approved = history(RequestStatus::Approved).await.expect("a history");
    assert!(approved.requested_quotas().is_empty());
    let unknown = client
        .list_requested_service_quota_change_history_by_quota()
        .service_code("vpc")
        .quota_code("L-00000000")
        .send()
        .await;
    assert_eq!(code(unknown), "NoSuchResourceException");
}

/// Requests of another account are not seen, and not found by their id.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListRequestedServiceQuotaChangeHistory.html
#[tokio::test]
async fn requests_of_another_account_are_not_seen() {
    let Some(aws) = unhurried().await else { return };
    let id = ask(&quotas(aws.vendor()), ("vpc", VPCS), 10.0)
        .await
        .expect("a request");
    let stranger = quotas(aws.stranger());
    let history = stranger
        .list_requested_service_quota_change_history()
        .send()
        .await
        .expect("a history");
    assert!(history.requested_quotas().is_empty());
    let shown = stranger
        .get_requested_service_quota_change()
        .request_id(id)
        .send()
        .await;
    assert_eq!(code(shown), "NoSuchResourceException");
}

/// A request says who made it, for what, and with which value.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_RequestedServiceQuotaChange.html
#[tokio::test]
async fn a_request_says_who_made_it_and_for_what() {
    let Some(aws) = unhurried().await else { return };
    let client = quotas(aws.vendor());
    let id = ask(&client, ("vpc", VPCS), 12.0).await.expect("a request");
    let shown = client
        .get_requested_service_quota_change()
        .request_id(id)
        .send()
        .await;
    let request = shown
        .expect("the request")
        .requested_quota
        .expect("an answer has it");
    assert_eq!(request.desired_value, Some(12.0));
    assert_eq!(request.quota_name.as_deref(), Some("VPCs per Region"));
    assert!(
        request
            .requester
            .is_some_and(|who| who.contains(&aws.vendor().id))
    );
    assert!(!request.global_quota);
}

/// The default of a quota stays what it is when another value is applied.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetAWSDefaultServiceQuota.html
#[tokio::test]
async fn the_default_stays_when_a_value_is_applied() {
    let Some(aws) = controlled().await else { return };
    assert!(
        aws.control()
            .set_quota((&aws.vendor().id, aws.region()), VPCS, 40)
    );
    let client = quotas(aws.vendor());
    let default = client
        .get_aws_default_service_quota()
        .service_code("vpc")
        .quota_code(VPCS)
        .send()
        .await;
    let default = default.expect("a default").quota.expect("a quota");
    assert_eq!(default.value, Some(5.0));
    let listed = client.list_service_quotas().service_code("vpc").send().await;
    let listed = listed.expect("quotas");
    let applied = listed
        .quotas()
        .iter()
        .find(|quota| quota.quota_code() == Some(VPCS));
    assert_eq!(applied.and_then(|quota| quota.value), Some(40.0));
}

/// The services that have quotas are listed in pages.
/// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServices.html
#[tokio::test]
async fn services_with_quotas_are_listed_in_pages() {
    let aws = aws().await;
    let client = quotas(aws.vendor());
    let (mut token, mut codes) = (None, Vec::new());
    loop {
        let page = client
            .list_services()
            .max_results(4)
            .set_next_token(token)
            .send()
            .await
            .expect("a page");
        assert!(page.services().len() <= 4);
        let shown = page
            .services()
            .iter()
            .filter_map(|service| service.service_code());
        codes.extend(shown.map(str::to_owned));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    for service in ["ec2", "vpc", "elasticloadbalancing", "rds"] {
        assert_eq!(
            codes.iter().filter(|code| *code == service).count(),
            1,
            "{service}"
        );
    }
}

/// A caller without the permission asks for nothing, and one with it for its own service only.
/// https://docs.aws.amazon.com/servicequotas/latest/userguide/identity-access-management.html
#[tokio::test]
async fn a_caller_without_permission_asks_for_nothing() {
    let Some(aws) = unhurried().await else { return };
    let statement = r#"{"Effect":"Allow","Action":"servicequotas:RequestServiceQuotaIncrease","Resource":"*","Condition":{"StringEquals":{"servicequotas:service":"vpc"}}}"#;
    let user = User::that_may(&aws, aws.vendor(), &[statement.to_owned()]).await;
    let client = Client::new(&user.config);
    let read = client
        .get_service_quota()
        .service_code("vpc")
        .quota_code(VPCS)
        .send()
        .await;
    assert_eq!(code(read), "AccessDeniedException");
    let other = ask(&client, ("ec2", "L-0263D0A3"), 10.0).await;
    assert_eq!(other.expect_err("not vpc"), "AccessDeniedException");
    ask(&client, ("vpc", VPCS), 10.0).await.expect("vpc is allowed");
    user.remove().await;
}

/// A caller that may read quotas may not ask for more.
/// https://docs.aws.amazon.com/servicequotas/latest/userguide/identity-access-management.html
#[tokio::test]
async fn a_reader_of_quotas_does_not_raise_them() {
    let aws = aws().await;
    let user = User::that_may(&aws, aws.vendor(), &[allow(r#""servicequotas:Get*""#)]).await;
    let client = Client::new(&user.config);
    let refused = ask(&client, ("vpc", VPCS), 99.0).await;
    assert_eq!(refused.expect_err("not allowed"), "AccessDeniedException");
    user.remove().await;
}
