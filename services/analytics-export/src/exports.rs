//! What people ask of the export: how fresh it is, whether a batch balances, and to close a window now.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::json;
use tenant_model::ExportId;
use tenant_model::export::{Batch, Delivery, DeliveryState, FileEntry, MeterTotal, Sides, Totals};
use tenant_store::audit::{self, NewAuditEntry};
use tenant_store::exports::{batches, datasets, deliveries};
use tenant_store::{Conn, StoreError};

use crate::{App, EVENTS, PassError};

/// A batch with what became of it.
#[derive(Clone, Debug)]
pub struct Export {
    /// The ledger's row.
    pub batch: Batch,
    /// Bytes of all its files.
    pub bytes: i64,
    /// Its loads.
    pub deliveries: Vec<Delivery>,
}

/// One meter of a batch as the three places see it; none where nobody has looked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterSides {
    /// The meter.
    pub meter: String,
    /// The booked events.
    pub source: Option<MeterTotal>,
    /// The bucket.
    pub stored: Option<MeterTotal>,
    /// The warehouse.
    pub warehouse: Option<MeterTotal>,
}

/// How far the export has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Everything booked before this moment is in the bucket; none before the first window.
    pub exported_until: Option<DateTime<Utc>>,
    /// True while a window is closed at an operator's wish.
    pub closing: bool,
}

impl Export {
    /// The comparison, empty before the first look.
    #[must_use]
    pub fn sides(&self) -> Sides {
        self.deliveries
            .first()
            .map(|delivery| delivery.sides.clone())
            .unwrap_or_default()
    }

    /// True when every warehouse holds exactly what the source and the bucket hold.
    #[must_use]
    pub fn balanced(&self) -> bool {
        !self.deliveries.is_empty()
            && self
                .deliveries
                .iter()
                .all(|delivery| delivery.state == DeliveryState::Verified)
    }

    /// The comparison meter by meter, in alphabetical order. Before the first look the files' own sums stand
    /// alone.
    #[must_use]
    pub fn meters(&self) -> Vec<MeterSides> {
        let sides = self.sides();
        let stored = sides.stored.as_ref().or_else(|| self.batch.totals());
        let (source, warehouse) = (sides.source.as_ref(), sides.warehouse.as_ref());
        let places = [source, stored, warehouse];
        let names: BTreeSet<&str> = places
            .iter()
            .flatten()
            .flat_map(|side| side.iter())
            .map(|(name, _)| name)
            .collect();
        let total = |side: Option<&Totals>, meter| side.map(|side| side.get(meter).unwrap_or_default());
        names
            .into_iter()
            .map(|meter| MeterSides {
                meter: meter.to_owned(),
                source: total(source, meter),
                stored: total(stored, meter),
                warehouse: total(warehouse, meter),
            })
            .collect()
    }
}

/// Batches, newest first, older than `before` if that is given; at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(app: &App, before: Option<ExportId>, limit: i64) -> Result<Vec<Export>, StoreError> {
    let mut tx = app.stores.begin_snapshot().await?;
    let found = batches::list(&mut tx, before, limit).await?;
    let exports = with_deliveries(&mut tx, found).await?;
    tx.rollback().await?;
    Ok(exports)
}

/// One batch with its files; `None` if there is none.
///
/// # Errors
/// When the database does not answer.
pub async fn find(app: &App, id: ExportId) -> Result<Option<(Export, Vec<FileEntry>)>, StoreError> {
    let mut tx = app.stores.begin_snapshot().await?;
    let found: Vec<Batch> = batches::find(&mut tx, id).await?.into_iter().collect();
    let export = with_deliveries(&mut tx, found).await?.pop();
    let files = batches::list_files(&mut tx, id).await?;
    tx.rollback().await?;
    Ok(export.map(|export| (export, files)))
}

async fn with_deliveries(conn: &mut Conn, found: Vec<Batch>) -> Result<Vec<Export>, StoreError> {
    let ids: Vec<ExportId> = found.iter().map(|batch| batch.id).collect();
    let bytes: HashMap<ExportId, i64> = batches::list_bytes(conn, &ids).await?.into_iter().collect();
    let mut by_batch: HashMap<ExportId, Vec<Delivery>> = HashMap::new();
    for delivery in deliveries::list(conn, &ids).await? {
        by_batch.entry(delivery.batch_id).or_default().push(delivery);
    }
    let export = |batch: Batch| Export {
        bytes: bytes.get(&batch.id).copied().unwrap_or_default(),
        deliveries: by_batch.remove(&batch.id).unwrap_or_default(),
        batch,
    };
    Ok(found.into_iter().map(export).collect())
}

/// How far the export has come.
///
/// # Errors
/// When the database does not answer.
pub async fn freshness(app: &App) -> Result<Freshness, StoreError> {
    let mut tx = app.stores.begin_snapshot().await?;
    let Some(dataset) = datasets::find(&mut tx, EVENTS).await? else {
        return Ok(Freshness {
            exported_until: None,
            closing: false,
        });
    };
    let unfinished = batches::find_unfinished(&mut tx, dataset.id).await?;
    let committed = batches::find_last_cut(&mut tx, dataset.id).await?;
    tx.rollback().await?;
    // A cut that found nothing says that nothing was missing then.
    let exported_until = if unfinished.is_some() {
        committed
    } else {
        dataset.last_cut_at.or(committed)
    };
    Ok(Freshness {
        exported_until,
        closing: dataset.close_through.is_some(),
    })
}

/// Asks for everything booked until now, without waiting for the next cut. The workers do it; a second request
/// before they have is the same request.
///
/// # Errors
/// When the database does not answer.
pub async fn close_window_now(app: &App, actor: &str) -> Result<Freshness, PassError> {
    app.prepare().await?;
    let mut tx = app.stores.begin_ops().await?;
    request_close(&mut tx, app, actor).await?;
    tx.commit().await?;
    Ok(freshness(app).await?)
}

/// The change of [`close_window_now`], inside the caller's transaction.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn request_close(conn: &mut Conn, app: &App, actor: &str) -> Result<(), StoreError> {
    let through = datasets::request_close(conn, EVENTS).await?;
    let entry = NewAuditEntry {
        tenant_id: None,
        actor: actor.to_owned(),
        action: "export.close_window",
        subject: EVENTS.to_owned(),
        detail: json!({ "through": through.to_string() }),
        at: app.kit.clock.now(),
    };
    audit::append(conn, entry).await
}
