//! Batches: the rows that fix a window before anything is written, and the files that came of it.

use chrono::{DateTime, NaiveDate, Utc};
use tenant_model::ExportId;
use tenant_model::export::{
    Batch, BatchIdentity, BatchState, Dataset, EVENTS_SCHEMA_ID, FileEntry, Progress, Sha256Hex, Totals,
    Window,
};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// What makes a batch committed.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Key of the manifest in the bucket.
    pub manifest_key: String,
    /// Its hash.
    pub manifest_sha256: Sha256Hex,
    /// Hash of the manifest before it.
    pub previous: Option<Sha256Hex>,
    /// When we learned of it.
    pub at: DateTime<Utc>,
}

/// The end of the dataset's last window; 0 before the first. The next window begins here.
///
/// # Errors
/// When the database does not answer.
pub async fn find_last_end(conn: &mut Conn, dataset: &Dataset) -> Result<i64, StoreError> {
    let end = sqlx::query_scalar!(
        r#"select coalesce(max(hi), 0) as "hi!" from export_batch where dataset_id = $1 and source_epoch = $2"#,
        dataset.id,
        dataset.source_epoch,
    )
    .fetch_one(conn)
    .await?;
    Ok(end)
}

/// Plans a batch.
///
/// # Errors
/// [`StoreError::Constraint`] when its window overlaps another.
pub async fn insert(conn: &mut Conn, batch: &Batch, fence: i64) -> Result<(), StoreError> {
    let identity = &batch.identity;
    sqlx::query!(
        "insert into export_batch
           (id, batch_key, dataset_id, source_epoch, lo, hi, revision, schema_id, state, fence, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'planned', $9, $10)",
        batch.id.as_uuid(),
        identity.batch_key(),
        batch.dataset_id,
        identity.source_epoch,
        identity.window.lo(),
        identity.window.hi(),
        identity.revision,
        EVENTS_SCHEMA_ID,
        fence,
        batch.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records the files of a planned batch: from here on a take-over writes the manifest instead of the files.
///
/// # Errors
/// [`StoreError::Stale`] when the batch is not planned any more.
pub async fn mark_written(
    conn: &mut Conn,
    id: ExportId,
    fence: i64,
    totals: &Totals,
    files: &[FileEntry],
) -> Result<(), StoreError> {
    let sums = serde_json::to_value(totals).map_err(StoreError::unreadable)?;
    let done = sqlx::query!(
        "update export_batch set state = 'written', rows = $3, sum_by_meter = $4, fence = $2
          where id = $1 and state = 'planned'",
        id.as_uuid(),
        fence,
        totals.rows(),
        sums,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() != 1 {
        return Err(StoreError::Stale);
    }
    insert_files(conn, id, files).await
}

async fn insert_files(conn: &mut Conn, id: ExportId, files: &[FileEntry]) -> Result<(), StoreError> {
    let column = |value: fn(&FileEntry) -> i64| files.iter().map(value).collect::<Vec<i64>>();
    let keys: Vec<String> = files.iter().map(|file| file.key.clone()).collect();
    let hashes: Vec<Vec<u8>> = files.iter().map(|file| file.sha256.as_bytes().to_vec()).collect();
    let buckets: Vec<i16> = files.iter().map(|file| file.tenant_bucket).collect();
    let days: Vec<NaiveDate> = files.iter().map(|file| file.day).collect();
    let earliest: Vec<DateTime<Utc>> = files.iter().map(|file| file.min_event_time).collect();
    let latest: Vec<DateTime<Utc>> = files.iter().map(|file| file.max_event_time).collect();
    sqlx::query!(
        "insert into export_file
           (batch_id, key, bytes, rows, sha256, tenant_bucket, day, min_event_time, max_event_time)
         select $1, * from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bytea[], $6::smallint[], $7::date[],
                                  $8::timestamptz[], $9::timestamptz[])",
        id.as_uuid(),
        &keys,
        &column(|file| file.bytes),
        &column(|file| file.rows),
        &hashes,
        &buckets,
        &days,
        &earliest,
        &latest,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records that the manifest stands in the bucket.
///
/// # Errors
/// [`StoreError::Stale`] when the batch is not in the state `written`.
pub async fn mark_committed(
    conn: &mut Conn,
    id: ExportId,
    fence: i64,
    commit: &Commit,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update export_batch
            set state = 'committed', manifest_key = $3, manifest_sha256 = $4, previous_sha256 = $5,
                committed_at = $6, fence = $2
          where id = $1 and state = 'written'",
        id.as_uuid(),
        fence,
        commit.manifest_key,
        &commit.manifest_sha256.as_bytes()[..],
        commit.previous.map(|hash| hash.as_bytes().to_vec()),
        commit.at,
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// Hash of the dataset's last committed manifest, in commit order.
///
/// # Errors
/// When the database does not answer.
pub async fn find_last_manifest(conn: &mut Conn, dataset_id: Uuid) -> Result<Option<Sha256Hex>, StoreError> {
    let hash = sqlx::query_scalar!(
        r#"select manifest_sha256 as "hash!" from export_batch
            where dataset_id = $1 and state = 'committed'
            order by source_epoch desc, hi desc limit 1"#,
        dataset_id,
    )
    .fetch_optional(conn)
    .await?;
    hash.map(hash_from).transpose()
}

/// When the dataset's last committed window was cut: everything booked before it is in the bucket.
///
/// # Errors
/// When the database does not answer.
pub async fn find_last_cut(conn: &mut Conn, dataset_id: Uuid) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select max(created_at) from export_batch where dataset_id = $1 and state = 'committed'",
        dataset_id,
    )
    .fetch_one(conn)
    .await?)
}

/// The files of a batch, by key.
///
/// # Errors
/// When the database does not answer.
pub async fn list_files(conn: &mut Conn, id: ExportId) -> Result<Vec<FileEntry>, StoreError> {
    let rows = sqlx::query_as!(
        FileRow,
        "select key, bytes, rows, sha256, tenant_bucket, day, min_event_time, max_event_time
           from export_file where batch_id = $1 order by key",
        id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(FileEntry::try_from).collect()
}

/// The oldest batch that is not committed: the one to go on with.
///
/// # Errors
/// When the database does not answer.
pub async fn find_unfinished(conn: &mut Conn, dataset_id: Uuid) -> Result<Option<Batch>, StoreError> {
    let row = sqlx::query_as!(
        BatchRow,
        "select b.id, b.dataset_id, d.name as dataset, b.source_epoch, b.lo, b.hi, b.revision, b.state,
                b.sum_by_meter, b.manifest_key, b.manifest_sha256, b.created_at, b.committed_at
           from export_batch b join export_dataset d on d.id = b.dataset_id
          where b.dataset_id = $1 and b.state <> 'committed' order by b.lo limit 1",
        dataset_id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Batch::try_from).transpose()
}

/// One batch.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, id: ExportId) -> Result<Option<Batch>, StoreError> {
    let row = sqlx::query_as!(
        BatchRow,
        "select b.id, b.dataset_id, d.name as dataset, b.source_epoch, b.lo, b.hi, b.revision, b.state,
                b.sum_by_meter, b.manifest_key, b.manifest_sha256, b.created_at, b.committed_at
           from export_batch b join export_dataset d on d.id = b.dataset_id
          where b.id = $1",
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Batch::try_from).transpose()
}

/// Batches, newest first, older than `before` if that is given; at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn, before: Option<ExportId>, limit: i64) -> Result<Vec<Batch>, StoreError> {
    let rows = sqlx::query_as!(
        BatchRow,
        "select b.id, b.dataset_id, d.name as dataset, b.source_epoch, b.lo, b.hi, b.revision, b.state,
                b.sum_by_meter, b.manifest_key, b.manifest_sha256, b.created_at, b.committed_at
           from export_batch b join export_dataset d on d.id = b.dataset_id
          where $1::uuid is null or b.id < $1
          order by b.id desc limit $2",
        before.map(|id| id.as_uuid()),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Batch::try_from).collect()
}

/// Bytes of all files of each of some batches.
///
/// # Errors
/// When the database does not answer.
pub async fn list_bytes(conn: &mut Conn, ids: &[ExportId]) -> Result<Vec<(ExportId, i64)>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(ExportId::as_uuid).collect();
    let rows = sqlx::query!(
        r#"select batch_id, sum(bytes)::bigint as "bytes!" from export_file
            where batch_id = any($1) group by batch_id"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (ExportId::from_uuid(row.batch_id), row.bytes))
        .collect())
}

struct BatchRow {
    id: Uuid,
    dataset_id: Uuid,
    dataset: String,
    source_epoch: i32,
    lo: i64,
    hi: i64,
    revision: i32,
    state: String,
    sum_by_meter: Option<serde_json::Value>,
    manifest_key: Option<String>,
    manifest_sha256: Option<Vec<u8>>,
    created_at: DateTime<Utc>,
    committed_at: Option<DateTime<Utc>>,
}

impl TryFrom<BatchRow> for Batch {
    type Error = StoreError;

    fn try_from(row: BatchRow) -> Result<Self, Self::Error> {
        let window = Window::new(row.lo, row.hi).map_err(StoreError::unreadable)?;
        Ok(Self {
            id: ExportId::from_uuid(row.id),
            dataset_id: row.dataset_id,
            created_at: row.created_at,
            progress: progress_from(&row)?,
            identity: BatchIdentity {
                dataset: row.dataset,
                source_epoch: row.source_epoch,
                window,
                revision: row.revision,
            },
        })
    }
}

/// The schema's checks make the fields of a state present; a row that lacks one was changed by hand.
fn progress_from(row: &BatchRow) -> Result<Progress, StoreError> {
    let missing = || StoreError::unreadable("a batch lacks what its state promises");
    let totals = || {
        let json = row.sum_by_meter.clone().ok_or_else(missing)?;
        serde_json::from_value::<Totals>(json).map_err(StoreError::unreadable)
    };
    match row.state.parse().map_err(StoreError::unreadable)? {
        BatchState::Planned => Ok(Progress::Planned),
        BatchState::Written => Ok(Progress::Written { totals: totals()? }),
        BatchState::Committed => Ok(Progress::Committed {
            totals: totals()?,
            manifest_key: row.manifest_key.clone().ok_or_else(missing)?,
            manifest_sha256: hash_from(row.manifest_sha256.clone().ok_or_else(missing)?)?,
            at: row.committed_at.ok_or_else(missing)?,
        }),
    }
}

struct FileRow {
    key: String,
    bytes: i64,
    rows: i64,
    sha256: Vec<u8>,
    tenant_bucket: i16,
    day: NaiveDate,
    min_event_time: DateTime<Utc>,
    max_event_time: DateTime<Utc>,
}

impl TryFrom<FileRow> for FileEntry {
    type Error = StoreError;

    fn try_from(row: FileRow) -> Result<Self, Self::Error> {
        Ok(Self {
            key: row.key,
            tenant_bucket: row.tenant_bucket,
            day: row.day,
            bytes: row.bytes,
            rows: row.rows,
            sha256: hash_from(row.sha256)?,
            min_event_time: row.min_event_time,
            max_event_time: row.max_event_time,
        })
    }
}

fn hash_from(bytes: Vec<u8>) -> Result<Sha256Hex, StoreError> {
    let sized = bytes
        .try_into()
        .map_err(|_| StoreError::unreadable("a hash is not 32 bytes"))?;
    Ok(Sha256Hex::from_bytes(sized))
}
