//! Puts blocks on the stream until they are there or time is up.
//!
//! Only what failed is put again, after a random pause, so that many senders do not return together. A
//! put whose outcome is unknown is repeated as well: a block that arrives twice is booked once.

use std::time::Duration;

use aws_access::kinesis::{KinesisStream, PUT_BYTES_MAX, PUT_RECORDS_MAX, PutEntry, PutOutcome};
use rand::RngExt;
use tokio::time::Instant;

const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A block ready for the stream.
pub(super) struct Delivery {
    pub(super) hash_key: u128,
    pub(super) record: Vec<u8>,
}

/// Says for each block whether the stream has acknowledged it before `deadline`.
pub(super) async fn put_until(
    stream: &KinesisStream,
    deliveries: &[Delivery],
    deadline: Instant,
) -> Vec<bool> {
    let mut stored = vec![false; deliveries.len()];
    let mut pause = PAUSE_FIRST;
    loop {
        for call in calls(deliveries, &stored) {
            // The last call may not outlive the answer; what it stored is a twin of the client's retry.
            let put = put(stream, deliveries, &call);
            if let Ok(outcomes) = tokio::time::timeout_at(deadline, put).await {
                call.iter()
                    .zip(outcomes)
                    .for_each(|(at, done)| stored[*at] = done);
            }
        }
        let next = Instant::now() + jittered(pause);
        if stored.iter().all(|done| *done) || next >= deadline {
            return stored;
        }
        tokio::time::sleep_until(next).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// What is missing, in calls within Kinesis's limits.
fn calls(deliveries: &[Delivery], stored: &[bool]) -> Vec<Vec<usize>> {
    let mut calls: Vec<Vec<usize>> = Vec::new();
    let mut bytes = usize::MAX;
    for (at, delivery) in deliveries.iter().enumerate().filter(|(at, _)| !stored[*at]) {
        // A partition key has up to 39 digits.
        let size = delivery.record.len() + 39;
        match calls.last_mut() {
            Some(call) if call.len() < PUT_RECORDS_MAX && bytes + size <= PUT_BYTES_MAX => {
                call.push(at);
                bytes += size;
            }
            Some(_) | None => {
                calls.push(vec![at]);
                bytes = size;
            }
        }
    }
    calls
}

async fn put(stream: &KinesisStream, deliveries: &[Delivery], call: &[usize]) -> Vec<bool> {
    let entries: Vec<_> = call
        .iter()
        .map(|at| PutEntry {
            explicit_hash_key: deliveries[*at].hash_key,
            data: deliveries[*at].record.clone(),
        })
        .collect();
    match stream.put(&entries).await {
        Ok(outcomes) => outcomes
            .iter()
            .map(|outcome| *outcome == PutOutcome::Stored)
            .collect(),
        Err(error) => {
            tracing::warn!(error = %error, records = call.len(), "a put of usage blocks failed");
            vec![false; call.len()]
        }
    }
}

fn jittered(pause: Duration) -> Duration {
    let most = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(rand::rng().random_range(most / 2..=most))
}
