//! What a request names: the interface and its version, the form of the body, the region.

use conformance::{Raw, aws};

use crate::{form, refused};

/// A target of another service, or of another version of the interface, names no operation of this one.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_target_of_another_interface_is_unknown() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "kms") else { return };
    for target in [
        "Kinesis_20131202.ListStreams",
        "TrentService_20141101.ListKeys",
        "ListKeys",
        "TrentService.",
        "TrentService.List Keys",
    ] {
        let answer = raw.clone().json(target, "{}").send().await;
        assert_eq!(
            refused(&answer),
            (400, "UnknownOperationException".to_owned()),
            "{target}"
        );
    }
    let right = raw.json("TrentService.ListKeys", "{}").send().await;
    assert_eq!(right.status, 200, "{right:?}");
}

/// A JSON service takes JSON in its own content type only.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn json_of_another_content_type_is_not_taken() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "kms") else { return };
    for content_type in ["application/json", "application/x-amz-json-1.0", "text/plain"] {
        let answer = raw
            .clone()
            .header("content-type", content_type)
            .header("x-amz-target", "TrentService.ListKeys")
            .body("{}")
            .send()
            .await;
        assert_eq!(
            refused(&answer),
            (400, "UnknownOperationException".to_owned()),
            "{content_type}"
        );
    }
}

/// What is not sent as a form has no action.
/// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_body_that_is_no_form_has_no_action() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let answer = raw.header("content-type", "text/plain").body(body).send().await;
    assert_eq!(refused(&answer), (400, "MissingAction".to_owned()));
}

/// A query service may be asked by GET as well.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html
#[tokio::test]
async fn a_query_may_be_asked_by_get() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let answer = raw
        .at("GET", "/?Action=GetCallerIdentity&Version=2011-06-15")
        .send()
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text.contains(&aws.vendor().id), "{answer:?}");
}

/// A version of the interface that is not there has no such action; the older load balancing is one.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn an_action_of_another_version_is_invalid() {
    let aws = aws().await;
    for (service, body) in [
        (
            "elasticloadbalancing",
            "Action=DescribeLoadBalancers&Version=2012-06-01",
        ),
        ("iam", "Action=ListRoles&Version=1999-01-01"),
        ("sts", "Action=GetCallerIdentity&Version=2011-06-16"),
    ] {
        let Some(raw) = Raw::to(&aws, service) else { return };
        assert_eq!(
            form(raw, body).await,
            (400, "InvalidAction".to_owned()),
            "{service}"
        );
    }
}

/// A credential must be scoped to a region that is there and that the account can use.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
#[tokio::test]
async fn a_credential_of_an_unknown_region_does_not_match() {
    let aws = aws().await;
    let Some(query) = Raw::to(&aws, "sts") else { return };
    let json = Raw::to(&aws, "kinesis").expect("an endpoint");
    for region in ["mars-north-1", "eu-south-1", ""] {
        let query = query.clone().region(region);
        let asked = form(query, "Action=GetCallerIdentity&Version=2011-06-15").await;
        assert_eq!(asked, (403, "SignatureDoesNotMatch".to_owned()), "{region}");
        let json = json
            .clone()
            .region(region)
            .json("Kinesis_20131202.ListStreams", "{}");
        let asked = json.send().await;
        assert_eq!(
            refused(&asked),
            (400, "InvalidSignatureException".to_owned()),
            "{region}"
        );
    }
}
