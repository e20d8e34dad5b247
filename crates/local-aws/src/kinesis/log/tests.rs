//! What a log keeps, forgets and finds again.

use super::*;

fn record(arrived_ms: i64, data: &[u8]) -> Record {
    Record {
        counter: 0,
        arrived_ms,
        partition_key: "k".into(),
        data: Bytes::copy_from_slice(data),
    }
}

const ALL: PageLimit = PageLimit {
    records: 10_000,
    bytes: 10 << 20,
};

fn texts(log: &Log) -> Vec<String> {
    let page = log.page(0, ALL).expect("readable");
    page.records
        .iter()
        .map(|record| String::from_utf8_lossy(&record.data).into_owned())
        .collect()
}

#[tokio::test]
async fn an_acknowledged_batch_is_there_after_an_abrupt_stop() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = Log::open(directory.path()).expect("opens");
    let (first, ticket) = log
        .append(vec![record(1, b"a"), record(2, b"b")], false)
        .expect("appends");
    ticket
        .expect("a log on disk gives a ticket")
        .wait()
        .await
        .expect("syncs");
    std::mem::forget(log); // nothing is flushed or closed on the way out

    let mut log = Log::open(directory.path()).expect("opens again");
    assert_eq!(texts(&log), ["a", "b"]);
    let (later, _) = log.append(vec![record(3, b"c")], false).expect("appends");
    assert!(later > first + 1, "counters go on");
    assert_eq!(texts(&log), ["a", "b", "c"]);
}

#[test]
fn a_torn_tail_is_cut_off_and_the_rest_is_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = Log::open(directory.path()).expect("opens");
    log.append(vec![record(1, b"whole"), record(2, b"torn")], false)
        .expect("appends");
    drop(log);
    let file = segment::path(directory.path(), 1);
    let bytes = std::fs::read(&file).expect("the segment");
    for lost in 1..bytes.len() {
        std::fs::write(&file, &bytes[..bytes.len() - lost]).expect("written");
        let log = Log::open(directory.path()).expect("opens");
        assert!(
            ["", "whole"].contains(&texts(&log).join(",").as_str()),
            "lost {lost} bytes"
        );
    }
}

#[test]
fn a_flipped_bit_ends_the_log_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = Log::open(directory.path()).expect("opens");
    log.append(vec![record(1, b"first"), record(2, b"second")], false)
        .expect("appends");
    drop(log);
    let file = segment::path(directory.path(), 1);
    let mut bytes = std::fs::read(&file).expect("the segment");
    *bytes.last_mut().expect("not empty") ^= 1;
    std::fs::write(&file, &bytes).expect("written");
    assert_eq!(texts(&Log::open(directory.path()).expect("opens")), ["first"]);
}

#[test]
fn trimming_forgets_by_arrival_and_keeps_positions() {
    let mut log = Log::in_memory();
    log.append(vec![record(10, b"a"), record(20, b"b"), record(30, b"c")], false)
        .expect("appends");
    log.trim(20);
    assert_eq!(texts(&log), ["b", "c"]);
    assert_eq!((log.horizon(), log.counter_at(25), log.counter_at(99)), (2, 3, 4));
}

#[test]
fn a_page_stops_at_its_limits_but_always_moves() {
    let mut log = Log::in_memory();
    log.append(
        vec![record(1, &[0; 100]), record(2, &[0; 100]), record(3, &[0; 100])],
        false,
    )
    .expect("appends");
    let page = log
        .page(
            1,
            PageLimit {
                records: 10,
                bytes: 50,
            },
        )
        .expect("readable");
    assert_eq!(
        (page.records.len(), page.next_counter, page.next_arrived_ms),
        (1, 2, Some(2))
    );
    let page = log
        .page(
            2,
            PageLimit {
                records: 2,
                bytes: 1_000,
            },
        )
        .expect("readable");
    assert_eq!((page.records.len(), page.next_arrived_ms), (2, None));
}

#[test]
fn records_beyond_the_resident_bytes_are_read_from_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = Log::open(directory.path()).expect("opens");
    let megabyte = vec![7; 1 << 20];
    for index in 0..40 {
        log.append(vec![record(index, &megabyte)], false)
            .expect("appends");
    }
    assert!(log.resident_bytes <= RESIDENT_BYTES_MAX);
    let page = log
        .page(
            1,
            PageLimit {
                records: 1,
                bytes: 10 << 20,
            },
        )
        .expect("readable");
    assert_eq!(page.records[0].data, megabyte);
}

#[tokio::test]
async fn what_a_full_disk_took_half_of_is_not_there_and_what_follows_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = Log::open(directory.path()).expect("opens");
    let (_, ticket) = log.append(vec![record(1, b"before")], false).expect("appends");
    ticket.expect("on disk").wait().await.expect("synced");

    let refused = log.append(vec![record(2, b"lost"), record(2, b"lost too")], true);
    assert!(matches!(refused, Err(AppendError::Io(_))), "{refused:?}");
    assert_eq!(texts(&log), ["before"]);
    let (_, ticket) = log
        .append(vec![record(3, b"after")], false)
        .expect("there is room again");
    ticket.expect("on disk").wait().await.expect("synced");
    drop(log);

    let log = Log::open(directory.path()).expect("opens again");
    assert_eq!(texts(&log), ["before", "after"]);
}
