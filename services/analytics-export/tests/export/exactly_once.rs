//! The export, interrupted, doubled, slowed and lied to, still exports everything once.

use crate::support::{Plant, app, begin, config, dying_after, run_until_idle, without_leases};
use analytics_export::{ExportConfig, PassError, exports};
use bytes::Bytes;
use local_aws::{Fault, FaultRule};
use tenant_model::export::Sha256Hex;

#[tokio::test(flavor = "multi_thread")]
async fn everything_booked_is_exported_once_and_all_three_sides_agree() {
    let plant = Plant::start().await;
    plant.book(1, 500).await;
    plant.settle().await;
    plant.book(2, 300).await;
    plant.settle().await;
    plant.assert_exactly_once().await;
    let batches = exports::list(&plant.app, None, 10).await.expect("reads");
    assert_eq!(batches.len(), 2);
    assert_eq!(
        batches[0].batch.identity.window.lo(),
        batches[1].batch.identity.window.hi(),
        "no hole"
    );
    for meter in batches[0].meters() {
        assert!(meter.source.is_some() && meter.source == meter.stored && meter.source == meter.warehouse);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_without_rows_is_no_batch() {
    let plant = Plant::start().await;
    plant.settle().await;
    assert!(
        exports::list(&plant.app, None, 10)
            .await
            .expect("reads")
            .is_empty()
    );
    let freshness = exports::freshness(&plant.app).await.expect("reads");
    assert_eq!(
        freshness.exported_until,
        Some(plant.world.kit.clock.now()),
        "nothing was missing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_commits_late_is_not_skipped() {
    let plant = Plant::start().await;
    let mut older = begin(&plant.world.stores).await;
    plant.book_in(&mut older, 1, 20).await;
    plant.book(2, 30).await;
    // The younger transaction is committed, the older is open: a window up to the younger one would skip the older.
    exports::close_window_now(&plant.app, "test").await.expect("asks");
    run_until_idle(&plant.app, "a").await.expect("no failure");
    let exported = exports::list(&plant.app, None, 10).await.expect("reads");
    assert!(
        exported.is_empty(),
        "nothing above the open transaction is sealed: {exported:?}"
    );
    older.commit().await.expect("commits late");
    plant.settle().await;
    assert_eq!(plant.booked().await.rows(), 50);
    plant.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_dies_at_any_await_is_finished_by_another_worker() {
    let plant = Plant::start().await;
    for waits in 0.. {
        assert!(waits < 2_000, "an export has fewer awaits");
        plant.book(waits, 12).await;
        exports::close_window_now(&plant.app, "test").await.expect("asks");
        let outcome = dying_after(waits, run_until_idle(&plant.app, "mortal")).await;
        plant.world.expire_leases().await;
        plant.settle().await;
        if let Some(outcome) = outcome {
            outcome.expect("the undisturbed run ends well");
            break;
        }
    }
    plant.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_exporters_that_take_over_from_each_other_all_the_time_export_everything_once() {
    let plant = Plant::start_with(without_leases).await;
    let other = app(&plant.world, &plant.world.aws, without_leases(config()));
    for round in 0..5 {
        plant.book(round, 25).await;
        exports::close_window_now(&plant.app, "test").await.expect("asks");
        let (one, two) = tokio::join!(run_until_idle(&plant.app, "one"), run_until_idle(&other, "two"));
        for outcome in [one, two] {
            assert!(
                outcome.is_ok_and_or_transient(),
                "a zombie is stopped, it breaks nothing"
            );
        }
    }
    plant.settle().await;
    plant.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_answer_was_lost_is_looked_for_and_not_written_twice() {
    let plant = Plant::start().await;
    for nth in 1..=6 {
        plant.book(nth, 15).await;
        let lost = FaultRule::on("PutObject", Fault::EffectWithoutReply { hang_ms: 0 });
        assert!(plant.world.control.add_fault(lost.nth(u64::from(nth)).times(1)));
        plant.settle().await;
        plant.world.control.clear_faults();
    }
    plant.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_answer_was_lost_is_settled_by_the_warehouses_own_ledger() {
    let plant = Plant::start().await;
    plant.book(1, 40).await;
    plant.settle().await;
    plant.book(2, 40).await;
    let lost = FaultRule::on("BatchExecuteStatement", Fault::EffectWithoutReply { hang_ms: 0 });
    assert!(plant.world.control.add_fault(lost.times(1)));
    plant.settle().await;
    plant.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_and_server_errors_delay_the_export_and_change_nothing() {
    let plant = Plant::start().await;
    // Calls that change something; a read is repeated by the SDK itself, which only costs time here.
    for fault in [Fault::Throttle, Fault::ServerError, Fault::Timeout { hang_ms: 0 }] {
        for operation in ["PutObject", "BatchExecuteStatement"] {
            assert!(
                plant
                    .world
                    .control
                    .add_fault(FaultRule::on(operation, fault.clone()).rate_per_million(100_000))
            );
        }
    }
    for round in 0..4 {
        plant.book(round, 30).await;
        plant.settle().await;
    }
    plant.world.control.clear_faults();
    plant.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_cut_by_its_budget_and_never_inside_a_transaction() {
    let small = |config| ExportConfig {
        window_rows_max: 10,
        ..config
    };
    let plant = Plant::start_with(small).await;
    for (batch, rows) in [(1, 6), (2, 6), (3, 25), (4, 3)] {
        plant.book(batch, rows).await;
    }
    plant.settle().await;
    let mut rows: Vec<i64> = exports::list(&plant.app, None, 10)
        .await
        .expect("reads")
        .iter()
        .map(|export| export.batch.totals().expect("written").rows())
        .collect();
    rows.reverse();
    assert_eq!(rows, [6, 6, 25, 3]);
    plant.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_the_ledger_does_not_know_stops_the_export() {
    let plant = Plant::start().await;
    plant.book(1, 10).await;
    plant.settle().await;
    let content = Bytes::from_static(b"{}");
    let key = "isv/v1/events/_manifests/000000017fffffffffffffff-00000000-r0.json";
    plant
        .app
        .bucket()
        .put_if_absent(key, content.clone(), &Sha256Hex::of(&content))
        .await
        .expect("writes");
    plant.book(2, 10).await;
    exports::close_window_now(&plant.app, "test").await.expect("asks");
    let stopped = run_until_idle(&plant.app, "a").await;
    assert!(
        matches!(&stopped, Err(PassError::LedgerBehind { key: named }) if named == key),
        "{stopped:?}"
    );
}

/// What may stop a worker that others overtake: its fence, a lock, a plan made on an older snapshot.
trait Overtaken {
    fn is_ok_and_or_transient(&self) -> bool;
}

impl Overtaken for Result<(), PassError> {
    fn is_ok_and_or_transient(&self) -> bool {
        match self {
            Ok(()) => true,
            Err(error) => error.is_taken_over() || !error.needs_operator(),
        }
    }
}
