//! Client tokens.

use aws_sdk_redshiftdata::Client;
use chrono::TimeDelta;
use conformance::code;

use crate::support::World;

/// The same request under the same token runs once.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
#[tokio::test]
async fn a_client_token_runs_once() {
    let Some(world) = World::any().await else { return };
    world.make_table().await;
    let token = world.aws.name("token");
    let send = || world.call(&world.insert(1)).client_token(&token).send();
    let (first, again) = (send().await.expect("taken"), send().await.expect("taken"));
    assert_eq!(first.id(), again.id());
    world.ended(first.id().expect("an id")).await;
    assert_eq!(send().await.expect("taken").id(), first.id(), "after its end too");
    assert_eq!(world.count().await, "1");
    world.end().await;
}

/// Another request under the token is refused, however little it differs.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
#[tokio::test]
async fn a_token_belongs_to_one_request() {
    let Some(world) = World::any().await else { return };
    let token = world.aws.name("token");
    world
        .call("SELECT 1")
        .client_token(&token)
        .send()
        .await
        .expect("taken");
    for other in [
        world.call("SELECT 2"),
        world.call("SELECT 1").statement_name("named"),
        world.call("SELECT 1").database("other"),
    ] {
        assert_eq!(
            code(other.client_token(&token).send().await),
            "ValidationException"
        );
    }
    let batch = world.call_batch(&["SELECT 1"]).client_token(&token).send().await;
    assert_eq!(code(batch), "ValidationException");
}

/// A token is forgotten after eight hours: the same request then runs again.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
#[tokio::test]
async fn a_token_is_forgotten_after_eight_hours() {
    let Some(world) = World::controlled().await else {
        return;
    };
    world.make_table().await;
    let send = || world.call(&world.insert(1)).client_token("token").send();
    let first = send().await.expect("taken");
    world.ended(first.id().expect("an id")).await;
    world.aws.advance(TimeDelta::hours(7));
    assert_eq!(send().await.expect("taken").id(), first.id());
    world.aws.advance(TimeDelta::hours(1));
    let later = send().await.expect("taken");
    assert_ne!(later.id(), first.id());
    world.ended(later.id().expect("an id")).await;
    assert_eq!(world.count().await, "2");
}

/// Two accounts may use the same token.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_token_is_an_accounts_own() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let other = Client::new(&world.aws.stranger().config);
    let first = world
        .call("SELECT 1")
        .client_token("token")
        .send()
        .await
        .expect("taken");
    let second = world
        .call_by(&other, "SELECT 2")
        .client_token("token")
        .send()
        .await;
    assert_ne!(first.id(), second.expect("taken").id());
}
