//! Who may do what to zones.

use aws_sdk_route53::Client;
use aws_sdk_route53::types::ChangeAction;
use conformance::{code, controlled};

use super::support::{a, apply, change, client, zone};

/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html>
#[tokio::test]
async fn a_policy_for_one_zone_is_for_no_other() {
    let Some(aws) = controlled().await else { return };
    let (own, other) = (zone(&aws).await, zone(&aws).await);
    let iam = aws_sdk_iam::Client::new(&aws.vendor().config);
    iam.create_user()
        .user_name("keeper")
        .send()
        .await
        .expect("a user");
    let policy = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow",
        "Action": "route53:ChangeResourceRecordSets", "Resource": "arn:aws:route53:::hostedzone/{}"}}]}}"#,
        own.id
    );
    let put = iam.put_user_policy().user_name("keeper").policy_name("own");
    put.policy_document(policy).send().await.expect("a policy");
    let made = iam
        .create_access_key()
        .user_name("keeper")
        .send()
        .await
        .expect("keys");
    let keys = made.access_key.expect("keys");
    let config = aws
        .vendor()
        .with_keys(keys.access_key_id(), keys.secret_access_key(), None);
    let dns = Client::new(&config);
    let write = |zone: &super::support::Zone| {
        let set = a(&zone.sub("www"), "192.0.2.1");
        (zone.id.clone(), vec![change(ChangeAction::Create, set)])
    };
    let (id, changes) = write(&own);
    apply(&dns, &id, changes).await.expect("allowed");
    let (id, changes) = write(&other);
    assert_eq!(code(apply(&dns, &id, changes).await), "AccessDenied");
    assert_eq!(code(dns.list_hosted_zones().send().await), "AccessDenied");
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHostedZone.html>
#[tokio::test]
async fn another_accounts_zone_is_not_there() {
    let Some(aws) = controlled().await else { return };
    let zone = zone(&aws).await;
    let dns = Client::new(&aws.customer().config);
    assert_eq!(
        code(dns.get_hosted_zone().id(&zone.id).send().await),
        "NoSuchHostedZone"
    );
    let changes = vec![change(ChangeAction::Create, a(&zone.sub("www"), "192.0.2.1"))];
    assert_eq!(code(apply(&dns, &zone.id, changes).await), "NoSuchHostedZone");
    assert!(client(&aws).get_hosted_zone().id(&zone.id).send().await.is_ok());
}
