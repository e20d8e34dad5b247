use chrono::DateTime;
use serde_json::json;
use tenant_model::{TenantId, audit as chain};
use tenant_store::audit::{self, NewAuditEntry};
use tenantry_tests::Database;

fn entry(tenant_id: Option<TenantId>, subject: &str) -> NewAuditEntry {
    NewAuditEntry {
        tenant_id,
        actor: "usr_test".to_owned(),
        action: "thing.change",
        subject: subject.to_owned(),
        detail: json!({"why": "test", "count": 3}),
        at: DateTime::UNIX_EPOCH,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_of_one_tenant_make_one_whole_chain() {
    let database = Database::start().await;
    let tenant = database.tenant("acme").await;
    let writers = (0..20).map(|number| {
        let stores = database.stores.clone();
        tokio::spawn(async move {
            let mut tx = stores.begin(tenant).await.unwrap();
            audit::append(&mut tx, entry(Some(tenant), &format!("thing_{number}")))
                .await
                .unwrap();
            tx.commit().await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }

    let mut tx = database.stores.begin(tenant).await.unwrap();
    let entries = audit::list(&mut tx, Some(tenant), 0, 100).await.unwrap();
    assert_eq!(entries.len(), 20);
    assert!(chain::verify(&entries).is_ok());
}

#[tokio::test]
async fn an_entry_of_a_change_that_rolled_back_leaves_no_gap() {
    let database = Database::start().await;
    for commit in [true, false, true] {
        let mut tx = database.stores.begin_ops().await.unwrap();
        audit::append(&mut tx, entry(None, "thing")).await.unwrap();
        if commit {
            tx.commit().await.unwrap();
        }
    }
    let mut tx = database.stores.begin_ops().await.unwrap();
    let entries = audit::list(&mut tx, None, 0, 100).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert!(chain::verify(&entries).is_ok());
}

#[tokio::test]
async fn services_cannot_change_an_entry_and_a_superusers_change_is_found() {
    let database = Database::start().await;
    for subject in ["first", "second", "third"] {
        let mut tx = database.stores.begin_ops().await.unwrap();
        audit::append(&mut tx, entry(None, subject)).await.unwrap();
        tx.commit().await.unwrap();
    }
    for role in ["app_rw", "ops"] {
        for statement in ["update audit_entry set actor = 'x'", "delete from audit_entry"] {
            let tenant = "select set_config('app.tenant_id', gen_random_uuid()::text, false)";
            let refused = database
                .execute_as(role, &format!("{tenant}; {statement}"))
                .await
                .unwrap_err();
            assert!(
                refused.to_string().contains("permission denied"),
                "{role} {statement}: {refused}"
            );
        }
    }

    database
        .execute_as(
            "postgres",
            "update audit_entry set subject = 'other' where sequence = 2",
        )
        .await
        .unwrap();
    let mut tx = database.stores.begin_ops().await.unwrap();
    let entries = audit::list(&mut tx, None, 0, 100).await.unwrap();
    assert_eq!(chain::verify(&entries), Err(chain::BrokenChain { sequence: 2 }));
}
