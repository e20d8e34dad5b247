use super::*;
use crate::ledger::{SessionUse, Use};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).expect("in range")
}

fn counts(of: &[(&str, u32)]) -> BTreeMap<String, u32> {
    of.iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

/// A round at second 1,000 that made one VPC and looked twice.
fn closed() -> Account {
    Account {
        session_name: "op_1".to_owned(),
        opened_at: at(1_000),
        used: Some(Use {
            assumed: 2,
            assumed_requests: vec!["r-1".to_owned()],
            sessions: vec![SessionUse {
                class: "network".to_owned(),
                region: "eu-central-1".to_owned(),
                policy: String::new(),
                key: "ASIA1".to_owned(),
            }],
            calls: counts(&[("CreateVpc", 1), ("DescribeVpcs", 2), ("CreateSubnet", 1)]),
        }),
        intended: counts(&[("CreateVpc", 1)]),
        answered: vec![(at(1_001), "CreateVpc".to_owned(), "r-vpc".to_owned())],
    }
}

fn open() -> Account {
    Account {
        used: None,
        ..closed()
    }
}

fn event(action: &str, key: &str, second: i64) -> LogEvent {
    LogEvent {
        id: format!("{action} {key} {second}"),
        kind: EventKind::Called,
        at: at(second),
        region: "eu-central-1".to_owned(),
        action: action.to_owned(),
        session_name: "op_1".to_owned(),
        key: key.to_owned(),
        read_only: action.starts_with("Describe"),
        error: None,
        request_id: format!("r {action} {second}"),
        source_identity: None,
        source_ip: String::new(),
    }
}

fn assumed(name: &str, second: i64) -> LogEvent {
    LogEvent {
        kind: EventKind::Assumed,
        session_name: name.to_owned(),
        ..event("AssumeRole", "", second)
    }
}

fn kinds(accounts: &[Account], events: &[LogEvent]) -> Vec<FindingKind> {
    let span = Span {
        from: at(0),
        delivered_until: at(0),
    };
    let found = compare(accounts, events, span);
    found.into_iter().map(|difference| difference.kind).collect()
}

#[test]
fn what_a_round_did_is_no_finding() {
    let refused = LogEvent {
        error: Some("DryRunOperation".to_owned()),
        ..event("CreateSubnet", "ASIA1", 1_002)
    };
    let events = [
        assumed("op_1", 1_000),
        assumed("op_1", 1_000),
        event("DescribeVpcs", "ASIA1", 1_001),
        event("DescribeVpcs", "ASIA1", 1_001),
        event("CreateVpc", "ASIA1", 1_001),
        refused,
    ];
    assert_eq!(kinds(&[closed()], &events), []);
}

#[test]
fn each_call_beyond_the_ledger_is_a_finding() {
    use FindingKind::{ForeignCall, ForeignSession};
    let dry = LogEvent {
        error: Some("DryRunOperation".to_owned()),
        ..event("DeleteVpc", "ASIA1", 1_001)
    };
    let denied = LogEvent {
        error: Some("AccessDenied".to_owned()),
        ..assumed("x", 1_000)
    };
    let rows: Vec<(Vec<LogEvent>, Vec<FindingKind>)> = vec![
        // One more than the round made.
        (
            vec![
                event("CreateVpc", "ASIA1", 1_001),
                event("CreateVpc", "ASIA1", 1_002),
            ],
            vec![ForeignCall],
        ),
        // Counted by its round, but never intended.
        (vec![event("CreateSubnet", "ASIA1", 1_001)], vec![ForeignCall]),
        // Under a key that no round had, though the round's name is known.
        (vec![event("DescribeVpcs", "ASIA2", 1_001)], vec![ForeignCall]),
        (vec![dry], vec![ForeignCall]),
        (vec![assumed("x", 1_000)], vec![ForeignSession]),
        (
            (0..3).map(|_| assumed("op_1", 1_000)).collect(),
            vec![ForeignSession],
        ),
        // Long after the round.
        (vec![assumed("op_1", 9_000)], vec![ForeignSession]),
        // The lock held.
        (vec![denied], vec![]),
    ];
    for (events, expected) in rows {
        assert_eq!(kinds(&[closed()], &events), expected, "{events:?}");
    }
}

#[test]
fn a_session_that_is_known_by_its_request_is_never_the_one_too_many() {
    let ours = LogEvent {
        request_id: "r-1".to_owned(),
        ..assumed("op_1", 1_010)
    };
    let events = [assumed("op_1", 1_000), assumed("op_1", 1_005), ours];
    let span = Span {
        from: at(0),
        delivered_until: at(0),
    };
    let accounts = [closed()];
    let found = compare(&accounts, &events, span);
    let ids: Vec<_> = found
        .iter()
        .filter_map(|one| one.event)
        .map(|event| event.at)
        .collect();
    assert_eq!(ids, [at(1_005)], "one answer may have been lost");
}

#[test]
fn a_round_whose_worker_died_may_have_looked_and_done_what_it_intended() {
    let events = [
        assumed("op_1", 1_000),
        event("DescribeVpcs", "ASIA9", 1_001),
        event("CreateVpc", "ASIA9", 1_001),
    ];
    assert_eq!(kinds(&[open()], &events), []);
    let more = [
        event("CreateVpc", "ASIA9", 1_001),
        event("CreateVpc", "ASIA9", 1_002),
    ];
    assert_eq!(kinds(&[open()], &more), [FindingKind::ForeignCall]);
    assert_eq!(
        kinds(&[open()], &[event("DescribeVpcs", "ASIA9", 9_000)]),
        [FindingKind::ForeignCall]
    );
}

#[test]
fn a_call_that_the_log_lacks_is_told_once_it_should_be_there() {
    let accounts = [closed()];
    let span = |from, until| Span {
        from: at(from),
        delivered_until: at(until),
    };
    let lacks = |span| compare(&accounts, &[], span).len();
    assert_eq!(lacks(span(0, 2_000)), 1);
    assert_eq!(lacks(span(0, 1_000)), 0, "it may still be on its way");
    assert_eq!(lacks(span(900, 2_000)), 0, "the log was read from about then");
    let there = LogEvent {
        request_id: "r-vpc".to_owned(),
        ..event("CreateVpc", "ASIA1", 1_001)
    };
    assert_eq!(compare(&accounts, &[there], span(0, 2_000)), []);
}
