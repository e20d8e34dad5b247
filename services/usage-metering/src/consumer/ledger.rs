//! What a batch writes, once the ledger has said which keys are new. Pure.
//!
//! Every event of a new block ends in exactly one column of the books, by construction: [`Ledger::settle`]
//! walks the events once and adds one to `received` and one to something else.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use tenant_model::usage::{EventKey, Rollups};
use tenant_model::{TenantId, TenantState};
use tenant_store::balance::{Balance, BalanceLine};
use tenant_store::quarantine::{QuarantineReason, Quarantined};
use tenant_store::usage_events::BookedEvent;
use uuid::Uuid;

use super::batch::{Batch, Candidate, Countable, Poison, ReadBlock, Verdict};

/// What the database said of a batch.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Blocks not booked before.
    pub(crate) new_blocks: HashSet<Uuid>,
    /// The tenants that exist.
    pub(crate) states: HashMap<TenantId, TenantState>,
    /// Keys this transaction has claimed.
    pub(crate) claimed: HashSet<EventKey>,
    /// Payloads booked under the keys it could not claim.
    pub(crate) payloads: HashMap<EventKey, i32>,
}

/// What is written.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) accepted: Vec<BookedEvent>,
    pub(crate) rollups: Rollups,
    pub(crate) quarantined: Vec<Quarantined>,
    balance: BTreeMap<(TenantId, NaiveDate), Balance>,
    /// Keys this batch has counted, with their payloads.
    counted: HashMap<EventKey, i32>,
}

/// Where quarantined things come from.
pub(crate) struct Origin<'a> {
    pub(crate) shard_id: &'a str,
    pub(crate) now: DateTime<Utc>,
    pub(crate) next_id: &'a (dyn Fn() -> Uuid + Sync),
}

/// The tenants that a batch names.
pub(crate) fn tenants(batch: &Batch) -> Vec<TenantId> {
    let mut tenants: Vec<TenantId> = batch
        .blocks
        .iter()
        .flat_map(|block| {
            let of_events = block.candidates.iter().map(|candidate| candidate.tenant_id);
            block.rejected.iter().map(|(tenant, _)| *tenant).chain(of_events)
        })
        .collect();
    tenants.sort_unstable();
    tenants.dedup();
    tenants
}

/// The keys a batch would like to claim, each once, with the payload that came first.
pub(crate) fn wanted(batch: &Batch, known: &Known) -> Vec<(EventKey, i32)> {
    let mut keys: HashMap<EventKey, i32> = HashMap::new();
    for (_, candidate) in candidates(batch, known) {
        if let Verdict::Countable(countable) = &candidate.verdict
            && accrues(known, candidate.tenant_id)
        {
            keys.entry(countable.key).or_insert(countable.payload);
        }
    }
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort_unstable();
    keys
}

fn candidates<'a>(
    batch: &'a Batch,
    known: &'a Known,
) -> impl Iterator<Item = (&'a ReadBlock, &'a Candidate)> {
    let new = batch
        .blocks
        .iter()
        .filter(|block| known.new_blocks.contains(&block.id));
    new.flat_map(|block| block.candidates.iter().map(move |candidate| (block, candidate)))
}

fn accrues(known: &Known, tenant: TenantId) -> bool {
    known
        .states
        .get(&tenant)
        .is_some_and(|state| state.accrues_usage())
}

impl Ledger {
    /// Decides each event of the new blocks.
    pub(crate) fn settle(batch: &Batch, known: &Known, origin: &Origin<'_>) -> Self {
        let mut ledger = Self::default();
        for poison in &batch.poison {
            ledger.quarantined.push(poisoned(poison, origin));
        }
        for block in batch
            .blocks
            .iter()
            .filter(|block| known.new_blocks.contains(&block.id))
        {
            for (tenant, rejected) in &block.rejected {
                ledger.reject(known, (*tenant, block.sealed_at.date_naive()), *rejected);
            }
        }
        for (block, candidate) in candidates(batch, known) {
            ledger.settle_one((block, candidate), known, origin);
        }
        ledger
    }

    /// The books' lines, sorted.
    pub(crate) fn balance(&self) -> Vec<BalanceLine> {
        let line = |((tenant_id, day), balance): (&(TenantId, NaiveDate), &Balance)| BalanceLine {
            tenant_id: *tenant_id,
            day: *day,
            balance: *balance,
        };
        self.balance.iter().map(line).collect()
    }

    fn reject(&mut self, known: &Known, place: (TenantId, NaiveDate), rejected: u64) {
        // A block of ours never names a tenant that is not there; a line for it would belong to nobody.
        if rejected == 0 || !known.states.contains_key(&place.0) {
            return;
        }
        let rejected = i64::try_from(rejected).unwrap_or(i64::MAX);
        self.balance.entry(place).or_default().add(&Balance {
            received: rejected,
            rejected,
            ..Balance::default()
        });
    }

    fn settle_one(
        &mut self,
        (block, candidate): (&ReadBlock, &Candidate),
        known: &Known,
        origin: &Origin<'_>,
    ) {
        let mut change = Balance {
            received: 1,
            ..Balance::default()
        };
        let aside = match &candidate.verdict {
            _ if !accrues(known, candidate.tenant_id) => {
                change.quarantined = 1;
                let key = candidate.key();
                Some((
                    QuarantineReason::TenantState,
                    "the tenant is not billed now".to_owned(),
                    key,
                ))
            }
            Verdict::Aside { reason, detail, key } => {
                change.quarantined = 1;
                Some((*reason, detail.clone(), *key))
            }
            Verdict::Countable(countable) => self.count(candidate, countable, (known, &mut change)),
        };
        if let Some((reason, detail, key)) = aside {
            self.quarantined.push(Quarantined {
                id: (origin.next_id)(),
                tenant_id: known
                    .states
                    .contains_key(&candidate.tenant_id)
                    .then_some(candidate.tenant_id),
                reason,
                detail,
                raw: candidate.raw.to_vec(),
                key,
                shard_id: origin.shard_id.to_owned(),
                position: block.position.clone(),
                item: candidate.item,
                first_seen: origin.now,
            });
        }
        if known.states.contains_key(&candidate.tenant_id) {
            let place = (candidate.tenant_id, candidate.arrived_at.date_naive());
            self.balance.entry(place).or_default().add(&change);
        }
    }

    /// Counts the event, or says why it is kept aside; a plain duplicate is neither.
    fn count(
        &mut self,
        candidate: &Candidate,
        countable: &Countable,
        (known, change): (&Known, &mut Balance),
    ) -> Option<(QuarantineReason, String, Option<EventKey>)> {
        let key = countable.key;
        let first = self
            .counted
            .get(&key)
            .or_else(|| known.payloads.get(&key))
            .copied();
        match first {
            Some(payload) if payload == countable.payload => {
                change.duplicate = 1;
                return None;
            }
            Some(_) => {
                change.conflict = 1;
                let detail = "another payload was counted under this source and id".to_owned();
                return Some((QuarantineReason::Conflict, detail, Some(key)));
            }
            None => {}
        }
        let at = countable.event.occurred_at(candidate.arrived_at);
        let owner = (candidate.tenant_id, countable.meter.id);
        // The statement before said whether the key is ours. A key neither claimed nor known does not
        // exist; a sum beyond 128 bits does not happen either. Both are kept aside rather than guessed.
        if !known.claimed.contains(&key) || !self.rollups.count(owner, at, &countable.measured) {
            change.quarantined = 1;
            return Some((
                QuarantineReason::Bounds,
                "could not be counted exactly".to_owned(),
                Some(key),
            ));
        }
        self.counted.insert(key, countable.payload);
        change.accepted = 1;
        self.accepted.push(booked(candidate, countable, at));
        None
    }
}

impl Candidate {
    fn key(&self) -> Option<EventKey> {
        match &self.verdict {
            Verdict::Countable(countable) => Some(countable.key),
            Verdict::Aside { key, .. } => *key,
        }
    }
}

fn booked(candidate: &Candidate, countable: &Countable, at: DateTime<Utc>) -> BookedEvent {
    BookedEvent {
        tenant_id: candidate.tenant_id,
        key: countable.key,
        event_id: countable.event.id().to_owned(),
        source: countable.event.source().to_owned(),
        event_type: countable.event.event_type().to_owned(),
        subject: countable.event.subject().map(str::to_owned),
        meter_id: countable.meter.id,
        meter: countable.meter.definition.key().clone(),
        event_time: at,
        ingested_at: candidate.arrived_at,
        quantity: countable.measured.quantity,
        dimensions: countable.measured.dimensions.clone(),
    }
}

fn poisoned(poison: &Poison, origin: &Origin<'_>) -> Quarantined {
    Quarantined {
        id: (origin.next_id)(),
        tenant_id: None,
        reason: poison.reason,
        detail: poison.detail.clone(),
        raw: poison.raw.clone(),
        key: None,
        shard_id: origin.shard_id.to_owned(),
        position: poison.position.clone(),
        item: -1,
        first_seen: origin.now,
    }
}
