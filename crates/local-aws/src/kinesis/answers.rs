//! The two answers that hold thousands of records, written by hand.
//!
//! A serializer of values would first make a text of each number and then copy it. Everything here that is not a
//! number or base64 goes through `serde_json`, so that it is escaped.

use super::log::Record;
use super::sequence::put_digits;
use super::stream::{Placed, Rejected, StreamFacts, shard_id};

/// Bytes of an entry beside its data: names, numbers, quotes.
const ENTRY_BYTES: usize = 220;

/// Why a record of a batch failed, as the wire says it.
pub(super) fn failure(facts: &StreamFacts, rejected: Rejected) -> (&'static str, String) {
    match rejected {
        Rejected::Throttled { shard } => (
            "ProvisionedThroughputExceededException",
            rate_exceeded(facts, shard),
        ),
        Rejected::Failed => ("InternalFailure", "Internal service failure.".to_owned()),
    }
}

pub(super) fn rate_exceeded(facts: &StreamFacts, shard: u32) -> String {
    format!(
        "Rate exceeded for shard {} in stream {} under account {}.",
        shard_id(shard),
        facts.name,
        facts.account
    )
}

/// PutRecords: one entry for each record, in order.
pub(super) fn put_records(facts: &StreamFacts, outcomes: &[Result<Placed, Rejected>]) -> Vec<u8> {
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let mut text = Vec::with_capacity(64 + outcomes.len() * 128);
    text.extend_from_slice(format!("{{\"FailedRecordCount\":{failed},\"Records\":[").as_bytes());
    for (index, outcome) in outcomes.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        put_outcome(facts, *outcome, &mut text);
    }
    text.extend_from_slice(b"]}");
    text
}

/// One entry of PutRecords, which is also the whole of PutRecord.
pub(super) fn put_outcome(facts: &StreamFacts, outcome: Result<Placed, Rejected>, text: &mut Vec<u8>) {
    match outcome {
        Ok(placed) => {
            text.extend_from_slice(b"{\"SequenceNumber\":\"");
            placed.sequence.write(text);
            text.extend_from_slice(b"\",\"ShardId\":\"shardId-");
            let mut digits = [b'0'; 12];
            put_digits(&mut digits, u64::from(placed.shard));
            text.extend_from_slice(&digits);
            text.extend_from_slice(b"\"}");
        }
        Err(rejected) => {
            let (code, message) = failure(facts, rejected);
            let entry = serde_json::json!({ "ErrorCode": code, "ErrorMessage": message });
            text.extend_from_slice(entry.to_string().as_bytes());
        }
    }
}

/// The beginning of GetRecords: everything up to the end of its records.
pub(super) fn records(facts: &StreamFacts, shard: u32, records: &[Record]) -> Vec<u8> {
    let bytes: usize = records.iter().map(|record| record.data.len() * 4 / 3).sum();
    let mut text = Vec::with_capacity(1_024 + bytes + records.len() * ENTRY_BYTES);
    text.extend_from_slice(b"{\"Records\":[");
    for (index, record) in records.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        write_record(facts, shard, record, &mut text);
    }
    text.push(b']');
    text
}

fn write_record(facts: &StreamFacts, shard: u32, record: &Record, text: &mut Vec<u8>) {
    text.extend_from_slice(b"{\"SequenceNumber\":\"");
    facts.sequence(shard, record.counter).write(text);
    text.extend_from_slice(b"\",\"ApproximateArrivalTimestamp\":");
    write_seconds(record.arrived_ms, text);
    text.extend_from_slice(b",\"Data\":\"");
    let start = text.len();
    let base64 = &data_encoding::BASE64;
    text.resize(start + base64.encode_len(record.data.len()), 0);
    base64.encode_mut(&record.data, &mut text[start..]);
    text.extend_from_slice(b"\",\"PartitionKey\":");
    serde_json::to_writer(&mut *text, &record.partition_key).expect("a text is written to memory");
    text.push(b'}');
}

/// Milliseconds since 1970 as the wire writes times: seconds with three decimals.
fn write_seconds(millis: i64, text: &mut Vec<u8>) {
    let millis = u64::try_from(millis).unwrap_or_default();
    let (mut seconds, mut thousandths) = ([b'0'; 12], [b'0'; 3]);
    put_digits(&mut seconds, millis / 1_000);
    put_digits(&mut thousandths, millis % 1_000);
    // JSON knows no leading zeros.
    let first = seconds.iter().position(|digit| *digit != b'0').unwrap_or(11);
    text.extend_from_slice(&seconds[first..]);
    text.push(b'.');
    text.extend_from_slice(&thousandths);
}

#[cfg(test)]
mod tests {
    use super::write_seconds;

    #[test]
    fn times_are_seconds_with_three_decimals() {
        for (millis, expected) in [(0, "0.000"), (7, "0.007"), (1_793_491_200_045, "1793491200.045")] {
            let mut text = Vec::new();
            write_seconds(millis, &mut text);
            assert_eq!(text, expected.as_bytes());
        }
    }
}
