//! Books a batch: deduplication, numbers, books and stream position in one transaction.
//!
//! READ COMMITTED, in this order: hold the dedupe day; move the checkpoint under the fence (nobody else may
//! book from here on, and a worker that lost its lease stops here); claim blocks; claim keys; write. Locks are
//! taken in one order everywhere: shard row, blocks sorted, keys sorted, rollups sorted.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tenant_model::usage::EventKey;
use tenant_model::{EventId, TenantId};
use tenant_store::stream_shards::{Advance, ListedShard, ShardLease};
use tenant_store::{
    StoreError, Tx, balance, dedupe, outbox, quarantine, rollups, stream_shards, tenants, usage_events,
};

use super::batch::Batch;
use super::ledger::{self, Known, Ledger, Origin};
use crate::App;

/// Why a batch was not booked. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Another worker holds the shard, or the checkpoint is not the one we saw.
    #[error("the lease of the shard is lost")]
    LeaseLost,
    /// No dedupe day is open.
    #[error("no dedupe day is open")]
    DayClosed,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// Events counted.
    pub accepted: usize,
    /// Things kept aside.
    pub quarantined: usize,
    /// Blocks recognised as booked before.
    pub redelivered: usize,
}

/// How a batch moves its shard.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// What arrived before this moment is booked with the batch.
    pub(crate) booked_until: Option<DateTime<Utc>>,
    /// The shard has ended and these follow it.
    pub(crate) children: Option<Vec<ListedShard>>,
}

/// Books `batch` under `lease`.
pub(crate) async fn book(
    app: &App,
    lease: &ShardLease,
    batch: &Batch,
    ending: &Ending,
) -> Result<Booked, BookError> {
    let mut tx = app.stores.begin_ops().await?;
    let day = dedupe::hold_day(&mut tx).await?.ok_or(BookError::DayClosed)?;
    let advance = Advance {
        checkpoint: batch.checkpoint.as_ref(),
        booked_until: ending.booked_until,
        closed: ending.children.is_some(),
    };
    if !stream_shards::advance(&mut tx, lease, &advance).await? {
        tx.rollback().await?;
        return Err(BookError::LeaseLost);
    }
    let mut booked = Booked::default();
    if !batch.is_empty() {
        let blocks: Vec<_> = batch.blocks.iter().map(|block| block.id).collect();
        let mut known = Known {
            new_blocks: dedupe::claim_blocks(&mut tx, day, &blocks).await?,
            states: tenants::states(&mut tx, &ledger::tenants(batch)).await?,
            ..Known::default()
        };
        let wanted = ledger::wanted(batch, &known);
        known.claimed = dedupe::claim_keys(&mut tx, day, &wanted).await?;
        let others: Vec<EventKey> = wanted
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| !known.claimed.contains(key))
            .collect();
        if !others.is_empty() {
            known.payloads = dedupe::find_payloads(&mut tx, &others).await?;
        }
        booked = write(app, lease, &mut tx, (batch, &known)).await?;
    }
    if let Some(children) = &ending.children {
        stream_shards::insert_listed(&mut tx, &lease.stream, children).await?;
        stream_shards::inherit(&mut tx, lease).await?;
    }
    tx.commit().await?;
    count(&booked);
    Ok(booked)
}

async fn write(
    app: &App,
    lease: &ShardLease,
    tx: &mut Tx,
    (batch, known): (&Batch, &Known),
) -> Result<Booked, StoreError> {
    let next_id = || app.kit.ids.uuid();
    let origin = Origin {
        shard_id: &lease.shard_id,
        now: app.kit.clock.now(),
        next_id: &next_id,
    };
    let ledger = Ledger::settle(batch, known, &origin);
    if !ledger.accepted.is_empty() {
        usage_events::insert_many(tx, &ledger.accepted).await?;
        rollups::add(tx, lease.slot, &ledger.rollups).await?;
    }
    let lines = ledger.balance();
    if !lines.is_empty() {
        balance::add(tx, lease.slot, &lines).await?;
    }
    if !ledger.quarantined.is_empty() {
        quarantine::insert_many(tx, &lease.stream, &ledger.quarantined).await?;
        announce(app, tx, &ledger).await?;
    }
    let redelivered = batch.copies + batch.blocks.len() - known.new_blocks.len();
    if redelivered > 0 {
        let number = i64::try_from(redelivered).unwrap_or(i64::MAX);
        stream_shards::add_redelivered(tx, lease, number).await?;
    }
    Ok(Booked {
        accepted: ledger.accepted.len(),
        quarantined: ledger.quarantined.len(),
        redelivered,
    })
}

/// Tells each tenant once per batch that usage of its own was kept aside, and why.
async fn announce(app: &App, tx: &mut Tx, ledger: &Ledger) -> Result<(), StoreError> {
    let mut by_tenant: BTreeMap<TenantId, BTreeMap<&str, u64>> = BTreeMap::new();
    for thing in &ledger.quarantined {
        if let Some(tenant_id) = thing.tenant_id {
            *by_tenant
                .entry(tenant_id)
                .or_default()
                .entry(thing.reason.as_str())
                .or_default() += 1;
        }
    }
    for (tenant_id, reasons) in by_tenant {
        let event = outbox::Event {
            id: EventId::from_uuid(app.kit.ids.uuid()),
            tenant_id: Some(tenant_id),
            kind: "usage.quarantined".to_owned(),
            data: serde_json::json!({ "reasons": reasons }),
            at: app.kit.clock.now(),
        };
        outbox::publish(tx, &event).await?;
    }
    Ok(())
}

fn count(booked: &Booked) {
    metrics::counter!("tenantry_metering_events_booked_total").increment(booked.accepted as u64);
    metrics::counter!("tenantry_metering_quarantined_total").increment(booked.quarantined as u64);
    metrics::counter!("tenantry_metering_blocks_redelivered_total").increment(booked.redelivered as u64);
}
