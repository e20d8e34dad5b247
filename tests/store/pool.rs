//! sqlx returns a connection *in transaction* when `begin` is dropped while its reply is under way: it counts the
//! transaction only after the reply, so it queues no rollback. The next borrower's insert is then acknowledged,
//! invisible to everybody else, and lost. Clients that hang up, time-outs and `select!` all drop futures.

use std::future::Future;
use std::pin::pin;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tenant_model::TenantId;
use tenant_store::Stores;
use tenantry_tests::Database;

const SEED: u64 = 20_261_101;
const ROUNDS: usize = 300;

/// Drives `work` until it is done or `polls` other wake-ups have passed, then drops it.
async fn drop_after(work: impl Future<Output = ()>, polls: u32) {
    let mut work = pin!(work);
    for _ in 0..polls {
        tokio::select! {
            biased;
            () = &mut work => return,
            () = tokio::task::yield_now() => {}
        }
    }
}

async fn rename(stores: &Stores, tenant: TenantId, name: &str) {
    let mut tx = stores.begin(tenant).await.expect("the database answers");
    let mut row = tenant_store::tenants::find_for_update(&mut tx, tenant)
        .await
        .expect("answers")
        .expect("exists");
    row.name = name.to_owned();
    tenant_store::tenants::update(&mut tx, &row)
        .await
        .expect("nobody else writes");
    tx.commit().await.expect("commits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_requests_poison_no_connection() {
    let database = Database::start_with(2).await;
    let tenant = database.tenant("acme").await;
    let mut random = StdRng::seed_from_u64(SEED);

    for round in 0..ROUNDS {
        let polls = random.random_range(0..400);
        drop_after(rename(&database.stores, tenant, "dropped"), polls).await;

        let name = format!("kept {round}");
        rename(&database.stores, tenant, &name).await;
        let seen = database.scalar_as("postgres", "select name from tenant").await;
        assert_eq!(
            seen, name,
            "seed={SEED} round={round}: an acknowledged write is invisible to others"
        );
    }

    let left = "select count(*)::text from pg_stat_activity where state like 'idle in transaction%' and usename = 'app_rw'";
    assert_eq!(database.scalar_as("postgres", left).await, "0", "seed={SEED}");
}

#[tokio::test]
async fn the_tenant_of_a_transaction_does_not_outlive_it() {
    let database = Database::start_with(1).await;
    let tenant = database.tenant("acme").await;
    database
        .stores
        .begin(tenant)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    let other = database.tenant("other").await;
    let mut tx = database.stores.begin(other).await.unwrap();
    assert!(
        tenant_store::tenants::find(&mut tx, tenant)
            .await
            .unwrap()
            .is_none()
    );
}
