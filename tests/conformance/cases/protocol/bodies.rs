//! Bodies, targets and paths.

use conformance::{Raw, aws};

use crate::{form, refused};

/// A form without an action says so.
/// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_form_without_an_action_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    assert_eq!(
        form(raw.clone(), "Version=2011-06-15").await,
        (400, "MissingAction".to_owned())
    );
    assert_eq!(form(raw, "").await, (400, "MissingAction".to_owned()));
}

/// A parameter given twice, or text that is no UTF-8, is a malformed query string.
/// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_malformed_form_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "sts") else { return };
    let twice = form(raw.clone(), "Action=GetCallerIdentity&Action=GetCallerIdentity").await;
    assert_eq!(twice, (400, "MalformedQueryString".to_owned()));
    let bytes = raw.form("").body(b"Action=\xff\xfe".to_vec()).send().await;
    assert_eq!(refused(&bytes), (400, "MalformedQueryString".to_owned()));
}

/// An operation that is not built is named in the refusal, and never an empty success.
/// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn an_operation_that_is_not_built_is_named() {
    let Some(aws) = conformance::controlled().await else {
        return;
    };
    for (service, body) in [
        ("ec2", "Action=CreateFleet&Version=2016-11-15"),
        ("rds", "Action=CreateOptionGroup&Version=2014-10-31"),
    ] {
        let answer = Raw::to(&aws, service)
            .expect("an endpoint")
            .form(body)
            .send()
            .await;
        assert_eq!(refused(&answer), (501, "NotImplemented".to_owned()));
        let operation = body.split(['=', '&']).nth(1).expect("an action");
        assert!(answer.text.contains(operation), "{answer:?}");
    }
    let json = Raw::to(&aws, "kms")
        .expect("an endpoint")
        .json("TrentService.CreateCustomKeyStore", "{}")
        .send()
        .await;
    assert_eq!(refused(&json), (501, "NotImplemented".to_owned()));
    let rest = Raw::to(&aws, "route53")
        .expect("an endpoint")
        .at("GET", "/2013-04-01/trafficpolicies")
        .send()
        .await;
    assert_eq!(refused(&rest), (501, "NotImplemented".to_owned()));
    let service = Raw::to(&aws, "sqs")
        .expect("an endpoint")
        .form("Action=SendMessage")
        .send()
        .await;
    assert_eq!(refused(&service), (501, "NotImplemented".to_owned()));
}

/// A JSON call without a target, or with one that names nothing, is unknown.
/// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_json_call_without_a_target_is_unknown() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "kms") else { return };
    let without = raw
        .clone()
        .header("content-type", "application/x-amz-json-1.1")
        .body("{}")
        .send()
        .await;
    assert_eq!(refused(&without), (400, "UnknownOperationException".to_owned()));
    let garbage = raw.json("no target", "{}").send().await;
    assert_eq!(refused(&garbage), (400, "UnknownOperationException".to_owned()));
}

/// Text that is not JSON, of another shape, or nested without end, cannot be read.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn json_that_cannot_be_read_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "kms") else { return };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "{",
        "[]",
        "\"text\"",
        r#"{"KeyId": 7}"#,
        "{\"KeyId\": \"\u{0}\"",
        &deep,
    ] {
        let answer = raw.clone().json("TrentService.DescribeKey", body).send().await;
        assert_eq!(
            refused(&answer),
            (400, "SerializationException".to_owned()),
            "{}",
            &body[..body.len().min(40)]
        );
    }
}

/// XML that cannot be read is malformed.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html
#[tokio::test]
async fn xml_that_cannot_be_read_is_malformed() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "route53") else {
        return;
    };
    let deep = format!("<a>{}", "<a>".repeat(10_000));
    for body in [
        "",
        "no xml",
        "<CreateHostedZoneRequest>",
        "<CreateHostedZoneRequest><Name>x.com</Name></CreateHostedZoneRequest>",
        &deep,
    ] {
        let answer = raw
            .clone()
            .at("POST", "/2013-04-01/hostedzone")
            .body(body.to_owned())
            .send()
            .await;
        assert_eq!(
            refused(&answer),
            (400, "MalformedXML".to_owned()),
            "{}",
            &body[..body.len().min(40)]
        );
    }
}

/// An entity of a document type is not expanded.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html
#[tokio::test]
async fn entities_are_not_expanded() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "route53") else {
        return;
    };
    let body = r#"<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><CreateHostedZoneRequest><Name>&e;</Name><CallerReference>r</CallerReference></CreateHostedZoneRequest>"#;
    let answer = raw.at("POST", "/2013-04-01/hostedzone").body(body).send().await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(!answer.text.contains("root:"), "{answer:?}");
}

/// A body above the service's bound is refused before it is read whole.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
#[tokio::test]
async fn a_body_above_the_bound_is_refused() {
    let Some(aws) = conformance::controlled().await else {
        return;
    };
    let raw = Raw::to(&aws, "sts").expect("an endpoint");
    let answer = raw
        .form(&format!("Action=GetCallerIdentity&Pad={}", "x".repeat(2 << 20)))
        .send()
        .await;
    assert_eq!(refused(&answer), (413, "RequestEntityTooLarge".to_owned()));
}

/// Numbers, lists and flags that are none are refused by the parameter's name.
/// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
#[tokio::test]
async fn a_value_of_another_type_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "ec2") else { return };
    for body in [
        "DryRun=perhaps&CidrBlock=10.0.0.0/16",
        "CidrBlock=ten",
        "CidrBlock=10.0.0.0/99",
    ] {
        let (status, code) = form(
            raw.clone(),
            &format!("Action=CreateVpc&Version=2016-11-15&{body}"),
        )
        .await;
        assert_eq!(status, 400, "{body}");
        assert!(
            code.starts_with("InvalidParameterValue") || code.starts_with("InvalidVpc"),
            "{body}: {code}"
        );
    }
}

/// A path that no REST operation has is no operation.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/Welcome.html
#[tokio::test]
async fn a_path_without_an_operation_is_refused() {
    let aws = aws().await;
    let Some(raw) = Raw::to(&aws, "route53") else {
        return;
    };
    for path in [
        "/",
        "/2013-04-01/",
        "/2013-04-01/hostedzone/a/b/c",
        "/2012-02-29/hostedzone",
        "/%00",
    ] {
        let answer = raw.clone().at("GET", path).send().await;
        assert!(
            (400..=501).contains(&answer.status) && answer.status != 500,
            "{path}: {answer:?}"
        );
    }
}
