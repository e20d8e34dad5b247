//! Booking: once, however often and in whatever order the stream delivers, and whoever dies meanwhile.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod support;

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;
use support::{Metering, advance, drain, rows, stop_after};

use aws_access::kinesis::{PutEntry, ReadFrom};

/// All records of the stream, as somebody put them.
async fn records(metering: &Metering) -> Vec<Vec<u8>> {
    let stream = &metering.app.stream;
    let mut records = Vec::new();
    for shard in stream.shards().await.unwrap() {
        let mut iterator = Some(stream.open(&shard.shard_id, ReadFrom::TrimHorizon).await.unwrap());
        while let Some(open) = iterator.take() {
            let page = stream.read(&open, 1_000).await.unwrap().unwrap();
            let more = page.behind_ms > 0 || !page.records.is_empty();
            records.extend(page.records.into_iter().map(|record| record.data));
            iterator = page.next.filter(|_| more);
        }
    }
    records
}

async fn put(metering: &Metering, data: Vec<u8>, explicit_hash_key: u128) {
    let outcome = metering
        .app
        .stream
        .put(&[PutEntry {
            explicit_hash_key,
            data,
        }])
        .await
        .unwrap();
    assert_eq!(outcome, [aws_access::kinesis::PutOutcome::Stored]);
}

#[tokio::test]
async fn a_resent_event_counts_once_and_another_payload_is_a_conflict() {
    let metering = Metering::start(2).await;
    let acme = metering.tenant("acme").await;
    let other = metering.tenant("other").await;
    let now = metering.world.kit.clock.now();

    let (status, reply) = metering
        .report(
            acme,
            &[rows("a", 500, now), rows("a", 500, now), rows("a", 7, now)],
        )
        .await;
    assert_eq!(status, StatusCode::MULTI_STATUS);
    assert_eq!(
        (&reply["accepted"], &reply["duplicate"], &reply["conflict"]),
        (&json!(1), &json!(1), &json!(1))
    );
    metering
        .report(acme, &[rows("a", 500, now), rows("a", 9, now)])
        .await;
    // The same source and id of another tenant is another event.
    metering.report(other, &[rows("a", 3, now)]).await;
    metering.settle().await;
    metering
        .report(acme, &[rows("a", 500, now), rows("a", 8, now)])
        .await;
    metering.settle().await;

    assert_eq!(metering.total(acme, "rows_scanned").await, "500");
    assert_eq!(metering.total(other, "rows_scanned").await, "3");
    let books = metering.books(acme).await;
    assert_eq!(
        (books.received, books.accepted, books.duplicate, books.conflict),
        (7, 1, 3, 3)
    );
    assert_eq!(
        metering.aside(Some(acme)).await,
        [("conflict".to_owned(), 3)].into()
    );
    assert!(metering.aside(Some(other)).await.is_empty());
}

#[tokio::test]
async fn a_retry_on_another_day_with_another_clock_is_still_a_duplicate() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let now = metering.world.kit.clock.now();
    metering.report(acme, &[rows("a", 5, now)]).await;
    metering.settle().await;

    metering
        .world
        .advance(std::time::Duration::from_secs(26 * 3_600))
        .await;
    metering.report(acme, &[rows("a", 5, now)]).await;
    let later = rows("a", 5, metering.world.kit.clock.now());
    metering.report(acme, &[later]).await;
    metering.settle().await;

    assert_eq!(metering.total(acme, "rows_scanned").await, "5");
    let books = metering.books(acme).await;
    assert_eq!(
        (books.received, books.accepted, books.duplicate, books.conflict),
        (3, 1, 1, 1)
    );
}

#[tokio::test]
async fn records_delivered_again_change_nothing_the_books_included() {
    let metering = Metering::start(2).await;
    let acme = metering.tenant("acme").await;
    let now = metering.world.kit.clock.now();
    let events: Vec<_> = (0..50).map(|n| rows(&format!("e-{n}"), n, now)).collect();
    metering.report(acme, &events).await;
    metering
        .report(acme, &[json!({"specversion": "1.0"}), rows("x", 1, now)])
        .await;
    let copies = records(&metering).await;
    // Some before the first was booked, on the other shard; some after.
    for (place, copy) in copies.iter().enumerate() {
        put(
            &metering,
            copy.clone(),
            if place % 2 == 0 { 0 } else { u128::MAX },
        )
        .await;
    }
    metering.settle().await;
    let (total, books) = (
        metering.total(acme, "rows_scanned").await,
        metering.books(acme).await,
    );
    for copy in copies {
        put(&metering, copy, 0).await;
    }
    metering.settle().await;

    assert_eq!(total, (1 + (0..50).sum::<i32>()).to_string());
    assert_eq!((books.received, books.accepted, books.rejected), (52, 51, 1));
    assert_eq!(metering.total(acme, "rows_scanned").await, total);
    assert_eq!(metering.books(acme).await, books);
}

#[tokio::test]
async fn poison_never_blocks_a_shard() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let gone = metering.tenant("gone").await;
    let now = metering.world.kit.clock.now();
    metering.suspend(gone).await;
    metering.report(acme, &[rows("before", 1, now)]).await;
    let block = records(&metering).await.remove(0);
    let mut damaged = block.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for poison in [
        b"not ours".to_vec(),
        b"{\"specversion\":\"1.0\"}".to_vec(),
        vec![0; 100_000],
        damaged,
    ] {
        put(&metering, poison, 0).await;
    }
    let mut unknown = rows("unknown", 1, now);
    unknown["type"] = json!("nobody.knows");
    metering.report(acme, &[unknown, rows("after", 10, now)]).await;
    metering.report(gone, &[rows("gone", 1, now)]).await;
    metering.settle().await;

    assert_eq!(metering.total(acme, "rows_scanned").await, "11");
    assert_eq!(
        metering.aside(Some(acme)).await,
        [("unknown_meter".to_owned(), 1)].into()
    );
    assert_eq!(
        metering.aside(Some(gone)).await,
        [("tenant_state".to_owned(), 1)].into()
    );
    let all = metering.aside(None).await;
    assert_eq!((all["undecodable"], all["crc"]), (3, 1));
    let books = metering.books(acme).await;
    assert_eq!((books.received, books.accepted, books.quarantined), (3, 2, 1));
    assert_eq!(metering.books(gone).await.quarantined, 1);
}

#[tokio::test]
async fn late_events_count_in_their_own_hour() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let hour = metering.hour();
    let events: Vec<_> = [0, 1, 25, 24 * 30]
        .iter()
        .map(|hours| rows(&format!("h-{hours}"), 1 + *hours, hour - TimeDelta::hours(*hours)))
        .collect();
    metering.report(acme, &events).await;
    metering.settle().await;

    for hours in [0_i64, 1, 25, 24 * 30] {
        let from = hour - TimeDelta::hours(hours);
        let path = format!(
            "/v1/usage?meter=rows_scanned&from={}&to={}",
            support::text(from),
            support::text(from + TimeDelta::hours(1))
        );
        let (_, answer) = metering.get(&support::reader(acme), &path).await;
        assert_eq!(answer["series"][0]["points"][0]["value"], (1 + hours).to_string());
    }
}

#[tokio::test]
async fn a_worker_killed_between_any_two_steps_loses_and_doubles_nothing() {
    let metering = Metering::start(2).await;
    let acme = metering.tenant("acme").await;
    let now = metering.world.kit.clock.now();
    let mut expected = 0;
    for polls in 1..400 {
        let events: Vec<_> = (0..3)
            .map(|n| rows(&format!("p-{polls}-{n}"), polls, now))
            .collect();
        let (status, _) = metering.report(acme, &events).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        expected += 3 * polls;
        metering.world.expire_leases().await;
        let mut victim = metering.worker(&format!("victim-{polls}"));
        let finished = stop_after(polls, victim.pass()).await.is_some();
        drop(victim);
        metering.settle().await;
        assert_eq!(
            metering.total(acme, "rows_scanned").await,
            expected.to_string(),
            "after {polls} polls"
        );
        let books = metering.books(acme).await;
        assert_eq!(books.received, books.accepted, "after {polls} polls: {books:?}");
        if finished {
            assert!(polls > 10, "a pass waits for the database more often than that");
            return;
        }
    }
    panic!("a pass never ends");
}

#[tokio::test]
async fn a_worker_that_slept_through_its_lease_commits_nothing() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let now = metering.world.kit.clock.now();
    let mut successor = metering.worker("successor");
    let (mut expected, mut fenced) = (0, 0);
    for polls in 1..400 {
        metering
            .report(acme, &[rows(&format!("z-{polls}"), polls, now)])
            .await;
        expected += polls;
        metering.world.expire_leases().await;
        let mut sleeper = metering.worker(&format!("sleeper-{polls}"));
        let mut asleep = Box::pin(sleeper.pass());
        let finished = advance(polls, asleep.as_mut()).await.is_some();
        metering.world.expire_leases().await;
        let takes_over = successor.pass().await;
        if !finished {
            // It wakes up and goes on as if nothing had happened.
            let woken = asleep.await;
            println!("after {polls} polls: successor {takes_over:?}, sleeper {woken:?}");
            if let Ok(pass) = woken {
                fenced += pass.lost;
            }
        }
        assert!(takes_over.is_ok() || !finished, "{takes_over:?}");
        metering.world.expire_leases().await;
        drain(&mut successor).await;
        successor.release().await.unwrap();
        assert_eq!(
            metering.total(acme, "rows_scanned").await,
            expected.to_string(),
            "after {polls} polls"
        );
        assert_eq!(metering.books(acme).await.duplicate, 0);
        // How often a pass waits varies; one that came through proves the end only after a fence was seen.
        if finished && fenced > 0 {
            return;
        }
    }
    panic!("no sleeper was fenced, or a pass never ends");
}

#[tokio::test]
async fn shards_are_shared_and_handed_over_politely() {
    // A lease that no slow machine outlives: here nobody is dead.
    let lease = std::time::Duration::from_secs(600);
    let config = usage_metering::MeteringConfig {
        stream_shards: 4,
        lease,
        ..support::quick()
    };
    let metering = Metering::start_with(config).await;
    let acme = metering.tenant("acme").await;
    let (mut first, mut second) = (metering.worker("first"), metering.worker("second"));
    assert_eq!(first.pass().await.unwrap().shards, 4);
    assert_eq!(second.pass().await.unwrap().shards, 0);
    for _ in 0..6 {
        first.pass().await.unwrap();
        second.pass().await.unwrap();
    }
    let shares = (
        first.pass().await.unwrap().shards,
        second.pass().await.unwrap().shards,
    );
    assert_eq!(shares, (2, 2));

    let events: Vec<_> = (0..100)
        .map(|n| rows(&format!("e-{n}"), 1, metering.world.kit.clock.now()))
        .collect();
    metering.report(acme, &events).await;
    first.pass().await.unwrap();
    second.pass().await.unwrap();
    assert_eq!(metering.total(acme, "rows_scanned").await, "100");
    first.release().await.unwrap();
    assert_eq!(second.pass().await.unwrap().shards, 4);
}
