use tenant_model::idempotency::{Claim, RequestKey, StoredReply};
use tenant_store::idempotency;
use tenantry_tests::Database;

fn request(hash: u8) -> RequestKey {
    RequestKey {
        scope: "POST /v1/things".to_owned(),
        key: "k-1".to_owned(),
        hash: [hash; 32],
        tenant_id: None,
    }
}

fn reply() -> StoredReply {
    StoredReply {
        status: 201,
        headers: vec![("location".to_owned(), "/v1/things/1".to_owned())],
        body: r#"{"id":1}"#.to_owned(),
    }
}

#[tokio::test]
async fn a_request_is_new_then_in_progress_then_replayed_and_its_key_is_not_reusable() {
    let database = Database::start().await;
    let mut first = database.stores.begin_ops().await.unwrap();
    assert_eq!(
        idempotency::claim(&mut first, &request(1)).await.unwrap(),
        Claim::New
    );

    let mut second = database.stores.begin_ops().await.unwrap();
    assert_eq!(
        idempotency::claim(&mut second, &request(1)).await.unwrap(),
        Claim::InProgress
    );
    second.rollback().await.unwrap();

    idempotency::insert(&mut first, &request(1), &reply())
        .await
        .unwrap();
    first.commit().await.unwrap();

    let mut third = database.stores.begin_ops().await.unwrap();
    assert_eq!(
        idempotency::claim(&mut third, &request(1)).await.unwrap(),
        Claim::Replay(reply())
    );
    assert_eq!(
        idempotency::claim(&mut third, &request(2)).await.unwrap(),
        Claim::Reused
    );
}

#[tokio::test]
async fn a_request_that_rolled_back_runs_again() {
    let database = Database::start().await;
    let mut tx = database.stores.begin_ops().await.unwrap();
    idempotency::claim(&mut tx, &request(1)).await.unwrap();
    idempotency::insert(&mut tx, &request(1), &reply()).await.unwrap();
    drop(tx);

    let mut again = database.stores.begin_ops().await.unwrap();
    let claim = loop {
        // The dropped transaction's rollback reaches the server when its connection is reused or released.
        match idempotency::claim(&mut again, &request(1)).await.unwrap() {
            Claim::InProgress => tokio::task::yield_now().await,
            settled => break settled,
        }
    };
    assert_eq!(claim, Claim::New);
}
