//! ACM: what a certificate goes through, who uses it, its tags and its limits.

use aws_sdk_acm::types::{
    CertificateStatus, DomainValidationOption, KeyAlgorithm, RenewalEligibility, Tag, ValidationMethod,
};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Certificate, FixedResponseActionConfig, ProtocolEnum,
};
use chrono::TimeDelta;
use conformance::{Aws, aws, code, controlled};

use crate::certificates::{acm, describe, proof, prove, request};
use crate::support::User;

async fn status(aws: &Aws, arn: &str) -> Option<CertificateStatus> {
    describe(&acm(aws), arn).await.status
}

/// The ARN of an issued certificate for a name, whose record stands in its zone.
async fn issued(aws: &Aws, name: &str) -> String {
    let client = acm(aws);
    let arn = request(&client, name).await;
    let record = proof(&describe(&client, &arn).await);
    prove(aws, name, &record).await;
    assert_eq!(status(aws, &arn).await, Some(CertificateStatus::Issued));
    arn
}

/// The ARN of an HTTPS listener that shows a certificate.
async fn listener(aws: &Aws, certificate: &str) -> String {
    let config = &aws.vendor().config;
    let (ec2, elb) = (
        aws_sdk_ec2::Client::new(config),
        aws_sdk_elasticloadbalancingv2::Client::new(config),
    );
    let vpc = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("a VPC");
    let vpc = vpc.vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
    let mut balancer = elb
        .create_load_balancer()
        .name(&aws.name("lb")[12..])
        .scheme(aws_sdk_elasticloadbalancingv2::types::LoadBalancerSchemeEnum::Internal);
    for (number, letter) in ["a", "b"].iter().enumerate() {
        let made = ec2
            .create_subnet()
            .vpc_id(&vpc)
            .cidr_block(format!("10.0.{number}.0/24"))
            .availability_zone(format!("{}{letter}", aws.region()))
            .send()
            .await;
        let id = made.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id);
        balancer = balancer.subnets(id.expect("an id"));
    }
    let made = balancer.send().await.expect("a load balancer");
    let balancer = made.load_balancers()[0]
        .load_balancer_arn()
        .expect("an ARN")
        .to_owned();
    let fixed = FixedResponseActionConfig::builder().status_code("200").build();
    let action = Action::builder()
        .r#type(ActionTypeEnum::FixedResponse)
        .fixed_response_config(fixed)
        .build();
    let made = elb
        .create_listener()
        .load_balancer_arn(balancer)
        .protocol(ProtocolEnum::Https)
        .port(443)
        .certificates(Certificate::builder().certificate_arn(certificate).build())
        .default_actions(action)
        .send()
        .await
        .expect("a listener");
    made.listeners()[0].listener_arn().expect("an ARN").to_owned()
}

async fn drop_listener(aws: &Aws, arn: &str) {
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&aws.vendor().config);
    let gone = elb.delete_listener().listener_arn(arn).send().await;
    gone.expect("the listener goes");
}

/// A certificate that a listener shows is in use, and is not deleted before it is not.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_DeleteCertificate.html
#[tokio::test]
async fn a_certificate_in_use_is_not_deleted() {
    let Some(aws) = controlled().await else { return };
    let (client, arn) = (acm(&aws), issued(&aws, "used.example").await);
    let listener = listener(&aws, &arn).await;
    let shown = describe(&client, &arn).await;
    assert_eq!(shown.renewal_eligibility, Some(RenewalEligibility::Eligible));
    let users = shown.in_use_by();
    assert!(
        users.len() == 1 && users[0].contains(":loadbalancer/app/"),
        "{users:?}"
    );
    let refused = client.delete_certificate().certificate_arn(&arn).send().await;
    assert_eq!(code(refused), "ResourceInUseException");
    drop_listener(&aws, &listener).await;
    let gone = client.delete_certificate().certificate_arn(&arn).send().await;
    gone.expect("it goes");
    let shown = client.describe_certificate().certificate_arn(&arn).send().await;
    assert_eq!(code(shown), "ResourceNotFoundException");
}

/// A certificate that nobody uses expires.
/// https://docs.aws.amazon.com/acm/latest/userguide/managed-renewal.html
#[tokio::test]
async fn a_certificate_that_nobody_uses_expires() {
    let Some(aws) = controlled().await else { return };
    let arn = issued(&aws, "idle.example").await;
    aws.advance(TimeDelta::days(390));
    assert_eq!(status(&aws, &arn).await, Some(CertificateStatus::Issued));
    aws.advance(TimeDelta::days(10));
    assert_eq!(status(&aws, &arn).await, Some(CertificateStatus::Expired));
}

/// A certificate in use is renewed while its record stands.
/// https://docs.aws.amazon.com/acm/latest/userguide/dns-renewal-validation.html
#[tokio::test]
async fn a_certificate_in_use_is_renewed() {
    let Some(aws) = controlled().await else { return };
    let arn = issued(&aws, "renewed.example").await;
    listener(&aws, &arn).await;
    let first = describe(&acm(&aws), &arn).await.not_after;
    aws.advance(TimeDelta::days(350));
    assert!(describe(&acm(&aws), &arn).await.not_after > first);
    aws.advance(TimeDelta::days(100));
    assert_eq!(status(&aws, &arn).await, Some(CertificateStatus::Issued));
}

/// A record that comes after the 72 hours revives nothing.
/// https://docs.aws.amazon.com/acm/latest/userguide/troubleshooting-timed-out.html
#[tokio::test]
async fn a_late_record_revives_nothing() {
    let Some(aws) = controlled().await else { return };
    let client = acm(&aws);
    let arn = request(&client, "late.example").await;
    let record = proof(&describe(&client, &arn).await);
    aws.advance(TimeDelta::hours(73));
    prove(&aws, "late.example", &record).await;
    assert_eq!(
        status(&aws, &arn).await,
        Some(CertificateStatus::ValidationTimedOut)
    );
}

/// A certificate proven by e-mail names the five mailboxes of its domain, or of the one it is given.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_DomainValidationOption.html
#[tokio::test]
async fn an_email_validation_names_its_mailboxes() {
    let aws = aws().await;
    let client = acm(&aws);
    let option = DomainValidationOption::builder()
        .domain_name("testing.example.com")
        .validation_domain("example.com");
    let asked = client
        .request_certificate()
        .domain_name("testing.example.com")
        .validation_method(ValidationMethod::Email)
        .domain_validation_options(option.build().expect("an option"))
        .send()
        .await;
    let arn = asked.expect("a certificate").certificate_arn.expect("an ARN");
    let shown = describe(&client, &arn).await;
    let validation = &shown.domain_validation_options()[0];
    assert_eq!(validation.validation_domain(), Some("example.com"));
    let mut mailboxes = validation.validation_emails().to_vec();
    mailboxes.sort_unstable();
    let wanted = ["admin", "administrator", "hostmaster", "postmaster", "webmaster"];
    assert_eq!(mailboxes, wanted.map(|name| format!("{name}@example.com")));
    assert!(validation.resource_record().is_none());
    let gone = client.delete_certificate().certificate_arn(arn).send().await;
    gone.expect("it goes");
}

/// E-mails go to the name's own domain or to one above it.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_DomainValidationOption.html
#[tokio::test]
async fn emails_go_to_the_domain_or_above_it() {
    let aws = aws().await;
    for (name, domain) in [
        ("www.example.com", "elsewhere.com"),
        ("www.example.com", "ample.com"),
        ("other.example.com", "example.com"),
    ] {
        let option = DomainValidationOption::builder()
            .domain_name(name)
            .validation_domain(domain);
        let asked = acm(&aws)
            .request_certificate()
            .domain_name("www.example.com")
            .validation_method(ValidationMethod::Email)
            .domain_validation_options(option.build().expect("an option"))
            .send()
            .await;
        assert_eq!(
            code(asked),
            "InvalidDomainValidationOptionsException",
            "{name} {domain}"
        );
    }
}

/// A certificate has ten names by default, and more once the quota is raised.
/// https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html
#[tokio::test]
async fn a_certificate_has_ten_names_by_default() {
    let Some(aws) = controlled().await else { return };
    let ask = || {
        let names = (0..10).map(|number| format!("n{number}.example.com")).collect();
        acm(&aws)
            .request_certificate()
            .domain_name("example.com")
            .set_subject_alternative_names(Some(names))
            .send()
    };
    assert_eq!(code(ask().await), "LimitExceededException");
    let place = (aws.vendor().id.as_str(), aws.region());
    assert!(aws.control().set_quota(place, "L-FB94F0B0", 11));
    ask().await.expect("eleven fit now");
}

/// An account has no more certificates in a region than its quota allows.
/// https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html
#[tokio::test]
async fn certificates_are_counted_against_their_quota() {
    let Some(aws) = controlled().await else { return };
    let place = (aws.vendor().id.as_str(), aws.region());
    assert!(aws.control().set_quota(place, "L-F141DD1D", 1));
    let client = acm(&aws);
    let arn = request(&client, "one.example.com").await;
    let second = client
        .request_certificate()
        .domain_name("two.example.com")
        .send()
        .await;
    assert_eq!(code(second), "LimitExceededException");
    let gone = client.delete_certificate().certificate_arn(arn).send().await;
    gone.expect("it goes");
    request(&client, "two.example.com").await;
}

/// Certificates are listed by status and in pages; a status that there is not is refused.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_ListCertificates.html
#[tokio::test]
async fn certificates_are_listed_by_status_and_in_pages() {
    let Some(aws) = controlled().await else { return };
    let client = acm(&aws);
    issued(&aws, "listed.example").await;
    for number in 0..3 {
        request(&client, &format!("w{number}.example.com")).await;
    }
    let list = |status: CertificateStatus| client.list_certificates().certificate_statuses(status);
    let waiting = list(CertificateStatus::PendingValidation)
        .send()
        .await
        .expect("a list");
    assert_eq!(waiting.certificate_summary_list().len(), 3);
    let done = list(CertificateStatus::Issued).send().await.expect("a list");
    assert_eq!(
        done.certificate_summary_list()[0].domain_name(),
        Some("listed.example")
    );
    let first = client
        .list_certificates()
        .max_items(3)
        .send()
        .await
        .expect("a page");
    assert_eq!(first.certificate_summary_list().len(), 3);
    let rest = client
        .list_certificates()
        .max_items(3)
        .set_next_token(first.next_token)
        .send()
        .await;
    assert_eq!(rest.expect("a page").certificate_summary_list().len(), 1);
    let unknown = list(CertificateStatus::from("LOST")).send().await;
    assert_eq!(code(unknown), "ValidationException");
}

/// Tags of a certificate are added, listed and taken away, one with a value only where it has that value.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_RemoveTagsFromCertificate.html
#[tokio::test]
async fn tags_of_a_certificate_are_kept() {
    let aws = aws().await;
    let client = acm(&aws);
    let arn = request(&client, "tagged.example.com").await;
    let tag = |key: &str, value: Option<&str>| {
        let tag = Tag::builder().key(key).set_value(value.map(str::to_owned));
        tag.build().expect("a tag")
    };
    let add = client.add_tags_to_certificate().certificate_arn(&arn);
    let add = add
        .tags(tag("team", Some("data")))
        .tags(tag("tier", Some("gold")));
    add.send().await.expect("tagged");
    let remove = |one: Tag| {
        client
            .remove_tags_from_certificate()
            .certificate_arn(&arn)
            .tags(one)
            .send()
    };
    remove(tag("team", Some("other")))
        .await
        .expect("nothing has that value");
    remove(tag("tier", None)).await.expect("any value");
    let listed = client
        .list_tags_for_certificate()
        .certificate_arn(&arn)
        .send()
        .await;
    let listed = listed.expect("tags");
    let pairs: Vec<_> = listed.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(pairs, [("team", Some("data"))]);
    let add = |tags: Vec<Tag>| {
        client
            .add_tags_to_certificate()
            .certificate_arn(&arn)
            .set_tags(Some(tags))
            .send()
    };
    assert_eq!(
        code(add(vec![tag("aws:team", None)]).await),
        "InvalidTagException"
    );
    let fifty = (0..50).map(|number| tag(&format!("k{number}"), None)).collect();
    assert_eq!(code(add(fifty).await), "TooManyTagsException");
    let gone = client.delete_certificate().certificate_arn(arn).send().await;
    gone.expect("it goes");
}

/// A name that is no domain name does not have the form that every name must have.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
#[tokio::test]
async fn an_alternative_name_has_the_form_of_a_name_too() {
    let aws = aws().await;
    for name in ["under_score.example.com", "a..example.com", "*.*.example.com"] {
        let asked = acm(&aws)
            .request_certificate()
            .domain_name("example.com")
            .subject_alternative_names(name)
            .send()
            .await;
        assert_eq!(code(asked), "ValidationException", "{name}");
    }
}

/// Another kind of key is never made as something else.
/// https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
#[tokio::test]
async fn a_kind_that_is_not_built_is_refused_by_name() {
    let Some(aws) = controlled().await else { return };
    let asked = acm(&aws)
        .request_certificate()
        .domain_name("example.com")
        .key_algorithm(KeyAlgorithm::EcPrime256v1)
        .send()
        .await;
    assert_eq!(code(asked), "NotImplemented");
}

/// A caller without the permission requests and sees nothing.
/// https://docs.aws.amazon.com/acm/latest/userguide/authen-apipermissions.html
#[tokio::test]
async fn a_caller_without_permission_sees_no_certificate() {
    let aws = aws().await;
    let arn = request(&acm(&aws), "hidden.example.com").await;
    let user = User::that_may(&aws, aws.vendor(), &[]).await;
    let client = aws_sdk_acm::Client::new(&user.config);
    let shown = client.describe_certificate().certificate_arn(&arn).send().await;
    assert_eq!(code(shown), "AccessDeniedException");
    let asked = client
        .request_certificate()
        .domain_name("more.example.com")
        .send()
        .await;
    assert_eq!(code(asked), "AccessDeniedException");
    user.remove().await;
    let gone = acm(&aws).delete_certificate().certificate_arn(arn).send().await;
    gone.expect("it goes");
}
