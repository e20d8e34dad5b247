//! Roles: made, read, listed, changed, tagged, deleted.

use aws_sdk_iam::types::Tag;
use conformance::{aws, code};

use crate::support::{ALLOW_ALL, Role, iam, trust};

fn tag(key: &str, value: &str) -> Tag {
    let tag = Tag::builder().key(key).value(value);
    tag.build().expect("a whole tag")
}

/// A role is read back as it was made, its trust policy percent-encoded.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>
#[tokio::test]
async fn a_role_is_read_back_as_it_was_made() {
    let aws = aws().await;
    let (iam, name) = (iam(aws.customer()), aws.name("role"));
    let document = trust(&aws.vendor().id, r#"{"StringEquals":{"sts:ExternalId":"a:b/c"}}"#);
    let create = iam
        .create_role()
        .role_name(&name)
        .path("/conformance/")
        .description("for a case");
    let create = create.max_session_duration(7_200).tags(tag("team", "data"));
    create
        .assume_role_policy_document(&document)
        .send()
        .await
        .expect("the role is made");

    let role = iam
        .get_role()
        .role_name(&name)
        .send()
        .await
        .expect("an answer")
        .role
        .expect("a role");

    let arn = format!("arn:aws:iam::{}:role/conformance/{name}", aws.customer().id);
    assert_eq!(
        (role.arn.as_str(), role.path.as_str()),
        (arn.as_str(), "/conformance/")
    );
    assert!(role.role_id.starts_with("AROA"));
    assert_eq!(role.max_session_duration, Some(7_200));
    assert_eq!(role.description.as_deref(), Some("for a case"));
    assert_eq!(role.tags.unwrap_or_default(), [tag("team", "data")]);
    let encoded = role.assume_role_policy_document.expect("a trust policy");
    assert!(!encoded.contains(['{', ' ', '"']), "{encoded}");
    iam.delete_role().role_name(&name).send().await.expect("it goes");
}

/// An account's roles are its own.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>
#[tokio::test]
async fn another_account_does_not_see_the_role() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;

    let elsewhere = iam(aws.stranger()).get_role().role_name(&role.name).send().await;

    assert_eq!(code(elsewhere), "NoSuchEntity");
    role.remove().await;
}

/// A name is given once, in whatever case and under whatever path.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
#[tokio::test]
async fn a_role_name_is_given_once() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let create = |name: &str, path: &str| {
        let create = role.iam.create_role().role_name(name).path(path);
        create
            .assume_role_policy_document(trust(&aws.vendor().id, "{}"))
            .send()
    };

    assert_eq!(code(create(&role.name, "/").await), "EntityAlreadyExists");
    assert_eq!(
        code(create(&role.name.to_uppercase(), "/").await),
        "EntityAlreadyExists"
    );
    assert_eq!(code(create(&role.name, "/other/").await), "EntityAlreadyExists");
    role.remove().await;
}

/// Names, paths, descriptions and durations have their bounds.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
#[tokio::test]
async fn a_role_outside_the_documented_bounds_is_refused() {
    let aws = aws().await;
    let iam = iam(aws.customer());
    let create = |name: &str| {
        let create = iam.create_role().role_name(name);
        create.assume_role_policy_document(trust(&aws.vendor().id, "{}"))
    };

    assert_eq!(code(create("with space").send().await), "ValidationError");
    assert_eq!(code(create(&"x".repeat(65)).send().await), "ValidationError");
    assert_eq!(
        code(create("x").path("no-slashes").send().await),
        "ValidationError"
    );
    assert_eq!(
        code(create("x").description("d".repeat(1_001)).send().await),
        "ValidationError"
    );
    assert_eq!(
        code(create("x").max_session_duration(3_599).send().await),
        "ValidationError"
    );
    assert_eq!(
        code(create("x").max_session_duration(43_201).send().await),
        "ValidationError"
    );
}

/// A trust policy holds 2,048 characters.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[tokio::test]
async fn a_trust_policy_that_is_too_long_is_refused() {
    let aws = aws().await;
    let condition = format!(
        r#"{{"StringEquals":{{"sts:ExternalId":"{}"}}}}"#,
        "x".repeat(2_048)
    );
    let create = iam(aws.customer()).create_role().role_name(aws.name("long"));

    let outcome = create
        .assume_role_policy_document(trust(&aws.vendor().id, &condition))
        .send()
        .await;

    assert_eq!(code(outcome), "LimitExceeded");
}

/// Roles are listed by path, page after page, without their tags.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html>
#[tokio::test]
async fn roles_are_listed_by_path_in_pages() {
    let aws = aws().await;
    let iam = iam(aws.customer());
    let path = format!("/{}/", aws.name("path"));
    let names: Vec<String> = (0..3).map(|number| aws.name(&format!("role{number}"))).collect();
    for name in &names {
        let create = iam
            .create_role()
            .role_name(name)
            .path(&path)
            .tags(tag("team", "data"));
        create
            .assume_role_policy_document(trust(&aws.vendor().id, "{}"))
            .send()
            .await
            .expect("a role");
    }

    let first = iam
        .list_roles()
        .path_prefix(&path)
        .max_items(2)
        .send()
        .await
        .expect("a page");
    assert!(first.is_truncated && first.roles.len() == 2);
    let second = iam
        .list_roles()
        .path_prefix(&path)
        .max_items(2)
        .set_marker(first.marker);
    let second = second.send().await.expect("a page");
    assert!(!second.is_truncated && second.marker.is_none());
    let mut seen: Vec<String> = first
        .roles
        .into_iter()
        .chain(second.roles)
        .map(|role| {
            assert!(role.tags.is_none_or(|tags| tags.is_empty()));
            role.role_name
        })
        .collect();
    seen.sort();
    assert_eq!(seen, names);
    for name in names {
        iam.delete_role().role_name(name).send().await.expect("it goes");
    }
}

/// A page holds at most a thousand items.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html>
#[tokio::test]
async fn a_page_outside_its_bounds_is_refused() {
    let aws = aws().await;
    let list = |items| iam(aws.customer()).list_roles().max_items(items).send();

    assert_eq!(code(list(0).await), "ValidationError");
    assert_eq!(code(list(1_001).await), "ValidationError");
}

/// UpdateRole changes the description and the longest session.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html>
#[tokio::test]
async fn a_role_is_updated() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let update = || role.iam.update_role().role_name(&role.name);

    update()
        .description("new")
        .max_session_duration(3_600)
        .send()
        .await
        .expect("the role changes");
    let shown = role
        .iam
        .get_role()
        .role_name(&role.name)
        .send()
        .await
        .expect("an answer")
        .role
        .expect("a role");
    assert_eq!(
        (shown.description.as_deref(), shown.max_session_duration),
        (Some("new"), Some(3_600))
    );
    assert_eq!(
        code(update().max_session_duration(1).send().await),
        "ValidationError"
    );
    let missing = role.iam.update_role().role_name(aws.name("nobody")).send().await;
    assert_eq!(code(missing), "NoSuchEntity");
    role.remove().await;
}

/// A role with inline policies is not deleted.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>
#[tokio::test]
async fn a_role_with_an_inline_policy_is_not_deleted() {
    let aws = aws().await;
    let role = Role::make(&aws, aws.customer(), &trust(&aws.vendor().id, "{}"), ALLOW_ALL).await;

    let outcome = role.iam.delete_role().role_name(&role.name).send().await;

    assert_eq!(code(outcome), "DeleteConflict");
    role.remove().await;
}

/// A role with attached policies is not deleted.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>
#[tokio::test]
async fn a_role_with_an_attached_policy_is_not_deleted() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let attach = role.iam.attach_role_policy().role_name(&role.name);
    attach
        .policy_arn("arn:aws:iam::aws:policy/AWSDenyAll")
        .send()
        .await
        .expect("it is attached");

    let outcome = role.iam.delete_role().role_name(&role.name).send().await;

    assert_eq!(code(outcome), "DeleteConflict");
    role.remove().await;
}

/// What is not there cannot be read, changed or deleted.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>
#[tokio::test]
async fn a_role_that_is_not_there_is_no_such_entity() {
    let aws = aws().await;
    let (iam, name) = (iam(aws.customer()), aws.name("nobody"));

    assert_eq!(code(iam.get_role().role_name(&name).send().await), "NoSuchEntity");
    assert_eq!(
        code(iam.delete_role().role_name(&name).send().await),
        "NoSuchEntity"
    );
    let update = iam.update_assume_role_policy().role_name(&name);
    let update = update.policy_document(trust(&aws.vendor().id, "{}")).send().await;
    assert_eq!(code(update), "NoSuchEntity");
    assert_eq!(
        code(iam.list_role_tags().role_name(&name).send().await),
        "NoSuchEntity"
    );
    assert_eq!(
        code(iam.list_role_policies().role_name(&name).send().await),
        "NoSuchEntity"
    );
}

/// Tags are added, replaced by key in any case, listed and removed.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>
#[tokio::test]
async fn a_role_is_tagged_and_untagged() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let put = |tag| role.iam.tag_role().role_name(&role.name).tags(tag).send();
    put(tag("team", "data")).await.expect("a tag");
    put(tag("Team", "web"))
        .await
        .expect("the same key in another case");
    put(tag("step", "one")).await.expect("another tag");

    let list = || role.iam.list_role_tags().role_name(&role.name).send();
    let mut tags = list().await.expect("tags").tags;
    tags.sort_by(|one, other| one.value.cmp(&other.value));
    assert_eq!(tags, [tag("step", "one"), tag("Team", "web")]);
    let untag = role
        .iam
        .untag_role()
        .role_name(&role.name)
        .tag_keys("team")
        .tag_keys("absent");
    untag.send().await.expect("an absent key is fine");
    assert_eq!(list().await.expect("tags").tags, [tag("step", "one")]);
    role.remove().await;
}

/// Fifty tags, no reserved prefix, no key twice.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>
#[tokio::test]
async fn tags_outside_the_rules_are_refused() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let put = |tags: Vec<Tag>| {
        role.iam
            .tag_role()
            .role_name(&role.name)
            .set_tags(Some(tags))
            .send()
    };

    assert_eq!(code(put(vec![tag("aws:team", "data")]).await), "InvalidInput");
    assert_eq!(
        code(put(vec![tag("team", "1"), tag("TEAM", "2")]).await),
        "InvalidInput"
    );
    assert_eq!(
        code(put(vec![tag(&"k".repeat(129), "v")]).await),
        "ValidationError"
    );
    assert_eq!(
        code(put(vec![tag("k", &"v".repeat(257))]).await),
        "ValidationError"
    );
    put((0..50).map(|number| tag(&format!("k{number}"), "v")).collect())
        .await
        .expect("fifty fit");
    assert_eq!(code(put(vec![tag("one-more", "v")]).await), "LimitExceeded");
    role.remove().await;
}
