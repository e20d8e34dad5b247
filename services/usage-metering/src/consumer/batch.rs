//! Whole records, read and judged: what a booking transaction is given. Pure.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tenant_model::usage::{EventKey, Measurement, RejectionCode, StreamPosition, TimeBounds, UsageEvent};
use tenant_model::{Meter, TenantId};
use tenant_store::quarantine::QuarantineReason;
use uuid::Uuid;

use crate::block::{Block, BlockError, RawEvent};
use crate::meters::MeterSet;

/// The records of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The last record.
    pub(crate) checkpoint: Option<StreamPosition>,
    /// When the stream took the last record.
    pub(crate) arrived_until: Option<DateTime<Utc>>,
    /// Records that are blocks.
    pub(crate) blocks: Vec<ReadBlock>,
    /// Records that are not.
    pub(crate) poison: Vec<Poison>,
    /// Events in all blocks.
    pub(crate) events: usize,
    /// Records that are copies of a block of this batch.
    pub(crate) copies: usize,
}

/// A block of the stream.
#[derive(Debug)]
pub(crate) struct ReadBlock {
    pub(crate) id: Uuid,
    pub(crate) position: StreamPosition,
    pub(crate) sealed_at: DateTime<Utc>,
    /// Events refused at the door.
    pub(crate) rejected: Vec<(TenantId, u64)>,
    pub(crate) candidates: Vec<Candidate>,
}

/// A record that nobody can read.
#[derive(Debug)]
pub(crate) struct Poison {
    pub(crate) position: StreamPosition,
    pub(crate) reason: QuarantineReason,
    pub(crate) detail: String,
    pub(crate) raw: Vec<u8>,
}

/// One event on its way into the books.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) tenant_id: TenantId,
    /// Its place in the block.
    pub(crate) item: i32,
    pub(crate) arrived_at: DateTime<Utc>,
    pub(crate) raw: Bytes,
    pub(crate) verdict: Verdict,
}

/// What the rules say of an event, before the ledger is asked.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It counts unless its key is known.
    Countable(Box<Countable>),
    /// It is kept aside.
    Aside {
        reason: QuarantineReason,
        detail: String,
        key: Option<EventKey>,
    },
}

/// An event with what its meter takes from it.
#[derive(Debug)]
pub(crate) struct Countable {
    pub(crate) event: UsageEvent,
    pub(crate) key: EventKey,
    pub(crate) payload: i32,
    pub(crate) meter: Meter,
    pub(crate) measured: Measurement,
}

impl Batch {
    /// Takes a record in. Whatever it is, the checkpoint moves.
    pub(crate) fn add(
        &mut self,
        position: StreamPosition,
        (data, arrived_at): (Vec<u8>, Option<DateTime<Utc>>),
        (meters, bounds): (&MeterSet, TimeBounds),
    ) {
        match Block::decode(&data) {
            Ok(block) if self.blocks.iter().any(|earlier| earlier.id == block.id) => self.copies += 1,
            Ok(block) => {
                let block = read(position.clone(), block, (meters, bounds));
                self.events += block.candidates.len();
                self.blocks.push(block);
            }
            Err(error) => self.poison.push(Poison {
                position: position.clone(),
                reason: match error {
                    BlockError::Crc => QuarantineReason::Crc,
                    BlockError::NotABlock | BlockError::Damaged => QuarantineReason::Undecodable,
                },
                detail: error.to_string(),
                raw: data,
            }),
        }
        self.arrived_until = arrived_at.or(self.arrived_until);
        self.checkpoint = Some(position);
    }

    /// Whether there is nothing to write but a checkpoint.
    pub(crate) fn is_empty(&self) -> bool {
        self.checkpoint.is_none()
    }
}

fn read(position: StreamPosition, block: Block, rules: (&MeterSet, TimeBounds)) -> ReadBlock {
    let rejected = block
        .parts
        .iter()
        .map(|part| (part.tenant_id, part.rejected))
        .collect();
    let events = block
        .parts
        .into_iter()
        .flat_map(|part| part.events.into_iter().map(move |event| (part.tenant_id, event)));
    let candidates = events
        .zip(0_i32..)
        .map(|((tenant_id, RawEvent { arrived_at, json }), item)| Candidate {
            tenant_id,
            item,
            arrived_at,
            verdict: judge(tenant_id, arrived_at, &json, rules),
            raw: json,
        })
        .collect();
    ReadBlock {
        id: block.id,
        position,
        sealed_at: block.sealed_at,
        rejected,
        candidates,
    }
}

/// The door has judged already; here nothing is taken on trust.
fn judge(
    tenant: TenantId,
    arrived_at: DateTime<Utc>,
    json: &[u8],
    (meters, bounds): (&MeterSet, TimeBounds),
) -> Verdict {
    let event = match UsageEvent::parse(json) {
        Ok(event) => event,
        Err(rejection) => {
            let detail = rejection.to_string();
            return Verdict::Aside {
                reason: QuarantineReason::Undecodable,
                detail,
                key: None,
            };
        }
    };
    let key = event.key(tenant);
    let aside = |reason, detail| Verdict::Aside {
        reason,
        detail,
        key: Some(key),
    };
    let checked = event
        .check_tenant(tenant)
        .and_then(|()| event.check_time(arrived_at, bounds));
    if let Err(rejection) = checked {
        let reason = match rejection.code {
            RejectionCode::TenantMismatch => QuarantineReason::TenantMismatch,
            _ => QuarantineReason::Bounds,
        };
        return aside(reason, rejection.to_string());
    }
    let Some(meter) = meters.by_type(event.event_type()) else {
        return aside(
            QuarantineReason::UnknownMeter,
            format!("no meter counts {}", event.event_type()),
        );
    };
    match event.measure(meter) {
        Err(rejection) => aside(QuarantineReason::Bounds, rejection.to_string()),
        Ok(measured) => Verdict::Countable(Box::new(Countable {
            key,
            payload: event.payload_hash(),
            meter: meter.clone(),
            measured,
            event,
        })),
    }
}
