//! Resources by tag.

use aws_sdk_resourcegroupstagging::Client;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use conformance::{Account, Aws, aws, code, controlled};

pub(crate) fn tagging(account: &Account) -> Client {
    Client::new(&account.config)
}

pub(crate) async fn vpc(aws: &Aws, tags: &[(&str, &str)]) -> String {
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    let made = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("a VPC");
    let id = made.vpc.and_then(|vpc| vpc.vpc_id).expect("a VPC has an id");
    for (key, value) in tags {
        let tag = aws_sdk_ec2::types::Tag::builder().key(*key).value(*value).build();
        ec2.create_tags()
            .resources(&id)
            .tags(tag)
            .send()
            .await
            .expect("tagged");
    }
    id
}

pub(crate) async fn delete(aws: &Aws, vpc: &str) {
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    ec2.delete_vpc().vpc_id(vpc).send().await.expect("it goes");
}

pub(crate) fn filter(key: &str, values: &[&str]) -> TagFilter {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    TagFilter::builder().key(key).set_values(Some(values)).build()
}

pub(crate) async fn found(client: &Client, filters: &[TagFilter]) -> Vec<String> {
    let answer = client
        .get_resources()
        .set_tag_filters(Some(filters.to_vec()))
        .send()
        .await
        .expect("resources");
    let mappings = answer.resource_tag_mapping_list.unwrap_or_default();
    mappings
        .into_iter()
        .filter_map(|mapping| mapping.resource_arn)
        .collect()
}

/// All filters must hold; within one, any of its values; a key alone asks for any value.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
#[tokio::test]
async fn all_filters_must_hold_and_any_value_of_one() {
    let aws = aws().await;
    let (mark, client) = (aws.name("mark"), tagging(aws.vendor()));
    let one = vpc(&aws, &[("conformance", &mark), ("tier", "gold")]).await;
    let ours = filter("conformance", &[&mark]);
    conformance::eventually("the index sees the VPC", async || {
        !found(&client, std::slice::from_ref(&ours)).await.is_empty()
    })
    .await;
    let ends = |arns: Vec<String>| arns.len() == 1 && arns[0].ends_with(&format!("vpc/{one}"));
    assert!(ends(found(&client, std::slice::from_ref(&ours)).await));
    assert!(ends(
        found(&client, &[ours.clone(), filter("tier", &["silver", "gold"])]).await
    ));
    assert!(ends(found(&client, &[ours.clone(), filter("tier", &[])]).await));
    assert!(
        found(&client, &[ours.clone(), filter("tier", &["silver"])])
            .await
            .is_empty()
    );
    delete(&aws, &one).await;
}

/// An account sees its own resources in the region of the call.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/Welcome.html
#[tokio::test]
async fn an_account_sees_its_own_region() {
    let Some(aws) = controlled().await else { return };
    let _own = vpc(&aws, &[("tenant", "acme")]).await;
    let wanted = [filter("tenant", &["acme"])];
    assert_eq!(found(&tagging(aws.vendor()), &wanted).await.len(), 1);
    assert!(found(&tagging(aws.customer()), &wanted).await.is_empty());
    let elsewhere = Client::new(&aws.vendor().in_region("us-east-1"));
    assert!(found(&elsewhere, &wanted).await.is_empty());
}

/// Resources of several services are found by one tag, and by their types.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
#[tokio::test]
async fn resources_of_all_services_are_found_by_one_tag() {
    let Some(aws) = controlled().await else { return };
    let _vpc = vpc(&aws, &[("tenant", "acme")]).await;
    let kms = aws_sdk_kms::Client::new(&aws.vendor().config);
    let tag = aws_sdk_kms::types::Tag::builder()
        .tag_key("tenant")
        .tag_value("acme")
        .build()
        .expect("a tag");
    kms.create_key().tags(tag).send().await.expect("a key");
    let client = tagging(aws.vendor());
    let both = found(&client, &[filter("tenant", &["acme"])]).await;
    assert_eq!(both.len(), 2, "{both:?}");
    let only = |kind: &str| client.get_resources().resource_type_filters(kind).send();
    for (kind, count) in [("kms", 1), ("ec2:vpc", 1), ("ec2", 1), ("rds:db", 0)] {
        let answer = only(kind).await.expect("resources");
        assert_eq!(answer.resource_tag_mapping_list().len(), count, "{kind}");
    }
}

/// Keys and values in use are listed once each.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetTagValues.html
#[tokio::test]
async fn keys_and_values_in_use_are_listed() {
    let Some(aws) = controlled().await else { return };
    let (_one, _two) = (
        vpc(&aws, &[("tier", "gold")]).await,
        vpc(&aws, &[("tier", "silver")]).await,
    );
    let client = tagging(aws.vendor());
    assert_eq!(
        client.get_tag_keys().send().await.expect("keys").tag_keys(),
        ["tier"]
    );
    let values = client.get_tag_values().key("tier").send().await.expect("values");
    assert_eq!(values.tag_values(), ["gold", "silver"]);
}

/// Pages follow each other until the token is empty.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
#[tokio::test]
async fn resources_come_in_pages() {
    let Some(aws) = controlled().await else { return };
    for _ in 0..3 {
        vpc(&aws, &[("tier", "gold")]).await;
    }
    let client = tagging(aws.vendor());
    let first = client
        .get_resources()
        .resources_per_page(2)
        .send()
        .await
        .expect("a page");
    assert_eq!(first.resource_tag_mapping_list().len(), 2);
    let token = first.pagination_token().expect("a token");
    let second = client
        .get_resources()
        .resources_per_page(2)
        .pagination_token(token)
        .send()
        .await
        .expect("a page");
    assert_eq!(second.resource_tag_mapping_list().len(), 1);
    assert_eq!(second.pagination_token(), Some(""));
}

/// A list of ARNs goes with nothing else, and pages have at most a hundred resources.
/// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
#[tokio::test]
async fn parameters_that_contradict_are_refused() {
    let aws = aws().await;
    let client = tagging(aws.vendor());
    let both = client
        .get_resources()
        .resource_arn_list(format!(
            "arn:aws:ec2:{}:{}:vpc/vpc-1",
            aws.region(),
            aws.vendor().id
        ))
        .tag_filters(filter("tier", &[]))
        .send()
        .await;
    assert_eq!(code(both), "InvalidParameterException");
    let large = client.get_resources().resources_per_page(101).send().await;
    assert_eq!(code(large), "InvalidParameterException");
}
