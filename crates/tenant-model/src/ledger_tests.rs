use super::*;
use crate::audit::{Content, GENESIS, chain, verify};
use crate::convergence::Call;

fn round(operation: Option<Mandate>) -> Round {
    Round {
        id: Uuid::from_u128(1),
        tenant_id: TenantId::from_uuid(Uuid::from_u128(2)),
        connection_id: ConnectionId::from_uuid(Uuid::from_u128(3)),
        purpose: Purpose::Reconcile,
        session_name: "op_1".to_owned(),
        source_identity: "usr_1".to_owned(),
        subject: "dep_1".to_owned(),
        operation,
    }
}

fn mandate() -> Mandate {
    Mandate {
        operation_id: OperationId::from_uuid(Uuid::from_u128(4)),
        plan_hash: "abc".to_owned(),
        requested_by: "usr_2".to_owned(),
        approved_by: Some("usr_1".to_owned()),
    }
}

fn intent() -> Intent {
    Intent {
        id: Uuid::from_u128(9),
        name: "vpc".to_owned(),
        incarnation: 0,
        call: Call::CreateInternetGateway,
        token: String::new(),
        outcome: Outcome::Open,
        empty_looks: 0,
        due_at: None,
    }
}

fn chained(lines: Vec<Line>) -> Vec<Entry> {
    let mut head = GENESIS;
    let entries = lines.into_iter().zip(1..).map(|(line, sequence)| {
        let content = Content {
            tenant_id: Some(round(None).tenant_id),
            sequence,
            at: DateTime::UNIX_EPOCH,
            actor: line.actor,
            action: line.action.to_owned(),
            subject: line.subject,
            detail: line.detail,
        };
        head = chain(&head, &content);
        Entry { content, hash: head }
    });
    entries.collect()
}

#[test]
fn a_round_reads_back_from_its_entries() {
    let round = round(Some(mandate()));
    let used = Use {
        assumed: 1,
        assumed_requests: vec!["r-0".to_owned()],
        sessions: vec![SessionUse {
            class: "network".to_owned(),
            region: "eu-central-1".to_owned(),
            policy: "00".to_owned(),
            key: "ASIA1".to_owned(),
        }],
        calls: BTreeMap::from([("CreateInternetGateway".to_owned(), 1)]),
    };
    let answer = CallAnswer {
        outcome: Outcome::Done,
        made: Some("igw-1"),
        error: None,
        request_id: Some("r-1"),
    };
    let lines = vec![
        round.opened(),
        round.intended(&intent()),
        round.answered(&intent(), &answer),
        round.closed(&used),
    ];
    let entries = chained(lines);
    assert!(verify(&entries).is_ok());
    let accounts = accounts(&entries);
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].used, Some(used));
    assert_eq!(accounts[0].intended["CreateInternetGateway"], 1);
    assert_eq!(accounts[0].answered[0].2, "r-1");
    let why = &entries[1].content;
    assert_eq!(
        (why.actor.as_str(), why.detail["plan"].as_str()),
        ("usr_1", Some("abc"))
    );
}

#[test]
fn a_round_without_its_end_is_open_and_parts_without_their_beginning_are_left_out() {
    let round = round(None);
    let entries = chained(vec![round.opened(), round.intended(&intent())]);
    assert_eq!(accounts(&entries)[0].used, None);
    assert_eq!(accounts(&entries[1..]), []);
}
