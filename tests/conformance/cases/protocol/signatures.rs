//! Signatures, keys and clocks.

use std::time::Duration;

use chrono::TimeDelta;
use conformance::{Raw, aws, controlled};

use crate::{WHO, refused};

/// A request that is right is answered.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
#[tokio::test]
async fn a_request_that_is_right_is_answered() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let answer = raw.form(WHO).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text.contains(&aws.vendor().id));
}

/// A request without a signature has no authentication token.
/// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_request_without_a_signature_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let answer = raw
        .form(WHO)
        .send_changed(|request| drop(request.headers_mut().remove("authorization")))
        .await;
    assert_eq!(refused(&answer), (403, "MissingAuthenticationToken".to_owned()));
}

/// A wrong secret gives another signature.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let answer = raw.form(WHO).keys(&aws.vendor().id, "guess", None).send().await;
    assert_eq!(refused(&answer), (403, "SignatureDoesNotMatch".to_owned()));
}

/// A body that was changed after it was signed is refused.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#[tokio::test]
async fn a_changed_body_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let changed = "Action=GetCallerIdentity&Version=2011-06-15&X=1";
    let answer = raw
        .form(WHO)
        .send_changed(|request| *request.body_mut() = changed.into())
        .await;
    assert_eq!(refused(&answer), (403, "SignatureDoesNotMatch".to_owned()));
}

/// A header that was changed after it was signed is refused.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#[tokio::test]
async fn a_changed_signed_header_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let change = |request: &mut http::Request<bytes::Bytes>| {
        request
            .headers_mut()
            .insert("x-amz-meta", http::HeaderValue::from_static("b"));
    };
    let answer = raw.header("x-amz-meta", "a").form(WHO).send_changed(change).await;
    assert_eq!(refused(&answer), (403, "SignatureDoesNotMatch".to_owned()));
}

/// A key that nobody has is no valid token.
/// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn an_unknown_key_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let answer = raw
        .form(WHO)
        .keys("AKIAIOSFODNN7EXAMPLE", "test", None)
        .send()
        .await;
    assert_eq!(refused(&answer), (403, "InvalidClientTokenId".to_owned()));
}

/// EC2 calls the same an authentication failure, JSON services an unrecognized client.
/// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
#[tokio::test]
async fn each_protocol_has_its_word_for_an_unknown_key() {
    let aws = aws().await;
    let (Some(ec2), Some(kms)) = (Raw::to(&aws, "ec2"), Raw::to(&aws, "kms")) else {
        return;
    };
    let answer = ec2
        .form("Action=DescribeVpcs&Version=2016-11-15")
        .keys("AKIAIOSFODNN7EXAMPLE", "test", None)
        .send()
        .await;
    assert_eq!(refused(&answer), (401, "AuthFailure".to_owned()));
    let answer = kms
        .json("TrentService.ListKeys", "{}")
        .keys("AKIAIOSFODNN7EXAMPLE", "test", None)
        .send()
        .await;
    assert_eq!(refused(&answer), (400, "UnrecognizedClientException".to_owned()));
}

/// A signature older than five minutes has expired.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
#[tokio::test]
async fn an_old_signature_has_expired() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let old = raw
        .clone()
        .form(WHO)
        .signed_before(Duration::from_secs(301))
        .send()
        .await;
    assert_eq!(refused(&old), (403, "SignatureDoesNotMatch".to_owned()));
    assert!(old.text.contains("Signature expired"), "{old:?}");
    let young = raw.form(WHO).signed_before(Duration::from_secs(290)).send().await;
    assert_eq!(young.status, 200, "{young:?}");
}

/// A root key needs no session token, and one with it is refused.
/// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_needless_token_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let answer = raw
        .form(WHO)
        .keys(&aws.vendor().id, "test", Some("token"))
        .send()
        .await;
    assert_eq!(refused(&answer), (403, "InvalidClientTokenId".to_owned()));
}

/// Temporary keys end, and say so.
/// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn temporary_keys_end() {
    let Some(aws) = controlled().await else { return };
    let keys = aws
        .control()
        .service_credentials(&format!("arn:aws:iam::{}:role/worker", aws.vendor().id));
    let keys = keys.expect("a role's ARN");
    let raw = Raw::to(&aws, "sts").expect("an endpoint").form(WHO);
    let right = raw
        .clone()
        .keys(
            &keys.access_key_id,
            &keys.secret_access_key,
            Some(&keys.session_token),
        )
        .send()
        .await;
    assert_eq!(right.status, 200, "{right:?}");
    let without = raw
        .clone()
        .keys(&keys.access_key_id, &keys.secret_access_key, None)
        .send()
        .await;
    assert_eq!(refused(&without), (403, "InvalidClientTokenId".to_owned()));
    let other = raw
        .keys(&keys.access_key_id, &keys.secret_access_key, Some("other"))
        .send()
        .await;
    assert_eq!(refused(&other), (403, "InvalidClientTokenId".to_owned()));
    // Assumed sessions end by the clock; see the cases of sessions.
    aws.advance(TimeDelta::days(1));
}

/// A credential scope of another day, or with a part missing, is incomplete or does not match.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
#[tokio::test]
async fn a_malformed_authorization_is_incomplete() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    for text in [
        "AWS4-HMAC-SHA256 Credential=111111111111/20260101/eu-central-1/sts, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0",
        "Basic dXNlcjpwYXNz",
        "AWS4-HMAC-SHA256",
    ] {
        let value = http::HeaderValue::from_static(text);
        let answer = raw
            .clone()
            .form(WHO)
            .send_changed(|request| drop(request.headers_mut().insert("authorization", value)))
            .await;
        assert_eq!(
            refused(&answer),
            (400, "IncompleteSignature".to_owned()),
            "{text}"
        );
    }
}

/// A region that is not opted into does not know the account's keys.
/// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
#[tokio::test]
async fn an_unknown_region_does_not_know_the_key() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "ec2") else { return };
    for region in ["mars-north-1", "eu-south-1"] {
        let answer = raw
            .clone()
            .form("Action=DescribeVpcs&Version=2016-11-15")
            .region(region)
            .send()
            .await;
        assert_eq!(refused(&answer), (401, "AuthFailure".to_owned()), "{region}");
    }
}
