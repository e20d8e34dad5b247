//! Who may run statements, and whose statements one may see.

use aws_sdk_redshiftdata::Client;
use conformance::code;

use crate::support::World;

const WORKGROUP: &str = "arn:aws:redshift-serverless:*:*:workgroup/warehouse";

/// A user of the vendor with one statement of a policy, and a client with its keys.
async fn under(world: &World, statement: &str) -> Client {
    let iam = aws_sdk_iam::Client::new(&world.aws.vendor().config);
    let name = world.aws.name("user");
    iam.create_user().user_name(&name).send().await.expect("a user");
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    let policy = iam.put_user_policy().user_name(&name).policy_name("warehouse");
    policy.policy_document(document).send().await.expect("a policy");
    let keys = iam.create_access_key().user_name(&name).send().await;
    let keys = keys.expect("keys").access_key.expect("keys");
    let config = world
        .aws
        .vendor()
        .with_keys(&keys.access_key_id, &keys.secret_access_key, None);
    Client::new(&config)
}

fn allow(actions: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":"{resource}"}}"#)
}

/// Running a statement takes the operation and the right to fetch credentials, both on the workgroup.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-access.html
#[tokio::test]
async fn running_takes_the_operation_and_credentials() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let both = allow(
        r#""redshift-data:ExecuteStatement","redshift-serverless:GetCredentials""#,
        WORKGROUP,
    );
    let user = under(&world, &both).await;
    world.call_by(&user, "SELECT 1").send().await.expect("taken");
    let other = world
        .call_by(&user, "SELECT 1")
        .workgroup_name("another")
        .send()
        .await;
    assert_eq!(code(other), "AccessDeniedException");
    for one in [
        r#""redshift-data:ExecuteStatement""#,
        r#""redshift-serverless:GetCredentials""#,
    ] {
        let user = under(&world, &allow(one, WORKGROUP)).await;
        assert_eq!(
            code(world.call_by(&user, "SELECT 1").send().await),
            "AccessDeniedException",
            "{one}"
        );
    }
}

/// A policy may tie a user to its own statements.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-iam.html
#[tokio::test]
async fn a_policy_may_tie_a_user_to_its_own_statements() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let own = r#"{"Effect":"Allow","Action":["redshift-data:DescribeStatement","redshift-data:CancelStatement"],"Resource":"*",
        "Condition":{"StringEquals":{"redshift-data:statement-owner-iam-userid":"${aws:userid}"}}}"#;
    let run = allow(r#""redshift-data:ExecuteStatement","redshift-serverless:*""#, "*");
    let user = under(&world, &format!("{own},{run}")).await;
    let sent = world.call_by(&user, "SELECT 1").send().await.expect("taken");
    user.describe_statement()
        .id(sent.id().expect("an id"))
        .send()
        .await
        .expect("its own");
    let other = world.submit("SELECT 2").await;
    let described = user.describe_statement().id(&other).send().await;
    assert_eq!(code(described), "AccessDeniedException");
    assert_eq!(
        code(user.cancel_statement().id(&other).send().await),
        "AccessDeniedException"
    );
}

/// Lists show what the caller's own role or user has run.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
#[tokio::test]
async fn lists_show_what_the_caller_has_run() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let all = allow(r#""redshift-data:*","redshift-serverless:*""#, "*");
    let user = under(&world, &all).await;
    world.done("SELECT 1").await;
    assert!(
        user.list_statements()
            .send()
            .await
            .expect("listed")
            .statements
            .is_empty()
    );
    let sent = world
        .call_by(&user, "SELECT 2")
        .wait_time_seconds(30)
        .send()
        .await
        .expect("taken");
    let listed = user
        .list_statements()
        .role_level(false)
        .send()
        .await
        .expect("listed");
    assert_eq!(
        listed
            .statements()
            .iter()
            .map(aws_sdk_redshiftdata::types::StatementData::id)
            .collect::<Vec<_>>(),
        [sent.id().expect("an id")]
    );
}

/// Another account sees no statement, whatever its id.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn another_account_sees_no_statement() {
    let Some(world) = World::any().await else { return };
    let id = world.done("SELECT 1").await.id;
    let stranger = Client::new(&world.aws.stranger().config);
    let missing = "ResourceNotFoundException";
    assert_eq!(code(stranger.describe_statement().id(&id).send().await), missing);
    assert_eq!(
        code(stranger.get_statement_result().id(&id).send().await),
        missing
    );
    assert_eq!(code(stranger.cancel_statement().id(&id).send().await), missing);
}
