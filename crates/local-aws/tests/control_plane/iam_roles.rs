//! IAM's role operations.
//!
//! Source: IAM API reference, pages of the operations named.

use aws_sdk_iam::types::Tag;

use crate::support::{ACME, ALLOW_ALL, BOLT, ISV, World, refusal, trust};

#[tokio::test]
async fn a_role_is_read_back_as_it_was_made() {
    let world = World::start().await;
    let iam = world.root(ACME).iam();
    let document = trust(ISV, r#"{"StringEquals":{"sts:ExternalId":"a b/c"}}"#);
    let tag = Tag::builder()
        .key("team")
        .value("data")
        .build()
        .expect("a whole tag");
    iam.create_role()
        .role_name("tenantry")
        .path("/tenantry/")
        .description("for tests")
        .max_session_duration(7_200)
        .tags(tag)
        .assume_role_policy_document(&document)
        .send()
        .await
        .expect("the role is made");

    let role = iam
        .get_role()
        .role_name("tenantry")
        .send()
        .await
        .expect("an answer")
        .role
        .expect("a role");

    assert_eq!(role.arn, "arn:aws:iam::222222222222:role/tenantry/tenantry");
    assert!(role.role_id.starts_with("AROA"));
    assert_eq!(role.max_session_duration, Some(7_200));
    assert_eq!(role.tags().first().map(Tag::value), Some("data"));
    // "Policies returned by this operation are URL-encoded compliant with RFC 3986."
    let encoded = role.assume_role_policy_document.expect("a trust policy");
    assert!(!encoded.contains(['{', ' ', '"']));
    let elsewhere = world
        .root(BOLT)
        .iam()
        .get_role()
        .role_name("tenantry")
        .send()
        .await;
    assert_eq!(refusal(elsewhere), "NoSuchEntity");
}

#[tokio::test]
async fn names_and_sizes_are_checked() {
    let world = World::start().await;
    let iam = world.root(ACME).iam();
    let create = |name: &str| {
        iam.create_role()
            .role_name(name)
            .assume_role_policy_document(trust(ISV, "{}"))
    };

    create("twice").send().await.expect("the role is made");
    assert_eq!(refusal(create("twice").send().await), "EntityAlreadyExists");
    assert_eq!(refusal(create("with space").send().await), "ValidationError");
    assert_eq!(
        refusal(create("short").max_session_duration(3_599).send().await),
        "ValidationError"
    );
    assert_eq!(
        refusal(
            create("bound")
                .permissions_boundary("arn:aws:iam::aws:policy/None")
                .send()
                .await
        ),
        "NoSuchEntity"
    );
    let long = trust(
        ISV,
        &format!(
            r#"{{"StringEquals":{{"sts:ExternalId":"{}"}}}}"#,
            "x".repeat(2_048)
        ),
    );
    let too_long = iam
        .create_role()
        .role_name("long")
        .assume_role_policy_document(long)
        .send()
        .await;
    assert_eq!(refusal(too_long), "LimitExceeded");
}

#[tokio::test]
async fn inline_policies_are_put_listed_read_and_deleted() {
    let world = World::start().await;
    let iam = world.root(ACME).iam();
    world.role(ACME, "tenantry", &trust(ISV, "{}"), ALLOW_ALL).await;

    let names = iam
        .list_role_policies()
        .role_name("tenantry")
        .send()
        .await
        .expect("an answer")
        .policy_names;
    assert_eq!(names, ["own"]);
    let read = iam
        .get_role_policy()
        .role_name("tenantry")
        .policy_name("own")
        .send()
        .await
        .expect("an answer");
    assert!(read.policy_document.contains("Statement"));
    let malformed = iam
        .put_role_policy()
        .role_name("tenantry")
        .policy_name("bad")
        .policy_document("{}")
        .send()
        .await;
    assert_eq!(refusal(malformed), "MalformedPolicyDocument");
    let huge = ALLOW_ALL.replace("\"*\"}", &format!("\"arn:aws:s3:::{}\"}}", "x".repeat(10_300)));
    let too_large = iam
        .put_role_policy()
        .role_name("tenantry")
        .policy_name("big")
        .policy_document(huge)
        .send()
        .await;
    assert_eq!(refusal(too_large), "LimitExceeded");
    assert_eq!(
        refusal(iam.delete_role().role_name("tenantry").send().await),
        "DeleteConflict"
    );
    iam.delete_role_policy()
        .role_name("tenantry")
        .policy_name("own")
        .send()
        .await
        .expect("it is there");
    let gone = iam
        .delete_role_policy()
        .role_name("tenantry")
        .policy_name("own")
        .send()
        .await;
    assert_eq!(refusal(gone), "NoSuchEntity");
    iam.delete_role()
        .role_name("tenantry")
        .send()
        .await
        .expect("nothing holds it");
    assert!(world.control().inventory_of(ACME).is_empty());
}

#[tokio::test]
async fn a_changed_trust_policy_counts_from_then_on() {
    let world = World::start().await;
    let role = world.role(ACME, "tenantry", &trust(ISV, "{}"), ALLOW_ALL).await;
    let sts = world
        .service("arn:aws:iam::111111111111:role/tenantry-broker")
        .sts();
    let assume = || sts.assume_role().role_arn(&role).role_session_name("op").send();
    assume().await.expect("trusted");

    let iam = world.root(ACME).iam();
    let changed = iam
        .update_assume_role_policy()
        .role_name("tenantry")
        .policy_document(trust(BOLT, "{}"));
    changed.send().await.expect("the policy changes");

    assert_eq!(refusal(assume().await), "AccessDenied");
}
