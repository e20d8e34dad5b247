//! Credentials that are refused before any policy is asked.
//!
//! Sources: IAM user guide, "Troubleshoot Signature Version 4"; EC2 API reference, "Error codes".

use aws_sdk_ec2::config::Credentials;

use crate::support::{ACME, ALLOW_ALL, BROKER, ISV, World, keys, refusal, trust};

#[tokio::test]
async fn an_unknown_key_a_wrong_secret_and_a_wrong_token_are_refused() {
    let world = World::start().await;
    let clients = |id: &str, secret: &str, token: Option<&str>| {
        world.clients(
            Credentials::new(id, secret, token.map(str::to_owned), None, "test"),
            "eu-central-1",
        )
    };

    let unknown = clients("ASIAUNKNOWN", "test", Some("token"));
    assert_eq!(
        refusal(unknown.sts().get_caller_identity().send().await),
        "InvalidClientTokenId"
    );
    assert_eq!(refusal(unknown.ec2().describe_vpcs().send().await), "AuthFailure");

    let wrong = clients(ACME, "not the secret", None);
    assert_eq!(
        refusal(wrong.sts().get_caller_identity().send().await),
        "SignatureDoesNotMatch"
    );
    assert_eq!(
        refusal(wrong.ec2().describe_vpcs().send().await),
        "SignatureDoesNotMatch"
    );

    let role = world.role(ACME, "tenantry", &trust(ISV, "{}"), ALLOW_ALL).await;
    let sts = world.service(BROKER).sts();
    let answer = sts
        .assume_role()
        .role_arn(role)
        .role_session_name("op")
        .send()
        .await
        .expect("a session");
    let right = keys(&answer);
    let token = clients(
        right.access_key_id(),
        right.secret_access_key(),
        Some("another token"),
    );
    assert_eq!(
        refusal(token.sts().get_caller_identity().send().await),
        "InvalidClientTokenId"
    );
}

async fn post(world: &World, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let request = reqwest::Client::new()
        .post(world.aws.endpoint())
        .body(body.to_owned());
    let form = ("content-type", "application/x-www-form-urlencoded");
    let request = headers
        .iter()
        .chain([&form])
        .fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

#[tokio::test]
async fn a_request_without_a_whole_signature_is_refused() {
    let world = World::start().await;
    let body = "Action=GetCallerIdentity&Version=2011-06-15";

    let (status, text) = post(&world, &[], body).await;
    assert_eq!(status, 403);
    assert!(text.contains("<Code>MissingAuthenticationToken</Code>"), "{text}");

    let halves =
        "AWS4-HMAC-SHA256 Credential=222222222222/20260101/eu-central-1/sts/aws4_request, SignedHeaders=host";
    let (status, text) = post(&world, &[("authorization", halves)], body).await;
    assert_eq!(status, 400);
    assert!(text.contains("<Code>IncompleteSignature</Code>"), "{text}");
}

/// STS answers `SignatureDoesNotMatch` with "Signature expired" beyond five minutes.
#[tokio::test]
async fn a_signature_from_long_ago_is_refused() {
    let world = World::start().await;
    let signed = "AWS4-HMAC-SHA256 Credential=222222222222/20200101/eu-central-1/sts/aws4_request, \
                  SignedHeaders=host;x-amz-date, Signature=00";
    let headers = [("authorization", signed), ("x-amz-date", "20200101T000000Z")];

    let (status, text) = post(&world, &headers, "Action=GetCallerIdentity&Version=2011-06-15").await;

    assert_eq!(status, 403);
    assert!(
        text.contains("SignatureDoesNotMatch") && text.contains("Signature expired"),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let world = World::start().await;
    let root = world.root(ACME);

    assert_eq!(
        refusal(root.ec2().describe_transit_gateways().send().await),
        "NotImplemented"
    );
    assert_eq!(refusal(root.iam().list_users().send().await), "NotImplemented");
    assert_eq!(
        refusal(root.sts().get_session_token().send().await),
        "NotImplemented"
    );
}
