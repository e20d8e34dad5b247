//! ACM: certificates.

use aws_sdk_acm::Client;
use aws_sdk_acm::types::{CertificateDetail, CertificateStatus, ResourceRecord, ValidationMethod};
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ResourceRecord as Value, ResourceRecordSet, RrType,
};
use chrono::TimeDelta;
use conformance::local_aws::LatencyModel;
use conformance::{Aws, aws, code, controlled};

pub(crate) fn acm(aws: &Aws) -> Client {
    Client::new(&aws.vendor().config)
}

pub(crate) async fn request(client: &Client, name: &str) -> String {
    let asked = client
        .request_certificate()
        .domain_name(name)
        .validation_method(ValidationMethod::Dns)
        .send()
        .await
        .expect("a certificate");
    asked.certificate_arn.expect("an answer has the ARN")
}

pub(crate) async fn describe(client: &Client, arn: &str) -> CertificateDetail {
    let shown = client
        .describe_certificate()
        .certificate_arn(arn)
        .send()
        .await
        .expect("the certificate");
    shown.certificate.expect("an answer has the certificate")
}

pub(crate) fn proof(certificate: &CertificateDetail) -> ResourceRecord {
    let validation = &certificate.domain_validation_options()[0];
    validation
        .resource_record
        .clone()
        .expect("DNS validation names a record")
}

/// Puts the record of a proof into a hosted zone of its name.
pub(crate) async fn prove(aws: &Aws, zone: &str, record: &ResourceRecord) {
    let dns = aws_sdk_route53::Client::new(&aws.vendor().config);
    let made = dns
        .create_hosted_zone()
        .name(zone)
        .caller_reference(aws.name("zone"))
        .send()
        .await;
    let id = made
        .expect("a zone")
        .hosted_zone
        .expect("an answer has the zone")
        .id;
    let value = Value::builder().value(&record.value).build().expect("a value");
    let set = ResourceRecordSet::builder()
        .name(&record.name)
        .r#type(RrType::Cname)
        .ttl(60)
        .resource_records(value)
        .build()
        .expect("a set");
    let change = Change::builder()
        .action(ChangeAction::Create)
        .resource_record_set(set)
        .build()
        .expect("a change");
    let batch = ChangeBatch::builder().changes(change).build().expect("a batch");
    dns.change_resource_record_sets()
        .hosted_zone_id(id)
        .change_batch(batch)
        .send()
        .await
        .expect("changed");
}

/// A certificate waits for the CNAME record that it names.
/// https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
#[tokio::test]
async fn a_certificate_waits_for_its_record() {
    let aws = aws().await;
    let client = acm(&aws);
    let arn = request(&client, "waits.example.com").await;
    let shown = describe(&client, &arn).await;
    assert_eq!(shown.status, Some(CertificateStatus::PendingValidation));
    let record = proof(&shown);
    assert!(record.name.ends_with(".waits.example.com.") && record.value.ends_with(".acm-validations.aws."));
    client
        .delete_certificate()
        .certificate_arn(arn)
        .send()
        .await
        .expect("it goes");
}

/// Once the record is in DNS the certificate is issued, not before.
/// https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
#[tokio::test]
async fn a_certificate_is_issued_once_its_record_is_in_dns() {
    let Some(aws) = controlled().await else { return };
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let client = acm(&aws);
    let arn = request(&client, "www.proven.example").await;
    let record = proof(&describe(&client, &arn).await);
    aws.advance(TimeDelta::hours(1));
    assert_eq!(
        describe(&client, &arn).await.status,
        Some(CertificateStatus::PendingValidation)
    );
    prove(&aws, "proven.example", &record).await;
    assert_eq!(
        describe(&client, &arn).await.status,
        Some(CertificateStatus::PendingValidation)
    );
    aws.advance(TimeDelta::minutes(30));
    let issued = describe(&client, &arn).await;
    assert_eq!(issued.status, Some(CertificateStatus::Issued));
    assert!(issued.not_after > issued.not_before);
}

/// A request whose names nobody proves within 72 hours times out.
/// https://docs.aws.amazon.com/acm/latest/userguide/troubleshooting-timed-out.html
#[tokio::test]
async fn a_request_that_nobody_proves_times_out() {
    let Some(aws) = controlled().await else { return };
    let client = acm(&aws);
    let arn = request(&client, "late.example.com").await;
    aws.advance(TimeDelta::hours(73));
    let shown = describe(&client, &arn).await;
    assert_eq!(shown.status, Some(CertificateStatus::ValidationTimedOut));
}

/// The same token and domain within an hour give the same certificate.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
#[tokio::test]
async fn the_same_token_gives_the_same_certificate() {
    let Some(aws) = controlled().await else { return };
    let client = acm(&aws);
    let ask = async || {
        let asked = client
            .request_certificate()
            .domain_name("once.example.com")
            .idempotency_token("t1")
            .send()
            .await;
        asked.expect("a certificate").certificate_arn
    };
    let first = ask().await;
    assert_eq!(ask().await, first);
    aws.advance(TimeDelta::minutes(61));
    assert_ne!(ask().await, first, "tokens are forgotten after an hour");
}

/// A token has at most 32 letters, digits and underscores.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
#[tokio::test]
async fn a_token_of_another_form_is_refused() {
    let aws = aws().await;
    for token in ["x".repeat(33), "a-b".to_owned()] {
        let asked = acm(&aws)
            .request_certificate()
            .domain_name("x.example.com")
            .idempotency_token(token)
            .send()
            .await;
        assert_eq!(code(asked), "ValidationException");
    }
}

/// A name that is no domain name is refused.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
#[tokio::test]
async fn a_name_that_is_no_domain_is_refused() {
    let aws = aws().await;
    for name in ["localhost", "-x.example.com", "a..b", "*.*.example.com"] {
        let asked = acm(&aws).request_certificate().domain_name(name).send().await;
        assert_eq!(code(asked), "ValidationException", "{name}");
    }
}

/// A certificate that is not there is not found; an ARN of another service is no certificate's.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_DescribeCertificate.html
#[tokio::test]
async fn a_certificate_that_is_not_there_is_not_found() {
    let aws = aws().await;
    let client = acm(&aws);
    let missing = format!(
        "arn:aws:acm:{}:{}:certificate/11111111-2222-3333-4444-555555555555",
        aws.region(),
        aws.vendor().id
    );
    let missing = client
        .describe_certificate()
        .certificate_arn(missing)
        .send()
        .await;
    assert_eq!(code(missing), "ResourceNotFoundException");
    let foreign = client
        .describe_certificate()
        .certificate_arn("arn:aws:s3:::bucket-of-somebody")
        .send()
        .await;
    assert_eq!(code(foreign), "InvalidArnException");
}

/// A wildcard and the name below it are proven by one record.
/// https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
#[tokio::test]
async fn a_wildcard_shares_the_record_of_its_domain() {
    let aws = aws().await;
    let client = acm(&aws);
    let asked = client
        .request_certificate()
        .domain_name("wild.example.com")
        .subject_alternative_names("*.wild.example.com")
        .validation_method(ValidationMethod::Dns)
        .send()
        .await;
    let arn = asked.expect("a certificate").certificate_arn.expect("an ARN");
    let shown = describe(&client, &arn).await;
    let records: Vec<_> = shown
        .domain_validation_options()
        .iter()
        .map(|one| one.resource_record.clone())
        .collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0], records[1]);
    client
        .delete_certificate()
        .certificate_arn(arn)
        .send()
        .await
        .expect("it goes");
}
