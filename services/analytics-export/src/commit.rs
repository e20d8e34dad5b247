//! From booked events to a committed batch: plan, write, commit. Each step can be repeated by anybody.
//!
//! The order is the promise. The ledger's row fixes the window before anything is written; files are named
//! by their content and written only if absent; the manifest comes last. A worker that dies leaves objects
//! that its successor writes again with the same bytes under the same keys, and a worker that only seemed dead
//! is stopped by its fence in the database and by "only if absent" in the bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use tenant_model::export::{
    Batch, BatchIdentity, BookedEvent, Dataset, Delivery, FileEntry, Layout, LoadManifestEntry, Manifest,
    Month, Partition, Progress, Reach, Sha256Hex, Totals, arrange, cut, totals_of,
};
use tenant_model::{EventId, ExportId};
use tenant_store::audit::{self, NewAuditEntry};
use tenant_store::exports::source::Budget;
use tenant_store::exports::{batches, datasets, deliveries, destinations, source};
use tenant_store::outbox;

use crate::objects::store;
use crate::parquet_file::{FileConstants, encode};
use crate::{App, EVENTS, PassError, Step};

/// Takes the dataset's lease, brings one batch as far as it goes, gives the lease back.
///
/// # Errors
/// Whatever stopped it; the next pass, of any worker, goes on from the ledger.
pub async fn pass(app: &App, worker: &str) -> Result<Step, PassError> {
    app.prepare().await?;
    let mut tx = app.stores.begin_ops().await?;
    let claimed = datasets::claim(&mut tx, EVENTS, worker, app.config.lease).await?;
    tx.commit().await?;
    let Some(dataset) = claimed else {
        return Ok(Step::Busy);
    };
    let done = advance(app, &dataset).await;
    let mut tx = app.stores.begin_ops().await?;
    datasets::release(&mut tx, &dataset).await?;
    tx.commit().await?;
    done
}

async fn advance(app: &App, dataset: &Dataset) -> Result<Step, PassError> {
    let Some(batch) = next_batch(app, dataset).await? else {
        return Ok(Step::Idle);
    };
    let totals = match batch.progress.clone() {
        Progress::Planned => write(app, dataset, &batch).await?,
        Progress::Written { totals } => totals,
        Progress::Committed { .. } => return Ok(Step::Advanced),
    };
    commit(app, dataset, &batch, totals).await?;
    Ok(Step::Advanced)
}

/// The batch to work on: an unfinished one, else a new one if it is time.
async fn next_batch(app: &App, dataset: &Dataset) -> Result<Option<Batch>, PassError> {
    let mut tx = app.stores.begin_ops().await?;
    let unfinished = batches::find_unfinished(&mut tx, dataset.id).await?;
    let end = batches::find_last_end(&mut tx, dataset).await?;
    tx.commit().await?;
    if unfinished.is_some() {
        return Ok(unfinished);
    }
    if !is_due(app, dataset) {
        return Ok(None);
    }
    refuse_unknown_manifests(app, dataset, end).await?;
    plan(app, dataset).await
}

fn is_due(app: &App, dataset: &Dataset) -> bool {
    let since_cut = |at: DateTime<Utc>| (app.kit.clock.now() - at).to_std().unwrap_or_default();
    dataset.close_through.is_some()
        || dataset
            .last_cut_at
            .is_none_or(|at| since_cut(at) >= app.config.cut_every)
}

/// A manifest beyond the ledger's end means that the database was set back in time and the bucket was not.
/// Going on would export the same events again under other windows.
async fn refuse_unknown_manifests(app: &App, dataset: &Dataset, end: i64) -> Result<(), PassError> {
    let folder = Layout::manifest_folder(&app.config.prefix, &dataset.name);
    let after = Layout::after_position(&app.config.prefix, &dataset.name, dataset.source_epoch, end);
    let page = app.bucket.list_after(&folder, Some(&after)).await?;
    match page.keys.into_iter().next() {
        None => Ok(()),
        Some(key) => Err(PassError::LedgerBehind { key }),
    }
}

/// Cuts the next window in one snapshot: the watermark and the rows it is cut by are seen at the same instant.
async fn plan(app: &App, held: &Dataset) -> Result<Option<Batch>, PassError> {
    let now = app.kit.clock.now();
    let mut tx = app.stores.begin_plan().await?;
    let dataset = datasets::hold(&mut tx, held, app.config.lease).await?;
    let lo = batches::find_last_end(&mut tx, &dataset).await?;
    let sealed = source::find_sealed(&mut tx).await?;
    let budget = Budget {
        rows: app.config.window_rows_max,
        bytes: app.config.sort_buffer_bytes,
    };
    let reach = source::find_reach(&mut tx, lo, sealed, budget).await?;
    let Some(window) = cut(lo, sealed, reach)? else {
        datasets::record_cut(&mut tx, &dataset, sealed, Some(now)).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let identity = BatchIdentity {
        dataset: dataset.name.clone(),
        source_epoch: dataset.source_epoch,
        window,
        revision: 0,
    };
    let batch = Batch {
        id: ExportId::from_uuid(app.kit.ids.uuid()),
        dataset_id: dataset.id,
        identity,
        progress: Progress::Planned,
        created_at: now,
    };
    batches::insert(&mut tx, &batch, dataset.fence).await?;
    // A window cut short by the budget leaves more behind it: the next cut is due at once.
    let cut_at = (reach == Reach::All).then_some(now);
    datasets::record_cut(&mut tx, &dataset, window.hi(), cut_at).await?;
    tx.commit().await?;
    Ok(Some(batch))
}

/// Reads the window, writes its files, records them.
async fn write(app: &App, dataset: &Dataset, batch: &Batch) -> Result<Totals, PassError> {
    let mut tx = app.stores.begin_snapshot().await?;
    let mut events = source::list(&mut tx, batch.identity.window).await?;
    tx.rollback().await?;
    let sorted = tokio::task::spawn_blocking(move || {
        let partitions = arrange(&mut events);
        (Arc::new(events), partitions)
    });
    let (events, partitions) = sorted.await?;
    let totals = totals_of(&events)?;
    let mut files = Vec::with_capacity(partitions.len());
    for partition in partitions {
        files.push(write_file(app, &batch.identity, &events, partition).await?);
        renew(app, dataset).await?;
    }
    let mut tx = app.stores.begin_ops().await?;
    datasets::hold(&mut tx, dataset, app.config.lease).await?;
    batches::mark_written(&mut tx, batch.id, dataset.fence, &totals, &files).await?;
    tx.commit().await?;
    Ok(totals)
}

/// Stops a worker whose lease was taken over, and prolongs the lease of one at work.
async fn renew(app: &App, dataset: &Dataset) -> Result<(), PassError> {
    let mut tx = app.stores.begin_ops().await?;
    datasets::hold(&mut tx, dataset, app.config.lease).await?;
    tx.commit().await?;
    Ok(())
}

async fn write_file(
    app: &App,
    identity: &BatchIdentity,
    events: &Arc<Vec<BookedEvent>>,
    partition: Partition,
) -> Result<FileEntry, PassError> {
    let constants = FileConstants {
        batch_key: identity.batch_key(),
        revision: identity.revision,
        tenant_bucket: partition.tenant_bucket,
        day: partition.day,
    };
    let (all, rows) = (Arc::clone(events), partition.rows.clone());
    let encoded = tokio::task::spawn_blocking(move || {
        let bytes = encode(&constants, &all[rows])?;
        let sha256 = Sha256Hex::of(&bytes);
        Ok::<_, PassError>((Bytes::from(bytes), sha256))
    });
    let (bytes, sha256) = encoded.await??;
    let entry = describe(
        identity,
        &events[partition.rows.clone()],
        &partition,
        (bytes.len(), sha256),
        app,
    );
    store(app, &entry.key, bytes, &sha256).await?;
    Ok(entry)
}

fn describe(
    identity: &BatchIdentity,
    rows: &[BookedEvent],
    partition: &Partition,
    (bytes, sha256): (usize, Sha256Hex),
    app: &App,
) -> FileEntry {
    let times = rows.iter().map(|event| event.event_time);
    let midnight = partition.day.and_time(chrono::NaiveTime::MIN).and_utc();
    FileEntry {
        key: Layout::new(&app.config.prefix, identity).file(partition.tenant_bucket, partition.day, &sha256),
        tenant_bucket: partition.tenant_bucket,
        day: partition.day,
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        rows: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        sha256,
        min_event_time: times.clone().min().unwrap_or(midnight),
        max_event_time: times.max().unwrap_or(midnight),
    }
}

/// Writes the load manifests and the manifest, then tells the ledger, the outbox and the audit log at once.
async fn commit(app: &App, dataset: &Dataset, batch: &Batch, totals: Totals) -> Result<(), PassError> {
    let mut tx = app.stores.begin_ops().await?;
    let files = batches::list_files(&mut tx, batch.id).await?;
    let previous = batches::find_last_manifest(&mut tx, dataset.id).await?;
    tx.commit().await?;
    let layout = Layout::new(&app.config.prefix, &batch.identity);
    let load_manifests = write_load_manifests(app, &layout, &files).await?;
    let manifest = Manifest::new(&batch.identity, files, load_manifests, totals, previous);
    let bytes = manifest.to_bytes()?;
    let manifest_sha256 = Sha256Hex::of(&bytes);
    let manifest_key = layout.manifest();
    store(app, &manifest_key, Bytes::from(bytes), &manifest_sha256).await?;
    let at = app.kit.clock.now();
    record(
        app,
        dataset,
        batch,
        &batches::Commit {
            manifest_key,
            manifest_sha256,
            previous,
            at,
        },
    )
    .await?;
    tracing::info!(export.id = %batch.id, export.rows = manifest.rows, "exported a batch");
    Ok(())
}

async fn record(
    app: &App,
    dataset: &Dataset,
    batch: &Batch,
    commit: &batches::Commit,
) -> Result<(), PassError> {
    let mut tx = app.stores.begin_ops().await?;
    datasets::hold(&mut tx, dataset, app.config.lease).await?;
    batches::mark_committed(&mut tx, batch.id, dataset.fence, commit).await?;
    for destination in destinations::list(&mut tx).await? {
        let delivery = Delivery::new(app.kit.ids.uuid(), destination.id, batch.id, commit.at);
        deliveries::insert(&mut tx, &delivery, commit.at).await?;
    }
    let detail = json!({
        "dataset": dataset.name,
        "manifest": commit.manifest_key,
        "manifest_sha256": commit.manifest_sha256.to_string(),
    });
    let event = outbox::Event {
        id: EventId::from_uuid(app.kit.ids.uuid()),
        tenant_id: None,
        kind: "export.committed".to_owned(),
        data: json!({ "id": batch.id, "manifest_sha256": commit.manifest_sha256 }),
        at: commit.at,
    };
    outbox::publish(&mut tx, &event).await?;
    let entry = NewAuditEntry {
        tenant_id: None,
        actor: "system".to_owned(),
        action: "export.commit",
        subject: batch.id.to_string(),
        detail,
        at: commit.at,
    };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(())
}

/// What COPY reads: the files of one target table.
#[derive(Serialize)]
struct LoadManifest {
    entries: Vec<LoadEntry>,
}

#[derive(Serialize)]
struct LoadEntry {
    url: String,
    /// A missing file fails the load instead of being skipped.
    mandatory: bool,
    meta: LoadMeta,
}

#[derive(Serialize)]
struct LoadMeta {
    /// Must be exact for Parquet.
    content_length: i64,
}

async fn write_load_manifests(
    app: &App,
    layout: &Layout<'_>,
    files: &[FileEntry],
) -> Result<Vec<LoadManifestEntry>, PassError> {
    let mut by_month: BTreeMap<Month, Vec<LoadEntry>> = BTreeMap::new();
    for file in files {
        let url = format!("s3://{}/{}", app.bucket.name(), file.key);
        let entry = LoadEntry {
            url,
            mandatory: true,
            meta: LoadMeta {
                content_length: file.bytes,
            },
        };
        by_month.entry(Month::of(file.day)).or_default().push(entry);
    }
    let mut written = Vec::with_capacity(by_month.len());
    for (month, entries) in by_month {
        let bytes = serde_json::to_vec(&LoadManifest { entries }).map_err(PassError::Json)?;
        let (key, sha256) = (layout.load_manifest(month), Sha256Hex::of(&bytes));
        store(app, &key, Bytes::from(bytes), &sha256).await?;
        written.push(LoadManifestEntry {
            month: month.to_string(),
            key,
            sha256,
        });
    }
    Ok(written)
}
