//! Tags of many services changed in one call, and what the index of tags leaves out.

use std::collections::HashMap;

use aws_sdk_resourcegroupstagging::Client;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use chrono::TimeDelta;
use conformance::local_aws::LagSettings;
use conformance::{Aws, aws, code, controlled};

use crate::certificates::{acm, request};
use crate::keys::{kms, let_go};
use crate::support::{User, allow};
use crate::tagging::{delete, filter, found, tagging, vpc};

fn vpc_arn(aws: &Aws, id: &str) -> String {
    format!("arn:aws:ec2:{}:{}:vpc/{id}", aws.region(), aws.vendor().id)
}

async fn key(aws: &Aws) -> String {
    let made = kms(aws.vendor()).create_key().send().await.expect("a key");
    made.key_metadata.and_then(|key| key.arn).expect("an ARN")
}

/// One call tags resources of several services, and another takes the tags away.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_TagResources.html
#[tokio::test]
async fn one_call_tags_resources_of_several_services() {
    let aws = aws().await;
    let (client, mark) = (tagging(aws.vendor()), aws.name("mark"));
    let (network, key) = (vpc(&aws, &[]).await, key(&aws).await);
    let certificate = request(&acm(&aws), "both.example.com").await;
    let mut arns = vec![vpc_arn(&aws, &network), key.clone(), certificate.clone()];
    let put = client.tag_resources().set_resource_arn_list(Some(arns.clone()));
    let put = put.tags("conformance", &mark).send().await.expect("tagged");
    assert!(put.failed_resources_map.unwrap_or_default().is_empty());
    let ours = [filter("conformance", &[&mark])];
    conformance::eventually("the index sees all", async || {
        found(&client, &ours).await.len() == 3
    })
    .await;
    let mut seen = found(&client, &ours).await;
    arns.sort_unstable();
    seen.sort_unstable();
    assert_eq!(seen, arns);
    let taken = client
        .untag_resources()
        .set_resource_arn_list(Some(arns))
        .tag_keys("conformance");
    let taken = taken.send().await.expect("untagged");
    assert!(taken.failed_resources_map.unwrap_or_default().is_empty());
    conformance::eventually("the index sees none", async || {
        found(&client, &ours).await.is_empty()
    })
    .await;
    delete(&aws, &network).await;
    let_go(&kms(aws.vendor()), &key).await;
    let gone = acm(&aws)
        .delete_certificate()
        .certificate_arn(certificate)
        .send()
        .await;
    gone.expect("it goes");
}

/// What could not be tagged is named with its service's refusal, and the rest is tagged.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_FailureInfo.html
#[tokio::test]
async fn what_could_not_be_tagged_is_named_with_its_reason() {
    let Some(aws) = controlled().await else { return };
    let client = tagging(aws.vendor());
    let network = vpc(&aws, &[]).await;
    let (there, missing) = (vpc_arn(&aws, &network), vpc_arn(&aws, "vpc-00000000000000000"));
    let foreign = there.replace(&aws.vendor().id, &aws.customer().id);
    let put = client
        .tag_resources()
        .resource_arn_list(&there)
        .resource_arn_list(&missing)
        .resource_arn_list(&foreign)
        .tags("tier", "gold")
        .send()
        .await;
    let failed: HashMap<_, _> = put.expect("an answer").failed_resources_map.unwrap_or_default();
    let code_of = |arn: &str| failed.get(arn).and_then(|why| why.error_code.clone());
    assert_eq!(failed.len(), 2);
    let missing = code_of(&missing).expect("the missing one failed");
    assert_eq!(missing.as_str(), "InvalidVpcID.NotFound");
    let foreign = code_of(&foreign).expect("the foreign one failed");
    assert_eq!(foreign.as_str(), "InvalidParameterException");
    assert_eq!(found(&client, &[filter("tier", &["gold"])]).await, [there]);
}

/// A call names 1 to 20 resources and 1 to 50 tags, none with AWS's own prefix.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_TagResources.html
#[tokio::test]
async fn a_change_of_tags_has_its_limits() {
    let aws = aws().await;
    let client = tagging(aws.vendor());
    let arn = vpc_arn(&aws, "vpc-00000000000000000");
    let many = vec![arn.clone(); 21];
    let refused = client
        .tag_resources()
        .set_resource_arn_list(Some(many))
        .tags("a", "b")
        .send()
        .await;
    assert_eq!(code(refused), "InvalidParameterException");
    let reserved = client
        .tag_resources()
        .resource_arn_list(&arn)
        .tags("aws:a", "b")
        .send()
        .await;
    assert_eq!(code(reserved), "InvalidParameterException");
    let tags: HashMap<String, String> = (0..51).map(|number| (format!("k{number}"), "v".into())).collect();
    let refused = client
        .tag_resources()
        .resource_arn_list(&arn)
        .set_tags(Some(tags))
        .send()
        .await;
    assert_eq!(code(refused), "InvalidParameterException");
}

/// To tag a resource takes the permission of its service beside the one of the tagging API.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_TagResources.html
#[tokio::test]
async fn tagging_takes_the_services_permission_too() {
    let Some(aws) = controlled().await else { return };
    let network = vpc(&aws, &[]).await;
    let arn = vpc_arn(&aws, &network);
    let user = User::that_may(&aws, aws.vendor(), &[allow(r#""tag:TagResources""#)]).await;
    let put = Client::new(&user.config)
        .tag_resources()
        .resource_arn_list(&arn)
        .tags("tier", "gold")
        .send()
        .await;
    let failed = put.expect("an answer").failed_resources_map.unwrap_or_default();
    let why = failed
        .get(&arn)
        .and_then(|why| why.error_code.clone())
        .expect("it failed");
    assert_eq!(why.as_str(), "UnauthorizedOperation");
    assert!(
        found(&tagging(aws.vendor()), &[filter("tier", &[])])
            .await
            .is_empty()
    );
    let taken = Client::new(&user.config)
        .untag_resources()
        .resource_arn_list(&arn)
        .tag_keys("tier")
        .send()
        .await;
    assert_eq!(code(taken), "AccessDeniedException");
}

/// Roles have tags, but no region lists them.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html
#[tokio::test]
async fn roles_are_not_listed_by_their_tags() {
    let aws = aws().await;
    let (mark, name) = (aws.name("mark"), aws.name("role"));
    let iam = aws_sdk_iam::Client::new(&aws.vendor().config);
    let tag = aws_sdk_iam::types::Tag::builder().key("conformance").value(&mark);
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole"}}]}}"#,
        aws.vendor().root_arn()
    );
    let make = iam
        .create_role()
        .role_name(&name)
        .assume_role_policy_document(trust);
    make.tags(tag.build().expect("a tag"))
        .send()
        .await
        .expect("a role");
    for region in [aws.region(), "us-east-1"] {
        let client = Client::new(&aws.vendor().in_region(region));
        assert!(
            found(&client, &[filter("conformance", &[&mark])])
                .await
                .is_empty(),
            "{region}"
        );
    }
    iam.delete_role().role_name(name).send().await.expect("it goes");
}

/// What belongs to no region is listed in US East (N. Virginia).
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
#[tokio::test]
async fn what_has_no_region_is_listed_in_one() {
    let Some(aws) = controlled().await else { return };
    let dns = aws_sdk_route53::Client::new(&aws.vendor().config);
    let made = dns
        .create_hosted_zone()
        .name("tagged.example")
        .caller_reference("1")
        .send()
        .await;
    let id = made
        .expect("a zone")
        .hosted_zone
        .expect("an answer has the zone")
        .id;
    let id = id.rsplit('/').next().expect("an id has an end");
    let tag = aws_sdk_route53::types::Tag::builder()
        .key("tier")
        .value("gold")
        .build();
    let put = dns
        .change_tags_for_resource()
        .resource_type(aws_sdk_route53::types::TagResourceType::Hostedzone)
        .resource_id(id)
        .add_tags(tag);
    put.send().await.expect("tagged");
    let wanted = [filter("tier", &["gold"])];
    let main = Client::new(&aws.vendor().in_region("us-east-1"));
    assert_eq!(
        found(&main, &wanted).await,
        [format!("arn:aws:route53:::hostedzone/{id}")]
    );
    assert!(found(&tagging(aws.vendor()), &wanted).await.is_empty());
}

/// A list of ARNs asks for those resources, as far as they have tags.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
#[tokio::test]
async fn a_list_of_arns_asks_for_those_resources() {
    let Some(aws) = controlled().await else { return };
    let (one, _two) = (
        vpc(&aws, &[("tier", "gold")]).await,
        vpc(&aws, &[("tier", "gold")]).await,
    );
    let bare = vpc(&aws, &[]).await;
    let answer = tagging(aws.vendor())
        .get_resources()
        .resource_arn_list(vpc_arn(&aws, &one))
        .resource_arn_list(vpc_arn(&aws, &bare))
        .send()
        .await
        .expect("resources");
    let list = answer.resource_tag_mapping_list();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].resource_arn(), Some(vpc_arn(&aws, &one).as_str()));
    let tag = &list[0].tags()[0];
    assert_eq!((tag.key(), tag.value()), ("tier", "gold"));
}

/// A filter has a key and at most twenty values; a call at most fifty filters.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_TagFilter.html
#[tokio::test]
async fn a_filter_has_a_key_and_at_most_twenty_values() {
    let aws = aws().await;
    let client = tagging(aws.vendor());
    let values: Vec<String> = (0..21).map(|number| format!("v{number}")).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let get = |filters: Vec<TagFilter>| client.get_resources().set_tag_filters(Some(filters)).send();
    assert_eq!(
        code(get(vec![filter("k", &values)]).await),
        "InvalidParameterException"
    );
    let keyless = TagFilter::builder().values("gold").build();
    assert_eq!(code(get(vec![keyless]).await), "InvalidParameterException");
    let many = vec![filter("k", &[]); 51];
    assert_eq!(code(get(many).await), "InvalidParameterException");
}

/// A token that the API never gave is refused, and a page by tags has 100 to 500 of them.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
#[tokio::test]
async fn a_token_that_was_never_given_is_refused() {
    let Some(aws) = controlled().await else { return };
    let client = tagging(aws.vendor());
    let bad = client.get_resources().pagination_token("no token!").send().await;
    assert_eq!(code(bad), "PaginationTokenExpiredException");
    let bad = client.get_tag_keys().pagination_token("no token!").send().await;
    assert_eq!(code(bad), "PaginationTokenExpiredException");
    for tags in [99, 501] {
        let refused = client.get_resources().tags_per_page(tags).send().await;
        assert_eq!(code(refused), "InvalidParameterException", "{tags}");
    }
}

/// A page by tags ends before the resource whose tags would not fit.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
#[tokio::test]
async fn a_page_by_tags_ends_where_they_do_not_fit() {
    let Some(aws) = controlled().await else { return };
    let (client, kms) = (tagging(aws.vendor()), kms(aws.vendor()));
    let tags: Vec<aws_sdk_kms::types::Tag> = (0..40)
        .map(|number| {
            let tag = aws_sdk_kms::types::Tag::builder().tag_key(format!("k{number}"));
            tag.tag_value("v").build().expect("a tag")
        })
        .collect();
    for _ in 0..5 {
        kms.create_key()
            .set_tags(Some(tags.clone()))
            .send()
            .await
            .expect("a key");
    }
    let (mut sizes, mut token) = (Vec::new(), String::new());
    loop {
        let page = client
            .get_resources()
            .tags_per_page(100)
            .pagination_token(token)
            .send()
            .await;
        let page = page.expect("a page");
        sizes.push(page.resource_tag_mapping_list().len());
        token = page.pagination_token.unwrap_or_default();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
}

/// A caller without the permission reads no tags.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/Welcome.html
#[tokio::test]
async fn a_caller_without_permission_reads_no_tags() {
    let aws = aws().await;
    let user = User::that_may(&aws, aws.vendor(), &[allow(r#""tag:GetTagKeys""#)]).await;
    let client = Client::new(&user.config);
    client.get_tag_keys().send().await.expect("keys are allowed");
    assert_eq!(code(client.get_resources().send().await), "AccessDeniedException");
    let values = client.get_tag_values().key("tier").send().await;
    assert_eq!(code(values), "AccessDeniedException");
    user.remove().await;
}

/// The index follows with some delay: what is new is missing at first, and what was deleted is listed for a while.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
#[tokio::test]
async fn the_index_follows_with_some_delay() {
    let Some(aws) = controlled().await else { return };
    aws.control().set_lag(LagSettings {
        tags_ms_max: 60_000,
        ..LagSettings::default()
    });
    let (client, wanted) = (tagging(aws.vendor()), [filter("tier", &["gold"])]);
    let id = vpc(&aws, &[("tier", "gold")]).await;
    assert!(found(&client, &wanted).await.is_empty(), "not yet");
    aws.advance(TimeDelta::minutes(1));
    assert_eq!(found(&client, &wanted).await, [vpc_arn(&aws, &id)]);
    delete(&aws, &id).await;
    assert_eq!(
        found(&client, &wanted).await,
        [vpc_arn(&aws, &id)],
        "still listed"
    );
    aws.advance(TimeDelta::minutes(1));
    assert!(found(&client, &wanted).await.is_empty(), "not any more");
}
